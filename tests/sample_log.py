"""Calls for a log, made short: what the tests of the log, its proof and its search are about."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

from pipeline import hearings, recordings, understandings
from pipeline.log import Log
from pipeline.rows import CallFacts
from pipeline.types import (
    Evidence,
    NameFacts,
    Place,
    Request,
    Segment,
    Span,
    Transcript,
    Turn,
    Understanding,
    Word,
)

SHANGHAI = timezone(timedelta(hours=8))
MONDAY = datetime(2026, 11, 23, 9, 0, tzinfo=SHANGHAI)


class Clock:
    """A clock that a test sets; a second goes by at each look."""

    def __init__(self, at: datetime = MONDAY) -> None:
        self.at = at

    def __call__(self) -> datetime:
        self.at += timedelta(seconds=1)
        return self.at


def speak(*texts: str, pace: float = 0.25) -> tuple[Turn, ...]:
    """Turns one after the other, a character each `pace` seconds; an empty text was not heard."""
    turns, at = [], 0.0
    for text in texts:
        end = at + (len(text) * pace or 1.0)
        turns.append(Turn("unknown", text, at, end, unheard=not text))
        at = end + 0.2
    return tuple(turns)


def hear(turns: Sequence[Turn]) -> Transcript:
    """A transcript of which `turns` could have been made: a segment a turn, a word a character."""
    segments = []
    for turn in turns:
        if turn.text:
            step = (turn.end - turn.start) / len(turn.text)
            words = tuple(
                Word(turn.start + n * step, turn.start + (n + 1) * step, char, 0.9)
                for n, char in enumerate(turn.text)
            )
            segments.append(Segment(turn.start, turn.end, turn.text, words, turn.channel))
    speech = tuple(Span(turn.start, turn.end, turn.channel) for turn in turns)
    return Transcript("whisper", "demo", "zh", tuple(segments), speech, {"beam": 5})


def ask(*turns: int, category: str = "repairs", urgency: str = "routine", **more: Any) -> Request:
    """A request of whole turns; `more` overrides any field."""
    fields: dict[str, Any] = {
        "turns": turns,
        "spans": (),
        "category": category,
        "kind": "help",
        "urgency": urgency,
        "gist": "电梯坏了",
        "place": Place(building="2", room="501"),
        "phone": None,
        "caller_name": None,
        "undertaking": None,
        "conditions": (),
        "due_hint": None,
        "evidence": (),
        "review": False,
    }
    return Request(**{**fields, **more})


def because(tag: str, value: str, turns: Sequence[Turn], turn: int, words: str) -> Evidence:
    start = turns[turn].text.index(words)
    return Evidence(tag, value, "rule", words, turn, start, start + len(words))


def receive(log: Log, name: str, at: datetime = MONDAY, phone: str | None = None) -> int:
    """A recording that arrived whole and is kept; its id."""
    row = recordings.seen(log, f"/home/recordings/{name}", 1000, at)
    digest = hashlib.sha256(name.encode()).hexdigest()
    facts = NameFacts(at, "name:miui", phone, None, "name:miui" if phone else None)
    return recordings.received(
        log, row.id, digest, f"originals/{digest[:2]}/{digest}.wav", facts
    ).id


def log_call(
    log: Log,
    name: str,
    turns: Sequence[Turn],
    requests: Sequence[Request] = (),
    *,
    at: datetime = MONDAY,
    phone: str | None = None,
    chatter: Sequence[int] | None = None,
    listen: Sequence[int] = (),
    due: timedelta = timedelta(days=5),
) -> list[int]:
    """A recording all the way into the log; the numbers of its requests. Turns not named are chatter."""
    recording = receive(log, name, at, phone)
    facts = CallFacts(at, "name:miui", turns[-1].end, "mono", 1, "amrnb", caller_phone=phone)
    transcript = hearings.save(log, recording, facts, hear(turns), turns)
    named = {turn for request in requests for turn in request.turns} | set(listen)
    if chatter is None:
        chatter = tuple(n for n in range(len(turns)) if n not in named)
    found = Understanding(tuple(requests), tuple(chatter), tuple(listen))
    return understandings.save(log, transcript, found, [at + due for _ in requests])


def sound(log: Log) -> None:
    """The log proves itself, as it must after whatever a test did."""
    assert log.check() == ([], 0.0)
