"""What staff type into search, read: words, "quoted", -without, OR; anything else is a word as it stands."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from itertools import islice, product

from pipeline.script import digits, fold, plain, spoken_number

MOST_SPELLINGS = 16
"""So many ways to write the numbers of one word are looked for, those in figures first."""

_TOKEN = re.compile(r'(?P<minus>-)?["“”](?P<quoted>[^"“”]+)["“”]|(?P<bare>\S+)')
_NUMBER = re.compile("[0-9零〇○一幺二两三四五六七八九十百千廿卅]+")
NUMERIC = frozenset("0123456789十百千万廿卅")
"""What a number is written with in plain text (see `script.plain`)."""


@dataclass(frozen=True, slots=True)
class Term:
    """A word asked for, folded, and how it may be written in plain text; the first as it was typed."""

    word: str
    spellings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Query:
    """Every group must be found, by any of its terms; nothing of `without` may be there."""

    groups: tuple[tuple[Term, ...], ...]
    without: tuple[Term, ...] = ()

    @property
    def words(self) -> tuple[str, ...]:
        return tuple(term.word for group in self.groups for term in group)


def parse(text: str) -> Query:
    """Read what was typed. Never an error: what has no meaning as a sign is a word.

    Words are parted by spaces and may stand in any order; "in quotes" (or “so”) they stay together; a
    minus before a word leaves out what holds it; OR between two words, in capitals, means either. A
    query that only leaves out, an OR without a word on each side, a single quote are words.
    """
    folded = fold(text)
    tokens = [
        match for match in _TOKEN.finditer(folded) if (match["quoted"] or match["bare"]).strip()
    ]
    groups: list[list[str]] = []
    without: list[str] = []
    joining = False
    for n, token in enumerate(tokens):
        if _is_or(text, token) and _is_word(tokens, n - 1, text) and _is_word(tokens, n + 1, text):
            joining = True
            continue
        left_out = _left_out(token)
        if left_out is not None:
            without.append(left_out)
            continue
        word = token["quoted"] or token["bare"]
        if joining:
            groups[-1].append(word)
        else:
            groups.append([word])
        joining = False
    if not groups:
        groups, without = [[token[0]] for token in tokens], []
    return Query(
        groups=tuple(dict.fromkeys(tuple(map(term, dict.fromkeys(group))) for group in groups)),
        without=tuple(map(term, dict.fromkeys(without))),
    )


def _is_or(text: str, token: re.Match[str]) -> bool:
    return unicodedata.normalize("NFKC", text[token.start() : token.end()]) == "OR"


def _left_out(token: re.Match[str]) -> str | None:
    """The word that is not to be there, if that is what this token says."""
    if token["minus"]:
        return token["quoted"]
    bare = token["bare"]
    return bare[1:] if bare and len(bare) > 1 and bare[0] == "-" != bare[1] else None


def _is_word(tokens: list[re.Match[str]], n: int, text: str) -> bool:
    return 0 <= n < len(tokens) and not _is_or(text, tokens[n]) and _left_out(tokens[n]) is None


def term(word: str) -> Term:
    """A folded word with the ways to write its numbers: 15号楼 also as 十五号楼, in plain text."""
    options: list[list[str]] = []
    at = 0
    for match in _NUMBER.finditer(word):
        options += [[plain(word[at : match.start()])], _written(match[0])]
        at = match.end()
    options.append([plain(word[at:])])
    spellings = ("".join(parts) for parts in islice(product(*options), MOST_SPELLINGS))
    return Term(word, tuple(dict.fromkeys(spellings)))


def _written(run: str) -> list[str]:
    """How the number that `run` says may be written in plain text; `run` itself first."""
    literal = digits(run)
    number = spoken_number(run)
    if number is None or not 10 <= number <= 9999 or literal.startswith("0"):
        return [literal]
    return list(dict.fromkeys([literal, str(number), *number_words(number)]))


def number_words(number: int) -> list[str]:
    """The number words for 10 to 9999 in plain text, where 一 is 1 and 零 is 0: 15 gives 十5 and 1十5."""
    if number < 100:
        tens, ones = divmod(number, 10)
        said = [f"{tens}十{ones or ''}"]
        if tens == 1:
            said.insert(0, f"十{ones or ''}")
        if tens in (2, 3):
            said.append(f"{'廿卅'[tens - 2]}{ones or ''}")
        return said
    unit, sign = (100, "百") if number < 1000 else (1000, "千")
    lead, rest = divmod(number, unit)
    if not rest:
        return [f"{lead}{sign}"]
    if rest < 10:
        return [f"{lead}{sign}0{rest}"]
    if rest * 10 < unit:  # 一千零五十
        return [f"{lead}{sign}0{said}" for said in number_words(rest)[:2]]
    inner = number_words(rest) if rest >= 100 else [f"{rest // 10}十{rest % 10 or ''}"]
    said = [f"{lead}{sign}{one}" for one in inner]
    if not rest % (unit // 10):  # 一百二, 两千五
        said.append(f"{lead}{sign}{rest * 10 // unit}")
    return said
