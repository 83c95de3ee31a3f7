"""The demonstration calls: references well formed, files as the references say. No model is needed."""

import functools
import itertools
import json
import re
import tomllib
from datetime import date, datetime, timedelta
from pathlib import Path

import av
import numpy as np
import pytest

import pipeline
from pipeline.types import CATEGORIES, KINDS, URGENCIES

ROOT = Path(__file__).resolve().parent.parent
DEMO = Path(pipeline.__file__).resolve().parent / "demo"
CALLS = [json.loads(line) for line in (DEMO / "calls.jsonl").read_text("utf-8").splitlines()]
LOGGED = [call for call in CALLS if call["expect"] == "logged"]
REQUESTS = [(call, request) for call in CALLS for request in call["requests"]]

each_call = pytest.mark.parametrize("call", CALLS, ids=lambda call: call["id"])
each_spoken = pytest.mark.parametrize("call", LOGGED, ids=lambda call: call["id"])
each_request = pytest.mark.parametrize(
    ("call", "request_"), REQUESTS, ids=[f"{c['id']}-{r['category']}" for c, r in REQUESTS]
)

DECODED = {  # encoding: codec, rate (Hz), channels
    "amr": ("amrnb", 8_000, 1),
    "m4a": ("aac", 16_000, 1),
    "mp3": ("mp3float", 16_000, 1),
    "mp3-stereo": ("mp3float", 16_000, 2),
    "opus": ("opus", 48_000, 1),
    "alaw": ("pcm_alaw", 8_000, 1),
    "alaw-stereo": ("pcm_alaw", 8_000, 2),
    "wav": ("pcm_s16le", 8_000, 1),
}


@functools.cache
def decode(name: str) -> tuple[str, int, np.ndarray]:
    """Codec, rate (Hz) and float samples in [-1, 1] of shape (channels, samples) of one file."""
    with av.open(str(DEMO / "calls" / name)) as source:
        stream = source.streams.audio[0]
        resampler = av.AudioResampler("fltp", stream.layout, stream.rate)
        frames = [f for frame in source.decode(stream) for f in resampler.resample(frame)]
        frames += resampler.resample(None)
        samples = np.concatenate([frame.to_ndarray() for frame in frames], axis=1)
        return stream.codec_context.name, stream.rate, samples


def dbfs(samples: np.ndarray) -> float:
    return float(10 * np.log10(np.mean(samples**2) + 1e-12))


def digits(spoken: str) -> str:
    """The digits of a telephone number as it is said (幺三八…), all else left out."""
    values = {character: str(i) for i, character in enumerate("零一二三四五六七八九")} | {"幺": "1"}
    return "".join(values.get(character, "") for character in spoken)


# references


@each_call
def test_call_has_the_form_of_the_contract(call):
    started_at = datetime.fromisoformat(call["started_at"])
    assert started_at.utcoffset() == timedelta(hours=8)
    assert call["id"] == Path(call["file"]).stem
    assert call["medium"] == ("stereo" if call["encoding"].endswith("-stereo") else "mono")
    assert call["expect"] in {"logged", "silent", "unsupported"}
    assert bool(call["turns"]) == (call["expect"] == "logged")
    for turn in call["turns"]:
        assert set(turn) == {"speaker", "text", "start", "end"}
        assert turn["speaker"] in {"resident", "staff"}
        assert re.fullmatch(r"[\u4e00-\u9fff，。、？！]+", turn["text"])


@each_call
def test_name_and_start_agree(call):
    written = "".join(re.findall(r"\d", call["file"]))
    assert f"{datetime.fromisoformat(call['started_at']):%y%m%d%H%M%S}" in written


@each_request
def test_request_has_the_codes_of_the_taxonomy(call, request_):
    assert request_["category"] in CATEGORIES
    assert request_["kind"] in KINDS
    assert request_["urgency"] in URGENCIES
    assert 5 <= len(request_["gist"]) <= 40
    assert set(request_["place"]) == {"lane", "building", "unit", "room"}
    assert all(value is None or value.isdecimal() for value in request_["place"].values())
    if request_["due_hint"]:
        started_on = datetime.fromisoformat(call["started_at"]).date()
        assert started_on <= date.fromisoformat(request_["due_hint"]) < started_on + timedelta(14)


@each_request
def test_turns_of_a_request_exist(call, request_):
    turns = request_["turns"]
    assert turns == sorted(set(turns))
    assert set(turns) <= set(range(len(call["turns"])))
    assert call["turns"][turns[0]]["speaker"] == "resident"


@each_request
def test_phone_and_place_are_said(call, request_):
    said = "".join(turn["text"] for turn in call["turns"])
    assert (request_["phone"] is not None) == ("我的电话是" in said)
    if request_["phone"]:
        assert re.fullmatch(r"1\d{10}", request_["phone"])
        assert request_["phone"] in digits(said.split("我的电话是")[1])
        assert request_["phone"] in "".join(re.findall(r"\d", call["file"]))
    if request_["place"]["room"]:
        assert request_["place"]["room"] in digits(said)


