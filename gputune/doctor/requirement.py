"""What one distribution asks of another: `numpy<3,>=1.26` against a version. Pure.

Enough of PEP 508 and PEP 440 for the requirements that TensorFlow states: names, numbers, an
extra. What is more (another marker, a URL, a pre-release) is None: not judged, rather than wrong.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_REQUIREMENT = re.compile(
    r"(?P<name>[A-Za-z0-9][\w.-]*)\s*(?:\[[^]]*\])?\s*\(?(?P<limits>[^;()]*)\)?\s*(?:;(?P<marker>.*))?"
)
_EXTRA = re.compile(r"""\s*extra\s*==\s*["'](?P<extra>[\w.-]+)["']\s*""")
_LIMIT = re.compile(r"\s*(===|==|~=|!=|<=|>=|<|>)\s*([\w.*+!-]+)\s*")


@dataclass(frozen=True, kw_only=True)
class Requirement:
    """A name, its limits as (sign, version), and the extra that it belongs to."""

    name: str
    limits: tuple[tuple[str, str], ...] = ()
    extra: str = ""

    def holds(self, version: str) -> bool | None:
        """Whether a version is within the limits; None where that cannot be told."""
        has = numeric(version)
        found = [_holds(has, sign, limit) for sign, limit in self.limits]
        if False in found:
            return False
        return None if None in found else True

    def __str__(self) -> str:
        return self.name + ",".join(sign + version for sign, version in self.limits)


def parse(text: str) -> Requirement | None:
    """Read one `Requires-Dist`; None for what is not understood, or holds under other markers."""
    found = _REQUIREMENT.fullmatch(text.strip())
    if found is None:
        return None
    extra = ""
    if found["marker"]:
        marker = _EXTRA.fullmatch(found["marker"])
        if marker is None:
            return None
        extra = marker["extra"]
    limits = []
    for part in filter(None, map(str.strip, found["limits"].split(","))):
        limit = _LIMIT.fullmatch(part)
        if limit is None:
            return None
        limits.append((limit.group(1), limit.group(2)))
    return Requirement(name=normalised(found["name"]), limits=tuple(limits), extra=extra)


def normalised(name: str) -> str:
    """A distribution's name in the one spelling that names are compared in (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def numeric(version: str | None) -> tuple[int, ...] | None:
    """`9.3.0.75` as (9, 3, 0, 75); a local part is left out, anything else is None."""
    parts = (version or "").partition("+")[0].removeprefix("v").split(".")
    return tuple(map(int, parts)) if all(part.isdecimal() for part in parts) else None


def _holds(has: tuple[int, ...] | None, sign: str, limit: str) -> bool | None:
    any_end = limit.endswith(".*")
    wants = numeric(limit.removesuffix(".*"))
    if has is None or wants is None or sign == "===":
        return None
    length = max(len(has), len(wants))
    mine, other = (one + (0,) * (length - len(one)) for one in (has, wants))
    if any_end or sign == "~=":
        kept = len(wants) if any_end else len(wants) - 1
        same = mine[:kept] == wants[:kept]
        return {"==": same, "!=": not same, "~=": same and mine >= other}.get(sign)
    return {
        "==": mine == other,
        "!=": mine != other,
        "<": mine < other,
        "<=": mine <= other,
        ">": mine > other,
        ">=": mine >= other,
    }[sign]
