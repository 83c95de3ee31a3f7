"""A call as a recogniser mishears it: other characters of the same sound, no punctuation, some in
traditional script. The same call always comes out the same."""

from __future__ import annotations

import random
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from pipeline import readings, script, training
from pipeline.types import Turn

WRONG = 0.1
"""Share of the characters that are replaced: about what Whisper `small` gets wrong on clear speech."""
TRADITIONAL = 0.3
"""Share of the calls in traditional script."""
NUMBERS = frozenset("零一二三四五六七八九十百千两幺〇")
"""What is said as a number a recogniser writes as one: their sounds are apart, and it expects them."""
COMMON = 3
"""A character must stand so often in the examples to be what a recogniser would write."""


@lru_cache(maxsize=1)
def _alike() -> dict[str, str]:
    """The common characters of each sound."""
    seen: dict[str, int] = {}
    for example in training.examples():
        for char in example.text:
            seen[char] = seen.get(char, 0) + 1
    by_sound: dict[str, list[str]] = {}
    for char in sorted(seen):
        if seen[char] >= COMMON and readings.is_chinese(char):
            by_sound.setdefault(script.sounds(char)[0], []).append(char)
    return {sound: "".join(chars) for sound, chars in by_sound.items()}


@lru_cache(maxsize=1)
def _traditional() -> object:
    from opencc import OpenCC

    return OpenCC("s2t")


def misheard(turns: Sequence[Turn], name: str) -> tuple[Turn, ...]:
    """The turns of the call `name`, misheard; their number and times stay."""
    chance = random.Random(name)
    traditional = chance.random() < TRADITIONAL
    found = []
    for turn in turns:
        text = "".join(heard(char, chance) for char in turn.text if char.isalnum())
        if traditional:
            text = _traditional().convert(text)  # type: ignore[attr-defined]
        found.append(replace(turn, text=text))
    return tuple(found)


def heard(char: str, chance: random.Random) -> str:
    if chance.random() >= WRONG or char in NUMBERS or not readings.is_chinese(char):
        return char
    others = _alike().get(script.sounds(char)[0], "").replace(char, "")
    return chance.choice(others) if others else char