def test_the_calls_show_what_they_should():
    assert 12 <= len(CALLS) <= 16
    assert len({call["id"] for call in CALLS}) == len(CALLS)
    assert [call["expect"] for call in CALLS if call not in LOGGED] == ["silent", "unsupported"]
    assert {len(call["requests"]) for call in LOGGED} == {0, 1, 2, 3}
    assert sum(request["urgency"] == "critical" for _, request in REQUESTS) >= 3
    categories = {request["category"] for _, request in REQUESTS}
    assert categories == set(CATEGORIES) - {"other", "unclear"}
    assert {call["encoding"] for call in LOGGED} == set(DECODED)


def test_no_day_is_said_by_its_date():
    """`hotline demo` moves the calls by whole weeks; a day of the month would no longer be true."""
    said = "".join(turn["text"] for call in CALLS for turn in call["turns"])
    assert not re.search(r"[一二三四五六七八九十](号(?!楼)|日)|月[一二三四五六七八九十]", said)


def test_the_third_call_on_the_rubbish_is_urgent():
    repeats = [(c["started_at"], r) for c, r in REQUESTS if r["category"] == "sanitation"]
    assert repeats == sorted(repeats, key=lambda repeat: repeat[0])
    assert [request["urgency"] for _, request in repeats] == ["routine", "routine", "urgent"]
    assert len({json.dumps(request["place"]) for _, request in repeats}) == 1


def test_calls_are_those_of_the_script():
    script = ROOT / "models" / "demo" / "calls.toml"
    written = tomllib.loads(script.read_text("utf-8"))["call"]
    spoken = {"r": "resident", "s": "staff"}
    assert [(call["file"], call["started_at"]) for call in written] == [
        (call["file"], call["started_at"]) for call in CALLS
    ]
    for source, call in zip(written, CALLS, strict=True):
        turns = [{"speaker": spoken[who], "text": text} for who, text in source.get("turns", [])]
        assert turns == [{k: turn[k] for k in ("speaker", "text")} for turn in call["turns"]]
        for request, reference in zip(source.get("request", []), call["requests"], strict=True):
            for key, value in request.items():
                if key == "place":
                    assert value == {k: v for k, v in reference[key].items() if v is not None}
                else:
                    assert value == reference[key]


# files


def test_folder_holds_the_calls_and_stays_small():
    files = sorted((DEMO / "calls").iterdir())
    assert {path.name for path in files} == {call["file"] for call in CALLS}
    assert sum(path.stat().st_size for path in files) < 3_200_000


@pytest.mark.parametrize(
    "call", [call for call in CALLS if call["expect"] != "unsupported"], ids=lambda call: call["id"]
)
def test_file_decodes_to_the_stated_length(call):
    codec, rate, samples = decode(call["file"])
    assert (codec, rate, len(samples)) == DECODED[call["encoding"]]
    assert samples.shape[1] / rate == pytest.approx(call["duration"], abs=0.1)
    if call["expect"] == "logged":
        assert 20 <= call["duration"] <= 90


@each_spoken
def test_turns_stand_where_they_are_said(call):
    _, rate, samples = decode(call["file"])
    turns = call["turns"]
    assert turns[0]["start"] > 0 and turns[-1]["end"] < call["duration"]
    for before, after in itertools.pairwise(turns):
        assert before["end"] + 0.25 <= after["start"] <= before["end"] + 1.25
        pause = samples[:, round((before["end"] + 0.05) * rate) : round(after["start"] * rate)]
        for turn in (before, after):
            said = samples[:, round(turn["start"] * rate) : round(turn["end"] * rate)]
            assert max(map(dbfs, said)) > max(map(dbfs, pause)) + 12


@pytest.mark.parametrize(
    "call", [c for c in LOGGED if c["medium"] == "stereo"], ids=lambda c: c["id"]
)
def test_stereo_holds_one_party_a_channel(call):
    _, rate, samples = decode(call["file"])
    for turn in call["turns"]:
        staff, resident = samples[:, round(turn["start"] * rate) : round(turn["end"] * rate)]
        difference = dbfs(staff) - dbfs(resident)
        assert difference > 15 if turn["speaker"] == "staff" else difference < -15


def test_silent_call_is_silent():
    (call,) = [call for call in CALLS if call["expect"] == "silent"]
    _, _, samples = decode(call["file"])
    assert dbfs(samples) < -50
    assert np.any(samples), "a line has noise; digital silence would be a different case"


def test_broken_call_holds_no_sound():
    (call,) = [call for call in CALLS if call["expect"] == "unsupported"]
    assert (DEMO / "calls" / call["file"]).stat().st_size < 20_000
    with pytest.raises((IndexError, av.FFmpegError)):
        decode(call["file"])
