/* clock: the one place that time comes from. Tests set it. */
#pragma once
#include <stdint.h>

uint64_t mr_now_ms(void); /* monotonic milliseconds; on the thread of a loop the same all through one turn */
int64_t mr_wall(void);    /* seconds since 1970, UTC */
uint64_t mr_cpu_ms(void); /* milliseconds of processor time of this process, all threads */
/* For the loop: another turn of this thread begins; none. */
void mr_clock_turn(void);
void mr_clock_no_turn(void);
/* For tests: from now on both clocks stand still at these values until moved; loop timers obey. */
void mr_clock_fake(uint64_t now_ms, int64_t wall);
void mr_clock_advance(uint64_t ms);
void mr_clock_real(void);
