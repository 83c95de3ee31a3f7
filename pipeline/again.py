"""Commands that look again at what was heard: a later version of a call, words that were set aside."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from pipeline import forms
from pipeline.desk import after_opening, tell
from pipeline.errors import UsageProblem
from pipeline.facts import facts_options, read_facts
from pipeline.i18n import _, plural
from pipeline.session import (
    Session,
    as_option,
    engine_option,
    json_option,
    model_option,
    note_option,
    pass_session,
)

if TYPE_CHECKING:
    from pipeline.types import Request
    from pipeline.versions import Change, Version


@click.command(
    help=_(
        "Read calls again, or with --hear hear them again, beside what stands: it says what would "
        "change, and changes nothing before --accept. What staff said is never overwritten. Without "
        "CALL: what waits for a decision.\n\n"
    )
    + _("Example: hotline redo 7 --hear --model medium   then: hotline redo 7 --accept")
)
@click.argument("named", nargs=-1, metavar="[CALL|R..]...")
@click.option("--all", "everything", is_flag=True, help=_("Every call."))
@click.option("--hear", is_flag=True, help=_("Hear the sound again, not only read the words."))
@model_option
@engine_option
@click.option("--accept", is_flag=True, help=_("Let it count."))
@click.option("--decline", is_flag=True, help=_("Leave it."))
@as_option
@note_option
@json_option
@pass_session
def redo(session: Session, /, named: tuple[str, ...], everything: bool, hear: bool,
         model: str | None, engine: str | None, accept: bool, decline: bool, actor: str | None,
         note: str | None, as_json: bool) -> None:  # fmt: skip
    from pipeline import versions

    log = session.log
    if accept and decline:
        raise UsageProblem(_("Say either --accept or --decline."))
    if (accept or decline) and (hear or model or engine):
        raise UsageProblem(_("First make the version, look at it, and then decide on it."))
    if named and everything:
        raise UsageProblem(_("Say either which calls, or --all."))
    calls, recordings = read_named(named)
    if recordings:
        if calls or accept or decline:
            raise UsageProblem(_("A recording without a call (R..) stands by itself."))
        wait_again(session, recordings, session.actor(actor))
        return
    waiting = [version.call_id for version in versions.all_waiting(log)]
    if accept or decline:
        if not calls and not everything:
            raise UsageProblem(_("Say which calls, or --all."))
        decide(session, calls or tuple(waiting), accept, actor, note, as_json)
        return
    if calls or everything:
        numbers = calls or tuple(
            call.id for call in log.calls() if log.current_transcript(call.id) is not None
        )
        heard = hear or bool(model or engine)
        made = make(session, dict.fromkeys(numbers), heard, model, engine, as_json)
        if not as_json:
            untouched = len(set(numbers)) - len(made)
            if untouched:
                click.echo(
                    plural(
                        "{n} call would stay as it is.",
                        "{n} calls would stay as they are.",
                        untouched,
                    ).format(n=untouched)
                )
    else:
        made = versions.all_waiting(log)
        if not made and not as_json:
            click.echo(_("No other version of a call waits for a decision."))
    show(session, made, as_json)


def read_named(named: Sequence[str]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The numbers of calls (7) and of recordings that gave none (R5)."""
    for text in named:
        if re.fullmatch(r"[Rr]?\d{1,15}", text) is None:
            raise UsageProblem(
                _('"{text}" is no number of a call (7) or of a recording (R5).').format(text=text)
            )
    recordings = tuple(int(text[1:]) for text in named if text[0] in "Rr")
    return tuple(int(text) for text in named if text.isdigit()), recordings


def wait_again(session: Session, recordings: Sequence[int], by: str) -> None:
    """Let recordings in which nothing was heard wait to be heard again."""
    from pipeline import process

    for recording_id in recordings:
        process.wait_again(session.log, recording_id, by)
        click.echo(_("R{n} waits to be heard again: hotline ingest").format(n=recording_id))


def make(session: Session, calls: Mapping[int, None], hear: bool, model: str | None,
         engine: str | None, quiet: bool) -> list[Version]:  # fmt: skip
    from pipeline import process, taxonomy
    from pipeline.progress import live

    terms = taxonomy.load(session.home.taxonomy)
    transcriber = process.load_transcriber(session.home, model, engine) if hear else None
    made = []
    with live(quiet) as progress:
        for call_id in calls:
            version = process.redo(session.home, session.log, call_id, terms, transcriber, progress)
            if version is not None:
                made.append(version)
    return made


def decide(session: Session, calls: Sequence[int], accept: bool, actor: str | None,
           note: str | None, as_json: bool) -> None:  # fmt: skip
    from pipeline import decisions

    log, by = session.log, session.actor(actor)
    with log.transaction():  # all of them or none
        touched: list[int] = []
        known = {row.number for row in log.requests()}
        for call_id in dict.fromkeys(calls):
            if accept:
                touched += decisions.accept(log, call_id, by=by, note=note)
            else:
                decisions.decline(log, call_id, by=by, note=note)
        after_opening(session, [number for number in touched if number not in known])
    said = _("Call {n}: the later version counts.") if accept else _("Call {n} stays as it is.")
    for call_id in () if as_json else dict.fromkeys(calls):
        click.echo(said.format(n=call_id))
    tell(
        session,
        log.requests(numbers=touched),
        lambda row: _("No. {n}:").format(n=row.number),
        False,
    )


