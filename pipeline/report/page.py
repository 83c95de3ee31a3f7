"""The summary as it is told: headings, sentences, tables and bars, the same for every form.

`compose` turns figures into a `Page`; the forms (terminal, Markdown, HTML, DOCX, XLSX) only lay it out. A
number that counts rows is a `Figure` with the name under which `hotline week --rows NAME` lists them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from pipeline.i18n import _, language
from pipeline.report.words import FEWEST
from pipeline.screen import label
from pipeline.types import URGENCIES

if TYPE_CHECKING:
    from pipeline.report.figures import Week
    from pipeline.taxonomy import Names

SHOWN = 12
"""So many are told one by one on paper; of more, the first and how to see the rest."""

NUMBERS = 8
"""So many request numbers stand behind a sentence; of more, the command that lists them."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A number of rows, and the name under which they are listed."""

    n: int
    name: str

    def __str__(self) -> str:
        return str(self.n)


@dataclass(frozen=True, slots=True)
class Rate:
    """`part` of `whole`; with fewer than five cases it is said as the two counts."""

    part: int
    whole: int

    @property
    def share(self) -> float | None:
        return self.part / self.whole if self.whole >= FEWEST else None

    def __str__(self) -> str:
        if not self.whole:
            return "–"
        return f"{self.part / self.whole:.0%}" if self.share is not None else f"{self.part}/{self.whole}"  # fmt: skip


@dataclass(frozen=True, slots=True)
class Change:
    """How much more (or less) than before; None where the log knows nothing of before."""

    now: int
    before: int | None

    @property
    def difference(self) -> int | None:
        return None if self.before is None else self.now - self.before

    def __str__(self) -> str:
        if self.before is None:
            return "–"
        said = f"{self.now - self.before:+d}" if self.now != self.before else "0"
        if self.before >= FEWEST and self.now != self.before:
            said += f" ({(self.now - self.before) / self.before:+.0%})"
        return said


Cell = Figure | Rate | Change | datetime | str | int | None


