"""The decoder's process: what a file can do to it costs that file, and the rest is told."""

import os
import signal
import sys
import threading
import time

import numpy as np
import pytest
import sounds
from faults import badfiles
from faults.badfiles import MORE

from pipeline.decoder import Decoder
from pipeline.errors import DecoderFailed, HotlineError, UnsupportedAudio
from pipeline.types import SAMPLE_RATE, Limits

FAULT = """
import os, time
from pipeline import decode
from pipeline.types import SAMPLE_RATE
real = decode._Sound.flush
def flush(sound):
    if sound.seconds >= {at}:
        {fault}
    real(sound)
decode._Sound.flush = flush
decode.serve()
"""
"""The real process, in which the decoder does something bad after `at` seconds of sound."""


@pytest.fixture
def decoder():
    made = []

    def make(limits=None, at=None, fault=""):
        program = {} if at is None else {"program": f"exec({FAULT.format(at=at, fault=fault)!r})"}
        made.append(Decoder(limits, **program))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def call(tmp_path):
    return sounds.write(tmp_path / "call.wav", sounds.tone(440, 62, 8_000))


def test_one_process_serves_many_files(decoder, tmp_path):
    one = decoder()
    pids = set()
    for seconds in (1, 2, 3):
        path = sounds.write(tmp_path / f"{seconds}.wav", sounds.tone(440, seconds, 8_000))
        assert len(one.decode(path).left) == seconds * SAMPLE_RATE
        pids.add(one._process.pid)
    (tmp_path / "text.wav").write_text("买菜", encoding="utf-8")
    with pytest.raises(UnsupportedAudio, match=r"text\.wav"):
        one.decode(tmp_path / "text.wav")
    pids.add(one._process.pid)
    assert len(pids) == 1


@pytest.mark.parametrize("fault", ["os.abort()", "os._exit(0)", "os.kill(os.getpid(), 9)"])
def test_what_came_before_a_crash_is_used_and_the_rest_is_said_missing(decoder, call, fault):
    found = decoder(at=49, fault=fault).decode(call)
    assert len(found.left) / SAMPLE_RATE == pytest.approx(49, abs=1)
    assert sounds.frequency(found.left) == pytest.approx(440, abs=1)
    (problem,) = found.problems
    assert "of 62.0 s" in problem
    assert "crashed" in problem
    assert "first 48." in problem


def test_a_crash_costs_one_file(decoder, call, tmp_path):
    """The next file gets a new process, in which it fails again only if it is to blame."""
    fault = f"os.path.exists({str(tmp_path / 'mended')!r}) or os.abort()"
    one = decoder(at=0, fault=fault)
    with pytest.raises(DecoderFailed, match=r"crashed on call\.wav"):
        Decoder.decode(one, call)
    (tmp_path / "mended").touch()
    found = one.decode(call)
    assert (len(found.left), found.problems) == (62 * SAMPLE_RATE, ())


def test_a_crash_that_does_not_come_again_costs_nothing(decoder, call, tmp_path):
    marker = str(tmp_path / "once")
    fault = f"os.path.exists({marker!r}) or (open({marker!r}, 'x').close(), os.abort())"
    found = decoder(Limits(), at=10, fault=fault.replace("open(", "os.open(").replace(
        ", 'x').close()", ", os.O_CREAT)")).decode(call)  # fmt: skip
    assert (len(found.left), found.problems) == (62 * SAMPLE_RATE, ())


def test_a_decoder_that_hangs_is_stopped(decoder, call):
    one = decoder(Limits(stall_s=1.0), at=49, fault="time.sleep(1000)")
    began = time.monotonic()
    found = one.decode(call)
    assert time.monotonic() - began < 30
    assert len(found.left) / SAMPLE_RATE == pytest.approx(49, abs=1)
    assert "did not come to an end" in found.problems[0]
    with pytest.raises(DecoderFailed, match="did not come to an end"):
        decoder(Limits(stall_s=1.0), at=0, fault="time.sleep(1000)").decode(call)


def test_one_that_goes_on_for_ever_is_stopped_too(decoder, call):
    one = decoder(Limits(wall_s=2.0), at=0, fault="time.sleep(0.3)")
    began = time.monotonic()
    assert "did not come to an end" in one.decode(call).problems[0]
    assert time.monotonic() - began < 30


@pytest.mark.skipif(os.name != "posix", reason="stops a process as only POSIX can")
def test_one_that_stands_still_before_it_begins_is_stopped(decoder, call, tmp_path):
    one = decoder(Limits(stall_s=1.0))
    one.decode(call, seconds=1)
    os.kill(one._process.pid, signal.SIGSTOP)
    with pytest.raises(DecoderFailed, match=r"call\.wav"):
        one.decode(call)
    assert len(one.decode(call).left) == 62 * SAMPLE_RATE


def test_seconds_have_a_limit(decoder, call):
    found = decoder(Limits(seconds=10.0)).decode(call)
    assert len(found.left) / SAMPLE_RATE == pytest.approx(10, abs=1.1)
    (problem,) = found.problems
    assert "of 62.0 s" in problem
    assert "missing" in problem
    assert decoder(Limits(seconds=100.0)).decode(call, seconds=10.0).problems == ()


def test_bytes_have_a_limit(decoder, call):
    found = decoder(Limits(decoded_bytes=400_000)).decode(call)  # 16,000 a second
    assert 24 < len(found.left) / SAMPLE_RATE < 30
    assert "more in it" in found.problems[0]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux limits memory so")