def show(session: Session, made: Sequence[Version], as_json: bool) -> None:
    """What each version would change."""
    from pipeline import versions

    for version in made:
        plan = [veiled(change) for change in versions.changes(session.log, version)]
        if as_json:
            click.echo(forms.json_line(version_dict(version, plan)))
        else:
            print_version(session, version, plan)
    if made and not as_json:
        click.echo(
            _(
                "Nothing was changed. Take it with: hotline redo {n} --accept   leave it with: "
                "hotline redo {n} --decline"
            ).format(n=made[0].call_id)
        )


def veiled(change: Change) -> Change:
    """A change with the numbers of persons made unreadable, as lists show them."""
    from pipeline.masks import mask_phone, mask_text

    def hide(one: tuple[str, str, str]) -> tuple[str, str, str]:
        tag, was, becomes = one
        if tag == "phone":
            return tag, mask_phone(was) or "", mask_phone(becomes) or ""
        return tag, mask_text(was), mask_text(becomes)

    found = change.found
    return replace(
        change,
        found=found and replace(found, gist=mask_text(found.gist)),
        values=tuple(map(hide, change.values)),
        kept=tuple(map(hide, change.kept)),
        words=change.words and (mask_text(change.words[0]), mask_text(change.words[1])),
    )


def version_dict(version: Version, plan: Sequence[Change]) -> dict[str, Any]:
    return {
        "call": version.call_id,
        "made_at": version.made_at,
        "heard_anew": version.heard_anew,
        "models": list(version.models),
        "changes": [
            {
                "request": change.number,
                "found_again": change.found is not None,
                "gist": change.found.gist if change.found else None,
                "values": [list(one) for one in change.values],
                "kept": [list(one) for one in change.kept],
                "words": list(change.words) if change.words else None,
            }
            for change in plan
        ],
    }


def print_version(session: Session, version: Version, plan: Sequence[Change]) -> None:
    head = _("Call {n}, read again:")
    if version.heard_anew:
        head = _("Call {n}, heard again with {model} (before: {before}):")
    before, model = version.models
    click.echo(head.format(n=version.call_id, model=model, before=before))
    for change in plan:
        for line in change_text(session, change):
            click.echo("  " + line)


def change_text(session: Session, change: Change) -> list[str]:
    """What a version would do to one request, a line each."""
    if change.number is None:
        assert change.found is not None
        return [_("new: {gist}").format(gist=summary(session, change.found))]
    number = _("No. {n}").format(n=change.number)
    if change.found is None:
        return [_("{no} was not found again; it stays as it is.").format(no=number)]
    lines = [f"{number}: {one}" for one in (_said(session, *value) for value in change.values)]
    if change.words is not None:
        lines += [
            _("{no}, words: {was}").format(no=number, was=change.words[0] or "–"),
            _("{no}, would be: {now}").format(no=number, now=change.words[1] or "–"),
        ]
    lines += [
        _("{no} keeps what stands: {what}").format(no=number, what=_said(session, *value))
        for value in change.kept
    ]
    return lines or [_("{no} stays as it is.").format(no=number)]


def summary(session: Session, request: Request) -> str:
    from pipeline import screen

    names = session.names
    level = screen.label(names, "urgency", request.urgency)
    return f"[{level} · {screen.label(names, 'category', request.category)}] {request.gist}"


def _said(session: Session, tag: str, was: str, becomes: str) -> str:
    from pipeline import screen, story

    if tag in ("category", "kind", "urgency"):
        was = screen.label(session.names, tag, was)
        becomes = screen.label(session.names, tag, becomes)
    return story.change(tag, was, becomes)


@click.command(
    help=_("Bring back words that were set aside as not said: they become a request.\n\n")
    + _("Example: hotline restore A12   (their numbers stand in the call: hotline show --call 7)")
)
@click.argument("number", metavar="A..")
@click.option("--what", metavar="TEXT", help=_("What is asked, in short."))
@facts_options
@as_option
@note_option
@json_option
@pass_session
def restore(session: Session, /, number: str, what: str | None, actor: str | None,
            note: str | None, as_json: bool, **facts: str | None) -> None:  # fmt: skip
    from pipeline import aside, meaning

    match = re.fullmatch(r"[Aa]?(\d{1,15})", number.strip())
    if match is None:
        raise UsageProblem(
            _('"{text}" is no number of words that were set aside, such as A12.').format(
                text=number
            )
        )
    found = aside.one(session.log, int(match[1]))
    call = session.log.call(found.call_id)
    values = read_facts(session, {**facts, "gist": what})
    told = meaning.read_words(session.home, found.text, call.started_at)[1]
    due = meaning.answer_due(
        session.home, values.get("urgency", told.urgency), call.started_at, told.due_hint
    )
    opened = aside.bring_back(
        session.log, found.id, told, due, values, by=session.actor(actor), note=note
    )
    after_opening(session, [opened])
    rows = session.log.requests(numbers=[opened])
    tell(session, rows, lambda row: _("No. {n} is on the list.").format(n=row.number), as_json)


COMMANDS = (redo, restore)
