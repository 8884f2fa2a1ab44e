// Whatever an ndctl listing holds, the importer answers with findings or with a scenario that
// passes the check, and never crashes.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "scenario/load.hpp"
#include "scenario/ndctl_import.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace mcemu::scenario;
    const Imported out =
        import_ndctl("list.json", std::string(reinterpret_cast<const char*>(data), size));
    if (out.scenario.has_value() == out.findings.empty() &&
        (!out.scenario || load_text("s.json", out.scenario->dump()).loaded))
        return 0;
    std::fputs("fuzz_ndctl: neither findings nor a good scenario\n", stderr);
    std::abort();
}
