"""The sound of a request, or of a place in a call: cut out of the kept original, and played."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import HotlineError, UsageProblem
from pipeline.i18n import _, system_says

if TYPE_CHECKING:
    from pydub import AudioSegment

    from pipeline.log import Log
    from pipeline.settings import Home

LISTEN_S = 20.0
"""How much of a call is played from a moment on."""
APART_S = 5.0
"""Words of a request that stand further apart are played one after the other, without what is between."""
PAUSE_S = 0.4
"""What is heard between two such places."""


def clip_of(
    log: Log, home: Home, number: int | None, call_id: int | None, at: float | None
) -> AudioSegment:
    """The sound of request `number`, place by place; or of a call, LISTEN_S from `at` (seconds) on, else
    the whole.

    Raises:
        UsageProblem: the call came as text, or is over by then.
        HotlineError: the recording has gone.
    """
    places: list[tuple[float, float]] = []
    if number is not None:
        row = log.request(number)
        call_id = row.call_id
        places = [(span.start, span.end) for span in row.spans]
    assert call_id is not None
    if at is not None:
        places = [(at, at + LISTEN_S)]
    return _cut(log, home, call_id, places)


def clip_of_span(log: Log, home: Home, span_id: int) -> AudioSegment:
    """The sound of a stretch that was not understood. Raises what `clip_of` raises."""
    span = log.span(span_id)
    return _cut(log, home, span.call_id, [(span.start, span.end)])


def clip_of_recording(log: Log, home: Home, recording_id: int) -> AudioSegment:
    """A whole recording, such as one in which no speech was found. Raises what `audio.decode` raises."""
    from pipeline import audio, process

    sound = audio.decode(process.original(home, log.recording(recording_id)))
    return audio.clip(sound, 0.0, sound.duration)


def _cut(log: Log, home: Home, call_id: int, places: Sequence[tuple[float, float]]) -> AudioSegment:
    """What was said in these places of a call, each with a little before and after; none: the whole."""
    from pipeline import audio, process

    call = log.call(call_id)
    if call.recording_id is None:
        raise UsageProblem(_("Call {n} came as text; there is nothing to play.").format(n=call_id))
    original = process.original(home, log.recording(call.recording_id))
    places = joined(places) or [(0.0, call.duration)]
    if places[0][0] >= call.duration:
        raise UsageProblem(_("Call {n} is only {s:.0f} s long.").format(n=call_id, s=call.duration))
    margin = home.settings.play.margin_seconds
    sound = audio.decode(original, max_seconds=places[-1][1] + margin)
    return audio.row(
        [audio.clip(sound, start, end, before=margin, after=margin) for start, end in places],
        PAUSE_S,
    )


def joined(places: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Places in the order of their times, those less than APART_S apart as one."""
    found: list[tuple[float, float]] = []
    for start, end in sorted(places):
        if found and start - found[-1][1] < APART_S:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found


def refuse(home: Home, path: Path) -> None:
    """Keep clips out of the folders whose files are calls.

    Raises:
        UsageProblem: `path` lies in one.
    """
    for folder in (home.recordings, home.originals):
        if path.absolute().resolve().is_relative_to(folder.resolve()):
            raise UsageProblem(
                _(
                    "{folder} holds calls; a clip there would become one. Write it elsewhere."
                ).format(folder=folder)
            )


def write(clip: AudioSegment, path: Path) -> Path:
    from pipeline import audio

    audio.encode(clip, path)
    return path


def scratch(home: Home) -> Path:
    """Where a clip is put to be played; the ones before, which hold somebody's voice, are removed."""
    folder = home.path / ".cache"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        for old in folder.glob("play-*.wav"):
            with contextlib.suppress(OSError):  # a player may still hold it
                old.unlink()
    except OSError as error:
        raise HotlineError(
            _("{folder} cannot be written: {error}.").format(
                folder=folder, error=system_says(error)
            )
        ) from error
    return folder / f"play-{secrets.token_hex(4)}.wav"


def start(path: Path, command: Sequence[str] = ()) -> bool:
    """Play `path` by the office's own command, else by what this computer has; False: it has nothing.

    Raises:
        HotlineError: the office's own command cannot be run.
    """
    own = [part.replace("{file}", str(path)) for part in command]
    if own and own == list(command):
        own.append(str(path))
    if not own and sys.platform == "win32":
        os.startfile(path)
        return True
    for player in [own] if own else _players():
        if not own and shutil.which(player[0]) is None:
            continue
        try:
            done = subprocess.run([*player, *([] if own else [str(path)])], capture_output=True)
        except OSError as error:
            raise HotlineError(
                _(
                    'The player "{command}" cannot be run: {error}. See [play] in hotline.toml.'
                ).format(command=player[0], error=system_says(error))
            ) from error
        if done.returncode == 0:
            return True
    return False


def _players() -> list[list[str]]:
    """What may play a file here, the likeliest first; in a session without a desktop no window opens."""
    if sys.platform == "darwin":
        return [["afplay"], ["open"]]
    desktop = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    window = [["xdg-open"]] if desktop else []
    quiet = [["pw-play"], ["paplay"], ["aplay", "-q"], ["mpv", "--no-video", "--really-quiet"]]
    return [*window, *quiet, ["ffplay", "-nodisp", "-autoexit", "-loglevel", "quiet"]]
