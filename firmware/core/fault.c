/* A fault is told over the serial port, with what is needed to find its cause, and the core stops. */
#include "core/fault.h"

#include "board.h"
#include "core/cortex.h"
#include "core/memory.h"
#include "core/platform.h"
#include "core/text.h"

static const char *const kinds[] = {"HardFault", "MemManage", "BusFault", "UsageFault", "Interrupt"};

void fault_report(uint32_t pc, uint32_t lr, uint32_t kind, uint32_t sp);

static void stop(void) {
    /* With every source of interrupts off, nothing ends the sleep. */
    interrupts_off();
    SYSTICK_CTRL = 0;
    for (uint32_t i = 0; i < BOARD_INTERRUPTS; i += 32) {
        NVIC_DISABLE(i) = ~0u;
    }
    for (;;) {
        wait_for_interrupt();
    }
}

static void put_field(const char *name, uint32_t value) {
    put_text(name);
    put_hex(value, 8);
}

__attribute__((used, noreturn)) void fault_report(uint32_t pc, uint32_t lr, uint32_t kind, uint32_t sp) {
    put_line(""); /* ends what was being sent */
    put_begin("", 0);
    put_text("x-fault ");
    put_text(kinds[kind]);
    put_field(" pc=", pc);
    put_field(" lr=", lr);
    put_field(" sp=", sp);
#if CORE_MAIN_EXTENSION
    put_field(" cfsr=", SCB_CFSR);
    put_field(" hfar=", SCB_HFSR); /* why it became a HardFault: no address, whatever the name says */
    put_field(" bfar=", SCB_BFAR);
    put_field(" mmfar=", SCB_MMFAR);
#endif
    put_line("");
    put_crc();
    put_line("m-ready");
    stop();
    __builtin_unreachable();
}

/* The cause may be a stack that left its memory: no frame is there then, and the report needs a stack that works.
 * Instructions are those of Armv6-M, and only BL reaches everywhere: nothing returns. */
__attribute__((naked, used)) static void fault_entry(void) {
    __asm volatile(
        "mov r3, sp\n"
        "ldr r4, =__stack_top\n"
        "ldr r0, =__stack_limit\n"
        "cmp r3, r0\n"
        "blo 1f\n"
        "mov r0, r4\n"
        "subs r0, #32\n"
        "cmp r3, r0\n"
        "bhi 1f\n"
        "ldr r0, [r3, #24]\n"
        "ldr r1, [r3, #20]\n"
        "b 2f\n"
        "1:\n"
        "movs r0, #0\n"
        "movs r1, #0\n"
        "2:\n"
        "msr msp, r4\n"
        "bl fault_report\n"
        ".ltorg\n");
}

#define ENTRY(name, kind)                                        \
    __attribute__((naked)) void name(void) {                     \
        __asm volatile("movs r2, #" #kind "\n bl fault_entry\n"); \
    }

void machine_crash(void) { __asm volatile("udf #0"); }

ENTRY(fault_hard, 0)
ENTRY(fault_memory, 1)
ENTRY(fault_bus, 2)
ENTRY(fault_usage, 3)
ENTRY(fault_unexpected, 4)
