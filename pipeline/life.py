"""The life of a request in the log: what staff do to it, each act an event, each act to be taken back.

What one command does is one act in one transaction: all of its numbers or none. Every event of an act
carries `act` (the id of its first event) and `before` (what the columns held), from which `undo` takes
it back. Nothing is deleted: a request that was opened by mistake is dismissed, a tag is withdrawn.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pipeline import hearings, index, understandings
from pipeline.errors import UsageProblem
from pipeline.i18n import _
from pipeline.log import PROGRAM
from pipeline.rows import (
    TAG_COLUMNS,
    EventRow,
    Judge,
    RecordingRow,
    RequestRow,
    Row,
    SpanRow,
    event_row,
    iso,
    span_row,
    utc,
)
from pipeline.timing import word_times
from pipeline.types import URGENCIES, Place, Request, Understanding

if TYPE_CHECKING:
    from pipeline.log import Log
    from pipeline.types import Turn

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

TRANSITIONS: Mapping[str, tuple[str, ...]] = {
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


@dataclass(frozen=True, slots=True)
class Taken:
    """What `undo` took back: the kind of its events, who had done it when, and to which requests."""

    kind: str
    who: str
    at: datetime
    numbers: tuple[int, ...]


class _Act:
    """One act of staff on the log, inside of its transaction."""

    def __init__(self, log: Log, by: str, note: str | None) -> None:
        self.log, self.by, self.note = log, by, note
        self.number = log.next_event()
        self.at = log.now()

    def event(
        self,
        kind: str,
        *,
        request: int | None = None,
        call_id: int | None = None,
        recording_id: int | None = None,
        note: str | None = None,
        **data: Any,
    ) -> None:
        self.log.event(
            kind,
            who=self.by,
            note=note or self.note,
            at=self.at,
            request=request,
            call_id=call_id,
            recording_id=recording_id,
            data={"act": self.number, **data},
        )

    def change(self, row: RequestRow, kind: str, changes: Row, **data: Any) -> None:
        """Set columns of a request, with the event that says so."""
        before = change_request(self.log, row.number, changes)
        if "status" in changes:
            data |= {"from": row.status, "to": changes["status"]}
        self.event(kind, request=row.number, call_id=row.call_id, before=before, **data)

    def tag(self, number: int, tag: str, value: str, why: str | None = None) -> int:
        """A judgement by staff, which no rule or model overrules; its id."""
        return self.log.insert(
            "tags",
            {
                "request": number,
                "tag": tag,
                "value": value,
                "given_by": "staff",
                "who": self.by,
                "why": why or self.note,
                "at": iso(self.at),
            },
        )


@contextlib.contextmanager
def _act(log: Log, by: str, note: str | None) -> Iterator[_Act]:
    with log.transaction():
        yield _Act(log, by, note)


def _unique(numbers: Sequence[int]) -> list[int]:
    return list(dict.fromkeys(numbers))


def _refuse_closed(row: RequestRow) -> None:
    if row.closed_at is not None:
        raise UsageProblem(refusal(row, again=False))


# --- Its state and its tags ---


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
    numbers = list(dict.fromkeys(numbers))
    if status not in _STATUS_EVENT:
        raise ValueError(f"no state that a request is set to: {status}")
    if status == "dismissed" and not (note or "").strip():
        raise UsageProblem(_("Say why it is no request: a note is needed to dismiss it."))
    moment = at or log.now()
    closes = status in ("done", "dismissed")
    changes: Row = {
        "status": status,
        "closed_at": iso(moment) if closes else None,
        "closed_by": by if closes else None,
        "closed_note": note if closes else None,
        "merged_into": None,
    }
    with log.transaction():
        act = log.next_event()
        for number in numbers:
            row = log.request(number)
            _refuse_transition(row, status)
            before = change_request(log, number, changes)
            log.event(
                _STATUS_EVENT[status],
                who=by,
                note=note,
                at=moment,
                request=number,
                call_id=row.call_id,
                data={"from": row.status, "to": status, "act": act, "before": before},
            )
    return log.requests(numbers=numbers)


def change_request(log: Log, number: int, changes: Row) -> Row:
    """Set columns of a request, in the transaction that also logs the event; what they held."""
    row = log.one("SELECT * FROM requests WHERE number = ?", (number,))
    if row is None:
        raise UsageProblem(
            _("There is no request {n}. See them with: hotline open").format(n=number)
        )
    log.update("requests", number, changes)
    return {column: row[column] for column in changes}


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


def _refuse_transition(row: RequestRow, status: str) -> None:
    if status in TRANSITIONS[row.status]:
        return
    raise UsageProblem(refusal(row, again=row.status == status))


def refusal(row: RequestRow, *, again: bool) -> str:
    """Why a request cannot be moved: it is there already (`again`), or was closed before."""
    closed = {
        "who": row.closed_by,
        "when": row.closed_at and row.closed_at.strftime("%m-%d %H:%M"),
        "n": row.number,
        "into": row.merged_into,
    }
    if row.status == "done":
        said = _("Request {n} is done already ({who}, {when}).")
    elif row.status == "dismissed":
        said = _("Request {n} was dismissed already ({who}, {when}).")
    elif row.status == "merged":
        said = _("Request {n} was merged into No. {into} ({who}, {when}).")
    elif row.status == "in_progress":
        said = _("Request {n} is being seen to already.")
    else:
        said = _("Request {n} is open already.")
    if not again:
        said += " " + _("To change that, put it back first: hotline reopen {n}")
    return said.format(**closed)


# --- Who sees to it, what was met -----------------------------------------------------------------


def assign(
    log: Log, numbers: Sequence[int], to: str | None, *, by: str, note: str | None = None
) -> list[RequestRow]:
    """Say who sees to requests, which are `in_progress` then; None puts them back to nobody, `open`.

    Raises:
        UsageProblem: a number is unknown, or its request is closed; nothing is changed.
    """
    with _act(log, by, note) as act:
        for number in _unique(numbers):
            row = log.request(number)
            _refuse_closed(row)
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
    with _act(log, by, note) as act:
        row = log.request(number)
        if not row.conditions:
            raise UsageProblem(
                _("Request {n} has no conditions: nothing was asked for first.").format(n=number)
            )
        ticked = list(row.ticked)
        for place in _unique(conditions):
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


# --- Corrections ----------------------------------------------------------------------------------


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
    with _act(log, by, note) as act:
        for number in _unique(numbers):
            _correct(act, log.request(number), values, (due or {}).get(number))
    return log.requests(numbers=numbers)


def _correct(
    act: _Act, row: RequestRow, values: Mapping[str, Any], due_at: datetime | None
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
        _reindex(act.log, row, str(changes["gist"]))
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
        "place": _place_text(row.place),
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
        parts = {
            "lane": value.lane,
            "building": value.building,
            "unit": value.unit,
            "room": value.room,
        }
        return _place_text(value), parts
    if isinstance(value, datetime):
        value = iso(value)
    if tag in TAG_COLUMNS:
        return value, {tag: value}
    return value, {_COLUMNS[tag]: value} if tag in _COLUMNS else {}


def _place_text(place: Place) -> str:
    return "-".join(p for p in (place.lane, place.building, place.unit, place.room) if p)


def _by_staff(log: Log, number: int) -> set[str]:
    return {tag.tag for tag in log.tags(number) if tag.current and tag.by == "staff"}


def _reindex(log: Log, row: RequestRow, gist: str) -> None:
    found = index.terms_of(log, [gist])[gist]
    index.remove(log.conn, [-row.number])
    index.add(log.conn, -row.number, found, utc(row.started_at))


# --- One matter or two ----------------------------------------------------------------------------


def merge(
    log: Log, into: int, numbers: Sequence[int], *, by: str, note: str | None = None
) -> RequestRow:
    """Say that requests ask for the same as `into`; they leave the list, their calls count with it.

    The one that stays gets the highest urgency and the earliest due time of them all.

    Raises:
        UsageProblem: a number is unknown, closed, or `into` itself.
    """
    with _act(log, by, note) as act:
        kept = log.request(into)
        _refuse_closed(kept)
        rows = [log.request(number) for number in _unique(numbers)]
        if not rows or any(row.number == into for row in rows):
            raise UsageProblem(
                _("Name one request to keep, and others to merge into it: hotline merge 12 15")
            )
        for row in rows:
            _refuse_closed(row)
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


def split(
    log: Log,
    number: int,
    at: float | str,
    told: Request,
    due_at: datetime,
    values: Mapping[str, Any],
    *,
    by: str,
    note: str | None = None,
) -> tuple[RequestRow, RequestRow]:
    """Part a request in two: the words before `at` stay, those from it on are a new request.

    `at` is a time of the call in seconds, or the words with which the second matter begins. `told` is
    what the words from there on are understood to ask (see `second_half`), `values` what staff say of it
    (see `correct`). No word is lost.

    Raises:
        UsageProblem: the words are not there, or one half would be empty.
    """
    with _act(log, by, note) as act:
        row = log.request(number)
        _refuse_closed(row)
        first, second = _halves(log, row, at)
        before = [_piece_values(one) for one in log.piece_rows(number)]
        _set_pieces(log, number, first)
        new = _open(act, row.call_id, row.transcript_id, told, due_at, how="split_from", of=number)
        _set_pieces(log, new, second)
        _say(act, new, values)
        act.change(row, "split", {}, opened=[new], pieces={str(number): before})
    return log.request(number), log.request(new)


def second_half(log: Log, number: int, at: float | str) -> str:
    """The words of a request from `at` on; see `split`."""
    row = log.request(number)
    turns = log.turns(row.transcript_id)
    return " ".join(
        turns[piece["turn_idx"]].text[piece["start_char"] : piece["end_char"]]
        for piece in _halves(log, row, at)[1]
    )


def _halves(log: Log, row: RequestRow, at: float | str) -> tuple[list[Row], list[Row]]:
    """The pieces before `at` and from it on; the piece that holds it is cut in two."""
    pieces = log.piece_rows(row.number)
    place = _find_words(pieces, at) if isinstance(at, str) else _find_time(log, row, pieces, at)
    if place is None:
        raise UsageProblem(
            _('"{at}" is not in the words of request {n}; see them with: hotline show {n}').format(
                at=at if isinstance(at, str) else f"{int(at) // 60}:{int(at) % 60:02d}",
                n=row.number,
            )
        )
    n, char = place
    first, second = pieces[:n], pieces[n + 1 :]
    cut = pieces[n]
    if char > cut["start_char"]:
        times = word_times(log, row.transcript_id, cut["turn_idx"])
        middle = times[char][0] if char < len(times) else cut["end_s"]
        first = [*first, {**cut, "end_char": char, "end_s": middle}]
        second = [{**cut, "start_char": char, "start_s": middle}, *second]
    else:
        second = [cut, *second]
    if not first or not second:
        raise UsageProblem(
            _("All words of request {n} would be on one side; name words in its middle.").format(
                n=row.number
            )
        )
    return first, second


def _find_words(pieces: Sequence[Row], words: str) -> tuple[int, int] | None:
    """The piece and the character in its turn where `words` begin; they may run over several pieces."""
    from pipeline.script import fold

    where = [
        (n, char)
        for n, piece in enumerate(pieces)
        for char in range(piece["start_char"], piece["end_char"])
    ]
    said = fold("".join(pieces[n]["text"][char] for n, char in where))
    found = said.find(fold(words))
    return where[found] if found >= 0 and words else None


def _find_time(
    log: Log, row: RequestRow, pieces: Sequence[Row], at: float
) -> tuple[int, int] | None:
    for n, piece in enumerate(pieces):
        if piece["end_s"] <= at:
            continue
        times = word_times(log, row.transcript_id, piece["turn_idx"])
        for char in range(piece["start_char"], min(piece["end_char"], len(times))):
            if times[char][0] >= at - 0.05:
                return n, char
    return None


def _piece_values(piece: Row) -> list[Any]:
    return [piece[name] for name in ("span_id", "start_char", "end_char", "start_s", "end_s")]


def _set_pieces(log: Log, number: int, pieces: Sequence[Row]) -> None:
    log.conn.execute("DELETE FROM request_spans WHERE request = ?", (number,))
    log.conn.executemany(
        "INSERT INTO request_spans (request, piece, span_id, start_char, end_char, start_s, end_s) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        [(number, n, *_piece_values(piece)) for n, piece in enumerate(pieces)],
    )


# --- Missed requests, and what had to be listened to -----------------------------------------------


def _open(
    act: _Act,
    call_id: int,
    transcript_id: int,
    told: Request,
    due_at: datetime,
    *,
    how: str,
    **data: Any,
) -> int:
    """A new request by staff, without its words' places yet. Its number."""
    log = act.log
    number = understandings.insert_request(log, call_id, transcript_id, told, due_at)
    decided = {"category": told.category, "kind": told.kind, "urgency": told.urgency}
    reasons = {e.tag: e.words for e in told.evidence if decided.get(e.tag) == e.value}
    log.insert_all(
        "tags",
        [
            {
                "request": number,
                "tag": tag,
                "value": value,
                "given_by": "rule",
                "who": "hotline",
                "words": reasons.get(tag),
                "at": iso(act.at),
            }
            for tag, value in decided.items()
        ],
    )
    found = index.terms_of(log, [told.gist])[told.gist]
    index.add(log.conn, -number, found, utc(log.call(call_id).started_at))
    log.event("opened", who=act.by, note=act.note, at=act.at, request=number, call_id=call_id,
               data={"to": "open", "act": act.number, "opened": [number], "how": how, **data})  # fmt: skip
    return number


