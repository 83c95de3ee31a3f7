"""Times in speech, seen from the call's own time: 明天早上七点, 礼拜二之前, 这周五, 月底, 半小时内.

A leaf: it reads one text, folded (`script.fold`), from which addresses and numbers were masked.
"""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from pipeline.parts import MASK
from pipeline.script import spoken_number

Grain = Literal["minute", "day", "week", "vague"]

_N = "(?:[0-9]{1,3}|[零〇一二两三四五六七八九十廿半]{1,4})"
_WEEK = "(?:周|星期|礼拜)"
_PART = "凌晨|清早|清晨|一早|早上|早晨|早|上午|中午|下午|傍晚|晚上|晚|夜里|夜间|半夜|深夜|夜"

_DAYS = {
    "今天": 0, "今日": 0, "今朝": 0, "今儿": 0, "当天": 0, "当日": 0,
    "明天": 1, "明日": 1, "明朝": 1, "明儿": 1, "后天": 2, "后日": 2, "后朝": 2, "后儿": 2, "大后天": 3,
    "昨天": -1, "昨日": -1, "昨朝": -1, "昨儿": -1, "前天": -2, "前日": -2, "前儿": -2, "前两天": -2,
    "大前天": -3, "今": 0, "明": 1, "昨": -1,
}  # fmt: skip
"""Single characters say a day only before a part of it: 明早, 今晚."""

_WEEKDAY = {"一": 0, "二": 1, "三": 2, "四": 3, "五": 4, "六": 5, "日": 6, "天": 6, "末": 6,
            "1": 0, "2": 1, "3": 2, "4": 3, "5": 4, "6": 5, "7": 6}  # fmt: skip

# The end of a part of the day (hour, minute): "明天上午回您" is due when the morning is over.
_PART_END = {
    "凌晨": (6, 0), "清早": (9, 0), "清晨": (9, 0), "一早": (9, 0), "早上": (10, 0), "早晨": (10, 0),
    "早": (10, 0), "上午": (12, 0), "中午": (13, 0), "下午": (18, 0), "傍晚": (19, 0),
    "晚上": (23, 59), "晚": (23, 59), "夜里": (23, 59), "夜间": (23, 59), "半夜": (23, 59),
    "深夜": (23, 59), "夜": (23, 59),
}  # fmt: skip
_MORNING = ("清早", "清晨", "一早", "早上", "早晨", "早", "上午")
# ... and its beginning: "中午前" is due when noon begins.
_PART_START = {
    "凌晨": 0, "清早": 6, "清晨": 6, "一早": 8, "早上": 8, "早晨": 8, "早": 8, "上午": 9, "中午": 12,
    "下午": 13, "傍晚": 17, "晚上": 18, "晚": 18, "夜里": 21, "夜间": 21, "半夜": 23, "深夜": 22, "夜": 20,
}  # fmt: skip

_DAY = (
    rf"(?P<every>每(?:个)?{_WEEK}(?:[一二三四五六日天](?:[,、和跟到至]?(?:{_WEEK})?[一二三四五六日天])*)?|每[天月周]|每个月)"
    rf"|(?P<many>{_WEEK}[一二三四五六日天](?:[,、和跟到至]?{_WEEK}[一二三四五六日天](?![点号月个])|[、和跟到至]?[一二三四五六日天](?![点号月个十百]))+)"
    rf"|(?P<which>上上|上个?|这个?|本|下下个?|下个?)?(?P<wk>{_WEEK})(?P<wd>[一二三四五六日天末1-6])(?![0-9一二三四五六七八九十]*[个月年])(?!个)"
    rf"|(?P<which2>上个?|这个?|本|下下个?|下个?){_WEEK}(?:里|内|之内|以内)?"
    rf"|(?P<weekend>(?:这个?|本)?周末)"
    rf"|(?P<monthend>(?:这个?|本|下个?)?月底|(?:这个?|本)月(?:之?内|以内)|年底|下个?月)"
    rf"|(?:(?P<md>(?P<mon>{_N})月(?:份)?(?P<dom>{_N})[号日]?)|(?P<dom2>(?<![第一二三四五六七八九十0-9]){_N})[号日](?![线码门楼文床桌厅]))"
    rf"|(?P<month>(?<![个0-9一二三四五六七八九十]){_N}月份?)"
    rf"|(?P<word>第二天|{'|'.join(word for word in _DAYS if len(word) > 1)}|[今明昨](?=早|晚|夜|中午|下午|上午))"
)
_CLOCK = (
    rf"(?:(?P<hour>{_N})点(?!名|心|建议|意见|要求|想法|问题|原因|说明|儿|击|滴|滴|半?点|都|也|了解)(?:(?P<half>半)|(?P<quarter>[一三])刻|(?P<minute>[0-9]{{1,2}}|[零〇一二三四五六七八九十]{{1,3}})分?(?![天个年月])|(?P<oclock>钟|整))?(?P<about>多)?"
    r"|(?P<h24>[01]?[0-9]|2[0-4])[:：](?P<m24>[0-5][0-9]))"
)
_BEFORE = r"(?P<before>\s?(?:之前|以前|前(?![面头后天门台])|为止|截止))?"

