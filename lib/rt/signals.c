/* signals: the handler writes the signal's number into a pipe, the loop reads it. */

/* system */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

/* ours */
#include "base/mem.h"
#include "rt/signals.h"

static const int caught[] = { SIGTERM, SIGINT, SIGUSR1 };
static const int ignored[] = { SIGPIPE, SIGHUP };
static int pipe_in = -1; /* what a handler can reach */

struct mr_signals {
	int fds[2];
	struct mr_io *io;
	void (*fn)(int signal, void *arg);
	void *arg;
};

static void handle(int signal)
{
	int saved = errno;
	unsigned char number = (unsigned char)signal;
	ssize_t n = write(pipe_in, &number, 1);

	(void)n; /* full: that many are waiting already */
	errno = saved;
}

static void on_pipe(int fd, int what, void *arg)
{
	struct mr_signals *s = arg;
	unsigned char number;

	if (read(fd, &number, 1) == 1)
		s->fn(number, s->arg);
}

static void set(int signal, void (*handler)(int))
{
	struct sigaction sa = { .sa_handler = handler, .sa_flags = SA_RESTART };

	sigemptyset(&sa.sa_mask);
	sigaction(signal, &sa, NULL);
}

int mr_signals_thread(pthread_t *thread, void *(*fn)(void *arg), void *arg)
{
	sigset_t block, old;
	int rc;

	sigemptyset(&block);
	for (size_t i = 0; i < MR_COUNT(caught); i++)
		sigaddset(&block, caught[i]);
	pthread_sigmask(SIG_BLOCK, &block, &old); /* a new thread inherits this */
	rc = pthread_create(thread, NULL, fn, arg);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return -rc;
}

struct mr_signals *mr_signals_start(struct mr_loop *l, void (*fn)(int signal, void *arg), void *arg)
{
	struct mr_signals *s = mr_alloc(sizeof(*s));
	sigset_t open;

	s->fn = fn;
	s->arg = arg;
	if (pipe2(s->fds, O_NONBLOCK | O_CLOEXEC) < 0) {
		perror("pipe");
		exit(1);
	}
	pipe_in = s->fds[1];
	s->io = mr_io_start(l, s->fds[0], MR_READ, on_pipe, s);
	sigemptyset(&open);
	for (size_t i = 0; i < MR_COUNT(caught); i++) {
		set(caught[i], handle);
		sigaddset(&open, caught[i]);
	}
	for (size_t i = 0; i < MR_COUNT(ignored); i++) {
		set(ignored[i], SIG_IGN);
		sigaddset(&open, ignored[i]);
	}
	pthread_sigmask(SIG_UNBLOCK, &open, NULL); /* whoever started us may have blocked them */
	return s;
}

void mr_signals_free(struct mr_signals *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < MR_COUNT(caught); i++)
		set(caught[i], SIG_IGN);
	mr_io_cancel(&s->io);
	close(s->fds[0]);
	close(s->fds[1]);
	free(s);
}
