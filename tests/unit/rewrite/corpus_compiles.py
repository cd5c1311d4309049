"""Small sources for the arguments of `compile`: models of the script's own, and what is no model."""

from __future__ import annotations

from tests.unit.rewrite.corpus import Case, Wanted

STEPS = (Wanted("steps_per_execution", 8),)
BOTH = (*STEPS, Wanted("jit_compile", False))
RATE = (Wanted("learning_rate", 0.01),)
FIT = "gan.fit(ds, epochs=2)\n"


def gan(parameters: str, body: str) -> str:
    return (
        f"import keras\n\n\nclass GAN(keras.Model):\n    def compile(self, {parameters}):\n"
        f"        {body}\n        self.d = d\n\n\ngan = GAN()\n"
    )


CASES: dict[str, Case] = {
    "a compile of its own": Case(
        gan("d, g", "super().compile()") + "gan.compile(1, 2)\n" + FIT, BOTH,
        ("super().compile(steps_per_execution=8, jit_compile=False)\n", "gan.compile(1, 2)\n"),
    ),
    "a compile of its own that hands on": Case(
        gan("d, **kwargs", "super().compile(**kwargs)") + "gan.compile(1)\n" + FIT, BOTH,
        ("super().compile(**kwargs)\n", "gan.compile(1, steps_per_execution=8, jit_compile=False)\n"),
    ),
    "a compile of its own that keeps the rest": Case(
        gan("d, **kwargs", "super().compile('adam')") + "gan.compile(1)\n" + FIT, STEPS,
        ("super().compile('adam', steps_per_execution=8)\n", "gan.compile(1)\n"),
    ),
    "a compile of its own with the argument": Case(
        gan("d, steps_per_execution=1", "super().compile(steps_per_execution=steps_per_execution)")
        + "gan.compile(1)\n" + FIT, STEPS, ("gan.compile(1, steps_per_execution=8)\n",),
    ),
    "a compile of its own, inherited": Case(
        gan("d, g", "super().compile()").replace("gan = GAN()", "class Big(GAN):\n    pass\n\n\n"
        "def build():\n    return Big()\n\n\ngan = build()") + "gan.compile(1, 2)\n" + FIT, STEPS,
        ("super().compile(steps_per_execution=8)\n", "gan.compile(1, 2)\n"),
    ),
    "a compile of its own that calls none": Case(
        gan("d, g", "pass") + "gan.compile(1, 2)\n" + FIT, STEPS, refused="Keras 0 times",
    ),
    "a compile of its own, or not": Case(
        gan("d, g", "super().compile()").replace("gan = GAN()", "gan = choose()")
        + "gan.compile(1, 2)\n" + FIT, STEPS, refused="whether it is called here cannot be told",
    ),
    "a compile of its own, of another model": Case(
        gan("d, g", "super().compile()").replace("gan = GAN()", "gan = keras.Sequential()")
        + "gan.compile('adam')\n" + FIT, STEPS,
        ("super().compile()\n", "gan.compile('adam', steps_per_execution=8)\n"),
    ),
    "the optimizers of a compile of its own": Case(
        gan("d, g, loss", "super().compile()")
        + "gan.compile(keras.optimizers.Adam(1e-4), keras.optimizers.Adam(2e-4), loss)\n" + FIT,
        RATE, refused="a compile of the script's own (train.py:5)",
    ),
    "the optimizers of a compile of its own, by name": Case(
        gan("g_optimizer, d_optimizer", "super().compile()")
        + "gan.compile(g_optimizer=keras.optimizers.Adam(1e-4), d_optimizer='adam')\n" + FIT,
        RATE, refused="a compile of the script's own",
    ),
    "the optimizer of a compile of its own": Case(
        gan("optimizer, d", "super().compile(optimizer)")
        + "gan.compile(keras.optimizers.Adam(1e-4), 1)\n" + FIT,
        RATE, ("gan.compile(keras.optimizers.Adam(0.01), 1)",),
    ),
    "what Keras' compile does not take": Case(
        "import keras\nfrom lib import GAN\ngan = GAN()\ngan.compile(g_optimizer='adam')\n" + FIT, STEPS,
        refused="g_optimizer= is no argument of Keras' compile",
    ),
    "two optimizers by their places": Case(
        "import keras\nfrom lib import GAN\ngan = GAN()\n"
        "gan.compile(keras.optimizers.Adam(1e-4), keras.optimizers.Adam(2e-4))\n" + FIT, RATE,
        refused="keras.optimizers.Adam(2e-4) is no argument of Keras' compile",
    ),
    "patterns and programs": Case(
        "import re as _re\nimport regex\nimport jax\nword = _re.compile('x')\nline = regex.compile('y')\n"
        "run = jax.jit(g).lower(x).compile()\ngan.compile('adam')\n" + FIT, STEPS,
        ("_re.compile('x')\n", "regex.compile('y')\n", ".lower(x).compile()\n",
         "gan.compile('adam', steps_per_execution=8)\n"),
    ),
    "two models, of which one is trained": Case(
        "import keras\nother.compile('adam')\ngan.compile('adam')\n" + FIT, STEPS,
        ("other.compile('adam')\n", "gan.compile('adam', steps_per_execution=8)\n"),
    ),
    "two models that are trained": Case(
        "import keras\none.compile('adam')\none.fit(ds, epochs=1)\ngan.compile('adam')\n" + FIT, STEPS,
        ("one.compile('adam', steps_per_execution=8)", "gan.compile('adam', steps_per_execution=8)\n"),
    ),
    "two models, and which is trained is not seen": Case(
        "import keras\nfrom models import small\ngan = small()\n" + FIT, STEPS,
        refused="several models are compiled (models.py:2, models.py:7)",
        files={"models.py": "def small():\n    m.compile('adam')\n    return m\n\n\n"
               "def large():\n    m.compile('sgd')\n    return m\n"},
    ),
    "a model that is compiled again": Case(
        "import keras\ngan.compile('adam')\n" + FIT + "gan.compile('sgd')\n" + FIT, STEPS,
        ("gan.compile('adam', steps_per_execution=8)", "gan.compile('sgd', steps_per_execution=8)"),
    ),
}  # fmt: skip
