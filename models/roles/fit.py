"""Fits the weights of `pipeline/roles.toml` on labelled calls: `python models/roles/fit.py [--try CALLS.jsonl]`.

Each sentence of the calls in pipeline/examples, with its punctuation and without, is an example of who says
it. Logistic regression over pieces of text; of all the KEPT that tell most are fitted again. `--try`
prints how often they are right on other calls, and writes nothing.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from pipeline import roles

PACKAGE = Path(roles.__file__).parent
LEAST = 6
"""Examples in which a piece must stand; each sentence is two."""
KEPT = 400
"""On development calls, right of characters: all 3,607 pieces 83.4 %, 800 82.6, 400 82.1, 250 81.9 %."""
STRENGTH = 0.1
"""The regression's C."""

Example = tuple[str, bool]


def examples(path: Path) -> Iterator[Example]:
    """Each sentence of the calls of a file, and whether staff say it."""
    for line in path.read_text("utf-8").splitlines():
        for turn in json.loads(line)["turns"]:
            if turn["speaker"] == "unknown":
                continue
            for sentence in re.findall(r"[^。？！?!]+[。？！?!]?", turn["text"]):
                bare = re.sub(r"\W", "", sentence)
                if bare:
                    yield sentence, turn["speaker"] == "staff"
                    yield bare, turn["speaker"] == "staff"


def table(said: Sequence[Example], known: Sequence[str]) -> csr_matrix:
    """One row an example: which of the `known` pieces it holds, and its length."""
    number = {piece: i for i, piece in enumerate(known)}
    rows, columns, values = [], [], []
    for row, (text, _staff) in enumerate(said):
        held = [number[piece] for piece in sorted(roles.pieces(text)) if piece in number]
        rows += [row] * (len(held) + 1)
        columns += [*held, len(number)]
        values += [1.0] * len(held) + [roles.length(text)]
    return csr_matrix((values, (rows, columns)), shape=(len(said), len(number) + 1))


def fitted(said: Sequence[Example], known: Sequence[str]) -> LogisticRegression:
    # Each sentence stands there twice.
    model = LogisticRegression(C=STRENGTH / 2, solver="liblinear")
    return model.fit(table(said, known), [staff for _text, staff in said])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--try", dest="others", type=Path, nargs="*")
    options = parser.parse_args()
    if options.others:
        for path in options.others:
            tried = list(examples(path))
            sizes = np.array([len(text) for text, _staff in tried])
            right = np.array([(roles.leaning(text) > 0) == staff for text, staff in tried])
            print(
                f"{path.name}: right {100 * right.mean():.1f} % of {len(tried)} sentences,"
                f" {100 * (right * sizes).sum() / sizes.sum():.1f} % of their characters"
            )
        return
    said = [
        one
        for path in sorted((PACKAGE / "examples").glob("calls_*.jsonl"))
        for one in examples(path)
    ]
    counts = Counter(piece for text, _staff in said for piece in roles.pieces(text))
    known = sorted(piece for piece, count in counts.items() if count >= LEAST)
    model = fitted(said, known)
    told = {
        piece: abs(weight) * counts[piece] ** 0.5
        for piece, weight in zip(known, model.coef_[0], strict=False)
    }
    kept = sorted(sorted(known, key=lambda piece: -told[piece])[:KEPT])
    model = fitted(said, kept)
    found = dict(zip([*kept, roles.LENGTH], model.coef_[0].tolist(), strict=True))
    found[roles.ALWAYS] = float(model.intercept_[0])
    lines = [
        f"{json.dumps(piece, ensure_ascii=False)} = {found[piece]:.3f}" for piece in sorted(found)
    ]
    head = "# Weights of pieces of text in roles.py, as log odds for staff: python models/roles/fit.py\n\n[staff]\n"
    (PACKAGE / "roles.toml").write_text(head + "\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main()
