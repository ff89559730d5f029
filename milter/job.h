/* job: one message on its way between a libmilter thread (the front) and the I/O loop.
 *
 * Who may touch what, without a lock for each field:
 *   - until mr_milter_io_submit() the facts are the front's; from then on nobody changes them;
 *   - findings and `side` are the loop's; the front reads the findings after mr_job_wait() said true, when the loop never touches them
 * again, but for what the front then asks for (mr_job_again());
 *   - a recipient's `resolved` is a finding, though its question goes out before the submission.
 * `lock` guards `done` alone. A job is counted: the front, each open question and each posted call hold it; it may be given up by the front
 * while the loop still works on it. */
#pragma once
#include <pthread.h>
#include <stdatomic.h>
#include "fuzzy-store.h"
#include "options.h"
#include "pool.h"
#include "proto/directory.h"
#include "rt/clamd.h"
#include "rt/greylist.h"
#include "scan.h"

enum mr_role { MR_ROLE_MX, MR_ROLE_ORIGINATING, MR_ROLE_LOCAL, MR_ROLE_REDIRECT, MR_ROLE_FORWARD };
const char *mr_role_str(enum mr_role r);
enum mr_role mr_role_of(const char *daemon_name); /* the macro {daemon_name}; NULL or anything unknown is MX: least trust */

struct mr_job;
struct mr_milter_io;

struct mr_job_recipient {
	struct mr_job *job;
	char *address, *esmtp; /* as Postfix knows it */
	char *canonical;       /* as the directory is asked */
	/* the loop's */
	uint64_t asked;                 /* ms */
	bool open;                      /* a question is under way */
	struct mr_dir_resolve resolved; /* MR_DIR_TEMP until answered */
};

/* What the directory says about signing. */
enum mr_sign { MR_SIGN_NO, MR_SIGN_YES /* domain and keys are there */, MR_SIGN_AWAY /* must be signed, cannot be now */ };

/* A DNS question of one attempt at a scan. */
struct mr_job_asked {
	struct mr_job *job;
	unsigned attempt;
	char *name;
	enum mr_dns_type type;
	bool of_list; /* a list in DNS */
	struct mr_job_asked *prev, *next;
};

/* One key that signs the message. */
struct mr_job_key {
	struct mr_job *job;
	struct mr_slice selector, sealed;
};

/* The loop's own. */
struct mr_job_side {
	bool submitted, finished;
	size_t open;         /* directory questions that the end waits for */
	size_t keys_missing; /* of the job's keys */
	size_t keys_open;    /* questions for them */
	bool key_unknown;    /* lookup knows a key no more that it has just named */
	bool asked_again;    /* for the keys, because of that */
	bool scanning;
	unsigned attempt;              /* of scanning */
	unsigned deaths;               /* of scanners that had it */
	size_t asked;                  /* DNS questions of this attempt */
	struct mr_job_asked *open_dns; /* those without an answer, of earlier attempts too */
	uint64_t dns_since;            /* ms */
	uint64_t began, dns_until;     /* ms */
	uint64_t login_asked;          /* ms; 0: not */
	bool login_again;              /* asked once more, at the end */
	struct mr_timer *slow, *deadline;
	struct mr_clamd_question *clamd; /* open: the end waits for it */
	struct mr_fuzzy_question *fuzzy; /* the same */
	uint64_t fuzzy_since;            /* ms */
	struct mr_pool_task task;
	struct mr_scan_input input;
	struct mr_job *prev, *next;
};

struct mr_job {
	_Atomic unsigned refs;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool done;

