"""Mandarin speech from text: espeak-ng's `cmn-latn-pinyin` voice, fed with pinyin.

The demonstration model is trained on this speech and the demonstration calls are spoken by it.
espeak-ng's `cmn` voice reads characters through a small dictionary and falls back to English; its
`cmn-latn-pinyin` voice takes pinyin with tone numbers and is right. We use the shared library
(`libespeak-ng.so.1`, version 1.51, from the Debian package) and not the command, because the
library also says when each syllable begins; the trainer needs these times.

One process speaks one utterance at a time: the library holds global state.
"""

import ctypes
import ctypes.util
import functools
import re
from dataclasses import dataclass

import numpy as np
from pypinyin import Style, lazy_pinyin
from scipy.signal import resample_poly

SAMPLE_RATE = 16_000
"""Samples per second of everything that this module returns."""

VOICES = ("f1", "f2", "f4", "linda", "m1", "m3", "m7", "michael")
"""espeak-ng variants used by the model and the calls: four that sound female, four male."""

RATES = (165, 215)
"""Words per minute, as espeak-ng counts them; 170 is about 0.2 s a syllable."""

PITCHES = (30, 70)
"""espeak-ng's pitch, 0 to 99."""

PAUSES = {"，": " , ", "、": " , ", "；": " , ", "：": " , ", "。": " . ", "？": " . ", "！": " . "}
"""What a mark of punctuation becomes; espeak-ng pauses for it. Other marks are not accepted."""

_HAN = re.compile(r"[\u4e00-\u9fff]+")
_PLAIN = {"n2": "en5", "ng2": "en5", "n4": "en4", "ng4": "en4", "hm5": "heng5", "hng5": "heng5"}
# speak_lib.h of espeak-ng 1.51
_RETRIEVAL, _UTF8, _BY_CHARACTER = 1, 1, 1
_RATE, _VOLUME, _PITCH = 1, 2, 3
_LEVEL = 75  # per cent; at espeak-ng's 100 some voices clip
_EVENT_END_OF_LIST, _EVENT_WORD = 0, 1
_TRAILING_S = 0.05
_AUDIBLE = 1e-3


class _Event(ctypes.Structure):
    """`espeak_EVENT` of speak_lib.h."""

    _fields_ = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),  # ms
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", ctypes.c_char * 8),
    ]


_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


@dataclass(frozen=True)
class Utterance:
    """One spoken sentence.

    samples: float32, SAMPLE_RATE, silence at both ends cut to at most 0.05 s
    syllables: for every Han character of the text, in order: index in the text, start and end (s)
    """

    text: str
    samples: np.ndarray
    syllables: tuple[tuple[int, float, float], ...]


class _Engine:
    """The espeak-ng library, with the audio and the word events of one utterance at a time."""

    def __init__(self) -> None:
        try:
            self.library = ctypes.CDLL("libespeak-ng.so.1")
        except OSError as error:
            raise RuntimeError("libespeak-ng.so.1 is missing: apt install espeak-ng") from error
        self.rate = self.library.espeak_Initialize(_RETRIEVAL, 500, None, 0)
        if self.rate <= 0:
            raise RuntimeError("espeak-ng could not start: is espeak-ng-data installed?")
        self.chunks: list[np.ndarray] = []
        self.words: list[tuple[int, float]] = []
        self.callback = _Callback(self._hear)  # kept: the library holds only a pointer
        self.library.espeak_SetSynthCallback(self.callback)

    def _hear(self, samples, count: int, events) -> int:
        if samples and count > 0:
            self.chunks.append(np.ctypeslib.as_array(samples, (count,)).copy())
        i = 0
        while events and events[i].type != _EVENT_END_OF_LIST:
            if events[i].type == _EVENT_WORD:
                self.words.append((events[i].text_position - 1, events[i].audio_position / 1000))
            i += 1
        return 0

    def speak(self, pinyin: str, voice: str, rate: int, pitch: int):
        """Samples at the library's own rate, and (position in `pinyin`, start in s) of each word."""
        self.chunks, self.words = [], []
        if self.library.espeak_SetVoiceByName(f"cmn-latn-pinyin+{voice}".encode()) != 0:
            raise ValueError(f"espeak-ng has no voice cmn-latn-pinyin+{voice}")
        self.library.espeak_SetParameter(_RATE, rate, 0)
        self.library.espeak_SetParameter(_PITCH, pitch, 0)
        self.library.espeak_SetParameter(_VOLUME, _LEVEL, 0)
        data = pinyin.encode()
        self.library.espeak_Synth(
            data, ctypes.c_size_t(len(data) + 1), 0, _BY_CHARACTER, 0, _UTF8, None, None
        )
        self.library.espeak_Synchronize()
        audio = np.concatenate(self.chunks) if self.chunks else np.zeros(0, np.int16)
        return audio.astype(np.float32) / 32768, list(self.words)


