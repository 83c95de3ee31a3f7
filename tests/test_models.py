"""Weights: known by hash, found under any name, fetched whole or not at all, and what to do without."""

from __future__ import annotations

import functools
import hashlib
import http.server
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline import fetching, models
from pipeline.errors import HotlineError, ModelMissing, UsageProblem
from pipeline.models import CATALOGUE, Model

CONTENT = b"a checkpoint of our own making " * 5000
DIGEST = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A server on this machine; its address and the folder that it serves."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None: ...

    folder = tmp_path / "served"
    folder.mkdir()
    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", folder
        server.shutdown()
        thread.join()


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Model:
    """The catalogue's `small`, with our content's hash and size in place of 0.5 GB of weights."""
    model = replace(
        CATALOGUE["small"], url=f"http://127.0.0.1:1/{DIGEST}/small.pt", size=len(CONTENT)
    )
    monkeypatch.setitem(CATALOGUE, "small", model)
    return model


def test_the_catalogue_says_what_whisper_itself_says() -> None:
    import whisper

    for model in CATALOGUE.values():
        for name in (model.name, *model.aliases):
            assert whisper._MODELS.get(name) == model.url
            assert (name in whisper._ALIGNMENT_HEADS) == (model.url is not None)
        if model.url is not None:
            assert model.file == model.url.rsplit("/", 1)[1]
            assert len(model.sha256 or "") == 64


def test_looking_at_the_stock_loads_neither_torch_nor_whisper(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from pipeline import models;"
        f"models.available(Path({str(tmp_path)!r}));"
        "print({'torch', 'whisper', 'numpy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize(
    ("name", "found"),
    [("small", "small"), ("Turbo", "turbo"), ("large-v3-turbo", "turbo"), ("large", "large-v3"),
     ("huge", None)],
)  # fmt: skip
def test_models_are_known_by_their_names(name: str, found: str | None) -> None:
    model = models.known(name)
    assert (model.name if model else None) == found


@pytest.mark.parametrize("file", ["small.pt", "small (1).pt", "weights from the stick.pt"])
def test_a_file_put_there_by_hand_is_found_under_any_name(
    tmp_path: Path, small: Model, file: str
) -> None:
    (tmp_path / file).write_bytes(CONTENT)
    (here,) = models.available(tmp_path, demo=False)
    assert (here.name, here.verified, here.path.name) == ("small", True, file)
    assert bool(here.note) == (file != small.file)
    assert models.find("small", tmp_path) == tmp_path / file


@pytest.mark.parametrize("file", ["small.pt", "small (1).pt", "weights from the stick.pt"])
def test_a_damaged_file_is_named_and_not_used(tmp_path: Path, small: Model, file: str) -> None:
    (tmp_path / file).write_bytes(CONTENT[:-1] + b"?")
    (here,) = models.available(tmp_path, demo=False)
    assert (here.name, here.verified, here.fits) == ("small", False, False)
    assert "damaged" in here.note
    with pytest.raises(ModelMissing, match="damaged"):
        models.find("small", tmp_path)
    with pytest.raises(ModelMissing):
        models.best(tmp_path)


def test_a_good_copy_beside_a_damaged_one_is_used(tmp_path: Path, small: Model) -> None:
    (tmp_path / "small.pt").write_bytes(CONTENT[:100])
    (tmp_path / "small (1).pt").write_bytes(CONTENT)
    assert models.find("small", tmp_path).name == "small (1).pt"


def test_the_hash_is_remembered_until_the_file_changes(tmp_path: Path, small: Model) -> None:
    file = tmp_path / "small.pt"
    file.write_bytes(CONTENT)
    os.utime(file, ns=(1, 1))
    assert models.available(tmp_path, demo=False)[0].verified
    damaged = CONTENT[:-1] + b"?"
    file.write_bytes(damaged)
    os.utime(file, ns=(1, 1))
    assert models.available(tmp_path, demo=False)[0].verified, "same size and time: from memory"
    os.utime(file, ns=(2, 2))
    assert models.available(tmp_path, demo=False)[0].verified is False


def test_a_broken_memory_of_hashes_is_no_obstacle(tmp_path: Path, small: Model) -> None:
    (tmp_path / "small.pt").write_bytes(CONTENT)
    (tmp_path / models.CACHE).write_text("{not json")
    assert models.available(tmp_path, demo=False)[0].verified


def test_weights_of_ones_own_are_used_only_by_their_path(tmp_path: Path) -> None:
    own = tmp_path / "shanghai-dialect.pt"
    own.write_bytes(b"weights")
    (here,) = models.available(tmp_path, demo=False)
    assert (here.name, here.verified) == ("shanghai-dialect", None)
    assert models.find("shanghai-dialect.pt", tmp_path) == own
    assert models.find(str(own), tmp_path / "elsewhere") == own
    with pytest.raises(ModelMissing):
        models.best(tmp_path)


def test_the_demonstrations_weights_are_never_chosen_unasked(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing) as raised:
        models.best(tmp_path)
    assert "hotline models get" in str(raised.value)
    assert str(tmp_path) in str(raised.value)


