#include "regress/task.hpp"

#include <algorithm>
#include <exception>
#include <string_view>
#include <utility>

#include "core/assert.hpp"
#include "output/dmesg.hpp"
#include "output/result.hpp"
#include "output/temporal.hpp"
#include "output/verdict.hpp"
#include "output/words.hpp"
#include "regress/boot.hpp"
#include "regress/divergence.hpp"
#include "regress/update.hpp"
#include "sim/run.hpp"

namespace mcemu::regress {
namespace {

using output::Json;

constexpr std::size_t kMostLines = 20;
constexpr std::size_t kMostEvents = 12;

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

/// The first lines of what `run` prints to stderr: what became of the events, and of the run.
std::vector<std::string> what_became(const Json& result) {
    const std::string text = output::verdict(
        result, [](const std::string&) { return std::string(); }, false);
    std::vector<std::string> lines;
    std::size_t left_out = 0;
    const std::size_t events = result["events"].size();
    for (std::size_t begin = 0, number = 0; begin < text.size(); ++number) {
        const std::size_t end = std::min(text.find('\n', begin), text.size());
        const std::string_view line = std::string_view(text).substr(begin, end - begin);
        begin = end + 1;
        if (line.starts_with("failed ") || line.starts_with("expectations: ")) continue;
        if (number < events && number >= kMostEvents) {
            ++left_out;
            continue;
        }
        if (left_out > 0 && number >= events) {
            lines.push_back("... and " + std::to_string(left_out) + " more events");
            left_out = 0;
        }
        lines.emplace_back(line);
    }
    return lines;
}

class Performance {
public:
    explicit Performance(const Task& task) : task_(task) {}

    Outcome run() {
        path_ = task_.draft->path();
        options_.overrides = task_.overrides;
        options_.second_opinion = false;
        scenario::LoadResult result = load_draft(std::move(*task_.draft), options_);
        for (const scenario::Finding& f : result.findings) keep(out_.wrong, to_text(f));
        const std::size_t more = result.findings.size() + result.left_out - out_.wrong.size();
        if (more > 0) out_.wrong.push_back("and " + std::to_string(more) + " findings more");
        if (!result.loaded) {
            out_.status = Status::invalid;
            return std::move(out_);
        }
        loaded_ = std::move(result.loaded);
        out_.seed = loaded_->scenario.seed;

        sim::RunOptions run;
        run.check_invariants = task_.check_invariants;
        run.log_matcher = output::make_log_matcher;
        std::optional<NvdimmImage> image;
        if (!loaded_->boots_on.empty()) {
            Boot boot = boot_on(loaded_->boots_on, loaded_->scenario.machine, path_);
            if (!boot.image) {
                out_.status = Status::invalid;
                for (std::string& line : boot.problems) keep(out_.wrong, std::move(line));
                return std::move(out_);
            }
            image = std::move(boot.image);
            run.start_from = &*image;
        }
        sim::Simulation simulation(std::move(loaded_->scenario), run);
        simulation.run();
        judge(simulation.view());
        return std::move(out_);
    }

private:
    void judge(const RunView& view) {
        Json result = output::make_result(view, loaded_->expect);
        const bool met = output::finish_result(view, loaded_->expect, result);
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
        std::size_t failed = 0;
        for (const Json& e : result["expect"]) {
            if (e["ok"].get<bool>()) continue;
            ++failed;
            keep(out_.wrong, loaded_->where(e["at"].get<std::string>()) + ": " +
                                 e["text"].get<std::string>());
        }
        if (failed > out_.wrong.size())
            out_.wrong.push_back("and " + std::to_string(failed - out_.wrong.size()) +
                                 " expectations more");
        out_.divergence = first_divergence(result);
        out_.events = what_became(result);
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

    const Task& task_;
    std::string path_;
    scenario::LoadOptions options_;
    std::shared_ptr<scenario::LoadedScenario> loaded_;
    Outcome out_;
};

}  // namespace

Outcome perform(const Task& task) {
    Outcome broken;
    try {
        return Performance(task).run();
    } catch (const InvariantError& error) {
        broken.wrong.push_back(std::string("the emulator is at fault: ") + error.what());
    } catch (const std::exception& error) {
        broken.wrong.push_back(std::string("the emulator failed: ") + error.what());
    }
    broken.status = Status::broken;
    return broken;
}

}  // namespace mcemu::regress
