"""One weights file for both engines: OpenAI's checkpoint in CTranslate2's format, made here and offline.

faster-whisper's usual way is to fetch converted weights from a hub, or to convert those of the
`transformers` library. An office has OpenAI's `.pt`, whose hash is known, and no network. So the weights
are read as `whisper.load_model` reads them and put where CTranslate2's Whisper expects them
(`ctranslate2.specs.WhisperSpec`), and the tokenizer is made of what the `whisper` package carries.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import warnings
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from pipeline.errors import HotlineError, ModelMissing
from pipeline.i18n import _, system_says

MADE_FOR = "made-from.txt"
"""Inside a converted folder: name, size and time of the checkpoint; written last, so that it also
says that the folder is whole."""


def folder_for(checkpoint: Path, models_dir: Path) -> Path:
    """Where the converted form of `checkpoint` stands: models/fast/NAME in a home.

    Where there is no such folder, for a command without a home makes none where it happens to
    stand, in the user's cache.
    """
    own = models_dir if models_dir.is_dir() else _cache()
    return own / "fast" / checkpoint.stem


def _cache() -> Path:
    """The user's folder for what can be made again (XDG Base Directory; Windows' own)."""
    named = os.environ.get("LOCALAPPDATA" if sys.platform == "win32" else "XDG_CACHE_HOME")
    return (Path(named) if named else Path.home() / ".cache") / "hotline"


def is_fresh(checkpoint: Path, folder: Path) -> bool:
    """Whether `folder` holds the whole converted form of this very file."""
    try:
        return (folder / MADE_FOR).read_text(encoding="utf-8") == _mark(checkpoint)
    except OSError:
        return False


def convert(checkpoint: Path, models_dir: Path, heads: bytes | None = None) -> Path:
    """Convert `checkpoint` into `folder_for(checkpoint)`; at once if that is fresh. The folder.

    `heads` is Whisper's own mask of the heads that tell word times (`whisper._ALIGNMENT_HEADS`); without
    it all heads of the upper half of the decoder, as `load_model` takes them. Weights are kept
    as float16, as OpenAI stores them.

    Raises:
        HotlineError: the packages of the extra `fast` are missing, or the folder cannot be written.
        ModelMissing: the file is damaged or holds no Whisper weights.
    """
    folder = folder_for(checkpoint, models_dir)
    if is_fresh(checkpoint, folder):
        return folder
    try:
        from ctranslate2.specs import WhisperSpec
    except ImportError as error:
        raise HotlineError(missing()) from error
    import torch
    import whisper

    try:
        model = whisper.load_model(str(checkpoint), device="cpu")
    except Exception as error:  # torch.load raises whatever the damage makes it stumble over
        raise ModelMissing(
            _(
                "{path} holds no Whisper weights or is damaged; copy it again or name another."
            ).format(path=checkpoint)
        ) from error
    if heads is not None:
        model.set_alignment_heads(heads)
    dims = model.dims
    spec = WhisperSpec(dims.n_audio_layer, dims.n_audio_head, dims.n_text_layer, dims.n_text_head)
    with torch.no_grad():
        _encoder(spec.encoder, model.encoder)
        _decoder(spec.decoder, model.decoder)
    with warnings.catch_warnings():
        # It leaves the vocabulary's file open.
        warnings.simplefilter("ignore", ResourceWarning)
        tokenizer = whisper.tokenizer.get_tokenizer(
            model.is_multilingual, num_languages=model.num_languages, task="transcribe"
        )
    spec.register_vocabulary(_vocabulary(tokenizer, dims.n_vocab))
    spec.config.suppress_ids = sorted({*tokenizer.non_speech_tokens, *_control(tokenizer)})
    spec.config.suppress_ids_begin = [*tokenizer.encode(" "), tokenizer.eot]
    spec.config.lang_ids = sorted(tokenizer.all_language_tokens)
    spec.config.alignment_heads = model.alignment_heads.indices().T.tolist()
    spec.validate()
    spec.optimize(quantization="float16")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        # Beside its last place: the rename must be one on the same disk.
        with tempfile.TemporaryDirectory(prefix=".convert-", dir=folder.parent) as staging:
            spec.save(staging)
            _tokenizer(tokenizer, dims.n_vocab).save(f"{staging}/tokenizer.json")
            Path(staging, "preprocessor_config.json").write_text(
                f'{{"feature_size": {dims.n_mels}}}', encoding="utf-8"
            )
            Path(staging, MADE_FOR).write_text(_mark(checkpoint), encoding="utf-8")
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(staging, folder)
    except OSError as error:
        raise HotlineError(
            _("The weights cannot be written into {folder}: {error}. Make room there.").format(
                folder=folder, error=system_says(error)
            )
        ) from error
    return folder


def missing() -> str:
    """What staff are told where the extra is not installed."""
    return _(
        "The fast engine is not installed; run: pip install 'residents-hotline[fast]', "
        "or use --engine whisper."
    )


def _mark(checkpoint: Path) -> str:
    status = checkpoint.stat()
    return f"{checkpoint.name} {status.st_size} {status.st_mtime_ns}\n"


# -- weights -----------------------------------------------------------------------------------


def _set(spec: Any, layer: Any) -> None:
    """Weight, and bias where there is one, of a linear layer or a convolution."""
    spec.weight = layer.weight.numpy()
    if layer.bias is not None:
        spec.bias = layer.bias.numpy()


def _norm(spec: Any, layer: Any) -> None:
    spec.gamma, spec.beta = layer.weight.numpy(), layer.bias.numpy()


def _fused(spec: Any, layers: Sequence[Any]) -> None:
    """Several linear layers as one; Whisper's keys have no bias, which is a bias of 0."""
    import torch

    spec.weight = torch.cat([layer.weight for layer in layers]).numpy()
    spec.bias = torch.cat(
        [
            torch.zeros(len(layer.weight)) if layer.bias is None else layer.bias.float()
            for layer in layers
        ]
    ).numpy()


