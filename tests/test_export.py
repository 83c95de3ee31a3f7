"""The ledger as files: the columns that offices keep, every request once, numbers masked."""

import csv
import io
import json
import os
from pathlib import Path

import pytest
from openpyxl import load_workbook

from pipeline.i18n import use
from pipeline.log import Log
from tests.conftest import json_lines, run_hotline
from tests.office import office

COLUMNS = [
    "编号",
    "渠道",
    "接件时间",
    "姓名",
    "地点",
    "电话",
    "内容",
    "承办人",
    "办理过程",
    "结果",
    "回访",
    "备注",
]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ledger") / "home"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOTLINE_LANG", "en")
        run_hotline("init", folder)
        (folder / "hotline.toml").write_text('language = "zh"\n', encoding="utf-8")
        office(folder / "hotline.db", weeks=2, per_week=10).close()
        assert (
            run_hotline("--home", folder, "add", "3号楼电梯停了", "--caller", "李阿姨").exit_code
            == 0
        )
        use(None)
    return folder


@pytest.fixture(autouse=True)
def speak_english_again() -> None:
    use(None)


def n_requests(home: Path) -> int:
    with Log(home / "hotline.db") as log:
        return log.count_requests()


def test_the_csv_has_the_columns_of_the_ledger_and_every_request(
    made: Path, tmp_path: Path
) -> None:
    file = tmp_path / "台账.csv"
    done = run_hotline("--home", made, "export", "--to", file)
    assert done.exit_code == 0, done.output
    data = file.read_bytes()
    assert data.startswith(b"\xef\xbb\xbf")  # else Excel reads it in the computer's code page
    rows = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))
    assert list(rows[0])[:12] == COLUMNS
    assert sorted(int(row["编号"]) for row in rows) == list(range(1, n_requests(made) + 1))
    assert {row["渠道"] for row in rows} == {"导入", "来访"}
    assert all("*" in row["电话"] for row in rows if row["电话"])
    assert any(row["电话"] for row in rows)
    if os.name == "posix":
        assert file.stat().st_mode & 0o077 == 0
    assert run_hotline("--home", made, "export", "--csv").stdout == data.decode("utf-8-sig")


def test_json_and_excel_hold_the_same(made: Path, tmp_path: Path) -> None:
    rows = json_lines(run_hotline("--home", made, "export", "--json"))
    assert len(rows) == n_requests(made)
    book = tmp_path / "台账.xlsx"
    assert run_hotline("--home", made, "export", "--to", book).exit_code == 0
    (sheet,) = load_workbook(book).worksheets
    table = [[cell.value for cell in row] for row in sheet.iter_rows()]
    assert table[0][:12] == COLUMNS
    assert [row[0] for row in table[1:]] == [row["request"] for row in rows]
    assert [row[6] for row in table[1:]] == [row["content"] for row in rows]
    again = tmp_path / "ledger.jsonl"
    assert run_hotline("--home", made, "export", "--to", again).exit_code == 0
    assert [json.loads(line) for line in again.read_text("utf-8").splitlines()] == rows


def test_whole_numbers_are_logged_and_a_period_is_kept_to(made: Path) -> None:
    whole = json_lines(
        run_hotline("--home", made, "export", "2026-W42", "--json", "--unmask", "--as", "王芳")
    )
    assert 0 < len(whole) < n_requests(made)
    assert all("*" not in (row["phone"] or "") for row in whole)
    assert {row["received_at"][:10] >= "2026-10-12" for row in whole} == {True}
    with Log(made / "hotline.db") as log:
        last = log.events()[-2:]
    assert [event.kind for event in last] == ["unmasked", "exported"]
    assert last[0].who == last[1].who == "王芳"
    assert last[1].data["requests"] == len(whole)
    assert last[1].data["masked"] is False


def test_an_empty_ledger_and_a_wrong_name(empty: Path, tmp_path: Path) -> None:
    done = run_hotline("--home", empty, "export", "--csv")
    assert done.exit_code == 0
    assert done.output.startswith("No.,Channel,Received")
    assert run_hotline("--home", empty, "export", "--json").output == ""
    for wrong in ((), ("--to", "a.pdf"), ("--csv", "--json"), ("--to", "a.csv", "--csv")):
        done = run_hotline("--home", empty, "export", *wrong)
        assert done.exit_code == 2
        assert len(done.stderr.splitlines()) == 1
