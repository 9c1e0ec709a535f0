#include "core/xmpp/form.h"

#include "core/base/limits.h"

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

bool form_read(struct arena *arena, const struct node *x, struct form *form)
{
    *form = (struct form){.type = STR_NONE, .form_type = STR_NONE};
    if (!node_is(x, NAME_X, NS_DATA))
        return false;
    form->type = node_attr(x, NAME_TYPE);
    unsigned count = node_count(x, NAME_FIELD, NS_DATA);
    if (form->type.len == 0 || count > FORM_FIELDS_MAX)
        return false;
    form->fields = ARENA_NEW_ARRAY(arena, struct form_field, count);

    unsigned values_left = FORM_VALUES_MAX;
    node_each (x, child) {
        if (!node_is(child, NAME_FIELD, NS_DATA))
            continue;
        struct str var = node_attr(child, NAME_VAR);
        if (var.len == 0)
            continue; /* explanations for people have no name */
        if (form_field(form, var) != NULL)
            return false;
        struct form_field *field = &form->fields[form->field_count];
        field->var = var;
        if (!read_values(arena, child, field, &values_left))
            return false;
        form->field_count++;
    }
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

void fb_form_begin_str(struct fb *fb, const char *type, struct str form_type)
{
    fb_open(fb, NAME_X, NS_DATA);
    fb_attr(fb, "type", str_z(type));
    if (form_type.len > 0)
        fb_field(fb, "FORM_TYPE", "hidden", NULL, form_type);
}

void fb_form_title(struct fb *fb, const char *title)
{
    fb_leaf(fb, NAME_TITLE, NS_DATA, str_z(title));
}

void fb_form_instructions(struct fb *fb, const char *text)
{
    fb_leaf(fb, NAME_INSTRUCTIONS, NS_DATA, str_z(text));
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
