"""The figures and rows of the report without the numbers of persons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pipeline.masks import mask_file, mask_name, mask_phone, mask_text

if TYPE_CHECKING:
    from pipeline.report.figures import Week

_TEXTS = ("gist", "note", "undertaking", "reason")


def masked(week: Week) -> Week:
    """The same figures with the numbers of persons made unreadable in every text."""

    def hide(row: dict[str, Any]) -> dict[str, Any]:
        kept: dict[str, Any] = {
            name: mask_text(value) if name in _TEXTS and isinstance(value, str) else value
            for name, value in row.items()
        }
        if "story" in kept:
            kept["story"] = _masked_story(kept["story"])
        if "path" in kept:
            file = str(kept["path"]).replace("\\", "/").rpartition("/")[2]
            kept["path"] = mask_file(file)
            if kept.get("reason"):
                kept["reason"] = mask_text(kept["reason"].replace(str(row["path"]), kept["path"]).replace(file, kept["path"]))  # fmt: skip
        return kept

    return replace(
        week,
        critical=tuple(hide(row) for row in week.critical),
        undertakings=tuple(hide(row) for row in week.undertakings),
        promised_next=tuple(hide(row) for row in week.promised_next),
        overdue_list=tuple(hide(row) for row in week.overdue_list),
        unheard=tuple(hide(row) for row in week.unheard),
        masked=True,
    )


def masked_row(row: dict[str, Any]) -> dict[str, Any]:
    """A row of `rows.details` or `rows.ledger` with phone, name and texts masked."""
    kept = dict(row)
    for name in ("gist", "undertaking", "closed_note"):
        kept[name] = mask_text(row[name]) if row[name] else row[name]
    kept["phone"], kept["caller"] = mask_phone(row["phone"]), mask_name(row["caller"])
    kept["story"] = _masked_story(row["story"])
    return kept


def _masked_story(story: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
    """What people did, with their notes and what they corrected masked."""
    return [
        (at, kind, who, mask_text(note) if note else note, _hidden(data))
        for at, kind, who, note, data in story
    ]


def _hidden(value: Any, key: str = "") -> Any:
    if isinstance(value, dict):
        return {name: _hidden(inner, name) for name, inner in value.items()}
    if isinstance(value, list):
        return [_hidden(inner, key) for inner in value]
    if not isinstance(value, str):
        return value
    if key in ("caller", "caller_name"):
        return mask_name(value)
    return mask_phone(value) if key == "phone" else mask_text(value)
