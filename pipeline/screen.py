"""What staff see in the terminal: tables, calls with their requests marked, and plain sentences."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipeline.errors import ModelMissing
from pipeline.forms import clock, is_overdue, play_command, told
from pipeline.i18n import _, colon, language, plural
from pipeline.masks import SIGN, mask_paths, mask_text
from pipeline.states import recording_state, request_state
from pipeline.types import REQUEST_STATES

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from rich.console import Console, RenderableType
    from rich.text import Text

    from pipeline.aside import Aside
    from pipeline.calls import TextCall
    from pipeline.log import Log
    from pipeline.nearest import Nearest
    from pipeline.process import Ingested
    from pipeline.rows import RecordingRow, RequestRow
    from pipeline.search import Answer, Hit
    from pipeline.settings import Home
    from pipeline.taxonomy import Names
    from pipeline.trial import Heard
    from pipeline.types import Place, Understanding

URGENCY_STYLE = {"critical": "bold white on red", "urgent": "bold yellow", "routine": ""}
URGENCY_SIGN = {"critical": "!!", "urgent": "!", "routine": " "}
"""Beside the colour, so that the level is seen without it."""


def label(names: Names, what: str, code: str) -> str:
    """A category's, kind's or urgency's name in the language spoken; an unknown code as it is."""
    labels = {"category": names.categories, "kind": names.kinds, "urgency": names.urgencies}[what]
    if code not in labels:  # the office changed its taxonomy since
        return code
    return labels[code].name if language() == "zh_CN" else labels[code].english


def place_text(place: Place) -> str:
    """2-3-501; with the lane in front where one was said."""
    inner = "-".join(p for p in (place.building, place.unit, place.room) if p)
    if place.lane:
        return _("lane {lane}").format(lane=place.lane) + (f" {inner}" if inner else "")
    return inner


def due_text(due_at: datetime | None, now: datetime) -> str:
    """How soon, in the largest unit that says it."""
    if due_at is None:
        return ""
    seconds = (due_at - now).total_seconds()
    late = seconds < 0
    minutes = abs(seconds) / 60
    if minutes < 90:
        span = _("{n:.0f} min").format(n=minutes)
    elif minutes < 48 * 60:
        span = _("{n:.0f} h").format(n=minutes / 60)
    else:
        span = _("{n:.0f} days").format(n=minutes / 1440)
    return _("late by {span}").format(span=span) if late else _("in {span}").format(span=span)


def weekdays_text(row: RequestRow) -> str:
    """That holidays are not counted in, where the calendar of them ends before the answer is due."""
    from pipeline.dates import calendar_covers

    if row.urgency != "routine" or row.due_at is None or calendar_covers(row.due_at.date()):
        return ""
    return _("(by weekdays: the holidays of {year} are not known yet)").format(year=row.due_at.year)


def when_text(moment: datetime | None, zone: ZoneInfo) -> str:
    return moment.astimezone(zone).strftime("%m-%d %H:%M") if moment else ""


FIRST = 100
"""So many requests stand on a screen unless all are asked for."""


