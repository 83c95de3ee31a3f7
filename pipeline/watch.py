"""Ingest for as long as it runs: new calls first, critical requests said at once, trouble waited out.

It composes nothing: `process.Shift` works on the recordings, here is decided which is next, and when.
Whatever stops it, the next one goes on with what the log says.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from pipeline import alert, intake, process
from pipeline.alert import Alarm
from pipeline.errors import HotlineError
from pipeline.i18n import _, colon
from pipeline.lookout import NEW, Lookout
from pipeline.masks import mask_paths, mask_text
from pipeline.process import GiveWay, Shift, Step
from pipeline.states import recording_state

if TYPE_CHECKING:
    from pipeline.log import Log
    from pipeline.rows import RecordingRow
    from pipeline.settings import Home
    from pipeline.standing import Standing
    from pipeline.transcribe import Transcriber

IN_A_ROW = 3
"""After so many new calls the backlog has a turn, however many more there are."""

TURN_S = 30.0
"""How long such a turn of the backlog lasts before it gives way to a new call."""

PATIENCE_S = (5.0, 60.0)
"""How long to wait after the first trouble, and at most after each that follows."""

OLD = timedelta(hours=24)
"""Critical requests that were opened longer ago when the watch begins are told in one sentence."""


@dataclass(frozen=True, slots=True)
class Queue:
    """How many recordings wait to be heard: calls of the last hours, and those from before."""

    new: int
    backlog: int


class Face(Protocol):
    """Who shows it."""

    def step(self, step: Step) -> None:
        """Where the recording in work stands."""

    def line(self, text: str) -> None:
        """Something happened."""

    def critical(self, text: str) -> None:
        """A request of life or limb: to be noticed at once."""

    def standing(self, queue: Queue, standing: Standing) -> None:
        """What waits now."""


class Order:
    """Which recording is next: new calls before backlog, and the backlog after `IN_A_ROW` of them."""

    def __init__(self) -> None:
        self._in_a_row = 0

    def next(self, todo: Sequence[RecordingRow], is_new: Callable[[RecordingRow], bool]) -> tuple[RecordingRow, bool] | None:  # fmt: skip
        """The next recording, and whether it is the backlog's turn by right; None: there is none."""
        new = [row for row in todo if is_new(row)]
        backlog = [row for row in todo if not is_new(row)]
        if new and (self._in_a_row < IN_A_ROW or not backlog):
            self._in_a_row += 1
            return new[0], False
        by_right = bool(new)
        self._in_a_row = 0
        return (backlog[0], by_right) if backlog else None


