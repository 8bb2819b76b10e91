/* The serial port: received by interrupt, so that no byte is lost while an inference runs; sent by waiting. */
#include <stdint.h>

#include "core/cortex.h"
#include "core/family.h"
#include "core/platform.h"

/* A command that arrives in one go while another is at work. Free-running counters of 8 bits need no wrap-around. */
static FIRMWARE_DATA volatile uint8_t ring[256];
static FIRMWARE_DATA volatile uint8_t written, taken;

void serial_received(uint8_t byte) {
    const uint8_t at = written;
    if ((uint8_t)(at + 1) != taken) { /* a full ring drops the newest: the command is then refused as a whole */
        ring[at] = byte;
        written = (uint8_t)(at + 1);
    }
}

char serial_get(void) {
    /* A byte that arrives between the look and the sleep must end the sleep: with interrupts off it stays pending,
     * which wakes the core all the same. */
    interrupts_off();
    while (taken == written) {
        wait_for_interrupt();
        interrupts_on();
        __asm volatile("isb" ::: "memory");
        interrupts_off();
    }
    const uint8_t byte = ring[taken];
    taken = (uint8_t)(taken + 1);
    interrupts_on();
    return (char)byte;
}

void serial_flush(void) { taken = written; }

void serial_put(char byte) { family_uart_send((uint8_t)byte); }
