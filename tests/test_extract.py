"""What is read out of a call's words. Every sentence here was made up for these tests."""

from __future__ import annotations

import time
from datetime import datetime
from itertools import product
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.extract import caller_of, extract, gist, home, phone_of, settle
from pipeline.moments import read_moments
from pipeline.phones import read_numbers
from pipeline.places import read_places
from pipeline.script import fold
from pipeline.types import Facts, Piece, Place, Speaker, Turn

CALL = datetime(2025, 6, 11, 9, 40, tzinfo=ZoneInfo("Asia/Shanghai"))  # a Wednesday

WHO: dict[str, Speaker] = {"r": "resident", "s": "staff", "u": "unknown"}


def call(*lines: str) -> tuple[Turn, ...]:
    """`r: …`, `s: …`, `u: …` as turns."""
    turns = []
    for at, line in enumerate(lines):
        who, _, text = line.partition(":")
        turns.append(Turn(WHO[who.strip()], text.strip(), 5.0 * at, 5.0 * at + 4))
    return tuple(turns)


def facts(*lines: str, only: slice = slice(None)) -> Facts:
    turns = call(*lines)
    pieces = [Piece(i, 0, len(turn.text)) for i, turn in enumerate(turns)][only]
    found = extract(pieces, turns, CALL)
    for proof in found.evidence:
        assert turns[proof.turn].text[proof.start_char : proof.end_char] == proof.words
        assert proof.words
    return found


# --- addresses


@pytest.mark.parametrize(
    ("text", "lane", "building", "unit", "room"),
    [
        ("二号楼三单元五零一", None, "2", "3", "501"),
        ("2-501", None, "2", None, "501"),
        ("二杠五零一", None, "2", None, "501"),
        ("二号楼杠五零一", None, "2", None, "501"),
        ("二号楼三门五零一", None, "2", "3", "501"),
        ("五号楼，房间号是三零四", None, "5", None, "304"),
        ("我是第五栋的三零一", None, "5", None, "301"),
        ("我姓黎黎明的黎十七号楼的昨天打过的", None, "17", None, None),
        ("我住九号楼，靠水塔的那一幢", None, "9", None, None),
        ("11-2-302", None, "11", "2", "302"),
        ("三十弄2号", "30", "2", None, None),
        ("1250弄12号楼三零二室", "1250", "12", None, "302"),
        ("12号楼1201室", None, "12", None, "1201"),
        ("六号楼二〇四", None, "6", None, "204"),
        ("二十一号，六〇二", None, "21", None, "602"),
        ("廿四號樓十二零一室", None, "24", None, "1201"),
        ("A座一五〇六", None, "A", None, "1506"),
        ("5幢102", None, "5", None, "102"),
        ("三十号甲", None, "30甲", None, None),
        ("九好楼四零四", None, "9", None, "404"),
        ("十六号漏九零二", None, "16", None, "902"),
        ("三单元", None, None, "3", None),
        ("６号楼２０１Ａ室", None, "6", None, "201A"),
    ],
)
def test_addresses(
    text: str, lane: str | None, building: str | None, unit: str | None, room: str | None
) -> None:
    assert [address.place for address in read_places(fold(text))] == [
        Place(lane, building, unit, room)
    ]


@pytest.mark.parametrize(
    "text",
    [
        "每个月十二号发工资",
        "我二十号上午过来办",
        "坐十七号线去的",
        "到八号为止",
        "2025-06-11",
        "一共花了三百零二块",
        "打120没有",
        "周一三五上午开门",
        "扫一下三号门的码",
        "二〇二五年开始的",
        "打过12345了",
        "挂了五十二号床",
        "密码是六零三",
        "你们来弄一弄",
        "周六二十五号楼组长来",
    ],
)
def test_what_is_no_address(text: str) -> None:
    assert read_places(fold(text)) == []


