"""Who speaks in mono calls: the share of time with the right speaker.

    python benchmarks/speakers.py [--model demo] [--engine fast] [--mixes 60] [--spoken CALLS.jsonl]

The first part hears the mono demonstration calls and compares the turns' speakers with the references.
The second needs no recogniser: it mixes the two parties of each demonstration call anew, the one up to
12 dB above the other, in noise 10 to 30 dB below, through the 8 bits of A-law, and tells the voices of
the true pieces apart; also one party alone, which should not be made two. `--spoken` speaks calls as text
anew (espeak-ng is needed), by two of 39 voices, of the same sex in two calls of five, up to 12 dB
apart, in noise, through an encoder; every 25th character is misheard and one call in four has no
punctuation, but words come from the text and not from a recogniser: what is measured is who says them.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from pipeline import audio, demo, transcribe
from pipeline.turns import make_turns
from pipeline.types import SAMPLE_RATE, Segment, Span, Transcript, Turn, Word
from pipeline.voices import tell_apart


def heard(model: str, engine: str, models: Path) -> None:
    listener = transcribe.load(model, models, engine=engine)
    total = {"right": 0.0, "wrong": 0.0, "unknown": 0.0}
    for call, sound in mono_calls():
        turns = make_turns(
            listener.transcribe(sound, audio.speech(sound)), sound.duration, sound.channels
        )
        one = shares(call["turns"], turns)
        for name, seconds in one.items():
            total[name] += seconds
        print(line(call["id"], one))
    print(line("all", total))


def shares(references: list[dict], turns: Sequence[Turn]) -> dict[str, float]:
    """Seconds with the right speaker, with the wrong one, with none."""
    found = {"right": 0.0, "wrong": 0.0, "unknown": 0.0}
    for reference in references:
        for turn in turns:
            both = min(turn.end, reference["end"]) - max(turn.start, reference["start"])
            if both > 0:
                known = "right" if turn.speaker == reference["speaker"] else "wrong"
                found["unknown" if turn.speaker == "unknown" else known] += both
    return found


def line(name: str, seconds: dict[str, float]) -> str:
    whole = sum(seconds.values())
    shares = "  ".join(f"{key} {100 * value / whole:5.1f} %" for key, value in seconds.items())
    return f"{shares}  of {whole:6.1f} s  {name}"


def mono_calls() -> list[tuple[dict, audio.Audio]]:
    found = []
    for text in (demo.data() / demo.REFERENCES).read_text("utf-8").splitlines():
        call = json.loads(text)
        if call["turns"] and call["medium"] == "mono":
            found.append((call, audio.decode(demo.data() / "calls" / call["file"])))
    return found


MEN = (
    "m1 m2 m3 m4 m5 m6 m7 m8 michael Lee Andy Diogo Gene Mike Mario antonio ed john max pablo paul robert"
    " travis caleb"
)
WOMEN = "f1 f2 f3 f4 f5 linda Alicia Andrea Annie anika aunty belinda steph shelby sandro"
"""Variants of espeak-ng's voice; it names some of them oddly."""
SAID_AS = str.maketrans("0123456789…—；：:?,!", "零一二三四五六七八九，，，，，？，！")


def spoken(path: Path, seed: int) -> None:
    total = {"right": 0.0, "wrong": 0.0, "unknown": 0.0}
    good = count = 0
    for number, text in enumerate(path.read_text("utf-8").splitlines()):
        call = json.loads(text)
        turns = [
            (turn["speaker"], said)
            for turn in call["turns"]
            if (
                said := re.sub(
                    "[^\u4e00-\u9fff，、。？！]", "", turn["text"].translate(SAID_AS)
                ).strip("，、")
            )
        ]
        if any(speaker == "unknown" for speaker, _said in turns):
            continue
        references, words, samples = say_anew(turns, np.random.default_rng([seed, number]))
        heard = make_turns(transcript(words), len(samples) / SAMPLE_RATE, [samples])
        one = shares(references, heard)
        for name, seconds in one.items():
            total[name] += seconds
        good += one["right"] >= 0.9 * sum(one.values())
        count += 1
    print(line(f"spoken anew: {good} of {count} calls with 90 % or more", total))


