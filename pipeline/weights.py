"""The command `models`: which weights are here, which this computer can run, and how to get more."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.i18n import _
from pipeline.progress import counting, megabytes
from pipeline.screen import console
from pipeline.session import Session, emit, json_option, pass_session


@click.group(
    invoke_without_command=True,
    help=_("Which weights are here, and which this computer can run.\n\n")
    + _("Example: hotline models   and: hotline models get small"),
)
@json_option
@click.pass_context
def models(ctx: click.Context, as_json: bool) -> None:
    if ctx.invoked_subcommand is None:
        from pipeline import models as stock

        home = ctx.obj.home_or_none
        folder = home.models if home else Path("models")
        if as_json:
            emit([stock.as_dict(found) for found in stock.available(folder)], False)
        else:
            print_models(folder)


@models.command(
    "get",
    help=_("Fetch OpenAI's weights into models/ and prove them by their hash.\n\n")
    + _("Example: hotline models get small"),
)
@click.argument("name")
@pass_session
def models_get(session: Session, /, name: str) -> None:
    from pipeline import fetching

    with counting(name, megabytes) as progress:
        path = fetching.get(name, session.home.models, progress)
    click.echo(_("{name} is in {path}, and it is whole.").format(name=name, path=path))


@models.command(
    "convert",
    help=_("Make weights ready for the fast engine, offline; done by itself at its first use.\n\n")
    + _("Example: hotline models convert small"),
)
@click.argument("name")
@pass_session
def models_convert(session: Session, /, name: str) -> None:
    from pipeline import convert
    from pipeline import models as stock

    folder = session.home.models
    path = convert.convert(stock.find(name, folder), folder, stock.alignment_heads(name))
    click.echo(_("{name} is ready for the fast engine in {path}.").format(name=name, path=path))


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
