"""Find words in the calls: every place where they stand, and some where they only sound so.

SQLite's own tokenizers find nothing inside a Chinese sentence, or silently nothing for two
characters. Here every character is a token of its own, and a word is a phrase of them: what LIKE
finds in the folded text is found. A second column holds how each character sounds, a third jieba's
words, which only rank. A token is a character's code, so that no character is lost to a tokenizer's
idea of a word.
"""

from __future__ import annotations

import contextlib
import json
import logging
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pipeline.script import fold, sounds
from pipeline.types import URGENCIES, Place

if TYPE_CHECKING:
    from pipeline.log import Log, RequestRow

How = Literal["exact", "sound"]
Sort = Literal["best", "newest", "urgent"]

FEW = 3
"""With fewer exact hits than this, words that sound alike are looked for too (0.3 s for pypinyin)."""

AROUND = 24
"""Characters shown on each side of a hit in a long turn."""

_RANK: Mapping[str | None, int] = {name: rank for rank, name in enumerate(URGENCIES)}

_WORD_WEIGHT = 4.0
"""How much more a hit counts when jieba took the same characters for a word: 水表 before 下水表示."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A place where words stand: `start` and `end` of the words in seconds, the `text` around them,
    and the same text `marked`, both in the original script."""

    start: float
    end: float
    turn: int
    text: str
    marked: str
    how: How


@dataclass(frozen=True, slots=True)
class Hit:
    """A request in whose words everything asked for stands; or a call, where `request` is None and
    what follows `started_at` too (`text` is then that of the passages)."""

    request: int | None
    call: int
    recording: str | None
    started_at: datetime
    category: str | None
    kind: str | None
    urgency: str | None
    status: str | None
    place: Place | None
    gist: str | None
    text: str
    hits: tuple[Passage, ...]
    how: How


# --- The index ------------------------------------------------------------------------------------


def index_text(text: str, home: Path) -> tuple[str, str, str]:
    """The three columns for a turn's text: characters, sounds, words. jieba's cache lies in `home`."""
    folded = fold(text)
    cut = _jieba(home).cut_for_search(folded, HMM=False) if folded else ()
    return (
        " ".join(_char(char) for char in folded),
        " ".join(_sound(one) for one in sounds(text, confused=True)),
        " ".join(_word(word) for word in cut if len(word) > 1),
    )


def _char(char: str) -> str:
    return f"{ord(char):x}"


def _sound(sound: str) -> str:
    # What is no syllable gets a digit in front, and so cannot be taken for one.
    return sound if sound.isascii() and sound.isalpha() else "0" + "g".join(map(_char, sound))


def _word(word: str) -> str:
    return "g".join(map(_char, word))


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


def wrongly_indexed(log: Log) -> list[int]:
    """Row ids of turns whose index and text differ, and of index rows without a turn; sorted."""
    wanted = {
        row["id"]: _fingerprint(enumerate(map(_char, fold(row["text"]))))
        for row in log.query("SELECT id, text FROM turns")
    }
    found: dict[int, int] = {
        row["id"]: 0 for row in log.query("SELECT id FROM turns_index_docsize")
    }
    log.conn.execute(
        "CREATE VIRTUAL TABLE IF NOT EXISTS temp.turns_terms "
        "USING fts5vocab ('main', 'turns_index', 'instance')"
    )
    for row in log.query("SELECT doc, offset, term FROM turns_terms WHERE col = 'chars'"):
        found[row["doc"]] = found.get(row["doc"], 0) ^ hash((row["offset"], row["term"]))
    return sorted(id for id in wanted.keys() | found.keys() if wanted.get(id) != found.get(id))


def _fingerprint(tokens: Iterable[tuple[int, str]]) -> int:
    """One number for (offset, token) pairs in any order: the index gives them sorted by token."""
    value = 0
    for token in tokens:
        value ^= hash(token)
    return value


# --- Asking ---------------------------------------------------------------------------------------


def search(
    log: Log,
    query: str,
    *,
    category: str | None = None,
    kind: str | None = None,
    urgency: str | None = None,
    status: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    caller: str | None = None,
    place: str | None = None,
    building: str | None = None,
    sort: Sort = "best",
    limit: int = 20,
    marks: tuple[str, str] = ("【", "】"),
) -> list[Hit]:
    """Requests, and calls outside of them, that hold all words of `query`, in any order.

    Words are parted by spaces; "in quotes" they stay together; nothing else has a meaning. Script,
    width and case do not matter. A request is a hit when its own words hold all that was asked for; a
    call is (`request` None) when they stand outside of its requests, or only the whole call holds
    them all. With fewer than FEW hits, words of two characters and more that sound the same follow.
    Filters are those of `Log.request_numbers`; any but the call's time leaves requests only.

    Args:
        sort: best (most telling words), newest or urgent (most urgent, then newest).
        limit: at most so many hits; 0 for all.
        marks: what to put before and after the words found.
    """
    words = parse(query)
    if not words:
        return []
    filters = {
        "category": category, "kind": kind, "urgency": urgency, "status": status,
        "since": since, "until": until, "caller": caller, "place": place, "building": building,
    }  # fmt: skip
    asked = _Asked(log, filters, sort, marks)
    with log.snapshot():
        hits = asked.find(words, "exact", limit)
        if len(hits) < FEW and (not limit or len(hits) < limit) and any(map(_can_sound, words)):
            there = {(hit.request, hit.call) for hit in hits}
            more = asked.find(words, "sound", limit and limit + len(hits))
            hits += [hit for hit in more if (hit.request, hit.call) not in there]
        return hits[:limit] if limit else hits


