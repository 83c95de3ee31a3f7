"""Where the log stands at a glance, and of which critical requests nobody was told yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pipeline.rows import RecordingRow, RequestRow, utc

if TYPE_CHECKING:
    from pipeline.log import Log

_OPEN = "status IN ('open', 'in_progress')"


@dataclass(frozen=True, slots=True)
class Standing:
    """How many requests are unanswered, how many of those are critical, and how many late; how many
    stretches of speech somebody must listen to."""

    open: int
    critical: int
    late: int
    unheard: int


def standing(log: Log, now: datetime) -> Standing:
    """The counts that `open` ends with, without its rows."""
    row = log.query(
        "SELECT count(*) AS n, coalesce(sum(urgency = 'critical'), 0) AS critical, "
        f"coalesce(sum(due_utc < ?), 0) AS late FROM requests WHERE {_OPEN}",
        (utc(now),),
    )[0]
    unheard = log.query(
        "SELECT count(*) AS n FROM spans WHERE kind = 'needs_listening' AND heard_at IS NULL"
    )[0]
    return Standing(row["n"], row["critical"], row["late"], unheard["n"])


def untold(log: Log) -> list[RequestRow]:
    """Critical requests that nobody sees to and of which nobody was told, in the order of their numbers."""
    found = log.query(
        "SELECT number FROM requests AS r WHERE urgency = 'critical' AND status = 'open' "
        "AND NOT EXISTS (SELECT 1 FROM events AS e WHERE e.request = r.number AND e.kind = 'alerted')"
    )
    return log.requests(numbers=[row["number"] for row in found]) if found else []


def danger(log: Log, number: int) -> str | None:
    """The words of its call for which a request is as urgent as it is; None where staff made it so."""
    tags = (tag for tag in log.tags(number) if tag.tag == "urgency" and tag.current)
    return next((tag.words for tag in tags), None)


def told(log: Log, number: int, data: Mapping[str, Any]) -> None:
    """Log that staff were told of a critical request; `data` says how."""
    with log.transaction():
        log.event("alerted", request=number, call_id=log.request(number).call_id, data=data)


def unheard_recordings(log: Log, *states: str) -> list[RecordingRow]:
    """Recordings in these states to which nobody listened yet."""
    heard_ids = {
        row["id"] for row in log.query("SELECT id FROM recordings WHERE heard_at IS NOT NULL")
    }
    return [row for state in states for row in log.recordings(state) if row.id not in heard_ids]
