"""The proof that folders and log add up: what `hotline check` does. It changes nothing."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import intake
from pipeline.i18n import _, system_says

if TYPE_CHECKING:
    from pipeline.log import Log
    from pipeline.rows import RecordingRow
    from pipeline.settings import Home


@dataclass(frozen=True, slots=True)
class Checked:
    """What `check` found. `states` sums to `seen`; `unaccounted` are files on disk without a row."""

    seen: int
    states: dict[str, int]
    unaccounted: tuple[str, ...]
    uncovered_speech_s: float
    requests: int
    problems: tuple[str, ...]

    def as_dict(self) -> dict[str, object]:
        return asdict(self)


def check(
    home: Home, log: Log, *, quick: bool = False, progress: Callable[[int, int], None] | None = None
) -> Checked:
    """Compare the folders with the log, and the log with itself; changes nothing.

    Every original is read and its hash compared, unless `quick`; `progress` gets how many are done.
    """
    from pipeline import inbox

    rows = log.recordings()
    known = {(row.path, row.size, row.modified_at) for row in rows}
    kept_as = {(row.path, row.size): row for row in rows}
    unaccounted = tuple(
        path
        for path, arrival in (
            (intake.path_in(home, arrival.path), arrival)
            for arrival in inbox.scan(home.recordings, settle_s=0.0, exclude=(home.originals,))
        )
        # Another time may be another content, or the same file copied without its times.
        if (path, arrival.size, arrival.modified_at) not in known
        and not _is(arrival.path, kept_as.get((path, arrival.size)), quick)
    )
    problems, uncovered = log.check()
    states = log.states()
    if sum(states.values()) != len(rows):
        problems.append(_("The states do not add up to the files seen."))
    kept = [row for row in rows if row.original is not None and row.duplicate_of is None]
    for number, row in enumerate(kept, 1):
        problem = _original_problem(home, row, quick)
        if problem is not None:
            problems.append(problem)
        if progress is not None:
            progress(number, len(kept))
    problems += [
        _(
            "{file} is kept, but no recording in the log is its; hotline ingest takes it in, if it is"
            " whole."
        ).format(file=intake.path_in(home, file))
        for file in intake.strays(home, log)
    ]
    problems += _copies(home)
    problems.extend(
        _("{file} is in the folder but not in the log; run: hotline ingest").format(file=path)
        for path in unaccounted
    )
    return Checked(
        seen=len(rows),
        states=states,
        unaccounted=unaccounted,
        uncovered_speech_s=round(uncovered, 2),
        requests=log.count_requests(),
        problems=tuple(problems),
    )


def _original_problem(home: Home, row: RecordingRow, quick: bool) -> str | None:
    """What is wrong with the kept original of a recording, as a sentence."""
    from pipeline import originals

    assert row.original is not None
    place, name = home.path / row.original, Path(row.path).name
    advice = (
        _("The dropped file is still there: hotline ingest copies it anew.")
        if _same(home.path / row.path, row)
        else _("Put it back from a backup.")
    )
    try:
        if not place.exists():
            return _("The original of {file} has gone from {place}. {advice}").format(
                file=name, place=row.original, advice=advice
            )
        if not place.is_file() or place.stat().st_size != row.size:
            return _("The original of {file} ({place}) has another size now. {advice}").format(
                file=name, place=row.original, advice=advice
            )
        if not quick and originals.hash_file(place) != row.sha256:
            return _("The original of {file} ({place}) has been changed. {advice}").format(
                file=name, place=row.original, advice=advice
            )
        if os.name == "posix" and place.stat().st_mode & 0o077:
            return _("Others than its owner may read {place}; run: chmod 600 {place}").format(
                place=place
            )
    except OSError as error:
        return _("The original of {file} cannot be read: {error}. {advice}").format(
            file=name, error=system_says(error), advice=advice
        )
    return None


def _is(file: Path, row: RecordingRow | None, quick: bool) -> bool:
    """Whether a file whose time is new is a recording that the log has; `quick` believes its size."""
    if row is None:
        return False
    return quick or row.sha256 is None or _same(file, row)


def _same(dropped: Path, row: RecordingRow) -> bool:
    from pipeline import originals

    try:
        return dropped.is_file() and originals.hash_file(dropped) == row.sha256
    except OSError:
        return False


def _copies(home: Home) -> list[str]:
    """Half-written copies that nobody took away: an ingest sweeps those that are an hour old."""
    import time

    try:
        old = [
            part
            for part in home.originals.glob(".incoming-*")
            if time.time() - part.stat().st_ctime > 86_400
        ]
    except OSError as error:
        return [
            _("{folder} cannot be looked into: {error}.").format(
                folder=home.originals, error=system_says(error)
            )
        ]
    return [
        _("{file} is a copy that was never finished; run: hotline ingest").format(
            file=intake.path_in(home, part)
        )
        for part in old
    ]
