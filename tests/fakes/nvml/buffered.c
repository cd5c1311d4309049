/* What the driver collects over time: kept samples, counters by number, and GPM's averages. */
#include "driver.h"

#include <math.h>
#include <stdlib.h>

#define TYPE_UNSIGNED_INT 1
#define TYPE_UNSIGNED_LONG_LONG 3

typedef union {
    double d;
    unsigned u;
    unsigned long long ull;
} Value;

/* What the driver keeps: one sample each period, the last so many */

typedef struct {
    unsigned long long time_us;
    Value value;
} Sample;

/* By NVML's sampling type; the period's field is followed by that of how many are kept. */
static const struct {
    Field field, period;
    double scale;
    bool averaged;
} SAMPLED[] = {
    [0] = {FIELD_power_w, FIELD_power_samples_period_s, 1000, true},
    [1] = {FIELD_utilization_percent, FIELD_utilization_samples_period_s, 1, true},
    [2] = {FIELD_memory_utilization_percent, FIELD_utilization_samples_period_s, 1, true},
    [5] = {FIELD_clock_sm_mhz, FIELD_clock_samples_period_s, 1, false},
    [6] = {FIELD_clock_memory_mhz, FIELD_clock_samples_period_s, 1, false},
};

int nvmlDeviceGetSamples(Device *device, unsigned type, unsigned long long last_seen_us,
                         unsigned *value_type, unsigned *count, Sample *samples) {
    ENTER_DEVICE(device);
    if (value_type == NULL || count == NULL || type > 9) return INVALID_ARGUMENT;
    if (samples != NULL && *count == 0) return INVALID_ARGUMENT;
    if (type >= sizeof SAMPLED / sizeof *SAMPLED || SAMPLED[type].scale == 0) return NOT_SUPPORTED;
    const Series *series = &device->fields[SAMPLED[type].field];
    double period_s = now(device, SAMPLED[type].period);
    unsigned kept = rounded(now(device, SAMPLED[type].period + 1)), found = 0;
    if (series->count == 0 || period_s <= 0 || kept == 0) return NOT_SUPPORTED;
    *value_type = TYPE_UNSIGNED_INT;
    if (samples == NULL) {
        *count = kept;
        return SUCCESS;
    }
    double last = floor(now_s() / period_s);
    for (double tick = last - kept + 1; tick <= last && found < *count; tick++) {
        double time_s = tick * period_s, from_s = time_s - period_s;
        if (unix_us(time_s) <= last_seen_us) continue;
        double value = SAMPLED[type].averaged ? mean(series, from_s, time_s)
                                              : value_at(series, time_s + 1e-9);
        samples[found].time_us = unix_us(time_s);
        samples[found++].value = (Value){.u = rounded(value * SAMPLED[type].scale)};
    }
    *count = found;
    return found > 0 ? SUCCESS : NOT_FOUND;
}

/* Fields by number: the few that a profiler may want */

typedef struct {
    unsigned id, scope;
    long long time_us, latency_us;
    unsigned type;
    int error;
    Value value;
} FieldValue;

static int field_value(const Device *device, FieldValue *out, double time_s) {
    const Series *power = &device->fields[FIELD_power_w];
    unsigned number = 0;
    int error = SUCCESS;
    out->type = TYPE_UNSIGNED_INT;
    switch (out->id) {
    case 82: error = give(device, FIELD_memory_temperature_c, 1, &number); break;
    case 83: out->type = TYPE_UNSIGNED_LONG_LONG; return energy_of(device, &out->value.ull);
    case 185: /* the average of the last second */
    case 186:
        if (power->count == 0) return NOT_SUPPORTED;
        number = rounded(mean(power, time_s - (out->id == 185), time_s) * 1000);
        break;
    case 190: error = give(device, FIELD_power_limit_w, 1000, &number); break;
    case 197:
    case 198: {
        Field field = FIELD_pcie_tx_kb_per_s + (out->id - 197);
        if (!has(device, field)) return NOT_SUPPORTED;
        out->type = TYPE_UNSIGNED_LONG_LONG;
        out->value.ull = wrapped(1000 * integral(&device->fields[field], 0, time_s),
                                 now(device, FIELD_pcie_bytes_wrap));
        return SUCCESS;
    }
    default: return NOT_SUPPORTED;
    }
    out->value.u = number;
    return error;
}

