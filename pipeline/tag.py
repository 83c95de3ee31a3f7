"""Category, kind and urgency of a request, each with the words that are its reason."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pipeline import learned as models
from pipeline.hits import Reading
from pipeline.learned import Learned, Part
from pipeline.taxonomy import Found, Sign, Taxonomy
from pipeline.types import Evidence, Piece, Tags, Turn, Urgency

EVIDENCE_EACH = 3
"""So many words are shown as the reason of one tag: more nobody reads."""
ANSWERED = ("paperwork", "testing", "property", "passage", "quarantine", "other")
"""Matters in which a question wants an answer; in the others it is a polite way to ask for help."""
MATTER = 130
"""So many characters of residents' words name the matter; what follows is details and other things."""
POINT, MOST_POINTS = 0.7, 4.0
"""What a point of the rules counts beside the model's log likelihood, and how many count at most."""
DANGER = 1.0
"""What a danger that stands counts for its category."""
UNSEEN = 0.002
"""The least likelihood that a category has beside the model: it has not seen everything."""
SURE = 0.4
"""How likely the model must find a category of which no rule knows a word; else it is unclear."""
NEAR = 0.9
"""A second category so near the first (in nats) is near it: staff should look."""
ALIKE = 0.7
"""So is one with this share of the first's points."""
CRITICAL, URGENT = 0.3, 0.45
"""How sure the model must be to raise the urgency to critical, to urgent."""
HINTED, DOUBTED = 0.05, 0.08
"""The same for words that may mean danger and mostly mean something else; and for those that mostly mean it."""
GAINSAID = 0.55
"""The same where danger is told of, and all of it denied, over, supposed, or of somebody elsewhere."""
AROUND = 24
"""So many characters before and after a danger tell how it is meant: an utterance has about fifty."""
SURER = 2.5
"""How much likelier the model must find another kind than the rules'."""


class Danger(NamedTuple):
    """A sign in the words of a request; `plain` where they mean nothing else."""

    sign: Sign
    found: Found
    plain: bool


class Dangers(NamedTuple):
    """The signs that stand, by level; `gainsaid` where there are critical ones and all are denied, over,
    supposed, or of somebody elsewhere."""

    critical: list[Danger]
    urgent: list[Danger]
    gainsaid: bool


def tag(
    pieces: Sequence[Piece],
    turns: Sequence[Turn],
    taxonomy: Taxonomy,
    learned: Learned | None = None,
) -> Tags:
    """Tags of the request that `pieces` make up; each has evidence in the original words.

    Rules and the learned model (None: the package's own) judge together: their points add up for
    category and kind; urgency is what the rules say, or more where the model is sure of more.
    `review` is true where two categories are near each other or little was found.
    """
    learned = learned or models.own()
    readings = {piece.turn: taxonomy.read(turns[piece.turn].text) for piece in pieces}
    said = _said(pieces, turns, readings)
    danger = _urgency(pieces, turns, readings, taxonomy)
    whole = learned.judge(_words(said, turns))
    category, reasons, review = _category(said, turns, taxonomy, learned, danger)
    urgency, urgent = _raised(category, danger, whole.get("urgency", {}), turns, learned)
    pressing = urgency != "routine" and category not in ANSWERED
    kind, kind_reasons = _kind(category, pressing, pieces, turns, readings, taxonomy)
    kind, kind_reasons = _weighed_kind(kind, kind_reasons, whole.get("kind", {}))
    evidence: list[Evidence] = []
    parts: list[Part] = []
    for name, value, found in (
        ("category", category, reasons),
        ("kind", kind, kind_reasons),
        ("urgency", urgency, urgent),
    ):
        kept = sorted(found, key=lambda f: (-f.points, f.turn, f.hit.start))[:EVIDENCE_EACH]
        if kept:
            evidence.extend(_evidence(name, value, f, turns) for f in kept)
        elif said:
            parts = parts or [learned.part(_words([piece], turns)) for piece in said]
            evidence.append(_told(name, value, said, parts, turns, learned))
    return Tags(category, kind, urgency, tuple(evidence), review)


def _said(
    pieces: Sequence[Piece], turns: Sequence[Turn], readings: dict[int, Reading]
) -> list[Piece]:
    """The clauses of the pieces that residents said; all of them where nobody seems to be one."""
    clauses = [
        (Piece(piece.turn, start, end), guess)
        for piece in pieces
        for start, end, guess in readings[piece.turn].clauses(piece.start_char, piece.end_char)
    ]
    theirs = [
        clause
        for clause, guess in clauses
        if not (
            guess
            if turns[clause.turn].speaker == "unknown"
            else turns[clause.turn].speaker == "staff"
        )
    ]
    return theirs or [clause for clause, _ in clauses]


