"""Small logistic models: named signs, each with a weight, and how likely they make something.

A leaf. The weights stand in TOML files beside the modules that know the signs; `models/weights/fit.py` fits them.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from pathlib import Path

Signs = dict[str, float]
Weights = Mapping[str, float]


def read(file: Path, *models: str) -> tuple[Weights, ...]:
    """The weights of the models that a file holds, a table each."""
    tables = tomllib.loads(file.read_text(encoding="utf-8"))
    return tuple(tables[model] for model in models)


def likely(signs: Signs, weights: Weights) -> float:
    """How likely it is, in [0, 1]."""
    z = weights["always"] + sum(weights.get(name, 0.0) * value for name, value in signs.items())
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, z))))
