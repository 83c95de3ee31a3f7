"""Any recording -> 16 kHz channels and stretches of speech; clips for playing back.

PyAV (FFmpeg's libraries) decodes, resamples and encodes; Silero VAD finds speech; pydub cuts and
joins. Memory: 64 kB a second and channel (float32), so 690 MB for a mono call of three hours.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.errors import HotlineError, UnsupportedAudio
from pipeline.i18n import _, plural
from pipeline.types import SAMPLE_RATE, Audio, Medium, Span

if TYPE_CHECKING:
    from pydub import AudioSegment

_PLAYLISTS = frozenset(
    {"hls", "dash", "webm_dash_manifest", "hds", "concat", "concatf", "imf", "image2", "image2pipe"}
    | {"sdp", "rtsp", "rtp", "sap", "mmst", "mmsh", "avisynth", "vapoursynth", "lavfi", "bluray"}
)
"""Demuxers that open other files or addresses named in a file: a dropped file speaks for itself only."""

_BLOCK_S = 60
"""Seconds of sound worked on at a time, so that working memory does not grow with the call."""
_PACK_S = 600
"""Seconds in one piece while decoding: 38 MB, which the C library hands back to the system when it is
let go (smaller pieces it keeps: a stereo call of three hours then took 2.8 GB and not 1.4)."""
_MAX_BAD_READS = 100
"""Reads that may fail in a row before the rest of a file is given up."""

_FRAME = 512
"""Samples a frame (32 ms) in which loudness is measured; also Silero VAD's own window at 16 kHz."""
_TINY = 1e-12
"""A power below any recording's, so that logarithms have something to stand on."""


# --- Decoding -----------------------------------------------------------------------------------


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

    def finish(self) -> np.ndarray:
        """All samples as one array in [-1, 1]; the blocks are let go one by one, not kept beside it."""
        self._pack()
        whole = np.empty(self.size, np.float32)
        at = 0
        self.blocks.reverse()
        while self.blocks:
            block = self.blocks.pop()
            part = whole[at : at + len(block)]
            np.nan_to_num(block, copy=False, posinf=0.0, neginf=0.0)  # float WAVs may hold anything
            np.clip(block, -1.0, 1.0, out=part)
            at += len(block)
        return whole

    def _pack(self) -> None:
        if self._pieces:
            self.blocks.append(np.concatenate(self._pieces))
            self._pieces, self._pending = [], 0


class _Sound:
    """What was decoded so far: one channel, and a second from where the first was seen to be two."""

    def __init__(self) -> None:
        self.left = _Channel()
        self.right: _Channel | None = None
        self.most_channels = 0
        self._resampler: Any = None
        self._form: tuple[object, ...] = ()

    @property
    def seconds(self) -> float:
        return self.left.size / SAMPLE_RATE

    def add(self, frame: Any) -> None:
        import av

        # A phone that loses its headset, a damaged packet: form and rate may change in mid-file.
        form = (frame.format.name, frame.layout.name, frame.sample_rate)
        if form != self._form:
            self.flush()
            # 64 taps and not swresample's 32: what 44.1 kHz holds at 9 kHz must not fold down into
            # speech. Measured in tests/test_audio.py.
            self._resampler = av.AudioResampler(
                "fltp", frame.layout, SAMPLE_RATE, options={"filter_size": "64", "cutoff": "0.96"}
            )
            self._form = form
        frame.pts = None  # gaps in the time stamps are not filled: positions count decoded sound
        self._take(self._resampler.resample(frame))

    def flush(self) -> None:
        if self._resampler is not None:
            self._take(self._resampler.resample(None))
            self._resampler, self._form = None, ()

    def _take(self, frames: list[Any]) -> None:
        for frame in frames:
            samples = frame.to_ndarray()
            self.most_channels = max(self.most_channels, len(samples))
            if len(samples) == 2 and self.right is None:
                self.right = self.left.copy()
            if len(samples) > 2:
                samples = samples.mean(axis=0, keepdims=True)
            # copied: the decoder may own what the frame shows
            self.left.append(samples[0].astype(np.float32))
            if self.right is not None:
                self.right.append(samples[-1].astype(np.float32))


