"""What may import what: stages stay apart, SQL stays in its modules, quick commands stay light."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "pipeline"
MODULES = {path.stem: path for path in PACKAGE.glob("*.py")}
STAGES = {
    "inbox",
    "filenames",
    "originals",
    "audio",
    "transcribe",
    "turns",
    "split",
    "tag",
    "extract",
    "due",
}
LEAVES = {
    "types",
    "errors",
    "folders",
    "i18n",
    "script",
    "states",
    "tables",
    "readings",
    "taxonomy",
    "hits",
    "logistic",
    "recurrent",
    "utterances",
    "patterns",
    "rulebook",
    "learned",
    "likeness",
    "models",
    "phantoms",
    "spans",
    "dates",
    "voices",
    "roles",
    "levels",
}
"""What a stage may import of ours."""
READERS = {
    "particulars",
    "parts",
    "places",
    "mishearing",
    "phones",
    "moments",
    "reading",
    "caller",
    "contact",
    "questions",
    "runs",
    "whose",
    "promises",
}
"""What `extract` is made of; nobody else imports them."""
SPLIT = {"clauses", "openings"}
"""What `split` is made of; nobody else imports them."""
SOUND = {"decoder", "decode", "wholeness", "channels", "clips"}
"""What `audio` is made of; nobody else imports them. `decode` runs in a process of its own."""
SQL = {
    "log",
    "recordings",
    "hearings",
    "understandings",
    "repeats",
    "filters",
    "timing",
    "acts",
    "life",
    "pieces",
    "opened",
    "listened",
    "speakers",
    "undo",
    "store",
    "standing",
    "rows",
    "audit",
    "aside",
    "versions",
    "decisions",
    "migrations",
    "index",
    "candidates",
    "finds",
    "nearest",
    "search",
    "lessons",
}


def imports(path: Path) -> set[str]:
    """The modules of ours that a module imports at run time, wherever in it the import stands."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typing_only = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for node in ast.walk(block)
    }
    found = set()
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.ImportFrom) and node.module:
            if node.module == "pipeline":
                found |= {alias.name for alias in node.names}
            elif node.module.startswith("pipeline."):
                found.add(node.module.split(".")[1])
        elif isinstance(node, ast.Import):
            found |= {a.name.split(".")[1] for a in node.names if a.name.startswith("pipeline.")}
    return found


def test_the_stages_exist() -> None:
    assert set(MODULES) >= STAGES | SQL


@pytest.mark.parametrize("stage", sorted(STAGES))
def test_a_stage_imports_no_other_stage_and_no_log(stage: str) -> None:
    parts = {
        "extract": READERS,
        "audio": SOUND,
        "split": SPLIT,
        "tag": {"danger"},
        "transcribe": {"fast"},
    }.get(stage, set())
    assert imports(MODULES[stage]) <= LEAVES | parts


@pytest.mark.parametrize("part", sorted(SOUND))
def test_what_audio_is_made_of_imports_only_leaves(part: str) -> None:
    assert imports(MODULES[part]) <= LEAVES | ({"wholeness"} if part == "decode" else set())
    assert {name for name, path in MODULES.items() if part in imports(path)} <= {"audio", "decode"}


def test_the_decoder_s_process_loads_nothing_that_it_does_not_need() -> None:
    assert imports(MODULES["decode"]) == {"types", "wholeness"}


@pytest.mark.parametrize("reader", sorted(READERS))
def test_a_reader_imports_only_readers_and_leaves(reader: str) -> None:
    assert imports(MODULES[reader]) <= LEAVES | READERS
    users = {name for name, path in MODULES.items() if reader in imports(path)}
    assert users <= READERS | {"extract"}


@pytest.mark.parametrize("part", sorted(SPLIT))
def test_what_split_is_made_of_imports_only_leaves(part: str) -> None:
    assert imports(MODULES[part]) <= LEAVES | {"clauses"}
    users = {name for name, path in MODULES.items() if part in imports(path)}
    assert users <= {"split", "openings"}


def test_what_tag_weighs_danger_by_imports_only_leaves() -> None:
    assert imports(MODULES["danger"]) <= LEAVES
    assert {name for name, path in MODULES.items() if "danger" in imports(path)} == {"tag"}


@pytest.mark.parametrize("leaf", sorted(LEAVES))
def test_a_leaf_imports_only_leaves(leaf: str) -> None:
    assert imports(MODULES[leaf]) <= LEAVES


@pytest.mark.parametrize("module", sorted(set(MODULES) - SQL))
def test_sql_stands_only_in_the_modules_of_the_log(module: str) -> None:
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
    words = ("select ", "insert into ", "update ", "delete from ", "create table ")
    said = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and node.value.lower().lstrip().startswith(words)
    ]
    assert not said


@pytest.mark.parametrize("module", sorted(set(MODULES) - SQL))
def test_rows_are_written_only_in_the_modules_of_the_log(module: str) -> None:
    text = MODULES[module].read_text(encoding="utf-8")
    assert not re.search(r"\blog\.(?:insert|insert_all|update|event|conn)\b", text)


@pytest.mark.parametrize("arguments", [["--help"], ["search", "--help"], ["open", "--help"]])
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    heavy = {
        "torch",
        "whisper",
        "jieba",
        "av",
        "pydub",
        "numpy",
        "scipy",
        "sklearn",
        "sqlite_utils",
        "rich",
    }
    code = (
        "import sys\n"
        "from pipeline.cli import main\n"
        f"main({arguments!r}, standalone_mode=False)\n"
        f"print(sorted({heavy!r} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, encoding="utf-8", check=True
    )
    assert done.stderr.strip() == "[]"
    assert "Usage" in done.stdout
