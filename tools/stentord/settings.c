#include "tools/stentord/settings.h"

#include "core/base/err.h"
#include "core/base/limits.h"
#include "core/base/mem.h"
#include "core/xmpp/prep.h"
#include "net/net.h"
#include "shard/runtime/agent.h"
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

/* An option and what is wrong with it: config_name() and the place in front of that. */
static bool fail_option(struct settings *settings, const struct config *config, enum config_id id,
                        const char *format, ...) PRINTF_LIKE(4, 5);

static bool fail_option(struct settings *settings, const struct config *config, enum config_id id,
                        const char *format, ...)
{
    char what[LOG_LINE_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof(what), format, args);
    va_end(args);
    struct str where = config->values[id].where;
    if (!str_present(where) && str_present(config->label))
        where = config->values[CONFIG_MUC_DOMAIN].where;
    bool placed = str_present(where);
    return fail(settings, "%s%s%s: %s", placed ? where.at : "", placed ? ": " : "",
                config_name(config, id).text, what);
}

static bool prepare_domain(struct settings *settings, const struct config *config,
                           enum config_id id, struct str *domain)
{
    struct str text = config_text(config, id);
    *domain = prep_domain(settings->arena, text);
    if (!str_present(*domain))
        return fail_option(settings, config, id, "'%s' is not a domain", text.at);
    *domain = str_in(settings->arena, *domain);
    return true;
}

/* ---- muc ---- */

static bool make_admins(struct settings *settings, const struct config *config,
                        struct muc_settings *muc)
{
    const struct config_value *admins = &config->values[CONFIG_MUC_ADMINS];
    for (unsigned i = 0; i < admins->item_count; i++) {
        struct jid *jid = jid_parse(settings->arena, admins->items[i]);
        if (jid == NULL || !jid_is_bare(jid) || jid->local_len == 0)
            return fail_option(settings, config, CONFIG_MUC_ADMINS,
                               "'%s' is not a bare JID (name@domain)", admins->items[i].at);
        map_put(&muc->admins, jid_bare(jid), jid);
    }
    return true;
}

static bool make_names(struct settings *settings, const struct config *config, enum config_id id,
                       struct map *names)
{
    const struct config_value *given = &config->values[id];
    for (unsigned i = 0; i < given->item_count; i++) {
        struct jid *jid = jid_parse(settings->arena, given->items[i]);
        if (jid == NULL || !jid_is_bare(jid))
            return fail_option(settings, config, id,
                               "'%s' is neither a bare JID (name@domain) nor a domain",
                               given->items[i].at);
        map_put(names, jid_bare(jid), jid);
    }
    return true;
}

/* The words are for those who cannot be named: they stand alone. */
static bool make_permit(struct settings *settings, const struct config *config, enum config_id id,
                        struct permit *permit)
{
    const struct config_value *given = &config->values[id];
    for (unsigned i = 0; i < given->item_count; i++) {
        bool anyone = str_eqz(given->items[i], "anyone");
        if (!anyone && !str_eqz(given->items[i], "admins"))
            continue;
        if (given->item_count > 1)
            return fail_option(settings, config, id, "'%s' goes with no other entry",
                               given->items[i].at);
        permit->limited = !anyone;
        return true;
    }
    permit->limited = given->item_count > 0;
    return make_names(settings, config, id, &permit->names);
}

static bool make_permits(struct settings *settings, const struct config *config,
                         struct muc_settings *muc)
{
    return make_names(settings, config, CONFIG_MUC_BANNED, &muc->banned) &&
           make_permit(settings, config, CONFIG_MUC_CREATE, &muc->create) &&
           make_permit(settings, config, CONFIG_MUC_PERSISTENT, &muc->persistent) &&
           make_permit(settings, config, CONFIG_MUC_PUBLIC, &muc->listed);
}

/* Is it the second of the two words? False: neither. */
static bool read_word(struct settings *settings, const struct config *config, enum config_id id,
                      const char *const words[2], bool *second)
{
    struct str text = config_text(config, id);
    *second = str_eqz(text, words[1]);
    return *second || str_eqz(text, words[0]) ||
           fail_option(settings, config, id, "'%s' is neither %s nor %s", text.at, words[0],
                       words[1]);
}

