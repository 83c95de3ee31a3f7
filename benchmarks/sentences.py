"""Calls for measuring search: any number of varied sentences, none twice, the same from the same seed.

Words come from jieba's dictionary (349,000, with how often each is used), so that common and rare
characters and words are as common and rare as in written Chinese; frames of telephone talk, places,
numbers, names, and strings of random words hold them together. Nobody said any of it.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from pathlib import Path

FIGURES = "零一二三四五六七八九"

FRAMES = (
    "喂你好，我{place}的，{n}{d}{v}了，能不能{v}一下{n}",
    "我们家{n}{v}{n}，{d}{a}，你们派人来{v}",
    "{name}在{ns}，他说{n}要{v}，{t}之前{v}{n}",
    "{place}的{n}{a}得很，{v}了{m}次都没有{v}",
    "我想问一下，{n}的{n}怎么{v}，是不是要{v}{n}",
    "{t}{n}就{v}了，到现在还没有人{v}",
    "麻烦你们跟{n}讲一声，{place}{d}{v}{n}，电话{phone}",
    "{i}，{n}{d}{v}，{n}也{v}了",
    "我{n}{a}，家里只有{m}个{n}，{v}不了{n}",
    "他们{v}{n}的时候把{n}{v}了，{d}{a}",
    "您好，这里是居委会，{n}的事情我们{v}，{t}给您{v}",
    "好的好的，我{v}一下，{place}，{name}，{phone}对吗",
    "{ns}{ns}的{n}能{v}进来吗，{n}说{d}不{v}",
    "小区{f}有{m}个{n}在{v}，{n}{d}{a}",
    "不是{n}，是{n}，{v}错了，我再{v}一遍",
    "还有一个事情，{n}{v}{n}，{i}",
    "你们{v}的{n}{a}，{m}斤{n}只{v}了{m}",
    "{v}{n}{v}{n}，{d}{v}",
    "{n}{n}{v}，{a}{n}",
    "那个{n}啊，{d}{d}{v}，我跟{name}也{v}过",
    "没有{n}就{v}不了{n}，{t}{n}还要{v}",
    "楼{f}{n}{v}得{a}，晚上{d}{v}",
)

SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘蒋蔡余杜叶程"
TIMES = ("今天", "明天", "后天", "昨天", "早上", "下午", "晚上", "上个礼拜", "这个月", "前天夜里",
         "刚才", "三点", "八点半", "周五", "年底")  # fmt: skip
SIDES = ("门口", "里面", "下面", "旁边", "顶上", "后面", "对面")


def dictionary() -> dict[str, tuple[list[str], list[int]]]:
    """Words and how often each is used, by part of speech, of 1 to 4 Chinese characters."""
    import jieba

    kinds: dict[str, tuple[list[str], list[int]]] = {}
    source = Path(jieba.__file__).with_name("dict.txt")
    for line in source.read_text(encoding="utf-8").splitlines():
        word, count, kind = line.split(" ")
        kind = {"vn": "v", "vg": "v", "ad": "a", "an": "a", "nz": "n", "nt": "n", "l": "i"}.get(
            kind, kind
        )
        if len(word) <= 4 and all("\u4e00" <= char <= "\u9fff" for char in word):
            words, counts = kinds.setdefault(kind, ([], []))
            words.append(word)
            counts.append(int(count) + 1)
    return kinds


class Speaker:
    """Draws words and makes sentences of them."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.kinds = dictionary()
        self.pools = {kind: self._draw(kind) for kind in ("n", "v", "a", "d", "i", "ns", "nr")}
        self.any = self._any()
        self.seen: set[int] = set()

    def _draw(self, kind: str) -> Iterator[str]:
        words, counts = self.kinds[kind]
        sums = list(itertools.accumulate(counts))
        while True:
            # Four of five as often as written; one of five any word at all, however rare.
            for word in self.random.choices(words, cum_weights=sums, k=4096):
                yield self.random.choice(words) if self.random.random() < 0.2 else word

    def _any(self) -> Iterator[str]:
        words = [w for kind in self.kinds.values() for w in kind[0]]
        sums = list(itertools.accumulate(c for kind in self.kinds.values() for c in kind[1]))
        while True:
            yield from self.random.choices(words, cum_weights=sums, k=4096)

    def number(self, low: int, high: int) -> str:
        """A number as heard: in figures, digit by digit, or as a number word below 100."""
        n = self.random.randint(low, high)
        how = self.random.random()
        if how < 0.5:
            return str(n)
        if how < 0.6:
            return str(n).translate({ord(str(d)): 0xFF10 + d for d in range(10)})
        if n < 100 and how < 0.9:
            tens, ones = divmod(n, 10)
            lead = "" if tens == 1 else FIGURES[tens]
            return (lead + "十" if tens else "") + (FIGURES[ones] if ones or not tens else "")
        return "".join(FIGURES[int(digit)] for digit in str(n))

    def place(self) -> str:
        return f"{self.number(1, 40)}号楼{self.number(1, 6)}0{self.number(1, 4)}"

    def sentence(self) -> str:
        """One that this speaker never said before."""
        while True:
            said = self._try()
            key = hash(said)
            if key not in self.seen:
                self.seen.add(key)
                return said

    def _try(self) -> str:
        if self.random.random() < 0.35:  # words of any kind, as often as they are written
            n = self.random.randint(4, 14)
            said = "".join(itertools.islice(self.any, n))
            cut = self.random.randint(3, max(4, len(said) - 2))
            return said[:cut] + "，" + said[cut:]
        parts = []
        for piece in self.random.choice(FRAMES).replace("}", "{").split("{"):
            if piece in self.pools:
                parts.append(next(self.pools[piece]))
            elif piece == "place":
                parts.append(self.place())
            elif piece == "m":
                parts.append(self.number(1, 30))
            elif piece == "t":
                parts.append(self.random.choice(TIMES))
            elif piece == "f":
                parts.append(self.random.choice(SIDES))
            elif piece == "phone":
                parts.append("1" + "".join(self.random.choices("0123456789", k=10)))
            elif piece == "name":
                parts.append(
                    self.random.choice(SURNAMES) + self.random.choice(("阿姨", "师傅", ""))
                )
            else:
                parts.append(piece)
        said = "".join(parts)
        return said if self.random.random() < 0.8 else said.replace("，", "")


def sentences(n: int, seed: int = 7) -> Iterator[str]:
    """`n` sentences, no two alike; about one in fifty in traditional script."""
    from opencc import OpenCC

    speaker = Speaker(seed)
    taiwan = OpenCC("s2tw")
    for _ in range(n):
        said = speaker.sentence()
        yield str(taiwan.convert(said)) if speaker.random.random() < 0.02 else said
