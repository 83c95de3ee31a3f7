"""The weekly summary: figures that are true to the rows, and their lines for the terminal.

A request counts into the period in which its call began; an answer into the one in which it was given.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from pipeline.i18n import _, plural
from pipeline.types import URGENCIES

if TYPE_CHECKING:
    from pipeline.log import Log
    from pipeline.taxonomy import Taxonomy

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


def lines(week: Week, names: Taxonomy, office: str) -> list[str]:
    """The summary as lines for the terminal, one page."""
    title = _("Weekly summary") if (week.end - week.start).days == 7 else _("Summary")
    last = week.end - timedelta(days=1)
    said = [
        f"{office}  {title}  {week.start} – {last}".strip(),
        "",
        _("Calls {n} ({change})  ·  requests {m} ({change2})").format(
            n=week.calls,
            change=_change(week.calls, week.calls_before),
            m=week.requests,
            change2=_change(week.requests, week.requests_before),
        ),
        _(
            "Open before {carried} + new {new} + reopened {re} − done {done} − dismissed "
            "{dismissed} − merged {merged} = open now {open}"
        ).format(
            carried=week.carried_over,
            new=week.requests,
            re=week.reopened,
            done=week.done,
            dismissed=week.dismissed,
            merged=week.merged,
            open=week.still_open,
        ),
        _("Answered in time {a}, late {b}  ·  overdue {c}  ·  repeat calls {d}").format(
            a=week.answered_in_time, b=week.answered_late, c=week.overdue, d=week.repeat_requests
        ),
    ]
    if week.requests:
        said += ["", _("By urgency")]
        said += _bars({names.name("urgency", k): n for k, n in week.by_urgency.items() if n})
        said += ["", _("By category")]
        said += _bars({names.name("category", k): n for k, n in week.by_category.items()})
    if week.critical:
        said += ["", _("Critical, one by one")]
        said += [
            _("  No. {n}  {gist}  ({status})").format(
                n=c["request"], gist=c["gist"], status=_status(c)
            )
            for c in week.critical
        ]
    if week.undertakings:
        said += ["", _("Promised")]
        said += [
            _("  No. {n}  {words}  ({status})").format(
                n=u["request"], words=u["undertaking"], status=u["status"]
            )
            for u in week.undertakings
        ]
    if week.overdue_requests:
        said += [
            "",
            _("Overdue: No. {numbers}").format(numbers=", ".join(map(str, week.overdue_requests))),
        ]
    unheard = {
        k: n
        for k, n in week.recordings.items()
        if k in ("failed", "received", "silent", "unsupported", "arriving")
    }
    if unheard or week.needs_listening:
        said += ["", _("What these figures do not show")]
    if week.needs_listening:
        said.append(
            "  "
            + plural(
                "{n} stretch of speech that nobody understood yet",
                "{n} stretches of speech that nobody understood yet",
                week.needs_listening,
            ).format(n=week.needs_listening)
        )
    said += [
        "  "
        + plural("{n} recording: {state}", "{n} recordings: {state}", n).format(
            n=n, state=_state(state)
        )
        for state, n in unheard.items()
    ]
    return said


def _change(now: int, before: int) -> str:
    if not before:
        return _("none the week before")
    return _("{d:+d} on the week before").format(d=now - before)


def _status(row: dict[str, Any]) -> str:
    return f"{row['status']}: {row['note']}" if row["note"] else str(row["status"])


def _state(state: str) -> str:
    return {
        "failed": _("failed"),
        "received": _("not heard yet"),
        "silent": _("silent; somebody must listen"),
        "unsupported": _("no sound inside"),
        "arriving": _("still arriving"),
    }.get(state, state)


def _bars(counts: dict[str, int], width: int = 30) -> list[str]:
    """Counts as bars of text, names padded by the columns that a terminal gives them."""
    from rich.cells import cell_len

    most = max(counts.values(), default=1)
    wide = max((cell_len(name) for name in counts), default=0)
    return [
        f"  {name}{' ' * (wide - cell_len(name))}  {'█' * max(1, round(n / most * width))} {n}"
        for name, n in counts.items()
    ]
