"""The week's figures: true to the rows, and adding up from week to week, whatever happened."""

import re
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

import pytest
from conftest import json_lines, run_hotline

from pipeline import hearings, life, report, taxonomy, understandings
from pipeline.log import Log
from pipeline.report import telling
from pipeline.rows import iso
from pipeline.types import CATEGORIES, Evidence, Place, Request, Span, Turn, Understanding
from pipeline.undo import undo

ZONE = ZoneInfo("Asia/Shanghai")
MONDAY = date(2025, 3, 3)
START = datetime(2025, 3, 3, tzinfo=ZONE)


def open_request(
    log: Log,
    at: datetime,
    category: str,
    urgency: str,
    due: datetime,
    undertaking: str | None,
    time_source: str = "import",
) -> int:
    words = f"{category} {at.isoformat()} {urgency}"
    turn = Turn("resident", words, 0.0, 3.0)
    transcript = hearings.import_call(
        log, f"c{at.timestamp()}", at, "mono", [turn], time_source=time_source
    )
    assert transcript is not None
    request = Request(
        turns=(0,), spans=(Span(0.0, 3.0),), category=category, kind="help", urgency=urgency,
        gist=words, place=Place(building="2"), phone=None, caller_name=None,
        undertaking=undertaking, conditions=(), due_hint=None, evidence=(), review=False,
    )  # fmt: skip
    (number,) = understandings.save(log, transcript, Understanding((request,), (), ()), [due])
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
        life.set_status(log, [row.number], status, by="王芳", note="x", at=moment)
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


def test_a_week_over_new_year_in_an_office_whose_weeks_begin_on_sunday(empty: Path) -> None:
    text = (empty / "hotline.toml").read_text(encoding="utf-8")
    (empty / "hotline.toml").write_text(f'week_start = "sunday"\n{text}', encoding="utf-8")
    first, end = datetime(2025, 12, 28, tzinfo=ZONE), datetime(2026, 1, 4, tzinfo=ZONE)
    second = timedelta(seconds=1)
    with Log(empty / "hotline.db") as log:
        for at in (first - second, first, end - second, end):
            source = "file" if at == end - second else "import"
            open_request(log, at, "repairs", "routine", at + timedelta(days=5), None, source)
    for said in ("week of 2026-01-01", "2025-12-28..2026-01-03", "2026年1月1日那周"):
        (week,) = json_lines(run_hotline("--home", empty, "week", said, "--json"))
        assert (week["start"], week["end"], week["kind"]) == ("2025-12-28", "2026-01-04", "week")
        assert week["by_month"] == {"2025-12": 1, "2026-01": 1}
        assert (week["carried_over"], week["requests"], week["still_open"]) == (1, 2, 3)
        assert list(week["by_day"].values()) == [1, 0, 0, 0, 0, 0, 1]
    shown = run_hotline("--home", empty, "week", "week of 2026-01-01", "--markdown").stdout
    assert "2025-12-28 to 2026-01-03" in shown
    assert "Of 1 call the time is only known from the file" in shown
    (call,) = json_lines(run_hotline("--home", empty, "week", "week of 2026-01-01", "--rows", "calls_timed_by_file", "--json"))  # fmt: skip
    assert call["started_at"].startswith("2026-01-03T23:59:59")


def test_an_empty_week_is_all_zeros(tmp_path: Path) -> None:
    with Log(tmp_path / "hotline.db") as log:
        week = report.count(log, MONDAY, MONDAY + timedelta(days=7), ZONE, START)
        figures = week.as_dict()
        assert figures["start"] == "2025-03-03"
        counts = [value for value in figures.values() if isinstance(value, int)]
        assert len(counts) > 10
        assert not any(counts)


def test_what_was_undone_is_no_answer_and_what_was_corrected_counts_once(tmp_path: Path) -> None:
    clock = [START + timedelta(hours=9)]
    with Log(tmp_path / "hotline.db", now=lambda: clock[0]) as log:
        due = START + timedelta(days=5)
        one, two = (open_request(log, START + timedelta(hours=n), "repairs", "routine", due, None) for n in (1, 2))  # fmt: skip
        life.set_status(log, [one], "done", by="王芳")
        undo(log, by="王芳")
        life.set_status(log, [two], "done", by="王芳")
        life.correct(log, [one], {"category": "safety", "kind": "help"}, by="王芳")
        life.correct(log, [two], {"category": "medical"}, by="王芳")
        undo(log, by="王芳")
        week = report.count(log, MONDAY, MONDAY + timedelta(days=7), ZONE, clock[0])
        assert (week.done, week.reopened, week.still_open) == (1, 0, 1)
        assert week.corrected_by_tag == {"category": 1}  # the kind was help before
        # Taken back in the week after: then it was an answer, and comes back.
        clock[0] += timedelta(days=7)
        undo(log, by="王芳")  # the correction
        undo(log, by="王芳")  # the answer
        after = report.count(
            log, MONDAY + timedelta(days=7), MONDAY + timedelta(days=14), ZONE, clock[0]
        )
        week = report.count(log, MONDAY, MONDAY + timedelta(days=7), ZONE, clock[0])
        assert (week.still_open, after.carried_over, after.reopened, after.still_open) == (
            1,
            1,
            1,
            2,
        )


