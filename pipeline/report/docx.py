"""The summary as a Word document: A4, the first page to be signed, tables and charts behind it.

Fonts are named as offices have them (宋体, 仿宋, 黑体); a computer without them takes those that the
document's font table names beside each (Noto CJK), or what its own system puts in their place.
"""

from __future__ import annotations

import io
import itertools
from typing import TYPE_CHECKING, Any

from pipeline.report import charts
from pipeline.report.html import right
from pipeline.report.page import Bars, Items, Sum, Text
from pipeline.report.terminal import bars as text_bars
from pipeline.report.terminal import cell_text

if TYPE_CHECKING:
    from pipeline.report.page import Block, Page, Table

TITLE, HEAD, BODY, TABLE = "黑体", "黑体", "仿宋", "宋体"
LATIN = "Times New Roman"
INSTEAD = {
    "宋体": ("SimSun", "Songti SC", "Noto Serif CJK SC"),
    "仿宋": ("FangSong", "STFangsong", "Noto Serif CJK SC"),
    "黑体": ("SimHei", "Heiti SC", "Noto Sans CJK SC"),
}
"""Other names under which a computer may have a font, and what is taken where it has none of them."""

WIDTH_CM = 17.4
"""What a line holds: A4 less the margins."""


def document(page: Page) -> bytes:
    """The document's file.

    Raises:
        ImportError: python-docx or matplotlib is not installed.
    """
    from docx import Document
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.shared import Cm, Pt

    made = Document()
    section = made.sections[0]
    section.page_width, section.page_height = Cm(21.0), Cm(29.7)
    section.left_margin = section.right_margin = Cm(1.8)
    section.top_margin, section.bottom_margin = Cm(1.4), Cm(1.4)
    section.footer_distance = Cm(0.8)
    _styles(made)
    _name_fonts(made)
    made.core_properties.title = page.heading
    made.core_properties.author = page.office
    made.core_properties.subject = page.span
    made.core_properties.comments = ""
    title = made.add_paragraph(style="Title")
    title.alignment = WD_ALIGN_PARAGRAPH.CENTER
    title.add_run(page.heading)
    span = made.add_paragraph(page.span)
    span.alignment = WD_ALIGN_PARAGRAPH.CENTER
    span.paragraph_format.space_after = Pt(4)
    for block in page.front:
        _block(made, page, block)
    if page.signatures:
        _signatures(made, page)
    foot = section.footer.paragraphs[0]
    foot.text = "  ·  ".join(line for line in (page.made, page.source) if line)
    foot.style = SMALL
    for n, block in enumerate(page.annex):
        _block(made, page, block, new_page=n == 0)
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


HEADED, ROW, NUMBER, ITEM, SMALL = (
    "Hotline Head",
    "Hotline Row",
    "Hotline Number",
    "Hotline Item",
    "Hotline Small",
)
"""Styles of our own: who wants a table larger changes one of them in Word."""


def _styles(made: Any) -> None:
    from docx.enum.style import WD_STYLE_TYPE
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.shared import Pt, RGBColor

    # Lines of so many points whatever font there is: else one page on one computer is two on another.
    for name, font, size, bold, tall, before, after in (
        ("Normal", BODY, 10.5, False, 15, 0, 2),
        ("Title", TITLE, 18, True, 26, 0, 2),
        ("Heading 1", HEAD, 11, True, 15, 4, 2),
        (HEADED, HEAD, 9, True, 12, 0, 0),
        (ROW, TABLE, 9, False, 12, 0, 0),
        (NUMBER, TABLE, 9, False, 12, 0, 0),
        (ITEM, BODY, 9.5, False, 13, 0, 0),
        (SMALL, TABLE, 8.5, False, 11.5, 0, 0),
    ):
        ours = name.startswith("Hotline")
        style = made.styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH) if ours else made.styles[name]
        style.font.name, style.font.size, style.font.bold = LATIN, Pt(size), bold
        style.font.color.rgb = RGBColor(0, 0, 0)
        fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
        for key in list(fonts.attrib):  # a theme's font would win over a named one
            if key.endswith("Theme"):
                del fonts.attrib[key]
        _east_asian(fonts, font)
        style.paragraph_format.space_before = Pt(before)
        style.paragraph_format.space_after = Pt(after)
        style.paragraph_format.line_spacing = Pt(tall)
        style.paragraph_format.keep_with_next = name in ("Title", "Heading 1")
    made.styles[HEADED].paragraph_format.alignment = WD_ALIGN_PARAGRAPH.CENTER
    made.styles[NUMBER].paragraph_format.alignment = WD_ALIGN_PARAGRAPH.RIGHT
    made.styles[ITEM].paragraph_format.left_indent = Pt(14)
    made.styles[ITEM].paragraph_format.first_line_indent = Pt(-10)
    # Else 。 stands in the middle of its square, as in Taiwan.
    for spoken in made.styles.element.iter(_q("w:lang")):
        spoken.set(_q("w:eastAsia"), "zh-CN")
    borders = made.styles["Title"].element.find(_q("w:pPr"))
    line = None if borders is None else borders.find(_q("w:pBdr"))
    if line is not None:
        borders.remove(line)


