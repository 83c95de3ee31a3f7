"""Train the demonstration model: a small Whisper in OpenAI's format, on speech that corpus.py made.

    python models/demo/train.py --minutes 90             # start, or go on where work/state.pt stands
    python models/demo/train.py --minutes 90 --fresh     # start again
    python models/demo/train.py --minutes 50 --fresh --begin pipeline/demo/demo.pt    # teach it more

A SIGTERM stops it after saving. What makes it learn within an hour or so on two old cores:
- espeak-ng tells when each syllable begins. So the encoder learns its syllables frame by frame
  (no CTC), its heads begin by looking at the neighbourhood, and the decoder is told where to look:
  the cross-attention of its first layer is pulled to what was said last, that of the others to what
  comes next. The same attention then gives word times.
- Whisper always hears 30 s: after the content come frames of 0.0. Such a tail is nearly the same in
  every frame, so we compute a few of its frames and let each count for many, through a bias
  of log(weight) on attention. A 5 s window costs 5 s and still is what inference sees.
- Only the tokens in use are trained; the full table is filled when the checkpoint is written.
"""

import argparse
import json
import math
import random
import signal
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from corpus import WORK, Grammar, Words, bare, call_text, written
from speech import SAMPLE_RATE
from torch import Tensor, nn
from whisper.audio import HOP_LENGTH, N_FFT, mel_filters
from whisper.model import ModelDimensions, MultiHeadAttention, ResidualAttentionBlock, Whisper
from whisper.tokenizer import Tokenizer, get_tokenizer

HERE = Path(__file__).parent
DEMO = HERE.parents[1] / "pipeline" / "demo" / "demo.pt"
STATE = WORK / "state.pt"
DIMENSIONS = ModelDimensions(
    n_mels=80, n_audio_ctx=1500, n_audio_state=192, n_audio_head=3, n_audio_layer=4,
    n_vocab=51865, n_text_ctx=448, n_text_state=192, n_text_head=3, n_text_layer=3,
)  # fmt: skip
FRAME_S = 0.02
"""One frame of the encoder and one step of the timestamp tokens."""
POSITIONS = DIMENSIONS.n_audio_ctx
SHIFTS = ((-6, 0, 6), (-4, 4, None), (-8, 8, None), (-4, 4, None))
"""Where the heads of each encoder layer look at first, in frames; None: anywhere."""
TAIL = 24
"""Frames of the tail that are computed."""
BATCH_S = 40
"""Seconds of audio in one step. Small: it is the number of steps that teaches at first."""
PROMPTS = "以下是普通话的句子。以下是普通话的通话录音，使用简体中文和标点。居委会热线电话录音。"
"""Tokens that a user's prompt may hold and the corpus not."""


# -- tokens ------------------------------------------------------------------------------------


class Vocabulary:
    """The tokens in use, numbered densely."""

    def __init__(self, tokens: list[int]) -> None:
        self.tokens = tokens
        self.dense = {token: i for i, token in enumerate(tokens)}

    @staticmethod
    def collect(tokenizer: Tokenizer, texts: list[str]) -> "Vocabulary":
        rng = random.Random(3)
        words = Words(Grammar(HERE / "grammar.txt", rng))
        texts = [
            *texts,
            *written(),
            *words.common,
            *words.domain,
            *words.calls,
            *call_text(),
            PROMPTS,
        ]
        used = {t for text in set(texts) | set("".join(texts)) for t in tokenizer.encode(text)}
        used |= {tokenizer.eot, tokenizer.sot, tokenizer.sot_prev, tokenizer.transcribe}
        used |= {tokenizer.no_speech, tokenizer.no_timestamps, tokenizer.language_token}
        used |= set(range(tokenizer.timestamp_begin, tokenizer.timestamp_begin + 1501))
        return Vocabulary(sorted(used))


