/*
 * What the client domain answers for itself and on behalf of accounts. There are no rosters, no
 * vCards and no stores behind it: what is not in its table gets its error at once.
 *
 * @xep 0030 2.5.0 #info #items
 * @xep 0092 1.1 #protocol
 * @xep 0175 1.2 #disco
 * @xep 0199 2.0.1 #c2s
 * @xep 0202 2.0 #protocol
 */
#ifndef NET_LOCAL_H
#define NET_LOCAL_H

#include "net/router.h"

enum local_place {
    LOCAL_DOMAIN, /* the domain itself */
    LOCAL_OWN,    /* the sender's own account, named or not */
    LOCAL_OTHER,  /* somebody else's account, or a session that is not there */
};

/* The answer to a request; `from` is who answers, as addressed (absent: the request named nobody);
 * `account` the local part, absent for the domain. The caller's reference; never NULL. */
struct frame *local_answer(const struct router *router, const struct node *iq,
                           enum local_place place, struct str from, struct str account);

#endif
