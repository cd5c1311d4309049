"""Ways to train by hand, each with a small model of its own; prints how many steps each has made.

STYLES, a comma separated list, chooses some of them. A step is one batch that was taken and
trained on. What a style returns: its own count, and the model, whose error shows what was trained.
"""

import os

import keras
import numpy as np
import tensorflow as tf

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)

SIZE = 4
SEED = int(os.environ.get("SEED", "0"))
x = np.random.default_rng(SEED).normal(size=(400, 4)).astype("float32")
y = np.tanh(x.sum(1, keepdims=True))


def network(outputs=1, **options):
    layers = [keras.layers.Dense(8, "relu", **options), keras.layers.Dense(outputs, **options)]
    return keras.Sequential([keras.layers.Input((4,)), *layers])


def batches(count, size=SIZE):
    rows = count * size
    return tf.data.Dataset.from_tensor_slices((x[:rows], y[:rows])).batch(size)


def error(model, a, b):
    return tf.reduce_mean(tf.square(tf.cast(model(a), tf.float32) - b))


def update(model, optimizer, a, b):
    with tf.GradientTape() as tape:
        loss = error(model, a, b)
    gradients = tape.gradient(loss, model.trainable_variables)
    optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
    return loss


def stepper(model, optimizer):
    @tf.function
    def train_step(a, b):
        return update(model, optimizer, a, b)

    return train_step


def function():
    model, optimizer = network(), keras.optimizers.Adam()

    @tf.function
    def train_step(a, b):
        return update(model, optimizer, a, b)

    steps = 0
    for a, b in batches(7):
        train_step(a, b)
        steps += 1
    return steps, model


def epochs_and_validation():
    model, optimizer = network(), keras.optimizers.SGD()
    training, validation = batches(9).shuffle(9, seed=1), batches(5, 16)
    mean = keras.metrics.Mean()

    @tf.function
    def train_step(batch):
        update(model, optimizer, *batch)

    @tf.function
    def validate(batch):
        mean.update_state(error(model, *batch))

    steps = 0
    for _ in range(2):
        for batch in training:
            train_step(batch)
            steps += 1
        mean.reset_state()
        for batch in validation:
            validate(batch)
    return steps, model


def train_on_batch():
    model, steps = network(), 0
    model.compile("adam", "mse")
    for a, b in batches(11):
        model.train_on_batch(a, b)
        steps += 1
    return steps, model


def train_on_batch_numpy():
    model, steps = network(), 0
    model.compile("adam", "mse")
    for start in range(0, 13 * SIZE, SIZE):
        model.train_on_batch(x[start : start + SIZE], y[start : start + SIZE])
        steps += 1
        if steps % 5 == 0:
            model.evaluate(x[300:], y[300:], batch_size=20, verbose=0)
    return steps, model


def own_step_on_batch():
    class Regression(keras.Sequential):
        def train_step(self, data):
            return {"loss": update(self, self.optimizer, *data[:2])}

    model, steps = Regression([keras.layers.Input((4,)), keras.layers.Dense(1)]), 0
    model.compile("sgd")
    for a, b in batches(45):
        model.train_on_batch(a, b)
        steps += 1
    return steps, model


def iterator_inside():
    model, optimizer = network(), keras.optimizers.Adam()
    iterator = iter(batches(15).repeat())

    @tf.function
    def train_step(iterator):
        a, b = next(iterator)
        return update(model, optimizer, a, b)

    steps = 0
    while steps < 15:
        train_step(iterator)
        steps += 1
    return steps, model


def mirrored():
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    with strategy.scope():
        model, optimizer = network(), keras.optimizers.SGD()
    return strategy, model, optimizer


