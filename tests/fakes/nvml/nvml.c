/* NVIDIA's driver library (NVML), as far as tests need it: answers from a scenario.
 *
 * Names, arguments, structures and return codes are those that the package nvidia-ml-py calls
 * with. This file starts the library and says which devices there are and what they are;
 * figures.c measures them, and buffered.c has what the driver collects over time. Python reads
 * the functions' names from these files, so each stands at the beginning of a line, as
 * `int nvml…(` or `ONE_NUMBER(nvml…`.
 */
#include "driver.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

static int references; /* how many times nvmlInit… was called without nvmlShutdown */
static pthread_mutex_t references_lock = PTHREAD_MUTEX_INITIALIZER;

/* Entering a function */

static bool is_known(const Device *device) {
    for (size_t i = 0; i < scenario.device_count; i++)
        if (device == &scenario.devices[i]) return true;
    return false;
}

int enter(const char *function, const Device *device) {
    if (references == 0) return UNINITIALIZED;
    return apply_rules(function, device);
}

int enter_device(const char *function, const Device *device) {
    if (references == 0) return UNINITIALIZED;
    if (!is_known(device)) return INVALID_ARGUMENT;
    return apply_rules(function, device);
}

/* Figures */

bool has(const Device *device, Field field) { return device->fields[field].count > 0; }

double now(const Device *device, Field field) {
    return value_at(&device->fields[field], now_s());
}

double averaged(const Device *device, Field field, Field window, double time_s) {
    double window_s = value_at(&device->fields[window], time_s);
    return mean(&device->fields[field], time_s - window_s, time_s);
}

unsigned rounded(double value) { return value <= 0 ? 0 : (unsigned)llround(value); }

unsigned long long wrapped(double value, double wrap) {
    if (value <= 0) return 0;
    return (unsigned long long)(wrap > 0 ? fmod(value, wrap) : value);
}

int give(const Device *device, Field field, double scale, unsigned *out) {
    if (out == NULL) return INVALID_ARGUMENT;
    if (!has(device, field)) return NOT_SUPPORTED;
    *out = rounded(now(device, field) * scale);
    return SUCCESS;
}

static int give_text(const char *text, char *out, unsigned size) {
    if (out == NULL) return INVALID_ARGUMENT;
    if (text[0] == '\0') return NOT_SUPPORTED;
    if (strlen(text) >= size) return INSUFFICIENT_SIZE;
    strcpy(out, text);
    return SUCCESS;
}

/* Starting and stopping */

static int initialise(const char *function) {
    if (!scenario_load()) return UNKNOWN;
    int error = apply_rules(function, NULL);
    if (error != SUCCESS) return error;
    pthread_mutex_lock(&references_lock);
    references++;
    pthread_mutex_unlock(&references_lock);
    return SUCCESS;
}

int nvmlInit(void) { return initialise(__func__); }

int nvmlInit_v2(void) { return initialise(__func__); }

int nvmlInitWithFlags(unsigned flags) {
    (void)flags;
    return initialise(__func__);
}

int nvmlShutdown(void) {
    ENTER();
    pthread_mutex_lock(&references_lock);
    if (references > 0) references--;
    pthread_mutex_unlock(&references_lock);
    return SUCCESS;
}

const char *nvmlErrorString(int code) {
    switch (code) {
    case SUCCESS: return "The operation was successful";
    case UNINITIALIZED: return "Uninitialized";
    case INVALID_ARGUMENT: return "Invalid Argument";
    case NOT_SUPPORTED: return "Not Supported";
    case NOT_FOUND: return "Not Found";
    case INSUFFICIENT_SIZE: return "Insufficient Size";
    case GPU_IS_LOST: return "GPU is lost";
    case VERSION_MISMATCH: return "Argument version mismatch";
    default: return "Unknown Error";
    }
}

/* The machine */

int nvmlSystemGetDriverVersion(char *version, unsigned size) {
    ENTER();
    return give_text(scenario.driver, version, size);
}

int nvmlSystemGetNVMLVersion(char *version, unsigned size) {
    ENTER();
    return give_text(scenario.nvml, version, size);
}

static int cuda_version(int *version) {
    if (version == NULL) return INVALID_ARGUMENT;
    if (scenario.cuda == 0) return NOT_SUPPORTED;
    *version = scenario.cuda;
    return SUCCESS;
}

int nvmlSystemGetCudaDriverVersion(int *version) {
    ENTER();
    return cuda_version(version);
}

int nvmlSystemGetCudaDriverVersion_v2(int *version) {
    ENTER();
    return cuda_version(version);
}

int nvmlDeviceGetCount_v2(unsigned *count) {
    ENTER();
    if (count == NULL) return INVALID_ARGUMENT;
    *count = (unsigned)scenario.gpu_count;
    return SUCCESS;
}

/* Handles */

static int give_handle(const char *function, Device *found, int if_none, Device **out) {
    int error = enter(function, found);
    if (error != SUCCESS) return error;
    if (found == NULL || out == NULL) return out == NULL ? INVALID_ARGUMENT : if_none;
    *out = found;
    return SUCCESS;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned index, Device **device) {
    return give_handle(__func__, find_gpu((int)index), INVALID_ARGUMENT, device);
}

int nvmlDeviceGetHandleByUUID(const char *uuid, Device **device) {
    Device *found = NULL;
    for (size_t i = 0; uuid != NULL && i < scenario.device_count; i++)
        if (strcmp(scenario.devices[i].uuid, uuid) == 0) found = &scenario.devices[i];
    return give_handle(__func__, found, NOT_FOUND, device);
}

static bool pci_numbers(const char *bus_id, unsigned numbers[3]) {
    return sscanf(bus_id, "%x:%x:%x", &numbers[0], &numbers[1], &numbers[2]) == 3;
}

