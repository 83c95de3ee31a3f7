"""Find words in the calls: every place where they stand, and the places where they only sound so.

`query.py` reads what was typed, `candidates.py` names the calls and rows that may hold it, `finds.py`
looks into their texts and tells whose words they are; here the hits are put in order and shown.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal

from pipeline import candidates
from pipeline.candidates import Filters
from pipeline.finds import Find, Said, Spot, in_page, matches
from pipeline.match import How, Word, mark
from pipeline.query import Query, parse
from pipeline.rows import clean
from pipeline.types import URGENCIES, Place

if TYPE_CHECKING:
    from pipeline.log import Log
    from pipeline.rows import RequestRow

Sort = Literal["best", "newest", "urgent"]
Where = Literal["words", "gist", "aside"]

RANKED = 40
"""Of a common word the newest so many rows are looked into, and more only until `limit` hits are found:
"best" ranks those, and the counts are of those."""

AROUND = 24
"""Characters shown on each side of a hit in a long turn."""

_Timed = tuple[float, float, str]
"""A word with its start and end in seconds."""

_RANK: Mapping[str | None, int] = {name: rank for rank, name in enumerate(URGENCIES)}


@dataclass(frozen=True, slots=True)
class Passage:
    """A place where words stand: `start` and `end` of the words in seconds, the `text` around them,
    and the same text `marked`, both in the original script.

    `text` begins at character `start_char` of the turn. `where` is words (of turn `turn`), gist (the request's, at the request's time) or aside (words
    that were set aside as not said); `turn` is None for the last two.
    """

    start: float
    end: float
    turn: int | None
    text: str
    marked: str
    how: How
    where: Where = "words"
    start_char: int = 0


@dataclass(frozen=True, slots=True)
class Hit:
    """A request in whose words everything asked for stands; or a call, where `request` is None and
    what follows `started_at` too (`text` is then that of the passages). `more` is how many further
    passages there are than `hits` holds."""

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
    more: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """What was found. `hits` are the first so many; the counts are of all that was found: `requests`,
    calls outside of requests (`calls`), how many only by sound, requests by category and urgency.

    `complete` is false where a common word was looked for only until there was enough: there is more,
    and the counts are of what was seen. `unlikely` is how many were left out, and are in no count, for
    the words only sound as if they were said where others were (see `Found.is_sure`), and surer ones
    were found.
    """

    query: Query
    hits: tuple[Hit, ...] = ()
    requests: int = 0
    calls: int = 0
    by_sound: int = 0
    by_category: Mapping[str, int] = field(default_factory=dict)
    by_urgency: Mapping[str, int] = field(default_factory=dict)
    complete: bool = True
    unlikely: int = 0


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
    passages: int = 3,
    counts_only: bool = False,
    marks: tuple[str, str] = ("【", "】"),
) -> Answer:
    """Requests, and calls outside of them, that hold what `query` asks for; see `query.parse`.

    Script, width and case do not matter, nor whether a number is in figures or in Chinese numerals. A
    request is a hit when its own words or its gist hold all that was asked for; a call is (`request`
    None) when they stand outside of its requests, or only the whole call holds them all. Where that
    gives fewer than `limit`, what only sounds so follows; what does so by chance more likely than not is
    left out if anything surer was found and not all is wanted.

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
        passages: at most so many of each hit; 0 for all.
        counts_only: leave out the hits themselves.
        marks: what to put before and after the words found.
    """
    read = parse(clean(query))
    if not read.groups:
        return Answer(read)
    requests = {
        "category": category, "kind": kind, "urgency": urgency, "status": status,
        "caller": caller, "place": place, "building": building,
    }  # fmt: skip
    filters = Filters(
        of_requests={name: value for name, value in requests.items() if value is not None},
        of_calls={"since": since, "until": until},
        speaker=speaker,
        needs_listening=needs_listening,
        aside=aside,
    )
    asked = _Asked(log, read, filters, sort)
    unlikely = 0
    with log.snapshot():
        finds, complete = asked.look("exact", limit)
        n_exact = len(finds)
        if by_sound and (not limit or n_exact < limit) and asked.can_sound:
            there = {(find.request, find.call) for find in finds}
            more, all_seen = asked.look("sound", limit and limit + n_exact)
            sounding = [find for find in more if (find.request, find.call) not in there]
            sure = [find for find in sounding if find.is_sure]
            if limit and (finds or sure):
                unlikely = len(sounding) - len(sure)
                sounding = sure
            finds += sounding
            complete = complete and all_seen
        shown = [] if counts_only else finds[:limit] if limit else finds
        hits = _Shown(log, marks, passages).hits(shown)
    of = [find for find in finds if find.request is not None]
    return Answer(
        query=read,
        hits=tuple(hits),
        requests=len(of),
        calls=len(finds) - len(of),
        by_sound=len(finds) - n_exact,
        by_category=dict(Counter(find.category or "" for find in of).most_common()),
        by_urgency={name: n for name in URGENCIES if (n := sum(f.urgency == name for f in of))},
        complete=complete,
        unlikely=unlikely,
    )


def turns_with(log: Log, query: str) -> set[int]:
    """The row ids of all turns in which a word of `query` stands (exactly, see `ask`), in calls that
    hold every word of it."""
    read = parse(clean(query))
    with log.snapshot():
        finds = _Asked(log, read).look("exact", 0)[0] if read.groups else []
    return {spot.said.id for find in finds for spot in find.spots}


class _Asked:
    """One question to the log."""

    def __init__(
        self, log: Log, query: Query, filters: Filters | None = None, sort: Sort = "newest"
    ) -> None:
        self.log = log
        self.groups = [[Word(term) for term in group] for group in query.groups]
        self.without = [Word(term) for term in query.without]
        self.filters = filters or Filters()
        self.sort = sort

    @property
    def can_sound(self) -> bool:
        return any(word.sound_match for group in self.groups for word in group)

    def look(self, how: How, limit: int) -> tuple[list[Find], bool]:
        """What is found, in the order asked for, and whether that is all; with how="sound" also where
        words only sound alike."""
        finds: list[Find] = []
        n_rows = 0
        complete = True
        pages = candidates.pages(
            self.log, matches(self.groups, how), self.filters, self.sort == "urgent", not limit
        )
        for page in pages:
            finds += in_page(self.log, page, self.groups, self.without, self.filters, how)
            n_rows += len(page.rows)
            if limit and len(finds) >= limit and n_rows >= RANKED:
                complete = page.last
                break
        if self.sort == "best":
            finds.sort(key=lambda find: -find.score)  # stable: newest first among equals
        elif self.sort == "urgent":
            finds.sort(key=lambda find: _RANK.get(find.urgency, len(_RANK)))
        return finds, complete


# --- Showing --------------------------------------------------------------------------------------


class _Shown:
    """Makes hits of what was found."""

    def __init__(self, log: Log, marks: tuple[str, str], most: int) -> None:
        self.log = log
        self.marks = marks
        self.most = most or None

    def hits(self, finds: Sequence[Find]) -> list[Hit]:
        numbers = [find.request for find in finds if find.request is not None]
        rows = self.log.requests(numbers=numbers) if numbers else ()
        requests = {row.number: row for row in rows}
        calls = self._calls([find.call for find in finds if find.request is None])
        places = [self._places(find) for find in finds]
        words = self._words({spots[0].said for shown, _ in places for spots in shown})
        hits = []
        for find, (shown, more) in zip(finds, places, strict=True):
            passages = tuple(
                [self._passage(spots, words.get(spots[0].said, ())) for spots in shown]
            )
            if find.request is None:
                hits.append(_call_hit(find, *calls[find.call], passages, more))
                continue
            row = requests[find.request]
            if find.gist:
                passages += (self._gist_passage(find, row),)
            hits.append(_request_hit(find, row, passages, more))
        return hits

    def _calls(self, ids: Sequence[int]) -> dict[int, tuple[datetime, str | None]]:
        """When calls began, and their recordings."""
        sql = (
            "SELECT c.id, c.started_at, f.path FROM calls AS c "
            "LEFT JOIN recordings AS f ON f.id = c.recording_id "
            "WHERE c.id IN (SELECT value FROM json_each(?))"
        )
        return {
            row["id"]: (datetime.fromisoformat(row["started_at"]), row["path"])
            for row in (self.log.query(sql, (json.dumps(ids),)) if ids else ())
        }

    def _places(self, find: Find) -> tuple[list[list[Spot]], int]:
        """What to show together, for it lies close together in one turn, and how many more there are."""
        if len(find.spots) == 1:
            return [list(find.spots)], 0
        groups: list[list[Spot]] = []
        end = 0
        for spot in sorted(set(find.spots), key=lambda s: (s.said.start, s.said.id, s.found)):
            if groups and groups[-1][0].said == spot.said and spot.found.start - end <= AROUND:
                groups[-1].append(spot)
                end = max(end, spot.found.end)
            else:
                groups.append([spot])
                end = spot.found.end
        shown = groups if self.most is None else _first(groups, self.most)
        return shown, len(groups) - len(shown)

    def _passage(self, spots: Sequence[Spot], words: Sequence[_Timed]) -> Passage:
        from pipeline.timing import char_times

        said = spots[0].said
        start, end = spots[0].found.start, max([spot.found.end for spot in spots])
        low, high = max(0, start - AROUND), min(len(said.text), end + AROUND)
        times = char_times(said.text, said.start, said.end, words)
        exact = all(spot.found.how == "exact" for spot in spots)
        places = [(spot.found.start, spot.found.end) for spot in spots]
        return Passage(
            start=times[start][0],
            end=times[end - 1][1],
            turn=said.idx,
            text=said.text[low:high],
            marked=mark(said.text, places, self.marks, low, high),
            how="exact" if exact else "sound",
            where="aside" if said.idx is None else "words",
            start_char=low,
        )

    def _words(self, texts: Iterable[Said]) -> dict[Said, list[_Timed]]:
        """The words of texts with their times in seconds, as the recogniser gave them."""
        by_id = {(said.idx is None, said.id): said for said in texts}
        found: dict[Said, list[_Timed]] = {}
        for aside, sql in (
            (
                False,
                "SELECT t.id, w.start_s, w.end_s, w.text FROM json_each(?) AS j "
                "CROSS JOIN turns AS t ON t.id = j.value JOIN segments AS s "
                "ON s.transcript_id = t.transcript_id AND s.channel = t.channel "
                "AND s.set_aside IS NULL JOIN words AS w ON w.segment_id = s.id "
                "WHERE (w.start_s + w.end_s) / 2 BETWEEN t.start_s AND t.end_s "
                "ORDER BY w.start_s, s.idx, w.idx",
            ),
            (
                True,
                "SELECT w.segment_id, w.start_s, w.end_s, w.text FROM json_each(?) AS j "
                "CROSS JOIN words AS w ON w.segment_id = j.value ORDER BY w.segment_id, w.idx",
            ),
        ):
            ids = [id for is_aside, id in by_id if is_aside == aside]
            if ids:
                for id, start, end, word in self.log.conn.execute(sql, (json.dumps(ids),)):
                    found.setdefault(by_id[aside, id], []).append((start, end, word))
        return found

    def _gist_passage(self, find: Find, row: RequestRow) -> Passage:
        places = [(found.start, found.end) for found in find.gist]
        exact = all(found.how == "exact" for found in find.gist)
        return Passage(
            start=min((span.start for span in row.spans), default=0.0),
            end=max((span.end for span in row.spans), default=0.0),
            turn=None,
            text=row.gist,
            marked=mark(row.gist, places, self.marks),
            how="exact" if exact else "sound",
            where="gist",
        )


def _first(groups: list[list[Spot]], most: int) -> list[list[Spot]]:
    """The first `most` of them, but so that each word of the query is in one if that can be."""
    if len(groups) <= most:
        return groups
    kept: list[list[Spot]] = []
    said: set[int] = set()
    for group in groups:
        words = {spot.group for spot in group}
        if not words <= said:
            kept.append(group)
            said |= words
    kept = kept[:most]
    rest = (group for group in groups if not any(group is one for one in kept))
    chosen = [*kept, *islice(rest, most - len(kept))]
    return [group for group in groups if any(group is one for one in chosen)]


def _request_hit(find: Find, row: RequestRow, passages: tuple[Passage, ...], more: int) -> Hit:
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
        how=find.how,
        more=more,
    )


def _call_hit(
    find: Find,
    started_at: datetime,
    recording: str | None,
    passages: tuple[Passage, ...],
    more: int,
) -> Hit:
    return Hit(
        request=None,
        call=find.call,
        recording=recording,
        started_at=started_at,
        category=None,
        kind=None,
        urgency=None,
        status=None,
        place=None,
        gist=None,
        text=" ".join(passage.text for passage in passages),
        hits=passages,
        how=find.how,
        more=more,
    )
