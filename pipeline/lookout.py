"""What changes in a folder: by the system's events, and by a look now and then for shares that send none."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pipeline import inbox
from pipeline.errors import HotlineError

NEW = timedelta(hours=2)
"""A call that began, or a file that was written, so lately is new; all else is backlog."""


class Lookout(threading.Thread):
    """Looks at a folder for as long as it runs; what it saw is asked for by another thread.

    Args:
        folder: what to look at, with all below.
        exclude: folders below that are none of its business.
        settle_s: how long a file must stand still before it counts as changed.
        rescan_s: how often to look without an event.
    """

    def __init__(
        self, folder: Path, *, exclude: Sequence[Path] = (), settle_s: float, rescan_s: float
    ) -> None:
        super().__init__(name="lookout", daemon=True)
        self.folder, self.exclude = folder, exclude
        self.settle_s, self.rescan_s = settle_s, rescan_s
        self.woken = threading.Event()
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._known: dict[Path, tuple[int, datetime]] = {}
        self._changed: dict[Path, float] = {}
        self.look()
        self._changed.clear()  # who starts looks at everything anyway

    def run(self) -> None:
        import watchfiles

        while not self._ended.is_set():
            try:
                for _changes in watchfiles.watch(
                    self.folder,
                    watch_filter=None,
                    debounce=400,
                    rust_timeout=int(self.rescan_s * 1000),
                    yield_on_timeout=True,
                    stop_event=self._ended,
                    raise_interrupt=False,
                ):
                    self.look()
            except Exception:  # the folder is not there, the system has no events left to give
                self.look()
                self._ended.wait(self.rescan_s)

    def end(self) -> None:
        self._ended.set()

    def look(self) -> None:
        """Note what is not as it was at the last look."""
        try:
            now = {
                arrival.path: (arrival.size, arrival.modified_at)
                for arrival in inbox.scan(self.folder, settle_s=0, exclude=self.exclude)
            }
        except HotlineError:
            now = {self.folder: (-1, datetime.min.replace(tzinfo=UTC))}
        with self._lock:
            changed = [
                path
                for path in now.keys() | self._known.keys()
                if now.get(path) != self._known.get(path)
            ]
            self._known = now
            self._changed |= dict.fromkeys(changed, time.monotonic())
        if changed:
            self.woken.set()

    def settled(self) -> list[Path]:
        """What changed and has stood still since."""
        with self._lock:
            until = time.monotonic() - self.settle_s
            return [path for path, at in self._changed.items() if at <= until]

    def new_call(self, besides: Path | None = None) -> bool:
        """Whether a file that was written lately has settled: somebody may be calling for help in it.

        The file at work (`besides`) is none, though its time was set after it was taken in.
        """
        since = datetime.now(UTC) - NEW
        return any(
            path != besides
            and path in self._known
            and self._known[path][1] > since
            and not inbox.is_partial(path.name)
            for path in self.settled()
        )

    def take(self) -> list[Path]:
        """What `settled` tells, and forget it."""
        found = self.settled()
        with self._lock:
            for path in found:
                self._changed.pop(path, None)
        return found

    def wait(self, seconds: float, ended: Callable[[], bool] = lambda: False) -> None:
        """Until something has settled or it has `ended`, at most so long."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and not self.settled() and not ended():
            with self._lock:
                settling = bool(self._changed)
            self.woken.clear()
            # Short waits: on Windows a Ctrl-C does not end a long one.
            self.woken.wait(min(left, 0.1 if settling else 0.5))
