"""Roll changes out over SSH: YAML playbooks, planned into waves of hosts, run by an asynchronous engine.

The way of a change, and the folder that owns each part of it::

    YAML ==loading==> Playbook, Inventory ==planning==> Plan ==engine==> Events ==journal==> runs/<id>/events.jsonl
                                                          |    steps, transports     |
                                                          |                          +==reporting==> what people see
                                                          +==reporting==> `runner plan`

``model`` holds the values that flow, ``app`` wires the parts together, and ``cli`` alone prints usage and exits.
Modules import from lower layers only; ``pyproject.toml`` has the layers and ``lint-imports`` checks them.
"""

__version__ = "0.1.0"
