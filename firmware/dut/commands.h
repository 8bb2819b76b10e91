/* The commands. Each prints its reply but for the closing m-ready. */
#ifndef DUT_COMMANDS_H
#define DUT_COMMANDS_H

#include "dut/words.h"

void dut_name(const dut_words *words);
void dut_profile(const dut_words *words);
void dut_timestamp(const dut_words *words);
void dut_db(const dut_words *words);
void dut_infer(const dut_words *words);
void dut_results(const dut_words *words);
void dut_info(const dut_words *words);
void dut_memory(const dut_words *words);
void dut_input(const dut_words *words);
void dut_output(const dut_words *words);
void dut_operators(const dut_words *words);
void dut_crash(const dut_words *words);

#endif
