"""Turns -> requests, chatter, needs-listening, by the taxonomy's words and costs.

The turns are cut into clauses. For every clause each category has points from the words found in it;
the cheapest way through the call (Viterbi) says which clause is about what: a change of the matter
costs less after 还有 or 另外 or where the speaker changes, and clauses without any word of their own
(details, numbers, answers) stay with the matter before them. It stands turns that are badly cut.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from pipeline.taxonomy import Reading, Taxonomy
from pipeline.types import Piece, Split, Turn

MOST_A_CLAUSE = 7.0
"""Points that one clause can give a category: a heap of words is no better than two good ones."""

NEAR_TURNS = 2
"""So many turns later a topic is still the same matter; later only if a word of it comes back."""

_EMPTY = re.compile(r"^[\W嗯啊哦噢喔呃额唉哎诶对好的行是吧呀嘛那个这个我你您他就也]*$")


@dataclass(slots=True)
class _Clause:
    turn: int
    start: int
    end: int
    staff: bool
    first: bool
    cue: int = 0
    points: dict[str, float] = field(default_factory=dict)
    danger: bool = False
    ill: bool = False
    asks: bool = False
    tells: bool = False
    strong: bool = False
    wrong: bool = False
    chatter: bool = False
    empty: bool = False
    topic: str = ""


def split(turns: Sequence[Turn], taxonomy: Taxonomy) -> Split:
    """How the call falls apart; every turn stands in at least one of the three.

    Linear in the length of the call. Never raises on odd input: empty turns are needs-listening when
    they were speech without words, chatter otherwise.
    """
    readings = [taxonomy.read(turn.text) for turn in turns]
    listening = {
        i
        for i, turn in enumerate(turns)
        if turn.unheard
        or (turn.confidence is not None and turn.confidence < taxonomy.listening.min_confidence)
        or readings[i].has("chatter.phantom")
    }
    clauses = [
        clause
        for i, turn in enumerate(turns)
        if not turn.unheard and not readings[i].has("chatter.phantom")
        for clause in _clauses(i, turn, readings[i], taxonomy)
    ]
    groups: list[list[_Clause]] = []
    wrong = next((i for i, clause in enumerate(clauses) if clause.wrong), None)
    if not _wrong_number(clauses, taxonomy) and not _told(clauses, turns, readings, taxonomy):
        if wrong is not None:
            clauses = clauses[wrong + 1 :]
        _follow(clauses, taxonomy)
        groups = _requests(clauses, readings, taxonomy)
        if not groups:
            groups = _last_resort(clauses, taxonomy)
            if not groups:
                listening |= _not_understood(turns, readings, clauses, taxonomy)
    requests = _joined(groups, turns, taxonomy)
    asked = {piece.turn for request in requests for piece in request}
    for i, turn in enumerate(turns):
        if not turn.unheard and not turn.text.strip() and i not in asked and turn.end > turn.start:
            listening.add(i)
    return Split(
        requests=requests,
        chatter=tuple(i for i in range(len(turns)) if i not in asked and i not in listening),
        needs_listening=tuple(sorted(listening)),
    )


def _clauses(number: int, turn: Turn, reading: Reading, taxonomy: Taxonomy) -> list[_Clause]:
    """The clauses of one turn with the points that their words give."""
    if not turn.text.strip():
        return []
    weights = taxonomy.weights
    clauses = []
    for i, (start, end, guess) in enumerate(reading.clauses()):
        staff = guess if turn.speaker == "unknown" else turn.speaker == "staff"
        clause = _Clause(number, start, end, staff, i == 0)
        text = reading.folded[start:end]
        clause.empty = bool(_EMPTY.match(text))
        if reading.has("cue.open", start, start + 1):
            # 证明，还有通行证。 goes on with a list: nothing follows in which a matter could be told.
            listed = text.startswith("还有") and len(turn.text.rstrip()) - start <= 8
            clause.cue = 1 if listed else 2
        elif any(hit.start <= start + 2 for hit in reading.of("cue.open_weak", start, end)):
            clause.cue = 1
        clause.asks = not staff and (
            reading.has("cue.need", start, end) or reading.has("cue.ask", start, end)
        )
        clause.tells = not staff and (
            reading.has("cue.problem", start, end)
            or any(reading.has(f"kind.{kind}", start, end) for kind in taxonomy.kinds)
            or any(
                reading.meant(hit) == "said"
                for i in range(len(taxonomy.signs))
                for hit in reading.of(f"sign.{i}", start, end)
            )
        )
        weighed = taxonomy.weigh(reading, start, end, staff=staff)
        if staff and turn.speaker == "unknown":
            # Who spoke is a guess: danger counts in full whoever told of it.
            heard = taxonomy.weigh(reading, start, end, staff=False)
            if any(found.danger for found in heard):
                clause.staff, weighed = False, heard
        for found in weighed:
            before = clause.points.get(found.category, 0.0)
            clause.points[found.category] = min(MOST_A_CLAUSE, before + found.points)
            clause.strong |= found.said and found.points >= weights.strong
            clause.danger |= found.danger and found.category != "medical"
            clause.ill |= found.danger and found.category == "medical"
        clause.wrong = reading.has("chatter.wrong_number", start, end) and not reading.has(
            "chatter.wrong_number_not", start, end
        )
        clause.chatter = (
            reading.has("chatter.greeting", start, end) or reading.has("chatter.thanks", start, end)
        ) and max(clause.points.values(), default=0.0) < weights.terms
        clauses.append(clause)
    return clauses


def _wrong_number(clauses: Sequence[_Clause], taxonomy: Taxonomy) -> bool:
    """A wrong number, and nothing asked of us after it came out."""
    where = next((i for i, clause in enumerate(clauses) if clause.wrong), None)
    if where is None:
        return False
    later = [c for c in clauses[where + 1 :] if not c.staff]
    weights = taxonomy.weights
    for clause in later:
        most = max(clause.points.values(), default=0.0)
        if clause.strong or (clause.asks and (most >= weights.terms or clause.cue == 2)):
            return False
    return True


def _told(
    clauses: Sequence[_Clause],
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
        or c.ill
        or (c.asks and max(c.points.values(), default=0.0) >= taxonomy.weights.terms)
        for c in clauses
        if not c.staff
    )


def _follow(clauses: Sequence[_Clause], taxonomy: Taxonomy) -> None:
    """Give each clause its topic: the dearest way through the call ("" is chatter)."""
    costs = taxonomy.costs
    topics = ["", *(code for code in taxonomy.categories if code != "unclear")]
    score = {topic: (0.0 if topic == "" else -costs.leave) for topic in topics}
    trail: list[dict[str, str]] = []
    previous: _Clause | None = None
    for clause in clauses:
        if clause.cue == 2 and not clause.staff:
            change = costs.switch_cue
        elif clause.staff:
            change = costs.switch_staff
        elif previous is not None and previous.turn != clause.turn:
            change = costs.switch_turn
        else:
            change = costs.switch
        if clause.cue == 1:
            change -= 0.7
        best = max((topic for topic in topics if topic), key=lambda topic: score[topic])
        new: dict[str, float] = {}
        back: dict[str, str] = {}
        for topic in topics:
            stay = score[topic]
            if topic == "":
                move, source = score[best] - costs.leave, best
                gain = costs.chatter if clause.chatter else (0.1 if clause.empty else 0.0)
            else:
                source = best if best != topic else ""
                move = score[best] - change if best != topic else score[""] - costs.leave
                if score[""] - costs.leave > move:
                    move, source = score[""] - costs.leave, ""
                gain = clause.points.get(topic, 0.0)
                if not clause.chatter and not clause.empty:
                    gain += 0.15
            if stay >= move:
                new[topic], back[topic] = stay + gain, topic
            else:
                new[topic], back[topic] = move + gain, source
        score = new
        trail.append(back)
        previous = clause
    topic = max(topics, key=lambda t: score[t])
    for clause, back in zip(reversed(clauses), reversed(trail), strict=True):
        clause.topic = topic
        topic = back[topic]


def _requests(
    clauses: Sequence[_Clause], readings: Sequence[Reading], taxonomy: Taxonomy
) -> list[list[_Clause]]:
    """Clauses of one topic are one request, unless a cue opened another of the same kind."""
    runs: list[list[_Clause]] = []
    for clause in clauses:
        same = runs and runs[-1][-1].topic == clause.topic
        opens = (
            clause.cue == 2
            and not clause.staff
            and same
            and _fresh(runs[-1], clause, clauses, readings)
        )
        if same and not opens:
            runs[-1].append(clause)
        else:
            runs.append([clause])
    merged: list[list[_Clause]] = []
    by_topic: dict[str, list[list[_Clause]]] = {}
    for run in runs:
        topic = run[0].topic
        if not topic:
            continue
        before = by_topic.setdefault(topic, [])
        for earlier in reversed(before):
            if _goes_on(earlier, run, clauses, readings, taxonomy):
                earlier.extend(run)
                break
        else:
            before.append(list(run))
            merged.append(before[-1])
    main = max(merged, key=_evidence, default=[])
    first = _first_matter(merged, taxonomy)
    kept = [group for group in merged if _holds(group, group is main or group is first, taxonomy)]
    kept = _without_moods(kept)
    if not kept:
        return []
    # What was too thin for a request of its own is a detail of the nearest one before it, else after.
    for group in merged:
        if any(group is k for k in kept):
            continue
        for clause in group:
            before = [k for k in kept if (k[0].turn, k[0].start) <= (clause.turn, clause.start)]
            max(
                before or kept[:1],
                key=lambda k: max(
                    (
                        (c.turn, c.start)
                        for c in k
                        if (c.turn, c.start) <= (clause.turn, clause.start)
                    ),
                    default=(-1, -1),
                ),
            ).append(clause)
    kept = _without_reasons(_without_reasons(kept, "medical"), "care")
    for group in kept:
        group.sort(key=lambda c: (c.turn, c.start))
    _answers(kept, clauses)
    _share_details(kept, clauses)
    return sorted(kept, key=lambda g: (g[0].turn, g[0].start))


def _answers(groups: Sequence[list[_Clause]], clauses: Sequence[_Clause]) -> None:
    """Words on a matter that stand among another's (an answer to both, a reminder) belong to both."""
    for group in groups:
        topic = group[0].topic
        held = {id(c) for c in group}
        turns = {c.turn for c in group}
        for clause in clauses:
            enough = 1.0 if clause.staff else 2.0
            if (
                id(clause) not in held
                and clause.turn > group[0].turn
                and clause.points.get(topic, 0.0)
                >= max(enough, clause.points.get(clause.topic, 0.0) if not clause.staff else 0.0)
                and any(clause.turn - d in turns for d in range(NEAR_TURNS + 1))
            ):
                group.append(clause)
                turns.add(clause.turn)
        group.sort(key=lambda c: (c.turn, c.start))


