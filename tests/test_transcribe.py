"""Hearing with Whisper itself: a tiny checkpoint that says one thing shows shapes, times and failures;
the demonstration's own checkpoint shows words."""

from __future__ import annotations

import warnings
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import models, transcribe
from pipeline.errors import ModelMissing, UsageProblem
from pipeline.phantoms import judged
from pipeline.spans import merge, sounding, subtract, uncovered
from pipeline.transcribe import Hearing, WhisperTranscriber, windows
from pipeline.types import SAMPLE_RATE, Audio, Segment, Span, Word

HEARING = Hearing()


def sound(seconds: float, *, seed: int = 1, level: float = 0.1) -> np.ndarray:
    noise = np.random.default_rng(seed).standard_normal(round(seconds * SAMPLE_RATE))
    return (noise * level).astype(np.float32)


def audio(*channels: np.ndarray) -> Audio:
    return Audio(
        channels,
        len(channels[0]) / SAMPLE_RATE,
        "stereo" if len(channels) == 2 else "mono",
        "wav",
        "pcm_s16le",
        SAMPLE_RATE,
        len(channels),
    )


SAYS = "好的。"


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Says SAYS in the first second of whatever it hears."""
    return make_parrot(tmp_path_factory.mktemp("weights") / "parrot.pt", {0: SAYS})


def make_parrot(path: Path, sentences: dict[int, str]) -> Path:
    """A checkpoint in OpenAI's format that says a sentence, each behind so many tokens of a prompt.

    Its blocks add nothing; the embedding of each position points to the token that comes next.
    """
    import torch
    from whisper.model import ModelDimensions, Whisper
    from whisper.tokenizer import get_tokenizer

    torch.manual_seed(1)
    width = 32
    dims = ModelDimensions(80, 1500, width, 2, 1, 51865, 448, width, 2, 2)
    model = Whisper(dims)
    with warnings.catch_warnings():  # the tokenizer leaves a file open
        warnings.simplefilter("ignore", ResourceWarning)
        tokenizer = get_tokenizer(True, num_languages=99, language="zh", task="transcribe")
    first = tokenizer.timestamp_begin
    scripts = {
        before: [first, *tokenizer.encode(sentence), first + 50, tokenizer.eot]
        for before, sentence in sentences.items()
    }
    decoder = model.decoder
    with torch.no_grad():
        for block in decoder.blocks:
            for part in (block.attn.out, block.cross_attn.out, block.mlp[2]):
                part.weight.zero_()
                part.bias.zero_()
        decoder.token_embedding.weight.zero_()
        decoder.positional_embedding.zero_()
        for i, token in enumerate({token: 0 for script in scripts.values() for token in script}):
            decoder.token_embedding.weight[token, i] = 4.0
        for before, script in scripts.items():
            for i, token in enumerate(script, before + 2):
                decoder.positional_embedding[i] = 100 * decoder.token_embedding.weight[token]
    torch.save({"dims": vars(dims), "model_state_dict": model.half().state_dict()}, path)
    return path


PARROT = Hearing(beam_size=1, prompt="", relisten_s=0.0)


@pytest.fixture(scope="module")
def quick(checkpoint: Path) -> WhisperTranscriber:
    return WhisperTranscriber(checkpoint, "parrot", PARROT)


# -- windows -----------------------------------------------------------------------------------


def test_neighbours_share_a_window_and_long_silences_part_them() -> None:
    made = windows([(1, 3), (5, 9), (25, 30)], sound(40), HEARING)
    assert [w.speech for w in made] == [((1, 3), (5, 9)), ((25, 30),)]
    assert (made[0].start, made[0].end) == (0.8, 9.2)


def test_a_window_ends_before_it_is_too_long() -> None:
    spans = [(i * 6.0, i * 6.0 + 5) for i in range(10)]
    made = windows(spans, sound(60), HEARING)
    assert [span for w in made for span in w.speech] == spans
    assert all(w.speech[-1][1] - w.speech[0][0] <= HEARING.window_s for w in made)
    assert len(made) == 2 + 1


def test_a_span_longer_than_a_window_is_cut_where_it_is_quietest() -> None:
    samples = sound(60)
    samples[int(22.4 * SAMPLE_RATE) : int(22.7 * SAMPLE_RATE)] *= 0.01
    first, second, third = windows([(0, 60)], samples, HEARING)
    assert 22.4 < first.end < 22.7
    assert first.end == second.start
    assert first.cut
    assert not third.cut


LONG = sound(120)
stretches = st.lists(
    st.tuples(st.floats(0, 100), st.floats(0.05, 70)).map(lambda x: (x[0], x[0] + x[1])), max_size=8
)


@given(stretches, st.sampled_from([2.0, 15.0, 28.0]))
@settings(max_examples=60, deadline=None)
def test_windows_hold_all_speech_once_and_in_order(
    speech: list[tuple[float, float]], window_s: float
) -> None:
    hearing = Hearing(window_s=window_s)
    made = windows(speech, LONG, hearing)
    for before, after in pairwise(made):
        assert before.end <= after.start
    for window in made:
        assert 0 <= window.start <= window.speech[0][0]
        assert window.speech[-1][1] <= window.end <= 120
        assert window.end - window.start <= window_s + 2 * hearing.margin_s + 1e-9
    inside = [(max(a, 0), min(b, 120)) for a, b in speech]
    assert subtract(inside, [piece for w in made for piece in w.speech]) == []
    assert sum(b - a for w in made for a, b in w.speech) == pytest.approx(
        sum(b - a for a, b in merge(inside))
    )


# -- the engine, with the parrot's weights ------------------------------------------------------


def test_times_lie_in_their_windows_and_never_run_backwards(quick: WhisperTranscriber) -> None:
    speech = (Span(1.0, 2.5), Span(20.0, 22.0))
    told: list[float] = []
    heard = quick.transcribe(audio(sound(30)), speech, told.append)
    assert told == [1.5, 3.5]
    assert heard.speech == speech
    assert [segment.text for segment in heard.segments] == [SAYS, SAYS]
    at = 0.0
    for segment in heard.segments:
        assert any(s.start - 0.3 <= segment.start <= segment.end <= s.end + 0.3 for s in speech)
        for word in segment.words:
            assert at <= word.start <= word.end
            assert 0 <= word.probability <= 1
            at = word.end
    assert (heard.engine, heard.model, heard.language) == ("whisper", "parrot", "zh")
    assert heard.parameters["windows"] == 2
    assert heard.parameters["failed"] == []


def test_channels_are_heard_apart_and_staff_are_known_by_theirs(checkpoint: Path) -> None:
    engine = WhisperTranscriber(checkpoint, "parrot", PARROT, staff_channel=1)
    speech = (Span(0.5, 2.0, 0), Span(3.0, 4.0, 1))
    heard = engine.transcribe(audio(sound(5), sound(5, seed=2)), speech)
    assert {(s.channel, s.speaker) for s in heard.segments} == {(0, "resident"), (1, "staff")}
    mono = engine.transcribe(audio(sound(5)), speech[:1])
    assert {s.speaker for s in mono.segments} == {"unknown"}


def test_the_same_call_is_heard_the_same_again_even_by_lot(checkpoint: Path) -> None:
    hearing = replace(PARROT, temperatures=(1.0,))
    engine = WhisperTranscriber(checkpoint, "parrot", hearing)
    call, speech = audio(sound(30)), tuple(Span(t, t + 1.0) for t in range(1, 28, 9))
    assert engine.transcribe(call, speech) == engine.transcribe(call, speech)


def test_speech_that_got_no_words_is_heard_once_more_by_itself(checkpoint: Path) -> None:
    speech = (Span(1.0, 9.0),)
    call = audio(sound(10))
    (once,) = WhisperTranscriber(checkpoint, "parrot", PARROT).transcribe(call, speech).segments
    again = WhisperTranscriber(checkpoint, "parrot", replace(PARROT, relisten_s=1.5))
    heard = again.transcribe(call, speech).segments
    assert once in heard
    gaps = uncovered([(1.0, 9.0)], [sounding(word) for word in once.words])
    assert len(heard) == 1 + len([gap for gap in gaps if gap[1] - gap[0] >= 1.5]) > 1
    for segment in heard:
        inside = any(a <= segment.start <= segment.end <= b for a, b in gaps)
        assert segment == once or inside


def test_a_segment_is_parted_where_something_was_heard_between_its_words() -> None:
    said = (Word(1.0, 1.2, "好", 0.9), Word(1.2, 1.4, "的。", 0.9), Word(8.0, 8.2, "再见", 0.9))
    segment = Segment(1.0, 8.2, "好的。再见", said, avg_logprob=-0.3)
    before, after = transcribe._parted(segment, 2.0)
    assert (before.text, before.end, before.words) == ("好的。", 1.4, said[:2])
    assert (after.text, after.start, after.words) == ("再见", 8.0, said[2:])
    assert after.avg_logprob == -0.3
    assert transcribe._parted(segment, 0.5) == transcribe._parted(segment, 9.0) == (segment,)


def test_a_window_that_fails_harms_no_other_and_is_told(
    quick: WhisperTranscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    import whisper

    real = whisper.transcribe

    def fails_on_short(model: object, samples: np.ndarray, **options: Any) -> Any:
        if len(samples) < 1.2 * SAMPLE_RATE:
            raise RuntimeError("std_mean: no elements")
        return real(model, samples, **options)

    monkeypatch.setattr(whisper, "transcribe", fails_on_short)
    speech = (Span(1.0, 1.5), Span(20.0, 22.0))
    heard = quick.transcribe(audio(sound(30)), speech)
    assert heard.speech == speech
    assert all(segment.start > 19 for segment in heard.segments)
    (failed,) = heard.parameters["failed"]  # type: ignore[misc]
    assert failed["reason"] == "RuntimeError: std_mean: no elements"  # type: ignore[index]


def test_no_speech_is_an_empty_transcript(quick: WhisperTranscriber) -> None:
    heard = quick.transcribe(audio(sound(2)), ())
    assert (heard.segments, heard.speech) == ((), ())


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 half a zip", b"<html>", b"\x80\x02}q\x00."])
def test_a_damaged_file_is_a_sentence_and_no_stack(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "own.pt"
    path.write_bytes(content)
    with pytest.raises(
        ModelMissing, match=r"own\.pt holds no Whisper weights or is damaged"
    ) as told:
        transcribe.load("own.pt", tmp_path)
    assert "\n" not in str(told.value)


def test_weights_of_another_kind_are_refused(tmp_path: Path) -> None:
    import torch

    torch.save({"weights": torch.zeros(3)}, tmp_path / "own.pt")
    with pytest.raises(ModelMissing, match="holds no Whisper weights"):
        transcribe.load("own.pt", tmp_path)


def test_an_unknown_engine_names_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match="whisper"):
        transcribe.load("small", tmp_path, engine="magic")


def test_official_weights_get_their_alignment_heads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`load_model(path)` leaves the default heads; a checkpoint of tiny's shape shows ours."""
    import base64
    import gzip

    import torch
    import whisper
    from whisper.model import ModelDimensions, Whisper

    dims = ModelDimensions(80, 1500, 12, 6, 1, 51865, 448, 12, 6, 4)
    path = tmp_path / "tiny.pt"
    torch.save({"dims": vars(dims), "model_state_dict": Whisper(dims).state_dict()}, path)
    loaded = WhisperTranscriber(path, "tiny", HEARING)._whisper
    mask = np.frombuffer(
        gzip.decompress(base64.b85decode(whisper._ALIGNMENT_HEADS["tiny"])), dtype=bool
    ).reshape(4, 6)
    assert (loaded.alignment_heads.to_dense().numpy() == mask).all()


