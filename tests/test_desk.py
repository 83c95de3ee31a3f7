"""What staff do to requests, through the command, on small logs: each act, its story, and undo."""

import json
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import Result

from pipeline import life, recordings
from pipeline.log import Log
from tests.conftest import json_lines, run_hotline
from tests.sample_log import MONDAY, ask, because, log_call, speak

TURNS = speak(
    "你好居委会吗", "我家水管漏水了在二号楼", "还有三号楼电梯停了里面困着人", "好的我们马上来"
)


@pytest.fixture
def office(empty: Path) -> Path:
    """A home with three calls: 1 holds both matters, 2 asks again, 3 could not be understood."""
    with Log(empty / "hotline.db", create=True) as log:
        first = ask(
            1, 2, category="repairs", gist="水管漏水，电梯停了", conditions=("先关总阀", "拍照片"),
            evidence=(because("category", "repairs", TURNS, 1, "漏水"),),
        )  # fmt: skip
        assert log_call(log, "a.wav", TURNS, [first], phone="13812345678") == [1]
        again = speak("水管还在漏")
        assert log_call(log, "b.wav", again, [ask(0, gist="水管还在漏")],
                        at=MONDAY + timedelta(hours=1), phone="13900001111") == [2]  # fmt: skip
        log_call(log, "c.wav", speak("", "喂"), listen=[0], at=MONDAY + timedelta(hours=2))
    return empty


def hotline(home: Path, *arguments: str) -> Result:
    return run_hotline("--home", home, *arguments)


def good(home: Path, *arguments: str) -> str:
    done = hotline(home, *arguments)
    assert done.exit_code == 0, done.output
    return done.output


def numbers(home: Path) -> list[int]:
    return [row["request"] for row in json_lines(hotline(home, "open", "--json"))]


def request(home: Path, number: int) -> dict[str, object]:
    (row,) = json_lines(hotline(home, "show", str(number), "--json", "--unmask"))
    return row


def sound(home: Path) -> None:
    """The log still adds up (its originals and files are made up here)."""
    with Log(home / "hotline.db") as log:
        assert log.check() == ([], 0.0)


def test_where_nothing_can_be_written_the_lists_can_still_be_read(office: Path) -> None:
    """Not a byte can be added to any file here: as on a full disk."""
    resource = pytest.importorskip("resource")
    before = good(office, "open")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))
    try:
        listed, done = hotline(office, "open"), hotline(office, "done", "1")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (listed.exit_code, listed.stdout) == (0, before)
    assert "looked at, but not changed" in listed.stderr
    assert done.exit_code == 1
    assert len(done.stderr.splitlines()) == 1
    assert "hotline.db" in done.stderr
    assert good(office, "open") == before


def test_words_that_another_program_has_not_put_in_the_file_yet_are_not_left_out(
    office: Path,
) -> None:
    """While its WAL holds something the file alone would be an old list."""
    resource = pytest.importorskip("resource")
    with Log(office / "hotline.db") as log:
        life.set_status(log, [1], "done", by="王芳")
        for name in ("hotline.db", "hotline.db-wal"):
            shutil.copy(office / name, office / f"{name}.copy")
    for name in ("hotline.db", "hotline.db-wal"):
        (office / f"{name}.copy").rename(office / name)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))
    try:
        listed = hotline(office, "open")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (listed.exit_code, listed.stdout) == (1, "")
    assert 1 not in numbers(office)


def test_done_twice_reads_well(office: Path) -> None:
    assert "No. 1 is done." in good(office, "done", "1", "--as", "王芳")
    again = hotline(office, "done", "1")
    assert again.exit_code == 2
    assert again.stderr.startswith("Request 1 is done already (王芳, ")
    assigned = hotline(office, "assign", "1")
    assert "hotline reopen 1" in assigned.stderr


def test_assign_several_and_take_it_back(office: Path) -> None:
    said = good(office, "assign", "1", "2", "--to", "李强", "--note", "下午去", "--as", "王芳")
    assert "李强 sees to No. 1." in said
    assert "李强 sees to No. 2." in said
    assert request(office, 2)["status"] == "in_progress"
    assert numbers(office) == [1, 2]
    assert "→ 李强" in good(office, "open")
    story = good(office, "show", "1")
    assert "assigned: 李强 (下午去)" in story
    assert "王芳" in story
    assert "Taken back: assigned" in good(office, "undo")
    assert request(office, 1)["assignee"] is None
    assert request(office, 2)["status"] == "open"
    good(office, "assign", "1", "--as", "王芳")
    assert request(office, 1)["assignee"] == "王芳"
    good(office, "assign", "1", "--nobody")
    assert request(office, 1)["status"] == "open"
    sound(office)