def test_memory_has_a_limit(decoder, call):
    greedy = "decode.greed = bytearray(100 << 20) + getattr(decode, 'greed', b'')"
    found = decoder(Limits(memory=256 << 20), at=5, fault=greedy).decode(call)
    assert 4 < len(found.left) / SAMPLE_RATE < 60
    assert "memory" in found.problems[0]
    assert found.peak_bytes < 600 << 20


def test_a_process_that_cannot_start_is_told(call):
    with pytest.raises(HotlineError, match="could not be started"):
        Decoder(program="raise SystemExit(3)").decode(call)


def test_what_is_no_answer_of_ours_is_a_crash(call):
    liar = (
        "import sys; out = sys.stdout.buffer; out.write(b'Y' + bytes(4)); out.flush();"
        "sys.stdin.readline(); out.write(b'L' + b'\\xff' * 400); out.flush()"
    )
    with pytest.raises(DecoderFailed):
        Decoder(program=liar).decode(call)


def test_an_interrupted_question_leaves_no_answer_behind(decoder, call, tmp_path, monkeypatch):
    one = decoder()
    real, count = one._message, [0]

    def interrupted():
        count[0] += 1
        if count[0] == 10:
            raise KeyboardInterrupt
        return real()

    monkeypatch.setattr(one, "_message", interrupted)
    with pytest.raises(KeyboardInterrupt):
        one.decode(call)
    other = sounds.write(tmp_path / "other.wav", sounds.tone(880, 1, 8_000))
    assert sounds.frequency(one.decode(other).left) == pytest.approx(880, abs=1)


def test_threads_take_turns(decoder, tmp_path):
    one, found = decoder(), {}
    paths = [
        sounds.write(tmp_path / f"{hertz}.wav", sounds.tone(hertz, 2, 8_000))
        for hertz in (300, 500, 700, 900)
    ]
    threads = [
        threading.Thread(target=lambda p=path: found.update({p: one.decode(p)})) for path in paths
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for path in paths:
        assert sounds.frequency(found[path].left) == pytest.approx(int(path.stem), abs=1)


def test_a_second_channel_in_mid_file_begins_as_the_first(decoder, tmp_path):
    """Two streams of AAC frames, one after the other: first mono, then stereo."""
    mono = sounds.write(tmp_path / "m.aac", sounds.tone(300, 2), "aac")
    stereo = sounds.write(tmp_path / "s.aac", [sounds.tone(300, 2), sounds.tone(700, 2)], "aac")
    (tmp_path / "both.aac").write_bytes(mono.read_bytes() + stereo.read_bytes())
    found = decoder().decode(tmp_path / "both.aac")
    assert found.right is not None
    assert len(found.left) == len(found.right)
    half = 2 * SAMPLE_RATE
    assert np.array_equal(found.left[: half - 4_000], found.right[: half - 4_000])
    assert sounds.frequency(found.right[-half + 4_000 :]) == pytest.approx(700, abs=1)


@pytest.mark.parametrize(
    "codec",
    [
        "wav",
        "alaw",
        "amr",
        "aac",
        "mp3",
        "opus",
        "flac",
        "webm",
        "aiff",
        "wma",
        "caf",
        "w64",
        "avi",
    ],
)
def test_a_call_cut_at_49_of_62_seconds_is_used_and_marked(decoder, tmp_path, codec):
    sounds.CODECS.update(MORE)
    rate = sounds.CODECS[codec][2]
    bits = 32_000 if codec == "wma" else None
    path = sounds.write(tmp_path / "x", sounds.tone(440, 62, rate), codec, bit_rate=bits)
    one = decoder()
    assert one.decode(path).problems == ()
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * 49 // 62 - 3])
    found = one.decode(path)
    assert 47 < len(found.left) / SAMPLE_RATE < 50
    assert found.problems, "it says nothing of what is missing"


def test_more_channels_than_a_telephone_has(decoder, tmp_path):
    """PyAV reads past the end of a frame of eight planes and crashes."""
    path = tmp_path / "8.wav"
    tone = (sounds.tone(440, 1, 8_000) * 32767).astype("<i2").repeat(8).tobytes()
    path.write_bytes(badfiles.wav(channels=8, data=tone))
    found = decoder().decode(path)
    assert (found.right, found.source_channels) == (None, 8)
    assert sounds.frequency(found.left) == pytest.approx(440, abs=1)


def test_more_sound_than_the_header_knows_of_is_heard(decoder, tmp_path):
    path = tmp_path / "x.wav"
    path.write_bytes(badfiles.wav(size=1_000, seconds=2.0))
    found = decoder().decode(path)
    assert len(found.left) == 2 * SAMPLE_RATE
    assert "all of it was heard" in found.problems[0]
    path.write_bytes(badfiles.wav(seconds=2.0) + b"LIST\x04\x00\x00\x00INFO")
    assert decoder().decode(path).problems == ()


def test_a_second_recording_behind_the_first_is_told(decoder, tmp_path):
    path = tmp_path / "x.wav"
    path.write_bytes(badfiles.wav(seconds=2.0) * 2)
    found = decoder().decode(path)
    assert len(found.left) == 2 * SAMPLE_RATE
    assert "second recording" in found.problems[0]
