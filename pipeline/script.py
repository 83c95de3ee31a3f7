"""One shape for the many ways to write the same words: script, width, case, figures, sound.

A leaf: it imports nothing of the project. Folding takes `simplified.txt` alone, made from OpenCC's
tables (Apache 2.0) by `python -m pipeline.script > pipeline/simplified.txt`. OpenCC itself (about
30 ms) and pypinyin (about 300 ms) load at the first use of what needs them.
"""

from __future__ import annotations

import sys
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

SIMPLIFIED = Path(__file__).with_name("simplified.txt")

FIGURES = {
    "零": "0", "〇": "0", "○": "0", "一": "1", "幺": "1", "二": "2", "两": "2", "三": "3",
    "四": "4", "五": "5", "六": "6", "七": "7", "八": "8", "九": "9",
}  # fmt: skip
"""Spoken digits: 幺 is 1 in numbers read out, 两 is 2. Formal 壹贰叁 are left out: 伍 and 陆 are names."""

UNITS = {"十": 10, "百": 100, "千": 1000, "万": 10_000}

CONFUSED_INITIALS = (("zh", "z"), ("ch", "c"), ("sh", "s"), ("n", "l"))
"""Initials that speakers of the region and recognisers take for one another (folded to the second)."""

CONFUSED_FINALS = (("ing", "in"), ("eng", "en"))

CONFUSED_SYLLABLES = {
    "hu": "fu", "hua": "fa", "huan": "fan", "huang": "fang", "hui": "fei", "hun": "fen",
    "hong": "fen", "feng": "fen",
}  # fmt: skip
"""h before u sounds like f (and the other way) to many; 红 and 风 meet once eng is en."""

LOCAL_NAMES = {
    "长宁": "chang ning", "长寿路": "chang shou lu", "长乐路": "chang le lu",
    "长风": "chang feng", "长桥": "chang qiao", "长征": "chang zheng", "长海": "chang hai",
    "长江": "chang jiang", "长兴岛": "chang xing dao", "长岛路": "chang dao lu",
    "延长路": "yan chang lu", "场中路": "chang zhong lu", "大场": "da chang",
    "闵行": "min hang", "莘庄": "xin zhuang", "莘松": "xin song", "七莘路": "qi xin lu",
    "乐山": "le shan", "乐都路": "le du lu", "朝阳": "chao yang", "召稼楼": "zhao jia lou",
    "重固": "chong gu", "重庆": "chong qing", "曲阳": "qu yang", "曲江": "qu jiang",
    "行知路": "xing zhi lu", "单家": "shan jia", "解家": "xie jia",
}  # fmt: skip
"""Readings that pypinyin gets wrong, or may, in names of places; an office's own can be few."""


MENDED = {"么": "么", "抬": "抬", "擡": "抬"}
"""Where tw2s spoils simplified text (怎么 → 怎幺, 抬 → 擡); of GB 2312, no other character suffers."""


class _CharMap(dict[int, int]):
    """One character to one, worked out when first met: `str.translate` asks here for the rest."""

    def __init__(self, change: Callable[[str], str]) -> None:
        super().__init__()
        self._change = change

    def __missing__(self, code: int) -> int:
        changed = self._change(chr(code))
        self[code] = ord(changed) if len(changed) == 1 else code
        return self[code]


@lru_cache(maxsize=2)
def _opencc(table: str = "tw2s") -> Any:
    from opencc import OpenCC

    # t2s leaves 著急 as it is; the Taiwan table mends it.
    return OpenCC(table)


def _fold_char(char: str) -> str:
    if char < "\u0080":
        return char.lower()
    if "\uff01" <= char <= "\uff5e":  # the full-width block mirrors ASCII
        return chr(ord(char) - 0xFEE0).lower()
    if char == "\u3000":
        return " "
    lower = char.lower()
    if len(lower) != 1:  # İ becomes two characters: offsets would no longer map back
        return char
    return _simplified().get(lower, lower)


@lru_cache(maxsize=1)
def _simplified() -> dict[str, str]:
    """The characters of traditional script with the one that stands for each in simplified script."""
    before, after = SIMPLIFIED.read_text(encoding="utf-8").split()
    return dict(zip(before, after, strict=True))


def simplified_table() -> str:
    """`simplified.txt` from the installed OpenCC: the characters that it changes, a line below what
    they become."""
    before, after = [], []
    for code in range(0x80, 0x30000):
        char = chr(code)
        if "\ud800" <= char <= "\udfff" or char.lower() != char:
            continue
        simple = MENDED.get(char) or str(_opencc().convert(char))
        if len(simple) == 1 and simple != char:
            before.append(char)
            after.append(simple)
    return "".join([*before, "\n", *after, "\n"])


_FOLD = _CharMap(_fold_char)
_DIGITS = str.maketrans(FIGURES)
_PLAIN = _CharMap(lambda char: FIGURES.get(folded := _fold_char(char), folded))


def fold(text: str) -> str:
    """`text` as search and rules compare it: simplified, half width, lower case.

    Always as long as `text`, and each character depends on itself alone: offsets map back, and a part
    of a text folds to a part of the folded text. Chinese digits stay (`digits` turns those). Note that
    ，！？（） become ASCII; 。、“” have no half width and stay. For display take `simplify`, which knows
    phrases (著名, 乾坤).
    """
    return text.translate(_FOLD)


def simplify(text: str) -> str:
    """`text` in simplified script by OpenCC's phrases, for people to read."""
    if text.isascii():
        return text
    simple = str(_opencc().convert(text))
    if len(simple) != len(text):  # no phrase of OpenCC's tables does this
        return simple
    return "".join(MENDED.get(old, new) for old, new in zip(text, simple, strict=True))


