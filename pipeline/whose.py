"""Whose an address is, by the words before and behind it: the caller's, a neighbour's, kin's, or nobody's.

A leaf: it reads one text, folded (`script.fold`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from pipeline.mishearing import like
from pipeline.runs import DIGIT, NUMBER

SELF_BEFORE = re.compile(
    r"(?:我(?:还|又|就|也)?是(?:那个|刚才的?|住)?|我住在?|住在?|住的是|(?<![给帮叫跟让找对和])我们(?:是|住|家|在|这里|这边|楼)?|咱们?|阿拉(?:是|住)?|租在?|我家(?:是|在|住)?|家里?(?:是|在|住)|"
    r"我在|我这里?是?|我这边是?|地址是?|门牌号?是?|这里是|我就是|(?<![给帮叫跟让找对和])我|侬|"
    r"我(?:是|叫)(?:[老小阿][^\s,。!?]|[^\s,。!?的]{1,2}(?:老师|阿姨|阿婆|爷叔|师傅|女士|先生))[呀啊哦嘛]?[\s,]|"
    r"(?:我|免贵|敝)姓[^\s,。!?的]{1,2}(?:[\s,]?[^\s,。!?]{1,2}的[^\s,。!?])?)"
    r"[\s,那个呃嗯第]{0,3}(?:[你咱]们?[这那]?(?:小区|社区|院子?)里?的?)?$"
)
"""What stands just before an address that is the caller's own."""

OTHER_BEFORE = re.compile(
    r"(?:隔壁|楼上|楼下|对门|对面|旁边|上面|下面|前面|后面|他家|她家|人家|他们|朋友|邻居|底楼|[一二三四五六七八九十]楼|告|投诉|举报|反映)"
    r"(?:的|是|那个|邻居|那家|住)?[\s,]{0,2}$"
)
SELF_AFTER = re.compile(
    r"里?(?:底楼|顶楼|[0-9一二三四五六七八九十]+楼)?(?:楼组长|的(?:楼组长|业主|居民|租户|住户|租客|[老小阿][^\s,。!?那这头太板人孩区伙姑朋妈爸婆公爷伯姨弟妹哥姐子狗猫]|[^\s,。!?的那]{1,2}(?:老师|阿姨|阿婆|爷叔|师傅|女士|先生)))"
)
"""十四号里顶楼的老范: the caller's own where it stands early in the call."""

OTHER_AFTER = re.compile(
    r"\s?(?:那[个家户位对边]|有[个户家]|的?(?:邻居|人家)|对面|旁边|隔壁|楼?后面|楼?前面|门口|你们能不能)"
)
COMPARED_AFTER = re.compile(r"(?:那边|楼|里|他们|人家)?(?:都|好好|倒|反而|早就|老早|已经|也没)")
"""对面九号都发了: tells what is so elsewhere, not where the matter is."""

KIN_BEFORE = re.compile(
    r"(?:妈|爸|娘|岳父|岳母|父亲|母亲|嫂|亲戚|爷|奶|公|婆|舅|姨|姑|伯|叔|哥|姐|弟|妹|儿子|女儿|朋友|同事|他|她)(?:[^,。!?我]{0,3}[住租]在?(?:我们|你们|这里)?|(?:家|那边|那里|那头)(?:是|在)?[\s,]{0,2})$"
)
"""舅舅住在十五号: somebody else's home."""

_TO_BEFORE = re.compile(rf"{DIGIT}(?:号楼?|[栋幢])?[到至道]$")
_TO_AFTER = re.compile(rf"[到至道]{NUMBER}(?:号|[栋幢])")
"""四栋到七栋: a range is nobody's home."""

PASSING_BEFORE = re.compile(
    r"我(?:们)?(?:去|来|再|就)?(?:找|问|跟|和|听)(?:过|了)?(?:隔壁|楼上|楼下|对门|对面)?$"
)
"""我找六零二分一袋: somebody in passing."""

FLOOR_BEFORE = re.compile(r"[0-9一二三四五六七八九十]楼[\s,]{0,2}$")
"""十四楼，一四零二: an answer that tells the floor first."""

OWN_AFTER = re.compile(r"\s?(?:就|才)?是我(?:们)?家?(?:[呀啊哦噢嘛的,。!?\s]|$)")
"""三零一是我呀."""

