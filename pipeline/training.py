"""How the small model is made: examples read, a machine a label fitted, right or wrong on held-out ones.

The package's own, from the hand-written examples beside it, in seconds:

    python -m pipeline.training
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline import learned
from pipeline.errors import HotlineError
from pipeline.i18n import _
from pipeline.learned import REQUEST, Blocks, Head, Learned, Unit

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

EXAMPLES = Path(__file__).with_name("examples")

LABELS = ("category", "kind", "urgency")

LEAST_EXAMPLES = 4
"""An n-gram must stand in so many examples: what stands in one alone says nothing of others."""
REGULARITY = 1.3
"""The machine's C. With it, `TURN` and `WHOLE` the category of examples held out was right of 78.5 % of the
utterances and 72.0 % of calls' requests (with all counting alike and 2, before labels were mended, of 76.7 and
70.6 %); kind, urgency and whether anything is asked differ by less than half a point from 0.7 to 2."""
TURN, WHOLE = 0.3, 1.5
"""How much a turn of a call counts beside an utterance (it names its matter in part, or not at all), and a
whole request of a call."""
TOLERANCE = 0.02
"""Where the machine stops: at 0.0001 it judges the same, in twice the time."""
FOLDS = 5
TEMPERATURES = (1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)


@dataclass(frozen=True, slots=True)
class Example:
    """Words with what people said of them: `labels` name what was judged ("category") and how
    ("medical"). Examples of one `group` (a call) stay together where some are held out; `weight` is how
    much one counts."""

    text: str
    labels: Mapping[str, str]
    before: str = ""
    after: str = ""
    group: str = ""
    weight: float = 1.0

    @property
    def unit(self) -> Unit:
        return Unit(self.text, self.before, self.after)


# --- Examples ---------------------------------------------------------------------------------------


def examples(folder: Path = EXAMPLES) -> list[Example]:
    """The examples in all .jsonl files of a folder, in the order of their names.

    Raises:
        HotlineError: as `read`.
    """
    return [example for path in sorted(folder.glob("*.jsonl")) for example in read(path)]


def read(path: Path) -> Iterator[Example]:
    """The examples of one file, a JSON object a line: words (`text`, and `title` if they have one)
    with `category` (or `label`), `kind`, `urgency`; null where nothing is asked; or a whole call with
    its `turns` and `requests`.

    Raises:
        HotlineError: it cannot be read, or a line is no example; with the line.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise HotlineError(_("{file} cannot be read: {error}.").format(file=path, error=error)) from error  # fmt: skip
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            found = list(of_call(row)) if "turns" in row else [_of_words(row)]
        except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
            raise HotlineError(
                _(
                    "{file}, line {line}: this is no labelled example ({error}). An example is: {form}"
                ).format(
                    file=path.name,
                    line=number,
                    error=error,
                    form='{"text": "…", "category": "repairs"}',
                )
            ) from error
        yield from found


def _of_words(row: Mapping[str, Any]) -> Example:
    label = row["category"] if "category" in row else row["label"]
    # A title is the matter in its writer's own short words: it counts twice.
    words = [str(row[name]) for name in ("title", "title", "text") if row.get(name)]
    if not words:
        raise ValueError("text")
    return Example(
        text="\n".join(words),
        labels=_labels({**row, "category": label}),
        before=row.get("before") or "",
        after=row.get("after") or "",
    )


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
            weight=TURN,
        )
    for request in call["requests"]:
        said = [turns[t]["text"] for t in request["turns"] if turns[t].get("speaker") != "staff"]
        if said:
            words = " ".join(said)
            yield Example(text=words, labels=_labels(request), group=group, weight=WHOLE)


def _labels(row: Mapping[str, Any]) -> dict[str, str]:
    labels = {name: str(row[name]) for name in LABELS if row.get(name)}
    return {REQUEST: "yes" if labels else "no", **labels}


