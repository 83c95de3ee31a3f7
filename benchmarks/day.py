"""A whole day at the front desk in a real terminal: `python benchmarks/day.py OUT [--calls 30]` (needs tmux).

A home, `hotline watch` in one terminal, the desk in another, both at a fixed size. Calls arrive as recordings
(the demonstration's, each made another by a pause in front, under names as phones give them), two of them
about life or limb; the desk corrects, assigns, answers, merges, takes back; the watch is stopped and
started again in the middle; in the evening the secretary asks, in both languages. Every screen is
written to OUT to be looked at; what must stand on it is checked here, and the exit status says whether it did.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import subprocess
import sys
import time
import unicodedata
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from pipeline import audio
from pipeline import demo as demonstration

ROOT = Path(__file__).parents[1]
ZONE = ZoneInfo("Asia/Shanghai")
COLUMNS, LINES = 110, 46
HOTLINE = [sys.executable, "-m", "pipeline"]


class Terminal:
    """A terminal of tmux, on a server of our own."""

    def __init__(self, name: str, out: Path, env: dict[str, str]) -> None:
        self.name, self.out, self.n = name, out, 0
        given = [part for key, value in env.items() for part in ("-e", f"{key}={value}")]
        self.tmux("kill-session", "-t", name, check=False)
        self.tmux("new-session", "-d", "-s", name, "-x", str(COLUMNS), "-y", str(LINES), *given,
                  "bash", "--norc", "--noprofile")  # fmt: skip
        self.type(f"export PATH={shlex.quote(str(out))}:$PATH; clear")

    def tmux(self, *arguments: str, check: bool = True) -> str:
        return subprocess.run(
            ["tmux", "-L", f"day{os.getpid()}", *arguments],
            check=check, capture_output=True, encoding="utf-8",
        ).stdout  # fmt: skip

    def type(self, text: str, enter: bool = True) -> None:
        self.tmux("send-keys", "-t", self.name, "-l", text)
        if enter:
            self.tmux("send-keys", "-t", self.name, "Enter")

    def interrupt(self) -> None:
        self.tmux("send-keys", "-t", self.name, "C-c")

    @property
    def screen(self) -> str:
        return self.tmux("capture-pane", "-p", "-t", self.name).rstrip() + "\n"

    @property
    def history(self) -> str:
        return self.tmux("capture-pane", "-p", "-J", "-S", "-2000", "-t", self.name)

    def wait(self, pattern: str, seconds: float, where: Callable[[], str] | None = None) -> str:
        """What is seen once `pattern` stands there."""
        ends = time.monotonic() + seconds
        while True:
            seen = where() if where else self.screen
            if re.search(pattern, seen):
                return seen
            if time.monotonic() > ends:
                self.keep("not-seen")
                raise SystemExit(
                    f"{self.name}: {pattern!r} did not come within {seconds:.0f} s:\n{seen}"
                )
            time.sleep(0.3)

    def keep(self, what: str) -> str:
        """Write the screen to OUT."""
        self.n += 1
        seen = self.screen
        (self.out / f"{self.name}-{self.n:02}-{what}.txt").write_text(seen, encoding="utf-8")
        return seen

    def run(self, command: str, seconds: float = 60) -> str:
        """Type a command at the prompt; everything that it printed."""
        self.n += 1
        end = f"END-{self.n}"  # one of its own: the screen still shows the last one's
        self.type(f"{command}; echo {end}-$?")
        said = self.wait(rf"(?m)^{end}-\d+$", seconds, lambda: self.history)
        said = f"$ {command}" + said.split(f"echo {end}-$?")[-1]
        what = re.sub(r"[^\w]+", "-", command)[:40]
        (self.out / f"{self.name}-{self.n:02}-{what}.txt").write_text(said, encoding="utf-8")
        return said


def recordings(out: Path, n: int) -> Iterator[tuple[Path, dict[str, object]]]:
    """Recordings that differ in their content, with the reference of each: short ones, and two critical."""
    from pydub import AudioSegment

    out.mkdir(parents=True)
    demonstration.export(out / "demo")
    lines = (out / "demo" / "calls.jsonl").read_text("utf-8").splitlines()
    calls = [call for call in map(json.loads, lines) if call["expect"] == "logged"]

    def critical(call: dict[str, list[dict[str, str]]]) -> bool:
        return any(request["urgency"] == "critical" for request in call["requests"])

    plain = sorted(
        (call for call in calls if not critical(call)), key=lambda call: call["duration"]
    )[:8]
    chosen = [plain[k % len(plain)] for k in range(n)]
    grave = [call for call in calls if critical(call)]
    chosen[n // 5], chosen[(3 * n) // 5] = grave[0], grave[1 % len(grave)]
    for k, call in enumerate(chosen):
        sound = audio.decode(out / "demo" / call["file"])
        clip = audio.clip(sound, 0.0, sound.duration)
        began = datetime.now(ZONE) - timedelta(minutes=n - k)
        phone = f"1380013{8000 + k}"
        file = out / f"通话录音@来电{k + 1}({phone})_{began:%Y%m%d%H%M%S}.wav"
        pause = AudioSegment.silent(100 + 20 * k, frame_rate=clip.frame_rate)
        (pause + clip).export(file, format="wav").close()
        yield file, call


def drop(files: list[Path], folder: Path) -> None:
    for file in files:
        (folder / file.name).write_bytes(file.read_bytes())
        time.sleep(0.2)


def wide(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


class Day:
    def __init__(self, out: Path, n: int) -> None:
        out.mkdir(parents=True, exist_ok=True)
        self.out, self.n, self.problems = out, n, list[str]()
        self.home = out / "home"
        self.env = {
            "PYTHONPATH": str(ROOT), "HOTLINE_HOME": str(self.home), "HOTLINE_LANG": "zh",
            "LC_ALL": "C.UTF-8", "PS1": "$ ",
        }  # fmt: skip
        command = out / "hotline"
        command.write_text(f'#!/bin/sh\nexec {shlex.join(HOTLINE)} "$@"\n')
        command.chmod(0o755)

    def expect(self, is_so: bool, what: str) -> None:
        print(("ok    " if is_so else "WRONG ") + what, flush=True)
        if not is_so:
            self.problems.append(what)

    def json(self, *arguments: str) -> list[dict[str, object]]:
        done = subprocess.run(
            [*HOTLINE, *arguments, "--json"], env={**os.environ, **self.env}, capture_output=True,
            encoding="utf-8", check=False,
        )  # fmt: skip
        return [json.loads(line) for line in done.stdout.splitlines()]

    def logged(self, least: int) -> None:
        """Wait until so many calls are in the log: two minutes for each, for the computer may be busy."""
        seconds = 120.0 * least
        ends = time.monotonic() + seconds
        while (n := self.json("check", "--quick")[0]["states"]["logged"]) < least:  # type: ignore[index,call-overload]
            if time.monotonic() > ends:
                raise SystemExit(f"only {n} of {least} calls were logged within {seconds:.0f} s")
            time.sleep(8)

    def run(self) -> None:
        subprocess.run([*HOTLINE, "init", str(self.home)], env={**os.environ, **self.env}, check=True,
                       capture_output=True)  # fmt: skip
        made = list(recordings(self.out / "calls", self.n))
        files, calls = [file for file, _ in made], [call for _, call in made]
        asked = sum(len(call["requests"]) for call in calls)  # type: ignore[arg-type]
        watch = Terminal("watch", self.out, self.env)
        desk = Terminal("desk", self.out, self.env)
        try:
            self.morning(watch, desk, files)
            self.noon(watch, desk, files)
            self.afternoon(watch, desk)
            self.evening(desk, asked)
        finally:
            watch.tmux("kill-server", check=False)
        print(f"{len(self.problems)} of what was checked is wrong; the screens are in {self.out}")

    def morning(self, watch: Terminal, desk: Terminal, files: list[Path]) -> None:
        said = desk.run("hotline open")
        self.expect("没有待办的诉求" in said, "an empty list says so")
        watch.type("hotline watch --model demo")
        watch.wait("等下一通电话", 60)
        watch.keep("waits")
        third = self.n // 3
        began = time.monotonic()
        drop(files[:third], self.home / "recordings")
        self.logged(2)
        watch.keep("works")
        # In the middle of the work the computer is wanted for something else.
        watch.interrupt()
        watch.wait("已停下", 30)
        before = self.json("check", "--quick")[0]
        watch.keep("stopped")
        drop(files[third : third + 2], self.home / "recordings")
        watch.type("hotline watch --model demo")
        self.logged(third + 2)
        watch.keep("morning")
        self.expect(before["seen"] == third, "stopped in the middle, every file is still known")
        print(
            f"      {third + 2} calls with a stop in the middle: {time.monotonic() - began:.0f} s"
        )

    def noon(self, watch: Terminal, desk: Terminal, files: list[Path]) -> None:
        said = desk.run("hotline open")
        rows = self.json("open")
        self.expect(f"{len(rows)} 件未办结" in said, "the list says how many there are")
        self.expect(all(wide(line) <= COLUMNS for line in said.splitlines()), "no line is too wide")
        self.expect("1380013" not in said, "no number of a caller on the list")
        numbers = [int(str(row["request"])) for row in rows]
        # From the list's end, for what is critical already is not said again.
        fifth, fourth, third, second, first = numbers[-5:]
        said = desk.run(f"hotline show {first}")
        for word in ("依据", "经过", "┃", "138****"):
            self.expect(word in said, f"show tells {word}")
        desk.run(
            f"hotline correct {first} --urgency 特急 --place 2-501 --what 老人氧气只剩一瓶 --as 王芳"
        )
        self.expect(
            "老人氧气只剩一瓶" in watch.wait("老人氧气", 120),
            "what the desk makes critical is said by the watch",
        )
        watch.keep("alert")
        levels = [(row["urgency"], row["request"]) for row in self.json("open")]
        grave = [level == "critical" for level, _number in levels]
        self.expect(("critical", first) in levels and grave == sorted(grave, reverse=True),
                    "and stands with what is critical at the head of the list")  # fmt: skip
        desk.run(f"hotline assign {second} {third} --to 李强")
        desk.run(f"hotline done {second} --note 已修好 --as 李强")
        desk.run(f"hotline dismiss {third} --note 打错电话")
        said = desk.run("hotline undo")
        self.expect("已撤销" in said and str(third) in said, "undo says what it took back")
        desk.run(f"hotline merge {fourth} {fifth}")
        said = desk.run('hotline add "3号楼电梯停了，里面有人" --caller 李阿姨 --phone 13912345678')
        self.expect("已列入待办" in said, "a walk-in is on the list")
        drop(files[self.n // 3 + 2 :], self.home / "recordings")
        self.logged(self.n)
        watch.keep("all")

    def afternoon(self, watch: Terminal, desk: Terminal) -> None:
        for wrong, right in (
            ("hotline show 9999", "没有诉求 9999"), ("hotline done", "少写了参数"), ("hotline opne", "没有 'opne' 这个命令"),
            ("hotline week 2026-99", "不是一段时间"), ("hotline search 大象", "没有找到"),
            ("hotline correct 1 --urgency 很急", "没有“很急”这个紧急程度"),
        ):  # fmt: skip
            self.expect(right in desk.run(wrong), f"{wrong}: {right}")
        critical = [row for row in self.json("open") if row["urgency"] == "critical"]
        events = [
            row for row in critical if "alerted" in str(self.json("show", str(row["request"])))
        ]
        self.expect(
            len(critical) == len(events) > 0, f"each of {len(critical)} critical requests was said"
        )
        watch.interrupt()
        watch.wait("已停下", 30)

    def evening(self, desk: Terminal, asked: int) -> None:
        (check,) = self.json("check")
        self.expect(check["problems"] == [], f"it adds up: {check['problems']}")
        self.expect(check["seen"] == self.n, f"{self.n} files seen")
        (week,) = self.json("week", "今天")
        rows = self.json("export", "今天")
        self.expect(
            len(rows) == week["requests"], f"the ledger has the day's {week['requests']} requests"
        )
        print(
            f"      {asked} requests were made in the calls, {len(rows) - 1} found (and one at the desk)"
        )
        self.expect("13912345678" not in str(rows), "numbers are masked in the ledger")
        for language in ("zh", "en"):
            desk.run(f"export HOTLINE_LANG={language}")
            words = {
                "zh": ("待办", "来电", "承诺", "全部对得上", "号楼", "找到"),
                "en": ("open", "calls", "Promise", "It all adds up", "building", "Found"),
            }[language]
            said = desk.run("hotline week 今天")
            self.expect(words[1] in said and words[2] in said, f"{language}: what was promised")
            self.expect(str(week["still_open"]) in said, f"{language}: how many are open")
            said = desk.run("hotline open | head -30")
            self.expect("\x1b" not in said, f"{language}: a pipe is plain")
            said = desk.run("hotline search 电梯")
            self.expect(
                words[5] in said and "【电梯】" in said, f"{language}: what was said of the lift"
            )
            self.expect(words[3] in desk.run("hotline check"), f"{language}: it adds up")
            said = desk.run(f"hotline export 今天 --to 台账-{language}.xlsx")
            self.expect(str(len(rows)) in said, f"{language}: the ledger is written")
            said = desk.run("hotline --help")
            self.expect(
                all(wide(line) <= COLUMNS for line in said.splitlines()), f"{language}: help fits"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--calls", type=int, default=30)
    given = parser.parse_args()
    day = Day(given.out.resolve(), given.calls)
    day.run()
    sys.exit(bool(day.problems))


if __name__ == "__main__":
    main()
