/* front: see front.h. */

/* system */
#include <errno.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* libraries */
#include <libmilter/mfapi.h>

/* ours */
#include "base/mem.h"
#include "circle.h"
#include "front.h"
#include "mail/address.h"
#include "mail/idn.h"
#include "milter-stats.h"
#include "quarantine.h"
#include "rt/clock.h"
#include "rt/log.h"
#include "rt/sock.h"
#include "session.h"

#define IO_TIMEOUT_S 900    /* a session in which Postfix says nothing so long is given up; SMTP's own longest wait is 300 s */
#define FROM_MAX     102400 /* bytes of the header From that are read: Postfix lets no longer field through */
#define AUTHOR_MAX   1000   /* bytes of its first address: what is longer is nobody's */
#define SOCKET_MODE  0660
#define PROBE_MS     500
#define WAKE_CALLS   8
/* Each answer that Postfix does not wait for saves waking two processes: it waits at the end, and at MAIL while there is no room. */
#define NOREPLY_STEPS (SMFIP_NR_CONN | SMFIP_NR_HELO | SMFIP_NR_MAIL | SMFIP_NR_RCPT | SMFIP_NR_HDR | SMFIP_NR_BODY)
#define WANTED_STEPS  (NOREPLY_STEPS | SMFIP_NODATA | SMFIP_NOEOH | SMFIP_NOUNKNOWN | SMFIP_HDR_LEADSPC)
#define WANTED_ACTIONS                                                                                                                     \
	(SMFIF_ADDHDRS | SMFIF_CHGHDRS | SMFIF_ADDRCPT | SMFIF_ADDRCPT_PAR | SMFIF_DELRCPT | SMFIF_QUARANTINE | SMFIF_CHGFROM)

/* Guarded by `lock`. */
static struct {
	pthread_mutex_t lock;
	struct mr_milter_io *io;
	struct mr_settings *settings;
	char *path;
	size_t inside; /* callbacks that run now */
	size_t sessions, messages;
	bool draining, closed;
} front = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* -- the gate -- */

static bool enter(void)
{
	bool open;

	pthread_mutex_lock(&front.lock);
	open = !front.closed;
	front.inside += open;
	pthread_mutex_unlock(&front.lock);
	return open;
}

static sfsistat leave(sfsistat r)
{
	pthread_mutex_lock(&front.lock);
	front.inside--;
	pthread_mutex_unlock(&front.lock);
	return r;
}

/* -- messages -- */

static void message_done(struct message *m)
{
	if (!m->job)
		return;
	mr_spool_done(&m->spool);
	mr_headers_strip_free(m->strip);
	free(m->release);
	free(m->reverse_path);
	mr_job_unref(m->job);
	*m = (struct message){ 0 };
	pthread_mutex_lock(&front.lock);
	front.messages--;
	pthread_mutex_unlock(&front.lock);
}

/* A job with the settings that hold now, or NULL while draining. */
static struct mr_job *new_job(void)
{
	struct mr_job *j = NULL;

	pthread_mutex_lock(&front.lock);
	if (!front.draining) {
		j = mr_job_new(front.io, front.settings);
		front.messages++;
	}
	pthread_mutex_unlock(&front.lock);
	return j;
}

/* "<a@b>" → "a@b". */
static struct mr_slice bare(const char *path)
{
	struct mr_slice s = mr_slice_trim(mr_slice_of(path));

	if (s.n >= 2 && s.p[0] == '<' && s.p[s.n - 1] == '>')
		s = (struct mr_slice){ s.p + 1, s.n - 2 };
	return s;
}

/* Lists, SPF and signatures look at one spelling only. */
static char *spelled(struct mr_slice address)
{
	mr_autoarena arena = mr_arena_new(0);

	return mr_slice_dup(mr_address_lower(mr_address_canonical(address, arena), arena));
}

static sfsistat reply(const struct session *s, unsigned long step)
{
	return s->steps & step ? SMFIS_NOREPLY : SMFIS_CONTINUE;
}

