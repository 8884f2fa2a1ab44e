#include "regress/runner.hpp"

#include <malloc.h>

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
constexpr std::chrono::milliseconds kBatchTime{50};  // of one child
constexpr double kMostBatch = 64;                    // machines that stand side by side
constexpr std::uint64_t kAuditEvery = 100;           // scenarios

using Clock = std::chrono::steady_clock;

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
    if (!options_.prepare) options_.prepare = prepare;
}

Task Runner::task_of(const Unit& unit, bool alone) const {
    const Slot& slot = slots_[unit.ticket - first_];
    Task task{.draft = slot.job.draft, .overrides = options_.overrides};
    task.overrides.params = slot.job.cell;
    task.check_invariants = options_.check_invariants && unit.which == 0;
    task.digest = options_.digests || options_.twice;
    task.texts = options_.twice;
    task.update = options_.update && unit.which == 0 && alone;
    task.explore = options_.explore;
    return task;
}

void Runner::start(std::deque<Unit> units) {
    const bool alone = units.size() == 1;
    pool_.start(next_batch_, [&](const Pool::Send& send) {
        // What one run frees the next one takes: nothing goes back to the system in between.
        ::mallopt(M_MMAP_THRESHOLD, 1 << 30);
        ::mallopt(M_TRIM_THRESHOLD, 1 << 30);
        std::vector<std::unique_ptr<Prepared>> machines;
        for (const Unit& unit : units) machines.push_back(options_.prepare(task_of(unit, alone)));
        if (!alone) send({});  // elaborated: from here on each has its own time
        const auto begun = Clock::now();
        for (std::unique_ptr<Prepared>& machine : machines) {
            // It took longer than was thought: somebody else may have the rest.
            if (&machine != &machines.front() && Clock::now() - begun > kBatchTime) break;
            const Outcome outcome = machine->finish();
            if (!alone) machine.reset();  // before the answer: what dies here, dies unanswered
            send(to_bytes(outcome));
            if (outcome.status == Status::broken) break;  // and SystemC with it
        }
    });
    batches_[next_batch_++] = {std::move(units), 0, alone, Clock::now()};
}

/// Takes a job in. False: it can be told at once.
bool Runner::admit(Job job) {
    slots_.push_back({std::move(job), {}});
    Slot& slot = slots_.back();
    if (!slot.job.draft) {
        slot.done[0] = Outcome{.status = Status::invalid, .wrong = {slot.job.problem}};
    } else if (auto outcome = known ? known(slot.job) : std::nullopt) {
        slot.done[0] = std::move(outcome);
    } else {
        return true;
    }
    slot.first_only = true;
    slot.job.draft.reset();
    return false;
}

/// The runs of the next child: several, when they are small. None: there is nothing to run now.
std::deque<Runner::Unit> Runner::gather() {
    std::deque<Unit> units;
    const auto take_one = [&](std::deque<Unit>& from) {
        units.push_back(from.front());
        from.pop_front();
    };
    if (!alone_.empty()) {
        take_one(alone_);
        return units;
    }
    const auto most = static_cast<std::size_t>(batch_size_);
    while (!again_.empty() && units.size() < most) take_one(again_);
    while (units.size() < most && !exhausted_ && slots_.size() < kMostWaiting) {
        auto job = source_.next();
        if (!job) {
            exhausted_ = true;
            break;
        }
        const std::uint64_t ticket = first_ + slots_.size();
        if (!admit(std::move(*job))) continue;
        const bool own = wants_own_process(task_of({ticket, 0}, true));
        (own ? alone_ : units).push_back({ticket, 0});
        // The second run has a process of its own: it shows that the first kept to itself.
        if (options_.twice) alone_.push_back({ticket, 1});
        if (own) break;
    }
    if (units.empty() && !alone_.empty()) take_one(alone_);
    return units;
}

void Runner::fill() {
    while (!pool_.full()) {
        std::deque<Unit> units = gather();
        if (units.empty()) return;
        start(std::move(units));
    }
}

