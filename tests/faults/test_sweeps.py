"""Samples of the sweeps; docs/faults.md says how to run all. Each prints its figures (pytest -s)."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from faults import ALL, disk

SWEEP = Path(__file__).with_name("sweep.py")
needs_shim = pytest.mark.skipif(not disk.available(), reason="needs Linux and a C compiler")
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="forks for each point")


def sweep(*arguments: str, everything: tuple[str, ...] = ()) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, str(SWEEP), *(everything if ALL else arguments)],
        capture_output=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    print(done.stdout)
    return dict(json.loads(done.stdout.splitlines()[-1]))


@needs_shim
def test_a_kill_at_any_call_loses_nothing_and_doubles_nothing() -> None:
    found = sweep("kill", "--sample", "70", everything=("kill",))
    # Ingests differ by a few writes, so that the last points may come after the end.
    assert found["killed"] > 0.9 * found["points"] > 20
    assert (found["lost"], found["doubled"], found["problems"]) == (0, 0, 0)


@needs_fork
def test_a_kill_at_any_moment_loses_nothing_and_doubles_nothing() -> None:
    found = sweep("random", "-n", "15", everything=("random", "-n", "1000"))
    assert found["kills"] >= 15
    assert (found["lost"], found["doubled"], found["problems"]) == (0, 0, 0)


@needs_shim
def test_a_disk_that_is_full_or_fails_is_told_and_the_next_run_completes() -> None:
    found = sweep("errors", "--sample", "180", everything=("errors",))
    assert found["told"] > 15
    for figure in ("lost", "doubled", "problems", "traces", "more_than_a_sentence", "silent"):
        assert found[figure] == 0


@needs_shim
def test_a_power_cut_loses_no_acknowledged_commit_and_the_control_does() -> None:
    found = sweep("power", "-n", "150", "--whole", "50", everything=("power", "-n", "2000"))
    synced, control = found["synced"], found["control"]
    assert synced["cuts"] >= 150
    for figure in ("commits_lost", "corrupt", "originals_lost", "runs_wrong"):
        assert synced[figure] == 0
    assert control["commits_lost"] > control["cuts"] // 10, "the simulation cannot fail"


@pytest.mark.skipif(not disk.available() or shutil.which("strace") is None, reason="needs strace")
def test_the_shim_sees_what_strace_sees() -> None:
    """So the points of the sweep are all that there are, in all threads and processes."""
    found = sweep("strace", everything=("strace",))
    assert found["different"] == {}
    assert found["shim"]["write"] > 500
    assert found["threads_and_processes"] >= 2


def test_two_ingests_and_a_watch_take_each_call_once() -> None:
    done = subprocess.run(
        [sys.executable, str(SWEEP.with_name("crowd.py")), "-n", "200" if ALL else "8"],
        capture_output=True,
        encoding="utf-8",
    )
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
