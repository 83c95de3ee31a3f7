"""The keeping of originals: a copy of each recording, under the hash of its content.

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
from dataclasses import dataclass
from io import BufferedWriter, RawIOBase
from pathlib import Path

from pipeline.errors import HotlineError
from pipeline.folders import sync_folder
from pipeline.i18n import _, system_says

_READ_SIZE = 1 << 20  # bytes: large enough that hashing, not calls, sets the pace
_ROOM = 16 << 20  # bytes that a copy must leave free
_STALE_S = 3600.0  # a temporary copy older than this belongs to a run that was killed


@dataclass(frozen=True, slots=True)
class Kept:
    """An original that is safe: `path` holds exactly the `size` bytes that hash to `sha256` (hex)."""

    sha256: str
    size: int
    path: Path


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
        sync_folder(parent)
    return place


def _make_folder(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)


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
