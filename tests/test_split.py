"""Turns to requests, chatter and needs-listening: the rules of the taxonomy as behaviour."""

from __future__ import annotations

import random

import pytest

from pipeline import taxonomy
from pipeline.split import split
from pipeline.types import Speaker, Split, Turn

TERMS = taxonomy.load()
SPEAKERS: dict[str, Speaker] = {"r": "resident", "s": "staff", "u": "unknown"}


def call(*lines: str) -> tuple[Turn, ...]:
    """Turns from lines such as "r 您好": speaker, words; timed at 4.5 characters a second."""
    turns = []
    at = 0.0
    for line in lines:
        speaker, _, text = line.partition(" ")
        turns.append(Turn(SPEAKERS[speaker], text, at, at + len(text) / 4.5))
        at = turns[-1].end + 0.5
    return tuple(turns)


def turns_of(found: Split) -> list[list[int]]:
    return [sorted({piece.turn for piece in request}) for request in found.requests]


def whole(found: Split, turns: tuple[Turn, ...]) -> None:
    """Every turn stands somewhere, and every piece is inside its turn."""
    held = {p.turn for r in found.requests for p in r} | {*found.chatter, *found.needs_listening}
    assert held == set(range(len(turns)))
    for request in found.requests:
        assert request
        for piece in request:
            assert 0 <= piece.start_char < piece.end_char <= len(turns[piece.turn].text)


def test_one_request_with_its_details_and_its_answer() -> None:
    turns = call(
        "s 您好，居委会。",
        "r 你好，我们楼道的灯坏了好几天了，晚上摸黑，请你们找人修一下。",
        "s 好的，几号楼？",
        "r 十五号楼，三楼到四楼那一段。",
        "s 我明天叫物业来换。",
        "r 好，谢谢，再见。",
    )
    found = split(turns, TERMS)
    whole(found, turns)
    assert turns_of(found) == [[1, 2, 3, 4]]
    assert found.chatter == (0, 5)


def test_two_in_one_sentence() -> None:
    turns = call("r 我的降压药快吃完了帮我配一点，还有我们楼下的垃圾三天没人收了，臭得要命。")
    found = split(turns, TERMS)
    whole(found, turns)
    assert len(found.requests) == 2
    text = turns[0].text
    first, second = ("".join(text[p.start_char : p.end_char] for p in r) for r in found.requests)
    assert "降压药" in first and "垃圾" not in first
    assert "垃圾" in second and "降压药" not in second


def test_two_in_a_block_without_punctuation_or_speakers() -> None:
    turns = call(
        "u 喂居委会吗我想问一下我的抗原没有发到能不能补一个可以的我登记一下您几号楼"
        "十二号楼还有一个事情就是楼上天天半夜敲敲打打吵得我睡不着你们去说说他们好的我们去看一下"
    )
    found = split(turns, TERMS)
    whole(found, turns)
    assert len(found.requests) == 2


def test_a_matter_that_comes_back_is_one() -> None:
    turns = call(
        "r 我家厨房水管漏水，漏得很厉害，快点叫人来修。",
        "s 几号几室？",
        "r 五号楼三零一。另外我的快递在门卫放了四天了，能不能送进来？",
        "s 快递我叫志愿者下午送。水管我马上报修。",
        "r 水管要快点啊，楼下也漏到了。",
    )
    found = split(turns, TERMS)
    whole(found, turns)
    assert len(found.requests) == 2
    assert {0, 4} <= set(turns_of(found)[0])


def test_a_cue_opens_a_second_matter_of_the_same_kind() -> None:
    turns = call(
        "r 我们这栋电梯坏了两天了，老人下不来，快点修。",
        "s 维保明天来。",
        "r 还有一个事，我家里的宽带也断了，上不了网，麻烦叫人看看。",
        "s 宽带我报给电信。",
    )
    found = split(turns, TERMS)
    whole(found, turns)
    assert len(found.requests) == 2


@pytest.mark.parametrize(
    "lines",
    [
        ("r 喂，是送水的吗，我要一桶水。", "s 您打错了，这里是居委会。", "r 哦不好意思，打错了。"),
        ("s 喂，居委会，请讲。", "r 哦，打错了打错了。"),
        (
            "r 你好，是王医生的诊所吗？我牙又疼了。",
            "s 不是，打错电话了，这里是居委会。",
            "r 对不起啊。",
        ),
        ("s 您好，居委会。", "r 谢谢你们啊，辛苦了，没别的事，再见。", "s 不客气，再见。"),
        ("s 喂，您好，居委会。", "s 喂喂，听得到吗？"),
    ],
)
def test_no_request(lines: tuple[str, ...]) -> None:
    turns = call(*lines)
    found = split(turns, TERMS)
    whole(found, turns)
    assert not found.requests


