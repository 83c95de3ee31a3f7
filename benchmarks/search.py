"""Search measured against LIKE on a log of any size: what is found, how soon, how large, how costly.

    python benchmarks/make_log.py DIR/hotline.db --segments 1000000
    python benchmarks/search.py DIR/hotline.db [--queries 500] [--words 300]

The log is only read, but for the planted calls of the test by sound and those whose cost is measured,
which stay in it: measure on a log that was made for it.
"""

from __future__ import annotations

import argparse
import random
import sqlite3
import statistics
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from make_log import FIRST
from sentences import sentences

from pipeline import index
from pipeline.log import Log
from pipeline.readings import alike, is_chinese
from pipeline.script import fold
from pipeline.search import ask, turns_with
from pipeline.types import Turn

LENGTHS = range(1, 7)


def milliseconds(seconds: list[float]) -> str:
    ordered = sorted(seconds)
    high = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
    return (
        f"median {1000 * statistics.median(ordered):8.2f} ms   95th {1000 * high:8.2f} ms   "
        f"worst {1000 * ordered[-1]:8.2f} ms"
    )


def queries(log: Log, n: int, rng: random.Random) -> list[str]:
    """Pieces of 1 to 6 characters of what was said, so that every one is there; common and rare."""
    last = log.conn.execute("SELECT max(id) FROM turns").fetchone()[0]
    found: list[str] = []
    while len(found) < n:
        text = log.conn.execute(
            "SELECT text FROM turns WHERE id >= ? ORDER BY id LIMIT 1", (rng.randint(1, last),)
        ).fetchone()[0]
        size = LENGTHS[len(found) % len(LENGTHS)]
        if len(text) >= size:
            at = rng.randrange(len(text) - size + 1)
            word = text[at : at + size]
            if word.strip() == word and '"' not in word and word not in found:
                found.append(word)
    return found


def against_like(log: Log, words: list[str], n_sets: int) -> None:
    ours: list[float] = []
    alone: list[float] = []
    likes: list[float] = []
    missed = besides = unexplained = total = 0
    for n, word in enumerate(words):
        query = f'"{word}"'
        start = time.perf_counter()
        ask(log, query)
        ours.append(time.perf_counter() - start)
        start = time.perf_counter()
        ask(log, query, by_sound=False)
        alone.append(time.perf_counter() - start)
        pattern = "%" + word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
        start = time.perf_counter()
        log.conn.execute(
            "SELECT id FROM turns WHERE text LIKE ? ESCAPE '\\' ORDER BY id DESC LIMIT 20",
            (pattern,),
        ).fetchall()
        likes.append(time.perf_counter() - start)
        if n < n_sets:
            rows = log.conn.execute(
                "SELECT id FROM turns WHERE text LIKE ? ESCAPE '\\'", (pattern,)
            )
            like = {row[0] for row in rows}
            found = turns_with(log, query)
            total += len(like)
            missed += len(like - found)
            besides += len(found - like)
            unexplained += sum(not _explained(log, word, row) for row in sorted(found - like)[:50])
    print(f"first 20 hits, with what sounds alike   {milliseconds(ours)}")
    print(f"first 20 hits, exact only               {milliseconds(alone)}")
    print(f"LIKE, first 20                          {milliseconds(likes)}")
    print(
        f"sets of {min(n_sets, len(words))} queries: LIKE {total:,} rows; missed by search {missed}; "
        f"found besides {besides:,}, of up to 50 a query looked at, not by folding: {unexplained}"
    )


def _explained(log: Log, word: str, row: int) -> bool:
    from pipeline.query import term

    text = log.conn.execute("SELECT text FROM turns WHERE id = ?", (row,)).fetchone()[0]
    from pipeline.script import plain

    return any(spelling in plain(text) for spelling in term(fold(word)).spellings)


def most_common(log: Log) -> None:
    for char in "的一我不了":
        n = log.conn.execute(
            "SELECT count(*) FROM exact_index WHERE exact_index MATCH ?",
            (index.exact_match(fold(char).translate(str.maketrans("一", "1")), 1),),
        ).fetchone()[0]
        took = []
        for _ in range(7):
            start = time.perf_counter()
            ask(log, char)
            took.append(time.perf_counter() - start)
        print(f"ranked, {char} in {n:,} rows   median {1000 * statistics.median(took):.1f} ms")


def sizes(path: Path, log: Log) -> None:
    text = log.conn.execute("SELECT sum(length(CAST(text AS BLOB))) FROM turns").fetchone()[0]
    with sqlite3.connect(path) as plain_sqlite:  # the standard library's can count pages
        by_name: dict[str, int] = dict(
            plain_sqlite.execute("SELECT name, sum(pgsize) FROM dbstat GROUP BY name")
        )
    for table in ("exact_index", "sound_index", "index_rows"):
        size = sum(n for name, n in by_name.items() if name.startswith(table))
        print(
            f"{table:12} {size / 1e6:8.1f} MB = {size / text:.2f} times the text's {text / 1e6:.1f} MB"
        )


