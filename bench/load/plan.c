#include "bench/load/plan.h"

#include "bench/load/util.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum kind { COUNT, REAL, TEXT };

static const struct parameter {
    const char *name;
    enum kind kind;
    size_t at;
    size_t size; /* of a text */
} parameters[] = {
    {"steps", TEXT, offsetof(struct plan, steps), PLAN_TEXT_MAX},
    {"drive", TEXT, offsetof(struct plan, drive), 16},
    {"presences", TEXT, offsetof(struct plan, presences), 16},
    {"refusals", TEXT, offsetof(struct plan, refusals), 16},
    {"store", TEXT, offsetof(struct plan, store), 16},
    {"measure", TEXT, offsetof(struct plan, measure), 32},
    {"rooms", COUNT, offsetof(struct plan, rooms), 0},
    {"occupants", COUNT, offsetof(struct plan, occupants), 0},
    {"side_rooms", COUNT, offsetof(struct plan, side_rooms), 0},
    {"side_occupants", COUNT, offsetof(struct plan, side_occupants), 0},
    {"body", COUNT, offsetof(struct plan, body), 0},
    {"messages", COUNT, offsetof(struct plan, messages), 0},
    {"fill", COUNT, offsetof(struct plan, fill), 0},
    {"window", COUNT, offsetof(struct plan, window), 0},
    {"history", COUNT, offsetof(struct plan, history), 0},
    {"links", COUNT, offsetof(struct plan, links), 0},
    {"send_buffer", COUNT, offsetof(struct plan, send_buffer), 0},
    {"logins", COUNT, offsetof(struct plan, logins), 0},
    {"tls", COUNT, offsetof(struct plan, tls), 0},
    {"archived", COUNT, offsetof(struct plan, archived), 0},
    {"stored_rooms", COUNT, offsetof(struct plan, stored_rooms), 0},
    {"seconds", REAL, offsetof(struct plan, seconds), 0},
    {"warmup", REAL, offsetof(struct plan, warmup), 0},
    {"settle", REAL, offsetof(struct plan, settle), 0},
    {"patience", REAL, offsetof(struct plan, patience), 0},
    {"idle", REAL, offsetof(struct plan, idle), 0},
    {"rate", REAL, offsetof(struct plan, rate), 0},
    {"side_rate", REAL, offsetof(struct plan, side_rate), 0},
    {"slow_percent", REAL, offsetof(struct plan, slow_percent), 0},
};

#define PARAMETERS (sizeof(parameters) / sizeof(parameters[0]))

static const struct parameter *parameter_of(const char *name, size_t size)
{
    for (unsigned i = 0; i < PARAMETERS; i++) {
        if (strlen(parameters[i].name) == size && memcmp(parameters[i].name, name, size) == 0)
            return &parameters[i];
    }
    return NULL;
}

static double number_in(const char *setting, const char *value)
{
    char *end;
    double number = strtod(value, &end);
    if (end == value || *end != '\0' || !(number >= 0) || number > 1e12)
        die("'%s': the value is not a number from 0 up", setting);
    return number;
}

static void set_option(struct plan *plan, const char *setting)
{
    if (plan->option_count == PLAN_OPTIONS_MAX || strlen(setting) >= PLAN_TEXT_MAX)
        die("'%s': too many options for the server, or too long", setting);
    snprintf(plan->options[plan->option_count++], PLAN_TEXT_MAX, "%s", setting);
}

/* What the result says about its parameters is what was set last. */
static void note(struct plan *plan, const char *setting, size_t name_size)
{
    char kept[sizeof(plan->parameters)] = "";
    char *rest = plan->parameters;
    for (char *word; (word = strsep(&rest, " ")) != NULL;) {
        size_t used = strlen(kept);
        if (*word != '\0' && strncmp(word, setting, name_size + 1) != 0)
            snprintf(kept + used, sizeof(kept) - used, "%s ", word);
    }
    int size = snprintf(plan->parameters, sizeof(plan->parameters), "%s%s", kept, setting);
    if (size < 0 || (size_t)size >= sizeof(plan->parameters))
        die("'%s': too many parameters", setting);
}

void plan_set(struct plan *plan, const char *setting)
{
    const char *equals = strchr(setting, '=');
    if (equals == NULL || strchr(setting, ' ') != NULL)
        die("'%s': write it as key=value, without spaces", setting);
    size_t name_size = (size_t)(equals - setting);
    const char *value = equals + 1;
    note(plan, setting, name_size);
    if (strncmp(setting, "server.", 7) == 0) {
        set_option(plan, setting + 7);
        return;
    }
    const struct parameter *parameter = parameter_of(setting, name_size);
    if (parameter == NULL)
        die("'%.*s': no such parameter; bench/plans/README.md has all of them", (int)name_size,
            setting);
    void *at = (char *)plan + parameter->at;
    if (parameter->kind == TEXT) {
        if (strlen(value) >= parameter->size)
            die("'%s': the value is too long", setting);
        snprintf(at, parameter->size, "%s", value);
    } else if (parameter->kind == COUNT) {
        *(uint64_t *)at = (uint64_t)number_in(setting, value);
    } else {
        *(double *)at = number_in(setting, value);
    }
}