def test_the_callers_home() -> None:
    assert home(call("r: 喂，我八号楼的", "s: 几室？", "r: 五零二。")) == Place(
        building="8", room="502"
    )
    assert home(call("s: 您住哪里", "r: 十六号", "s: 嗯", "r: 三零四")) == Place(
        building="16", room="304"
    )
    assert home(call("r: 我住三号楼二单元一〇一")) == Place(building="3", unit="2", room="101")


def test_a_neighbours_room_is_not_the_callers_home() -> None:
    turns = call("r: 我是九号楼的，楼上六零三又在敲墙", "s: 六零三是吧")
    assert home(turns) == Place(building="9")
    assert extract([Piece(0, 0, 30)], turns, CALL).place == Place(building="9", room="603")


def test_the_matters_place_goes_before_the_home() -> None:
    found = facts(
        "r: 居委吗，我住四号楼三零一",
        "r: 十一号楼下面的垃圾桶翻掉了，没人管",
        "r: 还有我家水龙头漏水",
        only=slice(1, 2),
    )
    assert found.place == Place(building="11")
    found = facts("r: 居委吗，我住四号楼三零一", "r: 我家水龙头漏水", only=slice(1, 2))
    assert found.place == Place(building="4", room="301")


def test_a_room_alone_is_in_the_homes_building() -> None:
    assert settle(Place(room="203"), Place("5", "1", "2", "101")) == Place("5", "1", "2", "203")
    assert settle(Place(), Place(building="1", room="101")) == Place(building="1", room="101")
    assert settle(Place(building="7"), Place(building="1", room="101")) == Place(building="7")


def test_places_and_numbers_stand_bad_blocks() -> None:
    """Half a minute of both speakers without punctuation, misheard, in traditional script."""
    found = facts(
        "u: 喂居委會嗎我家馬桶堵了您住哪裡九号搂三担元四灵二电话一三六 嗯 零零幺幺 好的 二二三三好我叫物业明天下午给您来通"
    )
    assert found.place == Place(None, "9", "3", "402")
    assert found.phone == "13600112233"
    assert found.due_hint == datetime(2025, 6, 12, 18, 0, tzinfo=CALL.tzinfo)
    assert found.undertaking is not None and "给您来通" in found.undertaking


def test_a_person_of_another_building_is_no_place() -> None:
    found = facts("r: 六号楼的大妈收了我的钱不发货，我住五号楼四零一")
    assert found.place == Place(building="5", room="401")


# --- numbers


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("幺三八，零零幺二，三四五六", "13800123456"),
        ("一三九 两两零零 五六 七八", "13922005678"),
        ("15900012345", "15900012345"),
        ("159 0001 2345", "15900012345"),
        ("一三六零零零一，不对，零零零二，三四五六", "13600023456"),
        ("一三六，七零五八，一二三四，哦不，一二三五", "13670581235"),
        ("幺八六 嗯 零零幺幺 好的 二二三三", "18600112233"),
        ("一三七零零八一，一三七零零八一，对，二二三三", "13700812233"),
        ("一三八 三个八 零零幺二四", "13888800124"),
        ("五零一一三九一零零零二二三三", "13910002233"),
        ("座机是六四三二 一零九八", "64321098"),
        ("电话零二幺，六四三二，一零九八", "02164321098"),
        ("一三吧零零一二三四五六", "13800123456"),
    ],
)
def test_numbers_read_out(text: str, number: str) -> None:
    assert [found.digits for found in read_numbers(fold(text))] == [number]


@pytest.mark.parametrize(
    "text",
    [
        "开锁要按七七三九零一",
        "打12345，又打962777",
        "一百三十八块两毛",
        "一三五七九，二四六八十",
        "从早上八点一直等到十二点",
        "快递单号七七八八九九零零一一二二三三",
    ],
)
def test_what_is_no_number(text: str) -> None:
    assert read_numbers(fold(text)) == []


