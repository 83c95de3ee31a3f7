"""What stands where in a text, by the taxonomy's words and patterns, and how it is meant.

A leaf beside `script.py` and `patterns.py`. `Scanner` finds all of it in one go; a `Reading` answers what
stands in a stretch, and whether it is said, denied, over, asked in general or told of elsewhere.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import pairwise
from typing import Literal

from pipeline import script, utterances
from pipeline.patterns import Pattern
from pipeline.types import Speaker

LONG_CLAUSE = 22
"""Characters after which an unpunctuated clause is cut further: a spoken clause has about 7."""
ENDS = 0.4
"""How likely an utterance must end in it for a clause to be cut."""
LOOK_BACK = 26
"""How far back, in characters, a word such as 去年 or 要是 is looked for where nothing is punctuated."""

Meaning = Literal["said", "denied", "over", "hypothetical", "elsewhere", "asked"]

_ENDS = re.compile(r"[。！？!?；;\n]+")
_BREAKS = re.compile(r"[，,。、：:！？!?；;…—\s~～]+")


@dataclass(frozen=True, slots=True)
class Hit:
    """Words of a group found in a text: `text[start:end]`; `weight` in points, 0 for cues.

    `sound` is true where only the reading matched. `gap_denied` is true where the words between the
    parts of a pattern deny it (胸口倒不痛).
    """

    group: str
    start: int
    end: int
    weight: float = 0.0
    sound: bool = False
    gap_denied: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """A text with everything that the taxonomy finds in it. Offsets count in the original text.

    `cuts` are where its clauses begin: after punctuation, before opening cues, and inside what is too
    long. `signs` are the numbers of the dangers that are found at all: most are not, and nobody need ask
    for them.
    """

    text: str
    folded: str
    hits: Mapping[str, tuple[Hit, ...]]
    ends: tuple[int, ...]
    breaks: tuple[tuple[int, int], ...]
    cuts: tuple[int, ...]
    signs: tuple[int, ...]
    _denial: Callable[[str], bool] = field(repr=False, compare=False)

    def of(self, group: str, start: int = 0, end: int | None = None) -> list[Hit]:
        """The hits of a group that begin in [start, end)."""
        hits = self.hits.get(group)
        if hits is None:
            return []
        stop = len(self.text) if end is None else end
        return [hit for hit in hits if start <= hit.start < stop]

    def has(self, group: str, start: int = 0, end: int | None = None) -> bool:
        hits = self.hits.get(group)
        if hits is None:
            return False
        stop = len(self.text) if end is None else end
        return any(start <= hit.start < stop for hit in hits)

    def sentence(self, at: int) -> tuple[int, int]:
        """Where the sentence around `at` begins and ends; without punctuation the whole text."""
        i = bisect_right(self.ends, at)
        return (self.ends[i - 1] if i else 0), (
            self.ends[i] if i < len(self.ends) else len(self.text)
        )

    def clause(self, at: int) -> tuple[int, int]:
        """Where the clause around `at` begins and ends."""
        i = bisect_right(self.breaks, (at, len(self.text)))
        start = self.breaks[i - 1][1] if i else 0
        return min(start, at), (self.breaks[i][0] if i < len(self.breaks) else len(self.text))

    def clauses(self, start: int = 0, end: int | None = None) -> list[tuple[int, int]]:
        """The clauses in [start, end), as far as they lie in it."""
        stop = len(self.text) if end is None else end
        return [
            (max(start, first), min(stop, last))
            for first, last in pairwise((*self.cuts, len(self.text)))
            if first < stop and last > start
        ]

    def spoken(self, at: int) -> tuple[int, int]:
        """Where that of `clauses` in which `at` lies begins and ends."""
        i = bisect_right(self.cuts, at)
        return self.cuts[i - 1], (self.cuts[i] if i < len(self.cuts) else len(self.text))

    def staff(self, start: int, end: int, speaker: Speaker) -> bool:
        """Whether staff say what stands in [start, end) of a turn of `speaker`; where that is unknown, by
        the words. Who opens a new matter is a resident, whatever the words."""
        if speaker != "unknown":
            return speaker == "staff"
        if self.has("cue.open", start, start + 1):
            return False
        said = utterances.marks(self.folded).staff[start:end]
        return sum(said) > len(said) / 2

    def meant(self, hit: Hit, *, staff: bool = False) -> Meaning:
        """How the hit is meant. In doubt it is `said`: danger is not argued away."""
        clause_start, clause_end = self.clause(hit.start)
        sentence_start, sentence_end = self.sentence(hit.start)
        if hit.gap_denied or self._denied(hit, clause_start):
            return "denied"
        if any(hit.start - cue.end <= 2 for cue in self.of("cue.figure", clause_start, hit.start)):
            return "denied"
        if self._asked(hit, clause_start, sentence_end, staff):
            return "asked"
        back = max(sentence_start, hit.start - LOOK_BACK)
        supposed = self.has("cue.hypothetical", back, hit.start) or self.has(
            "cue.hypothetical", hit.end, min(clause_end, hit.end + 5)
        )
        if supposed and not self.has("cue.hypothetical_not", back, hit.end):
            return "hypothetical"
        if self.has("cue.elsewhere", back, hit.start):
            return "elsewhere"
        ago = list(self.of("cue.long_ago", back, hit.end))
        if ago and not self.has("cue.goes_on", ago[-1].end, min(len(self.text), hit.end + 10)):
            return "over"
        for cue in self.of("cue.over", max(sentence_start, hit.start - 8), hit.end + LOOK_BACK):
            if hit.start <= cue.start < hit.end or self._denied(cue, max(0, cue.start - 6)):
                continue
            between = (min(hit.end, cue.end), max(hit.start, cue.start))
            if not self.has("cue.goes_on", *between):
                return "over"
        return "said"

    def _denied(self, hit: Hit, clause_start: int) -> bool:
        before = self.folded[max(clause_start, hit.start - 9) : hit.start]
        if before and self._denial(before):
            return True
        # 没有发烧、咳嗽、胸闷: a list goes on under its first denial.
        lead = re.search(r"([^、,。\s]{1,6})[、和跟或及 ]$", self.folded[: hit.start][-10:])
        if lead:
            start = hit.start - len(lead.group())
            return bool(self._denial(self.folded[max(0, start - 6) : start])) or any(
                self._denial(lead.group(1)[:i]) for i in range(1, 4)
            )
        return False

    def _asked(self, hit: Hit, clause_start: int, sentence_end: int, staff: bool) -> bool:
        words, after = self.folded[hit.start : hit.end], self.folded[hit.end : hit.end + 4]
        if re.search(
            r"(有没有|有无|是不是|会不会|有伐|是否)[^,，。]{0,4}$",
            self.folded[clause_start : hit.start],
        ):
            return staff or "有没有" in self.folded[clause_start : hit.start]
        if re.match(r"[不没](" + re.escape(words[-1]) + ")", after):  # 痛不痛
            return True
        if not staff:
            return False
        tail = self.folded[hit.end : sentence_end + 1]
        return bool(re.search(r"[?？吗伐]|没有[。?？,]?$|没有$", tail[:14]))


class Scanner:
    """Finds all words and patterns in a text: words by their first two characters, then the patterns."""

    def __init__(
        self,
        literals: Sequence[tuple[str, str, float]],
        patterns: Sequence[tuple[str, Pattern, float]],
        *,
        sound: set[str],
        never: set[str],
        share: float,
        denial: Callable[[str], bool],
    ) -> None:
        self._share = share
        self._denial = denial
        self._by_start: dict[str, list[tuple[str, str, float]]] = {}
        for group, word, weight in literals:
            self._by_start.setdefault(word[:2], []).append((word, group, weight))
        self._patterns = patterns
        self._always: list[int] = []
        self._anchored: dict[str, list[tuple[str, int]]] = {}
        for number, (_group, pattern, _weight) in enumerate(patterns):
            if pattern.anchors is None:
                self._always.append(number)
            for anchor in pattern.anchors or ():
                self._anchored.setdefault(anchor[:2], []).append((anchor, number))
        self._never = never
        self._audible = sorted(
            {
                word
                for group, word, _weight in literals
                if group.startswith(("category.", "sign."))
                and all("\u4e00" <= char <= "\u9fff" for char in word)
                and (len(word) >= 3 or word in sound)
            }
            | {word for word in sound if len(word) >= 2}
        )
        self._by_sound: dict[tuple[str, ...], list[tuple[tuple[str, ...], str]]] | None = None
        self.read = lru_cache(maxsize=512)(self._read)

    def _sounds(self) -> dict[tuple[str, ...], list[tuple[tuple[str, ...], str]]]:
        # Readings load pypinyin (0.3 s): at the first text, not at import.
        if self._by_sound is None:
            table: dict[tuple[str, ...], list[tuple[tuple[str, ...], str]]] = {}
            # In one go: asking for each word by itself takes ten times as long.
            read = iter(script.sounds("\n".join(self._audible)))
            for word in self._audible:
                by_phrase = tuple(next(read) for _char in word)
                next(read, None)
                for syllables in {by_phrase, tuple(map(script.sound, word))}:
                    table.setdefault(syllables[:2], []).append((syllables, word))
            self._by_sound = table
        return self._by_sound

    def _by_ear(self, hit: Hit, folded: str, heard: str) -> Hit:
        """The hit, marked and worth less where it rests on characters that only sound right."""
        if folded[hit.start : hit.end] == heard[hit.start : hit.end]:
            return hit
        return replace(hit, weight=hit.weight * self._share, sound=True)

    def _heard_as(self, folded: str) -> str:
        """The text with words that only sound like the taxonomy's written as these (抗元 → 抗原).

        As long as `folded`. What is a word of the taxonomy by its characters stays as it is.
        """
        table = self._sounds()
        syllables = tuple(map(script.sound, folded))
        found: list[tuple[int, int, str]] = []
        for at in range(len(syllables) - 1):
            for sounds, word in table.get(syllables[at : at + 2], ()):
                end = at + len(word)
                if syllables[at:end] == sounds and folded[at:end] not in self._never:
                    found.append((at, end, word))
        if not any(folded[at:end] != word for at, end, word in found):
            return folded
        taken = bytearray(len(folded))
        for at in range(len(folded) - 1):
            for word, group, _weight in self._by_start.get(folded[at : at + 2], ()):
                if group.startswith(("category.", "sign.")) and folded.startswith(word, at):
                    taken[at : at + len(word)] = b"\x01" * len(word)
        made = list(folded)
        for at, end, word in sorted(found, key=lambda f: f[0] - f[1]):
            if not any(taken[at:end]):
                made[at:end] = word
                taken[at:end] = b"\x01" * (end - at)
        return "".join(made)

    def _read(self, text: str) -> Reading:
        folded = script.fold(text)
        heard = self._heard_as(folded)
        found: dict[str, list[Hit]] = {}
        candidates = set(self._always)
        for at in range(len(heard)):
            pair = heard[at : at + 2]
            for word, group, weight in self._by_start.get(pair, ()):
                if heard.startswith(word, at):
                    found.setdefault(group, []).append(Hit(group, at, at + len(word), weight))
            for start in (pair, pair[0]):
                for anchor, number in self._anchored.get(start, ()):
                    if number not in candidates and heard.startswith(anchor, at):
                        candidates.add(number)
        for number in candidates:
            group, pattern, weight = self._patterns[number]
            for match in pattern.compiled.finditer(heard):
                denied = any(gap and self._denial(gap) for gap in match.groups())
                found.setdefault(group, []).append(
                    Hit(group, match.start(), match.end(), weight, gap_denied=denied)
                )
        if heard != folded:
            found = {
                group: [self._by_ear(hit, folded, heard) for hit in hits]
                for group, hits in found.items()
            }
        hits_of = {group: _apart(hits) for group, hits in found.items()}
        breaks = tuple(match.span() for match in _BREAKS.finditer(folded))
        cuts = _cuts(folded, breaks, hits_of.get("cue.open", ()))
        return Reading(
            text=text,
            folded=folded,
            hits=hits_of,
            ends=tuple(match.end() for match in _ENDS.finditer(folded)),
            breaks=breaks,
            cuts=cuts,
            signs=tuple(sorted(int(group[5:]) for group in hits_of if group.startswith("sign."))),
            _denial=self._denial,
        )


def runs_on(text: str) -> bool:
    """Whether somewhere in a text too much is said without punctuation."""
    return any(len(clause) > LONG_CLAUSE for clause in _BREAKS.split(text))


def _cuts(text: str, breaks: Sequence[tuple[int, int]], opening: Sequence[Hit]) -> tuple[int, ...]:
    """Where clauses begin: after punctuation, before opening cues, and inside what is too long."""
    cuts = {0, *(end for _start, end in breaks), *(hit.start for hit in opening)}
    ordered = sorted(cut for cut in cuts if cut < len(text))
    for start, end in pairwise((*ordered, len(text))):
        if end - start > LONG_CLAUSE:
            ends = utterances.marks(text).ends
            cuts.update(at + 1 for at in range(start, end - 1) if ends[at] >= ENDS)
    return tuple(sorted(cut for cut in cuts if cut < len(text))) or (0,)


def _apart(hits: list[Hit]) -> tuple[Hit, ...]:
    """The hits of one group without overlaps, the weightier and longer first kept, in order."""
    if len(hits) == 1:
        return tuple(hits)
    kept: list[Hit] = []
    starts: list[int] = []
    for hit in sorted(hits, key=lambda h: (h.gap_denied, -h.weight, h.start - h.end, h.start)):
        i = bisect_left(starts, hit.start)
        if (i and kept[i - 1].end > hit.start) or (i < len(kept) and kept[i].start < hit.end):
            continue
        kept.insert(i, hit)
        starts.insert(i, hit.start)
    return tuple(kept)
