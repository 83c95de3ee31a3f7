"""The command `flip`: who is staff and who the resident in a call, when the guess was the wrong way round."""

from __future__ import annotations

import click

from pipeline import sheet
from pipeline.errors import UsageProblem
from pipeline.i18n import _
from pipeline.session import Session, as_option, note_option, pass_session


@click.command(
    help=_("Say that staff and resident are the other way round in a call.\n\n")
    + _("Example: hotline flip 12 (the call of request 12)   or: hotline flip --call 7")
)
@click.argument("number", type=int, required=False, metavar="ID")
@click.option("--call", "call_id", type=int, metavar="N", help=_("A call instead."))
@as_option
@note_option
@pass_session
def flip(
    session: Session, /, number: int | None, call_id: int | None, actor: str | None,
    note: str | None,
) -> None:  # fmt: skip
    from pipeline import speakers

    if (number is None) == (call_id is None):
        raise UsageProblem(_("Say which: hotline flip ID, or hotline flip --call N."))
    if number is not None:
        call_id = session.log.request(number).call_id
    assert call_id is not None
    speakers.flip_speakers(session.log, call_id, by=session.actor(actor), note=note)
    click.echo(_("Staff and resident are changed over in call {n}:").format(n=call_id))
    settings = session.home.settings
    sheet.print_call(session.log, call_id, settings.zone, settings.hearing.words)
    click.echo(
        _("What was promised depends on who spoke; read it again with: hotline redo {n}").format(
            n=call_id
        )
    )
