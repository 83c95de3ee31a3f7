"""The log's schema as numbered steps. A step that was released is never changed: add another.

What every table holds is said in the design; here stands why its columns are as they are.

- Times are ISO 8601 text with the offset that they were said in, to the millisecond. Text with
  offsets does not sort, so each time that is sorted or compared has a generated column `*_utc` in one
  zone and one width; it cannot disagree with its text. Compare with `log.utc(moment)`.
- `*_s` are float seconds from the start of the recording.
- A path that is not Unicode is kept as its bytes (a blob), so that it still opens the file.
- Lists that are only ever shown (problems, conditions, parameters) are JSON text.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.errors import LogError
from pipeline.i18n import _

if TYPE_CHECKING:
    from sqlite3 import Connection

APPLICATION_ID = 0x484F544C
"""`HOTL` in the file's header: how a log is told from any other SQLite file."""


def _one_of(column: str, values: tuple[str, ...]) -> str:
    listed = ", ".join(f"'{value}'" for value in values)
    return f"CHECK ({column} IN ({listed}))"


def _utc(column: str) -> str:
    """A generated column that sorts: `column` in UTC, as text of one width."""
    name = column.removesuffix("_at") + "_utc"
    return f"{name} TEXT AS (strftime('%Y-%m-%dT%H:%M:%fZ', {column})) VIRTUAL"


# Written out, not taken from types.py: a step that was released must not change when that does.
# Categories and kinds have no such check, for an office may change its taxonomy.
_STATES_1 = (
    "arriving", "received", "transcribed", "logged", "failed", "silent", "duplicate", "unsupported",
)  # fmt: skip
_STATUSES_1 = ("open", "in_progress", "done", "merged", "dismissed")
_SPEAKERS_1 = ("resident", "staff", "unknown")
_URGENCIES_1 = ("critical", "urgent", "routine")

