"""The file under the log: opened safely, written in whole steps, its errors told as sentences."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from pipeline import migrations
from pipeline.errors import LogError
from pipeline.folders import sync_folder
from pipeline.i18n import _, system_says
from pipeline.rows import Row, clean, iso

if TYPE_CHECKING:
    from types import TracebackType

try:  # the same choice as sqlite-utils makes
    from pysqlite3 import dbapi2 as sqlite3
except ImportError:
    import sqlite3

OLDEST_SQLITE = (3, 43, 0)
"""The first whose full-text index can forget a row of which it has no text (contentless_delete)."""

WAL_BUG = ((3, 7, 0), (3, 51, 2))
"""First and last SQLite that can corrupt a log when two connections reset the WAL at one moment
(https://sqlite.org/wal.html, "The WAL-reset bug"). These get a rollback journal: slower, and sound."""

BUSY_S = 20.0
"""How long a write waits for another process before it gives up; the longest step takes far less."""


class Store:
    """An open log file. One thread uses it; several processes may have it open at once.

    Args:
        path: the file, such as `hotline.db`; its folder must exist.
        create: make it if it is not there.
        reading: where nothing can be written (a full disk, a write-protected one) open it to be read
            alone: `unwritable` says why, and whatever wants to write is `refused` with that.
        now: the clock, for tests and for the home's time zone; gives a time with an offset.

    Raises:
        LogError: not there (with `create=False`), no log, of a newer hotline, not to be opened.
    """

    def __init__(
        self,
        path: Path,
        *,
        create: bool = True,
        reading: bool = False,
        now: Callable[[], datetime] | None = None,
    ) -> None:
        self.path = path
        self.unwritable: str | None = None
        self.refused = False
        self.now = now or (lambda: datetime.now().astimezone())
        self.conn: Any = None
        share = share_of(path.absolute(), _mounts())
        if share is not None:
            raise LogError(
                _(
                    "{file} lies on a network share ({share}), where SQLite may lose what was written;"
                    " put the home on a disk of this computer. Nothing was changed."
                ).format(file=path, share=share)
            )
        _make_private(path, create)
        try:
            self._open(str(path))
        except LogError as error:
            # A list that cannot be looked at helps nobody. What is in a WAL would be missing, so it must
            # hold nothing: then no other program has written since the file was closed whole.
            if not reading or _code(error.__cause__) not in _UNWRITABLE or _size(path, "-wal"):
                raise
            self._open(f"{path.absolute().as_uri()}?mode=ro&immutable=1", reading=True)
            self.unwritable = str(error)

    def _open(self, database: str, *, reading: bool = False) -> None:
        with self._explained():
            self.conn = sqlite3.connect(database, timeout=BUSY_S, isolation_level=None, uri=reading)
        try:
            with self._explained():
                self._refuse_others()
                if not reading:
                    self._set_up()
                self._migrate()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; a second time does nothing."""
        if self.conn is not None:
            self.conn.close()
            self.conn = None

    def _refuse_others(self) -> None:
        if sqlite3.sqlite_version_info < OLDEST_SQLITE:
            raise LogError(
                _(
                    "This Python's SQLite {version} is too old for the log; install a newer one "
                    "with: pip install pysqlite3"
                ).format(version=sqlite3.sqlite_version)
            )
        found = migrations.version(self.conn)
        application = self.conn.execute("PRAGMA application_id").fetchone()[0]
        tables = self.conn.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if tables and application != migrations.APPLICATION_ID:
            raise LogError(
                _("{file} is no log of hotline; give --home the right folder.").format(
                    file=self.path
                )
            )
        if found > migrations.VERSION:
            raise LogError(
                _(
                    "{file} was written by a newer hotline (log version {found}; this one knows "
                    "{known}). Install the newer hotline; nothing was changed."
                ).format(file=self.path, found=found, known=migrations.VERSION)
            )

    def _set_up(self) -> None:
        wanted = journal_mode(sqlite3.sqlite_version_info)
        deadline = time.monotonic() + BUSY_S
        while True:  # SQLite does not wait by itself when two processes change the mode at once
            try:
                got = self.conn.execute(f"PRAGMA journal_mode = {wanted}").fetchone()[0]
                break
            except sqlite3.OperationalError as error:
                if _code(error) != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    raise
                time.sleep(0.02)
        if got != wanted:
            raise LogError(
                _(
                    "{file} cannot be kept safely here ({got} instead of {wanted}); put the home on "
                    "a disk of this computer."
                ).format(file=self.path, got=got, wanted=wanted)
            )
        self.conn.execute("PRAGMA synchronous = FULL")
        self.conn.execute("PRAGMA foreign_keys = ON")
        self.conn.execute("PRAGMA recursive_triggers = ON")

    def _migrate(self) -> None:
        found = migrations.version(self.conn)
        if found == migrations.VERSION:
            return
        now = self.now()
        if found:
            self.back_up(
                self.path.with_name(
                    f"{self.path.name}.v{found}-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}.bak"
                )
            )
        migrations.migrate(self.conn, iso(now))

    def back_up(self, to: Path) -> Path:
        """A copy of the whole log at `to`, whole or not there at all; readable by its owner alone."""
        part = to.with_name(f"{to.name}.{os.getpid()}.part")  # two may open an older log at once
        with contextlib.suppress(FileNotFoundError):
            part.unlink()
        _make_private(part, create=True)
        copy = sqlite3.connect(str(part), isolation_level=None)
        try:
            with self._explained():
                self.conn.backup(copy)
                copy.execute("PRAGMA journal_mode = DELETE")
        finally:
            copy.close()
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        part.replace(to)
        sync_folder(to.parent)
        return to

    @cached_property
    def db(self) -> Any:
        """The same connection as a sqlite-utils `Database`; loaded by what writes."""
        from sqlite_utils import Database

        return Database(self.conn, recursive_triggers=False, execute_plugins=False)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All writes inside happen, or none; inside of another it is part of that.

        The write lock is taken at once: a read that turns into a write could fail without waiting.
        """
        if self.conn.in_transaction:
            yield
            return
        with self._explained(), self._block("BEGIN IMMEDIATE"):
            yield

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[None]:
        """All reads inside see one state of the log, whatever others write meanwhile."""
        if self.conn.in_transaction:
            yield
            return
        with self._explained(), self._block("BEGIN"):
            yield

    @contextlib.contextmanager
    def _block(self, begin: str) -> Iterator[None]:
        self.conn.execute(begin)
        try:
            yield
            self.conn.execute("COMMIT")
        except BaseException:
            if self.conn.in_transaction:
                self.conn.execute("ROLLBACK")
            raise

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        """SQLite's errors as sentences."""
        try:
            yield
        except sqlite3.Error as error:
            if self.unwritable and _code(error) == sqlite3.SQLITE_READONLY:
                self.refused = True
                raise LogError(self.unwritable) from error
            raise LogError(_sentence(error, self.path)) from error

    def query(
        self, sql: str, params: Sequence[Any] | Mapping[str, Any] = ()
    ) -> list[dict[str, Any]]:
        """The rows of one SELECT as dicts. Paths that are not Unicode come as `os.fsdecode` has them.

        Raises:
            LogError: the log cannot be read.
        """
        with self._explained():
            cursor = self.conn.execute(sql, params)
            names = [column[0] for column in cursor.description]
            return [
                {
                    name: os.fsdecode(value) if isinstance(value, bytes) else value
                    for name, value in zip(names, row, strict=True)
                }
                for row in cursor
            ]

    def one(self, sql: str, params: Sequence[Any] = ()) -> Row | None:
        """The first row of a SELECT."""
        rows = self.query(sql, params)
        return rows[0] if rows else None

    def value(self, sql: str, params: Sequence[Any] = ()) -> Any:
        """The first value of the first row of a SELECT; None where there is no row."""
        row = self.one(sql, params)
        return next(iter(row.values())) if row else None

    def insert(self, table: str, row: Row) -> int:
        """Add a row, as part of a transaction; its key."""
        kept = {name: clean(value) for name, value in row.items()}
        return int(self.db.table(table).insert(kept).last_pk)

    def insert_all(self, table: str, rows: Iterable[Row]) -> None:
        """Add rows, as part of a transaction."""
        self.db.table(table).insert_all(
            [{name: clean(value) for name, value in row.items()} for row in rows]
        )

    def update(self, table: str, key: int, changes: Row) -> None:
        """Set columns of the row with this key, as part of a transaction."""
        self.db.table(table).update(key, {name: clean(v) for name, v in changes.items()})


def journal_mode(version: tuple[int, int, int]) -> str:
    """How a SQLite of `version` keeps the log safe: `wal`, or `delete` where its WAL has the bug."""
    return "delete" if WAL_BUG[0] <= version <= WAL_BUG[1] else "wal"


def in_memory() -> Any:
    """A connection to a database that is nowhere else: to see what a log should be like."""
    return sqlite3.connect(":memory:", isolation_level=None)


_SHARES = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "ncpfs", "fuse.sshfs"})
"""File systems of Linux whose locks and syncs do not hold what SQLite needs of them."""


