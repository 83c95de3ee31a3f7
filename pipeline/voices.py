"""Two voices on one channel: which pieces of a call the one says and which the other.

Light on purpose: the mean spectral envelope (mel-frequency cepstral coefficients, Davis and Mermelstein
1980, in the band that every telephone passes) and the pitch of each piece, in two clusters. No model, no
other weights. Who the voices are, staff or resident, is not told here: words tell it (`turns.py`).
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.spans import Interval
from pipeline.types import SAMPLE_RATE

if TYPE_CHECKING:
    import numpy as np

FRAME, STEP, PITCH_FRAME = 400, 160, 640
"""Samples: 25 ms for the envelope, every 10 ms; 40 ms for pitch, two periods of a low voice."""
BAND_HZ = (150.0, 3800.0)
PITCH_HZ = (70.0, 400.0)
BANDS, COEFFICIENTS = 26, 13
QUIET_SHARE = 0.4
"""The quietest share of a piece's frames is breath, noise and the other party's echo."""
VOICED = 0.5
"""Autocorrelation at the pitch's period, from which a frame counts as voiced."""
PITCH_SCALE = 0.5
"""Difference of log pitch that weighs as much as a standard deviation of one coefficient. Of the weights
tried over 66 mixes of two voices (demonstration, synthetic, real), the best in the worst kind."""
SHORTEST_S = 0.3
"""A shorter piece says nothing of its voice."""
LONGEST_WEIGHT_S = 3.0
"""A piece longer than this weighs no more: one long complaint must not be both clusters."""
TELLING_S = 0.7
"""A shorter piece tells less of its voice, in proportion: its sound is that of a few syllables."""
ONE_VOICE = 1.5
"""Least squared distance of two voices' centres, in variances of one coefficient within a piece."""
ROUNDS, STARTS = 25, 20


@dataclass(frozen=True, slots=True)
class Voice:
    """Which of two voices says a piece: 0 or 1, None where it cannot be told; probability in [0.5, 1]."""

    number: int | None
    probability: float = 0.5


UNKNOWN = Voice(None)


def tell_apart(samples: np.ndarray, pieces: Sequence[Interval]) -> list[Voice]:
    """The voice of each of `pieces`, (start, end) in s, of one channel, shape (samples,) at SAMPLE_RATE.

    Voice 0 is the one that speaks first. All are None where there is but one voice, or too little to tell.
    The time is linear in the pieces' length.
    """
    import numpy as np

    unknown = [UNKNOWN] * len(pieces)
    looked = [_look(samples[int(a * SAMPLE_RATE) : int(b * SAMPLE_RATE)]) for a, b in pieces]
    known = [i for i, look in enumerate(looked) if look is not None]
    if len(known) < 3:
        return unknown
    looks = [look for look in looked if look is not None]
    frames = np.array([look.frames for look in looks], float)
    within = np.sqrt(sum(look.spread * look.frames for look in looks) / frames.sum()) + 1e-6
    envelope = np.array([look.envelope for look in looks]) / within
    pitch = np.array([look.pitch for look in looks])
    if np.isnan(pitch).all():
        pitch = np.zeros(len(looks))
    pitch = np.where(np.isnan(pitch), np.nanmedian(pitch), pitch) / PITCH_SCALE
    points = np.c_[envelope, pitch]
    weights = np.minimum([pieces[i][1] - pieces[i][0] for i in known], LONGEST_WEIGHT_S)
    labels, centres = _two_means(points, weights)
    if ((centres[0] - centres[1]) ** 2).sum() < ONE_VOICE:
        return unknown
    if labels[0] == 1:
        labels, centres = 1 - labels, centres[::-1]
    distance = ((points[:, None] - centres) ** 2).sum(2)
    # How far a piece lies to the one side of the plane between the centres, from -1 to 1 at them.
    side = (distance[:, 0] - distance[:, 1]) / ((centres[0] - centres[1]) ** 2).sum()
    told = np.minimum([(pieces[i][1] - pieces[i][0]) / TELLING_S for i in known], 1.0)
    sure = 1 / (1 + np.exp(-4 * np.abs(side) * told))
    voices = list(unknown)
    for i, label, probability in zip(known, labels, sure, strict=True):
        voices[i] = Voice(int(label), float(probability))
    return voices


