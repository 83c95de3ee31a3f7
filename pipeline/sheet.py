"""A request in its call, and a call turn by turn, as staff see them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.forms import clock, told
from pipeline.i18n import _, colon
from pipeline.masks import SIGN
from pipeline.screen import console, due_text, label, place_text, urgency, weekdays_text, when_text
from pipeline.states import request_state

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from rich.text import Text

    from pipeline.aside import Aside
    from pipeline.log import Log
    from pipeline.taxonomy import Names


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
