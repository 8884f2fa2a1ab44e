#pragma once  // libnvdimm and the pmem driver: bad ranges, bad blocks, block I/O, clearing.
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/kernel/env.hpp"
#include "core/mca/mce_record.hpp"
#include "core/pmem/contents.hpp"

namespace mcemu {
struct NvdimmImage;
}

namespace mcemu::kernel {

class Badranges;
class Btt;
class NvdimmBus;
class Scrub;

/// Source: drivers/nvdimm/{badrange,bus,region,pmem}.c, drivers/acpi/nfit/{core,mce}.c;
/// kernel.md 5.4 to 5.6, nvdimm.md 11 to 13.
class Libnvdimm {
public:
    explicit Libnvdimm(Kernel& kernel);
    ~Libnvdimm();

    /// Boot: pmem ranges reserved as write-back memtypes. No table has rows yet.
    void attach();

    /// Boot on media that were used before: the BTTs as the image has them, and the scrubs of the
    /// registration (nvdimm.md 7.3). That for known poison is over, with `known` as its records;
    /// the full one of every region begins now.
    void start_from(const NvdimmImage& image, const std::vector<SpaRange>& known);
    /// Adds what the kernel has written to media: the BTTs, and contents as far as they are
    /// followed. The modules' own images stand in it already.
    void save(NvdimmImage& image) const;
    /// Power is lost: what CPU caches hold of persistent memory is, too, unless they are flushed.
    void power_fail(bool caches_flushed);

    /// The NFIT decoder notifier for one record: true when it matched a pmem range.
    Task<bool> nfit_notifier(Context& ctx, const mca::MceRecord& record);
    /// ACPI notification of the NFIT root (0x81: uncorrectable error found by the platform).
    void nfit_notify(std::uint32_t value, int nvdimm);
    /// Writing 1 to the `scrub` attribute, or what a notification asks for: 0, -EBUSY, -ENOTTY.
    int rescan(bool full);
    /// Text of the `scrub` attribute.
    std::string scrub_attribute() const;

    /// Block I/O: 0, -EIO, -EOPNOTSUPP (discard), -ENXIO (device-dax), or kTaskDied (pat/oops.hpp)
    /// when the submitter died in an oops. kernel.md 5.4, nvdimm.md 12.1, 12.2.
    Task<int> submit_bio(Context& ctx, BioEvent bio);
    /// A firmware call by user space through the bus or DIMM device: 0, the bytes of a partial
    /// clear, or a negative errno (nvdimm.md 6.3, 6.6).
    Task<int> ioctl(Context& ctx, DsmEvent dsm);
    /// read(2) / write(2) of a DAX file: bytes, or a negative errno (kernel.md 5.7). The caller
    /// has cut a read at the end of the file.
    struct Found;
    Task<std::int64_t> dax_file_io(Context& ctx, FileIoEvent io, Found& found);
    /// Cache lines of a DAX file reach the media.
    void flush_file(std::uint32_t file);
    /// pmem_dax_zero_page_range() of one page: 0, -EIO or kTaskDied.
    Task<int> zero_page(Context& ctx, std::uint32_t ns, std::uint64_t spa);
    /// pmem_direct_access(): whether the data sectors of [spa, spa + bytes) are known bad.
    bool is_bad(std::uint32_t ns, std::uint64_t spa, std::uint64_t bytes) const;

    /// The bus-wide list of bad ranges.
    const Badranges& bad_ranges() const;
    /// `badblocks` text of a namespace's block device (empty for device-dax) and of a region.
    std::string namespace_badblocks(std::uint32_t ns) const;
    std::string region_badblocks(std::uint32_t region) const;

    /// umount and ndctl disable-namespace: 0, -EBUSY (mounted and in use), -ENODEV (disabled
    /// already). Never returns when a page's reference was leaked (kernel.md 3.1).
    Task<int> disable(Context& ctx, std::uint32_t ns);
    /// ndctl enable-namespace and mount: 0, -EBUSY (not disabled), or why the memory type of its
    /// range could not be reserved.
    Task<int> enable(Context& ctx, std::uint32_t ns);
    bool enabled(std::uint32_t ns) const;

