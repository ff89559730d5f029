/* quarantine: mail that somebody did not get. One folder an entry under state_dir/milter/quarantine/:
 *
 *   ID/message    the mail as it stood, CRLF lines, without fields of ours
 *   ID/envelope   one wire message (proto/wire.h): entry=ID, time (seconds since 1970), queue-id, client, helo, sender (empty: null
 * sender), sender-parameters (RET, ENVID), from (header From), reason, outbound (1: one of ours wrote it), score, symbols, authres (value
 * of Authentication-Results), token; and for each who did not get it recipient, parameters (NOTIFY, ORCPT), why ID/released   the entry was
 * sent on its way: time, queue-id, and to whom, one recipient each; absent before
 *
 * ID is TIME-QUEUEID-RANDOM: [0-9A-Za-z-]. The folder is the truth: there is no index to disagree with it. An entry is written as .new-ID,
 * both files and the folder are fsynced, then it is renamed and the parent fsynced: after a crash an entry is there whole or not at all. It
 * goes by being renamed to .gone-ID first. Who works on an entry has a flock() on its folder. Mode 0700 and 0600.
 *
 * The token is a random number which nobody but root and the milter can read; a message that brings it is let past the filter, once:
 * `released` is made, never overwritten, before Postfix is told to take the message. */
#pragma once
#include "base/diag.h"
#include "proto/wire.h"
#include "verdict.h"

#define MR_QUARANTINE_ID_MAX 96
#define MR_QUARANTINE_FIELD  "X-Mailreeve-Release" /* of a message that is released: "ID TOKEN" */
#define MR_QUARANTINE_BEFORE "Released before"     /* the refusal of one that was */

struct mr_quarantine_copy {
	struct mr_slice message;
	int64_t time;
	struct mr_slice queue_id, client, helo, sender, sender_parameters, from, reason;
	bool outbound;
	const struct mr_verdict_withheld *recipients;
	size_t n_recipients;
	const struct mr_scan_result *scan; /* may be NULL */
};

/* Makes the folder if it is missing and clears what a crash left half written or half removed. 0 or -errno with one line. */
int mr_quarantine_open(const char *dir, struct mr_diag *diag);
/* Any thread. When it returns 0 the copy is on disk. */
int mr_quarantine_store(const char *dir, const struct mr_quarantine_copy *c, char id[MR_QUARANTINE_ID_MAX], struct mr_diag *diag);

/* An entry as it is read. Everything lives in the arena. */
struct mr_quarantine_recipient {
	struct mr_slice address, parameters, why;
};
struct mr_quarantine_entry {
	char id[MR_QUARANTINE_ID_MAX];
	int64_t time;
	struct mr_slice queue_id, client, helo, sender, sender_parameters, from, reason, score, symbols, authres, token;
	bool outbound;
	struct mr_quarantine_recipient *recipients;
	size_t n_recipients;
	bool released;
	int64_t released_time;
	struct mr_slice released_as; /* queue id */
	struct mr_slice *released_to;
	size_t n_released_to;
	uint64_t size; /* bytes of the message */
};
/* The file `envelope`, but for its random token: -ENOBUFS; -errno of the system. */
int mr_quarantine_encode(const struct mr_quarantine_copy *c, const char *id, struct mr_buf *out);
/* Files to an entry, whose id is set; released.p NULL: there is no such file. All but `size`. -EPROTO. */
int mr_quarantine_decode(struct mr_slice envelope, struct mr_slice released, struct mr_arena *arena, struct mr_quarantine_entry *e);
bool mr_quarantine_id_ok(struct mr_slice id);
/* -ENOENT: no such entry; -EPROTO: damaged. */
int mr_quarantine_read(const char *dir, struct mr_slice id, struct mr_arena *arena, struct mr_quarantine_entry *out);
/* Calls fn for each entry's id, in no order; a negative answer ends it and is returned. */
int mr_quarantine_each(const char *dir, int (*fn)(const char *id, void *arg), void *arg);
/* The fd of the entry's folder, locked against others who work on it. -EBUSY: somebody does; -ENOENT. */
int mr_quarantine_lock(const char *dir, struct mr_slice id);
/* Locks, then removes. As mr_quarantine_lock(). */
int mr_quarantine_remove(const char *dir, struct mr_slice id);

/* The value of MR_QUARANTINE_FIELD names an entry and its token: 0 and the entry; -EPERM: it does not, -EEXIST: it was released before. */
int mr_quarantine_claim_check(const char *dir, struct mr_slice value, struct mr_arena *arena, struct mr_quarantine_entry *out);
/* From here on it is released: on disk when it returns 0, and only one caller ever gets 0. -EEXIST for the others. */
int mr_quarantine_claim(const char *dir, const char *id, struct mr_slice queue_id, int64_t now, const struct mr_slice *to, size_t n);
/* Postfix did not take it after all. */
int mr_quarantine_unclaim(const char *dir, struct mr_slice id);
