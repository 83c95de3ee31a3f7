from datetime import timedelta

import pytest
from sample_log import MONDAY, ask, because, log_call, sound, speak

from pipeline import understandings
from pipeline.errors import LogError
from pipeline.types import (
    Piece,
    Place,
    Understanding,
)


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
