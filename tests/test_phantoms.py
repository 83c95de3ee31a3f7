"""What does not count: words that Whisper invents, circles it turns in, its own prompt; and what stays."""

from __future__ import annotations

import pytest

from pipeline.phantoms import judged, set_aside, without_clear_words
from pipeline.types import Segment, Word

SENTENCE = "以下是普通话的句子。"
WORDS = ("桂花苑", "长寿路", "李主任", "三号岗亭", "救命")


def said(*texts: str, logprob: float = -0.2, no_speech: float = 0.1) -> list[Segment]:
    """A segment a second with each of these texts."""
    return [
        Segment(n, n + 1.0, text, avg_logprob=logprob, no_speech_prob=no_speech)
        for n, text in enumerate(texts)
    ]


def why(*texts: str, **doubt: float) -> list[str | None]:
    return [segment.set_aside for segment in judged(said(*texts, **doubt), SENTENCE, WORDS)]


# -- written down from real runs of the real weights -------------------------------------------------
# The demonstration's checkpoint does not invent them. What others showed of their runs tells times and
# words, not how sure Whisper was: so it must not matter here.

REAL_RUNS = {
    "faster-whisper large-v3, language zh, 33 s; github.com/jianchang512/stt/issues/46": (
        [(0.24, 33.0, "请不吝点赞 订阅 转发 打赏支持明镜与点点栏目")],
        ["phantom"],
    ),
    "whisper.cpp large-v3-q5_0, -l zh, clear dialogue that was lost; github.com/ggml-org/whisper.cpp/issues/1788": (
        [
            (331.74, 335.74, "陆星川,你带两个小情人过来。"),
            (335.74, 340.74, "不过呢,你只能选择其中一个。"),
            (340.74, 341.74, "你只能选择两个。"),
            (341.74, 343.74, "你只能选择两个。"),
            (343.74, 344.74, "你只能选择两个。"),
            (344.74, 346.74, "你只能选择两个。"),
            (346.74, 347.74, "你只能选择两个。"),
            (347.74, 348.74, "你只能选择两个。"),
        ],
        [None, None, None, None, "loop", "loop", "loop", "loop"],
    ),
}


@pytest.mark.parametrize("run", REAL_RUNS)
@pytest.mark.parametrize("logprob", [-0.1, -1.2])
def test_outputs_of_real_runs(run: str, logprob: float) -> None:
    shown, expected = REAL_RUNS[run]
    segments = [Segment(a, b, text, avg_logprob=logprob) for a, b, text in shown]
    found = judged(segments, SENTENCE, WORDS)
    assert [segment.set_aside for segment in found] == expected
    assert [segment.text for segment in found] == [text for _a, _b, text in shown]


# -- phantoms ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "请不吝点赞 订阅 转发 打赏支持明镜与点点栏目",
        "請不吝點讚 訂閱 轉發 打賞支持明鏡與點點欄目",
        "打赏支持明镜与点点栏目",
        "字幕由Amara.org社区提供",
        "幕由 Amara.org 社群提供",
        "中文字幕志愿者 杨栋梁",
        "优优独播剧场——YoYo Television Series Exclusive",
        "谢谢观看，下集再见！",
        "感谢收看。",
    ],
)
def test_phantoms_are_set_aside_however_sure(text: str) -> None:
    assert set_aside(Segment(0, 5, text, avg_logprob=-0.1)) == "phantom"


@pytest.mark.parametrize(
    "text",
    [
        "谢谢大家", "好", "转发", "订阅", "救命", "再见", "谢谢", "请转发到群里。",
        "喂喂喂喂喂喂", "对对对对对对对对", "谢谢谢谢谢谢谢谢", "救命" * 20, "字幕太小了看不清楚",
        "救命。字幕由Amara.org社区提供", "我家漏水了，谢谢观看。", "幺三九幺三九幺三九", "",
    ],
)  # fmt: skip
def test_what_may_have_been_said_stays(text: str) -> None:
    assert set_aside(Segment(0, 5, text, avg_logprob=-1.5, no_speech_prob=0.9)) is None


def test_suspicious_words_are_set_aside_only_where_whisper_doubts_itself() -> None:
    assert why("欢迎订阅") == [None]
    assert why("欢迎订阅", logprob=-1.1) == ["phantom"]
    assert why("欢迎订阅", no_speech=0.7) == ["phantom"]


# -- circles -----------------------------------------------------------------------------------------


def test_a_loop_in_one_segment_is_set_aside() -> None:
    assert why("我们下去看一下，" * 10) == ["loop"]


def test_segments_alike_on_end_are_a_loop_but_for_the_first_two() -> None:
    assert why(*["我们家水管漏水"] * 5) == [None, None, "loop", "loop", "loop"]
    assert why(*["我们家水管漏水"] * 4) == [None] * 4
    assert why("我们家水管漏水", "对。", *["我们家水管漏水"] * 4) == [None] * 6


def test_short_words_over_and_over_and_cries_are_no_loop() -> None:
    assert why(*["喂？"] * 20) == [None] * 20
    assert why(*["救命啊！"] * 30) == [None] * 30


