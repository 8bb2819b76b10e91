/* A stand-in: messages are a function, or nothing in a release build. */
#ifndef STAND_IN_LOG_H
#define STAND_IN_LOG_H

#ifdef TF_LITE_STRIP_ERROR_STRINGS
#define MicroPrintf(...) (void)0
#else
void MicroPrintf(const char *format, ...);
#endif

#endif
