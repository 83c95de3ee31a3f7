"""Fits the weights of `pipeline/openings.toml` on labelled calls: `python models/split/fit.py [MORE.jsonl...]`.

On the calls in pipeline/examples (and more, if named), each as written, re-cut into blocks, and
misheard, and on single utterances as calls of one turn. The learned model that judges a call is one
that has not seen it. Prints what comes out on calls held out; `--check` writes nothing. The committed
weights are those with the development calls named, some three minutes on two busy cores.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

sys.path.insert(0, str(Path(__file__).parents[2]))
sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import numpy as np
from misheard import misheard
from sklearn.linear_model import LogisticRegression

from pipeline import calls, evaluate, learned, openings, split, taxonomy, training
from pipeline.clauses import Clause, clauses
from pipeline.types import Span, Turn

AT = datetime(2026, 11, 24, tzinfo=UTC)
SPLITTING = taxonomy.Splitting()
FOLDS = 5
HELD_OUT_MODELS = 3
ONE_IN = 12
"""So few of the utterances are calls of one turn: enough to know that a short call can be a request."""
ROUNDS = 2
"""In the first, a request opens with the first clause of its turn; then where the fit finds it likeliest."""


@dataclass
class Form:
    """A call in one of its forms, with its clauses and what was computed of them."""

    call: calls.TextCall
    turns: Sequence[Turn]
    said: list[Clause]
    model: learned.Learned
    recut: bool
    opened: list[openings.Signs] = field(default_factory=list)
    chances: list[float] = field(default_factory=list)
    groups: list[list[Clause]] = field(default_factory=list)
    holding: list[openings.Signs] = field(default_factory=list)
    true: list[bool] = field(default_factory=list)


def forms(more: Sequence[Path]) -> Iterator[Form]:
    terms = taxonomy.load()
    examples = training.examples()
    names = sorted({e.group for e in examples if e.group})
    whole = learned.own()
    alone = [e for e in examples if not e.group and not e.before][::ONE_IN]
    kept = [e for e in examples if e not in alone]
    parts = []
    for k in range(HELD_OUT_MODELS):
        held = set(names[k::HELD_OUT_MODELS])
        parts.append((held, training.train([e for e in kept if e.group not in held])))
    for i, example in enumerate(alone):
        yield from _forms(one_turn(example, f"u{i}"), terms, parts[0][1])
    for path in [*sorted(training.EXAMPLES.glob("calls*.jsonl")), *more]:
        for call in calls.read(path, ZoneInfo("Asia/Shanghai")):
            if not isinstance(call, calls.TextCall) or call.requests is None:
                continue
            model = next((m for held, m in parts if call.id in held), whole)
            yield from _forms(call, terms, model)


def one_turn(example: training.Example, name: str) -> calls.TextCall:
    """An utterance as a call of one turn, with one request or none."""
    turn = Turn("resident", example.text, 0.0, len(example.text) / 4.5)
    wanted = example.labels[learned.REQUEST] == "yes"
    request = calls.ReferenceRequest((0,), "", "", "")
    return calls.TextCall(name, AT, "mono", (turn,), (request,) if wanted else ())


def _forms(
    call: calls.TextCall, terms: taxonomy.Taxonomy, model: learned.Learned
) -> Iterator[Form]:
    for recut, turns in (
        (False, call.turns),
        (True, evaluate.recut(call)),
        (False, misheard(call.turns, call.id)),
    ):
        readings = [terms.read(turn.text) for turn in turns]
        said = clauses(turns, readings, terms, model)
        if said:
            yield Form(call, turns, said, model, recut, openings.opening(said, model))


def begins(form: Form, last: bool) -> list[bool]:
    """Which clauses open a request: of the turn in which it opens, the first, or the likeliest."""
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


def matched(form: Form) -> list[bool]:
    """Which stretches are a reference request, by the contract's rule."""
    references = form.call.requests or ()
    if form.recut:
        spans = [
            [Span(form.call.turns[t].start, form.call.turns[t].end) for t in r.turns]
            for r in references
        ]
        said = [[_span(c, form.turns) for c in group] for group in form.groups]
        overlaps = [[evaluate.overlap_of_spans(one, other) for other in spans] for one in said]
    else:
        overlaps = [
            [evaluate.overlap_of_turns([c.turn for c in group], r.turns) for r in references]
            for group in form.groups
        ]
    pairs = evaluate.match(overlaps, [[False] * len(references) for _ in form.groups])
    return [any(i == n for i, _ in pairs) for n in range(len(form.groups))]


