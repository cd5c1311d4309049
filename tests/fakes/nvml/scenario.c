/* Reads the scenario file. scenario.py writes it, and its docstring describes the format. */
#include "driver.h"

#include <ctype.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define VARIABLE "GPUTUNE_FAKE_NVML"
#define MAX_WORDS 4096
#define MAX_RULES 64

/* What befalls calls: an error, a delay, or both. */
typedef struct {
    char function[80]; /* empty: every function that is asked of the GPU */
    int error;
    double delay_s;
    int gpu;                  /* -1: any, and calls that name none */
    long after, calls, seen;  /* from which call on, for how many (0: all), how many there were */
    double at_s;              /* not before */
} Rule;

Scenario scenario;

static Rule rules[MAX_RULES];
static size_t rule_count;
static int log_file = -1;
static double realtime_minus_monotonic_s;
static bool loaded;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

#define FIELD_NAME(name) #name,
static const char *const FIELD_NAMES[] = {FIELDS(FIELD_NAME)};

static const struct {
    const char *name;
    int code;
} ERRORS[] = {
    {"uninitialized", 1},       {"invalid_argument", 2},        {"not_supported", 3},
    {"no_permission", 4},       {"already_initialized", 5},     {"not_found", 6},
    {"insufficient_size", 7},   {"insufficient_power", 8},      {"driver_not_loaded", 9},
    {"timeout", 10},            {"irq_issue", 11},              {"library_not_found", 12},
    {"function_not_found", 13}, {"corrupted_inforom", 14},      {"gpu_is_lost", 15},
    {"reset_required", 16},     {"operating_system", 17},       {"lib_rm_version_mismatch", 18},
    {"in_use", 19},             {"memory", 20},                 {"no_data", 21},
    {"insufficient_resources", 23}, {"argument_version_mismatch", 25}, {"deprecated", 26},
    {"not_ready", 27},          {"gpu_not_found", 28},          {"unknown", 999},
};

/* Time */

