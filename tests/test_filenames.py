from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import filenames
from pipeline.errors import SettingsError
from pipeline.types import NameFacts

SHANGHAI = ZoneInfo("Asia/Shanghai")


def facts_of(name: str) -> tuple[str | None, str | None, str | None, str | None]:
    facts = filenames.read_name(Path("recordings") / name, tz=SHANGHAI)
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


@pytest.mark.parametrize("pattern", filenames.PATTERNS, ids=lambda pattern: pattern.name)
def test_every_pattern_is_first_to_match_its_example(pattern):
    facts = filenames.read_name(Path(pattern.example), tz=SHANGHAI)
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
    filenames.read_name(Path("/x") / (name.replace("/", "").replace("\0", "") or "x"), tz=SHANGHAI)


@given(
    st.datetimes(datetime(2000, 1, 1), datetime(2089, 12, 31)),
    st.text("张王李_赵 abc", min_size=1).map(str.strip).filter(lambda s: s.strip("_ ")),
)
def test_whatever_the_contact_is_called(at, contact):
    at = at.replace(microsecond=0)
    name = f"{contact}(13800138000)_{at:%Y%m%d%H%M%S}.mp3"
    facts = filenames.read_name(Path(name), tz=SHANGHAI)
    assert facts.started_at == at.replace(tzinfo=SHANGHAI)
    assert (facts.caller_name, facts.caller_phone) == (contact, "13800138000")


def test_the_offices_own_pattern_goes_first():
    own = filenames.compile_pattern(
        "our exchange", r"(?P<phone>\d+)--(?P<date>\d{8})(?P<time>\d{6})"
    )
    facts = filenames.read_name(
        Path("8001--20220404093000.wav"), tz=SHANGHAI, patterns=(own, *filenames.PATTERNS)
    )
    assert (facts.caller_phone, facts.time_source) == ("8001", "name:our exchange")


@pytest.mark.parametrize("regex", ["(", r"\d+", "(?P<tel>1)", "(?P<date>1)"])
def test_a_wrong_pattern_is_named(regex):
    with pytest.raises(SettingsError, match="our exchange"):
        filenames.compile_pattern("our exchange", regex)
    with pytest.raises(SettingsError):
        filenames.compile_pattern("", "(?P<phone>1)")


def test_when_the_name_says_nothing_the_container_then_the_file():
    modified = datetime(2022, 4, 4, 2, 0, tzinfo=UTC)
    created = datetime(2022, 4, 4, 1, 30, tzinfo=UTC)
    named = NameFacts(
        datetime(2022, 1, 1, tzinfo=SHANGHAI), "name:x", "138", "张三", "name:x", "in"
    )
    assert filenames.when(named, created, modified, SHANGHAI) == named
    by_file = filenames.when(NameFacts(caller_phone="138"), None, modified, SHANGHAI)
    assert (by_file.time_source, by_file.started_at, by_file.caller_phone) == (
        "file", modified, "138",
    )  # fmt: skip
    assert by_file.started_at.utcoffset() == timedelta(hours=8)
    # decoded later: the container's date takes the place of the file's
    better = filenames.when(by_file, created, modified, SHANGHAI)
    assert (better.time_source, better.started_at) == ("container", created)
    local = filenames.when(NameFacts(), datetime(2022, 4, 4, 9, 30), modified, SHANGHAI)
    assert local.started_at == datetime(2022, 4, 4, 9, 30, tzinfo=SHANGHAI)
