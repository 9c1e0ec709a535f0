/*
 * stentor-store: what an operator does to a store. All of it works while a server has the store
 * open; what it means for that server stands in shard/store/store_tool.h.
 */
#include "core/xmpp/jid.h"
#include "core/xmpp/prep.h"
#include "shard/store/store_tool.h"
#include "tools/stentord/check.h"
#include "tools/stentord/crypto.h"
#include "tools/stentord/load.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { EXIT_USAGE = 2 };

static const char usage[] =
    "usage: stentor-store [--config FILE] [--set name=value]... [--store FILE] COMMAND\n"
    "\n"
    "The store is the one that stentord has with the same --config and --set, or --store. It may "
    "be\n"
    "open in a server meanwhile.\n"
    "\n"
    "  check               is it whole, and does all in it make sense? Status 1: no\n"
    "  list                the rooms in it, and how much is kept of each\n"
    "  backup FILE         a copy of this moment, complete in itself\n"
    "  export ROOM [FILE]  the archive of a room, a JSON object per line, oldest first\n"
    "  forget-room ROOM    deletes the archive of a room; the room stays\n"
    "  forget-account JID  deletes what somebody has said, from all archives; the places stay\n"
    "                      and the subjects that one has set\n";

struct job {
    struct arena *arena;
    struct str path;    /* of the store */
    const char *first;  /* what stands behind the command; NULL: nothing */
    const char *second; /* and behind that */
};

static int complain(const struct job *job, const char *why)
{
    fprintf(stderr, "stentor-store: %.*s: %s\n", (int)job->path.len, job->path.at, why);
    return EXIT_FAILURE;
}

/* NULL: it is none, which has been said. */
static const struct jid *read_bare(const struct job *job, bool room)
{
    const struct jid *jid = jid_parse(job->arena, str_z(job->first));
    bool wrong = jid == NULL || jid->resource_len > 0 || (room && jid->local_len == 0);
    if (wrong)
        fprintf(stderr, "stentor-store: '%s' is not the address of %s\n", job->first,
                room ? "a room (room@domain)" : "an account (name@domain)");
    return wrong ? NULL : jid;
}

/* ---- the commands ---- */

static int run_check(const struct job *job)
{
    return check_store(job->path);
}

struct lines_to {
    struct tool_lines lines;
    FILE *file;
    bool failed;
};

static void write_line(struct tool_lines *lines, struct str text)
{
    struct lines_to *to = container_of(lines, struct lines_to, lines);
    bool written = fwrite(text.at, 1, text.len, to->file) == text.len && putc('\n', to->file) >= 0;
    to->failed |= !written;
}

/* What is left out of an export; `failed` says that something was. */
static void tell_damaged(struct tool_lines *lines, struct str text)
{
    struct lines_to *to = container_of(lines, struct lines_to, lines);
    fprintf(to->file, "stentor-store: %.*s\n", (int)text.len, text.at);
    to->failed = true;
}

