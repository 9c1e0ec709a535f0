#include "tests/support/match.h"

#include <libxml/parser.h>
#include <libxml/tree.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NS_SCRIPT  "https://matthewwild.co.uk/projects/scansion"
#define NS_DEFAULT "jabber:client"
#define ANY        "{scansion:any}"
#define ANY_CALLED "{scansion:any " /* a name and the brace follow */

enum mode { MODE_SUBSET, MODE_EXACT };

struct matching {
    const char *stanza_ns;
    struct match_values *values; /* NULL: nobody wants them */
};

/* ---- reading ---- */

static void stay_silent(void *self, xmlErrorPtr error)
{
    (void)self;
    (void)error;
}

static xmlDocPtr parse_text(const char *text)
{
    int options = XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING;
    xmlSetStructuredErrorFunc(NULL, stay_silent);
    xmlDocPtr doc = xmlReadMemory(text, (int)strlen(text), NULL, "UTF-8", options);
    xmlSetStructuredErrorFunc(NULL, NULL);
    return doc;
}

/* The one element that stands in `text`, inside a wrapper that declares the prefix of the format
 * and the default namespace. NULL: not well-formed, or not one element. */
static xmlNodePtr read_element(const char *text, xmlDocPtr *doc)
{
    char *wrapped = NULL;
    if (asprintf(&wrapped, "<all xmlns='" NS_DEFAULT "' xmlns:scansion='" NS_SCRIPT "'>%s</all>",
                 text) < 0)
        abort();
    *doc = parse_text(wrapped);
    free(wrapped);
    if (*doc == NULL)
        return NULL;
    xmlNodePtr all = xmlDocGetRootElement(*doc);
    xmlNodePtr element = xmlFirstElementChild(all);
    return element != NULL && xmlNextElementSibling(element) == NULL ? element : NULL;
}

static const char *ns_of(const xmlNs *ns)
{
    return ns == NULL || ns->href == NULL ? "" : (const char *)ns->href;
}

/* An element that declares xmlns='' is in no namespace; on a stream there is none such. */
static const char *element_ns(const xmlNode *node)
{
    return ns_of(node->ns);
}

static bool same_name(const xmlNode *a, const xmlNode *b)
{
    return strcmp((const char *)a->name, (const char *)b->name) == 0 &&
           strcmp(element_ns(a), element_ns(b)) == 0;
}

static bool is_blank(const char *text)
{
    return text[strspn(text, " \t\r\n")] == '\0';
}

/* White space that only lays out: between elements, or with a line break in it. */
static bool is_layout(const xmlNode *node)
{
    if (node->type == XML_COMMENT_NODE)
        return true;
    if (node->type != XML_TEXT_NODE || !is_blank((const char *)node->content))
        return false;
    return node->prev != NULL || node->next != NULL || strchr((const char *)node->content, '\n');
}

/* All text directly inside, heap. */
static char *text_of(const xmlNode *node)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL)
        abort();
    for (const xmlNode *child = node->children; child != NULL; child = child->next) {
        bool is_text = child->type == XML_TEXT_NODE || child->type == XML_CDATA_SECTION_NODE;
        if (is_text && !is_layout(child))
            fputs((const char *)child->content, out);
    }
    if (fclose(out) != 0)
        abort();
    return text;
}

/* ---- comparing ---- */

static char *differs(const char *format, ...) __attribute__((format(printf, 1, 2)));

static char *differs(const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    if (vasprintf(&text, format, args) < 0)
        abort();
    va_end(args);
    return text;
}

/* What a name has met so far in this stanza; NULL: nothing. */
static const char *value_called(const struct match_values *values, const char *name, size_t len)
{
    for (unsigned i = 0; values != NULL && i < values->count; i++) {
        const struct match_value *value = &values->at[i];
        if (strlen(value->name) == len && memcmp(value->name, name, len) == 0)
            return value->text;
    }
    return NULL;
}

static void add_value(struct match_values *values, const char *name, size_t len, const char *text)
{
    struct match_value *at = realloc(values->at, (values->count + 1) * sizeof(*at));
    if (at == NULL)
        abort();
    values->at = at;
    at[values->count] = (struct match_value){strndup(name, len), strdup(text)};
    if (at[values->count].name == NULL || at[values->count].text == NULL)
        abort();
    values->count++;
}