def _say(act: _Act, number: int, values: Mapping[str, Any]) -> None:
    """What staff said of a request that they opened, beside what the rules made of its words."""
    if values:
        _correct(act, act.log.request(number), values, None)


def add_walk_in(
    log: Log,
    turn: Turn,
    told: Request,
    due_at: datetime,
    values: Mapping[str, Any],
    *,
    by: str,
    at: datetime,
    note: str | None = None,
) -> RequestRow:
    """Log what somebody said at the desk, without a call: it stands as a call of one turn.

    `told` is what its words are understood to ask, `values` what staff say of it (see `correct`).
    """
    with _act(log, by, note) as act:
        name = f"{at:%Y%m%d-%H%M%S}-{act.number}"
        transcript = hearings.import_call(log, name, at, "mono", (turn,), time_source="staff")
        assert transcript is not None  # its name is its own
        (number,) = understandings.save(log, transcript, Understanding((told,), (), ()), [due_at])
        act.event("added", request=number, opened=[number])
        _say(act, number, values)
    return log.request(number)


def add_from_call(
    log: Log,
    call_id: int,
    start: float,
    end: float,
    told: Request,
    due_at: datetime,
    values: Mapping[str, Any],
    *,
    by: str,
    note: str | None = None,
) -> RequestRow:
    """Log a request that was missed: what was said in a call from `start` to `end` seconds.

    Raises:
        UsageProblem: the call does not have these seconds, or nothing was said in them.
    """
    with _act(log, by, note) as act:
        number = _add_stretch(act, call_id, start, end, told, due_at, values, how="added")
    return log.request(number)


