"""Turns -> requests, chatter, needs-listening.

The turns are cut into clauses (`clauses.py`). Where a request opens, and which stretches between two
openings are requests, is judged by weighed signs (`openings.py`): words that announce another matter,
a matter that changes, what staff asked before, whether anything is wanted at all. Danger that somebody
told of is never left out. It stands turns that are badly cut.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from pipeline import learned as models
from pipeline import logistic, openings
from pipeline.clauses import Clause, clauses, length, points, residents
from pipeline.hits import Reading
from pipeline.learned import Learned
from pipeline.recurrent import Recurrent
from pipeline.taxonomy import Splitting, Taxonomy
from pipeline.types import Piece, Split, Turn

AT_ALL = 0.25
"""How likely the likeliest stretch of a call must be a request, for there to be any."""
PLAIN = 4.0
"""Points that name a matter by the rules alone."""
FAR = 2
"""So many requests later a matter may be come back to."""
APART = 2
"""Within so many clauses of one turn there is one opening: the likeliest."""

STATEMENT = 6
"""Characters of what staff say that can be an answer; less is "好的" or a piece of another's turn."""

_QUESTION = re.compile("[吗呢么几哪谁]|什么|怎么|多少|有没有|是不是|[?？]")


def split(turns: Sequence[Turn], taxonomy: Taxonomy, learned: Learned | None = None) -> Split:
    """How the call falls apart; every turn stands in at least one of the three.

    `learned` is the model beside the rules; None is the package's own. Linear in the length of the
    call. Never raises on odd input: empty turns are needs-listening when they were speech without
    words, chatter otherwise.
    """
    learned = learned or models.own()
    readings = taxonomy.read_all(turns)
    listening = {
        i
        for i, turn in enumerate(turns)
        if turn.unheard
        or (turn.confidence is not None and turn.confidence < taxonomy.listening.min_confidence)
        or readings[i].has("chatter.phantom")
    }
    said = clauses(turns, readings, taxonomy, learned)
    groups: list[list[Clause]] = []
    opened: list[float] = []
    if not _wrong_number(said, taxonomy) and not _told(said, turns, readings, taxonomy):
        wrong = next((i for i, clause in enumerate(said) if clause.wrong), -1)
        groups, opened = requests(said[wrong + 1 :], learned, taxonomy.splitting, openings.own())
        if not groups:
            listening |= _not_understood(said, taxonomy)
    pieces = tuple(united(Piece(c.turn, c.start, c.end) for c in group) for group in groups)
    asked = {piece.turn for request in pieces for piece in request}
    for i, turn in enumerate(turns):
        if not turn.unheard and not turn.text.strip() and i not in asked and turn.end > turn.start:
            listening.add(i)
    return Split(
        requests=pieces,
        opened=tuple(opened),
        chatter=tuple(i for i in range(len(turns)) if i not in asked and i not in listening),
        needs_listening=tuple(sorted(listening)),
    )


def stretches(
    said: Sequence[Clause], chances: Sequence[float], least: float
) -> list[tuple[int, int]]:
    """The call cut at its openings of `least` likelihood, as [first, last) clauses; the likeliest is
    one in any case."""
    taken: set[int] = set()
    for i in sorted(range(len(said)), key=lambda i: -chances[i]):
        if chances[i] < least and taken and not _announced(said[i]):
            continue
        if said[i].staff and not said[i].guessed and taken:
            continue  # what staff say opens nothing, where they are known
        around = taken.intersection(range(i - APART, i + APART + 1))
        if not any(_one(said[min(i, j)], said[max(i, j)]) for j in around):
            taken.add(i)
    starts = sorted(taken)
    # What a resident says before the first opening is looked at too: nothing is lost for want of a sign.
    lead = [
        i
        for i, clause in enumerate(said[: starts[0] if starts else 0])
        if not (clause.staff or clause.chatter or clause.empty)
    ]
    if length([said[i] for i in lead]) >= openings.ENOUGH:
        starts.insert(0, max(lead, key=lambda i: chances[i]))
    return list(zip(starts, [*starts[1:], len(said)], strict=True))


def _announced(clause: Clause) -> bool:
    """Whether a resident says that another matter comes, and tells it in strong words in one breath."""
    return clause.cue == 2 and clause.strong and not clause.staff


def _one(first: Clause, second: Clause) -> bool:
    """Whether two openings near each other are one: in one turn, and the second is not announced."""
    return first.turn == second.turn and second.cue != 2


