"""What `hotline week` does: the period asked for, counted once, shown, written, or led to its rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from zoneinfo import ZoneInfo

import click

from pipeline import forms
from pipeline.dates import Period, parse_period
from pipeline.errors import UsageProblem
from pipeline.i18n import _
from pipeline.masks import mask_file
from pipeline.report import figures, files, page, rows, telling
from pipeline.report.figures import GROUPS, SINGLES, Week
from pipeline.report.privacy import masked
from pipeline.states import request_state

if TYPE_CHECKING:
    from pipeline.log import Log
    from pipeline.settings import Home
    from pipeline.taxonomy import Names


@dataclass(frozen=True, slots=True)
class Asked:
    """A period of a home's log, seen at `now`."""

    home: Home
    log: Log
    period: Period
    now: datetime

    @property
    def zone(self) -> ZoneInfo:
        return self.home.settings.zone

    def log_unmasking(self, who: str, name: str | None, written: Sequence[str]) -> None:
        """Numbers of persons are shown whole: who asked, for what."""
        self.log.record(
            "unmasked",
            who=who,
            data={"what": "week", "period": self.period.name, "rows": name, "files": list(written)},
        )

    def tell(self, names: Names, *, public: bool, unmask: bool, files: Sequence[str] = ()) -> Told:
        """Count it, for what shall be written to `files`; numbers of persons are masked unless `unmask`."""
        kept: dict[str, list[int]] = {}
        for_html = not public and any(map(writes_rows, files))
        week = figures.count(
            self.log, self.period.start, self.period.end, self.zone, self.now,
            keep=_opened if for_html else lambda name: False,
            kept=kept,
        )  # fmt: skip
        for one in (*week.rises, *week.new_words, *week.new_places) if for_html else ():
            kept[one["rows"]] = list(one["numbers"])
        if not unmask:
            week = masked(week)
        told = telling.compose(week, names, self.home.settings.name, public=public)
        return Told(self, week, told, names, kept, unmask)


def writes_rows(file: str) -> bool:
    """Whether a file lists the rows behind its figures."""
    return file.lower().endswith((".html", ".htm"))


def _opened(name: str) -> bool:
    """Figures whose rows are requests, which a page can list by number."""
    return not name.startswith((*_NO_REQUESTS, "building_category"))


_NO_REQUESTS = ("calls", "models", "recordings", "needs_listening")


@dataclass(frozen=True, slots=True)
class Told:
    asked: Asked
    week: Week
    page: page.Page
    names: Names
    rows: Mapping[str, Sequence[int]]
    unmask: bool

    def show(self) -> None:
        from pipeline.report import terminal

        terminal.show(self.page)

    def markdown(self) -> str:
        from pipeline.report import markdown

        return markdown.text(self.page)

    def write(self, wanted: Sequence[str], who: str) -> Iterator[Path]:
        """Write each file and log it; the paths, each after it is there."""
        paths = [files.named(one, self.asked.period) for one in wanted]
        asked_forms = [files.form_of(path) for path in paths]  # before anything is written
        order = files.Order(
            self.asked.log, self.asked.period, self.asked.zone, self.names, self.rows, self.unmask
        )
        for path, form in zip(paths, asked_forms, strict=True):
            files.write(path, files.content(form, self.page, order), private=not self.page.public)
            self.asked.log.record(
                "exported",
                who=who,
                data={
                    "what": "week", "period": self.week.name, "form": form[1:], "file": str(path),
                    "masked": not self.unmask, "public": self.page.public,
                },
            )  # fmt: skip
            yield path

    def line(self, path: Path) -> str:
        """One line for a schedule's log."""
        w = self.week
        states = {**w.recordings_unheard, **{s: w.recordings.get(s, 0) for s in rows.WAITING}}
        return _(
            "{when} {week}: {calls} calls, {requests} requests, {open} open, {overdue} overdue, {critical} "
            "critical, {unheard} recordings not heard; written to {file}"
        ).format(
            when=f"{w.made_at:%Y-%m-%d %H:%M}", week=w.name, calls=w.calls, requests=w.requests,
            open=w.still_open, overdue=w.overdue, critical=w.by_urgency["critical"],
            unheard=sum(states.values()) + w.recordings_before, file=path,
        )  # fmt: skip