void Runner::settle(const Unit& unit, Outcome outcome) {
    Slot& s = slot(unit);
    if (unit.which == 0 && s.shared) {
        // Edits are asked for of the last run only; what a broken emulator says may vary.
        Outcome alone = outcome;
        alone.edits.clear();
        alone.no_edit.clear();
        const bool judged = outcome.status == Status::ok || outcome.status == Status::failed;
        if (judged && alone != *s.shared) {
            outcome.status = Status::broken;
            outcome.wrong.insert(
                outcome.wrong.begin(),
                "the emulator is at fault: it came out otherwise in a process that "
                "had run others before (" +
                    std::string(word(s.shared->status)) + ", and " +
                    std::string(word(alone.status)) + " alone)");
        }
        s.shared.reset();
    }
    s.done[unit.which] = std::move(outcome);
    // Those that wait to be told must not hold their files: a fork copies every page table.
    if (s.ready(options_.twice)) s.job.draft.reset();
}

void Runner::take_answer(Batch& batch, const std::string& answer) {
    const bool alone = batch.units.size() == 1;
    if (!batch.elaborated) {
        batch.elaborated = true;
        return;
    }
    if (batch.answered == batch.units.size()) return;
    const Unit unit = batch.units[batch.answered];
    std::optional<Outcome> outcome = from_bytes(answer);
    if (!outcome) return;  // the end of the child tells
    const bool first = batch.answered++ == 0;
    const bool good = outcome->status == Status::ok;
    const bool audit =
        !first && !options_.twice && slot(unit).job.number % kAuditEvery == kAuditEvery / 2;
    // A finding is made before anything runs.
    if (alone || outcome->status == Status::invalid || (good && !audit)) {
        settle(unit, std::move(*outcome));
        return;
    }
    slot(unit).shared = std::move(outcome);
    alone_.push_back(unit);
}

void Runner::take_end(Batch& batch, const Heard& heard) {
    auto rest = batch.units.begin() + static_cast<std::ptrdiff_t>(batch.answered);
    if (rest == batch.units.end()) {
        if (batch.units.size() > 1 || batch_size_ < 2) learn(batch);
        return;
    }
    const bool alone = batch.units.size() == 1;
    const bool well = heard.signal == 0 && heard.status == 0;
    if (alone) {
        settle(*rest++, outcome_of(heard));
    } else if (!batch.elaborated) {
        while (rest != batch.units.end()) alone_.push_back(*rest++);  // any may be the culprit
    } else if (well && batch.answered > 0) {
        learn(batch);
    } else if (heard.timed_out) {
        settle(*rest++, outcome_of(heard));  // its time began with the answer before
    } else {
        alone_.push_back(*rest++);
    }
    again_.insert(again_.end(), rest, batch.units.end());
}

/// How many runs a child makes in the time wanted; at most twice as many as before.
void Runner::learn(const Batch& batch) {
    const std::chrono::duration<double> took = Clock::now() - batch.begun;
    const double runs = static_cast<double>(batch.answered);
    const double fits = runs * std::chrono::duration<double>(kBatchTime) /
                        std::max(took, std::chrono::duration<double>(1e-6));
    batch_size_ = std::clamp(std::min(fits, 2 * batch_size_), 1.0, kMostBatch);
}

Outcome Runner::outcome_of(const Heard& heard) const {
    Outcome out;
    if (heard.timed_out) {
        out.status = Status::timed_out;
        out.wrong.push_back("it ran for longer than the time limit of " + seconds(options_.limit));
        return out;
    }
    out.status = Status::crashed;
    if (heard.signal != 0) {
        const char* name = ::sigabbrev_np(heard.signal);
        out.wrong.push_back("its worker died of SIG" + std::string(name ? name : "?") + " (" +
                            ::strsignal(heard.signal) + ")");
    } else {
        out.wrong.push_back("its worker ended with status " + std::to_string(heard.status) +
                            " and no answer");
    }
    for (std::string& line : last_lines(heard.said, 10)) out.wrong.push_back(std::move(line));
    return out;
}

void Runner::take(Heard heard) {
    const auto found = batches_.find(heard.ticket);
    for (const std::string& answer : heard.answers) take_answer(found->second, answer);
    if (!heard.ended) return;
    take_end(found->second, heard);
    batches_.erase(found);
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
        for (Heard& heard : pool_.wait(kTick)) take(std::move(heard));
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
