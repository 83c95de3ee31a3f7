"""Find words in the calls: every place where they stand, and the places where they only sound so.

The index (`index.py`) names the rows that may hold a word, newest first; their text decides. A word
that few rows hold is looked up in all of them. One that MANY rows hold is looked for call by call, in
the order of the answer, until there are enough: a common character is answered as soon as a rare one,
and what is found is the same. Only "best" then ranks the newest MANY rather than all, and says so.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from pipeline import index
from pipeline.match import Found, How, Text, Word, mark
from pipeline.query import Query, parse
from pipeline.rows import clean
from pipeline.types import URGENCIES, Place

if TYPE_CHECKING:
    from pipeline.log import Log, RequestRow

Sort = Literal["best", "newest", "urgent"]
Where = Literal["words", "gist", "aside"]

MANY = 256
"""A word that so many rows may hold is common: it is looked for call by call."""

PAGE = 48
"""Calls looked into at once."""

AROUND = 24
"""Characters shown on each side of a hit in a long turn."""

ALL = "all"
"""In a page: hits of every urgency count."""

_Page = tuple[list[int], str | None]
"""Calls, and of which urgency their hits count: ALL, a level, or None for what is no request."""

_RANK: Mapping[str | None, int] = {name: rank for rank, name in enumerate(URGENCIES)}

LONG = 60
"""A turn of more characters says less about each of its words."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A place where words stand: `start` and `end` of the words in seconds, the `text` around them,
    and the same text `marked`, both in the original script.

    `where` is words (of turn `turn`), gist (the request's, at the request's time) or aside (words
    that were set aside as not said); `turn` is None for the last two.
    """

    start: float
    end: float
    turn: int | None
    text: str
    marked: str
    how: How
    where: Where = "words"


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


@dataclass(frozen=True, slots=True)
class Answer:
    """What was found. `hits` are the first so many; the counts are of all that was found: `requests`,
    calls outside of requests (`calls`), how many only by sound, requests by category and urgency.

    `complete` is false where a common word was looked for only until there was enough: there is more,
    and the counts are of what was seen.
    """

    query: Query
    hits: tuple[Hit, ...] = ()
    requests: int = 0
    calls: int = 0
    by_sound: int = 0
    by_category: Mapping[str, int] = field(default_factory=dict)
    by_urgency: Mapping[str, int] = field(default_factory=dict)
    complete: bool = True


def search(log: Log, query: str, **asked: Any) -> list[Hit]:
    """The hits of `ask`."""
    return list(ask(log, query, **asked).hits)


def ask(
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
    speaker: str | None = None,
    needs_listening: bool = False,
    aside: bool = False,
    by_sound: bool = True,
    sort: Sort = "best",
    limit: int = 20,
    marks: tuple[str, str] = ("【", "】"),
) -> Answer:
    """Requests, and calls outside of them, that hold what `query` asks for; see `query.parse`.

    Script, width and case do not matter, nor whether a number is in figures or in Chinese numerals. A
    request is a hit when its own words or its gist hold all that was asked for; a call is (`request`
    None) when they stand outside of its requests, or only the whole call holds them all. Where that
    gives fewer than `limit`, what only sounds so follows.

    Args:
        category, kind, urgency, status, caller, place, building: as of `Log.request_numbers`; each
            leaves requests only.
        since, until: bounds of the call's time, the second not included.
        speaker: only what they said (resident, staff, unknown).
        needs_listening: only what stands where somebody must still listen.
        aside: also what was set aside as not said (phantoms, loops).
        by_sound: whether to look for what sounds alike.
        sort: best (words of the cut before chance neighbours, often said before once, then newest),
            newest, or urgent (most urgent, then newest).
        limit: at most so many hits; 0 for all.
        marks: what to put before and after the words found.
    """
    read = parse(clean(query))
    if not read.groups:
        return Answer(read)
    requests = {
        "category": category, "kind": kind, "urgency": urgency, "status": status,
        "caller": caller, "place": place, "building": building,
    }  # fmt: skip
    asked = _Asked(
        log=log,
        words=tuple(tuple(map(Word, group)) for group in read.groups),
        without=tuple(map(Word, read.without)),
        of_requests={name: value for name, value in requests.items() if value is not None},
        of_calls={"since": since, "until": until},
        speaker=speaker,
        needs_listening=needs_listening,
        aside=aside,
        sort=sort,
    )
    with log.snapshot():
        seen = asked.look("exact", limit)
        complete = seen.complete
        raws = seen.raws
        n_exact = len(raws)
        if by_sound and (not limit or n_exact < limit) and asked.can_sound:
            there = {(raw.request, raw.call) for raw in raws}
            more = asked.look("sound", limit and limit + n_exact)
            raws = raws + [raw for raw in more.raws if (raw.request, raw.call) not in there]
            complete = complete and more.complete
        shown = raws[:limit] if limit else raws
        hits = _Shown(log, marks).hits(shown)
    of = [raw for raw in raws if raw.request is not None]
    return Answer(
        query=read,
        hits=tuple(hits),
        requests=len(of),
        calls=len(raws) - len(of),
        by_sound=len(raws) - n_exact,
        by_category=dict(Counter(raw.category or "" for raw in of).most_common()),
        by_urgency={name: n for name in URGENCIES if (n := sum(r.urgency == name for r in of))},
        complete=complete,
    )


# --- Looking --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Turn:
    """A text that was looked into: a turn, or (`idx` None) words that were set aside."""

    id: int
    transcript: int
    call: int
    idx: int | None
    channel: int
    start: float
    end: float
    text: str


@dataclass(frozen=True, slots=True)
class _Spot:
    """A group of the query (by its number) found in a text."""

    group: int
    turn: _Turn
    found: Found


@dataclass(frozen=True, slots=True)
class _Raw:
    """A hit before it is dressed for showing. `gist` are the places in the request's gist."""

    request: int | None
    call: int
    category: str | None
    urgency: str | None
    score: float
    how: How
    spots: tuple[_Spot, ...]
    gist: tuple[Found, ...] = ()


