/* The machine below the protocol, played by a process: serial port on stdin, stdout; a clock that each look moves. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "core/platform.h"
#include "core/text.h"

#define CLOCK_START (1ull << 40) /* beyond 32 bits */
#define CLOCK_STEP 250u

#ifndef REAL_CLOCK_PERCENT
static uint64_t microseconds = CLOCK_START;
#endif
static uint32_t cycles;

char serial_get(void) {
    fflush(stdout);
    const int c = getchar();
    if (c == EOF) {
        exit(0);
    }
    return (char)c;
}

void serial_flush(void) {}
void serial_put(char byte) { putchar(byte); }
/* The host's clock in percent of its speed; without it each look moves the clock. */
#ifdef REAL_CLOCK_PERCENT
uint64_t clock_microseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return CLOCK_START + 250u + ((uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u) * REAL_CLOCK_PERCENT / 100u;
}
#else
uint64_t clock_microseconds(void) { return microseconds += CLOCK_STEP; }
#endif
void trigger_pulse(void) {}
uint32_t clock_cycles(void) { return cycles += 10; }
uint32_t machine_clock_hz(void) { return 180000000u; }
bool machine_instruction_cache(void) { return true; }
bool machine_data_cache(void) { return false; }
uint32_t memory_static_bytes(void) { return 3000; }
uint32_t memory_stack_bytes(void) { return 412; }
uint32_t memory_stack_limit_bytes(void) { return 4096; }
uint32_t memory_image_crc(void) { return 0x0123ABCDu; }
void machine_crash(void) {
    put_line("x-fault UsageFault pc=08000124 lr=080001ff cfsr=00010000 hfar=00000000 bfar=00000000 mmfar=00000000");
}
