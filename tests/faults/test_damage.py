"""Damage done by hand to a folder or a log: `hotline check` names each kind, and is silent before."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import sounds
from conftest import json_lines, run_hotline
from scripted import Scripted, make_home

from pipeline import life, process, proof, settings
from pipeline.log import Log
from pipeline.settings import Home


def lay(home: Home, name: str, seed: int, seconds: float = 1.0) -> Path:
    path = home.recordings / name
    sounds.write(path, sounds.syllables(seconds, 8_000, seed=seed))
    os.utime(path, (1.7e9, 1.7e9))
    return path


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with two calls, a duplicate and a file without sound; staff corrected, closed and heard."""
    home = make_home(tmp_path_factory.mktemp("damage") / "家")
    lay(home, "a.wav", 0)
    lay(home, "b.wav", 1, 1.5)
    shutil.copy2(home.recordings / "a.wav", home.recordings / "c.wav")
    (home.recordings / "空.wav").touch()
    os.utime(home.recordings / "空.wav", (1.7e9, 1.7e9))
    with Log(home.log) as log:
        process.ingest(home, log, (), Scripted)
        assert {state: n for state, n in log.states().items() if n} == {
            "logged": 2,
            "duplicate": 1,
            "unsupported": 1,
        }
        numbers = [row.number for row in log.requests()]
        life.correct(log, numbers[:1], {"urgency": "urgent", "gist": "水管坏了"}, by="王芳")
        life.set_status(log, numbers[1:2], "done", by="李强")
        log.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return home.path


@pytest.fixture
def home(sound: Path, tmp_path: Path) -> Home:
    return settings.find(Path(shutil.copytree(sound, tmp_path / "家")))


def check(home: Home) -> tuple[str, ...]:
    with Log(home.log) as log:
        return proof.check(home, log).problems


def original(home: Home, path: str = "recordings/a.wav") -> Path:
    with Log(home.log) as log:
        row = next(row for row in log.recordings() if row.path == path)
    return home.path / (row.original or "")


