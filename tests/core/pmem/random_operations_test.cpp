// Random sequences of everything that happens to modules and their firmware, against a model that
// keeps one structure per 64-byte line and looks at every line each time (nvdimm.md 4 to 7, 9, 10).
#include <algorithm>
#include <catch2/catch.hpp>
#include <random>
#include <sstream>

#include "core/pmem/firmware.hpp"

using namespace mcemu;
using namespace mcemu::pmem;
using namespace std::chrono_literals;
using Function = DsmEvent::Function;

namespace {

struct FixedRng final : Rng {
    std::uint64_t bits(std::uint32_t, std::uint64_t) const override { return 0; }
};

constexpr std::uint64_t kBase = 0x280000000, kWays = 4, kChunk = 1024, kLines = 512;
constexpr std::uint64_t kSize = kLines * kLineSize, kUnit = 256;
constexpr std::uint64_t kRecords = 6;                    // of one answer
constexpr std::uint64_t kRate = kSize / kWays * 1000;    // bytes a second: a scan takes 1 ms
constexpr std::uint64_t kStuck = 300;                    // this line, and so its unit

// ---------------------------------------------------------------- what is tested

MachineConfig machine() {
    MachineConfig m;
    RegionConfig region;
    region.range = {kBase, kBase + kSize};
    region.interleave = kChunk;
    for (std::uint32_t i = 0; i < kWays; ++i) {
        NvdimmConfig module;
        module.size = 1 << 20;
        module.handle = 0x10 + i;
        module.max_ars_out = 48 + 24 * kRecords;
        module.ars_rate = kRate;
        m.nvdimms.push_back(module);
        region.nvdimms.push_back(i);
        region.dpa_base.push_back(0x1000 * i);
    }
    m.regions.push_back(region);
    const InterleaveSet set(region);
    const auto place = set.decode(kBase + kStuck * kLineSize);
    m.nvdimms[place.way].stuck.push_back({place.dpa, place.dpa + kLineSize});
    return m;
}

struct Real final : Modules {
    MachineConfig config = machine();
    FixedRng rng;
    Latency latency{rng};
    std::vector<PoisonList> lists{kWays};
    std::vector<SmartHealth> healths{kWays, SmartHealth(NvdimmProfile::optane)};
    std::unique_ptr<Firmware> firmware;
    InterleaveSet set{config.regions[0]};

    Real() {
        for (const Lat free : {Lat::fw_dsm_call, Lat::fw_dsm_smi, Lat::fw_clear_unit, Lat::fw_ars_record})
            latency.set(free, {Distribution::Kind::fixed, 0ns});
        latency.set(Lat::fw_ars_short, {Distribution::Kind::fixed, 100us});
        firmware = std::make_unique<Firmware>(config, latency, *this);
    }
    const PoisonList& poison(std::uint32_t i) const override { return lists[i]; }
    void plant(std::uint32_t i, DpaRange range, std::uint8_t flags) override {
        lists[i].add(range, 0, flags);
        lists[i].mark(range, flags);
    }
    void heal(std::uint32_t i, DpaRange range) override { lists[i].clear(range); }
    void list(std::uint32_t i, DpaRange range) override { lists[i].mark(range, kPoisonListed); }
    SmartHealth& health(std::uint32_t i) override { return healths[i]; }

    template <class F>
    void each_way(SpaRange spa, F&& f) {
        for (std::uint32_t way = 0; way < kWays; ++way)
            if (const DpaRange part = set.on_way(spa, way); part.begin < part.end) f(way, part);
    }
    /// The machine goes off and on: what the modules keep, and new firmware.
    void reboot() {
        for (SmartHealth& health : healths) {
            const SmartImage image = health.snapshot();
            health = SmartHealth(NvdimmProfile::optane);
            health.restore(image);
        }
        firmware = std::make_unique<Firmware>(config, latency, *this);
    }
};

// ---------------------------------------------------------------- what it must be

struct Line {
    bool poisoned = false, listed = false, injected = false;
};

struct Model {
    std::vector<Line> lines{kLines};
    // The scrub: every line that it reported is marked, and the lines up to `at` have been seen.
    enum class Scrub { none, running, known, full, done } scrub = Scrub::none;
    std::uint64_t begin = 0, end = 0, at = 0;
    SimTime start{}, takes{};
    std::vector<bool> reported = std::vector<bool>(kLines);
    // Lines that begin a record, so that touching runs of two looks can be told from one run.
    std::uint32_t dirty = 0;

