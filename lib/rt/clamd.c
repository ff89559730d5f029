/* clamd: see clamd.h. A question has one call at a time; a server's health is judged by what comes of its calls. */

/* system */
#include <errno.h>
#include <stdatomic.h>

/* libraries */
#include <utlist.h>

/* ours */
#include "base/mem.h"
#include "base/shelf.h"
#include "rt/clamd-call.h"
#include "rt/clock.h"
#include "rt/log.h"

#define CLEAN_MAX   32768 /* answers that are kept: 1.3 MB */
#define FOUND_MAX   1024  /* the same with a name: 150 kB */
#define CALLS_MAX   30    /* of one server at once; clamd works on about ten and lets the rest wait */
#define FAILURES    2     /* calls about one message that came to nothing, though the server was there */
#define AWAY_MS     1000  /* from one question for the version to the next: of a server that is away */
#define VERSION_MS  30000 /* of one that is there */
#define VERSION_MAX 5000  /* ms until its version must have come */

struct mr_clamd_counters mr_clamd_counters;

struct server {
	struct mr_clamd *clamd;
	char *name;
	bool is_unix, away;
	size_t calls;           /* about messages */
	uint64_t heard;         /* ms: last sign of life */
	char *version;          /* NULL: not known yet */
	struct mr_timer *timer; /* of the next question for it, or of the one under way */
	struct clamd_call *asking;
	uint64_t asked; /* ms */
};

struct mr_clamd_question {
	struct mr_clamd *clamd;
	struct mr_clamd_message m;
	mr_clamd_cb *cb;
	void *arg;
	struct mr_timer *until; /* its deadline, then its turn to be told */
	uint64_t deadline;      /* ms */
	uint32_t tried;         /* a bit a server */
	unsigned failures;
	struct server *server; /* of the call under way, or NULL */
	struct clamd_call *call;
	uint64_t began;        /* ms: the call */
	struct mr_timer *late; /* of the call, while another server could be asked */
	bool waits;            /* for a server that has too much to do */
	bool over, known;
	struct mr_clamd_answer answer;
	struct mr_clamd_question *prev, *next;
};

struct found {
	uint8_t sha256[MR_SHA256_LEN];
	struct mr_clamd_answer answer;
};

struct mr_clamd {
	struct mr_loop *loop;
	struct server servers[MR_CLAMD_SERVERS_MAX];
	size_t n_servers;
	bool stream;
	uint64_t cache_ms;
	struct mr_shelf *clean; /* digests of what had nothing in it; NULL: nothing is kept yet */
	struct mr_shelf *found; /* struct found */
	struct mr_clamd_question *questions;
	size_t n_questions;
};

static void begin(struct mr_clamd_question *q);
static void begin_waiting(struct mr_clamd *c);
static void ask_version(void *arg);

int mr_clamd_server_check(const char *server, struct mr_diag *diag)
{
	const char *address;
	bool is_unix;

	if (clamd_place(server, &is_unix, &address) < 0)
		return mr_diag_set(diag, -EINVAL, "\"%s\" is neither unix:/path nor tcp:ADDRESS:PORT", server);
	return 0;
}

/* -- what was found before -- */

static void forget_all(struct mr_clamd *c)
{
	mr_shelf_free(c->clean);
	mr_shelf_free(c->found);
	c->clean = c->found = NULL;
}

/* False: nothing is known. */
static bool find(const struct mr_clamd *c, const uint8_t *sha256, struct mr_clamd_answer *out)
{
	uint64_t since = mr_now_ms() + 1; /* the stamp is the end */
	const struct found *f;

	if (!c->clean)
		return false;
	if (mr_shelf_find(c->clean, sha256, since)) {
		*out = (struct mr_clamd_answer){ .status = MR_CLAMD_CLEAN };
		return true;
	}
	f = mr_shelf_find(c->found, sha256, since);
	if (f)
		*out = f->answer;
	return f != NULL;
}

static void keep(struct mr_clamd *c, const uint8_t *sha256, const struct mr_clamd_answer *a)
{
	uint64_t until = mr_now_ms() + c->cache_ms;
	struct found *f;

	if (c->cache_ms == 0)
		return;
	if (!c->clean) {
		c->clean = mr_shelf_new(CLEAN_MAX, MR_SHA256_LEN, MR_SHA256_LEN);
		c->found = mr_shelf_new(FOUND_MAX, sizeof(*f), MR_SHA256_LEN);
	}
	if (a->status == MR_CLAMD_CLEAN) {
		mr_shelf_put(c->clean, sha256, until);
		mr_shelf_drop(c->found, sha256);
	} else {
		f = mr_shelf_put(c->found, sha256, until);
		f->answer = *a;
		mr_shelf_drop(c->clean, sha256);
	}
}

/* -- questions -- */

static void end_call(struct mr_clamd_question *q)
{
	if (q->server)
		q->server->calls--;
	q->server = NULL;
	clamd_call_free(q->call);
	q->call = NULL;
	mr_timer_cancel(&q->late);
}

