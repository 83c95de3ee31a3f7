"""Two voices on one channel, told apart by their sound; and named by what they say."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import numpy as np
from sounds import noise, syllables
from test_turns import transcript, words

from pipeline.turns import make_turns
from pipeline.types import SAMPLE_RATE, Segment
from pipeline.voices import Voice, tell_apart

HIGH, LOW = 210.0, 110.0


def talk(*pitches: float, seconds: float = 1.5) -> tuple[np.ndarray, list[tuple[float, float]]]:
    """Pieces said at these pitches one after another, in some noise, and their times."""
    parts = [syllables(seconds, pitch=pitch, seed=i) for i, pitch in enumerate(pitches)]
    sound = np.concatenate(parts) + noise(seconds * len(pitches), level=0.003)
    pieces = [(i * seconds, (i + 1) * seconds) for i in range(len(pitches))]
    return sound.astype(np.float32), pieces


def test_two_voices_are_told_apart_and_the_first_is_0() -> None:
    order = [LOW, HIGH, LOW, LOW, HIGH, LOW, HIGH, HIGH]
    found = tell_apart(*talk(*order))
    assert [voice.number for voice in found] == [int(pitch == HIGH) for pitch in order]
    assert all(0.5 < voice.probability <= 1 for voice in found)


def test_one_voice_is_not_made_two() -> None:
    assert tell_apart(*talk(*[LOW] * 8)) == [Voice(None)] * 8


def test_too_little_tells_nothing() -> None:
    sound, pieces = talk(LOW, HIGH)
    assert tell_apart(sound, pieces) == [Voice(None)] * 2
    assert tell_apart(sound, []) == []
    silence = np.zeros(4 * SAMPLE_RATE, np.float32)
    short = [(0.0, 0.1), (0.1, 0.2), (1.0, 1.2), (3.9, 9.0)]
    assert tell_apart(silence, short) == [Voice(None)] * 4


def test_the_same_sound_gives_the_same_voices() -> None:
    sound, pieces = talk(LOW, HIGH, HIGH, LOW, HIGH)
    assert tell_apart(sound, pieces) == tell_apart(sound, pieces)


def said(*turns: tuple[str, float]) -> Segment:
    """One segment of Whisper's with all of it, as it comes without any punctuation."""
    heard = tuple(word for text, at in turns for word in words(text, at))
    return Segment(0.0, heard[-1].end, "".join(text for text, _ in turns), heard)


def test_a_turn_ends_where_the_voice_changes_though_the_pause_is_short() -> None:
    sound, _ = talk(HIGH, LOW, HIGH, LOW)
    heard = said(
        ("您好居委会啊", 0), ("我家水管漏水", 1.5), ("您住在几号楼", 3), ("二号楼五零一", 4.5)
    )
    (plain,) = make_turns(transcript(heard), 6)
    assert plain.speaker == "unknown"
    turns = make_turns(transcript(heard), 6, [sound])
    assert [turn.text for turn in turns] == [
        "您好居委会啊", "我家水管漏水", "您住在几号楼", "二号楼五零一",
    ]  # fmt: skip
    assert [turn.speaker for turn in turns] == ["staff", "resident", "staff", "resident"]


def test_voices_that_say_nothing_telling_stay_unknown() -> None:
    sound, _ = talk(HIGH, LOW, HIGH, LOW)
    heard = said(
        ("今天天气不错", 0), ("是的是的不错", 1.5), ("下午要下大雨", 3), ("要下雨真要下", 4.5)
    )
    turns = make_turns(transcript(heard), 6, [sound])
    assert {turn.speaker for turn in turns} == {"unknown"}


def test_the_speakers_of_the_mono_demonstration_calls(demo: tuple[Path, str]) -> None:
    right = wrong = whole = 0.0
    with sqlite3.connect(demo[0] / "hotline.db") as log:
        rows = log.execute(
            "SELECT r.path, t.speaker, t.start_s, t.end_s FROM turns AS t"
            " JOIN transcripts AS x ON x.id = t.transcript_id AND x.is_current"
            " JOIN calls AS c ON c.id = x.call_id AND c.medium = 'mono'"
            " JOIN recordings AS r ON r.id = c.recording_id"
        ).fetchall()
    log.close()
    for line in (demo[0] / "calls.jsonl").read_text("utf-8").splitlines():
        call = json.loads(line)
        turns = [row for row in rows if Path(row[0]).stem == call["id"]]
        for reference in call["turns"] if turns else ():
            whole += reference["end"] - reference["start"]
            for _path, speaker, start, end in turns:
                both = min(end, reference["end"]) - max(start, reference["start"])
                right += max(0.0, both) * (speaker == reference["speaker"])
                wrong += max(0.0, both) * (speaker not in (reference["speaker"], "unknown"))
    assert whole > 400, [row[0] for row in rows[:3]]
    assert right / whole > 0.9
    assert wrong / whole < 0.05
