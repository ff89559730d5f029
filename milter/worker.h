/* worker: the scanner processes. mailreeve-milter starts itself a second time as "scanner master": single-threaded, so that it may fork; it
 * compiles what scanners share, forks them on demand and hands their sockets to the daemon. A scanner reads strangers' bytes and can do
 * nothing but compute: no files, no network, no programs (seccomp), bounded memory and processor time. It dies with its master or at the
 * end of its socket.
 *
 * Control socket of the master (SOCK_SEQPACKET): first a byte MR_MASTER_SETUP with a descriptor, a sealed memfd that holds the setup
 * (scan-setup.h), which is not answered. Then each byte MR_MASTER_FORK asks for one scanner; answered by struct mr_master_reply, with
 * two descriptors unless it failed: the scanner's stream socket, and its pidfd (so that who kills it never hits another). A reply with pid
 * 0 answers nothing: what scanners share got faster, those forked before may go when they have the time. */
#pragma once
#include <stdint.h>
#include <sys/types.h>
#include "scan-setup.h"

#define MR_MASTER_ARG   "--scanner-master" /* program --scanner-master MEMORY CPU_SECONDS LOG_TARGET LOG_LEVEL, control socket is fd 3 */
#define MR_MASTER_FD    3
#define MR_MASTER_SETUP 's'
#define MR_MASTER_FORK  'f'

struct mr_worker_limits {
	uint64_t memory;      /* bytes of address space */
	uint64_t cpu_seconds; /* for one message */
};
struct mr_master_reply {
	int32_t pid; /* or -errno, or 0 */
};

/* A scanner: answers requests (scanwire.h) on fd until its end; the exit code. */
typedef int mr_worker(int fd, const struct mr_worker_limits *limits, const struct mr_scan_setup *setup);
mr_worker mr_worker_run;
/* main() of the master: 0 when the daemon's end is closed. `worker` runs in each scanner. */
int mr_master_main(int argc, char **argv, mr_worker *worker);

/* Limits and seccomp; no way back. 0 or -errno. */
int mr_sandbox_enter(const struct mr_worker_limits *limits);
/* Before each message: processor time from here on. */
void mr_sandbox_budget(const struct mr_worker_limits *limits);