def say_anew(
    turns: list[tuple[str, str]], draw: np.random.Generator
) -> tuple[list[dict], list[Word], np.ndarray]:
    """The turns with their times, the words as they might be heard, and the sound."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "models" / "demo"))
    from channels import CHANNELS, through
    from speech import say_timed

    pools = [MEN.split(), WOMEN.split()]
    if draw.random() < 0.4:
        pools = [pools[draw.integers(2)]] * 2
    if draw.random() < 0.5:
        pools = pools[::-1]
    one, other = draw.choice(pools[0]), draw.choice(pools[1])
    while other == one:
        other = draw.choice(pools[1])
    voices = {
        side: (str(voice), int(draw.integers(160, 216)), int(draw.integers(30, 71)))
        for side, voice in (("staff", one), ("resident", other))
    }
    apart = draw.uniform(-12, 12)
    plain, slow = draw.random() < 0.25, draw.random() < 0.5
    characters = [c for _side, text in turns for c in text if c.isalnum()]
    at, references, words, parts = draw.uniform(0.3, 1.0), [], [], []
    for side, text in turns:
        said = say_timed(text, *voices[side])
        loud = np.sqrt(np.mean(said.samples[np.abs(said.samples) > 1e-3] ** 2))
        level = -23 + (apart if side == "staff" else -apart) / 2 + draw.uniform(-1, 1)
        parts.append((at, said.samples / loud * 10 ** (level / 20)))
        ends = [index for index, _a, _b in said.syllables[1:]] + [len(text)]
        for (index, a, b), end in zip(said.syllables, ends, strict=True):
            heard = str(draw.choice(characters)) if draw.random() < 0.04 else text[index]
            start = at + a + draw.normal(0, 0.05)
            stop = at + b + draw.normal(0, 0.05)
            words.append(Word(start, stop, heard + ("" if plain else text[index + 1 : end]), 0.9))
        seconds = len(said.samples) / SAMPLE_RATE
        references.append({"speaker": side, "start": at, "end": at + seconds})
        at += seconds + (draw.uniform(0.3, 1.0) if slow else draw.uniform(0.1, 0.6))
    # Times in order; and Whisper often lets a word last until the next begins.
    for i, word in enumerate(words):
        start = max(word.start, words[i - 1].start + 0.02 if i else 0.0)
        words[i] = replace(word, start=start, end=max(word.end, start + 0.02))
        if i:
            gap = start - words[i - 1].end
            if gap < 0 or (gap < 0.6 and draw.random() < 0.6):
                words[i - 1] = replace(words[i - 1], end=start)
    spectrum = np.fft.rfft(draw.standard_normal(int((at + 0.5) * SAMPLE_RATE)))
    spectrum *= np.maximum(np.arange(len(spectrum)), len(spectrum) / 100) ** -draw.uniform(0, 1)
    sound = np.fft.irfft(spectrum)
    sound *= 10 ** ((-23 - draw.uniform(12, 30)) / 20) / np.sqrt(np.mean(sound**2))
    for start, part in parts:
        first = int(start * SAMPLE_RATE)
        sound[first : first + len(part)] += part[: len(sound) - first]
    channel = str(draw.choice(["clean", *CHANNELS]))
    sound = np.clip(sound, -1, 1).astype(np.float32)
    return references, words, sound if channel == "clean" else through(sound, channel)


def transcript(words: list[Word]) -> Transcript:
    """Words in segments as Whisper makes them: cut at pauses, and after seven seconds."""
    rows: list[list[Word]] = []
    for word in words:
        if rows and word.start - rows[-1][-1].end <= 0.8 and word.end - rows[-1][0].start <= 7:
            rows[-1].append(word)
        else:
            rows.append([word])
    segments = tuple(
        Segment(row[0].start, row[-1].end, "".join(word.text for word in row), tuple(row))
        for row in rows
    )
    speech = tuple(Span(segment.start, segment.end) for segment in segments)
    return Transcript("none", "none", "zh", segments, speech)


def mixed(count: int) -> None:
    draw = np.random.default_rng(7)
    calls = mono_calls()
    shares, alone = [], 0
    for number in range(count):
        call, sound = calls[number % len(calls)]
        gain = 10 ** (draw.uniform(-12, 12) / 20)
        pieces, parties = [], []
        for turn in call["turns"]:
            part = sound.channels[0][
                int(turn["start"] * SAMPLE_RATE) : int(turn["end"] * SAMPLE_RATE)
            ]
            pieces.append(part * (gain if turn["speaker"] == "staff" else 1.0))
            parties.append(turn["speaker"] == "staff")
        order = draw.permutation(len(pieces))
        noise_db = draw.uniform(10, 30)
        found, seconds = told([pieces[i] for i in order], noise_db, draw)
        truth = np.array([parties[i] for i in order])
        labels = np.array([-1 if v.number is None else v.number for v in found])
        agree = [float((seconds * (labels == (truth == side))).sum()) for side in (True, False)]
        shares.append(max(agree) / seconds.sum())
        own, _ = told(
            [p for p, staff in zip(pieces, parties, strict=True) if not staff], noise_db, draw
        )
        alone += all(voice.number is None for voice in own)
    print(
        f"mixes: right {100 * float(np.mean(shares)):.1f} % of the time in the mean of {count},"
        f" {sum(s >= 0.9 for s in shares)} of {count} with 90 % or more;"
        f" one party alone left whole {alone} of {count}"
    )


def told(parts: list[np.ndarray], noise_db: float, draw: np.random.Generator):
    """The voices of `parts`, one after another in noise and in 8 bits, and the parts' lengths in s."""
    sound = np.concatenate(parts)
    sound = sound / (np.abs(sound).max() + 1e-9) * 0.7
    level = np.sqrt((sound**2).mean()) * 10 ** (-noise_db / 20)
    sound = sound + draw.standard_normal(len(sound)) * level
    # A-law's compression (ITU-T G.711) to 8 bits and back
    small = np.abs(sound).clip(0, 1)
    a = 87.6
    squeezed = np.where(small < 1 / a, a * small, 1 + np.log(np.maximum(small, 1 / a) * a)) / (
        1 + np.log(a)
    )
    squeezed = np.round(squeezed * 127) / 127 * (1 + np.log(a))
    sound = np.sign(sound) * np.where(squeezed < 1, squeezed / a, np.exp(squeezed - 1) / a)
    ends = np.cumsum([len(part) for part in parts]) / SAMPLE_RATE
    starts = np.r_[0.0, ends[:-1]]
    pieces = list(zip(starts.tolist(), ends.tolist(), strict=True))
    return tell_apart(sound.astype(np.float32), pieces), ends - starts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="demo")
    parser.add_argument("--engine", default="whisper", choices=transcribe.ENGINES)
    parser.add_argument("--models", type=Path, default=Path("models"), help="folder of the weights")
    parser.add_argument("--mixes", type=int, default=60)
    parser.add_argument("--spoken", type=Path, help="calls as text, spoken anew")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if options.spoken:
        return spoken(options.spoken, options.seed)
    mixed(options.mixes)
    heard(options.model, options.engine, options.models)


if __name__ == "__main__":
    main()
