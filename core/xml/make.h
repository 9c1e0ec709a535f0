/*
 * A stanza under construction: nodes, attributes and text grow in arrays that are used again for
 * the next one, and are copied once, into one block, when the stanza is complete.
 */
#ifndef CORE_XML_MAKE_H
#define CORE_XML_MAKE_H

#include "core/base/limits.h"
#include "core/base/str.h"
#include "core/xml/stanza.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A name met lately, by its address: libxml2 keeps each in one place. */
struct make_word {
    const char *key;
    uint16_t len, token;
};

struct make_ns {
    const char *key;
    uint32_t at;
    uint16_t len, token;
};

struct make {
    struct node *nodes;
    struct attr *attrs;
    struct buf text;
    uint32_t node_count, node_cap;
    uint32_t attr_count, attr_cap;
    unsigned depth; /* elements open */
    struct make_level {
        uint16_t node;
        uint16_t last_child; /* 0: none yet */
    } levels[STANZA_DEPTH_MAX];
    struct make_ns *spaces; /* those met in this stanza: each stands in the text once */
    uint32_t space_count, space_cap;
    bool cut;
    uint32_t space_last;     /* the one used last is usually the one needed next */
    uint32_t declared;       /* bytes of namespaces a copy would have to declare */
    struct make_word *words; /* a table of names, made when needed */
};

void make_init(struct make *make);
void make_fini(struct make *make);

/* All three: false if a limit is crossed; the stanza is then of no use any more. Names and
 * namespaces (NULL: none) are known by their addresses: the same address means the same text, of
 * namespaces within one stanza, of names until make_forget_words(). */
MUST_CHECK bool make_open(struct make *make, const char *name, const char *ns);
MUST_CHECK bool make_attr(struct make *make, const char *name, const char *ns, struct str value);
MUST_CHECK bool make_text(struct make *make, struct str text);
/* True: that was the root, the stanza is complete. */
MUST_CHECK bool make_close(struct make *make);

/* The names given so far may soon be freed. */
void make_forget_words(struct make *make);

/* Forgets everything but the root element with its attributes; the stanza will say so. `has_root`
 * false: the root itself was the trouble, nothing is left and make_finish() is not for it. */
void make_cut(struct make *make, bool has_root);

/* Ready for the next one afterwards. Heap; NULL if what was collected is not UTF-8. */
struct stanza *make_finish(struct make *make, size_t wire_size);

/* Bytes held. */
size_t make_memory(const struct make *make);

#endif
