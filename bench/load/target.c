#include "bench/load/target.h"

#include "bench/load/handshake.h"
#include "bench/load/scratch.h"
#include "bench/load/tls.h"
#include "bench/load/util.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARGUMENTS_MAX 96
#define ARGUMENT_MAX  1536
#define START_MS_MAX  20000
#define STOP_MS_MAX   10000

struct command {
    char text[ARGUMENTS_MAX][ARGUMENT_MAX];
    char *argv[ARGUMENTS_MAX + 1];
    unsigned count;
};

static void add_text(struct command *command, const char *format, va_list args)
{
    if (command->count == ARGUMENTS_MAX)
        die("too many arguments for the server");
    char *text = command->text[command->count];
    vsnprintf(text, ARGUMENT_MAX, format, args);
    command->argv[command->count++] = text;
    command->argv[command->count] = NULL;
}

static void add(struct command *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void add(struct command *command, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    add_text(command, format, args);
    va_end(args);
}

/* An option and its value, two arguments. */
static void add_with(struct command *command, const char *option, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void add_with(struct command *command, const char *option, const char *format, ...)
{
    add(command, "%s", option);
    va_list args;
    va_start(args, format);
    add_text(command, format, args);
    va_end(args);
}

/* Sets in `set` what a list like 0,2-3 names; returns false if it is not such a list. */
static bool read_cpus(cpu_set_t *set, const char *cpus)
{
    CPU_ZERO(set);
    for (const char *at = cpus; *at != '\0';) {
        char *end;
        unsigned long first = strtoul(at, &end, 10);
        unsigned long last = first;
        if (end == at)
            return false;
        if (*end == '-') {
            at = end + 1;
            last = strtoul(at, &end, 10);
        }
        if (end == at || last < first || last >= CPU_SETSIZE || (*end != ',' && *end != '\0'))
            return false;
        for (unsigned long i = first; i <= last; i++)
            CPU_SET(i, set);
        at = *end == ',' ? end + 1 : end;
    }
    return CPU_COUNT(set) > 0;
}

void target_pin(pid_t pid, const char *cpus)
{
    cpu_set_t set;
    if (!read_cpus(&set, cpus))
        die("'%s' is not a list of processors, such as 0 or 0,2-3", cpus);
    if (sched_setaffinity(pid, sizeof(set), &set) < 0)
        die("cannot use the processors %s: %s", cpus, strerror(errno));
}

/* A program that lies where this one does. */
static struct command *command_of(const char *program)
{
    char path[ARGUMENT_MAX - 32];
    ssize_t got = readlink("/proc/self/exe", path, sizeof(path) - 1);
    if (got <= 0)
        die("cannot find out where this program is: %s", strerror(errno));
    path[got] = '\0';
    char *slash = strrchr(path, '/');
    *slash = '\0';
    struct command *command = must_alloc(sizeof(*command));
    add(command, "%s/%s", path, program);
    return command;
}

/* `output`: the child's standard output comes there; NULL: it is left alone. */
static void spawn(struct target *target, struct command *command, const char *cpus, int *output)
{
    int in[2], out[2];
    if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0)
        die("cannot make a pipe: %s", strerror(errno));
    target->spawned_ns = now_ns();
    target->child = fork();
    if (target->child < 0)
        die("cannot start %s: %s", command->argv[0], strerror(errno));
    if (target->child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (cpus != NULL)
            target_pin(0, cpus);
        dup2(in[0], STDIN_FILENO);
        if (output != NULL)
            dup2(out[1], STDOUT_FILENO);
        execvp(command->argv[0], command->argv);
        die("cannot start %s: %s", command->argv[0], strerror(errno));
    }
    close(in[0]);
    close(out[1]);
    target->keep = in[1];
    if (output != NULL)
        *output = out[0];
    else
        close(out[0]);
}

static uint16_t free_port(void)
{
    uint16_t port;
    close(handshake_listen(&port));
    return port;
}

static void add_certificate(struct command *command, struct target *target, const struct plan *plan)
{
    if (plan->tls == 0)
        return;
    struct tls_files files;
    tls_files_make(&files, target->client_domain);
    add_with(command, "--set", "client.certificate=%s", files.certificate);
    add_with(command, "--set", "client.key=%s", files.key);
}

static void add_client_door(struct command *command, struct target *target, const struct plan *plan)
{
    const char *door[] = {"client.plaintext=on", "client.anonymous=on", "client.domain=localhost"};
    target->client_port = free_port();
    for (unsigned i = 0; i < sizeof(door) / sizeof(*door); i++)
        add_with(command, "--set", "%s", door[i]);
    add_with(command, "--set", "client.listen=127.0.0.1:%u", target->client_port);
    add_certificate(command, target, plan);
}

static void add_links(struct command *command, struct target *target, uint64_t links)
{
    target->listener = handshake_listen(&target->port);
    add_with(command, "--set", "component.host=127.0.0.1");
    add_with(command, "--set", "component.port=%u", target->port);
    add_with(command, "--set", "component.secret=%s", target->secret);
    char further[ARGUMENT_MAX - 32] = "";
    for (uint64_t i = 1; i < links; i++) {
        size_t used = strlen(further);
        snprintf(further + used, sizeof(further) - used, "%s127.0.0.1:%u", i > 1 ? "," : "",
                 target->port);
    }
    if (further[0] == '\0')
        return;
    add_with(command, "--set", "component.links=%s", further);
}

/* Rooms r0, r1, ... that are stored already when the server starts. */
static void fill_store(const char *path, const struct plan *plan)
{
    if (plan->stored_rooms == 0)
        return;
    struct command *command = command_of("stentor-fill");
    add_with(command, "-r", "%llu", (unsigned long long)plan->stored_rooms);
    add(command, "%s", path);
    pid_t child = fork();
    if (child < 0)
        die("cannot start %s: %s", command->argv[0], strerror(errno));
    if (child == 0) {
        execv(command->argv[0], command->argv);
        _exit(127);
    }
    int status = 0;
    if (waitpid(child, &status, 0) != child || status != 0)
        die("%s could not fill the store (is it built?)", command->argv[0]);
    free(command);
}

/* Without a plan that says otherwise nothing is stored, so that rows stay what they were. */
static void add_store(struct command *command, const struct plan *plan)
{
    if (strcmp(plan->store, "memory") == 0) {
        add_with(command, "--set", "store.backend=memory");
        return;
    }
    const char *path = scratch_file("stentor.db");
    const char *beside[] = {"stentor.db-wal", "stentor.db-shm", "stentor.db.lock"};
    for (unsigned i = 0; i < sizeof(beside) / sizeof(*beside); i++)
        scratch_file(beside[i]);
    fill_store(path, plan);
    add_with(command, "--set", "store.backend=sqlite");
    add_with(command, "--set", "store.path=%s", path);
    add_with(command, "--set", "store.durability=%s", plan->store);
    add_with(command, "--set", "muc.defaults.archive=%s", plan->archived > 0 ? "on" : "off");
}

static void start_stentor(struct target *target, const struct target_setup *setup)
{
    const struct plan *plan = setup->plan;
    struct command *command = command_of("stentord");
    add_with(command, "--threads", "%u", setup->threads);
    add_with(command, "--net-threads", "%u", setup->net_threads);
    const char *fixed[] = {"muc.locked=off", "log.level=warn", "muc.domain=conference.localhost"};
    for (unsigned i = 0; i < sizeof(fixed) / sizeof(*fixed); i++)
        add_with(command, "--set", "%s", fixed[i]);
    if (strcmp(plan->drive, "clients") == 0)
        add_client_door(command, target, plan);
    else
        add_links(command, target, plan->links);
    add_store(command, plan);
    for (unsigned i = 0; i < plan->option_count; i++)
        add_with(command, "--set", "%s", plan->options[i]);
    spawn(target, command, setup->cpus, NULL);
    free(command);
    target->server = target->child;
}

/* The null service does so where the plan is about it: elsewhere it would cost for nothing. */
bool target_keeps_history(const struct target_setup *setup)
{
    return strcmp(setup->name, "null") != 0 || setup->plan->fill > 0;
}

static void start_null(struct target *target, const struct target_setup *setup)
{
    target->listener = handshake_listen(&target->port);
    struct command *command = command_of("stentor-null");
    add_with(command, "--port", "%u", target->port);
    add_with(command, "--secret", "%s", target->secret);
    add_with(command, "--domain", "%s", target->muc_domain);
    if (target_keeps_history(setup)) {
        add_with(command, "--history", "%llu", (unsigned long long)setup->plan->history);
    }
    if (strcmp(setup->plan->presences, "none") == 0)
        add(command, "--quiet");
    spawn(target, command, setup->cpus, NULL);
    free(command);
    target->server = target->child;
}

/* As many messages as a fast pipe writes in the time the plan gives. */
#define PIPE_LINK_PER_S    8000000.0
#define PIPE_CLIENTS_PER_S 160000.0

uint64_t target_pipe_messages(const struct plan *plan)
{
    double per_s = strcmp(plan->drive, "clients") == 0 ? PIPE_CLIENTS_PER_S : PIPE_LINK_PER_S;
    double messages = plan->seconds * per_s / (double)plan->occupants;
    return plan->messages > 0 ? plan->messages : (uint64_t)messages + 1;
}

static void start_pipe(struct target *target, const struct target_setup *setup)
{
    const struct plan *plan = setup->plan;
    target->listener = handshake_listen(&target->port);
    target->is_pipe = true;
    snprintf(target->user_domain, sizeof(target->user_domain), "users.localhost");
    struct command *command = command_of("stentor-pipe");
    add_with(command, "--port", "%u", target->port);
    add_with(command, "--count", "%llu", (unsigned long long)target_pipe_messages(plan));
    add_with(command, "--recipients", "%llu", (unsigned long long)plan->occupants);
    add_with(command, "--body", "%llu", (unsigned long long)plan->body);
    if (strcmp(plan->drive, "clients") == 0) {
        add_with(command, "--sockets", "%llu", (unsigned long long)plan->occupants);
    }
    int output;
    spawn(target, command, setup->cpus, &output);
    close(output); /* what it thinks of itself is not asked for */
    free(command);
    target->server = target->child;
}

/* The value behind ` name=` in the script's line. */
static void from_line(char *value, size_t size, const char *line, const char *name)
{
    const char *at = strstr(line, name);
    if (at == NULL)
        die("the peer's script does not say '%s': %s", name, line);
    at += strlen(name);
    snprintf(value, size, "%.*s", (int)strcspn(at, " \n"), at);
}

static void start_peer(struct target *target, const struct target_setup *setup)
{
    char base[32], port[16];
    bool tuned = strstr(setup->name, "-tuned") != NULL;
    snprintf(base, sizeof(base), "%.*s", (int)strcspn(setup->name, "-"), setup->name);
    struct command *command = must_alloc(sizeof(*command));
    add(command, "python3");
    add(command, "%s/%s.py", BENCH_PEERS, base);
    add_with(command, "--cpu", "%s", setup->cpus);
    if (tuned)
        add(command, "--tuned");
    int output;
    spawn(target, command, NULL, &output);
    free(command);
    FILE *lines = fdopen(output, "r");
    char line[1024];
    if (lines == NULL || fgets(line, sizeof(line), lines) == NULL)
        die("%s did not start", setup->name);
    fclose(lines);
    from_line(port, sizeof(port), line, " pid=");
    target->server = (pid_t)atoi(port);
    from_line(port, sizeof(port), line, " port=");
    target->port = (uint16_t)atoi(port);
    from_line(port, sizeof(port), line, " c2s=");
    target->client_port = (uint16_t)atoi(port);
    from_line(target->secret, sizeof(target->secret), line, " secret=");
    from_line(target->user_domain, sizeof(target->user_domain), line, " domain=");
    from_line(target->muc_domain, sizeof(target->muc_domain), line, " muc=");
    from_line(target->client_domain, sizeof(target->client_domain), line, " c2sdomain=");
    target->is_host = true;
}

void target_check(const char *name, const struct plan *plan)
{
    bool clients = strcmp(plan->drive, "clients") == 0;
    static const char *known[] = {"stentor", "null",          "pipe",
                                  "prosody", "prosody-tuned", "ejabberd"};
    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
        if (strcmp(name, known[i]) != 0)
            continue;
        if (i > 0 && !clients && plan->links > 1)
            die("target %s: several links are for stentor alone", name);
        if (i == 1 && clients)
            die("target null: it has no door for clients; the limit there is the raw pipe");
        return;
    }
    die("target '%s': there are stentor, null, pipe, prosody, prosody-tuned and ejabberd", name);
}

