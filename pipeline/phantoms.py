"""Words that nobody said: what Whisper writes where there is no speech, or when it turns in circles.

Such segments are set aside, not erased: they are stored and shown, and their time is put before a
human ear. In doubt words stay. Whisper learned the phantoms from subtitles of Chinese video; they are
reported in openai/whisper discussion 928 and by its users (ufal/whisper_streaming issue 179, the filters of
many programs); "Careless Whisper" (Koenecke and others, 2024) studies them. A call to a residents'
committee does not hold them, but it does hold 谢谢大家, 好, 转发, 订阅: those are no reason.
"""

from __future__ import annotations

import re

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
_CUT_END = re.compile("[中文字幕小编編由的]*")
"""What may remain beside a phantom; anything else may have been said, and keeps the segment."""
LOOP_TIMES = 8
LOOP_LENGTH = 24
"""A loop is the same words eight times on end over 24 characters or more: nobody says that at one go,
while 喂喂喂喂, 对对对对对 and 谢谢谢谢谢谢 are said."""
_LOOP = re.compile(rf"(.{{1,12}}?)\1{{{LOOP_TIMES - 1},}}")
_CRIES = re.compile("救命|救救|来人|來人|快来|快來")
_BARE = re.compile(r"[\W_]+")


def bare(text: str) -> str:
    """`text` in lower case without punctuation and spaces."""
    return _BARE.sub("", text).lower()


def set_aside(segment: Segment, prompt: str = "") -> str | None:
    """Why the words of `segment` do not count: phantom, loop, echo (of `prompt`); None when they do."""
    text = bare(segment.text)
    if not text:
        return None
    if prompt and not text.replace(bare(prompt), ""):
        return "echo"
    if _nothing_else(_CERTAIN, text):
        return "phantom"
    doubted = segment.avg_logprob < LOW_LOGPROB or segment.no_speech_prob > LOW_SPEECH
    if doubted and _nothing_else(_SUSPICIOUS, text):
        return "phantom"
    for found in _LOOP.finditer(text):
        length = found.end() - found.start()
        if length >= max(LOOP_LENGTH, 0.8 * len(text)) and not _CRIES.search(found[0]):
            return "loop"
    return None


def _nothing_else(phantom: re.Pattern[str], text: str) -> bool:
    rest = phantom.sub("", text)
    return len(rest) < len(text) and _CUT_END.fullmatch(rest) is not None