def test_the_best_that_this_computer_runs_is_chosen(
    tmp_path: Path, small: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = CONTENT[::-1]
    digest = hashlib.sha256(other).hexdigest()
    large = replace(CATALOGUE["large-v3"], url=f"http://127.0.0.1:1/{digest}/large-v3.pt", size=1)
    monkeypatch.setitem(CATALOGUE, "large-v3", large)
    (tmp_path / "small.pt").write_bytes(CONTENT)
    (tmp_path / "large-v3.pt").write_bytes(other)
    monkeypatch.setattr(models, "memory_bytes", lambda: 16_000_000_000)
    monkeypatch.setattr(models, "core_count", lambda: 4)
    assert models.best(tmp_path) == "small", "large-v3 takes too long on four cores"
    monkeypatch.setattr(models, "core_count", lambda: 8)
    assert models.best(tmp_path) == "large-v3"
    monkeypatch.setattr(models, "memory_bytes", lambda: 4_000_000_000)
    assert models.best(tmp_path) == "small", "large-v3 does not fit the memory"
    monkeypatch.setattr(models, "memory_bytes", lambda: 1_000_000_000)
    with pytest.raises(ModelMissing, match="memory"):
        models.best(tmp_path)


def test_a_name_that_is_none_names_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match="tiny, base, small"):
        models.find("huge", tmp_path)
    with pytest.raises(UsageProblem):
        fetching.get("demo", tmp_path)
    with pytest.raises(ModelMissing):
        models.find("nowhere/own.pt", tmp_path)


def test_what_fits_is_said_in_minutes() -> None:
    gigabyte = 10**9
    assert models.fits(CATALOGUE["small"], 8 * gigabyte, 4)[0]
    fit, sentence = models.fits(CATALOGUE["large-v3"], 8 * gigabyte, 4)
    assert not fit
    assert "8 GB" in sentence
    assert "minutes" in models.fits(CATALOGUE["small"], 0, 4)[1]
    speeds = [models.times_real(CATALOGUE["small"], cores) for cores in (1, 2, 4, 8, 64)]
    assert speeds == sorted(speeds, reverse=True)
    assert speeds[-1] == speeds[-2]


def test_this_computer_is_seen() -> None:
    assert models.memory_bytes() > 10**8
    assert models.core_count() >= 1


def test_fetching_goes_through_whispers_downloader_and_tells_its_progress(
    tmp_path: Path, served: tuple[str, Path], capfd: pytest.CaptureFixture[str]
) -> None:
    address, folder = served
    (folder / DIGEST).mkdir()
    (folder / DIGEST / "small.pt").write_bytes(CONTENT)
    model = replace(CATALOGUE["small"], url=f"{address}/{DIGEST}/small.pt", size=len(CONTENT))
    told: list[tuple[int, int]] = []
    home = tmp_path / "models"
    path = fetching.fetch(model, home, lambda done, total: told.append((done, total)))
    assert path == home / "small.pt"
    assert path.read_bytes() == CONTENT
    assert told[-1] == (len(CONTENT), len(CONTENT))
    assert sorted(p.name for p in home.iterdir()) == [models.CACHE, "small.pt"]
    assert capfd.readouterr().err == ""


def test_what_is_here_already_is_not_fetched_again(tmp_path: Path, small: Model) -> None:
    (tmp_path / "small.pt").write_bytes(CONTENT)
    assert fetching.get("small", tmp_path) == tmp_path / "small.pt"


def test_a_wrong_hash_leaves_nothing_behind_and_what_was_there_stays(
    tmp_path: Path, served: tuple[str, Path]
) -> None:
    address, folder = served
    (folder / DIGEST).mkdir()
    (folder / DIGEST / "small.pt").write_bytes(CONTENT[:-7])
    model = replace(CATALOGUE["small"], url=f"{address}/{DIGEST}/small.pt", size=len(CONTENT))
    home = tmp_path / "models"
    home.mkdir()
    (home / "small.pt").write_bytes(b"old")
    with pytest.raises(ModelMissing) as raised:
        fetching.fetch(model, home)
    said = str(raised.value)
    assert "\n" not in said
    assert all(part in said for part in (str(model.url), "small.pt", "USB", str(home)))
    assert [p.name for p in home.iterdir()] == ["small.pt"]
    assert (home / "small.pt").read_bytes() == b"old"


@pytest.mark.parametrize("address", ["gone", "refused", "page"])
def test_without_a_network_the_way_by_stick_is_said(
    tmp_path: Path, served: tuple[str, Path], address: str
) -> None:
    base = served[0] if address != "refused" else "http://127.0.0.1:1"
    (served[1] / DIGEST).mkdir()
    if address == "page":
        (served[1] / DIGEST / "small.pt").write_text("<html>please log in</html>")
    model = replace(CATALOGUE["small"], url=f"{base}/{DIGEST}/small.pt", size=len(CONTENT))
    with pytest.raises(ModelMissing, match="USB stick into"):
        fetching.fetch(model, tmp_path / "models")
    assert list((tmp_path / "models").iterdir()) == []


def test_a_full_disk_is_said_before_anything_is_fetched(tmp_path: Path) -> None:
    model = replace(CATALOGUE["small"], url=f"http://127.0.0.1:1/{DIGEST}/small.pt", size=10**18)
    with pytest.raises(HotlineError, match="Make room"):
        fetching.fetch(model, tmp_path)