@dataclass
class Spoken:
    """One utterance of the corpus; times in seconds from its own beginning."""

    samples: np.ndarray
    tokens: list[int]
    spans: list[tuple[float, float]]  # when each token is said
    syllables: list[tuple[int, int, float, float]]  # class, tone, start, end


def load(tokenizer: Tokenizer) -> tuple[list[Spoken], list[str], list[str]]:
    """All shards: utterances, their texts, and the names of the syllable classes."""
    records = []
    for path in sorted(WORK.glob("shard-*.json")):
        audio = np.load(path.with_suffix(".npy"))
        for record in json.loads(path.read_text("utf8")):
            samples = audio[record["offset"] : record["offset"] + record["length"]]
            records.append((samples, record))
    names = syllable_names()
    known = {name: i + 1 for i, name in enumerate(names)}  # 0 is silence
    spoken = []
    for samples, record in records:
        text, times = record["text"], list(zip(record["start"], record["end"], strict=True))
        tokens = tokenizer.encode(text)
        syllables = [
            (known.get(p[:-1], 0), int(p[-1]), a, b)
            for p, (a, b) in zip(record["pinyin"], times, strict=True)
        ]
        spoken.append(Spoken(samples, tokens, token_spans(tokenizer, record, tokens), syllables))
    return spoken, [r["text"] for _, r in records], names


def syllable_names() -> list[str]:
    """All Mandarin syllables without tone that pypinyin knows, in a fixed order."""
    from pypinyin import pinyin_dict
    from pypinyin.contrib.tone_convert import to_normal

    readings = {r for code, line in pinyin_dict.pinyin_dict.items() if 0x4E00 <= code <= 0x9FFF
                for r in line.split(",")}  # fmt: skip
    return sorted({to_normal(r).replace("ü", "v") for r in readings})


def token_spans(tokenizer: Tokenizer, record: dict, tokens: list[int]) -> list[tuple[float, float]]:
    """When each token is said; punctuation stands at the end of what precedes it."""
    text = record["text"]
    when = dict(zip(record["index"], zip(record["start"], record["end"], strict=True), strict=True))
    owner = [i for i, c in enumerate(text) for _ in c.encode()]  # byte -> character
    spans, at, last = [], 0, record["start"][0]
    for token in tokens:
        size = len(tokenizer.encoding.decode_single_token_bytes(token))
        said = [when[i] for i in owner[at : at + size] if i in when]
        at += size
        spans.append((said[0][0], said[-1][1]) if said else (last, last + 0.06))
        last = spans[-1][1]
    return spans


# -- windows -----------------------------------------------------------------------------------


@dataclass
class Batch:
    """Windows of one length, each with its own content and a tail of 0.0 mel."""

    mel: Tensor  # [b, 80, frames], frames = 100 a second
    inputs: Tensor  # [b, tokens] dense
    targets: Tensor  # [b, tokens] dense, -100 where nothing is asked
    looks: Tensor  # [b, tokens, 2] encoder frames where the target is said; -1 where free
    syllables: Tensor  # [b, frames / 2]
    tones: Tensor  # [b, frames / 2]


