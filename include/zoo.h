/**
 * zoo.h - convolutional network inference in caller-owned memory.
 *
 * Zoo runs a compiled model (a `.zoo` file, see zoo/FORMAT.md) inside one block of memory that you own.
 * This header is the whole core interface: it needs no operating system, no heap and no C library
 * beyond memcpy, memmove, memset and memcmp, and is the same on a microcontroller and on a server. Files, images and
 * threads are in zoo_image.h.
 *
 * HOW TO USE IT
 *   static uint8_t arena[LENET5_ARENA_BYTES] __attribute__((aligned(64)));
 *   zoo_session *s; zoo_error e;
 *   if (zoo_session_init(model, model_size, arena, sizeof arena, NULL, &s, &e)) return fail(e.message);
 *   memcpy(zoo_input(s, 0)->data, pixels, zoo_input(s, 0)->size);
 *   if (zoo_run(s, &e)) return fail(e.message);
 *   best = zoo_argmax(zoo_output(s, 0));
 *
 * RULES THAT HOLD EVERYWHERE
 *   Ownership  The library never frees what it did not make and keeps no copy of what you pass, only the pointer:
 *              the model's bytes and the arena must outlive the session and the model's bytes must not change.
 *   Threads    There is no global state. Functions on different sessions may run at the same time; one
 *              session is used by one thread at a time. Any number of sessions may share one model's bytes.
 *   Errors     Every function that can fail returns a zoo_status; ZOO_OK is 0. If `error` is not NULL and the
 *              call fails, it receives the status, the node concerned (or ZOO_NO_NODE) and a message.
 *              On failure outputs are untouched, except that pointers asked for are set to NULL.
 *              No input, however wrong, makes the library crash or read outside the memory it was given.
 *   Names      `_size` is in bytes, `_count` is in elements. Subject first, outputs after inputs, error last.
 *   Layout     Tensors are row-major; images are NHWC: [batch, height, width, channels].
 *   Since      Every function: since 0.1 unless stated.
 */
#ifndef ZOO_H
#define ZOO_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define ZOO_API __attribute__((visibility("default")))
#else
#define ZOO_API
#endif

/* ---- version ---------------------------------------------------------------------------------- */

#define ZOO_VERSION_MAJOR 0
#define ZOO_VERSION_MINOR 1
#define ZOO_VERSION_PATCH 0

/** Version of the library linked in, as "0.1.0". Static memory; never NULL. */
ZOO_API const char *zoo_version(void);

/* ---- status and errors ------------------------------------------------------------------------ */

/** Result of a call. Values are pinned: they are never renumbered or reused. */
typedef enum zoo_status {
  ZOO_OK = 0,
  /* arguments */
  ZOO_INVALID_ARGUMENT = 10, /**< NULL where none is allowed, an index out of range, a wrong size */
  /* memory */
  ZOO_ARENA_TOO_SMALL = 20, /**< or scratch memory is; the message says how many bytes are needed */
  ZOO_MISALIGNED = 21,      /**< model, arena or scratch memory does not start at a multiple of 16 */
  ZOO_OUT_OF_MEMORY = 22,   /**< host tier only */
  /* the model file */
  ZOO_NOT_A_MODEL = 30,       /**< the bytes do not begin like a .zoo file */
  ZOO_MODEL_VERSION = 31,     /**< made for a newer format than this library reads */
  ZOO_MODEL_TRUNCATED = 32,   /**< shorter or longer than it says */
  ZOO_MODEL_CORRUPT = 33,     /**< a field contradicts another */
  ZOO_CHECKSUM_MISMATCH = 34, /**< the bytes changed since they were written */
  /* the graph */
  ZOO_UNSUPPORTED_OPERATOR = 40, /**< not in the operator table in use */
  ZOO_INVALID_SHAPE = 41,        /**< shapes that the operator cannot combine */
  ZOO_UNSUPPORTED_TYPE = 42,     /**< an element type that the operator does not take */
  ZOO_INVALID_ATTRIBUTE = 43,    /**< a parameter out of its range */
  /* running */
  ZOO_OPERATOR_FAILED = 50, /**< a custom operator reported failure */
  ZOO_ISA_UNAVAILABLE = 51, /**< this CPU or build lacks the instruction set asked for */
  /* files (host tier) */
  ZOO_FILE_NOT_FOUND = 60,
  ZOO_FILE_UNREADABLE = 61,
  /* images (host tier) */
  ZOO_IMAGE_FORMAT = 70,             /**< neither PNG nor JPEG, or a kind of them that is not supported */
  ZOO_IMAGE_CORRUPT = 71,            /**< damaged or truncated */
  ZOO_IMAGE_TOO_LARGE = 72,          /**< more pixels than the limit; decided from the header */
  ZOO_STATUS_IS_32_BITS = 0x7fffffff /**< not a status: gives the type the same size under -fshort-enums */
} zoo_status;

