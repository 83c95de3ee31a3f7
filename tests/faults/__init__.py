"""What can go wrong, made to go wrong: see docs/faults.md."""

import os

ALL = os.environ.get("FAULTS") == "all"
"""Whether everything is tried, and not the sample that fits into a test run."""