	/* facts */
	struct mr_milter_io *io;
	struct mr_settings *settings;
	enum mr_role role;
	bool trusted;
	bool marked;                /* some field says who got it when it was forwarded before (circle.h) */
	unsigned passes;            /* Received fields of this host */
	bool resent;                /* by a local program, after it came in before: nobody of ours wrote it */
	struct mr_ip client;        /* family 0: none */
	char *queue_id;             /* "" where Postfix gave none */
	char *login;                /* NULL: nobody has logged in */
	char *sender_esmtp;         /* of it, what RFC 3461 has, or "" */
	bool released;              /* out of the quarantine: not scanned again */
	char *client_name;          /* "": none that DNS confirms */
	char *helo, *sender, *from; /* from: first address of the header From, or NULL */
	struct mr_job_recipient **recipients;
	size_t n_recipients;
	struct mr_buf small;           /* a small message with MR_SPOOL_LEAD */
	int memfd;                     /* a larger one with it; -1: it is small, and nobody needs a descriptor yet */
	struct mr_slice message;       /* empty until mr_job_map() */
	uint8_t sha256[MR_SHA256_LEN]; /* of message, where clamd is asked */

	/* findings */
	struct mr_arena *arena;
	bool scanned, held; /* held: its content kills scanners */
	enum mr_virus virus;
	char virus_name[MR_CLAMD_TEXT_MAX + 1]; /* of FOUND and SUSPECTED */
	struct mr_scan_result scan;
	enum mr_dir_status login_status; /* of the account that sends: OK where none is asked for */
	bool login_locked;
	struct mr_thresholds login_thresholds;
	enum mr_sign sign;
	struct mr_slice sign_domain;
	struct mr_job_key keys[MR_DIR_SELECTORS_MAX]; /* all of them sign */
	size_t n_keys;
	struct mr_grey_answer grey;      /* once it was asked for */
	uint64_t recipients_ms, scan_ms; /* from submission */
	uint64_t clamd_ms;               /* from submission until clamd's answer */
	uint64_t dns_ms;                 /* of scan_ms, in which some DNS question was open */
	uint64_t fuzzy_ms;               /* after scan_ms, until Redis had answered */

	struct mr_job_side side;
};

struct mr_job *mr_job_new(struct mr_milter_io *io, struct mr_settings *settings); /* one reference */
struct mr_job *mr_job_ref(struct mr_job *j);
void mr_job_unref(struct mr_job *j); /* NULL is fine */
struct mr_job_recipient *mr_job_add_recipient(struct mr_job *j, struct mr_slice address, struct mr_slice esmtp);
/* Somebody logged in writes under a domain that is neither the login's nor the envelope sender's, which Postfix has checked. */
bool mr_job_foreign_from(const struct mr_job *j);
/* Somebody of ours wrote it, and it is not a script's redirect of what came in before. Once `resent` is known. */
bool mr_job_is_outbound(const struct mr_job *j);
/* What is done with it then: by the thresholds of who is logged in, else the site's. Once the directory has answered. */
struct mr_verdict_outbound mr_job_outbound(const struct mr_job *j);
/* The message is complete, nobody can change it any more, and job->message shows it. */
int mr_job_map(struct mr_job *j);
/* Loop: a small message gets its memfd, too. -errno. */
int mr_job_need_memfd(struct mr_job *j);
void mr_job_again(struct mr_job *j); /* front, after mr_job_wait(): the loop has one more thing to find out */
/* What the end still waits for: "scanner clamd fuzzy directory dns:a.example/A", for the log. */
void mr_job_waiting(const struct mr_job *j, struct mr_buf *out);
void mr_job_done(struct mr_job *j);                      /* loop: the findings are the front's */
bool mr_job_wait(struct mr_job *j, uint64_t timeout_ms); /* false: the loop did not come back in time */
/* Deep copies into the job's arena; false, and nothing changed, when it bears no more. */
bool mr_job_keep(struct mr_job *j, struct mr_slice s, struct mr_slice *out);
bool mr_job_keep_resolve(struct mr_job *j, const struct mr_dir_resolve *a, struct mr_dir_resolve *out);
bool mr_job_keep_scan(struct mr_job *j, const struct mr_scan_result *r);
