/* The trigger pin of an STM32. */
#include "core/family.h"
#include "families/stm32.h"

#ifdef BOARD_TRIGGER_PIN
void family_trigger_set(bool high) {
    GPIO_BSRR(GPIO_PORT(BOARD_TRIGGER_PORT)) = 1u << (high ? BOARD_TRIGGER_PIN : BOARD_TRIGGER_PIN + GPIO_BSRR_RESET);
}

void family_trigger_start(void) {
    family_trigger_set(true); /* before it is an output: no edge */
    gpio_output(GPIO_PORT(BOARD_TRIGGER_PORT), BOARD_TRIGGER_PIN);
}
#endif
