"""Where a word stands in a text, and the marks around it."""

import pytest

from pipeline.match import Found, Text, Word, mark
from pipeline.query import term


def found(word, text, how="exact"):
    return [(one.start, one.end, one.how) for one in Word(term(word)).find(Text(text), how)]


def test_every_place_overlaps_too():
    assert found("哈哈", "哈哈哈") == [(0, 2, "exact"), (1, 3, "exact")]
    assert found("二号", "２號樓、二号楼") == [(0, 2, "exact"), (4, 6, "exact")]


def test_a_number_is_not_found_in_a_greater_one():
    assert found("15号", "二十五号楼") == []
    assert found("15号", "住十五号楼") == [(1, 4, "exact")]
    assert found("120", "一百二十五") == []
    # As it was typed it is found wherever it stands, as by LIKE.
    assert found("十五号", "二十五号楼") == [(1, 4, "exact")]
    assert found("15号", "215号") == [(1, 4, "exact")]


def test_by_sound_only_what_is_chinese_and_longer_than_one():
    assert found("血透", "做学头了", "sound") == [(1, 3, "sound")]
    assert found("血透", "做血透了", "sound") == [(1, 3, "exact")]
    assert found("透", "头", "sound") == []
    assert found("b超", "比超", "sound") == []


def test_sounds_that_only_the_region_mixes_up_are_told():
    (one,) = Word(term("牛奶")).find(Text("流来"), "sound")
    assert one == Found(0, 2, "sound", False, mixed=2)
    (other,) = Word(term("牛奶")).find(Text("妞乃"), "sound")
    assert other.mixed == 0


def test_a_word_is_whole_where_words_begin_at_both_ends():
    starts = (0b100101).to_bytes(1, "little")  # 下水 | 表示不 | (end)
    assert [one.whole for one in Word(term("水表")).find(Text("下水表示不", starts), "exact")] == [
        False
    ]
    assert [one.whole for one in Word(term("下水")).find(Text("下水表示不", starts), "exact")] == [
        True
    ]


def test_marks_that_touch_become_one():
    assert mark("abcdef", [(1, 3), (2, 4), (5, 6)]) == "a【bcd】e【f】"
    assert mark("abcdef", [(2, 3)], ("<", ">"), 1, 5) == "b<c>de"


@pytest.mark.parametrize("word", ["电" * 400, "ab" * 300, '"' * 50, "十" * 40])
def test_a_long_word_stays_a_small_question(word):
    asked = Word(term(word))
    assert all(len(str(match)) < 400 for match in asked.exact_matches)
    assert asked.sound_match is None or len(str(asked.sound_match)) < 4000