/* There is no message, for want of room or because the daemon ends. Where Postfix waits for no answer the end of the message tells it. */
static sfsistat refuse(const struct session *s, unsigned long step)
{
	return s && s->steps & step ? SMFIS_NOREPLY : SMFIS_TEMPFAIL;
}

static sfsistat shut(SMFICTX *ctx, unsigned long step)
{
	return refuse(smfi_getpriv(ctx), step);
}

/* No message of a session that begins now would be taken: it is to learn that at MAIL. */
static bool is_full(void)
{
	bool full;

	pthread_mutex_lock(&front.lock);
	full = front.draining || front.sessions >= front.settings->sessions_max;
	pthread_mutex_unlock(&front.lock);
	return full;
}

/* -- callbacks -- */

static sfsistat on_negotiate(SMFICTX *ctx, unsigned long actions, unsigned long steps, unsigned long f2, unsigned long f3,
			     unsigned long *want_actions, unsigned long *want_steps, unsigned long *p2, unsigned long *p3)
{
	struct session *s;

	(void)f2;
	(void)f3;
	if ((actions & WANTED_ACTIONS) != WANTED_ACTIONS) {
		mr_log(MR_LOG_ERROR, "mta-too-old", mr_u("actions", actions));
		return SMFIS_REJECT;
	}
	s = mr_new(struct session, 1);
	s->steps = steps & (is_full() ? WANTED_STEPS & ~SMFIP_NR_MAIL : WANTED_STEPS);
	s->lead_space = s->steps & SMFIP_HDR_LEADSPC;
	smfi_setpriv(ctx, s);
	if (actions & SMFIF_SETSYMLIST) {
		smfi_setsymlist(ctx, SMFIM_CONNECT, "{daemon_name}");
		smfi_setsymlist(ctx, SMFIM_ENVFROM, "i {auth_authen}");
		smfi_setsymlist(ctx, SMFIM_EOM, "i");
	}
	*want_actions = WANTED_ACTIONS | (actions & SMFIF_SETSYMLIST);
	*want_steps = s->steps;
	*p2 = *p3 = 0;
	return SMFIS_CONTINUE;
}

/* Postfix says "unknown", sendmail the address in brackets, where DNS confirms no name. */
static bool is_name(const char *host)
{
	return host && host[0] && host[0] != '[' && strcasecmp(host, "unknown") != 0;
}

/* One of sessions_max, if one is free. */
static bool take_place(struct session *s)
{
	pthread_mutex_lock(&front.lock);
	if (!s->counted && front.sessions < front.settings->sessions_max) {
		s->counted = true;
		front.sessions++;
	}
	pthread_mutex_unlock(&front.lock);
	return s->counted;
}

static sfsistat connected(SMFICTX *ctx, const char *host, _SOCK_ADDR *address)
{
	struct session *s = smfi_getpriv(ctx);

	if (!s)
		return SMFIS_TEMPFAIL;
	s->role = mr_role_of(smfi_getsymval(ctx, "{daemon_name}"));
	if (address && mr_ip_from_sockaddr(address, &s->client) < 0)
		s->client = (struct mr_ip){ 0 };
	free(s->client_name);
	s->client_name = mr_strdup(is_name(host) ? host : "");
	if (!take_place(s)) {
		atomic_fetch_add(&mr_milter_counters.sessions_refused, 1);
		mr_log(MR_LOG_WARNING, "sessions-max");
	}
	return reply(s, SMFIP_NR_CONN);
}

static sfsistat on_connect(SMFICTX *ctx, char *host, _SOCK_ADDR *address)
{
	return enter() ? leave(connected(ctx, host, address)) : shut(ctx, SMFIP_NR_CONN);
}

static sfsistat on_helo(SMFICTX *ctx, char *name)
{
	struct session *s = smfi_getpriv(ctx);

	if (!s || !name)
		return SMFIS_CONTINUE;
	free(s->helo);
	s->helo = mr_strdup(name);
	return reply(s, SMFIP_NR_HELO);
}

