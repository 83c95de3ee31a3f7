"""When each character of a turn was said: from the words that were heard, which have times."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pipeline.script import fold

if TYPE_CHECKING:
    from pipeline.log import Log


def word_times(log: Log, transcript_id: int, turn: int) -> list[tuple[float, float]]:
    """Start and end of every character of a turn, in seconds; see `char_times`."""
    row = log.one("SELECT * FROM turns WHERE transcript_id = ? AND idx = ?", (transcript_id, turn))
    if row is None:
        return []
    words = log.query(
        "SELECT w.start_s, w.end_s, w.text FROM words AS w "
        "JOIN segments AS s ON s.id = w.segment_id "
        "WHERE s.transcript_id = ? AND s.channel = ? AND s.set_aside IS NULL "
        "AND (w.start_s + w.end_s) / 2 BETWEEN ? AND ? ORDER BY w.start_s, s.idx, w.idx",
        (transcript_id, row["channel"], row["start_s"], row["end_s"]),
    )
    return char_times(
        row["text"],
        row["start_s"],
        row["end_s"],
        [(word["start_s"], word["end_s"], word["text"]) for word in words],
    )


def char_times(
    text: str, start: float, end: float, words: Sequence[tuple[float, float, str]]
) -> list[tuple[float, float]]:
    """When each character of a turn was said: (start, end) in seconds, one a character, never going back.

    From `words` (start, end, text), in order, where they are found in `text`; what they do not hold
    (punctuation, a character that a later stage changed) is set between its neighbours, and without
    any words the turn's time is shared out evenly.
    """
    if not words:
        step = (end - start) / len(text) if text else 0.0
        return [(start + n * step, start + (n + 1) * step) for n in range(len(text))]
    folded = fold(text)
    known: list[tuple[float, float] | None] = [None] * len(text)
    position = 0
    for word_start, word_end, word in words:
        token = fold(word.strip())
        # A word of another turn at the edge must not pull the rest along: look a few characters ahead.
        at = folded.find(token, position, position + len(token) + 8) if token else -1
        if at < 0:
            continue
        share = (word_end - word_start) / len(token)
        for n in range(len(token)):
            known[at + n] = (word_start + n * share, word_start + (n + 1) * share)
        position = at + len(token)
    times: list[tuple[float, float]] = []
    n = 0
    while n < len(text):
        here = known[n]
        if here is not None:
            times.append(here)
            n += 1
            continue
        stop = next((m for m in range(n, len(text)) if known[m] is not None), len(text))
        after = known[stop] if stop < len(text) else None
        low = times[-1][1] if times else start
        high = max(low, after[0] if after is not None else end)
        step = (high - low) / (stop - n)
        times += [(low + m * step, low + (m + 1) * step) for m in range(stop - n)]
        n = stop
    return times