def _share_details(groups: Sequence[list[_Clause]], clauses: Sequence[_Clause]) -> None:
    """What follows an answer to several requests, and names none of them, belongs to all of these."""
    of: dict[int, list[int]] = {}
    for number, group in enumerate(groups):
        for clause in group:
            if number not in of.setdefault(clause.turn, []):
                of[clause.turn].append(number)
    turns: dict[int, list[_Clause]] = {}
    for clause in clauses:
        turns.setdefault(clause.turn, []).append(clause)
    for turn, spoken in turns.items():
        before = of.get(turn - 1, [])
        if len(before) < 2 or len(of.get(turn, [])) != 1:
            continue
        if all(c.staff for c in turns.get(turn - 1, [])) and not any(
            c.cue == 2 or (c.strong and c.asks) for c in spoken
        ):
            for number in before:
                if number not in of[turn]:
                    groups[number].extend(spoken)
                    groups[number].sort(key=lambda c: (c.turn, c.start))


def _first_matter(groups: Sequence[list[_Clause]], taxonomy: Taxonomy) -> list[_Clause] | None:
    """The group of the first thing that the resident says to the matter: people begin with it."""
    for clause in sorted((c for g in groups for c in g), key=lambda c: (c.turn, c.start)):
        if not clause.staff and clause.points.get(clause.topic, 0.0) >= taxonomy.weights.terms:
            group = next(g for g in groups if any(c is clause for c in g))
            wanted = any(c.asks or c.strong for c in group if c.turn <= clause.turn + 2)
            return group if wanted else None
    return None


