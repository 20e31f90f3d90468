"""What it costs to take a journal of 10,000 hosts back in, once it is decoded: ``pytest -m benchmark -s``."""

import gc
import time
import tracemalloc
from collections.abc import Callable, Iterator

import msgspec
import pytest
from events_builder import (
    START,
    ended,
    host_ended,
    host_started,
    intent,
    plan_ready,
    play,
    run_ended,
    run_started,
    wave_ended,
    wave_started,
)

from runner.model.events import Event
from runner.model.past import Past
from runner.model.progress import Progress

HOSTS, STEPS, WAVES = 10_000, 20, 10

pytestmark = pytest.mark.benchmark


def told() -> Iterator[Event]:
    """All events of such a run, every host at the same step."""
    size = HOSTS // WAVES
    yield from (run_started(), plan_ready(play(hosts=HOSTS, steps=STEPS, waves=WAVES)))
    for wave in range(1, WAVES + 1):
        names = [f"web{number:05}" for number in range((wave - 1) * size, wave * size)]
        yield wave_started(*names, wave=wave, of=WAVES)
        yield from (host_started(name, wave=wave) for name in names)
        for step in range(STEPS):
            fields = {"step": f"step-{step}", "wave": wave}
            yield from (intent(name, command="0123456789abcdef", **fields) for name in names)
            yield from (ended(name, "changed", rc=0, changed=True, duration=0.125, **fields) for name in names)
        yield from (host_ended(name, "changed", wave=wave, duration=3.0) for name in names)
        yield wave_ended(wave, changed=size)
    yield run_ended()


def decoded() -> list[Event]:
    """The same as a reader of the journal has them: no two share a text."""
    decoder = msgspec.json.Decoder(Event)
    return [decoder.decode(line) for line in [msgspec.json.encode(event) for event in told()]]


def into_progress(events: list[Event]) -> Progress:
    progress = Progress()
    for seq, event in enumerate(events):
        progress.apply(event, START, seq)
    return progress


def into_past(events: list[Event]) -> Past:
    past = Past()
    for seq, event in enumerate(events):
        past.apply(event, seq)
    return past


def seconds(work: Callable[[list[Event]], object], events: list[Event]) -> float:
    """The processor's time, of three tries the best."""
    best = float("inf")
    for _ in range(3):
        begun = time.process_time()
        work(events)
        best = min(best, time.process_time() - begun)
    return best


def megabytes() -> float:
    """What a Past holds, with every text that it keeps of the records."""
    decoder, past = msgspec.json.Decoder(Event), Past()
    lines = [msgspec.json.encode(event) for event in told()]
    tracemalloc.start()
    for seq, line in enumerate(lines):
        past.apply(decoder.decode(line), seq)
    held = tracemalloc.get_traced_memory()[0] / 1e6
    tracemalloc.stop()
    return held


def test_a_journal_of_10000_hosts_is_taken_in_at_once() -> None:
    """Both folds of 420,000 events together in 1.2 seconds, and what a resume decides by in 100 MB."""
    events = decoded()
    gc.collect()
    gc.disable()  # as whoever reads a journal does
    try:
        progress, past = seconds(into_progress, events), seconds(into_past, events)
    finally:
        gc.enable()
    held, number = megabytes(), len(events)

    print(
        f"\n{HOSTS} hosts x {STEPS} steps, {number} events: progress {progress:.2f} s "
        f"({number / progress:,.0f} a second), past {past:.2f} s ({number / past:,.0f} a second), {held:.0f} MB held"
    )
    assert progress + past < 1.2
    assert held < 100
