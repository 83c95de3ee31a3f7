"""The summary as one HTML file: charts and style inside, fit to be printed; figures lead to their rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import resources
from typing import TYPE_CHECKING, Any

from pipeline.i18n import _
from pipeline.report import charts
from pipeline.report.page import Change, Figure, Rate
from pipeline.report.terminal import cell_text

if TYPE_CHECKING:
    from pipeline.report.page import Cell, Page, Table

ROWS = 400
"""A figure of more rows than this is led to by the command alone."""


REQUESTS = 3000
"""Of more requests than this together, a page holds the numbers alone."""


def listed(rows: Mapping[str, Sequence[int]]) -> dict[str, Sequence[int]]:
    """The figures of `rows` that a page opens: not those of hundreds."""
    return {name: numbers for name, numbers in rows.items() if 0 < len(numbers) <= ROWS}


def document(
    page: Page, rows: Mapping[str, Sequence[int]], requests: Sequence[Sequence[str]] = ()
) -> str:
    """The page; `rows` are the request numbers behind the figures, by name, for those that can be opened.

    `requests` tells each of these, once: its number, then cells under `heads`.
    """
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    world = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    opened = {} if page.public else listed(rows)

    def link(name: str) -> str | None:
        return f"#{anchor(name)}" if name in opened else None

    world.filters["svg"] = lambda bars: Markup(charts.svg(bars, link))
    world.filters["anchor"] = anchor
    world.filters["cell"] = cell_text
    world.filters["right"] = right
    source = (resources.files("pipeline.report") / "week.html.j2").read_text(encoding="utf-8")
    values: dict[str, Any] = {
        "page": page,
        "rows": opened,
        "rows_title": _("The requests behind each figure, by number"),
        "requests": () if page.public else requests,
        "known": frozenset(int(row[0]) for row in requests),
        "requests_title": _("These requests"),
        "heads": heads(),
        "to_rows": _("rows"),
        "lang": page.language.replace("_", "-"),
        "joint": "" if page.language == "zh_CN" else " ",
        "colon": "：" if page.language == "zh_CN" else ":",
    }
    return world.from_string(source).render(values)


def heads() -> tuple[str, ...]:
    """The columns in which a page tells the requests behind its figures."""
    return (_("No."), _("Called"), _("Where"), _("What"), _("Category"), _("Urgency"), _("Status"))


def anchor(name: str) -> str:
    """A figure's name as an anchor of its own."""
    return "rows-" + "".join(c if c.isalnum() or c in "._-" else f"_{ord(c):x}" for c in name)


def right(table: Table, n: int) -> bool:
    """Whether a column holds numbers alone."""
    return all(_is_number(row[n]) for row in table.rows)


def _is_number(cell: Cell) -> bool:
    return cell is None or isinstance(cell, Figure | Rate | Change | int)
