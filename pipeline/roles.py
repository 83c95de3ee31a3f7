"""Who says it, staff or resident: from what the words of a call say of it, and from its voices. A leaf.

Words lean one way or the other by the weights of `roles.toml`, fitted on labelled calls
(`models/roles/fit.py`): greetings, questions and promises to staff, homes and wishes to residents.
A single turn seldom tells; all that a voice says in a call does, and so does who spoke before.
"""

from __future__ import annotations

import functools
import math
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

LONGEST = 3
"""Characters of the longest pieces of text that are weighed."""
ALWAYS, LENGTH = "always", "length"
"""Two weights that are of no piece: of any text, and of the logarithm of its length."""
MOST = 4.0
"""So much may words by themselves speak for either, as log odds: rules err."""

_FIGURES = re.compile(r"[零〇一二两三四五六七八九十百幺\d]+")
_BREAKS = re.compile(r"[，,、；;：: ]+")
_ENDS = re.compile(r"[。.！!…\s]+")
_BARE = re.compile(r"[\W_]+")


def pieces(text: str) -> set[str]:
    """What is weighed of `text`: its pieces of one to LONGEST characters, figures all alike, with
    where it begins (^), pauses (a space), asks (?) and ends ($)."""
    plain = _ENDS.sub("", _BREAKS.sub(" ", _FIGURES.sub("0", text.strip()))).replace("？", "?")
    marked = f"^{plain.strip()}$"
    return {
        marked[at : at + size]
        for size in range(1, LONGEST + 1)
        for at in range(len(marked) - size + 1)
    }


def length(text: str) -> float:
    """The logarithm of how many characters are said."""
    return math.log(max(1, len(_BARE.sub("", text))))


def leaning(text: str) -> float:
    """Log odds that staff say `text` and not the resident, by its words alone."""
    if not _BARE.sub("", text):
        return 0.0
    known = weights()
    odds = known[ALWAYS] + known[LENGTH] * length(text)
    odds += sum(known[piece] for piece in pieces(text) & known.keys())
    return max(-MOST, min(MOST, odds))


@functools.cache
def weights() -> Mapping[str, float]:
    """The weights of pieces of text, as log odds for staff."""
    with Path(__file__).with_name("roles.toml").open("rb") as file:
        found: dict[str, float] = tomllib.load(file)["staff"]
    return found


def in_call(
    leanings: Sequence[float], zeros: Sequence[float], changes: Sequence[float]
) -> list[tuple[float, float]]:
    """How probable it is of each stretch of a call, in order, that staff say it, and that voice 0 does.

    `leanings` are log odds for staff by the words, `zeros` the probability of voice 0 by the sound (0.5
    where it does not tell), `changes` that another speaks than before (the first counts for nothing).

    Two speakers as two states, forward and backward (Rabiner 1989), once with voice 0 as staff and once
    as resident; each weighs as much as it explains what was said and heard.
    """
    if not leanings:
        return []
    by_words = [1 / (1 + math.exp(-lean)) for lean in leanings]
    by_sound = [min(max(zero, 0.001), 0.999) for zero in zeros]
    ways = [
        _chain(by_words, by_sound, changes),
        _chain(by_words, [1 - zero for zero in by_sound], changes),
    ]
    (first, one), (second, other) = ways
    turned_share = 1 / (1 + math.exp(max(-700.0, min(700.0, one - other))))
    return [
        (
            (1 - turned_share) * a + turned_share * b,
            (1 - turned_share) * a + turned_share * (1 - b),
        )
        for a, b in zip(first, second, strict=True)
    ]


def _chain(
    words: Sequence[float], sound: Sequence[float], changes: Sequence[float]
) -> tuple[list[float], float]:
    """The probability of staff at each place, where the words and the sound of it each have their own, and
    the logarithm of how likely all of them are together."""
    forward: list[float] = []
    explained = 0.0
    for i, (said, heard) in enumerate(zip(words, sound, strict=True)):
        before = _moved(forward[-1], changes[i]) if forward else 0.5
        staff, resident = before * said * heard, (1 - before) * (1 - said) * (1 - heard)
        forward.append(staff / (staff + resident))
        explained += math.log(staff + resident)
    backward = [0.5] * len(words)
    for i in range(len(words) - 2, -1, -1):
        after = _both(_both(words[i + 1], sound[i + 1]), backward[i + 1])
        backward[i] = _moved(after, changes[i + 1])
    return [_both(*both) for both in zip(forward, backward, strict=True)], explained


def _moved(one: float, change: float) -> float:
    """The probability that it is the same one at the next place, who may change."""
    return one * (1 - change) + (1 - one) * change


def _both(one: float, other: float) -> float:
    """Two independent judgements of the same."""
    return one * other / (one * other + (1 - one) * (1 - other))