def test_the_week_so_far_is_compared_with_as_much_of_the_one_before(tmp_path: Path) -> None:
    with Log(tmp_path / "hotline.db") as log:
        for days in (-14, -7, -6, -3, 0, 1):
            at = START + timedelta(days=days, hours=10)
            open_request(log, at, "repairs", "routine", at + timedelta(days=5), None)
        wednesday = START + timedelta(days=2)
        week = report.count(log, MONDAY, MONDAY + timedelta(days=7), ZONE, wednesday)
        assert (week.requests, week.requests_before) == (2, 2)
        assert week.before_until == wednesday - timedelta(days=7)
        over = report.count(
            log, MONDAY, MONDAY + timedelta(days=7), ZONE, START + timedelta(days=8)
        )
        assert (over.requests_before, over.before_until) == (3, None)


def test_the_first_week_is_compared_with_nothing(tmp_path: Path) -> None:
    with Log(tmp_path / "hotline.db") as log:
        open_request(
            log, START + timedelta(days=1), "repairs", "routine", START + timedelta(days=6), None
        )
        week = report.count(
            log, MONDAY, MONDAY + timedelta(days=7), ZONE, START + timedelta(days=7)
        )
        assert week.before is None
        assert week.rises == week.new_words == week.new_places == ()
        assert telling.compose(week, taxonomy.names(), "").heading


def test_a_promise_is_kept_or_broken_by_its_own_day_not_by_the_needs(tmp_path: Path) -> None:
    with Log(tmp_path / "hotline.db", now=lambda: START + timedelta(days=1)) as log:
        numbers = []
        for hour in (8, 9):
            at = START + timedelta(hours=hour)
            number = open_request(
                log, at, "repairs", "routine", START + timedelta(days=5), "明天回电"
            )
            log.conn.execute("UPDATE requests SET due_hint = ?", (iso(START + timedelta(days=6)),))
            numbers.append(number)
        life.correct(log, numbers, {"promised": START + timedelta(days=2)}, by="王芳")
        life.set_status(log, numbers[:1], "done", by="王芳", at=START + timedelta(days=1, hours=2))
        life.set_status(log, numbers[1:], "done", by="王芳", at=START + timedelta(days=3))
        days = [
            report.count(log, day, day + timedelta(days=1), ZONE, START + timedelta(days=9))
            for day in (MONDAY + timedelta(days=n) for n in range(7))
        ]
        assert [(day.undertakings_kept, day.undertakings_broken) for day in days] == [
            (0, 0), (0, 0), (1, 1), (0, 0), (0, 0), (0, 0), (0, 0),
        ]  # fmt: skip
        undo(log, by="王芳")  # the answer
        undo(log, by="王芳")
        assert [row.undertaking_due for row in log.requests()] == [START + timedelta(days=2)] * 2
        undo(log, by="王芳")
        assert [row.undertaking_due for row in log.requests()] == [None, None]


def test_no_other_part_of_the_log_is_read_than_the_period_needs(tmp_path: Path) -> None:
    """A week of a large log must not take the time of the whole log."""
    with Log(tmp_path / "hotline.db") as log:
        asked: list[str] = []
        log.conn.set_trace_callback(asked.append)
        report.count(log, MONDAY, MONDAY + timedelta(days=7), ZONE, START)
        log.conn.set_trace_callback(None)
        plans = [
            row[3]
            for sql in asked
            if sql.lstrip().startswith("SELECT")
            for row in log.conn.execute(f"EXPLAIN QUERY PLAN {sql}")
        ]
        whole = [
            plan
            for plan in plans
            if re.match(r"SCAN (requests|events|calls|turns|tags|r|c)\b", plan)
        ]
        assert [plan for plan in whole if "calls_started" not in plan] == []
        assert any("events_moves" in plan for plan in plans)


def test_a_refusal_is_no_promise(tmp_path: Path) -> None:
    with Log(tmp_path / "hotline.db") as log:
        turns = [Turn("resident", "想出去", 0.0, 3.0), Turn("staff", "现在不能放行", 3.0, 5.0)]
        transcript = hearings.import_call(log, "c", START, "mono", turns)
        assert transcript is not None
        proofs = tuple(Evidence(tag, "现在不能放行", "rule", "现在不能放行", 1, 0, 6) for tag in ("undertaking", "refusal"))  # fmt: skip
        request = Request(
            turns=(0, 1), spans=(Span(0.0, 5.0),), category="passage", kind="help", urgency="routine",
            gist="想出去", place=Place(), phone=None, caller_name=None, undertaking="现在不能放行",
            conditions=(), due_hint=None, evidence=proofs, review=False,
        )  # fmt: skip
        understandings.save(log, transcript, Understanding((request,), (), ()), [START])
        week = report.count(
            log, MONDAY, MONDAY + timedelta(days=7), ZONE, START + timedelta(days=7)
        )
        assert week.undertakings_made == 0
