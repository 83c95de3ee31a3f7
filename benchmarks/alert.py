"""How long after a recording was dropped `hotline watch` says that it is about life or limb, hearing aside.

    .venv/bin/python benchmarks/alert.py [--model demo] [FILE...]

A watch in a process of its own, with the real model, hears each FILE (by default the demonstration calls that hold a critical
request) as it is dropped. The times come from the log's events and from the alert command itself: `waited` from the file's last
byte to its being taken in, `heard` until its words stand in the log, `told` from there to the running of the office's command.
Target: waited + told under 5 s.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

from pipeline import demo, settings
from pipeline.log import Log

ALARM = "import sys, time; open(sys.argv[1], 'a').write(f'{time.time()}\\n')"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="demo")
    parser.add_argument("files", nargs="*", type=Path)
    asked = parser.parse_args()
    files = asked.files or [
        Path(str(demo.data() / "calls" / call["file"]))
        for call in demo.references()
        if any(one["urgency"] == "critical" for one in call.get("requests") or [])
    ]
    with tempfile.TemporaryDirectory() as folder:
        home, _new = settings.init(Path(folder) / "home")
        alarms = Path(folder) / "alarms"
        alarms.touch()
        command = json.dumps([sys.executable, "-c", ALARM, str(alarms)])
        (home.path / "hotline.toml").write_text(
            f"[alert]\ndesktop = false\ncommand = {command}\n", encoding="utf-8"
        )
        watch = subprocess.Popen(
            [sys.executable, "-m", "pipeline", "--home", str(home.path), "watch",
             "--model", asked.model], stdout=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            time.sleep(1)
            while not home.log.exists():
                time.sleep(0.2)
            time.sleep(20)  # the model is loaded once, before the first call
            print(f"{'recording':44} {'waited':>7} {'heard':>7} {'told':>7}")
            for file in files:
                measure(home, file, alarms)
        finally:
            watch.terminate()
            watch.wait()


def measure(home: settings.Home, file: Path, alarms: Path) -> None:
    rung = len(alarms.read_text().splitlines())
    (home.recordings / file.name).write_bytes(file.read_bytes())
    dropped = time.time()
    times: dict[str, float] = {}
    while "logged" not in times:
        time.sleep(0.2)
        with Log(home.log) as log:
            row = next((one for one in log.recordings() if Path(one.path).name == file.name), None)
            times = {e.kind: e.at.timestamp() for e in log.events(recording=row.id)} if row else {}
    time.sleep(3)  # if it is critical, the command has run by now
    said = alarms.read_text().splitlines()[rung:]
    waited, heard = times["received"] - dropped, times["transcribed"] - times["received"]
    told = f"{float(said[0]) - times['transcribed']:7.2f}" if said else "   none"
    print(f"{file.name:44} {waited:7.2f} {heard:7.2f} {told}  {datetime.now():%H:%M:%S}")


if __name__ == "__main__":
    main()
