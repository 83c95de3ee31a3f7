"""Records as other programs read them: the contract's JSON lines, and CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipeline.log import Log
    from pipeline.rows import EventRow, RecordingRow, RequestRow, TagRow
    from pipeline.search import Answer, Hit
    from pipeline.trial import Heard
    from pipeline.types import Segment, Turn, Understanding


def json_line(row: Mapping[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=False, default=_plain)


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"no JSON for {type(value).__name__}")


def csv_text(rows: Iterable[Mapping[str, Any]]) -> str:
    """Rows as CSV with a heading; nested values as JSON. Cells that a spreadsheet would run are quoted."""
    rows = list(rows)
    if not rows:
        return ""
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({key: _cell(value) for key, value in row.items()})
    return out.getvalue().rstrip("\n")


def _cell(value: object) -> object:
    if isinstance(value, dict | list | tuple):
        return json.dumps(value, ensure_ascii=False, default=_plain)
    if isinstance(value, datetime):
        return value.isoformat()
    # A cell that begins so is a formula to Excel: OWASP, "CSV Injection".
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return "'" + value
    return value


def request_dict(row: RequestRow, now: datetime) -> dict[str, Any]:
    """A request's row under the names that `--json` keeps."""
    return {
        "request": row.number,
        "call": row.call_id,
        "recording": row.recording,
        "started_at": row.started_at,
        "category": row.category,
        "kind": row.kind,
        "urgency": row.urgency,
        "status": row.status,
        "place": asdict(row.place),
        "phone": row.phone,
        "caller": row.caller_name,
        "gist": row.gist,
        "text": row.text,
        "due_at": row.due_at,
        "overdue": is_overdue(row, now),
        "due_hint": row.due_hint.date().isoformat() if row.due_hint else None,
        "undertaking": row.undertaking,
        "undertaking_due": row.undertaking_due,
        "conditions": list(row.conditions),
        "ticked": list(row.ticked),
        "assignee": row.assignee,
        "repeat_of": row.repeat_of,
        "merged_into": row.merged_into,
        "calls": row.calls,
        "review": row.review,
        "spans": [[round(s.start, 2), round(s.end, 2)] for s in row.spans],
    }


