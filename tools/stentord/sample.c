/*
 * The sample configuration, made of the tables that the program reads it by, so it cannot go stale.
 */
#include "tools/stentord/settings.h"

#include "core/base/limits.h"

#include <stdio.h>

/* Sections that open a door when they are there: printed as comments. */
static bool is_door(struct str section)
{
    return str_eqz(section, "client") || str_eqz(section, "component");
}

static void print_option(const char *lead, const char *name, const char *preset, const char *help)
{
    printf("%s# %s\n", lead, help);
    if (preset[0] == '\0')
        printf("%s# %s:\n", lead, name);
    else
        printf("%s%s: %s\n", lead, name, preset);
}

static void print_room_defaults(void)
{
    printf("\n  # what new rooms start with; their owners may change it\n  defaults:\n");
    unsigned count;
    const struct option *const *rows = options_all(&count);
    for (unsigned i = 0; i < count; i++)
        print_option("    ", rows[i]->name, rows[i]->preset, rows[i]->help);
}

/* Their options are those of the first service; nothing is said twice here. */
static void print_domains(void)
{
    printf("\n  # further services (%d domains in all), each with options of its own: any of the "
           "above\n"
           "  # but domain, and component.*, without which it is for clients of this server only;\n"
           "  # what is not said has the preset\n"
           "  # domains:\n"
           "  #   lounge.localhost:\n"
           "  #     locked: off\n"
           "  #     component:\n"
           "  #       host: localhost\n"
           "  #       secret: the one that the host server has for it\n",
           DOMAINS_MAX);
}

/* The part of a name before its first dot; empty for a name without. */
static struct str section_of(const char *name)
{
    const char *dot = strchr(name, '.');
    return dot == NULL ? STR("") : str_of(name, (size_t)(dot - name));
}

static void print_section_start(struct str section)
{
    printf("\n");
    if (is_door(section))
        printf("# %s\n# %.*s:\n",
               str_eqz(section, "client") ? "clients connect directly"
                                          : "beside a host server, as its component",
               (int)section.len, section.at);
    else
        printf("%.*s:\n", (int)section.len, section.at);
}

/* A section in which every option is commented out must not stand alone: it would be empty. */
static bool has_preset(struct str section)
{
    for (unsigned i = 0; i < CONFIG_COUNT; i++) {
        if (str_eq(section_of(config_rows[i].name), section) && config_rows[i].preset[0] != '\0')
            return true;
    }
    return false;
}

void settings_print_sample(void)
{
    printf("# Stentor: every option with its default. A file needs only what differs.\n");
    struct str section = STR("");
    for (unsigned i = 0; i < CONFIG_COUNT; i++) {
        const struct config_row *row = &config_rows[i];
        struct str its = section_of(row->name);
        bool commented = is_door(its) || (its.len > 0 && !has_preset(its));
        if (!str_eq(its, section)) {
            if (str_eqz(section, "muc")) {
                print_room_defaults();
                print_domains();
            }
            section = its;
            if (commented && !is_door(its))
                printf("\n# %.*s:\n", (int)its.len, its.at);
            else
                print_section_start(its);
        }
        const char *name = its.len > 0 ? row->name + its.len + 1 : row->name;
        print_option(commented ? "#   " : its.len > 0 ? "  " : "", name, row->preset, row->help);
    }
}
