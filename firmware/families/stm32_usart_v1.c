/* The first generation of USARTs: one status register, one data register (RM0390, USART registers). */
#include "core/family.h"
#include "families/stm32.h"

#define USART_SR REGISTER(BOARD_UART_BASE + 0x00u)
#define USART_SR_RXNE (1u << 5)
#define USART_SR_TXE (1u << 7)
#define USART_DR REGISTER(BOARD_UART_BASE + 0x04u)
#define USART_BRR REGISTER(BOARD_UART_BASE + 0x08u)
#define USART_CR1 REGISTER(BOARD_UART_BASE + 0x0Cu)
#define USART_CR1_RE (1u << 2)
#define USART_CR1_TE (1u << 3)
#define USART_CR1_RXNEIE (1u << 5)
#define USART_CR1_UE (1u << 13)

void family_uart_start(void) {
    uart_pins();
    USART_CR1 = 0;
    USART_BRR = baud_divisor(uart_clock_hz());
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
