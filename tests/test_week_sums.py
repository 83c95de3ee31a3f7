"""Random logs: every figure is what plain SQL counts, every form shows it, each week begins where one ended."""

from __future__ import annotations

import io
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from pipeline import hearings, life, listened, recordings, repeats, taxonomy, understandings
from pipeline.dates import Period
from pipeline.errors import UsageProblem
from pipeline.i18n import use
from pipeline.log import Log
from pipeline.report import count, docx, html, markdown, rows, telling, terminal, xlsx
from pipeline.report.figures import GROUPS, SINGLES, Week
from pipeline.report.page import Bars, Cell, Change, Figure, Page, Rate, Table
from pipeline.report.privacy import masked, masked_row
from pipeline.rows import utc
from pipeline.types import (
    CATEGORIES,
    KINDS,
    URGENCIES,
    Evidence,
    Place,
    Request,
    Span,
    Turn,
    Understanding,
)
from pipeline.undo import undo

MONDAY = date(2026, 3, 2)
ACTS = (
    "call", "call", "call", "call", "desk", "done", "done", "done", "dismissed", "reopened", "merged",
    "assigned", "corrected", "undo", "heard", "file",
)  # fmt: skip
QUICK = (Phase.explicit, Phase.reuse, Phase.generate)
"""Without shrinking, which takes minutes here; add Phase.shrink to look for the smallest log that fails."""

act = st.tuples(st.integers(1, 60 * 60), st.sampled_from(ACTS), st.integers(0, 10**6))
"""Minutes since the act before, what was done, and a number from which its details are drawn."""


