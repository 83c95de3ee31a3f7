"""The summary as Markdown (GitHub's tables), to paste into a message or to keep beside others."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pipeline.report.page import Bars, Change, Figure, Items, Rate, Sum, Text
from pipeline.report.terminal import cell_text, sum_line

if TYPE_CHECKING:
    from pipeline.report.page import Block, Cell, Page, Table


def text(page: Page) -> str:
    """The whole page, ending in a line feed."""
    parts = [f"# {_plain(page.heading)}", _plain(page.span)]
    joint = "" if page.language == "zh_CN" else " "
    parts += [_block(block, joint) for block in page.front]
    if page.signatures:
        colon = "：" if page.language == "zh_CN" else ": "
        parts.append("  ".join(f"{line}{colon}\\_\\_\\_\\_\\_\\_" for line in page.signatures))
    if page.annex:
        parts.append("---")
        parts += [_block(block, joint) for block in page.annex]
    parts.append("---")
    parts += [_plain(line) for line in (page.made, page.source) if line]
    return "\n\n".join(parts) + "\n"


def _block(block: Block, joint: str) -> str:
    if isinstance(block, Text):
        return joint.join(_plain(line.words) for line in block.sentences)
    if isinstance(block, Sum):
        return f"**{_plain(sum_line(block))}**"
    if isinstance(block, Items):
        return f"## {_plain(block.title)}\n\n" + "\n".join(
            f"- {_plain(x.words)}" for x in block.lines
        )
    if isinstance(block, Bars):
        rows = [(name, figure) for name, figure in zip(block.labels, block.values, strict=True)]
        lines = [f"| {_plain(name)} | {figure} |" for name, figure in rows if figure.n]
        return f"## {_plain(block.title)}\n\n|   |   |\n|---|--:|\n" + "\n".join(lines)
    return _table(block)


def _table(table: Table) -> str:
    right = [all(_is_number(row[n]) for row in table.rows) for n in range(len(table.heads))]
    lines = [
        "| " + " | ".join(map(_plain, table.heads)) + " |",
        "|" + "|".join("--:" if one else "---" for one in right) + "|",
        *("| " + " | ".join(_plain(cell_text(cell)) for cell in row) + " |" for row in table.rows),
    ]
    said = f"## {_plain(table.title)}\n\n" + "\n".join(lines)
    return f"{said}\n\n{_plain(table.more)}" if table.more else said


def _is_number(cell: Cell) -> bool:
    return cell is None or isinstance(cell, Figure | Rate | Change | int)


def _plain(words: str) -> str:
    """Words that stay words: what Markdown or HTML would read as a mark is escaped, lines are joined."""
    return re.sub(r"([\\`*_\[\]<>|#~])", r"\\\1", re.sub(r"\s+", " ", words).strip())
