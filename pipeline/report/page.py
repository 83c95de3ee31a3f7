"""The summary as it is told: headings, sentences, tables and bars, the same for every form.

`telling.compose` turns figures into a `Page`; the forms (terminal, Markdown, HTML, DOCX, XLSX) only lay it
out. A number that counts rows is a `Figure` with the name under which `hotline week --rows NAME` lists them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from pipeline.i18n import _, language
from pipeline.report.words import FEWEST

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from pipeline.report.figures import Week


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

    @property
    def words(self) -> str:
        """The same inside of a sentence, without brackets of its own."""
        change, _space, share = str(self).replace(")", "").partition(" (")
        return _("{change}, {share}").format(change=change, share=share) if share else change

    def __str__(self) -> str:
        if self.before is None:
            return "–"
        said = f"{self.now - self.before:+d}" if self.now != self.before else "0"
        if self.before >= FEWEST and self.now != self.before:
            said += f" ({(self.now - self.before) / self.before:+.0%})"
        return said


Cell = Figure | Rate | Change | datetime | str | int | None


@dataclass(frozen=True, slots=True)
class Line:
    """A sentence, and the name under which the rows behind it are listed, "" where it counts none."""

    words: str
    name: str = ""

    def __str__(self) -> str:
        return self.words


@dataclass(frozen=True, slots=True)
class Text:
    """Sentences of one paragraph."""

    sentences: tuple[Line, ...]


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
    lines: tuple[Line, ...]


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

    @property
    def heading(self) -> str:
        """Whose it is and what it is, as a title writes them."""
        space = "" if self.language == "zh_CN" else " "
        return f"{self.office}{space}{self.title}".strip()

    def tables(self) -> Iterable[Table]:
        return (block for block in (*self.front, *self.annex) if isinstance(block, Table))


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
        said = _("{days} (week {n})").format(days=said, n=week.start.isocalendar().week)
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


def shortened(text: str, most: int | None) -> str:
    """A text that has room for so many characters."""
    return text if most is None or len(text) <= most else text[: most - 1].rstrip() + "…"


def moment_of(text: str | None, zone: ZoneInfo) -> datetime | None:
    return datetime.fromisoformat(text).astimezone(zone) if text else None


def late_text(due: datetime, now: datetime) -> str:
    """By how long an answer is late, in the largest unit that says it."""
    minutes = (now - due).total_seconds() / 60
    if minutes < 90:
        return _("{n:.0f} min").format(n=minutes)
    if minutes < 48 * 60:
        return _("{n:.0f} h").format(n=minutes / 60)
    return _("{n:.0f} days").format(n=minutes // 1440)


def joined(parts: Iterable[str]) -> str:
    return _(", ").join(parts)
