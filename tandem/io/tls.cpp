// SPDX-License-Identifier: Apache-2.0
#include <tandem/io/tls.hpp>

#include <tandem/base/ip_address.hpp>

#include <array>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/sslerr.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <unistd.h>

namespace tandem::io {

namespace {

using context_result = result<tls_context, std::string>;

/// The first error in OpenSSL's queue, in words; the queue is empty afterwards.
std::string take_error() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  if (code == 0) return "unknown TLS error";
  if (const char* reason = ERR_reason_error_string(code)) return reason;
  std::array<char, 256> text{};
  ERR_error_string_n(code, text.data(), text.size());
  return text.data();
}

/// What to do about an error of a handshake, to be added to its text; empty where that says all.
std::string_view find_remedy(unsigned long code) {
  if (ERR_GET_LIB(code) != ERR_LIB_SSL) return {};
  switch (ERR_GET_REASON(code)) {
  case SSL_R_WRONG_VERSION_NUMBER:
  case SSL_R_HTTP_REQUEST:
  case SSL_R_BAD_RECORD_TYPE:
  case SSL_R_UNKNOWN_PROTOCOL: return "; the peer does not speak TLS";
  case SSL_R_UNSUPPORTED_PROTOCOL:
  case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION: return "; both must speak TLS 1.2 or newer";
  case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
  case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
  case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
    return "; the peer refuses our certificate: give it the file of the authority that signed it, "
           "and a name that it holds";
  case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED: return "; our certificate must be renewed";
  case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE: return "; it must show one of our client CA";
  default: return {};
  }
}

/// Empty when the file can be read, else why not.
std::string reading_problem(const std::string& path) {
  if (::access(path.c_str(), R_OK) == 0) return {};
  const int error = errno;
  return fmt::format("cannot read {}: {}{}", path, std::strerror(error),
                     error == EACCES ? "; let the user of this process read it" : "");
}

std::shared_ptr<SSL_CTX> new_context(const SSL_METHOD* method) {
  std::shared_ptr<SSL_CTX> context{SSL_CTX_new(method), &SSL_CTX_free};
  if (!context) return context;
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                         SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE |
                                      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                      SSL_MODE_RELEASE_BUFFERS);
  return context;
}

/// Loads certificate and key; empty, or what is wrong.
std::string load_identity(SSL_CTX* context, const std::string& certificate,
                          const std::string& key_or_none) {
  const std::string& key = key_or_none.empty() ? certificate : key_or_none;
  if (auto problem = reading_problem(certificate); !problem.empty()) return problem;
  if (auto problem = reading_problem(key); !problem.empty()) return problem;
  if (SSL_CTX_use_certificate_chain_file(context, certificate.c_str()) != 1)
    return fmt::format("{} is no certificate in PEM form ({}); it must begin with the "
                       "-----BEGIN CERTIFICATE----- of this server, those above it follow",
                       certificate, take_error());
  // A key with a pass phrase must not make the program ask the terminal for it.
  SSL_CTX_set_default_passwd_cb(context, [](char*, int, int, void*) { return -1; });
  if (SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) != 1) {
    // An EC or RSA key of another certificate is refused here already.
    const unsigned long code = ERR_peek_last_error();
    if (ERR_GET_REASON(code) == X509_R_KEY_VALUES_MISMATCH) {
      ERR_clear_error();
      return fmt::format("the key in {} does not belong to the certificate in {}", key,
                         certificate);
    }
    return fmt::format("{} is no private key in PEM form without a pass phrase ({})", key,
                       take_error());
  }
  if (SSL_CTX_check_private_key(context) != 1) {
    ERR_clear_error();
    return fmt::format("the key in {} does not belong to the certificate in {}", key, certificate);
  }
  return {};
}

std::string load_authorities(SSL_CTX* context, const std::string& path) {
  if (auto problem = reading_problem(path); !problem.empty()) return problem;
  if (SSL_CTX_load_verify_file(context, path.c_str()) != 1)
    return fmt::format("{} holds no certificates in PEM form ({})", path, take_error());
  return {};
}

// A BIO over a socket that does not raise SIGPIPE.

int socket_write(BIO* bio, const char* data, int size) {
  BIO_clear_retry_flags(bio);
  const auto fd = static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio)));
  const ssize_t n = ::send(fd, data, static_cast<std::size_t>(size), MSG_NOSIGNAL);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_write(bio);
  return static_cast<int>(n);
}

int socket_read(BIO* bio, char* data, int size) {
  BIO_clear_retry_flags(bio);
  const auto fd = static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio)));
  const ssize_t n = ::recv(fd, data, static_cast<std::size_t>(size), 0);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_read(bio);
  if (n == 0) BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
  return static_cast<int>(n);
}

long socket_control(BIO* bio, int command, long, void*) {
  if (command == BIO_CTRL_FLUSH) return 1;
  if (command == BIO_CTRL_EOF) return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0 ? 1 : 0;
  return 0;
}

