import os
import sqlite3
import stat
import threading
from pathlib import Path

import pytest
from sample_log import MONDAY, Clock, ask, log_call, speak

from pipeline import life, recordings, store
from pipeline.errors import LogError
from pipeline.log import Log
from pipeline.store import journal_mode


def test_the_file_is_the_owner_s_alone_and_safe(tmp_path):
    path = tmp_path / "hotline.db"
    with Log(path) as log:
        assert log.query("PRAGMA journal_mode")[0]["journal_mode"] == "wal"
        assert log.query("PRAGMA synchronous")[0]["synchronous"] == 2  # FULL
        assert log.query("PRAGMA foreign_keys")[0]["foreign_keys"] == 1
        recordings.seen(log, "a", 1, MONDAY)
        if os.name == "posix":
            for file in tmp_path.glob("hotline.db*"):
                assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
    if os.name == "posix":
        path.chmod(0o644)
        Log(path).close()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_sqlite_s_with_the_wal_bug_get_a_rollback_journal(tmp_path, monkeypatch):
    assert journal_mode((3, 53, 4)) == "wal"
    assert journal_mode((3, 51, 3)) == "wal"
    assert journal_mode((3, 51, 2)) == "delete"
    assert journal_mode((3, 40, 1)) == "delete"
    with Log(tmp_path / "hotline.db") as log:
        log_call(log, "a.wav", speak("电梯坏了"), [ask(0)])
    monkeypatch.setattr(store.sqlite3, "sqlite_version_info", (3, 46, 1))
    with Log(tmp_path / "hotline.db") as log:
        assert log.query("PRAGMA journal_mode")[0]["journal_mode"] == "delete"
        life.set_status(log, [1], "done", by="王芳")
        assert log.check() == ([], 0.0)
    monkeypatch.setattr(store.sqlite3, "sqlite_version_info", (3, 40, 1))
    with pytest.raises(LogError, match="pysqlite3"):
        Log(tmp_path / "hotline.db")


def test_no_log_is_said(tmp_path):
    with pytest.raises(LogError, match="hotline ingest"):
        Log(tmp_path / "none.db", create=False)
    with pytest.raises(LogError, match="none"):
        Log(tmp_path / "none" / "hotline.db")


def test_what_is_no_log_is_refused_and_left_alone(tmp_path):
    text = tmp_path / "text.db"
    text.write_text("电话记录" * 300)
    before = text.read_bytes()
    with pytest.raises(LogError, match="no log"):
        Log(text)
    assert text.read_bytes() == before
    other = tmp_path / "other.db"
    conn = sqlite3.connect(other)
    conn.execute("CREATE TABLE photos (id)")
    conn.commit()
    conn.close()
    with pytest.raises(LogError, match="no log"):
        Log(other)
    assert not list(tmp_path.glob("other.db-*"))


def test_a_locked_log_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "BUSY_S", 0.05)
    with Log(tmp_path / "hotline.db") as one, Log(tmp_path / "hotline.db") as other:
        with (
            one.transaction(),
            pytest.raises(LogError, match="Another program"),
            other.transaction(),
        ):
            pass
        with one.transaction():
            assert other.recordings() == []  # reading goes on


def test_two_writers_wait_for_one_another(tmp_path):
    path = tmp_path / "hotline.db"

    def write(name):
        with Log(path) as log:  # opening a new log at once, too
            for n in range(20):
                recordings.seen(log, f"/r/{name}{n}", 1, MONDAY)
                recordings.seen(log, f"/r/both{n}", 1, MONDAY)

    threads = [threading.Thread(target=write, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with Log(path) as log:
        assert len(log.recordings()) == 60
        assert log.check() == ([], 0.0)


def test_an_inner_transaction_is_part_of_the_outer(tmp_path):
    with Log(tmp_path / "hotline.db") as log:
        with pytest.raises(RuntimeError), log.transaction():
            recordings.seen(log, "/r/a", 1, MONDAY)
            raise RuntimeError
        assert log.recordings() == []


def test_reading_sees_one_state(tmp_path):
    with Log(tmp_path / "hotline.db") as one, Log(tmp_path / "hotline.db") as other:
        with one.snapshot():
            assert one.recordings() == []
            recordings.seen(other, "/r/a", 1, MONDAY)
            assert one.recordings() == []
        assert len(one.recordings()) == 1


def test_a_full_disk_is_one_sentence_and_the_log_goes_on(tmp_path):
    with Log(tmp_path / "hotline.db", now=Clock()) as log:
        log_call(log, "a.wav", speak("电梯坏了"), [ask(0)])
        pages = log.query("PRAGMA page_count")[0]["page_count"]
        log.conn.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(LogError, match="full"):
            for n in range(200):
                log_call(log, f"{n}.wav", speak("垃圾没收" * 50), [ask(0)])
        log.conn.execute("PRAGMA max_page_count = 1000000")
        assert log.check() == ([], 0.0)


def test_reading_loads_nothing_heavy(tmp_path):
    import subprocess
    import sys

    with Log(tmp_path / "hotline.db") as log:
        log_call(log, "a.wav", speak("电梯坏了"), [ask(0)])
    code = (
        "import sys; from pathlib import Path; from pipeline.log import Log\n"
        "from pipeline.search import search\n"
        f"log = Log(Path({str(tmp_path / 'hotline.db')!r}))\n"
        "assert log.open_requests() and search(log, 'X') == [] and search(log, 'Ｘ') == []\n"
        "heavy = {'numpy', 'torch', 'whisper', 'jieba', 'pypinyin', 'sqlite_utils', 'click', 'rich'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_network_share_is_refused(tmp_path, monkeypatch):
    mounts = [("/", "ext4"), ("/srv", "nfs4"), ("/srv/own", "ext4"), ("/srv2", "xfs")]
    assert store.share_of(Path("/srv/home/hotline.db"), mounts) == "nfs4"
    assert store.share_of(Path("/srv/own/hotline.db"), mounts) is None
    assert store.share_of(Path("/srv2/hotline.db"), mounts) is None
    assert store.share_of(Path("/home/hotline.db"), []) is None
    monkeypatch.setattr(store, "_mounts", lambda: [("/", "ext4"), (str(tmp_path), "cifs")])
    with pytest.raises(LogError, match="network share"):
        Log(tmp_path / "hotline.db")
    assert list(tmp_path.iterdir()) == []
