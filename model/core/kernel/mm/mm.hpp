#pragma once  // All address spaces, what backs them, and the way back from a page to who maps it.
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/kernel/env.hpp"
#include "core/kernel/mm/address_space.hpp"
#include "core/kernel/mm/mapping.hpp"
#include "core/kernel/mm/page.hpp"

namespace mcemu::kernel {

/// A place where a page is, or could be, mapped.
struct Mapper {
    Vma* vma = nullptr;  ///< valid until the next change of any address space
    std::uint32_t process = 0;
    std::uint64_t va = 0;  ///< of the 4 KiB page
    unsigned shift = 0;    ///< size of the leaf that maps something there, 0: nothing
};

/// How handle_mm_fault() ended.
struct Fault {
    enum class Kind : std::uint8_t {
        mapped,     ///< try again
        hwpoison,   ///< VM_FAULT_HWPOISON, _LARGE
        bus_error,  ///< VM_FAULT_SIGBUS
        no_vma,     ///< SIGSEGV
        no_memory,  ///< VM_FAULT_OOM
    } kind = Kind::mapped;
    unsigned shift = kPageShift;  ///< hwpoison: size that is lost
};

/// Memory management of all processes. A populated VMA costs one page-table run whatever its
/// size: only what differs from it costs more.
class Mm {
public:
    Mm(Kernel& kernel, const Scenario& scenario);

    // -------------------------------------------------- address spaces (mm.cpp, populate.cpp)
    /// mmap() of a checked request. 0, or -ENOMEM when no physical memory is left.
    int map(Process& process, const MapConfig& request);
    /// Leaves records of what is mapped in [begin, end), which came to be without a fault.
    void note_mapped(const Process& process, std::uint64_t begin, std::uint64_t end);
    /// munmap(). 0 or -EINVAL (a device-dax VMA cannot be split below its alignment).
    int unmap(Process& process, std::uint64_t begin, std::uint64_t end);
    /// dup_mmap(): copy on write.
    void fork(Process& parent, Process& child);
    void exit(Process& process);
    Translation walk(const Process& process, std::uint64_t va) const;

    // -------------------------------------------------- files and devices
    std::uint64_t file_size(std::uint32_t file) const { return files_[file].size; }
    void set_file_size(std::uint32_t file, std::uint64_t size) { files_[file].size = size; }
    Mapping& file(std::uint32_t file) { return *files_[file].mapping; }
    const Mapping& file(std::uint32_t file) const { return *files_[file].mapping; }
    Mapping& device(std::uint32_t ns) { return *devices_[ns]; }
    bool is_dax_file(std::uint32_t file) const;
    /// XFS of a namespace that has shut itself down (xfs_is_shutdown()), until it is unmounted.
    bool file_system_down(std::uint32_t ns) const { return file_system_down_[ns]; }
    void set_file_system_down(std::uint32_t ns, bool down) { file_system_down_[ns] = down; }
    /// The same, of the file system that holds a file.
    bool is_down(std::uint32_t file) const;
    /// Physical page of a page of a DAX file; nullopt: a hole.
    std::optional<Pfn> dax_pfn(std::uint32_t file, std::uint64_t index) const;
    /// The blocks of [first, last) are the file system's again: the pages are holes.
    void punch(std::uint32_t file, std::uint64_t first, std::uint64_t last);
    /// First punched page in [first, last); nullopt: none.
    std::optional<std::uint64_t> punched(std::uint32_t file, std::uint64_t first,
                                         std::uint64_t last) const;
    /// A block is given back to the hole, zeroed by the driver's write path, which clears what is
    /// bad there. 0 or a negative errno.
    Task<int> allocate_block(Context& ctx, std::uint32_t file, std::uint64_t index);
    /// revoke_iomem(): whoever maps this range of /dev/mem loses it.
    void revoke_devmem(SpaRange range);
    /// The page-cache page; nullopt: not cached.
    std::optional<Pfn> cached(const Mapping& mapping, std::uint64_t index) const;
    /// Brings a page of a file or of shared memory into the cache. nullopt: no memory.
    std::optional<Pfn> add_to_cache(Mapping& mapping, std::uint64_t index, std::uint32_t flags,
                                    unsigned shift);
    /// truncate_inode_page(), delete_from_page_cache(): the cache forgets the page.
    void drop_from_cache(Mapping& mapping, std::uint64_t index, std::uint64_t pages);

    // -------------------------------------------------- DAX entries (dax_entry.cpp)
    /// Waits for and takes the lock of the entry that covers `index`; `shift` is the size of a
    /// new one. Returns the key for unlock_entry().
    Task<std::uint64_t> lock_entry(Mapping& mapping, std::uint64_t index, unsigned shift);
    void unlock_entry(Mapping& mapping, std::uint64_t key);
    /// dax_associate_entry(), and its counterpart of device-dax (kernel.md 5.1, 5.2).
    void associate(Mapping& mapping, std::uint64_t index, Pfn first, std::uint64_t pages);

    // -------------------------------------------------- reverse map (rmap.cpp)
    /// Who covers a page index, in kill order: processes as created, then the interval tree's.
    std::vector<Mapper> covering(Mapping& mapping, std::uint64_t index) const;
    /// Who maps the page, in kill order; also sets Page::mapcount.
    std::vector<Mapper> mappers(Pfn pfn);
    /// page_count(): references plus, for RAM, mappings.
    int page_count(Pfn pfn);
    /// Removes all mappings of `pfn`. `leave` null: empty entries remain.
    void unmap_page(Pfn pfn, const Pte::Kind* leave);
    /// unmap_mapping_range(): first page index, number of pages. Private copies stay unless
    /// `even_cows`.
    void unmap_range(Mapping& mapping, std::uint64_t first, std::uint64_t pages, bool even_cows);
    /// filemap_write_and_wait_range() over the whole file: no page of its cache is dirty any more.
    /// Returns whether one was.
    bool write_back(Mapping& mapping);
    /// Size of the compound page that holds `pfn`, and its head.
    unsigned compound_shift(Pfn pfn) const;
    Pfn compound_head(Pfn pfn) const;
    /// split_huge_page(): base pages under the same contents.
    void split_thp(Pfn pfn);
    /// Migration: every mapping and the page cache go from `old` to `fresh` (compound pages whole).
    void migrate(Pfn old, Pfn fresh);

