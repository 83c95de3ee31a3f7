"""Is all speech found, and what becomes of sound that is none?

    python benchmarks/spans.py [--calls 12] [--stretches | --others | --requests] [--seed 2] [--engine fast]

The first part makes the staff of the mono demonstration calls 10 to 30 dB quieter; the second puts hum, ring tone, hold music, keyboard, street and babble at 20, 10 and 0 dB below the
voices into them; both count the time of the references' turns that no span of
`audio.speech` covers. `--stretches` hears 14 stretches without any speech with the demonstration's
checkpoint and understands them: nothing of them may become a request, and what became words or needs
listening is shown. `--others` does so with sounds that nothing was fitted on: three voices and one turned around,
bursts as of dogs and coughs, a buzz with the beat of syllables. `--requests` is the other side of it: the calls in
street, music and babble 20, 10 and 0 dB below the voices, and how many of their requests are found when what
is set aside as garbled is left out, and when it counts.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
from speakers import mono_calls

from pipeline import audio, calls, demo, evaluate, taxonomy, transcribe
from pipeline.errors import HotlineError
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


def turned(voices: int) -> Callable[[int, Draw], np.ndarray]:
    """So many voices at once: demonstration calls, turned around so that no word is one."""

    def make(size: int, draw: Draw) -> np.ndarray:
        sounds = [sound.channels[0][::-1] for _call, sound in mono_calls()]
        chosen = draw.choice(len(sounds), voices, replace=False)
        rolled = [np.roll(sounds[i], draw.integers(len(sounds[i]))) for i in chosen]
        return sum(np.resize(sound, size) for sound in rolled)

    return make


def bursts(size: int, draw: Draw) -> np.ndarray:
    """Harsh sounds of 0.1 to 0.35 s, some a second."""
    sound = np.zeros(size)
    for at in np.cumsum(draw.exponential(0.7, size // 8000)) * SAMPLE_RATE:
        length = int(draw.uniform(0.1, 0.35) * SAMPLE_RATE)
        if at + length < size:
            since = np.arange(length) / SAMPLE_RATE
            pitch = draw.uniform(150, 700)
            harsh = sum(np.sin(2 * np.pi * pitch * n * since) / n for n in range(1, 12))
            sound[int(at) : int(at) + length] += (
                harsh + draw.standard_normal(length)
            ) * np.hanning(length)
    return sound


def buzz(size: int, draw: Draw) -> np.ndarray:
    """Harmonics of a wavering pitch, four times a second on and off."""
    at = np.arange(size) / SAMPLE_RATE
    phase = 2 * np.pi * np.cumsum(140 * (1 + 0.1 * np.sin(4.4 * at))) / SAMPLE_RATE
    beat = np.clip(np.sin(2 * np.pi * 4 * at + draw.uniform(0, 6)) + 0.3, 0, 1)
    return sum(np.sin(n * phase) / n for n in range(1, 20)) * beat


OTHERS: dict[str, Callable[[int, Draw], np.ndarray]] = {
    "three turned": turned(3), "one turned": turned(1), "bursts": bursts, "buzz": buzz,
}  # fmt: skip
NOISES: dict[str, Callable[[int, Draw], np.ndarray]] = {
    "hum": hum, "ring": ring, "music": music, "keyboard": keyboard, "street": street,
    "babble": turned(6),
}  # fmt: skip


def mono(samples: np.ndarray) -> Audio:
    samples = samples.astype(np.float32)
    seconds = len(samples) / SAMPLE_RATE
    return Audio((samples,), seconds, "mono", "wav", "pcm_s16le", SAMPLE_RATE, 1)


def missed(count: int) -> None:
    draw = np.random.default_rng(1)
    heard = mono_calls()[:count]
    print(f"{'noise':10} {'below dB':>8} {'speech s':>9} {'missed s':>9} {'missed %':>9}")
    for name, make in NOISES.items():
        for below in (20, 10, 0):
            whole = lost = 0.0
            for call, sound in heard:
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
    heard = mono_calls()[:count]
    print(f"{'staff below dB':>14} {'speech s':>9} {'missed s':>9} {'missed %':>9}")
    for below in (10, 20, 30):
        whole = lost = 0.0
        for call, sound in heard:
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


def stretches(others: bool, seed: int, engine: str) -> None:
    draw = np.random.default_rng(seed)
    size = 20 * SAMPLE_RATE
    sounds = {
        f"{name} {level} dBFS": noise / np.sqrt(np.mean(noise**2)) * 10 ** (level / 20)
        for name, make in (OTHERS if others else NOISES).items()
        for level in (-20, -40)
        for noise in [make(size, draw)]
    }
    if not others:
        sounds["silence"] = np.zeros(size)
        sounds["white noise -30 dBFS"] = draw.standard_normal(size) * 10 ** (-30 / 20)
    listener = transcribe.load("demo", Path("models"), engine=engine)
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
            f" requests {len(found.requests)}, needs listening {len(found.needs_listening)} turns",
            flush=True,
        )
    print(f"{requests} requests from {len(sounds)} stretches without speech")


def requests_in_noise(count: int, seed: int, engine: str) -> None:
    draw = np.random.default_rng(seed)
    listener = transcribe.load("demo", Path("models"), engine=engine)
    terms = taxonomy.load(None)
    references = {
        call.id: call
        for call in calls.read(demo.data() / demo.REFERENCES, ZoneInfo("Asia/Shanghai"))
        if not isinstance(call, HotlineError)
    }
    print(f"{'noise':10} {'below dB':>8} {'requests':>9} {'found':>6} {'if garbled counts':>18}")
    for name in ("street", "music", "babble"):
        for below in (20, 10, 0):
            totals = [evaluate.Counts(), evaluate.Counts()]
            for call, sound in mono_calls()[:count]:
                reference = references[call["id"]]
                voice = sound.channels[0]
                noise = NOISES[name](len(voice), draw)
                inside = np.concatenate(
                    [
                        voice[int(t.start * SAMPLE_RATE) : int(t.end * SAMPLE_RATE)]
                        for t in reference.turns
                    ]
                )
                level = np.sqrt(np.mean(inside**2) / np.mean(noise**2)) * 10 ** (-below / 20)
                mixed = voice + noise * level
                noisy = mono(mixed / max(1.0, np.abs(mixed).max()))
                heard = listener.transcribe(noisy, audio.speech(noisy))
                counted = tuple(
                    replace(s, set_aside=None) if s.set_aside == "garbled" else s
                    for s in heard.segments
                )
                for i, one in enumerate((heard, replace(heard, segments=counted))):
                    turns = make_turns(one, noisy.duration, noisy.channels)
                    found = understand(turns, reference.started_at, terms)
                    totals[i] += evaluate.score(
                        found, reference.requests or (), turns, reference.turns
                    )
            told = [f"{one.matched} ({one.category})" for one in totals]
            print(
                f"{name:10} {below:8} {totals[0].requests:9} {told[0]:>6} {told[1]:>18}", flush=True
            )
    print("(in brackets: with the right category)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=12)
    kinds = parser.add_mutually_exclusive_group()
    for kind in ("--stretches", "--others", "--requests"):
        kinds.add_argument(kind, action="store_true")
    parser.add_argument("--seed", type=int, default=2)
    parser.add_argument("--engine", default="whisper", choices=transcribe.ENGINES)
    options = parser.parse_args()
    if options.stretches or options.others:
        stretches(options.others, options.seed, options.engine)
    elif options.requests:
        requests_in_noise(options.calls, options.seed, options.engine)
    else:
        far_away(options.calls)
        missed(options.calls)


if __name__ == "__main__":
    main()
