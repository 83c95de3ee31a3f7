"""A home and its `hotline.toml`: every setting, every default, checked whole before anything runs."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import Field, dataclass, field, fields
from datetime import date
from importlib import resources
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pipeline import tables
from pipeline.errors import SettingsError, UsageProblem
from pipeline.i18n import _, system_says
from pipeline.script import SCRIPTS

SETTINGS_FILE = "hotline.toml"
TAXONOMY_FILE = "taxonomy.toml"
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def _among(*values: str) -> Any:
    """A setting that is one of `values`; the first is the default."""
    return field(default=values[0], metadata={"among": values})


def _from(low: float, default: float) -> Any:
    """A setting that is a number from `low` on."""
    return field(default=default, metadata={"low": low})


def _list(each: type[Any], example: str) -> Any:
    """A setting that is a list; `example` stands in the sentence about one that is none."""
    return field(default=(), metadata={"each": each, "example": example})


@dataclass(frozen=True, slots=True)
class Recordings:
    folder: str = "recordings"
    settle_seconds: float = _from(0.0, 2.0)
    patterns: tuple[Mapping[str, str], ...] = _list(dict, "[[recordings.patterns]]")


@dataclass(frozen=True, slots=True)
class Hearing:
    model: str = ""
    engine: str = _among("whisper", "fast")
    language: str = "zh"
    words: tuple[str, ...] = _list(str, '["桂花苑", "长寿路"]')
    script: str = _among(*SCRIPTS)
    staff_channel: int = field(default=-1, metadata={"among": (-1, 0, 1)})


@dataclass(frozen=True, slots=True)
class Estate:
    buildings: tuple[str, ...] = _list(str, '["1", "2", "3A"]')
    staff: tuple[str, ...] = _list(str, '["王芳", "李强"]')
    medicines: tuple[str, ...] = _list(str, '["倍他乐克", "优泌乐"]')


@dataclass(frozen=True, slots=True)
class Due:
    critical_minutes: int = _from(1, 30)
    urgent_hours: int = _from(1, 24)
    routine_working_days: int = _from(1, 5)
    holidays: tuple[date, ...] = _list(date, '["2026-10-08"]')
    workdays: tuple[date, ...] = _list(date, '["2026-10-10"]')


@dataclass(frozen=True, slots=True)
class Repeats:
    days: int = _from(0, 14)


@dataclass(frozen=True, slots=True)
class Watch:
    rescan_seconds: float = _from(0.1, 10.0)


@dataclass(frozen=True, slots=True)
class Alert:
    bell: bool = True
    desktop: bool = True
    command: tuple[str, ...] = _list(str, '["D:/hotline/alarm.exe", "{text}"]')
    unmask: bool = False


@dataclass(frozen=True, slots=True)
class Play:
    command: tuple[str, ...] = _list(str, '["C:/Program Files/VideoLAN/VLC/vlc.exe", "{file}"]')
    margin_seconds: float = _from(0.0, 1.0)


@dataclass(frozen=True, slots=True)
class Settings:
    """What `hotline.toml` says; see the comments in `pipeline/hotline.toml` for each."""

    name: str = ""
    language: str = _among("", "zh", "en")
    time_zone: str = "Asia/Shanghai"
    staff: str = ""
    week_start: str = _among(*WEEKDAYS)
    recordings: Recordings = field(default_factory=Recordings)
    hearing: Hearing = field(default_factory=Hearing)
    estate: Estate = field(default_factory=Estate)
    due: Due = field(default_factory=Due)
    repeats: Repeats = field(default_factory=Repeats)
    watch: Watch = field(default_factory=Watch)
    alert: Alert = field(default_factory=Alert)
    play: Play = field(default_factory=Play)

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
    """The settings in `path`, checked whole.

    Raises:
        SettingsError: a sentence for each mistake, with its line: not TOML, an unknown key (the nearest
            right one is named), a value that cannot be meant.
    """
    table, lines = tables.read(path)
    page = _Page(path, lines)
    settings: Settings = page.build(Settings, table, "")
    if page.problems:
        raise SettingsError("\n".join(page.problems))
    return settings


class _Page:
    """A settings file that is being read, and what is wrong with it so far."""

    def __init__(self, path: Path, lines: Mapping[str, int]) -> None:
        self.path, self.lines = path, lines
        self.problems: list[str] = []

    def problem(self, key: str, what: str) -> None:
        place = _("{file}, line {line}:").format(file=self.path, line=self.lines.get(key, 1))
        self.problems.append(f"{place} {what}")

    def build(self, record: type[Any], table: Mapping[str, Any], prefix: str) -> Any:
        known = {one.name: one for one in fields(record)}
        values: dict[str, Any] = {}
        for name, value in table.items():
            key = prefix + name
            if name not in known:
                self.problem(key, _unknown(name, key, list(known)))
                continue
            default = getattr(record(), name)
            if hasattr(default, "__dataclass_fields__"):
                if isinstance(value, dict):
                    values[name] = self.build(type(default), value, f"{key}.")
                else:
                    self.problem(
                        key,
                        _('"{key}" is a part: write [{key}], and below it its settings.').format(
                            key=key
                        ),
                    )
                continue
            rules = known[name].metadata
            meant = _meant(value, default, rules)
            if meant is None:
                self.problem(
                    key,
                    _('"{key}" takes something like {example}.').format(
                        key=key, example=rules.get("example") or repr(default).replace("'", '"')
                    ),
                )
                continue
            wrong = _wrong(key, meant, rules)
            if wrong is not None:
                self.problem(key, wrong)
            values[name] = meant
        return record(**values)


def _unknown(name: str, key: str, known: list[str]) -> str:
    """What is said of a setting that there is not, with the one that was probably meant."""
    said = _('there is no setting "{key}".').format(key=key)
    near = difflib.get_close_matches(name, known, n=1)
    if near:
        return said + " " + _('Did you mean "{near}"?').format(near=near[0])
    every = {one.name: part.name if part is not None else "" for part, one in _every()}
    near = difflib.get_close_matches(name, every, n=1)
    if not near:
        return said
    part = every[near[0]]
    place = _("below [{part}]").format(part=part) if part else _("at the top, above every [part]")
    return said + " " + _('"{name}" belongs {place}.').format(name=near[0], place=place)


def _every() -> Iterator[tuple[Field[Any] | None, Field[Any]]]:
    """Every setting with the part that it is in; None for those at the top."""
    whole = Settings()
    for one in fields(Settings):
        default = getattr(whole, one.name)
        if hasattr(default, "__dataclass_fields__"):
            yield from ((one, inner) for inner in fields(default))
        else:
            yield None, one


def _meant(value: Any, default: Any, rules: Mapping[str, Any]) -> Any:
    """A value from the file as the setting holds it; None where it is of another kind."""
    if "each" in rules:
        if not isinstance(value, list):
            return None
        each = rules["each"]
        made = [_day(one) if each is date else one for one in value]
        return (
            tuple(made) if all(isinstance(one, each) and str(one).strip() for one in made) else None
        )
    if isinstance(default, float) and type(value) in (int, float):
        return float(value)
    return value if type(value) is type(default) else None


def _day(value: Any) -> date | None:
    """A day, as TOML has days or as text."""
    if type(value) is date:
        return value
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        return None


def _wrong(key: str, value: Any, rules: Mapping[str, Any]) -> str | None:
    """Why a value of the right kind cannot be meant."""
    if isinstance(value, str) and not value.isprintable():
        # "D:\recordings" is a carriage return to TOML.
        return _('"{key}" is not what you wrote, because of a \\. {hint}').format(
            key=key, hint=_("Write a path with / or between single quotes: 'D:\\recordings'.")
        )
    if "among" in rules and value not in rules["among"]:
        near = difflib.get_close_matches(str(value), [str(one) for one in rules["among"]], n=1)
        hint = " " + _('Did you mean "{near}"?').format(near=near[0]) if near else ""
        said = _('"{key}" is one of {values}.').format(
            key=key,
            values=", ".join(
                f'"{one}"' if isinstance(one, str) else str(one) for one in rules["among"]
            ),
        )
        return said + hint
    if "low" in rules and not rules["low"] <= value < 1e9:
        return _('"{key}" is at least {low}.').format(key=key, low=rules["low"])
    if key == "time_zone":
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError):
            return _('there is no time zone "{zone}". Try "Asia/Shanghai".').format(zone=value)
    if key == "recordings.patterns":
        return next((why for why in map(_bad_pattern, value) if why), None)
    return None


def _bad_pattern(entry: Mapping[str, Any]) -> str | None:
    regex = entry.get("regex")
    if not isinstance(regex, str) or set(entry) - {"name", "regex"}:
        return _('[[recordings.patterns]] has a "name" and a "regex".')
    try:
        re.compile(regex)
    except re.error as error:
        return _('the pattern "{regex}" is no regular expression: {error}.').format(
            regex=regex, error=error
        )
    return None


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
    if folder.exists() and not folder.is_dir():
        raise UsageProblem(_("{folder} is a file; name a folder.").format(folder=folder))
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
                folder=folder, error=system_says(error)
            )
        ) from error
    return home, new
