"""A period told: which blocks stand on the page, on the notice board, and behind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pipeline.i18n import _, language
from pipeline.report.board import Board
from pipeline.report.front import STOOD_OUT, Front
from pipeline.report.page import (
    Block,
    Cell,
    Change,
    Figure,
    Page,
    Rate,
    Table,
    day_time,
    span_text,
)  # fmt: skip
from pipeline.report.speech import LISTED
from pipeline.screen import label
from pipeline.states import recording_state
from pipeline.story import tag_name
from pipeline.types import URGENCIES

if TYPE_CHECKING:
    from pipeline.report.figures import Week
    from pipeline.taxonomy import Names


def compose(week: Week, names: Names, office: str, *, public: bool = False) -> Page:
    """The page of a period; `public` is for the notice board: counts alone, no person, no call."""
    front: list[Block | None]
    annex: list[Block | None]
    if public:
        front, annex = Board(week, names).board(), []
    else:
        front, annex = Telling(week, names).whole()
    return Page(
        office=office,
        title=_title(week.kind, public),
        span=span_text(week),
        made=_("Made {when} from the log").format(when=day_time(week.made_at)),
        front=tuple(block for block in front if block is not None),
        annex=tuple(block for block in annex if block is not None),
        signatures=()
        if public
        else (_("Prepared by"), _("Checked and signed (secretary)"), _("Date")),
        source=""
        if public
        else _("The rows behind any figure: hotline week {name} --rows NAME").format(
            name=week.name
        ),
        language=language(),
        public=public,
    )


def _title(kind: str, public: bool) -> str:
    if public:
        return {
            "day": _("Residents' requests: the day, for the notice board"),
            "week": _("Residents' requests: the week, for the notice board"),
            "month": _("Residents' requests: the month, for the notice board"),
            "year": _("Residents' requests: the year, for the notice board"),
        }.get(kind, _("Residents' requests, for the notice board"))
    return {
        "day": _("Residents' requests: daily report"),
        "week": _("Residents' requests: weekly report"),
        "month": _("Residents' requests: monthly report"),
        "year": _("Residents' requests: yearly report"),
    }.get(kind, _("Residents' requests: report"))


class Telling(Front):
    """The front page's blocks, and the tables and bars behind them."""

    def whole(self) -> tuple[list[Block | None], list[Block | None]]:
        critical, promised, overdue = self.fronts()
        front: list[Block | None] = [
            self.lead(),
            self.sum(),
            self.urgencies(),
            critical,
            self.stood_out(STOOD_OUT),
            self.promises(),
            promised,
            overdue,
            self.not_shown(),
        ]
        annex: list[Block | None] = [
            self.balance(),
            self.categories(),
            self.category_bars(),
            self.counted("kinds", _("By kind"), _("Kind"), "kind", self.w.by_kind),
            self.buildings(),
            self.days(),
            self.hours(),
            self.stood_out() if self.stands_out() > STOOD_OUT else None,
            self.method(),
            self.behind(critical, self.critical()),
            self.broken(),
            self.behind(promised, self.promised_next()),
            self.behind(overdue, self.overdue()),
            self.corrected(),
            self.recordings(),
            self.unheard(),
        ]
        return front, annex

    def balance(self) -> Block | None:
        """The sum of the front page, for each urgency."""
        parts = (
            "carried_over",
            "requests",
            "reopened",
            "done",
            "dismissed",
            "merged",
            "still_open",
        )
        heads = [f"{sign} {what}".strip() for sign, what, _figure in self.sum().terms]
        rows: list[tuple[Cell, ...]] = [
            (
                label(self.names, "urgency", level),
                *(self.fig(f"{'by' if part == 'requests' else f'{part}_by'}_urgency.{level}") for part in parts),
            )
            for level in URGENCIES
        ]  # fmt: skip
        rows.append((_("Together"), *map(self.fig, parts)))
        title = _("The sum by urgency")
        return Table("balance", title, (_("Urgency"), *heads), tuple(rows), total=True)

    def categories(self) -> Block | None:
        w = self.w
        if not w.by_category:
            return None
        rows: list[tuple[Cell, ...]] = []
        for key, n in w.by_category.items():
            before = self.past("by_category", key)
            again = w.repeats_by_category.get(key, 0)
            rows.append(
                (
                    label(self.names, "category", key), self.fig(f"by_category.{key}"), before,
                    Change(n, before), Rate(n, w.requests),
                    self.fig(f"repeats_by_category.{key}"), Rate(again, n),
                )
            )  # fmt: skip
        before = self.past("requests")
        rows.append(
            (
                _("Together"), self.fig("requests"), before, Change(w.requests, before),
                Rate(w.requests, w.requests), self.fig("repeat_requests"),
                Rate(w.repeat_requests, w.requests),
            )
        )  # fmt: skip
        return Table(
            "categories",
            _("By category"),
            (
                _("Category"), _("New"), _("Before"), _("Change"), _("Share"), _("Repeat calls"),
                _("Share of repeats"),
            ),
            tuple(rows),
            total=True,
        )  # fmt: skip

    def category_bars(self) -> Block | None:
        return self.bars("by_category", _("Requests by category"), self.w.by_category)

    def counted(
        self, name: str, title: str, head: str, what: str, counts: Mapping[str, int]
    ) -> Block | None:
        """A table of one group with its change and share."""
        if not counts:
            return None
        group = f"by_{what}"
        rows: list[tuple[Cell, ...]] = []
        for key, n in counts.items():
            before = self.past(group, key)
            rows.append(
                (
                    self.key_label(group, key), Figure(n, f"{group}.{key}"), before,
                    Change(n, before), Rate(n, self.w.requests),
                )
            )  # fmt: skip
        return Table(
            name, title, (head, _("New"), _("Before"), _("Change"), _("Share")), tuple(rows)
        )

    def buildings(self) -> Block | None:
        shown = dict(list(self.w.by_building.items())[:LISTED])
        table = self.counted("buildings", _("By building"), _("Building"), "building", shown)
        rest = sum(self.w.by_building.values()) - sum(shown.values())
        unknown = self.w.requests_without_building
        if not isinstance(table, Table):
            return None
        more: list[tuple[Cell, ...]] = []
        if rest:
            more.append((_("other buildings"), rest, None, None, Rate(rest, self.w.requests)))
        if unknown:
            before = self.past("requests_without_building")
            more.append(
                (
                    _("no building named"), self.fig("requests_without_building"), before,
                    Change(unknown, before), Rate(unknown, self.w.requests),
                )
            )  # fmt: skip
        return Table(table.name, table.title, table.heads, (*table.rows, *more))

    def hours(self) -> Block | None:
        return self.bars("by_hour", _("Requests by hour of the call"), self.w.by_hour, columns=True)

    def corrected(self) -> Block | None:
        if not self.w.corrected:
            return None
        rows: list[tuple[Cell, ...]] = [
            (tag_name(tag), self.fig(f"corrected_by_tag.{tag}")) for tag in self.w.corrected_by_tag
        ]
        return Table(
            "corrected",
            _("Tags that staff corrected"),
            (_("Which"), _("Number")),
            (*rows, (_("Together"), self.fig("corrected"))),
            total=True,
        )

    def recordings(self) -> Block | None:
        if not self.w.recordings:
            return None
        rows: list[tuple[Cell, ...]] = [
            (recording_state(state), self.fig(f"recordings.{state}")) for state in self.w.recordings
        ]
        rows.append((_("Together"), self.fig("recordings_arrived")))
        return Table(
            "recordings",
            _("Recordings that arrived"),
            (_("State"), _("Number")),
            tuple(rows),
            total=True,
        )
