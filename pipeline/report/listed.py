"""The requests that are told one by one: the critical, the promised, the overdue; and files not heard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pipeline.report import rows

if TYPE_CHECKING:
    from pipeline.log import Log

LISTED = 500
"""At most so many requests are listed one by one; their number is always the whole."""

_FATES = ("kept", "broken", "pending", "void")
_UNHEARD = tuple(f"recordings_unheard.{state}" for state in rows.UNHEARD)
TOLD = {
    "by_urgency.critical", "overdue", "undertakings_due", "undertakings_next", "undertakings_made",
    *(f"undertakings_{fate}" for fate in _FATES), *_UNHEARD,
}  # fmt: skip
"""The figures whose rows are told one by one."""


def listed(log: Log, found: Mapping[str, Sequence[int]]) -> dict[str, Any]:
    """The requests that are told one by one."""

    def take(name: str, order: str) -> list[dict[str, Any]]:
        return rows.details(log, rows.ordered(log, found.get(name, []), order, LISTED))

    fate = {number: fate for fate in _FATES for number in found.get(f"undertakings_{fate}", [])}
    promised = list(dict.fromkeys([*found.get("undertakings_due", []), *found.get("undertakings_made", [])]))  # fmt: skip
    files = [one for name in _UNHEARD for one in found.get(name, [])][:LISTED]
    return {
        "critical": tuple(
            {
                **_told(row),
                "closed_at": row["closed_at"],
                "closed_by": row["closed_by"],
                "note": row["closed_note"],
                "story": row["story"],
            }
            for row in rows.details(log, found.get("by_urgency.critical", [])[:LISTED])
        ),
        "undertakings": tuple(
            {**_promise(row), "fate": fate.get(row["number"])}
            for row in rows.details(log, promised[:LISTED])
        ),
        "promised_next": tuple(
            _promise(row) for row in take("undertakings_next", rows.SOONEST_FIRST)
        ),
        "overdue_requests": tuple(sorted(found.get("overdue", []))),
        "overdue_list": tuple(_told(row) for row in take("overdue", rows.WORST_FIRST)),
        "unheard": tuple(
            {name: row[name] for name in ("recording", "state", "path", "reason")}
            for row in rows.recording_facts(log, files)
        ),
    }


def _told(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "request": row["number"],
        "started_at": row["started_at"],
        "category": row["category"],
        "urgency": row["urgency"],
        "building": row["building"],
        "unit": row["unit"],
        "room": row["room"],
        "gist": row["gist"],
        "status": row["status"],
        "due_at": row["due_at"],
        "by": row["assignee"] or (row["story"][-1][2] if row["story"] else None),
    }


def _promise(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "request": row["number"],
        "undertaking": row["undertaking"] or "",
        "due_at": row["undertaking_due_at"],
        "gist": row["gist"],
        "building": row["building"],
        "unit": row["unit"],
        "room": row["room"],
        "status": row["status"],
    }
