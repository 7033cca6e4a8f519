// On which CPU the threads of a pool run: how a thread that lost its CPU to another process gets the CPU of one that waits for it.
//
// A system that gives every process its share takes a CPU away for several milliseconds at a time (one tick of Linux at 250 Hz is 4 ms),
// which is longer than most networks run. Whoever waits for a piece that was cut off so waits as long, and
// schedulers do not move a thread that ran a moment ago. So the one who waits moves it to its own CPU, and sleeps.
//
// Only where threads can be placed (Linux); elsewhere nobody ever seems to be stalled, and nothing is moved.
#ifndef ZOO_THREAD_PLACEMENT_H
#define ZOO_THREAD_PLACEMENT_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

// The CPU the calling thread runs on; -1 where that is not known.
int zoo_current_cpu(void);

// Nanoseconds that a living thread has run so far; 0 where that is not known. Of two readings some time apart that
// are the same, it was not running in between.
uint64_t zoo_thread_run_time(pthread_t thread);

// Moves a living thread to the CPU of the calling one. A worker of ours stays bound to it until it calls `zoo_avoid_cpu`; a thread
// of the host's may run where it might before as soon as it has been moved.
void zoo_move_thread_here(pthread_t thread, bool is_worker);

// Where workers may run: remembered when they start, because moving one forgets.
typedef struct zoo_cpu_set zoo_cpu_set;

// The CPUs the calling thread may run on; NULL if there is no memory or no such thing. Freed with free().
zoo_cpu_set *zoo_allowed_cpus(void);

// Has a living thread go on at the CPUs of `allowed` but `cpu`, which is left to another. Does nothing if there are none.
void zoo_avoid_cpu(pthread_t thread, const zoo_cpu_set *allowed, int cpu);

#endif
