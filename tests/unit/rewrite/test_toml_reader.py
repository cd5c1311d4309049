from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gputune.knobs.declaring import NAME, RESERVED
from gputune.knobs.knob import Knob, Table, Takes
from gputune.knobs.registry import BY_NAME, KNOBS, knob_of
from gputune.rewrite.toml import config_to_toml
from gputune.rewrite.toml_reader import MOST_BYTES, BadConfig, parse_config, read_config
from gputune.schema.config import DECLARED, Config, Setting, Value
from gputune.schema.site import Frame, Site
from tests.unit.rewrite import configs

VALID = config_to_toml(configs.proposed())


# What is written is read.

texts = st.text(st.characters(codec="utf-8"), max_size=20)
frames = st.builds(Frame, file=texts, line=st.integers(0, 10**6), code=texts)
sites = st.builds(
    Site,
    file=texts,
    line=st.integers(0, 10**6),
    code=texts,
    via=st.lists(frames, max_size=3).map(tuple),
)
befores = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**40), 2**40), st.floats(allow_nan=False), texts
)


def values_of(takes: Takes) -> st.SearchStrategy[Value]:
    kinds: list[st.SearchStrategy[Value]] = [st.sampled_from(takes.words)] if takes.words else []
    if takes.truth:
        kinds.append(st.booleans())
    if takes.least is not None:
        kinds.append(st.integers(takes.least, 2**40))
    if takes.positive:
        kinds.append(st.floats(0, 1e9, exclude_min=True))
    if takes.path:
        kinds.append(st.just("/data/cache/train"))
    return st.one_of(kinds)


def settings_of(knob: Knob) -> st.SearchStrategy[Setting]:
    return st.builds(
        Setting,
        knob=st.just(knob.name),
        value=values_of(knob.takes),
        was=befores,
        site=sites if knob.needs_site else st.none() | sites,
    ).flatmap(
        lambda setting: (
            texts.map(lambda stage: replace(setting, stage=stage))
            if setting.site is not None
            else st.just(setting)
        )
    )


def settings_in(table: Table) -> st.SearchStrategy[tuple[Setting, ...]]:
    knobs = [knob for knob in KNOBS if knob.table == table and knob.edits]
    one = st.sampled_from(knobs).flatmap(settings_of)
    return st.lists(one, max_size=4, unique_by=lambda s: (s.knob, s.site, s.stage)).map(tuple)


names = st.from_regex(NAME, fullmatch=True).filter(lambda name: name not in RESERVED)
plain = st.one_of(
    st.booleans(), st.integers(-(2**63), 2**63 - 1), texts,
    st.floats(allow_nan=False, allow_infinity=False),
)  # fmt: skip
declared_settings = st.lists(
    st.builds(Setting, knob=names.map(lambda n: f"{DECLARED}{n}"), value=plain, was=befores),
    max_size=4,
    unique_by=lambda s: s.knob,
).map(tuple)


def in_order(settings: tuple[Setting, ...]) -> list[Setting]:
    """Settings without a line come first, and those of one call stand together."""
    return sorted(settings, key=repr)


@given(
    st.builds(
        Config,
        script=texts,
        measured=st.booleans(),
        tf_data=settings_in("tf_data"),
        policy=settings_in("policy"),
        knobs=declared_settings,
    )
)
def test_what_is_written_is_read_again(config: Config) -> None:
    found = parse_config(config_to_toml(config))
    assert (found.script, found.measured) == (config.script, config.measured)
    assert in_order(found.tf_data) == in_order(config.tf_data)
    assert in_order(found.policy) == in_order(config.policy)
    assert in_order(found.knobs) == in_order(config.knobs)


def test_a_proposal_is_read_with_its_lines_and_what_was_before() -> None:
    found = parse_config(VALID)
    assert found.script == "photos.py"
    by_knob = {setting.knob: setting for setting in found.settings}
    assert len(by_knob) == len(found.settings) == 7
    parallel = by_knob["num_parallel_calls"]
    assert (parallel.value, parallel.was, parallel.site) == ("AUTOTUNE", 1, configs.MAP)
    assert (by_knob["deterministic"].value, by_knob["deterministic"].was) == (False, True)
    assert (by_knob["memory_growth"].value, by_knob["memory_growth"].was) == ("growth", "default")


def test_an_empty_file_sets_nothing() -> None:
    assert parse_config("") == Config(script="")


# What is not understood is an error, and says what to do.


