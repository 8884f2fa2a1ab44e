// Machine-check hardware: mce.md.
#include "core/fidelity/fidelity.hpp"

namespace mcemu::fidelity {
namespace {

constexpr Rule kRegisters[] = {
    {"IA32_MCG_CAP says which features exist; writing it is #GP", "SDM vol. 3B 15.3.1.1",
     Check::spec, "",
     "McaConfig.banks McaConfig.ctl_p McaConfig.ser McaConfig.cmci McaConfig.tes McaConfig.emc "
     "McaConfig.elog McaConfig.lmce"},
    {"MCG_STATUS holds RIPV, EIPV, MCIP and LMCE_S; a reserved bit set is #GP",
     "SDM vol. 3B 15.3.1.2", Check::spec, ""},
    {"STATUS, ADDR and MISC take only 0; a 1 bit is #GP and changes nothing",
     "SDM vol. 3B 15.3.2.2 to 15.3.2.4", Check::spec, ""},
    {"CTL2 finds out whether a bank has CMCI, and who owns it", "SDM vol. 3B 15.3.2.5, 15.5.2",
     Check::spec, ""},
    {"MCG_EXT_CTL needs LMCE_P and FEATURE_CONTROL.LMCE_ON", "SDM vol. 3B 15.3.1.5; vol. 4",
     Check::spec, ""},
    {"a warm reset keeps STATUS, ADDR and MISC", "SDM vol. 3B 15.3.2", Check::spec, ""},
};

constexpr Rule kLogging[] = {
    {"an error class follows from UC, PCC, S and AR", "SDM vol. 3B 15.6.3", Check::spec, ""},
    {"what a second error leaves in a bank: overwrite rules, sticky S and AR, OVER",
     "SDM vol. 3B 15.3.2.2.1, 15.6.4", Check::spec,
     "scenarios/hardware/speculation-then-load-lost-events.json"},
    {"corrected errors are counted in 14 bits with a sticky overflow bit", "SDM vol. 3B 15.3.2.2",
     Check::spec, ""},
    {"green and yellow status of tracked structures", "SDM vol. 3B 15.4", Check::spec, ""},
    {"banks 0 to 3 belong to a core, the others to a package",
     "public decoders of Skylake-SP (mce.md 7)", Check::inferred, ""},
};

constexpr Rule kSignalling[] = {
    {"CMCI is raised when the count equals the threshold, and at once for UCNA", "SDM vol. 3B 15.5",
     Check::spec, "scenarios/hardware/corrected-error-storm.json"},
    {"#MC goes to every logical processor, SRAR to one of them with LMCE",
     "SDM vol. 3B 15.3.1.2, 15.10.4", Check::spec,
     "scenarios/hardware/local-machine-check-512-cpus.json "
     "scenarios/hardware/broadcast-512-cpus.json",
     "McaConfig.lmce"},
    {"RIPV and EIPV of the affected processor and of the others", "SDM vol. 3B table 15-21",
     Check::spec, "", "McaConfig.srar_continuable"},
    {"#MC with CR4.MCE clear or MCIP set is a shutdown, and that a reset", "SDM vol. 3A 6.15",
     Check::spec,
     "scenarios/hardware/mce-disabled-shuts-down.json "
     "scenarios/hardware/second-machine-check-shuts-down.json",
     "McaConfig.mce_disabled_cpus"},
    {"a processor may stay away from a broadcast", "records of one CPU of two (kernel.md B36)",
     Check::record, "all/smp2-srao-one-cpu", "McaConfig.stuck_cpus"},
};

constexpr Rule kPoison[] = {
    {"a retired load or fetch of poison is SRAR in a core bank, restarted each time",
     "SDM vol. 3B 15.9.3.2", Check::spec, "scenarios/kernel/b15-consumed-twice-v4.18.json"},
    {"a demand read of poison logs UCNA at the memory controller first", "mce.md 9 (model data)",
     Check::inferred, "", "McaConfig.ucna_on_read"},
    {"a speculative read raises nothing, but its record may make a later SRAR overflow",
     "mce.md 9, 10 (SDM vol. 3B 15.6.4)", Check::inferred,
     "scenarios/hardware/speculation-then-load-lost-events.json", "McaConfig.speculative_poison"},
    {"uncacheable and absent mappings are never read speculatively", "SDM vol. 3A 11.3",
     Check::spec, "scenarios/series/decoy-in-place.json scenarios/series/decoy-absent.json"},
    {"a demand load of poison through an uncacheable mapping is SRAR, or fatal on some parts",
     "mce.md 10.1", Check::inferred, "", "McaConfig.uc_poison_fatal"},
    {"an uncorrectable patrol-scrub find is SRAO by #MC, by CMCI, or downgraded to corrected",
     "SDM vol. 3B 15.9.3.1; model 0x55", Check::spec,
     "scenarios/hardware/patrol-scrub-corrected-v6.1.json", "McaConfig.patrol_uc_mode"},
    {"firmware first: an SMI stands between the error and CMCI or #MC", "mce.md 12",
     Check::inferred, "scenarios/mca/firmware-first-delays.json", "McaConfig.firmware_first"},
    {"firmware leaves a threshold in CTL2", "SDM vol. 3B 16.5", Check::spec,
     "scenarios/mca/firmware-threshold-kept-v4.19.json", "McaConfig.cmci_threshold"},
    {"a store of part of a line keeps the poison, a full line heals DRAM",
     "nvdimm.md 5 (vendor documents)", Check::inferred, "", "NvdimmConfig.heal_on_full_line_write"},
    {"REP MOVS erratum of model 0x55: off", "Linux 6.1 quirk_skylake_repmov()", Check::spec, ""},
};

constexpr Subject kHardwareSubjects[] = {
    {"machine-check registers", "mce.md 1, 2", kRegisters},
    {"bank contents", "mce.md 3, 4, 7, 8", kLogging},
    {"#MC and CMCI", "mce.md 5, 6", kSignalling},
    {"poison on its way to a processor", "mce.md 9, 10; nvdimm.md 5", kPoison},
};

}  // namespace

std::span<const Subject> hardware_subjects() { return kHardwareSubjects; }

}  // namespace mcemu::fidelity
