// Outcomes as bytes.
#include "regress/outcome.hpp"

#include <catch2/catch.hpp>

namespace mcemu::regress {
namespace {

Outcome full() {
    Outcome o;
    o.status = Status::failed;
    o.outcome = "panic";
    o.result_class = "panic";
    o.profile = "v6.1";
    o.seed = ~std::uint64_t{0};
    o.end_ns = 12;
    o.met = 3;
    o.expectations = 5;
    o.records = 77;
    o.digest = {1, 2, 3};
    o.wrong = {"a", "", std::string("b\0c", 3)};
    o.divergence = "d";
    o.events = {"e"};
    o.edits = {{4, 5, "text"}, {9, 0, ""}};
    o.no_edit = "n";
    o.log_text = "l";
    o.result_text = "r";
    return o;
}

TEST_CASE("an outcome comes back from its bytes as it was", "[regress][outcome]") {
    CHECK(from_bytes(to_bytes(full())) == full());
    CHECK(from_bytes(to_bytes(Outcome{})) == Outcome{});
}

TEST_CASE("bytes that are cut off, longer or of no status are no outcome", "[regress][outcome]") {
    const std::string bytes = to_bytes(full());
    for (std::size_t n = 0; n < bytes.size(); ++n) {
        INFO(n);
        CHECK_FALSE(from_bytes(std::string_view(bytes).substr(0, n)));
    }
    CHECK_FALSE(from_bytes(bytes + "x"));
    std::string odd = bytes;
    odd[0] = 100;
    CHECK_FALSE(from_bytes(odd));
}

// The check value of CRC-64/XZ for "123456789" (the catalogue of parametrised CRC algorithms).
TEST_CASE("the CRC is CRC-64/XZ, in pieces too", "[regress][outcome]") {
    Crc64 whole, pieces;
    whole.add("123456789");
    CHECK(whole.value() == 0x995dc9bbdf1939fa);
    pieces.add("1234");
    pieces.add("");
    pieces.add("56789");
    CHECK(pieces.value() == whole.value());
}

}  // namespace
}  // namespace mcemu::regress
