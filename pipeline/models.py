"""Which weights there are, which of them lie in `models/`, which this computer can run, and how more come.

OpenAI's checkpoints are known by their hash, so a file brought on a USB stick is found under any name.
The demonstration's own checkpoint is used only when it is named; weights that an office trained itself
only when they are named by their path.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from pipeline.errors import ModelMissing, UsageProblem
from pipeline.i18n import _

OPENAI = "https://openaipublic.azureedge.net/main/whisper/models"
CACHE = ".verified.json"
"""Beside the weights: the hashes that were taken, each with the size and time it was taken for."""
SYSTEM_MEMORY = 1.5e9
"""Bytes that the system and a browser are left with."""
RUNTIME_MEMORY = 0.8e9
"""Bytes of Python, torch and one window's activations; measured with the demonstration's model."""
PATIENCE = 3.0
"""A model is chosen unasked only if it hears a call in this many times the call's length or less."""


@dataclass(frozen=True, slots=True)
class Model:
    """A checkpoint that the program knows.

    `file` and `url` are as in Whisper's own downloader, `url` None for what is not fetched; `size` is in
    bytes; `parameters` counts weights; `work` is seconds of one core for a second of speech; `cer` is
    the published character error rate in per cent on AISHELL-1 / WenetSpeech-net / -meeting.
    """

    name: str
    file: str
    url: str | None
    size: int
    parameters: int
    work: float
    cer: tuple[float, float, float] | None
    aliases: tuple[str, ...] = ()
    window_s: float = 28.0

    @property
    def sha256(self) -> str | None:
        """The hash that the file must have: the second-last part of OpenAI's address."""
        return self.url.split("/")[-2] if self.url else None

    @property
    def memory(self) -> float:
        """Bytes needed on a CPU: the weights as float32 beside the file while it loads, and the rest."""
        return 4.0 * self.parameters + self.size + RUNTIME_MEMORY


def _openai(name: str, sha256: str, file: str, *figures: float, **more: object) -> Model:
    size, millions, work = figures[:3]
    return Model(
        name, file, f"{OPENAI}/{sha256}/{file}", int(size), int(millions * 1e6), work,
        (figures[3], figures[4], figures[5]), **more,  # type: ignore[arg-type]
    )  # fmt: skip


# Addresses and hashes: whisper._MODELS of openai-whisper 20250625 (a test compares). Sizes: the files
# served there. Parameters: Whisper's README. `work`: tiny, base and small with random weights, beam 5,
# on one core of a shared cloud machine, 5 tokens a second; the others scaled by their multiplications.
# A desktop's core is up to twice as fast. `cer`: README of Whisper-Finetune.
CATALOGUE: dict[str, Model] = {
    model.name: model
    for model in (
        _openai("tiny", "65147644a518d12f04e32d6f3b26facc3f8dd46e5390956a9424a650c0ce22b9",
                "tiny.pt", 75_572_083, 39, 0.6, 31.9, 40.5, 75.3),
        _openai("base", "ed3a0b6b1c0edf879ad9b11b1af5a0e6ab5db9205f891f668f8b0e6c6326e34e",
                "base.pt", 145_262_807, 74, 0.8, 22.2, 30.4, 50.4),
        _openai("small", "9ecf779972d90ba49c06d968637d720dd632c55bbf19d441fb42bf17a411e794",
                "small.pt", 483_617_219, 244, 2.3, 13.9, 18.4, 31.2),
        _openai("medium", "345ae4da62f9b3d59415adc60127b97c714f32e89e936602e85993674d08dcb1",
                "medium.pt", 1_528_008_539, 769, 6.6, 9.5, 13.6, 26.7),
        _openai("turbo", "aff26ae408abcba5fbf8813c21e62b0941638c5f6eebfb145be0c9839262a19a",
                "large-v3-turbo.pt", 1_617_941_637, 809, 2.8, 8.6, 21.2, 20.4,
                aliases=("large-v3-turbo",)),
        _openai("large-v3", "e5b1a55b89c1367dacf97e3e19bfd829a01529dbfdeefa8caeb59b3f1b81dadb",
                "large-v3.pt", 3_087_371_615, 1550, 12.0, 8.1, 11.5, 19.9, aliases=("large",)),
        # Our own (models/demo/); it understands the demonstration calls and little else.
        Model("demo", "demo.pt", None, 28_000_000, 12_600_000, 0.1, None, window_s=8.0),
    )
}  # fmt: skip

BEST_FIRST = ("large-v3", "turbo", "medium", "small", "base", "tiny")
"""By the mean of the published error rates; turbo before medium, which is no better and slower."""


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A file of weights that is here.

    `verified` is True where the hash is OpenAI's, False where the file should be OpenAI's and is not,
    None where there is no hash to compare with. `speed` says in words what this computer makes of it,
    `note` what is to be known about the file, or is empty.
    """

    name: str
    engine: str
    path: Path
    size: int
    verified: bool | None
    fits: bool
    speed: str
    note: str = ""


def as_dict(found: ModelFile) -> dict[str, object]:
    """The contract's form of `hotline models --json`."""
    return {
        "name": found.name,
        "engine": found.engine,
        "path": str(found.path),
        "size": found.size,
        "verified": found.verified,
        "fits": found.fits,
        "speed": found.speed,
        "note": found.note,
    }


