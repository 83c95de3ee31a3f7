"""What staff are shown when something cannot be done: one line that says what, which file, what to do.

Caught once, in the command group (`cli.py`), and turned into one line on stderr and an exit status.
"""

from __future__ import annotations


class HotlineError(Exception):
    """Base of everything that the program itself reports. `str(error)` is the sentence for staff."""

    exit_code = 1


class UsageProblem(HotlineError):
    """The command was used wrongly: a date that is none, an unknown number, no home."""

    exit_code = 2


class SettingsError(UsageProblem):
    """`hotline.toml` or `taxonomy.toml` holds something that cannot be meant."""


class UnsupportedAudio(HotlineError):
    """The file holds no sound that can be decoded; it stands in the log as `unsupported`."""


class DecoderFailed(HotlineError):
    """The decoder crashed, hung or wanted too much on a file, and no sound came of it: `failed`."""


class ModelMissing(HotlineError):
    """The weights asked for are not in `models/`; recordings wait as `received`."""


class ModelFault(UsageProblem):
    """There is no such model, or it cannot be loaded: recordings wait until that is put right."""


class LogError(HotlineError):
    """The log cannot be opened or written: newer schema, network share, locked, disk full."""
