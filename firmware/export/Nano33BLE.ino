/* A walker's path from the Nano 33 BLE's own IMU, an LSM9DS1: time, velocity and position on the serial port.
 *
 * Carry the board as the recordings carried theirs that the network was trained on. Turn it once about each axis in the
 * beginning: so the magnetometer's hard iron is learned. */
#include <Arduino_LSM9DS1.h>
#include <@name@.h>

static const float STANDARD_GRAVITY = 9.80665f; /* m/s2 in a g */
static const float RADIANS = 0.017453293f;      /* in a degree */
static const float PERIOD_US = 1e6f / @NAME@_RATE_HZ;
static const float GAP_US = 1e6f; /* after a longer silence nothing is interpolated, and a new path begins */

static float before[6], now[6], field[3]; /* force and rate of the last two readings; the field's newest */
static unsigned long before_us, now_us;
static float due_us; /* of the next sample, after the reading `before` */
static int readings;

/* The LSM9DS1's accelerometer and gyroscope share left-handed axes (data sheet, figure 1), the magnetometer has
 * right-handed ones: y and z are the same, x points the other way. So the others' x is turned round. */
static bool read_motion(void) {
  if (!IMU.accelerationAvailable() || !IMU.gyroscopeAvailable()) {
    return false;
  }
  float a[3], w[3];
  if (!IMU.readAcceleration(a[0], a[1], a[2]) || !IMU.readGyroscope(w[0], w[1], w[2])) {
    return false;
  }
  memcpy(before, now, sizeof now);
  before_us = now_us;
  now_us = micros();
  for (int i = 0; i < 3; i++) {
    const float hand = i == 0 ? -1.0f : 1.0f;
    now[i] = hand * a[i] * STANDARD_GRAVITY;
    now[3 + i] = hand * w[i] * RADIANS;
  }
  return true;
}

static void read_field(void) { /* 20 times a second; the newest one stands for those between */
  float m[3];
  if (IMU.magneticFieldAvailable() && IMU.readMagneticField(m[0], m[1], m[2])) {
    memcpy(field, m, sizeof field);
  }
}

static void push(const float sample[6]) {
  if (!@name@_push(sample, sample + 3, field)) {
    return;
  }
  const float *v = @name@_velocity(), *p = @name@_position();
  Serial.print(millis() / 1000.0f, 3);
  for (int i = 0; i < 2; i++) {
    Serial.print(',');
    Serial.print(v[i], 3);
  }
  for (int i = 0; i < 2; i++) {
    Serial.print(',');
    Serial.print(p[i], 2);
  }
  Serial.println();
}

void setup() {
  Serial.begin(115200);
  if (!IMU.begin()) {
    for (;;) {
      Serial.println("no LSM9DS1 answers: this example is for the Nano 33 BLE and the Nano 33 BLE Sense, first revision");
      delay(1000);
    }
  }
  @name@_start();
  Serial.println("time_s,vx_m_s,vy_m_s,x_m,y_m");
}

void loop() {
  read_field();
  if (!read_motion() || ++readings < 2) {
    return;
  }
  const float span_us = (float)(now_us - before_us); /* right across the counter's wrap, too */
  if (span_us > GAP_US) {
    @name@_start();
    due_us = 0.0f;
    return;
  }
  /* The sensor's clock is not ours, and the network has a rate of its own: samples lie on the line between readings. */
  for (; due_us <= span_us; due_us += PERIOD_US) {
    const float part = span_us > 0.0f ? due_us / span_us : 1.0f;
    float sample[6];
    for (int i = 0; i < 6; i++) {
      sample[i] = before[i] + part * (now[i] - before[i]);
    }
    push(sample);
  }
  due_us -= span_us;
  if (readings > 2) {
    readings = 2; /* it only tells the first reading from the others */
  }
}
