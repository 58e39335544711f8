// What this build is: the version comes from CMakeLists.txt.
#pragma once

#include <string_view>

namespace assay::cli {

inline constexpr std::string_view kVersion = ASSAY_VERSION;
inline constexpr std::string_view kCompiler = "g++ " __VERSION__;

}  // namespace assay::cli
