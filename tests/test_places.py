"""Places and numbers read out of requests: misheard, run together, offered, taken back, cut by blocks."""

from datetime import datetime

import pytest

from pipeline.caller import home
from pipeline.contact import phone_of
from pipeline.extract import extract
from pipeline.mishearing import mend, parted
from pipeline.places import read_places
from pipeline.questions import asks_place
from pipeline.types import Piece, Place, Turn

CALL = datetime.fromisoformat("2022-05-10T09:00:00+08:00")
SPEAKERS = {"r": "resident", "s": "staff", "u": "unknown"}


def call(*lines: str) -> tuple[Turn, ...]:
    return tuple(
        Turn(SPEAKERS[line[0]], line[2:], 30.0 * i, 30.0 * i + 29)  # type: ignore[arg-type]
        for i, line in enumerate(lines)
    )


def place(turns: tuple[Turn, ...], *indexes: int) -> str:
    pieces = [Piece(i, 0, len(turns[i].text)) for i in indexes or range(len(turns))]
    return str(extract(pieces, turns, CALL).place)


@pytest.mark.parametrize(
    ("heard", "meant"),
    [
        ("二十四豪三零二", "二十四号三零二"),
        ("九好楼五零一", "九号楼五零一"),
        ("十四嚎漏三零二", "十四号楼三零二"),
        ("六栋三淡冤四零二", "六栋三单元四零二"),
        ("八冻二零三", "八栋二零三"),
        ("三十农二号", "三十弄二号"),
        ("握住七号", "我住七号"),
        ("窝是十二号德", "我是十二号的"),
        ("我们加住五号", "我们家住五号"),
        ("您记室", "您几室"),
    ],
)
def test_words_of_an_address_are_mended_by_their_sound(heard: str, meant: str) -> None:
    assert mend(heard) == meant


@pytest.mark.parametrize(
    "said",
    [
        "喝了三十毫升",
        "抗原二十好了吗",
        "万一但愿没事",
        "六号漏水了",
        "手机好用吗",
        "我们十好几个人",
        "一旦原来那样",
    ],
)
def test_what_only_sounds_like_an_address_stays(said: str) -> None:
    assert mend(said) == said


@pytest.mark.parametrize(
    ("said", "places"),
    [
        ("六零二三个人", ["602"]),
        ("我五零三她六零三二十七号里的", ["503", "603", "27"]),
        ("四号楼三零四一家五口", ["4-304"]),
        ("幺零零二五个月", ["1002"]),
        ("七零二七零一是陆老师", ["702"]),
        ("三座二单元一零一一楼", ["3-2-101"]),
        ("八号门二零三", ["8-203"]),
        ("云锦苑二期十一栋三零二", ["11-302"]),
        ("我们一室一厅", []),
        ("车位是地下一百二十七号", []),
        ("青松街八号院三栋二单元五零三", ["3-2-503"]),
        ("二号到十号都好了", []),
    ],
)
def test_numbers_that_run_together_are_parted(said: str, places: list[str]) -> None:
    read = read_places(said, asked=True)
    assert [str(address.place) for address in read if not address.person] == places


def test_a_year_and_a_number_of_a_telephone_are_in_one_piece() -> None:
    assert parted("二零二二年") == parted("一三八零二八零一") == []


def test_parted_addresses_stand_where_they_were_said() -> None:
    said = "他六零二我五零二十六号里的"
    assert [said[a.start : a.end] for a in read_places(said)] == ["六零二", "五零二", "十六号里"]


