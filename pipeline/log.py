"""The log: one SQLite file in which every recording, call, word and request stands.

All SQL of the project is here, in `migrations.py` (the schema) and in `search.py` (the index).
Every step is one transaction: a killed run leaves the whole step or nothing of it. Writing goes
through sqlite-utils; reading does not, for it loads numpy, and `search` must answer at once.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pipeline import migrations, search
from pipeline.errors import LogError, UsageProblem
from pipeline.i18n import _
from pipeline.script import fold
from pipeline.types import (
    RECORDING_STATES,
    URGENCIES,
    Medium,
    NameFacts,
    Piece,
    Place,
    Span,
    Speaker,
    Transcript,
    Turn,
    Urgency,
)

if TYPE_CHECKING:
    from types import TracebackType

    from pipeline.types import Audio, Request, Understanding

try:  # the same choice as sqlite-utils makes
    from pysqlite3 import dbapi2 as sqlite3
except ImportError:
    import sqlite3

OLDEST_SQLITE = (3, 43, 0)
"""The first whose full-text index can forget a row of which it has no text (contentless_delete)."""

WAL_BUG = ((3, 7, 0), (3, 51, 2))
"""First and last SQLite that can corrupt a log when two connections reset the WAL at one moment
(https://sqlite.org/wal.html, "The WAL-reset bug"). These get a rollback journal: slower, and sound."""

BUSY_S = 20.0
"""How long a write waits for another process before it gives up; the longest step takes far less."""

COVER_TOLERANCE_S = 0.5
"""A gap between turns inside of speech counts as uncovered from this length on: the voice detector
pads its spans by up to 0.4 s, and pauses within a turn are shorter than words worth hearing."""

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

_TAG_COLUMNS = ("category", "kind", "urgency")
"""The tags of which `requests` holds the current value."""

_IMPORTED = Transcript(engine="import", model="text", language="zh", segments=(), speech=())
"""The hearing of a call that came as text: nothing was recognised here, and no speech looked for."""

Row = dict[str, Any]
Judge = Literal["rule", "model", "staff"]


# --- Times and paths at the SQL edge ------------------------------------------------------------


def iso(moment: datetime) -> str:
    """`moment` as the log keeps it: ISO 8601 to the millisecond, in the offset that it came with.

    Raises:
        ValueError: it has no offset, and so is no moment.
    """
    offset = moment.utcoffset()
    if offset is None:
        raise ValueError(f"a time without an offset: {moment}")
    if offset % timedelta(minutes=1):  # Shanghai before 1901 was +08:05:43; SQLite reads no seconds
        moment = moment.astimezone(UTC)
    return moment.isoformat(timespec="milliseconds")


def utc(moment: datetime) -> str:
    """`moment` as the columns `*_utc` hold it: text that sorts and compares."""
    kept = datetime.fromisoformat(iso(moment)).astimezone(UTC).replace(tzinfo=None)
    return kept.isoformat(timespec="milliseconds") + "Z"


def _file_time(moment: datetime) -> str:
    """A file's time as identity: UTC, to the microsecond, one text for one moment."""
    if moment.tzinfo is None:
        raise ValueError(f"a time without an offset: {moment}")
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def _when(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _stored_path(path: str) -> str | bytes:
    try:
        path.encode()
    except UnicodeEncodeError:  # a name that is not Unicode: keep its very bytes
        return os.fsencode(path)
    return path


def _clean(value: Any) -> Any:
    """A value that SQLite takes: lone surrogates and NULs of bad texts become U+FFFD, one for one."""
    if isinstance(value, str) and ("\0" in value or not value.isascii()):
        value = value.replace("\0", "\ufffd")
        try:
            value.encode()
        except UnicodeEncodeError:
            return "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in value)
    return value


# --- Rows -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RecordingRow:
    """A file ever seen. `original` is relative to the home; `facts` is what its name told."""

    id: int
    path: str
    size: int
    modified_at: datetime
    sha256: str | None
    original: str | None
    first_seen_at: datetime
    state: str
    reason: str | None
    attempts: int
    duplicate_of: int | None
    facts: NameFacts


@dataclass(frozen=True, slots=True)
class CallFacts:
    """What is known of a call besides its words. `duration` is in seconds."""

    started_at: datetime
    time_source: str
    duration: float
    medium: Medium
    channels: int
    codec: str | None = None
    caller_phone: str | None = None
    caller_name: str | None = None
    caller_source: str | None = None
    direction: str | None = None
    problems: tuple[str, ...] = ()

    @classmethod
    def of(cls, facts: NameFacts, sound: Audio) -> CallFacts:
        """From what the name told (with a time, see `inbox.when`) and what was decoded."""
        if facts.started_at is None:
            raise ValueError("the call's time is not settled: inbox.when comes first")
        return cls(
            started_at=facts.started_at,
            time_source=facts.time_source or "file",
            duration=sound.duration,
            medium=sound.medium,
            channels=len(sound.channels),
            codec=sound.codec,
            caller_phone=facts.caller_phone,
            caller_name=facts.caller_name,
            caller_source=facts.caller_source,
            direction=facts.direction,
            problems=sound.problems,
        )


@dataclass(frozen=True, slots=True)
class CallRow:
    """A call in the log. `source` is recording or import; `external_id` is an imported call's id."""

    id: int
    recording_id: int | None
    source: str
    external_id: str | None
    started_at: datetime
    time_source: str
    duration: float
    medium: Medium
    channels: int
    codec: str | None
    caller_phone: str | None
    caller_name: str | None
    caller_source: str | None
    direction: str | None
    problems: tuple[str, ...]
    recording: str | None


@dataclass(frozen=True, slots=True)
class RequestRow:
    """A request as it stands now.

    `recording` is the path of its call's file, None for an imported call. `phone` and `caller_name`
    are the request's own, else the call's. `text` is its words, `spans` where they were said.
    """

    number: int
    call_id: int
    transcript_id: int
    recording: str | None
    started_at: datetime
    category: str
    kind: str
    urgency: Urgency
    status: str
    gist: str
    place: Place
    phone: str | None
    caller_name: str | None
    due_at: datetime
    due_hint: datetime | None
    undertaking: str | None
    conditions: tuple[str, ...]
    review: bool
    repeat_of: int | None
    opened_at: datetime
    closed_at: datetime | None
    closed_by: str | None
    closed_note: str | None
    text: str
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class TextPiece:
    """Words of a request: `text` is characters `start_char` up to `end_char` of turn `turn`."""

    turn: int
    start_char: int
    end_char: int
    speaker: Speaker
    channel: int
    start: float
    end: float
    text: str


@dataclass(frozen=True, slots=True)
class SpanRow:
    """A stretch of speech that somebody must listen to, or did (`heard_at`, `heard_by`).

    `text` is what was recognised there, mostly nothing or little.
    """

    id: int
    call_id: int
    transcript_id: int
    recording: str | None
    started_at: datetime
    turn: int
    channel: int
    start: float
    end: float
    text: str
    heard_at: datetime | None
    heard_by: str | None


@dataclass(frozen=True, slots=True)
class TagRow:
    """One judgement on a request. `current` marks the one that counts: the last by staff, else the
    last. `turn` and the four after it are None where no words were the reason."""

    id: int
    request: int
    tag: str
    value: str
    by: Judge
    who: str
    why: str | None
    words: str | None
    turn: int | None
    start_char: int | None
    end_char: int | None
    start: float | None
    end: float | None
    at: datetime
    current: bool


@dataclass(frozen=True, slots=True)
class EventRow:
    """One thing that happened: who did what, when, and why."""

    id: int
    at: datetime
    kind: str
    recording_id: int | None
    call_id: int | None
    request: int | None
    who: str
    note: str | None
    data: Mapping[str, Any]


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
_URGENCY_RANK = (
    "CASE r.urgency "
    + " ".join(f"WHEN '{name}' THEN {rank}" for rank, name in enumerate(URGENCIES))
    + " END"
)


# --- The log --------------------------------------------------------------------------------------


class Log:
    """An open log. One thread uses it; several processes may have it open at once.

    Args:
        path: the file, such as `hotline.db`; its folder must exist.
        create: make it if it is not there.
        now: the clock, for tests and for the home's time zone; gives a time with an offset.

    Raises:
        LogError: not there (with `create=False`), no log, of a newer hotline, not to be opened.
    """

    def __init__(
        self, path: Path, *, create: bool = True, now: Callable[[], datetime] | None = None
    ) -> None:
        self.path = path
        self._now = now or (lambda: datetime.now().astimezone())
        self.conn: Any = None
        _make_private(path, create)
        with self._explained():
            self.conn = sqlite3.connect(str(path), timeout=BUSY_S, isolation_level=None)
        try:
            with self._explained():
                self._refuse_others()
                self._set_up()
                self._migrate()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Log:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; a second time does nothing."""
        if self.conn is not None:
            self.conn.close()
            self.conn = None

    def _refuse_others(self) -> None:
        if sqlite3.sqlite_version_info < OLDEST_SQLITE:
            raise LogError(
                _(
                    "This Python's SQLite {version} is too old for the log; install a newer one "
                    "with: pip install pysqlite3"
                ).format(version=sqlite3.sqlite_version)
            )
        found = migrations.version(self.conn)
        application = self.conn.execute("PRAGMA application_id").fetchone()[0]
        tables = self.conn.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if tables and application != migrations.APPLICATION_ID:
            raise LogError(
                _("{file} is no log of hotline; give --home the right folder.").format(
                    file=self.path
                )
            )
        if found > migrations.VERSION:
            raise LogError(
                _(
                    "{file} was written by a newer hotline (log version {found}; this one knows "
                    "{known}). Install the newer hotline; nothing was changed."
                ).format(file=self.path, found=found, known=migrations.VERSION)
            )

    def _set_up(self) -> None:
        wanted = journal_mode(sqlite3.sqlite_version_info)
        deadline = time.monotonic() + BUSY_S
        while True:  # SQLite does not wait by itself when two processes change the mode at once
            try:
                got = self.conn.execute(f"PRAGMA journal_mode = {wanted}").fetchone()[0]
                break
            except sqlite3.OperationalError as error:
                if _code(error) != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    raise
                time.sleep(0.02)
        if got != wanted:
            raise LogError(
                _(
                    "{file} cannot be kept safely here ({got} instead of {wanted}); put the home on "
                    "a disk of this computer."
                ).format(file=self.path, got=got, wanted=wanted)
            )
        self.conn.execute("PRAGMA synchronous = FULL")
        self.conn.execute("PRAGMA foreign_keys = ON")
        self.conn.execute("PRAGMA recursive_triggers = ON")

    def _migrate(self) -> None:
        found = migrations.version(self.conn)
        if found == migrations.VERSION:
            return
        now = self._now()
        if found:
            self.back_up(
                self.path.with_name(
                    f"{self.path.name}.v{found}-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}.bak"
                )
            )
        migrations.migrate(self.conn, iso(now))

    def back_up(self, to: Path) -> Path:
        """A copy of the whole log at `to`, whole or not there at all; readable by its owner alone."""
        part = to.with_name(to.name + ".part")
        with contextlib.suppress(FileNotFoundError):
            part.unlink()
        _make_private(part, create=True)
        copy = sqlite3.connect(str(part), isolation_level=None)
        try:
            with self._explained():
                self.conn.backup(copy)
                copy.execute("PRAGMA journal_mode = DELETE")
        finally:
            copy.close()
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        part.replace(to)
        _sync_folder(to.parent)
        return to

    @cached_property
    def db(self) -> Any:
        """The same connection as a sqlite-utils `Database`; loaded by what writes."""
        from sqlite_utils import Database

        return Database(self.conn, recursive_triggers=False, execute_plugins=False)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All writes inside happen, or none; inside of another it is part of that.

        The write lock is taken at once: a read that turns into a write could fail without waiting.
        """
        if self.conn.in_transaction:
            yield
            return
        with self._explained(), self._block("BEGIN IMMEDIATE"):
            yield

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[None]:
        """All reads inside see one state of the log, whatever others write meanwhile."""
        if self.conn.in_transaction:
            yield
            return
        with self._explained(), self._block("BEGIN"):
            yield

    @contextlib.contextmanager
    def _block(self, begin: str) -> Iterator[None]:
        self.conn.execute(begin)
        try:
            yield
            self.conn.execute("COMMIT")
        except BaseException:
            if self.conn.in_transaction:
                self.conn.execute("ROLLBACK")
            raise

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        """SQLite's errors as sentences."""
        try:
            yield
        except sqlite3.Error as error:
            raise LogError(_sentence(error, self.path)) from error

    def query(
        self, sql: str, params: Sequence[Any] | Mapping[str, Any] = ()
    ) -> list[dict[str, Any]]:
        """The rows of one SELECT as dicts. Paths that are not Unicode come as `os.fsdecode` has them.

        Raises:
            LogError: the log cannot be read.
        """
        with self._explained():
            cursor = self.conn.execute(sql, params)
            names = [column[0] for column in cursor.description]
            return [
                {
                    name: os.fsdecode(value) if isinstance(value, bytes) else value
                    for name, value in zip(names, row, strict=True)
                }
                for row in cursor
            ]

    def _one(self, sql: str, params: Sequence[Any] = ()) -> Row | None:
        rows = self.query(sql, params)
        return rows[0] if rows else None

    def _value(self, sql: str, params: Sequence[Any] = ()) -> Any:
        row = self._one(sql, params)
        return next(iter(row.values())) if row else None

    def _insert(self, table: str, row: Row) -> int:
        clean = {name: _clean(value) for name, value in row.items()}
        return int(self.db.table(table).insert(clean).last_pk)

    def _insert_all(self, table: str, rows: Iterable[Row]) -> None:
        self.db.table(table).insert_all(
            [{name: _clean(value) for name, value in row.items()} for row in rows]
        )

    def _update(self, table: str, key: int, changes: Row) -> None:
        self.db.table(table).update(key, {name: _clean(v) for name, v in changes.items()})

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
                "at": iso(at or self._now()),
                "kind": kind,
                "recording_id": recording_id,
                "call_id": call_id,
                "request": request,
                "who": who,
                "note": note,
                "data": json.dumps(data or {}, ensure_ascii=False),
            },
        )

    # --- Recordings ---------------------------------------------------------------------------

    def seen(self, path: str, size: int, modified_at: datetime) -> RecordingRow:
        """The row of a file by its path, size and mtime; a new one, `arriving`, where there is none.

        A row that still has no content (the file grew, or could not be read) follows the file
        instead. An old content under the same path keeps its row.
        """
        key = (_stored_path(path), size, _file_time(modified_at))
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
                "first_seen_at": iso(self._now()),
                "state": "arriving",
            },
        )
        self._event("seen", recording_id=recording_id, data={"size": size})
        return recording_id

    def received(
        self, recording_id: int, sha256: str, original: str, facts: NameFacts
    ) -> RecordingRow:
        """A file's content is kept as `original`: `received`, or `duplicate` if it was there already."""
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
                    "reason": None
                    if first is None
                    else _("The same recording as {file}.").format(file=first["path"]),
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
    ) -> None:
        """Move a recording to `state`, with the sentence that says why; every reason is kept.

        `call` logs what is known of a call that has no words (a silent one).
        """
        if state not in RECORDING_STATES:
            raise ValueError(f"no state of a recording: {state}")
        with self.transaction():
            row = self.recording(recording_id)
            self._update(
                "recordings",
                recording_id,
                {
                    "state": state,
                    "reason": reason,
                    "attempts": row.attempts + (state == "failed"),
                },
            )
            if reason is not None:
                self._insert(
                    "recording_errors",
                    {
                        "recording_id": recording_id,
                        "at": iso(self._now()),
                        "state": state,
                        "reason": reason,
                    },
                )
            call_id = None if call is None else self._save_call(recording_id, call)
            self._event(state, recording_id=recording_id, call_id=call_id, note=reason)

    def recording(self, recording_id: int) -> RecordingRow:
        row = self._one("SELECT * FROM recordings WHERE id = ?", (recording_id,))
        if row is None:
            raise UsageProblem(_("There is no recording {n} in the log.").format(n=recording_id))
        return _recording(row)

    def recordings(self, state: str | None = None) -> list[RecordingRow]:
        """All recordings in the order in which they were first seen; only those in `state`."""
        return [
            _recording(row)
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
        index = self._index_rows(turns)
        with self.transaction():
            call_id = self._save_call(recording_id, audio_facts)
            transcript_id = self._save_hearing(call_id, transcript, turns, index)
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

    def import_call(
        self, id: str, started_at: datetime, medium: Medium, turns: Sequence[Turn]
    ) -> int | None:
        """Log a call that came as text; the id of its transcript.

        None if this very call (id, time and words) is there and was understood. One whose import was
        cut off before that gives the transcript that it has.
        """
        content = json.dumps(
            [id, utc(started_at), [[t.speaker, t.text, t.start, t.end] for t in turns]]
        )
        content_hash = hashlib.sha256(content.encode()).hexdigest()
        index = self._index_rows(turns)
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
                    "time_source": "import",
                    "duration": max((turn.end for turn in turns), default=0.0),
                    "medium": medium,
                    "channels": 2 if medium == "stereo" else 1,
                },
            )
            transcript_id = self._save_hearing(call_id, _IMPORTED, turns, index)
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

    def _index_rows(self, turns: Sequence[Turn]) -> list[tuple[str, str, str]]:
        # Outside of the transaction: jieba takes a second to load, and others wait for the lock.
        return [search.index_text(_clean(turn.text), self.path.parent) for turn in turns]

    def _save_hearing(
        self,
        call_id: int,
        heard: Transcript,
        turns: Sequence[Turn],
        index: Sequence[tuple[str, str, str]],
    ) -> int:
        self.conn.execute("UPDATE transcripts SET is_current = 0 WHERE call_id = ?", (call_id,))
        transcript_id = self._insert(
            "transcripts",
            {
                "call_id": call_id,
                "engine": heard.engine,
                "model": heard.model,
                "language": heard.language,
                "parameters": json.dumps(heard.parameters, ensure_ascii=False, default=str),
                "created_at": iso(self._now()),
                "is_current": 1,
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
        for idx, (turn, indexed) in enumerate(zip(turns, index, strict=True)):
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
                },
            )
            self.conn.execute(
                "INSERT INTO turns_index (rowid, chars, sounds, words) VALUES (?, ?, ?, ?)",
                (turn_id, *indexed),
            )
        return transcript_id

    def turns(self, transcript_id: int) -> tuple[Turn, ...]:
        """The turns of a transcript, in order."""
        return tuple(
            Turn(
                speaker=row["speaker"],
                text=row["text"],
                start=row["start_s"],
                end=row["end_s"],
                channel=row["channel"],
                confidence=row["confidence"],
                unheard=bool(row["unheard"]),
            )
            for row in self.query(
                "SELECT * FROM turns WHERE transcript_id = ? ORDER BY idx", (transcript_id,)
            )
        )

    def call(self, call_id: int) -> CallRow:
        row = self._one(_CALL_SQL + "WHERE c.id = ?", (call_id,))
        if row is None:
            raise UsageProblem(_("There is no call {n} in the log.").format(n=call_id))
        return _call(row)

    def calls(self) -> list[CallRow]:
        """All calls, oldest first."""
        return [_call(row) for row in self.query(_CALL_SQL + "ORDER BY c.started_utc, c.id")]

    def call_of(self, recording_id: int) -> CallRow | None:
        """The call in a recording, or None while nothing was decoded."""
        row = self._one(_CALL_SQL + "WHERE c.recording_id = ?", (recording_id,))
        return None if row is None else _call(row)

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
        with self.transaction():
            call = self.call_of_transcript(transcript_id)
            self._refuse_unaccounted(call, transcript_id, understanding, len(turns))
            spans = self._save_spans(transcript_id, understanding, turns)
            numbers = [
                self._save_request(call.id, transcript_id, request, turns, spans, due_at)
                for request, due_at in zip(understanding.requests, due, strict=True)
            ]
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
        now = iso(self._now())
        number = self._insert(
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
                "conditions": json.dumps(request.conditions, ensure_ascii=False),
                "review": int(request.review),
                "opened_at": now,
            },
        )
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

    def open_requests(self, now: datetime | None = None) -> list[RequestRow]:
        """What is unanswered: most urgent first; within a level the overdue first, then by due time."""
        return self._request_rows(
            "WHERE r.status IN ('open', 'in_progress') "
            f"ORDER BY {_URGENCY_RANK}, r.due_utc >= ?, r.due_utc, r.number",
            (utc(now or self._now()),),
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
        where: list[str] = []
        params: list[Any] = []
        for column, value in (
            ("category", category),
            ("kind", kind),
            ("urgency", urgency),
            ("status", status),
            ("building", building),
            ("call_id", call_id),
        ):
            if value is not None:
                where.append(f"r.{column} = ?")
                params.append(value)
        for figure in _figures(place or ""):
            where.append("? IN (r.lane, r.building, r.unit, r.room)")
            params.append(figure)
        more, also = call_filter(since, until, caller)
        return [
            row["number"]
            for row in self.query(
                "SELECT r.number FROM requests AS r JOIN calls AS c ON c.id = r.call_id "
                f"WHERE {' AND '.join([*where, more])} ORDER BY r.number",
                [*params, *also],
            )
        ]

    def _request_rows(self, tail: str, params: Sequence[Any] = ()) -> list[RequestRow]:
        with self.snapshot():
            rows = self.query(_REQUEST_SQL + tail, params)
            pieces = self._pieces([row["number"] for row in rows])
        return [_request(row, pieces.get(row["number"], [])) for row in rows]

    def _pieces(self, numbers: Sequence[int]) -> dict[int, list[TextPiece]]:
        found: dict[int, list[TextPiece]] = {}
        for row in self.query(
            "SELECT p.*, s.turn_idx, t.speaker, t.channel, t.text FROM request_spans AS p "
            "JOIN spans AS s ON s.id = p.span_id "
            "JOIN turns AS t ON t.transcript_id = s.transcript_id AND t.idx = s.turn_idx "
            "WHERE p.request IN (SELECT value FROM json_each(?)) ORDER BY p.request, p.piece",
            (json.dumps(numbers),),
        ):
            found.setdefault(row["request"], []).append(
                TextPiece(
                    turn=row["turn_idx"],
                    start_char=row["start_char"],
                    end_char=row["end_char"],
                    speaker=row["speaker"],
                    channel=row["channel"],
                    start=row["start_s"],
                    end=row["end_s"],
                    text=row["text"][row["start_char"] : row["end_char"]],
                )
            )
        return found

    def request_text(self, number: int) -> list[TextPiece]:
        """The words of a request, in order, with who said them and when."""
        return self._pieces([number]).get(number, [])

    def count_requests(self) -> int:
        """All requests ever opened, whatever became of them."""
        return int(self._value("SELECT count(*) FROM requests"))

    def needs_listening(self, *, heard: bool = False) -> list[SpanRow]:
        """What somebody must still listen to, oldest call first; with `heard`, what somebody did."""
        return [
            SpanRow(
                id=row["id"],
                call_id=row["call_id"],
                transcript_id=row["transcript_id"],
                recording=row["path"],
                started_at=datetime.fromisoformat(row["started_at"]),
                turn=row["turn_idx"],
                channel=row["channel"],
                start=row["start_s"],
                end=row["end_s"],
                text=row["text"],
                heard_at=_when(row["heard_at"]),
                heard_by=row["heard_by"],
            )
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
        moment = at or self._now()
        closes = status in ("done", "dismissed")
        with self.transaction():
            for number in numbers:
                row = self.request(number)
                _refuse_transition(row, status)
                self._update(
                    "requests",
                    number,
                    {
                        "status": status,
                        "closed_at": iso(moment) if closes else None,
                        "closed_by": by if closes else None,
                        "closed_note": note if closes else None,
                        "merged_into": None,
                    },
                )
                self._event(
                    _STATUS_EVENT[status],
                    who=by,
                    note=note,
                    at=moment,
                    request=number,
                    call_id=row.call_id,
                    data={"from": row.status, "to": status},
                )
        return self.requests(numbers=numbers)

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
                "SELECT 1 FROM tags WHERE request = ? AND tag = ? AND given_by = 'staff'",
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
                    "at": iso(self._now()),
                },
            )
            changes: Row = {}
            if counts and tag in _TAG_COLUMNS:
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
                    "before": getattr(row, tag) if tag in _TAG_COLUMNS else None,
                    "counts": counts,
                },
            )
        return self.request(number)

    def tags(self, request: int) -> list[TagRow]:
        """Every judgement on a request, oldest first."""
        return [
            TagRow(
                id=row["id"],
                request=row["request"],
                tag=row["tag"],
                value=row["value"],
                by=row["given_by"],
                who=row["who"],
                why=row["why"],
                words=row["words"],
                turn=row["turn_idx"],
                start_char=row["start_char"],
                end_char=row["end_char"],
                start=row["start_s"],
                end=row["end_s"],
                at=datetime.fromisoformat(row["at"]),
                current=bool(row["current"]),
            )
            for row in self.query(
                "SELECT t.*, t.id IN (SELECT id FROM current_tags WHERE request = ?1) AS current "
                "FROM tags AS t WHERE t.request = ?1 ORDER BY t.id",
                (request,),
            )
        ]

    def events(self, request: int | None = None, recording: int | None = None) -> list[EventRow]:
        """What happened, in the order in which it was logged; of one request or recording."""
        return [
            EventRow(
                id=row["id"],
                at=datetime.fromisoformat(row["at"]),
                kind=row["kind"],
                recording_id=row["recording_id"],
                call_id=row["call_id"],
                request=row["request"],
                who=row["who"],
                note=row["note"],
                data=json.loads(row["data"]),
            )
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
        """Earlier requests on the same matter, oldest first: same category, and the same phone number
        or the same place, from other calls of the `days` before; and what those repeat.

        Places are the same when building and room are, and entrance and lane where both were said.
        """
        row = self.request(number)
        found = self.query(
            "SELECT r.number, coalesce(r.repeat_of, r.number) AS root "
            "FROM requests AS r JOIN calls AS c ON c.id = r.call_id "
            "WHERE r.category = :category AND r.call_id <> :call AND r.status <> 'dismissed' "
            "AND r.number <> :number AND c.started_utc <= :until AND c.started_utc >= :since "
            "AND (c.started_utc < :until OR r.number < :number) "
            "AND (coalesce(r.phone, c.caller_phone) = :phone OR (r.building = :building "
            "AND r.room IS :room AND coalesce(r.unit = :unit, 1) AND coalesce(r.lane = :lane, 1)))",
            {
                "number": number,
                "category": row.category,
                "call": row.call_id,
                "since": utc(row.started_at - timedelta(days=days)),
                "until": utc(row.started_at),
                "phone": row.phone,
                "lane": row.place.lane,
                "building": row.place.building,
                "unit": row.place.unit,
                "room": row.place.room,
            },
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
                (json.dumps([one["root"] for one in found]), number, utc(row.started_at)),
            )
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

    # --- Proof ----------------------------------------------------------------------------------

    def check(self) -> tuple[list[str], float]:
        """What in the log does not add up, as sentences, and the seconds of speech that no turn covers.

        Changes nothing. A sound log gives ([], 0.0).
        """
        problems: list[str] = []
        try:
            with self.snapshot():
                for row in self.query("PRAGMA integrity_check(10)"):
                    said = next(iter(row.values()))
                    if said != "ok":
                        problems.append(_("The log's file is damaged: {what}.").format(what=said))
                for row in self.query("PRAGMA foreign_key_check"):
                    problems.append(
                        _("A row of {table} refers to one of {parent} that is not there.").format(
                            table=row["table"], parent=row["parent"]
                        )
                    )
                for sql, sentence in _checks():
                    problems.extend(sentence.format(**row) for row in self.query(sql))
                problems.extend(self._index_problems())
                uncovered = self._uncovered(problems)
        except LogError as error:
            # A file so damaged that a query fails: say it, with what was found before.
            return [*problems, str(error)], 0.0
        return problems, uncovered

    def _index_problems(self) -> list[str]:
        wrong = search.wrongly_indexed(self)
        if not wrong:
            return []
        return [
            _(
                "Search would miss or invent words in {n} turns: index and text differ (first: "
                "turn row {first})."
            ).format(n=len(wrong), first=wrong[0])
        ]

    def _uncovered(self, problems: list[str]) -> float:
        turns: dict[tuple[int, int], list[tuple[float, float]]] = {}
        for row in self.query(
            "SELECT t.* FROM turns AS t JOIN transcripts AS x ON x.id = t.transcript_id "
            "WHERE x.is_current"
        ):
            key = (row["transcript_id"], row["channel"])
            turns.setdefault(key, []).append((row["start_s"], row["end_s"]))
        total: dict[int, float] = {}
        for row in self.query(
            "SELECT s.*, x.call_id FROM speech AS s "
            "JOIN transcripts AS x ON x.id = s.transcript_id WHERE x.is_current"
        ):
            gaps = uncovered(
                (row["start_s"], row["end_s"]),
                turns.get((row["transcript_id"], row["channel"]), []),
            )
            lost = sum(end - start for start, end in gaps if end - start >= COVER_TOLERANCE_S)
            if lost:
                total[row["call_id"]] = total.get(row["call_id"], 0.0) + lost
        problems.extend(
            _("Call {call}: {seconds:.1f} s of speech are in no turn.").format(
                call=call_id, seconds=seconds
            )
            for call_id, seconds in total.items()
        )
        return sum(total.values())


# --- Plain functions ------------------------------------------------------------------------------


def journal_mode(version: tuple[int, int, int]) -> str:
    """How a SQLite of `version` keeps the log safe: `wal`, or `delete` where its WAL has the bug."""
    return "delete" if WAL_BUG[0] <= version <= WAL_BUG[1] else "wal"


def char_times(
    text: str, start: float, end: float, words: Sequence[tuple[float, float, str]]
) -> list[tuple[float, float]]:
    """When each character of a turn was said: (start, end) in seconds, one a character, never going back.

    From `words` (start, end, text), in order, where they are found in `text`; what they do not hold
    (punctuation, a character that a later stage changed) is set between its neighbours, and without
    any words the turn's time is shared out evenly.
    """
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


def uncovered(
    span: tuple[float, float], covers: Iterable[tuple[float, float]]
) -> list[tuple[float, float]]:
    """The parts of `span` (start, end) that none of `covers` holds."""
    gaps = []
    position, end = span
    for cover_start, cover_end in sorted(covers):
        if cover_start >= end:
            break
        if cover_start > position:
            gaps.append((position, cover_start))
        position = max(position, cover_end)
    if position < end:
        gaps.append((position, end))
    return gaps


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
    if row.status == status and row.closed_at is not None:
        raise UsageProblem(
            _("Request {n} is {status} already (by {who}, {when}).").format(
                n=row.number,
                status=row.status,
                who=row.closed_by,
                when=row.closed_at.isoformat(" ", "minutes"),
            )
        )
    if row.status == status:
        raise UsageProblem(
            _("Request {n} is {status} already.").format(n=row.number, status=row.status)
        )
    raise UsageProblem(
        _("Request {n} is {status}; reopen it first: hotline reopen {n}").format(
            n=row.number, status=row.status
        )
    )


def _piece_times(piece: Piece, turn: Turn, times: Sequence[tuple[float, float]]) -> Row:
    """When a piece was said: the whole turn's time for the whole turn, else that of its characters."""
    chars = times[piece.start_char : piece.end_char]
    whole = piece.start_char == 0 and piece.end_char >= len(turn.text)
    if whole or not chars:
        return {"start_s": turn.start, "end_s": turn.end}
    return {"start_s": chars[0][0], "end_s": chars[-1][1]}


def _recording(row: Row) -> RecordingRow:
    return RecordingRow(
        id=row["id"],
        path=row["path"],
        size=row["size"],
        modified_at=datetime.fromisoformat(row["modified_at"]),
        sha256=row["sha256"],
        original=row["original"],
        first_seen_at=datetime.fromisoformat(row["first_seen_at"]),
        state=row["state"],
        reason=row["reason"],
        attempts=row["attempts"],
        duplicate_of=row["duplicate_of"],
        facts=NameFacts(
            started_at=_when(row["started_at"]),
            time_source=row["time_source"],
            caller_phone=row["caller_phone"],
            caller_name=row["caller_name"],
            caller_source=row["caller_source"],
            direction=row["direction"],
        ),
    )


def _call(row: Row) -> CallRow:
    values = {field.name: row[field.name] for field in fields(CallRow)}
    values["started_at"] = datetime.fromisoformat(row["started_at"])
    values["problems"] = tuple(json.loads(row["problems"]))
    return CallRow(**values)


def _request(row: Row, pieces: Sequence[TextPiece]) -> RequestRow:
    return RequestRow(
        number=row["number"],
        call_id=row["call_id"],
        transcript_id=row["transcript_id"],
        recording=row["recording"],
        started_at=datetime.fromisoformat(row["started_at"]),
        category=row["category"],
        kind=row["kind"],
        urgency=row["urgency"],
        status=row["status"],
        gist=row["gist"],
        place=Place(row["lane"], row["building"], row["unit"], row["room"]),
        phone=row["any_phone"],
        caller_name=row["any_name"],
        due_at=datetime.fromisoformat(row["due_at"]),
        due_hint=_when(row["due_hint"]),
        undertaking=row["undertaking"],
        conditions=tuple(json.loads(row["conditions"])),
        review=bool(row["review"]),
        repeat_of=row["repeat_of"],
        opened_at=datetime.fromisoformat(row["opened_at"]),
        closed_at=_when(row["closed_at"]),
        closed_by=row["closed_by"],
        closed_note=row["closed_note"],
        text=" ".join(piece.text for piece in pieces if piece.text),
        spans=tuple(Span(piece.start, piece.end, piece.channel) for piece in pieces),
    )


def _checks() -> tuple[tuple[str, str], ...]:
    """SELECTs that find nothing in a sound log, and the sentence for each row that they do find."""
    return (
        (
            "SELECT path AS file, state FROM recordings WHERE sha256 IS NULL "
            "AND state IN ('received', 'transcribed', 'logged', 'silent', 'duplicate')",
            _("{file} is {state}, but no original was kept."),
        ),
        (
            "SELECT path AS file FROM recordings "
            "WHERE (state = 'duplicate') <> (duplicate_of IS NOT NULL)",
            _("{file}: it is not clear of which recording it is a duplicate."),
        ),
        (
            "SELECT path AS file, state FROM recordings "
            "WHERE state IN ('failed', 'silent', 'unsupported') AND reason IS NULL",
            _("{file} is {state}, and nothing says why."),
        ),
        (
            "SELECT f.path AS file, f.state FROM recordings AS f "
            "WHERE f.state IN ('transcribed', 'logged') AND NOT EXISTS ("
            "SELECT 1 FROM calls AS c JOIN transcripts AS x ON x.call_id = c.id AND x.is_current "
            "WHERE c.recording_id = f.id)",
            _("{file} is {state}, but there is no transcript of it."),
        ),
        (
            # An import that was cut off between its two steps has no span at all: import again.
            "SELECT c.id AS call, count(*) AS n FROM turns AS t "
            "JOIN transcripts AS x ON x.id = t.transcript_id AND x.is_current "
            "JOIN calls AS c ON c.id = x.call_id LEFT JOIN recordings AS f ON f.id = c.recording_id "
            "WHERE (f.id IS NULL OR f.state = 'logged') AND NOT EXISTS (SELECT 1 FROM spans AS s "
            "WHERE s.transcript_id = t.transcript_id AND s.turn_idx = t.idx) GROUP BY c.id",
            _(
                "Call {call}: {n} turns are in no request, no chatter and nothing to listen to; "
                "take the call in again."
            ),
        ),
        (
            "SELECT number AS n FROM requests AS r WHERE NOT EXISTS ("
            "SELECT 1 FROM request_spans WHERE request = r.number)",
            _("Request {n} has no words and no place in its call."),
        ),
        (
            "SELECT s.turn_idx AS turn, x.call_id AS call FROM spans AS s "
            "JOIN transcripts AS x ON x.id = s.transcript_id WHERE s.kind = 'request' "
            "AND NOT EXISTS (SELECT 1 FROM request_spans WHERE span_id = s.id)",
            _("Call {call}: turn {turn} is said to belong to a request, but to none that exists."),
        ),
        (
            # Every change of state is an event that says who; the last one says the state.
            "SELECT r.number AS n, r.status FROM requests AS r WHERE r.status IS NOT ("
            "SELECT json_extract(e.data, '$.to') FROM events AS e WHERE e.request = r.number "
            "AND json_extract(e.data, '$.to') IS NOT NULL ORDER BY e.id DESC LIMIT 1)",
            _("Request {n} is {status}, but no event says who made it so."),
        ),
        *(
            (
                f"SELECT r.number AS n, r.{tag} AS value FROM requests AS r WHERE r.{tag} IS NOT ("
                f"SELECT value FROM current_tags WHERE request = r.number AND tag = '{tag}')",
                _("Request {n} is tagged {value}, but that is not its last judgement."),
            )
            for tag in _TAG_COLUMNS
        ),
        (
            "SELECT 1 AS n WHERE coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'requests'), 0)"
            " < (SELECT coalesce(max(number), 0) FROM requests)",
            _("The next request could get a number that was given before."),
        ),
        (
            "SELECT x.call_id AS call FROM transcripts AS x GROUP BY x.call_id "
            "HAVING sum(x.is_current) <> 1",
            _("Call {call}: it is not clear which transcript counts."),
        ),
    )


# --- Files and errors -----------------------------------------------------------------------------


def _make_private(path: Path, create: bool) -> None:
    """See to it that the file at `path` is there (made empty if need be) and its owner's alone."""
    try:
        if not path.exists():
            if not create:
                raise LogError(
                    _("There is no log at {file}; hotline ingest makes it.").format(file=path)
                )
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            _sync_folder(path.parent)
        elif os.name == "posix" and path.stat().st_mode & 0o077:
            path.chmod(0o600)
    except PermissionError as error:
        if path.exists():  # somebody else's file: SQLite says whether it can be used
            return
        raise LogError(_cannot_open(path, error.strerror)) from error
    except OSError as error:
        raise LogError(_cannot_open(path, error.strerror)) from error


def _cannot_open(path: Path, what: object) -> str:
    return _("The log {file} cannot be opened: {what}.").format(file=path, what=what)


def _sync_folder(folder: Path) -> None:
    """Make a new name in `folder` last through a power cut; Windows neither needs nor allows it."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _code(error: BaseException) -> int:
    """SQLite's primary result code, or 0 where there is none."""
    return int(getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF


def _sentence(error: BaseException, path: Path) -> str:
    code = _code(error)
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return _(
            "Another program is writing to {file} and does not stop; close it and try again."
        ).format(file=path)
    if code == sqlite3.SQLITE_FULL:
        return _(
            "The disk is full; nothing half was written to {file}. Make room, try again."
        ).format(file=path)
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM):
        return _("{file} may not be written; ask who looks after this computer.").format(file=path)
    if code == sqlite3.SQLITE_IOERR:
        return _("The disk failed at {file} ({what}); check it, and keep a copy.").format(
            file=path, what=error
        )
    if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
        return _(
            "{file} is damaged or no log of hotline ({what}); keep it, and put a backup in its place."
        ).format(file=path, what=error)
    if code == sqlite3.SQLITE_CANTOPEN:
        return _cannot_open(path, error)
    return _("The log {file} refused this: {what}.").format(file=path, what=error)
