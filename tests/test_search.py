import random
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from sample_log import MONDAY, Clock, hear, log_call, receive, speak
from sample_log import ask as ask_for

from pipeline import hearings, life
from pipeline.candidates import BATCH
from pipeline.log import Log
from pipeline.match import mark
from pipeline.rows import CallFacts
from pipeline.script import fold, plain
from pipeline.search import ask as whole
from pipeline.search import search
from pipeline.types import Piece, Place, Segment


def ask(*turns, **more):
    """A request whose gist says nothing, for gists are searched too."""
    return ask_for(*turns, **{"gist": "", **more})


def numbers(hits):
    return [hit.request for hit in hits]


def test_one_two_and_more_characters_are_found(log):
    log_call(log, "a.wav", speak("您好", "二号楼的電梯坏了，降压药也没了", "救命"), [ask(1)])
    for query in ("梯", "电梯", "電梯", "降压药", "配", "号楼的电梯坏了，降压药也没"):
        assert numbers(search(log, query)) == ([] if query == "配" else [1]), query
    (hit,) = search(log, "救命")
    assert (hit.request, hit.call, hit.text) == (None, 1, "救命")
    assert hit.recording == "/home/recordings/a.wav"


def test_script_width_and_case_do_not_matter(log):
    log_call(log, "a.wav", speak("ＷｉＦｉ壞了，２號樓"), [ask(0)])
    for query in ("wifi坏了", "WIFI壞了", "２号楼", "2號樓", "了,2"):
        (hit,) = search(log, query)
        assert hit.how == "exact", query


def test_the_hit_is_marked_in_the_original_text_with_its_time(log):
    turns = speak("我家的電梯壞了，電梯裡有人")
    log_call(log, "a.wav", turns, [ask(0)])
    ((passage,),) = [hit.hits for hit in search(log, "电梯")]
    assert passage.marked == "我家的【電梯】壞了，【電梯】裡有人"
    assert passage.text == turns[0].text
    assert passage.start == pytest.approx(3 * 0.25)
    assert passage.end == pytest.approx(10 * 0.25)
    (hit,) = search(log, "电梯", marks=("<b>", "</b>"))
    assert hit.hits[0].marked.startswith("我家的<b>電梯</b>壞了")


def test_a_long_turn_is_shown_around_the_hits(log):
    turns = speak("啊" * 100 + "电梯" + "啊" * 100 + "电梯")
    log_call(log, "a.wav", turns, [ask(0)])
    (hit,) = search(log, "电梯")
    assert [len(p.text) for p in hit.hits] == [24 + 2 + 24, 24 + 2]
    assert [p.start for p in hit.hits] == [pytest.approx(25.0), pytest.approx(50.5)]
    assert all("【电梯】" in p.marked for p in hit.hits)


def test_words_in_any_order_within_one_request(log):
    turns = speak("电梯坏了", "在二号楼", "垃圾没收", "好的二号楼")
    log_call(log, "a.wav", turns, [ask(0, 1), ask(2)])
    assert numbers(search(log, "二号楼 电梯")) == [1]
    assert numbers(search(log, "电梯　坏了")) == [1]
    # Only the call as a whole holds these two.
    (hit,) = search(log, "垃圾 电梯")
    assert hit.request is None
    assert [p.text for p in hit.hits] == ["电梯坏了", "垃圾没收"]
    assert search(log, "垃圾 电梯 血透") == []


def test_words_in_a_request_and_beside_it_are_both_found(log):
    log_call(log, "a.wav", speak("电梯坏了", "哦电梯"), [ask(0)])
    hits = search(log, "电梯")
    assert [(hit.request, hit.hits[0].turn) for hit in hits] == [(1, 0), (None, 1)]


def test_a_turn_shared_by_two_requests_is_told_apart_by_its_pieces(log):
    turns = speak("电梯坏了还有垃圾没收好吗")
    first = ask(0, pieces=(Piece(0, 0, 4),))
    second = ask(0, pieces=(Piece(0, 4, 10),))
    log_call(log, "a.wav", turns, [first, second])
    assert numbers(search(log, "电梯")) == [1]
    assert numbers(search(log, "垃圾")) == [2]
    assert numbers(search(log, "坏了还")) == [1, 2]
    assert numbers(search(log, "好吗")) == [None]


