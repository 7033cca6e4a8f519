// Threads that run the pieces of one operator, on pthreads.
//
// Each thread has a span of neighbouring pieces, so that it finds in its cache what it wrote in the operator before. It takes them from
// the front; once it has none left it takes those of others, from the back. A span is one 64-bit word: the number
// of the run, the next piece and the end. A piece is claimed by replacing the word, which fails if it has changed meanwhile; so a
// worker that comes late can neither do a piece twice nor take one of a run it has not seen, and a run ends when its pieces
// are done, whoever still sleeps.
//
// Beside another busy process a thread loses its CPU in the middle of a piece, for milliseconds. Who waits for it
// then gives it the CPU that waiting would waste (thread_stalls.c).
#include "thread_stalls.h"
#include "zoo_system.h"

#include <signal.h>
#include <stdlib.h>

// How long a thread polls before it sleeps: longer than the operators that one thread does alone and most of the last pieces of others. With
// 20 us networks take 2 to 4 % longer on two threads; with 100, VGG16 beside a busy process 1.38 instead of 1.30 times as long as alone,
// because a worker that slept comes back behind the other process, up to a tick later.
#define SPIN_NANOSECONDS 300000u
#define PAUSES_PER_CLOCK_READ 16

// A span: 24 bits of the run's number, 20 of the next piece, 20 of the end.
#define SPAN_BITS 20
#define SPAN_MASK ((1u << SPAN_BITS) - 1)
#define RUN_MASK ((1u << (64 - 2 * SPAN_BITS)) - 1)

static uint64_t make_span(uint32_t run, uint32_t next, uint32_t end) {
  return (uint64_t)run << 2 * SPAN_BITS | (uint64_t)next << SPAN_BITS | end;
}
static uint32_t span_run(uint64_t span) { return (uint32_t)(span >> 2 * SPAN_BITS); }
static uint32_t span_next(uint64_t span) { return (uint32_t)(span >> SPAN_BITS) & SPAN_MASK; }
static uint32_t span_end(uint64_t span) { return (uint32_t)span & SPAN_MASK; }

static void pause_briefly(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__) || defined(__arm__)
  __asm__ volatile("yield");
#endif
}

// --- claiming ------------------------------------------------------------------------------------

// Does a piece of the span of `owner` as thread number `thread`; false if there is none left.
static bool do_piece(zoo_platform_pool *pool, uint32_t owner, uint32_t thread) {
  zoo_pool_member *member = &pool->members[owner];
  uint64_t span = atomic_load_explicit(&member->span, memory_order_acquire), rest;
  zoo_platform_task task;
  void *context;
  uint32_t index;
  do {
    // A later run's, if that has begun meanwhile; but then this span had been used up, and the exchange below fails.
    task = atomic_load_explicit(&member->task, memory_order_acquire);
    context = atomic_load_explicit(&member->task_context, memory_order_acquire);
    if (span_next(span) >= span_end(span))
      return false;
    index = owner == thread ? span_next(span) : span_end(span) - 1;
    rest = owner == thread ? span + (1u << SPAN_BITS) : span - 1;
  } while (
      !atomic_compare_exchange_weak_explicit(&member->span, &span, rest, memory_order_acq_rel, memory_order_acquire));
  task(context, index);
  return true;
}

// Does pieces as thread number `thread` until the current run has none left.
static void do_pieces(zoo_platform_pool *pool, uint32_t thread) {
  zoo_pool_member *self = &pool->members[thread];
  uint32_t done = 0;
  atomic_store_explicit(&self->works, true, memory_order_relaxed);
  for (uint32_t i = 0; i < pool->thread_count; i++)
    while (do_piece(pool, (thread + i) % pool->thread_count, thread))
      done++;
  // The run is not over before this, so that these were all pieces of one run.
  bool was_last = done > 0 && atomic_fetch_sub_explicit(&pool->remaining, done, memory_order_seq_cst) == done;
  atomic_store_explicit(&self->works, false, memory_order_relaxed);
  if (was_last && atomic_load_explicit(&pool->caller_sleeps, memory_order_seq_cst)) {
    // Signalled after unlocking: who wakes at the same CPU comes first, and would have to wait for the mutex.
    pthread_mutex_lock(&pool->mutex);
    pthread_mutex_unlock(&pool->mutex);
    pthread_cond_signal(&pool->is_done);
  }
}

// --- waiting -------------------------------------------------------------------------------------

// The number of the last run that a worker has pieces of.
static uint32_t known_run(zoo_pool_worker *self) {
  return span_run(atomic_load_explicit(&self->pool->members[self->number].span, memory_order_relaxed));
}

static bool stops(zoo_platform_pool *pool) { return atomic_load_explicit(&pool->stops, memory_order_relaxed); }

// Polls for a while; false if the time passed, or another thread needs this CPU more. The caller (`self` is NULL) waits for the end
// of its run, a worker for another run than the last.
static bool spin(zoo_platform_pool *pool, zoo_pool_worker *self, uint32_t last_run) {
  if (!pool->spins)
    return false;
  uint64_t start = zoo_platform_nanoseconds(), now = start, next_look = start + ZOO_POOL_STALL_NANOSECONDS,
           caller_time = 0;
  for (uint32_t i = 0; !self && i < pool->started_count; i++)
    pool->workers[i].run_time = 0;
  do {
    for (int i = 0; i < PAUSES_PER_CLOCK_READ; i++) {
      if (self ? known_run(self) != last_run || stops(pool) : zoo_pool_is_done(pool))
        return true;
      pause_briefly();
    }
    now = zoo_platform_nanoseconds();
    if (now >= next_look) {
      next_look += ZOO_POOL_STALL_NANOSECONDS;
      if (self ? zoo_pool_helps_caller(self, &caller_time) : zoo_pool_helps_worker(pool))
        return false;
    }
  } while (now - start < SPIN_NANOSECONDS);
  return false;
}

