"""How Chinese characters are read aloud, without tones, and which readings the region mixes up.

A leaf. Asking takes `readings.txt` alone (a few milliseconds): every character with the readings that
it commonly has. Indexing takes pypinyin too (0.3 s to load), whose phrases say which of them it has in
its place: 长 is chang in 长宁, zhang in 校长. The table is made from pypinyin's data (MIT licence):

    python -m pipeline.readings > pipeline/readings.txt
"""

from __future__ import annotations

import sys
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from itertools import accumulate
from pathlib import Path

from pipeline.script import LOCAL_NAMES, confuse, fold

TABLE = Path(__file__).with_name("readings.txt")

COMMON_SHARE = 0.03
"""A reading besides a character's first is common if it has this share of the phrases that hold it:
the 行 of 银行 is, the 大 of 大夫 (dai) is not. The others are only heard where a phrase says so."""

PHRASE_LENGTHS = range(8, 1, -1)
"""Characters of the phrases that are looked for, longest first."""


def is_chinese(char: str) -> bool:
    return "\u4e00" <= char <= "\u9fff"


@lru_cache(maxsize=1)
def _lines() -> tuple[tuple[str, str, str], ...]:
    """(syllable, the characters commonly read so, those read so in phrases only)."""
    lines = TABLE.read_text(encoding="utf-8").splitlines()
    return tuple((s, often, seldom) for s, often, seldom in (line.split("\t") for line in lines))


@lru_cache(maxsize=1)
def _table() -> tuple[tuple[str, str, str], ...]:
    """The same with confusions folded."""
    usual: dict[str, list[str]] = {}
    rare: dict[str, list[str]] = {}
    for syllable, often, seldom in _lines():
        sound = confuse(syllable)
        usual.setdefault(sound, []).append(often)
        rare.setdefault(sound, []).append(seldom)
    return tuple((s, "".join(usual[s]), "".join(rare[s])) for s in usual)


@lru_cache(maxsize=1)
def _read_so() -> tuple[dict[str, str], dict[str, str]]:
    """The characters of every syllable, and of every sound with confusions folded."""
    return {s: often + seldom for s, often, seldom in _lines()}, {
        s: often + seldom for s, often, seldom in _table()
    }


@lru_cache(maxsize=1)
def _in_one() -> tuple[str, list[int]]:
    """The common characters of all syllables in one string, and where those of each end: to find a
    character in it is quicker than to look into each."""
    return "".join(often for _, often, _ in _lines()), list(
        accumulate(len(often) for _, often, _ in _lines())
    )


@lru_cache(maxsize=4096)
def _syllables(char: str) -> tuple[str, ...]:
    """How a Chinese character is commonly read."""
    chars, ends = _in_one()
    found = []
    at = chars.find(char)
    while at >= 0:
        found.append(_lines()[bisect_right(ends, at)][0])
        at = chars.find(char, at + 1)
    return tuple(found)


@lru_cache(maxsize=4096)
def common(char: str) -> frozenset[str]:
    """How a character is commonly read, confusions folded (n/l, zh/z, ing/in, h/f, ...); empty for what
    is not Chinese or has no reading."""
    return frozenset(map(confuse, _syllables(char))) if is_chinese(char) else frozenset()


@lru_cache(maxsize=512)
def alike(char: str, *, confused: bool = True) -> frozenset[str]:
    """All characters that can sound like `char`, itself among them: to somebody of the region, or
    with `confused` false to everybody."""
    of_syllables, of_sounds = _read_so()
    if confused:
        return frozenset(char).union(*(of_sounds[sound] for sound in common(char)))
    return frozenset(char).union(*(of_syllables[one] for one in _syllables(char)))


def heard(text: str) -> list[frozenset[str]]:
    """The sounds that each character of `text` may have where it stands, confusions folded.

    One where a phrase that pypinyin or LOCAL_NAMES knows decides it, else all common ones; none for
    what is not Chinese. Takes folded text; always as long as it.
    """
    phrases = _phrases()
    sounds: list[frozenset[str]] = []
    at = 0
    while at < len(text):
        start = text[at : at + 2]
        if start in phrases.starts:
            for length in PHRASE_LENGTHS:
                read = phrases.readings.get(text[at : at + length])
                if read is not None:
                    sounds += read
                    at += len(read)
                    break
            else:
                sounds.append(common(text[at]))
                at += 1
        else:
            sounds.append(common(text[at]))
            at += 1
    return sounds


class _Phrases:
    """The phrases that decide a reading: those with a character that has several."""

    def __init__(self) -> None:
        counts = Counter(char for _, often, seldom in _table() for char in often + seldom)
        several = {char for char, n in counts.items() if n > 1}
        self.readings: dict[str, tuple[frozenset[str], ...]] = {}
        for phrase, syllables in _phrase_readings():
            folded = fold(phrase)
            if len(folded) in PHRASE_LENGTHS and not several.isdisjoint(folded):
                self.readings[folded] = tuple(frozenset([confuse(s)]) for s in syllables)
        self.starts = {phrase[:2] for phrase in self.readings}


@lru_cache(maxsize=1)
def _phrases() -> _Phrases:
    return _Phrases()


def _phrase_readings() -> Iterator[tuple[str, list[str]]]:
    """pypinyin's phrases with a syllable a character, then those of LOCAL_NAMES, which win."""
    from pypinyin.constants import PHRASES_DICT

    for phrase, said in PHRASES_DICT.items():
        syllables = [_toneless(options[0]) for options in said]
        if len(syllables) == len(phrase) and all(map(is_chinese, phrase)):
            yield phrase, syllables
    for phrase, line in LOCAL_NAMES.items():
        yield phrase, line.split()


@lru_cache(maxsize=4096)
def _toneless(syllable: str) -> str:
    from pypinyin.contrib.tone_convert import to_normal

    return str(to_normal(syllable))


# --- Making the table -------------------------------------------------------------------------------


def table() -> str:
    """`readings.txt` from the installed pypinyin: a line a syllable with its common and its rare
    characters, parted by tabs. Only characters that folding leaves as they are."""
    from pypinyin.constants import PINYIN_DICT

    local = {
        c: s for name, line in LOCAL_NAMES.items() for c, s in zip(name, line.split(), strict=True)
    }
    counts: dict[str, Counter[str]] = {}
    for phrase, syllables in _phrase_readings():
        for char, syllable in zip(fold(phrase), syllables, strict=True):
            counts.setdefault(char, Counter())[syllable] += 1
    often: dict[str, list[str]] = {}
    seldom: dict[str, list[str]] = {}
    for code, said in sorted(PINYIN_DICT.items()):
        char = chr(code)
        if not is_chinese(char) or fold(char) != char:
            continue
        first = _toneless(said.split(",")[0])
        seen = counts.get(char, Counter())
        for syllable in dict.fromkeys([first, *seen]):
            usual = (
                syllable == first
                or local.get(char) == syllable
                or seen[syllable] >= max(2, COMMON_SHARE * seen.total())
            )
            (often if usual else seldom).setdefault(syllable, []).append(char)
    return "".join(
        f"{syllable}\t{''.join(often.get(syllable, []))}\t{''.join(seldom.get(syllable, []))}\n"
        for syllable in sorted(often.keys() | seldom.keys())
    )


if __name__ == "__main__":
    sys.stdout.buffer.write(table().encode())
