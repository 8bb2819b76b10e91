/* nRF52840 (product specification: registers of CLOCK, NVMC, GPIO and UARTE). */
#include "board.h"
#include "core/cortex.h"
#include "core/family.h"
#include "core/platform.h"

#define CLOCK_HFCLKSTART REGISTER(0x40000000u)

/* Since revision 3 of the chip each start has to open the debug port again (nrfx, system_nrf52_approtect.h). */
#define FICR_REVISION REGISTER(0x10000134u)
#define FICR_REVISION_PROTECTED 3u
#define UICR_APPROTECT REGISTER(0x10001208u)
#define APPROTECT_DISABLE REGISTER(0x40000558u)

#define NVMC_ICACHECNF REGISTER(0x4001E540u)
#define NVMC_ICACHECNF_ENABLED (1u << 0)

#define GPIO(port, offset) REGISTER(0x50000000u + 0x300u * (port) + (offset))
#define GPIO_OUTSET 0x508u
#define GPIO_OUTCLR 0x50Cu
#define GPIO_DIRSET 0x518u
#define GPIO_PIN_CNF(pin) (0x700u + 4u * (pin))
#define GPIO_PULLED_UP (3u << 2) /* an input, connected */

#define UARTE(offset) REGISTER(BOARD_UART_BASE + (offset))
#define UARTE_STARTRX UARTE(0x000u)
#define UARTE_STOPRX UARTE(0x004u)
#define UARTE_STARTTX UARTE(0x008u)
#define UARTE_ENDRX UARTE(0x110u)
#define UARTE_ENDTX UARTE(0x120u)
#define UARTE_RXTO UARTE(0x144u)
#define UARTE_STOP_LIMIT 100000u
#define UARTE_INTENSET UARTE(0x304u)
#define UARTE_INTENCLR UARTE(0x308u)
#define UARTE_INT_ENDRX (1u << 4)
#define UARTE_ENABLE UARTE(0x500u)
#define UARTE_ENABLED 8u
#define UARTE_PSEL_RTS UARTE(0x508u)
#define UARTE_PSEL_TXD UARTE(0x50Cu)
#define UARTE_PSEL_CTS UARTE(0x510u)
#define UARTE_PSEL_RXD UARTE(0x514u)
#define UARTE_DISCONNECTED 0xFFFFFFFFu
#define UARTE_BAUDRATE UARTE(0x524u)
#define UARTE_RXD_PTR UARTE(0x534u)
#define UARTE_RXD_MAXCNT UARTE(0x538u)
#define UARTE_TXD_PTR UARTE(0x544u)
#define UARTE_TXD_MAXCNT UARTE(0x548u)
#define UARTE_CONFIG UARTE(0x56Cu)

/* The divider's steps are coarse: the values are the manufacturer's, not a formula's. */
#if SERIAL_BAUD == 9600
#define BAUDRATE 0x00275000u
#elif SERIAL_BAUD == 115200
#define BAUDRATE 0x01D60000u
#elif SERIAL_BAUD == 230400
#define BAUDRATE 0x03B00000u
#elif SERIAL_BAUD == 460800
#define BAUDRATE 0x07400000u
#elif SERIAL_BAUD == 921600
#define BAUDRATE 0x0F000000u
#elif SERIAL_BAUD == 1000000
#define BAUDRATE 0x10000000u
#else
#error "a baud rate that the UARTE does not know: 9600, 115200, 230400, 460800, 921600 or 1000000"
#endif

_Static_assert(BOARD_CLOCK_HZ == 64000000u, "the core has one speed");

/* The UARTE reads and writes memory itself; a byte at a time is enough, as it holds a few more back. */
static FIRMWARE_DATA volatile uint8_t sent, arrived;

uint32_t machine_clock_hz(void) { return BOARD_CLOCK_HZ; }
bool machine_instruction_cache(void) { return NVMC_ICACHECNF & NVMC_ICACHECNF_ENABLED; }
bool machine_data_cache(void) { return false; }

/* The crystal, for the UART's and the clock's accuracy; until it runs, the chip goes on with its own oscillator. */
void family_start(void) {
    if (FICR_REVISION >= FICR_REVISION_PROTECTED) {
        APPROTECT_DISABLE = UICR_APPROTECT; /* as the user has set it: else the next probe must erase everything */
    }
    CLOCK_HFCLKSTART = 1;
    NVMC_ICACHECNF = NVMC_ICACHECNF_ENABLED;
}

#ifdef BOARD_TRIGGER_PIN
void family_trigger_set(bool high) {
    GPIO(BOARD_TRIGGER_PORT, high ? GPIO_OUTSET : GPIO_OUTCLR) = 1u << BOARD_TRIGGER_PIN;
}

void family_trigger_start(void) {
    family_trigger_set(true);
    GPIO(BOARD_TRIGGER_PORT, GPIO_DIRSET) = 1u << BOARD_TRIGGER_PIN;
}
#endif

/* A boot loader may have left a reception running, which would go on writing to what is memory of this image. */
static void uart_stop(void) {
    if (UARTE_ENABLE == UARTE_ENABLED) {
        UARTE_RXTO = 0;
        UARTE_STOPRX = 1;
        for (uint32_t i = 0; i < UARTE_STOP_LIMIT && !UARTE_RXTO; i++) {
        }
    }
    UARTE_ENABLE = 0; /* pins are chosen while it is off */
}

void family_uart_start(void) {
    uart_stop();
    GPIO(BOARD_UART_TX_PORT, GPIO_OUTSET) = 1u << BOARD_UART_TX_PIN;
    GPIO(BOARD_UART_TX_PORT, GPIO_DIRSET) = 1u << BOARD_UART_TX_PIN;
    GPIO(BOARD_UART_RX_PORT, GPIO_PIN_CNF(BOARD_UART_RX_PIN)) = GPIO_PULLED_UP;
    UARTE_PSEL_TXD = BOARD_UART_TX_PORT << 5 | BOARD_UART_TX_PIN;
    UARTE_PSEL_RXD = BOARD_UART_RX_PORT << 5 | BOARD_UART_RX_PIN;
    UARTE_PSEL_RTS = UARTE_PSEL_CTS = UARTE_DISCONNECTED;
    UARTE_CONFIG = 0; /* no parity, one stop bit, no flow control */
    UARTE_BAUDRATE = BAUDRATE;
    UARTE_RXD_PTR = (uint32_t)(uintptr_t)&arrived;
    UARTE_RXD_MAXCNT = 1;
    UARTE_TXD_PTR = (uint32_t)(uintptr_t)&sent;
    UARTE_TXD_MAXCNT = 1;
    UARTE_ENABLE = UARTE_ENABLED;
    UARTE_ENDRX = 0;
    UARTE_INTENCLR = ~0u;
    UARTE_INTENSET = UARTE_INT_ENDRX;
    NVIC_ENABLE(BOARD_UART_IRQ) = NVIC_BIT(BOARD_UART_IRQ);
    UARTE_STARTRX = 1;
}

void family_uart_send(uint8_t byte) {
    sent = byte;
    UARTE_ENDTX = 0;
    UARTE_STARTTX = 1;
    while (!UARTE_ENDTX) {
    }
}

void family_uart_interrupt(void) {
    if (UARTE_ENDRX) {
        UARTE_ENDRX = 0;
        const uint8_t byte = arrived;
        UARTE_STARTRX = 1;
        serial_received(byte);
    }
    (void)UARTE_ENDRX; /* the event is taken back on the bus before the interrupt ends, or it would come again */
}