int nvmlDeviceGetHandleByPciBusId_v2(const char *bus_id, Device **device) {
    Device *found = NULL;
    unsigned asked[3], has_it[3];
    for (int i = 0; bus_id != NULL && pci_numbers(bus_id, asked) && i < scenario.gpu_count; i++) {
        Device *gpu = find_gpu(i);
        if (pci_numbers(gpu->pci, has_it) && memcmp(asked, has_it, sizeof asked) == 0) found = gpu;
    }
    return give_handle(__func__, found, NOT_FOUND, device);
}

/* What a device is */

int nvmlDeviceGetName(Device *device, char *name, unsigned size) {
    ENTER_DEVICE(device);
    return give_text(device->name, name, size);
}

int nvmlDeviceGetUUID(Device *device, char *uuid, unsigned size) {
    ENTER_DEVICE(device);
    return give_text(device->uuid, uuid, size);
}

int nvmlDeviceGetIndex(Device *device, unsigned *index) {
    ENTER_DEVICE(device);
    if (index == NULL) return INVALID_ARGUMENT;
    *index = (unsigned)device->index;
    return SUCCESS;
}

typedef struct {
    char bus_id_legacy[16];
    unsigned domain, bus, device, pci_device_id, pci_subsystem_id;
    char bus_id[32];
} PciInfo;

int nvmlDeviceGetPciInfo_v3(Device *device, PciInfo *info) {
    unsigned numbers[3];
    ENTER_DEVICE(device);
    if (info == NULL) return INVALID_ARGUMENT;
    if (!pci_numbers(device->pci, numbers)) return NOT_SUPPORTED;
    *info = (PciInfo){.domain = numbers[0], .bus = numbers[1], .device = numbers[2]};
    snprintf(info->bus_id_legacy, sizeof info->bus_id_legacy, "%04X:%02X:%02X.0",
             numbers[0] & 0xFFFF, numbers[1] & 0xFF, numbers[2] & 0xFF);
    snprintf(info->bus_id, sizeof info->bus_id, "%08X:%02X:%02X.0", numbers[0],
             numbers[1] & 0xFF, numbers[2] & 0xFF);
    return SUCCESS;
}

int nvmlDeviceGetCudaComputeCapability(Device *device, int *major, int *minor) {
    ENTER_DEVICE(device);
    if (major == NULL || minor == NULL) return INVALID_ARGUMENT;
    if (!has(device, FIELD_compute_major)) return NOT_SUPPORTED;
    *major = (int)now(device, FIELD_compute_major);
    *minor = (int)now(device, FIELD_compute_minor);
    return SUCCESS;
}

ONE_NUMBER(nvmlDeviceGetArchitecture, architecture, 1)
ONE_NUMBER(nvmlDeviceGetMemoryBusWidth, memory_bus_bits, 1)
ONE_NUMBER(nvmlDeviceGetNumGpuCores, cores, 1)
ONE_NUMBER(nvmlDeviceGetPersistenceMode, persistence_mode, 1)
ONE_NUMBER(nvmlDeviceGetComputeMode, compute_mode, 1)

/* Multi-instance GPUs */

ONE_NUMBER(nvmlDeviceGetGpuInstanceId, gpu_instance, 1)
ONE_NUMBER(nvmlDeviceGetComputeInstanceId, compute_instance, 1)

int nvmlDeviceGetMigMode(Device *device, unsigned *current, unsigned *pending) {
    ENTER_DEVICE(device);
    int error = give(device, FIELD_mig_mode, 1, current);
    return error == SUCCESS ? give(device, FIELD_mig_mode, 1, pending) : error;
}

int nvmlDeviceGetMaxMigDeviceCount(Device *device, unsigned *count) {
    ENTER_DEVICE(device);
    if (count == NULL) return INVALID_ARGUMENT;
    *count = rounded(now(device, FIELD_mig_slots));
    return SUCCESS;
}

int nvmlDeviceGetMigDeviceHandleByIndex(Device *device, unsigned slot, Device **instance) {
    ENTER_DEVICE(device);
    if (instance == NULL || slot >= rounded(now(device, FIELD_mig_slots))) return INVALID_ARGUMENT;
    *instance = find_instance(device, (int)slot);
    return *instance == NULL ? NOT_FOUND : SUCCESS;
}

int nvmlDeviceGetDeviceHandleFromMigDeviceHandle(Device *instance, Device **device) {
    ENTER_DEVICE(instance);
    if (device == NULL || instance->parent == NULL) return INVALID_ARGUMENT;
    *device = instance->parent;
    return SUCCESS;
}

int nvmlDeviceIsMigDeviceHandle(Device *device, unsigned *is_instance) {
    ENTER_DEVICE(device);
    if (is_instance == NULL) return INVALID_ARGUMENT;
    *is_instance = device->parent != NULL;
    return SUCCESS;
}

typedef struct {
    unsigned multiprocessors, copy_engines, decoders, encoders, jpegs, ofas;
    unsigned gpu_instance_slices, compute_instance_slices;
    unsigned long long memory_mib;
} Attributes;

int nvmlDeviceGetAttributes_v2(Device *device, Attributes *out) {
    ENTER_DEVICE(device);
    if (out == NULL) return INVALID_ARGUMENT;
    if (!has(device, FIELD_gpu_instance_slices)) return NOT_SUPPORTED;
    *out = (Attributes){
        .multiprocessors = rounded(now(device, FIELD_multiprocessors)),
        .gpu_instance_slices = rounded(now(device, FIELD_gpu_instance_slices)),
        .compute_instance_slices = rounded(now(device, FIELD_compute_instance_slices)),
        .memory_mib = (unsigned long long)now(device, FIELD_memory_total_bytes) >> 20};
    return SUCCESS;
}