def fingerprint(given: Sequence[Example]) -> str:
    """A hash of the examples and of how they are read: whether a model was made from these."""
    about: list[Any] = [learned.CHARACTERS, learned.SOUNDS, learned.CONTEXT]
    about += [
        learned.CONTEXT_CHARACTERS,
        learned.CONTEXT_WEIGHT,
        LEAST_EXAMPLES,
        REGULARITY,
        TOLERANCE,
    ]
    about += [
        [e.text, sorted(e.labels.items()), e.before, e.after, e.group, e.weight] for e in given
    ]
    return hashlib.sha256(json.dumps(about, ensure_ascii=False).encode()).hexdigest()


# --- Held out ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """How examples were judged by machines that had not seen them, for one label: `indexes` of the
    examples that have it, the `truth` of each (a place in `values`), `scores` of shape (examples,
    values)."""

    values: tuple[str, ...]
    indexes: NDArray[np.int64]
    truth: NDArray[np.int64]
    scores: NDArray[np.float64]

    @property
    def right(self) -> NDArray[np.bool_]:
        """Of each example, whether the likeliest value is the true one."""
        found: NDArray[np.bool_] = self.scores.argmax(axis=1) == self.truth
        return found


def cross(given: Sequence[Example], also: Sequence[Example] = ()) -> dict[str, Held]:
    """`given` and then `also`, each judged by machines that only `given` taught, and none of its
    fold: in five folds, the same at every run, in which a group's examples stand together."""
    import numpy as np

    every = [*given, *also]
    counted = _Counted([learned.blocks(example.unit) for example in every])
    folds = _folds(every)
    teaches = np.arange(len(every)) < len(given)
    weighs = np.array([example.weight for example in every])
    found: dict[str, Held] = {}
    for label, values in labels_of(given).items():
        indexes = np.array([i for i, e in enumerate(every) if e.labels.get(label) in values])
        said = [every[i].labels[label] for i in indexes]
        truth = np.array([values.index(value) for value in said])
        found[label] = Held(values, indexes, truth, np.zeros((len(indexes), len(values))))
    for fold in range(FOLDS):
        taught = np.flatnonzero(teaches & (folds != fold))
        held = np.flatnonzero(folds == fold)
        if not len(taught) or not len(held):
            continue
        rows = counted.weighed(taught)[2]
        for one in found.values():
            learn, ask = np.isin(one.indexes, taught), np.isin(one.indexes, held)
            if len(set(one.truth[learn])) > 1 and ask.any():
                which = one.indexes[learn]
                weights, bias = _fit(rows[which], one.truth[learn], len(one.values), weighs[which])
                one.scores[ask] = rows[one.indexes[ask]] @ weights + bias
    return found


def labels_of(given: Sequence[Example]) -> dict[str, tuple[str, ...]]:
    """The labels that can be learned with their values: those that have at least two."""
    said: dict[str, set[str]] = {}
    for example in given:
        for label, value in example.labels.items():
            said.setdefault(label, set()).add(value)
    return {label: tuple(sorted(said[label])) for label in sorted(said) if len(said[label]) > 1}


def _folds(given: Sequence[Example]) -> NDArray[np.int64]:
    import numpy as np

    named = (example.group or example.text for example in given)
    return np.array([int(hashlib.sha256(n.encode()).hexdigest(), 16) % FOLDS for n in named])


# --- Training ---------------------------------------------------------------------------------------


def train(given: Sequence[Example], stretched: Mapping[str, float] | None = None) -> Learned:
    """A model of the examples; the same examples give the same model. Takes a minute for ten thousand.

    `stretched` are the `temperatures` of what `cross(given)` gave, where that is at hand, or those of a
    model of nearly the same examples.

    Raises:
        HotlineError: the examples teach nothing, for no label has two values.
    """
    import numpy as np

    if not labels_of(given):
        raise HotlineError(_("The examples teach nothing: give at least two values of a label."))
    if stretched is None:
        stretched = temperatures(cross(given))
    counted = _Counted([learned.blocks(example.unit) for example in given])
    vocabulary, rarity, rows = counted.weighed(np.arange(len(given)))
    heads: dict[str, Head] = {}
    columns, biases = [], []
    first = 0
    for label, values in labels_of(given).items():
        chosen = [i for i, example in enumerate(given) if label in example.labels]
        truth = np.array([values.index(given[i].labels[label]) for i in chosen])
        weighs = np.array([given[i].weight for i in chosen])
        weights, bias = _fit(rows[chosen], truth, len(values), weighs)
        heads[label] = Head(values, first, stretched[label])
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


