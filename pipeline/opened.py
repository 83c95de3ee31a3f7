"""Requests that staff open: told at the desk, missed in a call, or parted from another."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pipeline import hearings, index, understandings
from pipeline.acts import Act, acting, refuse_closed
from pipeline.errors import UsageProblem
from pipeline.i18n import _
from pipeline.life import correct_one
from pipeline.log import PROGRAM
from pipeline.pieces import halves, piece_values, pieces_between, set_pieces
from pipeline.rows import RequestRow, iso, utc
from pipeline.types import Request, Turn, Understanding

if TYPE_CHECKING:
    from pipeline.log import Log


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

    `told` is what its words are understood to ask, `values` what staff say of it (see `life.correct`).
    """
    with acting(log, by, note) as act:
        name = f"{at:%Y%m%d-%H%M%S}-{act.number}"
        transcript = hearings.import_call(log, name, at, "mono", (turn,), time_source="staff")
        assert transcript is not None  # its name is its own
        (number,) = understandings.save(log, transcript, Understanding((told,), (), ()), [due_at])
        act.event("added", request=number, opened=[number])
        say(act, number, values)
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
    with acting(log, by, note) as act:
        number = add_stretch(act, call_id, start, end, told, due_at, values, how="added")
    return log.request(number)


def add_stretch(
    act: Act,
    call_id: int,
    start: float,
    end: float,
    told: Request,
    due_at: datetime,
    values: Mapping[str, Any],
    *,
    how: str,
) -> int:
    """A request of what was said in a call from `start` to `end` seconds, opened as part of an act; `how`
    it came about is kept with it. Its number."""
    log = act.log
    call = log.call(call_id)
    if not 0 <= start < end or start >= call.duration:
        raise UsageProblem(
            _("Call {n} has no such seconds: it is {m}:{s:02d} long.").format(
                n=call_id, m=int(call.duration) // 60, s=int(call.duration) % 60
            )
        )
    transcript = log.current_transcript(call_id)
    pieces = [] if transcript is None else pieces_between(log, transcript, start, end)
    if transcript is None or not pieces:
        raise UsageProblem(
            _(
                "Nothing was heard in call {n} at that time; write it down without the call: "
                'hotline add "…"'
            ).format(n=call_id)
        )
    number = open_request(act, call_id, transcript, told, due_at, how=how)
    set_pieces(log, number, pieces)
    say(act, number, values)
    return number


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
    (see `life.correct`). No word is lost.

    Raises:
        UsageProblem: the words are not there, or one half would be empty.
    """
    with acting(log, by, note) as act:
        row = log.request(number)
        refuse_closed(row)
        first, second = halves(log, row, at)
        before = [piece_values(one) for one in log.piece_rows(number)]
        set_pieces(log, number, first)
        new = open_request(
            act, row.call_id, row.transcript_id, told, due_at, how="split_from", of=number
        )
        set_pieces(log, new, second)
        say(act, new, values)
        act.change(row, "split", {}, opened=[new], pieces={str(number): before})
    return log.request(number), log.request(new)


def second_half(log: Log, number: int, at: float | str) -> str:
    """The words of a request from `at` on; see `split`."""
    row = log.request(number)
    turns = log.turns(row.transcript_id)
    return " ".join(
        turns[piece["turn_idx"]].text[piece["start_char"] : piece["end_char"]]
        for piece in halves(log, row, at)[1]
    )


def open_request(
    act: Act,
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
                "who": PROGRAM,
                "words": reasons.get(tag),
                "at": iso(act.at),
            }
            for tag, value in decided.items()
        ],
    )
    found = index.terms_of(log, [told.gist])[told.gist]
    index.add(log.conn, -number, found, utc(log.call(call_id).started_at))
    act.event(
        "opened", request=number, call_id=call_id, to="open", opened=[number], how=how, **data
    )
    return number


def say(act: Act, number: int, values: Mapping[str, Any]) -> None:
    """What staff said of a request that they opened, beside what the rules made of its words."""
    if values:
        correct_one(act, act.log.request(number), values, None)