    // ---------------------------------------- what ndctl changes (namespaces.cpp)
    /// A namespace comes into being, its info blocks written; it is not enabled. 0 or -EBUSY.
    int create(std::uint32_t ns, const NamespaceConfig& config);
    /// Writes them to the media, with map and log of a BTT: what is known to be bad there is
    /// cleared. 0, -EIO or kTaskDied.
    Task<int> write_metadata(Context& ctx, std::uint32_t ns);
    /// 0, -EBUSY (enabled), -ENODEV (there is none).
    int destroy(std::uint32_t ns);
    /// The `force_raw` attribute: 0, -EBUSY (enabled), -ENODEV.
    int set_force_raw(std::uint32_t ns, bool on);
    /// 0 or a negative errno. A region takes its namespaces down and up with it.
    Task<int> disable_region(Context& ctx, std::uint32_t region);
    Task<int> enable_region(Context& ctx, std::uint32_t region);
    int disable_dimm(std::uint32_t nvdimm);
    int enable_dimm(std::uint32_t nvdimm);
    /// A command of a module is made to fail with this errno; 0: no longer.
    void fail_command(std::uint32_t nvdimm, const std::string& command, int code);
    int failing(std::uint32_t nvdimm, const std::string& command) const;
    bool locked(std::uint32_t region) const;
    bool not_mapped(std::uint32_t region) const;
    /// Its region refuses writes through block devices.
    bool read_only(std::uint32_t ns) const;
    bool labels_spoilt(std::uint32_t region) const;
    /// Zeros, or an index without labels, over a module's label area: 0, or -EBUSY while a region
    /// that uses it is enabled. Namespaces with labels there are gone when it comes up again.
    int write_labels(std::uint32_t nvdimm, bool index);
    /// A region that uses the module is enabled.
    bool is_active(std::uint32_t nvdimm) const;
    /// ndctl write-infoblock: 0, -EBUSY (enabled), or what the layout does not allow.
    int write_infoblock(std::uint32_t ns, NamespaceMode mode, bool map_dev, std::uint64_t align);
    NvdimmBus& bus();
    const NvdimmBus& bus() const;
    Btt* btt(std::uint32_t ns);
    Scrub& scrub();
    /// ACPI notifications so far.
    struct Notified {
        SimTime at{};
        std::uint32_t value = 0;
        int nvdimm = -1;
    };
    const std::vector<Notified>& notifications() const { return notified_; }
    /// A firmware call by user space, with the firmware's whole answer.
    Task<int> ioctl(Context& ctx, DsmEvent dsm, DsmReply& reply);
    /// What a read found (libnvdimm.cpp).
    Task<int> submit_bio(Context& ctx, BioEvent bio, Found& found);
    /// Somebody begins, or ends, to use the namespace: it is not taken down meanwhile.
    void enter(std::uint32_t ns);
    void leave(std::uint32_t ns);

private:
    std::vector<Notified> notified_;
    Task<NamespaceConfig> personality(Context& ctx, std::uint32_t ns);
    Task<int> clear_memmap_errors(Context& ctx, std::uint32_t ns);
    bool holds_enabled(SpaRange range) const;
    void come_up();
    void withhold(std::uint32_t ns);
    void detach_at_boot(std::uint32_t ns);
    void forget(std::uint32_t ns);
    void attach_raw(std::uint32_t ns, bool forced);
    bool info_is_there(std::uint32_t ns) const;
    Task<void> attach_btt(std::uint32_t ns);
    Task<int> unmount(Context& ctx, std::uint32_t ns);
    struct State;
    std::unique_ptr<State> s_;
};

struct Libnvdimm::Found {
    std::vector<pmem::Contents::Summary> pieces;  ///< rising by address
    bool equal = false;  ///< all of it is what the request's data say
};

}  // namespace mcemu::kernel
