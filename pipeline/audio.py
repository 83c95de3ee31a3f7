"""Any recording -> 16 kHz channels and stretches of speech; clips for playing back.

A process of its own decodes (`decoder.py`); Silero VAD finds speech; pydub cuts and joins (`clips.py`).
Memory: 64 kB a second and channel (float32), so 690 MB for a mono call of three hours.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline import decoder
from pipeline.channels import channels, runs
from pipeline.clips import encode, row, segment
from pipeline.i18n import _
from pipeline.levels import FRAME, TINY, band_levels, frames_of, gains
from pipeline.types import SAMPLE_RATE, Audio, Span

if TYPE_CHECKING:
    from pydub import AudioSegment

__all__ = [
    "Quality",
    "clip",
    "complaints",
    "decode",
    "encode",
    "quality",
    "row",
    "segment",
    "speech",
]


def decode(path: Path, *, name: str | None = None, max_seconds: float | None = None) -> Audio:
    """The sound in any file, whatever its suffix says, at SAMPLE_RATE; see `Audio` for the form.

    Sentences call it `name`, by default the file's own. Packets that cannot be decoded are left out,
    and decoding goes on; after a crash of the decoder there is what came before it. Of several sound
    tracks the main one is heard; more than two channels are mixed to one. `problems` says so, and
    also when the length is not what the header promises. Decoding stops after `max_seconds`.

    Raises:
        UnsupportedAudio: no sound that can be decoded is in the file, or it is a playlist.
        DecoderFailed: the decoder crashed or hung before any sound came.
        HotlineError: the file cannot be read (permission, broken disk).
    """
    found = decoder.shared().decode(path, name=name, seconds=max_seconds)
    limit = None if max_seconds is None else round(max_seconds * SAMPLE_RATE)
    seconds = len(found.left) / SAMPLE_RATE
    heard, medium, problem = channels(found.left, found.right)
    return Audio(
        channels=tuple(channel[:limit] for channel in heard),
        duration=seconds if max_seconds is None else min(seconds, max_seconds),
        medium=medium,
        container=found.container,
        codec=found.codec,
        source_rate=found.source_rate,
        source_channels=found.source_channels,
        problems=found.problems if problem is None else (*found.problems, problem),
        created_at=found.created_at,
    )


def clip(
    source: Audio | Path, start: float, end: float, *, before: float = 0.5, after: float = 0.5
) -> AudioSegment:
    """What was said from `start` to `end` seconds, with some time around it, in all channels mixed.

    A path is decoded only as far as needed. Raises what `decode` raises.
    """
    if not isinstance(source, Audio):
        source = decode(source, max_seconds=end + after)
    return segment(source, start - before, end + after, None)


# --- Speech -------------------------------------------------------------------------------------

_MIN_SILENCE_S = 0.5
_PAD_S = 0.4
"""A pause that ends a stretch, and what is added around it: the settings that users of Whisper with
Silero VAD arrive at (faster-whisper's pad; its silence of 2 s is too long for a dialogue)."""
_VAD_LEVEL_DBFS = -25.0
_VAD_MAX_GAIN_DB = 30.0
"""Quiet calls are brought to this level for the VAD only, by at most so much."""

_GUARD_BELOW_DB = 15.0
"""Sound that is less than this below the speech of its channel is loud: see `speech`."""
_GUARD_ALONE_DBFS = -45.0
"""What is loud in a channel in which the VAD found no speech; telephone line noise lies below -55."""
_GUARD_OVER_FLOOR_DB = 10.0
"""And it must stand out of the channel's own noise (the 10th percentile) by so much."""
_GUARD_LEAK_DB = 10.0
"""The other channel speaking and louder by so much: a leak of what is heard there."""
_GUARD_MIN_S = 0.3
_GUARD_GAP_S = 0.2
_GUARD_PAD_S = 0.2

EVEN_DB = 20.0
"""By how much at most the VAD hears the quiet party of a channel raised."""


def speech(audio: Audio) -> tuple[Span, ...]:
    """Every stretch that may be speech, by start: what Silero VAD finds, a channel at a time, and
    what it dropped although it is loud.

    The VAD is known to drop telephone-band voices. So sound of at least 0.3 s counts too if it is
    loud (the `_GUARD_` figures above) and is not a steady tone (see `_tones`): shouts, coughs,
    doors and music are in, since a machine must not decide here; dial and ring tones, hum and
    even noise are out.
    """
    found = [_detect(channel) for channel in audio.channels]
    levels = [band_levels(channel) for channel in audio.channels]
    inside = [_mark(spans, len(level)) for spans, level in zip(found, levels, strict=True)]
    spans = []
    for number, samples in enumerate(audio.channels):
        loud = _loud(levels[number], inside[number])
        for other in range(len(audio.channels)):
            if other != number:
                loud &= ~(inside[other] & (levels[other] - levels[number] > _GUARD_LEAK_DB))
        dropped = _dropped(samples, loud & ~inside[number], found[number])
        spans += [Span(start, end, number) for start, end in found[number] + dropped]
    return tuple(sorted(spans, key=lambda span: (span.start, span.channel)))


@lru_cache(maxsize=1)
def _vad() -> Any:
    from silero_vad import load_silero_vad

    return load_silero_vad()


@contextmanager
def _one_thread() -> Iterator[None]:
    """One thread for the VAD: its steps are too small to share. Importing silero_vad sets one too,
    but for good, and Whisper wants them all back."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


class _Louder:
    """The VAD hearing each frame louder by a factor, without a louder copy of the whole call."""

    def __init__(self, model: Any, factors: np.ndarray) -> None:
        self._model, self._factors, self._frame = model, factors, 0

    def reset_states(self) -> None:
        self._model.reset_states()
        self._frame = 0

    def __call__(self, chunk: Any, rate: int) -> Any:
        factor = float(self._factors[self._frame])
        self._frame += 1
        return self._model((chunk * factor).clamp(-1.0, 1.0), rate)


def _detect(samples: np.ndarray) -> list[tuple[float, float]]:
    """(start, end) in seconds of what Silero VAD takes for speech."""
    import torch

    if len(samples) == 0:
        return []
    levels = band_levels(samples)
    gain_db = min(max(_VAD_LEVEL_DBFS - float(np.percentile(levels, 95)), 0.0), _VAD_MAX_GAIN_DB)
    with _one_thread():
        model = _vad()
        from silero_vad import get_speech_timestamps

        stamps = get_speech_timestamps(
            torch.from_numpy(np.require(samples, np.float32, ["C", "W"])),
            _Louder(model, 10 ** ((gain_db + gains(levels, EVEN_DB)) / 20)),
            sampling_rate=SAMPLE_RATE,
            min_silence_duration_ms=round(_MIN_SILENCE_S * 1000),
            speech_pad_ms=round(_PAD_S * 1000),
        )
    return [(s["start"] / SAMPLE_RATE, min(s["end"], len(samples)) / SAMPLE_RATE) for s in stamps]


def _mark(spans: list[tuple[float, float]], frames: int) -> np.ndarray:
    inside = np.zeros(frames, bool)
    for start, end in spans:
        inside[int(start * SAMPLE_RATE / FRAME) : int(np.ceil(end * SAMPLE_RATE / FRAME))] = True
    return inside


def _loud(levels: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Which frames are loud for this channel, by the `_GUARD_` figures."""
    if len(levels) == 0:
        return np.zeros(0, bool)
    if inside.any():
        threshold = float(np.percentile(levels[inside], 75)) - _GUARD_BELOW_DB
    else:
        threshold = _GUARD_ALONE_DBFS
    floor = float(np.percentile(levels, 10)) + _GUARD_OVER_FLOOR_DB
    loud: np.ndarray = levels > max(threshold, floor)
    return loud


def _dropped(
    samples: np.ndarray, loud: np.ndarray, found: list[tuple[float, float]]
) -> list[tuple[float, float]]:
    """(start, end) in seconds of the loud stretches that are long enough and no steady tone."""
    second = SAMPLE_RATE / FRAME
    stretches: list[tuple[int, int]] = []
    for run in runs(loud):
        if stretches and run[0] - stretches[-1][1] <= _GUARD_GAP_S * second:
            stretches[-1] = (stretches[-1][0], run[1])
        else:
            stretches.append(run)
    seconds = len(samples) / SAMPLE_RATE
    long = [s for s in stretches if loud[slice(*s)].sum() >= _GUARD_MIN_S * second]
    times = [(first / second, min(last / second, seconds)) for first, last in long]
    tones = _tones(samples, times)
    dropped: list[tuple[float, float]] = []
    for (start, end), tone in zip(times, tones, strict=True):
        if tone:
            continue
        # Room around it, but never into a neighbour: its words would be heard twice.
        before = max((e for _s, e in found + dropped if e <= start + 0.05), default=0.0)
        after = min((s for s, _e in found if s >= end - 0.05), default=seconds)
        start, end = max(start - _GUARD_PAD_S, before), min(end + _GUARD_PAD_S, after)
        if end > start:
            dropped.append((start, end))
    return dropped


_TONE_WINDOW = 2048  # 128 ms: bins of 7.8 Hz, finer than any voice is steady
_TONE_HOP = _TONE_WINDOW // 2
_TONE_SHARE = 0.95
_TONEFRAMES = 0.95
_TONE_LEVEL_DB = 1.0
_TONE_SURE = 7
"""Windows (0.6 s with its edges) from which one tone is sure; a shorter one must come three times."""


def _tones(samples: np.ndarray, times: list[tuple[float, float]]) -> list[bool]:
    """Which stretches are ring tones, busy tones, keys or whistles, and surely no voice.

    In 95 of 100 windows of 128 ms, 95 % of the power must lie in one or two lines of the spectrum
    (each 5 bins, 39 Hz), the strongest line must stay where it is to a bin, and the level must
    stay the same to 1 dB (its standard deviation). Some vowels pass for 0.3 s; so a stretch under
    0.6 s counts only if three stretches of the call have the same line, as in a busy tone.
    Measured on 21 recordings of speech (Mandarin, English; 4 min): none of 2,255 windows of 0.6 s
    passes, and 1 of 2,230 of 0.46 s.
    """
    lines = [_line(samples, start, end) for start, end in times]
    tones = []
    for line in lines:
        alike = (
            sum(other is not None and abs(other[0] - line[0]) <= 1 for other in lines)
            if line
            else 0
        )
        tones.append(line is not None and (line[1] >= _TONE_SURE or alike >= 3))
    return tones


def _line(samples: np.ndarray, start: float, end: float) -> tuple[float, int] | None:
    """(bin of the strongest line, windows seen) if the stretch is a steady tone."""
    piece = samples[round(start * SAMPLE_RATE) : round(end * SAMPLE_RATE)]
    # windows across the stretch's own edges hold its switching on and off: leave them out
    piece = piece[FRAME : len(piece) - FRAME]
    if len(piece) < _TONE_WINDOW:
        return None
    windows = np.lib.stride_tricks.sliding_window_view(piece, _TONE_WINDOW)[::_TONE_HOP]
    windows = windows[:: max(1, len(windows) // 1000)]  # a minute of a tone is enough to know it
    power = np.abs(np.fft.rfft(windows * np.hanning(_TONE_WINDOW), axis=1)) ** 2
    power[:, : int(60 * _TONE_WINDOW / SAMPLE_RATE)] = 0.0  # hum under a tone does not matter
    total = power.sum(axis=1) + TINY
    peaks = power.argmax(axis=1)
    middle = float(np.median(peaks))
    share = np.zeros(len(power))
    rows = np.arange(len(power))[:, None]
    for _strongest in range(2):
        around = np.clip(power.argmax(axis=1)[:, None] + np.arange(-2, 3), 0, power.shape[1] - 1)
        share += power[rows, around].sum(axis=1)
        power[rows, around] = 0.0
    steady = (share / total > _TONE_SHARE) & (np.abs(peaks - middle) <= 1)
    if steady.mean() < _TONEFRAMES or np.std(10 * np.log10(total)) > _TONE_LEVEL_DB:
        return None
    return middle, len(windows)


@dataclass(frozen=True, slots=True)
class Quality:
    """How good the sound is: the level of its speech (dBFS), how far that stands over the noise (dB),
    and the share of samples at full scale, in [0, 1]; of the loudest channel."""

    level_dbfs: float
    over_noise_db: float
    clipped: float


CLIPPED, QUIET_DBFS, NOISY_DB = 1e-3, -45.0, 15.0
"""From where on a listener is told. Demonstration calls and recordings of people lie at 0 clipped samples,
-10 to -36 dBFS and 28 dB or more over their noise."""


def complaints(audio: Audio) -> tuple[str, ...]:
    """Sentences on what makes the sound hard to hear: clipping, noise, a very low level; none if it is good."""
    found = quality(audio)
    said = []
    if found.clipped > CLIPPED:
        said.append(
            _("It is clipped: {percent:.1f} % of the sound is at full scale.").format(
                percent=100 * found.clipped
            )
        )
    if found.level_dbfs < QUIET_DBFS:
        said.append(_("It is very quiet ({level:.0f} dBFS).").format(level=found.level_dbfs))
    elif found.over_noise_db < NOISY_DB:
        said.append(
            _("It is noisy: the speech is only {db:.0f} dB above the noise.").format(
                db=found.over_noise_db
            )
        )
    return tuple(said)


def quality(audio: Audio) -> Quality:
    """A rough measure: the 95th against the 10th percentile of the levels of frames of 32 ms."""
    measured = []
    for samples in audio.channels:
        levels = band_levels(samples)
        if len(levels) == 0:
            continue
        level, noise = (float(np.percentile(levels, p)) for p in (95, 10))
        # 16-bit full scale, and what a lossy codec makes of it
        clipped = sum(int((np.abs(f) >= 0.999).sum()) for f in frames_of(samples)) / len(samples)
        measured.append(Quality(round(level, 1), round(level - noise, 1), round(clipped, 6)))
    return max(measured, key=lambda q: q.level_dbfs, default=Quality(-120.0, 0.0, 0.0))
