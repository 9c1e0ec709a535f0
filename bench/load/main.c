/*
 * stentor-bench PLAN: drives a server as a plan says, checks every delivery, and says what it took.
 * Each of the targets, and of the numbers of threads, is a run of its own. The exit status is 1
 * where anything was missing, twice, out of order, or wrong, or the run did not get to its end:
 * such a run has no result.
 */
#include "bench/load/crew.h"
#include "bench/load/report.h"
#include "bench/load/util.h"

#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define SETTINGS_MAX 64
#define SETTING_SIZE 512
#define LIST_MAX     16

struct arguments {
    const char *plan;
    char settings[SETTINGS_MAX][SETTING_SIZE]; /* in the order given: the last one counts */
    unsigned setting_count;
    char *targets, *threads, *net_threads; /* lists */
    char server_cpu[256], load_cpu[256];
    const char *json;
    unsigned processes;
    double timeout_s; /* of each run; 0: none */
};

static const char usage[] =
    "usage: stentor-bench PLAN [--target LIST] [--threads LIST] [--net-threads LIST]\n"
    "                     [--set key=value]... [--seconds S] [--drive host|clients]\n"
    "                     [--server-cpu LIST] [--load-cpu LIST] [--load-processes N]\n"
    "                     [--timeout S] [--json FILE]\n"
    "\n"
    "PLAN is the name of a file in bench/plans, without .plan, or a path.\n"
    "  --target LIST      of stentor (default), null, pipe, prosody, prosody-tuned, ejabberd\n"
    "  --threads LIST     shards of stentor: one run for each number\n"
    "  --net-threads LIST the same for its net threads; one number, or as many as --threads has\n"
    "  --set key=value    one parameter of the plan; server.NAME=VALUE: an option of stentord\n"
    "  --server-cpu LIST  processors of the server (as for taskset)\n"
    "  --load-cpu LIST    processors of this program\n"
    "  --load-processes N share the rooms, and the links or the clients, among N processes\n"
    "  --timeout S        a run that is not through after S seconds has failed\n"
    "  --json FILE        the result: an object, or a list of them where there are several runs\n"
    "\n"
    "Exit status: 0; 1 where a run failed (what was lost or wrong, or why it did not get to its\n"
    "end, is on stderr and in the result); 2 where the command line or the plan is wrong.\n";

/* Appends what a list of processors is made of. */
static void add_cpu(char *list, size_t size, int cpu)
{
    size_t used = strlen(list);
    snprintf(list + used, size - used, "%s%d", used > 0 ? "," : "", cpu);
}

/* The server gets what is left when each process of the load generator has taken a processor. */
static void default_cpus(struct arguments *args)
{
    cpu_set_t mine;
    char load[256] = "", server[256] = "";
    unsigned count = 0;
    if (sched_getaffinity(0, sizeof(mine), &mine) < 0)
        die("cannot see which processors there are: %s", strerror(errno));
    unsigned all = (unsigned)CPU_COUNT(&mine);
    unsigned for_load = args->processes < all ? args->processes : all > 1 ? all - 1 : 1;
    for (int i = 0; i < CPU_SETSIZE; i++) {
        if (!CPU_ISSET(i, &mine))
            continue;
        bool is_load = count++ >= all - for_load;
        if (is_load)
            add_cpu(load, sizeof(load), i);
        if (!is_load || all == 1)
            add_cpu(server, sizeof(server), i);
    }
    if (args->load_cpu[0] == '\0')
        snprintf(args->load_cpu, sizeof(args->load_cpu), "%s", load);
    if (args->server_cpu[0] == '\0')
        snprintf(args->server_cpu, sizeof(args->server_cpu), "%s", server);
}

static void add_setting(struct arguments *args, const char *key, const char *value)
{
    if (args->setting_count == SETTINGS_MAX)
        die("more than %d settings", SETTINGS_MAX);
    char *setting = args->settings[args->setting_count++];
    int size = snprintf(setting, SETTING_SIZE, "%s%s", key, value);
    if (size < 0 || size >= SETTING_SIZE)
        die("'%s': too long", value);
}

static double number_of(const char *option, const char *text, double least, double most)
{
    char *end;
    double number = strtod(text, &end);
    if (end == text || *end != '\0' || !(number >= least) || number > most)
        die("%s is '%s': give a number from %g to %g", option, text, least, most);
    return number;
}

