"""What is read out of the words of one request: place, phone, name, promise, conditions, deadline."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import TypeAlias

from pipeline.caller import caller_of, home, homes, lives_at
from pipeline.contact import SaidPhone, phone_of, said_phone
from pipeline.particulars import particulars
from pipeline.parts import MASK
from pipeline.places import Address, fits, join
from pipeline.promises import conditions, deadlines, deciding, falls_due, promises, refuses
from pipeline.reading import Clause, Reading, read
from pipeline.script import fold
from pipeline.types import Evidence, Facts, Piece, Place, Turn

__all__ = ["caller_of", "extract", "fits", "gist", "home", "phone_of", "settle"]

_Stretch: TypeAlias = tuple[int, int, int]
"""(turn, start, end): characters of one turn."""


def extract(pieces: Sequence[Piece], turns: Sequence[Turn], started_at: datetime) -> Facts:
    """What the words of one request tell.

    `pieces` is the request's share of `turns`; the whole call tells where the caller lives and which
    number is the caller's, so `place` and `phone` are filled from there where the pieces are silent.
    `due_hint` is in the zone of `started_at`: the need's own deadline, else the promise's; a day
    without a time is its last second, 下周 its Sunday, and what names no day is None. A deadline said
    by the day goes before one said by the week. `undertaking_due` is read out of the promise's own
    words alone.

    Evidence is tagged place, phone, undertaking, condition, refusal, due, id (an identity number),
    person (with age and condition), age, medicine, left (what is left of a medicine or of food, such
    as `2天`) and quantity.
    """
    calls = read(turns)
    clauses = calls.clauses(pieces)
    lived, phone, name = _caller(calls)
    lives = lives_at(lived, pieces[0].turn if pieces else 0)
    place, evidence = _place(pieces, calls, lives)
    if phone is not None:
        evidence += [_proof("phone", phone.digits, calls, at) for at in phone.parts]
    for piece in pieces:
        for number in calls[piece.turn].numbers:
            if number.kind == "id" and piece.start_char <= number.start < piece.end_char:
                at = (piece.turn, number.start, number.end)
                evidence.append(_proof("id", number.digits, calls, at))
    found = list(deadlines(clauses, calls, started_at))
    promised = {clause for clause in clauses if promises(clause)}
    if promised:  # 我请师傅来通，这两天内: when belongs to what
        promised |= {deadline.clause for deadline in found if deadline.promised}
    refused = [clause for clause in clauses if refuses(clause)]
    # No promise: the staff's answer all the same, a time that they set or why it cannot be.
    answer = [clause for clause in clauses if clause in promised]
    answer = answer or list(dict.fromkeys(d.clause for d in found if d.appointed)) or refused
    undertaking = _stretches(answer, calls, limit=80)
    asked_first = [clause for clause in conditions(clauses) if clause not in promised]
    first = _stretches(asked_first, calls, limit=40, over=_COMMA)
    refusal = _stretches(refused, calls, limit=60)
    for tag, stretches in (
        ("undertaking", undertaking),
        ("condition", first),
        ("refusal", refusal),
    ):
        evidence += [_proof(tag, _words(calls, at), calls, at) for at in stretches]
    promised_by = falls_due([deadline for deadline in found if deadline.clause in answer])
    due = deciding(found)
    if due is not None:
        at = (due.clause.turn, due.start, due.end)
        evidence.append(_proof("due", due.at.isoformat(), calls, at))
    for told in particulars(clauses):
        evidence.append(_proof(told.what, told.value, calls, (told.turn, told.start, told.end)))
    return Facts(
        place=place,
        phone=phone.digits if phone else None,
        caller_name=name,
        undertaking="；".join(_words(calls, at) for at in undertaking) or None,
        undertaking_due=promised_by.at if promised_by else None,
        conditions=tuple(dict.fromkeys(_words(calls, at) for at in first)),
        due_hint=due.at if due else None,
        evidence=tuple(evidence),
    )


@lru_cache(maxsize=2)
def _caller(
    calls: Reading,
) -> tuple[list[tuple[int, Place]], SaidPhone | None, str | None]:
    """What the whole call tells of the caller, once a call."""
    return homes(calls.turns), said_phone(calls.turns), caller_of(calls.turns)


def _words(calls: Reading, at: _Stretch) -> str:
    turn, start, end = at
    return calls.turns[turn].text[start:end]


def _proof(tag: str, value: str, calls: Reading, at: _Stretch) -> Evidence:
    return Evidence(tag, value, "rule", _words(calls, at), *at)


_ANY = re.compile(r".{0,2}", re.DOTALL)
_COMMA = re.compile(r"[,，、\s]?")
"""A list to tick off is cut at 。 and ；, a promise is not."""


def _stretches(
    clauses: Sequence[Clause], calls: Reading, *, limit: int, over: re.Pattern[str] = _ANY
) -> list[_Stretch]:
    """Neighbouring clauses of one turn as one stretch of at most `limit` characters.

    `over` is what may stand between two that are joined.
    """
    found: list[_Stretch] = []
    for clause in clauses:
        if found:
            turn, start, end = found[-1]
            near = turn == clause.turn and clause.end - start <= limit and clause.start >= end
            if near and over.fullmatch(calls.turns[turn].text, end, clause.start):
                found[-1] = (turn, start, clause.end)
                continue
        found.append((clause.turn, clause.start, clause.end))
    return found


def settle(place: Place, lives: Place) -> Place:
    """The place of a request: what its own words say, completed by where the caller lives.

    Nothing said: the home. A room or an entrance alone: in the home's building; the caller's own
    building: the caller's home, for that is who is called back. Another building stays one.
    """
    if not place:
        return lives
    if (
        place.building
        and place.building == lives.building
        and not place.room
        and fits(place, lives)
    ):
        return join(place, lives)
    if place.building or (place.lane and place.lane != lives.lane):
        return replace(
            place, lane=place.lane or (lives.lane if place.building == lives.building else None)
        )
    if place.room and place.room != lives.room:
        return Place(place.lane or lives.lane, lives.building, place.unit or lives.unit, place.room)
    return join(place, lives)


_LEAKS = re.compile(
    r"(?<![煤燃天气泄奶])漏(?![检报掉发电])|渗|返[水上潮]|滴|往下[浇淌流]|水[^,。]{0,4}往下"
)
_IS_IN = re.compile(
    r"(?:我|阿拉)们?(?:家|这里|屋里|房间|卫生间|厨房|厕所|客厅|卧室)|(?<!楼的)(?:天花板|吊顶)|墙|滴下来|漏下来|顶上"
)
_OUTDOORS = re.compile("晾|晒|被子|空调|雨棚|雨篷|浇花|拖把|洗脚水|花盆")
"""Water from a balcony is what somebody does, and the matter is there."""


def _comes_in(pieces: Sequence[Piece], calls: Reading) -> bool:
    """Whether water comes into the caller's home."""
    said = "".join(
        calls.folded(piece.turn)[piece.start_char : piece.end_char]
        for piece in pieces
        if calls.turns[piece.turn].speaker != "staff"
    )
    return bool(_LEAKS.search(said) and _IS_IN.search(said) and not _OUTDOORS.search(said))


