"""What stood out: rises, new words and new places, each by a stated test over counted rows.

A leaf of the report: figures in, figures out; it knows no log and no language.

- **Rises**: the requests of the period against the periods before by the exact conditional test for two
  Poisson rates (Przyborowski and Wilenski 1940): given n in all, the period's share is binomial with
  p = its part of the days. One-sided, and over all cells together held to a false-discovery rate of
  5 % (Benjamini and Hochberg 1995). A cell of fewer than five requests is not spoken of.
- **New words**: the log-likelihood ratio of two binomials (Dunning 1993) over the number of requests
  that hold a word, at 15.13 (p < 0.0001), and at least three times as common as before. Words are found
  without a word list: pairs of characters that stand out, grown while the same neighbour stands beside
  them in four of five places.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

FEWEST = 5
"""Below so many cases nothing is said to have risen, and no rate is printed."""

FALSE_DISCOVERIES = 0.05
LIKELIHOOD = 15.13
"""G² of one degree of freedom at p = 0.0001."""

TIMES = 3.0
"""A new word is so many times as common as it was."""

_RUN = re.compile(r"[\u3400-\u9fff]{2,}")
_FUNCTION = frozenset(
    "的了是我你他她它们这那有没在也都就不吗呢吧啊呀哦嗯哎喂把被给跟和与及或但而又再还才很太更最说讲问想要会能可以到来去上下里"
    "个些么什怎谁哪儿多少几一二三四五六七八九十百千万两零幺天号点分月日年周时候后前今昨明现已经让叫做对好请您啦嘛着过得地"
)
"""Characters that make no word of the matter; a word may hold them inside, not at its edges."""

_NEIGHBOUR = 0.8
_LONGEST = 8


@dataclass(frozen=True, slots=True)
class Rise:
    """A cell (`what`, `key`) with more requests than the periods before would let expect.

    `n` in the period, `before` in the `days_before` days; `usual` is that as a mean for as many days as the
    period has, `p` the chance of `n` or more if nothing had changed.
    """

    what: str
    key: str
    n: int
    before: int
    usual: float
    p: float


@dataclass(frozen=True, slots=True)
class Word:
    """A word that stands in `n` requests of the period (`numbers`), and in `before` of those compared."""

    word: str
    n: int
    before: int
    likelihood: float
    numbers: tuple[int, ...]


def chance(n: int, before: int, share: float) -> float:
    """P(X >= n) for X ~ Binomial(n + before, share): one-sided, exact but for float rounding."""
    total = n + before
    if n <= 0 or share >= 1:
        return 1.0
    if share <= 0:
        return 0.0
    log_p, log_q = math.log(share), math.log1p(-share)
    whole = math.lgamma(total + 1)
    terms = [
        whole - math.lgamma(k + 1) - math.lgamma(total - k + 1) + k * log_p + (total - k) * log_q
        for k in range(n, total + 1)
    ]
    top = max(terms)
    return min(1.0, math.exp(top) * math.fsum(math.exp(term - top) for term in terms))


def rises(
    now: Mapping[tuple[str, str], int],
    before: Mapping[tuple[str, str], int],
    days: float,
    days_before: float,
) -> list[Rise]:
    """The cells that rose, the surest first; none where there is nothing to compare with."""
    if days <= 0 or days_before <= 0:
        return []
    share = days / (days + days_before)
    tested = sorted(
        (
            Rise(
                what, key, n, then := before.get((what, key), 0), then * days / days_before,
                chance(n, then, share),
            )
            for (what, key), n in now.items()
        ),
        key=lambda rise: (rise.p, rise.what, rise.key),
    )  # fmt: skip
    kept = 0
    for rank, rise in enumerate(tested, 1):
        if rise.p <= FALSE_DISCOVERIES * rank / len(tested):
            kept = rank
    return _plainest([rise for rise in tested[:kept] if rise.n >= FEWEST])


def _plainest(found: Sequence[Rise]) -> list[Rise]:
    """Without the buildings and categories that rose only because one matter in one building did."""
    more = {(rise.what, rise.key): rise.n - rise.usual for rise in found}
    told: set[tuple[str, str]] = set()
    for (what, key), excess in more.items():
        if what == "building_category":
            building, _dot, category = key.partition(".")
            for whole in (("building", building), ("category", category)):
                if whole in more and excess >= _NEIGHBOUR * more[whole]:
                    told.add(whole)
    return [rise for rise in found if (rise.what, rise.key) not in told]


def likelihood(a: int, n_a: int, b: int, n_b: int) -> float:
    """Dunning's G² for `a` of `n_a` against `b` of `n_b`; 0 where the shares are alike."""

    def fit(k: int, n: int, p: float) -> float:
        return (k * math.log(p) if k else 0.0) + ((n - k) * math.log1p(-p) if n > k else 0.0)

    if not n_a or not n_b or not a + b:
        return 0.0
    p = (a + b) / (n_a + n_b)
    if p >= 1:
        return 0.0
    both = fit(a, n_a, a / n_a) + fit(b, n_b, b / n_b)
    return max(0.0, 2 * (both - fit(a, n_a, p) - fit(b, n_b, p)))