def parse(query: str) -> list[str]:
    """The words of a query, folded, each once: "in quotes" or “so” as they stand, else at spaces."""
    words = [
        match["quoted"] if match["quoted"] is not None else match["bare"]
        for match in re.finditer(r'["“](?P<quoted>[^"“”]+)["”]|(?P<bare>\S+)', fold(query))
    ]
    return list(dict.fromkeys(word for word in words if word.strip()))


def _can_sound(word: str) -> bool:
    """Whether `word` may be looked for by its sound: one syllable alone would mean anything."""
    return len(word) > 1 and any("\u4e00" <= char <= "\u9fff" for char in word)


@dataclass(frozen=True, slots=True)
class _Place:
    """A word found: characters `start` to `end` of turn `turn`."""

    word: str
    turn: int
    start: int
    end: int
    how: How


class _Asked:
    """One question to the log: its filters, and how the answer is to look."""

    def __init__(
        self, log: Log, filters: Mapping[str, Any], sort: Sort, marks: tuple[str, str]
    ) -> None:
        self.log = log
        self.sort = sort
        self.marks = marks
        given = {name: value for name, value in filters.items() if value is not None}
        self.bounds = {name: given[name] for name in ("since", "until") if name in given}
        self.requests_only = given.keys() > self.bounds.keys()
        self.allowed = set(log.request_numbers(**given)) if self.requests_only else None

    def find(self, words: Sequence[str], how: How, limit: int) -> list[Hit]:
        """Hits in the order asked for; with how="sound" also where words only sound alike."""
        scores: dict[int, float] | None = None
        turns: dict[int, set[int]] = {}
        for word in words:
            best: dict[int, float] = {}
            for turn_id, call, rank in self._matches(word, how):
                best[call] = min(best.get(call, 0.0), rank)
                turns.setdefault(call, set()).add(turn_id)
            scores = {
                call: rank + (scores[call] if scores is not None else 0.0)
                for call, rank in best.items()
                if scores is None or call in scores
            }
            if not scores:
                return []
        hits: list[Hit] = []
        for call in self._in_order(scores or {}):
            hits += self._hits_in(call, words, turns[call], how)
            if limit and len(hits) >= limit and self.sort != "urgent":
                break
        if self.sort == "urgent":
            hits.sort(
                key=lambda hit: _RANK.get(hit.urgency, len(_RANK))
            )  # stable: newest first within a level
        return hits[:limit] if limit else hits

    def _matches(self, word: str, how: How) -> Iterator[tuple[int, int, float]]:
        phrase = " ".join(map(_char, word))
        match = f'(chars : "{phrase}") OR (words : "{_word(word)}")'
        if how == "sound" and _can_sound(word):
            heard = " ".join(map(_sound, sounds(word, confused=True)))
            match += f' OR (sounds : "{heard}")'
        for row in self.log.query(
            f"SELECT t.id, x.call_id, bm25(turns_index, 1.0, 1.0, {_WORD_WEIGHT}) AS rank "
            "FROM turns_index JOIN turns AS t ON t.id = turns_index.rowid "
            "JOIN transcripts AS x ON x.id = t.transcript_id "
            "WHERE turns_index MATCH ? AND x.is_current",
            (match,),
        ):
            yield row["id"], row["call_id"], row["rank"]

    def _in_order(self, scores: Mapping[int, float]) -> list[int]:
        from pipeline.log import call_filter  # which loads this module

        where, params = call_filter(**self.bounds)
        if self.allowed is not None:
            where += (
                " AND c.id IN (SELECT call_id FROM requests "
                "WHERE number IN (SELECT value FROM json_each(?)))"
            )
            params.append(json.dumps(sorted(self.allowed)))
        newest = [
            row["id"]
            for row in self.log.query(
                f"SELECT c.id FROM calls AS c WHERE {where} "
                "AND c.id IN (SELECT value FROM json_each(?)) ORDER BY c.started_utc DESC, c.id DESC",
                [*params, json.dumps(list(scores))],
            )
        ]
        return sorted(newest, key=scores.__getitem__) if self.sort == "best" else newest

    def _hits_in(
        self, call: int, words: Sequence[str], turn_ids: Iterable[int], how: How
    ) -> list[Hit]:
        """The hits of one call of which some turns hold the words: its requests, then its rest."""
        rows = self.log.query(
            "SELECT * FROM turns WHERE id IN (SELECT value FROM json_each(?)) ORDER BY idx",
            (json.dumps(list(turn_ids)),),
        )
        texts: dict[int, str] = {row["idx"]: row["text"] for row in rows}
        transcript_id: int = rows[0]["transcript_id"]
        found = [
            place
            for turn, text in texts.items()
            for word in words
            for place in _places(word, turn, text, how)
        ]
        pieces = self.log.query(
            "SELECT p.request, s.turn_idx, p.start_char, p.end_char FROM request_spans AS p "
            "JOIN spans AS s ON s.id = p.span_id WHERE s.transcript_id = ? ORDER BY p.request",
            (transcript_id,),
        )
        held: dict[int, list[_Place]] = {}
        free = set(found)
        for piece in pieces:
            for place in found:
                if (
                    place.turn == piece["turn_idx"]
                    and place.start < piece["end_char"]
                    and place.end > piece["start_char"]
                ):
                    held.setdefault(piece["request"], []).append(place)
                    free.discard(place)
        numbers = [number for number, places in held.items() if _all_said(words, places)]
        wanted = [n for n in numbers if self.allowed is None or n in self.allowed]
        hits = [
            _request_hit(row, self._passages(transcript_id, texts, held[row.number]))
            for row in self.log.requests(numbers=wanted)
        ]
        if not self.requests_only:
            rest = [place for place in found if place in free]
            if not numbers and not _all_said(words, rest):
                rest = found  # only the call as a whole holds all the words
            if _all_said(words, rest):
                hits.append(self._call_hit(call, self._passages(transcript_id, texts, rest)))
        return hits

    def _call_hit(self, call: int, passages: tuple[Passage, ...]) -> Hit:
        row = self.log.call(call)
        return Hit(
            request=None,
            call=row.id,
            recording=row.recording,
            started_at=row.started_at,
            category=None,
            kind=None,
            urgency=None,
            status=None,
            place=None,
            gist=None,
            text=" ".join(passage.text for passage in passages),
            hits=passages,
            how=_how(passages),
        )

    def _passages(
        self, transcript_id: int, texts: Mapping[int, str], places: Iterable[_Place]
    ) -> tuple[Passage, ...]:
        """One passage for places that lie close together in one turn."""
        groups: list[list[_Place]] = []
        for place in sorted(set(places), key=lambda p: (p.turn, p.start, p.end)):
            last = groups[-1] if groups else None
            near = last and last[0].turn == place.turn
            if last and near and place.start - max(p.end for p in last) <= AROUND:
                last.append(place)
            else:
                groups.append([place])
        return tuple(self._passage(transcript_id, texts[g[0].turn], g) for g in groups)

    def _passage(self, transcript_id: int, text: str, places: Sequence[_Place]) -> Passage:
        start, end = places[0].start, max(place.end for place in places)
        low, high = max(0, start - AROUND), min(len(text), end + AROUND)
        times = self.log.word_times(transcript_id, places[0].turn)
        exact = all(place.how == "exact" for place in places)
        return Passage(
            start=times[start][0],
            end=times[end - 1][1],
            turn=places[0].turn,
            text=text[low:high],
            marked=mark(text, [(p.start, p.end) for p in places], self.marks, low, high),
            how="exact" if exact else "sound",
        )


