"""Search measured against LIKE on a log of any size: what is found, how soon, how large, how costly.

    python benchmarks/make_log.py DIR/hotline.db --segments 1000000
    python benchmarks/search.py DIR/hotline.db [--queries 500] [--words 300]

The log is only read, but for the planted calls of the test by sound and those whose cost is measured,
which stay in it: measure on a log that was made for it. Times are by the clock and of the processor;
where other work shares the machine, only the second can be compared.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import sqlite3
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from make_log import FIRST
from sentences import sentences

from pipeline import hearings, index
from pipeline.log import Log
from pipeline.query import term
from pipeline.readings import alike, is_chinese
from pipeline.script import fold, plain
from pipeline.search import ask, turns_with
from pipeline.types import Turn

LENGTHS = range(1, 7)


class Times:
    """How long something took, time after time: by the clock and of the processor, in seconds."""

    def __init__(self) -> None:
        self.clock: list[float] = []
        self.processor: list[float] = []

    @contextlib.contextmanager
    def one(self) -> Iterator[None]:
        clock, processor = time.perf_counter(), time.process_time()
        yield
        self.clock.append(time.perf_counter() - clock)
        self.processor.append(time.process_time() - processor)

    def told(self) -> str:
        return f"clock {_milliseconds(self.clock)}   processor {_milliseconds(self.processor)}"

    def high(self) -> tuple[float, float]:
        """The 95th percentiles."""
        return _percentile(self.clock), _percentile(self.processor)


def _percentile(seconds: list[float], share: float = 0.95) -> float:
    ordered = sorted(seconds)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _milliseconds(seconds: list[float]) -> str:
    return (
        f"median {1000 * statistics.median(seconds):.1f} 95th {1000 * _percentile(seconds):.1f} "
        f"worst {1000 * max(seconds):.1f} ms"
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


LIKE = "SELECT id FROM turns WHERE text LIKE ?1 ESCAPE '\\' ORDER BY id DESC LIMIT ?2"
"""The least that LIKE can be asked: the turns alone, by their ids, which are nearly in order of time. It
stops when it has enough."""

LIKE_ALL = """
    SELECT c.started_utc, c.id, t.id, t.start_s, t.text FROM turns AS t
    JOIN transcripts AS x ON x.id = t.transcript_id JOIN calls AS c ON c.id = x.call_id
    WHERE x.is_current AND t.text LIKE ?1 ESCAPE '\\'
    UNION ALL
    SELECT c.started_utc, c.id, -r.number, NULL, r.gist FROM requests AS r
    JOIN calls AS c ON c.id = r.call_id WHERE r.gist LIKE ?1 ESCAPE '\\'
    ORDER BY 1 DESC LIMIT ?2
