"""The log: one SQLite file in which every recording, call, word and request stands.

What the project knows of SQL is here and beside: `store.py` (the file), `migrations.py` (the schema),
`rows.py` (rows as records), `index.py` and `search.py` (the index, and asking it) and `audit.py` (the
proof). Every step is one
transaction: a killed run leaves the whole step or nothing of it. Writing goes through sqlite-utils;
reading does not, for it loads numpy, and `search` must answer at once.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from pipeline import index
from pipeline.errors import LogError, UsageProblem
from pipeline.i18n import _
from pipeline.rows import (
    CallFacts,
    CallRow,
    EventRow,
    Judge,
    RecordingRow,
    RequestRow,
    Row,
    SpanRow,
    TagRow,
    TextPiece,
    call_row,
    clean,
    event_row,
    file_time,
    iso,
    piece_row,
    recording_row,
    request_row,
    span_row,
    stored_path,
    tag_row,
    turn_row,
    utc,
)
from pipeline.script import fold
from pipeline.store import Store
from pipeline.types import (
    RECORDING_STATES,
    URGENCIES,
    Medium,
    NameFacts,
    Piece,
    Segment,
    Transcript,
    Turn,
    Word,
)

if TYPE_CHECKING:
    from pipeline.types import Request, Understanding

__all__ = [
    "TRANSITIONS", "CallFacts", "CallRow", "EventRow", "Log", "RecordingRow", "RequestRow", "SpanRow",
    "TagRow", "TextPiece", "char_times", "iso", "refusal", "utc",
]  # fmt: skip

PROGRAM = "hotline"
"""Who acts when no person did."""

TRANSITIONS: Mapping[str, tuple[str, ...]] = {
    "open": ("in_progress", "done", "dismissed"),
    "in_progress": ("open", "done", "dismissed"),
    "done": ("open",),
    "merged": ("open",),
    "dismissed": ("open",),
}
"""The states that a request can go to from each; merging is not a change of state alone."""

_STATUS_EVENT = {
    "open": "reopened",
    "in_progress": "started",
    "done": "done",
    "dismissed": "dismissed",
}

TAG_COLUMNS = ("category", "kind", "urgency")
"""The tags of which `requests` holds the current value."""

_IMPORTED = Transcript(engine="import", model="text", language="zh", segments=(), speech=())
"""The hearing of a call that came as text: nothing was recognised here, and no speech looked for."""

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
_SAME_HOUSE = (
    "coalesce(r.unit = :unit, 1) AND coalesce(r.lane = :lane, 1) AND r.building = :building"
)
_SAME_PARTY = f"(coalesce(r.phone, c.caller_phone) = :phone OR ({_SAME_HOUSE} AND r.room IS :room))"
"""That a request is of the same number or place as the one of `_party`."""
_ALIKE = 0.3
"""Likeness of two gists from which they may be one matter: of gists of one category that are not, 1 in
86 is as alike; of two categories, 1 in 5,000 (the hand-written calls and the development calls)."""
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

    def _event(
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
        self._insert(
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
            self._event(kind, who=who, note=note, data=data)

    # --- Recordings ---------------------------------------------------------------------------

    def seen(self, path: str, size: int, modified_at: datetime) -> RecordingRow:
        """The row of a file by its path, size and mtime; a new one, `arriving`, where there is none.

        A row that still has no content (the file grew, or could not be read) follows the file
        instead. An old content under the same path keeps its row.
        """
        key = (stored_path(path), size, file_time(modified_at))
        same = "SELECT id FROM recordings WHERE path = ? AND size = ? AND modified_at = ?"
        found = self._value(same, key)
        if found is None:
            with self.transaction():
                found = self._value(same, key)  # another process may have come first
                if found is None:
                    found = self._arrive(*key)
        return self.recording(found)

    def _arrive(self, path: str | bytes, size: int, modified_at: str) -> int:
        waiting = self._value(
            "SELECT id FROM recordings WHERE path = ? AND sha256 IS NULL "
            "AND state IN ('arriving', 'failed') ORDER BY id DESC",
            (path,),
        )
        if waiting is not None:
            self._update(
                "recordings",
                waiting,
                {"size": size, "modified_at": modified_at, "state": "arriving", "reason": None},
            )
            return int(waiting)
        recording_id = self._insert(
            "recordings",
            {
                "path": path,
                "size": size,
                "modified_at": modified_at,
                "first_seen_at": iso(self.now()),
                "state": "arriving",
            },
        )
        self._event("seen", recording_id=recording_id, data={"size": size})
        return recording_id

    def same_place(self, path: str, size: int) -> list[RecordingRow]:
        """The recordings of this path and size whose content is kept, whatever their time."""
        return [
            recording_row(row)
            for row in self.query(
                "SELECT * FROM recordings WHERE path = ? AND size = ? AND sha256 IS NOT NULL "
                "ORDER BY id",
                (stored_path(path), size),
            )
        ]

    def touched(self, recording_id: int, modified_at: datetime) -> RecordingRow:
        """The same file with the same content has another time now: copied, or its tags looked at."""
        with self.transaction():
            self._update("recordings", recording_id, {"modified_at": file_time(modified_at)})
            self._event(
                "touched", recording_id=recording_id, data={"modified_at": file_time(modified_at)}
            )
        return self.recording(recording_id)

    def mended(self, recording_id: int, original: str) -> None:
        """The original of a recording had gone, and was copied anew."""
        with self.transaction():
            self._update("recordings", recording_id, {"original": original})
            self._event("mended", recording_id=recording_id, data={"original": original})

    def renamed(self, recording_id: int, path: str | None = None) -> RecordingRow | None:
        """A file that was seen under another name while it arrived, and has gone from there: the
        recording that it became, by size and time, or by the `path` that its name tells. It is that
        one's `duplicate` from then on."""
        with self.transaction():
            row = self.recording(recording_id)
            other = self._one(
                "SELECT * FROM recordings WHERE id <> ? AND sha256 IS NOT NULL "
                "AND duplicate_of IS NULL AND (path = ? OR size = ? AND modified_at = ?) "
                "ORDER BY path = ? DESC, id DESC",
                (
                    recording_id,
                    None if path is None else stored_path(path),
                    row.size,
                    file_time(row.modified_at),
                    None if path is None else stored_path(path),
                ),
            )
            if other is None:
                return None
            said = _("It was renamed while it arrived: it is {file} now.").format(
                file=other["path"]
            )
            self._update(
                "recordings",
                recording_id,
                {
                    "sha256": other["sha256"],
                    "original": other["original"],
                    "duplicate_of": other["id"],
                    "state": "duplicate",
                    "reason": said,
                },
            )
            self._event("duplicate", recording_id=recording_id, note=said)
        return recording_row(other)

    def received(
        self,
        recording_id: int,
        sha256: str,
        original: str,
        facts: NameFacts,
        *,
        gone: Callable[[str], bool] = lambda path: False,
    ) -> RecordingRow:
        """A file's content is kept as `original`: `received`, or `duplicate` if it was there already.

        `gone` says whether the file at a path in the log is not there any more.
        """
        with self.transaction():
            first = self._one(
                "SELECT id, path FROM recordings "
                "WHERE sha256 = ? AND id <> ? AND duplicate_of IS NULL",
                (sha256, recording_id),
            )
            state = "received" if first is None else "duplicate"
            self._update(
                "recordings",
                recording_id,
                {
                    "sha256": sha256,
                    "original": original,
                    "state": state,
                    "reason": None if first is None else _same_as(first["path"], gone),
                    "duplicate_of": None if first is None else first["id"],
                    "started_at": facts.started_at and iso(facts.started_at),
                    "time_source": facts.time_source,
                    "caller_phone": facts.caller_phone,
                    "caller_name": facts.caller_name,
                    "caller_source": facts.caller_source,
                    "direction": facts.direction,
                },
            )
            self._event(state, recording_id=recording_id, data={"sha256": sha256})
        return self.recording(recording_id)

    def set_state(
        self,
        recording_id: int,
        state: str,
        reason: str | None = None,
        *,
        call: CallFacts | None = None,
        retry_in: timedelta | None = None,
        who: str = PROGRAM,
    ) -> None:
        """Move a recording to `state`, with the sentence that says why; every reason is kept.

        `call` logs what is known of a call that has no words (a silent one); `retry_in` says after
        how long a failed one is tried again, None for the next run.
        """
        if state not in RECORDING_STATES:
            raise ValueError(f"no state of a recording: {state}")
        with self.transaction():
            now = self.now()
            row = self.recording(recording_id)
            self._update(
                "recordings",
                recording_id,
                {
                    "state": state,
                    "reason": reason,
                    "attempts": row.attempts + (state == "failed"),
                    "tried_at": iso(now) if state == "failed" else None,
                    "retry_at": None if retry_in is None else iso(now + retry_in),
                },
            )
            if reason is not None:
                self._insert(
                    "recording_errors",
                    {
                        "recording_id": recording_id,
                        "at": iso(self.now()),
                        "state": state,
                        "reason": reason,
                    },
                )
            call_id = None if call is None else self._save_call(recording_id, call)
            self._event(state, who=who, recording_id=recording_id, call_id=call_id, note=reason)

    def recording(self, recording_id: int) -> RecordingRow:
        row = self._one("SELECT * FROM recordings WHERE id = ?", (recording_id,))
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
        return int(self._value("SELECT coalesce(max(id), 0) FROM recordings"))

    # --- Calls and what was heard ---------------------------------------------------------------

    def save_transcript(
        self,
        recording_id: int,
        audio_facts: CallFacts,
        transcript: Transcript,
        turns: Sequence[Turn],
    ) -> int:
        """Log one hearing of a recording, and make it the current one; its id.

        The call, all words kept and set aside, the turns, the speech found, the index, the state
        `transcribed`: one transaction.
        """
        terms = self._terms(transcript, turns)
        with self.transaction():
            call_id = self._save_call(recording_id, audio_facts)
            transcript_id = self._save_hearing(call_id, transcript, turns, terms)
            self.conn.execute("DELETE FROM heard_windows WHERE recording_id = ?", (recording_id,))
            self._update("recordings", recording_id, {"state": "transcribed", "reason": None})
            self._event(
                "transcribed",
                recording_id=recording_id,
                call_id=call_id,
                data={
                    "transcript": transcript_id,
                    "engine": transcript.engine,
                    "model": transcript.model,
                },
            )
        return transcript_id

    def heard_window(self, recording_id: int, key: str) -> tuple[Segment, ...] | None:
        """What was heard of a window before a run was cut off; None if it was not."""
        found = self._value(
            "SELECT segments FROM heard_windows WHERE recording_id = ? AND key = ?",
            (recording_id, key),
        )
        if found is None:
            return None
        return tuple(
            Segment(**{**one, "words": tuple(Word(**word) for word in one["words"])})
            for one in json.loads(found)
        )

    def keep_window(self, recording_id: int, key: str, segments: Sequence[Segment]) -> None:
        """Keep what was heard of a window until the whole transcript is in the log."""
        said = json.dumps([asdict(segment) for segment in segments], ensure_ascii=True)
        with self.transaction():
            self.conn.execute(
                "INSERT OR REPLACE INTO heard_windows VALUES (?, ?, ?)", (recording_id, key, said)
            )

    def import_call(
        self,
        id: str,
        started_at: datetime,
        medium: Medium,
        turns: Sequence[Turn],
        *,
        time_source: str = "import",
    ) -> int | None:
        """Log a call that came as text; the id of its transcript. `time_source` says who told its time.

        None if this very call (id, time and words) is there and was understood. One whose import was
        cut off before that gives the transcript that it has.
        """
        content = json.dumps(
            [id, utc(started_at), [[t.speaker, t.text, t.start, t.end] for t in turns]]
        )
        content_hash = hashlib.sha256(content.encode()).hexdigest()
        terms = self._terms(_IMPORTED, turns)
        with self.transaction():
            there = self._value("SELECT id FROM calls WHERE content_hash = ?", (content_hash,))
            if there is not None:
                cut_off = self._value(
                    "SELECT id FROM transcripts AS x WHERE call_id = ? AND is_current "
                    "AND EXISTS (SELECT 1 FROM turns WHERE transcript_id = x.id) "
                    "AND NOT EXISTS (SELECT 1 FROM spans WHERE transcript_id = x.id)",
                    (there,),
                )
                return None if cut_off is None else int(cut_off)
            call_id = self._insert(
                "calls",
                {
                    "source": "import",
                    "external_id": id,
                    "content_hash": content_hash,
                    "started_at": iso(started_at),
                    "time_source": time_source,
                    "duration": max((turn.end for turn in turns), default=0.0),
                    "medium": medium,
                    "channels": 2 if medium == "stereo" else 1,
                },
            )
            transcript_id = self._save_hearing(call_id, _IMPORTED, turns, terms)
            self._event("imported", call_id=call_id, note=id)
        return transcript_id

    def _save_call(self, recording_id: int, call: CallFacts) -> int:
        row: Row = {field.name: getattr(call, field.name) for field in fields(call)}
        row["started_at"] = iso(call.started_at)
        row["problems"] = json.dumps(call.problems, ensure_ascii=False)
        there = self._value("SELECT id FROM calls WHERE recording_id = ?", (recording_id,))
        if there is not None:
            self._update("calls", there, row)
            return int(there)
        return self._insert("calls", {"recording_id": recording_id, "source": "recording", **row})

    def _terms(self, heard: Transcript, turns: Sequence[Turn]) -> dict[str, index.Terms]:
        """What is to be indexed of a hearing, by text."""
        # Outside of the transaction: jieba takes a second to load, and others wait for the lock.
        aside = [segment.text for segment in heard.segments if segment.set_aside is not None]
        return self._terms_of([*(turn.text for turn in turns), *aside])

    def _terms_of(self, texts: Iterable[str]) -> dict[str, index.Terms]:
        return {text: index.terms(clean(text), self.path.parent) for text in texts}

    def _save_hearing(
        self,
        call_id: int,
        heard: Transcript,
        turns: Sequence[Turn],
        terms: Mapping[str, index.Terms],
        *,
        current: bool = True,
    ) -> int:
        started = utc(self.call(call_id).started_at)
        if current:
            self.conn.execute("UPDATE transcripts SET is_current = 0 WHERE call_id = ?", (call_id,))
        transcript_id = self._insert(
            "transcripts",
            {
                "call_id": call_id,
                "engine": heard.engine,
                "model": heard.model,
                "language": heard.language,
                "parameters": json.dumps(heard.parameters, ensure_ascii=False, default=str),
                "created_at": iso(self.now()),
                "is_current": int(current),
            },
        )
        for idx, segment in enumerate(heard.segments):
            segment_id = self._insert(
                "segments",
                {
                    "transcript_id": transcript_id,
                    "idx": idx,
                    "channel": segment.channel,
                    "start_s": segment.start,
                    "end_s": segment.end,
                    "speaker": segment.speaker,
                    "text": segment.text,
                    "avg_logprob": segment.avg_logprob,
                    "no_speech_prob": segment.no_speech_prob,
                    "compression_ratio": segment.compression_ratio,
                    "set_aside": segment.set_aside,
                },
            )
            if segment.set_aside is not None:
                index.add(self.conn, index.ASIDE + segment_id, terms[segment.text], started)
            self._insert_all(
                "words",
                (
                    {
                        "segment_id": segment_id,
                        "idx": n,
                        "start_s": word.start,
                        "end_s": word.end,
                        "text": word.text,
                        "probability": word.probability,
                    }
                    for n, word in enumerate(segment.words)
                ),
            )
        self._insert_all(
            "speech",
            (
                {
                    "transcript_id": transcript_id,
                    "idx": idx,
                    "channel": span.channel,
                    "start_s": span.start,
                    "end_s": span.end,
                }
                for idx, span in enumerate(heard.speech)
            ),
        )
        for idx, turn in enumerate(turns):
            turn_id = self._insert(
                "turns",
                {
                    "transcript_id": transcript_id,
                    "idx": idx,
                    "speaker": turn.speaker,
                    "channel": turn.channel,
                    "start_s": turn.start,
                    "end_s": turn.end,
                    "text": turn.text,
                    "confidence": turn.confidence,
                    "unheard": int(turn.unheard),
                    "speaker_probability": turn.speaker_probability,
                },
            )
            index.add(self.conn, turn_id, terms[turn.text], started)
        return transcript_id

    def turns(self, transcript_id: int) -> tuple[Turn, ...]:
        """The turns of a transcript, in order."""
        return tuple(
            turn_row(row)
            for row in self.query(
                "SELECT * FROM turns WHERE transcript_id = ? ORDER BY idx", (transcript_id,)
            )
        )

    def call(self, call_id: int) -> CallRow:
        row = self._one(_CALL_SQL + "WHERE c.id = ?", (call_id,))
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
        row = self._one(_CALL_SQL + "WHERE c.recording_id = ?", (recording_id,))
        return None if row is None else call_row(row)

    def call_of_transcript(self, transcript_id: int) -> CallRow:
        call_id = self._value("SELECT call_id FROM transcripts WHERE id = ?", (transcript_id,))
        if call_id is None:
            raise UsageProblem(_("There is no transcript {n} in the log.").format(n=transcript_id))
        return self.call(call_id)

    def current_transcript(self, call_id: int) -> int | None:
        """The hearing of a call that counts, or None where none was made."""
        found = self._value(
            "SELECT id FROM transcripts WHERE call_id = ? AND is_current", (call_id,)
        )
        return None if found is None else int(found)

    def word_times(self, transcript_id: int, turn: int) -> list[tuple[float, float]]:
        """Start and end of every character of a turn, in seconds; see `char_times`."""
        row = self._one(
            "SELECT * FROM turns WHERE transcript_id = ? AND idx = ?", (transcript_id, turn)
        )
        if row is None:
            return []
        words = self.query(
            "SELECT w.start_s, w.end_s, w.text FROM words AS w "
            "JOIN segments AS s ON s.id = w.segment_id "
            "WHERE s.transcript_id = ? AND s.channel = ? AND s.set_aside IS NULL "
            "AND (w.start_s + w.end_s) / 2 BETWEEN ? AND ? ORDER BY w.start_s, s.idx, w.idx",
            (transcript_id, row["channel"], row["start_s"], row["end_s"]),
        )
        return char_times(
            row["text"],
            row["start_s"],
            row["end_s"],
            [(word["start_s"], word["end_s"], word["text"]) for word in words],
        )

    # --- Understanding ----------------------------------------------------------------------------

    def save_understanding(
        self, transcript_id: int, understanding: Understanding, due: Sequence[datetime]
    ) -> list[int]:
        """Log what a call was understood to ask, and where every other turn went; the new numbers.

        `due` is when each request must be answered. A span for every turn, the requests with all
        their tags, the recording's state `logged`: one transaction.

        Raises:
            LogError: a turn is in none of the three, or this call was understood before; nothing is
                logged.
        """
        turns = self.turns(transcript_id)
        gists = self._terms_of(request.gist for request in understanding.requests)
        with self.transaction():
            call = self.call_of_transcript(transcript_id)
            self._refuse_unaccounted(call, transcript_id, understanding, len(turns))
            spans = self._save_spans(transcript_id, understanding, turns)
            numbers = [
                self._save_request(call.id, transcript_id, request, turns, spans, due_at)
                for request, due_at in zip(understanding.requests, due, strict=True)
            ]
            for number, request in zip(numbers, understanding.requests, strict=True):
                index.add(self.conn, -number, gists[request.gist], utc(call.started_at))
            if call.recording_id is not None:
                self._update("recordings", call.recording_id, {"state": "logged", "reason": None})
            self._event(
                "logged",
                recording_id=call.recording_id,
                call_id=call.id,
                data={"transcript": transcript_id, "requests": numbers},
            )
        return numbers

    def _refuse_unaccounted(
        self, call: CallRow, transcript_id: int, found: Understanding, n_turns: int
    ) -> None:
        named = {turn for request in found.requests for turn in request.turns}
        named.update(found.chatter, found.needs_listening)
        if named != set(range(n_turns)):
            raise LogError(
                _(
                    "Call {call} was not logged: these turns are in no request, no chatter and "
                    "nothing to listen to, or do not exist: {turns}. This is a fault of hotline; "
                    "the recording waits."
                ).format(call=call.id, turns=sorted(named ^ set(range(n_turns))))
            )
        before = self._value(
            "SELECT 1 FROM spans JOIN transcripts AS x ON x.id = spans.transcript_id "
            "WHERE x.call_id = ?",
            (call.id,),
        )
        if before is not None:
            raise LogError(
                _("Call {call} is in the log with its requests already; it stays as it is.").format(
                    call=call.id
                )
            )

    def _save_spans(
        self, transcript_id: int, found: Understanding, turns: Sequence[Turn]
    ) -> dict[int, int]:
        """A row for every turn and kind; the ids of those of kind request, by turn."""
        asked = sorted({turn for request in found.requests for turn in request.turns})
        ids: dict[int, int] = {}
        for kind, members in (
            ("request", asked),
            ("chatter", sorted(set(found.chatter))),
            ("needs_listening", sorted(set(found.needs_listening))),
        ):
            for turn in members:
                span_id = self._insert(
                    "spans",
                    {
                        "transcript_id": transcript_id,
                        "turn_idx": turn,
                        "kind": kind,
                        "channel": turns[turn].channel,
                        "start_s": turns[turn].start,
                        "end_s": turns[turn].end,
                    },
                )
                if kind == "request":
                    ids[turn] = span_id
        return ids

    def _save_request(
        self,
        call_id: int,
        transcript_id: int,
        request: Request,
        turns: Sequence[Turn],
        spans: Mapping[int, int],
        due_at: datetime,
    ) -> int:
        now = iso(self.now())
        number = self.insert_request(call_id, transcript_id, request, due_at)
        times = {turn: self.word_times(transcript_id, turn) for turn in {*request.turns}}
        pieces = request.pieces or tuple(
            Piece(turn, 0, len(turns[turn].text)) for turn in request.turns
        )
        # A turn that was said to belong to it, but of which no piece does, still is its span.
        named = {piece.turn for piece in pieces}
        pieces += tuple(Piece(turn, 0, 0) for turn in request.turns if turn not in named)
        self._insert_all(
            "request_spans",
            (
                {
                    "request": number,
                    "piece": n,
                    "span_id": spans[piece.turn],
                    "start_char": piece.start_char,
                    "end_char": piece.end_char,
                    **_piece_times(piece, turns[piece.turn], times[piece.turn]),
                }
                for n, piece in enumerate(pieces)
            ),
        )
        self._insert_all("tags", self._tag_rows(number, request, times, now))
        self._event("opened", request=number, call_id=call_id, data={"to": "open"})
        return number

    def insert_request(
        self, call_id: int, transcript_id: int, request: Request, due_at: datetime
    ) -> int:
        """The row of a new request, `open`, without its words and tags; its number. Part of the
        transaction that logs those and the event."""
        return self._insert(
            "requests",
            {
                "call_id": call_id,
                "transcript_id": transcript_id,
                "category": request.category,
                "kind": request.kind,
                "urgency": request.urgency,
                "status": "open",
                "gist": request.gist,
                "lane": request.place.lane,
                "building": request.place.building,
                "unit": request.place.unit,
                "room": request.place.room,
                "phone": request.phone,
                "caller_name": request.caller_name,
                "due_at": iso(due_at),
                "due_hint": request.due_hint and iso(request.due_hint),
                "undertaking": request.undertaking,
                "undertaking_due_at": request.undertaking_due and iso(request.undertaking_due),
                "conditions": json.dumps(request.conditions, ensure_ascii=False),
                "review": int(request.review),
                "opened_at": iso(self.now()),
            },
        )

    def _tag_rows(
        self,
        number: int,
        request: Request,
        times: Mapping[int, list[tuple[float, float]]],
        now: str,
    ) -> list[Row]:
        """All evidence; the decided category, kind and urgency stand last, and so are the current."""
        decided = {
            "category": request.category,
            "kind": request.kind,
            "urgency": request.urgency,
        }
        rows: list[Row] = []
        for evidence in sorted(request.evidence, key=lambda e: decided.get(e.tag) == e.value):
            chars = times.get(evidence.turn, [])[evidence.start_char : evidence.end_char]
            rows.append(
                {
                    "request": number,
                    "tag": evidence.tag,
                    "value": evidence.value,
                    "given_by": evidence.by,
                    "who": PROGRAM,
                    "words": evidence.words,
                    "turn_idx": evidence.turn,
                    "start_char": evidence.start_char,
                    "end_char": evidence.end_char,
                    "start_s": chars[0][0] if chars else None,
                    "end_s": chars[-1][1] if chars else None,
                    "at": now,
                }
            )
        reasons = {(row["tag"], row["value"]) for row in rows}
        for tag, value in decided.items():
            if (tag, value) not in reasons:
                rows.append(
                    {
                        "request": number,
                        "tag": tag,
                        "value": value,
                        "given_by": "rule",
                        "who": PROGRAM,
                        "words": None,
                        "turn_idx": None,
                        "start_char": None,
                        "end_char": None,
                        "start_s": None,
                        "end_s": None,
                        "at": now,
                    }
                )
        return rows

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
        return int(self._value("SELECT count(*) FROM calls"))

    def count_requests(self) -> int:
        """All requests ever opened, whatever became of them."""
        return int(self._value("SELECT count(*) FROM requests"))

    def needs_listening(self, *, heard: bool = False) -> list[SpanRow]:
        """What somebody must still listen to, oldest call first; with `heard`, what somebody did."""
        return [
            span_row(row)
            for row in self.query(
                "SELECT s.*, x.call_id, c.started_at, f.path, t.text FROM spans AS s "
                "JOIN turns AS t ON t.transcript_id = s.transcript_id AND t.idx = s.turn_idx "
                "JOIN transcripts AS x ON x.id = s.transcript_id AND x.is_current "
                "JOIN calls AS c ON c.id = x.call_id "
                "LEFT JOIN recordings AS f ON f.id = c.recording_id "
                "WHERE s.kind = 'needs_listening' AND (s.heard_at IS NOT NULL) = ? "
                "ORDER BY c.started_utc, c.id, s.start_s",
                (int(heard),),
            )
        ]

    def set_status(
        self,
        numbers: Iterable[int],
        status: str,
        *,
        by: str,
        note: str | None = None,
        at: datetime | None = None,
    ) -> list[RequestRow]:
        """Move requests to `status`, all of them or none, each with an event; the rows as they are now.

        `by` is the name of who acts, `at` when it happened (now, if not given).

        Raises:
            UsageProblem: a number is unknown, a request is in that state already, or cannot go there
                from where it is; the sentence says which and what to do.
        """
        numbers = list(dict.fromkeys(numbers))
        if status not in _STATUS_EVENT:
            raise ValueError(f"no state that a request is set to: {status}")
        if status == "dismissed" and not (note or "").strip():
            raise UsageProblem(_("Say why it is no request: a note is needed to dismiss it."))
        moment = at or self.now()
        closes = status in ("done", "dismissed")
        changes: Row = {
            "status": status,
            "closed_at": iso(moment) if closes else None,
            "closed_by": by if closes else None,
            "closed_note": note if closes else None,
            "merged_into": None,
        }
        with self.transaction():
            act = self.next_event()
            for number in numbers:
                row = self.request(number)
                _refuse_transition(row, status)
                before = self.change_request(number, changes)
                self._event(
                    _STATUS_EVENT[status],
                    who=by,
                    note=note,
                    at=moment,
                    request=number,
                    call_id=row.call_id,
                    data={"from": row.status, "to": status, "act": act, "before": before},
                )
        return self.requests(numbers=numbers)

    def next_event(self) -> int:
        """The id that the next event gets; what staff did in one go is known by that of its first."""
        return 1 + int(self._value("SELECT coalesce(max(id), 0) FROM events"))

    def change_request(self, number: int, changes: Row) -> Row:
        """Set columns of a request, in the transaction that also logs the event; what they held."""
        row = self._one("SELECT * FROM requests WHERE number = ?", (number,))
        if row is None:
            raise UsageProblem(
                _("There is no request {n}. See them with: hotline open").format(n=number)
            )
        self._update("requests", number, changes)
        return {column: row[column] for column in changes}

    def retag(
        self,
        number: int,
        tag: str,
        value: str,
        *,
        by: Judge,
        why: str | None = None,
        who: str = PROGRAM,
        due_at: datetime | None = None,
    ) -> RequestRow:
        """Judge a request anew; the old judgement stays beside. What staff said only staff change:
        a rule's or a model's word is then kept, but does not count.

        `due_at` moves when the answer is due, if the judgement counts.
        """
        with self.transaction():
            row = self.request(number)
            staff = self._value(
                "SELECT 1 FROM current_tags WHERE request = ? AND tag = ? AND given_by = 'staff'",
                (number, tag),
            )
            counts = by == "staff" or staff is None
            self._insert(
                "tags",
                {
                    "request": number,
                    "tag": tag,
                    "value": value,
                    "given_by": by,
                    "who": who,
                    "why": why,
                    "at": iso(self.now()),
                },
            )
            changes: Row = {}
            if counts and tag in TAG_COLUMNS:
                changes[tag] = value
            if counts and due_at is not None:
                changes["due_at"] = iso(due_at)
            if changes:
                self._update("requests", number, changes)
            self._event(
                "corrected" if by == "staff" else "retagged",
                who=who,
                note=why,
                request=number,
                call_id=row.call_id,
                data={
                    "tag": tag,
                    "value": value,
                    "before": getattr(row, tag) if tag in TAG_COLUMNS else None,
                    "counts": counts,
                },
            )
        return self.request(number)

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

    def find_repeats(self, number: int, days: int = 14) -> list[int]:
        """Earlier requests on the same matter, oldest first, from other calls of the `days` before; and
        what those repeat.

        The same matter is the same number or place with the same category, or with like words where
        the category is another; or the same house with the same category and like words: the lift is
        told of by many. Places are the same when building and room are, and entrance and lane where
        both were said.
        """
        row = self.request(number)
        since, until = utc(row.started_at - timedelta(days=days)), utc(row.started_at)
        found = self._same_matter(
            row, "(c.started_utc < :until OR r.number < :number)", since=since, until=until
        )
        if not found:
            return []
        return [
            again["number"]
            for again in self.query(
                "SELECT r.number FROM requests AS r JOIN calls AS c ON c.id = r.call_id "
                "WHERE coalesce(r.repeat_of, r.number) IN (SELECT value FROM json_each(?)) "
                "AND r.number <> ? AND r.status <> 'dismissed' AND c.started_utc <= ? "
                "ORDER BY c.started_utc, r.number",
                (json.dumps([one["root"] for one in found]), number, until),
            )
        ]

    def find_later(self, number: int, days: int = 14) -> list[int]:
        """Requests that may repeat this one though they came into the log before it, in the order of
        their calls; see `find_repeats`."""
        row = self.request(number)
        since, until = utc(row.started_at), utc(row.started_at + timedelta(days=days))
        found = self._same_matter(
            row, "r.number < :number AND c.started_utc > :since", since=since, until=until
        )
        return [later["number"] for later in found]

    def _same_matter(self, row: RequestRow, when: str, *, since: str, until: str) -> list[Row]:
        """Requests of other calls between two times that may be on the same matter, in their order."""
        from pipeline.likeness import likeness

        return [
            other
            for other in self.query(
                "SELECT r.number, r.category, r.gist, coalesce(r.repeat_of, r.number) AS root, "
                f"{_SAME_PARTY} AS same_party FROM requests AS r JOIN calls AS c ON c.id = r.call_id "
                "WHERE r.call_id <> :call AND r.status <> 'dismissed' AND r.number <> :number "
                "AND c.started_utc >= :since AND c.started_utc <= :until "
                f"AND {when} AND ({_SAME_PARTY} OR (r.category = :category AND {_SAME_HOUSE})) "
                "ORDER BY c.started_utc, r.number",
                {**_party(row), "since": since, "until": until},
            )
            if (other["same_party"] and other["category"] == row.category)
            or likeness(row.gist, other["gist"] or "") >= _ALIKE
        ]

    def link_repeat(self, number: int, of: int) -> None:
        """Say that a request repeats an earlier one; it is linked to the first of them all.

        Raises:
            UsageProblem: a number is unknown, or the two would repeat each other.
        """
        with self.transaction():
            row, first = self.request(number), self.request(of)
            root = first.repeat_of or first.number
            if root == number:
                raise UsageProblem(
                    _("Request {of} already repeats request {n}.").format(of=of, n=number)
                )
            self._update("requests", number, {"repeat_of": root})
            # Whatever repeated this one repeats the first one now.
            self.conn.execute(
                "UPDATE requests SET repeat_of = ? WHERE repeat_of = ?", (root, number)
            )
            self._event("repeat", request=number, call_id=row.call_id, data={"of": root})

    def check(self) -> tuple[list[str], float]:
        """What in the log does not add up, as sentences, and the seconds of speech that no turn covers;
        see `audit.check`."""
        from pipeline import audit

        return audit.check(self)


