// `mce` commands of QEMU's monitor (QEMU monitor/hmp.c, hmp-commands.hx).
#include "formats/qemu_monitor.hpp"

#include <catch2/catch.hpp>

namespace mcemu::formats {
namespace {

QemuMce one(const std::string& text) {
    const QemuMonitorText out = parse_qemu_monitor(text);
    INFO(text);
    REQUIRE(out.errors.empty());
    REQUIRE(out.commands.size() == 1);
    return out.commands[0];
}

std::string refused(const std::string& text) {
    const QemuMonitorText out = parse_qemu_monitor(text);
    REQUIRE(out.errors.size() == 1);
    CHECK(out.commands.empty());
    const Remark& e = out.errors[0];
    return std::to_string(e.line) + ":" + std::to_string(e.column) + ": " + e.wrong;
}

TEST_CASE("an mce command has six numbers", "[formats][qemu]") {
    const QemuMce m = one("mce 3 9 0xbd80000000000134 0x7 0x12345000 0x8c");
    CHECK_FALSE(m.broadcast);
    CHECK(m.cpu == 3);
    CHECK(m.bank == 9);
    CHECK(m.status == 0xbd80000000000134);
    CHECK(m.mcgstatus == 7);
    CHECK(m.addr == 0x12345000);
    CHECK(m.misc == 0x8c);
    CHECK(qemu_mce_command(m) == "mce 3 9 0xbd80000000000134 0x7 0x12345000 0x8c");
}

TEST_CASE("the option -b broadcasts, prompts and QMP are passed over", "[formats][qemu]") {
    CHECK(one("(qemu) mce -b 0 1 0x8000000000000000 0 0 0\r\n").broadcast);
    CHECK(
        one("{\"execute\": \"human-monitor-command\", \"arguments\": {\"command-line\" : \"mce 0 1 "
            "0x8000000000000000 0 5 0\"}}")
            .addr == 5);
    CHECK(one("\xef\xbb\xbf\n# comment\nmce 0 1 0x8000000000000000 0 0 0").line == 3);
}

// expr_sum() calls expr_logic(), which calls expr_prod().
TEST_CASE("numbers are expressions as the monitor takes them", "[formats][qemu]") {
    const auto misc = [](const std::string& e) { return one("mce 0 1 ~0 0 0 " + e).misc; };
    CHECK(misc("1+2*3") == 7);
    CHECK(misc("1+2|4") == 7);      // | binds stronger than +
    CHECK(misc("2 * 3 & 4") == 4);  // and weaker than *
    CHECK(misc("(-1)") == ~0ull);
    CHECK(misc("'A'") == 65);
    CHECK(misc("010") == 8);
    CHECK(misc("(1+(2-3))") == 0);
    CHECK(misc("7%4") == 3);
}

TEST_CASE("what the monitor refuses is refused at its place", "[formats][qemu]") {
    CHECK(refused("mce") == "1:4: cpu: unexpected end of expression");
    CHECK(refused("mce 0 1 0x8000000000000000 0 0") == "1:31: misc: unexpected end of expression");
    CHECK(refused("\nmce 0 1 0 0 0 0") ==
          "2:5: QEMU refuses a status without VAL: Invalid MCE status code");
    CHECK(refused("mce 0x100000000 1 0 0 0 0") == "1:5: cpu is for 32-bit values");
    CHECK(refused("mce -x 0 1 ~0 0 0 0") == "1:5: unsupported option");
    CHECK(refused("mce 0 1 ~0 0 0 1/0") == "1:19: misc: division by zero");
    CHECK(refused("mce 0 1 ~0 0 0 0 0").starts_with("1:18: extraneous characters"));
    CHECK(refused("mce 0 1 ~0 0 0 $rip") ==
          "1:16: misc: a register of the guest has no value here");
    CHECK(refused("mce 0 1 ~0 0 0 (1").ends_with("misc: ')' expected"));
    CHECK(refused("mce 0 1 ~0 0 0 " + std::string(300, '9')).ends_with("misc: number too large"));
    CHECK(refused("mce 0 1 ~0 0 0 " + std::string(100000, '('))
              .ends_with("misc: too many signs or parentheses"));
}

TEST_CASE("the smallest number divided by -1 wraps", "[formats][qemu]") {
    CHECK(one("mce 0 1 ~0 0 0 0x8000000000000000/-1").misc == 0x8000000000000000);
    CHECK(one("mce 0 1 ~0 0 0 0x8000000000000000%-1").misc == 0);
}

}  // namespace
}  // namespace mcemu::formats
