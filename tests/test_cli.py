"""Every command as staff type it: what it prints, its exit status, and the ways in which it fails."""

import json
import re
import sqlite3
from pathlib import Path
from typing import Any

import click
import pytest

from pipeline import calls, cer, cli, evaluate, settings, taxonomy
from pipeline.calls import TextCall
from pipeline.log import Log
from pipeline.types import RECORDING_STATES
from pipeline.understand import understand
from tests.conftest import json_lines, run_hotline

ROOT = Path(__file__).parents[1]
COMMANDS = sorted(cli.main.commands)


def references(home: Path) -> list[dict[str, Any]]:
    text = (home / "calls.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


# -- help and documents ------------------------------------------------------------------------


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(command: str) -> None:
    done = run_hotline(command, "--help")
    assert done.exit_code == 0
    assert re.search(rf"Example: hotline {command}", done.output)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_in_the_readme(command: str) -> None:
    assert f"hotline {command}" in (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", "models/demo/README.md"])
def test_documents_name_only_commands_and_files_that_exist(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    for line in re.findall(r"`hotline ([a-z][a-z-]*)|bin/hotline ([a-z][a-z-]*)", text):
        assert (line[0] or line[1]) in COMMANDS
    for path in re.findall(r"(?:^|[\s`(])((?:benchmarks|models|pipeline|tests)/[\w./]+\w)", text):
        # what the training makes is not in git
        assert (ROOT / path).exists() or path.startswith("models/demo/work"), path


# -- homes -------------------------------------------------------------------------------------


def test_without_a_home_a_command_stops_and_names_init(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for command in ("ingest", "open", "week", "check"):
        done = run_hotline(command)
        assert done.exit_code == 2
        assert "hotline init" in done.stderr
        assert len(done.stderr.splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_init_twice_changes_nothing(empty: Path) -> None:
    (empty / "hotline.toml").write_text('name = "二居"\n', encoding="utf-8")
    done = run_hotline("init", empty)
    assert done.exit_code == 0
    assert "already" in done.output
    assert (empty / "hotline.toml").read_text(encoding="utf-8") == 'name = "二居"\n'


def test_a_typo_in_the_settings_is_named_with_its_line(empty: Path) -> None:
    (empty / "hotline.toml").write_text("\n[hearing]\nmodle = 'small'\n", encoding="utf-8")
    done = run_hotline("--home", empty, "open")
    assert done.exit_code == 2
    assert "line 3" in done.stderr
    assert "model" in done.stderr


def test_a_new_home_is_empty_and_says_what_to_do(empty: Path) -> None:
    assert "Nothing is open" in run_hotline("--home", empty, "open").output
    assert "No recording has come yet" in run_hotline("--home", empty, "search", "电梯").output
    assert run_hotline("--home", empty, "check").exit_code == 0
    assert run_hotline("--home", empty, "week").exit_code == 0
    assert "hotline models get" in run_hotline("--home", empty, "models").output


def test_without_weights_recordings_wait_and_staff_are_told(empty: Path) -> None:
    assert run_hotline("demo", "--export", empty / "recordings").exit_code == 0
    (empty / "recordings" / "calls.jsonl").unlink()
    done = run_hotline("--home", empty, "ingest")
    assert done.exit_code == 0
    for command in ("ingest", "open", "check"):
        said = run_hotline("--home", empty, command).output
        assert "hotline models get" in said
    states = json_lines(run_hotline("--home", empty, "ingest", "--json"))[0]["states"]
    assert states["received"] == sum(states.values()) > 12


# -- the whole way -----------------------------------------------------------------------------


def test_the_demo_ends_with_the_next_command(demo: tuple[Path, str]) -> None:
    folder, said = demo
    assert "hotline search 胰岛素" in said
    assert "hotline week" in said
    assert re.search(r"Next, try: hotline --home .* show \d+", said.splitlines()[-1])
    assert (folder / "calls.jsonl").exists()


def test_the_demo_again_hears_nothing_twice(home: Path) -> None:
    before = json_lines(run_hotline("--home", home, "open", "--json"))
    assert run_hotline("demo", home).exit_code == 0
    again = json_lines(run_hotline("--home", home, "open", "--json"))
    assert [row["request"] for row in again] == [row["request"] for row in before]


def test_the_demo_touches_no_other_folder(empty: Path, tmp_path: Path) -> None:
    things = tmp_path / "things"
    things.mkdir()
    (things / "a.txt").write_text("x", encoding="utf-8")
    for folder in (empty, things):
        files = sorted(folder.rglob("*"))
        done = run_hotline("demo", folder)
        assert done.exit_code == 2
        assert "leaves it alone" in done.stderr
        assert sorted(folder.rglob("*")) == files


def test_every_demonstration_file_has_its_state(home: Path) -> None:
    states = json_lines(run_hotline("--home", home, "ingest", "--json"))[0]["states"]
    assert set(states) == set(RECORDING_STATES)
    expected = references(home)
    for state in RECORDING_STATES:
        assert states[state] == sum(call["expect"] == state for call in expected)
    said = run_hotline("--home", home, "open").output
    assert "No speech was found" in said
    assert "Cannot be heard" in said


def test_check_proves_that_it_adds_up(home: Path) -> None:
    done = run_hotline("--home", home, "check", "--json")
    (found,) = json_lines(done)
    assert done.exit_code == 0
    assert found["problems"] == []
    assert found["seen"] == sum(found["states"].values())
    assert found["uncovered_speech_s"] == 0


def test_check_names_what_does_not_add_up(home: Path) -> None:
    (home / "recordings" / "新来的.amr").write_bytes(b"#!AMR\n")
    next((home / "originals").rglob("*.amr")).unlink()
    done = run_hotline("--home", home, "check")
    assert done.exit_code == 1
    assert "新来的.amr" in done.output
    assert "originals" in done.output
    assert "does not add up" in done.output


def test_check_does_not_fill_the_screen_with_one_cause(empty: Path) -> None:
    for number in range(250):
        (empty / "recordings" / f"unseen-{number}.amr").write_bytes(b"#!AMR\n")
    done = run_hotline("--home", empty, "check")
    assert done.exit_code == 1
    assert done.output.count("unseen-") == 200
    assert "and 50 more: hotline check --json" in done.output
    (found,) = json_lines(run_hotline("--home", empty, "check", "--json"))
    assert len(found["problems"]) == 250


def test_what_the_demo_model_made_says_so(home: Path) -> None:
    with sqlite3.connect(home / "hotline.db") as log:
        assert {m for (m,) in log.execute("SELECT model FROM transcripts")} == {"demo"}


def test_search_finds_a_word_and_its_request(home: Path) -> None:
    # A word that the checkpoint heard, and for which a request has its category.
    number, word = next(
        (row["request"], tag["words"])
        for row in json_lines(run_hotline("--home", home, "open", "--json"))
        for view in json_lines(run_hotline("--home", home, "show", str(row["request"]), "--json"))
        for tag in view["evidence"]
        if tag["tag"] == "category" and len(tag["words"] or "") > 1 and tag["turn"] is not None
    )
    rows = json_lines(run_hotline("--home", home, "search", word, "--json", "--limit", "0"))
    (hit,) = [row for row in rows if row["request"] == number]
    assert any(f"【{word}】" in part["marked"] for part in hit["hits"])
    assert all("【" in part["marked"] for row in rows for part in row["hits"])
    text = run_hotline("--home", home, "search", word)
    assert f"【{word}】" in text.output
    table = run_hotline("--home", home, "search", word, "--csv").output.splitlines()
    assert table[0].startswith("request,call,recording")
    nothing = run_hotline("--home", home, "search", "大象")
    assert nothing.exit_code == 0
    assert "大象" in nothing.output


def test_show_tells_the_request_in_its_call(home: Path) -> None:
    number = json_lines(run_hotline("--home", home, "open", "--json"))[0]["request"]
    (view,) = json_lines(run_hotline("--home", home, "show", str(number), "--json"))
    turns = view["of_call"]["turns"]
    assert view["turns"]
    for tag in view["evidence"]:
        if tag["turn"] is not None:
            assert turns[tag["turn"]]["text"][tag["start_char"] : tag["end_char"]] == tag["words"]
    assert {"category", "urgency", "kind"} <= {tag["tag"] for tag in view["evidence"]}
    assert "opened" in {event["kind"] for event in view["events"]}
    said = run_hotline("--home", home, "show", str(number)).output
    assert f"No. {number}" in said
    assert "Why" in said
    assert "Story" in said
    assert run_hotline("--home", home, "show", "--call", str(view["call"])).exit_code == 0
    assert run_hotline("--home", home, "show").exit_code == 2


# -- the life of a request ---------------------------------------------------------------------


def test_requests_are_answered_put_back_and_dismissed(home: Path) -> None:
    at = ("--home", home)
    open_before = [row["request"] for row in json_lines(run_hotline(*at, "open", "--json"))]
    one, two = map(str, open_before[:2])
    done = run_hotline(*at, "done", one, two, "--note", "车已派", "--as", "王芳")
    assert done.exit_code == 0
    assert f"No. {one} is done" in done.output
    left = [row["request"] for row in json_lines(run_hotline(*at, "open", "--json"))]
    assert left == open_before[2:]
    again = run_hotline(*at, "done", one)
    assert again.exit_code == 2
    assert one in again.stderr
    assert run_hotline(*at, "reopen", one, "--note", "又坏了").exit_code == 0
    assert int(one) in [row["request"] for row in json_lines(run_hotline(*at, "open", "--json"))]
    assert run_hotline(*at, "dismiss", one).exit_code == 2
    assert run_hotline(*at, "dismiss", one, "--note", "打错电话").exit_code == 0
    story = run_hotline(*at, "show", one).output
    for word in ("车已派", "王芳", "又坏了", "打错电话"):
        assert word in story


def test_one_unknown_number_moves_none(home: Path) -> None:
    number = json_lines(run_hotline("--home", home, "open", "--json"))[0]["request"]
    done = run_hotline("--home", home, "done", str(number), "9999")
    assert done.exit_code == 2
    assert "9999" in done.stderr
    left = json_lines(run_hotline("--home", home, "open", "--json"))
    assert number in [row["request"] for row in left]


def test_the_week_adds_up_and_a_wrong_date_is_said(home: Path) -> None:
    calls = references(home)
    day = max(call["started_at"] for call in calls)[:10]
    (week,) = json_lines(run_hotline("--home", home, "week", day, "--json"))
    closed = week["done"] + week["dismissed"] + week["merged"]
    total = week["carried_over"] + week["requests"] + week["reopened"] - closed
    assert total == week["still_open"] > 0
    assert "= still open" in run_hotline("--home", home, "week", day).output
    wrong = run_hotline("--home", home, "week", "2026-99")
    assert wrong.exit_code == 2
    assert "2026-99" in wrong.stderr


# -- the stages by themselves ------------------------------------------------------------------


def test_transcribe_prints_what_the_contract_says(home: Path) -> None:
    file = next((home / "recordings").glob("*.opus"))
    done = run_hotline("transcribe", file, "--model", "demo", "--json")
    (heard,) = json_lines(done)
    assert done.exit_code == 0
    assert {"file", "language", "duration", "channels", "engine", "model", "segments", "turns",
            "speech"} <= set(heard)  # fmt: skip
    assert heard["model"] == "demo"
    segment = heard["segments"][0]
    assert {"start", "end", "channel", "speaker", "text", "words", "avg_logprob",
            "no_speech_prob", "compression_ratio", "set_aside"} <= set(segment)  # fmt: skip
    assert {"start", "end", "text", "probability"} == set(segment["words"][0])
    for start, end in heard["speech"]:
        assert 0 <= start < end <= heard["duration"] + 0.01


def test_transcribe_goes_on_after_a_bad_file(home: Path, tmp_path: Path) -> None:
    bad = tmp_path / "坏.mp3"
    bad.write_text("no sound", encoding="utf-8")
    file = next((home / "recordings").glob("*.opus"))
    done = run_hotline("transcribe", bad, file, "--model", "demo", "--json")
    assert done.exit_code == 1
    assert "坏.mp3" in done.stderr
    assert len(done.stdout.splitlines()) == 1


def test_understand_accounts_for_every_turn(home: Path) -> None:
    calls = references(home)
    results = json_lines(run_hotline("understand", home / "calls.jsonl", "--json"))
    assert [r["id"] for r in results] == [call["id"] for call in calls]
    for call, result in zip(calls, results, strict=True):
        covered = {turn for request in result["requests"] for turn in request["turns"]}
        covered |= set(result["chatter"]) | set(result["needs_listening"])
        assert covered == set(range(len(call["turns"])))
    assert run_hotline("understand", home / "calls.jsonl").exit_code == 0


def test_import_logs_calls_once(empty: Path, demo: tuple[Path, str]) -> None:
    at = ("--home", empty)
    (first,) = json_lines(run_hotline(*at, "import", demo[0] / "calls.jsonl", "--json"))
    assert first["requests"] == len(json_lines(run_hotline(*at, "open", "--json"))) > 10
    (second,) = json_lines(run_hotline(*at, "import", demo[0] / "calls.jsonl", "--json"))
    assert second["new"] == second["requests"] == 0
    assert run_hotline(*at, "check").exit_code == 0


def test_the_demonstration_was_heard_as_well_as_is_said(demo: tuple[Path, str]) -> None:
    """What the checkpoint is for, counted as `evaluate` counts: CER of 10 % at most, every request,
    no danger called less."""
    home = settings.find(demo[0])
    terms = taxonomy.load(None)
    errors, counts = cer.Errors(), evaluate.Counts()
    with Log(home.log) as log:
        calls_heard = {Path(row.path).stem: log.call_of(row.id) for row in log.recordings()}
        for reference in calls.read(home.path / "calls.jsonl", home.settings.zone):
            assert isinstance(reference, TextCall)
            call = calls_heard[reference.id]
            hearing = None if call is None else log.current_transcript(call.id)
            turns = () if hearing is None else log.turns(hearing)
            said = "".join(turn.text for turn in reference.turns)
            errors += cer.character_errors(said, "".join(turn.text for turn in turns))
            found = understand(turns, reference.started_at, terms)
            counts += evaluate.score(found, reference.requests or (), turns, reference.turns)
            if reference.id.startswith("REC_"):
                assert found.requests == ()  # a wrong number
    assert counts.calls >= 12
    assert errors.cer <= 0.10
    assert counts.matched == counts.requests
    assert counts.critical_found == counts.critical > 0


def test_evaluate_hears_a_folder_and_counts(tmp_path: Path) -> None:
    assert run_hotline("demo", "--export", tmp_path / "calls").exit_code == 0
    listed = references(tmp_path / "calls")
    asking = [call for call in listed if call["requests"]]
    short = sorted(asking, key=lambda call: float(call["turns"][-1]["end"]))[:2]
    lines = "".join(json.dumps(call, ensure_ascii=False) + "\n" for call in short)
    (tmp_path / "calls" / "calls.jsonl").write_text(lines, encoding="utf-8")
    (found,) = json_lines(run_hotline("evaluate", tmp_path / "calls", "--model", "demo", "--json"))
    assert [row["id"] for row in found["by_call"]] == [call["id"] for call in short]
    assert found["calls"] == 2
    assert 0 < found["cer"] < 0.15
    assert found["counts"]["requests"] == sum(len(call["requests"]) for call in short)
    assert found["counts"]["matched"] > 0


def test_errors_are_one_line_and_debug_shows_more(empty: Path) -> None:
    (empty / "hotline.db").write_bytes(b"this is no log" * 100)
    done = run_hotline("--home", empty, "open")
    assert done.exit_code == 1
    assert len(done.stderr.strip().splitlines()) == 1
    assert "Traceback" not in done.output


def test_group_help_is_quick_to_read() -> None:
    lines = run_hotline("--help").output.splitlines()
    assert len(lines) < 60  # by what they are for, under headings
    for command in cli.main.commands.values():
        assert isinstance(command, click.Command)
        assert command.get_short_help_str()
