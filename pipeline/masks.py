"""Numbers and names made unreadable for papers that leave the desk: phones, identity cards, also as said.

A leaf. What is masked keeps its length where it can, so that a text with marks in it stays readable:
13812345678 becomes 138****5678, 幺三八一二三四五六七八 becomes 幺三八****五六七八. An identity number keeps
its first and last sign alone. In doubt a run of digits is masked: a number hidden too many costs a
question, one shown too many cannot be taken back.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

from pipeline.script import FIGURES, digits, fold

SIGN = "*"

_DIGIT = f"[0-9{''.join(FIGURES)}]"
_TOKEN = re.compile(rf"([两二三四2-4])个({_DIGIT})(?![十百千个多])|{_DIGIT}")
_ANY = re.compile(rf"[\d⁰¹²³⁴-⁹₀-₉①-⑨⓪{''.join(FIGURES)}兩貳叄參]")
_SAME = re.compile("[个個箇]")
"""What may be a digit once it is folded, and what makes several of one: most texts hold too few to look."""
_TIGHT = re.compile(r"[ \u00a0-]?")
"""What stands inside of a number that is written as one: 138 1234 5678, 138-1234-5678."""
_LOOSE = re.compile(
    r"[\s,、.。;:…\-—–~!?()（）“”\"'*#+/|·]*"
    r"(?:(?:嗯+|哦+|噢|喔|呃|额|啊+|哎|唉|好的?|好好|对+的?|是的?|您说|你说|您讲|你讲|然后呢?|再|后面是?|接着|"
    r"接下来|那个|就是|最后是?|中间是?|前面是?|开头是?|喂|不对|不是|错了|等等|重新|更正|应该是|um+|uh+|er+|and|then)"
    r"[\s,、.。;:…\-—–~!?()（）]*){0,4}"
)
"""What a speaker, or the one who listens, puts between the parts of one number."""

_KEPT = re.compile(
    # Days and times of day are no secret; neither is a sum of money.
    r"(?<![0-9])(?:19|20)[0-9]{2}[-/.][0-9]{1,2}[-/.][0-9]{1,2}(?![0-9])(?:[ t][0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?)?"
    r"|(?<![0-9])[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?(?![0-9])"
    r"|(?<![0-9])[0-9]{1,9}(?:\.[0-9]+)? ?(?:元|块)"
)
_MOBILE = re.compile(r"1[3-9][0-9]{9}")
_ID = re.compile(
    r"[1-9][0-9]{5}(?:(?:18|19|20)[0-9]{2}(?:0[1-9]|1[0-2])[0-3][0-9][0-9]{3}[0-9x]"
    r"|[0-9]{2}(?:0[1-9]|1[0-2])[0-3][0-9][0-9]{3})"
)
_LANDLINE = re.compile(r"0(?:10|2[0-9]|[3-9][0-9]{2})[2-8][0-9]{6,7}|[2-8][0-9]{7}")
_TAIL = re.compile(r"[\s,]?(?:x|叉|艾克斯)")
"""The last sign of an identity number, where it is no digit."""

_LONG = 7
"""So many digits in one breath are somebody's number: no room, price or date has them."""

_MISHEARD = {
    "要": "1", "腰": "1", "妖": "1", "夭": "1", "邀": "1", "衣": "1", "医": "1", "耳": "2", "而": "2",
    "儿": "2", "俩": "2", "散": "3", "山": "3", "伞": "3", "叁": "3", "是": "4", "事": "4", "司": "4",
    "无": "5", "午": "5", "吴": "5", "舞": "5", "陆": "6", "路": "6", "留": "6", "流": "6", "起": "7",
    "期": "7", "妻": "7", "气": "7", "吧": "8", "爸": "8", "把": "8", "发": "8", "巴": "8", "酒": "9",
    "久": "9", "就": "9", "旧": "9", "灵": "0", "林": "0", "凌": "0", "铃": "0", "另": "0", "领": "0",
    "o": "0",
}  # fmt: skip
_HEARD = re.compile(rf"(?:{_DIGIT}|[{''.join(_MISHEARD)}])(?:[\s,、.。-]?(?:{_DIGIT}|[{''.join(_MISHEARD)}])){{10}}")  # fmt: skip
_SURE = 8
"""Of a mobile's digits so many must be real before homophones are taken for the rest."""

