/* A stand-in: a model is its bytes. */
#ifndef STAND_IN_SCHEMA_H
#define STAND_IN_SCHEMA_H

#include "flatbuffers/flatbuffers.h"

namespace tflite {

enum BuiltinOperator {
    BuiltinOperator_ADD = 0,
    BuiltinOperator_CONV_2D = 3,
    BuiltinOperator_FULLY_CONNECTED = 9,
    BuiltinOperator_RESHAPE = 22,
    BuiltinOperator_TANH = 28,
    BuiltinOperator_EXPAND_DIMS = 70,
};

struct Model {
    unsigned char bytes[8];
};

inline const Model *GetModel(const void *data) { return static_cast<const Model *>(data); }

}  // namespace tflite

#endif
