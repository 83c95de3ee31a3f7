import hashlib
import os
import shutil
import sys
import time
from pathlib import Path
from threading import Timer
from zoneinfo import ZoneInfo

import pytest

from pipeline import filenames, inbox, originals
from pipeline.errors import HotlineError

SHANGHAI = ZoneInfo("Asia/Shanghai")
OLD = time.time() - 3600

only_posix = pytest.mark.skipif(os.name == "nt", reason="pipes and links as on POSIX")
not_root = pytest.mark.skipif(
    hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may read everything"
)


def drop(path: Path, content: bytes = b"sound", at: float = OLD) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, (at, at))
    return path


# --- Arrivals


def test_every_file_below_is_an_arrival(tmp_path):
    names = ["通话录音@176 8831 4515(17688314515)_20180814153840.mp3", "a b.wav", "深/更 深/x.amr"]
    names += [".hidden.m4a", "empty.amr", "no suffix", "notes.txt"]
    for name in names:
        drop(tmp_path / name, b"" if name.startswith("empty") else b"sound")
    arrivals = inbox.scan(tmp_path)
    assert {str(a.path.relative_to(tmp_path)) for a in arrivals} == {
        str(Path(name)) for name in names
    }
    assert all(a.settled and a.kind == "file" for a in arrivals)
    assert {a.path.name: a.size for a in arrivals}["empty.amr"] == 0
    assert all(a.modified_at.utcoffset() is not None for a in arrivals)


def test_what_systems_put_into_folders_is_no_arrival(tmp_path):
    for name in [".DS_Store", "Thumbs.db", "Desktop.ini", ".gitkeep"]:
        drop(tmp_path / name)
    assert inbox.scan(tmp_path) == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux takes any bytes as a name")
def test_a_name_that_is_no_text(tmp_path):
    name = os.fsdecode("张三_13800138000_20220404_093000.mp3".encode("gb18030"))
    drop(tmp_path / name)
    (arrival,) = inbox.scan(tmp_path)
    assert arrival.path.read_bytes() == b"sound"
    facts = filenames.read_name(arrival.path, tz=SHANGHAI)
    assert (facts.caller_name, facts.caller_phone) == ("张三", "13800138000")
    assert originals.keep(arrival.path, tmp_path / "originals").size == 5


@only_posix
def test_links_and_pipes_are_seen_and_not_followed(tmp_path):
    outside = drop(tmp_path / "outside" / "secret.mp3")
    folder = tmp_path / "recordings"
    folder.mkdir()
    (folder / "file.mp3").symlink_to(outside)
    (folder / "folder").symlink_to(outside.parent)
    (folder / "broken").symlink_to("nowhere")
    (folder / "loop").symlink_to(folder)
    os.mkfifo(folder / "pipe")
    kinds = {a.path.name: a.kind for a in inbox.scan(folder)}
    assert kinds == {
        "file.mp3": "link", "folder": "link", "broken": "link", "loop": "link", "pipe": "special",
    }  # fmt: skip
    for name in kinds:
        with pytest.raises(HotlineError):
            originals.keep(folder / name, tmp_path / "originals")


@only_posix
@not_root
def test_a_folder_that_may_not_be_read_is_seen(tmp_path):
    closed = drop(tmp_path / "closed" / "x.mp3").parent
    closed.chmod(0)
    try:
        (arrival,) = inbox.scan(tmp_path)
    finally:
        closed.chmod(0o700)
    assert (arrival.path, arrival.kind) == (closed, "unreadable")


def test_a_file_can_be_named_itself_and_a_missing_one_is_told(tmp_path):
    file = drop(tmp_path / "x.mp3")
    assert [a.path for a in inbox.scan(file)] == [file]
    with pytest.raises(HotlineError, match=r"nowhere"):
        inbox.scan(tmp_path / "nowhere")


def test_the_programs_own_folders_can_be_left_out(tmp_path):
    drop(tmp_path / "originals" / "ab" / "x.mp3")
    drop(tmp_path / "y.mp3")
    assert [a.path.name for a in inbox.scan(tmp_path, exclude=[tmp_path / "originals"])] == [
        "y.mp3"
    ]


def test_oldest_first_then_by_name(tmp_path):
    drop(tmp_path / "a.mp3", at=OLD + 5)
    drop(tmp_path / "c.mp3", at=OLD)
    drop(tmp_path / "b.mp3", at=OLD)
    assert [a.path.name for a in inbox.scan(tmp_path)] == ["b.mp3", "c.mp3", "a.mp3"]


def test_old_files_need_no_wait(tmp_path):
    drop(tmp_path / "x.mp3")
    before = time.monotonic()
    assert inbox.scan(tmp_path, settle_s=30.0)[0].settled
    assert time.monotonic() - before < 1


def test_a_file_that_grows_has_not_settled(tmp_path):
    growing = drop(tmp_path / "growing.mp3", at=time.time())
    drop(tmp_path / "fresh.mp3", at=time.time())
    timer = Timer(0.1, lambda: growing.write_bytes(b"more sound"))
    timer.start()
    settled = {a.path.name: (a.settled, a.size) for a in inbox.scan(tmp_path, settle_s=0.4)}
    timer.join()
    assert settled == {"growing.mp3": (False, 10), "fresh.mp3": (True, 5)}


def test_a_file_from_the_future_settles(tmp_path):
    drop(tmp_path / "x.mp3", at=time.time() + 86_400)
    assert inbox.scan(tmp_path, settle_s=0.1)[0].settled


def test_a_file_that_goes_between_the_looks_is_no_arrival(tmp_path):
    going = drop(tmp_path / "going.mp3", at=time.time())
    timer = Timer(0.1, going.unlink)
    timer.start()
    assert inbox.scan(tmp_path, settle_s=0.4) == []
    timer.join()


