"""Playbook and inventory to plan; pure.

``selection`` finds the hosts of a play, ``drawing`` the order in which they are let in, ``waves`` cuts them,
``contacts`` makes addresses and gateways ready, and ``compile`` puts it all together.
"""
