import os
import sqlite3
import stat

import pytest
from sample_log import Clock, ask, log_call, speak

from pipeline import life, migrations, recordings, types
from pipeline.errors import LogError
from pipeline.log import Log
from pipeline.migrations import MIGRATIONS, Migration
from pipeline.store import sqlite3 as migrations_dialect


def test_steps_are_numbered_without_gaps():
    assert [step.number for step in MIGRATIONS] == list(range(1, len(MIGRATIONS) + 1))
    assert len(MIGRATIONS) == migrations.VERSION


def test_a_new_log_has_its_version_and_says_so(tmp_path):
    with Log(tmp_path / "hotline.db") as log:
        assert migrations.version(log.conn) == migrations.VERSION
        rows = log.query("SELECT version, why FROM schema_versions")
        assert [row["version"] for row in rows] == [step.number for step in MIGRATIONS]
    assert list(tmp_path.glob("*.bak")) == []
    Log(tmp_path / "hotline.db").close()
    assert list(tmp_path.glob("*.bak")) == []


def test_the_schema_takes_every_state_that_the_records_know(tmp_path):
    """A state added to types.py needs a step here."""
    with Log(tmp_path / "hotline.db", now=Clock()) as log:
        log_call(log, "a.wav", speak("电梯坏了"), [ask(0)])
        for state in types.RECORDING_STATES:
            log.conn.execute("UPDATE recordings SET state = ?", (state,))
        for level in types.URGENCIES:
            log.conn.execute("UPDATE requests SET urgency = ?", (level,))
        for speaker in types.SPEAKERS:
            log.conn.execute("UPDATE turns SET speaker = ?", (speaker,))
        log_call(log, "b.wav", speak("垃圾没收"), [ask(0)])
        for status in types.REQUEST_STATES:
            closed = None if status in ("open", "in_progress") else "2026-11-23T09:00:00.000+08:00"
            into = 1 if status == "merged" else None
            log.conn.execute(
                "UPDATE requests SET status = ?, closed_at = ?, merged_into = ? WHERE number = 2",
                (status, closed, into),
            )


def add_a_note(conn):
    conn.execute("ALTER TABLE requests ADD COLUMN later TEXT NOT NULL DEFAULT 'x'")


NEXT = Migration(migrations.VERSION + 1, "requests learn something", add_a_note)


@pytest.fixture
def newer(monkeypatch):
    monkeypatch.setattr(migrations, "MIGRATIONS", (*MIGRATIONS, NEXT))
    monkeypatch.setattr(migrations, "VERSION", NEXT.number)
    monkeypatch.setattr(migrations.migrate, "__defaults__", ((*MIGRATIONS, NEXT),))


@pytest.fixture
def old(tmp_path):
    """A log of today's version, with a call; it is an old one once `newer` is in force."""
    with Log(tmp_path / "hotline.db", now=Clock()) as log:
        log_call(log, "a.wav", speak("电梯坏了"), [ask(0)])
    return tmp_path / "hotline.db"


def test_an_older_log_is_backed_up_then_migrated(old, newer):
    with Log(old, now=Clock()) as log:
        assert migrations.version(log.conn) == NEXT.number
        assert log.query("SELECT later FROM requests") == [{"later": "x"}]
        assert log.request(1).text == "电梯坏了"
        assert log.check() == ([], 0.0)
    (backup,) = old.parent.glob("*.bak")
    assert backup.name.startswith(f"hotline.db.v{NEXT.number - 1}-20261123T01")
    if os.name == "posix":
        assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    copy = sqlite3.connect(backup)
    assert copy.execute("PRAGMA user_version").fetchone() == (NEXT.number - 1,)
    assert copy.execute("SELECT count(*) FROM requests").fetchone() == (1,)
    copy.close()
    assert not list(old.parent.glob("*.part"))


def test_a_step_that_fails_leaves_the_old_log(old, newer, monkeypatch):
    def breaks(conn):
        add_a_note(conn)
        conn.execute("SELECT * FROM nowhere")

    bad = (*MIGRATIONS, Migration(NEXT.number, "breaks", breaks))
    monkeypatch.setattr(migrations.migrate, "__defaults__", (bad,))
    with pytest.raises(LogError, match="nowhere"):
        Log(old)
    conn = sqlite3.connect(old)
    assert conn.execute("PRAGMA user_version").fetchone() == (NEXT.number - 1,)
    assert "later" not in [row[1] for row in conn.execute("PRAGMA table_info(requests)")]
    conn.close()