@pytest.mark.parametrize(
    ("text", "what", "hint"),
    [
        ("[tf_data]\nprefech = 1", "[tf_data] has the unknown setting prefech", "mean prefetch?"),
        ("[tf_data]\nzzz = 1", "unknown setting zzz", "there is batch_size, prefetch, cache"),
        ("[tf_date]\n", "unknown key tf_date", "[policy] and [knobs]"),
        ("prefetch = 1", "prefetch stands outside of the tables", "below [tf_data]"),
        ("[policy]\nprefetch = 1", "belongs to [tf_data]", "move it to [tf_data]"),
        ("[tf_data]\nprefetch = 0", "prefetch is 0", 'at least 1, "AUTOTUNE", "none" or "device"'),
        ("[tf_data]\nprefetch = true", "prefetch is true", "takes an integer"),
        ("[tf_data]\nprefetch = 2.0", "prefetch is 2.0", "takes an integer"),
        ("[tf_data]\nprefetch = [2]", "prefetch is a list", "takes an integer"),
        ("[tf_data]\nprefetch = {a = 1}", "prefetch is a table", "takes an integer"),
        ("[tf_data]\nprefetch = 1979-05-27", "prefetch is 1979-05-27", "takes an integer"),
        ("[tf_data]\nprefetch = 1\nprefetch = 2", "not valid TOML", "mend that place"),
        ("[tf_data]\ndeterministic = 1", "deterministic is 1", "true or false"),
        ("[policy]\nmixed_precision = true", "mixed_precision is true", '"mixed_bfloat16"'),
        ("[policy]\nlearning_rate = inf", "learning_rate is inf", "a number above 0"),
        ("[policy]\nlearning_rate = nan", "learning_rate is nan", "a number above 0"),
        ("[policy]\nlearning_rate = -0.1", "learning_rate is -0.1", "a number above 0"),
        ('[tf_data]\ncache = "memory"', "does not say where", "[[tf_data.call]]"),
        ("[tf_data]\nvectorize = true", "which only you can do", "change the code"),
        ("[tf_data]\nwas = {prefetch = 1}", "was has prefetch, which is not set", "set the knob"),
        ("[tf_data]\nwas = 3", "was is 3", "was = { prefetch = 2 }"),
        ("[tf_data]\nprefetch = 1\nwas = {prefetch = [1]}", "was of prefetch is a list", "alone"),
        ("[tf_data]\ncall = 3", "call is 3", "[[tf_data.call]]"),
        ("tf_data = 3", "tf_data is 3", "a table"),
        ("[[tf_data]]\nprefetch = 1", "tf_data is a list", "a table"),
        ("[[tf_data.call]]\nprefetch = 1", "number 1 has no line", "the call's line"),
        ("[[tf_data.call]]\nline = 1\nprefetch = 1", "number 1 has no file", "double quotes"),
        ('[[tf_data.call]]\nfile = "a"\nline = 1', "number 1 sets nothing", "leave it out"),
        ('[[tf_data.call]]\nfile = "a"\nline = "1"\nprefetch = 1', "line is 1", "number"),
        ('[[tf_data.call]]\nfile = "a"\nline = 1\ncode = 2\nprefetch = 1', "code is 2", "text"),
        ('[[tf_data.call]]\nfile = "a"\nline = 1\ncalled_from = ["b"]\nprefetch = 1',
         "called_from is a list", "line = 1 }"),
        ('[[tf_data.call]]\nfile = "a"\nline = 1\ncalled_from = [{file = "a", line = 1, x = 2}]\n'
         "prefetch = 1", "called_from has the unknown key x", "leave it out"),
        ('schema = "gputune.profile"', "schema is gputune.profile", "gputune.config"),
        ("version = 2", "written by a newer gputune (version 2)", "newer gputune"),
        ("version = 0", "version is 0", "version is 1"),
        ('version = "1"', "version is 1", "an integer"),
        ("measured = 1", "measured is 1", "true or false"),
        ("script = 1", "script is 1", "text"),
        ("[knobs]\nwidth = inf", "width is inf", "a finite number"),
        ("[knobs]\nwidth = [1]", "width is a list", "true, false"),
        ("[knobs]\nwidth = 99999999999999999999", "width is 9999", "a finite number"),
        ('[knobs]\n"1st" = 1', "has the knob 1st, which no script can declare", "is a letter"),
        ('[knobs]\n"a\\u001b" = 1', "has the knob a\\x1b, which", "is a letter"),
        ("[knobs]\nwas = {width = 1}", "was has width, which is not set", "set the knob"),
        ("width = 1", "unknown key width", "[knobs]"),
        ("x =", "not valid TOML", "mend that place"),
        ("a = " + "[" * 5000, "not valid TOML", "mend that place"),
        ("a = " + "9" * 5000, "not valid TOML", "mend that place"),
    ],
)  # fmt: skip
def test_what_is_not_understood_is_named_with_a_hint(text: str, what: str, hint: str) -> None:
    with pytest.raises(BadConfig) as raised:
        parse_config(text, name="my.toml")
    assert raised.value.what.startswith("my.toml")
    assert what in raised.value.what
    assert hint in raised.value.hint