def spoil(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def replaced(home: Home) -> None:
    """Another recording of just the same size under a name that was seen."""
    lay(home, "a.wav", 7)
    os.utime(home.recordings / "a.wav", (1.7e9 + 60, 1.7e9 + 60))


def old_copy(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    (home.originals / ".incoming-1-x").write_bytes(b"RIFF")
    tomorrow = home.originals.stat().st_ctime + timedelta(days=2).total_seconds()
    monkeypatch.setattr("time.time", lambda: tomorrow)


FOLDER: dict[str, tuple[Callable[[Home], object], str]] = {
    "a file that was never taken in": (lambda home: lay(home, "d.wav", 9), "in the folder but not"),
    "another content under a known name": (replaced, "in the folder but not"),
    "an original that has gone": (lambda home: original(home).unlink(), "has gone from"),
    "an original cut short": (lambda home: os.truncate(original(home), 99), "another size now"),
    "a bit of an original turned": (lambda home: spoil(original(home)), "has been changed"),
    "an original that others may read": (lambda home: original(home).chmod(0o644), "chmod 600"),
    "an original that nobody knows": (
        lambda home: shutil.copy(original(home), home.originals / "ab" / ("ab" * 32 + ".wav")),
        "no recording in the log is its",
    ),
    "all originals gone": (lambda home: shutil.rmtree(home.originals), "has gone from"),
}  # fmt: skip

LOG = {
    "a recording's row": ("DELETE FROM recordings WHERE path = 'recordings/b.wav'", "not in the log"),
    "what a recording's content was": ("UPDATE recordings SET sha256 = NULL", "no original was kept"),
    "a state": ("UPDATE recordings SET state = 'silent' WHERE id = 1", "nothing says why"),
    "of what it is a duplicate": (
        "UPDATE recordings SET duplicate_of = NULL, sha256 = 'x' WHERE state = 'duplicate'",
        "of which recording it is a duplicate",
    ),
    "a call": ("DELETE FROM calls WHERE id = 1", "one of calls that is not there"),
    "a transcript": ("DELETE FROM transcripts WHERE id = 1", "no transcript of it"),
    "which transcript counts": ("UPDATE transcripts SET is_current = 0", "which transcript counts"),
    "words that were heard": ("DELETE FROM segments WHERE transcript_id = 1", "just the words"),
    "a turn's text": ("UPDATE turns SET text = substr(text, 2)", "just the words"),
    "a turn": ("DELETE FROM turns WHERE transcript_id = 1", "s of speech are in no turn"),
    "where a turn went": ("DELETE FROM spans WHERE transcript_id = 1", "in no request, no chatter"),
    "a request": ("DELETE FROM requests WHERE number = 1", "requests were opened, but only"),
    "a request's words": ("DELETE FROM request_spans WHERE request = 1", "no words and no place"),
    "a state without who and when": (
        "UPDATE requests SET status = 'done', closed_at = opened_at WHERE number = 1",
        "no event says who made it so",
    ),
    "a correction by staff": ("DELETE FROM tags WHERE given_by = 'staff'", "by staff has gone"),
    "what a correction said": ("UPDATE requests SET urgency = 'routine'", "not its last judgement"),
    "the gist that staff wrote": ("UPDATE requests SET gist = '别的' WHERE number = 1", "staff said otherwise"),
    "an event": ("DELETE FROM events WHERE kind = 'done'", "things that happened, but holds only"),
    "who listened": ("UPDATE spans SET heard_at = 'x' WHERE id = 1", "no event says by whom"),
    "the numbers that were given": ("UPDATE sqlite_sequence SET seq = 0", "given before"),
    "the index": ("DELETE FROM exact_index WHERE rowid = 1", "index and text differ"),
    "a table": ("DROP TABLE withdrawn_tags", "withdrawn_tags"),
    "what guards the events": ("DROP TRIGGER events_stand", "trigger events_stand"),
}  # fmt: skip


def test_a_sound_home_is_silent(home: Home) -> None:
    assert check(home) == ()
    done = run_hotline("--home", home.path, "check")
    assert (done.exit_code, "It all adds up" in done.output) == (0, True)


def test_every_file_is_listed_with_its_state(home: Home) -> None:
    rows = json_lines(run_hotline("--home", home.path, "check", "--files", "--json"))
    assert sorted((row["path"], row["state"]) for row in rows) == [
        ("recordings/a.wav", "logged"),
        ("recordings/b.wav", "logged"),
        ("recordings/c.wav", "duplicate"),
        ("recordings/空.wav", "unsupported"),
    ]
    shown = run_hotline("--home", home.path, "check", "--files").output
    assert "R3  double  recordings/c.wav  The same recording as recordings/a.wav" in shown


@pytest.mark.parametrize("kind", FOLDER)
def test_damage_to_the_folder_is_named(home: Home, kind: str) -> None:
    act, said = FOLDER[kind]
    (home.originals / "ab").mkdir(exist_ok=True)
    act(home)
    problems = check(home)
    assert any(said in problem for problem in problems), problems
    assert run_hotline("--home", home.path, "check").exit_code == 1


@pytest.mark.parametrize("kind", LOG)
def test_damage_to_the_log_is_named(home: Home, kind: str) -> None:
    sql, said = LOG[kind]
    with Log(home.log) as log:
        log.conn.execute("PRAGMA foreign_keys = OFF")
        if "FROM events" in sql:
            log.conn.execute("DROP TRIGGER events_stay")
        log.conn.execute(sql)
    problems = check(home)
    assert any(said in problem for problem in problems), problems


def test_a_copy_that_was_never_finished_is_named(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    old_copy(home, monkeypatch)
    assert any("never finished" in problem for problem in check(home))


def test_pages_of_the_log_overwritten_are_named(home: Home) -> None:
    content = bytearray(home.log.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 8192] = b"\xaa" * 8192
    home.log.write_bytes(content)
    assert any("damaged" in problem for problem in check(home))