static double clock_s(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

double now_s(void) { return clock_s(CLOCK_MONOTONIC) - scenario.start_s; }

unsigned long long unix_us(double time_s) {
    return (unsigned long long)llround(
        (time_s + scenario.start_s + realtime_minus_monotonic_s) * 1e6);
}

void sleep_s(double seconds) {
    struct timespec left = {(time_t)seconds, (long)((seconds - floor(seconds)) * 1e9)};
    while (nanosleep(&left, &left) != 0 && errno == EINTR) {
    }
}

/* Series */

double value_at(const Series *series, double time_s) {
    if (series->count == 0) return 0;
    if (series->period_s > 0) time_s -= floor(time_s / series->period_s) * series->period_s;
    double value = series->steps[0].value;
    for (size_t i = 0; i < series->count && series->steps[i].time_s <= time_s; i++)
        value = series->steps[i].value;
    return value;
}

/* The integral without repetition, from_s <= to_s; the first value holds before its time too. */
static double plain_integral(const Series *series, double from_s, double to_s) {
    double sum = 0;
    for (size_t i = 0; i < series->count; i++) {
        double begin = i == 0 ? from_s : fmax(from_s, series->steps[i].time_s);
        double end = i + 1 == series->count ? to_s : fmin(to_s, series->steps[i + 1].time_s);
        if (end > begin) sum += (end - begin) * series->steps[i].value;
    }
    return sum;
}

static double repeated_integral(const Series *series, double to_s) {
    double periods = floor(to_s / series->period_s);
    return periods * plain_integral(series, 0, series->period_s) +
           plain_integral(series, 0, to_s - periods * series->period_s);
}

double integral(const Series *series, double from_s, double to_s) {
    if (to_s < from_s) return -integral(series, to_s, from_s);
    if (series->period_s <= 0) return plain_integral(series, from_s, to_s);
    return repeated_integral(series, to_s) - repeated_integral(series, from_s);
}

double mean(const Series *series, double from_s, double to_s) {
    if (to_s - from_s < 1e-9) return value_at(series, to_s);
    return integral(series, from_s, to_s) / (to_s - from_s);
}

/* Devices */

static Device *find(const Device *parent, int index) {
    for (size_t i = 0; i < scenario.device_count; i++) {
        Device *device = &scenario.devices[i];
        if (device->parent == parent && device->index == index) return device;
    }
    return NULL;
}

Device *find_gpu(int index) { return find(NULL, index); }

Device *find_instance(const Device *parent, int slot) { return find(parent, slot); }

int gpu_index(const Device *device) {
    if (device == NULL) return -1;
    return device->parent == NULL ? device->index : device->parent->index;
}

static Device *find_or_make(Device *parent, int index) {
    Device *device = find(parent, index);
    if (device != NULL || index < 0 || scenario.device_count == MAX_DEVICES) return device;
    device = &scenario.devices[scenario.device_count++];
    device->parent = parent;
    device->index = index;
    if (parent == NULL && index >= scenario.gpu_count) scenario.gpu_count = index + 1;
    return device;
}

/* Parsing: each function returns what is wrong with the line, or NULL */

static bool number(const char *word, double *out) {
    char *end;
    *out = strtod(word, &end);
    return end != word && *end == '\0' && isfinite(*out);
}

static bool whole(const char *word, long *out) {
    char *end;
    *out = strtol(word, &end, 0);
    return end != word && *end == '\0';
}

static const char *copy(char *into, size_t size, char **words, int count) {
    if (count != 1) return "needs one word";
    if (strlen(words[0]) >= size) return "too long";
    strcpy(into, words[0]);
    return NULL;
}

/* `VALUE`, or `TIME:VALUE TIME:VALUE …`, and `every PERIOD` after them where they repeat. */
static const char *parse_series(Series *series, char **words, int count) {
    if (series->count > 0) return "stated twice";
    if (count >= 3 && strcmp(words[count - 2], "every") == 0) {
        if (!number(words[count - 1], &series->period_s) || series->period_s <= 0)
            return "a period is a number of seconds above 0";
        count -= 2;
    }
    if (count < 1) return "needs a value";
    series->steps = calloc((size_t)count, sizeof *series->steps);
    if (series->steps == NULL) return "out of memory";
    for (int i = 0; i < count; i++) {
        Step *step = &series->steps[i];
        char *colon = strchr(words[i], ':');
        if (colon != NULL) *colon = '\0';
        if (colon == NULL && count > 1) return "several values need times";
        if (colon != NULL && !number(words[i], &step->time_s)) return "not a time";
        if (!number(colon == NULL ? words[i] : colon + 1, &step->value)) return "not a number";
        if (i > 0 && step->time_s <= step[-1].time_s) return "times must rise";
    }
    if (series->period_s > 0 && series->steps[0].time_s != 0) return "a period begins at 0";
    if (series->period_s > 0 && series->steps[count - 1].time_s >= series->period_s)
        return "a step lies beyond the period";
    series->count = (size_t)count;
    return NULL;
}

/* `PID MEMORY [graphics] [from TIME] [to TIME]` */
static const char *parse_process(Device *device, char **words, int count) {
    if (count < 2) return "a process needs a pid and its memory";
    if (device->process_count == MAX_PROCESSES) return "too many processes";
    Process *process = &device->processes[device->process_count];
    double value;
    long pid = 0;
    *process = (Process){.from_s = -INFINITY, .to_s = INFINITY};
    if (strcmp(words[0], "self") == 0)
        process->kind = PID_SELF;
    else if (strcmp(words[0], "child") == 0)
        process->kind = PID_CHILD;
    else if (!whole(words[0], &pid) || pid < 1)
        return "a pid is a number, self or child";
    process->pid = (unsigned)pid;
    if (strcmp(words[1], "na") == 0)
        process->memory_bytes = ~0ULL;
    else if (number(words[1], &value) && value >= 0)
        process->memory_bytes = (unsigned long long)value;
    else
        return "memory is a number of bytes or na";
    for (int i = 2; i < count; i++) {
        bool timed = i + 1 < count && number(words[i + 1], &value);
        if (strcmp(words[i], "graphics") == 0) {
            process->graphics = true;
            continue;
        }
        if (timed && strcmp(words[i], "from") == 0)
            process->from_s = value;
        else if (timed && strcmp(words[i], "to") == 0)
            process->to_s = value;
        else
            return "not understood";
        i++;
    }
    device->process_count++;
    return NULL;
}

/* `gpu INDEX [mig SLOT] FIELD …` */
static const char *parse_device(char **words, int count) {
    long index, metric;
    Device *device = NULL;
    if (count >= 2 && whole(words[0], &index)) device = find_or_make(NULL, (int)index);
    if (device != NULL && count >= 4 && strcmp(words[1], "mig") == 0 && whole(words[2], &index)) {
        device = find_or_make(device, (int)index);
        words += 2;
        count -= 2;
    }
    if (device == NULL) return "needs the number of a GPU, and a field";
    const char *field = words[1];
    words += 2;
    count -= 2;
    if (strcmp(field, "name") == 0) return copy(device->name, sizeof device->name, words, count);
    if (strcmp(field, "uuid") == 0) return copy(device->uuid, sizeof device->uuid, words, count);
    if (strcmp(field, "pci") == 0) return copy(device->pci, sizeof device->pci, words, count);
    if (strcmp(field, "process") == 0) return parse_process(device, words, count);
    if (strcmp(field, "gpm") == 0) {
        if (count < 2 || !whole(words[0], &metric) || metric < 1 || metric >= GPM_METRICS)
            return "gpm needs the number of a metric, and a value";
        return parse_series(&device->gpm[metric], words + 1, count - 1);
    }
    for (int i = 0; i < FIELD_COUNT; i++)
        if (strcmp(field, FIELD_NAMES[i]) == 0)
            return parse_series(&device->fields[i], words, count);
    return "unknown field";
}

/* Whether this library has the function, under this name or with a version behind it. */
static bool has_function(const char *name) {
    static const char *const ENDS[] = {"", "_v2", "_v3"};
    Dl_info here;
    char full[96];
    bool found = false;
    if (dladdr(&scenario, &here) == 0) return false;
    void *library = dlopen(here.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
    if (library == NULL) return false;
    for (size_t i = 0; i < sizeof ENDS / sizeof *ENDS && !found; i++) {
        snprintf(full, sizeof full, "%s%s", name, ENDS[i]);
        found = dlsym(library, full) != NULL;
    }
    dlclose(library);
    return found;
}

/* `[gpu INDEX] [after CALLS] [for CALLS] [at TIME]` */
static const char *parse_rule(Rule rule, char **words, int count) {
    if (rule_count == MAX_RULES) return "too many rules";
    if (rule.function[0] != '\0' && !has_function(rule.function)) return "no such function";
    for (int i = 0; i < count; i += 2) {
        double value;
        if (i + 1 == count || !number(words[i + 1], &value)) return "not understood";
        if (strcmp(words[i], "gpu") == 0)
            rule.gpu = (int)value;
        else if (strcmp(words[i], "after") == 0)
            rule.after = (long)value;
        else if (strcmp(words[i], "for") == 0)
            rule.calls = (long)value;
        else if (strcmp(words[i], "at") == 0)
            rule.at_s = value;
        else
            return "not understood";
    }
    if (rule.function[0] == '\0' && rule.gpu < 0) return "needs the number of a GPU";
    rules[rule_count++] = rule;
    return NULL;
}

static const char *parse_line(char **words, int count) {
    const char *directive = words[0];
    Rule rule = {.gpu = -1, .at_s = -INFINITY};
    double value;
    words++;
    count--;
    if (strcmp(directive, "gpu") == 0) return parse_device(words, count);
    if (strcmp(directive, "driver") == 0)
        return copy(scenario.driver, sizeof scenario.driver, words, count);
    if (strcmp(directive, "nvml") == 0)
        return copy(scenario.nvml, sizeof scenario.nvml, words, count);
    if (strcmp(directive, "start") == 0 || strcmp(directive, "cuda") == 0) {
        if (count != 1 || !number(words[0], &value)) return "needs one number";
        if (directive[0] == 's')
            scenario.start_s = value;
        else
            scenario.cuda = (int)value;
        return NULL;
    }
    if (strcmp(directive, "log") == 0) {
        if (count != 1) return "needs one path";
        log_file = open(words[0], O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
        return log_file < 0 ? "the log cannot be opened" : NULL;
    }
    if (strcmp(directive, "lost") == 0) {
        rule.error = GPU_IS_LOST;
        return parse_rule(rule, words, count);
    }
    if (strcmp(directive, "fail") == 0 && count >= 2) {
        const char *problem = copy(rule.function, sizeof rule.function, words, 1);
        if (problem != NULL) return problem;
        for (size_t i = 0; i < sizeof ERRORS / sizeof *ERRORS; i++)
            if (strcmp(words[1], ERRORS[i].name) == 0) rule.error = ERRORS[i].code;
        return rule.error == 0 ? "unknown error" : parse_rule(rule, words + 2, count - 2);
    }
    if (strcmp(directive, "slow") == 0 && count >= 2) {
        const char *problem = copy(rule.function, sizeof rule.function, words, 1);
        if (problem != NULL) return problem;
        if (!number(words[1], &rule.delay_s) || rule.delay_s < 0) return "not a duration";
        return parse_rule(rule, words + 2, count - 2);
    }
    return "unknown directive";
}

/* Cut a line into words, in place; "double quotes" hold one with spaces together. */
static int cut(char *line, char **words) {
    int count = 0;
    while (count < MAX_WORDS) {
        while (isspace((unsigned char)*line)) line++;
        if (*line == '\0' || *line == '#') break;
        bool quoted = *line == '"';
        if (quoted) line++;
        words[count++] = line;
        while (*line != '\0' && (quoted ? *line != '"' : !isspace((unsigned char)*line))) line++;
        if (*line != '\0') *line++ = '\0';
    }
    return count;
}

static bool read_scenario(const char *path) {
    static char *words[MAX_WORDS];
    FILE *file = fopen(path, "r");
    char *line = NULL;
    size_t size = 0;
    const char *problem = NULL;
    if (file == NULL) {
        fprintf(stderr, "fake NVML: %s: %s\n", path, strerror(errno));
        return false;
    }
    for (int row = 1; problem == NULL && getline(&line, &size, file) >= 0; row++) {
        line[strcspn(line, "\n")] = '\0';
        char *whole_line = strdup(line);
        int count = cut(line, words);
        if (count > 0) problem = parse_line(words, count);
        if (problem != NULL)
            fprintf(stderr, "fake NVML: %s:%d: %s: %s\n", path, row, problem, whole_line);
        free(whole_line);
    }
    free(line);
    fclose(file);
    for (int i = 0; problem == NULL && i < scenario.gpu_count; i++)
        if (find_gpu(i) == NULL) {
            problem = "a GPU is missing";
            fprintf(stderr, "fake NVML: %s: GPU %d is missing\n", path, i);
        }
    return problem == NULL;
}

static bool load(void) {
    const char *path = getenv(VARIABLE);
    if (path == NULL) {
        fprintf(stderr, "fake NVML: %s is not set\n", VARIABLE);
        return false;
    }
    double monotonic_s = clock_s(CLOCK_MONOTONIC);
    realtime_minus_monotonic_s = clock_s(CLOCK_REALTIME) - monotonic_s;
    memset(&scenario, 0, sizeof scenario);
    scenario.start_s = monotonic_s;
    rule_count = 0;
    return read_scenario(path);
}

bool scenario_load(void) {
    pthread_mutex_lock(&lock);
    if (!loaded) loaded = load();
    pthread_mutex_unlock(&lock);
    return loaded;
}

/* Rules */

/* A rule without a version is for every version, and one for nvmlInit for nvmlInitWithFlags. */
static bool is_for(const Rule *rule, const char *function) {
    size_t length = strlen(rule->function);
    if (length == 0 || strcmp(rule->function, function) == 0) return true;
    if (strncmp(rule->function, function, length) != 0) return false;
    const char *rest = function + length;
    if (strcmp(rest, "WithFlags") == 0) return strcmp(rule->function, "nvmlInit") == 0;
    return strncmp(rest, "_v", 2) == 0 && isdigit((unsigned char)rest[2]) && rest[3] == '\0';
}

static void write_log(const char *function, int gpu) {
    char line[160];
    int length = snprintf(line, sizeof line, "%d %.6f %s %d\n", (int)getpid(),
                          clock_s(CLOCK_MONOTONIC), function, gpu);
    ssize_t written = write(log_file, line, (size_t)length);
    (void)written; /* a full disk shows in the test that reads the log */
}

int apply_rules(const char *function, const Device *device) {
    int error = SUCCESS, gpu = gpu_index(device);
    double delay_s = 0, time_s = now_s();
    if (log_file >= 0) write_log(function, gpu);
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < rule_count; i++) {
        Rule *rule = &rules[i];
        if (!is_for(rule, function) || (rule->gpu >= 0 && rule->gpu != gpu)) continue;
        rule->seen++;
        if (rule->seen <= rule->after || time_s < rule->at_s) continue;
        if (rule->calls > 0 && rule->seen > rule->after + rule->calls) continue;
        delay_s += rule->delay_s;
        if (error == SUCCESS) error = rule->error;
    }
    pthread_mutex_unlock(&lock);
    if (delay_s > 0) sleep_s(delay_s);
    return error;
}
