"""The protocol of the persistent sh: frames found anywhere, text that no shell misreads."""

import itertools
import os
import re
import shutil
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from shells import NONCE, found, greet, missing, path_without, talk

from runner.errors import StepError
from runner.framing import (
    INLINE_STDIN,
    Begin,
    End,
    Hello,
    Splitter,
    bootstrap,
    can_inline,
    quoted,
    step_text,
    without_frames,
)

AWKWARD = 'it\'s $HOME `id` \\ \\n "q" %s *\n\ttab ü é \udcff !! #x -n'
SETSID = Hello("setsid", "/usr/bin/setsid", printf=True)


def frame(text):
    return f"{NONCE} {text}\n".encode()


def records_of(*chunks):
    """All records, neighbouring output joined."""
    splitter, joined = Splitter(NONCE), []
    for chunk in chunks:
        for record in splitter.feed(chunk):
            if isinstance(record, bytes) and joined and isinstance(joined[-1], bytes):
                joined[-1] += record
            else:
                joined.append(record)
    return joined, splitter.rest()


@pytest.fixture(params=found())
def shell(request):
    return request.param


# the splitter


def test_frame_is_cut_out_exactly():
    """Output around a frame keeps every byte, also where it has no final newline."""
    records, rest = records_of(b"no newline" + frame("e 7 0") + b"\n\nmore")

    assert records == [b"no newline", End(7, 0), b"\n\nmore"]
    assert rest == b""


def test_begin_may_stand_inside_output():
    """A begin frame in the midst of a line is found, and the line is whole without it."""
    records, _ = records_of(b"half" + frame("b 3 4711") + b"line\n" + frame("e 3 255"))

    assert records == [b"half", Begin(3, 4711), b"line\n", End(3, 255)]


def test_group_zero_is_not_known():
    """Where the host can't tell the group, it says 0."""
    assert records_of(frame("b 3 0"))[0] == [Begin(3, None)]


def test_hello_says_what_the_shell_can():
    """A hello names the way to a group, the path of setsid, and whether printf is built in."""
    records, _ = records_of(b"motd\n" + frame("h setsid /usr/bin/setsid 1") + frame("h none - 0"))

    assert records == [b"motd\n", Hello("setsid", "/usr/bin/setsid", True), Hello("none")]


def test_hello_of_a_shell_with_a_record_says_what_it_keeps():
    """Where a record is wanted the hello names it and the shell's process, or says that there can be none."""
    records, _ = records_of(frame("h setsid /x 1 /tmp/.r-1 3 4711") + frame("h setsid /x 1 - 0 4712"))

    assert records == [
        Hello("setsid", "/x", True, "/tmp/.r-1", outlives=True, counts=True, pid=4711),
        Hello("setsid", "/x", True, pid=4712),
    ]


@pytest.mark.parametrize(
    "fake",
    [
        f"{NONCE[::-1]} e 1 0\n".encode(),  # another nonce
        frame("e 1"),
        frame("e 1 0 2"),
        frame("e -1 0"),
        frame("e 1 ²"),
        frame("x 1 0"),
        frame("e 1 999999999999"),
        frame("h other - 0"),
        frame("h none - 0 -"),
        f"{NONCE} e 1 0 {'x' * 500}\n".encode(),
        f"{NONCE}\n".encode(),
        f"{NONCE[:31]}\n".encode(),
    ],
)
def test_what_is_no_frame_is_output(fake):
    """Only an exact frame of this nonce is one; all else comes out as it went in."""
    records, rest = records_of(b"a", fake, b"b" + frame("e 1 3"))

    assert records == [b"a" + fake + b"b", End(1, 3)]
    assert rest == b""


@given(
    parts=st.lists(
        st.one_of(
            st.binary(max_size=80),
            st.sampled_from([NONCE.encode(), NONCE[:9].encode(), frame("e 1 0")[:-1], b"\n", b"0", b"01"]),
            st.tuples(st.integers(1, 99), st.integers(0, 255)),
        )
    ),
    cuts=st.lists(st.integers(0, 400)),
)
@example(parts=[(1, 0), b"\n", (2, 3)], cuts=[1, 2, 3, 33, 34, 38, 39])
@example(parts=[frame("e 1 0")[:-1], b"0", b"\n"], cuts=[36])
@example(parts=[b"0" * 40, NONCE[:31].encode(), (1, 2)], cuts=[20, 64, 71])
def test_frames_torn_anywhere_lose_nothing(parts, cuts):
    """However the bytes are cut into chunks, the records are the same, and no byte of output is lost."""
    data = b"".join(frame(f"e {part[0]} {part[1]}") if isinstance(part, tuple) else part for part in parts)
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    chunks = [data[a:b] for a, b in itertools.pairwise(edges)]

    records, rest = records_of(*chunks)

    assert (records, rest) == records_of(data)
    output = b"".join(record for record in records if isinstance(record, bytes))
    assert output + rest == re.sub(NONCE.encode() + rb" e \d{1,11} \d{1,11}\n", b"", data)


