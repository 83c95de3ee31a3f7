"""A call as the readers of facts see it: each turn read once, and cut into clauses.

Numbers that nothing else can be (a whole mobile, an identity number) are read first, then addresses,
then times, each from what the readers before it left: 二号楼 is never the second of the month.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from pipeline.moments import Moment, read_moments
from pipeline.parts import MASK
from pipeline.phones import Number, read_numbers, read_parts
from pipeline.places import Address, read_places, standing
from pipeline.questions import ASKS_OTHERS, asks_for, asks_place
from pipeline.runs import MOBILE_BEGUN, Group, mend_digits, read_runs
from pipeline.script import fold
from pipeline.types import Piece, Speaker, Turn

ASKS_PHONE = re.compile(
    r"电话(?:号码)?(?:多少|几号|是|给我|留|呢|报)|手机(?:号码?)?(?:多少|几号|是|呢|报)|号码(?:多少|是|呢|报)|"
    r"(?<![打接来挂回通])(?:电话|手机|座机|号码)(?:号码?)?[您你我]?(?:说一|讲一|念|写|登记|记|麻烦|再报|有吗|方便)|"
    r"留(?:一?个|下)?[您你]?的?(?:电话|联系|手机|号码|号)|怎么联系|联系方式|(?:打给您|联系您|打)(?:什么|哪个|多少|几号)|"
    r"(?:电话|手机|座机|号码)[呢啊吧?]*$|(?:是|的)(?:座机|固话)[^。!]{0,10}[。!?]?$|来电显示[^。!]{0,8}[。!?]?$|(?:尾号|卡号|验证码).{0,20}$|几位[呢啊?]*$"
)

_YES = re.compile(r"[\s,]*(?:嗯+[,\s]?)?(?:对|是的?|没错|就是)(?!不)")
LISTENING = re.compile(r"[嗯哦噢喔啊呃哎诶好的对是您你说讲行可以继续请然后呢,。!?…\s]*")
"""A turn that only shows that somebody listens: a number or an address goes on over it."""


QUESTION_WITHIN = 120
"""Characters at the end of a turn in which a question is looked for; half a minute of speech."""

_BITS, _TAIL, _MOBILE = 3, 2, 11
"""A number goes on over so many turns that only listen, where no more characters than these follow its
part, and it has fewer digits than a mobile."""

_OVER = 16
"""Characters of the next block in which a number or an address may end."""

_BIT = 8
"""An answer may come in bits of so many characters: 十六号 · 嗯 · 三零四."""


@dataclass(frozen=True, slots=True)
class ReadTurn:
    """What stands in one turn: `folded` is its text by `script.fold`, `rest` that with what was read
    masked; all are as long as the turn's own text, so that offsets are the same."""

    folded: str
    numbers: tuple[Number, ...]
    addresses: tuple[Address, ...]
    rest: str
    asked_place: bool
    asked_phone: bool


@dataclass(frozen=True, slots=True)
class Clause:
    """A stretch of one turn between marks of punctuation: `text` is folded and masked.

    `sentence` counts the sentences of the piece that it was cut from.
    """

    text: str
    turn: int
    start: int
    end: int
    speaker: Speaker
    question: bool
    sentence: int


