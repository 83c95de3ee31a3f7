"""The story of a request as sentences: each event as staff would tell it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pipeline.i18n import _, language
from pipeline.screen import label

if TYPE_CHECKING:
    from pipeline.rows import EventRow, RequestRow
    from pipeline.taxonomy import Names


def act_name(kind: str) -> str:
    """What was done, in one or two words; an unknown kind as it is."""
    return _act_names(language()).get(kind, kind)


@lru_cache(maxsize=2)
def _act_names(spoken: str) -> dict[str, str]:
    """All of them, once for each language: a ledger asks for thousands."""
    return {
        "seen": _("file seen"),
        "received": _("recording kept"),
        "transcribed": _("heard"),
        "logged": _("read"),
        "imported": _("call taken in as text"),
        "silent": _("no speech found"),
        "failed": _("failed"),
        "unsupported": _("no sound inside"),
        "duplicate": _("known already"),
        "opened": _("opened"),
        "added": _("added"),
        "reopened": _("opened again"),
        "started": _("begun"),
        "assigned": _("assigned"),
        "done": _("done"),
        "dismissed": _("dismissed"),
        "merged": _("merged"),
        "merged_from": _("others merged into it"),
        "split": _("parted in two"),
        "corrected": _("corrected"),
        "retagged": _("tagged anew"),
        "ticked": _("condition met"),
        "heard": _("listened to"),
        "repeat": _("asked again"),
        "undone": _("taken back"),
        "heard_again": _("heard again, beside"),
        "redone": _("a later version taken"),
        "declined": _("a later version left"),
        "restored": _("set-aside words brought back"),
        "flipped": _("speakers changed over"),
        "alerted": _("alert given"),
        "unmasked": _("numbers shown in full"),
        "exported": _("exported"),
    }


def standing(row: RequestRow) -> str:
    """Where a request stands, with its number."""
    said = {
        "open": _("No. {n} is open."),
        "in_progress": _("No. {n} is being seen to."),
        "done": _("No. {n} is done."),
        "merged": _("No. {n} is merged into No. {into}."),
        "dismissed": _("No. {n} is dismissed."),
    }[row.status]
    return said.format(n=row.number, into=row.merged_into)


def told(event: EventRow, names: Names) -> str:
    """What happened in an event, with its details and its note, without when and who."""
    return sentence(event.kind, named(event.data, names), event.note)


def named(data: Mapping[str, Any], names: Names) -> Mapping[str, Any]:
    """What an event holds, with the labels that staff read in place of the codes of tags."""

    def told(tag: str, code: str | None) -> str | None:
        return label(names, tag, code) if code and tag in ("category", "kind", "urgency") else code

    if "values" in data:
        both = {key: {tag: told(tag, v) for tag, v in data.get(key, {}).items()} for key in ("values", "was")}  # fmt: skip
        return {**data, **both}
    if "tag" in data:
        return {**data, **{key: told(data["tag"], data.get(key)) for key in ("before", "value")}}
    return data


def sentence(kind: str, data: Mapping[str, Any], note: str | None) -> str:
    """The same of an event that is no row: its kind, its details, its note."""
    details = _details(kind, data)
    said = act_name(kind)
    if details:
        said = _("{said}: {note}").format(said=said, note=details)
    return _("{said} ({note})").format(said=said, note=note) if note else said


def _details(kind: str, data: Mapping[str, Any]) -> str:
    if kind == "assigned":
        return data.get("assignee") or _("to nobody")
    if kind in ("corrected", "retagged", "redone"):
        if "tag" in data:
            return change(data.get("tag", ""), data.get("before"), data.get("value", ""))
        was = data.get("was", {})
        return _("; ").join(
            change(tag, was.get(tag), to) for tag, to in data.get("values", {}).items()
        )
    if kind == "ticked":
        return _("; ").join(data.get("conditions", ()))
    if kind == "merged":
        return _("into No. {n}").format(n=data.get("into"))
    if kind == "merged_from":
        return _(", ").join(_("No. {n}").format(n=n) for n in data.get("numbers", ()))
    if kind == "split":
        return _(", ").join(_("No. {n}").format(n=n) for n in data.get("opened", ()))
    if kind == "opened" and "of" in data:
        return _("parted from No. {n}").format(n=data["of"])
    if kind == "repeat":
        return _("repeats No. {n}").format(n=data.get("of"))
    if kind == "undone":
        return act_name(str(data.get("what", "")))
    if kind == "transcribed":
        return str(data.get("model", ""))
    return ""


def change(tag: str, was: object, to: str) -> str:
    return f"{tag_name(tag)} {was or '–'} → {to}"


def tag_name(tag: str) -> str:
    """What is judged of a request, in words."""
    return {
        "category": _("category"),
        "kind": _("kind"),
        "urgency": _("urgency"),
        "place": _("where"),
        "phone": _("phone"),
        "caller": _("caller"),
        "gist": _("what"),
        "words": _("words"),
        "due": _("due"),
        "undertaking": _("promise"),
        "promised": _("promised by"),
        "status": _("status"),
    }.get(tag, tag)