KIN_AFTER = re.compile(
    r"是(?:我[^,。!?]{1,5}[那拿哪纳]边|[^,。!?我你您]{1,2}(?:老师|阿姨|阿婆|爷叔|师傅|先生|家))"
)
"""六〇二是我儿子那边, 八零一是陈老师: where somebody else lives, and no matter is."""

OTHERS_ROOM_BEFORE = re.compile(r"(?:[他她]|人家|那家|对方)(?:家|就)?[是住在]?[\s,]?$")
"""他是六零三，我是五零三: a room alone that is said of somebody else."""

PERSON_AFTER = re.compile(
    r"的(?:小伙|小姑娘|那个|那位|志愿者|大妈|大爷|男的|女的|一个|有个|老头|团长)"
)
"""六号楼的小伙子: says who somebody is, not where the matter is."""

_OFFERED_BEFORE = re.compile(r"[您你侬](?:们)?家?(?:就?是|住在?|在)(?:那个)?$")
OFFERED_AFTER = re.compile(r"室?的?[,\s]?(?:[对是][吧吗伐]|对不对|是不是|没错吧|吗|伐)")

_WHO = "(?:老师|阿姨|阿婆|爷叔|师傅|伯伯|奶奶|爷爷|大妈|大爷|大姐|大哥|叔叔|先生|女士|医生|小伙子?)"
_HELPER_AFTER = re.compile(
    rf"[那家的个]{{0,3}}(?:[老小][^\s,。!?]|[^\s,。!?的]{{1,2}}?{_WHO})[^。!?]{{0,16}}(?:蛮好|人好|很好|热心|帮|照应|照顾|认得|熟|有钥匙|作证|可以|愿意|陪|(?:跟|和|对|给)我[讲说])"
)
"""隔壁五零四的胡老师蛮好的: somebody who helps, where nothing is wrong."""
_WRONG = re.compile(
    "漏|吵|闹|响|敲|砸|装修|电钻|狗|臭|味|烟|堆|扔|倒|滴|渗|打架|骂|麻将|音乐|唱|跳|吼|占|没人|不应|没开|摔|晕|病|走失|不见|烧|水"
)
_ILL_AFTER = re.compile(
    r"(?:那[个家位户]|的)?[^,。!?]{0,5}(?:(?:阳|出|转走|拉走)了|不是出了|(?:是|有)阳性?(?:的|了))(?![^。!?]{0,16}(?:还没|没人|没[拉转来]|怎么还))"
)
"""楼上一零零四阳了，我们楼…: tells why something is asked for here; but not 阳了还没拉走."""
_ROOM = f"(?:{DIGIT}{{3,4}}|[一二三]?十[一二三四五六七八九]?[零〇0][1-9一二三四五六七八九])"
_BESIDE = "(?:室|号|家)?的?(?:隔壁|楼上|楼下|对门|对面|斜对面|旁边)的?(?:是)?"
_BESIDE_AFTER = re.compile(rf"{_BESIDE}[\s,]?{_ROOM}(?=[\s,。!?的]|$)")
_BESIDE_OWN = re.compile(rf"我(?:们|家)*(?:就|又)?(?:是|在|住)(?:在)?{_ROOM}{_BESIDE}[\s,]?$")
"""我是二零一楼上三零一: the caller's is the second."""
_COMPARED_BEFORE = re.compile(r"(?:跟|和|同|与|比|像)$")
_COMPARED_NEAR = re.compile(r"(?:就|都|是|也)?(?:斜?对[门面]|隔壁|一[样层]|同一)")
"""跟八零五就斜对门: tells where the caller is."""
_WENT_THERE = re.compile(r"(?:[拎走跑绕搬送开拿喊排发做][到去]|去到|从)$")
_SAID_TO_BE = re.compile(
    rf"(?:[他她]|人家|对方)(?:们)?(?:自己)?(?:[说讲](?:[他她](?:们)?)?)(?:就)?[是住]在?$|(?:^|[\s,。])(?:听)?[说讲]{like('是')}$"
)
"""她说她是三十五号的: hearsay."""
_THEN = re.compile(
    r"(?:那边|的?人|楼|里|他们|人家)?(?:每家|家家|户户|人人|没有?这个人|(?:昨天|前天|今天|早上|上午|中午|下午|上个?礼拜|上周|大?前天)(?:晚上|夜里)?(?:就|都|已经|早就))"
)
"""七号楼昨天就发了, 六号楼每家有一只鸡: what is so elsewhere."""
_OWN_FLOOR = re.compile(
    rf"(?<![给帮叫跟让找对和])我们?家?(?:就|是|也|还|又)?(?:住|在|是)?(?:在)?(?:{NUMBER}[楼层]|底楼|顶楼)(?:的|是)?[\s,]{{0,2}}$"
)
_CALLED_AFTER = re.compile(r"(?:那[个位家]|的)[^\s,。!?我]{1,5}[\s,]?(?:叫|姓|名字)")
_ONLY_FLOOR = re.compile(rf"[嗯哦啊好对\s,。]*{NUMBER}楼[\s,]*")
"""二楼，二零一: nothing says that somebody else is meant."""
_THEY_AFTER = re.compile(r"[\s,]{1,2}(?:[他她](?!们)|我们?家?(?:楼上|楼下|隔壁|对门))")
"""三零二，我们楼上; 九零四，他在群里…."""
_DENIED_BEFORE = re.compile(r"(?<!是)不(?:是|住在?|在)(?:那个)?$")


