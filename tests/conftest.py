"""What several tests share: one run of the whole way on real audio through the real (small) model."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sample_log import Clock

from pipeline import cli, i18n
from pipeline.log import Log

Run = Callable[..., Result]


def run_hotline(*arguments: str | Path) -> Result:
    """`hotline` with these arguments in this process, as click runs it; nothing is caught away."""
    return CliRunner().invoke(cli.main, [str(a) for a in arguments], catch_exceptions=False)


def json_lines(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOTLINE_LANG", "en")
    monkeypatch.delenv("HOTLINE_HOME", raising=False)
    i18n.use(None)  # a home of an earlier test may have chosen its language for the process


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The demonstration's home after `hotline demo`, and what it printed. Read only: see `home`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOTLINE_LANG", "en")
        folder = tmp_path_factory.mktemp("demo") / "示范 home"
        done = run_hotline("demo", folder)
        assert done.exit_code == 0, done.output
        return folder, done.output


@pytest.fixture
def home(demo: tuple[Path, str], tmp_path: Path) -> Path:
    """A copy of the demonstration's home, to change."""
    return Path(shutil.copytree(demo[0], tmp_path / "home"))


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    """A home without recordings and without weights."""
    folder = tmp_path / "新 home"
    assert run_hotline("init", folder).exit_code == 0
    return folder


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    """An empty log, by a clock that goes on a second at each look."""
    with Log(tmp_path / "hotline.db", now=Clock()) as log:
        yield log
