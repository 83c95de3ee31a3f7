"""The parts of an address, each alone: 二号楼, 三单元, 五零一, 2-501, 三十弄; and whether 二号 is one at all.

A leaf: it reads one text, folded (`script.fold`). A number before 号 may be a building or a day of the
month: the words around decide. `places.py` joins the parts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from pipeline import questions
from pipeline.runs import DIGIT, NUMBER
from pipeline.script import digits, spoken_number
from pipeline.types import Place
from pipeline.whose import OFFERED_AFTER, OTHER_BEFORE, SELF_BEFORE

MASK = "\ue000"
"""Stands for a character that was read already; it is in no pattern."""

NOT_IN_NUMBER = "(?<![0-9零〇○一二两三四五六七八九十百千万廿卅幺第周拜-])(?<!星期)"
NO_MORE = "(?!(?!千万)[0-9零〇○一二两三四五六七八九十百千万幺])"

_ROOM_NUMBER = (
    f"(?:{DIGIT}{{3,4}}|[一二三]?十[一二三四五六七八九]?[零〇0][1-9一二三四五六七八九]|"
    "(?:[一二两三]千)?[一二两三四五六七八九]百[零〇][一二三四五六七八九])"
)
"""五零一, 1201, 一二〇一, 十二零一 (twelfth floor, 01), 两千一百零六."""

_UNITS_AFTER = (
    "块|元|个|只|斤|公斤|度|毫|克|米|多|点|分|秒|次|万|千|百|人|天|户|年|月|日|岁|平|瓶|盒|箱|包|份|张|条|"
    "件|双|套|片|粒|颗|支|袋|路|级|楼|层|单元|弄|号|周|位|名|例|小时|%|米|站|台|股|集|期|版"
)
"""A bare 502 followed by one of these is a quantity, not a room."""

# Each part of an address alone. Longer and surer forms stand first.
_PARTS = re.compile(
    "|".join(
        [
            # 2-3-501, 2-501, 二杠五零一; never 2022-04-05 nor the middle of a longer number
            rf"(?P<dash>(?<![0-9零〇一二三四五六七八九幺a-z.:/-])(?P<d1>[0-9]{{1,3}}|{DIGIT}{{1,2}}|[一二三四五六七八九]?十[一二三四五六七八九]?)"
            rf"\s?(?:[-－–—~杠]|横杠|之)\s?(?:(?P<d2>{DIGIT}{{1,2}})\s?(?:[-－–—~杠]|横杠|之)\s?)?(?P<d3>{DIGIT}{{3,4}})(?:室)?(?![-0-9零〇一二三四五六七八九幺]))",
            # 三十弄, 1250弄
            rf"(?P<lane>{NOT_IN_NUMBER}(?P<ln>{NUMBER})\s?弄(?![得好来错丢坏到个一清完]))",
            # 二号楼, 12栋, 5幢, 30号甲, a座
            rf"(?P<block>(?:(?:(?<=第)|{NOT_IN_NUMBER})(?P<bn>{NUMBER})\s?(?P<bs>[甲乙丙丁])?(?:号楼(?!上)|[栋幢]|座(?=[\s,里楼]|的(?![车商轿])|[0-9零〇一二两三四五六七八九十]|$))|(?<![a-z])(?P<bl>[a-h])(?:座(?!位)|栋|幢|号?楼))(?P<bt>[甲乙丙丁])?)",
            rf"(?P<unit>{NOT_IN_NUMBER}(?P<un>[0-9]{{1,2}}|[一二两三四五六七八九十]{{1,3}})\s?(?:单元(?!门口)|[门们](?={DIGIT}{{3,4}})))",
            # 501室, 一百零二室, 1201房间
            rf"(?P<room>{NOT_IN_NUMBER}(?P<rn>{_ROOM_NUMBER}|{NUMBER})(?P<rl>[a-d甲乙])?\s?(?:室(?![内外友户]|[一两二]厅)|房间?(?![子产东租贷管款])))",
            # 30号甲, and 二号 alone: a building or a day, see is_building
            rf"(?P<gate>{NOT_IN_NUMBER}(?P<gn>{NUMBER})\s?号(?P<gs>[甲乙丙丁])?"
            r"(?!线|码|文|床|桌|厅|口|窗|井|梯|机|位|球|车|馆|台|坑|病|院(?=[0-9零〇一二两三四五六七八九十]{1,3}(?:号楼|[栋幢]))|[^,。]?电梯|门(?![口洞前0-9零〇一二三四五六七八九幺]|[\s,]*(?:底楼|顶楼|[0-9一二三四五六七八九十]{1,3}[楼层])))"
            r"(?:里|门洞|门口|楼|门(?=[0-9零〇一二三四五六七八九幺]|[\s,]*(?:底楼|顶楼|[0-9一二三四五六七八九十]{1,3}[楼层])))?)",
            # 502 or 三〇二 alone: a room only where the words around say so
            rf"(?P<bare>{NOT_IN_NUMBER}(?<![a-z.:/+周拜期每初第])(?P<an>{_ROOM_NUMBER})(?:[\s,]?(?P=an))*(?P<al>[a-d](?![a-z]))?{NO_MORE}(?![a-z.:/-]))",
        ]
    )
)


RANK = {"lane": 0, "block": 1, "gate": 1, "answer": 1, "unit": 2, "room": 3, "bare": 3, "dash": 4}

_KINDS = ("lane", "block", "gate", "unit", "room", "bare", "dash")

_DAY_AFTER = re.compile(
    r"[\s,]{0,2}(?:早|上午|中午|下午|傍晚|晚|夜|凌晨|之前|以前|前(?![面头后排])|为止|开始|到期|了|那天|那一天|当天|放(?!在)|"
    r"搬|退租|交房|出院|就(?!是)|开(?:课|会|学|始|放|门)|左右|以后|之后|起|截止|[一二三四五六七八九十0-9]{1,3}点|封|进去的|"
    r"出来|回来|过来|去|能|做的|到现在|礼拜|星期|周[一二三四五六日天]|[到来走回做]的)"
)
_MAYBE_DAY_AFTER = re.compile(r"[\s,]{0,2}(?:我|你们?[能会]|还有|要|有(?![人户家]))")

_DAY_BEFORE = re.compile(
    r"(?:月份?|每个?月|礼拜.|星期.|周[一二三四五六日天]|到|从|自|截至|截止|大后天|后天|明天|今天|昨天|前天|打|拨|贴|(?<![0-9一二三四五六七八九十])排|拿的|叫到|是不是|最晚|地下|车位|车库)[\s,]{0,2}$"
)
_BUILDING_AFTER = re.compile(
    rf"\s?(?:{NUMBER}[楼层]|[楼栋]|底楼|地下|顶楼|单元|平房|大?院|[东南西北][面边头侧]|对面|旁边|前面|后面|下面|底下|隔壁|是(?:封控|管控|防范)|这[栋幢边里]|"
    r"那[栋幢边]|那个[^,。!?]{1,4}的|的?(?:居民|业主|住户|租户|租客|楼组长|老|小|阿姨|阿婆|阿公|爷叔|奶奶|伯伯|姓|电梯|楼道|门|大门|垃圾))"
)
_LIVES_BEFORE = re.compile(r"(?:我们?家?|[,。\s]|^)(?:就|是|也|都)?(?:住在?|租在)$")
_STREET_BEFORE = re.compile("(?:[路街巷弄]|新村|公寓|花园|家园|[\u4e00-\u9fff]苑)$")
_BUILDING_BEFORE = re.compile(
    r"(?:我们?是|我住|住在?|租在?|我们|咱们?是?|阿拉|我家在?|家里?在|家住|我在|在你们|地址是?|门牌是?|这里是|这边是|就是|我)(?:那个)?[\s,]{0,2}$"
)


SERVICE = frozenset({"110", "119", "120", "122", "114", "315", "911"})


@dataclass(frozen=True, slots=True)
class Part:
    kind: str
    place: Place
    start: int
    end: int


def _figure(words: str) -> str | None:
    number = spoken_number(re.sub(r"^(廿|卅|十)\1+", r"\1", words))  # 廿……廿四
    return None if number is None else str(number)


def _room(words: str) -> str | None:
    """五零一 → 501, 十二零一 → 1201, 一百零二 → 102."""
    if "十" in words[:-2] and words[-2] in "零〇0":
        floor = spoken_number(words[:-2])
        return None if floor is None else f"{floor}0{digits(words[-1])}"
    plain = digits(words)
    return plain if plain.isdigit() else _figure(words)


def _part(match: re.Match[str]) -> Part | None:
    kind = match.lastgroup or ""
    # lastgroup names the last inner group that matched: find the outer one.
    kind = next(name for name in _KINDS if match[name] is not None)
    place = Place()
    if kind == "dash":
        building, unit, room = _figure(match["d1"]), match["d2"], _room(match["d3"])
        if building and room and _plausible_room(room):
            place = Place(building=building, unit=_figure(unit) if unit else None, room=room)
    elif kind == "lane":
        little = match["ln"] in "一两" and not match.string[match.end() : match.end() + 1].isdigit()
        if not little:  # 弄一弄
            place = Place(lane=_figure(match["ln"]))
    elif kind == "block":
        letter = match["bl"]
        number = letter.upper() if letter else _figure(match["bn"])
        if match["bn"] == "一" and match.string[: match.start()].endswith(tuple("那这哪每整另同")):
            number = None  # 靠水塔的那一幢
        if number and number != "0":
            place = Place(building=number + (match["bs"] or match["bt"] or ""))
    elif kind == "unit":
        place = Place(unit=_figure(match["un"]))
    elif kind == "room":
        number = _room(match["rn"])
        place = Place(room=number + (match["rl"] or "").upper() if number else None)
    elif kind == "gate":
        number = _figure(match["gn"])
        if number and 0 < int(number) < 1000:
            place = Place(building=number + (match["gs"] or ""))
    else:
        number = _room(match["an"])
        if number and _plausible_room(number):
            place = Place(room=number + (match["al"] or "").upper())
    return Part(kind, place, *match.span()) if place else None


def _plausible_room(number: str) -> bool:
    """Floor 1 to 60, flat 1 to 36: no year, no hundred yuan, no 4050."""
    return len(number) in (3, 4) and 1 <= int(number[:-2]) <= 60 and 1 <= int(number[-2:]) <= 36


def is_building(part: Part, text: str, asked: bool) -> bool:
    """Whether N号 alone is a building and no day of the month."""
    words = text[part.start : part.end]
    if not words.endswith("号"):  # 十二号里, 30号甲, 三号楼
        return True
    number = int(re.sub(r"\D", "", part.place.building or "0"))
    before, after = text[max(0, part.start - 5) : part.start], text[part.end : part.end + 6]
    if _DAY_BEFORE.search(before):
        return False
    if _BUILDING_AFTER.match(after) or _LIVES_BEFORE.search(text, 0, part.start):
        return True
    if _STREET_BEFORE.search(before) and re.match(r"[\s,。!?的]|$", after):
        return True
    if number > 31:
        return True
    if _DAY_AFTER.match(after) or (not asked and _MAYBE_DAY_AFTER.match(after)):
        return False
    if not part.start and OFFERED_AFTER.match(text, part.end):
        return True  # 二十五号是吧？
    return asked or bool(_BUILDING_BEFORE.search(before) or re.match("的", after))


def is_room(part: Part, text: str, asked: bool) -> bool:
    """Whether 502 or 三〇二 alone is a room."""
    before, after = text[max(0, part.start - 6) : part.start], text[part.end : part.end + 7]
    words = text[part.start : part.end]
    lead = text[max(0, part.start - 10) : part.start]
    own_before = SELF_BEFORE.search(lead) or _ANEW.search(lead)
    if re.fullmatch(rf"({DIGIT}{{3,4}})(?:[\s,]?\1)+", words):
        return True  # 五零一，五零一老早就讲了: so is a room said again, and no quantity
    if digits(words) in SERVICE:
        return bool(re.match("室", after)) or (
            asked and not re.search("[打叫拨喊报找]$", before) and "120" not in digits(words)
        )
    if is_quantity(words, after) or (re.search("[百千]", words) and not (asked or own_before)):
        return False  # 一共两千一百零八。
    if re.search(
        r"(?:还剩|大概|一共|总共|花了|收了|多少|密码[^,。]{0,3}|后四位[^,。]{0,3}|尾号[^,。]{0,3}|[打叫拨])[\s,]?$",
        before,
    ):
        return False
    if re.match(
        r"[,\s]*(?:室|那(?:[个家户位]|[两三几]个)|我们?家?(?:楼上|楼下|隔壁|对门)|[他她](?=在)|家(?!里)|的(?!时候)|这[个家户]|[是对]吧|对伐|[老小](?![人区孩板师公婆鼠时])|[^\s,。!?的一二三]{1,2}(?:家|阿姨|阿婆|爷叔|老师|师傅|姆妈|奶奶|伯伯))",
        after,
    ):
        return True
    if OTHER_BEFORE.search(before) or re.search(
        r"(?:我(?:家|这里|这边)?是|我住|住在?|我家|[就还也]是|[讲说告找]的是|[在给]|室|房间|我)$",
        before,
    ):
        return True
    if _READ_OUT.fullmatch(words) and not _MARKS.search(text):
        return True
    return asked or whole(part.start, part.end, text)


_ANEW = re.compile(r"(?:不对|不是|错了)[\s,。]*$")
_READ_OUT = re.compile("[一二三四五六七八九幺]{1,2}[零〇][一二三四五六七八九幺]")
"""四零四, digit by digit: where nothing is punctuated that is a room, for quantities are said 四百零四."""
_MARKS = re.compile("[,。!?;，]")


def is_quantity(words: str, after: str) -> bool:
    """Whether what follows makes it so many of something; 六零三 read out digit by digit is none."""
    if "百" not in words and re.search("[零〇一二三四五六七八九]", words):
        return bool(re.match(r"\s?(?:[年弄路级层]|号(?!码)|单元|楼(?![上梯]))", after))
    return bool(re.match(rf"\s?(?:{_UNITS_AFTER})", after))


def whole(start: int, end: int, text: str) -> bool:
    """Whether the clause holds the address and nothing more than a particle."""
    before = re.search(rf"[^,。!?;:…\s—{MASK}]*$", text[max(0, start - 12) : start])
    after = re.match(rf"[^,。!?;:…\s—{MASK}]*", text[end : end + 12])
    rest = (before[0] if before else "") + (after[0] if after else "")
    return bool(
        re.fullmatch(
            r"(?:就|是|喏|哦|噢|啊|呀|嘛|的|室|吧|好|对|嗯|对的|那个|喂|你好|在|我|底楼|顶楼)*",
            rest,
        )
    )


_LEADS = r"(?:[嗯哦噢啊喂哎对好呃那个您你\s,。]|咱|俺|阿拉|侬|我们?(?:家|这里|这边)?|就?是|住在?|在|就|第)*"
_BARE = (
    re.compile(
        rf"{_LEADS}(?P<n>[一二三四五六七八九]?十[一二三四五六七八九]?)(?P<s>)(?={_ROOM_NUMBER}(?!{DIGIT}))"
    ),
    re.compile(
        rf"{_LEADS}(?P<n>{NUMBER})(?P<s>[甲乙丙丁])?(?=[\s,。!?、…;:]|[的呀啊哦呢嘛吧哎勒呐]|{MASK}|$|我)"
    ),
)
"""我四十四。 — the answer to 您是几号."""


def _bare_answer(text: str, wanted: questions.Wanted) -> Part | None:
    match = next(filter(None, (bare.match(text) for bare in _BARE)), None) if wanted else None
    if match is None or re.fullmatch(f"{DIGIT}{{3,}}", match["n"]):
        return None  # 五零一 is a room, whatever was asked
    number = _figure(match["n"])
    if not number or not 0 < int(number) < 1000:
        return None
    start, end = match.start("n"), match.end("s") if match["s"] else match.end("n")
    if wanted == "unit":
        return Part("unit", Place(unit=number), start, end)
    return Part("answer", Place(building=number + (match["s"] or "")), start, end)


def parts_of(text: str, wanted: questions.Wanted) -> Iterator[Part]:
    """The parts of addresses in `text`, in order; first the bare number that answers a question, where
    such a part is `wanted`."""
    bare = _bare_answer(text, wanted)
    if bare is not None:
        yield bare
        text = MASK * bare.end + text[bare.end :]
    for match in _PARTS.finditer(text):
        part = _part(match)
        if part is not None:
            yield part
