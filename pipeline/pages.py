"""Help pages as the terminal shows them: lines broken by width, Chinese characters taking two columns."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

import click

from pipeline.i18n import _, language

_WIDE = "\u2e80-\uffef"
_OPEN, _CLOSE = "（《「【〔", "，。、；：？！）》」】〕…"
_UNIT = re.compile(
    rf"[{_OPEN}]*(?:[^\s{_WIDE}]+|[{_WIDE}])[{_CLOSE}]*"  # no line begins or ends with these
)


def width(text: str) -> int:
    """The columns that `text` takes in a terminal."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def cut(text: str, columns: int) -> list[tuple[int, int]]:
    """Where the lines of at most so many columns begin and end in a paragraph; spaces between them are
    in none. A single longer word stays whole."""
    lines: list[tuple[int, int]] = []
    start = end = 0
    for unit in _UNIT.finditer(text):
        if end > start and width(text[start : unit.end()]) > columns:
            lines.append((start, end))
            start = unit.start()
        elif end == start:
            start = unit.start()
        end = unit.end()
    return [*lines, (start, end)]


def fill(text: str, columns: int) -> list[str]:
    """A paragraph as lines of at most so many columns."""
    text = " ".join(text.splitlines())
    return [text[start:end] for start, end in cut(text, columns)]


class Page(click.HelpFormatter):
    """click's pages in either language."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        for said, here in (
            ("[OPTIONS]", _("[OPTIONS]")),
            ("COMMAND [ARGS]...", _("COMMAND [ARGS]...")),
        ):
            args = args.replace(said, here)
        said = _("Usage:") + ("" if language() == "zh_CN" else " ")
        super().write_usage(prog, args, prefix or said)

    def write_heading(self, heading: str) -> None:
        colon = "：" if language() == "zh_CN" else ":"
        self.write(" " * self.current_indent + heading + colon + "\n")

    def write_text(self, text: str) -> None:
        indent = " " * self.current_indent
        paragraphs = [
            "\n".join(indent + line for line in fill(part, self.width - self.current_indent))
            for part in re.split(r"\n\s*\n", text.strip())
        ]
        self.write("\n\n".join(paragraphs) + "\n")

    def write_dl(
        self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2
    ) -> None:
        rows = list(rows)
        first = min(max((width(term) for term, _said in rows), default=0), col_max) + col_spacing
        margin = " " * (self.current_indent + first)
        for term, said in rows:
            lines = fill(said, max(self.width - len(margin), 10)) if said else [""]
            head = " " * self.current_indent + term
            if width(term) + col_spacing > first:
                self.write(head + "\n" + margin + lines[0] + "\n")
            else:
                self.write((head + " " * (first - width(term)) + lines[0]).rstrip() + "\n")
            self.write("".join(margin + line + "\n" for line in lines[1:]))