# -- the prompt --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        SENTENCE, "以下是普通话的句子", "普通话的句子。", SENTENCE * 3,
        "桂花苑、长寿路。以下是普通话的句子。", "桂花苑、长寿路、李主任、三号岗亭。",
    ],
)  # fmt: skip
def test_what_is_nothing_but_the_prompt_is_an_echo_however_sure(text: str) -> None:
    assert why(text) == ["echo"]


@pytest.mark.parametrize("text", ["桂花苑", "长寿路桂花苑。", "李主任，李主任。"])
def test_the_office_s_words_alone_count_unless_whisper_doubts(text: str) -> None:
    assert why(text) == [None]
    assert why(text, logprob=-1.2) == ["echo"]


@pytest.mark.parametrize("text", ["我住桂花苑", "救命", "三号岗亭没有人", "普通话我说不好"])
def test_words_of_the_prompt_among_others_stay_and_so_does_a_cry(text: str) -> None:
    assert why(text, logprob=-1.2, no_speech=0.9) == [None]


def test_without_a_prompt_there_is_no_echo() -> None:
    assert set_aside(Segment(0, 3, SENTENCE, avg_logprob=-2)) is None


# -- signs that are no words -----------------------------------------------------------------------


def test_what_no_word_was_made_out_of_is_set_aside_and_a_cry_stays() -> None:
    """Confidences as the demonstration's checkpoint gave them for street noise and voices turned around."""
    assert why("睡偷。", "复头 Circuit。", logprob=-3.09) == ["garbled", "garbled"]
    assert why("救命啊", logprob=-3.09) == [None]
    assert why("幼用两号，二二幼\N{REPLACEMENT CHARACTER}", logprob=-0.98) == ["garbled"]
    assert why("幼用两号，二二幼\N{REPLACEMENT CHARACTER}", logprob=-0.3) == [None]
    assert why("我爸要打胰岛素", logprob=-1.6) == [None]


def test_what_is_doubted_beside_it_is_no_better_and_what_is_sure_stays() -> None:
    segments = [
        *said("meer 幼用肉", logprob=-5.86),
        *said("月二月二月", logprob=-0.91),
        *said("电梯坏了"),
    ]
    assert [s.set_aside for s in judged(segments)] == ["garbled", "garbled", None]


def heard(text: str, logprob: float, *words: float) -> Segment:
    """A segment with the mean probability of its words as they were heard, spread over them."""
    said = tuple(
        Word(n * 0.2, n * 0.2 + 0.2, character, words[n % len(words)])
        for n, character in enumerate(text)
    )
    return Segment(0.0, len(text) * 0.2, text, said, avg_logprob=logprob, no_speech_prob=0.0)


TURNED = [
    # The demonstration's checkpoint on six voices at once, turned around: how sure it was of the segment
    # and, in the mean, of its words. The last temperature was the last hope of the first three.
    heard("网药了两棵二二二二，二五五五五五二五呢，员儿园", -1.18, 0.35),
    heard("嗯那，内儿老粮了。", -1.04, 0.26),
    heard("哦，我啊，你谓要来哪里儿房？", -1.04, 0.31),
    heard("六二那栋楼楼漏楼漏了？", -0.99, 0.43),
    heard("我问用能不能网了，楼漏漏二五二，二楼楼楼楼。", -0.82, 0.47),
    heard("耳员楼楼网压儿，哪儿妈妈人员员员员员员难儿。", -1.10, 0.41),
]
CLEAR = heard("没有什么大事班有。", -0.36, 0.70)


def test_words_that_failed_at_every_temperature_are_garbled_by_themselves() -> None:
    assert [set_aside(s) for s in TURNED] == ["garbled"] * 3 + [None] * 3


def test_where_no_words_are_clear_in_all_of_a_call_none_that_are_doubted_count() -> None:
    found = without_clear_words(judged(TURNED))
    assert [s.set_aside for s in found] == ["garbled"] * 6
    assert [s.text for s in found] == [s.text for s in TURNED]


def test_one_clear_sentence_anywhere_in_the_call_keeps_what_is_doubted() -> None:
    found = without_clear_words([*TURNED[3:], CLEAR])
    assert [s.set_aside for s in found] == [None] * 4


def test_a_word_or_two_are_not_clear_enough_to_vouch_for_others_but_stay_themselves() -> None:
    found = without_clear_words([*TURNED[3:5], heard("好。", -0.2, 0.9)])
    assert [s.set_aside for s in found] == ["garbled", "garbled", None]


def test_a_single_character_beside_nothing_clear_must_be_sure_in_both_ways() -> None:
    found = without_clear_words([TURNED[3], heard("员，", -0.9, 0.7), heard("好。", -0.3, 0.9)])
    assert [s.set_aside for s in found] == ["garbled", "garbled", None]
    (kept,) = without_clear_words([heard("着火了", -0.9, 0.8)])
    assert kept.set_aside is None


def test_a_cry_stays_though_nothing_in_the_call_is_clear() -> None:
    found = without_clear_words(judged([TURNED[0], heard("救命啊", -1.3, 0.3)]))
    assert [s.set_aside for s in found] == ["garbled", None]


def test_words_that_are_sure_stay_whatever_the_whole_is_and_the_other_way_round() -> None:
    bad_line = [heard("我爸胸口痛", -1.2, 0.9, 0.3, 0.7), heard("在三号楼", -0.5, 0.4)]
    assert [s.set_aside for s in without_clear_words(judged(bad_line))] == [None, None]
