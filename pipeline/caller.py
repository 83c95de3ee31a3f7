"""Who calls, read out of the whole call: where the caller lives, and the caller's name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from pipeline.parts import MASK
from pipeline.places import fits, join
from pipeline.reading import Reading, read
from pipeline.types import Place, Turn

_NEAR = 16
"""四十四号，我住二楼，二零三: a room so few characters behind the caller's building is the caller's."""

_OWN_WHOLE, _OWN, _ASKED, _ALONE, _WHOLE, _NAMED, _UNSURE = 7, 6, 5, 4, 3, 2, 1
"""How surely an address is the caller's home: said to be, whole or in part; the answer to a question;
an address with no more words; any building with a room; any building; the one room that is named."""


def home(turns: Sequence[Turn]) -> Place:
    """Where the caller lives, as the words of the whole call tell; empty where they do not.

    Own words (我是…的, 我住…) go before answers to the staff's question, then comes what staff ask and is
    confirmed, an address that stands alone, and where there are none of these a whole address, or the
    one building that is named; a neighbour's room, or a spot near a building, does not count.
    """
    return _home(list(_homes(read(turns), 0, len(turns))))


def homes(turns: Sequence[Turn]) -> list[tuple[int, Place]]:
    """Where the callers live, each with the turn from which on this one speaks; mostly there is one.

    Another has taken the telephone where words say so, and where another home is told after them.
    """
    calls = read(turns)
    found = [(0, home(turns))]
    for index in range(1, len(turns)):
        if turns[index].speaker == "staff" or not _hands_over(calls, index):
            continue
        before = _home(list(_homes(calls, found[-1][0], index)))
        after = _home([one for one in _homes(calls, index, len(turns)) if one[0] >= _OWN])
        if after.building and before.building and not fits(before, after):
            found[-1] = (found[-1][0], before)
            found.append((index, join(after, replace(Place(), lane=before.lane))))
    return found


def lives_at(homes: Sequence[tuple[int, Place]], turn: int) -> Place:
    """The home of who speaks in `turn`."""
    return next(place for first, place in reversed(homes) if first <= turn or not first)


_TAKES = re.compile(
    r"换(?:个)?人|(?:那|好)?我来(?:[讲说]|接)|(?:让|叫)我(?:也)?(?:来)?[讲说]|(?:轮到|该)我(?:来)?[讲说]|我[^,。!?]{0,8}不是一家|"
    r"我是(?:[他她](?:家)?(?:隔壁|楼上|楼下|对门)?的?(?:邻居|老婆|老公|爱人)|旁边)"
)
_GIVES = re.compile(
    r"(?:你|[他她]|老.|小.)(?:自己)?来?(?:[讲说]|接)(?:吧|好了)?[\s,。!]*$|(?:电话|手机)(?:给|拿给|递给)|换(?:[他她]|个人|老.|小.)"
)


def _hands_over(calls: Reading, index: int) -> bool:
    """Whether the telephone passes to somebody else at the beginning of a turn or the end of the one before."""
    if _TAKES.search(calls.folded(index)[:_BEGINS]):
        return True
    before = index - 1
    while before > 0 and calls.turns[before].speaker == "staff":
        before -= 1
    return index - before <= 2 and bool(_GIVES.search(calls.folded(before)[-_BEGINS:]))


_BEGINS = 18
"""Characters in which one says that somebody else speaks now."""


def _home(said: Sequence[tuple[int, Place]]) -> Place:
    own = {place.building for sure, place in said if sure == _OWN and place.building}
    rooms = {place.room for _, place in said if place.room}
    buildings = {place.building for _, place in said if place.building}
    found = Place()
    for sure, place in sorted(said, key=lambda one: -_surely(one[0], one[1], own)):
        if sure == _UNSURE and len(rooms) > 1:
            continue
        if sure == _NAMED and place.building and (found.building or len(buildings) > 1):
            continue
        if fits(found, place):
            found = join(found, place)
        elif place.building and not found.building and fits(found, replace(place, room=None)):
            found = join(found, replace(place, room=None))  # 是六号八零一吧？八零二。
    return found


def _surely(sure: int, place: Place, own: set[str]) -> int:
    """六幢九零二 is as sure as 我是六幢的."""
    return _OWN_WHOLE if place.room and place.building in own else sure


def _homes(calls: Reading, first: int, last: int) -> Iterator[tuple[int, Place]]:
    """Addresses that may be the caller's in turns `first` up to `last`, with how surely, in the order in
    which they are said."""
    for index, turn in enumerate(calls.turns[first:last], first):
        if turn.unheard:
            continue
        near_until, near = -1, 0
        for address in calls.addresses(index):
            place, sure = address.place, 0
            if address.person or (address.kin and not place.room):
                continue
            if address.other:  # 三号楼后面的垃圾桶
                if place.building and turn.speaker != "staff":
                    yield _NAMED, place
                continue
            if turn.speaker == "staff":
                complete = bool(place.building and place.room)
                confirmed = calls.agrees(index + 1)
                if address.offered or (complete and confirmed):
                    yield (_ASKED if confirmed else _ALONE), place
                elif complete:  # 六号四零二，警察马上来: staff know who calls
                    yield _NAMED, place
                continue
            early = index <= 3 or "我是" in turn.text[max(0, address.start - 16) : address.start]
            if address.kin:
                sure = _WHOLE
            elif address.own:
                sure = _OWN_WHOLE if place.room else _OWN
            elif address.asked or (early and address.whole and place.building and place.room):
                sure = _ASKED
            elif address.whole or (address.named and early) or address.offered:
                sure = _ALONE
            elif place.building:
                sure = _WHOLE if place.room or place.unit else _NAMED
            elif place.lane:
                sure = _NAMED
            if not (place.building or place.lane):
                # 六零三 alone may be a neighbour's: it must be said of oneself, or be the answer.
                if address.start <= near_until:
                    sure = max(sure, near)
                elif sure == _ALONE:
                    sure = _WHOLE
                elif not sure:
                    sure = _UNSURE
            elif sure >= _ALONE:
                near_until, near = address.end + _NEAR, sure
            if sure:
                yield sure, place


_SURNAMES = (
    "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜戚谢邹喻柏窦章云苏潘葛奚范彭郎鲁韦昌马"
    "苗凤花方俞任袁柳鲍史唐费廉岑薛雷贺倪汤滕殷罗毕郝邬安常乐于时傅卞齐康伍余元卜顾孟平黄穆萧肖尹姚邵湛汪祁毛"
    "禹狄米贝明臧计伏成戴谈宋茅庞熊纪舒屈项祝董梁杜阮蓝闵席季麻强贾路娄危江童颜郭梅盛林刁钟徐邱骆高夏蔡田樊胡"
    "凌霍虞万支柯管卢莫经房裘缪干解应宗丁宣邓郁单杭洪包诸左石崔吉龚程邢裴陆荣翁荀羊惠曲封储靳松井段富焦巴牧谷"
    "车侯班仰仲伊宫宁仇栾甘厉祖武符刘景詹束龙叶幸司黎薄白怀蒲丛索咸卓蔺蒙池乔能闻党翟谭贡姬申冉桑桂牛边燕尚农温"
    "庄晏柴瞿阎连习艾鱼容向古易戈廖耿居衡步都满寇广东沃利蔚越夔隆师巩聂晁敖融冷辛阚那简饶曾关相查游涂佘岳梅覃"
)
_COMPOUND = "欧阳|上官|司马|诸葛|司徒|东方|皇甫|尉迟|公孙|慕容|令狐|夏侯"
_NOT_NAME = "的是在住要想有不家说这那你您我他她们啊呀吧呢了就和跟也很这里今明昨现刚一二三四五六七八九十号楼电"
_NAME = re.compile(
    rf"(?:我(?:就)?姓|免贵姓?|敝姓|本人姓)(?P<family>{_COMPOUND}|[^\s,。!?的是叫什啥名还])"
    rf"|(?:我(?:的名字)?叫|我名字叫|我名叫)(?P<full>(?:{_COMPOUND}|[{_SURNAMES}])[^\s,。!?;:{_NOT_NAME}]{{1,2}})"
    rf"|(?:我是|我就是|的|里|{MASK})[\s,]?(?P<known>[小老阿][{_SURNAMES}](?![\u4e00-\u9fff]?[板师人])|(?:{_COMPOUND}|[{_SURNAMES}])(?:老师|阿姨|阿婆|阿公|师傅|女士|先生|奶奶|爷爷|爷叔))"
    rf"|{MASK}的(?P<of>(?:{_COMPOUND}|[{_SURNAMES}])[^\s,。!?;:{_NOT_NAME}]{{1,2}})(?=[,。\s])"
    rf"|(?<=[,\s。])姓(?P<bare>{_COMPOUND}|[{_SURNAMES}])(?=[,。!?\s]|$)"
)


def caller_of(turns: Sequence[Turn]) -> str | None:
    """The caller's name as the caller gives it: 蒋, 高岩, 小陆; None where it is not said."""
    calls = read(turns)
    for index, turn in enumerate(turns):
        if turn.speaker == "staff" or turn.unheard:
            continue
        name = _name(calls[index].rest, turn.text)
        if name:
            return name[0]
    return None


def _name(rest: str, text: str) -> tuple[str, int, int] | None:
    for match in _NAME.finditer(rest):
        group = next(name for name in ("family", "full", "known", "of", "bare") if match[name])
        before = rest[max(0, match.start() - 8) : match.start()]
        if group in ("known", "bare") and not (
            group == "known" and match[0].startswith(("我是", "我就是"))
        ):
            # 我妈…姓严: somebody else's; the address before it must be the caller's own.
            if re.search(
                r"妈|爸|姑|婆|儿子|女儿|邻居|隔壁|那个",
                rest[max(0, match.start() - 24) : match.start()],
            ):
                continue
            if MASK not in before and group == "known" and MASK not in match[0]:
                continue
            if group == "bare" and MASK not in rest[max(0, match.start() - 16) : match.start()]:
                continue
        start, end = match.span(group)
        return text[start:end], start, end
    return None
