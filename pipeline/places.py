"""Addresses in speech: 二号楼三单元五零一, 2-501, 三十弄2号, 六号楼二〇四, 十九号三〇五.

It reads one text; who lives where is decided in `caller.py`. Texts are folded
(`script.fold`). Its parts are read by `parts.py`; whose it is tells `whose.py`.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pipeline import questions
from pipeline.mishearing import mend, parted
from pipeline.parts import (
    MASK,
    RANK,
    SERVICE,
    Part,
    is_building,
    is_quantity,
    is_room,
    parts_of,
    whole,
)
from pipeline.runs import NUMBER
from pipeline.script import digits
from pipeline.types import Place
from pipeline.whose import SELF_BEFORE, whose

_GAP = re.compile(
    rf"[\s,、.。…的那就是在里呀呢嘛啊杠{MASK}]{{0,3}}(?:(?:房间?|室)号码?是?)?(?:我?(?:家)?住?在?(?:{NUMBER}[楼层]|底楼|顶楼)[呀啊的]?)?(?:租(?:房子?)?的)?[\s,、的]{{0,2}}"
)
"""What may stand between the parts of one address: 四十四号，我住二楼，二零三."""

_NEXT = re.compile(r"\s?[,、]\s?(?:在|是)?")
_CLOSES = re.compile(r"(?:里|楼)?的?(?:[。!?]|[,\s]*$|[,\s](?!到))")
"""How a building stands behind its room: 二零一，三号。"""


TAKEN_BACK = re.compile(
    r"[\s,.。…室里的哎啊呀哦噢嗯呃额]{0,4}(?:不对(?![吗劲头付])|(?<!是)不是(?=[\s,.。…!]|不是)|[说讲记搞写看报念][错反]|(?<!没)错了|反了|[哦噢啊]不(?![是能要会行好])|应该是|更正)"
)
"""六〇二。哎不是不是，…: what stands before was a slip of the tongue, as far as what follows says it anew."""

_SAID_ANEW = 24
"""So many characters on."""

ANSWER_WITHIN = 24
"""An answer stands at the beginning of the turn after the question (characters)."""

_ASKED_BEFORE = 14


@dataclass(frozen=True, slots=True)
class Address:
    """An address in a text, `text[start:end]`.

    `own` is true where the words say that it is the speaker's, `other` where they say that it is
    somebody else's or a spot near it, `person` where it tells who somebody is, `whole` where the clause
    is the address and no more, `named` where a name or a part in the house follows it, `asked`
    where it answers a question, `offered` where it is one: 您是六零一吗,
    `kin` where it is where somebody else lives, `denied` where the words before it say that it is not this,
    `anew` where they take back what was said in another turn.
    """

    place: Place
    start: int
    end: int
    own: bool = False
    other: bool = False
    person: bool = False
    whole: bool = False
    named: bool = False
    asked: bool = False
    offered: bool = False
    kin: bool = False
    denied: bool = False
    anew: bool = False


def read_places(
    text: str, *, asked: bool = False, others: bool = False, wanted: questions.Wanted = ""
) -> list[Address]:
    """The addresses in `text` (folded), in order; none that the speaker takes back.

    `asked`: staff have just asked where; `others`: and meant somebody else's home; `wanted`: which part
    a bare number at the beginning is.
    """
    text = mend(text)
    cuts = parted(text)
    if not cuts:
        return _read(text, asked, others, wanted)
    ends = [*cuts, len(text)]
    apart = " ".join(text[start:end] for start, end in zip([0, *cuts], ends, strict=True))
    blanks = [cut + n for n, cut in enumerate(cuts)]
    return [
        replace(
            address,
            start=address.start - bisect_left(blanks, address.start),
            end=address.end - bisect_left(blanks, address.end),
        )
        for address in _read(apart, asked, others, wanted)
    ]


def _read(text: str, asked: bool, others: bool, wanted: questions.Wanted) -> list[Address]:
    parts = list(parts_of(text, wanted))
    addresses: list[Address] = []
    index = 0
    while index < len(parts):
        group = [parts[index]]
        while index + len(group) < len(parts):
            following = parts[index + len(group)]
            if not _joins(group[-1], following, text, asked):
                break
            group.append(following)
        index += len(group)
        address = _address(group, text, asked, others)
        if address is None:
            continue
        taken = addresses[-1] if addresses else None
        if taken and (last := _taken_back(taken, address, text)) != taken:
            address = replace(
                address,
                own=address.own or last.own,
                asked=address.asked or last.asked,
                other=address.other or (last.other and not address.own),
                anew=False,
            )
            addresses = [
                a for a in addresses[:-1] if last.place or not _again(a.place, taken.place)
            ]
            addresses.append(last)
        addresses.append(address)
    return [
        address
        for n, address in enumerate(addresses)
        if address.place and not (address.denied and _instead(address, addresses[n + 1 :], text))
    ]


def _instead(denied: Address, following: list[Address], text: str) -> bool:
    """Whether the words are surely 不是六零一: another follows, or nothing stands before them."""
    anew = following[0] if following else None
    if anew and anew.start <= denied.end + _SAID_ANEW:
        return bool(anew.place.room and denied.place.room) or bool(anew.place.building)
    return bool(_NO.fullmatch(text, 0, denied.start))


_TAKES_BACK = re.compile(
    r"(?:(?<!对)不对(?![吗劲头付])|(?<!是)不是(?=[\s,。…!])|[说讲记搞写看报念][错反]|(?<!没)错了|[哦噢啊]不[\s,]|更正)"
    r"[^0-9零〇一二两三四五六七八九十]{0,9}$"
)
_LEAD = 14
"""Characters before an address in which something may be taken back."""
_BACK = 8
"""So many turns back."""


def standing(said: Sequence[Sequence[Address]], staff: Sequence[bool]) -> list[tuple[Address, ...]]:
    """The addresses of a call's turns without what a later turn, not of `staff`, takes back: 讲错了，是九号。"""
    found = [list(turn) for turn in said]
    for index, turn in enumerate(said):
        for address in turn if not staff[index] else ():
            if address.anew and not (address.other or address.kin or address.person):
                _withdraw(address.place, found[max(0, index - _BACK) : index])
    return [tuple(address for address in turn if address.place) for turn in found]