def test_identity_numbers() -> None:
    (found,) = read_numbers(fold("身份证三一零一零一，一九五零零一零一，零零幺X"))
    assert (found.digits, found.kind) == ("31010119500101001X", "id")
    proofs = facts("r: 身份证号310101195001010011").evidence
    assert [(proof.tag, proof.value) for proof in proofs] == [("id", "310101195001010011")]


def test_a_number_over_several_turns() -> None:
    turns = call("r: 我电话幺三八", "s: 嗯", "r: 零零幺二", "s: 零零幺二", "r: 三四五六")
    assert phone_of(turns) == "13800123456"
    found = extract([Piece(0, 0, 8)], turns, CALL)
    assert [proof.words for proof in found.evidence if proof.tag == "phone"] == [
        "幺三八",
        "零零幺二",
        "三四五六",
    ]


def test_whose_number_it_is() -> None:
    assert phone_of(call("s: 物业电话你记一下，一三五零零零零一一一一", "r: 好的")) is None
    assert phone_of(
        call("r: 我儿子手机是一三五零零零零一一一一，我的手机是一三六零零零零二二二二")
    ) == ("13600002222")
    assert (
        phone_of(call("r: 一三六零零零零二二二二", "s: 一三六零零零零二二二三是吧"))
        == "13600002222"
    )
    assert phone_of(call("u: 我姓袁电话一三六零零零零二二二二记一下")) == "13600002222"


# --- times


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("明天早上七点", "2025-06-12T07:00"),
        ("后天下午三点之前", "2025-06-13T15:00"),
        ("今晚十点前", "2025-06-11T22:00"),
        ("今晚十二点", "2025-06-11T23:59:59"),
        ("今天夜里两点", "2025-06-12T02:00"),
        ("礼拜二", "2025-06-17T23:59:59"),
        ("这周五", "2025-06-13T23:59:59"),
        ("下个礼拜三晚上八点", "2025-06-18T20:00"),
        ("下周", "2025-06-22T23:59:59"),
        ("月底", "2025-06-30T23:59:59"),
        ("下个月底", "2025-07-31T23:59:59"),
        ("三天后", "2025-06-14T23:59:59"),
        ("两三天之内", "2025-06-14T23:59:59"),
        ("半小时内", "2025-06-11T10:10"),
        ("一刻钟之内", "2025-06-11T09:55"),
        ("一个半小时内", "2025-06-11T11:10"),
        ("明天上午", "2025-06-12T12:00"),
        ("中午前", "2025-06-11T12:00"),
        ("十点半之前", "2025-06-11T10:30"),
        ("八点半之前", "2025-06-11T20:30"),
        ("明天两点", "2025-06-12T14:00"),
        ("六月二十号", "2025-06-20T23:59:59"),
        ("一月五号", "2025-01-05T23:59:59"),
        ("二十號下午", "2025-06-20T18:00"),
        ("15:30之前", "2025-06-11T15:30"),
        ("明朝夜里", "2025-06-12T23:59:59"),
        ("昨儿下午", "2025-06-10T18:00"),
        ("后儿一早", "2025-06-13T09:00"),
    ],
)
def test_times(text: str, at: str) -> None:
    moments = read_moments(fold(text), CALL)
    assert [moment.at.replace(tzinfo=None).isoformat() for moment in moments] == [
        datetime.fromisoformat(at).isoformat()
    ]


@pytest.mark.parametrize(
    "text", ["快一点", "有一点痛", "想开点", "一点也不好", "太晚了", "第三天", "两点建议"]
)
def test_what_is_no_time(text: str) -> None:
    assert read_moments(fold(text), CALL) == []


def test_days_that_come_again_set_no_time() -> None:
    moments = read_moments(fold("每周一、周四收，礼拜一三五也可以，每天都有"), CALL)
    assert moments and all(moment.recurring for moment in moments)


