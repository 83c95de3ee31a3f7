"""Recorded calls of a residents' committee, turned into requests that nobody forgets."""

import os

# Set before torch is loaded. Its threads wait for each other by spinning: beside other programs on the
# same cores, each step then waits for one that is not running, and hearing takes four times as long
# (measured: 60 words of the demonstration's decoder on two busy cores, 6.2 s against 1.4 s).
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
