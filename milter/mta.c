/* mta: see mta.h. Here one conversation; threads are in mta-threads.c. */

/* system */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

/* ours */
#include "base/mem.h"
#include "mta.h"
#include "rt/log.h"

#define CHUNK     8192        /* bytes that are read at a time while nothing is known of the next packet */
#define IDLE_MAX  (64u << 10) /* bytes of a buffer that is kept between packets */
#define OUT_MAX   (16u << 20)
#define MACRO_MAX 4096 /* bytes of macros of one stage that are kept */
#define REPLY_MAX 512

struct mr_mta {
	int fd;
	const struct mr_mta_callbacks *callbacks;
	void *arg;
	char *in; /* `have` bytes of `cap`, of which the first `done` are dealt with */
	size_t have, done, cap;
	struct mr_buf out, macros[MR_PACKET_STAGES], reply;
	uint32_t steps;
	bool negotiated;
};

void mr_mta_set(struct mr_mta *m, void *arg)
{
	m->arg = arg;
}

void *mr_mta_get(const struct mr_mta *m)
{
	return m->arg;
}

/* -- macros -- */

/* In the order in which they come: MR_PACKET_AT_EOH is told before MR_PACKET_AT_END. */
static const enum mr_packet_stage course[] = { MR_PACKET_AT_CONNECT, MR_PACKET_AT_HELO, MR_PACKET_AT_MAIL, MR_PACKET_AT_RCPT,
					       MR_PACKET_AT_DATA,    MR_PACKET_AT_EOH,  MR_PACKET_AT_END };

const char *mr_mta_macro(const struct mr_mta *m, const char *name)
{
	struct mr_slice wanted = mr_slice_of(name);

	for (size_t i = MR_COUNT(course); i > 0; i--) {
		struct mr_slice rest = mr_buf_slice(&m->macros[course[i - 1]]), key;
		const char *value;

		while (mr_packet_macro_next(&rest, &key, &value))
			if (mr_slice_eq(key, wanted))
				return value;
	}
	return NULL;
}

/* Those of this stage; what was told of later ones is of another message. */
static int take_macros(struct mr_mta *m, struct mr_slice data)
{
	enum mr_packet_stage stage = data.n ? mr_packet_stage_of(data.p[0]) : MR_PACKET_STAGES;
	bool later = false;

	if (data.n == 0)
		return -EPROTO;
	for (size_t i = 0; i < MR_COUNT(course) && stage != MR_PACKET_STAGES; i++) {
		later = later || course[i] == stage;
		if (later)
			mr_buf_reset(&m->macros[course[i]]);
	}
	if (stage != MR_PACKET_STAGES)
		mr_buf_add(&m->macros[stage], mr_slice_from(data, 1)); /* all or, when they are too many, none */
	return 0;
}

/* -- what the MTA is told -- */

int mr_mta_insert(struct mr_mta *m, const char *name, const char *value)
{
	return mr_packet_put_field(&m->out, MR_PACKET_INSERT, 0, name, value);
}

int mr_mta_remove(struct mr_mta *m, const char *name, unsigned index)
{
	return mr_packet_put_field(&m->out, MR_PACKET_CHANGE, index, name, "");
}

int mr_mta_add_rcpt(struct mr_mta *m, const char *path, const char *parameters)
{
	return mr_packet_put_words(&m->out, MR_PACKET_ADD_RCPT, path, parameters);
}

int mr_mta_del_rcpt(struct mr_mta *m, const char *path)
{
	return mr_packet_put_words(&m->out, MR_PACKET_DEL_RCPT, path, NULL);
}

int mr_mta_hold(struct mr_mta *m, const char *reason)
{
	return mr_packet_put_words(&m->out, MR_PACKET_QUARANTINE, reason, NULL);
}

void mr_mta_reply(struct mr_mta *m, const char *code, const char *status, const char *text)
{
	mr_buf_reset(&m->reply);
	mr_buf_printf(&m->reply, "%s %s %s", code, status, text);
}