def known(name: str) -> Model | None:
    """The catalogue's model of that name or alias, in any case; None if there is none."""
    wanted = name.strip().lower()
    for model in CATALOGUE.values():
        if wanted in (model.name, *model.aliases):
            return model
    return None


def alignment_heads(name: str) -> bytes | None:
    """Whisper's mask of the heads that tell word times, for OpenAI's models; None for others.

    Whisper's `load_model` knows them by name only, and we load by path.
    """
    import whisper

    model = known(name)
    heads: bytes | None = whisper._ALIGNMENT_HEADS.get(model.name) if model else None
    return heads


def demo_path() -> Path:
    """Where the demonstration's checkpoint lies in the installed package."""
    return Path(str(resources.files("pipeline") / "demo" / "demo.pt"))


# -- this computer -----------------------------------------------------------------------------


def memory_bytes() -> int:
    """Main memory of this computer in bytes; 0 if it cannot be told."""
    if sys.platform == "win32":
        import ctypes

        class Status(ctypes.Structure):  # MEMORYSTATUSEX of sysinfoapi.h
            _fields_ = (
                ("length", ctypes.c_ulong),
                ("load", ctypes.c_ulong),
                ("total", ctypes.c_ulonglong),
                ("others", ctypes.c_ulonglong * 6),
            )

        status = Status(length=ctypes.sizeof(Status))
        ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status))
        return int(status.total)
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError):
        return 0