def char_times(
    text: str, start: float, end: float, words: Sequence[tuple[float, float, str]]
) -> list[tuple[float, float]]:
    """When each character of a turn was said: (start, end) in seconds, one a character, never going back.

    From `words` (start, end, text), in order, where they are found in `text`; what they do not hold
    (punctuation, a character that a later stage changed) is set between its neighbours, and without
    any words the turn's time is shared out evenly.
    """
    if not words:
        step = (end - start) / len(text) if text else 0.0
        return [(start + n * step, start + (n + 1) * step) for n in range(len(text))]
    folded = fold(text)
    known: list[tuple[float, float] | None] = [None] * len(text)
    position = 0
    for word_start, word_end, word in words:
        token = fold(word.strip())
        # A word of another turn at the edge must not pull the rest along: look a few characters ahead.
        at = folded.find(token, position, position + len(token) + 8) if token else -1
        if at < 0:
            continue
        share = (word_end - word_start) / len(token)
        for n in range(len(token)):
            known[at + n] = (word_start + n * share, word_start + (n + 1) * share)
        position = at + len(token)
    times: list[tuple[float, float]] = []
    n = 0
    while n < len(text):
        here = known[n]
        if here is not None:
            times.append(here)
            n += 1
            continue
        stop = next((m for m in range(n, len(text)) if known[m] is not None), len(text))
        after = known[stop] if stop < len(text) else None
        low = times[-1][1] if times else start
        high = max(low, after[0] if after is not None else end)
        step = (high - low) / (stop - n)
        times += [(low + m * step, low + (m + 1) * step) for m in range(stop - n)]
        n = stop
    return times


