// Threads of a pool that wait for one without a CPU: see thread_placement.h for why they do not just wait.
//
// Measured with one busy process on two CPUs, networks of 2 to 70 ms: 2.0 to 2.9 times as long as alone when nobody is
// moved, 1.1 to 1.6 times with it; a CPU and a half give 1.33.
#include "thread_stalls.h"

bool zoo_pool_is_done(zoo_platform_pool *pool) {
  return atomic_load_explicit(&pool->remaining, memory_order_seq_cst) == 0;
}

// Whether thread number `thread`, whose handle is `handle`, is at work and has not run since it was last asked.
static bool is_stalled(zoo_platform_pool *pool, uint32_t thread, pthread_t handle, uint64_t *run_time) {
  uint64_t before = *run_time;
  *run_time =
      atomic_load_explicit(&pool->members[thread].works, memory_order_relaxed) ? zoo_thread_run_time(handle) : 0;
  return *run_time != 0 && *run_time == before;
}

bool zoo_pool_helps_worker(zoo_platform_pool *pool) {
  for (uint32_t i = 0; i < pool->started_count; i++) {
    zoo_pool_worker *other = &pool->workers[i];
    if (!is_stalled(pool, other->number, other->handle, &other->run_time))
      continue;
    atomic_store_explicit(&other->is_crowded, true, memory_order_relaxed);
    zoo_move_thread_here(other->handle, true);
    atomic_fetch_add_explicit(&pool->move_count, 1, memory_order_relaxed);
    return true;
  }
  return false;
}

// One worker at a time. The caller is there as long as its run is not done, and a run does not return
// while `moves_caller` is held.
bool zoo_pool_helps_caller(zoo_pool_worker *self, uint64_t *run_time) {
  zoo_platform_pool *pool = self->pool;
  if (atomic_exchange_explicit(&pool->moves_caller, true, memory_order_seq_cst))
    return false;
  pthread_t caller = atomic_load_explicit(&pool->caller, memory_order_relaxed);
  bool stalled = !zoo_pool_is_done(pool) && is_stalled(pool, 0, caller, run_time);
  if (stalled) {
    atomic_store_explicit(&self->is_crowded, true, memory_order_relaxed);
    zoo_move_thread_here(caller, false);
    atomic_fetch_add_explicit(&pool->move_count, 1, memory_order_relaxed);
  }
  atomic_store_explicit(&pool->moves_caller, false, memory_order_release);
  return stalled;
}

void zoo_pool_spread_workers(zoo_platform_pool *pool) {
  int cpu = atomic_load_explicit(&pool->caller_cpu, memory_order_relaxed);
  for (uint32_t i = 0; i < pool->started_count; i++) {
    zoo_pool_worker *other = &pool->workers[i];
    if (atomic_load_explicit(&other->is_crowded, memory_order_relaxed) &&
        atomic_exchange_explicit(&other->is_crowded, false, memory_order_relaxed))
      zoo_avoid_cpu(other->handle, pool->allowed, cpu);
  }
}

void zoo_pool_make_room(zoo_pool_worker *self) {
  int cpu = atomic_load_explicit(&self->pool->caller_cpu, memory_order_relaxed);
  if (self->pool->spins && zoo_current_cpu() == cpu)
    zoo_avoid_cpu(pthread_self(), self->pool->allowed, cpu);
}