def core_count() -> int:
    """Cores that this process may use."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def times_real(model: Model, cores: int) -> float:
    """How many seconds this model takes for a second of speech; an estimate.

    Whisper's decoding waits for memory more than for cores: two cores do 1.7 times the work of one,
    eight five times (cores ** 0.77), more no more.
    """
    return model.work / float(min(max(cores, 1), 8) ** 0.77)


def fits(model: Model, memory: int, cores: int) -> tuple[bool, str]:
    """Whether a computer with `memory` bytes (0: unknown) and `cores` can run `model`, and a sentence.

    The sentence tells staff how long they wait, or what is missing.
    """
    if memory and model.memory + SYSTEM_MEMORY > memory:
        return False, _(
            "needs {need:.0f} GB of memory; this computer has {has:.0f} GB: too large for it"
        ).format(need=(model.memory + SYSTEM_MEMORY) / 1e9 + 0.5, has=memory / 1e9)
    minutes = 10 * times_real(model, cores)
    if minutes < 1.5:
        return True, _("a 10-minute call takes about a minute here")
    if minutes <= 90:
        return True, _("a 10-minute call takes about {n:.0f} minutes here").format(n=minutes)
    return True, _("a 10-minute call takes about {n:.0f} hours here").format(n=minutes / 60)


# -- what is here ------------------------------------------------------------------------------


def available(models_dir: Path, *, demo: bool = True) -> list[ModelFile]:
    """Every file of weights in `models_dir`, and the demonstration's own if `demo`.

    OpenAI's files are recognised by their hash, whatever they are called. A hash is taken once
    and remembered beside the file with its size and time: a large one takes some seconds.
    """
    memory, cores = memory_bytes(), core_count()
    found = []
    with hashes(models_dir) as hash_of:
        for path in sorted(models_dir.glob("*.pt")) if models_dir.is_dir() else ():
            if path.is_file():
                found.append(_look_at(path, hash_of, memory, cores))
    if demo and demo_path().is_file():
        model = CATALOGUE["demo"]
        fit, speed = fits(model, memory, cores)
        note = _("understands the demonstration calls and little else; used only when named")
        size = demo_path().stat().st_size
        found.append(ModelFile("demo", "whisper", demo_path(), size, None, fit, speed, note))
    return found


def _look_at(path: Path, hash_of: Callable[[Path], str], memory: int, cores: int) -> ModelFile:
    size = path.stat().st_size
    claimed = _claims(path)
    if claimed is None and all(size != model.size for model in CATALOGUE.values()):
        # Nothing says that it is OpenAI's: weights that somebody trained.
        note = _(
            "not one of OpenAI's files; to use it, put its path into hotline.toml or after --model"
        )
        stranger = Model(path.stem, path.name, None, size, size // 2, 0.0, None)
        need = stranger.memory + SYSTEM_MEMORY
        return ModelFile(
            path.stem, "whisper", path, size, None, not memory or need <= memory, "", note
        )
    digest = hash_of(path)
    for model in CATALOGUE.values():
        if digest == model.sha256:
            fit, speed = fits(model, memory, cores)
            note = ""
            if path.name != model.file:
                note = _("this is {name} under another file name; it is used as it is").format(
                    name=model.name
                )
            return ModelFile(model.name, "whisper", path, size, True, fit, speed, note)
    model = claimed or next(model for model in CATALOGUE.values() if size == model.size)
    note = _(
        "not verified: this file is damaged or not OpenAI's, and is not used; "
        "copy it again, or run: hotline models get {name}"
    ).format(name=model.name)
    return ModelFile(model.name, "whisper", path, size, False, False, "", note)


def _claims(path: Path) -> Model | None:
    """The model of OpenAI's that the file's name claims to be: small.pt, small (1).pt, small - Copy.pt."""
    stem = re.sub(r"\s*[-_]?\s*(\(\d+\)|\[\d+\]|copy|副本|复件)\s*", "", path.stem.lower())
    model = known(stem)
    return model if model is not None and model.url else None


@contextlib.contextmanager
def hashes(folder: Path) -> Iterator[Callable[[Path], str]]:
    """A function that gives a file's sha256, from the cache in `folder` where size and time agree."""
    cache = folder / CACHE
    try:
        stored = json.loads(cache.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        stored = {}
    remembered: dict[str, list[object]] = stored if isinstance(stored, dict) else {}
    changed = False

    def hash_of(path: Path) -> str:
        nonlocal changed
        status = path.stat()
        entry = remembered.get(path.name)
        if isinstance(entry, list) and entry[:2] == [status.st_size, status.st_mtime_ns]:
            return str(entry[2])
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        remembered[path.name] = [status.st_size, status.st_mtime_ns, digest]
        changed = True
        return digest

    yield hash_of
    if changed:
        # A folder that may only be read (a stick, a share) is no reason to fail: hash again next time.
        with contextlib.suppress(OSError):
            cache.write_text(json.dumps(remembered, indent=1), encoding="utf-8")


def find(name: str, models_dir: Path) -> Path:
    """The file of weights called `name`: a name of the catalogue, or the path of one's own.

    A relative path is looked for in `models_dir` first, then from where the command runs.

    Raises:
        ModelMissing: it is not here, or it is damaged; the sentence says what to do.
        UsageProblem: no such model is known, and no such file is there.
    """
    model = known(name)
    if model is None:
        for path in (models_dir / name, Path(name).expanduser()):
            if path.is_file():
                return path
        if name.endswith(".pt") or "/" in name or "\\" in name:
            raise ModelMissing(
                _("There are no weights at {path}; put the file there or name another.").format(
                    path=name
                )
            )
        raise UsageProblem(
            _("There is no model called {name}. There are: {names}.").format(
                name=name, names=", ".join(CATALOGUE)
            )
        )
    if model.name == "demo":
        if demo_path().is_file():
            return demo_path()
        raise ModelMissing(
            _(
                "The demonstration's weights are not in this installation ({path}); install it again."
            ).format(path=demo_path())
        )
    here = [file for file in available(models_dir, demo=False) if file.name == model.name]
    good = [file for file in here if file.verified]
    if good:
        return min(good, key=lambda file: (file.path.name != model.file, file.path)).path
    if any(file.verified is False for file in here):
        raise ModelMissing(
            _(
                "{file} is damaged or not OpenAI's, and is not used; copy it again, "
                "or run: hotline models get {name}"
            ).format(file=here[0].path, name=model.name)
        )
    raise ModelMissing(
        _("The weights of {name} are not in {folder}. {how}").format(
            name=model.name, folder=models_dir, how=_bring(model, models_dir)
        )
    )


def best(models_dir: Path) -> str:
    """The name of the best verified model here that this computer runs in reasonable time.

    The best of BEST_FIRST within PATIENCE; if there is none, the fastest that its memory holds.

    Raises:
        ModelMissing: nothing here can be used; the sentence says why and what to do.
    """
    cores = core_count()
    here = [file for file in available(models_dir, demo=False) if file.verified]
    usable = {file.name for file in here if file.fits}
    for name in BEST_FIRST:
        if name in usable and times_real(CATALOGUE[name], cores) <= PATIENCE:
            return name
    if usable:
        return min(usable, key=lambda name: CATALOGUE[name].work)
    if here:
        raise ModelMissing(
            _("This computer's memory is too small for the weights in {folder}. {how}").format(
                folder=models_dir, how=_bring(suggestion(), models_dir)
            )
        )
    raise ModelMissing(how_to_get(models_dir))


def suggestion() -> Model:
    """What to fetch for this computer: turbo if it runs in reasonable time, else the best that does."""
    memory, cores = memory_bytes(), core_count()
    for name in ("turbo", "small", "base", "tiny"):
        model = CATALOGUE[name]
        if fits(model, memory, cores)[0] and times_real(model, cores) <= PATIENCE:
            return model
    return CATALOGUE["tiny"]


def how_to_get(models_dir: Path) -> str:
    """What staff are told when there are no weights: fetch them, or bring them on a stick."""
    return _("There are no weights in {folder} to hear with. {how}").format(
        folder=models_dir, how=_bring(suggestion(), models_dir)
    )


def _bring(model: Model, models_dir: Path) -> str:
    return _(
        "Run: hotline models get {name} ({size:.1f} GB), or on a computer that reaches it download "
        "{url} and bring the file {file} on a USB stick into {folder}."
    ).format(
        name=model.name,
        size=max(model.size / 1e9, 0.1),
        url=model.url,
        file=model.file,
        folder=models_dir,
    )