def decode(path: Path, *, max_seconds: float | None = None) -> Audio:
    """The sound in any file, whatever its suffix says, at SAMPLE_RATE; see `Audio` for the form.

    Packets that cannot be decoded are counted and left out, and decoding goes on. Of several sound
    tracks the main one is heard; more than two channels are mixed to one. `problems` says so, and
    also when the length is not what the header promises. Decoding stops after `max_seconds`.

    Raises:
        UnsupportedAudio: no sound that can be decoded is in the file, or it is a playlist.
        HotlineError: the file cannot be read (permission, broken disk).
    """
    import av

    name = path.name
    try:
        file = path.open("rb")
    except OSError as error:
        raise _cannot_read(name, error) from error
    with file:
        source = _Source(file, path.suffix)
        if not file.read(1):
            raise UnsupportedAudio(
                _("{file} is empty; copy it again from the recorder.").format(file=name)
            )
        file.seek(0)
        try:
            with av.open(
                source,
                metadata_errors="replace",
                container_options={"format_whitelist": _formats(), "protocol_whitelist": "none"},
            ) as container:
                return _decode(container, source, name, max_seconds)
        except UnsupportedAudio:
            raise
        except (av.FFmpegError, OSError) as error:
            if source.error is not None:
                raise _cannot_read(name, source.error) from error
            raise UnsupportedAudio(
                _(
                    "{file} holds no sound that can be decoded ({error}). If it plays on the"
                    " telephone, copy it again from there; else it is no recording."
                ).format(file=name, error=_reason(error))
            ) from error


