"""The seconds of a call that were asked for: cut out, to be played or written."""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.errors import HotlineError
from pipeline.i18n import _, system_says
from pipeline.types import SAMPLE_RATE, Audio

if TYPE_CHECKING:
    from pydub import AudioSegment


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


def row(parts: Sequence[AudioSegment], pause: float) -> AudioSegment:
    """Clips one after the other, with so many seconds of silence between two."""
    made = parts[0]
    silence = _pydub().AudioSegment.silent(duration=1000 * pause, frame_rate=SAMPLE_RATE)
    for part in parts[1:]:
        made = made + silence + part
    return made


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
            _("{file} cannot be written: {error}.").format(file=path, error=system_says(error))
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
