"""The file of a new journal: there for good, and locked, before its first record."""

import os

from runner.disk import sync_folder
from runner.errors import JournalError
from runner.journal.holding import hold
from runner.journal.names import NAME
from runner.run_folder import RunFolder


def begin(folder: RunFolder) -> int:
    """Make the journal of a run; gives its descriptor, which holds its lock. Raises JournalError."""
    path = folder.path / NAME
    descriptor = folder.create_file(NAME)
    try:
        hold(descriptor, path)
        os.fsync(descriptor)
        sync_folder(folder.path)
    except OSError as error:
        os.close(descriptor)
        raise JournalError(f'cannot write the journal: "{path}": {error.strerror or error}') from error
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor
