#include "tests/sim/peers.h"

#include "core/base/ensure.h"
#include "core/base/limits.h"
#include "core/base/mem.h"
#include "tests/sim/sim.h"

#include <stdio.h>
#include <string.h>

enum { PIECE_MAX = 4096, BLINK_STEPS = 20 };

static bool is(const char *element, const char *begin)
{
    return strncmp(element, begin, strlen(begin)) == 0;
}

/* ---- a host server ---- */

static const char *domain_of(unsigned service)
{
    return service == 0 ? SIM_ROOMS_DOMAIN : SIM_LOUNGE_DOMAIN;
}

static void lose_link(struct sim *sim, unsigned service)
{
    sim_note(sim, "  the link of %s is lost", domain_of(service));
    stream_end_drop(&sim->peers.hosts[service].end);
    if (sim->peers.hosts[service].state == HOST_UP) {
        sim->peers.links_lost++;
        checkers_link_lost(sim->checkers, service);
    }
    sim->peers.hosts[service].state = HOST_AWAY;
}

static void host_reads(struct sim *sim, unsigned service, const char *element)
{
    struct stream_end *end = &sim->peers.hosts[service].end;
    enum host_state *state = &sim->peers.hosts[service].state;
    if (is(element, "<?xml"))
        return;
    if (is(element, "</stream:stream>")) {
        stream_end_write(end, "</stream:stream>");
        lose_link(sim, service);
    } else if (*state == HOST_OPENING && is(element, "<stream:stream ")) {
        char header[400];
        snprintf(header, sizeof(header),
                 "<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept'"
                 " xmlns:stream='http://etherx.jabber.org/streams' from='%s' id='3BF96D32'>",
                 domain_of(service));
        stream_end_write(end, header);
        *state = HOST_SHAKING;
    } else if (*state == HOST_SHAKING && is(element, "<handshake>") &&
               strlen(element) == strlen("<handshake></handshake>") + 40) {
        stream_end_write(end, "<handshake/>");
        *state = HOST_UP;
        sim->peers.found_again += sim->step > 1 && !sim->settling ? 1 : 0;
        sim_note(sim, "  the link of %s is up", domain_of(service));
    } else if (*state == HOST_UP) {
        sim_hear_by_link(sim, service, element);
    } else {
        sim_fail(sim, "the host of %s received\n  %s", domain_of(service), element);
    }
}

static void host_listens(struct sim *sim, unsigned service)
{
    struct stream_end *end = &sim->peers.hosts[service].end;
    struct wire *called = wire_called(SIM_HOST_PORT(service));
    if (called == NULL)
        return;
    if (fault_lasts(sim, FAULT_HOST_AWAY, service)) {
        wire_refuse(called);
        return;
    }
    ensure(end->wire == NULL);
    wire_accept(called);
    end->wire = called;
    sim->peers.hosts[service].state = HOST_OPENING;
}

static size_t host_moves(struct sim *sim, unsigned service, size_t max)
{
    struct stream_end *end = &sim->peers.hosts[service].end;
    char *element;
    if (end->wire == NULL)
        host_listens(sim, service);
    if (end->wire == NULL || fault_lasts(sim, FAULT_LINK_SLOW, service))
        return 0;
    size_t moved = wire_carry(end->wire, max);
    stream_end_read(end);
    while (end->wire != NULL && (element = stream_end_take(end)) != NULL) {
        host_reads(sim, service, element);
        mem_free(element);
    }
    if (end->wire != NULL && wire_ended(end->wire))
        lose_link(sim, service);
    return moved;
}

bool peers_link_is_up(const struct sim *sim, unsigned service)
{
    return sim->peers.hosts[service].state == HOST_UP;
}

void peers_break_link(struct sim *sim, unsigned service)
{
    if (sim->peers.hosts[service].end.wire == NULL)
        return;
    wire_break(sim->peers.hosts[service].end.wire);
    lose_link(sim, service);
}