def test_one_unknown_number_changes_none(office: Path) -> None:
    for command in (["assign", "1", "99"], ["correct", "1", "99", "--urgency", "urgent"],
                    ["merge", "1", "99"], ["done", "1", "99"]):  # fmt: skip
        done = hotline(office, *command)
        assert done.exit_code == 2
        assert "There is no request 99" in done.stderr
    row = request(office, 1)
    assert (row["status"], row["urgency"], row["assignee"]) == ("open", "routine", None)
    assert hotline(office, "undo").exit_code == 2


def test_conditions_are_ticked_off(office: Path) -> None:
    assert "1. 先关总阀; 2. 拍照片" in good(office, "show", "1")
    assert "still asked for: 先关总阀" in good(office, "tick", "1", "2")
    assert "2. ✓ 拍照片" in good(office, "show", "1")
    assert "ticked off already" in hotline(office, "tick", "1", "2").stderr
    assert "conditions 1 to 2" in hotline(office, "tick", "1", "3").stderr
    assert "no conditions" in hotline(office, "tick", "2", "1").stderr
    assert "all are met" in good(office, "tick", "1", "1")
    good(office, "undo")
    assert request(office, 1)["ticked"] == ["拍照片"]


def test_correct_becomes_a_tag_that_no_rule_overrules(office: Path) -> None:
    good(
        office, "correct", "1", "--category", "safety", "--urgency", "critical", "--kind", "求助",
        "--place", "3-501", "--caller", "张三", "--phone", "13711112222", "--what", "电梯困人",
        "--words", "三号楼电梯里困着人", "--as", "王芳",
    )  # fmt: skip
    row = request(office, 1)
    assert (row["category"], row["urgency"], row["gist"]) == ("safety", "critical", "电梯困人")
    assert row["place"] == {"lane": None, "building": "3", "unit": None, "room": "501"}
    assert (row["phone"], row["caller"]) == ("13711112222", "张三")
    assert row["due_at"] == "2026-11-23T09:30:00+08:00"
    assert len(json_lines(hotline(office, "search", "电梯困人", "--json"))) == 1
    said = good(office, "show", "1")
    for change in (
        "category Repairs → Safety",
        "urgency Routine → Critical",
        "where 2-501 → 3-501",
    ):
        assert change in said
    assert "Really said: 三号楼电梯里困着人" in said
    with Log(office / "hotline.db") as log:
        life.retag(log, 1, "urgency", "routine", by="model")
        assert log.request(1).urgency == "critical"
    sound(office)
    good(office, "undo")
    with Log(office / "hotline.db") as log:
        row = log.request(1)
        # What a rule said meanwhile counts again, for staff's word was taken back.
        assert (row.category, row.urgency, row.gist) == ("repairs", "routine", "水管漏水，电梯停了")
        assert row.place.room == "501"
        assert row.place.building == "2"
        assert {tag.by for tag in log.tags(1) if tag.tag == "category"} == {"rule", "staff"}
    assert json_lines(hotline(office, "search", "电梯困人", "--json")) == []
    sound(office)


def test_correct_says_what_it_cannot_take(office: Path) -> None:
    wrong = {
        ("--category", "medcal"): 'Did you mean "medical"?',
        ("--urgency", "soon"): "critical, urgent, routine",
        ("--place", "天上"): "is no place",
        ("--due", "32-99"): "is no day",
        ("--due", "昨天"): "is over",
        ("--what", " "): "is empty",
    }
    for options, said in wrong.items():
        done = hotline(office, "correct", "1", *options)
        assert done.exit_code == 2
        assert said in done.stderr, done.stderr
    assert "hotline correct 12" in hotline(office, "correct", "1").stderr


def test_staff_name_the_day_of_a_promise_and_the_answers_day_stays(office: Path) -> None:
    before = request(office, 1)
    assert before["undertaking_due"] is None
    good(office, "correct", "1", "--promised", "明天 15:00", "--as", "王芳")
    after = request(office, 1)
    assert str(after["undertaking_due"])[10:16] == "T15:00"
    assert after["due_at"] == before["due_at"]
    assert "15:00" in good(office, "show", "1").split("Promised")[1].splitlines()[0]
    good(office, "undo")
    assert request(office, 1)["undertaking_due"] is None
    sound(office)