static void read_arguments(struct arguments *args, int argc, char **argv)
{
    static const struct option known[] = {{"target", required_argument, NULL, 't'},
                                          {"threads", required_argument, NULL, 'n'},
                                          {"net-threads", required_argument, NULL, 'e'},
                                          {"set", required_argument, NULL, 's'},
                                          {"server-cpu", required_argument, NULL, 'c'},
                                          {"load-cpu", required_argument, NULL, 'l'},
                                          {"json", required_argument, NULL, 'j'},
                                          {"seconds", required_argument, NULL, 'd'},
                                          {"drive", required_argument, NULL, 'r'},
                                          {"load-processes", required_argument, NULL, 'p'},
                                          {"timeout", required_argument, NULL, 'o'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    static char ours[] = "stentor", none[] = "";
    *args =
        (struct arguments){.targets = ours, .threads = none, .net_threads = none, .processes = 1};
    for (int c; (c = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        if (c == 't')
            args->targets = optarg;
        else if (c == 'n')
            args->threads = optarg;
        else if (c == 'e')
            args->net_threads = optarg;
        else if (c == 's')
            add_setting(args, "", optarg);
        else if (c == 'd')
            add_setting(args, "seconds=", optarg);
        else if (c == 'r')
            add_setting(args, "drive=", optarg);
        else if (c == 'c')
            snprintf(args->server_cpu, sizeof(args->server_cpu), "%s", optarg);
        else if (c == 'l')
            snprintf(args->load_cpu, sizeof(args->load_cpu), "%s", optarg);
        else if (c == 'p')
            args->processes = (unsigned)number_of("--load-processes", optarg, 1, CREW_MAX);
        else if (c == 'o')
            args->timeout_s = number_of("--timeout", optarg, 0.001, 1e6);
        else if (c == 'j')
            args->json = optarg;
        else {
            fputs(usage, c == 'h' ? stdout : stderr);
            exit(c == 'h' ? 0 : 2);
        }
    }
    if (optind + 1 != argc) {
        fputs(usage, stderr);
        exit(2);
    }
    args->plan = argv[optind];
    default_cpus(args);
}

/* The numbers of a list; with an empty one, `otherwise` alone. */
static unsigned read_numbers(unsigned numbers[LIST_MAX], const char *list, unsigned otherwise)
{
    unsigned count = 0;
    numbers[0] = otherwise;
    for (const char *at = list; *at != '\0';) {
        char *end;
        unsigned long number = strtoul(at, &end, 10);
        if (end == at || number < 1 || number > 64 || (*end != ',' && *end != '\0') ||
            count == LIST_MAX)
            die("'%s': give numbers of threads from 1 to 64 with commas between", list);
        numbers[count++] = (unsigned)number;
        at = *end == ',' ? end + 1 : end;
    }
    return count > 0 ? count : 1;
}

static unsigned cpu_count(const char *list)
{
    unsigned count = 0;
    for (const char *at = list; *at != '\0';) {
        char *end;
        long first = strtol(at, &end, 10);
        long last = *end == '-' ? strtol(end + 1, &end, 10) : first;
        if (end == at)
            return 1; /* target_pin() will tell what is wrong with it */
        count += (unsigned)(last - first + 1);
        at = *end == ',' ? end + 1 : end;
    }
    return count;
}

/* Clients need a descriptor each, here and in the server, which inherits the limit. */
static void allow_many_files(void)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    struct rlimit more = {1048576, limit.rlim_max > 1048576 ? limit.rlim_max : 1048576};
    if (setrlimit(RLIMIT_NOFILE, &more) == 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

struct results {
    FILE *json;
    unsigned runs;
    double limit_per_s;
    bool failed;
};

static void run_one(struct results *results, const struct target_setup *setup,
                    const struct arguments *args)
{
    static struct result result;
    crew_run(&result, setup, args->processes, args->timeout_s);
    struct report report = {.result = &result,
                            .plan = setup->plan,
                            .target = setup->name,
                            .threads = setup->threads,
                            .net_threads = setup->net_threads,
                            .processes = args->processes,
                            .server_cpu = setup->cpus,
                            .load_cpu = args->load_cpu};
    const struct outcome *measured = result_measured(&result, setup->plan);
    bool limit = strcmp(setup->name, "null") == 0 || strcmp(setup->name, "pipe") == 0;
    if (limit && measured != NULL)
        results->limit_per_s = (double)measured->deliveries / measured->seconds;
    report_rows(stdout, &report, results->limit_per_s);
    if (results->json != NULL) {
        fputs(results->runs > 0 ? ",\n" : "", results->json);
        report_json(results->json, &report);
    }
    results->runs++;
    results->failed = results->failed || result_failed(&result);
}

static void check_targets(const char *list, const struct plan *plan)
{
    char *copy = strdup(list), *rest = copy;
    for (char *name; (name = strsep(&rest, ",")) != NULL;)
        target_check(name, plan);
    free(copy);
}

static void run_all(struct results *results, const struct arguments *args, const struct plan *plan)
{
    unsigned threads[LIST_MAX], net_threads[LIST_MAX];
    unsigned cpus = cpu_count(args->server_cpu);
    unsigned count = read_numbers(threads, args->threads, cpus > 1 ? cpus / 2 : 1);
    unsigned net_count =
        read_numbers(net_threads, args->net_threads, cpus > 1 ? cpus - cpus / 2 : 1);
    if (net_count != 1 && net_count != count)
        die("--net-threads: give one number, or as many as --threads has");
    bool many = count > 1 || strchr(args->targets, ',') != NULL;
    if (results->json != NULL && many)
        fputs("[", results->json);
    check_targets(args->targets, plan);
    report_head(stdout);
    char *rest = args->targets;
    for (char *name; (name = strsep(&rest, ",")) != NULL;) {
        bool ours = strcmp(name, "stentor") == 0;
        for (unsigned i = 0; i < (ours ? count : 1); i++) {
            struct target_setup setup = {.name = name,
                                         .plan = plan,
                                         .threads = threads[i],
                                         .net_threads = net_threads[net_count > 1 ? i : 0],
                                         .cpus = args->server_cpu};
            run_one(results, &setup, args);
        }
    }
    if (results->json != NULL)
        fputs(many ? "]\n" : "\n", results->json);
}

int main(int argc, char **argv)
{
    static struct arguments args;
    static struct plan plan;
    read_arguments(&args, argc, argv);
    plan_read(&plan, args.plan);
    for (unsigned i = 0; i < args.setting_count; i++)
        plan_set(&plan, args.settings[i]);
    plan_check(&plan, args.processes);
    signal(SIGPIPE, SIG_IGN);
    allow_many_files();
    target_pin(0, args.load_cpu);

    struct results results = {0};
    if (args.json != NULL && (results.json = fopen(args.json, "w")) == NULL)
        die("cannot write %s: %s", args.json, strerror(errno));
    run_all(&results, &args, &plan);
    if (results.json != NULL && fclose(results.json) != 0)
        die("cannot write %s: %s", args.json, strerror(errno));
    return results.failed ? 1 : 0;
}