class Days:
    """An office's days: acts on a log, each at its moment."""

    def __init__(self, path: Path, zone: ZoneInfo, first: datetime) -> None:
        self.clock = first
        self.zone = zone
        self.log = Log(path, now=lambda: self.clock.astimezone(zone))

    def live(self, acts: Sequence[tuple[int, str, int]]) -> None:
        for minutes, what, draw in acts:
            self.clock += timedelta(minutes=minutes)
            # What staff cannot do (close what is closed) is refused, and nothing has happened.
            try:
                self._do(what, draw)
            except UsageProblem:
                continue

    def _do(self, what: str, draw: int) -> None:
        log, count_of = self.log, self.log.count_requests()
        if what in ("call", "desk"):
            self._call(draw, "staff" if what == "desk" else ("import", "file")[draw % 2])
        elif what == "file":
            row = recordings.seen(log, f"{draw}-{self.clock.timestamp()}.wav", draw, self.clock)
            state = ("arriving", "failed", "silent", "unsupported")[draw % 4]
            recordings.set_state(log, row.id, state, reason="x")
            if state != "arriving" and draw % 3 == 0:
                listened.heard(log, [], [row.id], by="王芳")
        elif what == "undo":
            undo(log, by="王芳")
        elif what == "heard":
            waiting = log.query("SELECT id FROM spans WHERE kind = 'needs_listening'")
            if waiting:
                listened.heard(log, [waiting[draw % len(waiting)]["id"]], by="王芳")
        elif count_of:
            number = 1 + draw % count_of
            if what == "merged":
                life.merge(log, 1 + draw // 7 % count_of, [number], by="李强")
            elif what == "assigned":
                life.assign(log, [number], "李强" if draw % 3 else None, by="王芳")
            elif what == "corrected":
                values: dict[str, object] = {
                    "category": CATEGORIES[draw % 5],
                    "urgency": URGENCIES[draw % 3],
                }
                if draw % 4 == 0:
                    values = {
                        "promised": self.clock.astimezone(self.zone) + timedelta(hours=draw % 200)
                    }
                life.correct(
                    log, [number], values, by="王芳", due={number: self.clock + timedelta(days=1)}
                )
            else:
                status = {"reopened": "open"}.get(what, what)
                life.set_status(log, [number], status, by="王芳", note="已办")

    def _call(self, draw: int, source: str) -> None:
        started = self.clock - timedelta(hours=(0, 0, 0, 1, 200)[draw % 5])
        turns = [
            Turn("resident", f"{draw}号事情", 0.0, 3.0),
            Turn("unknown", "", 4.0, 9.0, unheard=True),
        ]
        transcript = hearings.import_call(self.log, f"{draw}-{self.clock.timestamp()}", started.astimezone(self.zone), "mono", turns,
            time_source=source,
        )  # fmt: skip
        assert transcript is not None
        promised = ("明天回电", "不能放行", None)[draw % 3]
        evidence = []
        if promised:
            evidence = [Evidence("undertaking", promised, "rule", promised, 0, 0, 2)]
            evidence += [Evidence("refusal", promised, "rule", promised, 0, 0, 2)] * (draw % 3 == 1)
        request = Request(
            turns=(0,), spans=(Span(0.0, 3.0),), category=CATEGORIES[draw % len(CATEGORIES)],
            kind=KINDS[draw % len(KINDS)], urgency=URGENCIES[draw // 3 % 3], gist=f"{draw}号事情",
            place=Place(building=(None, "1", "2", "12")[draw // 5 % 4]), phone="13800138000",
            caller_name="王小明", undertaking=promised, conditions=(),
            due_hint=started + timedelta(hours=draw % 50) if draw % 2 else None,
            undertaking_due=started + timedelta(hours=draw % 300) if promised and draw % 7 else None,
            evidence=tuple(evidence), review=draw % 11 == 0,
        )  # fmt: skip
        hours = (0.5, 24, 120)[URGENCIES.index(request.urgency)]
        (number,) = understandings.save(
            self.log,
            transcript,
            Understanding((request,), *(((), (1,)) if draw % 4 == 0 else ((1,), ()))),
            [started + timedelta(hours=hours)],
        )
        again = repeats.find_repeats(self.log, number)
        if again:
            repeats.link_repeat(self.log, number, again[0])


@contextmanager
def lived(
    acts: Sequence[tuple[int, str, int]], zone: ZoneInfo, first: date = MONDAY
) -> Iterator[Days]:
    """A log in which `acts` happened; whoever asks for it later sees the clock of the last one."""
    with tempfile.TemporaryDirectory() as folder:
        days = Days(
            Path(folder) / "hotline.db", zone, datetime.combine(first, datetime.min.time(), zone)
        )
        with days.log:
            days.live(acts)
            yield days


# --- What plain SQL counts ------------------------------------------------------------------------

WITHIN = "c.started_utc >= :first AND c.started_utc < :last"
ASKED = "FROM requests AS r JOIN calls AS c ON c.id = r.call_id"
STATES = "('open', 'in_progress', 'done', 'dismissed', 'merged')"
CLOSED = "('done', 'dismissed', 'merged')"

MOVES = f"""
CREATE TEMP TABLE moves AS
SELECT e.id, e.request, e.at_utc, json_extract(e.data, '$.from') AS was, json_extract(e.data, '$.to') AS now,
    json_extract(e.data, '$.act') AS act, json_extract(e.data, '$.undoes') AS undoes
FROM events AS e WHERE e.kind <> 'opened' AND json_extract(e.data, '$.to') IN {STATES}
"""
UNDONE = """
DELETE FROM moves WHERE id IN (
    SELECT a.id FROM moves AS a JOIN moves AS u ON u.request = a.request AND u.undoes = a.act
        WHERE a.at_utc >= :first AND u.at_utc < :last
    UNION SELECT u.id FROM moves AS a JOIN moves AS u ON u.request = a.request AND u.undoes = a.act
        WHERE a.at_utc >= :first AND u.at_utc < :last)
"""
PROMISE = "coalesce(r.undertaking <> '不能放行', r.undertaking_due_at IS NOT NULL)"
SEEN = f"""
CREATE TEMP TABLE seen AS
SELECT r.number, r.urgency, r.due_utc, c.started_utc,
    {PROMISE} AS promised,
    r.undertaking_due_utc AS until,
    coalesce((SELECT now FROM moves AS m WHERE m.request = r.number AND m.at_utc < :first
        ORDER BY m.id DESC LIMIT 1), 'open') NOT IN {CLOSED} AS open_before,
    coalesce((SELECT now FROM moves AS m WHERE m.request = r.number AND m.at_utc < :last
        ORDER BY m.id DESC LIMIT 1), 'open') NOT IN {CLOSED} AS open_after,
    coalesce((SELECT now FROM moves AS m WHERE m.request = r.number AND m.at_utc < :last
        AND m.at_utc <= r.undertaking_due_utc
        ORDER BY m.id DESC LIMIT 1), 'open') AS at_until
{ASKED} WHERE c.started_utc < :last
"""
HAPPENED = "m.at_utc >= :first AND m.at_utc < :last"
MOVED = f"FROM moves AS m JOIN seen ON seen.number = m.request WHERE {HAPPENED}"
ANSWERED = f"{MOVED} AND m.now = 'done' AND m.was NOT IN {CLOSED}"
STILL = "FROM seen WHERE open_after"
LATE = f"{STILL} AND due_utc < min(:now, :last)"
PROMISED = f"{ASKED} WHERE {WITHIN} AND {PROMISE}"
FELL_DUE = "FROM seen WHERE promised AND until >= :first AND until < :last"
SPANS = (
    "FROM spans AS s JOIN transcripts AS x ON x.id = s.transcript_id JOIN calls AS c ON c.id = x.call_id "
    "WHERE s.kind = 'needs_listening' AND s.heard_at IS NULL"
)
FILES = "FROM recordings AS f WHERE f.first_seen_utc >= :first AND f.first_seen_utc < :last"
SAID_ANEW = """
FROM events AS e, json_each(json_extract(e.data, '$.values')) AS v
WHERE e.kind = 'corrected' AND e.at_utc >= :first AND e.at_utc < :last
AND v.value IS NOT json_extract(e.data, '$.was.' || v.key)
AND json_extract(e.data, '$.act') NOT IN (
    SELECT json_extract(data, '$.undoes') FROM events WHERE kind = 'undone')
"""
NUMBERS = {
    "calls": f"FROM calls AS c WHERE {WITHIN}",
    "calls_timed_by_file": f"FROM calls AS c WHERE {WITHIN} AND time_source = 'file'",
    "calls_at_desk": f"FROM calls AS c WHERE {WITHIN} AND time_source = 'staff'",
    "requests": f"{ASKED} WHERE {WITHIN}",
    "requests_without_building": f"{ASKED} WHERE {WITHIN} AND r.building IS NULL",
    "carried_over": "FROM seen WHERE started_utc < :first AND open_before",
    "logged_late": "FROM seen JOIN requests AS r ON r.number = seen.number WHERE seen.started_utc < :first "
    "AND open_before AND r.opened_utc >= :first AND r.opened_utc < :last",
    "reopened": f"{MOVED} AND m.now NOT IN {CLOSED} AND m.was IN {CLOSED}",
    "done": ANSWERED,
    "dismissed": f"{MOVED} AND m.now = 'dismissed' AND m.was NOT IN {CLOSED}",
    "merged": f"{MOVED} AND m.now = 'merged' AND m.was NOT IN {CLOSED}",
    "still_open": STILL,
    "overdue": LATE,
    "answered_in_time": f"{ANSWERED} AND m.at_utc <= seen.due_utc",
    "answered_late": f"{ANSWERED} AND m.at_utc > seen.due_utc",
    "repeat_requests": f"{ASKED} WHERE {WITHIN} AND r.repeat_of IS NOT NULL",
    "review": f"{ASKED} WHERE {WITHIN} AND r.review",
    "needs_listening": f"{SPANS} AND {WITHIN}",
    "needs_listening_before": f"{SPANS} AND c.started_utc < :first",
    "recordings_arrived": FILES,
    "recordings_before": "FROM recordings WHERE heard_at IS NULL AND first_seen_utc < :first AND state IN "
    "('failed', 'silent', 'unsupported', 'arriving', 'received', 'transcribed')",
    "corrected": SAID_ANEW,
    "undertakings_made": PROMISED,
    "undertakings_undated": f"{PROMISED} AND r.undertaking_due_at IS NULL",
    "undertakings_due": FELL_DUE,
    "undertakings_kept": f"{FELL_DUE} AND at_until = 'done'",
    "undertakings_void": f"{FELL_DUE} AND at_until IN ('dismissed', 'merged')",
    "undertakings_broken": f"{FELL_DUE} AND at_until NOT IN {CLOSED} AND until < :now",
    "undertakings_pending": f"{FELL_DUE} AND at_until NOT IN {CLOSED} AND until >= :now",
    "undertakings_next": f"{STILL} AND promised AND until >= :last AND until < :after",
}
BY = {
    "by_category": ("r.category", NUMBERS["requests"]),
    "by_kind": ("r.kind", NUMBERS["requests"]),
    "by_urgency": ("r.urgency", NUMBERS["requests"]),
    "by_building": ("r.building", NUMBERS["requests"] + " AND r.building IS NOT NULL"),
    "by_day": ("local(c.started_utc, '%Y-%m-%d')", NUMBERS["requests"]),
    "by_month": ("local(c.started_utc, '%Y-%m')", NUMBERS["requests"]),
    "by_hour": ("local(c.started_utc, '%H')", NUMBERS["requests"]),
    "repeats_by_category": ("r.category", NUMBERS["repeat_requests"]),
    "carried_over_by_urgency": ("urgency", NUMBERS["carried_over"]),
    "reopened_by_urgency": ("urgency", NUMBERS["reopened"]),
    "done_by_urgency": ("urgency", NUMBERS["done"]),
    "dismissed_by_urgency": ("urgency", NUMBERS["dismissed"]),
    "merged_by_urgency": ("urgency", NUMBERS["merged"]),
    "still_open_by_urgency": ("urgency", STILL),
    "overdue_by_urgency": ("urgency", LATE),
    "in_time_by_urgency": ("urgency", NUMBERS["answered_in_time"]),
    "late_by_urgency": ("urgency", NUMBERS["answered_late"]),
    "recordings": ("f.state", FILES),
    "recordings_unheard": ("f.state", f"{FILES} AND f.heard_at IS NULL AND f.state <> 'arriving'"),
    "corrected_by_tag": ("v.key", SAID_ANEW),
    "models": (
        "x.model",
        f"FROM calls AS c JOIN transcripts AS x ON x.call_id = c.id AND x.is_current WHERE {WITHIN}",
    ),
}


def plain_sql(log: Log, period: Period, zone: ZoneInfo, now: datetime) -> dict[str, int]:
    """Every figure by its name, zeros of groups left out."""

    def local(text: str, form: str) -> str:
        moment = datetime.fromisoformat(text).replace(tzinfo=UTC)
        return moment.astimezone(zone).strftime(form)

    conn = log.conn
    conn.create_function("local", 2, local)
    first, last = period.moments(zone)
    names = {"first": utc(first), "last": utc(last), "now": utc(now), "after": utc(period.back(-1).moments(zone)[1])}  # fmt: skip
    found: dict[str, int] = {}
    with log.snapshot():
        for table in ("moves", "seen"):
            conn.execute(f"DROP TABLE IF EXISTS temp.{table}")
        conn.execute(MOVES)
        conn.execute(UNDONE, names)
        conn.execute(SEEN, names)
        for name, counted in NUMBERS.items():
            found[name] = conn.execute(f"SELECT count(*) {counted}", names).fetchone()[0]
        for group, (key, counted) in BY.items():
            for value, n in conn.execute(f"SELECT {key}, count(*) {counted} GROUP BY 1", names):
                found[f"{group}.{value}"] = n
    return found


def told_figures(week: Week) -> dict[str, int]:
    """The same of the summary."""
    found = {name: getattr(week, name) for name in SINGLES}
    for group in GROUPS:
        found |= {f"{group}.{key}": n for key, n in getattr(week, group).items() if n}
    return found


# --- What every form shows --------------------------------------------------------------------------


def grids(page: Page) -> list[list[list[str]]]:
    """The cells of every table of a page as text, heads first."""
    return [
        [list(table.heads), *([shown(cell) for cell in row] for row in table.rows)]
        for table in page.tables()
    ]


def shown(cell: Cell) -> str:
    return re.sub(r"\s+", " ", terminal.cell_text(cell)).strip()


def markdown_grids(text: str) -> list[list[list[str]]]:
    found: list[list[list[str]]] = []
    for block in text.split("\n\n"):
        lines = block.splitlines()
        if len(lines) > 1 and lines[1].startswith("|--") and lines[0].strip("| "):
            cells = [[c.strip().replace("\\", "") for c in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]  # fmt: skip
            found.append([cells[0], *cells[2:]])
    return found


def html_grids(text: str) -> list[list[list[str]]]:
    from lxml import html as parser

    return [
        [
            [re.sub(r"\s+", " ", cell.text_content()).strip() for cell in row]
            for row in table.iter("tr")
        ]
        for table in parser.fromstring(text).iter("table")
    ]


def docx_grids(data: bytes) -> list[list[list[str]]]:
    from docx import Document

    return [
        [[re.sub(r"\s+", " ", cell.text).strip() for cell in row.cells] for row in table.rows]
        for table in Document(io.BytesIO(data)).tables
        if table.style.name == "Table Grid"
    ]


def xlsx_value(cell: Cell) -> object:
    """What a cell of a table is as a cell of Excel: a number is a number, a day is a day."""
    if isinstance(cell, Figure):
        return cell.n
    if isinstance(cell, Rate):
        return str(cell) if cell.share is None else float(f"{cell.share:.16g}")  # as Excel keeps it
    if isinstance(cell, Change):
        return cell.difference
    if isinstance(cell, datetime):
        return cell.replace(tzinfo=None, microsecond=0)
    if isinstance(cell, str):
        return int(cell) if cell.isdigit() else cell or None
    return cell


def check_forms(log: Log, week: Week, period: Period, zone: ZoneInfo, capture: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    names = taxonomy.names()
    page = telling.compose(masked(week), names, "梧桐里")
    plain = told_figures(week)
    blocks = (*page.front, *page.annex)
    for block in blocks:  # no number on the page but those
        cells = [cell for row in getattr(block, "rows", ()) for cell in row]
        cells += [*getattr(block, "values", ()), *(term[2] for term in getattr(block, "terms", ()))]
        for cell in cells:
            if isinstance(cell, Figure):
                assert cell.n == plain.get(cell.name, 0), cell.name
    want = grids(page)
    assert markdown_grids(markdown.text(page)) == want
    text = html.document(page, {})
    assert html_grids(text) == want
    assert docx_grids(docx.document(page)) == want
    terminal.show(page)
    screen = capture.readouterr().out
    for block in blocks:
        if isinstance(block, Bars):
            said = [f"{name} {figure}" for name, figure in zip(block.labels, block.values, strict=True) if figure.n]  # fmt: skip
            plain_screen = re.sub(r"[ █]+", " ", screen)
            plain_html = re.findall(r"<text[^>]*>([^<]*)</text>", text)
            assert all(one in plain_screen for one in said)
            assert all(str(f.n) in plain_html for f in block.values if f.n)
    for grid in want:
        for row in grid:
            numbers = [cell for cell in row if re.fullmatch(r"[-+]?\d+|\d+%|\d/\d", cell)]
            pattern = r".*?(?<![\d-])".join(map(re.escape, numbers))
            assert re.search(pattern, screen), row
    check_workbook(log, page, period, zone)


def check_workbook(log: Log, page: Page, period: Period, zone: ZoneInfo) -> None:
    from openpyxl import load_workbook

    first, last = (utc(moment) for moment in period.moments(zone))
    ledger = list(rows.ledger(log, first, last))
    made = xlsx.workbook(page, map(masked_row, ledger), taxonomy.names(), zone)
    book = load_workbook(io.BytesIO(made))
    behind = {block.name for block in page.annex if isinstance(block, Table)}
    tables = [t for t in page.tables() if t in page.annex or t.name not in behind]
    titled = {sheet.title: sheet for sheet in book.worksheets}
    for table in tables:
        sheet = titled[table.title[:28]]
        for at, row in enumerate(table.rows, 2):
            for n, cell in enumerate(row, 1):
                assert (sheet.cell(at, n).value or None) == (xlsx_value(cell) or None)
        assert sheet.freeze_panes == "A2"
        assert sheet.auto_filter.ref
    listed = [list(row) for row in book.worksheets[-1].iter_rows(min_row=2, values_only=True)]
    assert [row[0] for row in listed] == [row["number"] for row in ledger]
    for row, of in zip(listed, ledger, strict=True):
        told = datetime.fromisoformat(of["started_at"]).astimezone(zone).replace(tzinfo=None)
        assert isinstance(row[2], datetime)
        assert abs(row[2] - told) < timedelta(seconds=1)
        assert "13800138000" not in str(row)
        assert "小明" not in str(row)


@settings(
    max_examples=4,
    deadline=None,
    phases=QUICK,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(
    st.lists(act, min_size=10, max_size=50),
    st.sampled_from(["Asia/Shanghai", "Europe/Berlin", "America/Santiago", "Asia/Kathmandu"]),
    st.sampled_from(["en", "zh_CN"]),
    st.integers(0, 6),
)
def test_every_figure_in_every_form_is_what_plain_sql_counts(
    capsys: pytest.CaptureFixture[str],
    acts: list[tuple[int, str, int]],
    zone_name: str,
    language: str,
    weekday: int,
) -> None:
    zone = ZoneInfo(zone_name)
    # Two weeks before the clocks change in Berlin, in the week of Santiago's change in autumn.
    first = date(2026, 3, 16) + timedelta(days=weekday)
    use(language)
    try:
        with lived(acts, zone, first) as days:
            begins = first
            for n in range(4):
                period = Period(begins, begins + timedelta(days=7))
                week = count(days.log, period.start, period.end, zone, days.clock)
                assert told_figures(week) == plain_sql(days.log, period, zone, days.clock)
                assert week.adds_up
                if n == 1:
                    check_forms(days.log, week, period, zone, capsys)
                begins = period.end
    finally:
        use(None)


@settings(max_examples=1, deadline=None, phases=QUICK, suppress_health_check=[HealthCheck.too_slow])
@given(st.randoms(use_true_random=False))
def test_for_a_year_each_week_begins_with_what_the_last_one_left(random) -> None:  # type: ignore[no-untyped-def]
    zone = ZoneInfo("Asia/Shanghai")
    first = date(2026, 6, 29)  # over New Year, and a year of 53 weeks
    acts = [(random.randint(1, 60 * 110), random.choice(ACTS), random.randrange(10**6)) for _ in range(150)]  # fmt: skip
    with lived(acts, zone, first) as days:
        now = days.clock + timedelta(days=400)
        left = None
        for n in range(54):
            start = first + timedelta(weeks=n)
            week = count(days.log, start, start + timedelta(days=7), zone, now, compare=False)
            closed = week.done + week.dismissed + week.merged
            assert week.carried_over + week.requests + week.reopened - closed == week.still_open
            if left is not None:
                # What came late belongs to a call of before: it is said, and nothing else may differ.
                assert week.carried_over == left
            left = week.still_open
        open_now = days.log.query("SELECT count(*) AS n FROM requests WHERE closed_at IS NULL")
        assert left == open_now[0]["n"]
        months = [Period(*sorted((date(2026, m, 1), date(2026, m + 1, 1)))) for m in range(7, 12)]
        for before, after in pairwise(months):
            one = count(days.log, before.start, before.end, zone, now, compare=False)
            two = count(days.log, after.start, after.end, zone, now, compare=False)
            assert one.still_open == two.carried_over
