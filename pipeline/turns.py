"""Transcript to turns: who says what, made of words and not of Whisper's segments.

A segment of a mono call can hold both speakers or half a sentence. Words tell more: their pauses, their
punctuation, and what only staff or only residents say. What nobody heard becomes a turn as well, so
that the turns cover all speech.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING

from pipeline.roles import in_call, leaning
from pipeline.spans import Interval, sounding, subtract, uncovered
from pipeline.types import Segment, Speaker, Transcript, Turn, Word
from pipeline.voices import UNKNOWN, Voice, tell_apart

if TYPE_CHECKING:
    import numpy as np

PAUSE_S = 0.8
"""A pause that ends a turn: inside a sentence speakers seldom stop so long, between speakers often."""
SENTENCE_PAUSE_S = 0.3
"""After 。or ！ a shorter pause is enough in a mono call, where the other may be the next to speak."""

PLAIN_PAUSE_S = 0.45
"""Ends a turn of a mono call where the recogniser gave no punctuation to go by: two speakers in one
turn harm more than one speaker in two."""
BREATH_S = 0.25
"""A pause in which the voice may change; where it does not, no turn ends."""
CHANGED = 0.8
"""How sure both voices must be for a turn to end at a breath."""
NAMED = 0.7
"""How sure it must be who speaks for the speaker to be named."""
CHANGE_ASKED, CHANGE_PAUSED, CHANGE_STOPPED, CHANGE_ELSE = 0.8, 0.4, 0.35, 0.15
"""How likely the other speaks next: after a question, after a pause of LONG_PAUSE_S, after a full stop, and
at a breath within a sentence. Round figures; a tenth more or less changes 1 % of the time in calls spoken anew."""
LONG_PAUSE_S = 0.6
CUE_ODDS = 3.0
"""How many times likelier words that only one of the two says are to be that one's: rules err."""
TRUST = 0.6
"""How much of what words say of a speaker (`roles.py`) is believed: they are fitted on written calls, and
what is heard of a sentence is misheard and cut. Of 0.4, 0.6, 0.8 and 1 the best on calls spoken anew."""
SIDES = {"staff": 1, "resident": -1, "unknown": 0}
SYLLABLE_S = 0.35
"""A slow syllable. Whisper ends a word where the next begins, so what a word lasts longer is pause."""
PLAIN_LENGTH = 30
"""Characters without a stop among which both may have spoken: too many to name one speaker."""

_ANSWER = re.compile(
    r"(?:好|对|是的|不是|哦|噢|嗯|没有|没关系|没事|知道|谢|再见|行|可以|不用|不客气|太好|[您你]好|喂|那[您你])"
)
"""How the other's turn begins: after a full stop, a new turn though no pause was heard."""

_STOP = tuple("。！？!?")
_QUESTION = tuple("？?")

