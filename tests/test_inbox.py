import hashlib
import os
import shutil
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Timer
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import inbox
from pipeline.errors import HotlineError, SettingsError
from pipeline.types import NameFacts

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
    facts = inbox.read_name(arrival.path, tz=SHANGHAI)
    assert (facts.caller_name, facts.caller_phone) == ("张三", "13800138000")
    assert inbox.keep(arrival.path, tmp_path / "originals").size == 5


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
            inbox.keep(folder / name, tmp_path / "originals")


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


# --- Names


def facts_of(name: str) -> tuple[str | None, str | None, str | None, str | None]:
    facts = inbox.read_name(Path("recordings") / name, tz=SHANGHAI)
    at = facts.started_at.isoformat() if facts.started_at else None
    return at, facts.caller_phone, facts.caller_name, facts.direction


@pytest.mark.parametrize(
    ("name", "at", "phone", "contact", "direction"),
    [
        ("通话录音@176 8831 4515(17688314515)_20180814153840.mp3", "2018-08-14T15:38:40", "17688314515", None, None),
        ("15882033521(15882033521)_20230506192735.mp3", "2023-05-06T19:27:35", "15882033521", None, None),
        ("王_阿姨(13800138000)_20230506192735.mp3", "2023-05-06T19:27:35", "13800138000", "王_阿姨", None),
        ("通话录音@李四(办公室)_20230506192735.mp3", "2023-05-06T19:27:35", None, "李四", None),
        ("10086(中国移动)_20230506192735.mp3", "2023-05-06T19:27:35", "10086", "中国移动", None),
        ("王阿姨（13800138000）_20230506192735.mp3", "2023-05-06T19:27:35", "13800138000", "王阿姨", None),
        ("134 1096 1780_20220425103455.amr", "2022-04-25T10:34:55", "13410961780", None, None),
        ("134 1096 1780_20220425103455", "2022-04-25T10:34:55", "13410961780", None, None),
        ("+86 134-1096-1780_20220425103455.amr", "2022-04-25T10:34:55", "+8613410961780", None, None),
        ("张三@13800138000_20220404093000.amr", "2022-04-04T09:30:00", "13800138000", "张三", None),
        ("张三_13800138000_20220404_093000.m4a", "2022-04-04T09:30:00", "13800138000", "张三", None),
        ("张_三_13800138000_20220404_093000.m4a", "2022-04-04T09:30:00", "13800138000", "张_三", None),
        ("张三_13800138000_20220404_093000 (1).m4a", "2022-04-04T09:30:00", "13800138000", "张三", None),
        ("张三_13800138000_20220404_093000 - 副本.m4a", "2022-04-04T09:30:00", "13800138000", "张三", None),
        ("Call recording +15551234567_200605_114902.m4a", "2020-06-05T11:49:02", "+15551234567", None, None),
        ("通话录音 王阿姨_200605_114902.m4a", "2020-06-05T11:49:02", None, "王阿姨", None),
        ("Call_20250418_143022_INCOMING_13800138000.m4a", "2025-04-18T14:30:22", "13800138000", None, "in"),
        ("Call_20250418_143022_OUTGOING_王阿姨.m4a", "2025-04-18T14:30:22", None, "王阿姨", "out"),
        ("20231221_143025.123+0000_out_13800138000.oga", "2023-12-21T22:30:25", "13800138000", None, "out"),
        ("20231221_143025.123+0000_out_+8613800138000_王_阿姨.m4a", "2023-12-21T22:30:25", "+8613800138000", "王_阿姨", "out"),
        ("20231221_143025.123+0000_in_", "2023-12-21T22:30:25", None, None, "in"),
        ("out-13800138000-200-20200222-161829-1582359509.760.wav", "2020-02-22T16:18:29", "13800138000", None, "out"),
        # the exchange keeps UTC: its own epoch says so
        ("out-13800138000-200-20200222-161829-1582388309.760.wav", "2020-02-23T00:18:29", "13800138000", None, "out"),
        # a figure that is no time of this call
        ("out-13800138000-200-20200222-161829-1234567890.760.wav", "2020-02-22T16:18:29", "13800138000", None, "out"),
        ("in-62345678-13800138000-20200222-161829-1582359509.760.wav", "2020-02-22T16:18:29", "13800138000", None, "in"),
        ("external-200-13800138000-20200222-161829-1582359509.760.wav", "2020-02-22T16:18:29", "13800138000", None, "in"),
        ("external-200-anonymous-20200222-161829-1582359509.760.wav", "2020-02-22T16:18:29", None, None, None),
        ("force-13800138000-3201-20250327-092517-1743038717.12206.wav", "2025-03-27T09:25:17", "13800138000", None, None),
        ("force-3201-13800138000-20250327-092517-1743038717.12206.wav", "2025-03-27T09:25:17", "13800138000", None, None),
        ("[王医生]_124-8012307610_20250603202223(152).wav", "2025-06-03T20:22:23", "8012307610", "王医生", "out"),
        ("[Wang, Li]_13800138000-124_20250603202223(152).wav", "2025-06-03T20:22:23", "13800138000", "Wang, Li", "in"),
        ("13800138000-2204040930.amr", "2022-04-04T09:30:00", "13800138000", None, None),
        ("王阿姨_20220404093000.m4a", "2022-04-04T09:30:00", None, "王阿姨", None),
        ("12345_20220404093000.m4a", "2022-04-04T09:30:00", "12345", None, None),
        ("13800138000 2022-04-04 09-30-00.m4a", "2022-04-04T09:30:00", "13800138000", None, None),
        ("2022-04-04 09.30.00 来电 138 0013 8000.m4a", "2022-04-04T09:30:00", "13800138000", None, None),
        ("021-62345678 20220404 093000.wav", "2022-04-04T09:30:00", "02162345678", None, None),
        ("录音_20220404_093000.m4a", "2022-04-04T09:30:00", None, None, None),
        ("录音 2022年4月4日 9时30分.m4a", "2022-04-04T09:30:00", None, None, None),
        ("20220404 093000.m4a", "2022-04-04T09:30:00", None, None, None),
        ("REC20220404093000.wav", "2022-04-04T09:30:00", None, None, None),
        ("2022-04-04T09:30:00.wav", "2022-04-04T09:30:00", None, None, None),
        ("13800138000.amr", None, "13800138000", None, None),
        ("居民 138-0013-8000 漏水.mp3", None, "13800138000", None, None),
        ("新录音 5.m4a", None, None, None, None),
        ("a.mp3", None, None, None, None),
        ("2022-04-04.mp3", None, None, None, None),
    ],
)  # fmt: skip
def test_names_seen_in_the_wild(name, at, phone, contact, direction):
    expected = (at + "+08:00" if at else None, phone, contact, direction)
    assert facts_of(name) == expected