    static std::vector<SpaRange> runs(const std::vector<bool>& marked) {
        std::vector<SpaRange> out;
        for (std::uint64_t i = 0; i < kLines; ++i) {
            if (!marked[i]) continue;
            const std::uint64_t spa = kBase + i * kLineSize;
            if (!out.empty() && out.back().end == spa) out.back().end += kLineSize;
            else out.push_back({spa, spa + kLineSize});
        }
        return out;
    }
    std::vector<SpaRange> results() const { return runs(reported); }
    template <class F>
    std::vector<SpaRange> runs_where(F&& f) const {
        std::vector<bool> marked(kLines);
        for (std::uint64_t i = 0; i < kLines; ++i) marked[i] = lines[i].poisoned && f(lines[i]);
        return runs(marked);
    }

    void report(std::uint64_t line) {
        const bool goes_on = line > begin && reported[line - 1];
        if (!goes_on && results().size() == kRecords) {
            at = line;
            scrub = Scrub::full;
            return;
        }
        reported[line] = true;
        lines[line].listed = true;
    }
    void advance(SimTime now) {
        if (scrub == Scrub::known) {
            if (now >= start + takes) scrub = at < end ? Scrub::full : Scrub::done;
            return;
        }
        if (scrub != Scrub::running) return;
        const bool over = now >= start + takes;
        const std::uint64_t target =
            over ? end : begin + (now - start).count() * (end - begin) / takes.count();
        for (; at < target && scrub == Scrub::running; ++at) {
            if (lines[at].poisoned) report(at);
            if (scrub == Scrub::full) return;
        }
        if (over) scrub = Scrub::done;
    }
    void heal(std::uint64_t first, std::uint64_t last) {
        for (std::uint64_t i = first; i < last; ++i) {
            lines[i] = {};
            reported[i] = false;
        }
        // A record that was split may leave one too many.
        if (const auto records = results(); records.size() > kRecords) {
            const std::uint64_t cut = (records.back().begin - kBase) / kLineSize;
            for (std::uint64_t i = cut; i < kLines; ++i) reported[i] = false;
            at = cut;
            scrub = Scrub::full;
        }
    }
};

std::string text(const std::vector<SpaRange>& ranges) {
    std::ostringstream out;
    for (const SpaRange& r : ranges)
        out << (r.begin - kBase) / kLineSize << "+" << r.size() / kLineSize << " ";
    return out.str();
}
std::string text(const kernel::DsmReply& reply) {
    std::vector<SpaRange> ranges;
    for (const kernel::ArsRecord& r : reply.records) ranges.push_back({r.spa, r.spa + r.length});
    return text(ranges);
}

struct Pair {
    Real real;
    Model model;
    SimTime now{};
    std::mt19937 random;
    std::ostringstream log;

    explicit Pair(unsigned seed) : random(seed) {}
    std::uint64_t below(std::uint64_t limit) { return random() % limit; }

    kernel::DsmReply call(Function function, std::uint64_t line, std::uint64_t count,
                          std::uint32_t flags = 0) {
        return real.firmware
            ->call({function, kBase + line * kLineSize, count * kLineSize, flags, -1}, now)
            .reply;
    }
    /// Some lines: mostly few.
    std::pair<std::uint64_t, std::uint64_t> lines() {
        const std::uint64_t first = below(kLines);
        const std::uint64_t count = 1 + below(below(4) == 0 ? 60 : 3);
        return {first, std::min(kLines, first + count)};
    }

