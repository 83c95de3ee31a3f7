"""The commands `transcribe`, `understand` and `evaluate`: files are tried, and nothing is logged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipeline import forms
from pipeline.errors import HotlineError
from pipeline.forms import clock
from pipeline.i18n import _, colon
from pipeline.progress import live
from pipeline.screen import FAILURES, console, label, place_text
from pipeline.session import (
    Session,
    engine_option,
    json_option,
    load_engine,
    model_option,
    pass_session,
)
from pipeline.sheet import speaker_name

if TYPE_CHECKING:
    from pipeline.calls import TextCall
    from pipeline.taxonomy import Names
    from pipeline.trial import Heard
    from pipeline.types import Understanding


@click.command(
    help=_("Hear recordings and print what was said; nothing is logged.\n\n")
    + _("Example: hotline transcribe call.amr --model small")
)
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@model_option
@engine_option
@json_option
@pass_session
def transcribe(
    session: Session,
    /,
    files: tuple[Path, ...],
    model: str | None,
    engine: str | None,
    as_json: bool,
) -> None:
    from pipeline import trial
    from pipeline.settings import Hearing

    failed = False
    transcriber = load_engine(session, model, engine)
    hearing = session.home_or_none.settings.hearing if session.home_or_none else Hearing()
    for file in files:
        try:
            heard = trial.transcribe_file(file, transcriber, hearing.script)
        except HotlineError as error:
            failed = True
            click.echo(str(error), err=True)
            continue
        if as_json:
            click.echo(forms.json_line(forms.heard_dict(heard, hearing.words)))
        else:
            print_heard(heard, hearing.words)
    if failed:
        click.get_current_context().exit(1)


@click.command(
    help=_("Read calls as text and print their requests; nothing is logged.\n\n")
    + _("Example: hotline understand calls.jsonl --json")
)
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@json_option
@pass_session
def understand(session: Session, /, file: Path, as_json: bool) -> None:
    from pipeline import trial

    home = session.home_or_none
    failed = 0
    for result in trial.understand_file(file, home):
        if isinstance(result, HotlineError):
            failed += 1
            if failed <= FAILURES:
                click.echo(str(result), err=True)
            continue
        call, found = result
        if as_json:
            click.echo(forms.json_line({"id": call.id, **forms.understanding_dict(found)}))
        else:
            print_understood(call, found, session.names)
    if failed > FAILURES:
        click.echo(_("and {n} more").format(n=failed - FAILURES), err=True)
    if failed:
        click.get_current_context().exit(1)


@click.command(
    help=_("Hear recordings that have references, and say how good it was.\n\n")
    + _("Example: hotline evaluate my-calls --model small")
)
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option(
    "--model", "named", metavar="M", multiple=True, help=_("The weights; several are compared.")
)
@click.option(
    "--engine",
    "engines",
    type=click.Choice(["whisper", "fast"]),
    multiple=True,
    help=_("What runs the weights; several are compared."),
)
@json_option
@pass_session
def evaluate(
    session: Session,
    /,
    folder: Path,
    named: tuple[str, ...],
    engines: tuple[str, ...],
    as_json: bool,
) -> None:
    from pipeline import trial

    home = session.home_or_none
    results = []
    with live(quiet=as_json) as progress:
        for model in named or (None,):
            for engine in engines or (None,):
                transcriber = load_engine(session, model, engine)
                results.append(trial.evaluate_folder(folder, transcriber, home, progress))
    if as_json:
        for result in results:
            click.echo(forms.json_line(result))
    else:
        print_evaluation(results)


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