def _span(clause: Clause, turns: Sequence[Turn]) -> Span:
    turn = turns[clause.turn]
    pace = (turn.end - turn.start) / max(1, len(turn.text))
    return Span(turn.start + clause.start * pace, turn.start + clause.end * pace + 1e-6)


def fit(rows: Sequence[openings.Signs], true: Sequence[bool]) -> dict[str, float]:
    names = sorted({name for row in rows for name in row})
    table = np.array([[row[name] for name in names] for row in rows])
    machine = LogisticRegression(C=1.0, solver="liblinear", max_iter=3000).fit(table, true)
    weights = {"always": float(machine.intercept_[0])}
    weights.update(zip(names, map(float, machine.coef_[0]), strict=True))
    return {name: round(weight, 3) for name, weight in weights.items()}


def fit_openings(of: Sequence[Form], last: bool) -> dict[str, float]:
    rows = [signs for form in of for signs in form.opened]
    return fit(rows, [is_one for form in of for is_one in begins(form, last)])


def fit_holding(of: Sequence[Form]) -> dict[str, float]:
    return fit([s for form in of for s in form.holding], [t for form in of for t in form.true])


def stretch(form: Form) -> None:
    cuts = split.stretches(form.said, form.chances, SPLITTING.opens)
    form.groups = [form.said[first:end] for first, end in cuts]
    form.holding = openings.holding(
        form.groups,
        [form.opened[i] for i, _ in cuts],
        [form.chances[i] for i, _ in cuts],
        form.model,
    )
    form.true = matched(form)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("more", nargs="*", type=Path)
    parser.add_argument("--check", action="store_true", help="write nothing")
    options = parser.parse_args()
    of = list(forms(options.more))
    names = sorted({form.call.id for form in of})
    random.Random(0).shuffle(names)
    print(len(names), "calls,", len(of), "forms,", sum(len(f.said) for f in of), "clauses")
    opens: dict[str, float] = {}
    for round_ in range(ROUNDS):
        for form in of:
            form.chances = [openings.likely(s, opens) for s in form.opened] if opens else []
        for k in range(FOLDS):
            held = set(names[k::FOLDS])
            weights = fit_openings([f for f in of if f.call.id not in held], round_ > 0)
            for form in of:
                if form.call.id in held:
                    form.chances = [openings.likely(s, weights) for s in form.opened]
        opens = fit_openings(of, True)
    for form in of:
        stretch(form)
    right = kept = wanted = 0
    for k in range(FOLDS):
        held = set(names[k::FOLDS])
        weights = fit_holding([f for f in of if f.call.id not in held])
        for form in of:
            if form.call.id in held:
                holds = [openings.likely(s, weights) >= SPLITTING.holds for s in form.holding]
                right += sum(h and t for h, t in zip(holds, form.true, strict=True))
                kept += sum(holds)
                wanted += len(form.call.requests or ())
    print(f"held out: {right} of {wanted} requests opened and held, {kept} stretches held")
    tables = {"opening": opens, "holding": fit_holding(of)}
    lines = [
        "# Weights of the signs in openings.py, fitted on labelled calls: python models/split/fit.py"
    ]
    for table, weights in tables.items():
        lines += ["", f"[{table}]"]
        lines += [f'"{name}" = {weight}' for name, weight in weights.items()]
    if not options.check:
        openings.OWN.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
