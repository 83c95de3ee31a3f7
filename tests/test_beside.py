"""What stands beside words: figures of spoken digits, the office's own words where one was misheard."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.beside import noted, notes

OWN = ("桂花苑", "长寿路", "梅陇镇")


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("电话是幺三九零零零零一二三四。", "电话是幺三九零零零零一二三四〔13900001234〕。"),
        ("二十三号楼五零一", "二十三〔23〕号楼五零一〔501〕"),
        ("一百二十块", "一百二十〔120〕块"),
        ("有七八个人一起来", "有七八个人一起来"),
        ("万一千万别", "万一千万别"),
        ("两三百户", "两三百户"),
        ("501室", "501室"),
    ],
)
def test_spoken_numbers_have_their_figures_beside_them(said: str, shown: str) -> None:
    assert noted(said, notes(said)) == shown


@pytest.mark.parametrize(
    ("heard", "shown"),
    [
        ("我住桂花院三号", "我住桂花院〔桂花苑?〕三号"),
        ("长首路口", "长首路〔长寿路?〕口"),
        ("没龙镇上", "没龙镇〔梅陇镇?〕上"),
        ("我住桂花苑", "我住桂花苑"),
        ("桂花開了", "桂花開了"),
    ],
)
def test_what_sounds_like_an_own_word_has_it_beside_and_stays(heard: str, shown: str) -> None:
    assert noted(heard, notes(heard, OWN)) == shown


def test_without_own_words_nothing_is_likely() -> None:
    assert notes("我住桂花院三号") == ()


@given(st.text("桂花院苑长首寿路一二三十零幺百万，a", max_size=30))
def test_notes_are_in_order_and_take_nothing_from_the_words(text: str) -> None:
    beside = notes(text, OWN)
    at = 0
    for note in beside:
        assert at <= note.start_char < note.end_char <= len(text)
        at = note.end_char
    shown = noted(text, beside)
    for note in beside:
        sign = "?" if note.why == "sounds" else ""
        shown = shown.replace(f"〔{note.text}{sign}〕", "", 1)
    assert shown == text
