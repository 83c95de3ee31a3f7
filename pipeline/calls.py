"""Calls as text: `calls.jsonl`, one call a line, as other systems' transcripts and references come."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pipeline.errors import HotlineError
from pipeline.i18n import _, system_says
from pipeline.types import SPEAKERS, Medium, Place, Turn


@dataclass(frozen=True, slots=True)
class ReferenceRequest:
    """A request as a person labelled it. `turns` are indexes; `due_hint` is a day."""

    turns: tuple[int, ...]
    category: str
    kind: str
    urgency: str
    gist: str = ""
    place: Place = Place()
    phone: str | None = None
    undertaking: str | None = None
    due_hint: date | None = None


@dataclass(frozen=True, slots=True)
class TextCall:
    """A call as text. `requests` is None where the file has no references.

    `extra` holds the fields that the contract does not name, as they came.
    """

    id: str
    started_at: datetime
    medium: Medium
    turns: tuple[Turn, ...]
    requests: tuple[ReferenceRequest, ...] | None = None
    extra: Mapping[str, Any] | None = None


def read(path: Path, zone: ZoneInfo) -> Iterator[TextCall | HotlineError]:
    """The calls of a file, in order; a line that cannot be read comes as the error that says why."""
    try:
        with path.open(encoding="utf-8-sig", errors="replace") as lines:
            for number, line in enumerate(lines, 1):
                if not line.strip():
                    continue
                try:
                    yield parse(json.loads(line), zone)
                except (ValueError, KeyError, TypeError, AttributeError) as error:
                    yield HotlineError(
                        _("{file}, line {line}: this is no call ({error}). Mend the line.").format(
                            file=path.name, line=number, error=_what(error)
                        )
                    )
    except OSError as error:
        raise HotlineError(
            _("{file} cannot be read: {error}.").format(file=path, error=system_says(error))
        ) from error


def _what(error: Exception) -> str:
    if isinstance(error, KeyError):
        return _("{key} is missing").format(key=error)
    return _("no JSON") if isinstance(error, json.JSONDecodeError) else str(error)


def parse(row: Mapping[str, Any], zone: ZoneInfo) -> TextCall:
    """One call of the contract's form.

    Raises:
        KeyError, ValueError, TypeError: what is missing or cannot be meant.
    """
    if not isinstance(row, dict):
        raise ValueError("not an object")
    started = datetime.fromisoformat(row["started_at"])
    if started.tzinfo is None:
        started = started.replace(tzinfo=zone)
    medium = row.get("medium", "mono")
    if medium not in ("mono", "stereo"):
        raise ValueError(f"medium {medium!r}")
    turns: list[Turn] = []
    at = 0.0
    for turn in row["turns"]:
        text = str(turn.get("text") or "")
        start = float(turn["start"]) if turn.get("start") is not None else at
        # Without an end, guess 4.5 characters a second, the pace of telephone Mandarin.
        end = float(turn["end"]) if turn.get("end") is not None else start + len(text) / 4.5
        speaker = turn.get("speaker", "unknown")
        turns.append(
            Turn(
                speaker=speaker if speaker in SPEAKERS else "unknown",
                text=text,
                start=start,
                end=max(start, end),
                unheard=bool(turn.get("unheard", False)),
            )
        )
        at = turns[-1].end
    known = {"id", "started_at", "medium", "turns", "requests"}
    references = row.get("requests")
    return TextCall(
        id=str(row["id"]),
        started_at=started,
        medium=medium,
        turns=tuple(turns),
        requests=tuple(_reference(r, len(turns)) for r in references)
        if references is not None
        else None,
        extra={key: value for key, value in row.items() if key not in known},
    )


def _reference(row: Mapping[str, Any], n_turns: int) -> ReferenceRequest:
    turns = tuple(int(t) for t in row["turns"])
    if any(not 0 <= t < n_turns for t in turns):
        raise ValueError(f"turns {list(turns)}")
    place = row.get("place") or {}
    hint = row.get("due_hint")
    return ReferenceRequest(
        turns=turns,
        category=row["category"],
        kind=row["kind"],
        urgency=row["urgency"],
        gist=row.get("gist") or "",
        place=Place(place.get("lane"), place.get("building"), place.get("unit"), place.get("room")),
        phone=row.get("phone"),
        undertaking=row.get("undertaking"),
        due_hint=datetime.fromisoformat(hint).date() if hint else None,
    )
