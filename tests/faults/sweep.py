"""Ingests that are killed, refused by the disk, or cut off from the power: is anything lost or doubled?

    python tests/faults/sweep.py kill            SIGKILL before each call that changes the disk, and in
                                                 the middle of each write, then a plain second run
    python tests/faults/sweep.py random -n 1000  SIGKILL at any moment
    python tests/faults/sweep.py errors          ENOSPC and EIO at each such call, once and for good
    python tests/faults/sweep.py power -n 1000   power cuts, and the control without syncs, which must lose
    python tests/faults/sweep.py cpu -n 30       what syncs cost in processor time
    python tests/faults/sweep.py strace          the shim sees what strace sees, of all threads and processes

`--sample K` takes every K-th point. Linux with a C compiler. It starts itself again under the shim;
one process loads everything and forks for each point, so that a point takes a fraction of a second.
Sound is decoded and searched for speech once, and a scripted transcriber hears: neither writes below
the home (that is what `strace` proves, with the real decoder). `--real` lets Whisper (demo) hear.
"""

from __future__ import annotations

import argparse
import collections
import json
import os
import random
import re
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[2]))

from faults import disk

RECORDINGS = 5


# --- Under the shim ---------------------------------------------------------------------------------


def spoken(n: int) -> Any:
    """The first seconds of a demonstration call."""
    from pipeline import audio, demo

    call = [call for call in demo.references() if call["requests"]][n]
    return audio.decode(demo.data() / "calls" / call["file"], max_seconds=4.0).channels[0]


def whisper_once() -> Any:
    """The demonstration model, which hears each window a single time: how well is no matter here."""
    from dataclasses import replace

    from pipeline import process

    engine: Any = process.load_transcriber(None, "demo")
    engine.hearing = replace(engine.hearing, temperatures=(0.0,), beam_size=1, relisten_s=0.0)
    return engine


class Bench:
    """A template of a home with five recordings that arrived, and what is tried on copies of it."""

    def __init__(self, folder: Path, real: bool) -> None:
        import sounds
        import torch
        from scripted import Scripted, make_home

        from pipeline import audio, cli

        torch.set_num_threads(1)  # a fork has one thread only
        os.environ["HOTLINE_LANG"] = "en"
        self.folder, self.root, self.real = folder, folder / "root", False
        self.shim = disk.Shim() if "SHIM_ROOT" in os.environ else disk.NoShim()
        self.root.mkdir()
        self.template = make_home(folder / "template").path
        for n in range(RECORDINGS):
            path = self.template / "recordings" / f"通话{n}.wav"
            voice = spoken(n) if real else sounds.syllables(1.0 + n / 10, 8_000, seed=n)
            sounds.write(path, voice, rate=16_000 if real else 8_000)
            os.utime(path, (1.7e9 + n, 1.7e9 + n))
        # Whisper is loaded in each fork: one that was made after it had worked would wait for its threads.
        cli.load_engine = lambda *arguments, **more: whisper_once() if self.real else Scripted()
        decode, speech = audio.decode, audio.speech
        known: dict[str, Any] = {}

        def decode_once(path: Path, **more: Any) -> Any:
            if path.name not in known:
                known[path.name] = decode(path, **more)
            return known[path.name]

        audio.decode = decode_once
        audio.speech = lambda sound: known.setdefault(f"speech {id(sound)}", speech(sound))
        # Everything is loaded, and decoded, by a first run.
        self.first = self.fresh("first")
        self.sound = self.attempt(self.first, fork=False)
        assert self.sound["exit"] == 0, self.sound
        if real:
            import whisper  # noqa: F401 (so that no fork loads it)

            self.real = True
            self.first = self.fresh("first")
            self.sound = self.attempt(self.first)
            assert self.sound["exit"] == 0, self.sound
        self.expected = self.look(self.first)
        assert self.expected["states"] == {"logged": RECORDINGS}, self.expected
        assert self.expected["problems"] == [], self.expected

    def fresh(self, name: str) -> Path:
        """A new copy of the template."""
        shutil.rmtree(self.root / name, ignore_errors=True)
        return Path(shutil.copytree(self.template, self.root / name))

    def attempt(
        self, home: Path, *, fork: bool = True, kill_after: float | None = None, **fault: Any
    ) -> dict[str, Any]:
        """`hotline ingest` on a home, with a fault; its exit status (None: killed) and what it said."""
        said = self.folder / "said"
        if not fork:
            return {"exit": self._ingest(home, said), "said": said.read_text("utf-8")}
        pid = os.fork()
        if pid == 0:
            status = 70
            try:
                self.shim.set(**fault)
                status = self._ingest(home, said)
            finally:
                os._exit(status)
        if kill_after is not None:
            time.sleep(kill_after)
            os.kill(pid, signal.SIGKILL)
        _pid, status = os.waitpid(pid, 0)
        code = os.waitstatus_to_exitcode(status)
        return {"exit": None if code < 0 else code, "said": said.read_text("utf-8")}

    def _ingest(self, home: Path, said: Path) -> int:
        from pipeline import cli

        with said.open("w", encoding="utf-8") as out:
            saved = sys.stdout, sys.stderr
            sys.stdout = sys.stderr = out
            try:
                cli.main(["--home", str(home), "ingest"], standalone_mode=True)
            except SystemExit as done:
                return int(done.code or 0)
            except BaseException:
                traceback.print_exc(file=out)
                return 99
            finally:
                sys.stdout, sys.stderr = saved
        return 0

    def look(self, home: Path) -> dict[str, Any]:
        """What is in a home's log: states, calls, the words of its requests, what does not add up."""
        from pipeline import proof, settings
        from pipeline.log import Log

        found = settings.find(home)
        with Log(found.log) as log:
            checked = proof.check(found, log)
            return {
                "states": {state: n for state, n in log.states().items() if n},
                "calls": len(log.calls()),
                "requests": sorted(row.text for row in log.requests()),
                "windows": log.query("SELECT count(*) AS n FROM heard_windows")[0]["n"],
                "problems": list(checked.problems),
            }

    def verdict(self, home: Path) -> dict[str, int]:
        """A plain second run, and what is lost, doubled or wrong after it."""
        again = self.attempt(home, at=0)
        after = self.look(home)
        counted = collections.Counter(after["requests"])
        counted.subtract(self.expected["requests"])
        wrong = {
            "lost": RECORDINGS - after["states"].get("logged", 0)
            + sum(-n for n in counted.values() if n < 0),
            "doubled": max(0, after["calls"] - RECORDINGS) + sum(n for n in counted.values() if n > 0),
            "problems": len(after["problems"]) + (again["exit"] != 0) + after["windows"],
        }  # fmt: skip
        if any(wrong.values()):
            print(json.dumps({"home": str(home), **after, **again}, ensure_ascii=False), flush=True)
        return wrong

    def calls(self) -> list[disk.Call]:
        """The calls of one undisturbed ingest."""
        trace = self.folder / "trace"
        trace.unlink(missing_ok=True)
        self.attempt(self.fresh("reference"), at=0, trace=trace)
        return [call for call in disk.read_trace(trace) if call.kind != "mark"]


