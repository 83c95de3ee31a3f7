"""The commands `hotline search` and `hotline play`: parse, call one function, show."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import click

from pipeline import answers, forms, screen
from pipeline.errors import UsageProblem
from pipeline.i18n import _
from pipeline.session import (
    Session,
    as_option,
    csv_option,
    emit,
    json_option,
    pass_session,
    unmask_option,
)
from pipeline.types import SPEAKERS


@click.command(
    "search",
    help=_("Find words in the calls, and the requests that they belong to.\n\n")
    + _(
        "Several words may stand in any order; '\"together like this\"', -without, one OR other. Both "
        "scripts, figures or Chinese numerals; what only sounds alike follows, marked.\n\n"
    )
    + _("Example: hotline search 胰岛素 --urgency critical"),
    # So that -垃圾 reaches us as a word.
    context_settings={"ignore_unknown_options": True},
)
@click.argument("words", nargs=-1, required=True)
@click.option("--category", metavar="NAME", help=_("Only this category, such as medical."))
@click.option("--kind", metavar="NAME", help=_("Only this kind, such as help."))
@click.option("--urgency", metavar="NAME", help=_("Only this urgency: critical, urgent, routine."))
@click.option("--status", metavar="NAME", help=_("Only this status, such as open."))
@click.option("--place", metavar="TEXT", help=_("Only this place: 2号楼501."))
@click.option("--building", metavar="N", help=_("Only this building."))
@click.option("--caller", metavar="TEXT", help=_("Part of the caller's number or name."))
@click.option(
    "--speaker", type=click.Choice(SPEAKERS), help=_("Only what residents, or staff, said.")
)
@click.option("--needs-listening", is_flag=True, help=_("Only where somebody must still listen."))
@click.option("--since", metavar="DATE", help=_("Calls from this day on: 2026-11-23, 上周, today."))
@click.option("--until", metavar="DATE", help=_("Calls up to and with this day."))
@click.option("--on", "day", metavar="DATE", help=_("Calls of this day, or week: 昨天, 2026-W47."))
@click.option("--all", "aside", is_flag=True, help=_("Also words that were set aside as not said."))
@click.option("--exact", is_flag=True, help=_("Without what only sounds alike."))
@click.option(
    "--sort", type=click.Choice(["best", "newest", "urgent"]), default="best", show_default=True
)
@click.option(
    "--limit", type=click.IntRange(0), default=20, show_default=True,
    help=_("At most so many; 0: all."),
)  # fmt: skip
@click.option("--counts", is_flag=True, help=_("Only how many, by category and urgency."))
@unmask_option
@as_option
@json_option
@csv_option
@pass_session
def search(
    session: Session, /, words: tuple[str, ...], since: str | None, until: str | None,
    day: str | None, exact: bool, limit: int, counts: bool, unmask: bool, actor: str | None,
    as_json: bool, as_csv: bool, **asked: Any,
) -> None:  # fmt: skip
    from pipeline import veil
    from pipeline.masks import mask_text
    from pipeline.search import ask

    for word in words:
        if word.startswith("--") and len(word) > 2 and word.isascii():
            raise click.NoSuchOption(word, ctx=click.get_current_context())
    query = query_of(words)
    if not query.strip():
        raise UsageProblem(_("Say what to look for: hotline search 电梯"))
    for what in ("category", "kind", "urgency", "status"):
        asked[what] = code_of(session, what, asked[what])
    first, last = span_of(session, day or since, day or until)
    asked |= {"since": first, "until": last}
    answer = ask(
        session.log, query, by_sound=not exact, limit=0 if counts else limit,
        passages=3 if limit else 0, counts_only=counts, **asked,
    )  # fmt: skip
    if unmask:
        session.record_unmasking("search", actor, words=query)
    else:
        answer = veil.answer(session.log, answer)
    if counts and as_json:
        click.echo(forms.json_line(forms.counts_dict(answer)))
    elif counts:
        click.echo(answers.counts_text(answer, session.names))
    elif as_json or as_csv:
        emit([forms.hit_dict(hit) for hit in answer.hits], as_csv)
    elif answer.hits:
        answers.print_answer(answer, session.names, session.home.settings.zone)
    elif not session.log.last_recording_id() and not session.log.count_calls():
        click.echo(screen.nothing_came(session.home))
    else:
        from pipeline.nearest import nearest

        asked.pop("sort")
        near = [
            one
            for one in nearest(session.log, query, **asked)
            if unmask or mask_text(one.query) == one.query
        ]
        for line in answers.nothing_text(query, asked, near, session.log.count_calls()):
            click.echo(line)


def query_of(words: tuple[str, ...]) -> str:
    """The query from the shell's words: of several, one with spaces inside was in quotes there."""
    if len(words) == 1:
        return words[0]
    parts = []
    for word in words:
        minus, rest = ("-", word[1:]) if word.startswith("-") else ("", word)
        inside = " " in rest and not set(rest) & set('"“”')
        parts.append(f'{minus}"{rest}"' if inside else word)
    return " ".join(parts)