@dataclass(frozen=True, slots=True)
class Whose:
    """What `places.Address` says of itself under the same names; `denied`: 不是六零一."""

    own: bool
    other: bool
    person: bool
    offered: bool
    kin: bool
    named: bool
    denied: bool


def whose(
    text: str, start: int, end: int, *, building: bool, room: bool, asked: bool, others: bool
) -> Whose:
    """Whose the address is that stands in `text[start:end]` and has a `building`, a `room` or both.

    `asked`: staff have just asked where; `others`: and meant somebody else's home, which the address answers.
    """
    before, after = text[max(0, start - 18) : start], text[end : end + 6]
    floor = bool(_OWN_FLOOR.search(before) or _BESIDE_OWN.search(before))
    own = floor or bool(SELF_BEFORE.search(before) or OWN_AFTER.match(text, end))
    complete = building and room
    # 我是二十一号楼的八零三隔壁…: nobody calls a whole address his own that is not; nor 对面四号楼七零二的。
    other = (
        bool(OTHER_BEFORE.search(before))
        and not floor
        and not (complete and re.match("的(?:[,。!?]|$)", after))
        and not (FLOOR_BEFORE.search(before) and (asked or _ONLY_FLOOR.fullmatch(text, 0, start)))
    )
    other |= bool(OTHER_AFTER.match(after)) and not (complete and (own or asked))
    other |= not building and (bool(OTHERS_ROOM_BEFORE.search(before)) or (others and not own))
    kin = not asked and bool(KIN_BEFORE.search(before) or _SAID_TO_BE.search(before))
    other |= kin and not room
    offered = bool(_OFFERED_BEFORE.search(before))
    beside = not building and bool(_BESIDE_AFTER.match(text, end)) and before.endswith("是")
    own = not (other or kin or offered or beside) and (
        own or (complete and bool(OTHER_BEFORE.search(before)))
    )
    return Whose(
        own=own,
        other=other,
        person=beside
        or (not own and _only_named(text, start, end, before, after, building, room, other)),
        offered=offered or (building and bool(OFFERED_AFTER.match(text, end))),
        kin=kin,
        named=not other
        and bool(
            SELF_AFTER.match(
                text[end - 1 : end + 10] if text[end - 1] == "里" else text[end : end + 10]
            )
        ),
        denied=bool(_DENIED_BEFORE.search(before)),
    )


def _only_named(
    text: str,
    start: int,
    end: int,
    before: str,
    after: str,
    building: bool,
    room: bool,
    other: bool,
) -> bool:
    """Whether the address only tells who somebody is, or what something is like: no matter is there."""
    if _CALLED_AFTER.match(text, end) and before.endswith("是"):
        return True
    if KIN_AFTER.match(text, end) or PASSING_BEFORE.search(before):
        return True
    if _COMPARED_BEFORE.search(before) and _COMPARED_NEAR.match(text, end):
        return True
    helper = _HELPER_AFTER.match(text, end)
    if helper and (other or not building) and not _WRONG.search(helper[0]):
        return True
    if _ILL_AFTER.match(text, end):
        return True
    return not room and bool(
        PERSON_AFTER.match(after)
        or _TO_BEFORE.search(before)
        or _TO_AFTER.match(text, end)
        or _WENT_THERE.search(before)
        or _SAID_TO_BE.search(before)
        or _THEN.match(text, end)
        or (other and COMPARED_AFTER.match(text, end))
    )
