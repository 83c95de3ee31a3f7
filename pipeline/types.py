"""The frozen records that the stages hand on. Times are float seconds from the start of the recording.

No record knows the log; rows become records, and records rows, only in `rows.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:  # `search` must answer at once: numpy loads where sound is
    import numpy as np

SAMPLE_RATE = 16_000
"""Samples per second of all sound after `audio.decode`: what Whisper and Silero VAD take."""

Speaker = Literal["resident", "staff", "unknown"]
Medium = Literal["mono", "stereo"]
Urgency = Literal["critical", "urgent", "routine"]

SPEAKERS: tuple[Speaker, ...] = ("resident", "staff", "unknown")
URGENCIES: tuple[Urgency, ...] = ("critical", "urgent", "routine")
"""Most urgent first."""
CATEGORIES = (
    "medical", "passage", "testing", "quarantine", "supplies", "care", "repairs", "sanitation",
    "neighbour", "property", "safety", "distress", "volunteer", "paperwork", "other", "unclear",
)  # fmt: skip
KINDS = ("help", "inquiry", "complaint", "report", "offer", "suggestion", "praise")
RECORDING_STATES = (
    "arriving", "received", "transcribed", "logged", "failed", "silent", "duplicate", "unsupported",
)  # fmt: skip
REQUEST_STATES = ("open", "in_progress", "done", "merged", "dismissed")


@dataclass(frozen=True, slots=True)
class Arrival:
    """A file seen in the watched folder.

    `settled` is true once size and mtime stood still for the settle time. `modified_at` has an offset.
    `kind` is file but for what stands there to be seen, not read: a link, a pipe or device (special),
    a folder that may not be listed (unreadable).
    """

    path: Path
    size: int
    modified_at: datetime
    settled: bool
    kind: Literal["file", "link", "special", "unreadable"] = "file"


@dataclass(frozen=True, slots=True)
class NameFacts:
    """What a recording's name, container or file time tells of the call.

    `time_source` is `name:PATTERN`, `container` or `file`; `caller_source` is `name:PATTERN` or None.
    `caller_phone` holds digits (with a leading + where there was one). `direction` is in, out or None.
    """

    started_at: datetime | None = None
    time_source: str | None = None
    caller_phone: str | None = None
    caller_name: str | None = None
    caller_source: str | None = None
    direction: Literal["in", "out"] | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of speech on one channel, `0 <= start < end`, in seconds."""

    start: float
    end: float
    channel: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Audio:
    """Decoded sound.

    `channels` holds one float32 array of shape (samples,) in [-1, 1] a heard channel, at SAMPLE_RATE:
    one for mono and for fake stereo, two for true stereo. `duration` is in seconds. `problems` are
    sentences on what could not be decoded or looks wrong (a packet that failed, a length that the
    header promised); empty for a sound file. `created_at` is the container's own date, if it has one.
    """

    channels: tuple[np.ndarray, ...]
    duration: float
    medium: Medium
    container: str
    codec: str
    source_rate: int
    source_channels: int
    problems: tuple[str, ...] = ()
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """What decoding one file may cost before it is stopped; what was decoded until then is used.

    `seconds` of sound and `decoded_bytes` as the codec gives them out; `memory` in bytes, over what
    the decoder's process needs to start; `stall_s` without any new sound and `wall_s` in all, by the
    clock on the wall.
    """

    seconds: float = 12 * 3600.0
    decoded_bytes: int = 32 << 30
    memory: int = 512 << 20
    stall_s: float = 60.0
    wall_s: float = 1800.0


