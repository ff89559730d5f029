/* service: main() of a program that answers one request a process: systemd hands it the connection as standard input (Accept=yes); where
 * there is no systemd, --listen binds the socket and forks a process for each connection.
 *
 *   mailreeve-X [-c FILE] [--listen | --check-config | --version | --help]
 *
 * A request is one line of control.h, "VERB [ARG...]"; the answer is lines, then "ok" or "error WHY". Who asks is known from the kernel
 * (SO_PEERCRED). Each request leaves one line in the log: who, what, how it ended. A process ends after `lifetime` whatever it does.
 *
 * (--dump-manual: see app.h.) */
#pragma once
#include <sys/types.h>
#include "conf/shared.h"
#include "proto/control.h"

#define MR_SERVICE_ANSWER_MAX (16u << 20)

struct mr_peer {
	uid_t uid;
	pid_t pid;
};
struct mr_service {
	const char *name;                /* "hostd": program mailreeve-hostd, section, socket RUN_DIR/hostd/hostd.sock */
	const struct mr_option *options; /* of its own section */
	size_t conf_size;
	unsigned lifetime;                                       /* seconds */
	int (*validate)(const void *conf, struct mr_diag *diag); /* may be NULL */
	/* 0 with whole lines in out (at most MR_SERVICE_ANSWER_MAX bytes), or -errno with the reason. */
	int (*serve)(const void *conf, const struct mr_peer *peer, const struct mr_control_request *r, struct mr_buf *out,
		     struct mr_diag *diag);
};
int mr_service_main(int argc, char **argv, const struct mr_service *s);
/* Is the peer root or one of these users? Unknown names are nobody. */
bool mr_peer_is(const struct mr_peer *peer, const struct mr_conf_strings *users);