int nvmlDeviceGetFieldValues(Device *device, int count, FieldValue *values) {
    ENTER_DEVICE(device);
    if (values == NULL || count < 1) return INVALID_ARGUMENT;
    for (int i = 0; i < count; i++) {
        double time_s = now_s();
        values[i].time_us = (long long)unix_us(time_s);
        values[i].latency_us = 0;
        values[i].value.ull = 0;
        values[i].error = field_value(device, &values[i], time_s);
    }
    return SUCCESS;
}

/* GPM: averages between two samples, which hold no more than whose they are and of when */

typedef struct {
    const Device *device;
    double time_s;
} GpmSample;

typedef struct {
    unsigned version, supported;
} GpmSupport;

typedef struct {
    unsigned id;
    int error;
    double value;
    const char *names[3];
} GpmMetric;

/* How many metrics the array has room for changes with nvidia-ml-py's release. */
typedef struct {
    unsigned version, count;
    const GpmSample *first, *second;
    GpmMetric metrics[];
} GpmMetrics;

int nvmlGpmQueryDeviceSupport(Device *device, GpmSupport *out) {
    ENTER_DEVICE(device);
    if (out == NULL) return INVALID_ARGUMENT;
    if (out->version != 1) return VERSION_MISMATCH;
    out->supported = now(device, FIELD_gpm_supported) != 0;
    return SUCCESS;
}

int nvmlGpmSampleAlloc(GpmSample **sample) {
    ENTER();
    if (sample == NULL) return INVALID_ARGUMENT;
    *sample = calloc(1, sizeof **sample);
    return *sample == NULL ? OUT_OF_MEMORY : SUCCESS;
}

int nvmlGpmSampleFree(GpmSample *sample) {
    ENTER();
    if (sample == NULL) return INVALID_ARGUMENT;
    free(sample);
    return SUCCESS;
}

static int take_sample(const Device *gpu, const Device *of, GpmSample *sample) {
    if (sample == NULL || of == NULL) return INVALID_ARGUMENT;
    if (now(gpu, FIELD_gpm_supported) == 0) return NOT_SUPPORTED;
    *sample = (GpmSample){of, now_s()};
    return SUCCESS;
}

int nvmlGpmSampleGet(Device *device, GpmSample *sample) {
    ENTER_DEVICE(device);
    return take_sample(device, device, sample);
}

int nvmlGpmMigSampleGet(Device *device, unsigned gpu_instance, GpmSample *sample) {
    const Device *found = NULL;
    ENTER_DEVICE(device);
    for (size_t i = 0; i < scenario.device_count; i++) {
        const Device *one = &scenario.devices[i];
        if (one->parent == device && rounded(now(one, FIELD_gpu_instance)) == gpu_instance)
            found = one;
    }
    return take_sample(device, found, sample);
}

int nvmlGpmMetricsGet(GpmMetrics *asked) {
    ENTER();
    if (asked == NULL) return INVALID_ARGUMENT;
    if (asked->version != 1) return VERSION_MISMATCH;
    const GpmSample *first = asked->first, *second = asked->second;
    if (first == NULL || second == NULL || first->device == NULL) return INVALID_ARGUMENT;
    if (first->device != second->device || second->time_s <= first->time_s) return INVALID_ARGUMENT;
    for (unsigned i = 0; i < asked->count; i++) {
        GpmMetric *metric = &asked->metrics[i];
        bool known = metric->id < GPM_METRICS && first->device->gpm[metric->id].count > 0;
        metric->error = known ? SUCCESS : NOT_SUPPORTED;
        metric->value = 0;
        if (known)
            metric->value =
                mean(&first->device->gpm[metric->id], first->time_s, second->time_s);
    }
    return SUCCESS;
}
