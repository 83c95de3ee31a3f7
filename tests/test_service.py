"""What starts the watch with the computer: units that systemd, launchd and the Task Scheduler take as they are."""

from __future__ import annotations

import plistlib
import re
import shutil
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest

from pipeline import service, settings
from pipeline.errors import HotlineError
from pipeline.settings import Home

NASTY = '家 "50%" $HOME & <x> it\'s \\n'
"""A home's name with all that a shell, systemd, XML or Windows reads as a sign of its own."""


def test_units_name_the_home_whatever_it_is_called(tmp_path: Path) -> None:
    home = Home(tmp_path / NASTY, settings.Settings())
    linux = service.unit(home, "small", None, "linux").text
    assert '家 \\"50%%\\" $$HOME & <x> it\'s \\\\n"' in linux
    assert '"--model" "small"' in linux
    mac = plistlib.loads(service.unit(home, None, "fast", "darwin").text.encode())
    assert mac["ProgramArguments"][-4:] == [str(home.path), "watch", "--engine", "fast"]
    task = service.unit(home, None, None, "win32")
    (arguments,) = ElementTree.fromstring(task.text.encode("utf-16")).iterfind(".//{*}Arguments")
    assert subprocess.list2cmdline([str(home.path)]) in (arguments.text or "")
    assert task.path.parent == home.path


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd here")
def test_systemd_finds_nothing_wrong_with_its_unit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    home = Home(tmp_path / NASTY, settings.Settings())
    path = service.install(service.unit(home, "small", None, "linux"))

    def verified() -> tuple[int, str]:
        done = subprocess.run(
            ["systemd-analyze", "verify", "--user", "--man=no", str(path)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr

    assert verified() == (0, "")
    path.write_text(path.read_text("utf-8").replace("Restart=always", "Restart=often"), "utf-8")
    assert "often" in verified()[1]  # it does look


def test_the_plist_holds_keys_that_launchd_knows(tmp_path: Path) -> None:
    """Each with its type, as launchd.plist(5) has them; the file is named by its label."""
    known = {
        "Label": str, "ProgramArguments": list, "EnvironmentVariables": dict, "RunAtLoad": bool,
        "KeepAlive": bool, "ThrottleInterval": int, "ExitTimeOut": int, "Umask": int,
        "StandardOutPath": str, "StandardErrorPath": str,
    }  # fmt: skip
    unit = service.unit(Home(tmp_path / NASTY, settings.Settings()), None, None, "darwin")
    mac = plistlib.loads(unit.text.encode())
    assert {key: type(value) for key, value in mac.items()} == known
    assert all(isinstance(one, str) for one in mac["ProgramArguments"])
    assert {type(value) for value in mac["EnvironmentVariables"].values()} == {str}
    assert unit.path.name == f"{mac['Label']}.plist"
    assert plistlib.loads(plistlib.dumps(mac)) == mac


TASK = {
    "Task": "RegistrationInfo? Triggers? Principals? Settings? Actions",
    "RegistrationInfo": "Description?",
    "Triggers": "LogonTrigger?",
    "LogonTrigger": "Enabled? Repetition? UserId?",
    "Repetition": "Interval Duration? StopAtDurationEnd?",
    "Principals": "Principal?",
    "Principal": "UserId? LogonType?",
    "Settings": "MultipleInstancesPolicy? DisallowStartIfOnBatteries? StopIfGoingOnBatteries?"
    " ExecutionTimeLimit? RestartOnFailure?",
    "RestartOnFailure": "Interval Count",
    "Actions": "Exec",
    "Exec": "Command Arguments? WorkingDirectory?",
}
"""What may stand in what, in this order: of Microsoft's schema (MS-TSCH 2.5) the part that is used. A
question mark: it may be missing."""
VALUES = {
    "Enabled": "true|false",
    "Interval": r"PT([1-9]|[1-5]\d)M",  # PT1M to P31D
    "LogonType": "InteractiveToken",
    "MultipleInstancesPolicy": "Parallel|Queue|IgnoreNew|StopExisting",
    "DisallowStartIfOnBatteries": "true|false",
    "StopIfGoingOnBatteries": "true|false",
    "ExecutionTimeLimit": "PT0S",  # none
    "Count": r"[1-9]\d?|1\d\d|2[0-4]\d|25[0-5]",  # unsignedByte
}


def test_the_task_is_one_of_the_task_schedulers_schema(tmp_path: Path) -> None:
    namespace = "{http://schemas.microsoft.com/windows/2004/02/mit/task}"
    unit = service.unit(Home(tmp_path / "家 & <x>", settings.Settings()), None, None, "win32")
    (tmp_path / "家 & <x>").mkdir()
    written = service.install(unit).read_bytes()
    assert written[:2] in (b"\xff\xfe", b"\xfe\xff")  # as its first line says, and schtasks wants
    task = ElementTree.fromstring(written)
    assert (task.tag, task.get("version")) == (f"{namespace}Task", "1.2")
    for element in task.iter():
        name = element.tag.removeprefix(namespace)
        if name in TASK:
            order = "".join(f"({part.rstrip('?')} ){'?' * part.endswith('?')}" for part in TASK[name].split())  # fmt: skip
            children = "".join(child.tag.removeprefix(namespace) + " " for child in element)
            assert re.fullmatch(order, children), (name, children)
        else:
            assert re.fullmatch(VALUES.get(name, ".+"), element.text or ""), name
    (actions,) = task.iterfind(f"{namespace}Actions")
    (principal,) = task.iterfind(f".//{namespace}Principal")
    assert actions.get("Context") == principal.get("id")


def test_a_unit_of_another_home_is_not_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    one, two = (Home(tmp_path / name, settings.Settings()) for name in ("一", "二"))
    path = service.install(service.unit(one, None, None, "linux"))
    assert str(one.path) in path.read_text(encoding="utf-8")
    service.install(service.unit(one, None, None, "linux"))
    with pytest.raises(HotlineError, match="something else"):
        service.install(service.unit(two, None, None, "linux"))
