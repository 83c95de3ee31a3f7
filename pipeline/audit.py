"""The proof that the log adds up: what `hotline check` asks of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from pipeline import index, migrations
from pipeline.errors import LogError
from pipeline.i18n import _
from pipeline.rows import TAG_COLUMNS
from pipeline.states import recording_state, request_state
from pipeline.store import in_memory

if TYPE_CHECKING:
    from pipeline.log import Log

COVER_TOLERANCE_S = 0.5
"""A gap between turns inside of speech counts as uncovered from this length on: the voice detector
pads its spans by up to 0.4 s, and pauses within a turn are shorter than words worth hearing."""


def check(log: Log) -> tuple[list[str], float]:
    """What in the log does not add up, as sentences, and the seconds of speech that no turn covers.

    Changes nothing. A sound log gives ([], 0.0).
    """
    problems: list[str] = []
    try:
        with log.snapshot():
            for row in log.query("PRAGMA integrity_check(10)"):
                said = next(iter(row.values()))
                if said != "ok":
                    problems.append(_("The log's file is damaged: {what}.").format(what=said))
            for row in log.query("PRAGMA foreign_key_check"):
                problems.append(
                    _("A row of {table} refers to one of {parent} that is not there.").format(
                        table=row["table"], parent=row["parent"]
                    )
                )
            for sql, sentence in _checks():
                problems.extend(sentence.format(**_in_words(row)) for row in log.query(sql))
            problems.extend(_schema_problems(log))
            problems.extend(_words_lost(log))
            problems.extend(_index_problems(log))
            lost = _uncovered(log, problems)
    except LogError as error:
        # A file so damaged that a query fails: say it, with what was found before.
        return [*problems, str(error)], 0.0
    return problems, lost


def _in_words(row: dict[str, Any]) -> dict[str, Any]:
    """A row of `_checks` with the names that staff read in place of the codes of states."""
    names = {"state": recording_state, "status": request_state}
    return {key: names[key](value) if key in names else value for key, value in row.items()}


def _schema_problems(log: Log) -> list[str]:
    """What another program took away of the tables, of their columns and of what guards them."""
    fresh = in_memory()
    try:
        migrations.migrate(fresh, "")
        wanted = set(fresh.execute(_SCHEMA))
    finally:
        fresh.close()
    found = {(row["type"], row["name"], row["part"]) for row in log.query(_SCHEMA)}
    return [
        _("The log has lost a part of its form ({what}); put a backup in its place.").format(
            what=" ".join(filter(None, lost))
        )
        for lost in sorted(wanted - found)
    ]


_SCHEMA = (
    "SELECT m.type, m.name, coalesce(c.name, '') AS part FROM sqlite_master AS m "
    "LEFT JOIN pragma_table_info(m.name) AS c ON m.type = 'table' WHERE m.name NOT LIKE 'sqlite_%'"
)


def _words_lost(log: Log) -> list[str]:
    """Calls in whose turns a character is missing, or too many, of what was heard and counts."""
    said: dict[int, Counter[str]] = {}
    for sql, sign in ((_HEARD, 1), (_IN_TURNS, -1)):
        for call_id, text in log.conn.execute(sql):  # not all of a large log at once
            counts = said.setdefault(call_id, Counter())
            for char in "".join(text.split()):
                counts[char] += sign
    return [
        _("Call {call}: its turns do not hold just the words that were heard ({n} differ).").format(
            call=call, n=sum(map(abs, counts.values()))
        )
        for call, counts in said.items()
        if any(counts.values())
    ]


_HEARD = (
    "SELECT x.call_id, s.text FROM segments AS s JOIN transcripts AS x ON x.id = s.transcript_id "
    "WHERE s.set_aside IS NULL"
)
_IN_TURNS = (
    "SELECT x.call_id, t.text FROM turns AS t JOIN transcripts AS x ON x.id = t.transcript_id "
    "WHERE x.engine <> 'import'"
)


def _index_problems(log: Log) -> list[str]:
    wrong = index.wrongly_indexed(log)
    if not wrong:
        return []
    first = wrong[0]
    if first < 0:
        what = _("the gist of request {n}").format(n=-first)
    elif first < index.ASIDE:
        what = _("the words of turn row {n}").format(n=first)
    else:
        what = _("the words set aside in segment row {n}").format(n=first - index.ASIDE)
    return [
        _(
            "Search would miss or invent words in {n} texts: index and text differ (first: {what}). "
            "Make the index anew with: hotline check --reindex"
        ).format(n=len(wrong), what=what)
    ]


def _uncovered(log: Log, problems: list[str]) -> float:
    turns: dict[tuple[int, int], list[tuple[float, float]]] = {}
    for row in log.query(
        "SELECT t.* FROM turns AS t JOIN transcripts AS x ON x.id = t.transcript_id "
        "WHERE x.is_current"
    ):
        key = (row["transcript_id"], row["channel"])
        turns.setdefault(key, []).append((row["start_s"], row["end_s"]))
    total: dict[int, float] = {}
    for row in log.query(
        "SELECT s.*, x.call_id FROM speech AS s "
        "JOIN transcripts AS x ON x.id = s.transcript_id WHERE x.is_current"
    ):
        gaps = uncovered(
            (row["start_s"], row["end_s"]),
            turns.get((row["transcript_id"], row["channel"]), []),
        )
        lost = sum(end - start for start, end in gaps if end - start >= COVER_TOLERANCE_S)
        if lost:
            total[row["call_id"]] = total.get(row["call_id"], 0.0) + lost
    problems.extend(
        _("Call {call}: {seconds:.1f} s of speech are in no turn.").format(
            call=call_id, seconds=seconds
        )
        for call_id, seconds in total.items()
    )
    return sum(total.values(), 0.0)


def uncovered(
    span: tuple[float, float], covers: Iterable[tuple[float, float]]
) -> list[tuple[float, float]]:
    """The parts of `span` (start, end) that none of `covers` holds."""
    gaps = []
    position, end = span
    for cover_start, cover_end in sorted(covers):
        if cover_start >= end:
            break
        if cover_start > position:
            gaps.append((position, cover_start))
        position = max(position, cover_end)
    if position < end:
        gaps.append((position, end))
    return gaps


def _checks() -> tuple[tuple[str, str], ...]:
    """SELECTs that find nothing in a sound log, and the sentence for each row that they do find."""
    return (
        (
            "SELECT path AS file, state FROM recordings WHERE sha256 IS NULL "
            "AND state IN ('received', 'transcribed', 'logged', 'silent', 'duplicate')",
            _("{file} ({state}): no original was kept."),
        ),
        (
            "SELECT path AS file FROM recordings "
            "WHERE (state = 'duplicate') <> (duplicate_of IS NOT NULL)",
            _("{file}: it is not clear of which recording it is a duplicate."),
        ),
        (
            "SELECT path AS file, state FROM recordings "
            "WHERE state IN ('failed', 'silent', 'unsupported') AND reason IS NULL",
            _("{file} ({state}): nothing says why."),
        ),
        (
            "SELECT f.path AS file, f.state FROM recordings AS f "
            "WHERE f.state IN ('transcribed', 'logged') AND NOT EXISTS ("
            "SELECT 1 FROM calls AS c JOIN transcripts AS x ON x.call_id = c.id AND x.is_current "
            "WHERE c.recording_id = f.id)",
            _("{file} ({state}): there is no transcript of it."),
        ),
        (
            # An import that was cut off between its two steps has no span at all: import again.
            "SELECT c.id AS call, count(*) AS n FROM turns AS t "
            "JOIN transcripts AS x ON x.id = t.transcript_id AND x.is_current "
            "JOIN calls AS c ON c.id = x.call_id LEFT JOIN recordings AS f ON f.id = c.recording_id "
            "WHERE (f.id IS NULL OR f.state = 'logged') AND NOT EXISTS (SELECT 1 FROM spans AS s "
            "WHERE s.transcript_id = t.transcript_id AND s.turn_idx = t.idx) GROUP BY c.id",
            _(
                "Call {call}: {n} turns are in no request, no chatter and nothing to listen to; "
                "take the call in again."
            ),
        ),
        (
            "SELECT number AS n FROM requests AS r WHERE NOT EXISTS ("
            "SELECT 1 FROM request_spans WHERE request = r.number)",
            _("Request {n} has no words and no place in its call."),
        ),
        (
            "SELECT s.turn_idx AS turn, x.call_id AS call FROM spans AS s "
            "JOIN transcripts AS x ON x.id = s.transcript_id AND x.is_current WHERE s.kind = 'request' "
            "AND NOT EXISTS (SELECT 1 FROM request_spans WHERE span_id = s.id)",
            _("Call {call}: turn {turn} is said to belong to a request, but to none that exists."),
        ),
        (
            # Every change of state is an event that says who; the last one says the state.
            "SELECT r.number AS n, r.status FROM requests AS r WHERE r.status IS NOT ("
            "SELECT json_extract(e.data, '$.to') FROM events AS e WHERE e.request = r.number "
            "AND json_extract(e.data, '$.to') IS NOT NULL ORDER BY e.id DESC LIMIT 1)",
            _("Request {n} ({status}): no event says who made it so."),
        ),
        *(
            (
                f"SELECT r.number AS n, r.{tag} AS value FROM requests AS r WHERE r.{tag} IS NOT ("
                f"SELECT value FROM current_tags WHERE request = r.number AND tag = '{tag}')",
                _("Request {n} is tagged {value}, but that is not its last judgement."),
            )
            for tag in TAG_COLUMNS
        ),
        (
            # Nothing is ever deleted from these: their ids have no gap.
            "SELECT count(*) AS n, coalesce(s.seq, 0) AS last FROM events "
            "LEFT JOIN sqlite_sequence AS s ON s.name = 'events' HAVING n <> last",
            _("The log tells of {last} things that happened, but holds only {n}."),
        ),
        (
            "SELECT count(*) AS n, s.seq AS last FROM requests "
            "JOIN sqlite_sequence AS s ON s.name = 'requests' HAVING n < last",
            _("{last} requests were opened, but only {n} are there."),
        ),
        (
            "SELECT e.request AS n FROM events AS e, json_each(e.data, '$.tags') AS t "
            "WHERE t.value NOT IN (SELECT id FROM tags)",
            _("Request {n}: a correction by staff has gone."),
        ),
        *(
            (
                f"SELECT r.number AS n, r.{column} AS value FROM requests AS r "
                "JOIN current_tags AS t ON t.request = r.number AND t.given_by = 'staff' "
                f"AND t.tag = '{tag}' WHERE r.{column} IS NOT t.value",
                _("Request {n} says {value}, but staff said otherwise last."),
            )
            for tag, column in (("gist", "gist"), ("phone", "phone"), ("caller", "caller_name"))
        ),
        (
            "SELECT s.id AS n FROM spans AS s WHERE s.heard_at IS NOT NULL AND NOT EXISTS ("
            "SELECT 1 FROM events AS e LEFT JOIN json_each(e.data, '$.heard') AS j "
            "WHERE e.kind = 'heard' AND json_extract(e.data, '$.span') = s.id "
            "OR e.kind = 'redone' AND j.value = s.id)",
            _("L{n} is said to have been listened to, but no event says by whom."),
        ),
        (
            "SELECT f.path AS file, c.id AS call FROM calls AS c "
            "JOIN recordings AS f ON f.id = c.recording_id WHERE f.state = 'transcribed' "
            "AND EXISTS (SELECT 1 FROM requests WHERE call_id = c.id)",
            _("{file} is not split yet, but call {call} has requests."),
        ),
        (
            "SELECT 1 AS n WHERE coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'requests'), 0)"
            " < (SELECT coalesce(max(number), 0) FROM requests)",
            _("The next request could get a number that was given before."),
        ),
        (
            "SELECT x.call_id AS call FROM transcripts AS x GROUP BY x.call_id "
            "HAVING sum(x.is_current) <> 1",
            _("Call {call}: it is not clear which transcript counts."),
        ),
    )
