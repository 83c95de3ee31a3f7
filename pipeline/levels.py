"""How loud a channel is, and its quiet party brought up to the loud one for a machine's ears. A leaf.

On one channel the party at the recorder can be 30 dB louder than the one at the other end of the line. The
loud one stays as it is; what is quieter is raised, slowly enough that no syllable changes its shape, and
only where something is said: noise between is raised no more than what is said beside it.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pipeline.types import SAMPLE_RATE

FRAME = 512
"""Samples a frame (32 ms) in which loudness is measured; also Silero VAD's own window at 16 kHz."""
TINY = 1e-12
"""A power below any recording's, so that logarithms have something to stand on."""
BLOCK_S = 60
"""Seconds of sound worked on at a time, so that working memory does not grow with the call."""
BAND_HZ = (250.0, 3800.0)
"""Where telephone speech is and mains hum is not."""
WINDOW = 15
"""Frames (0.5 s) over which loudness is taken: two or three syllables."""
OVER_NOISE_DB = 9.0
"""What is so much louder than the channel's quietest tenth is said, not noise."""
LOUDEST_SHARE = 0.9
"""The loud party's level is that which a tenth of what is said is above."""
LEEWAY_DB = 6.0
"""So much below the loud party is as loud as it: stress and distance change as much within a sentence."""


def frames_of(samples: np.ndarray) -> Iterator[np.ndarray]:
    """Arrays of shape (up to a block's frames, FRAME); the last frame is filled up with zeros."""
    step = BLOCK_S * SAMPLE_RATE // FRAME * FRAME
    for at in range(0, len(samples), step):
        block = samples[at : at + step]
        if len(block) % FRAME:
            block = np.pad(block, (0, FRAME - len(block) % FRAME))
        yield block.reshape(-1, FRAME)


def band_levels(samples: np.ndarray) -> np.ndarray:
    """Level of each frame in the telephone band, in dBFS (full-scale sine: -3), shape (frames,)."""
    window = np.hanning(FRAME).astype(np.float32)
    hertz = np.fft.rfftfreq(FRAME, 1 / SAMPLE_RATE)
    band = (hertz >= BAND_HZ[0]) & (hertz <= BAND_HZ[1])
    scale = 2 / (FRAME * float(np.sum(window**2)))
    parts = [np.zeros(0)]
    for frames in frames_of(samples):
        spectrum = np.fft.rfft(frames * window, axis=1)[:, band]
        parts.append((spectrum.real**2 + spectrum.imag**2).sum(axis=1) * scale)
    return 10 * np.log10(np.concatenate(parts) + TINY)


def gains(levels: np.ndarray, most_db: float) -> np.ndarray:
    """How much to raise each frame, in dB between 0 and `most_db`; shape as `levels`, each frame's in dBFS."""
    none = np.zeros(len(levels), np.float32)
    if len(levels) < WINDOW or most_db <= 0:
        return none
    # The loudest of each window: pauses within words do not count.
    padded = np.pad(levels, WINDOW // 2, mode="edge")
    around = np.lib.stride_tricks.sliding_window_view(padded, WINDOW).max(axis=1)
    said = np.flatnonzero(levels > np.percentile(levels, 10) + OVER_NOISE_DB)
    if len(said) < WINDOW:
        return none
    loud = float(np.quantile(around[said], LOUDEST_SHARE))
    wanted = np.clip(loud - LEEWAY_DB - around[said], 0.0, most_db)
    # Between what is said the gain goes over from the one to the other, and never jumps.
    gain = np.interp(np.arange(len(levels)), said, wanted)
    smooth = np.convolve(np.pad(gain, WINDOW // 2, mode="edge"), np.ones(WINDOW) / WINDOW, "valid")
    return smooth.astype(np.float32)


def raised(samples: np.ndarray, gain: np.ndarray, first: int) -> np.ndarray:
    """`samples`, which begin with sample `first` of the channel that `gain` (dB a frame) is of, raised."""
    if not len(samples) or not gain.any():
        return samples
    at = (np.arange(first, first + len(samples)) - FRAME / 2) / FRAME
    factor = 10 ** (np.interp(at, np.arange(len(gain)), gain) / 20)
    louder: np.ndarray = np.clip(samples * factor, -1.0, 1.0).astype(np.float32)
    return louder
