// Figures of a report, checked by hand.
#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>

#include "report/figures.hpp"
#include "trace_text.hpp"

using namespace mcemu;
using namespace mcemu::report;
using namespace mcemu::test;
using Catch::Contains;

namespace {

const Measure& measure(const std::vector<Measure>& all, const std::string& from, const std::string& to) {
    const auto found = std::find_if(all.begin(), all.end(),
                                    [&](const Measure& m) { return m.from == from && m.to == to; });
    REQUIRE(found != all.end());
    return *found;
}

std::uint64_t spent(const Measure& m, const std::string& phase) {
    for (std::size_t i = 0; i < kPhases; ++i)
        if (phase_name(i) == phase) return m.phases[i].ps;
    FAIL("no such phase");
    return 0;
}

std::string refusal(const std::string& text) {
    try {
        read(text);
    } catch (const InputError& error) {
        return error.what();
    }
    return "accepted";
}

}  // namespace

TEST_CASE("a quantile is the smallest sample that its share does not exceed", "[report]") {
    Samples s;
    for (std::uint64_t v = 100; v >= 1; --v) s.add(v);
    CHECK(s.exact());
    CHECK(s.quantile(0.5) == 50);
    CHECK(s.quantile(0.99) == 99);
    CHECK(s.quantile(0.991) == 100);
    CHECK(s.quantile(0.0001) == 1);
    CHECK(s.mean() == Approx(50.5));
    CHECK(s.standard_deviation() == Approx(29.0115));
    CHECK(Samples().quantile(0.5) == 0);
}

TEST_CASE("many samples keep count, extremes and mean exact and percentiles within 1/128", "[report]") {
    Samples s;
    std::vector<std::uint64_t> all;
    std::uint64_t x = 88172645463325252ull;
    double sum = 0;
    for (int i = 0; i < 200000; ++i) {
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        const std::uint64_t v = 1000 + x % 1'000'000'000 / (1 + i % 7);
        s.add(v);
        all.push_back(v);
        sum += static_cast<double>(v);
    }
    std::sort(all.begin(), all.end());
    CHECK_FALSE(s.exact());
    CHECK(s.count() == 200000);
    CHECK(s.min() == all.front());
    CHECK(s.max() == all.back());
    CHECK(s.mean() == Approx(sum / 200000));
    for (const double q : {0.01, 0.5, 0.9, 0.99, 0.999, 0.9999}) {
        const auto exact = static_cast<double>(all[static_cast<std::size_t>(std::ceil(q * 200000)) - 1]);
        CHECK(static_cast<double>(s.quantile(q)) >= exact);
        CHECK(static_cast<double>(s.quantile(q)) <= exact * (1 + 1.0 / 128) + 1);
    }
    const auto points = s.cdf(200);
    CHECK(points.size() <= 200);
    CHECK(points.back() == std::pair<std::uint64_t, double>(all.back(), 1.0));
    CHECK(std::is_sorted(points.begin(), points.end()));
}

