/* STM32F7: clock and the caches of the Cortex-M7 (RM0385; Armv7-M Architecture Reference Manual). */
#include "core/family.h"
#include "core/l1_cache.h"
#include "core/platform.h"
#include "families/stm32f4_f7.h"

#define OVER_DRIVE_HZ 180000000u /* faster needs the regulator's over-drive */
_Static_assert(BOARD_CLOCK_HZ % (VCO_INPUT_HZ / 2u) == 0 && BOARD_CLOCK_HZ >= 50000000u && BOARD_CLOCK_HZ <= 216000000u,
               "out of the PLL's reach");

uint32_t machine_clock_hz(void) { return on_pll() ? BOARD_CLOCK_HZ : HSI_HZ; }
bool machine_instruction_cache(void) { return SCB_CCR & SCB_CCR_INSTRUCTION_CACHE; }
bool machine_data_cache(void) { return SCB_CCR & SCB_CCR_DATA_CACHE; }

void family_start(void) {
    pll_start(BOARD_CLOCK_HZ > OVER_DRIVE_HZ, 0); /* flash is read through the caches, not through its accelerator */
    l1_caches_on();
}

uint32_t uart_clock_hz(void) { return on_pll() ? BOARD_CLOCK_HZ / UART_DIVISOR : HSI_HZ; }
