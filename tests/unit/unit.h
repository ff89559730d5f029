/* unit: what every unit test includes; cmocka wants its four system headers first. */
#pragma once
/* system */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

/* libraries */
#include <cmocka.h>

/* ours */
#include "base/mem.h"
#include "base/slice.h"

/* Asserts that a slice holds exactly this text; on failure both are shown. */
#define assert_slice(slice, text)                                                                                                          \
	do {                                                                                                                               \
		mr_autofree char *got_ = mr_slice_dup(slice);                                                                              \
		assert_string_equal(got_, (text));                                                                                         \
	} while (0)
