"""Due times: limits by urgency, deadlines, holidays, and the end of the holiday calendar."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from pipeline.due import Limits, by_weekdays, due
from pipeline.types import Urgency

SHANGHAI = ZoneInfo("Asia/Shanghai")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("urgency", "started", "expected"),
    [
        ("critical", "2022-04-13T23:45", "2022-04-14T00:15"),
        ("urgent", "2022-04-13T23:45", "2022-04-14T23:45"),
        ("routine", "2026-11-23T10:00", "2026-11-30T10:00"),  # Monday to Monday
        # Over the National Day week; 10 October is a worked Saturday.
        ("routine", "2026-09-29T10:00", "2026-10-12T10:00"),
        # 2 April is a worked Saturday, 3 to 5 are Qingming.
        ("routine", "2022-04-01T09:00", "2022-04-11T09:00"),
    ],
)
def test_limits(urgency: Urgency, started: str, expected: str) -> None:
    assert due(urgency, at(started)) == at(expected)


def test_the_office_s_own_days_off_and_of_work_overrule_the_calendar() -> None:
    friday = date(2026, 11, 27)
    saturday = date(2026, 11, 28)
    off = Limits(holidays=frozenset({friday}))
    assert due("routine", at("2026-11-23T10:00"), None, off) == at("2026-12-01T10:00")
    both = Limits(holidays=frozenset({friday}), workdays=frozenset({saturday}))
    assert due("routine", at("2026-11-23T10:00"), None, both) == at("2026-11-30T10:00")


def test_an_own_deadline_comes_first_when_earlier() -> None:
    start = at("2022-04-13T09:00")
    assert due("routine", start, at("2022-04-14T12:00")) == at("2022-04-14T12:00")
    assert due("urgent", start, at("2022-04-20T12:00")) == at("2022-04-14T09:00")
    assert due("critical", start, start + timedelta(minutes=5)) == start + timedelta(minutes=5)


def test_a_deadline_already_over_is_passed_by() -> None:
    start = at("2022-04-13T09:00")
    assert due("urgent", start, at("2022-04-12T12:00")) == at("2022-04-14T09:00")


def test_a_deadline_without_zone_is_in_the_calls() -> None:
    start = at("2022-04-13T09:00")
    assert due("urgent", start, datetime(2022, 4, 13, 18)) == at("2022-04-13T18:00")
    assert due("urgent", start.replace(tzinfo=None), at("2022-04-13T18:00")) == datetime(
        2022, 4, 13, 18
    )


def test_offices_set_their_own_limits() -> None:
    limits = Limits(critical_minutes=120, urgent_hours=48, routine_working_days=7)
    start = at("2026-11-23T10:00")
    assert due("critical", start, None, limits) == at("2026-11-23T12:00")
    assert due("urgent", start, None, limits) == at("2026-11-25T10:00")
    assert due("routine", start, None, limits) == at("2026-12-02T10:00")


def test_past_the_calendars_end_weekdays_count_and_it_is_said() -> None:
    start = at("2035-10-01T10:00")  # a holiday that the library cannot know yet
    assert due("routine", start) == at("2035-10-08T10:00")
    assert by_weekdays("routine", start)
    assert not by_weekdays("urgent", start)
    assert not by_weekdays("routine", at("2026-09-29T10:00"))
