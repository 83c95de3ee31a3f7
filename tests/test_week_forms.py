"""Every form says what plain SQL says, in both languages, over random logs; and what privacy asks for."""

from __future__ import annotations

import io
import re
import tempfile
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from conftest import json_lines, run_hotline
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from office import FIRST, ZONE, office
from rich.console import Console

from pipeline import taxonomy
from pipeline.dates import Period
from pipeline.i18n import use
from pipeline.log import Log
from pipeline.report import count, docx, html, markdown, rows, telling, terminal, xlsx
from pipeline.report.board import Board, gathered
from pipeline.report.figures import GROUPS, SINGLES, lead
from pipeline.report.page import Bars, Items, Page, Table, Text
from pipeline.report.privacy import masked, masked_row
from pipeline.report.words import chance, likelihood, new_words, rises
from pipeline.rows import utc

MONDAY = (FIRST + timedelta(weeks=5)).date()
WEEK = Period(MONDAY, MONDAY + timedelta(days=7))
NOW = FIRST + timedelta(weeks=6, hours=9)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Log]:
    with office(tmp_path_factory.mktemp("office") / "hotline.db", seed=4, per_week=40) as log:
        yield log


@pytest.fixture(autouse=True)
def speak_english_again() -> Iterator[None]:
    yield
    use(None)


def sql(log: Log, period: Period) -> dict[str, int]:
    first, last = (utc(moment) for moment in period.moments(ZONE))
    (asked,) = log.query(
        "SELECT count(*) AS requests, coalesce(sum(r.urgency = 'critical'), 0) AS critical, "
        "coalesce(sum(r.category = 'repairs'), 0) AS repairs "
        "FROM requests AS r JOIN calls AS c ON c.id = r.call_id "
        "WHERE c.started_utc >= ? AND c.started_utc < ?",
        (first, last),
    )
    (moved,) = log.query(
        "SELECT coalesce(sum(kind = 'done'), 0) AS done, coalesce(sum(kind = 'dismissed'), 0) AS "
        "dismissed, coalesce(sum(kind = 'reopened'), 0) AS reopened FROM events "
        "WHERE request IS NOT NULL AND at_utc >= ? AND at_utc < ?",
        (first, last),
    )
    return {**asked, **moved}


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 10_000), st.integers(3, 7), st.sampled_from(["en", "zh_CN"]))
def test_the_sums_of_every_form_are_those_of_plain_sql(
    seed: int, per_week: int, language: str
) -> None:
    from docx import Document
    from openpyxl import load_workbook

    use(language)
    names = taxonomy.names()
    with (
        tempfile.TemporaryDirectory() as folder,
        office(Path(folder) / "hotline.db", weeks=4, seed=seed, per_week=per_week) as log,
    ):
        before = None
        for n in range(5):
            start = (FIRST + timedelta(weeks=n)).date()
            period = Period(start, start + timedelta(days=7))
            week = count(log, period.start, period.end, ZONE, NOW)
            plain = sql(log, period)
            assert week.adds_up
            assert (week.requests, week.done, week.dismissed, week.reopened) == (
                plain["requests"], plain["done"], plain["dismissed"], plain["reopened"],
            )  # fmt: skip
            assert week.by_urgency["critical"] == plain["critical"] == len(week.critical)
            assert week.by_category.get("repairs", 0) == plain["repairs"]
            assert sum(week.by_hour.values()) == sum(week.by_day.values()) == week.requests
            due = week.undertakings_kept + week.undertakings_broken
            due += week.undertakings_pending + week.undertakings_void
            assert week.undertakings_due == due
            if before is not None:
                assert week.carried_over == before.still_open
            before = week
            if n != 3:
                continue
            page = telling.compose(masked(week), names, "")
            terms = [str(term[2]) for term in page.front[1].terms]
            want = [
                week.carried_over, plain["requests"], plain["reopened"], plain["done"],
                plain["dismissed"], week.merged, week.still_open,
            ]  # fmt: skip
            assert terms == [str(value) for value in want]
            said = markdown.text(page)
            line = next(x for x in said.splitlines() if x.startswith("**"))
            assert [int(x) for x in re.findall(r"\d+", line)] == want
            shown = html.document(page, {})
            figures = re.search(r'<div class="sum">(.*?)</div>', shown, re.S)
            assert figures is not None
            assert [int(x) for x in re.findall(r"(\d+)(?:</\w+>)*</b>", figures[1])] == want
            paper = Document(io.BytesIO(docx.document(page)))
            cells = [c.text for c in paper.tables[0].rows[0].cells]
            assert [int(c) for c in cells if c.isdigit()] == want
            first, last = (utc(moment) for moment in period.moments(ZONE))
            ledger = map(masked_row, rows.ledger(log, first, last))
            book = load_workbook(io.BytesIO(xlsx.workbook(page, ledger, names, ZONE)))
            sheet = book.worksheets[0]
            numbers = [row[1].value for row in sheet.iter_rows() if isinstance(row[1].value, int)]
            assert numbers == want
            last_sheet = book.worksheets[-1]
            assert last_sheet.max_row - 1 == plain["requests"]
            assert last_sheet.freeze_panes == "A2"
            if plain["requests"]:
                assert isinstance(last_sheet["C2"].value, datetime)
                assert last_sheet.auto_filter.ref


