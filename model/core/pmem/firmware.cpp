#include "core/pmem/firmware.hpp"

#include <algorithm>
#include <cerrno>

#include "core/assert.hpp"

namespace mcemu::pmem {
namespace {

__extension__ typedef unsigned __int128 Wide;  // NOLINT: products of bytes and picoseconds
constexpr std::uint64_t kPicosecondsPerSecond = 1'000'000'000'000;

// Sizes in the answer of Query ARS Status: header with the status word, one record.
constexpr std::size_t kTestInjectRecords = 4096 / 16;  // of nfit_test's answer
constexpr std::uint32_t kArsHeader = 48, kArsRecord = 24;

/// [address, address + length), or nothing when it is empty or wraps around.
std::optional<SpaRange> range_of(const kernel::DsmRequest& request) {
    if (request.length == 0 || request.address + request.length < request.address)
        return std::nullopt;
    return SpaRange{request.address, request.address + request.length};
}

template <class T>
void append(std::vector<std::uint8_t>& bytes, T value) {
    for (std::size_t i = 0; i < sizeof(T); ++i)
        bytes.push_back(static_cast<std::uint8_t>(std::uint64_t{value} >> (8 * i)));
}

}  // namespace

Firmware::Firmware(const MachineConfig& machine, Latency& latency, Modules& modules)
    : machine_(machine), latency_(latency), modules_(modules), ars_(*this) {
    stuck_.resize(machine.nvdimms.size());
    for (std::size_t i = 0; i < stuck_.size(); ++i) stuck_[i].load(machine.nvdimms[i].stuck, 0);
    for (const RegionConfig& config : machine.regions) {
        Region region{InterleaveSet(config), config.nvdimms};
        for (const std::uint32_t nvdimm : config.nvdimms) region.stuck.push_back(&stuck_[nvdimm]);
        regions_.push_back(std::move(region));
    }
}

Firmware::Answer Firmware::call(const kernel::DsmRequest& request, SimTime now) {
    using Function = DsmEvent::Function;
    // Functions 1 to 4 may be missing as a whole; the others do not depend on them.
    const bool is_ars =
        request.function == Function::ars_cap || request.function == Function::ars_start ||
        request.function == Function::ars_status || request.function == Function::clear_error;
    if (is_ars && !machine_.clear_error_supported)
        return answer(kDsmNotSupported, Lat::fw_dsm_call);

    switch (request.function) {
        case Function::ars_status:
            return ars_status(now);
        case Function::inject_status:
            return inject_status();
        case Function::translate_spa:
            return translate_spa(request.address);
        case Function::smart:
            return smart(request.nvdimm);
        case Function::smart_inject:
            return smart_inject(request);
        case Function::smart_threshold:
            return smart_threshold(request.nvdimm);
        case Function::smart_set_threshold:
            return smart_set_threshold(request);
        case Function::latch_shutdown:
            return latch_shutdown(request);
        default:
            break;
    }
    const auto range = range_of(request);
    if (!range || !region_of(*range)) {
        const bool quick = request.function == Function::ars_cap;
        return answer(kDsmInvalidInput, quick ? Lat::fw_dsm_call : Lat::fw_dsm_smi);
    }
    switch (request.function) {
        case Function::ars_cap:
            return ars_cap(*range);
        case Function::ars_start:
            return ars_start(*range, request.flags, now);
        case Function::clear_error:
            return clear_error(*range, now);
        case Function::inject_error:
            return inject_error(*range, request.flags, now);
        default:
            return inject_clear(*range, now);
    }
}

// ---------------------------------------------------------------- functions 1 to 4

Firmware::Answer Firmware::ars_cap(SpaRange range) {
    const Region& region = *region_of(range);
    Answer a = answer(kArsPersistent, Lat::fw_dsm_call);
    a.reply.max_ars_out = ~std::uint32_t{0};
    for (const std::uint32_t nvdimm : region.nvdimms) {
        const NvdimmConfig& module = machine_.nvdimms[nvdimm];
        a.reply.max_ars_out = std::min(a.reply.max_ars_out, module.max_ars_out);
        if (module.profile == NvdimmProfile::test) a.reply.status |= kArsVolatile;  // nfit_test: 3
    }
    if (!is_test(region)) a.reply.flags = 1;
    a.reply.clear_err_unit = clear_unit(region);
    for (const std::uint32_t nvdimm : region.nvdimms)
        if (const auto reported = machine_.nvdimms[nvdimm].reported_clear_unit)
            a.reply.clear_err_unit = *reported;
    return a;
}

Firmware::Answer Firmware::ars_start(SpaRange range, std::uint32_t flags, SimTime now) {
    const Region& region = *region_of(range);
    Answer a = answer(kDsmSuccess, Lat::fw_dsm_smi);
    Ars::Request scan;
    scan.range = range;
    scan.known_only = (flags & kArsFlagKnownOnly) != 0;
    scan.max_records = max_records(region);
    if (scan.known_only && machine_.unmerged_poison_list) scan.known = unmerged(region, range);
    scan.scan_time = scan.known_only ? latency_.draw(Lat::fw_ars_short) : scan_time(region, range);
    if (!ars_.start(scan, now)) {
        a.reply.status = kDsmFunctionSpecific;
        return a;
    }
    a.reply.scrub_time_s = static_cast<std::uint32_t>(
        (scan.scan_time.count() + kPicosecondsPerSecond - 1) / kPicosecondsPerSecond);
    return a;
}

std::uint64_t Firmware::max_records(const Region& region) const {
    std::uint32_t max_ars_out = ~std::uint32_t{0};
    for (const std::uint32_t nvdimm : region.nvdimms)
        max_ars_out = std::min(max_ars_out, machine_.nvdimms[nvdimm].max_ars_out);
    return std::max<std::uint32_t>(
        1, max_ars_out < kArsHeader ? 0 : (max_ars_out - kArsHeader) / kArsRecord);
}

std::vector<SpaRange> Firmware::known_poison(std::uint32_t region) const {
    std::vector<SpaRange> out;
    const SpaRange range = regions_[region].set.range();
    std::optional<SpaRange> run = next_run(range.begin, range.end, true);
    for (; run && out.size() < max_records(regions_[region]);
         run = next_run(run->end, range.end, true))
        out.push_back(*run);
    return out;
}

Firmware::Answer Firmware::ars_status(SimTime now) {
    ars_.advance(now);
    Answer a = answer(kDsmSuccess, Lat::fw_dsm_call);
    kernel::DsmReply& r = a.reply;
    r.out_length = kArsHeader;
    switch (ars_.state()) {
        case ArsState::none:
            r.status = kArsNone;
            return a;
        case ArsState::running:
            r.status = kArsInProgress;
            return a;
        case ArsState::stopped_overflow:
            r.status = kArsStopped;
            r.overflow = true;
            r.restart = ars_.restart();
            break;
        case ArsState::stopped:
            r.status = kArsStopped;
            break;
        case ArsState::done:
            break;
    }
    r.covered = ars_.covered();
    r.records = ars_.records();
    r.out_length += static_cast<std::uint32_t>(r.records.size()) * kArsRecord;
    return a;
}

/// Heals upwards from the base, unit by unit, up to the first that cannot be healed.
Firmware::Answer Firmware::clear_error(SpaRange range, SimTime now) {
    const Region& region = *region_of(range);
    const std::uint64_t unit = clear_unit(region);
    if (unit == 0 || range.begin % unit != 0 || range.size() % unit != 0) {
        Answer refused = answer(kDsmInvalidInput, Lat::fw_dsm_smi);
        if (is_test(region)) refused.reply.error = -EINVAL;  // nfit_test_cmd_clear_error()
        return refused;
    }
    SpaRange healed = range;
    if (const auto stuck = pmem::next_run(region.set, region.stuck, range.begin, range.end))
        healed.end = std::max(range.begin, round_down(stuck->begin, unit));
    Answer a = answer(kDsmSuccess, Lat::fw_dsm_smi);
    a.reply.cleared = healed.size();
    if (healed.size() == 0) return a;
    a.reply.delay += latency_.draw(Lat::fw_clear_unit, healed.size() / unit);
    ars_.advance(now);
    heal(region, healed);
    return a;
}

// ---------------------------------------------------------------- functions 5, 7, 8, 9

Firmware::Answer Firmware::inject_error(SpaRange range, std::uint32_t options, SimTime now) {
    const Region& region = *region_of(range);
    ars_.advance(now);
    if (machine_.unmerged_poison_list) injected();  // before the modules remember this one
    // Exactly the lines asked for, not the 256 B of a media failure (nvdimm.md 4.2).
    const SpaRange lines{round_down(range.begin, kLineSize), round_up(range.end, kLineSize)};
    for (std::uint32_t way = 0; way < region.set.ways(); ++way) {
        const DpaRange part = region.set.on_way(lines, way);
        if (part.begin < part.end)
            modules_.plant(region.nvdimms[way], part, kPoisonListed | kPoisonInjected);
    }
    if (machine_.unmerged_poison_list) injected().add(range.begin, range.size());
    Answer a = answer(kDsmSuccess, Lat::fw_dsm_smi);
    if (options & kInjectNotify) a.notify = Notification{kNotifyUncorrectable, -1};
    return a;
}

Firmware::Answer Firmware::inject_clear(SpaRange range, SimTime now) {
    ars_.advance(now);
    heal(*region_of(range), range);
    return answer(kDsmSuccess, Lat::fw_dsm_smi);
}

Firmware::Answer Firmware::inject_status() {
    Answer a = answer(kDsmSuccess, Lat::fw_dsm_call);
    if (machine_.unmerged_poison_list) {
        for (const auto& range : injected().ranges()) {
            a.reply.records.push_back({handle_at(range.start), range.start, range.length});
            if (a.reply.records.size() > kTestInjectRecords) break;  // one too many, as there
        }
        return a;
    }
    for (const Region& region : regions_) {
        const SpaRange all = region.set.range();
        std::uint64_t at = all.begin;
        while (const auto run =
                   pmem::next_run(region.set, poison(region), at, all.end, kPoisonInjected)) {
            a.reply.records.push_back({handle_at(run->begin), run->begin, run->size()});
            at = run->end;
        }
    }
    return a;
}

Firmware::Answer Firmware::translate_spa(std::uint64_t spa) {
    const auto it = std::find_if(regions_.begin(), regions_.end(), [spa](const Region& region) {
        return region.set.range().contains(spa);
    });
    if (it == regions_.end()) return answer(kDsmInvalidInput, Lat::fw_dsm_smi);
    const InterleaveSet::Place place = it->set.decode(spa);
    const std::uint64_t length = it->set.chunk_end(spa) - spa;
    Answer a = answer(kDsmSuccess, Lat::fw_dsm_smi);
    a.reply.records.push_back({handle_at(spa), spa, length});
    a.reply.dpa = place.dpa;
    append(a.reply.data, std::uint32_t{0});  // flags, reserved
    append(a.reply.data, length);
    append(a.reply.data, std::uint32_t{1});  // modules: no mirroring
    append(a.reply.data, handle_at(spa));
    append(a.reply.data, std::uint32_t{0});
    append(a.reply.data, place.dpa);
    return a;
}

// ---------------------------------------------------------------- calls of a module

Firmware::Answer Firmware::smart(int nvdimm) {
    // A mailbox command; its usual time is that of a call with an SMI (nvdimm.md 16).
    if (!is_module(nvdimm)) return answer(kDsmInvalidInput, Lat::fw_dsm_smi);
    Answer a = answer(kDsmSuccess, Lat::fw_dsm_smi);
    a.reply.data = modules_.health(static_cast<std::uint32_t>(nvdimm)).payload();
    return a;
}

Firmware::Answer Firmware::smart_inject(const kernel::DsmRequest& request) {
    if (!is_module(request.nvdimm)) return answer(kDsmInvalidInput, Lat::fw_dsm_smi);
    SmartHealth& health = modules_.health(static_cast<std::uint32_t>(request.nvdimm));
    if (!health.inject(request.flags, request.address, request.length))
        return answer(kDsmInvalidInput, Lat::fw_dsm_smi);
    Answer a = answer(kDsmSuccess, Lat::fw_dsm_smi);
    if (health.alarms()) a.notify = Notification{kNotifyHealth, request.nvdimm};
    return a;
}

// ---------------------------------------------------------------- helpers

Firmware::Answer Firmware::answer(std::uint32_t status, Lat cost, std::uint64_t times) {
    Answer a;
    a.reply.status = status;
    a.reply.delay = latency_.draw(cost, times);
    return a;
}

Firmware::Region* Firmware::region_of(SpaRange range) {
    for (Region& region : regions_)
        if (region.set.range().contains(range.begin, range.size())) return &region;
    return nullptr;
}

const Firmware::Region& Firmware::region_at(std::uint64_t spa) const {
    for (const Region& region : regions_)
        if (region.set.range().contains(spa)) return region;
    MCEMU_ASSERT(false, "no region holds " + std::to_string(spa));
}

const std::vector<const PoisonList*>& Firmware::poison(const Region& region) const {
    Region& known = regions_[static_cast<std::size_t>(&region - regions_.data())];
    if (known.poison.empty())
        for (const std::uint32_t nvdimm : known.nvdimms)
            known.poison.push_back(&modules_.poison(nvdimm));
    return known.poison;
}

std::uint32_t Firmware::clear_unit(const Region& region) const {
    std::uint32_t unit = 0;
    for (const std::uint32_t nvdimm : region.nvdimms)
        unit = std::max(unit, machine_.nvdimms[nvdimm].clear_unit);
    return unit;
}

/// Modules scan in parallel: the slowest decides (nvdimm.md 7.2).
SimTime Firmware::scan_time(const Region& region, SpaRange range) const {
    std::uint64_t longest = 1;
    for (std::uint32_t way = 0; way < region.set.ways(); ++way) {
        const std::uint64_t rate = machine_.nvdimms[region.nvdimms[way]].ars_rate;
        MCEMU_ASSERT(rate != 0, "ars_rate of nvdimm " + std::to_string(region.nvdimms[way]));
        const Wide time = Wide{region.set.on_way(range, way).size()} * kPicosecondsPerSecond / rate;
        longest = std::max(longest, static_cast<std::uint64_t>(time));
    }
    return SimTime{longest};
}

/// Removes poison from the media and, with it, from the injected list; and from scrub results
/// still held (nvdimm.md 6.5).
void Firmware::heal(const Region& region, SpaRange range) {
    if (machine_.unmerged_poison_list)
        for (std::uint64_t at = range.begin; at < range.end;) {  // the list takes 32 bits of length
            const std::uint64_t size = std::min<std::uint64_t>(range.end - at, 1u << 31);
            injected().forget(at, static_cast<std::uint32_t>(size));
            at += size;
        }
    const SpaRange lines{round_up(range.begin, kLineSize), round_down(range.end, kLineSize)};
    if (lines.begin >= lines.end) return;
    for (std::uint32_t way = 0; way < region.set.ways(); ++way) {
        const DpaRange part = region.set.on_way(lines, way);
        if (part.begin < part.end) modules_.heal(region.nvdimms[way], part);
    }
    ars_.forget(lines);
}

/// The list begins with what the modules remember from before.
kernel::Badranges& Firmware::injected() {
    if (!injected_known_) {
        injected_known_ = true;
        for (const Region& region : regions_) {
            const SpaRange all = region.set.range();
            std::uint64_t at = all.begin;
            while (const auto run = pmem::next_run(region.set, poison(region), at, all.end,
                                                   kPoisonInjected)) {
                injected_.add(run->begin, run->size());
                at = run->end;
            }
        }
    }
    return injected_;
}

/// What nfit_test reports of a range: its list in order, each entry for itself; behind it known
/// errors that nobody injected.
std::vector<kernel::ArsRecord> Firmware::unmerged(const Region& region, SpaRange range) {
    std::vector<kernel::ArsRecord> out;
    for (const auto& entry : injected().ranges()) {
        const SpaRange part{std::max(entry.start, range.begin), std::min(entry.end(), range.end)};
        if (part.begin < part.end) out.push_back({0, part.begin, part.size()});
    }
    const std::size_t listed = out.size();
    std::optional<SpaRange> run = next_run(range.begin, range.end, true);
    for (; run; run = next_run(run->end, range.end, true))
        if (std::none_of(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(listed),
                         [&](const kernel::ArsRecord& r) {
                             return r.spa < run->end && run->begin < r.spa + r.length;
                         }))
            out.push_back({machine_.nvdimms[region.nvdimms[region.set.decode(run->begin).way]].handle,
                           run->begin, run->size()});
    return out;
}

bool Firmware::is_test(const Region& region) const {
    return std::all_of(region.nvdimms.begin(), region.nvdimms.end(), [&](std::uint32_t n) {
        return machine_.nvdimms[n].profile == NvdimmProfile::test;
    });
}

Firmware::Answer Firmware::smart_threshold(int nvdimm) {
    if (!is_module(nvdimm)) return answer(kDsmInvalidInput, Lat::fw_dsm_smi);
    Answer a = answer(kDsmSuccess, Lat::fw_dsm_smi);
    a.reply.data = modules_.health(static_cast<std::uint32_t>(nvdimm)).threshold_payload();
    return a;
}

/// A notification follows when the present values, health or the last shutdown call for one
/// (nvdimm.md 9.2).
Firmware::Answer Firmware::smart_set_threshold(const kernel::DsmRequest& request) {
    if (!is_module(request.nvdimm)) return answer(kDsmInvalidInput, Lat::fw_dsm_smi);
    SmartHealth& health = modules_.health(static_cast<std::uint32_t>(request.nvdimm));
    if (request.thresholds.control > 7 || request.thresholds.spares > 100)
        return answer(kDsmInvalidInput, Lat::fw_dsm_smi);
    health.set_thresholds(request.thresholds);
    Answer a = answer(kDsmSuccess, Lat::fw_dsm_smi);
    if (health.alarms()) a.notify = Notification{kNotifyHealth, request.nvdimm};
    return a;
}

/// `flags` is the one byte of input: 0 or 1, anything else is status 3 (nvdimm.md 9.4).
Firmware::Answer Firmware::latch_shutdown(const kernel::DsmRequest& request) {
    if (!is_module(request.nvdimm)) return answer(kDsmInvalidInput, Lat::fw_dsm_smi);
    if (request.flags > 1) return answer(kDsmHardwareError, Lat::fw_dsm_smi);
    modules_.health(static_cast<std::uint32_t>(request.nvdimm)).latch(request.flags == 1);
    return answer(kDsmSuccess, Lat::fw_dsm_smi);
}

bool Firmware::is_module(int nvdimm) const {
    return nvdimm >= 0 && static_cast<std::size_t>(nvdimm) < machine_.nvdimms.size();
}

std::optional<SpaRange> Firmware::next_run(std::uint64_t from, std::uint64_t end,
                                           bool known_only) const {
    if (from >= end) return std::nullopt;  // a run has reached the end of its region
    const Region& region = region_at(from);
    return pmem::next_run(region.set, poison(region), from, end,
                          known_only ? kPoisonListed : kPoisonAny);
}

std::uint32_t Firmware::handle_at(std::uint64_t spa) const {
    const Region& region = region_at(spa);
    return machine_.nvdimms[region.nvdimms[region.set.decode(spa).way]].handle;
}

void Firmware::list(SpaRange found) {
    const Region& region = region_at(found.begin);
    for (std::uint32_t way = 0; way < region.set.ways(); ++way) {
        const DpaRange part = region.set.on_way(found, way);
        if (part.begin < part.end) modules_.list(region.nvdimms[way], part);
    }
}

SimTime Firmware::record_cost() { return latency_.draw(Lat::fw_ars_record); }

}  // namespace mcemu::pmem
