"""The summary put into a file: which form a suffix asks for, and the file written whole or not at all."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from pipeline.dates import Period
from pipeline.errors import UsageProblem
from pipeline.i18n import _, system_says
from pipeline.report import rows
from pipeline.report.page import Page, where
from pipeline.report.privacy import masked_row
from pipeline.rows import utc
from pipeline.screen import label
from pipeline.states import request_state

if TYPE_CHECKING:
    from pipeline.log import Log
    from pipeline.taxonomy import Names

FORMS = (".md", ".html", ".docx", ".xlsx")


@dataclass(frozen=True, slots=True)
class Order:
    """What a form needs beside the page: the log for the ledger, the rows behind the figures."""

    log: Log
    period: Period
    zone: ZoneInfo
    names: Names
    rows: Mapping[str, Sequence[int]]
    unmask: bool


def form_of(path: Path) -> str:
    """The form that the file's name asks for, `.htm` being `.html`.

    Raises:
        UsageProblem: none that is known; the sentence names those that are.
    """
    suffix = {".htm": ".html", ".markdown": ".md"}.get(path.suffix.lower(), path.suffix.lower())
    if suffix not in FORMS:
        raise UsageProblem(
            _('"{file}": write a name that ends in {forms}.').format(
                file=path, forms=", ".join(FORMS)
            )
        )
    return suffix


def named(path: str, period: Period) -> Path:
    """`path` with {week} replaced by the period's name, so that a schedule writes a new file each time."""
    return Path(path.replace("{week}", period.name.replace("..", "_")))


def content(form: str, page: Page, order: Order) -> bytes:
    """The file's bytes.

    Raises:
        UsageProblem: what the form needs is not installed; the sentence says how to.
    """
    with needing(form):
        return _MAKERS[form](page, order)


@contextlib.contextmanager
def needing(form: str) -> Iterator[None]:
    """Around what makes a form: says what it needs where that is not installed.

    Raises:
        UsageProblem: a package is missing; the sentence says how to install it.
    """
    try:
        yield
    except ImportError as error:
        raise UsageProblem(
            _(
                "{form} needs {package}, which is not installed. Install it with: "
                'pip install "residents-hotline[report]"'
            ).format(form=form[1:].upper(), package=error.name or error)
        ) from error


def _markdown(page: Page, order: Order) -> bytes:
    from pipeline.report import markdown

    return markdown.text(page).encode()


def _html(page: Page, order: Order) -> bytes:
    from pipeline.report import html

    numbers = sorted({number for found in html.listed(order.rows).values() for number in found})
    if page.public or len(numbers) > html.REQUESTS:
        return html.document(page, order.rows).encode()
    with order.log.snapshot():
        told = [_told(row, order) for row in rows.details(order.log, numbers)]
    return html.document(page, order.rows, told).encode()


def _told(row: Mapping[str, Any], order: Order) -> tuple[str, ...]:
    """A request under `html.heads`."""
    shown = row if order.unmask else masked_row(dict(row))
    began = datetime.fromisoformat(row["started_at"]).astimezone(order.zone)
    return (
        str(row["number"]),
        f"{began:%Y-%m-%d %H:%M}",
        where(row),
        shown["gist"],
        label(order.names, "category", row["category"]),
        label(order.names, "urgency", row["urgency"]),
        request_state(row["status"]),
    )


def _docx(page: Page, order: Order) -> bytes:
    from pipeline.report import docx

    return docx.document(page)


def _xlsx(page: Page, order: Order) -> bytes:
    from pipeline.report import xlsx

    first, last = order.period.moments(order.zone)
    with order.log.snapshot():
        ledger = rows.ledger(order.log, utc(first), utc(last))
        shown = ledger if order.unmask else map(masked_row, ledger)
        return xlsx.workbook(page, None if page.public else shown, order.names, order.zone)


_MAKERS: Mapping[str, Callable[[Page, Order], bytes]] = {
    ".md": _markdown,
    ".html": _html,
    ".docx": _docx,
    ".xlsx": _xlsx,
}


def write(path: Path, data: bytes, *, private: bool) -> None:
    """Put `data` into `path`, replacing what was there at once; `private` is for its owner alone.

    Raises:
        UsageProblem: the folder cannot be made or the file not written (Word has it open, say).
    """
    part = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            part.unlink()
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if private else 0o644)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink()
        said = _("{file} cannot be written: {error}.")
        if isinstance(error, PermissionError):
            said = _("{file} cannot be written: {error}. Is it open in another program?")
        raise UsageProblem(said.format(file=path, error=system_says(error))) from error
