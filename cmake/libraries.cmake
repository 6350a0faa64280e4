# Libraries from outside, each under the short name that rooms.txt uses: tandem_ext_<name>.

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

function(tandem_external name)
  add_library(tandem_ext_${name} INTERFACE)
  target_link_libraries(tandem_ext_${name} INTERFACE ${ARGN})
endfunction()

find_path(TANDEM_EXPECTED_DIR tl/expected.hpp REQUIRED)
tandem_external(expected)

find_package(fmt REQUIRED)
tandem_external(fmt fmt::fmt)

find_package(spdlog REQUIRED)
tandem_external(spdlog spdlog::spdlog)

find_path(TANDEM_TOML_DIR toml++/toml.h REQUIRED)
tandem_external(tomlplusplus)

# Debian has two Boosts; Tandem wants 1.81. Asio and Beast are compiled once, in tandem/io.
find_package(Boost 1.81 EXACT REQUIRED)
tandem_external(boost Boost::headers Threads::Threads)
target_compile_definitions(tandem_ext_boost INTERFACE
  BOOST_ASIO_SEPARATE_COMPILATION BOOST_BEAST_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED)

find_package(OpenSSL 3 REQUIRED)
tandem_external(openssl OpenSSL::SSL OpenSSL::Crypto)

pkg_check_modules(cares REQUIRED IMPORTED_TARGET libcares)
tandem_external(cares PkgConfig::cares)

pkg_check_modules(re2 REQUIRED IMPORTED_TARGET re2)
tandem_external(re2 PkgConfig::re2)

pkg_check_modules(icu REQUIRED IMPORTED_TARGET icu-uc icu-i18n)
# Its headers; the libraries themselves are loaded when they are needed (tandem/sip2/icu.cpp).
tandem_external(icu ${CMAKE_DL_LIBS})
target_include_directories(tandem_ext_icu INTERFACE ${icu_INCLUDE_DIRS})

pkg_check_modules(sqlite REQUIRED IMPORTED_TARGET sqlite3)
tandem_external(sqlite PkgConfig::sqlite)

find_package(CLI11 REQUIRED)
tandem_external(cli11 CLI11::CLI11)

if(TANDEM_TESTS)
  find_package(GTest REQUIRED)
endif()
