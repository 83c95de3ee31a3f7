"""Fits the weights of `pipeline/openings.npz`, `openings.toml` and `danger.toml`: `python models/weights/fit.py [MORE.jsonl...]`.

On the calls in pipeline/examples (and more, if named): where their requests begin, each call as
written, re-cut into blocks, and misheard, and single utterances as calls of one turn; and how urgent
their requests and utterances are, as written and misheard. The learned model that judges a call, and the network that
tells who speaks in it, are such as have not seen it (three of each). Prints what comes out on calls held out; `--check` writes nothing. The committed weights are
those with the development calls named.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

sys.path.insert(0, str(Path(__file__).parents[2]))
sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import numpy as np
import sequence
import spoken
from misheard import misheard
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score

from pipeline import (
    calls,
    danger,
    evaluate,
    learned,
    logistic,
    openings,
    split,
    tag,
    taxonomy,
    training,
    utterances,
)
from pipeline.clauses import Clause, clauses
from pipeline.recurrent import Recurrent
from pipeline.types import Piece, Turn

AT = datetime(2026, 11, 24, tzinfo=UTC)
SPLITTING = taxonomy.Splitting()
FOLDS = 5
HELD_OUT_MODELS = 3
ONE_IN = 6
"""So few of the utterances are calls of one turn: enough to know that a short call can be a request."""
FEW = 0.3
"""The regularity where there are few to learn from: critical requests."""

Signs = Mapping[str, float]


@dataclass
class Form:
    """A call in one of its forms, with its clauses and what was computed of them."""

    call: calls.TextCall
    turns: Sequence[Turn]
    said: list[Clause]
    model: learned.Learned
    speaking: utterances.Network
    recut: bool
    opened: list[openings.Signs] = field(default_factory=list)
    chances: list[float] = field(default_factory=list)
    holding: list[openings.Signs] = field(default_factory=list)
    true: list[bool] = field(default_factory=list)


@dataclass
class Asked:
    """A request as a person marked it: what speaks for its urgency, and what that is."""

    call: str
    signs: Signs
    urgency: str


def forms(more: Sequence[Path]) -> Iterator[Form]:
    terms = taxonomy.load()
    examples = training.examples()
    names = sorted({e.group for e in examples if e.group})
    whole = learned.own()
    alone = [e for e in examples if not e.group and not e.before][::ONE_IN]
    kept = [e for e in examples if e not in alone]
    known = {label: head.temperature for label, head in learned.own().heads.items()}
    parts = [set(names[k::HELD_OUT_MODELS]) for k in range(HELD_OUT_MODELS)]
    taught = [training.train([e for e in kept if e.group not in held], known) for held in parts]
    heard = spoken.known(sorted(training.EXAMPLES.glob("calls*.jsonl")))
    with ProcessPoolExecutor(HELD_OUT_MODELS) as pool:
        rest = [[call for call in heard if call.id not in held] for held in parts]
        speakers = list(pool.map(spoken.fit, rest))
    for i, example in enumerate(alone):
        yield from _forms(one_turn(example, f"u{i}"), terms, taught[0], speakers[0])
    for path in [*sorted(training.EXAMPLES.glob("calls*.jsonl")), *more]:
        for call in calls.read(path, ZoneInfo("Asia/Shanghai")):
            if not isinstance(call, calls.TextCall) or call.requests is None:
                continue
            k = next((k for k, held in enumerate(parts) if call.id in held), None)
            model, speaker = (whole, utterances.own()) if k is None else (taught[k], speakers[k])
            yield from _forms(call, terms, model, speaker)


def one_turn(example: training.Example, name: str) -> calls.TextCall:
    """An utterance as a call of one turn, with one request or none."""
    turn = Turn("resident", example.text, 0.0, len(example.text) / 4.5)
    wanted = example.labels[learned.REQUEST] == "yes"
    labels = [example.labels.get(label, "") for label in training.LABELS]
    request = calls.ReferenceRequest((0,), *labels)
    return calls.TextCall(name, AT, "mono", (turn,), (request,) if wanted else ())


def _forms(
    call: calls.TextCall,
    terms: taxonomy.Taxonomy,
    model: learned.Learned,
    speaker: utterances.Network,
) -> Iterator[Form]:
    for recut, turns in (
        (False, call.turns),
        (True, evaluate.recut(call)),
        (False, misheard(call.turns, call.id)),
    ):
        with by(speaker):
            readings = [terms.read(turn.text) for turn in turns]
            said = clauses(turns, readings, terms, model)
        if said:
            yield Form(call, turns, said, model, speaker, recut, openings.opening(said, model))


@contextmanager
def by(network: utterances.Network) -> Iterator[None]:
    """Who speaks is told by this network. What it said of a text is kept with the text: forget it."""
    own, utterances.own = utterances.own, lambda: network
    utterances.forget()
    try:
        yield
    finally:
        utterances.own = own
        utterances.forget()


def begins(form: Form, last: bool) -> list[bool]:
    """Which clauses open a request: of the turn in which it opens, the first, or (`last`) that which a
    first fit finds likeliest."""
    found = [False] * len(form.said)
    firsts = [min(r.turns) for r in form.call.requests or () if r.turns]
    for turn in sorted(set(firsts)):
        spoken = form.call.turns[turn]
        inside = [
            i
            for i, clause in enumerate(form.said)
            if not clause.empty
            and (
                spoken.start - 0.2 <= _middle(clause, form.turns) <= spoken.end + 0.2
                if form.recut
                else clause.turn == turn
            )
        ]
        inside = [i for i in inside if not form.said[i].staff] or inside
        order = sorted(
            inside, key=lambda i: -form.chances[i] if last else i - 100 * (form.said[i].cue == 2)
        )
        for i in order[: firsts.count(turn)]:
            found[i] = True
    return found


def _middle(clause: Clause, turns: Sequence[Turn]) -> float:
    turn = turns[clause.turn]
    return turn.start + (turn.end - turn.start) * (clause.start + clause.end) / 2 / len(turn.text)


class Table:
    """Signs as numbers, a row each, so that a fit takes those of some calls without reading them anew."""

    def __init__(self, rows: Sequence[Signs]) -> None:
        self.names = sorted({name for row in rows for name in row})
        self.rows = np.array([[row.get(name, 0.0) for name in self.names] for row in rows])

    def fit(
        self, chosen: Sequence[bool], true: Sequence[bool], regularity: float = 1.0
    ) -> dict[str, float]:
        here = np.array(chosen)
        machine = LogisticRegression(C=regularity, solver="liblinear", max_iter=3000)
        machine.fit(self.rows[here], np.array(true)[here])
        weights = {"always": float(machine.intercept_[0])}
        weights.update(zip(self.names, map(float, machine.coef_[0]), strict=True))
        return {name: round(weight, 3) for name, weight in weights.items()}


def stretch(form: Form) -> None:
    """Cut the form at its openings; each stretch in which a request opens is one, and is looked at
    beside the request before it as it truly is."""
    cuts = split.stretches(form.said, form.chances, SPLITTING.opens)
    begun = begins(form, True)
    form.true = [any(begun[first:last]) for first, last in cuts]
    told = [openings.Told(form.said[first:last], form.model) for first, last in cuts]
    form.holding = []
    past: openings.Told | None = None
    waiting: list[Clause] = []
    for n, ((first, _), own, true) in enumerate(zip(cuts, told, form.true, strict=True)):
        after = told[n + 1] if n + 1 < len(told) else None
        form.holding.append(
            openings.holding(own, form.opened[first], form.chances[first], past, after)
        )
        if true:
            past = openings.Told([*waiting, *own.clauses], form.model) if waiting else own
            waiting = []
        elif past:
            past = past.joined(own, form.model)
        else:
            waiting.extend(own.clauses)


def asked(of: Sequence[Form]) -> Iterator[Asked]:
    """The requests of calls as they were marked, whole turns."""
    terms = taxonomy.load()
    for form in of:
        for request in form.call.requests or ():
            if form.recut or not request.urgency:
                continue
            pieces = [
                Piece(t, 0, len(form.turns[t].text))
                for t in sorted(request.turns)
                if form.turns[t].text.strip()
            ]
            if pieces:
                with by(form.speaking):
                    signs = tag.signs_of(pieces, form.turns, terms, form.model)
                yield Asked(form.call.id, signs, request.urgency)


def fit_openings(of: Sequence[Form], fold: Mapping[str, int]) -> Recurrent:
    """The network of `opening`; leaves in every form the chances that one fitted on other calls gives it."""
    table = Table([signs for form in of for signs in form.opened])
    weights = table.fit(
        np.full(len(table.rows), True), [one for form in of for one in begins(form, False)]
    )
    for form in of:
        form.chances = [logistic.likely(signs, weights) for signs in form.opened]
    true = [begins(form, True) for form in of]
    found = np.concatenate(true)
    for k in range(FOLDS):
        rest = [i for i, form in enumerate(of) if fold[form.call.id] != k]
        network = sequence.fit([of[i].opened for i in rest], [true[i] for i in rest])
        for form in of:
            if fold[form.call.id] == k:
                form.chances = network.likely(form.opened)
    said = np.concatenate([form.chances for form in of])
    print(f"held out: openings, average precision {average_precision_score(found, said):.3f}")
    return sequence.fit([form.opened for form in of], true)


def fit_holding(of: Sequence[Form], fold: Mapping[str, int]) -> dict[str, float]:
    """The weights of `holding`; prints what they say of calls held out."""
    table = Table([signs for form in of for signs in form.holding])
    true = np.array([t for form in of for t in form.true])
    folds = np.array([fold[form.call.id] for form in of for _ in form.holding])
    said = np.zeros(len(true))
    for k in range(FOLDS):
        weights = table.fit(folds != k, true)
        rows = [signs for form in of if fold[form.call.id] == k for signs in form.holding]
        said[folds == k] = [logistic.likely(signs, weights) for signs in rows]
    held = said >= SPLITTING.holds
    wanted = sum(len(form.call.requests or ()) for form in of)
    print(
        f"held out: {(held & true).sum()} of {wanted} requests opened and held, {held.sum()} held"
    )
    return table.fit(folds >= 0, true)


def fit_danger(of: Sequence[Asked], fold: Mapping[str, int]) -> dict[str, dict[str, float]]:
    """The weights of `critical` and `urgent`; prints what they say of calls held out."""
    table = Table([one.signs for one in of])
    folds = np.array([fold[one.call] for one in of])
    found = {}
    for level, enough in danger.ENOUGH.items():
        true = np.array([one.urgency in (level, "critical") for one in of])
        least = np.array([enough[not one.signs[level]] for one in of])
        said = np.zeros(len(of))
        for k in range(FOLDS):
            weights = table.fit(folds != k, true, FEW)
            said[folds == k] = [
                logistic.likely(one.signs, weights) for one in of if fold[one.call] == k
            ]
        called = said >= least
        print(
            f"held out: {(called & true).sum()} of {true.sum()} {level}, {called.sum()} called so"
        )
        found[level] = table.fit(folds >= 0, true, FEW)
    return found


def write(path: Path, of: str, tables: Mapping[str, Mapping[str, float]]) -> None:
    lines = [
        f"# Weights of the signs in {of}, fitted on labelled calls: python models/weights/fit.py"
    ]
    for table, weights in tables.items():
        lines += ["", f"[{table}]", *(f'"{name}" = {much}' for name, much in weights.items())]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("more", nargs="*", type=Path)
    parser.add_argument("--check", action="store_true", help="write nothing")
    options = parser.parse_args()
    of = list(forms(options.more))
    names = sorted({form.call.id for form in of})
    random.Random(0).shuffle(names)
    fold = {name: i % FOLDS for i, name in enumerate(names)}
    print(len(names), "calls,", len(of), "forms,", sum(len(f.said) for f in of), "clauses")
    opening = fit_openings(of, fold)
    for form in of:
        stretch(form)
    holding = fit_holding(of, fold)
    urgency = fit_danger(list(asked(of)), fold)
    if not options.check:
        opening.save(openings.NETWORK)
        write(openings.OWN, "openings.py", {"holding": holding})
        write(danger.OWN, "danger.py", urgency)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
