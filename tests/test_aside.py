"""Words that were set aside are shown with their reason, and come back when somebody says that they were said."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sample_log import MONDAY, Clock, ask, hear, receive, speak

from pipeline import aside, hearings, understandings
from pipeline.errors import UsageProblem
from pipeline.log import Log
from pipeline.rows import CallFacts
from pipeline.types import Understanding
from pipeline.undo import undo

DUE = MONDAY + timedelta(hours=1)


@pytest.fixture
def log(tmp_path: Path):
    """A call of which the second of two turns was set aside, so that somebody must listen there."""
    with Log(tmp_path / "hotline.db", now=Clock()) as log:
        turns = speak("您好", "救命救命救命")
        heard = hear(turns)
        first, second = heard.segments
        heard = replace(heard, segments=(first, replace(second, set_aside="loop")))
        turns = (turns[0], replace(turns[1], text="", unheard=True))
        recording = receive(log, "a.wav")
        facts = CallFacts(MONDAY, "file", turns[-1].end, "mono", 1)
        transcript = hearings.save(log, recording, facts, heard, turns)
        understandings.save(log, transcript, Understanding((), (0,), (1,)), [])
        yield log


def test_it_is_there_with_its_reason(log: Log) -> None:
    (found,) = aside.of_call(log, 1)
    assert (found.id, found.text, found.reason, found.restored_at) == (
        2,
        "救命救命救命",
        "loop",
        None,
    )
    assert log.check() == ([], 0.0)


def test_brought_back_it_is_a_request_and_nobody_need_listen(log: Log) -> None:
    told = ask(0, category="safety", urgency="critical", gist="救命")
    number = aside.bring_back(log, 2, told, DUE, {}, by="王芳", note="听了")
    row = log.request(number)
    assert (row.urgency, row.status, row.gist) == ("critical", "open", "救命")
    assert [t.value for t in log.tags(number) if t.tag == "words"] == ["救命救命救命"]
    assert log.needs_listening() == []
    (found,) = aside.of_call(log, 1)
    assert (found.reason, found.restored_by) == ("loop", "王芳")
    assert log.check() == ([], 0.0)
    with pytest.raises(UsageProblem, match="brought back already"):
        aside.bring_back(log, 2, told, DUE, {}, by="王芳")


def test_undo_sets_it_aside_again(log: Log) -> None:
    number = aside.bring_back(log, 2, ask(0), DUE, {}, by="王芳")
    undo(log, by="王芳")
    assert aside.of_call(log, 1)[0].restored_at is None
    assert log.request(number).status == "dismissed"
    assert len(log.needs_listening()) == 1
    assert log.check() == ([], 0.0)


def test_what_was_not_set_aside_cannot_come_back(log: Log) -> None:
    with pytest.raises(UsageProblem, match="Nothing was set aside as A1"):
        aside.bring_back(log, 1, ask(0), DUE, {}, by="王芳")
