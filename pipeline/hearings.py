"""What was heard of a call, as rows: the call, its transcript, words, turns and speech; the index with them.

A later hearing stands beside the earlier ones; one of them is current.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from datetime import datetime
from typing import TYPE_CHECKING

from pipeline import index
from pipeline.rows import CallFacts, Row, iso, utc
from pipeline.types import Medium, Segment, Transcript, Turn, Word

if TYPE_CHECKING:
    from pipeline.log import Log

_IMPORTED = Transcript(engine="import", model="text", language="zh", segments=(), speech=())
"""The hearing of a call that came as text: nothing was recognised here, and no speech looked for."""


def save(
    log: Log,
    recording_id: int,
    audio_facts: CallFacts,
    transcript: Transcript,
    turns: Sequence[Turn],
) -> int:
    """Log one hearing of a recording, and make it the current one; its id.

    The call, all words kept and set aside, the turns, the speech found, the index, the state
    `transcribed`: one transaction.
    """
    terms = terms_of_hearing(log, transcript, turns)
    with log.transaction():
        call_id = save_call(log, recording_id, audio_facts)
        transcript_id = save_hearing(log, call_id, transcript, turns, terms)
        log.conn.execute("DELETE FROM heard_windows WHERE recording_id = ?", (recording_id,))
        log.update("recordings", recording_id, {"state": "transcribed", "reason": None})
        log.event(
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


def heard_window(log: Log, recording_id: int, key: str) -> tuple[Segment, ...] | None:
    """What was heard of a window before a run was cut off; None if it was not."""
    found = log.value(
        "SELECT segments FROM heard_windows WHERE recording_id = ? AND key = ?",
        (recording_id, key),
    )
    if found is None:
        return None
    return tuple(
        Segment(**{**one, "words": tuple(Word(**word) for word in one["words"])})
        for one in json.loads(found)
    )


def keep_window(log: Log, recording_id: int, key: str, segments: Sequence[Segment]) -> None:
    """Keep what was heard of a window until the whole transcript is in the log."""
    said = json.dumps([asdict(segment) for segment in segments], ensure_ascii=True)
    with log.transaction():
        log.conn.execute(
            "INSERT OR REPLACE INTO heard_windows VALUES (?, ?, ?)", (recording_id, key, said)
        )


def import_call(
    log: Log,
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
    terms = terms_of_hearing(log, _IMPORTED, turns)
    with log.transaction():
        there = log.value("SELECT id FROM calls WHERE content_hash = ?", (content_hash,))
        if there is not None:
            cut_off = log.value(
                "SELECT id FROM transcripts AS x WHERE call_id = ? AND is_current "
                "AND EXISTS (SELECT 1 FROM turns WHERE transcript_id = x.id) "
                "AND NOT EXISTS (SELECT 1 FROM spans WHERE transcript_id = x.id)",
                (there,),
            )
            return None if cut_off is None else int(cut_off)
        call_id = log.insert(
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
        transcript_id = save_hearing(log, call_id, _IMPORTED, turns, terms)
        log.event("imported", call_id=call_id, note=id)
    return transcript_id


def save_call(log: Log, recording_id: int, call: CallFacts) -> int:
    """Log what is known of the call in a recording, as part of a transaction; its id."""
    row: Row = {field.name: getattr(call, field.name) for field in fields(call)}
    row["started_at"] = iso(call.started_at)
    row["problems"] = json.dumps(call.problems, ensure_ascii=False)
    there = log.value("SELECT id FROM calls WHERE recording_id = ?", (recording_id,))
    if there is not None:
        log.update("calls", there, row)
        return int(there)
    return log.insert("calls", {"recording_id": recording_id, "source": "recording", **row})


def terms_of_hearing(log: Log, heard: Transcript, turns: Sequence[Turn]) -> dict[str, index.Terms]:
    """What is to be indexed of a hearing, by text."""
    # Outside of the transaction: jieba takes a second to load, and others wait for the lock.
    aside = [segment.text for segment in heard.segments if segment.set_aside is not None]
    return index.terms_of(log, [*(turn.text for turn in turns), *aside])


def save_hearing(
    log: Log,
    call_id: int,
    heard: Transcript,
    turns: Sequence[Turn],
    terms: Mapping[str, index.Terms],
    *,
    current: bool = True,
) -> int:
    """Log a hearing of a call, as part of a transaction: its words, turns and speech, and their `terms`."""
    started = utc(log.call(call_id).started_at)
    if current:
        log.conn.execute("UPDATE transcripts SET is_current = 0 WHERE call_id = ?", (call_id,))
    transcript_id = log.insert(
        "transcripts",
        {
            "call_id": call_id,
            "engine": heard.engine,
            "model": heard.model,
            "language": heard.language,
            "parameters": json.dumps(heard.parameters, ensure_ascii=False, default=str),
            "created_at": iso(log.now()),
            "is_current": int(current),
        },
    )
    _save_segments(log, transcript_id, heard.segments, terms, started)
    log.insert_all(
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
    _save_turns(log, transcript_id, turns, terms, started)
    return transcript_id


def _save_segments(
    log: Log,
    transcript_id: int,
    segments: Sequence[Segment],
    terms: Mapping[str, index.Terms],
    started: str,
) -> None:
    """What was recognised, word by word; what was set aside is indexed by itself."""
    for idx, segment in enumerate(segments):
        segment_id = log.insert(
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
            index.add(log.conn, index.ASIDE + segment_id, terms[segment.text], started)
        log.insert_all(
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


def _save_turns(
    log: Log,
    transcript_id: int,
    turns: Sequence[Turn],
    terms: Mapping[str, index.Terms],
    started: str,
) -> None:
    for idx, turn in enumerate(turns):
        turn_id = log.insert(
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
        index.add(log.conn, turn_id, terms[turn.text], started)
