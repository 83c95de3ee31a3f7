"""What staff see in the terminal: tables, calls with their requests marked, and plain sentences."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.errors import ModelMissing
from pipeline.forms import clock, is_overdue
from pipeline.i18n import _, colon, language, plural
from pipeline.masks import mask_paths, mask_text
from pipeline.states import recording_state, request_state
from pipeline.types import REQUEST_STATES

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from rich.console import Console, RenderableType
    from rich.text import Text

    from pipeline.log import Log
    from pipeline.process import Ingested
    from pipeline.rows import RecordingRow, RequestRow
    from pipeline.settings import Home
    from pipeline.taxonomy import Names
    from pipeline.types import Place

URGENCY_STYLE = {"critical": "bold white on red", "urgent": "bold yellow", "routine": ""}
URGENCY_SIGN = {"critical": "!!", "urgent": "!", "routine": " "}
"""Beside the colour, so that the level is seen without it."""


def label(names: Names, what: str, code: str) -> str:
    """A category's, kind's or urgency's name in the language spoken; an unknown code as it is."""
    labels = {"category": names.categories, "kind": names.kinds, "urgency": names.urgencies}[what]
    if code not in labels:  # the office changed its taxonomy since
        return code
    return labels[code].name if language() == "zh_CN" else labels[code].english


def place_text(place: Place) -> str:
    """2-3-501; with the lane in front where one was said."""
    inner = "-".join(p for p in (place.building, place.unit, place.room) if p)
    if place.lane:
        return _("lane {lane}").format(lane=place.lane) + (f" {inner}" if inner else "")
    return inner


def due_text(due_at: datetime | None, now: datetime) -> str:
    """How soon, in the largest unit that says it."""
    if due_at is None:
        return ""
    seconds = (due_at - now).total_seconds()
    late = seconds < 0
    minutes = abs(seconds) / 60
    if minutes < 90:
        span = _("{n:.0f} min").format(n=minutes)
    elif minutes < 48 * 60:
        span = _("{n:.0f} h").format(n=minutes / 60)
    else:
        span = _("{n:.0f} days").format(n=minutes / 1440)
    return _("late by {span}").format(span=span) if late else _("in {span}").format(span=span)


def weekdays_text(row: RequestRow) -> str:
    """That holidays are not counted in, where the calendar of them ends before the answer is due."""
    from pipeline.dates import calendar_covers

    if row.urgency != "routine" or row.due_at is None or calendar_covers(row.due_at.date()):
        return ""
    return _("(by weekdays: the holidays of {year} are not known yet)").format(year=row.due_at.year)


def when_text(moment: datetime | None, zone: ZoneInfo) -> str:
    return moment.astimezone(zone).strftime("%m-%d %H:%M") if moment else ""


FIRST = 100
"""So many requests stand on a screen unless all are asked for."""


def requests_table(
    rows: Sequence[RequestRow], names: Names, zone: ZoneInfo, now: datetime,
    hide: Callable[[str], str] = mask_text,
) -> RenderableType:  # fmt: skip
    """Requests for a terminal: the levels coloured, what is late in red, the last column broken to fit."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from pipeline.wrapped import Wrapped

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for n, name in enumerate(_heads()):
        table.add_column(name, justify="left" if n else "right", no_wrap=n < 6, overflow="fold")
    for row in rows:
        number, _level, due, *rest = _cells(row, names, zone, now, hide)
        style = "red" if row.closed_at is None and is_overdue(row, now) else ""
        *middle, what = rest
        table.add_row(
            number,
            urgency(row.urgency, names),
            Text(due, style=style),
            *map(Text, middle),
            Wrapped(what),
        )
    return table


def _heads() -> tuple[str, ...]:
    return (_("No."), _("Urgency"), _("Due"), _("Where"), _("Category"), _("Called"), _("What"))


def _cells(
    row: RequestRow, names: Names, zone: ZoneInfo, now: datetime, hide: Callable[[str], str]
) -> tuple[str, ...]:
    what = hide(row.gist)
    if row.repeat_of:
        what += " " + _("(again: {n})").format(n=row.repeat_of)
    if row.calls > 1:
        what += " " + _("({n} calls)").format(n=row.calls)
    if row.assignee and row.closed_at is None:
        what += f" → {row.assignee}"
    return (
        str(row.number),
        level_text(row.urgency, names),
        due_text(row.due_at, now) if row.closed_at is None else request_state(row.status),
        place_text(row.place),
        label(names, "category", row.category),
        when_text(row.started_at, zone),
        what,
    )


def print_requests(
    rows: Sequence[RequestRow], names: Names, zone: ZoneInfo, now: datetime,
    hide: Callable[[str], str] = mask_text,
) -> None:  # fmt: skip
    """Requests as a table; in a pipe a line each, never broken or cut, so that `grep` finds all. So
    are thousands on a screen, for which a table would take half a minute."""
    if sys.stdout.isatty() and len(rows) <= 10 * FIRST:
        console().print(requests_table(rows, names, zone, now, hide))
        return
    from pipeline.pages import width

    cells = [_heads(), *(_cells(row, names, zone, now, hide) for row in rows)]
    widths = [max(map(width, column)) for column in zip(*cells, strict=True)]
    lines = [
        "  ".join(
            cell + " " * (wide - width(cell)) for cell, wide in zip(line, widths, strict=True)
        )
        for line in cells
    ]
    click.echo("\n".join(line.rstrip() for line in lines))


def urgency(level: str, names: Names) -> Text:
    """The level with its sign, coloured; where the danger is to life, the number to call as well."""
    from rich.text import Text

    return Text(level_text(level, names), style=URGENCY_STYLE.get(level, ""))


def level_text(level: str, names: Names) -> str:
    return f"{URGENCY_SIGN.get(level, '')} {label(names, 'urgency', level)}".strip()


def state_counts(states: Mapping[str, int]) -> str:
    return " · ".join(f"{n} {recording_state(state)}" for state, n in states.items() if n)


def recording_text(row: RecordingRow) -> str:
    """Where a file stands, in one line; a name that holds a line's end is no two."""
    said = f"R{row.id}  {recording_state(row.state)}  {row.path}"
    return " ".join(mask_paths(said + (f"  {row.reason}" if row.reason else "")).splitlines())


