"""How long the summary takes in a large log, and how much memory.

    .venv/bin/python benchmarks/week.py [--requests 100000] [--homes DIR]

Makes a home whose log holds a year of made-up calls, and one that holds the first fifth of such a year (once,
if DIR has them), then runs `hotline week` as staff do, each in a process of its own: weeks, a month, the
year; on the screen, as JSON, as papers. What is printed: seconds by the wall, seconds that the processor
worked for it (on a busy machine the truer figure), and the most memory that the process held. The same week
in both logs shows what a log's length costs.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from pipeline import due, settings  # noqa: E402
from pipeline.log import Log  # noqa: E402
from pipeline.rows import iso  # noqa: E402
from pipeline.types import CATEGORIES, KINDS, URGENCIES  # noqa: E402

ZONE = ZoneInfo("Asia/Shanghai")
YEAR = datetime(2025, 1, 1, tzinfo=ZONE)
SENTENCES = (
    "我们楼的电梯又坏了，老人下不去", "降压药快吃完了，想请你们帮忙配一点", "楼道里垃圾三天没有人收了",
    "请问做核酸到几点结束", "快递放在门口一天了没人送进来", "楼上一直在敲，晚上睡不着", "我家水龙头没有水",
    "想开一张居住证明要带什么材料", "车位被别人占了，物业也不管", "我想报名做志愿者",
)  # fmt: skip


def fill(log: Log, n_requests: int, seed: int = 1, closed: float = 0.97, days: float = 365) -> None:
    """Calls of so many days, 1.25 requests each, most (`closed`) answered, some late, some put back; times as staff's days go."""
    chance = random.Random(seed)
    n_calls = n_requests * 4 // 5
    insert = log.conn.execute
    number = 0
    with log.transaction():
        for n in range(n_calls):
            at = YEAR + timedelta(days=days * (n + chance.random()) / n_calls)
            call = insert(
                "INSERT INTO calls (source, external_id, started_at, time_source, duration, medium, channels) "
                "VALUES ('import', ?, ?, 'import', 60, 'mono', 1)",
                (f"c{n}", iso(at)),
            ).lastrowid
            transcript = insert(
                "INSERT INTO transcripts (call_id, engine, model, language, parameters, created_at, is_current) "
                "VALUES (?, 'import', 'small', 'zh', '{}', ?, 1)",
                (call, iso(at)),
            ).lastrowid
            for turn in range(1 + (n % 4 == 0)):
                number += 1
                text = (
                    chance.choice(SENTENCES)
                    + "，"
                    + chance.choice(SENTENCES)
                    + f"，{number % 30}号楼"
                )
                insert(
                    "INSERT INTO turns (transcript_id, idx, speaker, channel, start_s, end_s, text, unheard) "
                    "VALUES (?, ?, 'resident', 0, ?, ?, ?, 0)",
                    (transcript, turn, turn * 20.0, turn * 20.0 + 18, text),
                )
                span = insert(
                    "INSERT INTO spans (transcript_id, turn_idx, kind, channel, start_s, end_s) "
                    "VALUES (?, ?, 'request', 0, ?, ?)",
                    (transcript, turn, turn * 20.0, turn * 20.0 + 18),
                ).lastrowid
                urgency = chance.choices(URGENCIES, (2, 18, 80))[0]
                closed_at, by = None, None
                if chance.random() < closed:
                    closed_at = at + timedelta(hours=chance.expovariate(1 / 40))
                    by = "王芳"
                promise = "明天回复" if chance.random() < 0.2 else None
                insert(
                    "INSERT INTO requests (number, call_id, transcript_id, category, kind, urgency, status, gist, "
                    "building, room, phone, due_at, undertaking_due_at, undertaking, review, opened_at, closed_at, "
                    "closed_by, closed_note) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?)",
                    (
                        number, call, transcript, chance.choice(CATEGORIES), chance.choice(KINDS), urgency,
                        "done" if closed_at else "open", text, str(number % 30 + 1), "501",
                        f"138{number:08}", iso(due.due(urgency, at)),
                        iso(at + timedelta(days=1)) if promise else None, promise, iso(at),
                        iso(closed_at) if closed_at else None, by, "已处理" if closed_at else None,
                    ),
                )  # fmt: skip
                insert(
                    "INSERT INTO request_spans VALUES (?, 0, ?, 0, ?, ?, ?)",
                    (number, span, len(text), turn * 20.0, turn * 20.0 + 18),
                )
                insert(
                    "INSERT INTO events (at, kind, call_id, request, who, data) "
                    """VALUES (?, 'opened', ?, ?, 'hotline', '{"to": "open"}')""",
                    (iso(at), call, number),
                )
                if closed_at:
                    insert(
                        "INSERT INTO events (at, kind, call_id, request, who, note, data) VALUES "
                        """(?, 'done', ?, ?, ?, '已处理', '{"from": "open", "to": "done"}')""",
                        (iso(closed_at), call, number, by),
                    )


