"""Days and periods as people write them."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.dates import Period, parse_day, parse_period
from pipeline.errors import UsageProblem

TODAY = date(2026, 11, 25)  # a Wednesday in ISO week 48


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("today", date(2026, 11, 25)),
        (" Today ", date(2026, 11, 25)),
        ("昨天", date(2026, 11, 24)),
        ("后天", date(2026, 11, 27)),
        ("後天", date(2026, 11, 27)),
        ("2026-11-23", date(2026, 11, 23)),
        ("２０２６－１１－２３", date(2026, 11, 23)),
        ("2026/1/3", date(2026, 1, 3)),
        ("20261123", date(2026, 11, 23)),
        ("2026年11月23日", date(2026, 11, 23)),
        ("11-23", date(2026, 11, 23)),
        ("12-31", date(2025, 12, 31)),
        ("11月25号", date(2026, 11, 25)),
        ("02-29", date(2024, 2, 29)),
        ("周三", date(2026, 11, 25)),
        ("周五", date(2026, 11, 20)),
        ("上周五", date(2026, 11, 20)),
        ("本周五", date(2026, 11, 27)),
        ("上上礼拜天", date(2026, 11, 15)),
    ],
)
def test_days(text: str, day: date) -> None:
    assert parse_day(text, TODAY) == day


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("昨天", date(2026, 11, 24), date(2026, 11, 25)),
        ("本周", date(2026, 11, 23), date(2026, 11, 30)),
        ("上周", date(2026, 11, 16), date(2026, 11, 23)),
        ("last week", date(2026, 11, 16), date(2026, 11, 23)),
        ("2026-W47", date(2026, 11, 16), date(2026, 11, 23)),
        ("w47", date(2026, 11, 16), date(2026, 11, 23)),
        ("W52", date(2025, 12, 22), date(2025, 12, 29)),
        ("2020-W53", date(2020, 12, 28), date(2021, 1, 4)),
        ("第47周", date(2026, 11, 16), date(2026, 11, 23)),
        ("上个月", date(2026, 10, 1), date(2026, 11, 1)),
        ("2026-12", date(2026, 12, 1), date(2027, 1, 1)),
        ("12月", date(2025, 12, 1), date(2026, 1, 1)),
        ("2026", date(2026, 1, 1), date(2027, 1, 1)),
        ("去年", date(2025, 1, 1), date(2026, 1, 1)),
        ("2026-11-01..2026-11-15", date(2026, 11, 1), date(2026, 11, 16)),
        ("11-01 到 11-15", date(2026, 11, 1), date(2026, 11, 16)),
        ("week of 2026-11-18", date(2026, 11, 16), date(2026, 11, 23)),
        ("11月18日那周", date(2026, 11, 16), date(2026, 11, 23)),
        ("昨天所在的星期", date(2026, 11, 23), date(2026, 11, 30)),
        ("上周..今天", date(2026, 11, 16), date(2026, 11, 26)),
    ],
)
def test_periods(text: str, start: date, end: date) -> None:
    assert parse_period(text, TODAY) == (start, end)


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("本周", date(2026, 11, 22)),
        ("上周", date(2026, 11, 15)),
        ("week of 11-21", date(2026, 11, 15)),
        ("2026-W47", date(2026, 11, 16)),
    ],
)
def test_an_office_may_begin_its_week_on_sunday_but_a_weeks_number_is_isos(
    text: str, start: date
) -> None:
    assert parse_period(text, TODAY, week_start=6) == (start, start + timedelta(days=7))


@pytest.mark.parametrize(
    ("text", "kind", "name", "before", "after"),
    [
        ("2026-11-23", "day", "2026-11-23", "2026-11-22", "2026-11-24"),
        ("2020-W53", "week", "2020-W53", "2020-W52", "2021-W01"),
        (
            "2026-11-15..2026-11-21",
            "week",
            "2026-11-15..2026-11-21",
            "2026-11-08..2026-11-14",
            None,
        ),
        ("2026-03", "month", "2026-03", "2026-02", "2026-04"),
        ("2026-01", "month", "2026-01", "2025-12", "2026-02"),
        ("2026", "year", "2026", "2025", "2027"),
        (
            "2026-11-01..2026-11-10",
            "span",
            "2026-11-01..2026-11-10",
            "2026-10-22..2026-10-31",
            None,
        ),
        ("2027-02", "month", "2027-02", "2027-01", "2027-03"),
    ],
)
def test_a_period_knows_its_kind_its_name_and_its_neighbours(
    text: str, kind: str, name: str, before: str, after: str | None
) -> None:
    period = Period(*parse_period(text, TODAY))
    assert (period.kind, period.name) == (kind, name)
    assert period.back().name == before
    assert period.back().end == period.start
    if after:
        assert period.back(-1).name == after


@given(st.dates(date(1990, 1, 1), date(2090, 1, 1)), st.integers(1, 500))
def test_a_periods_name_reads_back_as_the_period(start: date, days: int) -> None:
    period = Period(start, start + timedelta(days=days))
    assert Period(*parse_period(period.name, TODAY)) == period


def test_last_month_in_january_is_december() -> None:
    assert parse_period("上个月", date(2026, 1, 7)) == (date(2025, 12, 1), date(2026, 1, 1))


@pytest.mark.parametrize(
    "text", ["", "soon", "2026-13", "2026-W54", "2026-02-30", "0000-01-01", "1..2..3", "13-45"]
)
def test_what_is_no_period_is_said_with_examples(text: str) -> None:
    with pytest.raises(UsageProblem, match="2026-W47"):
        parse_period(text, TODAY)


@pytest.mark.parametrize("text", ["", "上周", "2026-11", "31-12", "02-30"])
def test_what_is_no_day_is_said_with_examples(text: str) -> None:
    with pytest.raises(UsageProblem, match="2026-11-23"):
        parse_day(text, TODAY)


def test_a_range_the_wrong_way_round_is_said() -> None:
    with pytest.raises(UsageProblem, match="ends before"):
        parse_period("2026-11-15..2026-11-01", TODAY)


@given(st.dates(min_value=date(1900, 1, 1), max_value=date(2100, 1, 1)))
def test_every_iso_day_and_week_comes_back(day: date) -> None:
    assert parse_day(day.isoformat(), TODAY) == day
    year, week, weekday = day.isocalendar()
    start, end = parse_period(f"{year}-W{week:02}", TODAY)
    assert start + timedelta(days=weekday - 1) == day
    assert end - start == timedelta(days=7)


@given(st.text(max_size=14))
def test_nothing_else_is_raised(text: str) -> None:
    try:
        start, end = parse_period(text, TODAY)
        assert start < end
    except UsageProblem:
        pass
