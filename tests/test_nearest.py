"""Nothing found: what comes nearest is tried before it is offered."""

from dataclasses import replace

import pytest
from sample_log import MONDAY, Clock, ask, hear, log_call, receive, speak

from pipeline import hearings
from pipeline.log import Log
from pipeline.nearest import Nearest, nearest
from pipeline.rows import CallFacts
from pipeline.search import search
from pipeline.types import Segment


@pytest.fixture
def log(tmp_path):
    with Log(tmp_path / "hotline.db", now=Clock()) as log:
        log_call(log, "a.wav", speak("二号楼的电梯坏了", "消防栓没有水"), [ask(0, gist="")])
        yield log


@pytest.mark.parametrize(
    ("query", "filters", "first"),
    [
        ("电梯", {"urgency": "critical"}, Nearest("电梯", 1, "filters")),
        ("电梯 大象", {}, Nearest("电梯", 1, "fewer")),
        ("消防阀没", {}, Nearest("消防", 1, "part")),
        ("消火栓", {}, Nearest("消防栓", 1, "similar")),
        ("梯子", {}, Nearest("梯", 1, "part")),
    ],
)
def test_the_nearest_comes_first_and_is_found(log, query, filters, first):
    assert search(log, query, **filters) == []
    found = nearest(log, query, **filters)
    assert found[0] == first
    assert all(search(log, one.query) for one in found)


def test_a_command_is_offered_once_whatever_the_reason(log):
    offered = [one.query for one in nearest(log, "-电梯")]
    assert "电梯" in offered
    assert len(set(offered)) == len(offered)


def test_what_was_set_aside_is_nearest(log):
    turns = speak("喂")
    heard = hear(turns)
    phantom = Segment(5.0, 6.0, "请点赞", (), set_aside="phantom")
    heard = replace(heard, segments=(*heard.segments, phantom))
    facts = CallFacts(MONDAY, "file", 9.0, "mono", 1)
    hearings.save(log, receive(log, "b.wav"), facts, heard, turns)
    assert nearest(log, "点赞")[0] == Nearest("点赞", 1, "aside")


def test_where_nothing_is_like_it_nothing_is_offered(log):
    assert nearest(log, "象") == nearest(log, "河马") == []
