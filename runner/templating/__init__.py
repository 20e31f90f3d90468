"""Templates: text of our own files, rendered with values that are only ever data.

``templates`` is what others see, ``compiler`` compiles and renders, ``sandbox`` is the jinja2 environment,
``rendering`` gives names their values, ``analysis`` looks into a template without rendering it, ``flow`` follows what
hosts have said to the text of a shell (``trust`` has the words for it, ``quotes`` reads that text), ``filters`` and
``limits`` are plain functions.

**Why.** Text from a host is a plain ``str`` and no ``str`` is ever compiled: only a
:class:`~runner.model.template.Template` is, and only ``loading`` makes one. So whatever a host prints comes out as it
went in. Each distinct source is compiled once (compiling costs 80 renders), variables go in through a context of our
own (through the environment's globals a render costs ten times as much), and a lone ``{{ expression }}`` is compiled
as an expression: guessing a type from rendered text would turn ``'1.10'`` into 1.1.
"""

from runner.templating.templates import Templates

__all__ = ["Templates"]