#define ZOO_NO_NODE UINT32_MAX
#define ZOO_MESSAGE_SIZE 120

/** Details of a failure, in memory of the caller. The message ends with a zero byte and has no newline. */
typedef struct zoo_error {
  zoo_status status;
  uint32_t node; /**< index of the node concerned, or ZOO_NO_NODE */
  char message[ZOO_MESSAGE_SIZE];
} zoo_error;

/** One line about a status. Static memory; never NULL, also for unknown values. */
ZOO_API const char *zoo_status_string(zoo_status status);

/* ---- instruction sets --------------------------------------------------------------------------- */

/** Families of kernels. A session takes the best the CPU has, or the one asked for. */
typedef enum zoo_isa {
  ZOO_ISA_AUTO = 0,
  ZOO_ISA_SCALAR = 1,     /**< portable code: the meaning all others are tested against */
  ZOO_ISA_AVX2 = 2,       /**< AVX2 and FMA */
  ZOO_ISA_AVX512 = 3,     /**< AVX-512 F, BW, DQ, VL */
  ZOO_ISA_AVX512VNNI = 4, /**< and VNNI: dot products of bytes */
  ZOO_ISA_AVX512BF16 = 5, /**< and BF16, dot products of bf16; and VBMI, tables of bytes */
  ZOO_ISA_AMX = 6,        /**< and AMX: products of tiles of bytes; used if the system gives this process leave to */
  ZOO_ISA_NEON = 16,      /**< NEON, which every AArch64 has */
  ZOO_ISA_NEONDOT = 17,   /**< and its dot products of bytes */
  ZOO_ISA_IS_32_BITS = 0x7fffffff
} zoo_isa;

/**
 * "auto", "scalar", "avx2", "avx512", "avx512vnni", "avx512bf16", "amx", "neon", "neondot"; "unknown" otherwise.
 * Static memory.
 */
ZOO_API const char *zoo_isa_name(zoo_isa isa);

/** 1 if this CPU and this build can run `isa`, else 0. ZOO_ISA_AUTO and ZOO_ISA_SCALAR always can. */
ZOO_API int zoo_isa_available(zoo_isa isa);

/* ---- tensors -------------------------------------------------------------------------------------- */

#define ZOO_MAX_RANK 6

typedef enum zoo_type {
  ZOO_F32 = 1,
  ZOO_I8 = 2,
  ZOO_U8 = 3,
  ZOO_I32 = 4,
  ZOO_I16 = 5,
  ZOO_F16 = 6,
  ZOO_BF16 = 7,
  ZOO_TYPE_IS_32_BITS = 0x7fffffff
} zoo_type;

