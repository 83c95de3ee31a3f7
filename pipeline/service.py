"""What makes this computer start the watch by itself: a systemd unit, a launchd plist, a scheduled task."""

from __future__ import annotations

import getpass
import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from pipeline.errors import HotlineError
from pipeline.i18n import _, language

if TYPE_CHECKING:
    from pipeline.settings import Home

NAME = "hotline-watch"
LABEL = "hotline.watch"


@dataclass(frozen=True, slots=True)
class Unit:
    """A file that the system starts the watch from: its text, where it belongs, and its encoding."""

    system: str
    text: str
    path: Path
    encoding: str = "utf-8"

    def commands(self, path: Path) -> list[str]:
        """What is to be typed once, with the file at `path`."""
        if self.system == "win32":
            return [
                f'schtasks /Create /TN {NAME} /XML "{path}"',
                f"schtasks /Run /TN {NAME}",
            ]
        if self.system == "darwin":
            return [f"launchctl bootstrap gui/$(id -u) {shlex.quote(str(path))}"]
        return [
            "systemctl --user daemon-reload",
            f"systemctl --user enable --now {NAME}",
            "loginctl enable-linger   " + _("(to run also while nobody is logged in)"),
            f"journalctl --user -u {NAME} -f   " + _("(to see what it does)"),
        ]


def unit(home: Home, model: str | None, engine: str | None, system: str = sys.platform) -> Unit:
    """The file for `system`, as `sys.platform` names it, that keeps a watch over `home` running."""
    command = [*_program(), "--home", str(home.path), "watch"]
    command += ["--model", model] if model else []
    command += ["--engine", engine] if engine else []
    if system == "win32":
        return Unit(system, _task(home, command), home.path / f"{NAME}.xml", "utf-16")
    if system == "darwin":
        place = Path.home() / "Library" / "LaunchAgents" / f"{LABEL}.plist"
        return Unit(system, _plist(home, command), place)
    config = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return Unit(system, _systemd(home, command), config / "systemd" / "user" / f"{NAME}.service")


def install(unit: Unit) -> Path:
    """Write the file where the system looks for it; one of another home is left alone.

    Raises:
        HotlineError: another home has its watch there, or nothing can be written.
    """
    try:
        if unit.path.exists() and unit.path.read_text(unit.encoding) != unit.text:
            raise HotlineError(
                _(
                    "{file} is there already and says something else; remove it first, or compare it "
                    "with: hotline watch --install --print"
                ).format(file=unit.path)
            )
        unit.path.parent.mkdir(parents=True, exist_ok=True)
        unit.path.write_text(unit.text, unit.encoding)
    except (OSError, UnicodeError) as error:
        raise HotlineError(
            _("{file} cannot be written: {error}.").format(
                file=unit.path, error=getattr(error, "strerror", None) or error
            )
        ) from error
    return unit.path


def _program() -> list[str]:
    """What starts this very hotline, from wherever it is installed."""
    script = Path(sys.argv[0]).absolute()
    if script.stem == "hotline" and script.exists():
        return [str(script)]
    return [sys.executable, "-m", "pipeline"]


def _systemd(home: Home, command: Sequence[str]) -> str:
    def quoted(part: str) -> str:
        escaped = part.replace("\\", "\\\\").replace('"', '\\"')
        return '"' + escaped.replace("%", "%%") + '"'

    program, *words = map(quoted, command)
    words = [
        word.replace("$", "$$") for word in words
    ]  # in the program's path it stands for itself
    return f"""\
[Unit]
Description=hotline: takes in recorded calls in {str(home.path).replace("%", "%%")}

[Service]
ExecStart={" ".join([program, *words])}
Environment=PYTHONUNBUFFERED=1 PYTHONUTF8=1 HOTLINE_LANG={language()}
# The stop goes to the watch alone, which ends its decoder itself.
KillMode=mixed
TimeoutStopSec=60
Restart=always
RestartSec=10
Nice=5

[Install]
WantedBy=default.target
"""


def _plist(home: Home, command: Sequence[str]) -> str:
    import plistlib

    log = str(home.path / f"{NAME}.log")
    return plistlib.dumps(
        {
            "Label": LABEL,
            "ProgramArguments": list(command),
            "EnvironmentVariables": {
                "PYTHONUNBUFFERED": "1",
                "PYTHONUTF8": "1",
                "HOTLINE_LANG": language(),
            },
            "RunAtLoad": True,
            "KeepAlive": True,
            "ThrottleInterval": 10,
            "ExitTimeOut": 60,
            "Umask": 0o077,
            "StandardOutPath": log,
            "StandardErrorPath": log,
        }
    ).decode()


def _task(home: Home, command: Sequence[str]) -> str:
    # Of the one who installs it alone: a task for whoever logs in is an administrator's to make. The
    # scheduler takes a watch that was killed for one that ended, and starts it no more by itself: so
    # it is started every five minutes, and that is ignored while one runs.
    user = escape("\\".join(filter(None, (os.environ.get("USERDOMAIN"), getpass.getuser()))))
    return f"""\
<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo><Description>hotline: takes in recorded calls</Description></RegistrationInfo>
  <Triggers>
    <LogonTrigger>
      <Repetition><Interval>PT5M</Interval></Repetition>
      <UserId>{user}</UserId>
    </LogonTrigger>
  </Triggers>
  <Principals>
    <Principal id="Author"><UserId>{user}</UserId><LogonType>InteractiveToken</LogonType></Principal>
  </Principals>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>
    <RestartOnFailure><Interval>PT1M</Interval><Count>255</Count></RestartOnFailure>
  </Settings>
  <Actions Context="Author">
    <Exec>
      <Command>{escape(command[0])}</Command>
      <Arguments>{escape(subprocess.list2cmdline(command[1:]))}</Arguments>
      <WorkingDirectory>{escape(str(home.path))}</WorkingDirectory>
    </Exec>
  </Actions>
</Task>
"""
