// SPDX-License-Identifier: Apache-2.0
#include <tandem/io/tls.hpp>

#include <tandem/base/ip_address.hpp>
#include <tandem/io/certificate_names.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <fmt/format.h>
#include <new>
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

using context_ptr = std::shared_ptr<SSL_CTX>;

/// What contexts keep beside what OpenSSL knows; it goes when the last connection has gone.
template <typename T>
void free_kept(void*, void* kept, CRYPTO_EX_DATA*, int, long, void*) {
  delete static_cast<T*>(kept);
}

/// The contexts of a server's further certificates, by name.
using contexts_by_name = std::vector<context_ptr>;

int contexts_by_name_index() {
  static const int index =
      SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, free_kept<contexts_by_name>);
  return index;
}

/// Whom a connection of a client expects by the rule of SIP.
struct expected_peer {
  std::string name;
  std::string shown = {}; ///< whom its certificate names instead
};

int expected_peer_index() {
  static const int index =
      SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, free_kept<expected_peer>);
  return index;
}

/// The context has the rule of SIP. Its value is its own address.
int sip_rule_index() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

expected_peer* expected_of(const SSL* connection) {
  return static_cast<expected_peer*>(SSL_get_ex_data(connection, expected_peer_index()));
}

/// RFC 5922 7.3: the chain is verified, and then the name. Called while the handshake goes on.
int verify_sip_peer(X509_STORE_CTX* of, void*) {
  if (X509_verify_cert(of) != 1) return 0;
  const auto* connection =
      static_cast<const SSL*>(X509_STORE_CTX_get_ex_data(of, SSL_get_ex_data_X509_STORE_CTX_idx()));
  expected_peer* expected = connection ? expected_of(connection) : nullptr;
  const X509* shown = X509_STORE_CTX_get0_cert(of);
  try {
    if (expected && certifies_sip_domain(shown, expected->name)) return 1;
    if (expected) expected->shown = names_for_people(shown);
  } catch (const std::bad_alloc&) {
    X509_STORE_CTX_set_error(of, X509_V_ERR_OUT_OF_MEM);
    return 0;
  }
  X509_STORE_CTX_set_error(of, X509_V_ERR_HOSTNAME_MISMATCH);
  return 0;
}

/// RFC 6066 3: shows the certificate that holds the name which the client asks for; else the first.
int choose_by_name(SSL* connection, int*, void*) {
  const char* wanted = SSL_get_servername(connection, TLSEXT_NAMETYPE_host_name);
  const auto* all = static_cast<const contexts_by_name*>(
      SSL_CTX_get_ex_data(SSL_get_SSL_CTX(connection), contexts_by_name_index()));
  if (!wanted || !all) return SSL_TLSEXT_ERR_NOACK;
  const auto holds = [wanted](SSL_CTX* one) {
    return X509_check_host(SSL_CTX_get0_certificate(one), wanted, std::strlen(wanted), 0,
                           nullptr) == 1;
  };
  if (holds(SSL_get_SSL_CTX(connection))) return SSL_TLSEXT_ERR_OK;
  for (const context_ptr& one : *all) {
    if (!holds(one.get())) continue;
    return SSL_set_SSL_CTX(connection, one.get()) ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  return SSL_TLSEXT_ERR_NOACK;
}

std::optional<std::chrono::system_clock::time_point> expiry_of(SSL_CTX* context) {
  const X509* certificate = SSL_CTX_get0_certificate(context);
  std::tm utc{};
  if (!certificate || ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &utc) != 1)
    return std::nullopt;
  return std::chrono::system_clock::from_time_t(::timegm(&utc));
}

