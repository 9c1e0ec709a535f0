/*
 * Reads the configuration and does what the command line asks; the rest is in settings.c and
 * boot.c.
 */
#include "core/base/mem.h"
#include "core/xmpp/prep.h"
#include "tools/stentord/arguments.h"
#include "tools/stentord/boot.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { EXIT_USAGE = 2 };

/* Read by jemalloc (sanitizer builds have none). What a burst of joins has needed goes back to the
 * system within a second, by a thread of its own, instead of staying with whoever used it. */
extern const char *malloc_conf;
const char *malloc_conf = "background_thread:true,dirty_decay_ms:1000,muzzy_decay_ms:0";

static bool load_file(struct config *config, const char *path)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        snprintf(config->error, sizeof(config->error), "%.300s: %s", path, strerror(errno));
        return false;
    }
    struct buf text;
    buf_init(&text, NULL);
    size_t got;
    do {
        got = fread(buf_reserve(&text, 4096), 1, 4096, file);
        text.len += got;
    } while (got > 0);
    bool ok = ferror(file) == 0;
    fclose(file);
    if (!ok)
        snprintf(config->error, sizeof(config->error), "%.300s: cannot be read", path);
    ok = ok && config_load(config, buf_str(&text), path);
    buf_free(&text);
    return ok;
}

static bool load(struct config *config, const struct arguments *arguments)
{
    if (arguments->config_file != NULL && !load_file(config, arguments->config_file))
        return false;
    for (unsigned i = 0; i < arguments->setting_count; i++) {
        if (!config_set(config, arguments->settings[i]))
            return false;
    }
    return true;
}

static int run(const struct config *config, enum order order)
{
    struct settings settings;
    int status = EXIT_USAGE;
    if (!settings_make(&settings, config))
        fprintf(stderr, "stentord: %s\n", settings.error);
    else if (order == ORDER_RUN)
        status = boot_run(&settings, config);
    else
        status = printf("the configuration is good\n") > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
    settings_fini(&settings);
    return status;
}

static int start(const struct arguments *arguments)
{
    if (prep_init() < 0) {
        fprintf(stderr,
                "stentord: ICU's data for preparing addresses is missing; reinstall libicu\n");
        return EXIT_FAILURE;
    }
    struct config config;
    config_init(&config);
    int status = EXIT_USAGE;
    if (load(&config, arguments))
        status = run(&config, arguments->order);
    else
        fprintf(stderr, "stentord: %s\n", config.error);
    config_fini(&config);
    prep_fini();
    return status;
}

static int obey(const struct arguments *arguments)
{
    switch (arguments->order) {
    case ORDER_HELP:
        return fputs(arguments_usage, stdout) >= 0 ? EXIT_SUCCESS : EXIT_FAILURE;
    case ORDER_VERSION:
        return printf("stentord %s\n", STENTOR_VERSION) > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
    case ORDER_PRINT:
        settings_print_sample();
        return EXIT_SUCCESS;
    case ORDER_RUN:
    case ORDER_CHECK:
        return start(arguments);
    }
    return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    struct arena *arena = arena_new(4096);
    struct arguments arguments;
    int status = EXIT_USAGE;
    if (arguments_parse(&arguments, arena, argc, argv))
        status = obey(&arguments);
    else
        fprintf(stderr, "stentord: see stentord --help\n");
    arena_free(arena);
    return status;
}
