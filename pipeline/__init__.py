"""Recorded calls of a residents' committee, turned into requests that nobody forgets."""

import os

# Set before torch is loaded. Its threads wait for each other by spinning: beside other programs on the same
# cores, each step then waits for one that is not running. Never spinning makes each step wait for the kernel
# instead. One call of 75 s by the demonstration's model, alone on two cores and beside two busy programs:
# spinning as OpenMP does 10.8 and 72 s, never 13.0 and 18 to 22, for some five thousand turns 10.7 and 20 to 22.
# (GNU's OpenMP, which torch uses on Linux, heeds the second; others the first.)
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("GOMP_SPINCOUNT", "5000")
# Set before numpy is loaded: its matrices here are small, and a second thread costs more than it does. A call of ten
# minutes, understood: 0.25 s of processor time with OpenBLAS's threads, 0.12 s without.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