def requests_table(
    rows: Sequence[RequestRow], names: Names, zone: ZoneInfo, now: datetime,
    hide: Callable[[str], str] = mask_text,
) -> RenderableType:  # fmt: skip
    """Requests for a terminal: the levels coloured, what is late in red, the last column broken to fit."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from pipeline.wrapped import Wrapped

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for n, name in enumerate(_heads()):
        table.add_column(name, justify="left" if n else "right", no_wrap=n < 6, overflow="fold")
    for row in rows:
        number, _level, due, *rest = _cells(row, names, zone, now, hide)
        style = "red" if row.closed_at is None and is_overdue(row, now) else ""
        *middle, what = rest
        table.add_row(
            number,
            urgency(row.urgency, names),
            Text(due, style=style),
            *map(Text, middle),
            Wrapped(what),
        )
    return table


def _heads() -> tuple[str, ...]:
    return (_("No."), _("Urgency"), _("Due"), _("Where"), _("Category"), _("Called"), _("What"))


def _cells(
    row: RequestRow, names: Names, zone: ZoneInfo, now: datetime, hide: Callable[[str], str]
) -> tuple[str, ...]:
    what = hide(row.gist)
    if row.repeat_of:
        what += " " + _("(again: {n})").format(n=row.repeat_of)
    if row.calls > 1:
        what += " " + _("({n} calls)").format(n=row.calls)
    if row.assignee and row.closed_at is None:
        what += f" → {row.assignee}"
    return (
        str(row.number),
        level_text(row.urgency, names),
        due_text(row.due_at, now) if row.closed_at is None else request_state(row.status),
        place_text(row.place),
        label(names, "category", row.category),
        when_text(row.started_at, zone),
        what,
    )


def print_requests(
    rows: Sequence[RequestRow], names: Names, zone: ZoneInfo, now: datetime,
    hide: Callable[[str], str] = mask_text,
) -> None:  # fmt: skip
    """Requests as a table; in a pipe a line each, never broken or cut, so that `grep` finds all. So
    are thousands on a screen, for which a table would take half a minute."""
    if sys.stdout.isatty() and len(rows) <= 10 * FIRST:
        console().print(requests_table(rows, names, zone, now, hide))
        return
    from pipeline.pages import width

    cells = [_heads(), *(_cells(row, names, zone, now, hide) for row in rows)]
    widths = [max(map(width, column)) for column in zip(*cells, strict=True)]
    lines = [
        "  ".join(
            cell + " " * (wide - width(cell)) for cell, wide in zip(line, widths, strict=True)
        )
        for line in cells
    ]
    click.echo("\n".join(line.rstrip() for line in lines))


def urgency(level: str, names: Names) -> Text:
    """The level with its sign, coloured; where the danger is to life, the number to call as well."""
    from rich.text import Text

    return Text(level_text(level, names), style=URGENCY_STYLE.get(level, ""))


def level_text(level: str, names: Names) -> str:
    return f"{URGENCY_SIGN.get(level, '')} {label(names, 'urgency', level)}".strip()


def state_counts(states: Mapping[str, int]) -> str:
    return " · ".join(f"{n} {recording_state(state)}" for state, n in states.items() if n)


def recording_text(row: RecordingRow) -> str:
    """Where a file stands, in one line; a name that holds a line's end is no two."""
    said = f"R{row.id}  {recording_state(row.state)}  {row.path}"
    return " ".join(mask_paths(said + (f"  {row.reason}" if row.reason else "")).splitlines())


def console() -> Console:
    """Where text for people goes: rich's console, which knows NO_COLOR and pipes. What callers said, and
    how recorders name files ([王芳]_138….wav), is no markup."""
    from rich.console import Console

    shown = Console(highlight=False, markup=False, emoji=False)
    if not shown.is_terminal:
        # A pipe has no width: do not cut what `grep` should find.
        shown = Console(highlight=False, markup=False, emoji=False, width=200)
    return shown


def nothing_came(home: Home) -> str:
    """What to do where no call was ever taken in."""
    return _(
        "No recording has come yet. Drop some into {folder}, then run: hotline ingest (once), or "
        "hotline watch (as they come)."
    ).format(folder=home.recordings)


FAILURES = 10
"""How many of what failed are told, each in a line; of the rest only how many."""


def ingested_text(done: Ingested) -> list[str]:
    lines = [
        _("{seen} files seen, {new} new; {requests} new requests.").format(
            seen=done.seen, new=done.new, requests=done.requests
        ),
        state_counts(done.states),
    ]
    failed = done.failed_now
    lines += [_("Failed: {reason}").format(reason=reason) for _path, reason in failed[:FAILURES]]
    if len(failed) > FAILURES:
        lines.append(_("and {n} more").format(n=len(failed) - FAILURES))
    if done.waiting_for:
        lines.append(done.waiting_for)
    return [line for line in lines if line]


def waiting_text(log: Log, home: Home, hide: Callable[[str], str] = mask_paths) -> list[str]:
    """What is not on the list of requests and yet waits for somebody, a line each; `hide` is for the
    names of files, into which recorders write numbers."""
    from pipeline.standing import unheard_recordings

    lines = []
    unheard = log.needs_listening()
    if unheard:
        seconds = sum(span.end - span.start for span in unheard)
        lines.append(
            plural(
                "{n} stretch of speech ({time}) was not understood; somebody must listen:",
                "{n} stretches of speech ({time}) were not understood; somebody must listen:",
                len(unheard),
            ).format(n=len(unheard), time=clock(seconds))
        )
        lines += [
            f"  L{span.id}  {hide(Path(span.recording).name) if span.recording else span.call_id}"
            f"  {clock(span.start)}–{clock(span.end)}"
            for span in unheard[:10]
        ]
        if len(unheard) > 10:
            lines.append("  " + _("and {n} more").format(n=len(unheard) - 10))
        lines.append(
            "  "
            + _(
                'Listen with: hotline play L{n}, then: hotline heard L{n} (--what "…" for a request)'
            ).format(n=unheard[0].id)
        )
    said = {
        "failed": _("Failed, tried again at the next ingest"),
        "silent": _("No speech found; somebody should listen"),
        "unsupported": _("Cannot be heard"),
    }
    for state, text in said.items():
        rows = unheard_recordings(log, state)
        lines += [
            f"{text}{colon()}R{row.id} {hide(row.reason or Path(row.path).name)}"
            for row in rows[:10]
        ]
        if len(rows) > 10:
            lines.append("  " + _("and {n} more").format(n=len(rows) - 10))
    states = log.states()
    waiting = states.get("received", 0) + states.get("transcribed", 0)
    if waiting:
        lines.append(
            plural(
                "{n} recording waits to be heard: hotline ingest",
                "{n} recordings wait to be heard: hotline ingest",
                waiting,
            ).format(n=waiting)
        )
        from pipeline import models

        try:
            home.settings.hearing.model or models.best(home.models)
        except ModelMissing as missing:
            lines.append(str(missing))
    if states.get("arriving"):
        lines.append(
            plural(
                "{n} file is still being copied; the next ingest takes it.",
                "{n} files are still being copied; the next ingest takes them.",
                states["arriving"],
            ).format(n=states["arriving"])
        )
    return lines


