/* Tables and JSON. */
#include "print.h"

/* system */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* ours */
#include "base/mem.h"

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

const char *print_duration(uint64_t ms, struct mr_arena *arena)
{
	static const struct {
		uint64_t s;
		const char *name;
	} units[] = { { 86400, "d" }, { 3600, "h" }, { 60, "m" }, { 1, "s" } };
	uint64_t s = (ms + 999) / 1000, unit = 1;
	size_t i = 0;

	while (i + 1 < MR_COUNT(units) && s < units[i].s)
		i++;
	if (i + 1 < MR_COUNT(units))
		unit = units[i + 1].s;
	s = (s + unit - 1) / unit * unit;
	if (s % units[i].s == 0)
		return mr_arena_printf(arena, "%" PRIu64 "%s", s / units[i].s, units[i].name);
	return mr_arena_printf(arena, "%" PRIu64 "%s%" PRIu64 "%s", s / units[i].s, units[i].name, s % units[i].s / unit,
			       units[i + 1].name);
}

json_t *json_end(int64_t at)
{
	mr_autoarena arena = mr_arena_new(0);

	return at == 0 ? json_null() : json_string(print_end(at, arena));
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
