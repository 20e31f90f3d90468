"""What a list of a thousand runs costs: ``pytest -m benchmark -s``."""

import os
import time
from pathlib import Path

import pytest
from commandline import runner
from events_builder import START, intent, plan_ready, play, run_ended, run_started

from runner.journal import FIRST_SUM, encode

RUNS, RECORDS = 1000, 50_000

pytestmark = pytest.mark.benchmark


def test_a_thousand_long_runs_are_listed_in_two_seconds(tmp_path: Path) -> None:
    """Their journals, of fifty thousand records each, are not read whole. They are one file here."""
    events = [run_started(), plan_ready(play(hosts=10, steps=20)), *[intent("web1")] * RECORDS, run_ended()]
    digits, whole = FIRST_SUM, tmp_path / "events.jsonl"
    with whole.open("wb") as file:
        for seq, event in enumerate(events):
            line, digits = encode(event, seq=seq, ts=START + seq, run="r1", previous=digits)
            file.write(line)
    for number in range(RUNS):
        folder = tmp_path / f"runs/20261121-{number:06}-aaaa"
        folder.mkdir(parents=True)
        os.link(whole, folder / "events.jsonl")

    begun = time.perf_counter()
    listed = runner("runs", "list", cwd=tmp_path)
    took = time.perf_counter() - begun

    print(f"{RUNS} runs of {RECORDS} records listed: {took:.2f} s, start of the process included")
    assert len(listed.out.splitlines()) == RUNS + 1
    assert took < 2.0
