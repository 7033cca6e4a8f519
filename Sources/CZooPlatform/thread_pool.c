// Threads that run the pieces of one operator, on pthreads.
//
// A run is published in one 64-bit word, the ticket: its upper half is the number of the run, its
// lower half the next index to hand out. A thread claims an index by replacing the ticket with the
// one after it, which fails if the run has changed meanwhile; so a worker that comes late can
// neither do a piece twice nor take one of a run it has not seen, and a run ends when its pieces
// are done, whoever still sleeps.
#include "zoo_system.h"
#include "zoo_thread_pool.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

// How long a thread polls before it sleeps: as long as the longest operators that one thread does alone while
// the others wait. With 20 us instead, networks take 2 to 4 % longer on two threads.
#define SPIN_NANOSECONDS 100000u
#define PAUSES_PER_CLOCK_READ 16

#define CLOSED UINT32_MAX // the lower half of a ticket that has nothing to claim

#define OWN_CACHE_LINE _Alignas(64)

struct zoo_platform_pool {
  // What a run is, written while the ticket is closed.
  _Atomic(zoo_platform_task) task;
  _Atomic(void *) task_context;
  _Atomic uint32_t task_count;

  OWN_CACHE_LINE _Atomic uint64_t ticket;
  OWN_CACHE_LINE _Atomic uint32_t remaining; // pieces of the run that have not returned
  OWN_CACHE_LINE _Atomic uint32_t sleepers;  // workers that wait, or are about to, for a new run
  _Atomic bool caller_sleeps;
  _Atomic bool stops;
  atomic_flag busy; // held by the thread whose run the pool does

  OWN_CACHE_LINE pthread_mutex_t mutex; // guards going to sleep and waking, nothing else
  pthread_cond_t has_run;
  pthread_cond_t is_done;
  uint32_t thread_count;
  uint32_t started_count; // workers running; written by the thread that holds busy
  bool has_started;
  bool spins;
  pthread_t threads[]; // [thread_count - 1]
};

static uint32_t run_number(uint64_t ticket) { return (uint32_t)(ticket >> 32); }
static uint32_t next_index(uint64_t ticket) { return (uint32_t)ticket; }
static uint64_t make_ticket(uint32_t run, uint32_t index) { return (uint64_t)run << 32 | index; }

static void pause_briefly(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__) || defined(__arm__)
  __asm__ volatile("yield");
#endif
}

// --- claiming ------------------------------------------------------------------------------------

// Does pieces until the current run has none left, and returns that run's number.
static uint32_t do_pieces(zoo_platform_pool *pool) {
  uint64_t ticket = atomic_load_explicit(&pool->ticket, memory_order_acquire);
  for (;;) {
    // Acquire: who sees the count of a later run here also sees that the ticket was closed before,
    // so that the exchange below fails.
    uint32_t count = atomic_load_explicit(&pool->task_count, memory_order_acquire);
    zoo_platform_task task = atomic_load_explicit(&pool->task, memory_order_acquire);
    void *context = atomic_load_explicit(&pool->task_context, memory_order_acquire);
    uint32_t index = next_index(ticket);
    if (index == CLOSED || index >= count)
      return run_number(ticket);
    if (!atomic_compare_exchange_weak_explicit(&pool->ticket, &ticket, ticket + 1, memory_order_acq_rel,
                                               memory_order_acquire))
      continue;
    ticket += 1;
    task(context, index);
    if (atomic_fetch_sub_explicit(&pool->remaining, 1, memory_order_seq_cst) == 1 &&
        atomic_load_explicit(&pool->caller_sleeps, memory_order_seq_cst)) {
      pthread_mutex_lock(&pool->mutex);
      pthread_cond_signal(&pool->is_done);
      pthread_mutex_unlock(&pool->mutex);
    }
  }
}

// --- waiting
// ---------------------------------------------------------------------------------------

static bool has_news(zoo_platform_pool *pool, uint32_t last_run) {
  uint64_t ticket = atomic_load_explicit(&pool->ticket, memory_order_seq_cst);
  return (run_number(ticket) != last_run && next_index(ticket) != CLOSED) ||
         atomic_load_explicit(&pool->stops, memory_order_relaxed);
}

static bool is_done(zoo_platform_pool *pool) {
  return atomic_load_explicit(&pool->remaining, memory_order_seq_cst) == 0;
}

// Polls for a while; false if the time passed. `last_run` concerns workers; the caller waits for
// the end.
static bool spin(zoo_platform_pool *pool, bool is_caller, uint32_t last_run) {
  if (!pool->spins)
    return false;
  uint64_t start = zoo_platform_nanoseconds();
  do {
    for (int i = 0; i < PAUSES_PER_CLOCK_READ; i++) {
      if (is_caller ? is_done(pool) : has_news(pool, last_run))
        return true;
      pause_briefly();
    }
  } while (zoo_platform_nanoseconds() - start < SPIN_NANOSECONDS);
  return false;
}

// Sleepers are counted before the last look at the ticket, and the ticket is published before the
// last look at the sleepers (both sequentially consistent): one of the two sides always sees the
// other.
static void wait_for_run(zoo_platform_pool *pool, uint32_t last_run) {
  if (spin(pool, false, last_run))
    return;
  pthread_mutex_lock(&pool->mutex);
  atomic_fetch_add_explicit(&pool->sleepers, 1, memory_order_seq_cst);
  while (!has_news(pool, last_run))
    pthread_cond_wait(&pool->has_run, &pool->mutex);
  atomic_fetch_sub_explicit(&pool->sleepers, 1, memory_order_relaxed);
  pthread_mutex_unlock(&pool->mutex);
}