/* All but the first so many. */
static void drop_values(struct match_values *values, unsigned kept)
{
    while (values != NULL && values->count > kept) {
        values->count--;
        free(values->at[values->count].name);
        free(values->at[values->count].text);
    }
}

void match_values_free(struct match_values *values)
{
    drop_values(values, 0);
    free(values->at);
    *values = (struct match_values){0};
}

static bool value_fits(const struct matching *matching, const char *expected, const char *came)
{
    size_t head = sizeof(ANY_CALLED) - 1, len = strlen(expected);
    if (strncmp(expected, ANY_CALLED, head) != 0 || expected[len - 1] != '}')
        return strcmp(expected, ANY) == 0 || strcmp(expected, came) == 0;
    const char *name = expected + head;
    const char *met = value_called(matching->values, name, len - head - 1);
    if (met != NULL)
        return strcmp(met, came) == 0;
    if (matching->values != NULL)
        add_value(matching->values, name, len - head - 1, came);
    return true;
}

static bool is_ours(const xmlAttr *attr)
{
    return strcmp(ns_of(attr->ns), NS_SCRIPT) == 0;
}

static xmlChar *value_in(const xmlNode *node, const xmlAttr *attr)
{
    if (attr->ns == NULL)
        return xmlGetNoNsProp(node, attr->name);
    return xmlGetNsProp(node, attr->name, attr->ns->href);
}

static char *differ_attr(const xmlNode *expected, const xmlNode *came, const xmlAttr *attr,
                         const struct matching *matching)
{
    xmlChar *wanted = value_in(expected, attr);
    xmlChar *found = value_in(came, attr);
    char *difference = NULL;
    if (found == NULL)
        difference = differs("<%s> has no attribute '%s'", expected->name, attr->name);
    else if (!value_fits(matching, (const char *)wanted, (const char *)found))
        difference = differs("attribute '%s' of <%s> is '%s' instead of '%s'", attr->name,
                             expected->name, found, wanted);
    xmlFree(wanted);
    xmlFree(found);
    return difference;
}

static char *differ_attrs(const xmlNode *expected, const xmlNode *came,
                          const struct matching *matching, enum mode mode)
{
    for (const xmlAttr *attr = expected->properties; attr != NULL; attr = attr->next) {
        char *difference = is_ours(attr) ? NULL : differ_attr(expected, came, attr, matching);
        if (difference != NULL)
            return difference;
    }
    if (mode == MODE_SUBSET)
        return NULL;
    for (const xmlAttr *attr = came->properties; attr != NULL; attr = attr->next) {
        xmlChar *wanted = value_in(expected, attr);
        if (wanted == NULL)
            return differs("<%s> has an attribute '%s' that is not expected", came->name,
                           attr->name);
        xmlFree(wanted);
    }
    return NULL;
}

static char *differ_text(const xmlNode *expected, const xmlNode *came,
                         const struct matching *matching)
{
    char *wanted = text_of(expected);
    char *found = text_of(came);
    char *difference = NULL;
    if (!value_fits(matching, wanted, found))
        difference =
            differs("the text in <%s> is '%s' instead of '%s'", expected->name, found, wanted);
    free(wanted);
    free(found);
    return difference;
}

/* What scansion:strict says here; else `mode` goes on, and another namespace begins exactness. */
static enum mode mode_of(const xmlNode *expected, const struct matching *matching, enum mode mode,
                         bool *told)
{
    xmlChar *strict = xmlGetNsProp(expected, BAD_CAST "strict", BAD_CAST NS_SCRIPT);
    if (strict != NULL) {
        mode = strcmp((const char *)strict, "false") == 0 ? MODE_SUBSET : MODE_EXACT;
        *told = true;
        xmlFree(strict);
        return mode;
    }
    return !*told && strcmp(element_ns(expected), matching->stanza_ns) != 0 ? MODE_EXACT : mode;
}

static char *differ_element(const xmlNode *expected, const xmlNode *came,
                            const struct matching *matching, enum mode mode, bool told);

static char *differ_next(const xmlNode *expected, xmlNodePtr *came, const struct matching *matching,
                         enum mode mode, bool told)
{
    if (*came == NULL)
        return differs("<%s xmlns='%s'> is missing", expected->name, element_ns(expected));
    char *difference = differ_element(expected, *came, matching, mode, told);
    *came = xmlNextElementSibling(*came);
    return difference;
}

