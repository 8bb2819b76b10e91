/* The stand-in's library. config.h, of the test: WANTED_ARENA, WANTED_OPERATORS (a list), WANTED_EVENTS, and
 * one of STAND_IN_FAILS, STAND_IN_HALTS, STAND_IN_ABORTS where something is to go wrong. */
#include "tensorflow/lite/micro/micro_interpreter.h"

#include <cmath>
#include <cstdarg>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "config.h"

#include "stand_in.h"
#include "tensorflow/lite/micro/debug_log.h"
#include "tensorflow/lite/micro/micro_log.h"

#ifndef TF_LITE_STRIP_ERROR_STRINGS
void MicroPrintf(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    DebugLog(format, arguments);
    DebugLog("\r\n", arguments);
    va_end(arguments);
}
#endif

namespace tflite {
namespace {

/* A dynamic initialisation, which only constructors do. */
struct Constructed {
    Constructed() : root(sqrtf(seed)) {}
    static volatile float seed;
    float root;
};
volatile float Constructed::seed = 4.0f;
Constructed constructed;

}  // namespace

#ifndef TF_LITE_STRIP_ERROR_STRINGS
/* Nobody calls it, but it refers to DebugVsnprintf as upstream's file of the logger does. */
int MicroSnprintf(char *buffer, size_t size, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    const int length = DebugVsnprintf(buffer, size, format, arguments);
    va_end(arguments);
    return length;
}
#endif

/* What upstream's library may refer to: nothing here is ever called. */
struct Kept {
    virtual ~Kept() {}
    virtual int pure() = 0;
};
struct Held : Kept {
    int pure() override { return 1; }
    std::vector<int> numbers;
};
Kept *MakeHeld() {
    static Held held; /* with a destructor to be registered */
    held.numbers.push_back(held.pure());
    return new Held;
}
Kept *(*volatile make_held)() = MakeHeld;

MicroInterpreter::MicroInterpreter(const Model *model, const MicroOpResolver &op_resolver, uint8_t *tensor_arena,
                                   size_t tensor_arena_size, MicroResourceVariables *,
                                   MicroProfilerInterface *profiler, bool)
    : model_(model), resolver_(op_resolver), arena_(tensor_arena), size_(tensor_arena_size), profiler_(profiler) {}

TfLiteStatus MicroInterpreter::AllocateTensors() {
    if (reinterpret_cast<uintptr_t>(model_) % 16 || memcmp(model_->bytes + 4, "TFL3", 4)) {
        MicroPrintf("this is no model");
        return kTfLiteError;
    }
    if (constructed.root != 2.0f || make_held == nullptr || reinterpret_cast<uintptr_t>(arena_) % 16) {
        MicroPrintf("constructors have not run, or the arena is not aligned");
        return kTfLiteError;
    }
    for (const int op : {WANTED_OPERATORS}) {
        if (!resolver_.Knows(static_cast<BuiltinOperator>(op))) {
            MicroPrintf("Didn't find op for builtin opcode %d", op);
            return kTfLiteError;
        }
    }
    if (size_ < WANTED_ARENA) {
        MicroPrintf("Failed to resize buffer. Requested: %u, available %u, missing: %u", WANTED_ARENA, size_);
        MicroPrintf("Failed to allocate memory");
        return kTfLiteError;
    }
    used_ = WANTED_ARENA;
    memset(arena_, 0x5A, used_);
    input_.data.raw = reinterpret_cast<char *>(arena_);
    input_.bytes = STAND_IN_INPUT_BYTES;
    output_.data.raw = reinterpret_cast<char *>(arena_ + used_ - STAND_IN_OUTPUT_BYTES);
    output_.bytes = STAND_IN_OUTPUT_BYTES;
    return kTfLiteOk;
}

TfLiteStatus MicroInterpreter::Invoke() {
#if defined(STAND_IN_FAILS)
    MicroPrintf("Node %s (number %d) failed to invoke with status %d", "CONV_2D", 0, 1);
    return kTfLiteError;
#elif defined(STAND_IN_HALTS)
    MicroPrintf("%s:%d %s was not true [%u of %s].", "conv.cc", 123, "shape == 4", 7u, "9");
    MicroPrintf("HALTED"); /* as upstream's checks end on microcontrollers */
    for (;;) {
    }
#elif defined(STAND_IN_ABORTS)
    abort();
#endif
    for (int i = 0; i < WANTED_EVENTS && profiler_; i++) {
        profiler_->EndEvent(profiler_->BeginEvent("CONV_2D"));
    }
    stand_in_invoke(input_.data.int8, output_.data.int8);
    memset(input_.data.raw, 0, input_.bytes); /* other tensors take its place in the arena */
    return kTfLiteOk;
}

TfLiteTensor *MicroInterpreter::input(size_t) { return &input_; }
TfLiteTensor *MicroInterpreter::output(size_t) { return &output_; }

}  // namespace tflite
