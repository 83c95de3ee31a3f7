"""The quiet party raised to the loud one: smoothly, only where something is said, never above it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sounds import decibels, noise, syllables

from pipeline.levels import FRAME, band_levels, gains, raised
from pipeline.types import SAMPLE_RATE

QUIET_DB = -26.0


def two_parties() -> np.ndarray:
    """The near one from 0 to 3 s and 7 to 10 s, the far one from 3.5 to 6.5 s; noise under both."""
    near = [syllables(3, level=0.5, seed=seed) for seed in (1, 2)]
    far = syllables(3, level=0.5 * 10 ** (QUIET_DB / 20), pitch=210, seed=3)
    gap = np.zeros(SAMPLE_RATE // 2)
    call = np.concatenate([near[0], gap, far, gap, near[1]])
    return (call + noise(len(call) / SAMPLE_RATE, level=0.0005)).astype(np.float32)


def test_the_far_party_comes_up_to_the_near_one_and_the_near_one_stays() -> None:
    call = two_parties()
    louder = raised(call, gains(band_levels(call), 30.0), 0)
    near, far = slice(0, 3 * SAMPLE_RATE), slice(4 * SAMPLE_RATE, 6 * SAMPLE_RATE)
    assert decibels(louder[near]) == pytest.approx(decibels(call[near]), abs=1.0)
    assert decibels(louder[far]) > decibels(call[far]) + 15
    assert decibels(louder[far]) < decibels(louder[near])
    assert np.abs(louder).max() <= 1.0


def test_no_syllable_changes_its_shape() -> None:
    """The gain goes over in half a second, not within a syllable."""
    gain = gains(band_levels(two_parties()), 30.0)
    assert np.abs(np.diff(gain)).max() < 3.0  # dB in 32 ms


def test_a_part_is_raised_as_in_the_whole() -> None:
    call = two_parties()
    gain = gains(band_levels(call), 20.0)
    first = 3 * SAMPLE_RATE + 77
    whole, part = raised(call, gain, 0), raised(call[first:], gain, first)
    assert np.allclose(whole[first:], part)


@pytest.mark.parametrize("sound", [np.zeros(8000), noise(5), syllables(5), np.zeros(0)])
def test_one_level_stays_as_it_is(sound: np.ndarray) -> None:
    sound = sound.astype(np.float32)
    gain = gains(band_levels(sound), 20.0)
    assert gain.max(initial=0.0) < 3.0
    assert raised(sound, gain, 0).shape == sound.shape


@given(st.lists(st.floats(-120, 0), max_size=200), st.floats(0, 40))
@settings(max_examples=50, deadline=None)
def test_gains_keep_their_bounds(levels: list[float], most: float) -> None:
    gain = gains(np.array(levels), most)
    assert gain.shape == (len(levels),)
    assert gain.min(initial=0.0) >= 0
    assert gain.max(initial=0.0) <= most + 1e-4


def test_frames_and_gains_are_of_the_same_time() -> None:
    assert len(band_levels(np.zeros(10 * FRAME + 1, np.float32))) == 11
