"""Take the picture of the terminal that the README shows: `python docs/picture.py` writes docs/demo.svg.

Runs `hotline demo` for real, as in a terminal of 100 columns, and draws what it printed.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

COLUMNS = 110
PICTURE = Path(__file__).parent / "demo.svg"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        shown = subprocess.run(
            [sys.executable, "-m", "pipeline", "demo", "hotline-demo"],
            cwd=folder,
            env={**os.environ, "FORCE_COLOR": "1", "COLUMNS": str(COLUMNS), "HOTLINE_LANG": "en",
                 "PYTHONPATH": str(Path(__file__).parents[1]), "PYTHONIOENCODING": "utf-8"},
            check=True, capture_output=True, text=True, encoding="utf-8",
        ).stdout  # fmt: skip
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    console.print(Text("$ hotline demo", style="bold"))
    console.print(Text.from_ansi(shown))
    console.save_svg(str(PICTURE), title="hotline demo")
    print(PICTURE)


if __name__ == "__main__":
    main()
