"""The figures of a period: true to the rows, adding up from one period to the next.

A request counts into the period in which its call began; an answer, a dismissal, a reopening into the one
in which it happened. Every figure has a name, and the rows that it counts are had under that name
(`lead`): a figure is the number of its rows, never computed another way.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from pipeline.dates import Period
from pipeline.report import rows
from pipeline.report.compared import NOTHING, TEXTS, stood_out
from pipeline.report.listed import TOLD, listed
from pipeline.report.tally import Tally, bounds, fill
from pipeline.types import URGENCIES

if TYPE_CHECKING:
    from pipeline.log import Log

GROUPS = (
    "by_category", "by_kind", "by_urgency", "by_building", "by_day", "by_month", "by_hour",
    "repeats_by_category", "carried_over_by_urgency", "reopened_by_urgency", "done_by_urgency",
    "dismissed_by_urgency", "merged_by_urgency", "still_open_by_urgency", "overdue_by_urgency", "in_time_by_urgency",
    "late_by_urgency", "recordings", "recordings_unheard", "corrected_by_tag", "models",
)  # fmt: skip
"""Figures that are many: the row's name is the group's, a dot and the key, such as by_category.medical."""

SINGLES = (
    "calls", "calls_timed_by_file", "calls_at_desk", "requests", "requests_without_building", "carried_over", "logged_late", "reopened", "done",
    "dismissed", "merged", "still_open", "overdue", "answered_in_time", "answered_late",
    "repeat_requests", "review", "needs_listening", "needs_listening_before", "recordings_arrived",
    "recordings_before", "corrected", "undertakings_made",
    "undertakings_undated", "undertakings_due", "undertakings_kept", "undertakings_broken",
    "undertakings_pending", "undertakings_void", "undertakings_next",
)  # fmt: skip
"""Figures that are one number each."""


@dataclass(frozen=True, slots=True)
class Week:
    """The figures of `start` up to, without, `end` (days in the office's zone), made at `made_at`.

    `carried_over + requests + reopened - done - dismissed - merged == still_open`, always.
    `answered_in_time` and `answered_late` split `done` by the request's due time as the log holds it.
    `overdue` is of those still open when the period, or now if that is earlier, ends. `logged_late` are
    those of `carried_over` whose recording came only in this period: the summary before could not
    know them. `undertakings_due` of the period is kept + broken + pending + void (dismissed or merged
    meanwhile). `recordings` are states of the files first seen in the period, `recordings_unheard`
    those of them that nobody listened to though no words were got; `recordings_before` and
    `needs_listening_before` wait from earlier to this day. `before` holds the same figures of the period
    before, None where the log is younger than that; `before_whole` is false where the log began in
    its midst. While the period is not over, it is compared with as much of the one before, up to
    `before_until` (None: with the whole).
    """

    start: date
    end: date
    kind: str
    name: str
    zone: str
    made_at: datetime
    over: bool
    log_began: date | None
    calls: int
    calls_before: int
    calls_timed_by_file: int
    calls_at_desk: int
    requests: int
    requests_before: int
    requests_without_building: int
    carried_over: int
    logged_late: int
    reopened: int
    done: int
    dismissed: int
    merged: int
    still_open: int
    overdue: int
    answered_in_time: int
    answered_late: int
    repeat_requests: int
    review: int
    needs_listening: int
    needs_listening_s: float
    needs_listening_before: int
    recordings_arrived: int
    recordings_before: int
    corrected: int
    undertakings_made: int
    undertakings_undated: int
    undertakings_due: int
    undertakings_kept: int
    undertakings_broken: int
    undertakings_pending: int
    undertakings_void: int
    undertakings_next: int
    by_category: dict[str, int]
    by_kind: dict[str, int]
    by_urgency: dict[str, int]
    by_building: dict[str, int]
    by_day: dict[str, int]
    by_month: dict[str, int]
    by_hour: dict[str, int]
    repeats_by_category: dict[str, int]
    carried_over_by_urgency: dict[str, int]
    reopened_by_urgency: dict[str, int]
    done_by_urgency: dict[str, int]
    dismissed_by_urgency: dict[str, int]
    merged_by_urgency: dict[str, int]
    still_open_by_urgency: dict[str, int]
    overdue_by_urgency: dict[str, int]
    in_time_by_urgency: dict[str, int]
    late_by_urgency: dict[str, int]
    recordings: dict[str, int]
    recordings_unheard: dict[str, int]
    corrected_by_tag: dict[str, int]
    models: dict[str, int]
    before: dict[str, Any] | None
    before_whole: bool
    before_until: datetime | None
    compared_periods: int
    compared_days: int
    rises: tuple[dict[str, Any], ...]
    new_words: tuple[dict[str, Any], ...]
    new_places: tuple[dict[str, Any], ...]
    critical: tuple[dict[str, Any], ...]
    undertakings: tuple[dict[str, Any], ...]
    promised_next: tuple[dict[str, Any], ...]
    overdue_requests: tuple[int, ...]
    overdue_list: tuple[dict[str, Any], ...]
    unheard: tuple[dict[str, Any], ...]
    masked: bool = False

    @property
    def period(self) -> Period:
        return Period(self.start, self.end)

    @property
    def adds_up(self) -> bool:
        """Whether the balance is a sum; always, or the program has a fault."""
        out = self.done + self.dismissed + self.merged
        return self.carried_over + self.requests + self.reopened - out == self.still_open

    def as_dict(self) -> dict[str, Any]:
        row = {one.name: getattr(self, one.name) for one in fields(self)}
        row["start"], row["end"] = self.start.isoformat(), self.end.isoformat()
        row["made_at"] = self.made_at.isoformat(timespec="seconds")
        row["before_until"] = self.before_until.isoformat() if self.before_until else None
        row["log_began"] = self.log_began.isoformat() if self.log_began else None
        return row


def count(
    log: Log,
    start: date,
    end: date,
    zone: ZoneInfo,
    now: datetime,
    *,
    keep: Callable[[str], bool] = lambda name: False,
    kept: dict[str, list[int]] | None = None,
    compare: bool = True,
) -> Week:
    """Count the period `start` up to, without, `end`.

    The rows behind each figure for whose name `keep` is true are put into `kept`. `compare=False`
    leaves out what is measured against earlier periods (rises, words, places), which reads texts.
    """
    period = Period(start, end)
    with log.snapshot():
        tally = Tally.of(period, zone, now, keep=lambda name: name in TOLD or keep(name))
        began_at = rows.first_call(log)
        began = datetime.fromisoformat(began_at).astimezone(zone).date() if began_at else None
        until = _so_far(period, zone, now)
        earlier = None
        if began is not None and began < period.start:
            earlier = Tally.of(period.back(), zone, now, until=until)
        fill(log, [tally, earlier] if earlier else [tally])
        if kept is not None:
            kept.update({name: found for name, found in tally.rows.items() if keep(name)})
        return Week(
            start=period.start,
            end=period.end,
            kind=period.kind,
            name=period.name,
            zone=str(zone),
            made_at=now,
            over=now >= period.moments(zone)[1],
            log_began=began,
            calls_before=earlier.counts["calls"] if earlier else 0,
            requests_before=earlier.counts["requests"] if earlier else 0,
            needs_listening_s=round(tally.seconds, 1),
            before=None if earlier is None else _plain(earlier),
            before_until=None if earlier is None else until,
            before_whole=began is not None and began <= period.back().start,
            **_any({name: tally.counts[name] for name in SINGLES}),
            **_any(_groups(tally, period)),
            **(stood_out(log, period, zone, now, began) if compare else NOTHING),
            **listed(log, tally.rows),
        )


def lead(log: Log, period: Period, zone: ZoneInfo, now: datetime, name: str) -> list[int] | None:
    """The rows that a figure counts, as its ids in the log, or None if no figure has this name.

    Requests by their number (one that was answered twice stands twice under `done`); calls for `calls…` and `models.…`,
    recordings for `recordings.…`, stretches of speech for `needs_listening`.
    """
    group = name.partition(".")[0]
    if name not in SINGLES and not (
        "." in name and (group in GROUPS or group in ("word", "building_category"))
    ):
        return None
    with log.snapshot():
        if group == "word":
            first, last = bounds(period, zone)
            word = name.partition(".")[2]
            return [n for n, text in rows.texts(log, first, last, TEXTS) if word in text]
        tally = Tally.of(period, zone, now, keep=lambda one: one == name)
        fill(log, [tally])
        return tally.rows.get(name, [])


def _so_far(period: Period, zone: ZoneInfo, now: datetime) -> datetime | None:
    """Up to when the period before is counted while this one is not over; None: the whole of it."""
    first, last = period.moments(zone)
    begins, ends = period.back().moments(zone)
    return min(begins + (now - first), ends) if first <= now < last else None


def _groups(tally: Tally, period: Period) -> dict[str, dict[str, int]]:
    """The figures that are many; urgencies, days, months and hours with those that have none, in their order."""
    groups = {name: tally.group(name) for name in GROUPS}
    days = [(period.start + timedelta(days=n)).isoformat() for n in range(period.days)]
    every = {
        "by_day": days,
        "by_month": list(dict.fromkeys(day[:7] for day in days)),
        "by_hour": [f"{hour:02}" for hour in range(24)],
        **{name: URGENCIES for name in GROUPS if name.endswith("by_urgency")},
    }
    return groups | {
        name: {key: groups[name].get(key, 0) for key in keys} for name, keys in every.items()
    }


def _any(values: dict[str, Any]) -> dict[str, Any]:
    return values


_COMPARED = ("by_category", "by_kind", "by_urgency", "by_building", "repeats_by_category")


def _plain(tally: Tally) -> dict[str, Any]:
    """The figures of the period before: the single ones, and the groups that are compared."""
    return {
        **{name: tally.counts[name] for name in SINGLES},
        **{name: tally.group(name) for name in _COMPARED},
    }
