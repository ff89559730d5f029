/* policy-stub: the floor for the policy benchmark: passes whatever Postfix asks about, and looks at none of it.
 * usage: policy-stub SOCKET */

/* system */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ours */
#include "stub-server.h"

#define DUNNO "action=dunno\n\n"

static bool answer(int fd)
{
	char in[4096];

	return read(fd, in, sizeof(in)) > 0 && write(fd, DUNNO, strlen(DUNNO)) == (ssize_t)strlen(DUNNO);
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: policy-stub SOCKET\n");
		return 2;
	}
	return stub_serve(argv[1], answer);
}
