"""The summary in the terminal: the page with small bars, in the width that the window has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.report.page import Bars, Figure, Items, Sum, Table, Text
from pipeline.screen import console

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text as RichText

    from pipeline.report.page import Block, Cell, Line, Page

BAR = 30
"""The longest bar, in columns."""

SHORT = 14
"""Cells of so many columns are not broken over lines."""


def show(page: Page) -> None:
    """Print the page; a pipe gets the same words without colour."""
    shown = console()
    shown.print(page.heading, style="bold", markup=False)
    shown.print(page.span, markup=False)
    for block in (*page.front, *page.annex):
        _show_block(shown, block)
    if page.source:
        shown.print()
        shown.print(page.source, style="dim", markup=False)


def head(page: Page) -> list[str]:
    """The first sentences and the balance, a line each: the week in short."""
    lines: list[str] = []
    for block in page.front:
        if isinstance(block, Text):
            lines += map(str, block.sentences)
        elif isinstance(block, Sum):
            lines.append(sum_line(block))
            break
    return lines


def sum_line(block: Sum) -> str:
    """carried over 3 + new 5 − done 4 = still open 4."""
    return " ".join(f"{sign} {what} {figure}".strip() for sign, what, figure in block.terms)


def _show_block(shown: Console, block: Block) -> None:
    from rich.padding import Padding

    shown.print()
    if isinstance(block, Text):
        for line in block.sentences:
            shown.print(_words(line))
    elif isinstance(block, Sum):
        shown.print(sum_line(block), style="bold", markup=False)
    elif isinstance(block, Items):
        shown.print(block.title, style="bold", markup=False)
        for line in block.lines:
            shown.print(Padding(_words(line), (0, 0, 0, 2)))
    elif isinstance(block, Bars):
        shown.print(block.title, style="bold", markup=False)
        for bar in bars(block):
            shown.print(bar, markup=False)
    else:
        _show_table(shown, block)


def _words(line: Line) -> RichText:
    """A sentence, and the name under which its rows are listed."""
    from rich.text import Text as RichText

    return RichText.assemble(line.words, (f" [{line.name}]" if line.name else "", "dim"))


def _show_table(shown: Console, table: Table) -> None:
    from rich import box
    from rich.cells import cell_len
    from rich.table import Table as RichTable
    from rich.text import Text as RichText

    shown.print(table.title, style="bold", markup=False)
    grid = RichTable(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for n, title in enumerate(table.heads):
        right = all(_is_number(row[n]) for row in table.rows)
        # Short cells stay whole; heads and long cells are broken where the window is narrow, never cut.
        longest = max((cell_len(cell_text(row[n])) for row in table.rows), default=0)
        grid.add_column(
            title,
            justify="right" if right else "left",
            overflow="fold",
            min_width=longest if longest <= SHORT and n != table.wide else None,
        )
    for n, row in enumerate(table.rows):
        last = table.total and n == len(table.rows) - 1
        grid.add_row(*(RichText(cell_text(cell)) for cell in row), style="bold" if last else "")
    shown.print(grid)
    if table.more:
        shown.print(table.more, style="dim", markup=False)


def _is_number(cell: Cell) -> bool:
    from pipeline.report.page import Change, Rate

    return cell is None or isinstance(cell, Figure | Rate | Change | int)


def cell_text(cell: Cell) -> str:
    """A cell as text: nothing for None, day and time for a moment."""
    if cell is None:
        return ""
    return f"{cell:%m-%d %H:%M}" if hasattr(cell, "strftime") else str(cell)


def bars(block: Bars, width: int = BAR) -> list[str]:
    """A line a count, its bar as long as its share of the greatest; the names padded by the columns
    that a terminal gives them. Counts of 0 have no bar."""
    from rich.cells import cell_len

    most = max((figure.n for figure in block.values), default=1) or 1
    wide = max((cell_len(name) for name in block.labels), default=0)
    return [
        f"  {name}{' ' * (wide - cell_len(name))}  {'█' * _length(figure.n, most, width)} {figure}"
        for name, figure in zip(block.labels, block.values, strict=True)
        if figure.n or not block.columns
    ]


def _length(n: int, most: int, width: int) -> int:
    return max(1, round(n / most * width)) if n else 0
