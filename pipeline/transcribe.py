"""Speech to words: the Transcriber protocol, and Whisper behind it.

Each channel is heard by itself, in windows of the VAD's speech spans. Every window is handed to
Whisper's own `transcribe` as samples, not as `clip_timestamps` of the whole channel: memory stays
that of one window (the spectrogram of a 3-hour channel takes gigabytes), the prompt reaches every window,
progress can be told, a window that fails harms no other, and times are exact to the sample where
clips are rounded to 10 ms. Inside a window the time line is the recording's; nothing is cut out.
"""

from __future__ import annotations

import hashlib
import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from pipeline import models
from pipeline.errors import HotlineError, ModelMissing, UsageProblem
from pipeline.i18n import _
from pipeline.phantoms import judged, without_clear_words
from pipeline.spans import Interval, merge, sounding, uncovered
from pipeline.types import SAMPLE_RATE, Audio, Segment, Span, Speaker, Transcript, Word

if TYPE_CHECKING:
    import numpy as np

ENGINES = ("whisper", "fast")
PROMPT = "以下是普通话的句子。"
"""Turns Whisper to simplified script and punctuation: the usual prompt for Mandarin (domain facts)."""

FRAMES_PER_SECOND = 100
"""Whisper's `seek` counts these."""
TAIL_S = 0.5
"""Whisper decodes what is left of a window after its last word by itself, and writes 谢谢 or 再见 into it.
The last half second before a silence is what the VAD adds to speech (0.4 s) and our margin."""

Progress = Callable[[float], None]
"""Called with the seconds of speech heard so far, over all channels."""


@dataclass(frozen=True, slots=True)
class Hearing:
    """How Whisper is asked, and how speech is cut into windows. Stored with every transcript.

    `words` are the office's own (the estate, its roads, its people): they and `prompt` are what Whisper
    takes for the text before each window. Since a prompt can come back as words that nobody said, only
    speech is heard, and what is nothing but the prompt is set aside (`phantoms.py`).

    `window_s`: Whisper hears 30 s at once; two are left for the margins. `max_gap_s`: a longer silence
    ends a window, for Whisper invents words in long silences. `margin_s` of silence is added to both
    ends of a window. `relisten_s`: speech of this length in which no words came is heard once more by
    itself, for Whisper believes its own last timestamp and may skip the rest of a window; 0 never.

    The thresholds: fallback to higher temperatures when the text compresses better than
    `compression_ratio_threshold` (Whisper's 2.4 is fitted to English; ordinary Chinese reaches 1.33,
    a phrase four times on end 2.3) or is less sure than `logprob_threshold` (Whisper's own); a window is
    left without words above `no_speech_threshold` when that sure it is not (Whisper's own).

    `raise_db`: by how much at most the quiet party of a channel is raised to the loud one (`levels.py`).
    """

    language: str = "zh"
    prompt: str = PROMPT
    words: tuple[str, ...] = ()
    beam_size: int = 5
    temperatures: tuple[float, ...] = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
    compression_ratio_threshold: float = 1.8
    logprob_threshold: float = -1.0
    no_speech_threshold: float = 0.6
    window_s: float = 28.0
    max_gap_s: float = 8.0
    margin_s: float = 0.2
    relisten_s: float = 1.5
    raise_db: float = 20.0

    @property
    def before(self) -> str:
        """The text that Whisper is told stood before each window. The sentence stands last, next to what
        is heard, for it sets the script and the punctuation."""
        return ("、".join(self.words) + "。" if self.words else "") + self.prompt


class Kept(Protocol):
    """Windows of one recording that were heard before, when a run was cut off in the middle of it."""

    def get(self, key: str) -> tuple[Segment, ...] | None:
        """What was heard of the window that `key` names, or None."""
        ...

    def put(self, key: str, segments: Sequence[Segment]) -> None:
        """Keep what was heard of it."""
        ...


