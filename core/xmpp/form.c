#include "core/xmpp/form.h"

#include "core/base/limits.h"

#define QUOTE(number) #number
#define TEXT(number)  QUOTE(number)

static const char fault_none[] = "There is no form in it";
static const char fault_type[] = "The form says no type: submit or cancel";
static const char fault_fields[] = "The form has more than " TEXT(FORM_FIELDS_MAX) " fields";
static const char fault_values[] = "The form has more than " TEXT(FORM_VALUES_MAX) " values";
static const char fault_twice[] = "The form has a field twice";

/* False: over the limit on values. */
static bool read_values(struct arena *arena, const struct node *node, struct form_field *field,
                        unsigned *values_left)
{
    unsigned count = node_count(node, NAME_VALUE, NS_DATA);
    if (count > *values_left)
        return false;
    *values_left -= count;
    field->value_count = 0;
    field->values = count > 0 ? ARENA_NEW_ARRAY(arena, struct str, count) : NULL;
    node_each (node, child) {
        if (node_is(child, NAME_VALUE, NS_DATA))
            field->values[field->value_count++] = node_text(child, arena);
    }
    return true;
}

/* What is wrong with the fields, or NULL. */
static const char *read_fields(struct arena *arena, const struct node *x, struct form *form)
{
    unsigned values_left = FORM_VALUES_MAX;
    node_each (x, child) {
        if (!node_is(child, NAME_FIELD, NS_DATA))
            continue;
        struct str var = node_attr(child, NAME_VAR);
        if (var.len == 0)
            continue; /* explanations for people have no name */
        if (form_field(form, var) != NULL)
            return fault_twice;
        struct form_field *field = &form->fields[form->field_count];
        field->var = var;
        if (!read_values(arena, child, field, &values_left))
            return fault_values;
        form->field_count++;
    }
    return NULL;
}

static const char *read_form(struct arena *arena, const struct node *x, struct form *form)
{
    if (!node_is(x, NAME_X, NS_DATA))
        return fault_none;
    form->type = node_attr(x, NAME_TYPE);
    if (form->type.len == 0)
        return fault_type;
    unsigned count = node_count(x, NAME_FIELD, NS_DATA);
    if (count > FORM_FIELDS_MAX)
        return fault_fields;
    form->fields = ARENA_NEW_ARRAY(arena, struct form_field, count);
    return read_fields(arena, x, form);
}

bool form_read(struct arena *arena, const struct node *x, struct form *form)
{
    *form = (struct form){.type = STR_NONE, .form_type = STR_NONE};
    form->fault = read_form(arena, x, form);
    if (form->fault != NULL)
        return false;
    struct str form_type = form_value(form, STR("FORM_TYPE"));
    form->form_type = form_type.len > 0 ? form_type : STR_NONE;
    return true;
}

const struct form_field *form_field(const struct form *form, struct str var)
{
    for (unsigned i = 0; i < form->field_count; i++) {
        if (str_eq(form->fields[i].var, var))
            return &form->fields[i];
    }
    return NULL;
}

struct str form_value(const struct form *form, struct str var)
{
    const struct form_field *field = form_field(form, var);
    if (field == NULL)
        return STR_NONE;
    return field->value_count > 0 ? field->values[0] : STR("");
}

void fb_form_begin(struct fb *fb, const char *type, enum ns form_type)
{
    fb_form_begin_str(fb, type, token_ns_uri(form_type));
}

static void open_form(struct fb *fb, const char *type)
{
    fb_open(fb, NAME_X, NS_DATA);
    fb_attr(fb, "type", str_z(type));
}

static void write_form_type(struct fb *fb, struct str form_type)
{
    if (form_type.len > 0)
        fb_field(fb, "FORM_TYPE", "hidden", NULL, form_type);
}

void fb_form_begin_str(struct fb *fb, const char *type, struct str form_type)
{
    open_form(fb, type);
    write_form_type(fb, form_type);
}

void fb_form_begin_titled(struct fb *fb, struct str form_type, const char *title,
                          const char *instructions)
{
    open_form(fb, "form");
    fb_leaf(fb, NAME_TITLE, NS_DATA, str_z(title));
    fb_leaf(fb, NAME_INSTRUCTIONS, NS_DATA, str_z(instructions));
    write_form_type(fb, form_type);
}

void fb_field_begin(struct fb *fb, const char *var, const char *type, const char *label)
{
    fb_open(fb, NAME_FIELD, NS_DATA);
    fb_attr(fb, "var", str_z(var));
    fb_attr(fb, "type", str_z(type));
    fb_attr(fb, "label", str_z(label));
}

void fb_field_value(struct fb *fb, struct str value)
{
    fb_leaf(fb, NAME_VALUE, NS_DATA, value);
}

void fb_field_lines(struct fb *fb, struct str text)
{
    while (str_present(text)) {
        const char *end = memchr(text.at, '\n', text.len);
        size_t len = end == NULL ? text.len : (size_t)(end - text.at);
        fb_field_value(fb, str_of(text.at, len));
        text = end == NULL ? STR_NONE : str_of(end + 1, text.len - len - 1);
    }
}

void fb_field_option(struct fb *fb, const char *label, struct str value)
{
    fb_open(fb, NAME_OPTION, NS_DATA);
    fb_attr(fb, "label", str_z(label));
    fb_field_value(fb, value);
    fb_close(fb);
}

void fb_field_required(struct fb *fb)
{
    fb_empty(fb, NAME_REQUIRED, NS_DATA);
}

void fb_field(struct fb *fb, const char *var, const char *type, const char *label, struct str value)
{
    fb_field_begin(fb, var, type, label);
    if (str_present(value))
        fb_field_value(fb, value);
    fb_close(fb);
}
