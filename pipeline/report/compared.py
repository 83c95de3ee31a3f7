"""What stood out in a period, found in the log against the periods before; by which tests says `words`."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from pipeline.dates import Period
from pipeline.report import rows, words
from pipeline.report.tally import bounds

if TYPE_CHECKING:
    from pipeline.log import Log

COMPARED = 4
"""Rises and new words are measured against so many periods before, where the log has them."""

TEXTS = 10_000
"""Of more requests than this, that many are read for new words, evenly drawn."""

NOTHING: dict[str, Any] = {
    "compared_periods": 0, "compared_days": 0, "rises": (), "new_words": (), "new_places": (),
}  # fmt: skip


def stood_out(
    log: Log, period: Period, zone: ZoneInfo, now: datetime, began: date | None
) -> dict[str, Any]:
    """What stands out against the (up to four) whole periods before in which the log was kept."""
    earlier = []
    for steps in range(1, COMPARED + 1):
        one = period.back(steps)
        if began is None or one.start < began:
            break
        earlier.append(one)
    if not earlier:
        return NOTHING
    first, last = bounds(period, zone)
    since, until = bounds(Period(earlier[-1].start, earlier[0].end), zone)
    days_before = sum(one.days for one in earlier)
    opens, closes = period.moments(zone)
    days = (min(max(now, opens), closes) - opens) / timedelta(days=1)
    here, then = _cells(log, first, last), _cells(log, since, until)
    found = words.rises(here, then, days, days_before)
    said = words.new_words(
        rows.texts(log, first, last, TEXTS), rows.texts(log, since, until, TEXTS)
    )
    known = {key for what, key in then if what == "building"}
    fresh = {key: n for (what, key), n in here.items() if what == "building" and key not in known}
    if len(earlier) < COMPARED:  # in a young log most places are new
        fresh = {}
    return {
        "compared_periods": len(earlier),
        "compared_days": days_before,
        "rises": tuple(
            {
                **asdict(rise),
                "usual": round(rise.usual, 2),
                "rows": _cell_name(rise.what, rise.key),
                "numbers": rows.in_cell(log, first, last, **_cell(rise.what, rise.key)),
            }
            for rise in found
        ),
        "new_words": tuple(
            {**asdict(word), "likelihood": round(word.likelihood, 2), "rows": f"word.{word.word}"}
            for word in said
        ),
        "new_places": tuple(
            {
                "building": key,
                "n": n,
                "rows": f"by_building.{key}",
                "numbers": rows.in_cell(log, first, last, building=key),
            }
            for key, n in sorted(fresh.items(), key=lambda item: (-item[1], item[0]))
        ),
    }


def _cells(log: Log, first: str, last: str) -> dict[tuple[str, str], int]:
    """Requests by category, building, both, and urgency: the cells in which a rise is looked for."""
    cells: Counter[tuple[str, str]] = Counter()
    for (category, building), n in rows.by_cell(log, first, last).items():
        cells["category", category] += n
        if building:
            cells["building", building] += n
            cells["building_category", f"{building}.{category}"] += n
    for urgency, n in rows.by_urgency(log, first, last).items():
        cells["urgency", urgency] += n
    return dict(cells)


def _cell(what: str, key: str) -> dict[str, str]:
    if what == "building_category":
        building, _dot, category = key.partition(".")
        return {"building": building, "category": category}
    return {what: key}


def _cell_name(what: str, key: str) -> str:
    return f"building_category.{key}" if what == "building_category" else f"by_{what}.{key}"
