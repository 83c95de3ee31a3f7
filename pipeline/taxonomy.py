"""The office's taxonomy: labels, signs of danger and what its words are worth, from `taxonomy.toml`.

`split` and `tag` ask it what stands where in a text (`Taxonomy.read`), and what that is worth for which
category. `hits.py` finds the words, `rulebook.py` checks and compiles the file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from pipeline import hits, script, utterances
from pipeline.hits import Hit, Reading
from pipeline.types import Piece, Turn, Urgency

FADING = 0.75
"""Share that each further word for a category counts: many mentions in a long story are not the matter."""


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
    holds: float = 0.5


@dataclass(frozen=True, slots=True)
class Listening:
    """When a person must listen: mean word probability below, or so many characters not understood."""

    min_confidence: float = 0.45
    min_characters: int = 8


@dataclass(frozen=True, slots=True)
class Found:
    """A hit in a call: in which turn, whether staff said it, and what it is worth in points."""

    hit: Hit
    turn: int
    staff: bool
    points: float


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

    def read_all(self, turns: Sequence[Turn]) -> list[Reading]:
        """The turns as `read` reads them. Who speaks and where utterances end is asked of all at once where
        words must tell it: of one after the other it takes several times as long."""
        folded = [script.fold(turn.text) for turn in turns]
        utterances.marks_all(
            text
            for turn, text in zip(turns, folded, strict=True)
            if turn.speaker == "unknown" or hits.runs_on(text)
        )
        return [self.read(turn.text) for turn in turns]

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
            for start, end in reading.clauses(piece.start_char, piece.end_char):
                staff = reading.staff(start, end, turn.speaker)
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
    from pipeline import rulebook

    return _own() if path is None else rulebook.compiled(path)


@lru_cache(maxsize=1)
def _own() -> Taxonomy:
    from pipeline import rulebook

    return rulebook.compiled(None)


def names(path: Path | None = None) -> Names:
    """Only what the labels of the taxonomy in `path` (None: the package's own) are called.

    Raises:
        SettingsError: as `load`.
    """
    from pipeline import rulebook

    return rulebook.names(path)
