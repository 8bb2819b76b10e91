/* The device under test of the MLPerf Tiny benchmark: commands end with %, every reply with the line m-ready. */
#ifndef DUT_DUT_H
#define DUT_DUT_H

/* Characters of a command: room for `db`, 256 bytes in hex and their CRC. */
#define DUT_COMMAND_CHARACTERS 540

/* The lines after a reset; what was received before them is thrown away. */
void dut_start(void);
/* One character from the host; the last one of a command has it carried out. */
void dut_receive(char c);

#endif
