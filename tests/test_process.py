"""One recording through all stages: states, stops and repeats. Real sound; a scripted transcriber."""

from __future__ import annotations

import multiprocessing
import os
from pathlib import Path

import pytest
from scripted import Scripted, drop, make_home, states

from pipeline import process, proof, settings
from pipeline.errors import HotlineError, ModelFault, ModelMissing
from pipeline.log import Log
from pipeline.process import Step
from pipeline.settings import Home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return make_home(tmp_path / "家 home")


def test_calls_become_requests_and_a_second_run_does_nothing(home: Home) -> None:
    drop(home, ".amr", ".opus")
    engine = Scripted()
    steps: list[Step] = []
    with Log(home.log) as log:
        first = process.ingest(home, log, (), lambda: engine, steps.append)
        assert (first.seen, first.new, first.failed_now) == (2, 2, ())
        assert first.requests == log.count_requests() > 0
        assert states(log) == {"logged": 2}
        second = process.ingest(home, log, (), lambda: engine)
        assert (second.seen, second.new, second.requests) == (2, 0, 0)
        assert engine.calls == 2
        assert proof.check(home, log).problems == ()
    assert [step.state for step in steps if step.state] == ["logged", "logged"]
    assert any(step.seconds and step.done == step.seconds for step in steps)


def test_the_dropped_file_stays_as_it_is_and_its_original_is_kept(home: Home) -> None:
    (file,) = drop(home, ".amr")
    before = (file.read_bytes(), file.stat().st_mtime_ns)
    with Log(home.log) as log:
        process.ingest(home, log, (), Scripted)
        (row,) = log.recordings()
    assert (file.read_bytes(), file.stat().st_mtime_ns) == before
    assert row.original is not None
    assert (home.path / row.original).read_bytes() == before[0]
    assert row.path == f"recordings/{file.name}"


def test_one_content_under_two_names_is_one_call(home: Home) -> None:
    drop(home, ".amr")
    drop(home, ".amr", to="又一份.amr")
    with Log(home.log) as log:
        process.ingest(home, log, (), Scripted)
        assert states(log) == {"logged": 1, "duplicate": 1}
        assert len(log.calls()) == 1


def test_a_failure_keeps_its_reason_stops_nothing_and_is_tried_again(home: Home) -> None:
    drop(home, ".amr", ".opus")
    with Log(home.log) as log:
        broken = Scripted(fail=RuntimeError)
        first = process.ingest(home, log, (), lambda: broken)
        assert states(log) == {"failed": 2}
        assert broken.calls == 2
        assert len(first.failed_now) == 2
        assert all(file in reason for file, reason in
                   ((Path(path).name, reason) for path, reason in first.failed_now))  # fmt: skip
        second = process.ingest(home, log, (), Scripted)
        assert second.failed_now == ()
        assert states(log) == {"logged": 2}
        assert len(log.errors(1)) == 1


def test_ctrl_c_keeps_what_is_done_and_the_next_run_goes_on(home: Home) -> None:
    drop(home, ".amr", ".opus", ".m4a")
    engine = Scripted()

    def stop_at_second(step: Step) -> None:
        if step.index == 2 and step.seconds is not None:
            raise KeyboardInterrupt

    with Log(home.log) as log:
        with pytest.raises(KeyboardInterrupt):
            process.ingest(home, log, (), lambda: engine, stop_at_second)
        assert states(log) == {"received": 2, "logged": 1}
        process.ingest(home, log, (), lambda: engine)
        assert states(log) == {"logged": 3}
        assert engine.calls == 3
        assert proof.check(home, log).problems == ()


def test_without_weights_everything_is_received_and_said(home: Home) -> None:
    drop(home, ".amr", ".opus")

    def none() -> Scripted:
        raise ModelMissing("bring the weights")

    with Log(home.log) as log:
        done = process.ingest(home, log, (), none)
        assert done.waiting_for == "bring the weights"
        assert done.failed_now == ()
        assert states(log) == {"received": 2}


def test_a_model_that_cannot_be_loaded_costs_no_recording(home: Home) -> None:
    drop(home, ".amr")
    (home.models / "broken.pt").write_bytes(b"no weights")
    with Log(home.log) as log:
        with pytest.raises(ModelFault, match="There are: tiny"):
            process.ingest(home, log, (), lambda: process.load_transcriber(home, "smal"))
        assert states(log) == {"received": 1}
        done = process.ingest(home, log, (), lambda: process.load_transcriber(home, "broken.pt"))
        assert "broken.pt" in str(done.waiting_for)
        assert states(log) == {"received": 1}