def test_one_call_that_is_given_two_values_is_an_error_and_two_of_a_line_are_not() -> None:
    one = '[[tf_data.call]]\nfile = "a"\nline = 1\nnum_parallel_calls = 2\n'
    assert len(parse_config(one + one).tf_data) == 2
    with pytest.raises(BadConfig, match="set twice"):
        parse_config(2 * (one + 'stage = ".map(f)"\n'))


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"\xff\xfe", "is not UTF-8 text"),
        (b"#" * (MOST_BYTES + 1), "is larger than"),
        (None, "No such file"),
    ],
)
def test_a_file_that_is_none_is_said_so(tmp_path: Path, content: bytes | None, what: str) -> None:
    path = tmp_path / "gputune.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadConfig, match=what) as raised:
        read_config(path)
    assert raised.value.hint


def test_a_folder_and_a_path_that_cannot_be_are_said_so(tmp_path: Path) -> None:
    for path in (tmp_path, Path("a\0b")):
        with pytest.raises(BadConfig, match="cannot read"):
            read_config(path)


# Whatever stands in it: a Config, or that error.


def survives(text: str) -> None:
    try:
        found = parse_config(text)
    except BadConfig as error:
        assert error.what and error.hint
        assert "\n" not in error.what
        return
    for setting in found.settings:
        assert knob_of(setting).takes.accepts(setting.value)
        assert knob_of(setting).edits
        assert not (isinstance(setting.value, float) and math.isnan(setting.value))


@given(st.text(max_size=200))
def test_any_text(text: str) -> None:
    survives(text)


@given(st.data())
def test_a_valid_file_with_parts_cut_moved_and_put_in(data: st.DataObject) -> None:
    text = VALID
    for _ in range(data.draw(st.integers(1, 4))):
        begin = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(begin, min(begin + 40, len(text))))
        put = data.draw(
            st.one_of(
                st.text(max_size=8),
                st.sampled_from(
                    [
                        "\n[policy]\n",
                        "\n[knobs]\nwidth=",
                        "[[tf_data.call]]\n",
                        '"',
                        "= 1\n",
                        "true",
                        "{}",
                    ]
                ),
                st.just(text[end : end + 30]),
            )
        )
        text = text[:begin] + put + text[end:]
    survives(text)


scalars = st.one_of(
    st.booleans().map(lambda value: str(value).lower()),
    st.integers(-(2**70), 2**70).map(str),
    st.floats().map(lambda value: repr(value)),
    st.sampled_from(
        ['"AUTOTUNE"', '"none"', '"memory"', '"/a/b"', "1979-05-27", "[]", "{}", "[[]]"]
    ),
    st.text(st.characters(codec="utf-8", exclude_categories=["C"]), max_size=5).map(
        lambda text: "'" + text.replace("'", "") + "'"
    ),
)  # fmt: skip
keys = st.sampled_from(
    [*BY_NAME, "was", "call", "file", "line", "code", "stage", "called_from", "was.prefetch", "x"]
)
headers = st.sampled_from(
    [
        "[tf_data]",
        "[policy]",
        "[knobs]",
        "[[tf_data.call]]",
        "[[policy.call]]",
        "[[knobs.call]]",
        "[tf_data.was]",
        "[knobs.was]",
        "[x]",
        "",
    ]
)


@given(st.lists(st.tuples(headers, st.lists(st.tuples(keys, scalars), max_size=4)), max_size=3))
def test_any_values_at_any_keys(tables: list[tuple[str, list[tuple[str, str]]]]) -> None:
    survives(
        "\n".join(
            line
            for header, pairs in tables
            for line in (header, *(f"{key} = {value}" for key, value in pairs))
        )
    )


def test_a_byte_order_mark_is_no_fault(tmp_path: Path) -> None:
    """Editors on Windows begin a file with it."""
    path = tmp_path / "gputune.toml"
    path.write_bytes(b"\xef\xbb\xbf[tf_data]\r\nprefetch = 2\r\n")
    assert [(s.knob, s.value) for s in read_config(path).settings] == [("prefetch", 2)]
