"""Digits said one after the other as runs of groups: a number read out, with pauses, words between its
parts, slips and numerals of every sort.

A leaf: it reads one text, folded (`script.fold`). 幺 is 1 and 两 is 2; 三个八 is 888; 一百三十九 is 139
where a whole mobile comes of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, cast

from pipeline.mishearing import like
from pipeline.script import digits, spoken_number

DIGIT = "[0-9零〇○一二两三四五六七八九幺]"
NUMBER = "(?:[0-9]{1,4}|[零〇○一二两三四五六七八九十百廿卅幺]{1,6})"
"""A number of a building, a floor, a unit."""
Where = Literal["", "head", "middle", "tail"]
_ONES = "一二三四五六七八九"
_TOKEN = re.compile(
    rf"(?:(?P<times>[一二两三四五六2-6])个(?:连着的)?|双)(?P<same>{DIGIT})(?![十百千个多位])|"
    rf"(?P<counted>一百[二三四五六七八九]十[{_ONES}]?|(?<!{DIGIT})[二三四五六七八九]十[{_ONES}]?|(?<!十)十[{_ONES}])"
    rf"(?={DIGIT}|[\s,。、;:…!-]|[的是呢啊呀]|$)|"
    rf"(?P<one>(?<={DIGIT}){DIGIT}(?=十[{_ONES}](?:{DIGIT}|[\s,。、]|$))|{DIGIT}(?![位十共遍趟次声]|下(?!面)|个(?:数|字|号码|位)))"
)

_NOISE = (
    "嗯+|哦+|噢|喔|呃|额|啊|哎|唉|呀|哟|好的?|好好|对+的?|是的?|您说|你说|您讲|你讲|听好|记好|记一下|等一下|那个|就是|还有个?|"
    f"{like('然')}{like('后')}|"
    "再(?:加上?|来|接|接着|就是|有)?|加上?|接着|接下来|接下去|跟着|完了|下面|空格?|横?杠|连着|喂|呢"
)
_COUNT = "(?:(?:那|这)?[一二两三四五六七八几]个?(?:位|个)?(?:数字?|号码?|字)?)"
_WHERE = (
    "(?:最?(?:前|后)(?:[面头边首]|(?=[一二两三四五六七八几]))|最后|中间|当中|开头|打头|头上|末[尾了]|尾巴|尾[号数]|结尾|[前头末](?=[一两二三四五六七八几]位))"
    f"(?:的)?{_COUNT}?"
)
_BETWEEN = re.compile(
    rf"[\s,、.。;:…\-—~!?()]*(?:(?:{_NOISE}|{_WHERE})(?:是|呢)?[\s,、.。;:…\-—~!?]*){{0,5}}"
)
"""What may stand between two groups of one number: pauses, listening noises, which part comes now."""
_HEAD = re.compile(r"[\s,]*(?:的|(?:开|打)头的?|这个号的?)[\s,、.。…]*")
"""What may stand behind the first three digits of a mobile: 一三九的一八幺零."""

_SLIP = re.compile(
    r"(?<!对)不对(?![劲头付])|(?<!是)不是|(?<!没)错了|[说讲念报写记搞弄听看]错|[说报讲记]反|反了|哦不|噢不|啊不|等等|重新|重来|更正|纠正|应该是|应当是|才对|"
    rf"[少多漏](?:了|报|说|念|讲)*[一两二几]?(?:位|个(?=[数字号]|{DIGIT}|[\s,。]|$))"
)
"""The speaker takes something back; 少一位: or has left some out."""
_SLIP_WITHIN = 20
_PART = re.compile(
    "(?P<tail>最后|后[面头边]|后(?=[一两二三四五六七八几])|末[尾了]|末(?=[一两二三四五六七八几])|尾[巴号数]|结尾)|"
    "(?P<middle>中间|当中)|(?P<head>[前头]三位|前[面头边]|开头|打头)"
)
MOBILE = re.compile(r"1[3-9][0-9]{9}")
MOBILE_BEGUN = re.compile(r"1[3-9][0-9]")

_FORMAL = str.maketrans("壹贰叁肆伍陆柒捌玖拾佰", "一二三四五六七八九十百")
_FORMAL_RUN = re.compile(
    r"(?<![姓小老阿大登着内放收入退队])(?:"
    rf"(?=[{_ONES}零〇伍陆]*[壹贰叁肆柒捌玖拾佰]|[伍陆]*[{_ONES}零〇]|[{_ONES}零〇]+[伍陆])[壹贰叁肆伍陆柒捌玖拾佰{_ONES}零〇两幺十百]{{2,}}|"
    r"[壹贰叁肆伍陆柒捌玖拾](?=号(?!线)|[楼栋幢弄室层座]|单元))"
)
"""拾柒号, 伍零贰室: numerals as cheques have them. Alone 伍 and 陆 are names, 拾 and 肆 parts of words."""

_PLAIN_MISHEARD = {
    "灵": "零", "林": "零", "凌": "零", "铃": "零", "玲": "零", "另": "零", "腰": "幺", "妖": "幺", "邀": "幺",
    "么": "幺", "午": "五", "伍": "五", "舞": "五", "陆": "六", "柒": "七", "起": "七", "妻": "七", "酒": "九",
    "久": "九", "叁": "三", "伞": "三", "肆": "四", "捌": "八",
}  # fmt: skip
_MEND = re.compile(
    "(?:(?<=[零〇一二两三四五六七八九幺0-9])H(?=[零〇一二两三四五六七八九幺0-9])|(?<=[楼号栋元])H(?=[零〇][一二三四五六七八九])|"
    "(?<=[一二两三四五六七八九][零〇])H)".replace("H", f"[{''.join(_PLAIN_MISHEARD)}]")
)
_CALLED = str.maketrans("洞动冻拐乖怪勾沟钩么", "零零零七七七九九九幺")
"""Digits as drivers, soldiers and the army's families call them; 幺 is often written 么."""
_CALLED_RUN = re.compile(
    rf"(?:{DIGIT}|[洞动冻拐乖怪勾沟钩么])(?:[\s,、]*(?:{DIGIT}|[洞动冻拐乖怪勾沟钩么])){{6,}}|"
    rf"(?<=[号楼栋幢元])(?:{DIGIT}|[洞拐勾]){{3,4}}(?!{DIGIT})"
)


