"""What of a command line and an environment may be written into a report."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

REDACTED = "<redacted>"

_SECRET_WORDS = frozenset(
    {
        "token",
        "secret",
        "secrets",
        "password",
        "passwd",
        "passphrase",
        "pwd",
        "pass",
        "credential",
        "credentials",
        "apikey",
        "authorization",
        "auth",
    }
)
_SECRET_ENDS = ("api_key", "access_key", "private_key", "secret_key", "account_key")

_SHAPES = re.compile(
    r"""
    \bhf_[A-Za-z0-9]{16,}                       # Hugging Face
    | \bgh[pousr]_[A-Za-z0-9]{16,}              # GitHub
    | \bgithub_pat_\w{20,}
    | \bglpat-[\w-]{16,}                        # GitLab
    | \bsk-[\w-]{16,}                           # OpenAI, Anthropic
    | \bnvapi-[\w-]{16,}                        # NVIDIA
    | \b(?:AKIA|ASIA)[0-9A-Z]{16}\b             # AWS
    | \bAIza[\w-]{30,}                          # Google
    | \bya29\.[\w-]{16,}
    | \bxox[abeoprs]-[\w-]{10,}                 # Slack
    | \bpypi-[\w-]{16,}
    | \bnpm_[A-Za-z0-9]{16,}
    | \beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]+         # JSON web token
    """,
    re.VERBOSE,
)
_URL_PASSWORD = re.compile(r"(\b[a-z][a-z0-9+.-]*://[^\s/?#:@]*):[^\s/?#]+@", re.IGNORECASE)
_URL_USER = re.compile(r"(\bhttps?://)[^\s/?#:@]+@", re.IGNORECASE)
"""A token alone before the host, as in `https://TOKEN@host`; in other schemes it is a user."""
_BEARER = re.compile(r"\b((?:bearer|basic)\s+)[\w.~+/=-]{8,}", re.IGNORECASE)
_ASSIGNED = re.compile(
    r"""
    (?P<name>[\w.-]*(?:token|secrets?|password|passwd|passphrase|pwd|pass|credentials?|key
        |authorization|auth))
    (?P<between>["']?\s*[=:]\s*["']?)
    (?P<value>[^\s"',;&{}]+)
    """,
    re.VERBOSE | re.IGNORECASE,
)


def redact_arguments(arguments: Sequence[str]) -> list[str]:
    """The arguments with the values of secrets replaced by `<redacted>`.

    A value is one when its option's name says so (`--token X`, `--api-key=X`, `db.password=X`,
    `"secret": "X"`), when it is a password in a URL, or when it has the shape of a known kind of
    token. An option that says so and is followed by another option is a switch; nothing is
    redacted then. Names such as `--tokenizer`, `--max-tokens` and `--pass-through` are none.
    """
    redacted = []
    expected = False
    for argument in arguments:
        is_option = argument.startswith("-") and not argument[1:2].isspace() and argument != "-"
        if expected and not is_option:
            redacted.append(REDACTED)
        else:
            redacted.append(redact(argument))
        expected = is_option and "=" not in argument and is_secret_name(argument)
    return redacted


def redact(text: str) -> str:
    """The text with passwords in URLs, named secrets and known kinds of tokens replaced."""
    text = _URL_PASSWORD.sub(rf"\1:{REDACTED}@", text)
    text = _URL_USER.sub(rf"\1{REDACTED}@", text)
    text = _BEARER.sub(rf"\1{REDACTED}", text)
    text = _ASSIGNED.sub(_assigned, text)
    return _SHAPES.sub(REDACTED, text)


def _assigned(match: re.Match[str]) -> str:
    if not is_secret_name(match["name"]) or match["value"].lower() in {"bearer", "basic"}:
        return match[0]
    return f"{match['name']}{match['between']}{REDACTED}"


def is_secret_name(name: str) -> bool:
    """Whether an option, key or variable of this name holds a secret.

    The last word decides (`hub_token`, `DB_PASSWORD`, `accessKey`), so that `token_count` and
    `tokenizer` do not.
    """
    separated = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.strip("-"))
    words = [word for word in re.split(r"[^a-z0-9]+", separated.lower()) if word]
    if not words:
        return False
    joined = "_".join(words)
    # PGPASSWORD and its like are one word.
    return words[-1] in _SECRET_WORDS or joined.endswith((*_SECRET_ENDS, "password", "apikey"))


_ALLOWED = frozenset(
    {
        "GOMP_CPU_AFFINITY",
        "KERAS_BACKEND",
        "KERAS_MAX_EPOCHS",
        "KERAS_MAX_STEPS_PER_EPOCH",
        "LD_PRELOAD",
        "MALLOC_ARENA_MAX",
        "PYTHONDEVMODE",
        "PYTHONHASHSEED",
        "PYTHONMALLOC",
        "PYTHONOPTIMIZE",
        "PYTHONUNBUFFERED",
        "XLA_FLAGS",
    }
)
_ALLOWED_PREFIXES = (
    "CUDA_",
    "CUDNN_",
    "DNNL_",
    "KMP_",
    "MKL_",
    "NCCL_",
    "NVIDIA_",
    "OMP_",
    "ONEDNN_",
    "OPENBLAS_",
    "TF_",
    "TF2_",
)
_NOT_TENSORFLOW = ("TF_VAR_", "TF_TOKEN_", "TF_CLI_", "TF_HTTP_")
"""Terraform's: it shares TensorFlow's prefix, and these are where people keep its secrets."""


def allowed_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables that bear on speed and may be recorded, by name; redacted.

    All others, and those whose name says that they hold a secret, are left out.
    """
    return {
        name: redact(value)
        for name, value in sorted(environ.items())
        if (name in _ALLOWED or name.startswith(_ALLOWED_PREFIXES))
        and not name.startswith(_NOT_TENSORFLOW)
        and not is_secret_name(name)
    }
