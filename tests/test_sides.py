"""Who is staff and who the resident, when the guess was the wrong way round: one command, to be undone."""

from pathlib import Path

import pytest

from pipeline.log import Log
from pipeline.types import Turn
from tests.conftest import json_lines, run_hotline
from tests.sample_log import ask, log_call

TURNS = (
    Turn("resident", "你好居委会", 0.0, 2.0, speaker_probability=0.84),
    Turn("staff", "我家水管漏水了", 3.0, 5.0, speaker_probability=0.9),
    Turn("unknown", "嗯", 6.0, 6.5),
)


@pytest.fixture
def office(empty: Path) -> Path:
    with Log(empty / "hotline.db") as log:
        log_call(log, "a.wav", TURNS, [ask(1, category="repairs")])
    return empty


def speakers(home: Path) -> list[tuple[str, float | None]]:
    (call,) = json_lines(run_hotline("--home", home, "show", "--call", "1", "--json"))
    return [(turn["speaker"], turn["speaker_probability"]) for turn in call["turns"]]


def test_a_guess_is_shown_as_one_with_the_command_that_changes_it(office: Path) -> None:
    shown = run_hotline("--home", office, "show", "1").output
    assert "87 % sure" in shown
    assert "hotline flip --call 1" in shown


def test_flip_changes_the_speakers_over_and_is_known_then(office: Path) -> None:
    done = run_hotline("--home", office, "flip", "1", "--as", "王芳", "--note", "听过了")
    assert done.exit_code == 0, done.output
    assert "staff: 你好居委会" in done.output
    assert "sure" not in done.output
    assert speakers(office) == [("staff", None), ("resident", None), ("unknown", None)]
    with Log(office / "hotline.db") as log:
        event = log.events()[-1]
        assert (event.kind, event.who, event.note, event.call_id) == (
            "flipped",
            "王芳",
            "听过了",
            1,
        )
        assert log.check() == ([], 0.0)


def test_flip_can_be_undone_and_done_again(office: Path) -> None:
    before = speakers(office)
    run_hotline("--home", office, "flip", "--call", "1")
    undone = run_hotline("--home", office, "undo")
    assert "speakers changed over" in undone.output
    assert speakers(office) == before
    run_hotline("--home", office, "flip", "--call", "1")
    assert speakers(office)[0] == ("staff", None)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [((), "Say which"), (("--call", "9"), "no call 9"), (("9",), "9"), (("1", "--call", "1"), "which")],
)  # fmt: skip
def test_what_cannot_be_flipped_is_said(office: Path, arguments: tuple[str, ...], why: str) -> None:
    done = run_hotline("--home", office, "flip", *arguments)
    assert done.exit_code == 2
    assert why in done.output


def test_where_nobody_is_named_there_is_nothing_to_flip(empty: Path) -> None:
    with Log(empty / "hotline.db") as log:
        log_call(log, "a.wav", (Turn("unknown", "喂", 0.0, 1.0),), [])
    done = run_hotline("--home", empty, "flip", "--call", "1")
    assert done.exit_code == 2
    assert "not known who speaks" in done.output
