#include "regress/task.hpp"

#include <algorithm>
#include <exception>
#include <string_view>
#include <utility>

#include "core/assert.hpp"
#include "output/dmesg.hpp"
#include "output/evidence.hpp"
#include "output/result.hpp"
#include "output/temporal.hpp"
#include "output/words.hpp"
#include "regress/became.hpp"
#include "regress/boot.hpp"
#include "regress/divergence.hpp"
#include "regress/report.hpp"
#include "regress/update.hpp"
#include "sim/run.hpp"

namespace mcemu::regress {
namespace {

using output::Json;

constexpr std::size_t kMostLines = 20;

void keep(std::vector<std::string>& lines, std::string line) {
    if (lines.size() < kMostLines) lines.push_back(std::move(line));
}

std::string log_text(const RunView& view) {
    const output::Dmesg dmesg(view.scenario.kernel.profile, view.names);
    std::string text;
    for (const kernel::LogRecord& r : view.kernel.log.records()) {
        output::Dmesg::append_stamp(text, r.at);
        dmesg.append_text(text, r);
        text += '\n';
    }
    return text;
}

std::uint64_t crc(std::string_view text) {
    Crc64 crc;
    crc.add(text);
    return crc.value();
}

std::uint64_t crc_of_trace(const Trace& trace) {
    Crc64 crc;
    for (std::uint32_t id = trace.first(); id <= trace.count(); ++id)
        crc.add({reinterpret_cast<const char*>(&trace[id]), sizeof(TraceRecord)});
    return crc.value();
}

/// Ids of the first two events that happened at one time; "" when none did.
std::string same_time(const Json& result) {
    const Json& events = result["events"];
    for (std::size_t i = 1; i < events.size(); ++i) {
        const Json &a = events[i - 1], &b = events[i];
        if (a.contains("t_ns") && b.contains("t_ns") && a["t_ns"].is_number() && a["t_ns"] == b["t_ns"])
            return a["id"].get<std::string>() + " and " + b["id"].get<std::string>();
    }
    return {};
}

class Performance : public Prepared {
public:
    explicit Performance(const Task& task) : task_(task) {}

    /// Loads and elaborates, or says in the outcome why there is nothing to run.
    void prepare() {
        path_ = task_.draft->path();
        options_.overrides = task_.overrides;
        options_.second_opinion = false;
        scenario::Draft draft = task_.draft->matrix().axes.empty() || !task_.draft->clean()
                                    ? std::move(*task_.draft)
                                    : task_.draft->copy();
        scenario::LoadResult result = load_draft(std::move(draft), options_);
        for (const scenario::Finding& f : result.findings) keep(out_.wrong, to_text(f));
        const std::size_t more = result.findings.size() + result.left_out - out_.wrong.size();
        if (more > 0) out_.wrong.push_back("and " + std::to_string(more) + " findings more");
        if (!result.loaded) {
            out_.status = Status::invalid;
            return;
        }
        loaded_ = std::move(result.loaded);
        out_.seed = loaded_->scenario.seed;

        run_.check_invariants = task_.check_invariants;
        run_.log_matcher = output::make_log_matcher;
        if (!loaded_->boots_on.empty()) {
            Boot boot = boot_on(loaded_->boots_on, loaded_->scenario.machine, path_);
            if (!boot.image) {
                out_.status = Status::invalid;
                for (std::string& line : boot.problems) keep(out_.wrong, std::move(line));
                return;
            }
            image_ = std::move(boot.image);
            boots_ = std::move(boot.story);
            run_.start_from = &*image_;
        }
        if (!task_.explore)
            simulation_ = std::make_unique<sim::Simulation>(std::move(loaded_->scenario), run_);
    }

    Outcome finish() override {
        if (!loaded_ || out_.status != Status::ok) return std::move(out_);
        return guarded([&] {
            if (task_.explore) {
                explore(run_);
            } else {
                simulation_->run();
                judge(simulation_->view());
                simulation_.reset();
            }
            return std::move(out_);
        });
    }

    /// What `body` gives, or what its exceptions say of the emulator.
    template <class Body>
    static Outcome guarded(Body&& body) {
        Outcome broken;
        try {
            return body();
        } catch (const InvariantError& error) {
            broken.wrong.push_back(std::string("the emulator is at fault: ") + error.what());
        } catch (const std::exception& error) {
            broken.wrong.push_back(std::string("the emulator failed: ") + error.what());
        }
        broken.status = Status::broken;
        return broken;
    }

    void broke(Outcome outcome) { out_ = std::move(outcome); }

private:
    /// Every order in a child of its own: this process simulates nothing. The outcome is that of
    /// the order as it stands, and failed when an expectation does in any order.
    void explore(const sim::RunOptions& run) {
        compare::ExploreOptions how = *task_.explore;
        how.run = run;
        how.limit_s = 0;  // the pool's limit holds for all orders together
        const compare::Exploration found = compare::explore(*loaded_, how);
        const Json& stands = found.outcomes.front().result;
        out_.outcome = stands["outcome"].get<std::string>();
        out_.result_class = stands["class"].get<std::string>();
        out_.profile = stands["profile"].get<std::string>();
        out_.end_ns = stands["end_ns"].get<std::uint64_t>();
        out_.records = found.runs * 1000;  // as much work as that many small runs
        out_.status = found.met() ? Status::ok : Status::failed;
        Crc64 results;
        std::size_t number = 0;
        for (const compare::RaceOutcome& o : found.outcomes) {
            ++number;
            results.add(o.result.dump(-1, ' ', false, Json::error_handler_t::replace));
            for (const Json& e : o.error.empty() ? o.result["expect"] : Json::array()) {
                ++out_.expectations;
                if (e["ok"].get<bool>()) ++out_.met;
            }
            if (!o.met) tell_order(o, number);
        }
        out_.digest.result = results.value();
        if (found.met()) return;
        tell_passing(found);
        out_.events.push_back(counted(found.outcomes.size(), "outcome") + " in " +
                              counted(found.runs, "order") +
                              (found.complete ? ", all that there are" : "; there are more"));
    }

