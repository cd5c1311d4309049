"""What a callback's class shows of what it changes."""

from __future__ import annotations

from types import SimpleNamespace

from gputune.checks.script.probe.callbacks import changes_rate, inner_optimizer, stops


class EarlyStopping:
    pass


class ReduceLROnPlateau:
    pass


class WarmUp:
    def on_train_batch_begin(self, batch, logs=None):
        self.model.optimizer.learning_rate.assign(batch * 1e-5)


class UntilGood:
    def on_epoch_end(self, epoch, logs=None):
        if logs["accuracy"] > 0.99:
            self.model.stop_training = True


class Prints:
    def on_epoch_end(self, epoch, logs=None):
        print(epoch, logs)


def test_keras_own_and_the_scripts_own_callbacks() -> None:
    every = [EarlyStopping(), ReduceLROnPlateau(), WarmUp(), UntilGood(), Prints()]
    assert [changes_rate(one) for one in every] == [False, True, True, False, False]
    assert [stops(one) for one in every] == [True, False, False, True, False]


def test_the_optimizer_inside_of_one_that_scales_the_loss() -> None:
    class LossScaleOptimizer(SimpleNamespace):
        pass

    adam = SimpleNamespace()
    assert inner_optimizer(LossScaleOptimizer(inner_optimizer=adam)) is adam
    assert inner_optimizer(adam) is adam
    assert inner_optimizer(None) is None
