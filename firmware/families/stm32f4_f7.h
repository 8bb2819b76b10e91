/* STM32F4 and F7: clocks, power and flash interface, which are alike (RM0390 and RM0385:
 * registers of RCC, PWR and FLASH). */
#ifndef FAMILIES_STM32F4_F7_H
#define FAMILIES_STM32F4_F7_H

#include "families/stm32.h"

#define RCC_CR REGISTER(0x40023800u)
#define RCC_CR_HSION (1u << 0)
#define RCC_CR_HSIRDY (1u << 1)
#define RCC_CR_PLLON (1u << 24)
#define RCC_CR_PLLRDY (1u << 25)
#define RCC_PLLCFGR REGISTER(0x40023804u)
#define RCC_CFGR REGISTER(0x40023808u)
#define RCC_CFGR_SW_MASK (3u << 0)
#define RCC_CFGR_SW_PLL (2u << 0)
#define RCC_CFGR_SWS_MASK (3u << 2)
#define RCC_CFGR_SWS_PLL (2u << 2)
#define RCC_CFGR_PRESCALERS_MASK 0xFCF0u
#define RCC_CFGR_PPRE1_DIV4 (5u << 10)
#define RCC_CFGR_PPRE2_DIV2 (4u << 13)
#define RCC_APB1ENR REGISTER(0x40023840u)
#define RCC_APB1ENR_PWREN (1u << 28)

#define PWR_CR REGISTER(0x40007000u)
#define PWR_CR_VOS_SHIFT 14u
#define PWR_CR_VOS_MASK (3u << PWR_CR_VOS_SHIFT)
#define PWR_CR_ODEN (1u << 16)
#define PWR_CR_ODSWEN (1u << 17)
#define PWR_CSR REGISTER(0x40007004u)
#define PWR_CSR_ODRDY (1u << 16)
#define PWR_CSR_ODSWRDY (1u << 17)

#define FLASH_ACR REGISTER(0x40023C00u)
#define FLASH_ACR_LATENCY_MASK 15u
#define FLASH_ACR_LATENCY ((BOARD_CLOCK_HZ - 1u) / 30000000u) /* at 2.7 to 3.6 V, 30 MHz a wait state */

#define VCO_INPUT_HZ 2000000u /* the upper end: least jitter */
#define APB1_DIVISOR 4u       /* that bus runs at a quarter of the core's greatest speed */
#define APB2_DIVISOR 2u
/* Core = HSI / M * N / 2. No output Q may exceed 48 MHz, and R keeps its reset value: neither is used. */
#define PLL_CONFIGURATION                                                                             \
    (HSI_HZ / VCO_INPUT_HZ | (2u * BOARD_CLOCK_HZ / VCO_INPUT_HZ) << 6 | 9u << 24 | 2u << 28)

#define SECOND_BUS 0x40010000u
#define UART_DIVISOR (BOARD_UART_BASE < SECOND_BUS ? APB1_DIVISOR : APB2_DIVISOR)

static inline bool on_pll(void) { return (RCC_CFGR & RCC_CFGR_SWS_MASK) == RCC_CFGR_SWS_PLL; }

/* What a boot loader may have left on: the PLL's settings are locked while it runs. */
static inline void pll_stop(void) {
    RCC_CR |= RCC_CR_HSION;
    wait_for(&RCC_CR, RCC_CR_HSIRDY, RCC_CR_HSIRDY);
    if (RCC_CR & RCC_CR_PLLON) {
        set_field(&RCC_CFGR, RCC_CFGR_SW_MASK, 0);
        wait_for(&RCC_CFGR, RCC_CFGR_SWS_MASK, 0);
        RCC_CR &= ~RCC_CR_PLLON;
        wait_for(&RCC_CR, RCC_CR_PLLRDY, 0);
    }
}

static inline void over_drive(void) {
    PWR_CR |= PWR_CR_ODEN;
    wait_for(&PWR_CSR, PWR_CSR_ODRDY, PWR_CSR_ODRDY);
    PWR_CR |= PWR_CR_ODSWEN;
    wait_for(&PWR_CSR, PWR_CSR_ODSWRDY, PWR_CSR_ODSWRDY);
}

/* The core to the board's speed, by way of the PLL; the regulator is at its highest scale after a reset, or is put
 * there. */
static inline void pll_start(bool fast, uint32_t flash_features) {
    pll_stop();
    RCC_APB1ENR |= RCC_APB1ENR_PWREN;
    (void)RCC_APB1ENR; /* two cycles until the clock is there */
#ifdef BOARD_REGULATOR_SCALE
    set_field(&PWR_CR, PWR_CR_VOS_MASK, BOARD_REGULATOR_SCALE << PWR_CR_VOS_SHIFT); /* while the PLL is off */
#endif
    RCC_PLLCFGR = PLL_CONFIGURATION;
    RCC_CR |= RCC_CR_PLLON;
    if (fast) {
        over_drive();
    }
    FLASH_ACR = FLASH_ACR_LATENCY | flash_features;
    wait_for(&FLASH_ACR, FLASH_ACR_LATENCY_MASK, FLASH_ACR_LATENCY);
    if (wait_for(&RCC_CR, RCC_CR_PLLRDY, RCC_CR_PLLRDY)) {
        set_field(&RCC_CFGR, RCC_CFGR_PRESCALERS_MASK, RCC_CFGR_PPRE1_DIV4 | RCC_CFGR_PPRE2_DIV2);
        set_field(&RCC_CFGR, RCC_CFGR_SW_MASK, RCC_CFGR_SW_PLL);
        wait_for(&RCC_CFGR, RCC_CFGR_SWS_MASK, RCC_CFGR_SWS_PLL);
    }
}

#endif
