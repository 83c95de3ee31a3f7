import signal
import subprocess
import sys
import textwrap
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sample_log import MONDAY, SHANGHAI, ask, hear, log_call, receive, sound, speak

from pipeline import hearings, life, recordings, understandings
from pipeline.errors import LogError, UsageProblem
from pipeline.log import Log
from pipeline.rows import CallFacts, iso, utc
from pipeline.types import (
    Place,
    Understanding,
)

ZONES = st.sampled_from(
    [
        UTC,
        ZoneInfo("Asia/Shanghai"),
        ZoneInfo("America/New_York"),
        timezone(timedelta(seconds=-3599)),
    ]
)
"""Shanghai before 1901 was +08:05:43; SQLite reads no seconds in an offset."""


@settings(deadline=None)
@given(st.datetimes(timezones=ZONES), st.datetimes(timezones=ZONES))
def test_times_keep_their_moment_and_sort(one, other):
    for moment in (one, other):
        kept = datetime.fromisoformat(iso(moment))
        assert abs(kept - moment) < timedelta(milliseconds=1)
    if abs(one - other) >= timedelta(milliseconds=1):
        assert (utc(one) < utc(other)) == (one < other)


@settings(deadline=None)
@given(st.datetimes(min_value=datetime(1, 1, 3), timezones=ZONES))
def test_the_generated_column_is_what_utc_says(moment):
    import sqlite3

    column = "SELECT strftime('%Y-%m-%dT%H:%M:%fZ', ?)"
    assert sqlite3.connect(":memory:").execute(column, (iso(moment),)).fetchone() == (utc(moment),)


def test_a_time_without_an_offset_is_refused(log):
    with pytest.raises(ValueError):
        recordings.seen(log, "a.wav", 1, datetime(2026, 11, 23))


def test_unknown_numbers_are_said_not_traced(log):
    for ask_for in (log.request, log.recording, log.call, log.call_of_transcript):
        with pytest.raises(UsageProblem, match="99"):
            ask_for(99)
    with pytest.raises(ValueError):
        recordings.set_state(log, receive(log, "a.wav"), "lost")


def test_open_is_sorted_by_urgency_then_overdue_then_due(log):
    turns = speak("一", "二", "三", "四", "五")
    levels = ["routine", "urgent", "critical", "urgent", "urgent"]
    requests = [ask(n, urgency=level) for n, level in enumerate(levels)]
    recording = receive(log, "a.wav")
    facts = CallFacts(MONDAY, "file", 9.0, "mono", 1)
    transcript = hearings.save(log, recording, facts, hear(turns), turns)
    tokyo, new_york = timezone(timedelta(hours=9)), timezone(timedelta(hours=-5))
    due = [
        MONDAY - timedelta(hours=9),
        # As text these two sort the other way round.
        datetime(2026, 11, 24, 1, 0, tzinfo=tokyo),
        MONDAY + timedelta(hours=1),
        datetime(2026, 11, 23, 10, 0, tzinfo=new_york),
        MONDAY - timedelta(hours=1),
    ]
    understandings.save(log, transcript, Understanding(tuple(requests), (), ()), due)
    assert due[3] < due[1]
    assert [row.number for row in log.open_requests(MONDAY)] == [3, 5, 4, 2, 1]


def test_requests_are_filtered(log):
    turns = speak("一", "二")
    other = ask(1, category="medical", place=Place(building="5", room="2"), caller_name="王 阿姨")
    log_call(log, "a.wav", turns, [ask(0), other], phone="138-0013-8000".replace("-", ""))
    log_call(log, "b.wav", speak("三"), [ask(0)], at=MONDAY + timedelta(days=7))
    life.set_status(log, [3], "done", by="王芳")

    def numbers(**filters):
        return [row.number for row in log.requests(**filters)]

    assert numbers() == [1, 2, 3]
    assert numbers(category="medical") == [2]
    assert numbers(status="done") == [3]
    assert numbers(place="2号楼") == [1, 2, 3]
    assert numbers(place="２号楼５０１") == [1, 3]
    assert numbers(building="5") == [2]
    assert numbers(caller="0013 8000") == [1, 2]
    assert numbers(caller="王") == [2]
    assert numbers(caller="李") == []
    assert numbers(until=MONDAY) == []
    assert numbers(since=MONDAY, until=MONDAY + timedelta(days=7)) == [1, 2]
    assert numbers(numbers=[3, 1, 99]) == [1, 3]
    assert numbers(numbers=[1, 2], category="medical") == [2]


def test_events_and_tags_cannot_be_changed(log):
    log_call(log, "a.wav", speak("电梯坏了"), [ask(0)])
    for sql in (
        "UPDATE events SET who = 'nobody'",
        "DELETE FROM events",
        "UPDATE tags SET value = 'other'",
    ):
        with pytest.raises(LogError, match="never"), log.transaction():
            log.conn.execute(sql)
    assert log.events(request=1)[0].who == "hotline"


def test_a_number_is_never_used_again(log):
    log_call(log, "a.wav", speak("一", "二"), [ask(0), ask(1)])
    log.conn.execute("PRAGMA foreign_keys = OFF")
    with log.transaction():
        log.conn.execute("DELETE FROM requests")  # as a purge will
    assert log_call(log, "b.wav", speak("三"), [ask(0)]) == [3]


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL here")
def test_a_kill_loses_nothing_that_was_committed_and_keeps_nothing_half(tmp_path):
    child = subprocess.Popen(
        [
            sys.executable,
            "-c",
            textwrap.dedent(f"""
            import sys, time
            sys.path.insert(0, {str(Path(__file__).parent)!r})
            from pathlib import Path
            from sample_log import Log, ask, log_call, receive, speak
            log = Log(Path({str(tmp_path / "hotline.db")!r}))
            log_call(log, "a.wav", speak("电梯坏了"), [ask(0)])
            with log.transaction():
                log_call(log, "b.wav", speak("垃圾没收"), [ask(0)])
                print("in the middle", flush=True)
                time.sleep(60)
            """),
        ],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parent.parent,
    )
    assert child.stdout.readline().strip() == b"in the middle"
    child.send_signal(signal.SIGKILL)
    child.communicate()
    with Log(tmp_path / "hotline.db", create=False) as log:
        assert [row.path for row in log.recordings()] == ["/home/recordings/a.wav"]
        assert [row.text for row in log.open_requests()] == ["电梯坏了"]
        sound(log)
        assert log_call(log, "b.wav", speak("垃圾没收"), [ask(0)]) == [2]
        sound(log)


def test_the_clock_s_zone_is_kept(log):
    log_call(log, "a.wav", speak("电梯坏了"), [ask(0)])
    assert log.request(1).opened_at.utcoffset() == SHANGHAI.utcoffset(None)
    assert log.request(1).started_at == MONDAY


def test_what_is_done_with_the_whole_log_is_an_event_of_nobodys_request(tmp_path: Path) -> None:
    with Log(tmp_path / "hotline.db") as log:
        log.record("exported", who="王芳", data={"file": "周报.docx"})
        (event,) = log.events()
        assert (event.kind, event.who, event.request) == ("exported", "王芳", None)
        assert event.data == {"file": "周报.docx"}
