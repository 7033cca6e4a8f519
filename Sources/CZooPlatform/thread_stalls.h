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

// What others see of a thread, 0 being the caller: which pieces are its own, whether it is in the middle of one.
typedef struct {
  ZOO_OWN_CACHE_LINE _Atomic uint64_t span; // its pieces of the run
  _Atomic bool works;
} zoo_pool_member;

typedef struct {
  zoo_platform_pool *pool;
  uint32_t number; // of its member; the caller's is 0
  pthread_t handle;
  zoo_cpu_set *allowed;
  uint64_t run_time; // when the caller last looked
  _Atomic bool is_moved;
} zoo_pool_worker;

struct zoo_platform_pool {
  // What a run is, written while all spans are empty.
  _Atomic(zoo_platform_task) task;
  _Atomic(void *) task_context;

  ZOO_OWN_CACHE_LINE _Atomic uint32_t run;       // its number
  ZOO_OWN_CACHE_LINE _Atomic uint32_t remaining; // pieces of the run that have not returned
  ZOO_OWN_CACHE_LINE _Atomic uint32_t sleepers;  // workers that wait, or are about to, for a new run
  _Atomic bool caller_sleeps;
  _Atomic bool stops;
  atomic_flag busy; // held by the thread whose run the pool does

  // Who the caller is and on which CPU it began the run, written while all spans are empty.
  ZOO_OWN_CACHE_LINE _Atomic int caller_cpu;
  pthread_t caller;
  _Atomic bool moves_caller; // held by the worker that looks after the caller
  _Atomic uint64_t move_count;

  ZOO_OWN_CACHE_LINE pthread_mutex_t mutex; // guards going to sleep and waking, nothing else
  pthread_cond_t has_run;
  pthread_cond_t is_done;
  uint32_t thread_count;
  uint32_t started_count; // workers running; written by the thread that holds busy
  bool has_started;
  bool spins;
  zoo_pool_worker *workers;  // [thread_count - 1]
  zoo_pool_member members[]; // [thread_count]
};

// Whether all pieces of the run have returned.
bool zoo_pool_is_done(zoo_platform_pool *pool);

// To be asked every ZOO_POOL_STALL_NANOSECONDS by a thread that waits: whether one was stalled and has got its CPU, so that it
// should sleep. The caller looks after the workers; the workers, after the caller: `run_time` is 0 when waiting begins.
bool zoo_pool_helps_worker(zoo_platform_pool *pool);
bool zoo_pool_helps_caller(zoo_platform_pool *pool, uint64_t *run_time);

// A worker goes on at another CPU if it was moved, or stands where the caller works.
void zoo_pool_make_room(zoo_pool_worker *self);

#endif