void peers_close_link(struct sim *sim, unsigned service)
{
    struct stream_end *end = &sim->peers.hosts[service].end;
    if (!peers_link_is_up(sim, service))
        return;
    stream_end_write(end, "</stream:stream>");
    (void)wire_carry(end->wire, SIZE_MAX);
    host_moves(sim, service, SIZE_MAX);
    if (end->wire != NULL)
        lose_link(sim, service);
}

void peers_blink_link(struct sim *sim, unsigned service)
{
    if (!peers_link_is_up(sim, service) || fault_lasts(sim, FAULT_HOST_AWAY, service))
        return;
    peers_break_link(sim, service);
    for (unsigned i = 0; i < BLINK_STEPS && !peers_link_is_up(sim, service); i++) {
        sim_world_advance(&sim->world, LINK_RETRY_MS_MIN * INT64_C(1000) / 5);
        sim_world_step_lane(&sim->world, service, 0);
        host_moves(sim, service, SIZE_MAX);
    }
}

void peers_send_garbage(struct sim *sim, unsigned service, unsigned which)
{
    static const char *const garbage[] = {
        "<message <>",
        "</nothing>",
        "<!DOCTYPE x>",
        "<stream:error><internal-server-error xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"
        "</stream:error></stream:stream>",
        "<stream:error><no-such-thing xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"
        "</stream:error>",
        "<unknown xmlns='urn:example:nothing'><a/></unknown>",
        "<message type='groupchat'><body>from nowhere</body></message>",
        "<presence from='@' to='cave@rooms.example/n'/>",
        "<iq from='zq1ann@host.example/home' to='elsewhere@nowhere.example' type='error'/>",
    };
    if (peers_link_is_up(sim, service))
        stream_end_write(&sim->peers.hosts[service].end, garbage[which % ARRAY_LEN(garbage)]);
}

/* ---- a client ---- */

#define SPARE_RESOURCE "sofa"
#define CLIENT_HEADER                                                                              \
    "<?xml version='1.0'?><stream:stream xmlns='jabber:client'"                                    \
    " xmlns:stream='http://etherx.jabber.org/streams' to='" SIM_LOCAL_DOMAIN "' version='1.0'>"

/* Of the account: what stands before the @. */
static struct str name_of(int user)
{
    return str_of(cast_accounts[user], strcspn(cast_accounts[user], "@"));
}

static void client_gone(struct sim *sim, int user)
{
    enum client_state state = sim->peers.clients[user].state;
    if (sim->peers.clients[user].end.wire != NULL)
        stream_end_drop(&sim->peers.clients[user].end);
    if (state == CLIENT_HERE || state == CLIENT_REMOVING)
        checkers_gone(sim->checkers, user);
    /* Whether it was done nobody knows, or whether it will be. */
    if (state == CLIENT_REMOVING)
        sim->peers.clients[user].removal = true;
    if (state == CLIENT_REGISTERING || state == CLIENT_REMOVING)
        sim->peers.clients[user].account = ACCOUNT_DOUBT;
    sim->peers.clients[user].state = CLIENT_AWAY;
    sim_note(sim, "  %s is away", cast_users[user]);
}

static void client_registers(struct sim *sim, int user)
{
    char text[400];
    struct str name = name_of(user);
    snprintf(text, sizeof(text),
             "<iq type='set' id='reg'><query xmlns='jabber:iq:register'><username>%.*s</username>"
             "<password>secrets</password></query></iq>",
             (int)name.len, name.at);
    stream_end_write(&sim->peers.clients[user].end, text);
    sim->peers.clients[user].state = CLIENT_REGISTERING;
}

/* PLAIN: NUL, name, NUL, password, in base64. */
static void client_logs_in(struct sim *sim, int user)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char plain[100] = {0}, text[300];
    struct str name = name_of(user);
    int size = snprintf(plain + 1, sizeof(plain) - 1, "%.*s", (int)name.len, name.at) + 2;
    size += snprintf(plain + size, sizeof(plain) - (size_t)size, "secrets");
    ensure(size % 3 == 0); /* no padding */
    int len = snprintf(text, sizeof(text),
                       "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>");
    for (int i = 0; i < size; i += 3) {
        unsigned bits =
            (unsigned)plain[i] << 16 | (unsigned)plain[i + 1] << 8 | (unsigned)plain[i + 2];
        for (int shift = 18; shift >= 0; shift -= 6)
            text[len++] = digits[bits >> shift & 63];
    }
    snprintf(text + len, sizeof(text) - (size_t)len, "</auth>");
    stream_end_write(&sim->peers.clients[user].end, text);
    sim->peers.clients[user].state = CLIENT_LOGGING_IN;
}

