// SPDX-License-Identifier: Apache-2.0
// Certificates for tests, made when they run by Debian's openssl: an authority, a server's for
// localhost, 127.0.0.1 and ::1, a client's, and one that no authority signed.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <unistd.h>

namespace tandem::io {

class certificates_for_test {
 public:
  certificates_for_test() {
    std::string pattern = (std::filesystem::temp_directory_path() / "tandem-tls-XXXXXX").string();
    if (!::mkdtemp(pattern.data())) throw std::runtime_error("mkdtemp");
    folder_ = pattern;
    run("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj '/CN=Test CA' "
        "-keyout ca.key -out ca.pem");
    sign("server", "-addext 'subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1'");
    sign("client", "");
    run("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "
        "'/CN=localhost' -addext 'subjectAltName=DNS:localhost,IP:127.0.0.1' -keyout alone.key "
        "-out alone.pem");
  }
  certificates_for_test(const certificates_for_test&) = delete;
  certificates_for_test& operator=(const certificates_for_test&) = delete;
  ~certificates_for_test() { std::filesystem::remove_all(folder_); }

  /// Path of a file: ca.pem, server.pem, server.key, client.pem, client.key, alone.pem, alone.key.
  [[nodiscard]] std::string operator/(const std::string& name) const { return folder_ / name; }
  [[nodiscard]] const std::filesystem::path& folder() const noexcept { return folder_; }

  /// Makes another server certificate in place of the first.
  void renew_server() { sign("server", "-addext 'subjectAltName=DNS:localhost,IP:127.0.0.1'"); }

 private:
  void sign(const std::string& name, const std::string& extensions) const {
    run("req -x509 -CA ca.pem -CAkey ca.key -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes "
        "-days 2 -subj '/CN=" +
        name + "' " + extensions +
        " -addext basicConstraints=CA:FALSE "
        "-keyout " +
        name + ".key -out " + name + ".pem");
  }
  void run(const std::string& arguments) const {
    const std::string command =
        "cd '" + folder_.string() + "' && openssl " + arguments + " >/dev/null 2>openssl.log";
    if (std::system(command.c_str()) != 0) throw std::runtime_error("failed: " + command);
  }

  std::filesystem::path folder_;
};

} // namespace tandem::io