/* Searches on from *came; keeps the difference of the first element of that name, to tell it. */
static char *differ_search(const xmlNode *expected, xmlNodePtr *came,
                           const struct matching *matching, bool told)
{
    char *telling = NULL;
    unsigned kept = matching->values == NULL ? 0 : matching->values->count;
    for (xmlNodePtr at = *came; at != NULL; at = xmlNextElementSibling(at)) {
        char *difference = differ_element(expected, at, matching, MODE_SUBSET, told);
        if (difference == NULL) {
            free(telling);
            *came = xmlNextElementSibling(at);
            return NULL;
        }
        drop_values(matching->values, kept);
        if (telling == NULL && same_name(expected, at))
            telling = difference;
        else
            free(difference);
    }
    if (telling != NULL)
        return telling;
    return differs("<%s xmlns='%s'> is missing, or comes too early, in <%s>", expected->name,
                   element_ns(expected), expected->parent->name);
}

static char *differ_children(const xmlNode *expected, const xmlNode *came,
                             const struct matching *matching, enum mode mode, bool told)
{
    xmlNodePtr at = xmlFirstElementChild((xmlNodePtr)came);
    for (xmlNodePtr child = xmlFirstElementChild((xmlNodePtr)expected); child != NULL;
         child = xmlNextElementSibling(child)) {
        char *difference = mode == MODE_EXACT ? differ_next(child, &at, matching, mode, told)
                                              : differ_search(child, &at, matching, told);
        if (difference != NULL)
            return difference;
    }
    if (mode == MODE_EXACT && at != NULL)
        return differs("<%s> has a <%s xmlns='%s'> that is not expected", came->name, at->name,
                       element_ns(at));
    return NULL;
}

/* `told`: a scansion:strict further out has decided the mode. */
static char *differ_element(const xmlNode *expected, const xmlNode *came,
                            const struct matching *matching, enum mode mode, bool told)
{
    if (!same_name(expected, came))
        return differs("<%s xmlns='%s'> instead of <%s xmlns='%s'>", came->name, element_ns(came),
                       expected->name, element_ns(expected));
    mode = mode_of(expected, matching, mode, &told);
    char *difference = differ_attrs(expected, came, matching, mode);
    if (difference == NULL)
        difference = differ_text(expected, came, matching);
    if (difference == NULL)
        difference = differ_children(expected, came, matching, mode, told);
    return difference;
}

/* ---- a stanza whose children a host has put into an order of its own ---- */

static int compare_nodes(const void *left, const void *right)
{
    const xmlNode *a = *(xmlNodePtr const *)left;
    const xmlNode *b = *(xmlNodePtr const *)right;
    int order = strcmp(element_ns(a), element_ns(b));
    if (order == 0)
        order = strcmp((const char *)a->name, (const char *)b->name);
    /* As they stood: qsort() keeps no order of its own. */
    return order != 0 ? order : (a->line > b->line) - (a->line < b->line);
}

static void sort_children(xmlNodePtr root)
{
    size_t count = xmlChildElementCount(root);
    xmlNodePtr *children = calloc(count + 1, sizeof(children[0]));
    if (children == NULL)
        abort();
    xmlNodePtr child = xmlFirstElementChild(root);
    for (size_t i = 0; i < count; i++, child = xmlNextElementSibling(child)) {
        children[i] = child;
        child->line = (unsigned short)i;
    }
    qsort(children, count, sizeof(children[0]), compare_nodes);
    for (size_t i = 0; i < count; i++) {
        xmlUnlinkNode(children[i]);
        xmlAddChild(root, children[i]);
    }
    free(children);
}

char *match_with_values(const char *expected, const char *came, bool reordered,
                        struct match_values *values)
{
    xmlDocPtr expected_doc;
    xmlDocPtr came_doc;
    xmlNodePtr expected_root = read_element(expected, &expected_doc);
    xmlNodePtr came_root = read_element(came, &came_doc);
    char *difference = NULL;
    if (expected_root == NULL) {
        difference = differs("what is expected is not one well-formed element");
    } else if (came_root == NULL) {
        difference = differs("what came is not one well-formed element");
    } else {
        if (reordered) {
            sort_children(expected_root);
            sort_children(came_root);
        }
        const struct matching matching = {element_ns(expected_root), values};
        difference = differ_element(expected_root, came_root, &matching, MODE_SUBSET, false);
        if (difference != NULL)
            drop_values(values, 0);
    }
    xmlFreeDoc(expected_doc);
    xmlFreeDoc(came_doc);
    return difference;
}

