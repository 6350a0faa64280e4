// SPDX-License-Identifier: Apache-2.0
// A BOSH server with its XMPP server for tests, in virtual time, in the two dialects that are in
// use: what each does in each case was seen on Prosody 0.12.3 and on ejabberd 23.01. A test can
// have it answer anything else.
#pragma once

#include <tandem/base/text.hpp>
#include <tandem/crypto/hash.hpp>
#include <tandem/xmpp/bosh_answer.hpp>
#include <tandem/xmpp/jid.hpp>
#include <tandem/xmpp/sasl_login.hpp>
#include <tandem/xmpp/xml_reader.hpp>
#include <tandem/xmpp/xml_writer.hpp>

#include <algorithm>
#include <functional>
#include <gsasl.h>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tandem::xmpp::for_test {

enum class dialect { prosody, ejabberd };

class bosh_server {
 public:
  struct reply {
    int connection;
    unsigned status;
    std::string body;
  };
  struct held_request {
    int connection;
    std::uint64_t rid;
    instant since;
  };
  struct session {
    std::string sid;
    std::uint64_t last_rid = 0;
    std::map<std::uint64_t, std::string> answers;               ///< the last two
    std::map<std::uint64_t, std::pair<int, xml_element>> early; ///< before their turn
    std::optional<held_request> held;
    std::string pending; ///< stanzas for the client
    instant active{};
    seconds wait{0};
    std::optional<seconds> pause;
    std::string expected_key;
    std::string full;
    std::string user;
    bool is_authenticated = false;
    std::vector<int> hanging; ///< connections that are never answered
    std::shared_ptr<Gsasl_session> sasl;
    int requests = 0;
  };

  explicit bosh_server(dialect d) : speaks{d} {
    if (d == dialect::ejabberd) maxpause = seconds{60};
    Gsasl* made = nullptr;
    gsasl_init(&made);
    gsasl_ = {made, gsasl_done};
  }

  // ---- What a test may change.
  dialect speaks;
  std::string domain = "xmpp.test";
  std::string password = "secret";
  std::vector<std::string> mechanisms{"PLAIN", "SCRAM-SHA-1", "SCRAM-SHA-256"};
  std::string iterations = "4096";
  seconds most_wait{60};
  seconds inactivity{10};
  seconds maxpause{0};
  std::uint32_t requests = 2;
  std::uint32_t hold = 1;
  bool answers_acks = false;
  bool forgets_features = false; ///< they come with a later answer
  bool wants_session = false;    ///< the old session request (RFC 3921)
  /// Sees each request first; what it returns is the answer. Status 0: none ever.
  std::function<std::optional<reply>(int, const xml_element&)> instead;

  // ---- What a test sees.
  std::vector<std::string>
      seen; ///< by a contact: "SIP-phone away On the phone. -1", "SIP-phone gone"
  std::vector<std::string> bodies; ///< of all requests
  std::map<std::string, session> sessions;
  int logins = 0;

  void request(int connection, std::string_view text, instant now) {
    bodies.emplace_back(text);
    const auto body = read_xml(text);
    if (!body || !body->is("body", httpbind_space))
      return speaks == dialect::ejabberd ? answer(connection, 400, "") : void();
    if (instead)
      if (auto made = instead(connection, *body)) {
        made->connection = connection;
        if (made->status != 0) replies_.push_back(*made);
        return;
      }
    const auto rid = parse_number<std::uint64_t>(body->attribute("rid"));
    if (!rid)
      return speaks == dialect::ejabberd ? answer(connection, 400, "")
                                         : end_with(connection, "bad-request");
    if (!body->find_attribute("sid")) return create(connection, *rid, *body, now);
    const auto found = sessions.find(std::string{body->attribute("sid")});
    if (found == sessions.end()) return end_with(connection, "item-not-found");
    take(found->second, connection, *rid, *body, now);
  }

  /// The connection is gone, with what was held on it.
  void drop(int connection) {
    std::erase_if(replies_, [&](const reply& r) { return r.connection == connection; });
    for (auto& [sid, s] : sessions)
      if (s.held && s.held->connection == connection) s.held->connection = -1;
  }

