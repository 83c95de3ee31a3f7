"""The demonstration: our own small checkpoint, calls made by a script, and what runs them.

`demo.pt` and `calls/` are package data; `models/demo/` in the repository holds how they are made.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.errors import UsageProblem
from pipeline.i18n import _

if TYPE_CHECKING:
    from pipeline.log import Log
    from pipeline.process import Progress
    from pipeline.settings import Home

REFERENCES = "calls.jsonl"
COMMITTEE = "hotline demo"


def data() -> Traversable:
    return resources.files("pipeline.demo")


def references() -> Iterator[dict[str, Any]]:
    """The demonstration calls' references, in the contract's form, with `file` and `expect`."""
    for line in (data() / REFERENCES).read_text(encoding="utf-8").splitlines():
        if line.strip():
            yield json.loads(line)


def export(folder: Path, weeks: int = 0) -> int:
    """Put the calls and `calls.jsonl` into `folder`, `weeks` later than they are dated.

    Whole weeks, so that the weekdays said in the calls stay true. Returns how many files were put.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lines = []
    for call in references():
        started = datetime.fromisoformat(call["started_at"])
        later = started + timedelta(weeks=weeks)
        target = folder / _redated(call["file"], started, later)
        target.write_bytes((data() / "calls" / call["file"]).read_bytes())
        # Where the name tells no time, the file's own must.
        os.utime(target, (later.timestamp(), later.timestamp()))
        for request in call.get("requests") or []:
            if request.get("due_hint"):
                due = datetime.fromisoformat(request["due_hint"]) + timedelta(weeks=weeks)
                request["due_hint"] = due.date().isoformat()
        call |= {"id": target.stem, "file": target.name, "started_at": later.isoformat()}
        lines.append(json.dumps(call, ensure_ascii=False))
    (folder / REFERENCES).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return len(lines)


def _redated(name: str, old: datetime, new: datetime) -> str:
    """A recorder's file name with its date changed, in the forms that recorders write dates."""
    for form in ("%Y%m%d", "%Y-%m-%d", "%y%m%d"):
        if old.strftime(form) in name:
            return name.replace(old.strftime(form), new.strftime(form)).replace(
                str(int(old.timestamp())), str(int(new.timestamp()))
            )
    return name


def weeks_to_now(now: datetime) -> int:
    """By how many weeks the calls must be moved for the last of them to lie in the past week."""
    last = max(datetime.fromisoformat(call["started_at"]) for call in references())
    return max(0, (now - last) // timedelta(weeks=1))


def run(folder: Path, progress: Progress) -> None:
    """The whole way on the demonstration calls, in a home of its own at `folder`; prints as it goes.

    Raises:
        UsageProblem: `folder` holds something that is not a demonstration's home.
    """
    import click

    from pipeline import process
    from pipeline.log import Log

    home = demo_home(folder)
    now = datetime.now(home.settings.zone)
    if not any(home.recordings.iterdir()):
        export(home.recordings, weeks_to_now(now))
        # The references are no recording; they lie beside the folder for `hotline evaluate`.
        shutil.move(home.recordings / REFERENCES, home.path / REFERENCES)
    with Log(home.log) as log:
        calls = sum(1 for path in home.recordings.iterdir() if path.is_file())
        click.echo(
            _("{n} recordings, as phones and exchanges make them, go in as sound:").format(n=calls)
        )
        process.ingest(home, log, (), lambda: process.load_transcriber(home, "demo"), progress)
        show(log, home, now)


def demo_home(folder: Path) -> Home:
    """A home that hears with the demonstration model; never one that somebody else made."""
    from pipeline import settings

    file = folder / settings.SETTINGS_FILE
    if file.exists():
        home = settings.find(folder)
        if home.settings.hearing.model != "demo":
            raise UsageProblem(
                _(
                    "{folder} is a home in use; the demo leaves it alone. Try: hotline demo OTHER"
                ).format(folder=folder)
            )
        return home
    if folder.exists() and any(folder.iterdir()):
        raise UsageProblem(
            _(
                "{folder} holds other things; the demo leaves it alone. Try: hotline demo OTHER"
            ).format(folder=folder)
        )
    settings.init(folder)
    text = file.read_text(encoding="utf-8")
    text = text.replace('# name = ""', f'name = "{COMMITTEE}"', 1)
    text = text.replace('# model = ""', 'model = "demo"', 1)
    file.write_text(text, encoding="utf-8")
    return settings.find(folder)


def show(log: Log, home: Home, now: datetime) -> None:
    """The demonstration's last screen: calls, requests by urgency, a hit, the week, what to try."""
    import click

    from pipeline import answers, screen, taxonomy, veil
    from pipeline.report import count, telling, terminal
    from pipeline.search import ask

    zone, names = home.settings.zone, taxonomy.names(home.taxonomy)
    click.echo(screen.state_counts(log.states()))
    click.echo()
    rows = log.open_requests(now)
    screen.console().print(screen.requests_table(rows, names, zone, now))
    for line in screen.waiting_text(log, home):
        click.echo(line)
    click.echo()
    click.secho("$ hotline search 胰岛素", bold=True)
    answers.print_hits(veil.answer(log, ask(log, "胰岛素", limit=1)).hits, names, zone)
    last = max((call.started_at for call in log.calls()), default=now).astimezone(zone).date()
    monday = last - timedelta(days=last.weekday())
    click.echo()
    click.secho(f"$ hotline week {monday:%G-W%V}", bold=True)
    week = count(log, monday, monday + timedelta(days=7), zone, now)
    for line in terminal.head(telling.compose(week, names, home.settings.name)):
        click.echo(line)
    click.echo()
    critical = next((row.number for row in rows if row.urgency == "critical"), None)
    number = critical or (rows[0].number if rows else 1)
    click.echo(_("Heard by the demonstration model, which knows these calls and little else."))
    click.echo(
        _("Next, try: hotline --home {home} show {n}").format(
            home=screen.quoted(home.path), n=number
        )
    )
