#include "bench/limit/link.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_BYTES (256u * 1024u)

_Noreturn void link_die(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "limit: ");
    vfprintf(stderr, format, arguments);
    fprintf(stderr, "\n");
    va_end(arguments);
    exit(1);
}

void link_set_no_delay(int fd)
{
    int on = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

void link_connect(struct link *link, const char *host, uint16_t port)
{
    char service[8];
    snprintf(service, sizeof(service), "%u", (unsigned)port);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
    int err = getaddrinfo(host, service, &hints, &found);
    if (err != 0)
        link_die("%s: %s", host, gai_strerror(err));
    link->fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (link->fd < 0 || connect(link->fd, found->ai_addr, found->ai_addrlen) < 0)
        link_die("cannot connect to %s port %s: %s", host, service, strerror(errno));
    freeaddrinfo(found);
    link_set_no_delay(link->fd);
    link->used = 0;
}

void link_flush(struct link *link)
{
    size_t done = 0;
    while (done < link->used) {
        ssize_t count = send(link->fd, link->bytes + done, link->used - done, MSG_NOSIGNAL);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            exit(0);
        done += (size_t)count;
    }
    link->used = 0;
}

bool link_read(struct link *link, struct buf *in)
{
    ssize_t count;
    do {
        count = read(link->fd, buf_reserve(in, READ_BYTES), READ_BYTES);
    } while (count < 0 && errno == EINTR);
    if (count <= 0)
        return false;
    in->len += (size_t)count;
    return true;
}

void link_put(struct link *link, struct str text)
{
    if (text.len > LINK_BUFFER_BYTES)
        link_die("a stanza of %zu bytes does not fit the buffer", text.len);
    memcpy(link_room(link, text.len), text.at, text.len);
    link->used += text.len;
}

/* Waits until `in` holds `text`; returns the place behind it. */
static size_t await(struct link *link, struct buf *in, const char *text)
{
    for (;;) {
        const char *found = in->len == 0 ? NULL : memmem(in->at, in->len, text, strlen(text));
        if (found != NULL)
            return (size_t)(found - in->at) + strlen(text);
        if (!link_read(link, in))
            link_die("the stream ended while waiting for '%s': wrong secret or domain?", text);
    }
}

/* The value behind ` id=` in the stream's opening tag. */
static struct str stream_id(const struct buf *in, size_t end)
{
    const char *at = memmem(in->at, end, " id=", 4);
    if (at == NULL)
        link_die("the stream has no id");
    const char *value = at + 5;
    const char *close = memchr(value, at[4], (size_t)(in->at + end - value));
    if (close == NULL)
        link_die("the id of the stream has no end");
    return str_of(value, (size_t)(close - value));
}

void link_handshake(struct link *link, const char *domain, const char *secret, struct buf *in)
{
    struct buf out;
    buf_init(&out, NULL);
    buf_addf(&out,
             "<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' "
             "xmlns:stream='http://etherx.jabber.org/streams' to='%s'>",
             domain);
    link_put(link, buf_str(&out));
    link_flush(link);

    size_t tag = await(link, in, "<stream:stream");
    memmove(in->at, in->at + tag, in->len - tag);
    in->len -= tag;
    size_t end = await(link, in, ">");

    struct str id = stream_id(in, end);
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    out.len = 0;
    buf_add(&out, id);
    buf_addz(&out, secret);
    if (EVP_Digest(out.at, out.len, digest, &size, EVP_sha1(), NULL) != 1)
        link_die("no SHA-1 in this OpenSSL");
    out.len = 0;
    buf_addz(&out, "<handshake>");
    for (unsigned i = 0; i < size; i++)
        buf_addf(&out, "%02x", digest[i]);
    buf_addz(&out, "</handshake>");
    link_put(link, buf_str(&out));
    link_flush(link);
    buf_free(&out);

    size_t done = await(link, in, "<handshake");
    memmove(in->at, in->at + done, in->len - done);
    in->len -= done;
    done = await(link, in, ">");
    if (in->at[done - 2] != '/')
        done = await(link, in, "</handshake>");
    memmove(in->at, in->at + done, in->len - done);
    in->len -= done;
}
