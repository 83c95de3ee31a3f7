"""The search index: which terms stand for a text, and how they are kept true to it.

SQLite's own tokenizers find nothing inside a Chinese sentence, or silently nothing for two characters.
Here every character, every pair of neighbours and every word of jieba's is a term of its own, made
here and given to FTS5 parted by spaces. The index says which rows may hold what was asked for (detail
is none: it knows no positions, and so takes half the room); search then looks into their text. So it
can only find too many rows, never too few: a text that holds a word holds all of the word's pairs.

Three things are indexed, told apart by the row id: turns (the turn's id), the gists of requests (the
number, negative), and what was set aside (ASIDE + the segment's id).
"""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pipeline.readings import heard
from pipeline.rows import clean
from pipeline.script import fold, pattern, plain

if TYPE_CHECKING:
    from sqlite3 import Connection

    from pipeline.log import Log

VERSION = 2
"""Count up when other terms stand for a text than before: each log is then indexed anew when opened."""

ASIDE = 1 << 40
"""Row ids from here on are segments that were set aside."""

ALL_ROWS = 1 << 62
"""No row id is as far from 0."""

WORD = "w"
"""Before the terms that are words: no character's term begins with an ASCII letter."""

_ASCII = {
    code: 0x2400 + code if code < 0x20 else 0x3000 if code == 0x20 else 0xFEE0 + code
    for code in range(0x7F)
} | {0x7F: 0x2421}
"""FTS5's tokenizer `ascii` takes every other character as it stands, but parts at spaces and signs.
Folding leaves no full-width sign, so that these mean nothing else."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What is kept for one text: terms parted by spaces, and at which characters jieba begins a word
    (bit n of `starts`, little end first; the end of the text counts as a beginning)."""

    exact: str
    sound: str
    starts: bytes


def terms(text: str, home: Path) -> Terms:
    """The terms for `text`. jieba's cache lies in `home`; jieba and pypinyin load at the first call."""
    folded = fold(text)
    words, starts = _words(folded, home)
    return Terms(
        exact=" ".join([*sorted(exact_terms(text)), *sorted(words)]),
        sound=" ".join(sorted(sound_terms(folded))),
        starts=starts,
    )


def terms_of(log: Log, texts: Iterable[str]) -> dict[str, Terms]:
    """The terms for each of some texts of a log."""
    return {text: terms(clean(text), log.path.parent) for text in texts}


def exact_terms(text: str) -> set[str]:
    """Every character and every pair of neighbours."""
    known = plain(text).translate(_ASCII)
    return {*known, *map("".join, pairwise(known))}


def sound_terms(folded: str) -> set[str]:
    """Every pair of neighbouring syllables, in all readings that they may have there."""
    return {
        sound_pair(one, other)
        for before, after in pairwise(heard(folded))
        for one in before
        for other in after
    }


def sound_pair(one: str, other: str) -> str:
    return f"{one}0{other}"  # parted: xi an is not xia n


class Match(NamedTuple):
    """A question to one table of the index: the rows that have all of the terms, each of which is an
    expression of FTS5. `pattern` is a GLOB that the texts meant have too, or nothing."""

    table: str
    terms: tuple[str, ...]
    pattern: str = ""

    @property
    def expression(self) -> str:
        return " AND ".join(f"({term})" for term in self.terms)


def exact_match(spelling: str, most: int) -> Match:
    """The rows that may hold `spelling` (plain; one character and more), by `most` of its pairs."""
    known = spelling.translate(_ASCII)
    pairs = list(dict.fromkeys(map("".join, pairwise(known)))) or [known]
    return Match(
        "exact_index", tuple(f'"{term}"' for term in pairs[:most]), pattern(spelling[: most + 1])
    )


def rows(conn: Connection, match: Match, low: int, high: int, most: int = -1) -> list[int]:
    """The row ids from `low` to `high` that a match gives, at most so many of them."""
    found = conn.execute(
        f"SELECT rowid FROM {match.table} WHERE {match.table} MATCH ? AND rowid BETWEEN ? AND ? LIMIT ?",
        (match.expression, low, high, most),
    )
    return [row[0] for row in found]


TOLD_BY = 64
"""How rare a term is, is told by the row in which it stands for the so many-th time."""

