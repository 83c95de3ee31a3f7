import os
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
from sample_log import MONDAY, SHANGHAI, Clock, ask, because, hear, log_call, receive, speak

from pipeline import hearings, life, recordings, repeats, understandings
from pipeline.errors import LogError, UsageProblem
from pipeline.log import Log
from pipeline.rows import CallFacts, iso, utc
from pipeline.timing import char_times
from pipeline.types import (
    Audio,
    NameFacts,
    Piece,
    Place,
    Segment,
    Span,
    Transcript,
    Turn,
    Understanding,
    Word,
)


@pytest.fixture
def log(tmp_path):
    with Log(tmp_path / "hotline.db", now=Clock()) as log:
        yield log


def sound(log):
    """The log proves itself, as it must after whatever a test did."""
    assert log.check() == ([], 0.0)


# --- Times ----------------------------------------------------------------------------------------


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


# --- Recordings -------------------------------------------------------------------------------------


def test_an_unchanged_file_keeps_its_row(log):
    first = recordings.seen(log, "/r/a.wav", 100, MONDAY)
    assert (first.state, first.sha256, first.attempts) == ("arriving", None, 0)
    assert recordings.seen(log, "/r/a.wav", 100, MONDAY.astimezone(UTC)) == first
    assert log.last_recording_id() == first.id
    assert [event.kind for event in log.events(recording=first.id)] == ["seen"]


def test_a_growing_file_is_one_row_and_a_changed_one_is_two(log):
    first = recordings.seen(log, "/r/a.wav", 100, MONDAY)
    grown = recordings.seen(log, "/r/a.wav", 200, MONDAY + timedelta(seconds=1))
    assert (grown.id, grown.size) == (first.id, 200)
    recordings.received(log, grown.id, "aa", "originals/aa", NameFacts(MONDAY, "file"))
    changed = recordings.seen(log, "/r/a.wav", 200, MONDAY + timedelta(microseconds=1))
    assert changed.id != first.id
    recordings.received(log, changed.id, "bb", "originals/bb", NameFacts(MONDAY, "file"))
    assert [row.state for row in log.recordings()] == ["received", "received"]


def test_one_content_under_two_names_is_a_duplicate(log):
    one = receive(log, "a.wav")
    again = recordings.seen(log, "/r/b.wav", 1000, MONDAY)
    row = recordings.received(log, again.id, log.recording(one).sha256, "originals/x", NameFacts())
    assert (row.state, row.duplicate_of) == ("duplicate", one)
    assert "a.wav" in row.reason
    assert log.states() == {
        "arriving": 0, "received": 1, "transcribed": 0, "logged": 0, "failed": 0, "silent": 0,
        "duplicate": 1, "unsupported": 0,
    }  # fmt: skip
    sound(log)


def test_the_name_s_facts_come_back(log):
    facts = NameFacts(MONDAY, "name:miui", "+8613800138000", "王阿姨", "name:miui", "in")
    row = recordings.received(log, recordings.seen(log, "a", 1, MONDAY).id, "aa", "o", facts)
    assert row.facts == facts
    assert row.facts.started_at.utcoffset() == timedelta(hours=8)


@pytest.mark.skipif(os.name != "posix", reason="only there are names bytes")
def test_a_name_that_is_no_unicode_still_opens_its_file(log, tmp_path):
    name = os.fsencode(tmp_path) + b"/\xc2\xbc\xd2\xf4\xff.amr"  # GBK and worse
    Path(os.fsdecode(name)).write_bytes(b"x")
    row = recordings.seen(log, os.fsdecode(name), 1, MONDAY)
    assert Path(row.path).read_bytes() == b"x"
    assert recordings.seen(log, os.fsdecode(name), 1, MONDAY).id == row.id
    assert log.query("SELECT path FROM recordings")[0]["path"] == os.fsdecode(name)
    other = recordings.received(
        log, recordings.seen(log, "/r/b", 1, MONDAY).id, "aa", "o", NameFacts()
    )
    recordings.received(log, row.id, "aa", "o", NameFacts())
    recordings.set_state(
        log, other.id, "failed", f"{row.path} is bad"
    )  # a sentence with such a name in it
    sound(log)