@pytest.mark.parametrize(
    ("lines", "lives"),
    [
        (["s:您是五零二吗？", "r:对，五零二，八号的。"], "8-502"),
        (["s:您家是九号三零一对吧？", "r:三零二，三零一是丁老师。"], "9-302"),
        (["s:您住十号楼二单元六零一？", "r:嗯，是的。"], "10-2-601"),
        (["r:六号楼的电梯又坏了。", "s:您几室？", "r:一二零三。"], "6-1203"),
        (["r:我是七号的，东西不急。", "r:好。四零二噢，放四零二门口！"], "7-402"),
        (["r:我舅舅住在十九号。", "s:您家呢？几号几室？", "r:三号五零四。"], "3-504"),
        (["r:她住你们二十弄六号三零三，我在外地。"], "20-6-303"),
        (["r:我租在五号地下一层的，没有门牌。"], "5"),
        (["r:对面九号都发了，我们十号的没有。"], "10"),
        (["r:三栋到六栋全停电，我五栋一单元七零二。"], "5-1-702"),
        (["r:我是老徐，八号楼楼组长，两桩事。"], "8"),
        (["r:拆线十八号到的通知，我十一号二零四。"], "11-204"),
        (["u:您住哪栋二十一栋三", "u:单元七零二我姓何"], "21-3-702"),
        (["u:我住四十弄", "u:六号三零五"], "40-6-305"),
        (["u:好你家是六号八零一对", "u:吧八零二八零一是吴老师"], "6-802"),
        (["r:隔壁是三弄五号他家五零四我住五零三千万别讲我"], "3-5-503"),
        (["r:我是你们小区八幢的住户。", "s:四幢哪家的？", "r:四幢一单元。"], "8"),
        (["r:喂，六号，二零一，你们记一下。", "s:您朋友住几零几？", "r:七号三零三。"], "6-201"),
        (["r:三幢一单元租房子的二零六"], "3-1-206"),
    ],
)
def test_where_the_caller_lives(lines: list[str], lives: str) -> None:
    assert str(home(call(*lines))) == lives


def test_a_slip_about_the_room_leaves_the_building() -> None:
    turns = call("r:我是九号里的老周。六零二，哎不是不是，四零二。")
    assert home(turns) == Place(building="9", room="402")


def test_staff_complete_a_place_that_is_not_the_callers() -> None:
    turns = call("r:我是二号三零一的。", "r:四号楼有个小孩爬窗！", "s:四号楼五零三，我打他家电话。")
    assert place(turns, 1, 2) == "4-503"


def test_where_somebody_else_lives_is_not_the_matters_place_beside_the_answer() -> None:
    turns = call("r:我哥住在十五号，他能不能来？", "s:您家几号？", "r:二号三零六。")
    assert place(turns) == "2-306"


def test_somebody_in_passing_is_no_place() -> None:
    assert place(call("r:我是七号五零一的，我问六零二借过一袋米，还想团一袋。")) == "7-501"


def test_staff_ask_in_many_ways() -> None:
    assert asks_place("您是六零一吗?") and asks_place("你几号记室") and asks_place("八号三零二对吧")
    assert not asks_place("拆线是几号") and not asks_place("孩子几号生的")
    assert not asks_place("您是三号做的核酸吧") and not asks_place("手机号对吧")


@pytest.mark.parametrize(
    ("lines", "phone"),
    [
        (["r:号码幺八二三三四四七零九六三十号一一零三"], "18233447096"),
        (["r:五三二七，四四零六，座机。"], "53274406"),
        (["s:五三二七，四四零六，对吧？", "r:对对对。"], "53274406"),
        (["s:您电话？", "r:五三二七。", "s:五三二七。", "r:四四零六。"], "53274406"),
        (["s:五三二七四四零六队霸", "r:对的"], "53274406"),
        (["r:号码幺三乖洞动二幺八六勾五"], "13700218695"),
        (["r:手机幺五零六二幺四七七五六一共十一位"], "15062147756"),
        (["u:一七七零五六二八八三九一七七零五六二八八九三我再说一遍"], "17705628839"),
        (["r:号码是一百三十六的一三六然后零一六七然后八三二五"], "13601678325"),
    ],
)
def test_telephone_numbers(lines: list[str], phone: str) -> None:
    assert phone_of(call(*lines)) == phone


def test_a_sum_is_no_room() -> None:
    turns = call("r:我是八号四零二的。", "s:一共多少？", "r:两千一百零八。")
    assert place(turns, 2) == "8-402"


def test_a_number_of_a_card_is_no_room() -> None:
    turns = call("r:我是三号一零一的。", "s:卡尾号三三六零，是老的吧？", "r:三三六零，是老的！")
    assert home(turns).room == "101"
