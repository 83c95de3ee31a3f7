"""Bars drawn: as SVG by hand, for HTML; as PNG by matplotlib, for papers that hold pictures."""

from __future__ import annotations

import io
from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.report.page import Bars, Figure

INK = "#2b5f8a"
FONTS = (
    "SimSun", "Songti SC", "STSong", "FangSong", "Noto Serif CJK SC", "Source Han Serif SC", "SimHei",
    "Microsoft YaHei", "PingFang SC", "Heiti SC", "Noto Sans CJK SC", "Noto Sans CJK JP",
    "Noto Serif CJK JP", "Source Han Sans SC", "Noto Sans SC", "Noto Serif SC", "WenQuanYi Zen Hei",
    "WenQuanYi Micro Hei", "AR PL UMing CN", "Droid Sans Fallback",
)  # fmt: skip
"""Fonts with Chinese characters that Windows, macOS and Linux bring, in the order in which they are taken."""


def svg(bars: Bars, link: Callable[[str], str | None] = lambda name: None) -> str:
    """The bars as an SVG element that needs no style from outside and scales with its place; `link` gives
    where a figure's rows stand."""
    return _upright(bars, link) if bars.columns else _across(bars, link)


def _number(figure: Figure, x: float, y: float, link: Callable[[str], str | None], how: str) -> str:
    to = link(figure.name)
    said = f'<text x="{x:.1f}" y="{y:.1f}"{how}>{figure.n}</text>'
    return f'<a href="{escape(to)}">{said}</a>' if to else said


def _across(bars: Bars, link: Callable[[str], str | None]) -> str:
    wide = max((_width(name) for name in bars.labels), default=0) + 8
    height, room = 22 * len(bars.labels) + 4, 640 - wide - 50
    most = max((figure.n for figure in bars.values), default=1) or 1
    parts = []
    for n, (name, figure) in enumerate(zip(bars.labels, bars.values, strict=True)):
        y = 22 * n + 4
        length = room * figure.n / most
        parts.append(
            f'<text x="{wide - 6}" y="{y + 13}" text-anchor="end">{escape(name)}</text>'
            f'<rect x="{wide}" y="{y}" width="{length:.1f}" height="16" fill="{INK}"/>'
            f"{_number(figure, wide + length + 5, y + 13, link, '')}"
        )
    return _svg(640, height, bars.title, parts)


def _upright(bars: Bars, link: Callable[[str], str | None]) -> str:
    n_bars = len(bars.labels)
    step = 620 / max(n_bars, 1)
    most = max((figure.n for figure in bars.values), default=1) or 1
    # Labels that would run into each other are written at every second, third, … bar.
    every = max(1, -(-int(max(_width(name) for name in bars.labels) + 6) // max(1, int(step))))
    parts = ['<line x1="10" y1="140" x2="630" y2="140" stroke="#888"/>']
    for n, (name, figure) in enumerate(zip(bars.labels, bars.values, strict=True)):
        x, length = 10 + step * n, 115 * figure.n / most
        middle = x + step / 2
        width = min(step * 0.7, 44)
        parts.append(
            f'<rect x="{middle - width / 2:.1f}" y="{140 - length:.1f}" width="{width:.1f}" '
            f'height="{length:.1f}" fill="{INK}"/>'
        )
        if figure.n and step >= 14:
            parts.append(_number(figure, middle, 136 - length, link, ' text-anchor="middle"'))
        if n % every == 0:
            parts.append(
                f'<text x="{middle:.1f}" y="156" text-anchor="middle">{escape(name)}</text>'
            )
    return _svg(640, 164, bars.title, parts)


def _svg(width: int, height: int, title: str, parts: list[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        f'font-size="12"><title>{escape(title)}</title>{"".join(parts)}</svg>'
    )


def _width(text: str) -> int:
    """About how wide a label is at 12 pixels: a Chinese character takes its full height."""
    return sum(12 if ord(char) > 0x2E80 else 7 for char in text)


def chinese_font() -> str | None:
    """The first of `FONTS` that this computer has, or None."""
    from matplotlib import font_manager

    there = {font.name for font in font_manager.fontManager.ttflist}
    return next((font for font in FONTS if font in there), None)


def png(bars: Bars) -> bytes | None:
    """The bars as a picture 16 cm wide; None where no font here has the characters of its labels."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import rc_context
    from matplotlib.figure import Figure as Drawing

    font = chinese_font()
    words = "".join(bars.labels)
    if font is None and not words.isascii():
        return None
    names = [font, "DejaVu Sans"] if font else ["DejaVu Sans"]
    values = [figure.n for figure in bars.values]
    with rc_context({"font.family": names, "font.size": 9, "svg.fonttype": "none"}):
        tall = 2.1 if bars.columns else 0.22 * len(values) + 0.35
        drawing = Drawing(figsize=(6.3, tall), layout="constrained")
        axes = drawing.subplots()
        if bars.columns:
            drawn = axes.bar(range(len(values)), values, color=INK, width=0.7)
            every = max(1, -(-sum(map(_width, bars.labels)) // 560))
            places = range(0, len(values), every)
            axes.set_xticks(list(places), [bars.labels[n] for n in places])
            axes.set_yticks([])
        else:
            drawn = axes.barh(range(len(values)), values, color=INK, height=0.7)
            axes.set_yticks(range(len(values)), list(bars.labels))
            axes.set_xticks([])
            axes.invert_yaxis()
        axes.bar_label(drawn, [str(n) if n else "" for n in values], padding=2, fontsize=8)
        if bars.columns:
            axes.margins(y=0.15)
        else:
            axes.margins(x=0.15)
        axes.tick_params(length=0)
        for side in ("top", "right", "left" if bars.columns else "bottom"):
            axes.spines[side].set_visible(False)
        out = io.BytesIO()
        drawing.savefig(out, format="png", dpi=200)
    return out.getvalue()
