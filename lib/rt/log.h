/* log: one line an event, `event key=value ...`. Values are quoted and escaped here when they need it, so remote bytes cannot forge a line.
 * Any thread may log. To stderr (with the <N> prefix when journald reads it) or syslog(LOG_MAIL). */
#pragma once
#include <stdint.h>
#include "base/slice.h"

enum mr_log_level { MR_LOG_ERROR, MR_LOG_WARNING, MR_LOG_NOTICE, MR_LOG_INFO, MR_LOG_DEBUG };

struct mr_kv {
	const char *key; /* NULL ends the list */
	enum { MR_KV_NONE, MR_KV_STR, MR_KV_SLICE, MR_KV_I64, MR_KV_U64, MR_KV_MS, MR_KV_SCORE, MR_KV_ERR } type;
	union {
		const char *s;
		struct mr_slice slice;
		int64_t i;
		uint64_t u;
		double d;
	};
};
static inline struct mr_kv mr_s(const char *key, const char *value)
{
	return (struct mr_kv){ .key = key, .type = MR_KV_STR, .s = value ? value : "" };
}
static inline struct mr_kv mr_sl(const char *key, struct mr_slice value)
{
	return (struct mr_kv){ .key = key, .type = MR_KV_SLICE, .slice = value };
}
static inline struct mr_kv mr_i(const char *key, int64_t value)
{
	return (struct mr_kv){ .key = key, .type = MR_KV_I64, .i = value };
}
static inline struct mr_kv mr_u(const char *key, uint64_t value)
{
	return (struct mr_kv){ .key = key, .type = MR_KV_U64, .u = value };
}
static inline struct mr_kv mr_score(const char *key, double value)
{
	return (struct mr_kv){ .key = key, .type = MR_KV_SCORE, .d = value };
}
/* err is an errno value or its negative: written as its text. */
static inline struct mr_kv mr_err(const char *key, int err)
{
	return (struct mr_kv){ .key = key, .type = MR_KV_ERR, .i = err };
}

/* mr_log(MR_LOG_INFO, "listening", mr_s("path", path), mr_u("clients", n)); */
#define mr_log(level, event, ...) mr_log_kv((level), (event), (const struct mr_kv[]){ __VA_ARGS__ __VA_OPT__(, ){ 0 } })
void mr_log_kv(enum mr_log_level level, const char *event, const struct mr_kv *kv);
/* The same for lines of which there are thousands a second: several go out in one write (to syslog each at once). It is written before the
 * next mr_log() of this thread, once some 4 kB have come together, or by mr_log_flush(), for which its caller sees to it that it comes
 * soon. */
#define mr_log_soon(level, event, ...) mr_log_soon_kv((level), (event), (const struct mr_kv[]){ __VA_ARGS__ __VA_OPT__(, ){ 0 } })
void mr_log_soon_kv(enum mr_log_level level, const char *event, const struct mr_kv *kv);
void mr_log_flush(void); /* of this thread */
void mr_log_open(const char *program, int target /* 0 stderr, 1 syslog */, enum mr_log_level level);
void mr_log_set_level(enum mr_log_level level);
enum mr_log_level mr_log_level(void);
