"""The training speech of the demonstration model: sentences from grammar.txt, sentences that people
wrote for the tagger (pipeline/examples), and strings of words.

    python models/demo/corpus.py --test --count 400         # the held-out sentences, clean; first
    python models/demo/corpus.py --count 9000 --shard 0     # half a minute a thousand, two cores
    python models/demo/corpus.py --coverage                 # what calls.toml says and training not

A shard is work/shard-0.npy (int16 samples, 16 kHz) and work/shard-0.json (what is said, when, how).
Sentences of work/test.json and of calls.toml are never made into training speech; the words of
calls.toml are mixed into the strings of words.
"""

import argparse
import json
import random
import re
import time
from collections import Counter
from multiprocessing import Pool
from pathlib import Path

import jieba
import numpy as np
from channels import CHANNELS, through
from speech import PITCHES, RATES, SAMPLE_RATE, VOICES, say_timed, syllables

HERE = Path(__file__).parent
WORK = HERE / "work"
DIGITS = "零一二三四五六七八九"
SURNAMES = [
    *"王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩冯邓曹彭曾肖田董潘袁蔡蒋余于杜叶程魏",
    *"苏吕丁任卢姚沈钟姜崔谭陆范汪廖石金贾夏方邹熊白孟秦邱侯江尹薛闫段雷龙史陶贺顾毛郝龚邵万钱严覃武戴莫孔向汤",
]
QUESTION = re.compile(
    "吗|什么|怎么|哪|几点|几天|多少|能不能|可不可以|可以不可以|是不是|有没有|谁|要不要|好不好|行不行|多久|会不会|对不对"
)
MARKS = re.compile("[，、。？！；：]")
CODEC_SHARE = {"amr": 0.28, "alaw": 0.08, "aac": 0.05, "mp3": 0.05, "opus": 0.05}
WORDS_SHARE = 0.28
"""Part of the training sentences that are strings of words: they teach sounds, not sense."""
WRITTEN_SHARE = 0.34
"""Part that is written by hand: it teaches which of two characters of one sound is meant."""
EXAMPLES = HERE.parents[1] / "pipeline" / "examples"
LONGEST = 42
"""Characters of a training sentence; longer ones are cut at commas."""


def number(value: int) -> str:
    """0 to 9999 as spoken: 205 is 二百零五."""
    if value < 10:
        return DIGITS[value]
    if value < 100:
        tens, ones = divmod(value, 10)
        return ("" if tens == 1 else DIGITS[tens]) + "十" + (DIGITS[ones] if ones else "")
    if value < 1000:
        head, rest = divmod(value, 100)
        tail = "" if not rest else ("零" if rest < 10 else "一" if rest < 20 else "") + number(rest)
        return DIGITS[head] + "百" + tail
    head, rest = divmod(value, 1000)
    return DIGITS[head] + "千" + ("" if not rest else ("零" if rest < 100 else "") + number(rest))


def spell(digits: str, one: str = "一") -> str:
    """Digits one by one; phone numbers take 幺 for 1."""
    return "".join(one if d == "1" else DIGITS[int(d)] for d in digits)


