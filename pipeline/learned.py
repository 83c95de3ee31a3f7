"""A small model beside the rules: what people wrote down as examples, generalised.

Linear (a support vector machine a label, one value against the others) over n-grams of characters and
of sounds, so that a misheard 抗元 counts for 抗原, with the turns around as weaker context; its scores
are made probabilities by one temperature a label, fitted on examples held out.

The package brings it trained, as `learned.npz` beside the examples it was made from: asking then loads
numpy alone (scikit-learn, which takes 1 to 2 s to load, only trains), and every office has the model
whose figures are published. Made anew, in seconds, by

    python -m pipeline.learned

A leaf: it knows neither the log nor the taxonomy. Its labels are those of its examples.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pipeline import script

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

OWN = Path(__file__).with_name("learned.npz")
EXAMPLES = Path(__file__).with_name("examples")

REQUEST = "request"
"""The label that says whether anything is asked: yes or no."""

CHARACTERS, SOUNDS, CONTEXT = (1, 2, 3), (1, 2), (1, 2)
"""Lengths of the n-grams of what is judged, by characters and by sounds, and of the turns around it.
Longer ones, and words as jieba cuts them, were tried on the examples and brought nothing."""
CONTEXT_CHARACTERS = 40
"""So much of the turn before (its end) and of the turn after (its beginning) counts as context."""
CONTEXT_WEIGHT = 0.4
"""Length of a context's vector where that of the words themselves is 1."""
LEAST_EXAMPLES = 2
"""An n-gram must stand in so many examples: what stands in one alone says nothing of others."""
REGULARITY = 1.0
"""The machine's C: on examples held out, right as often from 0.3 to 1, and 1 gives the better shares."""
FOLDS = 5
TEMPERATURES = (1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)

_NO_WORD = re.compile(r"[\W_]+")
_FIGURES = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Example:
    """Words with what people said of them: `labels` name what was judged ("category") and how
    ("medical"). Examples of one `group` (a call) stay together where some are held out."""

    text: str
    labels: Mapping[str, str]
    before: str = ""
    after: str = ""
    group: str = ""


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
        return self.judge_all([Unit(text, before, after)])[0]

    def judge_all(self, units: Iterable[Unit]) -> list[Judgement]:
        """The same for many at once; the cost is linear in their length."""
        import numpy as np

        judged: list[Judgement] = []
        for unit in units:
            indexes, values = _vector(unit, self.vocabulary, self.rarity)
            scores = self.bias + np.asarray(values, dtype=np.float32) @ self.weights[indexes]
            judged.append(
                {
                    label: dict(
                        zip(
                            head.values,
                            _shares(scores[head.first : head.last], head.temperature).tolist(),
                            strict=True,
                        )
                    )
                    for label, head in self.heads.items()
                }
            )
        return judged

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


@lru_cache(maxsize=1)
def own() -> Learned:
    """The model that the package brings."""
    return load(OWN)


# --- Examples ---------------------------------------------------------------------------------------


def examples(folder: Path = EXAMPLES) -> list[Example]:
    """The examples of a folder: `utterances*.jsonl` (words with their labels) and `calls*.jsonl`
    (whole calls with their requests)."""
    found: list[Example] = []
    for path in sorted(folder.glob("utterances*.jsonl")):
        for row in _rows(path):
            found.append(
                Example(
                    text=row["text"],
                    labels=_labels(row),
                    before=row.get("before") or "",
                    after=row.get("after") or "",
                )
            )
    for path in sorted(folder.glob("calls*.jsonl")):
        for row in _rows(path):
            found.extend(of_call(row))
    return found


def of_call(call: Mapping[str, Any]) -> Iterator[Example]:
    """The examples in a labelled call: each turn, whether it belongs to a request and of which
    category; and each request's words as a whole, with all its labels."""
    turns, group = call["turns"], str(call["id"])
    about: dict[int, set[str]] = {}
    for request in call["requests"]:
        for turn in request["turns"]:
            about.setdefault(turn, set()).add(request["category"])
    for i, turn in enumerate(turns):
        if not turn["text"].strip():
            continue
        labels = {REQUEST: "yes" if i in about else "no"}
        if len(about.get(i, ())) == 1:
            labels["category"] = next(iter(about[i]))
        yield Example(
            text=turn["text"],
            labels=labels,
            before=turns[i - 1]["text"] if i else "",
            after=turns[i + 1]["text"] if i + 1 < len(turns) else "",
            group=group,
        )
    for request in call["requests"]:
        said = [turns[t]["text"] for t in request["turns"] if turns[t].get("speaker") != "staff"]
        if said:
            yield Example(text=" ".join(said), labels=_labels(request), group=group)


