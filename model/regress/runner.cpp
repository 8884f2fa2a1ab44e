#include "regress/runner.hpp"

#include <algorithm>
#include <cstring>
#include <string_view>
#include <utility>

#include "regress/task.hpp"

namespace mcemu::regress {
namespace {

// Outcomes that wait for an earlier one. A slow scenario at the head stops the rest when so many
// are done behind it.
constexpr std::size_t kMostWaiting = 1024;
constexpr std::chrono::milliseconds kTick{100};

std::vector<std::string> last_lines(std::string_view text, std::size_t most) {
    std::vector<std::string> lines;
    for (std::size_t begin = 0; begin < text.size();) {
        const std::size_t end = std::min(text.find('\n', begin), text.size());
        std::string line(text.substr(begin, std::min<std::size_t>(end - begin, 400)));
        std::erase_if(line, [](char c) { return static_cast<unsigned char>(c) < 0x20; });
        if (!line.empty()) lines.push_back(std::move(line));
        begin = end + 1;
    }
    if (lines.size() > most) lines.resize(most);
    return lines;
}

std::string seconds(std::chrono::nanoseconds t) {
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(t).count();
    if (ms % 1000 == 0) return std::to_string(ms / 1000) + " s";
    return std::to_string(ms) + " ms";
}

/// The first line in which two texts differ.
std::string first_difference(std::string_view a, std::string_view b) {
    std::size_t line = 1;
    while (!a.empty() || !b.empty()) {
        const std::string_view one = a.substr(0, a.find('\n')), two = b.substr(0, b.find('\n'));
        if (one != two)
            return "line " + std::to_string(line) + ": '" + std::string(one) + "' and '" +
                   std::string(two) + "'";
        a.remove_prefix(std::min(one.size() + 1, a.size()));
        b.remove_prefix(std::min(two.size() + 1, b.size()));
        ++line;
    }
    return {};
}

}  // namespace

std::uint64_t Totals::all() const {
    std::uint64_t sum = 0;
    for (const std::uint64_t n : by_status) sum += n;
    return sum;
}

Runner::Runner(Source& source, RunnerOptions options)
    : source_(source), options_(std::move(options)), pool_(options_.jobs, options_.limit) {
    if (!options_.perform) options_.perform = perform;
}

void Runner::start(Slot& slot, std::uint64_t ticket, int which) {
    pool_.start(ticket * 2 + static_cast<unsigned>(which), [&] {
        Task task{.draft = slot.job.draft, .overrides = options_.overrides};
        task.overrides.params = slot.job.cell;
        task.check_invariants = options_.check_invariants && which == 0;
        task.digest = options_.digests || options_.twice;
        task.texts = options_.twice;
        task.update = options_.update && which == 0;
        task.explore = options_.explore;
        return to_bytes(options_.perform(task));
    });
    // Those that wait to be told must not hold their files: a fork copies every page table.
    if (which == 1 || !options_.twice) slot.job.draft.reset();
}

void Runner::fill() {
    while (!pool_.full()) {
        if (second_) {
            start(slots_[*second_ - first_], *second_, 1);
            second_.reset();
            continue;
        }
        if (exhausted_ || slots_.size() >= kMostWaiting) return;
        auto job = source_.next();
        if (!job) {
            exhausted_ = true;
            return;
        }
        const std::uint64_t ticket = first_ + slots_.size();
        slots_.push_back({std::move(*job), {}});
        Slot& slot = slots_.back();
        if (!slot.job.draft) {
            slot.done[0] = Outcome{.status = Status::invalid, .wrong = {slot.job.problem}};
            slot.first_only = true;
        } else if (auto outcome = known ? known(slot.job) : std::nullopt) {
            slot.done[0] = std::move(outcome);
            slot.first_only = true;
        } else {
            start(slot, ticket, 0);
            if (options_.twice) second_ = ticket;
            continue;
        }
        slot.job.draft.reset();
        if (slots_.size() == 1) return;  // it can be told at once
    }
}

Outcome Runner::outcome_of(const Ended& ended) const {
    if (ended.answered)
        if (auto outcome = from_bytes(ended.answer)) return std::move(*outcome);
    Outcome out;
    if (ended.timed_out) {
        out.status = Status::timed_out;
        out.wrong.push_back("it ran for longer than the time limit of " + seconds(options_.limit));
        return out;
    }
    out.status = Status::crashed;
    if (ended.signal != 0) {
        const char* name = ::sigabbrev_np(ended.signal);
        out.wrong.push_back("its worker died of SIG" + std::string(name ? name : "?") + " (" +
                            ::strsignal(ended.signal) + ")");
    } else {
        out.wrong.push_back("its worker ended with status " + std::to_string(ended.status) +
                            " and no answer");
    }
    for (std::string& line : last_lines(ended.said, 10)) out.wrong.push_back(std::move(line));
    return out;
}

void Runner::take(Ended ended) {
    const std::uint64_t ticket = ended.ticket / 2;
    if (ticket < first_) return;
    slots_[ticket - first_].done[ended.ticket % 2] = outcome_of(ended);
}

/// One outcome of a scenario that ran twice.
Outcome Runner::merged(Slot& slot) {
    Outcome first = std::move(*slot.done[0]);
    if (!slot.done[1]) return first;
    const Outcome& second = *slot.done[1];
    std::string difference;
    if (first.status != second.status) {
        difference = "one run ended as '" + std::string(word(first.status)) + "', the other as '" +
                     std::string(word(second.status)) + "'";
        if (!second.wrong.empty()) difference += ": " + second.wrong.front();
    } else if (first.digest.log != second.digest.log) {
        difference = "another kernel log: " + first_difference(first.log_text, second.log_text);
    } else if (first.digest.result != second.digest.result) {
        difference = "another result: " + first_difference(first.result_text, second.result_text);
    } else if (first.digest.trace != second.digest.trace) {
        difference = "another trace: compare what `mcemu run --trace F.ndjson` gives twice";
    }
    first.log_text.clear();
    first.result_text.clear();
    if (!difference.empty()) {
        first.status = Status::differs;
        first.wrong.insert(first.wrong.begin(), "the second run gave " + difference);
    }
    return first;
}

/// Tells the outcomes at the head. False: fail_fast says to end.
bool Runner::tell(const std::vector<Listener*>& listeners) {
    while (!slots_.empty() && slots_.front().ready(options_.twice)) {
        const Outcome outcome = merged(slots_.front());
        ++totals_.by_status[static_cast<std::size_t>(outcome.status)];
        if (slots_.front().job.file != file_) {
            file_ = slots_.front().job.file;
            ++totals_.files;
        }
        for (Listener* listener : listeners) listener->outcome(slots_.front().job, outcome);
        slots_.pop_front();
        ++first_;
        if (options_.fail_fast && outcome.status != Status::ok) {
            cut_short_ = true;
            return false;
        }
    }
    return true;
}

void Runner::report_progress() {
    if (!progress) return;
    std::vector<const Job*> running;
    for (const Slot& slot : slots_)
        if (!slot.ready(options_.twice)) running.push_back(&slot.job);
    progress(totals_, running);
}

void Runner::run(const std::vector<Listener*>& listeners, const std::atomic<bool>& interrupt) {
    while (!interrupt) {
        fill();
        if (!tell(listeners)) break;
        if (pool_.running() == 0) {
            if (exhausted_ && slots_.empty()) return;
            continue;
        }
        for (Ended& ended : pool_.wait(kTick)) take(std::move(ended));
        if (!tell(listeners)) break;
        report_progress();
    }
    pool_.kill_all();
    if (cut_short_) return;
    interrupted_ = true;
    while (!slots_.empty()) {
        if (slots_.front().ready(options_.twice)) {
            if (!tell(listeners)) return;
        } else {
            slots_.pop_front();
            ++first_;
        }
    }
}

}  // namespace mcemu::regress