/** How a constant's elements are ordered in memory (zoo/FORMAT.md). Activations are always plain. */
typedef enum zoo_layout {
  ZOO_LAYOUT_PLAIN = 0,    /**< row-major */
  ZOO_LAYOUT_PANELS16 = 1, /**< [rows, columns] as panels of 16 columns, the last one narrower */
  ZOO_LAYOUT_QUADS16 = 2,  /**< the same, but 4 rows of a column side by side: bytes of integer weights */
  ZOO_LAYOUT_PAIRS16 = 3,  /**< the same, but 2 rows of a column side by side: weights of bf16 */
  ZOO_LAYOUT_IS_32_BITS = 0x7fffffff
} zoo_layout;

/** A view of elements somewhere in memory; it owns nothing. */
typedef struct zoo_tensor {
  void *data;       /**< NULL only for an absent optional operand */
  size_t size;      /**< bytes from the first element to the end of the last */
  const char *name; /**< zero-terminated UTF-8 inside the model; "" if unnamed */
  zoo_type type;
  zoo_layout layout;
  uint32_t rank;
  int32_t shape[ZOO_MAX_RANK]; /**< outermost first; entries past `rank` are 1 */
  int32_t row_stride;          /**< elements from one innermost vector to the next; shape[rank-1] when dense.
                                    Larger where the tensor is a channel slice of a concatenation. Model inputs
                                    and outputs are always dense. */
  uint32_t scale_count;        /**< 0: not quantised; 1: per tensor; else one per index of scale_axis */
  uint32_t scale_axis;         /**< the axis scales belong to, if scale_count > 1 */
  const float *scales;         /**< real = scale * (q - zero_point) */
  const int32_t *zero_points;  /**< scale_count values */
} zoo_tensor;

/** Index of the largest element (the first of equals; NaN never wins). 0 for NULL or an unsupported type. */
ZOO_API size_t zoo_argmax(const zoo_tensor *tensor);

/* ---- parallelism ---------------------------------------------------------------------------------- */

/** One piece of work; pieces are independent of each other. */
typedef void (*zoo_task)(void *task_context, size_t index);

/**
 * Who runs the pieces. `run` calls task(task_context, i) once for each i < task_count, in any order on
 * any threads, and returns when all are done. Results do not depend on thread_count, which only says into how
 * many pieces work is worth cutting.
 */
typedef struct zoo_parallel {
  void *context;
  uint32_t thread_count;
  void (*run)(void *context, size_t task_count, zoo_task task, void *task_context);
} zoo_parallel;

/* ---- operators -------------------------------------------------------------------------------------- */

struct zoo_runtime;

/** A node of a model while it is prepared or run. All pointers are valid for that call only. */
typedef struct zoo_node {
  uint32_t index;
  uint32_t input_count, output_count;
  const char *name;
  const zoo_tensor *inputs;  /**< [input_count] */
  const zoo_tensor *outputs; /**< [output_count]; during prepare their data is NULL */
  const void *attributes;    /**< little-endian 32-bit words, as the operator defines them */
  size_t attributes_size;
  void *scratch; /**< planned temporary memory of this node; contents undefined; NULL during prepare */
  size_t scratch_size;
  const struct zoo_runtime *runtime; /**< for zoo_parallel_for */
} zoo_node;

/**
 * One entry of an operator table.
 *
 * `prepare` runs once when the session is made, before any memory is taken: it must check the number of operands,
 * shapes, types and attributes, so that `run` cannot go wrong; on failure it returns a status and may fill `error`
 * (never NULL). `run` computes the outputs from the inputs; it must neither allocate nor block.
 * Both are called by the thread that called the session.
 *
 * Built-in operators are identified by `code`; a custom one has code 0 and is found by `name`.
 */
typedef struct zoo_operator {
  uint32_t code;
  const char *name;
  zoo_status (*prepare)(const zoo_node *node, zoo_error *error);
  zoo_status (*run)(const zoo_node *node, zoo_error *error);
} zoo_operator;

/**
 * The built-in operators: X(code, name). Codes are part of the file format and never reused.
 * For each there is a constant `zoo_op_<name>`; firmware lists just those its model uses.
 */
