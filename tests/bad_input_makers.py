"""What no text can be, made for the corpus of bad input: each function makes one thing in the folder of a case."""

import os
import socket
from itertools import pairwise
from pathlib import Path

import asyncssh


def unreadable_file(folder: Path) -> None:
    """A file that nobody may read."""
    (folder / "secret.yaml").write_text("version: 1\n")
    (folder / "secret.yaml").chmod(0)


def broken_link(folder: Path) -> None:
    """A link to nothing."""
    (folder / "link.yaml").symlink_to("nowhere.yaml")


def link_to_itself(folder: Path) -> None:
    """A link that leads to itself."""
    (folder / "link.yaml").symlink_to("link.yaml")


def a_folder(folder: Path) -> None:
    """A folder with the name of a playbook."""
    (folder / "folder.yaml").mkdir()


def a_pipe(folder: Path) -> None:
    """A named pipe that nobody writes to."""
    os.mkfifo(folder / "pipe.yaml")


def a_socket(folder: Path) -> None:
    """A socket."""
    with socket.socket(socket.AF_UNIX) as server:
        here = Path.cwd()
        os.chdir(folder)  # the name of a socket is short
        server.bind("socket.yaml")
        os.chdir(here)


def a_large_file(folder: Path) -> None:
    """A file with a hole in it, a byte larger than a playbook may be."""
    with (folder / "large.yaml").open("wb") as file:
        file.truncate(5 * 1024 * 1024 + 1)


def a_large_inventory(folder: Path) -> None:
    """A file with a hole in it, larger than an inventory may be."""
    with (folder / "large.yaml").open("wb") as file:
        file.truncate(100 * 1024 * 1024 + 1)


HEAD = "version: 1\ninventory: hosts.yaml\nhosts: web\nsteps: [{command: a}]\n"


def _bomb(folder: Path, levels: int) -> None:
    names = [f"n{number}" for number in range(levels)]
    lines = [f"  {name}: &{name} [{', '.join([f'*{below}'] * 9)}]" for below, name in pairwise(names)]
    text = "\n".join(["vars:", "  n0: &n0 [x, x, x, x, x, x, x, x, x]", *lines])
    (folder / "bomb.yaml").write_text(f"{HEAD}{text}\n")


def a_bomb_of_nine_levels(folder: Path) -> None:
    """Lists of nine aliases of each other: a third of a thousand million values in a few hundred bytes."""
    _bomb(folder, 9)


def a_bomb_of_seven_levels(folder: Path) -> None:
    """4.8 million values."""
    _bomb(folder, 7)


def deep_brackets(folder: Path) -> None:
    """Lists in lists."""
    (folder / "deep.yaml").write_text(f"{HEAD}vars: {{a: {'[' * 2000}{']' * 2000}}}\n")


def deep_dashes(folder: Path) -> None:
    """The same on one line without brackets."""
    (folder / "deep.yaml").write_text(f"{HEAD}vars:\n  a:\n    {'- ' * 2000}x\n")


def a_long_key(folder: Path) -> None:
    """Longer than we allow."""
    (folder / "long.yaml").write_text(f"{HEAD}vars:\n  {'k' * 300}: 1\n")


def a_longer_key(folder: Path) -> None:
    """Longer than YAML allows."""
    (folder / "long.yaml").write_text(f"{HEAD}vars:\n  {'k' * 2000}: 1\n")


def a_longer_key_in_quotes(folder: Path) -> None:
    """Longer than YAML allows, in quotes."""
    (folder / "long.yaml").write_text(f"{HEAD}vars:\n  '{'k' * 2000}': 1\n")


def many_nodes(folder: Path) -> None:
    """A list of 100,001 short items."""
    (folder / "many.yaml").write_text(f"{HEAD}vars: {{a: [{', '.join(['x'] * 100_001)}]}}\n")


