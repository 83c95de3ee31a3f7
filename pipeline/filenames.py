"""What the name of a recording tells of its call: when it was, who called, in which direction."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from pathlib import Path
from typing import Literal

from pipeline.errors import SettingsError
from pipeline.i18n import _
from pipeline.types import NameFacts


@dataclass(frozen=True, slots=True)
class NamePattern:
    """One way in which recorders name files; `regex` is searched in the name without its suffix.

    Groups that count, all optional: `date` (yyyyMMdd, yyMMdd, or year, month, day with anything
    between), `time` (HHmmss or HHmm, with anything between), `offset` (+0800, Z), `epoch`
    (seconds), `phone`, `contact`, `who` and `also` (a number or a name, whichever it turns out to
    be), `direction` (in, out, incoming, 呼入, ...). A date that no calendar has makes the pattern
    not match. `example` is a name that it is for.
    """

    name: str
    example: str
    regex: re.Pattern[str]


_DAY = r"(?P<date>20\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]))"
_SHORT_DAY = r"(?P<date>\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]))"
_TIME = r"(?P<time>(?:[01]\d|2[0-3])[0-5]\d[0-5]\d)"
_LOOSE_DAY = r"(?P<date>20\d\d\s*[-_.年]?\s*\d{1,2}\s*[-_.月]?\s*\d{1,2})日?"
_LOOSE_TIME = (
    r"(?P<time>\d{1,2}\s*[-_.:：时点h]?\s*[0-5]\d(?:\s*[-_.:：分m]?\s*[0-5]\d)?)(?:秒|s|分)?"
)
_NUMBER = r"\+?[0-9][0-9 \-]{1,18}[0-9]"
_SUBSCRIBER = r"(?<![0-9])(?P<phone>(?:\+?86[ -]?)?1[3-9]\d[ -]?\d{4}[ -]?\d{4})(?![0-9])"
_LANDLINE = r"(?<![0-9])(?P<phone>0[1-9]\d{1,2}-?[2-9]\d{6,7})(?![0-9])"
_ASTERISK = rf"-{_DAY}-{_TIME}(?:-(?P<epoch>\d{{10}})(?:\.\d+)?)?$"

PATTERNS: tuple[NamePattern, ...] = tuple(
    NamePattern(name, example, re.compile(regex, re.IGNORECASE))
    for name, example, regex in (
        (
            "BCR",
            "20231221_143025.123+0000_out_13800138000_张三",
            rf"^{_DAY}_{_TIME}(?:\.\d+)?(?P<offset>[+-]\d\d:?\d\d|Z)"
            rf"(?:_(?P<direction>in|out|conference))?(?:_sim\d)?"
            rf"(?:_(?P<phone>\+?[0-9]{{3,15}}))?(?:_(?P<contact>.+?))?_*$",
        ),
        (
            "FreePBX out",
            "out-13800138000-200-20200222-161829-1582359509.760",
            rf"^(?P<direction>out)-(?P<phone>\+?\d+)-[^-]*{_ASTERISK}",
        ),
        (
            "FreePBX in",
            "external-200-13800138000-20200222-161829-1582359509.760",
            rf"^(?P<direction>external|in|incoming|exten|q|rg)-[^-]*-(?P<phone>\+?\d{{5,}}){_ASTERISK}",
        ),
        (
            "Issabel force, number first",
            "force-13800138000-3201-20250327-092517-1743038717.12206",
            rf"^(?:force|ondemand|g)-(?P<phone>\+?\d{{7,}})-[^-]*{_ASTERISK}",
        ),
        (
            "Issabel force, number last",
            "force-3201-13800138000-20250327-092517-1743038717.12206",
            rf"^(?:force|ondemand|g)-[^-]*-(?P<phone>\+?\d{{7,}}){_ASTERISK}",
        ),
        (
            "Asterisk",
            "internal-201-200-20200222-161829-1582359509.760",
            rf"^[a-z]+(?:-[^-]*)*{_ASTERISK}",
        ),
        (
            "3CX out",
            "[王医生]_124-8012307610_20250603202223(152)",
            rf"^\[(?P<contact>[^\]]*)\]_\d{{2,5}}-(?P<phone>\+?\d{{6,}})_{_DAY}{_TIME}(?:\(\d+\))?$",
        ),
        (
            "3CX in",
            "[王医生]_13800138000-124_20250603202223(152)",
            rf"^\[(?P<contact>[^\]]*)\]_(?P<phone>\+?\d{{6,}})-\d{{2,5}}_{_DAY}{_TIME}(?:\(\d+\))?$",
        ),
        (
            "3CX",
            "[王医生]_124-125_20250603202223(152)",
            rf"^\[(?P<contact>[^\]]*)\]_[^_]*_{_DAY}{_TIME}(?:\(\d+\))?$",
        ),
        (
            "Samsung call with direction",
            "Call_20250418_143022_INCOMING_13800138000",
            rf"^Call_{_DAY}_{_TIME}_(?P<direction>INCOMING|OUTGOING|MISSED)(?:_(?P<who>.+?))?$",
        ),
        (
            "Samsung",
            "Call recording +8613800138000_200605_114902",
            rf"^(?:Call recording|通话录音|通話錄音)[ _]*(?P<who>.+)_{_SHORT_DAY}_{_TIME}$",
        ),
        (
            "MIUI",
            "通话录音@176 8831 4515(17688314515)_20180814153840",
            rf"^(?:通话录音@?|通話錄音@?)?(?P<also>.*?)\((?P<who>[^()]*)\)_{_DAY}{_TIME}$",
        ),
        (
            "name@number_timestamp",
            "张三@13800138000_20220404093000",
            rf"^(?P<contact>.*)@(?P<phone>{_NUMBER})[_ ]{_DAY}[_-]?{_TIME}$",
        ),
        (
            "name_number_date_time",
            "张三_13800138000_20220404_093000",
            rf"^(?P<contact>.+)_(?P<phone>{_NUMBER})_{_DAY}[_-]?{_TIME}$",
        ),
        (
            "number_timestamp",
            "134 1096 1780_20220425103455",
            rf"^(?:通话录音@?)?(?P<phone>{_NUMBER})[_ ]{_DAY}[_-]?{_TIME}$",
        ),
        (
            "OPPO",
            "13800138000-2204040930",
            r"^(?P<who>.+)-(?P<date>2\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]))"
            r"(?P<time>(?:[01]\d|2[0-3])[0-5]\d)$",
        ),
        (
            "number, date and time",
            "13800138000 2022-04-04 09-30-00",
            rf"^(?=.*?{_SUBSCRIBER}).*?(?<!\d){_LOOSE_DAY}[\sT_,-]*{_LOOSE_TIME}(?!\d)",
        ),
        (
            "landline, date and time",
            "021-62345678 2022-04-04 09-30-00",
            rf"^(?=.*?{_LANDLINE}).*?(?<!\d){_LOOSE_DAY}[\sT_,-]*{_LOOSE_TIME}(?!\d)",
        ),
        (
            "name_timestamp",
            "张三_20220404093000",
            rf"^(?!(?:rec|recording|record|录音|voice|audio|call|通话录音|memo|img|vid|aud)[_ ]*\d)"
            rf"(?P<who>.*[^\d\W_].*|\+?[0-9]{{3,6}})_{_DAY}[_-]?{_TIME}$",
        ),
        (
            "date and time",
            "录音 2022年4月4日 09时30分",
            rf"(?<!\d){_LOOSE_DAY}[\sT_,-]*{_LOOSE_TIME}(?!\d)",
        ),
        ("mobile number", "居民 13800138000 来电", _SUBSCRIBER),
        ("landline number", "021-62345678", _LANDLINE),
    )
)
"""Tried in this order; the first that matches with a date that exists speaks. The suffix and the
marks of copies (" (1)", " - 副本") are taken off first, full-width forms count as their narrow ones.
Names: MIUI, Samsung, BCR (Basic Call Recorder), FreePBX and Issabel (Asterisk's MixMonitor:
TYPE-TO-FROM-DATE-TIME-UNIQUEID), 3CX ([name]_FROM-TO_timestamp(id)); the rest as seen on phones."""

_COPY_MARK = re.compile(
    r"(?:\s*-\s*(?:副本|复件|複製|copy)(?:\s*\(\d+\))?|\s*\(\d{1,3}\))$", re.IGNORECASE
)
_SUFFIX = re.compile(r"\.(?=[a-z0-9]{0,4}[a-z])[a-z0-9]{1,5}$", re.IGNORECASE)
_INBOUND = frozenset({"in", "incoming", "external", "exten", "q", "rg", "missed", "呼入", "来电"})
_OUTBOUND = frozenset({"out", "outgoing", "呼出", "去电"})


def compile_pattern(name: str, regex: str) -> NamePattern:
    """A pattern of the office's own, from `hotline.toml`; see NamePattern for the groups.

    Raises:
        SettingsError: no name, not a regular expression, or no group that tells anything.
    """
    if not name:
        raise SettingsError(
            _('A pattern for recordings\' names has no name. Give it one: name = "our exchange"')
        )
    try:
        compiled = re.compile(regex, re.IGNORECASE)
    except re.error as error:
        raise SettingsError(
            _('The pattern "{name}" is no regular expression: {error}.').format(
                name=name, error=error
            )
        ) from error
    known = {"date", "time", "offset", "epoch", "phone", "contact", "who", "also", "direction"}
    strange = set(compiled.groupindex) - known
    if strange or not compiled.groupindex:
        raise SettingsError(
            _('The pattern "{name}" needs named groups out of: {known}. It has: {groups}.').format(
                name=name,
                known=", ".join(sorted(known)),
                groups=", ".join(sorted(compiled.groupindex)) or "-",
            )
        )
    if ("date" in compiled.groupindex) != ("time" in compiled.groupindex):
        raise SettingsError(
            _(
                'The pattern "{name}" has only one of the groups date and time; it needs both.'
            ).format(name=name)
        )
    return NamePattern(name, "", compiled)


def read_name(path: Path, *, tz: tzinfo, patterns: Sequence[NamePattern] = PATTERNS) -> NameFacts:
    """What the file's name tells: time of the call, caller, direction; empty if it tells nothing.

    A time without an offset is in `tz`, in which all times are returned. A name that is no valid
    text (bytes from an old system) is read as GB 18030.
    """
    text = unicodedata.normalize("NFKC", _readable(path.name))
    stem = _SUFFIX.sub("", text)
    for pattern in patterns:
        for candidate in dict.fromkeys((stem, _COPY_MARK.sub("", stem), text)):
            match = pattern.regex.search(candidate)
            facts = match and _facts(pattern.name, match.groupdict(), tz)
            if facts:
                return facts
    return NameFacts()


def when(
    facts: NameFacts, created_at: datetime | None, modified_at: datetime, tz: tzinfo
) -> NameFacts:
    """`facts` with its time filled in, if the name told none: the container's, else the file's.

    `created_at` without an offset is in `tz`.
    """
    if facts.started_at is not None and facts.time_source != "file":
        return facts
    source, at = ("file", modified_at) if created_at is None else ("container", created_at)
    at = at.replace(tzinfo=tz) if at.tzinfo is None else at.astimezone(tz)
    return NameFacts(
        started_at=at,
        time_source=source,
        caller_phone=facts.caller_phone,
        caller_name=facts.caller_name,
        caller_source=facts.caller_source,
        direction=facts.direction,
    )


def _readable(name: str) -> str:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:  # surrogates: the bytes are not UTF-8
        return os.fsencode(name).decode("gb18030", errors="replace")
    return name


def _facts(pattern: str, groups: dict[str, str | None], tz: tzinfo) -> NameFacts | None:
    """The facts in a match; None if its date is none or it holds nothing."""
    started_at = None
    if groups.get("date"):
        started_at = _time(groups, tz)
        if started_at is None:
            return None
    phone = _phone(groups.get("phone"))
    contact = (groups.get("contact") or "").strip() or None
    for value in (groups.get("who"), groups.get("also")):
        number = _phone(value)
        if number:
            phone = phone or number
        elif value and value.strip():
            # MIUI's text in brackets is a label; the name stands before it, so the later wins.
            contact = value.strip()
    if contact is not None and _phone(contact) is not None:
        phone, contact = phone or _phone(contact), None
    direction = _direction(groups.get("direction"), pattern)
    if started_at is None and phone is None and contact is None:
        return None
    source = f"name:{pattern}"
    return NameFacts(
        started_at=started_at,
        time_source=source if started_at else None,
        caller_phone=phone,
        caller_name=contact,
        caller_source=source if phone or contact else None,
        direction=direction,
    )


def _time(groups: dict[str, str | None], tz: tzinfo) -> datetime | None:
    date, clock = groups.get("date") or "", groups.get("time") or ""
    parts = re.findall(r"\d+", date)
    if len(parts) == 1:
        digits = parts[0] if len(parts[0]) != 6 else "20" + parts[0]
        parts = [digits[:4], digits[4:6], digits[6:]]
    hours = re.findall(r"\d+", clock)
    if len(hours) == 1:
        digits = hours[0].zfill(len(hours[0]) + len(hours[0]) % 2)
        hours = [digits[i : i + 2] for i in range(0, len(digits), 2)]
    try:
        year, month, day = (int(part) for part in parts)
        hour, minute, second = (int(part) for part in (*hours, "0")[:3])
        naive = datetime(year, month, day, hour, minute, second)
        zone = _offset(groups.get("offset")) or _epoch_zone(naive, groups.get("epoch")) or tz
        return naive.replace(tzinfo=zone).astimezone(tz)
    except (ValueError, OverflowError, TypeError):
        return None


def _offset(text: str | None) -> tzinfo | None:
    if not text:
        return None
    return datetime.strptime(text, "%z").tzinfo


def _epoch_zone(naive: datetime, epoch: str | None) -> tzinfo | None:
    """The zone of the exchange's clock, from a name that tells both its clock and the epoch.

    Only a difference that is a real offset counts (a multiple of 15 minutes, to within the minute
    that a call may ring); anything else says that the figure is something else.
    """
    if not epoch:
        return None
    difference = (
        naive.replace(tzinfo=UTC) - datetime.fromtimestamp(int(epoch), UTC)
    ).total_seconds()
    quarter = round(difference / 900) * 900
    if abs(difference - quarter) > 60 or not -12 * 3600 <= quarter <= 14 * 3600:
        return None
    return timezone(timedelta(seconds=quarter))


def _phone(text: str | None) -> str | None:
    """The digits of a phone number (a leading + is kept), or None if `text` is no number."""
    if text is None:
        return None
    digits = re.sub(r"[\s\-().]", "", text)
    return digits if re.fullmatch(r"\+?[0-9]{3,15}", digits) else None


def _direction(text: str | None, pattern: str) -> Literal["in", "out"] | None:
    word = (text or pattern.rpartition(" ")[2]).lower()
    if word in _INBOUND:
        return "in"
    return "out" if word in _OUTBOUND else None
