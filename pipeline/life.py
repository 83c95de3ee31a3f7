"""The life of a request in the log: what staff do to it once it is there, each time an act (see `acts.py`)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pipeline import index
from pipeline.acts import Act, acting, refusal, refuse_closed, unique
from pipeline.errors import UsageProblem
from pipeline.i18n import _
from pipeline.log import PROGRAM
from pipeline.rows import TAG_COLUMNS, Judge, RequestRow, Row, iso, utc
from pipeline.types import URGENCIES, Place

if TYPE_CHECKING:
    from pipeline.log import Log

STAFF_TAGS = (
    "category", "kind", "urgency", "place", "phone", "caller", "gist", "words", "due", "promised",
)  # fmt: skip
"""What staff may correct. `words` is what was really said; the words as heard stay as they are. `due` is
when the answer is due, `promised` when what staff promised is."""

_COLUMNS = {
    "phone": "phone", "caller": "caller_name", "gist": "gist", "due": "due_at",
    "promised": "undertaking_due_at",
}  # fmt: skip
"""The columns of the tags that are kept under another name, or as they are."""

_TRANSITIONS: Mapping[str, tuple[str, ...]] = {
    "open": ("in_progress", "done", "dismissed"),
    "in_progress": ("open", "done", "dismissed"),
    "done": ("open",),
    "merged": ("open",),
    "dismissed": ("open",),
}
"""The states that a request can go to from each; merging is not a change of state alone."""

_STATUS_EVENT = {
    "open": "reopened",
    "in_progress": "started",
    "done": "done",
    "dismissed": "dismissed",
}


def set_status(
    log: Log,
    numbers: Iterable[int],
    status: str,
    *,
    by: str,
    note: str | None = None,
    at: datetime | None = None,
) -> list[RequestRow]:
    """Move requests to `status`, all of them or none, each with an event; the rows as they are now.

    `by` is the name of who acts, `at` when it happened (now, if not given).

    Raises:
        UsageProblem: a number is unknown, a request is in that state already, or cannot go there
            from where it is; the sentence says which and what to do.
    """
    if status not in _STATUS_EVENT:
        raise ValueError(f"no state that a request is set to: {status}")
    if status == "dismissed" and not (note or "").strip():
        raise UsageProblem(_("Say why it is no request: a note is needed to dismiss it."))
    numbers = unique(numbers)
    closes = status in ("done", "dismissed")
    with acting(log, by, note, at) as act:
        for number in numbers:
            row = log.request(number)
            if status not in _TRANSITIONS[row.status]:
                raise UsageProblem(refusal(row, again=row.status == status))
            changes: Row = {
                "status": status,
                "closed_at": iso(act.at) if closes else None,
                "closed_by": by if closes else None,
                "closed_note": note if closes else None,
                "merged_into": None,
            }
            act.change(row, _STATUS_EVENT[status], changes)
    return log.requests(numbers=numbers)


def retag(
    log: Log,
    number: int,
    tag: str,
    value: str,
    *,
    by: Judge,
    why: str | None = None,
    who: str = PROGRAM,
    due_at: datetime | None = None,
) -> RequestRow:
    """Judge a request anew; the old judgement stays beside. What staff said only staff change:
    a rule's or a model's word is then kept, but does not count.

    `due_at` moves when the answer is due, if the judgement counts.
    """
    with log.transaction():
        row = log.request(number)
        staff = log.value(
            "SELECT 1 FROM current_tags WHERE request = ? AND tag = ? AND given_by = 'staff'",
            (number, tag),
        )
        counts = by == "staff" or staff is None
        log.insert(
            "tags",
            {
                "request": number,
                "tag": tag,
                "value": value,
                "given_by": by,
                "who": who,
                "why": why,
                "at": iso(log.now()),
            },
        )
        changes: Row = {}
        if counts and tag in TAG_COLUMNS:
            changes[tag] = value
        if counts and due_at is not None:
            changes["due_at"] = iso(due_at)
        if changes:
            log.update("requests", number, changes)
        log.event(
            "corrected" if by == "staff" else "retagged",
            who=who,
            note=why,
            request=number,
            call_id=row.call_id,
            data={
                "tag": tag,
                "value": value,
                "before": getattr(row, tag) if tag in TAG_COLUMNS else None,
                "counts": counts,
            },
        )
    return log.request(number)


def assign(
    log: Log, numbers: Sequence[int], to: str | None, *, by: str, note: str | None = None
) -> list[RequestRow]:
    """Say who sees to requests, which are `in_progress` then; None puts them back to nobody, `open`.

    Raises:
        UsageProblem: a number is unknown, or its request is closed; nothing is changed.
    """
    with acting(log, by, note) as act:
        for number in unique(numbers):
            row = log.request(number)
            refuse_closed(row)
            changes: Row = {"assignee": to, "status": "open" if to is None else "in_progress"}
            act.change(row, "assigned", changes, assignee=to)
    return log.requests(numbers=numbers)


def tick(
    log: Log, number: int, conditions: Sequence[int], *, by: str, note: str | None = None
) -> RequestRow:
    """Say that conditions of an undertaking were met; they count from 1, in the order of `show`.

    Raises:
        UsageProblem: the request has no such condition, or it was ticked off before.
    """
    with acting(log, by, note) as act:
        row = log.request(number)
        if not row.conditions:
            raise UsageProblem(
                _("Request {n} has no conditions: nothing was asked for first.").format(n=number)
            )
        ticked = list(row.ticked)
        for place in unique(conditions):
            if not 1 <= place <= len(row.conditions):
                raise UsageProblem(
                    _(
                        "Request {n} has conditions 1 to {last}; see them with: hotline show {n}"
                    ).format(n=number, last=len(row.conditions))
                )
            said = row.conditions[place - 1]
            if said in ticked:
                raise UsageProblem(
                    _("Condition {place} of request {n} is ticked off already.").format(
                        place=place, n=number
                    )
                )
            ticked.append(said)
        met = [said for said in ticked if said not in row.ticked]
        changes = {"ticked": json.dumps(ticked, ensure_ascii=False)}
        act.change(row, "ticked", changes, conditions=met)
    return log.request(number)


def correct(
    log: Log,
    numbers: Sequence[int],
    values: Mapping[str, Any],
    *,
    by: str,
    note: str | None = None,
    due: Mapping[int, datetime] | None = None,
) -> list[RequestRow]:
    """What staff know better: a tag by staff for each of `values`, which no later run overwrites.

    `values` are by the names of STAFF_TAGS; `place` is a Place, `due` and `promised` datetimes, the rest text.
    `due` is when an answer is due by the new urgency, by number; a due time of the staff's own wins.

    Raises:
        UsageProblem: nothing to correct, or a number is unknown.
    """
    if not values:
        raise UsageProblem(_("Say what is right, for example: hotline correct 12 --urgency urgent"))
    with acting(log, by, note) as act:
        for number in unique(numbers):
            correct_one(act, log.request(number), values, (due or {}).get(number))
    return log.requests(numbers=numbers)


def correct_one(
    act: Act, row: RequestRow, values: Mapping[str, Any], due_at: datetime | None
) -> None:
    changes: Row = {}
    said: dict[str, str] = {}
    was: dict[str, str | None] = {}
    known = _known(act.log, row)
    for tag, value in values.items():
        said[tag], columns = _columns(tag, value)
        was[tag] = known.get(tag)
        changes |= columns
    # A due time that staff set themselves stays when the urgency is corrected.
    if due_at is not None and "due" not in values and "due" not in _by_staff(act.log, row.number):
        changes["due_at"] = iso(due_at)
    if "gist" in changes:
        reindex(act.log, row, str(changes["gist"]))
    tags = [act.tag(row.number, tag, value) for tag, value in said.items()]
    if set(values) & {*TAG_COLUMNS, "place"}:
        changes["review"] = 0  # somebody looked
    act.change(row, "corrected", changes, tags=tags, values=said, was=was)


def _known(log: Log, row: RequestRow) -> dict[str, str | None]:
    """What stands now for each tag that staff may correct, as text."""
    words = next((tag.value for tag in log.tags(row.number) if tag.current and tag.tag == "words"), row.text)  # fmt: skip
    return {
        "category": row.category,
        "kind": row.kind,
        "urgency": row.urgency,
        "place": str(row.place),
        "phone": row.phone,
        "caller": row.caller_name,
        "gist": row.gist,
        "due": iso(row.due_at),
        "promised": iso(row.undertaking_due) if row.undertaking_due else None,
        "words": words,
    }


def _columns(tag: str, value: Any) -> tuple[str, Row]:
    """A staff's value as the text of its tag, and the columns that it sets."""
    if isinstance(value, Place):
        return str(value), asdict(value)
    if isinstance(value, datetime):
        value = iso(value)
    if tag in TAG_COLUMNS:
        return value, {tag: value}
    return value, {_COLUMNS[tag]: value} if tag in _COLUMNS else {}