def tally(total: dict[str, int], one: dict[str, int]) -> None:
    for key, n in one.items():
        total[key] = total.get(key, 0) + n


def kill(bench: Bench, options: argparse.Namespace) -> dict[str, Any]:
    """Before each call, and in the middle of each write. The last point is reached by no call."""
    calls = bench.calls()
    points = [(n, "kill") for n in range(1, len(calls) + 1)]
    points += [(n, "short") for n, call in enumerate(calls, 1) if call.kind == "write"]
    if options.sample > 1:
        points = points[options.sample // 2 :: options.sample]
    total = {"lost": 0, "doubled": 0, "problems": 0}
    if options.n and options.real:
        points = [points[len(points) * n // options.n] for n in range(options.n)]
    reached = 0
    for n, do in points:
        home = bench.fresh("home")
        killed = bench.attempt(home, at=n, do=do)["exit"] is None
        reached += killed
        found = bench.verdict(home)
        tally(total, found)
        if options.real:  # slow: what was tried stands there, whenever it is stopped
            print(json.dumps({"point": n, "do": do, "killed": killed, **found}), flush=True)
    kinds = dict(collections.Counter(call.kind for call in calls))
    return {"calls": len(calls), "kinds": kinds, "points": len(points), "killed": reached, **total}


def at_random(bench: Bench, options: argparse.Namespace) -> dict[str, Any]:
    """At any moment of an ingest; when a kill came after the end, it counts as none."""
    began = time.monotonic()
    bench.attempt(bench.fresh("home"), at=0)
    whole = time.monotonic() - began
    lots = random.Random(options.seed)
    total, killed, left = {"lost": 0, "doubled": 0, "problems": 0}, 0, 0
    while killed < options.n:
        home = bench.fresh("home")
        # Two or three kills in a row are more than one.
        for _again in range(lots.choice((1, 1, 2))):
            killed += (
                bench.attempt(home, at=0, kill_after=lots.uniform(0, whole * 1.05))["exit"] is None
            )
        left += 1
        tally(total, bench.verdict(home))
    return {"kills": killed, "ingests": left, "ingest_s": round(whole, 2), **total}


def errors(bench: Bench, options: argparse.Namespace) -> dict[str, Any]:
    """A call fails, once or from then on. One sentence and no trace; the next run completes."""
    count = len(bench.calls())
    points = [
        (n, do, stay)
        for do in ("ENOSPC", "EIO")
        for stay in (False, True)
        for n in range(1, count + 1)
    ]
    if options.sample > 1:
        points = points[options.sample // 2 :: options.sample]
    total = {
        "lost": 0,
        "doubled": 0,
        "problems": 0,
        "traces": 0,
        "more_than_a_sentence": 0,
        "silent": 0,
    }
    told = 0
    for n, do, stay in points:
        home = bench.fresh("home")
        done = bench.attempt(home, at=n, do=do, stay=stay)
        said = done["said"].strip()
        told += done["exit"] == 1
        wrong = {
            "traces": int(
                "Traceback" in said or done["exit"] not in (0, 1) or "inside hotline" in said
            ),
            "more_than_a_sentence": int(
                done["exit"] == 1 and len(said.splitlines()) > 6 + RECORDINGS
            ),
            "silent": int(done["exit"] == 1 and not said),
        }
        if any(wrong.values()):
            print(n, do, stay, done, flush=True)
        tally(total, wrong)
        tally(total, bench.verdict(home))
    return {"calls": count, "points": len(points), "told": told, **total}


def power(bench: Bench, options: argparse.Namespace) -> dict[str, Any]:
    """Cuts at every moment of an ingest with syncs, and of one without (the control)."""
    from pipeline import store

    real = store.Store._block

    import contextlib

    @contextlib.contextmanager
    def told(self: Any, begin: str) -> Any:
        with real(self, begin):
            yield
        if begin != "BEGIN":  # COMMIT came back: from now on it is promised
            last = self.query("SELECT coalesce(max(id), 0) AS n FROM events")[0]["n"]
            bench.shim.mark(f"ack {last}")

    store.Store._block = told  # type: ignore[method-assign]
    result: dict[str, Any] = {}
    for name, no_sync in (("synced", False), ("control", True)):
        trace = bench.folder / f"trace-{name}"
        home = bench.fresh("power")
        bench.attempt(home, at=0, trace=trace, no_sync=no_sync)
        calls = disk.read_trace(trace)
        lots = random.Random(options.seed)
        wanted = sorted(lots.randrange(1, len(calls)) for _cut in range(options.n))
        figures = {"cuts": 0, "commits_lost": 0, "corrupt": 0, "originals_lost": 0, "runs_wrong": 0}
        acknowledged = 0
        played = disk.Disk(home, bench.template)
        for n, call in enumerate(played.play(calls)):
            if call.kind == "mark":
                acknowledged = int(call.path.split()[1])
            while wanted and wanted[0] == n:
                wanted.pop(0)
                image = played.cut(lots, bench.root / "image")
                found = _after_cut(image, acknowledged)
                # The rest of the way is slow: every hundredth image goes it.
                if name == "synced" and figures["cuts"] % options.whole == 0:
                    found["runs_wrong"] = int(any(bench.verdict(image).values()))
                figures["cuts"] += 1
                tally(figures, found)
                if name == "synced" and any(found.values()):
                    print(n, call.kind, call.path, acknowledged, found, flush=True)
        result[name] = {"calls": len(calls), **figures}
    return result


def _after_cut(image: Path, acknowledged: int) -> dict[str, int]:
    """What a home is like after a power cut: does its log open, has it every acknowledged commit, is
    every original whole that it says was received?"""
    from pipeline import originals
    from pipeline.errors import HotlineError
    from pipeline.log import Log

    bad = {"commits_lost": 0, "corrupt": 0, "originals_lost": 0}
    path = image / "hotline.db"
    if not path.exists():
        return {**bad, "commits_lost": int(acknowledged > 0)}
    try:
        with Log(path) as log:
            whole = log.query("PRAGMA integrity_check")[0]
            bad["corrupt"] = int(next(iter(whole.values())) != "ok")
            last = log.query("SELECT coalesce(max(id), 0) AS n FROM events")[0]["n"]
            bad["commits_lost"] = int(last < acknowledged)
            for row in log.recordings():
                if row.original is not None:
                    kept = image / row.original
                    lost = not kept.exists() or originals.hash_file(kept) != row.sha256
                    bad["originals_lost"] += int(lost)
    except HotlineError:
        bad["corrupt"] = 1
    return bad


def cpu(bench: Bench, options: argparse.Namespace) -> dict[str, Any]:
    """Processor time of ingests that sync and of ones that do not, in turn; a part of both is the fork's
    own. What hearing costs is left out, beside which all of this is little."""
    spent: dict[bool, list[float]] = {False: [], True: []}
    for n in range(2 * options.n):
        no_sync = bool(n % 2)
        home = bench.fresh("home")
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert bench.attempt(home, at=0, no_sync=no_sync)["exit"] == 0
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent[no_sync].append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    synced, control = (statistics.median(spent[no_sync]) for no_sync in (False, True))
    return {
        "pairs": options.n,
        "cpu_s": round(synced, 4),
        "cpu_s_without_syncs": round(control, 4),
        "more_percent": round(100 * (synced / control - 1), 2),
        "least": [round(min(spent[no_sync]), 4) for no_sync in (False, True)],
    }


COMMANDS = {"kill": kill, "random": at_random, "errors": errors, "power": power, "cpu": cpu}


# --- The shim against strace ------------------------------------------------------------------------

CHANGES = "write,pwrite64,writev,pwritev,fsync,fdatasync,ftruncate,rename,renameat,renameat2,link,linkat,unlink,unlinkat,mkdir,mkdirat,open,openat,creat,sync_file_range,fallocate,copy_file_range,sendfile,truncate,symlink,symlinkat"
"""Every call of Linux by which a program that has no mapping changes a file or a name."""


def strace(folder: Path) -> dict[str, Any]:
    """One ingest with the real decoder, under the shim and strace at once: the same calls, one by one."""
    root = folder / "root"
    root.mkdir()
    program = (
        f"import sys; sys.path[:0] = {[str(Path(__file__).parents[n]) for n in (1, 2)]!r}\n"
        "from scripted import Scripted\nfrom pipeline import cli\n"
        "cli.load_engine = lambda *a, **k: Scripted()\n"
        f"cli.main(['--home', {str(root / 'home')!r}, 'ingest'])\n"
    )
    import sounds
    from scripted import make_home

    home = make_home(root / "home")
    for n in range(RECORDINGS):
        sounds.write(home.recordings / f"{n}.wav", sounds.syllables(1.0, 8_000, seed=n))
        os.utime(home.recordings / f"{n}.wav", (1.7e9, 1.7e9))
    said, trace = folder / "strace", folder / "trace"
    variables = {**disk.environment(folder, root), "SHIM_TRACE": str(trace), "HOTLINE_LANG": "en"}
    given = [part for name, value in variables.items() for part in ("-E", f"{name}={value}")]
    subprocess.run(
        [
            *("strace", "-f", "-y", "-qq", "-s", "0", "-e", f"trace={CHANGES}", "-o", str(said)),
            *(*given, sys.executable, "-c", program),
        ],
        check=True,
    )
    seen: collections.Counter[str] = collections.Counter()
    processes = set()
    names = {"pwrite64": "write", "fdatasync": "sync", "fsync": "sync", "ftruncate": "truncate"}
    for line in said.read_text("utf-8", errors="replace").splitlines():
        match = re.match(r"(\d+) +(\w+)\((.*)\) += +(-?\d+)", line)
        if match is None:
            continue
        pid, call, arguments, result = match.groups()
        processes.add(pid)
        if str(root) not in arguments:
            continue
        call = names.get(call.removesuffix("at").removesuffix("at2"), call.removesuffix("at"))
        if call == "open":
            # A file that was there before is no change; the shim's own list says which were new.
            if "O_CREAT" not in arguments:
                continue
            call = "create"
        if int(result) >= 0 or call in ("write", "sync"):
            seen[call] += 1
    ours: collections.Counter[str] = collections.Counter()
    for one in disk.read_trace(trace):
        ours["create" if one.kind == "empty" else one.kind] += 1
    different = {
        kind: (seen[kind], ours[kind])
        for kind in seen | ours
        if kind != "create" and seen[kind] != ours[kind]
    }
    return {
        "strace": dict(seen),
        "shim": dict(ours),
        "threads_and_processes": len(processes),
        "different": different,
    }


# --- The command ------------------------------------------------------------------------------------


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("command", choices=[*COMMANDS, "strace"])
    parser.add_argument("-n", type=int, default=1000)
    parser.add_argument("--sample", type=int, default=1)
    parser.add_argument("--whole", type=int, default=100, help="power: a second run for each K-th")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--real", action="store_true")
    options = parser.parse_args()
    folder = Path(os.environ.get("SWEEP_FOLDER") or tempfile.mkdtemp(prefix="sweep-"))
    if options.command == "strace":
        print(json.dumps(strace(folder)))
        shutil.rmtree(folder)
        return
    if "SWEEP_FOLDER" not in os.environ:
        # One thread: GNU's OpenMP ends a fork that comes after it had more.
        more = {"SWEEP_FOLDER": str(folder), "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
        if disk.available() or options.command != "random":  # a kill at any moment needs no shim
            more |= disk.environment(folder, folder / "root")
        status = subprocess.run([sys.executable, *sys.argv], env={**os.environ, **more}).returncode
        shutil.rmtree(folder)
        sys.exit(status)
    began = time.monotonic()
    result = COMMANDS[options.command](Bench(folder, options.real), options)
    print(json.dumps({**result, "seconds": round(time.monotonic() - began)}), flush=True)
    # What was loaded for hearing does not always end well under the shim; all is said.
    os._exit(0)


if __name__ == "__main__":
    main()
