"""What staff promise, what they ask for first, what they refuse; and by when all of it is due.

Who speaks may be unknown: then only words count that a resident would hardly say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from pipeline.moments import Moment, end_of_day, in_future
from pipeline.reading import Clause, Reading

# What somebody promises to do, in the words of committees; verbs alone prove little, so each needs
# a subject, an addressee or a time beside it. Searched in one clause.
_REPLY = re.compile(
    r"(?:给|回)(?:您|你|侬)?(?:一?个)?(?:答复|回复|回音|回话|回电|电话|消息|说法|准信|信|结果|通知)|(?:答复|回复|回)(?:您|你|侬)|打(?:电话)?(?:给|回)(?:您|你|侬)|"
    r"(?:打给|通知|联系|告诉|告知)(?:您|你|侬)|给(?:您|你|侬)"
)
_ACT = re.compile(
    r"马上|立刻|立即|这就|报(?:上去|给|街道|修|备|一下|疾控|到|了)|上报|我(?:这边)?(?:也|来|去)?报|登记|安排|派|叫(?!什么)|让(?!我)|喊|通知|联系|反映|反馈|"
    r"转(?:达|告|交|给)|协调|处理|解决|恢复|查|核实|问(?:一?问|一?下|问看)?|催|上门|送(?:到|上|过|来|给|去|饭|菜|药)|[来去过]接|接(?:您|你|她|他)|"
    r"(?:来|去|过来|上来|过去|上去|下来)(?:看|修|收|拿|取|开|说|敲|消|拦|处理|一趟|人)|上来|过去|过来|来(?:一趟|人)|"
    r"帮(?:您|你|侬)|替(?:您|你|侬)|给(?:您|你|侬|他|她)|补(?![贴助])|加(?:上|进|到)|记(?:下|上|录|一下|了)|留(?:一?个|着|了)|跟.{1,8}(?:说|讲|碰|商量|反映|领|协调)|"
    r"打(?:给|到|电话|110|120|119)|(?:我|来|再)(?:就)?打|带(?:到|上)|代(?:配|买|办|付)|配(?:到|药|好)|买|发(?:给|到|放)|打印|(?<![津补])贴|画|放行|开门|放(?:你|您|行)|"
    r"申请|写(?:下|个|张|条)|提(?:一下|上去)|盖章|等你|修|换|关照|交代|提醒|盯|落实|组织|限他|去说|说一声|轮到|第一批|优先|到楼下|送|排(?:在|上|到)|(?:上|下|过)去"
)
_BY_STAFF = re.compile(
    r"(?<![给帮叫跟让找对和替问打])(?:我们?|咱们?)(?!家|要|想|老|妈|爸|儿|女|孙|自己|现在(?:就)?(?:是|没)|这边(?:没|停))|居委(?!会吗)|社区|物业|师傅|志愿者|街道|保安|楼组长|民警|维保|值班|工程部|书记|医生|"
    r"网格|大白|小[^\s,时区心]|老[^\s,年人太头]|派人|有人|叫人"
)
_TO_RESIDENT = re.compile(
    r"^(?:那|就|好|行|所以|另外|还有|麻烦|请|然后)*(?:您|你|侬)(?!放心|家今|这个(?:事|情况)|们?(?:反映|说|讲)|的(?:事|情况|意见))"
)
_PAST = re.compile(
    r"(?:上次|昨天|前天|刚才|刚刚|已经|^之前).*(?:(?<!不)了|过(?![来去]))|[报说打问讲催]过|没(?:有)?(?:来|给|报|收)"
)
_NO_ACT = re.compile(
    r"不用|不必|不需要|^(?:记得|带上|带好|注意|千万|别|不要|最好|尽量|请|麻烦|等(?:通知|解封))|在.{1,8}的$"
)
_REFUSAL = re.compile(
    r"不行|不能|不可以|不好(?:放|出|进|走|弄|拿|办)|不让|没办法|没有办法|不允许|做不到|办不了|管不了|不归|不属于|进不来|出不去|"
    r"不敢(?:保证|放|打包票)|不保证|保证不了|不(?:进不)?出|排不上|没有名额|等(?:通知|解封)|要等"
)
_CONDITION = re.compile(
    r"先(?!生|给|别急|别|坐|喝|记|查|问|登|看看|说|讲|不要|叫|送|前|透|收|把您|帮|放|派|跟|打)[^,]{1,}|才(?:能|好|行|可以|给|放|来|让)|必须|"
    r"需要(?:您|你|提供|带|有|出示|准备)|(?:您|你|侬|他|她|人)?(?:得|要)(?:先|有|带|做|提供|写|填|盖|交|出示|准备|每天|当天|凭)|不过要|"
    r"把.{1,14}(?:发|拍|传|交|给|放|带|拿|准备)|带(?:上|好|着|齐|他|她|您|你|身份|医保|户口|证|病历|材料|那个|绿)|"
    r"准备好|凭.{1,8}(?:来|领|拿|进|出)|只要|前提|(?:证明|材料|承诺书|保证书|单子|身份证|核酸|抗原|报告|处方|发票|照片|病历|预约单)[^,]{0,6}(?:发|要|盖|齐|拍|交|带|给|有|准备)|"
    r"(?:发|拍|传|交|寄)(?:一?[张份个]|一下)?.{0,10}(?:给我|过来|发我|到居委)|缺一|少一样|要有|除非|限.{0,4}(?:一个|一人)|写清楚|自己(?:去|上|打|申请|弄|网上)|要.{1,8}(?:照片|证明|原件|复印件|签字|盖章)"
)
_LIST = re.compile(
    r"(?:[一二三四五六两]|几)(?:样|个|份)?(?:东西|材料|条件|证明|手续)[^;。]{0,6}$|[一二三四五六两]样$"
)


_REPLY_BY_STAFF = re.compile(
    r"居委|物业|师傅|志愿者|社区|答复|回复|回电|回话|回音|说法|准信|消息|"
    r"(?:今|明|后)[天晚早]|[上下]午|晚上|[点午天]之?前|之内|以内|分钟|下(?:个)?(?:周|礼拜|星期)|(?:周|礼拜|星期)[一二三四五六日天]|"
    r"我.{0,8}(?:打|联系|通知|告诉|回|登记|帮|催|问|报|办|补|派)"
)
_DONE_BY_STAFF = re.compile(
    r"(?<![给帮叫跟让找对和替问打])我们?(?:这边|这里|也|再|就|先|来|去|倒?可以|现在|马上|立刻|今[天晚]|明天|下午|晚上|中午|上午|同时|后面|直接|一定|会|正在|在|"
    r"给(?:您|你|侬|他|她)|帮(?:您|你|侬)|把(?:您|你|侬)|[\s,]){0,5}(?:上报|报(?:上|给|街道|备|一下|修)|登记|记(?:下|一下|录)|安排|派|催(?!过)|协调|反映|联系|通知|核实|转达|转告|"
    r"打(?:给|110|119|120)|问(?:问|一?下|一问)|跟(?![你您侬]).{1,8}(?:说|讲|反映|碰|领|商量|协调|沟通)|叫(?:物业|保安|他们|志愿者|师傅|人|书记|楼组长|电工|维修|小[^孩囡])|"
    r"让(?:物业|保安|志愿者|楼组长|师傅|书记|电工|维修|小[^孩囡])|找.{0,6}(?:联系人|抢修|师傅|物业|志愿者|专班)|写(?:下|个条|上报)|喊人|上门|上去|调(?:一下|监控|取)|加上|组织|"
    r"给.{1,5}(?:打(?:个)?电话|派单)|派单|提(?:一下|上去)|查(?:一下|一查|监控)|争取|处理)"
)
_SENT_BY_STAFF = re.compile(
    r"(?:物业|师傅|志愿者|保安|民警|街道|社区|工程部|维保|楼组长|派人|有人).{0,10}(?:马上|上门|过来|过去|上来|上去|来修|来收|来看|来接|送|联系|处理|到)|"
    r"(?:[点午天]之?前|今[天晚]|明天|后天|分钟|周[一二三四五六日]|礼拜[一二三四五六天]).{0,6}(?:一定|肯定)?.{0,6}(?:恢复|送到|送上|给(?:您|你|侬)|退给|放(?:您|你)|来接(?:您|你)|回(?:您|你)|打给(?:您|你))|"
    r"一定(?:转达|给(?:您|你)|办|查|处理)"
)


def promises(clause: Clause) -> bool:
    text = clause.text
    if clause.speaker == "resident" or clause.question or len(text) < 3:
        return False
    if _TO_RESIDENT.search(text) and not _REPLY.search(text):
        return False
    if _PAST.search(text) and not _REPLY.search(text):
        return False
    if not _REPLY.search(text) and _NO_ACT.search(text):
        return False
    if re.search(
        r"(?:您|你|侬)自己|(?:要不要|是不是|有没有|会不会|能不能|可不可以)|(?:给|跟|联系)(?:我|我们)(?!这)",
        text,
    ):
        return False
    if clause.speaker == "staff":
        return bool(
            _REPLY.search(text)
            or (_ACT.search(text) and (_BY_STAFF.search(text) or _timed(text) or len(text) <= 12))
        )
    # Nobody knows who speaks: only words that a resident would hardly say of himself.
    return bool(
        (_REPLY.search(text) and _REPLY_BY_STAFF.search(text))
        or _DONE_BY_STAFF.search(text)
        or _SENT_BY_STAFF.search(text)
    )


def _timed(text: str) -> bool:
    return bool(
        re.search(r"今|明|后天|下午|上午|晚上|点|周|礼拜|星期|分钟|小时|马上|之前|月|号", text)
    )


def _conditional(clause: Clause) -> bool:
    if clause.speaker == "resident" or clause.question or len(clause.text) < 3:
        return False
    if not _CONDITION.search(clause.text):
        return False
    if clause.speaker == "unknown":
        return bool(re.search(r"您|你|才|必须|先|带|只要|证明|需要", clause.text))
    return True


def refuses(clause: Clause) -> bool:
    """Whether staff say no, or not yet."""
    return clause.speaker == "staff" and not clause.question and bool(_REFUSAL.search(clause.text))


def conditions(clauses: Sequence[Clause]) -> list[Clause]:
    """Clauses that ask for something first, and the items of a list that was announced (三样东西)."""
    found: list[Clause] = []
    listing: tuple[int, int] | None = None
    for clause in clauses:
        if clause.speaker == "resident":
            continue
        if _LIST.search(clause.text):
            listing = (clause.turn, clause.sentence)
        elif listing == (clause.turn, clause.sentence) or _conditional(clause):
            found.append(clause)
    return found


_MUST = re.compile(
    r"要(?!紧|不|是)|得(?=去|在|赶|做|交|有|到|上|回)|必须|一定|之前|以前|(?<=[点午天号上])前|到期|截止|为止|没了|吃完|用完|断(?!电)|顶多|最多|最后|肯定|"
    r"够|到(?=明|后|下|周|礼拜)|再不|来不及|赶|上班|夜班|早班|顶班|复工|返岗|报到|产检|透析|血透|化疗|放疗|手术|复查|检查|开庭|考试|面试|开学|出院|入院|住院|"
    r"航班|飞机|火车|高铁|动车|预产期|过期|预约|约好|停(?:水|电|药)|通知我|撑|跳闸|生(?=了|孩)"
)
_NOT_MUST = re.compile(
    r"要(?:等|多久|多少|几|不要)|什么时候|几点|有没有|能不能|会不会|是不是|行不行|到底|每(?:天|周|月|个)|一般|还没|都没|要是|如果|万一"
)
_BARE_WEEKDAY = re.compile(r"(?:周|礼拜|星期)[一二三四五六日天].*")
_PART_ONLY = re.compile(r"凌晨|清早|早上|早晨|上午|中午|下午|傍晚|晚上|夜里|半夜")
_GONE = re.compile(r"没(?:有)?[做来收去给弄拿成打到]|过(?!期|来|去)|(?<![没完光断停期掉])了")
"""Beside a bare day of the week: it is the last one, not the next."""

_PROPOSED = re.compile(r"(?:行|好|可以|方便)(?:吗|伐|不行|不好|不可以|吧)$")
_OUTCOME = re.compile(r"今天是|就(?:好|能|可以)|才(?:能|好|可以)|统一|以前|规定")

_LEFT = re.compile(
    r"(?:还剩|只剩|就剩|剩下?|还有|只有|只够|够吃|够用|够|还能|能撑|撑|顶多|最多|不到)[^,。这那每前后第]{0,4}$"
)
_LAST_DOSE = re.compile(
    r"最后(?:一|半)[粒颗片支针顿包罐袋口次瓶盒]|(?:今天|今早|早上|昨天).{0,8}(?:吃完|用完|吃光|没药|断药)|已经断药|(?:药|奶粉|胰岛素|氧气?).{0,6}(?:没有?了|吃光了|断了|吃完了)"
)

_NEED, _PROMISE, _APPOINTED, _NEED_WEEK, _PROMISE_WEEK = range(5)
"""Which deadline counts, best first: the need's own before the promise's, a day before a week."""

_SUPPOSED = re.compile(r"要是|如果|万一|假如|每(?:天|周|月)")
_TEST_AGE = re.compile(r"\s*的?(?:内的?)?(?:核酸|和酸|阴性|健康|报告)")
"""48小时核酸, 三天阴性证明: how old a test may be, no deadline."""

_ARRIVES = re.compile(r"\s*(?:就|内|之内|以内)?(?:能|可以)?(?:到|赶到|上来|过来|来)")
_SOON = re.compile(r"\s*(?:就|内|之内|以内|里|到|来|给|上|后|左右)")
_NO_MORE_THAN_SOON = re.compile(
    r"(?:就|到|大概|最多|顶多|大约|也就|再|我|等|来|马上|左右|之内|啊|吧)*"
)


@dataclass(frozen=True, slots=True)
class Deadline:
    """A time by which something is due, in the words `start` to `end` of the clause's turn.

    `rank` is smaller where it counts more; `reply`: the words promise an answer; `promised`: staff say
    that they will have done it by then. That a medicine runs out today is nobody's promise.
    """

    at: datetime
    rank: int
    clause: Clause
    start: int
    end: int
    reply: bool = False
    promised: bool = False

    @property
    def appointed(self) -> bool:
        """Staff set the time, but promise nothing: 您后天九点到活动室来."""
        return self.rank == _APPOINTED


def deadlines(clauses: Sequence[Clause], calls: Reading, call: datetime) -> Iterator[Deadline]:
    """The deadlines in the clauses of one request, in the order said."""
    promised_in = supposed_in = (-1, -1)  # (turn, sentence) of the last promise, the last 要是
    for clause in clauses:
        promised = promises(clause)
        here = (clause.turn, clause.sentence)
        if promised:
            promised_in = here
        if _SUPPOSED.match(clause.text):
            supposed_in = here
        for moment in calls.moments_between(clause.turn, clause.start, clause.end, call):
            if moment.recurring or moment.grain == "vague" or not in_future(moment, call):
                continue
            said = _Said(clause, moment)
            if _TEST_AGE.match(said.after):
                continue
            rank = None
            if said.by_resident and _is_need(said):
                rank = _NEED_WEEK if moment.grain == "week" else _NEED
            elif said.by_staff and _sets_time(said, call, promised):
                rank = _rank(said, promised or promised_in == here, supposed_in == here)
            if rank is not None:
                reply = bool(_REPLY.search(clause.text))
                # Need and promise may stand in one clause: 胰岛素今天用完我帮您登记明天上午回您.
                by_staff = promised or rank in (_PROMISE, _PROMISE_WEEK)
                yield Deadline(moment.at, rank, clause, moment.start, moment.end, reply, by_staff)
        dose = _LAST_DOSE.search(clause.text)
        if dose and clause.speaker != "staff" and not clause.question:
            start, end = clause.start + dose.start(), clause.start + dose.end()
            yield Deadline(end_of_day(call), _PROMISE, clause, start, end)


class _Said:
    """A moment in the words around it."""

    def __init__(self, clause: Clause, moment: Moment) -> None:
        start, end = moment.start - clause.start, moment.end - clause.start
        self.clause, self.moment, self.text = clause, moment, clause.text
        self.before, self.words, self.after = (
            clause.text[:start],
            clause.text[start:end],
            clause.text[end:],
        )
        self.by_resident = clause.speaker != "staff" and not clause.question
        self.by_staff = clause.speaker != "resident"
        self.week = moment.grain == "week"


def _is_need(said: _Said) -> bool:
    """Whether a resident names the time by which it must be: 后天要过期了, 只够吃两天."""
    if said.moment.loose:
        return bool(_LEFT.search(said.before))
    return (
        not said.moment.at_once
        and not _PART_ONLY.fullmatch(said.words)
        and bool(_MUST.search(said.text))
        and not _NOT_MUST.search(said.text)
        and not (_BARE_WEEKDAY.fullmatch(said.words) and _GONE.search(said.text))
    )


def _sets_time(said: _Said, call: datetime, promised: bool) -> bool:
    """Whether the time can be staff's word on when something happens."""
    moment, text = said.moment, said.text
    if said.clause.question and not _PROPOSED.search(text):
        return False
    if moment.at_once and not promised:
        return False
    if _SUPPOSED.search(said.before):
        return False
    if said.words.endswith(("号", "日")) and moment.at.date() == call.date():
        return False  # today's date, noted down
    if "工作日" in said.words and not _REPLY.search(text):
        return False  # how long an office takes, not when the committee answers
    return not moment.loose or _soon(said, promised)