def strategy_in_function():
    strategy, model, optimizer = mirrored()

    def replica_step(a, b):
        return update(model, optimizer, a, b)

    @tf.function
    def train_step(a, b):
        per_replica = strategy.run(replica_step, args=(a, b))
        return strategy.reduce(tf.distribute.ReduceOp.MEAN, per_replica, axis=None)

    steps = 0
    for a, b in strategy.experimental_distribute_dataset(batches(17)):
        train_step(a, b)
        steps += 1
    return steps, model


def strategy_of_function():
    strategy, model, optimizer = mirrored()

    @tf.function
    def replica_step(a, b):
        return update(model, optimizer, a, b)

    steps = 0
    for a, b in strategy.experimental_distribute_dataset(batches(19)):
        strategy.run(replica_step, args=(a, b))
        steps += 1
    return steps, model


def strategy_iterator():
    strategy, model, optimizer = mirrored()
    iterator = iter(strategy.experimental_distribute_dataset(batches(6)))

    @tf.function
    def train_step(iterator):
        strategy.run(lambda a, b: update(model, optimizer, a, b), args=next(iterator))

    steps = 0
    for _ in range(6):
        train_step(iterator)
        steps += 1
    return steps, model


def adversaries():
    generator, discriminator = network(outputs=4), network()
    return generator, discriminator, keras.optimizers.Adam(), keras.optimizers.Adam()


def entropy(logits, label):
    return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(label(logits), logits))


def gan_losses(generator, discriminator, real, noise):
    fake = discriminator(generator(noise))
    d_loss = entropy(discriminator(real), tf.ones_like) + entropy(fake, tf.zeros_like)
    return entropy(fake, tf.ones_like), d_loss


def gan_function():
    generator, discriminator, g_optimizer, d_optimizer = adversaries()

    @tf.function
    def train_step(real):
        noise = tf.random.normal((SIZE, 4))
        with tf.GradientTape() as g_tape, tf.GradientTape() as d_tape:
            g_loss, d_loss = gan_losses(generator, discriminator, real, noise)
        weights = generator.trainable_variables
        g_optimizer.apply(g_tape.gradient(g_loss, weights), weights)
        weights = discriminator.trainable_variables
        d_optimizer.apply(d_tape.gradient(d_loss, weights), weights)

    steps = 0
    for real, _ in batches(21):
        train_step(real)
        steps += 1
    return steps, generator


def gan_steps(generator, discriminator, g_optimizer, d_optimizer):
    @tf.function
    def d_step(real):
        with tf.GradientTape() as tape:
            _, loss = gan_losses(generator, discriminator, real, tf.random.normal((SIZE, 4)))
        weights = discriminator.trainable_variables
        d_optimizer.apply(tape.gradient(loss, weights), weights)

    @tf.function
    def g_step():
        with tf.GradientTape() as tape:
            fake = discriminator(generator(tf.random.normal((SIZE, 4))))
            loss = entropy(fake, tf.ones_like)
        weights = generator.trainable_variables
        g_optimizer.apply(tape.gradient(loss, weights), weights)

    return d_step, g_step


def gan_two_functions():
    generator, *others = adversaries()
    d_step, g_step = gan_steps(generator, *others)
    steps = 0
    for real, _ in batches(23):
        d_step(real)
        g_step()
        steps += 1
    return steps, generator


def gan_critic():
    generator, *others = adversaries()
    d_step, g_step = gan_steps(generator, *others)
    steps = 0
    for real, _ in batches(28):
        d_step(real)
        steps += 1
        if steps % 3 == 0:  # takes no batch: part of the step
            g_step()
    return steps, generator


def gan_eager():
    generator, discriminator, g_optimizer, d_optimizer = adversaries()
    steps = 0
    for real, _ in batches(5):
        noise = tf.random.normal((SIZE, 4))
        with tf.GradientTape() as g_tape, tf.GradientTape() as d_tape:
            g_loss, d_loss = gan_losses(generator, discriminator, real, noise)
        weights = generator.trainable_variables
        g_optimizer.apply(g_tape.gradient(g_loss, weights), weights)
        weights = discriminator.trainable_variables
        d_optimizer.apply(d_tape.gradient(d_loss, weights), weights)
        steps += 1
    return steps, generator


