/* STM32L4: clock and flash accelerator (RM0351: registers of FLASH and RCC). */
#include "core/family.h"
#include "core/platform.h"
#include "families/stm32.h"

#define RCC_CR REGISTER(0x40021000u)
#define RCC_CR_HSION (1u << 8)
#define RCC_CR_HSIRDY (1u << 10)
#define RCC_CR_PLLON (1u << 24)
#define RCC_CR_PLLRDY (1u << 25)
#define RCC_CFGR REGISTER(0x40021008u)
#define RCC_CFGR_PRESCALERS_MASK 0x3FF0u
#define RCC_CFGR_SW_MASK (3u << 0)
#define RCC_CFGR_SW_HSI 1u
#define RCC_CFGR_SW_PLL 3u
#define RCC_PLLCFGR REGISTER(0x4002100Cu)
#define RCC_PLLCFGR_SOURCE_HSI (2u << 0)
#define RCC_PLLCFGR_REN (1u << 24) /* output R, the core's; it divides by 2 */
#define RCC_AHB2ENR REGISTER(0x4002104Cu)
#define RCC_APB1ENR1 REGISTER(0x40021058u)

#define FLASH_ACR REGISTER(0x40022000u)
#define FLASH_ACR_LATENCY_MASK 7u
#define FLASH_ACR_LATENCY ((BOARD_CLOCK_HZ - 1u) / 16000000u) /* at the regulator's range 1, 16 MHz a wait state */
#define FLASH_ACR_PRFTEN (1u << 8)
#define FLASH_ACR_ICEN (1u << 9)
#define FLASH_ACR_DCEN (1u << 10)

#define VCO_INPUT_HZ 8000000u
#define PLL_MULTIPLIER (2u * BOARD_CLOCK_HZ / VCO_INPUT_HZ)

_Static_assert(BOARD_CLOCK_HZ % (VCO_INPUT_HZ / 2u) == 0 && BOARD_CLOCK_HZ <= 80000000u && PLL_MULTIPLIER >= 8u,
               "out of the PLL's reach");

static bool runs_on(uint32_t source) { return (RCC_CFGR >> 2 & 3u) == source; }

uint32_t machine_clock_hz(void) { return runs_on(RCC_CFGR_SW_PLL) ? BOARD_CLOCK_HZ : HSI_HZ; }
bool machine_instruction_cache(void) { return FLASH_ACR & FLASH_ACR_ICEN; }
bool machine_data_cache(void) { return FLASH_ACR & FLASH_ACR_DCEN; }

static void run_on(uint32_t source) {
    set_field(&RCC_CFGR, RCC_CFGR_SW_MASK, source);
    wait_for(&RCC_CFGR, 3u << 2, source << 2);
}

/* The regulator is at range 1 after a reset. */
void family_start(void) {
    RCC_CR |= RCC_CR_HSION;
    wait_for(&RCC_CR, RCC_CR_HSIRDY, RCC_CR_HSIRDY);
    run_on(RCC_CFGR_SW_HSI);
    if (RCC_CR & RCC_CR_PLLON) { /* left on by a boot loader: its settings are locked while it runs */
        RCC_CR &= ~RCC_CR_PLLON;
        wait_for(&RCC_CR, RCC_CR_PLLRDY, 0);
    }
    RCC_PLLCFGR = RCC_PLLCFGR_SOURCE_HSI | (HSI_HZ / VCO_INPUT_HZ - 1u) << 4 | PLL_MULTIPLIER << 8 | RCC_PLLCFGR_REN;
    RCC_CR |= RCC_CR_PLLON;
    FLASH_ACR = FLASH_ACR_LATENCY | FLASH_ACR_PRFTEN | FLASH_ACR_ICEN | FLASH_ACR_DCEN;
    wait_for(&FLASH_ACR, FLASH_ACR_LATENCY_MASK, FLASH_ACR_LATENCY);
    if (wait_for(&RCC_CR, RCC_CR_PLLRDY, RCC_CR_PLLRDY)) {
        set_field(&RCC_CFGR, RCC_CFGR_PRESCALERS_MASK, 0);
        run_on(RCC_CFGR_SW_PLL);
    }
}

uint32_t uart_clock_start(void) {
    RCC_AHB2ENR |= GPIO_PORTS;
    RCC_APB1ENR1 |= UART_CLOCK_BIT;
    (void)RCC_APB1ENR1;
    return machine_clock_hz(); /* the bus runs as fast as the core */
}