def _same_as(path: str, gone: Callable[[str], bool]) -> str:
    if gone(path):
        return _("It was {file} before: renamed, moved or copied; its call is in the log.").format(
            file=path
        )
    return _("The same recording as {file}; its call is in the log once.").format(file=path)


def request_filter(
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    caller: str | None = None,
    place: str | None = None,
    **columns: str | int | None,
) -> tuple[str, list[Any]]:
    """SQL on `requests AS r` and `calls AS c`, and its parameters; see `Log.request_numbers`.

    `columns` are columns of requests with the value asked for, or None.
    """
    where: list[str] = []
    params: list[Any] = []
    for column, value in columns.items():
        if value is not None:
            where.append(f"r.{column} = ?")
            params.append(value)
    for figure in _figures(place or ""):
        where.append("? IN (r.lane, r.building, r.unit, r.room)")
        params.append(figure)
    more, also = call_filter(since, until, caller)
    return " AND ".join([*where, more]), [*params, *also]


def call_filter(
    since: datetime | None = None, until: datetime | None = None, caller: str | None = None
) -> tuple[str, list[Any]]:
    """SQL on `calls AS c` (and `requests AS r`, if the caller is asked for), and its parameters."""
    where = ["1"]
    params: list[Any] = []
    if since is not None:
        where.append("c.started_utc >= ?")
        params.append(utc(since))
    if until is not None:
        where.append("c.started_utc < ?")
        params.append(utc(until))
    if caller is not None:
        phone = "".join(char for char in fold(caller) if char.isdigit())
        names = "instr(coalesce(r.caller_name, ''), ?) OR instr(coalesce(c.caller_name, ''), ?)"
        where.append(f"({names} OR (? <> '' AND (instr(r.phone, ?) OR instr(c.caller_phone, ?))))")
        params += [caller, caller, phone, phone, phone]
    return " AND ".join(where), params