def new_words(
    now: Sequence[tuple[int, str]], before: Sequence[tuple[int, str]], at_most: int = 8
) -> list[Word]:
    """The words of the period's requests that those before hardly knew, the surest first."""
    if len(before) < FEWEST:
        return []
    pairs_now, pairs_before = _pairs(now), _pairs(before)
    found = []
    for pair, n in pairs_now.items():
        if n < FEWEST or pair[0] in _FUNCTION or pair[1] in _FUNCTION:
            continue
        then = pairs_before.get(pair, 0)
        if n * len(before) >= TIMES * then * len(now):
            sure = likelihood(n, len(now), then, len(before))
            if sure >= LIKELIHOOD:
                found.append((sure, pair))
    words: dict[str, Word] = {}
    for _sure, pair in sorted(found, reverse=True)[: at_most * 6]:
        word = _grown(pair, [text for _number, text in now if pair in text])
        if word in words:
            continue
        numbers = tuple(number for number, text in now if word in text)
        then = sum(word in text for _number, text in before)
        sure = likelihood(len(numbers), len(now), then, len(before))
        common = len(numbers) * len(before) >= TIMES * then * len(now)
        if len(numbers) >= FEWEST and sure >= LIKELIHOOD and common:
            words[word] = Word(word, len(numbers), then, sure, numbers)
    ranked = sorted(words.values(), key=lambda one: (-one.likelihood, one.word))
    kept: list[Word] = []
    for one in ranked:
        if not any(_same_matter(one, other) for other in kept):
            kept.append(one)
    return kept[:at_most]


def _same_matter(word: Word, other: Word) -> bool:
    """Whether two words stand in almost the same requests: one of them says enough."""
    if word.word in other.word or other.word in word.word:
        return True
    both = len(set(word.numbers) & set(other.numbers))
    return both >= _NEIGHBOUR * min(len(word.numbers), len(other.numbers)) and bool(
        set(word.word) & set(other.word)
    )


def _pairs(texts: Iterable[tuple[int, str]]) -> Counter[str]:
    """In how many texts each pair of neighbours stands."""
    counts: Counter[str] = Counter()
    for _number, text in texts:
        counts.update({run[n : n + 2] for run in _RUN.findall(text) for n in range(len(run) - 1)})
    return counts


def _grown(word: str, texts: Sequence[str]) -> str:
    """`word` with the neighbours that almost always stand beside it, function words cut off its edges."""
    start = word
    while len(word) < _LONGEST:
        before: Counter[str] = Counter()
        after: Counter[str] = Counter()
        holding = 0
        for text in texts:
            at = text.find(word)
            if at < 0:
                continue
            holding += 1
            if at and _RUN.fullmatch(text[at - 1] * 2):
                before[text[at - 1]] += 1
            end = at + len(word)
            if end < len(text) and _RUN.fullmatch(text[end] * 2):
                after[text[end]] += 1
        best = max(
            [(n, char, "") for char, n in before.most_common(1)]
            + [(n, "", char) for char, n in after.most_common(1)],
            default=(0, "", ""),
        )
        if best[0] < _NEIGHBOUR * holding or best[0] < FEWEST:
            break
        word = best[1] + word + best[2]
    while len(word) > len(start) and word[0] in _FUNCTION:
        word = word[1:]
    while len(word) > len(start) and word[-1] in _FUNCTION:
        word = word[:-1]
    return word