/* A text goes with an answer of its kind only. */
static int put_answer(struct mr_mta *m, enum mr_mta_answer a)
{
	static const char letters[] = {
		[MR_MTA_CONTINUE] = MR_PACKET_CONTINUE,
		[MR_MTA_REJECT] = MR_PACKET_REJECT,
		[MR_MTA_DISCARD] = MR_PACKET_DISCARD,
		[MR_MTA_TEMPFAIL] = MR_PACKET_TEMPFAIL,
	};
	char kind = a == MR_MTA_REJECT ? '5' : a == MR_MTA_TEMPFAIL ? '4' : '\0';

	if (a != MR_MTA_CONTINUE)
		mr_buf_reset(&m->out); /* changes of a message that is not taken, be they too many */
	if (kind && m->reply.n && m->reply.p[0] == kind)
		return mr_packet_put_words(&m->out, MR_PACKET_REPLY, m->reply.p, NULL);
	return mr_packet_put(&m->out, letters[a], (struct mr_slice){ 0 });
}

static int flush(struct mr_mta *m)
{
	struct mr_slice rest = mr_buf_slice(&m->out);

	if (m->out.full)
		return -ENOBUFS;
	while (rest.n) {
		ssize_t n = send(m->fd, rest.p, rest.n, MSG_NOSIGNAL);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0)
			rest = mr_slice_from(rest, (size_t)n);
	}
	if (m->out.cap > IDLE_MAX)
		mr_buf_done(&m->out);
	mr_buf_reset(&m->out);
	return 0;
}

/* unless: steps of which one says that the MTA does not wait. */
static int answer(struct mr_mta *m, enum mr_mta_answer a, uint32_t unless)
{
	int r = 0;

	if (!(m->steps & unless))
		r = put_answer(m, a);
	mr_buf_reset(&m->reply);
	return r < 0 ? r : flush(m);
}

/* -- what it says -- */

static int negotiate(struct mr_mta *m, struct mr_slice data)
{
	struct mr_packet_offer offer = { 0 };
	struct mr_mta_wishes wishes = { 0 };

	if (m->negotiated || mr_packet_offer_decode(data, &offer) < 0)
		return -EPROTO;
	wishes.actions = offer.actions;
	wishes.steps = offer.steps;
	m->negotiated = m->callbacks->negotiate(m, &wishes);
	if (!m->negotiated)
		return -ENOTSUP;
	m->steps = wishes.steps;
	if (offer.version > MR_PACKET_VERSION)
		offer.version = MR_PACKET_VERSION;
	offer.actions = wishes.actions;
	offer.steps = wishes.steps;
	if (mr_packet_put_offer(&m->out, &offer, wishes.macros) < 0)
		return -ENOBUFS;
	return flush(m);
}

static int connected(struct mr_mta *m, struct mr_slice data)
{
	const char *name;
	struct mr_ip client;

	if (mr_packet_connect_decode(data, &name, &client) < 0)
		return -EPROTO;
	return answer(m, m->callbacks->connect(m, name, &client), MR_PACKET_NR_CONNECT);
}

/* HELO, MAIL, RCPT, a field of the header. */
static int words(struct mr_mta *m, const struct mr_packet *p)
{
	const char *v[MR_PACKET_WORDS_MAX + 1];
	size_t n;

	if (mr_packet_words_decode(p->data, v, MR_PACKET_WORDS_MAX, &n) < 0)
		return -EPROTO;
	switch (p->command) {
	case MR_PACKET_HELO:
		return answer(m, m->callbacks->helo(m, v[0]), MR_PACKET_NR_HELO);
	case MR_PACKET_MAIL:
		return answer(m, m->callbacks->mail(m, v), 0);
	case MR_PACKET_RCPT:
		return answer(m, m->callbacks->rcpt(m, v), MR_PACKET_NR_RCPT);
	default:
		if (n != 2)
			return -EPROTO;
		return answer(m, m->callbacks->field(m, v[0], v[1]), MR_PACKET_NR_FIELD);
	}
}

