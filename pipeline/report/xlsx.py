"""The summary as an Excel workbook: a sheet a table, and the ledger (台账) of the period's requests.

Numbers are numbers, moments are moments, heads stay in sight, every table can be filtered. Rows are
written as they are read from the log: a year takes no more memory than a week.
"""

from __future__ import annotations

import io
import itertools
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from pipeline.i18n import _, language
from pipeline.report import ledger
from pipeline.report.page import (
    Bars,
    Change,
    Figure,
    Items,
    Rate,
    Sum,
    Table,
    Text,
)

if TYPE_CHECKING:
    from pipeline.report.page import Block, Cell, Page
    from pipeline.taxonomy import Names

EXCEL_ROWS = 1_048_575
"""What a sheet holds under its head."""

_CELL_MOST = 32_767
"""Characters that Excel takes in one cell."""

_LINE = 15
"""Points a line of text takes: heights are written, for not every program finds them itself."""

_WIDEST = 60
"""Characters of the widest column of a table."""


def workbook(
    page: Page, rows: Iterable[Mapping[str, Any]] | None, names: Names, zone: ZoneInfo
) -> bytes:
    """The workbook's file. `rows` are rows of `rows.ledger`, None for the notice board.

    Raises:
        ImportError: XlsxWriter is not installed.
    """
    out = io.BytesIO()
    with _open(out) as book:
        book.set_properties(
            {"title": page.heading, "subject": page.span, "author": page.office}
        )  # fmt: skip
        _Book(book, f"{page.heading} {page.span}", names, zone).write(page, rows)
    return out.getvalue()


def ledger_workbook(
    rows: Iterable[Mapping[str, Any]], names: Names, zone: ZoneInfo, *, title: str, office: str = ""
) -> bytes:
    """A workbook that holds the ledger alone. `rows` are rows of `rows.ledger`, masked if they are to be.

    Raises:
        ImportError: XlsxWriter is not installed.
    """
    out = io.BytesIO()
    with _open(out) as book:
        book.set_properties({"title": title, "author": office})
        _Book(book, title, names, zone).ledger(rows)
    return out.getvalue()


def _open(out: io.BytesIO) -> Any:
    import xlsxwriter

    return xlsxwriter.Workbook(
        out,
        {
            "constant_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
            "default_date_format": "yyyy-mm-dd hh:mm",
            "remove_timezone": True,
        },
    )