char *match_difference(const char *expected, const char *came)
{
    return match_with_values(expected, came, false, NULL);
}

char *match_difference_reordered(const char *expected, const char *came)
{
    return match_with_values(expected, came, true, NULL);
}

/* ---- ids ---- */

static bool is_stanza_id_by(const xmlNode *node, const xmlChar *from)
{
    xmlChar *by = xmlGetNoNsProp(node, BAD_CAST "by");
    bool is = by != NULL && from != NULL && strcmp((const char *)node->name, "stanza-id") == 0 &&
              strcmp(element_ns(node), "urn:xmpp:sid:0") == 0 &&
              strcmp((const char *)by, (const char *)from) == 0;
    xmlFree(by);
    return is;
}

char *match_stanza_id(const char *came)
{
    xmlDocPtr doc;
    xmlNodePtr root = read_element(came, &doc);
    xmlChar *from = root == NULL ? NULL : xmlGetNoNsProp(root, BAD_CAST "from");
    char *found = NULL;
    if (from != NULL)
        from[strcspn((const char *)from, "/")] = '\0';
    for (xmlNodePtr child = root == NULL ? NULL : xmlFirstElementChild(root);
         child != NULL && found == NULL; child = xmlNextElementSibling(child)) {
        if (is_stanza_id_by(child, from))
            found = (char *)xmlGetNoNsProp(child, BAD_CAST "id");
    }
    xmlFree(from);
    xmlFreeDoc(doc);
    return found;
}

/* ---- sending ---- */

/* An attribute of the format that means nothing is a slip of the pen: better found than ignored. */
static char *wrong_mark(const xmlNode *node)
{
    for (const xmlAttr *attr = node->properties; attr != NULL; attr = attr->next) {
        xmlChar *value = is_ours(attr) ? value_in(node, attr) : NULL;
        bool known = value == NULL || (strcmp((const char *)attr->name, "strict") == 0 &&
                                       (strcmp((const char *)value, "true") == 0 ||
                                        strcmp((const char *)value, "false") == 0));
        xmlFree(value);
        if (!known)
            return differs("<%s> has a scansion:%s that is not strict='true' or 'false'",
                           node->name, attr->name);
    }
    for (xmlNodePtr child = xmlFirstElementChild((xmlNodePtr)node); child != NULL;
         child = xmlNextElementSibling(child)) {
        char *problem = wrong_mark(child);
        if (problem != NULL)
            return problem;
    }
    return NULL;
}

static void strip(xmlNodePtr node)
{
    for (xmlAttrPtr attr = node->properties, next; attr != NULL; attr = next) {
        next = attr->next;
        if (is_ours(attr))
            xmlRemoveProp(attr);
    }
    bool layout_only = true;
    for (const xmlNode *child = node->children; child != NULL; child = child->next)
        layout_only = layout_only && (child->type == XML_ELEMENT_NODE || is_layout(child));
    for (xmlNodePtr child = node->children, next; child != NULL; child = next) {
        next = child->next;
        if (child->type == XML_ELEMENT_NODE) {
            strip(child);
        } else if (layout_only) {
            xmlUnlinkNode(child);
            xmlFreeNode(child);
        }
    }
}

char *match_outgoing(const char *stanza, char **problem)
{
    xmlDocPtr doc;
    xmlNodePtr root = read_element(stanza, &doc);
    char *text = NULL;
    char *wrong =
        root == NULL ? differs("the stanza is not one well-formed element") : wrong_mark(root);
    if (wrong != NULL) {
        *problem = wrong;
    } else {
        strip(root);
        xmlBufferPtr buffer = xmlBufferCreate();
        xmlNodeDump(buffer, doc, root, 0, 0);
        text = strdup((const char *)xmlBufferContent(buffer));
        xmlBufferFree(buffer);
    }
    xmlFreeDoc(doc);
    return text;
}
