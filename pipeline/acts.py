"""An act of staff in the log: what one command does, in one transaction, each step of it an event.

All of its numbers or none. Every event of an act carries `act` (the id of its first event) and `before`
(what the columns held), from which `undo.py` takes it back. Nothing is deleted: a request that was opened
by mistake is dismissed, a tag is withdrawn.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pipeline.errors import UsageProblem
from pipeline.i18n import _
from pipeline.rows import RequestRow, Row, iso

if TYPE_CHECKING:
    from pipeline.log import Log


class Act:
    """One act of staff on the log, inside of its transaction."""

    def __init__(self, log: Log, by: str, note: str | None, at: datetime | None) -> None:
        self.log, self.by, self.note = log, by, note
        self.number = log.next_event()
        self.at = at or log.now()

    def event(
        self,
        kind: str,
        *,
        request: int | None = None,
        call_id: int | None = None,
        recording_id: int | None = None,
        note: str | None = None,
        **data: Any,
    ) -> None:
        """Log a step of the act; by `data` it is told, and taken back."""
        self.log.event(
            kind,
            who=self.by,
            note=note or self.note,
            at=self.at,
            request=request,
            call_id=call_id,
            recording_id=recording_id,
            data={"act": self.number, **data},
        )

    def change(self, row: RequestRow, kind: str, changes: Row, **data: Any) -> None:
        """Set columns of a request, with the event that says so."""
        held = self.log.one("SELECT * FROM requests WHERE number = ?", (row.number,))
        assert held is not None
        before = {column: held[column] for column in changes}
        self.log.update("requests", row.number, changes)
        if "status" in changes:
            data |= {"from": row.status, "to": changes["status"]}
        self.event(kind, request=row.number, call_id=row.call_id, before=before, **data)

    def tag(self, number: int, tag: str, value: str, why: str | None = None) -> int:
        """A judgement by staff, which no rule or model overrules; its id."""
        return self.log.insert(
            "tags",
            {
                "request": number,
                "tag": tag,
                "value": value,
                "given_by": "staff",
                "who": self.by,
                "why": why or self.note,
                "at": iso(self.at),
            },
        )


@contextlib.contextmanager
def acting(log: Log, by: str, note: str | None, at: datetime | None = None) -> Iterator[Act]:
    """An act by the name of who acts: all that is done inside, or nothing. `at` is when it was (now)."""
    with log.transaction():
        yield Act(log, by, note, at)


def unique(numbers: Iterable[int]) -> list[int]:
    """Numbers as staff named them, each once."""
    return list(dict.fromkeys(numbers))


def refuse_closed(row: RequestRow) -> None:
    """Refuse to act on a request that was closed."""
    if row.closed_at is not None:
        raise UsageProblem(refusal(row, again=False))


def refusal(row: RequestRow, *, again: bool) -> str:
    """Why a request cannot be moved: it is there already (`again`), or was closed before."""
    closed = {
        "who": row.closed_by,
        "when": row.closed_at and row.closed_at.strftime("%m-%d %H:%M"),
        "n": row.number,
        "into": row.merged_into,
    }
    if row.status == "done":
        said = _("Request {n} is done already ({who}, {when}).")
    elif row.status == "dismissed":
        said = _("Request {n} was dismissed already ({who}, {when}).")
    elif row.status == "merged":
        said = _("Request {n} was merged into No. {into} ({who}, {when}).")
    elif row.status == "in_progress":
        said = _("Request {n} is being seen to already.")
    else:
        said = _("Request {n} is open already.")
    if not again:
        said += " " + _("To change that, put it back first: hotline reopen {n}")
    return said.format(**closed)
