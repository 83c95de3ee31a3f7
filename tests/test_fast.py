"""The second engine from the first one's weights: the same tokens, the same sums, the same words."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import whisper
from conftest import json_lines, run_hotline
from hypothesis import given, settings
from hypothesis import strategies as st
from test_transcribe import ASKED, READ, make_reader, said, sound

from pipeline import audio, convert, demo, models, transcribe
from pipeline.errors import HotlineError, ModelMissing
from pipeline.fast import FastTranscriber


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demonstration's checkpoint in CTranslate2's format, as the engine makes it at first use."""
    return convert.convert(models.demo_path(), tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def tokenizers(folder: Path):  # type: ignore[no-untyped-def]
    from tokenizers import Tokenizer

    ours = Tokenizer.from_file(str(folder / "tokenizer.json"))
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", ResourceWarning
        )  # whisper leaves the vocabulary's file open
        theirs = whisper.tokenizer.get_tokenizer(True, num_languages=99, task="transcribe")
    return ours, theirs


@given(text=st.text(st.characters(codec="utf-8"), max_size=60))
@settings(max_examples=300, deadline=None)
def test_any_text_becomes_whispers_own_tokens(tokenizers, text: str) -> None:  # type: ignore[no-untyped-def]
    ours, theirs = tokenizers
    tokens = theirs.encode(text, disallowed_special=())
    assert ours.encode(text, add_special_tokens=False).ids == tokens


def test_steering_tokens_have_whispers_own_numbers(tokenizers) -> None:  # type: ignore[no-untyped-def]
    ours, theirs = tokenizers
    assert len(theirs.special_tokens) > 1600
    assert {name: ours.token_to_id(name) for name in theirs.special_tokens} == theirs.special_tokens


def test_the_encoder_hears_what_whispers_hears(folder: Path) -> None:
    import ctranslate2

    noise = np.random.default_rng(3).standard_normal(5 * 16_000).astype(np.float32) * 0.1
    mel = whisper.pad_or_trim(whisper.log_mel_spectrogram(noise, padding=480_000), 3000)[None]
    with torch.no_grad():
        wanted = whisper.load_model(str(models.demo_path())).encoder(mel).numpy()
    engine = ctranslate2.models.Whisper(str(folder), compute_type="float32")
    found = np.array(engine.encode(ctranslate2.StorageView.from_array(mel.numpy())))
    assert np.abs(found - wanted).max() < 1e-3 * np.abs(wanted).max()


def test_a_call_gets_the_same_words_from_both_engines(folder: Path) -> None:
    call = next(p for p in (demo.data() / "calls").iterdir() if p.suffix == ".amr")
    sound = audio.decode(call)
    speech = [span for span in audio.speech(sound) if span.end < 20]
    assert speech
    said = {}
    for engine in transcribe.ENGINES:
        heard = transcribe.load("demo", folder.parents[1], engine=engine).transcribe(sound, speech)
        assert (heard.engine, heard.model) == (engine, "demo")
        said[engine] = [(s.text, [w.text for w in s.words]) for s in heard.segments]
        assert all(w.start <= w.end for s in heard.segments for w in s.words)
    assert said["whisper"] and said["fast"] == said["whisper"]


def test_a_fresh_conversion_is_not_made_again_and_a_new_file_is(tmp_path: Path) -> None:
    weights = tmp_path / "own.pt"
    weights.write_bytes(models.demo_path().read_bytes())
    made = convert.convert(weights, tmp_path)
    before = (made / "model.bin").stat().st_mtime_ns
    assert convert.convert(weights, tmp_path) == made
    assert (made / "model.bin").stat().st_mtime_ns == before
    (made / convert.MADE_FOR).unlink()  # as a run that was killed leaves it
    assert not convert.is_fresh(weights, made)
    convert.convert(weights, tmp_path)
    assert convert.is_fresh(weights, made)
    assert (made / "model.bin").stat().st_mtime_ns != before
    weights.write_bytes(b"no weights")
    with pytest.raises(ModelMissing, match=r"own\.pt holds no Whisper weights"):
        convert.convert(weights, tmp_path)


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "fast").write_text("a file where the folder should be")
    with pytest.raises(HotlineError, match="cannot be written into"):
        convert.convert(models.demo_path(), tmp_path)


def test_convert_is_a_command(empty: Path) -> None:
    done = run_hotline("--home", empty, "models", "convert", "demo")
    assert done.exit_code == 0 and "ready for the fast engine" in done.stdout
    assert convert.is_fresh(models.demo_path(), empty / "models" / "fast" / "demo")
    again = run_hotline("--home", empty, "models", "--json")
    assert [m["name"] for m in json_lines(again)] == ["demo"]


# -- the prompt (tests/test_transcribe.py has the checkpoint that reads it) -----------------------


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_reader(tmp_path_factory.mktemp("weights") / "reader.pt")


def fast(checkpoint: Path, hearing: transcribe.Hearing) -> FastTranscriber:
    return FastTranscriber(checkpoint, "parrot", hearing, checkpoint.parent)


def test_the_prompt_reaches_every_window_and_every_go_at_it(reader: Path) -> None:
    assert said(fast(reader, ASKED)) == [READ] * 3


@pytest.mark.parametrize("other", [replace(ASKED, words=()), replace(ASKED, prompt="")])
def test_the_prompt_is_the_office_s_words_and_the_sentence(
    reader: Path, other: transcribe.Hearing
) -> None:
    heard = fast(reader, other)._listen(sound(2))
    assert READ not in [segment["text"].strip() for segment in heard]
