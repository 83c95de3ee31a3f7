"""The second engine: faster-whisper, from the same weights file as the first.

CTranslate2 does the same sums in less time and memory, in float32 as Whisper does on a processor, so that the
words are the same; in 8 bits it would be quicker still, and 0 to 7 % of the demonstration's characters
others. How speech is cut into windows and what becomes of the words is `transcribe.py`'s; only the
listening to one window is different.
"""

from __future__ import annotations

import warnings
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline import convert, models
from pipeline.errors import HotlineError
from pipeline.transcribe import Hearing, WhisperTranscriber

if TYPE_CHECKING:
    import numpy as np


class FastTranscriber(WhisperTranscriber):
    """faster-whisper with one checkpoint, converted at first use; on the GPU if CTranslate2 finds one."""

    engine = "fast"

    def __init__(
        self,
        path: Path,
        name: str,
        hearing: Hearing,
        models_dir: Path,
        *,
        staff_channel: int | None = None,
    ) -> None:
        """Load the checkpoint at `path`, called `name`; its converted form goes into `models_dir`.

        Raises:
            HotlineError: the extra `fast` is not installed, or there is no room.
            ModelMissing: the file is damaged or holds no Whisper weights.
        """
        self.models_dir = models_dir
        super().__init__(path, name, hearing, staff_channel=staff_channel)

    def _load(self, path: Path, name: str) -> Any:
        try:
            from faster_whisper import WhisperModel
        except ImportError as error:
            raise HotlineError(convert.missing()) from error
        import ctranslate2

        folder = convert.convert(path, self.models_dir, models.alignment_heads(name))
        on_gpu = ctranslate2.get_cuda_device_count() > 0
        return WhisperModel(
            str(folder),
            device="cuda" if on_gpu else "cpu",
            compute_type="float16" if on_gpu else "float32",
            local_files_only=True,
        )

    def _listen(self, part: np.ndarray) -> list[dict[str, Any]]:
        hearing = self.hearing
        with warnings.catch_warnings():
            # A window that is silent divides by the mean of nothing.
            warnings.simplefilter("ignore", RuntimeWarning)
            found, _info = self._whisper.transcribe(
                part,
                task="transcribe",
                language=hearing.language,
                temperature=hearing.temperatures,
                beam_size=hearing.beam_size,
                compression_ratio_threshold=hearing.compression_ratio_threshold,
                log_prob_threshold=hearing.logprob_threshold,
                no_speech_threshold=hearing.no_speech_threshold,
                condition_on_previous_text=False,
                # An initial prompt would be for the first go at a window only; these are for all.
                hotwords=hearing.before or None,
                word_timestamps=True,
                vad_filter=False,  # the speech was found before
            )
            return [
                {**asdict(segment), "words": [asdict(word) for word in segment.words or ()]}
                for segment in found
            ]
