"""The caller's number: whole, over turns, corrected, read back.

Every number of the call is weighed (`_weighed`), and one said in bits over several turns beside them; then
what takes a part of one back changes it. A correction goes before what it corrects, and before all goes
what staff read back and the caller confirms.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from pipeline.mishearing import like
from pipeline.reading import LISTENING, Reading, read
from pipeline.runs import MOBILE, Group, amended, part_named, takes_back
from pipeline.types import Turn

_OWN_PHONE = re.compile(
    r"(?:我的?|本人|家里|自己)(?:的)?(?:手机|电话|号码|联系|座机)|打我|给我打|打这个|我(?:这里|这边)?(?:是|就是)?[\s,:]*$|打给我|找我|联系我|(?:自己|我)的?(?:号|的)是?[\s,:]*$"
)
_THEIRS = (
    "他|她|儿子|女儿|老公|老婆|爱人|先生|妈|爸|父亲|母亲|师傅|物业|司机|邻居|房东|医生|护士|单位|公司|派出所|志愿者|团长|快递|骗子|对方|中介|"
    "骑手|老板"
)
_KIN = _THEIRS + "|姐|哥|弟|妹|姨|舅|叔|爷爷|奶奶"
_OTHERS_PHONE = re.compile(
    rf"(?:{_THEIRS})[^,。!?;]{{0,6}}(?:电话|手机|号码|是)[^,。!?;]{{0,4}}$|(?:电话|手机|号码)是(?:我|他|她)?(?:们)?(?:{_KIN})的[\s,:]*$"
)
_OTHERS_AFTER = re.compile(rf"[\s,]*(?:这个?)?是(?:我|他|她)?(?:{_KIN})[的德得地]")

_IS_IT = re.compile(
    rf"[\s,。]*(?:这个号|这个)?(?:{like('对')}(?:[吗不]|{like('吧')})|对不对|是(?:这个(?:号码?)?)?[吗吧]|是不是|没错吧?|打这个)"
)
_IS_THIS = re.compile(
    r"(?:来电显示|(?:就|是)(?:是)?这个|您的?(?:电话|手机|号码)|这个号)[^,。?]{0,8}[\s,:]*$"
)
_SHOWN = re.compile(
    r"[\s,。]{0,2}(?:我)?(?:这[里边]|们|电脑|机器)?(?:都|上)?(?:有|看得?[到见])?(?:来电)?(?:显示|记录|登记)"
)
_CONFIRMED, _CORRECTED, _READ_BACK = 8, 3, 6
_LATER = 4
"""A correction comes so many turns later at most."""
_FEW = 4
_LEAD = 14
"""Characters before its digits at most."""
_ENDS = re.compile(r"[\s,。!?…]|[的了啊呀哦才]|$")
_MOBILE, _LANDLINE = 11, 8
"""Digits of a number without a code."""


@dataclass(frozen=True, slots=True)
class SaidPhone:
    digits: str
    parts: tuple[tuple[int, int, int], ...]
    """(turn, start, end) of each stretch of words that holds a part of the number."""
    score: int


def phone_of(turns: Sequence[Turn]) -> str | None:
    """The caller's number as said in the call, in digits (landlines with 021 where it was said)."""
    said = said_phone(turns)
    return said.digits if said else None


def said_phone(turns: Sequence[Turn]) -> SaidPhone | None:
    """The caller's number with the words that hold it."""
    calls = read(turns)
    found = [*_weighed(calls), *_over_turns(calls)]
    found += [later for said in found for later in _corrections(calls, said)]
    best = max(found, key=lambda said: said.score, default=None)
    return best if best and best.score > 0 else None


def _weighed(calls: Reading) -> Iterator[SaidPhone]:
    """Every whole number, with how surely it is the caller's."""
    by_residents: set[str] = set()
    for index, turn in enumerate(calls.turns):
        if turn.unheard:
            continue
        folded = calls.folded(index)
        for number in calls[index].numbers:
            if number.kind == "id":
                continue
            before = folded[max(0, number.start - 16) : number.start]
            others = bool(_OTHERS_PHONE.search(before))
            theirs = bool(_OTHERS_AFTER.match(folded, number.end))
            # A number that staff say is read back, or given to the caller to ring.
            score = 4 if turn.speaker == "resident" else 3 if turn.speaker == "unknown" else -4
            score += 2 if number.kind == "mobile" else 0
            score += 2 if _OWN_PHONE.search(before) else 0
            score -= 4 if others else 3 if theirs else 0
            score += 1 if calls[index].asked_phone else 0
            if turn.speaker != "staff":
                by_residents.add(number.digits)
                score += _CORRECTED if by_residents and takes_back(before) and not others else 0
            elif not others:
                back = _read_back(calls, index, number.digits)
                score += _READ_BACK if back else 0
                if _confirmed(calls, index, number.start, number.end, back):
                    score += _CONFIRMED
                elif number.digits in by_residents:
                    continue
            yield SaidPhone(number.digits, ((index, number.start, number.end),), score)


def _read_back(calls: Reading, index: int, number: str) -> bool:
    """Whether staff say again what was just said, for part of it was."""
    for before in range(index - 1, max(-1, index - 1 - _LATER), -1):
        if calls.turns[before].speaker == "staff":
            continue
        runs = calls.runs(before)
        if runs:
            return any(
                len(group.digits) >= 3 and group.digits[:_FEW] in number
                for run in runs
                for group in run
            )
    return False


