/* Tables and JSON. */
#include "print.h"

/* system */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define COLUMNS_MAX 16
#define MIB         1048576

void print_table(const char *const *cells, size_t rows, size_t columns)
{
	size_t width[COLUMNS_MAX] = { 0 };

	for (size_t i = 0; i < rows * columns; i++) {
		size_t n = strlen(cells[i]);

		if (n > width[i % columns])
			width[i % columns] = n;
	}
	for (size_t i = 0; i < rows * columns; i++) {
		bool last = (i + 1) % columns == 0;

		printf("%-*s%s", last ? 0 : (int)width[i % columns], cells[i], last ? "\n" : "  ");
	}
}

int print_json(json_t *value)
{
	int bad = json_dumpf(value, stdout, JSON_INDENT(2)) || putchar('\n') == EOF || fflush(stdout);

	json_decref(value);
	return bad ? 1 : 0;
}

const char *print_quota(uint64_t bytes, struct mr_arena *arena)
{
	return bytes ? mr_arena_printf(arena, "%" PRIu64 " MB", bytes / MIB) : "Unlimited";
}

const char *print_score(double score, struct mr_arena *arena)
{
	return isnan(score) ? "default" : mr_arena_printf(arena, "%.2f", score);
}

const char *print_yes(bool yes)
{
	return yes ? "yes" : "no";
}

const char *print_end(int64_t at, struct mr_arena *arena)
{
	char text[32];
	time_t t = (time_t)at;
	struct tm tm;

	if (at == 0 || gmtime_r(&t, &tm) == NULL || strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		return "never";
	return mr_arena_strdup(arena, text);
}

json_t *json_end(int64_t at)
{
	mr_autoarena arena = mr_arena_new(0);

	return at == 0 ? json_null() : json_string(print_end(at, arena));
}

json_t *json_score(double score)
{
	return isnan(score) ? json_null() : json_real(score);
}

json_t *json_patterns(const struct mr_row_pattern *patterns, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(
		    list, json_pack("{s:s, s:s}", "pattern", patterns[i].pattern, "action", patterns[i].allow ? "allow" : "deny"));
	return list;
}

void print_patterns(const struct mr_row_pattern *patterns, size_t n)
{
	for (size_t i = 0; i < n; i++)
		printf("%-13s %s\n", patterns[i].allow ? "allow" : "deny", patterns[i].pattern);
}
