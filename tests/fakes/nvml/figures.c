/* What is asked of a device at a moment: utilisation, memory, power, clocks, PCIe, processes. */
#include "driver.h"

#include <glob.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PCIE_WINDOW_S 0.02
#define NO_INSTANCE 0xFFFFFFFFu

/* Utilisation and memory */

typedef struct {
    unsigned gpu, memory;
} Utilization;

int nvmlDeviceGetUtilizationRates(Device *device, Utilization *out) {
    ENTER_DEVICE(device);
    if (out == NULL) return INVALID_ARGUMENT;
    if (!has(device, FIELD_utilization_percent)) return NOT_SUPPORTED;
    double time_s = now_s();
    out->gpu = rounded(
        averaged(device, FIELD_utilization_percent, FIELD_utilization_window_s, time_s));
    out->memory = rounded(
        averaged(device, FIELD_memory_utilization_percent, FIELD_utilization_window_s, time_s));
    return SUCCESS;
}

typedef struct {
    unsigned long long total, free, used;
} Memory;

typedef struct {
    unsigned version;
    unsigned long long total, reserved, free, used;
} Memory_v2;

#define MEMORY_V2 (sizeof(Memory_v2) | 2u << 24)

static int memory_of(const Device *device, Memory_v2 *out) {
    if (!has(device, FIELD_memory_total_bytes)) return NOT_SUPPORTED;
    out->total = (unsigned long long)now(device, FIELD_memory_total_bytes);
    out->reserved = (unsigned long long)now(device, FIELD_memory_reserved_bytes);
    out->used = (unsigned long long)now(device, FIELD_memory_used_bytes);
    out->free = out->total - out->reserved - out->used;
    return SUCCESS;
}

/* The first version counts what the driver keeps for itself as used. */
int nvmlDeviceGetMemoryInfo(Device *device, Memory *out) {
    Memory_v2 memory;
    ENTER_DEVICE(device);
    if (out == NULL) return INVALID_ARGUMENT;
    int error = memory_of(device, &memory);
    if (error == SUCCESS)
        *out = (Memory){memory.total, memory.free, memory.used + memory.reserved};
    return error;
}

int nvmlDeviceGetMemoryInfo_v2(Device *device, Memory_v2 *out) {
    ENTER_DEVICE(device);
    if (out == NULL) return INVALID_ARGUMENT;
    if (out->version != MEMORY_V2) return VERSION_MISMATCH;
    return memory_of(device, out);
}

/* Power, clocks, temperature */

ONE_NUMBER(nvmlDeviceGetPerformanceState, performance_state, 1)
ONE_NUMBER(nvmlDeviceGetEnforcedPowerLimit, power_limit_w, 1000)
ONE_NUMBER(nvmlDeviceGetPowerManagementLimit, power_limit_w, 1000)
ONE_NUMBER(nvmlDeviceGetPowerManagementDefaultLimit, power_default_limit_w, 1000)

int nvmlDeviceGetPowerUsage(Device *device, unsigned *milliwatts) {
    ENTER_DEVICE(device);
    if (milliwatts == NULL) return INVALID_ARGUMENT;
    if (!has(device, FIELD_power_w)) return NOT_SUPPORTED;
    *milliwatts = rounded(averaged(device, FIELD_power_w, FIELD_power_window_s, now_s()) * 1000);
    return SUCCESS;
}

/* The power's integral since the start plus an offset; from `energy_reset_s` on, since then. */
int energy_of(const Device *device, unsigned long long *millijoules) {
    if (!has(device, FIELD_power_w) || !has(device, FIELD_energy_offset_mj)) return NOT_SUPPORTED;
    double time_s = now_s(), from_s = 0, offset_mj = now(device, FIELD_energy_offset_mj);
    double update_s = now(device, FIELD_energy_update_s);
    if (update_s > 0) time_s = floor(time_s / update_s) * update_s;
    if (has(device, FIELD_energy_reset_s) && time_s >= now(device, FIELD_energy_reset_s)) {
        from_s = now(device, FIELD_energy_reset_s);
        offset_mj = 0;
    }
    double energy_mj = offset_mj + 1000 * integral(&device->fields[FIELD_power_w], from_s, time_s);
    *millijoules = wrapped(energy_mj, now(device, FIELD_energy_wrap_mj));
    return SUCCESS;
}