SCRIPTS = ("simplified", "traditional", "heard")
"""In which script words are shown; heard: as the recogniser wrote them."""


def written(text: str, script: str) -> str:
    """`text` in one of SCRIPTS, by OpenCC's phrases."""
    if script == "simplified":
        return simplify(text)
    if script == "traditional" and not text.isascii():
        return str(_opencc("s2tw").convert(text))
    return text


def digits(text: str) -> str:
    """Spoken single digits as figures, one for one: 幺三八零 → 1380. For comparing, not for reading:
    十 and 百 stay, and 一 turns in any word (一起 → 1起)."""
    return text.translate(_DIGITS)


def plain(text: str) -> str:
    """`text` as search compares it: folded, and spoken digits as figures. As long as `text`."""
    return text.translate(_PLAIN)


def pattern(plain_text: str) -> str:
    """A GLOB of SQLite for the texts in which `plain_text` stands, once they are made plain.

    Of a character that it does not know, it takes any in its place: it never leaves out a text, and
    `plain` decides.
    """
    return "*" + "".join(map(_written, plain_text)) + "*"


@lru_cache(maxsize=1024)
def _written(char: str) -> str:
    """The characters that are `char` once made plain, as GLOB has it."""
    if not (char < "\u0080" or "\u3000" <= char <= "\u9fff"):
        return "?"
    chars = _originals().get(char, "") + char
    if len(chars) == 1 and char not in "*?[":
        return char
    # In brackets ] must be first, ^ and - last.
    return f"[{''.join(sorted(set(chars), key=lambda c: (c != ']', c < chr(0x80), c in '^-')))}]"


@lru_cache(maxsize=1)
def _originals() -> dict[str, str]:
    """What becomes a character when made plain, but itself; of ASCII and Chinese."""
    becomes = {char: FIGURES.get(simple, simple) for char, simple in _simplified().items()}
    becomes |= FIGURES
    for code in (*range(0x41, 0x5B), 0x212A, 0x3000, *range(0xFF01, 0xFF5F)):
        becomes[chr(code)] = plain(chr(code))
    found: dict[str, str] = {}
    for char, other in becomes.items():
        found[other] = found.get(other, "") + char
    return found


def spoken_number(text: str) -> int | None:
    """The one number that the whole of `text` says, or None where it says none or is not sure.

    Takes figures (`501`), digits read out (五零一), and number words up to 万: 十五, 二十三, 廿三,
    一百零二, 一百二 (120), 两千五 (2500). 两三 and 七八 (about so many) and 十几 are none.
    """
    text = fold(text.strip()).replace("廿", "二十").replace("卅", "三十")
    if not text:
        return None
    plain = digits(text)
    if plain.isascii() and plain.isdigit():
        if text in _ABOUT:
            return None
        return int(plain)
    total = section = 0
    figure: int | None = None
    last_unit = 100_000
    zero = False
    for char in plain:
        if char == "0" and figure is None:
            zero = True
        elif char.isascii() and char.isdigit():
            if figure is not None:
                return None
            figure = int(char)
        elif char == "万":
            section += figure or 0
            if not section or total:
                return None
            total, section, figure, last_unit, zero = section * 10_000, 0, None, 10_000, False
        elif char in UNITS:
            unit = UNITS[char]
            if unit >= last_unit or (figure is None and unit != 10):
                return None
            section += (1 if figure is None else figure) * unit
            figure, last_unit, zero = None, unit, False
        else:
            return None
    if figure is not None:
        # 一百二 is 120, 一百零二 is 102; after 十 a bare figure is the ones.
        section += figure if zero or last_unit <= 10 else figure * (last_unit // 10)
    return total + section


_ABOUT = frozenset(["两三", "三两", "三四", "四五", "五六", "六七", "七八", "八九", "一两"])
"""Two neighbouring digits mean "so many or so many", not a number of two places."""


@lru_cache(maxsize=1)
def _pinyin() -> Callable[..., list[str]]:
    from pypinyin import lazy_pinyin, load_phrases_dict

    load_phrases_dict(
        {name: [[reading] for reading in line.split()] for name, line in LOCAL_NAMES.items()}
    )
    return lazy_pinyin


def sounds(text: str, *, confused: bool = False) -> tuple[str, ...]:
    """The reading of every character without its tone (ü as v); what is not Chinese gives itself.

    Always as long as `text`. With `confused`, sounds that the region's speakers mix up become one:
    n/l, zh/z, ch/c, sh/s, ing/in, eng/en, hu/f.
    """
    folded = fold(text)
    if folded.isascii():
        return tuple(folded)
    read: list[str] = _pinyin()(folded, errors=list)
    if len(read) != len(folded):  # a phrase of another length: read each alone
        read = [(_pinyin()(char, errors=list) or [char])[0] for char in folded]
    if confused:
        return tuple(map(confuse, read))
    return tuple(read)


@lru_cache(maxsize=8192)
def sound(char: str) -> str:
    """The commonest reading of one character: phrases cost 25 microseconds a character."""
    return sounds(char)[0]


@lru_cache(maxsize=2048)
def confuse(syllable: str) -> str:
    """A toneless syllable as one that the region does not tell from it: zhang gives zang, lin and
    ning give lin."""
    if len(syllable) < 2 or not syllable.isascii():
        return syllable
    if syllable in CONFUSED_SYLLABLES:
        return CONFUSED_SYLLABLES[syllable]
    for initial, instead in CONFUSED_INITIALS:
        if syllable.startswith(initial):
            syllable = instead + syllable[len(initial) :]
            break
    for final, instead in CONFUSED_FINALS:
        if syllable.endswith(final):
            return syllable[: -len(final)] + instead
    return syllable


if __name__ == "__main__":
    sys.stdout.buffer.write(simplified_table().encode())
