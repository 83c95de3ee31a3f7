"""In words without punctuation the network finds where an utterance ends and who says it."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pipeline import utterances
from pipeline.utterances import marks, marks_all

sys.path.insert(0, str(Path(__file__).parents[1] / "models" / "weights"))
sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

from spoken import Net, taken


def test_numpy_says_what_pytorch_says() -> None:
    torch.manual_seed(1)
    chars = {char: i for i, char in enumerate("我家没水了您几号楼", 1)}
    sounds = {name: i for i, name in enumerate(sorted({*map(utterances.sound, chars)}), 1)}
    net = Net(len(chars), len(sounds)).eval()
    texts = ["我家没水了您几号楼", "没水", "我家没有水"]
    said = taken(net, chars, sounds).scores(texts)
    for text, ours in zip(texts, said, strict=True):
        ids = torch.tensor([[chars.get(char, 0) for char in text]])
        heard = torch.tensor([[sounds.get(utterances.sound(char), 0) for char in text]])
        with torch.no_grad():
            assert ours == pytest.approx(net(ids, heard)[0].numpy(), abs=1e-4)


def test_who_speaks_changes_within_a_block() -> None:
    block = "我家厨房水管爆了水淌得一地都是您住几号几室我马上叫物业的师傅上门我住七号三零二"
    said = marks(block).staff
    middle = block.index("您住"), block.index("我住七号")
    assert np.mean(said[: middle[0]]) < 0.5 < np.mean(said[middle[0] : middle[1]])
    assert np.mean(said[middle[1] :]) < 0.5


def test_an_utterance_ends_before_the_answer_more_likely_than_inside_of_words() -> None:
    block = "我家停水了您住几号楼"
    ends = marks(block).ends
    assert ends[block.index("了")] == max(ends[: len(block) - 1])


@given(st.lists(st.text(max_size=40), max_size=6))
def test_any_texts_have_a_mark_for_every_character_at_once_as_one_by_one(texts: list[str]) -> None:
    utterances.forget()
    together = marks_all(texts)
    utterances.forget()
    for text, found in zip(texts, together, strict=True):
        alone = marks(text)
        assert len(found.ends) == len(found.staff) == len(text)
        assert found.ends == pytest.approx(alone.ends, abs=1e-4)
        assert found.staff == pytest.approx(alone.staff, abs=1e-4)
