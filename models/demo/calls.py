"""Make the demonstration calls: speak calls.toml into pipeline/demo/calls/ and write calls.jsonl.

    python models/demo/calls.py [--only PART_OF_A_FILE_NAME] [--into DIR]

Every call comes out the same each time: pauses, levels and noise are drawn from a generator seeded
by the file's name. espeak-ng speaks (speech.py), pydub cuts and joins, PyAV encodes; no ffmpeg needed.
"""

import argparse
import json
import tomllib
import zlib
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from pydub import AudioSegment
from scipy.signal import butter, resample_poly, sosfilt
from speech import SAMPLE_RATE, say

HERE = Path(__file__).resolve().parent
PACKAGE_DATA = HERE.parent.parent / "pipeline" / "demo"

SPEECH_DBFS = -23.0
"""Mean level of a turn at level_db = 0."""
SILENT_DBFS = -58.0
"""Level of the line's own noise where nobody speaks."""
PAUSE_S = (0.3, 0.95)
"""Shortest and longest pause between turns."""
EDGE_S = (0.5, 1.0)
"""Shortest and longest stretch before the first and after the last turn."""
TELEPHONE_HZ = (200.0, 3_400.0)
"""What an 8 kHz line lets through."""


@dataclass(frozen=True)
class Encoding:
    """How a recorder stores a call: container, encoder, rate (Hz), bit rate (bit/s), stereo or not."""

    container: str
    encoder: str
    rate: int
    bit_rate: int = 0
    stereo: bool = False


ENCODINGS = {
    "amr": Encoding("amr", "libopencore_amrnb", 8_000, 12_200),
    "m4a": Encoding("ipod", "aac", 16_000, 24_000),
    "mp3": Encoding("mp3", "libmp3lame", 16_000, 24_000),
    "mp3-stereo": Encoding("mp3", "libmp3lame", 16_000, 32_000, stereo=True),
    "opus": Encoding("ogg", "libopus", 16_000, 16_000),
    "alaw": Encoding("wav", "pcm_alaw", 8_000),
    "alaw-stereo": Encoding("wav", "pcm_alaw", 8_000, stereo=True),
    "wav": Encoding("wav", "pcm_s16le", 8_000),
}
"""In stereo the staff are on the left channel, the resident on the right."""

SPEAKERS = {"r": "resident", "s": "staff"}


def noise(seconds: float, dbfs: float, rng: np.random.Generator) -> AudioSegment:
    """Room and line: noise that falls by 3 dB an octave above 100 Hz, and a little mains hum."""
    count = int(seconds * SAMPLE_RATE)
    spectrum = np.fft.rfft(rng.standard_normal(count))
    frequencies = np.fft.rfftfreq(count, 1 / SAMPLE_RATE)
    wave = np.fft.irfft(spectrum / np.sqrt(np.maximum(frequencies, 100.0)), count)
    wave /= np.sqrt(np.mean(wave**2))
    wave += 0.2 * np.sin(2 * np.pi * 50 * np.arange(count) / SAMPLE_RATE)
    return _segment(wave * 10 ** (dbfs / 20))


def spoken(call: dict[str, Any], rng: np.random.Generator) -> tuple[list[AudioSegment], list[dict]]:
    """A call's channels at SAMPLE_RATE (stereo: staff, resident) and its turns with times (s)."""
    turns, parts = [], []
    at = rng.uniform(*EDGE_S)
    for mark, text in call["turns"]:
        voice = call[SPEAKERS[mark]]
        part = _segment(say(text, voice["voice"], voice["rate"], voice["pitch"]))
        part = part.apply_gain(SPEECH_DBFS + voice["level_db"] + rng.uniform(-1, 1) - part.dBFS)
        start = round(at, 2)
        end = round(start + part.duration_seconds, 2)
        turns.append({"speaker": SPEAKERS[mark], "text": text, "start": start, "end": end})
        parts.append(part)
        at = end + rng.uniform(*PAUSE_S)
    seconds = turns[-1]["end"] + rng.uniform(*EDGE_S)
    sides = []
    for speaker in ("staff", "resident"):
        side = AudioSegment.silent(round(seconds * 1000), SAMPLE_RATE)
        for turn, part in zip(turns, parts, strict=True):
            if turn["speaker"] == speaker:
                side = side.overlay(part, position=round(turn["start"] * 1000))
        sides.append(side)
    if not ENCODINGS[call["encoding"]].stereo:
        sides = [sides[0].overlay(sides[1])]
    behind = SPEECH_DBFS - call["snr_db"]
    return [side.overlay(noise(side.duration_seconds, behind, rng)) for side in sides], turns