    void poison() {
        const auto [first, last] = lines();
        log << "poison " << first << "-" << last;
        real.firmware->before_media_change(now);
        model.advance(now);
        real.each_way({kBase + first * kLineSize, kBase + last * kLineSize},
                      [&](std::uint32_t way, DpaRange part) { real.lists[way].add(part, 1); });
        for (std::uint64_t i = first; i < last; ++i) model.lines[i].poisoned = true;
    }
    void inject() {
        const auto [first, last] = lines();
        log << "inject " << first << "-" << last;
        CHECK(call(Function::inject_error, first, last - first, 0).status == 0);
        model.advance(now);
        for (std::uint64_t i = first; i < last; ++i) model.lines[i] = {true, true, true};
    }
    void inject_clear() {
        const auto [first, last] = lines();
        log << "inject_clear " << first << "-" << last;
        CHECK(call(Function::inject_clear, first, last - first).status == 0);
        model.advance(now);
        model.heal(first, last);
    }
    void clear() {
        auto [first, last] = lines();
        const bool aligned = below(5) != 0;
        constexpr std::uint64_t kUnitLines = kUnit / kLineSize;
        if (aligned) {
            first = round_down(first, kUnitLines);
            last = round_up(last, kUnitLines);
        }
        log << "clear " << first << "-" << last;
        const kernel::DsmReply reply = call(Function::clear_error, first, last - first);
        if (first % kUnitLines != 0 || (last - first) % kUnitLines != 0) {
            CHECK(reply.status == kDsmInvalidInput);
            return;
        }
        std::uint64_t stop = first;
        while (stop < last && !(stop <= kStuck && kStuck < stop + kUnitLines)) stop += kUnitLines;
        CHECK(reply.status == 0);
        CHECK(reply.cleared == (stop - first) * kLineSize);
        if (stop == first) return;
        model.advance(now);
        model.heal(first, stop);
        // Once more changes nothing (nvdimm.md 17.9).
        CHECK(call(Function::clear_error, first, stop - first).cleared == (stop - first) * kLineSize);
    }
    /// The host reads: what it consumes enters the module's list.
    void read() {
        const std::uint64_t line = below(kLines);
        log << "read " << line;
        const auto place = real.set.decode(kBase + line * kLineSize);
        const DpaRange dpa{place.dpa, place.dpa + kLineSize};
        const bool poisoned = real.lists[place.way].first_in(dpa).has_value();
        CHECK(poisoned == model.lines[line].poisoned);
        if (!poisoned) return;
        real.lists[place.way].mark(dpa, kPoisonListed);
        model.lines[line].listed = true;
    }
    /// A full-line write: as an energy-backed module takes it.
    void write() {
        const auto [first, last] = lines();
        log << "write " << first << "-" << last;
        real.firmware->before_media_change(now);
        model.advance(now);
        real.each_way({kBase + first * kLineSize, kBase + last * kLineSize},
                      [&](std::uint32_t way, DpaRange part) { real.lists[way].clear(part); });
        // The firmware's results keep what only a write healed: no call told it.
        for (std::uint64_t i = first; i < last; ++i) model.lines[i] = {};
    }
    void start_scrub() {
        const bool known = below(3) == 0;
        std::uint64_t first = below(2) == 0 ? 0 : below(kLines / kWays) * kWays;
        std::uint64_t last = kLines;
        if (model.scrub == Model::Scrub::full && below(2) == 0) first = model.at;  // go on
        log << "start " << first << (known ? " known" : " full");
        const kernel::DsmReply reply =
            call(Function::ars_start, first, last - first, known ? kArsFlagKnownOnly : 0);
        model.advance(now);
        if (model.scrub == Model::Scrub::running || model.scrub == Model::Scrub::known) {
            CHECK(reply.status == kDsmFunctionSpecific);
            return;
        }
        CHECK(reply.status == 0);
        model.begin = model.at = first;
        model.end = last;
        model.start = now;
        std::fill(model.reported.begin(), model.reported.end(), false);
        if (known) {
            model.scrub = Model::Scrub::known;
            model.takes = 100us;
            for (; model.at < last; ++model.at)
                if (model.lines[model.at].poisoned && model.lines[model.at].listed) {
                    model.report(model.at);
                    if (model.scrub == Model::Scrub::full) break;
                }
            model.scrub = Model::Scrub::known;
            return;
        }
        model.scrub = Model::Scrub::running;
        // The slowest module: what of the range lies on each.
        std::uint64_t most = 0;
        for (std::uint64_t way = 0; way < kWays; ++way) {
            std::uint64_t bytes = 0;
            for (std::uint64_t i = first; i < last; ++i)
                if (i * kLineSize / kChunk % kWays == way) bytes += kLineSize;
            most = std::max(most, bytes);
        }
        model.takes = SimTime{most * 1'000'000'000'000 / kRate};
    }
    void power_fail() {
        const auto module = static_cast<std::uint32_t>(below(kWays));
        log << "power_fail " << module;
        const std::uint32_t before = real.healths[module].shutdown_count();
        real.healths[module].dirty_shutdown();
        CHECK(real.healths[module].shutdown_count() == before + 1);
        ++model.dirty;
        reboot();
    }
    void reboot() {
        log << " reboot";
        model.advance(now);
        real.firmware->before_media_change(now);
        real.reboot();
        model.scrub = Model::Scrub::none;
        std::fill(model.reported.begin(), model.reported.end(), false);
    }