    static std::string counted(std::size_t n, const char* what) {
        return std::to_string(n) + " " + what + (n == 1 ? "" : "s");
    }
    static std::string order_words(const compare::RaceOutcome& o) {
        if (o.schedule.choices.empty()) return "the order as it stands";
        std::string out;
        for (const std::string& words : o.order) out += (out.empty() ? "" : ", ") + words;
        return out;
    }
    /// One line: an order of each outcome that meets all, which is what a repair has to keep.
    void tell_passing(const compare::Exploration& found) {
        std::string orders;
        std::size_t runs = 0;
        for (const compare::RaceOutcome& o : found.outcomes) {
            if (!o.met) continue;
            runs += o.runs;
            orders += (orders.empty() ? ": " : "; ") + order_words(o);
        }
        out_.events.push_back(runs == 0 ? "no order passes"
                                        : counted(runs, "order") + (runs == 1 ? " passes" : " pass") +
                                              orders);
    }

    void tell_order(const compare::RaceOutcome& o, std::size_t number) {
        const std::string order =
            (o.schedule.choices.empty() ? "in " : "with ") + order_words(o);
        keep(out_.wrong, "outcome " + std::to_string(number) + ", " + order + ":");
        if (!o.error.empty()) {
            keep(out_.wrong, "  " + o.error);
        } else {
            for (const Json& e : o.result["expect"])
                if (!e["ok"].get<bool>())
                    keep(out_.wrong, "  " + loaded_->where(e["at"].get<std::string>()) + ": " +
                                         e.value("text", e["at"].get<std::string>()));
        }
        keep(out_.wrong, "  replay: mcemu run" + override_words(task_.overrides) + " --schedule " +
                             shell_word(compare::to_text(o.schedule)) + " " + shell_word(path_));
    }

    void judge(const RunView& view) {
        Json result = output::make_result(view, loaded_->expect);
        const bool met = output::finish_result(
            view, loaded_->expect, result,
            [&](const std::string& pointer) { return loaded_->setting_place(pointer); });
        out_.status = met ? Status::ok : Status::failed;
        out_.outcome = result["outcome"].get<std::string>();
        out_.result_class = result["class"].get<std::string>();
        out_.profile = result["profile"].get<std::string>();
        out_.end_ns = result["end_ns"].get<std::uint64_t>();
        out_.records = view.trace.count();
        for (const Json& e : result["expect"]) {
            ++out_.expectations;
            if (e["ok"].get<bool>()) ++out_.met;
        }
        if (!met) tell(view, result);
        if (task_.digest || task_.texts) {
            std::string text = result.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
            std::string log = log_text(view);
            out_.digest = {crc(log), crc(text), crc_of_trace(view.trace)};
            if (task_.texts) {
                out_.log_text = std::move(log);
                out_.result_text = std::move(text);
            }
        }
    }

    void tell(const RunView& view, const Json& result) {
        const auto rank = [&](const std::string& pointer) { return loaded_->rank(pointer); };
        const std::vector<const Json*> failures = output::failures_in_order(result, rank);
        const std::size_t failed = failures.size();
        for (const Json* e : failures)
            keep(out_.wrong, loaded_->where((*e)["at"].get<std::string>()) + ": " +
                                 (*e)["text"].get<std::string>());
        if (failed > out_.wrong.size())
            out_.wrong.push_back("and " + std::to_string(failed - out_.wrong.size()) +
                                 " expectations more");
        out_.divergence = first_divergence(result, rank);
        out_.events = boots_;
        for (std::string& line : what_became(result)) out_.events.push_back(std::move(line));
        if (const std::string together = same_time(result); !together.empty())
            out_.events.push_back(together + " come at the same time: mcemu run --explore" +
                                  override_words(task_.overrides) + " " + shell_word(path_) +
                                  " tries every order");
        if (!task_.update) return;
        const auto judge = [&](const nlohmann::json& expect) {
            Json again = result;
            again["expect"] = Json::array();
            output::finish_result(view, expect, again);
            return again["expect"];
        };
        Update update = propose(path_, options_, *loaded_, result, judge);
        out_.edits = std::move(update.edits);
        out_.no_edit = std::move(update.why_not);
    }

    const Task task_;
    std::string path_;
    scenario::LoadOptions options_;
    sim::RunOptions run_;
    std::optional<NvdimmImage> image_;
    std::vector<std::string> boots_;  // what became of the scenarios that it boots on
    std::shared_ptr<scenario::LoadedScenario> loaded_;
    std::unique_ptr<sim::Simulation> simulation_;
    Outcome out_;
};

}  // namespace

std::unique_ptr<Prepared> prepare(const Task& task) {
    auto performance = std::make_unique<Performance>(task);
    Outcome outcome = Performance::guarded([&] {
        performance->prepare();
        return Outcome{};
    });
    if (outcome.status == Status::broken) performance->broke(std::move(outcome));
    return performance;
}

bool wants_own_process(const Task& task) {
    constexpr std::size_t kLarge = 64 * 1024;  // bytes of text
    if (task.explore) return true;
    std::size_t size = 0;
    for (const std::string_view text : task.draft->texts()) size += text.size();
    // The values of a matrix make no cell of it larger.
    if (size > kLarge && task.draft->matrix().axes.empty()) return true;
    if (!task.draft->clean()) return !task.draft->matrix().axes.empty();
    return task.draft->document().root.find("boots_on") != nullptr;
}

}  // namespace mcemu::regress