def test_sounds_are_the_second_choice(log):
    log_call(log, "a.wav", speak("我明天要去做学头"), [ask(0)])
    log_call(log, "b.wav", speak("我要做血透"), [ask(0)])
    hits = search(log, "血透")
    assert [(hit.request, hit.how) for hit in hits] == [(2, "exact"), (1, "sound")]
    assert hits[1].hits[0].marked == "我明天要去做【学头】"
    assert numbers(search(log, "血")) == [2]  # one syllable could mean anything
    for n in range(3):
        log_call(log, f"{n}.wav", speak("血透"), [ask(0)])
    assert [hit.how for hit in search(log, "血透")] == [*["exact"] * 4, "sound"]
    assert {hit.how for hit in search(log, "血透", limit=4)} == {"exact"}
    assert {hit.how for hit in search(log, "血透", by_sound=False)} == {"exact"}


def test_what_sounds_so_by_chance_is_left_out_where_surer_was_found(log):
    log_call(
        log, "a.wav", speak("我要给他写投诉信"), [ask(0)]
    )  # the end of a word and another's beginning
    (chance,) = whole(log, "血透").hits
    assert (chance.request, chance.how) == (1, "sound")  # nothing surer: it is shown
    log_call(log, "b.wav", speak("我明天要去做学头"), [ask(0)])
    answer = whole(log, "血透")
    assert (numbers(answer.hits), answer.by_sound, answer.unlikely) == ([2], 1, 1)
    everything = whole(log, "血透", limit=0)
    assert (numbers(everything.hits), everything.by_sound, everything.unlikely) == ([2, 1], 2, 0)


@pytest.mark.parametrize("word", ["电梯间", "电梯 二号楼", "二号楼电梯"])
def test_a_word_of_common_and_rare_pairs_is_found(log, word, monkeypatch):
    monkeypatch.setattr("pipeline.index.TOLD_BY", 3)
    for n in range(8):
        log_call(log, f"{n}.wav", speak("二号楼电梯坏了", "电梯"), [ask(0)])
    log_call(log, "a.wav", speak("二号楼电梯间", "梯间"), [ask(0)])
    assert 9 in numbers(search(log, word, limit=0))
    assert len(search(log, word, limit=0)) == (1 if "间" in word else 9)


def test_filters(log):
    turns = speak("电梯坏了", "电梯很臭", "电梯")
    smell = ask(1, category="sanitation", urgency="urgent", place=Place(building="5"))
    log_call(log, "a.wav", turns, [ask(0), smell], phone="13800138000")
    log_call(log, "b.wav", speak("电梯"), [ask(0)], at=MONDAY + timedelta(days=3))
    life.set_status(log, [3], "done", by="王芳")
    cases = [
        ({}, {1, 2, 3, None}),
        ({"category": "sanitation"}, {2}),
        ({"urgency": "urgent", "kind": "help"}, {2}),
        ({"status": "done"}, {3}),
        ({"caller": "8000"}, {1, 2}),
        ({"place": "5号楼"}, {2}),
        ({"building": "2"}, {1, 3}),
        ({"since": MONDAY + timedelta(days=1)}, {3}),
        ({"until": MONDAY + timedelta(days=1)}, {1, 2, None}),
        ({"since": MONDAY, "category": "sanitation"}, {2}),
    ]
    for filters, wanted in cases:
        assert set(numbers(search(log, "电梯", **filters))) == wanted, filters


@pytest.mark.parametrize("limit", [0, 20])
def test_filters_on_the_turn(log, limit):
    said = speak("電梯坏了", "电梯有人修", "电梯", "电梯门")
    turns = [
        replace(t, speaker=who) for t, who in zip(said, ("resident", "staff") * 2, strict=True)
    ]
    log_call(log, "a.wav", turns, [ask(0)], listen=[3])
    log_call(log, "b.wav", speak("电梯", "垃圾"), [ask(0)], listen=[1])

    def found(query, **filters):
        hits = search(log, query, limit=limit, **filters)
        return {(hit.request, hit.call, p.turn) for hit in hits for p in hit.hits}

    assert found("电梯", speaker="resident") == {(1, 1, 0), (None, 1, 2)}
    assert found("电梯", speaker="staff") == {(None, 1, 1), (None, 1, 3)}
    assert found("电梯", speaker="unknown", needs_listening=True) == set()
    assert found("电梯", needs_listening=True) == {(None, 1, 3)}
    assert found("电梯", needs_listening=True, speaker="resident") == set()


