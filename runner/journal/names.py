"""What files are called that belong to a journal."""

NAME = "events.jsonl"
"""The journal itself, in the folder of its run."""

RESCUED = f"{NAME}.rescued"
"""Records that a failing disk did not take, where they could be kept beside the journal. They go on behind its last."""

TORN = f"{NAME}.torn-"
"""Before a number: bytes of a record that was not written to its end."""

DAMAGED = f"{NAME}.damaged"
"""A damaged journal that a salvaged one has taken the place of."""

SALVAGED = f"{NAME}.salvaged"
"""What is certain of a damaged journal."""
