// Threads that run the pieces of one operator: the host's `zoo_parallel`.
//
// One run hands out the indices 0 ..< task_count. The thread that calls works too, so a pool of n
// threads starts n - 1 workers, and a run never waits for a worker that has not begun a piece:
// where workers are slow to wake, or cannot be had at all, the caller does the work. All state is
// in the pool, but for a flag that lets one thread of the process at a time be moved (below).
//
// Where more threads want to run than there are CPUs (another process works), threads of a run are moved between CPUs so
// that nobody waits for one that has none. The CPUs that the calling thread may use are the same afterwards.
#ifndef ZOO_THREAD_POOL_H
#define ZOO_THREAD_POOL_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct zoo_platform_pool zoo_platform_pool;

// The same function type as `zoo_task` of zoo.h.
typedef void (*zoo_platform_task)(void *task_context, size_t index);

// Most threads a pool may have.
#define ZOO_PLATFORM_POOL_MAX 1024u

// A pool of `thread_count` threads, the calling one included: 1 ... ZOO_PLATFORM_POOL_MAX. No
// thread is started before the first run that has something to share. NULL if there is no memory or
// the count is out of range.
zoo_platform_pool *zoo_platform_pool_create(uint32_t thread_count);

// Ends and joins the workers, then frees the pool. No run may be in progress. NULL is welcome.
// In a child made by fork() there are no workers to join: do not destroy (or use) a parent's pool
// there.
void zoo_platform_pool_destroy(zoo_platform_pool *pool);

// The count given at creation; 1 for NULL.
uint32_t zoo_platform_pool_thread_count(const zoo_platform_pool *pool);

// How many times so far a thread that had lost its CPU in the middle of a piece was given that of one that waited.
uint64_t zoo_platform_pool_move_count(const zoo_platform_pool *pool);

// Calls task(task_context, i) once for each i < task_count, in any order, and returns when all have
// returned. What the caller wrote before is visible to the pieces; what they wrote is visible to
// the caller afterwards.
//
// Any number of threads may call it at once, and a piece may call it: while one run has the pool,
// others do their pieces themselves, in order. `pool` is a zoo_platform_pool * (void * so as to fit
// `zoo_parallel.run`).
void zoo_platform_pool_run(void *pool, size_t task_count, zoo_platform_task task, void *task_context);

#ifdef __cplusplus
}
#endif
#endif
