"""The office's taxonomy: what it finds in words, how these are meant, and which mistakes it names."""

from __future__ import annotations

import subprocess
import sys
from importlib import resources
from pathlib import Path

import pytest

from pipeline import taxonomy
from pipeline.errors import SettingsError
from pipeline.types import CATEGORIES, KINDS, URGENCIES

TERMS = taxonomy.load()
OWN = (resources.files("pipeline") / "taxonomy.toml").read_text(encoding="utf-8")


def signs(text: str, *, staff: bool = False) -> set[str]:
    """What dangers stand in a text."""
    reading = TERMS.read(text)
    return {
        sign.about
        for i, sign in enumerate(TERMS.signs)
        if "unclear" not in sign.only  # those are for calls that nobody understood
        for hit in reading.of(f"sign.{i}")
        if reading.meant(hit, staff=staff) == "said"
    }


def words(text: str, group: str) -> list[str]:
    return [text[hit.start : hit.end] for hit in TERMS.read(text).of(group)]


def test_every_label_is_there_with_its_names() -> None:
    assert tuple(TERMS.categories) == CATEGORIES
    assert set(TERMS.kinds) == set(KINDS)
    assert set(TERMS.urgencies) == set(URGENCIES)
    assert TERMS.categories["medical"].name == "就医配药"
    assert all(label.english for label in TERMS.categories.values())


def test_every_pattern_compiles() -> None:
    # Patterns compile when a text first needs them: a broken one must not wait for that call.
    for _group, pattern, _weight in TERMS._scan.__wrapped__.__self__._patterns:  # type: ignore[attr-defined]
        assert pattern.compiled.match("") is None


def test_anchors_never_hide_a_match() -> None:
    # A pattern is tried only where one of its anchors stands; the bare patterns must find no more.
    scanner = TERMS._scan.__wrapped__.__self__  # type: ignore[attr-defined]
    text = (
        "我妈胸口痛得厉害，氧气袋也瘪了，家里没吃的，药只够两天；楼上天天半夜拖桌子，"
        "垃圾三天没人收，电梯里困了两个人，明天早上八点要去上班，门口保安不让出去。"
    )
    found = TERMS.read(text).hits
    for group, pattern, _weight in scanner._patterns:
        for match in pattern.compiled.finditer(text.replace("，", ",").replace("；", ";")):
            assert any(
                hit.start < match.end() and match.start() < hit.end for hit in found[group]
            ), (group, pattern.source)


@pytest.mark.parametrize(
    ("text", "about"),
    [
        ("我爸喘不上气了，脸都发紫", "breathing"),
        ("老公胸口疼得厉害，一身冷汗", "heart"),
        ("我妈昏过去了，怎么叫都叫不醒", "unconscious"),
        ("血止不住，流了一地", "bleeding"),
        ("羊水破了，马上要生了", "labour"),
        ("胰岛素昨天就打完了", "dialysis"),
        ("三楼着火了，在冒黑烟", "fire"),
        ("楼道里一股煤气味", "gas"),
        ("孩子被困在电梯里", "trapped"),
        ("我不想活了", "self-harm"),
        ("老爷子走丢了，找了一下午", "missing"),
        ("家裡停電了，冰箱全化了", "utilities"),
        ("奶粉只剩一点点，今天晚上就断了", "food"),
        ("降压药就剩明天一天的了", "medicine"),
        ("这已经是我第三次打电话了", "repeat"),
    ],
)
def test_danger_is_found(text: str, about: str) -> None:
    assert about in signs(text)


@pytest.mark.parametrize(
    "text",
    [
        "没有发烧，也不咳嗽",
        "没有发烧、胸闷、头晕",
        "胸口倒不痛",
        "去年我妈在浴室昏过去",
        "昨天晕倒过，现在好了",
        "要是半夜喘不上气怎么办",
        "如果着火了我们往哪里跑",
        "新闻里说别的小区着火了",
        "没有着火，就是锅烧糊了一点，已经没事了",
        "这个价格跳楼价",
        "气死我了，热死了",
        "救命稻草",
    ],
)
def test_what_is_denied_over_supposed_or_elsewhere_is_no_danger(text: str) -> None:
    assert not signs(text)


@pytest.mark.parametrize(
    "text",
    [
        "没人管，我妈喘不上气",
        "去年也晕过，今天又昏过去了",
        "要是再不来人，我爸就喘不上气了",
        "不知道怎么了，叫不醒",
    ],
)
def test_danger_is_not_argued_away(text: str) -> None:
    assert signs(text) & {"breathing", "unconscious"}


def test_staff_asking_is_no_danger_but_saying_is() -> None:
    assert "breathing" not in signs("他喘不上气吗？", staff=True)
    assert "emergency-number" in signs("我马上叫救护车", staff=True)


