"""The weekly summary: figures that are true to the rows.

A request counts into the period in which its call began; an answer into the one in which it was given.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from pipeline.types import URGENCIES

if TYPE_CHECKING:
    from pipeline.log import Log

CLOSING = ("done", "dismissed", "merged")
REOPENING = "reopened"
"""The kinds of event by which a request leaves the open list, and comes back."""


@dataclass(frozen=True, slots=True)
class Week:
    """The figures of `start` up to, without, `end` (days in the office's zone).

    `carried_over + requests + reopened - done - dismissed - merged == still_open`, always.
    `answered_in_time` and `answered_late` split `done` by the request's due time. `overdue` is of
    those still open when the period, or now if that is earlier, ends. `recordings` are states of the
    files first seen in the period, `not_counted` what the figures leave out because nobody heard it.
    """

    start: date
    end: date
    calls: int
    calls_before: int
    requests: int
    requests_before: int
    carried_over: int
    reopened: int
    done: int
    dismissed: int
    merged: int
    still_open: int
    overdue: int
    answered_in_time: int
    answered_late: int
    repeat_requests: int
    needs_listening: int
    by_category: dict[str, int]
    by_kind: dict[str, int]
    by_urgency: dict[str, int]
    by_building: dict[str, int]
    by_day: dict[str, int]
    recordings: dict[str, int]
    critical: tuple[dict[str, Any], ...]
    undertakings: tuple[dict[str, Any], ...]
    overdue_requests: tuple[int, ...]

    def as_dict(self) -> dict[str, Any]:
        row = asdict(self)
        row["start"], row["end"] = self.start.isoformat(), self.end.isoformat()
        return row


def figures(log: Log, start: date, end: date, zone: ZoneInfo, now: datetime) -> Week:
    """Count the period `start` up to, without, `end`."""
    first, last = _midnight(start, zone), _midnight(end, zone)
    before = _midnight(start - (end - start), zone)
    rows = log.requests()
    events = [e for e in log.events() if e.request is not None and e.kind in (*CLOSING, REOPENING)]
    events.sort(key=lambda event: (event.at, event.id))
    inside = [row for row in rows if first <= row.started_at < last]
    began = {row.number: row.started_at for row in rows}
    moved = [event for event in events if first <= event.at < last]
    kinds = Counter(event.kind for event in moved)
    due = {row.number: row.due_at for row in rows}
    in_time = sum(
        event.at <= due[event.request]
        for event in moved
        if event.kind == "done" and event.request is not None
    )
    until = min(last, now) if now > first else last
    open_then = _open_at(began, events, last)
    late = [n for n in open_then if due[n] < until]
    calls = [call.started_at for call in log.calls()]
    return Week(
        start=start,
        end=end,
        calls=sum(first <= at < last for at in calls),
        calls_before=sum(before <= at < first for at in calls),
        requests=len(inside),
        requests_before=sum(before <= row.started_at < first for row in rows),
        carried_over=len(_open_at(began, events, first)),
        reopened=kinds[REOPENING],
        done=kinds["done"],
        dismissed=kinds["dismissed"],
        merged=kinds["merged"],
        still_open=len(open_then),
        overdue=len(late),
        answered_in_time=in_time,
        answered_late=kinds["done"] - in_time,
        repeat_requests=sum(row.repeat_of is not None for row in inside),
        needs_listening=sum(first <= span.started_at < last for span in log.needs_listening()),
        by_category=_counts(row.category for row in inside),
        by_kind=_counts(row.kind for row in inside),
        by_urgency={level: sum(row.urgency == level for row in inside) for level in URGENCIES},
        by_building=_counts(row.place.building for row in inside if row.place.building),
        by_day={
            day.isoformat(): sum(row.started_at.astimezone(zone).date() == day for row in inside)
            for day in _days(start, end)
        },
        recordings=_counts(
            row.state for row in log.recordings() if first <= row.first_seen_at < last
        ),
        critical=tuple(
            {
                "request": row.number,
                "started_at": row.started_at.isoformat(),
                "gist": row.gist,
                "status": row.status,
                "closed_at": row.closed_at.isoformat() if row.closed_at else None,
                "note": row.closed_note,
            }
            for row in inside
            if row.urgency == "critical"
        ),
        undertakings=tuple(
            {
                "request": row.number,
                "undertaking": row.undertaking,
                "due_hint": row.due_hint.date().isoformat() if row.due_hint else None,
                "status": row.status,
            }
            for row in inside
            if row.undertaking
        ),
        overdue_requests=tuple(sorted(late)),
    )


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, datetime.min.time(), zone)


def _days(start: date, end: date) -> list[date]:
    return [start + timedelta(days=n) for n in range((end - start).days)]


def _counts(values: Any) -> dict[str, int]:
    return dict(Counter(values).most_common())


def _open_at(began: dict[int, datetime], events: Sequence[Any], moment: datetime) -> set[int]:
    """The requests that had begun and were unanswered at `moment`, by replaying their events."""
    unanswered = {number for number, at in began.items() if at < moment}
    for event in events:  # in order of time
        if event.at < moment and event.request in began and began[event.request] < moment:
            if event.kind in CLOSING:
                unanswered.discard(event.request)
            elif event.kind == REOPENING:
                unanswered.add(event.request)
    return unanswered
