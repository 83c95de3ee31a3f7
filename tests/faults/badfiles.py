"""Files that no recorder should write, and some do: made here, by mutation and by hand.

`python tests/faults/badfiles.py FOLDER` makes them all (some 250) to be tried with `hotline ingest`.
"""

from __future__ import annotations

import os
import struct
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
import sounds

FORMATS = {
    "wav": "wav", "wav24": "wav", "alaw": "wav", "mulaw": "wav", "amr": "amr", "3gp": "3gp",
    "m4a": "m4a", "aac": "aac", "mp3": "mp3", "mp3_8k": "mp3", "opus": "opus", "flac": "flac",
    "webm": "webm", "aiff": "aiff", "ima": "wav", "wma": "wma", "alac": "m4a", "ac3": "ac3",
    "mp2": "mp2", "wv": "wv", "tta": "tta", "caf": "caf", "au": "au", "w64": "w64", "avi": "avi",
    "mkv": "mkv", "ts": "ts", "g722": "g722",
}  # fmt: skip
"""Every format that the bundled FFmpeg can write and a telephone or an exchange might, by suffix."""

MORE = {
    "ima": ("wav", "adpcm_ima_wav", 8_000),
    "wma": ("asf", "wmav2", 16_000),
    "alac": ("ipod", "alac", 16_000),
    "ac3": ("ac3", "ac3", 48_000),
    "mp2": ("mp2", "mp2", 16_000),
    "wv": ("wv", "wavpack", 16_000),
    "tta": ("tta", "tta", 16_000),
    "caf": ("caf", "pcm_s16be", 16_000),
    "au": ("au", "pcm_mulaw", 8_000),
    "w64": ("w64", "pcm_s16le", 16_000),
    "avi": ("avi", "pcm_s16le", 16_000),
    "mkv": ("matroska", "libopus", 48_000),
    "ts": ("mpegts", "aac", 48_000),
    "g722": ("g722", "g722", 16_000),
}

SECONDS = 1.5


def make(folder: Path) -> dict[Path, bool]:
    """Write all of them into `folder`; whether each is a good recording that must be heard."""
    sounds.CODECS.update(MORE)
    made: dict[Path, bool] = {}
    rng = np.random.default_rng(4)
    for codec, suffix in FORMATS.items():
        rate = sounds.CODECS[codec][2]
        voice = sounds.syllables(SECONDS, rate, seed=len(made))
        path = sounds.write(
            folder / f"good-{codec}.{suffix}",
            voice,
            codec,
            bit_rate=32_000 if codec == "wma" else None,
        )
        made[path] = True
        for kind, content in mutations(path.read_bytes(), rng).items():
            bad = folder / f"{kind}-{codec}.{suffix}"
            bad.write_bytes(content)
            made[bad] = False
    for name, content in by_hand().items():
        (folder / name).write_bytes(content)
        made[folder / name] = name.startswith("good")
    for build in (videos, tracks, chained, names):
        made.update(build(folder))
    return made


def mutations(whole: bytes, rng: np.random.Generator) -> dict[str, bytes]:
    noise = bytearray(whole)
    for at in rng.integers(0, len(whole), 30):
        noise[at] = int(rng.integers(0, 256))
    middle, fifth = len(whole) // 2, len(whole) // 5
    return {
        "half": whole[:middle],
        "no-tail": whole[:-10],
        "no-head": whole[64:],
        "zero-head": bytes(32) + whole[32:],
        "noisy": bytes(noise),
        "hole": whole[:middle] + rng.bytes(fifth) + whole[middle + fifth :],
        "twice": whole + whole,
    }


def wav(
    *,
    tag: int = 1,
    channels: int = 1,
    rate: int = 8_000,
    byte_rate: int | None = None,
    align: int | None = None,
    bits: int = 16,
    data: bytes | None = None,
    size: int | None = None,
    riff: int | None = None,
    before: bytes = b"",
    seconds: float = SECONDS,
) -> bytes:
    """A WAV whose every field may lie."""
    if data is None:
        voice = sounds.syllables(seconds, 8_000)
        data = (voice * 32767).astype("<i2").repeat(max(1, min(channels, 8))).tobytes()
    align = channels * bits // 8 & 0xFFFF if align is None else align
    byte_rate = rate * align & 0xFFFFFFFF if byte_rate is None else byte_rate
    form = struct.pack("<HHIIHH", tag, channels, rate, byte_rate, align, bits)
    body = b"WAVE" + before + b"fmt " + struct.pack("<I", len(form)) + form
    body += b"data" + struct.pack("<I", len(data) if size is None else size) + data
    return b"RIFF" + struct.pack("<I", len(body) if riff is None else riff) + body


