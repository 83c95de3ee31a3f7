"""Finish the demonstration model's decoder: the encoder stands still, and what it heard is heard again.

    python models/demo/finish.py --minutes 22 --state work/b.pt      # after train.py

After train.py the encoder knows its syllables (96 % of the frames), while the decoder, which has met
each sentence about once, still writes homophones. An encoder without gradient costs a third, and each
of its batches serves the decoder several times, so that it reads about five times as much a minute.
"""

import argparse
import math
import random
import time
from pathlib import Path

import numpy as np
import torch
import train
from corpus import WORK
from torch import nn
from whisper.tokenizer import get_tokenizer

POOL = 48
"""Encoded batches kept to draw from."""
USES = 3
"""How often a batch serves, in the mean."""
BATCH_S = 100.0
RATE = 1.2e-3
LENGTHS = {5: 0.3, 8: 0.5, 12: 0.2}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=22)
    parser.add_argument("--state", type=Path, default=train.STATE)
    parser.add_argument("--out", type=Path, default=train.DEMO)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    rng = random.Random(time.time())
    tokenizer = get_tokenizer(True, num_languages=99, language="zh", task="transcribe")
    spoken, _texts, names = train.load(tokenizer)
    old = torch.load(options.state, weights_only=False)
    vocabulary = train.Vocabulary(old["tokens"])
    train.BATCH_S = BATCH_S
    windows = train.Windows(spoken, tokenizer, vocabulary)
    student = train.Student(vocabulary, len(names))
    student.load_state_dict(old["student"])
    everything = student.trained()
    with torch.no_grad():
        for name, weight in old["mean"].items():
            everything[name].copy_(weight)
    decoder = {
        name: p
        for name, p in everything.items()
        if name.startswith("whisper.decoder") or name == "embedding"
    }
    for name, p in everything.items():
        p.requires_grad_(name in decoder)
    mean = {name: p.detach().clone() for name, p in everything.items()}
    optimiser = torch.optim.AdamW(
        decoder.values(), lr=RATE, betas=(0.9, 0.98), weight_decay=0.01, fused=True
    )
    stamps_from = vocabulary.dense[tokenizer.timestamp_begin]
    pool: list[tuple[train.Batch, torch.Tensor, torch.Tensor]] = []
    began, step, log, written = time.time(), 0, [], time.time()
    while (part := (time.time() - began) / (60 * options.minutes)) < 1:
        if len(pool) < 8 or step % USES == 0:
            long_s = rng.choices(list(LENGTHS), list(LENGTHS.values()))[0]
            batch = windows.batch(long_s, rng)
            with torch.no_grad():
                pool.append((batch, *student.encode(batch.mel)))
            if len(pool) > POOL:
                pool.pop(rng.randrange(POOL // 2))
        batch, heard, bias = rng.choice(pool)
        rate = RATE * min(1, (step + 1) / 100) * (0.5 + 0.5 * math.cos(math.pi * part) + 0.005)
        for group in optimiser.param_groups:
            group["lr"] = rate
        result = train.decoder_losses(student, batch, heard, bias, stamps_from)
        result.total.backward()
        nn.utils.clip_grad_norm_(decoder.values(), 1.0)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        step += 1
        keep = min(0.995, step / (step + 20))
        with torch.no_grad():
            for name, p in decoder.items():
                mean[name].lerp_(p, 1 - keep)
        log.append(result)
        if step % 50 == 0:
            said = {
                name: float(np.nanmean([getattr(r, name) for r in log]))
                for name in ("text", "look", "text_right", "stamp_right")
            }
            print(f"{step} {time.time() - began:.0f}s", said, flush=True)
            log = []
        if time.time() - written > 150:
            written = time.time()
            train.write(student, mean, options.out)
            torch.save({**old, "student": student.state_dict(), "mean": mean}, WORK / "finished.pt")
    train.write(student, mean, options.out)
    torch.save({**old, "student": student.state_dict(), "mean": mean}, WORK / "finished.pt")


if __name__ == "__main__":
    main()
