"""Bad files cost themselves: the program goes on, each has a state and a reason, good ones are logged.

A sample by default; all of them with FAULTS=all. See docs/faults.md.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from scripted import Scripted, make_home

from faults import ALL
from faults.badfiles import make
from faults.fuzz import fuzz
from pipeline import decoder, intake, process, proof
from pipeline.log import Log
from pipeline.types import Limits

LIMITS = Limits(seconds=1800.0, stall_s=30.0, wall_s=120.0)
SAMPLED = (
    "good-8",
    "good-new",
    "good-opus",
    "channels",
    "half",
    "rate",
    "nan",
    "twice-wav",
    "names",
)


def test_every_bad_file_has_a_state_and_a_reason_and_good_ones_are_logged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = make_home(tmp_path / "home")
    made = make(home.recordings)
    if not ALL:
        keep = [p for n, p in enumerate(made) if n % 8 == 0 or p.name.startswith(SAMPLED)]
        for path in made.keys() - set(keep):
            path.unlink()
        made = {path: made[path] for path in keep}
    for path in made:
        os.utime(path, (1.7e9, 1.7e9), follow_symlinks=False)
    one = decoder.Decoder(LIMITS)
    monkeypatch.setattr(decoder, "shared", lambda: one)
    peak = 0
    real = one.decode

    def watched(*arguments, **more):
        nonlocal peak
        found = real(*arguments, **more)
        peak = max(peak, found.peak_bytes)
        return found

    monkeypatch.setattr(one, "decode", watched)
    try:
        with Log(home.log) as log:
            process.ingest(home, log, (), Scripted)
            rows = {row.path: row for row in log.recordings()}
            found = proof.check(home, log)
    finally:
        one.close()
    assert len(rows) == len(made)
    bad_states = {"unsupported", "silent", "duplicate", "failed"}
    for path, good in made.items():
        row = rows[intake.path_in(home, path)]
        if good:
            assert row.state in ("logged", "duplicate"), (path.name, row.state, row.reason)
        assert row.state in bad_states | {"logged"}, (path.name, row.state)
        if row.state in bad_states:
            assert row.reason, path.name
            assert path.name in row.reason or row.state == "duplicate", (path.name, row.reason)
            for word in ("Error", "Traceback", "errno", "AVERROR", "None", "Invalid data"):
                assert word not in row.reason, row.reason
    assert found.problems == ()
    assert sum(found.states.values()) == len(made)
    print({state: n for state, n in found.states.items() if n}, f"peak {peak / 1e6:.0f} MB")
    assert peak < 200e6 + LIMITS.memory


def test_recordings_spoilt_at_random_neither_crash_the_decoder_nor_hang_it(tmp_path: Path) -> None:
    found = fuzz(3000 if ALL else 60, 2, tmp_path)
    print(found)
    assert "failed" not in found
    assert found["heard"] + found["heard, and said what is wrong"] > found["files"] / 4
    assert found["slowest_s"] < LIMITS.stall_s
