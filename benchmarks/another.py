"""Another office's taxonomy, without code: `python benchmarks/another.py EXAMPLES.jsonl [--taxonomy T]`.

Makes a home, puts the taxonomy (another.toml) into it, runs `hotline learn EXAMPLES.jsonl`, and prints
how many examples were judged right by models that had not seen them: five folds by the hash of the
words, the same at every run, each with a vocabulary of its own.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HOTLINE = [sys.executable, "-m", "pipeline.cli"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("examples", type=Path)
    parser.add_argument("--taxonomy", type=Path, default=Path(__file__).with_name("another.toml"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        subprocess.run([*HOTLINE, "init", str(home)], check=True, capture_output=True)
        shutil.copyfile(options.taxonomy, home / "taxonomy.toml")
        began = time.perf_counter()
        done = subprocess.run(
            [*HOTLINE, "--home", str(home), "learn", str(options.examples), "--json"],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        took = time.perf_counter() - began
        size = (home / "learned.npz").stat().st_size
    for figure in json.loads(done.stdout)["figures"]:
        share = figure["after"] / figure["of"]
        print(f"{figure['label']:10} {share:.4f}  ({figure['after']}/{figure['of']})")
    print(f"{took:.0f} s, {size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
