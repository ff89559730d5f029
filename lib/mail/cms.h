/* cms: mail that S/MIME has in one file, smime.p7m (RFC 8551, RFC 5652): what is signed, as it would stand in a message of its own. No
 * signature is looked at. Nothing is recursive. */
#pragma once
#include "base/buf.h"

enum mr_cms_kind { MR_CMS_NONE, MR_CMS_SIGNED, MR_CMS_ENCRYPTED };

/* Says a part's type, in lower case, or its name that it may be such mail? */
bool mr_cms_is_named(struct mr_slice type, struct mr_slice name);
/* By what DER or BER of it begins with. */
enum mr_cms_kind mr_cms_kind(struct mr_slice bytes);
/* Of SIGNED: adds the content, which may stand in pieces; a signature that stands beside what it signs has none. False: broken, or more
 * than out has room for. */
bool mr_cms_content(struct mr_slice bytes, struct mr_buf *out);
