"""What a call was understood to ask, as rows: its requests with their words and tags, and a span a turn."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING

from pipeline import index
from pipeline.errors import LogError
from pipeline.i18n import _
from pipeline.log import PROGRAM
from pipeline.rows import CallRow, Row, iso, utc
from pipeline.timing import word_times
from pipeline.types import Piece, Request, Turn, Understanding

if TYPE_CHECKING:
    from pipeline.log import Log


def save(
    log: Log, transcript_id: int, understanding: Understanding, due: Sequence[datetime]
) -> list[int]:
    """Log what a call was understood to ask, and where every other turn went; the new numbers.

    `due` is when each request must be answered. A span for every turn, the requests with all
    their tags, the recording's state `logged`: one transaction.

    Raises:
        LogError: a turn is in none of the three, or this call was understood before; nothing is
            logged.
    """
    turns = log.turns(transcript_id)
    gists = index.terms_of(log, (request.gist for request in understanding.requests))
    with log.transaction():
        call = log.call_of_transcript(transcript_id)
        _refuse_unaccounted(log, call, understanding, len(turns))
        spans = save_spans(log, transcript_id, understanding, turns)
        numbers = [
            _save_request(log, call.id, transcript_id, request, turns, spans, due_at)
            for request, due_at in zip(understanding.requests, due, strict=True)
        ]
        for number, request in zip(numbers, understanding.requests, strict=True):
            index.add(log.conn, -number, gists[request.gist], utc(call.started_at))
        if call.recording_id is not None:
            log.update("recordings", call.recording_id, {"state": "logged", "reason": None})
        log.event(
            "logged",
            recording_id=call.recording_id,
            call_id=call.id,
            data={"transcript": transcript_id, "requests": numbers},
        )
    return numbers


def _refuse_unaccounted(log: Log, call: CallRow, found: Understanding, n_turns: int) -> None:
    named = {turn for request in found.requests for turn in request.turns}
    named.update(found.chatter, found.needs_listening)
    if named != set(range(n_turns)):
        raise LogError(
            _(
                "Call {call} was not logged: these turns are in no request, no chatter and "
                "nothing to listen to, or do not exist: {turns}. This is a fault of hotline; "
                "the recording waits."
            ).format(call=call.id, turns=sorted(named ^ set(range(n_turns))))
        )
    before = log.value(
        "SELECT 1 FROM spans JOIN transcripts AS x ON x.id = spans.transcript_id "
        "WHERE x.call_id = ?",
        (call.id,),
    )
    if before is not None:
        raise LogError(
            _("Call {call} is in the log with its requests already; it stays as it is.").format(
                call=call.id
            )
        )


def save_spans(
    log: Log, transcript_id: int, found: Understanding, turns: Sequence[Turn]
) -> dict[int, int]:
    """A row for every turn and kind; the ids of those of kind request, by turn."""
    asked = sorted({turn for request in found.requests for turn in request.turns})
    ids: dict[int, int] = {}
    for kind, members in (
        ("request", asked),
        ("chatter", sorted(set(found.chatter))),
        ("needs_listening", sorted(set(found.needs_listening))),
    ):
        for turn in members:
            span_id = log.insert(
                "spans",
                {
                    "transcript_id": transcript_id,
                    "turn_idx": turn,
                    "kind": kind,
                    "channel": turns[turn].channel,
                    "start_s": turns[turn].start,
                    "end_s": turns[turn].end,
                },
            )
            if kind == "request":
                ids[turn] = span_id
    return ids


def _save_request(
    log: Log,
    call_id: int,
    transcript_id: int,
    request: Request,
    turns: Sequence[Turn],
    spans: Mapping[int, int],
    due_at: datetime,
) -> int:
    now = iso(log.now())
    number = insert_request(log, call_id, transcript_id, request, due_at)
    times = {turn: word_times(log, transcript_id, turn) for turn in {*request.turns}}
    pieces = request.pieces or tuple(
        Piece(turn, 0, len(turns[turn].text)) for turn in request.turns
    )
    # A turn that was said to belong to it, but of which no piece does, still is its span.
    named = {piece.turn for piece in pieces}
    pieces += tuple(Piece(turn, 0, 0) for turn in request.turns if turn not in named)
    log.insert_all(
        "request_spans",
        (
            {
                "request": number,
                "piece": n,
                "span_id": spans[piece.turn],
                "start_char": piece.start_char,
                "end_char": piece.end_char,
                **_piece_times(piece, turns[piece.turn], times[piece.turn]),
            }
            for n, piece in enumerate(pieces)
        ),
    )
    log.insert_all("tags", _tag_rows(number, request, times, now))
    log.event("opened", request=number, call_id=call_id, data={"to": "open"})
    return number


def insert_request(
    log: Log, call_id: int, transcript_id: int, request: Request, due_at: datetime
) -> int:
    """The row of a new request, `open`, without its words and tags; its number. Part of the
    transaction that logs those and the event."""
    return log.insert(
        "requests",
        {
            "call_id": call_id,
            "transcript_id": transcript_id,
            "category": request.category,
            "kind": request.kind,
            "urgency": request.urgency,
            "status": "open",
            "gist": request.gist,
            **asdict(request.place),
            "phone": request.phone,
            "caller_name": request.caller_name,
            "due_at": iso(due_at),
            "due_hint": request.due_hint and iso(request.due_hint),
            "undertaking": request.undertaking,
            "undertaking_due_at": request.undertaking_due and iso(request.undertaking_due),
            "conditions": json.dumps(request.conditions, ensure_ascii=False),
            "review": int(request.review),
            "opened_at": iso(log.now()),
        },
    )


def _tag_rows(
    number: int,
    request: Request,
    times: Mapping[int, list[tuple[float, float]]],
    now: str,
) -> list[Row]:
    """All evidence; the decided category, kind and urgency stand last, and so are the current."""
    decided = {
        "category": request.category,
        "kind": request.kind,
        "urgency": request.urgency,
    }
    rows: list[Row] = []
    for evidence in sorted(request.evidence, key=lambda e: decided.get(e.tag) == e.value):
        chars = times.get(evidence.turn, [])[evidence.start_char : evidence.end_char]
        rows.append(
            {
                "request": number,
                "tag": evidence.tag,
                "value": evidence.value,
                "given_by": evidence.by,
                "who": PROGRAM,
                "words": evidence.words,
                "turn_idx": evidence.turn,
                "start_char": evidence.start_char,
                "end_char": evidence.end_char,
                "start_s": chars[0][0] if chars else None,
                "end_s": chars[-1][1] if chars else None,
                "at": now,
            }
        )
    reasons = {(row["tag"], row["value"]) for row in rows}
    for tag, value in decided.items():
        if (tag, value) not in reasons:
            rows.append(
                {
                    "request": number,
                    "tag": tag,
                    "value": value,
                    "given_by": "rule",
                    "who": PROGRAM,
                    "words": None,
                    "turn_idx": None,
                    "start_char": None,
                    "end_char": None,
                    "start_s": None,
                    "end_s": None,
                    "at": now,
                }
            )
    return rows


def _piece_times(piece: Piece, turn: Turn, times: Sequence[tuple[float, float]]) -> Row:
    """When a piece was said: the whole turn's time for the whole turn, else that of its characters."""
    chars = times[piece.start_char : piece.end_char]
    whole = piece.start_char == 0 and piece.end_char >= len(turn.text)
    if whole or not chars:
        return {"start_s": turn.start, "end_s": turn.end}
    return {"start_s": chars[0][0], "end_s": chars[-1][1]}