def _add_stretch(
    act: _Act,
    call_id: int,
    start: float,
    end: float,
    told: Request,
    due_at: datetime,
    values: Mapping[str, Any],
    *,
    how: str,
) -> int:
    log = act.log
    call = log.call(call_id)
    if not 0 <= start < end or start >= call.duration:
        raise UsageProblem(
            _("Call {n} has no such seconds: it is {m}:{s:02d} long.").format(
                n=call_id, m=int(call.duration) // 60, s=int(call.duration) % 60
            )
        )
    transcript = log.current_transcript(call_id)
    pieces = [] if transcript is None else _pieces_between(log, transcript, start, end)
    if transcript is None or not pieces:
        raise UsageProblem(
            _(
                "Nothing was heard in call {n} at that time; write it down without the call: "
                'hotline add "…"'
            ).format(n=call_id)
        )
    number = _open(act, call_id, transcript, told, due_at, how=how)
    _set_pieces(log, number, pieces)
    _say(act, number, values)
    return number


def _pieces_between(log: Log, transcript: int, start: float, end: float) -> list[Row]:
    """The characters that were said between two times, with the spans that hold them (made if need be)."""
    pieces = []
    for idx, turn in enumerate(log.turns(transcript)):
        if turn.end <= start or turn.start >= end:
            continue
        times = word_times(log, transcript, idx)
        inside = [n for n, (a, b) in enumerate(times) if start <= (a + b) / 2 <= end]
        if times and not inside:
            continue
        pieces.append(
            {
                "span_id": _span_of(log, transcript, idx, turn),
                "start_char": inside[0] if inside else 0,
                "end_char": inside[-1] + 1 if inside else 0,
                "start_s": times[inside[0]][0] if inside else turn.start,
                "end_s": times[inside[-1]][1] if inside else turn.end,
            }
        )
    return pieces


