#include "core/kernel/nvdimm/libnvdimm.hpp"

#include "core/kernel/kernel.hpp"
#include "core/kernel/nvdimm/libnvdimm_state.hpp"
#include "core/kernel/pat/oops.hpp"
#include "core/kernel/pat/pgmap.hpp"
#include "core/mca/severity.hpp"
#include "core/pmem/image.hpp"

namespace mcemu::kernel {

namespace {

/// A module's command as nfit_test's fail_cmd knows it.
std::string command_name(DsmEvent::Function function) {
    switch (function) {
        case DsmEvent::Function::smart: return "smart";
        case DsmEvent::Function::smart_threshold: return "smart_threshold";
        case DsmEvent::Function::smart_set_threshold: return "smart_set_threshold";
        case DsmEvent::Function::smart_inject: return "smart_inject";
        case DsmEvent::Function::latch_shutdown: return "latch_shutdown";
        default: return {};
    }
}

}  // namespace

Libnvdimm::Libnvdimm(Kernel& kernel) : s_(std::make_unique<State>(kernel)) {}
Libnvdimm::~Libnvdimm() = default;

// nfit_handle_mce() (drivers/acpi/nfit/mce.c; kernel.md 5.6).
Task<bool> Libnvdimm::nfit_notifier(Context&, const mca::MceRecord& record) {
    const Env& env = s_->kernel.env;
    if (!env.config.nfit || !mca::is_memory_error(record)) co_return false;
    if (!env.profile.nfit_takes_corrected &&
        (mca::is_correctable(record) || !mca::usable_address(record)))
        co_return false;
    const int region = s_->bus.region_at(record.addr);
    if (region < 0) co_return false;

    if (env.profile.nfit_rounds_up_to_line) {
        s_->bus.add_badrange(round_up(record.addr, kLineSize), kLineSize);
    } else {
        const std::uint64_t unit = 1ull << mca::misc_lsb(record.misc);
        s_->bus.add_badrange(round_down(record.addr, unit), unit);
    }
    s_->bus.revalidate_poison(static_cast<std::uint32_t>(region));
    // An answer -EBUSY is ignored: the scrub that is going on will have the last word. v4.x asks
    // for a full scan, 6.1 for what the firmware knows (nvdimm.md 13).
    if (env.config.hw_error_scrub) s_->scrub.rescan(env.profile.nfit_takes_corrected);
    co_return true;
}

// acpi_nfit_notify(): the root device's 0x81 asks for known poison, or for a whole scan with
// hw_error_scrub; 0x80 and 0x82 change nothing here, and a DIMM's 0x81 only signals its flags
// attribute (nvdimm.md 8).
void Libnvdimm::nfit_notify(std::uint32_t value, int nvdimm) {
    Env& env = s_->kernel.env;
    notified_.push_back({env.agenda.now(), value, nvdimm});
    if (!env.config.nfit) return;
    if (nvdimm >= 0) s_->kernel.ndctl_tool.health_event(static_cast<std::uint32_t>(nvdimm));
    constexpr std::uint32_t kUncorrectable = 0x81;
    if (nvdimm < 0 && value == kUncorrectable) s_->scrub.rescan(env.config.hw_error_scrub);
}

int Libnvdimm::rescan(bool full) { return s_->scrub.rescan(full); }

std::string Libnvdimm::scrub_attribute() const {
    return std::to_string(s_->scrub.count()) + (s_->scrub.busy() ? "+\n" : "\n");
}

Task<int> Libnvdimm::submit_bio(Context& ctx, BioEvent bio) {
    Found ignored;
    const int error = co_await submit_bio(ctx, std::move(bio), ignored);
    co_return error;
}

Task<int> Libnvdimm::submit_bio(Context& ctx, BioEvent bio, Found& found) {
    Env& env = s_->kernel.env;
    const auto op = static_cast<std::uint64_t>(bio.op);
    env.trace.step(Module::kernel, TraceKind::bio, bio.ns, bio.sector, bio.sectors, op);
    co_await phase(env, ctx.cpu, Lat::kernel_bio);
    int error = -ENXIO;  // device-dax has no block device, nor has a namespace that is disabled
    if (!enabled(bio.ns)) co_return error;
    // blkdev_open() of a read-only device for writing.
    if (bio.op != BioEvent::Op::read && s_->bus.namespaces()[bio.ns].has_table &&
        read_only(bio.ns))
        co_return -EACCES;
    enter(bio.ns);
    const PmemNamespace& ns = s_->bus.namespaces()[bio.ns];
    Btt* const btt = s_->btts[bio.ns].get();
    if (btt && ns.config->mode == NamespaceMode::sector) {
        Btt::Found blocks;
        error = co_await btt->submit_bio(ctx, bio, bio.report ? &blocks : nullptr);
        found.pieces = std::move(blocks.blocks);
    } else if (ns.has_table) {
        error = co_await s_->driver.submit_bio(ctx, bio);
        const std::uint64_t offset = bio.sector * kSectorSize, size = bio.sectors * kSectorSize;
        const SpaRange at{ns.covered.begin + offset, ns.covered.begin + offset + size};
        if (error == 0 && bio.report && bio.op == BioEvent::Op::read) {
            found.pieces.push_back(s_->bus.media().describe(at));
            found.equal = s_->bus.media().holds(at, bio.data);
        }
        // Past the BTT that the namespace has when it is not used as raw.
        if (error == 0 && btt && bio.op == BioEvent::Op::write)
            btt->overwritten(offset, size, s_->bus.media().fill_of(bio.data, at.begin));
    }
    leave(bio.ns);
    if (error != 0 && error != kTaskDied)
        env.trace.note(Module::kernel, TraceKind::bio, bio.ns, bio.sector, bio.sectors,
                       op | static_cast<std::uint64_t>(-error) << 8);
    co_return error;
}

// nd_ioctl() and acpi_nfit_ctl(): what the firmware answers, in the words of nvdimm.md 6.3.
Task<int> Libnvdimm::ioctl(Context& ctx, DsmEvent dsm) {
    DsmReply reply;
    const int rc = co_await ioctl(ctx, dsm, reply);
    co_return rc;
}

Task<int> Libnvdimm::ioctl(Context& ctx, DsmEvent dsm, DsmReply& reply) {
    using Function = DsmEvent::Function;
    // nd_ioctl(): what changes something, and every call that is only passed through.
    const bool harmless = dsm.function == Function::ars_cap || dsm.function == Function::ars_status ||
                          dsm.function == Function::smart || dsm.function == Function::smart_threshold;
    if (dsm.read_only && !harmless) co_return -EPERM;
    if (dsm.function == Function::clear_error && holds_enabled({dsm.address, dsm.address + dsm.cleared}))
        co_return -EBUSY;
    // A scrub of the kernel's own is not to be disturbed (acpi_nfit_clear_to_send()).
    if (dsm.function == Function::ars_start && s_->scrub.busy()) co_return -EBUSY;
    DsmRequest request;
    request.function = dsm.function;
    request.address = dsm.address;
    request.length = dsm.length;
    request.flags = dsm.flags;
    request.nvdimm = dsm.nvdimm;
    request.thresholds = dsm.thresholds;
    if (dsm.nvdimm >= 0) {  // a command that is made to fail never reaches the module
        const int code = failing(static_cast<std::uint32_t>(dsm.nvdimm), command_name(dsm.function));
        if (code != 0) co_return code;
    }
    reply = co_await s_->bus.call(ctx, request);
    if (reply.error != 0) co_return reply.error;
    const std::uint32_t low = reply.status & 0xffff, high = reply.status >> 16;
    switch (dsm.function) {
        case Function::ars_cap: co_return low == 1 || (low == 0 && !(high & 3)) ? -ENOTTY
                                : low != 0                                     ? -EIO
                                                                               : 0;
        case Function::ars_start: co_return low == 6 ? -EBUSY : low != 0 ? -EIO : 0;
        case Function::ars_status: co_return Scrub::status_error(reply);
        case Function::clear_error:
            if (low != 0 || reply.cleared == 0) co_return -EIO;
            // The table of an enabled namespace keeps its rows (nvdimm.md 6.6).
            s_->bus.account_cleared(dsm.address, reply.cleared);
            co_return reply.cleared < dsm.length ? static_cast<int>(reply.cleared) : 0;
        case Function::inject_error:
        case Function::inject_clear:
        case Function::inject_status:
            co_return low == 1 ? -EOPNOTSUPP : low == 2 ? -EINVAL : low != 0 ? -EIO : 0;
        default: co_return low != 0 ? -EIO : 0;
    }
}

/// nd_ns_forget_poison_check(): an enabled namespace with a block device that lies in the range.
bool Libnvdimm::holds_enabled(SpaRange range) const {
    for (const PmemNamespace& ns : s_->bus.namespaces())
        if (ns.made.present && ns.enabled && ns.config->mode != NamespaceMode::devdax &&
            ns.made.range.begin >= range.begin && ns.made.range.end <= range.end)
            return true;
    return false;
}

Task<int> Libnvdimm::zero_page(Context& ctx, std::uint32_t index, std::uint64_t spa) {
    PmemNamespace& ns = s_->bus.namespaces()[index];
    BioEvent bio;
    bio.op = BioEvent::Op::write;
    bio.ns = index;
    bio.sector = (spa - ns.covered.begin) / kSectorSize;
    bio.sectors = kPageSize / kSectorSize;
    bio.data.kind = DataSpec::Kind::fill;
    const int error = co_await s_->driver.submit_bio(ctx, bio);
    co_return error;
}

Task<std::int64_t> Libnvdimm::dax_file_io(Context& ctx, FileIoEvent io, Found& found) {
    const FileConfig& file = s_->kernel.scenario.files[io.file];
    const auto ns = static_cast<std::uint32_t>(file.on);
    if (io.write && read_only(ns)) co_return -EROFS;  // the file system was mounted so
    enter(ns);
    ++s_->bus.namespaces()[ns].open_files;
    const std::int64_t done = co_await s_->driver.dax_rw(ctx, file, io.write, io.offset, io.size);
    --s_->bus.namespaces()[ns].open_files;
    leave(ns);
    if (done <= 0 || !s_->bus.tracks_contents()) co_return done;
    const std::uint64_t begin = s_->kernel.namespaces[ns].data().begin;
    const std::uint64_t end = io.offset + static_cast<std::uint64_t>(done);
    found.equal = !io.write;
    for (const FileExtent& e : file.extents) {
        const std::uint64_t from = std::max(io.offset, e.offset), to = std::min(end, e.offset + e.size);
        if (from >= to) continue;
        const std::uint64_t spa = begin + e.pmem + (from - e.offset);
        const SpaRange at{spa, spa + (to - from)};
        const std::uint64_t origin = spa - (from - io.offset);
        if (io.write) {
            s_->bus.media().write(at, s_->bus.media().fill_of(io.data, origin));
            continue;
        }
        found.equal = found.equal && s_->bus.media().holds(at, io.data, origin);
        if (io.report) found.pieces.push_back(s_->bus.media().describe(at));
    }
    co_return done;
}

void Libnvdimm::flush_file(std::uint32_t file) {
    const FileConfig& config = s_->kernel.scenario.files[file];
    const std::uint64_t begin = s_->kernel.namespaces[static_cast<std::size_t>(config.on)].data().begin;
    for (const FileExtent& e : config.extents)
        s_->bus.media().flush({begin + e.pmem, begin + e.pmem + e.size});
}

bool Libnvdimm::is_bad(std::uint32_t ns, std::uint64_t spa, std::uint64_t bytes) const {
    const PmemNamespace& n = s_->bus.namespaces()[ns];
    if (!n.has_table || spa < n.covered.begin) return false;
    return n.is_bad((spa - n.covered.begin) / kSectorSize, bytes);
}

bool Libnvdimm::read_only(std::uint32_t ns) const {
    return s_->bus.regions()[s_->bus.namespaces()[ns].config->region].read_only;
}

const Badranges& Libnvdimm::bad_ranges() const { return s_->bus.ranges(); }

const NvdimmBus& Libnvdimm::bus() const { return s_->bus; }

std::string Libnvdimm::namespace_badblocks(std::uint32_t ns) const {
    const PmemNamespace& n = s_->bus.namespaces()[ns];
    // The table of a sector-mode namespace belongs to its metadata accessor: no attribute.
    if (!n.has_table || !n.enabled || n.config->mode == NamespaceMode::sector) return {};
    return n.bad.text();
}

std::string Libnvdimm::region_badblocks(std::uint32_t region) const {
    return s_->bus.regions()[region].bad.text();
}

}  // namespace mcemu::kernel