def codes(names: Names, what: str) -> dict[str, tuple[str, ...]]:
    """The codes of what a search can be narrowed to, each with its names for people."""
    if what == "status":
        return {state: (state.replace("_", " "), request_state(state)) for state in REQUEST_STATES}
    labels = {"category": names.categories, "kind": names.kinds, "urgency": names.urgencies}[what]
    return {code: (one.name, one.english) for code, one in labels.items()}


def offered(names: Names, what: str) -> str:
    """What a search or a correction may name: in Chinese by name, else by code; both are taken."""
    chinese = language() == "zh_CN"
    return _(", ").join(said[-1 if what == "status" else 0] if chinese else code
                        for code, said in codes(names, what).items())  # fmt: skip


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


def print_request(
    log: Log, number: int, names: Names, zone: ZoneInfo, now: datetime, words: Sequence[str] = ()
) -> None:
    """A request in its call: its words marked, the reasons for its tags, its story."""
    from rich.text import Text

    from pipeline import story

    row = log.request(number)
    shown = console()
    head = Text()
    head.append(_("No. {n}").format(n=row.number), style="bold")
    head.append("  ")
    head.append_text(urgency(row.urgency, names))
    head.append(f"  {label(names, 'category', row.category)} · {label(names, 'kind', row.kind)}")
    head.append(f"  {request_state(row.status)}")
    if row.assignee:
        head.append(f" → {row.assignee}")
    shown.print(head)
    shown.print(row.gist)
    every = log.tags(number)
    tags = [tag for tag in every if tag.current]
    facts_told = {name: "; ".join(values) for name, values in told(every).items()}
    said = next((tag.value for tag in tags if tag.tag == "words"), "")
    merged = [other.number for other in log.merged_into(number)]
    met = dict.fromkeys(row.ticked, "✓ ")
    due = due_text(row.due_at, now) if row.closed_at is None else ""
    promised_by = when_text(row.undertaking_due, zone) if row.undertaking_due else ""
    masked = row.phone is not None and SIGN in row.phone
    whole = "  " + _("(whole: hotline show {n} --unmask)").format(n=number) if masked else ""
    facts = {
        _("Where"): place_text(row.place),
        _("Caller"): " ".join(p for p in (row.caller_name, row.phone) if p) + whole,
        _("Called"): when_text(row.started_at, zone),
        _("Due"): f"{when_text(row.due_at, zone)}  {due}  {weekdays_text(row)}".strip(),
        _("Who it is about"): facts_told["people"],
        _("Medicines"): facts_told["medicines"],
        _("Quantities"): facts_told["quantities"],
        _("Identity number"): facts_told["identity"],
        _("Promised"): "  ".join(filter(None, (row.undertaking, promised_by))),
        _("Asked first"): _("; ").join(
            f"{n}. {met.get(what, '')}{what}" for n, what in enumerate(row.conditions, 1)
        ),
        _("Really said"): said,
        _("Again"): _("repeats No. {n}").format(n=row.repeat_of) if row.repeat_of else "",
        _("Calls"): _("{calls}, with No. {others}").format(
            calls=row.calls, others=", ".join(map(str, merged))
        )
        if merged
        else "",
        _("Merged"): _("into No. {n}").format(n=row.merged_into) if row.merged_into else "",
        _("Recording"): Path(row.recording).name if row.recording else "",
        _("In doubt"): _(
            "listen to it, then say what is right: hotline play {n}   hotline correct {n} …"
        ).format(n=row.number)
        if row.review and row.closed_at is None
        else "",
    }
    for name, value in facts.items():
        if value:
            shown.print(Text(f"  {name}{colon()}", style="dim").append(value, style="not dim"))
    if row.urgency == "critical":
        shown.print(Text("  " + _("Life or limb: call 110, 119 or 120 first."), style="bold red"))
    marks = [
        (tag.turn, tag.start_char, tag.end_char)
        for tag in tags
        if tag.turn is not None and tag.start_char is not None and tag.end_char is not None
    ]
    shown.print()
    mine = {piece.turn for piece in log.request_text(number)}
    print_turns(log, row.call_id, marks, mine, words)
    reasons = [tag for tag in tags if tag.tag in ("category", "kind", "urgency")]
    if reasons:
        shown.print()
        shown.print(Text(_("Why"), style="bold"))
        for tag in reasons:
            because = f"「{tag.words}」" if tag.words else (tag.why or "")
            by = tag.who if tag.by == "staff" else {"rule": _("rule"), "model": _("model")}[tag.by]
            said = f"  {label(names, tag.tag, tag.value)}{colon()}{because}"
            shown.print(said + _(" ({who})").format(who=by))
    shown.print()
    shown.print(Text(_("Story"), style="bold"))
    for event in log.story(number):
        shown.print(f"  {when_text(event.at, zone)}  {event.who}  {story.told(event, names)}")


