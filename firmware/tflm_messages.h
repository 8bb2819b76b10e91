/* What TensorFlow Lite Micro says when it fails, kept as one line for the protocol. */
#ifndef TFLM_MESSAGES_H
#define TFLM_MESSAGES_H

#include <cstdarg>
#include <cstdint>
#include <cstring>

namespace {

/* The first message in whatever is going on: the cause, where later ones are what follows from it. */
char problem[128];
uint32_t problem_size;

void append(char c) {
    if (problem_size < sizeof(problem) - 1) {
        /* The protocol's brackets, what would end its line, and what is no ASCII. */
        problem[problem_size++] = c == '[' ? '(' : c == ']' ? ')' : c < ' ' || c > '~' ? ' ' : c;
    }
}

void append(const char *text) {
    while (*text) {
        append(*text++);
    }
}

void append(unsigned long value, unsigned long base) {
    if (value >= base) {
        append(value / base, base);
    }
    append("0123456789abcdef"[value % base]);
}

/* What the library's messages make use of; vsnprintf would cost several kilobytes of flash. */
void append(const char *format, va_list arguments) {
    for (; *format; format++) {
        if (*format != '%') {
            append(*format);
            continue;
        }
        do { /* sizes are those of int here, and widths do not matter */
            format++;
        } while (*format && strchr("lzh.0123456789-+#", *format));
        if (*format == 's') {
            append(va_arg(arguments, const char *));
        } else if (*format == 'd' || *format == 'i') {
            const long value = va_arg(arguments, long);
            append(value < 0 ? "-" : "");
            append(value < 0 ? 0ul - static_cast<unsigned long>(value) : static_cast<unsigned long>(value), 10);
        } else if (*format == 'u') {
            append(va_arg(arguments, unsigned long), 10);
        } else if (*format == 'x' || *format == 'p') {
            append(va_arg(arguments, unsigned long), 16);
        } else if (*format == '%') {
            append('%');
        } else { /* what follows in the list is not known any more */
            append("...");
            return;
        }
    }
}

void forget() {
    problem_size = 0;
    problem[0] = 0;
}

void end() {
    while (problem_size && problem[problem_size - 1] == ' ') {
        problem_size--; /* the end of a line comes as a message of its own */
    }
    problem[problem_size] = 0;
}

void keep(const char *format, va_list arguments) {
    append(format, arguments);
    end();
}

/* The same for what the firmware finds, unless the library has spoken. */
void keep(const char *text) {
    if (!problem[0]) {
        append(text);
        end();
    }
}

}  // namespace

#endif
