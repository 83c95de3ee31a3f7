"""Sentences for staff, in the language of the setting or the locale; English is the source language."""

from __future__ import annotations

import errno
import gettext
import locale
import os
from functools import lru_cache
from pathlib import Path

LOCALE_DIR = Path(__file__).parent / "locale"


def choose(language: str | None = None) -> str:
    """The language to speak: `language` if given, else HOTLINE_LANG, else the locale's; `en` or `zh_CN`."""
    wanted = (
        language
        or os.environ.get("HOTLINE_LANG")
        or os.environ.get("LC_ALL")
        or os.environ.get("LC_MESSAGES")
        or os.environ.get("LANG")
        or locale.getlocale()[0]
        or "en"
    )
    return "zh_CN" if wanted.lower().startswith(("zh", "chinese")) else "en"


@lru_cache(maxsize=4)
def _catalogue(language: str) -> gettext.NullTranslations:
    return gettext.translation("hotline", LOCALE_DIR, languages=[language], fallback=True)


_language: str | None = None


def use(language: str | None) -> None:
    """Speak `language` from now on in this process; None goes back to the locale's."""
    global _language
    _language = language
    speak_through_click()


def speak_through_click() -> None:
    """Let click say its own sentences (Usage, No such option) in the language spoken: it asks gettext,
    which asks the environment."""
    gettext.bindtextdomain("hotline", str(LOCALE_DIR))
    gettext.textdomain("hotline")
    os.environ["LANGUAGE"] = choose(_language)


def language() -> str:
    """The language spoken now: `en` or `zh_CN`."""
    return choose(_language)


def _(text: str) -> str:
    return _catalogue(language()).gettext(text)


def plural(one: str, many: str, n: int) -> str:
    """`one` or `many` by `n`, translated; the caller formats the number in."""
    return _catalogue(language()).ngettext(one, many, n)


def colon() -> str:
    """What stands between a name and what it names."""
    return "：" if language() == "zh_CN" else ": "


def system_says(error: BaseException) -> str:
    """What the system says of an error, in the language spoken where it is one that an office meets."""
    said = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return {
        errno.ENOENT: _("no such file or folder"),
        errno.EACCES: _("you may not"),
        errno.EPERM: _("you may not"),
        errno.ENOSPC: _("the disk is full"),
        errno.EROFS: _("the disk is write-protected"),
        errno.EIO: _("the disk or stick does not answer"),
        errno.EEXIST: _("it is there already"),
        errno.ENOTDIR: _("that is no folder"),
        errno.EISDIR: _("that is a folder"),
        errno.EBUSY: _("another program is using it"),
        errno.EMFILE: _("too many files are open"),
        errno.ENAMETOOLONG: _("the name is too long"),
    }.get(getattr(error, "errno", None) or 0, str(said))
