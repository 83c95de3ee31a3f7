"""The watch: what comes first, what is said, what it lives through. Real files, logs, processes; scripted hearing."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from scripted import Scripted, drop, make_home, states

from pipeline import alert, life, process, proof, settings, store
from pipeline import watch as watching
from pipeline.errors import ModelMissing
from pipeline.log import Log
from pipeline.lookout import Lookout
from pipeline.process import Step
from pipeline.settings import Home
from pipeline.standing import Standing, danger, standing, untold
from pipeline.transcribe import Transcriber
from pipeline.watch import Order, Queue, Watch
from tests import sounds
from tests.sample_log import ask, because, log_call, speak

TESTS = Path(__file__).parent
CRITICAL = "我爸爸胸口痛，喘不上气了，快叫救护车，电话13812345678。"


class Enough(BaseException):
    """Ends a watch in a test."""


class Watched:
    """A face that keeps what it was told, and ends the watch when `until` holds."""

    def __init__(self, until: Callable[[Watched], bool], limit_s: float = 300.0) -> None:
        self.lines: list[str] = []
        self.criticals: list[str] = []
        self.done: list[str] = []
        self.queue = Queue(0, 0)
        self._until, self._ends = until, time.monotonic() + limit_s

    def step(self, step: Step) -> None:
        if step.state is not None:
            self.done.append(Path(step.path).name)
        self._look()

    def line(self, text: str) -> None:
        self.lines.append(text)
        self._look()

    def critical(self, text: str) -> None:
        self.criticals.append(text)

    def standing(self, queue: Queue, standing: Standing) -> None:
        self.queue = queue
        self._look()

    def _look(self) -> None:
        assert time.monotonic() < self._ends, (self.lines, self.done)
        if self._until(self):
            raise Enough


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setattr(watching, "PATIENCE_S", (0.1, 0.2))
    return set_up(make_home(tmp_path / "家 home"))


def set_up(home: Home, alert: str = "") -> Home:
    """Settings that wait for little, and do not ring the tester's own desktop."""
    (home.path / "hotline.toml").write_text(
        "[recordings]\nsettle_seconds = 0.05\n[watch]\nrescan_seconds = 0.3\n"
        f"[alert]\ndesktop = false\n{alert}",
        encoding="utf-8",
    )
    return settings.find(home.path)


def watch(home: Home, engine: Callable[[], Transcriber], face: Watched) -> Watched:
    with pytest.raises(Enough):
        Watch(home, engine, face).run()
    return face


def record(home: Home, name: str, *, seed: int, hours: float = 0.0, spans: int = 1) -> Path:
    """A recording of a call that began so long ago, with so many stretches of speech."""
    file, pause = home.recordings / name, np.zeros(12_000)
    parts = [
        part for n in range(spans) for part in (sounds.syllables(1.2, 8_000, seed=seed + n), pause)
    ]
    sounds.write(file, np.concatenate(parts))
    then = time.time() - hours * 3600
    os.utime(file, (then, then))
    return file


# --- What is next ---------------------------------------------------------------------------------


def test_new_calls_come_first_and_the_backlog_is_not_starved() -> None:
    order, taken = Order(), []
    new, backlog = list(range(100, 110)), list(range(4))
    while new or backlog:
        chosen = order.next([*backlog, *new], lambda row: row >= 100)  # type: ignore[arg-type, operator]
        assert chosen is not None
        row, by_right = chosen
        (new if row in new else backlog).remove(row)  # type: ignore[arg-type, operator]
        taken.append("new" if row >= 100 else "RIGHT" if by_right else "old")  # type: ignore[operator]
    assert taken == ["new"] * 3 + ["RIGHT"] + ["new"] * 3 + ["RIGHT"] + ["new"] * 3 + ["RIGHT", "new", "old"]  # fmt: skip
    assert order.next([], lambda row: True) is None


def test_a_new_call_interrupts_an_old_one_of_which_no_window_is_heard_twice(home: Home) -> None:
    old = record(home, "旧.wav", seed=10, hours=30, spans=4)
    engine = Scripted()
    heard: list[float] = []

    class Arrives(Watched):
        def step(self, step: Step) -> None:
            if Path(step.path).name == old.name and step.done and step.state is None:
                heard.append(step.done)
                if len(heard) == 1:
                    record(home, "新.wav", seed=2)
                time.sleep(1.5)  # that it settles, and is seen, on a busy computer too
            super().step(step)

    face = watch(home, lambda: engine, Arrives(lambda face: len(face.done) == 2))
    assert face.done == ["新.wav", "旧.wav"]
    assert any("旧.wav" in line and "new call" in line for line in face.lines)
    with Log(home.log) as log:
        assert states(log) == {"logged": 2}
        assert engine.windows == len(log.query("SELECT start_s FROM speech"))
        assert proof.check(home, log).problems == ()


# --- What is said ---------------------------------------------------------------------------------

COMMAND = """
import os, sys
open(sys.argv[1], "w", encoding="utf-8").write(sys.stdin.read() + "\\n" + os.environ["HOTLINE_TEXT"] + "\\n" + sys.argv[2])
"""