_WHEN = re.compile(
    # Most characters begin no time: the first look decides.
    r"(?=[0-9零〇一二两三四五六七八九十廿半每周星礼上这本下年月今明昨后前大当第凌清早中傍晚夜深])"
    rf"(?:{_DAY})?[的\s,{MASK}]?(?P<part>{_PART})?[的\s]?(?:{_CLOCK})?(?:左右|钟)?{_BEFORE}"
)
_STOP = re.compile("[。!?;]")
_LENGTH = re.compile(
    r"(?P<n>一个半|两个半|[0-9]{1,3}|半|[一二两三四五六七八九十]{1,3}|[一二三四五六七八九]?十几|几)(?:多)?个?"
    r"(?P<unit>分钟|分(?=内|之内|以内|钟)|刻钟|小时|钟头|工作日|天|日|礼拜|星期|周(?![一二三四五六日末])|月)(?P<plus>半)?"
    r"(?P<within>\s?(?:之内|以内|内(?!部|容|科)|里(?!面)|之后|以后|过后|后(?!面|来)))?"
)
_ABOUT_N = {
    "两三": 3,
    "三四": 4,
    "三五": 5,
    "四五": 5,
    "五六": 6,
    "七八": 8,
    "六七": 7,
    "一两": 2,
    "几": 5,
}
"""两三天: due at the later of the two; 几天 is taken as five."""

_NOW = re.compile(
    r"马上|立刻|立即|立马|现在就|这就|即刻|尽快|赶紧(?!把|去|打)|现在(?=打|去|派|叫|联系|上|过|安排|马|报|给您|给你|帮)|就现在"
)


@dataclass(frozen=True, slots=True)
class Moment:
    """A time in a text, `text[start:end]`.

    `at` has the call's zone. A day without a time is that day's last second, a part of the day its
    end, a week its Sunday. `grain` says how exactly it was said; `vague` ones (年底, 四月份) set no
    deadline. `recurring`: 每周二, 礼拜二四五. `loose`: a bare stretch (三天, 五分钟) that means a time
    only where somebody promises it. `at_once`: 马上.
    """

    at: datetime
    start: int
    end: int
    grain: Grain
    recurring: bool = False
    loose: bool = False
    at_once: bool = False


def end_of_day(moment: datetime) -> datetime:
    return moment.replace(hour=23, minute=59, second=59, microsecond=0)


def read_moments(text: str, call: datetime) -> list[Moment]:
    """The times in `text` in order, resolved against `call`; past ones too.

    A time of day without its day takes the day said before it in the same sentence, else the next
    time that the clock shows it.
    """
    found: list[Moment] = []
    for match in _LENGTH.finditer(text):
        moment = _length(match, text, call)
        if moment is not None:
            found.append(moment)
    for match in _NOW.finditer(text):
        found.append(Moment(end_of_day(call), *match.span(), grain="day", at_once=True))
    taken = {at for moment in found for at in range(moment.start, moment.end)}
    said_day: datetime | None = None
    day_end = 0
    for match in _WHEN.finditer(text):
        start, end = match.span()
        if start == end or start in taken or end - 1 in taken:
            continue
        if said_day is not None and _STOP.search(text, day_end, start):
            said_day = None
        day = _day_of(match, call)
        moment = _when(match, text, call, day, said_day)
        if moment is None:
            continue
        found.append(moment)
        if day is not None and not moment.recurring and moment.grain in ("minute", "day"):
            said_day, day_end = moment.at, moment.end
    return sorted(found, key=lambda moment: moment.start)


def _count(words: str) -> float | None:
    if words in _ABOUT_N:
        return _ABOUT_N[words]
    if words == "半":
        return 0.5
    if words in ("一个半", "两个半"):
        return 1.5 if words[0] == "一" else 2.5
    if words.endswith("几"):
        tens = spoken_number(words[:-1])
        return None if tens is None else tens + 5
    number = spoken_number(words)
    return None if number is None else float(number)


