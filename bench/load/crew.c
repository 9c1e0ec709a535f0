#include "bench/load/crew.h"

#include "bench/load/bench.h"
#include "bench/load/util.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define MEETING_US 100
#define GRACE_MS   2000

void crew_phase(struct member *member, const char *phase)
{
    if (member->index == 0)
        snprintf(member->crew->phase, sizeof(member->crew->phase), "%s", phase);
}

void crew_fork(struct member *member)
{
    fflush(NULL);
    for (unsigned i = 1; i < member->count; i++) {
        pid_t pid = fork();
        if (pid < 0)
            die("cannot start another process of the load generator: %s", strerror(errno));
        if (pid == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            member->index = i;
            die_note_in(member->crew->results[i].failed, FAILED_TEXT_MAX);
            return;
        }
        member->others[i] = pid;
    }
}

static void look_after_others(const struct member *member)
{
    const struct crew *crew = member->crew;
    for (unsigned i = 1; i < member->count; i++) {
        if (waitpid(member->others[i], NULL, WNOHANG) != member->others[i])
            continue;
        die("process %u of the load generator ended early: %s", i,
            crew->results[i].failed[0] != '\0' ? crew->results[i].failed : "it crashed");
    }
}

void crew_meet(struct member *member)
{
    unsigned wanted = ++member->meetings * member->count;
    atomic_fetch_add(&member->crew->arrived, 1);
    while (atomic_load(&member->crew->arrived) < wanted) {
        if (member->index == 0)
            look_after_others(member);
        usleep(MEETING_US);
    }
}

/* ---- the process that watches over them ---- */

static _Noreturn void first_member(struct crew *crew, const struct target_setup *setup,
                                   unsigned processes)
{
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    struct member member = {.crew = crew, .count = processes};
    die_note_in(crew->results[0].failed, FAILED_TEXT_MAX);
    struct bench *bench = must_alloc(sizeof(*bench));
    bench_run(bench, setup, &member);
    bench_free(bench);
    free(bench);
    /* What the others hold would be looked for in vain by a sanitizer: it is a copy of ours. */
    if (member.index > 0)
        _exit(0);
    exit(0);
}

/* Waits until nobody holds the other end of the pipe; false where the time is over before. */
static bool await_end(int alive, double seconds)
{
    struct pollfd wait = {.fd = alive, .events = POLLIN};
    uint64_t until = now_ns() + (uint64_t)(seconds * 1e9);
    for (;;) {
        uint64_t now = now_ns();
        if (seconds > 0 && now >= until)
            return false;
        int ms = seconds > 0 ? (int)((until - now) / 1000000U) + 1 : -1;
        if (poll(&wait, 1, ms) > 0)
            return true;
    }
}

static void note_end(struct result *result, int status)
{
    if (result->failed[0] != '\0' || status == 0)
        return;
    if (WIFSIGNALED(status))
        snprintf(result->failed, FAILED_TEXT_MAX, "the load generator was ended by signal %d",
                 WTERMSIG(status));
    else
        snprintf(result->failed, FAILED_TEXT_MAX, "the load generator ended with status %d",
                 WEXITSTATUS(status));
}

static void time_is_over(struct crew *crew, double timeout_s)
{
    char *failed = crew->results[0].failed;
    snprintf(failed, FAILED_TEXT_MAX, "timeout of %g s in phase '%s'", timeout_s, crew->phase);
    fprintf(stderr, "stentor-bench: %s\n", failed);
}

void crew_run(struct result *result, const struct target_setup *setup, unsigned processes,
              double timeout_s)
{
    struct crew *crew =
        mmap(NULL, sizeof(*crew), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int alive[2];
    if (crew == MAP_FAILED || pipe2(alive, O_CLOEXEC) < 0)
        die("cannot set up a run: %s", strerror(errno));
    fflush(NULL);
    pid_t pid = fork();
    if (pid < 0)
        die("cannot start a run: %s", strerror(errno));
    if (pid == 0) {
        close(alive[0]);
        first_member(crew, setup, processes);
    }
    close(alive[1]);
    if (!await_end(alive[0], timeout_s)) {
        time_is_over(crew, timeout_s);
        kill(pid, SIGTERM);
        if (!await_end(alive[0], GRACE_MS / 1e3))
            kill(pid, SIGKILL);
    }
    int status = 0;
    waitpid(pid, &status, 0);
    close(alive[0]);
    *result = crew->results[0];
    note_end(result, status);
    munmap(crew, sizeof(*crew));
}
