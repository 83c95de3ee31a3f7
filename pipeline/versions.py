"""Later versions of a call: heard with a better model, or the same words read with another taxonomy.

A version stands beside the one that counts until somebody decides on it (`decisions.py`). Here is which
there are, and what each would change.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pipeline import hearings
from pipeline.evaluate import match, overlap_of_spans, overlap_of_turns
from pipeline.rows import RequestRow, TextPiece, iso, when
from pipeline.types import Evidence, Piece, Place, Request, Span, Understanding

if TYPE_CHECKING:
    from pipeline.log import Log
    from pipeline.types import Transcript, Turn


@dataclass(frozen=True, slots=True)
class Version:
    """A later version that nobody decided on. `heard_anew` is false where only the same words were read
    again; `models` are what the call was and would be heard with."""

    transcript_id: int
    call_id: int
    made_at: datetime
    heard_anew: bool
    models: tuple[str, str]
    understanding: Understanding
    due: tuple[datetime, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """What a version would do to one request.

    `number` is None where it would open one, `found` None where it does not find the request again,
    which stays. `values` are (tag, as it is, as it would be), `kept` those that staff corrected or
    closed and that stay as they are; `words` as they are and as they would be, None for no change.
    """

    number: int | None
    found: Request | None
    due_at: datetime | None
    values: tuple[tuple[str, str, str], ...] = ()
    kept: tuple[tuple[str, str, str], ...] = ()
    words: tuple[str, str] | None = None

    @property
    def is_none(self) -> bool:
        """Whether the request stays just as it is."""
        return self.number is not None and not self.values and self.words is None


# --- Beside ---------------------------------------------------------------------------------------


def hear(log: Log, call_id: int, heard: Transcript, turns: Sequence[Turn]) -> int:
    """Log a later hearing of a call beside the one that counts; the id of its transcript."""
    terms = hearings.terms_of_hearing(log, heard, turns)
    with log.transaction():
        transcript_id = hearings.save_hearing(log, call_id, heard, turns, terms, current=False)
        recording = log.call(call_id).recording_id
        log.conn.execute("DELETE FROM heard_windows WHERE recording_id = ?", (recording,))
        log.event("heard_again", call_id=call_id, recording_id=recording,
                  data={"transcript": transcript_id, "model": heard.model})  # fmt: skip
    return transcript_id


def propose(
    log: Log, transcript_id: int, found: Understanding, due: Sequence[datetime]
) -> Version | None:
    """Put a version beside what counts, in place of one that nobody decided on; None if it would
    change nothing."""
    with log.transaction():
        call_id = log.call_of_transcript(transcript_id).id
        log.conn.execute(
            "DELETE FROM proposals WHERE decision IS NULL AND transcript_id IN "
            "(SELECT id FROM transcripts WHERE call_id = ?)",
            (call_id,),
        )
        log.conn.execute(
            "INSERT OR REPLACE INTO proposals (transcript_id, understanding, due, made_at) "
            "VALUES (?, ?, ?, ?)",
            (
                transcript_id,
                json.dumps(asdict(found), ensure_ascii=False, default=_plain),
                json.dumps([iso(moment) for moment in due]),
                iso(log.now()),
            ),
        )
        version = waiting(log, call_id)
        assert version is not None
        if not version.heard_anew and all(change.is_none for change in changes(log, version)):
            log.conn.execute("DELETE FROM proposals WHERE transcript_id = ?", (transcript_id,))
            return None
    return version


def waiting(log: Log, call_id: int) -> Version | None:
    """The version of a call on which nobody decided yet."""
    return next(iter(all_waiting(log, call_id)), None)


def all_waiting(log: Log, call_id: int | None = None) -> list[Version]:
    """Every version on which nobody decided yet, by call."""
    return [
        Version(
            transcript_id=row["transcript_id"],
            call_id=row["call_id"],
            made_at=datetime.fromisoformat(row["made_at"]),
            heard_anew=not row["is_current"],
            models=(row["old_model"] or "", row["model"]),
            understanding=_understanding(json.loads(row["understanding"])),
            due=tuple(datetime.fromisoformat(text) for text in json.loads(row["due"])),
        )
        for row in log.query(
            "SELECT p.*, x.call_id, x.model, x.is_current, c.model AS old_model "
            "FROM proposals AS p JOIN transcripts AS x ON x.id = p.transcript_id "
            "LEFT JOIN transcripts AS c ON c.call_id = x.call_id AND c.is_current "
            "WHERE p.decision IS NULL AND (?1 IS NULL OR x.call_id = ?1) ORDER BY x.call_id",
            (call_id,),
        )
    ]


# --- What would change ----------------------------------------------------------------------------


def changes(log: Log, version: Version) -> list[Change]:
    """What a version would do, request by request: those of the call by number, then new ones."""
    rows = [row for row in log.requests(call_id=version.call_id) if not _taken_back(log, row)]
    found = version.understanding.requests
    if version.heard_anew:
        overlaps = [[overlap_of_spans(new.spans, row.spans) for row in rows] for new in found]
    else:
        held = [{piece.turn for piece in log.request_text(row.number)} for row in rows]
        overlaps = [[overlap_of_turns(new.turns, [*turns]) for turns in held] for new in found]
    alike = [[new.category == row.category for row in rows] for new in found]
    of_row = {column: line for line, column in match(overlaps, alike)}
    turns = log.turns(version.transcript_id)
    told = [
        _change(log, row, found[of_row[n]], version.due[of_row[n]], turns, version)
        if n in of_row
        else Change(row.number, None, None)
        for n, row in enumerate(rows)
    ]
    return told + [
        Change(None, new, due)
        for n, (new, due) in enumerate(zip(found, version.due, strict=True))
        if n not in of_row.values()
    ]


def _change(
    log: Log,
    row: RequestRow,
    new: Request,
    due_at: datetime,
    turns: Sequence[Turn],
    version: Version,
) -> Change:
    differ = [
        (tag, was, becomes)
        for tag, was, becomes in (
            ("category", row.category, new.category),
            ("kind", row.kind, new.kind),
            ("urgency", row.urgency, new.urgency),
            ("gist", row.gist, new.gist),
            ("place", str(row.place), str(new.place)),
            ("phone", row.phone or "", new.phone or ""),
            ("caller", row.caller_name or "", new.caller_name or ""),
            ("undertaking", row.undertaking or "", new.undertaking or ""),
            ("promised", _moment(row.undertaking_due), _moment(new.undertaking_due)),
        )
        if becomes and becomes != was  # what was understood once is not forgotten
    ]
    mine = _stand(log, row)
    closed = row.closed_at is not None
    kept = tuple(one for one in differ if closed or one[0] in mine)
    values = tuple(one for one in differ if one not in kept)
    words = None
    if not closed and not parted(log, row.number):
        said = _joined(pieces_of(new, turns), turns)
        if version.heard_anew:
            words = None if said == row.text else (row.text, said)
        else:
            more = _joined(union(log, row.number, new, turns), turns)
            words = None if more == row.text else (row.text, more)
    moved = {tag for tag, _was, _becomes in values} & {"urgency"} and "due" not in mine
    return Change(row.number, new, due_at if moved else None, values, kept, words)


def _stand(log: Log, row: RequestRow) -> set[str]:
    """The tags of a request that no version changes: what staff said, and what was raised for a reason
    that is not in the words (a third call)."""
    return {
        tag.tag
        for tag in log.tags(row.number)
        if tag.current and (tag.by == "staff" or tag.why is not None)
    }


def _taken_back(log: Log, row: RequestRow) -> bool:
    """Whether it was opened by an act that `undo` took back: as if it had never been."""
    if row.status != "dismissed":
        return False
    return [e.kind for e in log.events(request=row.number) if "to" in e.data][-1] == "undone"


def parted(log: Log, number: int) -> bool:
    """Whether staff decided which words a request has: they parted it, or opened it themselves."""
    return any(
        event.kind == "split" or (event.kind == "opened" and "how" in event.data)
        for event in log.events(request=number)
    )


def pieces_of(request: Request, turns: Sequence[Turn]) -> list[Piece]:
    return list(request.pieces) or [Piece(t, 0, len(turns[t].text)) for t in request.turns]


def _joined(pieces: Sequence[Piece], turns: Sequence[Turn]) -> str:
    said = (turns[p.turn].text[p.start_char : p.end_char] for p in pieces)
    return " ".join(text for text in said if text)


def union(log: Log, number: int, new: Request, turns: Sequence[Turn]) -> list[Piece]:
    """The words that a request has, and those that it would get: no word leaves it."""
    whole: dict[int, list[tuple[int, int]]] = {}
    pieces: list[Piece | TextPiece] = [*log.request_text(number), *pieces_of(new, turns)]
    for piece in pieces:
        whole.setdefault(piece.turn, []).append((piece.start_char, piece.end_char))
    joined = []
    for turn, stretches in sorted(whole.items()):
        start, end = min(stretches)
        for first, last in sorted(stretches):
            if first > end:
                joined.append(Piece(turn, start, end))
                start, end = first, last
            end = max(end, last)
        joined.append(Piece(turn, start, end))
    return joined


# --- As text --------------------------------------------------------------------------------------


def _moment(at: datetime | None) -> str:
    return "" if at is None else iso(at)


def _plain(value: object) -> str:
    assert isinstance(value, datetime)
    return iso(value)


def _understanding(data: dict[str, Any]) -> Understanding:
    return Understanding(
        tuple(_requests(data["requests"])), tuple(data["chatter"]), tuple(data["needs_listening"])
    )


def _requests(rows: Sequence[dict[str, Any]]) -> Iterator[Request]:
    for row in rows:
        yield Request(
            **{
                **row,
                "turns": tuple(row["turns"]),
                "spans": tuple(Span(**span) for span in row["spans"]),
                "place": Place(**row["place"]),
                "conditions": tuple(row["conditions"]),
                "due_hint": when(row["due_hint"]),
                "undertaking_due": when(row.get("undertaking_due")),
                "evidence": tuple(Evidence(**one) for one in row["evidence"]),
                "pieces": tuple(Piece(**one) for one in row["pieces"]),
            }
        )
