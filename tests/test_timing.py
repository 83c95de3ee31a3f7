from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.timing import char_times


def test_character_times_follow_the_words():
    words = [(1.0, 1.4, "电梯"), (2.0, 2.2, " 坏"), (2.2, 2.4, "了")]
    times = char_times("电梯，坏了。", 0.0, 5.0, words)
    assert times[0] == (1.0, 1.2) and times[1] == (1.2, 1.4)
    assert times[2] == (1.4, 2.0)  # the comma fills the pause
    assert times[3] == (2.0, 2.2)
    assert times[5] == (2.4000000000000004, 5.0) or times[5] == (2.4, 5.0)
    assert char_times("電梯壞", 0, 3, [(1, 2, "电梯")])[:2] == [(1, 1.5), (1.5, 2)]
    assert char_times("abcd", 2, 4, []) == [(2, 2.5), (2.5, 3), (3, 3.5), (3.5, 4)]
    assert char_times("", 2, 4, [(2, 3, "x")]) == []


@settings(deadline=None)
@given(
    st.text("电梯坏了，ab", max_size=12),
    st.lists(st.tuples(st.floats(0, 5), st.floats(0, 5), st.text("电梯坏了ab ", max_size=3))),
)
def test_character_times_are_one_a_character(text, words):
    in_order = sorted((min(a, b), max(a, b), word) for a, b, word in words)
    times = char_times(text, 0.0, 5.0, in_order)
    assert len(times) == len(text)
    assert all(start <= end for start, end in times)
