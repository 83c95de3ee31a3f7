"""Numbers read out in digits: mobiles, landlines, identity cards; with pauses, slips and repeats.

A leaf: it reads one text, folded (`script.fold`). 幺 is 1 and 两 is 2; 三个八 is 888.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from pipeline.mishearing import like
from pipeline.runs import DIGIT, MOBILE, MOBILE_BEGUN, Group, amended, read_runs, single_digits
from pipeline.script import digits

Kind = Literal["mobile", "landline", "id"]

_LANDLINE = re.compile(
    r"(?:0(?:10|2[0-9]|[3-9][0-9]{2}))?[2-8][0-9]{7}|0[3-9][0-9]{2}[2-8][0-9]{6}"
)
_SHORT = re.compile(r"[2-8][0-9]{6}")
"""A landline of a smaller city, or an old one."""
_SHORTEST = 7
_BUILDING = re.compile("号(?!码)|[栋幢弄]")
_ROOM = re.compile("[1-9][0-9]?(?:0[1-9]|1[0-9])|.{1,2}")
"""What stands before a mobile in one breath: three or four digits that can be a room, or fewer."""
_ID = re.compile(r"[1-6][0-9]{5}(?:18|19|20)[0-9]{2}(?:0[1-9]|1[0-2])[0-3][0-9][0-9]{3}[0-9x]")
_LANDLINE_CUE = re.compile(rf"电话|来电|显示|座机|号码|固话|分机|打|家里|联系|(?<!{DIGIT})号")

_SHORT_CUE = re.compile(r"(?:电话|座机|固话)(?!.*(?:身份证|卡号|密码))")
_LANDLINE_AFTER = re.compile(
    rf"[\s,。]{{0,2}}(?:座机|固话|家里的?电话|[八8]位|{like('对')}(?:{like('吧')}|[吗伐])|是[吧吗伐]|对不对)"
)

# Homophones that a recogniser writes for a digit; believed only inside of a number otherwise sure.
_MISHEARD = {
    "要": "1", "腰": "1", "妖": "1", "夭": "1", "邀": "1", "依": "1", "衣": "1", "医": "1",
    "而": "2", "儿": "2", "耳": "2", "俩": "2", "散": "3", "山": "3", "伞": "3", "叁": "3",
    "是": "4", "事": "4", "司": "4", "丝": "4", "无": "5", "五": "5", "午": "5", "吴": "5", "舞": "5",
    "陆": "6", "路": "6", "六": "6", "留": "6", "流": "6", "溜": "6", "起": "7", "期": "7", "妻": "7",
    "气": "7", "七": "7", "吧": "8", "爸": "8", "把": "8", "八": "8", "发": "8", "巴": "8",
    "酒": "9", "久": "9", "就": "9", "九": "9", "旧": "9", "灵": "0", "林": "0", "零": "0",
    "凌": "0", "铃": "0", "另": "0", "领": "0", "玲": "0", "o": "0",
}  # fmt: skip
_MISHEARD_TABLE = str.maketrans(_MISHEARD)
_HEARD_RUN = re.compile(
    rf"(?<!{DIGIT})(?:[{''.join(_MISHEARD)}]|{DIGIT})(?:[\s,、.。-]*(?:[{''.join(_MISHEARD)}]|{DIGIT})){{10}}(?!{DIGIT})"
)
_SURE_DIGITS = 8
"""Of a mobile's 11 digits, so many must be real ones before homophones are believed for the rest."""


@dataclass(frozen=True, slots=True)
class Number:
    """A whole number in a text: `text[start:end]` holds all of its parts."""

    digits: str
    start: int
    end: int
    kind: Kind


def read_numbers(text: str, *, asked: bool = False) -> list[Number]:
    """The mobiles, landlines and identity numbers in `text` (folded), in order.

    A landline needs a word that announces it (电话, 座机), or that staff have just `asked`.
    """
    found: list[Number] = []
    for run in read_runs(text):
        total = sum(len(group.digits) for group in run)
        if total >= _SHORTEST:
            found += _from_run(run, text, asked)
    if not any(number.kind == "mobile" for number in found):
        found += [
            n
            for n in _misheard(text)
            if not any(n.start < f.end and f.start < n.end for f in found)
        ]
    return sorted(found, key=lambda number: number.start)


def read_parts(text: str, *, asked: bool = False) -> list[Group]:
    """The digits in `text` (folded, whole numbers masked) that are parts of a telephone number all the
    same: some were misheard, left out or said in another turn. No address is made of them.

    `asked`: staff have just asked for a number, and for no address.
    """
    found: list[Group] = []
    for run in read_runs(text):
        start, end = run[0].start, run[-1].end
        total = sum(len(group.digits) for group in run)
        if text.startswith(("室", "号", "楼"), end):
            continue
        announced = _PART_CUE.search(text, max(0, start - 10), start)
        begun = MOBILE_BEGUN.match(run[0].digits)
        if (total >= _MANY and (begun or announced or asked)) or (asked and total >= _FEW):
            found += run
    return found


