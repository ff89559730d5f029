/* scan-setup: what scanning knows from the configuration. The daemon sends it to each scanner master that it starts, the master loads it
 * before it forks, `mailreeve scan` does the same in its own process. It is never changed while scans run: a reload is a new master. */
#pragma once
#include "base/arena.h"
#include "base/buf.h"
#include "base/diag.h"
#include "mail/dnslist.h"
#include "proto/wire.h"

struct mr_rules;

struct mr_scan_setup {
	struct mr_slice hostname;              /* ours: authserv-id, and %{r} of SPF */
	struct mr_slice trusted_sealers;       /* domains, spaces between: their ARC sets count */
	struct mr_slice forbidden_attachments; /* ends of names and media types, spaces between; empty: all are let through */
	struct mr_slice *rule_files;           /* rules-load.h */
	size_t n_rule_files;
	struct mr_slice rule_cache;       /* folder, see rules-cache.h; or empty */
	struct mr_rules *rules;           /* loaded of them, not sent; NULL: none */
	const struct mr_slice *list_rows; /* as configured: what is sent */
	size_t n_lists;
	const struct mr_dnslist *lists; /* the same, read; in the same order */
	unsigned list_questions;        /* that are asked of all of them about one message */
	struct mr_slice lists_skip;     /* domains, spaces between, that no list is asked about */
	bool fuzzy;                     /* hashes for comparing are wanted */
};

/* Reads the rows: fills in lists and n_lists. -EINVAL with the row that is wrong. */
int mr_scan_setup_lists(struct mr_scan_setup *s, const struct mr_slice *rows, size_t n, struct mr_arena *arena, struct mr_diag *diag);
/* One message of wire.h. -ENOBUFS. */
int mr_scan_setup_encode(struct mr_buf *out, const struct mr_scan_setup *s);
/* Slices live in the arena. -EPROTO. */
int mr_scan_setup_decode(const struct mr_wire *w, struct mr_arena *arena, struct mr_scan_setup *out);