  void advance(instant now) {
    std::vector<std::string> silent;
    for (auto& [sid, s] : sessions) {
      // A connection that has gone is noticed at the next write; its request stays held till then.
      if (s.held && now - s.held->since >= s.wait) give(s, "", now);
      const seconds allowed = s.pause.value_or(inactivity);
      if (!s.held && now - s.active > allowed) silent.push_back(sid);
    }
    for (const std::string& sid : silent) {
      session& s = sessions[sid];
      if (!s.full.empty())
        seen.push_back(resource_of(s.full) + " gone" +
                       (speaks == dialect::prosody ? " silent" : ""));
      sessions.erase(sid);
    }
  }

  /// A stanza for whoever has the resource.
  void deliver(std::string_view resource, std::string_view stanza, instant now) {
    for (auto& [sid, s] : sessions)
      if (!s.full.empty() && resource_of(s.full) == resource) {
        s.pending += stanza;
        flush(s, now);
      }
  }

  /// Another client binds the same resource.
  void take_resource(const std::string& full, instant now) {
    for (auto i = sessions.begin(); i != sessions.end();) {
      session& s = i->second;
      if (s.full != full) {
        ++i;
        continue;
      }
      seen.push_back(resource_of(full) + " gone");
      if (s.held && speaks == dialect::prosody)
        answer(s.held->connection, 200,
               "<body xmlns='http://jabber.org/protocol/httpbind' type='terminate' "
               "condition='remote-stream-error' xmlns:stream='http://etherx.jabber.org/streams'>"
               "<stream:error><conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/><text "
               "xmlns='urn:ietf:params:xml:ns:xmpp-streams'>Replaced by new connection</text>"
               "</stream:error></body>");
      else if (s.held)
        give(s, std::exchange(s.pending, {}), now); // the next request finds no session
      i = sessions.erase(i);
    }
  }

  /// The server ends, and comes back without sessions.
  void stop(instant now) {
    for (auto& [sid, s] : sessions) {
      if (s.held) give(s, "", now);
      if (!s.full.empty()) seen.push_back(resource_of(s.full) + " gone");
    }
    sessions.clear();
  }

  std::vector<reply> take_replies() { return std::exchange(replies_, {}); }

 private:
  static std::string resource_of(const std::string& full) {
    return full.substr(full.find('/') + 1);
  }
  void answer(int connection, unsigned status, std::string body) {
    if (connection >= 0) replies_.push_back({connection, status, std::move(body)});
  }
  void end_with(int connection, std::string_view condition) {
    answer(connection, 200,
           "<body xmlns='http://jabber.org/protocol/httpbind' type='terminate' condition='" +
               std::string{condition} + "'/>");
  }
  static std::string sha1(std::string_view text) {
    return std::string{
        crypto::hex_digest{*crypto::hash(crypto::hash_function::sha1, {text})}.view()};
  }

  void create(int connection, std::uint64_t rid, const xml_element& body, instant now) {
    const bool is_prosody = speaks == dialect::prosody;
    const auto to = body.attribute("to");
    if (to.empty()) return end_with(connection, "improper-addressing");
    if (to != domain)
      return end_with(connection, is_prosody ? "improper-addressing" : "internal-server-error");
    if (body.attribute("wait").empty() && is_prosody) return end_with(connection, "bad-request");
    const std::string sid = "s" + std::to_string(++count_);
    session& s = sessions[sid];
    s.sid = sid;
    s.last_rid = rid;
    s.active = now;
    s.wait =
        std::min(seconds{parse_number<unsigned>(body.attribute("wait")).value_or(300)}, most_wait);
    if (!is_prosody) s.expected_key = body.attribute("newkey");
    std::string out =
        "<body xmlns='http://jabber.org/protocol/httpbind' sid='" + sid + "' wait='" +
        std::to_string(s.wait.count()) + "' inactivity='" + std::to_string(inactivity.count()) +
        "' requests='" + std::to_string(requests) + "' hold='" + std::to_string(hold) +
        "' polling='" + (is_prosody ? "5" : "2") + "' ver='1.11' " +
        (maxpause > seconds{0} ? "maxpause='" + std::to_string(maxpause.count()) + "' "
                               : std::string{}) +
        (answers_acks ? "ack='" + std::to_string(rid) + "' " : "") +
        "xmlns:xmpp='urn:xmpp:xbosh' "
        "xmlns:stream='http://etherx.jabber.org/streams' xmpp:version='1.0'>";
    if (forgets_features) {
      s.pending = login_features();
    } else {
      out += login_features();
    }
    out += "</body>";
    s.answers[rid] = out;
    answer(connection, 200, out);
  }

