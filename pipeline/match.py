"""Where a word stands in a text, exactly or by sound, and the text with marks around it. No SQL."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import pairwise
from typing import Literal, NamedTuple

from pipeline import index
from pipeline.query import NUMERIC, Term
from pipeline.readings import alike, common
from pipeline.script import fold, plain

How = Literal["exact", "sound"]

MOST_PAIRS = 12
"""So many pairs of a long word are asked of the index; the text decides anyway."""


class Found(NamedTuple):
    """Characters `start` to `end` of a text. `whole` is whether jieba began a word at both ends, `broken`
    whether one inside too; `mixed` is how many characters only sound alike to those who mix up n and
    l, zh and z, ..."""

    start: int
    end: int
    how: How
    whole: bool
    mixed: int = 0
    broken: bool = False

    @property
    def is_sure(self) -> bool:
        """Whether the word was likely said here: it stands there, or it sounds so and what was written
        is no word. Two syllables meet by chance in many places: where another word stands, or the
        end of one and the beginning of the next."""
        if self.how == "exact" or self.end - self.start > 2:
            return True
        return self.whole and self.broken and not self.mixed


class Text:
    """A text with what is compared: `plain`, `folded`, and where jieba's words begin (see index)."""

    def __init__(self, text: str, starts: bytes | None = None) -> None:
        self.text = text
        self.plain = plain(text)
        self.starts = int.from_bytes(starts or b"", "little")

    @cached_property
    def folded(self) -> str:
        return fold(self.text)

    def is_whole(self, start: int, end: int) -> bool:
        """Whether a word begins at `start`, and at `end` one begins or the text ends."""
        return bool(self.starts >> start & self.starts >> end & 1)

    def is_broken(self, start: int, end: int) -> bool:
        """Whether a word begins between the two."""
        return bool(self.starts >> start + 1 & (1 << end - start - 1) - 1)


class Word:
    """A term of a query, ready to be asked of the index and looked for in texts."""

    def __init__(self, term: Term) -> None:
        self.term = term

    @cached_property
    def exact_matches(self) -> list[index.Match]:
        """What to ask of the index for the rows that may hold the word, one a spelling."""
        return [index.exact_match(spelling, MOST_PAIRS) for spelling in self.term.spellings]

    @cached_property
    def sound_match(self) -> index.Match | None:
        """What to ask of the index for the rows in which the word may be misheard; None for a single
        character, which could mean anything, and for what is not Chinese throughout."""
        word = self.term.word
        if len(word) < 2 or not all(map(common, word)):
            return None
        pairs = [
            " OR ".join(
                f'"{index.sound_pair(one, other)}"'
                for one in sorted(common(before))
                for other in sorted(common(after))
            )
            for before, after in dict.fromkeys(pairwise(word))
        ]
        return index.Match("sound_index", tuple(pairs[:MOST_PAIRS]))

    def find(self, text: Text, how: How) -> list[Found]:
        """Every place, overlaps too; with how="sound" also where the word may be meant."""
        found: list[Found] = []
        there = set()
        for n, spelling in enumerate(self.term.spellings):
            at = text.plain.find(spelling)
            while at >= 0:
                end = at + len(spelling)
                if (at, end) not in there and (n == 0 or _is_whole_number(text.plain, at, end)):
                    there.add((at, end))
                    found.append(Found(at, end, "exact", text.is_whole(at, end)))
                at = text.plain.find(spelling, at + 1)
        if how == "sound" and self.sound_match:
            for at in self._sounding(text.folded):
                end = at + len(self.term.word)
                if (at, end) not in there:
                    mixed = self._mixed(text.folded[at:end])
                    whole, broken = text.is_whole(at, end), text.is_broken(at, end)
                    found.append(Found(at, end, "sound", whole, mixed, broken))
        return found

    def is_in(self, text: Text) -> bool:
        return bool(self.find(text, "exact"))

    @cached_property
    def _alike(self) -> list[frozenset[str]]:
        return [alike(char) for char in self.term.word]

    def _sounding(self, folded: str) -> Iterator[int]:
        """Where the word may be meant, or stands."""
        first, *rest = self._alike
        for at, char in enumerate(folded[: max(0, len(folded) - len(rest))]):
            if char in first and all(folded[at + n] in chars for n, chars in enumerate(rest, 1)):
                yield at

    def _mixed(self, said: str) -> int:
        return sum(
            char != other and other not in alike(char, confused=False)
            for char, other in zip(self.term.word, said, strict=True)
        )


def _is_whole_number(plain: str, start: int, end: int) -> bool:
    """Whether a number at either edge ends there: 十五号楼 is not said in 二十五号楼."""
    before = start > 0 and plain[start] in NUMERIC and plain[start - 1] in NUMERIC
    after = end < len(plain) and plain[end - 1] in NUMERIC and plain[end] in NUMERIC
    return not before and not after


def mark(
    text: str,
    places: Iterable[tuple[int, int]],
    marks: tuple[str, str] = ("【", "】"),
    low: int = 0,
    high: int | None = None,
) -> str:
    """`text[low:high]` with marks around `places` (start, end); those that touch become one."""
    joined: list[tuple[int, int]] = []
    for start, end in sorted(places):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    out, position = [], low
    for start, end in joined:
        out += [text[position:start], marks[0], text[start:end], marks[1]]
        position = end
    return "".join([*out, text[position:high]])
