/*
 * Reads the configuration and does what the command line asks; the rest is in settings.c and
 * boot.c.
 */
#include "core/xmpp/prep.h"
#include "tools/stentord/arguments.h"
#include "tools/stentord/boot.h"
#include "tools/stentord/check.h"
#include "tools/stentord/load.h"

#include <stdio.h>
#include <stdlib.h>

enum { EXIT_USAGE = 2 };

/* Read by jemalloc (sanitizer builds have none). What a burst of joins has needed goes back to the
 * system within a second, by a thread of its own, instead of staying with whoever used it. */
extern const char *malloc_conf;
const char *malloc_conf = "background_thread:true,dirty_decay_ms:1000,muzzy_decay_ms:0";

/* Needs no door, nor anything else that only a server does. */
static int run_check_store(const struct config *config)
{
    if (str_eqz(config_text(config, CONFIG_STORE_BACKEND), "sqlite"))
        return check_store(config_text(config, CONFIG_STORE_PATH));
    fprintf(stderr, "stentord: store.backend is %s: nothing of that is in a file\n",
            config_text(config, CONFIG_STORE_BACKEND).at);
    return EXIT_FAILURE;
}

static int run(const struct config *config, enum order order)
{
    struct settings settings;
    int status = EXIT_USAGE;
    if (order == ORDER_CHECK_STORE)
        return run_check_store(config);
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
    if (load_config(&config, arguments->config_file, arguments->settings, arguments->setting_count))
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
    case ORDER_CHECK_STORE:
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
