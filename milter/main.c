/* main: mailreeve-milter, or the scanner master that it starts of itself (worker.h). */

/* system */
#include <malloc.h>

/* ours */
#include "daemon.h"
#include "mail/dkim.h"
#include "worker.h"

/* libmilter answers Postfix on threads of its own: with an arena each, what they leave behind grows with every one. */
#define ARENAS 2

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], MR_MASTER_ARG) == 0) {
		mr_dkim_prepare(); /* reads files, which the scanners that it forks may not */
		return mr_master_main(argc, argv, mr_worker_run);
	}
	mallopt(M_ARENA_MAX, ARENAS);
	return mr_daemon_main(argc, argv, &mr_milter_daemon);
}
