"""The sound of a request, or of a place in a call: cut out of the kept original, and played."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import UsageProblem
from pipeline.i18n import _

if TYPE_CHECKING:
    from pydub import AudioSegment

    from pipeline.log import Log
    from pipeline.settings import Home

LISTEN_S = 20.0
"""How much of a call is played from a moment on."""


def of_request(log: Log, home: Home, number: int) -> AudioSegment:
    """The sound of a request, from its first words to its last.

    Raises:
        UsageProblem: the call came as text.
        HotlineError: the recording has gone.
    """
    row = log.request(number)
    start = min((span.start for span in row.spans), default=0.0)
    end = max((span.end for span in row.spans), default=None)
    return of_call(log, home, row.call_id, start, end)


def of_call(
    log: Log, home: Home, call_id: int, start: float = 0.0, end: float | None = None
) -> AudioSegment:
    """The sound of a call from `start` to `end` seconds.

    Raises:
        UsageProblem: the call came as text, or is over by then.
        HotlineError: the recording has gone.
    """
    from pipeline import audio, process

    call = log.call(call_id)
    if call.recording_id is None:
        raise UsageProblem(_("Call {n} came as text; there is nothing to play.").format(n=call_id))
    original = process.original(home, log.recording(call.recording_id))
    if start >= call.duration:
        raise UsageProblem(_("Call {n} is only {s:.0f} s long.").format(n=call_id, s=call.duration))
    return audio.clip(original, start, call.duration if end is None else end)


def of_listening(log: Log, home: Home, number: str) -> AudioSegment:
    """The sound of what waits for an ear, by its number in `open`: L17 is a stretch, R5 a recording.

    Raises:
        UsageProblem: it is no such number.
        HotlineError: the recording has gone.
    """
    from pipeline import audio, life, process
    from pipeline.desk import read_listening

    spans, recordings = read_listening((number,))
    if spans:
        span = life.span(log, spans[0])
        return of_call(log, home, span.call_id, span.start, span.end)
    sound = audio.decode(process.original(home, log.recording(recordings[0])))
    return audio.clip(sound, 0.0, sound.duration)


def write(clip: AudioSegment, path: Path) -> Path:
    """Write the clip; a WAV that its owner alone may read where it is ours to name."""
    from pipeline import audio

    path.parent.mkdir(mode=0o700, exist_ok=True)
    audio.encode(clip, path)
    return path


def start(path: Path) -> bool:
    """Open `path` with the computer's player; False where none is known."""
    if sys.platform == "win32":
        os.startfile(path)
        return True
    opener = shutil.which("open" if sys.platform == "darwin" else "xdg-open")
    if opener is None:
        return False
    done = subprocess.run([opener, str(path)], check=False, capture_output=True)
    return done.returncode == 0
