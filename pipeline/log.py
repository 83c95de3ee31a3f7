"""The log: one SQLite file in which every recording, call, word and request stands.

`Log` is the open log, and what it holds is read from it. What is written stands by what happens: a file
came (`recordings.py`), a call was heard (`hearings.py`) and understood (`understandings.py`), a matter came
again (`repeats.py`), staff did something (`acts.py`). Every step is one transaction: a killed run leaves the
whole step or nothing of it. Writing goes through sqlite-utils; reading does not, for that loads numpy, and
`search` must answer at once.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from pipeline import index
from pipeline.errors import UsageProblem
from pipeline.filters import request_filter
from pipeline.i18n import _
from pipeline.rows import (
    CallRow,
    EventRow,
    RecordingRow,
    RequestRow,
    Row,
    SpanRow,
    TagRow,
    TextPiece,
    call_row,
    event_row,
    iso,
    piece_row,
    recording_row,
    request_row,
    span_row,
    tag_row,
    turn_row,
    utc,
)
from pipeline.store import Store
from pipeline.types import RECORDING_STATES, URGENCIES, Turn

PROGRAM = "hotline"
"""Who acts when no person did."""

_CALL_SQL = """
    SELECT c.*, f.path AS recording
    FROM calls AS c LEFT JOIN recordings AS f ON f.id = c.recording_id
"""
_REQUEST_SQL = """
    SELECT r.*, f.path AS recording, c.started_at, c.started_utc,
        coalesce(r.phone, c.caller_phone) AS any_phone,
        coalesce(r.caller_name, c.caller_name) AS any_name
    FROM requests AS r
    JOIN calls AS c ON c.id = r.call_id
    LEFT JOIN recordings AS f ON f.id = c.recording_id
"""
_SPAN_SQL = """
    SELECT s.*, x.call_id, c.started_at, f.path, t.text
    FROM spans AS s
    JOIN turns AS t ON t.transcript_id = s.transcript_id AND t.idx = s.turn_idx
    JOIN transcripts AS x ON x.id = s.transcript_id
    JOIN calls AS c ON c.id = x.call_id
    LEFT JOIN recordings AS f ON f.id = c.recording_id
