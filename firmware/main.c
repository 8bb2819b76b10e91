/* The device under test, for ever. */
#include "core/platform.h"
#include "dut/dut.h"

int main(void) {
    dut_start();
    for (;;) {
        dut_receive(serial_get());
    }
}
