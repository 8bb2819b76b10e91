/* Both functions in one file, as upstream has them: whoever replaces one has to replace the other. */
#include <cstdarg>
#include <cstdio>

extern "C" void DebugLog(const char *format, va_list arguments) { vprintf(format, arguments); }

extern "C" int DebugVsnprintf(char *buffer, size_t size, const char *format, va_list arguments) {
    return vsnprintf(buffer, size, format, arguments);
}
