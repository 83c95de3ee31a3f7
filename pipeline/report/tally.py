"""One period counted: each row of the log put under the names of the figures that it belongs to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from pipeline.dates import Period
from pipeline.report import rows
from pipeline.rows import utc

if TYPE_CHECKING:
    from pipeline.log import Log
    from pipeline.report.rows import Turning


def bounds(period: Period, zone: ZoneInfo) -> tuple[str, str]:
    """The first moment of a period and the first after it, as the log compares them."""
    first, last = period.moments(zone)
    return utc(first), utc(last)


@dataclass(slots=True)
class Tally:
    """Counts by name, and the rows behind the names that somebody asked for (`keep`).

    Counted is what happened from `first` up to, without, `last`, as it stands at `now`; what is promised
    for the period after falls due before `after`.
    """

    zone: ZoneInfo
    first: str
    last: str
    after: str
    now: str
    keep: Callable[[str], bool]
    counts: Counter[str] = field(default_factory=Counter)
    rows: dict[str, list[int]] = field(default_factory=dict)
    seconds: float = 0.0
    _left: set[str] = field(default_factory=set)

    @classmethod
    def of(
        cls,
        period: Period,
        zone: ZoneInfo,
        now: datetime,
        *,
        keep: Callable[[str], bool] = lambda name: False,
        until: datetime | None = None,
    ) -> Tally:
        """An empty tally of a period, or of what of it was before `until`."""
        first, last = bounds(period, zone)
        after = bounds(period.back(-1), zone)[1]
        return cls(zone, first, utc(until) if until else last, after, utc(now), keep)

    def add(self, name: str, row: int) -> None:
        self.counts[name] += 1
        if name in self._left:
            return
        if name not in self.rows:  # each name is asked about once
            if not self.keep(name):
                self._left.add(name)
                return
            self.rows[name] = []
        self.rows[name].append(row)

    def group(self, name: str) -> dict[str, int]:
        """The counts of a group by key, the greatest first."""
        start = name + "."
        found = {k[len(start) :]: n for k, n in self.counts.items() if k.startswith(start)}
        return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


def fill(log: Log, tallies: Sequence[Tally]) -> None:
    """Count periods that lie close together; what became of requests is read once for all of them."""
    for tally in tallies:
        _calls(log, tally)
        _requests(log, tally)
        _unheard(log, tally)
        for number, tag in rows.corrections(log, tally.first, tally.last):
            tally.add("corrected", number)
            tally.add(f"corrected_by_tag.{tag}", number)
    first, last = min(tally.first for tally in tallies), max(tally.last for tally in tallies)
    for turning in rows.turnings(log, first, last):
        for tally in tallies:
            if turning.began < tally.last:
                _follow(turning, tally)


def _calls(log: Log, tally: Tally) -> None:
    for call, source, model in rows.calls(log, tally.first, tally.last):
        tally.add("calls", call)
        if model is not None:
            tally.add(f"models.{model}", call)
        if source == "file":
            tally.add("calls_timed_by_file", call)
        elif source == "staff":
            tally.add("calls_at_desk", call)


def _requests(log: Log, tally: Tally) -> None:
    """The requests of the period's calls, by all that they are counted by."""
    add = tally.add
    for number, began, category, kind, urgency, building, again, review, promise in rows.requests(
        log, tally.first, tally.last
    ):
        local = datetime.fromisoformat(began).astimezone(tally.zone)
        day = local.date().isoformat()
        add("requests", number)
        add(f"by_category.{category}", number)
        add(f"by_kind.{kind}", number)
        add(f"by_urgency.{urgency}", number)
        add(f"by_day.{day}", number)
        add(f"by_month.{day[:7]}", number)
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


def _unheard(log: Log, tally: Tally) -> None:
    """What nobody understood or heard yet: stretches of speech, and whole recordings."""
    add = tally.add
    for span, _call, seconds in rows.listening(log, tally.first, tally.last):
        add("needs_listening", span)
        tally.seconds += seconds
    for span in rows.listening_before(log, tally.first):
        add("needs_listening_before", span)
    for recording, state, heard in rows.recordings(log, tally.first, tally.last):
        add("recordings_arrived", recording)
        add(f"recordings.{state}", recording)
        if state in rows.UNHEARD and not heard:
            add(f"recordings_unheard.{state}", recording)
    for recording in rows.unheard_before(log, tally.first):
        add("recordings_before", recording)


def _follow(one: Turning, tally: Tally) -> None:
    """What one request adds: to the balance, to what was answered in time, to the promises."""
    add, first, last = tally.add, tally.first, tally.last
    steps = one.steps(first, last)
    is_open, at_first = True, True
    for at, to in steps:
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
        if one.due < min(tally.now, last):
            add("overdue", one.number)
            add(f"overdue_by_urgency.{one.urgency}", one.number)
    if not one.promised:
        return
    if one.until is None:
        if first <= one.began < last:
            add("undertakings_undated", one.number)
        return
    if first <= one.until < last:
        at_until = next((to for at, to in reversed(steps) if at <= one.until), "open")
        add("undertakings_due", one.number)
        add(f"undertakings_{_fate(at_until, one.until, tally.now)}", one.number)
    elif last <= one.until < tally.after and is_open:
        add("undertakings_next", one.number)


def _fate(state: str, until: str, now: str) -> str:
    """What became of a promise by the state in which its request was when it fell due."""
    if state == "done":
        return "kept"
    if state in rows.CLOSED:
        return "void"
    return "broken" if until < now else "pending"
