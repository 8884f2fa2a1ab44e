#include "output/temporal.hpp"

#include <memory>
#include <regex>

#include "output/causes.hpp"
#include "output/dmesg.hpp"
#include "output/match.hpp"
#include "output/text.hpp"
#include "output/words.hpp"

namespace mcemu::output {
namespace {

/// What the run shows that is nearest to a condition which never held.
std::string instead(const RunView& view, const Causes& causes, const Condition& c,
                    const ConditionHistory& history, const SettingPlace& place) {
    const kernel::Kernel& kernel = view.kernel;
    switch (c.kind) {
        case Condition::Kind::signal:
            for (const kernel::SignalRecord& s : kernel.processes.signals())
                if (s.process == c.index)
                    return causes.process_id(c.index) + " got " + signal_name(s.signo) + " " +
                           signal_code_name(s.signo, s.code);
            return "no signal came to " + causes.process_id(c.index);
        case Condition::Kind::process_state:
            return causes.process_id(c.index) + " is " +
                   std::string(word(kernel.processes[c.index].state)) + " at the end";
        case Condition::Kind::page_flag: {
            const auto names = page_flag_names(kernel.memory.look(pfn_of(c.address)).flags);
            std::string text = "the flags of page " + hex(pfn_of(c.address).value) + " at the end:";
            for (const std::string_view name : names) text += " " + std::string(name);
            return names.empty() ? text + " none" : text;
        }
        case Condition::Kind::log: {
            if (c.pattern) return "no line matches";
            const Dmesg dmesg(view.scenario.kernel.profile, view.names);
            std::string best;
            std::size_t least = c.text.size() / 2 + 1;
            for (const kernel::LogRecord& r : kernel.log.records()) {
                std::string line = dmesg.text(r);
                const std::size_t edits = distance(c.text, line, least);
                if (edits >= least) continue;
                least = edits;
                best = std::move(line);
            }
            return best.empty() ? "no line is like it" : "the nearest line is \"" + best + "\"";
        }
        case Condition::Kind::event:
        case Condition::Kind::done:
            return view.event_ran[c.index] ? "it has not ended" : "it was never performed";
        case Condition::Kind::phase:
            return why_no_phase(view, static_cast<Lat>(c.number), place);
        case Condition::Kind::counter:
            return how_near(c, history.nearest);
        default:
            return {};
    }
}

}  // namespace

std::function<bool(const kernel::LogRecord&)> make_log_matcher(const Condition& condition,
                                                               ProfileId profile,
                                                               const Names& names) {
    const Dmesg dmesg(profile, names);
    if (!condition.pattern)
        return [dmesg, text = condition.text](const kernel::LogRecord& r) {
            return dmesg.text(r) == text;
        };
    const auto re = std::make_shared<std::regex>(condition.text, std::regex::ECMAScript);
    return [dmesg, re](const kernel::LogRecord& r) {
        constexpr std::size_t kLongest = 4000;  // std::regex recurses per character
        const std::string line = dmesg.text(r);
        return line.size() <= kLongest && std::regex_search(line, *re);
    };
}

bool temporal_met(const RunView& view, std::size_t first, std::size_t count) {
    TemporalContext context;  // nobody reads the words
    context.end = view.end;
    for (std::size_t i = first; i < first + count; ++i)
        if (!judge(view.scenario.temporal[i], view.temporal[i], context, {}, nullptr).ok) return false;
    return true;
}

std::vector<Finding> evaluate_temporal(const RunView& view, const nlohmann::json& wanted,
                                       const SettingPlace& place) {
    std::vector<Finding> findings;
    const Causes causes(view);
    TemporalContext context;
    context.end = view.end;
    context.told = [&](std::uint32_t id) {
        return view.trace.holds(id) ? causes.describe(id) : std::string();
    };
    context.instead = [&](const Condition& c, const ConditionHistory& h) {
        return instead(view, causes, c, h, place);
    };
    const std::vector<TemporalExpectation>& items = view.scenario.temporal;
    for (std::size_t i = 0; i < items.size(); ++i)
        findings.push_back(judge(items[i], view.temporal[i], context,
                                 "/expect/temporal/" + std::to_string(i),
                                 i < wanted.size() ? nlohmann::ordered_json(wanted[i]) : nullptr));
    return findings;
}

}  // namespace mcemu::output
