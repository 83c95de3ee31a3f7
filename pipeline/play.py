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


def clip_of(
    log: Log, home: Home, number: int | None, call_id: int | None, at: float | None
) -> AudioSegment:
    """The sound of request `number`, from its first words to its last; or of a call, LISTEN_S from `at`
    (seconds) on, else the whole.

    Raises:
        UsageProblem: the call came as text, or is over by then.
        HotlineError: the recording has gone.
    """
    from pipeline import audio, process

    start, end = 0.0, None
    if number is not None:
        row = log.request(number)
        call_id = row.call_id
        start = min((span.start for span in row.spans), default=0.0)
        end = max((span.end for span in row.spans), default=None)
    assert call_id is not None
    call = log.call(call_id)
    if at is not None:
        start, end = at, at + LISTEN_S
    if call.recording_id is None:
        raise UsageProblem(_("Call {n} came as text; there is nothing to play.").format(n=call_id))
    original = process.original(home, log.recording(call.recording_id))
    if start >= call.duration:
        raise UsageProblem(_("Call {n} is only {s:.0f} s long.").format(n=call_id, s=call.duration))
    return audio.clip(original, start, call.duration if end is None else end)


def clip_of_span(log: Log, home: Home, span_id: int) -> AudioSegment:
    """The sound of a stretch that was not understood. Raises what `clip_of` raises."""
    from pipeline import audio, life, process

    span = life.span(log, span_id)
    call = log.call(span.call_id)
    if call.recording_id is None:
        raise UsageProblem(_("Call {n} came as text; there is nothing to play.").format(n=call.id))
    original = process.original(home, log.recording(call.recording_id))
    return audio.clip(original, span.start, span.end)


def clip_of_recording(log: Log, home: Home, recording_id: int) -> AudioSegment:
    """A whole recording, such as one in which no speech was found. Raises what `audio.decode` raises."""
    from pipeline import audio, process

    sound = audio.decode(process.original(home, log.recording(recording_id)))
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
