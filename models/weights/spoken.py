"""Fits the network of `pipeline/utterances.npz`: `python models/weights/spoken.py [--try CALLS.jsonl...]`.

On the calls in pipeline/examples: their turns run together, cut at random into blocks, as written, without
punctuation, and misheard; who speaks is known of each. Takes three minutes. `--try` writes nothing: it
prints how often the network is right on other calls without punctuation, in blocks of 30 s.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

sys.path.insert(0, str(Path(__file__).parents[2]))
sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import numpy as np
import sequence
import torch
from misheard import heard
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from pipeline import calls, script, training, utterances
from pipeline.utterances import AROUND, ASKED, PAUSE, STOP, Network

STATES, ENTERING, CHAR, SOUND = 48, 128, 32, 24
"""Widths of each direction, of what enters, and of the vectors of characters and sounds. Right of who speaks, on
calls not fitted: without the window of five 84.5 %, with it 85.7 %, as with 64 and 96; two layers
of 64 without it 86.2 %."""
DROPPED_IN, DROPPED_OUT = 0.2, 0.3
ROUNDS, BATCH, STEP, DECAY = 20, 24, 3e-3, 1e-2
LEAST = 3
"""Times that a character must be written."""
PUNCTUATED, MISHEARD = 0.3, 0.4
"""How many calls a round sees with punctuation, and misheard."""
SHORTEST, LONGEST = 90, 200
"""Characters of the blocks into which a round cuts the calls: about 30 s, more and less."""
BLOCK = 135


class Said(NamedTuple):
    """Tokens of a call; after each nothing ends (0), a pause does (1) or another speaks (2); and who says it."""

    tokens: list[str]
    ends: list[int]
    staff: list[bool]


def said(call: calls.TextCall, chance: random.Random | None, *, punctuated: bool) -> Said:
    """A call run together; misheard where there is a `chance`."""
    found = Said([], [], [])
    for turn in call.turns:
        first = len(found.tokens)
        for _at, token in utterances.tokens(script.fold(turn.text)):
            if token in (PAUSE, ASKED, STOP):
                if len(found.tokens) == first:
                    continue
                found.ends[-1] = 1
                if not punctuated:
                    continue
                found.ends[-1:] = [0, 1]
            else:
                token = heard(token, chance) if chance else token
                found.ends.append(0)
            found.tokens.append(token)
            found.staff.append(turn.speaker == "staff")
        if len(found.tokens) > first:
            found.ends[-1] = 2
    return found


class Net(nn.Module):
    def __init__(self, chars: int, sounds: int) -> None:
        super().__init__()
        self.char = nn.Embedding(chars + 1, CHAR)
        self.sound = nn.Embedding(sounds + 1, SOUND)
        for table in (self.char, self.sound):
            nn.init.normal_(table.weight, 0, 0.3)
        self.window = nn.Conv1d(CHAR + SOUND, ENTERING, 2 * AROUND + 1, padding=AROUND)
        self.states = nn.GRU(ENTERING, STATES, bidirectional=True, batch_first=True)
        self.leave = nn.Linear(2 * STATES, 4)
        self.drop_in, self.drop_out = nn.Dropout(DROPPED_IN), nn.Dropout(DROPPED_OUT)

    def forward(self, chars: torch.Tensor, sounds: torch.Tensor) -> torch.Tensor:
        seen = self.drop_in(torch.cat([self.char(chars), self.sound(sounds)], -1))
        window = self.window(seen.transpose(1, 2)).transpose(1, 2)
        states, _ = self.states(self.drop_in(torch.relu(window)))
        left: torch.Tensor = self.leave(self.drop_out(states))
        return left


def taken(net: Net, chars: dict[str, int], sounds: dict[str, int]) -> Network:
    """The network as the package runs it."""
    of = {name: array.detach().numpy().copy() for name, array in net.state_dict().items()}
    arrays = {
        "char": of["char.weight"],
        "sound": of["sound.weight"],
        "window": of["window.weight"].transpose(0, 2, 1),
        "window_bias": of["window.bias"],
        "leave": of["leave.weight"],
        "leave_bias": of["leave.bias"],
    }
    return Network(chars, sounds, arrays | sequence.directions(of))


def fit(given: Sequence[calls.TextCall]) -> Network:
    """A network that the calls taught; the same calls teach the same."""
    torch.manual_seed(0)
    torch.set_num_threads(1)  # so small a network is slower with more
    seen = Counter(
        token
        for call in given
        for turn in call.turns
        for _at, token in utterances.tokens(script.fold(turn.text))
    )
    chars = {token: i for i, token in enumerate(sorted(t for t in seen if seen[t] >= LEAST), 1)}
    sounds = {name: i for i, name in enumerate(sorted({*map(utterances.sound, chars)}), 1)}
    net = Net(len(chars), len(sounds))
    steps = torch.optim.AdamW(net.parameters(), STEP, weight_decay=DECAY)
    slower = torch.optim.lr_scheduler.CosineAnnealingLR(steps, ROUNDS)
    for number in range(ROUNDS):
        for batch in _batches(given, random.Random(number)):
            ids = [[chars.get(t, 0) for t in block.tokens] for block in batch]
            heard_as = [[sounds.get(utterances.sound(t), 0) for t in b.tokens] for b in batch]
            left = net(_padded(ids, 0), _padded(heard_as, 0))
            ends = _padded([block.ends for block in batch], -100)
            staff = _padded([list(map(int, block.staff)) for block in batch], -1)
            inside = staff >= 0
            loss = cross_entropy(left[..., :3].flatten(0, 1), ends.flatten(), ignore_index=-100)
            loss = loss + binary_cross_entropy_with_logits(
                left[..., 3][inside], staff[inside].float()
            )
            steps.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            steps.step()
        slower.step()
    return taken(net, chars, sounds)


def _batches(given: Sequence[calls.TextCall], chance: random.Random) -> Iterator[list[Said]]:
    """The calls of a round as blocks, those of like length together."""
    blocks = []
    for call in given:
        punctuated = chance.random() < PUNCTUATED
        whole = said(call, chance if chance.random() < MISHEARD else None, punctuated=punctuated)
        at = -chance.randrange(SHORTEST)
        while at < len(whole.tokens):
            end = at + chance.randrange(SHORTEST, LONGEST)
            part, at = slice(max(0, at), end), end
            if len(whole.tokens[part]) >= SHORTEST // 10:
                blocks.append(Said(whole.tokens[part], whole.ends[part], whole.staff[part]))
    blocks.sort(key=lambda block: len(block.tokens) + chance.random() * 10)
    batches = [blocks[i : i + BATCH] for i in range(0, len(blocks), BATCH)]
    chance.shuffle(batches)
    yield from batches


def _padded(rows: Sequence[Sequence[int]], filler: int) -> torch.Tensor:
    longest = max(map(len, rows))
    return torch.tensor([[*row, *[filler] * (longest - len(row))] for row in rows])


def known(paths: Iterable[Path]) -> list[calls.TextCall]:
    """The calls of which is known who speaks."""
    return [
        call
        for path in paths
        for call in calls.read(path, ZoneInfo("Asia/Shanghai"))
        if isinstance(call, calls.TextCall) and all(t.speaker != "unknown" for t in call.turns)
    ]


def right(network: Network, given: Sequence[calls.TextCall]) -> str:
    """How often it is right of who speaks, and of where an utterance ends."""
    spoken = staff = ends = found = both = 0
    for call in given:
        whole = said(call, None, punctuated=False)
        for at in range(0, len(whole.tokens), BLOCK):
            (scores,) = network.scores([whole.tokens[at : at + BLOCK]])
            is_staff = np.array(whole.staff[at : at + BLOCK])
            is_end = np.array(whole.ends[at : at + BLOCK]) > 0
            called = scores[:, :3].argmax(axis=1) > 0
            spoken += len(is_staff)
            staff += int(((scores[:, 3] > 0) == is_staff).sum())
            ends, found = ends + int(is_end.sum()), found + int(called.sum())
            both += int((is_end & called).sum())
    return (
        f"who speaks: right of {100 * staff / spoken:.1f} % of {spoken} characters;"
        f" ends: {both} of {ends} found, {found - both} of {found} are none"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--try", dest="others", type=Path, nargs="*")
    options = parser.parse_args()
    if options.others:
        for path in options.others:
            print(f"{path.name}: {right(utterances.own(), known([path]))}")
        return
    fit(known(sorted(training.EXAMPLES.glob("calls*.jsonl")))).save(utterances.OWN)


if __name__ == "__main__":
    main()
