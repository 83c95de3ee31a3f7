"""Documents that could drift: twins in two languages, the commands that they name, help pages, links."""

import re
import shlex
from collections.abc import Iterator
from html import unescape
from itertools import pairwise
from pathlib import Path

import click
import pytest

from pipeline import cli, models
from tests.test_i18n import tool

ROOT = Path(__file__).parents[1]
TWINS = [
    ("README.md", "README.zh-CN.md"),
    ("docs/install.md", "docs/install.zh-CN.md"),
    ("docs/how-it-works.md", "docs/how-it-works.zh-CN.md"),
    ("docs/watch.md", "docs/watch.zh-CN.md"),
    ("docs/search.md", "docs/search.zh-CN.md"),
    ("docs/week.md", "docs/week.zh-CN.md"),
    ("docs/learn.md", "docs/learn.zh-CN.md"),
]
PAGES = [*(page for pair in TWINS for page in pair), "docs/staff.zh-CN.html", "docs/commands.md",
         "docs/commands.zh-CN.md"]  # fmt: skip


def text(page: str) -> str:
    said = (ROOT / page).read_text(encoding="utf-8")
    if page.endswith(".html"):
        return unescape(said.replace("<code>", "`").replace("</code>", "`"))
    return said


def commands(said: str) -> list[str]:
    """Every `hotline …` in spans and blocks of code."""
    spans = re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", said, flags=re.DOTALL))
    blocks = "\n".join(re.findall(r"```sh\n(.*?)```", said, re.DOTALL)).splitlines()
    found = (
        re.search(r"(?:^|[\\/ ])hotline( .*)?$", one.split("  #")[0]) for one in (*spans, *blocks)
    )
    return [f"hotline{match[1]}".rstrip() for match in found if match and match[1]]


def test_every_module_has_its_place_on_the_map() -> None:
    table = text("CONTRIBUTING.md").split("## The map")[1].split("\nRules ")[0]
    named = re.findall(r"`(\w+\.py)`", table)
    (report,) = (row for row in table.splitlines() if row.startswith("| `report/` |"))
    named += [f"report/{name}.py" for name in re.findall(r"`(\w+)`", report)]
    package = ROOT / "pipeline"
    modules = [*package.glob("*.py"), *package.glob("report/*.py")]
    there = [path.relative_to(package).as_posix() for path in modules if path.stem != "__init__"]
    assert sorted(named) == sorted(there)


@pytest.mark.parametrize("pair", TWINS, ids=lambda pair: pair[0])
def test_twins_have_the_same_headings_rows_commands_and_figures(pair: tuple[str, str]) -> None:
    parts = [re.split(r"^(?=#)", text(page), flags=re.MULTILINE) for page in pair]
    levels = [[part.split(" ")[0] for part in some if part.startswith("#")] for some in parts]
    assert levels[0] == levels[1]
    for english, chinese in zip(*parts, strict=True):
        about = f"{english.splitlines()[:1]} / {chinese.splitlines()[:1]}"
        assert commands(english) == commands(chinese), about
        for mark in ("|", "- ", "1. ", "2. "):
            rows = [
                sum(line.startswith(mark) for line in one.splitlines())
                for one in (english, chinese)
            ]
            assert rows[0] == rows[1], (about, mark)
        assert figures(english) == figures(chinese), about


def figures(said: str) -> set[str]:
    """The numbers in figures of a table's rows, which no translation may change."""
    rows = "\n".join(line for line in said.splitlines() if line.startswith("|"))
    return set(re.findall(r"\d+(?:[.,]\d+)*", re.sub(r"`[^`]*`", "", rows)))


def wrong(words: list[str]) -> Iterator[str]:
    """What is wrong in a command as a document writes it: its name, or an option that it has not."""
    command: click.Command = cli.main
    options = {"--help", "--version", *(name for one in command.params for name in one.opts)}
    for before, word in pairwise(words):
        group = isinstance(command, click.Group)
        if isinstance(command, click.Group) and word in command.commands:
            command = command.commands[word]
            options |= {name for one in command.params for name in one.opts}
        elif word.startswith("--"):
            if word not in options:
                yield word
        elif group and re.fullmatch("[a-z]+", word) and before != "--home":
            yield word


@pytest.mark.parametrize("page", PAGES)
def test_documents_name_commands_and_options_that_exist(page: str) -> None:
    said = commands(text(page))
    assert said or "commands" in page or "how" in page
    for command in said:
        try:
            words = shlex.split(command.replace("\\", "/"))
        except ValueError:
            continue
        assert list(wrong(words)) == [], command


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_to_files_that_exist(page: str) -> None:
    for link in re.findall(r"\]\(([^)#]+)\)", text(page)):
        assert link.startswith("http") or ((ROOT / page).parent / link).exists(), link


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_help_pages_are_those_of_the_commands(language: str) -> None:
    helping = tool("help")
    fresh = helping.page(language)
    assert helping.PAGES[language].read_text(encoding="utf-8") == fresh, "run: python docs/help.py"
    for command in cli.main.commands:
        assert f"\n## hotline {command}\n" in fresh


def test_the_sheet_for_the_desk_names_what_staff_do() -> None:
    said = text("docs/staff.zh-CN.html")
    for command in (
        "open",
        "show",
        "done",
        "heard",
        "play",
        "correct",
        "undo",
        "search",
        "week",
        "check",
    ):
        assert f"hotline {command}" in said
    for term in ("特急", "紧急", "一般", "待人工", "诉求", "120", "119", "110"):
        assert term in said


def test_the_sizes_of_models_are_those_of_the_catalogue() -> None:
    said = text("docs/install.md")
    for name, model in models.CATALOGUE.items():
        if model.url:
            assert f"| `{name}` | {model.size / 1e6:,.0f} MB |" in said
