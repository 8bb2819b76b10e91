/* Time from SysTick: unlike the cycle counter it goes on while an STM32 sleeps (not so on an nRF52). */
#include "board.h"
#include "core/cortex.h"
#include "core/cycles.h"
#include "core/family.h"
#include "core/platform.h"

#define PERIOD_BITS 24
#define MASK ((1u << PERIOD_BITS) - 1u)
#define HZ_PER_MHZ 1000000u

_Static_assert(BOARD_CLOCK_HZ % HZ_PER_MHZ == 0, "time is counted in whole cycles a microsecond");

static FIRMWARE_DATA uint32_t periods;   /* that SysTick has completed */
static FIRMWARE_DATA uint64_t counted;   /* cycles that `elapsed` and `remainder` hold */
static FIRMWARE_DATA uint64_t elapsed;   /* microseconds */
static FIRMWARE_DATA uint32_t remainder; /* cycles that make no microsecond yet */

void clock_start(void) {
    cycles_start();
    SYSTICK_LOAD = MASK;
    SYSTICK_VAL = 0;
    SYSTICK_CTRL = SYSTICK_ENABLE | SYSTICK_INTERRUPT | SYSTICK_CORE_CLOCK;
}

/* SysTick counts down and asks for its interrupt when it reaches 0, which is where a period begins here. */
uint64_t systick_cycles(void) {
    uint32_t value = SYSTICK_VAL, complete = periods;
    if (SCB_ICSR & SCB_ICSR_SYSTICK_PENDING) {
        value = SYSTICK_VAL;
        complete++;
    }
    return ((uint64_t)complete << PERIOD_BITS) + ((0u - value) & MASK);
}

/* The interrupt calls this once a period, so the difference fits 32 bits and needs no long division. */
uint64_t clock_microseconds(void) {
    interrupts_off();
    const uint64_t now = systick_cycles();
    if (now > counted) { /* where an emulator's interrupt comes a moment late, time stands: it never turns back */
        const uint32_t mhz = machine_clock_hz() / HZ_PER_MHZ, cycles = (uint32_t)(now - counted) + remainder;
        elapsed += cycles / mhz;
        remainder = cycles % mhz;
        counted = now;
    }
    const uint64_t result = elapsed;
    interrupts_on();
    return result;
}

void clock_tick(void) {
    periods++;
    clock_microseconds();
}
