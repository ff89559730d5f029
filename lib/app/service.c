/* service: one request a process. */

/* system */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* ours */
#include "app/instance.h"
#include "app/service.h"
#include "base/mem.h"
#include "rt/clock.h"
#include "rt/log.h"
#include "rt/sock.h"

#define SOCKET_MODE  0660
#define REQUEST_MS   5000
#define ANSWER_MS    10000
#define CHILDREN_MAX 16

struct run {
	const struct mr_service *s;
	const struct mr_option *tables[3];
	char program[64];
	const char *conf_path;
	bool conf_given;
	void *conf;
};

bool mr_peer_is(const struct mr_peer *peer, const struct mr_conf_strings *users)
{
	const struct passwd *pw;

	if (peer->uid == 0)
		return true;
	for (size_t i = 0; i < users->n; i++) {
		pw = getpwnam(users->v[i]);
		if (pw && pw->pw_uid == peer->uid)
			return true;
	}
	return false;
}

/* The one line of the request; `line` keeps its bytes. */
static int take_request(int fd, struct mr_buf *line, struct mr_control_request *out)
{
	uint64_t now, until = mr_now_ms() + REQUEST_MS;
	struct pollfd p = { .fd = fd, .events = POLLIN };
	size_t used;
	ssize_t n;
	int r = 0;

	while ((r = mr_control_next(mr_buf_slice(line), out, &used)) == 0) {
		char *at = mr_buf_reserve(line, MR_CONTROL_LINE_MAX);

		now = mr_now_ms();
		if (!at)
			return -EMSGSIZE;
		if (now >= until || poll(&p, 1, (int)(until - now)) == 0)
			return -ETIMEDOUT;
		n = recv(fd, at, MR_CONTROL_LINE_MAX, MSG_DONTWAIT);
		if (n == 0)
			return -ECONNRESET;
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		mr_buf_filled(line, n > 0 ? (size_t)n : 0);
	}
	return r < 0 ? r : 0;
}

static void send_all(int fd, struct mr_slice bytes)
{
	uint64_t until = mr_now_ms() + ANSWER_MS;
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	ssize_t n;

	while (bytes.n > 0 && mr_now_ms() < until) {
		n = send(fd, bytes.p, bytes.n, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n > 0)
			bytes = mr_slice_from(bytes, (size_t)n);
		else if (errno != EAGAIN && errno != EINTR)
			return; /* the asker is gone; what it asked for was done */
		else
			poll(&p, 1, ANSWER_MS);
	}
}

/* One connection from its request to its end. */
static int serve(const struct run *run, int fd)
{
	struct ucred cred = { .uid = (uid_t)-1 };
	socklen_t size = sizeof(cred);
	struct mr_buf line = MR_BUF(2 * MR_CONTROL_LINE_MAX + 1), out = MR_BUF(MR_SERVICE_ANSWER_MAX);
	struct mr_control_request request = { 0 };
	struct mr_diag diag = { 0 };
	uint64_t began = mr_now_ms();
	int r;

	alarm(run->s->lifetime);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &size) < 0) {
		mr_log(MR_LOG_ERROR, "no-connection", mr_err("error", errno));
		return 1;
	}
	r = take_request(fd, &line, &request);
	if (r == -ECONNRESET) /* somebody looked whether the socket answers */
		goto end;
	if (r < 0)
		mr_diag_set(&diag, r, "no request of one line came");
	else
		r = run->s->serve(run->conf, &(struct mr_peer){ cred.uid, cred.pid }, &request, &out, &diag);
	mr_log(r < 0 ? MR_LOG_WARNING : MR_LOG_NOTICE, "request", mr_u("uid", cred.uid), mr_i("pid", cred.pid), mr_sl("verb", request.verb),
	       mr_sl("arg", request.arg), mr_s("result", r < 0 ? diag.text : "ok"), mr_u("ms", mr_now_ms() - began));
	if (r < 0)
		mr_buf_reset(&out);
	out.max += sizeof(diag.text) + 16; /* the last line has its place */
	if (r < 0)
		mr_buf_printf(&out, "error %s\n", diag.text);
	else
		mr_buf_puts(&out, "ok\n");
	send_all(fd, mr_buf_slice(&out));