  [[nodiscard]] std::string login_features() const {
    std::string out = "<stream:features xmlns:stream='http://etherx.jabber.org/streams'>";
    if (!mechanisms.empty()) {
      out += "<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>";
      for (const std::string& m : mechanisms) out += "<mechanism>" + m + "</mechanism>";
      out += "</mechanisms>";
    }
    return out + "</stream:features>";
  }

  void take(session& s, int connection, std::uint64_t rid, const xml_element& body, instant now) {
    ++s.requests;
    if (s.held && s.held->rid == rid) { // again, on another connection
      answer(s.held->connection, 200, "<body xmlns='http://jabber.org/protocol/httpbind'/>");
      s.held = held_request{connection, rid, now};
      return flush(s, now);
    }
    if (rid <= s.last_rid) {
      if (const auto kept = s.answers.find(rid); kept != s.answers.end()) {
        s.active = now;
        return answer(connection, 200, kept->second);
      }
      if (speaks == dialect::prosody) return end_with(connection, "item-not-found");
      s.hanging.push_back(connection);
      return;
    }
    if (rid > s.last_rid + 2) {
      end_with(connection, "item-not-found");
      if (speaks == dialect::ejabberd) sessions.erase(s.sid);
      return;
    }
    if (rid != s.last_rid + 1) {
      s.early[rid] = {connection, body};
      return;
    }
    const std::string sid = s.sid;
    run(s, connection, rid, body, now);
    if (const auto still = sessions.find(sid); still != sessions.end())
      if (auto next = still->second.early.extract(rid + 1))
        take(still->second, next.mapped().first, rid + 1, next.mapped().second, now);
  }

  void run(session& s, int connection, std::uint64_t rid, const xml_element& body, instant now) {
    const bool is_ejabberd = speaks == dialect::ejabberd;
    if (is_ejabberd && !s.expected_key.empty()) {
      if (sha1(body.attribute("key")) != s.expected_key) {
        end_with(connection, "item-not-found");
        sessions.erase(s.sid);
        return;
      }
      s.expected_key = body.attribute(body.find_attribute("newkey") ? "newkey" : "key");
    }
    if (is_ejabberd && hold == 0 && now - s.active < seconds{2} && rid > s.last_rid &&
        s.requests > 1) {
      end_with(connection, "policy-violation");
      sessions.erase(s.sid);
      return;
    }
    s.last_rid = rid;
    s.active = now;
    s.pause.reset();
    const std::string sid = s.sid;
    for (const xml_element& stanza : body.children) take_stanza(s, stanza, now);
    if (!sessions.contains(sid)) return;
    if (body.attribute("restart", xbosh_space) == "true" && s.is_authenticated)
      s.pending +=
          "<stream:features xmlns:stream='http://etherx.jabber.org/streams'>"
          "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>" +
          std::string{wants_session ? "<session xmlns='urn:ietf:params:xml:ns:xmpp-session'/>"
                                    : "<session xmlns='urn:ietf:params:xml:ns:xmpp-session'>"
                                      "<optional/></session>"} +
          "</stream:features>";
    if (body.attribute("type") == "terminate") return leave(s, connection);
    const auto pause = parse_number<unsigned>(body.attribute("pause"));
    if (pause && maxpause > seconds{0}) {
      if (s.held) give(s, "", now);
      s.pause = seconds{*pause};
      s.hanging.push_back(connection); // ejabberd never answers it
      return;
    }
    if (is_ejabberd) {
      if (s.held) give(s, "", now);
      s.held = held_request{connection, rid, now};
    } else {
      if (s.held) give(s, std::exchange(s.pending, {}), now);
      s.held = held_request{connection, rid, now};
    }
    if (s.wait == seconds{0} || hold == 0)
      give(s, std::exchange(s.pending, {}), now);
    else
      flush(s, now);
  }

  void leave(session& s, int connection) {
    if (!s.full.empty() && !s.pending.ends_with("gone")) {
      if (seen.empty() || seen.back() != resource_of(s.full) + " gone")
        seen.push_back(resource_of(s.full) + " gone");
    }
    const std::string out = "<body xmlns='http://jabber.org/protocol/httpbind' type='terminate'/>";
    if (s.held) answer(s.held->connection, 200, out);
    answer(connection, 200, out);
    sessions.erase(s.sid);
  }

