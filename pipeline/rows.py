"""The log's rows as records, and how times and paths are written at the SQL edge."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from pipeline.i18n import retold
from pipeline.types import RECORDING_STATES, Medium, NameFacts, Place, Span, Speaker, Turn, Urgency

if TYPE_CHECKING:
    from pipeline.types import Audio

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


def file_time(moment: datetime) -> str:
    """A file's time as identity: UTC, to the microsecond, one text for one moment."""
    if moment.tzinfo is None:
        raise ValueError(f"a time without an offset: {moment}")
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def when(text: str | None) -> datetime | None:
    """A time as the log keeps it; None for none."""
    return None if text is None else datetime.fromisoformat(text)


def stored_path(path: str) -> str | bytes:
    """A path as the log keeps it: text, or its very bytes where it is not Unicode."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return os.fsencode(path)
    return path


def clean(value: Any) -> Any:
    """A value that SQLite takes: lone surrogates and NULs of bad texts become U+FFFD, one for one."""
    if isinstance(value, str) and ("\0" in value or not value.isascii()):
        value = value.replace("\0", "\ufffd")
        try:
            value.encode()
        except UnicodeEncodeError:
            return "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in value)
    return value


# --- Rows -----------------------------------------------------------------------------------------


TAG_COLUMNS = ("category", "kind", "urgency")
"""The tags of which `requests` holds the current value."""


@dataclass(frozen=True, slots=True)
class RecordingRow:
    """A file ever seen. `original` is relative to the home; `facts` is what its name told.

    `retry_at` is when a failed one is tried again, None for the next run; `tried_at` when it failed.
    """

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
    retry_at: datetime | None = None
    tried_at: datetime | None = None


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
        """From what the name told (with a time, see `filenames.when`) and what was decoded."""
        if facts.started_at is None:
            raise ValueError("the call's time is not settled: filenames.when comes first")
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
    `ticked` are those of `conditions` that were met; `calls` counts the calls that ask for it, with
    those of the requests that were merged into it.
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
    undertaking_due: datetime | None
    conditions: tuple[str, ...]
    review: bool
    repeat_of: int | None
    opened_at: datetime
    closed_at: datetime | None
    closed_by: str | None
    closed_note: str | None
    text: str
    spans: tuple[Span, ...]
    assignee: str | None = None
    ticked: tuple[str, ...] = ()
    merged_into: int | None = None
    calls: int = 1


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


# --- From rows to records -------------------------------------------------------------------------


def recording_row(row: Row) -> RecordingRow:
    return RecordingRow(
        id=row["id"],
        path=row["path"],
        size=row["size"],
        modified_at=datetime.fromisoformat(row["modified_at"]),
        sha256=row["sha256"],
        original=row["original"],
        first_seen_at=datetime.fromisoformat(row["first_seen_at"]),
        state=row["state"],
        reason=row["reason"] and retold(row["reason"]),
        attempts=row["attempts"],
        duplicate_of=row["duplicate_of"],
        facts=NameFacts(
            started_at=when(row["started_at"]),
            time_source=row["time_source"],
            caller_phone=row["caller_phone"],
            caller_name=row["caller_name"],
            caller_source=row["caller_source"],
            direction=row["direction"],
        ),
        retry_at=when(row["retry_at"]),
        tried_at=when(row["tried_at"]),
    )


def call_row(row: Row) -> CallRow:
    values = {field.name: row[field.name] for field in fields(CallRow)}
    values["started_at"] = datetime.fromisoformat(row["started_at"])
    values["problems"] = tuple(map(retold, json.loads(row["problems"])))
    return CallRow(**values)


def request_row(row: Row, pieces: Sequence[TextPiece], calls: int = 1) -> RequestRow:
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
        due_hint=when(row["due_hint"]),
        undertaking=row["undertaking"],
        undertaking_due=when(row["undertaking_due_at"]),
        conditions=tuple(json.loads(row["conditions"])),
        review=bool(row["review"]),
        repeat_of=row["repeat_of"],
        opened_at=datetime.fromisoformat(row["opened_at"]),
        closed_at=when(row["closed_at"]),
        closed_by=row["closed_by"],
        closed_note=row["closed_note"],
        text=" ".join(piece.text for piece in pieces if piece.text),
        spans=tuple(Span(piece.start, piece.end, piece.channel) for piece in pieces),
        assignee=row["assignee"],
        ticked=tuple(json.loads(row["ticked"])),
        merged_into=row["merged_into"],
        calls=calls,
    )


def piece_row(row: Row) -> TextPiece:
    return TextPiece(
        turn=row["turn_idx"],
        start_char=row["start_char"],
        end_char=row["end_char"],
        speaker=row["speaker"],
        channel=row["channel"],
        start=row["start_s"],
        end=row["end_s"],
        text=row["text"][row["start_char"] : row["end_char"]],
    )


def span_row(row: Row) -> SpanRow:
    return SpanRow(
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
        heard_at=when(row["heard_at"]),
        heard_by=row["heard_by"],
    )


def tag_row(row: Row) -> TagRow:
    return TagRow(
        id=row["id"],
        request=row["request"],
        tag=row["tag"],
        value=row["value"],
        by=row["given_by"],
        who=row["who"],
        # A rule's reason is the program's; that of staff stays as they wrote it.
        why=retold(row["why"]) if row["why"] and row["given_by"] != "staff" else row["why"],
        words=row["words"],
        turn=row["turn_idx"],
        start_char=row["start_char"],
        end_char=row["end_char"],
        start=row["start_s"],
        end=row["end_s"],
        at=datetime.fromisoformat(row["at"]),
        current=bool(row["current"]),
    )


def event_row(row: Row) -> EventRow:
    return EventRow(
        id=row["id"],
        at=datetime.fromisoformat(row["at"]),
        kind=row["kind"],
        recording_id=row["recording_id"],
        call_id=row["call_id"],
        request=row["request"],
        who=row["who"],
        # Why a recording is in a state is the program's sentence; other notes are those of staff.
        note=retold(row["note"])
        if row["note"] and row["kind"] in RECORDING_STATES
        else row["note"],
        data=json.loads(row["data"]),
    )


def turn_row(row: Row) -> Turn:
    return Turn(
        speaker=row["speaker"],
        text=row["text"],
        start=row["start_s"],
        end=row["end_s"],
        channel=row["channel"],
        confidence=row["confidence"],
        unheard=bool(row["unheard"]),
        speaker_probability=row["speaker_probability"],
    )
