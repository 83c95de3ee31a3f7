"""How well the demonstration model hears: Whisper's own `transcribe` on what it was not trained on.

    python models/demo/measure.py                      # all held-out sentences, every channel
    python models/demo/measure.py --limit 60 --channels clean,amr122 --packed 0 --calls

Prints, for single sentences, for windows of several sentences, and for the demonstration calls:
CER (punctuation taken out), errors of times in seconds (median and 95th percentile), seconds of
computing per second of audio on one thread, and tokens heard that were never trained.
"""

import argparse
import json
import random
import time
from dataclasses import dataclass, field
from pathlib import Path

import av
import jiwer
import numpy as np
import torch
import whisper
from channels import CHANNELS, through
from corpus import WORK, bare, hiss
from speech import SAMPLE_RATE
from whisper.tokenizer import get_tokenizer

HERE = Path(__file__).parent
PACKAGE_DATA = HERE.parents[1] / "pipeline" / "demo"
WINDOW_S = 8.0
"""Longest window that the pipeline gives this model (pipeline/models.py)."""


@dataclass
class Score:
    """What was said and heard under one condition."""

    said: list[str] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)
    ends: list[float] = field(default_factory=list)  # segment ends, absolute error in s
    words: list[float] = field(default_factory=list)  # ends of words, where the text is right
    audio_s: float = 0.0
    spent_s: float = 0.0
    strange: int = 0
    uneven: int = 0  # windows in which the segments were not as many as the sentences

    def line(self, name: str) -> str:
        def spread(errors: list[float]) -> str:
            if not errors:
                return "-"
            return f"{np.median(errors):.2f}/{np.percentile(errors, 95):.2f}"

        rate = jiwer.cer(self.said, self.heard)
        return (
            f"{name:10s} CER {100 * rate:5.1f} %  of {len(self.said)}  segment end {spread(self.ends)}"
            f"  word end {spread(self.words)}  {self.spent_s / self.audio_s:.2f} x real time"
            f"  uneven {self.uneven}  untrained tokens {self.strange}"
        )


class Ear:
    """A checkpoint and what is needed to judge it."""

    def __init__(self, path: Path, beam: int | None, words: bool) -> None:
        self.words = words
        self.model = whisper.load_model(str(path), device="cpu")
        self.beam = beam
        tokenizer = get_tokenizer(True, num_languages=99, language="zh", task="transcribe")
        table = self.model.decoder.token_embedding.weight
        # rows that were never trained are all alike; `translate` is one of them
        self.trained = (table != table[tokenizer.translate]).any(1)

    def hear(self, samples: np.ndarray, score: Score) -> list[dict]:
        """The segments; their ends are Whisper's timestamps, or its words' ends with `words`."""
        began = time.process_time()
        result = whisper.transcribe(
            self.model, samples.astype(np.float32), language="zh", temperature=0.0, fp16=False,
            beam_size=self.beam, condition_on_previous_text=False, word_timestamps=self.words,
        )  # fmt: skip
        score.spent_s += time.process_time() - began
        score.audio_s += len(samples) / SAMPLE_RATE
        segments = [s for s in result["segments"] if s["text"].strip()]
        score.strange += sum(not self.trained[t] for s in segments for t in s["tokens"])
        return segments


def han(text: str) -> str:
    return bare(text).replace(" ", "")


def judge(score: Score, segments: list[dict], sentences: list[tuple[float, dict]]) -> None:
    """Compare with `sentences`: (start in the window in s, record of the corpus) in order."""
    said = "".join(han(record["text"]) for _, record in sentences)
    heard = "".join(han(s["text"]) for s in segments)
    score.said.append(said)
    score.heard.append(heard)
    if len(segments) == len(sentences):
        for segment, (start, record) in zip(segments, sentences, strict=True):
            score.ends.append(abs(segment["end"] - start - record["end"][-1]))
    else:
        score.uneven += 1
    if said == heard:
        ends = [start + end for start, record in sentences for end in record["end"]]
        at = 0
        for word in (w for s in segments for w in s.get("words", [])):
            at += len(han(word["word"]))
            if han(word["word"]):
                score.words.append(abs(word["end"] - ends[at - 1]))


def changed(samples: np.ndarray, channel: str, seed: int) -> np.ndarray:
    if channel == "clean":
        return samples
    if channel == "noise20":
        return samples + hiss(seed, len(samples), samples, 20.0)
    return through(samples, channel)


