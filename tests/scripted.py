"""A transcriber that hears what a test tells it to, and calls to let it hear."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from pipeline import demo, settings
from pipeline.log import Log
from pipeline.settings import Home
from pipeline.transcribe import Kept
from pipeline.types import Audio, Segment, Span, Transcript


class Scripted:
    """A transcriber that hears the same words in every call, one segment a span, each a window; or fails, or is
    stopped like by Ctrl-C after so many windows."""

    engine = "scripted"
    model = "scripted"

    def __init__(
        self,
        words: str = "我家的水管坏了，请派人来修一下。",
        fail: type[BaseException] | None = None,
        stop_after: int | None = None,
    ):
        self.words = words
        self.fail = fail
        self.calls = 0
        self.windows = 0
        self.stop_after = stop_after

    def transcribe(
        self,
        audio: Audio,
        speech: Sequence[Span],
        progress: Callable[[float], None] | None = None,
        kept: Kept | None = None,
    ) -> Transcript:
        self.calls += 1
        if self.fail is not None:
            raise self.fail("scripted")
        segments: list[Segment] = []
        done = 0.0
        for span in speech:
            key = f"{span.channel} {span.start} {span.end}"
            found = kept.get(key) if kept is not None else None
            if found is None:
                self.windows += 1
                if self.stop_after is not None and self.windows > self.stop_after:
                    raise KeyboardInterrupt
                found = (Segment(span.start, span.end, self.words, channel=span.channel),)
                if kept is not None:
                    kept.put(key, found)
            segments += found
            done += span.end - span.start
            if progress is not None:
                progress(done)
        return Transcript(self.engine, self.model, "zh", tuple(segments), tuple(speech))


def make_home(folder: Path) -> Home:
    """A home in which files settle at once."""
    made, _new = settings.init(folder)
    text = (made.path / "hotline.toml").read_text(encoding="utf-8")
    text = text.replace("# settle_seconds = 2.0", "settle_seconds = 0.05")
    (made.path / "hotline.toml").write_text(text, encoding="utf-8")
    return settings.find(made.path)


def drop(home: Home, *formats: str, to: str = "") -> list[Path]:
    """Copy demonstration calls of these suffixes (the first of each) into the home's recordings."""
    dropped = []
    for suffix in formats:
        call = next(c for c in demo.references() if c["file"].endswith(suffix) and c["requests"])
        target = home.recordings / (to or call["file"])
        target.write_bytes((demo.data() / "calls" / call["file"]).read_bytes())
        old = (datetime.now() - timedelta(hours=1)).timestamp()
        os.utime(target, (old, old))
        dropped.append(target)
    return dropped


def states(log: Log) -> dict[str, int]:
    return {state: n for state, n in log.states().items() if n}