def _decode(container: Any, source: _Source, name: str, max_seconds: float | None) -> Audio:
    streams = [s for s in container.streams.audio if s.codec_context is not None]
    if not streams:
        codecs = [s.type for s in container.streams]
        raise UnsupportedAudio(
            _("{file} holds no sound ({what}); it is no recording of a call.").format(
                file=name, what=", ".join(sorted(set(codecs))) or container.format.name
            )
        )
    stream = container.streams.best("audio")
    if stream is None or stream.codec_context is None:
        stream = streams[0]
    problems = []
    if len(container.streams.audio) > 1:
        problems.append(
            _("It has {n} sound tracks; only track {which} was heard.").format(
                n=len(container.streams.audio),
                which=list(container.streams.audio).index(stream) + 1,
            )
        )
    sound = _Sound()
    packets = bad = 0
    for packet in _packets(container, stream):
        if packet is None:
            bad += 1
            continue
        packets += packet.size > 0
        frames, failed = _frames(packet)
        bad += failed
        for frame in frames:
            sound.add(frame)
        if max_seconds is not None and sound.seconds >= max_seconds:
            break
    sound.flush()
    if source.error is not None:
        raise source.error
    if sound.left.size == 0:
        raise UnsupportedAudio(
            _(
                "{file} looks like {what} but no sound in it can be decoded; copy it again from"
                " the recorder."
            ).format(file=name, what=stream.codec_context.name)
        )
    if bad:
        problems.append(
            plural(
                "{n} of {all} packets of sound could not be decoded; what was said there is lost.",
                "{n} of {all} packets of sound could not be decoded; what was said there is lost.",
                bad,
            ).format(n=bad, all=max(packets, bad))
        )
    if max_seconds is None:
        problems += _length_problems(container, stream, sound.seconds)
    if sound.most_channels > 2:
        problems.append(
            _("Where it has more than two channels (up to {n}) they were mixed into one.").format(
                n=sound.most_channels
            )
        )
    created_at = _created_at(container, stream)
    seconds, most = sound.seconds, sound.most_channels
    left, right = sound.left.finish(), None
    if sound.right is not None:
        right = sound.right.finish()
    channels, medium, problem = _channels(left, right)
    if problem:
        problems.append(problem)
    limit = None if max_seconds is None else round(max_seconds * SAMPLE_RATE)
    return Audio(
        channels=tuple(channel[:limit] for channel in channels),
        duration=seconds if max_seconds is None else min(seconds, max_seconds),
        medium=medium,
        container=container.format.name,
        codec=stream.codec_context.name,
        source_rate=stream.codec_context.sample_rate or 0,
        source_channels=most,
        problems=tuple(problems),
        created_at=created_at,
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


def _length_problems(container: Any, stream: Any, decoded: float) -> list[str]:
    promised = None
    if stream.duration is not None and stream.time_base is not None:
        promised = float(stream.duration * stream.time_base)
    elif container.duration is not None:
        promised = container.duration / 1_000_000
    if promised is None or promised <= 0:
        return []
    # These have no length in their header; FFmpeg guesses it from the bit rate.
    guessed = container.format.name in {"amr", "aac", "mp3", "gsm", "loas", "ac3"}
    if abs(promised - decoded) <= max(
        1.0 if guessed else 0.5, promised * (0.1 if guessed else 0.02)
    ):
        return []
    return [
        _(
            "Its header promises {promised:.1f} s of sound but {decoded:.1f} s could be decoded;"
            " compare it with the recorder's own copy."
        ).format(promised=promised, decoded=decoded)
    ]


def _created_at(container: Any, stream: Any) -> datetime | None:
    """The container's date, if it is a whole one: with a time, and no recorder's zero date."""
    for tags in (container.metadata, stream.metadata):
        lower = {key.lower(): value for key, value in tags.items()}
        for key in ("creation_time", "com.apple.quicktime.creationdate", "date_recorded", "date"):
            try:
                at = datetime.fromisoformat(lower[key].strip())
            except (KeyError, ValueError):
                continue
            # 1904 and 1970 are where QuickTime's and Unix's counting begins: a clock never set.
            if len(lower[key].strip()) > 10 and at.year >= 2000:
                return at.astimezone(UTC) if at.tzinfo is not None else at
    return None


def _cannot_read(name: str, error: OSError) -> HotlineError:
    return HotlineError(
        _("{file} cannot be read: {error}. It is tried again at the next run.").format(
            file=name, error=error.strerror or error
        )
    )


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)


# --- One channel or two -------------------------------------------------------------------------

_SILENT_DBFS = -60.0
"""A channel that is never louder than this over 0.1 s holds nothing that an ear would hear."""
_COUNTS_DB = -20.0
"""How far below the speech of its channel a moment still counts, each channel taken at its own
loudness: what differs further down is noise."""
_ALIKE_DB = -12.0
"""Channels are alike at a moment if their difference is so far below what they share. Two parties of
whom each leaks into the other's channel at -5 dB still differ by more."""
_LEVEL_DB = 5.0
"""Or they are two microphones in one room (all is heard in both, with other echoes) if their levels
stay together to this. A party that leaks at -6 dB is 6 dB apart."""
_DIFFERENT_S = 0.2
"""So much that differs, in stretches of at least 0.1 s, makes two channels: 救命 takes 0.4 s.
All measured in tests/test_audio.py and, with speech, by hand: the same voice twice at gains 12 dB
apart, turned over, with noise at -15 dB, through AAC, MP3 and Opus of 16 to 32 kbit/s is alike; two
voices with leaks of up to -6 dB, or 30 dB apart, or one of which says 0.3 s in all, are not."""