/* The store had trouble since this client began, or has now. */
static bool store_was_ill(const struct sim *sim, int user)
{
    return sim->ending || sim->peers.clients[user].failures != sim->world.store.failures;
}

static void client_reads_registered(struct sim *sim, int user, const char *element)
{
    enum account_state *account = &sim->peers.clients[user].account;
    if (is(element, "<iq type='result'") || strstr(element, " type='result'") != NULL) {
        if (*account == ACCOUNT_THERE)
            sim_fail(sim, "%s was registered a second time", cast_accounts[user]);
        sim->peers.registered++;
        *account = sim->peers.clients[user].removal ? ACCOUNT_DOUBT : ACCOUNT_THERE;
        client_logs_in(sim, user);
    } else if (strstr(element, "<conflict ") != NULL) {
        if (*account == ACCOUNT_NONE)
            sim_fail(sim, "%s is taken, and was never registered", cast_accounts[user]);
        *account = sim->peers.clients[user].removal ? ACCOUNT_DOUBT : ACCOUNT_THERE;
        client_logs_in(sim, user);
    } else {
        if (strstr(element, "<internal-server-error ") == NULL || !store_was_ill(sim, user))
            sim_fail(sim, "%s could not register: %s", cast_accounts[user], element);
        sim->peers.clients[user].state = CLIENT_OPENING; /* it was not done, and we know that */
        client_gone(sim, user);
    }
}

static void client_reads_login(struct sim *sim, int user, const char *element)
{
    enum account_state *account = &sim->peers.clients[user].account;
    if (is(element, "<success")) {
        if (*account == ACCOUNT_NONE)
            sim_fail(sim, "%s could log in without an account", cast_users[user]);
        *account = sim->peers.clients[user].removal ? ACCOUNT_DOUBT : ACCOUNT_THERE;
        stream_end_write(&sim->peers.clients[user].end, CLIENT_HEADER);
        sim->peers.clients[user].state = CLIENT_REOPENING;
    } else if (strstr(element, "<not-authorized") != NULL) {
        if (*account == ACCOUNT_THERE)
            sim_fail(sim, "%s cannot log in, and was registered", cast_users[user]);
        *account = ACCOUNT_NONE;
        client_gone(sim, user);
    } else {
        if (strstr(element, "<temporary-auth-failure") == NULL || !store_was_ill(sim, user))
            sim_fail(sim, "%s could not log in: %s", cast_users[user], element);
        client_gone(sim, user);
    }
}

/* Those that had logged in as it; whoever registers the name next has nothing to do with them. */
static void removes_left(struct peers *peers, int user)
{
    for (unsigned i = 0; i < peers->left_count; i++)
        if (peers->left[i].user == user && peers->left[i].state >= CLIENT_REOPENING)
            peers->left[i].removed = true;
}

/* The account is removed: it was told so, or why not. */
static void client_reads_removed(struct sim *sim, int user, const char *element)
{
    if (strstr(element, " type='result'") != NULL) {
        sim->peers.removed++;
        removes_left(&sim->peers, user);
        sim->peers.clients[user].account = ACCOUNT_NONE;
    } else if (strstr(element, "<internal-server-error ") == NULL || !store_was_ill(sim, user)) {
        sim_fail(sim, "%s could not remove its account: %s", cast_users[user], element);
    } else {
        sim->peers.clients[user].account = ACCOUNT_THERE;
    }
    sim->peers.clients[user].state = CLIENT_HERE;
}

static void leave_behind(struct peers *peers, int user)
{
    if (peers->left_count == PEERS_LEFT)
        wire_release(peers->left[--peers->left_count].wire);
    unsigned at = peers->left_count++;
    peers->left[at].wire = peers->clients[user].end.wire;
    peers->left[at].user = user;
    peers->left[at].state = peers->clients[user].state;
    peers->left[at].removed = false;
}

