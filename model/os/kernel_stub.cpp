#include "os/kernel_stub.hpp"

namespace mcemu::os {

KernelStub::KernelStub(const sc_core::sc_module_name& name, const Scenario& scenario,
                       Agenda& agenda, Trace& trace, Names& names, Latency& latency, Fates& fates)
    : sc_module(name) {
    start(scenario, agenda, trace, names, latency, fates);
    interrupt_in.bind(*this);
    notify_in.bind(*this);
    dma_done_in.bind(*this);
}

void KernelStub::start(const Scenario& scenario, Agenda& agenda, Trace& trace, Names& names,
                       Latency& latency, Fates& fates) {
    cpus_ = scenario.machine.cpus.count();
    kernel::Platform& hardware = *this;
    kernel_.emplace(scenario, agenda, trace, names, latency, fates, hardware);
}

void KernelStub::machine_check(const kernel::McDelivery& delivery) {
    kernel_->machine_check(delivery);
}
void KernelStub::cmci(CpuId cpu) { kernel_->cmci(cpu); }
kernel::Translation KernelStub::page_walk(CpuId cpu, std::uint64_t va, bool user) const {
    return kernel_->page_walk(cpu, va, user);
}
void KernelStub::shutdown(CpuId cpu) { kernel_->shutdown(cpu); }
void KernelStub::bank_latched(CpuId cpu) { kernel_->bank_latched(cpu); }
void KernelStub::nfit_notify(std::uint32_t value, int nvdimm) {
    kernel_->nfit_notify(value, nvdimm);
}
void KernelStub::ghes(const CperEvent& record) { kernel_->ghes(record); }
void KernelStub::dma_done(std::uint32_t event, DmaStatus status, std::uint32_t planted_by) {
    kernel_->dma_done(event, status, planted_by);
}

std::optional<std::uint64_t> KernelStub::rdmsr(CpuId cpu, std::uint32_t msr) {
    return cpu_out->rdmsr(cpu, msr);
}
bool KernelStub::wrmsr(CpuId cpu, std::uint32_t msr, std::uint64_t value) {
    return cpu_out->wrmsr(cpu, msr, value);
}
void KernelStub::wrmsr_all(std::uint32_t msr, std::uint64_t value) {
    cpu_out->wrmsr_all(msr, value);
}
std::uint64_t KernelStub::valid_banks(CpuId cpu) const { return cpu_out->valid_banks(cpu); }
std::vector<CpuId> KernelStub::cpus_with_valid_banks() const {
    return cpu_out->cpus_with_valid_banks();
}
std::uint32_t KernelStub::bank_origin(CpuId cpu, std::uint32_t bank) const {
    return cpu_out->bank_origin(cpu, bank);
}
kernel::Frame KernelStub::frame(CpuId cpu) const { return cpu_out->frame(cpu); }
void KernelStub::set_context(CpuId cpu, kernel::Frame frame) { cpu_out->set_context(cpu, frame); }
kernel::ExecResult KernelStub::execute(CpuId cpu, const kernel::Instruction& instruction) {
    return cpu_out->execute(cpu, instruction);
}
void KernelStub::set_register(CpuId cpu, unsigned slot, std::uint64_t va) {
    cpu_out->set_register(cpu, slot, va);
}
bool KernelStub::clflush(CpuId cpu, std::uint64_t va, std::uint64_t bytes) {
    return cpu_out->clflush(cpu, va, bytes);
}
kernel::DsmReply KernelStub::dsm(const kernel::DsmRequest& request) {
    return firmware_out->dsm(request);
}
cxl::Mailbox* KernelStub::cxl_mailbox(std::uint32_t memdev) {
    return memdev < static_cast<std::uint32_t>(cxl_out.size()) ? cxl_out[static_cast<int>(memdev)]
                                                               : nullptr;
}
void KernelStub::set_online(CpuId cpu, bool online) { cpu_out->set_online(cpu, online); }
void KernelStub::halt() { cpu_out->halt(); }

}  // namespace mcemu::os
