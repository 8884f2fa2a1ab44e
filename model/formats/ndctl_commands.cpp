#include "formats/ndctl_commands.hpp"

#include <algorithm>
#include <charconv>
#include <iterator>

#include "core/address.hpp"
#include "core/pmem/interleave.hpp"
#include "formats/ndctl_event.hpp"

namespace mcemu::formats {
namespace {

constexpr std::uint32_t kNotify = 1;  // ARS Error Inject, options bit 0

std::string hex(std::uint64_t value) {
    char digits[16];
    const auto end = std::to_chars(digits, std::end(digits), value, 16).ptr;
    return "0x" + std::string(digits, end);
}

/// A comment stays one, whatever the name holds.
std::string comment(std::string text) {
    for (char& c : text)
        if (static_cast<unsigned char>(c) < 0x20) c = ' ';
    return "# " + text + "\n";
}

std::string inject(const std::string& ns, std::uint64_t block, std::uint64_t count,
                   const char* options) {
    return "ndctl inject-error --block=" + std::to_string(block) +
           " --count=" + std::to_string(count) + options + " " + ns + "\n";
}

class Script {
public:
    explicit Script(const Scenario& scenario) : s_(scenario) {
        out_ = "#!/bin/sh\n" + comment("media errors of the scenario " + scenario.name);
    }

    std::string write() {
        const std::size_t head = out_.size();
        for (std::size_t i = 0; i < s_.machine.nvdimms.size(); ++i) configured(i);
        std::vector<const Event*> order;
        for (const Event& e : s_.events) order.push_back(&e);
        const auto at = [](const Event* e) {
            const auto* fixed = std::get_if<TriggerAt>(&e->trigger);
            return fixed ? fixed->at : SimTime::max();
        };
        std::stable_sort(order.begin(), order.end(),
                         [&](const Event* a, const Event* b) { return at(a) < at(b); });
        for (const Event* e : order) event(*e);
        if (out_.size() == head) out_ += comment("there are none");
        return std::move(out_);
    }

private:
    void configured(std::size_t nvdimm) {
        const NvdimmConfig& module = s_.machine.nvdimms[nvdimm];
        for (const DpaRange& range : module.poison) {
            out_ += comment(module.id + ": poison at DPA " + hex(range.begin) + ", " +
                            std::to_string(range.size()) + " bytes");
            of_module(static_cast<std::uint32_t>(nvdimm), range, " --no-notify");
        }
        if (!module.stuck.empty())
            out_ += comment(module.id + ": ndctl cannot make units that no clear heals");
    }

    void event(const Event& e) {
        const auto head = [&](const char* what) {
            std::string text = e.id + ": " + what;
            if (e.times > 1) text += ", " + std::to_string(e.times) + " times over";
            if (!std::holds_alternative<TriggerAt>(e.trigger)) text += ", when its trigger says so";
            out_ += comment(text);
        };
        if (const auto* poison = std::get_if<PoisonEvent>(&e.action)) {
            head(poison->heal ? "heal media" : "poison media");
            const char* options = poison->heal ? " --uninject" : " --no-notify";
            const SpaRange range{poison->address, poison->address + poison->length};
            if (poison->nvdimm >= 0)
                of_module(static_cast<std::uint32_t>(poison->nvdimm), range, options);
            else
                of_memory(range, options);
        } else if (const auto* dsm = std::get_if<DsmEvent>(&e.action)) {
            const SpaRange range{dsm->address, dsm->address + dsm->length};
            if (dsm->function == DsmEvent::Function::inject_error) {
                head("ARS Error Inject");
                of_memory(range, dsm->flags & kNotify ? "" : " --no-notify");
            } else if (dsm->function == DsmEvent::Function::inject_clear) {
                head("ARS Error Inject Clear");
                of_memory(range, " --uninject");
            }
        } else if (const auto* scrub = std::get_if<ScrubEvent>(&e.action)) {
            if (scrub->kind != ScrubEvent::Kind::ars_full) return;
            head("scrub");
            out_ += "ndctl start-scrub\n";
        } else if (const auto* command = std::get_if<NdctlEvent>(&e.action)) {
            head("a command");
            out_ += ndctl_event(*command, s_);
        } else if (const auto* ns = std::get_if<NamespaceEvent>(&e.action)) {
            head(ns->enable ? "enable a namespace" : "disable a namespace");
            out_ += std::string("ndctl ") + (ns->enable ? "enable" : "disable") + "-namespace " +
                    s_.machine.namespaces[ns->ns].id + "\n";
        }
    }

