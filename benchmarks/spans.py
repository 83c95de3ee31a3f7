"""Is all speech found, and what becomes of sound that is none?

    python benchmarks/spans.py [--calls 12] [--stretches]

The first part makes the staff of the mono demonstration calls 10 to 30 dB quieter; the second puts hum, ring tone, hold music, keyboard, street and babble at 20, 10 and 0 dB below the
voices into them; both count the time of the references' turns that no span of
`audio.speech` covers. `--stretches` hears 14 stretches without any speech with the demonstration's
checkpoint and understands them: nothing of them may become a request, and what became words or needs
listening is shown.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from speakers import mono_calls

from pipeline import audio, taxonomy, transcribe
from pipeline.spans import subtract
from pipeline.turns import make_turns
from pipeline.types import SAMPLE_RATE, Audio
from pipeline.understand import understand

Draw = np.random.Generator


def hum(size: int, draw: Draw) -> np.ndarray:
    at = np.arange(size) / SAMPLE_RATE
    return sum(np.sin(2 * np.pi * 50 * n * at + draw.uniform(0, 6)) / n for n in (1, 2, 3, 5, 7))


def ring(size: int, draw: Draw) -> np.ndarray:
    """The ringing tone of the mainland's exchanges: 450 Hz, 1 s on, 4 s off."""
    at = np.arange(size) / SAMPLE_RATE
    return np.sin(2 * np.pi * 450 * at) * ((at + draw.uniform(0, 5)) % 5 < 1)


def music(size: int, draw: Draw) -> np.ndarray:
    """A melody over three notes of a chord, each note struck and fading."""
    at, sound = np.arange(size) / SAMPLE_RATE, np.zeros(size)
    scale = 220 * 2 ** (np.array([0, 2, 4, 7, 9, 12, 14, 16]) / 12)
    for start in np.arange(0, size / SAMPLE_RATE, 0.4):
        for hertz in (draw.choice(scale), draw.choice(scale) / 2):
            since = at - start
            note = np.where(since >= 0, np.exp(-3 * since.clip(0)), 0) * (since < 2)
            sound += note * sum(np.sin(2 * np.pi * hertz * n * since) / n**2 for n in (1, 2, 3))
    return sound


