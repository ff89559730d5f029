/* report: tells lookup how full a mailbox is, by one datagram to its usage socket. Never waits; nobody answers. */
#pragma once
#include <stdint.h>

/* 0, or -errno when the datagram could not be handed over at once (-ENOENT, -ECONNREFUSED: lookup is away; -EAGAIN: it has a backlog): the
 * usage then stays what it was until the next change. */
int mr_report_usage(const char *socket_path, const char *address, uint64_t bytes, uint64_t messages);