def _words(said: Sequence[Piece], turns: Sequence[Turn]) -> str:
    """What was said, in one text."""
    words = ""
    turn = None
    for piece in said:
        if turn not in (None, piece.turn):
            words += " "
        words += turns[piece.turn].text[piece.start_char : piece.end_char]
        turn = piece.turn
    return words


def _told(
    name: str,
    value: str,
    said: Sequence[Piece],
    parts: Sequence[Part],
    turns: Sequence[Turn],
    learned: Learned,
) -> Evidence:
    """The clause for which the learned model says so most; `parts` is what it makes of each."""
    head = learned.heads.get(name)
    best = 0
    if head is not None and value in head.values:
        column = head.first + head.values.index(value)
        best = max(range(len(said)), key=lambda i: float(parts[i].scores[column]))
    piece = said[best]
    return Evidence(
        name,
        value,
        "model",
        _words([piece], turns),
        piece.turn,
        piece.start_char,
        piece.end_char,
    )


def _evidence(name: str, value: str, found: Found, turns: Sequence[Turn]) -> Evidence:
    start, end = found.hit.start, found.hit.end
    return Evidence(name, value, "rule", turns[found.turn].text[start:end], found.turn, start, end)


def _is_staff(reading: Reading, turn: Turn, at: int) -> bool:
    """Whether staff said what stands at `at`; for unknown speakers by the ways of speaking."""
    if turn.speaker != "unknown":
        return turn.speaker == "staff"
    return any(staff for _start, _end, staff in reading.clauses(at, at + 1))


def _category(
    said: Sequence[Piece],
    turns: Sequence[Turn],
    taxonomy: Taxonomy,
    learned: Learned,
    danger: Dangers,
) -> tuple[str, list[Found], bool]:
    told: list[Piece] = []
    long = 0
    for piece in said:
        if long >= MATTER:
            break
        told.append(piece)
        long += piece.end_char - piece.start_char
    points, found = taxonomy.rank(told, turns)
    shares = learned.judge(_words(told, turns)).get("category", {})
    weighed = {
        code: math.log(shares.get(code, 0.0) + UNSEEN)
        + POINT * min(points.get(code, 0.0), MOST_POINTS)
        + (
            DANGER
            if any(d.sign.category == code and not d.sign.hint for d in danger.critical)
            else 0.0
        )
        for code in taxonomy.categories
    }
    ranked = sorted(weighed, key=lambda code: -weighed[code])
    first, second = ranked[:2]
    some = points.get(first, 0.0) >= taxonomy.weights.terms
    if not some and shares.get(first, 0.0) < SURE:
        return "unclear", found.get(first, []), True
    near = first == "unclear" or weighed[first] - weighed[second] < NEAR
    near |= points.get(second, 0.0) > ALIKE * points.get(first, 0.0)
    return first, found.get(first, []), near


def _urgency(
    pieces: Sequence[Piece],
    turns: Sequence[Turn],
    readings: dict[int, Reading],
    taxonomy: Taxonomy,
) -> Dangers:
    """The dangers that the rules find."""
    levels: dict[Urgency, list[Danger]] = {"critical": [], "urgent": []}
    gainsaid = False
    for piece in pieces:
        reading, turn = readings[piece.turn], turns[piece.turn]
        for i in reading.signs:
            sign = taxonomy.signs[i]
            for hit in reading.of(f"sign.{i}", piece.start_char, piece.end_char):
                staff = _is_staff(reading, turn, hit.start)
                if staff and sign.level != "critical":
                    continue  # what staff promise, advise or plan is no deadline of the resident
                meaning = reading.meant(hit, staff=staff)
                if meaning == "asked" and staff:
                    meaning = "said" if _affirmed(piece.turn, turns, taxonomy) else "asked"
                gainsaid |= meaning not in ("said", "asked") and sign.level == "critical"
                if meaning == "said":
                    found = Found(hit, piece.turn, staff, hit.weight + (not staff))
                    plain = not sign.hint and (
                        not sign.plain
                        or any(
                            other.start < hit.end and other.end > hit.start
                            for other in reading.of(f"plain.{i}")
                        )
                    )
                    levels[sign.level].append(Danger(sign, found, plain))
    critical = levels["critical"]
    return Dangers(critical, levels["urgent"], gainsaid and not critical)


