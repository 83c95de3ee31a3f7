"""A call that is cut short is heard to where it goes, and marked: 49 seconds of 62."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import sounds
from conftest import json_lines, run_hotline
from scripted import Scripted, make_home

from pipeline import process, proof
from pipeline.log import Log


@pytest.mark.parametrize("codec", ["wav", "opus", "m4a"])
def test_a_call_cut_at_49_seconds_of_62_is_heard_to_there_and_marked(
    tmp_path: Path, codec: str
) -> None:
    home = make_home(tmp_path / "家")
    rate = sounds.CODECS[codec][2]
    suffix = "ogg" if codec == "opus" else codec
    whole = sounds.write(tmp_path / f"whole.{suffix}", sounds.syllables(62.0, rate), codec)
    content = whole.read_bytes()
    if codec == "m4a":  # a phone that writes its index first: what a copy that broke off leaves
        content = index_first(whole, tmp_path / "first.m4a")
    cut = home.recordings / f"cut.{suffix}"
    cut.write_bytes(content[: len(content) * 49 // 62])
    os.utime(cut, (1.7e9, 1.7e9))
    with Log(home.log) as log:
        process.ingest(home, log, (), Scripted)
        (row,) = log.recordings()
        (call,) = log.calls()
        assert row.state == "logged", row.reason
        assert call.duration == pytest.approx(49.0, abs=1.0)
        assert any("missing" in said or "breaks off" in said for said in call.problems), (
            call.problems
        )
        spoken = log.query("SELECT max(end_s) AS last FROM speech")[0]["last"]
        assert max(turn.end for turn in log.turns(1)) == spoken > 47.0
        assert proof.check(home, log).problems == ()
    shown = run_hotline("--home", home.path, "show", "--call", 1)
    assert f"! {call.problems[0]}"[:30] in shown.output
    (view,) = json_lines(run_hotline("--home", home.path, "show", "--call", 1, "--json"))
    assert view["problems"] == list(call.problems)


def index_first(file: Path, to: Path) -> bytes:
    import av

    with (
        av.open(str(file)) as source,
        av.open(str(to), "w", format="ipod", options={"movflags": "+faststart"}) as target,
    ):
        stream = target.add_stream_from_template(source.streams.audio[0])
        for packet in source.demux(source.streams.audio[0]):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    return to.read_bytes()
