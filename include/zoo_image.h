/**
 * zoo_image.h - photos, files and threads for programs on an operating system.
 *
 * Everything here is built on zoo.h and may allocate memory; zoo.h itself never does. All rules of zoo.h hold: errors
 * are returned, there is no global state, what you did not make you do not free.
 *
 *   zoo_session *s; zoo_error e; zoo_prediction top[5]; size_t n = 5;
 *   if (zoo_open("mobilenet_v2.zoo", NULL, &s, &e)) return fail(e.message);
 *   if (zoo_classify_file(s, "photo.jpg", top, &n, &e)) return fail(e.message);
 *   for (size_t i = 0; i < n; i++) printf("%5.1f%%  %s\n", 100 * top[i].probability, top[i].label);
 *   zoo_close(s);
 */
#ifndef ZOO_IMAGE_H
#define ZOO_IMAGE_H

#include "zoo.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- images --------------------------------------------------------------------------------------- */

/** A decoded picture: RGB, 8 bits, upright. Read-only once made, so any threads may share it. */
typedef struct zoo_image zoo_image;

/** Interpolation of zoo_image_resize; all but nearest average over all source pixels when shrinking, as Pillow does. */
typedef enum zoo_filter {
  ZOO_FILTER_NEAREST = 0,
  ZOO_FILTER_BILINEAR = 1,
  ZOO_FILTER_BICUBIC = 2,
  ZOO_FILTER_BOX = 3,
} zoo_filter;

#define ZOO_IMAGE_KEEP_ORIENTATION 1u /**< leave the pixels as stored, whatever EXIF says */

/** How to read an image; zero-initialise it, set struct_size to sizeof(zoo_image_options), then what you need. */
typedef struct zoo_image_options {
  uint32_t struct_size;
  uint32_t flags;          /**< ZOO_IMAGE_KEEP_ORIENTATION or 0 */
  uint64_t maximum_pixels; /**< 0: 100 million. Larger images are refused from their header */
  uint8_t background[3];   /**< RGB behind transparent pixels, if has_background is not 0; else white */
  uint8_t has_background;
} zoo_image_options;

/**
 * Decodes a PNG or JPEG file, told apart by content. PNG: every colour type and depth, interlaced too; 16-bit samples are
 * rounded to 8. JPEG: baseline and progressive, grey, CMYK; EXIF orientation is applied. Colour profiles are ignored.
 * `options` may be NULL. On success *image is yours: zoo_image_free.
 * Errors: ZOO_FILE_NOT_FOUND, ZOO_FILE_UNREADABLE, ZOO_IMAGE_FORMAT, ZOO_IMAGE_CORRUPT (truncated files too),
 * ZOO_IMAGE_TOO_LARGE, ZOO_OUT_OF_MEMORY.
 */
ZOO_API zoo_status zoo_image_load(const char *path, const zoo_image_options *options, zoo_image **image,
                                  zoo_error *error);

/** As zoo_image_load, from memory. `bytes` is not needed afterwards. */
ZOO_API zoo_status zoo_image_decode(const void *bytes, size_t size, const zoo_image_options *options, zoo_image **image,
                                    zoo_error *error);

/** Width and height in pixels; 0 for NULL. */
ZOO_API uint32_t zoo_image_width(const zoo_image *image);
ZOO_API uint32_t zoo_image_height(const zoo_image *image);

/** The pixels, [height][width][3] without gaps, valid as long as the image; NULL for NULL. */
ZOO_API const uint8_t *zoo_image_pixels(const zoo_image *image);

/** A copy of another size, yours to free. Width and height are 1 ... 65535. */
ZOO_API zoo_status zoo_image_resize(const zoo_image *image, uint32_t width, uint32_t height, zoo_filter filter,
                                    zoo_image **resized, zoo_error *error);

/** Frees an image. NULL is welcome. */
ZOO_API void zoo_image_free(zoo_image *image);

/* ==== HOST TIER: threads, models in files, sessions in memory of their own =========================== */

/* ---- threads ---------------------------------------------------------------------------------------- */

/**
 * Threads that share the work of operators. zoo_open makes one for its session; make one yourself to share
 * it between sessions, or to give threads to a session in your own arena.
 */
typedef struct zoo_pool zoo_pool;

/** Most threads of a pool. */
#define ZOO_MAX_THREADS 1024u

/**
 * Makes a pool of `threads` threads; 0 means one for each CPU the process may use. The thread that calls zoo_run
 * is one of them. The others start at the first run that needs them, block all signals but those of faults, and
 * sleep while there is nothing to do.
 *
 * Any number of sessions may use a pool, on any threads at once: while one has the others' help, the rest work
 * on their own thread alone. Destroy it with zoo_pool_destroy, after the sessions that use it. A child made by
 * fork() must not use or destroy a pool of its parent.
 * Errors: ZOO_INVALID_ARGUMENT (more than ZOO_MAX_THREADS, or `pool` is NULL), ZOO_OUT_OF_MEMORY.
 */
ZOO_API zoo_status zoo_pool_create(uint32_t threads, zoo_pool **pool, zoo_error *error);

/** Ends the threads and frees the pool; no session may be running on it. NULL is welcome. */
ZOO_API void zoo_pool_destroy(zoo_pool *pool);

/**
 * The pool as zoo_options.parallel wants it. The value may be copied; it is good as long as the pool.
 * For NULL: one thread, the caller's.
 */