def ledger_dict(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of the ledger (`report.rows.ledger`) under the names that `hotline export --json` keeps."""
    recorded = row["source"] == "recording"
    return {
        "request": row["number"],
        "channel": "telephone"
        if recorded
        else "desk"
        if row["time_source"] == "staff"
        else "import",
        "received_at": row["started_at"],
        "caller": row["caller"],
        "place": {name: row[name] for name in ("lane", "building", "unit", "room")},
        "phone": row["phone"],
        "content": row["gist"],
        "handled_by": row["assignee"] or row["closed_by"],
        "course": [
            {"at": at, "kind": kind, "who": who, "note": note, "data": data}
            for at, kind, who, note, data in row["story"]
        ],
        "outcome": row["closed_note"],
        "undertaking": row["undertaking"],
        "undertaking_due": row["undertaking_due_at"],
        "repeat_of": row["repeat_of"],
        "merged_into": row["merged_into"],
        "category": row["category"],
        "kind": row["kind"],
        "urgency": row["urgency"],
        "status": row["status"],
        "due_at": row["due_at"],
        "closed_at": row["closed_at"],
    }


def recording_dict(row: RecordingRow) -> dict[str, Any]:
    """Where a file stands that was ever seen: `hotline check --files --json`."""
    from pipeline.masks import mask_paths

    return {
        "recording": row.id,
        "path": mask_paths(row.path),
        "size": row.size,
        "state": row.state,
        "reason": mask_paths(row.reason),
        "first_seen_at": row.first_seen_at,
        "attempts": row.attempts,
        "retry_at": row.retry_at,
        "duplicate_of": row.duplicate_of,
        "original": row.original,
    }


def clock(seconds: float) -> str:
    """m:ss, as players show it."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02d}"


def play_command(hit: Hit) -> str | None:
    """What to type to hear a hit; None where there is no recording (a call that came as text)."""
    if hit.recording is None:
        return None
    if hit.request is not None:
        return f"hotline play {hit.request}"
    return f"hotline play --call {hit.call} --at {clock(hit.hits[0].start if hit.hits else 0.0)}"


def hit_dict(hit: Hit) -> dict[str, Any]:
    return {
        "request": hit.request,
        "call": hit.call,
        "recording": hit.recording,
        "started_at": hit.started_at,
        "category": hit.category,
        "kind": hit.kind,
        "urgency": hit.urgency,
        "status": hit.status,
        "place": asdict(hit.place) if hit.place is not None else None,
        "gist": hit.gist,
        "text": hit.text,
        "hits": [
            {
                "start": round(p.start, 2),
                "end": round(p.end, 2),
                "text": p.text,
                "marked": p.marked,
                "how": p.how,
                "where": p.where,
                "turn": p.turn,
            }
            for p in hit.hits
        ],
        "more": hit.more,
        "play": play_command(hit),
    }


def counts_dict(answer: Answer) -> dict[str, Any]:
    """How many were found: `hotline search WORDS --counts --json`."""
    return {
        "requests": answer.requests,
        "calls": answer.calls,
        "by_sound": answer.by_sound,
        "by_category": dict(answer.by_category),
        "by_urgency": dict(answer.by_urgency),
    }


def segment_dict(segment: Segment) -> dict[str, Any]:
    return {
        "start": round(segment.start, 3),
        "end": round(segment.end, 3),
        "channel": segment.channel,
        "speaker": segment.speaker,
        "text": segment.text,
        "words": [
            {
                "start": round(word.start, 3),
                "end": round(word.end, 3),
                "text": word.text,
                "probability": round(word.probability, 4),
            }
            for word in segment.words
        ],
        "avg_logprob": round(segment.avg_logprob, 4),
        "no_speech_prob": round(segment.no_speech_prob, 4),
        "compression_ratio": round(segment.compression_ratio, 3),
        "set_aside": segment.set_aside,
    }


def turn_dict(turn: Turn, words: Sequence[str] = ()) -> dict[str, Any]:
    """A turn; `beside` is what to show beside its words (see `beside.py`), `words` the office's own."""
    from pipeline.beside import notes

    return {
        "speaker": turn.speaker,
        "text": turn.text,
        "start": round(turn.start, 3),
        "end": round(turn.end, 3),
        "channel": turn.channel,
        "unheard": turn.unheard,
        "confidence": None if turn.confidence is None else round(turn.confidence, 3),
        "speaker_probability": (
            None if turn.speaker_probability is None else round(turn.speaker_probability, 3)
        ),
        "beside": [asdict(note) for note in notes(turn.text, words)],
    }


def heard_dict(heard: Heard, words: Sequence[str] = ()) -> dict[str, Any]:
    """One file heard, in the contract's form of `hotline transcribe --json`."""
    transcript = heard.transcript
    return {
        "file": str(heard.file),
        "language": transcript.language,
        "duration": round(heard.duration, 3),
        "channels": heard.channels,
        "engine": transcript.engine,
        "model": transcript.model,
        "segments": [segment_dict(segment) for segment in transcript.segments],
        "turns": [turn_dict(turn, words) for turn in heard.turns],
        "speech": [[round(s.start, 3), round(s.end, 3)] for s in transcript.speech],
        "problems": list(heard.problems),
    }


def understanding_dict(found: Understanding) -> dict[str, Any]:
    return {
        "requests": [
            {
                "turns": list(request.turns),
                "spans": [[round(s.start, 2), round(s.end, 2)] for s in request.spans],
                "category": request.category,
                "kind": request.kind,
                "urgency": request.urgency,
                "gist": request.gist,
                "place": asdict(request.place),
                "phone": request.phone,
                "caller": request.caller_name,
                "undertaking": request.undertaking,
                "undertaking_due": request.undertaking_due,
                "conditions": list(request.conditions),
                "due_hint": request.due_hint.date().isoformat() if request.due_hint else None,
                "evidence": [asdict(evidence) for evidence in request.evidence],
                "review": request.review,
            }
            for request in found.requests
        ],
        "chatter": list(found.chatter),
        "needs_listening": list(found.needs_listening),
    }


def is_overdue(row: RequestRow, now: datetime) -> bool:
    return row.status in ("open", "in_progress") and row.due_at is not None and row.due_at < now


def tag_dict(tag: TagRow) -> dict[str, Any]:
    return {
        "tag": tag.tag,
        "value": tag.value,
        "by": tag.by,
        "who": tag.who,
        "why": tag.why,
        "words": tag.words,
        "turn": tag.turn,
        "start_char": tag.start_char,
        "end_char": tag.end_char,
        "start": tag.start,
        "end": tag.end,
        "at": tag.at,
        "current": tag.current,
    }


def event_dict(event: EventRow) -> dict[str, Any]:
    return {
        "at": event.at,
        "kind": event.kind,
        "who": event.who,
        "note": event.note,
        "data": dict(event.data),
    }


TOLD = {"people": "person", "medicines": "medicine", "quantities": "quantity", "identity": "id"}
"""What a request may tell several of, by the tag that holds each."""


def told(tags: Iterable[TagRow]) -> dict[str, list[str]]:
    """People, medicines, quantities and identity numbers that the words of a request tell, in order."""
    found: dict[str, list[str]] = {}
    said = list(tags)
    for name, tag in TOLD.items():
        found[name] = list(dict.fromkeys(one.value for one in said if one.tag == tag))
    return found


def request_view(log: Log, number: int, now: datetime, words: Sequence[str] = ()) -> dict[str, Any]:
    """A request with its call, its tags and its story: `hotline show ID --json`."""
    row = log.request(number)
    return {
        **request_dict(row, now),
        **told(log.tags(number)),
        "turns": sorted({piece.turn for piece in log.request_text(number)}),
        "evidence": [tag_dict(tag) for tag in log.tags(number)],
        "events": [event_dict(event) for event in log.story(number)],
        "of_call": call_view(log, row.call_id, words),
    }


def call_view(log: Log, call_id: int, words: Sequence[str] = ()) -> dict[str, Any]:
    """A call with all of its turns, and what was set aside: `hotline show --call N --json`."""
    from pipeline import aside, veil

    call = log.call(call_id)
    transcript = log.current_transcript(call_id)
    return {
        "call": call.id,
        "recording": call.recording,
        "started_at": call.started_at,
        "time_source": call.time_source,
        "duration": call.duration,
        "medium": call.medium,
        "phone": call.caller_phone,
        "problems": list(call.problems),
        "turns": ([turn_dict(turn, words) for turn in log.turns(transcript)] if transcript else []),
        "set_aside": [asdict(found) for found in veil.asides(log, aside.of_call(log, call_id))],
    }
