"""A call of hours: memory, time, and going on after a kill.

    python benchmarks/long_call.py [--hours 3] [--engine fast] [--kill-after 60]

The demonstration calls one after another make one recording of so many hours. `hotline ingest` hears it in
a home of its own and is killed (SIGKILL) after some seconds of hearing; a second run goes on, and what
it hears again is counted. Memory is the process tree's, from /proc (Linux), at every quarter.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import wave
from pathlib import Path

import numpy as np
from speakers import mono_calls

RATE = 8_000


def record(path: Path, hours: float) -> None:
    """A-law is what exchanges write; the WAV module writes PCM, and it is the length that matters."""
    sounds = [sound.channels[0][::2] for _call, sound in mono_calls()]
    left = int(hours * 3600 * RATE)
    with wave.open(str(path), "wb") as output:
        output.setnchannels(1)
        output.setsampwidth(2)
        output.setframerate(RATE)
        while left > 0:
            for sound in sounds:
                part = sound[:left]
                left -= len(part)
                output.writeframes((np.clip(part, -1, 1) * 32767).astype("<i2").tobytes())


def tree(pid: int) -> list[int]:
    found = [pid]
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return found
    for child in children:
        found += tree(int(child))
    return found


def resident(pid: int) -> float:
    """Memory of a process and its children, in MB."""
    total = 0
    for one in tree(pid):
        try:
            total += int(Path(f"/proc/{one}/statm").read_text().split()[1])
        except OSError:
            continue
    return total * os.sysconf("SC_PAGE_SIZE") / 1e6


def windows(home: Path) -> int:
    import sqlite3

    with sqlite3.connect(f"file:{home / 'hotline.db'}?mode=ro", uri=True) as log:
        return int(log.execute("SELECT count(*) FROM heard_windows").fetchone()[0])


def run(home: Path, arguments: list[str], kill_after: float | None) -> None:
    command = [sys.executable, "-m", "pipeline.cli", "--home", str(home), "ingest", *arguments]
    began, first = time.monotonic(), None
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    seen: list[tuple[float, int, float]] = []
    while process.poll() is None:
        time.sleep(1.0)
        heard = windows(home)
        if heard and first is None:
            first = time.monotonic()
        seen.append((time.monotonic() - began, heard, resident(process.pid)))
        if kill_after is not None and first and time.monotonic() - first > kill_after:
            for pid in reversed(tree(process.pid)):
                os.kill(pid, signal.SIGKILL)
            process.wait()
            print(f"killed after {seen[-1][0]:.0f} s with {heard} windows heard")
            break
    while_hearing = [one for one in seen if one[1]]
    for quarter in range(1, 5):
        if while_hearing:
            at, heard, memory = while_hearing[len(while_hearing) * quarter // 4 - 1]
            print(f"  {at:7.0f} s  {heard:5} windows  {memory:7.0f} MB")
    if kill_after is None:
        assert process.stdout is not None
        print(process.stdout.read().decode()[-600:])
        print(f"{seen[-1][0]:.0f} s in all")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=float, default=3.0)
    parser.add_argument("--engine", default="fast", choices=("whisper", "fast"))
    parser.add_argument("--model", default="demo")
    parser.add_argument("--kill-after", type=float, default=60.0, help="seconds of hearing")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        subprocess.run([sys.executable, "-m", "pipeline.cli", "init", str(home)], check=True)
        record(home / "recordings" / "long.wav", options.hours)
        os.utime(home / "recordings" / "long.wav", (time.time() - 60,) * 2)
        heard = ["--json", "--model", options.model, "--engine", options.engine]
        run(home, heard, options.kill_after)
        kept = windows(home)
        run(home, heard, None)
        import sqlite3

        with sqlite3.connect(home / "hotline.db") as log:
            parameters, duration = log.execute(
                "SELECT t.parameters, c.duration FROM transcripts AS t JOIN calls AS c ON c.id = t.call_id"
            ).fetchone()
        count = json.loads(parameters)["windows"]
        print(f"{duration / 3600:.2f} h, {count} windows, {kept} of them kept from the first run")


if __name__ == "__main__":
    main()