void target_start(struct target *target, const struct target_setup *setup)
{
    *target = (struct target){.name = setup->name, .listener = -1, .keep = -1};
    snprintf(target->secret, sizeof(target->secret), "bench");
    snprintf(target->user_domain, sizeof(target->user_domain), "localhost");
    snprintf(target->client_domain, sizeof(target->client_domain), "localhost");
    snprintf(target->muc_domain, sizeof(target->muc_domain), "conference.localhost");
    if (strcmp(setup->name, "stentor") == 0)
        start_stentor(target, setup);
    else if (strcmp(setup->name, "null") == 0)
        start_null(target, setup);
    else if (strcmp(setup->name, "pipe") == 0)
        start_pipe(target, setup);
    else
        start_peer(target, setup);
}

double target_await_link(const struct target *target)
{
    struct pollfd wait = {.fd = target->listener, .events = POLLIN};
    for (int waited = 0; waited < START_MS_MAX; waited += 50) {
        if (poll(&wait, 1, 50) > 0)
            return (double)(now_ns() - target->spawned_ns) / 1e9;
        siginfo_t ended = {0};
        if (waitid(P_PID, (id_t)target->child, &ended, WEXITED | WNOHANG | WNOWAIT) == 0 &&
            ended.si_pid == target->child)
            die("the server ended at its start; what it said about that stands above");
    }
    die("waited %d s for the server to connect", START_MS_MAX / 1000);
}

void target_end(struct target *target)
{
    if (target->keep >= 0)
        close(target->keep);
    if (target->listener >= 0)
        close(target->listener);
    kill(target->child, SIGTERM);
}

void target_await_end(struct target *target)
{
    for (int waited = 0; waited < STOP_MS_MAX; waited += 10) {
        if (waitpid(target->child, NULL, WNOHANG) == target->child) {
            scratch_remove();
            return;
        }
        usleep(10000);
    }
    kill(target->child, SIGKILL);
    waitpid(target->child, NULL, 0);
    scratch_remove();
}