#define ZOO_OPERATORS(X)      \
  X(1, conv2d)                \
  X(2, depthwise_conv2d)      \
  X(3, dense)                 \
  X(4, pool)                  \
  X(5, global_pool)           \
  X(6, binary)                \
  X(7, unary)                 \
  X(8, concat)                \
  X(9, pad)                   \
  X(10, reshape)              \
  X(11, transpose)            \
  X(12, batch_norm)           \
  X(13, local_response_norm)  \
  X(14, softmax)              \
  X(15, slice)                \
  X(16, mean)                 \
  X(17, conv2d_i8)            \
  X(18, depthwise_conv2d_i8)  \
  X(19, dense_i8)             \
  X(20, pool_i8)              \
  X(21, global_pool_i8)       \
  X(22, binary_i8)            \
  X(23, lookup)               \
  X(24, quantize)             \
  X(25, dequantize)           \
  X(26, conv2d_i16)           \
  X(27, depthwise_conv2d_i16) \
  X(28, dense_i16)            \
  X(29, pool_i16)             \
  X(30, global_pool_i16)      \
  X(31, binary_i16)           \
  X(32, quantize_i16)         \
  X(33, dequantize_i16)       \
  X(34, requantize)

#define ZOO_DECLARE_OPERATOR(code, name) ZOO_API extern const zoo_operator zoo_op_##name;
ZOO_OPERATORS(ZOO_DECLARE_OPERATOR)
#undef ZOO_DECLARE_OPERATOR

/** All built-in operators; `*count` receives how many. Static memory. Referring to it links all of them. */
ZOO_API const zoo_operator *const *zoo_all_operators(size_t *count);

/** For custom operators: runs task(context, i) for i < count on the session's threads. */
ZOO_API void zoo_parallel_for(const zoo_node *node, size_t count, zoo_task task, void *context);

/** Number of threads a custom operator may cut its work for; at least 1. */
ZOO_API uint32_t zoo_thread_count(const zoo_node *node);

/* ---- sessions --------------------------------------------------------------------------------------- */

/** A model bound to an arena. Lives inside the arena: there is nothing to free. */
typedef struct zoo_session zoo_session;

/**
 * Called after each node has run (`done` 1) and before it (`done` 0), on the session's thread: for profiles and observers.
 * Tensors between layers with weights of ZOO_BF16 may be ZOO_BF16 where the model says ZOO_F32: look at `type`.
 */
typedef void (*zoo_observer)(void *context, const zoo_node *node, int done);

/** Nanoseconds since some moment, the same for all threads. */
typedef uint64_t (*zoo_clock)(void);

#define ZOO_SKIP_WEIGHT_CHECKSUM 1u /**< do not read all weights when the session is made */

/** Options; zero-initialise it, set struct_size to sizeof(zoo_options), then what you need. */
typedef struct zoo_options {
  uint32_t struct_size;
  uint32_t flags;                       /**< ZOO_SKIP_WEIGHT_CHECKSUM or 0 */
  zoo_isa isa;                          /**< ZOO_ISA_AUTO takes the best */
  const zoo_parallel *parallel;         /**< NULL: one thread. Must outlive the session */
  const zoo_operator *const *operators; /**< custom operators, looked up before the built-in ones, or NULL */
  size_t operator_count;
  zoo_observer observer; /**< NULL: none */
  void *observer_context;
  void *scratch; /**< memory that makes some operators faster, or NULL; must outlive the session, and be its own */
  size_t scratch_size; /**< at least zoo_session_scratch_size if there is scratch memory */
  zoo_clock clock;     /**< with it, a session of short runs tries now and then whether one thread is faster; or NULL */
} zoo_options;

/**
 * Checks a model completely: structure, bounds and both checksums. Does not look at operators.
 * Errors: ZOO_INVALID_ARGUMENT, ZOO_MISALIGNED, ZOO_NOT_A_MODEL ... ZOO_CHECKSUM_MISMATCH.
 */