def many_aliases(folder: Path) -> None:
    """A list of 1,001 aliases."""
    (folder / "many.yaml").write_text(f"{HEAD}vars: {{a: &a x, b: [{', '.join(['*a'] * 1001)}]}}\n")


def a_long_text(folder: Path) -> None:
    """A plain text of a mebibyte and one character."""
    (folder / "long.yaml").write_text(f"{HEAD}vars: {{a: {'x' * (1024 * 1024 + 1)}}}\n")


def sixty_problems(folder: Path) -> None:
    """A step with sixty unknown keys, all of them wrong in the same way."""
    keys = "".join(f"  unknown{number}: 1\n" for number in range(60))
    (folder / "sixty.yaml").write_text(f"version: 1\ninventory: hosts.yaml\nhosts: web\nsteps:\n- command: a\n{keys}")


def a_long_loop(folder: Path) -> None:
    """A written product of lists with more combinations than a loop may have."""
    items = ", ".join(map(str, range(400)))
    loop = f"{{a: [{items}], b: [{items}]}}"
    (folder / "long.yaml").write_text(
        f"version: 1\ninventory: hosts.yaml\nhosts: web\nsteps: [{{command: a, loop: {loop}}}]\n"
    )


def a_link_outside(folder: Path) -> None:
    """A link in the project to a file outside of it."""
    (folder / "link.yaml").symlink_to("/etc/hostname")


def sources(folder: Path) -> None:
    """What a step could be asked to send and must not."""
    (folder / "link").symlink_to("/etc/hostname")
    os.mkfifo(folder / "pipe")
    (folder / "folder").mkdir()


def a_long_host_name(folder: Path) -> None:
    """A name longer than DNS allows."""
    name = ".".join(["a" * 63] * 4)[:254]
    (folder / "hosts.yaml").write_text(f"hosts: {{{name}: }}\n")


def deep_groups(folder: Path) -> None:
    """Groups in groups."""
    lines = [f"  g{number}: {{groups: [g{number + 1}]}}\n" for number in range(70)]
    (folder / "hosts.yaml").write_text(f"hosts: {{web1: }}\ngroups:\n{''.join(lines)}  g70: {{hosts: [web1]}}\n")


def a_program(folder: Path) -> None:
    """A file that may be run."""
    (folder / "inventory.sh").write_text("echo {}\n")
    (folder / "inventory.sh").chmod(0o755)


def an_empty_folder(folder: Path) -> None:
    """A folder with nothing in it."""
    (folder / "empty").mkdir()


def identities(folder: Path) -> None:
    """Files that are no private keys to use."""
    key = asyncssh.generate_private_key("ssh-ed25519")
    plain = key.export_private_key()
    for name, data, mode in (
        ("open", plain, 0o644),
        ("key.pub", key.export_public_key(), 0o600),
        ("locked", key.export_private_key("pkcs8-pem", passphrase="x"), 0o600),
        ("text", b"hello\n", 0o600),
        ("crlf", plain.replace(b"\n", b"\r\n"), 0o600),
        ("empty", b"", 0o600),
    ):
        (folder / name).write_bytes(data)
        (folder / name).chmod(mode)
    (folder / "folder").mkdir()


KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGrTwVSrZTnrMlJRBbnBsvBULIy1OVXnMFjYVvlVyJBh"


def known_hosts_files(folder: Path) -> None:
    """Lines that are damaged among sound ones, plain and hashed, with either end; a file that all may write; none."""
    sound = f"web1 {KEY}\r\n|1|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|3988QV0VE8wmZL7suNrYQLITLCg= {KEY}\n"
    bad = f"web2 ssh-ed25519\nweb3 ssh-rsa {KEY.split()[1]}\n@sworn web4 {KEY}\n|1|salt {KEY}\nweb5 ssh-ed25519 ?\n\0\n"
    (folder / "bad").write_text(f"# what we know\n{sound}{bad}")
    (folder / "open").write_text(sound)
    (folder / "open").chmod(0o666)
    (folder / "folder").mkdir()
