"""The version for the notice board: counts that point to nobody, without a person, a place or a call.

The totals are told as they are. Of what they are made of no count of one to four is told, and none that
could be worked out from the others.
"""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.i18n import _
from pipeline.report.front import Front
from pipeline.report.page import Bars, Block, Cell, Figure, Line, Rate, Table, Text
from pipeline.report.words import FEWEST
from pipeline.screen import label


def gathered(counts: Mapping[str, int]) -> tuple[dict[str, int], int]:
    """The counts that can be told one by one, and the others put together (0: there are none).

    Put together are the small ones; where these are but one, or together still small, the next greater
    ones as well. Nothing is told one by one where that leaves nothing.
    """
    small = {key for key, n in counts.items() if 0 < n < FEWEST}
    greater = sorted((key for key, n in counts.items() if n >= FEWEST), key=lambda key: counts[key])
    while small and greater and (len(small) == 1 or sum(map(counts.__getitem__, small)) < FEWEST):
        small.add(greater.pop(0))
    if not greater:
        return {}, sum(counts.values())
    return {key: n for key, n in counts.items() if key not in small}, sum(
        map(counts.__getitem__, small)
    )


class Board(Front):
    """The blocks of the notice board."""

    def board(self) -> list[Block | None]:
        return [
            self.lead(),
            self.sum(),
            self.shares("urgencies", "urgency", _("By urgency"), _("Urgency"), self.w.by_urgency),
            self.shares("categories", "category", _("By category"), _("Category"), self.w.by_category),
            self.days(),
            Text(
                (
                    Line(_("Counts of fewer than {n} are put together with others.").format(n=FEWEST)),
                    Line(_("In danger to life call 110, 119 or 120 first.")),
                )
            ),
        ]  # fmt: skip

    def lead(self) -> Text:
        w = self.w
        said = [Line(line.words) for line in self.came_in()]  # nobody at the board can list rows
        if top := self.topics(gathered(w.by_category)[0]):
            said.append(Line(_("Most asked for: {list}.").format(list=top)))
        if w.done:
            words = _("Answered: {n}.")
            if self.tells(w.answered_in_time, w.done):
                words = _("Answered: {n}, of them in time {a} and late {b} (in time: {rate}).")
            rate = Rate(w.answered_in_time, w.done)
            said.append(
                Line(words.format(n=w.done, a=w.answered_in_time, b=w.answered_late, rate=rate))
            )
        words = _("Open at the end: {n}.")
        if self.tells(w.overdue, w.still_open):
            words = _("Open at the end: {n}, of them overdue {late}.")
        said.append(Line(words.format(n=w.still_open, late=w.overdue)))
        if self.tells(w.repeat_requests, w.requests):
            again = _("Repeat calls: {n} of {m} ({rate})").format(
                n=w.repeat_requests, m=w.requests, rate=Rate(w.repeat_requests, w.requests)
            )
            said.append(Line(_("{said}.").format(said=again)))
        return Text(tuple(said))

    def tells(self, part: int, whole: int) -> bool:
        """Whether neither the part nor what is left of the whole points to a few."""
        return part >= FEWEST and (whole == part or whole - part >= FEWEST)

    def shares(
        self, name: str, what: str, title: str, head: str, counts: Mapping[str, int]
    ) -> Table | None:
        """A table of one group with the share of each; none where nothing of it can be told."""
        shown, rest = gathered(counts)
        if not shown:
            return None
        rows: list[tuple[Cell, ...]] = [
            (label(self.names, what, key), n, Rate(n, self.w.requests)) for key, n in shown.items()
        ]
        if rest:
            rows.append((_("all others"), rest, Rate(rest, self.w.requests)))
        rows.append((_("Together"), self.w.requests, Rate(self.w.requests, self.w.requests)))
        return Table(name, title, (head, _("New"), _("Share")), tuple(rows), total=True)

    def days(self) -> Bars | None:
        drawn = super().days()
        if drawn is None:
            return None
        counts = {label: figure.n for label, figure in zip(drawn.labels, drawn.values, strict=True)}
        shown, rest = gathered(counts)
        if not shown:
            return None
        if rest:
            shown[_("all others")] = rest
        values = tuple(Figure(n, "") for n in shown.values())
        return Bars(drawn.name, drawn.title, tuple(shown), values, drawn.columns)