ZOO_API zoo_status zoo_model_check(const void *model, size_t model_size, zoo_error *error);

/**
 * Bytes of arena that zoo_session_init needs for this model on this target.
 * The model is checked as zoo_session_init does, except for the operators. `options` may be NULL.
 */
ZOO_API zoo_status zoo_session_arena_size(const void *model, size_t model_size, const zoo_options *options,
                                          size_t *arena_size, zoo_error *error);

/**
 * Bytes of scratch memory of which a session with these options can make use: for all threads of options->parallel together. 0 if none.
 *
 * The plan of the file holds no such memory, so that a model needs no more than its arena. With it, convolutions of 3 x 3 taps
 * multiply floats less often (Winograd's F(4x4, 3x3), which rounds a little more: see docs/performance.md).
 */
ZOO_API zoo_status zoo_session_scratch_size(const void *model, size_t model_size, const zoo_options *options,
                                            size_t *scratch_size, zoo_error *error);

/**
 * Makes a session inside `arena`, with all built-in operators.
 *
 * `model` and `arena` start at multiples of 16 (64 is best). `options` may be NULL and is not kept; what it points to is.
 * Nothing is allocated, now or later. On success *session points into the arena.
 */
ZOO_API zoo_status zoo_session_init(const void *model, size_t model_size, void *arena, size_t arena_size,
                                    const zoo_options *options, zoo_session **session, zoo_error *error);

/**
 * As zoo_session_init, but with just the operators given: the linker then drops all others.
 * options->operators is ignored. `operators` must outlive the session.
 */
ZOO_API zoo_status zoo_session_init_using(const zoo_operator *const *operators, size_t operator_count,
                                          const void *model, size_t model_size, void *arena, size_t arena_size,
                                          const zoo_options *options, zoo_session **session, zoo_error *error);

/**
 * Runs the model once. Inputs must be written before each run: their memory is reused while running.
 * Outputs stay valid until the next run. Only a custom operator or a NULL session makes it fail.
 */
ZOO_API zoo_status zoo_run(zoo_session *session, zoo_error *error);

/** Number of inputs and outputs; 0 for NULL. */
ZOO_API size_t zoo_input_count(const zoo_session *session);
ZOO_API size_t zoo_output_count(const zoo_session *session);

/** The tensor to write before, or to read after a run; NULL if there is no such index. Valid as long as the session. */
ZOO_API const zoo_tensor *zoo_input(const zoo_session *session, size_t index);
ZOO_API const zoo_tensor *zoo_output(const zoo_session *session, size_t index);

/** The instruction set the session's kernels were chosen for; ZOO_ISA_AUTO for NULL. */
ZOO_API zoo_isa zoo_session_isa(const zoo_session *session);

/* ---- what the model knows about itself -------------------------------------------------------------- */

/** A class with its probability. `label` is inside the model's bytes; "" if the model has none for it. */
typedef struct zoo_prediction {
  uint32_t index; /**< class number as the network counts (a background class included) */
  float probability;
  const char *label;
} zoo_prediction;

/**
 * The most probable classes of output 0 after a run, best first (smaller index first among equals).
 * If the model ends in logits, softmax is applied. *count: in, room in `top`; out, how many were written.
 * The background class, where the model names one, is left out.
 */
ZOO_API zoo_status zoo_top(const zoo_session *session, zoo_prediction *top, size_t *count, zoo_error *error);

/** Number of labels; 0 if the model has none. */
ZOO_API size_t zoo_label_count(const zoo_session *session);

/** Label of a class; "" if there is none. Never NULL. */
ZOO_API const char *zoo_label(const zoo_session *session, size_t index);

/** Text stored under `key` ("name", "architecture", "source", "licence", ...), or NULL. */
ZOO_API const char *zoo_metadata(const zoo_session *session, const char *key);

#ifdef __cplusplus
}
#endif
#endif
