"""The composition root: settings in, wired work out. Nothing else knows all the parts, and nothing calls back here.

``plans`` makes a plan out of files and options; ``run`` carries one out, and ``simulate`` does so without hosts;
``recorder`` is where the events of a run go; ``views`` chooses who shows them; ``person`` asks; ``provenance`` says who
runs what from where; ``loop`` is the event loop.
"""