def _withdraw(anew: Place, before: list[list[Address]]) -> None:
    """Take out of what was said before, where it was said, what `anew` contradicts: the nearest, and the
    same wherever it was said."""
    wrong: Place | None = None
    for turn in reversed(before):
        for n in range(len(turn) - 1, -1, -1):
            one = turn[n]
            if one.other or one.kin or one.person or fits(one.place, anew):
                continue
            if wrong is not None and not fits(one.place, wrong):
                continue
            wrong = wrong or one.place
            kept = replace(one.place, room=None) if not anew.building else Place()
            if anew.building and one.place.room and not anew.room:
                kept = replace(one.place, building=None)
            turn[n] = replace(one, place=kept)


_NO = re.compile(r"[\s,。哦噢啊哎嗯]*不(?:是|住在?|在)(?:那个)?")


def _again(one: Place, other: Place) -> bool:
    """Whether the two name the same building or the same room."""
    return fits(one, other) and bool(
        (one.building and one.building == other.building) or (one.room and one.room == other.room)
    )


def _taken_back(one: Address, following: Address, text: str) -> Address:
    """`one` without what `following` says anew, where the speaker takes it back."""
    if following.start > one.end + _SAID_ANEW or not TAKEN_BACK.match(text, one.end):
        return one
    anew = following.place
    if anew.lane or anew.building:
        return replace(one, place=Place())
    place = replace(one.place, room=None) if anew.room else one.place
    return replace(one, place=replace(place, unit=None) if anew.unit else place)


def _joins(one: Part, other: Part, text: str, asked: bool) -> bool:
    if one.kind in ("bare", "room") and other.kind in ("gate", "block"):  # 我二零一，三号。
        own = asked or SELF_BEFORE.search(text, max(0, one.start - 10), one.start)
        between = text[one.end : other.start]
        near = _NEXT.fullmatch(between) and _CLOSES.match(text, other.end)
        return bool(own and (near or (between.isspace() and other.end == len(text))))
    if RANK[other.kind] <= RANK[one.kind]:
        return False
    gap = text[one.end : other.start]
    if len(gap) > 8 or not _GAP.fullmatch(gap):
        return False
    if one.kind == "gate" and other.kind == "bare" and "。" in gap:
        return False
    if other.kind == "bare":  # 三号楼200块: a quantity after an address is no room
        if is_quantity(text[other.start : other.end], text[other.end : other.end + 4]):
            return False
        if digits(text[other.start : other.end]) in SERVICE:
            return gap == "" or text.startswith("室", other.end)
    return True


def _address(group: list[Part], text: str, asked: bool, others: bool) -> Address | None:
    first = group[0]
    # Asked in the turn before, or just before in a block that holds both speakers.
    asked = (asked and first.start < ANSWER_WITHIN) or bool(
        questions.ASKS_PLACE.search(text, max(0, first.start - _ASKED_BEFORE), first.start)
    )
    if len(group) == 1:
        if first.kind == "room" and len(first.place.room or "") == 1:  # 一室户, 一房东西
            return None
        if first.kind == "gate" and not is_building(first, text, asked):
            return None
        if first.kind == "bare" and not is_room(first, text, asked):
            return None
    fields: dict[str, str] = {}
    for part in group:
        for name in ("lane", "building", "unit", "room"):
            value = getattr(part.place, name)
            if value is not None:
                fields[name] = value
    start, end = first.start, group[-1].end
    said = whose(
        text,
        start,
        end,
        building="building" in fields,
        room="room" in fields,
        asked=asked,
        others=others and start < ANSWER_WITHIN,
    )
    return Address(
        place=Place(**fields),
        start=start,
        end=end,
        own=said.own,
        other=said.other,
        person=said.person,
        whole=whole(start, end, text),
        named=said.named,
        asked=asked,
        offered=said.offered,
        kin=said.kin,
        denied=said.denied,
        anew=bool(_TAKES_BACK.search(text, max(0, start - _LEAD), start)),
    )


def fits(one: Place, other: Place) -> bool:
    """Whether the two can be one address: no field says otherwise."""
    return all(
        mine is None or theirs is None or mine == theirs
        for mine, theirs in (
            (one.lane, other.lane),
            (one.building, other.building),
            (one.unit, other.unit),
            (one.room, other.room),
        )
    )


def join(one: Place, other: Place) -> Place:
    return Place(
        lane=one.lane or other.lane,
        building=one.building or other.building,
        unit=one.unit or other.unit,
        room=one.room or other.room,
    )