def test_a_step_that_breaks_references_is_undone(old, newer, monkeypatch):
    def breaks(conn):
        conn.execute("DELETE FROM calls")

    bad = (*MIGRATIONS, Migration(NEXT.number, "breaks", breaks))
    monkeypatch.setattr(migrations.migrate, "__defaults__", (bad,))
    with pytest.raises(LogError, match="Nothing was changed"):
        Log(old)
    conn = sqlite3.connect(old)
    assert conn.execute("SELECT count(*) FROM calls").fetchone() == (1,)
    conn.close()


def test_a_newer_log_is_refused_and_left_alone(old):
    conn = sqlite3.connect(old)
    conn.execute(f"PRAGMA user_version = {migrations.VERSION + 1}")
    conn.close()
    before = old.read_bytes()
    with pytest.raises(LogError, match="newer"):
        Log(old)
    assert old.read_bytes() == before


def test_a_promise_of_before_keeps_the_only_day_that_was_known(tmp_path):
    """Schema 6 had one day for the need and for the promise."""
    path = tmp_path / "hotline.db"
    with Log(path, now=Clock()) as log:
        log_call(log, "a.wav", speak("电梯坏了"), [ask(0)])
        log_call(log, "b.wav", speak("垃圾没收"), [ask(0)])
        day = "2026-11-24T12:00:00.000+08:00"
        log.conn.execute("UPDATE requests SET due_hint = ?", (day,))
        log.conn.execute("UPDATE requests SET undertaking = '明天回电' WHERE number = 2")
        log.conn.execute("DROP INDEX requests_promised")
        log.conn.execute("DROP INDEX events_moves")
        for column in ("undertaking_due_utc", "undertaking_due_at"):
            log.conn.execute(f"ALTER TABLE requests DROP COLUMN {column}")
        log.conn.execute("DELETE FROM schema_versions WHERE version > 6")
        log.conn.execute("PRAGMA user_version = 6")
    with Log(path, now=Clock()) as log:
        one, two = log.requests()
        assert one.undertaking_due is None
        assert two.undertaking_due is not None
        assert two.undertaking_due.isoformat(timespec="milliseconds") == day
        assert log.check() == ([], 0.0)


@pytest.mark.parametrize("number", [step.number for step in MIGRATIONS[:-1]])
def test_a_log_of_every_earlier_schema_is_backed_up_and_brought_up_to_date(tmp_path, number):
    """A whole log (calls, words, requests, tags, events) with the columns that the schema had then."""
    with Log(tmp_path / "today.db", now=Clock()) as log:
        log_call(log, "a.wav", speak("您好", "电梯坏了", ""), [ask(1)], listen=[2])
        log_call(log, "b.wav", speak("垃圾没收"), [ask(0)])
        life.set_status(log, [2], "done", by="王芳", note="好了")
        row = recordings.seen(log, "recordings/c.wav", 9, log.now())
        recordings.set_state(log, row.id, "failed", "the disk was full")
        whole = log.requests(), log.recordings(), log.events(), log.tags(1), log.needs_listening()
    path = tmp_path / "hotline.db"
    conn = migrations_dialect.connect(str(path), isolation_level=None)
    migrations.migrate(conn, "2026-11-23T09:00:00.000+08:00", MIGRATIONS[:number])
    conn.execute("PRAGMA foreign_keys = OFF")
    conn.execute("ATTACH ? AS today", (str(tmp_path / "today.db"),))
    copied = 0
    for (table,) in conn.execute(
        "SELECT name FROM main.sqlite_master WHERE type = 'table' AND name NOT LIKE '%_index%' "
        "AND name NOT LIKE 'sqlite_%' AND name NOT IN ('schema_versions', 'index_version')"
    ).fetchall():
        mine, todays = (
            [name for (_n, name, *_rest) in conn.execute(f"PRAGMA {schema}.table_info({table})")]
            for schema in ("main", "today")
        )
        if todays:
            names = ", ".join(name for name in mine if name in todays)
            conn.execute(f"INSERT INTO main.{table} ({names}) SELECT {names} FROM today.{table}")
            copied += conn.total_changes
    assert copied
    conn.close()
    with Log(path, now=Clock()) as log:
        assert migrations.version(log.conn) == migrations.VERSION
        assert log.check() == ([], 0.0)
        now = log.requests(), log.recordings(), log.events(), log.tags(1), log.needs_listening()
        assert now[0] == whole[0]
        assert [r.reason for r in now[1]] == [r.reason for r in whole[1]]
        assert now[2:] == whole[2:]
        (backup,) = tmp_path.glob(f"hotline.db.v{number}-*.bak")
        copy = migrations_dialect.connect(str(backup))
        assert copy.execute("PRAGMA user_version").fetchone() == (number,)
        assert copy.execute("SELECT count(*) FROM requests").fetchone() == (2,)
        copy.close()