def _length(match: re.Match[str], text: str, call: datetime) -> Moment | None:
    n = _count(match["n"])
    if n is None or (match.start() and text[match.start() - 1] in "第每零〇百千0123456789"):
        return None
    if match["plus"]:
        n += 0.5
    unit, within = match["unit"], match["within"]
    if unit == "月" and "个" not in match[0]:
        return None  # 四月 is a month
    if unit == "日" and not within:
        return None
    grain: Grain = "minute"
    try:
        if unit in ("分钟", "分"):
            at = call + timedelta(minutes=n)
        elif unit == "刻钟":
            at = call + timedelta(minutes=15 * n)
        elif unit in ("小时", "钟头"):
            at = call + timedelta(hours=n)
        elif unit == "工作日":
            at, grain = end_of_day(_working_days(call, int(n))), "day" if n <= 3 else "week"
        elif unit in ("天", "日"):
            at, grain = end_of_day(call + timedelta(days=int(n + 0.5))), "day" if n <= 3 else "week"
        elif unit == "月":
            at, grain = end_of_day(call + timedelta(days=int(30 * n))), "vague"
        else:
            at, grain = end_of_day(call + timedelta(weeks=1) * n), "week"
    except OverflowError:
        return None
    return Moment(at, *match.span(), grain=grain, loose=not within)


def _working_days(call: datetime, n: int) -> datetime:
    from pipeline.dates import add_working_days

    return add_working_days(call, n)


def _day_of(match: re.Match[str], call: datetime) -> tuple[datetime, Grain] | None:
    """The day that `match` says, or None where it says none. Grain `vague` also for what is recurring."""
    midnight = call.replace(hour=0, minute=0, second=0, microsecond=0)
    monday = midnight - timedelta(days=midnight.weekday())
    if match["every"] or match["many"]:
        return midnight, "vague"
    if match["word"]:
        word = match["word"]
        if word == "第二天":  # the day after some other day
            return midnight, "vague"
        return midnight + timedelta(days=_DAYS[word]), "day"
    if match["wd"]:
        weeks = _weeks(match["which"])
        day = monday + timedelta(days=_WEEKDAY[match["wd"]], weeks=weeks or 0)
        if weeks is None and day < midnight:
            day += timedelta(weeks=1)  # the next that comes; today counts
        return day, "week" if match["wd"] == "末" else "day"
    if match["which2"]:
        return monday + timedelta(days=6, weeks=_weeks(match["which2"]) or 0), "week"
    if match["weekend"]:
        return monday + timedelta(days=6), "week"
    if match["monthend"]:
        words = match["monthend"]
        if words.startswith("年") or not re.search("底|内", words):
            return midnight, "vague"
        month = call.month + (1 if words.startswith("下") else 0)
        year, month = call.year + (month - 1) // 12, (month - 1) % 12 + 1
        last = calendar.monthrange(year, month)[1]
        return midnight.replace(year=year, month=month, day=last), "day"
    if match["md"] or match["dom2"]:
        day_number = spoken_number(match["dom"] or match["dom2"])
        month_number = spoken_number(match["mon"]) if match["mon"] else None
        if not day_number or day_number > 31:
            return None
        if match["mon"]:
            if not month_number or month_number > 12:
                return None
            if not match["md"].endswith(("号", "日")) and "月" not in match["md"]:
                return None
            return _dated(midnight, month_number, day_number)
        return _next_date(midnight, day_number)
    if match["month"]:
        return midnight, "vague"
    return None


def _weeks(which: str | None) -> int | None:
    """这周 0, 下周 1, 上周 -1; None where only the day of the week was said."""
    if not which:
        return None
    if which.startswith("下下"):
        return 2
    if which.startswith("上上"):
        return -2
    return {"下": 1, "上": -1}.get(which[0], 0)


def _dated(midnight: datetime, month: int, day: int) -> tuple[datetime, Grain] | None:
    """The date nearest to the call: in December 一月五号 is next year's, in January 十二月 last year's."""
    near = []
    for year in (midnight.year - 1, midnight.year, midnight.year + 1):
        try:
            near.append(midnight.replace(year=year, month=month, day=day))
        except ValueError:
            continue
    if not near:
        return None
    return min(near, key=lambda date: abs((date - midnight).days)), "day"


def _next_date(midnight: datetime, day: int) -> tuple[datetime, Grain] | None:
    """The day of the month that comes next; one that has just gone by (10 days) is in the past."""
    if 0 < midnight.day - day <= 10:
        return midnight.replace(day=day), "day"
    for months in range(3):
        month = midnight.month + months
        year, month = midnight.year + (month - 1) // 12, (month - 1) % 12 + 1
        try:
            found = midnight.replace(year=year, month=month, day=day)
        except ValueError:
            continue
        if found >= midnight:
            return found, "day"
    return None


