"""Numbers that nobody else may read, written and said; and what must stay readable."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.masks import mask_file, mask_name, mask_phone, mask_text

SPOKEN = "零幺二三四五六七八九"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("我电话13812345678", "我电话138****5678"),
        ("１３８１２３４５６７８", "１３８****５６７８"),
        ("138 1234 5678 谢谢", "138 **** 5678 谢谢"),
        ("幺三八一二三四五六七八", "幺三八****五六七八"),
        ("幺三八，嗯，一二三四，对，五六七八", "幺三八，嗯，****，对，五六七八"),
        ("一，三，八，一，二，三，四，五，六，七，八", "一，三，八，*，*，*，*，五，六，七，八"),
        ("13812三四5678", "138****5678"),
        ("138三个一25678", "138****5678"),
        ("身份证310101199003071234", "身份证3****************4"),
        ("31010119900307123X", "3****************X"),
        ("三一零一零一一九九零零三零七一二三叉", "三****************叉"),
        ("座机62345678", "座机62****78"),
        ("021-62345678", "021-62****78"),
        ("一三吧一二三四五六七八", "一三吧****五六七八"),
        ("二号楼501，13812345678", "二号楼501，138****5678"),
    ],
)
def test_numbers_of_persons_are_masked_in_place(text: str, masked: str) -> None:
    assert mask_text(text) == masked
    assert len(mask_text(text)) == len(text)


@pytest.mark.parametrize(
    "text",
    [
        "2号楼3单元501室",
        "2022-04-04 09:30 到 2022-04-05",
        "9:30-11:30 开门",
        "一二三四号楼都没水",
        "3、5、7、9、11、13、15号楼",
        "一百二十三块，两三天，七八个人",
        "12345 打过了，110 也打了",
        "第2026-11-23天",
        "",
    ],
)
def test_what_is_nobodys_number_stays(text: str) -> None:
    assert mask_text(text) == text


@given(
    st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True),
    st.sampled_from(["", " ", "，", "，嗯，", "、对、"]),
    st.booleans(),
    st.text(alphabet="我的电话是楼里漏水了。", max_size=8),
)
def test_no_mobile_gets_through_however_it_is_said(
    number: str, pause: str, spoken: bool, around: str
) -> None:
    said = "".join(SPOKEN[int(d)] for d in number) if spoken else number
    text = around + pause.join((said[:3], said[3:7], said[7:])) + around
    masked = mask_text(text)
    assert len(masked) == len(text)
    assert masked.count("*") == 4
    assert mask_text(masked) == masked


@given(st.text())
def test_any_text_keeps_its_length(text: str) -> None:
    assert len(mask_text(text)) == len(text)


def test_known_numbers_and_names() -> None:
    assert mask_phone("13812345678") == "138****5678"
    assert mask_phone("+86 138 1234 5678") == "+86 138 **** 5678"
    assert mask_phone("02162345678") == "021****5678"
    assert mask_phone("62345678") == "62****78"
    assert mask_phone(None) is None
    assert mask_name("王芳") == "王*"
    assert mask_name("欧阳明月") == "欧阳**"
    assert mask_name("Anna") == "A**"
    assert mask_name("") == ""


def test_a_file_name_keeps_its_day_and_loses_its_caller() -> None:
    name = "通话录音@陈师傅(13917264085)_20220405081644.opus"
    masked = mask_file(name)
    assert "20220405081644.opus" in masked
    assert not any(part in masked for part in ("陈", "139", "4085"))
