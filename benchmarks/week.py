"""How long the summary takes in a large log, and how much memory.

    .venv/bin/python benchmarks/week.py [--requests 100000] [--home DIR]

Makes a home whose log holds a year of made-up calls (once, if DIR has none), then runs `hotline week` as staff
do, each in a process of its own: a week, a month, the year; on the screen, as JSON, as papers. What is
printed: seconds by the wall, seconds that the processor worked for it (on a busy machine the truer figure),
and the most memory that the process held.
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
from pipeline.log import Log, iso  # noqa: E402
from pipeline.types import CATEGORIES, KINDS, URGENCIES  # noqa: E402

ZONE = ZoneInfo("Asia/Shanghai")
YEAR = datetime(2025, 1, 1, tzinfo=ZONE)
SENTENCES = (
    "我们楼的电梯又坏了，老人下不去", "降压药快吃完了，想请你们帮忙配一点", "楼道里垃圾三天没有人收了",
    "请问做核酸到几点结束", "快递放在门口一天了没人送进来", "楼上一直在敲，晚上睡不着", "我家水龙头没有水",
    "想开一张居住证明要带什么材料", "车位被别人占了，物业也不管", "我想报名做志愿者",
)  # fmt: skip


def fill(log: Log, n_requests: int, seed: int = 1, closed: float = 0.97) -> None:
    """A year of calls, 1.25 requests each, most (`closed`) answered, some late, some put back; times as staff's days go."""
    chance = random.Random(seed)
    n_calls = n_requests * 4 // 5
    insert = log.conn.execute
    number = 0
    with log.transaction():
        for n in range(n_calls):
            at = YEAR + timedelta(seconds=365 * 86400 * (n + chance.random()) / n_calls)
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
                    "building, room, phone, due_at, due_hint, undertaking, review, opened_at, closed_at, "
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
    parser.add_argument("--home", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home, _new = settings.init(asked.home or Path(folder) / "home")
        with Log(home.log) as log:
            if not log.count_requests():
                fill(log, asked.requests)
            print(f"{log.count_requests():,} requests, {home.log.stat().st_size / 1e6:,.0f} MB")
        papers = Path(folder)
        for said, arguments in (
            ("the week, screen", ["2025-W40"]),
            ("the week, JSON", ["2025-W40", "--json"]),
            ("the week, DOCX", ["2025-W40", "--to", str(papers / "week.docx")]),
            ("the week, HTML", ["2025-W40", "--to", str(papers / "week.html")]),
            ("the week, XLSX", ["2025-W40", "--to", str(papers / "week.xlsx")]),
            ("a month, screen", ["2025-10"]),
            ("the year, screen", ["2025"]),
            ("the year, DOCX", ["2025", "--to", str(papers / "year.docx")]),
            ("the year, XLSX", ["2025", "--to", str(papers / "year.xlsx")]),
        ):
            seconds, computing, most = measure(home.path, *arguments)
            print(f"{said:20} {seconds:6.2f} s  {computing:6.2f} s computing  {most / 1e6:6.0f} MB")


if __name__ == "__main__":
    main()
