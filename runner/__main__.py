"""``python -m runner`` is the ``runner`` command."""

import sys

if not sys.flags.safe_path:
    # It is the current folder, which may be anybody's: from here on nothing is to be imported from there.
    del sys.path[0]

from runner.cli.main import main

main()
