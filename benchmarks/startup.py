"""How soon `hotline --help` and `hotline search` answer, beside a bare Python and a bare click.

    python benchmarks/startup.py [--runs 15]

Prints the median and the worst of the runs in seconds, and each as a ratio to `python -c "import
click"` in the same run. Targets: --help under 0.3 s, search under 0.5 s.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pipeline import demo


def seconds(command: list[str], runs: int) -> list[float]:
    took = []
    for _ in range(runs):
        start = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        took.append(time.perf_counter() - start)
    return took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=15)
    runs = parser.parse_args().runs
    hotline = [sys.executable, "-m", "pipeline"]
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        subprocess.run([*hotline, "init", str(home)], check=True, capture_output=True)
        calls = Path(folder) / "calls.jsonl"
        # The references are calls with words: a log to search without hearing anything.
        calls.write_bytes((demo.data() / demo.REFERENCES).read_bytes())
        subprocess.run(
            [*hotline, "--home", str(home), "import", str(calls)], check=True, capture_output=True
        )
        rows = {
            "python -c 'import click'": [sys.executable, "-c", "import click"],
            "hotline --help": [*hotline, "--help"],
            "hotline search 胰岛素": [*hotline, "--home", str(home), "search", "胰岛素"],
            "hotline open": [*hotline, "--home", str(home), "open"],
        }
        base = 0.0
        print(f"{'command':28} {'median':>7} {'worst':>7} {'ratio':>6}")
        for name, command in rows.items():
            took = seconds(command, runs)
            base = base or statistics.median(took)
            middle = statistics.median(took)
            print(f"{name:28} {middle:7.3f} {max(took):7.3f} {middle / base:6.1f}")


if __name__ == "__main__":
    main()