def test_every_figure_is_the_number_of_its_rows(made: Log) -> None:
    week = count(made, WEEK.start, WEEK.end, ZONE, NOW)
    for name in SINGLES:
        found = lead(made, WEEK, ZONE, NOW, name)
        assert found is not None
        assert len(found) == getattr(week, name), name
    for group in GROUPS:
        for key, n in getattr(week, group).items():
            assert len(lead(made, WEEK, ZONE, NOW, f"{group}.{key}") or []) == n
    for one in (*week.rises, *week.new_words, *week.new_places):
        assert len(lead(made, WEEK, ZONE, NOW, one["rows"]) or []) == one["n"]
    assert lead(made, WEEK, ZONE, NOW, "nonsense") is None


def test_no_sentence_is_without_its_rows(made: Log) -> None:
    """Each tells as many as its rows are, or names them; one without rows tells no number."""
    use("en")
    asked = [
        (WEEK, NOW),  # a whole week; the same when its half was over; one without calls; the first
        (WEEK, NOW - timedelta(days=4)),
        (Period(WEEK.end, WEEK.end + timedelta(days=7)), NOW + timedelta(days=7)),
        (Period(FIRST.date(), FIRST.date() + timedelta(days=7)), NOW),
    ]
    told = 0
    for period, now in asked:
        page = telling.compose(
            count(made, period.start, period.end, ZONE, now), taxonomy.names(), ""
        )
        blocks = [block for block in page.front if isinstance(block, Text | Items)]
        for line in (x for b in blocks for x in (b.sentences if isinstance(b, Text) else b.lines)):
            if not line.name:
                assert not re.search(
                    r"\d", re.sub(r"\d{4}-\d\d-\d\d( \d\d:\d\d)?", "", line.words)
                ), line
                continue
            found = lead(made, period, ZONE, now, line.name)
            assert found is not None
            named = re.search(r"\(No\. ([\d, ]+)", line.words)
            said = [int(n) for n in re.findall(r"\d+", line.words)]
            assert len(found) in said or found == [] or named, line
            if named:
                assert set(map(int, re.findall(r"\d+", named[1]))) <= set(found)
            told += 1
    assert told > 30