class Transcriber(Protocol):
    """An engine with its weights loaded."""

    engine: str
    model: str

    def transcribe(
        self,
        audio: Audio,
        speech: Sequence[Span],
        progress: Progress | None = None,
        kept: Kept | None = None,
    ) -> Transcript:
        """Hear `speech` of `audio`; every span is in the transcript, with words or without.

        Windows that `kept` has are not heard again, and each that was heard is put there.
        """
        ...


def load(
    model_name: str,
    models_dir: Path,
    *,
    engine: str = "whisper",
    language: str = "zh",
    words: Sequence[str] = (),
    staff_channel: int | None = None,
) -> Transcriber:
    """Load weights by name or path, once for all recordings of a run.

    `words` are the office's own, told to Whisper before every window; the demonstration's weights were
    never taught to read before they hear, and are told nothing. `staff_channel` is the channel of stereo
    recordings on which staff speak, or None if it is not known.

    Raises:
        ModelMissing: the weights are not here, damaged, or no Whisper weights.
        UsageProblem: an engine or model that the program does not know, or too many words.
    """
    if engine not in ENGINES:
        raise UsageProblem(
            _("There is no engine called {name}. There are: {names}.").format(
                name=engine, names=", ".join(ENGINES)
            )
        )
    path = models.find(model_name, models_dir)
    known = models.known(model_name)
    hearing = Hearing(
        language=language, prompt=PROMPT if language == "zh" else "", words=tuple(words)
    )
    if known is not None:
        hearing = replace(hearing, window_s=known.window_s)
        if known.name == "demo":
            hearing = replace(hearing, prompt="", words=())
    _refuse_too_many(hearing)
    name = known.name if known is not None else str(path)
    if engine == "fast":
        from pipeline.fast import FastTranscriber

        return FastTranscriber(path, name, hearing, models_dir, staff_channel=staff_channel)
    return WhisperTranscriber(path, name, hearing, staff_channel=staff_channel)


PROMPT_TOKENS = 223
"""What Whisper takes as a prompt: half of its text context, less one; a character is one or two."""


def _refuse_too_many(hearing: Hearing) -> None:
    """Raises UsageProblem where the words do not fit before a window: Whisper would drop some unsaid."""
    if not hearing.words:
        return
    from whisper.tokenizer import get_tokenizer

    with warnings.catch_warnings():  # it leaves the vocabulary's file open
        warnings.simplefilter("ignore", ResourceWarning)
        tokenizer = get_tokenizer(True, num_languages=99)
    room = PROMPT_TOKENS - len(tokenizer.encode(" " + hearing.prompt))
    for fit, word in enumerate(hearing.words):
        room -= len(tokenizer.encode(word + "、"))
        if room < 0:
            raise UsageProblem(
                _(
                    "[hearing] words in hotline.toml are too many: the recogniser takes the first {n}. "
                    "Leave out those from {word} on, or put the most telling first."
                ).format(n=fit, word=word)
            )


