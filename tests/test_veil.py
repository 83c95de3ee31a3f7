"""Numbers of persons in what the commands print: masked everywhere, whole when asked for, and the asking logged."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from pipeline import veil
from pipeline.log import Log
from pipeline.search import ask as find
from tests.conftest import json_lines, run_hotline
from tests.sample_log import MONDAY, ask, because, log_call, speak

MOBILE, LANDLINE, CARD = "13812345678", "021-62345678", "310101199003071234"
TURNS = speak(
    "我是二号楼的，家里漏水了，身份证" + CARD,
    "我电话幺三八",
    "嗯",
    "一二三四",
    "好的",
    "五六七八，要不就打" + LANDLINE,
)
SECRETS = (MOBILE, "1381234", CARD, "62345678", "一二三四")


@pytest.fixture
def office(empty: Path) -> Path:
    with Log(empty / "hotline.db", create=True) as log:
        first = ask(
            0, 1, 3, 5, gist="漏水，打" + MOBILE, phone=MOBILE, undertaking="明天打" + MOBILE,
            conditions=("把照片发到" + MOBILE, "关总阀"),
            evidence=(because("category", "repairs", TURNS, 0, "漏水"),),
        )  # fmt: skip
        name = f"通话录音@李阿姨({MOBILE})_20261123090000.wav"
        log_call(log, name, TURNS, [first], phone=MOBILE)
        log_call(log, "b.wav", speak("", "喂"), listen=[0], at=MONDAY + timedelta(hours=2))
    at = ("--home", empty)
    assert run_hotline(*at, "correct", "1", "--phone", "13987654321").exit_code == 0
    assert (
        run_hotline(*at, "correct", "1", "--phone", MOBILE, "--note", "打" + MOBILE).exit_code == 0
    )
    return empty


LISTS = [
    ("open",), ("open", "--json"), ("open", "--csv"),
    ("show", "1"), ("show", "1", "--json"), ("show", "--call", "1"), ("show", "--call", "1", "--json"),
    ("search", "漏水"), ("search", "漏水", "--json"), ("search", "漏水", "--csv"),
    ("search", "一二三四"), ("search", "一二三四", "--json"), ("search", MOBILE, "--json"),
    ("assign", "1", "--to", "王芳"), ("assign", "1", "--to", "李强", "--json"), ("tick", "1", "2"),
    ("done", "1"), ("undo",),
]  # fmt: skip


@pytest.mark.parametrize("command", LISTS, ids=" ".join)
def test_no_number_is_printed_whole(office: Path, command: tuple[str, ...]) -> None:
    done = run_hotline("--home", office, *command)
    assert done.exit_code == 0, done.output
    said = done.output.replace("【", "").replace("】", "")
    # What was typed comes back where nothing is found.
    asked = command[1] if command[0] == "search" else ""
    found = [secret for secret in SECRETS if secret in said and secret not in asked]
    assert found == []
    assert "13987654321" not in said


@pytest.mark.parametrize(
    "command", [("open",), ("show", "1"), ("show", "--call", "1"), ("search", "漏水")]
)
def test_the_asking_is_logged(office: Path, command: tuple[str, ...]) -> None:
    done = run_hotline("--home", office, *command, "--json", "--unmask", "--as", "王芳")
    assert done.exit_code == 0, done.output
    assert "一二三四" in done.output
    assert MOBILE in done.output
    with Log(office / "hotline.db") as log:
        (event,) = [event for event in log.events() if event.kind == "unmasked"]
    assert event.who == "王芳"
    assert event.data["what"] == command[0]


def test_a_hit_is_marked_where_it_stands_though_masked(office: Path) -> None:
    with Log(office / "hotline.db") as log:
        whole = find(log, "五六七八")
        (hit,) = veil.answer(log, whole).hits
        (passage,) = hit.hits
        assert passage.marked == "【五六七八】，要不就打021-62**【**78】"
        assert len(passage.text) == len(whole.hits[0].hits[0].text)
        (hit,) = veil.answer(log, find(log, "一二三四")).hits
        assert "【****】" in [p.marked for p in hit.hits]


def test_evidence_still_stands_at_its_place(office: Path) -> None:
    (view,) = json_lines(run_hotline("--home", office, "show", "1", "--json"))
    turns = view["of_call"]["turns"]
    for tag in view["evidence"]:
        if tag["turn"] is not None:
            assert turns[tag["turn"]]["text"][tag["start_char"] : tag["end_char"]] == tag["words"]
    assert view["phone"] == "138****5678"
    assert view["recording"].endswith("通话录音@李阿姨(138****5678)_20261123090000.wav")


def test_the_stages_by_themselves_mask_nothing(tmp_path: Path) -> None:
    """`understand` and `transcribe` are for programs, and log nothing: what was heard is whole."""
    file = tmp_path / "calls.jsonl"
    turns = [
        {
            "speaker": "resident",
            "text": f"二号楼501漏水了，我的电话{MOBILE}",
            "start": 0.0,
            "end": 5.0,
        }
    ]
    file.write_text(
        json.dumps({"id": "a", "started_at": "2026-11-23T09:00:00+08:00", "turns": turns}), "utf-8"
    )
    (found,) = json_lines(run_hotline("understand", file, "--json"))
    assert [request["phone"] for request in found["requests"]] == [MOBILE]
