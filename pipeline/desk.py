"""What staff do to requests, as commands: answered, assigned, merged, parted, corrected, added, undone."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from pipeline import forms
from pipeline.errors import UsageProblem
from pipeline.facts import facts_options, read_facts, read_listening, read_moment, read_stretch
from pipeline.i18n import _, plural
from pipeline.session import (
    Session,
    as_option,
    emit,
    json_option,
    note_option,
    numbers_argument,
    pass_session,
)

if TYPE_CHECKING:
    from pipeline.rows import RequestRow


# --- What is said of a request --------------------------------------------------------------------


def tell(session: Session, rows: Sequence[RequestRow], said: Callable[[RequestRow], str],
         as_json: bool) -> None:  # fmt: skip
    """What became of requests: a sentence each, or their rows, with numbers of persons masked."""
    from pipeline import veil

    rows = [veil.request(row) for row in rows]
    if as_json:
        emit([forms.request_dict(row, session.now()) for row in rows], False)
        return
    for row in rows:
        click.echo(f"{said(row)}  {row.gist}")


# --- Off the list and back ------------------------------------------------------------------------


def life_cycle(
    name: str, status: str, text: str, example: str, said: Callable[[int], str], why: bool = False
) -> click.Command:
    """A command that moves requests to `status`; with `why`, a note is asked for."""

    def act(session: Session, /, numbers: tuple[int, ...], actor: str | None, note: str | None,
            as_json: bool) -> None:  # fmt: skip
        from pipeline import life

        if why and not (note or "").strip():
            raise UsageProblem(_("Say why, with --note: a request leaves the list for a reason."))
        rows = life.set_status(session.log, numbers, status, by=session.actor(actor), note=note)
        tell(session, rows, lambda row: said(row.number), as_json)

    command: Callable[..., Any] = pass_session(act)
    for decorate in (json_option, note_option, as_option, numbers_argument):
        command = decorate(command)
    return click.command(name, help=f"{text}\n\n{example}")(command)


done = life_cycle(
    "done",
    "done",
    _("Say that requests are answered."),
    _('Example: hotline done 12 15 --note "delivered" --as 王芳'),
    lambda n: _("No. {n} is done.").format(n=n),
)
reopen = life_cycle(
    "reopen",
    "open",
    _("Put requests back on the list."),
    _('Example: hotline reopen 12 --note "the lift stopped again"'),
    lambda n: _("No. {n} is open again.").format(n=n),
)
dismiss = life_cycle(
    "dismiss",
    "dismissed",
    _("Say that something is no request, and why."),
    _('Example: hotline dismiss 12 --note "wrong number"'),
    lambda n: _("No. {n} is dismissed.").format(n=n),
    why=True,
)


@click.command(
    help=_("Say who sees to requests; without --to it is you.\n\n")
    + _("Example: hotline assign 12 15 --to 王芳")
)
@numbers_argument
@click.option("--to", metavar="NAME", help=_("Who sees to them."))
@click.option("--nobody", is_flag=True, help=_("Nobody does any more."))
@as_option
@note_option
@json_option
@pass_session
def assign(session: Session, /, numbers: tuple[int, ...], to: str | None, nobody: bool,
           actor: str | None, note: str | None, as_json: bool) -> None:  # fmt: skip
    from pipeline import life

    if nobody and to:
        raise UsageProblem(_("Say either --to NAME or --nobody."))
    who = None if nobody else to or session.actor(actor)
    rows = life.assign(session.log, numbers, who, by=session.actor(actor), note=note)

    def said(row: RequestRow) -> str:
        if row.assignee is None:
            return _("Nobody sees to No. {n} now.").format(n=row.number)
        return _("{who} sees to No. {n}.").format(who=row.assignee, n=row.number)

    tell(session, rows, said, as_json)
    staff = session.home.settings.estate.staff
    if who is not None and staff and who not in staff:
        click.echo(
            _("{name} is not among the staff in hotline.toml: {names}.").format(
                name=who, names=", ".join(staff)
            ),
            err=True,
        )


@click.command(
    help=_("Tick off conditions that were asked for first; see their numbers with show.\n\n")
    + _("Example: hotline tick 12 1 2   (conditions 1 and 2 of request 12)")
)
@click.argument("number", type=int, metavar="ID")
@click.argument("conditions", type=int, nargs=-1, required=True, metavar="CONDITION...")
@as_option
@note_option
@json_option
@pass_session
def tick(session: Session, /, number: int, conditions: tuple[int, ...], actor: str | None,
         note: str | None, as_json: bool) -> None:  # fmt: skip
    from pipeline import life
    from pipeline.masks import mask_text

    row = life.tick(session.log, number, conditions, by=session.actor(actor), note=note)
    left = [mask_text(said) for said in row.conditions if said not in row.ticked]
    still = (
        _("still asked for: {what}.").format(what=_("; ").join(left)) if left else _("all are met.")
    )
    tell(session, [row], lambda r: _("No. {n}: {still}").format(n=r.number, still=still), as_json)


# --- Corrections ----------------------------------------------------------------------------------


@click.command(
    help=_("Say what is right; no later run overwrites it, and what stood before is kept.\n\n")
    + _('Example: hotline correct 12 --urgency critical --place 2-501 --what "氧气只剩一瓶"')
)
@numbers_argument
@facts_options
@click.option("--what", metavar="TEXT", help=_("What is asked, in short."))
@click.option("--words", metavar="TEXT", help=_("What was really said."))
@as_option
@note_option
@json_option
@pass_session
def correct(session: Session, /, numbers: tuple[int, ...], what: str | None, words: str | None,
            actor: str | None, note: str | None, as_json: bool, **facts: str | None) -> None:  # fmt: skip
    from pipeline import life, meaning

    values = read_facts(session, {**facts, "gist": what, "words": words})
    due: dict[int, datetime] = {}
    if "urgency" in values:
        rows = [session.log.request(number) for number in numbers]
        due = {
            row.number: meaning.answer_due(
                session.home, values["urgency"], row.started_at, row.due_hint
            )
            for row in rows
        }
    by = session.actor(actor)
    rows = life.correct(session.log, numbers, values, by=by, note=note, due=due)
    tell(session, rows, lambda row: _("No. {n} is corrected.").format(n=row.number), as_json)


@click.command(
    help=_("Two or more requests that ask for the same: the first stays, the others count with it.")
    + "\n\n"
    + _("Example: hotline merge 12 15 18")
)
@numbers_argument
@as_option
@note_option
@json_option
@pass_session
def merge(session: Session, /, numbers: tuple[int, ...], actor: str | None, note: str | None,
          as_json: bool) -> None:  # fmt: skip
    from pipeline import life

    row = life.merge(session.log, numbers[0], numbers[1:], by=session.actor(actor), note=note)

    def said(row: RequestRow) -> str:
        return plural(
            "No. {others} now count with No. {n} ({calls} call).",
            "No. {others} now count with No. {n} ({calls} calls).",
            row.calls,
        ).format(others=", ".join(map(str, numbers[1:])), n=row.number, calls=row.calls)

    tell(session, [row], said, as_json)


@click.command(
    help=_("Part a request that is two: say where in its words the second begins.\n\n")
    + _("Example: hotline split 12 --at 还有电梯   or: hotline split 12 --at 1:05")
)
@click.argument("number", type=int, metavar="ID")
@click.option("--at", required=True, metavar="WORDS|TIME", help=_("Where the second begins."))
@facts_options
@click.option("--what", metavar="TEXT", help=_("What the second asks, in short."))
@as_option
@note_option
@json_option
@pass_session
def split(session: Session, /, number: int, at: str, what: str | None, actor: str | None,
          note: str | None, as_json: bool, **facts: str | None) -> None:  # fmt: skip
    from dataclasses import replace

    from pipeline import meaning, opened

    where: float | str = read_moment(at) if re.fullmatch(r"\d+([:：]\d+)+", at) else at
    values = read_facts(session, {**facts, "gist": what})
    row = session.log.request(number)
    words = opened.second_half(session.log, number, where)
    told = meaning.read_words(session.home, words, row.started_at)[1]
    # What is not said in the second half again holds for it too: who calls, and from where.
    told = replace(
        told,
        place=told.place or row.place,
        phone=told.phone or row.phone,
        caller_name=told.caller_name or row.caller_name,
        review=True,
    )
    due = meaning.answer_due(
        session.home, values.get("urgency", told.urgency), row.started_at, told.due_hint
    )
    by = session.actor(actor)
    rows = opened.split(session.log, number, where, told, due, values, by=by, note=note)
    tell(session, rows, lambda row: _("No. {n}:").format(n=row.number), as_json)


# --- What was missed ------------------------------------------------------------------------------


@click.command(
    help=_("Log a request that was missed in a call, or that somebody made at the desk.\n\n")
    + _('Example: hotline add "3号楼电梯停了" --caller 李阿姨   or: hotline add "…" --call 7 ')
    + "--at 1:05-1:20"
)
@click.argument("words", metavar="WHAT")
@click.option("--call", "call_id", type=int, metavar="N", help=_("In which call it was said."))
@click.option("--at", metavar="TIME-TIME", help=_("From when to when in the call: 1:05-1:20."))
@facts_options
@as_option
@note_option
@json_option
@pass_session
def add(session: Session, /, words: str, call_id: int | None, at: str | None, actor: str | None,
        note: str | None, as_json: bool, **facts: str | None) -> None:  # fmt: skip
    from pipeline import meaning, opened

    if not words.strip():
        raise UsageProblem(_('Say what is asked for: hotline add "3号楼电梯停了"'))
    if (call_id is None) != (at is None):
        raise UsageProblem(_("--call N and --at 1:05-1:20 belong together."))
    values = read_facts(session, facts)
    by, words = session.actor(actor), words.strip()
    call = None if call_id is None else session.log.call(call_id)
    when = session.now() if call is None else call.started_at
    turn, told = meaning.read_words(session.home, words, when)
    due = meaning.answer_due(session.home, values.get("urgency", told.urgency), when, told.due_hint)
    if call is None:
        row = opened.add_walk_in(
            session.log, turn, told, due, values, by=by, note=note, at=when
        )  # fmt: skip
    else:
        start, end = read_stretch(at or "")
        row = opened.add_from_call(
            session.log, call.id, start, end, told, due, values, by=by, note=note
        )
    after_opening(session, [row.number])
    tell(session, [session.log.request(row.number)],
         lambda row: _("No. {n} is on the list.").format(n=row.number), as_json)  # fmt: skip


def after_opening(session: Session, numbers: Sequence[int]) -> None:
    """Link new requests to what they repeat, as for any call."""
    from pipeline import meaning

    for number in numbers:
        meaning.note_repeats(session.home, session.log, number)


@click.command(
    help=_(
        "Say that you listened to what was not understood (L..), or to a whole recording (R..); "
    )
    + _("with --what it becomes a request.\n\n")
    + _('Example: hotline heard L17 --note "only music"   or: hotline heard L17 --what "电梯困人"')
)
@click.argument("numbers", nargs=-1, required=True, metavar="L..|R...")
@click.option("--what", metavar="TEXT", help=_("What is asked for there: a new request."))
@facts_options
@as_option
@note_option
@json_option
@pass_session
def heard(session: Session, /, numbers: tuple[str, ...], what: str | None, actor: str | None,
          note: str | None, as_json: bool, **facts: str | None) -> None:  # fmt: skip
    from pipeline import listened, meaning

    spans, recordings = read_listening(numbers)
    values = read_facts(session, facts)
    by = session.actor(actor)
    if what is None:
        if values:
            raise UsageProblem(_("Say what is asked for there, with --what."))
        listened.heard(session.log, spans, recordings, by=by, note=note)
        said = [*(f"L{n}" for n in spans), *(f"R{n}" for n in recordings)]
        if not as_json:
            click.echo(_("{what}: listened to.").format(what=", ".join(said)))
        return
    if recordings or len(spans) != 1:
        raise UsageProblem(
            _(
                "A request comes from one stretch: hotline heard L17 --what … ; for a whole "
                "recording write it down with: hotline add …"
            )
        )
    call = session.log.call(session.log.span(spans[0]).call_id)
    told = meaning.read_words(session.home, what.strip(), call.started_at)[1]
    due = meaning.answer_due(
        session.home, values.get("urgency", told.urgency), call.started_at, told.due_hint
    )
    opened = listened.heard(
        session.log, spans, by=by, note=note, told=told, due_at=due, values=values
    )
    after_opening(session, opened)
    rows = session.log.requests(numbers=opened)
    tell(session, rows, lambda row: _("No. {n} is on the list.").format(n=row.number), as_json)


@click.command(
    help=_("Take back the last thing that was done to requests; again: the one before.\n\n")
    + _("Example: hotline undo")
)
@as_option
@note_option
@json_option
@pass_session
def undo(session: Session, /, actor: str | None, note: str | None, as_json: bool) -> None:
    from pipeline import story, undo, veil

    taken = undo.undo(session.log, by=session.actor(actor), note=note)
    rows = session.log.requests(numbers=taken.numbers) if taken.numbers else []
    rows = [veil.request(row) for row in rows]
    if as_json:
        emit([forms.request_dict(row, session.now()) for row in rows], False)
        return
    click.echo(
        _("Taken back: {what} ({who}, {when}).").format(
            what=story.act_name(taken.kind), who=taken.who, when=f"{taken.at:%m-%d %H:%M}"
        )
    )
    for row in rows:
        click.echo(f"  {story.standing(row)}  {row.gist}")


COMMANDS = (done, reopen, dismiss, assign, tick, correct, merge, split, add, heard, undo)