class _Counted:
    """How often each n-gram stands in each example: counted once, weighed anew for every fold."""

    def __init__(self, told: Sequence[Blocks]) -> None:
        import numpy as np
        from scipy.sparse import csr_matrix

        seen: Counter[str] = Counter()
        for blocks in told:
            for grams, _length in blocks:
                seen.update(grams.keys())
        self.grams = sorted(gram for gram, n in seen.items() if n >= LEAST_EXAMPLES)
        place = {gram: i for i, gram in enumerate(self.grams)}
        indexes: list[int] = []
        counts: list[int] = []
        starts = [0]
        for blocks in told:
            for grams, _length in blocks:
                known = [(place[gram], n) for gram, n in grams.items() if gram in place]
                indexes += [i for i, _ in known]
                counts += [n for _, n in known]
            starts.append(len(indexes))
        much = 1 + np.log(np.array(counts, dtype=float))
        self.rows: Any = csr_matrix((much, indexes, starts), shape=(len(told), len(self.grams)))
        # Of each n-gram, in which block it stands; a block's vector has a length of its own.
        marks = ["", learned.BEFORE, learned.AFTER]
        self.blocks = np.array([marks.index(g[0] if g[0] in marks else "") for g in self.grams])
        self.lengths = (1.0, learned.CONTEXT_WEIGHT, learned.CONTEXT_WEIGHT)

    def weighed(self, taught: NDArray[np.int64]) -> tuple[dict[str, int], list[float], Any]:
        """The n-grams that are kept, how rare each is among the examples `taught`, and all examples
        as a sparse matrix, one a row (`learned.vector`, for many at once)."""
        import numpy as np
        from scipy.sparse import diags

        seen = self.rows[taught].getnnz(axis=0)
        kept = np.flatnonzero(seen >= LEAST_EXAMPLES)
        rarity = np.round(1 + np.log((1 + len(taught)) / (1 + seen[kept])), 4)
        rows = (self.rows[:, kept] @ diags(rarity)).tocsr()
        squares = rows.power(2)
        made = None
        for block, length in enumerate(self.lengths):
            inside = (self.blocks[kept] == block).astype(float)
            norms = np.sqrt(squares @ inside)
            norms[norms == 0] = 1.0
            part = diags(length / norms) @ rows @ diags(inside)
            made = part if made is None else made + part
        vocabulary = {self.grams[i]: n for n, i in enumerate(kept)}
        return vocabulary, rarity.tolist(), made


def _fit(
    rows: Any, truth: NDArray[np.int64], values: int, weighs: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weights of shape (n-grams, values) and biases that tell the values apart."""
    import numpy as np
    from sklearn.svm import LinearSVC

    machine = LinearSVC(C=REGULARITY, tol=TOLERANCE, random_state=0)
    machine.fit(rows, truth, sample_weight=weighs)
    weights, bias = machine.coef_.T, machine.intercept_
    if len(machine.classes_) == 2:  # scikit-learn gives one column for two values
        weights, bias = np.hstack([-weights, weights]), np.concatenate([-bias, bias])
    if len(machine.classes_) == values:
        return weights, bias
    whole, never = np.zeros((weights.shape[0], values)), np.full(values, -10.0)
    whole[:, machine.classes_], never[machine.classes_] = (
        weights,
        bias,
    )  # a fold may lack a rare one
    return whole, never


def temperatures(held: Mapping[str, Held]) -> dict[str, float]:
    """How much each label's scores are stretched so that, on examples held out, of what is called 0.8
    likely about eight of ten are so: the least log loss."""
    return {label: _temperature(one) for label, one in held.items()}


def _temperature(held: Held) -> float:
    import numpy as np

    each = np.arange(len(held.truth))
    losses = [
        -np.log(np.maximum(learned.shares(held.scores, t)[each, held.truth], 1e-9)).mean()
        for t in TEMPERATURES
    ]
    return TEMPERATURES[int(np.argmin(losses))]


if __name__ == "__main__":
    train(examples()).save(learned.OWN)
