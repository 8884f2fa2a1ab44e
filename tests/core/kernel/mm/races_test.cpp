// Something else happens at every point of an error's handling: swept, on every kernel.
#include <catch2/catch.hpp>

#include "core/kernel/invariants.hpp"
#include "core/kernel/mm/mm_world.hpp"

using namespace mcemu;
using namespace mcemu::kernel;
using namespace mcemu::test;

namespace {

constexpr std::uint64_t kVa = 0x7f0000000000;
constexpr std::uint64_t kSize = 4u << 20;
constexpr std::uint64_t kHit = kVa + 0x3000;  // the address whose page is lost

enum class Kind { anon, thp, hugetlb, clean_file, dirty_file, shmem, fsdax, devdax };
constexpr Kind kKinds[] = {Kind::anon,       Kind::thp,   Kind::hugetlb, Kind::clean_file,
                           Kind::dirty_file, Kind::shmem, Kind::fsdax,   Kind::devdax};
const char* const kKindNames[] = {"anon",       "thp",   "hugetlb", "clean file",
                                  "dirty file", "shmem", "fsdax",   "devdax"};

enum class Error { madvise, consumed, scrub, corrupt_pfn, soft_offline };
constexpr Error kErrors[] = {Error::madvise, Error::consumed, Error::scrub, Error::corrupt_pfn,
                             Error::soft_offline};
const char* const kErrorNames[] = {"madvise", "consumed", "scrub", "corrupt-pfn", "soft offline"};

enum class Other {
    same_page,
    next_page,
    truncate,
    munmap,
    fork,
    exit,
    unpoison,
    soft_offline,
    touch
};
constexpr Other kOthers[] = {Other::same_page, Other::next_page,    Other::truncate,
                             Other::munmap,    Other::fork,         Other::exit,
                             Other::unpoison,  Other::soft_offline, Other::touch};
const char* const kOtherNames[] = {
    "second error", "error next door", "truncate",     "munmap", "fork",
    "exit",         "unpoison",        "soft offline", "touch"};

Scenario scenario_of(ProfileId id, Kind kind) {
    Scenario s = platform(id, kind == Kind::devdax ? NamespaceMode::devdax : NamespaceMode::fsdax);
    MapConfig m;
    switch (kind) {
        case Kind::anon:
        case Kind::thp:
            m = map(MapKind::anon, kVa, kSize);
            if (kind == Kind::thp) m.state = MapState::thp;
            break;
        case Kind::hugetlb:
            m = map(MapKind::hugetlb, kVa, kSize, 2 << 20);
            m.shared = false;
            break;
        case Kind::clean_file:
        case Kind::dirty_file:
            s.files.push_back(disk_file(kSize));
            m = map(MapKind::file, kVa, kSize);
            m.state = kind == Kind::clean_file ? MapState::clean : MapState::dirty;
            break;
        case Kind::shmem:
            m = map(MapKind::shmem, kVa, kSize);
            break;
        case Kind::fsdax:
            s.files.push_back(dax_file(kSize, 0, kDaxPfn / 512 * 512));
            m = map(MapKind::fsdax, kVa, kSize, 2 << 20);
            break;
        case Kind::devdax:
            m = map(MapKind::devdax, kVa, kSize, 2 << 20);
            break;
    }
    m.id = "m";
    MapConfig same = m;
    same.id = "n";
    if (m.of < 0) same.shared_with = "m";
    s.processes = {process("a", 1, {m}), process("b", 2, {same})};
    s.processes[1].cpu = 1;
    s.events.push_back({});
    s.events.back().action = ForkEvent{1, process("child", 3, {})};
    return s;
}

/// One error and, while it is handled, something else.
class Race : public MmWorld {
public:
    Race(ProfileId id, Kind kind) : MmWorld(scenario_of(id, kind)), kind_(kind), id_(id) {
        kernel->boot();
        pfn_ = pfn_at(0, kHit).value;
        kernel->on_event_done = [this](std::uint32_t) { ++done_; };
        trace.observe([this](std::uint32_t, const TraceRecord& r) {
            if (r.kind == TraceKind::phase && --left_ == 0) due_ = true;
        });
    }

