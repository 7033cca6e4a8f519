// The state of a pool of threads, and what its threads do for one that was cut off in the middle of a piece.
#ifndef ZOO_THREAD_STALLS_H
#define ZOO_THREAD_STALLS_H

#include "thread_placement.h"
#include "zoo_thread_pool.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

// A thread that works and has not run for as long has lost its CPU to another process, not to a moment of the kernel's own work.
// With 8 us instead, 60 threads a second are moved on a quiet machine, and runs take 4 % longer.
#define ZOO_POOL_STALL_NANOSECONDS 40000u

#define ZOO_OWN_CACHE_LINE _Alignas(64)

// What others see of a thread, 0 being the caller: which pieces are its own, what a piece is, whether it is at work. All in one line: it
// takes 0.1 us or, on CPUs that are far apart, 0.4 until a line that another thread has written is there.
typedef struct {
  ZOO_OWN_CACHE_LINE _Atomic uint64_t span; // its pieces of the run
  _Atomic(zoo_platform_task) task;          // written, like its context, while the span is empty
  _Atomic(void *) task_context;
  _Atomic bool works;
} zoo_pool_member;

typedef struct {
  zoo_platform_pool *pool;
  uint32_t number; // of its member; the caller's is 0
  pthread_t handle;
  uint64_t run_time;       // when the caller last looked
  _Atomic bool is_crowded; // shares a CPU with the caller since one of them was moved
} zoo_pool_worker;

struct zoo_platform_pool {
  // Only the caller's while nobody is about to sleep.
  ZOO_OWN_CACHE_LINE _Atomic uint32_t run; // its number, written when the members know it
  atomic_flag busy;                        // held by the thread whose run the pool does

  ZOO_OWN_CACHE_LINE _Atomic uint32_t remaining; // pieces of the run that have not returned

  // Read in every run, written rarely.
  ZOO_OWN_CACHE_LINE _Atomic uint32_t sleepers; // workers that wait, or are about to, for a new run
  _Atomic bool caller_sleeps;
  _Atomic bool stops;
  _Atomic int caller_cpu;    // where the caller began the run; like `caller`, written while all spans are empty
  _Atomic(pthread_t) caller; // who it is
  _Atomic bool moves_caller; // held by the worker that looks after the caller
  _Atomic uint64_t move_count;

  ZOO_OWN_CACHE_LINE pthread_mutex_t mutex; // guards going to sleep and waking, nothing else
  pthread_cond_t has_run;
  pthread_cond_t is_done;
  uint32_t thread_count;
  uint32_t started_count; // workers running; written by the thread that holds busy
  bool has_started;
  bool spins;
  zoo_cpu_set *allowed;      // for workers
  zoo_pool_worker *workers;  // [thread_count - 1]
  zoo_pool_member members[]; // [thread_count]
};

// Whether all pieces of the run have returned.
bool zoo_pool_is_done(zoo_platform_pool *pool);

// To be asked every ZOO_POOL_STALL_NANOSECONDS by a thread that waits: whether one was stalled and has got its CPU, so that it
// should sleep. The caller looks after the workers; the workers, after the caller: `run_time` is 0 when waiting begins.
bool zoo_pool_helps_worker(zoo_platform_pool *pool);
bool zoo_pool_helps_caller(zoo_pool_worker *self, uint64_t *run_time);

// Before a run, the caller sends workers that were moved to other CPUs: they may stand behind it and cannot go by themselves before it
// loses its CPU. During runs, a worker goes by itself if it finds that it stands where the caller works.
void zoo_pool_spread_workers(zoo_platform_pool *pool);
void zoo_pool_make_room(zoo_pool_worker *self);

#endif
