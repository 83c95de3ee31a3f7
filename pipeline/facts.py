"""What staff type of a request (its place, when it is due, where in a call), read."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any

import click

from pipeline.errors import UsageProblem
from pipeline.i18n import _
from pipeline.session import (
    Session,
)
from pipeline.types import Place

if TYPE_CHECKING:
    pass

END_OF_DAY = time(17, 0)
"""When an answer is due that was promised for a day."""

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def facts_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say what a request is, for `correct`, `add`, `heard` and `split`."""
    options: tuple[Decorator, ...] = (
        click.option("--category", metavar="CODE", help=_("Such as medical, or its name.")),
        click.option("--kind", metavar="CODE", help=_("Such as help or complaint, or its name.")),
        click.option("--urgency", metavar="CODE", help=_("critical, urgent or routine.")),
        click.option("--place", metavar="PLACE", help=_("Such as 2-501, 2-3-501 or 2号楼501室.")),
        click.option("--phone", metavar="NUMBER", help=_("The number to call back.")),
        click.option("--caller", metavar="NAME", help=_("Who asks.")),
        click.option("--due", metavar="TIME", help=_("By when: 11-25, 明天, 2026-11-25 15:00.")),
        click.option("--promised", metavar="TIME", help=_("By when something was promised.")),
    )
    for option in reversed(options):
        function = option(function)
    return function


def read_facts(session: Session, facts: Mapping[str, str | None]) -> dict[str, Any]:
    """The options of `facts_options` that were given, as values for `life.correct`.

    Raises:
        UsageProblem: a code, a place or a time that is none, with the nearest right one.
    """
    given = {name: value.strip() for name, value in facts.items() if value is not None}
    values: dict[str, Any] = {}
    for name, text in given.items():
        if not text:
            raise UsageProblem(_("--{option} is empty.").format(option=name))
        if name in ("category", "kind", "urgency"):
            values[name] = read_code(session, name, text)
        elif name == "place":
            values[name] = read_place(session, text)
        elif name in ("due", "promised"):
            values[name] = read_due(text, session.now())
        else:
            values[name] = text
    return values


def read_code(session: Session, what: str, text: str) -> str:
    """A category's, kind's or urgency's code, from the code or one of its names."""
    from pipeline import screen
    from pipeline.story import tag_name

    session.home  # noqa: B018 (whose taxonomy it is)
    names = session.names
    labels = {"category": names.categories, "kind": names.kinds, "urgency": names.urgencies}[what]
    known = {
        said.lower(): code
        for code, label in labels.items()
        for said in (code, label.name, label.english)
    }
    if text.lower() in known:
        return known[text.lower()]
    near = difflib.get_close_matches(text.lower(), known, n=1)
    hint = _('Did you mean "{near}"?').format(near=near[0]) if near else ""
    raise UsageProblem(
        _('There is no {what} "{text}". {hint} There are: {codes}.')
        .format(what=tag_name(what), text=text, hint=hint, codes=screen.offered(names, what))
        .replace("  ", " ")
    )


def read_place(session: Session, text: str) -> Place:
    """A place as people write it: 2-501, 2-3-501, 12弄2号楼501室."""
    from pipeline.script import fold

    parts = [part for part in re.split(r"[-/\s]+", fold(text).upper().strip()) if part]
    if all(re.fullmatch(r"[A-Z]?[0-9]{1,5}[A-Z]?", part) for part in parts):
        if len(parts) == 1:
            return Place(building=parts[0])
        if len(parts) == 2:
            return Place(building=parts[0], room=parts[1])
        if len(parts) == 3:
            return Place(building=parts[0], unit=parts[1], room=parts[2])
        if len(parts) == 4:
            return Place(*parts)
    from pipeline import meaning

    place = meaning.read_words(session.home, text, session.now())[1].place
    if not place:
        raise UsageProblem(
            _('"{text}" is no place. Write for example: 2-501, 2-3-501 or 2号楼501室.').format(
                text=text
            )
        )
    return place


def read_due(text: str, now: datetime) -> datetime:
    """A day (its end of work) or a day with a time, today or later."""
    from pipeline import dates

    match = re.fullmatch(r"(.*?)[\sT]*(?:(\d{1,2})[:：](\d{2}))?", text.strip())
    day_text, hour, minute = match.groups() if match else (text, None, None)
    day = dates.parse_day(day_text, now.date()) if day_text else now.date()
    at = None
    if hour and minute and int(hour) < 24 and int(minute) < 60:
        at = time(int(hour), int(minute))
    if hour and at is None:
        raise UsageProblem(_('"{text}" is no time. Write for example: 15:00.').format(text=text))
    moment = datetime.combine(day, at or END_OF_DAY, now.tzinfo)
    # A log looks back and takes 11-25 for the last one; what is due lies ahead.
    if moment < now - timedelta(days=1) and re.fullmatch(r"\d{1,2}[-/.月]\d{1,2}[日号]?", day_text):
        moment = moment.replace(year=moment.year + 1)
    if moment < now:
        raise UsageProblem(
            _("{when} is over; say when the answer is due from now on.").format(
                when=f"{moment:%Y-%m-%d %H:%M}"
            )
        )
    return moment


def read_moment(text: str) -> float:
    """Seconds into a call, from 1:05, 1:02:05 or 65.

    Raises:
        UsageProblem: it is none of these.
    """
    if not re.fullmatch(r"\d+(?:[:：][0-5]?\d){0,2}(?:\.\d+)?", text):
        raise UsageProblem(
            _('"{text}" is no time in a call. Write for example: 1:05.').format(text=text)
        )
    seconds = 0.0
    for part in re.split(r"[:：]", text):
        seconds = seconds * 60 + float(part)
    return seconds


def read_stretch(text: str) -> tuple[float, float]:
    """From when to when in a call: 1:05-1:20."""
    ends = re.split(r"\s*(?:-|–|~|至|到)\s*", text.strip())
    if len(ends) != 2 or read_moment(ends[0]) >= read_moment(ends[1]):
        raise UsageProblem(
            _('"{text}" does not say from when to when. Write for example: 1:05-1:20.').format(
                text=text
            )
        )
    return read_moment(ends[0]), read_moment(ends[1])


def read_listening(numbers: Sequence[str]) -> tuple[list[int], list[int]]:
    """Numbers as `open` shows what waits for an ear: L17 is a stretch, R5 a recording.

    Raises:
        UsageProblem: something else.
    """
    spans: list[int] = []
    recordings: list[int] = []
    for text in numbers:
        match = re.fullmatch(r"([LR])(\d{1,15})", text.strip().upper())
        if not match:
            raise UsageProblem(
                _('"{text}" is no number of what waits for an ear (L17, R5): hotline open').format(
                    text=text
                )
            )
        (spans if match[1] == "L" else recordings).append(int(match[2]))
    return spans, recordings
