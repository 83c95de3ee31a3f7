"""The index: the terms of a text, and that it stays true to the rows."""

import pytest
from sample_log import MONDAY, Clock, ask, log_call, receive, speak

from pipeline import hearings, index
from pipeline.log import Log
from pipeline.rows import CallFacts
from pipeline.search import search
from pipeline.types import Segment, Span, Transcript, Word


@pytest.fixture
def log(tmp_path):
    with Log(tmp_path / "hotline.db", now=Clock()) as log:
        log_call(log, "a.wav", speak("您好", "电梯坏了", ""), [ask(1)], listen=[2])
        yield log


def test_the_terms_of_a_text(tmp_path):
    made = index.terms("Ａ電梯 坏", tmp_path)
    assert set(made.exact.split(" ")) == {
        "ａ", "电", "梯", "\u3000", "坏", "ａ电", "电梯", "梯\u3000", "\u3000坏", "w电梯",
    }  # fmt: skip
    assert "dian0ti" in made.sound.split()
    assert int.from_bytes(made.starts, "little") == 0b111011  # a | 电梯 | (space) | 坏 | (end)


def test_every_character_is_a_term_of_its_own(log):
    """FTS5's tokenizer must part nothing else than spaces, and lose nothing."""
    chars = [chr(n) for n in (*range(1, 0x250), 0x3000, 0x3002, 0x4E00, 0xFF0C, 0x1F642, 0x20000)]
    hearings.import_call(log, "x", MONDAY, "mono", speak(*(f"电{char}梯" for char in chars)))
    for char in chars:
        if not char.strip() or char in '"“”':
            continue
        found = {
            passage.text for hit in search(log, char, limit=0, passages=0) for passage in hit.hits
        }
        assert f"电{char}梯" in found, hex(ord(char))


def test_a_rebuilt_index_is_the_same(log):
    def rows():
        said = [tuple(row) for row in log.conn.execute("SELECT * FROM index_rows ORDER BY id")]
        for table in ("exact_index", "sound_index"):
            log.conn.execute(
                f"CREATE VIRTUAL TABLE IF NOT EXISTS temp.{table}_t "
                f"USING fts5vocab ('main', '{table}', 'instance')"
            )
            said += [
                tuple(row) for row in log.conn.execute(f"SELECT term, doc FROM temp.{table}_t")
            ]
        return said

    before = rows()
    assert len(before) > 20
    assert index.rebuild(log) == 4  # three turns, a gist
    assert rows() == before
    log.conn.execute("DELETE FROM exact_index WHERE rowid = 2")
    assert search(log, "坏") == [] or search(log, "坏")[0].hits[0].where == "gist"
    assert log.check()[0]
    index.rebuild(log)
    assert log.check() == ([], 0.0)
    assert search(log, "坏")[0].hits[0].where == "words"


def test_a_log_indexed_by_an_older_version_is_indexed_anew_when_opened(log, monkeypatch):
    log.conn.execute("DELETE FROM exact_index WHERE rowid = 2")
    log.conn.execute("UPDATE index_version SET version = version - 1")
    with Log(log.path, now=Clock()) as again:
        assert again.check() == ([], 0.0)


def test_a_step_that_fails_leaves_index_and_rows_as_they_were(log, monkeypatch):
    def fails(*_args, **_more):
        raise RuntimeError

    before = index.wrongly_indexed(log)
    monkeypatch.setattr(log, "event", fails)
    with pytest.raises(RuntimeError):
        hearings.import_call(log, "x", MONDAY, "mono", speak("垃圾没收"))
    assert index.wrongly_indexed(log) == before == []
    assert search(log, "垃圾") == []


def test_a_rare_term_answers_for_the_others(log, monkeypatch):
    monkeypatch.setattr(index, "TOLD_BY", 2)
    for _ in range(200):
        hearings.import_call(
            log, f"x{_}", MONDAY, "mono", speak("电梯坏了" if _ % 20 else "电梯门")
        )
    last = log.conn.execute("SELECT max(id) FROM turns").fetchone()[0]
    hearings.import_call(log, "y", MONDAY, "mono", speak("电梯间"))

    def asked(word):
        return index.narrowed(log.conn, index.exact_match(word, 12)).terms

    assert asked("电梯间") == ('"梯间"',)  # 电梯 is in 200 times as many
    assert asked("电梯坏了") == ('"梯坏"', '"坏了"', '"电梯"')
    assert asked("梯间") == ('"梯间"',)
    assert asked("电") == ('"电"',)
    match = index.narrowed(log.conn, index.exact_match("电梯间", 12))
    assert index.rows(log.conn, match, 1, 1 << 40) == [last + 1]


def test_what_was_removed_is_forgotten(log):
    with log.transaction():
        index.remove(log.conn, [2, -1])
    assert search(log, "电梯") == []
    assert index.wrongly_indexed(log) == [-1, 2]


def test_words_set_aside_are_found_only_when_asked_for(log):
    words = tuple(Word(n / 10, (n + 1) / 10, char, 0.2) for n, char in enumerate("请不吝点赞"))
    aside = Segment(0.0, 0.5, "请不吝点赞", words, set_aside="phantom")
    heard = Transcript("whisper", "demo", "zh", (aside,), (Span(0.0, 1.0),))
    recording = receive(log, "b.wav")
    turns = speak("喂喂")
    hearings.save(log, recording, CallFacts(MONDAY, "file", 9.0, "mono", 1), heard, turns)
    assert index.wrongly_indexed(log) == []
    assert search(log, "点赞") == []
    (hit,) = search(log, "点赞", aside=True)
    (passage,) = hit.hits
    assert (passage.where, passage.turn, passage.marked) == ("aside", None, "请不吝【点赞】")
    assert (passage.start, passage.end) == (pytest.approx(0.3), pytest.approx(0.5))
    assert search(log, "点赞", aside=True, speaker="resident") == []
    assert search(log, "点赞 喂", aside=True) and not search(log, "点赞 喂")
