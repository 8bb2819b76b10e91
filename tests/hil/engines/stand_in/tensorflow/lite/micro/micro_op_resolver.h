/* A stand-in: which operators are there. */
#ifndef STAND_IN_OP_RESOLVER_H
#define STAND_IN_OP_RESOLVER_H

#include "tensorflow/lite/c/common.h"
#include "tensorflow/lite/schema/schema_generated.h"

namespace tflite {

class MicroOpResolver {
  public:
    virtual bool Knows(BuiltinOperator op) const = 0;
    virtual ~MicroOpResolver() {}
};

}  // namespace tflite

#endif