_MaybeText = TypeVar("_MaybeText", str, str | None)

_SURNAMES = (
    "欧阳",
    "司马",
    "上官",
    "诸葛",
    "司徒",
    "皇甫",
    "尉迟",
    "公孙",
    "慕容",
    "夏侯",
    "令狐",
    "东方",
)


@dataclass(frozen=True, slots=True)
class _Sign:
    """A digit as it was written or said: `value` stands at `text[start:end]`; 三个八 is three at once."""

    value: str
    start: int
    end: int


def mask_text(text: str) -> str:
    """`text` with every phone and identity number in it masked, written or read out, paused or not.

    The result is as long as `text`. Texts that hold no seven digits come back as they are.
    """
    if len(_ANY.findall(text)) + 3 * len(_SAME.findall(text)) < _LONG:
        return text
    folded = fold(text)
    kept = [match.span() for match in _KEPT.finditer(folded)]
    signs = [
        sign for sign in _signs(folded) if not any(start <= sign.start < end for start, end in kept)
    ]
    hidden: set[int] = set()
    if sum(len(sign.value) for sign in signs) >= _LONG:
        for run in _runs(signs, folded, _LOOSE):
            _hide_known(run, folded, hidden)
        _hide_misheard(folded, hidden)
        for run in _runs(signs, folded, _TIGHT):
            _hide_long(run, hidden)
    if not hidden:
        return text
    return "".join(SIGN if n in hidden else char for n, char in enumerate(text))


def _signs(folded: str) -> Iterator[_Sign]:
    for match in _TOKEN.finditer(folded):
        value = digits(match[2]) * int(digits(match[1])) if match[1] else digits(match[0])
        yield _Sign(value, *match.span())


def _runs(signs: list[_Sign], folded: str, between: re.Pattern[str]) -> list[list[_Sign]]:
    runs: list[list[_Sign]] = []
    for sign in signs:
        if runs and between.fullmatch(folded, runs[-1][-1].end, sign.start):
            runs[-1].append(sign)
        else:
            runs.append([sign])
    return runs


def _hide_known(run: list[_Sign], folded: str, hidden: set[int]) -> None:
    """Numbers that are sure by their form, however they were cut up."""
    said = "".join(sign.value for sign in run)
    tail = _TAIL.match(folded, run[-1].end)
    if tail and _ID.fullmatch(said + "x"):
        _hide(run, 1, len(said), hidden)
        return
    taken: list[tuple[int, int]] = []
    for pattern, first, last in ((_ID, 1, 1), (_MOBILE, 3, 4)):
        for match in pattern.finditer(said):
            if not any(match.start() < end and start < match.end() for start, end in taken):
                taken.append(match.span())
                _hide(run, match.start() + first, match.end() - last, hidden)
    # Eight digits alone might be a list of buildings: a landline is said in groups of three and more.
    if not taken and _LANDLINE.fullmatch(said) and _groups(run) >= 3:
        _hide(run, len(said) - 6, len(said) - 2, hidden)


def _groups(run: list[_Sign]) -> int:
    """How many digits the shortest group of a run has; a group is what was said without a pause."""
    sizes = [0]
    for n, sign in enumerate(run):
        if n and sign.start > run[n - 1].end:
            sizes.append(0)
        sizes[-1] += len(sign.value)
    return min(sizes)


def _hide_long(run: list[_Sign], hidden: set[int]) -> None:
    """Any other number that is too long for a room or a price; what is hidden already stays so."""
    n_digits = sum(len(sign.value) for sign in run)
    if n_digits < _LONG or any(place in hidden for sign in run for place in range(sign.start, sign.end)):  # fmt: skip
        return
    if not any(len(group) >= 3 for group in _tight_groups(run)):
        return
    _hide(run, 2, n_digits - 2, hidden)


