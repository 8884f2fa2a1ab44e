// A list of temporal expectations that passes the check is judged by histories as a run could leave
// them: nothing throws, every finding can be printed, and what contradicts itself is never met.
// Input: the list, a byte 1, and bytes that the histories are made from.
#include <algorithm>
#include <cstring>

#include "imported.hpp"
#include "output/temporal_judge.hpp"

namespace {

using mcemu::Condition;
using mcemu::ConditionHistory;
using mcemu::SimTime;
using mcemu::TemporalExpectation;
using mcemu::TemporalHistory;
using mcemu::output::Finding;
using Op = TemporalExpectation::Op;

// Whatever a condition may name.
const std::string kBefore = R"({"schema":"mcemu/scenario/1","name":"s",
 "machine":{"nvdimms":[{"id":"nmem0","size":"64MiB"}],"regions":[{"id":"region0","nvdimms":["nmem0"]}],
 "namespaces":[{"id":"namespace0.0","mode":"fsdax"}]},
 "processes":[{"id":"victim","pid":5421}],
 "events":[{"id":"e1","at":"1ms","do":"hwpoison_pfn","pfn":"0x100"}],"expect":{"temporal":)";

class Bytes {
public:
    explicit Bytes(std::string_view text) : text_(text) {}
    std::uint32_t next() {
        return at_ < text_.size() ? static_cast<std::uint8_t>(text_[at_++]) : 0;
    }

private:
    std::string_view text_;
    std::size_t at_ = 0;
};

/// Spans in the order of time and record; one may begin where the one before it ended.
ConditionHistory history_of(const Condition& condition, Bytes& bytes) {
    ConditionHistory history;
    std::uint32_t id = 0;
    SimTime at{};
    for (std::uint32_t left = bytes.next() % 6; left != 0; --left) {
        ConditionHistory::Span span;
        id += bytes.next() % 16;
        at += SimTime{bytes.next() * 250'000};
        span.begin = at, span.begin_id = id;
        span.moment = !condition.is_state();
        if (span.moment) {
            span.end = at, span.end_id = id;
        } else if (left > 1 || bytes.next() % 2 != 0) {
            id += 1 + bytes.next() % 16;
            at += SimTime{bytes.next() * 250'000};
            span.end = at, span.end_id = id;
        }
        id += 1;
        history.spans.push_back(span);
    }
    for (const Condition& part : condition.parts) history.parts.push_back(history_of(part, bytes));
    return history;
}

Finding judged(const TemporalExpectation& item, const TemporalHistory& history) {
    mcemu::output::TemporalContext context;
    context.end = SimTime{std::int64_t{1} << 40};
    context.told = [](std::uint32_t id) { return id % 3 == 0 ? std::string() : "record " + std::to_string(id); };
    context.instead = [](const Condition&, const ConditionHistory&) {
        return std::string("something else");
    };
    Finding finding = mcemu::output::judge(item, history, context, "/expect/temporal/0", nullptr);
    static_cast<void>(mcemu::output::to_json(finding).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    static_cast<void>(mcemu::output::to_text(finding));
    return finding;
}

void demand(bool good, const char* what) {
    if (good) return;
    std::fputs(what, stderr);
    std::abort();
}

void check(const TemporalExpectation& item, const TemporalHistory& history) {
    const bool met = judged(item, history).ok;
    TemporalExpectation other = item;
    TemporalHistory turned = history;
    switch (item.op) {
        case Op::never:
        case Op::eventually:
            other.op = item.op == Op::never ? Op::eventually : Op::never;
            // Where the "after" never came, neither can be judged.
            if (!item.after || !history.after.spans.empty())
                demand(judged(other, history).ok != met, "never and eventually agree\n");
            break;
        case Op::before:
            std::swap(other.what, *other.then);
            std::swap(turned.what, turned.then);
            demand(!met || !judged(other, turned).ok, "each comes before the other\n");
            break;
        case Op::always:
            // What always holds holds at some time, unless the window is empty.
            other.op = Op::eventually;
            if (met && !item.until) demand(judged(other, history).ok, "always, and not once\n");
            break;
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace mcemu;
    const std::string input = text_of(data, size);
    const std::size_t split = std::min(input.find('\1'), input.size());
    const scenario::LoadResult loaded =
        scenario::load_text("s.json", kBefore + input.substr(0, split) + "}}");
    if (!loaded.loaded) return 0;
    Bytes bytes(std::string_view(input).substr(split + (split < input.size())));
    for (const TemporalExpectation& item : loaded.loaded->scenario.temporal) {
        TemporalHistory history;
        history.what = history_of(item.what, bytes);
        if (item.then) history.then = history_of(*item.then, bytes);
        if (item.after) history.after = history_of(*item.after, bytes);
        if (item.until) history.until = history_of(*item.until, bytes);
        check(item, history);
    }
    return 0;
}
