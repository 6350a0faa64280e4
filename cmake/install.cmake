# `make install`: programs are installed where they are made; this is the library with what others
# need to build on it: headers under the paths they have here, one archive a room, the package
# `tandem` of CMake with a target tandem::<room> for each, tandem-<room>.pc, and the pages of docs.

install(DIRECTORY tandem DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
  FILES_MATCHING PATTERN "*.hpp" PATTERN "*.def"
  PATTERN "*_for_test.hpp" EXCLUDE)

set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/tandem)
file(RELATIVE_PATH way_to_headers /${CMAKE_INSTALL_LIBDIR}/pkgconfig /${CMAKE_INSTALL_INCLUDEDIR})

foreach(path IN LISTS TANDEM_ROOMS)
  tandem_target(room ${path})
  set_property(TARGET tandem_${room} PROPERTY EXPORT_NAME ${room})
  install(TARGETS tandem_${room} EXPORT tandem ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})

  set(needs "")
  foreach(below IN LISTS TANDEM_${path}_ROOMS)
    tandem_target(below ${below})
    list(APPEND needs tandem-${below})
  endforeach()
  set(flags "")
  foreach(library IN LISTS TANDEM_${path}_LIBS)
    list(APPEND needs ${TANDEM_${library}_PC})
    get_target_property(definitions tandem_ext_${library} INTERFACE_COMPILE_DEFINITIONS)
    if(definitions)
      list(TRANSFORM definitions PREPEND " -D")
      string(APPEND flags " -pthread" ${definitions})
    endif()
  endforeach()
  get_target_property(kind tandem_${room} TYPE)
  set(archive "")
  if(kind STREQUAL "STATIC_LIBRARY")
    set(archive " -ltandem_${room}")
  endif()
  list(JOIN needs " " needs)
  configure_file(cmake/tandem.pc.in ${PROJECT_BINARY_DIR}/package/tandem-${room}.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/package/tandem-${room}.pc
    DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endforeach()

foreach(name IN LISTS TANDEM_LIBS)
  set_property(TARGET tandem_ext_${name} PROPERTY EXPORT_NAME ext_${name})
  install(TARGETS tandem_ext_${name} EXPORT tandem)
endforeach()

include(CMakePackageConfigHelpers)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/package/tandem-config-version.cmake
  COMPATIBILITY SameMinorVersion)
install(EXPORT tandem NAMESPACE tandem:: FILE tandem-targets.cmake DESTINATION ${package_folder})
install(FILES cmake/tandem-config.cmake cmake/outside.cmake cmake/rooms.txt
  ${PROJECT_BINARY_DIR}/package/tandem-config-version.cmake DESTINATION ${package_folder})

install(DIRECTORY docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR} FILES_MATCHING PATTERN "*.md" PATTERN "*.svg")
install(FILES README.md CHANGELOG.md SECURITY.md LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY examples DESTINATION ${CMAKE_INSTALL_DOCDIR} FILES_MATCHING PATTERN "*.cpp")
