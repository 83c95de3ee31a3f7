"""Where the words of a query stand in the texts of some calls, and in whose words: a request's, or none's."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from pipeline import index
from pipeline.candidates import ALL, Filters, Page, run
from pipeline.match import Found, How, Text, Word

if TYPE_CHECKING:
    from pipeline.log import Log

Groups = Sequence[Sequence[Word]]
"""Every group must be found, by any of its words."""

LONG = 60
"""A turn of more characters says less about each of its words."""


class Said(NamedTuple):
    """A text that was looked into: a turn, or (`idx` None) words that were set aside. `id` is the
    turn's or the segment's."""

    id: int
    transcript: int
    call: int
    idx: int | None
    channel: int
    start: float
    end: float
    text: str


class Spot(NamedTuple):
    """A group of the query (by its number) found in a text."""

    group: int
    said: Said
    found: Found


class Find(NamedTuple):
    """A request, or a call outside of its requests (`request` None), in which everything was found.
    `gist` are the places in the request's gist, where its words did not do; `is_sure` is whether every
    word was likely said (see `Found.is_sure`)."""

    request: int | None
    call: int
    category: str | None
    urgency: str | None
    score: float
    how: How
    is_sure: bool
    spots: tuple[Spot, ...]
    gist: tuple[Found, ...] = ()


class _Asking(NamedTuple):
    """A request that passes the filters, and in which something may have been found."""

    number: int
    category: str
    urgency: str
    gist: str


def matches(groups: Groups, how: How) -> list[list[index.Match]]:
    """What to ask of the index for each group; with how="sound" also where it only sounds so. A single
    group is then asked for by sound alone: where it stands was found before."""
    found: list[list[index.Match]] = []
    for group in groups:
        exact = [match for word in group for match in word.exact_matches]
        sound = [word.sound_match for word in group if word.sound_match]
        if how == "exact":
            found.append(exact)
        else:
            found.append(sound if len(groups) == 1 else exact + sound)
    return found


def in_page(
    log: Log, page: Page, groups: Groups, without: Sequence[Word], filters: Filters, how: How
) -> list[Find]:
    """What is found in the calls of a page, call by call in their order."""
    spots: dict[int, list[Spot]] = defaultdict(list)
    for row, text in _texts(log, page, filters):
        here = _found(groups, text, how)
        if here:
            said = Said._make(row)
            spots[said.call] += [Spot(n, said, found) for n, found in here]
    owners: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
    turns = {spot.said.id for some in spots.values() for spot in some if spot.said.idx is not None}
    # CROSS JOIN keeps this order: the planner would read all of request_spans first.
    for turn, *piece in log.conn.execute(
        "SELECT s.turn, p.request, p.start_char, p.end_char FROM ("
        "SELECT t.id AS turn, s.id FROM json_each(?) AS j CROSS JOIN turns AS t ON t.id = j.value "
        "CROSS JOIN spans AS s ON s.transcript_id = t.transcript_id AND s.turn_idx = t.idx "
        "AND s.kind = 'request') AS s CROSS JOIN request_spans AS p ON p.span_id = s.id",
        (json.dumps(list(turns)),),
    ):
        owners[turn].append((piece[0], piece[1], piece[2]))
    requests: dict[int, list[_Asking]] = defaultdict(list)
    gists = set() if filters.of_turns else {-row for row in page.rows if row < 0}
    where, params = filters.of_requests_sql()
    for call, *of in run(
        log,
        "SELECT r.call_id, r.number, r.category, r.urgency, r.gist FROM requests AS r "
        "JOIN calls AS c ON c.id = r.call_id WHERE r.number IN",
        {piece[0] for pieces in owners.values() for piece in pieces} | gists,
        f"AND {where} ORDER BY r.number",
        params,
    ):
        requests[call].append(_Asking(*of))
    finds: list[Find] = []
    for call in page.calls:
        if call in spots or call in requests:
            some = _OfCall(call, spots.get(call, ()), owners, requests.get(call, ()))
            finds += some.finds(groups, gists, filters, how)
    if page.level != ALL:
        finds = [find for find in finds if find.urgency == page.level]
    return _leave_out(log, finds, without) if without and finds else finds


def _texts(log: Log, page: Page, filters: Filters) -> Iterator[tuple[Sequence[Any], Text]]:
    """The texts to look into, each with what `Said` holds of it."""
    if page.said is not None:
        for *said, starts in page.said:
            yield said, Text(said[-1], starts)
        return
    where, params = "", []
    if filters.speaker is not None:
        where, params = " AND t.speaker = ?", [filters.speaker]
    if filters.needs_listening:
        where += (
            " AND EXISTS (SELECT 1 FROM spans AS s WHERE s.transcript_id = t.transcript_id "
            "AND s.turn_idx = t.idx AND s.kind = 'needs_listening' AND s.heard_at IS NULL)"
        )
    calls = set(page.calls)
    for *turn, starts in run(
        log,
        "SELECT t.id, t.transcript_id, x.call_id, t.idx, t.channel, t.start_s, t.end_s, t.text, "
        "i.starts FROM turns AS t JOIN transcripts AS x ON x.id = t.transcript_id "
        "LEFT JOIN index_rows AS i ON i.id = t.id WHERE x.is_current AND t.id IN",
        [row for row in page.rows if 0 < row < index.ASIDE],
        where + " ORDER BY t.id",
        params,
    ):
        if turn[2] in calls:
            yield turn, Text(turn[-1], starts)
    if not filters.aside or filters.of_turns:
        return
    for *segment, starts in run(
        log,
        "SELECT s.id, s.transcript_id, x.call_id, NULL, s.channel, s.start_s, s.end_s, s.text, "
        "i.starts FROM transcripts AS x JOIN segments AS s ON s.transcript_id = x.id "
        f"LEFT JOIN index_rows AS i ON i.id = {index.ASIDE} + s.id "
        "WHERE x.is_current AND s.set_aside IS NOT NULL AND x.call_id IN",
        page.calls,
        "ORDER BY s.id",
    ):
        yield segment, Text(segment[-1], starts)


def _found(groups: Groups, text: Text, how: How) -> list[tuple[int, Found]]:
    return [
        (n, found)
        for n, group in enumerate(groups)
        for word in group
        for found in word.find(text, how)
    ]


def _leave_out(log: Log, finds: Sequence[Find], without: Sequence[Word]) -> list[Find]:
    """Those in whose words (a request's with its gist, else the whole call's) none of `without` is."""
    numbers = [find.request for find in finds if find.request is not None]
    said: dict[tuple[int | None, int], list[str]] = {
        (row.number, row.call_id): [row.text, row.gist] for row in log.requests(numbers=numbers)
    }
    for call, text in run(
        log,
        "SELECT x.call_id, t.text FROM transcripts AS x JOIN turns AS t "
        "ON t.transcript_id = x.id WHERE x.is_current AND x.call_id IN",
        {find.call for find in finds if find.request is None},
    ):
        said.setdefault((None, call), []).append(text)
    return [
        find
        for find in finds
        if not any(
            word.is_in(text)
            for text in map(Text, said.get((find.request, find.call), ()))
            for word in without
        )
    ]


@dataclass(frozen=True, slots=True)
class _OfCall:
    """What was found in one call. `owners` are the stretches of the turns that requests hold."""

    call: int
    spots: Sequence[Spot]
    owners: Mapping[int, Sequence[tuple[int, int, int]]]
    requests: Sequence[_Asking]

    def finds(
        self, groups: Groups, gists: Container[int], filters: Filters, how: How
    ) -> Iterator[Find]:
        """Its requests that hold everything, then what stands outside of them. `gists` are the requests
        whose gist may hold a word."""
        n_groups = len(groups)
        held: dict[int, list[Spot]] = defaultdict(list)
        free = []
        for spot in self.spots:
            mine = self._owners_of(spot) if spot.said.id in self.owners else ()
            for number in mine:
                held[number].append(spot)
            if not mine:
                free.append(spot)
        is_hit = any(_all_said(n_groups, some) for some in held.values())
        for one in self.requests:
            spots, in_gist = held.get(one.number, []), []
            if one.number in gists and not _all_said(n_groups, spots):
                in_gist = _found(groups, Text(one.gist), how)
            if _all_said(n_groups, spots, in_gist):
                is_hit = True
                yield _find(n_groups, self.call, spots, one, in_gist)
        if filters.of_requests:
            return
        rest: Sequence[Spot] = free
        if not is_hit and not _all_said(n_groups, rest):
            rest = self.spots  # only the call as a whole holds all the words
        if _all_said(n_groups, rest):
            yield _find(n_groups, self.call, rest)

    def _owners_of(self, spot: Spot) -> set[int]:
        if spot.said.idx is None:
            return set()
        return {
            number
            for number, start, end in self.owners.get(spot.said.id, ())
            if spot.found.start < end and spot.found.end > start
        }


def _all_said(
    n_groups: int, spots: Sequence[Spot], in_gist: Sequence[tuple[int, Found]] = ()
) -> bool:
    if n_groups == 1:
        return bool(spots or in_gist)
    said = {spot.group for spot in spots}
    said.update(n for n, _ in in_gist)
    return len(said) == n_groups


def _find(
    n_groups: int,
    call: int,
    spots: Sequence[Spot],
    request: _Asking | None = None,
    in_gist: Sequence[tuple[int, Found]] = (),
) -> Find:
    score = 0.0 if request is None else 0.05
    is_sure = True
    exact = {n for n, found in in_gist if found.how == "exact"}
    for group in range(n_groups):
        here = spots if n_groups == 1 else [spot for spot in spots if spot.group == group]
        founds = [spot.found for spot in here] or [f for n, f in in_gist if n == group]
        score += max([_quality(found) for found in founds]) + 0.1 * min(len(founds), 3)
        score -= 0.1 * all(len(spot.said.text) > LONG for spot in here)
        is_sure = is_sure and any(found.is_sure for found in founds)
        if any(spot.found.how == "exact" for spot in here):
            exact.add(group)
    # A word that stands there exactly needs no place where it only sounds so.
    kept = tuple([s for s in spots if s.found.how == "exact" or s.group not in exact])
    return Find(
        request=None if request is None else request.number,
        call=call,
        category=None if request is None else request.category,
        urgency=None if request is None else request.urgency,
        score=score,
        how="exact" if len(exact) == n_groups else "sound",
        is_sure=is_sure,
        spots=kept,
        gist=tuple([found for _, found in in_gist]),
    )


def _quality(found: Found) -> float:
    """How sure it is that the word was meant here, for ranking only."""
    if found.how == "exact":
        return 1.0 if found.whole else 0.5
    return 0.2 + 0.3 * found.whole + 0.2 * found.broken - 0.2 * min(found.mixed, 2)
