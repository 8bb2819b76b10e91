/* A stand-in: functions named and laid out as upstream's, which tinynas reads. */
#ifndef STAND_IN_MUTABLE_OP_RESOLVER_H
#define STAND_IN_MUTABLE_OP_RESOLVER_H

#include "tensorflow/lite/micro/micro_log.h"
#include "tensorflow/lite/micro/micro_op_resolver.h"

namespace tflite {

struct Registration {};
inline Registration Register_FULLY_CONNECTED() { return {}; }
inline Registration *Register_CIRCULAR_BUFFER() { return nullptr; }

template <unsigned int tOpCount>
class MicroMutableOpResolver : public MicroOpResolver {
  public:
    void operator delete(void *) {} /* no heap */

    bool Knows(BuiltinOperator op) const override {
        for (unsigned int i = 0; i < count_; i++) {
            if (ops_[i] == op) {
                return true;
            }
        }
        return false;
    }

    TfLiteStatus AddAdd() { return AddBuiltin(BuiltinOperator_ADD); }

    TfLiteStatus AddCircularBuffer() {
        return AddCustom("CIRCULAR_BUFFER", Register_CIRCULAR_BUFFER());
    }

    TfLiteStatus AddConv2D() {
        return AddBuiltin(
            BuiltinOperator_CONV_2D);
    }

    TfLiteStatus AddExpandDims() { return AddBuiltin(BuiltinOperator_EXPAND_DIMS); }

    TfLiteStatus AddFullyConnected(
        const Registration& registration = Register_FULLY_CONNECTED()) {
        return AddBuiltin(BuiltinOperator_FULLY_CONNECTED, registration);
    }

    TfLiteStatus AddReshape() { return AddBuiltin(BuiltinOperator_RESHAPE); }

    TfLiteStatus AddTanh() { return AddBuiltin(BuiltinOperator_TANH); }

  private:
    TfLiteStatus AddCustom(const char *, Registration *) { return kTfLiteError; }

    TfLiteStatus AddBuiltin(BuiltinOperator op, const Registration & = {}) {
        if (count_ == tOpCount || Knows(op)) {
            MicroPrintf("Calling AddBuiltin with the same op more than once is not supported (Op: #%d).", op);
            return kTfLiteError;
        }
        ops_[count_++] = op;
        return kTfLiteOk;
    }

    BuiltinOperator ops_[tOpCount];
    unsigned int count_ = 0;
};

}  // namespace tflite

#endif