_CUES: tuple[tuple[Speaker, str], ...] = (
    # Staff: greeting, asking where and who, writing down, promising.
    ("staff", r"[您你]好[，,。！ ]*(?:这里是|我是)?[^，。？！]{0,8}居委会?(?![会吗吧么嘛的同])"),
    ("staff", r"(?:这里|这边)是.{0,12}(?:居委|街道|热线)|我们?是.{0,6}居委会的"),
    ("staff", r"请(?:您|你)?(?:讲|说)[吧。，]|什么事情?[呢吗]?[？?]|有什么(?:可以|需要|能)帮"),
    ("staff", r"(?:您|你)(?:家)?(?:是|住)?(?:在)?(?:几|哪(?:个|一)?)(?:号|幢|栋|楼|室|单元|弄)"),
    ("staff", r"贵姓|怎么称呼|(?:您|你)的?(?:联系)?(?:电话|手机)(?:号码?)?(?:是)?(?:多少|几)"),
    ("staff", r"(?:记下来了|登记(?:好|上|下来)了|我(?:先)?(?:记|登记)(?:一下|下来))"),
    ("staff", r"我们?(?:帮|给|替)(?:您|你)(?:登记|记|联系|安排|问|反映|协调|查|申请|报)"),
    ("staff", r"我们?(?:马上|这就|现在就)(?:安排|派|联系|通知|上报|打电话)"),
    # Residents: where they live, their people, their wishes to the committee.
    ("resident", r"我(?:们)?(?:是|住|家|家住|家在|家是)(?:在)?[^，。？！]{0,10}(?:号楼|号|室|单元|弄|幢|栋|[零〇一二三四五六七八九十百\d]{3,}的)"),
    ("resident", r"我(?:家|妈|爸|老公|老婆|爱人|女儿|儿子|孩子|母亲|父亲|奶奶|爷爷|外婆|外公|老伴)"),
    ("resident", r"我们(?:家|楼下|楼上|隔壁|楼里|这个楼|这栋楼|这幢楼)"),
    ("resident", r"(?:麻烦|拜托|求求|请)(?:你|您)们"),
    ("resident", r"(?:你|您)们(?:能不能|可不可以|什么时候|管不管|来(?:看|人))|居委会(?:吗|吧|么|嘛)"),
    ("resident", r"我的(?:电话|手机)(?:号码?)?是"),
)  # fmt: skip
"""What only one of the two says. Few and strong: a wrong speaker is worse than an unknown one."""
CUES: tuple[tuple[Speaker, re.Pattern[str]], ...] = tuple(
    (speaker, re.compile(pattern)) for speaker, pattern in _CUES
)


@dataclass(slots=True)
class _Said:
    """Words in a row on one channel, on their way to be a turn. `known`: the speaker is no guess."""

    channel: int
    speaker: Speaker
    known: bool
    words: list[Word] = field(default_factory=list)
    hard: bool = True  # whether a pause or a question stands before it
    breath: bool = False  # whether no more than a breath stands before it
    voice: Voice = UNKNOWN
    staff: float = 0.5  # how probable it is that staff say it, where that is a guess

    @property
    def text(self) -> str:
        return "".join(word.text for word in self.words).strip()

    @property
    def end(self) -> float:
        return max(sounding(word)[1] for word in self.words)

    @property
    def quiet_from(self) -> float:
        """When the pause after these words begins."""
        last = self.words[-1]
        said = SYLLABLE_S * max(1, sum(character.isalnum() for character in last.text))
        return min(last.end, last.start + said)


def make_turns(
    transcript: Transcript, duration: float, sound: Sequence[np.ndarray] = ()
) -> tuple[Turn, ...]:
    """The turns of a call of `duration` seconds, sorted by start.

    `sound` are the channels, shape (samples,) at SAMPLE_RATE; with it the voices of a mono call are told
    apart, and each is named staff or resident by what it says. Without it words alone tell.

    Every word of the segments that count is in one turn, in its order. Every moment of
    `transcript.speech`, and of segments that were set aside, lies in a turn of its channel: speech
    further than half a second from any word, at least 0.3 s long, in one with `unheard` true; what is
    shorter belongs to the turn beside it, whose times then reach over its words.
    """
    channels = {span.channel for span in transcript.speech}
    channels |= {segment.channel for segment in transcript.segments}
    turns: list[Turn] = []
    for channel in channels:
        kept = [s for s in transcript.segments if s.channel == channel and s.set_aside is None]
        kept.sort(key=lambda segment: segment.start)
        mono = len(channels) < 2
        said = _rows(kept, mono=mono, samples=sound[channel] if mono and sound else None)
        must = [(s.start, s.end) for s in transcript.speech if s.channel == channel]
        must += [
            (s.start, s.end)
            for s in transcript.segments
            if s.channel == channel and s.set_aside is not None
        ]
        must = [(max(start, 0.0), min(end, duration)) for start, end in must]
        turns += _cover([_turn(row, duration) for row in said], said, must, channel)
    turns.sort(key=lambda turn: (turn.start, turn.end, turn.channel))
    return tuple(_name_channels(turns) if len(channels) == 2 else turns)


