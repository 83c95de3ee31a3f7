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
from pipeline.index import Match
from pipeline.types import URGENCIES

if TYPE_CHECKING:
    from pipeline.log import Log

FEW = 160
"""A term of a word in fewer rows is rare: those rows are looked into, whatever the word's other terms."""

BATCH = 56
"""Rows that are first taken of a word; then twice as many, and so on."""

MOST = 8192
"""With several words or filters, a word in so many rows is common: it does not choose the calls."""

PAGES = (24, 96, 400)
"""Calls looked into at once: few first, for a common word mostly has enough in them."""

ALL = "all"
"""In a page: hits of every urgency count."""


@dataclass(frozen=True, slots=True)
class Page:
    """Calls in the order of the answer, and the rows of them that may hold a word.

    `level` says of which urgency their hits count here: ALL, a level, or None for what is in no
    request. `last` is true where no page follows for certain.
    """

    calls: Sequence[int]
    rows: frozenset[int]
    level: str | None = ALL
    last: bool = False


@dataclass(frozen=True, slots=True)
class Filters:
    """What a hit must be, besides holding the words. `of_requests` and `of_calls` are the arguments of
    `log.request_filter` and `log.call_filter`."""

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
        from pipeline.log import request_filter  # which loads this module

        return request_filter(**self.of_requests)

    def of_calls_sql(self) -> tuple[str, list[Any]]:
        """SQL on `calls AS c` for the calls in which a hit may be, and its parameters."""
        from pipeline.log import call_filter

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
    """A kind of text: where its row ids lie, in which order they are newest first, whose they are.

    `owner` is SQL that gives row id, call id and the call's time (seconds since 1970) for the row ids
    in a JSON list; `earlier` gives the greatest time before a row, see `index.add`.
    """

    low: int
    high: int
    order: str
    owner: str
    earlier: str


_TURNS = _Space(
    1,
    index.ASIDE - 1,
    "DESC",
    "SELECT t.id, x.call_id, c.started_utc FROM json_each(?) AS j CROSS JOIN turns AS t "
    "ON t.id = j.value JOIN transcripts AS x ON x.id = t.transcript_id "
    "JOIN calls AS c ON c.id = x.call_id WHERE x.is_current",
    "SELECT horizon FROM index_rows WHERE id < ? AND id > 0 ORDER BY id DESC LIMIT 1",
)
_GISTS = _Space(
    -(1 << 62),
    -1,
    "ASC",
    "SELECT -r.number, r.call_id, c.started_utc FROM json_each(?) AS j CROSS JOIN requests AS r "
    "ON r.number = -j.value JOIN calls AS c ON c.id = r.call_id",
    "SELECT horizon FROM index_rows WHERE id > ? AND id < 0 ORDER BY id LIMIT 1",
)
_ASIDE = _Space(
    index.ASIDE,
    1 << 62,
    "DESC",
    f"SELECT {index.ASIDE} + s.id, x.call_id, c.started_utc FROM json_each(?) AS j "
    f"CROSS JOIN segments AS s ON s.id = j.value - {index.ASIDE} "
    "JOIN transcripts AS x ON x.id = s.transcript_id JOIN calls AS c ON c.id = x.call_id "
    "WHERE x.is_current",
    f"SELECT horizon FROM index_rows WHERE id < ? AND id >= {index.ASIDE} ORDER BY id DESC LIMIT 1",
)


def _spaces(filters: Filters) -> list[_Space]:
    if filters.of_turns:
        return [_TURNS]
    return [_TURNS, _GISTS, _ASIDE] if filters.aside else [_TURNS, _GISTS]


# --- One word ---------------------------------------------------------------------------------------


class _Stream:
    """The rows that one match gives in one space, newest first by row id, a batch at a time.

    Rows are in the order in which calls came, which is not quite that of their times. `horizon` bounds
    the times of what was not read yet: text that sorts as `started_utc` does, "" when all is read.
    `few` are the rows of the match where it is rare (see `index.few_rows`).
    """

    def __init__(self, log: Log, match: Match, space: _Space, few: Sequence[int] | None) -> None:
        self._log = log
        self._match = match
        self._space = space
        self._few = few
        self._low, self._high = space.low, space.high
        self._size = BATCH
        self.horizon = "~"

    def read(self) -> list[tuple[int, int, str]]:
        """(row id, call id, the call's time) of the next batch."""
        if self._few is not None:
            ids = [row for row in self._few if self._low <= row <= self._high]
        else:
            ids = self._ids(self._low, self._high, self._size)
        if self._few is not None or len(ids) < self._size:
            self.horizon = ""
        else:
            last = self._first_of_call(ids[-1])
            if self._space.order == "DESC":
                ids += self._ids(last, ids[-1] - 1, -1)  # a call is read whole
                self._high = last - 1
            else:
                self._low = last + 1
            earlier = self._log.conn.execute(self._space.earlier, (last,)).fetchone()
            self.horizon = earlier[0] if earlier else ""
        self._size *= 2
        owned = self._log.conn.execute(self._space.owner, (json.dumps(ids),))
        return [(row, call, started) for row, call, started in owned]

    def _ids(self, low: int, high: int, most: int) -> list[int]:
        return index.rows(self._log.conn, self._match, low, high, most, self._space.order)

    def _first_of_call(self, rowid: int) -> int:
        """The first row of the turns among which `rowid` stands; of other kinds, `rowid` itself."""
        if self._space is not _TURNS:
            return rowid
        row = self._log.conn.execute(
            "SELECT min(o.id) FROM turns AS t JOIN turns AS o ON o.transcript_id = t.transcript_id "
            "WHERE t.id = ?",
            (rowid,),
        ).fetchone()
        return rowid if row[0] is None else int(row[0])


def _streamed(log: Log, group: Sequence[Match], filters: Filters) -> Iterator[Page]:
    few = [index.few_rows(log.conn, match, FEW) for match in group]
    streams = [
        _Stream(log, match, space, rows)
        for match, rows in zip(group, few, strict=True)
        for space in _spaces(filters)
    ]
    since = filters.of_calls.get("since")
    first = "" if since is None else _utc(since)
    waiting: dict[int, tuple[str, set[int]]] = {}
    while True:
        horizon = max(stream.horizon for stream in streams)
        for stream in streams:
            if stream.horizon and stream.horizon >= horizon:
                for row, call, started in stream.read():
                    waiting.setdefault(call, (started, set()))[1].add(row)
        horizon = max(stream.horizon for stream in streams)
        ready = sorted(
            ((started, call) for call, (started, _) in waiting.items() if started > horizon),
            reverse=True,
        )
        calls = [call for started, call in ready if started >= first]
        for page in _cut(calls):
            rows = frozenset(row for call in page for row in waiting[call][1])
            yield Page(page, rows, last=horizon <= first and page[-1] == calls[-1])
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
        rows = index.few_rows(log.conn, match, FEW)
        if rows is None:
            rows = index.rows(log.conn, match, low, high, -1 if most is None else most)
        found.update(rows)
        if most is not None and len(found) >= most:
            return None
    return list(found)


def _by_call(log: Log, ids: Sequence[int], spaces: Sequence[_Space]) -> dict[int, list[int]]:
    """Row ids by the call that they are of, in its current transcript."""
    found: dict[int, list[int]] = defaultdict(list)
    for space in spaces:
        some = [n for n in ids if space.low <= n <= space.high]
        if some:
            for row, call, _ in log.conn.execute(space.owner, (json.dumps(some),)):
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
