# What most sources include from outside, compiled once for the products and once for the tests. It only
# saves time: a source still includes what it uses, and the builds without (TANDEM_PRECOMPILE=OFF: clang-tidy's) prove it.

option(TANDEM_PRECOMPILE "Compile the headers from outside once" ON)

set(tandem_product_headers
  <algorithm> <array> <chrono> <cstdint> <cstring> <functional> <memory> <optional> <span> <string>
  <string_view> <unordered_map> <utility> <vector> <fmt/format.h> <tl/expected.hpp>)
set(tandem_test_headers ${tandem_product_headers} <gmock/gmock.h> <gtest/gtest.h>)

# What most sources of one room include of the tree, besides: a room that is named here has precompiled headers of its own.
set(tandem_server_product_headers <tandem/server/core.hpp>)
set(tandem_modules_product_headers <tandem/server/core.hpp>)
set(tandem_modules_test_headers <tandem/modules/script_fixture_for_test.hpp>)

# The test sources themselves are not what is measured or shipped: they are compiled for the compiler's speed.
set(TANDEM_TEST_OPTIONS "")
if(CMAKE_BUILD_TYPE STREQUAL "Release" OR TANDEM_SANITIZE)
  set(TANDEM_TEST_OPTIONS -O0)
endif()

if(TANDEM_PRECOMPILE)
  foreach(kind IN ITEMS product test)
    file(WRITE ${PROJECT_BINARY_DIR}/empty_${kind}.cpp "")
    add_library(tandem_${kind}_headers OBJECT EXCLUDE_FROM_ALL ${PROJECT_BINARY_DIR}/empty_${kind}.cpp)
    target_compile_features(tandem_${kind}_headers PRIVATE cxx_std_20)
    target_link_libraries(tandem_${kind}_headers PRIVATE tandem_flags)
    foreach(library IN LISTS TANDEM_base_LIBS) # what every room has
      target_link_libraries(tandem_${kind}_headers PRIVATE tandem_ext_${library})
    endforeach()
    target_precompile_headers(tandem_${kind}_headers PRIVATE ${tandem_${kind}_headers})
  endforeach()
  if(TANDEM_TESTS)
    target_link_libraries(tandem_test_headers PRIVATE GTest::gmock)
    # As programs are compiled, not as libraries are.
    set_property(TARGET tandem_test_headers PROPERTY POSITION_INDEPENDENT_CODE OFF)
    target_compile_options(tandem_test_headers PRIVATE -fPIE ${TANDEM_TEST_OPTIONS})
  endif()
endif()

# tandem_use_headers(<target> <room> product|test)
function(tandem_use_headers target room kind)
  tandem_target(name ${room})
  if(NOT TANDEM_PRECOMPILE)
    return()
  elseif(DEFINED tandem_${name}_${kind}_headers)
    target_precompile_headers(${target} PRIVATE ${tandem_${kind}_headers} ${tandem_${name}_${kind}_headers})
  else()
    target_precompile_headers(${target} REUSE_FROM tandem_${kind}_headers)
  endif()
endfunction()
