"""The command `hotline watch`, and what it shows: one calm view in a terminal, plain lines elsewhere."""

from __future__ import annotations

import contextlib
import signal
import sys
from collections import deque
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.errors import UsageProblem
from pipeline.forms import clock
from pipeline.i18n import _, plural
from pipeline.masks import mask_paths
from pipeline.session import Session, engine_option, load_engine, model_option, pass_session

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from pipeline.process import Step
    from pipeline.settings import Home
    from pipeline.standing import Standing
    from pipeline.watch import Face, Queue

LINES = 12
"""How much of what happened stays in view."""


@click.command(
    "watch",
    help=_("Take in every recording as it comes, for as long as it runs.\n\n")
    + _(
        "New calls come before those that waited longer. A request of life or limb is said at once; "
        "how else it is said stands under [alert] in hotline.toml. Stop it with Ctrl-C when you "
        "like; the next watch goes on.\n\n"
    )
    + _("Example: hotline watch   and, to start it with the computer: hotline watch --install"),
)
@model_option
@engine_option
@click.option("--install", is_flag=True, help=_("Let this computer start the watch by itself."))
@click.option("--print", "show", is_flag=True, help=_("With --install: only show what it writes."))
@pass_session
def watch(
    session: Session, /, model: str | None, engine: str | None, install: bool, show: bool
) -> None:
    home = session.home
    if install or show:
        if not install:
            raise UsageProblem(_("--print belongs to --install: hotline watch --install --print"))
        from pipeline import service

        unit = service.unit(home, model, engine)
        if show:
            click.echo(unit.text, nl=False)
            return
        path = service.install(unit)
        click.echo(
            _("{file} is written. Start it now, and with the computer, by:").format(file=path)
        )
        for command in unit.commands(path):
            click.echo(f"  {command}")
        return
    from pipeline.watch import Watch

    with face(home) as shown:
        watching = Watch(home, lambda: load_engine(session, model, engine), shown)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, watching.stop)
        with contextlib.suppress(KeyboardInterrupt):
            watching.run()
        shown.line(_("Stopped. What is done is kept; the next watch goes on."))


@contextlib.contextmanager
def face(home: Home) -> Iterator[Face]:
    """A live view where there is a terminal, else plain lines."""
    if not sys.stdout.isatty():
        yield Lines(home)
        return
    from rich.console import Console
    from rich.live import Live

    view = View(home, Console(highlight=False))
    with Live(view, console=view.console, refresh_per_second=2, transient=False):
        yield view


class Lines:
    """A line for each thing that happened, with its time: for a file, a pipe, a service's journal."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.line(_("Watching {folder}.").format(folder=home.recordings))

    def step(self, step: Step) -> None:
        pass

    def line(self, text: str) -> None:
        click.echo(f"{datetime.now(self.home.settings.zone):%m-%d %H:%M:%S}  {text}")

    def critical(self, text: str) -> None:
        self.line(text)

    def standing(self, queue: Queue, standing: Standing) -> None:
        pass


class View:
    """The live view: what is being heard, what waits, what happened last."""

    def __init__(self, home: Home, console: Console) -> None:
        self.home, self.console = home, console
        self._lines: deque[tuple[str, str, bool]] = deque(maxlen=LINES)
        self._step: Step | None = None
        self._queue: Queue | None = None
        self._standing: Standing | None = None

    def step(self, step: Step) -> None:
        self._step = step if step.state is None else None

    def line(self, text: str) -> None:
        self._add(text, loud=False)

    def critical(self, text: str) -> None:
        self._add(text, loud=True)
        if self.home.settings.alert.bell:
            self.console.bell()

    def _add(self, text: str, *, loud: bool) -> None:
        now = f"{datetime.now(self.home.settings.zone):%H:%M}"
        self._lines.append((now, text, loud))

    def standing(self, queue: Queue, standing: Standing) -> None:
        self._queue, self._standing = queue, standing
        self._step = None

    def __rich__(self) -> RenderableType:
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        rows = Table.grid(padding=(0, 2))
        for name, value in self._facts().items():
            rows.add_row(Text(name, style="dim"), Text(value))
        lines = Table.grid(padding=(0, 2))
        for when, text, loud in list(self._lines):
            style = "bold white on red" if loud else ""
            lines.add_row(Text(when, style="dim"), Text(text, style=style, overflow="fold"))
        head = self.home.settings.name or "hotline"
        return Group(
            Text(f"{head} · {self.home.recordings}", style="bold"),
            rows,
            Text(),
            lines,
            Text(_("Stop with Ctrl-C; nothing is lost."), style="dim"),
        )

    def _facts(self) -> dict[str, str]:
        """What is now, in a few words each."""
        if self._step is None:
            now = _("waits for the next call")
        else:
            now = mask_paths(Path(self._step.path).name)
            if self._step.seconds is not None:
                now += f"  {clock(self._step.done)} / {clock(self._step.seconds)}"
        facts = {_("Hearing"): now}
        if self._queue is not None:
            facts[_("Waiting")] = _("{new} new, {backlog} older").format(
                new=self._queue.new, backlog=self._queue.backlog
            )
        if self._standing is not None:
            facts[_("Open")] = _(
                "{n}, of these {critical} life or limb, {late} late; {unheard} to be listened to"
            ).format(
                n=plural("{n} request", "{n} requests", self._standing.open).format(
                    n=self._standing.open
                ),
                critical=self._standing.critical,
                late=self._standing.late,
                unheard=self._standing.unheard,
            )
        return facts
