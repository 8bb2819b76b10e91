/* A model that TensorFlow Lite Micro interprets: model.h and model.cc, and a library that upstream's own make has built. */
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <new>

#include "tensorflow/lite/micro/micro_interpreter.h"
#include "tensorflow/lite/micro/micro_profiler_interface.h"
#include "tensorflow/lite/schema/schema_generated.h"

extern "C" {
#include "core/memory.h"
#include "core/platform.h"
#include "core/text.h"
#include "engine.h"
}
#include "model.h"
#include "tflm_messages.h"

extern "C" {
const char engine_name[] = "tflm";
const char engine_model_id[] = DUT_MODEL_ID;
const char engine_model_hash[] = MODEL_HASH;
}

namespace {

constexpr size_t kAlignment = 16; /* of tensors */

/* An input is loaded once for many inferences, and each writes over the interpreter's own input tensor. So SRAM that the
 * arena leaves holds a copy. Where it leaves too little there is none: the first inference after a load gives the output,
 * further ones run on what the tensor then holds, and only their time means something. */
uint8_t *spare, *tensor;
bool fresh; /* the input is what was loaded */
alignas(4) uint8_t output[MODEL_OUTPUT_BYTES];
float results[MODEL_OUTPUT_BYTES]; /* one int8 value each */

alignas(tflite::MicroInterpreter) unsigned char storage[sizeof(tflite::MicroInterpreter)];
tflite::MicroInterpreter *interpreter;

enum State { kNew, kReady, kBroken };
State state;

#ifdef MODEL_HOOKS
uint32_t cycles[MODEL_OPERATORS];

class CycleCounter final : public tflite::MicroProfilerInterface {
  public:
    void restart() {
        next_ = 0;
        memset(cycles, 0, sizeof(cycles));
    }
    uint32_t BeginEvent(const char *) override {
        began_ = clock_cycles();
        return next_++;
    }
    void EndEvent(uint32_t event) override {
        if (event < MODEL_OPERATORS) {
            cycles[event] = clock_cycles() - began_;
        }
    }
    uint32_t events() const { return next_; }

  private:
    uint32_t next_ = 0, began_ = 0;
};

alignas(CycleCounter) unsigned char counter_storage[sizeof(CycleCounter)];
CycleCounter *counter;

tflite::MicroProfilerInterface *profiler() { return counter = ::new (counter_storage) CycleCounter; }
#else
tflite::MicroProfilerInterface *profiler() { return nullptr; }
#endif

/* Whether the model starts with all SRAM that is left but some bytes at its end. */
bool start(size_t spared) {
    const size_t room = static_cast<size_t>(__free_end - __free_start);
    const tflite::MicroOpResolver *operators = model_operators();
    forget();
    if (operators == nullptr) {
        keep("an operator is not registered");
        return false;
    }
    if (spared > room) {
        return false;
    }
    interpreter = ::new (storage) tflite::MicroInterpreter(tflite::GetModel(model_data), *operators, __free_start,
                                                           room - spared, nullptr, profiler());
    if (interpreter->AllocateTensors() != kTfLiteOk) {
        return false;
    }
    if (interpreter->input(0)->bytes != MODEL_INPUT_BYTES || interpreter->output(0)->bytes != MODEL_OUTPUT_BYTES) {
        keep("input or output are not the model's: headers and library differ");
        return false;
    }
    tensor = reinterpret_cast<uint8_t *>(interpreter->input(0)->data.raw);
    spare = spared ? __free_end - spared : nullptr;
    return true;
}

void construct() {
    for (void (**constructor)(void) = __init_array_start; constructor < __init_array_end; constructor++) {
        (*constructor)();
    }
}

bool ready() {
    if (state == kNew) {
        const size_t aside = (MODEL_INPUT_BYTES + kAlignment - 1) / kAlignment * kAlignment +
                             reinterpret_cast<uintptr_t>(__free_end) % kAlignment;
        construct();
        state = start(aside) || start(0) ? kReady : kBroken;
    }
    return state == kReady;
}

}  // namespace

/* Also a failed check in the library, which says so last and then waits for ever: reported like any fault instead. */
extern "C" void DebugLog(const char *format, va_list arguments) {
    if (!strcmp(format, "HALTED")) {
        if (problem[0]) {
            put_error(problem);
        }
        machine_crash();
    }
    if (!problem[0]) {
        keep(format, arguments);
    }
}

/* Beside DebugLog in the library's file, which is left out as a whole. */
extern "C" int DebugVsnprintf(char *buffer, size_t size, const char *format, va_list arguments) {
    return vsnprintf(buffer, size, format, arguments);
}

/* What C++ asks of its surroundings. There is no heap, for what is left of SRAM is the arena's, and no end. */
extern "C" [[noreturn]] void abort(void) {
    for (;;) {
        machine_crash();
    }
}
extern "C" [[noreturn]] void __cxa_pure_virtual(void) { abort(); }
/* An assertion of the library. The C library's own would print, by 13 kB of flash and 2.5 kB of SRAM. */
extern "C" [[noreturn]] void __assert_func(const char *file, int, const char *, const char *what) {
    keep(what != nullptr ? what : file);
    put_error(problem);
    abort();
}
extern "C" void *__dso_handle = nullptr;
extern "C" int __aeabi_atexit(void *, void (*)(void *), void *) { return 0; }
extern "C" void *_sbrk(ptrdiff_t) { return reinterpret_cast<void *>(-1); }
void *operator new(size_t) { abort(); }
void *operator new[](size_t) { abort(); }
void operator delete(void *) noexcept {}
void operator delete[](void *) noexcept {}
void operator delete(void *, size_t) noexcept {}
void operator delete[](void *, size_t) noexcept {}

extern "C" {

const char *engine_problem(void) {
    if (ready()) {
        return nullptr;
    }
    return problem[0] ? problem : "the interpreter does not start";
}

uint8_t *engine_input(void) {
    (void)ready();
    return spare ? spare : tensor;
}
uint32_t engine_input_bytes(void) { return MODEL_INPUT_BYTES; }
const uint8_t *engine_output(void) { return output; }
uint32_t engine_output_bytes(void) { return MODEL_OUTPUT_BYTES; }
uint32_t engine_arena_bytes(void) { return ready() ? static_cast<uint32_t>(interpreter->arena_used_bytes()) : 0; }
uint32_t engine_static_bytes(void) { return memory_static_bytes() + engine_arena_bytes(); }

static void input_arrives(void) { fresh = true; }

#include "engine_public.h"

void engine_invoke(void) {
    if (!ready()) {
        return;
    }
    forget();
    if (spare) {
        memcpy(tensor, spare, MODEL_INPUT_BYTES);
    }
    if (interpreter->Invoke() != kTfLiteOk) {
        state = kBroken;
    }
    if (spare || fresh) {
        memcpy(output, interpreter->output(0)->data.raw, sizeof(output));
    }
    fresh = false;
}

const float *engine_results(void) {
    for (uint32_t i = 0; i < MODEL_OUTPUT_BYTES; i++) {
        results[i] = MODEL_OUTPUT_SCALE * static_cast<float>(static_cast<int8_t>(output[i]) - MODEL_OUTPUT_ZERO);
    }
    return engine_public_results(results);
}

const uint32_t *engine_operator_cycles(uint32_t *count) {
    *count = 0;
#ifdef MODEL_HOOKS
    if (ready()) {
        counter->restart();
        engine_invoke();
    }
    *count = MODEL_OPERATORS;
    return counter->events() ? cycles : nullptr; /* a library without messages reports no events either */
#else
    return nullptr;
#endif
}
}
