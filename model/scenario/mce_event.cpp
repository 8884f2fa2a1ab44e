// The "mce" event: IA32_MCi_STATUS by value, name or fields, and what follows from it.
#include <array>

#include "core/mca/status.hpp"
#include "scenario/resolver.hpp"

namespace mcemu::scenario {
namespace {

using namespace mca;

// Ready-made values (kernel.md 1.1), in the order of the choices of "status".
constexpr std::array<std::uint64_t, 13> kNamed = {
    0xbd80000000000134, 0xbd80000000000150, 0xfd80000000000134, 0xbd80000000000001,
    0xbd000000000000c0, 0xbc000000000000c0, 0xfc000000000000c0, 0xbc0000000000017a,
    0xbd00000000000001, 0xbc0000000000009f, 0x9c0000000000009f, 0xbe00000000000090,
    0x9c000000001000c0};

struct StatusBit {
    std::string_view key;
    std::uint64_t mask;
};
constexpr StatusBit kBits[] = {
    {"val", MCI_STATUS_VAL},     {"over", MCI_STATUS_OVER},   {"uc", MCI_STATUS_UC},
    {"en", MCI_STATUS_EN},       {"miscv", MCI_STATUS_MISCV}, {"addrv", MCI_STATUS_ADDRV},
    {"pcc", MCI_STATUS_PCC},     {"s", MCI_STATUS_S},         {"ar", MCI_STATUS_AR}};

struct StatusField {
    std::string_view key;
    unsigned shift;
    std::uint64_t mask;
};
constexpr StatusField kFields[] = {
    {"mcacod", 0, 0xffff},
    {"mscod", 16, 0xffff},
    {"cec", MCI_STATUS_CEC_SHIFT, 0x7fff},
    {"tes", MCI_STATUS_TES_SHIFT, 3}};

std::uint64_t default_mcgstatus(std::uint64_t status, bool ser) {
    switch (classify(status, ser)) {
        case ErrorClass::srar: return MCG_STATUS_RIPV | MCG_STATUS_EIPV | MCG_STATUS_MCIP;
        case ErrorClass::srao: return MCG_STATUS_RIPV | MCG_STATUS_MCIP;
        case ErrorClass::fatal:
        case ErrorClass::uncorrected:
        case ErrorClass::illegal: return MCG_STATUS_MCIP;
        case ErrorClass::invalid:
        case ErrorClass::corrected:
        case ErrorClass::ucna: return 0;
    }
    return 0;
}

}  // namespace

std::uint64_t Resolver::status(const Cursor& event, bool& symbolic) {
    const Value& written = *event.find("status");
    const auto named = [](std::string_view name) -> std::optional<std::uint64_t> {
        const std::span<const std::string_view> names = find_field(kEventShape.find_case("mce")->fields, "status")
                                                            ->shape->forms[0]->choices;
        for (std::size_t i = 0; i < names.size(); ++i) {
            if (names[i] == name) return kNamed[i];
        }
        return std::nullopt;
    };
    if (written.is(Value::Type::text)) {
        if (const auto value = named(written.text())) {
            symbolic = true;
            return *value;
        }
    }
    const auto fields = event.object("status");
    if (!fields) return event.number("status");
    symbolic = true;
    std::uint64_t status = named(fields->text("class")).value_or(MCI_STATUS_VAL);
    for (const StatusBit& bit : kBits) {
        if (!fields->given(bit.key)) continue;
        status = fields->truth(bit.key) ? status | bit.mask : status & ~bit.mask;
    }
    for (const StatusField& field : kFields) {
        if (!fields->given(field.key)) continue;
        status = (status & ~(field.mask << field.shift)) | fields->number(field.key) << field.shift;
    }
    return status;
}

/// Keys that only some of the ways to inject know.
void Resolver::mce_via(const Cursor& event, MceEvent& e) {
    e.via = event.choice<MceEvent::Via>("via");
    e.hold = event.truth("hold");
    e.context = event.choice<MceEvent::Context>("context");
    const bool program = e.via == MceEvent::Via::mce_inject;
    for (const std::string_view key : {"hold", "context"})
        if (event.given(key) && !program)
            add(event.at(key), "\"" + std::string(key) + "\" means nothing to this way of injecting",
                "leave it out, or write \"via\": \"mce-inject\"");
    const std::string_view how = event.text("broadcast");
    e.by_ipi = how == "irq";
    if (!how.empty() && !program)
        add(event.at("broadcast"), "hardware tells all CPUs by itself",
            "true or false, or write \"via\": \"mce-inject\"");
}

Action Resolver::mce(const Cursor& event) {
    MceEvent e;
    const McaConfig& mca = scenario.machine.mca;
    e.process = reference(event, "process", processes_);
    if (event.given("cpu")) {
        e.cpu = cpu_of(event);
    } else if (e.process >= 0) {
        e.cpu = process_config(static_cast<std::size_t>(e.process)).cpu;
    }
    e.bank = event.number32("bank");
    if (e.bank >= mca.banks && mca.banks != 0)
        add(event.at("bank"), "there is no bank " + std::to_string(e.bank),
            "the machine has " + std::to_string(mca.banks) + " banks: 0 to " + std::to_string(mca.banks - 1));
    if (bad(event)) return e;

    bool symbolic = false;
    e.status = status(event, symbolic);
    e.addr = event.number("addr");
    e.misc = event.maybe("misc").value_or(symbolic && (e.status & MCI_STATUS_MISCV) ? kMiscLine : 0);
    mce_via(event, e);
    // The program's records are as written: nothing is derived.
    const bool program = e.via == MceEvent::Via::mce_inject;
    e.ip = event.number("ip");
    e.cs_given = event.given("cs");
    e.cs = event.maybe("cs").value_or(program ? 0 : e.process >= 0 ? 0x33 : 0x10);

    const bool told = !event.text("broadcast").empty();
    const bool local = event.given("broadcast") && !told && !event.truth("broadcast");
    if (const auto fields = event.object("mcgstatus")) {
        e.mcgstatus = (fields->truth("ripv") ? MCG_STATUS_RIPV : 0) |
                      (fields->truth("eipv") ? MCG_STATUS_EIPV : 0) |
                      (fields->truth("mcip") ? MCG_STATUS_MCIP : 0) |
                      (fields->truth("lmces") ? MCG_STATUS_LMCES : 0);
    } else if (event.given("mcgstatus")) {
        e.mcgstatus = event.number("mcgstatus");
    } else if (!program) {
        e.mcgstatus = default_mcgstatus(e.status, mca.ser);
        if (local && mca.lmce && classify(e.status, mca.ser) == ErrorClass::srar)
            e.mcgstatus |= MCG_STATUS_LMCES;
    }
    const bool lmces = e.mcgstatus & MCG_STATUS_LMCES;
    e.broadcast = event.given("broadcast") ? !local : !lmces;
    if (lmces && e.broadcast && !program)
        add(event.at("broadcast"), "\"broadcast\" contradicts MCG_STATUS.LMCES",
            "a local machine check reaches one CPU: clear one of them");
    e.poll = event.given("poll") ? event.truth("poll")
                                 : !(e.status & MCI_STATUS_UC) ||
                                       (!program && !(e.mcgstatus & MCG_STATUS_MCIP));
    return e;
}

}  // namespace mcemu::scenario
