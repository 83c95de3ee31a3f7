"""How alike two short texts are, by the pairs of characters that they share (leaf)."""

from __future__ import annotations

from pipeline.script import plain

FEWEST = 3
"""Pairs that a text must have before its likeness to another says anything."""


def likeness(one: str, other: str) -> float:
    """The share of the shorter text's pairs of neighbouring characters that the other has too, in
    [0, 1]; 0 where a text is too short to tell. Marks and figures do not count."""
    pairs, others = _pairs(one), _pairs(other)
    fewer = min(len(pairs), len(others))
    return len(pairs & others) / fewer if fewer >= FEWEST else 0.0


def _pairs(text: str) -> set[str]:
    words = "".join(char if char.isalpha() else " " for char in plain(text)).split()
    return {word[i : i + 2] for word in words for i in range(len(word) - 1)}
