"""Where a request opens in a call, and which stretch of a call is one: by weighed signs.

Two small models: a recurrent network over the signs that `opening` sees in every clause says how likely
another request begins with it, beside all that is said before and after; a logistic one over those of
`holding`, of every stretch between two openings, how likely it is a request of its own, and no greeting, no
answer, no more of the one before. What they look at is named here; their weights, `openings.npz` and
`openings.toml`, were fitted on labelled calls by `models/weights/fit.py`, and no word list is in them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import logistic, recurrent
from pipeline.clauses import Clause, length, points, residents
from pipeline.learned import REQUEST, Learned, Part
from pipeline.logistic import Signs, Weights
from pipeline.recurrent import Recurrent

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NETWORK = Path(__file__).with_name("openings.npz")
OWN = Path(__file__).with_name("openings.toml")

AHEAD, BACK = 45, 70
"""So many characters after a clause, and of residents' words before it, are weighed against each other."""
ENOUGH = 12
"""So many characters can name a matter."""

_MORE = re.compile(
    r"还有(别的|其他|其它|什么|啥|事|没有)|别的(事|还有|问题|呢)|其他(事|还|问题)|还需要"
)
_QUESTION = re.compile(r"[?？吗呢]|几[号楼室栋幢点]|哪|多少|什么|贵姓|电话|有没有")
_NOD = re.compile(
    r"^(那|那个|嗯|好|行|哦|噢|对|哎|谢谢|好的|可以|知道了|是的|晓得了|那行|[,。!?，. ])*$"
)
_ANNOUNCED = re.compile(
    r"(再|还|也|顺|另|想|要|我)(问|打听|请教|反映|提|说|讲|求|麻烦)|问一?(下|句|声|问)|提(个|点)?意见|建议|有(个|件)事|一件事"
)
_ASKED = re.compile(r"[?？]|吗|伐|能不能|怎么|有没有|可不可以|行不行")
_THEN = re.compile("[那诶哎噢哦对]")
TELLING = re.compile(r"[^\W了的我你他她们就也都是不有没]{2}")
"""Pairs of characters that say something of a matter."""


@lru_cache(maxsize=1)
def own() -> tuple[Recurrent, Weights]:
    """What the package brings: the network of `opening` and the weights of `holding`."""
    (holding,) = logistic.read(OWN, "holding")
    return recurrent.read(NETWORK), holding


def opening(clauses: Sequence[Clause], learned: Learned) -> list[Signs]:
    """What speaks for another request beginning with each clause."""
    found: list[Signs] = []
    staff_said = ""
    aheads = [_ahead(clauses, i) for i in range(len(clauses))]
    befores = [_before(clauses, i) for i in range(len(clauses))]
    matters = learned.shares_all([[c.part for c in of] for of in aheads], "category")
    olds = learned.shares_all([[c.part for c in of] for of in befores], "category")
    turned, gained, certain = (
        _apart(matters, olds),
        (matters - olds).max(axis=1),
        matters.max(axis=1),
    )
    asked_ahead, asked_before = _wanted(aheads, learned), _wanted(befores, learned)
    asked_here = _wanted([[clause] for clause in clauses], learned)
    for i, clause in enumerate(clauses):
        previous = clauses[i - 1] if i else None
        turn = previous is None or previous.turn != clause.turn
        if turn and previous is not None and not previous.staff:
            staff_said = ""
        if turn and previous is not None and previous.staff:
            staff_said = _staff_before(clauses, i)
        ahead, before = aheads[i], befores[i]
        now, then = points(ahead), points(before)
        top = max(now, key=lambda code: now[code], default="")
        near = ahead[:4]
        lead = "".join(c.text for c in clauses[max(0, i - 3) : i] if c.turn == clause.turn)
        answers = turn and bool(_QUESTION.search(staff_said[-14:]))
        recent = clauses[max(0, i - 4) : i]
        signs = {
            "cue": clause.cue == 2,
            "weak_cue": clause.cue == 1,
            "turn": clause.first,
            "change": previous is not None and previous.staff and not clause.staff,
            "guessed": clause.guessed,
            "staff": clause.staff,
            "turned": turned[i] if before else 0.5,
            "gained": gained[i] if before else 0.5,
            "certain": certain[i],
            "request_ahead": asked_ahead[i],
            "request_here": asked_here[i],
            "request_before": asked_before[i] if before else 0.0,
            "wanted": any(c.asks for c in near),
            "wrong": any(c.tells for c in near),
            "strong": any(c.strong for c in near),
            "danger": any(c.danger for c in ahead[:3]),
            "points_new": min(8.0, max((v - then.get(k, 0) for k, v in now.items()), default=0))
            / 4,
            "same": then.get(top, 0.0) >= 2,
            "ahead": min(length(ahead), AHEAD) / AHEAD,
            "before": min(length(before), BACK) / BACK,
            "nothing_before": not before,
            "chatter": clause.chatter,
            "empty": clause.empty,
            "more": turn and bool(_MORE.search(staff_said)),
            "answers": answers,
            "nodded": previous is not None and bool(_NOD.match(lead)),
            "told": any(c.staff for c in recent) and not answers,
            "announced": bool(_ANNOUNCED.search(clause.text)),
            "asked": bool(_ASKED.search("".join(c.text for c in ahead))),
            "then": bool(_THEN.match(clause.text)),
            "late": min(i, 30) / 30,
            "long": len(clause.text) / 10,
        }
        found.append({name: float(value) for name, value in signs.items()})
    return found


