"""The `hotline` command: parse, call one function, show. No SQL and no domain logic here."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline import (
    again,
    desk,
    export,
    finding,
    forms,
    learn,
    screen,
    sheet,
    sides,
    trying,
    watching,
    weights,
)
from pipeline.errors import UsageProblem
from pipeline.i18n import _, plural
from pipeline.progress import counting, live
from pipeline.session import (
    Group,
    Session,
    as_option,
    csv_option,
    emit,
    engine_option,
    json_option,
    load_engine,
    model_option,
    pass_session,
    unmask_option,
)

if TYPE_CHECKING:
    pass

PROBLEMS_SHOWN = 200
"""Lines of `check` before it says how many more there are: what is wrong a thousand times has one cause."""


@click.group(
    cls=Group,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    help=_(
        "Listens to a residents' committee's recorded calls so that no request is lost.\n\n"
        "First steps: hotline demo shows the whole way; hotline init FOLDER makes a home; drop "
        "recordings into its recordings/ and run hotline ingest; hotline open lists what is "
        "unanswered."
    ),
)
@click.option(
    "--home",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help=_("The home to work in (else HOTLINE_HOME, else the nearest folder upwards)."),
)
@click.option("--debug", is_flag=True, help=_("Show where in the program an error happened."))
@click.version_option(package_name="residents-hotline", prog_name="hotline")
@click.pass_context
def main(ctx: click.Context, home: Path | None, debug: bool) -> None:
    ctx.obj = Session(home)


@main.command(
    help=_("Make a home (./hotline if no DIR is named): settings, recordings, models, the log.\n\n")
    + _("Example: hotline init D:\\hotline")
)
@click.argument("folder", type=click.Path(path_type=Path), required=False, metavar="[DIR]")
@pass_session
def init(session: Session, /, folder: Path | None) -> None:
    from pipeline import settings
    from pipeline.log import Log

    # Never the folder that one happens to stand in.
    home, new = settings.init(folder or session.folder or Path("hotline"))
    with Log(home.log):
        pass
    if new:
        click.echo(_("{folder} is now a home of hotline.").format(folder=home.path))
    else:
        click.echo(_("{folder} is a home already; nothing was changed.").format(folder=home.path))
    click.echo(
        _("Drop recordings into {recordings}, then run: hotline --home {folder} ingest").format(
            recordings=home.recordings, folder=screen.quoted(home.path)
        )
    )
    from pipeline import models

    if not models.available(home.models, demo=False):
        click.echo(models.how_to_get(home.models))


@main.command(
    help=_("Take in every new recording: hear it, split it into requests, log them.\n\n")
    + _("Safe to stop with Ctrl-C and to run again. Example: hotline ingest")
)
@click.argument(
    "paths", nargs=-1, type=click.Path(path_type=Path, exists=True), metavar="[PATH]..."
)
@model_option
@engine_option
@json_option
@pass_session
def ingest(
    session: Session,
    /,
    paths: tuple[Path, ...],
    model: str | None,
    engine: str | None,
    as_json: bool,
) -> None:
    from pipeline import process

    session.home  # noqa: B018 (without a home this stops before anything is loaded)
    with live(quiet=as_json) as progress:
        done = process.ingest(
            session.home, session.log, paths, lambda: load_engine(session, model, engine), progress
        )
    if as_json:
        click.echo(forms.json_line(done.as_dict()))
    else:
        if not done.seen and not paths:
            click.echo(screen.nothing_came(session.home))
        for line in screen.ingested_text(done):
            click.echo(line)
        show_critical(session, done.new_requests)
        if done.requests:
            click.echo(_("See them with: hotline open"))
    if done.failed_now:
        click.get_current_context().exit(1)


def show_critical(session: Session, numbers: tuple[int, ...]) -> None:
    from rich.text import Text

    from pipeline import alert
    from pipeline.standing import danger

    shown = screen.console()
    for number in numbers:
        row = session.log.request(number)
        if row.urgency == "critical":
            shown.print(Text(alert.sentence(row, danger(session.log, number)), style="bold red"))


@main.command(
    "import",
    help=_("Take calls as text (calls.jsonl) into the log, tagged like any call.\n\n")
    + _("Example: hotline import calls.jsonl"),
)
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@json_option
@pass_session
def import_(session: Session, /, file: Path, as_json: bool) -> None:
    from pipeline import process

    done = process.import_calls(session.home, session.log, file)
    if as_json:
        click.echo(forms.json_line(done.as_dict()))
    else:
        for line in screen.ingested_text(done):
            click.echo(line)
    if done.failed_now:
        click.get_current_context().exit(1)


@main.command(
    "open",
    help=_("What is unanswered, most urgent first, then what somebody must listen to.\n\n")
    + _("Example: hotline open"),
)
@click.option("--all", "everything", is_flag=True, help=_("All, however many."))
@unmask_option
@as_option
@json_option
@csv_option
@pass_session
def open_(
    session: Session, /, everything: bool, unmask: bool, actor: str | None, as_json: bool, as_csv: bool,
) -> None:  # fmt: skip
    from pipeline import masks, veil
    from pipeline.standing import standing

    now = session.now()
    log = session.reading("open", unmask, actor)
    if as_json or as_csv:
        rows = log.open_requests(now)
        shown = rows if unmask else [veil.request(row) for row in rows]
        emit([forms.request_dict(row, now) for row in shown], as_csv)
        return
    hide = str if unmask else masks.mask_text
    rows = log.open_requests(now, screen.FIRST if not everything and sys.stdout.isatty() else None)
    if rows:
        screen.print_requests(rows, session.names, session.home.settings.zone, now, hide)
        count = standing(log, now)
        said = plural("{n} request open", "{n} requests open", count.open).format(n=count.open)
        if count.late:
            said += _(", ") + _("{n} late").format(n=count.late)
        click.echo(_("{said}.").format(said=said))
        if count.open > len(rows):
            click.echo(
                _("The {n} most urgent are shown; all: hotline open --all").format(n=len(rows))
            )
    else:
        click.echo(_("Nothing is open."))
        if not log.last_recording_id() and not log.count_calls():
            click.echo(screen.nothing_came(session.home))
    for line in screen.waiting_text(log, session.home, str if unmask else masks.mask_paths):
        click.echo(line)


@main.command(
    help=_("A request in its call: the words, the times, why it is tagged so, its story.\n\n")
    + _("Example: hotline show 12")
)
@click.argument("number", type=int, required=False, metavar="ID")
@click.option("--call", "call_id", type=int, metavar="N", help=_("A whole call instead."))
@unmask_option
@as_option
@json_option
@pass_session
def show(
    session: Session, /, number: int | None, call_id: int | None, unmask: bool, actor: str | None,
    as_json: bool,
) -> None:  # fmt: skip
    if (number is None) == (call_id is None):
        raise UsageProblem(_("Say which: hotline show ID, or hotline show --call N."))
    log = session.reading("show", unmask, actor, request=number, call=call_id)
    zone, now = session.home.settings.zone, session.now()
    words = session.home.settings.hearing.words
    if number is not None:
        if as_json:
            click.echo(forms.json_line(forms.request_view(log, number, now, words)))
        else:
            sheet.print_request(log, number, session.names, zone, now, words)
        return
    assert call_id is not None
    if as_json:
        click.echo(forms.json_line(forms.call_view(log, call_id, words)))
    else:
        sheet.print_call(log, call_id, zone, words)


@main.command(
    help=_("The summary of this week, or of the day, week, month or days that you name.\n\n")
    + _(
        'Example: hotline week 上周   or: hotline week 2026-11   or: hotline week 上周 --to "周报 {week}.docx"'
    )
)
@click.argument("week", required=False, metavar="[WEEK]")
@click.option(
    "--to",
    "files",
    multiple=True,
    metavar="FILE",
    help=_(
        "Write it to a file: .docx, .xlsx, .html or .md; {week} in the name becomes the period. "
        "May be given several times."
    ),
)
@click.option("--markdown", is_flag=True, help=_("Print it as Markdown."))
@click.option("--public", is_flag=True, help=_("For the notice board: counts alone, no person."))
@unmask_option
@click.option("--rows", metavar="NAME", help=_("List the rows that a figure counts."))
@as_option
@json_option
@csv_option
@pass_session
def week(
    session: Session, /, week: str | None, files: tuple[str, ...], markdown: bool, public: bool,
    unmask: bool, rows: str | None, actor: str | None, as_json: bool, as_csv: bool,
) -> None:  # fmt: skip
    from pipeline.report import asked as asking

    if as_csv and rows is None:
        raise UsageProblem(_("--csv is for --rows; a table of the week is --to FILE.xlsx."))
    if rows is not None and (files or markdown):
        raise UsageProblem(_("--rows lists what one figure counts: leave out the other option."))
    if public and (unmask or rows is not None or as_json):
        raise UsageProblem(_("--public shows no person and no row: leave out the other option."))
    asked = asking.open_period(session.home, session.log, week, session.now())
    if unmask:
        asked.log_unmasking(session.actor(actor), rows, files)
    if rows is not None:
        asking.show_rows(asked, rows, unmask, "json" if as_json else "csv" if as_csv else "text")
        return
    told = asked.tell(session.names, public=public, unmask=unmask, files=files)
    if as_json:
        click.echo(forms.json_line(told.week.as_dict()))
    elif markdown:
        click.echo(told.markdown(), nl=False)
    elif not files:
        told.show()
    for path in told.write(files, session.actor(actor)):
        click.echo(told.line(path), err=as_json or markdown)
    if not told.week.adds_up:
        click.echo(_("The figures do not add up; please run: hotline check"), err=True)
        click.get_current_context().exit(1)


@main.command(help=_("Prove that folder and log add up.\n\n") + _("Example: hotline check"))
@click.option("--quick", is_flag=True, help=_("Do not read every original again."))
@click.option(
    "--reindex", is_flag=True, help=_("Make the index of the words anew from the log first.")
)
@click.option(
    "--files", is_flag=True, help=_("List every file ever seen, where it stands, and why.")
)
@json_option
@csv_option
@pass_session
def check(
    session: Session, /, quick: bool, reindex: bool, files: bool, as_json: bool, as_csv: bool
) -> None:
    from pipeline import proof

    if as_csv and not files:
        raise UsageProblem(_("--csv is for --files."))
    if files:
        rows = session.log.recordings()
        if as_json or as_csv:
            emit([forms.recording_dict(row) for row in rows], as_csv)
        else:
            for row in rows:
                click.echo(screen.recording_text(row))
        return
    if reindex:
        from pipeline import index

        n = index.rebuild(session.log)
        click.echo(_("The words of {n} texts are indexed anew.").format(n=n), err=True)
    with counting(session.home.originals.name) as progress:
        found = proof.check(session.home, session.log, quick=quick, progress=progress)
    if as_json:
        click.echo(forms.json_line(found.as_dict()))
    else:
        if found.seen:
            click.echo(
                _("{n} files seen: {states}").format(
                    n=found.seen, states=screen.state_counts(found.states)
                )
            )
        elif not session.log.count_calls():
            click.echo(screen.nothing_came(session.home))
        click.echo(
            _("{n} requests; speech not accounted for: {s:.1f} s.").format(
                n=found.requests, s=found.uncovered_speech_s
            )
        )
        for problem in found.problems[:PROBLEMS_SHOWN]:
            click.echo(f"- {problem}")
        if (rest := len(found.problems) - PROBLEMS_SHOWN) > 0:
            click.echo(f"- {_('and {n} more').format(n=rest)}: hotline check --json")
        click.echo(_("It does not add up.") if found.problems else _("It all adds up."))
        for line in screen.waiting_text(session.log, session.home):
            click.echo(line)
    if found.problems:
        click.get_current_context().exit(1)


@main.command(
    help=_("The whole way on the demonstration calls, offline, in a home of its own.\n\n")
    + _("Example: hotline demo")
)
@click.argument("folder", type=click.Path(path_type=Path), default="hotline-demo", metavar="[DIR]")
@click.option(
    "--export",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help=_("Only put the calls and their references there."),
)
def demo(folder: Path, export: Path | None) -> None:
    from pipeline import demo as show

    if export is not None:
        n = show.export(export)
        click.echo(_("{n} files and calls.jsonl are in {folder}.").format(n=n, folder=export))
        return
    with live(quiet=False) as progress:
        show.run(folder, progress)


for command in (*desk.COMMANDS, *again.COMMANDS):
    main.add_command(command)
main.add_command(finding.search)
main.add_command(finding.play)
main.add_command(export.export)
main.add_command(watching.watch)
main.add_command(learn.command)
main.add_command(sides.flip)
main.add_command(weights.models)
for command in (trying.transcribe, trying.understand, trying.evaluate):
    main.add_command(command)


if __name__ == "__main__":
    from pipeline.__main__ import main as start

    start()