def test_bulk_output_is_passed_on_at_once():
    """Nothing but a possible beginning of a frame is kept back."""
    splitter = Splitter(NONCE)

    assert splitter.feed(b"x" * 100_000 + b"0123") == [b"x" * 100_000]
    assert splitter.rest() == b"0123"


# the text


def test_nonce_is_never_whole_in_the_bootstrap():
    """What only echoes its input does not look like a shell that answers."""
    assert NONCE.encode() not in bootstrap(NONCE)
    assert NONCE[:16].encode() in bootstrap(NONCE)


@pytest.mark.parametrize("bad", ["a\0b", "\ud800"])
def test_what_no_shell_can_be_given_is_refused(bad):
    """NUL and lone surrogates are a clear error before anything is sent."""
    with pytest.raises(StepError):
        step_text(1, ["echo", bad], SETSID)
    with pytest.raises(StepError):
        step_text(1, ["true"], SETSID, env={"A": bad})
    with pytest.raises(StepError):
        step_text(1, ["true"], SETSID, cwd=bad)


@pytest.mark.parametrize("name", ["", "1A", "A-B", "A B", "A;id", "A\n", "Ä"])
def test_odd_names_of_variables_are_refused(name):
    """A name that sh would not take, or would take for something else, is never sent."""
    with pytest.raises(StepError, match="environment variable"):
        step_text(1, ["true"], SETSID, env={name: "x"})


def test_inline_input_needs_a_printf_inside_the_shell():
    """Small input rides in the text only where nobody can see it in an argument list."""
    assert can_inline(SETSID, INLINE_STDIN)
    assert not can_inline(SETSID, INLINE_STDIN + 1)
    assert not can_inline(Hello("setsid", "/x", printf=False), 1)
    assert not can_inline(Hello("jobs", printf=True), 1)


def test_quotes_are_single():
    """A quote is closed, escaped and opened again."""
    assert quoted("it's") == b"'it'\\''s'"


# real shells


def test_shell_says_hello_after_noise(shell):
    """The hello says how a group is made, and what came before it is apart."""
    result = talk(shell, {"argv": ["echo", "hi"]})

    assert result.hello.mode == "setsid"
    assert (result.preamble, result.stdout, result.stderr, result.rc) == (b"", {1: b"hi\n"}, {1: b""}, {1: 0})


def test_arguments_arrive_as_they_are(shell):
    """No argument is misread by the shell, whatever bytes it holds."""
    every_byte = bytes(range(1, 256)).decode("utf-8", "surrogateescape")
    words = [AWKWARD, every_byte, "", "-n", "--", "*", "~", "'"]

    result = talk(shell, {"argv": ["printf", "%s\\0", *words]})

    expected = b"".join(word.encode("utf-8", "surrogateescape") + b"\0" for word in words)
    assert result.stdout[1] == expected


def test_values_of_the_environment_arrive_and_stay_in_their_step(shell):
    """A step's env, folder, umask and exit are its own."""
    look = {"argv": ["/bin/sh", "-c", 'printf %s "$A-$PWD"; umask']}
    first = {**look, "env": {"A": AWKWARD, "PATH": "/nowhere:/bin:/usr/bin"}, "cwd": "/usr"}

    result = talk(shell, first, {"argv": ["/bin/sh", "-c", "umask 077; cd /; exit 3"]}, look)

    assert AWKWARD.encode("utf-8", "surrogateescape") + b"-/usr" in result.stdout[1]
    assert result.rc == {1: 0, 2: 3, 3: 0}
    assert result.stdout[3].startswith(b"-" + str(Path.home()).encode())
    assert result.stdout[3].endswith(result.stdout[1][-5:])


