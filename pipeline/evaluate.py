"""How good the stages are: predicted against reference requests, by the contract's rule.

Plain functions over records; what a person sees of them is made elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING

from pipeline.types import Request, Span, Turn, Understanding

if TYPE_CHECKING:
    from pipeline.calls import ReferenceRequest, TextCall

LEAST_OVERLAP = 0.3
"""Intersection over union from which a prediction can be a reference's match (contract.md)."""
BLOCK_SECONDS = 30.0
"""Length of a block of a re-cut call: Whisper's window."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What was counted; counts of several calls add up (`a + b`).

    Accuracies count over matched pairs; places and phones over matched pairs whose reference has one.
    `false_critical` counts what is called critical without a critical reference.
    """

    calls: int = 0
    requests: int = 0
    predicted: int = 0
    matched: int = 0
    category: int = 0
    kind: int = 0
    urgency: int = 0
    critical: int = 0
    critical_found: int = 0
    called_critical: int = 0
    false_critical: int = 0
    buildings: int = 0
    building: int = 0
    rooms: int = 0
    room: int = 0
    phones: int = 0
    phone: int = 0
    due_hints: int = 0
    due_hint: int = 0
    turns: int = 0
    unaccounted_turns: int = 0
    listening_turns: int = 0
    without_evidence: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            **{f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self)}
        )

    def rates(self) -> dict[str, float | None]:
        """The shares under the contract's names; None where nothing was there to count."""

        def share(part: int, whole: int) -> float | None:
            return round(part / whole, 4) if whole else None

        return {
            "request_recall": share(self.matched, self.requests),
            "request_precision": share(self.matched, self.predicted),
            "category_accuracy": share(self.category, self.matched),
            "kind_accuracy": share(self.kind, self.matched),
            "urgency_accuracy": share(self.urgency, self.matched),
            "critical_recall": share(self.critical_found, self.critical),
            "critical_false_share": share(self.false_critical, self.called_critical),
            "building_exact": share(self.building, self.buildings),
            "room_exact": share(self.room, self.rooms),
            "phone_exact": share(self.phone, self.phones),
            "due_exact": share(self.due_hint, self.due_hints),
            "listening_share": share(self.listening_turns, self.turns),
        }

    def as_dict(self) -> dict[str, object]:
        return {**self.rates(), "counts": asdict(self)}


def overlap_of_turns(one: Sequence[int], other: Sequence[int]) -> float:
    """Jaccard overlap of two sets of turn indexes, in [0, 1]."""
    a, b = set(one), set(other)
    return len(a & b) / len(a | b) if a or b else 0.0


def overlap_of_spans(one: Sequence[Span], other: Sequence[Span]) -> float:
    """Intersection over union of two sets of stretches of time, in [0, 1]; channels do not count."""
    a, b = _union(one), _union(other)
    shared = sum(
        max(0.0, min(end, last) - max(start, first)) for start, end in a for first, last in b
    )
    whole = sum(end - start for start, end in a) + sum(end - start for start, end in b) - shared
    return shared / whole if whole > 0 else 0.0


def _union(spans: Sequence[Span]) -> list[tuple[float, float]]:
    joined: list[tuple[float, float]] = []
    for start, end in sorted((span.start, span.end) for span in spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def match(
    overlaps: Sequence[Sequence[float]], same_category: Sequence[Sequence[bool]]
) -> list[tuple[int, int]]:
    """One-to-one pairs (row, column): the greatest overlap first, ties to the same category.

    Both arguments have shape (predicted, references); overlaps below LEAST_OVERLAP never pair.
    """
    order = sorted(
        (
            (-round(value, 9), not same_category[i][j], i, j)
            for i, row in enumerate(overlaps)
            for j, value in enumerate(row)
            if value >= LEAST_OVERLAP
        )
    )
    pairs: list[tuple[int, int]] = []
    for _value, _other, i, j in order:
        if all(i != a and j != b for a, b in pairs):
            pairs.append((i, j))
    return sorted(pairs)


def score(
    predicted: Understanding,
    references: Sequence[ReferenceRequest],
    turns: Sequence[Turn],
    reference_turns: Sequence[Turn] | None = None,
) -> Counts:
    """Count one call.

    `turns` are those that `predicted` was made from. Where the references count in other turns (from
    audio, or re-cut), `reference_turns` are these and overlaps are of time; else of turn sets.
    """
    requests = predicted.requests
    if reference_turns is None:
        overlaps = [[overlap_of_turns(p.turns, r.turns) for r in references] for p in requests]
    else:
        spans = [
            [Span(reference_turns[t].start, reference_turns[t].end) for t in r.turns]
            for r in references
        ]
        overlaps = [[overlap_of_spans(p.spans, s) for s in spans] for p in requests]
    pairs = match(overlaps, [[p.category == r.category for r in references] for p in requests])
    counts = Counts(
        calls=1,
        requests=len(references),
        predicted=len(requests),
        matched=len(pairs),
        critical=sum(r.urgency == "critical" for r in references),
        called_critical=sum(p.urgency == "critical" for p in requests),
        turns=len(turns),
        unaccounted_turns=len(unaccounted(predicted, turns)),
        listening_turns=len(predicted.needs_listening),
        without_evidence=sum(_bare(request) for request in requests),
    )
    both = 0
    for i, j in pairs:
        got, want = requests[i], references[j]
        both += got.urgency == want.urgency == "critical"
        counts += Counts(
            category=got.category == want.category,
            kind=got.kind == want.kind,
            urgency=got.urgency == want.urgency,
            buildings=want.place.building is not None,
            building=want.place.building is not None and got.place.building == want.place.building,
            rooms=want.place.room is not None,
            room=want.place.room is not None and got.place.room == want.place.room,
            phones=want.phone is not None,
            phone=want.phone is not None and got.phone == want.phone,
            due_hints=want.due_hint is not None,
            due_hint=want.due_hint is not None
            and got.due_hint is not None
            and got.due_hint.date() == want.due_hint,
        )
    return replace(counts, critical_found=both, false_critical=counts.called_critical - both)


def _bare(request: Request) -> bool:
    return not {"category", "kind", "urgency"} <= {e.tag for e in request.evidence}


def unaccounted(found: Understanding, turns: Sequence[Turn]) -> tuple[int, ...]:
    """Turns that stand neither in a request nor in chatter nor in needs-listening: must be none."""
    held = {t for r in found.requests for t in r.turns} | {*found.chatter, *found.needs_listening}
    return tuple(i for i in range(len(turns)) if i not in held)


def recut(call: TextCall, seconds: float = BLOCK_SECONDS) -> tuple[Turn, ...]:
    """The call as a poor recogniser gives it: blocks of `seconds`, no punctuation, speakers unknown.

    Characters are spread evenly over their turn's time, so that spans map back by time.
    """
    timed = [
        (turn.start + (turn.end - turn.start) * (i + 0.5) / len(turn.text), char)
        for turn in call.turns
        for i, char in enumerate(turn.text)
        if char.isalnum()
    ]
    blocks: list[Turn] = []
    for at, char in sorted(timed, key=lambda pair: pair[0]):
        number = int(at // seconds)
        start = number * seconds
        if (
            blocks
            and blocks[-1].start <= at < blocks[-1].start + seconds
            and int(blocks[-1].start // seconds) == number
        ):
            blocks[-1] = replace(blocks[-1], text=blocks[-1].text + char, end=at)
        else:
            blocks.append(Turn("unknown", char, max(start, at), at))
    return tuple(blocks)
