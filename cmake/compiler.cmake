# Flags, linker and cache that every target shares.

add_library(tandem_flags INTERFACE)
# Where several sources are compiled as one, what only one of them sees shadows nothing in another, and a fixture that is
# its own is nobody else's.
set(as_one $<BOOL:$<TARGET_PROPERTY:UNITY_BUILD>>)
target_compile_options(tandem_flags INTERFACE
  -Wall -Wextra -Wconversion $<$<NOT:${as_one}>:-Wshadow> -Werror -fno-omit-frame-pointer -pthread
  $<$<AND:${as_one},$<CXX_COMPILER_ID:GNU>>:-Wno-subobject-linkage>)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # GCC bug 105651: it warns of overlap in std::string's own operator+(const char*, std::string).
  target_compile_options(tandem_flags INTERFACE -Wno-restrict)
  # A local object that takes itself out of a list at its end, unless the list is gone by then, is one too many for it.
  target_compile_options(tandem_flags INTERFACE -Wno-dangling-pointer)
  # And it takes the standard library's headers for ours once they are precompiled.
  target_compile_options(tandem_flags INTERFACE -Wno-stringop-overflow -Wno-stringop-overread -Wno-array-bounds)
endif()
target_compile_definitions(tandem_flags INTERFACE TANDEM_VERSION="${PROJECT_VERSION}")

# Functions of libraries are found when a program starts: nothing looks for them later, and nobody can redirect them.
# Functions that nobody calls stay out; most of them are Boost's (cmake/rooms.cmake has them in sections of their own).
target_link_options(tandem_flags INTERFACE LINKER:-z,relro,-z,now $<$<CONFIG:Release>:LINKER:--gc-sections>)

if(TANDEM_SANITIZE)
  target_compile_options(tandem_flags INTERFACE -fsanitize=${TANDEM_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(tandem_flags INTERFACE -fsanitize=${TANDEM_SANITIZE})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang" AND TANDEM_SANITIZE MATCHES "undefined")
    # Beast's composed operations make this one check cost minutes of compile time.
    target_compile_options(tandem_flags INTERFACE -fno-sanitize=function)
  endif()
endif()

if(TANDEM_FUZZ)
  # The rooms too must tell the fuzzer where an input went.
  target_compile_options(tandem_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

find_program(TANDEM_CCACHE ccache)
if(TANDEM_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${TANDEM_CCACHE})
endif()
find_program(TANDEM_MOLD mold)
if(TANDEM_MOLD AND NOT TANDEM_FUZZ)
  target_link_options(tandem_flags INTERFACE -fuse-ld=mold)
endif()

# Units that instantiate Beast take a gigabyte and most of a minute each: one at a time.
set_property(GLOBAL APPEND PROPERTY JOB_POOLS tandem_heavy=1)