def test_every_reason_is_kept(log):
    recording = receive(log, "a.wav")
    recordings.set_state(log, recording, "failed", "the disk was full")
    recordings.set_state(log, recording, "failed", "no memory")
    row = log.recording(recording)
    assert (row.state, row.reason, row.attempts) == ("failed", "no memory", 2)
    assert [reason for _, _, reason in log.errors(recording)] == ["the disk was full", "no memory"]
    turns = speak("喂")
    facts = CallFacts(MONDAY, "file", 1.0, "mono", 1)
    hearings.save(log, recording, facts, hear(turns), turns)
    assert log.recording(recording).reason is None
    assert len(log.errors(recording)) == 2


def test_a_silent_recording_has_its_call(log):
    recording = receive(log, "a.wav", phone="13800138000")
    audio = Audio((), 12.5, "mono", "wav", "pcm_alaw", 8000, 1, ("the header lies",))
    facts = CallFacts.of(log.recording(recording).facts, audio)
    recordings.set_state(log, recording, "silent", "No speech was found.", call=facts)
    call = log.call_of(recording)
    assert (call.duration, call.caller_phone, call.problems) == (
        12.5, "13800138000", ("the header lies",),
    )  # fmt: skip
    assert call.started_at == MONDAY
    sound(log)


def test_unknown_numbers_are_said_not_traced(log):
    for ask_for in (log.request, log.recording, log.call, log.call_of_transcript):
        with pytest.raises(UsageProblem, match="99"):
            ask_for(99)
    with pytest.raises(ValueError):
        recordings.set_state(log, receive(log, "a.wav"), "lost")


# --- Transcripts --------------------------------------------------------------------------------------


def test_what_was_heard_comes_back_whole(log):
    turns = (
        Turn("resident", "喂，居委会吗", 0.5, 2.0, 0, 0.9),
        Turn("staff", "您好", 2.0, 3.0, 1),
        Turn("unknown", "", 3.0, 4.0, 1, None, True),
    )
    heard = Transcript(
        "whisper",
        "small",
        "zh",
        (
            Segment(0.5, 2.0, "喂，居委会吗", (Word(0.5, 0.7, "喂", 0.5),), 0, "resident", -0.3),
            Segment(2.0, 3.0, "您好", (), 1, "staff"),
            Segment(4.0, 5.0, "请不吝点赞", (), 1, set_aside="phantom"),
        ),
        (Span(0.5, 2.0, 0), Span(2.0, 4.0, 1)),
        {"beam": 5, "path": Path("x")},
    )
    recording = receive(log, "a.wav")
    facts = CallFacts(MONDAY, "name:miui", 5.0, "stereo", 2)
    transcript = hearings.save(log, recording, facts, heard, turns)
    assert log.turns(transcript) == turns
    aside = log.query("SELECT text, set_aside FROM segments WHERE set_aside IS NOT NULL")
    assert aside == [{"text": "请不吝点赞", "set_aside": "phantom"}]
    assert log.query("SELECT count(*) AS n FROM words") == [{"n": 1}]
    assert log.recording(recording).state == "transcribed"
    sound(log)


def test_a_later_hearing_stands_beside_the_older(log):
    recording = receive(log, "a.wav")
    facts = CallFacts(MONDAY, "file", 5.0, "mono", 1)
    first = hearings.save(log, recording, facts, hear(speak("学头")), speak("学头"))
    second = hearings.save(log, recording, facts, hear(speak("血透")), speak("血透"))
    call = log.call_of(recording)
    assert log.current_transcript(call.id) == second
    assert [turn.text for turn in log.turns(first)] == ["学头"]
    assert len(log.calls()) == 1
    sound(log)


def test_bad_characters_keep_their_places(log):
    turns = speak("电\ud800梯\0坏")
    transcript = hearings.import_call(log, "c\udc80", MONDAY, "mono", turns)
    assert log.turns(transcript)[0].text == "电\ufffd梯\ufffd坏"


