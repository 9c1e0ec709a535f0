/*
 * The network as the process under test sees it: sockets and epoll without a kernel. The linker
 * puts these in the place of the system's calls (--wrap, tests/CMakeLists.txt), for descriptors
 * that were made here. So net agents run as they are, and what arrives when, in which pieces, and
 * what is lost, is for the test to say:
 *
 *   process --> written, not acknowledged --wire_carry()--> arrived --> wire_read()
 *   wire_write() --> on its way --wire_carry()--> readable --> process
 *
 * A handle is the other end of a connection; it lasts until wire_release().
 */
#ifndef TESTS_SIM_WIRE_H
#define TESTS_SIM_WIRE_H

#include "core/base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct wire;

/* A listening descriptor, for the process. */
int wire_listen(void);
/* Somebody calls there: to be accepted. */
struct wire *wire_call(int listener);
/* The process has called that port, and it is the next to be decided; NULL: none. */
struct wire *wire_called(uint16_t port);
void wire_accept(struct wire *wire);
void wire_refuse(struct wire *wire); /* releases it */

void wire_write(struct wire *wire, struct str bytes);
/* At most so many bytes each way; how many went. */
size_t wire_carry(struct wire *wire, size_t max);
/* What has arrived; valid until wire_carry(). */
struct str wire_read(struct wire *wire);
/* Nothing more will arrive: the process has closed its side. */
bool wire_ended(const struct wire *wire);
/* Bytes under way, of those that the process wrote. */
size_t wire_unacked(const struct wire *wire);
/* Of those that were written to it, not read yet. */
size_t wire_unread(const struct wire *wire);

/* Our side ends behind what was written. */
void wire_shut(struct wire *wire);
/* It is cut: what is under way, either way, is lost, and the process is told. */
void wire_break(struct wire *wire);
void wire_release(struct wire *wire);

/* All of it is gone, handles too. Fails the test if the process has left something open. */
void wire_fini(void);

#endif
