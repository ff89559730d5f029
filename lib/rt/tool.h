/* tool: one run of another program: fixed environment, nothing inherited, bounded. Blocking: for programs without a loop. */
#pragma once
#include <stdint.h>
#include "base/buf.h"
#include "base/diag.h"

/* Runs argv[0], a path, with input (may be empty) as its standard input and takes what it prints, standard error included. 0, or -errno
 * with the reason: it cannot be run (-ENOENT), prints more than out takes, takes longer than ms (it is killed then), or its exit code is
 * not 0 (-EIO). */
int mr_tool_run(const char *const *argv, struct mr_slice input, uint64_t ms, struct mr_buf *out, struct mr_diag *diag);
/* The same, but what it prints, however much, goes to take() line by line, without line ends; of a line longer than line_max bytes its
 * beginning does. */
typedef void mr_tool_line(struct mr_slice line, void *arg);
int mr_tool_lines(const char *const *argv, struct mr_slice input, uint64_t ms, size_t line_max, mr_tool_line *take, void *arg,
		  struct mr_diag *diag);
