/* A stand-in: who is told when an operator begins and ends. */
#ifndef STAND_IN_PROFILER_H
#define STAND_IN_PROFILER_H

#include <cstdint>

namespace tflite {

class MicroProfilerInterface {
  public:
    virtual ~MicroProfilerInterface() {}
    virtual uint32_t BeginEvent(const char *tag) = 0;
    virtual void EndEvent(uint32_t event_handle) = 0;
};

}  // namespace tflite

#endif
