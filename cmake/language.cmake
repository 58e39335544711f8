# The language of every room: C++20, Release unless said otherwise, reproducible floating point.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Release, Debug or RelWithDebInfo" FORCE)
endif()
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1")

# Bit-exact repeats need the written order of operations: no contraction the source does not ask for.
add_compile_options(-ffp-contract=off)
add_compile_definitions(_GLIBCXX_ASSERTIONS)

find_program(ASSAY_CCACHE ccache)
if(ASSAY_CCACHE)
  # Without these ccache passes over everything that uses a precompiled header.
  set(CMAKE_CXX_COMPILER_LAUNCHER
    ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros ${ASSAY_CCACHE})
endif()
