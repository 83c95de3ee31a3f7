"""A later version beside the one that counts: what it would change, and what it never changes."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from conftest import json_lines, run_hotline
from sample_log import MONDAY, Clock, ask, hear, log_call, speak
from scripted import Scripted, drop, make_home

from pipeline import decisions, demo, life, listened, opened, process, recordings, versions
from pipeline.errors import UsageProblem
from pipeline.log import Log
from pipeline.types import Place, Transcript, Turn, Understanding
from pipeline.undo import undo

DUE = MONDAY + timedelta(hours=1)


@pytest.fixture
def log(tmp_path: Path):
    """Call 1: a lift (No. 1) and rubbish (No. 2), then a stretch that nobody understood."""
    with Log(tmp_path / "hotline.db", now=Clock()) as log:
        turns = speak("您好", "电梯坏了", "垃圾三天没收", "")
        log_call(
            log, "a.wav", turns, [ask(1), ask(2, category="sanitation", gist="垃圾")], listen=[3]
        )
        yield log


def spanned(turns, *numbers: int, **more):
    request = ask(*numbers, **more)
    spans = tuple(s for n in numbers for s in hear(turns[n : n + 1]).speech)
    return type(request)(**{**{f: getattr(request, f) for f in request.__slots__}, "spans": spans})


def read_again(log: Log, *requests, listen=(3,)) -> versions.Version | None:
    named = {turn for request in requests for turn in request.turns} | {*listen}
    rest = tuple(n for n in range(len(log.turns(1))) if n not in named)
    return versions.propose(
        log, 1, Understanding(requests, rest, tuple(listen)), [DUE] * len(requests)
    )


def heard_again(log: Log, turns, *requests, listen=()) -> versions.Version | None:
    heard = hear(turns)
    heard = Transcript("whisper", "medium", "zh", heard.segments, heard.speech)
    transcript = versions.hear(log, 1, heard, turns)
    named = {turn for request in requests for turn in request.turns} | {*listen}
    rest = tuple(n for n in range(len(turns)) if n not in named)
    found = Understanding(requests, rest, tuple(listen))
    return versions.propose(log, transcript, found, [DUE] * len(requests))


def test_nothing_is_proposed_where_nothing_would_change(log: Log) -> None:
    same = ask(2, category="sanitation", gist="垃圾")
    assert read_again(log, ask(1), same) is None
    assert versions.all_waiting(log) == []


def test_a_version_says_what_it_would_change_and_changes_nothing(log: Log) -> None:
    before = log.requests()
    version = read_again(log, ask(1, urgency="critical", gist="电梯困人"), listen=(2, 3))
    assert version is not None
    lift, rubbish = versions.changes(log, version)
    assert lift.values == (
        ("urgency", "routine", "critical"),
        ("gist", "电梯坏了", "电梯困人"),
    )
    assert rubbish == versions.Change(2, None, None)
    assert log.requests() == before
    assert log.check() == ([], 0.0)


def test_a_promises_day_is_read_again_and_staffs_stands(log: Log) -> None:
    day, later = MONDAY + timedelta(days=1), MONDAY + timedelta(days=3)
    life.correct(log, [2], {"promised": later}, by="王芳")
    version = read_again(
        log,
        ask(1, undertaking="明天回电", undertaking_due=day),
        ask(2, category="sanitation", gist="垃圾", undertaking_due=day),
    )
    assert version is not None
    decisions.accept(log, 1, by="王芳")
    assert [row.undertaking_due for row in log.requests()] == [day, later]
    undo(log, by="王芳")
    assert [row.undertaking_due for row in log.requests()] == [None, later]


def test_what_staff_said_is_never_overwritten(log: Log) -> None:
    life.correct(log, [1], {"category": "safety", "place": Place("1", "2", "3", "4")}, by="王芳")
    life.correct(log, [1], {"due": MONDAY + timedelta(days=2)}, by="王芳")
    life.set_status(log, [2], "done", by="李强")
    closed = log.request(2)
    version = read_again(
        log,
        ask(1, category="repairs", urgency="urgent", place=Place(building="9")),
        ask(2, category="sanitation", urgency="urgent", gist="别的"),
    )
    assert version is not None
    (one, two) = versions.changes(log, version)
    assert [tag for tag, *_ in one.values] == ["urgency"]
    assert [tag for tag, *_ in one.kept] == ["category", "place"]
    assert (two.values, [tag for tag, *_ in two.kept]) == ((), ["urgency", "gist"])
    assert decisions.accept(log, 1, by="张") == [1]
    row = log.request(1)
    assert (row.category, row.urgency, row.place) == ("safety", "urgent", Place("1", "2", "3", "4"))
    assert row.due_at == MONDAY + timedelta(days=2)
    assert log.request(2) == closed
    assert [t.value for t in log.tags(1) if t.current and t.tag == "category"] == ["safety"]
    assert log.check() == ([], 0.0)


def test_what_was_raised_for_a_third_call_is_not_lowered(log: Log) -> None:
    life.retag(log, 1, "urgency", "urgent", by="rule", why="call number 3 on this matter")
    version = read_again(log, ask(1, gist="新"), ask(2, category="sanitation", gist="垃圾"))
    assert version is not None
    assert versions.changes(log, version)[0].kept == (("urgency", "urgent", "routine"),)


def test_a_request_that_it_finds_is_opened_and_undo_takes_all_back(log: Log) -> None:
    before = log.requests()
    version = read_again(
        log,
        ask(1, urgency="urgent"),
        ask(2, category="sanitation", gist="垃圾"),
        ask(0, gist="新的"),
    )
    assert version is not None
    assert decisions.accept(log, 1, by="张") == [1, 3]
    assert (log.request(3).text, log.request(3).status) == ("您好", "open")
    assert log.check() == ([], 0.0)
    taken = undo(log, by="张")
    assert taken.kind == "redone"
    assert log.requests(numbers=[1, 2]) == before
    assert log.request(3).status == "dismissed"
    assert versions.waiting(log, 1) is not None
    assert log.check() == ([], 0.0)
    assert decisions.accept(log, 1, by="张") == [1, 4]


def test_words_that_it_counts_in_join_and_none_leave(log: Log) -> None:
    version = read_again(log, ask(0, 1), ask(2, category="sanitation", gist="垃圾"))
    assert version is not None
    assert versions.changes(log, version)[0].words == ("电梯坏了", "您好 电梯坏了")
    decisions.accept(log, 1, by="张")
    assert log.request(1).text == "您好 电梯坏了"
    version = read_again(log, ask(0, gist="电梯"), ask(2, category="sanitation", gist="垃圾"))
    assert version is not None
    decisions.accept(log, 1, by="张")
    assert log.request(1).text == "您好 电梯坏了"
    assert log.check() == ([], 0.0)


def test_what_staff_parted_stays_parted(log: Log) -> None:
    opened.split(log, 2, "三天", ask(2, gist="三天没收"), DUE, {}, by="王芳")
    version = read_again(log, ask(1), ask(2, category="sanitation", urgency="urgent", gist="垃圾"))
    assert version is not None
    decisions.accept(log, 1, by="张")
    assert [log.request(n).text for n in (2, 3)] == ["垃圾", "三天没收"]
    assert log.check() == ([], 0.0)


def test_a_later_hearing_stands_beside_until_it_is_taken(log: Log) -> None:
    life.correct(log, [2], {"category": "property"}, by="王芳")
    (listen,) = log.needs_listening()
    listened.heard(log, [listen.id], by="王芳")
    old = log.turns(1)
    turns = (
        old[0],
        Turn("unknown", "电梯困人", old[1].start, old[1].end),
        Turn("unknown", "垃圾三天没有收", old[2].start, old[2].end),
        old[3],
    )
    version = heard_again(
        log,
        turns,
        spanned(turns, 1, category="safety", urgency="critical", gist="电梯困人"),
        listen=[3],
    )
    assert version is not None
    assert version.models == ("demo", "medium")
    assert log.current_transcript(1) == 1
    assert log.check() == ([], 0.0)
    lift, rubbish = versions.changes(log, version)
    assert lift.words == ("电梯坏了", "电梯困人")
    assert (rubbish.number, rubbish.found) == (2, None)
    decisions.accept(log, 1, by="张")
    assert log.current_transcript(1) == 2
    assert [log.request(n).text for n in (1, 2)] == ["电梯困人", "垃圾三天没有收"]
    assert [log.request(n).category for n in (1, 2)] == ["safety", "property"]
    assert log.needs_listening() == []  # somebody listened to it already
    assert len(log.needs_listening(heard=True)) == 1
    assert log.check() == ([], 0.0)
    assert log.query("SELECT count(*) AS n FROM segments") == [{"n": 6}]
    undo(log, by="张")
    assert log.current_transcript(1) == 1
    assert [log.request(n).text for n in (1, 2)] == ["电梯坏了", "垃圾三天没收"]
    assert log.check() == ([], 0.0)


def test_leaving_it_leaves_all_and_can_be_undone(log: Log) -> None:
    before = log.requests()
    assert read_again(log, ask(1, urgency="urgent")) is not None
    decisions.decline(log, 1, by="张", note="更差")
    assert versions.waiting(log, 1) is None
    assert log.requests() == before
    with pytest.raises(UsageProblem, match="No other version"):
        decisions.accept(log, 1, by="张")
    undo(log, by="张")
    assert versions.waiting(log, 1) is not None


def test_the_command_reads_the_demonstration_again_and_staff_s_word_stands(empty: Path) -> None:
    calls = demo.data() / "calls.jsonl"
    assert run_hotline("--home", empty, "import", calls).exit_code == 0
    done = run_hotline("--home", empty, "redo", "--all")
    assert done.exit_code == 0, done.output
    assert "calls would stay as they are." in done.output
    assert "Nothing was changed" not in done.output
    before = json_lines(run_hotline("--home", empty, "open", "--json"))
    first = next(row for row in before if row["category"] == "repairs")
    fixed = run_hotline("--home", empty, "correct", first["request"], "--kind", "praise")
    assert fixed.exit_code == 0
    assert json_lines(run_hotline("--home", empty, "redo", first["call"], "--json")) == []
    shown = json_lines(run_hotline("--home", empty, "show", first["request"], "--json"))
    assert shown[0]["kind"] == "praise"
    assert run_hotline("--home", empty, "redo").output.startswith("No other version")
    checked = run_hotline("--home", empty, "check", "--quick")
    assert checked.exit_code == 0
    assert "No recording has come" not in checked.output  # calls have: they were imported


def test_the_command_hears_again_and_asks_before_it_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = make_home(tmp_path / "家")
    drop(home, ".amr")
    with Log(home.log) as log:
        process.ingest(home, log, (), Scripted)
        call = log.calls()[0].id
    other = Scripted("我是二号楼的，电梯坏了，请派人来修。")
    monkeypatch.setattr(process, "load_transcriber", lambda *_arguments, **_more: other)
    done = run_hotline("--home", home.path, "redo", call, "--hear")
    assert done.exit_code == 0, done.output
    assert "heard again with scripted (before: scripted)" in done.output
    assert "水管" in done.output
    assert "电梯" in done.output
    assert "Nothing was changed" in done.output
    assert "水管" in run_hotline("--home", home.path, "open").output
    assert run_hotline("--home", home.path, "redo", call, "--accept").exit_code == 0
    listed = run_hotline("--home", home.path, "open").output
    assert "电梯" in listed
    assert run_hotline("--home", home.path, "check").exit_code == 0
    assert run_hotline("--home", home.path, "undo").exit_code == 0
    assert "水管" in run_hotline("--home", home.path, "show", "--call", call).output
    assert run_hotline("--home", home.path, "check").exit_code == 0


def test_a_recording_in_which_nothing_was_heard_can_be_heard_again(tmp_path: Path) -> None:
    home = make_home(tmp_path / "家")
    drop(home, ".amr")
    with Log(home.log) as log:
        process.ingest(home, log, (), Scripted)
        before = log.count_requests()
        recordings.set_state(log, 1, "silent", "No speech was found.")
    assert run_hotline("--home", home.path, "redo", "7x").exit_code == 2
    done = run_hotline("--home", home.path, "redo", "R1", "--as", "王芳")
    assert (done.exit_code, "R1 waits to be heard again" in done.output) == (0, True)
    with Log(home.log) as log:
        assert (log.recording(1).state, log.events(recording=1)[-1].who) == ("received", "王芳")
        assert log.count_requests() == before
    assert run_hotline("--home", home.path, "redo", "R1").exit_code == 2
