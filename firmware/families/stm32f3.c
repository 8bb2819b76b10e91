/* STM32F3 of 384 and 512 KiB: clock and flash interface (RM0316: registers of FLASH and RCC). */
#include "core/family.h"
#include "core/platform.h"
#include "families/stm32.h"

#define RCC_CR REGISTER(0x40021000u)
#define RCC_CR_HSION (1u << 0)
#define RCC_CR_HSIRDY (1u << 1)
#define RCC_CR_PLLON (1u << 24)
#define RCC_CR_PLLRDY (1u << 25)
#define RCC_CFGR REGISTER(0x40021004u)
#define RCC_CFGR_SW_MASK (3u << 0)
#define RCC_CFGR_SW_HSI 0u
#define RCC_CFGR_SW_PLL 2u
#define RCC_CFGR_PRESCALERS_MASK 0x3FF0u
#define RCC_CFGR_PPRE1_DIV2 (4u << 8)
#define RCC_CFGR_PLL_MASK (0x3Fu << 16 | 1u << 15) /* multiplier, divisor, source */
#define RCC_CFGR_PLLSRC_HSI (1u << 15)
#define RCC_CFGR_PLLMUL(factor) (((factor) - 2u) << 18)
#define RCC_CFGR2 REGISTER(0x4002102Cu)
#define RCC_CFGR2_PREDIV_MASK 15u

#define FLASH_ACR REGISTER(0x40022000u)
#define FLASH_ACR_LATENCY_MASK 7u
#define FLASH_ACR_LATENCY ((BOARD_CLOCK_HZ - 1u) / 24000000u)
#define FLASH_ACR_PRFTBE (1u << 4)

#define HSI_8_HZ 8000000u /* of this family the internal oscillator is slower */
#define PLL_MULTIPLIER (BOARD_CLOCK_HZ / HSI_8_HZ)
#define APB1_DIVISOR 2u /* that bus runs at half of the core's greatest speed */
#define SECOND_BUS 0x40010000u
#define UART_DIVISOR (BOARD_UART_BASE < SECOND_BUS ? APB1_DIVISOR : 1u)

_Static_assert(BOARD_CLOCK_HZ % HSI_8_HZ == 0 && PLL_MULTIPLIER >= 2u && PLL_MULTIPLIER <= 9u, "out of the PLL's reach");

static bool runs_on(uint32_t source) { return (RCC_CFGR >> 2 & 3u) == source; }

uint32_t machine_clock_hz(void) { return runs_on(RCC_CFGR_SW_PLL) ? BOARD_CLOCK_HZ : HSI_8_HZ; }
bool machine_instruction_cache(void) { return FLASH_ACR & FLASH_ACR_PRFTBE; } /* its buffers are all there is */
bool machine_data_cache(void) { return false; }

static void run_on(uint32_t source) {
    set_field(&RCC_CFGR, RCC_CFGR_SW_MASK, source);
    wait_for(&RCC_CFGR, 3u << 2, source << 2);
}

void family_start(void) {
    RCC_CR |= RCC_CR_HSION;
    wait_for(&RCC_CR, RCC_CR_HSIRDY, RCC_CR_HSIRDY);
    run_on(RCC_CFGR_SW_HSI);
    if (RCC_CR & RCC_CR_PLLON) { /* left on by a boot loader: its settings are locked while it runs */
        RCC_CR &= ~RCC_CR_PLLON;
        wait_for(&RCC_CR, RCC_CR_PLLRDY, 0);
    }
    set_field(&RCC_CFGR2, RCC_CFGR2_PREDIV_MASK, 0);
    set_field(&RCC_CFGR, RCC_CFGR_PLL_MASK, RCC_CFGR_PLLSRC_HSI | RCC_CFGR_PLLMUL(PLL_MULTIPLIER));
    RCC_CR |= RCC_CR_PLLON;
    set_field(&FLASH_ACR, FLASH_ACR_LATENCY_MASK, FLASH_ACR_LATENCY | FLASH_ACR_PRFTBE);
    wait_for(&FLASH_ACR, FLASH_ACR_LATENCY_MASK, FLASH_ACR_LATENCY);
    if (wait_for(&RCC_CR, RCC_CR_PLLRDY, RCC_CR_PLLRDY)) {
        set_field(&RCC_CFGR, RCC_CFGR_PRESCALERS_MASK, RCC_CFGR_PPRE1_DIV2);
        run_on(RCC_CFGR_SW_PLL);
    }
}

uint32_t uart_clock_hz(void) { return runs_on(RCC_CFGR_SW_PLL) ? BOARD_CLOCK_HZ / UART_DIVISOR : HSI_8_HZ; }
