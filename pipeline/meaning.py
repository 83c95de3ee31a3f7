"""What words mean in this home: read with its taxonomy, its own model, its estate and its limits.

Composes what `understand.py` finds with the log: requests with their due times, each beside those on its
matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import life, repeats, understandings
from pipeline.errors import HotlineError
from pipeline.i18n import _

if TYPE_CHECKING:
    from datetime import datetime

    from pipeline.learned import Learned
    from pipeline.log import Log
    from pipeline.rows import CallRow
    from pipeline.settings import Home
    from pipeline.taxonomy import Taxonomy
    from pipeline.types import Request, Turn, Understanding, Urgency

GIST = 40
"""Characters up to which what staff wrote down needs no shorter form."""


def understand_transcript(home: Home, log: Log, transcript_id: int, terms: Taxonomy) -> list[int]:
    """Split and tag a logged transcript, log its requests, and propose repeats."""
    call = log.call_of_transcript(transcript_id)
    found = understood(home, log, call, transcript_id, terms)
    numbers = understandings.save(
        log,
        transcript_id,
        found,
        [answer_due(home, r.urgency, call.started_at, r.due_hint) for r in found.requests],
    )
    for number in numbers:
        note_repeats(home, log, number)
    return numbers


def understood(
    home: Home, log: Log, call: CallRow, transcript_id: int, terms: Taxonomy
) -> Understanding:
    """What a logged transcript asks for; a request about a building that the estate does not have is in
    doubt, and somebody should look at it."""
    from pipeline.understand import understand

    found = understand(
        log.turns(transcript_id),
        call.started_at,
        terms,
        learned=learned_of(home),
        phone=call.caller_phone,
    )
    known = {name.upper() for name in home.settings.estate.buildings}
    if not known:
        return found
    requests = tuple(
        replace(one, review=True)
        if one.place.building and one.place.building.upper() not in known
        else one
        for one in found.requests
    )
    return replace(found, requests=requests)


def learned_of(home: Home | None) -> Learned | None:
    """The model that `hotline learn` made for this home, read once; None to use the package's.

    Raises:
        HotlineError: the file is there and cannot be read.
    """
    if home is None or not home.learned.exists():
        return None
    return _learned(home.learned, home.learned.stat().st_mtime_ns)


@lru_cache(maxsize=1)
def _learned(path: Path, _changed: int) -> Learned:
    import zipfile

    from pipeline import learned

    try:
        return learned.load(path)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise HotlineError(
            _("{file} cannot be read ({error}). Make it again with: hotline learn").format(
                file=path, error=error
            )
        ) from error


def read_words(home: Home, words: str, at: datetime) -> tuple[Turn, Request]:
    """What staff wrote down as one request: the words as a turn, and what they are understood to ask.

    `at` is when it was said; a short text is its own gist.
    """
    from pipeline import taxonomy
    from pipeline.types import Piece, Turn
    from pipeline.understand import tell

    turn = Turn("resident", words, 0.0, 0.0)
    terms, model = taxonomy.load(home.taxonomy), learned_of(home)
    told = tell([Piece(0, 0, len(words))], [turn], at, terms, learned=model)
    return turn, replace(told, gist=words if len(words) <= GIST else told.gist, review=False)


def answer_due(
    home: Home, urgency: Urgency, started_at: datetime, hint: datetime | None = None
) -> datetime:
    """When the answer to a request of a call is due, by the office's limits."""
    from pipeline import due

    limits = due.Limits(
        home.settings.due.critical_minutes,
        home.settings.due.urgent_hours,
        home.settings.due.routine_working_days,
        frozenset(home.settings.due.holidays),
        frozenset(home.settings.due.workdays),
    )
    return due.due(urgency, started_at, hint, limits)


def note_repeats(home: Home, log: Log, number: int) -> None:
    """Mark a request as the repeat of an earlier one, and those of later calls as its own: calls do not
    always come into the log in the order in which they were made."""
    days = home.settings.repeats.days
    for one in (number, *repeats.find_later(log, number, days=days)):
        earlier = repeats.find_repeats(log, one, days=days)
        if earlier:
            _note_repeat(home, log, one, earlier)


def _note_repeat(home: Home, log: Log, number: int, earlier: Sequence[int]) -> None:
    """Link a request to the first on its matter; the third call makes it urgent."""
    row = log.request(number)
    if row.repeat_of != earlier[0]:
        repeats.link_repeat(log, number, earlier[0])
    # Calls are counted, not requests: one call may tell of the matter twice.
    calls = len({log.request(other).call_id for other in earlier} - {row.call_id}) + 1
    if calls >= 3 and row.urgency == "routine" and row.closed_at is None:
        life.retag(
            log,
            number,
            "urgency",
            "urgent",
            by="rule",
            why=_("call number {n} on this matter").format(n=calls),
            due_at=answer_due(home, "urgent", row.started_at, row.due_hint),
        )
