#include "bench/load/handshake.h"

#include "bench/load/util.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <openssl/sha.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define WAIT_MS_MAX 20000
#define STREAM_ID   "stentor-bench"

struct talk {
    int fd;
    char text[8192];
    size_t size;
};

int handshake_listen(uint16_t *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) < 0 || listen(fd, 1024) < 0 ||
        getsockname(fd, (struct sockaddr *)&address, &size) < 0)
        die("cannot listen on the loopback address: %s", strerror(errno));
    *port = ntohs(address.sin_port);
    return fd;
}

static void await_readable(int fd, const char *what)
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    if (poll(&wait, 1, WAIT_MS_MAX) <= 0)
        die("waited %d s for %s", WAIT_MS_MAX / 1000, what);
}

/* Reads until `wanted` has come and returns where it ends. */
static char *await_text(struct talk *talk, const char *wanted)
{
    for (;;) {
        talk->text[talk->size] = '\0';
        char *found = strstr(talk->text, wanted);
        if (found != NULL)
            return found + strlen(wanted);
        await_readable(talk->fd, wanted);
        ssize_t got =
            recv(talk->fd, talk->text + talk->size, sizeof(talk->text) - 1 - talk->size, 0);
        if (got <= 0)
            die("the link was closed before '%s' came; until then: %s", wanted, talk->text);
        talk->size += (size_t)got;
    }
}

/* As await_text(), and then up to the end of the tag. */
static void await_tag(struct talk *talk, const char *wanted)
{
    size_t at = (size_t)(await_text(talk, wanted) - talk->text);
    while (strchr(talk->text + at, '>') == NULL) {
        await_readable(talk->fd, "the rest of a tag");
        ssize_t got =
            recv(talk->fd, talk->text + talk->size, sizeof(talk->text) - 1 - talk->size, 0);
        if (got <= 0)
            die("the link was closed inside a tag: %s", talk->text);
        talk->size += (size_t)got;
        talk->text[talk->size] = '\0';
    }
}

static void say(struct talk *talk, const char *text)
{
    size_t size = strlen(text);
    if (send(talk->fd, text, size, MSG_NOSIGNAL) != (ssize_t)size)
        die("the link broke while it was made: %s", strerror(errno));
}

static void digest_of(char digest[41], const char *id, const char *secret)
{
    char both[1024];
    int size = snprintf(both, sizeof(both), "%s%s", id, secret);
    if (size < 0 || (size_t)size >= sizeof(both))
        die("stream id and secret are too long");
    unsigned char raw[SHA_DIGEST_LENGTH];
    SHA1((const unsigned char *)both, (size_t)size, raw);
    for (unsigned i = 0; i < SHA_DIGEST_LENGTH; i++)
        snprintf(digest + 2 * i, 3, "%02x", raw[i]);
}

static int accepted(int listener)
{
    await_readable(listener, "the server to connect");
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0)
        die("cannot accept a link: %s", strerror(errno));
    return fd;
}

int handshake_accept(int listener, const char *domain, const char *secret)
{
    struct talk talk = {.fd = accepted(listener)};
    await_tag(&talk, "<stream:stream");
    char header[512];
    snprintf(header, sizeof(header),
             "<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' "
             "xmlns:stream='http://etherx.jabber.org/streams' id='" STREAM_ID "' from='%s'>",
             domain);
    say(&talk, header);
    char digest[41], wanted[80];
    digest_of(digest, STREAM_ID, secret);
    snprintf(wanted, sizeof(wanted), "<handshake>%s</handshake>", digest);
    await_text(&talk, wanted);
    say(&talk, "<handshake/>");
    return talk.fd;
}

int handshake_connect(uint16_t port, const char *domain, const char *secret)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port)};
    struct talk talk = {.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    if (talk.fd < 0 || connect(talk.fd, (struct sockaddr *)&to, sizeof(to)) < 0)
        die("cannot connect to port %u: %s", port, strerror(errno));
    char header[512];
    snprintf(header, sizeof(header),
             "<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' "
             "xmlns:stream='http://etherx.jabber.org/streams' to='%s'>",
             domain);
    say(&talk, header);
    await_tag(&talk, "<stream:stream");
    char id[256] = "";
    const char *at = strstr(talk.text, " id=");
    if (at == NULL || sscanf(at, " id=%*[\"']%255[^\"']", id) != 1)
        die("the server's stream has no id: %s", talk.text);
    char digest[41], answer[80];
    digest_of(digest, id, secret);
    snprintf(answer, sizeof(answer), "<handshake>%s</handshake>", digest);
    say(&talk, answer);
    await_tag(&talk, "<handshake");
    return talk.fd;
}

int handshake_accept_plain(int listener)
{
    struct talk talk = {.fd = accepted(listener)};
    /* Byte by byte: what follows the header is for others to read. */
    for (;;) {
        await_readable(talk.fd, "a stream header");
        if (talk.size + 1 == sizeof(talk.text) || recv(talk.fd, talk.text + talk.size, 1, 0) != 1)
            die("the raw pipe does not begin with a stream header");
        talk.size++;
        if (talk.text[talk.size - 1] == '>' && strstr(talk.text, "<stream:stream") != NULL)
            return talk.fd;
    }
}
