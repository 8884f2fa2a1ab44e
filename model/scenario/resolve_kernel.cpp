#include "scenario/resolver.hpp"

namespace mcemu::scenario {

void Resolver::resolve_kernel(const Cursor& root) {
    const auto kernel = root.object("kernel");
    if (!kernel) return;
    KernelConfig& k = scenario.kernel;
    k.profile = kernel->choice<ProfileId>("profile");
    k.tainted = kernel->truth("tainted");
    const SimTime interval = kernel->time("check_interval");
    constexpr SimTime kSecond{1'000'000'000'000};
    if (interval.count() % kSecond.count() != 0)
        add(kernel->at("check_interval"), time_text(interval) + " is not a whole number of seconds",
            "round it");
    k.check_interval_s = interval / kSecond;
    if (const auto worker = kernel->object("worker")) {
        k.worker_comm = worker->text("comm");
        k.worker_pid = worker->number32("pid");
    }
    if (const auto decoders = kernel->object("decoders")) {
        k.nfit = decoders->truth("nfit");
        k.edac = decoders->truth("edac");
        k.mcelog = decoders->truth("mcelog");
        k.extlog = decoders->truth("extlog");
        k.cec = decoders->truth("cec");
    }
    resolve_boot(*kernel);
    resolve_sysctl(*kernel);
    resolve_knobs(*kernel);
}

void Resolver::resolve_boot(const Cursor& kernel) {
    const auto boot = kernel.object("boot");
    if (!boot) return;
    KernelConfig& k = scenario.kernel;
    k.tolerant = static_cast<int>(boot->number("mce.tolerant"));
    k.monarch_timeout_us = boot->number("mce.monarch_timeout_us");
    k.ignore_ce = boot->truth("mce.ignore_ce");
    k.dont_log_ce = boot->truth("mce.dont_log_ce");
    k.cmci_disabled = boot->truth("mce.cmci_disabled");
    k.print_all = boot->truth("mce.print_all");
    k.pat = !boot->truth("nopat");
    k.debugpat = boot->truth("debugpat");
    k.page_offset = boot->number("page_offset");
    k.no_init_ars = boot->truth("nfit.no_init_ars");

    const bool v6 = k.profile == ProfileId::v6_1;
    const auto word = [&](std::string_view w, const Path& at) {
        if (w == "recovery") k.mcsafe = true;
        if (w == "ignore_ce") k.ignore_ce = true;
        if (w == "dont_log_ce") k.dont_log_ce = true;
        if (w == "no_cmci") k.cmci_disabled = true;
        if (w == "off") k.mce_off = true;
        if (w == "no_lmce") k.lmce_disabled = true;
        if (w == "bootlog") k.bootlog = true;
        if (w == "nobootlog") k.bootlog = false;
        if (w == "bios_cmci_threshold") k.bios_cmci_threshold = true;
        if (w == "print_all") {
            k.print_all = true;
            if (!v6) add(at, "\"print_all\" came after Linux 4.19", "leave it out, or use profile \"v6.1\"");
        }
    };
    if (const Value* mce = boot->find("mce")) {
        const Path at = boot->at("mce");
        if (mce->is(Value::Type::text)) word(mce->text(), at);
        if (mce->is(Value::Type::array)) {
            for (std::size_t i = 0; i < mce->count; ++i) {
                const Value& item = mce->items[i];
                if (item.is(Value::Type::text)) word(item.text(), Path{&at, &item, {}, i, true});
            }
        }
    }
    // kernel.md 1.2: removed, and new, in v6.1.
    if (v6 && boot->given("mce.tolerant"))
        add(boot->at("mce.tolerant"), "Linux 6.1 has no \"tolerant\"",
            "leave it out, or use profile \"v4.19\" or \"v4.18\"");
    if (!v6 && boot->given("mce.print_all"))
        add(boot->at("mce.print_all"), "\"print_all\" came after Linux 4.19",
            "leave it out, or use profile \"v6.1\"");
    if (boot->given("page_offset") && k.page_offset != 0 &&
        (k.page_offset >> 56 != 0xff || k.page_offset % (1ull << 30) != 0))
        add(boot->at("page_offset"), hex_text(k.page_offset) + " is no place for the direct map",
            "choose a whole GiB in the kernel's half such as \"0xffff888000000000\"");
}

void Resolver::resolve_sysctl(const Cursor& kernel) {
    const auto sysctl = kernel.object("sysctl");
    if (!sysctl) return;
    const auto either = [&](std::string_view name, std::string_view full) {
        if (sysctl->given(name) && sysctl->given(full) && sysctl->truth(name) != sysctl->truth(full))
            add(sysctl->at(full), in_quotes(full) + " and " + in_quotes(name) + " differ", "keep one");
        return sysctl->truth(sysctl->given(full) ? full : name);
    };
    scenario.kernel.memory_failure_early_kill =
        either("memory_failure_early_kill", "vm.memory_failure_early_kill");
    scenario.kernel.memory_failure_recovery =
        either("memory_failure_recovery", "vm.memory_failure_recovery");
}

void Resolver::resolve_knobs(const Cursor& kernel) {
    const auto knobs = kernel.object("knobs");
    // A knob may stand in "knobs" or directly in "kernel".
    const auto holder = [&](std::string_view name) -> const Cursor& {
        if (!knobs || !knobs->given(name)) return kernel;
        if (kernel.given(name)) {
            const Value &inner = *knobs->find(name), &outer = *kernel.find(name);
            if (describe(inner) != describe(outer))
                add(kernel.at(name), in_quotes(name) + " says otherwise in \"knobs\"", "keep one");
        }
        return *knobs;
    };
    KernelConfig& k = scenario.kernel;
    const auto truth = [&](std::string_view name) { return holder(name).truth(name); };
    k.decoy = truth("decoy");
    k.sanitize_memtype = truth("sanitize_memtype");
    k.strict_4_19_0 = truth("strict_4_19_0");
    k.strict_clflush_decoy = truth("strict_clflush_decoy");
    k.pgmap_memtype_tracking = truth("pgmap_memtype_tracking");
    k.hw_error_scrub = truth("hw_error_scrub");
    k.badblocks = holder("badblocks_model").choice<BadblocksModel>("badblocks_model");
    k.fake_panic = truth("fake_panic");
    k.mcsafe = truth("mcsafe");
    if (!knobs) return;
    k.ars_continue_valid = knobs->truth("ars_continue_valid");
    if (knobs->given("unmap_fails"))
        for (const Value& page : knobs->find("unmap_fails")->children())
            k.page_failures.push_back(
                {PageFailure::unmap, parse_quantity(kAddress, page).value.value_or(0)});
    if (!knobs->given("whole_image_units")) return;
    for (const Value& unit : knobs->find("whole_image_units")->children()) {
        const std::uint64_t spa = parse_quantity(kAddress, unit).value.value_or(0);
        if (spa % (1u << kPmdShift) != 0)
            add(knobs->at("whole_image_units"), hex_text(spa) + " is not the start of a 2 MiB unit",
                "a multiple of 0x200000");
        k.whole_image_units.push_back(spa);
    }
}

}  // namespace mcemu::scenario
