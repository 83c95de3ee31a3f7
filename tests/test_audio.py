import json
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import sounds

from pipeline import audio
from pipeline.errors import HotlineError, UnsupportedAudio
from pipeline.types import SAMPLE_RATE, Audio

DEMO = Path(audio.__file__).parent / "demo"


def of(*channels: np.ndarray) -> Audio:
    made = tuple(np.asarray(channel, np.float32) for channel in channels)
    return Audio(
        made, len(made[0]) / SAMPLE_RATE, "mono" if len(made) == 1 else "stereo", "wav", "x", 16_000,
        len(made),
    )  # fmt: skip


# --- Decoding


@pytest.mark.parametrize("codec", sounds.CODECS)
def test_every_format_gives_its_sound_back(tmp_path, codec):
    rate = sounds.CODECS[codec][2]
    path = sounds.write(tmp_path / f"录 音.{codec}", sounds.tone(440, 2, rate), codec)
    decoded = audio.decode(path)
    # Raw AAC has nowhere to say what its encoder put before and after: two frames of 64 ms.
    assert decoded.duration == pytest.approx(2, abs=0.13 if codec == "aac" else 0.06)
    assert len(decoded.channels[0]) == round(decoded.duration * SAMPLE_RATE)
    assert decoded.channels[0].dtype == np.float32
    assert sounds.frequency(decoded.channels[0]) == pytest.approx(440, abs=1)
    assert (decoded.medium, decoded.source_channels, decoded.problems) == ("mono", 1, ())


def test_a_raw_file_is_known_by_its_suffix(tmp_path):
    assert audio.decode(sounds.gsm(tmp_path / "x.gsm", 100)).duration == pytest.approx(2)


def test_the_suffix_may_be_wrong(tmp_path):
    path = sounds.write(tmp_path / "x", sounds.tone(440, 1, 44_100), "m4a")
    assert audio.decode(path.rename(tmp_path / "x.wav")).codec == "aac"


@pytest.mark.parametrize("hertz", [9_000, 10_000, 15_000, 20_000])
def test_nothing_folds_down_into_speech(tmp_path, hertz):
    path = sounds.write(tmp_path / "x.wav", sounds.tone(hertz, 1, 44_100, 0.5), rate=44_100)
    heard = audio.decode(path).channels[0][1000:-1000]
    assert sounds.decibels(heard) < -85


def test_a_telephones_8_khz_get_no_mirror_above_4_khz(tmp_path):
    path = sounds.write(tmp_path / "x.wav", sounds.noise(2, 8_000))
    power = np.abs(np.fft.rfft(audio.decode(path).channels[0])) ** 2
    hertz = np.fft.rfftfreq(2 * SAMPLE_RATE, 1 / SAMPLE_RATE)
    assert 10 * np.log10(power[hertz > 4_200].sum() / power[hertz < 4_000].sum()) < -40


def test_only_the_beginning_can_be_decoded(tmp_path):
    path = sounds.write(tmp_path / "x.wav", sounds.tone(440, 10, 8_000))
    decoded = audio.decode(path, max_seconds=1.5)
    assert (decoded.duration, len(decoded.channels[0]), decoded.problems) == (1.5, 24_000, ())


def test_a_damaged_middle_costs_itself_only(tmp_path):
    path = sounds.write(tmp_path / "x.mp3", sounds.tone(440, 10, 44_100), "mp3")
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 3_000] = np.random.default_rng(0).bytes(3_000)
    path.write_bytes(content)
    decoded = audio.decode(path)
    assert decoded.duration > 9
    assert sounds.frequency(decoded.channels[0][-2 * SAMPLE_RATE :]) == pytest.approx(440, abs=1)


def test_packets_that_fail_are_counted(tmp_path):
    path = sounds.write(tmp_path / "x.m4a", sounds.noise(10, 44_100), "m4a")
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 4_000] = np.random.default_rng(0).bytes(4_000)
    path.write_bytes(content)
    decoded = audio.decode(path)
    assert 8 < decoded.duration < 10
    (problem,) = [p for p in decoded.problems if "could not be decoded" in p and "packets" in p]
    failed, _of, all_packets = problem.split()[:3]
    assert 0 < int(failed) < int(all_packets) == pytest.approx(431, abs=3)


