"""What telephones and recorders do to speech: real encoders, in memory, through PyAV."""

import io
from dataclasses import dataclass
from fractions import Fraction

import av
import numpy as np
from scipy.signal import correlate, resample_poly
from speech import SAMPLE_RATE

_MAX_LAG_S = 0.2
"""More than the delay of any encoder here (MP3: 0.07 s at 16 kHz)."""


@dataclass(frozen=True)
class Channel:
    """One way of storing speech: container, encoder, sample rate (Hz), bit rate (bit/s)."""

    container: str
    encoder: str
    rate: int
    bit_rate: int = 0


CHANNELS = {
    "amr475": Channel("amr", "libopencore_amrnb", 8_000, 4_750),
    "amr59": Channel("amr", "libopencore_amrnb", 8_000, 5_900),
    "amr74": Channel("amr", "libopencore_amrnb", 8_000, 7_400),
    "amr102": Channel("amr", "libopencore_amrnb", 8_000, 10_200),
    "amr122": Channel("amr", "libopencore_amrnb", 8_000, 12_200),
    "alaw": Channel("wav", "pcm_alaw", 8_000),
    "aac": Channel("mp4", "aac", 16_000, 32_000),
    "mp3": Channel("mp3", "libmp3lame", 16_000, 24_000),
    "opus": Channel("ogg", "libopus", 16_000, 16_000),
}


def through(samples: np.ndarray, name: str) -> np.ndarray:
    """`samples` (float32, SAMPLE_RATE) encoded and decoded; same length, delay taken out."""
    channel = CHANNELS[name]
    narrow = resample_poly(samples, channel.rate, SAMPLE_RATE)
    # a little silence at the end, so that the encoder's delay loses nothing
    narrow = np.concatenate([narrow, np.zeros(channel.rate // 5)])
    pcm = (np.clip(narrow, -1, 1) * 32767).astype(np.int16)
    file = io.BytesIO()
    with av.open(file, "w", format=channel.container) as output:
        stream = output.add_stream(channel.encoder, rate=channel.rate)
        stream.layout = "mono"
        if channel.bit_rate:
            stream.bit_rate = channel.bit_rate
        frame = av.AudioFrame.from_ndarray(pcm[None], format="s16", layout="mono")
        frame.sample_rate = channel.rate
        frame.time_base = Fraction(1, channel.rate)
        frame.pts = 0
        resampler = av.AudioResampler(
            stream.format, "mono", channel.rate, frame_size=stream.codec_context.frame_size or None
        )
        for piece in [*resampler.resample(frame), *resampler.resample(None)]:
            output.mux(stream.encode(piece))
        output.mux(stream.encode(None))
    file.seek(0)
    with av.open(file) as source:
        resampler = av.AudioResampler("s16", "mono", SAMPLE_RATE)
        pieces = []
        for frame in source.decode(audio=0):
            pieces += [f.to_ndarray()[0] for f in resampler.resample(frame)]
        pieces += [f.to_ndarray()[0] for f in resampler.resample(None)]
    decoded = np.concatenate(pieces).astype(np.float32) / 32768
    return _aligned(decoded, samples)


def _aligned(decoded: np.ndarray, original: np.ndarray) -> np.ndarray:
    """`decoded` shifted to where `original` is, and cut or filled to its length."""
    size = min(len(decoded), len(original))
    match = correlate(decoded[:size], original[:size], mode="full", method="fft")
    reach = int(_MAX_LAG_S * SAMPLE_RATE)
    middle = match[size - 1 - reach : size + reach]
    lag = int(np.argmax(middle)) - min(reach, size - 1)
    decoded = decoded[lag:] if lag >= 0 else np.concatenate([np.zeros(-lag), decoded])
    result = np.zeros(len(original), np.float32)
    size = min(len(decoded), len(original))
    result[:size] = decoded[:size]
    return result