def _next_door(place: Place, lives: Place) -> bool:
    """Whether it is another room of the caller's building."""
    return bool(place.room) and fits(replace(place, room=None), replace(lives, room=None))


def _place(pieces: Sequence[Piece], calls: Reading, lives: Place) -> tuple[Place, list[Evidence]]:
    turns = calls.turns
    said: list[tuple[int, Address]] = []
    for piece in pieces:
        for address in calls.addresses(piece.turn):
            if piece.start_char <= address.start < piece.end_char and not address.person:
                said.append((piece.turn, address))
    if not said:
        return lives, []
    # The resident's words go before the staff's; the matter's own place before the caller's home.
    residents = [item for item in said if turns[item[0]].speaker != "staff"]
    if not residents:
        residents = [item for item in said if fits(lives, item[1].place)]
    # What staff offered, and it was not so, is nowhere: 是六号八零一吧？八零二。
    residents = [item for item in residents if not item[1].offered or fits(lives, item[1].place)]
    if not residents:
        return lives, []
    if any(at.place.room and fits(lives, at.place) for _, at in residents):
        # 舅舅住在十五号，我是二号三零六: where somebody else lives is where no matter is.
        residents = [item for item in residents if not item[1].kin]
    elsewhere = [
        item
        for item in residents
        if lives
        and not fits(lives, item[1].place)
        and (item[1].place.building or item[1].place.room)
    ]
    if lives.room and _comes_in(pieces, calls):
        # 楼上五零一漏水，滴到我家: seen to where it comes out, not where it comes from.
        elsewhere = [item for item in elsewhere if not _next_door(item[1].place, lives)]
        if not elsewhere:
            return lives, [
                _proof("place", str(a.place), calls, (turn, a.start, a.end))
                for turn, a in residents
                if fits(lives, a.place)
            ]
    chosen = elsewhere or residents
    place = Place()
    evidence: list[Evidence] = []
    for turn, address in chosen:
        if not fits(place, address.place):
            continue
        place = join(place, address.place)
        at = (turn, address.start, address.end)
        evidence.append(_proof("place", str(address.place), calls, at))
    if place.building and not place.room and place.building != lives.building:
        for turn, address in said:  # 四号楼有个小孩…！——四号楼五零三，我打他家电话。
            if turns[turn].speaker == "staff" and address.place.room and fits(place, address.place):
                place = join(place, address.place)
    own = any(address.own or address.whole for _, address in chosen)
    if own and fits(place, lives):
        return join(place, lives), evidence
    return settle(place, lives), evidence


