"""What is heard of the demonstration calls in every codec, and against Whisper's plain `transcribe`.

    python benchmarks/hearing.py [--calls 14] [--channels clean,amr122,alaw] [--engine fast] [--plain]

The calls are spoken anew (espeak-ng is needed), one party after the other on one channel, in their noise,
and passed through the encoders of `models/demo/channels.py`; `clean` through none. CER is over all calls.
A turn is missing when no word was heard in it; it is lost when it does not need listening either. With
`--plain` the clean calls are heard by `whisper.transcribe` as well: Chinese, beam 5, no VAD, its own windows.
"""

from __future__ import annotations

import argparse
import sys
import tomllib
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "models" / "demo"))
import calls as spoken_calls
from channels import CHANNELS, through

from pipeline import audio, cer, models, transcribe
from pipeline.phantoms import bare
from pipeline.spans import subtract
from pipeline.turns import make_turns
from pipeline.types import SAMPLE_RATE, Audio, Turn

SCRIPT = Path(spoken_calls.__file__).with_name("calls.toml")


def clean(count: int) -> list[tuple[list[Turn], np.ndarray]]:
    """The turns of each call and its sound, float32 at SAMPLE_RATE."""
    made = []
    for call in tomllib.loads(SCRIPT.read_text("utf-8"))["call"]:
        if "turns" not in call:
            continue
        draw = np.random.default_rng(zlib.crc32(call["file"].encode()))
        sides, turns = spoken_calls.spoken(call, draw)
        mixed = sum(spoken_calls._samples(side) for side in sides) / len(sides) ** 0.5
        said = [Turn(t["speaker"], t["text"], t["start"], t["end"]) for t in turns]
        made.append((said, np.clip(mixed, -1, 1).astype(np.float32)))
    return made[:count]


def mono(samples: np.ndarray) -> Audio:
    seconds = len(samples) / SAMPLE_RATE
    return Audio((samples,), seconds, "mono", "wav", "pcm_s16le", SAMPLE_RATE, 1)


def missing(said: Sequence[Turn], heard: Sequence[Turn]) -> tuple[int, int]:
    """How many turns got no words, and how many of these nobody is asked to listen to."""
    words = [(turn.start, turn.end) for turn in heard if bare(turn.text)]
    flagged = [(turn.start, turn.end) for turn in heard if turn.unheard]
    gone = [t for t in said if subtract([(t.start, t.end)], words) == [(t.start, t.end)]]
    lost = [t for t in gone if subtract([(t.start, t.end)], flagged) == [(t.start, t.end)]]
    return len(gone), len(lost)


def row(name: str, said: list[list[Turn]], heard: list[list[Turn]]) -> str:
    errors, gone, lost = cer.Errors(), 0, 0
    for turns, found in zip(said, heard, strict=True):
        errors += cer.character_errors(
            "".join(t.text for t in turns), "".join(t.text for t in found)
        )
        here = missing(turns, found)
        gone, lost = gone + here[0], lost + here[1]
    turns = sum(map(len, said))
    return (
        f"{name:10} CER {100 * (errors.cer or 0):5.1f} % of {errors.characters} characters;"
        f" of {turns} turns {gone} without words, {lost} lost"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=14)
    parser.add_argument("--channels", default="clean," + ",".join(CHANNELS))
    parser.add_argument("--engine", default="fast", choices=transcribe.ENGINES)
    parser.add_argument("--model", default="demo")
    parser.add_argument("--models", type=Path, default=Path("models"), help="folder of the weights")
    parser.add_argument("--plain", action="store_true")
    options = parser.parse_args()
    made = clean(options.calls)
    said = [turns for turns, _sound in made]
    listener = transcribe.load(options.model, options.models, engine=options.engine)
    for name in options.channels.split(","):
        heard = []
        for _turns, samples in made:
            sound = mono(samples if name == "clean" else through(samples, name))
            speech = audio.speech(sound)
            found = make_turns(listener.transcribe(sound, speech), sound.duration, sound.channels)
            heard.append(list(found))
        print(row(name, said, heard), flush=True)
    if options.plain:
        import whisper

        path = models.find(options.model, options.models)
        plain = whisper.load_model(str(path))
        heard = []
        for _turns, samples in made:
            result = whisper.transcribe(plain, samples, language="zh", beam_size=5, fp16=False)
            heard.append(
                [Turn("unknown", s["text"], s["start"], s["end"]) for s in result["segments"]]
            )
        print(row("plain", said, heard))


if __name__ == "__main__":
    main()
