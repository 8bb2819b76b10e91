/* The input that was loaded, and how often the model ran. */
#ifndef DUT_INPUT_H
#define DUT_INPUT_H

#include <stdbool.h>
#include <stdint.h>

/* Whether an input of the right length is loaded; says why not. */
bool dut_input_ready(void);
/* Inferences since the reset. */
uint32_t dut_inferences(void);

#endif