/* What RFC 3461 has behind MAIL FROM: of the rest nothing matters later. */
static char *notices_of(char **argv)
{
	struct mr_buf out = MR_BUF(4096);

	for (size_t i = 1; argv[i]; i++) {
		struct mr_slice word = mr_slice_of(argv[i]);

		if (mr_slice_istarts(word, MR_LIT("RET=")) || mr_slice_istarts(word, MR_LIT("ENVID=")))
			mr_buf_printf(&out, "%s%s", out.n ? " " : "", argv[i]);
	}
	return out.n ? mr_buf_steal(&out) : mr_strdup("");
}

static sfsistat mail_from(SMFICTX *ctx, char **argv)
{
	struct session *s = smfi_getpriv(ctx);
	const char *login = smfi_getsymval(ctx, "{auth_authen}");
	struct mr_job *j;

	if (!s)
		return SMFIS_TEMPFAIL;
	message_done(&s->m);
	j = take_place(s) ? new_job() : NULL;
	if (!j)
		return refuse(s, SMFIP_NR_MAIL);
	j->role = s->role;
	j->client = s->client;
	j->client_name = mr_strdup(s->client_name ? s->client_name : "");
	j->helo = mr_strdup(s->helo ? s->helo : "");
	j->sender = spelled(bare(argv[0]));
	j->sender_esmtp = notices_of(argv);
	j->login = login && login[0] ? mr_strdup(login) : NULL;
	j->trusted = s->role == MR_ROLE_ORIGINATING || s->role == MR_ROLE_LOCAL || s->role == MR_ROLE_REDIRECT || (login && login[0]) ||
		     (s->client.family && mr_settings_trusts(j->settings, &s->client));
	s->m = (struct message){ .job = j, .strip = mr_headers_strip_new(), .began = mr_now_ms() };
	if (s->role == MR_ROLE_FORWARD)
		s->m.reverse_path = mr_slice_dup(bare(argv[0]));
	mr_spool_begin(&s->m.spool, j->settings->message_max);
	return reply(s, SMFIP_NR_MAIL);
}

static sfsistat on_mail(SMFICTX *ctx, char **argv)
{
	return enter() ? leave(mail_from(ctx, argv)) : shut(ctx, SMFIP_NR_MAIL);
}

static sfsistat rcpt_to(SMFICTX *ctx, char **argv)
{
	struct session *s = smfi_getpriv(ctx);
	struct mr_buf esmtp = MR_BUF(4096);
	struct mr_job_recipient *r;

	if (!s || !s->m.job)
		return refuse(s, SMFIP_NR_RCPT);
	for (size_t i = 1; argv[i]; i++)
		mr_buf_printf(&esmtp, "%s%s", i > 1 ? " " : "", argv[i]);
	r = mr_job_add_recipient(s->m.job, bare(argv[0]), mr_buf_slice(&esmtp));
	if (s->role != MR_ROLE_FORWARD) /* decided in the first pass */
		mr_milter_io_resolve(r);
	mr_buf_done(&esmtp);
	return reply(s, SMFIP_NR_RCPT);
}

static sfsistat on_rcpt(SMFICTX *ctx, char **argv)
{
	return enter() ? leave(rcpt_to(ctx, argv)) : shut(ctx, SMFIP_NR_RCPT);
}

/* The first address of the first From, its domain in A-labels; the rest of such a field is of no use to lists and signatures. */
static void take_from(struct message *m, struct mr_slice value)
{
	mr_autoarena arena = NULL;
	struct mr_slice first;

	if (m->job->from || value.n > FROM_MAX)
		return;
	arena = mr_arena_new(0);
	if (mr_address_header(value, arena, &first, 1) > 0 && first.n <= AUTHOR_MAX)
		m->job->from = spelled(mr_idn_address(first, arena));
}

/* Only what comes in where nobody outside can may be a release: see release.c. */
static void take_release(struct session *s, const char *name, struct mr_slice value)
{
	if (s->role != MR_ROLE_REDIRECT || s->m.release || !mr_slice_ieq(mr_slice_of(name), MR_LIT(MR_QUARANTINE_FIELD)))
		return;
	s->m.release = mr_slice_dup(mr_slice_trim(value));
}