def eager_apply():
    model, optimizer = network(), keras.optimizers.Adam()
    steps = 0
    for a, b in batches(9):
        with tf.GradientTape() as tape:
            loss = error(model, a, b)
        optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
        steps += 1
    return steps, model


def eager_assign_sub():
    model, steps = network(), 0
    for a, b in batches(25):
        with tf.GradientTape() as tape:
            loss = error(model, a, b)
        weights = [v.value for v in model.trainable_variables]
        for weight, gradient in zip(weights, tape.gradient(loss, weights), strict=True):
            weight.assign_sub(0.01 * gradient)
        steps += 1
    return steps, model


def persistent_tape():
    model, optimizer = network(), keras.optimizers.SGD()
    first, last = model.layers

    @tf.function
    def train_step(a, b):
        with tf.GradientTape(persistent=True) as tape:
            loss = error(model, a, b)
        gradients = [
            *tape.gradient(loss, first.trainable_variables),
            *tape.gradient(loss, last.trainable_variables),
        ]
        del tape
        optimizer.apply(gradients, model.trainable_variables)

    steps = 0
    for a, b in batches(10):
        train_step(a, b)
        steps += 1
    return steps, model


def python_generator():
    model, optimizer = network(), keras.optimizers.Adam()

    def samples():
        for start in range(0, 27 * SIZE, SIZE):
            yield x[start : start + SIZE], y[start : start + SIZE]

    @tf.function(reduce_retracing=True)
    def train_step(a, b):
        return update(model, optimizer, a, b)

    steps = 0
    for a, b in samples():
        train_step(tf.constant(a), tf.constant(b))
        steps += 1
    return steps, model


def numpy_slices():
    model = network()
    train_step = stepper(model, keras.optimizers.Adam())

    order = np.random.default_rng(1).permutation(29 * SIZE)
    steps = 0
    for start in range(0, len(order), SIZE):
        rows = order[start : start + SIZE]
        train_step(x[rows], y[rows])
        steps += 1
    return steps, model


def loop_in_function():
    model, optimizer = network(), keras.optimizers.SGD()
    counter = tf.Variable(0)

    @tf.function
    def train_epoch(dataset):
        for a, b in dataset:
            update(model, optimizer, a, b)
            counter.assign_add(1)

    for _ in range(2):
        train_epoch(batches(11))
    return int(counter), model


def range_in_function():
    model, optimizer = network(), keras.optimizers.SGD()
    iterator = iter(batches(10).repeat())

    @tf.function
    def train_steps(iterator, count):
        for _ in tf.range(count):
            a, b = next(iterator)
            update(model, optimizer, a, b)

    for _ in range(3):
        train_steps(iterator, tf.constant(10))
    return int(optimizer.iterations), model


def accumulation():
    model, optimizer = network(), keras.optimizers.SGD()
    weights = model.trainable_variables
    sums = [tf.Variable(tf.zeros_like(v.value), trainable=False) for v in weights]

    @tf.function
    def accumulate(a, b):
        with tf.GradientTape() as tape:
            loss = error(model, a, b) / 4
        for total, gradient in zip(sums, tape.gradient(loss, weights), strict=True):
            total.assign_add(gradient)

    @tf.function
    def apply():
        optimizer.apply([total.read_value() for total in sums], weights)
        for total in sums:
            total.assign(tf.zeros_like(total))

    steps = 0
    for a, b in batches(26):
        accumulate(a, b)
        steps += 1
        if steps % 4 == 0:
            apply()
    return steps, model