class Grammar:
    """grammar.txt and the slots that need arithmetic."""

    def __init__(self, path: Path, rng: random.Random) -> None:
        self.rng = rng
        self.slots: dict[str, list[str]] = {}
        self.sentences: list[str] = []
        for line in path.read_text("utf8").splitlines():
            if line.startswith("- "):
                self.sentences.append(line[2:].strip())
            elif line.strip() and not line.startswith("#"):
                name, choices = line.split("=", 1)
                self.slots[name.strip()] = [c.strip() for c in choices.split(" | ")]
        self.slots["surname"] = SURNAMES
        self.slots["kin2"] = [k.removeprefix("我") for k in self.slots["kin"]]

    def slot(self, name: str) -> str:
        r = self.rng
        if name in self.slots:
            return self.expand(r.choice(self.slots[name]))
        if name == "n":
            return number(r.randint(1, 12) if r.random() < 0.6 else r.randint(1, 99))
        if name == "few":
            return r.choice(["两", "三", "四", "五", "六", "七", "八", "九", "十", "几"])
        if name == "room":
            floor, door = r.randint(1, 32 if r.random() < 0.5 else 6), r.randint(1, 8)
            return spell(f"{floor}{door:02d}")
        if name == "phone":
            kind = r.random()
            if kind < 0.75:
                head = "1" + r.choice("335567889")
                said = spell(head + "".join(r.choices("0123456789", k=9)), "幺")
                if r.random() < 0.5:  # in groups, as people say it
                    return f"{said[:3]}，{said[3:7]}，{said[7:]}"
                return said
            count = r.choice([3, 4, 6, 7, 8, 8])
            return spell("".join(r.choices("0123456789", k=count)), r.choice(["幺", "一"]))
        if name == "age":
            return number(r.randint(1, 99))
        if name == "ten":
            return number(r.randint(11, 99))
        if name == "temp":
            return f"三十{DIGITS[r.randint(6, 9)]}" + r.choice(
                ["度", f"点{DIGITS[r.randint(1, 9)]}度", f"度{DIGITS[r.randint(1, 9)]}", "度多"]
            )
        if name == "clock":
            hour = r.choice(["两", *[number(h) for h in range(1, 13) if h != 2]])
            return (
                r.choice(["", "", "早上", "上午", "下午", "晚上", "凌晨", "中午"])
                + hour
                + r.choice(
                    ["点", "点", "点半", "点钟", "点十分", "点一刻", "点四十", "点零五分", "点三刻"]
                )
            )
        if name == "date":
            day = number(r.randint(1, 31)) + r.choice(["号", "日"])
            return (
                r.choice(["", number(r.randint(1, 12)) + "月", number(r.randint(1, 12)) + "月"])
                + day
            )
        if name == "money":
            amount = r.choice([r.randint(2, 99), r.randint(100, 999), 1000 * r.randint(1, 9)])
            return number(amount) + r.choice(["块", "元", "块钱", "块钱"])
        if name == "count":
            measure = r.choice([*"个盒包袋斤瓶箱份桶", "公斤", *"片张罐支根套件板粒颗"])
            return (
                r.choice(["一", "两", "三", "五", "六", "八", "十", "二十", "五十", "一百"])
                + measure
            )
        if name == "q":
            return f"，{self.slot('end')}" if r.random() < 0.25 else ""
        raise KeyError(name)

    def expand(self, template: str) -> str:
        """Every choice and slot of `template` replaced by one of its meanings."""
        while "(" in template:
            template = re.sub(
                r"\(([^()]*)\)", lambda m: self.rng.choice(m.group(1).split("|")), template
            )
        return re.sub(r"<(\w+)>", lambda m: self.slot(m.group(1)), template)

    def sentence(self) -> str:
        """One sentence; one in eight is two clauses from anywhere, as people change the subject."""
        text = self.expand(self.rng.choice(self.sentences))
        if self.rng.random() < 0.12:
            parts = MARKS.split(text) + MARKS.split(self.expand(self.rng.choice(self.sentences)))
            text = "，".join(self.rng.sample(parts, 2))
        text = re.sub("，+", "，", text).strip("，") or "好的"
        if text[-1] not in "。？！":
            text += "？" if QUESTION.search(MARKS.split(text)[-1]) else "。"
        return text


def call_text() -> list[str]:
    """Every run of Chinese in calls.toml, whatever its keys are; empty before the file exists."""
    path = HERE / "calls.toml"
    if not path.exists():
        return []
    lines = [x for x in path.read_text("utf8").splitlines() if not x.lstrip().startswith("#")]
    return re.findall("[\u4e00-\u9fff，、。？！；：]+", "\n".join(lines))


def bare(text: str) -> str:
    return MARKS.sub("", text)