def test_merge_keeps_every_call_and_the_highest_urgency(office: Path) -> None:
    good(office, "correct", "2", "--urgency", "urgent")
    assert "(2 calls)" in good(office, "merge", "1", "2", "--note", "同一处漏水", "--as", "王芳")
    row = request(office, 1)
    assert (row["calls"], row["urgency"]) == (2, "urgent")
    assert numbers(office) == [1]
    assert "(2 calls)" in good(office, "open")
    assert "2, with No. 2" in good(office, "show", "1")
    assert "into No. 1" in good(office, "show", "2")
    assert "was merged into No. 1 (王芳," in hotline(office, "merge", "1", "2").stderr
    sound(office)
    good(office, "undo")
    assert numbers(office) == [2, 1]
    assert request(office, 1)["urgency"] == "routine"
    sound(office)
    assert hotline(office, "merge", "1", "1").exit_code == 2
    assert hotline(office, "merge", "1").exit_code == 2


def test_merged_chains_count_all_calls(office: Path) -> None:
    good(office, "add", "水管漏得更大了", "--place", "2-501")
    good(office, "merge", "2", "3")
    good(office, "merge", "1", "2")
    assert request(office, 1)["calls"] == 3
    assert request(office, 2)["calls"] == 2


def test_split_keeps_every_word(office: Path) -> None:
    whole = request(office, 1)["text"]
    good(office, "split", "1", "--at", "还有三号楼", "--as", "王芳")
    first, second = request(office, 1), request(office, 3)
    assert f"{first['text']} {second['text']}" == whole
    assert second["text"] == "还有三号楼电梯停了里面困着人"
    assert second["urgency"] == "critical"
    assert second["phone"] == "13812345678"
    assert "parted in two: No. 3" in good(office, "show", "1")
    assert "parted from No. 1" in good(office, "show", "3")
    sound(office)
    good(office, "undo")
    assert request(office, 1)["text"] == whole
    assert request(office, 3)["status"] == "dismissed"
    sound(office)


@pytest.mark.parametrize("at", ["漏水了", "0:04"])
def test_split_cuts_inside_of_a_turn(office: Path, at: str) -> None:
    whole = str(request(office, 1)["text"]).replace(" ", "")
    good(office, "split", "1", "--at", at, "--category", "safety", "--what", "电梯")
    first, second = request(office, 1), request(office, 3)
    assert (str(first["text"]) + str(second["text"])).replace(" ", "") == whole
    assert (second["category"], second["gist"]) == ("safety", "电梯")
    sound(office)


def test_split_needs_words_in_the_middle(office: Path) -> None:
    assert "is not in the words" in hotline(office, "split", "1", "--at", "胰岛素").stderr
    assert "on one side" in hotline(office, "split", "1", "--at", "我家水管").stderr
    assert "is not in the words" in hotline(office, "split", "1", "--at", "9:00").stderr


def test_what_was_listened_to_leaves_the_list(office: Path) -> None:
    assert "  L" in good(office, "open")
    with Log(office / "hotline.db") as log:
        (span,) = log.needs_listening()
    name = f"L{span.id}"
    assert f"{name}: listened to." in good(office, "heard", name, "--note", "只是音乐")
    assert name not in good(office, "open")
    assert "listened to already" in hotline(office, "heard", name).stderr
    good(office, "undo")
    assert name in good(office, "open")
    said = good(
        office, "heard", name, "--what", "老人摔倒了叫不醒", "--place", "5-301", "--as", "王芳"
    )
    assert "No. 3 is on the list." in said
    row = request(office, 3)
    assert (row["urgency"], row["gist"]) == ("critical", "老人摔倒了叫不醒")
    assert row["spans"] == [[0.0, 1.0]]
    sound(office)
    good(office, "undo")
    assert name in good(office, "open")
    assert 3 not in numbers(office)
    for wrong in ("L99", "17", "X3"):
        assert hotline(office, "heard", wrong).exit_code == 2


