// Whatever registers a log or an mce-inject file holds, decoding answers in words.
#include "formats/kernel_log.hpp"
#include "formats/mce_inject.hpp"
#include "imported.hpp"
#include "output/mca_decode.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace mcemu;
    const std::string text = text_of(data, size);
    for (const formats::LoggedMce& m : formats::parse_kernel_log(text)) {
        output::McaRegisters r;
        r.status = m.status;
        r.mcgstatus = m.mcgstatus;
        r.addr = m.addr;
        r.misc = m.misc;
        r.cpuid = m.cpuid;
        r.mcgcap = m.mcgcap;
        if (m.bank >= 0) r.bank = static_cast<unsigned>(m.bank);
        if (m.ip != 0) r.cs = m.cs;
        static_cast<void>(output::decode_text(r));
        static_cast<void>(output::decode_json(r).dump());
    }
    static_cast<void>(formats::parse_mce_inject(text));
    return 0;
}
