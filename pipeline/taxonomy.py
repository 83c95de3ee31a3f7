"""The office's taxonomy: labels, words and rules from `taxonomy.toml`, checked whole and compiled once.

A leaf beside `script.py`: `split` and `tag` ask it what stands where in a text (`Taxonomy.read`) and
how a hit is meant: said, denied, over, asked in general, told of elsewhere (`Reading.meant`).
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property, lru_cache
from importlib import resources
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, TypeVar, cast

from pipeline import script
from pipeline.errors import SettingsError
from pipeline.i18n import _
from pipeline.types import CATEGORIES, KINDS, URGENCIES, Piece, Turn, Urgency

VERSION = 1
GAP, WIDE_GAP = 8, 18
"""Characters that … and …… may stand for: a clause of telephone Mandarin has about 7, a sentence 15."""
FADING = 0.75
"""Share that each further word for a category counts: many mentions in a long story are not the matter."""
LONG_CLAUSE = 22
"""Characters after which an unpunctuated clause is cut further: a spoken clause has about 7."""
LOOK_BACK = 26
"""How far back, in characters, a word such as 去年 or 要是 is looked for where nothing is punctuated."""

STRENGTHS = ("strong", "terms", "weak")
CUES = (
    "open", "open_weak", "need", "ask", "problem", "deny", "deny_filler", "deny_not", "over",
    "long_ago", "goes_on", "hypothetical", "hypothetical_not", "figure", "elsewhere", "no_action", "staff", "resident",
    "yes", "condition",
)  # fmt: skip
CHATTER = ("greeting", "thanks", "wrong_number", "wrong_number_not", "outbound", "phantom", "noise")

_T = TypeVar("_T")
Meaning = Literal["said", "denied", "over", "hypothetical", "elsewhere", "asked"]

_ENDS = re.compile(r"[。！？!?；;\n]+")
_BREAKS = re.compile(r"[，,。、：:！？!?；;…—\s~～]+")
_PARTICLE = re.compile(
    r"[了啊呀吧吗呢噢哦伐嘛的过](?=[我你您他她它伊那这就然还现但所因请能是有怎什])"
)
_WEAK_START = re.compile(
    r"(?=然后|但是|因为|所以|就是|不过|而且|还要|我想|我要|你们能|能不能|请问|麻烦|现在|那个)"
)
_PLAIN = re.compile(r"[\w\u3400-\u9fff〇%]+")
_IN_SENTENCE = "[^。！？!?；;\n]"
_IN_CLAUSE = "[^，,。！？!?；;\n]"


@dataclass(frozen=True, slots=True)
class Label:
    """A code with its names for people."""

    code: str
    name: str
    english: str


@dataclass(frozen=True, slots=True)
class Sign:
    """A danger. `call` is the number to dial at once; `only` limits it to these categories;
    `beats` are those that give way to its own where both fit. `plain` is true where it tells words that
    mean nothing else apart from its other patterns: these, and those of a `hint`, may mean something
    else, and count where the learned model does not rule danger out."""

    about: str
    level: Urgency
    name: str
    category: str | None = None
    call: str | None = None
    only: tuple[str, ...] = ()
    beats: tuple[str, ...] = ()
    hint: bool = False
    plain: bool = False


@dataclass(frozen=True, slots=True)
class Weights:
    """What a hit is worth, in points; shares of it where somebody else or something else is meant."""

    strong: float = 4.0
    terms: float = 2.0
    weak: float = 1.0
    staff: float = 0.5
    sound: float = 0.75
    need: float = 1.4
    mentioned: float = 0.5
    denied: float = 0.25


@dataclass(frozen=True, slots=True)
class Splitting:
    """How likely an opening must be to be looked at, and the stretch after it to be a request of its
    own, each in [0, 1] (see `split`)."""

    opens: float = 0.12
    holds: float = 0.55


@dataclass(frozen=True, slots=True)
class Listening:
    """When a person must listen: mean word probability below, or so many characters not understood."""

    min_confidence: float = 0.45
    min_characters: int = 8


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
class Found:
    """A hit in a call: in which turn, whether staff said it, and what it is worth in points."""

    hit: Hit
    turn: int
    staff: bool
    points: float


@dataclass(frozen=True, slots=True)
class Reading:
    """A text with everything that the taxonomy finds in it. Offsets count in the original text.

    `cuts` are where its clauses begin: after punctuation, before opening cues, and inside what is too
    long; `staff` guesses of each whether staff said it, for turns of unknown speakers. `signs` are the
    numbers of the dangers that are found at all: most are not, and nobody need ask for them.
    """

    text: str
    folded: str
    hits: Mapping[str, tuple[Hit, ...]]
    ends: tuple[int, ...]
    breaks: tuple[tuple[int, int], ...]
    cuts: tuple[int, ...]
    staff: tuple[bool, ...]
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

    def clauses(self, start: int = 0, end: int | None = None) -> list[tuple[int, int, bool]]:
        """The clauses in [start, end) as (start, end, whether staff seem to have said it)."""
        stop = len(self.text) if end is None else end
        return [
            (max(start, first), min(stop, last), staff)
            for (first, last), staff in zip(
                pairwise((*self.cuts, len(self.text))), self.staff, strict=True
            )
            if first < stop and last > start
        ]

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


@dataclass(frozen=True, slots=True)
class Weighed:
    """A hit that speaks for a category, and how much in points. `said` is false where it is denied,
    over, asked in general or told of elsewhere; `danger` where it is a critical sign that stands."""

    category: str
    hit: Hit
    points: float
    said: bool = True
    danger: bool = False
    beats: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Names:
    """What the labels are called; read without compiling the patterns, for lists must show at once."""

    categories: Mapping[str, Label]
    kinds: Mapping[str, Label]
    urgencies: Mapping[str, Label]


@dataclass(frozen=True, slots=True)
class Taxonomy:
    """Everything that `taxonomy.toml` says, compiled.

    `source` is the file that it came from. Iteration orders are the file's.
    """

    categories: Mapping[str, Label]
    kinds: Mapping[str, Label]
    urgencies: Mapping[str, Label]
    signs: tuple[Sign, ...]
    weights: Weights
    splitting: Splitting
    listening: Listening
    source: str
    _scan: Callable[[str], Reading] = field(repr=False, compare=False)

    def read(self, text: str) -> Reading:
        """Everything found in `text`; time linear in its length; the last few hundred texts are kept."""
        return self._scan(text)

    def weigh(self, reading: Reading, start: int, end: int, *, staff: bool) -> list[Weighed]:
        """What the hits that begin in [start, end), a clause, are worth for their categories."""
        weights = self.weights
        share = weights.staff if staff else 1.0
        needs = not staff and reading.has("cue.need", start, end)
        asks = not staff and reading.has("cue.ask", start, end)
        share *= weights.need if needs else (1 + weights.need) / 2 if asks else 1.0
        matters = needs or asks or reading.has("cue.problem", start, end)
        mentioned = ("testing", "passage", "quarantine", "paperwork")
        condition = reading.has("cue.condition", start, end)
        found = []
        for code in self.categories:
            for hit in reading.of(f"category.{code}", start, end):
                points = hit.weight * share
                if not matters and hit.weight < weights.strong:
                    points *= weights.mentioned
                if not needs and reading.meant(hit, staff=staff) in ("over", "elsewhere"):
                    points *= weights.denied if hit.weight < weights.strong else 0.5
                if condition and code in mentioned:
                    points *= weights.denied
                found.append(Weighed(code, hit, points))
        for number in reading.signs:
            sign = self.signs[number]
            if sign.category is None:
                continue
            for hit in reading.of(f"sign.{number}", start, end):
                said = reading.meant(hit, staff=staff) == "said"
                critical = sign.level == "critical" and not sign.hint
                points = (weights.strong if critical else weights.terms) * share
                found.append(
                    Weighed(
                        sign.category,
                        hit,
                        points if said else points * weights.denied,
                        said,
                        said and critical and not staff,
                        sign.beats if said and critical and not staff else (),
                    )
                )
        if not staff:
            for hit in reading.of("kind.offer", start, end):
                if reading.meant(hit) == "said":
                    found.append(Weighed("volunteer", hit, weights.strong))
        return found

    def rank(
        self, pieces: Sequence[Piece], turns: Sequence[Turn]
    ) -> tuple[dict[str, float], dict[str, list[Found]]]:
        """Points of each category that the pieces speak for, most first, and the hits behind them."""
        found: dict[str, list[Found]] = {}
        said: dict[tuple[str, str], int] = {}
        beaten: set[str] = set()
        for piece in pieces:
            reading, turn = self.read(turns[piece.turn].text), turns[piece.turn]
            for start, end, guess in reading.clauses(piece.start_char, piece.end_char):
                staff = guess if turn.speaker == "unknown" else turn.speaker == "staff"
                for weighed in self.weigh(reading, start, end, staff=staff):
                    beaten.update(weighed.beats)
                    words = (weighed.category, reading.folded[weighed.hit.start : weighed.hit.end])
                    said[words] = said.get(words, 0) + 1
                    points = weighed.points / said[words]  # said again, it is not twice as true
                    found.setdefault(weighed.category, []).append(
                        Found(weighed.hit, piece.turn, staff, points)
                    )
        totals = {
            code: sum(
                points * FADING**i
                for i, points in enumerate(sorted((f.points for f in hits), reverse=True))
            )
            for code, hits in found.items()
            if code != "unclear"
        }
        for code in beaten & set(totals):
            totals[code] *= self.weights.denied
        ranked = sorted(totals, key=lambda code: -totals[code])
        if (
            len(ranked) > 1
            and ranked[0] == "distress"
            and totals[ranked[1]] > 0.6 * totals["distress"]
        ):
            # Fear beside another matter is how it is told, not what is wanted.
            ranked[0], ranked[1] = ranked[1], ranked[0]
        return {code: totals[code] for code in ranked}, found


def load(path: Path | None = None) -> Taxonomy:
    """The taxonomy in `path`, or the package's own.

    Raises:
        SettingsError: the file cannot be read, or holds what cannot be meant; names the key and, where
            a name is unknown, the nearest right one.
    """
    if path is None:
        return _own()
    return _Builder(str(path)).build(_table(path))


@lru_cache(maxsize=1)
def _own() -> Taxonomy:
    return _Builder("taxonomy.toml").build(_table(None))


def names(path: Path | None = None) -> Names:
    """Only what the labels of the taxonomy in `path` (None: the package's own) are called.

    Raises:
        SettingsError: as `load`.
    """
    builder, data = _Builder(str(path or "taxonomy.toml")), _table(path)
    return Names(
        **{
            field: {
                code: Label(code, str(entry.get("name", code)), str(entry.get("english", code)))
                for code, entry in builder.table(data, section).items()
                if isinstance(entry, dict)
            }
            for field, section in (
                ("categories", "category"),
                ("kinds", "kind"),
                ("urgencies", "urgency"),
            )
        }
    )


def _table(path: Path | None) -> dict[str, Any]:
    """The file's TOML; `path` None is the package's own."""
    import tomllib

    source = str(path or "taxonomy.toml")
    try:
        file = path or resources.files("pipeline") / "taxonomy.toml"
        data = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            _("{file} cannot be read: {error}. Save it as UTF-8.").format(file=source, error=error)
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(
            _("{file} is no TOML: {error}. Mend that line.").format(file=source, error=error)
        ) from error
    return _completed(data) if path and data.get("own_categories") is True else data


def _completed(data: dict[str, Any]) -> dict[str, Any]:
    """Another office's categories with the package's ways of speaking, kinds, urgencies and dangers,
    where the file has none: a danger is one whatever the matter is called."""
    whole = {**_table(None), **data}
    theirs = data.get("category")
    if "sign" not in data and isinstance(theirs, dict):
        whole["sign"] = [
            {key: value for key, value in sign.items() if key not in ("category", "beats")}
            for sign in whole["sign"]
            if "only" not in sign
        ]
    return whole


def _nearest(name: str, right: Sequence[str]) -> str:
    import difflib

    return (difflib.get_close_matches(name, right, 1, 0.0) or [""])[0]


class _Pattern:
    """A pattern that is compiled when a text first holds one of its anchors.

    `anchors` are words of which every match holds at least one; None where there are none.
    """

    def __init__(self, source: str, anchors: frozenset[str] | None) -> None:
        self.source = source
        self.anchors = anchors

    @cached_property
    def compiled(self) -> re.Pattern[str]:
        return re.compile(self.source)


_COMMON = set("我你他她伊的了是不在有一人这那个就也都没要到给来去上下么吗好说还能会")
"""Characters in nearly every sentence: poor anchors."""


def _worth(anchors: frozenset[str]) -> float:
    """How well anchors tell texts apart: the smaller, the better."""
    return sum(1 if len(a) > 1 else 30 if a in _COMMON else 4 for a in anchors)


def _translate(entry: str, words: Mapping[str, str]) -> tuple[str, frozenset[str] | None, bool]:
    """An entry as (regular expression, anchors, whether it can match nothing).

    Raises:
        ValueError: it is malformed, and how. KeyError: it names an unknown list of words.
    """
    at = 0

    def branches(closing: str) -> tuple[str, frozenset[str] | None, bool]:
        nonlocal at
        made: list[str] = []
        sets: list[frozenset[str] | None] = []
        empties: list[bool] = []
        while True:
            text, anchors, empty = sequence()
            made.append(text)
            sets.append(anchors)
            empties.append(empty)
            if at < len(entry) and entry[at] == "|":
                at += 1
                continue
            break
        if at < len(entry):
            if entry[at] != closing:
                raise ValueError("unbalanced )")
            at += 1
        elif closing:
            raise ValueError("a ( without its )")
        together = None if None in sets else frozenset().union(*(s or () for s in sets))
        return "|".join(made), together, any(empties)

    def sequence() -> tuple[str, frozenset[str] | None, bool]:
        nonlocal at
        made: list[str] = []
        best: frozenset[str] | None = None
        run = ""
        empty = True

        def offer(anchors: frozenset[str] | None) -> None:
            nonlocal best
            if anchors and (best is None or _worth(anchors) < _worth(best)):
                best = anchors

        while at < len(entry) and entry[at] not in "|)":
            text, anchors, nothing, literal = item()
            quantifier = re.compile(r"[?*+]|\{\d*,?\d*\}").match(entry, at)
            if quantifier:
                at = quantifier.end()
                lowest = quantifier.group()[1:].split(",")[0].rstrip("}")
                optional = quantifier.group() in "?*" or lowest in ("", "0")
                if quantifier.group() == "+":
                    optional = False
                if text == ".":  # a gap stays in its sentence, and shows what it passed over
                    text = (
                        f"({_IN_SENTENCE}{quantifier.group()}?)"
                        if optional
                        else f"({_IN_SENTENCE}{quantifier.group()})"
                    )
                else:
                    text += quantifier.group()
                offer(frozenset([run]) if run else None)
                run = ""
                if not optional:
                    offer(anchors)
                empty = empty and (nothing or optional)
            elif literal:
                run += literal
                empty = False
            else:
                offer(frozenset([run]) if run else None)
                run = ""
                offer(anchors)
                empty = empty and nothing
            made.append(text)
        offer(frozenset([run]) if run else None)
        return "".join(made), best, empty

    def item() -> tuple[str, frozenset[str] | None, bool, str]:
        nonlocal at
        char = entry[at]
        if entry.startswith("……", at):
            at += 2
            return f"({_IN_SENTENCE}{{0,{WIDE_GAP}}}?)", None, True, ""
        if char == "…":
            at += 1
            return f"({_IN_CLAUSE}{{0,{GAP}}}?)", None, True, ""
        if char == "<":
            end = entry.find(">", at)
            name = entry[at + 1 : end] if end > 0 else entry[at + 1 :]
            inner = words[name]
            at = end + 1
            text, anchors, empty = _translate(inner, words)
            return f"(?:{text})", anchors, empty, ""
        if char == "(":
            look = re.compile(r"\((\?(?:<?[=!]|:))?").match(entry, at)
            assert look is not None
            at = look.end()
            text, anchors, empty = branches(")")
            lead = look.group(1) or "?:"
            if lead != "?:":
                return f"({lead}{text})", None, True, ""
            return f"(?:{text})", anchors, empty, ""
        if char == "[":
            end = entry.find("]", at + 2)
            if end < 0:
                raise ValueError("a [ without its ]")
            text = entry[at : end + 1]
            at = end + 1
            inside = text[1:-1]
            plain = inside[0] != "^" and "-" not in inside and "\\" not in inside
            return text, frozenset(inside) if plain else None, False, ""
        if char == "\\":
            if at + 1 >= len(entry):
                raise ValueError("a backslash at the end")
            at += 2
            return entry[at - 2 : at], None, False, ""
        if char in "?*+{":
            raise ValueError(f"nothing to repeat before {char}")
        at += 1
        if char in "^$":
            return char, None, True, ""
        if char == ".":
            return char, None, False, ""
        return char, frozenset(char), False, char

    made, anchors, empty = branches("")
    return made, anchors, empty


class _Builder:
    """Checks the file key by key and collects what is to be looked for."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.words: dict[str, str] = {}
        self.literals: list[tuple[str, str, float]] = []
        self.patterns: list[tuple[str, _Pattern, float]] = []
        self.seen: set[tuple[str, str]] = set()

    def fail(self, key: str, why: str) -> SettingsError:
        return SettingsError(_("{file}: {key}: {why}.").format(file=self.source, key=key, why=why))

    def known(self, key: str, got: Iterable[str], right: Sequence[str]) -> None:
        for name in got:
            if name not in right:
                raise self.fail(
                    f"{key}.{name}" if key else name,
                    _("there is no such name; is {near} meant?")
                    .format(near=_nearest(name, right))
                    .rstrip("."),
                )

    def table(self, data: Mapping[str, Any], key: str) -> dict[str, Any]:
        value = data.get(key, {})
        if not isinstance(value, dict):
            raise self.fail(key, _("a table [{key}] is meant").format(key=key))
        return value

    def strings(self, key: str, value: object) -> list[str]:
        if not isinstance(value, list) or not all(isinstance(v, str) and v for v in value):
            raise self.fail(key, _("a list of words in quotes is meant"))
        return cast("list[str]", value)

    def numbers(self, data: Mapping[str, Any], key: str, record: type[_T]) -> _T:
        table = self.table(data, key)
        names = [f.name for f in fields(cast("Any", record))]
        self.known(key, table, names)
        for name, value in table.items():
            if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
                raise self.fail(f"{key}.{name}", _("a number of 0 or more is meant"))
        return record(**table)

    def add(self, group: str, key: str, entries: Iterable[str], weight: float = 0.0) -> None:
        """Take words or patterns into a group; a word stands in a group once, with its first weight."""
        for entry in entries:
            folded = script.fold(entry)
            if (group, folded) in self.seen:
                continue
            self.seen.add((group, folded))
            if _PLAIN.fullmatch(folded) and len(folded) > 1:
                self.literals.append((group, folded, weight))
            else:
                self.patterns.append((group, self.pattern(key, folded), weight))

    def pattern(self, key: str, entry: str) -> _Pattern:
        """An entry as a pattern, not yet compiled: a thousand compilations would take seconds."""
        try:
            made, anchors, empty = _translate(entry.strip("…"), self.words)
        except KeyError as error:
            word = str(error.args[0])
            near = _nearest(word, list(self.words))
            raise self.fail(
                key,
                _("<{word}> stands not in [words]; is <{near}> meant?")
                .format(word=word, near=near)
                .rstrip("."),
            ) from error
        except ValueError as error:
            raise self.fail(
                key, _('"{entry}" is no pattern ({error})').format(entry=entry, error=error)
            ) from error
        if empty:
            raise self.fail(key, _('"{entry}" would match everywhere').format(entry=entry))
        return _Pattern(made, anchors)

    def build(self, data: dict[str, Any]) -> Taxonomy:
        self.known(
            "",
            data,
            [
                "version",
                "own_categories",
                "weights",
                "split",
                "listening",
                "words",
                "sound",
                "cues",
                "chatter",
                "category",
                "kind",
                "urgency",
                "sign",
            ],
        )
        if data.get("version") != VERSION:
            raise self.fail("version", _("this program reads version {n}").format(n=VERSION))
        weights = self.numbers(data, "weights", Weights)
        splitting = self.numbers(data, "split", Splitting)
        listening = self.numbers(data, "listening", Listening)
        for name, value in self.table(data, "words").items():
            entries = [script.fold(v) for v in self.strings(f"words.{name}", value)]
            self.words[name] = "|".join(sorted(entries, key=len, reverse=True))  # 爸爸 before 爸
        for name in self.words:
            self.pattern(f"words.{name}", self.words[name])
        sound = self.table(data, "sound")
        self.known("sound", sound, ["words", "never"])
        for section, right in (("cues", CUES), ("chatter", CHATTER)):
            table = self.table(data, section)
            self.known(section, table, right)
            for name, value in table.items():
                entries = self.strings(f"{section}.{name}", value)
                if name not in ("deny", "deny_filler"):
                    self.add(f"{section.removesuffix('s')}.{name}", f"{section}.{name}", entries)
        own = data.get("own_categories") is True
        codes = tuple(dict.fromkeys((*self.table(data, "category"), "unclear")))
        categories = self.labels(data, "category", codes if own else CATEGORIES, (*STRENGTHS,))
        kinds = self.labels(data, "kind", KINDS, ("cues",))
        urgencies = self.labels(data, "urgency", URGENCIES, ())
        for code in categories:
            for strength in STRENGTHS:
                key = f"category.{code}.{strength}"
                entries = self.strings(key, data["category"][code].get(strength, []))
                self.add(f"category.{code}", key, entries, getattr(weights, strength))
        for code in kinds:
            key = f"kind.{code}.cues"
            self.add(
                f"kind.{code}", key, self.strings(key, data["kind"][code].get("cues", [])), 1.0
            )
        signs = self.signs(data, categories)
        cues = self.table(data, "cues")
        return Taxonomy(
            categories=categories,
            kinds=kinds,
            urgencies=urgencies,
            signs=signs,
            weights=weights,
            splitting=splitting,
            listening=listening,
            source=self.source,
            _scan=_Scanner(
                self.literals,
                self.patterns,
                sound={script.fold(w) for w in self.strings("sound.words", sound.get("words", []))},
                never={script.fold(w) for w in self.strings("sound.never", sound.get("never", []))},
                share=weights.sound,
                denial=_denial(cues, self),
            ).read,
        )

    def labels(
        self, data: Mapping[str, Any], section: str, right: Sequence[str], extra: Sequence[str]
    ) -> dict[str, Label]:
        table = self.table(data, section)
        self.known(section, table, right)
        missing = [code for code in right if code not in table]
        if missing:
            raise self.fail(f"{section}.{missing[0]}", _("it is missing"))
        labels = {}
        for code, entry in table.items():
            if not isinstance(entry, dict):
                raise self.fail(f"{section}.{code}", _("a table is meant"))
            self.known(f"{section}.{code}", entry, ["name", "english", *extra])
            for name in ("name", "english"):
                if not isinstance(entry.get(name), str) or not entry[name].strip():
                    raise self.fail(f"{section}.{code}.{name}", _("a name in quotes is meant"))
            labels[code] = Label(code, entry["name"], entry["english"])
        return labels

    def signs(self, data: Mapping[str, Any], categories: Mapping[str, Label]) -> tuple[Sign, ...]:
        rows = data.get("sign", [])
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise self.fail("sign", _("a list of [[sign]] is meant"))
        signs = []
        for number, row in enumerate(rows):
            key = f"sign {number + 1} ({row.get('about', '?')})"
            self.known(
                key,
                row,
                [
                    "level",
                    "about",
                    "name",
                    "category",
                    "call",
                    "only",
                    "beats",
                    "hint",
                    "plain",
                    "patterns",
                ],
            )
            about, level, name = row.get("about"), row.get("level"), row.get("name")
            if not isinstance(about, str) or not isinstance(name, str):
                raise self.fail(key, _("about and name, in quotes, are missing"))
            self.known(f"{key}.level", [str(level)], URGENCIES)
            only = self.strings(f"{key}.only", row.get("only", []))
            beats = self.strings(f"{key}.beats", row.get("beats", []))
            self.known(f"{key}.only", [*only, *beats], list(categories))
            if not isinstance(row.get("hint", False), bool):
                raise self.fail(f"{key}.hint", _("true or false is meant"))
            if row.get("category") is not None:
                self.known(f"{key}.category", [str(row["category"])], list(categories))
            plain = self.strings(f"{key}.plain", row.get("plain", []))
            patterns = self.strings(f"{key}.patterns", row.get("patterns"))
            self.add(f"plain.{number}", f"{key}.plain", plain, 1.0)
            self.add(f"sign.{number}", f"{key}.plain", plain, 1.0)
            self.add(f"sign.{number}", f"{key}.patterns", patterns, 1.0)
            signs.append(
                Sign(
                    about=about,
                    level=cast("Urgency", level),
                    name=name,
                    category=row.get("category"),
                    call=row.get("call"),
                    only=tuple(only),
                    beats=tuple(beats),
                    hint=row.get("hint", False),
                    plain=bool(plain),
                )
            )
        return tuple(signs)


def _denial(cues: Mapping[str, Any], builder: _Builder) -> Callable[[str], bool]:
    """Whether the words before a hit deny it: a negator at their end, but for fillers (没有|什么|)."""

    def words(name: str) -> str:
        entries = [
            re.escape(script.fold(v)) for v in builder.strings(f"cues.{name}", cues.get(name, []))
        ]
        return "(?:" + "|".join(sorted(entries, key=len, reverse=True) or ["(?!)"]) + ")"

    denies = re.compile(f"{words('deny')}{words('deny_filler')}{{0,3}}$")
    excused = re.compile(f"{words('deny_not')}[^,，。]{{0,4}}$")
    return lambda before: bool(denies.search(before)) and not excused.search(before)


class _Scanner:
    """Finds all words and patterns in a text: words by their first two characters, then the patterns."""

    def __init__(
        self,
        literals: Sequence[tuple[str, str, float]],
        patterns: Sequence[tuple[str, _Pattern, float]],
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
                for syllables in {by_phrase, tuple(map(_sound, word))}:
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
        syllables = tuple(map(_sound, folded))
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
        speaking = [*hits_of.get("cue.staff", ()), *hits_of.get("cue.resident", ())]
        cuts = _cuts(folded, breaks, hits_of.get("cue.open", ()), speaking)
        return Reading(
            text=text,
            folded=folded,
            hits=hits_of,
            ends=tuple(match.end() for match in _ENDS.finditer(folded)),
            breaks=breaks,
            cuts=cuts,
            # Who opens a new matter is a resident, whoever spoke before.
            staff=_roles(
                cuts,
                hits_of.get("cue.staff", ()),
                (*hits_of.get("cue.resident", ()), *hits_of.get("cue.open", ())),
            ),
            signs=tuple(sorted(int(group[5:]) for group in hits_of if group.startswith("sign."))),
            _denial=self._denial,
        )


def _cuts(
    text: str, breaks: Sequence[tuple[int, int]], opening: Sequence[Hit], speaking: Sequence[Hit]
) -> tuple[int, ...]:
    """Where clauses begin: after punctuation, before opening cues, and inside what is too long."""
    cuts = {0, *(end for _start, end in breaks), *(hit.start for hit in opening)}
    ordered = sorted(cut for cut in cuts if cut < len(text))
    for start, end in pairwise((*ordered, len(text))):
        if end - start <= LONG_CLAUSE:
            continue
        inner = {start + m.end() for m in _PARTICLE.finditer(text[start:end])}
        inner |= {start + m.start() for m in _WEAK_START.finditer(text[start:end])}
        inner |= {hit.start for hit in speaking if start < hit.start < end}
        last = start
        for cut in sorted(inner):
            if cut - last >= 5 and end - cut >= 4:
                cuts.add(cut)
                last = cut
    return tuple(sorted(cut for cut in cuts if cut < len(text))) or (0,)


def _roles(cuts: Sequence[int], theirs: Sequence[Hit], ours: Sequence[Hit]) -> tuple[bool, ...]:
    """Which clauses staff seem to have said, by the ways of speaking; who spoke last goes on."""
    balance = [0] * len(cuts)
    for hits, sign in ((theirs, 1), (ours, -1)):
        for hit in hits:
            balance[bisect_right(cuts, hit.start) - 1] += sign
    roles = []
    staff = False
    for weight in balance:
        staff = weight > 0 if weight else staff
        roles.append(staff)
    return tuple(roles)


@lru_cache(maxsize=8192)
def _sound(char: str) -> str:
    """The commonest reading of one character: phrases cost 25 microseconds a character."""
    return script.sounds(char)[0]


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
