"""What runs in the decoder's process: any file to samples at 16 kHz, handed on piece by piece.

PyAV (FFmpeg's libraries) decodes and resamples. FFmpeg is large, and some files are made to break it:
so nothing here is trusted. The process has limits (`Limits`), writes no file and opens one; what it
says are facts and samples, never pickles; `decoder.py`, on the other side, makes sentences of them.

Messages on stdout: a letter, the length of what follows (4 bytes, little endian), and that.
`Y` ready; then for each task, a line of JSON on stdin: `H` facts of the header (JSON), `L` and `R`
float32 samples of the channels, `S` from here on there are two (the second was like the first),
`E` the end (JSON), or instead `X` why it could not be done (JSON: kind, said).
"""

from __future__ import annotations

import contextlib
import faulthandler
import io
import json
import os
import signal
import struct
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from pipeline import wholeness
from pipeline.types import SAMPLE_RATE, Limits
from pipeline.wholeness import Wholeness

Send = Callable[[bytes, bytes], None]

_PLAYLISTS = frozenset(
    {"hls", "dash", "webm_dash_manifest", "hds", "concat", "concatf", "imf", "image2", "image2pipe"}
    | {"sdp", "rtsp", "rtp", "sap", "mmst", "mmsh", "avisynth", "vapoursynth", "lavfi", "bluray"}
)
"""Demuxers that open other files or addresses named in a file: a dropped file speaks for itself only."""

_GUESSED = frozenset({"amr", "aac", "mp3", "gsm", "loas", "ac3"})
"""These have no length in their header; FFmpeg guesses it from the bit rate."""

_RATES = (2_000, 1_536_000)
"""Samples a second that a recording can have: with fewer no word is understood, and FLAC allows no more
than 655,350. Anything else is a header that lies."""

_MAX_BAD_READS = 100
"""Reads that may fail in a row before the rest of a file is given up."""
_BLOCK = SAMPLE_RATE // 2
"""Samples sent at once: what a crash can cost beyond the broken place itself."""


class _Source:
    """A file as FFmpeg may see it: reading and seeking only, under a name that leads nowhere.

    Its suffix stays, since formats without a header (Asterisk's .gsm, .sln) are known by it alone.
    A read that fails is kept in `error`: then the disk is to blame and not the file's content.
    """

    def __init__(self, file: io.BufferedReader, suffix: str) -> None:
        self.name = "recording" + (
            suffix.lower() if suffix.isascii() and suffix.isprintable() else ""
        )
        self.error: OSError | None = None
        self._file = file

    def read(self, size: int) -> bytes:
        try:
            return self._file.read(size)
        except OSError as error:
            self.error = error
            raise

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()


class _Failure(Exception):
    """Why a file gives nothing: `kind` is read, empty, no_sound, codec, rate, not_decodable or memory."""

    def __init__(self, kind: str, said: str = "") -> None:
        super().__init__(said)
        self.kind = kind


class _Sound:
    """Frames of any form to one channel at SAMPLE_RATE, or two from where there are two."""

    def __init__(self, send: Send) -> None:
        self.size = 0
        self.most_channels = 0
        self.source_bytes = 0
        self._send = send
        self._left: list[np.ndarray] = []
        self._right: list[np.ndarray] | None = None
        self._pending = 0
        self._resampler: Any = None
        self._form: tuple[object, ...] = ()

    @property
    def seconds(self) -> float:
        return self.size / SAMPLE_RATE

    def add(self, frame: Any) -> None:
        import av

        if not _RATES[0] <= frame.sample_rate <= _RATES[1]:
            raise ValueError(f"no rate of sound: {frame.sample_rate}")
        self.source_bytes += frame.samples * len(frame.layout.channels) * frame.format.bytes
        # A phone that loses its headset, a damaged packet: form and rate may change in mid-file.
        form = (frame.format.name, frame.layout.name, frame.sample_rate)
        if form != self._form:
            self.finish_form()
            # 64 taps and not swresample's 32: what 44.1 kHz holds at 9 kHz must not fold down into
            # speech. Measured in tests/test_audio.py.
            # Packed from three channels on: PyAV 18 reads past the end of a frame of eight planes.
            self._resampler = av.AudioResampler(
                "fltp" if len(frame.layout.channels) <= 2 else "flt",
                frame.layout,
                SAMPLE_RATE,
                options={"filter_size": "64", "cutoff": "0.96"},
            )
            self._form = form
        frame.pts = None  # gaps in the time stamps are not filled: positions count decoded sound
        self._take(self._resampler.resample(frame))

    def finish_form(self) -> None:
        if self._resampler is not None:
            resampler, self._resampler, self._form = self._resampler, None, ()
            self._take(resampler.resample(None))

    def _take(self, frames: list[Any]) -> None:
        for frame in frames:
            samples = frame.to_ndarray()
            if not frame.format.is_planar:
                samples = samples.reshape(-1, len(frame.layout.channels)).T
            self.most_channels = max(self.most_channels, len(samples))
            if len(samples) == 2 and self._right is None:
                self.flush()
                self._send(b"S", b"")
                self._right = []
            if len(samples) > 2:
                samples = samples.mean(axis=0, keepdims=True)
            # copied: the decoder may own what the frame shows
            self._left.append(samples[0].astype("<f4"))
            if self._right is not None:
                self._right.append(samples[-1].astype("<f4"))
            self.size += samples.shape[1]
            self._pending += samples.shape[1]
            if self._pending >= _BLOCK:
                self.flush()

    def flush(self) -> None:
        for letter, pieces in ((b"L", self._left), (b"R", self._right or [])):
            if pieces:
                whole = np.concatenate(pieces)
                # A frame of a rate of 1 Hz becomes hours at once.
                for at in range(0, len(whole), _BLOCK * 8):
                    self._send(letter, whole[at : at + _BLOCK * 8].tobytes())
                pieces.clear()
        self._pending = 0