def _tight_groups(run: list[_Sign]) -> list[str]:
    groups = [""]
    for n, sign in enumerate(run):
        if n and sign.start > run[n - 1].end:
            groups.append("")
        groups[-1] += sign.value
    return groups


def _hide(run: list[_Sign], first: int, last: int, hidden: set[int]) -> None:
    """Hide the digits `first` up to `last` of a run, with the whole word where one word says several."""
    place = 0
    for sign in run:
        if place < last and place + len(sign.value) > first:
            hidden.update(range(sign.start, sign.end))
        place += len(sign.value)


def _hide_misheard(folded: str, hidden: set[int]) -> None:
    """A mobile of which a recogniser wrote some digits as words that sound like them."""
    for match in _HEARD.finditer(folded):
        places = [n for n in range(*match.span()) if folded[n] in _MISHEARD or folded[n] in FIGURES or folded[n].isdigit()]  # fmt: skip
        said = "".join(_MISHEARD.get(folded[n]) or digits(folded[n]) for n in places)
        sure = sum(folded[n] not in _MISHEARD for n in places)
        if sure >= _SURE and _MOBILE.fullmatch(said):
            hidden.update(places[3:-4])


def mask_phone(number: str | None) -> str | None:
    """A number that is known to be a phone's: its first three and last four digits are left."""
    if not number:
        return number
    plain = [n for n, char in enumerate(number) if char.isdigit()]
    if len(plain) < _LONG:
        return number
    first, last = (3, 4) if len(plain) >= 11 else (2, 2)
    hidden = set(plain[len(plain) - 11 + first : -last] if len(plain) > 11 else plain[first:-last])
    return "".join(SIGN if n in hidden else char for n, char in enumerate(number))


def mask_name(name: str | None) -> str | None:
    """The family name, and a sign for each character of the given one: 王芳 becomes 王*."""
    if not name:
        return name
    if name.isascii():
        return name[0] + SIGN * 2
    kept = 2 if name.startswith(_SURNAMES) and len(name) > 2 else 1
    return name[:kept] + SIGN * max(1, len(name) - kept)


def mask_file(name: str) -> str:
    """A recording's file name without whom it names: recorders write the caller's number and name there.

    The day, the time and the ending are left, which is what finds the file in its folder.
    """
    stem, dot, suffix = name.rpartition(".")
    if not dot:
        stem, suffix = name, ""
    when = [match.span() for match in _STAMP.finditer(stem)]
    out = []
    for n, char in enumerate(stem):
        inside = any(start <= n < end for start, end in when)
        out.append(char if inside or not (char.isdigit() or char.isalpha()) else SIGN)
    masked = re.sub(re.escape(SIGN) + "{3,}", SIGN * 3, "".join(out))
    return masked + dot + suffix


_IN_NAME = re.compile(
    r"(?<![0-9])(?:\+?86[ -]?)?(1[3-9][0-9][ -]?[0-9]{4}[ -]?[0-9]{4})(?![0-9])"
    r"|(?<![0-9])(0[0-9]{2,3}[ -]?[2-8][0-9]{2,3}[ -]?[0-9]{4})(?![0-9])"
    r"|\+([0-9]{10,15})(?![0-9])"
    r"|(?<![0-9])([1-9][0-9]{16}[0-9xX])(?![0-9])"
)


def mask_paths(text: _MaybeText) -> _MaybeText:
    """A path, or a sentence with one, without the numbers of phones that recorders write into names.

    Days, times and all other figures stay: they are what finds the file in its folder.
    """

    def hide(match: re.Match[str]) -> str:
        group = match.lastindex or 0
        if group != 4:
            return match[0].replace(match[group], mask_phone(match[group]) or "")
        return match[4][0] + SIGN * 16 + match[4][-1]

    return text if text is None else _IN_NAME.sub(hide, text)


_STAMP = re.compile(
    r"(?<![0-9])(?:(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:[0-2][0-9]|3[01])(?:[0-9]{4}|[0-9]{6})?"
    r"|(?:19|20)[0-9]{2}-[0-9]{2}-[0-9]{2}|[0-9]{6})(?![0-9])"
)