_MANY, _FEW = 7, 4
"""Digits in a row that no address has; digits that answer the question for a number."""
_PART_CUE = re.compile(r"(?:电话|手机|号码|座机|固话|联系)[^,。]{0,6}[,。…\s]*$")


def _from_run(run: Sequence[Group], text: str, asked: bool) -> list[Number]:
    found: list[Number] = []
    index = 0
    while index < len(run):
        number = _whole(run, index, text, asked)
        if number is None:
            index += 1
            continue
        found.append(number)
        while index < len(run) and run[index].start < number.end:
            index += 1
    return found


def _whole(run: Sequence[Group], index: int, text: str, asked: bool) -> Number | None:
    """The number that begins with group `index` of `run`, if one does."""
    start = run[index].start
    first = run[index]
    if (
        11 < len(first.digits) <= 15
        and MOBILE.fullmatch(first.digits[-11:])
        and (_ROOM.fullmatch(first.digits[:-11]) or not MOBILE.fullmatch(first.digits[:11]))
    ):
        # 五零一一三八…: a room and a number in one breath (three or four digits before).
        said_singly = single_digits(text, first.start, first.end)
        if said_singly:
            number = Number(first.digits[-11:], said_singly[-11].start, first.end, "mobile")
            return _corrected(run, index + 1, number)
    addressed = len(first.digits) < 14 and _BUILDING.match(text, first.end)
    if (
        11 < len(first.digits) <= 15
        and MOBILE.fullmatch(first.digits[:11])
        and (addressed or len(first.digits) >= 14)
    ):
        said_singly = single_digits(text, first.start, first.end)
        if said_singly:  # a number and a room or a building, or its last digits once more
            return Number(first.digits[:11], start, said_singly[10].end, "mobile")
    if MOBILE.fullmatch(first.digits[:11]) and MOBILE.fullmatch(first.digits[11:22]):
        said_singly = single_digits(text, first.start, first.end)
        if said_singly:  # read back in one breath, not always rightly
            return Number(first.digits[:11], start, said_singly[21].end, "mobile")
    echoed = _whole_with_echo(run, index)
    if echoed is not None:
        return echoed
    said = ""
    for last in range(index, min(index + 12, len(run))):
        group = run[last]
        if group.slip and last > index:
            break
        said += group.digits
        end = group.end
        if len(said) == 17 and end < len(text) and re.match(r"[\s,]?(?:x|叉|艾克斯)", text[end:]):
            match = re.match(r"[\s,]?(?:x|叉|艾克斯)", text[end:])
            if match and _ID.fullmatch(said + "x"):
                return Number(said + "X", start, end + match.end(), "id")
        if len(said) == 18 and _ID.fullmatch(said):
            return Number(said, start, end, "id")
        if len(said) == 11 and MOBILE.fullmatch(said):
            more = (len(run) > last + 1 and run[last + 1].digits) or ""
            if len(said + more) == 18 and _ID.fullmatch(said + more):
                continue
            return _corrected(run, last + 1, Number(said, start, end, "mobile"))
        if len(said) >= 18:
            break
    slipped = _over_slips(run, index)
    if slipped is not None:
        return slipped
    repeated = _over_repeats(run, index) or _over_echo(run, index, text, asked)
    if repeated is not None:
        return repeated
    said = ""
    for last in range(index, min(index + 6, len(run))):
        if run[last].slip and last > index:
            break
        said += run[last].digits
        rest = run[last + 1 :]
        if (
            len(said) in (8, 11, 12)
            and _LANDLINE.fullmatch(said)
            and (not rest or len(said) > 8 or rest[0].slip or len(rest[0].digits) < 2)
            and (asked or said[0] == "0" or _announced(text, start, run[last].end))
        ):
            return _corrected(run, last + 1, Number(said, start, run[last].end, "landline"))
        if not rest and not index and _SHORT.fullmatch(said):
            number = Number(said, start, run[last].end, "landline")
            if asked or _SHORT_CUE.search(text, max(0, start - 12), start):
                return number
    return None


def _announced(text: str, start: int, end: int) -> bool:
    """Whether words beside digits say that they are a landline."""
    return bool(
        _LANDLINE_CUE.search(text[max(0, start - 12) : start]) or _LANDLINE_AFTER.match(text, end)
    )


def _corrected(run: Sequence[Group], following: int, number: Number) -> Number:
    """`number` with a part replaced, where the speaker takes it back: …四四二一，不对，四四一二."""
    if following >= len(run):
        return number
    where, slip = run[following].where, run[following].slip
    tail, end = "", number.end
    for group in run[following:]:
        if group.slip and tail:
            break
        tail, end = tail + group.digits, group.end
    length = len(number.digits)
    if not slip and not (where == "tail" and len(tail) <= _TAIL):
        return number
    if MOBILE.fullmatch(tail[-11:]):  # 二九幺，一七七零七三八零二九幺: the whole once more
        return Number(tail[-11:], number.start, end, "mobile")
    if 2 <= len(tail) <= min(_REST, length - 1):
        return Number(amended(number.digits, tail, where), number.start, end, number.kind)
    return number


