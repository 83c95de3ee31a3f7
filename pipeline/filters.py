"""What is asked of requests and calls beside words (when, who, where, of what kind), as SQL."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pipeline.rows import utc
from pipeline.script import fold


def request_filter(
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    caller: str | None = None,
    place: str | None = None,
    **columns: str | int | None,
) -> tuple[str, list[Any]]:
    """SQL on `requests AS r` and `calls AS c`, and its parameters; see `Log.request_numbers`.

    `columns` are columns of requests with the value asked for, or None.
    """
    where: list[str] = []
    params: list[Any] = []
    for column, value in columns.items():
        if value is not None:
            where.append(f"r.{column} = ?")
            params.append(value)
    for figure in _figures(place or ""):
        where.append("? IN (r.lane, r.building, r.unit, r.room)")
        params.append(figure)
    more, also = call_filter(since, until, caller)
    return " AND ".join([*where, more]), [*params, *also]


def call_filter(
    since: datetime | None = None, until: datetime | None = None, caller: str | None = None
) -> tuple[str, list[Any]]:
    """SQL on `calls AS c` (and `requests AS r`, if the caller is asked for), and its parameters."""
    where = ["1"]
    params: list[Any] = []
    if since is not None:
        where.append("c.started_utc >= ?")
        params.append(utc(since))
    if until is not None:
        where.append("c.started_utc < ?")
        params.append(utc(until))
    if caller is not None:
        phone = "".join(char for char in fold(caller) if char.isdigit())
        names = "instr(coalesce(r.caller_name, ''), ?) OR instr(coalesce(c.caller_name, ''), ?)"
        where.append(f"({names} OR (? <> '' AND (instr(r.phone, ?) OR instr(c.caller_phone, ?))))")
        params += [caller, caller, phone, phone, phone]
    return " AND ".join(where), params


def _figures(text: str) -> list[str]:
    """The figures in a place as staff type it: 2号楼501 gives 2 and 501."""
    spaced = "".join(char if char.isascii() and char.isalnum() else " " for char in fold(text))
    return spaced.upper().split()