    // -------------------------------------------------- page faults (fault.cpp)
    Task<Fault> fault(Context& ctx, Process& process, std::uint64_t va, bool write);
    /// The page that get_user_pages() finds, faulted in; nullopt: -EFAULT.
    Task<std::optional<Pfn>> get_user_page(Context& ctx, Process& process, std::uint64_t va,
                                           bool write = false);

    // -------------------------------------------------- pages held for DMA (pin.cpp)
    /// get_user_pages() for writing: 0; -EFAULT; -EOPNOTSUPP for a longterm pin of fs-dax.
    Task<std::int64_t> pin(Context& ctx, Process& process, PinEvent request);
    /// put_page() of a range as it was pinned. 0, or -EINVAL when it was not.
    std::int64_t unpin(Process& process, UnpinEvent request);
    /// A process ends: its devices let go of what they held for it.
    void drop_pins(const Process& process);
    /// How many references of the page (of a compound page: of its head) are pins.
    int pins_of(Pfn pfn) const;
    bool pinned_within(SpaRange range) const;
    /// Whether a ZONE_DEVICE page there has a reference that nobody will drop.
    bool leaked_within(SpaRange range) const;
    /// Woken whenever a pin goes.
    WaitQueue released;

    /// Processes by index, set once they exist.
    void attach(std::vector<std::unique_ptr<Process>>& processes) { processes_ = &processes; }

private:
    struct Hole {
        Hole advanced(std::uint64_t) const { return {}; }
    };
    struct FileState {
        RangeMap<Hole> holes{};  // punched, by page index
        std::uint64_t size = 0;
        std::unique_ptr<Mapping> mapping;
    };
    struct Named {
        std::uint32_t process;
        std::uint64_t va;
    };

    /// Calls f(Mapper) for every VMA that maps the page, in tree order.
    template <class F>
    void for_each_mapper(const Page& page, Pfn pfn, F&& f) const;

    void unmap(const Mapper& mapper, const Pte::Kind* leave);
    Process& process(std::uint32_t index) const { return *(*processes_)[index]; }
    AddressSpace& space(std::uint32_t index) const;
    Mapping& new_mapping(MapKind kind);
    Vma& add_vma(Process& process, std::unique_ptr<Vma> vma);
    void enter_trees(Vma& vma);
    void leave_trees(Vma& vma);
    void split_vma(Process& process, std::uint64_t at);
    void release(Process& process, Vma& vma);
    void free_unmapped(Mapping& anon, std::uint64_t pfn, std::uint64_t pages, std::uint64_t index,
                       unsigned shift);
    void free_cache_if_last(Mapping& mapping);
    Mapping& anon_of(Vma& vma);

    /// Frames for `pages` pages from `index` on: the pinned ones while they are free, else any.
    std::optional<Pfn> frames_for(const Mapping& mapping, std::uint64_t index, std::uint64_t pages);
    int populate(Process& process, Vma& vma, const MapConfig& request);
    int populate_anon(Process& process, Vma& vma, const MapConfig& request);
    int populate_cache(Process& process, Vma& vma, const MapConfig& request);
    void map_huge_units(Process& process, const Vma& vma, const RangeMap<CacheRun>::Range& run);
    void populate_devdax(Process& process, Vma& vma);
    void populate_fsdax(Process& process, Vma& vma);
    void populate_devmem(Process& process, Vma& vma);
    void share_anon(Process& process, Vma& vma, const Named& with, std::uint64_t offset);

    Task<Fault> fault_dax_device(Context& ctx, Process& process, std::uint64_t va);
    Task<Fault> fault_dax_file(Context& ctx, Process& process, std::uint64_t va, bool write);
    Task<Fault> fault_cache(Context& ctx, Process& process, std::uint64_t va, bool write);
    Task<Fault> fault_write_protected(Context& ctx, Process& process, std::uint64_t va);
    Task<Fault> fault_anon(Context& ctx, Process& process, std::uint64_t va, bool write);
    Task<Fault> fault_swap(Context& ctx, Process& process, std::uint64_t va);
    Task<bool> copy_page(Context& ctx, Pfn from);
    std::optional<Pfn> new_anon_page(Vma& vma, std::uint64_t va, unsigned shift);
    void set_leaf(Process& process, std::uint64_t va, const Pte& pte);
    void write_protect(Vma& vma, std::uint64_t first, std::uint64_t last);

    Kernel& kernel_;
    const Scenario& scenario_;
    std::vector<std::unique_ptr<Process>>* processes_ = nullptr;
    std::vector<FileState> files_;
    std::vector<std::unique_ptr<Mapping>> devices_;
    Mapping devmem_;  // /dev/mem: page index is page frame number
    std::vector<bool> file_system_down_;  // by namespace
    std::vector<std::unique_ptr<Mapping>> mappings_;
    std::map<std::string, Named> named_;  // maps by id, for "shared_with"
    std::uint64_t sequence_ = 0;

    struct Pinned {
        const Process* leader;
        std::uint64_t va, size;
        std::vector<Pfn> pages;  // one entry per reference
    };
    void put(const Pinned& pinned);
    std::vector<Pinned> pinned_;
};

}  // namespace mcemu::kernel