# -- circles: heard again at a higher temperature -----------------------------------------------

CIRCLES = {
    # whisper.cpp large-v3-q5_0, github.com/ggml-org/whisper.cpp/issues/1788, one after another
    "你只能选择两个。" * 6: 3.89,
    # measured on phrases that Whisper repeats; its own limit of 2.4 lets both pass
    "我们下去看一下" * 4: 2.62,
    "谢谢" * 5: 2.14,
}
PLAIN = {
    # the same run, before the circles
    "陆星川,你带两个小情人过来。不过呢,你只能选择其中一个。": 0.91,
    # numbers and names said twice, as people do
    "幺三九幺七二六四零八五，幺三九幺七二六四零八五。": 1.41,
    "好的好的，谢谢，谢谢你们，再见。": 1.07,
    "不是的，这里是居委会，您打错电话了。": 0.83,
}


@pytest.mark.parametrize("text", CIRCLES)
def test_circles_compress_more_than_the_threshold(text: str) -> None:
    from whisper.utils import compression_ratio

    assert compression_ratio(text) > HEARING.compression_ratio_threshold
    assert compression_ratio(text) == pytest.approx(CIRCLES[text], abs=0.01)


@pytest.mark.parametrize("text", PLAIN)
def test_plain_words_compress_less_than_the_threshold(text: str) -> None:
    from whisper.utils import compression_ratio

    assert compression_ratio(text) < HEARING.compression_ratio_threshold
    assert compression_ratio(text) == pytest.approx(PLAIN[text], abs=0.01)


