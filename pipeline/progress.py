"""How far a run is, shown while it goes on."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.forms import clock
from pipeline.i18n import colon
from pipeline.states import recording_state

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress

    from pipeline.process import Progress, Step

Count = Callable[[int, int], None]
"""Called with how many are done, and how many there are."""


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
    with _bars() as bars:
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


@contextlib.contextmanager
def counting(name: str, said: Callable[[int], str] = "{:,}".format) -> Iterator[Count]:
    """How many are done, of how many (0: nobody knows), in one line on stderr; nothing in a pipe."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    with _bars() as bars:
        task = bars.add_task(name, said="", total=None)

        def show(done: int, total: int) -> None:
            words = " / ".join(map(said, (done, total) if total else (done,)))
            bars.update(task, completed=done, total=total or None, said=words)

        yield show


def megabytes(n: int) -> str:
    """Bytes in a unit that people know."""
    return f"{n / 1e6:,.0f} MB"


def _bars() -> RichProgress:
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as RichProgress

    return RichProgress(
        TextColumn("{task.description}", markup=False),
        BarColumn(24),
        TextColumn("{task.fields[said]}"),
        console=Console(stderr=True),
        transient=True,
    )
