# assay_room(NAME [SOURCES ...] [DEPENDS room ...] [LINK target ...]): the only way to make a library.
#
# NAME is the folder, e.g. runtime/wire; the target is assay_runtime_wire. DEPENDS lists rooms and is
# checked against the table below: an edge that is not in it stops the configure step. LINK lists
# third-party targets; they stay private, so no room leaks a library into another's headers unless
# it says PUBLIC_LINK. PRECOMPILED lists heavy headers of libraries that most of its files include.
# A room without sources is headers only.

set(assay_may_use_runtime_core "")
foreach(room wire text model config telemetry)
  set(assay_may_use_runtime_${room} runtime/core)
endforeach()
set(assay_may_use_runtime_dataset runtime/core runtime/wire)
foreach(room algo store net)
  set(assay_may_use_runtime_${room} runtime/core runtime/wire)
endforeach()
set(assay_may_use_verifiers_sandbox runtime/core)
set(assay_may_use_verifiers runtime/core runtime/wire verifiers/sandbox)
set(assay_may_use_runtime_flow runtime/core runtime/wire runtime/algo)
set(assay_may_use_gpu runtime/core runtime/wire runtime/algo runtime/model)
set(assay_may_use_actors
  runtime/core runtime/wire runtime/text runtime/dataset runtime/telemetry runtime/algo
  runtime/store runtime/net runtime/flow verifiers gpu)
set(assay_may_use_actors_web
  ${assay_may_use_actors} actors runtime/model runtime/config verifiers/sandbox)
set(assay_may_use_actors_cli ${assay_may_use_actors_web} actors/web)

function(assay_room name)
  cmake_parse_arguments(PARSE_ARGV 1 room "" "" "SOURCES;DEPENDS;LINK;PUBLIC_LINK;PRECOMPILED")
  string(REPLACE "/" "_" id "${name}")
  if(NOT DEFINED assay_may_use_${id})
    message(FATAL_ERROR "room ${name} is not in the table of cmake/room.cmake")
  endif()
  foreach(dependency IN LISTS room_DEPENDS)
    if(NOT dependency IN_LIST assay_may_use_${id})
      message(FATAL_ERROR "room ${name} may not depend on ${dependency} (see cmake/room.cmake)")
    endif()
  endforeach()

  if(room_SOURCES)
    add_library(assay_${id} STATIC ${room_SOURCES})
    set(scope PUBLIC)
    target_link_libraries(assay_${id} PRIVATE assay_warnings ${room_LINK})
    if(room_PRECOMPILED)
      target_precompile_headers(assay_${id} PRIVATE ${room_PRECOMPILED})
    endif()
  else()
    add_library(assay_${id} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_include_directories(assay_${id} ${scope} ${CMAKE_SOURCE_DIR})
  target_link_libraries(assay_${id} ${scope} ${room_PUBLIC_LINK})
  foreach(dependency IN LISTS room_DEPENDS)
    string(REPLACE "/" "_" dependency_id "${dependency}")
    target_link_libraries(assay_${id} ${scope} assay_${dependency_id})
  endforeach()
endfunction()

# assay_test(NAME LABEL label SOURCES ... [ROOMS room ...] [LINK target ...]): one GoogleTest program.
# LABEL is one of: unit property conformance golden sim chaos e2e tidy. Each TEST becomes a CTest entry.
function(assay_test name)
  cmake_parse_arguments(PARSE_ARGV 1 test "" "LABEL;TIMEOUT" "SOURCES;ROOMS;LINK")
  if(NOT test_TIMEOUT)
    set(test_TIMEOUT 120)
  endif()
  add_executable(${name} ${test_SOURCES})
  target_link_libraries(${name} PRIVATE assay_warnings ${test_LINK} GTest::gmock GTest::gtest_main)
  target_compile_definitions(${name} PRIVATE ASSAY_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  # Below the companions, so that they are found from here as they are from the installed program.
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin/tests)
  foreach(room IN LISTS test_ROOMS)
    string(REPLACE "/" "_" id "${room}")
    target_link_libraries(${name} PRIVATE assay_${id})
  endforeach()
  gtest_discover_tests(${name}
    DISCOVERY_MODE PRE_TEST
    PROPERTIES LABELS "${test_LABEL}" TIMEOUT ${test_TIMEOUT})
endfunction()

# assay_companion(NAME SOURCES ... [ROOMS room ...] [LINK target ...]): a program that `assay` starts
# beside itself; it lies in the same folder.
function(assay_companion name)
  cmake_parse_arguments(PARSE_ARGV 1 companion "" "" "SOURCES;ROOMS;LINK")
  add_executable(${name} ${companion_SOURCES})
  target_link_libraries(${name} PRIVATE assay_warnings ${companion_LINK})
  foreach(room IN LISTS companion_ROOMS)
    string(REPLACE "/" "_" id "${room}")
    target_link_libraries(${name} PRIVATE assay_${id})
  endforeach()
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
  # That check asks the kernel for a pipe, which a companion behind its filter is refused.
  if(ASSAY_SANITIZE STREQUAL "address")
    target_compile_options(${name} PRIVATE -fno-sanitize=vptr)
  endif()
endfunction()
