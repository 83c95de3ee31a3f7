"""Take the pictures of the terminal that the documents show: `python docs/picture.py`.

Runs `hotline demo` for real, and the commands that staff type most, in both languages, and draws what they
printed: docs/demo.svg, docs/desk.svg and their twins in Chinese.
"""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

HERE = Path(__file__).parent
COLUMNS = 110
ENDINGS = {"en": ".svg", "zh": ".zh-CN.svg"}


def run(folder: Path, language: str, *arguments: str) -> str:
    """What `hotline` prints in a terminal of COLUMNS columns."""
    return subprocess.run(
        [sys.executable, "-m", "pipeline", *arguments],
        cwd=folder,
        env={**os.environ, "FORCE_COLOR": "1", "COLUMNS": str(COLUMNS), "HOTLINE_LANG": language,
             "PYTHONPATH": str(HERE.parent), "PYTHONIOENCODING": "utf-8"},
        check=True, capture_output=True, encoding="utf-8",
    ).stdout  # fmt: skip


def draw(picture: Path, shown: list[tuple[str, str]]) -> None:
    """Commands with what they printed, as one picture."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    for command, said in shown:
        console.print(Text(f"$ {command}", style="bold"))
        console.print(Text.from_ansi(said))
    drawn = console.export_svg(title="hotline")
    # rich counts letters there, and would squeeze Chinese into half of its width.
    picture.write_text(re.sub(r' textLength="[0-9.]+"', "", drawn), encoding="utf-8")
    print(picture)


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for language, ending in ENDINGS.items():  # the second run hears nothing twice
            said = run(folder, language, "demo", "hotline-demo")
            draw(HERE / f"demo{ending}", [("hotline demo", said)])
        at = ("--home", "hotline-demo")
        rows = run(folder, "en", *at, "open", "--json").splitlines()
        first = str(json.loads(rows[0])["request"])
        for language, ending in ENDINGS.items():
            shown = [("open",), ("show", first)]
            draw(
                HERE / f"desk{ending}",
                [("hotline " + " ".join(one), run(folder, language, *at, *one)) for one in shown],
            )


if __name__ == "__main__":
    main()