def _soon(said: _Said, promised: bool) -> bool:
    """两分钟到, 我跑一趟，五分钟: a bare stretch of minutes that means a time."""
    if said.moment.grain != "minute":
        return False
    return bool(
        _ARRIVES.match(said.after)
        or (promised and _SOON.match(said.after))
        or (
            said.clause.speaker == "staff"
            and _NO_MORE_THAN_SOON.fullmatch(said.before + said.after)
        )
    )


def _rank(said: _Said, promised: bool, supposed: bool) -> int | None:
    if promised:
        return _PROMISE_WEEK if said.week else _PROMISE
    if said.moment.loose:
        return _PROMISE
    stated = said.clause.speaker == "staff" and not said.week and not supposed
    if stated and not _PAST.search(said.text) and not _OUTCOME.search(said.text):
        return _APPOINTED
    return None


def deciding(found: Sequence[Deadline]) -> Deadline | None:
    """The deadline that counts: the need's first, or the promise's last.

    今天下午去问，后天之前回您: what is said last is when the answer comes.
    """
    best = _best(found)
    return best[0] if best and best[0].rank in (_NEED, _NEED_WEEK) else _last(best)


def falls_due(found: Sequence[Deadline]) -> Deadline | None:
    """When what staff promise falls due; `found` are the deadlines in the words of the promise, among
    which an unknown speaker's own need may stand."""
    return _last(_best([deadline for deadline in found if deadline.promised or deadline.appointed]))


def _best(found: Sequence[Deadline]) -> list[Deadline]:
    rank = min((deadline.rank for deadline in found), default=None)
    return [deadline for deadline in found if deadline.rank == rank]


def _last(found: Sequence[Deadline]) -> Deadline | None:
    """The last one said, of those in the same turn the one by which an answer comes."""
    if not found:
        return None
    near = [deadline for deadline in found if deadline.clause.turn == found[-1].clause.turn]
    return ([deadline for deadline in near if deadline.reply] or near)[-1]
