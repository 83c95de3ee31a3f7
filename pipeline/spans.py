"""Which stretches of speech the words cover. A leaf: both hearing and turning ask it.

Intervals are `(start, end)` in float seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pipeline.types import Word

Interval = tuple[float, float]

TOLERANCE_S = 0.5
"""Words cover so much before and after themselves: the VAD pads speech by 0.4 s, and Whisper's word
times, from attention in steps of 0.02 s, are some 0.1 s off."""
SHORTEST_S = 0.3
"""Shorter leftovers are breath and times that do not quite meet; a syllable takes about 0.2 s."""


def merge(intervals: Iterable[Interval]) -> list[Interval]:
    """The same time as `intervals`, sorted and free of overlaps; empty ones are dropped."""
    merged: list[Interval] = []
    for start, end in sorted(i for i in intervals if i[1] > i[0]):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


def subtract(intervals: Iterable[Interval], covers: Iterable[Interval]) -> list[Interval]:
    """What of `intervals` lies in none of `covers`, sorted and free of overlaps."""
    taken = merge(covers)
    rest: list[Interval] = []
    first = 0
    for start, end in merge(intervals):
        while first < len(taken) and taken[first][1] <= start:
            first += 1
        at = first
        while at < len(taken) and taken[at][0] < end:
            if taken[at][0] > start:
                rest.append((start, taken[at][0]))
            start = max(start, taken[at][1])
            at += 1
        if start < end:
            rest.append((start, end))
    return rest


def sounding(word: Word) -> Interval:
    """The time in which `word` can really be sounding.

    Whisper ends a word where the next begins, so the word before a stretch that it skipped seems to
    last through it. A character is given half a second, and half a second more: slow speech is 0.35.
    """
    characters = sum(character.isalnum() for character in word.text)
    return word.start, min(word.end, word.start + 0.5 + 0.5 * max(characters, 1))


def uncovered(speech: Iterable[Interval], heard: Sequence[Interval]) -> list[Interval]:
    """The stretches of `speech` in which nothing was `heard`.

    A stretch of speech with nothing at all in it is given back whole, however short; from the others,
    what is further than TOLERANCE_S from anything heard and at least SHORTEST_S long.
    """
    near = [(start - TOLERANCE_S, end + TOLERANCE_S) for start, end in heard]
    found: list[Interval] = []
    for span in merge(speech):
        if not any(start < span[1] and end > span[0] for start, end in heard):
            found.append(span)
        else:
            found.extend(
                (start, end) for start, end in subtract([span], near) if end - start >= SHORTEST_S
            )
    return found
