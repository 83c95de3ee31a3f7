import os
from datetime import UTC, timedelta
from pathlib import Path

import pytest
from sample_log import MONDAY, hear, receive, sound, speak

from pipeline import hearings, recordings
from pipeline.rows import CallFacts
from pipeline.types import (
    Audio,
    NameFacts,
)


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
