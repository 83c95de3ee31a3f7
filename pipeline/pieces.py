"""Which words of a call are a request's: pieces of its turns, cut in two or found by their time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pipeline.errors import UsageProblem
from pipeline.i18n import _
from pipeline.rows import RequestRow, Row
from pipeline.script import fold
from pipeline.timing import word_times
from pipeline.types import Turn

if TYPE_CHECKING:
    from pipeline.log import Log


def halves(log: Log, row: RequestRow, at: float | str) -> tuple[list[Row], list[Row]]:
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


def pieces_between(log: Log, transcript: int, start: float, end: float) -> list[Row]:
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
                "span_id": span_of(log, transcript, idx, turn),
                "start_char": inside[0] if inside else 0,
                "end_char": inside[-1] + 1 if inside else 0,
                "start_s": times[inside[0]][0] if inside else turn.start,
                "end_s": times[inside[-1]][1] if inside else turn.end,
            }
        )
    return pieces


def span_of(log: Log, transcript: int, idx: int, turn: Turn) -> int:
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


def piece_values(piece: Row) -> list[Any]:
    return [piece[name] for name in ("span_id", "start_char", "end_char", "start_s", "end_s")]


def set_pieces(log: Log, number: int, pieces: Sequence[Row]) -> None:
    log.conn.execute("DELETE FROM request_spans WHERE request = ?", (number,))
    log.conn.executemany(
        "INSERT INTO request_spans (request, piece, span_id, start_char, end_char, start_s, end_s) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        [(number, n, *piece_values(piece)) for n, piece in enumerate(pieces)],
    )