"""
"""What search is asked: turns and gists, those of the newest calls first."""


TOGETHER = 25
"""So many queries are asked of one way before the next has its turn: what one reads must not cost another
time, and other work on the machine should meet all alike."""


def against_like(log: Log, other: Log, words: list[str], n_sets: int) -> None:
    """LIKE reads by a connection of its own, `other`, as another program would."""
    ours, alone, likes, likes_all = Times(), Times(), Times(), Times()
    missed = besides = unexplained = total = 0
    for start in range(0, len(words), TOGETHER):
        some = words[start : start + TOGETHER]
        for times, by_sound in ((ours, True), (alone, False)):
            for word in some:
                with times.one():
                    ask(log, f'"{word}"', by_sound=by_sound)
        for times, sql in ((likes, LIKE), (likes_all, LIKE_ALL)):
            for word in some:
                with times.one():
                    other.conn.execute(sql, _like(word, 20)).fetchall()
        for word in words[start : min(start + TOGETHER, n_sets)]:
            like = {row[0] for row in other.conn.execute(LIKE, _like(word, -1))}
            found = turns_with(log, f'"{word}"')
            total += len(like)
            missed += len(like - found)
            besides += len(found - like)
            unexplained += sum(not _explained(log, word, row) for row in sorted(found - like)[:50])
        print(f"{start + len(some)} of {len(words)} queries", file=sys.stderr)
    print(f"first 20 hits, with what sounds alike   {ours.told()}")
    print(f"first 20 hits, exact only               {alone.told()}")
    print(f"LIKE, turns by id                       {likes.told()}")
    print(f"LIKE, turns and gists by time           {likes_all.told()}")
    for name, times in (("with what sounds alike", ours), ("exact only", alone)):
        for how, slow in (("turns by id", likes), ("turns and gists by time", likes_all)):
            clock, processor = (a / b for a, b in zip(slow.high(), times.high(), strict=True))
            print(
                f"95th percentile, {name}, of LIKE's ({how}): 1/{clock:.0f} by the clock, "
                f"1/{processor:.0f} of the processor"
            )
    print(
        f"sets of {min(n_sets, len(words))} queries: LIKE {total:,} rows; missed by search {missed}; "
        f"found besides {besides:,}, of up to 50 a query looked at, not by folding: {unexplained}"
    )


def _like(word: str, most: int) -> tuple[str, int]:
    """The parameters of LIKE and LIKE_ALL."""
    escaped = word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%", most


def _explained(log: Log, word: str, row: int) -> bool:
    text = log.conn.execute("SELECT text FROM turns WHERE id = ?", (row,)).fetchone()[0]
    return any(spelling in plain(text) for spelling in term(fold(word)).spellings)


def most_common(log: Log) -> None:
    for char in "的一我不了":
        n = log.conn.execute(
            "SELECT count(*) FROM exact_index WHERE exact_index MATCH ?",
            (index.exact_match(plain(char), 1).terms[0],),
        ).fetchone()[0]
        times = Times()
        for _ in range(15):
            with times.one():
                ask(log, char)
        print(f"ranked, {char} in {n:,} rows   {times.told()}")


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


def cost_of_a_call(log: Log, small: Log, calls: int = 60) -> None:
    """One imported call of 20 turns, whole, with the index: in turn into a small log and this one."""
    texts = list(sentences(40 * calls, seed=time.time_ns() % 10**6))
    low, high = Times(), Times()
    for n in range(2 * calls):
        turns = tuple(
            Turn("unknown", text, 5.0 * m, 5.0 * m + 4.0)
            for m, text in enumerate(texts[20 * n : 20 * n + 20])
        )
        at = FIRST + timedelta(days=9000, minutes=n, microseconds=time.time_ns() % 10**6)
        into, times = ((small, low), (log, high))[n % 2]
        with times.one():
            hearings.import_call(into, f"cost{n}-{time.time_ns()}", at, "mono", turns)
    print(f"adding a call of 20 turns, at 1,000 segments   {low.told()}")
    print(f"adding a call of 20 turns, here                {high.told()}")
    ratios = (
        statistics.median(a) / statistics.median(b)
        for a, b in ((high.clock, low.clock), (high.processor, low.processor))
    )
    print("medians: {:.2f} times by the clock, {:.2f} times of the processor".format(*ratios))


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
    for k, ((word, wrong), frame) in enumerate(zip(words, frames, strict=True)):
        cut = rng.randrange(len(frame))
        turn = Turn("resident", frame[:cut] + wrong + frame[cut:], 0.0, 5.0)
        at = FIRST + timedelta(days=8000, minutes=k, microseconds=time.time_ns() % 10**6)
        hearings.import_call(log, f"sound-{word}-{time.time_ns()}", at, "mono", (turn,))
    found = at_once = 0
    first: Counter[str] = Counter()
    seldom: Counter[str] = Counter()
    for word, _ in words:
        meant = {
            row[0]
            for row in log.conn.execute(
                "SELECT id FROM calls WHERE external_id LIKE ?", (f"sound-{word}-%",)
            )
        }
        found += meant <= {hit.call for hit in ask(log, word, limit=0, passages=1).hits}
        hits = ask(log, word, passages=1).hits
        at_once += meant <= {hit.call for hit in hits}
        kinds = Counter(
            "exact" if hit.how == "exact" else "misheard" if hit.call in meant else "wrong"
            for hit in hits[:10]
        )
        first += kinds
        if kinds["exact"] < 10:
            seldom += kinds
    print(f"by sound: of {len(words)} misheard words {found} found; {at_once} in the first 20 hits")
    for name, kinds in (("all words", first), ("words said less than ten times", seldom)):
        print(
            f"the first ten hits of {name}: {kinds['exact']} hold the word, in {kinds['misheard']} it was "
            f"misheard, {kinds['wrong']} are wrong ({100 * kinds['wrong'] / max(1, kinds.total()):.1f} %)"
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
        with Log(asked.file) as other:
            against_like(log, other, words, asked.queries if asked.sets is None else asked.sets)
        with tempfile.TemporaryDirectory() as folder:
            from make_log import make

            make(Path(folder) / "hotline.db", 1000)
            with Log(Path(folder) / "hotline.db") as small:
                cost_of_a_call(log, small)
        by_sound(log, asked.words, rng)


if __name__ == "__main__":
    main()