@pytest.mark.parametrize(
    ("text", "threshold", "temperature"),
    [
        ("谢谢" * 5, 1.8, 0.2),
        ("谢谢" * 5, 2.4, 0.0),
        ("好的好的，谢谢，谢谢你们，再见。", 1.8, 0.0),
    ],
)
def test_what_goes_round_is_heard_again_at_the_next_temperature(
    tmp_path: Path, text: str, threshold: float, temperature: float
) -> None:
    hearing = replace(
        PARROT, temperatures=(0.0, 0.2), compression_ratio_threshold=threshold, window_s=4.0
    )
    engine = WhisperTranscriber(make_parrot(tmp_path / "p.pt", {0: text}), "parrot", hearing)
    (heard, *_more) = engine._listen(sound(2.0))
    assert heard["text"].strip() == text
    assert heard["temperature"] == temperature


# -- what does not count (tests/test_phantoms.py has the words) ---------------------------------


def test_segments_keep_their_words_when_set_aside() -> None:
    window = transcribe.Window(10.0, 15.0, ((10.0, 15.0),))
    raw = {
        "text": " 谢谢观看", "seek": 0, "start": 0.0, "end": 2.0, "avg_logprob": float("nan"),
        "no_speech_prob": 0.1, "compression_ratio": 0.8,
        "words": [{"word": "谢谢观看", "start": 0.0, "end": 99.0, "probability": np.float64(0.5)}],
    }  # fmt: skip
    (segment,) = judged(transcribe._segments([raw], window, 0, "unknown"))
    assert segment.set_aside == "phantom"
    assert [(w.start, w.end, w.text) for w in segment.words] == [(10.0, 12.5, "谢谢观看")]
    assert type(segment.words[0].probability) is float
    assert segment.avg_logprob == -10.0


