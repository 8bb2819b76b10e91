/* From reset to main: vector table, stack, memory, floating-point unit. */
#include "board.h"
#include "core/cortex.h"
#include "core/family.h"
#include "core/fault.h"
#include "core/memory.h"

#define SYSTEM_VECTORS 16

int main(void);
void Reset_Handler(void);
void start(void);

/* Only the UART and SysTick ever interrupt: whatever else does is reported like a fault. */
__attribute__((section(".vectors"), used)) static void (*const vectors[SYSTEM_VECTORS + BOARD_INTERRUPTS])(void) = {
    (void (*)(void))(uintptr_t)__initial_stack,
    Reset_Handler,
    fault_unexpected, /* NMI */
    fault_hard,
    fault_memory,
    fault_bus,
    fault_usage,
    [7 ... 14] = fault_unexpected,
    clock_tick,
    [SYSTEM_VECTORS ... SYSTEM_VECTORS + BOARD_UART_IRQ - 1] = fault_unexpected,
    family_uart_interrupt,
    [SYSTEM_VECTORS + BOARD_UART_IRQ + 1 ... SYSTEM_VECTORS + BOARD_INTERRUPTS - 1] = fault_unexpected,
};

/* The first vector is where probes look whether a file is an image at all: see linker.py. The stack is set here.
 * A boot loader may have jumped here: neither the stack pointer in use nor interrupts are as after a reset. The stack
 * is painted before anything is on it, so that its high-water mark can be read later. */
__attribute__((naked, noreturn)) void Reset_Handler(void) {
    __asm volatile(
        "cpsid i\n"
        "movs r0, #0\n"
        "msr control, r0\n"
        "isb\n"
        "ldr r0, =__stack_top\n"
        "msr msp, r0\n"
        "ldr r1, =__stack_limit\n"
        "ldr r2, =" STACK_PAINT_TEXT "\n"
        "1:\n"
        "stm r1!, {r2}\n"
        "cmp r1, r0\n"
        "blo 1b\n"
        "bl start\n"
        ".ltorg\n");
}

static void clear(uint32_t *from, const uint32_t *end) {
    while (from < end) {
        *from++ = 0;
    }
}

__attribute__((used, noreturn)) void start(void) {
    SCB_VTOR = (uint32_t)(uintptr_t)vectors;
#if CORE_MAIN_EXTENSION
    SCB_CPACR |= SCB_CPACR_FPU;
    SCB_SHCSR |= SCB_SHCSR_FAULTS;
#endif
    barrier();
    const uint32_t *from = __data_load;
    for (uint32_t *to = __data_start; to < __data_end;) {
        *to++ = *from++;
    }
    clear(__bss_start, __bss_end);
    clear(__firmware_start, __firmware_end);
    for (uint32_t i = 0; i < BOARD_INTERRUPTS; i += 32) {
        NVIC_DISABLE(i) = ~0u;
    }
    family_start();
    clock_start();
    family_uart_start();
#ifdef BOARD_TRIGGER_PIN
    family_trigger_start();
#endif
    interrupts_on();
    main();
    for (;;) {
        wait_for_interrupt();
    }
}
