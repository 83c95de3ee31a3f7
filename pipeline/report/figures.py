"""The figures of a period: true to the rows, adding up from one period to the next.

A request counts into the period in which its call began; an answer, a dismissal, a reopening into the one
in which it happened. Every figure has a name, and the rows that it counts are had under that name
(`lead`): a figure is the number of its rows, never computed another way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from pipeline.dates import Period
from pipeline.report import rows, words
from pipeline.rows import utc
from pipeline.types import URGENCIES

if TYPE_CHECKING:
    from pipeline.log import Log
    from pipeline.report.rows import Turning

LISTED = 500
"""At most so many requests are listed one by one; their number is always the whole."""

COMPARED = 4
"""Rises and new words are measured against so many periods before, where the log has them."""

TEXTS = 10_000
"""Of more requests than this, that many are read for new words, evenly drawn."""

GROUPS = (
    "by_category", "by_kind", "by_urgency", "by_building", "by_day", "by_month", "by_hour",
    "repeats_by_category", "carried_over_by_urgency", "reopened_by_urgency", "done_by_urgency",
    "dismissed_by_urgency", "merged_by_urgency", "still_open_by_urgency", "overdue_by_urgency", "in_time_by_urgency",
    "late_by_urgency", "recordings", "recordings_unheard", "corrected_by_tag",
)  # fmt: skip
"""Figures that are many: the row's name is the group's, a dot and the key, such as by_category.medical."""

SINGLES = (
    "calls", "calls_timed_by_file", "calls_at_desk", "requests", "requests_without_building", "carried_over", "logged_late", "reopened", "done",
    "dismissed", "merged", "still_open", "overdue", "answered_in_time", "answered_late",
    "repeat_requests", "review", "needs_listening", "needs_listening_before", "recordings_arrived",
    "recordings_before", "corrected", "undertakings_made",
    "undertakings_undated", "undertakings_due", "undertakings_kept", "undertakings_broken",
    "undertakings_pending", "undertakings_void", "undertakings_next",
)  # fmt: skip
"""Figures that are one number each."""


@dataclass(slots=True)
class Tally:
    """Counts by name, and the rows behind the names that somebody asked for."""

    keep: Callable[[str], bool] = lambda name: False
    counts: Counter[str] = field(default_factory=Counter)
    rows: dict[str, list[int]] = field(default_factory=dict)
    seconds: float = 0.0

    def add(self, name: str, row: int) -> None:
        self.counts[name] += 1
        if self.keep(name):
            self.rows.setdefault(name, []).append(row)

    def group(self, name: str) -> dict[str, int]:
        """The counts of a group by key, the greatest first."""
        start = name + "."
        found = {k[len(start) :]: n for k, n in self.counts.items() if k.startswith(start)}
        return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


@dataclass(frozen=True, slots=True)
class Week:
    """The figures of `start` up to, without, `end` (days in the office's zone), made at `made_at`.

    `carried_over + requests + reopened - done - dismissed - merged == still_open`, always.
    `answered_in_time` and `answered_late` split `done` by the request's due time as the log holds it.
    `overdue` is of those still open when the period, or now if that is earlier, ends. `logged_late` are
    those of `carried_over` whose recording came only in this period: the summary before could not
    know them. `undertakings_due` of the period is kept + broken + pending + void (dismissed or merged
    meanwhile). `recordings` are states of the files first seen in the period, `recordings_unheard`
    those of them that nobody listened to though no words were got; `recordings_before` and
    `needs_listening_before` wait from earlier to this day. `before` holds the same figures of the period
    before, None where the log is younger than that; `before_whole` is false where the log began in
    its midst. While the period is not over, it is compared with as much of the one before, up to
    `before_until` (None: with the whole).
    """

    start: date
    end: date
    kind: str
    name: str
    zone: str
    made_at: datetime
    over: bool
    log_began: date | None
    calls: int
    calls_before: int
    calls_timed_by_file: int
    calls_at_desk: int
    requests: int
    requests_before: int
    requests_without_building: int
    carried_over: int
    logged_late: int
    reopened: int
    done: int
    dismissed: int
    merged: int
    still_open: int
    overdue: int
    answered_in_time: int
    answered_late: int
    repeat_requests: int
    review: int
    needs_listening: int
    needs_listening_s: float
    needs_listening_before: int
    recordings_arrived: int
    recordings_before: int
    corrected: int
    undertakings_made: int
    undertakings_undated: int
    undertakings_due: int
    undertakings_kept: int
    undertakings_broken: int
    undertakings_pending: int
    undertakings_void: int
    undertakings_next: int
    by_category: dict[str, int]
    by_kind: dict[str, int]
    by_urgency: dict[str, int]
    by_building: dict[str, int]
    by_day: dict[str, int]
    by_month: dict[str, int]
    by_hour: dict[str, int]
    repeats_by_category: dict[str, int]
    carried_over_by_urgency: dict[str, int]
    reopened_by_urgency: dict[str, int]
    done_by_urgency: dict[str, int]
    dismissed_by_urgency: dict[str, int]
    merged_by_urgency: dict[str, int]
    still_open_by_urgency: dict[str, int]
    overdue_by_urgency: dict[str, int]
    in_time_by_urgency: dict[str, int]
    late_by_urgency: dict[str, int]
    recordings: dict[str, int]
    recordings_unheard: dict[str, int]
    corrected_by_tag: dict[str, int]
    models: dict[str, int]
    before: dict[str, Any] | None
    before_whole: bool
    before_until: datetime | None
    compared_periods: int
    compared_days: int
    rises: tuple[dict[str, Any], ...]
    new_words: tuple[dict[str, Any], ...]
    new_places: tuple[dict[str, Any], ...]
    critical: tuple[dict[str, Any], ...]
    undertakings: tuple[dict[str, Any], ...]
    promised_next: tuple[dict[str, Any], ...]
    overdue_requests: tuple[int, ...]
    overdue_list: tuple[dict[str, Any], ...]
    unheard: tuple[dict[str, Any], ...]
    masked: bool = False

    @property
    def period(self) -> Period:
        return Period(self.start, self.end)

    @property
    def adds_up(self) -> bool:
        """Whether the balance is a sum; always, or the program has a fault."""
        out = self.done + self.dismissed + self.merged
        return self.carried_over + self.requests + self.reopened - out == self.still_open

    def as_dict(self) -> dict[str, Any]:
        row = asdict(self)
        row["start"], row["end"] = self.start.isoformat(), self.end.isoformat()
        row["made_at"] = self.made_at.isoformat(timespec="seconds")
        row["before_until"] = self.before_until.isoformat() if self.before_until else None
        row["log_began"] = self.log_began.isoformat() if self.log_began else None
        return row


def count(
    log: Log,
    start: date,
    end: date,
    zone: ZoneInfo,
    now: datetime,
    *,
    keep: Callable[[str], bool] = lambda name: False,
    kept: dict[str, list[int]] | None = None,
    compare: bool = True,
) -> Week:
    """Count the period `start` up to, without, `end`.

    The rows behind each figure for whose name `keep` is true are put into `kept`. `compare=False`
    leaves out what is measured against earlier periods (rises, words, places), which reads texts.
    """
    period = Period(start, end)
    with log.snapshot():
        tally = _count(log, period, zone, now, lambda name: name in _TOLD or keep(name))
        if kept is not None:
            kept.update({name: found for name, found in tally.rows.items() if keep(name)})
        return _week(log, period, zone, now, tally, compare)


def lead(log: Log, period: Period, zone: ZoneInfo, now: datetime, name: str) -> list[int] | None:
    """The rows that a figure counts, as its ids in the log, or None if no figure has this name.

    Requests by their number (one that was answered twice stands twice under `done`); calls for `calls…`,
    recordings for `recordings.…`, stretches of speech for `needs_listening`.
    """
    group = name.partition(".")[0]
    if name not in SINGLES and not (
        "." in name and (group in GROUPS or group in ("word", "building_category"))
    ):
        return None
    with log.snapshot():
        if group == "word":
            first, last = _bounds(period, zone)
            word = name.partition(".")[2]
            return [n for n, text in rows.texts(log, first, last, TEXTS) if word in text]
        return _count(log, period, zone, now, lambda one: one == name).rows.get(name, [])


def _bounds(period: Period, zone: ZoneInfo) -> tuple[str, str]:
    first, last = period.moments(zone)
    return utc(first), utc(last)


def _count(
    log: Log,
    period: Period,
    zone: ZoneInfo,
    now: datetime,
    keep: Callable[[str], bool],
    until: datetime | None = None,
) -> Tally:
    """Count a period, or what of it was before `until`."""
    tally = Tally(keep)
    first, last = _bounds(period, zone)
    if until is not None:
        last = utc(until)
    add = tally.add
    for call, _began, source in rows.calls(log, first, last):
        add("calls", call)
        if source == "file":
            add("calls_timed_by_file", call)
        elif source == "staff":
            add("calls_at_desk", call)
    for number, began, category, kind, urgency, building, again, review, promise in rows.requests(
        log, first, last
    ):
        local = datetime.fromisoformat(began).astimezone(zone)
        add("requests", number)
        add(f"by_category.{category}", number)
        add(f"by_kind.{kind}", number)
        add(f"by_urgency.{urgency}", number)
        add(f"by_day.{local.date().isoformat()}", number)
        add(f"by_month.{local:%Y-%m}", number)
        add(f"by_hour.{local.hour:02}", number)
        if building:
            add(f"by_building.{building}", number)
            add(f"building_category.{building}.{category}", number)
        else:
            add("requests_without_building", number)
        if again is not None:
            add("repeat_requests", number)
            add(f"repeats_by_category.{category}", number)
        if review:
            add("review", number)
        if promise:
            add("undertakings_made", number)
    _, after = _bounds(period.back(-1), zone)
    moment = min(utc(now), last)
    for turning in rows.turnings(log, first, last):
        _follow(turning, first, last, moment, after, utc(now), add)
    for span, _call, seconds in rows.listening(log, first, last):
        add("needs_listening", span)
        tally.seconds += seconds
    for span in rows.listening_before(log, first):
        add("needs_listening_before", span)
    for recording, state, heard in rows.recordings(log, first, last):
        add("recordings_arrived", recording)
        add(f"recordings.{state}", recording)
        if state in rows.UNHEARD and not heard:
            add(f"recordings_unheard.{state}", recording)
    for recording in rows.unheard_before(log, first):
        add("recordings_before", recording)
    for number, tag in rows.corrections(log, first, last):
        add("corrected", number)
        add(f"corrected_by_tag.{tag}", number)
    return tally


def _follow(
    one: Turning,
    first: str,
    last: str,
    moment: str,
    after: str,
    now: str,
    add: Callable[[str, int], None],
) -> None:
    """What one request adds: to the balance, to what was answered in time, to the promises."""
    is_open, at_first, at_until = True, True, "open"
    for at, to in one.moves:
        if at >= last:
            break
        was, is_open = is_open, to in rows.OPEN
        if at < first:
            at_first = is_open
        elif was and not is_open:
            add(to, one.number)
            add(f"{to}_by_urgency.{one.urgency}", one.number)
            if to == "done":
                in_time = at <= one.due
                add("answered_in_time" if in_time else "answered_late", one.number)
                add(f"{'in_time' if in_time else 'late'}_by_urgency.{one.urgency}", one.number)
        elif is_open and not was:
            add("reopened", one.number)
            add(f"reopened_by_urgency.{one.urgency}", one.number)
    if one.began < first and at_first:
        add("carried_over", one.number)
        add(f"carried_over_by_urgency.{one.urgency}", one.number)
        if first <= one.logged < last:
            add("logged_late", one.number)
    if is_open:
        add("still_open", one.number)
        add(f"still_open_by_urgency.{one.urgency}", one.number)
        if one.due < moment:
            add("overdue", one.number)
            add(f"overdue_by_urgency.{one.urgency}", one.number)
    if not one.promised:
        return
    if one.until is None:
        if first <= one.began < last:
            add("undertakings_undated", one.number)
        return
    if first <= one.until < last:
        at_until = next((to for at, to in reversed(one.moves) if at <= one.until), "open")
        add("undertakings_due", one.number)
        add(f"undertakings_{_promise(at_until, one.until, now)}", one.number)
    elif last <= one.until < after and is_open:
        add("undertakings_next", one.number)


def _promise(state: str, until: str, now: str) -> str:
    """What became of a promise by the state in which its request was when it fell due."""
    if state == "done":
        return "kept"
    if state in rows.CLOSED:
        return "void"
    return "broken" if until < now else "pending"


def _week(
    log: Log, period: Period, zone: ZoneInfo, now: datetime, tally: Tally, compare: bool
) -> Week:
    first, last = period.moments(zone)
    began_at = rows.first_call(log)
    log_began = datetime.fromisoformat(began_at).astimezone(zone).date() if began_at else None
    back = period.back()
    known = log_began is not None and log_began < period.start and log_began < back.end
    until = None
    if first <= now < last:  # the week so far, against as much of the one before
        begins, ends = back.moments(zone)
        until = min(begins + (now - first), ends)
    earlier = _count(log, back, zone, now, lambda name: False, until) if known else None
    listed = _listed(log, tally.rows, now)
    groups = {name: tally.group(name) for name in GROUPS}
    for name in (one for one in GROUPS if one.endswith("by_urgency")):
        groups[name] = {level: groups[name].get(level, 0) for level in URGENCIES}
    groups["by_day"] = {
        day.isoformat(): groups["by_day"].get(day.isoformat(), 0)
        for day in (period.start + timedelta(days=n) for n in range(period.days))
    }
    groups["by_month"] = {
        month: groups["by_month"].get(month, 0)
        for month in dict.fromkeys(day[:7] for day in groups["by_day"])
    }
    groups["by_hour"] = {f"{hour:02}": groups["by_hour"].get(f"{hour:02}", 0) for hour in range(24)}
    stood_out = _compared(log, period, zone, now, tally, log_began) if compare else _NOTHING
    n = tally.counts
    return Week(
        start=period.start,
        end=period.end,
        kind=period.kind,
        name=period.name,
        zone=str(zone),
        made_at=now,
        over=now >= last,
        log_began=log_began,
        calls_before=earlier.counts["calls"] if earlier else 0,
        requests_before=earlier.counts["requests"] if earlier else 0,
        needs_listening_s=round(tally.seconds, 1),
        models=rows.models(log, utc(first), utc(last)),
        before=None if earlier is None else _plain(earlier),
        before_until=None if earlier is None else until,
        before_whole=log_began is not None and log_began <= back.start,
        **_any({name: n[name] for name in SINGLES}),
        **_any(groups),
        **stood_out,
        **listed,
    )


def _any(values: dict[str, Any]) -> dict[str, Any]:
    return values


def _plain(tally: Tally) -> dict[str, Any]:
    """The figures of the period before: the single ones, and the groups that are compared."""
    return {
        **{name: tally.counts[name] for name in SINGLES},
        **{
            name: tally.group(name)
            for name in (
                "by_category",
                "by_kind",
                "by_urgency",
                "by_building",
                "repeats_by_category",
            )
        },
    }


_FATES = ("kept", "broken", "pending", "void")
_UNHEARD = tuple(f"recordings_unheard.{state}" for state in rows.UNHEARD)
_TOLD = {
    "by_urgency.critical", "overdue", "undertakings_due", "undertakings_next", "undertakings_made",
    *(f"undertakings_{fate}" for fate in _FATES), *_UNHEARD,
}  # fmt: skip
"""The figures whose rows are told one by one."""


def _listed(log: Log, found: dict[str, list[int]], now: datetime) -> dict[str, Any]:
    """The requests that are told one by one."""

    def take(name: str) -> list[dict[str, Any]]:
        return rows.details(log, found.get(name, [])[:LISTED])

    fate = {number: fate for fate in _FATES for number in found.get(f"undertakings_{fate}", [])}
    promised = list(dict.fromkeys([*found.get("undertakings_due", []), *found.get("undertakings_made", [])]))  # fmt: skip
    files = [one for name in _UNHEARD for one in found.get(name, [])][:LISTED]
    # The worst first: by urgency, then by how long ago the answer was due.
    overdue = sorted(take("overdue"), key=lambda r: (URGENCIES.index(r["urgency"]), r["due_utc"]))
    return {
        "critical": tuple(
            {
                **_told(row, now),
                "closed_at": row["closed_at"],
                "closed_by": row["closed_by"],
                "note": row["closed_note"],
                "story": row["story"],
            }
            for row in take("by_urgency.critical")
        ),
        "undertakings": tuple(
            {**_promised(row), "fate": fate.get(row["number"])}
            for row in rows.details(log, promised[:LISTED])
        ),
        "promised_next": tuple(
            _promised(row)
            for row in sorted(take("undertakings_next"), key=lambda r: r["due_hint"] or "")
        ),
        "overdue_requests": tuple(sorted(found.get("overdue", []))),
        "overdue_list": tuple(_told(row, now) for row in overdue),
        "unheard": tuple(
            {name: row[name] for name in ("recording", "state", "path", "reason")}
            for row in rows.recording_facts(log, files)
        ),
    }


def _told(row: dict[str, Any], now: datetime) -> dict[str, Any]:
    return {
        "request": row["number"],
        "started_at": row["started_at"],
        "category": row["category"],
        "urgency": row["urgency"],
        "building": row["building"],
        "unit": row["unit"],
        "room": row["room"],
        "gist": row["gist"],
        "status": row["status"],
        "due_at": row["due_at"],
        "by": row["assignee"] or (row["story"][-1][2] if row["story"] else None),
    }


def _promised(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "request": row["number"],
        "undertaking": row["undertaking"],
        "due_at": row["due_hint"],
        "due_hint": row["due_hint"][:10] if row["due_hint"] else None,
        "gist": row["gist"],
        "building": row["building"],
        "unit": row["unit"],
        "room": row["room"],
        "status": row["status"],
    }


_NOTHING: dict[str, Any] = {
    "compared_periods": 0, "compared_days": 0, "rises": (), "new_words": (), "new_places": (),
}  # fmt: skip


def _compared(
    log: Log, period: Period, zone: ZoneInfo, now: datetime, tally: Tally, began: date | None
) -> dict[str, Any]:
    """What stands out against the (up to four) whole periods before in which the log was kept."""
    earlier = []
    for steps in range(1, COMPARED + 1):
        one = period.back(steps)
        if began is None or one.start < began:
            break
        earlier.append(one)
    if not earlier:
        return _NOTHING
    first, last = _bounds(period, zone)
    since, until = _bounds(Period(earlier[-1].start, earlier[0].end), zone)
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
