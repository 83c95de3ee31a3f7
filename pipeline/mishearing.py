"""Addresses as a recogniser mishears them, mended one character for one: 三十豪一一零三 is 三十号一一零三.

A leaf. Figures are heard well, for their sounds lie apart; the words between them come as whatever
sounds like them. Only where figures stand beside it is such a character what it sounds like. Where
numbers run together because nobody punctuated, `parted` says where one ends and the next begins.
"""

from __future__ import annotations

import re
from functools import lru_cache

from pipeline.readings import alike

NUMERALS = "0-9零〇○一二两三四五六七八九十百千廿卅幺"
_ONES = "一二三四五六七八九幺"
_ROOM = "[0-9零〇○一二两三四五六七八九幺]{3,4}(?![0-9零〇○一二两三四五六七八九十百千幺])"


@lru_cache(maxsize=64)
def like(word: str, but: str = "") -> str:
    """The characters that sound like `word`, as a class; no figure, and none of `but`."""
    chars = sorted(alike(word, confused=False) - set(f"零一二两三四五六七八九十百千{but}"))
    return f"[{''.join(chars)}]"


@lru_cache(maxsize=1)
def _mends() -> tuple[tuple[re.Pattern[str], str], ...]:
    """What is looked for, and what stands in its place; the later see what the earlier mended."""
    after = rf"(?<=[{NUMERALS}])"
    number = f"(?=[{NUMERALS}])"
    of_address = (
        rf"(?=[\s,的里]{{0,2}}(?:{_ROOM}|[{NUMERALS}]{{1,3}}(?:单元|[楼层])|底楼|楼(?!上)))"
    )
    ends = r"(?=[\s,。的]|$)"
    rules = (
        (rf"{after}{like('单')}{like('元')}(?=[\s,的]{{0,2}}(?:{_ROOM}|[{NUMERALS}]+[楼层]|底楼|[,。]|$))", "单元"),
        (rf"(?<=[号栋幢楼座][一二三四五六七八九]){like('单')}{like('元')}", "单元"),
        (r"(?<=[我们家])十(?=[二三四五六七八九]十)", "是"),
        (r"(?<=几)好(?=[?\s]*$)", "号"),
        (rf"{after}(?:{like('号', but='好')}(?![升克米安瓦尔子])|好{of_address})", "号"),
        (rf"(?<=号)(?:{like('楼', but='漏')}|漏(?![水了雨电气油风得的下出到进]))", "楼"),
        (rf"{after}(?:{like('楼', but='漏露')}{ends}|漏(?={_ROOM}))", "楼"),
        (rf"{after}{like('栋', but='动')}(?=的|{_ROOM}|[{NUMERALS}]{{1,2}}单元)", "栋"),
        (rf"{after}[动床撞](?={_ROOM}|[{NUMERALS}]{{1,2}}单元)", "幢"),
        (rf"{after}{like('弄', but='弄')}(?=[{NUMERALS}]{{1,3}}号)", "弄"),
        (rf"(?<=[号里栋幢弄元室])[得德]{ends[:-1]}|[小老阿])", "的"),
        (rf"{like('我')}(?=[是住们家这在姓就]|{like('是')}{number}|{like('住')}{number}|[{NUMERALS}])", "我"),
        (rf"(?<=我){like('们')}", "们"),
        (rf"(?<=[我们]){like('家')}(?=[是在住{NUMERALS}])", "家"),
        (rf"(?<=[我们家]){like('住')}(?=在?[{NUMERALS}])", "住"),
        (rf"(?<=[我们家里边]){like('是', but='时事室')}{number}", "是"),
        (rf"{like('几', but='机记急')}(?=(?:号楼?)?(?:室|栋|幢|单元|号楼|零几))|记(?=室|号楼|单元)", "几"),
        (rf"(?<=[几哪]){like('号', but='好')}", "号"),
    )  # fmt: skip
    return tuple((re.compile(pattern), word) for pattern, word in rules)


def mend(text: str) -> str:
    """`text` (folded) with the words of addresses as they were meant; as long as it."""
    for pattern, word in _mends():
        text = pattern.sub(word, text)
    return text


_READ_OUT = f"(?:[{_ONES}]{{1,2}}[零〇][{_ONES}]|[{_ONES}][零〇]{{2}}[{_ONES}])"
_COUNTED = "[个各格咯搿葛割家件口楼层户样桩位人台部间条只天点张份次趟]"
_RUN_ON = re.compile(
    rf"(?<![{NUMERALS}]){_READ_OUT}(?=[一二两三四五六七八九十几]{_COUNTED}|{_READ_OUT}(?![{NUMERALS}])|"
    rf"(?:[一二三四五六七八九]?十[一二三四五六七八九]?|[一二三四五六七八九]{{1,2}})(?:[栋幢弄]|号(?![码线])))"
)
"""六零二三个人, 五零二十六号里, 八零二八零一是…: a room that is read out, and another number."""


def parted(text: str) -> list[int]:
    """Where in `text` two numbers run together."""
    return [match.end() for match in _RUN_ON.finditer(text)]
