"""How far a run is, shown while it goes on."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.forms import clock
from pipeline.i18n import colon
from pipeline.states import recording_state

if TYPE_CHECKING:
    from pipeline.process import Progress, Step


@contextlib.contextmanager
def live(quiet: bool) -> Iterator[Progress]:
    """Progress by call and by audio time, in one calm line on stderr; in a pipe, a line a call."""
    if quiet:
        yield lambda step: None
        return
    if not sys.stderr.isatty():

        def plain(step: Step) -> None:
            if step.state is not None:
                click.echo(
                    f"{step.index}/{step.total} {Path(step.path).name}{colon()}"
                    + recording_state(step.state),
                    err=True,
                )

        yield plain
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    with Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(24),
        TextColumn("{task.fields[said]}"),
        console=Console(stderr=True),
        transient=True,
    ) as bars:
        task = bars.add_task("", said="", total=None)

        def show(step: Step) -> None:
            said = f"{clock(step.done)} / {clock(step.seconds)}" if step.seconds is not None else ""
            bars.update(
                task,
                description=f"{step.index}/{step.total} {Path(step.path).name}",
                completed=step.done,
                total=step.seconds,
                said=said,
            )

        yield show
