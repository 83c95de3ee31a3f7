"""The Chinese catalogue: compiled from what stands beside it, whole, sound in its fields; help in either language."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from string import Formatter
from types import ModuleType

import pytest
from babel.messages.extract import extract_from_file

from pipeline import cli, i18n, pages
from tests.conftest import run_hotline

ROOT = Path(__file__).parents[1]


def tool(name: str) -> ModuleType:
    """A script of docs/, as a module."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "docs" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SENTENCES = tool("sentences")


def catalogue() -> dict[str, tuple[str, ...]]:
    said = {}
    for message in SENTENCES.read():
        if message.id:
            texts = [message.string] if isinstance(message.string, str) else list(message.string)
            said[SENTENCES.key(message.id)] = tuple(texts)
    return said


def chinese(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """`hotline` in a process of its own, for help is made when it starts."""
    return subprocess.run(
        [sys.executable, "-m", "pipeline", *arguments],
        env={**os.environ, "HOTLINE_LANG": "zh", "COLUMNS": "80", "PYTHONIOENCODING": "utf-8",
             "PYTHONPATH": str(ROOT), **env},
        capture_output=True, encoding="utf-8", check=False,
    )  # fmt: skip


def test_the_compiled_catalogue_is_that_of_the_texts() -> None:
    made = SENTENCES.compiled(SENTENCES.read())
    assert (SENTENCES.FOLDER / "hotline.mo").read_bytes() == made, "run: python docs/sentences.py"


def test_every_sentence_for_staff_is_said_in_chinese() -> None:
    """Those of click, with which staff meet a wrong option, among them."""
    said = catalogue()
    wanted = {SENTENCES.key(message) for message in SENTENCES.sentences()}
    assert len(wanted) > 700
    assert "No such option {name!r}." in wanted
    missing = sorted(one for one in wanted if not all(said.get(one, ("",))))
    assert missing == [], "run: python docs/sentences.py, then write what it lists"


def test_no_sentence_is_left_over() -> None:
    wanted = {SENTENCES.key(message) for message in SENTENCES.sentences()}
    assert sorted(set(catalogue()) - wanted) == [], "run: python docs/sentences.py"


def test_a_translation_fills_in_what_the_source_does() -> None:
    for source, texts in catalogue().items():
        for text in texts:
            fields = set(re.findall(r"{(\w*)", text))
            assert fields == set(re.findall(r"{(\w*)", source)) or source in FREE, source


FREE = {
    "{value!r} is not a valid {number_type}.",
    "Takes {nargs} values but 1 was given.",
    "{value!r} is not {choice}.",
}
"""Their plural names one thing more, and Chinese has one form."""


REASONS = (
    "audio",
    "channels",
    "decoder",
    "inbox",
    "intake",
    "originals",
    "process",
    "recordings",
    "store",
    "transcribe",
)
"""Modules whose sentences the log keeps: why a recording is in its state, what is wrong with a call."""


def in_both() -> dict[str, tuple[str, str]]:
    """Each sentence of `REASONS`, filled in and said in both languages; not those of a setting, of which
    two are one in Chinese."""
    said = catalogue()
    error = "no such file or folder"

    def filled(text: str, error: str) -> str:
        values = {
            "file": "王芳(13800138000)_2026.m4a",
            "error": error,
            "why": error,
            "place": "originals/a 1",
        }
        return "".join(
            literal + (values.get(name, "17.5") if name else "")
            for literal, name, _spec, _conversion in Formatter().parse(text)
        )  # fmt: skip

    return {
        message: (filled(message, error), filled(said[message][0], said[error][0]))
        for module in REASONS
        for _line, message, _comments, _context in extract_from_file(
            "python", ROOT / "pipeline" / f"{module}.py", keywords={"_": None}
        )
        if isinstance(message, str) and message.endswith(".") and "pattern" not in message
    }


def test_what_the_log_says_in_one_language_is_told_in_the_readers() -> None:
    """Exactly as it would have been said at once; and never changed for those who speak that one."""
    both = in_both()
    assert len(both) > 60
    for english, chinese in both.values():
        i18n.use("zh")
        assert i18n.retold(english) == i18n.retold(chinese) == chinese
        i18n.use("en")
        assert i18n.retold(chinese) == i18n.retold(english) == english


def test_what_nobody_of_this_program_said_is_not_retold() -> None:
    i18n.use("zh")
    assert i18n.retold("call number 3 on this matter") == "同一件事第 3 次来电"
    for text in (
        "",
        ".",
        "it has 3 files",
        "The lift is stuck.",
        "王芳 is on leave; call her tomorrow.",
        "No.",
    ):
        assert i18n.retold(text) == text


def test_an_office_that_changes_its_language_reads_every_reason_in_it(
    empty: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = empty / "recordings" / "空.mp3"
    file.touch()
    os.utime(file, (1e9, 1e9))
    shown = {}
    for spoken in ("en", "zh"):
        monkeypatch.setenv("HOTLINE_LANG", spoken)
        i18n.use(None)
        assert run_hotline("--home", empty, "ingest").exit_code == 0  # the second finds it known
        lists = [
            ("open",),
            ("check", "--files"),
            ("week", "--rows", "recordings_unheard.unsupported"),
        ]
        shown[spoken] = [run_hotline("--home", empty, *one).output for one in lists]
    for english, chinese in zip(shown["en"], shown["zh"], strict=True):
        assert "空.mp3 is empty; copy it again from the recorder." in english
        assert "空.mp3 是空的；请从录音设备重新拷贝。" in chinese


def test_chinese_is_written_with_chinese_signs() -> None:
    """A comma or a full stop of the other script between two Chinese characters is a slip."""
    for texts in catalogue().values():
        for text in texts:
            assert not re.search(r"[\u4e00-\u9fff][,.;:!?](?=[\u4e00-\u9fff]|$)", text), text


def test_every_help_page_is_chinese_and_fits_the_terminal() -> None:
    lines = chinese("--help").stdout.splitlines()
    assert lines[0] == "用法：hotline [选项] 命令 [参数]..."
    for line in lines:
        assert pages.width(line) <= 80
    listed = dict(re.findall(r"^  ([a-z]+) +(.+)$", "\n".join(lines), re.MULTILINE))
    assert sorted(listed) == sorted(cli.main.commands)
    assert all(re.search(r"[\u4e00-\u9fff]", said) for said in listed.values())


def test_click_speaks_chinese_too() -> None:
    done = chinese("show", "--nmask", "12")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("出错：没有 '--nmask' 这个选项。")
    assert not re.search(r"\b(Usage|Error|Try|option)\b", done.stderr)


@pytest.mark.parametrize("how", ["setting", "home"])
def test_the_language_of_the_home_holds_for_help(empty: Path, how: str) -> None:
    (empty / "hotline.toml").write_text('language = "zh"\n', encoding="utf-8")
    arguments = ("--home", str(empty)) if how == "setting" else ()
    env = {"HOTLINE_HOME": str(empty)} if how == "home" else {}
    assert "用法：" in chinese(*arguments, "open", "--help", HOTLINE_LANG="en", **env).stdout


@pytest.mark.parametrize("encoding", ["gbk", "cp437", "ascii"])
def test_a_console_of_any_code_page_is_written_to(empty: Path, encoding: str) -> None:
    """Windows' consoles: 936 says Chinese, 437 does not; a sign that is lost beats a crash."""
    done = subprocess.run(
        [sys.executable, "-m", "pipeline", "--home", str(empty), "open"],
        env={**os.environ, "HOTLINE_LANG": "zh", "PYTHONIOENCODING": encoding, "PYTHONPATH": str(ROOT)},
        capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    if encoding == "gbk":
        assert "没有待办的诉求" in done.stdout.decode("gbk")


def test_lines_are_broken_by_width_and_never_before_a_full_stop() -> None:
    text = "诉求已登记，请回电。hotline open 看全部。"
    for columns in range(8, 60):
        lines = pages.fill(text, columns)
        assert "".join(lines).replace(" ", "") == text.replace(" ", "")
        assert all(pages.width(line) <= max(columns, 8) for line in lines)
        assert not any(line[0] in "，。" for line in lines)
