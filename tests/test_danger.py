"""How soon harm comes: what is plain, what is denied, and the weights that judge the rest."""

from __future__ import annotations

import pytest

from pipeline import danger, learned, tag, taxonomy
from pipeline.types import Piece, Turn

TERMS = taxonomy.load()


def read(text: str) -> tuple[danger.Dangers, danger.Signs]:
    turns = (Turn("resident", text, 0.0, len(text) / 4.5),)
    pieces = [Piece(0, 0, len(text))]
    found = danger.dangers(pieces, turns, {0: TERMS.read(text)}, TERMS)
    return found, tag.signs_of(pieces, turns, TERMS, learned.own())


def test_what_is_plain_is_critical_whatever_the_weights_say(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    never = {"always": -20.0}
    monkeypatch.setattr(danger, "own", lambda: (never, never))
    found, signs = read("我爸喘不上气了，嘴唇都紫了，你们快来人。")
    level, why = danger.urgency(found, "medical", signs)
    assert level == "critical" and why


def test_what_is_denied_stands_for_nothing_and_is_remembered() -> None:
    found, signs = read("她没有昏倒，就是想问一下药什么时候送。")
    assert not found.of("critical", "medical")
    assert found.gainsaid == {"denied"} and signs["denied"] and signs["gainsaid"]


def test_a_danger_counts_only_in_its_categories() -> None:
    found, _signs = read("帮帮我，听不清，帮帮我。")
    assert found.of("critical", "unclear") and not found.of("critical", "repairs")


def test_every_weight_is_of_a_sign_and_every_sign_has_one() -> None:
    _found, signs = read("今天断药了，人昏过去了，叫不醒，120打不通。")
    abouts = {f"about {sign.about}" for sign in TERMS.signs}
    meanings = {"denied", "over", "hypothetical", "elsewhere", "asked"}
    for weights in danger.own():
        assert set(weights) - {"always"} <= set(signs) | abouts | meanings
        assert {name for name in signs if not name.startswith("about ")} <= set(weights)


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("今天早上打完了，现在家里一针也没有了，晚上还要打，他说有点头晕。", "critical"),
        ("我疫苗还剩一针没打，哪里可以打？", "routine"),
        ("加强针是最后一针了，想问问在哪里打。", "routine"),
        ("打疫苗的地方说一针也没有了，我白排了两个钟头。", "routine"),
    ],
)
def test_a_needle_is_insulin_where_it_is_kept_at_home(text: str, level: str) -> None:
    found, signs = read(text)
    assert danger.urgency(found, "medical", signs)[0] == level