_REST = 8
"""Digits of a mobile behind its first three: what is longer and yet not whole corrects nothing."""
_TAIL = 6
"""Digits that may be the last of a number once more; more are another number."""


def _over_slips(run: Sequence[Group], index: int) -> Number | None:
    """幺三八，零零一二，不对，零零一三，四五六七: what was said before the slip, cut to fit what follows."""
    slips = [i for i in range(index + 1, len(run)) if run[i].slip]
    if not slips:
        return None
    before = "".join(group.digits for group in run[index : slips[0]])
    for slip, following in pairwise(slips):  # taken back more than once
        anew = "".join(group.digits for group in run[slip:following])
        before = before[: max(0, len(before) - len(run[slip].digits))] + anew
    slip = slips[-1]
    after, end = "", 0
    for group in run[slip:]:
        after, end = after + group.digits, group.end
        if len(after) >= 11:
            break
    if len(after) > 11 or len(before) + len(after) < 11:
        return None
    said = before[: 11 - len(after)] + after
    if len(before) == 11 and run[slip].where:
        said = amended(before, after, run[slip].where)
    # What is kept must end where a group ends, else the slip was about something else.
    # A tail as long as what replaces it may be cut off anywhere.
    tail = len(before) - len(run[slip].digits)
    ends, total = {0, tail, 11 - len(after) if len(before) >= 11 else 0}, 0
    for group in run[index:slip]:
        total += len(group.digits)
        ends.add(total)
    if MOBILE.fullmatch(said) and 11 - len(after) in ends:
        return Number(said, run[index].start, end, "mobile")
    return None


def _over_repeats(run: Sequence[Group], index: int) -> Number | None:
    """幺三八零零一二，幺三八零零一二，对，三四五六: groups read back are heard once."""
    said = ""
    for group in run[index : index + 12]:
        if group.slip and said:
            return None
        if len(group.digits) >= 3 and said.endswith(group.digits):
            continue
        if len(said) >= 3 and group.digits.startswith(said):
            said = group.digits
        else:
            said += group.digits
        if len(said) == 11 and MOBILE.fullmatch(said):
            return Number(said, run[index].start, group.end, "mobile")
        if len(said) >= 11:
            return None
    return None


def _over_echo(run: Sequence[Group], index: int, text: str, asked: bool) -> Number | None:
    """幺三八零零幺二三四五六一三八零零一二三四五六: read back in one breath, whole or the last digits, where
    nothing tells who spoke."""
    said, start = "", run[index].start
    for group in run[index : index + 12]:
        if group.slip and said:
            return None
        said += group.digits
        if len(said) > 2 * _LONGEST:
            return None
        mobile = next(filter(MOBILE.fullmatch, _without_echo(said)), None)
        if mobile:
            return Number(mobile, start, group.end, "mobile")
        half = said[: len(said) // 2]
        announced = asked or _announced(text, start, group.end)
        if announced and half * 2 == said and _LANDLINE.fullmatch(half):
            return Number(half, start, group.end, "landline")
        if announced and group is run[-1] and len(said) <= 14:
            landline = next((one for one in _without_echo(said) if len(one) == 8), "")
            if _LANDLINE.fullmatch(landline):
                return Number(landline, start, group.end, "landline")
    return None


def _whole_with_echo(run: Sequence[Group], index: int) -> Number | None:
    """一七七五二零三五二零三，嗯，幺幺六八: what is over eleven digits stands twice in a row."""
    rest = run[index:]
    said = "".join(group.digits for group in rest)
    echo = len(said) - 11
    if len(rest) < 2 or not _ECHO <= echo <= 8 or any(group.slip for group in rest):
        return None
    twice = [one for one in _without_echo(said) if len(one) == 11 and MOBILE.fullmatch(one)]
    if len(set(twice)) != 1:
        return None
    return Number(twice[0], run[index].start, run[-1].end, "mobile")


_LONGEST = 12
"""Digits of a landline with its code."""
_ECHO = 3
"""Fewer digits that stand twice are the number's own: 三三."""


def _without_echo(said: str) -> list[str]:
    """`said` with one stretch that stands twice in a row taken once, shortest stretch first."""
    return [
        said[:at] + said[at + length :]
        for length in range(_ECHO, len(said) // 2 + 1)
        for at in range(len(said) - 2 * length + 1)
        if said[at : at + length] == said[at + length : at + 2 * length]
    ]


def _misheard(text: str) -> list[Number]:
    """Mobiles with a few digits written as homophones: 一三吧零零… for 一三八零零…."""
    found = []
    for match in _HEARD_RUN.finditer(text):
        words = re.sub(r"[\s,、.。-]", "", match[0])
        sure = sum(char in "0123456789零〇○一二两三四五六七八九幺" for char in words)
        said = digits(words.translate(_MISHEARD_TABLE))
        if sure >= _SURE_DIGITS and MOBILE.fullmatch(said):
            found.append(Number(said, *match.span(), "mobile"))
    return found