class _Book:
    """A workbook with its formats."""

    def __init__(self, book: Any, heading: str, names: Names, zone: ZoneInfo) -> None:
        font = {"font_name": "宋体" if language() == "zh_CN" else "Calibri", "font_size": 10.5}
        self.book, self.names, self.zone = book, names, zone
        self.plain = book.add_format({**font, "valign": "top"})
        self.wrapped = book.add_format({**font, "text_wrap": True, "valign": "top"})
        self.bold = book.add_format({**font, "bold": True, "valign": "top"})
        self.title = book.add_format({**font, "bold": True, "font_size": 16})
        self.head = book.add_format(
            {**font, "bold": True, "bg_color": "#E8EDF2", "border": 1, "border_color": "#A0A0A0",
             "text_wrap": True, "valign": "vcenter"}
        )  # fmt: skip
        edged = {**font, "valign": "top", "border": 1, "border_color": "#A0A0A0"}
        self.cell = book.add_format(edged)
        self.cell_wrapped = book.add_format({**edged, "text_wrap": True})
        self.number = book.add_format({**edged, "align": "left"})  # of a request: it is no count
        self.counts = book.add_format({**edged, "align": "right"})
        self.moment = book.add_format({**edged, "num_format": "yyyy-mm-dd hh:mm", "align": "left"})
        self.share = book.add_format({**edged, "num_format": "0%"})
        self.signed = book.add_format({**edged, "num_format": "+0;-0;0"})
        self.heading = heading
        self.used: set[str] = set()

    def write(self, page: Page, rows: Iterable[Mapping[str, Any]] | None) -> None:
        self.front(page)
        behind = {block.name for block in page.annex if isinstance(block, Table)}
        for block in (*page.front, *page.annex):
            # Of a list that is cut on the front page, the whole one behind it is enough.
            if block in page.annex or getattr(block, "name", "") not in behind:
                self.sheet_of(block, named=not page.public)
        if rows is not None:
            self.ledger(rows)

    def sheet(self, title: str) -> Any:
        """A new sheet; a name that Excel does not take is cut, and is never twice."""
        name = re.sub(r"[\[\]:*?/\\']", " ", title).strip()[:28] or "-"
        plain, n = name, 2
        while name.lower() in self.used:
            name, n = f"{plain} {n}", n + 1
        self.used.add(name.lower())
        made = self.book.add_worksheet(name)
        made.set_landscape()
        made.set_paper(9)
        made.fit_to_pages(1, 0)
        made.hide_gridlines(1)
        made.set_header(f"&C{self.heading.replace('&', '&&')}  {name.replace('&', '&&')}"[:250])
        made.set_footer("&C&P / &N")
        return made

    def front(self, page: Page) -> None:
        sheet = self.sheet(_("Summary"))
        sheet.set_portrait()
        sheet.set_column(0, 0, 24, self.plain)
        sheet.set_column(1, 1, 12, self.plain)
        sheet.set_column(2, 2, 60, self.plain)
        sheet.set_column(3, 3, 30, self.plain)
        sheet.write_string(0, 0, page.heading, self.title)
        sheet.write_string(1, 0, page.span, self.plain)
        sheet.write_string(2, 0, page.made, self.plain)
        at = 4
        for block in page.front:
            if isinstance(block, Sum):
                for sign, what, figure in block.terms:
                    sheet.write_string(at, 0, f"{sign} {what}".strip(), self.bold)
                    sheet.write_number(at, 1, figure.n, self.bold)
                    if not page.public:
                        sheet.write_string(at, 2, f"--rows {figure.name}", self.plain)
                    at += 1
                at += 1
            elif isinstance(block, Text | Items):
                if isinstance(block, Items):
                    sheet.write_string(at, 0, block.title, self.bold)
                    at += 1
                lines = block.sentences if isinstance(block, Text) else block.lines
                for line in lines:
                    sheet.merge_range(at, 0, at, 2, "", self.wrapped)
                    sheet.write_string(at, 0, line.words, self.wrapped)
                    sheet.set_row(at, _LINE * _lines(line.words, 92))
                    if line.name and not page.public:
                        sheet.write_string(at, 3, f"--rows {line.name}", self.plain)
                    at += 1
                at += 1
        for who in page.signatures:
            sheet.write_string(at, 0, who, self.plain)
            sheet.write_string(at, 1, "____________", self.plain)
            at += 2
        if page.source:
            sheet.write_string(at, 0, page.source, self.plain)
        sheet.print_area(0, 0, at, 2)  # what to type is for the screen

    def sheet_of(self, block: Block, *, named: bool) -> None:
        """A sheet for what is a table; `named`: with what to type to see the rows of its figures."""
        if isinstance(block, Bars):
            self.chart(block, named)
        elif not isinstance(block, Text | Items | Sum):
            self.table(block, named)

    def table(self, table: Table, named: bool) -> None:
        sheet = self.sheet(table.title)
        for n, head in enumerate(table.heads):
            longest = max([_columns(_said(row[n])) for row in table.rows] + [_columns(head)])
            sheet.set_column(n, n, min(_WIDEST, longest + 3), self.plain)
        named = named and any(isinstance(c, Figure) and c.name for row in table.rows for c in row)
        heads = [*table.heads, *([_("Rows of the first figure")] if named else [])]
        if named:
            sheet.set_column(len(table.heads), len(table.heads), 34, self.plain)
        for n, head in enumerate(heads):
            sheet.write_string(0, n, head, self.head)
        for at, row in enumerate(table.rows, 1):
            if table.wide is not None:
                sheet.set_row(at, _LINE * _lines(_said(row[table.wide]), _WIDEST))
            for n, cell in enumerate(row):
                self.put(sheet, at, n, cell, n == table.wide)
            first = next((c.name for c in row if isinstance(c, Figure) and c.name), None)
            if named and first:
                sheet.write_string(at, len(table.heads), f"--rows {first}", self.plain)
        self.finish(sheet, len(table.rows) - table.total, len(heads))
        if table.more:
            sheet.write_string(len(table.rows) + 2, 0, table.more, self.plain)
        sheet.print_area(0, 0, len(table.rows) + 2 * bool(table.more), len(table.heads) - 1)

    def put(self, sheet: Any, at: int, n: int, cell: Cell, wide: bool) -> None:
        if isinstance(cell, Figure):
            sheet.write_number(at, n, cell.n, self.cell)
        elif isinstance(cell, Rate) and cell.share is not None:
            sheet.write_number(at, n, cell.share, self.share)
        elif isinstance(cell, Rate):
            sheet.write_string(at, n, str(cell), self.counts)
        elif isinstance(cell, Change):
            if cell.difference is None:
                sheet.write_blank(at, n, None, self.cell)
            else:
                sheet.write_number(at, n, cell.difference, self.signed)
        elif isinstance(cell, datetime):
            sheet.write_datetime(at, n, cell, self.moment)
        elif isinstance(cell, int):
            sheet.write_number(at, n, cell, self.cell)
        elif cell is None:
            sheet.write_blank(at, n, None, self.cell)
        elif (said := str(cell)).isdigit() and len(said) < 10 and not said.startswith("0"):
            sheet.write_number(at, n, int(said), self.number)
        else:
            sheet.write_string(at, n, said[:_CELL_MOST], self.cell_wrapped if wide else self.cell)

    def finish(self, sheet: Any, n_rows: int, n_columns: int) -> None:
        sheet.freeze_panes(1, 0)
        sheet.repeat_rows(0)
        if n_rows > 0:
            sheet.autofilter(0, 0, n_rows, n_columns - 1)

    def chart(self, bars: Bars, named: bool) -> None:
        """Its numbers in two columns, and Excel's own chart beside them, that may be changed."""
        sheet = self.sheet(bars.title)
        sheet.set_column(0, 0, max(10, *(_columns(name) + 3 for name in bars.labels)), self.plain)
        sheet.write_string(0, 0, _("Which"), self.head)
        sheet.write_string(0, 1, _("Number"), self.head)
        for at, (name, figure) in enumerate(zip(bars.labels, bars.values, strict=True), 1):
            sheet.write_string(at, 0, name, self.cell)
            sheet.write_number(at, 1, figure.n, self.cell)
            if named:
                sheet.write_string(at, 2, f"--rows {figure.name}", self.plain)
        if named:
            sheet.set_column(2, 2, 28, self.plain)
            sheet.write_string(0, 2, _("Rows of the first figure"), self.head)
        self.finish(sheet, len(bars.labels), 2 + named)
        drawn = self.book.add_chart({"type": "column" if bars.columns else "bar"})
        name = "'" + sheet.get_name().replace("'", "''") + "'"
        last = len(bars.labels) + 1
        drawn.add_series(
            {
                "categories": f"={name}!$A$2:$A${last}",
                "values": f"={name}!$B$2:$B${last}",
                "fill": {"color": "#2B5F8A"},
                "gap": 60,
                "data_labels": {"value": len(bars.labels) <= 31},
            }
        )
        drawn.set_title({"name": bars.title, "name_font": {"size": 12}})
        drawn.set_legend({"none": True})
        if bars.columns:
            drawn.set_y_axis({"visible": False, "major_gridlines": {"visible": False}})
        else:
            drawn.set_y_axis({"reverse": True})
            drawn.set_x_axis({"visible": False, "major_gridlines": {"visible": False}})
        drawn.set_size(
            {"width": 720, "height": 340 if bars.columns else 60 + 24 * len(bars.labels)}
        )
        sheet.insert_chart(0, 4, drawn)

    def ledger(self, rows: Iterable[Mapping[str, Any]]) -> None:
        sheet = self.sheet(_("Ledger"))
        sheet.set_paper(8)  # A3
        heads = ledger.heads()
        sheet.set_row(0, _LINE * max(_lines(head, width) for head, width in heads))
        for n, (head, width) in enumerate(heads):
            sheet.set_column(n, n, width, self.wrapped)
            sheet.write_string(0, n, head, self.head)
        n_rows = 0
        for row in itertools.islice(rows, EXCEL_ROWS):
            n_rows += 1
            values = ledger.entry(row, self.names, self.zone)
            tall = max(
                _lines(value, width) for value, (_head, width) in zip(values, heads, strict=True)
            )
            if tall > 1:
                sheet.set_row(n_rows, _LINE * tall)
            for n, value in enumerate(values):
                if isinstance(value, int):
                    sheet.write_number(n_rows, n, value, self.number)
                elif isinstance(value, datetime):
                    sheet.write_datetime(n_rows, n, value, self.moment)
                else:
                    sheet.write_string(n_rows, n, (value or "")[:_CELL_MOST], self.cell_wrapped)
        self.finish(sheet, n_rows, len(heads))


def _said(cell: Cell) -> str:
    return "2026-01-01 00:00" if isinstance(cell, datetime) else str("" if cell is None else cell)


def _columns(text: str) -> int:
    return len(text) + sum(map("\u2e80".__lt__, text))


def _lines(value: object, width: int) -> int:
    """How many lines a text takes in a column of so many characters; Excel shows at most 27."""
    if not isinstance(value, str) or (len(value) * 2 <= width and "\n" not in value):
        return 1
    return min(27, sum(max(1, -(-_columns(line) // width)) for line in value.split("\n")))