@pytest.mark.parametrize("pattern", inbox.PATTERNS, ids=lambda pattern: pattern.name)
def test_every_pattern_is_first_to_match_its_example(pattern):
    facts = inbox.read_name(Path(pattern.example), tz=SHANGHAI)
    assert f"name:{pattern.name}" in (facts.time_source, facts.caller_source)


@pytest.mark.parametrize(
    "name",
    [
        "张三_13800138000_20221304_093000.m4a",
        "张三_13800138000_20220230_093000.m4a",
        "张三_13800138000_20220404_253000.m4a",
        "录音 2022-13-04 09-30-00.m4a",
        "Call recording 13800138000_201305_114902.m4a",
    ],
)
def test_a_date_that_no_calendar_has_is_none(name):
    assert facts_of(name)[0] is None


def test_a_bad_date_does_not_hide_the_number():
    assert facts_of("张三_13800138000_20220230_093000.m4a")[1] == "13800138000"


@given(st.text())
def test_any_name_is_read(name):
    inbox.read_name(Path("/x") / (name.replace("/", "").replace("\0", "") or "x"), tz=SHANGHAI)


@given(
    st.datetimes(datetime(2000, 1, 1), datetime(2089, 12, 31)),
    st.text("张王李_赵 abc", min_size=1).map(str.strip).filter(lambda s: s.strip("_ ")),
)
def test_whatever_the_contact_is_called(at, contact):
    at = at.replace(microsecond=0)
    name = f"{contact}(13800138000)_{at:%Y%m%d%H%M%S}.mp3"
    facts = inbox.read_name(Path(name), tz=SHANGHAI)
    assert facts.started_at == at.replace(tzinfo=SHANGHAI)
    assert (facts.caller_name, facts.caller_phone) == (contact, "13800138000")


def test_the_offices_own_pattern_goes_first():
    own = inbox.compile_pattern("our exchange", r"(?P<phone>\d+)--(?P<date>\d{8})(?P<time>\d{6})")
    facts = inbox.read_name(
        Path("8001--20220404093000.wav"), tz=SHANGHAI, patterns=(own, *inbox.PATTERNS)
    )
    assert (facts.caller_phone, facts.time_source) == ("8001", "name:our exchange")


@pytest.mark.parametrize("regex", ["(", r"\d+", "(?P<tel>1)", "(?P<date>1)"])
def test_a_wrong_pattern_is_named(regex):
    with pytest.raises(SettingsError, match="our exchange"):
        inbox.compile_pattern("our exchange", regex)
    with pytest.raises(SettingsError):
        inbox.compile_pattern("", "(?P<phone>1)")