def _by_staff(log: Log, number: int) -> set[str]:
    return {tag.tag for tag in log.tags(number) if tag.current and tag.by == "staff"}


def reindex(log: Log, row: RequestRow, gist: str) -> None:
    found = index.terms_of(log, [gist])[gist]
    index.remove(log.conn, [-row.number])
    index.add(log.conn, -row.number, found, utc(row.started_at))


def merge(
    log: Log, into: int, numbers: Sequence[int], *, by: str, note: str | None = None
) -> RequestRow:
    """Say that requests ask for the same as `into`; they leave the list, their calls count with it.

    The one that stays gets the highest urgency and the earliest due time of them all.

    Raises:
        UsageProblem: a number is unknown, closed, or `into` itself.
    """
    with acting(log, by, note) as act:
        kept = log.request(into)
        refuse_closed(kept)
        rows = [log.request(number) for number in unique(numbers)]
        if not rows or any(row.number == into for row in rows):
            raise UsageProblem(
                _("Name one request to keep, and others to merge into it: hotline merge 12 15")
            )
        for row in rows:
            refuse_closed(row)
            changes = {
                "status": "merged",
                "merged_into": into,
                "closed_at": iso(act.at),
                "closed_by": by,
                "closed_note": note,
            }
            act.change(row, "merged", changes, into=into)
        level = min((row.urgency for row in (kept, *rows)), key=URGENCIES.index)
        changes = {"due_at": iso(min(row.due_at for row in (kept, *rows)))}
        tags: list[int] = []
        if level != kept.urgency:
            why = _("as in a request that was merged into it")
            changes["urgency"] = level
            tags.append(act.tag(into, "urgency", level, why))
        act.change(kept, "merged_from", changes, tags=tags, numbers=[row.number for row in rows])
    return log.request(into)
