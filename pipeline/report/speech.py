"""How a period is told: figures with their names, what they were before, and the words for a period."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from pipeline.i18n import _
from pipeline.report.page import (
    Bars,
    Change,
    Figure,
    joined,
    moment_of,
    weekday,
)
from pipeline.screen import label

if TYPE_CHECKING:
    from pipeline.report.figures import Week
    from pipeline.taxonomy import Names

NUMBERS = 6
"""So many request numbers stand behind a sentence; of more, the first."""


LISTED = 60
"""So many are told behind it; of more, the first and how to see the rest."""


class Speech:
    """The figures `self.w` of a period, already masked if they are to be, and the ways to say them."""

    def __init__(self, week: Week, names: Names) -> None:
        self.w = week
        self.names = names
        self.zone = ZoneInfo(week.zone)
        self.until = min(week.made_at, week.period.moments(self.zone)[1])
        kind = week.kind if week.before_until is None else f"{week.kind} so far"
        self.this = {
            "day": _("the day"), "week": _("the week"), "month": _("the month"), "year": _("the year"),
        }.get(week.kind, _("the period"))  # fmt: skip
        self.last = {
            "day": _("the day before"), "week": _("the week before"), "month": _("the month before"),
            "year": _("the year before"), "day so far": _("the day before up to the same hour"),
            "week so far": _("the week before up to the same hour"),
            "month so far": _("the month before up to the same day"),
            "year so far": _("the year before up to the same day"),
        }.get(kind, _("the period before"))  # fmt: skip
        self.next = {
            "day": _("the next day"), "week": _("next week"), "month": _("next month"),
            "year": _("next year"),
        }.get(week.kind, _("the next period"))  # fmt: skip

    def fig(self, name: str) -> Figure:
        """A figure by its name: a field of the week, or a group's key."""
        group, dot, key = name.partition(".")
        return Figure(getattr(self.w, group).get(key, 0) if dot else getattr(self.w, name), name)

    def past(self, name: str, key: str | None = None) -> int | None:
        """The same figure of the period before, None where the log was not kept yet."""
        if self.w.before is None:
            return None
        value = self.w.before[name]
        return int(value.get(key, 0) if key is not None else value)

    def compared(self, name: str) -> str:
        before = self.past(name)
        if before is None:
            return ""
        change = Change(getattr(self.w, name), before)
        return _(" ({last}: {n}; {change})").format(last=self.last, n=before, change=change.words)

    def seen(self, numbers: Sequence[int]) -> str:
        """What leads from a sentence to its rows on paper: their numbers, of many the first."""
        said = joined(map(str, numbers[:NUMBERS]))
        if len(numbers) > NUMBERS:
            return _("(No. {numbers} and {n} more)").format(numbers=said, n=len(numbers) - NUMBERS)
        return _("(No. {numbers})").format(numbers=said)

    def bars(
        self, name: str, title: str, counts: Mapping[str, int], *, columns: bool = False
    ) -> Bars | None:
        if not any(counts.values()):
            return None
        return Bars(
            name,
            title,
            tuple(self.key_label(name, key) for key in counts),
            tuple(Figure(n, f"{name}.{key}") for key, n in counts.items()),
            columns,
        )

    def key_label(self, name: str, key: str) -> str:
        if name == "by_day":
            day = date.fromisoformat(key)
            return f"{day:%m-%d} {weekday(day)}"
        if name == "by_month":
            return key
        if name == "by_hour":
            return str(int(key))
        if name == "by_building":
            return _("building {n}").format(n=key)
        return label(self.names, name.removeprefix("by_"), key)

    def moment(self, text: str | None) -> str:
        at = moment_of(text, self.zone)
        if at is None:
            return ""
        day = f"{at:%m-%d}"
        return day if (at.hour, at.minute) in ((23, 59), (0, 0)) else f"{day} {at:%H:%M}"

    def days(self) -> Bars | None:
        counts = self.w.by_day
        if len(counts) > 62:  # a year is drawn by months
            return self.bars("by_month", _("Requests by month"), self.w.by_month, columns=True)
        if len(counts) < 2:
            return None
        return self.bars("by_day", _("Requests by day"), counts, columns=True)

    def more(self, whole: int, name: str, shown: int) -> str:
        """What is said under a list of which only the first `shown` stand there."""
        if whole <= shown:
            return ""
        if shown < LISTED:
            return _("And {n} more, listed behind.").format(n=whole - shown)
        return _("And {n} more (rows: {name}).").format(n=whole - shown, name=name)
