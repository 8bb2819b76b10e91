/* The input that was loaded, whether the model runs, and how often it did. */
#ifndef DUT_INPUT_H
#define DUT_INPUT_H

#include <stdbool.h>
#include <stdint.h>

/* Whether an input of the right length is loaded; says why not. */
bool dut_input_ready(void);
/* Whether the model runs; says why not. */
bool dut_engine_works(void);
/* Inferences since the reset. */
uint32_t dut_inferences(void);

#endif
