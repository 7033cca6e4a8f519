// Placement of threads by their CPU sets (sched_setaffinity(2)) and clocks (pthread_getcpuclockid(3)).
#define _GNU_SOURCE // CPU sets
#include "thread_placement.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#if defined(__linux__)
#include <sched.h>

// As many as Linux can be built for; a set smaller than the kernel's own is refused.
#define MOST_CPUS 8192
#define SET_SIZE CPU_ALLOC_SIZE(MOST_CPUS)

struct zoo_cpu_set {
  uint64_t bits[MOST_CPUS / 64];
};

static cpu_set_t *set_of(const zoo_cpu_set *set) { return (cpu_set_t *)set->bits; }

int zoo_current_cpu(void) { return sched_getcpu(); }

uint64_t zoo_thread_run_time(pthread_t thread) {
  clockid_t clock;
  struct timespec time;
  if (pthread_getcpuclockid(thread, &clock) != 0 || clock_gettime(clock, &time) != 0)
    return 0;
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

// Two that move the same thread would take each other's set for the one to go back to: as a run inside a piece of
// another pool's run could make them.
static atomic_flag moves_host_thread = ATOMIC_FLAG_INIT;

static void move_host_thread(pthread_t thread, int cpu, const zoo_cpu_set *here) {
  zoo_cpu_set before = {{0}};
  if (atomic_flag_test_and_set(&moves_host_thread))
    return;
  bool may_run_here =
      pthread_getaffinity_np(thread, SET_SIZE, set_of(&before)) == 0 && CPU_ISSET_S(cpu, SET_SIZE, set_of(&before));
  if (may_run_here && pthread_setaffinity_np(thread, SET_SIZE, set_of(here)) == 0)
    pthread_setaffinity_np(thread, SET_SIZE, set_of(&before));
  atomic_flag_clear(&moves_host_thread);
}

void zoo_move_thread_here(pthread_t thread, bool is_worker) {
  zoo_cpu_set here = {{0}};
  int cpu = sched_getcpu();
  if (cpu < 0 || cpu >= MOST_CPUS)
    return;
  CPU_SET_S(cpu, SET_SIZE, set_of(&here));
  if (is_worker)
    pthread_setaffinity_np(thread, SET_SIZE, set_of(&here));
  else
    move_host_thread(thread, cpu, &here);
}

zoo_cpu_set *zoo_allowed_cpus(void) {
  zoo_cpu_set *set = calloc(1, sizeof *set);
  if (set && pthread_getaffinity_np(pthread_self(), SET_SIZE, set_of(set)) == 0)
    return set;
  free(set);
  return NULL;
}

void zoo_avoid_cpu(pthread_t thread, const zoo_cpu_set *allowed, int cpu) {
  if (!allowed || cpu < 0 || cpu >= MOST_CPUS)
    return;
  zoo_cpu_set others = *allowed;
  CPU_CLR_S(cpu, SET_SIZE, set_of(&others));
  if (CPU_COUNT_S(SET_SIZE, set_of(&others)) > 0)
    pthread_setaffinity_np(thread, SET_SIZE, set_of(&others));
}
#else
int zoo_current_cpu(void) { return -1; }
uint64_t zoo_thread_run_time(pthread_t thread) { return (void)thread, 0; }
void zoo_move_thread_here(pthread_t thread, bool is_worker) { (void)thread, (void)is_worker; }
zoo_cpu_set *zoo_allowed_cpus(void) { return NULL; }
void zoo_avoid_cpu(pthread_t thread, const zoo_cpu_set *allowed, int cpu) { (void)allowed, (void)cpu; }
#endif