static void take_origin(struct session *s, const char *name, struct mr_slice value)
{
	if (s->role == MR_ROLE_FORWARD && mr_slice_ieq(mr_slice_trim(mr_slice_of(name)), MR_LIT("Received")))
		mr_origin_received(&s->m.origin, value, mr_slice_of(s->m.job->settings->hostname));
}

static sfsistat on_header(SMFICTX *ctx, char *name, char *value)
{
	struct session *s = smfi_getpriv(ctx);
	struct mr_slice v = mr_slice_of(value);

	if (!s || !s->m.job)
		return refuse(s, SMFIP_NR_HDR);
	take_release(s, name, v);
	take_origin(s, name, v);
	if (s->role != MR_ROLE_FORWARD && mr_headers_strip_field(s->m.strip, name, v, mr_slice_of(s->m.job->settings->hostname)))
		return reply(s, SMFIP_NR_HDR);
	if (mr_slice_ieq(mr_slice_trim(mr_slice_of(name)), MR_LIT("From")))
		take_from(&s->m, v);
	s->m.job->passes += mr_circle_received_by(mr_slice_of(name), v, mr_slice_of(s->m.job->settings->hostname));
	s->m.job->marked = s->m.job->marked || mr_slice_ieq(mr_slice_trim(mr_slice_of(name)), MR_LIT(MR_CIRCLE_FIELD));
	mr_spool_field(&s->m.spool, mr_slice_of(name), v, s->lead_space);
	return reply(s, SMFIP_NR_HDR);
}

/* Nobody tells us of it: the first that comes after the header. */
static void end_header(struct message *m)
{
	if (!m->in_body)
		mr_spool_bytes(&m->spool, MR_LIT("\r\n"));
	m->in_body = true;
}

static sfsistat on_body(SMFICTX *ctx, unsigned char *bytes, size_t n)
{
	struct session *s = smfi_getpriv(ctx);

	if (!s || !s->m.job)
		return refuse(s, SMFIP_NR_BODY);
	end_header(&s->m);
	mr_spool_bytes(&s->m.spool, (struct mr_slice){ (const char *)bytes, n });
	return reply(s, SMFIP_NR_BODY);
}

static sfsistat end_of_message(SMFICTX *ctx)
{
	struct session *s = smfi_getpriv(ctx);
	sfsistat r;

	if (!s || !s->m.job)
		return SMFIS_TEMPFAIL;
	end_header(&s->m);
	if (s->m.release)
		r = release_end(ctx, s);
	else
		r = s->role == MR_ROLE_FORWARD ? forward_end(ctx, s) : message_end(ctx, s);
	message_done(&s->m);
	return r;
}

static sfsistat on_eom(SMFICTX *ctx)
{
	return enter() ? leave(end_of_message(ctx)) : SMFIS_TEMPFAIL;
}

static sfsistat on_abort(SMFICTX *ctx)
{
	struct session *s = smfi_getpriv(ctx);

	if (s)
		message_done(&s->m);
	return SMFIS_CONTINUE;
}

static sfsistat on_close(SMFICTX *ctx)
{
	struct session *s = smfi_getpriv(ctx);

	if (!s)
		return SMFIS_CONTINUE;
	smfi_setpriv(ctx, NULL);
	message_done(&s->m);
	pthread_mutex_lock(&front.lock);
	front.sessions -= s->counted;
	pthread_mutex_unlock(&front.lock);
	free(s->client_name);
	free(s->helo);
	free(s);
	return SMFIS_CONTINUE;
}

/* -- the socket and the main loop -- */

/* libmilter would take the socket away from a milter that is using it. */
static int check_socket(const char *path, struct mr_diag *diag)
{
	struct sockaddr_un address;
	struct stat st;
	int fd;

	if (strlen(path) >= sizeof(address.sun_path))
		return mr_diag_set(diag, -ENAMETOOLONG, "socket %s: the name is too long", path);
	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : mr_diag_set(diag, -errno, "socket %s: %s", path, strerror(errno));
	if (!S_ISSOCK(st.st_mode))
		return mr_diag_set(diag, -EEXIST, "socket %s: there is something else of that name", path);
	fd = mr_connect_unix_wait(path, PROBE_MS);
	if (fd < 0)
		return fd == -ECONNREFUSED ? 0 : mr_diag_set(diag, fd, "socket %s: %s", path, strerror(-fd));
	close(fd);
	return mr_diag_set(diag, -EADDRINUSE, "socket %s: in use by another program", path);
}

