"""What staff said of requests, as labels for the words that were heard: read from the log."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pipeline.log import Log


class Lesson(NamedTuple):
    """The resident's words of a request, with the labels that staff gave it; `asked` is false where
    they said that it was no request."""

    number: int
    words: str
    labels: dict[str, str]
    asked: bool


def lessons(log: Log) -> Iterator[Lesson]:
    """One for every request whose category, kind or urgency staff corrected, or that they dismissed.

    What the rules and the model said teaches nothing; nor does a request whose words are gone.
    """
    said: dict[int, dict[str, str]] = {}
    for row in log.query(
        "SELECT request, tag, value FROM current_tags "
        "WHERE given_by = 'staff' AND tag IN ('category', 'kind', 'urgency') ORDER BY request, tag"
    ):
        said.setdefault(row["request"], {})[row["tag"]] = row["value"]
    dismissed = {
        row["number"] for row in log.query("SELECT number FROM requests WHERE status = 'dismissed'")
    }
    for number in sorted(said.keys() | dismissed):
        pieces = log.request_text(number)
        own = [piece for piece in pieces if piece.speaker != "staff"] or pieces
        words = " ".join(piece.text for piece in own).strip()
        if words:
            asked = number not in dismissed
            yield Lesson(number, words, said.get(number, {}) if asked else {}, asked)
