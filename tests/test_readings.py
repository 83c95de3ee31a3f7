"""How characters are read: the table is pypinyin's, and phrases decide."""

import subprocess
import sys

import pytest

from pipeline.readings import TABLE, alike, common, heard, table
from pipeline.script import confuse, fold, sounds


def test_the_table_is_that_of_pypinyin():
    """After an update of pypinyin: python -m pipeline.readings > pipeline/readings.txt"""
    assert TABLE.read_text(encoding="utf-8") == table()


@pytest.mark.parametrize(
    ("text", "readings"),
    [
        ("长宁区", ["chang", "ning", "qu"]),
        ("乐山路", ["le", "shan", "lu"]),
        ("闵行", ["min", "hang"]),
        ("银行", ["yin", "hang"]),
        ("重庆", ["chong", "qing"]),
        ("莘庄", ["xin", "zhuang"]),
    ],
)
def test_phrases_decide(text, readings):
    assert [set(one) for one in heard(text)] == [{confuse(said)} for said in readings]


def test_alone_a_character_has_all_its_common_readings():
    assert heard("长") == [{"cang", "zang"}]
    assert common("行") >= {"xin", "hang"}
    assert common("a") == common("，") == frozenset()
    assert heard("2号，b楼")[0::2] == [frozenset(), frozenset(), common("楼")]


def test_as_long_as_the_text_and_at_one_with_pypinyin():
    text = fold("昨天夜里水管爆了，血透的车没来；長壽路電梯壞了ABC１２")
    read = heard(text)
    assert len(read) == len(text)
    for char, mine, pypinyins in zip(text, read, sounds(text, confused=True), strict=True):
        assert not mine or pypinyins in mine, char


def test_what_sounds_alike():
    assert {"头", "透", "投"} <= alike("透")
    assert "牛" in alike("刘")
    assert "牛" not in alike("刘", confused=False)
    assert "留" in alike("刘", confused=False)
    assert alike("x") == {"x"}


def test_asking_loads_no_pypinyin():
    code = (
        "import sys, pipeline.readings as r; r.alike('透'); r.common('长');"
        "assert not any(m.split('.')[0] in ('pypinyin', 'opencc', 'jieba') for m in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
