"""A small model beside the rules: what people wrote down as examples, generalised.

Linear (a support vector machine a label, one value against the others) over n-grams of characters and
of sounds, so that a misheard 抗元 counts for 抗原, with the turns around as weaker context; its scores
are made probabilities by one temperature a label, fitted on examples held out.

The package brings it trained, as `learned.npz` beside the examples it was made from: asking then loads
numpy alone (`training.py` makes it, with scikit-learn), and every office starts with the model whose
figures are published. An office that taught it more has its own.

A leaf: it knows neither the log nor the taxonomy. Its labels are those of its examples.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pipeline import script

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

OWN = Path(__file__).with_name("learned.npz")

REQUEST = "request"
"""The label that says whether anything is asked: yes or no."""

CHARACTERS, SOUNDS, CONTEXT = (1, 2, 3), (1, 2), (1, 2)
"""Lengths of the n-grams of what is judged, by characters and by sounds, and of the turns around it.
Longer ones, and words as jieba cuts them, were tried on the examples and brought nothing."""
CONTEXT_CHARACTERS = 40
"""So much of the turn before (its end) and of the turn after (its beginning) counts as context."""
BEFORE, AFTER = "<", ">"
"""What marks the n-grams of the turns before and after."""
CONTEXT_WEIGHT = 0.4
"""Length of a context's vector where that of the words themselves is 1."""


_NO_WORD = re.compile(r"[\W_]+")
_FIGURES = re.compile(r"\d+")


class Unit(NamedTuple):
    """What is judged: words, with those of the turns around."""

    text: str
    before: str = ""
    after: str = ""


Judgement = dict[str, dict[str, float]]
"""A probability for every value of every label; those of one label add up to 1."""


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """What was learned of one label: columns [first, last) of the weights are its values."""

    values: tuple[str, ...]
    first: int
    temperature: float

    @property
    def last(self) -> int:
        return self.first + len(self.values)


class Part(NamedTuple):
    """A stretch of words as the model weighs it: scores before they are brought to one length, and
    the square of that length."""

    scores: NDArray[np.float32]
    square: float


@dataclass(frozen=True, slots=True, eq=False)
class Learned:
    """A trained model. `weights` has shape (n-grams, values of all labels); `fingerprint` is that of
    the examples it was made from."""

    vocabulary: Mapping[str, int]
    rarity: Sequence[float]
    weights: NDArray[np.float32]
    bias: NDArray[np.float32]
    heads: Mapping[str, Head]
    fingerprint: str

    def judge(self, text: str, before: str = "", after: str = "") -> Judgement:
        """How likely each value of each label is for `text`."""
        return _judged(self, Unit(text, before, after))

    def judge_all(self, units: Iterable[Unit]) -> list[Judgement]:
        """The same for many at once; the cost is linear in their length."""
        import numpy as np

        judged: list[Judgement] = []
        for unit in units:
            indexes, values = vector(blocks(unit), self.vocabulary, self.rarity)
            scores = self.bias + np.asarray(values, dtype=np.float32) @ self.weights[indexes]
            judged.append(
                {
                    label: dict(
                        zip(
                            head.values,
                            shares(scores[head.first : head.last], head.temperature).tolist(),
                            strict=True,
                        )
                    )
                    for label, head in self.heads.items()
                }
            )
        return judged

    def part(self, text: str) -> Part:
        """What a stretch of words weighs, to be added to its neighbours' by `shares`."""
        import numpy as np

        known = self.vocabulary.get
        grams = [(i, n) for g, n in grams_of(text, "").items() if (i := known(g)) is not None]
        indexes = [i for i, _ in grams]
        values = np.array(
            [self.rarity[i] if n == 1 else (1 + math.log(n)) * self.rarity[i] for i, n in grams],
            dtype=np.float32,
        )
        return Part(values @ self.weights[indexes], float(values @ values))

    def together(self, parts: Sequence[Part]) -> Part:
        """Several stretches as one."""
        import numpy as np

        scores = np.array([part.scores for part in parts]).sum(axis=0)
        return Part(scores, sum(part.square for part in parts))

    def shares(self, parts: Sequence[Part], label: str) -> NDArray[np.float32]:
        """How likely each value of a label is for words that were weighed in parts, in the order of
        the label's values. Windows over a long text cost additions only."""
        first: NDArray[np.float32] = self.shares_all([parts], label)[0]
        return first

    def shares_all(self, windows: Sequence[Sequence[Part]], label: str) -> NDArray[np.float32]:
        """The same for many windows at once, one a row."""
        import numpy as np

        head = self.heads[label]
        scores = np.tile(self.bias[head.first : head.last], (len(windows), 1))
        some = [i for i, parts in enumerate(windows) if parts]
        if some:
            said = [part for i in some for part in windows[i]]
            starts = np.cumsum([0, *(len(windows[i]) for i in some[:-1])])
            rows = np.array([part.scores for part in said])[:, head.first : head.last]
            lengths = np.sqrt(np.add.reduceat([part.square for part in said], starts))
            lengths[lengths == 0] = np.inf
            scores[some] += np.add.reduceat(rows, starts) / lengths[:, None].astype(np.float32)
        return shares(scores, head.temperature)

    def save(self, path: Path) -> None:
        """Write the model: plain arrays, nothing that runs when it is read."""
        import numpy as np

        about = {
            "fingerprint": self.fingerprint,
            "heads": {
                label: {"values": head.values, "temperature": head.temperature}
                for label, head in self.heads.items()
            },
        }
        with path.open("wb") as file:
            np.savez_compressed(
                file,
                vocabulary=_bytes("\n".join(self.vocabulary)),
                rarity=np.asarray(self.rarity, dtype=np.float32),
                weights=self.weights.astype(np.float16),
                bias=self.bias,
                about=_bytes(json.dumps(about, ensure_ascii=False)),
            )


