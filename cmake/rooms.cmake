# One static library a room, one test program a room; sources are found, not listed.
# A room is a folder of tandem/, by its path: `sip`, `sip2/protocol`. Its targets have the path with `_` for `/`.

# tandem_target(<out> <room>): the name of a room in targets, packages and variables.
function(tandem_target out room)
  string(REPLACE "/" "_" name ${room})
  set(${out} ${name} PARENT_SCOPE)
endfunction()

# Reads rooms.txt into TANDEM_ROOMS and TANDEM_LIBS (all libraries from outside), and for each room
# TANDEM_<room>_ROOMS and TANDEM_<room>_LIBS.
function(tandem_read_rooms table)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${table})
  file(STRINGS ${table} lines REGEX "^[a-z]")
  foreach(line IN LISTS lines)
    if(NOT line MATCHES "^([a-z0-9/]+) *:([^|]*)\\|(.*)$")
      message(FATAL_ERROR "${table}: not a room: ${line}")
    endif()
    set(room ${CMAKE_MATCH_1})
    set(rooms_text "${CMAKE_MATCH_2}") # MATCHALL overwrites what was matched
    set(libraries_text "${CMAKE_MATCH_3}")
    string(REGEX MATCHALL "[a-z0-9/]+" rooms "${rooms_text}")
    string(REGEX MATCHALL "[a-z0-9]+" libraries "${libraries_text}")
    list(APPEND names ${room})
    list(APPEND all_libraries ${libraries})
    set(TANDEM_${room}_ROOMS "${rooms}" PARENT_SCOPE)
    set(TANDEM_${room}_LIBS "${libraries}" PARENT_SCOPE)
  endforeach()
  list(REMOVE_DUPLICATES all_libraries)
  set(TANDEM_ROOMS "${names}" PARENT_SCOPE)
  set(TANDEM_LIBS "${all_libraries}" PARENT_SCOPE)
endfunction()

# Gives a target the include path, the flags and what the room may use.
function(tandem_link_room target scope room)
  target_include_directories(${target} ${scope}
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  # Our warnings are for our own code.
  target_link_libraries(${target} ${scope} $<BUILD_INTERFACE:tandem_flags>)
  target_compile_features(${target} ${scope} cxx_std_20)
  foreach(below IN LISTS TANDEM_${room}_ROOMS)
    tandem_target(below ${below})
    target_link_libraries(${target} ${scope} tandem_${below})
  endforeach()
  foreach(library IN LISTS TANDEM_${room}_LIBS)
    target_link_libraries(${target} ${scope} tandem_ext_${library})
  endforeach()
endfunction()

# Several sources of a target compiled as one: reading the headers is most of what a source costs. The build without
# precompiled headers (clang-tidy's) compiles them one by one.
function(tandem_compile_as_one target)
  if(TANDEM_PRECOMPILE)
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 16)
  endif()
endfunction()

# Products that are compiled so too, unless in a debug build, which is for who changes one source after the other, or for
# the fuzzer, which follows them one by one.
function(tandem_unify target)
  # Files of one shape name their own things alike here (each module has its `load`).
  set(alike "_(modules|sip2_protocol|sip2_demo)$")
  # The rooms that every message passes: in a long unit GCC inlines less of what is short, and a call takes six percent more
  # instructions (docs/performance.md). And its optimiser warns of what it made itself of one of `http`.
  set(one_by_one "_(base|io|sip|stack|transport|http)$")
  if(TANDEM_FUZZ OR target MATCHES ${alike})
    return()
  elseif(TANDEM_SANITIZE OR (CMAKE_BUILD_TYPE STREQUAL "Release" AND NOT target MATCHES ${one_by_one}))
    tandem_compile_as_one(${target})
  endif()
endfunction()

# tandem_<room> from tandem/<room>/**.cpp, tandem_<room>_test from its *_test.cpp.
# Files *_heavy.cpp instantiate Beast and are compiled one at a time.
function(tandem_add_room room)
  tandem_target(name ${room})
  set(folder ${PROJECT_SOURCE_DIR}/tandem/${room})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${folder}/*.cpp)
  foreach(other IN LISTS TANDEM_ROOMS) # a room within this one is a room of its own
    if(other MATCHES "^${room}/")
      list(FILTER sources EXCLUDE REGEX "^${PROJECT_SOURCE_DIR}/tandem/${other}/")
    endif()
  endforeach()
  set(tests ${sources})
  list(FILTER sources EXCLUDE REGEX "_test\\.cpp$")
  list(FILTER tests INCLUDE REGEX "_test\\.cpp$")
  set(heavy ${sources})
  list(FILTER sources EXCLUDE REGEX "_heavy\\.cpp$")
  list(FILTER heavy INCLUDE REGEX "_heavy\\.cpp$")

  if(sources)
    add_library(tandem_${name} STATIC ${sources})
    set(scope PUBLIC)
    tandem_use_headers(tandem_${name} ${room} product)
    tandem_unify(tandem_${name})
  else()
    add_library(tandem_${name} INTERFACE)
    set(scope INTERFACE)
  endif()
  tandem_link_room(tandem_${name} ${scope} ${room})

  if(heavy)
    add_library(tandem_${name}_heavy OBJECT ${heavy})
    set_property(TARGET tandem_${name}_heavy PROPERTY JOB_POOL_COMPILE tandem_heavy)
    tandem_link_room(tandem_${name}_heavy PUBLIC ${room})
    target_compile_options(tandem_${name}_heavy PRIVATE -ffunction-sections -fdata-sections)
    target_sources(tandem_${name} PRIVATE $<TARGET_OBJECTS:tandem_${name}_heavy>)
  endif()

  if(TANDEM_TESTS AND tests)
    add_executable(tandem_${name}_test ${tests})
    target_link_libraries(tandem_${name}_test PRIVATE tandem_${name} GTest::gmock_main)
    target_compile_options(tandem_${name}_test PRIVATE ${TANDEM_TEST_OPTIONS})
    tandem_compile_as_one(tandem_${name}_test)
    tandem_use_headers(tandem_${name}_test ${room} test)
    add_dependencies(unit_tests tandem_${name}_test)
    add_test(NAME ${name} COMMAND tandem_${name}_test)
    set_tests_properties(${name} PROPERTIES LABELS unit)
  endif()
endfunction()
