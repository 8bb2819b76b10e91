// Plays the Arduino and the INA228. The board in whose supply the chip lies takes 0.1 A at 3.3 V for ever.
// INA228_FAILS in the environment: the chip does not answer from the start on ("1"), or after `start` ("later").
#include "sketch.h"

SerialPort Serial;
TwoWire Wire;

static const double AMPERES = 0.1, VOLTS = 3.3, SHUNT_OHM = 0.015;
static const uint32_t BETWEEN_EDGES_US = 5000000u, PAUSE_US = 1800000000u;

static uint64_t now_us = 0xFFFF0000u;  // 65 ms before the clock of 32 bits wraps
static uint64_t cleared_us;
static void (*handler)();
static int waiting = EOF;
static bool started;
static uint16_t config, adc_config, calibration;
static uint8_t sent[8], sent_count, pointer, answer[8], answer_at;

uint32_t micros() { return (uint32_t)now_us; }
void pinMode(uint8_t, uint8_t) {}
uint8_t digitalPinToInterrupt(uint8_t pin) { return pin; }
void attachInterrupt(uint8_t, void (*given)(), uint8_t) { handler = given; }

void SerialPort::begin(uint32_t) {}
void SerialPort::print(const char *text) { fputs(text, stdout), fflush(stdout); }
int SerialPort::available() { return waiting != EOF; }
int SerialPort::read() {
    const int c = waiting;
    waiting = EOF;
    return c;
}

static bool fails() {
    const char *how = getenv("INA228_FAILS");
    return how && (strcmp(how, "later") || started);
}

// As the data sheet has it: CURRENT_LSB from SHUNT_CAL, and sums since they were cleared.
static uint64_t sum(double of_a_second, double lsb) {
    return (uint64_t)(of_a_second * (double)(now_us - cleared_us) / 1e6 / lsb);
}

void TwoWire::begin() {}
void TwoWire::setClock(uint32_t) {}
void TwoWire::beginTransmission(uint8_t) { sent_count = 0; }
void TwoWire::write(uint8_t byte) { sent[sent_count++] = byte; }
uint8_t TwoWire::read() { return answer[answer_at++]; }
uint8_t TwoWire::endTransmission(bool) {
    if (fails()) {
        return 2;
    }
    pointer = sent[0];
    const uint16_t value = (uint16_t)(sent[1] << 8 | sent[2]);
    if (sent_count == 3 && pointer == 0x00) {
        if (value >> 14 & 1) {
            cleared_us = now_us;
        }
        config = value & 0x3FFF;
    } else if (sent_count == 3 && pointer == 0x01) {
        adc_config = value;
    } else if (sent_count == 3 && pointer == 0x02) {
        calibration = value;
    }
    return 0;
}
uint8_t TwoWire::requestFrom(uint8_t address, uint8_t n) {
    const double lsb = calibration / (13107.2e6 * SHUNT_OHM * (config >> 4 & 1 ? 4 : 1));
    const bool measures = adc_config >> 12 == 0xB && calibration;
    uint64_t value = pointer == 0x3E ? 0x5449 : pointer == 0x0B ? 1 : 0;
    if (measures && pointer == 0x09) {
        value = sum(AMPERES * VOLTS, 16 * 3.2 * lsb);
    } else if (measures && pointer == 0x0A) {
        value = sum(AMPERES, lsb);
    }
    for (uint8_t i = 0; i < n; i++) {
        answer[i] = (uint8_t)(value >> 8 * (n - 1 - i));
    }
    answer_at = 0;
    started |= pointer == 0x0B;  // the last that `start` asks for
    return address == 0x40 ? n : 0;
}

int main() {
    setup();
    for (int c; (c = getchar()) != EOF;) {
        if (c == 1) {
            now_us += BETWEEN_EDGES_US;
            handler();
            now_us += 40;  // until the loop comes round
        } else if (c == 2) {
            now_us += PAUSE_US;
        } else {
            waiting = c;
        }
        loop();
    }
}
