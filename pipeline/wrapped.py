"""Text in rich's tables and lines, broken as Chinese is: by columns, and never before a full stop."""

from __future__ import annotations

from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.text import Text

from pipeline.pages import cut, width

LEAST = 20
"""Columns that a text is given before it is cut any narrower."""


class Wrapped:
    """`text` behind `first`, and each further line behind `rest`, which is as wide."""

    def __init__(self, text: Text | str, first: Text | str = "", rest: Text | str = "") -> None:
        self.text = Text(text) if isinstance(text, str) else text
        self.first = Text(first) if isinstance(first, str) else first
        self.rest = Text(rest) if isinstance(rest, str) else rest

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        room = max(options.max_width - width(self.first.plain), LEAST)
        for n, (start, end) in enumerate(cut(self.text.plain, room)):
            line = (self.rest if n else self.first).copy()
            line.append_text(self.text[start:end])
            line.no_wrap = True
            yield line

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        most = width(self.first.plain) + width(self.text.plain)
        return Measurement(min(LEAST, most), most)