void mr_clamd_cancel(struct mr_clamd_question *q)
{
	struct mr_clamd *c = q->clamd;

	end_call(q);
	mr_timer_cancel(&q->until);
	DL_DELETE(c->questions, q);
	c->n_questions--;
	free(q);
	begin_waiting(c);
}

static void tell(void *arg)
{
	struct mr_clamd_question *q = arg;
	struct mr_clamd_answer answer = q->answer;
	mr_clamd_cb *cb = q->cb;
	void *cb_arg = q->arg;
	bool known = q->known;

	q->until = NULL;
	mr_clamd_cancel(q);
	cb(known ? &answer : NULL, cb_arg);
}

/* NULL: nobody knows. */
static void conclude(struct mr_clamd_question *q, const struct mr_clamd_answer *a)
{
	end_call(q);
	q->over = true;
	q->waits = false;
	q->known = a != NULL;
	if (a)
		q->answer = *a;
	else
		atomic_fetch_add(&mr_clamd_counters.unanswered, 1);
	mr_timer_cancel(&q->until);
	q->until = mr_timer_start(q->clamd->loop, 0, tell, q);
}

/* -- servers -- */

static void version_in(struct server *s, uint64_t ms)
{
	clamd_call_free(s->asking);
	s->asking = NULL;
	mr_timer_cancel(&s->timer);
	s->timer = mr_timer_start(s->clamd->loop, ms, ask_version, s);
}

/* What it was working on goes to another. */
static void set_away(struct server *s, const char *why)
{
	struct mr_clamd_question *q;

	if (s->away)
		return;
	s->away = true;
	atomic_fetch_add(&mr_clamd_counters.away, 1);
	mr_log(MR_LOG_WARNING, "clamd-away", mr_s("server", s->name), mr_s("reason", why));
	version_in(s, AWAY_MS);
	DL_FOREACH (s->clamd->questions, q) {
		if (q->server == s) {
			end_call(q);
			begin(q);
		}
	}
}

static void set_back(struct server *s)
{
	if (!s->away)
		return;
	s->away = false;
	atomic_fetch_sub(&mr_clamd_counters.away, 1);
	mr_log(MR_LOG_NOTICE, "clamd-back", mr_s("server", s->name), mr_s("version", s->version));
	begin_waiting(s->clamd);
}

static void on_version(int err, bool reached, struct mr_slice line, void *arg)
{
	struct server *s = arg;
	struct mr_slice version;

	(void)reached;
	if (err == 0)
		err = mr_clamd_version_parse(line, &version);
	if (err < 0) {
		version_in(s, AWAY_MS);
		set_away(s, strerror(-err));
		return;
	}
	s->heard = mr_now_ms();
	if (!s->version || !mr_slice_eq(mr_slice_of(s->version), version)) {
		if (s->version)
			forget_all(s->clamd);
		free(s->version);
		s->version = mr_slice_dup(version);
	}
	version_in(s, VERSION_MS);
	set_back(s);
}

static void version_late(void *arg)
{
	struct server *s = arg;

	s->timer = NULL;
	version_in(s, s->away ? AWAY_MS : VERSION_MS);
	if (s->heard < s->asked)
		set_away(s, "no answer in time");
}

static void ask_version(void *arg)
{
	struct server *s = arg;
	int r;

	s->timer = NULL;
	s->asked = mr_now_ms();
	r = clamd_call_start(s->clamd->loop, s->name, CLAMD_VERSION, NULL, on_version, s, &s->asking);
	if (r < 0) {
		version_in(s, AWAY_MS);
		set_away(s, strerror(-r));
	} else {
		s->timer = mr_timer_start(s->clamd->loop, VERSION_MAX, version_late, s);
	}
}

/* -- a call about a message -- */

/* Its server has not answered in time: a hung one has answered nobody meanwhile. */
static void judge_late(struct mr_clamd_question *q)
{
	struct server *s = q->server;
	uint64_t began = q->began;

	end_call(q);
	q->failures++;
	if (s->heard < began)
		set_away(s, "no answer in time");
	else
		mr_log(MR_LOG_NOTICE, "clamd-slow", mr_s("server", s->name), mr_u("size", q->m.bytes.n));
}

static void call_late(void *arg)
{
	struct mr_clamd_question *q = arg;

	q->late = NULL;
	judge_late(q);
	begin(q);
}

static void on_deadline(void *arg)
{
	struct mr_clamd_question *q = arg;

	q->until = NULL;
	q->over = true; /* judging its server begins nothing more for it */
	if (q->server)
		judge_late(q);
	conclude(q, NULL);
}

static void on_answer(int err, bool reached, struct mr_slice line, void *arg)
{
	struct mr_clamd_question *q = arg;
	struct server *s = q->server;
	struct mr_clamd_answer a;

	if (err == 0)
		err = mr_clamd_answer_parse(line, &a);
	if (err == 0)
		s->heard = mr_now_ms();
	if (err == 0 && a.status != MR_CLAMD_FAILED) {
		conclude(q, &a);
		if (a.status != MR_CLAMD_TOO_BIG)
			keep(q->clamd, q->m.sha256, &a);
		begin_waiting(q->clamd);
		return;
	}
	mr_log(MR_LOG_NOTICE, "clamd-failed", mr_s("server", s->name), mr_u("size", q->m.bytes.n),
	       mr_s("reason", err == 0 ? a.text : strerror(-err)));
	q->failures += reached;
	end_call(q);
	if (!reached || err == -EPROTO || err == -EMSGSIZE)
		set_away(s, strerror(-err));
	else if (err < 0 && !s->away)
		version_in(s, 0); /* it went in the middle: is it there? */
	begin(q);
	begin_waiting(q->clamd);
}

