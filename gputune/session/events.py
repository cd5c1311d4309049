"""The names of the events in a session's log, and what each carries.

Times `t` are seconds of `time.perf_counter()` (CLOCK_MONOTONIC on Linux, the same clock in every
process), so that the parent's sensors and the child's steps share one axis.

| event | fields |
| --- | --- |
| start | t, pid, python, epoch_ns |
| environment | tensorflow, keras, backend, devices [str], cuda |
| dataset_call | id, method, name (given by gputune or the user), ours (bool), site {…}, inputs [id], arguments {name: value or repr}, python (bool: runs Python code), outer (id of the call that this one is part of, or null) |
| fit_begin | fit (1…), t, site, input_kind, input_code {…} (the user's Python that makes the batches, or null), dataset (id or null), batch_size, steps_per_execution, jit_compile, run_eagerly, precision, epochs, steps_per_epoch |
| epoch_begin / epoch_end | fit, epoch, t |
| steps | fit, rows [[t_enter, t_exit, t_end, steps, epoch, phase, block]] |
| fit_end | fit, t, iterations (of the optimizer since the fit began, or null) |
| phase | fit, name, t (its begin) |
| held_batch | fit, batch_size, bytes |
| clean_end | fit, since (t: the steps before it are warm-up), t, stable (bool), reason |
| model | fit, phase (`begin`, `end` of the clean phase), iterator (number), t, nodes [{id, name, inputs, …}] (the iterator's model; see inject/iterator_model) |
| drain | fit, t, batches, duration_s, first_batches (taken to empty the buffers, not timed) |
| trace | fit, logdir |
| opened | path (a file opened for writing by the script) |
| redirected | path, to (a file that dry mode sent to scratch) |
| unavailable | metric, reason |
| hook_disabled | hook, error |
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
CLEAN_END = "clean_end"
MODEL = "model"
DRAIN = "drain"
TRACE = "trace"
OPENED = "opened"
REDIRECTED = "redirected"
UNAVAILABLE = "unavailable"
HOOK_DISABLED = "hook_disabled"
STYLE = "style"
CLEANUP = "cleanup"
END = "end"

WARMUP = "warmup"
CLEAN = "clean"
HELD = "held"
REAL = "real"
SETTLE = "settle"
TRACED = "trace"
AFTER = "after"