def test_character_times_follow_the_words():
    words = [(1.0, 1.4, "电梯"), (2.0, 2.2, " 坏"), (2.2, 2.4, "了")]
    times = char_times("电梯，坏了。", 0.0, 5.0, words)
    assert times[0] == (1.0, 1.2) and times[1] == (1.2, 1.4)
    assert times[2] == (1.4, 2.0)  # the comma fills the pause
    assert times[3] == (2.0, 2.2)
    assert times[5] == (2.4000000000000004, 5.0) or times[5] == (2.4, 5.0)
    assert char_times("電梯壞", 0, 3, [(1, 2, "电梯")])[:2] == [(1, 1.5), (1.5, 2)]
    assert char_times("abcd", 2, 4, []) == [(2, 2.5), (2.5, 3), (3, 3.5), (3.5, 4)]
    assert char_times("", 2, 4, [(2, 3, "x")]) == []


@settings(deadline=None)
@given(
    st.text("电梯坏了，ab", max_size=12),
    st.lists(st.tuples(st.floats(0, 5), st.floats(0, 5), st.text("电梯坏了ab ", max_size=3))),
)
def test_character_times_are_one_a_character(text, words):
    in_order = sorted((min(a, b), max(a, b), word) for a, b, word in words)
    times = char_times(text, 0.0, 5.0, in_order)
    assert len(times) == len(text)
    assert all(start <= end for start, end in times)


# --- Understanding ----------------------------------------------------------------------------------


def test_requests_come_back_with_their_words_and_reasons(log):
    turns = speak("您好", "二号楼五零一电梯坏了还有垃圾没收", "", "再见")
    split = turns[1].text.index("还有")
    repair = ask(
        1,
        pieces=(Piece(1, 0, split),),
        urgency="urgent",
        phone="13800138000",
        undertaking="今天来修",
        conditions=("先拍照", "发给我"),
        due_hint=MONDAY + timedelta(days=1),
        evidence=(because("category", "repairs", turns, 1, "电梯坏了"),),
    )
    rubbish = ask(1, category="sanitation", pieces=(Piece(1, split, len(turns[1].text)),))
    numbers = log_call(log, "a.wav", turns, [repair, rubbish], listen=[1, 2])
    assert numbers == [1, 2]
    row = log.request(1)
    assert row.text == "二号楼五零一电梯坏了"
    assert row.place == Place(building="2", room="501")
    assert (row.undertaking, row.conditions) == ("今天来修", ("先拍照", "发给我"))
    assert row.due_hint == MONDAY + timedelta(days=1)
    assert row.recording == "/home/recordings/a.wav"
    (span,) = row.spans
    assert span.start == pytest.approx(turns[1].start)
    assert span.end == pytest.approx(turns[1].start + split * 0.25)
    assert log.request(2).text == "还有垃圾没收"
    assert log.request(2).spans[0].start == pytest.approx(span.end)
    (category, *others) = log.tags(1)
    assert (category.words, category.current) == ("电梯坏了", True)
    assert category.start == pytest.approx(turns[1].start + 6 * 0.25)
    assert {tag.tag for tag in others} == {"kind", "urgency"}
    assert [(span.turn, span.text) for span in log.needs_listening()] == [
        (1, turns[1].text),
        (2, ""),
    ]
    assert [event.kind for event in log.story(1)] == [
        "seen", "received", "transcribed", "opened", "logged",
    ]  # fmt: skip
    assert log.states()["logged"] == 1
    sound(log)


@pytest.mark.parametrize(
    ("chatter", "turns"), [((0,), (1,)), ((0, 2), (1, 3)), ((), (0, 1)), ((0, 1, 2, -1), (1,))]
)
def test_a_turn_left_out_or_invented_is_refused_and_nothing_is_logged(log, chatter, turns):
    heard = speak("您好", "电梯坏了", "谢谢")
    with pytest.raises(LogError, match="turns"):
        log_call(log, "a.wav", heard, [ask(*turns)], chatter=chatter)
    assert log.count_requests() == 0
    assert log.query("SELECT * FROM spans") == []
    assert log.states()["transcribed"] == 1
    sound(log)


def test_a_call_is_not_understood_twice(log):
    turns = speak("电梯坏了")
    log_call(log, "a.wav", turns, [ask(0)])
    transcript = log.current_transcript(1)
    with pytest.raises(LogError):
        understandings.save(log, transcript, Understanding((ask(0),), (), ()), [MONDAY])
    assert log.count_requests() == 1


def test_a_step_that_fails_in_the_middle_leaves_nothing(log):
    turns = speak("电梯坏了", "垃圾没收")
    bad = ask(1, urgency="whenever")  # the schema refuses it, after the first was written
    with pytest.raises(LogError):
        log_call(log, "a.wav", turns, [ask(0), bad])
    assert log.count_requests() == 0
    assert log.query("SELECT * FROM tags") == []
    sound(log)