# -- windows -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of one channel that is heard at once: `start <= first speech`, in seconds.

    `speech` are the spans inside it, which count for progress and for what was not heard. `cut` is
    true where the window ends in the middle of speech.
    """

    start: float
    end: float
    speech: tuple[Interval, ...]
    cut: bool = False


def windows(
    speech: Sequence[Interval], samples: np.ndarray, hearing: Hearing
) -> tuple[Window, ...]:
    """Pack the speech of one channel, shape (samples,) at SAMPLE_RATE, into windows that do not overlap.

    Windows are cut in silences; a span longer than a window is cut where it is quietest.
    """
    duration = len(samples) / SAMPLE_RATE
    pieces = [
        piece
        for start, end in merge((max(0.0, a), min(duration, b)) for a, b in speech)
        for piece in _cut(start, end, samples, hearing.window_s)
    ]
    packed: list[list[Interval]] = []
    for start, end in pieces:
        if (
            packed
            and end - packed[-1][0][0] <= hearing.window_s
            and start - packed[-1][-1][1] <= hearing.max_gap_s
        ):
            packed[-1].append((start, end))
        else:
            packed.append([(start, end)])
    made = []
    for i, group in enumerate(packed):
        # Margins of neighbours share the silence between them.
        before = (packed[i - 1][-1][1] + group[0][0]) / 2 if i else 0.0
        following = packed[i + 1][0][0] if i + 1 < len(packed) else None
        after = duration if following is None else (group[-1][1] + following) / 2
        made.append(
            Window(
                max(before, group[0][0] - hearing.margin_s),
                min(after, group[-1][1] + hearing.margin_s),
                tuple(group),
                cut=following == group[-1][1],
            )
        )
    return tuple(made)


def _cut(start: float, end: float, samples: np.ndarray, longest: float) -> Iterator[Interval]:
    """`start` to `end` in pieces of at most `longest` seconds, cut at the quietest 0.2 s of the last
    four tenths before the limit."""
    while end - start > longest:
        cut = _quietest(samples, start + 0.6 * longest, start + longest)
        yield start, cut
        start = cut
    yield start, end


def _quietest(samples: np.ndarray, start: float, end: float) -> float:
    import numpy as np

    step = SAMPLE_RATE // 100
    first = int(start * SAMPLE_RATE)
    part = samples[first : int(end * SAMPLE_RATE)].astype(np.float64)
    frames = part[: len(part) // step * step].reshape(-1, step)
    power = np.convolve((frames**2).mean(axis=1), np.ones(20), mode="valid")
    return (first + (int(power.argmin()) + 10) * step) / SAMPLE_RATE


@dataclass(frozen=True, slots=True, eq=False)
class _Channel:
    """One channel as it is heard: who speaks on it, shape (samples,) of its sound at SAMPLE_RATE, and by
    how many dB each of its frames is raised."""

    number: int
    speaker: Speaker
    samples: np.ndarray
    gain: np.ndarray

    @classmethod
    def of(cls, number: int, speaker: Speaker, samples: np.ndarray, hearing: Hearing) -> _Channel:
        from pipeline import levels

        gain = levels.gains(levels.band_levels(samples), hearing.raise_db)
        return cls(number, speaker, samples, gain)

    def part(self, start: float, end: float) -> np.ndarray:
        """What is heard from `start` to `end` seconds, float32."""
        import numpy as np

        from pipeline import levels

        first = round(start * SAMPLE_RATE)
        part = self.samples[first : round(end * SAMPLE_RATE)]
        return np.ascontiguousarray(levels.raised(part, self.gain, first), np.float32)


# -- Whisper -----------------------------------------------------------------------------------


class WhisperTranscriber:
    """OpenAI's Whisper with one checkpoint, on the GPU if torch finds one."""

    engine = "whisper"

    def __init__(
        self, path: Path, name: str, hearing: Hearing, *, staff_channel: int | None = None
    ) -> None:
        """Load the checkpoint at `path`, called `name` in transcripts.

        Raises:
            ModelMissing: the file is damaged or holds no Whisper weights.
            HotlineError: the memory is too small for it.
        """
        self.model = name
        self.hearing = hearing
        self.staff_channel = staff_channel
        self._whisper: Any = self._load(path, name)

    def _load(self, path: Path, name: str) -> Any:
        return _load(path, name)

    def transcribe(
        self,
        audio: Audio,
        speech: Sequence[Span],
        progress: Progress | None = None,
        kept: Kept | None = None,
    ) -> Transcript:
        """Hear `speech` of `audio`, a channel after the other; see `Transcriber`.

        A window that fails leaves its speech without words and its reason in
        `parameters["failed"]`; the turns show it as unheard.

        Raises:
            HotlineError: no window could be heard, or the memory is too small.
        """
        segments: list[Segment] = []
        failed: list[dict[str, object]] = []
        done, count = 0.0, 0
        for number, samples in enumerate(audio.channels):
            spans = [(span.start, span.end) for span in speech if span.channel == number]
            channel = _Channel.of(number, self._speaker(audio, number), samples, self.hearing)
            for window in windows(spans, samples, self.hearing):
                count += 1
                try:
                    segments += self._once(channel, window, kept)
                except MemoryError as error:
                    raise HotlineError(_too_little_memory(self.model)) from error
                except (RuntimeError, ValueError, IndexError) as error:
                    if "memory" in str(error).lower():  # torch has no error of its own for it
                        raise HotlineError(_too_little_memory(self.model)) from error
                    # Whisper's alignment has failed on odd windows (torch, numpy): the next may do.
                    failed.append(
                        {
                            "start": window.start,
                            "end": window.end,
                            "channel": number,
                            "reason": f"{type(error).__name__}: {error}",
                        }
                    )
                done += sum(end - start for start, end in window.speech)
                if progress is not None:
                    progress(done)
        if count and len(failed) == count:
            raise HotlineError(
                _("Whisper failed on the whole recording ({error}); try another model.").format(
                    error=failed[0]["reason"]
                )
            )
        segments = without_clear_words(segments)
        segments.sort(key=lambda segment: (segment.start, segment.channel))
        parameters: dict[str, object] = asdict(self.hearing)
        parameters |= {"windows": count, "failed": failed, "staff_channel": self.staff_channel}
        return Transcript(
            self.engine,
            self.model,
            self.hearing.language,
            tuple(segments),
            tuple(sorted(speech, key=lambda span: (span.start, span.channel))),
            parameters,
        )

    def _once(self, channel: _Channel, window: Window, kept: Kept | None) -> Sequence[Segment]:
        """The segments of a window, heard now unless they are kept."""
        if kept is None:
            return self._hear(channel, window)
        # All on which the words depend: the very samples, the weights and how they are asked.
        said = (self.engine, self.model, self.hearing, window, channel.number, channel.speaker)
        part = channel.part(window.start, window.end)
        key = hashlib.sha256(repr(said).encode() + part.tobytes()).hexdigest()
        found = kept.get(key)
        if found is None:
            found = tuple(self._hear(channel, window))
            kept.put(key, found)
        return found

    def _speaker(self, audio: Audio, channel: int) -> Speaker:
        if len(audio.channels) < 2 or self.staff_channel is None:
            return "unknown"
        return "staff" if channel == self.staff_channel else "resident"

    def _hear(self, channel: _Channel, window: Window) -> list[Segment]:
        """The segments of one window; long speech that got no words is heard once more by itself."""
        found = self._hear_once(channel, window)
        if not self.hearing.relisten_s:
            return found
        heard = [sounding(word) for segment in found for word in _words_of(segment)]
        for start, end in uncovered(window.speech, heard):
            if end - start < self.hearing.relisten_s or not heard:
                continue
            again = Window(start, end, ((start, end),), cut=True)
            more = self._hear_once(channel, again)
            # The stretch may lie between two words of one segment: text must stay in order of time.
            found = [part for segment in found for part in _parted(segment, start)] + more
        return sorted(found, key=lambda segment: segment.start)

    def _hear_once(self, channel: _Channel, window: Window) -> list[Segment]:
        part = channel.part(window.start, window.end)
        found = _segments(self._listen(part), window, channel.number, channel.speaker)
        return judged(found, self.hearing.prompt, self.hearing.words)

    def _listen(self, part: np.ndarray) -> list[dict[str, Any]]:
        """Whisper's own segments of one window, shape (samples,) float32, times from its beginning."""
        import torch
        import whisper

        hearing = self.hearing
        on_cpu = self._whisper.device.type == "cpu"
        # Temperatures above 0 draw lots: the same call must be heard the same again.
        with torch.random.fork_rng(devices=[] if on_cpu else None), warnings.catch_warnings():
            torch.manual_seed(0)
            # Its tokenizer leaves the vocabulary's file open.
            warnings.simplefilter("ignore", ResourceWarning)
            result = whisper.transcribe(
                self._whisper,
                part,
                verbose=None,
                task="transcribe",
                language=hearing.language,
                temperature=hearing.temperatures,
                beam_size=hearing.beam_size,
                compression_ratio_threshold=hearing.compression_ratio_threshold,
                logprob_threshold=hearing.logprob_threshold,
                no_speech_threshold=hearing.no_speech_threshold,
                condition_on_previous_text=False,
                initial_prompt=hearing.before or None,
                # Whisper may decode a window in several goes; the prompt is for all of them.
                carry_initial_prompt=bool(hearing.before),
                word_timestamps=True,
                fp16=not on_cpu,
            )
        found: list[dict[str, Any]] = result["segments"]
        return found


