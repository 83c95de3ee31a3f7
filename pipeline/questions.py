"""What staff ask: whether for an address, for which part of it, and whose.

A leaf: it reads one text, folded (`script.fold`).
"""

from __future__ import annotations

import re
from typing import Literal

from pipeline.mishearing import mend
from pipeline.runs import DIGIT, NUMBER

Wanted = Literal["", "building", "unit"]
"""Which part of an address a bare number would be."""

ASKS_OTHERS = re.compile(
    r"(?:楼上|楼下|隔壁|对门|对面|[他她]们?家?|邻居|对方|那[家户])[^,。!?]{0,5}[几哪]|[哪几][家户]"
)
"""Staff ask for somebody else's address: 您楼上是几室."""

ASKS_PLACE = re.compile(
    r"几号|几室|几零几|几[层楼]|哪一?层|哪个?楼|哪[一]?[栋幢号户家]|哪个?室|几[栋幢楼]|几单元|[零〇]几|住[在]?哪|住几|门牌|地址|哪里的|哪个号|哪个?门洞|房号|室号"
)
"""Staff ask for the address: the bare number that follows is one."""

OFFERS = re.compile(
    rf"(?:[您你侬](?:们)?家?(?:就?是|住在?|在)[^,。!?]{{0,4}}(?:{NUMBER}(?:号楼?|[室栋幢弄楼层]|单元)?){{1,4}}的?(?:[对是]?[吧吗伐对]|对不对|没错吧)?|"
    rf"{DIGIT}(?:[号室栋幢弄]|号楼|单元)?的?(?:[对是][吧吗伐]|对不对|没错吧|吗|伐))[?。—…]*$"
)
"""Staff ask whether this is the address."""

_ASKS_DAY = re.compile(
    r"(?:月|拆线|复查|到期|过期|手术|开刀|生日|出生|预产期|生效|解封|出院|回来|什么时候|[下上这][一]?[趟次回]|今天|明天|昨天)[^,。!?]{0,3}几号|"
    r"几号(?=走|去|来|生|做|到期|拆|出院|开始|回来|解封)"
)
"""拆线是几号 asks for a day."""

_ASKS_BUILDING = re.compile(
    r"几号(?!室|房|线|码)|[几哪]一?[栋幢号](?!线|码)|几号?楼|哪个?(?:楼|号|门洞|门牌)|楼号|哪里的|住[在]?哪|住几|地址|门牌"
)
_ASKS_FLOOR = re.compile(r"几[楼层]|哪一?层")
_ASKS_UNIT = re.compile("几单元|哪个?单元|哪个?门$")


def asks_place(text: str) -> bool:
    """Whether what staff say (folded) asks for an address, or whether it is this one."""
    heard = _ASKS_DAY.sub("", mend(text))
    return bool(ASKS_PLACE.search(heard) or OFFERS.search(heard))


def asks_for(text: str) -> Wanted:
    """Which part of an address a bare number would answer: 您是几号？——四十四; the last that is asked
    for, but 几号几室 for the building, which is told first. A floor is no part."""
    heard = _ASKS_DAY.sub("", mend(text))
    heard = heard[heard.rfind("。") + 1 if not heard.endswith("。") else 0 :]
    if _ASKS_BUILDING.search(heard) and not re.fullmatch(r".*几楼[^几哪]*", heard):
        return "building"
    return "unit" if _ASKS_UNIT.search(heard) else ""
