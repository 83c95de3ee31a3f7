"""How well calls as text are understood: `python benchmarks/understand.py CALLS.jsonl [--twin]`.

Scores by the contract's matching rule. --twin also scores every call re-cut into 30 s blocks without
punctuation or speakers. --errors lists what went wrong, --only takes ids (d001-d025 or d003,d007).
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from zoneinfo import ZoneInfo

sys.path.insert(0, str(Path(__file__).parent.parent))

from pipeline import calls, evaluate, taxonomy
from pipeline.errors import HotlineError
from pipeline.understand import understand


def chosen(name: str, only: str | None) -> bool:
    if not only:
        return True
    for part in only.split(","):
        first, _, last = part.partition("-")
        if first <= name <= (last or first):
            return True
    return False


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("calls", type=Path)
    parser.add_argument("--taxonomy", type=Path)
    parser.add_argument("--twin", action="store_true", help="also re-cut into 30 s blocks")
    parser.add_argument("--errors", action="store_true", help="list what went wrong")
    parser.add_argument("--only", help="ids, as d001-d025 or d003,d007")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    terms = taxonomy.load(options.taxonomy)
    total = {"as written": evaluate.Counts(), "re-cut": evaluate.Counts()}
    seconds = dict.fromkeys(total, 0.0)
    for call in calls.read(options.calls, ZoneInfo("Asia/Shanghai")):
        if isinstance(call, HotlineError):
            print(call, file=sys.stderr)
            continue
        if call.requests is None or not chosen(call.id, options.only):
            continue
        forms = {"as written": call.turns}
        if options.twin:
            forms["re-cut"] = evaluate.recut(call)
        for form, turns in forms.items():
            understand(turns[:1], call.started_at, terms)  # readings load at the first text
            began = time.perf_counter()
            found = understand(turns, call.started_at, terms)
            seconds[form] += time.perf_counter() - began
            counts = evaluate.score(
                found, call.requests, turns, call.turns if form == "re-cut" else None
            )
            total[form] += counts
            if options.errors:
                report(form, call, found, turns)
    for form, counts in total.items():
        if not counts.calls:
            continue
        if options.json:
            print(
                json.dumps(
                    {
                        "form": form,
                        **counts.as_dict(),
                        "seconds_per_call": seconds[form] / counts.calls,
                    }
                )
            )
            continue
        print(
            f"== {form}: {counts.calls} calls, {seconds[form] / counts.calls * 1000:.1f} ms a call"
        )
        parts = {
            "request_recall": (counts.matched, counts.requests),
            "request_precision": (counts.matched, counts.predicted),
            "category_accuracy": (counts.category, counts.matched),
            "kind_accuracy": (counts.kind, counts.matched),
            "urgency_accuracy": (counts.urgency, counts.matched),
            "critical_recall": (counts.critical_found, counts.critical),
            "critical_false_share": (counts.false_critical, counts.called_critical),
            "building_exact": (counts.building, counts.buildings),
            "room_exact": (counts.room, counts.rooms),
            "phone_exact": (counts.phone, counts.phones),
            "due_exact": (counts.due_hint, counts.due_hints),
            "listening_share": (counts.listening_turns, counts.turns),
        }
        for name, (part, whole) in parts.items():
            print(f"  {name:22} {part / whole if whole else float('nan'):.3f}  ({part}/{whole})")
        print(f"  unaccounted turns      {counts.unaccounted_turns}")
        print(f"  without evidence       {counts.without_evidence}")
    return 0


def report(form: str, call: calls.TextCall, found: object, turns: object) -> None:
    """Print predicted and reference requests of a call side by side."""
    print(f"-- {call.id} {form}")
    for r in call.requests or ():
        print(f"   want {list(r.turns)} {r.category} {r.kind} {r.urgency} {r.gist}")
    for p in found.requests:  # type: ignore[attr-defined]
        why = {
            e.tag: e.words for e in reversed(p.evidence) if e.tag in ("category", "kind", "urgency")
        }
        print(f"   got  {list(p.turns)} {p.category} {p.kind} {p.urgency} {why}")
    if found.needs_listening:  # type: ignore[attr-defined]
        print(f"   listen {list(found.needs_listening)}")  # type: ignore[attr-defined]


if __name__ == "__main__":
    raise SystemExit(main())