def _raised(
    category: str,
    danger: Dangers,
    shares: Mapping[str, float],
    turns: Sequence[Turn],
    learned: Learned,
) -> tuple[Urgency, list[Found]]:
    """What the rules say, raised where the model is sure of more; never lowered."""
    critical = shares.get("critical", 0.0)
    levels: tuple[tuple[Urgency, Sequence[Danger], float, float], ...] = (
        ("critical", danger.critical, critical, GAINSAID if danger.gainsaid else CRITICAL),
        ("urgent", danger.urgent, critical + shares.get("urgent", 0.0), URGENT),
    )
    for level, signs, likely, enough in levels:
        told = [d for d in signs if not d.sign.only or category in d.sign.only]
        if likely >= enough or any(
            d.plain or max(likely, _near(d, turns, learned)) >= (HINTED if d.sign.hint else DOUBTED)
            for d in told
        ):
            return level, [d.found for d in told]
    return "routine", []


def _near(danger: Danger, turns: Sequence[Turn], learned: Learned) -> float:
    """How likely the model finds it critical by the words around a danger alone: in a long story it
    is a small part."""
    hit = danger.found.hit
    words = turns[danger.found.turn].text[max(0, hit.start - AROUND) : hit.end + AROUND]
    return learned.judge(words).get("urgency", {}).get("critical", 0.0)


def _weighed_kind(
    kind: str, reasons: list[Found], shares: Mapping[str, float]
) -> tuple[str, list[Found]]:
    """The kind by rules, unless the model is much surer of another."""
    best = max(shares, key=lambda value: shares[value], default=kind)
    if best != kind and shares[best] >= SURER * max(shares.get(kind, 0.0), UNSEEN):
        return best, []
    return kind, reasons


def _affirmed(asked: int, turns: Sequence[Turn], taxonomy: Taxonomy) -> bool:
    """Whether the resident's next turn says yes to what staff asked."""
    for turn in turns[asked + 1 : asked + 2]:
        if turn.speaker == "resident":
            reading = taxonomy.read(turn.text)
            return any(
                hit.start <= 1 for hit in reading.of("cue.yes")
            ) and not reading.folded.startswith(("没", "不", "对不起"))
    return False


def _kind(
    category: str,
    pressing: bool,
    pieces: Sequence[Piece],
    turns: Sequence[Turn],
    readings: dict[int, Reading],
    taxonomy: Taxonomy,
) -> tuple[str, list[Found]]:
    found: dict[str, list[Found]] = {kind: [] for kind in taxonomy.kinds}
    for piece in pieces:
        reading, turn = readings[piece.turn], turns[piece.turn]
        for kind in taxonomy.kinds:
            for hit in reading.of(f"kind.{kind}", piece.start_char, piece.end_char):
                if not _is_staff(reading, turn, hit.start):
                    denied = reading.meant(hit) == "denied"
                    if not denied:
                        found[kind].append(Found(hit, piece.turn, False, 1.0))
    n = {kind: len(hits) for kind, hits in found.items()}
    if category == "volunteer" or n["offer"] > n["help"] + n["inquiry"]:
        return "offer", found["offer"]
    for kind in ("praise", "suggestion"):
        if n[kind] and n[kind] >= n["help"]:
            return kind, found[kind]
    if pressing:  # however it is put: somebody must act
        if n["report"] and not n["help"]:
            return "report", found["report"]
        return "help", found["help"]
    enough = _cues("cue.no_action", pieces, turns, readings)
    if enough and n["help"] <= 2:
        if n["complaint"] or category in ("neighbour", "property", "supplies", "quarantine"):
            return "complaint", found["complaint"] or enough
        return "report", enough
    if n["complaint"] > n["help"]:
        return "complaint", found["complaint"]
    if n["inquiry"] > n["help"]:
        return "inquiry", found["inquiry"]
    if n["help"]:
        return "help", found["help"]
    for kind in ("complaint", "report"):
        if n[kind]:
            return kind, found[kind]
    asked = _cues("cue.ask", pieces, turns, readings)
    wrong = _cues("cue.problem", pieces, turns, readings)
    if asked and (category in ANSWERED or not wrong):
        return "inquiry", asked
    if category == "distress":
        return "report", []
    return "help", []


def _cues(
    group: str, pieces: Sequence[Piece], turns: Sequence[Turn], readings: dict[int, Reading]
) -> list[Found]:
    """What residents said of a group of cues."""
    return [
        Found(hit, piece.turn, False, 1.0)
        for piece in pieces
        for hit in readings[piece.turn].of(group, piece.start_char, piece.end_char)
        if not _is_staff(readings[piece.turn], turns[piece.turn], hit.start)
    ]
