// An mce-inject file becomes findings or a scenario that passes the check, whatever is in it.
#include "exchange/mce_inject_import.hpp"
#include "imported.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    return check_imported(mcemu::exchange::import_mce_inject("f", text_of(data, size)));
}