def _holds(group: Sequence[_Clause], main: bool, taxonomy: Taxonomy) -> bool:
    """Whether a group is a request and no detail of another: the less it was announced, the more must
    speak for it."""
    costs = taxonomy.costs
    evidence = _evidence(group)
    wanted = any(c.asks for c in group if not c.chatter)
    if main:
        topic = group[0].topic
        if not any(c.points.get(topic, 0.0) > 0 for c in group if not c.staff):
            return False  # staff rang, and the resident wants nothing
        wanted = wanted or any(c.tells for c in group)
        return evidence >= costs.accept or (evidence >= taxonomy.weights.weak and wanted)
    topic = group[0].topic
    own = [c for c in group if not c.staff and c.points.get(topic, 0.0) > 0]
    if not own:
        return False
    if any(c.danger for c in own):
        return evidence >= costs.accept
    brought_up = next(c for c in group if c.points.get(topic, 0.0) > 0)
    if brought_up.staff and not any(c.cue == 2 and c.turn == own[0].turn for c in group):
        return False  # what staff bring up is their condition, and the answer to it no request
    near = {turn for c in own for turn in (c.turn, c.turn + 1)}
    wanted = any(c.asks and c.turn in near for c in group)
    if not wanted and not any(c.strong for c in own):
        return False
    evidence += 1.0 if wanted else 0.0
    opened = own[0]
    if any(c.cue == 2 for c in group if (c.turn, c.start) <= (opened.turn, opened.start)):
        return evidence >= costs.accept
    return evidence >= (costs.accept_turn if opened.first else costs.accept_within)


