"""Hearing, understanding and measuring files without the log: what is tried here is remembered nowhere."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import HotlineError, UnsupportedAudio
from pipeline.i18n import _
from pipeline.meaning import learned_of
from pipeline.process import Progress, Step, turns_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.calls import TextCall
    from pipeline.settings import Home
    from pipeline.transcribe import Transcriber
    from pipeline.types import Transcript, Turn, Understanding


@dataclass(frozen=True, slots=True)
class Heard:
    """One file heard without the log: its transcript, turns and the sound's own facts."""

    file: Path
    duration: float
    channels: int
    problems: tuple[str, ...]
    transcript: Transcript
    turns: tuple[Turn, ...]


def transcribe_file(file: Path, engine: Transcriber, script: str = "simplified") -> Heard:
    """Hear one file; nothing is logged.

    Raises:
        HotlineError: the file is not there, or holds no sound.
    """
    from pipeline import audio
    from pipeline.types import Transcript

    if not file.is_file():
        raise HotlineError(_("{file} is not there.").format(file=file))
    sound = audio.decode(file)
    speech = audio.speech(sound)
    transcript = (
        engine.transcribe(sound, speech)
        if speech
        else Transcript(engine.engine, engine.model, "zh", (), ())
    )
    return Heard(
        file,
        sound.duration,
        len(sound.channels),
        (*sound.problems, *audio.complaints(sound)),
        transcript,
        turns_of(transcript, sound, script),
    )


def understand_file(
    file: Path, home: Home | None
) -> Iterator[tuple[TextCall, Understanding] | HotlineError]:
    """Each call of a calls.jsonl with what was understood of it; a bad line as its error."""
    from pipeline import calls, taxonomy
    from pipeline.settings import Settings
    from pipeline.understand import understand

    terms = taxonomy.load(home.taxonomy if home else None)
    zone = (home.settings if home else Settings()).zone
    for call in calls.read(file, zone):
        if isinstance(call, HotlineError):
            yield call
        else:
            yield call, understand(call.turns, call.started_at, terms, learned=learned_of(home))


def evaluate_folder(
    folder: Path, engine: Transcriber, home: Home | None, progress: Progress = lambda step: None
) -> dict[str, object]:
    """Hear the recordings of `folder` that have references, and count what was right.

    References are `calls.jsonl`, whose ids are the files' stems, or NAME.txt beside a recording (what
    was said; only character errors are counted there). Files that hold no sound or no speech count
    as heard empty. Returns the contract's figures with their counts, and a row a call.

    Raises:
        HotlineError: there are no references, or none has its recording.
    """
    from pipeline import calls, cer, evaluate, taxonomy
    from pipeline.settings import Settings
    from pipeline.understand import understand

    zone = (home.settings if home else Settings()).zone
    terms = taxonomy.load(home.taxonomy if home else None)
    sounds = {
        path.stem: path
        for path in sorted(folder.iterdir())
        if path.is_file() and path.suffix.lower() not in (".txt", ".jsonl")
    }
    references: dict[str, TextCall | str] = {}
    listed = folder / "calls.jsonl"
    if listed.exists():
        for call in calls.read(listed, zone):
            if isinstance(call, HotlineError):
                raise call
            references[call.id] = call
    for path in sorted(folder.glob("*.txt")):
        references.setdefault(path.stem, path.read_text(encoding="utf-8-sig", errors="replace"))
    missing = [name for name in references if name not in sounds]
    todo = {name: sounds[name] for name in references if name in sounds}
    if not todo:
        raise HotlineError(
            _(
                "{folder} holds no recording with a reference: put NAME.txt beside NAME.amr, or a "
                "calls.jsonl whose ids are the recordings' names."
            ).format(folder=folder)
        )
    errors, counts, rows = cer.Errors(), evaluate.Counts(), []
    groups: dict[str, cer.Errors] = {}
    for index, (name, path) in enumerate(todo.items(), 1):
        progress(Step(str(path), index, len(todo)))
        reference = references[name]
        turns: tuple[Turn, ...] = ()
        said_why = None
        try:
            turns = transcribe_file(path, engine).turns
        except UnsupportedAudio as error:
            said_why = str(error)
        heard = "".join(turn.text for turn in turns)
        said = (
            reference
            if isinstance(reference, str)
            else "".join(turn.text for turn in reference.turns)
        )
        wrong = cer.character_errors(said, heard)
        errors += wrong
        row: dict[str, object] = {"id": name, "cer": wrong.cer, "characters": wrong.characters}
        if said_why is not None:
            row["not_heard"] = said_why
        if not isinstance(reference, str):
            for group, some in cer.grouped(reference.turns, heard).items():
                groups[group] = groups.get(group, cer.Errors()) + some
        if not isinstance(reference, str) and reference.requests is not None:
            found = understand(turns, reference.started_at, terms, learned=learned_of(home))
            one = evaluate.score(found, reference.requests, turns, reference.turns)
            counts += one
            row |= {"requests": one.requests, "found": one.matched, "predicted": one.predicted}
        rows.append(row)
        progress(Step(str(path), index, len(todo), state="heard"))
    return {
        "cer": errors.cer,
        "characters": errors.characters,
        "cer_by": {
            name: {"cer": some.cer, "characters": some.characters}
            for name, some in sorted(groups.items())
        },
        **counts.rates(),
        "calls": len(todo),
        "model": engine.model,
        "engine": engine.engine,
        "counts": asdict(counts),
        "missing": missing,
        "by_call": rows,
    }
