/* test-counters-model: three processes that count together while everything happens that can happen to them and their messages, as the dice
 * say; what must hold is watched by the world (support/counters-world.h). MR_SHOW=1 tells what came of each throw. G10. */

/* ours */
#include "support/counters-world.h"
#include "unit.h"

#define STEPS     20000
#define STEP_MS   20 /* while all is well nobody sleeps longer */
#define PROMPT_MS 60 /* within which messages go both ways then */

static unsigned seed;
static bool busy;     /* many are asking now */
static unsigned pace; /* ms of a tick, at most */

static unsigned dice(unsigned n)
{
	seed = seed * 1103515245u + 12345u;
	return (seed >> 8) % n;
}

static bool toss(void)
{
	return dice(2) == 0;
}

static void ask(struct mr_redis *h)
{
	struct asking a = { .take = dice(3) > 0, .n = 1 + dice(3) / 2 };

	a.names[0] = dice(NAMES);
	a.names[1] = 1 - a.names[0];
	for (size_t i = 0; i < NAMES; i++)
		a.units[i] = 1 + dice(8) / 7 * dice(4);
	host_ask(h, &a, dice(LAG_MS + 1));
}

/* While all is well messages are late, but not very. */
static void hurry(void)
{
	for (size_t h = 0; h < HOSTS; h++)
		while (wire_late(hosts[h], PROMPT_MS))
			if (!wire_deliver(hosts[h]))
				wire_do(hosts[h]);
}

static void tick(void)
{
	uint64_t ms = dice(500) ? dice(pace) : dice(2 * (unsigned)world.names[0].window);

	if (!world.well) {
		world.now += ms;
		return;
	}
	for (uint64_t left = ms; left > 0; left -= left < STEP_MS ? left : STEP_MS) {
		world.now += left < STEP_MS ? left : STEP_MS;
		for (size_t h = 0; h < HOSTS; h++)
			host_turn(hosts[h], 0);
		hurry();
	}
}

static void harm(struct mr_redis *h)
{
	switch (dice(16)) {
	case 0:
	case 1:
		wire_cut(h, toss);
		break;
	case 2:
		host_die(h);
		break;
	case 3:
	case 4:
		host_stand(h, true);
		break;
	case 5:
	case 6:
	case 7:
		host_stand(h, false);
		break;
	default:
		wire_ghost();
		break;
	}
}

static void step(void)
{
	struct mr_redis *h = hosts[dice(HOSTS)];
	unsigned kind = dice(16);

	busy ^= dice(300) == 0;
	if (kind < 3)
		wire_do(h);
	else if (kind < 6)
		wire_deliver(h);
	else if (kind == 6)
		host_turn(h, dice(LAG_MS + 1));
	else if (kind == 7 && !world.well)
		harm(h);
	else if (kind == 15 || !busy)
		tick();
	else
		ask(h);
}

static void play(unsigned number, bool well)
{
	static const uint64_t windows[] = { 2400, 6000, 12000, 60000 };

	seed = number;
	world_begin(1000000 + number * 7919);
	world.well = well;
	for (size_t i = 0; i < NAMES; i++) {
		world.names[i].window = windows[dice(MR_COUNT(windows))];
		world.names[i].limit = 1 + dice(dice(2) ? 50 : 500);
	}
	pace = (unsigned)world.names[0].window / (100 + dice(600)) + 2;
	for (unsigned i = 0; i < STEPS; i++)
		step();
	if (getenv("MR_SHOW"))
		print_message("%u: %zu asked, %zu granted, %zu refused, %zu commands\n", number, world.seen.asked, world.seen.granted,
			      world.seen.refused, world.seen.commands);
	world_end();
}

static void test_well(void **state)
{
	for (unsigned number = 1; number <= 12; number++)
		play(number, true);
}

static void test_harmed(void **state)
{
	for (unsigned number = 101; number <= 112; number++)
		play(number, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_well), cmocka_unit_test(test_harmed) };

	return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
