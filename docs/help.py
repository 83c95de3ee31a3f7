"""Write the help pages of all commands into docs/commands.md and docs/commands.zh-CN.md: `python docs/help.py`.

`python docs/help.py en` (or zh) prints one of them: help is made in the language in which a process starts.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click

HERE = Path(__file__).parent
PAGES = {"en": HERE / "commands.md", "zh": HERE / "commands.zh-CN.md"}
HEADS = {
    "en": "# Commands\n\nWhat `hotline COMMAND --help` shows. Made by `python docs/help.py`; a test proves that it is fresh.\n",
    "zh": "# 命令一览\n\n即 `hotline 命令 --help` 显示的内容。由 `python docs/help.py` 生成，有测试保证不过时。\n",
}


def page(language: str) -> str:
    """The page in `language`, made in a process of its own."""
    return subprocess.run(
        [sys.executable, __file__, language],
        env={**os.environ, "HOTLINE_LANG": language, "PYTHONIOENCODING": "utf-8",
             "PYTHONPATH": str(HERE.parent)},
        check=True, capture_output=True, encoding="utf-8",
    ).stdout  # fmt: skip


def helps(command: click.Command, parent: click.Context | None, name: str) -> Iterator[str]:
    """The help of a command, then of its own."""
    with command.context_class(
        command, info_name=name, parent=parent, terminal_width=92
    ) as context:
        yield f"\n## {context.command_path}\n\n```text\n{command.get_help(context).strip()}\n```\n"
        for inner, one in sorted(getattr(command, "commands", {}).items()):
            yield from helps(one, context, inner)


def main() -> None:
    if sys.argv[1:]:
        from pipeline.i18n import speak_through_click

        speak_through_click()
        from pipeline.cli import main as hotline

        print(HEADS[sys.argv[1]] + "".join(helps(hotline, None, "hotline")), end="")
        return
    for language, path in PAGES.items():
        path.write_text(page(language), encoding="utf-8", newline="\n")
        print(path)


if __name__ == "__main__":
    main()