def decode(path: Path, suffix: str, limits: Limits, seconds: float | None, send: Send) -> None:
    """Send what is in the file at `path`, up to `seconds` of it.

    Packets that cannot be decoded are counted and left out, and decoding goes on.

    Raises:
        _Failure: there is nothing to send, or no more.
    """
    import av

    try:
        file = path.open("rb")
    except OSError as error:
        raise _Failure("read", error.strerror or str(error)) from error
    with file:
        source = _Source(file, suffix)
        try:
            if not source.read(1):
                raise _Failure("empty")
            try:
                structure = wholeness.look(file, path.stat().st_size)
                counted = wholeness.has_frame_count(file)
            except OSError as error:
                source.error = error
                raise
            options = {"format_whitelist": _formats(), "protocol_whitelist": "none"}
            if structure.more_sound:
                options["ignore_length"] = "1"
            with av.open(source, metadata_errors="replace", container_options=options) as container:
                _decode(container, source, structure, counted, limits, seconds, send)
        except (_Failure, BrokenPipeError):
            raise
        except MemoryError as error:  # av's own is one of these too
            raise _Failure("memory") from error
        except Exception as error:  # PyAV raises ValueError, LookupError, ... on what it never saw
            if source.error is not None:
                raise _Failure("read", source.error.strerror or str(source.error)) from error
            raise _Failure("not_decodable", _said(error)) from error


def _decode(
    container: Any,
    source: _Source,
    structure: Wholeness,
    counted: bool,
    limits: Limits,
    seconds: float | None,
    send: Send,
) -> None:
    streams = [s for s in container.streams.audio if s.codec_context is not None]
    if not streams:
        if container.streams.audio:
            raise _Failure("codec")
        raise _Failure("no_sound", ",".join(sorted({s.type for s in container.streams})))
    stream = container.streams.best("audio")
    if stream is None or stream.codec_context is None:
        stream = streams[0]
    rate = stream.codec_context.sample_rate or 0
    if rate and not _RATES[0] <= rate <= _RATES[1]:
        raise _Failure("rate", str(rate))
    created_at = _created_at(container, stream)
    header = {
        "container": container.format.name,
        "codec": stream.codec_context.name,
        "rate": rate,
        "promised": structure.promised or _promised(container, stream),
        "spare": 0 if structure.more_sound else structure.spare,
        "cut": structure.cut,
        "guessed": container.format.name in _GUESSED and not counted,
        "tracks": len(container.streams.audio),
        "track": list(container.streams.audio).index(stream) + 1,
        "created_at": None if created_at is None else created_at.isoformat(),
    }
    send(b"H", json.dumps(header).encode())
    sound = _Sound(send)
    packets = bad = 0
    end = "whole"
    longest = limits.seconds if seconds is None else min(seconds, limits.seconds)
    for packet in _packets(container, stream):
        if packet is None:
            bad += 1
            continue
        packets += packet.size > 0
        frames, failed = _frames(packet)
        bad += failed
        for frame in frames:
            try:
                sound.add(frame)
            except MemoryError:
                raise
            except (
                ValueError,
                LookupError,
                OSError,
                RuntimeError,
            ):  # a form that none can resample
                if isinstance(sys.exc_info()[1], BrokenPipeError):
                    raise
                bad += not failed
                failed = True
        if sound.seconds >= longest:
            end = "seconds"
            break
        if sound.source_bytes > limits.decoded_bytes:
            end = "bytes"
            break
        if _resident() > limits.memory:
            end = "memory"
            break
    with contextlib.suppress(ValueError, LookupError, RuntimeError):
        sound.finish_form()
    sound.flush()
    if source.error is not None:
        raise source.error
    send(
        b"E",
        json.dumps(
            {
                "end": end,
                "packets": packets,
                "bad": bad,
                "most_channels": sound.most_channels,
                "peak": _resident(),
            }
        ).encode(),
    )


