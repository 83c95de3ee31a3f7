"""`taxonomy.toml` checked key by key, and made a `Taxonomy`: every mistake is said by the name of its key."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar, cast

from pipeline import script, tables
from pipeline.errors import SettingsError
from pipeline.hits import Scanner
from pipeline.i18n import _, colon
from pipeline.patterns import Pattern, translate
from pipeline.taxonomy import Label, Listening, Names, Sign, Splitting, Taxonomy, Weights
from pipeline.types import CATEGORIES, KINDS, URGENCIES, Urgency

VERSION = 1

STRENGTHS = ("strong", "terms", "weak")
CUES = (
    "open", "open_weak", "need", "ask", "problem", "deny", "deny_filler", "deny_not", "over",
    "long_ago", "goes_on", "hypothetical", "hypothetical_not", "figure", "elsewhere", "no_action",
    "yes", "condition",
)  # fmt: skip
CHATTER = ("greeting", "thanks", "wrong_number", "wrong_number_not", "outbound", "phantom", "noise")

_T = TypeVar("_T")

_PLAIN = re.compile(r"[\w\u3400-\u9fff〇%]+")


def compiled(path: Path | None) -> Taxonomy:
    """The taxonomy in `path`, or the package's own.

    Raises:
        SettingsError: as `taxonomy.load`.
    """
    data, lines = _table(path)
    return _Builder(path, lines).build(data)


def names(path: Path | None = None) -> Names:
    """Only what the labels of the taxonomy in `path` (None: the package's own) are called.

    Raises:
        SettingsError: as `load`.
    """
    data, lines = _table(path)
    builder = _Builder(path, lines)
    return Names(
        **{
            field: {
                code: Label(code, str(entry.get("name", code)), str(entry.get("english", code)))
                for code, entry in builder.table(data, section).items()
                if isinstance(entry, dict)
            }
            for field, section in (
                ("categories", "category"),
                ("kinds", "kind"),
                ("urgencies", "urgency"),
            )
        }
    )


def _table(path: Path | None) -> tuple[dict[str, Any], dict[str, int]]:
    """The file's TOML, and on which line each key stands; `path` None is the package's own."""
    import tomllib

    if path is None:
        own = resources.files("pipeline") / "taxonomy.toml"
        return tomllib.loads(own.read_text(encoding="utf-8")), {}
    data, lines = tables.read(path)
    return (_completed(data) if data.get("own_categories") is True else data), lines


def _completed(data: dict[str, Any]) -> dict[str, Any]:
    """Another office's categories with the package's ways of speaking, kinds, urgencies and dangers,
    where the file has none: a danger is one whatever the matter is called."""
    whole = {**_table(None)[0], **data}
    theirs = data.get("category")
    if "sign" not in data and isinstance(theirs, dict):
        whole["sign"] = [
            {key: value for key, value in sign.items() if key not in ("category", "beats")}
            for sign in whole["sign"]
            if "only" not in sign
        ]
    return whole


def _nearest(name: str, right: Sequence[str]) -> str:
    import difflib

    return (difflib.get_close_matches(name, right, 1, 0.0) or [""])[0]


class _Builder:
    """Checks the file key by key and collects what is to be looked for."""

    def __init__(self, path: Path | None, lines: Mapping[str, int]) -> None:
        self.source, self.lines = str(path or "taxonomy.toml"), lines
        self.words: dict[str, str] = {}
        self.literals: list[tuple[str, str, float]] = []
        self.patterns: list[tuple[str, Pattern, float]] = []
        self.seen: set[tuple[str, str]] = set()

    def fail(self, key: str, why: str) -> SettingsError:
        said = _("{key}: {why}").format(key=key, why=why)
        if key in self.lines:
            place = _("{file}, line {line}:").format(file=self.source, line=self.lines[key])
            return SettingsError(f"{place} {said}")
        return SettingsError(self.source + colon() + said)

    def known(self, key: str, got: Iterable[str], right: Sequence[str]) -> None:
        for name in got:
            if name not in right:
                raise self.fail(
                    f"{key}.{name}" if key else name,
                    _("there is no such name; is {near} meant?").format(near=_nearest(name, right)),
                )

    def table(self, data: Mapping[str, Any], key: str) -> dict[str, Any]:
        value = data.get(key, {})
        if not isinstance(value, dict):
            raise self.fail(key, _("a table [{key}] is meant").format(key=key))
        return value

    def strings(self, key: str, value: object) -> list[str]:
        if not isinstance(value, list) or not all(isinstance(v, str) and v for v in value):
            raise self.fail(key, _("a list of words in quotes is meant"))
        return cast("list[str]", value)

    def numbers(self, data: Mapping[str, Any], key: str, record: type[_T]) -> _T:
        table = self.table(data, key)
        names = [f.name for f in fields(cast("Any", record))]
        self.known(key, table, names)
        for name, value in table.items():
            if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
                raise self.fail(f"{key}.{name}", _("a number of 0 or more is meant"))
        return record(**table)

    def add(self, group: str, key: str, entries: Iterable[str], weight: float = 0.0) -> None:
        """Take words or patterns into a group; a word stands in a group once, with its first weight."""
        for entry in entries:
            folded = script.fold(entry)
            if (group, folded) in self.seen:
                continue
            self.seen.add((group, folded))
            if _PLAIN.fullmatch(folded) and len(folded) > 1:
                self.literals.append((group, folded, weight))
            else:
                self.patterns.append((group, self.pattern(key, folded), weight))

    def pattern(self, key: str, entry: str) -> Pattern:
        """An entry as a pattern, not yet compiled: a thousand compilations would take seconds."""
        try:
            made, anchors, empty = translate(entry.strip("…"), self.words)
        except KeyError as error:
            word = str(error.args[0])
            near = _nearest(word, list(self.words))
            raise self.fail(
                key,
                _("<{word}> stands not in [words]; is <{near}> meant?")
                .format(word=word, near=near)
                .rstrip("."),
            ) from error
        except ValueError as error:
            raise self.fail(
                key, _('"{entry}" is no pattern ({error})').format(entry=entry, error=error)
            ) from error
        if empty:
            raise self.fail(key, _('"{entry}" would match everywhere').format(entry=entry))
        return Pattern(made, anchors)

    def build(self, data: dict[str, Any]) -> Taxonomy:
        self.known(
            "",
            data,
            [
                "version",
                "own_categories",
                "weights",
                "split",
                "listening",
                "words",
                "sound",
                "cues",
                "chatter",
                "category",
                "kind",
                "urgency",
                "sign",
            ],
        )
        if data.get("version") != VERSION:
            raise self.fail("version", _("this program reads version {n}").format(n=VERSION))
        weights = self.numbers(data, "weights", Weights)
        splitting = self.numbers(data, "split", Splitting)
        listening = self.numbers(data, "listening", Listening)
        for name, value in self.table(data, "words").items():
            entries = [script.fold(v) for v in self.strings(f"words.{name}", value)]
            self.words[name] = "|".join(sorted(entries, key=len, reverse=True))  # 爸爸 before 爸
        for name in self.words:
            self.pattern(f"words.{name}", self.words[name])
        sound = self.table(data, "sound")
        self.known("sound", sound, ["words", "never"])
        for section, right in (("cues", CUES), ("chatter", CHATTER)):
            table = self.table(data, section)
            self.known(section, table, right)
            for name, value in table.items():
                entries = self.strings(f"{section}.{name}", value)
                if name not in ("deny", "deny_filler"):
                    self.add(f"{section.removesuffix('s')}.{name}", f"{section}.{name}", entries)
        own = data.get("own_categories") is True
        codes = tuple(dict.fromkeys((*self.table(data, "category"), "unclear")))
        categories = self.labels(data, "category", codes if own else CATEGORIES, (*STRENGTHS,))
        kinds = self.labels(data, "kind", KINDS, ("cues",))
        urgencies = self.labels(data, "urgency", URGENCIES, ())
        for code in categories:
            for strength in STRENGTHS:
                key = f"category.{code}.{strength}"
                entries = self.strings(key, data["category"][code].get(strength, []))
                self.add(f"category.{code}", key, entries, getattr(weights, strength))
        for code in kinds:
            key = f"kind.{code}.cues"
            self.add(
                f"kind.{code}", key, self.strings(key, data["kind"][code].get("cues", [])), 1.0
            )
        signs = self.signs(data, categories)
        cues = self.table(data, "cues")
        return Taxonomy(
            categories=categories,
            kinds=kinds,
            urgencies=urgencies,
            signs=signs,
            weights=weights,
            splitting=splitting,
            listening=listening,
            source=self.source,
            _scan=Scanner(
                self.literals,
                self.patterns,
                sound={script.fold(w) for w in self.strings("sound.words", sound.get("words", []))},
                never={script.fold(w) for w in self.strings("sound.never", sound.get("never", []))},
                share=weights.sound,
                denial=_denial(cues, self),
            ).read,
        )

    def labels(
        self, data: Mapping[str, Any], section: str, right: Sequence[str], extra: Sequence[str]
    ) -> dict[str, Label]:
        table = self.table(data, section)
        self.known(section, table, right)
        missing = [code for code in right if code not in table]
        if missing:
            raise self.fail(f"{section}.{missing[0]}", _("it is missing"))
        labels = {}
        for code, entry in table.items():
            if not isinstance(entry, dict):
                raise self.fail(f"{section}.{code}", _("a table is meant"))
            self.known(f"{section}.{code}", entry, ["name", "english", *extra])
            for name in ("name", "english"):
                if not isinstance(entry.get(name), str) or not entry[name].strip():
                    raise self.fail(f"{section}.{code}.{name}", _("a name in quotes is meant"))
            labels[code] = Label(code, entry["name"], entry["english"])
        return labels

    def signs(self, data: Mapping[str, Any], categories: Mapping[str, Label]) -> tuple[Sign, ...]:
        rows = data.get("sign", [])
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise self.fail("sign", _("a list of [[sign]] is meant"))
        signs = []
        for number, row in enumerate(rows):
            key = f"sign {number + 1} ({row.get('about', '?')})"
            self.known(
                key,
                row,
                [
                    "level",
                    "about",
                    "name",
                    "category",
                    "call",
                    "only",
                    "beats",
                    "hint",
                    "plain",
                    "patterns",
                ],
            )
            about, level, name = row.get("about"), row.get("level"), row.get("name")
            if not isinstance(about, str) or not isinstance(name, str):
                raise self.fail(key, _("about and name, in quotes, are missing"))
            self.known(f"{key}.level", [str(level)], URGENCIES)
            only = self.strings(f"{key}.only", row.get("only", []))
            beats = self.strings(f"{key}.beats", row.get("beats", []))
            self.known(f"{key}.only", [*only, *beats], list(categories))
            if not isinstance(row.get("hint", False), bool):
                raise self.fail(f"{key}.hint", _("true or false is meant"))
            if row.get("category") is not None:
                self.known(f"{key}.category", [str(row["category"])], list(categories))
            plain = self.strings(f"{key}.plain", row.get("plain", []))
            patterns = self.strings(f"{key}.patterns", row.get("patterns"))
            self.add(f"plain.{number}", f"{key}.plain", plain, 1.0)
            self.add(f"sign.{number}", f"{key}.plain", plain, 1.0)
            self.add(f"sign.{number}", f"{key}.patterns", patterns, 1.0)
            signs.append(
                Sign(
                    about=about,
                    level=cast("Urgency", level),
                    name=name,
                    category=row.get("category"),
                    call=row.get("call"),
                    only=tuple(only),
                    beats=tuple(beats),
                    hint=row.get("hint", False),
                    plain=bool(plain),
                )
            )
        return tuple(signs)


def _denial(cues: Mapping[str, Any], builder: _Builder) -> Callable[[str], bool]:
    """Whether the words before a hit deny it: a negator at their end, but for fillers (没有|什么|)."""

    def words(name: str) -> str:
        entries = [
            re.escape(script.fold(v)) for v in builder.strings(f"cues.{name}", cues.get(name, []))
        ]
        return "(?:" + "|".join(sorted(entries, key=len, reverse=True) or ["(?!)"]) + ")"

    denies = re.compile(f"{words('deny')}{words('deny_filler')}{{0,3}}$")
    excused = re.compile(f"{words('deny_not')}[^,，。]{{0,4}}$")
    return lambda before: bool(denies.search(before)) and not excused.search(before)
