/* A stand-in for TensorFlow Lite Micro: the part of its interface that the firmware uses. */
#ifndef STAND_IN_COMMON_H
#define STAND_IN_COMMON_H

#include <cstddef>
#include <cstdint>

#ifndef TF_LITE_STATIC_MEMORY
#error "structures have another layout without TF_LITE_STATIC_MEMORY"
#endif

enum TfLiteStatus { kTfLiteOk = 0, kTfLiteError = 1 };

struct TfLiteTensor {
    union {
        int8_t *int8;
        char *raw;
    } data;
    size_t bytes;
};

#endif
