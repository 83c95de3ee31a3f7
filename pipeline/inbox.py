"""Which files have arrived whole. Dropped files are looked at only: never moved, changed or linked."""

from __future__ import annotations

import contextlib
import os
import re
import stat
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pipeline.errors import HotlineError
from pipeline.i18n import _, system_says
from pipeline.types import Arrival

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
