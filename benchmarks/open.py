"""How soon `hotline open` answers when much is unanswered.

    .venv/bin/python benchmarks/open.py [--requests 10000] [--runs 5]

Makes a log in which every request is open, then runs the command as staff do, each time in a process of its own: in a
terminal (a pseudo-terminal, the first hundred and all), into a pipe, as JSON. Seconds by the wall, median
and worst; the last column is the processor's seconds of the median run, which a busy computer does not stretch so much.
Target: 0.5 s in a terminal.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import week

from pipeline import settings
from pipeline.log import Log


def once(command: list[str], terminal: bool) -> tuple[float, float]:
    """Seconds by the wall and of the processor; what is printed is read to its end."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    if terminal:
        import pty

        ours, theirs = pty.openpty()
        process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs)
        os.close(theirs)
        while True:
            try:
                if not os.read(ours, 65536):
                    break
            except OSError:  # the other end is closed
                break
        os.close(ours)
        failed = process.wait()
    else:
        failed = subprocess.run(command, stdout=subprocess.DEVNULL).returncode
    took = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if failed:
        raise SystemExit(f"{command} failed")
    return took, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=5)
    asked = parser.parse_args()
    os.environ |= {"HOTLINE_LANG": "zh", "TERM": "xterm-256color", "COLUMNS": "120"}
    with tempfile.TemporaryDirectory() as folder:
        home, _new = settings.init(Path(folder) / "home")
        with Log(home.log) as log:
            week.fill(log, asked.requests, closed=0.0)
            print(f"{len(log.open_requests()):,} open requests")
        command = [sys.executable, "-m", "pipeline", "--home", str(home.path), "open"]
        bare = [sys.executable, "-c", "import click"]
        print(f"{'':24} {'median':>7} {'worst':>7} {'cpu':>6}")
        for name, arguments, terminal in (
            ("python, click", bare, False),
            ("terminal, the first", command, True),
            ("terminal, --all", [*command, "--all"], True),
            ("pipe", command, False),
            ("--json", [*command, "--json"], False),
        ):
            runs = sorted(once(arguments, terminal) for _ in range(asked.runs))
            wall = [run[0] for run in runs]
            print(
                f"{name:24} {statistics.median(wall):7.2f} {wall[-1]:7.2f} "
                f"{runs[len(runs) // 2][1]:6.2f}"
            )


if __name__ == "__main__":
    main()
