/* list-health: lists in DNS that do not answer, or refuse to: passed over for a while, so that no message waits for them, and named once.
 * Loop thread only. */
#pragma once
#include "rt/stats.h"
#include "scan-setup.h"

#define MR_LIST_BAD_MAX    5            /* answers in a row that are none, after which a list is passed over */
#define MR_LIST_AWAY_MS    (60 * 1000)  /* so long, when it was silent; then one question tries it */
#define MR_LIST_REFUSED_MS (600 * 1000) /* the same, when it refused */

struct mr_list_health;
struct mr_list_health *mr_list_health_new(const struct mr_scan_setup *setup); /* copies what it needs */
void mr_list_health_free(struct mr_list_health *h);                           /* NULL is fine */
enum mr_list_way { MR_LIST_NONE /* of no list */, MR_LIST_ASK, MR_LIST_PASS_OVER };
/* What to do with a question. */
enum mr_list_way mr_list_health_way(struct mr_list_health *h, const char *name);
/* What came of it. Those of no list are not noted. */
void mr_list_health_note(struct mr_list_health *h, const struct mr_dns_answer *a);
/* "dns_list=ZONE ok", "dns_list=ZONE refused", "dns_list=ZONE away": a line each. */
void mr_list_health_print(const struct mr_list_health *h, struct mr_buf *out);
/* Any thread. */
struct mr_list_counters {
	_Atomic int64_t asked, passed_over, refused, silent;
};
extern struct mr_list_counters mr_list_counters;
