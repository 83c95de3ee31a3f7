"""Which files have arrived whole, what their names tell of the call, and the keeping of originals.

Identity is the content's SHA-256. Dropped files are read only: never moved, changed or linked.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import secrets
import shutil
import stat
import time
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from io import BufferedWriter, RawIOBase
from pathlib import Path
from typing import Literal

from pipeline.errors import HotlineError, SettingsError
from pipeline.i18n import _, system_says
from pipeline.types import Arrival, NameFacts

NOT_DROPPED = frozenset({".ds_store", "thumbs.db", "desktop.ini", ".gitkeep"})
"""Names (lower case) that operating systems and git put into folders; staff never dropped these.
They are the only files that `scan` leaves out."""

_PARTIAL = re.compile(
    r"""(?ix)
    .*\.(part|partial|crdownload|tmp|temp|download|filepart|!qb|opdownload)  # browsers, FTP clients
    | .*~ | ~.*                                                             # editors, Office
    | \..+\.[a-z0-9]{6}                                                     # rsync: .name.mp3.Xa81bQ
    """
)
"""Names that programs give to a file while they still write it; the whole file gets another name."""

_PARTIAL_MARK = re.compile(
    r"(?i)^\.(?P<rsync>.+)\.[a-z0-9]{6}$|^~?(?P<plain>.+?)"
    r"(?:\.(?:part|partial|crdownload|tmp|temp|download|filepart|!qb|opdownload)|~)?$"
)

_READ_SIZE = 1 << 20  # bytes: large enough that hashing, not calls, sets the pace
_ROOM = 16 << 20  # bytes that a copy must leave free
_STALE_S = 3600.0  # a temporary copy older than this belongs to a run that was killed


@dataclass(frozen=True, slots=True)
class Kept:
    """An original that is safe: `path` holds exactly the `size` bytes that hash to `sha256` (hex)."""

    sha256: str
    size: int
    path: Path


# --- Arrivals -----------------------------------------------------------------------------------


def scan(folder: Path, *, settle_s: float = 2.0, exclude: Sequence[Path] = ()) -> list[Arrival]:
    """Every file below `folder` (or `folder` itself, if it is a file), oldest first, then by path.

    Nothing is left out but `NOT_DROPPED` and what lies below the folders in `exclude` (the
    program's own, were they inside). Empty and hidden files are arrivals too. What is no
    regular file is an arrival as well, so that it is seen: a symbolic link (`kind` is link; it is
    not followed), a pipe or device (special), a folder that may not be listed (unreadable).

    A file is settled when size and mtime stood still: at once if its mtime is at least `settle_s`
    seconds old, else if a second look, `settle_s` later, finds both the same (so a file from a
    computer whose clock is ahead settles too). Names of partial downloads never settle. One call
    waits at most `settle_s` in all, and only if something is fresh.

    Raises:
        HotlineError: `folder` is not there or cannot be listed.
    """
    try:
        top = os.stat(folder)  # noqa: PTH116 (Path.stat would be the same; errors named alike below)
        if stat.S_ISREG(top.st_mode):
            looks = [(Path(folder), os.lstat(folder))]
        else:
            os.scandir(folder).close()
            looks = list(_walk(Path(folder), {_identity(path) for path in exclude}))
    except OSError as error:
        raise HotlineError(
            _(
                "{folder} cannot be looked into: {error}. Check the path and that you may read it."
            ).format(folder=folder, error=system_says(error))
        ) from error
    now = time.time()
    # A negative age (a clock ahead of ours) says nothing: such a file gets the second look.
    fresh = {
        path
        for path, info in looks
        if stat.S_ISREG(info.st_mode) and not settle_s <= now - info.st_mtime
    }
    if settle_s > 0 and any(not is_partial(path.name) for path in fresh):
        time.sleep(settle_s)
    arrivals = []
    for path, first in looks:
        info, still = first, True
        if path in fresh:
            try:
                info = path.lstat()
            except FileNotFoundError:  # renamed or taken back meanwhile: not here any more
                continue
            still = (info.st_size, info.st_mtime_ns) == (first.st_size, first.st_mtime_ns)
        partial = is_partial(path.name)
        kind = _kind(info)
        arrivals.append(
            Arrival(
                path=path,
                size=info.st_size if kind == "file" else 0,
                modified_at=modified(info),
                settled=kind != "file" or (still and not partial),
                kind=kind,
            )
        )
    return sorted(arrivals, key=lambda arrival: (arrival.modified_at, os.fsencode(arrival.path)))


def _walk(folder: Path, exclude: set[tuple[int, int]]) -> Iterator[tuple[Path, os.stat_result]]:
    todo = [folder]
    while todo:  # no recursion: folders may be nested deeper than Python goes
        here = todo.pop()
        try:
            with os.scandir(here) as listing:
                entries = list(listing)
        except OSError:
            with contextlib.suppress(OSError):  # it has gone altogether
                yield here, here.lstat()
            continue
        for entry in entries:
            path = Path(entry.path)
            try:
                info = path.lstat()
            except OSError:  # gone between the listing and the look
                continue
            if stat.S_ISDIR(info.st_mode):
                if (info.st_dev, info.st_ino) not in exclude:
                    todo.append(path)
            elif entry.name.lower() not in NOT_DROPPED:
                yield path, info


def _identity(path: Path) -> tuple[int, int]:
    try:
        info = path.stat()
    except OSError:
        return (-1, -1)
    return (info.st_dev, info.st_ino)


def _kind(info: os.stat_result) -> Literal["file", "link", "special", "unreadable"]:
    if stat.S_ISREG(info.st_mode):
        return "file"
    if stat.S_ISLNK(info.st_mode):
        return "link"
    return "unreadable" if stat.S_ISDIR(info.st_mode) else "special"


def modified(info: os.stat_result) -> datetime:
    """A file's time, in UTC."""
    try:
        return datetime.fromtimestamp(info.st_mtime, tz=UTC)
    except (OverflowError, ValueError, OSError):  # a damaged file system's date
        return datetime.fromtimestamp(0, tz=UTC)


def is_partial(name: str) -> bool:
    """Whether a file of this name is still being written by a program that will rename it."""
    return _PARTIAL.fullmatch(name) is not None


def whole_name(name: str) -> str | None:
    """The name that a partial file gets when it is whole, as far as its own name tells."""
    match = _PARTIAL_MARK.match(name) if is_partial(name) else None
    return None if match is None else match["rsync"] or match["plain"]


# --- Names --------------------------------------------------------------------------------------


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


# --- Originals ----------------------------------------------------------------------------------


def keep(path: Path, originals: Path) -> Kept:
    """Copy the file to `originals`/SHA[:2]/SHA.suffix, hashing the very bytes that are written.

    A copy and no hard link: a link would share its bytes with the dropped file, so that a recorder
    that goes on writing, or a repair of tags in place, would change the original under its hash;
    nor could it be made readable by its owner alone without changing the dropped file. A content
    that is already kept, under whatever suffix, and still hashes right is not written again.

    Raises:
        HotlineError: the file cannot be read, changed while it was read, or the copy cannot be
            written (disk full, no permission); nothing half-written is left behind.
    """
    part = originals / f".incoming-{os.getpid()}-{secrets.token_hex(4)}"
    try:
        source = open(path, "rb", buffering=0, opener=_open_no_link)  # noqa: SIM115 (closed below)
    except OSError as error:
        raise _cannot_read(path, error) from error
    with source:
        before = os.fstat(source.fileno())
        if not stat.S_ISREG(before.st_mode):
            raise HotlineError(
                _("{file} is no ordinary file; copy the recording itself here.").format(
                    file=path.name
                )
            )
        try:
            _make_folder(originals)
            _sweep(originals)
            _refuse_too_large(before.st_size, originals)
            with open(part, "xb", opener=_open_private) as target:
                sha256, size = _copy(path, source, target)
                target.flush()
                os.fsync(target.fileno())
            os.utime(part, ns=(before.st_atime_ns, before.st_mtime_ns))
            _check_still(path, before, os.fstat(source.fileno()), size)
            return Kept(sha256, size, _place(part, originals, sha256, size, path.suffix))
        except OSError as error:
            raise HotlineError(
                _("{file} cannot be kept in {folder}: {error}. {advice}").format(
                    file=path.name,
                    folder=originals,
                    error=system_says(error),
                    advice=_("Make room on the disk; it is tried again at the next run.")
                    if error.errno in (errno.ENOSPC, errno.EDQUOT)
                    else _("It is tried again at the next run."),
                )
            ) from error
        finally:
            with contextlib.suppress(OSError):  # its folder could not even be made
                part.unlink(missing_ok=True)


def hash_file(path: Path) -> str:
    """The SHA-256 (hex) of a file's content, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _open_no_link(name: str, flags: int) -> int:
    # Nor may opening a pipe that took the file's place wait for a writer for ever.
    return os.open(name, flags | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))


def _open_private(name: str, flags: int) -> int:
    return os.open(name, flags, 0o600)


def _refuse_too_large(size: int, originals: Path) -> None:
    """Say that the disk is too full before it is filled: the log needs room as well."""
    if size + _ROOM > shutil.disk_usage(originals).free:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _copy(path: Path, source: RawIOBase, target: BufferedWriter) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    while True:
        try:
            block = source.read(_READ_SIZE)
        except OSError as error:
            raise _cannot_read(path, error) from error
        if not block:
            return digest.hexdigest(), size
        digest.update(block)
        size += len(block)
        target.write(block)


def _check_still(path: Path, before: os.stat_result, after: os.stat_result, size: int) -> None:
    """Refuse what was written to, or put in another's place, while it was read."""
    try:
        named = path.lstat()
    except OSError:
        named = None
    if (
        (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns)
        or after.st_size != size
        or (named is not None and not os.path.samestat(named, after))
    ):
        raise HotlineError(
            _("{file} is still being written; it is tried again at the next run.").format(
                file=path.name
            )
        )


def _place(part: Path, originals: Path, sha256: str, size: int, suffix: str) -> Path:
    """Give the finished copy its name, so that after a power cut it is there whole or not at all."""
    folder = originals / sha256[:2]
    _make_folder(folder)
    for kept in sorted(folder.glob(sha256 + "*")):
        if kept.is_file() and kept.stat().st_size == size and hash_file(kept) == sha256:
            return kept
    # A suffix only where it is plain: it is a help for players, not part of the identity.
    place = folder / (
        sha256 + (suffix.lower() if re.fullmatch(r"\.[A-Za-z0-9]{1,8}", suffix) else "")
    )
    part.replace(place)
    for parent in (folder, originals):
        _sync_folder(parent)
    return place


def _make_folder(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # Windows opens no folders; NTFS journals renames
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sweep(originals: Path) -> None:
    """Take away copies that a killed run left half-written."""
    for part in originals.glob(".incoming-*"):
        with contextlib.suppress(OSError):  # another run may have taken it away
            if time.time() - part.stat().st_ctime > _STALE_S:
                part.unlink()


def _cannot_read(path: Path, error: OSError) -> HotlineError:
    return HotlineError(
        _("{file} cannot be read: {error}. It is tried again at the next run.").format(
            file=path.name, error=system_says(error)
        )
    )
