/* directory: the questions that policyd, milter and the Dovecot plugin ask lookup, typed, over the wire of wire.h.
 *
 * cmd        socket     request fields                 answer
 * resolve    directory  address                        struct mr_dir_resolve: who finally gets mail for this address
 * account    directory  address                        struct mr_dir_account: switches of one login (no secrets)
 * sender     directory  address                        struct mr_dir_sender: hosted?, signing domain and its selectors
 * tls        directory  domain                         fields "dane", "mta-sts": what it publishes, in words; "policy": for Postfix
 * passdb     passdb     address (exact login)          struct mr_dir_passdb: password hash and switches
 * userdb     passdb     address, service               struct mr_dir_account
 * iterate    passdb     after, limit (1 to 1000)       a repeated field "address", in order, without hashes; none = the end
 * dkim-key   keys       domain, selector               field "sealed": the private key (mr_unseal, purpose "dkim:DOMAIN:SELECTOR")
 * usage      usage (datagram, no answer)  address, bytes, messages
 *
 * An answer with a field "generation" holds while lookup's generation is that one: who asks may keep it as long.
 *
 * Answer field "status" is ok, notfound, temp or bad. temp: the back end is away, ask again later; never "unknown".  bad: the question is
 * wrong, "reason" says why. */
#pragma once
#include "proto/threshold.h"
#include "proto/wire.h"

enum mr_dir_status { MR_DIR_OK, MR_DIR_NOTFOUND, MR_DIR_TEMP, MR_DIR_BAD }; /* of resolve BAD: more is behind it than can be told */
const char *mr_dir_status_str(enum mr_dir_status s);

#define MR_DIR_QUESTION_MAX  8192       /* bytes of a question on the wire; for a longer one lookup closes the connection */
#define MR_DIR_FINALS_MAX    1000       /* finals of one address; more is an answer "bad" */
#define MR_DIR_SELECTORS_MAX 8          /* keys that sign for one domain */
#define MR_DIR_PATTERNS_MAX  1000       /* allow and deny patterns of one account */
#define MR_DIR_RIGHTS_MAX    32         /* aliases with rights behind one address */
#define MR_DIR_WHO_MAX       2200       /* patterns of one of them */
#define MR_DIR_LIMITS_MAX    128        /* rules for one account */
#define MR_DIR_UNKNOWN       UINT64_MAX /* usage not known */

/* One sender pattern of a list: "someone@example.org", "example.org" (that domain), ".example.org" (its sub-domains), "*". Lower case. */
struct mr_dir_pattern {
	struct mr_slice pattern;
	bool allow; /* else deny */
};

bool mr_dir_pattern_matches(struct mr_slice pattern, struct mr_slice sender);

struct mr_dir_account {
	struct mr_slice address;          /* lower case, without extension */
	bool enabled, send_only, receive; /* enabled = may log in and send; receive = takes mail now */
	bool locked;                      /* why it is not enabled: locked down. Not said by an older lookup */
	bool receive_only;                /* may log in, but not send; nor is this said */
	uint64_t quota_bytes;             /* 0 = unlimited */
	uint64_t used_bytes;              /* or MR_DIR_UNKNOWN */
	struct mr_thresholds thresholds;  /* of this mailbox; but for junk and reject NAN: the milter's own holds (or lookup is older) */
	struct mr_dir_pattern *patterns;  /* the user's own first, then domain, then global: the first that matches decides */
	size_t n_patterns;
	struct mr_slice *limits; /* rules of limit.h that hold when it sends; in answers to "account" only */
	size_t n_limits;
	uint64_t generation; /* in answers to "account": it holds while lookup's generation is this one; 0: it may not be kept */
};

struct mr_dir_final {
	bool local; /* a mailbox here; else a foreign address: only `deliver` is set and, in a relay domain, its thresholds and patterns */
	struct mr_slice deliver; /* address to deliver to, with "+extension" where the question had one */
	struct mr_dir_account account;
};

/* Who may send to one alias: who is logged in and matches one of `who`, or anybody who is. */
struct mr_dir_right {
	struct mr_slice alias;
	bool internal;
	struct mr_slice *who; /* sender patterns; members are among them as addresses */
	size_t n_who;
};

struct mr_dir_resolve {
	enum mr_dir_status status;   /* notfound: hosted domain, nobody there */
	bool hosted;                 /* the question's domain is ours */
	struct mr_dir_final *finals; /* no duplicates */
	size_t n_finals;
	struct mr_dir_right *rights; /* of the aliases that the way leads through: all of them must permit it */
	size_t n_rights;
	uint64_t generation; /* encoding only: of lookup, while which it holds; 0: it may not be kept. Told of addresses elsewhere */
};

struct mr_dir_selector {
	struct mr_slice name, algorithm; /* "rsa" or "ed25519" */
};
struct mr_dir_sender {
	enum mr_dir_status status;
	bool hosted;
	bool sign;              /* DKIM is on and there is a key in use */
	struct mr_slice domain; /* d= */
	struct mr_dir_selector selectors[MR_DIR_SELECTORS_MAX];
	size_t n_selectors;
	uint64_t generation; /* as above */
};

struct mr_dir_passdb {
	enum mr_dir_status status;
	struct mr_slice password; /* "{SCHEME}hash" */
	struct mr_dir_account account;
};

/* Encoders, used by lookup: whole wire answer for question `id`. -EMSGSIZE: it is too long, and became an answer "bad". */
int mr_dir_resolve_encode(struct mr_buf *out, uint64_t id, const struct mr_dir_resolve *a);
int mr_dir_account_encode(struct mr_buf *out, uint64_t id, enum mr_dir_status status, const struct mr_dir_account *a);
int mr_dir_sender_encode(struct mr_buf *out, uint64_t id, const struct mr_dir_sender *a);
int mr_dir_passdb_encode(struct mr_buf *out, uint64_t id, const struct mr_dir_passdb *a);
int mr_dir_status_encode(struct mr_buf *out, uint64_t id, enum mr_dir_status status, const char *reason);
/* Decoders, used by the askers; what they return lives in the arena and in the bytes under w. -EPROTO when fields are missing or wrong. */
int mr_dir_status_decode(const struct mr_wire *w, enum mr_dir_status *out);
int mr_dir_resolve_decode(const struct mr_wire *w, struct mr_arena *arena, struct mr_dir_resolve *out);
int mr_dir_account_decode(const struct mr_wire *w, struct mr_arena *arena, enum mr_dir_status *status, struct mr_dir_account *out);
int mr_dir_sender_decode(const struct mr_wire *w, struct mr_arena *arena, struct mr_dir_sender *out);
int mr_dir_passdb_decode(const struct mr_wire *w, struct mr_arena *arena, struct mr_dir_passdb *out);

/* Does the sender pattern, in lower case, match that address? As in lists. */
bool mr_dir_pattern_matches(struct mr_slice pattern, struct mr_slice sender);
/* What the account's lists say of a sender address (envelope or header From; "" is the null sender, which only "*" and "<>" match). */
enum mr_dir_listed { MR_DIR_UNLISTED, MR_DIR_ALLOWED, MR_DIR_DENIED };
enum mr_dir_listed mr_dir_listed(const struct mr_dir_account *a, struct mr_slice sender);