TEST_CASE("phases of the critical path add up to the whole duration", "[report]") {
    // The signal is caused by its sending, but what it waits for is the return to user mode.
    const auto f = read(trace_text({
        event(1'000'000, 0, "e"),
        phase(1'000'000, 1, "e", "kernel.mf_kill", 2'000'000),
        signal(3'000'000, 2, "e", "sent"),
        phase(3'000'000, 2, "e", "kernel.nospec", 20'000'000),
        phase(23'500'000, 4, "e", "kernel.ret_user", 1'000'000),
        signal(24'500'000, 3, "e", "delivered"),
    }));
    const Measure& m = measure(f.measures, "event:e", "signal:db");
    CHECK(m.samples.max() == 23'500'000);
    CHECK(spent(m, "kernel.mf_kill") == 2'000'000);
    CHECK(spent(m, "kernel.nospec") == 20'000'000);
    CHECK(spent(m, "kernel.ret_user") == 1'000'000);
    CHECK(spent(m, "waiting") == 500'000);
    CHECK(m.slowest.front().cause == 1);
    CHECK(m.slowest.front().effect == 6);
}

TEST_CASE("a phase that the path leaves half-way counts for what had passed", "[report]") {
    const auto f = read(trace_text({
        event(0, 0, "e"),
        phase(0, 1, "e", "mc.retire", 50'000),
        phase(0, 2, "e", "kernel.nospec", 20'000'000),
        signal(1'050'000, 3, "e", "delivered"),
    }));
    const Measure& m = measure(f.measures, "event:e", "signal:db");
    CHECK(spent(m, "mc.retire") == 50'000);
    CHECK(spent(m, "kernel.nospec") == 1'000'000);
    CHECK(spent(m, "waiting") == 0);
}

TEST_CASE("a measure goes from any cause to any effect and knows its deadline", "[report]") {
    const auto f = read(trace_text({
                            event(0, 0, "e"),
                            phase(0, 1, "e", "kernel.mf_kill", 2'000'000),
                            signal(2'000'000, 2, "e", "sent"),
                            signal(5'000'000, 3, "e", "delivered"),
                            event(10'000'000, 0, "e"),
                            signal(19'000'000, 5, "e", "delivered"),
                        }),
                        {{"event:e", "signal:db", 6'000'000}, {"phase:kernel.mf_kill", "signal:", {}},
                         {"event:e", "panic", {}}});
    const Measure& whole = measure(f.measures, "event:e", "signal:db");
    CHECK(whole.asked);
    CHECK(whole.samples.count() == 2);
    CHECK(whole.samples.max() == 9'000'000);
    CHECK(whole.missed == 1);
    CHECK(measure(f.measures, "phase:kernel.mf_kill", "signal:").samples.max() == 5'000'000);
    CHECK(measure(f.measures, "event:e", "panic").samples.count() == 0);
}

TEST_CASE("the shares of the variance sum to one", "[report]") {
    Measure m;
    std::vector<std::pair<std::uint32_t, std::uint64_t>> way = {{1, 0}, {2, 0}, {3, 70}};
    for (std::uint64_t i = 0; i < 50; ++i) {
        way[0].second = 1000 + i * i;
        way[1].second = 500 + i % 7;
        m.add(way[0].second + way[1].second + 70, way, 0, 0);
    }
    double sum = 0;
    for (std::size_t i = 0; i < kPhases; ++i) sum += m.variance_share(i);
    CHECK(sum == Approx(1));
    CHECK(m.variance_share(1) > 0.99);
    CHECK(m.variance_share(3) == Approx(0).margin(1e-9));

    Measure halves[2], both;  // the same samples, measured in two runs
    for (std::uint64_t i = 0; i < 50; ++i) {
        way[0].second = 1000 + i * i;
        way[1].second = 500 + i % 7;
        halves[i % 2].add(way[0].second + way[1].second + 70, way, 0, 0);
    }
    both.merge(halves[0], 0);
    both.merge(halves[1], 1);
    CHECK(both.samples.count() == 50);
    CHECK(both.samples.mean() == Approx(m.samples.mean()));
    CHECK(both.variance_share(1) == Approx(m.variance_share(1)));
    CHECK(both.slowest.front().run == 1);
}

TEST_CASE("a page is exposed from its poison to the end of its mappings", "[report]") {
    const std::string head = "\"origin\":\"e\",\"module\":\"kernel\",\"kind\":";
    const auto f = read(trace_text({
        event(0, 0, "e"),
        "\"t_ps\":1000,\"cause\":1,\"origin\":\"e\",\"module\":\"dram\",\"kind\":\"poison_planted\","
        "\"device\":\"dram0\",\"begin\":\"0x12345000\",\"length\":64",
        "\"t_ps\":5000,\"cause\":1,\"origin\":\"e\",\"module\":\"dram\",\"kind\":\"poison_read\","
        "\"device\":\"dram0\",\"spa\":\"0x12345000\",\"planted_by\":\"e\"",
        "\"t_ps\":6000,\"cause\":3," + head + "\"memory_failure\",\"pfn\":\"0x12345\",\"flags\":\"0x2\"",
        "\"t_ps\":8000,\"cause\":4," + head + "\"page_unmapped\",\"process\":\"db\",\"va\":\"0x1000\","
        "\"bytes\":2097152,\"pfn\":\"0x12200\"",
        "\"t_ps\":9000,\"cause\":4," + head + "\"direct_map\",\"cpu\":0,\"pfn\":\"0x12345\","
        "\"new\":\"0x102\",\"old\":\"0x100\"",
    }));
    REQUIRE(f.exposure.pages().size() == 1);
    const ExposedPage& p = f.exposure.pages().begin()->second;
    CHECK(p.pfn == 0x12345);
    CHECK(p.planted == 1000u);
    CHECK(p.met == 5000u);
    CHECK(p.known == 6000u);
    CHECK(p.unmapped == 8000u);
    CHECK(p.closed == 9000u);
    CHECK(p.reads == 1);
    CHECK(p.collateral == 2097152 - 4096);
    CHECK(p.processes.size() == 1);
}

TEST_CASE("a timeline that is too long keeps whole chains and counts everything", "[report]") {
    std::vector<std::string> records;
    for (std::uint32_t i = 0; i < 1000; ++i) {
        records.push_back(event(i * 1000, 0, "e"));
        records.push_back(phase(i * 1000, i * 2 + 1, "e", "kernel.mf_kill", 500));
    }
    const auto f = read(trace_text(records), {}, 300);
    CHECK(f.timeline.total() == 2000);
    CHECK(f.timeline.rows().size() <= 300);
    CHECK(f.timeline.rows().size() >= 50);
    CHECK(f.timeline.one_in() >= 4);
    CHECK(f.timeline.kinds()[static_cast<std::size_t>(TraceKind::phase)] == 1000);
    for (const TimelineRow& row : f.timeline.rows())
        if (row.record.why.cause != 0)
            CHECK(std::any_of(f.timeline.rows().begin(), f.timeline.rows().end(),
                              [&](const TimelineRow& r) { return r.id == row.record.why.cause; }));
}

TEST_CASE("a trace that is cut off or foreign is refused with file and line", "[report]") {
    const std::string whole = trace_text({event(0, 0, "e"), signal(5, 1, "e", "sent")});
    CHECK(refusal(whole) == "accepted");
    CHECK(refusal("") == "t.ndjson: the file is empty: a trace of mcemu run --trace would be right");
    CHECK_THAT(refusal(whole.substr(0, whole.size() - 1)), Contains("t.ndjson:2: the trace is cut off"));
    CHECK_THAT(refusal(whole.substr(0, whole.size() - 30)), Contains("t.ndjson:2: the trace is cut off"));
    CHECK_THAT(refusal(trace_text({event(0, 0, "e")}, 7)),
               Contains("the trace is cut off after record 1 of 7"));
    CHECK_THAT(refusal("{\"id\":1," + event(0, 0, "e") + "}\n"), Contains("t.ndjson:1: the first record "
               "does not say what the file is: an older version wrote it"));
    std::string other = whole;
    other.replace(other.find("trace/1"), 7, "trace/9");
    CHECK_THAT(refusal(other), Contains("schema \"mcemu/trace/9\": this version reads \"mcemu/trace/1\""));
    CHECK_THAT(refusal(trace_text({event(0, 0, "e"), event(0, 2, "e")})),
               Contains("the cause 2 is not older than its effect"));
    CHECK_THAT(refusal(trace_text({event(9, 0, "e"), event(8, 1, "e")})), Contains("older than the one before"));
    CHECK_THAT(refusal(trace_text({event(0, 0, "e"), phase(0, 1, "e", "kernel.tea", 1)})),
               Contains("t.ndjson:2: \"latency\" is no latency that this version knows"));
    CHECK_THAT(refusal(whole + "{}\n"), Contains("t.ndjson:3: the record lacks \"t_ps\""));
    CHECK_THAT(refusal(whole + "[1]\n"), Contains("t.ndjson:3: this is no JSON object"));
    CHECK_THAT(refusal(whole + "{\"id\":1} x\n"), Contains("t.ndjson:3: "));
}

TEST_CASE("shares have Clopper-Pearson intervals", "[report]") {
    const Share none = share_of(0, 10), some = share_of(3, 10), all = share_of(10, 10);
    CHECK(none.low == 0);
    CHECK(none.high == Approx(0.3085).epsilon(0.001));  // 1 - 0.025^(1/10)
    CHECK(some.low == Approx(0.0667).epsilon(0.01));
    CHECK(some.high == Approx(0.6525).epsilon(0.01));
    CHECK(all.low == Approx(0.6915).epsilon(0.001));
    CHECK(all.high == 1);
}
