/* Cortex-M start: the vector table, the FPU switched on, sections laid out, then newlib's start-up for semihosting. */
#include <stdint.h>

extern uint32_t _estack;
extern void _start(void); /* newlib's crt0: clears .bss, opens the semihosting streams, calls main and exit */

void Reset_Handler(void) {
  *(volatile uint32_t *)0xE000ED88u |= 0xFu << 20; /* CPACR: full access to the FPU */
  __asm__ volatile("dsb\n isb");
  _start();
  for (;;) {
  }
}

static void fault(void) {
  for (;;) {
  }
}

__attribute__((section(".vectors"), used)) static const void *const vectors[16] = {
    &_estack, (void *)Reset_Handler, (void *)fault, (void *)fault, (void *)fault, (void *)fault, (void *)fault,
};

/* crt0 calls these around main; there are no constructors here. */
void _init(void) {}
void _fini(void) {}
