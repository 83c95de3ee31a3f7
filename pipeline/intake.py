"""Files in the watched folders to rows in the log: every file ever seen has one, and says where it is.

What it does is what it sees: the folder is looked at anew each time, and nothing is remembered but in
the log. So a kill between any two steps costs nothing; the next look goes on.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import recordings
from pipeline.errors import HotlineError, LogError, UnsupportedAudio
from pipeline.i18n import _
from pipeline.types import Arrival

if TYPE_CHECKING:
    from pipeline.filenames import NamePattern
    from pipeline.log import Log
    from pipeline.rows import RecordingRow
    from pipeline.settings import Home

UNKEPT = ("arriving", "failed")
"""States in which a file may be without its original kept."""


@dataclass(frozen=True, slots=True)
class Came:
    """What a look at the folders found: how many files, how many new, the ids of their rows, and
    (path, reason) of what failed in this look."""

    seen: int
    new: int
    ids: frozenset[int]
    failed: tuple[tuple[str, str], ...]


def path_in(home: Home, path: Path) -> str:
    """A path as the log keeps it: from the home, so that a home can be moved; else absolute."""
    path = path.absolute()
    return str(path.relative_to(home.path) if path.is_relative_to(home.path) else path)


def take_in(home: Home, log: Log, paths: Sequence[Path]) -> Came:
    """Give every file below `paths` its row, and keep the originals of those that arrived whole."""
    from pipeline import filenames, inbox

    settings = home.settings
    patterns = tuple(
        filenames.compile_pattern(entry.get("name", ""), entry.get("regex", ""))
        for entry in settings.recordings.patterns
    )
    patterns += filenames.PATTERNS
    seen = new = 0
    ids: set[int] = set()
    failed: list[tuple[str, str]] = []
    for folder in paths:
        arrivals = inbox.scan(
            folder, settle_s=settings.recordings.settle_seconds, exclude=(home.originals,)
        )
        for arrival in arrivals:
            seen += 1
            before = log.last_recording_id()
            row = _row(home, log, arrival)
            new += row.id > before
            ids.add(row.id)
            if row.state in UNKEPT and not row.sha256 and arrival.settled:
                _keep(home, log, row, arrival, patterns, failed)
            elif row.original is not None and row.duplicate_of is None:
                _mend(home, log, row, arrival)
    adopt(home, log, patterns)  # after the dropped files have claimed their own
    for folder in paths:
        failed += _vanished(home, log, folder, ids)
    return Came(seen, new, frozenset(ids), tuple(failed))


def unkept(log: Log) -> bool:
    """Whether there is a file of which no original is kept yet."""
    return any(row.sha256 is None for state in UNKEPT for row in log.recordings(state))


def _row(home: Home, log: Log, arrival: Arrival) -> RecordingRow:
    """The row of a file; one whose time alone is new keeps its row."""
    from pipeline import originals

    path = path_in(home, arrival.path)
    if arrival.kind == "file" and arrival.size and arrival.settled:
        known = recordings.same_place(log, path, arrival.size)
        if known and not any(row.modified_at == arrival.modified_at for row in known):
            # Copied without its times (a home that moved to another disk), or only touched.
            try:
                content = originals.hash_file(arrival.path)
            except OSError:
                content = ""  # `keep` says what is wrong with it
            for row in known:
                if row.sha256 == content:
                    return recordings.touched(log, row.id, arrival.modified_at)
    return recordings.seen(log, path, arrival.size, arrival.modified_at)


def _keep(
    home: Home,
    log: Log,
    row: RecordingRow,
    arrival: Arrival,
    patterns: Sequence[NamePattern],
    failed: list[tuple[str, str]],
) -> None:
    """Keep the original of a file that arrived whole, or say why it is none."""
    from pipeline import originals

    try:
        _refuse(arrival)
        kept = originals.keep(arrival.path, home.originals)
        _received(home, log, row, kept.sha256, kept.path, patterns)
    except UnsupportedAudio as error:
        recordings.set_state(log, row.id, "unsupported", str(error))
    except LogError:
        raise
    except Exception as error:
        said = reason(row, error)
        if (row.state, row.reason) != ("failed", said):  # a watch looks every minute
            recordings.set_state(log, row.id, "failed", said)
        failed.append((row.path, said))


def _mend(home: Home, log: Log, row: RecordingRow, arrival: Arrival) -> None:
    """Copy an original anew that has gone, from the dropped file, if that is still the same."""
    from pipeline import originals

    assert row.original is not None
    place = home.path / row.original
    try:
        if place.is_file() and place.stat().st_size == row.size:
            return
        if originals.hash_file(arrival.path) != row.sha256:
            return
        kept = originals.keep(arrival.path, home.originals)
    except (HotlineError, OSError):
        return  # `check` goes on to name it
    recordings.mended(log, row.id, kept.path.relative_to(home.path).as_posix())


def _refuse(arrival: Arrival) -> None:
    if arrival.kind == "unreadable":
        raise HotlineError(
            _("{file} may not be looked into; ask whoever set it up for the right to.").format(
                file=arrival.path
            )
        )
    if arrival.kind != "file":
        raise UnsupportedAudio(
            _("{file} is a link or no ordinary file; copy the recording itself here.").format(
                file=arrival.path.name
            )
        )
    if arrival.size == 0:
        raise UnsupportedAudio(
            _("{file} is empty; copy it again from the recorder.").format(file=arrival.path.name)
        )


def _received(
    home: Home,
    log: Log,
    row: RecordingRow,
    sha256: str,
    original: Path,
    patterns: Sequence[NamePattern],
) -> None:
    from pipeline import filenames

    facts = filenames.read_name(Path(row.path), tz=home.settings.zone, patterns=patterns)
    facts = filenames.when(facts, None, row.modified_at, home.settings.zone)
    recordings.received(
        log,
        row.id,
        sha256,
        original.relative_to(home.path).as_posix(),
        facts,
        gone=lambda path: not os.path.lexists(home.path / path),
    )


def adopt(home: Home, log: Log, patterns: Sequence[NamePattern]) -> list[str]:
    """Give back to the log the originals that it does not know: a run was killed between the keeping of
    a file and its row, or an older log was put back. Returns their paths.

    A file that was seen before and has gone since is known by its size and time, which the copy has.
    """
    from pipeline import inbox, originals

    found = []
    for file in strays(home, log):
        sha256 = file.name.partition(".")[0]
        try:
            info = file.stat()
            if originals.hash_file(file) != sha256:
                continue  # `check` names it
        except OSError:
            continue
        arrival = Arrival(file, info.st_size, inbox.modified(info), settled=True)
        row = next(
            (
                row
                for state in UNKEPT
                for row in log.recordings(state)
                if row.sha256 is None
                and (row.size, row.modified_at) == (arrival.size, arrival.modified_at)
            ),
            None,
        ) or recordings.seen(log, path_in(home, file), arrival.size, arrival.modified_at)
        _received(home, log, row, sha256, file, patterns)
        found.append(row.path)
    return found


def strays(home: Home, log: Log) -> list[Path]:
    """The files in `originals/` that no recording in the log has, by path; unfinished copies are none."""
    known = {row.sha256 for row in log.recordings() if row.sha256}
    try:
        folders = sorted(path for path in home.originals.iterdir() if path.is_dir())
    except OSError:
        return []
    return [
        file
        for folder in folders
        for file in sorted(folder.iterdir())
        if file.name.partition(".")[0] not in known
    ]


def _vanished(home: Home, log: Log, folder: Path, ids: set[int]) -> list[tuple[str, str]]:
    """Say of each file that was seen before it had arrived whole, and has gone, what became of it."""
    from pipeline import inbox

    failed = []
    for row in [row for state in UNKEPT for row in log.recordings(state)]:
        place = home.path / row.path
        if (
            row.sha256 is not None
            or row.id in ids
            or not place.is_relative_to(folder.absolute())
            or os.path.lexists(place)
        ):
            continue
        whole = inbox.whole_name(place.name)
        became = recordings.renamed(
            log, row.id, None if whole is None else path_in(home, place.with_name(whole))
        )
        if became is not None:
            continue
        if whole is not None:
            said = _(
                "{file} was a piece of a file that was still being copied; it has gone, and left"
                " nothing behind under its own name."
            ).format(file=place.name)
            recordings.set_state(log, row.id, "unsupported", said)
        else:
            said = _(
                "{file} was taken away before it had arrived whole. If it was a recording, copy it"
                " here again."
            ).format(file=place.name)
            if row.reason != said:
                recordings.set_state(log, row.id, "failed", said)
                failed.append((row.path, said))
    return failed


def reason(row: RecordingRow, error: BaseException) -> str:
    """The sentence that says why a recording could not be worked on."""
    if isinstance(error, HotlineError):
        return str(error)
    if isinstance(error, MemoryError):
        return _(
            "The memory was too small for {file}; close other programs. It is tried again."
        ).format(file=Path(row.path).name)
    said = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return _("{file} could not be worked on: {error}. It is tried again.").format(
        file=Path(row.path).name, error=said
    )