/* How many servers may be asked, and the first of them that has room. */
static size_t usable(const struct mr_clamd_question *q, struct server **first)
{
	struct mr_clamd *c = q->clamd;
	size_t n = 0;

	*first = NULL;
	for (size_t i = 0; i < c->n_servers; i++) {
		if (c->servers[i].away || q->tried & (1u << i))
			continue;
		n++;
		if (!*first && c->servers[i].calls < CALLS_MAX)
			*first = &c->servers[i];
	}
	return n;
}

static int start_call(struct mr_clamd_question *q, struct server *s, size_t n_usable)
{
	enum clamd_command command = s->is_unix && !q->clamd->stream ? CLAMD_FILDES : CLAMD_INSTREAM;
	int r = clamd_call_start(q->clamd->loop, s->name, command, &q->m, on_answer, q, &q->call);

	q->tried |= 1u << (s - q->clamd->servers);
	if (r < 0)
		return r;
	q->server = s;
	q->began = mr_now_ms();
	s->calls++;
	/* Each of those left has its share of the time; the last has all of it. */
	if (n_usable > 1 && q->failures + 1 < FAILURES)
		q->late = mr_timer_start(q->clamd->loop, (q->deadline - q->began) / n_usable, call_late, q);
	return 0;
}

static void begin(struct mr_clamd_question *q)
{
	struct server *s;
	size_t n;

	q->waits = false;
	while (!q->over && q->failures < FAILURES) {
		int r;

		n = usable(q, &s);
		if (n > 0 && !s)
			q->waits = true;
		if (n == 0 || !s)
			break;
		r = start_call(q, s, n);
		if (r == 0)
			return;
		set_away(s, strerror(-r));
	}
	if (!q->waits && !q->over)
		conclude(q, NULL);
}

static void begin_waiting(struct mr_clamd *c)
{
	struct mr_clamd_question *q;

	DL_FOREACH (c->questions, q)
		if (q->waits)
			begin(q);
}

struct mr_clamd_question *mr_clamd_ask(struct mr_clamd *c, const struct mr_clamd_message *m, uint64_t until, mr_clamd_cb *cb, void *arg)
{
	struct mr_clamd_question *q = mr_new(struct mr_clamd_question, 1);
	uint64_t now = mr_now_ms();
	struct mr_clamd_answer known;

	*q = (struct mr_clamd_question){ .clamd = c, .m = *m, .cb = cb, .arg = arg, .deadline = until > now ? until : now };
	DL_APPEND(c->questions, q);
	c->n_questions++;
	atomic_fetch_add(&mr_clamd_counters.asked, 1);
	if (find(c, m->sha256, &known)) {
		atomic_fetch_add(&mr_clamd_counters.cached, 1);
		conclude(q, &known);
	} else {
		q->until = mr_timer_start(c->loop, q->deadline - now, on_deadline, q);
		begin(q);
	}
	return q;
}

/* -- set up -- */

struct mr_clamd *mr_clamd_new(struct mr_loop *l)
{
	struct mr_clamd *c = mr_new(struct mr_clamd, 1);

	c->loop = l;
	return c;
}

static void drop_servers(struct mr_clamd *c)
{
	for (size_t i = 0; i < c->n_servers; i++) {
		struct server *s = &c->servers[i];

		atomic_fetch_sub(&mr_clamd_counters.away, s->away);
		mr_timer_cancel(&s->timer);
		clamd_call_free(s->asking);
		free(s->name);
		free(s->version);
		*s = (struct server){ 0 };
	}
	c->n_servers = 0;
	forget_all(c);
}

void mr_clamd_set(struct mr_clamd *c, const struct mr_clamd_config *config)
{
	struct mr_clamd_question *q;

	DL_FOREACH (c->questions, q)
		end_call(q);
	drop_servers(c);
	c->stream = config->stream;
	c->cache_ms = config->cache_ms;
	for (size_t i = 0; i < config->n_servers && i < MR_CLAMD_SERVERS_MAX; i++) {
		struct server *s = &c->servers[c->n_servers++];
		const char *address;

		*s = (struct server){ .clamd = c, .name = mr_strdup(config->servers[i]) };
		clamd_place(s->name, &s->is_unix, &address);
		version_in(s, 0);
	}
	DL_FOREACH (c->questions, q) {
		q->tried = 0;
		q->failures = 0;
		if (!q->over)
			begin(q);
	}
}

void mr_clamd_free(struct mr_clamd *c)
{
	if (!c)
		return;
	while (c->questions)
		mr_clamd_cancel(c->questions);
	drop_servers(c);
	free(c);
}

size_t mr_clamd_open(const struct mr_clamd *c)
{
	return c->n_questions;
}
