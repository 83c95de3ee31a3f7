"""A log of any size for measuring: calls of varied sentences (see sentences.py), with requests.

    python benchmarks/make_log.py FILE --segments 100000

Rows are written in bulk, but the index by `pipeline.index`, as every call is. One call in fifty is an
old one that came late, so that the order of the rows is not that of time.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from datetime import datetime, timedelta, timezone
from itertools import islice
from pathlib import Path

from sentences import sentences

from pipeline import index
from pipeline.log import Log
from pipeline.rows import iso, utc
from pipeline.types import CATEGORIES, KINDS, SPEAKERS

ZONE = timezone(timedelta(hours=8))
FIRST = datetime(2022, 3, 1, 8, 0, tzinfo=ZONE)
BATCH = 500
"""Calls a transaction."""


def make(path: Path, segments: int, seed: int = 7, tell: bool = False) -> None:
    """Make the log at `path` with at least so many segments (turns)."""
    rng = random.Random(seed)
    said = sentences(segments + 100, seed)
    written, call, started = 0, 0, time.monotonic()
    with Log(path) as log:
        log.conn.execute("PRAGMA synchronous = OFF")  # a log for measuring may be lost
        log.conn.execute("PRAGMA cache_size = -200000")
        at = FIRST
        while written < segments:
            with log.transaction():
                for _ in range(BATCH):
                    call += 1
                    at += timedelta(seconds=rng.randint(30, 900))
                    when = at - timedelta(days=rng.randint(30, 400)) if not call % 50 else at
                    texts = list(islice(said, min(rng.randint(4, 36), segments - written)))
                    if not texts:
                        break
                    _write(log, call, when, texts, rng)
                    written += len(texts)
            if tell:
                pace = written / (time.monotonic() - started)
                print(f"\r{written:,} of {segments:,}, {pace:,.0f}/s", end="", file=sys.stderr)
    if tell:
        print(file=sys.stderr)


def _write(log: Log, call: int, at: datetime, texts: list[str], rng: random.Random) -> None:
    run, many = log.conn.execute, log.conn.executemany
    run(
        "INSERT INTO calls (id, source, external_id, content_hash, started_at, time_source, duration, "
        "medium, channels, caller_phone) VALUES (?, 'import', ?, ?, ?, 'import', ?, 'mono', 1, ?)",
        (call, f"c{call}", f"{call:064x}", iso(at), 5.0 * len(texts),
         f"13{rng.randint(0, 999_999_999):09}"),
    )  # fmt: skip
    run(
        "INSERT INTO transcripts VALUES (?, ?, 'import', 'text', 'zh', '{}', ?, 1)",
        (call, call, iso(at)),
    )
    asking = set(rng.sample(range(len(texts)), min(len(texts), rng.randint(0, 3))))
    for n, text in enumerate(texts):
        turn = run(
            "INSERT INTO turns (transcript_id, idx, speaker, channel, start_s, end_s, text, unheard) "
            "VALUES (?, ?, ?, 0, ?, ?, ?, 0)",
            (call, n, rng.choice(SPEAKERS), 5.0 * n, 5.0 * n + 4.5, text),
        ).lastrowid
        index.add(log.conn, turn, index.terms(text, log.path.parent), utc(at))
        kind = "request" if n in asking else "chatter"
        span = run(
            "INSERT INTO spans (transcript_id, turn_idx, kind, channel, start_s, end_s) "
            "VALUES (?, ?, ?, 0, ?, ?)",
            (call, n, kind, 5.0 * n, 5.0 * n + 4.5),
        ).lastrowid
        if kind == "chatter":
            continue
        urgency = rng.choices(("critical", "urgent", "routine"), (2, 20, 78))[0]
        number = run(
            "INSERT INTO requests (call_id, transcript_id, category, kind, urgency, status, gist, "
            "building, room, due_at, review, opened_at) "
            "VALUES (?, ?, ?, ?, ?, 'open', ?, ?, ?, ?, 0, ?)",
            (call, call, rng.choice(CATEGORIES), rng.choice(KINDS), urgency, text[:12],
             str(rng.randint(1, 40)), f"{rng.randint(1, 6)}0{rng.randint(1, 4)}",
             iso(at + timedelta(days=5)), iso(at)),
        ).lastrowid  # fmt: skip
        index.add(log.conn, -number, index.terms(text[:12], log.path.parent), utc(at))
        many(
            "INSERT INTO request_spans VALUES (?, 0, ?, 0, ?, ?, ?)",
            [(number, span, len(text), 5.0 * n, 5.0 * n + 4.5)],
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--segments", type=int, default=100_000)
    asked = parser.parse_args()
    make(asked.file, asked.segments, tell=True)
