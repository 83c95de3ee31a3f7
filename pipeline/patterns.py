"""Entries of `taxonomy.toml` as regular expressions, each with the words that every match of it must hold.

A leaf. `…` stands for a gap inside a clause, `……` for one inside a sentence, `<name>` for a list of words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property

GAP, WIDE_GAP = 8, 18
"""Characters that … and …… may stand for: a clause of telephone Mandarin has about 7, a sentence 15."""

_IN_SENTENCE = "[^。！？!?；;\n]"
_IN_CLAUSE = "[^，,。！？!?；;\n]"


class Pattern:
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


def translate(entry: str, words: Mapping[str, str]) -> tuple[str, frozenset[str] | None, bool]:
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
            text, anchors, empty = translate(inner, words)
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
