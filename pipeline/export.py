"""The command `hotline export`: the ledger (台账) to the screen or into a file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from pipeline import forms
from pipeline.errors import UsageProblem
from pipeline.i18n import _
from pipeline.session import (
    Session,
    as_option,
    csv_option,
    json_option,
    pass_session,
    unmask_option,
)

if TYPE_CHECKING:
    from pipeline.taxonomy import Names

Rows = Iterable[Mapping[str, Any]]


def _csv(rows: Rows, names: Names, zone: ZoneInfo) -> bytes:
    """The ledger's columns in the language spoken, moments by the office's clock."""
    from pipeline.report import ledger

    def cell(value: ledger.Value) -> str | int | None:
        return f"{value:%Y-%m-%d %H:%M}" if isinstance(value, datetime) else value

    heads = [head for head, _width in ledger.heads()]
    table = [
        dict(zip(heads, map(cell, ledger.entry(row, names, zone)), strict=True)) for row in rows
    ]
    # Excel takes a file without the mark for one in the computer's own code page.
    return ((forms.csv_text(table) or ",".join(heads)) + "\n").encode("utf-8-sig")


def _json(rows: Rows, names: Names, zone: ZoneInfo) -> bytes:
    """A line a request: codes instead of names, moments with their offset."""
    return "".join(forms.json_line(forms.ledger_dict(row)) + "\n" for row in rows).encode()


def _xlsx(rows: Rows, names: Names, zone: ZoneInfo) -> bytes:
    from pipeline.report import xlsx

    return xlsx.ledger_workbook(rows, names, zone, title=_("Ledger"))


FORMS: Mapping[str, Callable[[Rows, Names, ZoneInfo], bytes]] = {
    ".xlsx": _xlsx,
    ".csv": _csv,
    ".json": _json,
    ".jsonl": _json,
}


@click.command(
    "export",
    help=_("The ledger of requests, as CSV, JSON or Excel: all, or those of a period's calls.\n\n")
    + _("Example: hotline export 本月 --to 台账.xlsx   or: hotline export --csv"),
)
@click.argument("period", required=False, metavar="[PERIOD]")
@click.option("--to", type=click.Path(path_type=Path), metavar="FILE",
              help=_("Write it to a file: .xlsx, .csv or .json."))  # fmt: skip
@unmask_option
@as_option
@json_option
@csv_option
@pass_session
def export(
    session: Session, /, period: str | None, to: Path | None, unmask: bool, actor: str | None,
    as_json: bool, as_csv: bool,
) -> None:  # fmt: skip
    from pipeline.report import files

    if (to is None and as_json == as_csv) or (to is not None and (as_json or as_csv)):
        raise UsageProblem(_("Say how: hotline export --to 台账.xlsx, or --csv, or --json."))
    suffix = to.suffix.lower() if to is not None else ".json" if as_json else ".csv"
    if suffix not in FORMS:
        raise UsageProblem(
            _('"{file}": write a name that ends in {forms}.').format(
                file=to, forms=", ".join(FORMS)
            )
        )
    who = session.actor(actor)
    data = {"what": "ledger", "period": period, "form": suffix[1:], "file": str(to) if to else None}
    if unmask:
        session.record_unmasking("export", actor, period=period, file=data["file"])
    n, made = content(session, period, FORMS[suffix], suffix, unmask)
    if to is None:
        click.echo(made.decode("utf-8-sig"), nl=False)
    else:
        files.write(to, made, private=True)
    session.log.record("exported", who=who, data={**data, "requests": n, "masked": not unmask})
    if to is not None:
        click.echo(_("{n} requests are in {file}.").format(n=n, file=to))


def content(
    session: Session, period: str | None, form: Callable[[Rows, Names, ZoneInfo], bytes], suffix: str,
    unmask: bool,
) -> tuple[int, bytes]:  # fmt: skip
    """How many requests, and the file's bytes."""
    from pipeline.report import asked, files, privacy, rows
    from pipeline.rows import utc

    zone, n = session.home.settings.zone, 0
    first, last = "", "9999"
    if period is not None:
        named = asked.open_period(session.home, session.log, period, session.now()).period
        first, last = map(utc, named.moments(zone))

    def shown() -> Rows:
        nonlocal n
        for row in rows.ledger(session.log, first, last):
            n += 1
            yield row if unmask else privacy.masked_row(row)

    with session.log.snapshot(), files.needing(suffix):
        made = form(shown(), session.names, zone)
    return n, made