class Told:
    """Clauses taken together: which of them residents said (all, where nobody seems to be one), and what
    the model makes of those."""

    def __init__(self, clauses: Sequence[Clause], learned: Learned) -> None:
        self.clauses = list(clauses)
        self.residents = residents(self.clauses)
        self.staff = length([c for c in self.clauses if c.staff])
        self.points = points(self.residents)
        self.words = {
            clause.text[i : i + 2]
            for clause in self.residents
            for i in range(len(clause.text) - 1)
            if TELLING.fullmatch(clause.text[i : i + 2])
        }
        self.part = learned.together([clause.part for clause in self.residents])
        self._judge(learned)

    def _judge(self, learned: Learned) -> None:
        self.matter = learned.shares([self.part], "category")
        self.wanted = _wanted_of(self.part, learned)

    def joined(self, later: Told, learned: Learned) -> Told:
        """Both as one, at a cost that does not grow with how long the first is."""
        if self.residents[0].staff or later.residents[0].staff:
            return Told([*self.clauses, *later.clauses], learned)
        both = Told.__new__(Told)
        both.clauses = [*self.clauses, *later.clauses]
        both.residents = [*self.residents, *later.residents]
        both.staff = self.staff + later.staff
        both.points = dict(self.points)
        for code, much in later.points.items():
            both.points[code] = both.points.get(code, 0.0) + much
        both.words = self.words | later.words
        both.part = learned.together([self.part, later.part])
        both._judge(learned)
        return both

    def apart(self, other: Told) -> float:
        """How far the matters lie apart, in nats."""
        return float(_apart(self.matter[None], other.matter[None])[0])


