"""Is a recording with two channels taken for what it is: two parties, or one sound twice?

    python benchmarks/stereo.py [--each 20] [--seed 1]

Makes recordings with two channels out of the mono demonstration calls. In half of them each party has a
channel, the one up to 25 dB quieter, each leaking into the other's by up to -8 dB; in the others both
channels hold the call, one up to 12 dB quieter, turned over or not, up to 1 ms late. All have noise of
their own in each channel, and go through an encoder: PCM, A-law, mu-law, MP3, AAC or Opus.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
import sounds
from speakers import mono_calls

from pipeline import audio
from pipeline.types import SAMPLE_RATE

CODECS = ("wav", "alaw", "mulaw", "mp3_8k", "m4a", "opus")
SECONDS = 40


def at_rate(samples: np.ndarray, rate: int) -> np.ndarray:
    """Resampled without care for what lies above: the calls hold nothing above 4 kHz that counts."""
    spectrum = np.fft.rfft(samples)
    size = round(len(samples) * rate / SAMPLE_RATE)
    made = np.zeros(size // 2 + 1, complex)
    keep = min(len(made), len(spectrum))
    made[:keep] = spectrum[:keep]
    return np.fft.irfft(made, size) * rate / SAMPLE_RATE


def parties(call: dict, voice: np.ndarray, draw: np.random.Generator) -> list[np.ndarray]:
    staff, resident = np.zeros_like(voice), np.zeros_like(voice)
    for turn in call["turns"]:
        said = slice(int(turn["start"] * SAMPLE_RATE), int(turn["end"] * SAMPLE_RATE))
        (staff if turn["speaker"] == "staff" else resident)[said] = voice[said]
    quiet = 10 ** (-draw.uniform(0, 25) / 20)
    if draw.random() < 0.5:
        staff = staff * quiet
    else:
        resident = resident * quiet
    leaks = 10 ** (-draw.uniform(8, 40, 2) / 20)
    return [staff + leaks[0] * resident, resident + leaks[1] * staff]


def twice(voice: np.ndarray, draw: np.random.Generator) -> list[np.ndarray]:
    gain = 10 ** (-draw.uniform(0, 12) / 20) * draw.choice([1, -1])
    return [voice, gain * np.roll(voice, draw.integers(0, 17))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--each", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    draw = np.random.default_rng(options.seed)
    calls = mono_calls()
    right = {"stereo": 0, "mono": 0}
    with tempfile.TemporaryDirectory() as folder:
        for kind in right:
            for number in range(options.each):
                call, sound = calls[number % len(calls)]
                voice = sound.channels[0][: SECONDS * SAMPLE_RATE]
                made = parties(call, voice, draw) if kind == "stereo" else twice(voice, draw)
                if draw.random() < 0.5:
                    made.reverse()
                noise = 10 ** (-draw.uniform(45, 70) / 20)
                codec = CODECS[number % len(CODECS)]
                rate = 16_000 if codec == "m4a" else sounds.CODECS[codec][2]
                heard = [
                    at_rate(channel + noise * draw.standard_normal(len(channel)), rate)
                    for channel in made
                ]
                file = sounds.write(
                    Path(folder) / f"{kind}{number}.{codec}", heard, codec, rate=rate
                )
                found = audio.decode(file).medium
                right[kind] += found == kind
                if found != kind:
                    print(f"{call['id']} {codec}: {kind} taken for {found}")
    print(f"two parties kept in {right['stereo']} of {options.each}")
    print(f"one sound twice found in {right['mono']} of {options.each}")


if __name__ == "__main__":
    main()