def _q(name: str) -> str:
    from docx.oxml.ns import qn

    return str(qn(name))


def _east_asian(fonts: Any, font: str) -> None:
    fonts.set(_q("w:ascii"), LATIN)
    fonts.set(_q("w:hAnsi"), LATIN)
    fonts.set(_q("w:eastAsia"), font)


def _name_fonts(made: Any) -> None:
    """Say in the document's font table what to take where a font is missing."""
    from lxml import etree

    for part in made.part.package.iter_parts():
        if part.partname.endswith("/fontTable.xml"):
            table = etree.fromstring(part.blob)
            for name, others in INSTEAD.items():
                font = etree.SubElement(table, _q("w:font"), {_q("w:name"): name})
                etree.SubElement(font, _q("w:altName"), {_q("w:val"): ",".join(others)})
                etree.SubElement(font, _q("w:charset"), {_q("w:val"): "86"})
                etree.SubElement(font, _q("w:family"), {_q("w:val"): "auto"})
            part._blob = etree.tostring(
                table, xml_declaration=True, encoding="UTF-8", standalone=True
            )


def _look(paragraph: Any, font: str, size: float, bold: bool = False) -> None:
    from docx.shared import Pt

    paragraph.paragraph_format.space_after = Pt(0)
    for run in paragraph.runs:
        run.font.name, run.font.size, run.font.bold = LATIN, Pt(size), bold or run.font.bold
        _east_asian(run._element.get_or_add_rPr().get_or_add_rFonts(), font)


def _block(made: Any, page: Page, block: Block, *, new_page: bool = False) -> None:
    if isinstance(block, Text):
        paragraph = made.add_paragraph(("" if page.language == "zh_CN" else " ").join(map(str, block.sentences)))  # fmt: skip
        if page.language == "zh_CN":
            from docx.shared import Pt

            paragraph.paragraph_format.first_line_indent = Pt(21)
        return
    if isinstance(block, Sum):
        _sum(made, block)
        return
    head = made.add_paragraph(block.title, style="Heading 1")
    head.paragraph_format.page_break_before = new_page
    if isinstance(block, Items):
        for line in block.lines:
            made.add_paragraph(f"· {line}", style=ITEM)
    elif isinstance(block, Bars):
        _bars(made, block)
    else:
        _table(made, block)


def _sum(made: Any, block: Sum) -> None:
    """The balance as a table of one line of numbers over one of words, the signs between."""
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.shared import Cm, Pt

    cells = [
        cell for sign, what, figure in block.terms for cell in ((sign, ""), (str(figure), what))
    ]
    table = made.add_table(rows=2, cols=len(cells) - 1)
    table.alignment = 1
    table.autofit = False
    for n, (number, what) in enumerate(cells[1:]):
        is_sign = not what
        for row, text, size in ((0, number, 14.0), (1, what, 8.5)):
            cell = table.cell(row, n)
            cell.width = Cm(0.5 if is_sign else 2.0)
            table.columns[n].width = cell.width
            paragraph = cell.paragraphs[0]
            paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
            paragraph.add_run(text)
            _look(paragraph, HEAD if row == 0 else TABLE, size, bold=row == 0)
            paragraph.paragraph_format.keep_with_next = row == 0
            paragraph.paragraph_format.line_spacing = Pt(1.3 * size)


