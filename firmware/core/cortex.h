/* What the cores have: system control, interrupt controller, SysTick, cycle counter (Armv7-M Architecture Reference
 * Manual, DDI 0403, part B3 and C1; caches of the Cortex-M7: B3.2; Armv8-M, DDI 0553, has the same at these addresses). */
#ifndef CORE_CORTEX_H
#define CORE_CORTEX_H

#include <stdint.h>

/* An Armv6-M core has one handler for all faults, and neither fault status registers nor a cycle counter (DDI 0419). */
#define CORE_MAIN_EXTENSION (__ARM_ARCH_ISA_THUMB >= 2)

#define REGISTER(address) (*(volatile uint32_t *)(uintptr_t)(address))

#define SYSTICK_CTRL REGISTER(0xE000E010u)
#define SYSTICK_LOAD REGISTER(0xE000E014u)
#define SYSTICK_VAL REGISTER(0xE000E018u)
#define SYSTICK_ENABLE (1u << 0)
#define SYSTICK_INTERRUPT (1u << 1)
#define SYSTICK_CORE_CLOCK (1u << 2)

#define NVIC_ENABLE(interrupt) REGISTER(0xE000E100u + 4u * ((interrupt) / 32u))
#define NVIC_DISABLE(interrupt) REGISTER(0xE000E180u + 4u * ((interrupt) / 32u))
#define NVIC_BIT(interrupt) (1u << ((interrupt) % 32u))

#define SCB_ICSR REGISTER(0xE000ED04u)
#define SCB_ICSR_SYSTICK_PENDING (1u << 26)
#define SCB_VTOR REGISTER(0xE000ED08u)
#define SCB_CCR REGISTER(0xE000ED14u)
#define SCB_CCR_DATA_CACHE (1u << 16)
#define SCB_CCR_INSTRUCTION_CACHE (1u << 17)
#define SCB_SHCSR REGISTER(0xE000ED24u)
#define SCB_SHCSR_FAULTS (7u << 16) /* memory management, bus and usage faults have handlers of their own */
#define SCB_CFSR REGISTER(0xE000ED28u)
#define SCB_HFSR REGISTER(0xE000ED2Cu)
#define SCB_MMFAR REGISTER(0xE000ED34u)
#define SCB_BFAR REGISTER(0xE000ED38u)
#define SCB_CPACR REGISTER(0xE000ED88u)
#define SCB_CPACR_FPU (0xFu << 20) /* coprocessors 10 and 11, full access */
#define SCB_DEMCR REGISTER(0xE000EDFCu)
#define SCB_DEMCR_TRACE (1u << 24)

#define DWT_CTRL REGISTER(0xE0001000u)
#define DWT_CTRL_CYCLES (1u << 0)
#define DWT_CYCCNT REGISTER(0xE0001004u)
#define DWT_LAR REGISTER(0xE0001FB0u)
#define DWT_LAR_KEY 0xC5ACCE55u

#define CACHE_CCSIDR REGISTER(0xE000ED80u)
#define CACHE_CSSELR REGISTER(0xE000ED84u)
#define CACHE_ICIALLU REGISTER(0xE000EF50u)
#define CACHE_DCISW REGISTER(0xE000EF60u)

static inline void interrupts_off(void) { __asm volatile("cpsid i" ::: "memory"); }
static inline void interrupts_on(void) { __asm volatile("cpsie i" ::: "memory"); }
static inline void wait_for_interrupt(void) { __asm volatile("dsb\n wfi" ::: "memory"); }
static inline void barrier(void) { __asm volatile("dsb\n isb" ::: "memory"); }

#endif