@dataclass(frozen=True, slots=True)
class _Asking:
    """A request that passes the filters."""

    number: int
    category: str
    urgency: str
    gist: str


@dataclass(slots=True)
class _Seen:
    raws: list[_Raw]
    complete: bool = True


@dataclass(frozen=True, slots=True)
class _Asked:
    """One question to the log."""

    log: Log
    words: tuple[tuple[Word, ...], ...]
    without: tuple[Word, ...]
    of_requests: Mapping[str, Any]
    of_calls: Mapping[str, Any]
    speaker: str | None
    needs_listening: bool
    aside: bool
    sort: Sort

    @property
    def can_sound(self) -> bool:
        return any(word.sound_match for group in self.words for word in group)

    @property
    def requests_only(self) -> bool:
        return bool(self.of_requests)

    @property
    def of_turns(self) -> bool:
        """Whether a filter is on the turn itself: a gist or what was set aside is then none."""
        return self.needs_listening or self.speaker is not None

    def look(self, how: How, limit: int) -> _Seen:
        """Hits in the order asked for; with how="sound" also where words only sound alike."""
        rows = [self._rows(group, how, MANY if limit else None) for group in self.words]
        known = [self._by_call(ids) for ids in rows if ids is not None]
        if known:
            calls = set(known[0]).intersection(*known[1:])
            pages = self._pages_of(calls)
            enough = 0
        else:
            pages = self._pages()
            enough = limit if self.sort != "best" else max(limit, MANY)
        by_group = iter(known)
        turns = [None if ids is None else next(by_group) for ids in rows]
        seen = _Seen([])
        for page, level in pages:
            raws = self._look_into(page, turns, how)
            seen.raws += [raw for raw in raws if level in (ALL, raw.urgency)]
            if enough and len(seen.raws) >= enough:
                seen.complete = False
                break
        if self.sort == "best":
            seen.raws.sort(key=lambda raw: -raw.score)  # stable: newest first among equals
        elif self.sort == "urgent":
            seen.raws.sort(key=lambda raw: _RANK.get(raw.urgency, len(_RANK)))
        return seen

    def _rows(self, group: Sequence[Word], how: How, most: int | None) -> list[int] | None:
        """The row ids that may hold a word of the group; None if there are `most` or more."""
        found: set[int] = set()
        for table, match in _matches(group, how):
            rows = self.log.conn.execute(
                f"SELECT rowid FROM {table} WHERE {table} MATCH ? ORDER BY rowid DESC LIMIT ?",
                (match, -1 if most is None else most),
            ).fetchall()
            found.update(row[0] for row in rows)
            if most is not None and len(found) >= most:
                return None
        return sorted(found)

    def _by_call(self, ids: Sequence[int]) -> dict[int, list[int]]:
        """Row ids by the call that they are of, in its current transcript."""
        found: dict[int, list[int]] = {}
        for sql, some in (
            (
                "SELECT t.id, x.call_id FROM turns AS t JOIN transcripts AS x "
                "ON x.id = t.transcript_id WHERE x.is_current AND t.id IN",
                [n for n in ids if 0 < n < index.ASIDE],
            ),
            ("SELECT -number, call_id FROM requests WHERE -number IN", [n for n in ids if n < 0]),
            (
                f"SELECT {index.ASIDE} + s.id, x.call_id FROM segments AS s JOIN transcripts AS x "
                f"ON x.id = s.transcript_id WHERE x.is_current AND {index.ASIDE} + s.id IN",
                [n for n in ids if n >= index.ASIDE] if self.aside else [],
            ),
        ):
            if some:
                for row, call in self._run(sql, some):
                    found.setdefault(call, []).append(row)
        return found

    def _run(self, sql: str, ids: Iterable[int], more: str = "", params: Sequence[Any] = ()) -> Any:
        listed = json.dumps(list(ids))
        return self.log.conn.execute(
            f"{sql} (SELECT value FROM json_each(?)) {more}", (listed, *params)
        )

    def _where(self) -> tuple[str, list[Any]]:
        """SQL on `calls AS c` for the calls in which a hit may be."""
        from pipeline.log import call_filter, request_filter  # which load this module

        where, params = call_filter(**self.of_calls)
        if self.of_requests:
            of, also = request_filter(**self.of_requests)
            where += f" AND EXISTS (SELECT 1 FROM requests AS r WHERE r.call_id = c.id AND {of})"
            params += also
        if self.needs_listening:
            where += (
                " AND EXISTS (SELECT 1 FROM spans AS s JOIN transcripts AS x ON x.id = s.transcript_id"
                " WHERE x.call_id = c.id AND x.is_current AND s.kind = 'needs_listening' "
                "AND s.heard_at IS NULL)"
            )
        return where, params

    def _pages_of(self, calls: Iterable[int]) -> Iterator[_Page]:
        """Those of `calls` that pass the filters, newest first."""
        where, params = self._where()
        found = self._run(
            "SELECT c.id FROM calls AS c WHERE c.id IN",
            calls,
            f"AND {where} ORDER BY c.started_utc DESC, c.id DESC",
            params,
        )
        ids = [row[0] for row in found]
        for start in range(0, len(ids), MANY):
            yield ids[start : start + MANY], ALL

    def _pages(self) -> Iterator[_Page]:
        """All calls that pass the filters, newest first; sorted by urgency, the calls with requests of
        each level after one another, then all once more for what stands in no request."""
        if self.sort != "urgent":
            yield from self._newest("1", (), ALL)
            return
        has = "EXISTS (SELECT 1 FROM requests AS r WHERE r.call_id = c.id AND r.urgency = ?)"
        for level in URGENCIES:
            yield from self._newest(has, (level,), level)
        if not self.requests_only:
            yield from self._newest("1", (), None)

    def _newest(self, also: str, more: Sequence[Any], level: str | None) -> Iterator[_Page]:
        where, params = self._where()
        last: tuple[Any, ...] = ("9999", 0)
        while True:
            page = self.log.conn.execute(
                "SELECT c.started_utc, c.id FROM calls AS c "
                f"WHERE (c.started_utc, c.id) < (?, ?) AND {where} AND {also} "
                "ORDER BY c.started_utc DESC, c.id DESC LIMIT ?",
                (*last, *params, *more, PAGE),
            ).fetchall()
            if not page:
                return
            last = page[-1]
            yield [row[1] for row in page], level

    # --- Looking into the texts of some calls ---

    def _look_into(
        self, page: Sequence[int], known: Sequence[Mapping[int, list[int]] | None], how: How
    ) -> list[_Raw]:
        """The hits in some calls, in their order. `known` are the rows of each group by call, or None
        where the group is common."""
        ids = {
            row
            for by_call in known
            if by_call is not None
            for call in page
            for row in by_call.get(call, ())
        }
        common = [group for group, rows in zip(self.words, known, strict=True) if rows is None]
        if common:
            ids.update(self._rows_in(page, common, how))
        spots: dict[int, list[_Spot]] = defaultdict(list)
        for turn, text in self._texts(page, ids):
            spots[turn.call] += [
                _Spot(n, turn, found)
                for n, group in enumerate(self.words)
                for word in group
                for found in word.find(text, how)
            ]
        owners: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
        for turn_id, *piece in self._run(
            "SELECT t.id, p.request, p.start_char, p.end_char FROM turns AS t "
            "JOIN spans AS s ON s.transcript_id = t.transcript_id AND s.turn_idx = t.idx "
            "AND s.kind = 'request' JOIN request_spans AS p ON p.span_id = s.id WHERE t.id IN",
            {spot.turn.id for some in spots.values() for spot in some},
        ):
            owners[turn_id].append((piece[0], piece[1], piece[2]))
        requests: dict[int, list[_Asking]] = defaultdict(list)
        for call, *of in self._requests(page):
            requests[call].append(_Asking(*of))
        raws = [
            raw
            for call in page
            for raw in self._of_call(call, spots[call], owners, requests[call], how)
        ]
        return self._leave_out(raws) if self.without else raws

    def _rows_in(self, page: Sequence[int], groups: Iterable[Sequence[Word]], how: How) -> set[int]:
        """The turns of some calls that may hold a word of one of the groups."""
        bounds = self._run(
            "SELECT min(t.id), max(t.id) FROM transcripts AS x JOIN turns AS t "
            "ON t.transcript_id = x.id WHERE x.is_current AND x.call_id IN",
            page,
            "GROUP BY x.id ORDER BY 1",
        )
        ranges: list[list[int]] = []
        for low, high in bounds:
            # The calls of one day mostly stand beside one another in the log.
            if ranges and low - ranges[-1][1] <= PAGE:
                ranges[-1][1] = max(high, ranges[-1][1])
            else:
                ranges.append([low, high])
        found: set[int] = set()
        for group in groups:
            for table, match in _matches(group, how):
                for low, high in ranges:
                    rows = self.log.conn.execute(
                        f"SELECT rowid FROM {table} WHERE {table} MATCH ? AND rowid BETWEEN ? AND ?",
                        (match, low, high),
                    )
                    found.update(row[0] for row in rows)
        return found

    def _texts(self, page: Sequence[int], ids: Iterable[int]) -> Iterator[tuple[_Turn, Text]]:
        where, params = "", []
        if self.speaker is not None:
            where, params = " AND t.speaker = ?", [self.speaker]
        if self.needs_listening:
            where += (
                " AND EXISTS (SELECT 1 FROM spans AS s WHERE s.transcript_id = t.transcript_id "
                "AND s.turn_idx = t.idx AND s.kind = 'needs_listening' AND s.heard_at IS NULL)"
            )
        calls = set(page)
        for *turn, starts in self._run(
            "SELECT t.id, t.transcript_id, x.call_id, t.idx, t.channel, t.start_s, t.end_s, t.text, "
            "w.starts FROM turns AS t JOIN transcripts AS x ON x.id = t.transcript_id "
            "LEFT JOIN word_starts AS w ON w.id = t.id WHERE x.is_current AND t.id IN",
            sorted(ids),
            where + " ORDER BY t.id",
            params,
        ):
            if turn[2] in calls:
                yield _Turn(*turn), Text.of(turn[-1], starts)
        if not self.aside or self.of_turns:
            return
        for *segment, starts in self._run(
            "SELECT -s.id, s.transcript_id, x.call_id, NULL, s.channel, s.start_s, s.end_s, s.text, "
            "w.starts FROM transcripts AS x JOIN segments AS s ON s.transcript_id = x.id "
            f"LEFT JOIN word_starts AS w ON w.id = {index.ASIDE} + s.id "
            "WHERE x.is_current AND s.set_aside IS NOT NULL AND x.call_id IN",
            page,
            "ORDER BY s.id",
        ):
            yield _Turn(*segment), Text.of(segment[-1], starts)

    def _requests(self, page: Sequence[int]) -> Any:
        from pipeline.log import request_filter

        where, params = request_filter(**self.of_requests)
        return self._run(
            "SELECT r.call_id, r.number, r.category, r.urgency, r.gist FROM requests AS r "
            "JOIN calls AS c ON c.id = r.call_id WHERE r.call_id IN",
            page,
            f"AND {where} ORDER BY r.number",
            params,
        )

    def _of_call(
        self,
        call: int,
        spots: Sequence[_Spot],
        owners: Mapping[int, Sequence[tuple[int, int, int]]],
        requests: Iterable[_Asking],
        how: How,
    ) -> Iterator[_Raw]:
        """Its requests that hold everything, then what stands outside of them."""
        held: dict[int, list[_Spot]] = defaultdict(list)
        free = []
        for spot in spots:
            mine = {
                number
                for number, start, end in owners.get(spot.turn.id, ())
                if spot.found.start < end and spot.found.end > start
            }
            for number in mine:
                held[number].append(spot)
            if not mine:
                free.append(spot)
        is_hit = any(self._all_said(some) for some in held.values())
        for one in requests:
            mine_spots = held.get(one.number, [])
            in_gist = [] if self._all_said(mine_spots) else self._in_gist(one.gist, how)
            if self._all_said(mine_spots, in_gist):
                is_hit = True
                yield self._raw(call, mine_spots, one, in_gist)
        if self.requests_only:
            return
        rest = free
        if not is_hit and not self._all_said(rest):
            rest = list(spots)  # only the call as a whole holds all the words
        if self._all_said(rest):
            yield self._raw(call, rest)

    def _in_gist(self, gist: str, how: How) -> list[tuple[int, Found]]:
        if self.of_turns or not gist:
            return []
        text = Text.of(gist)
        return [
            (n, found)
            for n, group in enumerate(self.words)
            for word in group
            for found in word.find(text, how)
        ]

    def _all_said(self, spots: Iterable[_Spot], in_gist: Iterable[tuple[int, Found]] = ()) -> bool:
        said = {spot.group for spot in spots} | {n for n, _ in in_gist}
        return len(said) == len(self.words)

    def _raw(
        self,
        call: int,
        spots: Sequence[_Spot],
        request: _Asking | None = None,
        in_gist: Sequence[tuple[int, Found]] = (),
    ) -> _Raw:
        score = 0.0 if request is None else 0.05
        for group in range(len(self.words)):
            here = [spot for spot in spots if spot.group == group]
            founds = [spot.found for spot in here] or [f for n, f in in_gist if n == group]
            score += max(map(_quality, founds)) + 0.1 * min(len(founds), 3)
            score -= 0.1 * all(len(spot.turn.text) > LONG for spot in here)
        # A word that stands there exactly needs no place where it only sounds so.
        exact = {spot.group for spot in spots if spot.found.how == "exact"}
        exact |= {n for n, found in in_gist if found.how == "exact"}
        kept = tuple(s for s in spots if s.found.how == "exact" or s.group not in exact)
        return _Raw(
            request=None if request is None else request.number,
            call=call,
            category=None if request is None else request.category,
            urgency=None if request is None else request.urgency,
            score=score,
            how="exact" if len(exact) == len(self.words) else "sound",
            spots=kept,
            gist=tuple(found for _, found in in_gist),
        )

    def _leave_out(self, raws: Sequence[_Raw]) -> list[_Raw]:
        """Those that hold nothing of what is not to be there."""
        rows = self.log.requests(numbers=[raw.request for raw in raws if raw.request is not None])
        said: dict[tuple[int | None, int], list[str]] = {
            (row.number, row.call_id): [row.text, row.gist] for row in rows
        }
        for call, text in self._run(
            "SELECT x.call_id, t.text FROM transcripts AS x JOIN turns AS t "
            "ON t.transcript_id = x.id WHERE x.is_current AND x.call_id IN",
            {raw.call for raw in raws if raw.request is None},
        ):
            said.setdefault((None, call), []).append(text)
        return [
            raw
            for raw in raws
            if not any(
                word.is_in(text)
                for text in map(Text.of, said[raw.request, raw.call])
                for word in self.without
            )
        ]


