"""Every file that was ever in the folder is in one state, whatever becomes of it there."""

from __future__ import annotations

import os
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
import sounds
from sample_log import Clock
from scripted import Scripted, make_home, states

from pipeline import intake, process, proof, recordings, settings
from pipeline.errors import ModelMissing
from pipeline.log import Log
from pipeline.settings import Home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return make_home(tmp_path / "家")


def drop(home: Home, name: str, seed: int = 0, seconds: float = 1.0) -> Path:
    path = home.recordings / name
    path.parent.mkdir(parents=True, exist_ok=True)
    sounds.write(path, sounds.syllables(seconds, 8_000, seed=seed))
    os.utime(path, (1.7e9, 1.7e9))
    return path


def ingest(home: Home, log: Log, *paths: Path, engine: Scripted | None = None) -> process.Ingested:
    engine = engine or Scripted()
    return process.ingest(home, log, paths, lambda: engine)


def sound(home: Home, log: Log) -> None:
    """It adds up."""
    found = proof.check(home, log)
    assert found.problems == ()
    assert sum(found.states.values()) == found.seen


def test_a_home_copied_without_its_times_logs_nothing_again(home: Home, tmp_path: Path) -> None:
    drop(home, "a.wav")
    drop(home, "b/c.wav", seed=1)
    with Log(home.log) as log:
        ingest(home, log)
    other = Path(shutil.copytree(home.path, tmp_path / "copy", copy_function=shutil.copy))
    with Log(other / "hotline.db") as log:
        moved = settings.find(other)
        done = ingest(moved, log)
        assert (done.new, states(log)) == (0, {"logged": 2})
        assert [event.kind for event in log.events(recording=1)][-1] == "touched"
        sound(moved, log)
        ingest(moved, log)
        assert len([e for e in log.events(recording=1) if e.kind == "touched"]) == 1


def test_one_name_with_new_content_is_a_new_recording(home: Home) -> None:
    path = drop(home, "a.wav")
    with Log(home.log) as log:
        ingest(home, log)
        drop(home, "a.wav", seed=5)
        os.utime(path, (1.7e9 + 5, 1.7e9 + 5))
        assert ingest(home, log).new == 1
        assert states(log) == {"logged": 2}
        sound(home, log)


def test_renamed_and_moved_files_say_what_they_were(home: Home) -> None:
    path = drop(home, "a.wav")
    with Log(home.log) as log:
        ingest(home, log)
        (home.recordings / "old").mkdir()
        path.rename(home.recordings / "old" / "b.wav")
        ingest(home, log)
        assert states(log) == {"logged": 1, "duplicate": 1}
        (row,) = log.recordings("duplicate")
        assert "It was recordings/a.wav before" in (row.reason or "")
        sound(home, log)


def test_deleted_later_its_call_stays(home: Home) -> None:
    drop(home, "a.wav")
    with Log(home.log) as log:
        ingest(home, log)
        (home.recordings / "a.wav").unlink()
        done = ingest(home, log)
        assert (done.failed_now, states(log)) == ((), {"logged": 1})
        sound(home, log)


def test_renamed_while_it_arrived_is_one_recording(home: Home) -> None:
    """A program that writes under another name: a browser, rsync, and one with names of its own."""
    with Log(home.log) as log:
        pieces = [
            drop(home, name, seed=n)
            for n, name in enumerate(("a.wav.crdownload", ".b.wav.Xa81bQ", "c.wav.part"))
        ]
        pieces[2].write_bytes(pieces[2].read_bytes()[:999])
        ingest(home, log)
        assert states(log) == {"arriving": 3}
        for n, (piece, name) in enumerate(zip(pieces, ("a.wav", "b.wav", "c.wav"), strict=True)):
            piece.unlink()
            drop(home, name, seed=n)
        done = ingest(home, log)
        assert done.failed_now == ()
        assert states(log) == {"logged": 3, "duplicate": 3}
        assert all(
            "renamed while it arrived" in (r.reason or "") for r in log.recordings("duplicate")
        )
        sound(home, log)


