# tandem_ext_<name> for each library from outside.

include(cmake/outside.cmake)

foreach(name IN LISTS TANDEM_LIBS ITEMS cli11) # cli11 is for the programs alone
  tandem_find_outside(${name})
  add_library(tandem_ext_${name} INTERFACE)
  target_link_libraries(tandem_ext_${name} INTERFACE ${tandem_outside})
  set(TANDEM_${name}_PC ${tandem_outside_pc})
endforeach()

if(TANDEM_TESTS)
  find_package(GTest REQUIRED)
endif()
