"""Sounds for tests: made here, encoded by real encoders."""

import io
import wave
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

CODECS = {
    "wav": ("wav", "pcm_s16le", 8_000),
    "wav24": ("wav", "pcm_s24le", 48_000),
    "alaw": ("wav", "pcm_alaw", 8_000),
    "mulaw": ("wav", "pcm_mulaw", 8_000),
    "amr": ("amr", "libopencore_amrnb", 8_000),
    "3gp": ("3gp", "libopencore_amrnb", 8_000),
    "m4a": ("ipod", "aac", 44_100),
    "aac": ("adts", "aac", 16_000),
    "mp3": ("mp3", "libmp3lame", 44_100),
    "mp3_8k": ("mp3", "libmp3lame", 8_000),
    "opus": ("ogg", "libopus", 48_000),
    "flac": ("flac", "flac", 22_050),
    "webm": ("webm", "libopus", 16_000),
    "aiff": ("aiff", "pcm_s16be", 32_000),
}
"""Container, encoder and rate of what telephones, exchanges and browsers write."""


def tone(hertz: float, seconds: float, rate: int = 16_000, level: float = 0.3) -> np.ndarray:
    return level * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)


def noise(seconds: float, rate: int = 16_000, level: float = 0.1, seed: int = 0) -> np.ndarray:
    """White, with a standard deviation of `level`."""
    return level * np.random.default_rng(seed).standard_normal(round(seconds * rate))


def syllables(
    seconds: float, rate: int = 16_000, level: float = 0.3, pitch: float = 140.0, seed: int = 0
) -> np.ndarray:
    """A buzz with a voice's harmonics, wavering pitch and four syllables a second."""
    at = np.arange(round(seconds * rate)) / rate
    rng = np.random.default_rng(seed)
    wave_ = pitch * (1 + 0.1 * np.sin(2 * np.pi * 0.7 * at + rng.uniform(0, 6)))
    phase = 2 * np.pi * np.cumsum(wave_) / rate
    voice = sum(np.sin(n * phase) / n for n in range(1, 20))
    beat = np.clip(np.sin(2 * np.pi * 4 * at + rng.uniform(0, 6)) + 0.3, 0, 1)
    sound = voice * beat
    return level * sound / np.abs(sound).max()


def write(
    path: Path,
    channels: np.ndarray | list[np.ndarray],
    codec: str = "wav",
    *,
    rate: int | None = None,
    bit_rate: int | None = None,
    metadata: dict[str, str] | None = None,
) -> Path:
    """Encode `channels` (one or more arrays of floats at `rate`, the codec's own by default)."""
    container, encoder, usual = CODECS[codec]
    rate = rate or usual
    samples = np.clip(np.atleast_2d(np.asarray(channels)), -1, 1)
    layout = {1: "mono", 2: "stereo", 4: "quad", 6: "5.1"}[len(samples)]
    pcm = np.ascontiguousarray((samples * 32767).round().astype(np.int16).T.reshape(1, -1))
    with av.open(path, "w", format=container) as output:
        output.metadata.update(metadata or {})
        stream = output.add_stream(encoder, rate=rate)
        stream.layout = layout
        if bit_rate:
            stream.bit_rate = bit_rate
        stream.codec_context.open()
        frame = av.AudioFrame.from_ndarray(pcm, format="s16", layout=layout)
        frame.sample_rate = rate
        frame.time_base = Fraction(1, rate)
        frame.pts = 0
        size = stream.codec_context.frame_size or 1024
        resampler = av.AudioResampler(stream.format, layout, rate, size)
        for piece in (*resampler.resample(frame), *resampler.resample(None)):
            output.mux(stream.encode(piece))
        output.mux(stream.encode(None))
    return path


def gsm(path: Path, frames: int) -> Path:
    """A raw GSM 06.10 file as Asterisk writes it: frames of 33 bytes, 20 ms; nothing but silence."""
    path.write_bytes((b"\xd8\x20\xa2\xe1\x5a" + (b"\x50\x00\x49\x24\x92\x49\x24") * 4) * frames)
    return path


def frequency(samples: np.ndarray, rate: int = 16_000) -> float:
    """The strongest frequency, in Hz."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(spectrum.argmax() * rate / len(samples))


def decibels(samples: np.ndarray) -> float:
    """Level against full scale, as RMS."""
    return float(10 * np.log10(np.mean(np.square(samples, dtype=np.float64)) + 1e-15))


def wav_bytes(samples: np.ndarray, rate: int = 16_000) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as output:
        output.setnchannels(1)
        output.setsampwidth(2)
        output.setframerate(rate)
        output.writeframes((samples * 32767).round().astype("<i2").tobytes())
    return file.getvalue()
