"""What a case of a hostile peer is."""

from dataclasses import dataclass

from peers import Behaviour


@dataclass(frozen=True)
class Case:
    """A way to misbehave, and what must come of it.

    ``outcome`` is a cause of ConnectError (or several, with ``|``), ``lost`` where the end of a step that was sent is
    unknown, ``late`` where the step's own time ran out, or ``rc N``. ``words`` is found in the message. ``hangs`` says
    that it ends by a limit of time. ``password`` offers one. ``refused`` says that runner must have refused something;
    ``is_gate`` that the peer is a gateway to a host.
    """

    name: str
    behaviour: Behaviour
    outcome: str
    words: str = ""
    hangs: bool = False
    password: bool = False
    refused: bool = False
    is_gate: bool = False
