"""Character errors: counted after one normalisation, for a call and for its turns alike."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import run_hotline
from hypothesis import given, settings
from hypothesis import strategies as st
from sounds import write

from pipeline import audio, demo
from pipeline.cer import Errors, by_turn, character_errors, grouped, length_group, normalised
from pipeline.types import Turn

TURNS = (
    Turn("staff", "您好，居委会。", 0.0, 1.5),
    Turn("resident", "我家水管漏水了，二号楼五零一。", 1.5, 7.5),
    Turn("staff", "好的。", 7.5, 8.0),
)


def test_script_width_punctuation_and_the_way_numbers_are_written_are_no_errors() -> None:
    assert normalised("我們２號樓，五零一！") == normalised("我们 二号楼 501")
    assert character_errors("我們２號樓，五零一！", "我们二号楼501").cer == 0


def test_each_kind_of_error_is_counted() -> None:
    found = character_errors("水管漏水了", "水馆漏了呀")
    assert (found.characters, found.substituted + found.deleted + found.inserted) == (5, 3)
    assert character_errors("", "谢谢").cer is None
    assert character_errors("", "谢谢") == Errors(inserted=2)


def test_errors_belong_to_the_turn_in_which_they_were_made() -> None:
    found = by_turn(TURNS, "您好居委会我家水官漏水了二号楼501好得")
    assert [errors.substituted for errors in found] == [0, 1, 1]
    assert found[1].characters == len(normalised(TURNS[1].text))
    groups = grouped(TURNS, "您好居委会我家水官漏水了二号楼501好得")
    assert set(groups) == {"staff", "resident", "0-2 s", "5-10 s"}
    assert groups["staff"] == groups["0-2 s"] == found[0] + found[2]


@pytest.mark.parametrize(
    "seconds, name", [(0, "0-2 s"), (2, "2-5 s"), (9.9, "5-10 s"), (60, "10- s")]
)
def test_lengths_fall_into_groups(seconds: float, name: str) -> None:
    assert length_group(seconds) == name


texts = st.text("好水漏一二楼，。", max_size=8)


@given(st.lists(texts, max_size=5), texts)
@settings(max_examples=200, deadline=None)
def test_the_errors_of_the_turns_sum_to_the_call_s(said: list[str], heard: str) -> None:
    turns = [Turn("unknown", text, i, i + 1) for i, text in enumerate(said)]
    whole = sum(by_turn(turns, heard), Errors())
    # Digits of neighbouring turns are read as one number only where the turns are joined.
    joined = "".join(normalised(text) for text in said)
    if turns and joined == normalised("".join(said)):
        assert whole == character_errors("".join(said), heard)


def test_engines_stand_beside_each_other_in_one_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = next(p for p in (demo.data() / "calls").iterdir() if p.suffix == ".amr")
    sound = audio.decode(call, max_seconds=6.0)
    write(tmp_path / "短 call.wav", list(sound.channels), "wav", rate=16_000)
    line = {
        "id": "短 call",
        "started_at": "2026-11-23T09:00:00+08:00",
        "medium": "mono",
        "turns": [{"speaker": "staff", "text": "您好，居委会。", "start": 0.0, "end": 6.0}],
        "requests": [],
    }
    (tmp_path / "calls.jsonl").write_text(json.dumps(line, ensure_ascii=False), "utf-8")
    engines = ["--engine", "whisper", "--engine", "fast"]
    monkeypatch.chdir(tmp_path)  # no home here: what is converted goes into the user's cache
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "cache"))
    done = run_hotline("evaluate", tmp_path, "--model", "demo", *engines)
    assert done.exit_code == 0, done.output
    assert "demo · whisper" in done.stdout and "demo · fast" in done.stdout
    (rate,) = (
        row
        for row in done.stdout.splitlines()
        if row.split()[:1] == ["cer"] and len(row.split()) == 3
    )
    assert rate.split()[1] == rate.split()[2]
    assert any(row.startswith(("cer  staff", " cer  staff")) for row in done.stdout.splitlines())