const BIO_METHOD* socket_method() {
  static const BIO_METHOD* method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "tandem socket");
    BIO_meth_set_write(made, socket_write);
    BIO_meth_set_read(made, socket_read);
    BIO_meth_set_ctrl(made, socket_control);
    BIO_meth_set_create(made, [](BIO* bio) {
      BIO_set_init(bio, 1);
      return 1;
    });
    return made; // lives as long as the process
  }();
  return method;
}

} // namespace

context_result tls_context::server(const tls_server_options& options) {
  auto context = new_context(TLS_server_method());
  if (!context) return fail("cannot make a TLS context: " + take_error());
  if (options.certificate_file.empty())
    return fail(std::string{"a TLS listener needs a certificate: name its file"});
  if (auto problem = load_identity(context.get(), options.certificate_file, options.key_file);
      !problem.empty())
    return fail(std::move(problem));
  if (!options.client_ca_file.empty()) {
    if (auto problem = load_authorities(context.get(), options.client_ca_file); !problem.empty())
      return fail(std::move(problem));
    SSL_CTX_set_client_CA_list(context.get(),
                               SSL_load_client_CA_file(options.client_ca_file.c_str()));
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    // Without it a client that was verified cannot resume its session.
    constexpr unsigned char id[] = "tandem";
    SSL_CTX_set_session_id_context(context.get(), id, sizeof id - 1);
  }
  return tls_context{std::move(context)};
}

context_result tls_context::client(const tls_client_options& options) {
  auto context = new_context(TLS_client_method());
  if (!context) return fail("cannot make a TLS context: " + take_error());
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  if (options.ca_file.empty())
    SSL_CTX_set_default_verify_paths(context.get());
  else if (auto problem = load_authorities(context.get(), options.ca_file); !problem.empty())
    return fail(std::move(problem));
  if (!options.certificate_file.empty())
    if (auto problem = load_identity(context.get(), options.certificate_file, options.key_file);
        !problem.empty())
      return fail(std::move(problem));
  return tls_context{std::move(context)};
}

bool has_unexpected_end(int reason) noexcept {
  return reason == SSL_ERROR_SSL &&
         ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING;
}

std::string explain_tls_failure(const ssl_st* connection) {
  const long verdict = SSL_get_verify_result(connection);
  if (verdict == X509_V_OK) {
    const auto remedy = find_remedy(ERR_peek_error());
    return take_error().append(remedy);
  }
  ERR_clear_error();
  std::string text = "the peer's certificate is refused: ";
  text += X509_verify_cert_error_string(verdict);
  switch (verdict) {
  case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
  case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
  case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
  case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
  case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    text += "; give the file of the authority that signed it as CA file";
    break;
  case X509_V_ERR_HOSTNAME_MISMATCH:
  case X509_V_ERR_IP_ADDRESS_MISMATCH: text += "; use a name that the certificate holds"; break;
  case X509_V_ERR_CERT_HAS_EXPIRED: text += "; it must be renewed"; break;
  case X509_V_ERR_CERT_NOT_YET_VALID: text += "; look at the clocks"; break;
  default: break;
  }
  return text;
}

bool expect_tls_host(ssl_st* connection, const std::string& host) {
  if (ip_address::parse(host)) {
    std::string bare = host;
    if (bare.front() == '[') bare = bare.substr(1, bare.size() - 2);
    return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(connection), bare.c_str()) == 1;
  }
  return SSL_set_tlsext_host_name(connection, host.c_str()) == 1 &&
         SSL_set1_host(connection, host.c_str()) == 1;
}

bool is_peer_verified(const ssl_st* connection) {
  // Without a certificate the verdict is "good", for nothing was looked at.
  return SSL_get0_peer_certificate(connection) && SSL_get_verify_result(connection) == X509_V_OK;
}

bool has_peer_proved(const ssl_st* connection, const std::string& name) {
  if (name.empty() || !is_peer_verified(connection)) return false;
  X509* const shown = SSL_get0_peer_certificate(connection);
  if (const auto ip = ip_address::parse(name))
    return X509_check_ip_asc(shown, ip->to_string().c_str(), 0) == 1;
  constexpr unsigned as_written =
      X509_CHECK_FLAG_NO_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT;
  return X509_check_host(shown, name.data(), name.size(), as_written, nullptr) == 1;
}

ssl_st* make_tls_session(const tls_context& context, int fd) {
  SSL* session = SSL_new(context.native());
  BIO* bio = session ? BIO_new(socket_method()) : nullptr;
  if (!bio) {
    SSL_free(session);
    return nullptr;
  }
  BIO_set_data(bio, reinterpret_cast<void*>(static_cast<std::intptr_t>(fd)));
  SSL_set_bio(session, bio, bio);
  return session;
}

void free_tls_session(ssl_st* connection) noexcept { SSL_free(connection); }

} // namespace tandem::io
