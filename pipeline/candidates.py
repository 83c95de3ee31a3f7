"""Which calls may hold the words of a query, in the order of the answer, and which of their rows.

Three ways, all exact. One word, no filters: the index gives its rows newest first, a batch at a time,
until there are enough; a character that stands in every fifth row is so answered as soon as a rare one.
Several words or filters: all rows of every word that has fewer than MOST, and the calls in which they
meet. Words that are all more common than that: the calls themselves, newest first, a page at a time.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pipeline import index
from pipeline.filters import call_filter, request_filter
from pipeline.index import Match
from pipeline.types import URGENCIES

if TYPE_CHECKING:
    from pipeline.log import Log

BATCH = {"turns": 48, "gists": 16, "aside": 16}
"""Rows that are first read of a word, of each kind of text; then two thirds of that, then half more each
time."""

MOST = 8192
"""With several words or filters, a word in so many rows is common: it does not choose the calls."""

PAGES = (24, 96, 400)
"""Calls looked into at once: few first, for a common word mostly has enough in them."""

ALL = "all"
"""In a page: hits of every urgency count."""


Row = tuple[Any, ...]
"""A text: what `finds.Said` holds of it, and where its words begin (see `index.Terms`)."""


@dataclass(frozen=True, slots=True)
class Page:
    """Calls in the order of the answer, and the rows of them that may hold a word.

    `level` says of which urgency their hits count here: ALL, a level, or None for what is in no
    request. `last` is true where no page follows for certain. `said` are the texts of the rows, where
    they were read already.
    """

    calls: Sequence[int]
    rows: frozenset[int]
    level: str | None = ALL
    last: bool = False
    said: Sequence[Row] | None = None


@dataclass(frozen=True, slots=True)
class Filters:
    """What a hit must be, besides holding the words. `of_requests` and `of_calls` are the arguments of
    `request_filter` and `call_filter`."""

    of_requests: Mapping[str, Any] = field(default_factory=dict)
    of_calls: Mapping[str, Any] = field(default_factory=dict)
    speaker: str | None = None
    needs_listening: bool = False
    aside: bool = False

    @property
    def of_turns(self) -> bool:
        """Whether a filter is on the turn itself: a gist or what was set aside is then none."""
        return self.needs_listening or self.speaker is not None

    def of_requests_sql(self) -> tuple[str, list[Any]]:
        """SQL on `requests AS r` and `calls AS c`, and its parameters."""
        return request_filter(**self.of_requests)

    def of_calls_sql(self) -> tuple[str, list[Any]]:
        """SQL on `calls AS c` for the calls in which a hit may be, and its parameters."""
        where, params = call_filter(**self.of_calls)
        if self.of_requests:
            of, also = self.of_requests_sql()
            where += f" AND EXISTS (SELECT 1 FROM requests AS r WHERE r.call_id = c.id AND {of})"
            params += also
        if self.needs_listening:
            where += (
                " AND EXISTS (SELECT 1 FROM spans AS s JOIN transcripts AS x ON x.id = s.transcript_id"
                " WHERE x.call_id = c.id AND x.is_current AND s.kind = 'needs_listening' "
                "AND s.heard_at IS NULL)"
            )
        return where, params


def run(log: Log, sql: str, ids: Iterable[int], more: str = "", params: Sequence[Any] = ()) -> Any:
    """The rows of `sql`, which ends in IN, with the ids after it."""
    listed = json.dumps(list(ids))
    return log.conn.execute(f"{sql} (SELECT value FROM json_each(?)) {more}", (listed, *params))


def pages(
    log: Log, groups: Sequence[Sequence[Match]], filters: Filters, by_urgency: bool, all_of: bool
) -> Iterator[Page]:
    """Pages of the calls in which every group of a query may be found (a group: any of its matches).

    Newest first; with `by_urgency` the calls with the most urgent requests first. `all_of` is whether
    all of them are wanted.
    """
    filtered = filters.of_requests or filters.needs_listening or filters.of_calls.get("until")
    if len(groups) == 1 and not filtered and not by_urgency and not all_of:
        yield from _streamed(log, groups[0], filters)
        return
    spaces = _spaces(filters)
    rows = [_rows(log, group, spaces, None if all_of else MOST) for group in groups]
    known = [_by_call(log, ids, spaces) for ids in rows if ids is not None]
    common = [group for group, ids in zip(groups, rows, strict=True) if ids is None]
    calls = set(known[0]).intersection(*known[1:]) if known else None
    for page, level in _walk(log, filters, by_urgency, calls):
        of_page = {row for by_call in known for call in page for row in by_call.get(call, ())}
        if common:
            of_page |= _rows_in(log, page, common)
        yield Page(page, frozenset(of_page), level)


def _cut(calls: Sequence[int]) -> Iterator[Sequence[int]]:
    """Calls as pages."""
    at, n = 0, 0
    while at < len(calls):
        size = PAGES[min(n, len(PAGES) - 1)]
        yield calls[at : at + size]
        at, n = at + size, n + 1


# --- The three kinds of texts -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Space:
    """A kind of text: where its row ids lie, and in which order they are newest first.

    `joins` is SQL from an index row `e` to the call `c`; `columns` gives the call's time, the row id, the
    call's id, and of what is said a Row. `earlier` gives the greatest time before a row, see `index.add`.
    """

    name: str
    low: int
    high: int
    order: str
    joins: str
    columns: str
    text: str
    earlier: str


_TURNS = _Space(
    "turns",
    1,
    index.ASIDE - 1,
    "DESC",
    "CROSS JOIN turns AS t ON t.id = e.rowid CROSS JOIN transcripts AS x ON x.id = t.transcript_id "
    "AND x.is_current CROSS JOIN calls AS c ON c.id = x.call_id "
    "LEFT JOIN index_rows AS i ON i.id = t.id",
    "c.started_utc, t.id, c.id, "
    "t.id, t.transcript_id, c.id, t.idx, t.channel, t.start_s, t.end_s, t.text, i.starts",
    "t.text",
    "SELECT horizon FROM index_rows WHERE id < ? AND id > 0 ORDER BY id DESC LIMIT 1",
)
_GISTS = _Space(
    "gists",
    -(1 << 62),
    -1,
    "ASC",
    "CROSS JOIN requests AS r ON r.number = -e.rowid CROSS JOIN calls AS c ON c.id = r.call_id",
    "c.started_utc, -r.number, c.id",
    "r.gist",
    "SELECT horizon FROM index_rows WHERE id > ? AND id < 0 ORDER BY id LIMIT 1",
)
_ASIDE = _Space(
    "aside",
    index.ASIDE,
    1 << 62,
    "DESC",
    f"CROSS JOIN segments AS s ON s.id = e.rowid - {index.ASIDE} "
    "CROSS JOIN transcripts AS x ON x.id = s.transcript_id AND x.is_current "
    "CROSS JOIN calls AS c ON c.id = x.call_id LEFT JOIN index_rows AS i ON i.id = e.rowid",
    f"c.started_utc, {index.ASIDE} + s.id, c.id, "
    "s.id, s.transcript_id, c.id, NULL, s.channel, s.start_s, s.end_s, s.text, i.starts",
    "s.text",
    f"SELECT horizon FROM index_rows WHERE id < ? AND id >= {index.ASIDE} ORDER BY id DESC LIMIT 1",
)


def _spaces(filters: Filters) -> list[_Space]:
    if filters.of_turns:
        return [_TURNS]
    return [_TURNS, _GISTS, _ASIDE] if filters.aside else [_TURNS, _GISTS]


# --- One word ---------------------------------------------------------------------------------------


class _Stream:
    """The texts that one match gives in one space, newest first by row id, a batch at a time.

    Rows are in the order in which calls came, which is not quite that of their times. `horizon` bounds
    the times of what was not read yet: text that sorts as `started_utc` does, "" when all is read.
    """

    def __init__(
        self, log: Log, match: Match, space: _Space, speaker: str | None, first: int
    ) -> None:
        self._conn = log.conn
        self._space = space
        where, params = "", []
        if match.pattern:
            where, params = f"AND {space.text} GLOB ? ", [match.pattern]
        if speaker is not None:
            where, params = where + "AND t.speaker = ? ", [*params, speaker]
        self._sql = (
            f"SELECT {space.columns} FROM {match.table} AS e {space.joins} "
            f"WHERE {match.table} MATCH ? AND e.rowid BETWEEN ? AND ? {where}"
            f"ORDER BY e.rowid {space.order} LIMIT ?"
        )
        self._asked = match.expression
        self._params = params
        self._low, self._high = space.low, space.high
        self._size, self._next = first, max(1, first * 2 // 3)
        self.horizon = "~"

    def read(self) -> list[Row]:
        """The next batch: the call's time, row id, call id, and (but of gists) what is said."""
        found = self._rows(self._low, self._high, self._size)
        if len(found) < self._size:
            self.horizon = ""
        else:
            found = self._cut(found)
        self._size = self._next
        self._next += self._next // 2 + 1
        return found

    def _cut(self, found: list[Row]) -> list[Row]:
        """A batch up to where a call begins, for a call is read whole; the next begins there."""
        low = high = found[-1][1]
        if self._space is _TURNS:
            low, high = self._conn.execute(
                "SELECT min(id), max(id) FROM turns WHERE transcript_id = ?", (found[-1][4],)
            ).fetchone()
        before = low
        if self._space.order == "ASC":
            self._low = high + 1
        elif found[0][1] > high:
            found = [row for row in found if row[1] > high]
            self._high, before = high, high + 1
        else:  # the batch is of one call
            found += self._rows(low, found[-1][1] - 1, -1)
            self._high = low - 1
        earlier = self._conn.execute(self._space.earlier, (before,)).fetchone()
        self.horizon = earlier[0] if earlier else ""
        return found

    def _rows(self, low: int, high: int, most: int) -> list[Row]:
        params = (self._asked, low, high, *self._params, most)
        return list(self._conn.execute(self._sql, params))


