"""The disk between the calls that a program makes: the shim (see shim.c), its traces, and power cuts.

A power cut is simulated from a trace. What was synced is there. Of what was not, each write is there
whole, in part (a multiple of 512 bytes), or not at all, in any order; names that were made, changed or
taken away since their folder was synced are there up to some point of their order, as file systems
with a journal keep it.
"""

from __future__ import annotations

import ctypes
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

SHIM = Path(__file__).with_name("shim.c")


def available() -> bool:
    """Whether the shim can be built and loaded here: Linux with a C compiler."""
    return sys.platform.startswith("linux") and shutil.which("cc") is not None


def build(folder: Path) -> Path:
    """Compile the shim into `folder`."""
    made = folder / "shim.so"
    if not made.exists():
        subprocess.run(
            ["cc", "-O1", "-shared", "-fPIC", "-o", str(made), str(SHIM), "-ldl"],
            check=True,
            capture_output=True,
        )
    return made


def environment(folder: Path, root: Path) -> dict[str, str]:
    """What a program's environment must hold so that its calls below `root` go through the shim."""
    return {
        "LD_PRELOAD": str(build(folder)),
        "SHIM_ROOT": str(root),
        "SHIM_COUNT": str(folder / "count"),
    }


class NoShim:
    """Where no shim can be: nothing is counted, and nothing happens."""

    def set(self, **fault: object) -> None:
        assert not fault.get("at"), "no shim to do it"

    def mark(self, said: str) -> None:
        pass


class Shim:
    """The shim as the program under it sees it."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL(os.environ["LD_PRELOAD"])
        self._library.shim_count.restype = ctypes.c_uint64

    def set(
        self,
        at: int = 0,
        do: str = "kill",
        *,
        stay: bool = False,
        no_sync: bool = False,
        trace: Path | None = None,
    ) -> None:
        """From now on count from 0, and at call `at` let happen what `do` says."""
        self._library.shim_set(
            ctypes.c_uint64(at),
            do.encode(),
            int(stay),
            int(no_sync),
            None if trace is None else os.fsencode(trace),
        )

    def count(self) -> int:
        return int(self._library.shim_count())

    def mark(self, said: str) -> None:
        self._library.shim_mark(said.encode())


@dataclass(frozen=True, slots=True)
class Call:
    """One call in a trace. `kind` is write, sync, truncate, create, empty, rename, link, unlink, mkdir
    or mark."""

    number: int
    pid: int
    kind: str
    path: str
    other: str
    offset: int
    content: bytes


def read_trace(path: Path) -> list[Call]:
    """The calls in a trace, in order."""
    content = path.read_bytes()
    calls, at = [], 0
    while at < len(content):
        end = content.index(b"\n", at)
        number, pid, kind, name, other, offset, length = content[at:end].split(b"\t")
        at = end + 1 + int(length)
        calls.append(
            Call(
                int(number),
                int(pid),
                kind.decode(),
                os.fsdecode(name),
                os.fsdecode(other),
                int(offset),
                content[end + 1 : at],
            )
        )
    return calls


@dataclass(slots=True)
class _File:
    """A file's bytes as they are on the disk, and the changes that may be or not."""

    safe: bytearray = field(default_factory=bytearray)
    pending: list[tuple[str, int, bytes]] = field(default_factory=list)

    def sync(self) -> None:
        for change in self.pending:
            _apply(self.safe, change)
        self.pending.clear()

    def after_a_cut(self, lots: random.Random) -> bytes:
        content = bytearray(self.safe)
        for kind, offset, data in self.pending:
            drawn = lots.random()
            if drawn < 0.4:
                continue
            if kind == "write" and drawn < 0.6:
                data = data[: lots.randrange(0, len(data) + 1, 512)]
            _apply(content, (kind, offset, data))
        return bytes(content)