def _channels(
    left: np.ndarray, right: np.ndarray | None
) -> tuple[tuple[np.ndarray, ...], Medium, str | None]:
    """The channels that hold something of their own, the medium, and a sentence on a silent one."""
    if right is None:
        return (left,), "mono", None
    power_l, power_r, cross = _powers(left, right)
    loud_l, loud_r = _smooth_max(power_l), _smooth_max(power_r)
    silent = 10 ** (_SILENT_DBFS / 10)
    if min(loud_l, loud_r) < silent:
        keep, other = (left, loud_r) if loud_l >= loud_r else (right, loud_l)
        problem = None
        if other <= max(loud_l, loud_r) < silent:
            problem = None  # both: what `speech` says of it is enough
        elif keep is left:
            problem = _("Its right channel is silent; the left one was heard.")
        else:
            problem = _("Its left channel is silent; the right one was heard.")
        return (keep,), "mono", problem
    # Each channel at its own loudness = 1, so that a quiet party counts as much as a loud one.
    speech_l, speech_r = (float(np.percentile(p, 95)) + _TINY for p in (power_l, power_r))
    sign = 1.0 if float(cross.sum()) >= 0 else -1.0  # a channel may be the other turned over
    own_l, own_r = power_l / speech_l, power_r / speech_r
    both = 2 * sign * cross / np.sqrt(speech_l * speech_r)
    common = np.maximum(own_l + own_r + both, _TINY) / 4
    differing = np.maximum(own_l + own_r - both, 0.0) / 4
    counts = 10 ** (_COUNTS_DB / 10)
    if _lasts((differing > counts) & (differing > common * 10 ** (_ALIKE_DB / 10))):
        smooth_l, smooth_r = (np.convolve(own, np.ones(3) / 3, "same") for own in (own_l, own_r))
        greater, lesser = np.maximum(smooth_l, smooth_r), np.minimum(smooth_l, smooth_r)
        if _lasts((greater > counts) & (greater > lesser * 10 ** (_LEVEL_DB / 10))):
            return (left, right), "stereo", None
        return (left if speech_l >= speech_r else right,), "mono", None
    # Mixed and not chosen, so that even what was wrongly taken for alike is not lost; weighted by
    # loudness, so that a faint copy adds no more noise than sound.
    if speech_r > speech_l:
        left, right, speech_l, speech_r = right, left, speech_r, speech_l
    ratio = float(np.sqrt(speech_r / speech_l))
    weight_l, weight_r = (np.float32(w / (1 + ratio**2)) for w in (1.0, sign * ratio))
    for at in range(0, len(left), _BLOCK_S * SAMPLE_RATE):
        block = slice(at, at + _BLOCK_S * SAMPLE_RATE)
        left[block] *= weight_l
        left[block] += weight_r * right[block]
    return (left,), "mono", None


def _lasts(differs: np.ndarray) -> bool:
    """Whether what differs, in frames, is more than a moment here and there."""
    lasting = sum(end - start for start, end in _runs(differs) if end - start >= 3)
    return lasting * _FRAME >= _DIFFERENT_S * SAMPLE_RATE


