"""The decoder as a process of its own: what a bad file breaks is that process, and one file.

One process serves many files, for its start takes a third of a second; after a crash the next file
gets a new one. Samples and facts come back through a pipe, so that nothing lies about on the disk
when either side is killed. What had come before a crash is used, and the rest is said to be missing.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import struct
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.errors import DecoderFailed, HotlineError, UnsupportedAudio
from pipeline.i18n import _, plural
from pipeline.types import SAMPLE_RATE, Limits

PROGRAM = "from pipeline.decode import serve; serve()"
"""What the process runs, after it was given this process's `sys.path`."""

_START_S = 180.0
"""How long it may take to start: an office computer's disk that just woke up, a virus scanner."""
_LARGEST = 64 << 20
"""Bytes in one message; more is no message of ours."""
_PACK_S = 600
"""Seconds in one piece while decoding: 38 MB, which the C library hands back to the system when it is
let go (smaller pieces it keeps: a stereo call of three hours then took 2.8 GB and not 1.4)."""


@dataclass(frozen=True, slots=True, eq=False)
class Decoded:
    """What came out of one file: float32 arrays of shape (samples,) in [-1, 1] at SAMPLE_RATE.

    `right` is None where one channel was all there was. `problems` are sentences. `peak_bytes` is the
    most memory that the decoder's process ever used, 0 where the system does not say.
    """

    left: np.ndarray
    right: np.ndarray | None
    container: str
    codec: str
    source_rate: int
    source_channels: int
    problems: tuple[str, ...]
    created_at: datetime | None
    peak_bytes: int


class _Channel:
    """Samples that grow, in blocks of `_PACK_S` seconds."""

    def __init__(self) -> None:
        self.blocks: list[np.ndarray] = []
        self._pieces: list[np.ndarray] = []
        self._pending = 0
        self.size = 0

    def append(self, samples: np.ndarray) -> None:
        self._pieces.append(samples)
        self._pending += len(samples)
        self.size += len(samples)
        if self._pending >= _PACK_S * SAMPLE_RATE:
            self._pack()

    def copy(self) -> _Channel:
        self._pack()
        other = _Channel()
        other.blocks, other.size = list(self.blocks), self.size
        return other

    def finish(self, size: int) -> np.ndarray:
        """The first `size` samples as one array in [-1, 1]; the blocks are let go one by one."""
        self._pack()
        whole = np.empty(self.size, np.float32)
        at = 0
        self.blocks.reverse()
        while self.blocks:
            block = self.blocks.pop()
            part = whole[at : at + len(block)]
            # float WAVs may hold anything
            np.nan_to_num(block, copy=False, posinf=0.0, neginf=0.0)
            np.clip(block, -1.0, 1.0, out=part)
            at += len(block)
        return whole[:size]

    def _pack(self) -> None:
        if self._pieces:
            self.blocks.append(np.concatenate(self._pieces))
            self._pieces, self._pending = [], 0


class _Answer:
    """What the process said of one file so far."""

    def __init__(self) -> None:
        self.header: dict[str, Any] | None = None
        self.end: dict[str, Any] | None = None
        self.failure: dict[str, Any] | None = None
        self.left = _Channel()
        self.right: _Channel | None = None
        self.died: str | None = None
        """How the process ended, where it did not answer to the end: `crashed` or `hung`."""

    @property
    def size(self) -> int:
        # A crash may come between the two channels of one stretch.
        return self.left.size if self.right is None else min(self.left.size, self.right.size)


