"""Two ingests, again and again, and a watch, while recordings arrive in bursts and in pieces.

    python tests/faults/crowd.py -n 200     200 calls, none twice, or it says what is wrong

Files are written in pieces, some under a name of a browser's or of rsync's until they are whole, some
in folders of their own, ten or so at once and then none for a while. Four processes, with the real
decoder; a scripted transcriber hears, and all sound counts as speech.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[2]))

import sounds
from scripted import Scripted, make_home

from pipeline import audio, cli, process, proof, settings, watching
from pipeline.log import Log
from pipeline.settings import Home
from pipeline.types import Audio, Span

SETTLE_S = 3.0
"""Ten times as long as a piece lets wait for the next."""


def worker(what: str, home: Path) -> None:
    """`hotline ingest` again and again until it is stopped, or `hotline watch`."""
    cli.load_engine = watching.load_engine = lambda *_arguments, **_more: Scripted()
    audio.speech = whole
    while True:
        with contextlib.suppress(SystemExit):
            cli.main(["--home", str(home), what])
        if what == "watch":
            return
        time.sleep(0.5)


def whole(sound: Audio) -> tuple[Span, ...]:
    return (Span(0.0, sound.duration),)


def feed(home: Home, n: int, lots: random.Random) -> None:
    """`n` recordings, no two alike, a burst after the other."""
    made = 0
    while made < n:
        threads = []
        for _one in range(min(n - made, lots.randrange(1, 20))):
            content = sound(made)
            threads.append(
                threading.Thread(
                    target=arrive, args=(home, made, content, lots.random(), lots.random())
                )
            )
            made += 1
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        time.sleep(lots.uniform(0.0, 2.0))


def sound(number: int) -> bytes:
    made = io.BytesIO(sounds.wav_bytes(sounds.syllables(0.5, 8_000, seed=number), 8_000))
    return made.getvalue()


def arrive(home: Home, number: int, content: bytes, how: float, slow: float) -> None:
    """One file in pieces; under its name, or under another until it is whole."""
    folder = home.recordings / ("" if how < 0.7 else f"手机{number % 7}/{number % 3}")
    folder.mkdir(parents=True, exist_ok=True)
    name = f"通话{number}.wav"
    path = folder / name
    if 0.3 < how < 0.5:
        path = folder / (name + ".crdownload")
    elif 0.5 <= how < 0.6:
        path = folder / f".{name}.Xb{number % 10000:04d}"
    pieces = 1 + number % 4
    with path.open("wb", buffering=0) as file:
        for piece in range(pieces):
            file.write(
                content[len(content) * piece // pieces : len(content) * (piece + 1) // pieces]
            )
            time.sleep(SETTLE_S / 10 * slow)
    if path.name != name:
        path.rename(folder / name)


def crowd(n: int, seed: int, folder: Path) -> dict[str, Any]:
    home = make_home(folder / "家")
    file = home.path / "hotline.toml"
    text = file.read_text(encoding="utf-8").replace(
        "settle_seconds = 0.05", f"settle_seconds = {SETTLE_S}"
    )
    file.write_text(text, encoding="utf-8")
    home = settings.find(home.path)
    began = time.monotonic()
    said = [(folder / f"said{number}").open("w") for number in range(3)]
    workers = [
        subprocess.Popen(
            [sys.executable, __file__, "--worker", what, str(home.path)],
            stdout=out, stderr=out, env={**os.environ, "HOTLINE_LANG": "en"},
        )
        for what, out in zip(("ingest", "ingest", "watch"), said, strict=True)
    ]  # fmt: skip
    try:
        feed(home, n, random.Random(seed))
        with Log(home.log) as log:
            while log.states()["logged"] < n and time.monotonic() - began < 60 + 20 * n:
                assert all(one.poll() is None for one in workers), "a worker has ended"
                time.sleep(0.5)
    finally:
        for one in workers:
            one.send_signal(signal.SIGTERM)
        for one in workers:
            one.wait(60)
        for out in said:
            out.close()
    audio.speech = whole
    with Log(home.log) as log:
        process.ingest(home, log, (), Scripted)  # what is left is little: names that passed away
        checked = proof.check(home, log)
        paths = [call.recording for call in log.calls()]
        told = "".join((folder / f"said{number}").read_text("utf-8") for number in range(3))
        return {
            "files": n,
            "calls": len(paths),
            "twice": len(paths) - len(set(paths)),
            "states": {state: count for state, count in checked.states.items() if count},
            "problems": list(checked.problems),
            "refused": told.count("Another hotline is taking in"),
            "traces": told.count("Traceback") + told.count("inside hotline"),
            "seconds": round(time.monotonic() - began),
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--worker", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        worker(options.worker[0], Path(options.worker[1]))
        return
    with tempfile.TemporaryDirectory(prefix="crowd-") as folder:
        found = crowd(options.n, options.seed, Path(folder))
    print(json.dumps(found, ensure_ascii=False))
    sound_one = (found["calls"], found["twice"], found["problems"], found["traces"])
    sys.exit(sound_one != (options.n, 0, [], 0))


if __name__ == "__main__":
    main()
