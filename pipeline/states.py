"""Where a recording and a request stand, in words for staff (a leaf)."""

from __future__ import annotations

from pipeline.i18n import _


def recording_state(state: str) -> str:
    """A state of a recording as staff read it; an unknown one as it is."""
    return {
        "arriving": _("still being copied"),
        "received": _("waiting to be heard"),
        "transcribed": _("heard, not yet read"),
        "logged": _("in the log"),
        "failed": _("failed"),
        "silent": _("no speech found"),
        "duplicate": _("double"),
        "unsupported": _("no sound inside"),
    }.get(state, state)


def request_state(status: str) -> str:
    """The status of a request as staff read it; an unknown one as it is."""
    return {
        "open": _("open"),
        "in_progress": _("in progress"),
        "done": _("done"),
        "merged": _("merged"),
        "dismissed": _("dismissed"),
    }.get(status, status)
