"""Would more examples help? `python benchmarks/curve.py`: what is right on examples held out, by how many taught.

A quarter, half, three quarters and all of the examples in pipeline/examples teach; all are judged, each
by a model that has seen nothing of its fold (training.cross: five folds, a call stays together).
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import numpy as np

from pipeline import training
from pipeline.training import Example

PARTS = 4


def part(example: Example) -> int:
    """In which quarter an example stands: the same at every run, a call as a whole."""
    name = "quarter " + (example.group or example.text)
    return int(hashlib.sha256(name.encode()).hexdigest(), 16) % PARTS


def main() -> int:
    every = training.examples()
    print("taught".rjust(7), "category: utterances", "requests of calls", "urgency", "critical")
    for quarters in range(1, PARTS + 1):
        teach = [e for e in every if part(e) < quarters]
        held = training.cross(teach, also=[e for e in every if part(e) >= quarters])
        judged = [*teach, *(e for e in every if part(e) >= quarters)]
        category, urgency = held["category"], held["urgency"]
        alone = np.array([not judged[i].group for i in category.indexes])
        whole = np.array(
            [bool(judged[i].group) and "urgency" in judged[i].labels for i in category.indexes]
        )
        danger = urgency.truth == urgency.values.index("critical")
        shares = [
            category.right[alone].mean(),
            category.right[whole].mean(),
            urgency.right.mean(),
            urgency.right[danger].mean(),
        ]
        print(str(len(teach)).rjust(7), *(f"{share:.3f}".rjust(14) for share in shares))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
