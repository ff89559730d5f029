/* rowtext: a directory written as text, for tests of lookup: one row a line,
 *
 *   domain NAME [off] [dkim SELECTOR] [junk N] [deny PATTERN] [limits RULES] [alias-of NAME] [relay TRANSPORT] [listed]
 *   mailbox ADDRESS [off] [send-only] [receive-only] [expires TIME] [quota N] [junk N] [deny PATTERN] [limits RULES]   (as junk: header,
 * greylist, quarantine, reject, outbound, outbound_reject) alias ADDRESS [off] [expires TIME] [rights WORD,...] DESTINATION...         (the
 * destination "refused" is none) relay OWNER NEXTHOP [USERNAME SEALED]   (OWNER "-": everybody) global [deny PATTERN] [limits RULES] rule
 * MAP PATTERN VALUE        ("_" stands for a blank in the value; adds to the map's row) view NAME KEY VALUE
 *
 * What does not read like that is left out. Rows live as long as the text. */
#pragma once
#include "row.h"

struct rowtext;
struct rowtext *rowtext_new(struct mr_slice text);
void rowtext_free(struct rowtext *t);
/* One reference that stays the text's; NULL when there is no such row. */
struct mr_row *rowtext_find(struct rowtext *t, enum mr_row_kind kind, struct mr_slice key);
void rowtext_set(struct rowtext *t, struct mr_slice line); /* adds the row, or puts it in the place of the one with this key */
void rowtext_del(struct rowtext *t, enum mr_row_kind kind, struct mr_slice key);

/* A view over the text. Staged: a row is missing until rowview_fetch() after somebody has looked for it. */
struct rowview {
	struct mr_view view; /* first */
	struct rowtext *rows;
	bool staged;
	struct rowtext_seen *seen;
	size_t missing, looks;
	bool temp; /* every row that is not there is TEMP instead of NONE */
};
void rowview_init(struct rowview *v, struct rowtext *rows, bool staged);
void rowview_done(struct rowview *v);
size_t rowview_fetch(struct rowview *v); /* how many rows were missing */
