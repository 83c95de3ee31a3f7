"""Who speaks in a call, where staff know better."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pipeline.acts import acting
from pipeline.errors import UsageProblem
from pipeline.i18n import _

if TYPE_CHECKING:
    from pipeline.log import Log


def flip_speakers(log: Log, call_id: int, *, by: str, note: str | None = None) -> None:
    """Say that staff and resident are the other way round in a call; from now on that is known.

    Raises:
        UsageProblem: no call of this number, or nobody in it is named.
    """
    with acting(log, by, note) as act:
        log.call(call_id)
        transcript = log.current_transcript(call_id)
        turns = () if transcript is None else log.turns(transcript)
        if all(turn.speaker == "unknown" for turn in turns):
            raise UsageProblem(
                _(
                    "In call {n} it is not known who speaks; there is nothing to change over."
                ).format(n=call_id)
            )
        assert transcript is not None  # it has turns
        flip(log, transcript, [None] * len(turns))
        sure = [turn.speaker_probability for turn in turns]
        act.event("flipped", call_id=call_id, flipped=transcript, sure=sure)


def flip(log: Log, transcript: int, sure: Sequence[float | None]) -> None:
    """Change staff and resident over in a transcript; `sure` is how probable each turn's speaker is then."""
    for table in ("turns", "segments"):
        log.conn.execute(
            f"UPDATE {table} SET speaker = CASE speaker WHEN 'staff' THEN 'resident' "
            "WHEN 'resident' THEN 'staff' ELSE speaker END WHERE transcript_id = ?",
            (transcript,),
        )
    log.conn.executemany(
        "UPDATE turns SET speaker_probability = ? WHERE transcript_id = ? AND idx = ?",
        [(value, transcript, idx) for idx, value in enumerate(sure)],
    )
