"""The page that is signed: the sentences, the balance, what was critical, promised, overdue, and not seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from pipeline.i18n import _, plural
from pipeline.report.page import (
    Block,
    Cell,
    Change,
    Figure,
    Items,
    Line,
    Rate,
    Sum,
    Table,
    Text,
    day_text,
    day_time,
    joined,
    late_text,
    moment_of,
    status_text,
    where,
)  # fmt: skip
from pipeline.report.words import FEWEST
from pipeline.screen import label
from pipeline.story import named, sentence
from pipeline.types import URGENCIES

if TYPE_CHECKING:
    from pipeline.report.figures import Week
    from pipeline.taxonomy import Names

SHOWN = 5
"""So many of a kind are told one by one on the page that is signed; of more, the rest behind it."""

LISTED = 60
"""So many are told behind it; of more, the first and how to see the rest."""

NUMBERS = 6
"""So many request numbers stand behind a sentence; of more, the first."""


class Front:
    """The blocks of the page that is signed; `self.w` are the figures, already masked if they are to be."""

    def __init__(self, week: Week, names: Names, public: bool) -> None:
        self.w = week
        self.names = names
        self.at_least = FEWEST if public else 1
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

    # --- Sentences -----------------------------------------------------------------------------

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

    def topics(self, counts: Mapping[str, int]) -> str:
        """The three categories with the most, those left out that would tell who it was."""
        return joined(
            _("{what} {n}").format(what=label(self.names, "category", key), n=n)
            for key, n in list(counts.items())[:3]
            if n >= self.at_least
        )

    def lead(self) -> Text:
        w = self.w
        said = []
        if w.made_at < w.period.moments(self.zone)[0]:
            said.append(_("The period has not begun."))
        elif not w.over:
            said.append(
                _("The period is not over: figures up to {when}.").format(when=day_time(w.made_at))
            )
        if not w.calls and not w.requests:
            said.append(_("No call came in."))
        else:
            days = max((self.until - w.period.moments(self.zone)[0]) / timedelta(days=1), 1.0)
            said.append(
                _("Calls: {n}{change}, {mean:.1f} a day.").format(
                    n=w.calls, change=self.compared("calls"), mean=w.calls / days
                )
            )
            if w.calls_at_desk:
                said.append(_("Of these, {n} came to the desk.").format(n=w.calls_at_desk))
            said.append(
                _("Requests: {n}{change}.").format(n=w.requests, change=self.compared("requests"))
            )
        if top := self.topics(w.by_category):
            said.append(_("Most asked for: {list}.").format(list=top))
        if w.done:
            said.append(
                _("Answered: {n}, of them in time {a} and late {b} (in time: {rate}).").format(
                    n=w.done, a=w.answered_in_time, b=w.answered_late,
                    rate=Rate(w.answered_in_time, w.done),
                )
            )  # fmt: skip
        said.append(
            _("Open at the end: {n}, of them overdue {late}.").format(
                n=w.still_open, late=w.overdue
            )
        )
        if w.repeat_requests:
            topics = self.topics(w.repeats_by_category)
            again = _("Repeat calls: {n} of {m} ({rate})").format(
                n=w.repeat_requests, m=w.requests, rate=Rate(w.repeat_requests, w.requests)
            )
            said.append(
                _("{said}: {list}.").format(said=again, list=topics)
                if topics
                else _("{said}.").format(said=again)
            )
        return Text(tuple(said))

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

    # --- Tables of the front -------------------------------------------------------------------

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

    def critical(self, shown: int = SHOWN) -> Block | None:
        if not self.w.critical or (shown == LISTED and len(self.w.critical) <= SHOWN):
            return None
        rows = [
            (
                Figure(row["request"], ""),
                moment_of(row["started_at"], self.zone),
                where(row),
                row["gist"],
                self.what_was_done(row),
            )
            for row in self.w.critical[:shown]
        ]
        return Table(
            "critical",
            _("Critical, one by one"),
            (_("No."), _("Called"), _("Where"), _("What"), _("What was done")),
            tuple((str(number), *rest) for number, *rest in rows),
            wide=3,
            more=self.more(self.w.by_urgency["critical"], "by_urgency.critical", shown),
        )

    def more(self, whole: int, name: str, shown: int) -> str:
        """What is said under a list of which only the first `shown` stand there."""
        if whole <= shown:
            return ""
        if shown < LISTED:
            return _("And {n} more, listed behind.").format(n=whole - shown)
        return _("And {n} more (rows: {name}).").format(n=whole - shown, name=name)

    def what_was_done(self, row: Mapping[str, Any]) -> str:
        closed = moment_of(row["closed_at"], self.zone)
        if closed is not None:
            began = moment_of(row["started_at"], self.zone)
            assert began is not None
            said = _("{status} after {span} ({who})").format(
                status=status_text(row["status"]),
                span=late_text(began, closed),
                who=row["closed_by"],
            )
            return _("{said}: {note}").format(said=said, note=row["note"]) if row["note"] else said
        due = moment_of(row["due_at"], self.zone)
        assert due is not None
        said = _("NOT ANSWERED")
        if due < self.until:
            said += _(", late by {span}").format(span=late_text(due, self.until))
        steps = [
            f"{who} {sentence(kind, named(data, self.names), note)}"
            for _at, kind, who, note, data in row["story"]
        ]
        return _("; ").join([said, *steps[-1:]])

    def stood_out(self) -> Block | None:
        w = self.w
        lines = [
            Line(
                _("{what}: {n}, usually {usual:.1f} {rows}.").format(
                    what=self.cell_label(rise["what"], rise["key"]), n=rise["n"],
                    usual=rise["usual"], rows=self.seen(rise["numbers"]),
                ),
                rise["rows"],
            )
            for rise in w.rises[:4]
        ]  # fmt: skip
        lines += [
            Line(
                _("A word that was hardly heard before: “{word}” {n} times (before {before}) {rows}.").format(
                    word=one["word"], n=one["n"], before=one["before"], rows=self.seen(one["numbers"])
                ),
                one["rows"],
            )
            for one in w.new_words[:3]
        ]  # fmt: skip
        lines += [
            Line(
                _("{building} had no request in the {days} days before: now {n} {rows}.").format(
                    building=_("building {n}").format(n=one["building"]), days=w.compared_days,
                    n=one["n"], rows=self.seen(one["numbers"]),
                ),
                one["rows"],
            )
            for one in w.new_places[:3]
        ]  # fmt: skip
        return Items(_("What stood out"), tuple(lines)) if lines else None

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

    def promises(self) -> Block | None:
        w = self.w
        if not w.undertakings_due and not w.undertakings_made:
            return None
        lines = [
            Line(
                _(
                    "Promises due in {this}: {due} = kept {kept} + broken {broken} + not yet due "
                    "{pending} + lapsed {void}."
                ).format(
                    this=self.this, due=w.undertakings_due, kept=w.undertakings_kept,
                    broken=w.undertakings_broken, pending=w.undertakings_pending,
                    void=w.undertakings_void,
                ),
                "undertakings_due",
            ),
            Line(
                _("Promises made: {n}, of them without a day {undated}.").format(
                    n=w.undertakings_made, undated=w.undertakings_undated
                ),
                "undertakings_made",
            ),
        ]  # fmt: skip
        if w.undertakings_broken:
            numbers = [row["request"] for row in w.undertakings if row["fate"] == "broken"]
            lines.append(
                Line(
                    _("Broken, listed behind: {rows}.").format(rows=self.seen(numbers)),
                    "undertakings_broken",
                )
            )
        return Items(_("Promises"), tuple(lines))

    def moment(self, text: str | None) -> str:
        at = moment_of(text, self.zone)
        if at is None:
            return ""
        day = f"{at:%m-%d}"
        return day if (at.hour, at.minute) in ((23, 59), (0, 0)) else f"{day} {at:%H:%M}"

    def broken(self) -> Block | None:
        """Every broken promise, where the front page has room for the first few alone."""
        broken = [row for row in self.w.undertakings if row["fate"] == "broken"]
        if not broken:
            return None
        return Table(
            "broken",
            _("Broken promises"),
            (_("No."), _("Due"), _("Where"), _("Promised"), _("What"), _("Now")),
            tuple(
                (
                    str(row["request"]), self.moment(row["due_at"]), where(row), row["undertaking"],
                    row["gist"], status_text(row["status"]),
                )
                for row in broken[:LISTED]
            ),
            wide=4,
            more=self.more(self.w.undertakings_broken, "undertakings_broken", LISTED),
        )  # fmt: skip

    def promised_next(self, shown: int = SHOWN) -> Block | None:
        listed = self.w.promised_next
        if not listed or (shown == LISTED and len(listed) <= SHOWN):
            return None
        return Table(
            "promised_next",
            _("Promised for {next}").format(next=self.next),
            (_("No."), _("By"), _("Where"), _("Promised"), _("What")),
            tuple(
                (
                    str(row["request"]), self.moment(row["due_at"]), where(row), row["undertaking"],
                    row["gist"],
                )
                for row in listed[:shown]
            ),
            wide=4,
            more=self.more(self.w.undertakings_next, "undertakings_next", shown),
        )  # fmt: skip

    def overdue(self, shown: int = SHOWN) -> Block | None:
        listed = self.w.overdue_list
        if not listed or (shown == LISTED and len(listed) <= SHOWN):
            return None
        rows = []
        for row in listed[:shown]:
            due = moment_of(row["due_at"], self.zone)
            assert due is not None
            rows.append(
                (
                    str(row["request"]), label(self.names, "urgency", row["urgency"]), where(row),
                    row["gist"], row["by"] or "", due, late_text(due, self.until),
                )
            )  # fmt: skip
        return Table(
            "overdue",
            _("Overdue, by name"),
            (
                _("No."),
                _("Urgency"),
                _("Where"),
                _("What"),
                _("Handled by"),
                _("Due"),
                _("Late by"),
            ),
            tuple(rows),
            wide=3,
            more=self.more(self.w.overdue, "overdue", shown),
        )

    def not_shown(self) -> Block:
        w = self.w
        lines = [*self.not_understood(), *self.not_heard()]
        if w.logged_late:
            lines.append(
                Line(
                    _(
                        "{n} of those carried over were logged only in {this}, out of calls from before: "
                        "an earlier report does not have them."
                    ).format(n=w.logged_late, this=self.this),
                    "logged_late",
                )
            )
        if n := w.calls_timed_by_file:
            said = plural(
                "Of {n} call the time is only known from the file; the day may be wrong.",
                "Of {n} calls the time is only known from the file; the day may be wrong.",
                n,
            )
            lines.append(Line(said.format(n=n), "calls_timed_by_file"))
        lines += map(Line, self.before_the_log())
        heard = [
            _("{model} ({n} calls)").format(model=model, n=n)
            for model, n in w.models.items()
            if model != "text"
        ]
        if heard:
            said = _(
                "The words were recognised by Whisper {models}, not typed: they hold mistakes."
            )
            lines.append(Line(said.format(models=joined(heard))))
        lines.append(Line(_("Calls that were not recorded are in no figure.")))
        return Items(_("What the figures do not show"), tuple(lines))

    def before_the_log(self) -> list[str]:
        """Where there is nothing, or not enough, to compare with."""
        w = self.w
        if w.log_began is None:
            return [_("The log is empty.")]
        if w.before is None:
            said = _("The log begins on {day}: there is nothing before to compare with.")
            return [said.format(day=day_text(w.log_began))]
        if not w.before_whole:
            said = _("The log begins on {day}, in the midst of {last}: compare with care.")
            return [said.format(day=day_text(w.log_began), last=self.last)]
        return []

    def not_understood(self) -> list[Line]:
        """What was heard, but not well enough."""
        w = self.w
        lines = []
        if n := w.needs_listening:
            minutes, seconds = divmod(round(w.needs_listening_s), 60)
            said = plural(
                "{n} stretch of speech ({minutes} min {seconds} s) was not understood (dialect, noise, "
                "two at once): somebody must listen.",
                "{n} stretches of speech ({minutes} min {seconds} s) were not understood (dialect, "
                "noise, two at once): somebody must listen.",
                n,
            )
            said = said.format(n=n, minutes=minutes, seconds=seconds)
            lines.append(Line(said, "needs_listening"))
        if n := w.needs_listening_before:
            said = plural(
                "{n} stretch of speech from before still waits to be listened to.",
                "{n} stretches of speech from before still wait to be listened to.",
                n,
            )
            lines.append(Line(said.format(n=n), "needs_listening_before"))
        if n := w.by_category.get("unclear", 0):
            said = plural(
                "{n} request was heard but not understood well enough to tag.",
                "{n} requests were heard but not understood well enough to tag.",
                n,
            )
            lines.append(Line(said.format(n=n), "by_category.unclear"))
        if n := w.review:
            said = plural(
                "{n} request is tagged with doubt and should be read again.",
                "{n} requests are tagged with doubt and should be read again.",
                n,
            )
            lines.append(Line(said.format(n=n), "review"))
        return lines

    def not_heard(self) -> list[Line]:
        """The recordings that no figure of calls and requests holds."""
        w = self.w
        unheard, waiting = w.recordings_unheard, w.recordings
        lines = []
        if n := unheard.get("failed", 0):
            said = plural(
                "{n} recording failed and is not in the figures.",
                "{n} recordings failed and are not in the figures.",
                n,
            )
            lines.append(Line(said.format(n=n), "recordings_unheard.failed"))
        if n := waiting.get("received", 0):
            said = plural("{n} recording waits to be heard.", "{n} recordings wait to be heard.", n)
            lines.append(Line(said.format(n=n), "recordings.received"))
        if n := waiting.get("transcribed", 0):
            said = plural(
                "{n} recording is heard but not yet read.",
                "{n} recordings are heard but not yet read.",
                n,
            )
            lines.append(Line(said.format(n=n), "recordings.transcribed"))
        if n := waiting.get("arriving", 0):
            said = plural(
                "{n} file was still being copied.", "{n} files were still being copied.", n
            )
            lines.append(Line(said.format(n=n), "recordings.arriving"))
        if n := unheard.get("silent", 0):
            said = plural(
                "{n} recording has no speech that was found: somebody must listen.",
                "{n} recordings have no speech that was found: somebody must listen.",
                n,
            )
            lines.append(Line(said.format(n=n), "recordings_unheard.silent"))
        if n := unheard.get("unsupported", 0):
            said = plural("{n} file has no sound inside.", "{n} files have no sound inside.", n)
            lines.append(Line(said.format(n=n), "recordings_unheard.unsupported"))
        lines += [
            Line(
                _("{said}: {note}").format(
                    said=f"R{row['recording']} {row['path']}",
                    note=row["reason"] or self.state_text(row["state"]),
                )
            )
            for row in w.unheard[:3]
        ]
        if n := w.recordings_before:
            said = plural(
                "{n} recording from before is still not heard.",
                "{n} recordings from before are still not heard.",
                n,
            )
            lines.append(Line(said.format(n=n), "recordings_before"))
        return lines

    def state_text(self, state: str) -> str:
        return {
            "arriving": _("still being copied"),
            "received": _("waits to be heard"),
            "transcribed": _("heard, not yet read"),
            "logged": _("in the log"),
            "failed": _("failed"),
            "silent": _("no speech found"),
            "duplicate": _("double"),
            "unsupported": _("no sound inside"),
        }.get(state, state)