def mend_digits(text: str) -> str:
    """五灵一 → 五零一, 拾贰号 → 十二号: what stands for a numeral as that numeral, one for one.

    Homophones only where they mean nothing: between digits or beside the zero of a room.
    """
    text = _FORMAL_RUN.sub(lambda match: match[0].translate(_FORMAL), text)
    text = _CALLED_RUN.sub(lambda match: match[0].translate(_CALLED), text)
    return _MEND.sub(lambda match: _PLAIN_MISHEARD[match[0]], text)


@dataclass(frozen=True, slots=True)
class Group:
    """Digits said without a pause: `text[start:end]`. `slip`: the speaker took back what was before;
    `where`: which part of the number is said to come; `counted`: said as a number, 十八, which most
    often is none of a telephone's."""

    digits: str
    start: int
    end: int
    slip: bool = False
    where: Where = ""
    counted: bool = False


def read_runs(text: str) -> list[list[Group]]:
    """The digits of `text` as runs of groups; a run goes on over pauses, listening noises and slips."""
    runs = _grouped(list(_tokens(text)), text)
    if not any(group.counted for run in runs for group in run):
        return runs
    found: list[list[Group]] = []
    for run in runs:
        said = "".join(group.digits for group in run)
        if not any(group.counted for group in run) or MOBILE.fullmatch(said):
            found.append(_glued(run))
        else:
            found += _grouped([group for group in run if not group.counted], text)
    return found


def part_named(words: str) -> Where:
    """Which part of a number is named last in the words before it: 后四位是."""
    named = [match.lastgroup for match in _PART.finditer(words)]
    return cast(Where, named[-1]) if named else ""


def takes_back(words: str) -> bool:
    """Whether the words before a number take back one said earlier."""
    return bool(_SLIP.search(words))


def amended(number: str, part: str, where: Where) -> str:
    """`number` with `part` in the place of what it corrects: the tail, unless words tell which part, or
    the tail is much unlike it and another place is all but the same."""
    spare = len(number) - len(part)
    if spare <= 0:
        return part

    def differs(at: int) -> int:
        return sum(a != b for a, b in zip(number[at:], part, strict=False)) or len(part)

    at = {"head": 0, "middle": min(3, spare)}.get(where, spare)
    if not where and len(part) >= _ALIGNS and differs(spare) > 2:
        alike = [start for start in range(spare) if differs(start) == 1]
        at = alike[0] if alike else spare
    return number[:at] + part + number[at + len(part) :]


_ALIGNS = 3
"""Digits that tell by themselves what they stand for."""


def single_digits(text: str, start: int, end: int) -> list[Group]:
    """Every digit of a stretch alone; empty where some are said as several at once."""
    found = list(_tokens(text, start, end))
    return found if all(len(one.digits) == 1 for one in found) else []


def _tokens(text: str, start: int = 0, end: int | None = None) -> Iterator[Group]:
    for match in _TOKEN.finditer(text, start, len(text) if end is None else end):
        if match["same"]:
            value = digits(match["same"]) * int(digits(match["times"] or "2"))
        elif match["counted"]:
            value = str(spoken_number(match["counted"]))
        else:
            value = digits(match["one"])
        yield Group(value, *match.span(), counted=bool(match["counted"]))


def _grouped(tokens: Sequence[Group], text: str) -> list[list[Group]]:
    """Tokens as runs; those without anything between are one group, but for what is counted."""
    groups: list[Group] = []
    for token in tokens:
        last = groups[-1] if groups else None
        if last and last.end == token.start and not (last.counted or token.counted):
            groups[-1] = replace(last, digits=last.digits + token.digits, end=token.end)
        else:
            groups.append(token)
    runs: list[list[Group]] = []
    for group in groups:
        gap = text[runs[-1][-1].end : group.start] if runs else ""
        group = replace(group, where=part_named(gap)) if gap else group
        if runs and (_BETWEEN.fullmatch(gap) or _headed(runs[-1][-1], gap)):
            runs[-1].append(group)
        elif runs and len(gap) <= _SLIP_WITHIN and _SLIP.search(gap):
            runs[-1].append(replace(group, slip=True))
        else:
            runs.append([group])
    return [_denied(run, text) for run in runs]


def _glued(run: Sequence[Group]) -> list[Group]:
    found: list[Group] = []
    for group in run:
        if found and found[-1].end == group.start:
            found[-1] = replace(found[-1], digits=found[-1].digits + group.digits, end=group.end)
        else:
            found.append(group)
    return found


def _denied(run: list[Group], text: str) -> list[Group]:
    """…四四二一，不是四四二一，是四四一二: what is denied is said no second time."""
    found: list[Group] = []
    for n, group in enumerate(run):
        following = run[n + 1] if n + 1 < len(run) else None
        if following is not None and group.slip and found:
            said = "".join(one.digits for one in found)
            gap = text[group.end : following.start]
            if said.endswith(group.digits) and "是" in gap:
                run[n + 1] = replace(following, slip=True)
                continue
        found.append(group)
    return found


def _headed(group: Group, gap: str) -> bool:
    return bool(MOBILE_BEGUN.fullmatch(group.digits) and _HEAD.fullmatch(gap))
