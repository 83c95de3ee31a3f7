"""Fits a `pipeline.recurrent.Recurrent` with PyTorch: the same sequences give the same network."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits as loss_of
from torch.nn.utils.rnn import pack_sequence, unpack_sequence

from pipeline.logistic import Signs
from pipeline.recurrent import Recurrent

STATES, ENTERING = 24, 32
"""The width of each direction, and of what enters: twice as wide fits no better on calls held out."""
DROPPED = 0.3
ROUNDS, BATCH, STEP, DECAY = 16, 16, 3e-3, 1e-2


class Network(nn.Module):
    def __init__(self, signs: int) -> None:
        super().__init__()
        self.enter = nn.Linear(signs, ENTERING)
        self.states = nn.GRU(ENTERING, STATES, bidirectional=True)
        self.leave = nn.Linear(2 * STATES + ENTERING, 1)
        self.drop = nn.Dropout(DROPPED)

    def forward(self, sequences: Sequence[torch.Tensor]) -> torch.Tensor:
        """What is said of every item of every sequence, one after the other."""
        rows = torch.cat(list(sequences))
        entered = self.drop(torch.tanh(self.enter(rows)))
        parts = entered.split([len(of) for of in sequences])
        states, _ = self.states(pack_sequence(parts, enforce_sorted=False))
        state = torch.cat(unpack_sequence(states))
        left: torch.Tensor = self.leave(self.drop(torch.cat([state, entered], -1)))
        return left.squeeze(-1)


def fit(sequences: Sequence[Sequence[Signs]], true: Sequence[Sequence[bool]]) -> Recurrent:
    """The network that says of each item of a sequence whether it is true."""
    torch.manual_seed(0)
    torch.set_num_threads(1)  # so small a network is slower with more
    names = tuple(sorted(sequences[0][0]))
    given = [np.array([[item[n] for n in names] for item in s], np.float32) for s in sequences]
    every = np.concatenate(given)
    middle, spread = every.mean(axis=0), every.std(axis=0) + 0.1
    rows = [torch.from_numpy((one - middle) / spread) for one in given]
    wanted = [torch.tensor(of, dtype=torch.float32) for of in true]
    network = Network(len(names))
    steps = torch.optim.AdamW(network.parameters(), STEP, weight_decay=DECAY)
    slower = torch.optim.lr_scheduler.CosineAnnealingLR(steps, ROUNDS)
    for round_ in range(ROUNDS):
        order = np.random.default_rng(round_).permutation(len(rows))
        for first in range(0, len(order), BATCH):
            chosen = order[first : first + BATCH]
            said = network([rows[i] for i in chosen])
            steps.zero_grad()
            loss_of(said, torch.cat([wanted[i] for i in chosen])).backward()
            steps.step()
        slower.step()
    return taken(network, names, middle, spread)


def taken(
    network: Network, names: tuple[str, ...], middle: np.ndarray, spread: np.ndarray
) -> Recurrent:
    """The network's arrays under the names by which `Recurrent` knows them."""
    of = {name: array.detach().numpy().copy() for name, array in network.state_dict().items()}
    arrays = {
        "enter": of["enter.weight"],
        "enter_bias": of["enter.bias"],
        "leave": of["leave.weight"],
        "leave_bias": of["leave.bias"],
    }
    return Recurrent(names, middle, spread, arrays | directions(of))


def directions(of: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The arrays of both directions of a `nn.GRU` that a module calls `states`, under our names."""
    return {
        f"{direction}_{ours}{end}": of[f"states.{kind}_{theirs}_l0{suffix}"]
        for direction, suffix in (("forward", ""), ("backward", "_reverse"))
        for ours, theirs in (("gates", "ih"), ("again", "hh"))
        for end, kind in (("", "weight"), ("_bias", "bias"))
    }