static int open_socket(const char *path, struct mr_diag *diag)
{
	static struct smfiDesc milter = {
		.xxfi_name = "mailreeve",
		.xxfi_version = SMFI_VERSION,
		.xxfi_flags = WANTED_ACTIONS | SMFIF_SETSYMLIST,
		.xxfi_connect = on_connect,
		.xxfi_helo = on_helo,
		.xxfi_envfrom = on_mail,
		.xxfi_envrcpt = on_rcpt,
		.xxfi_header = on_header,
		.xxfi_body = on_body,
		.xxfi_eom = on_eom,
		.xxfi_abort = on_abort,
		.xxfi_close = on_close,
		.xxfi_negotiate = on_negotiate,
	};
	struct mr_buf conn = MR_BUF(512);
	mode_t old;
	int r = -EIO;

	mr_buf_printf(&conn, "unix:%s", path);
	old = umask(~SOCKET_MODE & 0777);
	if (smfi_register(milter) == MI_SUCCESS && smfi_setconn(conn.p) == MI_SUCCESS && smfi_settimeout(IO_TIMEOUT_S) == MI_SUCCESS &&
	    smfi_opensocket(true) == MI_SUCCESS)
		r = 0;
	umask(old);
	mr_buf_done(&conn);
	return r < 0 ? mr_diag_set(diag, r, "socket %s: cannot be opened: %s", path, strerror(errno)) : 0;
}

int mr_front_open(struct mr_milter_io *io, struct mr_settings *settings, const char *path, struct mr_diag *diag)
{
	int r = check_socket(path, diag);

	front.io = io;
	mr_front_set(settings);
	if (r == 0)
		r = open_socket(path, diag);
	if (r == 0)
		front.path = mr_strdup(path);
	return r;
}

void mr_front_set(struct mr_settings *settings)
{
	struct mr_settings *old;

	pthread_mutex_lock(&front.lock);
	old = front.settings;
	front.settings = settings;
	pthread_mutex_unlock(&front.lock);
	mr_settings_unref(old);
}

static bool is_draining(void)
{
	bool draining;

	pthread_mutex_lock(&front.lock);
	draining = front.draining;
	pthread_mutex_unlock(&front.lock);
	return draining;
}

/* Stopped before it has begun to listen, libmilter calls that a failure. */
int mr_front_run(void)
{
	return smfi_main() == MI_SUCCESS || is_draining() ? 0 : -EIO;
}

void mr_front_drain(void)
{
	pthread_mutex_lock(&front.lock);
	front.draining = true;
	pthread_mutex_unlock(&front.lock);
}

/* smfi_stop() waits for a lock that libmilter's listener holds while it waits, 5 s at a time, for somebody to call: so a few calls come
 * first, each of which makes it let go once. */
void mr_front_request_stop(void)
{
	for (int i = 0; i < WAKE_CALLS && front.path; i++) {
		int fd = mr_connect_unix(front.path);

		if (fd >= 0)
			close(fd);
	}
	smfi_stop();
}

static size_t read_count(const size_t *n)
{
	size_t value;

	pthread_mutex_lock(&front.lock);
	value = *n;
	pthread_mutex_unlock(&front.lock);
	return value;
}

size_t mr_front_pending(void)
{
	return read_count(&front.messages);
}

size_t mr_front_sessions(void)
{
	return read_count(&front.sessions);
}

size_t mr_front_inside(void)
{
	return read_count(&front.inside);
}

void mr_front_shut(void)
{
	pthread_mutex_lock(&front.lock);
	front.closed = true;
	pthread_mutex_unlock(&front.lock);
}

void mr_front_close(void)
{
	mr_front_set(NULL);
	if (front.path)
		unlink(front.path);
	free(front.path);
	front.path = NULL;
}