@functools.cache
def _engine() -> _Engine:
    return _Engine()


def syllables(text: str) -> list[tuple[int, str]]:
    """(index in the text, pinyin with tone number) of every Han character of `text`."""
    found = []
    for run in _HAN.finditer(text):
        readings = lazy_pinyin(run.group(), style=Style.TONE3, neutral_tone_with_five=True)
        if len(readings) != len(run.group()):
            raise ValueError(f"a character without pinyin in: {text}")
        for i, reading in enumerate(readings):
            reading = reading.replace("ü", "v")
            found.append((run.start() + i, _PLAIN.get(reading, reading)))
    return found


def say_timed(text: str, voice: str, rate: int = 180, pitch: int = 50) -> Utterance:
    """Speak `text` (Han characters and the marks in PAUSES; numbers written as they are said)."""
    strange = [c for c in text if c not in PAUSES and not _HAN.fullmatch(c)]
    if strange:
        raise ValueError(f"cannot be spoken: {''.join(strange)!r} in {text!r}")
    by_index = dict(syllables(text))
    pinyin, starts_at = "", {}
    for i, character in enumerate(text):
        if i in by_index:
            starts_at[len(pinyin)] = i
            pinyin += by_index[i] + " "
        else:
            pinyin += PAUSES[character]
    raw, words = _engine().speak(pinyin, voice, rate, pitch)
    divisor = np.gcd(SAMPLE_RATE, _engine().rate)
    samples = resample_poly(raw, SAMPLE_RATE // divisor, _engine().rate // divisor)
    audible = np.flatnonzero(np.abs(samples) > _AUDIBLE)
    if not len(audible):
        raise ValueError(f"espeak-ng said nothing for {text!r}")
    margin = int(_TRAILING_S * SAMPLE_RATE)
    first, last = max(0, audible[0] - margin), min(len(samples), audible[-1] + margin)
    samples = np.clip(samples[first:last], -1, 1).astype(np.float32)
    return Utterance(text, samples, _times(samples, text, words, starts_at, first / SAMPLE_RATE))


def _times(samples, text, words, starts_at, shift_s) -> tuple[tuple[int, float, float], ...]:
    """Start and end of each character; a syllable ends where the next begins or sound stops."""
    starts = {starts_at[p]: t - shift_s for p, t in words if p in starts_at}
    if len(starts) != len(starts_at):
        raise ValueError(f"espeak-ng gave {len(starts)} of {len(starts_at)} times for {text!r}")
    order = sorted(starts)
    total = len(samples) / SAMPLE_RATE
    result = []
    for i, index in enumerate(order):
        start = max(0.0, starts[index])
        end = starts[order[i + 1]] if i + 1 < len(order) else total
        if index + 1 < len(text) and text[index + 1] in PAUSES:  # a pause follows: find its start
            part = np.abs(samples[int(start * SAMPLE_RATE) : int(end * SAMPLE_RATE)])
            loud = np.flatnonzero(part > 10 * _AUDIBLE)
            end = start + (loud[-1] if len(loud) else len(part)) / SAMPLE_RATE
        result.append((index, float(start), float(end)))
    return tuple(result)


def say(text: str, voice: str, rate: int = 180, pitch: int = 50) -> np.ndarray:
    """Speak `text`: float32 samples at SAMPLE_RATE, silence at both ends cut to 0.05 s."""
    return say_timed(text, voice, rate, pitch).samples
