// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/protocol/icu.hpp>

#include <tandem/base/log.hpp>
#include <tandem/sip2/protocol/charset.hpp>

#include <cstdint>
#include <dlfcn.h>
#include <memory>

#include <unicode/ucnv.h>
#include <unicode/unorm2.h>
#include <unicode/utf16.h>
#include <unicode/utf8.h>
#include <unicode/utrans.h>

// ICU's functions have its version in their names; its headers rename them by macros.
#define TANDEM_TEXT_OF(name) #name
#define TANDEM_NAME_OF(name) TANDEM_TEXT_OF(name)

namespace tandem::sip2::icu {
namespace {

/// The functions that are used, null when the libraries are not there.
struct functions {
  decltype(&ucnv_open) open_converter = nullptr;
  decltype(&ucnv_close) close_converter = nullptr;
  decltype(&ucnv_toUChars) to_unicode = nullptr;
  decltype(&unorm2_getNFCInstance) nfc = nullptr;
  decltype(&unorm2_normalize) normalize = nullptr;
  decltype(&utrans_openU) open_rules = nullptr;
  decltype(&utrans_close) close_rules = nullptr;
  decltype(&utrans_transUChars) transliterate = nullptr;

  functions() {
    // Never closed: what they allocated lives as long as the process.
    void* common = ::dlopen("libicuuc.so." U_ICU_VERSION_SHORT, RTLD_NOW | RTLD_LOCAL);
    void* rules = ::dlopen("libicui18n.so." U_ICU_VERSION_SHORT, RTLD_NOW | RTLD_LOCAL);
    if (!common || !rules) {
      log_error("libicuuc.so.{0} and libicui18n.so.{0} are not there: accents cannot be "
                "transliterated; install libicu{0}",
                U_ICU_VERSION_SHORT);
      return;
    }
    find(common, TANDEM_NAME_OF(ucnv_open), open_converter);
    find(common, TANDEM_NAME_OF(ucnv_close), close_converter);
    find(common, TANDEM_NAME_OF(ucnv_toUChars), to_unicode);
    find(common, TANDEM_NAME_OF(unorm2_getNFCInstance), nfc);
    find(common, TANDEM_NAME_OF(unorm2_normalize), normalize);
    find(rules, TANDEM_NAME_OF(utrans_openU), open_rules);
    find(rules, TANDEM_NAME_OF(utrans_close), close_rules);
    find(rules, TANDEM_NAME_OF(utrans_transUChars), transliterate);
  }

 private:
  template <typename Function>
  static void find(void* library, const char* name, Function& to) {
    to = reinterpret_cast<Function>(::dlsym(library, name));
    if (!to) log_error("ICU has no {}", name);
  }
};

const functions& loaded() {
  static const functions all;
  return all;
}

std::u16string to_utf16(std::string_view utf8) {
  std::u16string out;
  const auto* data = reinterpret_cast<const std::uint8_t*>(utf8.data());
  const auto size = static_cast<int32_t>(utf8.size());
  for (int32_t i = 0; i < size;) {
    UChar32 c = 0;
    U8_NEXT_OR_FFFD(data, i, size, c);
    if (c > 0xffff) out += static_cast<char16_t>(U16_LEAD(c));
    out += static_cast<char16_t>(c > 0xffff ? U16_TRAIL(c) : c);
  }
  return out;
}

std::string to_utf8(std::u16string_view text) {
  std::string out;
  const auto size = static_cast<int32_t>(text.size());
  for (int32_t i = 0; i < size;) {
    UChar32 c = 0;
    U16_NEXT_OR_FFFD(text.data(), i, size, c);
    char bytes[4];
    int32_t n = 0;
    U8_APPEND_UNSAFE(bytes, n, c);
    out.append(bytes, static_cast<std::size_t>(n));
  }
  return out;
}

struct close_rules {
  void operator()(UTransliterator* t) const { loaded().close_rules(t); }
};

/// Rules that make ASCII of Latin text; null when they cannot be had.
UTransliterator* ascii_rules() {
  thread_local const std::unique_ptr<UTransliterator, close_rules> rules = [] {
    constexpr std::u16string_view id = u"NFKD; [:Nonspacing Mark:] Remove; Latin-ASCII";
    const auto& f = loaded();
    UTransliterator* made = nullptr;
    UErrorCode status = U_ZERO_ERROR;
    if (f.open_rules && f.close_rules && f.transliterate)
      made = f.open_rules(id.data(), static_cast<int32_t>(id.size()), UTRANS_FORWARD, nullptr, -1,
                          nullptr, &status);
    return std::unique_ptr<UTransliterator, close_rules>{made};
  }();
  return rules.get();
}

} // namespace

std::optional<std::array<char16_t, 128>> upper_half(const char* set) {
  const auto& f = loaded();
  if (!f.open_converter || !f.close_converter || !f.to_unicode) return std::nullopt;
  UErrorCode status = U_ZERO_ERROR;
  UConverter* converter = f.open_converter(set, &status);
  if (!converter) return std::nullopt;
  std::array<char16_t, 128> all{};
  for (unsigned i = 0; i < all.size(); ++i) {
    const char byte = static_cast<char>(i + 128);
    char16_t unit[2] = {};
    status = U_ZERO_ERROR;
    f.to_unicode(converter, unit, 2, &byte, 1, &status);
    all[i] = U_SUCCESS(status) ? unit[0] : char16_t{0xfffd};
  }
  f.close_converter(converter);
  return all;
}

std::optional<std::string> compose(std::string_view utf8) {
  const auto& f = loaded();
  UErrorCode status = U_ZERO_ERROR;
  const auto* nfc = f.nfc && f.normalize ? f.nfc(&status) : nullptr;
  if (!nfc) return std::nullopt;
  const auto text = to_utf16(utf8);
  std::u16string out(text.size() * 3 + 8, u'\0'); // NFC grows a text by 3 times at most
  const auto size = f.normalize(nfc, text.data(), static_cast<int32_t>(text.size()), out.data(),
                                static_cast<int32_t>(out.size()), &status);
  if (U_FAILURE(status)) return std::nullopt;
  out.resize(static_cast<std::size_t>(size));
  return to_utf8(out);
}

std::optional<std::string> to_ascii(char32_t c) {
  auto* rules = ascii_rules();
  if (!rules) return std::nullopt;
  char16_t text[64] = {}; // one character becomes 18 at most (U+FDFA)
  int32_t size = 0;
  if (c > 0xffff) text[size++] = static_cast<char16_t>(U16_LEAD(c));
  text[size++] = static_cast<char16_t>(c > 0xffff ? U16_TRAIL(c) : static_cast<UChar32>(c));
  int32_t limit = size;
  UErrorCode status = U_ZERO_ERROR;
  loaded().transliterate(rules, text, &size, 64, 0, &limit, &status);
  if (U_FAILURE(status)) return std::nullopt;
  auto ascii = to_utf8({text, static_cast<std::size_t>(size)});
  if (!is_ascii(ascii)) return std::nullopt;
  return ascii;
}

} // namespace tandem::sip2::icu
