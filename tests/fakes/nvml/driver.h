/* What the parts of the stand-in for NVIDIA's driver library share. Tests only.
 *
 * scenario.c reads the scenario file and knows time, series and rules; nvml.c, figures.c and
 * buffered.c answer the calls.
 * Every figure of a device is a series: a number that holds from a time on. A series that the
 * scenario does not state is one that the device does not support.
 */
#ifndef GPUTUNE_FAKE_NVML_DRIVER_H
#define GPUTUNE_FAKE_NVML_DRIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum {
    SUCCESS = 0,
    UNINITIALIZED = 1,
    INVALID_ARGUMENT = 2,
    NOT_SUPPORTED = 3,
    NOT_FOUND = 6,
    INSUFFICIENT_SIZE = 7,
    GPU_IS_LOST = 15,
    OUT_OF_MEMORY = 20,
    VERSION_MISMATCH = 25,
    UNKNOWN = 999
};

/* The four clocks, in the order of NVML's clock types. */
#define CLOCKS(X, prefix) \
    X(prefix##clock_graphics_mhz) X(prefix##clock_sm_mhz) \
    X(prefix##clock_memory_mhz) X(prefix##clock_video_mhz)

/* Every figure that the scenario can state; FakeGpu in scenario.py says what each means. */
#define FIELDS(X) \
    X(utilization_percent) X(utilization_window_s) X(memory_utilization_percent) \
    X(memory_total_bytes) X(memory_used_bytes) X(memory_reserved_bytes) \
    X(power_w) X(power_window_s) X(power_limit_w) X(power_default_limit_w) \
    X(energy_offset_mj) X(energy_wrap_mj) X(energy_reset_s) X(energy_update_s) \
    CLOCKS(X, ) CLOCKS(X, max_) CLOCKS(X, application_) CLOCKS(X, default_application_) \
    X(temperature_c) X(memory_temperature_c) \
    X(shutdown_temperature_c) X(slowdown_temperature_c) \
    X(memory_max_temperature_c) X(gpu_max_temperature_c) \
    X(throttle_reasons) X(throttle_reasons_supported) X(violation_power) X(violation_thermal) \
    X(pcie_generation) X(pcie_width) X(pcie_max_generation) X(pcie_max_width) \
    X(pcie_tx_kb_per_s) X(pcie_rx_kb_per_s) X(pcie_bytes_wrap) \
    X(compute_major) X(compute_minor) X(architecture) X(memory_bus_bits) X(cores) \
    X(multiprocessors) X(persistence_mode) X(compute_mode) X(performance_state) \
    X(utilization_samples_period_s) X(utilization_samples_kept) \
    X(power_samples_period_s) X(power_samples_kept) \
    X(clock_samples_period_s) X(clock_samples_kept) \
    X(gpm_supported) X(mig_mode) X(mig_slots) X(gpu_instance) X(compute_instance) \
    X(gpu_instance_slices) X(compute_instance_slices)

#define FIELD_NUMBER(name) FIELD_##name,
typedef enum { FIELDS(FIELD_NUMBER) FIELD_COUNT } Field;

#define GPM_METRICS 512
#define MAX_DEVICES 64
#define MAX_PROCESSES 64

typedef struct {
    double time_s;
    double value;
} Step;

typedef struct {
    Step *steps;
    size_t count;    /* 0: the scenario does not state it */
    double period_s; /* 0: does not repeat */
} Series;

/* Who a listed process is: a number, or found when the question is asked. */
typedef enum { PID_NUMBER, PID_SELF, PID_CHILD } Pid;

typedef struct {
    Pid kind;
    unsigned pid;
    unsigned long long memory_bytes;
    bool graphics;
    double from_s, to_s;
} Process;

typedef struct Device {
    struct Device *parent; /* of a MIG instance; NULL for a GPU */
    int index;             /* of a GPU; of a MIG instance the slot */
    char name[128], uuid[128], pci[64];
    Series fields[FIELD_COUNT];
    Series gpm[GPM_METRICS];
    Process processes[MAX_PROCESSES];
    size_t process_count;
} Device;

typedef struct {
    char driver[80], nvml[80];
    int cuda;
    double start_s; /* CLOCK_MONOTONIC at scenario time 0 */
    Device devices[MAX_DEVICES];
    size_t device_count;
    int gpu_count;
} Scenario;

extern Scenario scenario;

/* Read the scenario file, once in a process; false, and a line on stderr, where it cannot be. */
bool scenario_load(void);

/* Seconds since the scenario's start. */
double now_s(void);

/* The same moment as NVML gives it: microseconds of Unix time. */
unsigned long long unix_us(double time_s);

void sleep_s(double seconds);

double value_at(const Series *series, double time_s);

/* The series' integral from `from_s` to `to_s`, in its unit times seconds. */
double integral(const Series *series, double from_s, double to_s);

/* The time average; the value at `to_s` where the stretch is empty. */
double mean(const Series *series, double from_s, double to_s);

Device *find_gpu(int index);
Device *find_instance(const Device *parent, int slot);

/* The GPU that a device is, or that it is an instance of; -1 for none. */
int gpu_index(const Device *device);

/* Log the call, be as slow as the scenario says, and return its error for this call. */
int apply_rules(const char *function, const Device *device);

/* What nvml.c has for the files that answer */

int enter(const char *function, const Device *device);
int enter_device(const char *function, const Device *device);

#define ENTER() \
    do { \
        int stop = enter(__func__, NULL); \
        if (stop != SUCCESS) return stop; \
    } while (0)

#define ENTER_DEVICE(device) \
    do { \
        int stop = enter_device(__func__, device); \
        if (stop != SUCCESS) return stop; \
    } while (0)

/* A function that answers one number: the value of a field, times `scale`. */
#define ONE_NUMBER(function, field, scale) \
    int function(Device *device, unsigned *out); \
    int function(Device *device, unsigned *out) { \
        ENTER_DEVICE(device); \
        return give(device, FIELD_##field, scale, out); \
    }

bool has(const Device *device, Field field);
double now(const Device *device, Field field);

/* Where `window` is stated, the average over the time that has just passed. */
double averaged(const Device *device, Field field, Field window, double time_s);

unsigned rounded(double value);

/* A counter that begins again at `wrap`; 0: it does not. */
unsigned long long wrapped(double value, double wrap);

/* The field's value now, times `scale`. */
int give(const Device *device, Field field, double scale, unsigned *out);

/* The energy counter, in mJ; it is in figures.c. */
int energy_of(const Device *device, unsigned long long *millijoules);

#endif
