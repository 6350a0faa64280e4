// SPDX-License-Identifier: Apache-2.0
#include <tandem/xmpp/xml_reader.hpp>

#include <climits>
#include <expat.h>
#include <memory>
#include <new>
#include <optional>
#include <utility>

namespace tandem::xmpp {

namespace {

/// Parts namespace and name in what expat tells; it can stand in neither.
constexpr XML_Char separator = '\n';

struct free_parser {
  void operator()(XML_Parser parser) const noexcept { XML_ParserFree(parser); }
};

std::pair<std::string_view, std::string_view> split_name(std::string_view told) noexcept {
  const auto at = told.find(separator);
  if (at == std::string_view::npos) return {{}, told};
  return {told.substr(0, at), told.substr(at + 1)};
}

/// One document on its way. Expat is C: nothing may be thrown through it.
class document_reader {
 public:
  explicit document_reader(const xml_limits& limits) noexcept : limits_{limits} {}

  result<xml_element, xml_errc> read(std::string_view document) noexcept {
    if (document.size() > limits_.document || document.size() > INT_MAX)
      return fail(xml_errc::too_large);
    const std::unique_ptr<XML_ParserStruct, free_parser> parser{
        XML_ParserCreateNS("UTF-8", separator)};
    if (!parser) return fail(xml_errc::no_memory);
    parser_ = parser.get();
    XML_SetUserData(parser_, this);
    XML_SetElementHandler(parser_, on_start, on_end);
    XML_SetCharacterDataHandler(parser_, on_text);
    XML_SetStartDoctypeDeclHandler(
        parser_, [](void* me, const XML_Char*, const XML_Char*, const XML_Char*, int) {
          static_cast<document_reader*>(me)->stop(xml_errc::restricted);
        });
    XML_SetCommentHandler(parser_, [](void* me, const XML_Char*) {
      static_cast<document_reader*>(me)->stop(xml_errc::restricted);
    });
    XML_SetProcessingInstructionHandler(parser_, [](void* me, const XML_Char*, const XML_Char*) {
      static_cast<document_reader*>(me)->stop(xml_errc::restricted);
    });
    const auto outcome =
        XML_Parse(parser_, document.data(), static_cast<int>(document.size()), XML_TRUE);
    if (refused_) return fail(*refused_);
    if (outcome != XML_STATUS_OK)
      return fail(XML_GetErrorCode(parser_) == XML_ERROR_NO_MEMORY ? xml_errc::no_memory
                                                                   : xml_errc::malformed);
    return std::move(root_);
  }

 private:
  void stop(xml_errc why) noexcept {
    if (!refused_) refused_ = why;
    XML_StopParser(parser_, XML_FALSE);
  }

  /// Counts what is about to be kept; false when it is too much.
  bool may_keep(std::size_t bytes) noexcept {
    if (bytes > limits_.memory - kept_) return stop(xml_errc::too_large), false;
    kept_ += bytes;
    return true;
  }

  template <typename Work>
  static void guard(void* me, Work&& work) noexcept {
    auto& self = *static_cast<document_reader*>(me);
    if (self.refused_) return; // expat may tell a little more after it was stopped
    try {
      work(self);
    } catch (const std::bad_alloc&) {
      self.stop(xml_errc::no_memory);
    }
  }

  static void on_start(void* me, const XML_Char* name, const XML_Char** attributes) {
    guard(me, [&](document_reader& self) { self.start(name, attributes); });
  }
  static void on_end(void* me, const XML_Char*) {
    guard(me, [](document_reader& self) { self.open_.pop_back(); });
  }
  static void on_text(void* me, const XML_Char* text, int size) {
    guard(me, [&](document_reader& self) {
      if (self.may_keep(static_cast<std::size_t>(size)))
        self.open_.back()->text.append(text, static_cast<std::size_t>(size));
    });
  }

  void start(std::string_view told, const XML_Char** attributes) {
    if (++elements_ > limits_.elements || open_.size() >= limits_.depth)
      return stop(xml_errc::too_large);
    if (!may_keep(sizeof(xml_element) + told.size())) return;
    xml_element made;
    const auto [space, name] = split_name(told);
    made.space = space;
    made.name = name;
    for (const XML_Char** a = attributes; *a; a += 2) {
      const std::string_view its_name = a[0];
      const std::string_view value = a[1];
      if (made.attributes.size() >= limits_.attributes) return stop(xml_errc::too_large);
      if (!may_keep(sizeof(xml_attribute) + its_name.size() + value.size())) return;
      const auto [its_space, local] = split_name(its_name);
      made.attributes.push_back({std::string{its_space}, std::string{local}, std::string{value}});
    }
    // A parent's children are added to only while it is the innermost, so that no element that is
    // open ever moves.
    if (open_.empty()) {
      root_ = std::move(made);
      open_.push_back(&root_);
    } else {
      auto& siblings = open_.back()->children;
      siblings.push_back(std::move(made));
      open_.push_back(&siblings.back());
    }
  }

  const xml_limits& limits_;
  XML_Parser parser_ = nullptr;
  xml_element root_;
  std::vector<xml_element*> open_;
  std::size_t elements_ = 0;
  std::size_t kept_ = 0;
  std::optional<xml_errc> refused_;
};

} // namespace

std::string_view to_string(xml_errc e) noexcept {
  switch (e) {
  case xml_errc::malformed: return "not well-formed XML in UTF-8";
  case xml_errc::restricted: return "XML that XMPP forbids (RFC 6120 11.1)";
  case xml_errc::too_large: return "XML over the limits";
  case xml_errc::no_memory: return "out of memory";
  }
  return "";
}

result<xml_element, xml_errc> read_xml(std::string_view document,
                                       const xml_limits& limits) noexcept {
  return document_reader{limits}.read(document);
}

} // namespace tandem::xmpp