def _span_of(log: Log, transcript: int, idx: int, turn: Turn) -> int:
    found = log.value(
        "SELECT id FROM spans WHERE transcript_id = ? AND turn_idx = ? AND kind = 'request'",
        (transcript, idx),
    )
    if found is not None:
        return int(found)
    return log.insert(
        "spans",
        {
            "transcript_id": transcript,
            "turn_idx": idx,
            "kind": "request",
            "channel": turn.channel,
            "start_s": turn.start,
            "end_s": turn.end,
        },
    )


def span(log: Log, span_id: int) -> SpanRow:
    """A stretch of speech that somebody must listen to.

    Raises:
        UsageProblem: there is none of this number.
    """
    rows = log.query(
        "SELECT s.*, x.call_id, c.started_at, f.path, t.text FROM spans AS s "
        "JOIN turns AS t ON t.transcript_id = s.transcript_id AND t.idx = s.turn_idx "
        "JOIN transcripts AS x ON x.id = s.transcript_id "
        "JOIN calls AS c ON c.id = x.call_id "
        "LEFT JOIN recordings AS f ON f.id = c.recording_id "
        "WHERE s.id = ? AND s.kind = 'needs_listening'",
        (span_id,),
    )
    if not rows:
        raise UsageProblem(
            _("There is nothing L{n} to listen to. See what there is with: hotline open").format(
                n=span_id
            )
        )
    return span_row(rows[0])