/* Once in a while under another resource: a connection that is logged in and says nothing. */
static void client_binds(struct sim *sim, int user)
{
    bool spare = dice_once_in(&sim->dice, 4);
    stream_end_write(&sim->peers.clients[user].end,
                     "<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
                     "<resource>");
    stream_end_write(&sim->peers.clients[user].end, spare ? SPARE_RESOURCE : "desk");
    stream_end_write(&sim->peers.clients[user].end, "</resource></bind></iq>");
    sim->peers.clients[user].state = CLIENT_BINDING;
}

/* It stays open, while the client comes back with its usual resource and may remove the account. */
static void leave_spare(struct sim *sim, int user)
{
    struct stream_end *end = &sim->peers.clients[user].end;
    leave_behind(&sim->peers, user);
    end->wire = NULL;
    end->got.len = 0;
    sim->peers.spares++;
    client_gone(sim, user);
    if (!sim->settling && !sim->ending)
        peers_call(sim, user);
}

static bool has_spare(const struct peers *peers, int user)
{
    for (unsigned i = 0; i < peers->left_count; i++)
        if (peers->left[i].user == user && peers->left[i].state == CLIENT_BINDING)
            return true;
    return false;
}

static void client_is_here(struct sim *sim, int user)
{
    stream_end_write(&sim->peers.clients[user].end, "<presence/>");
    sim->peers.logins++;
    sim->peers.clients[user].state = CLIENT_HERE;
    sim_note(sim, "  %s is here", cast_users[user]);
    if (has_spare(&sim->peers, user) && dice_once_in(&sim->dice, 2))
        peers_remove_account(sim, user);
}

static void client_reads(struct sim *sim, int user, const char *element)
{
    enum client_state *state = &sim->peers.clients[user].state;
    bool features = is(element, "<stream:features");
    if (is(element, "<?xml") || is(element, "<stream:stream "))
        return;
    if (is(element, "<stream:error")) {
        bool removed = sim->peers.clients[user].account != ACCOUNT_THERE &&
                       strstr(element, "The account is no more") != NULL;
        bool slow = sim->faults.chosen[FAULT_CLIENT_SLOW] &&
                    strstr(element, "Too much has been waiting") != NULL;
        /* With a store as slow as that it would have waited, and time has been let pass. */
        int64_t waited_ms = sim->world.clock.mono_ms - sim->peers.clients[user].called_ms;
        bool late = *state < CLIENT_HERE && waited_ms >= HANDSHAKE_SECONDS * 1000 &&
                    strstr(element, "There was no session within the time") != NULL;
        if (!sim->ending && !removed && !slow && !late)
            sim_fail(sim, "%s received\n  %s", cast_users[user], element);
    } else if (*state == CLIENT_OPENING && features) {
        if (sim->peers.clients[user].account == ACCOUNT_THERE)
            client_logs_in(sim, user);
        else
            client_registers(sim, user);
    } else if (*state == CLIENT_REGISTERING && is(element, "<iq ")) {
        client_reads_registered(sim, user, element);
    } else if (*state == CLIENT_LOGGING_IN) {
        client_reads_login(sim, user, element);
    } else if (*state == CLIENT_REOPENING && features) {
        client_binds(sim, user);
    } else if (*state == CLIENT_BINDING && strstr(element, "/" SPARE_RESOURCE "<") != NULL) {
        leave_spare(sim, user);
    } else if (*state == CLIENT_BINDING && strstr(element, cast_users[user]) != NULL) {
        client_is_here(sim, user);
    } else if (*state == CLIENT_REMOVING && strstr(element, " id='unreg'") != NULL) {
        client_reads_removed(sim, user, element);
    } else if (*state >= CLIENT_HERE) {
        sim_hear_by_client(sim, user, element);
    } else {
        sim_fail(sim, "%s received\n  %s", cast_users[user], element);
    }
}

