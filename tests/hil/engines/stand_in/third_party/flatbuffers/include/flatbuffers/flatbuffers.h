/* A stand-in: standard headers that the real one includes, which need a hosted C++ library. */
#include <memory>
#include <string>
#include <vector>