def test_a_critical_request_is_said_at_once_with_its_numbers_masked(home: Home) -> None:
    told = home.path / "told.txt"
    command = json.dumps([sys.executable, "-c", COMMAND, str(told), "{text}"])
    home = set_up(home, f"command = {command}\n")
    record(home, "急.wav", seed=3)
    face = watch(
        home,
        lambda: Scripted(CRITICAL),
        Watched(lambda _: told.exists() and told.stat().st_size > 0),
    )
    (said,) = face.criticals
    assert "120" in said
    assert "13812345678" not in said + told.read_text(encoding="utf-8")
    given, text, argument = told.read_text(encoding="utf-8").splitlines()
    assert json.loads(given)["phone"] == "138****5678"
    assert text == said
    assert argument == said.translate(alert._UNSAFE)
    with Log(home.log) as log:
        assert untold(log) == []
        (event,) = [event for event in log.events() if event.kind == "alerted"]
        assert event.data == {"command": sys.executable, "unmasked": False}
        assert standing(log, log.now()).critical == 1


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (["/nowhere/alarm"], "no such file"),
        ([sys.executable, "-c", "import sys; sys.exit('no line')"], "status 1 no line"),
        ([sys.executable, "-c", "import time; time.sleep(60)"], "did not end within"),
    ],
)
def test_an_alert_command_that_fails_is_said_once_and_stops_nothing(
    home: Home, monkeypatch: pytest.MonkeyPatch, command: list[str], why: str
) -> None:
    if "did not end" in why:
        monkeypatch.setattr(alert, "LIMIT_S", 0.3)
    home = set_up(home, f"command = {json.dumps(command)}\n")
    with Log(home.log) as log:
        for n in range(2):
            words = speak(f"胸口痛，喘不上气{n}")
            log_call(
                log, f"{n}.wav", words, [ask(0, gist="胸口痛", urgency="critical")], at=log.now()
            )
    face = watch(
        home, Scripted, Watched(lambda face: any("alert command" in line for line in face.lines))
    )
    (line,) = [line for line in face.lines if "alert command" in line]
    assert why in line
    assert len(face.criticals) == 2


def test_old_critical_requests_are_one_sentence_and_no_alarm(home: Home) -> None:
    with Log(home.log, now=lambda: datetime.now(UTC) - timedelta(days=3)) as log:
        for n in range(3):
            log_call(log, f"{n}.wav", speak(f"喘不上气{n}"), [ask(0, urgency="critical")])
    face = watch(home, Scripted, Watched(lambda face: len(face.lines) > 0))
    assert face.criticals == []
    assert "1, 2, 3" in face.lines[0]


# --- What it lives through ------------------------------------------------------------------------


def test_a_missing_model_is_said_once_and_tried_again(home: Home) -> None:
    drop(home, ".amr")
    tries: list[int] = []

    def comes() -> Scripted:
        tries.append(1)
        if len(tries) < 4:
            raise ModelMissing("bring the weights")
        return Scripted()

    face = watch(home, comes, Watched(lambda face: len(face.done) == 1))
    assert len(tries) == 4
    assert face.lines.count("bring the weights") == 1
    assert any("over" in line for line in face.lines)


def test_a_log_that_is_locked_is_said_once_and_tried_again(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "BUSY_S", 0.2)
    with Log(home.log):
        pass
    drop(home, ".amr")
    # The same SQLite as the log's: two of them in one process do not see each other's locks.
    lock = store.sqlite3.connect(str(home.log), isolation_level=None)
    lock.execute("BEGIN EXCLUSIVE")

    class Unlocks(Watched):
        def line(self, text: str) -> None:
            super().line(text)
            if "tries again" in text:
                lock.rollback()

    face = watch(home, Scripted, Unlocks(lambda face: bool(face.done) and "over" in face.lines[-1]))
    lock.close()
    assert sum("Another program" in line for line in face.lines) == 1


def test_a_folder_that_goes_and_comes_back_is_waited_for(home: Home) -> None:
    away = home.path / "away"

    class Returns(Watched):
        def line(self, text: str) -> None:
            super().line(text)
            if "cannot be looked into" in text:
                away.rename(home.recordings)

    drop(home, ".amr")
    home.recordings.rename(away)
    face = watch(home, Scripted, Returns(lambda face: len(face.done) == 1))
    assert sum("cannot be looked into" in line for line in face.lines) == 1


# --- Processes ------------------------------------------------------------------------------------


@contextlib.contextmanager
def watcher(home: Home, *arguments: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """`hotline` in a process of its own, with a scripted engine; killed at the end if it still runs."""
    with subprocess.Popen(
        [sys.executable, str(TESTS / "watcher.py"), "--home", str(home.path), *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8",
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS.parent), str(TESTS)]),
             "PYTHONUTF8": "1", **environment},
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            process.kill()


def wait_for(what: Callable[[], bool], seconds: float = 300.0) -> None:
    ends = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < ends
        time.sleep(0.05)


def counted(home: Home) -> dict[str, int]:
    if not home.log.exists():
        return {}
    with Log(home.log) as log:
        return states(log)


