"""A TOML file that people write: what it says, on which line, and what is wrong with it (a leaf)."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from pipeline.errors import SettingsError
from pipeline.i18n import _, system_says


def read(path: Path) -> tuple[dict[str, Any], dict[str, int]]:
    """The table that the file holds, and on which line, from 1, each key (`part.key`) stands first.

    Raises:
        SettingsError: it cannot be read, is not UTF-8 or not TOML; the sentence says which line.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise SettingsError(
            _("{file} is not written in UTF-8. Open it in an editor and save it as UTF-8.").format(
                file=path
            )
        ) from error
    except OSError as error:
        raise SettingsError(
            _("{file} cannot be read: {error}.").format(file=path, error=system_says(error))
        ) from error
    try:
        return tomllib.loads(text), _lines(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(_not_toml(path, text, str(error))) from error


def _not_toml(path: Path, text: str, error: str) -> str:
    """What is wrong with a file that is no TOML, with the line, and what it often is."""
    found = re.search(r"line (\d+)", error)
    n = int(found[1]) if found else len(text.splitlines())
    line = text.splitlines()[n - 1] if 0 < n <= len(text.splitlines()) else ""
    if re.search(r"[“”‘’＂＝]", line):
        hint = _("It holds Chinese quotation or equals signs; write plain ones.")
    elif "twice" in error or "overwrite" in error:
        hint = _("It stands there for the second time; put the two together.")
    elif "\\" in line:
        hint = _("Write a path with / or between single quotes: 'D:\\recordings'.")
    else:
        hint = _("Text stands between quotation marks, a list between [ and ].")
    return _("{file}, line {line} cannot be read. {hint} It says: {text}").format(
        file=path, line=n, text=line.strip(), hint=hint
    )


def _lines(text: str) -> dict[str, int]:
    found: dict[str, int] = {}
    part = ""
    for n, line in enumerate(text.splitlines(), 1):
        head = re.match(r"\s*\[+\s*([\w.-]+)\s*\]+", line)
        key = re.match(r"\s*[\"']?([\w.-]+)[\"']?\s*=", line)
        if head:
            part = head[1] + "."
            found.setdefault(head[1], n)
        elif key:
            found.setdefault(part + key[1], n)
    return found
