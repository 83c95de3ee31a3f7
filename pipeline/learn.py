"""`hotline learn`: the small model taught again, by what the office corrected and labelled itself."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipeline import forms
from pipeline.errors import HotlineError
from pipeline.i18n import _, plural
from pipeline.session import Session, as_option, json_option, pass_session

if TYPE_CHECKING:
    from pipeline.log import Log
    from pipeline.settings import Home
    from pipeline.taxonomy import Names
    from pipeline.training import Example, Held


@dataclass(frozen=True, slots=True)
class Figure:
    """How many of `of` examples that were held out were judged right for a label.

    `given` is office (what it corrected and labelled) or hotline (what the program brings); `before`
    is without the office's examples, None where nothing else taught.
    """

    label: str
    given: str
    of: int
    before: int | None
    after: int


@dataclass(frozen=True, slots=True)
class Taught:
    """What a model was made from, how good it is, and where it lies."""

    corrections: int
    examples: int
    brought: int
    figures: tuple[Figure, ...]
    model: Path


def learn(home: Home, log: Log, who: str) -> Taught:
    """Teach the office's model from the examples that hotline brings, those in `examples/` and staff's
    corrections in the log; keep it in the home. In the log only an event tells of it.

    With a taxonomy of its own (`own_categories`) the examples that hotline brings teach no category.

    Raises:
        HotlineError: nothing to learn from, or an example's label that is not in the taxonomy.
    """
    from pipeline import taxonomy, training
    from pipeline.learned import REQUEST
    from pipeline.lessons import lessons

    names = taxonomy.names(home.taxonomy)
    brought = [_ours(example, names) for example in training.examples()]
    labelled = [
        _coded(example, names, path)
        for path in sorted(home.examples.glob("*.jsonl"))
        for example in training.read(path)
    ]
    corrected = [
        training.Example(
            text=lesson.words,
            labels={
                REQUEST: "yes" if lesson.asked else "no",
                **{k: v for k, v in lesson.labels.items() if v in _codes(names, k)},
            },
            group=f"request {lesson.number}",
        )
        for lesson in lessons(log)
    ]
    ours = [*labelled, *corrected]
    if not ours:
        raise HotlineError(
            _(
                "There is nothing to learn from yet: no request was corrected or dismissed, and "
                "{folder} holds no labelled examples. Try: hotline correct 12 --category repairs"
            ).format(folder=home.examples)
        )
    before = training.cross(brought, also=ours) if brought else {}
    given = [*brought, *ours]
    after = training.cross(given)
    part = home.learned.with_suffix(".part")
    training.train(given, training.temperatures(after)).save(part)
    part.chmod(0o600)
    part.replace(home.learned)
    figures = tuple(_figures(before, after, len(brought)))
    taught = Taught(len(corrected), len(labelled), len(brought), figures, home.learned)
    log.record("learned", who=who, data=_as_dict(taught))
    return taught


def _codes(names: Names, label: str) -> Mapping[str, Any]:
    return {"category": names.categories, "kind": names.kinds, "urgency": names.urgencies}[label]


def _ours(example: Example, names: Names) -> Example:
    """An example that hotline brings without a category that is not this office's: what it teaches of
    danger, of the kind and of chatter holds anywhere."""
    from dataclasses import replace

    own = "medical" not in names.categories
    labels = {
        label: value
        for label, value in example.labels.items()
        if label != "category" or (value in names.categories and not own)
    }
    return replace(example, labels=labels)


def _coded(example: Example, names: Names, path: Path) -> Example:
    """The example with codes for labels, which may be given by their names."""
    import difflib
    from dataclasses import replace

    labels = dict(example.labels)
    for label, value in example.labels.items():
        if label == "request":
            continue
        codes = {
            said: code
            for code, names_ in _codes(names, label).items()
            for said in (code, names_.name, names_.english)
        }
        if value not in codes:
            near = difflib.get_close_matches(value, codes, 1, 0.0)
            raise HotlineError(
                _(
                    '{file}: there is no {what} "{value}" in the taxonomy (nearest: {near}). Add it to '
                    "taxonomy.toml, or mend the example."
                ).format(file=path.name, what=label, value=value, near=near[0] if near else "-")
            )
        labels[label] = codes[value]
    return replace(example, labels=labels)


def _figures(
    before: Mapping[str, Held], after: Mapping[str, Held], brought: int
) -> Sequence[Figure]:
    figures = []
    for label, held in after.items():
        for given, chosen in (
            ("office", held.indexes >= brought),
            ("hotline", held.indexes < brought),
        ):
            if not chosen.any():
                continue
            was = before.get(label)
            earlier = None
            if was is not None:
                there = was.indexes >= brought if given == "office" else was.indexes < brought
                earlier = int(was.right[there].sum())
            figures.append(
                Figure(label, given, int(chosen.sum()), earlier, int(held.right[chosen].sum()))
            )
    return figures


def _as_dict(taught: Taught) -> dict[str, Any]:
    return {**asdict(taught), "model": taught.model.name}


def keep_examples(home: Home, files: Sequence[Path]) -> None:
    """Copy files of labelled examples into the home's `examples/`, once they are seen to be such.

    Raises:
        HotlineError: as `training.read`, or another file of that name is there already.
    """
    from pipeline import taxonomy, training

    names = taxonomy.names(home.taxonomy)
    for file in files:
        for example in training.read(file):
            _coded(example, names, file)
    home.examples.mkdir(mode=0o700, exist_ok=True)
    for file in files:
        kept = home.examples / file.with_suffix(".jsonl").name
        if kept.exists() and kept.read_bytes() != file.read_bytes():
            raise HotlineError(
                _("{folder} holds another {file} already. Give the new one another name.").format(
                    folder=home.examples, file=kept.name
                )
            )
        if not kept.exists():
            shutil.copyfile(file, kept)


@click.command(
    "learn",
    help=_("Teach hotline from what staff corrected.\n\n")
    + _(
        "It learns from the categories, kinds and urgencies that staff put right, from what they "
        "dismissed, and from labelled examples (FILE, a JSON object a line; kept in examples/). It "
        "shows how often it was right on what it had not seen, before and after. New calls are judged "
        "so from now on. Nothing that is in the log changes, and nothing that staff said.\n\n"
    )
    + _("Example: hotline learn"),
)
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@as_option
@json_option
@pass_session
def command(session: Session, files: tuple[Path, ...], actor: str | None, as_json: bool) -> None:
    if files:
        keep_examples(session.home, files)
    taught = learn(session.home, session.log, session.actor(actor))
    if as_json:
        click.echo(forms.json_line(_as_dict(taught)))
        return
    click.echo(
        _("Learned from {corrections}, {examples}, and {brought} that hotline brings.").format(
            corrections=plural(
                "{n} request that staff judged",
                "{n} requests that staff judged",
                taught.corrections,
            ).format(n=taught.corrections),
            examples=plural(
                "{n} example of the office", "{n} examples of the office", taught.examples
            ).format(n=taught.examples),
            brought=taught.brought,
        )
    )
    click.echo(_("Right on what it had not seen:"))
    labels = {
        "category": _("Category"),
        "kind": _("Kind"),
        "urgency": _("Urgency"),
        "request": _("Whether anything is asked"),
    }
    whose = {"office": _("the office's"), "hotline": _("hotline's own")}
    for figure in taught.figures:
        before = "" if figure.before is None else f"{figure.before} → "
        click.echo(
            _("  {label}, {whose}: {before}{after} of {of} ({share:.0%})").format(
                label=labels.get(figure.label, figure.label),
                whose=whose[figure.given],
                before=before,
                after=figure.after,
                of=figure.of,
                share=figure.after / figure.of,
            )
        )
    click.echo(
        _(
            "New calls are judged so from now on; what staff said stays. To judge as before, remove "
            "{file}."
        ).format(file=taught.model)
    )
