/* The core's cycle counter: exact, but it stands still while the core sleeps. A core without one counts by SysTick. */
#include "core/cycles.h"

#include "board.h"
#include "core/cortex.h"
#include "core/platform.h"

#if CORE_MAIN_EXTENSION
void cycles_start(void) {
    SCB_DEMCR |= SCB_DEMCR_TRACE;
#ifdef BOARD_CORE_CORTEX_M7
    DWT_LAR = DWT_LAR_KEY; /* the Cortex-M7's is locked where no debugger has opened it */
#endif
    DWT_CYCCNT = 0;
    DWT_CTRL |= DWT_CTRL_CYCLES;
}

uint32_t clock_cycles(void) { return DWT_CYCCNT; }
#else
void cycles_start(void) {}

uint32_t clock_cycles(void) {
    interrupts_off();
    const uint32_t cycles = (uint32_t)systick_cycles();
    interrupts_on();
    return cycles;
}
#endif
