/* A stand-in: since September 2023 formats come with their arguments. */
#ifndef STAND_IN_DEBUG_LOG_H
#define STAND_IN_DEBUG_LOG_H

#include <cstdarg>
#include <cstddef>

extern "C" {
void DebugLog(const char *format, va_list arguments);
int DebugVsnprintf(char *buffer, size_t size, const char *format, va_list arguments);
}

#endif
