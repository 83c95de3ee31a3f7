"""What the figures do not show: words that nobody understood, recordings that nobody heard, days before the log."""

from __future__ import annotations

from pipeline.i18n import _, plural
from pipeline.report.page import Items, Line, Table, day_text
from pipeline.report.speech import LISTED, Speech
from pipeline.states import recording_state


def counted(n: int, said: str, name: str) -> list[Line]:
    """A sentence that holds a figure, by the figure's name; none where there is nothing to count."""
    return [Line(said.format(n=n), name)] if n else []


class Unseen(Speech):
    """The last block of the page that is signed."""

    def not_shown(self) -> Items:
        w = self.w
        lines = [*self.not_understood(), *self.not_heard()]
        if w.logged_late:
            lines.append(
                Line(
                    _(
                        "{n} of those carried over were logged only in {this}, out of calls from before: "
                        "an earlier report does not have them."
                    ).format(n=w.logged_late, this=self.this),
                    "logged_late",
                )
            )
        lines += counted(
            n := w.calls_timed_by_file,
            plural(
                "Of {n} call the time is only known from the file; the day may be wrong.",
                "Of {n} calls the time is only known from the file; the day may be wrong.",
                n,
            ),
            "calls_timed_by_file",
        )
        lines += map(Line, self.before_the_log())
        lines += [
            Line(
                _(
                    "The words were recognised by Whisper {models}, not typed: they hold mistakes."
                ).format(models=_("{model} ({n} calls)").format(model=model, n=n)),
                f"models.{model}",
            )
            for model, n in w.models.items()
            if model != "text"
        ]
        lines.append(Line(_("Calls that were not recorded are in no figure.")))
        return Items(_("What the figures do not show"), tuple(lines))

    def not_understood(self) -> list[Line]:
        """What was heard, but not well enough."""
        w = self.w
        lines = []
        if n := w.needs_listening:
            minutes, seconds = divmod(round(w.needs_listening_s), 60)
            said = plural(
                "{n} stretch of speech ({minutes} min {seconds} s) was not understood (dialect, noise, "
                "two at once): somebody must listen.",
                "{n} stretches of speech ({minutes} min {seconds} s) were not understood (dialect, "
                "noise, two at once): somebody must listen.",
                n,
            )
            said = said.format(n=n, minutes=minutes, seconds=seconds)
            lines.append(Line(said, "needs_listening"))
        lines += counted(
            n := w.needs_listening_before,
            plural(
                "{n} stretch of speech from before still waits to be listened to.",
                "{n} stretches of speech from before still wait to be listened to.",
                n,
            ),
            "needs_listening_before",
        )
        lines += counted(
            n := w.by_category.get("unclear", 0),
            plural(
                "{n} request was heard but not understood well enough to tag.",
                "{n} requests were heard but not understood well enough to tag.",
                n,
            ),
            "by_category.unclear",
        )
        lines += counted(
            n := w.review,
            plural(
                "{n} request is tagged with doubt and should be read again.",
                "{n} requests are tagged with doubt and should be read again.",
                n,
            ),
            "review",
        )
        return lines

    def not_heard(self) -> list[Line]:
        """The recordings that no figure of calls and requests holds."""
        w = self.w
        unheard, waiting = w.recordings_unheard, w.recordings
        return [
            *counted(
                n := unheard.get("failed", 0),
                plural(
                    "{n} recording failed and is not in the figures.",
                    "{n} recordings failed and are not in the figures.",
                    n,
                ),
                "recordings_unheard.failed",
            ),
            *counted(
                n := waiting.get("received", 0),
                plural("{n} recording waits to be heard.", "{n} recordings wait to be heard.", n),
                "recordings.received",
            ),
            *counted(
                n := waiting.get("transcribed", 0),
                plural(
                    "{n} recording is heard but not yet read.",
                    "{n} recordings are heard but not yet read.",
                    n,
                ),
                "recordings.transcribed",
            ),
            *counted(
                n := waiting.get("arriving", 0),
                plural("{n} file was still being copied.", "{n} files were still being copied.", n),
                "recordings.arriving",
            ),
            *counted(
                n := unheard.get("silent", 0),
                plural(
                    "{n} recording has no speech that was found: somebody must listen.",
                    "{n} recordings have no speech that was found: somebody must listen.",
                    n,
                ),
                "recordings_unheard.silent",
            ),
            *counted(
                n := unheard.get("unsupported", 0),
                plural("{n} file has no sound inside.", "{n} files have no sound inside.", n),
                "recordings_unheard.unsupported",
            ),
            *counted(
                n := w.recordings_before,
                plural(
                    "{n} recording from before is still not heard.",
                    "{n} recordings from before are still not heard.",
                    n,
                ),
                "recordings_before",
            ),
        ]

    def before_the_log(self) -> list[str]:
        """Where there is nothing, or not enough, to compare with."""
        w = self.w
        if w.log_began is None:
            return [_("The log is empty.")]
        if w.before is None:
            said = _("The log begins on {day}: there is nothing before to compare with.")
            return [said.format(day=day_text(w.log_began))]
        if not w.before_whole:
            said = _("The log begins on {day}, in the midst of {last}: compare with care.")
            return [said.format(day=day_text(w.log_began), last=self.last)]
        return []

    def unheard(self) -> Table | None:
        """The recordings that failed, hold no speech or no sound, by their numbers and with the reason."""
        rows = [
            (
                f"R{row['recording']}",
                str(row["path"]),
                row["reason"] or recording_state(row["state"]),
            )
            for row in self.w.unheard[:LISTED]
        ]
        if not rows:
            return None
        counted = sum(self.w.recordings_unheard.values())
        more = self.more(counted, "recordings_arrived", LISTED)
        heads = (_("No."), _("Recording"), _("Reason"))
        return Table("unheard", _("Recordings not heard"), heads, tuple(rows), wide=2, more=more)
