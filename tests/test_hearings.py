from datetime import UTC
from pathlib import Path

from sample_log import MONDAY, ask, hear, receive, sound, speak

from pipeline import hearings, understandings
from pipeline.rows import CallFacts
from pipeline.types import (
    Segment,
    Span,
    Transcript,
    Turn,
    Understanding,
    Word,
)


def test_what_was_heard_comes_back_whole(log):
    turns = (
        Turn("resident", "喂，居委会吗", 0.5, 2.0, 0, 0.9),
        Turn("staff", "您好", 2.0, 3.0, 1),
        Turn("unknown", "", 3.0, 4.0, 1, None, True),
    )
    heard = Transcript(
        "whisper",
        "small",
        "zh",
        (
            Segment(0.5, 2.0, "喂，居委会吗", (Word(0.5, 0.7, "喂", 0.5),), 0, "resident", -0.3),
            Segment(2.0, 3.0, "您好", (), 1, "staff"),
            Segment(4.0, 5.0, "请不吝点赞", (), 1, set_aside="phantom"),
        ),
        (Span(0.5, 2.0, 0), Span(2.0, 4.0, 1)),
        {"beam": 5, "path": Path("x")},
    )
    recording = receive(log, "a.wav")
    facts = CallFacts(MONDAY, "name:miui", 5.0, "stereo", 2)
    transcript = hearings.save(log, recording, facts, heard, turns)
    assert log.turns(transcript) == turns
    aside = log.query("SELECT text, set_aside FROM segments WHERE set_aside IS NOT NULL")
    assert aside == [{"text": "请不吝点赞", "set_aside": "phantom"}]
    assert log.query("SELECT count(*) AS n FROM words") == [{"n": 1}]
    assert log.recording(recording).state == "transcribed"
    sound(log)


def test_a_later_hearing_stands_beside_the_older(log):
    recording = receive(log, "a.wav")
    facts = CallFacts(MONDAY, "file", 5.0, "mono", 1)
    first = hearings.save(log, recording, facts, hear(speak("学头")), speak("学头"))
    second = hearings.save(log, recording, facts, hear(speak("血透")), speak("血透"))
    call = log.call_of(recording)
    assert log.current_transcript(call.id) == second
    assert [turn.text for turn in log.turns(first)] == ["学头"]
    assert len(log.calls()) == 1
    sound(log)


def test_bad_characters_keep_their_places(log):
    turns = speak("电\ud800梯\0坏")
    transcript = hearings.import_call(log, "c\udc80", MONDAY, "mono", turns)
    assert log.turns(transcript)[0].text == "电\ufffd梯\ufffd坏"


def test_an_import_makes_no_double(log):
    turns = speak("电梯坏了")
    transcript = hearings.import_call(log, "c1", MONDAY, "mono", turns)
    # Cut off before it was understood: the next import goes on with it.
    assert log.check()[0] != []
    assert hearings.import_call(log, "c1", MONDAY.astimezone(UTC), "mono", turns) == transcript
    understandings.save(log, transcript, Understanding((ask(0),), (), ()), [MONDAY])
    assert hearings.import_call(log, "c1", MONDAY, "mono", turns) is None
    assert hearings.import_call(log, "c2", MONDAY, "mono", turns) not in (None, transcript)
    row = log.request(1)
    assert (row.recording, row.text) == (None, "电梯坏了")
    assert log.call(row.call_id).external_id == "c1"


def test_an_import_without_words_is_whole(log):
    transcript = hearings.import_call(log, "empty", MONDAY, "mono", ())
    understandings.save(log, transcript, Understanding((), (), ()), [])
    assert hearings.import_call(log, "empty", MONDAY, "mono", ()) is None
    sound(log)
