// ASSAY_CHECK: states what must hold; stays on in release builds.
//
// A failed check is our own bug, so it aborts the process with the file, the line and the sentence.
// Never used on foreign input: that is a Result.
#pragma once

namespace assay {

[[noreturn]] void check_failed(const char* file, int line, const char* condition,
                               const char* must_hold);

}  // namespace assay

#define ASSAY_CHECK(condition, must_hold) \
  (static_cast<bool>(condition)           \
       ? static_cast<void>(0)             \
       : ::assay::check_failed(__FILE__, __LINE__, #condition, must_hold))
