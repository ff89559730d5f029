/* clamd: asks clamd whether a message has a virus in it, by a file descriptor over a Unix socket (FILDES) or by its bytes (INSTREAM).
 *
 * Servers stand by preference. One that refuses, talks nonsense, or answers nobody in time is left alone and asked each second for its
 * version, until it says one; a slow answer about one message alone is not held against a server. Each message is tried with two servers at
 * most, so that one that kills a clamd does not kill them all. What was found is kept by content for a while, until a server has another
 * database: at most 32,768 answers "clean" and 1,024 with a name, in memory that is taken once (base/shelf.h). Loop thread only. */
#pragma once
#include "base/diag.h"
#include "base/hash.h"
#include "proto/clamd.h"
#include "rt/loop.h"

#define MR_CLAMD_SERVERS_MAX 16

struct mr_clamd;
struct mr_clamd_config {
	const char *const *servers; /* "unix:/run/clamav/clamd.ctl", "tcp:192.0.2.1:3310", "tcp:[2001:db8::1]:3310" */
	size_t n_servers;
	bool stream;       /* bytes over Unix sockets, too */
	uint64_t cache_ms; /* 0: nothing is kept */
};
/* One line: what is wrong with it, with the word that stands before it in the diagnosis. 0 or -EINVAL. */
int mr_clamd_server_check(const char *server, struct mr_diag *diag);

struct mr_clamd_message {
	int fd;                        /* its file, from the beginning; what stands in front of `bytes` there is asked about, too */
	struct mr_slice lead, bytes;   /* the same in memory; both live until the answer */
	uint8_t sha256[MR_SHA256_LEN]; /* of bytes */
};
/* NULL: no server would look: all are away, or failed over this message. `a` lives during the call. */
typedef void mr_clamd_cb(const struct mr_clamd_answer *a, void *arg);
struct mr_clamd_question;

struct mr_clamd *mr_clamd_new(struct mr_loop *l);
void mr_clamd_free(struct mr_clamd *c); /* questions are dropped, nobody is told; NULL is fine */
/* Other servers, or the same: open questions begin again with them. Servers have passed the check. */
void mr_clamd_set(struct mr_clamd *c, const struct mr_clamd_config *config);
/* The callback comes later, once, at `until` (mr_now_ms()) at the latest. */
struct mr_clamd_question *mr_clamd_ask(struct mr_clamd *c, const struct mr_clamd_message *m, uint64_t until, mr_clamd_cb *cb, void *arg);
void mr_clamd_cancel(struct mr_clamd_question *q);
size_t mr_clamd_open(const struct mr_clamd *c); /* questions */
/* For --check of a daemon, blocking at most timeout_ms for each step: the server's version; 0 or -errno. */
int mr_clamd_check(const char *server, uint64_t timeout_ms, char version[MR_CLAMD_TEXT_MAX + 1]);
/* Any thread. */
struct mr_clamd_counters {
	_Atomic int64_t asked, cached, unanswered, away /* servers now */;
};
extern struct mr_clamd_counters mr_clamd_counters;
