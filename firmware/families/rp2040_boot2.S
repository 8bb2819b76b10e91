/* The first 252 bytes of an RP2040's flash: the boot ROM copies them to RAM, checks them and calls them there.
 *
 * They set the flash interface (SSI, data sheet 4.10) to read by four lines and without a command a read, as a W25Q16JV
 * does after a first read with the mode byte 0xA0 (its data sheet: Fast Read Quad I/O, EBh), at half the core's clock.
 * Then the image starts, whose vectors follow. `scripts/rp2040_boot2.py` makes rp2040_boot2.c of this file. */
    .syntax unified
    .cpu cortex-m0plus
    .thumb
    .text

    .equ SSI, 0x18000000
    .equ CTRLR0, 0x00
    .equ CTRLR1, 0x04
    .equ SSIENR, 0x08
    .equ BAUDR, 0x14
    .equ SR, 0x28
    .equ SR_BUSY, 1
    .equ SR_TFE, 4
    .equ DR0, 0x60
    .equ RX_SAMPLE_DLY, 0xF0
    .equ SPI_CTRLR0, 0xF4

    ldr r3, =0x40020000         @ PADS_QSPI: a fast clock of 8 mA
    movs r0, #0x21
    str r0, [r3, #4]
    ldr r3, =SSI
    movs r1, #0
    str r1, [r3, #SSIENR]
    str r1, [r3, #CTRLR1]       @ a word a read
    movs r1, #2
    str r1, [r3, #BAUDR]
    movs r1, #1
    movs r2, #RX_SAMPLE_DLY
    str r1, [r3, r2]
    ldr r1, =0x005F0300         @ four lines, 32 bits a word, send and then receive
    str r1, [r3, #CTRLR0]
    movs r2, #SPI_CTRLR0
    ldr r1, =0x00002221         @ 8 bits of command by one line; 32 of address and mode, 4 clocks, then data by four
    str r1, [r3, r2]
    movs r1, #1
    str r1, [r3, #SSIENR]
    movs r1, #0xEB
    str r1, [r3, #DR0]
    movs r1, #0xA0              @ address 0; mode: no command from now on
    str r1, [r3, #DR0]
    movs r0, #SR_TFE
    movs r1, #SR_BUSY
1:  ldr r2, [r3, #SR]
    tst r2, r0
    beq 1b
    tst r2, r1
    bne 1b
    movs r1, #0
    str r1, [r3, #SSIENR]
    movs r2, #SPI_CTRLR0
    ldr r1, =0xA0002022         @ no command: 24 bits of address, and the mode byte again, by four lines
    str r1, [r3, r2]
    movs r1, #1
    str r1, [r3, #SSIENR]
    ldr r0, =0x10000100         @ the image
    ldr r1, =0xE000ED08         @ SCB_VTOR
    str r0, [r1]
    ldm r0!, {r1, r2}
    msr msp, r1
    bx r2
    .ltorg