  /// Answers the held request.
  void give(session& s, const std::string& stanzas, instant now) {
    const std::string out =
        "<body xmlns='http://jabber.org/protocol/httpbind'>" + stanzas + "</body>";
    const held_request held = *std::exchange(s.held, std::nullopt);
    s.answers[held.rid] = out;
    while (s.answers.size() > 2) s.answers.erase(s.answers.begin());
    s.active = now;
    answer(held.connection, 200, out);
  }
  void flush(session& s, instant now) {
    if (s.held && !s.pending.empty()) give(s, std::exchange(s.pending, {}), now);
  }

  void take_stanza(session& s, const xml_element& stanza, instant now) {
    if (stanza.is("auth", sasl_space) || stanza.is("response", sasl_space))
      return authenticate(s, stanza);
    if (stanza.is("iq", client_space)) {
      if (const auto* bind = stanza.find_child("bind", "urn:ietf:params:xml:ns:xmpp-bind")) {
        const auto* resource = bind->find_child("resource", "urn:ietf:params:xml:ns:xmpp-bind");
        const std::string full =
            s.user + "@" + domain + "/" + (resource ? resource->text : "generated");
        const std::string sid = s.sid;
        take_resource(full, now);
        s.full = full;
        s.pending +=
            "<iq xmlns='jabber:client' type='result' id='" + std::string{stanza.attribute("id")} +
            "'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>" + full + "</jid></bind></iq>";
        ++logins;
      } else if (stanza.attribute("type") == "set") {
        s.pending += "<iq xmlns='jabber:client' type='result' id='" +
                     std::string{stanza.attribute("id")} + "'/>";
      }
      return;
    }
    if (!stanza.is("presence", client_space) || s.full.empty()) return;
    const auto text_of = [&](std::string_view name) {
      const auto* child = stanza.find_child(name, client_space);
      return child ? " " + child->text : std::string{};
    };
    if (stanza.attribute("type") == "unavailable") {
      seen.push_back(resource_of(s.full) + " gone");
    } else {
      seen.push_back(resource_of(s.full) + text_of("show") + text_of("status") +
                     text_of("priority"));
      s.pending += "<presence xmlns='jabber:client' from='" + s.full + "' id='" +
                   std::string{stanza.attribute("id")} + "'/>";
    }
  }

  void authenticate(session& s, const xml_element& stanza) {
    if (stanza.attribute("mechanism") == "PLAIN") return take_plain(s, stanza.text);
    if (stanza.name == "auth") {
      Gsasl_session* made = nullptr;
      gsasl_server_start(gsasl_.get(), std::string{stanza.attribute("mechanism")}.c_str(), &made);
      s.sasl = {made, gsasl_finish};
      gsasl_property_set(made, GSASL_PASSWORD, password.c_str());
      gsasl_property_set(made, GSASL_SCRAM_ITER, iterations.c_str());
      gsasl_property_set(made, GSASL_SCRAM_SALT, "QSXCR+Q6sek8bf92");
    }
    char* out = nullptr;
    const int state =
        gsasl_step64(s.sasl.get(), stanza.text == "=" ? "" : stanza.text.c_str(), &out);
    const std::string data = out ? out : "";
    gsasl_free(out);
    if (state == GSASL_NEEDS_MORE) {
      s.pending += "<challenge xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>" + data + "</challenge>";
    } else if (state == GSASL_OK) {
      s.is_authenticated = true;
      const char* const user = gsasl_property_fast(s.sasl.get(), GSASL_AUTHID);
      s.user = user ? user : "";
      s.pending += "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>" + data + "</success>";
    } else {
      s.pending += "<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/></failure>";
    }
  }

  void take_plain(session& s, const std::string& coded) {
    char* out = nullptr;
    std::size_t size = 0;
    gsasl_base64_from(coded.data(), coded.size(), &out, &size);
    const std::string data{out, size};
    gsasl_free(out);
    s.user = data.substr(1, data.find('\0', 1) - 1);
    s.is_authenticated = data == std::string(1, '\0') + s.user + '\0' + password;
    s.pending +=
        s.is_authenticated
            ? "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>"
            : "<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/></failure>";
  }

  std::shared_ptr<Gsasl> gsasl_;
  std::vector<reply> replies_;
  int count_ = 0;
};

} // namespace tandem::xmpp::for_test