def mark(
    text: str,
    places: Iterable[tuple[int, int]],
    marks: tuple[str, str] = ("【", "】"),
    low: int = 0,
    high: int | None = None,
) -> str:
    """`text[low:high]` with marks around `places` (start, end); those that touch become one."""
    joined: list[tuple[int, int]] = []
    for start, end in sorted(places):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    out, position = [], low
    for start, end in joined:
        out += [text[position:start], marks[0], text[start:end], marks[1]]
        position = end
    return "".join([*out, text[position:high]])


def _places(word: str, turn: int, text: str, how: How) -> Iterator[_Place]:
    """Where `word` stands in a turn's text, overlaps too, and with how="sound" where it may be meant."""
    folded = fold(text)
    exact = set(_find(folded, word))
    for start in sorted(exact):
        yield _Place(word, turn, start, start + len(word), "exact")
    if how == "sound" and _can_sound(word):
        heard = tuple(map(_sound, sounds(text, confused=True)))
        wanted = tuple(map(_sound, sounds(word, confused=True)))
        for start in range(len(heard) - len(wanted) + 1):
            if heard[start : start + len(wanted)] == wanted and start not in exact:
                yield _Place(word, turn, start, start + len(word), "sound")


def _find(text: str, word: str) -> Iterator[int]:
    at = text.find(word)
    while at >= 0:
        yield at
        at = text.find(word, at + 1)


def _all_said(words: Sequence[str], places: Iterable[_Place]) -> bool:
    return {place.word for place in places} >= set(words)


def _how(passages: Iterable[Passage]) -> How:
    return "exact" if all(passage.how == "exact" for passage in passages) else "sound"


def _request_hit(row: RequestRow, passages: tuple[Passage, ...]) -> Hit:
    return Hit(
        request=row.number,
        call=row.call_id,
        recording=row.recording,
        started_at=row.started_at,
        category=row.category,
        kind=row.kind,
        urgency=row.urgency,
        status=row.status,
        place=row.place,
        gist=row.gist,
        text=row.text,
        hits=passages,
        how=_how(passages),
    )
