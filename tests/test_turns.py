"""Turns from words: nothing said is lost, nothing unheard is hidden, speakers only where it is sure."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.spans import SHORTEST_S, TOLERANCE_S, merge, sounding, subtract, uncovered
from pipeline.turns import guess_speaker, make_turns
from pipeline.types import Segment, Span, Transcript, Turn, Word


def words(text: str, start: float, step: float = 0.2, probability: float = 0.9) -> tuple[Word, ...]:
    """`text` a character at a time, punctuation with the character before it, as Whisper gives it."""
    made: list[Word] = []
    for character in text:
        if made and not character.isalnum():
            last = made[-1]
            made[-1] = Word(last.start, last.end, last.text + character, probability)
        else:
            at = made[-1].end if made else start
            made.append(Word(at, at + step, character, probability))
    return tuple(made)


def segment(text: str, start: float, channel: int = 0, **more: object) -> Segment:
    said = words(text, start)
    return Segment(start, said[-1].end, text, said, channel, **more)  # type: ignore[arg-type]


def transcript(*segments: Segment, speech: tuple[Span, ...] | None = None) -> Transcript:
    if speech is None:
        speech = tuple(Span(s.start, s.end, s.channel) for s in segments)
    return Transcript("whisper", "test", "zh", segments, speech)


def texts(turns: tuple[Turn, ...]) -> list[str]:
    return [turn.text for turn in turns]


def test_a_pause_ends_a_turn_and_a_short_one_does_not() -> None:
    turns = make_turns(transcript(segment("垃圾没有收，", 0), segment("味道很大。", 1.5)), 10)
    assert texts(turns) == ["垃圾没有收，味道很大。"]
    turns = make_turns(transcript(segment("垃圾没有收，", 0), segment("味道很大。", 1.9)), 10)
    assert texts(turns) == ["垃圾没有收，", "味道很大。"]


def test_one_segment_with_both_speakers_is_cut_at_the_question_and_the_answer_is_named() -> None:
    turns = make_turns(transcript(segment("您住几号楼？我是六号楼三零一的。", 0)), 10)
    assert [(t.speaker, t.text) for t in turns] == [
        ("staff", "您住几号楼？"),
        ("resident", "我是六号楼三零一的。"),
    ]


def test_sentences_of_one_speaker_without_a_pause_stay_one_turn() -> None:
    turns = make_turns(transcript(segment("垃圾没有收。味道很大。请来看看。", 0)), 10)
    assert texts(turns) == ["垃圾没有收。味道很大。请来看看。"]


def test_sentences_without_a_pause_are_cut_where_the_words_name_two_speakers() -> None:
    turns = make_turns(transcript(segment("我们楼下漏水了。我给您登记一下。", 0)), 10)
    assert [t.speaker for t in turns] == ["resident", "staff"]


@pytest.mark.parametrize(
    ("text", "speaker"),
    [
        ("您好，居委会。", "staff"),
        ("你好，这里是梅园居委会，请讲。", "staff"),
        ("请问您贵姓？", "staff"),
        ("我给您登记一下，下午派人去。", "staff"),
        ("喂，居委会吗？", "resident"),
        ("您好，是居委会吧，我是二号楼五零一的。", "resident"),
        ("我妈的胰岛素只够两天了。", "resident"),
        ("好的，谢谢。", "unknown"),
        ("今天做核酸吗？", "unknown"),
        ("", "unknown"),
        ("您好，居委会。我家漏水了。", "unknown"),
    ],
)
def test_a_speaker_is_guessed_from_strong_words_only(text: str, speaker: str) -> None:
    assert guess_speaker(text) == speaker


def test_without_punctuation_a_short_pause_ends_a_turn_and_a_long_one_has_no_speaker() -> None:
    first = segment("您好居委会", 0)
    turns = make_turns(transcript(first, segment("我要配药", first.end + 0.5)), 10)
    assert texts(turns) == ["您好居委会", "我要配药"]
    both = "您好居委会你好我是六号楼三零一的我们楼下的垃圾已经两天没有收了味道很大"
    (turn,) = make_turns(transcript(segment(both, 0)), 10)
    assert turn.speaker == "unknown"


def test_a_word_that_lasts_through_a_pause_ends_the_turn() -> None:
    said = (*words("好的", 0), Word(0.4, 2.4, "吧", 0.9), *words("我记下来了", 2.4))
    turns = make_turns(transcript(Segment(0, 3.4, "好的吧我记下来了", said)), 10)
    assert texts(turns) == ["好的吧", "我记下来了"]


def test_stereo_turns_interleave_and_keep_the_speakers_of_their_channels() -> None:
    turns = make_turns(
        transcript(
            segment("您好居委会", 0.0, 0, speaker="staff"),
            segment("喂我要配药", 1.2, 1, speaker="resident"),
            segment("好的", 2.4, 0, speaker="staff"),
        ),
        10,
    )
    assert [(t.speaker, t.channel) for t in turns] == [("staff", 0), ("resident", 1), ("staff", 0)]


def test_in_stereo_the_words_of_both_channels_name_the_staff() -> None:
    turns = make_turns(
        transcript(
            segment("喂", 0.0, 0),
            segment("您好，居委会。", 1.0, 1),
            segment("我家漏水了", 3.0, 0),
            segment("好的", 5.0, 1),
        ),
        10,
    )
    assert [t.speaker for t in turns] == ["resident", "staff", "resident", "staff"]


def test_speech_without_any_words_is_unheard() -> None:
    turns = make_turns(transcript(speech=(Span(1.0, 4.0),)), 10)
    assert turns == (Turn("unknown", "", 1.0, 4.0, 0, None, unheard=True),)


def test_speech_that_whisper_skipped_is_unheard_though_the_word_before_seems_to_last() -> None:
    said = (*words("垃圾没有收", 0.5), Word(1.5, 12.0, "了", 0.9))
    turns = make_turns(
        transcript(Segment(0.5, 12.0, "垃圾没有收了", said), speech=(Span(0.2, 12.0),)), 12
    )
    assert [t.unheard for t in turns] == [False, True]
    # The word may sound until 2.5; what is within the tolerance is shared between the two.
    assert turns[1].start == pytest.approx(2.5 + TOLERANCE_S / 2)
    assert turns[1].end == 12.0


def test_a_segment_set_aside_is_unheard_and_its_words_are_in_no_turn() -> None:
    aside = segment("请不吝点赞订阅转发", 20.0, set_aside="phantom")
    turns = make_turns(transcript(segment("漏水了", 0), aside, speech=(Span(0, 0.6),)), 30)
    assert [(t.text, t.unheard) for t in turns] == [("漏水了", False), ("", True)]
    assert (turns[1].start, turns[1].end) == (aside.start, aside.end)


def test_confidence_is_the_mean_word_probability() -> None:
    said = words("漏水", 0, probability=0.5) + words("了", 0.4, probability=0.8)
    (turn,) = make_turns(transcript(Segment(0, 1, "漏水了", said)), 10)
    assert turn.confidence == pytest.approx(0.6)


def test_a_segment_without_words_is_spread_over_its_time() -> None:
    (turn,) = make_turns(transcript(Segment(2.0, 4.0, "电梯坏了", avg_logprob=-0.5)), 10)
    assert (turn.text, turn.start, turn.end) == ("电梯坏了", 2.0, 4.0)
    assert turn.confidence == pytest.approx(0.61, abs=0.01)


def test_words_without_length_still_cover_their_speech() -> None:
    said = tuple(Word(2.0, 2.0, character, 0.5) for character in "救命")
    turns = make_turns(transcript(Segment(2, 2, "救命", said), speech=(Span(1.7, 2.3),)), 10)
    assert [(t.text, t.start, t.end) for t in turns] == [("救命", 1.7, 2.3)]


# -- properties --------------------------------------------------------------------------------

seconds = st.floats(0, 60).map(lambda x: round(x, 2))
stretches = st.tuples(seconds, st.floats(0.01, 15).map(lambda x: round(x, 2)))


@st.composite
def transcripts(draw: st.DrawFn) -> Transcript:
    """Anything that an engine might give: overlapping, out of order, without words, odd words."""
    segments = []
    for start, length in draw(st.lists(stretches, max_size=6)):
        text = draw(st.text("我家漏水了。？！， 好ab", min_size=1, max_size=12))
        cuts = sorted(
            draw(st.lists(st.floats(0, 1), min_size=len(text) + 1, max_size=len(text) + 1))
        )
        times = [round(start + cut * length, 2) for cut in cuts]
        said = tuple(Word(a, b, c, 0.5) for (a, b), c in zip(pairwise(times), text, strict=True))
        segments.append(
            Segment(
                start, start + length, text,
                draw(st.sampled_from([said, (), said[1:]])),
                draw(st.integers(0, 1)),
                draw(st.sampled_from(["unknown", "staff", "resident"])),
                set_aside=draw(st.sampled_from([None, None, None, "phantom"])),
            )
        )  # fmt: skip
    speech = tuple(
        Span(start, start + length, draw(st.integers(0, 1)))
        for start, length in draw(st.lists(stretches, max_size=6))
    )
    return Transcript("whisper", "test", "zh", tuple(segments), speech)


@given(transcripts())
@settings(max_examples=300, deadline=None)
def test_turns_cover_all_speech_and_all_that_was_set_aside(heard: Transcript) -> None:
    turns = make_turns(heard, 80)
    for channel in (0, 1):
        must = [(s.start, s.end) for s in heard.speech if s.channel == channel]
        must += [(s.start, s.end) for s in heard.segments if s.channel == channel and s.set_aside]
        assert subtract(must, [(t.start, t.end) for t in turns if t.channel == channel]) == []


@given(transcripts())
@settings(max_examples=300, deadline=None)
def test_no_word_is_lost_and_none_is_made(heard: Transcript) -> None:
    turns = make_turns(heard, 80)
    for channel in (0, 1):
        kept = [s for s in heard.segments if s.channel == channel and s.set_aside is None]
        kept.sort(key=lambda s: s.start)
        said = "".join("".join(s.text for s in kept).split())
        got = sorted(
            (t for t in turns if t.channel == channel and not t.unheard), key=lambda t: t.start
        )
        assert sorted("".join("".join(t.text for t in got).split())) == sorted(said)
        if all(a.end <= b.start for a, b in pairwise(kept)):
            assert "".join("".join(t.text for t in got).split()) == said


@given(transcripts())
@settings(max_examples=200, deadline=None)
def test_turns_are_sorted_and_inside_the_call_and_only_unheard_ones_are_empty(
    heard: Transcript,
) -> None:
    turns = make_turns(heard, 40)
    assert list(turns) == sorted(turns, key=lambda t: (t.start, t.end, t.channel))
    for turn in turns:
        assert 0 <= turn.start <= turn.end <= 40
        assert not (turn.unheard and turn.text)
        assert turn.confidence is None or 0 <= turn.confidence <= 1


intervals = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=6)


@given(intervals, intervals)
def test_subtract_is_what_it_says_at_every_moment(
    some: list[tuple[int, int]], covers: list[tuple[int, int]]
) -> None:
    rest = subtract(some, covers)
    assert rest == merge(rest)
    for moment in range(30):
        middle = moment + 0.5

        def inside(of: list[tuple[float, float]], at: float = middle) -> bool:
            return any(a < at < b for a, b in of)

        assert inside(rest) == (inside(list(some)) and not inside(list(covers)))


def test_uncovered_gives_whole_spans_back_and_forgives_edges() -> None:
    assert uncovered([(0, 0.2)], []) == [(0, 0.2)]
    assert uncovered([(0, 3)], [(0.4, 2.6)]) == []
    just = TOLERANCE_S + SHORTEST_S
    assert uncovered([(0, 3)], [(just + 0.01, 3)]) == [(0, pytest.approx(0.31))]
    assert uncovered([(0, 3)], [(just - 0.01, 3)]) == []


def test_a_word_sounds_no_longer_than_a_word_can() -> None:
    assert sounding(Word(1.0, 9.0, "了。", 0.9)) == (1.0, 2.0)
    assert sounding(Word(1.0, 1.3, "了", 0.9)) == (1.0, 1.3)
