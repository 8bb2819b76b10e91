/* Handlers of what must not happen. */
#ifndef CORE_FAULT_H
#define CORE_FAULT_H

void fault_hard(void);
void fault_memory(void);
void fault_bus(void);
void fault_usage(void);
void fault_unexpected(void);

#endif
