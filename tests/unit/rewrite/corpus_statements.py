"""Small sources for settings that are statements: where they stand among imports and work."""

from __future__ import annotations

from tests.unit.rewrite.corpus import FIT, PREFETCH, TF, Case, Wanted

POLICY = (Wanted("mixed_precision", "mixed_bfloat16"),)
GROWTH = (Wanted("memory_growth", "growth"),)
GROWS = 'os.environ["TF_FORCE_GPU_ALLOW_GROWTH"] = "true"\n'
OF_TF = 'tf.keras.mixed_precision.set_global_policy("mixed_bfloat16")\n'
OF_KERAS = 'keras.config.set_dtype_policy("mixed_bfloat16")\n'
MAKES = TF + "ds = tf.data.Dataset.from_tensor_slices([1.0])\n"

CASES: dict[str, Case] = {
    "Keras is imported behind another line": Case(
        TF + "print(tf.__version__)\nfrom tensorflow import keras\n\nmodel = keras.Sequential()\n" + FIT,
        POLICY, (TF + "\n" + OF_TF + "print(tf.__version__)\n",),
    ),
    "Keras alone, behind lines that do nothing to it": Case(
        "import numpy as np\nprint(np.__version__)\nimport keras\n\nmodel = keras.Sequential()\n" + FIT,
        POLICY, ("import keras\n\n" + OF_KERAS + "\nmodel",),
    ),
    "Keras is imported behind the work": Case(
        "from tensorflow import data\nds = data.Dataset.range(9)\nimport keras\n" + FIT,
        POLICY, ("import data\nimport keras\n\n" + OF_KERAS + "ds = ",),
    ),
    "os is imported behind another line": Case(
        TF + "print(tf.__version__)\nimport os\nimport numpy as np\n\n" + FIT,
        GROWTH, ("import os\nimport numpy as np\n\n" + GROWS,),
    ),
    "os is imported behind the work": Case(
        TF + "x = tf.constant(1)\nimport os\n\n" + FIT,
        GROWTH, (TF + "import os\n\n" + GROWS + "x = tf.constant(1)\nimport os\n",),
    ),
    "os by another name": Case(
        "import os as system\n" + TF + FIT, GROWTH, ("\nsystem." + GROWS.removeprefix("os."),),
        gone=("import os\n",),
    ),
    "another os": Case(TF + "from mine import os\n" + FIT, GROWTH, refused="something else"),
    "a notebook, an import in each cell": Case(
        "# In[1]:\n\n\n" + TF + "\n\n# In[2]:\n\n\ngpus = tf.config.list_physical_devices('GPU')\n"
        "\n\n# In[3]:\n\n\nimport os\nfrom tensorflow import keras\n" + FIT,
        (*GROWTH, *POLICY), (TF + "\n" + OF_TF, "from tensorflow import keras\n\n" + GROWS),
    ),
    "a value above the import": Case(
        "N = 4\n" + TF + "ds = tf.data.Dataset.range(9).map(decode, num_parallel_calls=N)\n" + FIT,
        (Wanted("num_parallel_calls", "AUTOTUNE", ".map(decode", ".map(decode)"),),
        refused="above the import of TensorFlow",
    ),
    "TensorFlow imported in try": Case(
        "try:\n    import tensorflow as tf\nexcept ImportError:\n    raise\n\nds = make()\n" + FIT,
        (*PREFETCH, *POLICY, *GROWTH),
        ("raise\n\n" + OF_TF + "\nds", ".prefetch(tf.data.AUTOTUNE)", "import os\n\n" + GROWS + "try"),
        gone=("import tensorflow as tf\nimport", "import keras"),
    ),
    "TensorFlow imported in a function": Case(
        "def main():\n    import tensorflow as tf\n    model.compile('adam')\n"
        "    model.fit(ds, epochs=2)\n\n\nmain()\n",
        (*PREFETCH, *GROWTH), (".prefetch(tf.data.AUTOTUNE)", "import os\n\n" + GROWS + "def main"),
        gone=("\nimport tensorflow",),
    ),
    "a policy where TensorFlow is imported in a function": Case(
        "def main():\n    import keras\n    model.compile('adam')\n    model.fit(ds, epochs=2)\n\n\nmain()\n",
        POLICY, refused="imported there, not at the top of the file",
    ),
    "legacy Keras": Case(
        "import tf_keras as keras\n" + TF + FIT,
        POLICY, ('\nkeras.mixed_precision.set_global_policy("mixed_bfloat16")\n',),
        gone=("import keras\n",),
    ),
    "TensorFlow 2 by its other name": Case(
        "import tensorflow.compat.v2 as tf\n\n" + FIT, (*PREFETCH, *POLICY),
        ("ds.prefetch(tf.data.AUTOTUNE)", "v2 as tf\n\n" + OF_TF), gone=("import tensorflow as tf",),
    ),
    "tf is something else": Case(
        "import keras\nimport transforms as tf\n" + FIT, PREFETCH,
        ("import tensorflow\n", "ds.prefetch(tensorflow.data.AUTOTUNE)"),
    ),
    "variables for what is imported below": Case(
        "import os\nos.environ['KERAS_BACKEND'] = 'tensorflow'\nfrom model import build\n"
        "model = build()\n" + FIT,
        (*POLICY, *PREFETCH),
        ("'tensorflow'\nfrom model import build\nimport tensorflow as tf\nimport keras\n\n" + OF_KERAS,),
        files={"model.py": "import keras\n\n\ndef build():\n    return keras.Sequential()\n"},
    ),
    "a variable of Keras' behind the import of TensorFlow": Case(
        TF + "import os\nos.environ['TF_USE_LEGACY_KERAS'] = '1'\nfrom tensorflow import keras\n" + FIT,
        POLICY, ("= '1'\n\n" + OF_TF + "from tensorflow import keras",),
    ),
    "a module of its own makes a dataset": Case(
        TF + "from data import ds\n" + FIT, (*GROWTH, *POLICY),
        (TF + "import os\n\n" + GROWS + OF_TF + "from data import ds\n",), files={"data.py": MAKES},
    ),
    "a module of its own makes a model": Case(
        "import keras\nfrom model import model\n" + TF + FIT, POLICY,
        ("import keras\n\n" + OF_KERAS + "from model import model\n",),
        files={"model.py": "import keras\nmodel = keras.Sequential()\n"},
    ),
    "a module of its own only defines": Case(
        TF + "from data import make\n\nds = make()\n" + FIT, GROWTH,
        ("from data import make\nimport os\n\n" + GROWS,),
        files={"data.py": TF + "\n\ndef make():\n    return tf.data.Dataset.range(9)\n"},
    ),
    "a policy on some runs": Case(
        TF + "if args.fp16:\n    tf.keras.mixed_precision.set_global_policy('mixed_float16')\n" + FIT,
        POLICY, refused="on some runs only",
    ),
    "a policy in a function that nothing calls": Case(
        "import keras\n\n\ndef half():\n    keras.config.set_dtype_policy('float32')\n\n\n" + FIT,
        POLICY, refused="on some runs only",
    ),
    "a policy in main": Case(
        "import keras\n\n\ndef main():\n    keras.config.set_dtype_policy('float32')\n\n\n"
        "if __name__ == '__main__':\n    main()\n",
        POLICY, ('config.set_dtype_policy("mixed_bfloat16")',),
    ),
    "a policy that is set twice": Case(
        "import keras\nkeras.config.set_dtype_policy('float32')\nbuild()\n"
        "keras.config.set_dtype_policy('mixed_float16')\n" + FIT,
        POLICY, refused="set 2 times (train.py:2, train.py:4)",
    ),
    "memory growth on some runs": Case(
        "import os\n" + TF + "if debug:\n    os.environ['TF_FORCE_GPU_ALLOW_GROWTH'] = 'false'\n" + FIT,
        GROWTH, refused="on some runs only",
    ),
    "memory growth by update": Case(
        "import os\nos.environ.update({'TF_FORCE_GPU_ALLOW_GROWTH': 'false'})\n" + TF + FIT,
        GROWTH, refused="set by another call",
    ),
    "an attribute that is no option": Case(
        TF + "args.deterministic = True\nds = make()\n" + FIT, (Wanted("deterministic", False),),
        ("args.deterministic = True\n", "gputune_options.deterministic = False\n"),
    ),
    "parts of Keras": Case(
        "from keras import layers\nimport keras.models as m\nmodel = m.Sequential()\n" + FIT, POLICY,
        ("as m\nimport keras\n\n" + OF_KERAS + "model",),
    ),
    "parts of TensorFlow's Keras": Case(
        "from tensorflow.keras import layers\nmodel = build(layers)\n" + FIT, POLICY,
        ("import layers\nfrom tensorflow import keras\n\n"
         'keras.mixed_precision.set_global_policy("mixed_bfloat16")\nmodel',),
    ),
    "Keras is the name of something else": Case(
        "from keras import layers\nkeras = 3\n" + FIT, POLICY, refused="name keras is something else",
    ),
    "a fit in a comprehension of a class": Case(
        TF + "class Runs:\n    model.compile('adam')\n    all = [model.fit(ds, epochs=2) for _ in range(3)]\n",
        (Wanted("private_threadpool", 4),), refused="no statement can stand before it",
    ),
    "gputune imported in try": Case(
        "try:\n    import gputune\nexcept ImportError:\n    gputune = None\n" + TF
        + "width = gputune.knob('width', 64)\n" + FIT,
        (Wanted("knob.width", 32),), ("gputune.knob('width', 32)",),
    ),
    "gputune imported in a function": Case(
        TF + "def main():\n    from gputune import knob\n    return knob('width', 64)\n" + FIT,
        (Wanted("knob.width", 32),), ("knob('width', 32)",),
    ),
}  # fmt: skip
