// Whatever an NVDIMM image holds, the reader answers with findings or with an image, and never
// crashes. The input is the content behind the first line, which is made to fit: else nothing would
// get past the checksum.
#include <boost/crc.hpp>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "scenario/load.hpp"
#include "scenario/nvdimm_state.hpp"

namespace {

const mcemu::MachineConfig& machine() {
    static const auto loaded = mcemu::scenario::load_text("s.json", R"({
        "schema": "mcemu/scenario/1", "name": "t", "events": [],
        "machine": {"nvdimms": [{"size": "32MiB"}, {"size": "32MiB"}],
                    "regions": [{"nvdimms": ["nmem0", "nmem1"]}],
                    "namespaces": [{"mode": "sector", "size": "32MiB"}, {}]}})")
                                   .loaded;
    return loaded->scenario.machine;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace mcemu::scenario;
    const std::string body(reinterpret_cast<const char*>(data), size);
    boost::crc_32_type crc;
    crc.process_bytes(body.data(), body.size());
    char line[96];
    std::snprintf(line, sizeof line,
                  "{\"schema\": \"mcemu/nvdimm-state/1\", \"bytes\": %zu, \"crc32\": \"0x%08x\", "
                  "\"state\":\n",
                  size, static_cast<unsigned>(crc.checksum()));
    for (const std::string& text : {body, line + body}) {
        const NvdimmState state = read_nvdimm_state("i", text, machine(), "s.json");
        if (state.image.has_value() == state.findings.empty()) continue;
        std::fputs("fuzz_nvdimm_state: neither findings nor an image\n", stderr);
        std::abort();
    }
    return 0;
}
