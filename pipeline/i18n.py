"""Sentences for staff, in the language of the setting or the locale; English is the source language."""

from __future__ import annotations

import errno
import gettext
import locale
import os
import re
from functools import lru_cache
from pathlib import Path
from string import Formatter

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


def retold(text: str) -> str:
    """A sentence or phrase of this program, said in either language, in the language spoken now.

    The log keeps why a recording failed as it was said; who reads it may speak the other language. Any
    other text, and a sentence of another version that is worded otherwise, comes back as it is.
    """
    spoken = language()
    if text.endswith("。" if spoken == "zh_CN" else "."):
        return text  # in that language already
    return _retold(text, spoken)


@lru_cache(maxsize=16384)
def _retold(text: str, spoken: str) -> str:
    least = _OWN if text.endswith((".", "。")) else 2 * _OWN
    for own, longest, pattern, said in _phrases(spoken):
        if own < least:
            break
        if longest in text and (found := re.fullmatch(pattern, text, re.DOTALL)):
            values = found.groupdict()
            for name in _IN_WORDS & values.keys():
                values[name] = _retold(values[name], spoken)
            return "".join(
                literal + (values[name] if name else "")
                for literal, name, _spec, _conversion in Formatter().parse(said)
            )
    return text


_IN_WORDS = {"error", "why"}
"""Fields of sentences that hold words of this program themselves; names of files never do."""


@lru_cache(maxsize=2)
def _phrases(spoken: str) -> list[tuple[int, str, str, str]]:
    """(letters of its own, a piece that must be in it, pattern of the whole, what is said for it) of every
    phrase of the other language; those with the most letters first, for they are the surest."""
    every = vars(_catalogue("zh_CN")).get("_catalog", {})  # gettext lists it in no other way
    pairs = [(one if isinstance(one, str) else one[0], said) for one, said in every.items()]
    phrases = []
    for source, said in pairs if spoken == "zh_CN" else [(said, one) for one, said in pairs]:
        pattern, literals, fields = "", [""], dict[str, str]()
        for literal, name, spec, _conversion in Formatter().parse(source):
            pattern += re.escape(literal)
            literals.append(literal)
            if name:
                value = r"[-\d.,]+" if spec else ".*?"  # only numbers are given a form
                pattern += f"(?P={name})" if name in fields else f"(?P<{name}>{value})"
                fields[name] = value
        if fields.keys() != {name for _l, name, _s, _c in Formatter().parse(said) if name}:
            continue  # click's plurals
        own = sum(char.isalnum() * (1 + (char > "\u2e80")) for char in "".join(literals))
        if own >= _OWN:
            phrases.append((own, max(literals, key=len), pattern, said))
    return sorted(phrases, reverse=True)


_OWN = 4
"""Letters that a sentence must have of its own, a Chinese character counted twice, and a phrase without
its full stop twice as many: one of nearly nothing but fields would match anything."""


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
