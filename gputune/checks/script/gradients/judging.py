"""From passes and kernels to findings. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gputune.checks.script.probe.facts import Activation, Gradient, Pass, norm_of
from gputune.checks.script.probe.sites import Sites
from gputune.schema.finding import Finding, Severity

VANISHED = 1e-6
"""A layer's gradient norm as a share of the largest layer's.

Below float32's resolution (1.2e-7) a sum no longer feels a term; a little above it, such a layer
learns a million times more slowly than another. A sigmoid's derivative is at most 1/4: some ten
layers of them are enough."""
GROWN = 1000.0
"""The norm of all gradients after the training, to that before it. A training that works makes
its gradients smaller; a hundredfold is seen in warm-ups, so that it must be more."""
LARGE = 1000.0
"""And this much in itself: the usual `clipnorm` is 1."""
DEAD_SHARE = 0.5
"""Of the units of a ReLU layer that are zero for all samples that were looked at. A few always
are; a layer that has lost half of them is a smaller layer than was asked for."""
DEAD_SAMPLES = 32
"""So many samples must have been looked at."""
FEW_UNITS = 8
"""A layer of fewer can be dead by chance: units of like inputs are dead with a probability of 1/2
each, so that eight of them are in one layer of 256."""
TOO_LARGE = 10.0
"""A kernel's root mean square to sqrt(2 / fan_in), the largest of the usual initialisations (He et
al. 2015): ten times that multiplies the signal by ten in every layer."""
SYMMETRIC_STEPS = 5
"""After so many steps units with the same weights have shown that they get the same gradients."""
_MOST_LAYERS = 5


@dataclass(frozen=True, kw_only=True)
class Kernel:
    """A trainable kernel: how it began, and whether all its units are alike then and now."""

    layer: str
    units: int
    fan_in: int
    rms: float
    alike_before: bool = False
    alike_after: bool = False


def judge_passes(passes: Sequence[Pass], sites: Sites) -> Iterator[Finding]:
    """`dead-units`, `no-gradient`, `vanishing-gradients`, `exploding-gradients`."""
    first = next((one for one in passes if one.weights == "first"), None)
    last = [one for one in passes if one.weights == "last"]
    dead = list(_dead(last, sites))
    yield from dead
    yield from _without(passes, sites)
    if not any(finding.severity is Severity.PROBLEM for finding in dead):
        yield from _vanishing(passes, sites)
    if first is not None and last:
        yield from _exploding(first, last, sites)


def judge_kernels(kernels: Sequence[Kernel], steps: int, sites: Sites) -> Iterator[Finding]:
    """`weights-symmetric`, `weights-too-large`."""
    alike = [
        kernel
        for kernel in kernels
        if kernel.units > 1 and kernel.alike_before and kernel.alike_after
    ]
    if alike and steps >= SYMMETRIC_STEPS:
        yield Finding(
            id="weights-symmetric",
            severity=Severity.PROBLEM,
            title=f"All units of {_named(kernel.layer for kernel in alike)} have the same weights "
            f"and stay the same.",
            evidence=(
                f"the columns of the kernel are equal before the first step and after {steps} "
                "steps: each unit computes what the others compute",
            ),
            remedy="Leave kernel_initializer out, or give it a random one (glorot_uniform, "
            "he_normal): a constant makes all units one.",
            site=sites.of(alike[0].layer),
        )
    large = [
        (kernel, kernel.rms / (2 / kernel.fan_in) ** 0.5)
        for kernel in kernels
        if kernel.rms > TOO_LARGE * (2 / kernel.fan_in) ** 0.5 and kernel not in alike
    ]
    if large:
        yield Finding(
            id="weights-too-large",
            severity=Severity.WARNING,
            title=f"The weights of {_named(kernel.layer for kernel, _ in large)} begin far larger "
            "than any usual initialisation.",
            evidence=tuple(
                f"{kernel.layer}: root mean square {kernel.rms:.3g}, {ratio:.0f} times "
                f"sqrt(2 / {kernel.fan_in})"
                for kernel, ratio in large[:_MOST_LAYERS]
            ),
            remedy="Use he_normal before a ReLU and glorot_uniform elsewhere: they scale with the "
            "number of inputs.",
            site=sites.of(large[0][0].layer),
        )


def _dead(last: Sequence[Pass], sites: Sites) -> Iterator[Finding]:
    """Units that are zero in every pass, by layer."""
    if not last:
        return
    always: dict[str, set[int]] = {}
    known: dict[str, Activation] = {}
    samples: dict[str, int] = {}
    for one in last:
        for call in one.activations:
            if call.relu and call.units:
                dead = set(call.dead)
                always[call.layer] = always.get(call.layer, dead) & dead
                samples[call.layer] = samples.get(call.layer, 0) + call.samples
                known[call.layer] = call
    whole, many = [], []
    for layer, dead in always.items():
        if samples[layer] < DEAD_SAMPLES:
            continue
        if len(dead) == known[layer].units >= FEW_UNITS:
            whole.append(layer)
        elif len(dead) >= DEAD_SHARE * known[layer].units:
            many.append(layer)
    for layers, severity, title in (
        (whole, Severity.PROBLEM, "All units of {} are dead: zero for every sample."),
        (many, Severity.WARNING, "Half or more of the units of {} are zero for every sample."),
    ):
        if layers:
            yield Finding(
                id="dead-units",
                severity=severity,
                title=title.format(_named(layers)),
                evidence=tuple(
                    f"{layer}: {len(always[layer])} of {known[layer].units} units are zero for "
                    f"all of {samples[layer]} samples"
                    for layer in layers[:_MOST_LAYERS]
                ),
                remedy="A dead ReLU gets no gradient and stays dead: lower the learning rate, "
                "normalise the inputs, initialise with he_normal, or use LeakyReLU, gelu or "
                "swish.",
                site=sites.of(layers[0]),
            )


def _without(passes: Sequence[Pass], sites: Sites) -> Iterator[Finding]:
    """Layers whose weights the loss does not depend on, in every pass."""
    counted = [one for one in passes if one.gradients]
    if not counted:
        return
    missing = [
        {gradient.layer for gradient in one.gradients if gradient.missing}
        - {gradient.layer for gradient in one.gradients if not gradient.missing}
        for one in counted
    ]
    layers = [
        layer
        for layer in dict.fromkeys(gradient.layer for gradient in counted[0].gradients)
        if all(layer in found for found in missing)
    ]
    if layers:
        every = not any(not gradient.missing for one in counted for gradient in one.gradients)
        yield Finding(
            id="no-gradient",
            severity=Severity.PROBLEM if every else Severity.WARNING,
            title="No weight of the model gets a gradient."
            if every
            else f"The loss does not depend on the weights of {_named(layers)}.",
            evidence=("the gradient tape gives none for them",),
            remedy="Look for an operation without a derivative between them and the loss (argmax, "
            "round, a cast to integers, .numpy(), a comparison), or for a layer that is made and "
            "not used; weights that are not to be trained get trainable = False.",
            site=sites.of(layers[0]),
        )


def _vanishing(passes: Sequence[Pass], sites: Sites) -> Iterator[Finding]:
    """Layers that get next to nothing in every pass, beside the layer that gets most."""
    counted = [one for one in passes if norm_of(one.gradients)]
    if len({one.weights for one in counted}) < 2:
        return  # at one moment alone it may be meant: a residual branch that begins at zero
    shares = [_shares(one.gradients) for one in counted]
    layers = [
        layer for layer in shares[0] if all(found.get(layer, 1.0) < VANISHED for found in shares)
    ]
    if layers:
        yield Finding(
            id="vanishing-gradients",
            severity=Severity.WARNING,
            title=f"Next to no gradient reaches {_named(layers)}.",
            evidence=tuple(
                f"{layer}: its gradient has {shares[-1][layer]:.1g} times the norm of the layer "
                "with the largest"
                for layer in layers[:_MOST_LAYERS]
            ),
            remedy="Use relu or gelu instead of sigmoid or tanh between layers, "
            "BatchNormalization or LayerNormalization, residual connections, or fewer layers.",
            site=sites.of(layers[0]),
        )


def _shares(gradients: Sequence[Gradient]) -> dict[str, float]:
    """Each layer's norm to the largest layer's, of weights that are matrices or more."""
    squares: dict[str, float] = {}
    for one in gradients:
        if one.norm is not None and one.rank > 1 and not one.weight.startswith("bias"):
            squares[one.layer] = squares.get(one.layer, 0.0) + one.norm**2
    most = max(squares.values(), default=0.0)
    return {layer: (value / most) ** 0.5 for layer, value in squares.items()} if most else {}


def _exploding(first: Pass, last: Sequence[Pass], sites: Sites) -> Iterator[Finding]:
    before = norm_of(first.gradients)
    after = min((norm_of(one.gradients) or 0.0 for one in last), default=0.0)
    if not before or after < LARGE or after < GROWN * before:
        return
    norms = {one.layer: one.norm or 0.0 for one in last[0].gradients}
    most = max(norms, key=lambda layer: norms[layer])
    yield Finding(
        id="exploding-gradients",
        severity=Severity.WARNING,
        title="The gradients explode: their norm has grown more than a thousandfold.",
        evidence=(
            f"{before:.3g} before the first step, {after:.3g} after the last",
            f"the largest is that of {most}",
        ),
        remedy="Give the optimizer clipnorm=1.0 (or global_clipnorm), lower the learning rate, "
        "and bring inputs and labels to a scale near 1.",
        site=sites.of(most),
    )


def _named(layers: Iterator[str] | Sequence[str]) -> str:
    names = list(dict.fromkeys(layers))
    shown = ", ".join(names[:_MOST_LAYERS])
    more = len(names) - _MOST_LAYERS
    return f"{shown} and {more} more" if more > 0 else shown
