"""What `split` looks at: the clauses of a call, each with what the taxonomy and the learned model say of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from pipeline.hits import Reading
from pipeline.learned import Learned, Part
from pipeline.taxonomy import Taxonomy
from pipeline.types import Turn

MOST_A_CLAUSE = 7.0
"""Points that one clause can give a category: a heap of words is no better than two good ones."""

_EMPTY = re.compile(r"^[\W嗯啊哦噢喔呃额唉哎诶对好的行是吧呀嘛那个这个我你您他就也]*$")


@dataclass(slots=True)
class Clause:
    """A stretch of one turn, about seven characters.

    `cue` is 2 after words that open another matter (还有, 另外), 1 after weaker ones. `points` are
    the taxonomy's, a category. `part` is what the learned model makes of the words, to be added up.
    """

    turn: int
    start: int
    end: int
    text: str
    staff: bool
    guessed: bool
    first: bool
    part: Part
    cue: int = 0
    points: dict[str, float] = field(default_factory=dict)
    danger: bool = False
    asks: bool = False
    tells: bool = False
    strong: bool = False
    wrong: bool = False
    chatter: bool = False
    empty: bool = False


def clauses(
    turns: Sequence[Turn], readings: Sequence[Reading], taxonomy: Taxonomy, learned: Learned
) -> list[Clause]:
    """The clauses of the turns that hold words which somebody said, in order."""
    return [
        clause
        for i, turn in enumerate(turns)
        if turn.text.strip() and not turn.unheard and not readings[i].has("chatter.phantom")
        for clause in _of_turn(i, turn, readings[i], taxonomy, learned)
    ]


def _of_turn(
    number: int, turn: Turn, reading: Reading, taxonomy: Taxonomy, learned: Learned
) -> Iterator[Clause]:
    weights = taxonomy.weights
    guessed = turn.speaker == "unknown"
    for i, (start, end) in enumerate(reading.clauses()):
        staff = reading.staff(start, end, turn.speaker)
        text = reading.folded[start:end]
        weighed = taxonomy.weigh(reading, start, end, staff=staff)
        if staff and guessed:
            # Who spoke is a guess: danger counts in full whoever told of it.
            heard = taxonomy.weigh(reading, start, end, staff=False)
            if any(found.danger for found in heard):
                staff, weighed = False, heard
        clause = Clause(number, start, end, text, staff, guessed, i == 0, learned.part(text))
        clause.empty = bool(_EMPTY.match(text))
        if reading.has("cue.open", start, start + 1):
            # 证明，还有通行证。 goes on with a list: nothing follows in which a matter could be told.
            listed = text.startswith("还有") and len(turn.text.rstrip()) - start <= 8
            clause.cue = 1 if listed else 2
        elif any(hit.start <= start + 2 for hit in reading.of("cue.open_weak", start, end)):
            clause.cue = 1
        clause.asks = not staff and (
            reading.has("cue.need", start, end) or reading.has("cue.ask", start, end)
        )
        clause.tells = not staff and (
            reading.has("cue.problem", start, end)
            or any(reading.has(f"kind.{kind}", start, end) for kind in taxonomy.kinds)
            or any(
                reading.meant(hit) == "said"
                for sign in reading.signs
                for hit in reading.of(f"sign.{sign}", start, end)
            )
        )
        for found in weighed:
            before = clause.points.get(found.category, 0.0)
            clause.points[found.category] = min(MOST_A_CLAUSE, before + found.points)
            clause.strong |= found.said and found.points >= weights.strong
            clause.danger |= found.danger
        clause.wrong = reading.has("chatter.wrong_number", start, end) and not reading.has(
            "chatter.wrong_number_not", start, end
        )
        clause.chatter = (
            reading.has("chatter.greeting", start, end) or reading.has("chatter.thanks", start, end)
        ) and max(clause.points.values(), default=0.0) < weights.terms
        yield clause


def points(of: Sequence[Clause]) -> dict[str, float]:
    """The points of each category that the clauses speak for."""
    total: dict[str, float] = {}
    for clause in of:
        for category, much in clause.points.items():
            total[category] = total.get(category, 0.0) + much
    return total


def residents(of: Sequence[Clause]) -> list[Clause]:
    """Those that a resident seems to have said; all of them where nobody seems to be one."""
    return [clause for clause in of if not clause.staff] or list(of)


def length(of: Sequence[Clause]) -> int:
    """Characters."""
    return sum(clause.end - clause.start for clause in of)