def test_what_is_no_recording_has_a_state_and_a_sentence(home: Home) -> None:
    (home.recordings / "空.mp3").touch()
    (home.recordings / "便条.m4a").write_text("买菜", encoding="utf-8")
    (home.recordings / "a.wav.part").write_bytes(b"RIFF")
    for file in home.recordings.iterdir():
        os.utime(file, (1e9, 1e9))
    (home.recordings / "link.amr").symlink_to(home.path / "hotline.toml")
    with Log(home.log) as log:
        done = process.ingest(home, log, (), Scripted)
        assert states(log) == {"arriving": 1, "unsupported": 3}
        assert done.failed_now == ()
        for row in log.recordings("unsupported"):
            assert row.reason is not None
            assert Path(row.path).name in row.reason
        assert proof.check(home, log).problems == ()


def test_a_file_elsewhere_is_taken_by_its_path(home: Home, tmp_path: Path) -> None:
    (file,) = drop(home, ".amr")
    other = tmp_path / "别处.amr"
    file.rename(other)
    with Log(home.log) as log:
        process.ingest(home, log, [other], Scripted)
        (row,) = log.recordings()
        assert row.path == str(other)
        assert row.state == "logged"


def hold(folder: str, ready: object, done: object) -> None:
    with process.only_one(settings.find(Path(folder))):
        ready.set()  # type: ignore[attr-defined]
        done.wait(20)  # type: ignore[attr-defined]


def test_two_ingests_at_once_do_not_hear_a_call_twice(home: Home) -> None:
    context = multiprocessing.get_context("spawn")
    ready, done = context.Event(), context.Event()
    other = context.Process(target=hold, args=(str(home.path), ready, done))
    other.start()
    try:
        assert ready.wait(30)
        with Log(home.log) as log, pytest.raises(HotlineError, match="Another hotline"):
            process.ingest(home, log, (), Scripted)
    finally:
        done.set()
        other.join(30)
    assert other.exitcode == 0


@pytest.mark.parametrize("days", [(3, 4, 5), (5, 3, 4), (5, 4, 3)])
def test_the_third_call_on_a_matter_is_urgent_in_whatever_order_they_are_logged(
    home: Home, tmp_path: Path, days: tuple[int, ...]
) -> None:
    words = "我家的水管坏了，一直在滴水，请派人来修一下。"
    lines = [
        f'{{"id": "{n}", "started_at": "2025-03-0{n}T10:00:00+08:00", "turns": [{{"speaker": '
        f'"resident", "text": "我是二号楼三单元五零一的，{words}"}}]}}\n'
        for n in days
    ]
    file = tmp_path / "calls.jsonl"
    file.write_text("".join(lines), encoding="utf-8")
    with Log(home.log) as log:
        process.import_calls(home, log, file)
        rows = sorted(log.requests(), key=lambda row: row.started_at)
        first, _second, third = (row.number for row in rows)
        assert [row.repeat_of for row in rows] == [None, first, first]
        assert [row.urgency for row in rows] == ["routine", "routine", "urgent"]
        (tag,) = [t for t in log.tags(third) if t.tag == "urgency" and t.current]
        assert tag.why is not None
        assert "3" in tag.why
        assert log.check()[0] == []


def test_a_building_that_the_estate_does_not_have_is_in_doubt(home: Home, tmp_path: Path) -> None:
    file = tmp_path / "calls.jsonl"
    file.write_text(
        "".join(
            f'{{"id": "{n}", "started_at": "2025-03-03T10:00:00+08:00", "turns": [{{"speaker": '
            f'"resident", "text": "我是{n}号楼501的，我家的水管坏了，请派人来修一下。"}}]}}\n'
            for n in (2, 22)
        ),
        encoding="utf-8",
    )
    (home.path / "hotline.toml").write_text('[estate]\nbuildings = ["1", "2"]\n', encoding="utf-8")
    estate = settings.find(home.path)
    with Log(estate.log) as log:
        process.import_calls(estate, log, file)
        assert {row.place.building: row.review for row in log.requests()} == {
            "2": False,
            "22": True,
        }
