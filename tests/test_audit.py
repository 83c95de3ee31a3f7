"""Damage done by hand: each kind is named, and a sound log is silent."""

from datetime import timedelta

import pytest
from sample_log import MONDAY, Clock, ask, hear, log_call, receive, speak

from pipeline import hearings, life
from pipeline.audit import uncovered
from pipeline.log import Log
from pipeline.rows import CallFacts
from pipeline.types import Span, Transcript


@pytest.fixture
def log(tmp_path):
    with Log(tmp_path / "hotline.db", now=Clock()) as log:
        log_call(log, "a.wav", speak("您好", "电梯坏了", ""), [ask(1)], listen=[2])
        log_call(log, "b.wav", speak("垃圾没收"), [ask(0)], at=MONDAY + timedelta(days=1))
        life.set_status(log, [2], "done", by="王芳")
        yield log


def test_a_sound_log_is_silent(log):
    assert log.check() == ([], 0.0)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("UPDATE recordings SET sha256 = NULL WHERE id = 1", "no original"),
        ("UPDATE recordings SET state = 'duplicate' WHERE id = 1", "duplicate"),
        ("UPDATE recordings SET state = 'failed' WHERE id = 1", "nothing says why"),
        ("UPDATE transcripts SET is_current = 0 WHERE id = 1", "no transcript of it"),
        ("UPDATE transcripts SET is_current = 0 WHERE id = 1", "which transcript"),
        ("DELETE FROM spans WHERE kind = 'chatter'", "1 turns are in no request"),
        ("DELETE FROM spans WHERE kind = 'needs_listening'", "1 turns are in no request"),
        ("DELETE FROM request_spans WHERE request = 1", "Request 1 has no words"),
        ("DELETE FROM request_spans WHERE request = 1", "turn 1 is said to belong"),
        (
            "UPDATE requests SET status = 'done', closed_at = opened_at WHERE number = 1",
            "no event says who",
        ),
        ("UPDATE requests SET urgency = 'routine', category = 'other'", "not its last judgement"),
        ("DELETE FROM tags WHERE tag = 'kind'", "not its last judgement"),
        ("DELETE FROM calls WHERE id = 1", "refers to one of calls"),
        ("UPDATE sqlite_sequence SET seq = 0 WHERE name = 'requests'", "given before"),
        ("UPDATE turns SET text = '电梯好了' WHERE text = '电梯坏了'", "index and text differ"),
        ("UPDATE requests SET gist = '煤气' WHERE number = 1", "the gist of request 1"),
        ("DELETE FROM exact_index WHERE rowid = 1", "the words of turn row 1"),
        ("DELETE FROM sound_index WHERE rowid = 2", "the words of turn row 2"),
        ("INSERT INTO exact_index (rowid, terms) VALUES (99, '电')", "the words of turn row 99"),
        ("INSERT INTO sound_index (rowid, terms) VALUES (99, '')", "index and text differ"),
        ("UPDATE turns SET end_s = start_s WHERE id = 2", "1.0 s of speech"),
        ("DELETE FROM turns WHERE id = 4", "1.0 s of speech"),
    ],
)
def test_each_damage_is_named(log, damage, said):
    log.conn.execute("PRAGMA foreign_keys = OFF")
    log.conn.execute(damage)
    problems, _ = log.check()
    assert any(said in problem for problem in problems), problems


def test_a_damaged_file_is_named(log, tmp_path):
    log.close()
    path = tmp_path / "hotline.db"
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 8192] = b"\xaa" * 8192
    path.write_bytes(content)
    with Log(path) as damaged:
        problems, _ = damaged.check()
    assert any("damaged" in problem for problem in problems), problems


def test_speech_in_no_turn_is_counted_by_channel(log):
    recording = receive(log, "c.wav")
    turns = speak("电梯坏了")  # 0 to 1 s
    speech = (Span(0.0, 1.3, 0), Span(0.0, 1.0, 1), Span(5.0, 7.5, 0))
    heard = hear(turns)
    heard = Transcript("whisper", "demo", "zh", heard.segments, speech)
    facts = CallFacts(MONDAY, "file", 9.0, "stereo", 2)
    hearings.save(log, recording, facts, heard, turns)
    problems, seconds = log.check()
    assert seconds == pytest.approx(1.0 + 2.5)  # 0.3 s are the detector's padding
    assert problems == ["Call 3: 3.5 s of speech are in no turn."]


def test_uncovered():
    assert uncovered((0, 10), []) == [(0, 10)]
    assert uncovered((0, 10), [(4, 6), (1, 5), (11, 12)]) == [(0, 1), (6, 10)]
    assert uncovered((0, 10), [(-1, 11)]) == []
