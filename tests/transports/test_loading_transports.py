"""What loading a transport does beside giving it."""

import ctypes.util
import subprocess
import sys

HOOK = """
import sys
ran = []
sys.addaudithook(lambda event, args: ran.append(args[0]) if event in {"subprocess.Popen", "os.posix_spawn"} else None)
from runner.transports import load
print(load("ssh").name, ran, "asyncssh" in sys.modules)
"""


def test_no_program_is_run_for_the_ssh_library() -> None:
    """It would look for another library with a linker and a compiler, whatever they are that PATH names."""
    done = subprocess.run([sys.executable, "-c", HOOK], capture_output=True, text=True, check=True)
    assert done.stdout == "ssh [] True\n"


def test_what_finds_libraries_is_as_before() -> None:
    """Whoever else looks for one gets it."""
    assert ctypes.util.find_library.__module__ == "ctypes.util"
    assert ctypes.util.find_library("c")
