/* A connection for each question. */
#include "rt/dns-trusted.h"

/* system */
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

/* libraries */
#include <utlist.h>

/* ours */
#include "base/hash.h"
#include "base/mem.h"
#include "base/parse.h"
#include "rt/clock.h"

#define AT_ONCE       6    /* connections; Unbound's default is to take 10 */
#define QUESTIONS_MAX 2000 /* that wait, too */
#define QUERY_MAX     300
#define ANSWER_MAX    (2 + 65535)
#define ARENA_MAX     (1u << 20)

enum { FLAG_RD = 0x01, FLAG_AD = 0x20, CLASS_IN = 1 };

struct question {
	struct question *prev, *next;
	struct mr_dns_trusted *dns;
	char *name;
	enum mr_dns_type type;
	uint16_t id;
	enum { WAITS, ASKED, OVER } state;
	int fd; /* -1: not connected */
	struct mr_io *io;
	struct mr_timer *timer; /* the deadline, then the telling */
	struct mr_buf out, in;
	size_t sent;
	struct mr_arena *arena;
	struct mr_dns_answer answer;
	mr_dns_cb *cb;
	void *arg;
};

struct mr_dns_trusted {
	struct mr_loop *loop;
	struct sockaddr_storage address;
	socklen_t address_len;
	bool loopback;
	struct question *open;
	size_t n_open, connected;
};

static void hang_up(struct question *q)
{
	if (q->fd < 0)
		return;
	mr_io_cancel(&q->io);
	close(q->fd);
	q->fd = -1;
	q->dns->connected--;
}

static void forget(struct question *q)
{
	hang_up(q);
	DL_DELETE(q->dns->open, q);
	q->dns->n_open--;
	mr_timer_cancel(&q->timer);
	mr_arena_free(q->arena);
	mr_buf_done(&q->out);
	mr_buf_done(&q->in);
	free(q->name);
	free(q);
}

static void go_on(struct mr_dns_trusted *d);

static void on_tell(void *arg)
{
	struct question *q = arg;
	struct mr_dns_trusted *d = q->dns;

	q->timer = NULL;
	q->cb(&q->answer, q->arg);
	forget(q);
	go_on(d);
}

/* The answer stands: TEMP, if nothing better came. */
static void tell_later(struct question *q)
{
	hang_up(q);
	q->state = OVER;
	mr_timer_cancel(&q->timer);
	q->timer = mr_timer_start(q->dns->loop, 0, on_tell, q);
}

static void put_u16(struct mr_buf *b, unsigned v)
{
	mr_buf_putc(b, (char)(v >> 8));
	mr_buf_putc(b, (char)v);
}

/* -EINVAL: no such name can be. */
static int write_query(struct question *q)
{
	struct mr_buf body = MR_BUF(QUERY_MAX);
	struct mr_slice rest = mr_slice_of(q->name), label;
	int r = 0;

	if (mr_random(&q->id, sizeof(q->id)) < 0)
		q->id = (uint16_t)mr_now_ms();
	put_u16(&body, q->id);
	mr_buf_putc(&body, FLAG_RD);
	mr_buf_putc(&body, FLAG_AD);
	put_u16(&body, 1);
	for (int i = 0; i < 3; i++)
		put_u16(&body, 0);
	while (r == 0 && mr_slice_next(&rest, '.', &label)) {
		if (label.n == 0 || label.n > 63)
			r = -EINVAL;
		mr_buf_putc(&body, (char)label.n);
		mr_buf_add(&body, label);
	}
	mr_buf_putc(&body, 0);
	put_u16(&body, (unsigned)q->type);
	put_u16(&body, CLASS_IN);
	if (body.full)
		r = -EINVAL;
	q->out = MR_BUF(QUERY_MAX + 2);
	put_u16(&q->out, (unsigned)body.n);
	mr_buf_add(&q->out, mr_buf_slice(&body));
	mr_buf_done(&body);
	return r;
}

static void take_answer(struct question *q)
{
	struct mr_slice packet = mr_slice_from(mr_buf_slice(&q->in), 2);
	struct mr_dns_answer a;

	if (packet.n >= 2 && (uint8_t)packet.p[0] == q->id >> 8 && (uint8_t)packet.p[1] == (q->id & 0xff) &&
	    mr_dns_parse(packet, mr_slice_of(q->name), q->type, q->arena, &a) == 0) {
		q->answer = a;
		q->answer.secure = a.secure && q->dns->loopback;
	}
	tell_later(q);
}

