"""Gather every sentence for staff into the Chinese catalogue, and compile it: `python docs/sentences.py`.

Ours are marked with `_()` and `plural()`; click's own (Usage, No such option) are said in the same
catalogue. Sentences that are gone are dropped, new ones are added without a translation and listed:
write it beside them in hotline.po, and run this again.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import click
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

import pipeline

ROOT = Path(pipeline.__file__).parent
FOLDER = ROOT / "locale" / "zh_CN" / "LC_MESSAGES"
CLICK = Path(click.__file__).parent

PROGRAMMERS = (
    "defined twice", "No options defined", "parameter declaration", "Boolean option", "declarations {decls",
    "Unknown color", "Unknown standard stream", "must be an iterable", "Invalid start character",
    "DeprecationWarning", "Choice({", "Argument {name!r} takes", "dynamic", "deprecated", "Positional",
)  # fmt: skip
"""Of click's sentences those that only whoever writes a command can meet."""
UNMARKED = ("required",)
"""Of click's sentences those that stand unmarked in its source from some version (here 8.5) on."""


def sentences() -> Iterator[str | tuple[str, ...]]:
    """Every message that staff can meet, ours and click's."""
    ours = {"_": None, "plural": (1, 2)}
    for _file, _line, message, _comments, _context in extract_from_dir(ROOT, keywords=ours):
        yield message
    theirs = {"_": None, "ngettext": (1, 2)}
    for _file, _line, message, _comments, _context in extract_from_dir(CLICK, keywords=theirs):
        if not any(part in str(message) for part in PROGRAMMERS):
            yield message
    yield from UNMARKED


def read() -> Catalog:
    with (FOLDER / "hotline.po").open("rb") as file:
        return read_po(file, locale="zh_CN")


def compiled(catalogue: Catalog) -> bytes:
    out = io.BytesIO()
    write_mo(out, catalogue)
    return out.getvalue()


def key(message: str | tuple[str, ...] | list[str]) -> str:
    return message if isinstance(message, str) else message[0]


def main() -> None:
    before = read()
    after = Catalog(
        locale="zh_CN", header_comment=before.header_comment, project="hotline", version="VERSION",
        copyright_holder="", creation_date=before.creation_date, revision_date=before.revision_date,
        last_translator="hotline", language_team="zh_CN", fuzzy=False,
    )  # fmt: skip
    missing = []
    for message in sorted(set(sentences()), key=key):
        known = before.get(key(message))
        said = known.string if isinstance(known, Message) else ""
        if not isinstance(message, str):
            said = said if isinstance(said, tuple | list) else (said,)
        after.add(message, said)
        if not (said if isinstance(said, str) else all(said)):
            missing.append(key(message))
    with (FOLDER / "hotline.po").open("wb") as file:
        write_po(file, after, width=100)
    (FOLDER / "hotline.mo").write_bytes(compiled(read()))
    for one in missing:
        print(f"not yet in Chinese: {one!r}")
    print(f"{len(list(after))} sentences, {len(missing)} not yet in Chinese")


if __name__ == "__main__":
    main()
