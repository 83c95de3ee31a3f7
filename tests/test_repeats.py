from datetime import timedelta

import pytest
from sample_log import MONDAY, ask, log_call, sound, speak

from pipeline import life, repeats
from pipeline.errors import UsageProblem
from pipeline.types import (
    Place,
)


def test_repeats_are_the_same_matter_from_the_same_phone_or_place(log):
    day = timedelta(days=1)
    lift, nowhere = {"place": Place(building="3")}, {"place": Place()}
    calls = [  # (days after, phone, request)
        (0, "138", ask(0, **lift)),
        (1, None, ask(0, **lift)),  # the same place
        (2, "138", ask(0, category="sanitation", gist="垃圾三天没收", **lift)),  # another matter
        (3, "138", ask(0, **nowhere)),  # the same phone
        (4, None, ask(0, **nowhere)),  # nothing the same
        (
            5,
            None,
            ask(0, gist="水龙头关不紧", place=Place(building="3", room="501")),
        ),  # a home there
        (40, "138", ask(0, **lift)),  # long after
    ]
    for n, (days, phone, request) in enumerate(calls):
        log_call(log, f"{n}.wav", speak("坏了"), [request], at=MONDAY + days * day, phone=phone)
    assert [repeats.find_repeats(log, n) for n in range(1, 8)] == [[], [1], [], [1], [], [], []]
    assert repeats.find_repeats(log, 2, days=0) == []
    repeats.link_repeat(log, 2, 1)
    assert repeats.find_repeats(log, 4) == [1, 2]
    repeats.link_repeat(log, 4, 2)
    assert log.request(4).repeat_of == 1  # the first of them all
    with pytest.raises(UsageProblem):
        repeats.link_repeat(log, 1, 4)
    life.set_status(log, [1], "dismissed", by="王芳", note="误会")
    assert repeats.find_repeats(log, 4) == []  # what was no request is not repeated
    sound(log)


def test_like_words_tell_the_same_matter_where_category_or_caller_is_another(log):
    lift = {"building": "3", "lane": None, "unit": None}
    calls = [  # (phone, request)
        ("138", ask(0, gist="电梯停了三天没人修", place=Place(**lift, room="501"))),
        ("139", ask(0, gist="三号楼电梯又停了", place=Place(**lift, room="302"))),  # a neighbour
        (
            "138",
            ask(0, gist="电梯停了没人管", category="property", place=Place()),
        ),  # seen otherwise
        ("138", ask(0, gist="菜场几点开门", category="other", place=Place())),
        ("137", ask(0, gist="电梯又停了三天", place=Place(building="4"))),  # another house
        ("136", ask(0, gist="电梯", place=Place(**lift, room="101"))),  # too little to tell
    ]
    for n, (phone, request) in enumerate(calls):
        at = MONDAY + timedelta(hours=n)
        log_call(log, f"{n}.wav", speak("坏了"), [request], at=at, phone=phone)
    assert [repeats.find_repeats(log, n) for n in range(1, 7)] == [[], [1], [1], [], [], []]


def test_a_call_taken_in_late_repeats_only_what_was_before_it(log):
    log_call(log, "new.wav", speak("坏了"), [ask(0)], at=MONDAY)
    log_call(log, "old.wav", speak("坏了"), [ask(0)], at=MONDAY - timedelta(days=1))
    assert repeats.find_repeats(log, 2) == []
    assert repeats.find_repeats(log, 1) == [2]