    void compare() {
        std::vector<bool> poisoned(kLines), listed(kLines), injected(kLines);
        for (std::uint64_t i = 0; i < kLines; ++i) {
            const auto place = real.set.decode(kBase + i * kLineSize);
            const auto met = real.lists[place.way].first_in({place.dpa, place.dpa + kLineSize});
            poisoned[i] = met.has_value();
            listed[i] = met && (met->flags & kPoisonListed) != 0;
            injected[i] = met && (met->flags & kPoisonInjected) != 0;
        }
        model.advance(now);
        const kernel::DsmReply status = call(Function::ars_status, 0, 0);
        using Scrub = Model::Scrub;
        const std::uint32_t word =
            model.scrub == Scrub::none                                       ? kArsNone
            : model.scrub == Scrub::running || model.scrub == Scrub::known ? kArsInProgress
            : model.scrub == Scrub::full                                     ? kArsStopped
                                                                             : 0u;
        REQUIRE(status.status == word);
        if (model.scrub == Scrub::full || model.scrub == Scrub::done) {
            REQUIRE(text(status) == text(model.results()));
            REQUIRE(status.overflow == (model.scrub == Scrub::full));
            if (status.overflow)
                REQUIRE(status.restart ==
                        SpaRange{kBase + model.at * kLineSize, kBase + model.end * kLineSize});
        }
        REQUIRE(text(Model::runs(poisoned)) == text(model.runs_where([](auto&) { return true; })));
        REQUIRE(text(Model::runs(injected)) ==
                text(model.runs_where([](const Line& l) { return l.injected; })));
        REQUIRE(text(call(Function::inject_status, 0, 0)) ==
                text(model.runs_where([](const Line& l) { return l.injected; })));
        // A scrub that is under way lists what it passes when somebody asks: they have.
        for (std::uint64_t i = 0; i < kLines; ++i)
            if (const auto place = real.set.decode(kBase + i * kLineSize); poisoned[i])
                listed[i] = (real.lists[place.way].first_in({place.dpa, place.dpa + kLineSize})->flags &
                             kPoisonListed) != 0;
        REQUIRE(text(Model::runs(listed)) ==
                text(model.runs_where([](const Line& l) { return l.listed; })));
        std::uint32_t dirty = 0;
        for (const SmartHealth& health : real.healths) dirty += health.shutdown_count();
        REQUIRE(dirty == model.dirty);
    }

    void step() {
        log.str("");
        now += std::chrono::microseconds(below(4) == 0 ? below(900) : below(40));
        const std::uint64_t what = below(100);
        if (what < 22) poison();
        else if (what < 34) inject();
        else if (what < 40) inject_clear();
        else if (what < 55) clear();
        else if (what < 68) read();
        else if (what < 74) write();
        else if (what < 94) start_scrub();
        else if (what < 97) power_fail();
        else reboot();
    }
};

}  // namespace

TEST_CASE("modules and firmware do what a model of single lines does", "[core][pmem][random]") {
    const unsigned seed = GENERATE(range(1u, 7u));
    Pair pair(seed);
    std::vector<std::string> last;
    for (int i = 0; i < 400; ++i) {
        pair.step();
        INFO("seed " << seed << ", step " << i << ": " << pair.log.str());
        pair.compare();
    }
}
