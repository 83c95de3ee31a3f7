"""What stands in a terminal: colours that also mean something without colour, NO_COLOR, pipes, widths."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline import pages
from tests.conftest import run_hotline

pty = pytest.importorskip("pty")
ROOT = Path(__file__).parents[1]
COLUMNS = 90


@pytest.fixture
def office(empty: Path) -> Path:
    (empty / "hotline.toml").write_text('language = "zh"\n', encoding="utf-8")
    for words in (
        "3号楼电梯停了，里面困着人，快来",
        "我家的[水管]漏水了，地板上全是水，楼下已经来敲过两次门，请你们今天一定要派人来看一看，不然楼下的天花板就要掉下来了",
    ):
        assert run_hotline("--home", empty, "add", words).exit_code == 0
    return empty


def terminal(home: Path, *arguments: str, **env: str) -> str:
    """What `hotline` prints in a terminal of COLUMNS columns."""
    ours, theirs = pty.openpty()
    given = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "COLUMNS": str(COLUMNS),
        "TERM": "xterm-256color",
        **env,
    }
    with subprocess.Popen(
        [sys.executable, "-m", "pipeline", "--home", str(home), *arguments],
        stdin=theirs, stdout=theirs, stderr=theirs, env=given,
    ):  # fmt: skip
        os.close(theirs)
        said = b""
        while True:
            try:
                more = os.read(ours, 65536)
            except OSError:  # the end, on Linux
                break
            if not more:
                break
            said += more
    os.close(ours)
    return said.decode("utf-8").replace("\r\n", "\n")


PLAIN = re.compile(r"\x1b\[[0-9;]*m")
COLOUR = re.compile(r"\x1b\[(?:[0-9;]*;)?(?:3[0-7]|4[0-7]|9[0-7])(?:;[0-9;]*)?m")


def test_a_level_is_seen_with_and_without_colour(office: Path) -> None:
    said = terminal(office, "open")
    assert COLOUR.search(said)
    assert "!! 特急" in PLAIN.sub("", said)
    grey = terminal(office, "open", NO_COLOR="1")
    assert not COLOUR.search(grey)
    assert "!! 特急" in PLAIN.sub("", grey)


def test_lines_fit_and_words_are_whole(office: Path) -> None:
    for command in (("open",), ("show", "2"), ("week",), ("search", "水管")):
        said = PLAIN.sub("", terminal(office, *command))
        lines = said.splitlines()
        assert max(map(pages.width, lines)) <= COLUMNS, command
        assert not any(re.match(r"\s*[，。；：？！）]", line) for line in lines), said
    assert "[水管]" in PLAIN.sub("", terminal(office, "show", "2"))


def test_a_pipe_is_plain_and_not_cut(office: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pipeline", "--home", str(office), "open"],
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8", "COLUMNS": "40"},
        capture_output=True, encoding="utf-8", check=True,
    )  # fmt: skip
    assert "\x1b" not in done.stdout
    assert "不然楼下的天花板就要掉下来了" in done.stdout.replace("\n", "").replace(" ", "")