def by_hand() -> dict[str, bytes]:
    rng = np.random.default_rng(5)
    float_noise = np.array([np.nan, np.inf, -np.inf, 1e38, -1e38, 0.1] * 2_000)
    nested = b""
    for _level in range(2_000):
        nested = struct.pack(">I", len(nested) + 8) + b"moov" + nested
    url = "http://127.0.0.1:9/x.mp3"
    return {
        # nothing, or nothing of sound
        "empty.wav": b"",
        "empty": b"",
        "one-byte.mp3": b"\x00",
        "zeros.wav": bytes(100_000),
        "ones.mp3": b"\xff" * 100_000,
        "random.m4a": rng.bytes(100_000),
        "random": rng.bytes(5_000),
        "text.wav": "居委会值班记录：电梯坏了。\n".encode() * 50,
        "text.txt": "值班表".encode("gb18030"),
        "utf16.txt": "值班表\n".encode("utf-16") * 20,
        "subtitles.srt": b"1\n00:00:01,000 --> 00:00:02,000\nhello\n\n",
        "page.html": b"<!DOCTYPE html><html><body>404</body></html>",
        "data.json": b'{"a": [1, 2, 3]}',
        "table.csv": b"a,b\n1,2\n" * 100,
        "archive.zip": b"PK\x03\x04" + rng.bytes(2_000),
        "program.exe": b"MZ" + rng.bytes(2_000),
        "paper.pdf": b"%PDF-1.7\n" + rng.bytes(2_000),
        "picture.jpg": b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + rng.bytes(2_000),
        "picture.gif": b"GIF89a" + rng.bytes(500),
        "database.db": b"SQLite format 3\x00" + rng.bytes(2_000),
        "notes.mid": b"MThd\x00\x00\x00\x06\x00\x00\x00\x01\x00\x60MTrk" + bytes(40),
        "module.mod": bytes(1_080) + b"M.K." + rng.bytes(2_000),
        # playlists, and what leads elsewhere
        "list.m3u8": f"#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n{url}\n#EXT-X-ENDLIST\n".encode(),
        "list.mp3": b"#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n/etc/passwd\n#EXT-X-ENDLIST\n",
        "itself.m3u8": b"#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nitself.m3u8\n#EXT-X-ENDLIST\n",
        "list.m3u": f"{url}\n".encode(),
        "list.pls": f"[playlist]\nFile1={url}\nLength1=-1\n".encode(),
        "concat.mp3": b"ffconcat version 1.0\nfile good-wav.wav\n",
        "itself.ffconcat": b"ffconcat version 1.0\nfile itself.ffconcat\n",
        "session.sdp": b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nm=audio 5004 RTP/AVP 0\n",
        "dash.mpd": f'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><Period>'
        f"<BaseURL>{url}</BaseURL></Period></MPD>".encode(),
        "list.xspf": f'<playlist version="1"><trackList><track><location>{url}</location></track>'
        f"</trackList></playlist>".encode(),
        "list.asx": f'<asx version="3.0"><entry><ref href="{url}"/></entry></asx>'.encode(),
        "stream.ref": f"[Reference]\nRef1={url}\n".encode(),
        "outside.mov": b"\x00\x00\x00\x14ftypqt  \x00\x00\x00\x00qt  "
        b"\x00\x00\x00\x28moov\x00\x00\x00\x20rmra\x00\x00\x00\x18rmdardrf" + url.encode(),
        # WAVs that lie
        "good-384-khz.wav": wav(rate=384_000, data=(
            sounds.syllables(SECONDS, 384_000) * 32767).astype("<i2").tobytes()),
        "good-8-channels.wav": wav(channels=8),
        "good-streamed.wav": wav(size=0xFFFFFFFF, riff=0xFFFFFFFF),
        "size-0.wav": wav(size=0),
        "size-more.wav": wav(size=500_000),
        "size-less.wav": wav(size=1_000),
        "riff-0.wav": wav(riff=0),
        "rate-0.wav": wav(rate=0),
        "rate-1.wav": wav(rate=1),
        "rate-1-bomb.wav": wav(rate=1, seconds=20.0),
        "rate-huge.wav": wav(rate=0x7FFFFFFF),
        "rate-4-ghz.wav": wav(rate=0xFFFFFFFF),
        "byte-rate-0.wav": wav(byte_rate=0),
        "align-0.wav": wav(align=0),
        "align-huge.wav": wav(align=0xFFFF),
        "channels-0.wav": wav(channels=0),
        "channels-3.wav": wav(channels=3),
        "channels-9.wav": wav(channels=9),
        "channels-64.wav": wav(channels=64),
        "channels-255.wav": wav(channels=255),
        "channels-65535.wav": wav(channels=65535),
        "bits-0.wav": wav(bits=0),
        "bits-1.wav": wav(bits=1),
        "bits-64.wav": wav(bits=64),
        "bits-65535.wav": wav(bits=65535),
        "codec-unknown.wav": wav(tag=0x1234),
        "codec-mp3-in-name-only.wav": wav(tag=0x55),
        "codec-gsm.wav": wav(tag=0x31, align=65, bits=0),
        "codec-g723.wav": wav(tag=0x111, align=24, bits=0),
        "chunk-huge.wav": wav(before=b"LIST" + struct.pack("<I", 0xFFFFFFF0)),
        "chunk-many.wav": wav(before=(b"junk" + struct.pack("<I", 0)) * 20_000),
        "no-data.wav": wav()[:36],
        "no-format.wav": b"RIFF\x00\x00\x00\x00WAVEdata\x00\x10\x00\x00" + bytes(4_096),
        "one-sample.wav": wav(data=b"\x10\x00"),
        "10-ms.wav": wav(data=wav()[44 : 44 + 160]),
        "silent.wav": wav(data=bytes(24_000)),
        "constant.wav": wav(data=b"\xff\x7f" * 12_000),
        "nan-32.wav": wav(tag=3, bits=32, data=float_noise.astype("<f4").tobytes()),
        "nan-64.wav": wav(tag=3, bits=64, data=float_noise.astype("<f8").tobytes()),
        "rf64.wav": b"RF64\xff\xff\xff\xffWAVEds64\x1c\x00\x00\x00" + b"\xff" * 28 + wav()[12:],
        # other containers that lie
        "rate-0.au": b".snd" + struct.pack(">IIIII", 24, 0xFFFFFFFF, 1, 0, 1) + rng.bytes(8_000),
        "offset-huge.au": b".snd" + struct.pack(">IIIII", 0xFFFFFFF0, 8_000, 1, 8_000, 1) + bytes(99),
        "channels-huge.au": b".snd" + struct.pack(">IIIII", 24, 8_000, 1, 8_000, 60_000) + bytes(9_999),
        "rate-inf.aiff": b"FORM\x00\x00\x00\x3eAIFFCOMM\x00\x00\x00\x12\x00\x01\xff\xff\xff\xff\x00\x10"
        b"\x7f\xff\x80\x00\x00\x00\x00\x00\x00\x00SSND" + bytes(64),
        "nested.m4a": b"\x00\x00\x00\x14ftypM4A \x00\x00\x00\x00M4A " + nested,
        "box-huge.m4a": b"\x00\x00\x00\x14ftypM4A \x00\x00\x00\x00M4A \x00\x00\x00\x01moov" + b"\xff" * 8,
        "only-data.m4a": b"\x00\x00\x00\x14ftypM4A \x00\x00\x00\x00M4A \x00\x00\x20\x00mdat" + bytes(8_184),
        "size-huge.mkv": b"\x1a\x45\xdf\xa3\x01" + b"\xff" * 7 + rng.bytes(3_000),
        "tag-huge.mp3": b"ID3\x04\x00\x00\x7f\x7f\x7f\x7f" + rng.bytes(20_000),
        "tag-only.mp3": b"ID3\x04\x00\x00\x00\x00\x00\x00",
        "amr-head.amr": b"#!AMR\n",
        "amr-no-data.amr": b"#!AMR\n" + b"\x7c" * 500,
        "amr-future.amr": b"#!AMR\n" + b"\x4c" * 500,
        "amr-wb.amr": b"#!AMR-WB\n" + rng.bytes(3_000),
        "pages.ogg": (b"OggS" + bytes(22) + b"\x00") * 5_000,
        "flac-long.flac": b"fLaC\x80\x00\x00\x22\x10\x00\x10\x00\x00\x00\x00\x00\x00\x00\x01\xf4\x00\xff"
        b"\xff\xff\xff\xff" + bytes(16) + rng.bytes(3_000),
        "raw.gsm": rng.bytes(33 * 60 + 7),
        "raw.sln": (sounds.syllables(SECONDS, 8_000) * 32767).astype("<i2").tobytes(),
        "raw.g729": rng.bytes(2_000),
        "raw.pcm": rng.bytes(2_000),
        "raw.ulaw": rng.bytes(8_000),
        "phone.silk": b"\x02#!SILK_V3" + rng.bytes(2_000),
    }  # fmt: skip


