/* mta-threads: the threads of conversations, see mta.h. Who is free waits in accept(), where the kernel wakes one of them for each MTA that
 * calls; the last one to leave sends another in. */

/* system */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

/* libraries */
#include <utlist.h>

/* ours */
#include "base/mem.h"
#include "mta.h"
#include "rt/log.h"
#include "rt/sock.h"

#define FREE_MAX 32     /* threads that are kept for conversations to come */
#define NAP_US   100000 /* where there are no descriptors */

struct talk {
	int fd;
	struct talk *prev, *next;
};

struct mr_mta_listener {
	int fd;
	char *path;
	const struct mr_mta_callbacks *callbacks;
	unsigned threads_max, timeout_s;
	pthread_mutex_t lock; /* of the rest */
	pthread_cond_t changed;
	unsigned threads, waiting; /* all; in accept() */
	struct talk *talks;
	pthread_t ended; /* a thread that nobody has joined yet, */
	bool any_ended;  /* if there is one */
	bool stopping;
};

static void *work(void *arg);

/* Under the lock. 0 or -errno. */
static int add_thread(struct mr_mta_listener *l)
{
	pthread_t thread;
	int r = pthread_create(&thread, NULL, work, l);

	if (r == 0) {
		l->threads++;
		l->waiting++;
	} else {
		mr_log(MR_LOG_ERROR, "mta-thread-not-started", mr_err("why", r));
	}
	return -r;
}

/* The next one who calls, or -1: none will be taken any more. */
static int next(struct mr_mta_listener *l)
{
	int fd;

	while ((fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC)) < 0) {
		int err = errno;
		bool stopping;

		pthread_mutex_lock(&l->lock);
		stopping = l->stopping;
		pthread_mutex_unlock(&l->lock);
		if (stopping)
			break;
		if (err == EINTR || err == ECONNABORTED)
			continue;
		mr_log(MR_LOG_ERROR, "mta-not-taken", mr_err("why", err)); /* no descriptors, no memory: it waits */
		usleep(NAP_US);
	}
	return fd;
}

/* A conversation that began by calling is over. Closed under the lock, so that mr_mta_free() never meets another descriptor. */
static void leave(struct mr_mta_listener *l, struct talk *t)
{
	DL_DELETE(l->talks, t);
	close(t->fd);
	l->waiting++;
}

static void *work(void *arg)
{
	struct mr_mta_listener *l = arg;
	pthread_t before;
	bool any;

	pthread_mutex_lock(&l->lock);
	/* Counted as waiting since it was started, or since it came back. */
	while (!l->stopping && l->waiting <= FREE_MAX) {
		struct talk talk = { .fd = -1 };

		pthread_mutex_unlock(&l->lock);
		talk.fd = next(l);
		pthread_mutex_lock(&l->lock);
		if (talk.fd < 0)
			break;
		l->waiting--;
		DL_APPEND(l->talks, &talk);
		if (l->waiting == 0 && l->threads < l->threads_max && !l->stopping)
			add_thread(l);
		pthread_mutex_unlock(&l->lock);
		mr_mta_serve(talk.fd, l->timeout_s, l->callbacks);
		pthread_mutex_lock(&l->lock);
		leave(l, &talk);
	}
	l->waiting--;
	before = l->ended;
	any = l->any_ended;
	l->ended = pthread_self();
	l->any_ended = true;
	pthread_mutex_unlock(&l->lock);
	if (any)
		pthread_join(before, NULL); /* the one that ended before: only the last is left for mr_mta_free() */
	pthread_mutex_lock(&l->lock);
	l->threads--;
	pthread_cond_broadcast(&l->changed);
	pthread_mutex_unlock(&l->lock);
	return NULL;
}

int mr_mta_listen(const char *path, unsigned mode, unsigned threads_max, unsigned timeout_s, const struct mr_mta_callbacks *c,
		  struct mr_mta_listener **out, struct mr_diag *diag)
{
	struct mr_mta_listener *l;
	int fd = mr_listen_unix(path, mode, diag), flags;

	if (fd < 0)
		return fd;
	flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) < 0) {
		int r = mr_diag_set(diag, -errno, "socket %s: %s", path, strerror(errno));

		close(fd);
		return r;
	}
	l = mr_new(struct mr_mta_listener, 1);
	*l = (struct mr_mta_listener){
		.fd = fd, .path = mr_strdup(path), .callbacks = c, .threads_max = threads_max, .timeout_s = timeout_s
	};
	pthread_mutex_init(&l->lock, NULL);
	pthread_cond_init(&l->changed, NULL);
	*out = l;
	return 0;
}

void mr_mta_limit(struct mr_mta_listener *l, unsigned threads_max)
{
	pthread_mutex_lock(&l->lock);
	l->threads_max = threads_max;
	pthread_mutex_unlock(&l->lock);
}

int mr_mta_run(struct mr_mta_listener *l)
{
	int r;

	pthread_mutex_lock(&l->lock);
	r = l->stopping ? 0 : add_thread(l);
	while (r == 0 && !l->stopping)
		pthread_cond_wait(&l->changed, &l->lock);
	pthread_mutex_unlock(&l->lock);
	return r;
}

void mr_mta_stop(struct mr_mta_listener *l)
{
	pthread_mutex_lock(&l->lock);
	l->stopping = true;
	shutdown(l->fd, SHUT_RDWR); /* ends each accept() */
	pthread_cond_broadcast(&l->changed);
	pthread_mutex_unlock(&l->lock);
}

void mr_mta_free(struct mr_mta_listener *l)
{
	struct talk *t;

	if (!l)
		return;
	mr_mta_stop(l);
	pthread_mutex_lock(&l->lock);
	DL_FOREACH (l->talks, t)
		shutdown(t->fd, SHUT_RDWR);
	while (l->threads)
		pthread_cond_wait(&l->changed, &l->lock);
	pthread_mutex_unlock(&l->lock);
	if (l->any_ended)
		pthread_join(l->ended, NULL);
	close(l->fd);
	unlink(l->path);
	free(l->path);
	pthread_cond_destroy(&l->changed);
	pthread_mutex_destroy(&l->lock);
	free(l);
}
