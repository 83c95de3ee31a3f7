"""Words that nobody said: what Whisper writes where there is no speech, or when it turns in circles.

Such segments are set aside, not erased: they are stored and shown, and their time is put before a
human ear. In doubt words stay. Whisper learned the phantoms from subtitles of Chinese video; they are
reported in openai/whisper discussion 928 and by its users (ufal/whisper_streaming issue 179, the filters of
many programs); "Careless Whisper" (Koenecke and others, 2024) studies them. A call to a residents'
committee does not hold them, but it does hold 谢谢大家, 好, 转发, 订阅: those are no reason.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby

from pipeline.types import Segment

_MIRROR = "(?:支[持援])?(?:明?[镜鏡]?[与與]?[点點]{1,2}[栏欄]目|明[镜鏡])?"
_CERTAIN = re.compile(
    "|".join(
        (
            # "Please like, subscribe, forward and tip 明镜与点点": the whole and what is left of it
            "[请請]?不?吝[点點][赞贊讚](?:[订訂][阅閱])?(?:[转轉][发發])?(?:打[赏賞])?" + _MIRROR,
            "(?:[订訂][阅閱])?(?:[转轉][发發])?打[赏賞]支[持援]" + _MIRROR,
            "明[镜鏡][与與][点點][点點][栏欄]目",
            "明[镜鏡]需要您的支持",
            "[欢歡]迎[订訂][阅閱]明[镜鏡]",
            # "Subtitles by the Amara.org community"
            "(?:中文|小[编編])?字?幕?由?amaraorg(?:社[区區群])?提?供?(?:的字幕)?",
            # "Subtitle volunteers: ..." with a name of two or three characters
            "(?:中文)?字幕志[愿願]者(?:申[请請])?(?:[一-龥]{2,3})?",
            "(?:中文)?字幕(?:cm)?李宗盛",
            "字幕[组組制製][一-龥]{0,8}[时時][间間][轴軸][一-龥]{0,4}",
            "(?:本|中文)字幕[由组組][一-龥]{0,8}",
            "了解更多[请請][订訂][阅閱].{0,16}留言",
            # A broadcaster's name
            "[优優]*[独獨]播[剧劇][场場]",
            "yoyotelevisionseriesexclusive",
            "mingpao(?:canada|toronto)",
            "transcribedbyhttpsotterai",
            "wwwmoojiorg",
            # The end of a programme
            "(?:[谢謝]{2}|感[谢謝]|多[谢謝])(?:您的|大家的?|各位)?(?:[观觀]看|收看|收[听聽])",
            "(?:我[们們])?下[集期]再[见見會会]",
        )
    )
)
_SUSPICIOUS = re.compile(
    "[欢歡請请][迎您]?[订訂][阅閱](?:我[的们們]{0,2})?(?:[频頻]道)?|(?:中文)?字幕(?:[组組]|提供)?|小[编編]"
)
LOW_LOGPROB = -0.8
LOW_SPEECH = 0.6
"""Below this mean log probability, or above this probability of no speech, Whisper itself doubts;
its own limits for a window are -1.0 and 0.6."""
GARBLED_LOGPROB = -2.5
"""Below this no word was recognised: a token had one chance in twelve in the mean. Of 149 segments of real
words in the demonstration the least sure has -0.54; of six reversed voices at once, and of street noise, those that
are not words have -3.1 to -7.4. Half a character (U+FFFD) is the same sign where Whisper doubts, and what
it doubts of beside such a segment, in one window, is no better."""
NO_WORDS = 0.4
"""Mean probability of a segment's words below which it is garbled, if Whisper was also less sure of it than
FAILED_LOGPROB: its own limit, which then held at no temperature."""
FAILED_LOGPROB = -1.0
CLEAR_LOGPROB, CLEAR_WORDS = -0.6, 0.6
"""A segment is clear from this mean log probability and this mean probability of its words on, and unsure below
both. Of 128 segments of the demonstration the least have -0.51 and 0.63, and those of street noise as loud as
the voices still reach -0.25 and 0.85; the best of voices turned around has -0.74 and 0.54."""
CLEAR_LENGTH = 4
"""Characters of the shortest segment that shows that words can be made out: 好 and 再见 come out of anything."""
_CUT_END = re.compile("[中文字幕小编編由的]*")
"""What may remain beside a phantom; anything else may have been said, and keeps the segment."""
LOOP_TIMES = 8
LOOP_LENGTH = 24
"""A loop is the same words eight times on end over 24 characters or more: nobody says that at one go,
while 喂喂喂喂, 对对对对对 and 谢谢谢谢谢谢 are said."""
_LOOP = re.compile(rf"(.{{1,12}}?)\1{{{LOOP_TIMES - 1},}}")
ALIKE_TIMES = 5
ALIKE_KEPT = 2
"""Whisper also turns in circles a segment at a time (ggml-org/whisper.cpp issue 1788: six times and on the
same sentence, over speech that was another). Of segments alike so many times on end, over LOOP_LENGTH
characters or more, the first two may have been said."""
ECHO_LENGTH = 5
"""So many characters of our own sentence on end, and nothing else, were read off the prompt."""
ECHO_WORDS = 4
"""So many of the office's words on end in the order in which they were given are the list, read out;
fewer may be an address or an answer, and count unless Whisper itself doubts."""
_CRIES = re.compile("救命|救救|来人|來人|快来|快來")
_BARE = re.compile(r"[\W_]+")


def bare(text: str) -> str:
    """`text` in lower case without punctuation and spaces."""
    return _BARE.sub("", text).lower()


def judged(
    segments: Sequence[Segment], sentence: str = "", words: Sequence[str] = ()
) -> list[Segment]:
    """The segments of one window, in order, each with why its words do not count, as `set_aside` has it.

    What was set aside before stays so. `sentence` and `words` are what Whisper was given as its prompt.
    """
    found: list[Segment] = []
    beside = any(_garbled(segment) for segment in segments)
    for text, group in groupby(segments, key=lambda segment: bare(segment.text)):
        alike = list(group)
        circles = len(alike) >= ALIKE_TIMES and len(text) * len(alike) >= LOOP_LENGTH
        for number, segment in enumerate(alike):
            why = segment.set_aside or set_aside(segment, sentence, words)
            if why is None and beside and _doubted(segment) and not _CRIES.search(text):
                why = "garbled"
            if why is None and circles and number >= ALIKE_KEPT and not _CRIES.search(text):
                why = "loop"
            found.append(replace(segment, set_aside=why))
    return found


def without_clear_words(segments: Sequence[Segment]) -> list[Segment]:
    """All segments of a call, of both its channels; where none is clear, those that are unsure are set aside
    as garbled.

    A bad line garbles one party, or a sentence here and there; the other, at the recorder, is clear. Sound in
    which nobody speaks is garbled throughout. So one clear sentence keeps all that is unsure in its call.
    """
    if any(s.set_aside is None and _clear(s) for s in segments):
        return list(segments)
    return [
        replace(s, set_aside="garbled")
        if s.set_aside is None and _unsure(s) and not _CRIES.search(bare(s.text))
        else s
        for s in segments
    ]


def set_aside(segment: Segment, sentence: str = "", words: Sequence[str] = ()) -> str | None:
    """Why the words of `segment` do not count: phantom, loop, echo (of the prompt, which is made of
    `sentence` and `words`), garbled; None when they do."""
    text = bare(segment.text)
    if not text:
        return None
    doubted = _doubted(segment)
    if _echoes(text, bare(sentence), [bare(word) for word in words], doubted):
        return "echo"
    if _nothing_else(_CERTAIN, text):
        return "phantom"
    if doubted and _nothing_else(_SUSPICIOUS, text):
        return "phantom"
    for found in _LOOP.finditer(text):
        length = found.end() - found.start()
        if length >= max(LOOP_LENGTH, 0.8 * len(text)) and not _CRIES.search(found[0]):
            return "loop"
    if _garbled(segment) and not _CRIES.search(text):
        return "garbled"
    return None


def _doubted(segment: Segment) -> bool:
    """Whether Whisper itself doubts what it heard."""
    return segment.avg_logprob < LOW_LOGPROB or segment.no_speech_prob > LOW_SPEECH


def _garbled(segment: Segment) -> bool:
    """Whether no words were made out, only signs."""
    half = "\N{REPLACEMENT CHARACTER}" in segment.text and segment.avg_logprob < LOW_LOGPROB
    failed = segment.avg_logprob < FAILED_LOGPROB and _words_sure(segment) < NO_WORDS
    return half or failed or segment.avg_logprob < GARBLED_LOGPROB


def _clear(segment: Segment) -> bool:
    """Whether words were made out, as a whole and one by one, and enough of them."""
    sure = segment.avg_logprob >= CLEAR_LOGPROB and _words_sure(segment) >= CLEAR_WORDS
    return sure and not _doubted(segment) and len(bare(segment.text)) >= CLEAR_LENGTH


def _unsure(segment: Segment) -> bool:
    """Whether Whisper is unsure of a segment as a whole and of its words one by one; of a single character,
    which tells nothing by itself, if of either."""
    unsure = [segment.avg_logprob < CLEAR_LOGPROB, _words_sure(segment) < CLEAR_WORDS]
    return all(unsure) or (any(unsure) and len(bare(segment.text)) == 1)


def _words_sure(segment: Segment) -> float:
    """The mean probability of a segment's words; 1 where none are told."""
    if not segment.words:
        return 1.0
    return sum(word.probability for word in segment.words) / len(segment.words)


def _echoes(text: str, sentence: str, words: Sequence[str], doubted: bool) -> bool:
    """Whether `text` is the prompt or a piece of it, and nothing else. All are bare."""
    rest = text.replace(sentence, "") if sentence else text
    if not rest or (len(text) >= ECHO_LENGTH and text in sentence):
        return True
    known = sorted(filter(None, words), key=len, reverse=True)
    one = "|".join(map(re.escape, known))
    if not known or not re.fullmatch(f"(?:{one})+", rest) or _CRIES.search(rest):
        return False
    said = re.findall(one, rest)
    listed = any(said == list(words[at : at + len(said)]) for at in range(len(words)))
    return doubted or rest != text or (listed and len(said) >= ECHO_WORDS)


def _nothing_else(phantom: re.Pattern[str], text: str) -> bool:
    rest = phantom.sub("", text)
    return len(rest) < len(text) and _CUT_END.fullmatch(rest) is not None
