"""What else a request tells: people with age and condition, medicines and what is left, quantities.

Read from the resident's clauses (folded, with addresses and numbers masked). What is denied (没有糖尿病)
is left out; what is merely asked about is not: staff see the words and judge.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from pipeline.reading import Clause
from pipeline.script import spoken_number

What = Literal["person", "age", "medicine", "left", "quantity"]


@dataclass(frozen=True, slots=True)
class Particular:
    """One of them: `value` as staff read it (妈妈，82岁，糖尿病), from characters of a turn."""

    what: What
    value: str
    turn: int
    start: int
    end: int


_FIGURE = "[0-9]{1,4}|[一二两三四五六七八九十百零半]{1,5}"

_KIN = re.compile(
    r"(?:公公婆婆|爷爷奶奶|外公外婆|老两口|老夫妻|夫妻(?:两个|俩)|丈母娘|老丈人|岳父|岳母|公公|婆婆|外公|外婆|爷爷|奶奶|"
    r"阿[婆公爷娘奶]|爸爸|妈妈|父亲|母亲|老爸|老妈|老娘|姆妈|(?<=[我你他她伊家的])[爸妈](?![爸妈])|老伴|老公|老婆|爱人|丈夫|妻子|先生(?=[^好您,]{2})|"
    r"老头子|老太婆|老太太|老太|老爷子|老人家?|儿子|女儿|儿媳妇?|女婿|孩子|小孩|小囡|囡囡|宝宝|毛头|婴儿|新生儿|外孙女?|孙子|孙女|"
    r"哥哥|姐姐|弟弟|妹妹|姑妈|姑姑|舅舅|姨妈|叔叔|伯伯|侄子|侄女|室友|邻居|孕妇|产妇|保姆|阿姨(?=[^,您你好]{3}))"
)
_AGE = re.compile(
    rf"(?<![第0-9零一二三四五六七八九十])(?P<n>{_FIGURE})(?P<unit>岁半?|个多?月大|个多?月(?=的?(?:宝宝|孩子|小囡|毛头|婴儿))|周岁)|"
    r"(?P<old>[七八九]十[一二三四五六七八九]?|[6-9][0-9])(?=了[,。!?\s]|了$|多了|几了|多岁|的(?:老人|人|人家|老太|老头))|"
    r"(?:今年|虚岁)(?P<year>[0-9]{2}|[一二三四五六七八九]?十[一二三四五六七八九]?)(?![0-9月号天年])"
)
_HEALTH = re.compile(
    r"瘫痪|偏瘫|卧床|躺在床上|下不了床|起不来床?|不能下床|行动不便|走不了路|走不动|坐轮椅|轮椅|拄拐|失智|老年痴呆|痴呆|脑子不清楚|阿尔茨海默|"
    r"帕金森|糖尿病|血糖高|低血糖|高血压|血压高|心脏病|心脏不好|冠心病|心梗|心衰|房颤|早搏|支架|起搏器|中风|脑梗|脑溢血|癫痫|哮喘|慢阻肺|肺气肿|肺炎|"
    r"气喘|尿毒症|肾衰竭?|血透|腹透|透析|化疗|放疗|靶向|癌症?|肿瘤|白血病|肾移植|肝移植|移植|抑郁症?|焦虑症|躁狂|精神分裂|精神病|精神疾病|自闭症|残疾|"
    r"聋哑|耳朵不好|耳背|听不见|失明|看不见|盲人|骨折|开过刀|刚?做完?手术|手术后|术后|过敏|早产|怀孕|孕[0-9一二三四五六七八九十]{1,3}周|有身孕|坐月子|哺乳|"
    r"高烧|发烧|发热|[0-9一二三四][0-9十]?[0-9九八七]度[0-9一二三四五六七八九]?|阳性|独居|一个人住|单独住|没人照顾|吸氧|氧气瓶|鼻饲|胃管|尿管|造口|褥疮"
)
_OF_SELF = re.compile(r"我(?:自己|现在|今年|本人|就|又|也|有|是|还)?$")
_DENIED = re.compile(r"(?:没有?|无|不是|不会|也没|从来不)(?:什么|得|过|有|啥)?$")

_MEDICINE = re.compile(
    r"胰岛素|硝酸甘油|救心丸|速效救心|阿司匹林|二甲双胍|格列[\u4e00-\u9fff]{1,2}|阿卡波糖|优甲乐|左甲状腺素|甲状腺素|华法林|氯吡格雷|倍他乐克|美托洛尔|"
    r"[氨硝非尼]{1,2}氯地平|NAME{1,2}地平|NAME{1,2}沙坦钾?|NAME{2}他汀|NAME{1,2}普利|络活喜|拜新同|拜阿司匹灵|立普妥|氢氯噻嗪|螺内酯|呋塞米|地高辛|"
    r"布洛芬|美林|泰诺林?|对乙酰氨基酚|扑热息痛|连花清瘟|藿香正气|板蓝根|头孢[\u4e00-\u9fff]{0,2}|阿莫西林|左氧氟沙星|奥司他韦|沙丁胺醇|布地奈德|信必可|舒利迭|孟鲁司特|"
    r"丙戊酸钠|卡马西平|奥氮平|喹硫平|舍曲林|安定片?|阿普唑仑|美多芭|安理申|他克莫司|环孢素|吗替麦考酚酯|羟氯喹|甲氨蝶呤|泼尼松|激素|非那雄胺|叶酸|益生菌|"
    r"(?:[降止退消抗安护通][\u4e00-\u9fff]{1,2}|感冒|心脏病?|心脏的|高血压|糖尿病|精神(?:科|类)?|胃|眼|哮喘|癫痫|化疗|靶向|保胎|麻醉)的?药(?![房店师监方箱物费])|"
    r"安眠药|救命药|中药|止痛片|退烧贴|血压药|血糖药|眼药水|滴眼液|吸入剂|雾化液?|喷雾剂?|透析液|腹透液|血糖试纸|试纸|针头(?=[^,]{0,6}(?:剩|没|用))|"
    r"制氧机|氧气(?!不)|尿袋|营养液|NAME{2}(?:胶囊|颗粒|缓释片|分散片|口服液|注射液)".replace(
        "NAME", "[^\\W叫吃是有的那个种药了和跟还配开要我您你他她]"
    )
)
_NO_MEDICINE = re.compile(r"没有?(?:吃|用|打)过?$")

_UNITS = "天|日|礼拜|星期|周|粒|颗|片|支|盒|瓶|袋|包|罐|顿|针|板|个月"
_LEFT = re.compile(
    r"(?:还剩|只剩|就剩|剩|还有|只有|只够|够吃|够用|还够|还能吃|能撑|撑到?|顶多|最后)(?:下|了|的|最多|大概|差不多|不到)*"
    rf"(?P<n>{_FIGURE})个?(?P<unit>{_UNITS})(?!前|后|之)"
    r"|(?P<day>今天|今晚|明天|明早|明晚|后天|大后天)[^,。]{0,4}(?:就|要)?(?:断药|断了|断(?=[,。]|$)|没了|没有了|吃完|用完|见底|打完)"
)

_GOODS = "公斤|斤|箱|盒|瓶|袋|包|罐|桶|支|份|套|副|片|粒|颗|只|条|户|人份|辆|把|捆|打|块钱|万块?|千块|百块|元"
_QUANTITY = re.compile(
    rf"(?<![第0-9零一二三四五六七八九十百几])(?P<n>{_FIGURE})(?P<over>多|来|几)?(?P<unit>{_GOODS})(?:的)?(?P<of>[\u4e00-\u9fff]{{0,4}})"
)
_OF = re.compile(
    r"(?:还|都|就|给|我|你|他|她|也|是|在|有|没|不|要|吃|了|来|去|到|收|能|可|怎|什|啊|呀|吧|吗|呢|的|左|以|多|够|就|被|放|退|说|买|送|拿|已|全|才|只|上|下|满|得|里|到|装|堆|掉|坏|被)"
)
_TIMES = {"百块": 100, "千块": 1000, "万块": 10_000}
_MONEY = ("元", "块钱", "万", "万块", "千块", "百块")

_MOST = 6
"""So many of one sort are told: a list that nobody reads to its end helps nobody."""


@dataclass(slots=True)
class _Person:
    name: str
    turn: int
    start: int
    end: int
    told: list[str] = field(default_factory=list)


def particulars(clauses: Sequence[Clause]) -> Iterator[Particular]:
    """What the resident's clauses tell, each once, in the order said."""
    own = [clause for clause in clauses if clause.speaker != "staff"]
    yield from _people(own)
    yield from _medicines(own)
    yield from _quantities(own)