def test_a_time_after_its_day() -> None:
    moments = read_moments(fold("明天你先来登记，八点做，九点半走"), CALL)
    assert [moment.at.isoformat()[:16] for moment in moments][1:] == [
        "2025-06-12T08:00",
        "2025-06-12T09:30",
    ]


# --- deadlines, promises, conditions


@pytest.mark.parametrize(
    ("lines", "day"),
    [
        (["r: 我的降压药只够吃两天了", "s: 我登记一下，礼拜五给您送"], "2025-06-13"),
        (["r: 医保卡明天要过期，怎么弄"], "2025-06-12"),
        (["r: 楼道灯坏了", "s: 我马上叫电工去看"], "2025-06-11"),
        (["r: 楼道灯坏了", "s: 我今天问物业，后天之前给您答复"], "2025-06-13"),
        (["r: 楼道灯坏了", "s: 好，下周给您个说法"], "2025-06-22"),
        (["r: 楼道灯坏了", "s: 知道了，我记一下"], None),
        (["r: 居民代表会几时开", "s: 十八号下午两点，活动室"], "2025-06-18"),
        (["r: 礼拜一就报修过了，没人来", "s: 哦，我记一下"], None),
        (["r: 我每个礼拜三去透析的", "s: 晓得了"], None),
        (["u: 楼道灯坏了好几天 我帮您登记明天上午回您"], "2025-06-12"),
        (["u: 有二十四小时核酸吗"], None),
        (["r: 路灯到今天还没修好"], None),
        (["s: 结果第二天下午就有"], None),
        (["r: 煤气味道很重", "s: 您开窗，保安三分钟到"], "2025-06-11"),
    ],
)
def test_due(lines: list[str], day: str | None) -> None:
    found = facts(*lines).due_hint
    assert (found.date().isoformat() if found else None) == day


def test_a_need_goes_before_a_promise() -> None:
    found = facts("r: 我后天早上八点要去做手术，出门证怎么开", "s: 我今天下午给您开好")
    assert found.due_hint == datetime(2025, 6, 13, 8, 0, tzinfo=CALL.tzinfo)


@pytest.mark.parametrize(
    ("lines", "day"),
    [
        (
            ["r: 我后天早上八点要去做手术，出门证怎么开", "s: 我今天下午给您开好"],
            "2025-06-11T18:00",
        ),
        (["r: 降压药明天就没了", "s: 好，我帮您登记"], None),
        (["r: 楼道灯坏了", "s: 我今天问物业，后天之前给您答复"], "2025-06-13T23:59"),
        (["r: 楼道灯坏了", "s: 好，下周给您个说法"], "2025-06-22T23:59"),
        (["u: 楼道灯坏了好几天 我帮您登记明天上午回您"], "2025-06-12T12:00"),
        (["r: 楼道灯坏了，后天要来人的", "s: 现在不能修"], None),
        (["u: 我妈的降压药今天吃完", "u: 我们明天上午给您送过来"], "2025-06-12T12:00"),
        (["u: 我们明天上午给您送过来", "u: 奶粉今早断了"], "2025-06-12T12:00"),
        (["u: 我给您登记一下。药今天吃完"], None),
        (["u: 胰岛素今天用完我帮您登记明天上午回您"], "2025-06-12T12:00"),
    ],
)
def test_a_promise_falls_due_on_its_own_day(lines: list[str], day: str | None) -> None:
    found = facts(*lines).undertaking_due
    assert (f"{found:%Y-%m-%dT%H:%M}" if found else None) == day


def test_promises_are_in_the_staffs_words() -> None:
    found = facts(
        "r: 墙皮掉下来了", "s: 您别站下面，我马上叫物业来看，后天上午给您回电。", "r: 好的谢谢"
    )
    assert found.undertaking == "我马上叫物业来看，后天上午给您回电"
    assert found.due_hint == datetime(2025, 6, 13, 12, 0, tzinfo=CALL.tzinfo)


