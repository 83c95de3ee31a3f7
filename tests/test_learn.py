"""`hotline learn`: from what staff corrected, and for another office's taxonomy."""

import json
import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from pipeline import learned, settings, taxonomy, training
from pipeline.log import Log
from tests.conftest import json_lines, run_hotline
from tests.sample_log import MONDAY, ask, log_call, speak

ANOTHER = Path(__file__).parents[1] / "benchmarks" / "another.toml"
LETTERS = {
    "环境保护": [
        "河水发黑发臭", "工厂夜里偷排污水", "烟囱天天冒黑烟", "化工厂的气味很难闻", "污水流进了河里",
        "垃圾焚烧厂冒烟", "粉尘污染太大", "河边死了很多鱼", "废水没有处理就排掉", "空气里有刺鼻气味",
    ],
    "transport": [
        "公交车等了一个小时", "这趟公交改了路线", "出租车绕路多收钱", "公交车司机不停站", "地铁口没有公交",
        "出租车拒载", "早上公交车太挤", "公交站牌写错了", "班车取消了没有通知", "出租车司机态度差",
    ],
}  # fmt: skip


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> list[training.Example]:
    """A sample of the examples that hotline brings: all of them take a minute."""
    brought = training.examples()[::100]
    monkeypatch.setattr(training, "examples", lambda: brought)
    return brought


@pytest.fixture
def letters(tmp_path: Path) -> Path:
    file = tmp_path / "letters.jsonl"
    rows = [{"title": text, "label": label} for label, said in LETTERS.items() for text in said]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return file


@pytest.fixture
def another(empty: Path) -> Path:
    shutil.copyfile(ANOTHER, empty / "taxonomy.toml")
    return empty


def test_another_office_s_categories_are_learned_from_its_letters(
    another: Path, letters: Path
) -> None:
    (told,) = json_lines(run_hotline("--home", another, "learn", letters, "--json"))
    (figure,) = [figure for figure in told["figures"] if figure["label"] == "category"]
    assert (told["examples"], told["corrections"]) == (20, 0)
    assert (figure["given"], figure["of"]) == ("office", 20)
    assert figure["before"] is None
    assert figure["after"] >= 14
    model = learned.load(another / "learned.npz")
    assert set(model.heads["category"].values) == {"environment", "transport"}
    assert model.judge("河水里都是污水")["category"]["environment"] > 0.5
    assert "critical" in model.heads["urgency"].values  # danger is what it is anywhere
    again = json_lines(run_hotline("--home", another, "learn", "--json"))
    assert again == [told]  # the file was kept


def test_calls_are_tagged_by_the_office_s_own_model(
    another: Path, letters: Path, tmp_path: Path
) -> None:
    call = {
        "id": "x1",
        "started_at": "2025-03-03T10:00:00+08:00",
        "turns": [{"speaker": "resident", "text": "工厂又在偷排污水，河水都发黑了，你们管一管。"}],
    }
    (tmp_path / "calls.jsonl").write_text(json.dumps(call), encoding="utf-8")
    run_hotline("--home", another, "learn", letters)
    done = run_hotline("--home", another, "import", tmp_path / "calls.jsonl")
    assert done.exit_code == 0, done.output
    (row,) = json_lines(run_hotline("--home", another, "open", "--json"))
    assert row["category"] == "environment"
    (another / "learned.npz").write_bytes(b"PK spoilt")
    done = run_hotline("--home", another, "understand", tmp_path / "calls.jsonl")
    assert done.exit_code == 1
    assert "hotline learn" in done.output


def test_another_office_s_taxonomy_still_knows_danger() -> None:
    terms = taxonomy.load(ANOTHER)
    assert "labour" in terms.categories
    assert "medical" not in terms.categories
    signs = [sign for sign in terms.signs if sign.level == "critical"]
    reading = terms.read("我妈昏过去了，没有呼吸了")
    assert signs
    assert any(reading.has(f"sign.{i}") for i in range(len(terms.signs)))


def test_a_label_that_is_not_in_the_taxonomy_is_refused_with_the_nearest(
    empty: Path, tmp_path: Path
) -> None:
    file = tmp_path / "mine.jsonl"
    file.write_text('{"text": "电梯坏了", "category": "repair"}\n', encoding="utf-8")
    done = run_hotline("--home", empty, "learn", file)
    assert done.exit_code == 1
    assert '"repair"' in done.output
    assert "repairs" in done.output
    assert not (empty / "examples").exists()


def test_a_line_that_is_no_example_is_named(empty: Path, tmp_path: Path) -> None:
    file = tmp_path / "mine.jsonl"
    file.write_text('{"text": "电梯坏了", "category": null}\n{"text": "停电"}\n', encoding="utf-8")
    done = run_hotline("--home", empty, "learn", file)
    assert done.exit_code == 1
    assert "mine.jsonl, line 2" in done.output


def test_without_corrections_there_is_nothing_to_learn(empty: Path) -> None:
    Log(empty / "hotline.db", create=True).close()
    done = run_hotline("--home", empty, "learn")
    assert done.exit_code == 1
    assert "nothing to learn" in done.output
    assert not (empty / "learned.npz").exists()


def test_corrections_teach_and_what_staff_said_stays(empty: Path) -> None:
    words = [
        "阳台上的雨棚松了晃来晃去",
        "雨棚的螺丝松了要掉",
        "五楼雨棚晃得厉害",
        "雨棚铁皮翘起来了",
    ]
    with Log(empty / "hotline.db", create=True) as log:
        for day, said in enumerate([*words, "打错了打错了"]):
            log_call(
                log, f"{day}.wav", speak(said), [ask(0, category="other", gist=said)],
                at=MONDAY + timedelta(days=day), phone=f"1381234000{day}",
            )  # fmt: skip
    run_hotline("--home", empty, "correct", "1", "2", "3", "4", "--category", "safety")
    run_hotline("--home", empty, "dismiss", "5", "--note", "打错电话")
    stands = rows(empty)
    done = run_hotline("--home", empty, "learn")
    assert done.exit_code == 0, done.output
    assert "5 requests that staff judged" in done.output
    assert rows(empty) == stands
    judged = learned.load(settings.find(empty).learned).judge("楼上雨棚松了")
    assert judged["category"]["safety"] == max(judged["category"].values())
    with Log(empty / "hotline.db") as log:
        assert log.check() == ([], 0.0)
        (event,) = [event for event in log.events() if event.kind == "learned"]
    assert event.data["corrections"] == 5


def rows(home: Path) -> list[object]:
    with Log(home / "hotline.db") as log:
        return [(log.request(n), log.tags(n)) for n in range(1, 6)]
