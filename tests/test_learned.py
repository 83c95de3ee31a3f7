"""The small model: trained, kept, asked."""

import subprocess
import sys
from pathlib import Path

import pytest

from pipeline import learned, training
from pipeline.learned import Learned, Unit
from pipeline.training import Example

SAID = {
    "lift": [
        "电梯坏了没人修", "电梯停在三楼不动", "我们楼电梯又坏了", "电梯门关不上",
        "电梯按了没有反应", "电梯坏了两天了", "这个电梯老是坏", "电梯里的灯不亮",
    ],
    "rubbish": [
        "垃圾三天没收了", "楼下垃圾堆满了", "垃圾桶臭得要命", "垃圾没有人来收",
        "门口都是垃圾", "垃圾房好脏", "垃圾桶满出来了", "湿垃圾没人倒",
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def small() -> Learned:
    return training.train(taught())


def taught() -> list[Example]:
    return [Example(text, {"matter": value}) for value, said in SAID.items() for text in said]


def test_what_was_taught_is_known_in_other_words(small: Learned) -> None:
    judged = small.judge("那部电梯修好了没有")["matter"]
    assert judged["lift"] > 0.7
    assert sum(judged.values()) == pytest.approx(1, abs=1e-5)


def test_a_misheard_word_counts_by_its_sound(small: Learned) -> None:
    assert "店题" not in "".join(SAID["lift"])
    judged = small.judge("店题")["matter"]
    assert judged["lift"] > judged["rubbish"]


def test_the_same_examples_give_the_same_model_and_it_survives_being_kept(
    small: Learned, tmp_path: Path
) -> None:
    small.save(tmp_path / "model.npz")
    kept = learned.load(tmp_path / "model.npz")
    again = training.train(taught())
    unit = Unit("垃圾和电梯", before="您好", after="好的")
    assert kept.judge(*unit) == small.judge(*unit) == again.judge(*unit)
    assert kept.fingerprint == again.fingerprint == training.fingerprint(taught())


def test_many_at_once_are_judged_like_each(small: Learned) -> None:
    units = [Unit("电梯"), Unit("垃圾", "电梯"), Unit("")]
    assert small.judge_all(units) == [small.judge(*unit) for unit in units]


def test_a_label_with_one_value_is_not_learned() -> None:
    given = [*taught(), Example("电梯", {"office": "ours"})]
    assert set(training.train(given).heads) == {"matter"}


def test_the_package_s_model_was_made_from_the_package_s_examples() -> None:
    assert learned.own().fingerprint == training.fingerprint(training.examples()), (
        "the examples changed: run python -m pipeline.training"
    )


def test_the_package_s_model_knows_a_cry_from_thanks() -> None:
    cry = learned.own().judge("救命啊，我妈摔在地上没有反应了")
    thanks = learned.own().judge("好的好的，谢谢你们啊，再见")
    assert cry["urgency"]["critical"] > 0.5 > thanks["urgency"]["critical"]
    assert cry["request"]["yes"] > 0.5 > thanks["request"]["yes"]


def test_asking_does_not_load_what_trains() -> None:
    code = (
        "import sys\nfrom pipeline import learned\nlearned.own().judge('电梯坏了')\n"
        "print(sorted({'sklearn', 'scipy', 'jieba'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, encoding="utf-8", check=True
    )
    assert done.stdout.strip() == "[]"


def test_a_call_gives_its_turns_and_its_requests_as_examples() -> None:
    call = {
        "id": "x1",
        "turns": [
            {"speaker": "staff", "text": "您好"},
            {"speaker": "resident", "text": "电梯坏了"},
            {"speaker": "staff", "text": "马上来修"},
        ],
        "requests": [
            {"turns": [1, 2], "category": "repairs", "kind": "help", "urgency": "routine"}
        ],
    }
    found = list(training.of_call(call))
    assert [e.labels["request"] for e in found] == ["no", "yes", "yes", "yes"]
    assert found[1].before == "您好" and found[1].after == "马上来修"
    assert found[3].text == "电梯坏了"
    assert found[3].labels["urgency"] == "routine"
    assert {e.group for e in found} == {"x1"}