@dataclass(frozen=True, slots=True)
class Text:
    """Sentences of one paragraph."""

    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sum:
    """The balance: (sign, what, how many), the last one after the equals sign."""

    terms: tuple[tuple[str, str, Figure], ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under heads; `wide` is the column that takes what room is left."""

    name: str
    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    wide: int | None = None
    total: bool = False
    more: str = ""


@dataclass(frozen=True, slots=True)
class Bars:
    """Counts to be drawn: across (`columns` false, for names) or upright (for days and hours)."""

    name: str
    title: str
    labels: tuple[str, ...]
    values: tuple[Figure, ...]
    columns: bool = False


@dataclass(frozen=True, slots=True)
class Items:
    title: str
    lines: tuple[str, ...]


Block = Text | Sum | Table | Bars | Items


@dataclass(frozen=True, slots=True)
class Page:
    """What is signed (`front`, with the lines to sign on), and what is behind it (`annex`)."""

    office: str
    title: str
    span: str
    made: str
    front: tuple[Block, ...]
    annex: tuple[Block, ...]
    signatures: tuple[str, ...]
    source: str
    language: str
    public: bool

    def tables(self) -> Iterable[Table]:
        return (block for block in (*self.front, *self.annex) if isinstance(block, Table))


def compose(week: Week, names: Names, office: str, *, public: bool = False) -> Page:
    """The page of a period; `public` is for the notice board: counts alone, no person, no call."""
    telling = _Telling(week, names, public)
    front, annex = telling.public() if public else telling.whole()
    return Page(
        office=office,
        title=_title(week.kind, public),
        span=span_text(week),
        made=_("Made {when} from the log").format(when=day_time(week.made_at)),
        front=tuple(block for block in front if block is not None),
        annex=tuple(block for block in annex if block is not None),
        signatures=()
        if public
        else (_("Prepared by"), _("Checked and signed (secretary)"), _("Date")),
        source=""
        if public
        else _("The rows behind any figure: hotline week {name} --rows NAME").format(
            name=week.name
        ),
        language=language(),
        public=public,
    )


def _title(kind: str, public: bool) -> str:
    if public:
        return {
            "day": _("Residents' requests: the day, for the notice board"),
            "week": _("Residents' requests: the week, for the notice board"),
            "month": _("Residents' requests: the month, for the notice board"),
            "year": _("Residents' requests: the year, for the notice board"),
        }.get(kind, _("Residents' requests, for the notice board"))
    return {
        "day": _("Residents' requests: daily report"),
        "week": _("Residents' requests: weekly report"),
        "month": _("Residents' requests: monthly report"),
        "year": _("Residents' requests: yearly report"),
    }.get(kind, _("Residents' requests: report"))


def day_text(day: date) -> str:
    """A day with its year, as papers write it."""
    return _("{y:04}-{m:02}-{d:02}").format(y=day.year, m=day.month, d=day.day)


def short_day(day: date) -> str:
    return _("{m:02}-{d:02}").format(m=day.month, d=day.day)


def day_time(moment: datetime) -> str:
    return f"{day_text(moment.date())} {moment:%H:%M}"


def span_text(week: Week) -> str:
    """The period in words, with the week's number where it is ISO's."""
    last = week.end - timedelta(days=1)
    if week.start == last:
        return f"{day_text(week.start)} ({weekday(week.start)})"
    if week.start.year == last.year:
        said = _("{first} to {last}").format(first=day_text(week.start), last=short_day(last))
    else:
        said = _("{first} to {last}").format(first=day_text(week.start), last=day_text(last))
    if week.kind == "week" and week.start.weekday() == 0:
        said += " " + _("(week {n})").format(n=week.start.isocalendar().week)
    return said


def weekday(day: date) -> str:
    return (_("Mon"), _("Tue"), _("Wed"), _("Thu"), _("Fri"), _("Sat"), _("Sun"))[day.weekday()]


def where(row: Mapping[str, Any]) -> str:
    """A place as papers write it: 2号楼501室, building 2 room 501."""
    said = [
        form.format(n=row[name])
        for name, form in (
            ("building", _("building {n}")),
            ("unit", _("entrance {n}")),
            ("room", _("room {n}")),
        )
        if row.get(name)
    ]
    return ("" if language() == "zh_CN" else " ").join(said)


def status_text(status: str) -> str:
    return {
        "open": _("open"),
        "in_progress": _("in progress"),
        "done": _("done"),
        "merged": _("merged"),
        "dismissed": _("dismissed"),
    }.get(status, status)


def _of(text: str | None, zone: ZoneInfo) -> datetime | None:
    return datetime.fromisoformat(text).astimezone(zone) if text else None


def late_text(due: datetime, now: datetime) -> str:
    """By how long an answer is late, in the largest unit that says it."""
    minutes = (now - due).total_seconds() / 60
    if minutes < 90:
        return _("{n:.0f} min").format(n=minutes)
    if minutes < 48 * 60:
        return _("{n:.0f} h").format(n=minutes / 60)
    return _("{n:.0f} days").format(n=minutes // 1440)


def _joined(parts: Iterable[str]) -> str:
    return _(", ").join(parts)


class _Telling:
    """One week being told; `self.w` are its figures, already masked if they are to be."""

    def __init__(self, week: Week, names: Names, public: bool) -> None:
        self.w = week
        self.names = names
        self.at_least = FEWEST if public else 1
        self.zone = ZoneInfo(week.zone)
        self.until = min(week.made_at, week.period.moments(self.zone)[1])
        kind = week.kind
        self.this = {
            "day": _("the day"), "week": _("the week"), "month": _("the month"), "year": _("the year"),
        }.get(kind, _("the period"))  # fmt: skip
        self.last = {
            "day": _("the day before"), "week": _("the week before"), "month": _("the month before"),
            "year": _("the year before"),
        }.get(kind, _("the period before"))  # fmt: skip
        self.next = {
            "day": _("the next day"), "week": _("next week"), "month": _("next month"),
            "year": _("next year"),
        }.get(kind, _("the next period"))  # fmt: skip

    def whole(self) -> tuple[list[Block | None], list[Block | None]]:
        front: list[Block | None] = [
            self.lead(),
            self.sum(),
            self.urgencies(),
            self.critical(),
            self.stood_out(),
            self.promises(),
            self.promised_next(),
            self.overdue(),
            self.not_shown(),
        ]
        annex: list[Block | None] = [
            self.categories(),
            self.category_bars(),
            self.counted("kinds", _("By kind"), "kind", self.w.by_kind),
            self.buildings(),
            self.days(),
            self.hours(),
            self.corrected(),
            self.recordings(),
        ]
        return front, annex

    def public(self) -> tuple[list[Block | None], list[Block | None]]:
        """Counts that name nobody: small categories are put together, places and words left out."""
        front: list[Block | None] = [
            self.lead(),
            self.sum(),
            self.urgencies(),
            self.public_categories(),
            self.public_days(),
            Text(
                (
                    _("Categories with fewer than {n} requests are counted together.").format(
                        n=FEWEST
                    ),
                    _("In danger to life call 110, 119 or 120 first."),
                )
            ),
        ]
        return front, []

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
        return " " + _("({last}: {n}; {change})").format(last=self.last, n=before, change=change)

    def seen(self, numbers: Sequence[int], name: str) -> str:
        """What leads from a sentence to its rows: the numbers, or the command where they are many."""
        if 0 < len(numbers) <= NUMBERS:
            return _("(No. {numbers})").format(numbers=_joined(map(str, numbers)))
        return _("(hotline week {week} --rows {name})").format(week=self.w.name, name=name)

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
            said.append(
                _("Requests: {n}{change}.").format(n=w.requests, change=self.compared("requests"))
            )
        top = [(key, n) for key, n in w.by_category.items() if n >= self.at_least][:3]
        if top:
            said.append(
                _("Most asked for: {list}.").format(
                    list=_joined(f"{label(self.names, 'category', key)} {n}" for key, n in top)
                )
            )
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
            topics = _joined(
                f"{label(self.names, 'category', key)} {n}"
                for key, n in list(w.repeats_by_category.items())[:3]
                if n >= self.at_least
            )
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

    def critical(self) -> Block | None:
        if not self.w.critical:
            return None
        rows = [
            (
                Figure(row["request"], ""),
                _of(row["started_at"], self.zone),
                where(row),
                row["gist"],
                self.what_was_done(row),
            )
            for row in self.w.critical[:SHOWN]
        ]
        return Table(
            "critical",
            _("Critical, one by one"),
            (_("No."), _("Called"), _("Where"), _("What"), _("What was done")),
            tuple((str(number), *rest) for number, *rest in rows),
            wide=3,
            more=self.more(self.w.by_urgency["critical"], "by_urgency.critical"),
        )

    def more(self, whole: int, name: str) -> str:
        if whole <= SHOWN:
            return ""
        return _("And {n} more: hotline week {week} --rows {name}").format(
            n=whole - SHOWN, week=self.w.name, name=name
        )

    def what_was_done(self, row: Mapping[str, Any]) -> str:
        closed = _of(row["closed_at"], self.zone)
        if closed is not None:
            began = _of(row["started_at"], self.zone)
            assert began is not None
            said = _("{status} after {span} ({who})").format(
                status=status_text(row["status"]),
                span=late_text(began, closed),
                who=row["closed_by"],
            )
            return f"{said}: {row['note']}" if row["note"] else said
        due = _of(row["due_at"], self.zone)
        assert due is not None
        said = _("NOT ANSWERED")
        if due < self.until:
            said += _(", late by {span}").format(span=late_text(due, self.until))
        notes = [f"{who}: {note}" for _at, _kind, who, note in row["story"] if note]
        return "; ".join([said, *notes[-1:]])

    def stood_out(self) -> Block | None:
        w = self.w
        lines = []
        for rise in w.rises[:6]:
            lines.append(
                _("{what}: {n} requests, against {usual:.1f} usual {rows}.").format(
                    what=self.cell_label(rise["what"], rise["key"]), n=rise["n"],
                    usual=rise["usual"],
                    rows=self.seen([], rise["rows"]),
                )
            )  # fmt: skip
        if w.new_words:
            lines.append(
                _("Words that were hardly heard before: {list}.").format(
                    list=_joined(
                        _("“{word}” {n} times (before {before}) {rows}").format(
                            word=one["word"], n=one["n"], before=one["before"],
                            rows=self.seen(one["numbers"], one["rows"]),
                        )
                        for one in w.new_words[:5]
                    )
                )
            )  # fmt: skip
        if w.new_places:
            lines.append(
                _("Buildings that had no request before: {list}.").format(
                    list=_joined(
                        _("{building} ({n})").format(
                            building=_("building {n}").format(n=one["building"]), n=one["n"]
                        )
                        for one in w.new_places[:8]
                    )
                )
            )
        if lines:
            lines.append(
                _(
                    "Compared with the {days} days before. A rise is said where chance alone gives it in "
                    "fewer than one of twenty (exact test of two Poisson rates, Benjamini-Hochberg); a "
                    "new word by its log-likelihood (Dunning 1993, p < 0.0001)."
                ).format(days=w.compared_days)
            )
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
        return label(self.names, what, key)

    def promises(self) -> Block | None:
        w = self.w
        if not w.undertakings_due and not w.undertakings_made:
            return None
        lines = [
            _(
                "Promises due in {this}: {due} = kept {kept} + broken {broken} + not yet due {pending} + "
                "lapsed {void}."
            ).format(
                this=self.this, due=w.undertakings_due, kept=w.undertakings_kept,
                broken=w.undertakings_broken, pending=w.undertakings_pending, void=w.undertakings_void,
            ),
            _("Promises made: {n}, of them without a day {undated}.").format(
                n=w.undertakings_made, undated=w.undertakings_undated
            ),
        ]  # fmt: skip
        broken = [row for row in w.undertakings if row["fate"] == "broken"]
        lines += [
            _("Broken, No. {n}: {words} (due {when}, now {status})").format(
                n=row["request"],
                words=row["undertaking"],
                when=self.moment(row["due_at"]),
                status=status_text(row["status"]),
            )
            for row in broken[:SHOWN]
        ]
        if more := self.more(w.undertakings_broken, "undertakings_broken"):
            lines.append(more)
        return Items(_("Promises"), tuple(lines))

    def moment(self, text: str | None) -> str:
        at = _of(text, self.zone)
        if at is None:
            return ""
        day = short_day(at.date())
        return day if (at.hour, at.minute) in ((23, 59), (0, 0)) else f"{day} {at:%H:%M}"

    def promised_next(self) -> Block | None:
        if not self.w.promised_next:
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
                for row in self.w.promised_next[:SHOWN]
            ),
            wide=4,
            more=self.more(self.w.undertakings_next, "undertakings_next"),
        )  # fmt: skip

    def overdue(self) -> Block | None:
        if not self.w.overdue_list:
            return None
        rows = []
        for row in self.w.overdue_list[:SHOWN]:
            due = _of(row["due_at"], self.zone)
            assert due is not None
            rows.append(
                (
                    str(row["request"]), label(self.names, "urgency", row["urgency"]), where(row),
                    row["gist"], due, late_text(due, self.until),
                )
            )  # fmt: skip
        return Table(
            "overdue",
            _("Overdue, by name"),
            (_("No."), _("Urgency"), _("Where"), _("What"), _("Due"), _("Late by")),
            tuple(rows),
            wide=3,
            more=self.more(self.w.overdue, "overdue"),
        )

    def not_shown(self) -> Block:
        w = self.w
        lines = []
        if w.needs_listening:
            minutes, seconds = divmod(round(w.needs_listening_s), 60)
            lines.append(
                _(
                    "{n} stretches of speech ({minutes} min {seconds} s) were not understood (dialect, "
                    "noise, two at once): somebody must listen."
                ).format(n=w.needs_listening, minutes=minutes, seconds=seconds)
            )
        if unclear := w.by_category.get("unclear", 0):
            lines.append(
                _("{n} requests were heard but not understood well enough to tag {rows}.").format(
                    n=unclear, rows=self.seen([], "by_category.unclear")
                )
            )
        if w.review:
            lines.append(
                _("{n} requests are tagged with doubt and should be read again {rows}.").format(
                    n=w.review, rows=self.seen([], "review")
                )
            )
        for state, said in (
            ("failed", _("{n} recordings failed and are not in the figures.")),
            ("received", _("{n} recordings wait to be heard.")),
            ("transcribed", _("{n} recordings are heard but not yet read.")),
            ("arriving", _("{n} files were still being copied.")),
            ("silent", _("{n} recordings have no speech that was found: somebody must listen.")),
            ("unsupported", _("{n} files have no sound inside.")),
        ):
            if n := w.recordings.get(state, 0):
                lines.append(said.format(n=n))
        lines += [
            f"{row['path']}: {row['reason'] or self.state_text(row['state'])}"
            for row in w.unheard[:5]
        ]
        if w.logged_late:
            lines.append(
                _(
                    "{n} of those carried over came into the log only in {this}, with recordings from "
                    "before: an earlier report does not have them."
                ).format(n=w.logged_late, this=self.this)
            )
        if w.calls_timed_by_file:
            lines.append(
                _(
                    "Of {n} calls the time is only known from the file; the day may be wrong."
                ).format(n=w.calls_timed_by_file)
            )
        if w.log_began is None:
            lines.append(_("The log is empty."))
        elif w.before is None:
            lines.append(
                _("The log begins on {day}: there is nothing before to compare with.").format(
                    day=day_text(w.log_began)
                )
            )
        elif not w.before_whole:
            lines.append(
                _("The log begins on {day}, in the midst of {last}: compare with care.").format(
                    day=day_text(w.log_began), last=self.last
                )
            )
        heard = [f"{model} ({n})" for model, n in w.models.items() if model != "text"]
        if heard:
            lines.append(
                _(
                    "The words were recognised by Whisper {models}, not typed: they hold mistakes."
                ).format(models=_joined(heard))
            )
        lines.append(_("Calls that were not recorded are in no figure."))
        return Items(_("What the figures do not show"), tuple(lines))

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

    # --- Behind ----------------------------------------------------------------------------------

    def categories(self) -> Block | None:
        w = self.w
        if not w.by_category:
            return None
        rows: list[tuple[Cell, ...]] = []
        for key, n in w.by_category.items():
            before = self.past("by_category", key)
            again = w.repeats_by_category.get(key, 0)
            rows.append(
                (
                    label(self.names, "category", key), self.fig(f"by_category.{key}"), before,
                    Change(n, before), Rate(n, w.requests),
                    self.fig(f"repeats_by_category.{key}"), Rate(again, n),
                )
            )  # fmt: skip
        before = self.past("requests")
        rows.append(
            (
                _("Together"), self.fig("requests"), before, Change(w.requests, before),
                Rate(w.requests, w.requests), self.fig("repeat_requests"),
                Rate(w.repeat_requests, w.requests),
            )
        )  # fmt: skip
        return Table(
            "categories",
            _("By category"),
            (
                _("Category"), _("New"), _("Before"), _("Change"), _("Share"), _("Repeat calls"),
                _("Share of repeats"),
            ),
            tuple(rows),
            total=True,
        )  # fmt: skip

    def category_bars(self) -> Block | None:
        return self.bars("by_category", _("Requests by category"), self.w.by_category)

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
            return f"{short_day(day)} {weekday(day)}"
        if name == "by_hour":
            return str(int(key))
        if name == "by_building":
            return _("building {n}").format(n=key)
        return label(self.names, name.removeprefix("by_"), key)

    def counted(self, name: str, title: str, what: str, counts: Mapping[str, int]) -> Block | None:
        """A table of one group with its change and share."""
        if not counts:
            return None
        group = f"by_{what}"
        rows: list[tuple[Cell, ...]] = []
        for key, n in counts.items():
            before = self.past(group, key)
            rows.append(
                (
                    self.key_label(group, key), Figure(n, f"{group}.{key}"), before,
                    Change(n, before), Rate(n, self.w.requests),
                )
            )  # fmt: skip
        return Table(
            name, title, (_("Which"), _("New"), _("Before"), _("Change"), _("Share")), tuple(rows)
        )

    def buildings(self) -> Block | None:
        shown = dict(list(self.w.by_building.items())[:20])
        table = self.counted("buildings", _("By building"), "building", shown)
        rest = sum(self.w.by_building.values()) - sum(shown.values())
        unknown = self.w.requests - sum(self.w.by_building.values())
        if not isinstance(table, Table):
            return None
        more: list[tuple[Cell, ...]] = []
        if rest:
            more.append((_("other buildings"), rest, None, None, Rate(rest, self.w.requests)))
        if unknown:
            more.append((_("no building named"), unknown, None, None, Rate(unknown, self.w.requests)))  # fmt: skip
        return Table(table.name, table.title, table.heads, (*table.rows, *more))

    def days(self) -> Block | None:
        counts = self.w.by_day
        if len(counts) > 62:  # a year is drawn by months
            months: dict[str, int] = {}
            for key, n in counts.items():
                months[key[:7]] = months.get(key[:7], 0) + n
            return Bars(
                "by_month", _("Requests by month"), tuple(months),
                tuple(Figure(n, "") for n in months.values()), columns=True,
            ) if any(months.values()) else None  # fmt: skip
        if len(counts) < 2:
            return None
        return self.bars("by_day", _("Requests by day"), counts, columns=True)

    def hours(self) -> Block | None:
        return self.bars("by_hour", _("Requests by hour of the call"), self.w.by_hour, columns=True)

    def corrected(self) -> Block | None:
        if not self.w.corrected:
            return None
        said = {"category": _("category"), "kind": _("kind"), "urgency": _("urgency")}
        return Table(
            "corrected",
            _("Tags that staff corrected"),
            (_("Which"), _("Number")),
            tuple(
                (said.get(tag, tag), self.fig(f"corrected_by_tag.{tag}"))
                for tag in self.w.corrected_by_tag
            ),
        )

    def recordings(self) -> Block | None:
        if not self.w.recordings:
            return None
        rows: list[tuple[Cell, ...]] = [
            (self.state_text(state), self.fig(f"recordings.{state}")) for state in self.w.recordings
        ]
        rows.append((_("Together"), sum(self.w.recordings.values())))
        return Table(
            "recordings",
            _("Recordings that arrived"),
            (_("State"), _("Number")),
            tuple(rows),
            total=True,
        )

    # --- For the notice board ----------------------------------------------------------------------

    def public_categories(self) -> Block | None:
        """Categories of five and more; the rest together, so that nobody can be told by a rare one."""
        counts = self.w.by_category
        if not counts:
            return None
        small = {key: n for key, n in counts.items() if n < FEWEST}
        if (
            len(small) == 1 and len(counts) > 1
        ):  # one alone could be worked out: hide the next as well
            key = min((k for k in counts if k not in small), key=lambda k: counts[k])
            small[key] = counts[key]
        rows: list[tuple[Cell, ...]] = [
            (label(self.names, "category", key), n, Rate(n, self.w.requests))
            for key, n in counts.items()
            if key not in small
        ]
        if small:
            rest = sum(small.values())
            rows.append((_("all others"), rest, Rate(rest, self.w.requests)))
        rows.append((_("Together"), self.w.requests, Rate(self.w.requests, self.w.requests)))
        return Table(
            "categories", _("By category"), (_("Category"), _("New"), _("Share")), tuple(rows), total=True
        )  # fmt: skip

    def public_days(self) -> Block | None:
        return self.days()
