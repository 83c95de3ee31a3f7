"""A small recurrent network over named signs: how likely each item of a sequence is something, beside
all that comes before and after it.

A leaf. A bidirectional GRU (Cho et al. 2014, https://arxiv.org/abs/1406.1078, as PyTorch computes it),
run by numpy alone; the weights stand in an .npz beside the module that knows the signs, and
`models/weights/sequence.py` fits them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DIRECTIONS = ("forward", "backward")


@dataclass(frozen=True, slots=True, eq=False)
class Recurrent:
    """`signs` names the columns of what goes in, brought to `middle` and `spread`. Of `arrays`, `enter`
    (width, signs) leads to the width of the network, `forward` and `backward` are its two directions
    (`_gates` of what enters and `_again` of the state, rows r, z, n as in PyTorch), `leave` (1, all
    states and what entered) leads out; each with a bias of that name."""

    signs: tuple[str, ...]
    middle: NDArray[np.float32]
    spread: NDArray[np.float32]
    arrays: Mapping[str, NDArray[np.float32]]

    def likely(self, sequence: Sequence[Mapping[str, float]]) -> list[float]:
        """How likely each item is, in [0, 1], in order. Linear in their number."""
        import numpy as np

        if not sequence:
            return []
        of = self.arrays
        rows = np.array([[item[name] for name in self.signs] for item in sequence], np.float32)
        entered = np.tanh((rows - self.middle) / self.spread @ of["enter"].T + of["enter_bias"])
        left = np.hstack([states([entered], of)[0], entered]) @ of["leave"].T + of["leave_bias"]
        found: list[float] = sigmoid(left[:, 0]).tolist()
        return found

    def save(self, path: Path) -> None:
        """Write it to an .npz."""
        import numpy as np

        stored = {"signs": np.array(self.signs), "middle": self.middle, "spread": self.spread}
        for name, array in self.arrays.items():
            stored[name] = array.astype(np.float16)
        with path.open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, **stored)


def states(
    entered: Sequence[NDArray[np.float32]], of: Mapping[str, NDArray[np.float32]]
) -> list[NDArray[np.float32]]:
    """The states of both directions side by side, of shape (items, two times states), for what entered of
    each sequence, of shape (items, width); `of` are the arrays as of a `Recurrent`. Many sequences cost
    little more than the longest."""
    import numpy as np

    again = np.stack([of[f"{direction}_again"].T for direction in DIRECTIONS])
    bias = np.stack([of[f"{direction}_again_bias"] for direction in DIRECTIONS])[:, None]
    size, longest = again.shape[1], max(map(len, entered))
    # Steps, directions, sequences, gates: what goes backward is turned round, and so ends at its beginning.
    gates = np.zeros((longest, 2, len(entered), 3 * size), np.float32)
    for k, one in enumerate(entered):
        for way, direction in enumerate(DIRECTIONS):
            given = one @ of[f"{direction}_gates"].T + of[f"{direction}_gates_bias"]
            gates[: len(one), way, k] = given[:: 1 - 2 * way]
    state = np.zeros((2, len(entered), size), np.float32)
    found = np.empty((longest, *state.shape), np.float32)
    for i, gate in enumerate(gates):
        kept = state @ again + bias
        both = sigmoid(gate[..., : 2 * size] + kept[..., : 2 * size])
        new = np.tanh(gate[..., 2 * size :] + both[..., :size] * kept[..., 2 * size :])
        state = new + both[..., size:] * (state - new)
        found[i] = state
    return [
        np.hstack([found[: len(one), 0, k], found[: len(one), 1, k][::-1]])
        for k, one in enumerate(entered)
    ]


def read(path: Path) -> Recurrent:
    """The network that a file holds."""
    import numpy as np

    with np.load(path, allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    signs = tuple(map(str, arrays.pop("signs")))
    middle, spread = arrays.pop("middle"), arrays.pop("spread")
    return Recurrent(
        signs, middle, spread, {name: a.astype(np.float32) for name, a in arrays.items()}
    )


def sigmoid(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Each value's share in (0, 1)."""
    import numpy as np

    shares: NDArray[np.float32] = 0.5 * (1 + np.tanh(0.5 * values))
    return shares
