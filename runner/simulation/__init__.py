"""A run in which no host answers: what the engine is given in place of hosts, step kinds, templates and journal.

The engine is the real one, and so is the plan. ``kinds`` has step kinds that take their time and end as they were told;
``world`` knows what befalls whom, and ``gates`` whose gate is looked at; ``answers`` has templates that do without what
only a host could tell, as ``needs`` finds out; ``recorder`` folds the events, and ``story`` tells what happened when.
The hosts are those of :mod:`runner.transports.fake`, and the clock is virtual.
"""