def share_of(path: Path, mounts: Sequence[tuple[str, str]]) -> str | None:
    """The kind of network share on which an absolute `path` lies; None for a disk of this computer.

    `mounts` are (folder, kind of file system), in the order in which they were mounted. On Windows
    only a path that names its server is known; a letter that stands for a share is not.
    """
    if str(path).startswith("\\\\"):
        return "Windows"
    found: tuple[int, str] = (0, "")
    for folder, kind in mounts:
        if path.is_relative_to(folder) and len(folder) >= found[0]:
            found = (len(folder), kind)
    return found[1] if found[1] in _SHARES else None


def _mounts() -> list[tuple[str, str]]:
    """What is mounted where, as Linux says it; nothing elsewhere."""
    try:
        lines = Path("/proc/self/mounts").read_text("utf-8", "replace").splitlines()
    except OSError:
        return []
    found = []
    for parts in (line.split(" ") for line in lines):
        if len(parts) > 2:
            found.append((parts[1].replace("\\040", " "), parts[2]))
    return found


# --- Files and errors -----------------------------------------------------------------------------


def _make_private(path: Path, create: bool) -> None:
    """See to it that the file at `path` is there (made empty if need be) and its owner's alone."""
    try:
        if not path.exists():
            if not create:
                raise LogError(
                    _("There is no log at {file}; hotline ingest makes it.").format(file=path)
                )
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            sync_folder(path.parent)
        elif os.name == "posix" and path.stat().st_mode & 0o077:
            path.chmod(0o600)
    except PermissionError as error:
        if path.exists():  # somebody else's file: SQLite says whether it can be used
            return
        raise LogError(_cannot_open(path, system_says(error))) from error
    except OSError as error:
        raise LogError(_cannot_open(path, system_says(error))) from error


