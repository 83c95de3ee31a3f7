from datetime import timedelta

import pytest
from sample_log import MONDAY, ask, log_call, sound, speak

from pipeline import life
from pipeline.errors import UsageProblem


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