def keyboard(size: int, draw: Draw) -> np.ndarray:
    sound = np.zeros(size)
    for at in np.cumsum(draw.exponential(0.18, size // 2000)) * SAMPLE_RATE:
        length = int(draw.uniform(0.005, 0.02) * SAMPLE_RATE)
        if at + length < size:
            click = draw.standard_normal(length) * np.exp(-np.arange(length) / (length / 4))
            sound[int(at) : int(at) + length] += click * draw.uniform(0.3, 1)
    return sound


def street(size: int, draw: Draw) -> np.ndarray:
    """Rumble that swells and falls as cars pass, and now and then a horn."""
    spectrum = np.fft.rfft(draw.standard_normal(size))
    spectrum *= np.maximum(np.arange(len(spectrum)), size / 400) ** -0.8
    rumble = np.fft.irfft(spectrum, size)
    at = np.arange(size) / SAMPLE_RATE
    swell = 1 + 0.8 * np.sin(2 * np.pi * at / draw.uniform(5, 9) + draw.uniform(0, 6))
    horn = np.sin(2 * np.pi * 400 * at) + np.sin(2 * np.pi * 500 * at)
    honks = (at + draw.uniform(0, 12)) % 12 < 0.5
    return rumble / rumble.std() * swell + horn * honks


def babble(size: int, draw: Draw) -> np.ndarray:
    """Six voices at once: other demonstration calls, turned around so that no word is one."""
    sounds = [sound.channels[0][::-1] for _call, sound in mono_calls()]
    sound = np.zeros(size)
    for i in draw.choice(len(sounds), 6, replace=False):
        sound += np.resize(np.roll(sounds[i], draw.integers(len(sounds[i]))), size)
    return sound


NOISES: dict[str, Callable[[int, Draw], np.ndarray]] = {
    "hum": hum, "ring": ring, "music": music, "keyboard": keyboard, "street": street,
    "babble": babble,
}  # fmt: skip


def mono(samples: np.ndarray) -> Audio:
    samples = samples.astype(np.float32)
    seconds = len(samples) / SAMPLE_RATE
    return Audio((samples,), seconds, "mono", "wav", "pcm_s16le", SAMPLE_RATE, 1)


def missed(count: int) -> None:
    draw = np.random.default_rng(1)
    calls = mono_calls()[:count]
    print(f"{'noise':10} {'below dB':>8} {'speech s':>9} {'missed s':>9} {'missed %':>9}")
    for name, make in NOISES.items():
        for below in (20, 10, 0):
            whole = lost = 0.0
            for call, sound in calls:
                voice = sound.channels[0]
                noise = make(len(voice), draw)
                said = [(turn["start"], turn["end"]) for turn in call["turns"]]
                inside = np.concatenate(
                    [voice[int(a * SAMPLE_RATE) : int(b * SAMPLE_RATE)] for a, b in said]
                )
                level = np.sqrt(np.mean(inside**2) / np.mean(noise**2)) * 10 ** (-below / 20)
                mixed = voice + noise * level
                found = audio.speech(mono(mixed / max(1.0, np.abs(mixed).max())))
                whole += sum(b - a for a, b in said)
                lost += sum(
                    b - a for a, b in subtract(said, [(span.start, span.end) for span in found])
                )
            print(f"{name:10} {below:8} {whole:9.1f} {lost:9.2f} {100 * lost / whole:9.2f}")


def far_away(count: int) -> None:
    """The same with the staff quieter than the resident, as at the other end of a line."""
    calls = mono_calls()[:count]
    print(f"{'staff below dB':>14} {'speech s':>9} {'missed s':>9} {'missed %':>9}")
    for below in (10, 20, 30):
        whole = lost = 0.0
        for call, sound in calls:
            voice = sound.channels[0].copy()
            for turn in call["turns"]:
                if turn["speaker"] == "staff":
                    said = slice(int(turn["start"] * SAMPLE_RATE), int(turn["end"] * SAMPLE_RATE))
                    voice[said] *= 10 ** (-below / 20)
            found = [(span.start, span.end) for span in audio.speech(mono(voice))]
            turns = [(turn["start"], turn["end"]) for turn in call["turns"]]
            whole += sum(b - a for a, b in turns)
            lost += sum(b - a for a, b in subtract(turns, found))
        print(f"{below:14} {whole:9.1f} {lost:9.2f} {100 * lost / whole:9.2f}")


def stretches() -> None:
    draw = np.random.default_rng(2)
    size = 20 * SAMPLE_RATE
    sounds = {
        f"{name} {level} dBFS": noise / np.sqrt(np.mean(noise**2)) * 10 ** (level / 20)
        for name, make in NOISES.items()
        for level in (-20, -40)
        for noise in [make(size, draw)]
    }
    sounds["silence"] = np.zeros(size)
    sounds["white noise -30 dBFS"] = draw.standard_normal(size) * 10 ** (-30 / 20)
    listener = transcribe.load("demo", Path("models"))
    terms = taxonomy.load(None)
    requests = 0
    for name, samples in sounds.items():
        sound = mono(np.clip(samples, -1, 1))
        speech = audio.speech(sound)
        heard = listener.transcribe(sound, speech)
        turns = make_turns(heard, sound.duration, sound.channels)
        found = understand(turns, datetime(2026, 11, 23, 9, tzinfo=UTC), terms)
        requests += len(found.requests)
        aside = [f"{s.text} ({s.set_aside})" for s in heard.segments if s.set_aside]
        print(
            f"{name:22} speech {sum(s.end - s.start for s in speech):5.1f} s, words"
            f" {''.join(turn.text for turn in turns) or '-'}, set aside {aside or '-'},"
            f" requests {len(found.requests)}, needs listening {len(found.needs_listening)} turns"
        )
    print(f"{requests} requests from {len(sounds)} stretches without speech")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=12)
    parser.add_argument("--stretches", action="store_true")
    options = parser.parse_args()
    if options.stretches:
        stretches()
    else:
        far_away(options.calls)
        missed(options.calls)


if __name__ == "__main__":
    main()
