/* map-clients: asks a socketmap as so many Postfix processes do, each one question at a time, and says how long answers took.
 * usage: map-clients SOCKET MAP CLIENTS <KEYS
 * prints "questions N seconds S p50_us A p99_us B max_us C found F temporary T" */

/* system */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static const char *path, *map;
static char **keys;
static uint32_t *took_us;
static size_t n_keys, n_clients;

struct client {
	pthread_t thread;
	size_t first; /* of its keys: this one and each n_clients-th after it */
	size_t found, temporary;
};

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static int connected(void)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	memcpy(name.sun_path, path, strlen(path) + 1);
	if (connect(fd, (struct sockaddr *)&name, sizeof(name)) != 0) {
		perror(path);
		exit(1);
	}
	return fd;
}

static void *run(void *arg)
{
	struct client *c = arg;
	char question[1024], answer[70000];
	int fd = connected();

	for (size_t i = c->first; i < n_keys; i += n_clients) {
		int n = snprintf(question, sizeof(question), "%zu:%s %s,", strlen(map) + 1 + strlen(keys[i]), map, keys[i]);
		uint64_t began = now_us();
		ssize_t got = write(fd, question, (size_t)n) == n ? read(fd, answer, sizeof(answer) - 1) : -1;
		took_us[i] = (uint32_t)(now_us() - began);
		if (got <= 0) {
			fprintf(stderr, "%s: no answer\n", keys[i]);
			exit(1);
		}
		answer[got] = '\0';
		c->found += strstr(answer, ":OK ") != NULL;
		c->temporary += strstr(answer, ":TEMP ") != NULL;
	}
	close(fd);
	return NULL;
}

static void load(void)
{
	char *line = NULL;
	size_t cap = 0;

	while (getline(&line, &cap, stdin) > 0) {
		line[strcspn(line, "\n")] = '\0';
		if ((n_keys & (n_keys - 1)) == 0)
			keys = realloc(keys, (n_keys ? 2 * n_keys : 1) * sizeof(*keys));
		keys[n_keys++] = strdup(line);
	}
	free(line);
	took_us = calloc(n_keys + 1, sizeof(*took_us));
}

static int by_time(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	size_t found = 0, temporary = 0;

	if (argc != 4 || (n_clients = strtoul(argv[3], NULL, 10)) == 0 || strlen(argv[1]) >= 108) {
		fprintf(stderr, "usage: map-clients SOCKET MAP CLIENTS <KEYS\n");
		return 2;
	}
	path = argv[1];
	map = argv[2];
	load();
	struct client *clients = calloc(n_clients, sizeof(*clients));
	uint64_t began = now_us();
	for (size_t i = 0; i < n_clients; i++) {
		clients[i].first = i;
		if (pthread_create(&clients[i].thread, NULL, run, &clients[i]) != 0)
			return 1;
	}
	for (size_t i = 0; i < n_clients; i++) {
		pthread_join(clients[i].thread, NULL);
		found += clients[i].found;
		temporary += clients[i].temporary;
	}
	double seconds = (double)(now_us() - began) / 1e6;
	if (n_keys == 0)
		return 1;
	qsort(took_us, n_keys, sizeof(*took_us), by_time);
	printf("questions %zu seconds %.3f p50_us %u p99_us %u max_us %u found %zu temporary %zu\n", n_keys, seconds, took_us[n_keys / 2],
	       took_us[n_keys * 99 / 100], took_us[n_keys - 1], found, temporary);
	return 0;
}