static int run_list(const struct job *job)
{
    struct lines_to to = {{write_line}, stdout, false};
    const char *why = NULL;
    if (store_tool_list(job->path, &to.lines, job->arena, &why) < 0)
        return complain(job, why);
    return to.failed || fflush(stdout) != 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int run_backup(const struct job *job)
{
    const char *why = NULL;
    if (store_tool_backup(job->path, str_z(job->first), job->arena, &why) < 0)
        return complain(job, why);
    printf("%s is a copy of %.*s, complete in itself\n", job->first, (int)job->path.len,
           job->path.at);
    return EXIT_SUCCESS;
}

static int run_export(const struct job *job)
{
    const struct jid *room = read_bare(job, true);
    const char *why = NULL;
    if (room == NULL)
        return EXIT_USAGE;
    struct lines_to to = {{write_line}, stdout, false};
    if (job->second != NULL) {
        umask(0077); /* what people said is for its owner only */
        to.file = fopen(job->second, "wxe");
    }
    if (to.file == NULL) {
        fprintf(stderr, "stentor-store: %s: %s; name another file\n", job->second, strerror(errno));
        return EXIT_FAILURE;
    }
    struct lines_to damaged = {{tell_damaged}, stderr, false};
    int64_t count =
        store_tool_export(job->path, jid_bare(room), &to.lines, &damaged.lines, job->arena, &why);
    bool failed = fflush(to.file) != 0 || to.failed;
    if (job->second != NULL) {
        failed |= fclose(to.file) != 0;
        if (failed || count < 0)
            remove(job->second); /* half of an archive is none */
    }
    if (count < 0)
        return complain(job, why);
    if (failed)
        fprintf(stderr, "stentor-store: not all of it could be written; make room on that disk\n");
    else
        fprintf(stderr, "%" PRId64 " messages\n", count);
    return failed || damaged.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int run_forget_room(const struct job *job)
{
    const struct jid *room = read_bare(job, true);
    const char *why = NULL;
    if (room == NULL)
        return EXIT_USAGE;
    int64_t count = store_tool_forget_room(job->path, jid_bare(room), job->arena, &why);
    if (count < 0)
        return complain(job, why);
    printf("%" PRId64 " messages of %s are deleted\n", count, room->text);
    return EXIT_SUCCESS;
}

static int run_forget_account(const struct job *job)
{
    const struct jid *account = read_bare(job, false);
    const char *why = NULL;
    if (account == NULL)
        return EXIT_USAGE;
    struct muc_crypto crypto;
    struct crypto_keys keys;
    crypto_init(&crypto, &keys);
    int64_t count =
        store_tool_forget_account(job->path, jid_bare(account), &crypto, job->arena, &why);
    if (count < 0)
        return complain(job, why);
    printf("%" PRId64 " messages of %s are deleted\n", count, account->text);
    return EXIT_SUCCESS;
}

static const struct command {
    const char *name;
    int least, most; /* words behind it */
    int (*run)(const struct job *job);
} commands[] = {
    {"check", 0, 0, run_check},
    {"list", 0, 0, run_list},
    {"backup", 1, 1, run_backup},
    {"export", 1, 2, run_export},
    {"forget-room", 1, 1, run_forget_room},
    {"forget-account", 1, 1, run_forget_account},
};

/* ---- the command line ---- */

struct line {
    const char *config_file;
    const char **settings;
    unsigned setting_count;
    bool help;
};

static bool read_options(struct line *line, struct arena *arena, int argc, char **argv)
{
    static const struct option rows[] = {
        {"config", required_argument, NULL, 'c'},
        {"set", required_argument, NULL, 's'},
        {"store", required_argument, NULL, 'f'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    *line = (struct line){.settings = ARENA_NEW_ARRAY(arena, const char *, (size_t)argc)};
    int which;
    while ((which = getopt_long(argc, argv, "", rows, NULL)) != -1) {
        if (which == 'c')
            line->config_file = optarg;
        else if (which == 's')
            line->settings[line->setting_count++] = optarg;
        else if (which == 'f')
            line->settings[line->setting_count++] = str_fmt(arena, "store.path=%s", optarg).at;
        else if (which == 'h')
            line->help = true;
        else
            return false;
    }
    return true;
}

/* NULL: there is no such command, or too much or too little behind it; that has been said. */
static const struct command *find_command(int count, char **words)
{
    if (count == 0) {
        fprintf(stderr, "stentor-store: what is to be done?\n");
        return NULL;
    }
    for (unsigned i = 0; i < ARRAY_LEN(commands); i++) {
        if (strcmp(words[0], commands[i].name) != 0)
            continue;
        if (count - 1 >= commands[i].least && count - 1 <= commands[i].most)
            return &commands[i];
        fprintf(stderr, "stentor-store: %s %s\n", words[0],
                count - 1 < commands[i].least ? "of what?" : "does not take so many words");
        return NULL;
    }
    fprintf(stderr, "stentor-store: '%s' is not a command\n", words[0]);
    return NULL;
}

static int run(const struct config *config, const struct command *command, struct job *job)
{
    job->path = config_text(config, CONFIG_STORE_PATH);
    if (str_eqz(config_text(config, CONFIG_STORE_BACKEND), "sqlite"))
        return command->run(job);
    fprintf(stderr, "stentor-store: store.backend is %s: nothing of that is in a file\n",
            config_text(config, CONFIG_STORE_BACKEND).at);
    return EXIT_FAILURE;
}

static int start(const struct line *line, const struct command *command, struct job *job)
{
    if (prep_init() < 0) {
        fprintf(stderr, "stentor-store: ICU's data for preparing addresses is missing; reinstall"
                        " libicu\n");
        return EXIT_FAILURE;
    }
    struct config config;
    config_init(&config);
    int status = EXIT_USAGE;
    if (load_config(&config, line->config_file, line->settings, line->setting_count))
        status = run(&config, command, job);
    else
        fprintf(stderr, "stentor-store: %s\n", config.error);
    config_fini(&config);
    prep_fini();
    return status;
}

static int obey(struct arena *arena, int argc, char **argv)
{
    struct line line;
    const struct command *command = NULL;
    if (read_options(&line, arena, argc, argv)) {
        if (line.help)
            return fputs(usage, stdout) >= 0 ? EXIT_SUCCESS : EXIT_FAILURE;
        command = find_command(argc - optind, argv + optind);
    }
    if (command == NULL) {
        fprintf(stderr, "stentor-store: see stentor-store --help\n");
        return EXIT_USAGE;
    }
    struct job job = {.arena = arena};
    if (argc - optind > 1)
        job.first = argv[optind + 1];
    if (argc - optind > 2)
        job.second = argv[optind + 2];
    return start(&line, command, &job);
}

int main(int argc, char **argv)
{
    struct arena *arena = arena_new(4096);
    int status = obey(arena, argc, argv);
    arena_free(arena);
    return status;
}