def _labels(row: Mapping[str, Any]) -> dict[str, str]:
    labels = {name: row[name] for name in ("category", "kind", "urgency") if row.get(name)}
    return {REQUEST: "yes" if labels else "no", **labels}


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            if line.strip():
                yield json.loads(line)


def fingerprint(of: Sequence[Example]) -> str:
    """A hash of the examples and of how they are read: whether a model was made from these."""
    about: list[Any] = [CHARACTERS, SOUNDS, CONTEXT, CONTEXT_CHARACTERS, CONTEXT_WEIGHT]
    about += [LEAST_EXAMPLES, REGULARITY]
    about += [[e.text, sorted(e.labels.items()), e.before, e.after, e.group] for e in of]
    return hashlib.sha256(json.dumps(about, ensure_ascii=False).encode()).hexdigest()


# --- Words as numbers -------------------------------------------------------------------------------


@lru_cache(maxsize=8192)
def _sound(char: str) -> str:
    return script.sounds(char, confused=True)[0]


@lru_cache(maxsize=1024)
def _grams(text: str, context: str) -> Counter[str]:
    """The n-grams of a text. Which numbers are said, and what is punctuated, says nothing of the
    matter; `context` marks those of the turns around."""
    plain = _FIGURES.sub("0", _NO_WORD.sub(" ", script.plain(text)).strip())
    found: Counter[str] = Counter()
    padded = f" {plain} "
    for n in CONTEXT if context else CHARACTERS:
        found.update(
            context + gram for i in range(len(padded) - n + 1) if (gram := padded[i : i + n]) != " "
        )
    if not context:
        sounds = [_sound(char) for char in plain if char != " "]
        for n in SOUNDS:
            found.update("~" + ".".join(sounds[i : i + n]) for i in range(len(sounds) - n + 1))
    return found


def _blocks(unit: Unit) -> tuple[tuple[Counter[str], float], ...]:
    """The n-grams of a unit's words and of their context, each with the length of its vector."""
    return (
        (_grams(unit.text, ""), 1.0),
        (_grams(unit.before[-CONTEXT_CHARACTERS:], "<"), CONTEXT_WEIGHT),
        (_grams(unit.after[:CONTEXT_CHARACTERS], ">"), CONTEXT_WEIGHT),
    )


def _vector(
    unit: Unit, vocabulary: Mapping[str, int], rarity: Sequence[float]
) -> tuple[list[int], list[float]]:
    """The unit as a sparse vector: where, and how much."""
    indexes: list[int] = []
    values: list[float] = []
    for grams, length in _blocks(unit):
        known = [(vocabulary[gram], n) for gram, n in grams.items() if gram in vocabulary]
        weighed = [(1 + math.log(n)) * rarity[i] for i, n in known]
        norm = math.sqrt(sum(value * value for value in weighed)) or 1.0
        indexes.extend(i for i, _ in known)
        values.extend(value * length / norm for value in weighed)
    return indexes, values


def _shares(scores: NDArray[Any], temperature: float) -> NDArray[Any]:
    """Scores as probabilities, over the last axis."""
    import numpy as np

    raised = np.exp((scores - scores.max(axis=-1, keepdims=True)) * temperature)
    shares: NDArray[Any] = raised / raised.sum(axis=-1, keepdims=True)
    return shares


def _bytes(text: str) -> NDArray[np.uint8]:
    import numpy as np

    return np.frombuffer(text.encode(), dtype=np.uint8)


# --- Training ---------------------------------------------------------------------------------------


