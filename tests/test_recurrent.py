"""The network that is asked by numpy says what PyTorch's own says, and heeds what stands before and after."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from pipeline import recurrent
from pipeline.recurrent import Recurrent

sys.path.insert(0, str(Path(__file__).parents[1] / "models" / "weights"))

from sequence import Network, taken


@pytest.fixture
def made() -> tuple[Network, Recurrent]:
    """A network with weights of chance, in PyTorch and as the fit hands it over."""
    torch.manual_seed(3)
    network = Network(2).eval()
    middle, spread = np.array([0.5, 0.2], np.float32), np.array([2.0, 0.5], np.float32)
    return network, taken(network, ("one", "two"), middle, spread)


def items(n: int) -> list[dict[str, float]]:
    chance = np.random.default_rng(n)
    return [
        {"two": float(b), "one": float(a), "unknown": 9.0} for a, b in chance.normal(size=(n, 2))
    ]


@pytest.mark.parametrize("n", [1, 2, 17])
def test_numpy_says_what_pytorch_says(n: int, made: tuple[Network, Recurrent]) -> None:
    network, ours = made
    sequence = items(n)
    rows = torch.tensor(
        [[(i["one"] - 0.5) / 2.0, (i["two"] - 0.2) / 0.5] for i in sequence], dtype=torch.float32
    )
    with torch.no_grad():
        said = torch.sigmoid(network([rows]))
    assert ours.likely(sequence) == pytest.approx(said.tolist(), abs=1e-5)


def test_an_item_is_judged_beside_those_before_and_after_it(
    made: tuple[Network, Recurrent],
) -> None:
    _, ours = made
    sequence = items(9)
    said = ours.likely(sequence)
    for other in (0, 8):
        changed = [dict(item) for item in sequence]
        changed[other]["one"] += 3.0
        assert ours.likely(changed)[4] != pytest.approx(said[4], abs=1e-7)


def test_of_nothing_nothing_is_said(made: tuple[Network, Recurrent]) -> None:
    assert made[1].likely([]) == []


def test_what_is_saved_says_the_same(tmp_path: Path, made: tuple[Network, Recurrent]) -> None:
    _, ours = made
    ours.save(tmp_path / "network.npz")
    assert recurrent.read(tmp_path / "network.npz").likely(items(9)) == pytest.approx(
        ours.likely(items(9)), abs=2e-3
    )