def _first_size(space: _Space, n_matches: int) -> int:
    """How many rows to read first: of many words that may stand for one another, fewer of each."""
    return max(1, BATCH[space.name] * 2 // max(2, n_matches))


def _streamed(log: Log, group: Sequence[Match], filters: Filters) -> Iterator[Page]:
    streams = [
        _Stream(log, match, space, filters.speaker, _first_size(space, len(group)))
        for match in [index.narrowed(log.conn, match) for match in group]
        for space in _spaces(filters)
    ]
    since = filters.of_calls.get("since")
    first = "" if since is None else _utc(since)
    waiting: dict[int, dict[int, Row]] = {}
    times: dict[int, str] = {}
    while True:
        horizon = max(stream.horizon for stream in streams)
        for stream in streams:
            if stream.horizon and stream.horizon >= horizon:
                for row in stream.read():
                    times[row[2]] = row[0]
                    waiting.setdefault(row[2], {})[row[1]] = row[3:]
        horizon = max(stream.horizon for stream in streams)
        ready = sorted(
            ((times[call], call) for call in waiting if times[call] > horizon), reverse=True
        )
        calls = [call for started, call in ready if started >= first]
        if calls:
            rows = {id: said for call in calls for id, said in waiting[call].items()}
            said = [one for one in rows.values() if one]
            yield Page(calls, frozenset(rows), last=horizon <= first, said=said)
        for _, call in ready:
            del waiting[call]
        if horizon <= first:
            return


def _utc(moment: datetime) -> str:
    from pipeline.rows import utc

    return utc(moment)


# --- Several words, or filters ----------------------------------------------------------------------


def _rows(
    log: Log, group: Sequence[Match], spaces: Sequence[_Space], most: int | None
) -> list[int] | None:
    """The row ids that may hold a word of the group; None if there are `most` or more."""
    low, high = min(space.low for space in spaces), max(space.high for space in spaces)
    found: set[int] = set()
    for match in group:
        asked = index.narrowed(log.conn, match)
        found.update(index.rows(log.conn, asked, low, high, -1 if most is None else most))
        if most is not None and len(found) >= most:
            return None
    return list(found)


def _by_call(log: Log, ids: Sequence[int], spaces: Sequence[_Space]) -> dict[int, list[int]]:
    """Row ids by the call that they are of, in its current transcript."""
    found: dict[int, list[int]] = defaultdict(list)
    for space in spaces:
        some = [n for n in ids if space.low <= n <= space.high]
        if some:
            sql = f"SELECT e.rowid, c.id FROM (SELECT value AS rowid FROM json_each(?)) AS e {space.joins}"
            for row, call in log.conn.execute(sql, (json.dumps(some),)):
                found[call].append(row)
    return found


def _walk(
    log: Log, filters: Filters, by_urgency: bool, among: Collection[int] | None
) -> Iterator[tuple[Sequence[int], str | None]]:
    """The calls (of `among`, or all) that pass the filters, newest first; by urgency, those with requests
    of each level after one another, then all once more for what stands in no request."""
    if not by_urgency:
        yield from _newest(log, filters, among, "1", (), ALL)
        return
    has = "EXISTS (SELECT 1 FROM requests AS r WHERE r.call_id = c.id AND r.urgency = ?)"
    for level in URGENCIES:
        yield from _newest(log, filters, among, has, (level,), level)
    if not filters.of_requests:
        yield from _newest(log, filters, among, "1", (), None)


def _newest(
    log: Log,
    filters: Filters,
    among: Collection[int] | None,
    also: str,
    more: Sequence[Any],
    level: str | None,
) -> Iterator[tuple[Sequence[int], str | None]]:
    where, params = filters.of_calls_sql()
    if among is not None:
        found = run(
            log,
            "SELECT c.id FROM calls AS c WHERE c.id IN",
            among,
            f"AND {where} AND {also} ORDER BY c.started_utc DESC, c.id DESC",
            (*params, *more),
        )
        for page in _cut([row[0] for row in found]):
            yield page, level
        return
    last: tuple[Any, ...] = ("~", 0)
    n = 0
    while True:
        rows = log.conn.execute(
            "SELECT c.started_utc, c.id FROM calls AS c "
            f"WHERE (c.started_utc, c.id) < (?, ?) AND {where} AND {also} "
            "ORDER BY c.started_utc DESC, c.id DESC LIMIT ?",
            (*last, *params, *more, PAGES[min(n, len(PAGES) - 1)]),
        ).fetchall()
        if not rows:
            return
        last = rows[-1]
        n += 1
        yield [row[1] for row in rows], level


def _rows_in(log: Log, page: Sequence[int], groups: Iterable[Sequence[Match]]) -> set[int]:
    """The turns of some calls that may hold a word of one of the groups, and all gists of the calls."""
    bounds = run(
        log,
        "SELECT min(t.id), max(t.id) FROM transcripts AS x JOIN turns AS t "
        "ON t.transcript_id = x.id WHERE x.is_current AND x.call_id IN",
        page,
        "GROUP BY x.id ORDER BY 1",
    )
    ranges: list[list[int]] = []
    for low, high in bounds:
        # The calls of one day mostly stand beside one another in the log.
        if ranges and low - ranges[-1][1] <= PAGES[0]:
            ranges[-1][1] = max(high, ranges[-1][1])
        else:
            ranges.append([low, high])
    gists = run(log, "SELECT -number FROM requests WHERE call_id IN", page)
    found = {row[0] for row in gists}
    for match in (match for group in groups for match in group):
        for low, high in ranges:
            found.update(index.rows(log.conn, match, low, high))
    return found