static size_t client_moves(struct sim *sim, int user, size_t max)
{
    struct stream_end *end = &sim->peers.clients[user].end;
    char *element;
    if (end->wire == NULL || fault_lasts(sim, FAULT_CLIENT_SLOW, (unsigned)user))
        return 0;
    size_t moved = wire_carry(end->wire, max);
    stream_end_read(end);
    while (end->wire != NULL && (element = stream_end_take(end)) != NULL) {
        if (is(element, "</stream:stream>"))
            client_gone(sim, user);
        else
            client_reads(sim, user, element);
        mem_free(element);
    }
    if (end->wire == NULL || !wire_ended(end->wire))
        return moved;
    /* Who has not said anything yet is told nothing when the process ends; and who has not read
     * that its account is gone for some seconds does not read it at all. */
    enum client_state state = sim->peers.clients[user].state;
    if ((sim->ending && state == CLIENT_OPENING) || state == CLIENT_REMOVING) {
        client_gone(sim, user);
        return moved;
    }
    sim_fail(sim, "%s has lost its connection, and nothing was said", cast_users[user]);
}

bool peers_is_away(const struct sim *sim, int user)
{
    return sim->peers.clients[user].state == CLIENT_AWAY;
}

bool peers_is_here(const struct sim *sim, int user)
{
    return sim->peers.clients[user].state == CLIENT_HERE;
}

void peers_call(struct sim *sim, int user)
{
    const struct sim_store *store = &sim->world.store;
    struct stream_end *end = &sim->peers.clients[user].end;
    ensure(peers_is_away(sim, user));
    end->wire = wire_call(sim->world.nets.door);
    sim->peers.clients[user].state = CLIENT_OPENING;
    sim->peers.clients[user].failures = store->failures;
    sim->peers.clients[user].called_ms = sim->world.clock.mono_ms;
    stream_end_write(end, CLIENT_HEADER);
}

void peers_leave(struct sim *sim, int user, enum goodbye how)
{
    struct stream_end *end = &sim->peers.clients[user].end;
    if (how == GOODBYE_BROKEN)
        wire_break(end->wire);
    if (how == GOODBYE_POLITE) {
        stream_end_write(end, "</stream:stream>");
        wire_shut(end->wire);
    }
    if (how != GOODBYE_BROKEN) {
        leave_behind(&sim->peers, user);
        end->wire = NULL;
        end->got.len = 0;
    }
    client_gone(sim, user);
}

void peers_remove_account(struct sim *sim, int user)
{
    sim->peers.clients[user].failures = sim->world.store.failures;
    stream_end_write(&sim->peers.clients[user].end,
                     "<iq type='set' id='unreg'><query "
                     "xmlns='jabber:iq:register'><remove/></query></iq>");
    sim->peers.clients[user].state = CLIENT_REMOVING;
}

/* What was said before a polite goodbye still comes; nobody listens any more. */
static size_t left_moves(struct peers *peers, unsigned i, size_t max)
{
    struct wire *wire = peers->left[i].wire;
    size_t moved = wire_carry(wire, max);
    (void)wire_read(wire);
    if (wire_ended(wire)) {
        wire_release(wire);
        peers->left[i] = peers->left[--peers->left_count];
    }
    return moved;
}

void peers_check_left(struct sim *sim)
{
    const struct peers *peers = &sim->peers;
    for (unsigned i = 0; i < peers->left_count; i++) {
        int user = peers->left[i].user;
        enum client_state state = peers->left[i].state;
        if (state >= CLIENT_HERE && peers_is_here(sim, user))
            sim_fail(sim, "%s has a newer session, and its older one is still open",
                     cast_users[user]);
        if (peers->left[i].removed)
            sim_fail(sim, "%s is removed, and a connection that logged in as it is still open",
                     cast_accounts[user]);
    }
}

void peers_give_up(struct sim *sim)
{
    struct peers *peers = &sim->peers;
    peers->given_up = true;
    for (unsigned i = 0; i < peers->left_count; i++)
        wire_shut(peers->left[i].wire);
}

void peers_settled(struct sim *sim)
{
    for (int user = 0; user < CAST_USERS; user++)
        sim->peers.clients[user].removal = false;
    sim->peers.given_up = false;
}