def _goes_on(
    earlier: Sequence[_Clause],
    run: Sequence[_Clause],
    clauses: Sequence[_Clause],
    readings: Sequence[Reading],
    taxonomy: Taxonomy,
) -> bool:
    """Whether a run comes back to an earlier matter of its topic, and is no new one."""
    if run[0].cue == 2 and not run[0].staff:
        return _evidence(earlier) >= taxonomy.costs.accept and not _fresh(
            earlier, run[0], clauses, readings
        )
    if any(c.danger for c in run) and not any(c.danger for c in earlier):
        return run[0].turn - earlier[-1].turn <= 1
    if run[0].turn - earlier[-1].turn <= NEAR_TURNS:
        return True
    topic = run[0].topic
    before = {word for c in earlier for word in _words(c, readings[c.turn], topic)}
    return any(word in before for c in run for word in _words(c, readings[c.turn], topic))


def _evidence(group: Sequence[_Clause]) -> float:
    """Points that residents' own words give the group's topic."""
    topic = next((c.topic for c in group if c.topic), "")
    return sum(c.points.get(topic, 0.0) for c in group if not c.staff) + 0.25 * sum(
        c.points.get(topic, 0.0) for c in group if c.staff
    )


def _without_moods(groups: list[list[_Clause]]) -> list[list[_Clause]]:
    """Fear or anger beside another request is how it is said, not a request of its own."""
    others = [g for g in groups if g[0].topic != "distress"]
    if not others:
        return groups
    return [g for g in groups if g[0].topic != "distress" or _evidence(g) >= 9.0]


GATES = ("passage", "quarantine", "testing")
REASONED = (*GATES, "care", "safety")
"""Matters for which an illness is the reason: whoever opens the gate must act, and knows why."""


def _without_reasons(groups: list[list[_Clause]], reason: str) -> list[list[_Clause]]:
    """An illness or a frailty (`reason`) for which nothing is asked is why another thing is asked."""
    kept = list(groups)
    for group in groups:
        if (
            group[0].topic != reason
            or any(c.cue == 2 for c in group[:2])
            or any(c.asks and (c.points.get(reason, 0.0) > 0 or reason == "care") for c in group)
        ):
            continue
        turns = {c.turn for c in group if not c.staff}
        matters = REASONED if any(c.ill for c in group) else GATES
        for other in kept:
            if (
                other is not group
                and other[0].topic in matters
                and other[0].topic != reason
                and any(
                    c.asks and not c.staff and c.turn + d in turns
                    for c in other
                    for d in range(-4, 5)
                )
            ):
                other.extend(group)
                kept = [g for g in kept if g is not group]
                break
    return kept


