"""calls.jsonl: what is read, what is guessed, and the line that is no call."""

import json
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from pipeline import calls
from pipeline.errors import HotlineError
from pipeline.types import Place
from tests.conftest import run_hotline

ZONE = ZoneInfo("Asia/Shanghai")


def write(tmp_path: Path, *rows: object) -> Path:
    file = tmp_path / "calls.jsonl"
    lines = [row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def test_a_call_with_references(tmp_path: Path) -> None:
    row = {
        "id": "a",
        "started_at": "2024-05-06T07:08:09",
        "medium": "stereo",
        "turns": [{"speaker": "resident", "text": "水管坏了", "start": 1, "end": 2.5}],
        "requests": [
            {
                "turns": [0],
                "category": "repairs",
                "kind": "help",
                "urgency": "routine",
                "place": {"building": "2", "room": "501"},
                "due_hint": "2024-05-07",
            }
        ],
        "notes": "x",
    }
    (call,) = calls.read(write(tmp_path, row), ZONE)
    assert isinstance(call, calls.TextCall)
    assert call.started_at == datetime(2024, 5, 6, 7, 8, 9, tzinfo=ZONE)
    assert call.medium == "stereo"
    assert call.requests is not None
    assert call.requests[0].place == Place(building="2", room="501")
    assert call.requests[0].due_hint == date(2024, 5, 7)
    assert call.extra == {"notes": "x"}


def test_times_that_are_missing_are_guessed_in_order(tmp_path: Path) -> None:
    turns = [{"text": "喂您好请问"}, {"speaker": "someone", "text": "在"}]
    row = {"id": 1, "started_at": "2024-05-06T07:08:09+00:00", "turns": turns}
    (call,) = calls.read(write(tmp_path, row), ZONE)
    assert isinstance(call, calls.TextCall)
    assert [t.speaker for t in call.turns] == ["unknown", "unknown"]
    assert 0 == call.turns[0].start < call.turns[0].end == call.turns[1].start < call.turns[1].end
    assert call.requests is None


@pytest.mark.parametrize(
    "bad",
    [
        "not json",
        "[1]",
        {"id": "a"},
        {"id": "a", "started_at": "soon", "turns": []},
        {"id": "a", "started_at": "2024-05-06T07:08:09", "turns": [], "medium": "quad"},
        {
            "id": "a",
            "started_at": "2024-05-06T07:08:09",
            "turns": [{"text": "x"}],
            "requests": [{"turns": [3], "category": "c", "kind": "k", "urgency": "u"}],
        },
    ],
)
def test_a_bad_line_is_named_and_stops_nothing(tmp_path: Path, bad: object) -> None:
    good = {"id": "b", "started_at": "2024-05-06T07:08:09", "turns": []}
    first, second = calls.read(write(tmp_path, bad, good), ZONE)
    assert isinstance(first, HotlineError)
    assert "line 1" in str(first)
    assert isinstance(second, calls.TextCall)


def test_of_a_file_that_holds_no_calls_ten_lines_are_told(empty: Path) -> None:
    """Thirty sentences of one and the same say no more than ten."""
    (empty / "notes.txt").write_text("买菜\n" * 30, encoding="utf-8")
    for command in ("understand", "import"):
        done = run_hotline("--home", empty, command, empty / "notes.txt")
        said = done.output.splitlines()
        assert done.exit_code == 1
        assert sum("this is no call (no JSON)" in line for line in said) == 10
        assert said[-1].strip() == "and 20 more"