// Sleepers are counted before the last look at the number of the run, which is published, after the spans, before the last look at the
// sleepers (both sequentially consistent): one of the two sides always sees the other.
static void wait_for_run(zoo_pool_worker *self, uint32_t last_run) {
  zoo_platform_pool *pool = self->pool;
  if (spin(pool, self, last_run))
    return;
  pthread_mutex_lock(&pool->mutex);
  atomic_fetch_add_explicit(&pool->sleepers, 1, memory_order_seq_cst);
  while ((atomic_load_explicit(&pool->run, memory_order_seq_cst) & RUN_MASK) == last_run && !stops(pool))
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
  if (zoo_pool_is_done(pool) || spin(pool, NULL, 0))
    return;
  pthread_mutex_lock(&pool->mutex);
  atomic_store_explicit(&pool->caller_sleeps, true, memory_order_seq_cst);
  while (!zoo_pool_is_done(pool))
    pthread_cond_wait(&pool->is_done, &pool->mutex);
  atomic_store_explicit(&pool->caller_sleeps, false, memory_order_relaxed);
  pthread_mutex_unlock(&pool->mutex);
}

// --- workers -------------------------------------------------------------------------------------

static void *work(void *argument) {
  zoo_pool_worker *self = argument;
  while (!stops(self->pool)) {
    uint32_t run = known_run(self);
    zoo_pool_make_room(self);
    do_pieces(self->pool, self->number);
    zoo_pool_make_room(self);
    wait_for_run(self, run);
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
  pool->allowed = zoo_allowed_cpus();
  sigset_t before;
  block_signals(&before);
  while (pool->started_count < pool->thread_count - 1) {
    zoo_pool_worker *next = &pool->workers[pool->started_count];
    next->pool = pool;
    next->number = pool->started_count + 1;
    if (pthread_create(&next->handle, NULL, work, next) != 0)
      break;
    pool->started_count++;
  }
  pthread_sigmask(SIG_SETMASK, &before, NULL);
}

// --- the interface -------------------------------------------------------------------------------

zoo_platform_pool *zoo_platform_pool_create(uint32_t thread_count) {
  if (thread_count < 1 || thread_count > ZOO_PLATFORM_POOL_MAX)
    return NULL;
  zoo_platform_pool *pool = zoo_platform_allocate(sizeof *pool + thread_count * sizeof pool->members[0]);
  if (!pool)
    return NULL;
  pool->workers = calloc(thread_count, sizeof pool->workers[0]);
  if (!pool->workers)
    goto no_mutex;
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
  free(pool->workers);
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
    pthread_join(pool->workers[i].handle, NULL);
  pthread_cond_destroy(&pool->is_done);
  pthread_cond_destroy(&pool->has_run);
  pthread_mutex_destroy(&pool->mutex);
  free(pool->allowed);
  free(pool->workers);
  zoo_platform_free(pool);
}

uint64_t zoo_platform_pool_move_count(const zoo_platform_pool *pool) {
  return atomic_load_explicit(&pool->move_count, memory_order_relaxed);
}

uint32_t zoo_platform_pool_thread_count(const zoo_platform_pool *pool) { return pool ? pool->thread_count : 1; }

// Others read both in every run: not written unless they change.
static void remember_caller(zoo_platform_pool *pool) {
  int cpu = zoo_current_cpu();
  pthread_t self = pthread_self();
  if (atomic_load_explicit(&pool->caller_cpu, memory_order_relaxed) != cpu)
    atomic_store_explicit(&pool->caller_cpu, cpu, memory_order_relaxed);
  if (!pthread_equal(atomic_load_explicit(&pool->caller, memory_order_relaxed), self))
    atomic_store_explicit(&pool->caller, self, memory_order_relaxed);
}

void zoo_platform_pool_run(void *handle, size_t task_count, zoo_platform_task task, void *task_context) {
  zoo_platform_pool *pool = handle;
  bool alone = !pool || pool->thread_count == 1 || task_count < 2 || task_count > SPAN_MASK;
  if (alone || atomic_flag_test_and_set_explicit(&pool->busy, memory_order_acquire)) {
    for (size_t i = 0; i < task_count; i++)
      task(task_context, i);
    return;
  }
  start_workers(pool);
  uint32_t run = atomic_load_explicit(&pool->run, memory_order_relaxed) + 1, count = (uint32_t)task_count;
  remember_caller(pool);
  zoo_pool_spread_workers(pool);
  atomic_store_explicit(&pool->remaining, count, memory_order_release);
  for (uint32_t i = 0; i < pool->thread_count; i++) {
    uint32_t first = (uint32_t)((uint64_t)count * i / pool->thread_count);
    uint32_t end = (uint32_t)((uint64_t)count * (i + 1) / pool->thread_count);
    zoo_pool_member *member = &pool->members[i];
    atomic_store_explicit(&member->task, task, memory_order_relaxed);
    atomic_store_explicit(&member->task_context, task_context, memory_order_relaxed);
    atomic_store_explicit(&member->span, make_span(run, first, end), memory_order_release);
  }
  atomic_store_explicit(&pool->run, run, memory_order_seq_cst);
  wake_workers(pool, count - 1);
  do_pieces(pool, 0);
  wait_until_done(pool);
  while (atomic_load_explicit(&pool->moves_caller, memory_order_seq_cst))
    pause_briefly();
  atomic_flag_clear_explicit(&pool->busy, memory_order_release);
}