@pytest.mark.parametrize(
    "name",
    ["x.mp3.part", "x.crdownload", "x.tmp", "x.mp3~", "~$x.mp3", ".x.mp3.Ab3dQ9", "x.MP3.PART"],
)
def test_partial_downloads_are_seen_but_never_settle(tmp_path, name):
    drop(tmp_path / name)
    (arrival,) = inbox.scan(tmp_path, settle_s=0.0)
    assert not arrival.settled


# --- Originals


def test_the_original_is_kept_under_its_hash_and_the_dropped_file_left_alone(tmp_path):
    content = os.urandom(3_000_000)
    file = drop(tmp_path / "录音.MP3", content)
    before = file.stat()
    kept = originals.keep(file, tmp_path / "originals")
    sha = hashlib.sha256(content).hexdigest()
    assert kept == originals.Kept(
        sha, len(content), tmp_path / "originals" / sha[:2] / f"{sha}.mp3"
    )
    assert kept.path.read_bytes() == content
    after = file.stat()
    assert (after.st_mode, after.st_mtime_ns, after.st_nlink) == (
        before.st_mode, before.st_mtime_ns, before.st_nlink,
    )  # fmt: skip
    # what happens to the dropped file does not reach the original
    file.write_bytes(b"gone")
    assert originals.hash_file(kept.path) == sha
    if os.name != "nt":
        assert kept.path.stat().st_mode & 0o777 == 0o600
        assert (tmp_path / "originals").stat().st_mode & 0o777 == 0o700


def test_the_same_content_is_kept_once_and_a_damaged_original_mended(tmp_path):
    first = originals.keep(drop(tmp_path / "a.mp3"), tmp_path / "originals")
    second = originals.keep(drop(tmp_path / "b.m4a"), tmp_path / "originals")
    assert first == second
    first.path.write_bytes(b"rotte")
    mended = originals.keep(drop(tmp_path / "c.mp3"), tmp_path / "originals")
    assert mended.path.read_bytes() == b"sound"
    assert len([p for p in (tmp_path / "originals").rglob("*") if p.is_file()]) == 1


@pytest.mark.parametrize("act", ["grow", "rewrite", "replace"])
def test_a_file_that_changes_while_it_is_read_is_not_kept(tmp_path, monkeypatch, act):
    file = drop(tmp_path / "x.mp3", b"a" * 2_000_000)
    other = drop(tmp_path / "other", b"b" * 2_000_000)
    actions = {
        "grow": lambda: os.truncate(file, 3_000_000),
        "rewrite": lambda: file.write_bytes(b"c" * 2_000_000),
        "replace": lambda: other.replace(file),
    }
    sha256, done = hashlib.sha256, []

    def meddling():
        if not done:
            done.append(actions[act]())
        return sha256()

    monkeypatch.setattr(originals.hashlib, "sha256", meddling)
    with pytest.raises(HotlineError, match="still being written"):
        originals.keep(file, tmp_path / "originals")
    assert not [p for p in (tmp_path / "originals").rglob("*") if p.is_file()]


@pytest.mark.skipif(sys.platform != "linux", reason="/dev/full")
def test_a_full_disk_is_told_and_leaves_nothing_behind(tmp_path, monkeypatch):
    file = drop(tmp_path / "x.mp3", b"a" * 2_000_000)
    monkeypatch.setattr(
        originals, "_open_private", lambda name, flags: os.open("/dev/full", os.O_WRONLY)
    )
    with pytest.raises(HotlineError, match=r"x\.mp3.*Make room"):
        originals.keep(file, tmp_path / "originals")
    assert list((tmp_path / "originals").iterdir()) == []


def test_originals_that_cannot_be_made_are_told(tmp_path):
    drop(tmp_path / "originals")  # a file stands in the folder's place
    with pytest.raises(HotlineError, match=r"x\.mp3"):
        originals.keep(drop(tmp_path / "x.mp3"), tmp_path / "originals")


def test_a_file_that_has_gone_is_told(tmp_path):
    with pytest.raises(HotlineError, match=r"x\.mp3 cannot be read"):
        originals.keep(tmp_path / "x.mp3", tmp_path / "originals")


def test_what_a_killed_run_left_is_swept(tmp_path, monkeypatch):
    folder = tmp_path / "originals"
    drop(folder / ".incoming-1-abc")
    originals.keep(drop(tmp_path / "x.mp3"), folder)
    assert (folder / ".incoming-1-abc").exists()  # may belong to a run that is at work
    monkeypatch.setattr(originals, "_STALE_S", -1.0)
    originals.keep(drop(tmp_path / "x.mp3"), folder)
    assert not (folder / ".incoming-1-abc").exists()


def test_folders_nested_deeper_than_python_goes_are_looked_into(tmp_path: Path) -> None:
    deep = tmp_path
    for _level in range(1_100):
        deep = deep / "d"
        deep.mkdir()
    (deep / "a.wav").write_bytes(b"RIFF")
    assert [arrival.path.name for arrival in inbox.scan(tmp_path, settle_s=0.0)] == ["a.wav"]
    while deep != tmp_path:  # shutil.rmtree recurses
        for file in deep.iterdir():
            file.rmdir() if file.is_dir() else file.unlink()
        deep = deep.parent


def test_a_file_larger_than_the_disk_has_room_is_refused_before_the_disk_is_full(
    tmp_path: Path,
) -> None:
    huge = tmp_path / "a.wav"
    with huge.open("wb") as file:
        file.truncate(shutil.disk_usage(tmp_path).free + (1 << 30))  # takes no room: all holes
    with pytest.raises(HotlineError, match="Make room on the disk"):
        originals.keep(huge, tmp_path / "originals")
    assert list((tmp_path / "originals").iterdir()) == []
