/* map: one table of Postfix. Each stands in a file of its own in maps/ and in the list of maps/meson.build, from which the table is made.
 */
#pragma once
#include "base/buf.h"
#include "proto/socketmap.h"
#include "resolve.h"

struct mr_map_answer {
	bool waiting; /* rows are missing, the rest does not count */
	bool
	    published; /* rows say nothing: the answer is what the domain in the key publishes about TLS (tls.h), where that is asked for */
	enum mr_socketmap_status status;
	struct mr_slice data; /* in the arena or the rows; for TEMP and PERM a text for Postfix's log */
};

struct mr_map {
	const char *name;
	/* Pure: the answer for one key of Postfix. *out comes as NOTFOUND without data. */
	void (*find)(const struct mr_walk *w, struct mr_slice key, struct mr_map_answer *out);
};

extern const struct mr_map *const mr_maps[], *const mr_secret_maps[]; /* ended by NULL */

/* Shared by maps. True when it is known; *row is NULL for a row that does not exist. False with out->waiting or a TEMP. */
bool mr_map_look(const struct mr_walk *w, enum mr_row_kind kind, struct mr_slice key, const struct mr_row **row, struct mr_map_answer *out);
/* True: the domain is ours (a row, or a name of this host); *row is NULL for names without a row. False with out->waiting
 * or a TEMP when that is not known, or just false. */
bool mr_map_hosted(const struct mr_walk *w, struct mr_slice domain, const struct mr_row **row, struct mr_map_answer *out);
/* Its mail goes on to another server; row may be NULL. */
bool mr_map_relays(const struct mr_row *row);
/* The rule of the administrator that holds for the key; *rule is NULL when there is none. False with out->waiting or a TEMP when that is
 * not known. */
bool mr_map_rule(const struct mr_walk *w, enum mr_rule_map map, struct mr_slice key, const struct mr_rule **rule,
		 struct mr_map_answer *out);
/* The whole of an access map. What may be out of date never refuses for good. */
void mr_map_access(const struct mr_walk *w, enum mr_rule_map map, struct mr_slice key, struct mr_map_answer *out);
/* The whole of a map that a view of the site feeds. That something is not there is not said on the strength of what may be out of date. */
void mr_map_view(const struct mr_walk *w, struct mr_slice view, struct mr_slice key, struct mr_map_answer *out);
/* Takes over what stands in the way of an answer: waiting, TEMP, BAD. True when there is none, so r is OK or NOTFOUND. */
bool mr_map_resolved(const struct mr_resolved *r, struct mr_map_answer *out);
/* The sender for whom this address of ours stands (mail/srs.h). False when it stands for nobody, is forged or too old. */
bool mr_map_exempt(const struct mr_walk *w, struct mr_slice address, struct mr_slice *sender);
/* The SRS address under which mail of this sender is forwarded. False for senders that keep their address: those of our own domains, which
 * hold what is rewritten already, those that are exempt, the null sender, what cannot be rewritten, every sender where the site has no
 * secret; also with out->waiting or a TEMP when that is not known. */
bool mr_map_rewritten(const struct mr_walk *w, struct mr_slice sender, struct mr_slice *rewritten, struct mr_map_answer *out);