def test_missing_folder_is_the_shells_own_complaint(shell, tmp_path):
    """A folder that is not there fails the step with status 125 and runs nothing."""
    result = talk(shell, {"argv": ["touch", str(tmp_path / "ran")], "cwd": "/no/such folder"})

    assert result.rc == {1: 125}
    assert b"cd" in result.stderr[1]
    assert b"/no/such folder" in result.stderr[1]
    assert not (tmp_path / "ran").exists()


def test_folder_called_dash_is_a_folder(shell, tmp_path):
    """``-`` is no way back to the last folder."""
    (tmp_path / "-").mkdir()

    result = talk(shell, {"argv": ["pwd"], "cwd": "-"}, environ={**os.environ, "HOME": str(tmp_path)})

    assert result.stdout[1] == f"{tmp_path}/-\n".encode()


def test_folders_are_found_from_home_alone(shell, tmp_path):
    """CDPATH leads a step's folder nowhere else, and prints nothing."""
    for folder in ("home/sub", "other/sub"):
        (tmp_path / folder).mkdir(parents=True)
    environ = {**os.environ, "HOME": str(tmp_path / "home"), "CDPATH": str(tmp_path / "other")}

    result = talk(shell, {"argv": ["pwd"], "cwd": "sub"}, environ=environ)

    assert result.stdout[1] == f"{tmp_path}/home/sub\n".encode()


def test_input_arrives_as_it_is(shell):
    """Small input with every byte, NUL and formats among them, is what the command reads."""
    every = bytes(range(256)) + b"%d %s \\n \\ ' -n \\0101 \\c 12\x001\x0177\xff8" * 3

    result = talk(
        shell, {"argv": ["cat"], "stdin": b"-x" + every}, {"argv": ["cat"]}, {"argv": ["cat"], "stdin": b"1\n"}
    )

    assert result.stdout == {1: b"-x" + every, 2: b"", 3: b"1\n"}


