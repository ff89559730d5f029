/* clock: monotonic and wall time, or what a test has set. */

/* system */
#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>

/* ours */
#include "rt/clock.h"

static atomic_bool fake;
static _Atomic uint64_t fake_now;
static _Atomic int64_t fake_wall_ms;

/* A turn answers many questions, each of which looks at the clock several times; a look takes some 100 ns on a virtual machine. */
static _Thread_local struct {
	bool holds;
	uint64_t now; /* 0 = not looked at yet */
} turn;

uint64_t mr_now_ms(void)
{
	struct timespec t;
	uint64_t now;

	if (fake)
		return fake_now;
	if (turn.now != 0)
		return turn.now;
	clock_gettime(CLOCK_MONOTONIC, &t);
	now = (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
	if (turn.holds)
		turn.now = now;
	return now;
}

void mr_clock_turn(void)
{
	turn.holds = true;
	turn.now = 0;
}

void mr_clock_no_turn(void)
{
	turn.holds = false;
	turn.now = 0;
}

int64_t mr_wall(void)
{
	struct timespec t;

	if (fake)
		return fake_wall_ms / 1000;
	clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec;
}

uint64_t mr_cpu_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

void mr_clock_fake(uint64_t now_ms, int64_t wall)
{
	fake_now = now_ms;
	fake_wall_ms = wall * 1000;
	fake = true;
}

void mr_clock_advance(uint64_t ms)
{
	fake_now += ms;
	fake_wall_ms += (int64_t)ms;
}

void mr_clock_real(void)
{
	fake = false;
}