def _fresh(
    group: Sequence[_Clause],
    clause: _Clause,
    clauses: Sequence[_Clause],
    readings: Sequence[Reading],
) -> bool:
    """Whether a clause after an opening cue brings a matter of the same category that is new: words of
    the category that were not said before, and something asked or wrong."""
    topic = group[0].topic
    at = next(i for i, c in enumerate(clauses) if c is clause)
    window = [c for c in clauses[at : at + 4] if c.turn == clause.turn and c.topic == topic]
    said = {w for c in group if not c.staff for w in _words(c, readings[c.turn], topic)}
    new = {w for c in window for w in _words(c, readings[c.turn], topic)}
    strong = sum(c.points.get(topic, 0.0) for c in window)
    return bool(new) and not (new & said) and strong >= 3.0


def _words(clause: _Clause, reading: Reading, topic: str) -> list[str]:
    return [
        reading.folded[hit.start : hit.end]
        for hit in reading.of(f"category.{topic}", clause.start, clause.end)
    ]


def _last_resort(clauses: Sequence[_Clause], taxonomy: Taxonomy) -> list[list[_Clause]]:
    """No category has enough: anything asked, or any hint of danger, is still a request to look at."""
    speech = [c for c in clauses if not c.staff and not c.empty]
    if not speech:
        return []
    length = sum(c.end - c.start for c in speech if not c.chatter)
    if any(c.danger for c in speech) or (
        length >= taxonomy.listening.min_characters
        and any((c.asks or c.tells) and not c.chatter for c in speech)
    ):
        return [[c for c in clauses if not c.chatter]]
    return []


def _not_understood(
    turns: Sequence[Turn],
    readings: Sequence[Reading],
    clauses: Sequence[_Clause],
    taxonomy: Taxonomy,
) -> set[int]:
    """Turns of a call without any request that say something which no rule understood."""
    lengths: dict[int, int] = {}
    for clause in clauses:
        if not clause.chatter and not clause.empty and not clause.staff and not clause.wrong:
            lengths[clause.turn] = lengths.get(clause.turn, 0) + clause.end - clause.start
    return {turn for turn, n in lengths.items() if n >= taxonomy.listening.min_characters}


ONE_MATTER = ({"repairs", "safety"}, {"care", "distress"})
"""Pairs that are told one after the other of one matter: the lift is broken, and somebody is inside."""


def _joined(
    groups: Sequence[Sequence[_Clause]], turns: Sequence[Turn], taxonomy: Taxonomy
) -> tuple[tuple[Piece, ...], ...]:
    """The groups as pieces; neighbours that prove to be of one category are one request, unless a cue
    opened the later one."""
    kept: list[list[_Clause]] = []
    last = ""
    for group in groups:
        category = next(iter(taxonomy.rank(_pieces(group, turns), turns)[0]), "")
        opened = any(c.cue == 2 and not c.staff for c in group[:2])
        alike = category == last or {category, last} in ONE_MATTER
        if kept and category and alike and not opened:
            kept[-1].extend(group)
        else:
            kept.append(list(group))
        last = category
    return tuple(_pieces(group, turns) for group in kept)


def _pieces(group: Sequence[_Clause], turns: Sequence[Turn]) -> tuple[Piece, ...]:
    """The clauses as stretches of text, neighbours joined."""
    pieces: list[Piece] = []
    for clause in sorted(group, key=lambda c: (c.turn, c.start)):
        last = pieces[-1] if pieces else None
        if last and last.turn == clause.turn and last.end_char == clause.start:
            pieces[-1] = Piece(last.turn, last.start_char, clause.end)
        else:
            pieces.append(Piece(clause.turn, clause.start, clause.end))
    return tuple(pieces)
