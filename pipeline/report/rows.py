"""What the summary reads from the log: the only SQL of the report, each row handed on as it is read.

Nothing here loads a period at once: a year of 100,000 requests is counted in the memory of a day. Moments
are compared as the text of the log's `*_utc` columns (`pipeline.rows.utc`). Call these inside of one
`log.snapshot()`, so that all of them see the same rows.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.i18n import retold

if TYPE_CHECKING:
    from pipeline.log import Log

CLOSED = ("done", "dismissed", "merged")
OPEN = ("open", "in_progress")
UNHEARD = ("failed", "silent", "unsupported")
"""States in which nothing of a recording is in the figures until somebody listens to it."""

WAITING = ("arriving", "received", "transcribed")

_PROMISED = """((r.undertaking IS NULL AND r.undertaking_due_at IS NOT NULL) OR (r.undertaking IS NOT NULL AND NOT (
    EXISTS (SELECT 1 FROM tags WHERE request = r.number AND tag = 'undertaking')
    AND NOT EXISTS (SELECT 1 FROM tags AS u WHERE u.request = r.number AND u.tag = 'undertaking'
        AND NOT EXISTS (SELECT 1 FROM tags AS f WHERE f.request = u.request AND f.tag = 'refusal'
            AND f.turn_idx = u.turn_idx AND f.start_char = u.start_char)))))"""
"""Staff promised something: they named a day for it, or what they answered is not only that it cannot be."""


@dataclass(frozen=True, slots=True)
class Turning:
    """A request with all that became of it, in the order in which it was logged.

    `moves` are (moment, state, act, the act that it takes back), `until` is when its promise is due, None
    where there is none or it named no time. Moments are UTC text.
    """

    number: int
    began: str
    due: str
    urgency: str
    logged: str
    promised: bool
    until: str | None
    moves: tuple[tuple[str, str, int | None, int | None], ...]

    def steps(self, first: str, last: str) -> list[tuple[str, str]]:
        """The moves as a period sees them: (moment, state), never going back in time.

        A move that was logged with an earlier moment than the one before counts at that one's. A move
        that was made and taken back within the period is none: done by mistake and put back at once
        is neither an answer nor a request that came back.
        """
        kept: list[tuple[str, str, int | None]] = []
        for at, to, act, undoes in self.moves:
            within = undoes is not None and at < last
            mistake = next(
                (
                    n
                    for n, one in enumerate(kept)
                    if within and one[2] == undoes and one[0] >= first
                ),
                None,
            )
            if mistake is not None:
                del kept[mistake]
            else:
                kept.append((max(kept[-1][0] if kept else self.began, at), to, act))
        return [(at, to) for at, to, _act in kept]


def first_call(log: Log) -> str | None:
    """When the first call of the log began (ISO text with its offset), None in an empty log."""
    row = log.conn.execute(
        "SELECT started_at FROM calls ORDER BY started_utc, id LIMIT 1"
    ).fetchone()
    return None if row is None else str(row[0])


def calls(log: Log, first: str, last: str) -> Iterator[tuple[int, str, str | None]]:
    """Call, where its time came from, which model heard it (imported calls: `text`); oldest first."""
    return iter(
        log.conn.execute(
            "SELECT c.id, c.time_source, x.model FROM calls AS c "
            "LEFT JOIN transcripts AS x ON x.call_id = c.id AND x.is_current "
            "WHERE c.started_utc >= ? AND c.started_utc < ? ORDER BY c.started_utc, c.id",
            (first, last),
        )
    )


def requests(
    log: Log, first: str, last: str
) -> Iterator[tuple[int, str, str, str, str, str | None, int | None, int, int]]:
    """Of the calls that began then: number, beginning, category, kind, urgency, building, which it
    repeats, whether it is unsure, whether something was promised."""
    return iter(
        log.conn.execute(
            "SELECT r.number, c.started_utc, r.category, r.kind, r.urgency, r.building, r.repeat_of, "
            f"r.review, {_PROMISED} FROM calls AS c JOIN requests AS r ON r.call_id = c.id "
            "WHERE c.started_utc >= ? AND c.started_utc < ? ORDER BY c.started_utc, r.number",
            (first, last),
        )
    )


def turnings(log: Log, first: str, last: str) -> Iterator[Turning]:
    """Every request that was open at some moment of the period or promised something for it.

    A request closed before `first` for good is none of them, and is never read.
    """
    cursor = log.conn.execute(
        f"""
        SELECT r.number, c.started_utc, r.due_utc, r.urgency, r.opened_utc,
            {_PROMISED}, r.undertaking_due_utc, e.at_utc,
            coalesce(json_extract(e.data, '$.to'), replace(e.kind, 'reopened', 'open')),
            json_extract(e.data, '$.act'), json_extract(e.data, '$.undoes')
        FROM requests AS r JOIN calls AS c ON c.id = r.call_id
        LEFT JOIN events AS e ON e.request = r.number AND e.kind <> 'opened'
            AND (e.kind IN ('done', 'dismissed', 'merged', 'reopened')
                OR json_extract(e.data, '$.to') IN
                    ('open', 'in_progress', 'done', 'dismissed', 'merged'))
        WHERE {_TURNED} AND c.started_utc < :last
        ORDER BY r.number, e.id
        """,
        {"first": first, "last": last},
    )
    for head, moves in itertools.groupby(cursor, key=lambda row: row[:7]):
        number, began, due, urgency, logged, promised, until = head
        made = tuple(row[7:] for row in moves if row[7] is not None)
        yield Turning(number, began, due, urgency, logged, bool(promised), until, made)


_TURNED = """r.number IN (
    SELECT number FROM requests WHERE status IN ('open', 'in_progress')
    UNION ALL SELECT request FROM events
        WHERE at_utc >= :first AND request IS NOT NULL AND kind <> 'opened'
    UNION ALL SELECT o.number FROM calls AS b JOIN requests AS o ON o.call_id = b.id
        WHERE b.started_utc >= :first AND b.started_utc < :last
    UNION ALL SELECT number FROM requests
        WHERE undertaking_due_utc >= :first AND undertaking_due_utc < :last)"""
"""Open now, moved since, new in the period, or promised for it: each by an index."""


def listening(log: Log, first: str, last: str) -> Iterator[tuple[int, int, float]]:
    """What somebody must still listen to, of the calls that began then: span, call, seconds."""
    return iter(
        log.conn.execute(
            "SELECT s.id, x.call_id, s.end_s - s.start_s FROM calls AS c "
            "JOIN transcripts AS x ON x.call_id = c.id AND x.is_current "
            "JOIN spans AS s ON s.transcript_id = x.id "
            "WHERE s.kind = 'needs_listening' AND s.heard_at IS NULL "
            "AND c.started_utc >= ? AND c.started_utc < ? ORDER BY c.started_utc, s.id",
            (first, last),
        )
    )


def listening_before(log: Log, first: str) -> Iterator[int]:
    """What somebody must still listen to of the calls that began before `first`."""
    return (
        row[0]
        for row in log.conn.execute(
            "SELECT s.id FROM spans AS s JOIN transcripts AS x ON x.id = s.transcript_id AND x.is_current "
            "JOIN calls AS c ON c.id = x.call_id "
            "WHERE s.kind = 'needs_listening' AND s.heard_at IS NULL AND c.started_utc < ? ORDER BY s.id",
            (first,),
        )
    )


def unheard_before(log: Log, first: str) -> Iterator[int]:
    """Files first seen before `first` that wait or failed to this day, and nobody listened to."""
    return (
        row[0]
        for row in log.conn.execute(
            "SELECT id FROM recordings WHERE state IN (SELECT value FROM json_each(?)) "
            "AND heard_at IS NULL AND first_seen_utc < ? ORDER BY id",
            (json.dumps(UNHEARD + WAITING), first),
        )
    )


def recordings(log: Log, first: str, last: str) -> Iterator[tuple[int, str, int]]:
    """Files first seen then, with their state, and whether somebody listened to them."""
    return iter(
        log.conn.execute(
            "SELECT id, state, heard_at IS NOT NULL FROM recordings WHERE first_seen_utc >= ? AND first_seen_utc < ? "
            "ORDER BY id",
            (first, last),
        )
    )


def corrections(log: Log, first: str, last: str) -> Iterator[tuple[int, str]]:
    """What staff tagged otherwise then, and did not take back: request, tag."""
    return iter(
        log.conn.execute(
            """
            SELECT e.request, said.key FROM events AS e, json_each(
                CASE WHEN json_extract(e.data, '$.tag') IS NULL
                    THEN coalesce(json_extract(e.data, '$.values'), '{}')
                    ELSE json_object(json_extract(e.data, '$.tag'), json_extract(e.data, '$.value'))
                END) AS said
            WHERE e.kind = 'corrected' AND e.request IS NOT NULL AND e.at_utc >= ? AND e.at_utc < ?
            AND said.value IS NOT CASE WHEN json_extract(e.data, '$.tag') IS NULL
                THEN json_extract(e.data, '$.was.' || said.key)
                ELSE json_extract(e.data, '$.before') END
            AND NOT EXISTS (SELECT 1 FROM events AS u WHERE u.request = e.request
                AND u.kind = 'undone'
                AND json_extract(u.data, '$.undoes') = json_extract(e.data, '$.act'))
            ORDER BY e.id, said.key
            """,
            (first, last),
        )
    )


def by_cell(log: Log, first: str, last: str) -> dict[tuple[str, str | None], int]:
    """How many requests of the calls that began then, by category and building."""
    return {
        (category, building): n
        for category, building, n in log.conn.execute(
            "SELECT r.category, r.building, count(*) FROM calls AS c "
            "JOIN requests AS r ON r.call_id = c.id "
            "WHERE c.started_utc >= ? AND c.started_utc < ? GROUP BY r.category, r.building",
            (first, last),
        )
    }


def by_urgency(log: Log, first: str, last: str) -> dict[str, int]:
    return dict(
        log.conn.execute(
            "SELECT r.urgency, count(*) FROM calls AS c JOIN requests AS r ON r.call_id = c.id "
            "WHERE c.started_utc >= ? AND c.started_utc < ? GROUP BY r.urgency",
            (first, last),
        ).fetchall()
    )


def in_cell(
    log: Log,
    first: str,
    last: str,
    *,
    category: str | None = None,
    building: str | None = None,
    urgency: str | None = None,
) -> list[int]:
    """The requests of the calls that began then, of a category, a building, an urgency (None: of any)."""
    return [
        row[0]
        for row in log.conn.execute(
            "SELECT r.number FROM calls AS c JOIN requests AS r ON r.call_id = c.id "
            "WHERE c.started_utc >= ? AND c.started_utc < ? AND r.category = coalesce(?, r.category) "
            "AND r.building IS coalesce(?, r.building) AND r.urgency = coalesce(?, r.urgency) "
            "ORDER BY c.started_utc, r.number",
            (first, last, category, building, urgency),
        )
    ]


def texts(log: Log, first: str, last: str, at_most: int) -> list[tuple[int, str]]:
    """Number and words (the resident's and the unknown's, else the gist) of requests of that time; of
    more than `at_most` every so-manieth, the same ones at each asking."""
    numbers = [
        row[0]
        for row in log.conn.execute(
            "SELECT r.number FROM calls AS c JOIN requests AS r ON r.call_id = c.id "
            "WHERE c.started_utc >= ? AND c.started_utc < ? ORDER BY c.started_utc, r.number",
            (first, last),
        )
    ]
    if len(numbers) > at_most:
        numbers = [numbers[n * len(numbers) // at_most] for n in range(at_most)]
    found: dict[int, list[str]] = {}
    for number, gist, speaker, text, start, end in log.conn.execute(
        "SELECT r.number, r.gist, t.speaker, t.text, p.start_char, p.end_char "
        "FROM json_each(?) AS w JOIN requests AS r ON r.number = w.value "
        "LEFT JOIN request_spans AS p ON p.request = r.number "
        "LEFT JOIN spans AS s ON s.id = p.span_id "
        "LEFT JOIN turns AS t ON t.transcript_id = s.transcript_id AND t.idx = s.turn_idx "
        "ORDER BY w.key, p.piece",
        (json.dumps(numbers),),
    ):
        pieces = found.setdefault(number, [gist])
        if text and speaker != "staff":
            pieces.append(text[start:end])
    return [(number, " ".join(pieces[1:] or pieces)) for number, pieces in found.items()]


_DETAIL = """
    SELECT r.number, c.started_at, c.time_source, r.category, r.kind, r.urgency, r.status, r.gist,
        r.lane, r.building, r.unit, r.room, coalesce(r.phone, c.caller_phone) AS phone,
        coalesce(r.caller_name, c.caller_name) AS caller, r.due_at, r.due_utc, r.due_hint,
        r.undertaking, r.undertaking_due_at, r.repeat_of, r.merged_into, r.closed_at, r.closed_by, r.closed_note,
        c.source, r.call_id, r.assignee,
        (SELECT json_group_array(json_array(e.at, e.kind, e.who, e.note, json(e.data))) FROM
            (SELECT at, kind, who, note, data FROM events WHERE request = r.number
                AND who <> 'hotline' ORDER BY id) AS e) AS story
    FROM calls AS c JOIN requests AS r ON r.call_id = c.id
