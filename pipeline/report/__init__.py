"""The week, or any period: counted (`figures`), told (`telling`), and put on paper (a module a form)."""

from pipeline.report.figures import Week, count

__all__ = ["Week", "count"]