    void of_module(std::uint32_t nvdimm, DpaRange range, const char* options) {
        bool any = false;
        for (const RegionConfig& region : s_.machine.regions) {
            const pmem::InterleaveSet set(region);
            for (std::uint32_t way = 0; way < set.ways(); ++way) {
                if (region.nvdimms[way] != nvdimm) continue;
                const DpaRange all = set.on_way(region.range, way);
                // Chunk by chunk: their neighbours in the module are none in memory.
                std::uint64_t dpa = std::max(range.begin, all.begin);
                while (dpa < std::min(range.end, all.end)) {
                    const std::uint64_t spa = set.encode({way, dpa});
                    const std::uint64_t end =
                        std::min({range.end, all.end, dpa + (set.chunk_end(spa) - spa)});
                    add({spa, spa + (end - dpa)});
                    dpa = end;
                    any = true;
                }
            }
        }
        if (!any) out_ += comment("no region uses it: ndctl cannot reach it");
        flush(options);
    }

    void of_memory(SpaRange range, const char* options) {
        if (range.begin < range.end) add(range);
        flush(options);
    }

    /// Joins pieces that touch.
    void add(SpaRange piece) {
        if (!pieces_.empty() && pieces_.back().end == piece.begin)
            pieces_.back().end = piece.end;
        else
            pieces_.push_back(piece);
    }
    void flush(const char* options) {
        for (const SpaRange& piece : pieces_) reach(piece, options);
        pieces_.clear();
    }

    /// The part of each namespace, in blocks of its data area (fsdax, devdax) or of all of it.
    void reach(SpaRange range, const char* options) {
        std::uint64_t reached = 0;
        for (const NamespaceConfig& ns : s_.machine.namespaces) {
            const bool whole = ns.mode == NamespaceMode::raw || ns.mode == NamespaceMode::sector;
            const SpaRange part = whole ? ns.range : ns.data();
            const std::uint64_t begin = std::max(range.begin, part.begin);
            const std::uint64_t end = std::min(range.end, part.end);
            if (begin >= end) continue;
            reached += end - begin;
            blocks(ns, begin - part.begin, end - part.begin, options);
        }
        if (reached < range.size())
            out_ += comment(std::to_string(range.size() - reached) + " bytes of " +
                            hex(range.begin) + "-" + hex(range.end) +
                            " lie in no namespace's data: ndctl cannot reach them");
    }

    void blocks(const NamespaceConfig& ns, std::uint64_t begin, std::uint64_t end,
                const char* options) {
        // An enabled sector-mode namespace is refused.
        const bool sector = ns.mode == NamespaceMode::sector;
        if (sector) out_ += "ndctl disable-namespace " + ns.id + "\n";
        const std::uint64_t first = begin / kSectorSize, last = (end - 1) / kSectorSize;
        const std::uint64_t whole_first = round_up(begin, kSectorSize) / kSectorSize;
        const std::uint64_t whole_end = end / kSectorSize;
        const std::string saturate = std::string(" --saturate") + options;
        if (whole_first >= whole_end) {
            part(ns, first, last - first + 1, options);
        } else {
            if (whole_first > first) part(ns, first, 1, options);
            out_ += inject(ns.id, whole_first, whole_end - whole_first, saturate.c_str());
            if (last >= whole_end) part(ns, last, 1, options);
        }
        if (sector) out_ += "ndctl enable-namespace " + ns.id + "\n";
    }

    void part(const NamespaceConfig& ns, std::uint64_t block, std::uint64_t count,
              const char* options) {
        out_ += comment("not a whole sector: ndctl takes the first bytes of it, one clear unit");
        out_ += inject(ns.id, block, count, options);
    }

    const Scenario& s_;
    std::string out_;
    std::vector<SpaRange> pieces_;
};

}  // namespace

std::string ndctl_commands(const Scenario& scenario) { return Script(scenario).write(); }

std::string ndctl_commands(const std::string& name, const std::vector<NamespaceBadblocks>& rows) {
    std::string out = "#!/bin/sh\n" + comment("bad sectors at the end of a run of " + name);
    for (const NamespaceBadblocks& row : rows) out += inject(row.ns, row.block, row.count, "");
    if (rows.empty()) out += comment("there are none");
    return out;
}

}  // namespace mcemu::formats
