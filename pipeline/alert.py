"""A critical request said outside of the terminal: a notification on the desktop, a command of the office's own.

Neither may hold up the calls: both run by themselves, are ended after `LIMIT_S`, and what goes wrong
with them is told, never raised.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pipeline.i18n import _, system_says
from pipeline.masks import mask_name, mask_phone, mask_text
from pipeline.screen import place_text

if TYPE_CHECKING:
    from pipeline.rows import RequestRow
    from pipeline.settings import Settings

LIMIT_S = 30.0
"""How long a notification or a command may take."""

_UNSAFE = str.maketrans(dict.fromkeys("\"'%&|<>^!`$\\\r\n\0", " "))
"""What a command interpreter might take for its own, had the office's command one behind it."""

_WINDOWS = """
$ErrorActionPreference = 'Stop'
Add-Type -AssemblyName System.Windows.Forms
$icon = New-Object System.Windows.Forms.NotifyIcon
$icon.Icon = [System.Drawing.SystemIcons]::Warning
$icon.Visible = $true
$icon.ShowBalloonTip(20000, $env:HOTLINE_TITLE, $env:HOTLINE_TEXT, 'Warning')
[Console]::Beep(880, 400)
Start-Sleep 20
$icon.Dispose()
"""
_MAC = (
    "on run argv\n"
    'display notification (item 2 of argv) with title (item 1 of argv) sound name "Sosumi"\n'
    "end run"
)


def sentence(row: RequestRow, danger: str | None = None) -> str:
    """What is said of a critical request, with no number of a person in it: what is wanted, and the words
    of `danger` for which it is critical, where they are others."""
    gist = row.gist if danger is None or danger in row.gist else f"{row.gist}「{danger}」"
    return _("!! No. {n}, life or limb: {gist} {place} Call 110, 119 or 120 first.").format(
        n=row.number, gist=mask_text(gist), place=place_text(row.place)
    )


def facts(row: RequestRow, *, unmask: bool) -> dict[str, Any]:
    """What is told to a command: numbers and the caller's name masked, but for `unmask`."""
    return {
        "request": row.number,
        "urgency": row.urgency,
        "category": row.category,
        "gist": row.gist if unmask else mask_text(row.gist),
        "place": place_text(row.place),
        "caller": row.caller_name if unmask else mask_name(row.caller_name),
        "phone": row.phone if unmask else mask_phone(row.phone),
        "called_at": row.started_at.isoformat(),
        "due_at": row.due_at.isoformat(),
    }


class Alarm:
    """Says critical requests as the office's settings want it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings.alert
        self.title = settings.name or "hotline"
        self._problems: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._told: set[str] = set()

    def problems(self) -> list[str]:
        """What went wrong since this was asked last; the same sentence once."""
        found = []
        while not self._problems.empty():
            said = self._problems.get()
            if said not in self._told:
                self._told.add(said)
                found.append(said)
        return found

    def ring(self, row: RequestRow, text: str) -> dict[str, Any]:
        """Start what is to be started to say `text`, and return at once: what was started, for the log."""
        spoken = {"HOTLINE_TITLE": self.title, "HOTLINE_TEXT": text}
        started: dict[str, Any] = {}
        command = notifier(self.title, text) if self.settings.desktop else None
        if command is not None:
            self._start(command, spoken, "", _("The desktop's notification"))
            started["desktop"] = True
        if self.settings.command:
            told = facts(row, unmask=self.settings.unmask)
            safe = {"{request}": str(row.number), "{text}": text.translate(_UNSAFE)}
            spoken |= {f"HOTLINE_{name.upper()}": str(value or "") for name, value in told.items()}
            self._start(
                [safe.get(part, part) for part in self.settings.command],
                spoken,
                json.dumps(told, ensure_ascii=False),
                _('The alert command "{command}"').format(command=self.settings.command[0]),
            )
            started |= {"command": self.settings.command[0], "unmasked": self.settings.unmask}
        return started

    def _start(
        self, command: Sequence[str], spoken: Mapping[str, str], given: str, name: str
    ) -> None:
        try:
            process = subprocess.Popen(
                list(command),
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env={**os.environ, **spoken},
                start_new_session=os.name == "posix",  # a Ctrl-C on the watch is none on the alert
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        except (OSError, ValueError) as error:
            self._failed(name, system_says(error))
            return
        threading.Thread(target=self._wait, args=(process, given, name), daemon=True).start()

    def _wait(self, process: subprocess.Popen[bytes], given: str, name: str) -> None:
        with process:
            try:
                _out, said = process.communicate(given.encode(), timeout=LIMIT_S)
            except subprocess.TimeoutExpired:
                _end(process)
                self._failed(name, _("it did not end within {n:.0f} s").format(n=LIMIT_S))
                return
            except OSError as error:
                self._failed(name, system_says(error))
                return
        if process.returncode != 0:
            last = said.decode(errors="replace").strip().splitlines()[-1:] or [""]
            code = _("it ended with status {n}").format(n=process.returncode)
            self._failed(name, f"{code} {last[0][:200]}".strip())

    def _failed(self, name: str, why: str) -> None:
        self._problems.put(
            _("{what} failed: {why}. Look at [alert] in hotline.toml.").format(what=name, why=why)
        )


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a command with all that it started."""
    if os.name == "posix":
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()


def notifier(title: str, text: str, system: str = sys.platform) -> list[str] | None:
    """The command that shows a notification on this system's desktop; None where there is none.

    No part of what was said becomes a script: it is handed over as an argument, or in the environment.
    """
    if system == "win32":
        return ["powershell", "-NoProfile", "-NonInteractive", "-Command", _WINDOWS]
    if system == "darwin":
        return ["osascript", "-e", _MAC, title, text]
    if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return None
    if shutil.which("notify-send") is None:
        return None
    return ["notify-send", "--urgency=critical", "--app-name=hotline", "--", title, text]
