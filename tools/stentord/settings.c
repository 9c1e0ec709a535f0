#include "tools/stentord/settings.h"

#include "core/base/err.h"
#include "core/base/limits.h"
#include "core/base/mem.h"
#include "core/xmpp/prep.h"
#include "net/net.h"
#include "tools/stentord/crypto.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

static bool fail(struct settings *settings, const char *format, ...) PRINTF_LIKE(2, 3);

static bool fail(struct settings *settings, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(settings->error, sizeof(settings->error), format, args);
    va_end(args);
    return false;
}

static bool prepare_domain(struct settings *settings, struct str text, const char *name,
                           struct str *domain)
{
    *domain = prep_domain(settings->arena, text);
    if (!str_present(*domain))
        return fail(settings, "%s: '%.*s' is not a domain", name, (int)text.len, text.at);
    *domain = str_in(settings->arena, *domain);
    return true;
}

/* ---- muc ---- */

static bool make_admins(struct settings *settings, const struct config_value *admins)
{
    map_init(&settings->muc.admins, &settings->hash_key);
    for (unsigned i = 0; i < admins->item_count; i++) {
        struct jid *jid = jid_parse(settings->arena, admins->items[i]);
        if (jid == NULL || !jid_is_bare(jid) || jid->local_len == 0)
            return fail(settings, "muc.admins: '%s' is not a bare JID (name@domain)",
                        admins->items[i].at);
        map_put(&settings->muc.admins, jid_bare(jid), jid);
    }
    return true;
}

static bool fail_default(struct settings *settings, const struct config_default *given)
{
    unsigned count;
    const struct option *const *rows = options_all(&count);
    const char **names = ARENA_NEW_ARRAY(settings->arena, const char *, count);
    for (unsigned i = 0; i < count; i++)
        names[i] = rows[i]->name;
    const char *nearest = config_nearest(given->name, names, count);
    return fail(settings, "%s: there is no room option 'muc.defaults.%s'%s%s%s", given->where.at,
                given->name.at, nearest != NULL ? "; did you mean '" : "",
                nearest != NULL ? nearest : "", nearest != NULL ? "'?" : "");
}

static bool make_room_defaults(struct settings *settings, const struct config *config)
{
    options_preset(&settings->room_defaults);
    for (unsigned i = 0; i < config->default_count; i++) {
        const struct config_default *given = &config->defaults[i];
        const struct option *option = option_by_name(given->name);
        if (option == NULL)
            return fail_default(settings, given);
        const char *why = NULL;
        if (!option_set_text(&settings->room_defaults, option, given->value, &why))
            return fail(settings, "%s: muc.defaults.%s: '%s' %s", given->where.at, option->name,
                        given->value.at, why);
    }
    settings->muc.defaults = &settings->room_defaults;
    return true;
}

/* ---- component ---- */

static bool read_secret(struct settings *settings, struct str path, struct str *secret)
{
    char text[1025];
    FILE *file = fopen(path.at, "re");
    if (file == NULL)
        return fail(settings, "component.secret_file: %s: %s", path.at, strerror(errno));
    size_t len = fread(text, 1, sizeof(text), file);
    fclose(file);
    struct str trimmed = str_trim(str_of(text, len));
    if (len == sizeof(text) || str_empty(trimmed))
        return fail(settings, "component.secret_file: %s: a secret of 1 to 1024 bytes is needed",
                    path.at);
    *secret = str_in(settings->arena, trimmed);
    return true;
}

static bool make_secret(struct settings *settings, const struct config *config)
{
    struct component_settings *component = &settings->component;
    component->secret = str_in(settings->arena, config_text(config, CONFIG_COMPONENT_SECRET));
    struct str path = config_text(config, CONFIG_COMPONENT_SECRET_FILE);
    if (!str_empty(path) && !str_empty(component->secret))
        return fail(settings, "component.secret and component.secret_file: give one of them");
    if (!str_empty(path))
        return read_secret(settings, path, &component->secret);
    if (str_empty(component->secret))
        return fail(settings, "component.secret: not set; give the secret that the host server "
                              "expects, or component.secret_file");
    return true;
}

/* The name or address in front of the port, without brackets; *port is what comes behind it, absent
 * if nothing does. Absent: that is no address. */
static struct str split_host(struct str text, struct str *port)
{
    *port = STR_NONE;
    bool bracket = text.len > 0 && text.at[0] == '[';
    const char *end = memchr(text.at, bracket ? ']' : ':', text.len);
    if (end == NULL)
        return bracket || text.len == 0 ? STR_NONE : text;
    size_t len = (size_t)(end - text.at);
    struct str host = bracket ? str_of(text.at + 1, len - 1) : str_of(text.at, len);
    struct str rest = str_of(text.at + len + bracket, text.len - len - bracket);
    if (rest.len == 0 && bracket)
        return host;
    if (host.len == 0 || rest.len < 2 || rest.at[0] != ':')
        return STR_NONE;
    *port = str_of(rest.at + 1, rest.len - 1);
    return host;
}

static bool add_link(struct settings *settings, struct str text)
{
    struct component_settings *component = &settings->component;
    struct str port;
    struct str host = split_host(text, &port);
    uint64_t number = component->hosts[0].port;
    bool good = !str_empty(host) && (!str_present(port) || str_to_u64(port, &number));
    if (!good || number < 1 || number > UINT16_MAX)
        return fail(settings,
                    "component.links: '%s' is not an address to connect to: write host, host:port "
                    "or [IPv6 address]:port",
                    text.at);
    component->hosts[component->link_count++] =
        (struct component_host){str_in(settings->arena, host), (uint16_t)number};
    return true;
}

static_assert(LINKS_MAX == 64, "component.links takes one less, for component.host is the first");

