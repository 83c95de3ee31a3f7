"""The ledger (台账): a line a request, in the columns that offices keep.

`rows.ledger` reads its rows, `privacy.masked_row` hides the numbers of persons in one, `entry` makes a
line of it: cells that are whole numbers, moments of the office's clock, or words.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias
from zoneinfo import ZoneInfo

from pipeline.i18n import _, language
from pipeline.report.page import where
from pipeline.screen import label
from pipeline.states import request_state
from pipeline.story import named, sentence

if TYPE_CHECKING:
    from pipeline.taxonomy import Names

Value: TypeAlias = str | int | datetime | None


def heads() -> tuple[tuple[str, int], ...]:
    """The columns with the width of each in characters: the ledger's own, then what the log knows besides."""
    return (
        (_("No."), 8), (_("Channel"), 8), (_("Received"), 16), (_("Name"), 8), (_("Place"), 16),
        (_("Phone"), 13), (_("Content"), 36), (_("Handled by"), 9), (_("Course"), 32),
        (_("Outcome"), 20), (_("Call back"), 8), (_("Remarks"), 20), (_("Category"), 10),
        (_("Kind"), 9), (_("Urgency"), 9), (_("Status"), 10), (_("Answer due"), 16), (_("Closed"), 16),
    )  # fmt: skip


def entry(row: Mapping[str, Any], names: Names, zone: ZoneInfo) -> tuple[Value, ...]:
    """A row of `rows.ledger` as the cells under `heads`; 回访 is left empty for the pen."""

    def local(text: str | None) -> datetime | None:
        """As the office's clock shows it, without a zone: spreadsheets know none."""
        return datetime.fromisoformat(text).astimezone(zone).replace(tzinfo=None) if text else None

    colon = "：" if language() == "zh_CN" else ": "
    course = [
        f"{local(at):%m-%d %H:%M} {who} {sentence(kind, named(data, names), note)}"
        for at, kind, who, note, data in row["story"]
    ]
    outcome = request_state(row["status"]) if row["closed_at"] else ""
    if row["closed_note"]:
        outcome += f"{colon}{row['closed_note']}"
    remarks = []
    if row["undertaking"]:
        remarks.append(_("Promised: {words}").format(words=row["undertaking"]))
    if row["repeat_of"]:
        remarks.append(_("repeats No. {n}").format(n=row["repeat_of"]))
    if row["merged_into"]:
        remarks.append(_("merged into No. {n}").format(n=row["merged_into"]))
    last = row["story"][-1][2] if row["story"] else None
    return (
        row["number"],
        channel(row["source"], row["time_source"]),
        local(row["started_at"]),
        row["caller"],
        where(row),
        row["phone"],
        row["gist"],
        row["assignee"] or row["closed_by"] or last,
        "\n".join(course),
        outcome,
        None,
        _("; ").join(remarks),
        label(names, "category", row["category"]),
        label(names, "kind", row["kind"]),
        label(names, "urgency", row["urgency"]),
        request_state(row["status"]),
        local(row["due_at"]),
        local(row["closed_at"]),
    )


def channel(source: str, time_source: str) -> str:
    """How a request came: by a recorded call, at the desk, or with another system's calls."""
    if source == "recording":
        return _("telephone")
    return _("at the desk") if time_source == "staff" else _("import")
