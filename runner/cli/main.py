"""The command line: a lazy group of commands, and the one place where an error becomes an exit status."""


def main() -> None:
    """Run the command that the arguments name."""
