"""What `hotline play` cuts out of the kept originals: a request, a place in a call, what waits for an ear."""

import wave
from pathlib import Path

from pipeline.log import Log
from tests.conftest import run_hotline


def seconds(file: Path) -> float:
    with wave.open(str(file)) as clip:
        return clip.getnframes() / clip.getframerate()


def test_everything_that_open_numbers_can_be_played(home: Path, tmp_path: Path) -> None:
    with Log(home / "hotline.db") as log:
        row = log.open_requests()[0]
        spans = log.needs_listening()
        silent = log.recordings("silent")[0]
    at, file = ("--home", home), tmp_path / "clip.wav"
    assert run_hotline(*at, "play", str(row.number), "--to", file).exit_code == 0
    said = max(span.end for span in row.spans) - min(span.start for span in row.spans)
    assert said <= seconds(file) <= said + 1.1
    assert run_hotline(*at, "play", f"R{silent.id}", "--to", file).exit_code == 0
    assert seconds(file) > 1
    if spans:
        assert run_hotline(*at, "play", f"l{spans[0].id}", "--to", file).exit_code == 0
        length = spans[0].end - spans[0].start
        assert length <= seconds(file) <= length + 1.1
    assert (
        run_hotline(*at, "play", "--call", str(row.call_id), "--at", "0:01", "--to", file).exit_code
        == 0
    )
    for wrong in (
        ("X9",),
        ("L9999",),
        ("R9999",),
        ("9999",),
        (),
        ("1", "--call", "1"),
        ("1", "--at", "0:01"),
    ):
        done = run_hotline(*at, "play", *wrong, "--to", file)
        assert done.exit_code == 2, wrong
        assert len(done.stderr.splitlines()) == 1


def test_a_call_that_came_as_text_has_nothing_to_play(empty: Path, tmp_path: Path) -> None:
    assert run_hotline("--home", empty, "add", "3号楼电梯停了").exit_code == 0
    done = run_hotline("--home", empty, "play", "1", "--to", tmp_path / "clip.wav")
    assert done.exit_code == 2
    assert "came as text" in done.stderr