def test_a_wrong_number_that_asks_after_all() -> None:
    turns = call(
        "r 是物业吗？",
        "s 打错了，这里是居委会。",
        "r 哦，那正好，对了，我们楼的垃圾好几天没人收了，能不能叫人来收？",
    )
    assert turns_of(split(turns, TERMS)) == [[2]]


def test_what_staff_ask_for_is_no_request() -> None:
    turns = call(
        "r 我明天要回医院上班，小区不让出去，你们能不能放行？",
        "s 可以，要单位的证明，自己写一份承诺书，还要四十八小时的核酸。",
        "r 好，证明我有的，承诺书我今天写。",
        "s 那明天早上六点来门口。",
    )
    assert turns_of(split(turns, TERMS)) == [[0, 1, 2, 3]]


def test_the_same_topic_again_is_no_second_request() -> None:
    turns = call(
        "r 我要说的是垃圾，垃圾房那边的垃圾没人收。",
        "s 垃圾房是哪个？",
        "r 就是东门的垃圾房，垃圾都堆到路上了，老鼠都有了。",
        "s 好的，垃圾的事我叫保洁来处理。",
    )
    assert turns_of(split(turns, TERMS)) == [[0, 1, 2, 3]]


def test_unheard_and_doubtful_turns_are_for_listening() -> None:
    turns = (
        Turn("staff", "您好，居委会。", 0, 2),
        Turn("unknown", "", 2, 9, unheard=True),
        Turn("resident", "的啊那个不是嘛", 9, 12, confidence=0.2),
        Turn("resident", "我家停水了，什么时候来？", 12, 15, confidence=0.9),
    )
    found = split(turns, TERMS)
    whole(found, turns)
    assert found.needs_listening == (1, 2)
    assert any(3 in request for request in turns_of(found))


def test_a_phantom_is_for_listening_and_no_request() -> None:
    turns = call("s 您好，居委会。", "u 请不吝点赞订阅转发打赏支持明镜与点点栏目")
    found = split(turns, TERMS)
    assert not found.requests
    assert found.needs_listening == (1,)


def test_speech_that_no_rule_understands_is_never_chatter() -> None:
    turns = call("s 您好。", "r 咕噜咕噜哗啦叽里呱啦噼里啪啦稀里糊涂", "s 听不懂。")
    found = split(turns, TERMS)
    whole(found, turns)
    assert found.requests or 1 in found.needs_listening


def test_anger_alone_is_a_request() -> None:
    turns = call(
        "s 您好。", "r 我真的要崩溃了，关在家里一个月，天天一个人哭，心里难过死了。", "s 您别急。"
    )
    assert turns_of(split(turns, TERMS)) == [[1, 2]] or turns_of(split(turns, TERMS)) == [[1]]


def test_tears_beside_a_request_are_none_of_their_own() -> None:
    turns = call("r 我急得要哭了，我妈的药明天就断了，你们帮帮忙配一下药吧，我真的难过死了。")
    assert len(split(turns, TERMS).requests) == 1


@pytest.mark.parametrize(
    "turns", [(), call("r "), (Turn("unknown", "", 0, 0),), call("u 。。。！")]
)
def test_odd_calls(turns: tuple[Turn, ...]) -> None:
    found = split(turns, TERMS)
    whole(found, turns)
    assert not found.requests


def test_any_mixture_is_accounted_for() -> None:
    parts = [
        "垃圾没人收", "，", "还有", "我妈喘不上气", "核酸報告", "喂", "打错了", "。", "", " ", "謝謝",
        "明天早上", "不要", "abc", "〇", "😀", "楼上吵", "12345", "\n", "请问", "？", "字幕由",
    ]  # fmt: skip
    chance = random.Random(7)
    for _ in range(150):
        turns = tuple(
            Turn(
                chance.choice(("resident", "staff", "unknown")),
                "".join(chance.choices(parts, k=chance.randrange(9))),
                float(i),
                i + 0.9,
                unheard=chance.random() < 0.05,
            )
            for i in range(chance.randrange(7))
        )
        whole(split(turns, TERMS), turns)


def test_who_calls_and_the_number_to_call_back_are_no_request() -> None:
    turns = call(
        "s 您好，请讲。",
        "r 我是十号楼一单元二零三的，姓周，我已经打了三次电话了。",
        "r 垃圾还是没有人收，一个礼拜了，老鼠都来了，你们到底管不管。",
        "s 今天下午三点以前一定收走，收好了给您打电话。",
        "r 好的，谢谢，我的骗话是幺三九，零零一二，三四五六。",  # 电话, misheard
    )
    found = split(turns, TERMS)
    whole(found, turns)
    assert turns_of(found) == [[1, 2, 3, 4]]