def _figures(text: str) -> list[str]:
    """The figures in a place as staff type it: 2号楼501 gives 2 and 501."""
    spaced = "".join(char if char.isascii() and char.isalnum() else " " for char in fold(text))
    return spaced.upper().split()


def _refuse_transition(row: RequestRow, status: str) -> None:
    if status in TRANSITIONS[row.status]:
        return
    raise UsageProblem(refusal(row, again=row.status == status))


def refusal(row: RequestRow, *, again: bool) -> str:
    """Why a request cannot be moved: it is there already (`again`), or was closed before."""
    closed = {
        "who": row.closed_by,
        "when": row.closed_at and row.closed_at.strftime("%m-%d %H:%M"),
        "n": row.number,
        "into": row.merged_into,
    }
    if row.status == "done":
        said = _("Request {n} is done already ({who}, {when}).")
    elif row.status == "dismissed":
        said = _("Request {n} was dismissed already ({who}, {when}).")
    elif row.status == "merged":
        said = _("Request {n} was merged into No. {into} ({who}, {when}).")
    elif row.status == "in_progress":
        said = _("Request {n} is being seen to already.")
    else:
        said = _("Request {n} is open already.")
    if not again:
        said += " " + _("To change that, put it back first: hotline reopen {n}")
    return said.format(**closed)


def _party(row: RequestRow) -> dict[str, Any]:
    """What a request has in common with those that repeat it, as parameters."""
    return {
        "number": row.number,
        "category": row.category,
        "call": row.call_id,
        "phone": row.phone,
        "lane": row.place.lane,
        "building": row.place.building,
        "unit": row.place.unit,
        "room": row.place.room,
    }


def _piece_times(piece: Piece, turn: Turn, times: Sequence[tuple[float, float]]) -> Row:
    """When a piece was said: the whole turn's time for the whole turn, else that of its characters."""
    chars = times[piece.start_char : piece.end_char]
    whole = piece.start_char == 0 and piece.end_char >= len(turn.text)
    if whole or not chars:
        return {"start_s": turn.start, "end_s": turn.end}
    return {"start_s": chars[0][0], "end_s": chars[-1][1]}