_FIRST = (
    # `path`, `size` and `modified_at` say that a file is unchanged and need not be hashed again;
    # identity is `sha256`. One path has a row for every content that was ever seen under it.
    f"""
    CREATE TABLE recordings (
        id INTEGER PRIMARY KEY,
        path ANY NOT NULL,
        size INTEGER NOT NULL,
        modified_at TEXT NOT NULL,
        sha256 TEXT,
        original TEXT,
        first_seen_at TEXT NOT NULL,
        state TEXT NOT NULL {_one_of("state", _STATES_1)},
        reason TEXT,
        attempts INTEGER NOT NULL DEFAULT 0,
        duplicate_of INTEGER REFERENCES recordings (id),
        started_at TEXT,
        time_source TEXT,
        caller_phone TEXT,
        caller_name TEXT,
        caller_source TEXT,
        direction TEXT,
        {_utc("first_seen_at")},
        UNIQUE (path, size, modified_at)
    ) STRICT
    """,
    "CREATE INDEX recordings_state ON recordings (state)",
    # One content is one recording; every other file of that content is its duplicate.
    """
    CREATE UNIQUE INDEX recordings_sha256 ON recordings (sha256) WHERE duplicate_of IS NULL
    """,
    "CREATE INDEX recordings_content ON recordings (sha256)",
    """
    CREATE TABLE recording_errors (
        id INTEGER PRIMARY KEY,
        recording_id INTEGER NOT NULL REFERENCES recordings (id),
        at TEXT NOT NULL,
        state TEXT NOT NULL,
        reason TEXT NOT NULL
    ) STRICT
    """,
    "CREATE INDEX recording_errors_recording ON recording_errors (recording_id)",
    # `content_hash` is of an imported call's text: a second import makes no double.
    f"""
    CREATE TABLE calls (
        id INTEGER PRIMARY KEY,
        recording_id INTEGER UNIQUE REFERENCES recordings (id),
        source TEXT NOT NULL {_one_of("source", ("recording", "import"))},
        external_id TEXT,
        content_hash TEXT UNIQUE,
        started_at TEXT NOT NULL,
        time_source TEXT NOT NULL,
        duration REAL NOT NULL,
        medium TEXT NOT NULL {_one_of("medium", ("mono", "stereo"))},
        channels INTEGER NOT NULL,
        codec TEXT,
        caller_phone TEXT,
        caller_name TEXT,
        caller_source TEXT,
        direction TEXT,
        problems TEXT NOT NULL DEFAULT '[]',
        {_utc("started_at")},
        CHECK ((source = 'recording') = (recording_id IS NOT NULL))
    ) STRICT
    """,
    "CREATE INDEX calls_started ON calls (started_utc)",
    "CREATE INDEX calls_caller ON calls (caller_phone)",
    """
    CREATE TABLE transcripts (
        id INTEGER PRIMARY KEY,
        call_id INTEGER NOT NULL REFERENCES calls (id),
        engine TEXT NOT NULL,
        model TEXT NOT NULL,
        language TEXT NOT NULL,
        parameters TEXT NOT NULL,
        created_at TEXT NOT NULL,
        is_current INTEGER NOT NULL CHECK (is_current IN (0, 1))
    ) STRICT
    """,
    "CREATE INDEX transcripts_call ON transcripts (call_id)",
    "CREATE UNIQUE INDEX transcripts_current ON transcripts (call_id) WHERE is_current",
    f"""
    CREATE TABLE segments (
        id INTEGER PRIMARY KEY,
        transcript_id INTEGER NOT NULL REFERENCES transcripts (id),
        idx INTEGER NOT NULL,
        channel INTEGER NOT NULL,
        start_s REAL NOT NULL,
        end_s REAL NOT NULL,
        speaker TEXT NOT NULL {_one_of("speaker", _SPEAKERS_1)},
        text TEXT NOT NULL,
        avg_logprob REAL NOT NULL,
        no_speech_prob REAL NOT NULL,
        compression_ratio REAL NOT NULL,
        set_aside TEXT,
        UNIQUE (transcript_id, idx)
    ) STRICT
    """,
    """
    CREATE TABLE words (
        segment_id INTEGER NOT NULL REFERENCES segments (id),
        idx INTEGER NOT NULL,
        start_s REAL NOT NULL,
        end_s REAL NOT NULL,
        text TEXT NOT NULL,
        probability REAL NOT NULL,
        PRIMARY KEY (segment_id, idx)
    ) STRICT, WITHOUT ROWID
    """,
    # What the voice detector found: `check` proves with it that turns cover all speech.
    """
    CREATE TABLE speech (
        transcript_id INTEGER NOT NULL REFERENCES transcripts (id),
        idx INTEGER NOT NULL,
        channel INTEGER NOT NULL,
        start_s REAL NOT NULL,
        end_s REAL NOT NULL,
        PRIMARY KEY (transcript_id, idx)
    ) STRICT, WITHOUT ROWID
    """,
    f"""
    CREATE TABLE turns (
        id INTEGER PRIMARY KEY,
        transcript_id INTEGER NOT NULL REFERENCES transcripts (id),
        idx INTEGER NOT NULL,
        speaker TEXT NOT NULL {_one_of("speaker", _SPEAKERS_1)},
        channel INTEGER NOT NULL,
        start_s REAL NOT NULL,
        end_s REAL NOT NULL,
        text TEXT NOT NULL,
        confidence REAL,
        unheard INTEGER NOT NULL CHECK (unheard IN (0, 1)),
        UNIQUE (transcript_id, idx)
    ) STRICT
    """,
    # A row a turn and kind: a turn may belong to a request and need listening as well.
    f"""
    CREATE TABLE spans (
        id INTEGER PRIMARY KEY,
        transcript_id INTEGER NOT NULL REFERENCES transcripts (id),
        turn_idx INTEGER NOT NULL,
        kind TEXT NOT NULL {_one_of("kind", ("request", "chatter", "needs_listening"))},
        channel INTEGER NOT NULL,
        start_s REAL NOT NULL,
        end_s REAL NOT NULL,
        heard_at TEXT,
        heard_by TEXT,
        UNIQUE (transcript_id, turn_idx, kind),
        FOREIGN KEY (transcript_id, turn_idx) REFERENCES turns (transcript_id, idx)
    ) STRICT
    """,
    "CREATE INDEX spans_waiting ON spans (id) WHERE kind = 'needs_listening' AND heard_at IS NULL",
    # AUTOINCREMENT: a number that was ever said on the phone is never given again.
    # category, kind and urgency are the current values; `tags` holds every judgement and `check`
    # proves that the two agree.
    f"""
    CREATE TABLE requests (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        call_id INTEGER NOT NULL REFERENCES calls (id),
        transcript_id INTEGER NOT NULL REFERENCES transcripts (id),
        category TEXT NOT NULL,
        kind TEXT NOT NULL,
        urgency TEXT NOT NULL {_one_of("urgency", _URGENCIES_1)},
        status TEXT NOT NULL {_one_of("status", _STATUSES_1)},
        gist TEXT NOT NULL,
        lane TEXT,
        building TEXT,
        unit TEXT,
        room TEXT,
        phone TEXT,
        caller_name TEXT,
        due_at TEXT NOT NULL,
        due_hint TEXT,
        undertaking TEXT,
        conditions TEXT NOT NULL DEFAULT '[]',
        review INTEGER NOT NULL CHECK (review IN (0, 1)),
        repeat_of INTEGER REFERENCES requests (number),
        merged_into INTEGER REFERENCES requests (number),
        opened_at TEXT NOT NULL,
        closed_at TEXT,
        closed_by TEXT,
        closed_note TEXT,
        {_utc("due_at")},
        {_utc("opened_at")},
        {_utc("closed_at")},
        CHECK ((status IN ('done', 'merged', 'dismissed')) = (closed_at IS NOT NULL)),
        CHECK ((status = 'merged') = (merged_into IS NOT NULL)),
        CHECK (repeat_of <> number AND merged_into <> number)
    ) STRICT
    """,
    "CREATE INDEX requests_status ON requests (status)",
    "CREATE INDEX requests_call ON requests (call_id)",
    "CREATE INDEX requests_repeat ON requests (repeat_of)",
    # The words of a request: characters `start_char` up to `end_char` of its span's turn.
    """
    CREATE TABLE request_spans (
        request INTEGER NOT NULL REFERENCES requests (number),
        piece INTEGER NOT NULL,
        span_id INTEGER NOT NULL REFERENCES spans (id),
        start_char INTEGER NOT NULL,
        end_char INTEGER NOT NULL,
        start_s REAL NOT NULL,
        end_s REAL NOT NULL,
        PRIMARY KEY (request, piece)
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX request_spans_span ON request_spans (span_id)",
    # Every judgement ever made; `turn_idx` and what follows are NULL where no words were the reason.
    f"""
    CREATE TABLE tags (
        id INTEGER PRIMARY KEY,
        request INTEGER NOT NULL REFERENCES requests (number),
        tag TEXT NOT NULL,
        value TEXT NOT NULL,
        given_by TEXT NOT NULL {_one_of("given_by", ("rule", "model", "staff"))},
        who TEXT NOT NULL,
        why TEXT,
        words TEXT,
        turn_idx INTEGER,
        start_char INTEGER,
        end_char INTEGER,
        start_s REAL,
        end_s REAL,
        at TEXT NOT NULL
    ) STRICT
    """,
    "CREATE INDEX tags_request ON tags (request, tag)",
    """
    CREATE TRIGGER tags_stand BEFORE UPDATE ON tags
    BEGIN SELECT RAISE(ABORT, 'a tag is never overwritten; add another'); END
    """,
    # What staff said last, else what a rule or model said last.
    """
    CREATE VIEW current_tags AS
    SELECT * FROM tags AS t
    WHERE t.id = (
        SELECT n.id FROM tags AS n
        WHERE n.request = t.request AND n.tag = t.tag
        ORDER BY n.given_by = 'staff' DESC, n.id DESC LIMIT 1
    )
    """,
    """
    CREATE TABLE events (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        at TEXT NOT NULL,
        kind TEXT NOT NULL,
        recording_id INTEGER REFERENCES recordings (id),
        call_id INTEGER REFERENCES calls (id),
        request INTEGER REFERENCES requests (number),
        who TEXT NOT NULL,
        note TEXT,
        data TEXT NOT NULL DEFAULT '{}',
        at_utc TEXT AS (strftime('%Y-%m-%dT%H:%M:%fZ', at)) VIRTUAL
    ) STRICT
    """,
    "CREATE INDEX events_request ON events (request)",
    "CREATE INDEX events_recording ON events (recording_id)",
    "CREATE INDEX events_at ON events (at_utc)",
    """
    CREATE TRIGGER events_stand BEFORE UPDATE ON events
    BEGIN SELECT RAISE(ABORT, 'an event is never changed; add another'); END
    """,
    """
    CREATE TRIGGER events_stay BEFORE DELETE ON events
    BEGIN SELECT RAISE(ABORT, 'an event is never deleted'); END
    """,
    # The index of the words. Contentless, for the text stands in `turns`.
    """
    CREATE VIRTUAL TABLE turns_index USING fts5 (
        chars, sounds, words, content = '', contentless_delete = 1, tokenize = 'ascii'
    )
    """,
)


# Terms without positions, so that there is room for pairs of characters; see index.py. `word_starts`
# has its own name for the row id, since the row is of a turn, a request or a segment.
_SEARCH_2 = (
    "DROP TABLE turns_index",
    """
    CREATE VIRTUAL TABLE exact_index USING fts5 (
        terms, content = '', contentless_delete = 1, detail = none, tokenize = 'ascii'
    )
    """,
    """
    CREATE VIRTUAL TABLE sound_index USING fts5 (
        terms, content = '', contentless_delete = 1, detail = none, tokenize = 'ascii'
    )
    """,
    "CREATE TABLE word_starts (id INTEGER PRIMARY KEY, starts BLOB NOT NULL) STRICT",
    "CREATE TABLE index_version (version INTEGER NOT NULL) STRICT",
)


# `horizon` is the latest call's time up to this row (see index.py), `starts` where its words begin; the
# index is made anew when the log is opened, for index_version is empty.
_SEARCH_3 = (
    "DROP TABLE word_starts",
    """
    CREATE TABLE index_rows (id INTEGER PRIMARY KEY, horizon TEXT NOT NULL, starts BLOB NOT NULL) STRICT
    """,
    "DELETE FROM index_version",
)

_NOTHING_LOST_5 = (
    # When a failed one is tried again; NULL: at the next run. `tried_at` shows a clock that jumped.
    "ALTER TABLE recordings ADD COLUMN retry_at TEXT",
    "ALTER TABLE recordings ADD COLUMN tried_at TEXT",
    # What was heard of a call that is not heard to its end yet: a crash costs a window, not hours.
    # `key` says all on which the words depend; gone when the transcript is in the log.
    """
    CREATE TABLE heard_windows (
        recording_id INTEGER NOT NULL REFERENCES recordings (id),
        key TEXT NOT NULL,
        segments TEXT NOT NULL,
        PRIMARY KEY (recording_id, key)
    ) STRICT, WITHOUT ROWID
    """,
    # Words set aside that staff brought back; `set_aside` keeps its reason.
    "ALTER TABLE segments ADD COLUMN restored_at TEXT",
    "ALTER TABLE segments ADD COLUMN restored_by TEXT",
    # A later hearing or understanding, beside what counts, until somebody decides.
    f"""
    CREATE TABLE proposals (
        transcript_id INTEGER PRIMARY KEY REFERENCES transcripts (id),
        understanding TEXT NOT NULL,
        due TEXT NOT NULL,
        made_at TEXT NOT NULL,
        decision TEXT {_one_of("decision", ("accepted", "declined"))},
        decided_at TEXT,
        decided_by TEXT,
        note TEXT,
        CHECK ((decision IS NULL) = (decided_at IS NULL))
    ) STRICT
    """,
)


_DESK_4 = (
    "ALTER TABLE requests ADD COLUMN assignee TEXT",
    # Those of `conditions` that were met, as JSON text.
    "ALTER TABLE requests ADD COLUMN ticked TEXT NOT NULL DEFAULT '[]'",
    "CREATE INDEX requests_merged ON requests (merged_into) WHERE merged_into IS NOT NULL",
    # A recording without words (silent, unsupported) that somebody listened to.
    "ALTER TABLE recordings ADD COLUMN heard_at TEXT",
    "ALTER TABLE recordings ADD COLUMN heard_by TEXT",
    # Judgements that `undo` took back: they stand, but do not count.
    """
    CREATE TABLE withdrawn_tags (
        tag_id INTEGER PRIMARY KEY REFERENCES tags (id),
        at TEXT NOT NULL,
        who TEXT NOT NULL
    ) STRICT
    """,
    "DROP VIEW current_tags",
    """
    CREATE VIEW current_tags AS
    SELECT * FROM tags AS t
    WHERE t.id = (
        SELECT n.id FROM tags AS n
        WHERE n.request = t.request AND n.tag = t.tag
        AND n.id NOT IN (SELECT tag_id FROM withdrawn_tags)
        ORDER BY n.given_by = 'staff' DESC, n.id DESC LIMIT 1
    )
    """,
)

_SPEAKERS_6 = (
    # How sure the guess is who speaks; NULL where it is unknown, or known.
    "ALTER TABLE turns ADD COLUMN speaker_probability REAL",
)

_PROMISES_7 = (
    # When what staff promised falls due; NULL where they named no time. `due_hint` is the need's own
    # deadline where the caller named one. Of the requests of before only that one day is known.
    "ALTER TABLE requests ADD COLUMN undertaking_due_at TEXT",
    f"ALTER TABLE requests ADD COLUMN {_utc('undertaking_due_at')}",
    "UPDATE requests SET undertaking_due_at = due_hint WHERE undertaking IS NOT NULL",
    "CREATE INDEX requests_promised ON requests (undertaking_due_utc) WHERE undertaking_due_utc IS NOT NULL",
    # What became of requests from a moment on: the summary of a week reads no other event of the log.
    "CREATE INDEX events_moves ON events (at_utc, kind, request) "
    "WHERE request IS NOT NULL AND kind <> 'opened'",
)


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of the schema. `apply` runs inside the transaction that also counts the version up."""

    number: int
    why: str
    apply: Callable[[Connection], None]


def _statements(*statements: str) -> Callable[[Connection], None]:
    def apply(conn: Connection) -> None:
        for statement in statements:
            conn.execute(statement)

    return apply


MIGRATIONS: tuple[Migration, ...] = (
    Migration(1, "the log with all its tables", _statements(*_FIRST)),
    Migration(2, "search by pairs of characters and of sounds", _statements(*_SEARCH_2)),
    Migration(3, "search knows when it has seen the newest", _statements(*_SEARCH_3)),
    Migration(
        4, "the desk: who sees to it, what was met, what was taken back", _statements(*_DESK_4)
    ),
    Migration(
        5, "retries, windows heard so far, later versions beside", _statements(*_NOTHING_LOST_5)
    ),
    Migration(6, "how sure it is who speaks", _statements(*_SPEAKERS_6)),
    Migration(7, "promises have a day of their own", _statements(*_PROMISES_7)),
)
VERSION = MIGRATIONS[-1].number


def version(conn: Connection) -> int:
    """The schema's version in this file; 0 for a new one."""
    return int(conn.execute("PRAGMA user_version").fetchone()[0])


def migrate(conn: Connection, at: str, steps: tuple[Migration, ...] = MIGRATIONS) -> list[int]:
    """Bring the file up to the last of `steps`; the numbers of the steps taken. `at` is the time.

    All in one transaction: a log is never between two versions. Another process that came first is
    noticed, for the version is read inside.

    Raises:
        LogError: the rows do not fit together after it; the log is as it was.
    """
    # Rebuilding a table needs this off, and it can only be set outside a transaction.
    conn.execute("PRAGMA foreign_keys = OFF")
    try:
        conn.execute("BEGIN IMMEDIATE")
        try:
            here = version(conn)
            todo = [step for step in steps if step.number > here]
            if not todo:
                conn.execute("COMMIT")
                return []
            conn.execute(
                "CREATE TABLE IF NOT EXISTS schema_versions "
                "(version INTEGER PRIMARY KEY, at TEXT NOT NULL, why TEXT NOT NULL) STRICT"
            )
            for step in todo:
                step.apply(conn)
                conn.execute(
                    "INSERT INTO schema_versions VALUES (?, ?, ?)", (step.number, at, step.why)
                )
            conn.execute(f"PRAGMA user_version = {todo[-1].number}")
            conn.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            broken = conn.execute("PRAGMA foreign_key_check").fetchall()
            if broken:
                raise LogError(
                    _(
                        "The log cannot be brought up to date: a row of {table} refers to one of "
                        "{parent} that is not there. Nothing was changed."
                    ).format(table=broken[0][0], parent=broken[0][2])
                )
            conn.execute("COMMIT")
        except BaseException:
            if conn.in_transaction:
                conn.execute("ROLLBACK")
            raise
        return [step.number for step in todo]
    finally:
        conn.execute("PRAGMA foreign_keys = ON")