def test_what_an_unknown_speaker_runs_out_of_is_no_part_of_the_promise() -> None:
    found = facts("u: 我妈的降压药今天吃完", "u: 我们明天上午给您送过来")
    assert found.undertaking == "我们明天上午给您送过来"
    assert found.due_hint == datetime(2025, 6, 11, 23, 59, 59, tzinfo=CALL.tzinfo)


@pytest.mark.parametrize(
    "line",
    [
        "r: 我马上把照片发给你",
        "s: 您把照片发给我",
        "s: 您贵姓",
        "s: 昨天已经派人去过了",
        "u: 我家电梯坏了好几天了",
    ],
)
def test_what_is_no_promise(line: str) -> None:
    found = facts(line)
    assert found.undertaking is None


def test_conditions_are_a_list_to_tick_off() -> None:
    found = facts(
        "r: 我想回单位上班",
        "s: 要三样材料：单位的复工证明；居住证复印件；自己写的保证书。先做核酸，阴性才能走。",
    )
    assert found.conditions == (
        "单位的复工证明",
        "居住证复印件",
        "自己写的保证书",
        "先做核酸，阴性才能走",
    )


def test_a_refusal_is_said() -> None:
    found = facts("r: 我能让亲戚进来住吗", "s: 现在外来人员不能进")
    assert [proof.words for proof in found.evidence if proof.tag == "refusal"] == [
        "现在外来人员不能进"
    ]


# --- who, how old, how much is left


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("r: 你好，我姓袁", "袁"),
        ("r: 免贵姓欧阳", "欧阳"),
        ("r: 我叫程小雨，想问个事", "程小雨"),
        ("r: 我是三号楼的老范", "老范"),
        ("r: 我是褚老师", "褚老师"),
        ("r: 你们姓什么的都有", None),
        ("r: 我叫他快点来", None),
        ("r: 又是我，六号楼二零三的程立，催一下", "程立"),
    ],
)
def test_names(line: str, name: str | None) -> None:
    assert caller_of(call(line)) == name


def test_ages_and_what_is_left() -> None:
    proofs = facts("r: 我妈八十三岁，胰岛素只剩一天的量，奶粉还有半罐").evidence
    assert {(proof.tag, proof.value) for proof in proofs} >= {
        ("age", "83"),
        ("left", "1天"),
        ("left", "0.5罐"),
    }


def test_people_medicines_and_quantities() -> None:
    proofs = facts(
        "r: 我妈八十三岁，有糖尿病，没有高血压，胰岛素只剩一天的量",
        "r: 我自己耳背。家里还有三箱牛奶，交了二十块钱",
    ).evidence
    found = [(p.tag, p.value) for p in proofs if p.tag in ("person", "medicine", "quantity")]
    assert found == [
        ("person", "妈，83岁，糖尿病"),
        ("person", "本人，耳背"),
        ("medicine", "胰岛素，剩1天"),
        ("quantity", "3箱牛奶"),
        ("quantity", "20块钱"),
    ]


def test_across_from_a_building_lives_who_calls_a_whole_address_his() -> None:
    assert home(call("r: 三号楼对面四号楼七零二的。")) == Place(None, "4", None, "702")
    assert home(call("u: 我是七号楼的八零三隔壁八零四一直有声音")) == Place(None, "7", None, "803")


def test_where_nothing_is_punctuated_digits_read_out_are_a_room() -> None:
    read = read_places("好的我叫工程部上来六零四快点哦我要上班去了")
    assert [address.place for address in read] == [Place(None, None, None, "604")]


def test_digits_as_drivers_call_them() -> None:
    assert phone_of(call("s: 您电话？", "r: 么三八洞洞幺三八洞洞洞")) == "13800138000"
    assert phone_of(call("s: 您电话？", "r: 一三七，双八，零九，四四二一")) == "13788094421"