WORTH_ASKING = {"exact_index": (64, 8), "sound_index": (512, 64, 64, 64)}
"""Beside the rarest term of a word, another is asked for if it is at most so many times as frequent, and a
third, ... Texts that may only sound so take longer to look into: SQLite cannot leave out any."""


def narrowed(conn: Connection, match: Match) -> Match:
    """A match with only its rarest terms.

    FTS5 walks through all rows of every term to find where they meet; to look into the texts that the
    rarest ones leave takes less.
    """
    if len(match.terms) < 2:
        return match
    sql = (
        f"SELECT rowid FROM {match.table} WHERE {match.table} MATCH ? AND rowid > 0 "
        f"LIMIT 1 OFFSET {TOLD_BY - 1}"
    )
    told = []
    for term in match.terms:
        row = conn.execute(sql, (term,)).fetchone()
        if row is None and match.pattern:
            return match._replace(terms=(term,))
        told.append((row[0] if row else ALL_ROWS, term))
    told.sort(key=lambda one: -one[0])
    kept = [told[0][1]]
    for (far, term), most in zip(told[1:], WORTH_ASKING[match.table], strict=False):
        if told[0][0] <= most * far:
            kept.append(term)
    return match._replace(terms=tuple(kept))


def _words(folded: str, home: Path) -> tuple[set[str], bytes]:
    cutter = _jieba(home)
    found, starts, at = set(), 1 << len(folded), 0
    for word in cutter.cut(folded, HMM=False) if folded else ():
        starts |= 1 << at
        at += len(word)
        # The words within a word too: 电梯 of 电梯间.
        for size in {2, 3, len(word)}:
            for start in range(len(word) - size + 1):
                part = word[start : start + size]
                if size > 1 and (size == len(word) or cutter.FREQ.get(part)):
                    found.add(WORD + part.translate(_ASCII))
    return found, starts.to_bytes(len(folded) // 8 + 1, "little")


_LOADED: list[Any] = []
"""jieba's cutter, once a process has it: its words are the same in every home."""


def _jieba(home: Path) -> Any:
    """jieba's cutter, loaded (0.7 s) by what indexes, never by what asks."""
    if _LOADED:
        return _LOADED[0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its own old ways: escapes, pkg_resources
        import jieba
    jieba.setLogLevel(logging.CRITICAL)  # it tells stderr that it loads, or has no cache
    cutter = jieba.Tokenizer()
    # Its default is the shared /tmp, where anybody could put a cache for us to load.
    cache = home / ".cache"
    with contextlib.suppress(OSError):
        cache.mkdir(mode=0o700, exist_ok=True)
    cutter.tmp_dir = str(cache)
    cutter.cache_file = "jieba.cache"
    cutter.initialize()
    _LOADED.append(cutter)
    return cutter


# --- Keeping it -----------------------------------------------------------------------------------


def add(conn: Connection, rowid: int, found: Terms, started: str) -> None:
    """Index a text under `rowid`, in the transaction that writes it. `started` is the time of its call,
    as `started_utc` has it.

    Rows of a kind are added in the order in which they came, which is nearly that of their calls'
    times. With each is kept the latest time up to it (`horizon`): so search knows when it has seen the
    newest without reading the rest.
    """
    conn.execute("INSERT INTO exact_index (rowid, terms) VALUES (?, ?)", (rowid, found.exact))
    conn.execute("INSERT INTO sound_index (rowid, terms) VALUES (?, ?)", (rowid, found.sound))
    before = conn.execute(_GIST_BEFORE if rowid < 0 else _TEXT_BEFORE, (rowid, rowid)).fetchone()
    horizon = max(started, before[0]) if before else started
    conn.execute("INSERT INTO index_rows VALUES (?, ?, ?)", (rowid, horizon, found.starts))


_GIST_BEFORE = (
    "SELECT horizon FROM index_rows WHERE id > ? AND ? < 0 AND id < 0 ORDER BY id LIMIT 1"
)
_TEXT_BEFORE = (
    "SELECT horizon FROM index_rows WHERE id < ? "
    f"AND id > iif(? < {ASIDE}, 0, {ASIDE - 1}) ORDER BY id DESC LIMIT 1"
)


def remove(conn: Connection, rowids: Iterable[int]) -> None:
    """Forget texts, in the transaction that deletes them."""
    for rowid in rowids:
        conn.execute("DELETE FROM exact_index WHERE rowid = ?", (rowid,))
        conn.execute("DELETE FROM sound_index WHERE rowid = ?", (rowid,))
        conn.execute("DELETE FROM index_rows WHERE id = ?", (rowid,))


def is_current(conn: Connection) -> bool:
    """Whether the index was made with the terms of this version."""
    row = conn.execute("SELECT max(version) FROM index_version").fetchone()
    return bool(row[0] == VERSION)


def rebuild(log: Log) -> int:
    """Make the whole index anew from the rows, in one transaction; how many texts it holds."""
    home = log.path.parent
    n = 0
    with log.transaction():
        for table in ("exact_index", "sound_index"):
            log.conn.execute(f"INSERT INTO {table} ({table}) VALUES ('delete-all')")
        log.conn.execute("DELETE FROM index_rows")
        for rowid, text, started in texts(log.conn):
            add(log.conn, rowid, terms(text, home), started)
            n += 1
        for table in ("exact_index", "sound_index"):
            log.conn.execute(f"INSERT INTO {table} ({table}) VALUES ('optimize')")
        log.conn.execute("DELETE FROM index_version")
        log.conn.execute("INSERT INTO index_version VALUES (?)", (VERSION,))
    return n


def texts(conn: Connection) -> Iterator[tuple[int, str, str]]:
    """(row id, text, its call's `started_utc`) of everything that is to be found, oldest rows first."""
    for sql in (
        "SELECT -r.number, r.gist, c.started_utc FROM requests AS r "
        "JOIN calls AS c ON c.id = r.call_id ORDER BY r.number",
        "SELECT t.id, t.text, c.started_utc FROM turns AS t "
        "JOIN transcripts AS x ON x.id = t.transcript_id JOIN calls AS c ON c.id = x.call_id "
        "ORDER BY t.id",
        f"SELECT {ASIDE} + s.id, s.text, c.started_utc FROM segments AS s "
        "JOIN transcripts AS x ON x.id = s.transcript_id JOIN calls AS c ON c.id = x.call_id "
        "WHERE s.set_aside IS NOT NULL ORDER BY s.id",
    ):
        yield from conn.execute(sql)


# --- Proving it -----------------------------------------------------------------------------------


def wrongly_indexed(log: Log) -> list[int]:
    """Row ids whose text and index differ, and of index rows without a text; sorted.

    Every term of characters and of sounds is compared, both ways; the words only rank. One number a row
    stands for its terms, wherever they come from: what both sides hold leaves 0.
    """
    left = {
        rowid: _fingerprint(exact_terms(text)) ^ _fingerprint(sound_terms(fold(text)))
        for rowid, text, _ in texts(log.conn)
    }
    wanted = set(left)
    wrong: set[int] = set()
    for table, bounds in _PROVED.items():
        there = (row[0] for row in log.conn.execute(f"SELECT id FROM {table}_docsize"))
        wrong |= wanted.symmetric_difference(there)
        log.conn.execute(
            f"CREATE VIRTUAL TABLE IF NOT EXISTS temp.{table}_terms "
            f"USING fts5vocab ('main', '{table}', 'instance')"
        )
        for bound in bounds:
            last, value = "", 0
            # It gives all rows of one term before those of the next.
            for term, rowid in log.conn.execute(
                f"SELECT term, doc FROM temp.{table}_terms WHERE term {bound}"
            ):
                if term != last:
                    last, value = term, hash(term)
                left[rowid] = left.get(rowid, 0) ^ value
    wrong.update(rowid for rowid, value in left.items() if value)
    return sorted(wrong)


_PROVED = {"exact_index": (f"< '{WORD}'", f">= '{chr(ord(WORD) + 1)}'"), "sound_index": (">= ''",)}
"""The terms of each table that are proved: all but words."""


def _fingerprint(found: Iterable[str]) -> int:
    """One number for terms in any order: the index gives them sorted by term."""
    value = 0
    for term in found:
        value ^= hash(term)
    return value