def accumulation_eager():
    model, optimizer = network(), keras.optimizers.SGD()
    weights = model.trainable_variables
    sums = [tf.zeros_like(v.value) for v in weights]
    steps = 0
    for a, b in batches(14):
        with tf.GradientTape() as tape:
            loss = error(model, a, b) / 4
        gradients = tape.gradient(loss, weights)
        sums = [total + gradient for total, gradient in zip(sums, gradients, strict=True)]
        steps += 1
        if steps % 4 == 0:
            optimizer.apply(sums, weights)
            sums = [tf.zeros_like(v.value) for v in weights]
    return steps, model


def saliency_between():
    model = network()
    train_step = stepper(model, keras.optimizers.Adam())

    @tf.function
    def saliency(a):
        with tf.GradientTape() as tape:
            tape.watch(a)
            output = model(a)
        return tf.abs(tape.gradient(output, a))

    steps = 0
    for a, b in batches(16):
        train_step(a, b)
        steps += 1
        saliency(a)
    for a, _ in batches(4, 8):
        saliency(a)
    return steps, model


def gradient_norm_between():
    model = network()
    train_step = stepper(model, keras.optimizers.Adam())
    largest = tf.Variable(0.0, trainable=False)

    @tf.function
    def gradient_norm(a, b):
        with tf.GradientTape() as tape:
            loss = error(model, a, b)
        norm = tf.linalg.global_norm(tape.gradient(loss, model.trainable_variables))
        largest.assign(tf.maximum(largest, norm))

    steps = 0
    for a, b in batches(34):
        train_step(a, b)
        steps += 1
        if steps % 3 == 0:
            gradient_norm(x[300:316], y[300:316])
    return steps, model


def evaluate_between():
    model = network()
    train_step = stepper(model, keras.optimizers.Adam())
    model.compile(loss="mse")

    steps = 0
    for a, b in batches(20):
        train_step(a, b)
        steps += 1
        if steps % 6 == 0:
            model.evaluate(batches(3, 32), verbose=0)
            model.predict(x[:64], verbose=0)
    return steps, model


class Count(keras.callbacks.Callback):
    steps = 0

    def on_train_batch_end(self, batch, logs=None):
        self.steps += 1


def own_train_step():
    class Regression(keras.Sequential):
        def train_step(self, data):
            return {"loss": update(self, self.optimizer, *data)}

    model, count = Regression([keras.layers.Input((4,)), keras.layers.Dense(1)]), Count()
    model.compile("adam")
    model.fit(batches(12), epochs=2, callbacks=[count], verbose=0)
    return count.steps, model


def own_make_train_function():
    class Regression(keras.Sequential):
        def make_train_function(self, force=False):
            if self.train_function is not None and not force:
                return

            @tf.function
            def train_function(iterator):
                return {"loss": update(self, self.optimizer, *next(iterator))}

            self.train_function = train_function

    model, count = Regression([keras.layers.Input((4,)), keras.layers.Dense(1)]), Count()
    model.compile("adam")
    model.fit(batches(8), callbacks=[count], verbose=0)
    return count.steps, model


def raw_ops():
    model = network()
    weights = [v.value for v in model.trainable_variables]

    @tf.function
    def train_step(a, b):
        with tf.GradientTape() as tape:
            loss = error(model, a, b)
        for weight, gradient in zip(weights, tape.gradient(loss, weights), strict=True):
            tf.raw_ops.ResourceApplyGradientDescent(var=weight.handle, alpha=0.01, delta=gradient)

    steps = 0
    for a, b in batches(12):
        train_step(a, b)
        steps += 1
    return steps, model


def two_datasets():
    model, optimizer = network(), keras.optimizers.Adam()

    @tf.function
    def train_step(a, b, unlabelled):
        with tf.GradientTape() as tape:
            noisy = model(unlabelled + tf.random.normal(tf.shape(unlabelled), stddev=0.1))
            loss = error(model, a, b) + tf.reduce_mean(tf.square(noisy - model(unlabelled)))
        weights = model.trainable_variables
        optimizer.apply(tape.gradient(loss, weights), weights)

    unlabelled = iter(tf.data.Dataset.from_tensor_slices(x[200:]).batch(2 * SIZE).repeat())
    steps = 0
    for a, b in batches(31):
        train_step(a, b, next(unlabelled))
        steps += 1
    return steps, model


