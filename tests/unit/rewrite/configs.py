"""Configs to write down: one as the rules propose it, and any that hypothesis thinks of."""

from __future__ import annotations

from hypothesis import strategies as st

from gputune.schema.config import Config, Setting
from gputune.schema.site import Frame, Site

FILE = "/home/ana/vision/photos.py"
KNOBS = (
    "prefetch",
    "num_parallel_calls",
    "deterministic",
    "cache",
    "batch_size",
    "steps_per_execution",
    "jit_compile",
    "mixed_precision",
    "memory_growth",
    "private_threadpool",
    "gpu_thread_mode",
    "interleave",
)


def site(line: int, code: str = "", called_from: int | None = None) -> Site:
    via = () if called_from is None else (Frame(file=FILE, line=called_from),)
    return Site(file=FILE, line=line, code=code, via=via)


MAP = site(32, "train_ds = train_ds.map(decode)")


def proposed() -> Config:
    """What the rules say of an input-bound script."""
    return Config(
        script="photos.py",
        evidence=("29.8 ms of 41.9 ms are spent waiting.", "The pipeline has no .prefetch."),
        tf_data=(
            Setting(knob="prefetch", value="AUTOTUNE", note="the model waits for its input"),
            Setting(knob="num_parallel_calls", value="AUTOTUNE", was=1, site=MAP, note="serial"),
            Setting(knob="deterministic", value=False, was=True, site=MAP),
            Setting(knob="private_threadpool", value=16),
        ),
        policy=(
            Setting(knob="mixed_precision", value="mixed_float16", was="float32"),
            Setting(knob="memory_growth", value="growth", was="default"),
            Setting(knob="steps_per_execution", value=8, was=1),
        ),
    )


texts = st.one_of(
    st.text(st.characters(), max_size=30),
    st.sampled_from(
        [
            "\nimport os",
            "\r[policy]",
            "'''",
            '"""',
            "\\",
            "#",
            "coding: utf-16",
            "\x00",
            "\x0c",
            "\u2028x=1",
            "\udc80",
            "ds.map(",
            ".batch(n)",
            "x.map(*fs)",
            "(" * 300,
            'ds = ds.map(f"{a!r:>{w}}\\d")',
        ]
    ),
)
sites = st.builds(
    Site,
    file=texts,
    line=st.integers(0, 10**6),
    code=texts,
    via=st.lists(st.builds(Frame, file=texts, line=st.integers(0, 99)), max_size=2).map(tuple),
)
values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    st.sampled_from(
        ["AUTOTUNE", "auto", "memory", "mixed_float16", "none", "growth", "cuda_malloc_async"]
    ),
    texts,
)
settings = st.builds(
    Setting,
    knob=st.one_of(st.sampled_from(KNOBS), texts),
    value=values,
    was=values,
    site=st.none() | sites,
    note=texts,
)
configs = st.builds(
    Config,
    script=texts,
    measured=st.booleans(),
    tf_data=st.lists(settings, max_size=4).map(tuple),
    policy=st.lists(settings, max_size=4).map(tuple),
    evidence=st.lists(texts, max_size=3).map(tuple),
)
