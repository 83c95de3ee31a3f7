"""What somebody had to listen to, and did: stretches that were not understood, whole recordings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pipeline.acts import Act, acting, unique
from pipeline.errors import UsageProblem
from pipeline.i18n import _
from pipeline.opened import add_stretch
from pipeline.rows import RecordingRow, iso
from pipeline.types import Request

if TYPE_CHECKING:
    from pipeline.log import Log


def heard(
    log: Log,
    spans: Sequence[int],
    recordings: Sequence[int] = (),
    *,
    by: str,
    note: str | None = None,
    told: Request | None = None,
    due_at: datetime | None = None,
    values: Mapping[str, Any] | None = None,
) -> list[int]:
    """Say that somebody listened to stretches that were not understood, or to whole recordings.

    With `told`, what they heard in each stretch is a request, due at `due_at`; `values` as for
    `life.correct`. The numbers of what was opened.

    Raises:
        UsageProblem: a number is unknown or was listened to before; nothing is changed.
    """
    opened: list[int] = []
    with acting(log, by, note) as act:
        for span_id in unique(spans):
            row = log.span(span_id)
            if row.heard_at is not None:
                raise UsageProblem(
                    _("L{n} was listened to already ({who}, {when}).").format(
                        n=span_id, who=row.heard_by, when=f"{row.heard_at:%m-%d %H:%M}"
                    )
                )
            log.update("spans", span_id, {"heard_at": iso(act.at), "heard_by": by})
            new: int | None = None
            if told is not None and due_at is not None:
                new = add_stretch(act, row.call_id, row.start, row.end, told, due_at,
                                  values or {}, how="heard")  # fmt: skip
                opened.append(new)
            act.event("heard", call_id=row.call_id, request=new, span=span_id)
        for recording_id in unique(recordings):
            _heard_recording(act, log.recording(recording_id))
    return opened


def _heard_recording(act: Act, row: RecordingRow) -> None:
    log = act.log
    if row.state not in ("silent", "unsupported", "failed"):
        raise UsageProblem(
            _("R{n} was understood; what is unclear in it has a number with L.").format(n=row.id)
        )
    before = log.one("SELECT heard_at, heard_by FROM recordings WHERE id = ?", (row.id,))
    assert before is not None
    if before["heard_at"] is not None:
        raise UsageProblem(
            _("R{n} was listened to already ({who}, {when}).").format(
                n=row.id, who=before["heard_by"], when=before["heard_at"][5:16].replace("T", " ")
            )
        )
    log.update("recordings", row.id, {"heard_at": iso(act.at), "heard_by": act.by})
    act.event("heard", recording_id=row.id, recording=row.id)
