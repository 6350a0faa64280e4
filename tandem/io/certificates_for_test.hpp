// SPDX-License-Identifier: Apache-2.0
// Certificates for tests, made when they run: an authority, a server's for localhost, 127.0.0.1 and
// ::1, a client's, and one that no authority signed. They are valid for two days.
#pragma once

#include <tandem/base/folder_for_test.hpp>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdexcept>
#include <string>
#include <unistd.h>

namespace tandem::io {

class certificates_for_test {
 public:
  certificates_for_test() {
    authority_ = make("Test CA", "", nullptr);
    save("ca", authority_);
    renew_server();
    save("client", make("client", "", &authority_));
    save("alone", make("localhost", local_names, nullptr));
  }
  certificates_for_test(const certificates_for_test&) = delete;
  certificates_for_test& operator=(const certificates_for_test&) = delete;

  /// Path of a file: ca.pem, server.pem, server.key, client.pem, client.key, alone.pem, alone.key.
  [[nodiscard]] std::string operator/(const std::string& name) const { return folder_ / name; }
  [[nodiscard]] const std::filesystem::path& folder() const noexcept { return folder_.path(); }

  /// Makes another server certificate in place of the first.
  void renew_server() { save("server", make("server", local_names, &authority_)); }

  /// Makes NAME.pem and NAME.key for a host of that name.
  void add_server(const std::string& name) { add(name, "DNS:" + name); }

  /// The same with those names as subjectAltName, in the words of OpenSSL's configuration.
  void add(const std::string& name, const std::string& names) {
    save(name, make(name, names, &authority_));
  }

 private:
  static constexpr const char* local_names = "DNS:localhost,IP:127.0.0.1,IP:::1";

  template <auto Free>
  struct freed_by {
    template <typename T>
    void operator()(T* made) const noexcept {
      Free(made);
    }
  };
  struct identity {
    std::unique_ptr<EVP_PKEY, freed_by<EVP_PKEY_free>> key;
    std::unique_ptr<X509, freed_by<X509_free>> certificate;
  };

  static void check(bool is_good) {
    if (!is_good) throw std::runtime_error("OpenSSL makes no certificate");
  }

  static void extend(X509* certificate, int what, const std::string& value) {
    const std::unique_ptr<X509_EXTENSION, freed_by<X509_EXTENSION_free>> made{
        X509V3_EXT_conf_nid(nullptr, nullptr, what, value.c_str())};
    check(made && X509_add_ext(certificate, made.get(), -1) == 1);
  }

  /// \param names of subjectAltName, in the words of OpenSSL's configuration; empty: none.
  /// \param by who signs it, null: itself.
  static identity make(const std::string& common_name, const std::string& names,
                       const identity* by) {
    static long serial = 0;
    constexpr long days = 2L * 86'400;
    identity made{decltype(identity::key){EVP_EC_gen("P-256")},
                  decltype(identity::certificate){X509_new()}};
    X509* x = made.certificate.get();
    check(made.key && x);
    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(x), -60);
    X509_gmtime_adj(X509_getm_notAfter(x), days);
    X509_set_pubkey(x, made.key.get());
    X509_NAME* subject = X509_get_subject_name(x);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(common_name.c_str()), -1, -1,
                               0);
    X509_set_issuer_name(x, by ? X509_get_subject_name(by->certificate.get()) : subject);
    extend(x, NID_basic_constraints, by ? "CA:FALSE" : "CA:TRUE");
    if (!names.empty()) extend(x, NID_subject_alt_name, names);
    check(X509_sign(x, by ? by->key.get() : made.key.get(), EVP_sha256()) > 0);
    return made;
  }

  void save(const std::string& name, const identity& of) const {
    const auto write = [this](const std::string& file, auto&& put) {
      const std::unique_ptr<std::FILE, freed_by<std::fclose>> out{
          std::fopen((*this / file).c_str(), "w")};
      check(out && put(out.get()) == 1);
    };
    write(name + ".pem", [&](std::FILE* out) { return PEM_write_X509(out, of.certificate.get()); });
    write(name + ".key", [&](std::FILE* out) {
      return PEM_write_PrivateKey(out, of.key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    });
  }

  tandem::for_test::own_folder folder_;
  identity authority_;
};

} // namespace tandem::io