class Decoder:
    """A process that decodes, started when first needed; for one thread at a time (others wait)."""

    def __init__(self, limits: Limits | None = None, program: str = PROGRAM) -> None:
        self.limits = limits or Limits()
        self._program = program
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = 0
        self._lock = threading.Lock()
        self._deadline = 0.0

    def decode(
        self, path: Path, *, name: str | None = None, seconds: float | None = None
    ) -> Decoded:
        """The sound in the file at `path`, of which staff know the `name`; up to `seconds` of it.

        Raises:
            UnsupportedAudio: no sound that can be decoded is in the file, or it is a playlist.
            DecoderFailed: the decoder crashed or hung twice before any sound came.
            HotlineError: the file cannot be read (permission, broken disk), or no process started.
        """
        name = name or path.name
        task = {
            "path": str(path.absolute()),
            "suffix": path.suffix,
            "seconds": seconds,
            "limits": asdict(self.limits),
        }
        with self._lock:
            answer = self._ask(task)
            if answer.died == "crashed":
                # Once more in a new process: the reason may have been the memory or a virus scanner.
                again = self._ask(task)
                answer = again if again.died is None or again.size >= answer.size else answer
        return _decoded(answer, name, self.limits, seconds)

    def close(self) -> None:
        """End the process; the next file starts another."""
        process, self._process = self._process, None
        if process is None or self._owner != os.getpid():  # a fork's parent keeps its own
            return
        for stream in (process.stdin, process.stdout):
            assert stream is not None
            with contextlib.suppress(OSError):
                stream.close()
        process.kill()
        process.wait()

    def _start(self) -> subprocess.Popen[bytes]:
        if self._process is not None and (
            self._owner != os.getpid() or self._process.poll() is not None
        ):
            self.close()
        if self._process is None:
            code = f"import json, sys; sys.path[:] = json.loads(sys.argv[1]); {self._program}"
            try:
                self._process = subprocess.Popen(
                    [sys.executable, "-c", code, json.dumps(sys.path)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                )
            except OSError as error:
                raise _cannot_start(error.strerror or str(error)) from error
            self._owner = os.getpid()
            self._deadline = time.monotonic() + _START_S
            with self._watched(self._process):
                letter, _content = self._message()
            if letter != b"Y":
                self.close()
                raise _cannot_start(_("it ended at once"))
        return self._process

    def _ask(self, task: dict[str, Any]) -> _Answer:
        answer = _Answer()
        try:
            process = self._start()
            started = time.monotonic()
            latest = started + self.limits.wall_s
            self._deadline = min(started + self.limits.stall_s, latest)
            assert process.stdin is not None
            with self._watched(process) as hung:
                with contextlib.suppress(OSError):
                    process.stdin.write(json.dumps(task).encode() + b"\n")
                    process.stdin.flush()
                while answer.end is None and answer.failure is None:
                    letter, content = self._message()
                    if not self._take(answer, letter, content):
                        answer.died = "hung" if hung.is_set() else "crashed"
                        break
                    if letter in (b"L", b"R", b"H"):
                        self._deadline = min(time.monotonic() + self.limits.stall_s, latest)
        except BaseException:  # Ctrl-C in the middle: what comes next belongs to no question
            self.close()
            raise
        if answer.died is not None:
            self.close()
        return answer

    def _take(self, answer: _Answer, letter: bytes, content: bytes) -> bool:
        """Take one message in; False for the end of the process, or what it cannot have meant."""
        try:
            if letter == b"L":
                answer.left.append(np.frombuffer(content, "<f4"))
            elif letter == b"R" and answer.right is not None:
                answer.right.append(np.frombuffer(content, "<f4"))
            elif letter == b"S" and answer.right is None:
                answer.right = answer.left.copy()
            elif letter == b"H":
                answer.header = dict(json.loads(content))
            elif letter == b"E" and answer.header is not None:
                answer.end = dict(json.loads(content))
            elif letter == b"X":
                answer.failure = dict(json.loads(content))
            else:
                return False
        except ValueError:
            return False
        # One block more than it was allowed is its last; a process that goes on is not ours any more.
        return answer.left.size / SAMPLE_RATE <= self.limits.seconds + 3600.0

    def _message(self) -> tuple[bytes, bytes]:
        process = self._process
        assert process is not None
        assert process.stdout is not None
        head = process.stdout.read(5)
        if len(head) < 5:
            return b"", b""
        (length,) = struct.unpack("<I", head[1:])
        if length > _LARGEST:
            return b"", b""
        content = process.stdout.read(length)
        return (head[:1], content) if len(content) == length else (b"", b"")

    @contextlib.contextmanager
    def _watched(self, process: subprocess.Popen[bytes]) -> Any:
        """Kill the process when the deadline, which moves, has passed; the event says that it did."""
        done, hung = threading.Event(), threading.Event()

        def watch() -> None:
            while not done.wait(max(0.05, min(self._deadline - time.monotonic(), 5.0))):
                if time.monotonic() >= self._deadline:
                    hung.set()
                    process.kill()
                    return

        watcher = threading.Thread(target=watch, name="decoder-watch", daemon=True)
        watcher.start()
        try:
            yield hung
        finally:
            done.set()
            watcher.join()


@lru_cache(maxsize=1)
def shared() -> Decoder:
    """The one decoder of this process, ended with it."""
    decoder = Decoder()
    atexit.register(decoder.close)
    return decoder


# --- What it means --------------------------------------------------------------------------------


def _decoded(answer: _Answer, name: str, limits: Limits, seconds: float | None) -> Decoded:
    header = answer.header or {}
    failure = answer.failure or {}
    if failure.get("kind") == "read":
        raise cannot_read(name, str(failure.get("said", "")))
    if answer.size == 0:
        raise _nothing(answer, name)
    decoded = answer.size / SAMPLE_RATE
    problems = []
    if int(header.get("tracks", 1)) > 1:
        problems.append(
            _("It has {n} sound tracks; only track {which} was heard.").format(
                n=header["tracks"], which=header["track"]
            )
        )
    end = answer.end or {}
    if end.get("bad"):
        problems.append(
            plural(
                "{n} of {all} packets of sound could not be decoded; what was said there is lost.",
                "{n} of {all} packets of sound could not be decoded; what was said there is lost.",
                end["bad"],
            ).format(n=end["bad"], all=max(end["packets"], end["bad"]))
        )
    problems += _length_problems(answer, decoded, limits, seconds)
    if header.get("spare") and seconds is None:
        problems.append(
            _(
                "Behind its end stands more ({kb} kB), perhaps a second recording, that was not heard;"
                " copy each call as a file of its own."
            ).format(kb=max(1, round(header["spare"] / 1000)))
        )
    if int(end.get("most_channels", 1)) > 2:
        problems.append(
            _("Where it has more than two channels (up to {n}) they were mixed into one.").format(
                n=end["most_channels"]
            )
        )
    created = header.get("created_at")
    size = answer.size
    return Decoded(
        left=answer.left.finish(size),
        right=None if answer.right is None else answer.right.finish(size),
        container=str(header.get("container", "")),
        codec=str(header.get("codec", "")),
        source_rate=int(header.get("rate", 0)),
        source_channels=int(end.get("most_channels", 1 if answer.right is None else 2)),
        problems=tuple(problems),
        created_at=None if created is None else datetime.fromisoformat(created),
        peak_bytes=int(end.get("peak", 0)),
    )


def _nothing(answer: _Answer, name: str) -> HotlineError:
    """Why no sound at all came out of a file, as the error that says so."""
    failure = answer.failure or {}
    kind, said = failure.get("kind"), str(failure.get("said", ""))
    if kind == "empty":
        return UnsupportedAudio(
            _("{file} is empty; copy it again from the recorder.").format(file=name)
        )
    if kind == "no_sound":
        what = {
            "video": _("only a picture or a film without sound"),
            "subtitle": _("only text"),
        }.get(said, _("nothing that can be heard"))
        return UnsupportedAudio(
            _("{file} holds no sound, {what}; it is no recording of a call.").format(
                file=name, what=what
            )
        )
    if kind == "codec":
        return UnsupportedAudio(
            _(
                "{file} holds sound in a form that is not known here; let the recorder write WAV,"
                " MP3 or M4A, or convert it and copy it here."
            ).format(file=name)
        )
    if kind == "rate":
        return UnsupportedAudio(
            _(
                "{file} says that it has {rate} samples a second, which no voice has; its header is"
                " damaged. Copy it again from the recorder."
            ).format(file=name, rate=said)
        )
    if kind == "not_decodable":
        return UnsupportedAudio(
            _(
                "{file} holds no sound that can be decoded. If it plays on the telephone, copy it"
                " again from there; else it is no recording."
            ).format(file=name)
        )
    if kind == "memory" or (answer.end or {}).get("end") == "memory":
        return DecoderFailed(
            _(
                "{file} needs more memory to decode than a recording can; it is probably damaged."
                " Copy it again from the recorder."
            ).format(file=name)
        )
    if answer.died == "hung":
        return DecoderFailed(
            _(
                "The decoder did not come to an end with {file} and was stopped. The file is"
                " probably damaged; copy it again from the recorder."
            ).format(file=name)
        )
    if answer.died == "crashed":
        return DecoderFailed(
            _(
                "The decoder crashed on {file}, twice. The file is probably damaged; copy it again"
                " from the recorder."
            ).format(file=name)
        )
    return UnsupportedAudio(
        _(
            "{file} looks like {what} but no sound in it can be decoded; copy it again from"
            " the recorder."
        ).format(file=name, what=(answer.header or {}).get("codec", "?"))
    )


def _length_problems(
    answer: _Answer, decoded: float, limits: Limits, seconds: float | None
) -> list[str]:
    header, end = answer.header or {}, (answer.end or {}).get("end")
    if (answer.failure or {}).get("kind") == "memory":
        end = "memory"
    if seconds is not None and (end == "seconds" or decoded >= seconds):
        return []
    promised = header.get("promised")
    why = {
        ("", "hung"): _("the decoder did not come to an end and was stopped"),
        ("", "crashed"): _("the decoder crashed there"),
        ("memory", ""): _("the decoder wanted more memory than a recording can need"),
        ("bytes", ""): _("there is more in it than a recording of a call can hold"),
        ("seconds", ""): _("a call is heard up to {h:.0f} hours").format(h=limits.seconds / 3600),
    }.get((end or "", answer.died or ""))
    if why is None and answer.failure is not None:
        why = _("the rest of the file is damaged")
    if why is not None:
        said = _(
            "Only the first {s:.1f} s could be used ({why}); what follows is missing: listen to the"
            " recording itself."
        )
        if promised and promised > decoded:
            said = _(
                "Only the first {s:.1f} s of {all:.1f} s could be used ({why}); what follows is missing:"
                " listen to the recording itself."
            )
        return [said.format(s=decoded, all=promised, why=why)]
    if header.get("cut") and not (promised and promised - decoded > 0.5):
        return [
            _(
                "It breaks off in the middle of a piece, after {s:.1f} s: it was cut short when it was"
                " written or copied. Compare it with the recorder's own copy."
            ).format(s=decoded)
        ]
    if not promised:
        return []
    guessed = bool(header.get("guessed"))
    near = max(1.0 if guessed else 0.5, promised * (0.1 if guessed else 0.02))
    if abs(promised - decoded) <= near:
        return []
    if promised > decoded:
        return [
            _(
                "Its header promises {promised:.1f} s of sound but {decoded:.1f} s could be decoded;"
                " the rest is missing. Compare it with the recorder's own copy."
            ).format(promised=promised, decoded=decoded)
        ]
    return [
        _(
            "Its header promises {promised:.1f} s of sound but {decoded:.1f} s could be decoded;"
            " all of it was heard."
        ).format(promised=promised, decoded=decoded)
    ]


def cannot_read(name: str, said: str) -> HotlineError:
    """The error for a file that the disk or its rights keep back."""
    return HotlineError(
        _("{file} cannot be read: {error}. It is tried again at the next run.").format(
            file=name, error=said
        )
    )


def _cannot_start(said: str) -> HotlineError:
    return HotlineError(
        _("The decoder could not be started ({error}); close other programs and try again.").format(
            error=said
        )
    )
