"""Requests on one matter: which earlier ones a request may repeat, and which it does."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pipeline.errors import UsageProblem
from pipeline.i18n import _
from pipeline.likeness import likeness
from pipeline.rows import RequestRow, Row, utc

if TYPE_CHECKING:
    from pipeline.log import Log

_SAME_HOUSE = (
    "coalesce(r.unit = :unit, 1) AND coalesce(r.lane = :lane, 1) AND r.building = :building"
)
_SAME_PARTY = f"(coalesce(r.phone, c.caller_phone) = :phone OR ({_SAME_HOUSE} AND r.room IS :room))"
"""That a request is of the same number or place as the one of `_party`."""
_ALIKE = 0.3
"""Likeness of two gists from which they may be one matter: of gists of one category that are not, 1 in
86 is as alike; of two categories, 1 in 5,000 (the hand-written calls and the development calls)."""


def find_repeats(log: Log, number: int, days: int = 14) -> list[int]:
    """Earlier requests on the same matter, oldest first, from other calls of the `days` before; and
    what those repeat.

    The same matter is the same number or place with the same category, or with like words where
    the category is another; or the same house with the same category and like words: the lift is
    told of by many. Places are the same when building and room are, and entrance and lane where
    both were said.
    """
    row = log.request(number)
    since, until = utc(row.started_at - timedelta(days=days)), utc(row.started_at)
    found = _same_matter(
        log, row, "(c.started_utc < :until OR r.number < :number)", since=since, until=until
    )
    if not found:
        return []
    return [
        again["number"]
        for again in log.query(
            "SELECT r.number FROM requests AS r JOIN calls AS c ON c.id = r.call_id "
            "WHERE coalesce(r.repeat_of, r.number) IN (SELECT value FROM json_each(?)) "
            "AND r.number <> ? AND r.status <> 'dismissed' AND c.started_utc <= ? "
            "ORDER BY c.started_utc, r.number",
            (json.dumps([one["root"] for one in found]), number, until),
        )
    ]


def find_later(log: Log, number: int, days: int = 14) -> list[int]:
    """Requests that may repeat this one though they came into the log before it, in the order of
    their calls; see `find_repeats`."""
    row = log.request(number)
    since, until = utc(row.started_at), utc(row.started_at + timedelta(days=days))
    found = _same_matter(
        log, row, "r.number < :number AND c.started_utc > :since", since=since, until=until
    )
    return [later["number"] for later in found]


def _same_matter(log: Log, row: RequestRow, when: str, *, since: str, until: str) -> list[Row]:
    """Requests of other calls between two times that may be on the same matter, in their order."""
    return [
        other
        for other in log.query(
            "SELECT r.number, r.category, r.gist, coalesce(r.repeat_of, r.number) AS root, "
            f"{_SAME_PARTY} AS same_party FROM requests AS r JOIN calls AS c ON c.id = r.call_id "
            "WHERE r.call_id <> :call AND r.status <> 'dismissed' AND r.number <> :number "
            "AND c.started_utc >= :since AND c.started_utc <= :until "
            f"AND {when} AND ({_SAME_PARTY} OR (r.category = :category AND {_SAME_HOUSE})) "
            "ORDER BY c.started_utc, r.number",
            {**_party(row), "since": since, "until": until},
        )
        if (other["same_party"] and other["category"] == row.category)
        or likeness(row.gist, other["gist"] or "") >= _ALIKE
    ]


def link_repeat(log: Log, number: int, of: int) -> None:
    """Say that a request repeats an earlier one; it is linked to the first of them all.

    Raises:
        UsageProblem: a number is unknown, or the two would repeat each other.
    """
    with log.transaction():
        row, first = log.request(number), log.request(of)
        root = first.repeat_of or first.number
        if root == number:
            raise UsageProblem(
                _("Request {of} already repeats request {n}.").format(of=of, n=number)
            )
        log.update("requests", number, {"repeat_of": root})
        # Whatever repeated this one repeats the first one now.
        log.conn.execute("UPDATE requests SET repeat_of = ? WHERE repeat_of = ?", (root, number))
        log.event("repeat", request=number, call_id=row.call_id, data={"of": root})


def _party(row: RequestRow) -> dict[str, Any]:
    """What a request has in common with those that repeat it, as parameters."""
    return {
        "number": row.number,
        "category": row.category,
        "call": row.call_id,
        "phone": row.phone,
        **asdict(row.place),
    }