def _attention(spec: Any, norm: Any, layer: Any, *, of_itself: bool) -> None:
    _norm(spec.layer_norm, norm)
    if of_itself:
        _fused(spec.linear[0], [layer.query, layer.key, layer.value])
    else:
        _fused(spec.linear[0], [layer.query])
        _fused(spec.linear[1], [layer.key, layer.value])
    _set(spec.linear[-1], layer.out)


def _block(spec: Any, block: Any) -> None:
    _attention(spec.self_attention, block.attn_ln, block.attn, of_itself=True)
    if block.cross_attn is not None:
        _attention(spec.attention, block.cross_attn_ln, block.cross_attn, of_itself=False)
    _norm(spec.ffn.layer_norm, block.mlp_ln)
    _set(spec.ffn.linear_0, block.mlp[0])
    _set(spec.ffn.linear_1, block.mlp[2])


def _encoder(spec: Any, encoder: Any) -> None:
    _set(spec.conv1, encoder.conv1)
    _set(spec.conv2, encoder.conv2)
    spec.position_encodings.encodings = encoder.positional_embedding.numpy()
    _norm(spec.layer_norm, encoder.ln_post)
    for part, block in zip(spec.layer, encoder.blocks, strict=True):
        _block(part, block)


def _decoder(spec: Any, decoder: Any) -> None:
    spec.embeddings.weight = decoder.token_embedding.weight.numpy()
    spec.projection.weight = spec.embeddings.weight
    spec.position_encodings.encodings = decoder.positional_embedding.numpy()
    _norm(spec.layer_norm, decoder.ln)
    for part, block in zip(spec.layer, decoder.blocks, strict=True):
        _block(part, block)


# -- tokens ------------------------------------------------------------------------------------


def _control(tokenizer: Any) -> tuple[int, ...]:
    """Tokens that steer Whisper and are never words, as its own decoding suppresses them."""
    return (
        tokenizer.transcribe, tokenizer.translate, tokenizer.sot, tokenizer.sot_prev,
        tokenizer.sot_lm, tokenizer.no_speech,
    )  # fmt: skip


def _letters() -> dict[int, str]:
    """The printable letter that stands for each byte: GPT-2's table (`bytes_to_unicode`)."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [byte for byte in range(256) if byte not in plain]
    return {byte: chr(byte) for byte in plain} | {byte: chr(256 + i) for i, byte in enumerate(rest)}


def _vocabulary(tokenizer: Any, size: int) -> list[str]:
    """All tokens by their numbers, in letters of `_letters`."""
    letters = _letters()
    encoding = tokenizer.encoding
    names = {token: name for name, token in tokenizer.special_tokens.items()}
    return [
        names.get(i)
        or (
            "".join(letters[byte] for byte in encoding.decode_single_token_bytes(i))
            if i < encoding.n_vocab
            else f"<|unused{i}|>"
        )
        for i in range(size)
    ]


def _tokenizer(tokenizer: Any, size: int) -> Any:
    """The `tokenizers.Tokenizer` that encodes as Whisper's tiktoken does.

    tiktoken keeps the ranks of the tokens and no merges. The merge that makes a token is the last of
    those that its own bytes go through, with the tokens of lower rank only.
    """
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    ranks: dict[bytes, int] = tokenizer.encoding._mergeable_ranks
    letters = _letters()

    def written(token: bytes) -> str:
        return "".join(letters[byte] for byte in token)

    merges = [
        (written(a), written(b))
        for token, rank in sorted(ranks.items(), key=lambda item: item[1])
        if len(token) > 1
        for a, b in [_halves(token, rank, ranks)]
    ]
    made = Tokenizer(
        models.BPE(vocab={written(token): rank for token, rank in ranks.items()}, merges=merges)
    )
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    made.decoder = decoders.ByteLevel()
    special = sorted(tokenizer.special_tokens.items(), key=lambda item: item[1])
    made.add_special_tokens(
        [AddedToken(name, normalized=False) for name, token in special if token < size]
    )
    return made


def _halves(token: bytes, rank: int, ranks: dict[bytes, int]) -> tuple[bytes, bytes]:
    """The two tokens of lower rank that byte-pair encoding joins last to make `token`."""
    parts = [bytes([byte]) for byte in token]
    while len(parts) > 2:
        found = [(ranks.get(a + b, rank), i) for i, (a, b) in enumerate(pairwise(parts))]
        lowest, at = min(found)
        if lowest >= rank:
            raise ValueError(f"no merges lead to token {rank}")
        parts[at : at + 2] = [parts[at] + parts[at + 1]]
    return parts[0], parts[1]