@pytest.mark.parametrize("limit", [0, 20])
def test_what_was_set_aside_is_found_where_it_is_wanted(log, limit):
    recording = receive(log, "a.wav")
    facts = CallFacts(MONDAY, "file", 9.0, "mono", 1)
    turns = speak("电梯坏了")
    heard = hear(turns)
    phantom = Segment(5.0, 6.0, "請點讚電梯", (), set_aside="phantom")
    heard = replace(heard, segments=(*heard.segments, phantom))
    hearings.save(log, recording, facts, heard, turns)
    for query, n in (("点赞", 1), ("电梯", 2), ("点赞 电梯", 2)):
        places = [p for hit in search(log, query, aside=True, limit=limit) for p in hit.hits]
        assert [p.where for p in places if "点赞" in fold(p.text)] == ["aside"], query
        assert len(places) == n, query
    assert search(log, "点赞", limit=limit) == []
    assert search(log, "点赞", aside=True, speaker="unknown", limit=limit) == []


@pytest.mark.parametrize("first", [1, 3])
def test_read_in_small_batches_nothing_is_missed_and_the_newest_come_first(log, monkeypatch, first):
    rng = random.Random(first)
    for n in range(14):
        texts = [
            rng.choice(("电梯15号", "电梯十五号", "十五号", "店提坏", "垃圾"))
            for _ in range(rng.randint(1, 6))
        ]
        at = MONDAY - timedelta(days=rng.choice((0, 0, 0, 90)), hours=-n)  # some came late
        log_call(log, f"{n}.wav", speak(*texts), [ask(0, gist="十五号" if n % 3 else "")], at=at)

    def found(query, limit):
        hits = search(log, query, limit=limit, passages=0, sort="newest")
        return [(h.call, h.request, h.how, {(p.turn, p.where) for p in h.hits}) for h in hits]

    many = " OR ".join(f"电梯{n}号" for n in range(12, 60))
    words = ("电梯", "15号", "梯", "殿体坏", "电梯 OR 垃圾", many)
    whole = {query: found(query, 0) for query in words}
    for space in ("turns", "gists", "aside"):
        monkeypatch.setitem(BATCH, space, first)
    for query in words:
        assert found(query, 10_000) == whole[query], query
        few = found(query, 3)
        assert few == [hit for hit in whole[query] if hit[2] == few[0][2]][:3], query


def test_counts_alone_are_the_same(log):
    log_call(log, "a.wav", speak("电梯坏了", "电梯"), [ask(0, urgency="urgent")])
    log_call(log, "b.wav", speak("店提"), [ask(0)])
    answer, counts = whole(log, "电梯", limit=0), whole(log, "电梯", limit=0, counts_only=True)
    assert len(answer.hits) == 3
    assert counts == replace(answer, hits=())
    assert (counts.requests, counts.calls, counts.by_sound) == (2, 1, 1)
    assert counts.by_urgency == {"urgent": 1, "routine": 1}


def test_sorting_and_limit(log):
    day = timedelta(days=1)
    log_call(log, "a.wav", speak("电梯"), [ask(0, urgency="urgent")], at=MONDAY)
    log_call(log, "b.wav", speak("电梯"), [ask(0)], at=MONDAY + day)
    log_call(log, "c.wav", speak("电梯"), [ask(0, urgency="critical")], at=MONDAY - day)
    log_call(log, "d.wav", speak("喂" * 90 + "电梯"), [], at=MONDAY + 2 * day)
    assert numbers(search(log, "电梯", sort="newest")) == [None, 2, 1, 3]
    assert numbers(search(log, "电梯", sort="urgent")) == [3, 1, 2, None]
    assert numbers(search(log, "电梯", sort="best"))[-1] is None
    assert numbers(search(log, "电梯", sort="newest", limit=2)) == [None, 2]
    assert numbers(search(log, "电梯", sort="urgent", limit=1)) == [3]
    for n in range(30):
        log_call(log, f"{n}.wav", speak("电梯"), [ask(0)])
    assert len(search(log, "电梯")) == 20
    assert len(search(log, "电梯", limit=0)) == 34


