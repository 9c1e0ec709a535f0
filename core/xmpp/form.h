/*
 * Data forms (XEP-0004): reading a submission, writing a form.
 * @xep 0004 2.13.2 #protocol-formtypes
 * @xep 0068 1.3.0 #approach
 */
#ifndef CORE_XMPP_FORM_H
#define CORE_XMPP_FORM_H

#include "core/xml/frame.h"
#include "core/xml/stanza.h"

/* A submission as read. Everything borrowed from the stanza, or in the arena. */
struct form_field {
    struct str var;
    struct str *values;
    unsigned value_count; /* 0: the field is there and empty */
};

struct form {
    struct str type;      /* "submit", "cancel", ... */
    struct str form_type; /* FORM_TYPE, STR_NONE if missing */
    struct form_field *fields;
    unsigned field_count;
    const char *fault; /* malformed: what is wrong with it, for people; else NULL */
};

/* `x` is <x xmlns='jabber:x:data'/>. False: malformed (no such element, a field twice, no type,
 * over FORM_FIELDS_MAX or FORM_VALUES_MAX); then only form->fault may be looked at. */
MUST_CHECK bool form_read(struct arena *arena, const struct node *x, struct form *form);

/* The field, or NULL. */
const struct form_field *form_field(const struct form *form, struct str var);
/* Its first value; STR_NONE if the field is absent, empty if it has no value. */
struct str form_value(const struct form *form, struct str var);

/* ---- writing: between fb_form_begin() and fb_close() ---- */
/* Opens <x type=...> and writes FORM_TYPE as hidden field. */
void fb_form_begin(struct fb *fb, const char *type, enum ns form_type);
void fb_form_begin_str(struct fb *fb, const char *type, struct str form_type);
/* The same of a form to fill in, with what people are told: the schema wants that before all
 * fields. */
void fb_form_begin_titled(struct fb *fb, struct str form_type, const char *title,
                          const char *instructions);
/* Opens a field: `type` and `label` NULL to leave out. Values, options, <required/> follow; then
 * fb_close(). */
void fb_field_begin(struct fb *fb, const char *var, const char *type, const char *label);
void fb_field_value(struct fb *fb, struct str value);
/* One value for each line of the text; an absent text has none. */
void fb_field_lines(struct fb *fb, struct str text);
void fb_field_option(struct fb *fb, const char *label, struct str value);
void fb_field_required(struct fb *fb);
/* A whole field with one value. */
void fb_field(struct fb *fb, const char *var, const char *type, const char *label,
              struct str value);

#endif