def console() -> Console:
    """Where text for people goes: rich's console, which knows NO_COLOR and pipes. What callers said, and
    how recorders name files ([王芳]_138….wav), is no markup."""
    from rich.console import Console

    shown = Console(highlight=False, markup=False, emoji=False)
    if not shown.is_terminal:
        # A pipe has no width: do not cut what `grep` should find.
        shown = Console(highlight=False, markup=False, emoji=False, width=200)
    return shown


def nothing_came(home: Home) -> str:
    """What to do where no call was ever taken in."""
    return _(
        "No recording has come yet. Drop some into {folder}, then run: hotline ingest (once), or "
        "hotline watch (as they come)."
    ).format(folder=home.recordings)


FAILURES = 10
"""How many of what failed are told, each in a line; of the rest only how many."""


def ingested_text(done: Ingested) -> list[str]:
    lines = [
        _("{seen} files seen, {new} new; {requests} new requests.").format(
            seen=done.seen, new=done.new, requests=done.requests
        ),
        state_counts(done.states),
    ]
    failed = done.failed_now
    lines += [_("Failed: {reason}").format(reason=reason) for _path, reason in failed[:FAILURES]]
    if len(failed) > FAILURES:
        lines.append(_("and {n} more").format(n=len(failed) - FAILURES))
    if done.waiting_for:
        lines.append(done.waiting_for)
    return [line for line in lines if line]


def waiting_text(log: Log, home: Home, hide: Callable[[str], str] = mask_paths) -> list[str]:
    """What is not on the list of requests and yet waits for somebody, a line each; `hide` is for the
    names of files, into which recorders write numbers."""
    from pipeline.standing import unheard_recordings

    lines = []
    unheard = log.needs_listening()
    if unheard:
        seconds = sum(span.end - span.start for span in unheard)
        lines.append(
            plural(
                "{n} stretch of speech ({time}) was not understood; somebody must listen:",
                "{n} stretches of speech ({time}) were not understood; somebody must listen:",
                len(unheard),
            ).format(n=len(unheard), time=clock(seconds))
        )
        lines += [
            f"  L{span.id}  {hide(Path(span.recording).name) if span.recording else span.call_id}"
            f"  {clock(span.start)}–{clock(span.end)}"
            for span in unheard[:10]
        ]
        if len(unheard) > 10:
            lines.append("  " + _("and {n} more").format(n=len(unheard) - 10))
        lines.append(
            "  "
            + _(
                'Listen with: hotline play L{n}, then: hotline heard L{n} (--what "…" for a request)'
            ).format(n=unheard[0].id)
        )
    said = {
        "failed": _("Failed, tried again at the next ingest"),
        "silent": _("No speech found; somebody should listen"),
        "unsupported": _("Cannot be heard"),
    }
    for state, text in said.items():
        rows = unheard_recordings(log, state)
        lines += [
            f"{text}{colon()}R{row.id} {hide(row.reason or Path(row.path).name)}"
            for row in rows[:10]
        ]
        if len(rows) > 10:
            lines.append("  " + _("and {n} more").format(n=len(rows) - 10))
    states = log.states()
    waiting = states.get("received", 0) + states.get("transcribed", 0)
    if waiting:
        lines.append(
            plural(
                "{n} recording waits to be heard: hotline ingest",
                "{n} recordings wait to be heard: hotline ingest",
                waiting,
            ).format(n=waiting)
        )
        from pipeline import models

        try:
            home.settings.hearing.model or models.best(home.models)
        except ModelMissing as missing:
            lines.append(str(missing))
    if states.get("arriving"):
        lines.append(
            plural(
                "{n} file is still being copied; the next ingest takes it.",
                "{n} files are still being copied; the next ingest takes them.",
                states["arriving"],
            ).format(n=states["arriving"])
        )
    return lines


def codes(names: Names, what: str) -> dict[str, tuple[str, ...]]:
    """The codes of what a search can be narrowed to, each with its names for people."""
    if what == "status":
        return {state: (state.replace("_", " "), request_state(state)) for state in REQUEST_STATES}
    labels = {"category": names.categories, "kind": names.kinds, "urgency": names.urgencies}[what]
    return {code: (one.name, one.english) for code, one in labels.items()}


def offered(names: Names, what: str) -> str:
    """What a search or a correction may name: in Chinese by name, else by code; both are taken."""
    chinese = language() == "zh_CN"
    return _(", ").join(said[-1 if what == "status" else 0] if chinese else code
                        for code, said in codes(names, what).items())  # fmt: skip


def quoted(path: Path) -> str:
    """A path as it can be typed: relative if it is below here, in quotes if it has spaces."""
    here = Path.cwd()
    said = str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
    return f'"{said}"' if " " in said else said
