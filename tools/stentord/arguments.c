#include "tools/stentord/arguments.h"

#include "core/base/str.h"

#include <getopt.h>
#include <stdio.h>

const char arguments_usage[] =
    "usage: stentord [--config FILE] [--threads N] [--net-threads N] [--set name=value]...\n"
    "                [--check-config] [--check-store] [--print-config] [--version] [--help]\n"
    "\n"
    "Multi-user chat (XEP-0045) for XMPP: beside a host server as its external component, or\n"
    "stand-alone with clients connecting directly.\n"
    "\n"
    "  --config FILE      read options from a YAML file\n"
    "  --set name=value   set one option, as named in the file (client.listen=127.0.0.1:5222)\n"
    "  --threads N        shards: threads that own rooms\n"
    "  --net-threads N    threads that own connections\n"
    "  --check-config     check the configuration and leave\n"
    "  --check-store      check the store, which a server may have open, and leave\n"
    "  --print-config     print every option with its default and leave\n"
    "\n"
    "stand-alone on this machine, for a try:\n"
    "  stentord --set client.plaintext=on --set client.registration=on\n";

static void add_setting(struct arguments *arguments, const char *setting)
{
    arguments->settings[arguments->setting_count++] = setting;
}

bool arguments_parse(struct arguments *arguments, struct arena *arena, int argc, char **argv)
{
    *arguments = (struct arguments){.settings = ARENA_NEW_ARRAY(arena, const char *, (size_t)argc)};
    static const struct option rows[] = {
        {"config", required_argument, NULL, 'c'},  {"set", required_argument, NULL, 's'},
        {"threads", required_argument, NULL, 't'}, {"net-threads", required_argument, NULL, 'n'},
        {"check-config", no_argument, NULL, 'k'},  {"check-store", no_argument, NULL, 'd'},
        {"print-config", no_argument, NULL, 'p'},  {"version", no_argument, NULL, 'v'},
        {"help", no_argument, NULL, 'h'},          {NULL, 0, NULL, 0},
    };
    int which;
    while ((which = getopt_long(argc, argv, "", rows, NULL)) != -1) {
        if (which == 'c')
            arguments->config_file = optarg;
        else if (which == 's')
            add_setting(arguments, optarg);
        else if (which == 't')
            add_setting(arguments, str_fmt(arena, "threads=%s", optarg).at);
        else if (which == 'n')
            add_setting(arguments, str_fmt(arena, "net_threads=%s", optarg).at);
        else if (which == 'k')
            arguments->order = ORDER_CHECK;
        else if (which == 'd')
            arguments->order = ORDER_CHECK_STORE;
        else if (which == 'p')
            arguments->order = ORDER_PRINT;
        else if (which == 'v')
            arguments->order = ORDER_VERSION;
        else if (which == 'h')
            arguments->order = ORDER_HELP;
        else
            return false;
    }
    if (optind < argc)
        fprintf(stderr, "stentord: '%s' is not an option\n", argv[optind]);
    return optind == argc;
}
