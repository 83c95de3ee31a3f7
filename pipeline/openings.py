"""Where a request opens in a call, and which stretch of a call is one: by weighed signs.

Two small logistic models: `opening` says of every clause how likely another request begins with it,
`holding` of every stretch between two openings how likely it is a request of its own, and no
greeting, no answer, no more of the one before. What they look at is named here; the weights in
`openings.toml` were fitted on labelled calls by `models/split/fit.py`, and no word list is in them.
"""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.clauses import Clause, length, points, residents
from pipeline.learned import REQUEST, Learned

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

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

TOGETHER = (
    ("cue", "turned"), ("cue", "points_new"), ("cue", "wanted"), ("cue", "request_ahead"),
    ("turn", "turned"), ("turn", "gained"), ("turned", "request_ahead"), ("turned", "wanted"),
    ("turned", "points_new"), ("turned", "guessed"), ("turned", "answers"), ("turned", "nodded"),
    ("turned", "announced"), ("turned", "asked"), ("turned", "told"), ("nodded", "asked"),
    ("nodded", "told"), ("more", "request_ahead"),
)  # fmt: skip
"""Signs that mean more together than each by itself."""

Signs = dict[str, float]
Weights = Mapping[str, float]


@lru_cache(maxsize=1)
def own() -> tuple[Weights, Weights]:
    """The weights that the package brings, of `opening` and of `holding`."""
    table = tomllib.loads(OWN.read_text(encoding="utf-8"))
    return table["opening"], table["holding"]


def likely(signs: Signs, weights: Weights) -> float:
    """How likely it is, in [0, 1]."""
    z = weights["always"] + sum(weights.get(name, 0.0) * value for name, value in signs.items())
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, z))))


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
        }
        found.append(_together({name: float(value) for name, value in signs.items()}))
    return found


def holding(
    groups: Sequence[Sequence[Clause]],
    opened: Sequence[Signs],
    chances: Sequence[float],
    learned: Learned,
) -> list[Signs]:
    """What speaks for each stretch being a request of its own.

    `opened` and `chances` are what `opening` saw in each stretch's first clause, and how likely that
    made it.
    """
    found: list[Signs] = []
    told = [residents(group) for group in groups]
    pasts = [[c for c in group if not c.staff] for group in groups]
    matters = learned.shares_all([[c.part for c in own] for own in told], "category")
    asked, asked_past = _wanted(told, learned), _wanted(pasts, learned)
    turned = _apart(matters[1:], matters[:-1])
    for n, (group, own) in enumerate(zip(groups, told, strict=True)):
        most = [*sorted(points(own).values(), reverse=True), 0.0, 0.0]
        wanted, long = float(asked[n]), min(length(own), 80) / 80
        answer = length([c for c in group if c.staff])
        first = n == 0
        past = pasts[n - 1] if n else []
        signs = {
            "chance": math.log((chances[n] + 1e-4) / (1 - chances[n] + 1e-4)),
            "first": first,
            "last": n == len(groups) - 1,
            "only": len(groups) == 1,
            "guessed": group[0].guessed,
            "request": wanted,
            "request_first": wanted * first,
            "certain": float(matters[n].max()),
            "turned": turned[n - 1] if n else 1.0,
            "turns": turned[n] if n + 1 < len(groups) else 1.0,
            "same": n > 0 and matters[n].argmax() == matters[n - 1].argmax(),
            "long": long,
            "long_first": long * first,
            "short": length(own) < ENOUGH,
            "shorter": length(own) < 7,
            "answered": min(answer, 40) / 40,
            "unanswered": not answer,
            "points": min(10.0, most[0]) / 5,
            "points_first": min(10.0, most[0]) / 5 * first,
            "points_clear": min(6.0, most[0] - most[1]) / 3,
            "points_request": wanted * min(10.0, most[0]) / 5,
            "cue": group[0].cue == 2,
            "wanted": any(c.asks for c in own),
            "wrong": any(c.tells for c in own),
            "strong": any(c.strong for c in own),
            "danger": any(c.danger for c in own),
            "misdialled": any(c.wrong for c in group),
            "chatter": sum(c.chatter or c.empty for c in own) / len(own),
            "spread": min(4, len({c.turn for c in group})) / 4,
            "past_long": min(length(past), 60) / 60 if n else 1.0,
            "past_request": (asked_past[n - 1] if past else 0.0) if n else 1.0,
        }
        for name in (
            "answers", "nodded", "announced", "more", "asked", "then", "change", "weak_cue", "told",
            "before", "request_before",
        ):  # fmt: skip
            signs[f"open_{name}"] = opened[n][name]
        found.append({name: float(value) for name, value in signs.items()})
    return found


def _together(signs: Signs) -> Signs:
    return {**signs, **{f"{a}*{b}": signs[a] * signs[b] for a, b in TOGETHER}}


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


def _apart(one: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float32]:
    """How far judgements lie apart, row by row (Jensen-Shannon, in nats)."""
    import numpy as np

    middle = (one + other) / 2
    gained = one * np.log((one + 1e-9) / (middle + 1e-9))
    lost = other * np.log((other + 1e-9) / (middle + 1e-9))
    apart: NDArray[np.float32] = (gained + lost).sum(axis=1) / 2
    return apart
