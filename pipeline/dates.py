"""Days and periods as people write them on the command line, and the mainland's working days.

A leaf: stages and commands may import it. A week that is named by its number is ISO's and begins on
Monday; 本周 and 上周 begin on the day that the office chose (`week_start`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from pipeline.errors import UsageProblem
from pipeline.i18n import _
from pipeline.script import fold

DAY_WORDS = {
    "today": 0, "今天": 0, "今日": 0, "yesterday": -1, "昨天": -1, "昨日": -1,
    "前天": -2, "大前天": -3, "tomorrow": 1, "明天": 1, "明日": 1, "后天": 2,
}  # fmt: skip

WEEK_WORDS = {
    "this week": 0, "thisweek": 0, "本周": 0, "这周": 0, "这个星期": 0, "这星期": 0, "这个礼拜": 0,
    "本星期": 0, "last week": -1, "lastweek": -1, "上周": -1, "上个星期": -1, "上星期": -1,
    "上礼拜": -1, "上个礼拜": -1, "上上周": -2,
}  # fmt: skip

MONTH_WORDS = {
    "this month": 0, "thismonth": 0, "本月": 0, "这个月": 0,
    "last month": -1, "lastmonth": -1, "上月": -1, "上个月": -1,
}  # fmt: skip

YEAR_WORDS = {"this year": 0, "今年": 0, "last year": -1, "去年": -1}

WEEKDAYS = {"一": 0, "二": 1, "三": 2, "四": 3, "五": 4, "六": 5, "日": 6, "天": 6}

_YEAR_MONTH_DAY = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?号?|(\d{4})(\d{2})(\d{2})")
_MONTH_DAY = re.compile(r"(\d{1,2})[-/.月](\d{1,2})[日号]?")
_YEAR_MONTH = re.compile(r"(\d{4})[-/.年](\d{1,2})月?")
_MONTH = re.compile(r"(\d{1,2})月份?")
_YEAR = re.compile(r"(\d{4})年?")
_WEEK = re.compile(r"(?:(\d{4})-?)?w(\d{1,2})|(?:(\d{4})年)?第(\d{1,2})周")
_WEEKDAY = re.compile(r"(上上|上个?|这个?|本)?(?:周|星期|礼拜)([一二三四五六日天])")
_WEEK_OF = re.compile(r"(?:the )?week of (.+)|(.+?)(?:所在|那一?)(?:的)?(?:周|星期)")
_RANGE = re.compile(r"\s*(?:\.\.+|~|至|到|\bto\b)\s*")


def parse_day(text: str, today: date) -> date:
    """The day that `text` names, seen from `today`.

    Takes today, 昨天, 周三 (the last one, today included), 上周五, 2026-11-23, 2026/11/23, 20261123,
    11-23 and 11月23日 (the last one: a log looks back).

    Raises:
        UsageProblem: it names no day; the sentence shows examples.
    """
    found = _day(_plain(text), today)
    if found is None:
        raise UsageProblem(
            _(
                '"{text}" is no day. Write for example: today, 昨天, 上周五, 11-23 or 2026-11-23.'
            ).format(text=text)
        )
    return found


PeriodKind = Literal["day", "week", "month", "year", "span"]


@dataclass(frozen=True, slots=True)
class Period:
    """Whole days from `start` up to, without, `end`, in some office's zone."""

    start: date
    end: date

    @property
    def days(self) -> int:
        return (self.end - self.start).days

    @property
    def last(self) -> date:
        """The last day that belongs to it."""
        return self.end - timedelta(days=1)

    @property
    def kind(self) -> PeriodKind:
        """What it is in the calendar; seven days are a week, whatever day they begin on."""
        if self.days == 1:
            return "day"
        if self.days == 7:
            return "week"
        if (self.start, self.end) == _month(self.start.year, self.start.month):
            return "month"
        first = (self.start.month, self.start.day) == (self.end.month, self.end.day) == (1, 1)
        if first and self.end.year == self.start.year + 1:
            return "year"
        return "span"

    @property
    def name(self) -> str:
        """What `parse_period` reads back: 2026-11-23, 2026-W47, 2026-11, 2026, or two days."""
        kind = self.kind
        if kind == "day":
            return self.start.isoformat()
        if kind == "week" and self.start.weekday() == 0:
            year, week, _day = self.start.isocalendar()
            return f"{year}-W{week:02}"
        if kind == "month":
            return f"{self.start:%Y-%m}"
        if kind == "year":
            return f"{self.start.year:04}"
        return f"{self.start.isoformat()}..{self.last.isoformat()}"

    def back(self, steps: int = 1) -> Period:
        """The period so many before this one (after it, if negative): the calendar's month before a
        month, the year before a year, else as many days."""
        if self.kind == "month":
            return Period(*_month(self.start.year, self.start.month - steps))
        if self.kind == "year":
            year = self.start.year - steps
            return Period(date(year, 1, 1), date(year + 1, 1, 1))
        shift = timedelta(days=self.days * steps)
        return Period(self.start - shift, self.end - shift)

    def moments(self, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """Its first moment and the first after it; a day that sets its clock has 23 or 25 hours."""
        midnight = datetime.min.time()
        return (
            datetime.combine(self.start, midnight, zone),
            datetime.combine(self.end, midnight, zone),
        )


def parse_period(text: str, today: date, week_start: int = 0) -> tuple[date, date]:
    """The period that `text` names as its first day and the day after its last.

    Takes every day of `parse_day`, weeks (本周, 上周, last week, 2026-W47, W47, 第47周, week of 11-18,
    11月18日那周), months (上个月, 2026-11, 11月), years (2026, 今年) and ranges of these:
    `2026-11-01..2026-11-15`, both ends within. A week or month without its year is the last one that
    has begun. `week_start` is the day that the office's weeks begin on, Monday being 0; a week's
    number is ISO's whatever that is.

    Raises:
        UsageProblem: it names no period, or one that ends before it begins; with examples.
    """
    plain = _plain(text)
    ends = _RANGE.split(plain)
    found = None
    if len(ends) == 1:
        found = _period(plain, today, week_start)
    elif len(ends) == 2:
        first, last = (_period(end, today, week_start) for end in ends)
        if first and last:
            if last[1] <= first[0]:
                raise UsageProblem(
                    _('"{text}" ends before it begins. Write the earlier day first.').format(
                        text=text
                    )
                )
            found = (first[0], last[1])
    if found is None:
        raise UsageProblem(
            _(
                '"{text}" is no period. Write for example: today, 上周, 2026-W47, 2026-11 '
                "or 2026-11-01..2026-11-15."
            ).format(text=text)
        )
    return found


def _plain(text: str) -> str:
    return re.sub(r"\s+", " ", fold(text).strip())


def week_of(day: date, week_start: int = 0) -> Period:
    """The week that `day` lies in, in an office whose weeks begin on `week_start` (Monday is 0)."""
    start = day - timedelta(days=(day.weekday() - week_start) % 7)
    return Period(start, start + timedelta(weeks=1))


def _period(plain: str, today: date, week_start: int) -> tuple[date, date] | None:
    try:
        if plain in WEEK_WORDS:
            start = week_of(today, week_start).start + timedelta(weeks=WEEK_WORDS[plain])
            return start, start + timedelta(weeks=1)
        if match := _WEEK_OF.fullmatch(plain):
            inside = _day(match[1] or match[2], today)
            if inside is not None:
                week = week_of(inside, week_start)
                return week.start, week.end
        if plain in MONTH_WORDS:
            return _month(today.year, today.month + MONTH_WORDS[plain])
        if plain in YEAR_WORDS:
            year = today.year + YEAR_WORDS[plain]
            return date(year, 1, 1), date(year + 1, 1, 1)
        if match := _WEEK.fullmatch(plain):
            said, number = match[1] or match[3], int(match[2] or match[4])
            year = int(said) if said else today.isocalendar().year
            start = date.fromisocalendar(year, number, 1)
            if not said and start > today:
                start = date.fromisocalendar(today.isocalendar().year - 1, number, 1)
            return start, start + timedelta(weeks=1)
        if match := _YEAR_MONTH.fullmatch(plain):
            if not 1 <= int(match[2]) <= 12:
                return None
            return _month(int(match[1]), int(match[2]))
        if match := _MONTH.fullmatch(plain):
            month = int(match[1])
            if not 1 <= month <= 12:
                return None
            return _month(today.year - (month > today.month), month)
        if match := _YEAR.fullmatch(plain):
            return date(int(match[1]), 1, 1), date(int(match[1]) + 1, 1, 1)
        day = _day(plain, today)
        return (day, day + timedelta(days=1)) if day else None
    except (ValueError, OverflowError):
        return None


def _day(plain: str, today: date) -> date | None:
    try:
        if plain in DAY_WORDS:
            return today + timedelta(days=DAY_WORDS[plain])
        if match := _YEAR_MONTH_DAY.fullmatch(plain):
            return date(*(int(part) for part in match.groups() if part))
        if match := _MONTH_DAY.fullmatch(plain):
            month, day = int(match[1]), int(match[2])
            # 02-29 is found in the last leap year, within eight years (1896 to 1904).
            for year in range(today.year, today.year - 9, -1):
                try:
                    found = date(year, month, day)
                except ValueError:
                    if (month, day) != (2, 29):
                        return None
                    continue
                if found <= today:
                    return found
            return None
        if match := _WEEKDAY.fullmatch(plain):
            monday = today - timedelta(days=today.weekday())
            weeks = {"上上": -2, "上": -1, "上个": -1}.get(match[1] or "", 0)
            found = monday + timedelta(days=WEEKDAYS[match[2]], weeks=weeks)
            if not match[1] and found > today:
                found -= timedelta(weeks=1)
            return found
    except (ValueError, OverflowError):
        return None
    return None


def _month(year: int, month: int) -> tuple[date, date]:
    """First day and the day after the last; `month` may lie outside of 1 to 12 and carries over."""
    year, month = year + (month - 1) // 12, (month - 1) % 12 + 1
    return date(year, month, 1), date(year + month // 12, month % 12 + 1, 1)


def calendar_covers(day: date) -> bool:
    """Whether the library knows the holidays and make-up days of this year (2004 to 2026 in 1.11)."""
    import chinese_calendar

    try:
        chinese_calendar.is_workday(day)
    except NotImplementedError:
        return False
    return True


def is_working_day(day: date) -> bool:
    """Whether mainland offices work on `day`; where the calendar ends, Monday to Friday."""
    import chinese_calendar

    try:
        return bool(chinese_calendar.is_workday(day))
    except NotImplementedError:
        return day.weekday() < 5


def add_working_days(
    moment: datetime,
    days: int,
    holidays: frozenset[date] = frozenset(),
    workdays: frozenset[date] = frozenset(),
) -> datetime:
    """`moment` on the `days`-th working day after its own day, at the same time of day; `holidays` and
    `workdays` overrule the public calendar."""
    off = 0
    while days > 0:
        moment += timedelta(days=1)
        day = moment.date()
        works = day in workdays or (day not in holidays and is_working_day(day))
        off = 0 if works else off + 1
        if off > 366:  # a year off is no calendar but a slip of the pen
            return moment
        days -= works
    return moment