def test_homophones_match_by_sound_and_evidence_is_the_text_itself() -> None:
    assert words("抗元什么时候发", "category.testing")[0].startswith("抗元")
    assert "血头" in words("他是做血头的病人", "category.medical")
    assert "電梯" in " ".join(words("電梯壞了沒人修", "category.repairs"))


def test_two_syllable_words_do_not_match_by_sound_unless_named() -> None:
    # 药店 and 要点 sound alike: only words named in [sound] count by sound.
    assert not any(hit.sound for hit in TERMS.read("我说两个要点").of("category.medical"))


def test_long_texts_cost_in_proportion() -> None:
    import time

    def cost(of: str) -> float:
        """The least of three texts that were not read before: now and then Python collects what all
        tests before have left."""
        costs = []
        for first in "甲乙丙":
            began = time.process_time()
            TERMS.read(first + of)
            costs.append(time.process_time() - began)
        return min(costs)

    text = "我们楼的垃圾三天没人收了，味道很大，还有我妈的药只剩两天，你们能不能派人来。" * 75
    TERMS.read(text[:50])
    once = cost(text)
    assert len(text) > 2700
    assert 1e-4 < once < 1.0  # 0.05 s on a quiet machine; ten minutes of speech
    assert cost(text * 4) < max(0.2, 12 * once)


def test_importing_is_light() -> None:
    program = (
        "import sys, pipeline.understand, pipeline.taxonomy, pipeline.evaluate;"
        "print(sorted({'torch','jieba','sklearn','scipy','numpy','pypinyin','opencc'} & set(sys.modules)))"
    )
    out = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parent.parent,
    )
    assert out.stdout.strip() == "[]"


def changed(tmp_path: Path, old: str, new: str) -> Path:
    assert old in OWN
    path = tmp_path / "taxonomy.toml"
    path.write_text(OWN.replace(old, new, 1), encoding="utf-8")
    return path


def test_an_office_adds_a_word(tmp_path: Path) -> None:
    path = changed(tmp_path, "[category.volunteer]", "[category.volunteer]\n# 我们加的")
    path.write_text(
        path.read_text(encoding="utf-8").replace(
            'weak = ["帮助"', 'weak = ["彩虹桥志愿队", "帮助"', 1
        ),
        encoding="utf-8",
    )
    found = taxonomy.load(path).read("我想找彩紅橋志願隊")
    assert [found.text[h.start : h.end] for h in found.of("category.volunteer") if h.sound]


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("[category.medical]", "[category.medicle]", "medical"),
        ("[kind.help]", "[kind.hepl]", "help"),
        ("[split]", "[spilt]", "split"),
        ('about = "fire"', 'about = "fire"\nlevl = "x"', "level"),
        ("strong = 4.0", 'strong = "viel"', "weights.strong"),
        ("<elder>|<child>|痴呆", "<eldr>|<child>|痴呆", "elder"),
        ('"被困(?!难)"', '"被困(?!难"', "被困"),
        ('"着火"', '"(着火)?"', "着火"),
        ("version = 1", "version = 9", "version"),
        ("version = 1", "version = ", "taxonomy.toml"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, old: str, new: str, named: str) -> None:
    with pytest.raises(SettingsError, match="taxonomy") as caught:
        taxonomy.load(changed(tmp_path, old, new))
    assert named in str(caught.value)
    assert "\n" not in str(caught.value).strip()


def test_a_mistake_is_said_with_its_line(tmp_path: Path) -> None:
    line = OWN[: OWN.index("strong = 4.0")].count("\n") + 1
    for new in ("stong = 4.0", 'strong = "viel"', "strong = "):
        with pytest.raises(SettingsError, match=f"taxonomy.toml, line {line}"):
            taxonomy.load(changed(tmp_path, "strong = 4.0", new))


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="nowhere"):
        taxonomy.load(tmp_path / "nowhere.toml")


def test_what_means_nothing_else_is_told_apart_from_what_may() -> None:
    terms = taxonomy.load()
    fire = next(i for i, s in enumerate(terms.signs) if s.about == "fire" and not s.hint)
    assert terms.signs[fire].plain
    plain, may = terms.read("楼上着火了"), terms.read("电瓶车充电的地方有股烧焦的味道")
    assert plain.has(f"plain.{fire}") and plain.has(f"sign.{fire}")
    assert may.has(f"sign.{fire}") and not may.has(f"plain.{fire}")


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("我以为着火了", "denied"),
        ("停车费贵得我都想跳楼了", "denied"),
        ("那次着火了，楼道都熏黑了", "over"),
        ("小说里着火了那一段", "elsewhere"),
        ("要是着火了怎么跑", "hypothetical"),
        ("对面着火了快来人", "said"),
    ],
)
def test_how_a_danger_is_meant(text: str, meaning: str) -> None:
    terms = taxonomy.load()
    reading = terms.read(text)
    hits = [hit for i in reading.signs for hit in reading.of(f"sign.{i}")]
    assert {reading.meant(hit) for hit in hits} == {meaning}
