"""Requirements as TensorFlow's metadata states them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gputune.doctor.requirement import normalised, numeric, parse

packaging = pytest.importorskip("packaging.requirements", reason="packaging is the oracle")


@pytest.mark.parametrize(
    ("text", "version", "expected"),
    [
        ("numpy>=1.26.0", "2.4.6", True),
        ("numpy>=1.26.0", "1.26", True),
        ("numpy>=1.26.0", "1.25.9", False),
        ("protobuf<8.0.0,>=6.31.1", "8.0", False),
        ("protobuf !=4.21.0,<6.0.0dev,>=3.20.3", "5.0", None),
        ("gast!=0.5.0,!=0.5.1,>=0.2.1", "0.5.1", False),
        ("packaging", "24", True),
        ("x==1.2.*", "1.2.9", True),
        ("x==1.2.*", "1.3", False),
        ("x!=1.2.*", "1.2.9", False),
        ("x~=1.4.2", "1.4.9", True),
        ("x~=1.4.2", "1.5", False),
        ("x (>=2)", "2.0+cu12", True),
        ("x>=2", "2.0rc1", None),
        ("x===2", "2", None),
    ],
)
def test_whether_a_version_is_within_the_limits(
    text: str, version: str, expected: bool | None
) -> None:
    found = parse(text)
    assert found is not None
    assert found.holds(version) is expected


def test_the_extra_is_kept_and_any_other_marker_is_not_judged() -> None:
    found = parse('nvidia-cudnn-cu12<10.0,>=9.3.0.75; extra == "and-cuda"')
    assert found is not None
    assert (found.name, found.extra) == ("nvidia-cudnn-cu12", "and-cuda")
    assert str(found) == "nvidia-cudnn-cu12<10.0,>=9.3.0.75"
    assert parse('x>=1; python_version < "3.12"') is None
    assert parse('x>=1; sys_platform == "win32" and extra == "a"') is None
    assert parse("x @ https://example.org/x.whl") is None
    assert parse("") is None


def test_names_are_compared_in_one_spelling() -> None:
    assert normalised("ml_dtypes") == normalised("ML-DTypes") == normalised("ml.dtypes")


VERSIONS = st.lists(st.integers(0, 12), min_size=1, max_size=4).map(
    lambda numbers: ".".join(map(str, numbers))
)


@given(VERSIONS, st.sampled_from(["==", "!=", "<", "<=", ">", ">="]), VERSIONS)
def test_it_agrees_with_packaging(version: str, sign: str, limit: str) -> None:
    found = parse(f"x{sign}{limit}")
    assert found is not None
    assert found.holds(version) is packaging.SpecifierSet(f"{sign}{limit}").contains(version)


@given(st.text(max_size=30))
def test_no_text_breaks_it(text: str) -> None:
    found = parse(text)
    assert found is None or found.holds(text) in (True, False, None)
    numeric(text)