def test_taken_away_before_it_had_arrived_is_said_once(home: Home) -> None:
    with Log(home.log) as log:
        path = drop(home, "a.wav")
        recordings.seen(log, intake.path_in(home, path), 10, log.now())  # seen while it grew
        path.unlink()
        recordings.seen(log, "recordings/b.tmp", 10, log.now())
        done = ingest(home, log)
        assert len(done.failed_now) == 1
        assert "taken away" in done.failed_now[0][1]
        assert states(log) == {"failed": 1, "unsupported": 1}
        assert ingest(home, log).failed_now == ()
        sound(home, log)
        drop(home, "a.wav")
        ingest(home, log)
        assert states(log) == {"logged": 1, "unsupported": 1}


def test_a_file_that_cannot_be_read_is_taken_when_it_can(home: Home, monkeypatch) -> None:
    path = drop(home, "a.wav")
    real = os.open

    def refuse(name, flags, mode=0o777, **more):
        if str(name) == str(path):
            raise PermissionError(13, "Permission denied", name)
        return real(name, flags, mode, **more)

    with Log(home.log) as log:
        monkeypatch.setattr(os, "open", refuse)
        for _again in range(3):
            done = ingest(home, log)
            assert "a.wav cannot be read" in done.failed_now[0][1]
            assert len(log.errors(1)) == 1  # the same again is no news, and no row
        monkeypatch.setattr(os, "open", real)
        ingest(home, log)
        assert states(log) == {"logged": 1}


def test_what_was_kept_when_a_run_was_killed_is_taken_in(home: Home) -> None:
    """Killed between the copy and its row, and then somebody tidied the folder."""
    from pipeline import inbox, originals

    path = drop(home, "通话_20240101120000.wav")
    with Log(home.log) as log:
        info = path.stat()
        row = recordings.seen(log, intake.path_in(home, path), info.st_size, inbox.modified(info))
        originals.keep(path, home.originals)
        path.unlink()
        assert any("no recording in the log" in p for p in proof.check(home, log).problems)
        ingest(home, log)
        assert log.recording(row.id).state == "logged"
        assert log.recording(row.id).facts.started_at is not None
        sound(home, log)


def test_an_older_log_put_back_gets_its_recordings_back(home: Home) -> None:
    drop(home, "a.wav")
    with Log(home.log) as log:
        log.back_up(home.path / "old.db")
        ingest(home, log)
    shutil.copy(home.path / "old.db", home.log)
    for file in home.path.glob("hotline.db-*"):
        file.unlink()
    (home.recordings / "a.wav").unlink()
    with Log(home.log) as log:
        ingest(home, log)
        assert states(log) == {"logged": 1}
        sound(home, log)


def test_an_original_that_has_gone_is_copied_anew(home: Home) -> None:
    drop(home, "a.wav")
    with Log(home.log) as log:
        ingest(home, log)
        (row,) = log.recordings()
        (home.path / (row.original or "")).unlink()
        (problem,) = proof.check(home, log).problems
        assert "hotline ingest copies it anew" in problem
        ingest(home, log)
        sound(home, log)


def test_what_fails_waits_longer_each_time(home: Home) -> None:
    drop(home, "a.wav")
    clock = Clock()
    broken = Scripted(fail=RuntimeError)
    with Log(home.log, now=clock) as log:
        for wait in (0, 0, 1, 10, 60, 360, 1440, 1440):
            clock.at += timedelta(minutes=wait)
            assert len(ingest(home, log, engine=broken).failed_now) == 1
            if wait:
                assert ingest(home, log, engine=broken).failed_now == ()
        assert len(log.errors(1)) == 8
        # A clock that is put back, or the file named: at once.
        clock.at -= timedelta(days=400)
        assert len(ingest(home, log, engine=broken).failed_now) == 1
        ingest(home, log, home.recordings / "a.wav")
        assert states(log) == {"logged": 1}
        sound(home, log)


