"""How well calls as text are understood: `python benchmarks/understand.py [CALLS.jsonl...]`.

Without files, the calls that were set aside when rules and examples were written (benchmarks/unseen).
Every call is scored by the contract's matching rule in three forms: as written, misheard (other
characters of the same sound, no punctuation, some in traditional script) and re-cut (blocks of 30 s,
no punctuation, no speakers); then comes what a call of ten minutes costs, and one twice as long.

--held-out judges the calls of pipeline/examples, each by a model that has not seen it. --errors lists
what went wrong, --only takes ids (d001-d025 or d003,d007).
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

sys.path.insert(0, str(Path(__file__).parent.parent))

from misheard import misheard

from pipeline import calls, evaluate, learned, taxonomy, training
from pipeline.errors import HotlineError
from pipeline.types import Turn, Understanding
from pipeline.understand import understand

UNSEEN = Path(__file__).with_name("unseen")
FORMS = ("as written", "misheard", "re-cut")
GOALS = {
    "request_recall": 0.95, "request_precision": 0.85, "category_accuracy": 0.88,
    "urgency_accuracy": 0.88, "critical_recall": 1.0, "building_exact": 0.9, "room_exact": 0.9,
    "phone_exact": 0.95,
}  # fmt: skip
AT_MOST = {"critical_false_share": 1 / 3, "listening_share": 0.1}
FALL = 0.05
"""How much lower a figure may be on a misheard or re-cut call."""
LONG, LONG_COSTS = 600.0, 0.2
"""A call of so many seconds may cost so many."""
HELD_OUT = 3


def chosen(name: str, only: str | None) -> bool:
    if not only:
        return True
    for part in only.split(","):
        first, _, last = part.partition("-")
        if first <= name <= (last or first):
            return True
    return False


def read(paths: Sequence[Path], only: str | None) -> Iterator[calls.TextCall]:
    for path in paths:
        for call in calls.read(path, ZoneInfo("Asia/Shanghai")):
            if isinstance(call, HotlineError):
                print(call, file=sys.stderr)
            elif call.requests is not None and chosen(call.id, only):
                yield call


def models(held_out: bool) -> list[tuple[set[str], learned.Learned]]:
    """Models, each with the calls that it has not seen."""
    if not held_out:
        return []
    examples = training.examples()
    names = sorted({e.group for e in examples if e.group})
    parts = [set(names[k::HELD_OUT]) for k in range(HELD_OUT)]
    known = {label: head.temperature for label, head in learned.own().heads.items()}
    return [
        (held, training.train([e for e in examples if e.group not in held], known))
        for held in parts
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("calls", type=Path, nargs="*")
    parser.add_argument("--taxonomy", type=Path)
    parser.add_argument("--held-out", action="store_true")
    parser.add_argument("--errors", action="store_true", help="list what went wrong")
    parser.add_argument("--only", help="ids, as d001-d025 or d003,d007")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    terms = taxonomy.load(options.taxonomy)
    folder = training.EXAMPLES if options.held_out else UNSEEN
    parts = models(options.held_out)
    total = dict.fromkeys(FORMS, evaluate.Counts())
    everything: list[Turn] = []
    for call in read(options.calls or sorted(folder.glob("calls*.jsonl")), options.only):
        model = next((m for held, m in parts if call.id in held), None)
        for form in FORMS:
            turns = formed(call, form)
            found = understand(turns, call.started_at, terms, learned=model)
            counts = evaluate.score(
                found, call.requests or (), turns, call.turns if form == "re-cut" else None
            )
            total[form] += counts
            if options.errors:
                report(form, call, found)
        after = everything[-1].end if everything else 0.0
        everything += [
            replace(turn, start=turn.start + after, end=turn.end + after) for turn in call.turns
        ]
        started_at = call.started_at
    if not everything:
        print("No calls with references.", file=sys.stderr)
        return 2
    if options.json:
        for form, counts in total.items():
            print(json.dumps({"form": form, **counts.as_dict()}))
        return 0
    show(total)
    for length in (LONG, 2 * LONG):
        turns = long_call(everything, length)
        gc.collect()  # what the calls before left is none of this one's cost
        began = time.process_time()
        understand(turns, started_at, terms)
        cost = time.process_time() - began
        goal = f" (meant: under {LONG_COSTS} s)" if length == LONG else ""
        print(f"a call of {length / 60:.0f} minutes, {len(turns)} turns: {cost:.3f} s{goal}")
    return 0


def formed(call: calls.TextCall, form: str) -> tuple[Turn, ...]:
    if form == "re-cut":
        return evaluate.recut(call)
    return misheard(call.turns, call.id) if form == "misheard" else tuple(call.turns)


def long_call(turns: Sequence[Turn], seconds: float) -> list[Turn]:
    """The turns of many calls as one, so long; repeated where they do not reach, never word for word:
    what was read once is kept, and would cost nothing."""
    found: list[Turn] = []
    round_ = 0
    while not found or found[-1].end < seconds:
        for turn in turns:
            start = found[-1].end if found else 0.0
            if start >= seconds:
                break
            text = turn.text + "啊" * (round_ + 1)
            found.append(replace(turn, text=text, start=start, end=start + len(text) / 4.5))
        round_ += 1
    return found


def show(total: dict[str, evaluate.Counts]) -> None:
    """Print every figure in its three forms, with counts, and whether it is as meant."""
    parts = {
        form: {
            "request_recall": (c.matched, c.requests),
            "request_precision": (c.matched, c.predicted),
            "category_accuracy": (c.category, c.matched),
            "kind_accuracy": (c.kind, c.matched),
            "urgency_accuracy": (c.urgency, c.matched),
            "critical_recall": (c.critical_found, c.critical),
            "critical_false_share": (c.false_critical, c.called_critical),
            "building_exact": (c.building, c.buildings),
            "room_exact": (c.room, c.rooms),
            "phone_exact": (c.phone, c.phones),
            "due_exact": (c.due_hint, c.due_hints),
            "listening_share": (c.listening_turns, c.turns),
        }
        for form, c in total.items()
    }
    print(f"{total[FORMS[0]].calls} calls".ljust(22), *(form.rjust(19) for form in FORMS))
    for name in parts[FORMS[0]]:
        shares = []
        cells = []
        for form in FORMS:
            part, whole = parts[form][name]
            share = part / whole if whole else float("nan")
            shares.append(share)
            bad = share < GOALS.get(name, 0) or share > AT_MOST.get(name, 1)
            fell = name in GOALS and form != FORMS[0] and round(shares[0] - share, 4) > FALL
            mark = "!" if bad and form == FORMS[0] else "v" if fell else " "
            cells.append(f"{share:.3f} ({part}/{whole}){mark}".rjust(19))
        print(name.ljust(22), *cells)
    for name in ("unaccounted_turns", "without_evidence"):
        print(name.ljust(22), *(str(getattr(total[form], name)).rjust(18) + " " for form in FORMS))
    print(f"! not as meant; v more than {FALL * 100:.0f} points lower than as written")


def report(form: str, call: calls.TextCall, found: Understanding) -> None:
    """Print predicted and reference requests of a call side by side."""
    print(f"-- {call.id} {form}")
    for r in call.requests or ():
        print(f"   want {list(r.turns)} {r.category} {r.kind} {r.urgency} {r.gist}")
    for p in found.requests:
        why = {
            e.tag: f"{e.words} ({e.by})"
            for e in reversed(p.evidence)
            if e.tag in ("category", "kind", "urgency")
        }
        print(f"   got  {list(p.turns)} {p.category} {p.kind} {p.urgency} {why}")
    if found.needs_listening:
        print(f"   listen {list(found.needs_listening)}")


if __name__ == "__main__":
    raise SystemExit(main())