def requests(
    said: Sequence[Clause],
    learned: Learned,
    splitting: Splitting,
    models: tuple[Recurrent, logistic.Weights],
) -> tuple[list[list[Clause]], list[float]]:
    """The clauses of each request, in order, and how likely its first opens one; `models` are those of
    `opening` and of `holding`."""
    if not said:
        return [], []
    opens, holds = models
    opened = openings.opening(said, learned)
    chances = opens.likely(opened)
    cuts = stretches(said, chances, splitting.opens)
    kept, held = _kept(said, cuts, opened, chances, learned, splitting, holds)
    if max(held) < AT_ALL and not any((c.strong or c.danger) and not c.staff for c in said):
        return [], []
    kept = [part for group in kept for part in _answered(group)]
    found = _shared([trimmed for group in kept if (trimmed := _trimmed(group))])
    _returned(found)
    chance = {(clause.turn, clause.start): chances[i] for i, clause in enumerate(said)}
    return found, [
        1.0 if _announced(group[0]) else chance[group[0].turn, group[0].start] for group in found
    ]


def _kept(
    said: Sequence[Clause],
    cuts: Sequence[tuple[int, int]],
    opened: Sequence[logistic.Signs],
    chances: Sequence[float],
    learned: Learned,
    splitting: Splitting,
    holds: logistic.Weights,
) -> tuple[list[list[Clause]], list[float]]:
    """The stretches that hold, each with what follows it and does not; and how likely each holds.

    One after the other: each is looked at beside all that the request before it has come to be.
    """
    stretches_ = [openings.Told(said[first:last], learned) for first, last in cuts]
    kept: list[openings.Told] = []
    waiting: list[Clause] = []  # what opens the call and is no request by itself opens the first
    held: list[float] = []
    for n, ((first, _), told) in enumerate(zip(cuts, stretches_, strict=True)):
        past = kept[-1] if kept else None
        after = stretches_[n + 1] if n + 1 < len(stretches_) else None
        signs = openings.holding(told, opened[first], chances[first], past, after)
        chance = logistic.likely(signs, holds)
        if _says_who(told.clauses):
            chance = 0.0
        # What somebody announces another matter after is a matter itself.
        announced = told if n else after
        if announced and announced.clauses[0].cue == 2:
            before = stretches_[n - 1].clauses if n else ()
            if _plain(told.clauses, before):
                chance = max(chance, splitting.holds)
        held.append(chance)
        if chance >= splitting.holds:
            kept.append(openings.Told([*waiting, *told.clauses], learned) if waiting else told)
            waiting = []
        elif past:
            kept[-1] = past.joined(told, learned)
        else:
            waiting.extend(told.clauses)
    groups = [told.clauses for told in kept]
    return ([*groups, waiting] if waiting else groups), held


_WHO = re.compile(
    r"[0-9零〇一二两三四五六七八九幺十百]+|号楼?|单元|[弄栋幢座楼层室]|我(?:是|叫|姓)|免贵姓|电话|手机|号码|谢谢|[您你]好|再见|[\W_]"
)
_PHONE = re.compile(r"(?:[0-9零〇一二两三四五六七八九幺][\s,，、。]*){7,}")
_FEW = 10
_MENTIONED = 1.0
"""Points: what weighs less was only mentioned."""


def _says_who(group: Sequence[Clause]) -> bool:
    """Whether a stretch has no word of any matter, and beside number, address and thanks no room for
    words that nobody listed; or holds a telephone number and hardly a word more."""
    told = residents(group)
    said = "".join(clause.text for clause in told)
    left = len(_WHO.sub("", said))
    if _PHONE.search(said) and left < _FEW:
        return not any(clause.danger or clause.asks for clause in told)
    return max(points(told).values(), default=0.0) < _MENTIONED and left < openings.ENOUGH


def _answered(group: Sequence[Clause]) -> list[list[Clause]]:
    """Parted where staff had answered one matter and the resident then told another in strong words.

    People announce another matter, and a recogniser mishears how they do it ("另外" as "领外"): the
    answer between the two is a sign that no mishearing takes away.
    """
    starts = [0]
    for i, clause in enumerate(group):
        topic = max(clause.points, key=lambda code: clause.points[code], default="")
        if clause.staff or not clause.strong or clause.points[topic] < PLAIN:
            continue
        first = i
        while first > starts[-1] and not (
            group[first - 1].staff
            and len(group[first - 1].text) >= STATEMENT
            and not _QUESTION.search(group[first - 1].text)
        ):
            first -= 1
        past = points(group[starts[-1] : first])  # of both: who speaks is a guess
        another = past.get(topic, 0.0) < PLAIN / 2 <= max(past.values(), default=0.0)
        if another and not _says_who(group[first:]):
            starts.append(first)
    return [list(group[a:b]) for a, b in zip(starts, [*starts[1:], len(group)], strict=True)]


