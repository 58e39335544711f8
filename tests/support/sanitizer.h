// Whether this test is compiled with a sanitizer, which makes it slow and its memory large.
#pragma once

namespace assay::testing {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kIsSanitized = true;
#else
inline constexpr bool kIsSanitized = false;
#endif

}  // namespace assay::testing
