"""Plain scalars: YAML 1.2 core types, narrowed to JSON."""

import pytest

from runner.loading.scalars import resolve, size


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None), ("~", None), ("null", None), ("Null", None), ("none", "none"), ("nil", "nil"),
        ("true", True), ("false", False), ("tRue", "tRue"), ("y", "y"), ("n", "n"),
        ("0", 0), ("-7", -7), ("42", 42), ("0x1F", 31), ("0o17", 15), ("0b1", "0b1"), ("+1", "+1"), ("1_000", "1_000"),
        ("1.5", 1.5), ("1.10", 1.1), ("-0.5", -0.5), ("1e3", 1000.0), ("1.0e+3", 1000.0), ("12e03", 12000.0),
        (".5", ".5"), ("1.", "1."), ("1.2.3", "1.2.3"), ("-", "-"), ("1:30", "1:30"), ("09:30", "09:30"),
        ("2024-01-01", "2024-01-01"), ("11:22:33:44:55:66", "11:22:33:44:55:66"), ("0-1", "0-1"), ("=", "="),
        ("10s", "10s"),
    ],
)  # fmt: skip
def test_a_plain_scalar_has_its_type(text, value):
    """Nothing else than the core types is anything but text, and none of these is odd."""
    found, odd = resolve(text)

    assert (type(found), found, odd) == (type(value), value, None)


@pytest.mark.parametrize("text", ["NO", "No", "no", "yes", "YES", "on", "Off", "True", "TRUE", "FALSE"])
def test_booleans_of_old_are_text_with_a_warning(text):
    """Norway is a country."""
    value, odd = resolve(text)

    assert value == text
    assert odd.code == "W301"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("012", "E304"), ("01", "E304"), ("00501", "E304"), ("-01", "E304"), ("0899", "E304"), ("01.5", "E304"),
        (".inf", "E306"), ("-.INF", "E306"), (".nan", "E306"), ("1e999", "E306"),
        ("9" * 301, "E306"), ("0x" + "f" * 400, "E306"),
        ("\u201cx\u201d", "W114"),
    ],
)  # fmt: skip
def test_what_means_different_things_is_told_and_stays_text(text, code):
    """No guess is made."""
    value, odd = resolve(text)

    assert value == text
    assert odd.code == code


def test_a_long_text_that_starts_as_a_number_is_text():
    """The limit is on numbers alone."""
    assert resolve("1" * 400 + "x") == ("1" * 400 + "x", None)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        (0, 0),
        (512, 512),
        ("10MiB", 10 * 1024 * 1024),
        ("5MB", 5_000_000),
        ("64 KiB", 65536),
        ("1.5KB", 1500),
        ("7B", 7),
    ],
)
def test_a_size_is_a_number_of_bytes(text, count):
    """With the units of tens and of twos."""
    assert size(text) == count


@pytest.mark.parametrize("text", [-1, True, 1.5, "", "10", "MiB", "10 XB", "10mib", "-1KB", None])
def test_no_size_names_the_accepted_forms(text):
    """The message says what to write."""
    with pytest.raises(ValueError, match="write 10MiB, 5MB"):
        size(text)
