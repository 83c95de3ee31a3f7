"""Recordings spoilt at random, by the thousand, through the decoder: none may crash it for good or hang it.

    python tests/faults/fuzz.py -n 3000 --seed 1

Each of the formats of `badfiles.py`, cut, holed, lengthened, spliced with another, with bits turned and
lengths that lie. Prints what became of them; every sentence names the file, and what failed is kept.
"""

from __future__ import annotations

import argparse
import collections
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[2]))

import sounds

from faults import badfiles
from pipeline import decoder
from pipeline.errors import HotlineError, UnsupportedAudio

SLOW_S = 10.0


def good(folder: Path) -> dict[str, bytes]:
    """A good recording of each format, by `codec.suffix`."""
    sounds.CODECS.update(badfiles.MORE)
    made = {}
    for n, (codec, suffix) in enumerate(badfiles.FORMATS.items()):
        voice = sounds.syllables(1.5, sounds.CODECS[codec][2], seed=n)
        rate = 32_000 if codec == "wma" else None
        path = sounds.write(folder / f"{codec}.{suffix}", voice, codec, bit_rate=rate)
        made[path.name] = path.read_bytes()
    return made


def spoil(whole: bytes, other: bytes, rng: np.random.Generator) -> bytes:
    """`whole` with one thing wrong with it."""
    spoilt, size = bytearray(whole), len(whole)
    at = int(rng.integers(0, size - 8))
    head = int(rng.integers(0, min(size - 8, 200)))
    kind = int(rng.integers(0, 9))
    if kind == 0:
        return whole[: at + 1]
    if kind == 1:
        spoilt[at:at] = rng.bytes(int(rng.integers(1, 5_000)))
    elif kind == 2:
        del spoilt[at : at + int(rng.integers(1, size // 3))]
    elif kind == 3:
        for place in rng.integers(0, min(size, 300), 8):
            spoilt[place] = int(rng.integers(0, 256))
    elif kind == 4:
        for place in rng.integers(0, min(size, 120), 3):
            spoilt[place] = 255
    elif kind == 5:
        return whole[: size // 2] + other[len(other) // 3 :]
    elif kind == 6:
        return other[: int(rng.integers(16, 200))] + whole
    elif kind == 7:
        for place in rng.integers(0, size, 200):
            spoilt[place] ^= 1 << int(rng.integers(0, 8))
    else:
        lie = int(rng.choice([0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF]))
        spoilt[head : head + 4] = lie.to_bytes(4, "big" if rng.integers(2) else "little")
    return bytes(spoilt)


def fuzz(n: int, seed: int, folder: Path) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    whole = good(folder)
    names = list(whole)
    found: collections.Counter[str] = collections.Counter()
    slowest, peak = 0.0, 0
    for number in range(n):
        name, other = (names[int(rng.integers(len(names)))] for _one in range(2))
        path = folder / f"spoilt-{name}"
        path.write_bytes(spoil(whole[name], whole[other], rng))
        began = time.monotonic()
        wrong = ""
        try:
            heard = decoder.shared().decode(path)
            found["heard, and said what is wrong" if heard.problems else "heard"] += 1
            peak = max(peak, heard.peak_bytes)
        except UnsupportedAudio as error:
            found["no sound in it"] += 1
            wrong = "" if path.name in str(error) else str(error)
        except HotlineError as error:  # crashed or hung without any sound
            found["failed"] += 1
            wrong = str(error)
        took = time.monotonic() - began
        slowest = max(slowest, took)
        if wrong or took > SLOW_S:
            kept = path.rename(Path(tempfile.gettempdir()) / f"fuzz-{seed}-{number}-{name}")
            print(kept, round(took, 1), wrong, flush=True)
    return {"files": n, **found, "slowest_s": round(slowest, 2), "peak_mb": round(peak / 1e6)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        found = fuzz(options.n, options.seed, Path(folder))
    print(json.dumps(found))
    sys.exit("failed" in found)


if __name__ == "__main__":
    main()
