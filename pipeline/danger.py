"""How soon harm comes: the dangers told of in a request, and how likely they are meant, by weighed signs.

What stands in `plain` counts by itself. For the rest two small logistic models, `critical` and `urgent`,
weigh what the rules found, how it is meant, and how the learned model judges the whole request and the
words around a danger. Their weights, in `danger.toml`, were fitted on labelled requests by
`models/weights/fit.py`; no word list is in them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from pipeline.hits import Reading
from pipeline.learned import Judgement, Learned
from pipeline.logistic import Signs, Weights, likely, read
from pipeline.taxonomy import Found, Sign, Taxonomy
from pipeline.types import Piece, Turn, Urgency

OWN = Path(__file__).with_name("danger.toml")

ENOUGH: Mapping[Urgency, tuple[float, float]] = {"critical": (0.07, 0.25), "urgent": (0.0, 0.5)}
"""How likely a request must be critical, or at least urgent, to be called so: where the rules find such
a danger, and where they find none. What the rules find urgent is never less."""
AROUND = 24
"""So many characters before and after a danger tell how it is meant: an utterance has about fifty."""
MATTERS = ("medical", "safety", "care")
"""What most dangers are about."""


class Danger(NamedTuple):
    """A sign in the words of a request that is meant; `plain` where they mean nothing else."""

    sign: Sign
    found: Found
    plain: bool


class Dangers(NamedTuple):
    """The signs that stand, and how critical ones are meant that do not ("denied", "over", ...)."""

    told: list[Danger]
    gainsaid: frozenset[str]

    def of(self, level: Urgency, category: str) -> list[Danger]:
        """Those of a level that count in a category."""
        return [
            d
            for d in self.told
            if d.sign.level == level and (not d.sign.only or category in d.sign.only)
        ]


@lru_cache(maxsize=1)
def own() -> tuple[Weights, Weights]:
    """The weights that the package brings, for `critical` and for `urgent`."""
    critical, urgent = read(OWN, "critical", "urgent")
    return critical, urgent


def is_staff(reading: Reading, turn: Turn, at: int) -> bool:
    """Whether staff said what stands at `at`; for unknown speakers by the words around it."""
    if turn.speaker != "unknown":
        return turn.speaker == "staff"
    return reading.staff(*reading.spoken(at), turn.speaker)


def dangers(
    pieces: Sequence[Piece],
    turns: Sequence[Turn],
    readings: Mapping[int, Reading],
    taxonomy: Taxonomy,
) -> Dangers:
    """The dangers that the rules find."""
    told: list[Danger] = []
    gainsaid: set[str] = set()
    for piece in pieces:
        reading, turn = readings[piece.turn], turns[piece.turn]
        for i in reading.signs:
            sign = taxonomy.signs[i]
            for hit in reading.of(f"sign.{i}", piece.start_char, piece.end_char):
                staff = is_staff(reading, turn, hit.start)
                if staff and sign.level != "critical":
                    continue  # what staff promise, advise or plan is no deadline of the resident
                meaning = reading.meant(hit, staff=staff)
                if meaning == "asked" and staff and _affirmed(piece.turn, turns, taxonomy):
                    meaning = "said"
                if meaning == "said":
                    found = Found(hit, piece.turn, staff, hit.weight + (not staff))
                    plain = not sign.hint and (
                        not sign.plain
                        or any(
                            other.start < hit.end and other.end > hit.start
                            for other in reading.of(f"plain.{i}")
                        )
                    )
                    told.append(Danger(sign, found, plain))
                elif sign.level == "critical":
                    gainsaid.add(meaning)
    return Dangers(told, frozenset(gainsaid))


def signs(
    danger: Dangers,
    category: str,
    whole: Judgement,
    words: str,
    answer: str,
    turns: Sequence[Turn],
    learned: Learned,
) -> Signs:
    """What speaks for a request being critical, or urgent.

    `whole` is the learned model's judgement of all that the resident said, `words`; `answer` is what
    staff said to it: they hear how urgent it is.
    """
    critical, urgent = danger.of("critical", category), danger.of("urgent", category)
    shares = whole.get("urgency", {})
    alone = shares.get("critical", 0.0)
    pressing = alone + shares.get("urgent", 0.0)
    near = max((_near(d, turns, learned) for d in critical), default=0.0)
    matters = whole.get("category", {})
    theirs = learned.judge(answer).get("urgency", {}) if answer else {}
    strong = [d for d in critical if not d.sign.hint]
    found: dict[str, float] = {
        "alone": _logit(alone),
        "pressing": _logit(pressing),
        "answered": bool(theirs),
        "answer alone": _logit(theirs.get("critical", 0.0)) if theirs else 0.0,
        "answer pressing": _logit(1 - theirs.get("routine", 1.0)) if theirs else 0.0,
        "near": _logit(max(near, alone)) if critical else 0.0,
        "plain": any(d.plain for d in strong),
        "strong": bool(strong),
        "hint": any(d.sign.hint for d in critical),
        "critical": bool(critical),
        "several": len({d.sign.about for d in critical}) > 1,
        "many": len({d.found.hit.start for d in critical}) > 2,
        "staff": any(d.found.staff for d in critical),
        "urgent": bool(urgent),
        "urgent twice": len({d.sign.about for d in urgent}) > 1,
        "gainsaid": bool(danger.gainsaid) and not critical,
        "alone*strong": _logit(alone) * bool(strong),
        "alone*hint": _logit(alone) * (bool(critical) and not strong),
        "pressing*urgent": _logit(pressing) * bool(urgent),
        "matter": sum(matters.get(code, 0.0) for code in MATTERS),
        "inquiry": whole.get("kind", {}).get("inquiry", 0.0),
        "help": whole.get("kind", {}).get("help", 0.0),
        "long": math.log(1 + len(words)) / 5,
    }
    found.update(dict.fromkeys(danger.gainsaid, 1.0))
    found.update({f"about {d.sign.about}": 1.0 for d in (*critical, *urgent)})
    return {name: float(value) for name, value in found.items()}


def urgency(danger: Dangers, category: str, found: Signs) -> tuple[Urgency, list[Found]]:
    """How urgent a request is, and the dangers that are the reason. What is plain is critical, whatever
    the model says."""
    for level, weights in zip(ENOUGH, own(), strict=True):
        told = danger.of(level, category)
        guarded = level == "critical" and any(d.plain for d in told)
        if guarded or likely(found, weights) >= ENOUGH[level][not told]:
            return level, [d.found for d in told]
    return "routine", []


def _logit(share: float) -> float:
    return math.log((share + 0.005) / (1.005 - share))


def _near(danger: Danger, turns: Sequence[Turn], learned: Learned) -> float:
    """How likely the model finds it critical by the words around a danger alone: in a long story it
    is a small part."""
    hit = danger.found.hit
    words = turns[danger.found.turn].text[max(0, hit.start - AROUND) : hit.end + AROUND]
    return learned.judge(words).get("urgency", {}).get("critical", 0.0)


def _affirmed(asked: int, turns: Sequence[Turn], taxonomy: Taxonomy) -> bool:
    """Whether the resident's next turn says yes to what staff asked."""
    for turn in turns[asked + 1 : asked + 2]:
        if turn.speaker == "resident":
            reading = taxonomy.read(turn.text)
            return any(
                hit.start <= 1 for hit in reading.of("cue.yes")
            ) and not reading.folded.startswith(("没", "不", "对不起"))
    return False
