"""When a request must be answered: the earlier of its urgency's limit and its own deadline."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from pipeline.dates import add_working_days, calendar_covers
from pipeline.types import Urgency


@dataclass(frozen=True, slots=True)
class Limits:
    """How soon each urgency is answered, and the days off and of work that the office has besides the
    public ones. The defaults are those of the taxonomy; offices differ."""

    critical_minutes: int = 30
    urgent_hours: int = 24
    routine_working_days: int = 5
    holidays: frozenset[date] = frozenset()
    workdays: frozenset[date] = frozenset()


DEFAULT_LIMITS = Limits()


def due(
    urgency: Urgency,
    started_at: datetime,
    due_hint: datetime | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> datetime:
    """When the answer is due, in the zone of `started_at`.

    `due_hint` is the need's own deadline or the promise's. One that was over before the call began is
    passed by; one without a zone is in the call's. Working days are the mainland's; past the end of
    the holiday calendar they are Monday to Friday: ask `by_weekdays` and say so.
    """
    limit = _limit(urgency, started_at, limits)
    if due_hint is None:
        return limit
    if (due_hint.tzinfo is None) != (started_at.tzinfo is None):
        due_hint = due_hint.replace(tzinfo=started_at.tzinfo)
    if due_hint.tzinfo is not None:
        due_hint = due_hint.astimezone(started_at.tzinfo)
    return min(limit, due_hint) if due_hint > started_at else limit


def by_weekdays(urgency: Urgency, started_at: datetime, limits: Limits = DEFAULT_LIMITS) -> bool:
    """Whether `due` had to count weekdays because the holiday calendar ends before the limit."""
    return urgency == "routine" and not calendar_covers(_limit(urgency, started_at, limits).date())


def _limit(urgency: Urgency, started_at: datetime, limits: Limits) -> datetime:
    if urgency == "critical":
        return started_at + timedelta(minutes=limits.critical_minutes)
    if urgency == "urgent":
        return started_at + timedelta(hours=limits.urgent_hours)
    return add_working_days(
        started_at, limits.routine_working_days, limits.holidays, limits.workdays
    )
