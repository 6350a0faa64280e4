# One static library a room, one test program a room; sources are found, not listed.

# Reads rooms.txt into TANDEM_ROOMS, and for each room TANDEM_<room>_ROOMS and TANDEM_<room>_LIBS.
function(tandem_read_rooms table)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${table})
  file(STRINGS ${table} lines REGEX "^[a-z]")
  foreach(line IN LISTS lines)
    if(NOT line MATCHES "^([a-z0-9]+) *:([^|]*)\\|(.*)$")
      message(FATAL_ERROR "${table}: not a room: ${line}")
    endif()
    set(room ${CMAKE_MATCH_1})
    set(rooms_text "${CMAKE_MATCH_2}") # MATCHALL overwrites what was matched
    set(libraries_text "${CMAKE_MATCH_3}")
    string(REGEX MATCHALL "[a-z0-9]+" rooms "${rooms_text}")
    string(REGEX MATCHALL "[a-z0-9]+" libraries "${libraries_text}")
    list(APPEND names ${room})
    set(TANDEM_${room}_ROOMS "${rooms}" PARENT_SCOPE)
    set(TANDEM_${room}_LIBS "${libraries}" PARENT_SCOPE)
  endforeach()
  set(TANDEM_ROOMS "${names}" PARENT_SCOPE)
endfunction()

# Gives a target the include path, the flags and what the room may use.
function(tandem_link_room target scope room)
  target_include_directories(${target} ${scope}
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  # Our warnings are for our own code.
  target_link_libraries(${target} ${scope} $<BUILD_INTERFACE:tandem_flags>)
  target_compile_features(${target} ${scope} cxx_std_20)
  foreach(below IN LISTS TANDEM_${room}_ROOMS)
    target_link_libraries(${target} ${scope} tandem_${below})
  endforeach()
  foreach(library IN LISTS TANDEM_${room}_LIBS)
    target_link_libraries(${target} ${scope} tandem_ext_${library})
  endforeach()
endfunction()

# tandem_<room> from tandem/<room>/**.cpp, tandem_<room>_test from its *_test.cpp.
# Files *_heavy.cpp instantiate Beast and are compiled one at a time.
function(tandem_add_room room)
  set(folder ${PROJECT_SOURCE_DIR}/tandem/${room})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${folder}/*.cpp)
  set(tests ${sources})
  list(FILTER sources EXCLUDE REGEX "_test\\.cpp$")
  list(FILTER tests INCLUDE REGEX "_test\\.cpp$")
  set(heavy ${sources})
  list(FILTER sources EXCLUDE REGEX "_heavy\\.cpp$")
  list(FILTER heavy INCLUDE REGEX "_heavy\\.cpp$")

  if(sources)
    add_library(tandem_${room} STATIC ${sources})
    set(scope PUBLIC)
  else()
    add_library(tandem_${room} INTERFACE)
    set(scope INTERFACE)
  endif()
  tandem_link_room(tandem_${room} ${scope} ${room})

  if(heavy)
    add_library(tandem_${room}_heavy OBJECT ${heavy})
    set_property(TARGET tandem_${room}_heavy PROPERTY JOB_POOL_COMPILE tandem_heavy)
    tandem_link_room(tandem_${room}_heavy PUBLIC ${room})
    target_compile_options(tandem_${room}_heavy PRIVATE -ffunction-sections -fdata-sections)
    target_sources(tandem_${room} PRIVATE $<TARGET_OBJECTS:tandem_${room}_heavy>)
  endif()

  if(TANDEM_TESTS AND tests)
    add_executable(tandem_${room}_test ${tests})
    target_link_libraries(tandem_${room}_test PRIVATE tandem_${room} GTest::gmock_main)
    add_test(NAME ${room} COMMAND tandem_${room}_test)
    set_tests_properties(${room} PROPERTIES LABELS unit)
  endif()
endfunction()
