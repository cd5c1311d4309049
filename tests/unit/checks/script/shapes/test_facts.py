"""The facts of an error are read from the frames of its traceback; stand-ins of Keras' classes."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from gputune.checks.script.raised import Raised
from gputune.checks.script.reading import dtypes_of, is_kind, shapes_of
from gputune.checks.script.shapes.facts import facts_of
from gputune.checks.script.shapes.layers import table

# As if it were a file of Keras: what raises must be the library, not the user.
KERAS = """
class Layer:
    input_spec = None
    def __call__(self, *args, **kwargs):
        return self.call(*args, **kwargs)
class Model(Layer):
    def fit(self, x):
        return self(x)
class Sequential(Model):
    def call(self, x):
        for layer in self.layers:
            x = layer(x)
        return x
class Dense(Layer):
    def call(self, x):
        raise ValueError("a shape that does not fit")
class Loss:
    def __call__(self, y_true, y_pred):
        raise ValueError("Arguments must have the same rank")
"""


def keras() -> SimpleNamespace:
    names: dict[str, Any] = {"__name__": "keras.src.stand_in"}
    exec(compile(KERAS, "/lib/site-packages/keras/src/stand_in.py", "exec"), names)
    return SimpleNamespace(**names)


def tensor(*shape: int | None, dtype: str = "float32") -> SimpleNamespace:
    return SimpleNamespace(shape=shape, dtype=SimpleNamespace(name=dtype))


def error_of(function, *args) -> Raised:
    try:
        function(*args)
    except Exception as error:
        return Raised(error)
    raise AssertionError


def model_of(k: SimpleNamespace) -> Any:
    first, second = k.Dense(), k.Dense()
    first.name, second.name = "first", "second"
    first.call = lambda x: tensor(32, 4)
    second.units = 10
    second.input_spec = SimpleNamespace(ndim=None, min_ndim=2, axes={-1: 8}, shape=None)
    model = k.Sequential()
    model.name, model.layers, model.inputs = "net", [first, second], [tensor(32, 20)]
    return model


def test_the_layer_its_wish_its_input_and_who_gives_it() -> None:
    model = model_of(keras())
    facts = facts_of(error_of(model.fit, tensor(16, 21)))
    assert facts is not None
    assert (facts.stage, facts.part.name, facts.part.kind) == ("layer", "second", "Dense")
    assert facts.part.settings == {"units": 10}
    assert facts.given == ((32, 4),) and facts.dtypes == ("float32",)
    assert facts.wants[0].min_ndim == 2 and facts.wants[0].axes == {-1: 8}
    assert facts.by is not None and facts.by.name == "first"
    assert facts.in_fit and facts.layer is model.layers[1]


def test_the_model_with_what_it_was_built_for_and_what_it_gets() -> None:
    facts = facts_of(error_of(model_of(keras()).fit, tensor(16, 21)))
    assert facts is not None and facts.model is not None
    assert facts.model.declared == ((None, 20),), "the first data's batch size binds nobody"
    assert facts.model.given == ((16, 21),)
    assert facts.model.last is not None and facts.model.last.name == "second"


def test_a_loss_with_labels_and_predictions() -> None:
    loss = keras().Loss()
    loss.fn = SimpleNamespace(__name__="categorical_crossentropy")
    facts = facts_of(error_of(loss, tensor(32), tensor(32, 10)))
    assert facts is not None
    assert (facts.stage, facts.part.kind) == ("loss", "categorical_crossentropy")
    assert (facts.y_true, facts.y_pred) == ((32,), (32, 10))


def test_an_error_of_the_users_own_or_about_something_else_is_none_of_ours() -> None:
    def mine() -> None:
        raise ValueError("the shape of my things")

    assert facts_of(error_of(mine)) is None
    k = keras()
    layer = k.Dense()
    layer.name, layer.call = "it", lambda x: {}["learning rate"]
    assert facts_of(error_of(layer, tensor(1, 2))) is None


def test_shapes_are_read_from_any_nest() -> None:
    nest = {"a": tensor(32, 3), "b": [tensor(None, 4, dtype="int64"), (None, 5)], "c": None}
    assert shapes_of(nest) == ((32, 3), (None, 4), (None, 5))
    assert dtypes_of(nest) == ("float32", "int64", "")
    assert shapes_of([(2, 3), (4,)]) == ((2, 3), (4,))
    assert shapes_of(3) == ()
    assert is_kind(keras().Dense(), "Layer") and not is_kind(SimpleNamespace(), "Layer")


def test_the_table_of_layers_has_the_layers_of_a_model_inside_after_it() -> None:
    k = keras()
    inner = model_of(k)
    outer = k.Sequential()
    outer.name, outer.layers = "outer", [inner]
    inner.output = tensor(32, 10)
    inner.count_params = lambda: 90
    rows = table(outer)
    assert [(row.name, row.depth) for row in rows] == [("net", 0), ("first", 1), ("second", 1)]
    assert rows[0].output_shapes == ((None, 10),) and rows[0].parameters == 90
    assert rows[1].output_shapes == () and rows[1].parameters is None
