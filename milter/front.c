/* front: see front.h. */

/* system */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <strings.h>

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
#include "session.h"

#define IO_TIMEOUT_S 900    /* a session in which Postfix says nothing so long is given up; SMTP's own longest wait is 300 s */
#define FROM_MAX     102400 /* bytes of the header From that are read: Postfix lets no longer field through */
#define AUTHOR_MAX   1000   /* bytes of its first address: what is longer is nobody's */
#define SOCKET_MODE  0660
/* Postfix waits at MAIL and at the end only: each answer that it does not wait for saves waking two processes. */
#define NOREPLY_STEPS (MR_PACKET_NR_CONNECT | MR_PACKET_NR_HELO | MR_PACKET_NR_RCPT | MR_PACKET_NR_FIELD | MR_PACKET_NR_BODY)
#define WANTED_STEPS  (NOREPLY_STEPS | MR_PACKET_NO_DATA | MR_PACKET_NO_EOH | MR_PACKET_NO_UNKNOWN | MR_PACKET_LEAD_SPACE)
#define WANTED_ACTIONS                                                                                                                     \
	(MR_PACKET_MAY_ADD_FIELD | MR_PACKET_MAY_CHANGE_FIELD | MR_PACKET_MAY_ADD_RCPT | MR_PACKET_MAY_ADD_RCPT_WORDS |                    \
	 MR_PACKET_MAY_DEL_RCPT | MR_PACKET_MAY_QUARANTINE)
/* Conversations, each with a thread: some more than sessions, so that who is one too many hears a 451. */
#define THREADS_MORE 100

