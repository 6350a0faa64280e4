// SPDX-License-Identifier: Apache-2.0
#include <tandem/server/application_fifo.hpp>

#include <tandem/base/log.hpp>
#include <tandem/base/quiet_thread.hpp>
#include <tandem/base/text.hpp>
#include <tandem/server/control_socket.hpp>
#include <tandem/server/core_settings.hpp>
#include <tandem/server/module.hpp>

#include <fmt/format.h>
#include <map>
#include <unistd.h>
#include <utility>

namespace tandem::server {

namespace {

namespace json = boost::json;

using control::fifo_door;
using control::fifo_reader;
using answer_handler = std::function<void(fifo_door::answer)>;

/// Replies that are on their way when the server ends have so long.
constexpr duration last_moment = milliseconds{500};

/// How many lines each command takes. Commands do not change once the server runs.
std::map<std::string, fifo_reader::line_count, std::less<>>
line_counts(const control::command_registry& commands) {
  std::map<std::string, fifo_reader::line_count, std::less<>> all;
  commands.for_each([&](const control::command& c) {
    fifo_reader::line_count lines{.least = 0, .most = c.parameters.size()};
    while (lines.least < lines.most && c.parameters[lines.least].is_required) ++lines.least;
    all.emplace(to_lower_copy(c.name), lines);
    if (c.fifo) all.insert_or_assign(to_lower_copy(c.fifo->name), lines);
  });
  return all;
}

/// A list as text. It lives where the commands run.
struct list_text {
  std::unique_ptr<control::fifo_list> form;
  std::shared_ptr<control::row_source> rows;

  std::string text_of(const json::array& of) const {
    std::string text;
    for (const json::value& row : of) text += form->row(row.as_object());
    return text;
  }
};

/// Its pieces, for the loop of the FIFO: each is asked for where the commands run.
class remote_list final : public control::fifo_text_source {
 public:
  remote_list(io::shard& commands_loop, io::shard& loop, std::shared_ptr<list_text> of)
      : commands_loop_{commands_loop}, loop_{loop}, of_{std::move(of)} {}
  ~remote_list() override {
    commands_loop_.post([of = std::move(of_)] {}); // dies there
  }

  void next(std::function<void(std::optional<piece>)> brought) override {
    commands_loop_.post([of = of_, &loop = loop_, brought = std::move(brought)]() mutable {
      of->rows->next([of, &loop, brought = std::move(brought)](
                         result<control::row_piece, control::command_error> rows) {
        std::optional<piece> made;
        if (rows) {
          made.emplace(piece{of->text_of(rows->rows), rows->rest.has_value()});
          if (rows->rest) made->text += of->form->end(*rows->rest);
        } else {
          log_error("a list ended before its end: {}", rows.error().message);
        }
        loop.post([brought, made = std::move(made)]() mutable { brought(std::move(made)); });
      });
    });
  }

 private:
  io::shard& commands_loop_;
  io::shard& loop_;
  std::shared_ptr<list_text> of_;
};

} // namespace

std::optional<fifo_settings> fifo_settings::of(const script::program& program,
                                               const account& becomes, const path_in_root& paths) {
  const core_settings set = core_settings::of(program);
  if (set.fifo.empty()) return std::nullopt;
  fifo_settings made;
  const auto access = control_access(program, becomes);
  made.file = {.path = set.fifo,
               .owner = becomes.uid,
               .group = access.group ? access.group : becomes.gid,
               .mode = static_cast<mode_t>(set.fifo_mode),
               .path_later = paths.inside(set.fifo).value_or(set.fifo)};
  const auto replies = paths.inside(set.fifo_reply_dir);
  if (!replies)
    parameter_values{program, program.core()}.refuse(
        "fifo_reply_dir",
        fmt::format("'{}' lies outside of the server's root", set.fifo_reply_dir));
  made.replies = *replies;
  if (const auto gives = control::parse_role(set.fifo_role)) made.gives = *gives;
  made.gives_group_more = access.group && made.gives > access.group_gives;
  return made;
}

application_fifo::application_fifo(io::shard& commands_loop, control::command_registry& commands,
                                   const fifo_settings& set, observe::metrics& counted)
    : commands_loop_{commands_loop}, commands_{commands}, by_{.name = "fifo", .may = set.gives} {
  auto pipe = io::open_named_pipe(set.file);
  if (!pipe) throw start_error{fmt::format("fifo: {}", pipe.error())};
  file_ = std::move(pipe->file);
  door_.emplace(
      loop_, std::move(pipe->fd), set.replies,
      [all =
           line_counts(commands)](std::string_view name) -> std::optional<fifo_reader::line_count> {
        const auto found = all.find(to_lower_copy(name));
        return found == all.end() ? std::nullopt : std::optional{found->second};
      },
      [this](control::fifo_request request, answer_handler done) {
        ask(std::move(request), std::move(done));
      });
  const auto& counts = door_->counted();
  counted.add("tandem_fifo_commands_total", "Requests over the FIFO.", {}, counts.requests);
  counted.add("tandem_fifo_junk_total", "Lines of the FIFO that belong to no request.", {},
              counts.junk);
  counted.add("tandem_fifo_lost_total", "Replies of the FIFO that nobody has taken.", {},
              counts.lost);
  log_notice("FIFO at {}, replies in {}", set.file.path, set.replies);
  if ((set.file.mode & S_IWOTH) != 0)
    log_warning("every user of this machine may give commands over the FIFO {}; fifo_mode=432 "
                "(0660) is for the server's user and group",
                set.file.path);
  if (set.gives_group_more)
    log_warning("who is in control_group has the role {} over the FIFO (fifo_role), more than over "
                "the control socket (control_group_role)",
                to_string(set.gives));
}

application_fifo::~application_fifo() {
  if (!thread_.joinable()) return;
  loop_.stop();
  thread_.join();
  // No command answers any more, but a reader may still be about to take what was answered.
  loop_.run_until([this] { return door_->is_idle(); }, last_moment);
}

void application_fifo::start() {
  thread_ = start_quiet_thread([this] {
    id_ = ::gettid();
    loop_.run();
  });
}

void application_fifo::ask(control::fifo_request request, answer_handler done) {
  commands_loop_.post(
      [this, request = std::move(request), done = std::move(done)] { run(request, done); });
}

/// Where the commands run.
void application_fifo::run(const control::fifo_request& request, const answer_handler& done) {
  const auto reply = [&loop = loop_, done](fifo_door::answer made) {
    loop.post([done, made = std::move(made)]() mutable { done(std::move(made)); });
  };
  const auto what = commands_.find_for_fifo(request.command);
  if (!what) return reply({fmt::format("500 command '{}' not available\n", request.command)});
  const control::fifo_form* const form = what->fifo ? &*what->fifo : nullptr;
  const auto given =
      control::fifo_arguments(request.command, form, what->parameters, request.lines);
  if (!given) return reply({given.error()});
  commands_.call(
      what->name, *given, by_,
      {[what, form, reply](control::command_reply got) {
         reply({got ? control::fifo_answer(form, *got) : control::fifo_failure(got.error())});
       },
       [this, what, form, reply](control::list_reply list) {
         const auto made = std::make_shared<list_text>();
         made->form = control::make_fifo_list(form);
         made->rows = std::move(list.more);
         std::string text = made->form->begin() + made->text_of(list.first);
         reply({std::move(text), std::make_shared<remote_list>(commands_loop_, loop_, made)});
       }});
}

} // namespace tandem::server