def _plain(group: Sequence[Clause], past: Sequence[Clause]) -> bool:
    """Whether a stretch is a request by the rules alone: a matter told in strong words, and in words
    that the past one did not have."""
    told = [c for c in group if not c.staff]
    if not any(c.strong for c in told):
        return False
    matter = points(told)
    if max(matter.values()) < PLAIN:
        return False
    before = points(past)
    return before.get(max(matter, key=lambda code: matter[code]), 0.0) < PLAIN / 2 or (
        any(c.asks for c in told) and not _words(told) & _words(past)
    )


def _words(said: Sequence[Clause]) -> set[str]:
    """Pairs of characters in what speaks for any category."""
    return {
        clause.text[i : i + 2]
        for clause in said
        if max(clause.points.values(), default=0.0) >= PLAIN / 2
        for i in range(len(clause.text) - 1)
        if openings.TELLING.fullmatch(clause.text[i : i + 2])
    }


def _returned(groups: Sequence[list[Clause]]) -> None:
    """What comes back to an earlier matter, in its very words, belongs to that too."""
    for n, group in enumerate(groups):
        matter = points([c for c in group if not c.staff])
        topic = max(matter, key=lambda code: matter[code], default="")
        words = _words(group)
        for later in groups[n + 1 : n + 1 + FAR]:
            group.extend(
                clause
                for clause in later
                if clause.turn > later[0].turn
                and clause.points.get(topic, 0.0) >= PLAIN / 4
                and clause.points[topic] >= max(clause.points.values())
                and _words([clause]) & words
            )


def _trimmed(group: Sequence[Clause]) -> list[Clause]:
    """Without the turns of thanks and goodbyes at its end."""
    kept = list(group)
    while kept:
        last = [c for c in kept if c.turn == kept[-1].turn]
        if not all(c.chatter or c.empty for c in last):
            break
        del kept[-len(last) :]
    return kept


def _shared(groups: Sequence[Sequence[Clause]]) -> list[list[Clause]]:
    """Requests that open in one go share what is said after it: it answers them all.

    One go is a turn; where who speaks is a guess, as far as nobody seems to answer.
    """
    shared: list[list[Clause]] = []
    for n, group in enumerate(groups):
        last = n
        while last + 1 < len(groups) and _one_go(groups[last], groups[last + 1]):
            last += 1
        answer = next((i for i, c in enumerate(groups[last]) if _answers(c, group[0])), None)
        shared.append([*group, *groups[last][answer:]] if last > n and answer else list(group))
    return shared


def _one_go(group: Sequence[Clause], later: Sequence[Clause]) -> bool:
    if group[0].turn != later[0].turn:
        return False
    return not group[0].guessed or not any(c.staff and len(c.text) >= STATEMENT for c in group)


def _answers(clause: Clause, opening: Clause) -> bool:
    return clause.turn > opening.turn or (clause.guessed and clause.staff)


def _wrong_number(said: Sequence[Clause], taxonomy: Taxonomy) -> bool:
    """A wrong number, and nothing asked of us after it came out."""
    where = next((i for i, clause in enumerate(said) if clause.wrong), None)
    if where is None:
        return False
    for clause in said[where + 1 :]:
        most = max(clause.points.values(), default=0.0)
        enough = clause.asks and (most >= taxonomy.weights.terms or clause.cue == 2)
        if not clause.staff and (clause.strong or enough):
            return False
    return True


def _told(
    said: Sequence[Clause],
    turns: Sequence[Turn],
    readings: Sequence[Reading],
    taxonomy: Taxonomy,
) -> bool:
    """Staff rang to tell or ask something, and the resident wants nothing."""
    rang = any(
        turns[i].speaker == "staff" and readings[i].has("chatter.outbound")
        for i in range(min(3, len(turns)))
    )
    return rang and not any(
        c.strong
        or c.danger
        or (c.asks and max(c.points.values(), default=0.0) >= taxonomy.weights.terms)
        for c in said
        if not c.staff
    )


def _not_understood(said: Sequence[Clause], taxonomy: Taxonomy) -> set[int]:
    """Turns of a call without any request that say something all the same."""
    by_turn: dict[int, list[Clause]] = {}
    for clause in said:
        if not clause.chatter and not clause.empty and not clause.staff and not clause.wrong:
            by_turn.setdefault(clause.turn, []).append(clause)
    return {turn for turn, of in by_turn.items() if length(of) >= taxonomy.listening.min_characters}


def united(pieces: Iterable[Piece]) -> tuple[Piece, ...]:
    """The pieces in their order; what touches or overlaps is one."""
    found: list[Piece] = []
    for piece in sorted(pieces, key=lambda piece: (piece.turn, piece.start_char)):
        last = found[-1] if found else None
        if last and last.turn == piece.turn and last.end_char >= piece.start_char:
            end = max(last.end_char, piece.end_char)
            found[-1] = Piece(piece.turn, last.start_char, end)
        else:
            found.append(piece)
    return tuple(found)