def _packets(container: Any, stream: Any) -> Iterator[Any]:
    """All packets of a stream; None for a read that failed. The last is the empty one that flushes."""
    import av

    failed_in_row = 0
    while failed_in_row < _MAX_BAD_READS:
        demuxing = container.demux(stream)  # a generator ends with its first error: begin another
        while True:
            try:
                packet = next(demuxing)
            except (StopIteration, av.EOFError):
                return
            except av.FFmpegError:
                failed_in_row += 1
                yield None
                break
            failed_in_row = 0
            yield packet


def _frames(packet: Any) -> tuple[list[Any], bool]:
    """The frames in a packet, and whether it failed to decode."""
    import av

    try:
        return packet.decode(), False
    except av.EOFError:
        return [], False
    except av.FFmpegError:
        return [], True


@lru_cache(maxsize=1)
def _formats() -> str:
    import av

    return ",".join(sorted(av.formats_available - _PLAYLISTS))


def _promised(container: Any, stream: Any) -> float | None:
    """The seconds of sound that the header promises, if it says any."""
    if stream.duration is not None and stream.time_base is not None:
        promised = float(stream.duration * stream.time_base)
    elif container.duration is not None:
        promised = container.duration / 1_000_000
    else:
        return None
    return promised if promised > 0 else None


def _created_at(container: Any, stream: Any) -> datetime | None:
    """The container's date, if it is a whole one: with a time, and no recorder's zero date."""
    for tags in (container.metadata, stream.metadata):
        lower = {key.lower(): value for key, value in tags.items()}
        for key in ("creation_time", "com.apple.quicktime.creationdate", "date_recorded", "date"):
            try:
                at = datetime.fromisoformat(lower[key].strip())
                # 1904 and 1970 are where QuickTime's and Unix's counting begins: a clock never set.
                if len(lower[key].strip()) > 10 and at.year >= 2000:
                    return at.astimezone(UTC) if at.tzinfo is not None else at
            except (KeyError, ValueError, OverflowError):
                continue
    return None


def _said(error: Exception) -> str:
    """FFmpeg's own words, in one short line."""
    said = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(said.split())[:120]


# --- The process ----------------------------------------------------------------------------------


def serve() -> None:
    """Do the tasks that come on stdin until it ends; see the module for what goes to stdout."""
    import av

    av.logging.set_level(None)
    with contextlib.suppress(OSError, ValueError):  # Ctrl-C is the other side's to decide
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    tasks = os.fdopen(os.dup(0), "rb")
    out = os.fdopen(os.dup(1), "wb", buffering=0)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):  # whatever a library prints must not get between the messages
        os.dup2(nowhere, number)

    def send(letter: bytes, content: bytes) -> None:
        _write(out, letter + struct.pack("<I", len(content)) + content)

    _formats()
    base = _resident()
    limited = False
    send(b"Y", b"")
    for line in tasks:
        task = json.loads(line)
        limits = Limits(**task["limits"])
        if not limited:
            _limit(limits)
            limited = True
        limits = Limits(**{**task["limits"], "memory": base + limits.memory})
        # In C, and so even when a library never comes back: the last guard if the other side is gone.
        faulthandler.dump_traceback_later(limits.wall_s + 30, exit=True, file=nowhere)
        try:
            decode(Path(task["path"]), task["suffix"], limits, task["seconds"], send)
        except _Failure as failure:
            send(b"X", json.dumps({"kind": failure.kind, "said": str(failure)}).encode())
        except BrokenPipeError:
            return
        finally:
            faulthandler.cancel_dump_traceback_later()


def _write(out: BinaryIO, content: bytes) -> None:
    left = memoryview(content)
    while left:
        left = left[out.write(left) :]


def _limit(limits: Limits) -> None:
    """What the operating system is to hold this process to, where it can."""
    try:
        import resource
    except ImportError:  # Windows: the other side's clock and caps are what there is
        return

    def lower(which: int, value: int) -> None:
        _soft, hard = resource.getrlimit(which)
        if hard != resource.RLIM_INFINITY:
            value = min(value, hard)
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(which, (value, value))

    lower(resource.RLIMIT_CORE, 0)
    lower(resource.RLIMIT_FSIZE, 0)
    with contextlib.suppress(OSError, ValueError):
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        lower(resource.RLIMIT_AS, pages * resource.getpagesize() + limits.memory)


def _resident() -> int:
    """The most memory that this process ever used, in bytes; 0 where nobody says."""
    try:
        import resource
    except ImportError:
        return 0
    # Linux keeps in ru_maxrss what the process that started this one used; VmHWM is our own.
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak if sys.platform == "darwin" else peak * 1024)
