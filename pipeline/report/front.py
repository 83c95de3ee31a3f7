"""The page that is signed: the sentences, the balance, what stood out, and the promises."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta

from pipeline.i18n import _
from pipeline.report.lists import Lists
from pipeline.report.page import (
    Block,
    Cell,
    Change,
    Items,
    Line,
    Rate,
    Sum,
    Table,
    Text,
    day_time,
    joined,
)
from pipeline.report.unseen import Unseen
from pipeline.screen import label
from pipeline.types import URGENCIES

STOOD_OUT = 4
"""So much of what stood out has room on the page that is signed; of more, the whole is behind it."""


class Front(Lists, Unseen):
    """The blocks of the front page."""

    def lead(self) -> Text:
        w = self.w
        said = [*self.came_in()]
        if top := self.topics(w.by_category):
            first = next(iter(w.by_category))
            said.append(Line(_("Most asked for: {list}.").format(list=top), f"by_category.{first}"))
        if w.done:
            words = _("Answered: {n}, of them in time {a} and late {b} (in time: {rate}).").format(
                n=w.done, a=w.answered_in_time, b=w.answered_late,
                rate=Rate(w.answered_in_time, w.done),
            )  # fmt: skip
            said.append(Line(words, "done"))
        words = _("Open at the end: {n}, of them overdue {late}.")
        said.append(Line(words.format(n=w.still_open, late=w.overdue), "still_open"))
        if w.repeat_requests:
            again = _("Repeat calls: {n} of {m} ({rate})").format(
                n=w.repeat_requests, m=w.requests, rate=Rate(w.repeat_requests, w.requests)
            )
            words = _("{said}: {list}.").format(said=again, list=self.topics(w.repeats_by_category))
            said.append(Line(words, "repeat_requests"))
        return Text(tuple(said))

    def came_in(self) -> Iterator[Line]:
        """How far the period is, and what came in: totals alone."""
        w, begins = self.w, self.w.period.moments(self.zone)[0]
        if w.made_at < begins:
            yield Line(_("The period has not begun."))
        elif not w.over:
            words = _("The period is not over: figures up to {when}.")
            yield Line(words.format(when=day_time(w.made_at)))
        if not w.calls and not w.requests:
            yield Line(_("No call came in."), "calls")
            return
        days = max((self.until - begins) / timedelta(days=1), 1.0)
        words = _("Calls: {n}{change}, {mean:.1f} a day.")
        change = self.compared("calls")
        yield Line(words.format(n=w.calls, change=change, mean=w.calls / days), "calls")
        if self.tells(w.calls_at_desk, w.calls):
            words = _("Of these, {n} came to the desk.")
            yield Line(words.format(n=w.calls_at_desk), "calls_at_desk")
        words = _("Requests: {n}{change}.")
        yield Line(words.format(n=w.requests, change=self.compared("requests")), "requests")

    def tells(self, part: int, whole: int) -> bool:
        """Whether a part of a whole is said."""
        return part > 0

    def topics(self, counts: Mapping[str, int]) -> str:
        """The three categories with the most."""
        return joined(
            _("{what} {n}").format(what=label(self.names, "category", key), n=n)
            for key, n in list(counts.items())[:3]
        )

    def sum(self) -> Sum:
        return Sum(
            (
                ("", _("carried over"), self.fig("carried_over")),
                ("+", _("new"), self.fig("requests")),
                ("+", _("reopened"), self.fig("reopened")),
                ("−", _("done"), self.fig("done")),
                ("−", _("dismissed"), self.fig("dismissed")),
                ("−", _("merged"), self.fig("merged")),
                ("=", _("still open"), self.fig("still_open")),
            )
        )

    def urgencies(self) -> Table:
        w = self.w
        rows: list[tuple[Cell, ...]] = []
        for level in URGENCIES:
            before = self.past("by_urgency", level)
            in_time, late = w.in_time_by_urgency[level], w.late_by_urgency[level]
            rows.append(
                (
                    label(self.names, "urgency", level),
                    self.fig(f"by_urgency.{level}"),
                    before,
                    Change(w.by_urgency[level], before),
                    self.fig(f"in_time_by_urgency.{level}"),
                    self.fig(f"late_by_urgency.{level}"),
                    Rate(in_time, in_time + late),
                    self.fig(f"still_open_by_urgency.{level}"),
                    self.fig(f"overdue_by_urgency.{level}"),
                )
            )
        before = self.past("requests")
        rows.append(
            (
                _("Together"),
                self.fig("requests"),
                before,
                Change(w.requests, before),
                self.fig("answered_in_time"),
                self.fig("answered_late"),
                Rate(w.answered_in_time, w.done),
                self.fig("still_open"),
                self.fig("overdue"),
            )
        )
        return Table(
            "urgencies",
            _("By urgency"),
            (
                _("Urgency"), _("New"), _("Before"), _("Change"), _("Answered in time"),
                _("Answered late"), _("In time"), _("Still open"), _("Overdue"),
            ),
            tuple(rows),
            total=True,
        )  # fmt: skip

    def stands_out(self) -> int:
        return len(self.w.rises) + len(self.w.new_words) + len(self.w.new_places)

    def stood_out(self, shown: int | None = None) -> Block | None:
        w = self.w
        lines = [
            Line(
                _("{what}: {n}, usually {usual:.1f} {rows}.").format(
                    what=self.cell_label(rise["what"], rise["key"]), n=rise["n"],
                    usual=rise["usual"], rows=self.seen(rise["numbers"]),
                ),
                rise["rows"],
            )
            for rise in w.rises
        ]  # fmt: skip
        lines += [
            Line(
                _("A word that was hardly heard before: “{word}” {n} times (before {before}) {rows}.").format(
                    word=one["word"], n=one["n"], before=one["before"], rows=self.seen(one["numbers"])
                ),
                one["rows"],
            )
            for one in w.new_words
        ]  # fmt: skip
        lines += [
            Line(
                _("{building} had no request in the {days} days before: now {n} {rows}.").format(
                    building=_("building {n}").format(n=one["building"]), days=w.compared_days,
                    n=one["n"], rows=self.seen(one["numbers"]),
                ),
                one["rows"],
            )
            for one in w.new_places
        ]  # fmt: skip
        rest = len(lines[shown:]) if shown else 0
        if rest:
            lines = [*lines[:shown], Line(_("And {n} more, listed behind.").format(n=rest))]
        return Items(_("What stood out"), tuple(lines)) if lines else None

    def cell_label(self, what: str, key: str) -> str:
        if what == "building":
            return _("building {n}").format(n=key)
        if what == "building_category":
            building, _dot, category = key.partition(".")
            return _("{category} in {building}").format(
                category=label(self.names, "category", category),
                building=_("building {n}").format(n=building),
            )
        if what == "urgency":
            return _("{urgency} requests").format(urgency=label(self.names, what, key))
        return label(self.names, what, key)

    def method(self) -> Block | None:
        """How it was tested what stood out, behind the page that says it did."""
        if not self.w.compared_days:
            return None
        said = _(
            "Compared with the {days} days before. A rise is said where chance alone gives it in "
            "fewer than one of twenty (exact test of two Poisson rates, Benjamini-Hochberg); a "
            "new word by its log-likelihood (Dunning 1993, p < 0.0001)."
        )
        line = Line(said.format(days=self.w.compared_days))
        return Items(_("How what stood out was found"), (line,))

    def promises(self) -> Block | None:
        w = self.w
        if not w.undertakings_due and not w.undertakings_made:
            return None
        lines = []
        if w.undertakings_due:
            words = _(
                "Promises due in {this}: {due} = kept {kept} + broken {broken} + not yet due "
                "{pending} + lapsed {void}."
            ).format(
                this=self.this, due=w.undertakings_due, kept=w.undertakings_kept,
                broken=w.undertakings_broken, pending=w.undertakings_pending,
                void=w.undertakings_void,
            )  # fmt: skip
            lines.append(Line(words, "undertakings_due"))
        words = _("Promises made: {n}, of them without a day {undated}.")
        words = words.format(n=w.undertakings_made, undated=w.undertakings_undated)
        lines.append(Line(words, "undertakings_made"))
        if w.undertakings_broken:
            numbers = [row["request"] for row in w.undertakings if row["fate"] == "broken"]
            lines.append(
                Line(
                    _("Broken, listed behind: {rows}.").format(rows=self.seen(numbers)),
                    "undertakings_broken",
                )
            )
        return Items(_("Promises"), tuple(lines))
