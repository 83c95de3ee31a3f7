"""The only composer: recordings through all stages into the log, one transaction a step.

Whatever stops it (Ctrl-C, a crash), the next run goes on with what each recording's state says.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import hearings, intake, meaning, recordings
from pipeline.errors import (
    HotlineError,
    LogError,
    ModelFault,
    ModelMissing,
    UnsupportedAudio,
    UsageProblem,
)
from pipeline.i18n import _, system_says
from pipeline.states import recording_state

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from pipeline.log import Log
    from pipeline.rows import CallRow, RecordingRow
    from pipeline.settings import Home
    from pipeline.taxonomy import Taxonomy
    from pipeline.transcribe import Transcriber
    from pipeline.types import Audio, Segment, Span, Transcript, Turn
    from pipeline.versions import Version

WORK_STATES = ("received", "transcribed", "failed")
"""States from which a run goes on; the others are ends."""

RETRIES: tuple[timedelta | None, ...] = (
    None,
    timedelta(minutes=1),
    timedelta(minutes=10),
    timedelta(hours=1),
    timedelta(hours=6),
    timedelta(hours=24),
)
"""How long after its first, second, ... failure a recording is tried again; None: at the next run."""


@dataclass(frozen=True, slots=True)
class Step:
    """Where a run stands: call `index` of `total`, `done` of `seconds` of its sound heard.

    `state` is None while it is being heard, else the state that it reached, with `reason`.
    """

    path: str
    index: int
    total: int
    done: float = 0.0
    seconds: float | None = None
    state: str | None = None
    reason: str | None = None


Progress = Callable[[Step], None]


@dataclass(frozen=True, slots=True)
class Ingested:
    """What one run did. `seen` counts files looked at, `new` those never seen before; `states` is the
    whole log's; `failed_now` pairs path and reason of what failed in this run; `waiting_for` says
    why recordings stay `received`, or is None."""

    seen: int
    new: int
    states: dict[str, int]
    requests: int
    failed_now: tuple[tuple[str, str], ...] = ()
    waiting_for: str | None = None
    new_requests: tuple[int, ...] = ()

    def as_dict(self) -> dict[str, object]:
        return {
            "seen": self.seen,
            "new": self.new,
            "states": self.states,
            "requests": self.requests,
            "failed_now": [{"path": path, "reason": reason} for path, reason in self.failed_now],
            "waiting_for": self.waiting_for,
            "new_requests": list(self.new_requests),
        }


class GiveWay(BaseException):
    """Raised by a progress callback: leave this recording for now. What was heard of it is kept."""


class Shift:
    """Work on the recordings of a home, one after the other, in one ingest or for as long as a watch
    runs: the engine is made when it is first needed and stays.

    `transcriber` makes it; the ModelMissing that it may raise leaves recordings `received`, and is told
    in `waiting_for`. `opened` are the new requests, `failed` pairs path and reason. All three tell of
    the work since the caller emptied them last.
    """

    def __init__(
        self,
        home: Home,
        log: Log,
        transcriber: Callable[[], Transcriber],
        progress: Progress = lambda step: None,
    ) -> None:
        from pipeline import taxonomy

        self.home, self.log, self.progress = home, log, progress
        self.opened: list[int] = []
        self.failed: list[tuple[str, str]] = []
        self.waiting_for: str | None = None
        self._transcriber = transcriber
        self._terms = taxonomy.load(home.taxonomy)

    def look(self, paths: Sequence[Path]) -> intake.Came:
        """Give every file below `paths` its row."""
        came = intake.take_in(self.home, self.log, paths)
        self.failed += came.failed
        return came

    def todo(self, named: frozenset[int] = frozenset()) -> list[RecordingRow]:
        """What is to be worked on now, in the order of the calls: a repeat is found when its first
        call is in the log. Recordings in `named` do not wait for the time of their next try."""
        now = self.log.now()
        rows = [
            row
            for state in WORK_STATES
            for row in self.log.recordings(state)
            if is_due(row, now, named=row.id in named)
        ]
        return sorted(rows, key=called_at)

    def work(self, row: RecordingRow, index: int = 1, total: int = 1) -> None:
        """Take one recording through all stages that it has not passed; call `index` of `total`.

        Raises:
            LogError: the log cannot be written.
            ModelFault: there is no such model, or it cannot be loaded.
            All else that may happen costs this recording alone.
        """
        log = self.log
        step = Step(row.path, index, total)
        self.progress(step)
        try:
            if row.state != "transcribed" and not was_heard(log, row):
                engine = self._engine()
                if engine is None:
                    return
                hear(self.home, log, row, engine, step, self.progress)
            self.opened += understand_recording(self.home, log, row.id, self._terms)
        except (LogError, ModelFault):
            raise
        except Exception as error:  # whatever it is, it costs this recording and no other
            reason = intake.reason(row, error)
            recordings.set_state(
                log, row.id, "failed", reason, retry_in=RETRIES[min(row.attempts, 5)]
            )
            self.failed.append((row.path, reason))
        now = log.recording(row.id)
        self.progress(Step(row.path, index, total, state=now.state, reason=now.reason))

    def _engine(self) -> Transcriber | None:
        """The engine; None where it waits for its weights. What else is wrong with it is no fault of the
        recordings, and stops the work."""
        if self.waiting_for is not None:
            return None
        try:
            return self._transcriber()
        except ModelMissing as missing:
            self.waiting_for = str(missing)
            return None
        except Exception as error:
            raise ModelFault(model_sentence(error)) from error


def model_sentence(error: Exception) -> str:
    """Why there is no engine, for staff."""
    if isinstance(error, HotlineError):
        return str(error)
    return _("The model cannot be loaded ({error}). See which can: hotline models").format(
        error=str(error) or type(error).__name__
    )


def once(make: Callable[[], Transcriber]) -> Callable[[], Transcriber]:
    """What makes the engine when it is first asked for, and keeps it."""
    made: list[Transcriber] = []

    def engine() -> Transcriber:
        if not made:
            made.append(make())
        return made[0]

    return engine


def called_at(row: RecordingRow) -> datetime:
    """When the call of a recording began, as far as it is known before it was heard."""
    return row.facts.started_at or row.first_seen_at


def ingest(
    home: Home,
    log: Log,
    paths: Sequence[Path],
    transcriber: Callable[[], Transcriber],
    progress: Progress = lambda step: None,
) -> Ingested:
    """Take in everything new below `paths` (none: the home's recordings), then work off what waits.

    `transcriber` is called once, when the first recording needs it; the ModelMissing that it may
    raise leaves recordings `received` and is told in the result.
    """
    with only_one(home):
        shift = Shift(home, log, once(transcriber), progress)
        came = shift.look(paths or [home.recordings])
        new, worked = came.new, set[int]()
        while todo := [
            row
            for row in shift.todo(named=came.ids if paths else frozenset())
            if row.id not in worked
        ]:
            for index, row in enumerate(todo, 1):
                shift.work(row, index, len(todo))
                worked.add(row.id)
            # Whoever was refused meanwhile was told that theirs are taken too.
            came = shift.look(paths or [home.recordings])
            new += came.new
        return Ingested(
            seen=came.seen,
            new=new,
            states=log.states(),
            requests=len(shift.opened),
            failed_now=tuple(dict(shift.failed).items()),
            waiting_for=shift.waiting_for,
            new_requests=tuple(shift.opened),
        )


def is_due(row: RecordingRow, now: datetime, *, named: bool = False) -> bool:
    """Whether a recording is to be worked on now; one that was named on the command line always is.

    What has no original is for `intake` to take up when its file can be read.
    """
    if row.sha256 is None:
        return False
    if row.state != "failed" or row.retry_at is None or named:
        return True
    # A clock that was put back must not make it wait for years.
    return now >= row.retry_at or (row.tried_at is not None and now < row.tried_at)


def was_heard(log: Log, row: RecordingRow) -> bool:
    """Whether a failed recording has its transcript, and only what follows is to be done again."""
    call = log.call_of(row.id)
    if call is None or log.current_transcript(call.id) is None:
        return False
    recordings.set_state(log, row.id, "transcribed")
    return True


@contextmanager
def only_one(home: Home, waiting: Callable[[], None] | None = None) -> Iterator[None]:
    """Let one at a time work in a home; two would hear the same call twice.

    Who comes second is refused; with `waiting`, that is called once, and then it is waited for.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(home.path / ".ingest.lock")
    try:
        try:
            lock.acquire(timeout=0)
        except Timeout:
            if waiting is None:
                raise
            waiting()
            lock.acquire(poll_interval=0.2)
    except Timeout as error:
        raise HotlineError(
            _("Another hotline is taking in recordings in {home}; it takes these too.").format(
                home=home.path
            )
        ) from error
    except OSError as error:
        raise HotlineError(
            _("Nothing can be written in {home}: {error}. Make room there, and try again.").format(
                home=home.path, error=system_says(error)
            )
        ) from error
    try:
        yield
    finally:
        lock.release()


def load_transcriber(
    home: Home | None, model: str | None, engine: str | None = None
) -> Transcriber:
    """The transcriber for the model and engine named, else the setting's; the best model for this
    computer where none is set.

    Raises:
        ModelMissing: no weights are here, or not the ones named; the sentence says how to get them.
    """
    from pipeline import models, transcribe
    from pipeline.settings import Hearing

    hearing = home.settings.hearing if home else Hearing()
    medicines = home.settings.estate.medicines if home else ()
    folder = home.models if home else Path("models")
    name = model or hearing.model or models.best(folder)
    return transcribe.load(
        name,
        folder,
        engine=engine or hearing.engine,
        language=hearing.language,
        words=(*hearing.words, *medicines),
        staff_channel=hearing.staff_channel if hearing.staff_channel >= 0 else None,
    )


def hear(
    home: Home,
    log: Log,
    row: RecordingRow,
    engine: Transcriber,
    step: Step,
    progress: Progress,
) -> None:
    """Decode one recording, find its speech, transcribe it, make its turns; log all in one step.

    A file without sound becomes `unsupported`, one without speech `silent`; neither is an error.
    """
    from pipeline import audio, filenames
    from pipeline.rows import CallFacts

    kept = original(home, row)
    try:
        # Staff know the file that they dropped, not the copy that is named by its hash.
        sound = audio.decode(kept, name=Path(row.path).name)
    except UnsupportedAudio as error:
        recordings.set_state(log, row.id, "unsupported", str(error))
        return
    facts = filenames.when(row.facts, sound.created_at, row.modified_at, home.settings.zone)
    sound = replace(sound, problems=(*sound.problems, *audio.complaints(sound)))
    call = CallFacts.of(facts, sound)
    speech = audio.speech(sound)
    if not speech:
        recordings.set_state(
            log,
            row.id,
            "silent",
            _(
                "No speech was found in {file} ({seconds:.0f} s). Somebody should listen to it."
            ).format(file=Path(row.path).name, seconds=sound.duration),
            call=call,
        )
        return
    transcript = _transcribe(log, row, engine, sound, speech, step, progress)
    turns = turns_of(transcript, sound, home.settings.hearing.script)
    hearings.save(log, row.id, call, transcript, turns)


def _transcribe(
    log: Log,
    row: RecordingRow,
    engine: Transcriber,
    sound: Audio,
    speech: Sequence[Span],
    step: Step,
    progress: Progress,
) -> Transcript:
    """What is said in the speech of a recording; what an earlier run heard of it is not heard again."""
    total = sum(span.end - span.start for span in speech)

    def heard(seconds: float) -> None:
        progress(replace(step, done=min(seconds, total), seconds=total))

    heard(0.0)
    return engine.transcribe(sound, speech, heard, _Windows(log, row.id))


def turns_of(transcript: Transcript, sound: Audio, script: str) -> tuple[Turn, ...]:
    """The turns of a call, in the script that they are to be shown in; segments keep what was heard."""
    from pipeline.script import written
    from pipeline.turns import make_turns

    made = make_turns(transcript, sound.duration, sound.channels)
    return tuple(replace(turn, text=written(turn.text, script)) for turn in made)


def redo(
    home: Home,
    log: Log,
    call_id: int,
    terms: Taxonomy,
    engine: Transcriber | None = None,
    progress: Progress = lambda step: None,
) -> Version | None:
    """Make a later version of a call, beside the one that counts: heard again by `engine`, or the same
    words read again. None if it would change nothing. See `versions`.

    Raises:
        UsageProblem: the call has no words yet, or no sound that could be heard again.
        HotlineError: its original has gone.
    """
    from pipeline import versions

    call = log.call(call_id)
    transcript_id = log.current_transcript(call_id)
    if transcript_id is None:
        raise UsageProblem(
            _("Call {n} has no words yet; hotline ingest hears it.").format(n=call_id)
        )
    if engine is not None:
        transcript_id = _hear_again(home, log, call, engine, progress)
    found = meaning.understood(home, log, call, transcript_id, terms)
    due = [
        meaning.answer_due(home, request.urgency, call.started_at, request.due_hint)
        for request in found.requests
    ]
    return versions.propose(log, transcript_id, found, due)


def wait_again(log: Log, recording_id: int, by: str) -> None:
    """Let a recording in which nothing was heard (silent, unsupported, failed) wait to be heard again:
    a later hotline may know its format, or find its speech.

    Raises:
        UsageProblem: it has a call, or no original of it is kept.
    """
    row = log.recording(recording_id)
    if row.state not in ("silent", "unsupported", "failed") or row.sha256 is None:
        raise UsageProblem(
            _(
                "R{n} cannot be heard again: it is {state}. For a call say: hotline redo CALL"
            ).format(n=recording_id, state=recording_state(row.state))
        )
    recordings.set_state(log, recording_id, "received", who=by)


def _hear_again(
    home: Home, log: Log, call: CallRow, engine: Transcriber, progress: Progress
) -> int:
    from pipeline import audio, versions

    if call.recording_id is None:
        raise UsageProblem(
            _("Call {n} came as text; it can be read again, not heard.").format(n=call.id)
        )
    row = log.recording(call.recording_id)
    sound = audio.decode(original(home, row), name=Path(row.path).name)
    speech = audio.speech(sound)
    transcript = _transcribe(log, row, engine, sound, speech, Step(row.path, 1, 1), progress)
    turns = turns_of(transcript, sound, home.settings.hearing.script)
    return versions.hear(log, call.id, transcript, turns)


class _Windows:
    """What was heard of one recording so far, in the log."""

    def __init__(self, log: Log, recording_id: int) -> None:
        self._log, self._id = log, recording_id

    def get(self, key: str) -> tuple[Segment, ...] | None:
        return hearings.heard_window(self._log, self._id, key)

    def put(self, key: str, segments: Sequence[Segment]) -> None:
        hearings.keep_window(self._log, self._id, key, segments)


def original(home: Home, row: RecordingRow) -> Path:
    """The kept original of a recording; its dropped file, if that is still the same, where it has gone."""
    from pipeline import originals

    if row.original is not None:
        kept = home.path / row.original
        if kept.exists():
            return kept
    dropped = home.path / row.path
    if not dropped.is_file() or originals.hash_file(dropped) != row.sha256:
        raise HotlineError(
            _("{file} is neither in originals/ nor where it was dropped; put it back.").format(
                file=dropped.name
            )
        )
    return dropped


def understand_recording(home: Home, log: Log, recording_id: int, terms: Taxonomy) -> list[int]:
    """Split, tag and log the current transcript of a recording; the new request numbers."""
    call = log.call_of(recording_id)
    if call is None or log.recording(recording_id).state != "transcribed":
        return []
    transcript_id = log.current_transcript(call.id)
    assert transcript_id is not None  # a transcribed recording has one
    return meaning.understand_transcript(home, log, transcript_id, terms)


def import_calls(home: Home, log: Log, file: Path) -> Ingested:
    """Log every call of a calls.jsonl, tagged like any call; one that is there already is left."""
    from pipeline import calls, taxonomy

    terms = taxonomy.load(home.taxonomy)
    seen = new = 0
    failed: list[tuple[str, str]] = []
    opened: list[int] = []
    for call in calls.read(file, home.settings.zone):
        seen += 1
        if isinstance(call, HotlineError):
            failed.append((str(file), str(call)))
            continue
        transcript_id = hearings.import_call(log, call.id, call.started_at, call.medium, call.turns)
        if transcript_id is not None:
            new += 1
            opened.extend(meaning.understand_transcript(home, log, transcript_id, terms))
    return Ingested(seen, new, log.states(), len(opened), tuple(failed), new_requests=tuple(opened))
