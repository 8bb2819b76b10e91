/* The second generation of USARTs: flags are cleared in a register of their own (RM0351 and RM0385,
 * USART registers). */
#include "core/family.h"
#include "families/stm32.h"

#define USART_CR1 REGISTER(BOARD_UART_BASE + 0x00u)
#define USART_CR1_UE (1u << 0)
#define USART_CR1_RE (1u << 2)
#define USART_CR1_TE (1u << 3)
#define USART_CR1_RXNEIE (1u << 5)
#define USART_BRR REGISTER(BOARD_UART_BASE + 0x0Cu)
#define USART_ISR REGISTER(BOARD_UART_BASE + 0x1Cu)
#define USART_ISR_RXNE (1u << 5)
#define USART_ISR_TXE (1u << 7)
#define USART_ICR REGISTER(BOARD_UART_BASE + 0x20u)
#define USART_ICR_ERRORS (15u << 0) /* parity, framing, noise, overrun */
#define USART_RDR REGISTER(BOARD_UART_BASE + 0x24u)
#define USART_TDR REGISTER(BOARD_UART_BASE + 0x28u)

void family_uart_start(void) {
    uart_pins();
    USART_CR1 = 0;
    USART_BRR = baud_divisor(uart_clock_hz());
    USART_CR1 = USART_CR1_UE | USART_CR1_RE | USART_CR1_TE | USART_CR1_RXNEIE;
    NVIC_ENABLE(BOARD_UART_IRQ) = NVIC_BIT(BOARD_UART_IRQ);
}

void family_uart_send(uint8_t byte) {
    while (!(USART_ISR & USART_ISR_TXE)) {
    }
    USART_TDR = byte;
}

void family_uart_interrupt(void) {
    if (USART_ISR & USART_ISR_RXNE) {
        serial_received((uint8_t)USART_RDR);
    }
    USART_ICR = USART_ICR_ERRORS; /* an overrun would otherwise interrupt for ever */
}
