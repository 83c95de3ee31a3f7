"""Where, in words as they come, one utterance ends and the next begins, and who says each.

A leaf beside `script.py`. A recogniser often gives blocks without punctuation in which staff and
resident speak by turns. A small network goes over the characters (as written and as they sound, five
at a time, then a bidirectional GRU, `recurrent.py`); it was fitted on the turns of labelled calls run
together (`models/weights/spoken.py`), as written, without punctuation, and misheard.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import recurrent, script

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

OWN = Path(__file__).with_name("utterances.npz")

PAUSE, ASKED, STOP = "，", "？", "。"
"""What all punctuation is taken for."""
AROUND = 2
"""So many characters before and after are seen with each, before the network goes over them."""

AT_ONCE, KEPT = 64, 1024
"""So many texts go through the network side by side; of so many it is kept what came out."""

_PAUSES = frozenset("，,、：:")


@dataclass(frozen=True, slots=True)
class Marks:
    """Of each character of a text: how likely an utterance `ends` after it, and that `staff` say it, in [0, 1]."""

    ends: Sequence[float]
    staff: Sequence[float]


def tokens(text: str) -> Iterator[tuple[int, str]]:
    """What the network sees of a folded text, with its place: letters and figures, and of punctuation
    in a row the first, as one of three marks."""
    last = STOP
    for at, char in enumerate(text):
        if char.isalnum():
            yield at, char
            last = char
        elif last.isalnum():
            last = PAUSE if char in _PAUSES else ASKED if char in "?？" else STOP
            yield at, last


def sound(char: str) -> str:
    """How a token sounds: figures are all alike."""
    return "0" if char.isdigit() else script.sound(char) if char.isalnum() else char


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """`chars` and `sounds` number what it knows, from 1; 0 is all else. Of `arrays`, `char` and `sound`
    hold a vector each a row, `window` (width, 2 AROUND + 1, both vectors) what is seen at once, the
    directions are as those of `recurrent.Recurrent`, and `leave` (4, states) leads to the scores: no end, a
    pause, another speaks, and staff."""

    chars: Mapping[str, int]
    sounds: Mapping[str, int]
    arrays: Mapping[str, NDArray[np.float32]]

    def scores(self, texts: Sequence[Sequence[str]]) -> list[NDArray[np.float32]]:
        """The scores of the tokens of each text, of shape (tokens, 4). Many cost little more than the longest."""
        import numpy as np

        of = self.arrays
        entered = []
        for seen in texts:
            chars = [self.chars.get(token, 0) for token in seen]
            sounds = [self.sounds.get(sound(token), 0) for token in seen]
            vectors = np.hstack([of["char"][chars], of["sound"][sounds]])
            padded = np.pad(vectors, ((AROUND, AROUND), (0, 0)))
            window = of["window_bias"] + sum(
                padded[k : k + len(seen)] @ of["window"][:, k].T for k in range(2 * AROUND + 1)
            )
            entered.append(np.maximum(window, 0.0))
        return [said @ of["leave"].T + of["leave_bias"] for said in recurrent.states(entered, of)]

    def save(self, path: Path) -> None:
        """Write it to an .npz."""
        import numpy as np

        stored: dict[str, NDArray[np.generic]] = {
            "chars": np.array(list(self.chars)),
            "sounds": np.array(list(self.sounds)),
        }
        for name, array in self.arrays.items():
            stored[name] = array.astype(np.float16)
        with path.open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, **stored)


def read(path: Path) -> Network:
    """The network that a file holds."""
    import numpy as np

    with np.load(path, allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    chars, sounds = (
        {str(name): i for i, name in enumerate(arrays.pop(kind), 1)} for kind in ("chars", "sounds")
    )
    return Network(chars, sounds, {name: a.astype(np.float32) for name, a in arrays.items()})


@lru_cache(maxsize=1)
def own() -> Network:
    """The network that the package brings."""
    return read(OWN)


_kept: OrderedDict[str, Marks] = OrderedDict()


def marks(folded: str) -> Marks:
    """What the package's network says of a text (`script.fold` gives it folded). Linear in its length."""
    return _kept.get(folded) or marks_all([folded])[0]


def marks_all(texts: Iterable[str]) -> list[Marks]:
    """The same for many, which costs little more than for the longest; the last ones are kept for `marks`."""
    texts = list(texts)
    new = sorted({text for text in texts if text not in _kept}, key=len)
    made: dict[str, Marks] = {}
    for first in range(0, len(new), AT_ONCE):
        some = new[first : first + AT_ONCE]
        seen = [list(tokens(text)) for text in some]
        spoken = [[token for _at, token in of] for of in seen if of]
        scores = iter(own().scores(spoken) if spoken else ())
        for text, of in zip(some, seen, strict=True):
            made[text] = _marks(text, [at for at, _t in of], next(scores)) if of else _none(text)
    found = [_kept.get(text) or made[text] for text in texts]
    _kept.update(made)
    while len(_kept) > KEPT:
        _kept.popitem(last=False)
    return found


def forget() -> None:
    """Of what is kept, all: another network is asked now."""
    _kept.clear()


def _none(text: str) -> Marks:
    return Marks((0.0,) * len(text), (0.0,) * len(text))


def _marks(text: str, places: Sequence[int], scores: NDArray[np.float32]) -> Marks:
    """Of every character; what is no token (blanks, further punctuation) goes with the one before."""
    import numpy as np

    raised = np.exp(scores[:, :3] - scores[:, :3].max(axis=1, keepdims=True))
    ends = (1 - raised[:, 0] / raised.sum(axis=1)).tolist()
    staff = recurrent.sigmoid(scores[:, 3]).tolist()
    which = (np.searchsorted(places, np.arange(len(text)), side="right") - 1).clip(0)
    return Marks([ends[i] for i in which], [staff[i] for i in which])