def test_when_the_name_says_nothing_the_container_then_the_file():
    modified = datetime(2022, 4, 4, 2, 0, tzinfo=UTC)
    created = datetime(2022, 4, 4, 1, 30, tzinfo=UTC)
    named = NameFacts(
        datetime(2022, 1, 1, tzinfo=SHANGHAI), "name:x", "138", "张三", "name:x", "in"
    )
    assert inbox.when(named, created, modified, SHANGHAI) == named
    by_file = inbox.when(NameFacts(caller_phone="138"), None, modified, SHANGHAI)
    assert (by_file.time_source, by_file.started_at, by_file.caller_phone) == (
        "file", modified, "138",
    )  # fmt: skip
    assert by_file.started_at.utcoffset() == timedelta(hours=8)
    # decoded later: the container's date takes the place of the file's
    better = inbox.when(by_file, created, modified, SHANGHAI)
    assert (better.time_source, better.started_at) == ("container", created)
    local = inbox.when(NameFacts(), datetime(2022, 4, 4, 9, 30), modified, SHANGHAI)
    assert local.started_at == datetime(2022, 4, 4, 9, 30, tzinfo=SHANGHAI)


# --- Originals


def test_the_original_is_kept_under_its_hash_and_the_dropped_file_left_alone(tmp_path):
    content = os.urandom(3_000_000)
    file = drop(tmp_path / "录音.MP3", content)
    before = file.stat()
    kept = inbox.keep(file, tmp_path / "originals")
    sha = hashlib.sha256(content).hexdigest()
    assert kept == inbox.Kept(sha, len(content), tmp_path / "originals" / sha[:2] / f"{sha}.mp3")
    assert kept.path.read_bytes() == content
    after = file.stat()
    assert (after.st_mode, after.st_mtime_ns, after.st_nlink) == (
        before.st_mode, before.st_mtime_ns, before.st_nlink,
    )  # fmt: skip
    # what happens to the dropped file does not reach the original
    file.write_bytes(b"gone")
    assert inbox.hash_file(kept.path) == sha
    if os.name != "nt":
        assert kept.path.stat().st_mode & 0o777 == 0o600
        assert (tmp_path / "originals").stat().st_mode & 0o777 == 0o700


def test_the_same_content_is_kept_once_and_a_damaged_original_mended(tmp_path):
    first = inbox.keep(drop(tmp_path / "a.mp3"), tmp_path / "originals")
    second = inbox.keep(drop(tmp_path / "b.m4a"), tmp_path / "originals")
    assert first == second
    first.path.write_bytes(b"rotte")
    mended = inbox.keep(drop(tmp_path / "c.mp3"), tmp_path / "originals")
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

    monkeypatch.setattr(inbox.hashlib, "sha256", meddling)
    with pytest.raises(HotlineError, match="still being written"):
        inbox.keep(file, tmp_path / "originals")
    assert not [p for p in (tmp_path / "originals").rglob("*") if p.is_file()]


@pytest.mark.skipif(sys.platform != "linux", reason="/dev/full")
def test_a_full_disk_is_told_and_leaves_nothing_behind(tmp_path, monkeypatch):
    file = drop(tmp_path / "x.mp3", b"a" * 2_000_000)
    monkeypatch.setattr(
        inbox, "_open_private", lambda name, flags: os.open("/dev/full", os.O_WRONLY)
    )
    with pytest.raises(HotlineError, match=r"x\.mp3.*Make room"):
        inbox.keep(file, tmp_path / "originals")
    assert list((tmp_path / "originals").iterdir()) == []


def test_originals_that_cannot_be_made_are_told(tmp_path):
    drop(tmp_path / "originals")  # a file stands in the folder's place
    with pytest.raises(HotlineError, match=r"x\.mp3"):
        inbox.keep(drop(tmp_path / "x.mp3"), tmp_path / "originals")


def test_a_file_that_has_gone_is_told(tmp_path):
    with pytest.raises(HotlineError, match=r"x\.mp3 cannot be read"):
        inbox.keep(tmp_path / "x.mp3", tmp_path / "originals")


def test_what_a_killed_run_left_is_swept(tmp_path, monkeypatch):
    originals = tmp_path / "originals"
    drop(originals / ".incoming-1-abc")
    inbox.keep(drop(tmp_path / "x.mp3"), originals)
    assert (originals / ".incoming-1-abc").exists()  # may belong to a run that is at work
    monkeypatch.setattr(inbox, "_STALE_S", -1.0)
    inbox.keep(drop(tmp_path / "x.mp3"), originals)
    assert not (originals / ".incoming-1-abc").exists()


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
        inbox.keep(huge, tmp_path / "originals")
    assert list((tmp_path / "originals").iterdir()) == []