class Reading:
    """The turns of one call, each read when first asked for."""

    def __init__(self, turns: tuple[Turn, ...]) -> None:
        self.turns = turns
        self._folded: dict[int, str] = {}
        self._heard: dict[int, str] = {}
        self._runs: dict[int, list[list[Group]]] = {}
        self._read: dict[int, ReadTurn] = {}
        self._carried = 0
        self._standing: list[tuple[Address, ...]] = []
        self._moments: dict[tuple[int, datetime], list[Moment]] = {}

    def folded(self, index: int) -> str:
        if index not in self._folded:
            self._folded[index] = fold(self.turns[index].text)
        return self._folded[index]

    def heard(self, index: int) -> str:
        """The same with what stands for a numeral as that numeral."""
        if index not in self._heard:
            self._heard[index] = mend_digits(self.folded(index))
        return self._heard[index]

    def runs(self, index: int) -> list[list[Group]]:
        """The digits of a turn."""
        if index not in self._runs:
            self._runs[index] = read_runs(self.heard(index))
        return self._runs[index]

    def agrees(self, index: int) -> bool:
        """Whether there is a turn of this number, and it begins with a yes."""
        return index < len(self.turns) and bool(_YES.match(self.folded(index)))

    def __getitem__(self, index: int) -> ReadTurn:
        for unread in range(len(self._read), index + 1):
            self._read[unread] = self._read_turn(unread)
        return self._read[index]

    def addresses(self, index: int) -> tuple[Address, ...]:
        """The addresses of a turn, but for what a later turn takes back."""
        if not self._standing:
            said = [self[n].addresses for n in range(len(self.turns))]
            staff = [turn.speaker == "staff" for turn in self.turns]
            self._standing = standing(said, staff)
        return self._standing[index]

    def _read_turn(self, index: int) -> ReadTurn:
        folded, asked = self.folded(index), self._question(index)
        # A resident asks no resident; who spoke before may be unknown.
        asked_place, asked_phone = asks_place(asked), bool(ASKS_PHONE.search(asked))
        length, carried = len(folded), self._carried
        # Blocks are cut anywhere: 我住二十一栋三 · 单元七零二.
        beyond = self._beyond(index)
        heard = mend_digits(folded + beyond) if beyond else self.heard(index)
        heard = MASK * carried + heard[carried:]
        over_turns = self._number_goes_on(index)
        numbers = tuple(read_numbers(heard, asked=asked_phone and not over_turns))
        rest = _mask(heard, numbers)
        goes_on = not asked_place and (asked_phone or over_turns)
        parts = read_parts(rest, asked=goes_on)
        others = asked_place and bool(ASKS_OTHERS.search(asked))
        wanted = asks_for(asked) if asked_place and not others else ""
        masked = _mask(rest, parts)
        addresses = tuple(read_places(masked, asked=asked_place, others=others, wanted=wanted))
        ends = [n.end for n in numbers if n.start < length]
        ends += [a.end for a in addresses if a.start < length]
        self._carried = max(0, max(ends, default=0) - length)
        rest = _mask(rest, addresses)[:length]
        numbers, addresses = _within(numbers, length), _within(addresses, length)
        return ReadTurn(folded, numbers, addresses, rest, asked_place, asked_phone)

    def _beyond(self, index: int) -> str:
        """How the next turn begins, where both are blocks of unknown speakers."""
        both = self.turns[index : index + 2]
        if len(both) < 2 or any(turn.speaker != "unknown" or turn.unheard for turn in both):
            return ""
        return self.folded(index + 1)[:_OVER]

    def _number_goes_on(self, index: int) -> bool:
        """Whether the words before end in a part of a telephone number: 幺五九，零六八， · 二七三四."""
        before = index - 1
        while (
            before >= 0 and index - before <= _BITS and LISTENING.fullmatch(self.turns[before].text)
        ):
            before -= 1
        runs = self.runs(before) if before >= 0 else []
        if not runs or len(self.folded(before)) - runs[-1][-1].end > _TAIL:
            return False
        said = "".join(group.digits for group in runs[-1])
        only_digits = not runs[-1][0].start and self.turns[before].speaker == "staff"
        return bool(only_digits or MOBILE_BEGUN.match(said)) and len(said) < _MOBILE

    def _question(self, index: int) -> str:
        """The end of the turn before, listening noises passed over; empty when a resident said it."""
        turns, before = self.turns, index - 1
        while before >= 0 and index - before <= 4:
            bit = turns[before].speaker == turns[index].speaker and len(turns[before].text) <= _BIT
            if not bit and not LISTENING.fullmatch(turns[before].text):
                break
            before -= 1
        if before < 0 or self.turns[before].speaker == self.turns[index].speaker == "resident":
            return ""
        return self.folded(before)[-QUESTION_WITHIN:]

    def moments_between(self, index: int, start: int, end: int, call: datetime) -> Sequence[Moment]:
        """The times that begin in characters `start` to `end` of turn `index`, seen from `call`."""
        if (index, call) not in self._moments:
            self._moments[index, call] = read_moments(self[index].rest, call)
        moments = self._moments[index, call]
        first = bisect_left(moments, start, key=lambda moment: moment.start)
        last = bisect_left(moments, end, key=lambda moment: moment.start)
        return moments[first:last]

    def clauses(self, pieces: Sequence[Piece]) -> list[Clause]:
        """The clauses of `pieces`, in their order."""
        found: list[Clause] = []
        for piece in pieces:
            speaker, rest = self.turns[piece.turn].speaker, self[piece.turn].rest
            sentence = 0
            for start, end in _cut(rest, piece.start_char, min(piece.end_char, len(rest))):
                text = rest[start:end]
                question = rest[end : end + 1] == "?" or bool(_ASKS.search(text))
                sentence += bool(_STOP.search(rest, max(0, start - 2), start))
                found.append(Clause(text, piece.turn, start, end, speaker, question, sentence))
        return found


