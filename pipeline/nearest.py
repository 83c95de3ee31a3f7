"""When nothing is found: the nearest that would be, each tried before it is offered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from pipeline import index
from pipeline.query import parse
from pipeline.rows import clean
from pipeline.search import ask

if TYPE_CHECKING:
    from pipeline.log import Log

Why = Literal["aside", "filters", "fewer", "similar", "part"]

OFFERED = 5
TRIED = 60
"""At most so many are offered, and at most so many tried."""


@dataclass(frozen=True, slots=True)
class Nearest:
    """Something that would be found: `query`, how many hits (`n`, counted up to FEW), and why it is
    near: the same words among what was set aside; or without the filters the same words, some of them,
    a word of the calls that is much like one, a part of a word."""

    query: str
    n: int
    why: Why


FEW = 20
"""Hits are counted up to here."""


def nearest(log: Log, query: str, **asked: Any) -> list[Nearest]:
    """What comes nearest to a question (see `search.ask`) that found nothing, nearest first."""
    filters = {name: value for name, value in asked.items() if value not in (None, False)}
    aside = bool(filters.pop("aside", False))
    found: list[Nearest] = []
    tried = 0
    for near, why, more in _ideas(log, query, filters, aside):
        if any(
            near == one.query and (why == one.why or "aside" not in (why, one.why)) for one in found
        ):
            continue  # the same command for another reason
        tried += 1
        answer = ask(log, near, limit=FEW, by_sound=False, counts_only=True, **more)
        n = answer.requests + answer.calls
        if n:
            found.append(Nearest(near, min(n, FEW), why))
        if len(found) >= OFFERED or tried >= TRIED:
            break
    return found


def _ideas(
    log: Log, query: str, filters: Mapping[str, Any], aside: bool
) -> Iterator[tuple[str, Why, Mapping[str, Any]]]:
    """(query, why, filters), nearest first."""
    if not aside:
        yield query, "aside", {**filters, "aside": True}
    if filters:
        yield query, "filters", {}
    groups = parse(clean(query)).groups
    words = [[term.word for term in group] for group in groups]
    if len(words) > 1:
        for n in range(len(words)):
            yield " ".join(_quoted(w) for m, w in enumerate(words) if m != n), "fewer", {}
        for group in words:
            yield _quoted(group), "fewer", {}
    for word in (word for group in words for word in group):
        for similar in _similar(log, word):
            yield similar, "similar", {}
    for word in (word for group in words for word in group):
        for size in range(min(len(word), 12) - 1, 0, -1):
            for start in range(len(word) - size + 1):
                part = word[start : start + size]
                if part.strip() == part and (size > 1 or len(word) == 2):
                    yield _quoted([part]), "part", {}


def _quoted(group: list[str]) -> str:
    return " OR ".join(f'"{word}"' if set(word) & set(' -"') else word for word in group)


def _similar(log: Log, word: str) -> list[str]:
    """Words of the calls, as jieba cut them, that differ in one character; the most frequent first."""
    if not 3 <= len(word) <= 8:  # of two characters, one alone is no likeness
        return []
    log.conn.execute(
        "CREATE VIRTUAL TABLE IF NOT EXISTS temp.index_words USING fts5vocab ('main', 'exact_index', 'row')"
    )
    found: dict[str, int] = {}
    for first in dict.fromkeys(word[:2]):
        for term, n in log.conn.execute(
            "SELECT term, doc FROM temp.index_words WHERE term >= ? AND term < ?",
            (index.WORD + first, index.WORD + chr(ord(first) + 1)),
        ):
            other = term.removeprefix(index.WORD)
            if other != word and _one_apart(word, other):
                found[other] = n
    return sorted(found, key=lambda other: -found[other])[:3]


def _one_apart(one: str, other: str) -> bool:
    """Whether one character more, less or another makes the two the same."""
    if len(one) == len(other):
        return sum(a != b for a, b in zip(one, other, strict=True)) == 1
    short, long = sorted((one, other), key=len)
    return len(long) == len(short) + 1 and any(
        long[:n] + long[n + 1 :] == short for n in range(len(long))
    )