class Watch:
    """A watch over a home; `run` ends only by an exception such as KeyboardInterrupt, or by `stop`."""

    def __init__(self, home: Home, transcriber: Callable[[], Transcriber], face: Face) -> None:
        self.home, self.face = home, face
        self._rescan_s = home.settings.watch.rescan_seconds
        self._transcriber = process.once(transcriber)
        self._alarm = Alarm(home.settings)
        self._lookout = Lookout(
            home.recordings,
            exclude=(home.originals,),
            settle_s=home.settings.recordings.settle_seconds,
            rescan_s=self._rescan_s,
        )
        self.stopped = False
        self._order = Order()
        self._troubles: dict[str, str] = {}
        self._told: set[int] = set()
        self._failed: dict[str, str] = {}
        self._said_another = -math.inf
        self._look_at = 0.0
        """When to look at the folder though nothing changed there (monotonic seconds)."""
        self._at_work: Path | None = None
        self._gives_way_at = 0.0
        """From when on the recording in work gives way to a new call (monotonic seconds)."""

    def stop(self, *_signal: object) -> None:
        """For a signal: ends `run`, at once where that can be.

        Raises:
            KeyboardInterrupt: always. What is called back by a library may swallow it, or make another
            error of it; `stopped` holds nonetheless.
        """
        self.stopped = True
        raise KeyboardInterrupt

    def run(self) -> None:
        from pipeline.log import Log

        self._lookout.start()
        patience = PATIENCE_S[0]
        try:
            while not self.stopped:
                try:
                    with Log(self.home.log) as log:
                        shift = Shift(self.home, log, self._transcriber, self._progress)
                        self._old_ones(log)
                        while not self.stopped:
                            worked = self._pass(log, shift)
                            self._trouble("log", None)
                            patience = PATIENCE_S[0]
                            if not worked:
                                self._lookout.wait(self._rescan_s, lambda: self.stopped)
                except (
                    Exception
                ) as error:  # whatever it is, the next call must not be missed for it
                    self._trouble("log", _sentence(error))
                    self._look_at = 0.0
                if not self.stopped:
                    time.sleep(patience)
                patience = min(2 * patience, PATIENCE_S[1])
        finally:
            self._lookout.end()

    def _pass(self, log: Log, shift: Shift) -> bool:
        """Look at what came, work on one recording, say what is critical; False: nothing was to do."""
        with process.only_one(self.home, self._wait_for_another):
            self._look(log, shift)
        ready = self._ready()  # loading takes a while, and holds up nobody
        with process.only_one(self.home, self._wait_for_another):
            worked = self._work(log, shift, ready)
        self._tell(log)
        return worked

    def _look(self, log: Log, shift: Shift) -> None:
        due = time.monotonic() >= self._look_at
        if self._lookout.take() or (due and (not self._look_at or intake.unkept(log))):
            shift.look([self.home.recordings])
            self._failures(shift)
        if due:
            self._look_at = time.monotonic() + self._rescan_s

    def _work(self, log: Log, shift: Shift, ready: bool) -> bool:
        todo = shift.todo()
        self._standing(log, todo)
        chosen = self._order.next(
            [row for row in todo if ready or row.state == "transcribed"], is_new
        )
        if chosen is None:
            return False
        row, by_right = chosen
        now = time.monotonic()
        self._at_work = self.home.path / row.path
        self._gives_way_at = math.inf if is_new(row) else now + TURN_S * by_right
        try:
            shift.work(row, 1, len(todo))
        except GiveWay:
            self.face.line(
                _("{file} waits: a new call has come.").format(file=mask_paths(Path(row.path).name))
            )
            return True
        self._failures(shift)
        self._done(log, row, shift)
        return True

    def _ready(self) -> bool:
        """Whether there is a model to hear with; it is loaded before the first call needs it."""
        try:
            self._transcriber()
        except Exception as error:
            self._trouble("model", process.model_sentence(error))
            return False
        self._trouble("model", None)
        return True

    def _progress(self, step: Step) -> None:
        self.face.step(step)
        # What was heard is kept, window by window: an old call can wait, a new one may not.
        heard_some = step.seconds is not None and 0 < step.done < step.seconds
        if (
            heard_some
            and time.monotonic() >= self._gives_way_at
            and self._lookout.new_call(self._at_work)
        ):
            raise GiveWay

    # --- What is said -----------------------------------------------------------------------------

    def _trouble(self, what: str, sentence: str | None) -> None:
        """Say once what is wrong with the log or the model, and once that it is over."""
        if sentence == self._troubles.get(what):
            return
        if sentence is None:
            del self._troubles[what]
            self.face.line(_("That is over; the watch goes on."))
            return
        self._troubles[what] = sentence
        self.face.line(sentence)
        self.face.line(_("The watch tries again by itself."))

    def _wait_for_another(self) -> None:
        now = time.monotonic()
        if now >= self._said_another + 600:  # two watches take turns call by call
            self.face.line(
                _("Another hotline takes in recordings here; the watch goes on after it.")
            )
        self._said_another = now

    def _failures(self, shift: Shift) -> None:
        for path, reason in shift.failed:
            if self._failed.get(path) != reason:  # not again at each look
                self.face.line(_("Failed: {reason}").format(reason=mask_paths(reason)))
            self._failed[path] = reason
        shift.failed.clear()

    def _done(self, log: Log, row: RecordingRow, shift: Shift) -> None:
        """What became of a recording; that it failed was said before."""
        now = log.recording(row.id)
        name = mask_paths(Path(row.path).name)
        if now.state == "logged":
            rows = [log.request(number) for number in shift.opened]
            said = _(", ").join(
                f"{_('No. {n}').format(n=one.number)} {mask_text(one.gist)}" for one in rows
            )
            self.face.line(f"{name}{colon()}{said or _('no request')}")
        elif now.state != "failed":
            why = mask_paths(now.reason) if now.reason else recording_state(now.state)
            self.face.line(f"{name}{colon()}{why}")
        shift.opened.clear()

    def _standing(self, log: Log, todo: Sequence[RecordingRow]) -> None:
        from pipeline.standing import standing

        new = sum(map(is_new, todo))
        self.face.standing(Queue(new, len(todo) - new), standing(log, log.now()))

    def _old_ones(self, log: Log) -> None:
        """Critical requests of days ago that nobody sees to: one sentence, no bell for each."""
        from pipeline.standing import untold

        since = log.now() - OLD
        old = [row.number for row in untold(log) if row.opened_at < since]
        new = [number for number in old if number not in self._told]
        self._told |= set(old)
        if new:
            self.face.line(
                _(
                    "Life or limb, and still open from before: No. {numbers}. See: hotline open"
                ).format(numbers=_(", ").join(map(str, new)))
            )

    def _tell(self, log: Log) -> None:
        """Say every critical request of which nobody was told, whoever logged it."""
        from pipeline.standing import danger, told, untold

        for row in untold(log):
            if row.number not in self._told:
                self._told.add(
                    row.number
                )  # first: a log that cannot be written is no reason to ring on
                said = alert.sentence(row, danger(log, row.number))
                self.face.critical(said)
                told(log, row.number, self._alarm.ring(row, said))
        for problem in self._alarm.problems():
            self.face.line(problem)


def is_new(row: RecordingRow) -> bool:
    """Whether a call is one of the last hours, and not backlog."""
    return process.called_at(row) > datetime.now(UTC) - NEW


def _sentence(error: Exception) -> str:
    if isinstance(error, HotlineError):
        return str(error)
    return _("Something went wrong inside hotline ({what}: {error}).").format(
        what=type(error).__name__, error=error
    )
