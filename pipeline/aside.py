"""Words that were set aside as not said: kept with their reason, and brought back by who hears them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pipeline.acts import acting
from pipeline.errors import UsageProblem
from pipeline.i18n import _
from pipeline.opened import add_stretch
from pipeline.rows import Row, iso, when

if TYPE_CHECKING:
    from pipeline.log import Log
    from pipeline.types import Request


@dataclass(frozen=True, slots=True)
class Aside:
    """A segment of a hearing that was set aside. `reason` is phantom, loop, echo or garbled."""

    id: int
    call_id: int
    channel: int
    start: float
    end: float
    text: str
    reason: str
    restored_at: datetime | None
    restored_by: str | None


_SQL = (
    "SELECT s.*, x.call_id FROM segments AS s JOIN transcripts AS x ON x.id = s.transcript_id "
    "WHERE s.set_aside IS NOT NULL "
)


def of_call(log: Log, call_id: int) -> list[Aside]:
    """What the hearing of a call that counts set aside, in order of time."""
    rows = log.query(_SQL + "AND x.is_current AND x.call_id = ? ORDER BY s.start_s", (call_id,))
    return [_aside(row) for row in rows]


def one(log: Log, aside_id: int) -> Aside:
    """Words that were set aside, by their number.

    Raises:
        UsageProblem: there are none of this number.
    """
    rows = log.query(_SQL + "AND s.id = ?", (aside_id,))
    if not rows:
        raise UsageProblem(
            _("Nothing was set aside as A{n}. See what was with: hotline show --call N").format(
                n=aside_id
            )
        )
    return _aside(rows[0])


def bring_back(
    log: Log,
    aside_id: int,
    told: Request,
    due_at: datetime,
    values: Mapping[str, Any],
    *,
    by: str,
    note: str | None = None,
) -> int:
    """Say that words that were set aside were said: they are a request from then on; its number.

    `told` is what they are understood to ask, `values` what staff say of it (see `life.correct`). What
    had to be listened to there was listened to.

    Raises:
        UsageProblem: there are none of this number, or they were brought back before.
    """
    with acting(log, by, note) as act:
        found = one(log, aside_id)
        if found.restored_at is not None:
            raise UsageProblem(
                _("A{n} was brought back already ({who}, {when}).").format(
                    n=aside_id, who=found.restored_by, when=f"{found.restored_at:%m-%d %H:%M}"
                )
            )
        log.update("segments", aside_id, {"restored_at": iso(act.at), "restored_by": by})
        act.event("restored", call_id=found.call_id, segment=aside_id)
        for span in log.needs_listening():
            if (
                (span.call_id, span.channel) == (found.call_id, found.channel)
                and span.start >= found.start - 0.5
                and span.end <= found.end + 0.5
            ):
                log.update("spans", span.id, {"heard_at": iso(act.at), "heard_by": by})
                act.event("heard", call_id=span.call_id, span=span.id)
        return add_stretch(
            act, found.call_id, found.start, found.end, told, due_at,
            {"words": found.text, **values}, how="restored",
        )  # fmt: skip


def _aside(row: Row) -> Aside:
    return Aside(
        id=row["id"],
        call_id=row["call_id"],
        channel=row["channel"],
        start=row["start_s"],
        end=row["end_s"],
        text=row["text"],
        reason=row["set_aside"],
        restored_at=when(row["restored_at"]),
        restored_by=row["restored_by"],
    )
