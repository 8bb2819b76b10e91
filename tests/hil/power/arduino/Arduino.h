// What the sketch needs of an Arduino: its serial port is standard input and output, its clock stands still by itself.
// Bytes that no command has play the rest of the desk: 1 is an edge of the trigger pin, 2 half an hour without one.
#pragma once
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INPUT_PULLUP 2
#define FALLING 2

uint32_t micros();
void pinMode(uint8_t pin, uint8_t mode);
uint8_t digitalPinToInterrupt(uint8_t pin);
void attachInterrupt(uint8_t interrupt, void (*handler)(), uint8_t mode);

struct SerialPort {
    void begin(uint32_t baud);
    int available();
    int read();
    void print(const char *text);
};
extern SerialPort Serial;