def videos(folder: Path) -> dict[Path, bool]:
    """A picture that moves, without and with a voice."""
    made = {}
    for name, voiced in (("video-only.mp4", False), ("good-video.mp4", True)):
        path = folder / name
        with av.open(path, "w") as output:
            stream = output.add_stream("mpeg4", rate=10)
            stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
            sound = output.add_stream("aac", rate=16_000) if voiced else None
            if sound is not None:
                sound.layout = "mono"
            for number in range(15):
                frame = av.VideoFrame.from_ndarray(
                    np.full((48, 64, 3), number * 16, np.uint8), format="rgb24"
                )
                frame.pts = number
                output.mux(stream.encode(frame))
            output.mux(stream.encode(None))
            if sound is not None:
                _mux_voice(output, sound)
        made[path] = voiced
    return made


def _mux_voice(output: object, stream: object, seconds: float = SECONDS) -> None:
    pcm = (sounds.syllables(seconds, 16_000) * 32767).astype(np.int16)[None]
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(pcm), format="s16", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = 16_000, 0, Fraction(1, 16_000)
    if not stream.codec_context.is_open:
        stream.codec_context.open()
    resampler = av.AudioResampler(stream.format, "mono", 16_000, stream.codec_context.frame_size)
    for piece in (*resampler.resample(frame), *resampler.resample(None)):
        output.mux(stream.encode(piece))
    output.mux(stream.encode(None))