def pack(
    records: list[dict], audio: np.ndarray, count: int
) -> list[tuple[np.ndarray, list[tuple[float, dict]]]]:
    """Windows of 5 s to WINDOW_S with several sentences and pauses of 0.3 to 1 s."""
    rng, windows = random.Random(4), []
    while len(windows) < count:
        window, at, longest = [], 0.2, rng.uniform(5, WINDOW_S)
        samples = np.zeros(int(longest * SAMPLE_RATE), np.float32)
        for record in rng.sample(records, 8):
            first, size = int(at * SAMPLE_RATE), record["length"]
            if first + size > len(samples):
                continue
            samples[first : first + size] = sound(record, audio)
            window.append((at, record))
            at += size / SAMPLE_RATE + rng.uniform(0.3, 1.0)
        samples = samples[: int((at - 0.2) * SAMPLE_RATE)]
        windows.append((samples + hiss(len(windows), len(samples), samples, 35.0), window))
    return windows


def sound(record: dict, audio: np.ndarray) -> np.ndarray:
    part = audio[record["offset"] : record["offset"] + record["length"]]
    return part.astype(np.float32) / 32768 * 0.5


def decoded(path: Path) -> np.ndarray:
    """A recording, mono, SAMPLE_RATE."""
    with av.open(str(path)) as source:
        resampler = av.AudioResampler("s16", "mono", SAMPLE_RATE)
        frames = [f for frame in source.decode(audio=0) for f in resampler.resample(frame)]
        frames += resampler.resample(None)
    return np.concatenate([f.to_ndarray()[0] for f in frames]).astype(np.float32) / 32768


def calls(ear: Ear) -> Score:
    """The demonstration calls, cut between turns into windows of at most WINDOW_S."""
    total = Score()
    for line in (PACKAGE_DATA / "calls.jsonl").read_text("utf8").splitlines():
        call = json.loads(line)
        if not call["turns"]:
            continue
        samples, score = decoded(PACKAGE_DATA / "calls" / call["file"]), Score()
        group: list[dict] = []
        for turn in [*call["turns"], None]:
            if group and (turn is None or turn["end"] - group[0]["start"] > WINDOW_S - 0.4):
                first = max(0.0, group[0]["start"] - 0.2)
                last = group[-1]["end"] + 0.2
                part = samples[int(first * SAMPLE_RATE) : int(last * SAMPLE_RATE)]
                segments = ear.hear(part, score)
                score.said.append("".join(han(t["text"]) for t in group))
                score.heard.append("".join(han(s["text"]) for s in segments))
                group = []
            if turn:
                group.append(turn)
        print(score.line(call["id"][:10]), flush=True)
        for name in ("said", "heard"):
            getattr(total, name).extend(getattr(score, name))
        total.audio_s += score.audio_s
        total.spent_s += score.spent_s
        total.strange += score.strange
    return total


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=PACKAGE_DATA / "demo.pt")
    parser.add_argument("--limit", type=int, default=400, help="sentences for each channel")
    parser.add_argument("--channels", default=",".join(["clean", "noise20", *CHANNELS]))
    parser.add_argument("--packed", type=int, default=60, help="windows of several sentences")
    parser.add_argument("--calls", action="store_true", help="the demonstration calls too")
    parser.add_argument(
        "--words", action="store_true", help="word_timestamps=True: ends of words, slower"
    )
    parser.add_argument("--beam", type=int, help="as the pipeline, 5; without it greedy")
    parser.add_argument("--show", type=int, default=0, help="print so many mistakes of each")
    options = parser.parse_args()
    torch.set_num_threads(1)
    records = json.loads((WORK / "test.json").read_text("utf8"))
    audio = np.load(WORK / "test.npy")
    ear = Ear(options.model, options.beam, options.words)
    for channel in filter(None, options.channels.split(",")):
        score = Score()
        for i, record in enumerate(records[: options.limit]):
            segments = ear.hear(changed(sound(record, audio), channel, i), score)
            judge(score, segments, [(0.0, record)])
        report(channel, score, options.show)
    for channel in ("clean", "amr122") if options.packed else ():
        score = Score()
        for i, (samples, window) in enumerate(pack(records, audio, options.packed)):
            judge(score, ear.hear(changed(samples, channel, i), score), window)
        report(f"{channel} 5-8", score, options.show)
    if options.calls:
        report("calls", calls(ear), options.show)


def report(name: str, score: Score, show: int) -> None:
    print(score.line(name), flush=True)
    wrong = [(a, b) for a, b in zip(score.said, score.heard, strict=True) if a != b]
    for said, heard in wrong[:show]:
        print(f"    said  {said}\n    heard {heard}")


if __name__ == "__main__":
    main()