def heard(
    log: Log,
    spans: Sequence[int],
    recordings: Sequence[int] = (),
    *,
    by: str,
    note: str | None = None,
    told: Request | None = None,
    due_at: datetime | None = None,
    values: Mapping[str, Any] | None = None,
) -> list[int]:
    """Say that somebody listened to stretches that were not understood, or to whole recordings.

    With `told`, what they heard in each stretch is a request, due at `due_at`; `values` as for
    `correct`. The numbers of what was opened.

    Raises:
        UsageProblem: a number is unknown or was listened to before; nothing is changed.
    """
    opened: list[int] = []
    with _act(log, by, note) as act:
        for span_id in _unique(spans):
            row = span(log, span_id)
            if row.heard_at is not None:
                raise UsageProblem(
                    _("L{n} was listened to already ({who}, {when}).").format(
                        n=span_id, who=row.heard_by, when=f"{row.heard_at:%m-%d %H:%M}"
                    )
                )
            log.update("spans", span_id, {"heard_at": iso(act.at), "heard_by": by})
            new: int | None = None
            if told is not None and due_at is not None:
                new = _add_stretch(act, row.call_id, row.start, row.end, told, due_at,
                                   values or {}, how="heard")  # fmt: skip
                opened.append(new)
            act.event("heard", call_id=row.call_id, request=new, span=span_id)
        for recording_id in _unique(recordings):
            _heard_recording(act, log.recording(recording_id))
    return opened


def _heard_recording(act: _Act, row: RecordingRow) -> None:
    log = act.log
    if row.state not in ("silent", "unsupported", "failed"):
        raise UsageProblem(
            _("R{n} was understood; what is unclear in it has a number with L.").format(n=row.id)
        )
    before = log.one("SELECT heard_at, heard_by FROM recordings WHERE id = ?", (row.id,))
    assert before is not None
    if before["heard_at"] is not None:
        raise UsageProblem(
            _("R{n} was listened to already ({who}, {when}).").format(
                n=row.id, who=before["heard_by"], when=before["heard_at"][5:16].replace("T", " ")
            )
        )
    log.update("recordings", row.id, {"heard_at": iso(act.at), "heard_by": act.by})
    act.event("heard", recording_id=row.id, recording=row.id)


# --- Who speaks -----------------------------------------------------------------------------------


