/* The input that was loaded. */
#ifndef DUT_INPUT_H
#define DUT_INPUT_H

#include <stdbool.h>

/* Whether an input of the right length is loaded; says why not. */
bool dut_input_ready(void);

#endif