int nvmlDeviceGetTotalEnergyConsumption(Device *device, unsigned long long *millijoules) {
    ENTER_DEVICE(device);
    return millijoules == NULL ? INVALID_ARGUMENT : energy_of(device, millijoules);
}

static int give_clock(const Device *device, Field first, unsigned type, unsigned *mhz) {
    if (type > 3) return INVALID_ARGUMENT;
    return give(device, first + type, 1, mhz);
}

int nvmlDeviceGetClockInfo(Device *device, unsigned type, unsigned *mhz) {
    ENTER_DEVICE(device);
    return give_clock(device, FIELD_clock_graphics_mhz, type, mhz);
}

int nvmlDeviceGetMaxClockInfo(Device *device, unsigned type, unsigned *mhz) {
    ENTER_DEVICE(device);
    return give_clock(device, FIELD_max_clock_graphics_mhz, type, mhz);
}

int nvmlDeviceGetApplicationsClock(Device *device, unsigned type, unsigned *mhz) {
    ENTER_DEVICE(device);
    return give_clock(device, FIELD_application_clock_graphics_mhz, type, mhz);
}

int nvmlDeviceGetDefaultApplicationsClock(Device *device, unsigned type, unsigned *mhz) {
    ENTER_DEVICE(device);
    return give_clock(device, FIELD_default_application_clock_graphics_mhz, type, mhz);
}

int nvmlDeviceGetTemperature(Device *device, unsigned sensor, unsigned *celsius) {
    ENTER_DEVICE(device);
    if (sensor != 0) return INVALID_ARGUMENT;
    return give(device, FIELD_temperature_c, 1, celsius);
}

typedef struct {
    unsigned version, sensor;
    int celsius;
} Temperature;

int nvmlDeviceGetTemperatureV(Device *device, Temperature *out) {
    unsigned celsius;
    ENTER_DEVICE(device);
    if (out == NULL) return INVALID_ARGUMENT;
    if (out->version != (sizeof *out | 1u << 24)) return VERSION_MISMATCH;
    if (out->sensor != 0) return INVALID_ARGUMENT;
    int error = give(device, FIELD_temperature_c, 1, &celsius);
    if (error == SUCCESS) out->celsius = (int)celsius;
    return error;
}

int nvmlDeviceGetTemperatureThreshold(Device *device, unsigned kind, unsigned *celsius) {
    ENTER_DEVICE(device);
    if (kind > 3) return NOT_SUPPORTED;
    return give(device, FIELD_shutdown_temperature_c + kind, 1, celsius);
}

static int give_bits(const Device *device, Field field, unsigned long long *out) {
    if (out == NULL) return INVALID_ARGUMENT;
    if (!has(device, field)) return NOT_SUPPORTED;
    *out = (unsigned long long)now(device, field);
    return SUCCESS;
}

int nvmlDeviceGetCurrentClocksThrottleReasons(Device *device, unsigned long long *reasons) {
    ENTER_DEVICE(device);
    return give_bits(device, FIELD_throttle_reasons, reasons);
}

int nvmlDeviceGetCurrentClocksEventReasons(Device *device, unsigned long long *reasons) {
    ENTER_DEVICE(device);
    return give_bits(device, FIELD_throttle_reasons, reasons);
}

int nvmlDeviceGetSupportedClocksThrottleReasons(Device *device, unsigned long long *reasons) {
    ENTER_DEVICE(device);
    return give_bits(device, FIELD_throttle_reasons_supported, reasons);
}

int nvmlDeviceGetSupportedClocksEventReasons(Device *device, unsigned long long *reasons) {
    ENTER_DEVICE(device);
    return give_bits(device, FIELD_throttle_reasons_supported, reasons);
}

typedef struct {
    unsigned long long reference_us, violation_ns;
} Violation;

int nvmlDeviceGetViolationStatus(Device *device, unsigned policy, Violation *out) {
    ENTER_DEVICE(device);
    if (out == NULL || policy > 11) return INVALID_ARGUMENT;
    if (policy > 1 || !has(device, FIELD_violation_power + policy)) return NOT_SUPPORTED;
    double time_s = now_s();
    double violated_s = integral(&device->fields[FIELD_violation_power + policy], 0, time_s);
    *out = (Violation){unix_us(time_s), wrapped(violated_s * 1e9, 0)};
    return SUCCESS;
}

/* PCI Express */

