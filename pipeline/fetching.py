"""OpenAI's weights fetched, whole or not at all, and proved by their hash."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from pipeline.errors import HotlineError, ModelMissing, UsageProblem
from pipeline.i18n import _, system_says
from pipeline.models import CATALOGUE, Model, find, hashes, known

TIMEOUT_S = 30.0
"""A server that says nothing for so long is not reachable: many offices reach no foreign one."""

Progress = Callable[[int, int], None]
"""Called with bytes fetched and bytes in all (0 when the server does not say)."""


def get(name: str, models_dir: Path, progress: Progress | None = None) -> Path:
    """Fetch OpenAI's checkpoint `name` into `models_dir`; at once if it is there and whole.

    Raises:
        UsageProblem: it is not one of OpenAI's.
        ModelMissing: it cannot be fetched; the sentence says how to bring it on a stick.
        HotlineError: the folder cannot be written, or the disk is full.
    """
    model = known(name)
    if model is None or model.url is None:
        raise UsageProblem(
            _("{name} cannot be fetched. There are: {names}.").format(
                name=name, names=", ".join(m.name for m in CATALOGUE.values() if m.url)
            )
        )
    with contextlib.suppress(ModelMissing):
        return find(model.name, models_dir)
    return fetch(model, models_dir, progress)


def fetch(model: Model, models_dir: Path, progress: Progress | None = None) -> Path:
    """Fetch `model` with Whisper's own downloader and its hash check, whole or not at all.

    Raises:
        ModelMissing, HotlineError: as `get`.
    """
    import whisper

    assert model.url is not None
    target = models_dir / model.file
    try:
        models_dir.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(models_dir).free
        if free < model.size * 1.05:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        # Below the folder itself: the last step must be a rename on the same disk.
        with tempfile.TemporaryDirectory(prefix=".fetch-", dir=models_dir) as staging:
            with _counted(whisper, progress):
                fetched = Path(whisper._download(model.url, staging, False))
            with fetched.open("rb") as file:
                os.fsync(file.fileno())
            fetched.replace(target)
    except OSError as error:
        if isinstance(error, PermissionError) or error.errno in (errno.ENOSPC, errno.EROFS):
            raise HotlineError(
                _(
                    "{file} ({size:.1f} GB) cannot be written into {folder}: {error}. Make room there."
                ).format(
                    file=model.file,
                    size=model.size / 1e9,
                    folder=models_dir,
                    error=system_says(error),
                )
            ) from error
        raise _not_fetched(model, models_dir, error) from error
    except (RuntimeError, TypeError, ValueError) as error:
        # RuntimeError: the hash is wrong; the others: the answer was no file (a login page).
        raise _not_fetched(model, models_dir, error) from error
    with hashes(models_dir) as hash_of:
        hash_of(target)
    return target


def _not_fetched(model: Model, models_dir: Path, error: BaseException) -> ModelMissing:
    reason = getattr(error, "reason", None) or error
    if isinstance(error, RuntimeError):
        reason = _("what came is not OpenAI's file")
    elif isinstance(error, TypeError | ValueError):
        reason = _("the server sent no file")
    return ModelMissing(
        _(
            "{name} could not be fetched ({reason}). On a computer that reaches it download {url} "
            "and bring the file {file} on a USB stick into {folder}."
        ).format(name=model.name, reason=reason, url=model.url, file=model.file, folder=models_dir)
    )


@contextlib.contextmanager
def _counted(whisper: object, progress: Progress | None) -> Iterator[None]:
    """Let Whisper's downloader tell `progress` instead of drawing its own bar, and not wait for ever.

    The downloader takes `tqdm` from its module and has no argument for it.
    """
    import warnings

    class Counter:
        def __init__(self, total: int = 0, **_unused: object) -> None:
            self.total, self.done = total, 0

        def __enter__(self) -> Counter:
            return self

        def __exit__(self, *_unused: object) -> None: ...

        def update(self, n: int) -> None:
            self.done += n
            if progress is not None:
                progress(self.done, self.total)

    bar, patience = whisper.tqdm, socket.getdefaulttimeout()  # type: ignore[attr-defined]
    whisper.tqdm = Counter  # type: ignore[attr-defined]
    socket.setdefaulttimeout(TIMEOUT_S)
    try:
        with warnings.catch_warnings():
            # It reads the file back without closing it.
            warnings.simplefilter("ignore", ResourceWarning)
            yield
    finally:
        whisper.tqdm = bar  # type: ignore[attr-defined]
        socket.setdefaulttimeout(patience)
