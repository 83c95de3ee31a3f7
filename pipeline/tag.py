"""Category, kind and urgency of a request, each with the words that are its reason."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pipeline import learned as models
from pipeline.danger import Dangers, dangers, is_staff, signs
from pipeline.danger import urgency as how_soon
from pipeline.hits import Reading
from pipeline.learned import Judgement, Learned, Part
from pipeline.logistic import Signs
from pipeline.taxonomy import Found, Taxonomy
from pipeline.types import Evidence, Piece, Tags, Turn

EVIDENCE_EACH = 3
"""So many words are shown as the reason of one tag: more nobody reads."""
ANSWERED = ("paperwork", "testing", "property", "passage", "quarantine", "other")
"""Matters in which a question wants an answer; in the others it is a polite way to ask for help."""
MATTER = 130
"""So many characters name the matter; what follows is details and other things."""
TOLD, ANSWER, POINT = 0.75, 0.6, 0.3
"""What the model's log likelihood by the resident's words counts for a category, that by what staff say
to it, and a point of the rules: as fitted on requests of calls that the model had not seen."""
MOST_POINTS = 8.0
"""So many points count at most: more words of one kind say no more."""
UNSEEN = 0.002
"""The least likelihood that a category has beside the model: it has not seen everything."""
SURE, LEAST = 0.4, 0.2
"""How likely the model must find a category of which no rule knows a word; where it is less sure staff should
look, and where it is below the least it is unclear. (With 0.4 for both, 109 of 3,556 requests held out were
called unclear, 95 of them wrongly; with 0.2, 23 and 9.)"""
NEAR = 0.9
"""A second category so near the first (in nats) is near it: staff should look."""
ALIKE = 0.7
"""So is one with this share of the first's points."""
_QUESTION = re.compile("[吗呢么嗎麼几幾哪谁誰?？]|什么|怎么|多少|有没有|是不是")
STATEMENT = 6
"""So many characters of staff's words can say something of a request."""
SURER = 2.5
"""How much likelier the model must find another kind than the rules'."""


def tag(
    pieces: Sequence[Piece],
    turns: Sequence[Turn],
    taxonomy: Taxonomy,
    learned: Learned | None = None,
) -> Tags:
    """Tags of the request that `pieces` make up; each has evidence in the original words.

    Rules and the learned model (None: the package's own) judge together: their points add up for
    category and kind; of the dangers that the rules find, `danger` weighs how likely they are meant.
    `review` is true where two categories are near each other or little was found.
    """
    learned = learned or models.own()
    readings, said, danger, whole, (category, reasons, review), speaking = _weighed(
        pieces, turns, taxonomy, learned
    )
    urgency, urgent = how_soon(danger, category, speaking)
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


def signs_of(
    pieces: Sequence[Piece], turns: Sequence[Turn], taxonomy: Taxonomy, learned: Learned
) -> Signs:
    """What speaks for the request that `pieces` make up being urgent: what `danger` was fitted on."""
    return _weighed(pieces, turns, taxonomy, learned).urgent


class _Weighed(NamedTuple):
    """What a request's tags are made from: what rules read in its turns, what residents `said` of it, the
    dangers told of, the learned model's judgement of the `whole`, its category with the reasons and
    whether it is near another, and what speaks for its being urgent."""

    readings: dict[int, Reading]
    said: list[Piece]
    danger: Dangers
    whole: Judgement
    category: tuple[str, list[Found], bool]
    urgent: Signs


def _weighed(
    pieces: Sequence[Piece], turns: Sequence[Turn], taxonomy: Taxonomy, learned: Learned
) -> _Weighed:
    readings = {piece.turn: taxonomy.read(turns[piece.turn].text) for piece in pieces}
    said, answer = _said(pieces, turns, readings)
    danger = dangers(pieces, turns, readings, taxonomy)
    words, stated = _words(said, turns), _words(_stated(answer, turns), turns)
    whole = learned.judge(words)
    category = _category(said, answer, turns, taxonomy, learned)
    urgent = signs(danger, category[0], whole, words, stated, turns, learned)
    return _Weighed(readings, said, danger, whole, category, urgent)


def _said(
    pieces: Sequence[Piece], turns: Sequence[Turn], readings: dict[int, Reading]
) -> tuple[list[Piece], list[Piece]]:
    """The clauses of the pieces that residents said, all of them where nobody seems to be one; and
    those that staff said."""
    theirs: list[Piece] = []
    ours: list[Piece] = []
    for piece in pieces:
        reading, speaker = readings[piece.turn], turns[piece.turn].speaker
        for start, end in reading.clauses(piece.start_char, piece.end_char):
            staff = reading.staff(start, end, speaker)
            (ours if staff else theirs).append(Piece(piece.turn, start, end))
    return (theirs, ours) if theirs else (ours, [])


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


def _category(
    said: Sequence[Piece],
    answer: Sequence[Piece],
    turns: Sequence[Turn],
    taxonomy: Taxonomy,
    learned: Learned,
) -> tuple[str, list[Found], bool]:
    """By what residents said, and by the answer: staff name the matter in words of their trade."""
    told, answered = _first(said), _first(answer)
    points, found = taxonomy.rank(told, turns)
    shares = learned.judge(_words(told, turns)).get("category", {})
    theirs = learned.judge(_words(answered, turns)).get("category", {}) if answered else {}
    weighed = {
        code: TOLD * math.log(shares.get(code, 0.0) + UNSEEN)
        + (ANSWER * math.log(theirs.get(code, 0.0) + UNSEEN) if theirs else 0.0)
        + POINT * min(points.get(code, 0.0), MOST_POINTS)
        for code in taxonomy.categories
    }
    ranked = sorted(weighed, key=lambda code: -weighed[code])
    first, second = ranked[:2]
    some = points.get(first, 0.0) >= taxonomy.weights.terms
    sure = max(shares.get(first, 0.0), theirs.get(first, 0.0))
    if not some and sure < LEAST:
        return "unclear", found.get(first, []), True
    near = (
        first == "unclear" or (not some and sure < SURE) or weighed[first] - weighed[second] < NEAR
    )
    near |= points.get(second, 0.0) > ALIKE * points.get(first, 0.0)
    return first, found.get(first, []), near


def _stated(answer: Sequence[Piece], turns: Sequence[Turn]) -> list[Piece]:
    """What staff state: what they only ask after, or a word or two, says nothing of how urgent it is."""
    stated = [
        piece
        for piece in answer
        if not _QUESTION.search(turns[piece.turn].text[piece.start_char : piece.end_char])
    ]
    long = sum(piece.end_char - piece.start_char for piece in stated)
    return stated if long >= STATEMENT else []


def _first(said: Sequence[Piece]) -> list[Piece]:
    """As much as names the matter."""
    told: list[Piece] = []
    long = 0
    for piece in said:
        if long >= MATTER:
            break
        told.append(piece)
        long += piece.end_char - piece.start_char
    return told


def _weighed_kind(
    kind: str, reasons: list[Found], shares: Mapping[str, float]
) -> tuple[str, list[Found]]:
    """The kind by rules, unless the model is much surer of another."""
    best = max(shares, key=lambda value: shares[value], default=kind)
    if best != kind and shares[best] >= SURER * max(shares.get(kind, 0.0), UNSEEN):
        return best, []
    return kind, reasons


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
                if not is_staff(reading, turn, hit.start):
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
        if not is_staff(readings[piece.turn], turns[piece.turn], hit.start)
    ]