def _when(
    match: re.Match[str],
    text: str,
    call: datetime,
    day: tuple[datetime, Grain] | None,
    said_day: datetime | None,
) -> Moment | None:
    start = match.start() + len(match[0]) - len(match[0].lstrip(" ,的" + MASK))
    end = match.start() + len(match[0].rstrip(" ,的" + MASK))
    part, before = match["part"], match["before"]
    clock = _clock(match)
    if day is None and part in ("早", "晚", "夜", "一早") and clock is None:
        return None  # 太晚, 早点, 夜
    if day is None and part is None:
        if clock is None:
            return None
        after = text[match.end() : match.end() + 1]
        sure = any(match[name] for name in ("half", "quarter", "oclock", "before", "minute", "h24"))
        lead = re.search(
            r"(?:到|在|等你|等|最晚|下班|就|约好?|[,。]|^)$",
            text[max(0, match.start() - 3) : match.start()],
        )
        if match["about"] or (clock[0] == 1 and match["h24"] is None and not sure):
            return None  # 一点 is "a little", 一点多 tells what was
        if (
            not sure
            and not (lead or (after in "来去到送接发开见给" and after))
            and said_day is None
        ):
            return None
    if day is not None and day[1] == "vague":
        recurring = bool(match["every"] or match["many"])
        return Moment(end_of_day(call), start, end, "vague", recurring=recurring)
    if day is not None and re.search(
        r"每个?月?$|每逢$", text[max(0, match.start() - 3) : match.start()]
    ):
        return Moment(end_of_day(call), start, end, "vague", recurring=True)
    base = day[0] if day else (said_day or call).replace(hour=0, minute=0, second=0, microsecond=0)
    said = day is not None or said_day is not None
    if clock is not None:
        sure = part is not None or match["h24"] is not None or clock[0] > 12
        hour = _with_part(clock[0], part) if part else clock[0]
        at = _o_clock(base, hour, clock[1], call, said=said, sure=sure)
        return Moment(at, start, end, "minute")
    if part is None:
        return Moment(end_of_day(base), start, end, day[1] if day else "day")
    at = _at(base, *((_PART_START[part], 0) if before else _PART_END[part]))
    if not said and at <= call and part not in _MORNING:
        at += timedelta(days=1)  # 凌晨 said in the evening; a morning just gone stays gone
    return Moment(at, start, end, "day")


def _o_clock(
    base: datetime, hour: int, minute: int, call: datetime, *, said: bool, sure: bool
) -> datetime:
    """`hour` on the day of `base`. `said`: the day was named; `sure`: so was its half."""
    at = _at(base, hour, minute)
    if sure:
        # 早上七点停的水 was this morning; 晚上十二点 said at night is to come.
        just_gone = not said and call - timedelta(hours=1) < at <= call
        return at + timedelta(days=1) if just_gone else at
    if not said:
        return _next_clock(call, hour, minute)
    if base.date() == call.date():
        return at if at > call or hour >= 12 else _at(base, hour + 12, minute)
    # 明天两点 is in the afternoon, 明天六点 may well be in the morning.
    return _at(base, hour + 12, minute) if hour < 5 else at


def _clock(match: re.Match[str]) -> tuple[int, int] | None:
    if match["h24"]:
        return int(match["h24"]), int(match["m24"])
    if not match["hour"]:
        return None
    hour = spoken_number(match["hour"])
    if hour is None or hour > 24:
        return None
    minute = 0
    if match["half"]:
        minute = 30
    elif match["quarter"]:
        minute = 15 if match["quarter"] == "一" else 45
    elif match["minute"]:
        minute = spoken_number(match["minute"]) or 0
    return (hour, minute) if minute < 60 else (hour, 0)


def _with_part(hour: int, part: str) -> int:
    if part in ("下午", "傍晚", "晚上", "晚") and 1 <= hour < 12:
        return hour + 12
    if part in ("夜里", "夜间", "夜", "深夜", "半夜"):
        return (
            hour + 12 if 6 <= hour < 12 else hour + 24 if hour < 6 else 24 if hour == 12 else hour
        )
    if part in ("晚上", "晚") and hour == 12:
        return 24
    if part == "中午" and 1 <= hour <= 3:
        return hour + 12
    return hour


def _at(base: datetime, hour: int, minute: int) -> datetime:
    """`hour` may be past midnight; 24:00, like 23:59, is the last second of the day that it ends."""
    if (hour, minute) in ((24, 0), (23, 59)):
        return end_of_day(base)
    return base.replace(hour=0, minute=minute) + timedelta(hours=hour)


def _next_clock(call: datetime, hour: int, minute: int) -> datetime:
    midnight = call.replace(hour=0, minute=0, second=0, microsecond=0)
    for at in (_at(midnight, hour, minute), _at(midnight, hour + 12, minute)):
        if at > call:
            return at
    return _at(midnight + timedelta(days=1), hour, minute)


def in_future(moment: Moment, call: datetime) -> bool:
    """Whether `moment` is still to come; a minute said just as it passes counts."""
    return moment.at >= call.replace(second=0, microsecond=0)