static int end(struct mr_mta *m, struct mr_slice data)
{
	if (data.n) /* the last of the body */
		m->callbacks->body(m, data);
	return answer(m, m->callbacks->end(m), 0);
}

/* 0, or -errno: the conversation is over. */
static int take(struct mr_mta *m, const struct mr_packet *p)
{
	if (!m->negotiated && p->command != MR_PACKET_NEGOTIATE)
		return p->command == MR_PACKET_QUIT ? -EPIPE : -EPROTO;
	switch (p->command) {
	case MR_PACKET_NEGOTIATE:
		return negotiate(m, p->data);
	case MR_PACKET_MACROS:
		return take_macros(m, p->data);
	case MR_PACKET_CONNECT:
		return connected(m, p->data);
	case MR_PACKET_HELO:
	case MR_PACKET_MAIL:
	case MR_PACKET_RCPT:
	case MR_PACKET_FIELD:
		return words(m, p);
	case MR_PACKET_BODY:
		return answer(m, m->callbacks->body(m, p->data), MR_PACKET_NR_BODY);
	case MR_PACKET_END:
		return end(m, p->data);
	case MR_PACKET_ABORT:
		m->callbacks->abort(m);
		return 0;
	case MR_PACKET_DATA: /* where the MTA cannot leave these out */
	case MR_PACKET_EOH:
	case MR_PACKET_UNKNOWN:
		return answer(m, MR_MTA_CONTINUE, 0);
	case MR_PACKET_QUIT:
		return -EPIPE;
	default:
		return -EPROTO;
	}
}

/* -- reading -- */

/* Room for a packet of so many bytes, and what is dealt with goes. */
static void make_room(struct mr_mta *m, size_t wanted)
{
	if (m->done) {
		memmove(m->in, m->in + m->done, m->have - m->done);
		m->have -= m->done;
		m->done = 0;
	}
	if (m->have == 0 && m->cap > IDLE_MAX && wanted <= CHUNK) {
		free(m->in);
		m->in = NULL;
		m->cap = 0;
	}
	if (wanted < CHUNK)
		wanted = CHUNK;
	if (m->cap < wanted) {
		m->in = mr_realloc(m->in, wanted);
		m->cap = wanted;
	}
}

/* 0, -EPIPE at the end, -errno. */
static int receive(struct mr_mta *m, size_t wanted)
{
	ssize_t n;

	make_room(m, wanted);
	do
		n = recv(m->fd, m->in + m->have, m->cap - m->have, 0);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return n < 0 ? -errno : -EPIPE;
	m->have += (size_t)n;
	return 0;
}

static int converse(struct mr_mta *m)
{
	struct mr_packet p;
	size_t used;
	int r = 0;

	while (r >= 0) {
		r = mr_packet_next((struct mr_slice){ m->in + m->done, m->have - m->done }, &p, &used);
		if (r == 0) {
			r = receive(m, used);
		} else if (r == 1) {
			m->done += used;
			r = take(m, &p);
		}
	}
	return r;
}

void mr_mta_serve(int fd, unsigned timeout_s, const struct mr_mta_callbacks *c)
{
	struct timeval wait = { .tv_sec = timeout_s };
	struct mr_mta m = { .fd = fd, .callbacks = c, .out = MR_BUF(OUT_MAX), .reply = MR_BUF(REPLY_MAX) };
	int r;

	for (size_t i = 0; i < MR_PACKET_STAGES; i++)
		m.macros[i] = MR_BUF(MACRO_MAX);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
	r = converse(&m);
	if (r != -EPIPE && r != -ECONNRESET)
		mr_log(MR_LOG_WARNING, "mta-conversation-ended", mr_s("why", strerror(-r)));
	if (m.negotiated)
		c->close(&m);
	for (size_t i = 0; i < MR_PACKET_STAGES; i++)
		mr_buf_done(&m.macros[i]);
	mr_buf_done(&m.out);
	mr_buf_done(&m.reply);
	free(m.in);
}