def _people(clauses: Sequence[Clause]) -> Iterator[Particular]:
    people: dict[str, _Person] = {}
    ages: list[Particular] = []
    current: _Person | None = None
    turn = -1
    for clause in clauses:
        if clause.turn != turn:
            current, turn = None, clause.turn
        facts = sorted(
            [
                *((m.start(), "kin", m) for m in _KIN.finditer(clause.text)),
                *((m.start(), "age", m) for m in _AGE.finditer(clause.text)),
                *((m.start(), "health", m) for m in _HEALTH.finditer(clause.text)),
            ],
            key=lambda fact: fact[:2],
        )
        for at, what, match in facts:
            start, end = clause.start + at, clause.start + match.end()
            if what == "kin":
                name = match[0]
                current = people.setdefault(name, _Person(name, clause.turn, start, end))
                continue
            if what == "age":
                said = _age(match)
                if said is None:
                    continue
                ages.append(Particular("age", said, clause.turn, start, end))
                text = said if "月" in said else said + "岁"
            elif _DENIED.search(clause.text[:at]):
                continue
            else:
                text = match[0]
            before = clause.text[:at]
            if _OF_SELF.search(before):
                current = people.setdefault("本人", _Person("本人", clause.turn, start, end))
            elif current is None:
                name = "本人" if re.search(r"我(?!们)|本人|自己", before) else ""
                current = people.setdefault(name, _Person(name, clause.turn, start, end))
            if text not in current.told:
                current.told.append(text)
    told = sorted(people.values(), key=lambda person: not person.told)
    for person in told[:_MOST]:
        value = "，".join(part for part in (person.name, *person.told) if part)
        yield Particular("person", value, person.turn, person.start, person.end)
    yield from ages


