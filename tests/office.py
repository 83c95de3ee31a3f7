"""The log of a made-up office over some weeks: calls, answers, promises, repeats, as staff's days go.

Every word is made up. One and the same seed makes one and the same log.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

from pipeline import hearings, life, repeats, understandings
from pipeline.due import due
from pipeline.log import Log
from pipeline.types import Place, Request, Span, Turn, Understanding, Urgency

ZONE = ZoneInfo("Asia/Shanghai")
FIRST = datetime(2026, 10, 12, tzinfo=ZONE)
"""The Monday on which the made-up log begins."""

MATTERS: tuple[tuple[str, str, Urgency, str, str], ...] = (
    ("medical", "help", "critical", "我爸爸胸口疼，喘不上气", "已拨120，车十分钟到，家属陪同"),
    ("medical", "help", "urgent", "高血压的药只剩一天了，想请你们帮忙配", "药已送到门口"),
    ("medical", "inquiry", "routine", "社区医院哪天可以看牙", "周二、周四上午"),
    ("repairs", "help", "routine", "三楼走廊的灯不亮了", "已报物业换灯"),
    ("repairs", "help", "urgent", "厨房水管爆了，家里没有水", "维修工已到场关阀"),
    ("repairs", "report", "routine", "电梯门关的时候声音很大", "已约维保单位"),
    ("sanitation", "complaint", "routine", "垃圾房门口的味道太大了", "保洁加一次清运"),
    ("sanitation", "help", "routine", "楼道里有一袋垃圾没人拿走", "已清走"),
    ("supplies", "help", "routine", "快递放在门卫，想请人送上来", "志愿者已送"),
    ("supplies", "inquiry", "routine", "团购的菜什么时候到", "下午四点"),
    ("care", "help", "urgent", "奶奶一个人在家，中午没有人送饭", "已安排助餐"),
    ("property", "complaint", "routine", "我的车位又被外面的车占了", "门卫已请车主移走"),
    ("neighbour", "complaint", "routine", "楼上每天半夜拖椅子", "已上门调解"),
    ("paperwork", "inquiry", "routine", "居住证续签要带什么材料", "身份证和租房合同"),
    ("volunteer", "offer", "routine", "我周末有空，想报名做志愿者", "已登记"),
    ("safety", "report", "critical", "楼下闻到很重的煤气味", "已报燃气公司，阀门已关，疏散两层"),
    ("distress", "help", "routine", "心里闷得慌，想找人说说话", "已回电，谈了二十分钟"),
    ("other", "inquiry", "routine", "活动室周日开不开", "开到下午五点"),
)  # fmt: skip
STRANGE = ("repairs", "help", "urgent", "地下车库进水了，水泵没有开", "已开水泵，车位临时挪到西门")
"""What is asked for in the last week and never before."""

PROMISES = ("明天上午回电", "后天派人上门", "周五之前给答复")


def office(path: Path, *, weeks: int = 6, seed: int = 1, per_week: int = 80) -> Log:
    """The log, open; its last week begins at `FIRST + (weeks - 1) weeks`."""
    chance = Random(seed)
    clock = [FIRST]
    log = Log(path, now=lambda: clock[0])
    ends = FIRST + timedelta(weeks=weeks)
    later: list[tuple[datetime, int, str, str]] = []
    moment, n, last_week = FIRST, 0, ends - timedelta(weeks=1)
    while True:
        moment += timedelta(hours=chance.expovariate(per_week / 168))
        if not 7 <= moment.hour <= 21 and chance.random() < 0.85:
            continue
        later.sort()
        while later and later[0][0] <= min(moment, ends):
            at, number, note, who = later.pop(0)
            clock[0] = at
            if log.request(number).status in ("open", "in_progress"):
                if note == "打错电话":
                    life.set_status(log, [number], "dismissed", by=who, note=note)
                else:
                    life.set_status(log, [number], "done", by=who, note=note)
                    if chance.random() < 0.04:
                        clock[0] = at + timedelta(hours=2)
                        life.set_status(log, [number], "open", by=who, note="居民说还没好")
        if moment >= ends:
            return log
        clock[0] = moment
        n += 1
        strange = moment >= last_week and chance.random() < 0.25
        numbers = _call(log, chance, n, moment, strange)
        for number, done in numbers:
            row = log.request(number)
            hours = {"critical": 0.4, "urgent": 14.0, "routine": 30.0}[row.urgency]
            if chance.random() < 0.975:
                note = "打错电话" if chance.random() < 0.03 and row.urgency == "routine" else done
                after = timedelta(hours=chance.expovariate(1 / hours))
                later.append((moment + after, number, note, chance.choice(("王芳", "李建平"))))
            again = repeats.find_repeats(log, number)
            if again:
                repeats.link_repeat(log, number, again[0])
            if chance.random() < 0.03:
                life.retag(
                    log, number, "category", "property", by="staff", who="王芳", why="归物业管"
                )


def _call(log: Log, chance: Random, n: int, at: datetime, strange: bool) -> list[tuple[int, str]]:
    """One call with one or two requests; their numbers, and what will be done."""
    matters = [STRANGE if strange else chance.choices(MATTERS, [1 if m[2] == "critical" else 6 for m in MATTERS])[0]]  # fmt: skip
    if chance.random() < 0.2:
        matters.append(chance.choice(MATTERS[2:]))
    phone = f"1380013{chance.randrange(40):02}{chance.randrange(9)}{n % 10}"
    building = "3" if strange and chance.random() < 0.8 else str(chance.randrange(1, 12))
    turns, requests, start = [], [], 0.0
    for index, (category, kind, urgency, words, _done) in enumerate(matters):
        said = (
            words + "。" + chance.choice(["麻烦快一点。", f"我的电话是{phone}。", "谢谢你们。", ""])
        )
        turns.append(Turn("resident", said, start, start + 6.0))
        start += 7.0
        promise = chance.choice(PROMISES) if chance.random() < 0.3 else None
        hint = (at + timedelta(days=chance.choice([1, 2, 3]))).replace(hour=23, minute=59, second=59, microsecond=0)  # fmt: skip
        requests.append(
            Request(
                turns=(index,), spans=(Span(start - 7.0, start - 1.0),), category=category, kind=kind,
                urgency=urgency, gist=said.rstrip("。"), phone=phone, caller_name=None,
                place=Place(building=building, room=f"{chance.randrange(1, 7)}0{chance.randrange(1, 5)}"),
                undertaking=promise, conditions=(), due_hint=None,
                undertaking_due=hint if promise and chance.random() < 0.8 else None,
                evidence=(), review=chance.random() < 0.05,
            )
        )  # fmt: skip
    listen = []
    if chance.random() < 0.06:
        turns.append(Turn("unknown", "", start, start + 8.0, unheard=True))
        listen = [len(turns) - 1]
    transcript = hearings.import_call(log, f"office-{n}", at, "mono", turns)
    assert transcript is not None
    numbers = understandings.save(
        log,
        transcript,
        Understanding(tuple(requests), (), tuple(listen)),
        [due(r.urgency, at, r.due_hint) for r in requests],
    )
    return list(zip(numbers, (matter[4] for matter in matters), strict=True))
