/* smtp-client: see smtp-client.h. */

/* system */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

/* ours */
#include "base/parse.h"
#include "rt/sock.h"
#include "smtp-client.h"

#define STEP_MS     30000
#define END_MS      180000 /* the filter may take 120 s */
#define REPLY_MAX   65536
#define COMMAND_MAX 8192

struct session {
	int fd;
	struct mr_buf in;
	size_t used; /* bytes of `in` that the last reply took */
	struct mr_arena *arena;
	unsigned code;        /* of the last reply */
	struct mr_slice text; /* its lines, as one, until the next */
	bool dsn;             /* the server offers RFC 3461 */
};

static int send_all(struct session *s, struct mr_slice bytes)
{
	while (bytes.n) {
		ssize_t n = send(s->fd, bytes.p, bytes.n, MSG_NOSIGNAL);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0)
			bytes = mr_slice_from(bytes, (size_t)n);
	}
	return 0;
}

/* The end of the last line of a reply in `in`, or 0. */
static size_t reply_end(struct mr_slice in)
{
	size_t at = 0;
	ptrdiff_t eol;

	while ((eol = mr_slice_chr(mr_slice_from(in, at), '\n')) >= 0) {
		bool last = eol < 4 || in.p[at + 3] != '-';

		at += (size_t)eol + 1;
		if (last)
			return at;
	}
	return 0;
}

/* Reads one reply: 0, or -errno when there is none. */
static int reply(struct session *s)
{
	struct mr_slice code;
	uint64_t number;
	size_t end;

	mr_buf_consume(&s->in, s->used);
	s->used = 0;
	while (!(end = reply_end(mr_buf_slice(&s->in)))) {
		char *at = mr_buf_reserve(&s->in, 4096);
		ssize_t n = at ? recv(s->fd, at, 4096, 0) : 0;

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -ECONNRESET;
		mr_buf_filled(&s->in, (size_t)n);
	}
	code = (struct mr_slice){ s->in.p, end < 3 ? end : 3 };
	if (end > 3 && !strchr(" -\r\n", s->in.p[3]))
		return -EPROTO;
	if (mr_parse_u64(code, 200, 599, &number) < 0)
		return -EPROTO;
	s->used = end;
	s->code = (unsigned)number;
	s->text = mr_slice_trim(mr_slice_of(mr_arena_slice(s->arena, (struct mr_slice){ s->in.p, end })));
	return 0;
}

/* What a reply means: 0, -EAGAIN or -EPERM with the diagnosis. */
static int meaning(const struct session *s, const char *step, struct mr_diag *diag)
{
	if (s->code < 400)
		return 0;
	return mr_diag_set(diag, s->code < 500 ? -EAGAIN : -EPERM, "%s: %.*s", step, (int)s->text.n, s->text.p);
}

static int lost(int r, const char *step, struct mr_diag *diag)
{
	return mr_diag_set(diag, -EAGAIN, "%s: the connection to Postfix is gone: %s", step, strerror(-r));
}

static int command(struct session *s, const char *step, struct mr_slice line, struct mr_diag *diag)
{
	int r = send_all(s, line);

	if (r == 0)
		r = reply(s);
	return r < 0 ? lost(r, step, diag) : meaning(s, step, diag);
}

static bool offers(struct mr_slice text, struct mr_slice word)
{
	struct mr_slice line;

	while (mr_slice_next(&text, '\n', &line))
		if (line.n > 4 && mr_slice_ieq(mr_slice_trim(mr_slice_from(line, 4)), word))
			return true;
	return false;
}

/* "VERB:<address> parameters". A control byte would be a second command. */
static int path(struct session *s, const char *verb, struct mr_slice address, struct mr_slice parameters, struct mr_diag *diag)
{
	struct mr_buf line = MR_BUF(COMMAND_MAX);
	int r;

	mr_buf_printf(&line, "%s:<%.*s>", verb, (int)address.n, address.p ? address.p : "");
	if (s->dsn && parameters.n)
		mr_buf_printf(&line, " %.*s", (int)parameters.n, parameters.p);
	for (size_t i = 0; i < line.n; i++)
		line.full |= (unsigned char)line.p[i] < ' ' || line.p[i] == 0x7f;
	if (line.full) {
		r = mr_diag_set(diag, -EPERM, "%s: an address or parameter that cannot be", verb);
	} else {
		mr_buf_puts(&line, "\r\n");
		r = command(s, verb, mr_buf_slice(&line), diag);
	}
	mr_buf_done(&line);
	return r;
}