def _confirmed(calls: Reading, index: int, start: int, end: int, back: bool) -> bool:
    """Whether staff ask if this is the caller's number (`start`, `end` in the turn), or read it back, and
    the resident says yes."""
    folded = calls.folded(index)
    if _SHOWN.match(folded, end):
        return True
    asks = folded[end:].lstrip(" ").startswith("?") or _IS_IT.match(folded, end)
    if not (back or asks or _IS_THIS.search(folded, 0, start)) or index + 1 >= len(calls.turns):
        return False
    return calls.turns[index + 1].speaker != "staff" and calls.agrees(index + 1)


def _corrections(calls: Reading, said: SaidPhone) -> Iterator[SaidPhone]:
    """`said` with the part that the caller says anew in a turn after it: 不对，最后是四四一二."""
    last = said.parts[-1][0]
    for index in range(last + 1, min(last + 1 + _LATER, len(calls.turns))):
        if calls.turns[index].speaker == "staff" or calls.turns[index].unheard:
            continue
        text = calls.heard(index)
        runs = [] if calls[index].numbers else calls.runs(index)
        if not runs:
            continue
        run = runs[-1]
        lead, end = text[: run[0].start], run[-1].end
        wrong, part = _said_anew(run, text)
        where = run[-1].where or part_named(lead)
        anew = takes_back(lead) or any(group.slip for group in run)
        addressed = any(a.start <= run[0].start < a.end for a in calls[index].addresses)
        known = len(part) >= 2 and len(lead) <= _LEAD and not addressed
        if not known or not _ENDS.match(text, end) or calls[index].asked_place:
            continue
        near = index == last + 1 or _says_digits(calls, index - 1) or (anew and where)
        if not near or not (anew or where):
            continue
        at = said.digits.rfind(wrong) if wrong and len(wrong) == len(part) else -1
        number = amended(said.digits, part, where)
        if at >= 0 and not where:  # 不是零零，是九九
            number = said.digits[:at] + part + said.digits[at + len(part) :]
        if number != said.digits and len(number) == len(said.digits):
            words = (index, run[0].start, end)
            sure = max(said.score, 1) + _CORRECTED
            yield replace(said, digits=number, parts=(*said.parts, words), score=sure)
        return


def _said_anew(run: Sequence[Group], text: str) -> tuple[str, str]:
    """What was wrong, if it is said, and what is right: 不是零零，是九九; 是九九，不是零零; 九九."""
    slips = [n for n, group in enumerate(run) if group.slip and n]
    if len(run) > 1 and text[: run[0].start].endswith("不是"):
        return run[0].digits, "".join(group.digits for group in run[1:])
    if slips and text[: run[slips[-1]].start].endswith("不是"):
        return "".join(group.digits for group in run[slips[-1] :]), run[slips[-1] - 1].digits
    return "", "".join(group.digits for group in run[slips[-1] if slips else 0 :])


def _says_digits(calls: Reading, index: int) -> bool:
    """Whether staff read a number, or the end of one, in turn `index`."""
    return calls.turns[index].speaker == "staff" and any(
        sum(len(group.digits) for group in run) >= _FEW for run in calls.runs(index)
    )


def _over_turns(calls: Reading) -> Iterator[SaidPhone]:
    """A number said in parts over several turns, with 嗯 or the staff's reading back between."""
    turns, index = calls.turns, 0
    while index < len(turns):
        turn = turns[index]
        if turn.speaker == "staff" or turn.unheard:
            index += 1
            continue
        runs = [] if calls[index].numbers else calls.runs(index)
        if not runs:
            index += 1
            continue
        run = runs[-1]
        said = "".join(group.digits for group in run)
        tail = calls.folded(index)[run[-1].end :]
        landline = calls[index].asked_phone and "2" <= said[0] <= "8"
        whole = _LANDLINE if landline else _MOBILE
        begun = landline or re.match(r"1[3-9]", said)
        if not begun or not 2 <= len(said) < whole or len(tail) > 4:
            index += 1
            continue
        parts = [(index, run[0].start, run[-1].end)]
        following = index + 1
        while following < len(turns) and following - index <= 12 and len(said) < whole:
            text = calls.heard(following)
            more_runs = calls.runs(following)
            more = "".join(group.digits for group in more_runs[0]) if more_runs else ""
            lead = text[: more_runs[0][0].start] if more_runs else text
            if turns[following].speaker == "staff" or (more and said.endswith(more)):
                if len(text) > 24 and not more:
                    break
                following += 1
                continue
            if not more:
                if not LISTENING.fullmatch(text):
                    break
                following += 1
                continue
            if takes_back(lead) and len(more) <= len(said):
                said = said[: len(said) - len(more)]
            elif len(lead) > 8 and not part_named(lead):
                break
            if len(more) > whole - len(said) and more.startswith(said):
                more = more[len(said) :]
            said += more
            parts.append((following, more_runs[0][0].start, more_runs[0][-1].end))
            following += 1
        if len(said) == whole and (landline or MOBILE.fullmatch(said)):
            yield SaidPhone(said, tuple(parts), 6)
            index = following
        else:
            index += 1