def test_a_number_that_staff_read_back_is_the_callers_once_it_is_confirmed() -> None:
    asked = "s: 您家电话我看到了，幺三八，零零幺三，八零零零，对吗？"
    assert phone_of(call("r: 我妈摔倒了", asked, "r: 对的，快点来")) == "13800138000"
    assert phone_of(call("r: 我妈摔倒了", asked, "r: 不是，是我儿子的")) is None


# --- gist


def test_gist_is_the_residents_own_words() -> None:
    turns = call(
        "s: 您好，居委会",
        "r: 喂，你好，那个，我家厨房下水道堵了，脏水往外冒",
        "s: 几号楼",
        "r: 六号楼二零一，谢谢",
    )
    words = gist([Piece(i, 0, len(turn.text)) for i, turn in enumerate(turns)], turns)
    assert words == "我家厨房下水道堵了，脏水往外冒"


def test_gist_of_an_unpunctuated_block_fits() -> None:
    text = "喂你好居委会吗我想问一下就是我们家那个热水器昨天晚上开始就打不着火了家里有个两个月的小毛头洗澡都没办法洗你们能不能帮我联系一下修的师傅谢谢"
    turns = call("u: " + text)
    words = gist([Piece(0, 0, len(text))], turns, limit=30)
    assert 6 <= len(words) <= 30
    assert words in text


@pytest.mark.parametrize(
    ("lines", "lives"),
    [
        (["s:您几零几？", "r:七〇三。不是不是，七〇三是我囡儿那边，我这里是三〇四。"], "304"),
        (["s:楼上是几楼？", "r:他是八零二，我是七零二，你们去讲一声。"], "702"),
        (["s:您楼上是几室？", "r:一一零四，我是一零零四。"], "1004"),
        (["r:我是四百零二，不对，五百零二。"], "502"),
        (["s:几栋几号？", "r:七栋，一千九百零八。"], "1908"),
        (["s:几栋？", "r:七栋呀。", "s:几零几？", "r:十四楼，一四零二。"], "1402"),
        (["s:哪一户？", "r:幺四零三，反正靠西。我不是那楼的，我是六幢的，六幢九零二。"], "902"),
        (["s:三零一有人吗？", "r:三零二出租的，三零一是我呀。"], "301"),
        (["s:地址？", "r:我是八号，八号二零三，不对，现在是八十号，八十号二零四。"], "204"),
        (["r:我是九冬的", "s:几单元几室？", "r:二弹员三零五"], "305"),
    ],
)
def test_whose_room(lines: list[str], lives: str) -> None:
    assert home(call(*lines)).room == lives


def test_a_room_alone_taken_back_leaves_the_building() -> None:
    assert home(call("s:几号几室？", "r:五百弄，九号，二零零幺，不是，写的是二零零二。")) == Place(
        lane="500", building="9", room="2002"
    )


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("电话您记一下幺三九四四零二幺五七七幺三九四四零二一五七七忘不了好的", "13944021577"),
        ("手机幺九八八幺零五，嗯，后头四位呢，四四六二", "19881054462"),
        ("座机六七二二零三五一六七二二零三五一对", "67220351"),
        (
            "我电话一七七，零七三八零，二幺九，哦不对，是二九幺，一七七零七三八零二九幺。",
            "17707380291",
        ),
        ("您记一下幺七六二幺零八四九二零对不对对的五月一号", "17621084920"),
    ],
)
def test_numbers_read_back(text: str, number: str) -> None:
    assert [found.digits for found in read_numbers(fold(text))] == [number]


# --- anything at all

WORDS = [
    *"零一二三十百千幺两廿半号楼室房弄幢栋座层杠-:.、，。0129点分刻钟天周月年日今明昨后前大第当儿朝上下这每早晚内底末几多个",
    *("号楼", "单元", "礼拜", "上午", "夜里", "之前", "小时", "马上", "工作日"),
]


def test_any_three_words_of_places_and_times_are_stood() -> None:
    """十室 and 昨儿 were once the end of a whole call's reading."""
    for words in product(WORDS, repeat=2):
        for between in ("", "二", "的"):
            text = between.join(words)
            read_places(text)
            read_moments(text, CALL)
            read_numbers(text)