def test_a_word_ranks_before_a_chance_neighbourhood(log):
    log_call(log, "a.wav", speak("下水表示不通的意思是吗"), [ask(0)])
    log_call(log, "b.wav", speak("我家里的水表坏了是吗"), [ask(0)])
    assert numbers(search(log, "水表")) == [2, 1]


def test_an_older_hearing_is_not_found(log):
    facts = CallFacts(MONDAY, "file", 5.0, "mono", 1)
    recording = receive(log, "a.wav")
    for said in ("修电脑", "修电梯"):
        hearings.save(log, recording, facts, hear(speak(said)), speak(said))
    assert search(log, "电脑") == []
    assert len(search(log, "电梯")) == 1


@pytest.mark.parametrize("query", ["", " ", '"', "*", "a OR b", "NEAR(", "chars:x", "'", "\\", "%", "_",
                                   "-电梯", "(" * 500, "电" * 3000, "\0", "🙂", "ABC" * 2000])  # fmt: skip
def test_nothing_that_is_typed_is_an_error(log, query):
    log_call(log, "a.wav", speak("电梯坏了"), [ask(0)])
    assert search(log, query) == []


def test_marks_that_touch_become_one():
    assert mark("abcdef", [(1, 3), (2, 4), (5, 6)]) == "a【bcd】e【f】"
    assert mark("abcdef", [(2, 3)], ("<", ">"), 1, 5) == "b<c>de"


# --- Nothing that LIKE finds is missed -----------------------------------------------------------

DOMAIN = "电梯電壞坏了二号樓楼，。！ aAＡ１1%_*\"'“”🙂é"
ANY = st.text(
    st.one_of(st.sampled_from(DOMAIN), st.characters(exclude_categories=["Cs"])), max_size=30
)


@pytest.fixture(scope="module")
def growing(tmp_path_factory):
    with Log(tmp_path_factory.mktemp("growing") / "hotline.db", now=Clock()) as log:
        log.conn.create_function("fold", 1, fold)
        yield log


@given(texts=st.lists(ANY, min_size=1, max_size=4), data=st.data())
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_what_like_finds_is_found(growing, texts, data):
    log = growing
    hearings.import_call(log, "x", MONDAY, "mono", speak(*texts))
    said = data.draw(st.sampled_from(texts).filter(bool)) if any(texts) else "电"
    start = data.draw(st.integers(0, len(said) - 1))
    word = said[start : start + data.draw(st.integers(1, 6))]
    assume(word.strip() and not set(word) & set('"“”'))
    query = f'"{word}"'
    folded = fold(word).replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    like = {
        (row["call_id"], row["idx"])
        for row in log.query(
            "SELECT x.call_id, t.idx FROM turns AS t JOIN transcripts AS x ON x.id = t.transcript_id "
            "WHERE fold(t.text) LIKE '%' || ? || '%' ESCAPE '\\'",
            (folded.replace("\0", "\ufffd"),),
        )
    }
    for limit in (0, 10_000):  # all is looked for in another way than the newest
        found = {
            (hit.call, passage.turn)
            for hit in search(log, query.replace("\0", "\ufffd"), limit=limit, passages=0)
            for passage in hit.hits
            if passage.how == "exact"
        }
        assert like <= found, limit
        for call, index in found - like:  # 1 is 一 and 幺 too, which LIKE does not know
            text = log.value(
                "SELECT t.text FROM turns AS t JOIN transcripts AS x ON x.id = t.transcript_id "
                "WHERE x.call_id = ? AND t.idx = ?",
                (call, index),
            )
            assert plain(word) in plain(text), (word, text)
    assert like or not any(texts)
