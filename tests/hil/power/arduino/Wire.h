// I2C with an INA228 at 0x40 at the other end.
#pragma once
#include "Arduino.h"

struct TwoWire {
    void begin();
    void setClock(uint32_t hz);
    void beginTransmission(uint8_t address);
    void write(uint8_t byte);
    uint8_t endTransmission(bool stop = true);
    uint8_t requestFrom(uint8_t address, uint8_t n);
    uint8_t read();
};
extern TwoWire Wire;