static int recipients(struct session *s, struct mr_smtp_message *m, struct mr_diag *diag)
{
	size_t taken = 0;

	for (size_t i = 0; i < m->n_recipients; i++) {
		struct mr_smtp_recipient *to = &m->recipients[i];
		int r = path(s, "RCPT TO", to->address, to->parameters, diag);

		if (r == -EAGAIN)
			return r;
		to->refused = r < 0;
		to->why = r < 0 ? mr_slice_of(mr_arena_strdup(s->arena, diag->text)) : (struct mr_slice){ 0 };
		taken += r == 0;
	}
	return taken ? 0 : -EPERM;
}

/* Every line that begins with a dot gets one more. */
static int content(struct session *s, struct mr_slice bytes)
{
	int r = 0;

	while (bytes.n && r == 0) {
		ptrdiff_t eol = mr_slice_chr(bytes, '\n');
		size_t n = eol < 0 ? bytes.n : (size_t)eol + 1;

		while (n < bytes.n && bytes.p[n] != '.') { /* up to the next line with a dot */
			eol = mr_slice_chr(mr_slice_from(bytes, n), '\n');
			n = eol < 0 ? bytes.n : n + (size_t)eol + 1;
		}
		if (bytes.p[0] == '.')
			r = send_all(s, MR_LIT("."));
		if (r == 0)
			r = send_all(s, (struct mr_slice){ bytes.p, n });
		if (r == 0 && n == bytes.n && bytes.p[n - 1] != '\n')
			r = send_all(s, MR_LIT("\r\n"));
		bytes = mr_slice_from(bytes, n);
	}
	return r;
}

static void allow(struct session *s, uint64_t ms)
{
	struct timeval t = { .tv_sec = (time_t)(ms / 1000) };

	setsockopt(s->fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t));
	setsockopt(s->fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t));
}

static int transfer(struct session *s, const struct mr_smtp_message *m, struct mr_diag *diag)
{
	int r = command(s, "DATA", MR_LIT("DATA\r\n"), diag);

	if (r < 0)
		return r;
	r = send_all(s, m->field);
	if (r == 0)
		r = content(s, m->content);
	if (r < 0)
		return lost(r, "content", diag);
	allow(s, END_MS);
	r = send_all(s, MR_LIT(".\r\n"));
	if (r == 0)
		r = reply(s);
	if (r < 0)
		return mr_diag_set(diag, -ECONNABORTED, "the end of the message: %s", strerror(-r));
	return meaning(s, "the end of the message", diag);
}

static int session(struct session *s, struct mr_smtp_message *m, struct mr_diag *diag)
{
	int r = reply(s);

	r = r < 0 ? lost(r, "greeting", diag) : meaning(s, "greeting", diag);
	if (r == 0)
		r = command(s, "EHLO", MR_LIT("EHLO localhost\r\n"), diag);
	if (r == 0) {
		s->dsn = offers(s->text, MR_LIT("DSN"));
		r = path(s, "MAIL FROM", m->sender, m->parameters, diag);
	}
	if (r == 0)
		r = recipients(s, m, diag);
	if (r == 0)
		r = transfer(s, m, diag);
	if (r != -ECONNABORTED)
		send_all(s, MR_LIT("QUIT\r\n"));
	return r;
}

int mr_smtp_send_over(int fd, struct mr_smtp_message *m, struct mr_arena *arena, struct mr_diag *diag)
{
	struct session s = { .fd = fd, .in = MR_BUF(REPLY_MAX), .arena = arena };
	int r = session(&s, m, diag);

	mr_buf_done(&s.in);
	return r;
}

int mr_smtp_send(struct mr_smtp_message *m, struct mr_arena *arena, struct mr_diag *diag)
{
	int fd = mr_connect_loopback_wait(m->address, STEP_MS), r;

	if (fd < 0)
		return mr_diag_set(diag, -EAGAIN, "Postfix on %s: %s", m->address, strerror(-fd));
	r = mr_smtp_send_over(fd, m, arena, diag);
	close(fd);
	return r;
}