context_ptr new_context(const SSL_METHOD* method, tls_versions versions) {
  context_ptr context{SSL_CTX_new(method), &SSL_CTX_free};
  if (!context) return context;
  SSL_CTX_set_min_proto_version(context.get(), versions == tls_versions::only_1_3 ? TLS1_3_VERSION
                                                                                  : TLS1_2_VERSION);
  if (versions == tls_versions::only_1_2)
    SSL_CTX_set_max_proto_version(context.get(), TLS1_2_VERSION);
  // A session is resumed by what the client keeps (RFC 5077, RFC 8446 4.6.1): nothing grows here.
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
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
    return fmt::format("{} is not a certificate in PEM form ({}); it must begin with the "
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
    return fmt::format("{} is not a private key in PEM form without a pass phrase ({})", key,
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

tls_context::tls_context(context_ptr context)
    : context_{std::move(context)}, expires_{expiry_of(context_.get())} {
  if (const auto* more = static_cast<const contexts_by_name*>(
          SSL_CTX_get_ex_data(context_.get(), contexts_by_name_index())))
    for (const context_ptr& one : *more) expires_ = std::min(expires_, expiry_of(one.get()));
}

context_result tls_context::server(const tls_server_options& options) {
  auto context = new_context(TLS_server_method(), options.versions);
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
    SSL_CTX_set_verify(context.get(),
                       SSL_VERIFY_PEER |
                           (options.may_clients_be_unknown ? 0 : SSL_VERIFY_FAIL_IF_NO_PEER_CERT),
                       nullptr);
    // Without it a client that was verified cannot resume its session.
    constexpr unsigned char id[] = "tandem";
    SSL_CTX_set_session_id_context(context.get(), id, sizeof id - 1);
  }
  if (!options.by_name.empty()) {
    auto more = std::make_unique<contexts_by_name>();
    for (const tls_identity& one : options.by_name) {
      context_ptr made = new_context(TLS_server_method(), options.versions);
      if (!made) return fail("cannot make a TLS context: " + take_error());
      if (auto problem = load_identity(made.get(), one.certificate_file, one.key_file);
          !problem.empty())
        return fail(std::move(problem));
      more->push_back(std::move(made));
    }
    if (SSL_CTX_set_ex_data(context.get(), contexts_by_name_index(), more.get()) != 1)
      return fail("cannot make a TLS context: " + take_error());
    static_cast<void>(more.release()); // the context's now
    SSL_CTX_set_tlsext_servername_callback(context.get(), choose_by_name);
  }
  return tls_context{std::move(context)};
}

context_result tls_context::client(const tls_client_options& options) {
  auto context = new_context(TLS_client_method(), options.versions);
  if (!context) return fail("cannot make a TLS context: " + take_error());
  if (options.names == tls_name_rule::sip) {
    SSL_CTX_set_cert_verify_callback(context.get(), verify_sip_peer, nullptr);
    if (SSL_CTX_set_ex_data(context.get(), sip_rule_index(), context.get()) != 1)
      return fail("cannot make a TLS context: " + take_error());
  }
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
  case X509_V_ERR_IP_ADDRESS_MISMATCH:
    if (const expected_peer* expected = expected_of(connection))
      text += fmt::format(", '{}' was asked for, it holds {}", expected->name,
                          expected->shown.empty() ? "no name" : expected->shown);
    text += "; use a name that the certificate holds";
    break;
  case X509_V_ERR_CERT_HAS_EXPIRED: text += "; it must be renewed"; break;
  case X509_V_ERR_CERT_NOT_YET_VALID: text += "; look at the clocks"; break;
  default: break;
  }
  return text;
}

bool expect_tls_host(ssl_st* connection, const std::string& host) {
  if (SSL_CTX_get_ex_data(SSL_get_SSL_CTX(connection), sip_rule_index())) {
    if (host.empty()) return false;
    auto expected = std::make_unique<expected_peer>(expected_peer{host});
    if (SSL_set_ex_data(connection, expected_peer_index(), expected.get()) != 1) return false;
    static_cast<void>(expected.release()); // the connection's now
    return ip_address::parse(host) || SSL_set_tlsext_host_name(connection, host.c_str()) == 1;
  }
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
  return certifies_sip_domain(SSL_get0_peer_certificate(connection), name);
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