/* ---- all of them ---- */

void peers_begin(struct sim *sim)
{
    for (unsigned i = 0; i < CAST_SERVICES; i++)
        buf_init(&sim->peers.hosts[i].end.got, NULL);
    for (int user = 0; user < CAST_USERS; user++)
        buf_init(&sim->peers.clients[user].end.got, NULL);
}

void peers_end(struct sim *sim)
{
    peers_lose_all(sim);
    for (unsigned i = 0; i < CAST_SERVICES; i++)
        buf_free(&sim->peers.hosts[i].end.got);
    for (int user = 0; user < CAST_USERS; user++)
        buf_free(&sim->peers.clients[user].end.got);
}

void peers_lose_all(struct sim *sim)
{
    struct peers *peers = &sim->peers;
    for (unsigned i = 0; i < CAST_SERVICES; i++) {
        if (peers->hosts[i].end.wire != NULL)
            stream_end_drop(&peers->hosts[i].end);
        peers->hosts[i].state = HOST_AWAY;
    }
    for (int user = CAST_LOCAL; user < CAST_USERS; user++)
        if (!peers_is_away(sim, user))
            client_gone(sim, user);
    while (peers->left_count > 0)
        wire_release(peers->left[--peers->left_count].wire);
}

void peers_step(struct sim *sim)
{
    unsigned who = dice_pick(&sim->dice, CAST_SERVICES + CAST_USERS);
    size_t max = dice_once_in(&sim->dice, 3) ? SIZE_MAX : 1 + dice_pick(&sim->dice, PIECE_MAX);
    if (who < CAST_OWNERS) {
        host_moves(sim, who % CAST_SERVICES, max);
    } else if (who < CAST_USERS) {
        int user = CAST_LOCAL + (int)(who % (CAST_USERS - CAST_LOCAL));
        client_moves(sim, user, max);
    } else if (sim->peers.left_count > 0) {
        left_moves(&sim->peers, dice_pick(&sim->dice, sim->peers.left_count), max);
    }
}

unsigned peers_round(struct sim *sim)
{
    size_t moved = 0;
    for (unsigned i = 0; i < CAST_SERVICES; i++)
        moved += host_moves(sim, i, SIZE_MAX);
    for (int user = CAST_LOCAL; user < CAST_USERS; user++)
        moved += client_moves(sim, user, SIZE_MAX);
    for (unsigned i = sim->peers.left_count; i > 0; i--)
        moved += left_moves(&sim->peers, i - 1, SIZE_MAX);
    return moved > 0 ? 1 : 0;
}

bool peers_are_busy(const struct sim *sim)
{
    bool busy = sim->peers.given_up && sim->peers.left_count > 0;
    for (unsigned i = 0; i < CAST_SERVICES; i++)
        busy = busy || sim->peers.hosts[i].state != HOST_UP;
    for (int user = CAST_LOCAL; user < CAST_USERS; user++)
        busy = busy || (sim->peers.clients[user].state != CLIENT_AWAY &&
                        sim->peers.clients[user].state != CLIENT_HERE);
    return busy && !sim->ending;
}

bool peers_may_send(const struct sim *sim, int user, unsigned service)
{
    const struct stream_end *end =
        user < CAST_LOCAL ? &sim->peers.hosts[service].end : &sim->peers.clients[user].end;
    bool ready = user < CAST_LOCAL ? peers_link_is_up(sim, service) : peers_is_here(sim, user);
    return ready && wire_unread(end->wire) < SIM_UNREAD_MAX;
}

void peers_send(struct sim *sim, int user, unsigned service, const char *stanza)
{
    if (user >= CAST_LOCAL) {
        stream_end_write(&sim->peers.clients[user].end, stanza);
        return;
    }
    struct stream_end *end = &sim->peers.hosts[service].end;
    size_t name = strcspn(stanza, " ");
    wire_write(end->wire, str_of(stanza, name));
    stream_end_write(end, " from='");
    stream_end_write(end, cast_users[user]);
    stream_end_write(end, "'");
    stream_end_write(end, stanza + name);
}
