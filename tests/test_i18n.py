"""The Chinese catalogue: compiled from what stands beside it, whole for the report, sound in its fields."""

import io
import re
from pathlib import Path

from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from pipeline.i18n import LOCALE_DIR

FOLDER = LOCALE_DIR / "zh_CN" / "LC_MESSAGES"


def catalogue() -> dict[str, tuple[str, ...]]:
    with (FOLDER / "hotline.po").open("rb") as file:
        found = read_po(file, locale="zh_CN")
    said = {}
    for message in found:
        if message.id:
            key = message.id if isinstance(message.id, str) else message.id[0]
            texts = [message.string] if isinstance(message.string, str) else list(message.string)
            said[key] = tuple(texts)
    return said


def test_the_compiled_catalogue_is_that_of_the_texts() -> None:
    with (FOLDER / "hotline.po").open("rb") as file:
        found = read_po(file, locale="zh_CN")
    out = io.BytesIO()
    write_mo(out, found)
    assert (FOLDER / "hotline.mo").read_bytes() == out.getvalue(), "run: pybabel compile"


def test_every_sentence_of_the_report_is_said_in_chinese() -> None:
    said = catalogue()
    package = Path(__file__).parents[1] / "pipeline" / "report"
    wanted = {
        message if isinstance(message, str) else message[0]
        for _file, _line, message, _comments, _context in extract_from_dir(
            package, keywords={"_": None, "plural": (1, 2)}
        )
    }
    assert len(wanted) > 100
    assert sorted(one for one in wanted if not all(said.get(one, ("",)))) == []


def test_a_translation_fills_in_what_the_source_does() -> None:
    for source, texts in catalogue().items():
        for text in texts:
            if text:
                assert set(re.findall(r"{(\w*)", text)) == set(re.findall(r"{(\w*)", source)), (
                    source
                )
