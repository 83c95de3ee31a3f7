"""Search beside what an office could have had instead: 30 questions of staff to the same calls.

    pip install datasette && python benchmarks/beside.py

The calls are the package's written ones (`pipeline/examples`, `pipeline/demo`), a row a turn. Into some
of them words are put as a recogniser mishears them (MISHEARD). For every question it is written down
here, as a pattern, which words of the original calls answer it; counted are the calls with such words
that each way finds, and those that it finds besides. What staff type is given to each as it stands:

- grep: `grep -F -- words` over a file with a turn a line
- sqlite-utils: `db["turns"].enable_fts(["text"])`, then `db["turns"].search(words)`
- Datasette: the same table's page with `?_search=words`
- trigram: an FTS5 table with `tokenize='trigram'`, every word quoted

Without datasette its column is left out.
"""

from __future__ import annotations

import asyncio
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import sqlite_utils

from pipeline import calls, hearings
from pipeline.errors import HotlineError
from pipeline.log import Log
from pipeline.search import ask
from pipeline.store import sqlite3
from pipeline.types import Turn

PACKAGE = Path(calls.__file__).parent
SOURCES = [*sorted((PACKAGE / "examples").glob("calls_*.jsonl")), PACKAGE / "demo/calls.jsonl"]

MISHEARD = {
    "胰岛素": "一到苏", "核酸": "河酸", "抗原": "康元", "电梯": "店体", "垃圾": "拉几",
    "奶粉": "乃份", "保安": "包按", "物业": "误页", "通行证": "通星正", "快递": "块递",
}  # fmt: skip
"""Every third turn that holds one of these has it so."""

DIGIT = {"1": "[1１一幺]", "2": "[2２二两]", "3": "[3３三]", "5": "[5５五]", "0": "[0０零〇]"}


class Question(NamedTuple):
    """What staff type, and patterns that the words of a call meet all of when it is an answer."""

    typed: str
    meant: tuple[str, ...]


def _place(text: str) -> str:
    return "".join(DIGIT.get(char, char) for char in text).replace("号", "[号號]")


QUESTIONS = (
    Question("电梯", ("电梯",)),
    Question("電梯", ("电梯",)),
    Question("胰岛素", ("胰岛素",)),
    Question("垃圾", ("垃圾",)),
    Question("核酸", ("核酸",)),
    Question("配药", ("配药",)),
    Question("药", ("药",)),
    Question("奶粉", ("奶粉",)),
    Question("抗原", ("抗原",)),
    Question("快递", ("快递",)),
    Question("通行证", ("通行证",)),
    Question("下水道", ("下水道",)),
    Question("物业", ("物业",)),
    Question("停水", ("停水",)),
    Question("猫", ("猫",)),
    Question("发烧", ("发烧",)),
    Question("妈妈", ("妈妈",)),
    Question("120", (_place("120"),)),
    Question("２号楼", (_place("2号楼"),)),
    Question("5号楼", (_place("5号楼"),)),
    Question("二号楼", (_place("2号楼"),)),
    Question("501", (_place("501"),)),
    Question("三点", (_place("3") + "点",)),
    Question("电梯 坏", ("电梯", "坏")),
    Question("药 医院", ("药", "医院")),
    Question("垃圾 OR 厨余", ("垃圾|厨余",)),
    Question("志愿者 送", ("志愿者", "送")),
    Question("居委会，您好", ("居委会，您好",)),
    Question("三单元", (_place("3") + "单元",)),
    Question("快点", ("快点",)),
)


def read() -> Iterator[calls.TextCall]:
    for source in SOURCES:
        for call in calls.read(source, ZoneInfo("Asia/Shanghai")):
            if isinstance(call, HotlineError):
                raise call
            yield call


def misheard(turns: tuple[Turn, ...], seen: dict[str, int]) -> list[str]:
    """The texts of turns, with every third of the words of MISHEARD as they are misheard."""
    texts = []
    for turn in turns:
        text = turn.text
        for word, heard in MISHEARD.items():
            if word in text:
                seen[word] = seen.get(word, 0) + 1
                if seen[word] % 3 == 0:
                    text = text.replace(word, heard)
        texts.append(text)
    return texts


def quoted(typed: str) -> str:
    return " ".join(f'"{word}"' for word in typed.split())