ZOO_API zoo_parallel zoo_pool_parallel(zoo_pool *pool);

/* ---- models ----------------------------------------------------------------------------------------- */

/**
 * The file of a model in memory, read-only, shared by any number of sessions on any threads.
 *
 * It counts its users: zoo_model_open gives you one use, each session takes another. The file is unmapped when the
 * last session on it is closed and you have called zoo_model_close, in whichever order.
 */
typedef struct zoo_model zoo_model;

/**
 * Maps the file at `path` and checks its structure. The weights' checksum is left to the first session
 * (see zoo_session_open), so that opening a large model reads little of it.
 *
 * Do not overwrite or shorten the file while it is open (on most systems that ends the process with SIGBUS): write
 * a new file and rename it over the old one.
 * Errors: ZOO_INVALID_ARGUMENT, ZOO_FILE_NOT_FOUND, ZOO_FILE_UNREADABLE (a directory, an empty file, no
 * permission), ZOO_OUT_OF_MEMORY, and those of zoo_model_check. Messages begin with the path, its middle left out if
 * it is long.
 */
ZOO_API zoo_status zoo_model_open(const char *path, zoo_model **model, zoo_error *error);

/** Gives up your use of the model. NULL is welcome. */
ZOO_API void zoo_model_close(zoo_model *model);

/* ---- sessions --------------------------------------------------------------------------------------- */

/** Options; zero-initialise it, set struct_size to sizeof(zoo_host_options), then what you need. */
typedef struct zoo_host_options {
  uint32_t struct_size;
  uint32_t flags;   /**< ZOO_SKIP_WEIGHT_CHECKSUM or 0 */
  zoo_isa isa;      /**< ZOO_ISA_AUTO takes the best */
  uint32_t threads; /**< 0: as many as CPUs the process may use. Ignored if `pool` is given */
  zoo_pool *pool;   /**< NULL: the session has threads of its own. Else it must outlive the session */
  const zoo_operator *const *operators; /**< custom operators, or NULL. Must outlive the session */
  size_t operator_count;
  zoo_observer observer; /**< NULL: none */
  void *observer_context;
  uint64_t maximum_pixels; /**< largest image zoo_classify_file decodes; 0: 100 million */
} zoo_host_options;

/**
 * Makes a session on `model` in memory of its own, with all built-in operators. `options` may be NULL and is not kept.
 *
 * The first session on a model reads all weights once to verify their checksum, unless options->flags says not to.
 * End it with zoo_close. zoo_run on it allocates nothing.
 * Errors: ZOO_INVALID_ARGUMENT, ZOO_OUT_OF_MEMORY, ZOO_CHECKSUM_MISMATCH, and those of zoo_session_init.
 */
ZOO_API zoo_status zoo_session_open(zoo_model *model, const zoo_host_options *options, zoo_session **session,
                                    zoo_error *error);

/**
 * Opens the model at `path` and a session on it, which alone keeps the model open: zoo_model_open, zoo_session_open and
 * zoo_model_close in one. End it with zoo_close. Errors: those of the three; messages begin with the path.
 */
ZOO_API zoo_status zoo_open(const char *path, const zoo_host_options *options, zoo_session **session, zoo_error *error);

/**
 * Ends a session of zoo_open or zoo_session_open: its threads, its memory, its use of the model. Everything that
 * points into the session (tensors, labels) ends with it. NULL is welcome; a session in an arena of your own
 * (zoo_session_init) owns nothing and is left as it is.
 */
ZOO_API void zoo_close(zoo_session *session);

/* ---- pictures in, classes out --------------------------------------------------------------------------
 *
 * These work on every session, also one made by zoo_session_init.
 */

/**
 * Writes a picture into input `input_index`, resized, cropped and normalised as the model says. A model that says
 * nothing gets the whole picture stretched to the input's size, RGB (or grey, for one channel), as x / 255.
 *
 * The input must be [1, height, width, channels] with 1 or 3 channels. f32 inputs get (x - mean) * scale; u8 inputs
 * get the bytes x after resizing, i8 inputs x - 128: their scale and zero point are those of bytes.
 * Allocates temporary memory. Errors: ZOO_INVALID_ARGUMENT (NULL, no such input), ZOO_INVALID_SHAPE,
 * ZOO_UNSUPPORTED_TYPE, ZOO_OUT_OF_MEMORY; ZOO_MODEL_CORRUPT if the model's preprocessing makes no sense.
 */
ZOO_API zoo_status zoo_set_image(zoo_session *session, size_t input_index, const zoo_image *image, zoo_error *error);

/**
 * The most probable classes of a picture: zoo_set_image on input 0, zoo_run, zoo_top.
 * *count: in, room in `top`; out, how many were written. Labels live as long as the session.
 */
ZOO_API zoo_status zoo_classify_image(zoo_session *session, const zoo_image *image, zoo_prediction *top, size_t *count,
                                      zoo_error *error);

/**
 * As zoo_classify_image, for the PNG or JPEG file at `path`, turned upright as its EXIF orientation says.
 * Errors: also ZOO_FILE_NOT_FOUND, ZOO_FILE_UNREADABLE and the ZOO_IMAGE_ ones, whose messages begin with the path.
 */
ZOO_API zoo_status zoo_classify_file(zoo_session *session, const char *path, zoo_prediction *top, size_t *count,
                                     zoo_error *error);

#ifdef __cplusplus
}
#endif
#endif