ONE_NUMBER(nvmlDeviceGetCurrPcieLinkGeneration, pcie_generation, 1)
ONE_NUMBER(nvmlDeviceGetCurrPcieLinkWidth, pcie_width, 1)
ONE_NUMBER(nvmlDeviceGetMaxPcieLinkGeneration, pcie_max_generation, 1)
ONE_NUMBER(nvmlDeviceGetMaxPcieLinkWidth, pcie_max_width, 1)

/* As the real one does, watch the link for 20 ms. */
int nvmlDeviceGetPcieThroughput(Device *device, unsigned counter, unsigned *kb_per_s) {
    ENTER_DEVICE(device);
    if (kb_per_s == NULL || counter > 1) return INVALID_ARGUMENT;
    if (!has(device, FIELD_pcie_tx_kb_per_s + counter)) return NOT_SUPPORTED;
    double from_s = now_s();
    sleep_s(PCIE_WINDOW_S);
    *kb_per_s = rounded(mean(&device->fields[FIELD_pcie_tx_kb_per_s + counter], from_s, now_s()));
    return SUCCESS;
}

/* Processes */

typedef struct {
    unsigned pid;
    unsigned long long memory_bytes;
    unsigned gpu_instance, compute_instance;
} ProcessInfo;

/* The processes that the calling one has started, as far as they fit. */
static size_t children(unsigned *pids, size_t room) {
    glob_t files;
    size_t count = 0;
    if (glob("/proc/self/task/*/children", 0, NULL, &files) != 0) return 0;
    for (size_t i = 0; i < files.gl_pathc; i++) {
        FILE *file = fopen(files.gl_pathv[i], "r");
        while (file != NULL && count < room && fscanf(file, "%u", &pids[count]) == 1) count++;
        if (file != NULL) fclose(file);
    }
    globfree(&files);
    return count;
}

static size_t listed_by(const Device *device, bool graphics, ProcessInfo *infos, size_t room) {
    size_t count = 0;
    double time_s = now_s();
    bool instance = device->parent != NULL;
    unsigned pids[MAX_PROCESSES];
    for (size_t i = 0; i < device->process_count; i++) {
        const Process *process = &device->processes[i];
        size_t found = 1;
        pids[0] = process->kind == PID_SELF ? (unsigned)getpid() : process->pid;
        if (process->graphics != graphics || time_s < process->from_s || time_s >= process->to_s)
            continue;
        if (process->kind == PID_CHILD) found = children(pids, MAX_PROCESSES);
        for (size_t k = 0; k < found && count < room; k++)
            infos[count++] = (ProcessInfo){
                pids[k], process->memory_bytes,
                instance ? rounded(now(device, FIELD_gpu_instance)) : NO_INSTANCE,
                instance ? rounded(now(device, FIELD_compute_instance)) : NO_INSTANCE};
    }
    return count;
}

/* A GPU's list has those of its instances too. */
static int list(const Device *device, bool graphics, unsigned *count, ProcessInfo *infos) {
    ProcessInfo all[2 * MAX_PROCESSES];
    size_t room = sizeof all / sizeof *all, found = 0;
    if (count == NULL || (infos == NULL && *count > 0)) return INVALID_ARGUMENT;
    for (size_t i = 0; i < scenario.device_count; i++) {
        const Device *one = &scenario.devices[i];
        if (one == device || one->parent == device)
            found += listed_by(one, graphics, all + found, room - found);
    }
    bool fits = found <= *count;
    *count = (unsigned)found;
    if (fits && found > 0) memcpy(infos, all, found * sizeof *infos);
    return fits ? SUCCESS : INSUFFICIENT_SIZE;
}

#define PROCESSES Device *device, unsigned *count, ProcessInfo *infos

int nvmlDeviceGetComputeRunningProcesses_v2(PROCESSES) {
    ENTER_DEVICE(device);
    return list(device, false, count, infos);
}

int nvmlDeviceGetComputeRunningProcesses_v3(PROCESSES) {
    ENTER_DEVICE(device);
    return list(device, false, count, infos);
}

int nvmlDeviceGetGraphicsRunningProcesses_v2(PROCESSES) {
    ENTER_DEVICE(device);
    return list(device, true, count, infos);
}

int nvmlDeviceGetGraphicsRunningProcesses_v3(PROCESSES) {
    ENTER_DEVICE(device);
    return list(device, true, count, infos);
}