class Windows:
    """Makes batches. `long_s` of audio a window; several utterances, pauses, noise, a tail."""

    def __init__(self, spoken: list[Spoken], tokenizer: Tokenizer, vocabulary: Vocabulary) -> None:
        self.tokenizer, self.dense = tokenizer, vocabulary.dense
        self.spoken = [s for s in spoken if all(t in self.dense for t in s.tokens)]
        self.filters = mel_filters("cpu", DIMENSIONS.n_mels)
        self.hann = torch.hann_window(N_FFT)
        generator = np.random.default_rng(5)
        size = 60 * SAMPLE_RATE
        self.noises = []
        for slope in (0.0, 0.5, 1.0):  # white, pink, brown
            spectrum = np.fft.rfft(generator.standard_normal(size))
            spectrum *= np.maximum(np.arange(len(spectrum)), size // 200) ** -slope
            noise = np.fft.irfft(spectrum, size)
            self.noises.append((noise / noise.std()).astype(np.float32))

    def batch(self, long_s: float, rng: random.Random) -> Batch:
        count = max(1, round(BATCH_S / long_s))
        size = round(long_s * 50) * 2 * HOP_LENGTH
        frames = size // HOP_LENGTH
        audio = np.zeros((count, size), np.float32)
        content = torch.zeros(count, dtype=torch.long)
        syllables = torch.zeros((count, frames // 2), dtype=torch.long)
        tones = torch.zeros((count, frames // 2), dtype=torch.long)
        rows = []
        for b in range(count):
            packed = [] if rng.random() < 0.03 else self.pack(long_s, rng)
            end = rng.uniform(1, long_s)
            for at, gain, one in packed:
                first = round(at * SAMPLE_RATE)
                audio[b, first : first + len(one.samples)] += one.samples * (gain / 32768)
                for syllable, tone, start, stop in one.syllables:
                    a, z = round((at + start) / FRAME_S), round((at + stop) / FRAME_S)
                    syllables[b, a:z], tones[b, a:z] = syllable, tone
                end = at + len(one.samples) / SAMPLE_RATE
            end = min(long_s, end + (rng.uniform(0, 0.6) if packed else 0))
            content[b] = round(end * 100)
            self.add_noise(audio[b], rng, loud=not packed)
            rows.append(self.tokens(packed, rng))
        longest = max(len(r[0]) for r in rows)
        inputs = torch.full((count, longest), self.dense[self.tokenizer.eot])
        targets = torch.full((count, longest), -100)
        looks = torch.full((count, longest, 2), -1)
        for b, (given, asked, look) in enumerate(rows):
            inputs[b, : len(given)] = torch.tensor(given)
            targets[b, : len(given)] = torch.tensor(asked)
            looks[b, : len(given)] = torch.tensor(look)
        mel = self.mel(torch.from_numpy(audio), content, rng)
        return Batch(mel, inputs, targets, looks, syllables, tones)

    def pack(self, long_s: float, rng: random.Random) -> list[tuple[float, float, Spoken]]:
        """Utterances one after another: (start in s, gain, utterance); fills `long_s` or less."""
        room = long_s if rng.random() < 0.7 else rng.uniform(min(2.0, long_s / 2), long_s)
        at = rng.choice([rng.uniform(0, 0.25), rng.uniform(0, 0.25), rng.uniform(0, 0.9)])
        gain = rng.uniform(0.25, 1.1)
        packed: list[tuple[float, float, Spoken]] = []
        for one in rng.choices(self.spoken, k=30):
            length = len(one.samples) / SAMPLE_RATE
            if at + length > room:
                if packed and room - at < 1.2:
                    break
                continue
            packed.append((at, gain * rng.uniform(0.6, 1.3), one))
            at += length + rng.choice([rng.uniform(0.1, 0.5), rng.uniform(0.1, 1.5)])
        return packed

    def add_noise(self, audio: np.ndarray, rng: random.Random, loud: bool) -> None:
        noise = rng.choice(self.noises)
        first = rng.randrange(len(noise) - len(audio))
        level = 10 ** rng.uniform(-4.5, -2.3)  # of full scale; speech is about 0.1
        if loud and rng.random() < 0.5:
            level *= 10 ** rng.uniform(0, 1)
        audio += noise[first : first + len(audio)] * level

    def mel(self, audio: Tensor, content: Tensor, rng: random.Random) -> Tensor:
        """Whisper's log-mel, each window normalised alone, through a random filter; 0.0 after it."""
        spectrum = torch.stft(audio, N_FFT, HOP_LENGTH, window=self.hann, return_complex=True)
        power = spectrum[..., :-1].abs() ** 2
        power = power * self.equaliser(len(audio), rng)[:, :, None]
        log = (self.filters @ power).clamp(min=1e-10).log10()
        inside = torch.arange(log.shape[-1])[None, :] < content[:, None]
        peak = torch.where(inside[:, None], log, -10).amax((1, 2))
        # the whole recording may hold something louder than this window
        peak = peak + torch.tensor([max(0.0, rng.gauss(0, 0.4)) for _ in range(len(audio))])
        log = torch.maximum(log, peak[:, None, None] - 8)
        return torch.where(inside[:, None], (log + 4) / 4, 0.0)

    def equaliser(self, count: int, rng: random.Random) -> Tensor:
        """[count, 201] factors on power: a slope, and for some the band of a telephone."""
        hertz = torch.linspace(0, SAMPLE_RATE / 2, N_FFT // 2 + 1)
        curves = []
        for _ in range(count):
            decibel = hertz / 8000 * rng.uniform(-10, 6) + rng.uniform(-6, 6)
            if rng.random() < 0.35:
                top = rng.uniform(3300, 4000)
                decibel = decibel - ((hertz - top).clamp(min=0) / 100 * 20).clamp(max=70)
                low = rng.uniform(100, 350)
                decibel = decibel - ((low - hertz).clamp(min=0) / 10).clamp(max=30)
            curves.append(10 ** (decibel / 10))
        return torch.stack(curves)

    def tokens(self, packed: list[tuple[float, float, Spoken]], rng: random.Random):
        """(inputs, targets, where to look) of one window; times in frames from the first one."""
        t = self.tokenizer
        timed = rng.random() > 0.2 or not packed
        body: list[tuple[int, tuple[float, float] | None]] = []
        for at, _, one in packed:
            start, end = at + one.spans[0][0], at + one.syllables[-1][3]
            if timed:
                # transcribe() lets no window begin later than 1 s
                first = min(start, 1.0) if not body else start
                body.append((self.stamp(first), (start, start + 0.1)))
            body += [(x, (at + a, at + b)) for x, (a, b) in zip(one.tokens, one.spans, strict=True)]
            if timed:
                body.append((self.stamp(end), (end - 0.1, end + 0.1)))
        if not packed:
            body = [(t.timestamp_begin, None)]
        # where nothing more is said: the end of the last word is read from there
        over = (body[-1][1][1], body[-1][1][1] + 0.1) if packed and not timed else None
        head = [t.sot, t.language_token, t.transcribe] + ([] if timed else [t.no_timestamps])
        sequence = [*head, *[x for x, _ in body], t.eot]
        given = [self.dense[x] for x in sequence[:-1]]
        asked, look = [-100] * len(given), [(-1, -1)] * len(given)
        asked[0] = self.dense[t.language_token if packed else t.no_speech]
        answer = len(head) - 1  # the input whose output is the first of the body
        for i, (token, span) in enumerate([*body, (t.eot, over)]):
            asked[answer + i] = self.dense[token]
            if span:
                look[answer + i] = (
                    max(0, math.floor((span[0] - 0.06) / FRAME_S)),
                    math.ceil((span[1] + 0.06) / FRAME_S),
                )
        return given, asked, look

    def stamp(self, second: float) -> int:
        return self.tokenizer.timestamp_begin + max(0, round(second / FRAME_S))


# -- model -------------------------------------------------------------------------------------


class Student(nn.Module):
    """Whisper's own modules, run with a short tail, the compact embedding, and syllable heads."""

    def __init__(self, vocabulary: Vocabulary, syllable_count: int) -> None:
        super().__init__()
        width = DIMENSIONS.n_text_state
        self.whisper = Whisper(DIMENSIONS)
        for name, parameter in self.whisper.named_parameters():
            if parameter.dim() > 1 and "embedding" not in name:
                nn.init.xavier_uniform_(parameter.view(parameter.shape[0], -1))
        waves = self.whisper.encoder.positional_embedding  # sinusoids [1500, width]
        for block, shifts in zip(self.whisper.encoder.blocks, SHIFTS, strict=True):
            look_near(block.attn, shifts)
        self.whisper.decoder.positional_embedding.data = waves[: DIMENSIONS.n_text_ctx] * 0.05
        table = torch.randn(len(vocabulary.tokens), width) * 0.05
        # times that are near have embeddings that are near
        table[-1501:] = torch.cat([waves, waves[-1:]]) * 0.07 + table[-1501:] * 0.1
        self.embedding = nn.Parameter(table)
        self.syllable = nn.Linear(DIMENSIONS.n_audio_state, syllable_count + 1)
        self.tone = nn.Linear(DIMENSIONS.n_audio_state, 6)
        self.tokens = vocabulary.tokens

    def trained(self) -> dict[str, nn.Parameter]:
        unused = "whisper.decoder.token_embedding.weight"
        return {name: p for name, p in self.named_parameters() if name != unused}

    def encode(self, mel: Tensor) -> tuple[Tensor, Tensor]:
        """Encoder output [b, frames + TAIL, width] and the bias of attention [1, 1, 1, same]."""
        encoder = self.whisper.encoder
        frames = mel.shape[-1] // 2
        x = F.gelu(encoder.conv1(F.pad(mel, (0, 8))))
        x = F.gelu(encoder.conv2(x)).permute(0, 2, 1)
        place = torch.arange(frames)
        bias = torch.zeros(1, 1, 1, frames)
        rest = POSITIONS - frames
        if rest > TAIL:
            x = torch.cat([x[:, :frames], x[:, frames + 1 : frames + 2].expand(-1, TAIL, -1)], 1)
            stride = rest / TAIL
            tail = (frames + (torch.arange(TAIL) + torch.rand(TAIL)) * stride).long()
            place = torch.cat([place, tail.clamp(max=POSITIONS - 1)])
            bias = torch.cat([bias, torch.full((1, 1, 1, TAIL), math.log(stride))], -1)
        else:
            x = x[:, :frames]
        x = x + encoder.positional_embedding[place]
        for block in encoder.blocks:
            x, _ = run_block(block, x, bias)
        return encoder.ln_post(x), bias

    def decode(self, inputs: Tensor, heard: Tensor, bias: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Logits [b, tokens, used] and the cross-attention of every layer."""
        decoder = self.whisper.decoder
        x = self.embedding[inputs] + decoder.positional_embedding[: inputs.shape[1]]
        looks = []
        for block in decoder.blocks:
            x, look = run_block(block, x, None, heard, bias, keep=True)
            looks.append(look)
        return decoder.ln(x) @ self.embedding.T, looks


def look_near(layer: MultiHeadAttention, shifts: tuple[int | None, ...]) -> None:
    """Let each head begin by looking `shift` frames away, whatever is heard there.

    The position of a frame is sines and cosines of it at many frequencies (the first and the
    second half of the width), so a query that is turned by frequency * shift meets the key of the
    frame at that distance. A syllable is about ten frames; to find by itself that it must look
    around costs an encoder most of its first steps.
    """
    width = layer.query.in_features
    size = width // layer.n_head
    pairs = torch.linspace(0, width // 4, size // 2).round().long()
    frequency = torch.exp(-math.log(10000) / (width // 2 - 1) * pairs)
    sine, cosine = pairs, pairs + width // 2
    with torch.no_grad():
        for head, shift in enumerate(shifts):
            if shift is None:
                continue
            even = torch.arange(head * size, (head + 1) * size, 2)
            odd = even + 1
            for matrix, turn in ((layer.key.weight, 0.0), (layer.query.weight, float(shift))):
                matrix[head * size : (head + 1) * size] *= 0.3
                matrix[even, sine] += torch.cos(frequency * turn)
                matrix[even, cosine] += torch.sin(frequency * turn)
                matrix[odd, cosine] += torch.cos(frequency * turn)
                matrix[odd, sine] -= torch.sin(frequency * turn)


def run_block(
    block: ResidualAttentionBlock,
    x: Tensor,
    bias: Tensor | None,
    heard: Tensor | None = None,
    heard_bias: Tensor | None = None,
    keep: bool = False,
) -> tuple[Tensor, Tensor | None]:
    """A block of Whisper; without `bias` it looks only back; `keep` returns cross-attention."""
    normed, look = block.attn_ln(x), None
    x = x + attend(block.attn, normed, normed, bias, causal=bias is None)[0]
    if heard is not None:
        y, look = attend(block.cross_attn, block.cross_attn_ln(x), heard, heard_bias, keep=keep)
        x = x + y
    return x + block.mlp(block.mlp_ln(x)), look


def attend(
    layer: MultiHeadAttention,
    x: Tensor,
    source: Tensor,
    bias: Tensor | None,
    causal: bool = False,
    keep: bool = False,
) -> tuple[Tensor, Tensor | None]:
    def heads(y: Tensor) -> Tensor:
        return y.unflatten(-1, (layer.n_head, -1)).transpose(1, 2)

    q, k, v = heads(layer.query(x)), heads(layer.key(source)), heads(layer.value(source))
    if keep:
        weights = (q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1]) + bias).softmax(-1)
        y = weights @ v
    else:
        weights = None
        if bias is not None:
            bias = bias.expand(1, 1, q.shape[-2], k.shape[-2])
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=bias, is_causal=causal)
    return layer.out(y.transpose(1, 2).flatten(-2)), weights


@dataclass
class Losses:
    total: Tensor
    text: float
    look: float
    frame: float
    text_right: float
    stamp_right: float
    frame_right: float


def near(logits: Tensor, targets: Tensor, stamps_from: int) -> Tensor:
    """Cross-entropy of timestamps among timestamps; some credit for 0.02 and 0.04 s beside."""
    rows = targets >= stamps_from
    guess = logits[rows][:, stamps_from:].log_softmax(-1)
    right = targets[rows] - stamps_from
    loss = torch.zeros(())
    for shift, credit in ((-2, 0.1), (-1, 0.2), (0, 0.4), (1, 0.2), (2, 0.1)):
        beside = (right + shift).clamp(0, guess.shape[-1] - 1)
        loss = loss - credit * guess.gather(1, beside[:, None]).mean()
    return loss


def missed(weights: Tensor, spans: Tensor) -> Tensor:
    """Mean of -log of the attention [b, heads, tokens, keys] inside `spans` [b, tokens, 2]."""
    rows = spans[..., 0] >= 0
    key = torch.arange(weights.shape[-1])
    inside = ((key >= spans[..., :1]) & (key < spans[..., 1:]))[rows].float()  # [rows, keys]
    return -((weights.transpose(1, 2)[rows] * inside[:, None]).sum(-1) + 1e-4).log().mean()


def losses(
    student: Student, batch: Batch, with_text: bool, stamps_from: int, heads_alone: bool = False
) -> Losses:
    """All losses of a batch; with `heads_alone` the syllable heads learn and teach nothing yet."""
    heard, bias = student.encode(batch.mel)
    frames = batch.syllables.shape[1]
    inside = heard[:, :frames].detach() if heads_alone else heard[:, :frames]
    guess = student.syllable(inside).flatten(0, 1)
    frame = F.cross_entropy(guess, batch.syllables.flatten())
    frame = frame + 0.4 * F.cross_entropy(student.tone(inside).flatten(0, 1), batch.tones.flatten())
    said = batch.syllables.flatten() > 0
    frame_right = (guess.argmax(-1) == batch.syllables.flatten())[said].float().mean().item()
    if not with_text:
        return Losses(frame, 0.0, 0.0, frame.item(), 0.0, 0.0, frame_right)
    said = decoder_losses(student, batch, heard, bias, stamps_from)
    return replace(said, total=said.total + FRAME_WEIGHT * frame, frame=frame.item(),
                   frame_right=frame_right)  # fmt: skip


def decoder_losses(
    student: Student, batch: Batch, heard: Tensor, bias: Tensor, stamps_from: int
) -> Losses:
    """The text's, timestamps' and attention's losses over what the encoder gave."""
    logits, looks = student.decode(batch.inputs, heard, bias)
    text = F.cross_entropy(logits.flatten(0, 1), batch.targets.flatten(), ignore_index=-100)
    text = text + STAMP_WEIGHT * near(logits, batch.targets, stamps_from)
    # the first layer finds what was said last, the others what comes next
    before = F.pad(batch.looks[:, :-1], (0, 0, 1, 0), value=-1)
    look = torch.zeros(())
    for i, weights in enumerate(looks):
        look = look + missed(weights, before if i == 0 else batch.looks) / len(looks)
    rows = batch.looks[..., 0] >= 0
    with torch.no_grad():
        right = logits.argmax(-1) == batch.targets
        is_stamp = batch.targets >= stamps_from
        is_text = (batch.targets >= 0) & rows & ~is_stamp
    return Losses(
        text + LOOK_WEIGHT * look, text.item(), look.item(), 0.0,
        right[is_text].float().mean().item(), right[is_stamp].float().mean().item(), 0.0,
    )  # fmt: skip


# -- course ------------------------------------------------------------------------------------

COURSE = (
    # until this part of the time: lengths of window in s with their weights
    (0.12, {5: 1}),
    (0.45, {5: 0.7, 8: 0.3}),
    (1.01, {5: 0.3, 8: 0.5, 12: 0.2}),
)
"""The pipeline gives this model windows of at most 8 s (pipeline/models.py); nothing is learned
about what lies later than 12 s."""
LOOK_WEIGHT, FRAME_WEIGHT, STAMP_WEIGHT = 0.5, 1.0, 0.3
PEAK_RATE = 1.5e-3
RATE_AGAIN = 0.7e-3
"""The highest rate when a trained checkpoint is taught more."""
WARM_STEPS = 120
TEXT_FROM = 0.03
"""Part of the time after which the decoder joins; of a trained checkpoint: after which its encoder
is taught by the syllable heads, which no checkpoint keeps and which must first learn themselves."""


def rate(part: float, step: int, peak: float) -> float:
    """Learning rate: warm-up, flat to 0.45 of the time, then cosine to near 0."""
    fall = max(0.0, (part - 0.45) / 0.55)
    return peak * min(1, (step + 1) / WARM_STEPS) * (0.5 + 0.5 * math.cos(math.pi * fall) + 0.01)


def begin_from(student: Student, path: Path, untrained: int) -> None:
    """Take the weights of a checkpoint that `write` wrote.

    The row of the token `untrained` is that of every token it never met: those that are in use now
    begin near it, each a little apart, or they could not be told from one another.
    """
    weights = torch.load(path, map_location="cpu", weights_only=True)["model_state_dict"]
    student.whisper.load_state_dict(weights)
    table = weights["decoder.token_embedding.weight"].float()
    rows = table[torch.tensor(student.tokens)]
    new = (rows == table[untrained]).all(1, keepdim=True)
    student.embedding.data = rows + new * 0.05 * torch.randn_like(rows)


def write(student: Student, mean: dict[str, Tensor], path: Path) -> None:
    """A checkpoint that whisper.load_model reads, from the averaged weights; whole or not at all."""
    state = student.whisper.state_dict()
    for name in state:
        if f"whisper.{name}" in mean:
            state[name] = mean[f"whisper.{name}"]
    used = mean["embedding"]
    table = used.mean(0, keepdim=True).repeat(DIMENSIONS.n_vocab, 1)
    table[torch.tensor(student.tokens)] = used
    state["decoder.token_embedding.weight"] = table
    half = {k: v.half() if v.is_floating_point() else v for k, v in state.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    torch.save({"dims": vars(DIMENSIONS), "model_state_dict": half}, part)
    part.replace(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=72, help="of training, all runs together")
    parser.add_argument("--fresh", action="store_true", help="do not go on from work/state.pt")
    parser.add_argument("--begin", type=Path, help="with --fresh: a checkpoint to begin from")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--state", type=Path, default=STATE)
    parser.add_argument("--out", type=Path, default=DEMO)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    rng = random.Random()
    tokenizer = get_tokenizer(True, num_languages=99, language="zh", task="transcribe")
    spoken, texts, names = load(tokenizer)
    old = (
        None
        if options.fresh or not options.state.exists()
        else torch.load(options.state, weights_only=False)
    )
    vocabulary = Vocabulary(old["tokens"]) if old else Vocabulary.collect(tokenizer, texts)
    windows = Windows(spoken, tokenizer, vocabulary)
    student = Student(vocabulary, len(names))
    if options.begin and not old:
        begin_from(student, options.begin, tokenizer.translate)
    again = bool(options.begin)
    peak = RATE_AGAIN if again else PEAK_RATE
    trained = student.trained()
    optimiser = torch.optim.AdamW(
        trained.values(), lr=peak, betas=(0.9, 0.98), weight_decay=0.01, fused=True
    )
    step, spent = 0, 0.0
    mean = {name: p.detach().clone() for name, p in trained.items()}
    if old:
        student.load_state_dict(old["student"])
        optimiser.load_state_dict(old["optimiser"])
        step, spent, mean = old["step"], old["spent"], old["mean"]
    characters = len(set("".join(map(bare, texts))))
    print(f"{len(windows.spoken)} of {len(spoken)} utterances, {characters} characters,"
          f" {len(vocabulary.tokens)} tokens, step {step}, {spent:.0f} s", flush=True)  # fmt: skip
    stamps_from = vocabulary.dense[tokenizer.timestamp_begin]
    budget, saved, written, log = options.minutes * 60, spent, spent, []
    stop: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: stop.append(number))  # save, then end
    while spent < budget and not stop:
        began = time.time()
        part = spent / budget
        lengths = COURSE[-1][1] if again else next(x for until, x in COURSE if part < until)
        long_s = rng.choices(list(lengths), list(lengths.values()))[0]
        batch = windows.batch(long_s, rng)
        made = time.time() - began
        for group in optimiser.param_groups:
            group["lr"] = rate(part, step, peak)
        settled = part > TEXT_FROM
        result = losses(student, batch, again or settled, stamps_from, again and not settled)
        result.total.backward()
        nn.utils.clip_grad_norm_(trained.values(), 1.0)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        step += 1
        keep = min(0.998, step / (step + 20))
        with torch.no_grad():
            for name, p in trained.items():
                mean[name].lerp_(p, 1 - keep)
        spent += time.time() - began
        log.append((long_s, result, made, time.time() - began))
        if step % 25 == 0:
            print(summary(step, spent, part, log), flush=True)
            log = []
        if spent - saved > 240 or spent >= budget or stop:
            saved = spent
            state = {"student": student.state_dict(), "optimiser": optimiser.state_dict(),
                     "mean": mean, "step": step, "spent": spent, "tokens": vocabulary.tokens}  # fmt: skip
            unfinished = options.state.with_suffix(".part")
            torch.save(state, unfinished)
            unfinished.replace(options.state)
        if spent - written > 420 or spent >= budget or stop:
            written = spent
            write(student, mean, options.out)


def summary(step: int, spent: float, part: float, log: list) -> str:
    def average(name: str) -> float:
        return float(np.nanmean([getattr(r, name) for _, r, _, _ in log]))

    return (
        f"{step:5d} {spent:5.0f}s {part:.3f} text {average('text'):.3f} look {average('look'):.3f}"
        f" frame {average('frame'):.3f} | right: text {average('text_right'):.3f}"
        f" stamp {average('stamp_right'):.3f} frame {average('frame_right'):.3f}"
        f" | {np.mean([x[3] for x in log]):.2f} s a step, {np.mean([x[2] for x in log]):.2f} windows"
    )


if __name__ == "__main__":
    main()