@pytest.mark.parametrize("codec", ["wav", "opus", "amr", "flac", "mp3"])
def test_a_file_cut_short_gives_what_there_is(tmp_path, codec):
    path = sounds.write(tmp_path / "x", sounds.noise(5, sounds.CODECS[codec][2]), codec)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert 1.5 < audio.decode(path).duration < 3.5


def test_an_m4a_cut_short_has_no_index_and_says_so(tmp_path):
    path = sounds.write(tmp_path / "x.m4a", sounds.tone(440, 5, 44_100), "m4a")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(UnsupportedAudio, match=r"x\.m4a"):
        audio.decode(path)


def test_a_header_that_lies_is_told_with_both_figures(tmp_path):
    path = sounds.write(tmp_path / "x.flac", sounds.noise(10, 22_050), "flac")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    (problem,) = [p for p in audio.decode(path).problems if "promises" in p]
    assert "10.0 s" in problem
    assert " 4." in problem or " 5." in problem


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.mp3", b""),
        ("text.mp3", "您好，居委会。\n".encode() * 100),
        ("short.mp3", b"ID3"),
        ("zeros.wav", bytes(5_000)),
        ("page.m4a", b"<!DOCTYPE html><html><body>404</body></html>"),
        ("header.wav", sounds.wav_bytes(np.zeros(0))),
        (
            "list.mp3",
            b"#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n/etc/passwd\n#EXT-X-ENDLIST\n",
        ),
        ("list.m3u8", b"#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nx.wav\n#EXT-X-ENDLIST\n"),
        ("concat.mp3", b"ffconcat version 1.0\nfile x.wav\n"),
        ("session.sdp", b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nm=audio 5004 RTP/AVP 0\n"),
    ],
)
def test_what_is_no_sound_is_said_so(tmp_path, name, content):
    sounds.write(tmp_path / "x.wav", sounds.tone(440, 1, 8_000))  # what a list would lead to
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UnsupportedAudio, match=name.replace(".", r"\.")) as caught:
        audio.decode(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_a_playlist_reaches_no_network(tmp_path):
    asked = []

    class Listener(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Listener)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        url = f"http://127.0.0.1:{server.server_port}/x.mp3"
        lists = {
            "hls.mp3": f"#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n{url}\n#EXT-X-ENDLIST\n",
            "ff.mp3": f"ffconcat version 1.0\nfile {url}\n",
        }
        for name, content in lists.items():
            (tmp_path / name).write_text(content)
            with pytest.raises(UnsupportedAudio):
                audio.decode(tmp_path / name)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert asked == []


@pytest.mark.parametrize("codec", ["wav", "m4a", "mp3", "opus", "amr", "flac"])
def test_garbage_never_raises_anything_else(tmp_path, codec):
    rng = np.random.default_rng(1)
    whole = sounds.write(
        tmp_path / "x", sounds.tone(440, 1, sounds.CODECS[codec][2]), codec
    ).read_bytes()
    for _round in range(12):
        content = bytearray(whole)
        for at in rng.integers(0, len(content), 30):
            content[at] = int(rng.integers(0, 256))
        (tmp_path / f"x.{codec}").write_bytes(content)
        try:
            decoded = audio.decode(tmp_path / f"x.{codec}")
        except UnsupportedAudio:
            continue
        assert all(np.abs(channel).max(initial=0) <= 1 for channel in decoded.channels)


def test_a_file_that_has_gone_is_no_matter_of_its_sound(tmp_path):
    with pytest.raises(HotlineError) as caught:
        audio.decode(tmp_path / "gone.wav")
    assert not isinstance(caught.value, UnsupportedAudio)


@pytest.mark.parametrize(
    ("stamp", "expected"),
    [
        ("2022-04-04T01:30:00.000000Z", datetime(2022, 4, 4, 1, 30, tzinfo=UTC)),
        ("1970-01-01T00:00:00.000000Z", None),
        ("1904-01-01T00:00:00.000000Z", None),
    ],
)
def test_the_containers_own_date(tmp_path, stamp, expected):
    path = sounds.write(
        tmp_path / "x.m4a", sounds.tone(440, 1, 44_100), "m4a", metadata={"creation_time": stamp}
    )
    assert audio.decode(path).created_at == expected


def test_six_channels_become_one_and_it_is_said(tmp_path):
    channels = [np.zeros(8_000)] * 5 + [sounds.tone(440, 1, 8_000)]
    decoded = audio.decode(sounds.write(tmp_path / "x.wav", channels))
    assert len(decoded.channels) == 1
    assert sounds.frequency(decoded.channels[0]) == pytest.approx(440, abs=1)
    assert "6" in decoded.problems[0]


# --- One channel or two


def parties(leak: float = 0.0, quiet: float = 1.0, seconds: float = 3.0) -> list[np.ndarray]:
    """Two parties in turn, a channel each, heard by `leak` in the other's; the second `quiet`."""
    rest = np.zeros(round(seconds * 8_000))
    staff = np.concatenate([sounds.syllables(seconds, 8_000, 0.3, 220), rest])
    resident = np.concatenate([rest, sounds.syllables(seconds, 8_000, 0.3 * quiet, 120, seed=1)])
    return [staff + leak * resident, resident + leak * staff]


def medium(tmp_path: Path, channels: list[np.ndarray], codec: str = "wav") -> Audio:
    rng = np.random.default_rng(0)
    heard = [channel + 1e-4 * rng.standard_normal(len(channel)) for channel in channels]
    rate = None if codec in ("wav", "alaw", "mulaw") else 8_000
    return audio.decode(sounds.write(tmp_path / f"x.{codec}", heard, codec, rate=rate))


@pytest.mark.parametrize("leak", [0.0, 0.1, 0.3, 0.5])
@pytest.mark.parametrize("codec", ["wav", "alaw", "mp3"])
def test_two_parties_stay_two(tmp_path, leak, codec):
    decoded = medium(tmp_path, parties(leak), codec)
    assert (decoded.medium, len(decoded.channels)) == ("stereo", 2)
    staff, resident = decoded.channels
    half = len(staff) // 2
    assert sounds.decibels(staff[:half]) > sounds.decibels(staff[half:]) + 5
    assert sounds.decibels(resident[half:]) > sounds.decibels(resident[:half]) + 5


def test_a_very_quiet_party_keeps_its_channel(tmp_path):
    assert medium(tmp_path, parties(quiet=0.03)).medium == "stereo"


def test_a_party_that_says_half_a_second_keeps_its_channel(tmp_path):
    staff = sounds.syllables(10, 8_000, 0.3, 220)
    word = np.zeros(80_000)
    word[60_000:64_000] = sounds.syllables(0.5, 8_000, 0.3, 120, seed=1)
    assert medium(tmp_path, [staff + 0.1 * word, word + 0.1 * staff]).medium == "stereo"


@pytest.mark.parametrize("gain", [1.0, 0.25, -1.0, -0.25])
@pytest.mark.parametrize("codec", ["wav", "mulaw", "mp3"])
def test_the_same_twice_is_one_channel_and_loses_no_level(tmp_path, gain, codec):
    voice = sum(parties())
    decoded = medium(tmp_path, [voice * gain, voice], codec)
    assert (decoded.medium, len(decoded.channels), decoded.source_channels) == ("mono", 1, 2)
    assert sounds.decibels(decoded.channels[0]) == pytest.approx(sounds.decibels(voice), abs=1)


def test_the_same_twice_in_noise_is_one_channel(tmp_path):
    voice = sum(parties())
    rms = np.sqrt(np.mean(voice**2))
    noisy = [voice + sounds.noise(6, 8_000, rms * 0.1, seed) for seed in (1, 2)]
    assert medium(tmp_path, noisy).medium == "mono"


def test_two_microphones_in_a_room_are_one_channel(tmp_path):
    voice = sum(parties())
    late = np.concatenate([np.zeros(5), voice[:-5]])
    assert medium(tmp_path, [voice, 0.8 * late]).medium == "mono"


@pytest.mark.parametrize("which", [0, 1])
def test_a_silent_channel_is_said(tmp_path, which):
    channels = [np.zeros(24_000)] * 2
    channels[which] = sounds.syllables(3, 8_000)
    decoded = medium(tmp_path, channels)
    assert (decoded.medium, len(decoded.problems)) == ("mono", 1)
    assert ("right", "left")[which] in decoded.problems[0].split(";")[0]
    assert sounds.decibels(decoded.channels[0]) == pytest.approx(
        sounds.decibels(channels[which]), abs=1
    )


# --- Speech


def demo_calls() -> list[dict]:
    file = DEMO / "calls.jsonl"
    if not file.exists():
        return []
    calls = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    return [call for call in calls if (DEMO / "calls" / call["file"]).exists()]


@pytest.fixture(scope="module")
def heard() -> dict[str, tuple[dict, Audio]]:
    """Demonstration calls by their expected state and medium, decoded; one of each."""
    by_kind: dict[str, tuple[dict, Audio]] = {}
    for call in demo_calls():
        kind = f"{call['expect']} {call['medium']}"
        if call["expect"] in ("logged", "silent") and kind not in by_kind:
            by_kind[kind] = (call, audio.decode(DEMO / "calls" / call["file"]))
    return by_kind


def uncovered(call: dict, spans, channel_of: dict[str, int] | None = None) -> float:
    """Seconds of the call's turns that no span holds."""
    lost = 0.0
    for turn in call["turns"]:
        at = np.arange(turn["start"], turn["end"], 0.02)
        covered = np.zeros(len(at), bool)
        for span in spans:
            if channel_of is None or channel_of[turn["speaker"]] == span.channel:
                covered |= (at >= span.start) & (at < span.end)
        lost += 0.02 * float((~covered).sum())
    return lost


def test_all_that_is_said_in_a_call_is_found(heard):
    call, sound = heard["logged mono"]
    spans = audio.speech(sound)
    assert uncovered(call, spans) < 0.1
    assert all(0 <= s.start < s.end <= sound.duration for s in spans)
    assert list(spans) == sorted(spans, key=lambda s: s.start)


def test_each_party_is_found_in_its_channel(heard):
    call, sound = heard["logged stereo"]
    spans = audio.speech(sound)
    best = min(
        uncovered(call, spans, channels)
        for channels in ({"staff": 0, "resident": 1}, {"staff": 1, "resident": 0})
    )
    assert best < 0.2


def test_a_call_of_line_noise_holds_no_speech(heard):
    assert audio.speech(heard["silent mono"][1]) == ()


def test_a_faint_call_is_found_too(heard):
    call, sound = heard["logged mono"]
    faint = of(np.round(sound.channels[0][: 15 * SAMPLE_RATE] * 0.006 * 32767) / 32767)
    call = {"turns": [turn for turn in call["turns"] if turn["end"] < 14]}
    assert uncovered(call, audio.speech(faint)) < 0.3


def test_finding_speech_leaves_torch_as_it_was():
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(before + 1)
    try:
        audio.speech(of(np.zeros(SAMPLE_RATE)))
        assert torch.get_num_threads() == before + 1
    finally:
        torch.set_num_threads(before)


def ringing() -> np.ndarray:
    ring = np.concatenate([sounds.tone(450, 1), np.zeros(2 * SAMPLE_RATE)])
    return np.concatenate([ring, ring, ring])


def busy() -> np.ndarray:
    return np.concatenate([np.concatenate([sounds.tone(450, 0.35), np.zeros(5_600)])] * 8)


@pytest.mark.parametrize(
    "sound",
    [
        np.zeros(0), np.zeros(100), np.zeros(3 * SAMPLE_RATE), sounds.noise(3, level=0.001),
        sounds.noise(3, level=0.1), sounds.tone(50, 3), sounds.tone(450, 3), ringing(), busy(),
    ],
    ids=["nothing", "a few samples", "silence", "line noise", "loud noise", "hum", "dial", "ring", "busy"],
)  # fmt: skip
def test_what_is_surely_no_speech_is_left_out(sound):
    assert audio.speech(of(sound)) == ()


def test_what_is_loud_is_kept_though_the_vad_drops_it(monkeypatch):
    monkeypatch.setattr(audio, "_detect", lambda samples: [])  # a VAD that drops everything
    silence = np.zeros(2 * SAMPLE_RATE)
    call = np.concatenate([silence, sounds.syllables(1), silence, sounds.tone(450, 1), silence])
    spans = audio.speech(of(call + sounds.noise(len(call) / SAMPLE_RATE, level=0.0005)))
    assert spans
    assert spans[0].start == pytest.approx(2, abs=0.35)
    assert spans[-1].end == pytest.approx(3, abs=0.35)


def test_what_is_added_never_overlaps_what_was_found(monkeypatch):
    monkeypatch.setattr(audio, "_detect", lambda samples: [(2.0, 2.5)])
    silence = np.zeros(SAMPLE_RATE)
    call = np.concatenate([silence, sounds.syllables(3), silence])
    spans = audio.speech(of(call))
    assert len(spans) > 1
    assert all(a.end <= b.start for a, b in pairwise(spans))


# --- Clips


def test_a_clip_is_the_stretch_with_time_around_it(tmp_path):
    sound = np.concatenate([sounds.tone(300, 2), sounds.tone(600, 2), sounds.tone(900, 2)])
    path = sounds.write(tmp_path / "x.wav", sound, rate=SAMPLE_RATE)
    cut = audio.clip(path, 2, 4, before=0.5, after=0.25)
    assert (cut.duration_seconds, cut.frame_rate, cut.channels, cut.sample_width) == (
        2.75, SAMPLE_RATE, 1, 2,
    )  # fmt: skip
    samples = np.array(cut.get_array_of_samples())
    assert sounds.frequency(samples[8_000:-4_000]) == pytest.approx(600, abs=1)
    assert sounds.frequency(samples[:7_000]) == pytest.approx(300, abs=3)
    assert audio.clip(audio.decode(path), 0, 1).duration_seconds == 1.5
    assert audio.segment(audio.decode(path), 50, 60).duration_seconds == 0


def test_a_clip_of_two_channels_holds_both_parties():
    staff, resident = sounds.tone(300, 1, level=0.2), sounds.tone(600, 1, level=0.2)
    silence = np.zeros(SAMPLE_RATE)
    call = of(np.concatenate([staff, silence]), np.concatenate([silence, resident]))
    samples = np.array(audio.clip(call, 0, 2).get_array_of_samples()) / 32767
    for half, hertz in ((samples[:16_000], 300), (samples[16_000:], 600)):
        assert sounds.frequency(half) == pytest.approx(hertz, abs=1)
        assert sounds.decibels(half) == pytest.approx(sounds.decibels(staff), abs=0.2)


@pytest.mark.parametrize("suffix", [".wav", ".m4a", ".mp3", ".opus", ".ogg"])
def test_clips_are_written_in_every_form(tmp_path, suffix):
    cut = audio.segment(of(sounds.tone(440, 2)), 0, 2)
    path = tmp_path / f"片段{suffix}"
    audio.encode(cut, path)
    decoded = audio.decode(path)
    assert decoded.duration == pytest.approx(2, abs=0.1)
    assert sounds.frequency(decoded.channels[0]) == pytest.approx(440, abs=1)


def test_a_clip_that_cannot_be_written_is_told(tmp_path):
    cut = audio.segment(of(sounds.tone(440, 1)), 0, 1)
    with pytest.raises(HotlineError, match=r"x\.xyz"):
        audio.encode(cut, tmp_path / "x.xyz")
    with pytest.raises(HotlineError, match=r"x\.wav"):
        audio.encode(cut, tmp_path / "nowhere" / "x.wav")


def test_quality_tells_level_noise_and_clipping():
    voice = np.concatenate([sounds.syllables(2), np.zeros(SAMPLE_RATE)])
    good = audio.quality(of(voice + sounds.noise(3, level=0.0003)))
    bad = audio.quality(of(np.clip(voice * 8, -1, 1) + sounds.noise(3, level=0.03)))
    assert good.over_noise_db > bad.over_noise_db + 10
    assert good.clipped == 0
    assert bad.clipped > 0.01
    assert audio.quality(of(np.zeros(0))).clipped == 0


def test_what_makes_a_sound_hard_to_hear_is_said():
    voice = np.concatenate([sounds.syllables(2), np.zeros(SAMPLE_RATE)])
    line = sounds.noise(3, level=0.0003)
    assert audio.complaints(of(voice + line)) == ()
    (clipped,) = audio.complaints(of(np.clip(voice * 8, -1, 1) + line))
    assert "clipped" in clipped
    (quiet,) = audio.complaints(of((voice + line) * 0.003))
    assert "very quiet" in quiet
    (noisy,) = audio.complaints(of(voice + sounds.noise(3, level=0.05)))
    assert "dB above the noise" in noisy
