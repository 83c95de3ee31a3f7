"""What every command shares: the group that turns errors into sentences, the home, the options."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from pipeline import forms
from pipeline.errors import HotlineError, UsageProblem
from pipeline.i18n import _, speak_through_click, use
from pipeline.pages import Page

if TYPE_CHECKING:
    from pipeline.log import Log
    from pipeline.settings import Home
    from pipeline.taxonomy import Names
    from pipeline.transcribe import Transcriber

_L = TypeVar("_L", bound="Log")

click.Context.formatter_class = Page


class Group(click.Group):
    """The group in which errors become one line on stderr and an exit status."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        speak_through_click()
        # Windows' console code pages cannot say everything; a sign that is lost beats a crash.
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="backslashreplace")
        return super().main(*args, **kwargs)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """By what they are for, the day's first; one that is in no list comes last."""
        left = dict(self.commands)
        parts = {
            _("Every day"): "open show play done assign tick heard search week export",
            _("To put right"): "correct add merge split flip reopen dismiss restore undo",
            _("Recordings"): "ingest watch import redo check",
            _("Setting up"): "init models learn demo",
        }
        named = {title: [n for n in names.split() if n in left] for title, names in parts.items()}
        listed = {name for names in named.values() for name in names}
        named[_("By themselves")] = [name for name in sorted(left) if name not in listed]
        longest = max(map(len, left))
        for title, names in named.items():
            if names:
                with formatter.section(title):
                    formatter.write_dl(
                        [
                            (
                                name.ljust(longest),
                                left[name].get_short_help_str(formatter.width - longest - 6),
                            )
                            for name in names
                        ]
                    )

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except HotlineError as error:
            if ctx.params.get("debug"):
                raise
            click.echo(str(error), err=True)
            ctx.exit(error.exit_code)
        except KeyboardInterrupt:
            click.echo(_("Stopped. What is done is kept; the same command goes on."), err=True)
            ctx.exit(130)
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise
        except Exception as error:  # the last line of defence: staff see no stack trace
            if ctx.params.get("debug"):
                raise
            click.echo(
                _(
                    "Something went wrong inside hotline ({what}: {error}). Nothing in the log is "
                    "lost. Run the command again with: hotline --debug …, and send us what it says."
                ).format(what=type(error).__name__, error=error),
                err=True,
            )
            ctx.exit(1)


class Session:
    """What one run of the command needs of its home, opened when first asked for."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self._home: Home | None = None
        self._log: Log | None = None
        self._said_unwritable = False

    @property
    def home(self) -> Home:
        if self._home is None:
            from pipeline import settings

            self._home = settings.find(self.folder)
            if self._home.settings.language:
                use(self._home.settings.language)
        return self._home

    @property
    def home_or_none(self) -> Home | None:
        try:
            return self.home
        except UsageProblem:
            if self.folder is not None:
                raise
            return None

    @property
    def log(self) -> Log:
        if self._log is None:
            from pipeline.log import Log

            self._log = self._opened(Log)
        return self._log

    def _opened(self, kind: type[_L]) -> _L:
        """The log, closed when the command ends. Where it could only be looked at, that is said then,
        once, unless the command was refused for it."""
        log = kind(self.home.log, reading=True)

        def close() -> None:
            log.close()
            if log.unwritable and not log.refused and not self._said_unwritable:
                self._said_unwritable = True
                click.echo(log.unwritable, err=True)
                click.echo(_("Until then the log can be looked at, but not changed."), err=True)

        click.get_current_context().call_on_close(close)
        return log

    def record_unmasking(self, what: str, actor: str | None, **data: Any) -> None:
        """Numbers of persons are shown whole: who asked, for what."""
        self.log.record("unmasked", who=self.actor(actor), data={"what": what, **data})

    def reading(self, what: str, unmask: bool, actor: str | None = None, **data: Any) -> Log:
        """The log to print from: numbers of persons masked; whole with `unmask`, which is logged."""
        if unmask:
            self.record_unmasking(what, actor, **data)
            return self.log
        from pipeline.veil import Veiled

        return self._opened(Veiled)

    @property
    def names(self) -> Names:
        from pipeline import taxonomy

        return taxonomy.names(self._home.taxonomy if self._home else None)

    def now(self) -> datetime:
        return datetime.now(self.home.settings.zone)

    def actor(self, name: str | None) -> str:
        import getpass

        if name or self.home.settings.staff:
            return name or self.home.settings.staff
        try:
            return getpass.getuser()
        except (KeyError, OSError):
            return "?"


def load_engine(session: Session, model: str | None, engine: str | None) -> Transcriber:
    """The transcriber for `model`, else the setting's, else the best that this computer can run."""
    from pipeline import process

    return process.load_transcriber(session.home_or_none, model, engine)


pass_session = click.make_pass_decorator(Session)

json_option = click.option("--json", "as_json", is_flag=True, help=_("One JSON object a line."))
csv_option = click.option("--csv", "as_csv", is_flag=True, help=_("CSV with a heading."))
model_option = click.option(
    "--model", metavar="M", help=_("The weights to hear with; see: hotline models.")
)
engine_option = click.option(
    "--engine",
    type=click.Choice(["whisper", "fast"]),
    help=_("What runs the weights; fast is faster-whisper, from the same file."),
)
as_option = click.option("--as", "actor", metavar="NAME", help=_("Who acts."))
note_option = click.option("--note", metavar="TEXT", help=_("What was done, or why."))
unmask_option = click.option(
    "--unmask", is_flag=True, help=_("Show numbers of persons whole; this is logged.")
)
numbers_argument = click.argument("numbers", nargs=-1, required=True, type=int, metavar="ID...")


def emit(rows: list[dict[str, Any]], as_csv: bool) -> None:
    """Rows to stdout as CSV or as JSON lines."""
    if as_csv:
        text = forms.csv_text(rows)
        if text:
            click.echo(text)
        return
    for row in rows:
        click.echo(forms.json_line(row))