def _table(made: Any, table: Table) -> None:
    from docx.enum.table import WD_TABLE_ALIGNMENT
    from docx.oxml import OxmlElement
    from docx.shared import Cm

    drawn = made.add_table(rows=1 + len(table.rows), cols=len(table.heads))
    drawn.style = "Table Grid"
    drawn.alignment = WD_TABLE_ALIGNMENT.CENTER
    drawn.autofit = False
    widths = [Cm(width) for width in _widths(table)]
    # By their ids: python-docx looks through all styles for each name.
    head = made.styles[HEADED].style_id
    styles = [
        made.styles[NUMBER if right(table, n) else ROW].style_id for n in range(len(table.heads))
    ]
    for column, width in zip(drawn.columns, widths, strict=True):
        column.width = width
    for number, row in enumerate(drawn.rows):
        said = [cell_text(cell) for cell in table.rows[number - 1]] if number else table.heads
        last = table.total and number == len(table.rows)
        for n, cell in enumerate(row.cells):
            cell.width = widths[n]
            paragraph = cell.paragraphs[0]
            paragraph._p.style = styles[n] if number else head
            paragraph.add_run(said[n]).bold = True if last else None
        properties = row._tr.get_or_add_trPr()
        properties.append(OxmlElement("w:cantSplit"))
        if not number:
            repeat = OxmlElement("w:tblHeader")
            repeat.set(_q("w:val"), "true")
            properties.append(repeat)
    if table.more:
        made.add_paragraph(table.more, style=SMALL)


def _widths(table: Table) -> list[float]:
    """Centimetres a column: as much as its longest word needs, the wide one what is left."""
    need = []
    for n, head in enumerate(table.heads):
        longest = max(map(_wide, [head, *(cell_text(row[n]) for row in table.rows)]))
        need.append(min(max(0.56 + longest * 0.165, 1.2), 7.0))
    if table.wide is None:
        # Short tables stay narrow; long heads may break.
        scale = min(1.0, WIDTH_CM / sum(need))
        return [width * scale for width in need]
    rest = WIDTH_CM - sum(width for n, width in enumerate(need) if n != table.wide)
    if rest < 4.5:
        shrink = (WIDTH_CM - 4.5) / (WIDTH_CM - rest)
        need = [width * shrink for width in need]
        rest = 4.5
    need[table.wide] = rest
    return need


def _wide(text: str) -> float:
    """How many half characters a text takes, with the gap that Word leaves between figures and Chinese."""
    wide = [char > "\u2e80" for char in text]
    return len(text) + sum(wide) + 0.5 * sum(a != b for a, b in itertools.pairwise(wide))


def _bars(made: Any, block: Bars) -> None:
    from docx.shared import Cm

    picture = charts.png(block)
    if picture is not None:
        made.add_picture(io.BytesIO(picture), width=Cm(16))
        made.paragraphs[-1].alignment = 1
        made.paragraphs[-1].paragraph_format.line_spacing = 1.0  # as tall as the picture
        properties = made.inline_shapes[-1]._inline.docPr
        properties.set("descr", block.title)
        return
    # No font here can write the labels into a picture: the same bars in characters.
    for line in text_bars(block, 24):
        made.add_paragraph(line, style=SMALL)


def _signatures(made: Any, page: Page) -> None:
    from docx.shared import Cm, Pt

    colon = "：" if page.language == "zh_CN" else ":"
    drawn = made.add_table(rows=1, cols=len(page.signatures))
    drawn.autofit = False
    for n, line in enumerate(page.signatures):
        cell = drawn.rows[0].cells[n]
        cell.width = drawn.columns[n].width = Cm(WIDTH_CM / len(page.signatures))
        paragraph = cell.paragraphs[0]
        paragraph.paragraph_format.space_before = Pt(8)
        paragraph.add_run(line + colon + "＿" * 4 if page.language == "zh_CN" else f"{line}{colon} {'_' * 6}")  # fmt: skip
        _look(paragraph, BODY, 10.5 if page.language == "zh_CN" else 9)
