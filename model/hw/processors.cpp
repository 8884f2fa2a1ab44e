#include "hw/processors.hpp"

#include <algorithm>

#include "core/assert.hpp"
#include "core/renew.hpp"
#include "wires/sc_time.hpp"

// What processors do with registers and memory. Errors and their signals: processor_errors.cpp.

namespace mcemu::hw {

using kernel::ExecResult;
using kernel::Frame;
using kernel::Instruction;
using kernel::Translation;
using mca::SpeculationResult;

namespace {

constexpr std::uint64_t kThresholdVector = 0xf9;  // Linux: THRESHOLD_APIC_VECTOR

constexpr bool reads(AccessKind kind) {
    return kind != AccessKind::store && kind != AccessKind::store_full_line &&
           kind != AccessKind::dma_write;
}

}  // namespace

Processors::Processors(const sc_core::sc_module_name& name, const CpuConfig& cpus,
                       const McaConfig& mca, Agenda& agenda, Trace& trace, Latency& latency,
                       Fates& fates)
    : sc_module(name),
      cpus_(cpus),
      mca_config_(mca),
      agenda_(agenda),
      trace_(trace),
      latency_(latency),
      fates_(fates),
      mca_(cpus, mca),
      contexts_(cpus.count()) {
    cpu_in.bind(*this);
    inject_in.bind(*this);
    error_in.bind(*this);
    payload_.set_extension(&access_);
    payload_.set_data_ptr(data_.data());
    payload_.set_byte_enable_ptr(nullptr);
    payload_.set_dmi_allowed(false);
    enable_machine_checks();
}

// The payload must not free an extension it does not own.
Processors::~Processors() { payload_.clear_extension(&access_); }

void Processors::enable_machine_checks() {
    mca_.set_cr4_mce_all(true);
    for (const CpuId cpu : mca_config_.mce_disabled_cpus) mca_.set_cr4_mce(cpu, false);
    if (mca_config_.cmci) mca_.wrmsr_all(mca::MSR_LVT_CMCI, kThresholdVector, agenda_.now());
}

void Processors::reset(mca::ResetKind kind) {
    mca_.reset(kind);
    registers_.clear();
    for (const std::uint32_t slot : on_the_way_) pending_[slot].absorbed = true;
    cmci_requested_.clear();
    cmci_held_.clear();
    dead_ = false;
    enable_machine_checks();
}

void Processors::restart(const CpuConfig& cpus, const McaConfig& mca) {
    cpus_ = cpus;
    mca_config_ = mca;
    renew(mca_, cpus_, mca_config_);
    contexts_.assign(cpus_.count(), {});
    registers_.clear();
    delivery_number_ = 0;
    handled_.clear();
    last_broadcast_ = 0;
    dead_ = false;
    renew(logging_);
    renew(pending_);
    renew(phases_);
    spare_hits_.clear();
    on_the_way_.clear();
    cmci_requested_.clear();
    cmci_held_.clear();
    affected_.clear();
    last_memory_error_ = {};
    delivery_ = {};
    counters_ = {};
    enable_machine_checks();
}

// ---------------------------------------------------------------- MSRs and context

std::optional<std::uint64_t> Processors::rdmsr(CpuId cpu, std::uint32_t msr) {
    return mca_.rdmsr(cpu, msr, agenda_.now());
}

bool Processors::wrmsr(CpuId cpu, std::uint32_t msr, std::uint64_t value) {
    const std::uint32_t bank = (msr - mca::MSR_IA32_MC0_STATUS) / 4;
    const bool clears = msr == mca::msr_mci_status(bank) && bank < mca_.map().count() &&
                        mca_.bank(cpu, bank).status() != 0;
    if (!mca_.wrmsr(cpu, msr, value, agenda_.now())) return false;
    if (clears) trace_.note(Module::cpu, TraceKind::bank_cleared, cpu, bank);
    if (msr == mca::MSR_IA32_MCG_STATUS) release_cmcis();
    return true;
}

void Processors::wrmsr_all(std::uint32_t msr, std::uint64_t value) {
    mca_.wrmsr_all(msr, value, agenda_.now());
    if (msr == mca::MSR_IA32_MCG_STATUS) release_cmcis();
}

std::uint32_t Processors::bank_origin(CpuId cpu, std::uint32_t bank) const {
    return mca_.bank(cpu, bank).origin();
}

Frame Processors::frame(CpuId cpu) const {
    const Context& c = contexts_[cpu];
    return c.delivery != 0 && c.delivery >= last_broadcast_ ? c.exception : c.running;
}

void Processors::set_register(CpuId cpu, unsigned slot, std::uint64_t va) {
    MCEMU_ASSERT(slot < 16, "slot " + std::to_string(slot));
    const auto at =
        std::lower_bound(registers_.begin(), registers_.end(), cpu,
                         [](const Registers& r, CpuId wanted) { return r.cpu < wanted; });
    const bool known = at != registers_.end() && at->cpu == cpu;
    if (va != 0) trace_.note(Module::cpu, TraceKind::register_held, cpu, va);
    if (known) {
        at->va[slot] = va;
        if (std::all_of(at->va.begin(), at->va.end(), [](std::uint64_t v) { return v == 0; }))
            registers_.erase(at);
    } else if (va != 0) {
        registers_.insert(at, {cpu, {}})->va[slot] = va;
    }
}

// ---------------------------------------------------------------- memory

bool Processors::canonical(std::uint64_t va) const {
    const unsigned unused = cpus_.la57 ? 64 - 57 : 64 - 48;
    return static_cast<std::uint64_t>(static_cast<std::int64_t>(va << unused) >> unused) == va;
}

Processors::Answer Processors::transport(AccessKind kind, CpuId cpu, std::uint64_t spa,
                                         std::uint64_t size) {
    MCEMU_ASSERT(size != 0 && size <= data_.size(), "size " + std::to_string(size));
    access_.kind = kind;
    access_.requester = cpu;
    access_.socket = cpus_.socket_of(cpu);
    access_.poisoned = false;
    access_.poisoned_spa = 0;
    access_.planted_by = 0;
    payload_.set_command(reads(kind) ? tlm::TLM_READ_COMMAND : tlm::TLM_WRITE_COMMAND);
    payload_.set_address(spa);
    payload_.set_data_length(static_cast<unsigned>(size));
    payload_.set_streaming_width(static_cast<unsigned>(size));
    payload_.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
    sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
    mem_out->b_transport(payload_, delay);

    Answer a;
    a.delay = wires::from_sc_time(delay);
    a.poisoned = reads(kind) && access_.poisoned;
    a.poisoned_spa = round_down(access_.poisoned_spa, kLineSize);
    a.planted_by = access_.planted_by;
    a.no_memory = payload_.is_response_error() && !access_.poisoned;
    return a;
}

ExecResult Processors::execute(CpuId cpu, const Instruction& instruction) {
    const Causality before = agenda_.why();
    const ExecResult result = access(cpu, instruction);
    agenda_.set_why(before);
    return result;
}

ExecResult Processors::access(CpuId cpu, const Instruction& i) {
    using Status = ExecResult::Status;
    ExecResult r;
    const auto ended = [&](Status status) {
        r.status = status;
        trace_.step(Module::cpu, TraceKind::access, cpu, r.spa, i.va,
                    static_cast<std::uint64_t>(i.kind) | static_cast<std::uint64_t>(status) << 8);
        return r;
    };
    if (dead_) return ended(Status::shutdown);
    ++counters_.accesses;

    const Translation t =
        canonical(i.va) ? interrupt_out->page_walk(cpu, i.va, i.user) : Translation{};
    const bool allowed = (reads(i.kind) || t.writable) && (!i.user || t.user);
    if (!t.canonical || !t.present || !allowed) return ended(Status::page_fault);
    r.spa = t.spa;

    const Answer a = transport(i.kind, cpu, t.spa, i.size);
    r.delay = a.delay;
    if (a.no_memory) return ended(Status::bus_error);
    // A store that fills only part of a poisoned line merges into it: the line stays poisoned
    // and nobody is told (mce.md 9, row 3d).
    if (!a.poisoned) return ended(Status::retired);
    r.poisoned_spa = a.poisoned_spa;
    r.origin = origin_of(a.planted_by);
    const mca::UnitError unit =
        !t.cacheable && mca_config_.uc_poison_fatal
            ? mca::uncached_poison(mca_.map(), a.poisoned_spa)
            : mca::poison_consumed(mca_.map(), mca_config_, i.kind, a.poisoned_spa);
    // With the bank's signals off the error is only logged; the instruction goes on with what it
    // got.
    const bool signals = mca_.bank(cpu, unit.bank).ctl() != 0;
    ended(signals ? Status::machine_check : Status::retired);
    consume_poison(cpu, i, unit, a);
    return r;
}

bool Processors::clflush(CpuId cpu, std::uint64_t va, std::uint64_t bytes) {
    (void)cpu;
    return bytes == 0 || (canonical(va) && canonical(va + bytes - 1));
}

// ---------------------------------------------------------------- speculation

void Processors::speculate(const SpeculateEvent& event, std::uint64_t direct_map_va) {
    if (dead_ || event.cpu >= cpus_.count()) return;
    const Causality before = agenda_.why();
    if (event.registers) {
        // A copy: what a hit sets off may change the registers.
        std::array<std::uint64_t, 16> held{};
        for (const Registers& r : registers_)
            if (r.cpu == event.cpu) held = r.va;
        bool any = false;
        for (const std::uint64_t va : held) {
            if (va == 0) continue;
            any = true;
            speculate_at(event.cpu, va);
            agenda_.set_why(before);
        }
        if (!any)
            trace_.note(Module::cpu, TraceKind::speculation, event.cpu, 0, 0,
                        static_cast<std::uint64_t>(SpeculationResult::idle));
        return;
    }
    speculate_at(event.cpu, event.va ? *event.va : direct_map_va);
    agenda_.set_why(before);
}

// Speculation follows any translation, of user or kernel, and raises no fault: an access that
// may not leave the core just does not happen.
void Processors::speculate_at(CpuId cpu, std::uint64_t va) {
    std::uint64_t spa = 0;
    const auto ended = [&](SpeculationResult result) {
        trace_.step(Module::cpu, TraceKind::speculation, cpu, va, spa,
                    static_cast<std::uint64_t>(result));
    };
    if (!canonical(va)) return ended(SpeculationResult::non_canonical);
    const Translation t = interrupt_out->page_walk(cpu, va, false);
    if (!t.canonical) return ended(SpeculationResult::non_canonical);
    if (!t.present) return ended(SpeculationResult::not_present);
    spa = t.spa;
    if (!t.cacheable) return ended(SpeculationResult::not_cacheable);

    ++counters_.speculative_reads;
    const std::uint64_t size = std::min<std::uint64_t>(8, kLineSize - t.spa % kLineSize);
    const Answer a = transport(AccessKind::speculative, cpu, t.spa, size);
    if (a.no_memory) return ended(SpeculationResult::no_memory);
    if (!a.poisoned) return ended(SpeculationResult::clean);
    ++counters_.speculation_hits;
    ended(SpeculationResult::poison);
    speculated_on_poison(cpu, a);
}

}  // namespace mcemu::hw
