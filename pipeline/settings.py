"""A home and its `hotline.toml`: every setting, every default, checked whole before anything runs."""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from importlib import resources
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pipeline.errors import SettingsError, UsageProblem
from pipeline.i18n import _
from pipeline.script import SCRIPTS

SETTINGS_FILE = "hotline.toml"
TAXONOMY_FILE = "taxonomy.toml"
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True, slots=True)
class Recordings:
    folder: str = "recordings"
    settle_seconds: float = 2.0
    patterns: tuple[Mapping[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Hearing:
    model: str = ""
    engine: str = "whisper"
    language: str = "zh"
    words: tuple[str, ...] = ()
    script: str = "simplified"
    staff_channel: int = -1


@dataclass(frozen=True, slots=True)
class Due:
    critical_minutes: int = 30
    urgent_hours: int = 24
    routine_working_days: int = 5


@dataclass(frozen=True, slots=True)
class Repeats:
    days: int = 14


@dataclass(frozen=True, slots=True)
class Watch:
    rescan_seconds: float = 10.0


@dataclass(frozen=True, slots=True)
class Alert:
    bell: bool = True
    desktop: bool = True
    command: tuple[str, ...] = ()
    unmask: bool = False


@dataclass(frozen=True, slots=True)
class Settings:
    """What `hotline.toml` says; see the comments in `pipeline/hotline.toml` for each."""

    name: str = ""
    language: str = ""
    time_zone: str = "Asia/Shanghai"
    staff: str = ""
    week_start: str = "monday"
    recordings: Recordings = field(default_factory=Recordings)
    hearing: Hearing = field(default_factory=Hearing)
    due: Due = field(default_factory=Due)
    repeats: Repeats = field(default_factory=Repeats)
    watch: Watch = field(default_factory=Watch)
    alert: Alert = field(default_factory=Alert)

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @property
    def first_weekday(self) -> int:
        """The day that the office's weeks begin on; Monday is 0."""
        return WEEKDAYS.index(self.week_start)


@dataclass(frozen=True, slots=True)
class Home:
    """A folder with `hotline.toml`, `recordings/`, `models/`, `originals/`, `hotline.db`."""

    path: Path
    settings: Settings

    @property
    def recordings(self) -> Path:
        return self.path / self.settings.recordings.folder

    @property
    def models(self) -> Path:
        return self.path / "models"

    @property
    def originals(self) -> Path:
        return self.path / "originals"

    @property
    def log(self) -> Path:
        return self.path / "hotline.db"

    @property
    def taxonomy(self) -> Path | None:
        """The office's own taxonomy, or None to use the package's."""
        own = self.path / TAXONOMY_FILE
        return own if own.exists() else None

    @property
    def learned(self) -> Path:
        """The model that `hotline learn` made for this office; not there before."""
        return self.path / "learned.npz"

    @property
    def examples(self) -> Path:
        """Labelled examples of the office's own, for `hotline learn`; not there before."""
        return self.path / "examples"


def read(path: Path) -> Settings:
    """The settings in `path`.

    Raises:
        SettingsError: not TOML, an unknown key (the nearest right one is named), a wrong type, or a
            time zone that does not exist; always with the line.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        table = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(
            _("{file} cannot be read: {error}. Mend that line and try again.").format(
                file=path, error=error
            )
        ) from error
    settings: Settings = _build(Settings, table, "", path, text)
    try:
        settings.zone  # noqa: B018 (asking for it is the check)
    except (KeyError, ValueError, OSError) as error:
        raise SettingsError(
            _('{file}, line {line}: there is no time zone "{zone}". Try "Asia/Shanghai".').format(
                file=path, line=_line(text, "time_zone"), zone=settings.time_zone
            )
        ) from error
    if settings.week_start not in WEEKDAYS:
        raise SettingsError(
            _('{file}, line {line}: "week_start" is one of {days}.').format(
                file=path, line=_line(text, "week_start"), days=", ".join(WEEKDAYS)
            )
        )
    if settings.hearing.script not in SCRIPTS:
        raise SettingsError(
            _('{file}, line {line}: "script" is one of {names}.').format(
                file=path, line=_line(text, "script"), names=", ".join(SCRIPTS)
            )
        )
    if any(not isinstance(word, str) or not word.strip() for word in settings.hearing.words):
        raise SettingsError(
            _('{file}, line {line}: "words" takes something like {example}.').format(
                file=path, line=_line(text, "words"), example='["桂花苑", "长寿路"]'
            )
        )
    return settings


def _line(text: str, key: str) -> int:
    """The first line that sets `key`, counted from 1; 1 when it cannot be told."""
    pattern = re.compile(rf"\s*\[*\s*(?:[\w.]+\.)?{re.escape(key)}\s*(?:=|\])")
    return next((n for n, line in enumerate(text.splitlines(), 1) if pattern.match(line)), 1)


def _build(record: type[Any], table: Mapping[str, Any], prefix: str, path: Path, text: str) -> Any:
    known = {f.name: f for f in fields(record)}
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = _('Did you mean "{near}"?').format(near=near[0]) if near else ""
            raise SettingsError(
                _('{file}, line {line}: there is no setting "{key}". {hint}')
                .format(file=path, line=_line(text, key), key=prefix + key, hint=hint)
                .strip()
            )
        default = getattr(record(), key)
        if hasattr(default, "__dataclass_fields__") and isinstance(value, dict):
            values[key] = _build(type(default), value, f"{prefix}{key}.", path, text)
        elif isinstance(default, tuple) and isinstance(value, list):
            values[key] = tuple(value)
        elif isinstance(default, float) and type(value) in (int, float):
            values[key] = float(value)
        elif type(value) is type(default):
            values[key] = value
        else:
            raise SettingsError(
                _('{file}, line {line}: "{key}" takes something like {example}.').format(
                    file=path,
                    line=_line(text, key),
                    key=prefix + key,
                    example=repr(default).replace("'", '"'),
                )
            )
    return record(**values)


def language_of(arguments: Sequence[str]) -> str | None:
    """The language that the home of a command line (with `--home`, or without) asks for; None where it
    asks for none or cannot be read: what is wrong with it is said later."""
    named = None
    for n, argument in enumerate(arguments):
        option, _equals, value = argument.partition("=")
        if option == "--home":
            named = Path(value or "".join(arguments[n + 1 : n + 2]))
    try:
        return find(named).settings.language or None
    except (UsageProblem, OSError):
        return None


def find(explicit: Path | None) -> Home:
    """The home to work in: `explicit`, else HOTLINE_HOME, else the nearest folder upwards.

    Raises:
        UsageProblem: there is none; the sentence names `hotline init`.
    """
    named = explicit or (
        Path(os.environ["HOTLINE_HOME"]) if os.environ.get("HOTLINE_HOME") else None
    )
    if named is not None:
        if not (named / SETTINGS_FILE).is_file():
            raise UsageProblem(
                _("{folder} is no home of hotline. Make one with: hotline init {folder}").format(
                    folder=named
                )
            )
        return Home(named.resolve(), read(named / SETTINGS_FILE))
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / SETTINGS_FILE).is_file():
            return Home(folder, read(folder / SETTINGS_FILE))
    raise UsageProblem(
        _(
            "There is no home of hotline here. Make one with: hotline init FOLDER "
            "(or say which with --home FOLDER)."
        )
    )


def init(folder: Path) -> tuple[Home, bool]:
    """Make a home of `folder`; what is there already stays. Returns it and whether it is new."""
    file = folder / SETTINGS_FILE
    new = not file.exists()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # calls are nobody else's business
        if new:
            file.write_bytes((resources.files("pipeline") / SETTINGS_FILE).read_bytes())
        taxonomy = folder / TAXONOMY_FILE
        if not taxonomy.exists():
            taxonomy.write_bytes((resources.files("pipeline") / TAXONOMY_FILE).read_bytes())
        home = Home(folder.resolve(), read(file))
        for part in (home.recordings, home.models, home.originals):
            part.mkdir(mode=0o700, parents=True, exist_ok=True)
        home.originals.chmod(0o700)
    except OSError as error:
        raise UsageProblem(
            _("{folder} cannot be made a home: {error}.").format(
                folder=folder, error=error.strerror or error
            )
        ) from error
    return home, new