static bool make_component(struct settings *settings, const struct config *config)
{
    settings->component_door = !str_empty(config_text(config, CONFIG_COMPONENT_HOST));
    if (!settings->component_door && config_any_set(config, "component."))
        return fail(settings, "component.host: not set, though other component options are");
    if (!settings->component_door)
        return true;
    struct component_settings *component = &settings->component;
    component->domain = settings->muc.domain;
    component->hosts[0] =
        (struct component_host){str_in(settings->arena, config_text(config, CONFIG_COMPONENT_HOST)),
                                (uint16_t)config_number(config, CONFIG_COMPONENT_PORT)};
    component->link_count = 1;
    const struct config_value *links = &config->values[CONFIG_COMPONENT_LINKS];
    for (unsigned i = 0; i < links->item_count; i++) {
        if (!add_link(settings, links->items[i]))
            return false;
    }
    return make_secret(settings, config);
}

/* ---- client ---- */

static bool make_tls(struct settings *settings, const struct config *config)
{
    struct str certificate = config_text(config, CONFIG_CLIENT_CERTIFICATE);
    struct str key = config_text(config, CONFIG_CLIENT_KEY);
    if (str_empty(certificate) != str_empty(key))
        return fail(settings, "client.certificate and client.key: both or none are needed");
    if (str_empty(certificate))
        return true;
    char why[300];
    settings->tls = tls_new(certificate.at, key.at, why, sizeof(why));
    return settings->tls != NULL || fail(settings, "%s", why);
}

/* Accounts live in memory, so what hides which names have one need not outlive the process either.
 */
#define SALT_SECRET_BYTES 32

static bool make_client(struct settings *settings, const struct config *config)
{
    settings->client_door = config_any_set(config, "client.");
    if (!settings->client_door)
        return true;
    struct stream_settings *stream = &settings->stream;
    if (!prepare_domain(settings, config_text(config, CONFIG_CLIENT_DOMAIN), "client.domain",
                        &stream->domain))
        return false;
    if (str_eq(stream->domain, settings->muc.domain))
        return fail(settings,
                    "client.domain and muc.domain are both '%.*s': accounts and rooms "
                    "need domains of their own",
                    (int)stream->domain.len, stream->domain.at);
    if (!make_tls(settings, config))
        return false;
    settings->client_listen = str_in(settings->arena, config_text(config, CONFIG_CLIENT_LISTEN));
    if (!net_is_address(settings->client_listen))
        return fail(settings,
                    "client.listen: '%s' is not an address to listen on: write host:port or "
                    "[IPv6 address]:port",
                    settings->client_listen.at);
    stream->tls = settings->tls != NULL;
    stream->plaintext = config_on(config, CONFIG_CLIENT_PLAINTEXT);
    stream->registration = config_on(config, CONFIG_CLIENT_REGISTRATION);
    stream->anonymous = config_on(config, CONFIG_CLIENT_ANONYMOUS);
    stream->version = settings->muc.version;
    char *secret = arena_raw(settings->arena, SALT_SECRET_BYTES);
    crypto_random(secret, SALT_SECRET_BYTES);
    stream->secret = str_of(secret, SALT_SECRET_BYTES);
    settings->router.client_domain = stream->domain;
    settings->router.registration = stream->registration;
    if (stream->plaintext && !net_is_loopback(settings->client_listen))
        return fail(settings,
                    "client.plaintext: only on a loopback address, and client.listen is "
                    "%s: passwords and messages would cross the network in the clear",
                    settings->client_listen.at);
    if (!stream->plaintext && !stream->tls)
        return fail(settings, "client.certificate and client.key: not set, so no client could log "
                              "in; give them (or, on a loopback address, client.plaintext: on)");
    return true;
}

/* ---- all ---- */

/* Half of the cores own rooms, the other half connections: large rooms keep both busy. */
static void make_threads(struct settings *settings, const struct config *config)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned half = cores > 3 ? (unsigned)cores / 2 : 1;
    half = half > 64 ? 64 : half;
    int64_t threads = config_number(config, CONFIG_THREADS);
    int64_t net_threads = config_number(config, CONFIG_NET_THREADS);
    settings->threads = threads > 0 ? (unsigned)threads : half;
    settings->net_threads = net_threads > 0 ? (unsigned)net_threads : half;
}

bool settings_make(struct settings *settings, const struct config *config)
{
    *settings = (struct settings){.arena = arena_new(16 * 1024)};
    crypto_random(&settings->hash_key, sizeof(settings->hash_key));
    crypto_random(&settings->placement_key, sizeof(settings->placement_key));
    make_threads(settings, config);
    settings->muc.version = STR(STENTOR_VERSION);
    settings->muc.locked = config_on(config, CONFIG_MUC_LOCKED);
    settings->router.version = settings->muc.version;
    if (!prepare_domain(settings, config_text(config, CONFIG_MUC_DOMAIN), "muc.domain",
                        &settings->muc.domain))
        return false;
    settings->router.muc_domain = settings->muc.domain;
    if (!str_empty(config_text(config, CONFIG_STORE_PATH)))
        return fail(settings,
                    "store.path: this version keeps everything in memory; leave it unset");
    if (!make_admins(settings, &config->values[CONFIG_MUC_ADMINS]) ||
        !make_room_defaults(settings, config) || !make_component(settings, config) ||
        !make_client(settings, config))
        return false;
    if (!settings->client_door && !settings->component_door)
        return fail(settings, "no door is open: set component.host to serve a host server, or a "
                              "client option (client.listen) for clients");
    return true;
}

void settings_fini(struct settings *settings)
{
    tls_free(settings->tls);
    map_fini(&settings->muc.admins);
    room_options_fini(&settings->room_defaults);
    arena_free(settings->arena);
}