_EMPTY = re.compile(
    r"(?:喂+|你好|您好|侬好|居委会?|居委会?吗|是居委会?(?:吗|吧|伐)?|谢谢|谢谢你|谢谢您|好的?|好好好?|嗯+|哦+|噢|啊|呃|对+的?|行+|那个|就是|是的|再见|麻烦(?:你|您)(?:们)?了?|辛苦(?:了|你们)?|不好意思|"
    r"我想问(?:一?下|一?声)?|我要讲的是|我跟(?:你|侬|您)(?:们)?讲|早|晓得了|知道了|没了|还有|另外|第[一二三四五]个?|再有|顺便问一?[声下]|阿姨|小姑娘|同志|[,。!?;:…—\s]|{mask})*".replace(
        "{mask}", MASK
    )
)
_FILLER_START = re.compile(
    r"^(?:喂+|你好|您好|侬好|那个|就是(?!说?没)|还有(?:啊|就是|呢|个事|一(?:个|件|桩)(?:事情?)?)?(?!个)|另外|然后|嗯+|呃+|啊|哦|噢|哎|唉|嗐|对了|对(?![门面方着牢过])|好(?![几多像])|不是|第[一二三四五]个?(?:呢|就是|是)?|再有(?:就是)?|我(?:就)?想问(?:一?下|一?声)?|我(?:要|想)(?:讲|说|反映|投诉)的?是?|我跟[你侬您]们?[讲说](?:哦|噢|啊)?|顺便问一?[声下]|居委会?(?:啊|吗)?|[,，。、\s…—])+"
)
_FILLER_END = re.compile(r"(?:[,，。、;；:：…—\s]|谢谢.{0,3}|好吧|那个|就是)+$")
_TELLING = re.compile(
    r"没|不(?!好意思|客气|用|是)|坏|漏|痛|疼|药|断|停|堵|臭|吵|闹|死|血|晕|烧|喘|火|偷|打|骗|要|想|请|帮|叫|能不能|怎么|怎样|哪能|什么时候|多少|几|可不可以|需要|修|送|配|派|"
    r"办|申请|开|补|放|出|进|核酸|抗原|码|证|电梯|水|电|垃圾|狗|楼|门|车|老人|孩子|小囡|妈|爸|医院|隔离|阳性|转运|快递|团购|菜|奶粉|吃|钱|退|投诉|反映|捐|志愿|表扬|建议|救|命|快"
)


def gist(pieces: Sequence[Piece], turns: Sequence[Turn], limit: int = 40) -> str:
    """The resident's own words that carry the need, at most `limit` characters; never a word more.

    Greetings, thanks, addresses and numbers are passed by. One stretch of one turn, as it was said.
    Where no resident's words tell anything, the longest clause of the pieces; empty if they are empty.
    """
    clauses = read(turns).clauses(pieces)
    own = [c for c in clauses if c.speaker != "staff"] or clauses
    own = [c for c in own if not _EMPTY.fullmatch(c.text)] or own
    if not own:
        return ""
    scores = [_telling(clause, place) for place, clause in enumerate(own)]
    best = max(range(len(own)), key=lambda i: scores[i])
    first = last = best
    while True:
        start, end = own[first].start, own[last].end
        right = (
            last + 1 < len(own)
            and own[last + 1].turn == own[best].turn
            and own[last + 1].end - start <= limit
            and own[last + 1].start - end <= 2
        )
        left = (
            first > 0
            and own[first - 1].turn == own[best].turn
            and end - own[first - 1].start <= limit
            and start - own[first - 1].end <= 2
        )
        if right and (not left or scores[last + 1] >= scores[first - 1]):
            last += 1
        elif left:
            first -= 1
        else:
            break
    words = turns[own[best].turn].text[own[first].start : own[last].end]
    words = _FILLER_END.sub("", words[_lead(words) :])
    return words[:limit] if len(words) > limit else words


def _lead(words: str) -> int:
    match = _FILLER_START.match(fold(words))
    return match.end() if match and match.end() < len(words) else 0


def _telling(clause: Clause, place: int) -> float:
    text = clause.text.replace(MASK, "")
    told = len(set(_TELLING.findall(text)))
    # What is said first names the matter; later clauses tell more of it.
    return (
        2 * told + min(len(text), 20) / 5 - (3 if MASK in clause.text else 0) - min(place, 12) / 3
    )