def _matches(group: Sequence[Word], how: How) -> Iterator[tuple[str, str]]:
    """(index table, FTS5 query) for the rows that may hold a word of the group."""
    for word in group:
        for match in word.exact_matches:
            yield "exact_index", match
        if how == "sound" and word.sound_match:
            yield "sound_index", word.sound_match


def _quality(found: Found) -> float:
    """How sure it is that the word was meant here, for ranking only."""
    if found.how == "exact":
        return 1.0 if found.whole else 0.5
    return 0.4 + 0.3 * found.whole - 0.2 * min(found.mixed, 2)


# --- Showing --------------------------------------------------------------------------------------


class _Shown:
    """Makes hits of what was found."""

    def __init__(self, log: Log, marks: tuple[str, str]) -> None:
        self.log = log
        self.marks = marks

    def hits(self, raws: Sequence[_Raw]) -> list[Hit]:
        numbers = [raw.request for raw in raws if raw.request is not None]
        rows = {row.number: row for row in self.log.requests(numbers=numbers)} if numbers else {}
        return [
            self._call_hit(raw)
            if raw.request is None
            else self._request_hit(raw, rows[raw.request])
            for raw in raws
        ]

    def _request_hit(self, raw: _Raw, row: RequestRow) -> Hit:
        passages = self._passages(raw)
        if raw.gist:
            passages += (self._gist_passage(raw, row),)
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
            how=raw.how,
        )

    def _call_hit(self, raw: _Raw) -> Hit:
        row = self.log.call(raw.call)
        passages = self._passages(raw)
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
            how=raw.how,
        )

    def _passages(self, raw: _Raw) -> tuple[Passage, ...]:
        """One passage for places that lie close together in one turn."""
        groups: list[list[_Spot]] = []
        for spot in sorted(
            set(raw.spots), key=lambda s: (s.turn.start, s.turn.id, s.found.start, s.found.end)
        ):
            last = groups[-1] if groups else None
            near = last and last[0].turn.id == spot.turn.id
            if last and near and spot.found.start - max(s.found.end for s in last) <= AROUND:
                last.append(spot)
            else:
                groups.append([spot])
        return tuple(map(self._passage, groups))

    def _passage(self, spots: Sequence[_Spot]) -> Passage:
        turn = spots[0].turn
        start, end = spots[0].found.start, max(spot.found.end for spot in spots)
        low, high = max(0, start - AROUND), min(len(turn.text), end + AROUND)
        times = self._times(turn)
        exact = all(spot.found.how == "exact" for spot in spots)
        places = [(spot.found.start, spot.found.end) for spot in spots]
        return Passage(
            start=times[start][0],
            end=times[end - 1][1],
            turn=turn.idx,
            text=turn.text[low:high],
            marked=mark(turn.text, places, self.marks, low, high),
            how="exact" if exact else "sound",
            where="aside" if turn.idx is None else "words",
        )

    def _times(self, turn: _Turn) -> list[tuple[float, float]]:
        """Start and end of every character of a turn or of words set aside, in seconds."""
        from pipeline.log import char_times

        if turn.idx is None:
            of, params = "s.id = ?", [-turn.id]
        else:
            of = "s.transcript_id = ? AND s.channel = ? AND s.set_aside IS NULL"
            params = [turn.transcript, turn.channel]
        words = self.log.conn.execute(
            "SELECT w.start_s, w.end_s, w.text FROM segments AS s "
            f"JOIN words AS w ON w.segment_id = s.id WHERE {of} "
            "AND (w.start_s + w.end_s) / 2 BETWEEN ? AND ? ORDER BY w.start_s, s.idx, w.idx",
            (*params, turn.start, turn.end),
        ).fetchall()
        return char_times(turn.text, turn.start, turn.end, words)

    def _gist_passage(self, raw: _Raw, row: RequestRow) -> Passage:
        places = [(found.start, found.end) for found in raw.gist]
        exact = all(found.how == "exact" for found in raw.gist)
        return Passage(
            start=min((span.start for span in row.spans), default=0.0),
            end=max((span.end for span in row.spans), default=0.0),
            turn=None,
            text=row.gist,
            marked=mark(row.gist, places, self.marks),
            how="exact" if exact else "sound",
            where="gist",
        )