static FILE *open_plan(struct plan *plan, const char *name_or_path)
{
    char path[1024];
    if (strchr(name_or_path, '/') != NULL || strchr(name_or_path, '.') != NULL)
        snprintf(path, sizeof(path), "%s", name_or_path);
    else
        snprintf(path, sizeof(path), "%s/%s.plan", BENCH_PLANS, name_or_path);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        die("cannot read the plan %s: %s", path, strerror(errno));
    const char *base = strrchr(path, '/') != NULL ? strrchr(path, '/') + 1 : path;
    snprintf(plan->name, sizeof(plan->name), "%.*s", (int)strcspn(base, "."), base);
    return file;
}

void plan_read(struct plan *plan, const char *name_or_path)
{
    *plan = (struct plan){.drive = "host",
                          .presences = "all",
                          .refusals = "no",
                          .store = "memory",
                          .rooms = 1,
                          .occupants = 1000,
                          .body = 80,
                          .history = 20,
                          .links = 1,
                          .logins = 256,
                          .seconds = 3,
                          .warmup = 0.5,
                          .settle = 0.3,
                          .patience = 15,
                          .idle = 65};
    FILE *file = open_plan(plan, name_or_path);
    char line[512];
    while (fgets(line, sizeof(line), file) != NULL) {
        line[strcspn(line, "\r\n")] = '\0';
        if (line[0] != '\0' && line[0] != '#')
            plan_set(plan, line);
    }
    fclose(file);
}

static void check_steps(const struct plan *plan)
{
    static const char *known[] = {"join",    "fill", "talk",  "presence", "churn",
                                  "changes", "slow", "leave", "idle"};
    char steps[PLAN_TEXT_MAX];
    memcpy(steps, plan->steps, sizeof(steps));
    char *rest = steps;
    for (char *step; (step = strsep(&rest, ",")) != NULL;) {
        bool found = false;
        for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
            found = found || strcmp(step, known[i]) == 0;
        if (strcmp(step, "leave") == 0 && plan->occupants + plan->side_rooms > 1)
            die("plan %s: the step 'leave' is for rooms of one", plan->name);
        if (!found)
            die("plan %s: '%s': the steps are join, fill, talk, presence, churn, changes, slow, "
                "leave and idle",
                plan->name, step);
    }
}

static void check_processes(const struct plan *plan, unsigned processes)
{
    if (plan->rooms < processes || (plan->side_rooms > 0 && plan->side_rooms < processes))
        die("plan %s: %u processes need at least as many rooms", plan->name, processes);
    if (strcmp(plan->drive, "host") == 0 && plan->links < processes)
        die("plan %s: %u processes need at least as many links (--set links=%u)", plan->name,
            processes, processes);
}

void plan_check(const struct plan *plan, unsigned processes)
{
    if (plan->rooms == 0 || plan->occupants < 1 || plan->links == 0)
        die("plan %s: rooms, occupants and links are at least 1", plan->name);
    if (plan->rooms * plan->occupants + plan->side_rooms * plan->side_occupants > 4000000)
        die("plan %s: more than 4 million users", plan->name);
    if (strcmp(plan->drive, "host") != 0 && strcmp(plan->drive, "clients") != 0)
        die("plan %s: drive is host or clients", plan->name);
    if (strcmp(plan->refusals, "no") != 0 && strcmp(plan->refusals, "allowed") != 0)
        die("plan %s: refusals is no or allowed", plan->name);
    if (strcmp(plan->presences, "all") != 0 && strcmp(plan->presences, "none") != 0)
        die("plan %s: presences is all or none", plan->name);
    if (strcmp(plan->store, "memory") != 0 && strcmp(plan->store, "process") != 0 &&
        strcmp(plan->store, "mixed") != 0 && strcmp(plan->store, "power") != 0)
        die("plan %s: store is memory, process, mixed or power", plan->name);
    if (plan->stored_rooms > 0 && strcmp(plan->store, "memory") == 0)
        die("plan %s: stored_rooms needs a store that is a file: store=process", plan->name);
    if (plan->links > PLAN_LINKS_MAX)
        die("plan %s: more than %d links", plan->name, PLAN_LINKS_MAX);
    check_steps(plan);
    check_processes(plan, processes);
}

static uint64_t part_of(uint64_t whole, unsigned index, unsigned count)
{
    return whole * (index + 1) / count - whole * index / count;
}

void plan_share(struct plan *share, const struct plan *plan, unsigned index, unsigned count)
{
    *share = *plan;
    share->rooms = part_of(plan->rooms, index, count);
    share->side_rooms = part_of(plan->side_rooms, index, count);
    share->links = count > 1 ? part_of(plan->links, index, count) : plan->links;
    share->messages = part_of(plan->messages, index, count);
    share->window = plan->window / count + (plan->window % count != 0);
    share->logins = plan->logins / count + 1;
    share->rate = plan->rate * (double)share->rooms / (double)plan->rooms;
    if (plan->side_rooms > 0)
        share->side_rate = plan->side_rate * (double)share->side_rooms / (double)plan->side_rooms;
}