def cost_of_a_call(log: Log, calls: int = 60) -> tuple[float, float]:
    """Milliseconds (median, mean) for one imported call of 20 turns, whole, with the index."""
    took = []
    texts = list(sentences(20 * calls, seed=time.time_ns() % 10**6))
    for n in range(calls):
        turns = tuple(
            Turn("unknown", text, 5.0 * m, 5.0 * m + 4.0)
            for m, text in enumerate(texts[20 * n : 20 * n + 20])
        )
        at = FIRST + timedelta(days=9000, minutes=n, microseconds=time.time_ns() % 10**6)
        start = time.perf_counter()
        log.import_call(f"cost{n}-{time.time_ns()}", at, "mono", turns)
        took.append(time.perf_counter() - start)
    return 1000 * statistics.median(took), 1000 * statistics.mean(took)


def by_sound(log: Log, n: int, rng: random.Random) -> None:
    """Words that jieba knows, each misheard in one planted call: every character another that sounds so."""
    from sentences import dictionary

    kinds = dictionary()
    pool = [w for kind in ("n", "v", "ns") for w in kinds[kind][0] if 2 <= len(w) <= 4]
    counts = {w: c for kind in kinds.values() for w, c in zip(*kind, strict=True)}
    common: dict[str, int] = {}
    for word, count in counts.items():
        for char in word:
            common[char] = common.get(char, 0) + count
    from pypinyin import lazy_pinyin

    words: list[tuple[str, str]] = []
    for word in rng.sample(pool, len(pool)):
        if counts[word] < 100 or not all(map(is_chinese, word)) or fold(word) != word:
            continue
        said = lazy_pinyin(word)
        wrong = ""
        for char, sound in zip(word, said, strict=True):
            others = [
                c for c in alike(char, confused=False)
                if c != char and common.get(c, 0) > 2000 and lazy_pinyin(c) == [sound]
            ]  # fmt: skip
            if others:
                wrong += rng.choice(sorted(others))
        if len(wrong) == len(word):
            words.append((word, wrong))
        if len(words) == n:
            break
    frames = list(sentences(len(words), seed=99))
    turn_of: dict[str, int] = {}
    for k, ((word, wrong), frame) in enumerate(zip(words, frames, strict=True)):
        cut = rng.randrange(len(frame))
        turn = Turn("resident", frame[:cut] + wrong + frame[cut:], 0.0, 5.0)
        at = FIRST + timedelta(days=8000, minutes=k, microseconds=time.time_ns() % 10**6)
        transcript = log.import_call(f"sound{k}-{time.time_ns()}", at, "mono", (turn,))
        turn_of[word] = log.conn.execute(
            "SELECT call_id FROM transcripts WHERE id = ?", (transcript,)
        ).fetchone()[0]
    found = shown = alone = alone_right = 0
    for word, _ in words:
        answer = ask(log, word, limit=0, passages=1)
        found += any(hit.call == turn_of[word] for hit in answer.hits)
        for hit in answer.hits[:10]:
            marked = hit.hits[0].marked
            piece = marked[marked.index("【") + 1 : marked.index("】")]
            shown += 1
            same = lazy_pinyin(fold(piece)) == lazy_pinyin(word)
            if hit.how == "sound":
                alone += 1
                alone_right += same
    wrong_share = (alone - alone_right) / max(shown, 1)
    print(
        f"by sound: {found} of {len(words)} misheard words found; of {shown} hits among the first ten "
        f"{100 * wrong_share:.1f} % neither hold the word nor are read as it is "
        f"({alone - alone_right} of {alone} that are there by sound alone)"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--queries", type=int, default=500)
    parser.add_argument("--sets", type=int, help="queries whose sets are compared (default: all)")
    parser.add_argument("--words", type=int, default=300)
    asked = parser.parse_args()
    rng = random.Random(3)
    with Log(asked.file) as log:
        n: Any = log.conn.execute("SELECT count(*) FROM turns").fetchone()[0]
        print(f"{n:,} segments")
        sizes(asked.file, log)
        ask(log, "电梯")  # a process that asked before
        most_common(log)
        words = queries(log, asked.queries, rng)
        against_like(log, words, asked.queries if asked.sets is None else asked.sets)
        with tempfile.TemporaryDirectory() as folder:
            from make_log import make

            make(Path(folder) / "hotline.db", 1000)
            with Log(Path(folder) / "hotline.db") as small:
                cost_of_a_call(small, 5)
                low = cost_of_a_call(small)
        cost_of_a_call(log, 5)
        high = cost_of_a_call(log)
        print(
            f"adding a call of 20 turns: at 1,000 segments {low[0]:.1f} ms (mean {low[1]:.1f}), here "
            f"{high[0]:.1f} ms (mean {high[1]:.1f}): {high[0] / low[0]:.2f} times"
        )
        by_sound(log, asked.words, rng)


if __name__ == "__main__":
    main()
