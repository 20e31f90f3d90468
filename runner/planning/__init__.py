"""Playbook and inventory to plan; pure.

``selection`` finds the hosts of a play, ``conditions`` those for which its ``when`` is false already, ``drawing`` the
order in which they are let in, and ``waves`` cuts them. ``choice`` chooses steps by ``tags`` and ``requires`` says what
these miss of the others; ``graph`` joins the plays that are left, and ``passed_over`` says why others are not.
``delegates`` finds where steps run, ``contacts`` makes addresses and gateways ready, ``waits`` looks for hosts that
would wait without end. ``drafting`` begins a play and ``compile`` puts it all together. ``faults`` says which hosts and
steps the faults of a simulation mean.
"""
