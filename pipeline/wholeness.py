"""What a recording's own structure says of its length: FFmpeg forgives, and so hides, much of it."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import BinaryIO

_MOST_CHUNKS = 10_000
_PCM = frozenset({1, 3, 6, 7, 0xFFFE})
"""WAV format tags whose length follows from bytes alone: PCM, float, A-law, µ-law, extensible."""
_W64 = b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00"
_ASF = b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c"
_ASF_FILE = b"\xa1\xdc\xab\x8c\x47\xa9\xcf\x11\x8e\xe4\x00\xc0\x0c\x20\x53\x65"
"""The GUIDs that begin a W64, an ASF (WMA), and in that the object that says how large the file is."""


@dataclass(frozen=True, slots=True)
class Wholeness:
    """`promised` is the length in seconds that the header says, where it says any. `spare` are bytes
    after the sound's end that are no part of the container: a second recording, or more sound than
    the header knows of (`more_sound`). `cut` is true if the file surely ends in the middle."""

    promised: float | None = None
    spare: int = 0
    more_sound: bool = False
    cut: bool = False


def look(file: BinaryIO, size: int) -> Wholeness:
    """Read the structure of a file of `size` bytes; the position is back at 0 after it."""
    try:
        file.seek(0)
        head = file.read(12)
        if head[:4] == b"RIFF" and head[8:] == b"WAVE":
            return _wav(file, size)
        if head[:4] == b"RIFF":  # AVI
            length = struct.unpack("<I", head[4:8])[0]
            return Wholeness(cut=size < length + 8 < 0xFFFFFFFF)
        if head[:4] == b"caff":
            return _caf(file, size)
        if head == _W64[:12]:
            rest = file.read(12)
            return Wholeness(cut=len(rest) == 12 and struct.unpack("<4xQ", rest)[0] > size)
        if head == _ASF[:12]:
            return _asf(file, size)
        if head[4:8] == b"ftyp":
            return _boxes(file, size)
        if head[:4] == b"OggS":
            return _ogg(file, size)
        return Wholeness()
    finally:
        file.seek(0)


def has_frame_count(file: BinaryIO) -> bool:
    """Whether an MP3 says how many frames it has (Xing's header), and so its length is no guess."""
    try:
        file.seek(0)
        head = file.read(10)
        at = 0
        if head[:3] == b"ID3" and len(head) == 10:
            at = 10 + sum((byte & 0x7F) << 7 * (3 - n) for n, byte in enumerate(head[6:10]))
        file.seek(at)
        start = file.read(4_096)
        return b"Xing" in start or b"Info" in start
    finally:
        file.seek(0)


def _wav(file: BinaryIO, size: int) -> Wholeness:
    per_second, at = 0, 12
    for _chunk in range(_MOST_CHUNKS):
        file.seek(at)
        head = file.read(8)
        if len(head) < 8:
            return Wholeness()
        name, length = head[:4], struct.unpack("<I", head[4:])[0]
        if name == b"fmt ":
            form = file.read(16)
            if len(form) < 16:
                return Wholeness()
            tag, channels, rate, _bytes, _align, bits = struct.unpack("<HHIIHH", form)
            per_second = rate * channels * bits // 8 if tag in _PCM else 0
        if name == b"data":
            break
        at += 8 + length + length % 2
    else:
        return Wholeness()
    if not per_second or length in (
        0,
        0xFFFFFFFF,
    ):  # written on the fly: it ends where the file does
        return Wholeness()
    promised = length / per_second
    end = at + 8 + length + length % 2
    spare = _after(file, end, size)
    if spare < per_second // 4:
        return Wholeness(promised)
    file.seek(size - spare)
    return Wholeness(
        promised, spare, more_sound=file.read(4) not in (b"RIFF", b"ID3\x03", b"ID3\x04")
    )


def _after(file: BinaryIO, at: int, size: int) -> int:
    """How many bytes from `at` on are no chunks of a RIFF."""
    for _chunk in range(_MOST_CHUNKS):
        file.seek(at)
        head = file.read(8)
        if len(head) < 8:
            return 0
        name, length = head[:4], struct.unpack("<I", head[4:])[0]
        plain = all(32 <= byte < 127 for byte in name) and name != b"RIFF"
        if not plain or at + 8 + length > size + 1:
            return size - at
        at += 8 + length + length % 2
    return 0


def _caf(file: BinaryIO, size: int) -> Wholeness:
    at = 8
    for _chunk in range(_MOST_CHUNKS):
        file.seek(at)
        head = file.read(12)
        if len(head) < 12:
            break
        length = struct.unpack(">q", head[4:])[0]
        if length < 0:  # to the end of the file
            break
        if at + 12 + length > size:
            return Wholeness(cut=True)
        at += 12 + length
    return Wholeness()


def _asf(file: BinaryIO, size: int) -> Wholeness:
    file.seek(0)
    head = file.read(65_536)
    at = head.find(_ASF_FILE)
    if at < 0 or at + 48 > len(head):
        return Wholeness()
    return Wholeness(cut=struct.unpack("<Q", head[at + 40 : at + 48])[0] > size)


def _boxes(file: BinaryIO, size: int) -> Wholeness:
    """MP4 and 3GP: boxes in a row; a second `ftyp` begins a second file."""
    at = 0
    for number in range(_MOST_CHUNKS):
        file.seek(at)
        head = file.read(16)
        if len(head) < 8:
            break
        length = struct.unpack(">I", head[:4])[0]
        if length == 1 and len(head) == 16:
            length = struct.unpack(">Q", head[8:])[0]
        if head[4:8] == b"ftyp" and number:
            return Wholeness(spare=size - at)
        if length == 0:  # to the end of the file
            break
        if length < 8:
            break
        if at + length > size:
            return Wholeness(cut=True)
        at += length
    return Wholeness()


def _ogg(file: BinaryIO, size: int) -> Wholeness:
    """A page that the file does not hold whole: it was cut while it was written or copied."""
    from_ = max(0, size - 2 * 65_307)  # the largest page, twice
    file.seek(from_)
    end = file.read()
    last = end.rfind(b"OggS")
    if last < 0:
        return Wholeness()
    page = end[last:]
    if len(page) < 27 or len(page) < 27 + page[26]:
        return Wholeness(cut=True)
    return Wholeness(cut=len(page) < 27 + page[26] + sum(page[27 : 27 + page[26]]))
