#include "net/net.h"

#include "core/base/err.h"
#include "core/base/limits.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* "host:port" or "[v6]:port" in two pieces that end in NUL. */
struct endpoint {
    char host[256];
    char port[8];
};

static bool copy_part(char *into, size_t size, struct str part)
{
    if (part.len == 0 || part.len >= size)
        return false;
    memcpy(into, part.at, part.len);
    into[part.len] = '\0';
    return true;
}

static bool split(struct str address, struct endpoint *endpoint)
{
    const char *colon = memrchr(address.at, ':', address.len);
    if (colon == NULL)
        return false;
    struct str host = str_of(address.at, (size_t)(colon - address.at));
    struct str port = str_of(colon + 1, address.len - host.len - 1);
    bool v6 = memchr(host.at, ':', host.len) != NULL;
    if (host.len >= 2 && host.at[0] == '[' && host.at[host.len - 1] == ']')
        host = str_of(host.at + 1, host.len - 2);
    else if (v6)
        return false;
    uint64_t number;
    return str_to_u64(port, &number) && number <= UINT16_MAX &&
           copy_part(endpoint->host, sizeof(endpoint->host), host) &&
           copy_part(endpoint->port, sizeof(endpoint->port), port);
}

static int resolve(const struct endpoint *endpoint, struct addrinfo **found)
{
    struct addrinfo hints = {
        .ai_family = AF_UNSPEC,
        .ai_socktype = SOCK_STREAM,
        .ai_flags = AI_PASSIVE | AI_NUMERICSERV,
    };
    return getaddrinfo(endpoint->host, endpoint->port, &hints, found);
}

/* Socket, options, bind, listen; a negative errno. */
static int open_listener(const struct addrinfo *at)
{
    int fd = socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    int on = 1;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, at->ai_addr, at->ai_addrlen) != 0 || listen(fd, LISTEN_BACKLOG) != 0) {
        int failed = -errno;
        close(fd);
        return failed;
    }
    return fd;
}

/* A name may have several addresses, and not each is there on every machine (::1 of localhost). */
static int open_first(const struct addrinfo *at)
{
    int fd = open_listener(at);
    while (fd < 0 && fd != -EADDRINUSE && at->ai_next != NULL) {
        at = at->ai_next;
        fd = open_listener(at);
    }
    return fd;
}

bool net_is_address(struct str text)
{
    struct endpoint endpoint;
    return split(text, &endpoint);
}

int net_listen(struct str address, char *text, size_t text_size)
{
    int shown = (int)(address.len < 256 ? address.len : 256);
    struct endpoint endpoint;
    if (!split(address, &endpoint)) {
        snprintf(text, text_size,
                 "'%.*s' is not an address to listen on: write host:port or [IPv6 address]:port",
                 shown, address.at);
        return ERR_INVALID;
    }
    struct addrinfo *found = NULL;
    int failed = resolve(&endpoint, &found);
    if (failed != 0) {
        snprintf(text, text_size, "cannot listen on %.*s: the host '%s' has no address here: %s",
                 shown, address.at, endpoint.host, gai_strerror(failed));
        return ERR_NOT_FOUND;
    }
    int fd = open_first(found);
    freeaddrinfo(found);
    if (fd >= 0)
        return fd;
    if (fd == -EADDRINUSE)
        snprintf(text, text_size,
                 "cannot listen on %.*s: the address is in use; another program (or another of us) "
                 "listens there already",
                 shown, address.at);
    else
        snprintf(text, text_size, "cannot listen on %.*s: %s", shown, address.at, strerror(-fd));
    return err_from_errno(-fd);
}

static bool is_loopback(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, address, sizeof(v4));
        return ntohl(v4.sin_addr.s_addr) >> 24 == 127;
    }
    if (address->sa_family != AF_INET6)
        return false;
    struct sockaddr_in6 v6;
    memcpy(&v6, address, sizeof(v6));
    return IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr);
}

bool net_is_loopback(struct str address)
{
    struct endpoint endpoint;
    struct addrinfo *found = NULL;
    if (!split(address, &endpoint) || resolve(&endpoint, &found) != 0)
        return false;
    bool all = true;
    for (struct addrinfo *at = found; at != NULL; at = at->ai_next)
        all = all && is_loopback(at->ai_addr);
    freeaddrinfo(found);
    return all;
}
