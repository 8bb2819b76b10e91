/* A power meter for tinynas: reads a TI INA228 over I2C and watches the board's trigger pin. docs/energy.md has the wiring
 * and the protocol. For any board of the Arduino IDE with I2C, an interrupt pin and a serial port to the computer.
 *
 * Registers are those of the INA228's data sheet (SLYS021). */
#include <Wire.h>

/* What may have to be changed: the pin, the shunt of the breakout, and the chip's address. */
const uint8_t TRIGGER_PIN = 2;            /* one with interrupts; falls where inferences begin and end */
const uint32_t SHUNT_MICROOHM = 15000;    /* Adafruit's breakout has 15 milliohm */
const uint8_t ADDRESS = 0x40;             /* A0 and A1 to ground */

/* SHUNT_CAL = 13107.2e6 CURRENT_LSB R, four times that in the fine range. With 2.5 A as the largest current,
 * CURRENT_LSB = 2.5 A / 2^19, and this comes to a quarter of the shunt's microohms: 3750 of 15 milliohm. */
const uint16_t SHUNT_CAL = SHUNT_MICROOHM / 4;

enum : uint8_t { CONFIG = 0x00, ADC_CONFIG = 0x01, SHUNT_CALIBRATION = 0x02, ENERGY = 0x09, CHARGE = 0x0A,
                 DIAG_ALRT = 0x0B, MANUFACTURER_ID = 0x3E };
const uint16_t FINE_RANGE = 1u << 4;      /* ADCRANGE: 40.96 mV full scale */
const uint16_t CLEAR_SUMS = 1u << 14;     /* RSTACC */
const uint16_t CONTINUOUS = 0xBu << 12 | 4u << 9 | 4u << 6; /* shunt and bus, 540 us each, no average */
const uint32_t PERIOD_MICROSECONDS = 1080;
const uint16_t TEXAS_INSTRUMENTS = 0x5449;

const uint8_t COMMAND_CHARACTERS = 16;
const uint8_t EDGES = 8;                  /* that may wait to be told; a measurement has two, far apart */

volatile uint32_t edges[EDGES];
volatile uint8_t edges_seen;
uint8_t edges_told;
uint32_t marks, micros_before, micros_high;
bool recording;
char command[COMMAND_CHARACTERS + 1];
uint8_t length;

void on_edge() { edges[edges_seen++ % EDGES] = micros(); }

/* A register's bytes, the most significant first; false where the chip does not answer. */
bool read_register(uint8_t number, uint8_t *bytes, uint8_t n) {
    Wire.beginTransmission(ADDRESS);
    Wire.write(number);
    if (Wire.endTransmission(false) != 0 || Wire.requestFrom(ADDRESS, n) != n) {
        return false;
    }
    for (uint8_t i = 0; i < n; i++) {
        bytes[i] = Wire.read();
    }
    return true;
}

bool read_word(uint8_t number, uint16_t *value) {
    uint8_t bytes[2];
    if (!read_register(number, bytes, 2)) {
        return false;
    }
    *value = (uint16_t)(bytes[0] << 8 | bytes[1]);
    return true;
}

bool write_word(uint8_t number, uint16_t value) {
    Wire.beginTransmission(ADDRESS);
    Wire.write(number);
    Wire.write((uint8_t)(value >> 8));
    Wire.write((uint8_t)value);
    return Wire.endTransmission() == 0;
}

bool set_up() {
    uint16_t maker = 0;
    return read_word(MANUFACTURER_ID, &maker) && maker == TEXAS_INSTRUMENTS && write_word(CONFIG, FINE_RANGE) &&
           write_word(SHUNT_CALIBRATION, SHUNT_CAL) && write_word(ADC_CONFIG, CONTINUOUS);
}

/* A line and its checksum: the exclusive or of its characters. */
void say(const char *text) {
    char end[8];
    uint8_t sum = 0;
    for (const char *c = text; *c; c++) {
        sum ^= (uint8_t)*c;
    }
    snprintf(end, sizeof end, "*%02x", sum);
    Serial.print(text);
    Serial.print(end);
    Serial.print("\n");
}

/* The clock without wrapping, of a moment that is not long ago. */
uint64_t whole_time(uint32_t moment) {
    const uint32_t now = micros();
    micros_high += now < micros_before;
    micros_before = now;
    const uint64_t whole = (uint64_t)micros_high << 32 | now;
    return whole - (uint32_t)(now - moment);
}

/* Decimal digits of what printf of small boards does not know. */
char *decimal(uint64_t value, char *end) {
    *end = '\0';
    do {
        *--end = (char)('0' + value % 10);
    } while (value /= 10);
    return end;
}

void tell_edge(uint32_t moment) {
    uint8_t energy[5], charge[5];
    char time[21], line[64];
    if (!read_register(ENERGY, energy, 5) || !read_register(CHARGE, charge, 5)) {
        say("error the INA228 does not answer");
        return;
    }
    snprintf(line, sizeof line, "mark %lu %s %02X%02X%02X%02X%02X %02X%02X%02X%02X%02X", (unsigned long)marks++,
             decimal(whole_time(moment), time + 20), energy[0], energy[1], energy[2], energy[3], energy[4], charge[0],
             charge[1], charge[2], charge[3], charge[4]);
    say(line);
}

void identify() {
    char line[80];
    if (!set_up()) { /* also where the chip was connected after this board had started */
        say("error the INA228 does not answer");
        return;
    }
    snprintf(line, sizeof line, "ina228 1 shunt_uohm=%lu cal=%u range=1 period_us=%lu", (unsigned long)SHUNT_MICROOHM,
             SHUNT_CAL, (unsigned long)PERIOD_MICROSECONDS);
    say(line);
}

void start() {
    uint16_t flags;
    if (!write_word(CONFIG, FINE_RANGE | CLEAR_SUMS) || !read_word(DIAG_ALRT, &flags)) {
        say("error the INA228 does not answer");
        return;
    }
    marks = 0;
    edges_told = edges_seen; /* what came before does not count */
    recording = true;
    say("started");
}

void stop() {
    uint16_t flags;
    char line[32];
    recording = false;
    if (!read_word(DIAG_ALRT, &flags)) {
        say("error the INA228 does not answer");
        return;
    }
    snprintf(line, sizeof line, "stopped %lu %04X", (unsigned long)marks, flags);
    say(line);
}

void carry_out() {
    if (strcmp(command, "id") == 0) {
        identify();
    } else if (strcmp(command, "start") == 0) {
        start();
    } else if (strcmp(command, "stop") == 0) {
        stop();
    } else if (length > 0) {
        say("error commands are id, start and stop");
    }
}

void receive(char c) {
    if (c == '\n') {
        command[length < COMMAND_CHARACTERS ? length : COMMAND_CHARACTERS] = '\0';
        carry_out();
        length = 0;
    } else if (c != '\r') {
        if (length < COMMAND_CHARACTERS) {
            command[length] = c;
        }
        length += length <= COMMAND_CHARACTERS;
    }
}

void setup() {
    Serial.begin(115200);
    Wire.begin();
    Wire.setClock(400000);
    pinMode(TRIGGER_PIN, INPUT_PULLUP);
    attachInterrupt(digitalPinToInterrupt(TRIGGER_PIN), on_edge, FALLING);
    set_up();
}

void loop() {
    while (edges_told != edges_seen) {
        const uint32_t moment = edges[edges_told++ % EDGES];
        if (recording) {
            tell_edge(moment);
        }
    }
    whole_time(micros()); /* often enough to see each wrap */
    while (Serial.available() > 0) {
        receive((char)Serial.read());
    }
}
