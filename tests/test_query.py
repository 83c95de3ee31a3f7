"""What staff type: nothing is an error, and what has no meaning as a sign is a word."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.query import number_words, parse, term
from pipeline.script import digits, plain, spoken_number


def words(query):
    return [[one.word for one in group] for group in parse(query).groups]


def left_out(query):
    return [one.word for one in parse(query).without]


@pytest.mark.parametrize(
    ("query", "groups", "without"),
    [
        ("电梯 坏了", [["电梯"], ["坏了"]], []),
        ("  电梯　電梯 ", [["电梯"]], []),
        ('"电梯 坏了" 急', [["电梯 坏了"], ["急"]], []),
        ("“电梯 坏了”急", [["电梯 坏了"], ["急"]], []),
        ("垃圾 OR 厨余 二号楼", [["垃圾", "厨余"], ["二号楼"]], []),
        ("a ＯＲ b OR c", [["a", "b", "c"]], []),
        ("a or b", [["a"], ["or"], ["b"]], []),
        ("电梯 -楼上", [["电梯"]], ["楼上"]),
        ('电梯 －"坏 了" -x', [["电梯"]], ["坏 了", "x"]),
        # Taken literally:
        ('"电梯', [['"电梯']], []),
        ('"', [['"']], []),
        ("-电梯", [["-电梯"]], []),
        ("-a -b", [["-a"], ["-b"]], []),
        ("电梯 -", [["电梯"], ["-"]], []),
        ("2-501", [["2-501"]], []),
        ("OR a", [["or"], ["a"]], []),
        ("a OR", [["a"], ["or"]], []),
        ("a OR -b", [["a"], ["or"]], ["b"]),
        ("OR", [["or"]], []),
        ("NEAR(a) OR *", [["near(a)", "*"]], []),
        ("", [], []),
        ('" "', [], []),
    ],
)
def test_queries_are_read(query, groups, without):
    assert words(query) == groups
    assert left_out(query) == without


@given(st.text(st.one_of(st.sampled_from(' "“”-－ORor　电梯十二5'), st.characters()), max_size=40))
@example('-"')
@example('""')
@example("- OR -")
@settings(max_examples=400, deadline=None)
def test_nothing_that_is_typed_is_an_error_or_lost(query):
    read = parse(query)
    for one in [*(one for group in read.groups for one in group), *read.without]:
        assert one.word.strip()
        assert one.spellings[0] == plain(one.word)
    if any(char not in ' 　\t"“”' and not char.isspace() for char in query):
        assert read.groups


@pytest.mark.parametrize(
    ("typed", "also"),
    [
        ("15号楼", "十五号楼"),
        ("十五号楼", "15号楼"),
        ("23号", "二十三号"),
        ("23号", "廿三号"),
        ("2号楼501", "二号楼五百零一"),
        ("一百二", "120"),
        ("120", "一百二十"),
        ("1050", "一千零五十"),
        ("2500", "两千五"),
    ],
)
def test_a_number_is_found_however_it_is_written(typed, also):
    assert plain(also) in term(typed).spellings


@pytest.mark.parametrize("typed", ["13812345678", "007", "两三", "七", "2号楼", "电梯"])
def test_what_is_no_number_of_several_figures_is_written_one_way(typed):
    assert term(typed).spellings == (plain(typed),)


@given(st.integers(10, 9999))
@settings(max_examples=300, deadline=None)
def test_number_words_say_their_number(number):
    for said in number_words(number):
        assert digits(said) == said
        assert spoken_number(said) == number
