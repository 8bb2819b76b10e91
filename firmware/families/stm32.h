/* What the STM32 families share: ports of pins, and the UARTs of the first peripheral bus. */
#ifndef FAMILIES_STM32_H
#define FAMILIES_STM32_H

#include <stdbool.h>
#include <stdint.h>

#include "board.h"
#include "core/cortex.h"

/* GPIO: two bits a pin in MODER, OSPEEDR and PUPDR; four bits a pin in the two AFR registers. */
#define GPIO_MODER(port) REGISTER((port) + 0x00u)
#define GPIO_OSPEEDR(port) REGISTER((port) + 0x08u)
#define GPIO_PUPDR(port) REGISTER((port) + 0x0Cu)
#define GPIO_AFR(port, pin) REGISTER((port) + 0x20u + 4u * ((pin) / 8u))
#define GPIO_ALTERNATE 2u
#define GPIO_PULL_UP 1u

/* USART2, USART3, UART4 and UART5 follow one another, in memory and in their clocks' enable bits. */
#define UART_CLOCK_BIT (1u << (17u + (BOARD_UART_BASE - 0x40004400u) / 0x400u))

#define WAIT_LIMIT 1000000u

/* False if it never happens, which a caller must live with: a board that hangs here could tell nobody. */
static inline bool wait_for(volatile uint32_t *flags, uint32_t mask, uint32_t value) {
    for (uint32_t i = 0; i < WAIT_LIMIT; i++) {
        if ((*flags & mask) == value) {
            return true;
        }
    }
    return false;
}

static inline void set_field(volatile uint32_t *where, uint32_t mask, uint32_t value) {
    *where = (*where & ~mask) | value;
}

/* A pin to its alternate function; pulled up, so that an open line reads as idle. The port's clock is on. */
static inline void gpio_alternate(uint32_t port, uint32_t pin, uint32_t function) {
    set_field(&GPIO_AFR(port, pin), 15u << 4 * (pin % 8), function << 4 * (pin % 8));
    set_field(&GPIO_PUPDR(port), 3u << 2 * pin, GPIO_PULL_UP << 2 * pin);
    set_field(&GPIO_OSPEEDR(port), 3u << 2 * pin, 1u << 2 * pin);
    set_field(&GPIO_MODER(port), 3u << 2 * pin, GPIO_ALTERNATE << 2 * pin);
}

static inline uint32_t baud_divisor(uint32_t clock_hz) {
    return (clock_hz + BOARD_UART_BAUD / 2u) / BOARD_UART_BAUD; /* sixteen samples a bit */
}

#endif