def test_silent_recordings_are_listened_to(office: Path) -> None:
    from tests.sample_log import receive

    with Log(office / "hotline.db") as log:
        recording = receive(log, "silent.wav", MONDAY + timedelta(hours=3))
        recordings.set_state(log, recording, "silent", "No speech was found in silent.wav.")
    assert f"R{recording} No speech" in good(office, "open")
    good(office, "heard", f"R{recording}")
    assert "silent.wav" not in good(office, "open")
    assert hotline(office, "heard", "R1").exit_code == 2
    good(office, "undo")
    assert "silent.wav" in good(office, "open")


def test_a_walk_in_is_a_request_like_any(office: Path) -> None:
    said = good(office, "add", "六号楼李阿姨胰岛素只剩一天了", "--caller", "李阿姨", "--as", "王芳")
    assert "No. 3 is on the list." in said
    row = request(office, 3)
    assert (row["category"], row["caller"]) == ("medical", "李阿姨")
    assert row["urgency"] in ("urgent", "critical")
    assert row["place"]["building"] == "6"  # type: ignore[index]
    assert row["recording"] is None
    assert json_lines(hotline(office, "search", "胰岛素", "--json"))[0]["request"] == 3
    assert "added" in good(office, "show", "3")
    sound(office)
    good(office, "undo")
    assert numbers(office) == [1, 2]
    assert hotline(office, "add", " ").exit_code == 2


def test_a_missed_request_is_added_from_its_seconds(office: Path) -> None:
    turn = TURNS[3]
    at = f"0:{int(turn.start):02d}-0:{int(turn.end) + 1:02d}"
    good(office, "add", "要人上门看", "--call", "1", "--at", at, "--urgency", "urgent")
    row = request(office, 3)
    assert row["text"].endswith("好的我们马上来")  # type: ignore[attr-defined]
    assert (row["urgency"], row["call"]) == ("urgent", 1)
    sound(office)
    assert hotline(office, "add", "要人", "--call", "1").exit_code == 2
    assert (
        "no such seconds"
        in hotline(office, "add", "要人", "--call", "1", "--at", "9:00-9:10").stderr
    )
    assert (
        "from when to when" in hotline(office, "add", "要人", "--call", "1", "--at", "0:30").stderr
    )
    assert hotline(office, "add", "要人", "--call", "9", "--at", "0:01-0:02").exit_code == 2


def test_undo_takes_back_one_after_the_other(office: Path) -> None:
    good(office, "done", "1", "2", "--as", "王芳")
    good(office, "reopen", "2", "--as", "李强")
    good(office, "dismiss", "2", "--note", "打错了")
    assert numbers(office) == []
    assert "dismissed" in good(office, "undo")
    assert numbers(office) == [2]
    assert "opened again (李强" in good(office, "undo")
    assert numbers(office) == []
    assert "done (王芳" in good(office, "undo")
    assert numbers(office) == [1, 2]
    assert hotline(office, "undo").stderr.strip() == "There is nothing to take back."
    story = [event["kind"] for event in request(office, 2)["events"]]  # type: ignore[union-attr]
    assert story[-6:] == ["done", "reopened", "dismissed", "undone", "undone", "undone"]
    sound(office)


def test_the_story_is_told_in_order(office: Path) -> None:
    good(office, "assign", "1", "--to", "李强")
    good(office, "correct", "1", "--urgency", "urgent", "--note", "老人独居")
    good(office, "done", "1", "--note", "修好了")
    said = good(office, "show", "1")
    story = said[said.index("Story") :]
    places = [story.index(word) for word in ("recording kept", "heard", "opened", "assigned: 李强",
              "Routine → Urgent (老人独居)", "done (修好了)")]  # fmt: skip
    assert places == sorted(places)


def test_json_gives_rows(office: Path) -> None:
    (row,) = json_lines(hotline(office, "assign", "1", "--to", "李强", "--json"))
    assert (row["request"], row["assignee"]) == (1, "李强")
    assert (
        json.loads(good(office, "correct", "1", "--urgency", "urgent", "--json"))["urgency"]
        == "urgent"
    )


def test_past_the_end_of_the_holiday_calendar_show_says_so(empty: Path) -> None:
    with Log(empty / "hotline.db", create=True) as log:
        for n, year in enumerate((2025, 2050)):
            at = MONDAY.replace(year=year)
            log_call(log, f"{n}.wav", speak("水管漏水"), [ask(0, gist="漏水")], at=at,
                     due=timedelta(days=7))  # fmt: skip
    assert "not known yet" not in good(empty, "show", "1")
    assert "the holidays of 2050 are not known yet" in " ".join(good(empty, "show", "2").split())