static bool make_nick_rules(struct settings *settings, const struct config *config,
                            struct nick_rules *rules)
{
    static const char *const paddings[2] = {"refuse", "trim"};
    static const char *const profiles[2] = {"strict", "opaque"};
    rules->chars_max = (uint32_t)config_number(config, CONFIG_MUC_NICK_CHARS);
    return read_word(settings, config, CONFIG_MUC_NICK_PADDING, paddings, &rules->trim) &&
           read_word(settings, config, CONFIG_MUC_NICK_PROFILE, profiles, &rules->opaque);
}

static void maps_init(struct settings *settings, struct muc_settings *muc)
{
    map_init(&muc->admins, &settings->hash_key);
    map_init(&muc->banned, &settings->hash_key);
    map_init(&muc->create.names, &settings->hash_key);
    map_init(&muc->persistent.names, &settings->hash_key);
    map_init(&muc->listed.names, &settings->hash_key);
}

static void maps_fini(struct muc_settings *muc)
{
    map_fini(&muc->admins);
    map_fini(&muc->banned);
    map_fini(&muc->create.names);
    map_fini(&muc->persistent.names);
    map_fini(&muc->listed.names);
}

/* What stands in front of a room option's name. */
static struct str defaults_lead(struct settings *settings, const struct config *config)
{
    struct buf lead;
    buf_init(&lead, settings->arena);
    buf_add(&lead, str_present(config->label) ? config->label : STR("muc"));
    buf_addz(&lead, ".defaults.");
    return buf_str(&lead);
}

static bool fail_default(struct settings *settings, const struct config *config,
                         const struct config_default *given)
{
    unsigned count;
    const struct option *const *rows = options_all(&count);
    const char **names = ARENA_NEW_ARRAY(settings->arena, const char *, count);
    for (unsigned i = 0; i < count; i++)
        names[i] = rows[i]->name;
    const char *nearest = config_nearest(given->name, names, count);
    return fail(settings, "%s: there is no room option '%s%s'%s%s%s", given->where.at,
                defaults_lead(settings, config).at, given->name.at,
                nearest != NULL ? "; did you mean '" : "", nearest != NULL ? nearest : "",
                nearest != NULL ? "'?" : "");
}

static bool make_room_defaults(struct settings *settings, const struct config *config,
                               struct room_options *defaults)
{
    for (unsigned i = 0; i < config->default_count; i++) {
        const struct config_default *given = &config->defaults[i];
        const struct option *option = option_by_name(given->name);
        if (option == NULL)
            return fail_default(settings, config, given);
        const char *why = NULL;
        if (!option_set_text(defaults, option, given->value, &why))
            return fail(settings, "%s: %s%s: '%s' %s", given->where.at,
                        defaults_lead(settings, config).at, option->name, given->value.at, why);
        if (option->id == OPTION_ID_ARCHIVE && defaults->archive && !settings->store.sqlite)
            return fail(settings,
                        "%s: %s%s: archives need a store that lasts, and store.backend is memory: "
                        "set that to sqlite, or this to off",
                        given->where.at, defaults_lead(settings, config).at, option->name);
    }
    return true;
}

/* ---- component ---- */

static bool read_secret(struct settings *settings, const struct config *config, struct str *secret)
{
    struct str path = config_text(config, CONFIG_COMPONENT_SECRET_FILE);
    char text[1025];
    FILE *file = fopen(path.at, "re");
    if (file == NULL)
        return fail_option(settings, config, CONFIG_COMPONENT_SECRET_FILE, "%s: %s", path.at,
                           strerror(errno));
    size_t len = fread(text, 1, sizeof(text), file);
    fclose(file);
    struct str trimmed = str_trim(str_of(text, len));
    if (len == sizeof(text) || str_empty(trimmed))
        return fail_option(settings, config, CONFIG_COMPONENT_SECRET_FILE,
                           "%s: a secret of 1 to 1024 bytes is needed", path.at);
    *secret = str_in(settings->arena, trimmed);
    return true;
}