def open_period(home: Home, log: Log, text: str | None, now: datetime) -> Asked:
    """The period that `text` names (this week, if none), in the home's zone and its week.

    Raises:
        UsageProblem: it names none, or one outside of what calendars hold.
    """
    start, end = parse_period(text or "this week", now.date(), home.settings.first_weekday)
    if not 1900 <= start.year <= end.year <= 9000:
        raise UsageProblem(
            _('"{text}" lies outside of the years that a log can have.').format(text=text)
        )
    return Asked(home, log, Period(start, end), now)


def show_rows(asked: Asked, name: str, unmask: bool, form: Literal["text", "json", "csv"]) -> None:
    """Print the rows that a figure counts, a line each.

    Raises:
        UsageProblem: no figure has that name; those that exist are named.
    """
    ids = figures.lead(asked.log, asked.period, asked.zone, asked.now, name)
    if ids is None:
        raise UsageProblem(
            _('There is no figure "{name}". There are: {names}; and {groups} with a dot and a key.').format(
                name=name, names=", ".join(SINGLES), groups=", ".join(GROUPS)
            )
        )  # fmt: skip
    found = [_shown(row, unmask) for row in _rows(asked.log, name, ids)]
    if form == "csv":
        text = forms.csv_text(found)
        if text:
            click.echo(text)
    elif form == "json":
        for row in found:
            click.echo(forms.json_line(row))
    else:
        for row in found:
            click.echo(_line(row, asked.zone))
        click.echo(_("{name}: {n}").format(name=name, n=len(found)))


_ROW = (
    "number", "started_at", "category", "kind", "urgency", "status", "building", "unit", "room", "gist",
    "phone", "due_at", "due_hint", "undertaking", "undertaking_due_at", "repeat_of", "closed_at", "closed_by", "closed_note",
)  # fmt: skip


def _rows(log: Log, name: str, ids: Sequence[int]) -> list[dict[str, Any]]:
    with log.snapshot():
        if name.startswith(("calls", "models")):
            return rows.call_facts(log, ids)
        if name.startswith("recordings"):
            return rows.recording_facts(log, ids)
        if name.startswith("needs_listening"):
            return rows.span_facts(log, ids)
        return [
            {"request" if key == "number" else key: row[key] for key in _ROW}
            for row in rows.details(log, ids)
        ]


def _shown(row: dict[str, Any], unmask: bool) -> dict[str, Any]:
    from pipeline.masks import mask_phone, mask_text

    if unmask:
        return row
    kept = dict(row)
    for name in ("gist", "undertaking", "closed_note", "reason"):
        if kept.get(name):
            kept[name] = mask_text(kept[name])
    for name in ("recording", "path"):
        if isinstance(kept.get(name), str):
            kept[name] = mask_file(kept[name].replace("\\", "/").rpartition("/")[2])
    if kept.get("phone"):
        kept["phone"] = mask_phone(kept["phone"])
    return kept


def _line(row: Mapping[str, Any], zone: ZoneInfo) -> str:
    """A row as text: what it is, when, where, what."""

    def at(text: str | None) -> str:
        return f"{datetime.fromisoformat(text).astimezone(zone):%m-%d %H:%M}" if text else ""

    if "request" in row:
        said = [
            _("No. {n}").format(n=row["request"]), at(row["started_at"]), page.where(row), row["gist"],
            f"({request_state(row['status'])})",
        ]  # fmt: skip
    elif "span" in row:
        said = [
            _("Call {n}").format(n=row["call"]), at(row["started_at"]), row["recording"] or "",
            f"{row['start']:.1f}–{row['end']:.1f} s",
        ]  # fmt: skip
    elif "call" in row:
        said = [_("Call {n}").format(n=row["call"]), at(row["started_at"]), row["recording"] or ""]
    else:
        said = [str(row["path"]), row["state"], row["reason"] or ""]
    return "  ".join(part for part in said if part)