def print_call(log: Log, call_id: int, zone: ZoneInfo, words: Sequence[str] = ()) -> None:
    """A call with what could not be decoded of it, turn by turn."""
    from rich.text import Text

    call = log.call(call_id)
    shown = console()
    name = Path(call.recording).name if call.recording else call.external_id or ""
    shown.print(f"{_('Call {n}').format(n=call.id)}  {when_text(call.started_at, zone)}  {name}")
    for problem in call.problems:
        shown.print(Text(f"! {problem}", style="bold"))
    shown.print()
    print_turns(log, call_id, [], set(), words)


def print_turns(
    log: Log, call_id: int, marks: Sequence[tuple[int, int, int]], mine: set[int],
    words: Sequence[str] = (),
) -> None:  # fmt: skip
    """The call turn by turn; those of the request carry a bar, the words that decided are bold.

    Beside the words stands what `beside.py` notes; below, whether it is a guess who speaks.
    """
    from rich.text import Text

    from pipeline import aside, veil
    from pipeline.beside import notes
    from pipeline.veil import hide_of
    from pipeline.wrapped import Wrapped

    shown = console()
    transcript = log.current_transcript(call_id)
    if transcript is None:
        return
    hide = hide_of(log)
    asides = veil.asides(log, aside.of_call(log, call_id))
    turns = log.turns(transcript)
    for index, turn in enumerate(turns):
        while asides and asides[0].start < turn.start:
            shown.print(aside_text(asides.pop(0), hide))
        bar = "┃ " if index in mine else "  "
        first = Text(bar, style="cyan")
        first.append(f"{clock(turn.start):>5} ", style="dim not bold")
        first.append(speaker_name(turn.speaker) + colon(), style="dim not bold")
        said = Text(turn.text or _("(not understood; listen)"), style="white")
        for at, start, end in marks:
            if at == index:
                said.stylize("bold underline", start, end)
        line = Text(style="white")
        done = 0
        for note in notes(turn.text, words):
            line.append_text(said[done : note.end_char])
            sign = "?" if note.why == "sounds" else ""
            line.append(f"〔{note.text}{sign}〕", style="dim not bold")
            done = note.end_char
        line.append_text(said[done:])
        shown.print(Wrapped(line, first, Text(f"{bar:<8}", style="cyan")))
    for one in asides:
        shown.print(aside_text(one, hide))
    guesses = [t.speaker_probability for t in turns if t.speaker_probability is not None]
    if guesses:
        sure = sum(guesses) / len(guesses)
        shown.print(
            Text(
                "  "
                + _(
                    "Who speaks is a guess ({percent:.0f} % sure). The other way round: "
                    "hotline flip --call {n}"
                ).format(percent=100 * sure, n=call_id),
                style="dim",
            )
        )


def speaker_name(speaker: str) -> str:
    return {"resident": _("resident"), "staff": _("staff")}.get(speaker, "?")


def aside_text(found: Aside, hide: Callable[[str], str]) -> Text:
    """Words that were set aside, with the number by which `hotline restore` brings them back."""
    from rich.text import Text

    reasons = {
        "phantom": _("heard where nobody spoke"),
        "loop": _("the same again and again"),
        "echo": _("an echo of what it was told to expect"),
        "garbled": _("no words could be made out"),
    }
    why = reasons.get(found.reason, found.reason)
    said = (
        _("set aside as A{n}, {why}").format(n=found.id, why=why)
        if found.restored_at is None
        else _("brought back by {who}").format(who=found.restored_by)
    )
    said = _(" ({who})").format(who=said)
    return Text(f"  {clock(found.start):>5}{said} {hide(found.text)}", style="dim")