/* Guarded by `lock`. */
static struct {
	pthread_mutex_t lock;
	struct mr_milter_io *io;
	struct mr_settings *settings;
	struct mr_mta_listener *listener;
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

static enum mr_mta_answer leave(enum mr_mta_answer r)
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

/* -- callbacks -- */

static bool on_negotiate(struct mr_mta *mta, struct mr_mta_wishes *w)
{
	struct session *s;

	if ((w->actions & WANTED_ACTIONS) != WANTED_ACTIONS) {
		mr_log(MR_LOG_ERROR, "mta-too-old", mr_u("actions", w->actions));
		return false;
	}
	if (w->actions & MR_PACKET_MAY_NAME_MACROS) {
		w->macros[MR_PACKET_AT_CONNECT] = "{daemon_name}";
		w->macros[MR_PACKET_AT_MAIL] = "i {auth_authen}";
		w->macros[MR_PACKET_AT_END] = "i";
	}
	w->actions = WANTED_ACTIONS | (w->actions & MR_PACKET_MAY_NAME_MACROS);
	w->steps &= WANTED_STEPS;
	s = mr_new(struct session, 1);
	s->lead_space = w->steps & MR_PACKET_LEAD_SPACE;
	mr_mta_set(mta, s);
	return true;
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

static enum mr_mta_answer connected(struct mr_mta *mta, const char *host, const struct mr_ip *client)
{
	struct session *s = mr_mta_get(mta);

	s->role = mr_role_of(mr_mta_macro(mta, "daemon_name"));
	s->client = *client;
	free(s->client_name);
	s->client_name = mr_strdup(is_name(host) ? host : "");
	if (!take_place(s)) {
		atomic_fetch_add(&mr_milter_counters.sessions_refused, 1);
		mr_log(MR_LOG_WARNING, "sessions-max");
	}
	return MR_MTA_CONTINUE;
}

static enum mr_mta_answer on_connect(struct mr_mta *mta, const char *host, const struct mr_ip *client)
{
	return enter() ? leave(connected(mta, host, client)) : MR_MTA_TEMPFAIL;
}

static enum mr_mta_answer on_helo(struct mr_mta *mta, const char *name)
{
	struct session *s = mr_mta_get(mta);

	free(s->helo);
	s->helo = mr_strdup(name);
	return MR_MTA_CONTINUE;
}

/* What RFC 3461 has behind MAIL FROM: of the rest nothing matters later. */
static char *notices_of(const char *const *argv)
{
	struct mr_buf out = MR_BUF(4096);

	for (size_t i = 1; argv[i]; i++) {
		struct mr_slice word = mr_slice_of(argv[i]);

		if (mr_slice_istarts(word, MR_LIT("RET=")) || mr_slice_istarts(word, MR_LIT("ENVID=")))
			mr_buf_printf(&out, "%s%s", out.n ? " " : "", argv[i]);
	}
	return out.n ? mr_buf_steal(&out) : mr_strdup("");
}

static enum mr_mta_answer mail_from(struct mr_mta *mta, const char *const *argv)
{
	struct session *s = mr_mta_get(mta);
	const char *login = mr_mta_macro(mta, "auth_authen");
	struct mr_job *j;

	message_done(&s->m);
	j = take_place(s) ? new_job() : NULL;
	if (!j)
		return MR_MTA_TEMPFAIL;
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
	mr_spool_begin(&s->m.spool, j->settings->message_max);
	return MR_MTA_CONTINUE;
}

static enum mr_mta_answer on_mail(struct mr_mta *mta, const char *const *argv)
{
	return enter() ? leave(mail_from(mta, argv)) : MR_MTA_TEMPFAIL;
}

static enum mr_mta_answer rcpt_to(struct mr_mta *mta, const char *const *argv)
{
	struct session *s = mr_mta_get(mta);
	struct mr_buf esmtp = MR_BUF(4096);
	struct mr_job_recipient *r;

	if (!s->m.job)
		return MR_MTA_TEMPFAIL;
	for (size_t i = 1; argv[i]; i++)
		mr_buf_printf(&esmtp, "%s%s", i > 1 ? " " : "", argv[i]);
	r = mr_job_add_recipient(s->m.job, bare(argv[0]), mr_buf_slice(&esmtp));
	if (s->role != MR_ROLE_FORWARD) /* decided in the first pass */
		mr_milter_io_resolve(r);
	mr_buf_done(&esmtp);
	return MR_MTA_CONTINUE;
}

static enum mr_mta_answer on_rcpt(struct mr_mta *mta, const char *const *argv)
{
	return enter() ? leave(rcpt_to(mta, argv)) : MR_MTA_TEMPFAIL;
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

static enum mr_mta_answer on_field(struct mr_mta *mta, const char *name, const char *value)
{
	struct session *s = mr_mta_get(mta);
	struct mr_slice v = mr_slice_of(value);

	if (!s->m.job)
		return MR_MTA_TEMPFAIL;
	take_release(s, name, v);
	if (s->role != MR_ROLE_FORWARD && mr_headers_strip_field(s->m.strip, name, v, mr_slice_of(s->m.job->settings->hostname)))
		return MR_MTA_CONTINUE;
	if (mr_slice_ieq(mr_slice_trim(mr_slice_of(name)), MR_LIT("From")))
		take_from(&s->m, v);
	s->m.job->passes += mr_circle_received_by(mr_slice_of(name), v, mr_slice_of(s->m.job->settings->hostname));
	s->m.job->marked = s->m.job->marked || mr_slice_ieq(mr_slice_trim(mr_slice_of(name)), MR_LIT(MR_CIRCLE_FIELD));
	mr_spool_field(&s->m.spool, mr_slice_of(name), v, s->lead_space);
	return MR_MTA_CONTINUE;
}

/* Nobody tells us of it: the first that comes after the header. */
static void end_header(struct message *m)
{
	if (!m->in_body)
		mr_spool_bytes(&m->spool, MR_LIT("\r\n"));
	m->in_body = true;
}

static enum mr_mta_answer on_body(struct mr_mta *mta, struct mr_slice bytes)
{
	struct session *s = mr_mta_get(mta);

	if (!s->m.job)
		return MR_MTA_TEMPFAIL;
	end_header(&s->m);
	mr_spool_bytes(&s->m.spool, bytes);
	return MR_MTA_CONTINUE;
}

static enum mr_mta_answer end_of_message(struct mr_mta *mta)
{
	struct session *s = mr_mta_get(mta);
	enum mr_mta_answer r;

	if (!s->m.job)
		return MR_MTA_TEMPFAIL;
	end_header(&s->m);
	if (s->m.release)
		r = release_end(mta, s);
	else
		r = s->role == MR_ROLE_FORWARD ? forward_end(mta, s) : message_end(mta, s);
	message_done(&s->m);
	return r;
}

static enum mr_mta_answer on_eom(struct mr_mta *mta)
{
	return enter() ? leave(end_of_message(mta)) : MR_MTA_TEMPFAIL;
}

static void on_abort(struct mr_mta *mta)
{
	struct session *s = mr_mta_get(mta);

	message_done(&s->m);
}

static void on_close(struct mr_mta *mta)
{
	struct session *s = mr_mta_get(mta);

	message_done(&s->m);
	pthread_mutex_lock(&front.lock);
	front.sessions -= s->counted;
	pthread_mutex_unlock(&front.lock);
	free(s->client_name);
	free(s->helo);
	free(s);
}

static const struct mr_mta_callbacks callbacks = {
	.negotiate = on_negotiate,
	.connect = on_connect,
	.helo = on_helo,
	.mail = on_mail,
	.rcpt = on_rcpt,
	.field = on_field,
	.body = on_body,
	.end = on_eom,
	.abort = on_abort,
	.close = on_close,
};

/* -- the daemon's side -- */

static unsigned threads_max(const struct mr_settings *s)
{
	return (unsigned)s->sessions_max + THREADS_MORE;
}

int mr_front_open(struct mr_milter_io *io, struct mr_settings *settings, const char *path, struct mr_diag *diag)
{
	front.io = io;
	mr_front_set(settings);
	return mr_mta_listen(path, SOCKET_MODE, threads_max(settings), IO_TIMEOUT_S, &callbacks, &front.listener, diag);
}

void mr_front_set(struct mr_settings *settings)
{
	struct mr_settings *old;

	pthread_mutex_lock(&front.lock);
	old = front.settings;
	front.settings = settings;
	pthread_mutex_unlock(&front.lock);
	if (settings && front.listener)
		mr_mta_limit(front.listener, threads_max(settings));
	mr_settings_unref(old);
}

int mr_front_run(void)
{
	return mr_mta_run(front.listener);
}

void mr_front_drain(void)
{
	pthread_mutex_lock(&front.lock);
	front.draining = true;
	pthread_mutex_unlock(&front.lock);
}

void mr_front_request_stop(void)
{
	mr_mta_stop(front.listener);
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
	mr_mta_free(front.listener);
	front.listener = NULL;
	mr_front_set(NULL);
}
