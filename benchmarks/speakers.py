"""Who speaks in mono calls: the share of time with the right speaker.

    python benchmarks/speakers.py [--model demo] [--engine fast] [--mixes 60]

The first part hears the mono demonstration calls and compares the turns' speakers with the references.
The second needs no recogniser: it mixes the two parties of each demonstration call anew, the one up to
12 dB above the other, in noise 10 to 30 dB below, through the 8 bits of A-law, and tells the voices of
the true pieces apart; also one party alone, which should not be made two.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from pipeline import audio, demo, transcribe
from pipeline.turns import make_turns
from pipeline.types import SAMPLE_RATE
from pipeline.voices import tell_apart


def heard(model: str, engine: str, models: Path) -> None:
    listener = transcribe.load(model, models, engine=engine)
    total = {"right": 0.0, "wrong": 0.0, "unknown": 0.0}
    for call, sound in mono_calls():
        turns = make_turns(
            listener.transcribe(sound, audio.speech(sound)), sound.duration, sound.channels
        )
        one = dict.fromkeys(total, 0.0)
        for reference in call["turns"]:
            for turn in turns:
                both = min(turn.end, reference["end"]) - max(turn.start, reference["start"])
                if both > 0:
                    known = "right" if turn.speaker == reference["speaker"] else "wrong"
                    one["unknown" if turn.speaker == "unknown" else known] += both
        for name, seconds in one.items():
            total[name] += seconds
        print(line(call["id"], one))
    print(line("all", total))


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
    options = parser.parse_args()
    mixed(options.mixes)
    heard(options.model, options.engine, options.models)


if __name__ == "__main__":
    main()
