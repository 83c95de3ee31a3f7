"""What can go wrong, made to go wrong: see docs/faults.md."""