def jit_compiled():
    model, optimizer = network(), keras.optimizers.SGD()
    optimizer.build(model.trainable_variables)

    @tf.function(jit_compile=True)
    def train_step(a, b):
        return update(model, optimizer, a, b)

    steps = 0
    for _ in range(3):
        for a, b in batches(11):
            train_step(a, b)
            steps += 1
    return steps, model


class Trainer:
    def __init__(self, model):
        self.model = model
        self.optimizer = keras.optimizers.Adam()

    @tf.function
    def train_step(self, a, b):
        return update(self.model, self.optimizer, a, b)

    def train(self, dataset):
        steps = 0
        for a, b in dataset:
            self.train_step(a, b)
            steps += 1
        return steps


def method():
    trainer = Trainer(network())
    return trainer.train(batches(35)), trainer.model


def weighted_by_keyword():
    model, optimizer = network(), keras.optimizers.Adam()
    mse = keras.losses.MeanSquaredError()

    @tf.function
    def train_step(*, inputs, targets, sample_weight):
        with tf.GradientTape() as tape:
            loss = mse(targets, model(inputs), sample_weight=sample_weight)
        weights = model.trainable_variables
        optimizer.apply(tape.gradient(loss, weights), weights)

    steps = 0
    for a, b in batches(32):
        train_step(inputs=a, targets=b, sample_weight=tf.abs(b[:, 0]))
        steps += 1
    return steps, model


def numpy_iterator():
    model = network()
    train_step = stepper(model, keras.optimizers.Adam())

    steps = 0
    for a, b in batches(36).as_numpy_iterator():
        train_step(a, b)
        steps += 1
    return steps, model


def next_in_python():
    model = network()
    train_step = stepper(model, keras.optimizers.Adam())

    iterator, steps = iter(batches(37)), 0
    while True:
        try:
            a, b = next(iterator)
        except StopIteration:
            break
        train_step(a, b)
        steps += 1
    return steps, model


def nested_functions():
    model, optimizer = network(), keras.optimizers.Adam()

    @tf.function
    def gradients_of(a, b):
        with tf.GradientTape() as tape:
            loss = error(model, a, b)
        return tape.gradient(loss, model.trainable_variables)

    @tf.function
    def train_step(a, b):
        gradients = gradients_of(a, b)
        clipped, _ = tf.clip_by_global_norm(gradients, 1.0)
        optimizer.apply(clipped, model.trainable_variables)

    steps = 0
    for a, b in batches(38):
        train_step(a, b)
        steps += 1
    return steps, model


def gradients_then_apply():
    model, optimizer = network(), keras.optimizers.Adam()

    @tf.function
    def gradients_of(a, b):
        with tf.GradientTape() as tape:
            loss = error(model, a, b)
        return tape.gradient(loss, model.trainable_variables)

    steps = 0
    for a, b in batches(46):
        optimizer.apply(gradients_of(a, b), model.trainable_variables)
        steps += 1
    return steps, model


def two_models():
    models = network(), network()
    train_steps = [stepper(model, keras.optimizers.SGD()) for model in models]
    steps = 0
    for number, (a, b) in enumerate(batches(39)):
        train_steps[number % 2](a, b)
        steps += 1
    return steps, models[0]


def loss_scaling():
    model = network(dtype="mixed_float16")
    optimizer = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(), initial_scale=64.0)

    @tf.function
    def train_step(a, b):
        with tf.GradientTape() as tape:
            loss = optimizer.scale_loss(error(model, a, b))
        weights = model.trainable_variables
        optimizer.apply(tape.gradient(loss, weights), weights)

    steps = 0
    for a, b in batches(40):
        train_step(a, b)
        steps += 1
    return steps, model