@pytest.mark.skipif(os.name != "posix", reason="Windows knows no SIGTERM")
def test_it_is_stopped_in_the_middle_of_a_call_and_goes_on(home: Home) -> None:
    record(home, "长.wav", seed=20, spans=6)

    def windows() -> int:
        with Log(home.log) as log:
            return int(log.query("SELECT count(*) AS n FROM heard_windows")[0]["n"])

    with watcher(home, "watch", WINDOW_S="0.5") as first:
        wait_for(lambda: home.log.exists() and windows() > 0)
        first.send_signal(signal.SIGTERM)
        out, _ = first.communicate(timeout=120)
        assert first.returncode == 0
        assert "Stopped" in out
    assert counted(home) == {"received": 1}
    assert windows() > 0
    # The next one goes on, and beside it an ingest takes its turn or is told who works.
    with watcher(home, "watch") as second:
        wait_for(lambda: counted(home) == {"logged": 1})
        record(home, "短.wav", seed=5)
        with watcher(home, "ingest") as beside:
            out, _ = beside.communicate(timeout=120)
            assert beside.returncode == 0 or "it takes these too" in out
        wait_for(lambda: counted(home) == {"logged": 2})
        second.send_signal(signal.SIGTERM)
        assert second.wait(120) == 0
    with Log(home.log) as log:
        assert proof.check(home, log).problems == ()


def test_it_waits_for_an_ingest_that_works(home: Home) -> None:
    drop(home, ".amr")
    ready, go = threading.Event(), threading.Event()

    def hold() -> None:
        with process.only_one(home):
            ready.set()
            go.wait(100)

    other = threading.Thread(target=hold)
    other.start()
    assert ready.wait(60)

    def over(face: Watched) -> bool:
        if any("Another hotline" in line for line in face.lines):
            go.set()  # not by the clock: a busy machine may not have begun to watch by then
        return len(face.done) == 1

    face = Watched(over)
    watch(home, Scripted, face)
    other.join()
    assert sum("Another hotline" in line for line in face.lines) == 1


def test_a_stop_that_a_library_swallows_ends_the_watch_nonetheless(home: Home) -> None:
    record(home, "来电.wav", seed=1)

    class Stopping(Watched):
        def line(self, text: str) -> None:
            super().line(text)
            with contextlib.suppress(KeyboardInterrupt):  # as a callback inside of SQLite's would
                ours.stop()

    ours = Watch(home, Scripted, Stopping(lambda _face: False))
    ended = threading.Thread(target=ours.run, daemon=True)
    ended.start()
    ended.join(60)
    assert not ended.is_alive()
    assert ours.stopped


def test_the_real_model_hears_what_comes(home: Home) -> None:
    lines: list[str] = []
    with subprocess.Popen(
        [sys.executable, "-m", "pipeline", "--home", str(home.path), "watch", "--model", "demo"],
        stdout=subprocess.PIPE, text=True, encoding="utf-8",
        # Torch's threads spin where a busy computer does not run them all.
        env={**os.environ, "PYTHONUTF8": "1", "OMP_NUM_THREADS": "1"}, cwd=TESTS.parent,
    ) as running:  # fmt: skip
        try:
            assert running.stdout is not None
            lines.append(running.stdout.readline())
            drop(home, ".amr")
            lines.append(running.stdout.readline())
        finally:
            running.terminate()
    assert "Watching" in lines[0]
    assert "No. 1" in lines[1]


def test_the_file_at_work_is_no_new_call_when_its_time_is_set_late(tmp_path: Path) -> None:
    """A copy that keeps its source's time sets it after the last byte."""
    lookout = Lookout(tmp_path, settle_s=0, rescan_s=60)
    at_work = tmp_path / "正在听.amr"
    at_work.write_bytes(b"#!AMR\n")
    lookout.look()
    lookout.take()
    hour_ago = time.time() - 3600
    os.utime(at_work, (hour_ago, hour_ago))
    lookout.look()
    assert lookout.new_call()
    assert not lookout.new_call(at_work)
    (tmp_path / "新来的.amr").write_bytes(b"#!AMR\n")
    lookout.look()
    assert lookout.new_call(at_work)


def test_an_alert_says_the_words_of_the_danger_where_the_gist_has_others(tmp_path: Path) -> None:
    turns = speak("电梯坏了，里面有人", "叫他们不要动门，电话13812345678")
    found = (because("urgency", "critical", turns, 0, "里面有人"),)
    with Log(tmp_path / "hotline.db") as log:
        for gist in ("叫他们不要动门", "电梯里面有人"):
            wanted = ask(0, 1, urgency="critical", gist=gist, evidence=found)
            log_call(log, f"{gist}.wav", turns, [wanted])
        said = [alert.sentence(row, danger(log, row.number)) for row in untold(log)]
        assert "叫他们不要动门「里面有人」" in said[0]
        assert "「" not in said[1]
        life.correct(log, [1], {"urgency": "routine"}, by="王芳")
        life.correct(log, [1], {"urgency": "critical"}, by="王芳")
        assert danger(log, 1) is None
