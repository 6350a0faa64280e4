// SPDX-License-Identifier: Apache-2.0
#include <tandem/base/hidden_arguments.hpp>

#include <algorithm>
#include <cstring>

namespace tandem {

void hide_arguments(int argc, char** argv,
                    std::initializer_list<std::string_view> options) noexcept {
  const auto hide = [](char* text) { std::memset(text, '*', std::strlen(text)); };
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument{argv[i]};
    const auto name = argument.substr(0, argument.find('='));
    if (std::ranges::find(options, name) == options.end()) continue;
    if (name.size() < argument.size())
      hide(argv[i] + name.size() + 1);
    else if (i + 1 < argc)
      hide(argv[++i]);
  }
}

} // namespace tandem
