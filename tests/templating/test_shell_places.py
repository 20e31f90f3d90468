"""Where a quoted value is one word of shell text, and where it is not: as real shells see it."""

import shutil
import subprocess

import pytest

from runner.location import Location
from runner.model.template import Template
from runner.templating import Templates
from runner.templating.trust import RAW

TEMPLATES = Templates()
PAYLOADS = (
    "$(echo B$((1+1))M)",
    "`echo B$((1+1))M`",
    "'; echo B$((1+1))M; '",
    '"; echo B$((1+1))M; "',
    "\nE\necho B$((1+1))M\ncat <<E\n",
    "\\`echo B$((1+1))M\\`",
)
SHELLS = [found for name in ("sh", "dash", "bash", "busybox") if (found := shutil.which(name))]
WORDS = (
    "echo VALUE",
    "echo pre'fix'VALUE\"suffix\"",
    'echo "it\'s" VALUE',
    "echo 'say \"' VALUE",
    "echo \\\" \\' VALUE",
    'x=VALUE; echo "$x"',
    'echo "$(echo VALUE)"',
    'echo "$(echo "$(echo VALUE)")"',
    "echo $(echo VALUE)",
    "(echo VALUE)",
    "{ echo VALUE; }",
    "case a in a) echo VALUE;; esac",
    "# don't\necho VALUE",
    "echo a # don't\necho VALUE",
    "echo \\\\VALUE",
    "echo \\\nVALUE",
    "eval true; echo VALUE",
    "echo retrieval VALUE",
    "echo a#b VALUE",
    "echo $# ${x#y} ${x:-'}'} VALUE",
    'echo "${x}" VALUE',
    "echo $((1<<2)) VALUE",
    'echo "$((1 << (1+1)))" VALUE',
    "cat <<E\nit's\nE\necho VALUE",
    "cat <<-'E'\n\t\"\n\tE\necho VALUE",
    "cat <<A; cat <<E\na\"\nA\ne'\nE\necho VALUE",
    "echo '{}' | cat; echo VALUE VALUE",
    "if true; then echo VALUE; fi",
)
NO_WORDS = (
    'echo "VALUE"',
    "echo 'VALUE'",
    'echo "a $(echo "VALUE")"',
    'echo "`echo VALUE`"',
    "echo `echo VALUE`",
    "cat <<E\nVALUE\nE\n",
    "cat <<-E\n\tVALUE\n\tE\n",
    "cat <<A; cat <<E\na\nA\nVALUE\nE\n",
    'echo "${x:-VALUE}"',
    '# don\'t\necho "VALUE"',
    "# VALUE\necho",
    "echo # it's VALUE",
    "echo \\VALUE",
    "eval echo VALUE",
    "true; sh -ec VALUE",
)


def leaks(text):
    """What is complained of where a host's value stands, quoted, for VALUE."""
    source = text.replace("VALUE", "{{ said | quote }}")
    return TEMPLATES.leaks(Template(source, Location("play.yaml", 1)), {"said": RAW})


def ran(shell, text, payload):
    """Whether any of a payload was run."""
    quoted = "'" + payload.replace("'", "'\"'\"'") + "'"
    argv = [shell, "sh"] if shell.endswith("busybox") else [shell]
    done = subprocess.run(
        [*argv, "-c", text.replace("VALUE", quoted)],
        capture_output=True,
        text=True,
        timeout=10,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    return "B2M" in done.stdout + done.stderr


@pytest.mark.parametrize("text", WORDS)
def test_where_words_are_read_a_quoted_value_is_one(text):
    """It may stand there, and no shell runs any of it."""
    assert leaks(text) == ()
    assert not [(shell, payload) for shell in SHELLS for payload in PAYLOADS if ran(shell, text, payload)]


@pytest.mark.parametrize("text", NO_WORDS)
def test_between_quotes_a_quoted_value_is_refused(text):
    """For a shell would run some of it."""
    assert [leak.is_quoted for leak in leaks(text)] == [True]
    assert any(ran(shell, text, payload) for shell in SHELLS for payload in PAYLOADS)
