"""Character error rate: what was said against what was heard, for a call and for its parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

from pipeline.types import Turn

LENGTHS_S = (2.0, 5.0, 10.0)
"""Bounds of the groups of turns by their length: short answers are where Whisper is weakest."""


@dataclass(frozen=True, slots=True)
class Errors:
    """Character errors of what was heard: substituted, deleted, inserted, of `characters` said."""

    characters: int = 0
    substituted: int = 0
    deleted: int = 0
    inserted: int = 0

    def __add__(self, other: Errors) -> Errors:
        return Errors(
            **{f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self)}
        )

    @property
    def cer(self) -> float | None:
        """Character error rate; None where nothing was said."""
        wrong = self.substituted + self.deleted + self.inserted
        return round(wrong / self.characters, 4) if self.characters else None


def normalised(text: str) -> str:
    """Text as character errors are counted in it: one script, one width, spoken digits as figures,
    no punctuation and no spaces."""
    from pipeline.script import digits, fold

    return "".join(c for c in digits(fold(text)) if c.isalnum())


def character_errors(said: str, heard: str) -> Errors:
    """Count by edit distance (jiwer), after `normalised`."""
    import jiwer

    said, heard = normalised(said), normalised(heard)
    if not said:
        return Errors(inserted=len(heard))
    found = jiwer.process_characters(said, heard)
    return Errors(len(said), found.substitutions, found.deletions, found.insertions)


def by_turn(turns: Sequence[Turn], heard: str) -> list[Errors]:
    """The errors of each turn, from one alignment of the whole call (jiwer); they sum to the call's.

    A character too many belongs to the turn of the character before it.
    """
    import jiwer

    said = [normalised(turn.text) for turn in turns]
    owner = [i for i, text in enumerate(said) for _ in text]
    heard = normalised(heard)
    found = [Errors(len(text)) for text in said]
    if not owner:
        return [Errors(inserted=len(heard)), *found[1:]] if found else []
    (alignment,) = jiwer.process_characters("".join(said), heard).alignments
    for chunk in alignment:
        if chunk.type == "insert":
            one = owner[max(chunk.ref_start_idx - 1, 0)]
            found[one] += Errors(inserted=chunk.hyp_end_idx - chunk.hyp_start_idx)
        elif chunk.type in ("substitute", "delete"):
            for at in range(chunk.ref_start_idx, chunk.ref_end_idx):
                wrong = chunk.type == "substitute"
                found[owner[at]] += Errors(substituted=int(wrong), deleted=int(not wrong))
    return found


def grouped(turns: Sequence[Turn], heard: str) -> Mapping[str, Errors]:
    """Errors by speaker ("resident", …) and by length of turn in seconds ("0-2 s", …, "10- s")."""
    groups: dict[str, Errors] = {}
    for turn, errors in zip(turns, by_turn(turns, heard), strict=True):
        for name in (turn.speaker, length_group(turn.end - turn.start)):
            groups[name] = groups.get(name, Errors()) + errors
    return groups


def length_group(seconds: float) -> str:
    """The name of the group that a turn of this length is counted in."""
    lower = 0.0
    for upper in LENGTHS_S:
        if seconds < upper:
            return f"{lower:.0f}-{upper:.0f} s"
        lower = upper
    return f"{lower:.0f}- s"
