#include "regress/report.hpp"

#include <utility>

#include "output/words.hpp"

namespace mcemu::regress {
namespace {

constexpr std::size_t kMostNames = 1000;

std::string padded(std::string text, std::size_t width) {
    if (text.size() < width) text.resize(width, ' ');
    return text;
}

std::string painted(const std::string& text, bool good, bool colour) {
    return colour ? std::string(good ? "\x1b[32m" : "\x1b[31m") + text + "\x1b[0m" : text;
}

/// Ran at all: there is a seed and a profile to tell.
bool ran(const Outcome& outcome) { return !outcome.outcome.empty(); }

}  // namespace

std::string shell_word(std::string_view word) {
    constexpr std::string_view kPlain =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789@%+=:,./-_";
    if (!word.empty() && word.find_first_not_of(kPlain) == std::string_view::npos)
        return std::string(word);
    std::string out = "'";
    for (const char c : word) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return out + "'";
}

std::string override_words(const scenario::Overrides& overrides) {
    std::string out;
    const auto add = [&](std::string_view option, std::string_view value) {
        out += " " + std::string(option) + " " + shell_word(value);
    };
    if (overrides.profile) add("--profile", *overrides.profile);
    if (overrides.seed) add("--seed", std::to_string(*overrides.seed));
    for (const std::string& pointer : overrides.unset) add("--unset", pointer);
    for (const std::string& set : overrides.set) add("--set", set);
    for (const std::string& word : scenario::cell_words(overrides.params)) add("--matrix", word);
    return out;
}

std::string replay_command(const Job& job, const Outcome& outcome, const RunnerOptions& options) {
    const bool check = outcome.status == Status::invalid && job.cell.empty();
    scenario::Overrides overrides = options.overrides;
    overrides.params = job.cell;
    if (check) overrides.seed.reset();
    std::string out = check ? "mcemu check" : "mcemu run";
    out += override_words(overrides);
    if (options.explore && !check) {
        const compare::ExploreOptions& how = *options.explore;
        out += " --explore";
        if (how.window > SimTime::zero())
            out += " --window " + std::to_string(how.window.count() / 1000);
        if (how.seed) out += " --explore-seed " + std::to_string(*how.seed);
        out += " --explore-runs " + std::to_string(how.runs);
    }
    if (options.check_invariants && outcome.status == Status::broken) out += " --check-invariants";
    return out + (job.file.starts_with("-") ? " ./" : " ") + shell_word(job.file);
}

std::vector<std::string> explanation(const Job& job, const Outcome& outcome,
                                     const RunnerOptions& options) {
    std::vector<std::string> lines;
    if (outcome.status == Status::ok) return lines;
    for (const std::string& line : outcome.wrong) lines.push_back(line);
    if (!outcome.divergence.empty()) {
        std::string_view rest = outcome.divergence;
        std::string lead = "first divergence ";
        while (true) {
            const std::size_t end = std::min(rest.find('\n'), rest.size());
            lines.push_back(lead + std::string(rest.substr(0, end)));
            if (end == rest.size()) break;
            rest.remove_prefix(end + 1);
            lead = "  ";
        }
    }
    if (!outcome.events.empty()) {
        lines.emplace_back("what became of it:");
        for (const std::string& line : outcome.events) lines.push_back("  " + line);
    }
    if (ran(outcome))
        lines.push_back("seed " + std::to_string(outcome.seed) + ", profile " + outcome.profile);
    lines.push_back("replay: " + replay_command(job, outcome, options));
    return lines;
}

std::string table_line(const Job& job, const Outcome& outcome, bool colour) {
    const bool good = outcome.status == Status::ok;
    std::string word(regress::word(outcome.status));
    std::string out = painted(padded(std::move(word), 10), good, colour) + "  ";
    out += padded(ran(outcome) ? outcome.result_class : "-", 13) + "  ";
    std::string time = ran(outcome) ? output::human_time(from_ns(outcome.end_ns)) : "-";
    if (time.size() < 10) time.insert(0, 10 - time.size(), ' ');
    return out + time + "  " + job.title();
}

std::string totals_line(const Totals& totals) {
    const auto counted = [](std::uint64_t n, const char* what) {
        return std::to_string(n) + " " + what + (n == 1 ? "" : "s");
    };
    std::string out = counted(totals.all(), "scenario") + " in " + counted(totals.files, "file") + ": " +
                      std::to_string(totals.of(Status::ok)) + " ok";
    constexpr std::pair<Status, const char*> kRest[] = {
        {Status::failed, "failed"},
        {Status::differs, "gave other bytes the second time"},
        {Status::timed_out, "over the time limit"},
        {Status::crashed, "crashed"},
        {Status::broken, "broke the emulator"},
        {Status::invalid, "not valid"},
    };
    for (const auto& [status, text] : kRest)
        if (totals.of(status) > 0) out += ", " + std::to_string(totals.of(status)) + " " + text;
    return out;
}

void Table::outcome(const Job& job, const Outcome& outcome) {
    const bool good = outcome.status == Status::ok;
    if (good && options_.quiet) return;
    std::string text = table_line(job, outcome, options_.colour) + "\n";
    for (const std::string& line : explanation(job, outcome, runner_)) text += "    " + line + "\n";
    options_.write(text);
    if (good) return;
    ++not_ok_count_;
    if (not_ok_.size() < kMostNames)
        not_ok_.push_back(padded(std::string(word(outcome.status)), 10) + "  " + job.title());
}

void Table::end(const Totals& totals, const Source& source, const std::string& note) {
    std::string text;
    // The explanations stand far up when many scenarios went well behind them.
    if (not_ok_count_ > 0 && !options_.quiet) {
        text += "\nnot ok:\n";
        for (const std::string& name : not_ok_) text += "  " + name + "\n";
        if (not_ok_count_ > not_ok_.size())
            text += "  ... and " + std::to_string(not_ok_count_ - not_ok_.size()) + " more\n";
    }
    text += painted(totals_line(totals), totals.not_ok() == 0, options_.colour);
    // How far the source was read when a run ended early depends on the workers.
    if (note.empty() && source.passed_over() > 0)
        text += " (" + std::to_string(source.passed_over()) +
                (source.passed_over() == 1 ? " file is no scenario)" : " files are no scenarios)");
    text += "\n";
    if (!note.empty()) text += note + "\n";
    options_.write(text);
}

}  // namespace mcemu::regress
