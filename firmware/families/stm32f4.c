#include "families/stm32f4.h"

#include "core/family.h"
#include "core/platform.h"

#define HSI_HZ 16000000u
#define VCO_INPUT_HZ 2000000u   /* the upper end: least jitter */
#define OVER_DRIVE_HZ 168000000u /* faster needs the regulator's over-drive */
#define APB1_DIVISOR 4u         /* that bus runs at up to 45 MHz */
#define WAIT_STATE_HZ 30000000u /* at 2.7 to 3.6 V, up to here per wait state */

_Static_assert(BOARD_CLOCK_HZ % (VCO_INPUT_HZ / 2u) == 0 && BOARD_CLOCK_HZ <= 180000000u, "out of the PLL's reach");

static bool on_pll(void) { return (RCC_CFGR & RCC_CFGR_SWS_MASK) == RCC_CFGR_SWS_PLL; }

uint32_t machine_clock_hz(void) { return on_pll() ? BOARD_CLOCK_HZ : HSI_HZ; }
bool machine_instruction_cache(void) { return FLASH_ACR & FLASH_ACR_ICEN; }
bool machine_data_cache(void) { return FLASH_ACR & FLASH_ACR_DCEN; }

static void over_drive(void) {
    PWR_CR |= PWR_CR_ODEN;
    wait_for(&PWR_CSR, PWR_CSR_ODRDY, PWR_CSR_ODRDY);
    PWR_CR |= PWR_CR_ODSWEN;
    wait_for(&PWR_CSR, PWR_CSR_ODSWRDY, PWR_CSR_ODSWRDY);
}

/* The internal oscillator: it is on every board. Core = HSI / M * N / 2, with the outputs Q and R in their range. */
void family_start(void) {
    RCC_CR |= RCC_CR_HSION;
    wait_for(&RCC_CR, RCC_CR_HSIRDY, RCC_CR_HSIRDY);
    RCC_APB1ENR |= RCC_APB1ENR_PWREN;
    (void)RCC_APB1ENR; /* two cycles until the clock is there */
    PWR_CR |= PWR_CR_VOS_SCALE1;
    RCC_PLLCFGR = HSI_HZ / VCO_INPUT_HZ | (2u * BOARD_CLOCK_HZ / VCO_INPUT_HZ) << 6 | 8u << 24 | 2u << 28;
    RCC_CR |= RCC_CR_PLLON;
    if (BOARD_CLOCK_HZ > OVER_DRIVE_HZ) {
        over_drive();
    }
    FLASH_ACR = (BOARD_CLOCK_HZ - 1u) / WAIT_STATE_HZ | FLASH_ACR_PRFTEN | FLASH_ACR_ICEN | FLASH_ACR_DCEN;
    wait_for(&FLASH_ACR, FLASH_ACR_LATENCY_MASK, (BOARD_CLOCK_HZ - 1u) / WAIT_STATE_HZ);
    if (wait_for(&RCC_CR, RCC_CR_PLLRDY, RCC_CR_PLLRDY)) {
        set_field(&RCC_CFGR, RCC_CFGR_PRESCALERS_MASK, RCC_CFGR_PPRE1_DIV4 | RCC_CFGR_PPRE2_DIV2);
        set_field(&RCC_CFGR, RCC_CFGR_SW_MASK, RCC_CFGR_SW_PLL);
        wait_for(&RCC_CFGR, RCC_CFGR_SWS_MASK, RCC_CFGR_SWS_PLL);
    }
}

void family_uart_start(void) {
    RCC_AHB1ENR |= 1u << BOARD_UART_TX_PORT | 1u << BOARD_UART_RX_PORT;
    RCC_APB1ENR |= UART_CLOCK_BIT;
    (void)RCC_APB1ENR;
    gpio_alternate(GPIO_PORT(BOARD_UART_TX_PORT), BOARD_UART_TX_PIN, BOARD_UART_ALTERNATE);
    gpio_alternate(GPIO_PORT(BOARD_UART_RX_PORT), BOARD_UART_RX_PIN, BOARD_UART_ALTERNATE);
    USART_BRR = baud_divisor(on_pll() ? BOARD_CLOCK_HZ / APB1_DIVISOR : HSI_HZ);
    USART_CR1 = USART_CR1_UE | USART_CR1_RE | USART_CR1_TE | USART_CR1_RXNEIE;
    NVIC_ENABLE(BOARD_UART_IRQ) = NVIC_BIT(BOARD_UART_IRQ);
}

void family_uart_send(uint8_t byte) {
    while (!(USART_SR & USART_SR_TXE)) {
    }
    USART_DR = byte;
}

void family_uart_interrupt(void) {
    /* Reading SR and then DR also clears an overrun, which would otherwise interrupt for ever. */
    const uint32_t flags = USART_SR, data = USART_DR;
    if (flags & USART_SR_RXNE) {
        serial_received((uint8_t)data);
    }
}