def guess_speaker(text: str) -> Speaker:
    """Who says `text`, from strong cues only; `unknown` without any, or with cues of both."""
    found = {speaker for speaker, pattern in CUES if pattern.search(text)}
    return found.pop() if len(found) == 1 else "unknown"


def _words_of(segment: Segment) -> tuple[Word, ...]:
    """The words of a segment; where they do not make up its text, its characters, evenly in time, but
    none longer than a slow syllable: what the text is too short for was not heard."""
    if "".join("".join(w.text for w in segment.words).split()) == "".join(segment.text.split()):
        return segment.words
    text = segment.text
    if segment.words:
        probability = sum(w.probability for w in segment.words) / len(segment.words)
    else:
        probability = math.exp(min(segment.avg_logprob, 0.0))
    step = min(max(segment.end - segment.start, 0.0) / max(len(text), 1), SYLLABLE_S)
    return tuple(
        Word(segment.start + i * step, segment.start + (i + 1) * step, character, probability)
        for i, character in enumerate(text)
    )


def _rows(
    segments: Sequence[Segment], *, mono: bool, samples: np.ndarray | None = None
) -> list[_Said]:
    """Words of one channel, cut where a turn may end, and joined again where nothing speaks for an end."""
    rows: list[_Said] = []
    text = "".join(segment.text for segment in segments)
    plain = mono and sum(character in _STOP for character in text) * 2 * PLAIN_LENGTH < len(text)
    pause = PLAIN_PAUSE_S if plain else PAUSE_S
    for segment in segments:
        fresh = True
        for word in _words_of(segment):
            last = rows[-1] if rows else None
            gap = word.start - last.quiet_from if last else 0.0
            known = segment.speaker != "unknown"
            if last is None or gap >= pause or (fresh and last.speaker != segment.speaker):
                rows.append(_Said(segment.channel, segment.speaker, known, [word]))
            elif mono and not known and last.text.endswith(_STOP) and word.text.strip():
                hard = last.text.endswith(_QUESTION) or gap >= SENTENCE_PAUSE_S
                rows.append(_Said(segment.channel, segment.speaker, known, [word], hard))
            elif samples is not None and not known and gap >= BREATH_S:
                rows.append(
                    _Said(segment.channel, segment.speaker, known, [word], False, breath=True)
                )
            else:
                last.words.append(word)
            fresh = False
    for row in rows:
        if not row.known and mono and not (plain and len(row.text) > PLAIN_LENGTH):
            row.speaker = guess_speaker(row.text)
            row.staff = CUE_ODDS ** SIDES[row.speaker] / (1 + CUE_ODDS ** SIDES[row.speaker])
    if samples is not None:
        _name_voices(rows, samples)
    joined: list[_Said] = []
    for row in rows:
        last = joined[-1] if joined else None
        other = last is not None and {row.speaker, last.speaker} == {"staff", "resident"}
        answers = not row.breath and _ANSWER.match(row.text)
        if last is None or row.hard or other or answers or _voice_changes(last, row):
            joined.append(row)
        else:
            last.words += row.words
            if last.speaker == "unknown":
                last.speaker, last.staff = row.speaker, row.staff
    return joined


def _voice_changes(last: _Said, row: _Said) -> bool:
    sure = min(last.voice.probability, row.voice.probability) >= CHANGED
    return sure and last.voice.number != row.voice.number


def _name_voices(rows: Sequence[_Said], samples: np.ndarray) -> None:
    """Name the speakers of `rows` by their voices, by what each voice says in all of the call, and by who
    spoke before."""
    alone = tell_apart(samples, [(r.words[0].start, r.quiet_from) for r in rows])
    zeros = [voice.probability if voice.number == 0 else 1 - voice.probability for voice in alone]
    changes = [0.5, *(_change(last, row) for last, row in pairwise(rows))][: len(rows)]
    leanings = [_leaning(row.text, row.speaker) for row in rows]
    for row, (staff, zero) in zip(rows, in_call(leanings, zeros, changes), strict=True):
        row.voice = Voice(0, zero) if zero >= 0.5 else Voice(1, 1 - zero)
        if not row.known:
            row.staff = staff
            row.speaker = _named(staff)


