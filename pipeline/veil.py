"""What the log holds, with the numbers of persons made unreadable: what lists, `show` and search print.

`Veiled` is a log to read from, whose records come masked; functions of the same kind mask records that
were read already. `transcribe` and `understand` print what was heard for other programs, log nothing, and
mask nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pipeline.log import Log
from pipeline.masks import mask_paths, mask_phone, mask_text

if TYPE_CHECKING:
    from pipeline.aside import Aside
    from pipeline.rows import CallRow, EventRow, RequestRow, SpanRow, TagRow, TextPiece
    from pipeline.search import Answer, Hit, Passage
    from pipeline.types import Turn


def asides(log: Log, found: Sequence[Aside]) -> list[Aside]:
    """Words that were set aside, masked where the log is."""
    hide = mask_text if isinstance(log, Veiled) else str
    return [replace(one, text=hide(one.text)) for one in found]


class Veiled(Log):
    """A log for reading alone: no number of a person leaves it whole."""

    def request(self, number: int) -> RequestRow:
        return request(super().request(number))

    def merged_into(self, number: int) -> list[RequestRow]:
        return [request(row) for row in super().merged_into(number)]

    def request_text(self, number: int) -> list[TextPiece]:
        texts = self._texts(super().request(number).transcript_id)
        return [
            replace(piece, text=texts[piece.turn][piece.start_char : piece.end_char])
            for piece in super().request_text(number)
        ]

    def call(self, call_id: int) -> CallRow:
        row = super().call(call_id)
        return replace(
            row,
            caller_phone=mask_phone(row.caller_phone),
            recording=mask_paths(row.recording),
            problems=tuple(map(mask_paths, row.problems)),
        )

    def turns(self, transcript_id: int) -> tuple[Turn, ...]:
        turns = super().turns(transcript_id)
        return tuple(
            replace(turn, text=text)
            for turn, text in zip(turns, masked_turns(turns), strict=True)
        )  # fmt: skip

    def _texts(self, transcript_id: int) -> list[str]:
        return masked_turns(super().turns(transcript_id))

    def tags(self, request: int) -> list[TagRow]:
        texts = self._texts(super().request(request).transcript_id)

        def masked(tag: TagRow) -> TagRow:
            words = mask_text(tag.words) if tag.words else tag.words
            if tag.turn is not None and tag.start_char is not None:
                words = texts[tag.turn][tag.start_char : tag.end_char]
            hide = mask_phone if tag.tag == "phone" else mask_text
            return replace(tag, value=hide(tag.value) or "", words=words, why=_text(tag.why))

        return [masked(tag) for tag in super().tags(request)]

    def events(self, request: int | None = None, recording: int | None = None) -> list[EventRow]:
        return [event(row) for row in super().events(request, recording)]

    def needs_listening(self, *, heard: bool = False) -> list[SpanRow]:
        return [_span(row) for row in super().needs_listening(heard=heard)]

    def span(self, span_id: int) -> SpanRow:
        return _span(super().span(span_id))


def hide_of(log: Log) -> Callable[[str], str]:
    """What to do with other texts of this log before they are shown."""
    return mask_text if isinstance(log, Veiled) else str


def _text(text: str | None) -> str | None:
    return mask_text(text) if text else text


def masked_turns(turns: tuple[Turn, ...]) -> list[str]:
    """The texts of a call's turns: a number may be said over several, with a listener's noises between."""
    return mask_text("\n".join(turn.text.replace("\n", " ") for turn in turns)).split("\n")


def request(row: RequestRow) -> RequestRow:
    return replace(
        row,
        recording=mask_paths(row.recording),
        gist=mask_text(row.gist),
        text=mask_text(row.text),
        phone=mask_phone(row.phone),
        undertaking=_text(row.undertaking),
        conditions=tuple(map(mask_text, row.conditions)),
        ticked=tuple(map(mask_text, row.ticked)),
        closed_note=_text(row.closed_note),
    )


def _span(row: SpanRow) -> SpanRow:
    return replace(row, recording=mask_paths(row.recording), text=mask_text(row.text))


def event(row: EventRow) -> EventRow:
    return replace(row, note=_text(row.note), data=_deep(row.data))


def _deep(value: Any, name: str = "") -> Any:
    if isinstance(value, str):
        return mask_paths(mask_phone(value) if name == "phone" else mask_text(value))
    if isinstance(value, Mapping):
        # A correction of the phone says so beside its value: {"tag": "phone", "value": …}.
        tag = str(value.get("tag", ""))
        return {key: _deep(one, tag if tag == "phone" else key) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_deep(one, name) for one in value]
    return value


def answer(log: Log, found: Answer) -> Answer:
    """What a search found; `log` is where it was looked for."""
    calls: dict[int, list[str]] = {}

    def texts(call_id: int) -> list[str]:
        if call_id not in calls:
            transcript = log.current_transcript(call_id)
            calls[call_id] = masked_turns(log.turns(transcript)) if transcript else []
        return calls[call_id]

    def passage(one: Passage, call_id: int) -> Passage:
        text = mask_text(one.text)
        if one.turn is not None:
            text = texts(call_id)[one.turn][one.start_char : one.start_char + len(one.text)]
        return replace(one, text=text, marked=_marked(one, text))

    def hit(one: Hit) -> Hit:
        hits = tuple(passage(place, one.call) for place in one.hits)
        return replace(
            one,
            recording=mask_paths(one.recording),
            gist=_text(one.gist),
            text=" ".join(p.text for p in hits) if one.request is None else mask_text(one.text),
            hits=hits,
        )

    return replace(found, hits=tuple(map(hit, found.hits)))


def _marked(one: Passage, text: str) -> str:
    """The passage as it was marked, in the letters of `text`, which is as long as its own."""
    out, at = [], 0
    for char in one.marked:
        if at < len(text) and char == one.text[at]:
            out.append(text[at])
            at += 1
        else:
            out.append(char)
    return "".join(out)