def _powers(left: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean power of each channel, and of their product, a frame: three arrays of shape (frames,)."""
    powers = []
    for one, other in ((left, left), (right, right), (left, right)):
        parts = [np.zeros(0)]
        for a, b in zip(_frames_of(one), _frames_of(other), strict=True):
            parts.append(np.einsum("ij,ij->i", a, b, dtype=np.float64) / _FRAME)
        powers.append(np.concatenate(parts))
    return powers[0], powers[1], powers[2]


def _frames_of(samples: np.ndarray) -> Iterator[np.ndarray]:
    """Arrays of shape (up to a block's frames, _FRAME); the last frame is filled up with zeros."""
    step = _BLOCK_S * SAMPLE_RATE // _FRAME * _FRAME
    for at in range(0, len(samples), step):
        block = samples[at : at + step]
        if len(block) % _FRAME:
            block = np.pad(block, (0, _FRAME - len(block) % _FRAME))
        yield block.reshape(-1, _FRAME)


def _smooth_max(power: np.ndarray) -> float:
    """The greatest mean power over three frames (0.1 s)."""
    if len(power) < 3:
        return float(power.max(initial=0.0))
    return float(np.convolve(power, np.ones(3) / 3, "valid").max())


def _runs(flags: np.ndarray) -> list[tuple[int, int]]:
    """The [start, end) of every stretch in which `flags` is true."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]


# --- Speech -------------------------------------------------------------------------------------

_MIN_SILENCE_S = 0.5
_PAD_S = 0.4
"""A pause that ends a stretch, and what is added around it: the settings that users of Whisper with
Silero VAD arrive at (faster-whisper's pad; its silence of 2 s is too long for a dialogue)."""
_VAD_LEVEL_DBFS = -25.0
_VAD_MAX_GAIN_DB = 30.0
"""Quiet calls are brought to this level for the VAD only, by at most so much."""

_GUARD_BELOW_DB = 15.0
"""Sound that is less than this below the speech of its channel is loud: see `speech`."""
_GUARD_ALONE_DBFS = -45.0
"""What is loud in a channel in which the VAD found no speech; telephone line noise lies below -55."""
_GUARD_OVER_FLOOR_DB = 10.0
"""And it must stand out of the channel's own noise (the 10th percentile) by so much."""
_GUARD_LEAK_DB = 10.0
"""The other channel speaking and louder by so much: a leak of what is heard there."""
_GUARD_MIN_S = 0.3
_GUARD_GAP_S = 0.2
_GUARD_PAD_S = 0.2

_BAND_HZ = (250.0, 3800.0)
"""Where telephone speech is and mains hum is not."""


def speech(audio: Audio) -> tuple[Span, ...]:
    """Every stretch that may be speech, by start: what Silero VAD finds, a channel at a time, and
    what it dropped although it is loud.

    The VAD is known to drop telephone-band voices. So sound of at least 0.3 s counts too if it is
    loud (the `_GUARD_` figures above) and is not a steady tone (see `_tones`): shouts, coughs,
    doors and music are in, since a machine must not decide here; dial and ring tones, hum and
    even noise are out.
    """
    found = [_detect(channel) for channel in audio.channels]
    levels = [_band_levels(channel) for channel in audio.channels]
    inside = [_mark(spans, len(level)) for spans, level in zip(found, levels, strict=True)]
    spans = []
    for number, samples in enumerate(audio.channels):
        loud = _loud(levels[number], inside[number])
        for other in range(len(audio.channels)):
            if other != number:
                loud &= ~(inside[other] & (levels[other] - levels[number] > _GUARD_LEAK_DB))
        dropped = _dropped(samples, loud & ~inside[number], found[number])
        spans += [Span(start, end, number) for start, end in found[number] + dropped]
    return tuple(sorted(spans, key=lambda span: (span.start, span.channel)))


@lru_cache(maxsize=1)
def _vad() -> Any:
    from silero_vad import load_silero_vad

    return load_silero_vad()


@contextmanager
def _one_thread() -> Iterator[None]:
    """One thread for the VAD: its steps are too small to share. Importing silero_vad sets one too,
    but for good, and Whisper wants them all back."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


class _Louder:
    """The VAD hearing everything louder by a factor, without a louder copy of the whole call."""

    def __init__(self, model: Any, gain: float) -> None:
        self.reset_states = model.reset_states
        self._model, self._gain = model, gain

    def __call__(self, chunk: Any, rate: int) -> Any:
        return self._model((chunk * self._gain).clamp(-1.0, 1.0), rate)


def _detect(samples: np.ndarray) -> list[tuple[float, float]]:
    """(start, end) in seconds of what Silero VAD takes for speech."""
    import torch

    if len(samples) == 0:
        return []
    levels = _band_levels(samples)
    gain_db = min(max(_VAD_LEVEL_DBFS - float(np.percentile(levels, 95)), 0.0), _VAD_MAX_GAIN_DB)
    with _one_thread():
        model = _vad()
        from silero_vad import get_speech_timestamps

        stamps = get_speech_timestamps(
            torch.from_numpy(np.require(samples, np.float32, ["C", "W"])),
            _Louder(model, 10 ** (gain_db / 20)),
            sampling_rate=SAMPLE_RATE,
            min_silence_duration_ms=round(_MIN_SILENCE_S * 1000),
            speech_pad_ms=round(_PAD_S * 1000),
        )
    return [(s["start"] / SAMPLE_RATE, min(s["end"], len(samples)) / SAMPLE_RATE) for s in stamps]


def _band_levels(samples: np.ndarray) -> np.ndarray:
    """Level of each frame in the telephone band, in dBFS (full-scale sine: -3), shape (frames,)."""
    window = np.hanning(_FRAME).astype(np.float32)
    hertz = np.fft.rfftfreq(_FRAME, 1 / SAMPLE_RATE)
    band = (hertz >= _BAND_HZ[0]) & (hertz <= _BAND_HZ[1])
    scale = 2 / (_FRAME * float(np.sum(window**2)))
    parts = [np.zeros(0)]
    for frames in _frames_of(samples):
        spectrum = np.fft.rfft(frames * window, axis=1)[:, band]
        parts.append((spectrum.real**2 + spectrum.imag**2).sum(axis=1) * scale)
    return 10 * np.log10(np.concatenate(parts) + _TINY)


def _mark(spans: list[tuple[float, float]], frames: int) -> np.ndarray:
    inside = np.zeros(frames, bool)
    for start, end in spans:
        inside[int(start * SAMPLE_RATE / _FRAME) : int(np.ceil(end * SAMPLE_RATE / _FRAME))] = True
    return inside


def _loud(levels: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Which frames are loud for this channel, by the `_GUARD_` figures."""
    if len(levels) == 0:
        return np.zeros(0, bool)
    if inside.any():
        threshold = float(np.percentile(levels[inside], 75)) - _GUARD_BELOW_DB
    else:
        threshold = _GUARD_ALONE_DBFS
    floor = float(np.percentile(levels, 10)) + _GUARD_OVER_FLOOR_DB
    loud: np.ndarray = levels > max(threshold, floor)
    return loud


def _dropped(
    samples: np.ndarray, loud: np.ndarray, found: list[tuple[float, float]]
) -> list[tuple[float, float]]:
    """(start, end) in seconds of the loud stretches that are long enough and no steady tone."""
    second = SAMPLE_RATE / _FRAME
    stretches: list[tuple[int, int]] = []
    for run in _runs(loud):
        if stretches and run[0] - stretches[-1][1] <= _GUARD_GAP_S * second:
            stretches[-1] = (stretches[-1][0], run[1])
        else:
            stretches.append(run)
    seconds = len(samples) / SAMPLE_RATE
    long = [s for s in stretches if loud[slice(*s)].sum() >= _GUARD_MIN_S * second]
    times = [(first / second, min(last / second, seconds)) for first, last in long]
    tones = _tones(samples, times)
    dropped: list[tuple[float, float]] = []
    for (start, end), tone in zip(times, tones, strict=True):
        if tone:
            continue
        # Room around it, but never into a neighbour: its words would be heard twice.
        before = max((e for _s, e in found + dropped if e <= start + 0.05), default=0.0)
        after = min((s for s, _e in found if s >= end - 0.05), default=seconds)
        start, end = max(start - _GUARD_PAD_S, before), min(end + _GUARD_PAD_S, after)
        if end > start:
            dropped.append((start, end))
    return dropped


_TONE_WINDOW = 2048  # 128 ms: bins of 7.8 Hz, finer than any voice is steady
_TONE_HOP = _TONE_WINDOW // 2
_TONE_SHARE = 0.95
_TONE_FRAMES = 0.95
_TONE_LEVEL_DB = 1.0
_TONE_SURE = 7
"""Windows (0.6 s with its edges) from which one tone is sure; a shorter one must come three times."""


def _tones(samples: np.ndarray, times: list[tuple[float, float]]) -> list[bool]:
    """Which stretches are ring tones, busy tones, keys or whistles, and surely no voice.

    In 95 of 100 windows of 128 ms, 95 % of the power must lie in one or two lines of the spectrum
    (each 5 bins, 39 Hz), the strongest line must stay where it is to a bin, and the level must
    stay the same to 1 dB (its standard deviation). Some vowels pass for 0.3 s; so a stretch under
    0.6 s counts only if three stretches of the call have the same line, as in a busy tone.
    Measured on 21 recordings of speech (Mandarin, English; 4 min): none of 2,255 windows of 0.6 s
    passes, and 1 of 2,230 of 0.46 s.
    """
    lines = [_line(samples, start, end) for start, end in times]
    tones = []
    for line in lines:
        alike = (
            sum(other is not None and abs(other[0] - line[0]) <= 1 for other in lines)
            if line
            else 0
        )
        tones.append(line is not None and (line[1] >= _TONE_SURE or alike >= 3))
    return tones


def _line(samples: np.ndarray, start: float, end: float) -> tuple[float, int] | None:
    """(bin of the strongest line, windows seen) if the stretch is a steady tone."""
    piece = samples[round(start * SAMPLE_RATE) : round(end * SAMPLE_RATE)]
    # windows across the stretch's own edges hold its switching on and off: leave them out
    piece = piece[_FRAME : len(piece) - _FRAME]
    if len(piece) < _TONE_WINDOW:
        return None
    windows = np.lib.stride_tricks.sliding_window_view(piece, _TONE_WINDOW)[::_TONE_HOP]
    windows = windows[:: max(1, len(windows) // 1000)]  # a minute of a tone is enough to know it
    power = np.abs(np.fft.rfft(windows * np.hanning(_TONE_WINDOW), axis=1)) ** 2
    power[:, : int(60 * _TONE_WINDOW / SAMPLE_RATE)] = 0.0  # hum under a tone does not matter
    total = power.sum(axis=1) + _TINY
    peaks = power.argmax(axis=1)
    middle = float(np.median(peaks))
    share = np.zeros(len(power))
    rows = np.arange(len(power))[:, None]
    for _strongest in range(2):
        around = np.clip(power.argmax(axis=1)[:, None] + np.arange(-2, 3), 0, power.shape[1] - 1)
        share += power[rows, around].sum(axis=1)
        power[rows, around] = 0.0
    steady = (share / total > _TONE_SHARE) & (np.abs(peaks - middle) <= 1)
    if steady.mean() < _TONE_FRAMES or np.std(10 * np.log10(total)) > _TONE_LEVEL_DB:
        return None
    return middle, len(windows)


# --- Clips --------------------------------------------------------------------------------------


def segment(audio: Audio, start: float, end: float, channel: int | None = 0) -> AudioSegment:
    """The sound from `start` to `end` seconds as mono int16; all channels mixed if `channel` is None.

    Times outside the recording are cut to it; an empty stretch gives an empty segment.
    """
    first = max(0, round(start * SAMPLE_RATE))
    last = max(first, round(end * SAMPLE_RATE))
    if channel is not None:
        samples = audio.channels[channel][first:last]
    else:
        # The parties mostly speak in turn: summed, each keeps the level of its own channel.
        parts = [c[first:last] for c in audio.channels]
        samples = np.asarray(np.sum(parts, axis=0, dtype=np.float32))
    pcm = np.round(np.clip(samples, -1.0, 1.0) * 32767).astype("<i2")
    made: AudioSegment = _pydub().AudioSegment(
        data=pcm.tobytes(), sample_width=2, frame_rate=SAMPLE_RATE, channels=1
    )
    return made


def clip(
    source: Audio | Path, start: float, end: float, *, before: float = 0.5, after: float = 0.5
) -> AudioSegment:
    """What was said from `start` to `end` seconds, with some time around it, in all channels mixed.

    A path is decoded only as far as needed. Raises what `decode` raises.
    """
    if not isinstance(source, Audio):
        source = decode(source, max_seconds=end + after)
    return segment(source, start - before, end + after, None)


_ENCODERS = {
    ".m4a": ("ipod", "aac", 32_000),
    ".mp3": ("mp3", "libmp3lame", 32_000),
    ".opus": ("ogg", "libopus", 24_000),
    ".ogg": ("ogg", "libopus", 24_000),
}
"""Container, encoder and bit/s by suffix; enough for speech at 16 kHz."""


def encode(sound: AudioSegment, path: Path) -> None:
    """Write `sound` (mono, int16) as .wav, .m4a, .mp3, .opus or .ogg, by the suffix of `path`.

    Raises:
        HotlineError: another suffix, or the file cannot be written.
    """
    suffix = path.suffix.lower()
    if suffix != ".wav" and suffix not in _ENCODERS:
        raise HotlineError(
            _("{file} cannot be written: its name must end in one of {suffixes}.").format(
                file=path.name, suffixes=", ".join([".wav", *_ENCODERS])
            )
        )
    written = io.BytesIO()
    if suffix == ".wav":
        sound.export(written, format="wav")
    else:
        _encode(sound, written, *_ENCODERS[suffix])
    try:
        path.write_bytes(written.getvalue())
    except OSError as error:
        raise HotlineError(
            _("{file} cannot be written: {error}.").format(file=path, error=error.strerror or error)
        ) from error


def _encode(sound: AudioSegment, to: io.BytesIO, container: str, encoder: str, rate: int) -> None:
    import av

    pcm = np.frombuffer(sound.raw_data, "<i2")
    with av.open(to, "w", format=container) as output:
        stream: Any = output.add_stream(encoder, rate=sound.frame_rate)
        stream.layout = "mono"
        stream.bit_rate = rate
        stream.codec_context.open()
        resampler = av.AudioResampler(
            stream.format, "mono", sound.frame_rate, stream.codec_context.frame_size
        )
        frame = av.AudioFrame.from_ndarray(pcm[None], format="s16", layout="mono")
        frame.sample_rate = sound.frame_rate
        frame.time_base = Fraction(1, sound.frame_rate)
        frame.pts = 0
        for piece in (*resampler.resample(frame), *resampler.resample(None)):
            output.mux(stream.encode(piece))
        output.mux(stream.encode(None))


@lru_cache(maxsize=1)
def _pydub() -> Any:
    # It warns that no ffmpeg is installed (we need none) and of its own regular expressions.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        warnings.simplefilter("ignore", SyntaxWarning)
        warnings.simplefilter("ignore", DeprecationWarning)
        import pydub
    return pydub


@dataclass(frozen=True, slots=True)
class Quality:
    """How good the sound is: the level of its speech (dBFS), how far that stands over the noise (dB),
    and the share of samples at full scale, in [0, 1]; of the loudest channel."""

    level_dbfs: float
    over_noise_db: float
    clipped: float


def quality(audio: Audio) -> Quality:
    """A rough measure: the 95th against the 10th percentile of the levels of frames of 32 ms."""
    measured = []
    for samples in audio.channels:
        levels = _band_levels(samples)
        if len(levels) == 0:
            continue
        level, noise = (float(np.percentile(levels, p)) for p in (95, 10))
        # 16-bit full scale, and what a lossy codec makes of it
        clipped = sum(int((np.abs(f) >= 0.999).sum()) for f in _frames_of(samples)) / len(samples)
        measured.append(Quality(round(level, 1), round(level - noise, 1), round(clipped, 6)))
    return max(measured, key=lambda q: q.level_dbfs, default=Quality(-120.0, 0.0, 0.0))