def _change(last: _Said, row: _Said) -> float:
    """How likely another speaks `row` than `last`, from what stands between them."""
    if last.text.endswith(_QUESTION):
        return CHANGE_ASKED
    if row.words[0].start - last.quiet_from >= LONG_PAUSE_S:
        return CHANGE_PAUSED
    return CHANGE_STOPPED if last.text.endswith(_STOP) else CHANGE_ELSE


def _named(staff: float) -> Speaker:
    """Who speaks, if staff do with this probability."""
    return "staff" if staff >= NAMED else "resident" if staff <= 1 - NAMED else "unknown"


def _leaning(text: str, guess: Speaker) -> float:
    """Log odds that staff say `text`, by its strong cues said by `guess`."""
    return TRUST * leaning(text) + SIDES[guess] * math.log(CUE_ODDS)


def _turn(row: _Said, duration: float) -> Turn:
    weights = [max(1, len(word.text.strip())) for word in row.words]
    sure = sum(w.probability * n for w, n in zip(row.words, weights, strict=True)) / sum(weights)
    return Turn(
        row.speaker,
        row.text,
        min(duration, *(max(word.start, 0.0) for word in row.words)),
        min(duration, row.end),
        row.channel,
        min(max(sure, 0.0), 1.0),
        speaker_probability=(
            None if row.known or row.speaker == "unknown" else max(row.staff, 1 - row.staff)
        ),
    )


def _cover(
    turns: list[Turn],
    said: Sequence[_Said],
    must: Sequence[Interval],
    channel: int,
) -> list[Turn]:
    """`turns` of one channel and the unheard ones that `must` needs; together they cover all of it."""
    heard = [sounding(word) for row in said for word in row.words]
    turns = turns + [
        Turn("unknown", "", start, end, channel, None, unheard=True)
        for start, end in uncovered(must, heard)
    ]
    for start, end in subtract(must, [(turn.start, turn.end) for turn in turns]):
        inside = [i for i, turn in enumerate(turns) if start <= turn.start and turn.end <= end]
        if inside:  # words that the engine gave no length
            turns[inside[0]] = replace(turns[inside[0]], start=start, end=end)
            continue
        # The piece touches what is beside it within the same speech, on one side or on both.
        left = [i for i, turn in enumerate(turns) if turn.end == start]
        right = [i for i, turn in enumerate(turns) if turn.start == end]
        middle = (start + end) / 2 if left and right else (end if left else start)
        if left:
            turns[left[-1]] = replace(turns[left[-1]], end=middle)
        if right:
            turns[right[0]] = replace(turns[right[0]], start=middle)
    return turns


def _name_channels(turns: list[Turn]) -> list[Turn]:
    """Name the speakers of a stereo call of which it is not set who speaks where, by what each channel
    says in all of the call; they stay unknown where that does not tell."""
    if any(turn.speaker != "unknown" for turn in turns):
        return turns
    first = min((turn.channel for turn in turns), default=0)
    if len({turn.channel for turn in turns if not turn.unheard}) < 2:
        return turns
    odds = 0.0
    for turn in turns:
        says = _leaning(turn.text, guess_speaker(turn.text))
        odds += says if turn.channel == first else -says
    staff = 1 / (1 + math.exp(-max(-30.0, min(30.0, odds))))
    named: list[Turn] = []
    for turn in turns:
        speaker = _named(staff if turn.channel == first else 1 - staff)
        sure = None if speaker == "unknown" else max(staff, 1 - staff)
        named.append(replace(turn, speaker=speaker, speaker_probability=sure))
    return named