line = st.text(
    alphabet=st.one_of(
        st.sampled_from(
            "零一二三四五六七八九十百幺两号楼室单元弄点分天周月日今明后上下午前之，。 -0123456789我您给马礼拜"
        ),
        st.characters(),
    ),
    max_size=60,
)


@given(st.lists(st.tuples(st.sampled_from(["resident", "staff", "unknown"]), line), max_size=6))
@settings(max_examples=60, deadline=None)
def test_any_words_are_stood(said: list[tuple[Speaker, str]]) -> None:
    turns = tuple(Turn(who, text, i, i + 1) for i, (who, text) in enumerate(said))
    pieces = [Piece(i, 0, len(turn.text)) for i, turn in enumerate(turns)]
    found = extract(pieces, turns, CALL)
    for proof in found.evidence:
        assert turns[proof.turn].text[proof.start_char : proof.end_char] == proof.words
    assert len(gist(pieces, turns)) <= 40


def test_cost_grows_with_length_only() -> None:
    block = "我是六号楼二零一的，电话一三八零零幺二三四五六，后天上午要看牙，能不能派车，我马上登记给您答复。"

    def seconds(times: int) -> float:
        turns = (Turn("unknown", block * times, 0, 60),)
        best = 9.0
        for _ in range(3):
            start = time.process_time()
            extract(
                [Piece(0, 0, len(turns[0].text))],
                (*turns, Turn("unknown", str(start), 60, 61)),
                CALL,
            )
            best = min(best, time.process_time() - start)
        return best

    seconds(2)
    assert seconds(160) < 16 * seconds(20) + 0.05  # 8 times the length


@pytest.mark.parametrize(
    "said",
    [
        "我电话是1380000……10-2-2734",  # a digit too many
        "手机一三八零零零，一零二，二七三四",  # one short
        "我的号码一五九，嗯，三零四，一二零三啊",
    ],
)
def test_what_is_left_of_a_misheard_telephone_number_is_no_room(said: str) -> None:
    assert facts(f"r: {said}").place == Place()


def test_a_number_asked_for_in_bits_is_no_room() -> None:
    said = ("s: 您留个电话。", "r: 一三八零零", "s: 嗯。", "r: 二七三四")
    assert facts(*said).place == Place()


def test_a_room_beside_a_telephone_number_stays() -> None:
    both = facts("r: 我住三号楼五零一，电话一三八零零一二三四五六")
    assert both.place == Place(building="3", room="501")
    assert facts("r: 2-501，2-501").place == Place(building="2", room="501")


@pytest.mark.parametrize(
    "said",
    [
        "r: 手机一三七的零零一二三四五六，你记着",
        "r: 电话一三七开头，零零一二，尾号三四五六",
        "r: 一三七这个号，零零一二三四五六",
        "r: 电话一三七，杠，零零一二，杠，三四五六",
    ],
)
def test_a_number_told_as_people_tell_it(said: str) -> None:
    assert phone_of(call("r: 我家漏水了", said)) == "13700123456"


def test_a_number_that_staff_see_is_the_caller_s_when_confirmed() -> None:
    seen = "s: 来电显示一三七零零一二三四五六，就打这个对吧"
    assert phone_of(call("r: 我家漏水了", seen, "r: 对对，就这个")) == "13700123456"
    asked = "s: 电话就是一三七零零一二三四五六？"
    assert phone_of(call("r: 我家漏水了", asked, "r: 对的")) == "13700123456"
    assert phone_of(call("r: 我家漏水了", asked, "r: 不是的，这是我妈的")) is None
    for theirs in (
        "s: 物业电话一三七零零一二三四五六。",
        "s: 物业的电话是一三七零零一二三四五六？",
    ):
        assert phone_of(call(theirs, "r: 对的，我记下了")) is None