"""
_URGENCY_RANK = (
    "CASE r.urgency "
    + " ".join(f"WHEN '{name}' THEN {rank}" for rank, name in enumerate(URGENCIES))
    + " END"
)


class Log(Store):
    """An open log; see `Store` for how it is opened. What it returns are records of `rows.py`."""

    def _migrate(self) -> None:
        super()._migrate()
        if not index.is_current(self.conn):
            index.rebuild(self)

    def event(
        self,
        kind: str,
        *,
        who: str = PROGRAM,
        note: str | None = None,
        at: datetime | None = None,
        recording_id: int | None = None,
        call_id: int | None = None,
        request: int | None = None,
        data: Mapping[str, Any] | None = None,
    ) -> None:
        """Log that something happened, as part of the transaction in which it does."""
        self.insert(
            "events",
            {
                "at": iso(at or self.now()),
                "kind": kind,
                "recording_id": recording_id,
                "call_id": call_id,
                "request": request,
                "who": who,
                "note": note,
                "data": json.dumps(data or {}, ensure_ascii=False),
            },
        )

    def record(
        self, kind: str, *, who: str, note: str | None = None, data: Mapping[str, Any] | None = None
    ) -> None:
        """Log that somebody did something with the log as a whole, such as `exported` or `unmasked`."""
        with self.transaction():
            self.event(kind, who=who, note=note, data=data)

    # --- Recordings ---------------------------------------------------------------------------

    def recording(self, recording_id: int) -> RecordingRow:
        row = self.one("SELECT * FROM recordings WHERE id = ?", (recording_id,))
        if row is None:
            raise UsageProblem(_("There is no recording {n} in the log.").format(n=recording_id))
        return recording_row(row)

    def recordings(self, state: str | None = None) -> list[RecordingRow]:
        """All recordings in the order in which they were first seen; only those in `state`."""
        return [
            recording_row(row)
            for row in self.query(
                "SELECT * FROM recordings WHERE ?1 IS NULL OR state = ?1 ORDER BY id", (state,)
            )
        ]

    def states(self) -> dict[str, int]:
        """How many recordings are in each state, every state named; they sum to all ever seen."""
        counts = {
            row["state"]: row["n"]
            for row in self.query("SELECT state, count(*) AS n FROM recordings GROUP BY state")
        }
        return {state: counts.get(state, 0) for state in RECORDING_STATES}

    def errors(self, recording_id: int) -> list[tuple[datetime, str, str]]:
        """When, in which state and why a recording could not go on, oldest first."""
        return [
            (datetime.fromisoformat(row["at"]), row["state"], row["reason"])
            for row in self.query(
                "SELECT * FROM recording_errors WHERE recording_id = ? ORDER BY id", (recording_id,)
            )
        ]

    def last_recording_id(self) -> int:
        """The id of the row that was added last; 0 in an empty log."""
        return int(self.value("SELECT coalesce(max(id), 0) FROM recordings"))

    # --- Calls and what was heard ---------------------------------------------------------------

    def turns(self, transcript_id: int) -> tuple[Turn, ...]:
        """The turns of a transcript, in order."""
        return tuple(
            turn_row(row)
            for row in self.query(
                "SELECT * FROM turns WHERE transcript_id = ? ORDER BY idx", (transcript_id,)
            )
        )

    def call(self, call_id: int) -> CallRow:
        row = self.one(_CALL_SQL + "WHERE c.id = ?", (call_id,))
        if row is None:
            raise UsageProblem(_("There is no call {n} in the log.").format(n=call_id))
        return call_row(row)

    def calls(self, ids: Iterable[int] | None = None) -> list[CallRow]:
        """All calls, or those of `ids`; oldest first."""
        where = "" if ids is None else "WHERE c.id IN (SELECT value FROM json_each(?)) "
        params = () if ids is None else (json.dumps(list(ids)),)
        return [
            call_row(row)
            for row in self.query(_CALL_SQL + where + "ORDER BY c.started_utc, c.id", params)
        ]

    def call_of(self, recording_id: int) -> CallRow | None:
        """The call in a recording, or None while nothing was decoded."""
        row = self.one(_CALL_SQL + "WHERE c.recording_id = ?", (recording_id,))
        return None if row is None else call_row(row)

    def call_of_transcript(self, transcript_id: int) -> CallRow:
        call_id = self.value("SELECT call_id FROM transcripts WHERE id = ?", (transcript_id,))
        if call_id is None:
            raise UsageProblem(_("There is no transcript {n} in the log.").format(n=transcript_id))
        return self.call(call_id)

    def current_transcript(self, call_id: int) -> int | None:
        """The hearing of a call that counts, or None where none was made."""
        found = self.value(
            "SELECT id FROM transcripts WHERE call_id = ? AND is_current", (call_id,)
        )
        return None if found is None else int(found)

    # --- Requests -----------------------------------------------------------------------------

    def request(self, number: int) -> RequestRow:
        """One request.

        Raises:
            UsageProblem: there is none of this number.
        """
        rows = self.requests(numbers=[number])
        if not rows:
            raise UsageProblem(
                _("There is no request {n}. See them with: hotline open").format(n=number)
            )
        return rows[0]

    def open_requests(
        self, now: datetime | None = None, limit: int | None = None
    ) -> list[RequestRow]:
        """What is unanswered: most urgent first; within a level the overdue first, then by due time.
        At most the first `limit`."""
        return self._request_rows(
            "WHERE r.status IN ('open', 'in_progress') "
            f"ORDER BY {_URGENCY_RANK}, r.due_utc >= ?, r.due_utc, r.number LIMIT ?",
            (utc(now or self.now()), -1 if limit is None else limit),
        )

    def requests(self, *, numbers: Iterable[int] | None = None, **filters: Any) -> list[RequestRow]:
        """Requests by number; for `filters` see `request_numbers`."""
        wanted = self.request_numbers(**filters) if filters else None
        if numbers is not None:
            given = set(numbers)
            wanted = sorted(given if wanted is None else given.intersection(wanted))
        if wanted is None:
            return self._request_rows("ORDER BY r.number")
        return self._request_rows(
            "WHERE r.number IN (SELECT value FROM json_each(?)) ORDER BY r.number",
            (json.dumps(wanted),),
        )

    def request_numbers(
        self,
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
        call_id: int | None = None,
    ) -> list[int]:
        """The numbers of the requests that pass every filter given.

        `since` and `until` (not included) bound the call's time. `caller` is a part of the phone
        number or of the name; every figure in `place` ("2号楼501") must be one of the request's place.
        """
        where, params = request_filter(
            category=category, kind=kind, urgency=urgency, status=status, since=since, until=until,
            caller=caller, place=place, building=building, call_id=call_id,
        )  # fmt: skip
        return [
            row["number"]
            for row in self.query(
                "SELECT r.number FROM requests AS r JOIN calls AS c ON c.id = r.call_id "
                f"WHERE {where} ORDER BY r.number",
                params,
            )
        ]

    def _request_rows(self, tail: str, params: Sequence[Any] = ()) -> list[RequestRow]:
        with self.snapshot():
            rows = self.query(_REQUEST_SQL + tail, params)
            pieces = self._pieces([row["number"] for row in rows])
            calls = self._calls_of_merged()
        return [
            request_row(row, pieces.get(row["number"], []), len(calls.get(row["number"], ())) or 1)
            for row in rows
        ]

    def _calls_of_merged(self) -> dict[int, set[int]]:
        """The calls that ask for each request into which others were merged."""
        found: dict[int, set[int]] = {}
        for row in self.query(
            "WITH RECURSIVE chain (root, call_id) AS ("
            "SELECT m.merged_into, m.call_id FROM requests AS m WHERE m.merged_into IS NOT NULL "
            "UNION SELECT r.merged_into, c.call_id FROM chain AS c "
            "JOIN requests AS r ON r.number = c.root WHERE r.merged_into IS NOT NULL) "
            "SELECT c.root, c.call_id, r.call_id AS own FROM chain AS c "
            "JOIN requests AS r ON r.number = c.root"
        ):
            found.setdefault(row["root"], {row["own"]}).add(row["call_id"])
        return found

    def merged_into(self, number: int) -> list[RequestRow]:
        """The requests that were merged into this one, by number."""
        return self._request_rows("WHERE r.merged_into = ? ORDER BY r.number", (number,))

    def _pieces(self, numbers: Sequence[int]) -> dict[int, list[TextPiece]]:
        found: dict[int, list[TextPiece]] = {}
        for row in self.piece_rows(*numbers):
            found.setdefault(row["request"], []).append(piece_row(row))
        return found

    def piece_rows(self, *numbers: int) -> list[Row]:
        """Where the words of requests stand, as rows of `request_spans` with the turn's `text`."""
        return self.query(
            "SELECT p.*, s.turn_idx, t.speaker, t.channel, t.text FROM request_spans AS p "
            "JOIN spans AS s ON s.id = p.span_id "
            "JOIN turns AS t ON t.transcript_id = s.transcript_id AND t.idx = s.turn_idx "
            "WHERE p.request IN (SELECT value FROM json_each(?)) ORDER BY p.request, p.piece",
            (json.dumps(numbers),),
        )

    def request_text(self, number: int) -> list[TextPiece]:
        """The words of a request, in order, with who said them and when."""
        return self._pieces([number]).get(number, [])

    def codes(self, column: str) -> list[str]:
        """Every category, kind, urgency or status that a request of the log has or had."""
        if column not in ("category", "kind", "urgency", "status"):
            raise ValueError(f"no column of codes: {column}")
        return [
            row["code"]
            for row in self.query(f"SELECT DISTINCT {column} AS code FROM requests ORDER BY 1")
        ]

    def count_calls(self) -> int:
        return int(self.value("SELECT count(*) FROM calls"))

    def count_requests(self) -> int:
        """All requests ever opened, whatever became of them."""
        return int(self.value("SELECT count(*) FROM requests"))

    def needs_listening(self, *, heard: bool = False) -> list[SpanRow]:
        """What somebody must still listen to, oldest call first; with `heard`, what somebody did."""
        return [
            span_row(row)
            for row in self.query(
                _SPAN_SQL + "WHERE s.kind = 'needs_listening' AND (s.heard_at IS NOT NULL) = ? "
                "AND x.is_current ORDER BY c.started_utc, c.id, s.start_s",
                (int(heard),),
            )
        ]

    def span(self, span_id: int) -> SpanRow:
        """A stretch of speech that somebody must listen to, or had to.

        Raises:
            UsageProblem: there is none of this number.
        """
        row = self.one(_SPAN_SQL + "WHERE s.id = ? AND s.kind = 'needs_listening'", (span_id,))
        if row is None:
            raise UsageProblem(
                _(
                    "There is nothing L{n} to listen to. See what there is with: hotline open"
                ).format(n=span_id)
            )
        return span_row(row)

    def next_event(self) -> int:
        """The id that the next event gets; what staff did in one go is known by that of its first."""
        return 1 + int(self.value("SELECT coalesce(max(id), 0) FROM events"))

    def tags(self, request: int) -> list[TagRow]:
        """Every judgement on a request, oldest first."""
        return [
            tag_row(row)
            for row in self.query(
                "SELECT t.*, t.id IN (SELECT id FROM current_tags WHERE request = ?1) AS current "
                "FROM tags AS t WHERE t.request = ?1 ORDER BY t.id",
                (request,),
            )
        ]

    def events(self, request: int | None = None, recording: int | None = None) -> list[EventRow]:
        """What happened, in the order in which it was logged; of one request or recording."""
        return [
            event_row(row)
            for row in self.query(
                "SELECT * FROM events WHERE (?1 IS NULL OR request = ?1) "
                "AND (?2 IS NULL OR recording_id = ?2) ORDER BY id",
                (request, recording),
            )
        ]

    def story(self, number: int) -> list[EventRow]:
        """What happened to a request and, before it was opened, to its call's recording."""
        row = self.request(number)
        call = self.call(row.call_id)
        before = [] if call.recording_id is None else self.events(recording=call.recording_id)
        return sorted([*before, *self.events(request=number)], key=lambda event: event.id)

    def check(self) -> tuple[list[str], float]:
        """What in the log does not add up, as sentences, and the seconds of speech that no turn covers;
        see `audit.check`."""
        from pipeline import audit

        return audit.check(self)