def _apply(content: bytearray, change: tuple[str, int, bytes]) -> None:
    kind, offset, data = change
    if kind == "truncate":
        del content[offset:]
        content.extend(bytes(offset - len(content)))
    elif data:
        content.extend(bytes(max(0, offset - len(content))))
        content[offset : offset + len(data)] = data


class Disk:
    """What a disk holds while the calls of a trace are made on it, starting from the files in `base`."""

    def __init__(self, root: Path, base: Path) -> None:
        self.root = root
        self.names: dict[str, _File] = {}
        self._waiting: list[tuple[str, str, str, _File | None]] = []
        self._live: dict[str, _File] = {}
        self.folders = {str(root)}
        self.times: dict[str, tuple[int, int]] = {}
        for path in sorted(base.rglob("*")):
            name = str(root / path.relative_to(base))
            if path.is_dir():
                self.folders.add(name)
            elif path.is_file():
                self.names[name] = _File(bytearray(path.read_bytes()))
                self.times[name] = (path.stat().st_atime_ns, path.stat().st_mtime_ns)
        self._live = dict(self.names)

    def play(self, calls: list[Call]) -> Iterator[Call]:
        """Make the calls one by one; each is yielded after it was made."""
        for call in calls:
            self._make(call)
            yield call

    def _make(self, call: Call) -> None:
        file = self._live.get(call.path)
        if call.kind == "create" and file is None:
            self._live[call.path] = made = _File()
            self._waiting.append(("create", call.path, "", made))
        elif call.kind in ("write", "truncate", "empty"):
            if file is None:  # opened before its name was taken away: nothing of it stays
                return
            kind = "write" if call.kind == "write" else "truncate"
            file.pending.append((kind, call.offset, call.content))
        elif call.kind == "sync" and file is not None:
            file.sync()
        elif call.kind == "sync":
            self._settle(call.path)
        elif call.kind in ("rename", "link") and file is not None:
            self._live[call.other] = file
            self._waiting.append((call.kind, call.path, call.other, file))
            if call.kind == "rename":
                del self._live[call.path]
        elif call.kind == "unlink" and file is not None:
            del self._live[call.path]
            self._waiting.append(("unlink", call.path, "", None))
        elif call.kind == "mkdir":
            self.folders.add(call.path)  # a folder that is there too early harms nobody

    def _settle(self, folder: str) -> None:
        """A folder was synced: what happened to its names, and all before it, is safe."""
        last = max(
            (
                n
                for n, (_kind, path, other, _file) in enumerate(self._waiting)
                if folder in (os.path.dirname(path), os.path.dirname(other or path))  # noqa: PTH120
            ),
            default=-1,
        )
        for change in self._waiting[: last + 1]:
            _rename(self.names, change)
        del self._waiting[: last + 1]

    def cut(self, lots: random.Random, to: Path) -> Path:
        """The power goes: what is on the disk then, as a folder at `to`."""
        names = dict(self.names)
        for change in self._waiting[: lots.randint(0, len(self._waiting))]:
            _rename(names, change)
        shutil.rmtree(to, ignore_errors=True)
        for folder in sorted(self.folders):
            (to / os.path.relpath(folder, self.root)).mkdir(parents=True, exist_ok=True)
        contents: dict[int, bytes] = {}
        for name, file in names.items():
            if name.endswith("-shm"):  # of shared memory nothing is left
                continue
            content = contents.setdefault(id(file), file.after_a_cut(lots))
            place = to / os.path.relpath(name, self.root)
            place.write_bytes(content)
            place.chmod(0o600)
            if name in self.times:  # times are no matter of this simulation
                os.utime(place, ns=self.times[name])
        return to


def _rename(names: dict[str, _File], change: tuple[str, str, str, _File | None]) -> None:
    kind, path, other, file = change
    if kind == "create":
        assert file is not None
        names[path] = file
    elif kind == "unlink":
        names.pop(path, None)
    else:
        assert file is not None
        names[other] = file
        if kind == "rename":
            names.pop(path, None)