def train(given: Sequence[Example]) -> Learned:
    """A model of the examples; the same examples give the same model. Takes seconds for thousands.

    A label with fewer than two values cannot be learned and is left out.
    """
    import numpy as np

    vocabulary, rarity = _vocabulary(given)
    rows = _matrix(given, vocabulary, rarity)
    folds = _folds(given)
    heads: dict[str, Head] = {}
    columns, biases = [], []
    first = 0
    for label in sorted({name for example in given for name in example.labels}):
        chosen = [i for i, example in enumerate(given) if label in example.labels]
        said = np.array([given[i].labels[label] for i in chosen])
        values = tuple(sorted(set(said.tolist())))
        if len(values) < 2:
            continue
        weights, bias = _fit(rows[chosen], said, values)
        temperature = _temperature(rows[chosen], said, values, folds[chosen])
        heads[label] = Head(values, first, temperature)
        first = heads[label].last
        columns.append(weights)
        biases.append(bias)
    return Learned(
        vocabulary=vocabulary,
        rarity=rarity,
        # As they are stored: a model says the same before and after it was saved.
        weights=np.hstack(columns).astype(np.float16).astype(np.float32),
        bias=np.concatenate(biases).astype(np.float32),
        heads=heads,
        fingerprint=fingerprint(given),
    )


def _vocabulary(given: Sequence[Example]) -> tuple[dict[str, int], list[float]]:
    """The n-grams that are kept, and how rare each is among the examples."""
    seen: Counter[str] = Counter()
    for example in given:
        for grams, _length in _blocks(Unit(example.text, example.before, example.after)):
            seen.update(grams.keys())
    kept = sorted(gram for gram, n in seen.items() if n >= LEAST_EXAMPLES)
    rarity = [round(1 + math.log((1 + len(given)) / (1 + seen[gram])), 4) for gram in kept]
    return {gram: i for i, gram in enumerate(kept)}, rarity


def _matrix(
    given: Sequence[Example], vocabulary: Mapping[str, int], rarity: Sequence[float]
) -> Any:
    """The examples as a sparse matrix, one a row."""
    from scipy.sparse import csr_matrix

    indexes: list[int] = []
    values: list[float] = []
    starts = [0]
    for example in given:
        where, much = _vector(Unit(example.text, example.before, example.after), vocabulary, rarity)
        indexes += where
        values += much
        starts.append(len(indexes))
    return csr_matrix((values, indexes, starts), shape=(len(given), len(vocabulary)))


def _folds(given: Sequence[Example]) -> NDArray[np.int64]:
    """In which fold each example is held out; a group's all in one, the same at every training."""
    import numpy as np

    named = (example.group or example.text for example in given)
    return np.array([int(hashlib.sha256(n.encode()).hexdigest(), 16) % FOLDS for n in named])


def _fit(
    rows: Any, said: NDArray[np.str_], values: Sequence[str]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weights of shape (n-grams, values) and biases that tell the values apart."""
    import numpy as np
    from sklearn.svm import LinearSVC

    machine = LinearSVC(C=REGULARITY, random_state=0).fit(rows, said)
    weights, bias = machine.coef_.T, machine.intercept_
    if len(machine.classes_) == 2:  # scikit-learn gives one column for two values
        weights, bias = np.hstack([-weights, weights]), np.concatenate([-bias, bias])
    if len(machine.classes_) < len(values):  # a fold may lack a rare value: it is never said
        whole = np.zeros((weights.shape[0], len(values)))
        never = np.full(len(values), -10.0)
        place = np.searchsorted(values, machine.classes_)
        whole[:, place], never[place] = weights, bias
        return whole, never
    return weights, bias


def _temperature(
    rows: Any, said: NDArray[np.str_], values: Sequence[str], folds: NDArray[np.int64]
) -> float:
    """How much scores are stretched so that, on examples held out, of what is called 0.8 likely
    about eight of ten are so: the least log loss."""
    import numpy as np

    scores = held_out(rows, said, values, folds)
    truth = np.searchsorted(values, said)
    losses = [
        -np.log(np.maximum(_shares(scores, t)[np.arange(len(said)), truth], 1e-9)).mean()
        for t in TEMPERATURES
    ]
    return TEMPERATURES[int(np.argmin(losses))]


def held_out(
    rows: Any, said: NDArray[np.str_], values: Sequence[str], folds: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Scores of shape (rows, values), each row's by a machine that did not see its fold."""
    import numpy as np

    scores = np.zeros((len(said), len(values)))
    for fold in np.unique(folds):
        held = folds == fold
        if held.all() or len(set(said[~held].tolist())) < 2:
            continue
        weights, bias = _fit(rows[~held], said[~held], values)
        scores[held] = rows[held] @ weights + bias
    return scores


if __name__ == "__main__":
    train(examples()).save(OWN)