_last: Reading | None = None


def read(turns: Sequence[Turn]) -> Reading:
    """The reading of `turns`; that of the last call is kept, for its requests come one by one."""
    global _last
    turns = tuple(turns)
    known = _last
    if known is None or known.turns != turns:
        known = _last = Reading(turns)
    return known


_Found = TypeVar("_Found", Number, Address)


def _within(found: Sequence[_Found], length: int) -> tuple[_Found, ...]:
    """What begins in a text of `length`, and ends there at the latest."""
    return tuple(replace(one, end=min(one.end, length)) for one in found if one.start < length)


def _mask(text: str, found: Sequence[Number | Address | Group]) -> str:
    kept, at = [], 0
    for item in sorted(found, key=lambda item: item.start):
        start = max(at, item.start)
        kept += [text[at:start], MASK * max(0, item.end - start)]
        at = max(at, item.end)
    return "".join(kept) + text[at:]


_ASKS = re.compile(
    r"(?:吗|呢|伐|没有|好不好|对不对|对吧|是吧|行不行|怎么办)$|^(?:几|哪|多少|怎么|什么)|几点|什么时候|谁来"
)
_STOP = re.compile(r"[。!?]")
_MARK = re.compile(r"[,。!?;:…—]+|\s+|\.{2,}")
_BREATH = re.compile(
    r"(?=还有(?:就是|一个|个|我|一)|另外|然后(?!呢)|所以|但是|不过|因为|那个(?=我)|那(?=我|你|您|就)|就是说|能不能|"
    r"什么时候|怎么办|要是|如果|万一|好的?(?=我|那|谢)|(?<![给帮叫跟让找对和为向替问把被])(?:我们?(?=马上|现在|给|叫|让|打|今|明|去|跟|帮|先|再|想|要|家|这|那|来|会|已|也|就|记|查|问|报)|"
    r"(?:您|你)(?=先|把|去|等|带|明|今|放|留|别|不要|家|那)))"
)
_LONG = 24
"""Characters: a longer stretch without punctuation is cut before words that begin a clause."""


def _cut(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    at = start
    for mark in [*_MARK.finditer(text, start, end), None]:
        stop = mark.start() if mark else end
        if mark and mark[0].isspace() and stop > at and _glued(text, stop, mark.end()):
            continue
        if stop > at:
            yield from _breathe(text, at, stop)
        if mark:
            at = mark.end()


def _glued(text: str, stop: int, following: int) -> bool:
    """A blank inside of a word or a figure (wifi 密码, 48 小时) ends no clause."""
    return text[stop - 1 : stop].isascii() or text[following : following + 1].isascii()


def _breathe(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    if end - start <= _LONG:
        yield start, end
        return
    at = start
    for match in _BREATH.finditer(text, start + 4, end):
        if match.start() - at >= 6 and end - match.start() >= 4:
            yield at, match.start()
            at = match.start()
    yield at, end
