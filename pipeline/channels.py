"""Two channels: two parties, one party twice, or a silent wire? What both hold alike is one channel."""

from __future__ import annotations

import numpy as np

from pipeline.i18n import _
from pipeline.levels import BLOCK_S, FRAME, TINY, frames_of
from pipeline.types import SAMPLE_RATE, Medium

_SILENT_DBFS = -60.0
"""A channel that is never louder than this over 0.1 s holds nothing that an ear would hear."""
_COUNTS_DB = -23.0
"""How far below the speech of its channel a moment still counts, each channel taken at its own
loudness: what differs further down is noise."""
_ALIKE_DB = -12.0
"""Channels are alike at a moment if their difference is so far below what they share. Two parties of
whom each leaks into the other's channel at -5 dB still differ by more."""
_LEVEL_COUNTS_DB = -17.0
"""Where the difference of levels is asked, the louder must be within this of the speech of its channel: an
encoder leaves more or less of a copy that is quiet."""
_LEVEL_DB = 5.0
"""Or they are two microphones in one room (all is heard in both, with other echoes) if their levels
stay together to this. A party that leaks at -6 dB is 6 dB apart."""
_DIFFERENT_S = 0.2
"""So much that differs, in stretches of at least 0.1 s, makes two channels: 救命 takes 0.4 s.
All measured in tests/test_audio.py and, with speech, by benchmarks/stereo.py and by hand: the same voice twice at gains 12 dB
apart, turned over, with noise at -15 dB, through AAC, MP3 and Opus of 16 to 32 kbit/s is alike; two
voices with leaks of up to -6 dB, or 30 dB apart, or one of which says 0.3 s in all, are not."""


def channels(
    left: np.ndarray, right: np.ndarray | None
) -> tuple[tuple[np.ndarray, ...], Medium, str | None]:
    """The channels that hold something of their own, the medium, and a sentence on a silent one."""
    if right is None:
        return (left,), "mono", None
    power_l, power_r, cross = _powers(left, right)
    loud_l, loud_r = _smooth_max(power_l), _smooth_max(power_r)
    silent = 10 ** (_SILENT_DBFS / 10)
    if min(loud_l, loud_r) < silent:
        keep, other = (left, loud_r) if loud_l >= loud_r else (right, loud_l)
        problem = None
        if other <= max(loud_l, loud_r) < silent:
            problem = None  # both: what `speech` says of it is enough
        elif keep is left:
            problem = _("Its right channel is silent; the left one was heard.")
        else:
            problem = _("Its left channel is silent; the right one was heard.")
        return (keep,), "mono", problem
    # Each channel at its own loudness = 1, so that a quiet party counts as much as a loud one.
    speech_l, speech_r = (float(np.percentile(p, 95)) + TINY for p in (power_l, power_r))
    sign = 1.0 if float(cross.sum()) >= 0 else -1.0  # a channel may be the other turned over
    own_l, own_r = power_l / speech_l, power_r / speech_r
    both = 2 * sign * cross / np.sqrt(speech_l * speech_r)
    common = np.maximum(own_l + own_r + both, TINY) / 4
    differing = np.maximum(own_l + own_r - both, 0.0) / 4
    counts = 10 ** (_COUNTS_DB / 10)
    if _lasts((differing > counts) & (differing > common * 10 ** (_ALIKE_DB / 10))):
        smooth_l, smooth_r = (np.convolve(own, np.ones(3) / 3, "same") for own in (own_l, own_r))
        greater, lesser = np.maximum(smooth_l, smooth_r), np.minimum(smooth_l, smooth_r)
        counts = 10 ** (_LEVEL_COUNTS_DB / 10)
        if _lasts((greater > counts) & (greater > lesser * 10 ** (_LEVEL_DB / 10))):
            return (left, right), "stereo", None
        return (left if speech_l >= speech_r else right,), "mono", None
    # Mixed and not chosen, so that even what was wrongly taken for alike is not lost; weighted by
    # loudness, so that a faint copy adds no more noise than sound.
    if speech_r > speech_l:
        left, right, speech_l, speech_r = right, left, speech_r, speech_l
    ratio = float(np.sqrt(speech_r / speech_l))
    weight_l, weight_r = (np.float32(w / (1 + ratio**2)) for w in (1.0, sign * ratio))
    for at in range(0, len(left), BLOCK_S * SAMPLE_RATE):
        block = slice(at, at + BLOCK_S * SAMPLE_RATE)
        left[block] *= weight_l
        left[block] += weight_r * right[block]
    return (left,), "mono", None


def _lasts(differs: np.ndarray) -> bool:
    """Whether what differs, in frames, is more than a moment here and there."""
    lasting = sum(end - start for start, end in runs(differs) if end - start >= 3)
    return lasting * FRAME >= _DIFFERENT_S * SAMPLE_RATE


def _powers(left: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean power of each channel, and of their product, a frame: three arrays of shape (frames,)."""
    powers = []
    for one, other in ((left, left), (right, right), (left, right)):
        parts = [np.zeros(0)]
        for a, b in zip(frames_of(one), frames_of(other), strict=True):
            parts.append(np.einsum("ij,ij->i", a, b, dtype=np.float64) / FRAME)
        powers.append(np.concatenate(parts))
    return powers[0], powers[1], powers[2]


def _smooth_max(power: np.ndarray) -> float:
    """The greatest mean power over three frames (0.1 s)."""
    if len(power) < 3:
        return float(power.max(initial=0.0))
    return float(np.convolve(power, np.ones(3) / 3, "valid").max())


def runs(flags: np.ndarray) -> list[tuple[int, int]]:
    """The [start, end) of every stretch in which `flags` is true."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]
