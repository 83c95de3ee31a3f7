"""What is shown beside words and never in their place: the figures of spoken digits, and the office's own
words where something was heard that only sounds like one. A leaf over `script.py` and `readings.py`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from pipeline.readings import alike
from pipeline.script import digits, fold, spoken_number

_SPOKEN = re.compile("[零〇一幺二两三四五六七八九十百千万]{2,}")
_READ_OUT = re.compile("[零〇一幺二三四五六七八九]{3,}")
"""From three digits on they are read out, as in a number of a telephone or a flat; 一一 or 七八 may not be."""
_HAN = re.compile("[㐀-鿿]+")


@dataclass(frozen=True, slots=True)
class Note:
    """What stands beside `text[start_char:end_char]`: its figures, or the word that it sounds like."""

    start_char: int
    end_char: int
    text: str
    why: Literal["figures", "sounds"]


def notes(text: str, words: Sequence[str] = ()) -> tuple[Note, ...]:
    """What to show beside `text`, in order and without overlaps. `words` are the office's own.

    A word is found by its sounds without tones, those that the region mixes up taken for one (n/l, zh/z,
    ing/in): likely, no more. Where the word itself was heard there is nothing to note.
    """
    found = [*_likely(text, words), *_figures(text)]
    kept: list[Note] = []
    for note in sorted(found, key=lambda note: (note.start_char, -note.end_char)):
        if not kept or note.start_char >= kept[-1].end_char:
            kept.append(note)
    return tuple(kept)


def noted(text: str, beside: Sequence[Note]) -> str:
    """`text` with each note in brackets behind what it is of: 桂花院〔桂花苑?〕."""
    for note in reversed(beside):
        sign = "?" if note.why == "sounds" else ""
        text = f"{text[: note.end_char]}〔{note.text}{sign}〕{text[note.end_char :]}"
    return text


def _figures(text: str) -> list[Note]:
    found = []
    for spoken in _SPOKEN.finditer(text):
        said = spoken[0]
        if _READ_OUT.fullmatch(said):
            figures: str | None = digits(said)
        else:
            number = None if set(said) <= set("零〇一幺二两三四五六七八九") else spoken_number(said)
            figures = None if number is None else str(number)
        if figures is not None:
            found.append(Note(spoken.start(), spoken.end(), figures, "figures"))
    return found


def _likely(text: str, words: Sequence[str]) -> list[Note]:
    own = {fold(word): word for word in words if len(word) > 1 and _HAN.fullmatch(word)}
    folded = fold(text)
    return [
        Note(at.start(), at.start() + len(word), word, "sounds")
        for plain, word in own.items()
        for at in _sounding(plain).finditer(folded)
        if at[1] not in own
    ]


@lru_cache(maxsize=256)
def _sounding(word: str) -> re.Pattern[str]:
    """Finds what sounds like `word`, wherever it begins."""
    one_of_each = "".join(f"[{''.join(alike(char))}]" for char in word)
    return re.compile(f"(?=({one_of_each}))")
