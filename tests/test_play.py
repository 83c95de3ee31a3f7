"""The sound is one command away: of a request, of what must be listened to, of a whole recording."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import sounds

from pipeline import audio, play
from pipeline.log import Log
from pipeline.types import Turn
from tests.conftest import run_hotline
from tests.sample_log import ask, log_call

TURNS = (
    Turn("resident", "我家水管漏水了", 1.0, 3.0),
    Turn("unknown", "", 5.0, 6.0, unheard=True),
)


@pytest.fixture
def office(empty: Path) -> Path:
    """A home with one call of 8 s: a request, and a stretch that was not understood."""
    with Log(empty / "hotline.db") as log:
        log_call(log, "a.wav", TURNS, [ask(0)], listen=[1])
        original = empty / str(log.recordings()[0].original)
    original.parent.mkdir(parents=True)
    sounds.write(original, np.concatenate([sounds.tone(300 + 100 * n, 1, 8_000) for n in range(8)]))
    return empty


@pytest.mark.parametrize(
    ("what", "seconds", "hertz"), [("1", 4.0, 450), ("L2", 3.0, 800), ("l2", 3.0, 800), ("R1", 8.0, 0)]
)  # fmt: skip
def test_what_is_named_is_what_is_played(
    office: Path, tmp_path: Path, what: str, seconds: float, hertz: float
) -> None:
    file = tmp_path / "clip.wav"
    done = run_hotline("--home", office, "play", what, "--to", file)
    assert done.exit_code == 0, done.output
    clip = audio.decode(file)
    assert clip.duration == pytest.approx(seconds, abs=0.1)
    if hertz:
        middle = clip.channels[0][len(clip.channels[0]) // 2 - 3000 :][:6000]
        assert sounds.frequency(middle) == pytest.approx(hertz, abs=60)


@pytest.mark.parametrize(("what", "why"), [("L9", "L9"), ("X1", "L17, R5"), ("99", "99")])
def test_what_is_not_there_is_said(office: Path, what: str, why: str) -> None:
    done = run_hotline("--home", office, "play", what, "--to", office / "x.wav")
    assert done.exit_code == 2
    assert why in done.output


def test_open_tells_how_to_listen(office: Path) -> None:
    told = run_hotline("--home", office, "open").output
    assert "hotline play L2" in told


def test_the_office_s_own_player_is_asked_and_the_last_clip_does_not_stay(
    office: Path, tmp_path: Path
) -> None:
    code = "import shutil, sys; shutil.copy(sys.argv[1], sys.argv[2])"
    copied = tmp_path / "played.wav"
    command = json.dumps([sys.executable, "-c", code, "{file}", str(copied)])
    (office / "hotline.toml").write_text(
        f"[play]\ncommand = {command}\nmargin_seconds = 0", encoding="utf-8"
    )
    for what, seconds in (("1", 2.0), ("L2", 1.0)):
        assert run_hotline("--home", office, "play", what).exit_code == 0
        assert audio.decode(copied).duration == pytest.approx(seconds, abs=0.05)
    assert len(list((office / ".cache").glob("play-*.wav"))) == 1


def test_a_player_that_is_not_there_is_said(office: Path) -> None:
    (office / "hotline.toml").write_text('[play]\ncommand = ["/no/player"]', encoding="utf-8")
    done = run_hotline("--home", office, "play", "1")
    assert done.exit_code == 1
    assert "/no/player" in done.output
    assert "[play]" in done.output


@pytest.mark.parametrize("folder", ["recordings", "originals"])
def test_no_clip_is_written_where_calls_are(office: Path, folder: str) -> None:
    done = run_hotline("--home", office, "play", "1", "--save", office / folder / "x.wav")
    assert done.exit_code == 2
    assert not (office / folder / "x.wav").exists()


def test_places_far_apart_are_played_without_what_is_between() -> None:
    assert play.joined([(60, 65), (1, 3), (4, 6)]) == [(1, 6), (60, 65)]
    assert play.joined([]) == []