def _cannot_open(path: Path, what: object) -> str:
    return _("The log {file} cannot be opened: {what}.").format(file=path, what=what)


_UNWRITABLE = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR})  # fmt: skip
"""What SQLite says where the files that it puts beside the log cannot be made."""


def _size(path: Path, beside: str) -> int:
    """How large a file beside the log is; 0 where there is none."""
    try:
        return path.with_name(path.name + beside).stat().st_size
    except OSError:
        return 0


def _no_room(path: Path) -> bool:
    """Whether the disk is full: the index of the WAL cannot grow then, which SQLite calls a failed disk."""
    try:
        return shutil.disk_usage(path.parent).free < 1 << 20
    except OSError:
        return False


def _code(error: BaseException | None) -> int:
    """SQLite's primary result code, or 0 where there is none."""
    return int(getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF


def _sentence(error: BaseException, path: Path) -> str:
    code = _code(error)
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return _(
            "Another program is writing to {file} and does not stop; close it and try again."
        ).format(file=path)
    if code == sqlite3.SQLITE_FULL or (code == sqlite3.SQLITE_IOERR and _no_room(path)):
        return _(
            "The disk is full; nothing half was written to {file}. Make room, try again."
        ).format(file=path)
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM) or (
        code == sqlite3.SQLITE_CANTOPEN and not os.access(path.parent, os.W_OK)
    ):
        return _("{file} may not be written; ask who looks after this computer.").format(file=path)
    if code == sqlite3.SQLITE_IOERR:
        return _("The disk failed at {file} ({what}); check it, and keep a copy.").format(
            file=path, what=error
        )
    if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
        return _(
            "{file} is damaged or no log of hotline ({what}); keep it, and put a backup in its place."
        ).format(file=path, what=error)
    if code == sqlite3.SQLITE_CANTOPEN:
        return _cannot_open(path, error)
    return _("The log {file} refused this: {what}.").format(file=path, what=error)