static void wake_workers(zoo_platform_pool *pool, uint32_t wanted) {
  uint32_t sleepers = atomic_load_explicit(&pool->sleepers, memory_order_seq_cst);
  if (sleepers == 0)
    return;
  pthread_mutex_lock(&pool->mutex);
  if (wanted >= sleepers) {
    pthread_cond_broadcast(&pool->has_run);
  } else {
    for (uint32_t i = 0; i < wanted; i++)
      pthread_cond_signal(&pool->has_run);
  }
  pthread_mutex_unlock(&pool->mutex);
}

static void wait_until_done(zoo_platform_pool *pool) {
  if (is_done(pool) || spin(pool, true, 0))
    return;
  pthread_mutex_lock(&pool->mutex);
  atomic_store_explicit(&pool->caller_sleeps, true, memory_order_seq_cst);
  while (!is_done(pool))
    pthread_cond_wait(&pool->is_done, &pool->mutex);
  atomic_store_explicit(&pool->caller_sleeps, false, memory_order_relaxed);
  pthread_mutex_unlock(&pool->mutex);
}

// --- workers
// ---------------------------------------------------------------------------------------

static void *work(void *argument) {
  zoo_platform_pool *pool = argument;
  uint32_t last_run = 0;
  while (!atomic_load_explicit(&pool->stops, memory_order_relaxed)) {
    last_run = do_pieces(pool);
    wait_for_run(pool, last_run);
  }
  return NULL;
}

// Signals of the host program belong to its own threads; only those that a fault raises stay,
// because a blocked fault would kill the process without its handler.
static void block_signals(sigset_t *before) {
  sigset_t blocked;
  sigfillset(&blocked);
  sigdelset(&blocked, SIGSEGV);
  sigdelset(&blocked, SIGBUS);
  sigdelset(&blocked, SIGFPE);
  sigdelset(&blocked, SIGILL);
  sigdelset(&blocked, SIGTRAP);
  pthread_sigmask(SIG_SETMASK, &blocked, before);
}

// With fewer threads than asked for the pool still does all pieces, so failing to start one is no
// error.
static void start_workers(zoo_platform_pool *pool) {
  if (pool->has_started)
    return;
  pool->has_started = true;
  sigset_t before;
  block_signals(&before);
  while (pool->started_count < pool->thread_count - 1 &&
         pthread_create(&pool->threads[pool->started_count], NULL, work, pool) == 0)
    pool->started_count++;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
}

// --- the interface
// -----------------------------------------------------------------------------------

zoo_platform_pool *zoo_platform_pool_create(uint32_t thread_count) {
  if (thread_count < 1 || thread_count > ZOO_PLATFORM_POOL_MAX)
    return NULL;
  zoo_platform_pool *pool = zoo_platform_allocate(sizeof *pool + (thread_count - 1) * sizeof pool->threads[0]);
  if (!pool)
    return NULL;
  atomic_init(&pool->ticket, make_ticket(0, CLOSED));
  atomic_flag_clear(&pool->busy);
  pool->thread_count = thread_count;
  pool->spins = thread_count <= zoo_platform_cpu_count();
  if (pthread_mutex_init(&pool->mutex, NULL) != 0)
    goto no_mutex;
  if (pthread_cond_init(&pool->has_run, NULL) != 0)
    goto no_run;
  if (pthread_cond_init(&pool->is_done, NULL) != 0)
    goto no_done;
  return pool;

no_done:
  pthread_cond_destroy(&pool->has_run);
no_run:
  pthread_mutex_destroy(&pool->mutex);
no_mutex:
  zoo_platform_free(pool);
  return NULL;
}

void zoo_platform_pool_destroy(zoo_platform_pool *pool) {
  if (!pool)
    return;
  pthread_mutex_lock(&pool->mutex);
  atomic_store_explicit(&pool->stops, true, memory_order_relaxed);
  pthread_cond_broadcast(&pool->has_run);
  pthread_mutex_unlock(&pool->mutex);
  for (uint32_t i = 0; i < pool->started_count; i++)
    pthread_join(pool->threads[i], NULL);
  pthread_cond_destroy(&pool->is_done);
  pthread_cond_destroy(&pool->has_run);
  pthread_mutex_destroy(&pool->mutex);
  zoo_platform_free(pool);
}

uint32_t zoo_platform_pool_thread_count(const zoo_platform_pool *pool) { return pool ? pool->thread_count : 1; }

void zoo_platform_pool_run(void *handle, size_t task_count, zoo_platform_task task, void *task_context) {
  zoo_platform_pool *pool = handle;
  bool alone = !pool || pool->thread_count == 1 || task_count < 2 || task_count >= CLOSED;
  if (alone || atomic_flag_test_and_set_explicit(&pool->busy, memory_order_acquire)) {
    for (size_t i = 0; i < task_count; i++)
      task(task_context, i);
    return;
  }
  start_workers(pool);
  uint32_t run = run_number(atomic_load_explicit(&pool->ticket, memory_order_relaxed));
  atomic_store_explicit(&pool->ticket, make_ticket(run, CLOSED), memory_order_relaxed);
  atomic_store_explicit(&pool->task, task, memory_order_release);
  atomic_store_explicit(&pool->task_context, task_context, memory_order_release);
  atomic_store_explicit(&pool->task_count, (uint32_t)task_count, memory_order_release);
  atomic_store_explicit(&pool->remaining, (uint32_t)task_count, memory_order_relaxed);
  atomic_store_explicit(&pool->ticket, make_ticket(run + 1, 0), memory_order_seq_cst);
  wake_workers(pool, (uint32_t)task_count - 1);
  do_pieces(pool);
  wait_until_done(pool);
  atomic_flag_clear_explicit(&pool->busy, memory_order_release);
}
