"""What a search found, as staff see it: the hits, how many there are, and what would be found instead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from pipeline.forms import clock, play_command
from pipeline.i18n import _, plural
from pipeline.screen import console, label, place_text, urgency, when_text

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from pipeline.nearest import Nearest
    from pipeline.search import Answer, Hit
    from pipeline.taxonomy import Names


def print_answer(answer: Answer, names: Names, zone: ZoneInfo) -> None:
    """The hits, then how many there are of which category and urgency."""
    print_hits(answer.hits, names, zone)
    click.echo()
    click.echo(counts_text(answer, names))
    n = len(answer.hits)
    if not answer.complete:
        click.echo(
            _("A common word: there is more, and these are the newest. All: --limit 0, --counts.")
        )
    elif n < answer.requests + answer.calls:
        click.echo(_("The first {n} are shown; all with: --limit 0").format(n=n))
    if answer.unlikely:
        click.echo(
            plural(
                "{n} more place sounds a little like it, probably by chance: --limit 0 shows it.",
                "{n} more places sound a little like it, probably by chance: --limit 0 shows them.",
                answer.unlikely,
            ).format(n=answer.unlikely)
        )


def counts_text(answer: Answer, names: Names) -> str:
    """Found: 12 requests (critical 1, routine 11; medical 9, care 3), 2 calls outside of requests."""
    parts = []
    if answer.requests:
        levels = [f"{label(names, 'urgency', k)} {n}" for k, n in answer.by_urgency.items()]
        kinds = [f"{label(names, 'category', k)} {n}" for k, n in answer.by_category.items()]
        parts.append(
            plural("{n} request", "{n} requests", answer.requests).format(n=answer.requests)
            + _(" ({levels}; {kinds})").format(
                levels=_(", ").join(levels), kinds=_(", ").join(kinds)
            )
        )
    if answer.calls:
        parts.append(
            plural(
                "{n} call outside of its requests",
                "{n} calls outside of their requests",
                answer.calls,
            ).format(n=answer.calls)
        )
    if not parts:
        return _("Found: nothing.")
    said = _("Found: {what}").format(what=_(", ").join(parts))
    if answer.by_sound:
        said += _("; ") + _("{n} of them only sound alike").format(n=answer.by_sound)
    return _("{said}.").format(said=said)


def nothing_text(
    query: str, asked: Mapping[str, Any], near: Sequence[Nearest], n_calls: int
) -> list[str]:
    """What was searched in vain, and what would be found, with the command for each."""
    used = [name for name, value in asked.items() if value not in (None, False)]
    where = plural("{n} call", "{n} calls", n_calls).format(n=n_calls)
    lines = [
        _('Nothing was found for "{words}" in {where}.').format(words=query, where=where),
        _("Searched: every word said and the gists of requests, in both scripts, and by sound."),
    ]
    if used:
        said = _(", ").join("--" + name.replace("_", "-") for name in used)
        lines.append(_("Only what passes these filters: {names}.").format(names=said))
    from pipeline.nearest import FEW

    if not near:
        lines.append(_("See everything that is unanswered with: hotline open"))
        return lines
    lines.append(_("The nearest that would be found:"))
    reasons = {
        "aside": _("among the words that were set aside: add --all"),
        "filters": _("without the filters"),
        "fewer": _("with fewer words"),
        "similar": _("a word much like it"),
        "part": _("a part of it"),
    }
    for one in near:
        command = f"hotline search {shell_quoted(one.query)}" + (
            " --all" if one.why == "aside" else ""
        )
        n = _("{n} and more").format(n=one.n) if one.n >= FEW else str(one.n)
        lines.append(f"  {command}   ({n}; {reasons[one.why]})")
    return lines


def shell_quoted(query: str) -> str:
    """A query as it can be typed behind a command, in PowerShell and in any Unix shell."""
    if '"' in query:
        return "'" + query.replace("'", "") + "'"
    return f'"{query}"' if set(query) & set(" '$`!&|<>()*?;#\\") else query


def print_hits(hits: Sequence[Hit], names: Names, zone: ZoneInfo) -> None:
    from rich.text import Text

    shown = console()
    for hit in hits:
        head = Text()
        if hit.request is not None:
            head.append(_("No. {n}").format(n=hit.request), style="bold")
            head.append("  ")
            head.append_text(urgency(hit.urgency or "", names))
            head.append(f"  {label(names, 'category', hit.category or '')}")
        else:
            head.append(_("Call {n}, in no request").format(n=hit.call), style="bold")
        place = place_text(hit.place) if hit.place is not None else ""
        head.append(f"  {place}  {when_text(hit.started_at, zone)}")
        command = play_command(hit)
        if command:
            head.append(f"  {command}", style="dim")
        shown.print(head)
        if hit.gist and all(part.where != "gist" for part in hit.hits):
            shown.print(Text(f"    {hit.gist}", style="dim"))
        for part in hit.hits:
            line = Text(f"    {clock(part.start)}  ")
            line.append(part.marked)
            if part.where == "gist":
                line.append("  " + _("(gist)"), style="dim")
            if part.where == "aside":
                line.append("  " + _("(set aside as not said)"), style="dim")
            if part.how == "sound":
                line.append("  " + _("(sounds alike)"), style="dim")
            shown.print(line)
        if hit.more:
            shown.print(Text("    " + _("and {n} more places").format(n=hit.more), style="dim"))
