"""Category, kind and urgency of a request, each with the words that are its reason."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.taxonomy import Found, Reading, Taxonomy
from pipeline.types import Evidence, Piece, Tags, Turn, Urgency

EVIDENCE_EACH = 3
"""So many words are shown as the reason of one tag: more nobody reads."""
ANSWERED = ("paperwork", "testing", "property", "passage", "quarantine", "other")
"""Matters in which a question wants an answer; in the others it is a polite way to ask for help."""
NEAR = 0.7
"""A second category with this share of the first's points is near it: staff should look."""


def tag(pieces: Sequence[Piece], turns: Sequence[Turn], taxonomy: Taxonomy) -> Tags:
    """Tags of the request that `pieces` make up; each has evidence in the original words.

    `review` is true where two categories are near each other or little was found.
    """
    readings = {piece.turn: taxonomy.read(turns[piece.turn].text) for piece in pieces}
    category, reasons, review = _category(pieces, turns, taxonomy)
    urgency, danger = _urgency(category, pieces, turns, readings, taxonomy)
    pressing = urgency != "routine" and category not in ANSWERED
    kind, kind_reasons = _kind(category, pressing, pieces, turns, readings, taxonomy)
    fallback = _whole(pieces, turns)
    evidence: list[Evidence] = []
    for name, value, found in (
        ("category", category, reasons),
        ("kind", kind, kind_reasons or reasons),
        ("urgency", urgency, danger or reasons),
    ):
        kept = sorted(found, key=lambda f: (-f.points, f.turn, f.hit.start))[:EVIDENCE_EACH]
        if kept:
            evidence.extend(_evidence(name, value, f, turns) for f in kept)
        elif fallback is not None:
            piece = fallback
            words = turns[piece.turn].text[piece.start_char : piece.end_char]
            evidence.append(
                Evidence(name, value, "rule", words, piece.turn, piece.start_char, piece.end_char)
            )
    return Tags(category, kind, urgency, tuple(evidence), review)


def _evidence(name: str, value: str, found: Found, turns: Sequence[Turn]) -> Evidence:
    start, end = found.hit.start, found.hit.end
    return Evidence(name, value, "rule", turns[found.turn].text[start:end], found.turn, start, end)


def _whole(pieces: Sequence[Piece], turns: Sequence[Turn]) -> Piece | None:
    """The first words of the resident: the reason where no single word is one."""
    for piece in pieces:
        if turns[piece.turn].speaker != "staff" and piece.end_char > piece.start_char:
            return Piece(piece.turn, piece.start_char, min(piece.end_char, piece.start_char + 30))
    return pieces[0] if pieces else None


def _is_staff(reading: Reading, turn: Turn, at: int) -> bool:
    """Whether staff said what stands at `at`; for unknown speakers by the ways of speaking."""
    if turn.speaker != "unknown":
        return turn.speaker == "staff"
    return any(staff for _start, _end, staff in reading.clauses(at, at + 1))


def _category(
    pieces: Sequence[Piece], turns: Sequence[Turn], taxonomy: Taxonomy
) -> tuple[str, list[Found], bool]:
    points, found = taxonomy.rank(pieces, turns)
    ranked = list(points)
    if not ranked or points[ranked[0]] < taxonomy.weights.terms:
        return "unclear", found.get(ranked[0], []) if ranked else [], True
    near = len(ranked) > 1 and points[ranked[1]] > NEAR * points[ranked[0]]
    return ranked[0], found[ranked[0]], near or points[ranked[0]] < taxonomy.weights.strong


def _urgency(
    category: str,
    pieces: Sequence[Piece],
    turns: Sequence[Turn],
    readings: dict[int, Reading],
    taxonomy: Taxonomy,
) -> tuple[Urgency, list[Found]]:
    levels: dict[Urgency, list[Found]] = {"critical": [], "urgent": []}
    for piece in pieces:
        reading, turn = readings[piece.turn], turns[piece.turn]
        for i, sign in enumerate(taxonomy.signs):
            if sign.only and category not in sign.only:
                continue
            for hit in reading.of(f"sign.{i}", piece.start_char, piece.end_char):
                staff = _is_staff(reading, turn, hit.start)
                if staff and sign.level != "critical":
                    continue  # what staff promise, advise or plan is no deadline of the resident
                meaning = reading.meant(hit, staff=staff)
                if meaning == "asked" and staff:
                    meaning = "said" if _affirmed(piece.turn, turns, taxonomy) else "asked"
                if meaning == "said":
                    levels[sign.level].append(
                        Found(hit, piece.turn, staff, hit.weight + (not staff))
                    )
    for level in ("critical", "urgent"):
        if levels[level]:
            return level, levels[level]
    return "routine", []


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
