"""The week's figures: true to the rows, and adding up from week to week, whatever happened."""

from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

import pytest

from pipeline import report
from pipeline.log import Log
from pipeline.types import CATEGORIES, Place, Request, Span, Turn, Understanding

ZONE = ZoneInfo("Asia/Shanghai")
MONDAY = date(2025, 3, 3)
START = datetime(2025, 3, 3, tzinfo=ZONE)


def open_request(
    log: Log, at: datetime, category: str, urgency: str, due: datetime, undertaking: str | None
) -> int:
    words = f"{category} {at.isoformat()} {urgency}"
    turn = Turn("resident", words, 0.0, 3.0)
    transcript = log.import_call(f"c{at.timestamp()}", at, "mono", [turn])
    assert transcript is not None
    request = Request(
        turns=(0,), spans=(Span(0.0, 3.0),), category=category, kind="help", urgency=urgency,
        gist=words, place=Place(building="2"), phone=None, caller_name=None,
        undertaking=undertaking, conditions=(), due_hint=None, evidence=(), review=False,
    )  # fmt: skip
    (number,) = log.save_understanding(transcript, Understanding((request,), (), ()), [due])
    return number


def busy_log(path: Path, seed: int, weeks: int = 6) -> Log:
    """A log of some weeks in which requests are opened, answered, put back and dismissed at random."""
    random = Random(seed)
    log = Log(path)
    moment = START - timedelta(weeks=1)
    numbers: list[int] = []
    while moment < START + timedelta(weeks=weeks):
        moment += timedelta(hours=random.uniform(0.2, 30))
        if not numbers or random.random() < 0.5:
            urgency = random.choice(["critical", "urgent", "routine"])
            due = moment + timedelta(hours=random.choice([1, 24, 120]))
            promise = random.choice([None, "明天回复"])
            numbers.append(
                open_request(log, moment, random.choice(CATEGORIES), urgency, due, promise)
            )
            continue
        row = log.request(random.choice(numbers))
        closed = row.status in ("done", "dismissed")
        status = "open" if closed else random.choice(["done", "done", "dismissed"])
        log.set_status([row.number], status, by="王芳", note="x", at=moment)
    return log


@pytest.mark.parametrize("seed", range(4))
def test_the_sum_holds_and_each_week_begins_where_the_last_one_ended(
    tmp_path: Path, seed: int
) -> None:
    with busy_log(tmp_path / "hotline.db", seed) as log:
        now = START + timedelta(weeks=7)
        before = None
        moved = 0
        for n in range(7):
            monday = MONDAY + timedelta(weeks=n)
            week = report.count(log, monday, monday + timedelta(days=7), ZONE, now)
            closed = week.done + week.dismissed + week.merged
            assert week.carried_over + week.requests + week.reopened - closed == week.still_open
            assert week.answered_in_time + week.answered_late == week.done
            assert sum(week.by_category.values()) == week.requests
            assert sum(week.by_urgency.values()) == week.requests
            assert sum(week.by_day.values()) == week.requests
            assert len(week.overdue_requests) == week.overdue <= week.still_open
            if before is not None:
                assert week.carried_over == before.still_open
                assert week.requests_before == before.requests
            before = week
            moved += closed
        assert moved > 10
        assert before is not None
        assert before.still_open == len(log.open_requests())


def test_figures_equal_plain_sql(tmp_path: Path) -> None:
    with busy_log(tmp_path / "hotline.db", 11) as log:
        week = report.count(log, MONDAY, MONDAY + timedelta(days=7), ZONE, START)
        (row,) = log.query(
            "SELECT count(*) AS n, sum(urgency = 'critical') AS critical FROM requests AS r "
            "JOIN calls AS c ON c.id = r.call_id "
            "WHERE c.started_utc >= '2025-03-02T16:00' AND c.started_utc < '2025-03-09T16:00'"
        )
        (events,) = log.query(
            "SELECT sum(kind = 'done') AS done, sum(kind = 'reopened') AS reopened FROM events "
            "WHERE at_utc >= '2025-03-02T16:00' AND at_utc < '2025-03-09T16:00' "
            "AND request IS NOT NULL"
        )
        assert week.requests == row["n"] > 0
        assert week.by_urgency["critical"] == row["critical"] == len(week.critical)
        assert week.done == events["done"] > 0
        assert week.reopened == events["reopened"]


def test_a_call_at_midnight_belongs_to_the_day_that_begins(tmp_path: Path) -> None:
    with Log(tmp_path / "hotline.db") as log:
        for at in (START, START + timedelta(days=7), START - timedelta(seconds=1)):
            open_request(log, at, "repairs", "routine", at + timedelta(days=5), None)
        week = report.count(log, MONDAY, MONDAY + timedelta(days=7), ZONE, START)
        assert (week.carried_over, week.requests, week.still_open) == (1, 1, 2)
        assert week.by_day[MONDAY.isoformat()] == 1


def test_an_empty_week_is_all_zeros(tmp_path: Path) -> None:
    with Log(tmp_path / "hotline.db") as log:
        week = report.count(log, MONDAY, MONDAY + timedelta(days=7), ZONE, START)
        figures = week.as_dict()
        assert figures["start"] == "2025-03-03"
        counts = [value for value in figures.values() if isinstance(value, int)]
        assert len(counts) > 10
        assert not any(counts)