def ways(folder: Path, rows: list[tuple[int, str]]) -> dict[str, Callable[[str], set[int]]]:
    """The calls that each way finds for what is typed."""
    db: Any = sqlite_utils.Database(folder / "turns.db")
    db["turns"].insert_all(
        {"id": n, "call": call, "text": text} for n, (call, text) in enumerate(rows)
    )
    db["turns"].enable_fts(["text"])
    tri = sqlite3.connect(":memory:")
    tri.execute("CREATE VIRTUAL TABLE turns USING fts5 (text, tokenize = 'trigram')")
    tri.executemany(
        "INSERT INTO turns (rowid, text) VALUES (?, ?)", [(n, t) for n, (_, t) in enumerate(rows)]
    )
    lines = folder / "turns.txt"
    lines.write_text("".join(f"{text}\n" for _, text in rows), encoding="utf-8")

    def grep(typed: str) -> set[int]:
        done = subprocess.run(
            ["grep", "-nF", "--", typed, str(lines)], capture_output=True, text=True, check=False
        )
        return {rows[int(line.split(":")[0]) - 1][0] for line in done.stdout.splitlines()}

    def utils(typed: str) -> set[int]:
        return {row["call"] for row in db["turns"].search(typed)}

    def trigram(typed: str) -> set[int]:
        found = tri.execute("SELECT rowid FROM turns WHERE turns MATCH ?", [quoted(typed)])
        return {rows[row[0]][0] for row in found}

    found = {"grep": grep, "sqlite-utils": utils, "trigram": trigram}
    try:
        from datasette.app import Datasette
    except ImportError:
        return found
    site = Datasette([str(folder / "turns.db")], settings={"max_returned_rows": 100_000})

    def datasette(typed: str) -> set[int]:
        answer = asyncio.run(
            site.client.get(
                "/turns/turns.json", params={"_search": typed, "_shape": "array", "_size": "max"}
            )
        )
        return {row["call"] for row in answer.json()}

    return {**found, "Datasette": datasette}


def main() -> None:
    with tempfile.TemporaryDirectory() as name, Log(Path(name) / "hotline.db") as log:
        rows: list[tuple[int, str]] = []
        said: list[str] = []
        seen: dict[str, int] = {}
        wrong: set[tuple[int, str]] = set()
        by_log: dict[int, int] = {}
        for n, call in enumerate(read()):
            texts = misheard(call.turns, seen)
            turns = tuple(
                Turn(turn.speaker, text, turn.start, turn.end)
                for turn, text in zip(call.turns, texts, strict=True)
            )
            transcript = hearings.import_call(log, f"c{n}", call.started_at, call.medium, turns)
            id = log.conn.execute(
                "SELECT call_id FROM transcripts WHERE id = ?", (transcript,)
            ).fetchone()[0]
            by_log[id] = n
            rows += [(n, text) for text in texts]
            said.append("\n".join(turn.text for turn in call.turns))
            for word, heard in MISHEARD.items():
                if any(heard in text for text in texts) and not any(word in text for text in texts):
                    wrong.add((n, word))

        def hotline(typed: str) -> set[int]:
            return {by_log[hit.call] for hit in ask(log, typed, limit=1000).hits}

        columns: dict[str, Callable[[str], set[int]]] = {
            "hotline": hotline, **ways(Path(name), rows)
        }  # fmt: skip
        print(f"{len(rows)} turns of {len(said)} calls; found of the calls meant (+ found besides)")
        print(f"{'typed':14}{'meant':>7}" + "".join(f"{column:>14}" for column in columns))
        total = dict.fromkeys(columns, (0, 0))
        n_meant = n_wrong = 0
        for typed, patterns in QUESTIONS:
            meant = {
                n for n, text in enumerate(said) if all(re.search(one, text) for one in patterns)
            }
            n_meant += len(meant)
            n_wrong += sum((n, typed) in wrong for n in meant)
            line = f"{typed:14}{len(meant):7}"
            for column, finds in columns.items():
                try:
                    found = finds(typed)
                except (sqlite3.OperationalError, KeyError) as error:
                    line += f"{type(error).__name__[:12]:>14}"
                    continue
                right, besides = len(found & meant), len(found - meant)
                total[column] = total[column][0] + right, total[column][1] + besides
                line += f"{right:>9}" + (f" +{besides:<3}" if besides else "     ")
            print(line)
        line = f"{'all':14}{n_meant:7}"
        for right, besides in total.values():
            line += f"{right:>9}" + (f" +{besides:<3}" if besides else "     ")
        print(line)
        print(f"In {n_wrong} of these the word stands only as it was misheard.")


if __name__ == "__main__":
    main()