def test_largest_inline_input_does_not_need_a_reader(shell):
    """A command that reads nothing of 64 KiB still ends, and so does one that reads all of it."""
    full = b"\x00\xff" * (INLINE_STDIN // 2)

    result = talk(shell, {"argv": ["true"], "stdin": full}, {"argv": ["wc", "-c"], "stdin": full})

    assert result.rc == {1: 0, 2: 0}
    assert result.stdout[2].strip() == str(INLINE_STDIN).encode()


def test_syntax_error_is_the_scripts_own(shell):
    """A script that sh cannot parse fails alone; the next step runs."""
    result = talk(shell, {"argv": ["/bin/sh", "-c", "if ; ( '"]}, {"argv": ["echo", "next"]})

    assert result.rc[1] == 2
    assert result.stdout[2] == b"next\n"


@pytest.mark.parametrize(("script", "rc"), [("exit 255", 255), ("kill -9 $$", 137), ("kill -2 $$", 130), ("exit 1", 1)])
def test_status_is_as_a_shell_gives_it(shell, script, rc):
    """A status is the command's, signals as 128 + their number."""
    result = talk(shell, {"argv": ["/bin/sh", "-c", script]}, {"argv": ["true"]})

    assert result.rc == {1: rc, 2: 0}


def test_step_leads_a_session_of_its_own(shell):
    """The begin frame names the group, which is the step's process and its session, and not the shell's."""
    result = talk(shell, {"argv": ["/bin/sh", "-c", "echo $$; cat /proc/$$/stat"]})

    pid, stat = result.stdout[1].decode().split("\n", 1)
    group, session = stat.rpartition(")")[2].split()[2:4]
    assert result.group[1] == int(pid) == int(group) == int(session)


def test_interrupts_are_not_ignored(shell):
    """A step can be interrupted: a background job of sh could not."""
    result = talk(shell, {"argv": ["grep", "SigIgn", "/proc/self/status"]})

    ignored = int(result.stdout[1].split()[1], 16)
    assert not ignored & (1 << 1 | 1 << 2)  # SIGINT, SIGQUIT


def test_step_knows_neither_nonce_nor_our_files(shell):
    """The nonce is not in a step's environment or arguments, and our spare file descriptor is closed."""
    script = "cat /proc/self/environ /proc/$PPID/environ /proc/$PPID/cmdline; [ -e /proc/self/fd/3 ] || echo closed"

    result = talk(shell, {"argv": ["/bin/sh", "-c", script], "env": {"SECRET": "s3cret"}})

    assert NONCE.encode() not in result.stdout[1]
    assert b"OLDPWD=" not in result.stdout[1].split(b"SECRET")[0] + b"SECRET"
    assert result.stdout[1].count(b"s3cret") == 1
    assert result.stdout[1].endswith(b"closed\n")


def test_locale_is_utf8_unless_the_step_says_otherwise(shell):
    """Programs speak UTF-8 where the host has such a locale; a step's own LC_ALL wins."""
    look = {"argv": ["/bin/sh", "-c", "echo $LC_ALL"]}

    result = talk(shell, look, {**look, "env": {"LC_ALL": "C"}}, environ={**os.environ, "LC_ALL": "POSIX"})

    assert result.stdout == {1: b"C.UTF-8\n", 2: b"C\n"}


@pytest.mark.parametrize("name", ["_rn", "_rd", "IFS", "CDPATH", "PWD"])
def test_names_of_ours_do_no_harm(shell, name):
    """A variable that the shell or the bootstrap uses is only a variable to a step."""
    result = talk(
        shell,
        {"argv": ["/bin/sh", "-c", f'printf %s "${name}"'], "env": {name: "/tmp x"} if name != "PWD" else {name: "/"}},
        {"argv": ["pwd"], "cwd": "/usr"},
        environ={**os.environ, name: "/tmp y"},
    )

    assert result.rc == {1: 0, 2: 0}
    assert result.stdout[2] == b"/usr\n"


def test_background_child_does_not_hold_up_the_end(shell):
    """The end frame comes when the first process ends, though a child goes on with its output."""
    result = talk(shell, {"argv": ["/bin/sh", "-c", "(sleep 0.3; echo late) & echo now"]}, {"argv": ["echo", "2"]})

    assert result.stdout[1] == b"now\n"
    assert result.stdout[2] == b"2\n"


def test_without_setsid_job_control_makes_the_group(shell, tmp_path):
    """Where setsid is missing the step still leads a group, unless the shell has no job control either."""
    environ = path_without(tmp_path, "setsid")
    steps = [
        {"argv": ["/bin/sh", "-c", "echo $$; cat /proc/$$/stat; cat"]},
        {"argv": ["/bin/sh", "-c", "kill -9 $$"], "env": {"A": "b"}},
    ]

    result = talk(shell, *steps, environ=environ)

    pid, stat = result.stdout[1].decode().split("\n", 1)
    assert result.hello.mode in {"jobs", "none"}
    assert result.hello.setsid == ""
    if result.hello.mode == "jobs":
        assert result.group[1] == int(pid) == int(stat.rpartition(")")[2].split()[2])
    else:
        assert result.group[1] is None
    assert result.rc == {1: 0, 2: 137}


def test_shell_without_any_groups_still_runs_steps(shell):
    """The last resort: no group is known, everything else holds."""
    result = talk(shell, {"argv": ["cat"], "stdin": b"in"}, {"argv": ["echo", "x"]}, hello=Hello("none", printf=True))

    assert (result.stdout, result.group, result.rc) == ({1: b"in", 2: b"x\n"}, {1: None, 2: None}, {1: 0, 2: 0})


def test_a_host_with_few_programs_is_enough(shell, tmp_path):
    """Neither base64 nor python nor anything beyond setsid and the command itself is needed."""
    for program in ("setsid", "cat"):
        (tmp_path / program).symlink_to(shutil.which(program))
    environ = {"PATH": str(tmp_path), "HOME": "/"}

    result = talk([shutil.which(shell[0]), *shell[1:]], {"argv": ["cat"], "stdin": b"\0x"}, environ=environ)

    assert (result.stdout[1], result.rc[1]) == (b"\0x", 0)


def test_echo_is_no_shell():
    """A host that only echoes what it is sent never says hello."""
    assert greet(["cat"]) is None


def test_other_shells():
    """Every other shell that can be a host's /bin/sh is tried where it is installed."""
    if missing():
        pytest.skip(f"not installed here: {', '.join(missing())}")


def test_frames_in_output_that_was_kept_are_no_output():
    """They are known by group and status; what only looks like one is the step's own."""
    begin = b"0123456789abcdef0123456789abcdef b 2 4711\n"
    end = b"0123456789abcdef0123456789abcdef e 2 3\n"

    assert without_frames(begin + b"the end\n" + end, 4711, 3) == b"the end\n"
    assert without_frames(begin + end, 4711, 3) == b""
    assert without_frames(begin + b"the end\n" + end, 4712, 4) == begin + b"the end\n" + end
    assert without_frames(b"first\n" + begin + end + b"last", 4711, 3) == b"first\n" + begin + end + b"last"
