/*
 * Queries of an archive: the form a client sends, and the one that says what it may ask.
 * @xep 0313 1.1.3 #filter #filter-jid #filter-time #query-limit-id #query-form
 * @xep 0059 1.0 #limit #forwards #backwards #jump #last
 */
#ifndef CORE_MUC_ARCHIVE_QUERY_H
#define CORE_MUC_ARCHIVE_QUERY_H

#include "core/muc/archived.h"
#include "core/muc/inbound.h"

/* How it was asked, besides what for. */
struct archive_request {
    struct archive_query query;
    struct str queryid; /* absent: none */
    bool flipped;       /* the page the other way round */
};

/* What a client asks; in the step's arena. NULL, or why it cannot be answered. `sees_jids`: it may
 * ask by real address. */
const struct refusal *archive_request_read(struct step *step, const struct inbound *in,
                                           bool sees_jids, struct archive_request *request);

/* The form with all fields that can be used. */
void archive_query_form(struct fb *fb, bool full_text);

#endif