def symbolic_gradients():
    model = network()
    weights = [v.value for v in model.trainable_variables]

    @tf.function
    def train_step(a, b):
        gradients = tf.gradients(error(model, a, b), weights)
        for weight, gradient in zip(weights, gradients, strict=True):
            weight.assign_sub(0.01 * gradient)

    steps = 0
    for a, b in batches(41):
        train_step(a, b)
        steps += 1
    return steps, model


class Line(tf.Module):
    def __init__(self):
        super().__init__()
        self.w = tf.Variable(tf.zeros((4, 1)))
        self.b = tf.Variable(0.0)

    def __call__(self, a):
        return tf.matmul(a, self.w) + self.b


def tf_module():
    model = Line()

    @tf.function
    def train_step(a, b):
        with tf.GradientTape() as tape:
            loss = error(model, a, b)
        dw, db = tape.gradient(loss, (model.w, model.b))
        model.w.assign_sub(0.05 * dw)
        model.b.assign_sub(0.05 * db)

    steps = 0
    for a, b in batches(42):
        train_step(a, b)
        steps += 1
    return steps, model


def episodes():
    model, optimizer = network(outputs=2), keras.optimizers.Adam()
    rng = np.random.default_rng(2)

    @tf.function
    def act(state):
        return tf.nn.softmax(model(state))

    @tf.function
    def train_step(states, actions, returns):
        with tf.GradientTape() as tape:
            logits = model(states)
            cost = tf.nn.sparse_softmax_cross_entropy_with_logits(actions, logits)
            loss = tf.reduce_mean(cost * returns)
        weights = model.trainable_variables
        optimizer.apply(tape.gradient(loss, weights), weights)

    steps = 0
    for _ in range(43):
        states, actions, rewards = [], [], []
        state = rng.normal(size=4).astype("float32")
        for _ in range(6):
            action = int(rng.random() < act(state[None])[0, 1])
            states.append(state)
            actions.append(action)
            rewards.append(state.sum() if action else -state.sum())
            state = (0.9 * state + 0.3 * rng.normal(size=4)).astype("float32")
        returns = np.cumsum(rewards[::-1])[::-1].astype("float32")
        train_step(np.stack(states), np.array(actions), returns)
        steps += 1
    return steps, model


def broken_off():
    model = network()
    train_step = stepper(model, keras.optimizers.Adam())

    steps = 0
    for number, (a, b) in enumerate(batches(60)):
        if number == 44:  # the 45th batch is taken and not trained on
            break
        train_step(a, b)
        steps += 1
    return steps, model


STYLES = {
    style.__name__: style
    for style in (
        function,
        epochs_and_validation,
        train_on_batch,
        train_on_batch_numpy,
        own_step_on_batch,
        iterator_inside,
        strategy_in_function,
        strategy_of_function,
        strategy_iterator,
        gan_function,
        gan_two_functions,
        gan_critic,
        gan_eager,
        eager_apply,
        eager_assign_sub,
        persistent_tape,
        python_generator,
        numpy_slices,
        loop_in_function,
        range_in_function,
        accumulation,
        accumulation_eager,
        saliency_between,
        gradient_norm_between,
        evaluate_between,
        own_train_step,
        own_make_train_function,
        raw_ops,
        two_datasets,
        jit_compiled,
        method,
        weighted_by_keyword,
        numpy_iterator,
        next_in_python,
        nested_functions,
        gradients_then_apply,
        two_models,
        loss_scaling,
        symbolic_gradients,
        tf_module,
        episodes,
        broken_off,
    )
}

losses = []
for name in os.environ.get("STYLES", ",".join(STYLES)).split(","):
    keras.utils.set_random_seed(SEED)
    steps, model = STYLES[name]()
    losses.append(float(error(model, x, y)))
    print("steps", name, steps, flush=True)
print("losses", losses)
