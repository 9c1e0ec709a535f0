/*
 * A host server played by a test of the component link, on a loopback socket: what most of them
 * begin with, for cmocka tests.
 */
#ifndef TESTS_SUPPORT_HOST_SIDE_H
#define TESTS_SUPPORT_HOST_SIDE_H

#include "tests/support/lane_world.h"

#include "core/base/ensure.h"
#include "core/base/limits.h"
#include "core/base/mem.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define HOST_HEADER                                                                                \
    "<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept'"                          \
    " xmlns:stream='http://etherx.jabber.org/streams' from='conference.localhost' id='3BF96D32'>"

static struct lane_world world;
static struct component_settings settings;
static int listener;
static int host; /* the host's end of the link, once it is accepted */

/* ---- the host ---- */

static inline void host_listen(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(at);
    if (settings.hosts[0].port != 0)
        at.sin_port = htons(settings.hosts[0].port);
    int on = 1;
    listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    ensure(listener >= 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    ensure(bind(listener, (struct sockaddr *)&at, sizeof(at)) == 0 && listen(listener, 5) == 0);
    ensure(getsockname(listener, (struct sockaddr *)&at, &size) == 0);
    settings.hosts[0].port = ntohs(at.sin_port);
}

/* Waits for the link, at most so long by the test's clock; how long it took, -1: it did not come.
 */
static inline int host_accept(int max_ms)
{
    for (int ms = 0; ms <= max_ms; ms += 100) {
        lane_world_step(&world, ms == 0 ? 0 : 100);
        host = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (host >= 0) {
            int on = 1;
            setsockopt(host, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
            lane_world_step(&world, 0);
            return ms;
        }
    }
    return -1;
}

/* Bytes over loopback are there at once, or in a moment. */
static inline const char *host_read(bool *ended)
{
    for (unsigned i = 0; i < 100; i++) {
        lane_world_step(&world, 0);
        const char *text = lane_world_read(host, ended);
        if (text[0] != '\0' || (ended != NULL && *ended))
            return text;
        usleep(1000);
    }
    return "";
}

/* While something waits for credits the link is read once in a millisecond. */
static inline void pass_a_millisecond(void)
{
    if (links_wait(&world.links))
        lane_world_step(&world, 1);
}

static inline void host_send(const char *xml)
{
    pass_a_millisecond();
    size_t size = strlen(xml);
    ensure(write(host, xml, size) == (ssize_t)size);
    for (unsigned i = 0; i < 5; i++) {
        lane_world_step(&world, 0);
        usleep(500);
    }
}

static inline bool logged(const char *text)
{
    return world.log.len > 0 && strstr(buf_str(&world.log).at, text) != NULL;
}

static inline unsigned log_count(const char *text)
{
    return world.log.len > 0 ? lane_world_count(buf_str(&world.log).at, text) : 0;
}

static inline void link_begin(void)
{
    struct link_setup setup = {
        .settings = &settings,
        .conns = &world.conns,
        .deliver = &world.deliver,
        .router = &world.router,
        .random = lane_world_random,
        .shards = LANE_SHARDS,
    };
    for (unsigned i = 0; i < settings.link_count; i++)
        directory_add_link(world.directory, component_service_of(&settings, i)->domain,
                           component_route(i, 1));
    links_begin(&world.links, &setup, 1);
}

/* Up to the handshake's answer. */
static inline void link_up(void)
{
    int after_ms = host_accept(LINK_RETRY_MS_MAX);
    assert_true(after_ms >= 0);
    host_read(NULL);
    host_send(HOST_HEADER);
    assert_non_null(strstr(host_read(NULL), "<handshake>"));
    host_send("<handshake/>");
    assert_true(logged(": up, speaking for conference.localhost at 127.0.0.1"));
}

static inline int begin(void **state)
{
    UNUSED(state);
    lane_world_begin(&world);
    settings = (struct component_settings){
        .services = {{.domain = STR("conference.localhost"),
                      .secret = STR("test"),
                      .domain_option = STR("muc.domain"),
                      .section = STR("component"),
                      .link_count = 1}},
        .service_count = 1,
        .link_count = 1,
    };
    settings.hosts[0].name = STR("127.0.0.1");
    host = -1;
    host_listen();
    return 0;
}

static inline int end(void **state)
{
    UNUSED(state);
    lane_world_end(&world);
    close(listener);
    if (host >= 0)
        close(host);
    return 0;
}

/* Both up, to the same host; peers[i] is the host's end of link i. */
static inline void two_up(int peers[2])
{
    settings.hosts[1] = settings.hosts[0];
    settings.hosts[1].number = 1;
    settings.services[0].link_count = 2;
    settings.link_count = 2;
    link_begin();
    link_up();
    unsigned first = logged("component link 1: up") ? 0 : 1;
    assert_true(logged(first == 0 ? "component link 1: up" : "component link 2: up"));
    peers[first] = host;
    link_up();
    peers[1 - first] = host;
    assert_int_equal(log_count("component link 1: up"), 1);
    assert_int_equal(log_count("component link 2: up"), 1);
}

#endif