static bool make_secret(struct settings *settings, const struct config *config, struct str *secret)
{
    *secret = str_in(settings->arena, config_text(config, CONFIG_COMPONENT_SECRET));
    bool in_file = !str_empty(config_text(config, CONFIG_COMPONENT_SECRET_FILE));
    if (in_file && !str_empty(*secret))
        return fail_option(settings, config, CONFIG_COMPONENT_SECRET,
                           "given, and %s too: give one of them",
                           config_name(config, CONFIG_COMPONENT_SECRET_FILE).text);
    if (in_file)
        return read_secret(settings, config, secret);
    if (str_empty(*secret))
        return fail_option(settings, config, CONFIG_COMPONENT_SECRET,
                           "not set; give the secret that the host server expects, or %s",
                           config_name(config, CONFIG_COMPONENT_SECRET_FILE).text);
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

static bool add_link(struct settings *settings, const struct config *config, struct str name,
                     uint16_t port)
{
    struct component_settings *component = &settings->component;
    if (component->link_count == LINKS_MAX)
        return fail_option(settings, config, CONFIG_COMPONENT_LINKS,
                           "there are more than %d links, those of all domains together",
                           LINKS_MAX);
    unsigned service = component->service_count - 1;
    component->hosts[component->link_count++] =
        (struct component_host){.name = str_in(settings->arena, name),
                                .port = port,
                                .service = service,
                                .number = component->services[service].link_count++};
    return true;
}

static bool add_written_link(struct settings *settings, const struct config *config,
                             struct str text)
{
    struct str port;
    struct str host = split_host(text, &port);
    uint64_t number = (uint64_t)config_number(config, CONFIG_COMPONENT_PORT);
    bool good = !str_empty(host) && (!str_present(port) || str_to_u64(port, &number));
    if (!good || number < 1 || number > UINT16_MAX)
        return fail_option(settings, config, CONFIG_COMPONENT_LINKS,
                           "'%s' is not an address to connect to: write host, host:port or "
                           "[IPv6 address]:port",
                           text.at);
    return add_link(settings, config, host, (uint16_t)number);
}

static_assert(LINKS_MAX == 64, "component.links takes one less, for component.host is the first");

/* "component", or where it stands in one of muc.domains. */
static struct str section_name(struct settings *settings, const struct config *config)
{
    struct buf name;
    buf_init(&name, settings->arena);
    if (str_present(config->label))
        buf_addf(&name, "%s.", config->label.at);
    buf_addz(&name, "component");
    return buf_str(&name);
}

static bool make_component(struct settings *settings, const struct config *config,
                           struct str domain)
{
    struct str host = config_text(config, CONFIG_COMPONENT_HOST);
    if (str_empty(host) && config_any_set(config, "component."))
        return fail_option(settings, config, CONFIG_COMPONENT_HOST,
                           "not set, though other component options are");
    if (str_empty(host))
        return true;
    struct component_settings *component = &settings->component;
    struct component_service *service = &component->services[component->service_count++];
    service->domain = domain;
    service->section = section_name(settings, config);
    service->domain_option =
        str_in(settings->arena, str_z(config_name(config, CONFIG_MUC_DOMAIN).text));
    if (!add_link(settings, config, host, (uint16_t)config_number(config, CONFIG_COMPONENT_PORT)))
        return false;
    const struct config_value *links = &config->values[CONFIG_COMPONENT_LINKS];
    for (unsigned i = 0; i < links->item_count; i++) {
        if (!add_written_link(settings, config, links->items[i]))
            return false;
    }
    return make_secret(settings, config, &service->secret);
}

/* ---- services ---- */

static bool make_service(struct settings *settings, const struct config *config)
{
    struct domains *domains = &settings->router.muc_domains;
    struct room_options *defaults = &settings->room_defaults[settings->service_count];
    struct muc_settings *muc = &settings->services[settings->service_count++];
    options_preset(defaults);
    *muc = (struct muc_settings){
        .locked = config_on(config, CONFIG_MUC_LOCKED),
        .tombstone_days = (uint32_t)config_number(config, CONFIG_MUC_TOMBSTONE_DAYS),
        .rooms_per_user = (uint32_t)config_number(config, CONFIG_MUC_ROOMS_PER_USER),
        .lineup_from = LINEUP_FROM,
        .defaults = defaults,
        .version = STR(STENTOR_VERSION),
        .started_us = settings->started_us,
        .durable = settings->store.sqlite,
        .full_text = settings->store.full_text,
        .keep_days = settings->store.keep_days,
        .keep_count = settings->store.keep_count,
    };
    maps_init(settings, muc);
    if (!prepare_domain(settings, config, CONFIG_MUC_DOMAIN, &muc->domain))
        return false;
    if (domains_have(domains, muc->domain))
        return fail_option(settings, config, CONFIG_MUC_DOMAIN,
                           "'%s' is there already: each domain is given once, be it as muc.domain "
                           "or in muc.domains",
                           muc->domain.at);
    domains->at[domains->count++] = muc->domain;
    return make_admins(settings, config, muc) && make_permits(settings, config, muc) &&
           make_nick_rules(settings, config, &muc->nick) &&
           make_room_defaults(settings, config, defaults) &&
           make_component(settings, config, muc->domain);
}

static bool make_services(struct settings *settings, const struct config *config)
{
    settings->started_us = clock_wall_us();
    if (!make_service(settings, config))
        return false;
    for (unsigned i = 0; i < config->domain_count; i++) {
        if (!make_service(settings, config->domains[i].own))
            return false;
    }
    return true;
}

static bool has_component(const struct settings *settings, struct str domain)
{
    for (unsigned i = 0; i < settings->component.service_count; i++) {
        if (str_eq(settings->component.services[i].domain, domain))
            return true;
    }
    return false;
}

static bool check_doors(struct settings *settings, const struct config *config)
{
    if (!settings->client_door && settings->component.service_count == 0)
        return fail(settings, "no door is open: set component.host to serve a host server, or a "
                              "client option (client.listen) for clients");
    for (unsigned i = 0; i < settings->service_count && !settings->client_door; i++) {
        const struct config *its = i == 0 ? config : config->domains[i - 1].own;
        if (!has_component(settings, settings->services[i].domain))
            return fail_option(settings, its, CONFIG_MUC_DOMAIN,
                               "no door leads to %s: set %s for its host server, or a client "
                               "option (client.listen) for clients",
                               settings->services[i].domain.at,
                               config_name(its, CONFIG_COMPONENT_HOST).text);
    }
    return true;
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
    if (!prepare_domain(settings, config, CONFIG_CLIENT_DOMAIN, &stream->domain))
        return false;
    if (domains_have(&settings->router.muc_domains, stream->domain))
        return fail_option(settings, config, CONFIG_CLIENT_DOMAIN,
                           "'%s' is also muc.domain or one of muc.domains: accounts and rooms need "
                           "domains of their own",
                           stream->domain.at);
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
    stream->version = settings->router.version;
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

static bool make_store(struct settings *settings, const struct config *config)
{
    static const char *const backends[] = {"memory", "sqlite"};
    struct keep_settings *store = &settings->store;
    struct str durability = config_text(config, CONFIG_STORE_DURABILITY);
    store->path = str_in(settings->arena, config_text(config, CONFIG_STORE_PATH));
    store->power_messages = str_eqz(durability, "power");
    store->power_gated = store->power_messages || str_eqz(durability, "mixed");
    store->full_text = config_on(config, CONFIG_STORE_FULL_TEXT);
    store->handover = config_on(config, CONFIG_STORE_HANDOVER);
    store->keep_days = (uint32_t)config_number(config, CONFIG_STORE_KEEP_DAYS);
    store->keep_count = (uint32_t)config_number(config, CONFIG_STORE_KEEP_COUNT);
    if (!store->power_gated && !str_eqz(durability, "process"))
        return fail_option(settings, config, CONFIG_STORE_DURABILITY,
                           "'%s' is neither power nor process nor mixed", durability.at);
    return read_word(settings, config, CONFIG_STORE_BACKEND, backends, &store->sqlite);
}

bool settings_make(struct settings *settings, const struct config *config)
{
    *settings = (struct settings){.arena = arena_new(16 * 1024)};
    crypto_random(&settings->hash_key, sizeof(settings->hash_key));
    crypto_random(&settings->placement_key, sizeof(settings->placement_key));
    make_threads(settings, config);
    settings->router.version = STR(STENTOR_VERSION);
    return make_store(settings, config) && make_services(settings, config) &&
           make_client(settings, config) && check_doors(settings, config);
}

void settings_fini(struct settings *settings)
{
    tls_free(settings->tls);
    for (unsigned i = 0; i < settings->service_count; i++) {
        maps_fini(&settings->services[i]);
        room_options_fini(&settings->room_defaults[i]);
    }
    arena_free(settings->arena);
}
