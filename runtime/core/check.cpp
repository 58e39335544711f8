#include "runtime/core/check.h"

#include <cstdio>
#include <cstdlib>

namespace assay {

void check_failed(const char* file, int line, const char* condition, const char* must_hold) {
  std::fprintf(stderr, "%s:%d: broken invariant: %s (%s)\n", file, line, must_hold, condition);
  std::fflush(stderr);
  std::abort();
}

}  // namespace assay
