/* map-stub: the floor for the lookup benchmark: Postfix's socketmap protocol over a table in memory.
 * usage: map-stub SOCKET TABLE, where TABLE is a file of lines "MAP KEY<tab>VALUE" */

/* system */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ours */
#include "stub-server.h"

#define SLOTS (1 << 20)

/* Open addressing; "MAP KEY" to what is answered. */
static struct {
	char *key, *value;
} table[SLOTS];

/* The key's slot, or the empty one where it would be. FNV-1a. */
static size_t slot(const char *key)
{
	uint32_t hash = 2166136261u;

	for (const char *p = key; *p; p++)
		hash = (hash ^ (unsigned char)*p) * 16777619u;
	size_t at = hash % SLOTS;
	while (table[at].key != NULL && strcmp(table[at].key, key) != 0)
		at = (at + 1) % SLOTS;
	return at;
}

static void load(FILE *file)
{
	char *line = NULL, *key, *tab;
	size_t cap = 0;

	while (getline(&line, &cap, file) > 0) {
		line[strcspn(line, "\n")] = '\0';
		key = strdup(line);
		if ((tab = strchr(key, '\t')) == NULL)
			exit(1);
		*tab = '\0';
		size_t at = slot(key);
		table[at].key = key;
		table[at].value = tab + 1;
	}
	free(line);
	fclose(file);
}

/* One question: Postfix sends a whole one and waits for its answer. */
static bool answer(int fd)
{
	char in[4096], reply[4096], out[4200];
	ssize_t n = read(fd, in, sizeof(in) - 1);
	char *key;

	if (n <= 0)
		return false;
	in[n - 1] = '\0'; /* the comma */
	if ((key = strchr(in, ':')) == NULL)
		return false;
	const char *value = table[slot(key + 1)].value;
	int length = value ? snprintf(reply, sizeof(reply), "OK %s", value) : snprintf(reply, sizeof(reply), "NOTFOUND ");
	int size = snprintf(out, sizeof(out), "%d:%s,", length, reply);
	return write(fd, out, (size_t)size) == size;
}

int main(int argc, char **argv)
{
	FILE *file = argc == 3 ? fopen(argv[2], "r") : NULL;

	if (file == NULL) {
		fprintf(stderr, "usage: map-stub SOCKET TABLE\n");
		return 2;
	}
	load(file);
	return stub_serve(argv[1], answer);
}
