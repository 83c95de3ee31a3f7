"""Who says it: words lean, voices bind what was said into two, and neighbours tell."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.roles import MOST, in_call, leaning, pieces


@pytest.mark.parametrize(
    ("staff", "resident"),
    [
        ("请问您住哪里？", "我住在三单元。"),
        ("我帮您登记一下，下午派人过来。", "麻烦你们派个人过来看看。"),
        ("您先别着急，我马上打电话。", "我家厨房一直在漏水，急死我了。"),
        ("有消息我们会通知您的。", "那我什么时候能知道？"),
    ],
)
def test_words_lean_towards_who_would_say_them(staff: str, resident: str) -> None:
    assert leaning(staff) > leaning(resident)
    assert leaning(staff) > 0


@given(st.text(max_size=60))
def test_any_text_leans_no_further_than_it_may(text: str) -> None:
    assert -MOST <= leaning(text) <= MOST


def test_nothing_said_leans_to_neither() -> None:
    assert leaning("") == leaning("……") == 0.0


def test_figures_count_as_figures_whichever_they_are() -> None:
    assert pieces("我住五零一。") == pieces("我住302")


EVEN = [0.5] * 6


def staff(*of: tuple[float, float]) -> list[float]:
    return [round(one, 2) for one, _zero in of]


def test_a_voice_is_named_by_all_that_it_says() -> None:
    zeros = [0.95, 0.05, 0.95, 0.05, 0.95, 0.05]
    told = in_call([2.0, 0.0, 0.0, 0.0, 0.0, -1.0], zeros, EVEN)
    assert all((one > 0.8) == (zero > 0.5) for (one, _), zero in zip(told, zeros, strict=True))
    turned = in_call([-2.0, 0.0, 0.0, 0.0, 0.0, 1.0], zeros, EVEN)
    assert staff(*turned) == pytest.approx([1 - one for one in staff(*told)], abs=0.011)


def test_two_voices_of_which_nothing_tells_stay_even() -> None:
    told = in_call([0.0] * 6, [0.95, 0.05] * 3, EVEN)
    assert staff(*told) == EVEN
    assert [round(zero, 2) for _staff, zero in told] == [0.95, 0.05] * 3


def test_what_cannot_be_told_alone_is_told_by_its_neighbours() -> None:
    told = in_call([3.0, 0.0, 3.0], EVEN[:3], [0.5, 0.1, 0.1])
    assert told[1][0] > 0.9
    answer = in_call([3.0, 0.0, 3.0], EVEN[:3], [0.5, 0.9, 0.9])
    assert answer[1][0] < 0.1


def test_words_that_are_sure_outweigh_a_voice_that_is_not() -> None:
    told = in_call([3.0, -3.0, 3.0, -3.0], [0.9, 0.1, 0.9, 0.55], EVEN[:4])
    assert told[3][0] < 0.1
    assert told[3][1] < 0.5


def test_a_call_of_nothing_or_of_hours_has_its_answer() -> None:
    assert in_call([], [], []) == []
    long = in_call([1.0, -1.0] * 3000, [0.99, 0.01] * 3000, [0.3] * 6000)
    assert all(0.95 < one < 1 for one, _zero in long[::2])
