// DAX, pmem and NVDIMM: kernel.md 5, nvdimm.md.
#include "core/fidelity/fidelity.hpp"

namespace mcemu::fidelity {
namespace {

constexpr Rule kDaxPmem[] = {
    {"device-dax maps whole units of its alignment, inside VMA and device",
     "Linux 4.19 dev_dax_huge_fault(), check_vma()", Check::record,
     "4.x/devdax-2m-mmap-unaligned 4.x/devdax-2m-fault-past-end 4.x/devdax-2m-vmflags"},
    {"device-dax pages know their file from 4.19 on", "Linux 4.19 dev_dax_huge_fault()",
     Check::record, "all/devdax-2m-late scenarios/kernel/b03-device-dax-page-mapping-v4.19.json",
     "devdax_page_mapping"},
    {"and their place in it", "Linux 4.19 dev_dax_huge_fault()", Check::record,
     "4.19/devdax-2m-late scenarios/kernel/b04-device-dax-page-index-v4.19.json",
     "devdax_page_index"},
    {"pages of DAX files know their place from 4.19 on", "Linux 4.19 dax_associate_entry()",
     Check::record, "4.19/ext4dax-4k-late scenarios/kernel/b05-fsdax-page-index-v4.19.json",
     "fsdax_page_index"},
    {"a fault on a bad range of a DAX file is SIGBUS BUS_ADRERR without a line",
     "Linux 4.19, 6.1 dax_iomap_fault(), pmem_direct_access()", Check::record,
     "all/mce-srar-user-ext4dax-4k 4.x/mce-srar-user-ext4dax-2m all/mce-srao-ext4dax-4k"},
    {"read(2) of a bad range: EIO; of undiscovered poison: EFAULT or a short read",
     "Linux 4.19, 6.1 dax_iomap_iter()", Check::record,
     "all/kcopy-fsdax-read all/clear-ext4dax-write"},
    {"write(2) to a bad range: EIO (4.x), a recovery write (6.1)",
     "Linux 4.19 dax_iomap_actor(); Linux 6.1 pmem_recovery_write()", Check::record,
     "all/clear-ext4dax-write all/clear-xfsdax-write-early all/mce-srao-ext4dax-4k",
     "dax_recovery_write"},
};

constexpr Rule kPmem[] = {
    {"a block read of a bad sector never touches memory", "Linux 4.19, 6.1 pmem_do_bvec()",
     Check::record, "all/mce-srao-pmem-unmapped all/clear-block-write"},
    {"a block write to a bad sector: copy, clear, copy (4.x); clear, then copy (6.1)",
     "Linux 4.19 pmem_do_bvec(); Linux 6.1 pmem_do_write()", Check::record,
     "all/clear-block-write 4.x/noclear-marked-block-write", "clear_before_write"},
    {"clearing a whole page takes the poison flag and restores the direct map, from 4.19 on",
     "Linux 4.19 hwpoison_clear(); Linux 6.1 pmem_mkpage_present()", Check::record,
     "4.x/clear-marked-block-write 4.x/clear-marked-block-write-512 all/clear-then-poison-again",
     "clear_restores_page"},
    {"4.x keeps a region's bad blocks when the cleared range ends where the region does",
     "Linux 4.19 nvdimm_clear_badblocks_region()", Check::spec,
     "scenarios/kernel/b29-clear-last-page-v4.19.json", "region_clear_off_by_one"},
    {"a machine check in pmem adds a bad range: rounded up to 64 (4.x), down by LSB (6.1)",
     "Linux 4.19.1, 6.1 nfit_handle_mce()", Check::record,
     "4.x/mce-ce-pmem-address-rounding all/mce-srao-devdax-2m", "nfit_rounds_up_to_line"},
    {"also a corrected one, in 4.18 and 4.19.1", "Linux 4.19.1 nfit_handle_mce()", Check::record,
     "all/mce-ce-then-srao-pmem", "nfit_takes_corrected"},
    {"6.1 counts a record in pmem as handled", "Linux 6.1 nfit_handle_mce()", Check::record,
     "6.1/mce-srar-user-devdax-2m", "nfit_sets_handled"},
    {"enabling a namespace takes its range away from who maps it through /dev/mem (5.8 and later)",
     "Linux 6.1 revoke_iomem(), ndctl test/revoke-devmem.c", Check::record,
     "ndctl/devmem-mapping-revoked-on-enable", "revokes_devmem"},
    {"disabling a namespace takes its pages out of the map and out of HardwareCorrupted",
     "Linux 4.18, 4.19 devm_memremap_pages_release(); Linux 6.1 memunmap_pages(), "
     "clear_hwpoisoned_pages()",
     Check::record,
     "4.x/teardown-devdax-after-madvise 4.x/teardown-ext4dax-after-srao "
     "scenarios/kernel/namespace-never-disabled-v4.18.json "
     "scenarios/kernel/namespace-disabled-and-enabled-v6.1.json"},
    {"an absent entry of the direct map survives disabling and enabling",
     "Linux 4.18, 6.1 remove_pte_table(), phys_pte_init()", Check::spec,
     "scenarios/kernel/namespace-disabled-and-enabled-v6.1.json"},
};

constexpr Rule kTables[] = {
    {"the bus-wide list of bad ranges, with its first-byte quirk",
     "Linux 4.19, 6.1 badrange_add(), badrange_forget()", Check::spec, ""},
    {"a table of bad blocks has 512 rows of 512 sectors, and loses order as Linux 6.1 does",
     "Linux 6.1 block/badblocks.c", Check::spec, "", "KernelConfig.badblocks"},
    {"ranges become sectors: start rounded down, end rounded up",
     "Linux 4.19, 6.1 nvdimm_badblocks_populate()", Check::record,
     "all/mce-srao-devdax-2m all/mce-srar-user-devdax-2m"},
    {"scrubs are scheduled per range and backed off up to 1800 s",
     "Linux 6.1 acpi_nfit_scrub(), acpi_nfit_ars_rescan()", Check::spec, "",
     "KernelConfig.hw_error_scrub KernelConfig.ars_continue_valid KernelConfig.no_init_ars"},
    {"a sector namespace heals a bad block at its next write", "Linux 6.1 btt_write_pg()",
     Check::spec, ""},
};

constexpr Rule kFirmware[] = {
    {"system addresses and module addresses translate both ways",
     "ACPI 6.5 5.2.25.6 (interleave structure)", Check::spec,
     "scenarios/hardware/six-way-interleave.json scenarios/hardware/three-way-interleave.json"},
    {"poison is kept per 64-byte line; clears take whole clear units",
     "ACPI 6.5 9.20.7.6 (Clear Uncorrectable Error)", Check::spec, "",
     "NvdimmConfig.clear_unit NvdimmConfig.reported_clear_unit NvdimmConfig.stuck "
     "NvdimmConfig.profile"},
    {"address range scrub: one at a time, limited answers, restart addresses",
     "ACPI 6.5 9.20.7.2 to 9.20.7.5", Check::spec, "",
     "NvdimmConfig.max_ars_out NvdimmConfig.ars_rate"},
    {"a root device without ARS and Clear Error clears nothing",
     "Linux 4.19, 6.1 "
     "nvdimm_clear_poison()",
     Check::record, "all/mce-srao-pmem-unmapped 4.x/noclear-marked-block-write",
     "MachineConfig.clear_error_supported"},
    {"a CXL device lists what was injected or read, up to its limits, and heals by writes",
     "CXL 3.0 8.2.9.8.4; Linux 6.4 drivers/cxl", Check::spec,
     "scenarios/pmem/cxl-inject-list-and-clear.json "
     "scenarios/pmem/load-finds-latent-error-behind-cxl.json"},
    {"a device's read of poison fails the transfer and raises no machine check",
     "nvdimm.md 5; mce.md 9 row 3g", Check::spec,
     "scenarios/pmem/dma-read-finds-latent-error.json"},
    {"health, thresholds and their injection; a temperature's alarm ends a degree below it",
     "Intel NVDIMM DSM interface 1.8; nvdimm.md 9.2", Check::spec, "", "NvdimmConfig.smart"},
    {"what the NFIT says of a module keeps regions from coming up, or makes them read-only",
     "ACPI 6.5 5.2.25.3; Linux 6.1 acpi_nfit_register_dimms(), nd_region_create()", Check::spec,
     "scenarios/pmem/module-without-energy-is-read-only.json", "NvdimmConfig.map_flags"},
    {"a module's own list and log are limited", "nvdimm.md 4.3, 4.4", Check::spec, "",
     "NvdimmConfig.max_poison"},
    {"the cookie of an interleave set knows its modules and their order",
     "Linux 6.1 acpi_nfit_init_interleave_set()", Check::spec, "",
     "NvdimmConfig.serial NvdimmConfig.vendor"},
    {"power loss drops what no persistence domain holds", "nvdimm.md 10 (vendor documents)",
     Check::inferred, "", "MachineConfig.persistence_domain"},
};

constexpr Subject kPmemSubjects[] = {
    {"DAX", "kernel.md 5.1, 5.2, 5.7", kDaxPmem},
    {"pmem driver and NFIT", "kernel.md 5.4 to 5.6", kPmem},
    {"bad ranges and bad blocks", "nvdimm.md 7, 11, 12", kTables},
    {"NVDIMM firmware", "nvdimm.md 2, 4, 6 to 10", kFirmware},
};

}  // namespace

std::span<const Subject> pmem_subjects() { return kPmemSubjects; }

}  // namespace mcemu::fidelity