def test_any_error_costs_its_recording_only(home: Home) -> None:
    for n, name in enumerate("abc"):
        drop(home, f"{name}.wav", seed=n)
    good = Scripted()

    class Odd(Scripted):
        def transcribe(self, *arguments):
            self.calls += 1
            if self.calls == 2:
                raise KeyError("what no one foresaw")
            return good.transcribe(*arguments)

    with Log(home.log) as log:
        done = ingest(home, log, engine=Odd())
        assert len(done.failed_now) == 1
        assert states(log) == {"logged": 2, "failed": 1}


def test_what_was_heard_is_not_heard_again_when_only_understanding_failed(
    home: Home, monkeypatch
) -> None:
    from pipeline import understand

    drop(home, "a.wav")
    real = understand.understand

    def broken(*arguments, **more):
        raise RuntimeError("odd words")

    engine = Scripted()
    with Log(home.log) as log:
        monkeypatch.setattr(understand, "understand", broken)
        assert len(ingest(home, log, engine=engine).failed_now) == 1
        monkeypatch.setattr(understand, "understand", real)
        ingest(home, log, engine=engine)
        assert (states(log), engine.calls) == ({"logged": 1}, 1)


def test_without_a_model_what_was_heard_is_still_understood(home: Home) -> None:
    drop(home, "a.wav")
    drop(home, "b.wav", seed=1)

    def none() -> Scripted:
        raise ModelMissing("bring the weights")

    with Log(home.log) as log:
        assert process.ingest(home, log, (), none).waiting_for == "bring the weights"
        row = log.recordings("received")[1]
        process.hear(home, log, row, Scripted(), process.Step("", 1, 1), lambda step: None)
        done = process.ingest(home, log, (), none)
        assert done.waiting_for == "bring the weights"
        assert states(log) == {"received": 1, "logged": 1}


def test_a_long_call_goes_on_where_it_was_stopped(home: Home) -> None:
    path = home.recordings / "long.wav"
    gap = sounds.np.zeros(8_000 * 2)
    voice = [sounds.syllables(2, 8_000, seed=n) for n in range(6)]
    sounds.write(path, sounds.np.concatenate([part for v in voice for part in (v, gap)]))
    os.utime(path, (1.7e9, 1.7e9))
    with Log(home.log) as log:
        first = Scripted(stop_after=3)
        with pytest.raises(KeyboardInterrupt):
            ingest(home, log, engine=first)
        assert log.query("SELECT count(*) AS n FROM heard_windows") == [{"n": 3}]
    with Log(home.log) as log:
        second = Scripted()
        ingest(home, log, engine=second)
        (speech,) = log.query("SELECT count(*) AS n FROM speech")
        assert second.windows == speech["n"] - 3
        assert log.query("SELECT count(*) AS n FROM heard_windows") == [{"n": 0}]
        assert states(log) == {"logged": 1}
        sound(home, log)


def test_names_that_no_one_would_choose(home: Home) -> None:
    names = [
        "-a.wav",
        "{0}{file}%s.wav",
        "'\"; DROP TABLE recordings;.wav",
        "空 格\u3000.wav",
        ".h.wav",
    ]
    if os.name == "posix":
        names += ["new\nline.wav", "back\\slash.wav", os.fsdecode("电梯.wav".encode("gb18030"))]
    for n, name in enumerate(names):
        drop(home, name, seed=n)
    with Log(home.log) as log:
        ingest(home, log)
        assert states(log) == {"logged": len(names)}
        sound(home, log)


def test_what_comes_while_it_works_is_taken_too(home: Home) -> None:
    drop(home, "a.wav")

    class Busy(Scripted):
        def transcribe(self, *arguments):
            if self.calls == 0:
                drop(home, "b.wav", seed=1)
            return super().transcribe(*arguments)

    engine = Busy()
    with Log(home.log) as log:
        done = ingest(home, log, engine=engine)
        assert (done.seen, done.new, states(log)) == (2, 2, {"logged": 2})
        assert engine.calls == 2
