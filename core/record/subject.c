/*
 * Whose subject a stored room has.
 */
#include "core/record/record.h"

#include "core/muc/groupchat.h"
#include "core/record/value.h"

bool record_subject_is_by(const struct muc_crypto *crypto, struct str head, struct str subject,
                          struct str account, int64_t until_us)
{
    struct head of;
    struct stored_subject stored;
    char author[OCCUPANT_ID_BYTES];
    if (!get_head(head, &of) || of.state == HEAD_DESTROYED || !get_subject(subject, &stored) ||
        stored.at_us > until_us)
        return false;
    occupant_id_by(crypto, of.secret, account, author);
    return groupchat_is_by(stored.xml, str_of(author, sizeof(author)));
}
