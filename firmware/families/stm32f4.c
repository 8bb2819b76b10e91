/* STM32F4: clock and flash accelerator (RM0390, RM0090). */
#include "core/family.h"
#include "core/platform.h"
#include "families/stm32f4_f7.h"

#define FLASH_ACR_PRFTEN (1u << 8)
#define FLASH_ACR_ICEN (1u << 9)
#define FLASH_ACR_DCEN (1u << 10)
#define OVER_DRIVE_HZ 168000000u /* faster needs the regulator's over-drive */

_Static_assert(BOARD_CLOCK_HZ % (VCO_INPUT_HZ / 2u) == 0 && BOARD_CLOCK_HZ >= 50000000u && BOARD_CLOCK_HZ <= 180000000u,
               "out of the PLL's reach");

uint32_t machine_clock_hz(void) { return on_pll() ? BOARD_CLOCK_HZ : HSI_HZ; }
bool machine_instruction_cache(void) { return FLASH_ACR & FLASH_ACR_ICEN; }
bool machine_data_cache(void) { return FLASH_ACR & FLASH_ACR_DCEN; }

void family_start(void) {
    pll_start(BOARD_CLOCK_HZ > OVER_DRIVE_HZ, FLASH_ACR_PRFTEN | FLASH_ACR_ICEN | FLASH_ACR_DCEN);
}

uint32_t uart_clock_hz(void) { return on_pll() ? BOARD_CLOCK_HZ / UART_DIVISOR : HSI_HZ; }