@dataclass(frozen=True, slots=True)
class _Look:
    envelope: np.ndarray  # mean coefficients, shape (COEFFICIENTS,)
    spread: np.ndarray  # their variance over frames
    frames: int
    pitch: float  # median log Hz; NaN without voiced frames


def _look(part: np.ndarray) -> _Look | None:
    """What is heard of a voice in one piece; None if it is too short."""
    import numpy as np

    if len(part) < SHORTEST_S * SAMPLE_RATE:
        return None
    at = np.arange(0, len(part) - PITCH_FRAME + 1, STEP)[:, None]
    sound = part[at + np.arange(PITCH_FRAME)].astype(np.float32)
    power = np.abs(np.fft.rfft(sound[:, :FRAME] * np.hanning(FRAME), 512)) ** 2
    energy = power.sum(1)
    loud = energy > np.quantile(energy, QUIET_SHARE)
    if loud.sum() < 5:
        return None
    bank, cosine = _tables()
    coefficients = np.log(power[loud] @ bank.T + 1e-10) @ cosine.T
    sound = sound[loud] - sound[loud].mean(1, keepdims=True)
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(PITCH_FRAME), 2048)) ** 2
    likeness = np.fft.irfft(spectrum)
    shortest, longest = int(SAMPLE_RATE / PITCH_HZ[1]), int(SAMPLE_RATE / PITCH_HZ[0])
    period = likeness[:, shortest:longest].argmax(1) + shortest
    strength = likeness[np.arange(len(period)), period] / (likeness[:, 0] + 1e-9)
    voiced = np.log(SAMPLE_RATE / period[strength > VOICED])
    pitch = float(np.median(voiced)) if len(voiced) >= 5 else float("nan")
    return _Look(coefficients.mean(0), coefficients.var(0), len(coefficients), pitch)


@functools.cache
def _tables() -> tuple[np.ndarray, np.ndarray]:
    """The mel filters (BANDS, 257) and the cosines (COEFFICIENTS, BANDS) of the cepstrum, without its
    first, which is loudness."""
    import numpy as np

    low, high = (2595 * np.log10(1 + hertz / 700) for hertz in BAND_HZ)
    edges = 700 * (10 ** (np.linspace(low, high, BANDS + 2) / 2595) - 1)
    hertz = np.arange(257) * SAMPLE_RATE / 512
    up = (hertz - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    down = (edges[2:, None] - hertz) / (edges[2:] - edges[1:-1])[:, None]
    order = np.arange(1, COEFFICIENTS + 1)[:, None]
    cosine = np.cos(np.pi / BANDS * (np.arange(BANDS) + 0.5) * order) * np.sqrt(2 / BANDS)
    return np.maximum(0, np.minimum(up, down)), cosine


def _two_means(points: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weighted k-means (Lloyd 1982) with two centres, the best of STARTS starts; the same each time."""
    import numpy as np

    draw = np.random.default_rng(0)
    best: tuple[float, np.ndarray, np.ndarray] | None = None
    for _ in range(STARTS):
        centres = points[draw.choice(len(points), 2, replace=False)]
        labels = np.zeros(len(points), int)
        for _ in range(ROUNDS):
            distance = ((points[:, None] - centres) ** 2).sum(2)
            before, labels = labels, distance.argmin(1)
            if labels.min() == labels.max() or (labels == before).all():
                break
            centres = np.array(
                [
                    np.average(points[labels == k], axis=0, weights=weights[labels == k])
                    for k in (0, 1)
                ]
            )
        cost = float((weights * distance.min(1)).sum())
        if best is None or cost < best[0]:
            best = (cost, labels, centres)
    assert best is not None
    return best[1], best[2]