    /// False when the handling was over before its n-th phase.
    bool run(Error error, Other other, int n) {
        error_ = error;
        other_ = other;
        left_ = n;
        start(error);
        step(other);
        return fired_;
    }
    std::string wrong;

private:
    void start(Error error) {
        switch (error) {
            case Error::madvise:
                return act(MadviseEvent{0, kHit, kPageSize, false});
            case Error::soft_offline:
                return act(MadviseEvent{0, kHit, kPageSize, true});
            case Error::corrupt_pfn:
                return act(HwpoisonPfnEvent{Pfn{pfn_}});
            case Error::scrub:
                return fail(pfn_);
            case Error::consumed:
                poison.insert(Pfn{pfn_}.spa());
                return act(AccessEvent{AccessKind::load, 0, kHit, 8});
        }
    }
    void disturb(Other other) {
        const bool file = !scenario.files.empty();
        switch (other) {
            case Other::same_page:
                return fail(pfn_);
            case Other::next_page:
                return fail(pfn_ + 1);
            case Other::truncate:
                if (file) act(TruncateEvent{0, 0, -1});
                return;
            case Other::munmap:
                return act(MunmapEvent{1, kVa, kSize});
            case Other::fork:
                ++begun_;
                kernel->processes.perform(0, scenario.events[0].action);
                return;
            case Other::exit:
                return act(ExitEvent{1, 0});
            case Other::unpoison:
                return act(UnpoisonPfnEvent{Pfn{pfn_}});
            case Other::soft_offline:
                return act(MadviseEvent{1, kHit, kPageSize, true});
            case Other::touch:
                return act(AccessEvent{AccessKind::store, 1, kHit, 8});
        }
    }
    void act(Action action) {
        ++begun_;
        begin(std::move(action));
    }
    void fail(std::uint64_t pfn) {
        ++begun_;
        kernel->flows.spawn([&] {
            return [](Race& race, Pfn page) -> Task<void> {
                Context ctx;
                ctx.worker = true;
                co_await race.kernel->memory_failure.memory_failure(ctx, page, 0);
                ++race.done_;
            }(*this, Pfn{pfn});
        });
        agenda.set_why({});
    }

    void step(Other other) {
        Invariants invariants(*kernel);
        const SimTime limit = agenda.now() + std::chrono::milliseconds(100);
        for (int entries = 0; !agenda.empty() && agenda.next_time() <= limit; ++entries) {
            agenda.run_until(limit, 1);
            if (wrong = invariants.check(); !wrong.empty()) return;
            if (entries > 100000) {
                wrong = "it never ends";
                return;
            }
            if (due_ && !fired_) {
                fired_ = true;
                disturb(other);
            }
        }
        wrong = invariants.check_end();
        if (kernel->outcome != Outcome::running) return;  // a copy on write that meets the poison
        if (wrong.empty() && begun_ != done_ && !may_sleep())
            wrong = std::to_string(begun_ - done_) + " of " + std::to_string(begun_) +
                    " never came to an end";
        if (wrong.empty()) wrong = leftovers();
    }
    /// Truncation waits for ever for a leaked reference (kernel.md 3.1).
    bool may_sleep() const {
        const bool leaks =
            id_ == ProfileId::v4_18 || (id_ == ProfileId::v4_19 && error_ == Error::corrupt_pfn);
        return other_ == Other::truncate && kind_ == Kind::fsdax && leaks;
    }
    /// Nobody still maps RAM that was recovered and is still poisoned.
    std::string leftovers() {
        bool recovered = false;
        for (const LogRecord& r : kernel->log.records())
            if (r.line == Line::mf_action && r.args[0] == pfn_)
                recovered = static_cast<MfResult>(r.args[2]) == MfResult::recovered;
        if (!recovered || !kernel->memory.is_ram(Pfn{pfn_}) || !poisoned(pfn_)) return "";
        for (std::uint32_t i = 0; i < kernel->processes.size(); ++i) {
            bool mapped = false;
            kernel->processes[i].mm->table.for_each([&](const auto& r) {
                mapped = mapped || (r.value.kind == Pte::Kind::present && pfn_ >= r.value.pfn &&
                                    pfn_ < r.value.pfn + ((r.end - r.begin) >> kPageShift));
            });
            if (mapped) return kernel->processes[i].id + " maps the page that was recovered";
        }
        return "";
    }

    Kind kind_;
    ProfileId id_;
    Error error_{};
    Other other_{};
    std::uint64_t pfn_ = 0;
    int left_ = 0, begun_ = 0, done_ = 0;
    bool due_ = false, fired_ = false;
};

}  // namespace

TEST_CASE("whatever happens at whatever phase of a memory failure, the kernel stays whole",
          "[core][mm][race]") {
    const ProfileId id = GENERATE(ProfileId::v4_18, ProfileId::v4_19, ProfileId::v6_1);
    std::size_t races = 0;
    for (const Kind kind : kKinds)
        for (const Error error : kErrors)
            for (const Other other : kOthers)
                for (int n = 1;; ++n) {
                    Race race(id, kind);
                    const bool fired = race.run(error, other, n);
                    INFO(profile(id).name << ", " << kKindNames[static_cast<int>(kind)] << ", "
                                          << kErrorNames[static_cast<int>(error)] << ", then "
                                          << kOtherNames[static_cast<int>(other)] << " at phase "
                                          << n << "\n"
                                          << joined(race.log()));
                    CHECK(race.wrong == "");
                    ++races;
                    if (!fired) break;
                }
    CHECK(races > 1000);
}