def test_the_decided_value_counts_whatever_other_evidence_says(log):
    turns = speak("没有发烧，就是电梯坏了")
    reasons = (
        because("category", "repairs", turns, 0, "电梯坏了"),
        because("category", "medical", turns, 0, "发烧"),
        because("place", "2", turns, 0, "电梯"),
    )
    log_call(log, "a.wav", turns, [ask(0, evidence=reasons)])
    assert [t.value for t in log.tags(1) if t.tag == "category" and t.current] == ["repairs"]
    sound(log)


# --- Imports ------------------------------------------------------------------------------------------


def test_an_import_makes_no_double(log):
    turns = speak("电梯坏了")
    transcript = hearings.import_call(log, "c1", MONDAY, "mono", turns)
    # Cut off before it was understood: the next import goes on with it.
    assert log.check()[0] != []
    assert hearings.import_call(log, "c1", MONDAY.astimezone(UTC), "mono", turns) == transcript
    understandings.save(log, transcript, Understanding((ask(0),), (), ()), [MONDAY])
    assert hearings.import_call(log, "c1", MONDAY, "mono", turns) is None
    assert hearings.import_call(log, "c2", MONDAY, "mono", turns) not in (None, transcript)
    row = log.request(1)
    assert (row.recording, row.text) == (None, "电梯坏了")
    assert log.call(row.call_id).external_id == "c1"


def test_an_import_without_words_is_whole(log):
    transcript = hearings.import_call(log, "empty", MONDAY, "mono", ())
    understandings.save(log, transcript, Understanding((), (), ()), [])
    assert hearings.import_call(log, "empty", MONDAY, "mono", ()) is None
    sound(log)


# --- Life cycle ---------------------------------------------------------------------------------------


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


def test_a_request_lives_and_every_step_is_kept(log):
    log_call(log, "a.wav", speak("电梯坏了"), [ask(0)])
    (row,) = life.set_status(log, [1], "in_progress", by="李娟")
    assert (row.status, row.closed_at) == ("in_progress", None)
    (row,) = life.set_status(
        log, [1], "done", by="王芳", note="修好了", at=MONDAY + timedelta(days=1)
    )
    assert (row.closed_by, row.closed_note) == ("王芳", "修好了")
    assert row.closed_at == MONDAY + timedelta(days=1)
    assert log.open_requests() == []
    with pytest.raises(UsageProblem, match=r"already.*王芳"):
        life.set_status(log, [1], "done", by="李娟")
    with pytest.raises(UsageProblem, match="reopen"):
        life.set_status(log, [1], "dismissed", by="李娟", note="误会")
    (row,) = life.set_status(log, [1], "open", by="李娟", note="又坏了")
    assert (row.status, row.closed_at, row.closed_by) == ("open", None, None)
    with pytest.raises(UsageProblem, match="already"):
        life.set_status(log, [1], "open", by="李娟")
    with pytest.raises(UsageProblem, match="note"):
        life.set_status(log, [1], "dismissed", by="李娟", note=" ")
    told = [(event.kind, event.who, event.note) for event in log.events(request=1)]
    assert told == [
        ("opened", "hotline", None),
        ("started", "李娟", None),
        ("done", "王芳", "修好了"),
        ("reopened", "李娟", "又坏了"),
    ]
    sound(log)


def test_several_at_once_are_all_done_or_none(log):
    turns = speak("一", "二")
    log_call(log, "a.wav", turns, [ask(0), ask(1)])
    with pytest.raises(UsageProblem, match="7"):
        life.set_status(log, [1, 2, 7], "done", by="王芳")
    assert len(log.open_requests()) == 2
    assert [row.number for row in life.set_status(log, [2, 1, 2], "done", by="王芳")] == [1, 2]
    assert len(log.events(request=2)) == 2


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


