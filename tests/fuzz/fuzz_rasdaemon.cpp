// A database of rasdaemon becomes findings or a scenario that passes the check, whatever is in it.
#include "exchange/dmesg_import.hpp"
#include "imported.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    return check_imported(mcemu::exchange::import_rasdaemon("f", text_of(data, size)));
}
