/* idn: see idn.h. */
/* system */
#include <stdint.h>

/* libraries */
#include <idn2.h>

/* ours */
#include "mail/idn.h"

#define NAME_MAX_BYTES 1024 /* more is no name, whatever its labels become */

/* Bytes that ask for it, and none that would end a string. */
static bool is_candidate(struct mr_slice name)
{
	bool other = false;

	for (size_t i = 0; i < name.n; i++) {
		if (name.p[i] == '\0')
			return false;
		other |= (unsigned char)name.p[i] >= 0x80;
	}
	return other && name.n <= NAME_MAX_BYTES;
}

struct mr_slice mr_idn_ascii(struct mr_slice name, struct mr_arena *arena)
{
	uint8_t *ascii = NULL;

	if (!is_candidate(name))
		return name;
	if (idn2_lookup_u8((const uint8_t *)mr_arena_slice(arena, name), &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) == IDN2_OK)
		name = mr_slice_of(mr_arena_strdup(arena, (const char *)ascii));
	idn2_free(ascii);
	return name;
}

struct mr_slice mr_idn_address(struct mr_slice address, struct mr_arena *arena)
{
	ptrdiff_t at = mr_slice_rchr(address, '@');
	struct mr_slice domain = mr_slice_from(address, (size_t)(at + 1)), ascii = mr_idn_ascii(domain, arena);

	if (at < 0 || ascii.p == domain.p)
		return address;
	return mr_slice_of(mr_arena_printf(arena, "%.*s%.*s", (int)at + 1, address.p, (int)ascii.n, ascii.p));
}