@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_a_narrow_window_breaks_lines_and_cuts_no_word(
    made: Log, language: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    use(language)
    monkeypatch.setattr(terminal, "console", lambda: Console(width=80, highlight=False))
    page = telling.compose(count(made, WEEK.start, WEEK.end, ZONE, NOW), taxonomy.names(), "梧桐里")
    terminal.show(page)
    signs = Counter(capsys.readouterr().out)
    cells = [
        terminal.cell_text(cell) for table in page.tables() for row in table.rows for cell in row
    ]
    lines = [x.words for block in page.front if isinstance(block, Items) for x in block.lines]
    for sign, n in Counter("".join([*cells, *lines])).items():
        assert sign.isspace() or signs[sign] >= n, sign


def test_what_stood_out_is_what_was_planted(made: Log) -> None:
    week = count(made, WEEK.start, WEEK.end, ZONE, NOW)
    assert any("水泵" in one["word"] for one in week.new_words)
    assert count(made, FIRST.date(), FIRST.date() + timedelta(days=7), ZONE, NOW).rises == ()


def test_numbers_of_persons_are_masked_in_every_form(made: Log) -> None:
    week = count(made, WEEK.start, WEEK.end, ZONE, NOW)
    assert "1380013" in str(week.as_dict())
    assert "1380013" not in str(masked(week).as_dict())


def test_the_notice_board_names_nobody(made: Log) -> None:
    week = count(made, WEEK.start, WEEK.end, ZONE, NOW)
    page = telling.compose(masked(week), taxonomy.names(), "", public=True)
    said = markdown.text(page) + html.document(page, {"requests": [1]})
    for row in (*week.critical, *week.overdue_list, *week.promised_next):
        assert row["gist"] not in said
    assert "王芳" not in said and "--rows" not in said and "room" not in said
    assert {table.name for table in page.tables()} == {"urgencies", "categories"}
    lines = [line for b in page.front if isinstance(b, Text) for line in b.sentences]
    assert not any(line.name for line in lines)


def board_numbers(page: Page) -> list[list[int]]:
    """The counts of each breakdown on a notice board, without the line that sums them up."""
    return [
        [int(str(row[1])) for row in block.rows[:-1]]
        if isinstance(block, Table)
        else [figure.n for figure in block.values]
        for block in page.front
        if isinstance(block, Table | Bars)
    ]


@given(st.dictionaries(st.text("abcdefgh", min_size=1, max_size=1), st.integers(0, 40)))
def test_what_is_put_together_hides_every_small_count(counts: dict[str, int]) -> None:
    shown, rest = gathered(counts)
    assert sum(shown.values()) + rest == sum(counts.values())
    assert not any(0 < n < 5 for n in shown.values())
    hidden = [n for key, n in counts.items() if key not in shown and n]
    if shown and any(hidden):  # what is together is not one alone, and not few
        assert rest >= 5
        assert len(hidden) > 1
    if all(n == 0 or n >= 5 for n in counts.values()) and any(counts.values()):
        assert (shown, rest) == (counts, 0)


def test_a_part_is_told_where_neither_it_nor_the_rest_is_a_few(made: Log) -> None:
    board = Board(count(made, WEEK.start, WEEK.end, ZONE, NOW), taxonomy.names())
    parts = [(5, 10), (20, 20), (3, 20), (17, 20), (0, 20)]
    assert [board.tells(*part) for part in parts] == [True, True, False, False, False]


@pytest.mark.parametrize(
    ("seed", "per_week", "language"), [(1, 3, "zh_CN"), (2, 14, "en"), (3, 40, "zh_CN")]
)
def test_no_small_count_stands_on_the_notice_board_nor_can_be_worked_out(
    seed: int, per_week: int, language: str
) -> None:
    from docx import Document
    from openpyxl import load_workbook

    use(language)
    with (
        tempfile.TemporaryDirectory() as folder,
        office(Path(folder) / "hotline.db", weeks=2, seed=seed, per_week=per_week) as log,
    ):
        start = (FIRST + timedelta(weeks=1)).date()
        week = count(log, start, start + timedelta(days=7), ZONE, NOW)
        page = telling.compose(masked(week), taxonomy.names(), "梧桐里", public=True)
        for numbers in board_numbers(page):
            assert sum(numbers) == week.requests  # nothing is left to be worked out
            assert not any(0 < n < 5 for n in numbers)
        said = " ".join(str(line) for block in page.front if isinstance(block, Text) for line in block.sentences)  # fmt: skip
        totals = {week.calls, week.requests, week.calls_before, week.requests_before, week.done, week.still_open}  # fmt: skip
        totals |= {abs(week.calls - week.calls_before), abs(week.requests - week.requests_before)}
        mean = re.findall(r"(\d+)\.(\d)", said)
        small = {int(n) for n in re.findall(r"(?<![\d.])\d+(?![\d.%])", said) if 0 < int(n) < 5}
        assert small <= totals | {int(n) for pair in mean for n in pair}, said
        # What every form prints in its tables and charts is what the page holds, and no more.
        cells = re.findall(r"^\| [^|]+ \| (\d+) \|", markdown.text(page), re.M)
        assert not any(0 < int(n) < 5 for n in cells)
        shown = html.document(page, {"by_urgency.critical": [1]})
        assert "by_" not in shown and not any(
            0 < int(n) < 5 for n in re.findall(r">(\d+)</t", shown)
        )
        tables = [t for t in Document(io.BytesIO(docx.document(page))).tables if t.style.name == "Table Grid"]  # fmt: skip
        assert not any(0 < int(r.cells[1].text) < 5 for t in tables for r in t.rows[1:-1])
        book = load_workbook(io.BytesIO(xlsx.workbook(page, None, taxonomy.names(), ZONE)))
        for sheet in book.worksheets[1:]:
            counts = [row[1] for row in sheet.iter_rows(min_row=2, values_only=True) if isinstance(row[1], int)]  # fmt: skip
            last = sheet.title in [table.title[:28] for table in page.tables()]
            found = counts[:-1] if last else counts
            assert sorted(found) in [sorted(numbers) for numbers in board_numbers(page)]
            assert "--rows" not in str([*sheet.iter_rows(values_only=True)])
        assert len(book.worksheets) == 1 + len(board_numbers(page))


def test_an_empty_log_has_every_form(tmp_path: Path) -> None:
    with Log(tmp_path / "hotline.db") as log:
        week = count(log, date(2026, 12, 28), date(2027, 1, 4), ZONE, NOW)
        page = telling.compose(week, taxonomy.names(), "")
        assert week.name == "2026-W53"
        assert "0" in markdown.text(page)
        assert docx.document(page)[:2] == b"PK"
        assert xlsx.workbook(page, [], taxonomy.names(), ZONE)[:2] == b"PK"


def test_the_command_writes_files_and_logs_that_it_did(empty: Path, tmp_path: Path) -> None:
    office(empty / "hotline.db", weeks=2, per_week=8).close()
    done = run_hotline("--home", empty, "week", "2026-W43", "--to", tmp_path / "w {week}.docx", "--to", tmp_path / "w.md")  # fmt: skip
    assert done.exit_code == 0, done.output
    assert (tmp_path / "w 2026-W43.docx").stat().st_mode & 0o077 == 0
    assert len(done.stdout.splitlines()) == 2
    assert run_hotline("--home", empty, "week", "2026-W43", "--unmask", "--json").exit_code == 0
    listed = run_hotline("--home", empty, "week", "2026-W43", "--rows", "requests", "--json")
    (figures,) = json_lines(run_hotline("--home", empty, "week", "2026-W43", "--json"))
    assert len(json_lines(listed)) == figures["requests"] > 0
    with Log(empty / "hotline.db") as log:
        kinds = [event.kind for event in log.events() if event.kind in ("exported", "unmasked")]
    assert kinds == ["exported", "exported", "unmasked"]
    wrong = run_hotline("--home", empty, "week", "--to", tmp_path / "w.pdf")
    assert wrong.exit_code == 2
    assert ".docx" in wrong.output


def test_the_tests_of_rises_and_words_are_the_stated_ones() -> None:
    assert chance(1, 1, 0.5) == pytest.approx(0.75)
    assert chance(5, 0, 0.2) == pytest.approx(0.2**5)
    assert chance(0, 9, 0.2) == 1.0
    assert likelihood(10, 100, 100, 1000) == pytest.approx(0.0, abs=1e-9)
    assert likelihood(10, 100, 0, 1000) > 15.13
    quiet = {("category", "repairs"): 4}
    assert rises(quiet, {}, 7, 28) == []
    assert [one.key for one in rises({("category", "repairs"): 20}, {("category", "repairs"): 20}, 7, 28)] == ["repairs"]  # fmt: skip
    then = [(n, "快递到了吗") for n in range(40)]
    now = [(n, "地下车库进水了") for n in range(100, 112)]
    assert "车库" in new_words(now, then)[0].word
