"""What staff decide of a later version of a call (see `versions.py`): to take it, or to leave it.

Taking it is an act like any other, which `undo` takes back; and it never overwrites what staff said: their
corrections stand, closed requests stay closed, words that they parted stay parted, and no request goes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from pipeline import understandings
from pipeline.acts import Act, acting
from pipeline.errors import UsageProblem
from pipeline.i18n import _
from pipeline.life import reindex
from pipeline.log import PROGRAM
from pipeline.opened import open_request
from pipeline.pieces import piece_values, pieces_between, set_pieces, span_of
from pipeline.rows import TAG_COLUMNS, RequestRow, Row, iso
from pipeline.spans import subtract
from pipeline.timing import word_times
from pipeline.types import Evidence, Piece, Place, Request
from pipeline.versions import Change, Version, changes, parted, pieces_of, union, waiting

if TYPE_CHECKING:
    from pipeline.log import Log
    from pipeline.types import Turn

HEARD_GAP_S = 0.5
"""So much of a stretch may lie outside of what somebody listened to, and it still counts as heard."""


def accept(log: Log, call_id: int, *, by: str, note: str | None = None) -> list[int]:
    """Let the version of a call count; the numbers of the requests that it changed or opened.

    Raises:
        UsageProblem: nothing waits for a decision there.
    """
    with acting(log, by, note) as act:
        version = _of(log, call_id)
        plan = changes(log, version)
        turns = log.turns(version.transcript_id)
        before = log.current_transcript(call_id)
        assert before is not None  # a version is beside another
        heard = _let_count(log, version, turns, before) if version.heard_anew else []
        _decide(log, version, "accepted", act)
        act.event(
            "redone", call_id=call_id, version=version.transcript_id, transcript=before, heard=heard
        )
        touched = []
        for change in plan:
            if change.number is None:
                touched.append(_open(act, version, change, turns))
            elif _take(act, version, change, turns):
                touched.append(change.number)
    return touched


def decline(log: Log, call_id: int, *, by: str, note: str | None = None) -> None:
    """Leave the version of a call; it stays beside, and does not count.

    Raises:
        UsageProblem: nothing waits for a decision there.
    """
    with acting(log, by, note) as act:
        version = _of(log, call_id)
        _decide(log, version, "declined", act)
        act.event("declined", call_id=call_id, version=version.transcript_id)


def take_back(log: Log, call_id: int, data: Mapping[str, Any]) -> None:
    """Undo a decision: it waits again, and what counted before counts again."""
    log.update("proposals", data["version"],
               {"decision": None, "decided_at": None, "decided_by": None, "note": None})  # fmt: skip
    if "transcript" in data:
        _make_current(log, call_id, data["transcript"])


def _of(log: Log, call_id: int) -> Version:
    log.call(call_id)
    version = waiting(log, call_id)
    if version is None:
        raise UsageProblem(
            _("No other version of call {n} waits. Make one with: hotline redo {n}").format(
                n=call_id
            )
        )
    return version


def _decide(log: Log, version: Version, decision: str, act: Act) -> None:
    log.update(
        "proposals",
        version.transcript_id,
        {"decision": decision, "decided_at": iso(act.at), "decided_by": act.by, "note": act.note},
    )


def _make_current(log: Log, call_id: int, transcript_id: int) -> None:
    log.conn.execute("UPDATE transcripts SET is_current = 0 WHERE call_id = ?", (call_id,))
    log.conn.execute("UPDATE transcripts SET is_current = 1 WHERE id = ?", (transcript_id,))


def _let_count(log: Log, version: Version, turns: Sequence[Turn], before: int) -> list[int]:
    """Make the later hearing the one that counts. What somebody listened to need not be heard again:
    the spans of which that holds."""
    _make_current(log, version.call_id, version.transcript_id)
    if not log.query("SELECT 1 FROM spans WHERE transcript_id = ?", (version.transcript_id,)):
        understandings.save_spans(log, version.transcript_id, version.understanding, turns)
    heard = log.query(
        "SELECT * FROM spans WHERE transcript_id = ? AND heard_at IS NOT NULL", (before,)
    )
    done = []
    for span in log.query(
        "SELECT * FROM spans WHERE transcript_id = ? AND kind = 'needs_listening'",
        (version.transcript_id,),
    ):
        same = [one for one in heard if one["channel"] == span["channel"]]
        left = subtract(
            [(span["start_s"], span["end_s"])], [(one["start_s"], one["end_s"]) for one in same]
        )
        if same and sum(end - start for start, end in left) < HEARD_GAP_S:
            log.update("spans", span["id"],
                       {"heard_at": same[-1]["heard_at"], "heard_by": same[-1]["heard_by"]})  # fmt: skip
            done.append(int(span["id"]))
    return done


def _open(act: Act, version: Version, change: Change, turns: Sequence[Turn]) -> int:
    assert change.found is not None
    assert change.due_at is not None
    number = open_request(
        act, version.call_id, version.transcript_id, change.found, change.due_at, how="redone"
    )
    set_pieces(act.log, number, _rows(act.log, version, pieces_of(change.found, turns), turns))
    return number


def _take(act: Act, version: Version, change: Change, turns: Sequence[Turn]) -> bool:
    """Let a version count for a request that is there; whether anything of it changed."""
    log, number = act.log, change.number
    assert number is not None
    row = log.request(number)
    columns: Row = {}
    data: dict[str, Any] = {"values": {}, "was": {}}
    tags: list[int] = []
    if change.values and change.found is not None:
        columns = _columns(change, row)
        tags = _tags(act, number, change.found, {tag for tag, _was, _now in change.values})
        for tag, was, becomes in change.values:
            data["values"][tag], data["was"][tag] = becomes, was
    old = log.piece_rows(number)
    pieces: list[Row] = []
    if version.heard_anew:
        columns["transcript_id"] = version.transcript_id
        if change.found is not None and row.closed_at is None and not parted(log, number):
            pieces = _rows(log, version, pieces_of(change.found, turns), turns)
        else:  # its words as they were heard this time
            for piece in old:
                pieces += pieces_between(
                    log, version.transcript_id, piece["start_s"], piece["end_s"]
                )
            pieces = _once(pieces)
        if not pieces:  # nothing at all was heard there: it stays with the earlier hearing
            del columns["transcript_id"]
    elif change.words is not None and change.found is not None:
        pieces = _rows(log, version, union(log, number, change.found, turns), turns)
    if not (columns or pieces):
        return False
    if "gist" in columns:
        reindex(log, row, str(columns["gist"]))
    if pieces:
        data["pieces"] = {str(number): [piece_values(one) for one in old]}
        set_pieces(log, number, pieces)
    act.change(row, "redone", columns, tags=tags, **data)
    return True


def _columns(change: Change, row: RequestRow) -> Row:
    assert change.found is not None
    columns: Row = {}
    for tag, _was, becomes in change.values:
        if tag == "place":
            place: Place = change.found.place
            columns |= asdict(place)
        elif tag in TAG_COLUMNS or tag in ("gist", "phone", "undertaking"):
            columns[tag] = becomes
        elif tag == "caller":
            columns["caller_name"] = becomes
        elif tag == "promised":
            columns["undertaking_due_at"] = becomes
    if change.due_at is not None:
        columns["due_at"] = iso(change.due_at)
    if change.found.due_hint is not None and "undertaking" in columns:
        columns["due_hint"] = iso(change.found.due_hint)
    if change.found.conditions and not row.ticked:
        columns["conditions"] = json.dumps(change.found.conditions, ensure_ascii=False)
    return columns


def _tags(act: Act, number: int, found: Request, changed: set[str]) -> list[int]:
    """Judgements beside the earlier ones, for what changed; their ids."""
    decided = {"category": found.category, "kind": found.kind, "urgency": found.urgency}
    reasons: dict[tuple[str, str], Evidence] = {(e.tag, e.value): e for e in found.evidence}
    made = []
    for tag, value in decided.items():
        if tag not in changed:
            continue
        reason = reasons.get((tag, value))
        made.append(
            act.log.insert(
                "tags",
                {
                    "request": number,
                    "tag": tag,
                    "value": value,
                    "given_by": reason.by if reason else "rule",
                    "who": PROGRAM,
                    "words": reason.words if reason else None,
                    "turn_idx": reason.turn if reason else None,
                    "start_char": reason.start_char if reason else None,
                    "end_char": reason.end_char if reason else None,
                    "at": iso(act.at),
                },
            )
        )
    return made


def _rows(log: Log, version: Version, pieces: Sequence[Piece], turns: Sequence[Turn]) -> list[Row]:
    """Pieces as rows of `request_spans`, with the spans that hold them (made if need be)."""
    made = []
    for piece in pieces:
        times = word_times(log, version.transcript_id, piece.turn)
        inside = times[piece.start_char : piece.end_char]
        turn = turns[piece.turn]
        made.append(
            {
                "span_id": span_of(log, version.transcript_id, piece.turn, turn),
                "start_char": piece.start_char,
                "end_char": piece.end_char,
                "start_s": inside[0][0] if inside else turn.start,
                "end_s": inside[-1][1] if inside else turn.end,
            }
        )
    return made


def _once(pieces: Sequence[Row]) -> list[Row]:
    """Pieces in order, none twice."""
    seen = {(one["span_id"], one["start_char"]): one for one in pieces}
    return [seen[key] for key in dict.fromkeys(seen)]
