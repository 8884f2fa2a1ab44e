// Sequences of operations on a bad-block table (block/badblocks.c; nvdimm.md 11.2): the table of
// the kernel stub does them itself, nothing is emulated around it.
#include <cstdint>

#include "conformance/family.hpp"
#include "conformance/mce_test.hpp"
#include "core/kernel/nvdimm/badblocks.hpp"

namespace mcemu::conformance {
namespace {

using kernel::Badblocks;

/// Above this many rows a record leaves the table itself out.
constexpr const char* kNoTable = "the record holds no table";

class Replay {
public:
    Replay(BadblocksModel model, int shift, Verdict& verdict) : table_(model, shift), v_(verdict) {}

    void perform(const json& op, std::size_t number) {
        const std::string what = op["op"];
        const std::string at = "op " + std::to_string(number) + " (" + op.dump() + "): ";
        if (what == "set") {
            differ(v_.differences, at + "rc", op["rc"],
                   table_.set(op["sector"], op["len"], op["ack"] != 0));
        } else if (what == "clear") {
            differ(v_.differences, at + "rc", op["rc"], table_.clear(op["sector"], op["len"]));
        } else if (what == "check") {
            const Badblocks::Finding found = table_.check(op["sector"], op["len"]);
            differ(v_.differences, at + "rc", op["rc"], found.result);
            if (found.result == 0) return;
            differ(v_.differences, at + "first_bad", op["first_bad"], found.first_bad);
            differ(v_.differences, at + "bad_sectors", op["bad_sectors"], found.bad_sectors);
        } else if (what == "store") {
            const std::string text = op["text"];
            differ(v_.differences, at + "rc", op["rc"], table_.store(text, op["unack"] != 0));
        } else if (what == "ack_all") {
            table_.ack_all();
        } else if (what == "set_changed") {
            table_.set_changed(op["value"] != 0);
        } else {
            v_.differences.push_back(at + "no such operation is known");
        }
    }

    /// The end state; `unacked_exist` is read before the unacknowledged list is shown.
    void compare(const json& record, bool flags) {
        if (flags) {
            differ(v_.differences, "unacked_exist", record["unacked_exist"] != 0,
                   table_.unacked_exist());
            differ(v_.differences, "changed", record["changed"] != 0, table_.changed());
        }
        differ(v_.differences, "count", record["count"], table_.rows().size());
        if (record["table"].is_null()) {
            v_.remarks.push_back(kNoTable);
        } else {
            json rows = json::array();
            for (const Badblocks::Row& r : table_.rows())
                rows.push_back({r.start, r.length, r.acknowledged ? 1 : 0});
            differ(v_.differences, "table", record["table"], rows);
        }
        const Badblocks::Listing all = table_.show(false);
        differ(v_.differences, "sysfs_badblocks", record["sysfs_badblocks"], all.text);
        differ(v_.differences, "show_rc", record["show_rc"], all.result);
        const Badblocks::Listing open = table_.show(true);
        differ(v_.differences, "sysfs_unacknowledged", record["sysfs_unacknowledged"], open.text);
        differ(v_.differences, "show_unack_rc", record["show_unack_rc"], open.result);
    }

private:
    Badblocks table_;
    Verdict& v_;
};

class BadblocksFamily final : public Family {
public:
    std::string name() const override { return "badblocks"; }
    bool owns(const json& record) const override {
        return record.is_array() && !record.empty() && record[0].is_object() &&
               record[0].contains("sysfs_badblocks") && record[0].contains("ops");
    }
    std::vector<Case> translate(const json& record) const override {
        std::vector<Case> cases;
        for (const json& sequence : record) {
            Case c;
            c.about = {{"sequence", sequence}, {"ideal", false}};
            c.name = sequence["id"].get<std::string>() + " linux_6_1";
            cases.push_back(c);
            // Where the kernel does what set arithmetic does, so must the ideal table.
            if (!sequence["quirks"].empty()) continue;
            c.about["ideal"] = true;
            c.name = sequence["id"].get<std::string>() + " ideal";
            cases.push_back(c);
        }
        return cases;
    }
    Verdict compare(const json&, const Case& c, const json&) const override {
        const json& sequence = c.about["sequence"];
        const bool ideal = c.about["ideal"];
        Verdict v;
        Replay replay(ideal ? BadblocksModel::ideal : BadblocksModel::linux_6_1, sequence["shift"],
                      v);
        std::size_t number = 0;
        for (const json& op : sequence["ops"]) replay.perform(op, ++number);
        replay.compare(sequence, !ideal);
        return v;
    }
};

}  // namespace

std::unique_ptr<Family> make_badblocks_family() { return std::make_unique<BadblocksFamily>(); }

}  // namespace mcemu::conformance
