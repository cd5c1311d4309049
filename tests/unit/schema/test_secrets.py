from __future__ import annotations

import pytest

from gputune.schema.secrets import allowed_environment, is_secret_name, redact, redact_arguments

HIDDEN = "<redacted>"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--token", "s3cr3t", "--epochs", "3"], ["--token", HIDDEN, "--epochs", "3"]),
        (["--api-key=s3cr3t"], [f"--api-key={HIDDEN}"]),
        (["--db_password", "s3cr3t"], ["--db_password", HIDDEN]),
        (["-password", "s3cr3t"], ["-password", HIDDEN]),
        (["--wandbApiKey", "s3cr3t"], ["--wandbApiKey", HIDDEN]),
        (["tracker.secret=s3cr3t"], [f"tracker.secret={HIDDEN}"]),
        (['{"password": "s3cr3t", "user": "me"}'], [f'{{"password": "{HIDDEN}", "user": "me"}}']),
        (["mysql://me:s3cr3t@db:3306/x"], [f"mysql://me:{HIDDEN}@db:3306/x"]),
        (["--db=postgres://me:s3cr3t@db/x"], [f"--db=postgres://me:{HIDDEN}@db/x"]),
        (["https://s3cr3t@host/repo.git"], [f"https://{HIDDEN}@host/repo.git"]),
        (["https://host/x?access_token=s3cr3t&n=1"], [f"https://host/x?access_token={HIDDEN}&n=1"]),
        (["Authorization: Bearer s3cr3ts3cr3t"], [f"Authorization: Bearer {HIDDEN}"]),
    ],
)
def test_values_of_secrets_are_redacted(arguments: list[str], expected: list[str]) -> None:
    assert redact_arguments(arguments) == expected


@pytest.mark.parametrize(
    "token",
    [
        "hf_" + "aB3" * 11,
        "ghp_" + "aB3" * 12,
        "github_pat_" + "aB3_" * 10,
        "glpat-" + "aB3-" * 5,
        "sk-proj-" + "aB3" * 10,
        "AKIA" + "ABCD1234" * 2,
        "xoxb-" + "12345-abcde",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc-DEF_123",
    ],
)
def test_known_shapes_of_tokens_are_redacted_wherever_they_stand(token: str) -> None:
    assert redact_arguments(["--note", f"use {token} here"]) == ["--note", f"use {HIDDEN} here"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--tokenizer", "bert-base", "--max-tokens", "128", "--pass-through=x"],
        ["--use-auth-token", "--epochs", "3"],
        ["--data", "gs://bucket/a:b@c/x", "ssh://git@host/repo"],
        ["--lr=1e-3", "model.key=value", "--author", "me", "a@b.org"],
        ["--commit", "d9ae50f2c7e3b1a09f8e7d6c5b4a39281706f5e4"],
        ["--mask", "task-" + "a" * 20, "disk-" + "b" * 20],
    ],
)
def test_ordinary_arguments_stay_as_typed(arguments: list[str]) -> None:
    assert redact_arguments(arguments) == arguments


def test_the_last_word_of_a_name_decides() -> None:
    secret = [
        "TOKEN",
        "HUB_TOKEN",
        "aws_secret_access_key",
        "clientSecret",
        "api-key",
        "PGPASSWORD",
    ]
    assert [name for name in secret if not is_secret_name(name)] == []
    ordinary = ["token_count", "tokenizer", "max_tokens", "key", "author", "compass", "monkey", ""]
    assert [name for name in ordinary if is_secret_name(name)] == []


def test_only_variables_that_bear_on_speed_are_recorded() -> None:
    environ = {
        "TF_GPU_ALLOCATOR": "cuda_malloc_async",
        "XLA_FLAGS": "--xla_gpu_autotune_level=2",
        "CUDA_VISIBLE_DEVICES": "0",
        "OMP_NUM_THREADS": "4",
        "KERAS_BACKEND": "tensorflow",
        "PYTHONHASHSEED": "0",
        "HOME": "/home/me",
        "LD_LIBRARY_PATH": "/opt",
        "AWS_SECRET_ACCESS_KEY": "x",
        "WANDB_API_KEY": "x",
        "XLA_FLAGS_OLD": "x",
    }
    assert set(allowed_environment(environ)) == {
        "TF_GPU_ALLOCATOR",
        "XLA_FLAGS",
        "CUDA_VISIBLE_DEVICES",
        "OMP_NUM_THREADS",
        "KERAS_BACKEND",
        "PYTHONHASHSEED",
    }


def test_secrets_under_an_allowed_prefix_are_left_out() -> None:
    environ = {"NVIDIA_API_KEY": "x", "TF_VAR_db": "x", "TF_TOKEN_app_terraform_io": "x"}
    assert allowed_environment(environ) == {}


def test_passwords_in_recorded_values_are_redacted() -> None:
    environ = {"TF_CONFIG_URL": "https://me:s3cr3t@host/x"}
    assert allowed_environment(environ) == {"TF_CONFIG_URL": f"https://me:{HIDDEN}@host/x"}
    assert redact("nothing here: 12:30 a@b") == "nothing here: 12:30 a@b"