@pytest.mark.parametrize(
    ("seek", "cut", "reason"), [(470, False, "phantom"), (440, False, None), (490, True, None)]
)
def test_words_from_the_silent_tail_of_a_window_are_set_aside(
    seek: int, cut: bool, reason: str | None
) -> None:
    window = transcribe.Window(10.0, 15.0, ((10.0, 15.0),), cut)
    raw = {
        "text": "谢谢。", "seek": seek, "start": 4.8, "end": 5.0, "avg_logprob": -0.2,
        "no_speech_prob": 0.1, "compression_ratio": 0.8, "words": [],
    }  # fmt: skip
    (segment,) = judged(transcribe._segments([raw], window, 0, "unknown"))
    assert (segment.text, segment.set_aside) == ("谢谢。", reason)


# -- the prompt --------------------------------------------------------------------------------

READ = "好的我知道了马上就来。"
ASKED = Hearing(beam_size=1, words=("桂花苑", "长寿路"), relisten_s=0.0, window_s=60.0)


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_reader(tmp_path_factory.mktemp("weights") / "reader.pt")


def make_reader(path: Path) -> Path:
    """Says READ behind exactly the prompt of ASKED, and something else without one."""
    from whisper.tokenizer import get_tokenizer

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        told = get_tokenizer(True, num_languages=99).encode(" " + ASKED.before)
    return make_parrot(path, {0: "没有。", 1 + len(told): READ})


def said(engine: WhisperTranscriber) -> list[str]:
    """What the parrot says in two windows, of which Whisper hears the first in two goes of 30 s."""
    heard = engine.transcribe(audio(sound(62)), (Span(1.0, 45.0), Span(60.0, 61.0)))
    assert heard.parameters["windows"] == 2
    return [segment.text for segment in heard.segments if segment.set_aside is None]


def test_the_prompt_reaches_every_window_and_every_go_at_it(reader: Path) -> None:
    assert said(WhisperTranscriber(reader, "parrot", ASKED)) == [READ] * 3
    silent = replace(ASKED, words=(), prompt="")
    assert READ not in said(WhisperTranscriber(reader, "parrot", silent))


def test_the_office_s_words_reach_the_engine_that_is_loaded(reader: Path) -> None:
    """What stands in hotline.toml, through `load`, for weights of any name but the demonstration's."""
    engine = transcribe.load(str(reader), reader.parent, words=ASKED.words)
    assert isinstance(engine, WhisperTranscriber)
    assert (engine.hearing.words, engine.hearing.before) == (ASKED.words, ASKED.before)
    (heard,) = engine.transcribe(audio(sound(3)), (Span(1.0, 2.0),)).segments
    assert heard.text == READ


def test_the_office_s_words_come_first_and_the_sentence_last() -> None:
    assert ASKED.before == "桂花苑、长寿路。" + transcribe.PROMPT
    assert Hearing().before == transcribe.PROMPT
    assert Hearing(prompt="").before == ""


def test_more_words_than_the_prompt_holds_are_refused(checkpoint: Path) -> None:
    many = [f"桂花苑第{n}条弄堂" for n in range(60)]
    with pytest.raises(UsageProblem, match=r"takes the first \d+\. .*桂花苑第\d+条弄堂"):
        transcribe.load(str(checkpoint), checkpoint.parent, words=many)


def test_a_prompt_plants_nothing_where_nobody_speaks() -> None:
    """The demonstration's checkpoint, told a prompt and made to hear noise that no VAD would pass."""
    words = ("氧气瓶", "救护车", "桂花苑")
    path = models.demo_path()
    engine = WhisperTranscriber(path, "demo", Hearing(words=words, window_s=8.0))
    quiet = np.zeros(8 * SAMPLE_RATE, np.float32)
    for samples in (quiet, sound(8, level=0.003), sound(8, level=0.1)):
        heard = engine.transcribe(audio(samples), (Span(1.0, 7.0),))
        counts = "".join(s.text for s in heard.segments if s.set_aside is None)
        assert not any(word in counts for word in words), counts
