/* mem: see mem.h */

/* system */
#include <string.h>
#include <unistd.h>

/* ours */
#include "base/mem.h"

#define EXIT_OUT_OF_MEMORY 71 /* EX_OSERR of sysexits(3) */

/* Nothing here may allocate. */
static _Noreturn void die(const char *why, size_t len)
{
	ssize_t ignored = write(STDERR_FILENO, why, len);

	(void)ignored;
	_exit(EXIT_OUT_OF_MEMORY);
}

static size_t product(size_t count, size_t size)
{
	static const char why[] = "mailreeve: size of an array overflows\n";
	size_t n;

	if (__builtin_mul_overflow(count, size, &n))
		die(why, sizeof(why) - 1);
	return n;
}

static void *checked(void *p)
{
	static const char why[] = "mailreeve: out of memory\n";

	if (!p)
		die(why, sizeof(why) - 1);
	return p;
}

void *mr_alloc(size_t n)
{
	return checked(calloc(1, n ? n : 1));
}

void *mr_realloc(void *p, size_t n)
{
	return checked(realloc(p, n ? n : 1));
}

void *mr_realloc_array(void *p, size_t count, size_t size)
{
	return mr_realloc(p, product(count, size));
}

void *mr_realloc_zero(size_t size, size_t count)
{
	return mr_alloc(product(count, size));
}

char *mr_strdup(const char *s)
{
	return mr_slice_dup(mr_slice_of(s));
}

char *mr_slice_dup(struct mr_slice s)
{
	char *copy = mr_realloc(NULL, s.n + 1);

	if (s.n)
		memcpy(copy, s.p, s.n);
	copy[s.n] = '\0';
	return copy;
}

void mr_wipe(void *p, size_t n)
{
	if (n)
		explicit_bzero(p, n);
}
