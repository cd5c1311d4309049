"""The names of the events in a session's log, and what each carries.

Times `t` are seconds of `time.perf_counter()` (CLOCK_MONOTONIC on Linux, the same clock in every
process), so that the parent's sensors and the child's steps share one axis.

| event | fields |
| --- | --- |
| start | t, pid, python, epoch_ns |
| environment | tensorflow, keras, backend, devices [str], cuda, visible_devices, device_order (CUDA_VISIBLE_DEVICES, CUDA_DEVICE_ORDER when training begins, or null), gpu_numbers [int] (of those that TensorFlow was told to use; empty for all), variables {name: text} (of those that knobs set, what the script has of them then); t (of an import that is done) |
| dataset_call | id, method, name (given by gputune or the user), ours (bool), site {…}, inputs [id], arguments {name: value or repr}, python (bool: runs Python code), outer (id of the call that this one is part of, or null) |
| fit_begin | fit (1…), t, called (t of the call of `fit`), site, style (see schema/profile.FitSeen; keras.fit where it is missing), strategy, replicas (the class of tf.distribute's and how many; null where there is none), input_kind, input_code {…} (the user's Python that makes the batches, or null), dataset (id or null), batch_size, steps_per_execution, jit_compile, run_eagerly, own_train_step (bool: the step is the model's own, not Keras'), precision, optimizer (its class), learning_rate (null for a schedule), epochs, steps_per_epoch |
| epoch_begin / epoch_end | fit, epoch, t |
| steps | fit, rows [[t_enter, t_exit, t_end, steps, epoch, phase, block]] |
| fit_end | fit, t, iterations (of the optimizer since the fit began, or null) |
| phase | fit, name, t (its begin) |
| held_batch | fit, batch_size, bytes, components [[dtype, shape]] (flat; one after another for each replica) |
| element | fit, components [[dtype, shape or null]] (of the batch that the iterator gives, flat, as its spec has them), stages [{call (id of the dataset_call), method, components}] (the recorded calls it stands on, the source first) |
| device_memory | fit, peak_since (`clean phase` or `start`), devices [{index, current_bytes, peak_bytes, limit_bytes (configured, or null), growth (bool, or null)}]; the last one counts |
| batch_memory | fit, points [[batch size, peak bytes on GPU:0]], reason (why there are not two) |
| compute | fit, flops (of a step, or null), by_dtype {dtype: flops}, reason (why there are none), took_s, policy (of the layers with weights, or the global one), tensor_float_32 (bool), devices [{name, compute_capability}], layers [{layer, kind, dimension, size, wanted}] (null where no model is known) |
| resident | t, reason (why the training cannot be served without new processes, or empty) |
| trial_begin / trial_end | trial, t; at the end: error (what was raised, or empty), threads (that Python knows), rss_bytes |
| pruned | fit, t, samples_per_s (what it trained at) |
| loss | fit, t, steps (since the first), value (the running mean that Keras shows, or null), reason (why it has none) |
| clean_end | fit, since (t: the steps before it are warm-up), t, stable (bool), reason |
| model | fit, phase (`begin`, `end` of the clean phase), iterator (number), t, nodes [{id, name, inputs, …}] (the iterator's model; see inject/iterator_model) |
| drain | fit, t, batches, duration_s, first_batches (taken to empty the buffers, not timed) |
| trace | fit, logdir |
| callbacks | fit, epoch, t, names [str], ours [bool] (put in by Keras), calls (of the clean phase), step_s [s in those calls], begin_s, end_s [s at the epoch's begin and end], test_s [s in validation]; one value a callback, sums since the event before |
| validation | fit, epoch, t (its end), duration_s (an evaluation that `fit` itself made) |
| traced | t (when the call was over), function, object (number of the tf.function), objects (made from this code so far), total (tracings of this code so far), changed, site {…} (where the function stands, or null), user (bool: the user's code) |
| repetition | fit, call (id of the dataset_call), elements (compared in the two passes, 0 where it was not looked at), repeats, in_order, element_bytes (mean), elements_all (of the whole dataset, or null), per_element (bool: stands before any batch), memory_available_bytes (of the machine, or null), reason (why it was not looked at) |
| opened | path (a file opened for writing by the script) |
| redirected | path, to (a file that dry mode sent to scratch) |
| unavailable | metric, reason |
| hook_disabled | hook, error |
| edit | setting (its number in the options, from 0), placed (bool: it was put in; else why it was not), note, site {…} (where; or null) |
| check_finding | check (its name), finding {…} (a Finding's JSON) |
| check_state | check, state (`clear` once it has looked, also with findings; `not-run`), reason |
| checked | t, fit, style, steps, epochs (ended), cut_short (bool: gputune ended an epoch early) (written before the checks' last look) |
| layers | model (its name), rows [{…}] (a LayerRow's JSON each) |
| callback_costs | rows [{…}] (a CallbackCost's JSON each) |
| knob | name, default, value (what the script was given), choices [value], low, high, log (bool), site {…} (a value that the script declares: `gputune.knob`) |
| style | style, note (a way of training that was recognised and is not measured) |
| cleanup | path (a lock or temporary file that this run made and the parent must remove too) |
| end | t, how (`stopped`: by gputune, `exit`: by itself), error |

`phase` in a steps row: `warmup`, `clean`, `held`, `real`, `settle` (steps right after a switch,
in no average), `trace`, `after` (steps after the measurement). `block` numbers the alternating
blocks from 0. `t_enter`/`t_exit` bound the call of the compiled function, `t_end` is when the
callbacks of the step were done. A row with `steps` = N stands for N training steps.
"""

from __future__ import annotations

START = "start"
ENVIRONMENT = "environment"
DATASET_CALL = "dataset_call"
FIT_BEGIN = "fit_begin"
EPOCH_BEGIN = "epoch_begin"
EPOCH_END = "epoch_end"
STEPS = "steps"
FIT_END = "fit_end"
PHASE = "phase"
HELD_BATCH = "held_batch"
ELEMENT = "element"
DEVICE_MEMORY = "device_memory"
BATCH_MEMORY = "batch_memory"
COMPUTE = "compute"
RESIDENT = "resident"
TRIAL_BEGIN = "trial_begin"
TRIAL_END = "trial_end"
PRUNED = "pruned"
LOSS = "loss"
CLEAN_END = "clean_end"
MODEL = "model"
DRAIN = "drain"
TRACE = "trace"
CALLBACKS = "callbacks"
VALIDATION = "validation"
FUNCTION_TRACED = "traced"
REPETITION = "repetition"
OPENED = "opened"
REDIRECTED = "redirected"
UNAVAILABLE = "unavailable"
HOOK_DISABLED = "hook_disabled"
EDIT = "edit"
KNOB = "knob"
STYLE = "style"
CHECK_FINDING = "check_finding"
CHECK_STATE = "check_state"
CHECKED = "checked"
LAYERS = "layers"
CALLBACK_COSTS = "callback_costs"
CLEANUP = "cleanup"
END = "end"

WARMUP = "warmup"
CLEAN = "clean"
HELD = "held"
REAL = "real"
SETTLE = "settle"
TRACED = "trace"
AFTER = "after"