def tracks(folder: Path) -> dict[Path, bool]:
    """Thirty tracks of sound in one file."""
    path = folder / "good-30-tracks.mka"
    with av.open(path, "w", format="matroska") as output:
        streams = [output.add_stream("aac", rate=16_000) for _track in range(30)]
        for stream in streams:
            stream.layout = "mono"
        for stream in streams:
            _mux_voice(output, stream)
    return {path: True}


def chained(folder: Path) -> dict[Path, bool]:
    """Streams one after the other: two hundred in one file, mono and stereo, other rates."""
    voice = sounds.syllables(0.3, 48_000)
    short = sounds.write(folder / "x.opus", voice, "opus").read_bytes()
    mono = sounds.write(folder / "x.aac", sounds.syllables(1, 16_000), "aac").read_bytes()
    two = [sounds.syllables(1, 16_000), sounds.syllables(1, 16_000, seed=1)]
    stereo = sounds.write(folder / "x.aac", two, "aac").read_bytes()
    fast = sounds.write(folder / "x.aac", sounds.syllables(1, 48_000), "aac", rate=48_000)
    contents = {
        "chained-200.opus": short * 200,
        "good-forms.aac": mono + stereo + fast.read_bytes() + mono,
    }
    made = {}
    for name, content in contents.items():
        (folder / name).write_bytes(content)
        made[folder / name] = name.startswith("good")
    for name in ("x.opus", "x.aac"):
        (folder / name).unlink()
    return made


def names(folder: Path) -> dict[Path, bool]:
    """Good recordings under every name that the system allows, and files that are none at all."""
    made = {}
    wanted: list[str | bytes] = [
        "good 有空格 和 汉字.wav", "good-{0}{file}%s%d.wav", "good-'\"; DROP TABLE.wav", ".good-hidden.wav",
        "good-no-suffix", "good.WAV.mp3", "good-" + "长" * 80 + ".wav", "-good--help.wav",
        "good-🙂é\u0301.wav",
    ]  # fmt: skip
    if os.name == "posix":
        wanted += ["good-new\nline.wav", "good-back\\slash.wav", "good-\x07bell\x1b[2J.wav"]
        wanted.append("good-电梯.wav".encode("gb18030"))
    for number, name in enumerate(wanted):
        path = folder / os.fsdecode(name)
        try:
            sounds.write(folder / "x.wav", sounds.syllables(SECONDS, 8_000, seed=900 + number))
            (folder / "x.wav").rename(path)
        except OSError:  # a file system that knows Unicode only
            (folder / "x.wav").unlink(missing_ok=True)
            continue
        made[path] = True
    if os.name == "posix":
        (folder / "loop.wav").symlink_to("loop.wav")
        (folder / "dangling.wav").symlink_to("nowhere.wav")
        (folder / "linked.wav").symlink_to(folder / "good-wav.wav")
        os.mkfifo(folder / "pipe.wav")
        made.update(
            {folder / n: False for n in ("loop.wav", "dangling.wav", "linked.wav", "pipe.wav")}
        )
    return made


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    all_of_them = make(target)
    print(f"{len(all_of_them)} files, {sum(all_of_them.values())} of them good")