def holding(
    told: Told, opened: Signs, chance: float, past: Told | None, after: Told | None
) -> Signs:
    """What speaks for a stretch being a request of its own.

    `opened` and `chance` are what `opening` saw in its first clause, and how likely that made it;
    `past` is the request before it, as far as it goes so far, `after` the stretch that follows.
    """
    own, first = told.residents, past is None
    most = [*sorted(told.points.values(), reverse=True), 0.0, 0.0]
    top = max(told.points, key=lambda code: told.points[code], default="")
    earlier = past.points if past else {}
    long = min(length(own), 80) / 80
    turned = told.apart(past) if past else 0.5
    certain = float(told.matter.max())
    logit = math.log((chance + 1e-4) / (1 - chance + 1e-4))
    cue = told.clauses[0].cue == 2
    signs = {
        "chance": logit,
        "first": first,
        "last": after is None,
        "only": first and after is None,
        "guessed": told.clauses[0].guessed,
        "request": told.wanted,
        "certain": certain,
        "turned": turned,
        "turns": told.apart(after) if after else 0.5,
        "same": past is not None and told.matter.argmax() == past.matter.argmax(),
        "long": long,
        "short": length(own) < ENOUGH,
        "shorter": length(own) < 7,
        "answered": min(told.staff, 40) / 40,
        "unanswered": not told.staff,
        "points": min(10.0, most[0]) / 5,
        "points_clear": min(6.0, most[0] - most[1]) / 3,
        "same_point": past is not None
        and told.points.get(top, 0.0) >= 2
        and top == max(earlier, key=lambda code: earlier[code], default=None),
        "new_point": past is not None
        and told.points.get(top, 0.0) >= 2
        and earlier.get(top, 0.0) < 1,
        "cue": cue,
        "wanted": any(c.asks for c in own),
        "wrong": any(c.tells for c in own),
        "strong": any(c.strong for c in own),
        "danger": any(c.danger for c in own),
        "misdialled": any(c.wrong for c in told.clauses),
        "chatter": sum(c.chatter or c.empty for c in own) / len(own),
        "spread": min(4, len({c.turn for c in told.clauses})) / 4,
        "words": math.log(1 + len(told.words)),
        "shared": len(told.words & past.words) / (len(told.words) + 1) if past else 0.0,
        "past_long": min(length(past.residents), 60) / 60 if past else 1.0,
        "past_request": past.wanted if past else 1.0,
        "past_certain*turned": float(past.matter.max()) * turned if past else 0.25,
        "past_answered": min(past.staff, 40) / 40 if past else 1.0,
        "past_turn": past is not None and past.clauses[-1].turn == told.clauses[0].turn,
        "request*first": told.wanted * first,
        "request*turned": told.wanted * turned,
        "request*cue": told.wanted * cue,
        "request*points": told.wanted * min(10.0, most[0]) / 5,
        "long*first": long * first,
        "points*first": min(10.0, most[0]) / 5 * first,
        "chance*turned": logit * turned,
        "certain*turned": certain * turned,
        "cue*turned": cue * turned,
        "unanswered*turned": (not told.staff) * turned,
    }
    for name in (
        "answers", "nodded", "announced", "more", "asked", "then", "change", "weak_cue", "told",
        "before", "request_before",
    ):  # fmt: skip
        signs[f"open_{name}"] = opened[name]
    return {name: float(value) for name, value in signs.items()}


def _ahead(clauses: Sequence[Clause], at: int) -> list[Clause]:
    """What is said from a clause on, until it is enough, somebody answers or another matter is opened."""
    found: list[Clause] = []
    so_far = 0
    for clause in clauses[at:]:
        if clause.turn != clauses[at].turn and (clause.staff or so_far > ENOUGH):
            break
        if found and clause.cue == 2 and so_far >= 8:
            break
        found.append(clause)
        so_far += clause.end - clause.start
        if so_far >= AHEAD:
            break
    return found


def _before(clauses: Sequence[Clause], at: int) -> list[Clause]:
    """What residents said last before a clause."""
    found: list[Clause] = []
    so_far = 0
    for i in range(at - 1, -1, -1):
        if clauses[i].staff:
            continue
        found.append(clauses[i])
        so_far += clauses[i].end - clauses[i].start
        if so_far >= BACK:
            break
    return found


def _staff_before(clauses: Sequence[Clause], at: int) -> str:
    """What staff said last, in one go, before the turn that begins at a clause."""
    said: list[str] = []
    for i in range(at - 1, max(-1, at - 40), -1):
        if not clauses[i].staff:
            break
        said.append(clauses[i].text)
    return "".join(reversed(said))


def _wanted(windows: Sequence[Sequence[Clause]], learned: Learned) -> NDArray[np.float32]:
    """How likely the clauses of each window ask for anything; even where the model learned nothing of
    that."""
    import numpy as np

    if REQUEST not in learned.heads:
        return np.full(len(windows), np.float32(0.5))
    shares = learned.shares_all([[clause.part for clause in of] for of in windows], REQUEST)
    return shares[:, learned.heads[REQUEST].values.index("yes")]


def _wanted_of(part: Part, learned: Learned) -> float:
    """The same of one stretch."""
    if REQUEST not in learned.heads:
        return 0.5
    return float(learned.shares([part], REQUEST)[learned.heads[REQUEST].values.index("yes")])


def _apart(one: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float32]:
    """How far judgements lie apart, row by row (Jensen-Shannon, in nats)."""
    import numpy as np

    middle = (one + other) / 2
    gained = one * np.log((one + 1e-9) / (middle + 1e-9))
    lost = other * np.log((other + 1e-9) / (middle + 1e-9))
    apart: NDArray[np.float32] = (gained + lost).sum(axis=1) / 2
    return apart