def flip_speakers(log: Log, call_id: int, *, by: str, note: str | None = None) -> None:
    """Say that staff and resident are the other way round in a call; from now on that is known.

    Raises:
        UsageProblem: no call of this number, or nobody in it is named.
    """
    with _act(log, by, note) as act:
        log.call(call_id)
        transcript = log.current_transcript(call_id)
        turns = () if transcript is None else log.turns(transcript)
        if all(turn.speaker == "unknown" for turn in turns):
            raise UsageProblem(
                _(
                    "In call {n} it is not known who speaks; there is nothing to change over."
                ).format(n=call_id)
            )
        assert transcript is not None  # it has turns
        _flip(log, transcript, [None] * len(turns))
        sure = [turn.speaker_probability for turn in turns]
        act.event("flipped", call_id=call_id, flipped=transcript, sure=sure)


def _flip(log: Log, transcript: int, sure: Sequence[float | None]) -> None:
    """Change staff and resident over in a transcript; `sure` is how probable each turn's speaker is then."""
    for table in ("turns", "segments"):
        log.conn.execute(
            f"UPDATE {table} SET speaker = CASE speaker WHEN 'staff' THEN 'resident' "
            "WHEN 'resident' THEN 'staff' ELSE speaker END WHERE transcript_id = ?",
            (transcript,),
        )
    log.conn.executemany(
        "UPDATE turns SET speaker_probability = ? WHERE transcript_id = ? AND idx = ?",
        [(value, transcript, idx) for idx, value in enumerate(sure)],
    )


# --- Undo -----------------------------------------------------------------------------------------


def undo(log: Log, *, by: str, note: str | None = None) -> Taken:
    """Take back the last thing that anybody did and that was not taken back yet.

    Raises:
        UsageProblem: there is nothing to take back.
    """
    with _act(log, by, note) as act:
        events = _last_act(log)
        if not events:
            raise UsageProblem(_("There is nothing to take back."))
        done = events[0].data["act"]
        touched: list[int] = []
        withdrawn: list[int] = []
        for event in reversed(events):
            data = event.data
            withdrawn += _withdraw(act, data.get("tags", ()))
            for number, pieces in data.get("pieces", {}).items():
                names = ("span_id", "start_char", "end_char", "start_s", "end_s")
                _set_pieces(log, int(number), [dict(zip(names, p, strict=True)) for p in pieces])
            if "span" in data:
                log.update("spans", data["span"], {"heard_at": None, "heard_by": None})
            if "flipped" in data:
                _flip(log, data["flipped"], data["sure"])
            if "recording" in data:
                log.update("recordings", data["recording"], {"heard_at": None, "heard_by": None})
            if "segment" in data:
                log.update("segments", data["segment"], {"restored_at": None, "restored_by": None})
            if "version" in data and event.call_id is not None:
                from pipeline import versions

                versions.take_back(log, event.call_id, data)
            for number in data.get("opened", ()):
                row = log.request(number)
                if row.status != "dismissed":
                    closed = {"status": "dismissed", "closed_at": iso(act.at), "closed_by": by,
                              "closed_note": _("taken back with undo")}  # fmt: skip
                    act.change(row, "undone", closed, undoes=done, what=event.kind)
                touched.append(number)
            if event.request is not None and data.get("before") is not None:
                row = log.request(event.request)
                before = dict(data["before"])
                for tag in {*TAG_COLUMNS} & {*before}:
                    before[tag] = _judged(log, row.number, tag)
                if "gist" in before:
                    _reindex(log, row, str(before["gist"]))
                act.change(row, "undone", before, undoes=done, what=event.kind)
                touched.append(row.number)
            elif event.request is None:
                act.event("undone", call_id=event.call_id, recording_id=event.recording_id,
                          undoes=done, what=event.kind)  # fmt: skip
        first = events[0]
    return Taken(first.kind, first.who, first.at, tuple(_unique(touched)))


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


def _withdraw(act: _Act, tags: Sequence[int]) -> list[int]:
    for tag_id in tags:
        act.log.insert("withdrawn_tags", {"tag_id": tag_id, "at": iso(act.at), "who": act.by})
    return list(tags)


def _judged(log: Log, number: int, tag: str) -> str:
    return str(
        log.value("SELECT value FROM current_tags WHERE request = ? AND tag = ?", (number, tag))
    )