end:
	mr_buf_done(&line);
	mr_buf_done(&out);
	return 0;
}

static int accept_all(const struct run *run)
{
	const struct mr_conf_shared *shared = run->conf;
	struct mr_diag diag = { 0 };
	char path[PATH_MAX];
	unsigned children = 0;
	int fd, client;

	snprintf(path, sizeof(path), "%s/%s/%s.sock", shared->run_dir, run->s->name, run->s->name);
	fd = mr_listen_unix(path, SOCKET_MODE, &diag);
	if (fd < 0) {
		fprintf(stderr, "%s: %s\n", run->program, diag.text);
		return 1;
	}
	for (struct pollfd p = { .fd = fd, .events = POLLIN };;) {
		poll(&p, 1, 1000);
		while (children > 0 && waitpid(-1, NULL, children < CHILDREN_MAX ? WNOHANG : 0) > 0)
			children--;
		client = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
		if (client < 0)
			continue;
		switch (fork()) {
		case -1:
			mr_log(MR_LOG_ERROR, "fork", mr_err("error", errno));
			break;
		case 0:
			close(fd);
			_exit(serve(run, client));
		default:
			children++;
		}
		close(client);
	}
}

static int load(struct run *run)
{
	struct mr_diag diag = { 0 };
	int r;

	run->conf = mr_alloc(run->s->conf_size);
	r = mr_conf_load(run->conf_path, run->conf_given, run->tables, run->conf, &diag);
	if (r == 0 && run->s->validate)
		r = run->s->validate(run->conf, &diag);
	if (r < 0)
		fprintf(stderr, "%s: %s\n", run->program, diag.text);
	return r;
}

static int run_mode(struct run *run, bool listening, bool check_only)
{
	const struct mr_conf_shared *shared;
	int code = 1;

	if (load(run) == 0) {
		shared = run->conf;
		mr_log_open(run->program, shared->log_target, (enum mr_log_level)shared->log_level);
		code = check_only ? 0 : listening ? accept_all(run) : serve(run, STDIN_FILENO);
	}
	mr_conf_free(run->tables, run->conf);
	free(run->conf);
	return code;
}

int mr_service_main(int argc, char **argv, const struct mr_service *s)
{
	enum { LISTEN = 256, CHECK_CONFIG, MANUAL, VERSION, HELP };
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "listen", no_argument, NULL, LISTEN },
		{ "check-config", no_argument, NULL, CHECK_CONFIG },
		{ "dump-manual", no_argument, NULL, MANUAL },
		{ "version", no_argument, NULL, VERSION },
		{ "help", no_argument, NULL, HELP },
		{ 0 },
	};
	struct run run = { .s = s, .tables = { mr_conf_shared_options, s->options, NULL } };
	bool listening = false, check = false;
	int opt;

	snprintf(run.program, sizeof(run.program), "mailreeve-%s", s->name);
	run.conf_path = MR_SYSCONFDIR "/mailreeve/mailreeve.conf";
	mr_log_open(run.program, 0, MR_LOG_WARNING);
	while ((opt = getopt_long(argc, argv, "c:", options, NULL)) != -1) {
		if (opt == 'c') {
			run.conf_path = optarg;
			run.conf_given = true;
		} else if (opt == LISTEN) {
			listening = true;
		} else if (opt == CHECK_CONFIG) {
			check = true;
		} else if (opt == MANUAL) {
			mr_app_manual(s->options, NULL);
			return 0;
		} else if (opt == VERSION) {
			printf("%s %s\n", run.program, MR_VERSION);
			return 0;
		} else {
			break;
		}
	}
	if (opt != -1 || optind < argc) {
		fprintf(opt == HELP ? stdout : stderr, "usage: %s [-c FILE] [--listen | --check-config | --version | --help]\n",
			run.program);
		return opt == HELP ? 0 : 2;
	}
	return run_mode(&run, listening, check);
}
