"""hotline.toml: the template, the defaults, and what a typo meets."""

import re
import tomllib
from datetime import date
from importlib import resources
from pathlib import Path

import pytest

from pipeline import settings
from pipeline.errors import SettingsError, UsageProblem


def write(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "hotline.toml"
    file.write_text(text, encoding="utf-8")
    return file


def template() -> str:
    return (resources.files("pipeline") / "hotline.toml").read_text(encoding="utf-8")


def test_the_template_as_written_is_all_defaults(tmp_path: Path) -> None:
    assert settings.read(write(tmp_path, template())) == settings.Settings()


def test_the_template_shows_every_setting_with_its_default(tmp_path: Path) -> None:
    lines = [
        re.sub(r"^# (?=\w+ = )", "", line)
        for line in template().splitlines()
        if not line.startswith(("# regex", "# [[", '# name = "our'))
    ]
    uncommented = "\n".join(lines)
    assert settings.read(write(tmp_path, uncommented)) == settings.Settings()
    shown = tomllib.loads(uncommented)
    for part, record in (
        ("recordings", settings.Recordings),
        ("hearing", settings.Hearing),
        ("due", settings.Due),
        ("repeats", settings.Repeats),
        ("estate", settings.Estate),
        ("watch", settings.Watch),
        ("alert", settings.Alert),
        ("play", settings.Play),
    ):
        assert set(shown[part]) == set(record.__dataclass_fields__) - {"patterns"}
    assert {k for k, v in shown.items() if not isinstance(v, dict)} == {
        "name",
        "language",
        "time_zone",
        "staff",
        "week_start",
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('nmae = "x"', ["line 1", '"nmae"', '"name"']),
        ("\n[due]\nurgent_hour = 3", ["line 3", '"due.urgent_hour"', '"urgent_hours"']),
        ('[due]\nurgent_hours = "3"', ["line 2", '"due.urgent_hours"', "24"]),
        ('time_zone = "Mars/North"', ["line 1", "Mars/North", "Asia/Shanghai"]),
        ("name = \n", ["line 1"]),
        ("\nname = “阳光”\n", ["line 2", "plain"]),
        ('[recordings]\nfolder = "D:\\rec"', ["line 2", "single quotes"]),
        ('[recordings]\nfolder = "D:\\Calls"', ["line 2", "single quotes"]),
        ("[due]\n[watch]\n[due]\n", ["line 3", "[due]", "second time"]),
        ('name = "x"\nname = "y"', ["line 2", "second time"]),
        ('[hearing]\nengine = "fats"', ["line 2", '"hearing.engine"', '"fast"']),
        ("[hearing]\nstaff_channel = 2", ["line 2", "-1, 0, 1"]),
        ("[due]\nurgent_hours = 0", ["line 2", "at least 1"]),
        ('[due]\nholidays = ["10-08"]', ["line 2", "2026-10-08"]),
        ('[alert]\nmodel = "small"', ["line 2", '"alert.model"', "[hearing]"]),
        ('[alert]\nstaff = "王芳"', ["line 2", '"alert.staff"', "belongs"]),
        ('[play]\nnmae = "x"', ["line 2", '"play.nmae"', '"name" belongs at the top']),
        ("alert = true", ["line 1", "[alert]"]),
        ('[alert]\ncommand = "beep"', ["line 2", "[", "{text}"]),
        ("[[recordings.patterns]]\nregex = '('", ["line 1", "("]),
        ('language = "cn"', ["line 1", '"zh"']),
        ('week_start = "sunny"', ["line 1", "week_start", "sunday"]),
    ],
)
def test_a_mistake_is_named_with_its_line_and_the_right_word(
    tmp_path: Path, text: str, said: list[str]
) -> None:
    with pytest.raises(SettingsError) as error:
        settings.read(write(tmp_path, text))
    for part in said:
        assert part in str(error.value)
    assert "\n" not in str(error.value)


def test_all_mistakes_are_named_at_once_each_in_its_own_part(tmp_path: Path) -> None:
    text = 'nmae = "x"\n[hearing]\nname = "y"\n[due]\nurgent_hours = "3"\ncritical_minutes = 20\n'
    with pytest.raises(SettingsError) as error:
        settings.read(write(tmp_path, text))
    said = str(error.value).splitlines()
    assert [re.search(r"line (\d)", line)[1] for line in said] == ["1", "3", "5"]  # type: ignore[index]


def test_a_file_of_another_encoding_is_told_so(tmp_path: Path) -> None:
    file = tmp_path / "hotline.toml"
    file.write_bytes('name = "阳光"'.encode("gbk"))
    with pytest.raises(SettingsError, match="UTF-8"):
        settings.read(file)


def test_days_off_are_days_of_toml_or_text(tmp_path: Path) -> None:
    read = settings.read(write(tmp_path, '[due]\nholidays = [2026-10-08, "2026-10-09"]'))
    assert read.due.holidays == (date(2026, 10, 8), date(2026, 10, 9))


def test_init_makes_a_home_and_leaves_what_is_there(tmp_path: Path) -> None:
    home, new = settings.init(tmp_path / "家 里")
    assert new
    for part in (home.recordings, home.models, home.originals):
        assert part.is_dir()
    (home.path / "hotline.toml").write_text('name = "我们"', encoding="utf-8")
    again, new = settings.init(home.path)
    assert not new
    assert again.settings.name == "我们"


def test_the_home_is_the_nearest_upwards_or_the_named_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HOTLINE_HOME", raising=False)
    outer, _ = settings.init(tmp_path / "outer")
    other, _ = settings.init(tmp_path / "other")
    monkeypatch.chdir(outer.recordings)
    assert settings.find(None).path == outer.path
    monkeypatch.setenv("HOTLINE_HOME", str(other.path))
    assert settings.find(None).path == other.path
    assert settings.find(outer.path).path == outer.path


def test_without_a_home_the_sentence_names_init(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HOTLINE_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageProblem, match="hotline init"):
        settings.find(None)
    with pytest.raises(UsageProblem, match="hotline init"):
        settings.find(tmp_path)
    assert not list(tmp_path.iterdir())