def test_what_staff_said_outlives_a_rule(log):
    log_call(log, "a.wav", speak("电梯坏了"), [ask(0)])
    soon = MONDAY + timedelta(hours=2)
    row = life.retag(log, 1, "urgency", "urgent", by="rule", why="third call", due_at=soon)
    assert (row.urgency, row.due_at) == ("urgent", soon)
    assert life.retag(log, 1, "urgency", "critical", by="staff", who="王芳").urgency == "critical"
    row = life.retag(log, 1, "urgency", "routine", by="model", due_at=MONDAY + timedelta(days=9))
    assert (row.urgency, row.due_at) == ("critical", soon)
    given = [(tag.value, tag.by, tag.current) for tag in log.tags(1) if tag.tag == "urgency"]
    assert given == [
        ("routine", "rule", False),
        ("urgent", "rule", False),
        ("critical", "staff", True),
        ("routine", "model", False),
    ]
    sound(log)


def test_a_number_is_never_used_again(log):
    log_call(log, "a.wav", speak("一", "二"), [ask(0), ask(1)])
    log.conn.execute("PRAGMA foreign_keys = OFF")
    with log.transaction():
        log.conn.execute("DELETE FROM requests")  # as a purge will
    assert log_call(log, "b.wav", speak("三"), [ask(0)]) == [3]


# --- Repeats -------------------------------------------------------------------------------------------


def test_repeats_are_the_same_matter_from_the_same_phone_or_place(log):
    day = timedelta(days=1)
    lift, nowhere = {"place": Place(building="3")}, {"place": Place()}
    calls = [  # (days after, phone, request)
        (0, "138", ask(0, **lift)),
        (1, None, ask(0, **lift)),  # the same place
        (2, "138", ask(0, category="sanitation", gist="垃圾三天没收", **lift)),  # another matter
        (3, "138", ask(0, **nowhere)),  # the same phone
        (4, None, ask(0, **nowhere)),  # nothing the same
        (
            5,
            None,
            ask(0, gist="水龙头关不紧", place=Place(building="3", room="501")),
        ),  # a home there
        (40, "138", ask(0, **lift)),  # long after
    ]
    for n, (days, phone, request) in enumerate(calls):
        log_call(log, f"{n}.wav", speak("坏了"), [request], at=MONDAY + days * day, phone=phone)
    assert [repeats.find_repeats(log, n) for n in range(1, 8)] == [[], [1], [], [1], [], [], []]
    assert repeats.find_repeats(log, 2, days=0) == []
    repeats.link_repeat(log, 2, 1)
    assert repeats.find_repeats(log, 4) == [1, 2]
    repeats.link_repeat(log, 4, 2)
    assert log.request(4).repeat_of == 1  # the first of them all
    with pytest.raises(UsageProblem):
        repeats.link_repeat(log, 1, 4)
    life.set_status(log, [1], "dismissed", by="王芳", note="误会")
    assert repeats.find_repeats(log, 4) == []  # what was no request is not repeated
    sound(log)


def test_like_words_tell_the_same_matter_where_category_or_caller_is_another(log):
    lift = {"building": "3", "lane": None, "unit": None}
    calls = [  # (phone, request)
        ("138", ask(0, gist="电梯停了三天没人修", place=Place(**lift, room="501"))),
        ("139", ask(0, gist="三号楼电梯又停了", place=Place(**lift, room="302"))),  # a neighbour
        (
            "138",
            ask(0, gist="电梯停了没人管", category="property", place=Place()),
        ),  # seen otherwise
        ("138", ask(0, gist="菜场几点开门", category="other", place=Place())),
        ("137", ask(0, gist="电梯又停了三天", place=Place(building="4"))),  # another house
        ("136", ask(0, gist="电梯", place=Place(**lift, room="101"))),  # too little to tell
    ]
    for n, (phone, request) in enumerate(calls):
        at = MONDAY + timedelta(hours=n)
        log_call(log, f"{n}.wav", speak("坏了"), [request], at=at, phone=phone)
    assert [repeats.find_repeats(log, n) for n in range(1, 7)] == [[], [1], [1], [], [], []]


def test_a_call_taken_in_late_repeats_only_what_was_before_it(log):
    log_call(log, "new.wav", speak("坏了"), [ask(0)], at=MONDAY)
    log_call(log, "old.wav", speak("坏了"), [ask(0)], at=MONDAY - timedelta(days=1))
    assert repeats.find_repeats(log, 2) == []
    assert repeats.find_repeats(log, 1) == [2]


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


# --- Crash -----------------------------------------------------------------------------------------------


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