@dataclass(frozen=True, slots=True)
class Word:
    """One word (in Mandarin mostly one character) with its time and probability in [0, 1]."""

    start: float
    end: float
    text: str
    probability: float


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of what was recognised, as the engine cut it; not a turn.

    `avg_logprob`, `no_speech_prob` and `compression_ratio` are Whisper's own. `set_aside` is None for
    words that count, else the reason (phantom, loop, echo, garbled) why they do not; they are kept and shown.
    """

    start: float
    end: float
    text: str
    words: tuple[Word, ...] = ()
    channel: int = 0
    speaker: Speaker = "unknown"
    avg_logprob: float = 0.0
    no_speech_prob: float = 0.0
    compression_ratio: float = 1.0
    set_aside: str | None = None


@dataclass(frozen=True, slots=True)
class Transcript:
    """One hearing of a call: which engine and model heard what, with which parameters."""

    engine: str
    model: str
    language: str
    segments: tuple[Segment, ...]
    speech: tuple[Span, ...]
    parameters: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Turn:
    """What one speaker said in one go, or a badly cut piece of the call: everything later stands both.

    `unheard` is true for a stretch of speech in which no words were recognised (text is empty).
    `confidence` in [0, 1] is the mean word probability, or None where the source has none.
    `speaker_probability` in [0.5, 1] is how sure a guessed `speaker` is; None where it is unknown, or
    known from the channel, the source or staff.
    """

    speaker: Speaker
    text: str
    start: float
    end: float
    channel: int = 0
    confidence: float | None = None
    unheard: bool = False
    speaker_probability: float | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why a tag was given: the very words, where they stand, and who judged.

    `tag` is category, kind, urgency, place, phone, ...; `start_char` and `end_char` count in the text
    of turn `turn`, so that `turns[turn].text[start_char:end_char] == words`.
    `by` is rule, model or staff.
    """

    tag: str
    value: str
    by: Literal["rule", "model", "staff"]
    words: str
    turn: int
    start_char: int
    end_char: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where the matter is, in figures as text ("2", "501"); None for what was not said."""

    lane: str | None = None
    building: str | None = None
    unit: str | None = None
    room: str | None = None

    def __bool__(self) -> bool:
        return any((self.lane, self.building, self.unit, self.room))

    def __str__(self) -> str:
        """In short, as the log keeps it: 2-3-501."""
        return "-".join(p for p in (self.lane, self.building, self.unit, self.room) if p)


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of characters of one turn: `turns[turn].text[start_char:end_char]`."""

    turn: int
    start_char: int
    end_char: int


@dataclass(frozen=True, slots=True)
class Split:
    """How the turns of a call fall apart. Every turn stands in at least one of the three.

    `requests` holds a tuple of pieces a request, in order of their first words; pieces of one turn may
    belong to several requests; `opened` says of each how likely another matter is opened there, in [0, 1].
    `chatter` and `needs_listening` hold turn indexes.
    """

    requests: tuple[tuple[Piece, ...], ...]
    opened: tuple[float, ...]
    chatter: tuple[int, ...]
    needs_listening: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Tags:
    """Category, kind and urgency of one request, with the words that are the reason for each."""

    category: str
    kind: str
    urgency: Urgency
    evidence: tuple[Evidence, ...]
    review: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """What is read out of the words of one request.

    `due_hint` is the need's own deadline, else the promise's. `undertaking` is what staff promised, in
    their words, `undertaking_due` by when; `conditions` is what they asked for first.
    """

    place: Place = Place()
    phone: str | None = None
    caller_name: str | None = None
    undertaking: str | None = None
    undertaking_due: datetime | None = None
    conditions: tuple[str, ...] = ()
    due_hint: datetime | None = None
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class Request:
    """One thing that a resident wants done, answered or known, said in one call.

    `pieces` are the stretches of its words, in order; empty means the whole of each turn in `turns`.
    """

    turns: tuple[int, ...]
    spans: tuple[Span, ...]
    category: str
    kind: str
    urgency: Urgency
    gist: str
    place: Place
    phone: str | None
    caller_name: str | None
    undertaking: str | None
    conditions: tuple[str, ...]
    due_hint: datetime | None
    evidence: tuple[Evidence, ...]
    review: bool
    pieces: tuple[Piece, ...] = ()
    undertaking_due: datetime | None = None


@dataclass(frozen=True, slots=True)
class Understanding:
    """A call understood: its requests, and where every other turn went."""

    requests: tuple[Request, ...]
    chatter: tuple[int, ...]
    needs_listening: tuple[int, ...]
