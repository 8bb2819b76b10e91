/* As much of Arduino's core and of Arduino_LSM9DS1 as the example calls, on a host: readings come from standard input, in the
 * sensor's units and axes, each with its time in us; with the last one the program ends. */
#ifndef FAKE_ARDUINO_H
#define FAKE_ARDUINO_H

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

static unsigned long clock_us;
static float reading[9];
static bool fresh;

static unsigned long micros() { return clock_us; }
static unsigned long millis() { return clock_us / 1000; }
static void delay(unsigned long ms) { clock_us += ms * 1000; }

struct FakeSerial {
  void begin(long) {}
  void print(float value, int digits) { std::printf("%.*f", digits + 4, static_cast<double>(value)); }
  void print(char c) { std::putchar(c); }
  void println() { std::putchar('\n'); }
  void println(const char *text) { std::puts(text); }
} Serial;

struct FakeImu {
  int begin() { return 1; }
  int accelerationAvailable() {
    if (!fresh) {
      float *r = reading;
      fresh = std::scanf("%lu %f %f %f %f %f %f %f %f %f", &clock_us, r, r + 1, r + 2, r + 3, r + 4, r + 5, r + 6, r + 7,
                         r + 8) == 10;
      if (!fresh) {
        std::exit(0);
      }
    }
    return 1;
  }
  int gyroscopeAvailable() { return fresh; }
  int magneticFieldAvailable() { return fresh || accelerationAvailable(); }
  int readAcceleration(float &x, float &y, float &z) { return read(0, x, y, z); }
  int readGyroscope(float &x, float &y, float &z) {
    fresh = false;
    return read(3, x, y, z);
  }
  int readMagneticField(float &x, float &y, float &z) { return read(6, x, y, z); }

 private:
  static int read(int at, float &x, float &y, float &z) {
    x = reading[at];
    y = reading[at + 1];
    z = reading[at + 2];
    return 1;
  }
} IMU;

#endif