def forbidden() -> set[str]:
    """Bare sentences that training must not contain: the calls' and the test's."""
    found = set()
    for text in call_text():
        found.add(bare(text))
        # one or two words stand in every call ("好的"): only a real sentence is kept apart
        found |= {bare(s) for s in re.split("[。？！]", text) if len(bare(s)) > 4}
    test = WORK / "test.json"
    if test.exists():
        found |= {bare(u["text"]) for u in json.loads(test.read_text("utf8"))}
    return found


class Words:
    """Strings of words: common Chinese, the grammar's words, the calls' words."""

    def __init__(self, grammar: Grammar) -> None:
        self.rng = grammar.rng
        jieba.setLogLevel(60)
        jieba.initialize()
        common = [
            (frequency, word)
            for word, frequency in jieba.dt.FREQ.items()
            if frequency and re.fullmatch("[\u4e00-\u9fff]{2,4}", word)
        ]
        self.common = [w for _, w in sorted(common, reverse=True)[:5000]]
        lines = [grammar.sentence() for _ in range(6000)]
        self.domain = sorted({w for x in lines for w in jieba.cut(bare(x))})
        self.calls = sorted({w for x in call_text() for w in jieba.cut(bare(x)) if w})
        drawn = "".join(self.domain + self.calls)
        self.characters = sorted(set(drawn))

    def sentence(self) -> str:
        r = self.rng
        source = r.choice([self.common, self.domain, self.calls or self.domain, None])
        words = []
        for _ in range(r.randint(2, 7)):
            pool = source or r.choice([self.common, self.domain, self.calls or self.domain])
            words.append(r.choice(pool))
            if r.random() < 0.12:
                words.append("，")
        return "".join(words).strip("，") + r.choice(["。", "。", "。", "？"])


def written() -> list[str]:
    """Sentences of pipeline/examples that can be spoken as they stand; long ones cut at commas."""
    said = []
    for path in sorted(EXAMPLES.glob("*.jsonl")):
        for line in path.read_text("utf8").splitlines():
            record = json.loads(line)
            said += [t["text"] for t in record["turns"]] if "turns" in record else [record["text"]]
    found = set()
    for text in said:
        for sentence in re.findall("[^。？！]+[。？！]?", text):
            parts = [sentence]
            if len(bare(sentence)) > LONGEST // 2:
                parts += re.findall("[^，；]+[，；。？！]?", sentence)
            for part in parts:
                part = part.strip("，；、：")
                if re.fullmatch("[\u4e00-\u9fff，、；：]+[。？！]?", part) and len(bare(part)) > 1:
                    found.add(part if part[-1] in "。？！" else part + "。")
    return sorted(found)


def texts(count: int, seed: int, test: bool) -> list[str]:
    rng = random.Random(seed)
    grammar = Grammar(HERE / "grammar.txt", rng)
    words = Words(grammar)
    by_hand = written()
    avoid = forbidden()
    found: list[str] = []
    seen: dict[str, int] = {}
    while len(found) < count:
        kind = 1.0 if test else rng.random()
        if kind < WORDS_SHARE:
            text, often = words.sentence(), 1
        elif kind < WORDS_SHARE + WRITTEN_SHARE:
            text, often = rng.choice(by_hand), 4
        else:
            text, often = grammar.sentence(), 1
        key = bare(text)
        if not 1 <= len(key) <= LONGEST or key in avoid or (test and len(key) < 5):
            continue
        if seen.get(key, 0) >= (1 if test else often if len(key) > 4 else 6):
            continue
        seen[key] = seen.get(key, 0) + 1
        found.append(text)
    return found


def hiss(seed: int, size: int, speech: np.ndarray, snr_db: float) -> np.ndarray:
    """Noise with a random slope of spectrum (white to brown), `snr_db` below `speech`."""
    rng = np.random.default_rng(seed)
    spectrum = np.fft.rfft(rng.standard_normal(size))
    spectrum *= np.maximum(np.arange(len(spectrum)), size / 200) ** -rng.uniform(0, 1)
    noise = np.fft.irfft(spectrum, size)
    level = np.sqrt(np.mean(speech**2) / np.mean(noise**2)) * 10 ** (-snr_db / 20)
    return (noise * level).astype(np.float32)


