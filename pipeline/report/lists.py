"""The requests that are told one by one: a few on the page that is signed, the others behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.i18n import _
from pipeline.report.page import (
    Table,
    late_text,
    moment_of,
    shortened,
    where,
)
from pipeline.report.speech import LISTED, Speech
from pipeline.screen import label
from pipeline.states import request_state
from pipeline.story import named, sentence

SHOWN = 5
"""At most so many of a kind are told one by one on the page that is signed; of more, the whole behind it."""

ROOM = 8
"""So many together have room on that page, so that it stays one page."""

SHORT = 48
"""Characters of what was done that have room there."""


def shared(wanted: Sequence[int]) -> list[int]:
    """How many of each list have room on the front page; the first lists are served first."""
    given = [0] * len(wanted)
    for n in range(SHOWN):
        for place, one in enumerate(wanted):
            if one > n and sum(given) < ROOM:
                given[place] += 1
    return given


class Lists(Speech):
    """Tables of requests, the first `shown` of them."""

    def fronts(self) -> list[Table | None]:
        """What of them stands on the front page."""
        w = self.w
        critical, promised, overdue = shared(
            [len(one) for one in (w.critical, w.promised_next, w.overdue_list)]
        )
        return [self.critical(critical), self.promised_next(promised), self.overdue(overdue)]

    def behind(self, front: Table | None, whole: Table | None) -> Table | None:
        """The whole list, where the front page has not all of it."""
        return (
            whole if whole is not None and front is not None and whole.rows != front.rows else None
        )

    def critical(self, shown: int = LISTED) -> Table | None:
        if not self.w.critical:
            return None
        most = SHORT if shown <= SHOWN else None
        rows = [
            (
                str(row["request"]),
                moment_of(row["started_at"], self.zone),
                where(row),
                row["gist"],
                shortened(self.what_was_done(row), most),
            )
            for row in self.w.critical[:shown]
        ]
        return Table(
            "critical",
            _("Critical, one by one"),
            (_("No."), _("Called"), _("Where"), _("What"), _("What was done")),
            tuple(rows),
            wide=3,
            more=self.more(self.w.by_urgency["critical"], "by_urgency.critical", shown),
        )

    def broken(self) -> Table | None:
        """Every broken promise, where the front page has room for the first few alone."""
        broken = [row for row in self.w.undertakings if row["fate"] == "broken"]
        if not broken:
            return None
        return Table(
            "broken",
            _("Broken promises"),
            (_("No."), _("Due"), _("Where"), _("Promised"), _("What"), _("Now")),
            tuple(
                (*self.promise_cells(row), request_state(row["status"])) for row in broken[:LISTED]
            ),
            wide=4,
            more=self.more(self.w.undertakings_broken, "undertakings_broken", LISTED),
        )  # fmt: skip

    def promise_cells(self, row: Mapping[str, Any]) -> tuple[str, ...]:
        """Of which request, by when, where, what was promised, and what was asked for."""
        return (
            str(row["request"]), self.moment(row["due_at"]), where(row), row["undertaking"],
            row["gist"],
        )  # fmt: skip

    def promised_next(self, shown: int = LISTED) -> Table | None:
        listed = self.w.promised_next
        if not listed:
            return None
        return Table(
            "promised_next",
            _("Promised for {next}").format(next=self.next),
            (_("No."), _("By"), _("Where"), _("Promised"), _("What")),
            tuple(map(self.promise_cells, listed[:shown])),
            wide=4,
            more=self.more(self.w.undertakings_next, "undertakings_next", shown),
        )  # fmt: skip

    def overdue(self, shown: int = LISTED) -> Table | None:
        listed = self.w.overdue_list
        if not listed:
            return None
        rows = []
        for row in listed[:shown]:
            due = moment_of(row["due_at"], self.zone)
            assert due is not None
            rows.append(
                (
                    str(row["request"]), label(self.names, "urgency", row["urgency"]), where(row),
                    row["gist"], row["by"] or "", due, late_text(due, self.until),
                )
            )  # fmt: skip
        return Table(
            "overdue",
            _("Overdue, by name"),
            (
                _("No."),
                _("Urgency"),
                _("Where"),
                _("What"),
                _("Handled by"),
                _("Due"),
                _("Late by"),
            ),
            tuple(rows),
            wide=3,
            more=self.more(self.w.overdue, "overdue", shown),
        )

    def what_was_done(self, row: Mapping[str, Any]) -> str:
        closed = moment_of(row["closed_at"], self.zone)
        if closed is not None:
            began = moment_of(row["started_at"], self.zone)
            assert began is not None
            said = _("{status} after {span} ({who})").format(
                status=request_state(row["status"]),
                span=late_text(began, closed),
                who=row["closed_by"],
            )
            return _("{said}: {note}").format(said=said, note=row["note"]) if row["note"] else said
        due = moment_of(row["due_at"], self.zone)
        assert due is not None
        said = _("NOT ANSWERED")
        if due < self.until:
            said += _(", late by {span}").format(span=late_text(due, self.until))
        steps = [
            f"{who} {sentence(kind, named(data, self.names), note)}"
            for _at, kind, who, note, data in row["story"]
        ]
        return _("; ").join([said, *steps[-1:]])
