# The headers that nearly every file includes, compiled once: half of a cold build is reading them.
# Files still include what they use; the header test compiles each header alone, without these.

# Libraries are position independent, programs are linked: each kind has a set of its own.
set(assay_common_headers
  <algorithm> <array> <chrono> <cstdint> <functional> <map> <memory> <optional> <set> <span>
  <string> <string_view> <utility> <variant> <vector> <nlohmann/json.hpp>)

file(GENERATE OUTPUT ${CMAKE_BINARY_DIR}/precompiled/room.cpp CONTENT "\n")
add_library(assay_precompiled OBJECT ${CMAKE_BINARY_DIR}/precompiled/room.cpp)
target_link_libraries(assay_precompiled PRIVATE assay_warnings)
target_precompile_headers(assay_precompiled PRIVATE ${assay_common_headers})

if(ASSAY_BUILD_TESTS)
  file(GENERATE OUTPUT ${CMAKE_BINARY_DIR}/precompiled/test.cpp CONTENT "int main() {}\n")
  add_executable(assay_test_precompiled ${CMAKE_BINARY_DIR}/precompiled/test.cpp)
  target_link_libraries(assay_test_precompiled PRIVATE assay_warnings GTest::gmock)
  target_precompile_headers(assay_test_precompiled PRIVATE
    ${assay_common_headers} <gmock/gmock.h> <gtest/gtest.h>)
endif()