def load(path: Path) -> Learned:
    """The model in a file that `save` wrote.

    Raises:
        OSError, ValueError, KeyError: it cannot be read, or is no such file.
    """
    import numpy as np

    with np.load(path, allow_pickle=False) as stored:
        about = json.loads(stored["about"].tobytes().decode())
        heads: dict[str, Head] = {}
        first = 0
        for label, head in about["heads"].items():
            heads[label] = Head(tuple(head["values"]), first, float(head["temperature"]))
            first = heads[label].last
        grams = stored["vocabulary"].tobytes().decode().split("\n")
        return Learned(
            vocabulary={gram: i for i, gram in enumerate(grams)},
            rarity=stored["rarity"].tolist(),
            weights=stored["weights"].astype(np.float32),
            bias=stored["bias"],
            heads=heads,
            fingerprint=str(about["fingerprint"]),
        )


@lru_cache(maxsize=64)
def _judged(learned: Learned, unit: Unit) -> Judgement:
    # The words of a request are asked after for its category, its kind and its urgency.
    return learned.judge_all([unit])[0]


@lru_cache(maxsize=1)
def own() -> Learned:
    """The model that the package brings."""
    return load(OWN)


# --- Words as numbers -------------------------------------------------------------------------------


@lru_cache(maxsize=8192)
def _sound(char: str) -> str:
    return script.sounds(char, confused=True)[0]


@lru_cache(maxsize=1024)
def grams_of(text: str, context: str) -> Counter[str]:
    """The n-grams of a text. Which numbers are said, and what is punctuated, says nothing of the
    matter; `context` marks those of the turns around."""
    plain = _FIGURES.sub("0", _NO_WORD.sub(" ", script.plain(text)).strip())
    padded = f" {plain} "
    grams = [
        context + padded[i : i + n]
        for n in (CONTEXT if context else CHARACTERS)
        for i in range(len(padded) - n + 1)
    ]
    if not context:
        sounds = [_sound(char) for char in plain if char != " "]
        grams += [
            "~" + ".".join(sounds[i : i + n]) for n in SOUNDS for i in range(len(sounds) - n + 1)
        ]
    found = Counter(grams)
    del found[context + " "]
    return found


def blocks(unit: Unit) -> Blocks:
    """The n-grams of a unit's words and of their context, each with the length of its vector."""
    return (
        (grams_of(unit.text, ""), 1.0),
        (grams_of(unit.before[-CONTEXT_CHARACTERS:], BEFORE), CONTEXT_WEIGHT),
        (grams_of(unit.after[:CONTEXT_CHARACTERS], AFTER), CONTEXT_WEIGHT),
    )


Blocks = tuple[tuple[Counter[str], float], ...]


def vector(
    told: Blocks, vocabulary: Mapping[str, int], rarity: Sequence[float]
) -> tuple[list[int], list[float]]:
    """What `blocks` gave as a sparse vector: where, and how much."""
    indexes: list[int] = []
    values: list[float] = []
    for grams, length in told:
        known = [(vocabulary[gram], n) for gram, n in grams.items() if gram in vocabulary]
        weighed = [(1 + math.log(n)) * rarity[i] for i, n in known]
        norm = math.sqrt(sum(value * value for value in weighed)) or 1.0
        indexes.extend(i for i, _ in known)
        values.extend(value * length / norm for value in weighed)
    return indexes, values


def shares(scores: NDArray[Any], temperature: float) -> NDArray[Any]:
    """Scores as probabilities, over the last axis."""
    import numpy as np

    raised = np.exp((scores - scores.max(axis=-1, keepdims=True)) * temperature)
    made: NDArray[Any] = raised / raised.sum(axis=-1, keepdims=True)
    return made


def _bytes(text: str) -> NDArray[np.uint8]:
    import numpy as np

    return np.frombuffer(text.encode(), dtype=np.uint8)