def sound(call: dict[str, Any]) -> tuple[np.ndarray, list[dict]]:
    """A call's samples, int16 of shape (channels, samples) at its encoding's rate, and its turns."""
    rng = np.random.default_rng(zlib.crc32(call["file"].encode()))
    encoding = ENCODINGS[call["encoding"]]
    if "turns" in call:
        sides, turns = spoken(call, rng)
    else:
        sides, turns = [noise(call["seconds"], SILENT_DBFS, rng)], []
    channels = [_samples(side) for side in sides]
    if encoding.rate < SAMPLE_RATE:
        band = butter(2, TELEPHONE_HZ, "bandpass", fs=SAMPLE_RATE, output="sos")
        channels = [
            resample_poly(sosfilt(band, channel), encoding.rate, SAMPLE_RATE)
            for channel in channels
        ]
    pcm = np.clip(np.stack(channels), -1, 1) * 32767
    return pcm.astype(np.int16), turns


def encode(path: Path, pcm: np.ndarray, encoding: Encoding) -> None:
    """Write int16 samples of shape (channels, samples) as a recorder would; no date inside."""
    layout = "stereo" if encoding.stereo else "mono"
    options = {"fflags": "+bitexact"}  # no random serial numbers, no version of the library
    with av.open(str(path), "w", format=encoding.container, options=options) as output:
        stream = output.add_stream(encoding.encoder, rate=encoding.rate, layout=layout)
        if encoding.bit_rate:
            stream.bit_rate = encoding.bit_rate
        stream.codec_context.flags |= av.codec.context.Flags.bitexact
        stream.codec_context.open()
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(pcm.T.reshape(1, -1)), format="s16", layout=layout
        )
        frame.sample_rate, frame.time_base, frame.pts = encoding.rate, Fraction(1, encoding.rate), 0
        cut = av.AudioResampler(
            stream.format, layout, encoding.rate, frame_size=stream.codec_context.frame_size or None
        )
        for piece in [*cut.resample(frame), *cut.resample(None)]:
            output.mux(stream.encode(piece))
        output.mux(stream.encode(None))


def photograph(path: Path) -> None:
    """A small picture of a printed notice, in JPEG whatever the name says: no sound inside."""
    page = np.full((240, 176), 225, np.uint8)
    for row in range(24, 216, 16):
        page[row : row + 7, 20 : 156 - row % 48] = 70
    with av.open(str(path), "w", format="mjpeg", options={"fflags": "+bitexact"}) as output:
        stream = output.add_stream("mjpeg", rate=1)
        stream.height, stream.width = page.shape
        stream.pix_fmt = "yuvj420p"
        stream.codec_context.flags |= av.codec.context.Flags.bitexact
        frame = av.VideoFrame.from_ndarray(page, format="gray")
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))


def reference(call: dict[str, Any], turns: list[dict], duration: float) -> dict[str, Any]:
    """A call in the form of shared/contract.md, with the file, what to expect of it and its length (s)."""
    encoding = ENCODINGS.get(call["encoding"])
    requests = []
    for request in call.get("request", []):
        place = request.get("place", {})
        requests.append(
            {key: request[key] for key in ("turns", "category", "kind", "urgency", "gist")}
            | {"place": {key: place.get(key) for key in ("lane", "building", "unit", "room")}}
            | {"phone": call.get("phone")}
            | {key: request.get(key) for key in ("undertaking", "due_hint")}
        )
    return {
        "id": Path(call["file"]).stem,
        "file": call["file"],
        "expect": call["expect"],
        "encoding": call["encoding"],
        "duration": duration,
        "started_at": call["started_at"],
        "medium": "stereo" if encoding and encoding.stereo else "mono",
        "turns": turns,
        "requests": requests,
    }


def make(call: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Write one call's file into `folder`; its reference."""
    path = folder / call["file"]
    encoding = ENCODINGS.get(call["encoding"])
    if encoding is None:
        photograph(path)
        return reference(call, [], 0.0)
    pcm, turns = sound(call)
    encode(path, pcm, encoding)
    return reference(call, turns, round(pcm.shape[1] / encoding.rate, 2))


def _segment(samples: np.ndarray) -> AudioSegment:
    """Samples in [-1, 1] at SAMPLE_RATE, as pydub holds them."""
    pcm = (np.clip(samples, -1, 1) * 32767).astype("<i2")
    return AudioSegment(pcm.tobytes(), sample_width=2, frame_rate=SAMPLE_RATE, channels=1)


def _samples(segment: AudioSegment) -> np.ndarray:
    """The reverse of `_segment`: float32 in [-1, 1]."""
    return np.frombuffer(segment.raw_data, "<i2").astype(np.float32) / 32768


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="only files with this in their name")
    parser.add_argument("--into", type=Path, default=PACKAGE_DATA, help="where calls/ is written")
    arguments = parser.parse_args()
    calls = tomllib.loads((HERE / "calls.toml").read_text("utf-8"))["call"]
    folder = arguments.into / "calls"
    folder.mkdir(parents=True, exist_ok=True)
    lines = []
    for call in calls:
        if arguments.only not in call["file"]:
            continue
        made = make(call, folder)
        lines.append(json.dumps(made, ensure_ascii=False) + "\n")
        size = (folder / call["file"]).stat().st_size
        print(f"{made['duration']:6.1f} s  {size:8,d} B  {call['file']}")
    if not arguments.only:
        (arguments.into / "calls.jsonl").write_text("".join(lines), "utf-8")


if __name__ == "__main__":
    main()
