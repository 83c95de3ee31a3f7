"""The last act of staff, taken back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from pipeline.acts import Act, acting, unique
from pipeline.errors import UsageProblem
from pipeline.i18n import _
from pipeline.life import reindex
from pipeline.pieces import set_pieces
from pipeline.rows import TAG_COLUMNS, EventRow, event_row, iso
from pipeline.speakers import flip

if TYPE_CHECKING:
    from pipeline.log import Log


@dataclass(frozen=True, slots=True)
class Taken:
    """What `undo` took back: the kind of its events, who had done it when, and to which requests."""

    kind: str
    who: str
    at: datetime
    numbers: tuple[int, ...]


def undo(log: Log, *, by: str, note: str | None = None) -> Taken:
    """Take back the last thing that anybody did and that was not taken back yet.

    Raises:
        UsageProblem: there is nothing to take back.
    """
    with acting(log, by, note) as act:
        events = _last_act(log)
        if not events:
            raise UsageProblem(_("There is nothing to take back."))
        touched = [number for event in reversed(events) for number in _take_back(act, event)]
        first = events[0]
    return Taken(first.kind, first.who, first.at, tuple(unique(touched)))


def _take_back(act: Act, event: EventRow) -> list[int]:
    """Take back what one event did; the requests that it touched."""
    log, data = act.log, event.data
    undone = {"undoes": data["act"], "what": event.kind}
    for tag_id in data.get("tags", ()):
        log.insert("withdrawn_tags", {"tag_id": tag_id, "at": iso(act.at), "who": act.by})
    for number, rows in data.get("pieces", {}).items():
        names = ("span_id", "start_char", "end_char", "start_s", "end_s")
        set_pieces(log, int(number), [dict(zip(names, row, strict=True)) for row in rows])
    if "span" in data:
        log.update("spans", data["span"], {"heard_at": None, "heard_by": None})
    if "flipped" in data:
        flip(log, data["flipped"], data["sure"])
    if "recording" in data:
        log.update("recordings", data["recording"], {"heard_at": None, "heard_by": None})
    if "segment" in data:
        log.update("segments", data["segment"], {"restored_at": None, "restored_by": None})
    if "version" in data and event.call_id is not None:
        from pipeline import decisions

        decisions.take_back(log, event.call_id, data)
    touched = []
    for number in data.get("opened", ()):
        row = log.request(number)
        if row.status != "dismissed":
            closed = {"status": "dismissed", "closed_at": iso(act.at), "closed_by": act.by,
                      "closed_note": _("taken back with undo")}  # fmt: skip
            act.change(row, "undone", closed, **undone)
        touched.append(number)
    if event.request is not None and data.get("before") is not None:
        row = log.request(event.request)
        before = dict(data["before"])
        for tag in {*TAG_COLUMNS} & {*before}:
            before[tag] = _judged(log, row.number, tag)
        if "gist" in before:
            reindex(log, row, str(before["gist"]))
        act.change(row, "undone", before, **undone)
        touched.append(row.number)
    elif event.request is None:
        act.event("undone", call_id=event.call_id, recording_id=event.recording_id, **undone)
    return touched


def _last_act(log: Log) -> list[EventRow]:
    """The events of the last act that stands, in the order in which they were logged."""
    row = log.one(
        "SELECT json_extract(data, '$.act') AS act FROM events AS e "
        "WHERE json_extract(data, '$.act') IS NOT NULL AND kind <> 'undone' "
        "AND json_extract(data, '$.act') NOT IN ("
        "SELECT json_extract(data, '$.undoes') FROM events WHERE kind = 'undone') "
        "ORDER BY id DESC LIMIT 1"
    )
    if row is None:
        return []
    return [
        event_row(one)
        for one in log.query(
            "SELECT * FROM events WHERE id >= ?1 AND json_extract(data, '$.act') = ?1 "
            "AND kind <> 'undone' ORDER BY id",
            (row["act"],),
        )
    ]


def _judged(log: Log, number: int, tag: str) -> str:
    return str(
        log.value("SELECT value FROM current_tags WHERE request = ? AND tag = ?", (number, tag))
    )
