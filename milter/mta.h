/* mta: conversations with Postfix (or Sendmail) by the milter protocol. What it says is read a buffer at a time and what it is told is
 * written at once, where libmilter asks the kernel some 230 times a message (docs/benchmarks.md).
 *
 * Each conversation has a thread, which waits in the kernel while nothing is said; threads take turns at accepting, and a few are kept. The
 * callbacks of a conversation run one after the other on its thread and may block. What breaks the protocol ends the conversation. */
#pragma once
#include "base/diag.h"
#include "proto/milter-packet.h"

struct mr_mta;

enum mr_mta_answer { MR_MTA_CONTINUE, MR_MTA_REJECT, MR_MTA_DISCARD, MR_MTA_TEMPFAIL };

struct mr_mta_wishes {
	uint32_t actions, steps;
	const char *macros[MR_PACKET_STAGES];
};

/* An answer to what the MTA was told not to wait for is not given. Strings and bytes live during the call. */
struct mr_mta_callbacks {
	/* First and once. *wishes: what the MTA offers, to be replaced. False: no conversation. */
	bool (*negotiate)(struct mr_mta *m, struct mr_mta_wishes *wishes);
	enum mr_mta_answer (*connect)(struct mr_mta *m, const char *name, const struct mr_ip *client);
	enum mr_mta_answer (*helo)(struct mr_mta *m, const char *name);
	enum mr_mta_answer (*mail)(struct mr_mta *m, const char *const *words);
	enum mr_mta_answer (*rcpt)(struct mr_mta *m, const char *const *words);
	enum mr_mta_answer (*field)(struct mr_mta *m, const char *name, const char *value);
	enum mr_mta_answer (*body)(struct mr_mta *m, struct mr_slice bytes);
	enum mr_mta_answer (*end)(struct mr_mta *m);
	void (*abort)(struct mr_mta *m);
	void (*close)(struct mr_mta *m); /* last and once, if there was a negotiation */
};

void mr_mta_set(struct mr_mta *m, void *arg); /* for the callbacks */
void *mr_mta_get(const struct mr_mta *m);
const char *mr_mta_macro(const struct mr_mta *m, const char *name /* without braces */); /* NULL: not told */
/* Inside end(): changes, told with its answer. 0, or -ENOBUFS when there are too many. */
int mr_mta_insert(struct mr_mta *m, const char *name, const char *value);        /* a field at the very top */
int mr_mta_remove(struct mr_mta *m, const char *name, unsigned index);           /* the index-th field of that name, from 1 */
int mr_mta_add_rcpt(struct mr_mta *m, const char *path, const char *parameters); /* "<a@b>"; NULL: none */
int mr_mta_del_rcpt(struct mr_mta *m, const char *path);
int mr_mta_hold(struct mr_mta *m, const char *reason);
/* The text of the answer MR_MTA_REJECT ("550", "5.7.1") or MR_MTA_TEMPFAIL ("451", "4.7.1") to this command. */
void mr_mta_reply(struct mr_mta *m, const char *code, const char *status, const char *text);

/* One conversation, to its end; each wait for the MTA is at most so many seconds. fd stays open. mta.c */
void mr_mta_serve(int fd, unsigned timeout_s, const struct mr_mta_callbacks *c);

/* The listening side, in mta-threads.c. */
struct mr_mta_listener;
/* mode: of the socket. threads_max: conversations at a time; who comes then waits for one to end. Takes nobody yet. */
int mr_mta_listen(const char *path, unsigned mode, unsigned threads_max, unsigned timeout_s, const struct mr_mta_callbacks *c,
		  struct mr_mta_listener **out, struct mr_diag *diag);
void mr_mta_limit(struct mr_mta_listener *l, unsigned threads_max);
int mr_mta_run(struct mr_mta_listener *l);   /* until mr_mta_stop(), from any thread. 0 or -errno */
void mr_mta_stop(struct mr_mta_listener *l); /* nobody is taken any more; conversations go on */
void mr_mta_free(struct mr_mta_listener *l); /* cuts conversations off and waits for their threads; removes the socket. NULL is fine */