def code_of(session: Session, what: str, said: str | None) -> str | None:
    """The code of a category, kind, urgency or status, given as its code or its name in any language.

    Raises:
        UsageProblem: neither the office's list nor the log knows it.
    """
    if said is None:
        return None
    from pipeline.story import tag_name

    named = screen.codes(session.names, what)
    for code, names in named.items():
        if said.casefold() in (name.casefold() for name in (code, *names)):
            return code
    if said in session.log.codes(what):  # of a list that was changed since
        return said
    raise UsageProblem(
        _("There is no {what} {said}; there are: {codes}").format(
            what=tag_name(what), said=said, codes=screen.offered(session.names, what)
        )
    )


def span_of(
    session: Session, since: str | None, until: str | None
) -> tuple[datetime | None, datetime | None]:
    """The moments from which and before which, as days in the office's zone."""
    if not since and not until:
        return None, None
    from pipeline import dates

    zone = session.home.settings.zone
    today = session.now().date()
    start = dates.parse_period(since, today)[0] if since else None
    end = dates.parse_period(until, today)[1] if until else None
    midnight = datetime.min.time()
    return (
        datetime.combine(start, midnight, zone) if start else None,
        datetime.combine(end, midnight, zone) if end else None,
    )


@click.command(
    "play",
    help=_("Play what was said: a request, what must be listened to, or a place in a call.\n\n")
    + _("Example: hotline play 12   or: hotline play L17   or: hotline play --call 3 --at 1:05"),
)
@click.argument("number", required=False, metavar="[ID|L..|R..]")
@click.option("--call", "call_id", type=int, metavar="N", help=_("A call instead."))
@click.option("--at", metavar="M:SS", help=_("From this moment of the call on."))
@click.option(
    "--to", "--save", type=click.Path(path_type=Path), metavar="FILE",
    help=_("Write it there (.wav, .m4a, .mp3, .opus) instead of playing it."),
)  # fmt: skip
@pass_session
def play(
    session: Session, /, number: str | None, call_id: int | None, at: str | None, to: Path | None
) -> None:
    from pipeline import facts
    from pipeline import play as player

    if (number is None) == (call_id is None):
        raise UsageProblem(_("Say which: hotline play ID, or hotline play --call N."))
    log, home = session.log, session.home
    if to is not None:
        player.refuse(home, to)
    if number is None or number.isdecimal():
        request = None if number is None else int(number)
        clip = player.clip_of(log, home, request, call_id, moment(at))
    else:
        spans, recordings = facts.read_listening([number])
        clip = (
            player.clip_of_span(log, home, spans[0])
            if spans
            else player.clip_of_recording(log, home, recordings[0])
        )
    path = player.write(clip, to or player.scratch(home))
    if to is not None:
        click.echo(_("Written to {file}.").format(file=path))
    elif not player.start(path, home.settings.play.command):
        click.echo(_("No player was found here; open {file}.").format(file=path))


def moment(text: str | None) -> float | None:
    """1:05, 0:01:05 or 65 as seconds.

    Raises:
        UsageProblem: it is no such time.
    """
    if text is None:
        return None
    try:
        parts = [float(part) for part in text.replace("：", ":").split(":")]
    except ValueError:
        parts = []
    if not 1 <= len(parts) <= 3 or min(parts) < 0:
        raise UsageProblem(_("{text} is no time in a call; write it as 1:05.").format(text=text))
    seconds = 0.0
    for part in parts:
        seconds = seconds * 60 + part
    return seconds
