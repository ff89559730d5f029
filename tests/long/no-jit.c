/* no-jit: for the scanner under valgrind, preloaded. PCRE2's machine code reads a text by whole registers, beyond its end, and valgrind
 * says so of each pattern; its interpreter does not. */

/* system */
#include <stdint.h>

#define BAD_OPTION (-45) /* PCRE2_ERROR_JIT_BADOPTION */

int pcre2_jit_compile_8(void *code, uint32_t options);

int pcre2_jit_compile_8(void *code, uint32_t options)
{
	return BAD_OPTION;
}