def measure(home: Path, *arguments: str) -> tuple[float, float, int]:
    """Seconds by the wall, seconds of computing, bytes of one run of `hotline week` in a process of its own."""
    code = (
        "import resource, sys, time\n"
        "began = time.perf_counter()\n"
        "from pipeline.cli import main\n"
        "try:\n    main(sys.argv[1:], standalone_mode=False)\n"
        "finally:\n"
        "    used = resource.getrusage(resource.RUSAGE_SELF)\n"
        "    print(time.perf_counter() - began, used.ru_utime + used.ru_stime, used.ru_maxrss, "
        "file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "--home", str(home), "week", *arguments],
        capture_output=True, text=True, encoding="utf-8", cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "HOTLINE_LANG": "zh"},
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(done.stderr)
    seconds, computing, kib = done.stderr.split()[-3:]
    return float(seconds), float(computing), int(kib) * 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--homes", type=Path, help="a folder where the homes are kept")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        papers = Path(folder)
        fifth, whole = (
            made((asked.homes or papers) / f"{days}-days", asked.requests * days // 365, days)
            for days in (73, 365)
        )
        for said, home, arguments in (
            ("a week, JSON, log of a fifth", fifth, ["2025-W10", "--json"]),
            ("the same week, whole log", whole, ["2025-W10", "--json"]),
            ("a late week, JSON", whole, ["2025-W40", "--json"]),
            ("screen", whole, ["2025-W40"]),
            ("HTML", whole, ["2025-W40", "--to", str(papers / "week.html")]),
            ("DOCX", whole, ["2025-W40", "--to", str(papers / "week.docx")]),
            ("XLSX", whole, ["2025-W40", "--to", str(papers / "week.xlsx")]),
            ("a month, JSON", whole, ["2025-10", "--json"]),
            ("the year, JSON", whole, ["2025", "--json"]),
            ("screen", whole, ["2025"]),
            ("HTML", whole, ["2025", "--to", str(papers / "year.html")]),
            ("DOCX", whole, ["2025", "--to", str(papers / "year.docx")]),
            ("XLSX", whole, ["2025", "--to", str(papers / "year.xlsx")]),
        ):
            seconds, computing, most = measure(home, *arguments)
            print(f"{said:28} {seconds:6.2f} s  {computing:6.2f} s computing  {most / 1e6:6.0f} MB")


def made(folder: Path, n_requests: int, days: int) -> Path:
    """A home with a log of so many requests in so many days; its folder."""
    home, _new = settings.init(folder)
    with Log(home.log) as log:
        if not log.count_requests():
            fill(log, n_requests, days=days)
        n, size = log.count_requests(), home.log.stat().st_size
        print(f"{n:,} requests in {days} days, {size / 1e6:,.0f} MB")
    return folder


if __name__ == "__main__":
    main()
