/* main: mailreeve-milter, or the scanner master that it starts of itself (worker.h). */

/* ours */
#include "daemon.h"
#include "mail/dkim.h"
#include "worker.h"

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], MR_MASTER_ARG) == 0) {
		mr_dkim_prepare(); /* reads files, which the scanners that it forks may not */
		return mr_master_main(argc, argv, mr_worker_run);
	}
	return mr_daemon_main(argc, argv, &mr_milter_daemon);
}
