"""Rows as people and programs read them: JSON lines, CSV, and the terminal's tables."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pipeline.i18n import _

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from rich.console import Console, RenderableType
    from rich.text import Text

    from pipeline.log import RequestRow
    from pipeline.process import Heard, Ingested
    from pipeline.search import Hit
    from pipeline.taxonomy import Taxonomy
    from pipeline.types import Place, Segment, Turn, Understanding

Form = Literal["text", "json", "csv"]

URGENCY_STYLE = {"critical": "bold white on red", "urgent": "bold yellow", "routine": ""}
URGENCY_SIGN = {"critical": "!!", "urgent": "!", "routine": " "}
"""Beside the colour, so that the level is seen without it."""


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


def place_dict(place: Place) -> dict[str, str | None]:
    return {
        "lane": place.lane,
        "building": place.building,
        "unit": place.unit,
        "room": place.room,
    }


def place_text(place: Place) -> str:
    """2-3-501; with the lane in front where one was said."""
    inner = "-".join(p for p in (place.building, place.unit, place.room) if p)
    if place.lane:
        return _("lane {lane}").format(lane=place.lane) + (f" {inner}" if inner else "")
    return inner


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
        "place": place_dict(row.place),
        "phone": row.phone,
        "caller": row.caller_name,
        "gist": row.gist,
        "text": row.text,
        "due_at": row.due_at,
        "overdue": is_overdue(row, now),
        "due_hint": row.due_hint.date().isoformat() if row.due_hint else None,
        "undertaking": row.undertaking,
        "conditions": list(row.conditions),
        "repeat_of": row.repeat_of,
        "review": row.review,
        "spans": [[round(s.start, 2), round(s.end, 2)] for s in row.spans],
    }


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
        "place": place_dict(hit.place) if hit.place is not None else None,
        "gist": hit.gist,
        "text": hit.text,
        "hits": [
            {
                "start": round(p.start, 2),
                "end": round(p.end, 2),
                "text": p.text,
                "marked": p.marked,
                "how": p.how,
            }
            for p in hit.hits
        ],
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


def turn_dict(turn: Turn) -> dict[str, Any]:
    return {
        "speaker": turn.speaker,
        "text": turn.text,
        "start": round(turn.start, 3),
        "end": round(turn.end, 3),
        "channel": turn.channel,
        "unheard": turn.unheard,
    }


def heard_dict(heard: Heard) -> dict[str, Any]:
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
        "turns": [turn_dict(turn) for turn in heard.turns],
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
                "place": place_dict(request.place),
                "phone": request.phone,
                "caller": request.caller_name,
                "undertaking": request.undertaking,
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


def clock(seconds: float) -> str:
    """m:ss, as players show it."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02d}"


def due_text(due_at: datetime | None, now: datetime) -> str:
    """How soon, in the largest unit that says it."""
    if due_at is None:
        return ""
    seconds = (due_at - now).total_seconds()
    late = seconds < 0
    minutes = abs(seconds) / 60
    if minutes < 90:
        span = _("{n:.0f} min").format(n=minutes)
    elif minutes < 48 * 60:
        span = _("{n:.0f} h").format(n=minutes / 60)
    else:
        span = _("{n:.0f} days").format(n=minutes / 1440)
    return _("late by {span}").format(span=span) if late else _("in {span}").format(span=span)


def when_text(moment: datetime | None, zone: ZoneInfo) -> str:
    return moment.astimezone(zone).strftime("%m-%d %H:%M") if moment else ""


def requests_table(
    rows: Sequence[RequestRow], names: Taxonomy, zone: ZoneInfo, now: datetime
) -> RenderableType:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column(_("No."), justify="right", no_wrap=True)
    table.add_column(_("Urgency"), no_wrap=True)
    table.add_column(_("Due"), no_wrap=True)
    table.add_column(_("Where"), no_wrap=True)
    table.add_column(_("Category"), no_wrap=True)
    table.add_column(_("Called"), no_wrap=True)
    table.add_column(_("What"), overflow="fold")
    for row in rows:
        due = due_text(row.due_at, now) if row.closed_at is None else row_state(row)
        what = row.gist
        if row.repeat_of:
            what += " " + _("(again: {n})").format(n=row.repeat_of)
        table.add_row(
            str(row.number),
            urgency(row.urgency, names),
            Text(due, style="red" if is_overdue(row, now) else ""),
            place_text(row.place),
            names.name("category", row.category),
            when_text(row.started_at, zone),
            what,
        )
    return table


def row_state(row: RequestRow) -> str:
    return {
        "open": _("open"),
        "in_progress": _("in progress"),
        "done": _("done"),
        "merged": _("merged"),
        "dismissed": _("dismissed"),
    }[row.status]


def urgency(level: str, names: Taxonomy) -> Text:
    """The level with its sign, coloured; where the danger is to life, the number to call as well."""
    from rich.text import Text

    sign = URGENCY_SIGN.get(level, "")
    return Text(
        f"{sign} {names.name('urgency', level)}".strip(), style=URGENCY_STYLE.get(level, "")
    )


def state_counts(states: Mapping[str, int]) -> str:
    said = {
        "arriving": _("arriving"),
        "received": _("waiting to be heard"),
        "transcribed": _("heard, not yet read"),
        "logged": _("in the log"),
        "failed": _("failed"),
        "silent": _("silent"),
        "duplicate": _("double"),
        "unsupported": _("no sound inside"),
    }
    return " · ".join(f"{n} {said.get(state, state)}" for state, n in states.items() if n)


def console() -> Console:
    """Where text for people goes: rich's console, which knows NO_COLOR and pipes."""
    from rich.console import Console

    shown = Console(highlight=False, soft_wrap=False)
    if not shown.is_terminal:
        # A pipe has no width: do not cut what `grep` should find.
        shown = Console(highlight=False, width=200)
    return shown


def ingested_text(done: Ingested) -> list[str]:
    lines = [
        _("{seen} files seen, {new} new; {requests} new requests.").format(
            seen=done.seen, new=done.new, requests=done.requests
        ),
        state_counts(done.states),
    ]
    lines += [_("Failed: {reason}").format(reason=reason) for _path, reason in done.failed_now]
    if done.waiting_for:
        lines.append(done.waiting_for)
    return [line for line in lines if line]