def _age(match: re.Match[str]) -> str | None:
    years = spoken_number(match["n"] or match["old"] or match["year"])
    if years is None or not 0 < years < 120:
        return None
    return f"{years}个月" if "月" in (match["unit"] or "") else str(years)


def _medicines(clauses: Sequence[Clause]) -> Iterator[Particular]:
    found: dict[str, Particular] = {}
    last: str | None = None
    where = (-1, -1)
    for number, clause in enumerate(clauses):
        for match in _MEDICINE.finditer(clause.text):
            if _NO_MEDICINE.search(clause.text[: match.start()]):
                continue
            last, where = match[0], (clause.turn, number)
            if last not in found and len(found) < _MOST:
                start, end = clause.start + match.start(), clause.start + match.end()
                found[last] = Particular("medicine", last, clause.turn, start, end)
        for match in _LEFT.finditer(clause.text):
            value = _left(match)
            if value is None:
                continue
            start, end = clause.start + match.start(), clause.start + match.end()
            yield Particular("left", value, clause.turn, start, end)
            near = where[0] == clause.turn and number - where[1] <= 3
            if last in found and near and "，" not in found[last].value:
                one = found[last]
                told = f"{last}，剩{value}" if match["n"] else f"{last}，{value}"
                found[last] = Particular("medicine", told, one.turn, one.start, one.end)
    yield from found.values()


def _left(match: re.Match[str]) -> str | None:
    if match["day"]:
        return match["day"] + "断"
    if match["n"] == "半":
        return "0.5" + match["unit"]
    number = spoken_number(match["n"])
    return None if number is None else f"{number}{match['unit']}"


def _quantities(clauses: Sequence[Clause]) -> Iterator[Particular]:
    seen: set[str] = set()
    for clause in clauses:
        for match in _QUANTITY.finditer(clause.text):
            number = spoken_number(match["n"]) if match["n"] != "半" else None
            money = match["unit"] in _MONEY
            if number is None or (number == 1 and not money):
                continue  # 一份, 一把: mostly no count
            of = "" if money else _OF.split(match["of"], maxsplit=1)[0]
            unit = match["unit"]
            if unit in _TIMES:
                number, unit = number * _TIMES[unit], "块"
            value = f"{number}{match['over'] or ''}{unit}{of}"
            if value not in seen and len(seen) < _MOST:
                seen.add(value)
                start = clause.start + match.start()
                end = clause.start + (match.start("of") + len(of) if of else match.end("unit"))
                yield Particular("quantity", value, clause.turn, start, end)