def _load(path: Path, name: str) -> Any:
    """The model at `path` on the best device, with OpenAI's alignment heads where `name` has them."""
    import torch
    import whisper

    try:
        # On the CPU first: a checkpoint saved from a GPU must load anywhere.
        loaded = whisper.load_model(str(path), device="cpu")
        heads = models.alignment_heads(name)
        if heads is not None:
            loaded.set_alignment_heads(heads)
        if torch.cuda.is_available():
            loaded = loaded.to("cuda")
    except MemoryError as error:
        raise HotlineError(_too_little_memory(name)) from error
    except Exception as error:
        # torch.load raises whatever the damage makes it stumble over: pickle, zip, key and type errors.
        if "memory" in str(error).lower():
            raise HotlineError(_too_little_memory(name)) from error
        raise ModelMissing(
            _(
                "{path} holds no Whisper weights or is damaged ({error}); copy it again or name another."
            ).format(path=path, error=(str(error) or type(error).__name__).splitlines()[0][:120])
        ) from error
    return loaded.eval()


def _too_little_memory(name: str) -> str:
    return _(
        "The memory is too small for {name}; close other programs, or use a smaller model "
        "(see: hotline models)."
    ).format(name=name)


def _segments(
    found: Sequence[dict[str, Any]],
    window: Window,
    channel: int,
    speaker: Speaker,
) -> list[Segment]:
    """Whisper's segments of one window on the recording's time line; those without words are dropped.

    Times are kept inside the window and never run backwards.
    """
    segments: list[Segment] = []
    at = window.start
    for raw in found:
        if not raw["text"].strip():
            continue
        words: list[Word] = []
        floor = at
        for word in raw.get("words", ()):
            start = min(max(window.start + float(word["start"]), floor), window.end)
            end = min(max(window.start + float(word["end"]), start), window.end)
            probability = min(max(_finite(word["probability"], 0.0), 0.0), 1.0)
            heard = Word(start, end, word["word"], probability)
            words.append(replace(heard, end=sounding(heard)[1]))
            floor = end
        if words:
            start, end = words[0].start, words[-1].end
        else:
            start = min(max(window.start + float(raw["start"]), at), window.end)
            end = min(max(window.start + float(raw["end"]), start), window.end)
        at = end
        segment = Segment(
            start,
            end,
            raw["text"].strip(),
            tuple(words),
            channel,
            speaker,
            _finite(raw["avg_logprob"], -10.0),
            min(max(_finite(raw["no_speech_prob"], 0.0), 0.0), 1.0),
            _finite(raw["compression_ratio"], 1.0),
        )
        tail = window.end - window.start - raw["seek"] / FRAMES_PER_SECOND
        if tail < TAIL_S and raw["seek"] > 0 and not window.cut:
            segment = replace(segment, set_aside="phantom")
        segments.append(segment)
    return segments


def _parted(segment: Segment, at: float) -> tuple[Segment, ...]:
    """`segment` in two, its words that begin before `at` and the others; whole if that is all of them."""
    cut = sum(word.start < at for word in segment.words)
    if cut in (0, len(segment.words)):
        return (segment,)
    return tuple(
        replace(
            segment,
            start=words[0].start,
            end=words[-1].end,
            text="".join(word.text for word in words).strip(),
            words=words,
        )
        for words in (segment.words[:cut], segment.words[cut:])
    )


def _words_of(segment: Segment) -> tuple[Word, ...]:
    return segment.words or (Word(segment.start, segment.end, segment.text, 0.0),)


def _finite(value: float, instead: float) -> float:
    """`value`, or `instead` where a degenerate window gave none: JSON and SQLite know no NaN."""
    return float(value) if math.isfinite(value) else instead