"""


def details(log: Log, numbers: Sequence[int]) -> list[dict[str, Any]]:
    """What is printed of requests beside their number, in the order of `numbers`; `story` is what people
    (not the program) did with it: (at, kind, who, note, data)."""
    cursor = log.conn.execute(
        f"{_DETAIL} WHERE r.number IN (SELECT value FROM json_each(?))",
        (json.dumps(list(numbers)),),
    )
    found = {row["number"]: row for row in _dicts(cursor)}
    return [found[number] for number in numbers if number in found]


WORST_FIRST = "CASE urgency WHEN 'critical' THEN 0 WHEN 'urgent' THEN 1 ELSE 2 END, due_utc, number"
SOONEST_FIRST = "undertaking_due_utc, number"


def ordered(log: Log, numbers: Sequence[int], order: str, at_most: int) -> list[int]:
    """The first `at_most` of requests by `order`: the worst, or those whose promise falls due first."""
    return [
        row[0]
        for row in log.conn.execute(
            "SELECT number FROM requests WHERE number IN (SELECT value FROM json_each(?)) "
            f"ORDER BY {order} LIMIT ?",
            (json.dumps(list(numbers)), at_most),
        )
    ]


def ledger(log: Log, first: str, last: str) -> Iterator[dict[str, Any]]:
    """The requests of the calls that began then as `details` has them, one at a time, oldest first."""
    return _dicts(
        log.conn.execute(
            f"{_DETAIL} WHERE c.started_utc >= ? AND c.started_utc < ? "
            "ORDER BY c.started_utc, r.number",
            (first, last),
        )
    )


def _dicts(cursor: Any) -> Iterator[dict[str, Any]]:
    names = [column[0] for column in cursor.description]
    for row in cursor:
        kept = dict(zip(names, row, strict=True))
        kept["story"] = [tuple(step) for step in json.loads(kept["story"] or "[]")]
        yield kept


def call_facts(log: Log, ids: Sequence[int]) -> list[dict[str, Any]]:
    """Calls by id, in the order of `ids`: when, how long, of which recording."""
    found = {
        row["call"]: row
        for row in log.query(
            "SELECT c.id AS call, c.started_at, c.time_source, c.duration, f.path AS recording "
            "FROM calls AS c LEFT JOIN recordings AS f ON f.id = c.recording_id "
            "WHERE c.id IN (SELECT value FROM json_each(?))",
            (json.dumps(list(ids)),),
        )
    }
    return [found[call] for call in ids if call in found]


def recording_facts(log: Log, ids: Sequence[int]) -> list[dict[str, Any]]:
    """Recordings by id, in the order of `ids`: path, state, why."""
    found = {
        row["recording"]: row
        for row in log.query(
            "SELECT id AS recording, path, state, reason, first_seen_at FROM recordings "
            "WHERE id IN (SELECT value FROM json_each(?))",
            (json.dumps(list(ids)),),
        )
    }
    return [
        {
            **found[recording],
            "reason": found[recording]["reason"] and retold(found[recording]["reason"]),
        }
        for recording in ids
        if recording in found
    ]


def span_facts(log: Log, ids: Sequence[int]) -> list[dict[str, Any]]:
    """Stretches that nobody understood by id, in the order of `ids`."""
    found = {
        row["span"]: row
        for row in log.query(
            "SELECT s.id AS span, x.call_id AS call, c.started_at, f.path AS recording, "
            "s.start_s AS start, s.end_s AS end "
            "FROM spans AS s JOIN transcripts AS x ON x.id = s.transcript_id "
            "JOIN calls AS c ON c.id = x.call_id "
            "LEFT JOIN recordings AS f ON f.id = c.recording_id "
            "WHERE s.id IN (SELECT value FROM json_each(?))",
            (json.dumps(list(ids)),),
        )
    }
    return [found[span] for span in ids if span in found]
