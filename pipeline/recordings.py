"""What becomes of a file that was seen: its row in the log, from `arriving` until it is logged or given up.

Every file ever seen has a row, in one state; a change of state is an event, and every reason is kept.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from pipeline.hearings import save_call
from pipeline.i18n import _
from pipeline.log import PROGRAM
from pipeline.rows import CallFacts, RecordingRow, file_time, iso, recording_row, stored_path
from pipeline.types import RECORDING_STATES, NameFacts

if TYPE_CHECKING:
    from pipeline.log import Log


def seen(log: Log, path: str, size: int, modified_at: datetime) -> RecordingRow:
    """The row of a file by its path, size and mtime; a new one, `arriving`, where there is none.

    A row that still has no content (the file grew, or could not be read) follows the file
    instead. An old content under the same path keeps its row.
    """
    key = (stored_path(path), size, file_time(modified_at))
    same = "SELECT id FROM recordings WHERE path = ? AND size = ? AND modified_at = ?"
    found = log.value(same, key)
    if found is None:
        with log.transaction():
            found = log.value(same, key)  # another process may have come first
            if found is None:
                found = _arrive(log, *key)
    return log.recording(found)


def _arrive(log: Log, path: str | bytes, size: int, modified_at: str) -> int:
    waiting = log.value(
        "SELECT id FROM recordings WHERE path = ? AND sha256 IS NULL "
        "AND state IN ('arriving', 'failed') ORDER BY id DESC",
        (path,),
    )
    if waiting is not None:
        log.update(
            "recordings",
            waiting,
            {"size": size, "modified_at": modified_at, "state": "arriving", "reason": None},
        )
        return int(waiting)
    recording_id = log.insert(
        "recordings",
        {
            "path": path,
            "size": size,
            "modified_at": modified_at,
            "first_seen_at": iso(log.now()),
            "state": "arriving",
        },
    )
    log.event("seen", recording_id=recording_id, data={"size": size})
    return recording_id


def same_place(log: Log, path: str, size: int) -> list[RecordingRow]:
    """The recordings of this path and size whose content is kept, whatever their time."""
    return [
        recording_row(row)
        for row in log.query(
            "SELECT * FROM recordings WHERE path = ? AND size = ? AND sha256 IS NOT NULL "
            "ORDER BY id",
            (stored_path(path), size),
        )
    ]


def touched(log: Log, recording_id: int, modified_at: datetime) -> RecordingRow:
    """The same file with the same content has another time now: copied, or its tags looked at."""
    with log.transaction():
        log.update("recordings", recording_id, {"modified_at": file_time(modified_at)})
        log.event(
            "touched", recording_id=recording_id, data={"modified_at": file_time(modified_at)}
        )
    return log.recording(recording_id)


def mended(log: Log, recording_id: int, original: str) -> None:
    """The original of a recording had gone, and was copied anew."""
    with log.transaction():
        log.update("recordings", recording_id, {"original": original})
        log.event("mended", recording_id=recording_id, data={"original": original})


def renamed(log: Log, recording_id: int, path: str | None = None) -> RecordingRow | None:
    """A file that was seen under another name while it arrived, and has gone from there: the
    recording that it became, by size and time, or by the `path` that its name tells. It is that
    one's `duplicate` from then on."""
    with log.transaction():
        row = log.recording(recording_id)
        other = log.one(
            "SELECT * FROM recordings WHERE id <> ? AND sha256 IS NOT NULL "
            "AND duplicate_of IS NULL AND (path = ? OR size = ? AND modified_at = ?) "
            "ORDER BY path = ? DESC, id DESC",
            (
                recording_id,
                None if path is None else stored_path(path),
                row.size,
                file_time(row.modified_at),
                None if path is None else stored_path(path),
            ),
        )
        if other is None:
            return None
        said = _("It was renamed while it arrived: it is {file} now.").format(file=other["path"])
        log.update(
            "recordings",
            recording_id,
            {
                "sha256": other["sha256"],
                "original": other["original"],
                "duplicate_of": other["id"],
                "state": "duplicate",
                "reason": said,
            },
        )
        log.event("duplicate", recording_id=recording_id, note=said)
    return recording_row(other)


def received(
    log: Log,
    recording_id: int,
    sha256: str,
    original: str,
    facts: NameFacts,
    *,
    gone: Callable[[str], bool] = lambda path: False,
) -> RecordingRow:
    """A file's content is kept as `original`: `received`, or `duplicate` if it was there already.

    `gone` says whether the file at a path in the log is not there any more.
    """
    with log.transaction():
        first = log.one(
            "SELECT id, path FROM recordings WHERE sha256 = ? AND id <> ? AND duplicate_of IS NULL",
            (sha256, recording_id),
        )
        state = "received" if first is None else "duplicate"
        log.update(
            "recordings",
            recording_id,
            {
                "sha256": sha256,
                "original": original,
                "state": state,
                "reason": None if first is None else _same_as(first["path"], gone),
                "duplicate_of": None if first is None else first["id"],
                "started_at": facts.started_at and iso(facts.started_at),
                "time_source": facts.time_source,
                "caller_phone": facts.caller_phone,
                "caller_name": facts.caller_name,
                "caller_source": facts.caller_source,
                "direction": facts.direction,
            },
        )
        log.event(state, recording_id=recording_id, data={"sha256": sha256})
    return log.recording(recording_id)


def _same_as(path: str, gone: Callable[[str], bool]) -> str:
    if gone(path):
        return _("It was {file} before: renamed, moved or copied; its call is in the log.").format(
            file=path
        )
    return _("The same recording as {file}; its call is in the log once.").format(file=path)


def set_state(
    log: Log,
    recording_id: int,
    state: str,
    reason: str | None = None,
    *,
    call: CallFacts | None = None,
    retry_in: timedelta | None = None,
    who: str = PROGRAM,
) -> None:
    """Move a recording to `state`, with the sentence that says why; every reason is kept.

    `call` logs what is known of a call that has no words (a silent one); `retry_in` says after
    how long a failed one is tried again, None for the next run.
    """
    if state not in RECORDING_STATES:
        raise ValueError(f"no state of a recording: {state}")
    with log.transaction():
        now = log.now()
        row = log.recording(recording_id)
        log.update(
            "recordings",
            recording_id,
            {
                "state": state,
                "reason": reason,
                "attempts": row.attempts + (state == "failed"),
                "tried_at": iso(now) if state == "failed" else None,
                "retry_at": None if retry_in is None else iso(now + retry_in),
            },
        )
        if reason is not None:
            log.insert(
                "recording_errors",
                {
                    "recording_id": recording_id,
                    "at": iso(log.now()),
                    "state": state,
                    "reason": reason,
                },
            )
        call_id = None if call is None else save_call(log, recording_id, call)
        log.event(state, who=who, recording_id=recording_id, call_id=call_id, note=reason)