def print_heard(heard: Heard, words: Sequence[str] = ()) -> None:
    from pipeline.beside import noted, notes

    click.echo(f"{heard.file}  {clock(heard.duration)}  {heard.transcript.model}")
    for turn in heard.turns:
        click.echo(
            f"  {clock(turn.start)}  {speaker_name(turn.speaker)}{colon()}"
            f"{noted(turn.text, notes(turn.text, words)) or '…'}"
        )
    for problem in heard.problems:
        click.echo(f"  {problem}")


def print_understood(call: TextCall, found: Understanding, names: Names) -> None:
    click.echo(call.id)
    if not found.requests:
        click.echo("  " + _("no request"))
    for request in found.requests:
        click.echo(
            f"  [{label(names, 'urgency', request.urgency)} · "
            f"{label(names, 'category', request.category)}] {request.gist}"
            f"  {place_text(request.place)}"
        )
    if found.needs_listening:
        said = ", ".join(map(str, found.needs_listening))
        click.echo("  " + _("to be listened to: turns {turns}").format(turns=said))


def print_models(folder: Path) -> None:
    from rich import box
    from rich.table import Table

    from pipeline import models

    found = models.available(folder)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for title in (_("Model"), _("Size"), _("Whole"), _("On this computer")):
        table.add_column(title)
    whole = {True: _("yes"), False: _("NO"), None: "–"}
    for file in found:
        said = f"{file.speed} {file.note}".strip()
        table.add_row(file.name, f"{file.size / 1e6:,.0f} MB", whole[file.verified], said)
    console().print(table)
    if not any(file.verified for file in found):
        click.echo(models.how_to_get(folder))


def print_evaluation(results: Sequence[Mapping[str, Any]]) -> None:
    """How good it was, a figure a line, a column for each model and engine that was tried."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("")
    for result in results:
        table.add_column(f"{result['model']} · {result['engine']}", justify="right")
    for name, value in results[0].items():
        if isinstance(value, dict | list) or name in ("model", "engine"):
            continue
        table.add_row(name, *(_figure(result[name]) for result in results))
    for name, group in results[0]["cer_by"].items():
        cells = [_figure(result["cer_by"][name]["cer"]) for result in results]
        table.add_row(f"cer  {name}  ({group['characters']})", *cells)
    for number, one in enumerate(results[0]["by_call"]):
        cells = [_figure(result["by_call"][number]["cer"]) for result in results]
        table.add_row(f"cer  {one['id']}  ({one['characters']})", *cells)
    console().print(table)


def _figure(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, float) else "–" if value is None else str(value)


def print_demo(log: Log, home: Home, now: datetime) -> None:
    """The demonstration's last screen: calls, requests by urgency, a hit, the week, what to try."""

    from pipeline import taxonomy, veil
    from pipeline.report import count, telling, terminal
    from pipeline.search import ask

    zone, names = home.settings.zone, taxonomy.names(home.taxonomy)
    click.echo(state_counts(log.states()))
    click.echo()
    rows = log.open_requests(now)
    console().print(requests_table(rows, names, zone, now))
    for line in waiting_text(log, home):
        click.echo(line)
    click.echo()
    click.secho("$ hotline search 胰岛素", bold=True)
    print_hits(veil.answer(log, ask(log, "胰岛素", limit=1)).hits, names, zone)
    last = max((call.started_at for call in log.calls()), default=now).astimezone(zone).date()
    monday = last - timedelta(days=last.weekday())
    click.echo()
    click.secho(f"$ hotline week {monday:%G-W%V}", bold=True)
    week = count(log, monday, monday + timedelta(days=7), zone, now)
    for line in terminal.head(telling.compose(week, names, home.settings.name)):
        click.echo(line)
    click.echo()
    critical = next((row.number for row in rows if row.urgency == "critical"), None)
    number = critical or (rows[0].number if rows else 1)
    click.echo(_("Heard by the demonstration model, which knows these calls and little else."))
    click.echo(
        _("Next, try: hotline --home {home} show {n}").format(home=quoted(home.path), n=number)
    )


def quoted(path: Path) -> str:
    """A path as it can be typed: relative if it is below here, in quotes if it has spaces."""
    here = Path.cwd()
    said = str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
    return f'"{said}"' if " " in said else said