def speak(job: tuple[int, str, bool]) -> tuple[np.ndarray, dict] | None:
    seed, text, test = job
    rng = random.Random(seed)
    voice = rng.choice(VOICES)
    utterance = say_timed(text, voice, rng.randint(*RATES), rng.randint(*PITCHES))
    channel, samples = "", utterance.samples
    if not test:
        pick = rng.random()
        for kind, share in CODEC_SHARE.items():
            pick -= share
            if pick < 0:
                channel = rng.choice([c for c in CHANNELS if c.startswith(kind)])
                heard = samples * rng.uniform(0.3, 1.0)
                if rng.random() < 0.6:  # a room behind the voice, before the encoder hears it
                    heard = heard + hiss(
                        rng.randrange(2**32), len(heard), heard, rng.uniform(15, 40)
                    )
                samples = through(heard, channel)
                break
    record = {
        "text": text,
        "voice": voice,
        "channel": channel,
        "pinyin": [p for _, p in syllables(text)],
        "index": [i for i, _, _ in utterance.syllables],
        "start": [round(a, 3) for _, a, _ in utterance.syllables],
        "end": [round(b, 3) for _, _, b in utterance.syllables],
    }
    return (np.clip(samples, -1, 1) * 32767).astype(np.int16), record


def coverage() -> None:
    """Print the characters and words of calls.toml that the shards say seldom or never."""
    spoken = [
        record["text"]
        for path in sorted(WORK.glob("shard-*.json"))
        for record in json.loads(path.read_text("utf8"))
    ]
    characters = Counter("".join(spoken))
    words = Counter(word for text in spoken for word in jieba.cut(bare(text)))
    wanted = [bare(text) for text in call_text()]
    seldom = sorted(c for c in set("".join(wanted)) if characters[c] < 10)
    missing = sorted({w for text in wanted for w in jieba.cut(text) if not words[w]})
    same = forbidden() & {bare(text) for text in spoken}
    print(f"characters said less than 10 times: {' '.join(seldom) or 'none'}")
    print(f"words never said: {' '.join(missing) or 'none'}")
    print(f"sentences of the calls or the test in training: {' '.join(sorted(same)) or 'none'}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=9000)
    parser.add_argument("--shard", type=int, default=0)
    parser.add_argument("--test", action="store_true", help="make the held-out sentences instead")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument(
        "--coverage", action="store_true", help="check the shards against the calls"
    )
    options = parser.parse_args()
    if options.coverage:
        return coverage()
    WORK.mkdir(exist_ok=True)
    began = time.time()
    name = "test" if options.test else f"shard-{options.shard}"
    seed = 99 if options.test else 1000 + options.shard
    if options.test:
        (WORK / "test.json").unlink(missing_ok=True)
    chosen = texts(options.count, seed, options.test)
    jobs = [(seed * 1_000_000 + i, text, options.test) for i, text in enumerate(chosen)]
    with Pool(options.processes) as pool:
        made = pool.map(speak, jobs, chunksize=32)
    position = 0
    for samples, record in made:
        record["offset"], record["length"] = position, len(samples)
        position += len(samples)
    np.save(WORK / f"{name}.npy", np.concatenate([samples for samples, _ in made]))
    records = [record for _, record in made]
    (WORK / f"{name}.json").write_text(json.dumps(records, ensure_ascii=False), "utf8")
    hours = position / SAMPLE_RATE / 3600
    characters = len(set("".join(bare(t) for t in chosen)))
    print(
        f"{name}: {len(chosen)} sentences, {hours:.2f} h, {characters} characters,"
        f" {time.time() - began:.0f} s"
    )


if __name__ == "__main__":
    main()