static void on_readable(struct question *q)
{
	size_t wanted = q->in.n < 2 ? 2 : 2 + (size_t)((uint8_t)q->in.p[0] << 8 | (uint8_t)q->in.p[1]);
	char *room = mr_buf_reserve(&q->in, wanted - q->in.n);
	ssize_t n = room ? recv(q->fd, room, wanted - q->in.n, MSG_DONTWAIT) : 0;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		tell_later(q);
		return;
	}
	mr_buf_filled(&q->in, (size_t)n);
	if (q->in.n > 2 && q->in.n == wanted)
		take_answer(q);
}

static void on_io(int fd, int what, void *arg)
{
	struct question *q = arg;
	ssize_t n;

	if (what & MR_WRITE) {
		n = send(fd, q->out.p + q->sent, q->out.n - q->sent, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n < 0) {
			tell_later(q);
			return;
		}
		q->sent += (size_t)n;
		if (q->sent == q->out.n)
			mr_io_change(q->io, MR_READ);
	} else if (what & MR_READ) {
		on_readable(q);
	}
}

static void dial(struct question *q)
{
	struct mr_dns_trusted *d = q->dns;

	q->state = ASKED;
	q->fd = socket(d->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (q->fd < 0) {
		tell_later(q);
		return;
	}
	d->connected++;
	if (connect(q->fd, (const struct sockaddr *)&d->address, d->address_len) < 0 && errno != EINPROGRESS) {
		tell_later(q);
		return;
	}
	q->io = mr_io_start(d->loop, q->fd, MR_WRITE, on_io, q);
}

/* Those that wait get the places that are free. */
static void go_on(struct mr_dns_trusted *d)
{
	struct question *q, *next;

	DL_FOREACH_SAFE (d->open, q, next) {
		if (d->connected >= AT_ONCE)
			return;
		if (q->state == WAITS)
			dial(q);
	}
}

void mr_dns_trusted_ask(struct mr_dns_trusted *d, const char *name, enum mr_dns_type type, uint64_t deadline_ms, mr_dns_cb *cb, void *arg)
{
	struct question *q = mr_new(struct question, 1);
	uint64_t now = mr_now_ms();

	*q = (struct question){ .dns = d, .name = mr_strdup(name), .type = type, .fd = -1, .cb = cb, .arg = arg };
	q->in = MR_BUF(ANSWER_MAX);
	q->arena = mr_arena_new(ARENA_MAX);
	q->answer = (struct mr_dns_answer){ .name = q->name, .type = (uint16_t)type, .status = MR_DNS_TEMP };
	DL_APPEND(d->open, q);
	d->n_open++;
	if (write_query(q) < 0)
		q->answer.status = MR_DNS_NXDOMAIN;
	if (q->answer.status == MR_DNS_NXDOMAIN || d->n_open > QUESTIONS_MAX) {
		tell_later(q);
		return;
	}
	q->timer = mr_timer_start(d->loop, deadline_ms > now ? deadline_ms - now : 0, on_tell, q);
	if (d->connected < AT_ONCE)
		dial(q);
}

int mr_dns_trusted_new(struct mr_loop *l, const char *resolver, struct mr_dns_trusted **out, struct mr_diag *diag)
{
	struct mr_dns_trusted *d;
	struct mr_slice host;
	struct mr_net loopback;
	struct mr_ip ip;
	uint16_t port;

	if (mr_parse_hostport(mr_slice_of(resolver), &host, &port) < 0 || mr_parse_ip(host, &ip) < 0)
		return mr_diag_set(diag, -EINVAL, "resolver %s: not ADDRESS:PORT", resolver);
	d = mr_new(struct mr_dns_trusted, 1);
	d->loop = l;
	if (ip.family == AF_INET) {
		struct sockaddr_in *in = (struct sockaddr_in *)&d->address;
		*in = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port) };
		memcpy(&in->sin_addr, ip.bytes, 4);
		d->address_len = sizeof(*in);
	} else {
		struct sockaddr_in6 *in = (struct sockaddr_in6 *)&d->address;
		*in = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = htons(port) };
		memcpy(&in->sin6_addr, ip.bytes, 16);
		d->address_len = sizeof(*in);
	}
	mr_parse_net(ip.family == AF_INET ? MR_LIT("127.0.0.0/8") : MR_LIT("::1"), &loopback);
	d->loopback = mr_net_has(&loopback, &ip);
	*out = d;
	return 0;
}

void mr_dns_trusted_free(struct mr_dns_trusted *d)
{
	if (d == NULL)
		return;
	while (d->open != NULL)
		forget(d->open);
	free(d);
}
