"""Short texts for many host names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.hostlist import HostListError, expand, fold, split

NUMBERS = st.one_of(st.integers(0, 30).map(str), st.integers(0, 30).map("{:02d}".format), st.sampled_from(["007", "0"]))
NAMES = st.lists(
    st.lists(st.one_of(NUMBERS, st.sampled_from(["web", "-", ".lab", "r"])), min_size=1, max_size=5).map("".join),
    min_size=1,
    max_size=40,
)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("web1", "web1"),
        ("web[1-5]", "web1 web2 web3 web4 web5"),
        ("web[08-11]", "web08 web09 web10 web11"),
        ("web[1,3,7-9]", "web1 web3 web7 web8 web9"),
        ("web[3,1]", "web3 web1"),
        ("r[1-2]n[1-3]", "r1n1 r1n2 r1n3 r2n1 r2n2 r2n3"),
        ("n[0-20/5].lab", "n0.lab n5.lab n10.lab n15.lab n20.lab"),
        ("n[01-3]", "n01 n02 n03"),
        ("n[98-101,098]", "n98 n99 n100 n101 n098"),
        ("db, web[1-2] ,db", "db web1 web2"),
        ("web[1-3,2-4]", "web1 web2 web3 web4"),
        ("web[1-2],web[2,1]", "web1 web2"),
    ],
)
def test_a_list_expands_in_order_without_repeats(text, names):
    """Ranges, lists, products, steps and padding give names in the order written; of equal names the first stays."""
    assert expand(text) == names.split()


def test_twelve_and_six():
    """Padded names come out padded, and two brackets give the product."""
    assert expand("node[01-12].lab") == [f"node{number:02d}.lab" for number in range(1, 13)]
    assert len(expand("rack[1-2]-node[1-3]")) == 6


@pytest.mark.parametrize(
    ("text", "position", "words"),
    [
        ("", 0, "empty"),
        ("  ", 0, "empty"),
        ("a,,b", 2, "empty"),
        ("a,", 2, "empty"),
        ("web[]", 4, "empty range"),
        ("web[1,]", 6, "empty range"),
        ("web[1", 3, "not closed"),
        ("web[1-2]x[", 9, "not closed"),
        ("web1]", 4, "without"),
        ("web[1[2]]", 5, "nested"),
        ("web[3-1]", 4, "goes down"),
        ("db1,web[1,3-2]", 10, "goes down"),
        ("web[a]", 4, "bad number"),
        ("web[1-x]", 6, "bad number"),
        ("web[1-]", 6, "bad number"),
        ("web[-5]", 4, "bad number"),
        ("web[1-2/x]", 8, "bad number"),
        ("web[\u0661-\u0663]", 4, "bad number"),
        ("web[1-9999999999999999999]", 25, "bad number"),
        ("web[01:03]", 6, "bad range"),
        ("web[1-05]", 4, "two widths"),
        ("web[1-9/0]", 8, "step of 0"),
    ],
)
def test_what_means_nothing_is_refused_at_its_place(text, position, words):
    """Every malformed list is a ValueError that knows the character to look at."""
    with pytest.raises(HostListError, match=words) as caught:
        expand(text)

    assert isinstance(caught.value, ValueError)
    assert caught.value.position == position


@pytest.mark.parametrize(
    ("text", "hint"),
    [("web[01:03]", 'use "-"'), ("web[3-1]", "write 1-3"), ("w[1-05]", "write 01-05"), ("a[[1]]", "one after another")],
)
def test_a_refusal_says_what_to_write(text, hint):
    """The hint has the right form."""
    with pytest.raises(HostListError) as caught:
        expand(text)

    assert hint in caught.value.hint


@pytest.mark.parametrize(
    "text", ["n[1-1000001]", "n[1-999999999999999999]", "r[1-2000]n[1-2000]", "a[1-600000],b[1-600000]"]
)
def test_a_million_names_is_the_limit_met_before_expanding(text):
    """A list for more names than the limit is refused by arithmetic alone, however large it is."""
    with pytest.raises(HostListError, match="more than the limit of 1,000,000"):
        expand(text)


def test_a_list_is_cut_at_commas_outside_of_brackets():
    """Commas in brackets belong to the range."""
    assert split("web[1,3], db1 ,r[1-2]n[1,2]") == ["web[1,3]", "db1", "r[1-2]n[1,2]"]


@pytest.mark.parametrize(
    ("names", "text"),
    [
        ("", ""),
        ("web1", "web1"),
        ("web01 web02 web03 web12", "web[01-03,12]"),
        ("web3 web1 web2", "web[1-3]"),
        ("web08 web09 web10", "web[08-10]"),
        ("web8 web9 web10", "web[8-10]"),
        ("web1 web01 web02 web2", "web[1-2,01-02]"),
        ("db2 web1 db1 lb", "db[1-2],web1,lb"),
        ("r1n1 r1n2 r2n1 r2n2", "r[1-2]n[1-2]"),
        ("r1n1 r1n2 r2n1", "r1n[1-2],r2n1"),
        ("a1.lab a2.lab a2", "a[1-2].lab,a2"),
        ("2 1", "[1-2]"),
        ("n1 n9999999999999999999 n2", "n[1-2],n9999999999999999999"),
    ],
)
def test_names_fold(names, text):
    """Names that differ in a number come together, where the first of them stood; products only where exact."""
    assert fold(names.split()) == text


@given(NAMES)
def test_folding_loses_and_adds_nothing(names):
    """What folded names expand to is exactly their set."""
    assert sorted(expand(fold(names))) == sorted(set(names))


@given(st.integers(1, 200), st.integers(1, 200), st.integers(1, 4))
def test_a_range_folds_back_to_itself(first, more, width):
    """A range, padded or not, is what its names fold to, whatever their order."""
    text = f"web[{first:0{width}d}-{first + more:0{width}d}]"

    assert fold(expand(text)) == text
    assert fold(reversed(expand(text))) == text
