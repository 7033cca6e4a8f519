// zlib, the system's copy, which libpng needs anyway.
#include <zlib.h>
